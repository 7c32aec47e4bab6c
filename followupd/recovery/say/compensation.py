"""Compensation as agents say it: granted within limits and never twice, issued, refused."""

import re
from collections.abc import Sequence
from dataclasses import replace

from followupd.errors import NotUnderstoodError
from followupd.model import event as e
from followupd.model.case import Case
from followupd.model.command import Command, expected
from followupd.model.compensation import Compensation, Gift, GrantState, Money
from followupd.model.promise import HeardGrant
from followupd.recovery.say.life import opened
from followupd.recovery.say.scene import Scene, about, numbered, within_limit


def next_grant(case: Case) -> int:
    return max((grant.n for grant in case.compensation), default=0) + 1


def give(command: Command, scene: Scene) -> list[e.Event]:
    kind = Gift(command.verb)
    money = _tag_money(command, scene) if kind in {Gift.REFUND, Gift.CREDIT, Gift.GIFT_CARD} else None
    if kind is Gift.COUPON:
        money = (
            scene.grammar.money(command.text) if re.search(r"\d[\d.,]*\s*[A-Z€$£]{1,3}\b|[€$£]", command.text) else None
        )
    text = "" if money and kind is not Gift.COUPON else command.text
    return [*opened(command, scene), *grant_once(command, scene, kind, money, text, command.source)]


def _tag_money(command: Command, scene: Scene) -> Money:
    # A keyword cannot hold a blank: "25-eur", "25_50" and "25.50eur" are what agents type.
    text = re.sub(r"(?<=\d)[-_ ]?(?=[A-Za-z]{3}\b)", " ", command.text)
    text = re.sub(r"(?<=\d)_(?=\d\d\b)", ".", text)
    try:
        money = scene.grammar.money(re.sub(r"\b[a-z]{3}\b", lambda code: code.group().upper(), text))
    except ValueError as problem:
        raise NotUnderstoodError(f"{command.line!r}: {problem}") from None
    if money is None or money.minor == 0:
        raise NotUnderstoodError(f"{command.line!r} names no amount I can read; expected {expected(command.verb)!r}")
    return money


def grant_once(
    command: Command, scene: Scene, kind: Gift, money: Money | None, text: str, source: str
) -> list[e.Event]:
    twin = _twin(scene.case, kind, money, text)
    if twin:
        if twin.state is GrantState.PROPOSED:
            return [granted(command, scene, replace(twin, state=state_for(command, scene, money)))]
        return []
    grant = Compensation(
        n=next_grant(scene.case),
        kind=kind,
        state=state_for(command, scene, money),
        money=money,
        text=text,
        source=source,
    )
    return [granted(command, scene, grant)]


def granted(command: Command, scene: Scene, grant: Compensation) -> e.Event:
    return e.CompensationGranted(at=scene.now, compensation=grant, **about(command))


def _twin(case: Case, kind: Gift, money: Money | None, text: str) -> Compensation | None:
    """The same grant twice is one grant: two tagged mails of a thread must not refund twice."""
    same = (g for g in case.compensation if g.kind is kind and g.money == money and g.state is not GrantState.REFUSED)
    return next((g for g in same if money is not None or g.text == text), None)


def state_for(command: Command, scene: Scene, money: Money | None) -> GrantState:
    """Up to the limit an agent grants alone (practice 50); above it a lead agrees first."""
    agent = scene.playbook.team.by_id(command.agent) or scene.playbook.owner_of(scene.case.owner)
    return GrantState.GRANTED if within_limit(agent, money) else GrantState.WAITING_APPROVAL


def issued(command: Command, scene: Scene) -> list[e.Event]:
    open_ones = [g.n for g in scene.case.compensation if g.state in {GrantState.GRANTED, GrantState.MISSING}]
    return [
        e.CompensationIssued(at=scene.now, n=n, **about(command)) for n in numbered(command, open_ones, "compensation")
    ]


def refused(command: Command, scene: Scene) -> list[e.Event]:
    open_ones = [
        g.n for g in scene.case.compensation
        if g.state in {GrantState.PROPOSED, GrantState.WAITING_APPROVAL, GrantState.GRANTED}
    ]  # fmt: skip
    return [
        e.CompensationRefused(at=scene.now, n=n, **about(command)) for n in numbered(command, open_ones, "compensation")
    ]


def heard_grants(command: Command, scene: Scene, grants: Sequence[HeardGrant]) -> list[e.Event]:
    found: list[e.Event] = []
    case = scene.case
    for grant in grants:
        money = _heard_money(grant, scene)
        made = grant_once(command, replace(scene, case=case), Gift(grant.kind), money, grant.text, "reply")
        if grant.past and made:
            given = made[-1]
            if isinstance(given, e.CompensationGranted) and given.compensation.state is GrantState.GRANTED:
                made.append(e.CompensationIssued(at=scene.now, n=given.compensation.n, **about(command)))
        for event in made:
            case = event.on(case)
        found += made
    return found


def _heard_money(grant: HeardGrant, scene: Scene) -> Money | None:
    return Money.of(grant.amount, grant.currency or scene.playbook.company.currency) if grant.amount else None
