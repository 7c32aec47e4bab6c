"""Compensation as agents say it: granted within limits and never twice, issued, refused."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from followupd.domain import events as e
from followupd.domain.case import Case
from followupd.domain.command import Command, expected
from followupd.domain.compensation import Compensation, Gift, GrantState, Money, above_cap
from followupd.domain.promise import FoundCompensation
from followupd.domain.team import Agent
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.context import CommandContext, about, numbered, within_limit
from followupd.recovery.commands.lifecycle import opened


def next_grant(case: Case) -> int:
    return max((grant.n for grant in case.compensation), default=0) + 1


def give(command: Command, scene: CommandContext) -> list[e.Event]:
    kind = Gift(command.verb)
    money = _tag_money(command, scene) if kind in {Gift.REFUND, Gift.CREDIT, Gift.GIFT_CARD} else None
    if kind is Gift.COUPON:
        money = (
            scene.grammar.money(command.text)
            if re.search(r"\d[\d.,]*\s*[A-Z€$£]{1,3}\b|[€$£]", command.text)
            else None
        )
    text = "" if money and kind is not Gift.COUPON else command.text
    grant = Compensation(
        n=0, kind=kind, state=GrantState.GRANTED, money=money, text=text, source=command.source
    )
    return [*opened(command, scene), *grant_once(command, scene, grant)]


def _tag_money(command: Command, scene: CommandContext) -> Money:
    # A keyword cannot hold a blank: "25-eur", "25_50" and "25.50eur" are what agents type.
    text = re.sub(r"(?<=\d)[-_ ]?(?=[A-Za-z]{3}\b)", " ", command.text)
    text = re.sub(r"(?<=\d)_(?=\d\d\b)", ".", text)
    try:
        money = scene.grammar.money(re.sub(r"\b[a-z]{3}\b", lambda code: code.group().upper(), text))
    except ValueError as problem:
        raise NotUnderstoodError(f"{command.line!r}: {problem}") from None
    if money is None or money.minor == 0:
        raise NotUnderstoodError(
            f"{command.line!r} names no amount I can read; expected {expected(command.verb)!r}"
        )
    return money


def grant_once(command: Command, scene: CommandContext, grant: Compensation) -> list[e.Event]:
    """Give a grant its number and its state; the same grant twice is one grant."""
    twin = _twin(scene.case.compensation, grant)
    if twin is None:
        return [granted(command, scene, judged(command, scene, replace(grant, n=next_grant(scene.case))))]
    return (
        [granted(command, scene, judged(command, scene, twin))] if twin.state is GrantState.PROPOSED else []
    )


def granted(command: Command, scene: CommandContext, grant: Compensation) -> e.Event:
    return e.CompensationGranted(at=scene.now, compensation=grant, **about(command))


def _twin(grants: Iterable[Compensation], grant: Compensation) -> Compensation | None:
    """Find the same grant: two tagged mails of a thread must not refund twice, nor send two replacements."""
    same = (g for g in grants if g.kind is grant.kind and g.money == grant.money)
    open_ones = (g for g in same if g.state is not GrantState.REFUSED)
    told_by_text = grant.money is None and grant.kind in {Gift.COUPON, Gift.GESTURE}
    return next((g for g in open_ones if not told_by_text or g.text == grant.text), None)


def judged(command: Command, scene: CommandContext, grant: Compensation) -> Compensation:
    """Return the grant with its state: the agent's own to give (practice 50), or waiting for a lead, and why."""
    agent = scene.playbook.team.by_id(command.agent) or scene.playbook.owner_of(scene.case.owner)
    why = _above_limit(agent, grant.money) or _above_cap(scene, grant) or _given_elsewhere(scene, grant)
    state = GrantState.WAITING_APPROVAL if why else GrantState.GRANTED
    return replace(grant, state=state, because=why, agent=agent.id)


def _above_limit(agent: Agent, money: Money | None) -> str:
    if money is None or agent.limit is None or within_limit(agent, money):
        return ""
    said = f"{money.amount} {money.currency}"
    if money.currency != agent.limit.currency:
        return f"{said} is of another currency than the limit of {agent.name}, {agent.limit.amount} {agent.limit.currency}"
    return f"{said} is above the limit of {agent.name}, {agent.limit.amount} {agent.limit.currency}"


def _above_cap(scene: CommandContext, grant: Compensation) -> str:
    local = scene.playbook.calendar.local
    here = [each for each in scene.case.compensation if each.n != grant.n]
    given = [*here, *(other.grant for other in scene.others)]
    today = local(scene.now)
    return above_cap(
        scene.cap,
        given,
        grant.money,
        lambda at: (local(at).year, local(at).month) == (today.year, today.month),
    )


def _given_elsewhere(scene: CommandContext, grant: Compensation) -> str:
    """One trouble told in two mails may be two cases; the same grant in both is asked about, not given twice."""
    for other in scene.others:
        if other.open and other.grant.state is not GrantState.PROPOSED and _twin([other.grant], grant):
            value = f" of {grant.money.amount} {grant.money.currency}" if grant.money else ""
            return f"the same {grant.kind}{value} is granted to this customer in {other.ref} already"
    return ""


def issued(command: Command, scene: CommandContext) -> list[e.Event]:
    """It was given; a promise that the same deed keeps is kept with it."""
    open_ones = {
        g.n: g for g in scene.case.compensation if g.state in {GrantState.GRANTED, GrantState.MISSING}
    }
    done = [g.n for g in scene.case.compensation if g.state in {GrantState.ISSUED, GrantState.CONFIRMED}]
    # A gift card is issued when its letter leaves; only by its number does somebody say that it was given by hand.
    meant = [n for n, grant in open_ones.items() if command.text or grant.kind is not Gift.GIFT_CARD]
    numbers = numbered(command, meant, "compensation", done)
    given: list[e.Event] = [e.CompensationIssued(at=scene.now, n=n, **about(command)) for n in numbers]
    owed = {promise.n for promise in scene.case.owed}
    kept = dict.fromkeys(open_ones[n].promise for n in numbers if open_ones[n].promise in owed)
    return [*given, *(e.PromiseKept(at=scene.now, n=n, **about(command)) for n in kept)]


def refused(command: Command, scene: CommandContext) -> list[e.Event]:
    open_ones = [
        g.n
        for g in scene.case.compensation
        if g.state in {GrantState.PROPOSED, GrantState.WAITING_APPROVAL, GrantState.GRANTED}
    ]
    return [
        e.CompensationRefused(at=scene.now, n=n, **about(command))
        for n in numbered(command, open_ones, "compensation")
    ]


def heard_grants(
    command: Command, scene: CommandContext, grants: Sequence[tuple[FoundCompensation, int]]
) -> list[e.Event]:
    """Grant what was heard in a reply; what it says was given already is issued too."""
    found: list[e.Event] = []
    case = scene.case
    for heard, promise in grants:
        grant = Compensation(
            n=0,
            kind=Gift(heard.kind),
            state=GrantState.GRANTED,
            money=_heard_money(heard, scene),
            text=heard.text,
            source="reply",
            promise=promise,
        )
        made = grant_once(command, replace(scene, case=case), grant)
        given = made[-1] if made and heard.past else None
        if isinstance(given, e.CompensationGranted) and given.compensation.state is GrantState.GRANTED:
            made.append(e.CompensationIssued(at=scene.now, n=given.compensation.n, **about(command)))
        for event in made:
            case = event.apply(case)
        found += made
    return found


def _heard_money(grant: FoundCompensation, scene: CommandContext) -> Money | None:
    return Money.of(grant.amount, grant.currency or scene.playbook.company.currency) if grant.amount else None
