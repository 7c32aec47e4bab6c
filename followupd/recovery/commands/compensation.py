"""Commands about compensation: grant it within limits and never twice, issue or refuse it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from followupd.domain.case import PUT_RIGHT, numbers
from followupd.domain.command import Command, form_shown, line_shown
from followupd.domain.compensation import (
    ABOVE_LIMIT,
    OTHER_CURRENCY,
    Compensation,
    Gift,
    GrantState,
    Money,
    above_cap,
)
from followupd.domain.events import (
    CompensationConfirmed,
    CompensationGranted,
    CompensationIssued,
    CompensationMissing,
    CompensationRefused,
    Event,
    PromiseKept,
    Reopened,
)
from followupd.domain.letter import LetterRecordState
from followupd.domain.playbook import Agent
from followupd.domain.promise import FoundCompensation
from followupd.domain.translatable import msg
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.context import (
    CommandContext,
    check_approved,
    chosen_numbers,
    numbered_events,
    origin,
    within_limit,
)
from followupd.recovery.commands.lifecycle import opened

#: kinds that are nothing without an amount
_WITH_AMOUNT = frozenset({Gift.REFUND, Gift.CREDIT, Gift.GIFT_CARD})
#: states in which the customer has it
_GIVEN = frozenset({GrantState.ISSUED, GrantState.CONFIRMED})
#: kinds that are told apart by their text when they have no amount
_TOLD_APART_BY_TEXT = frozenset({Gift.COUPON, Gift.GESTURE})

#: states of a letter that the customer may have read
_MAY_HAVE_LEFT = (LetterRecordState.SENT, LetterRecordState.DOUBT)
#: a number with a currency, which in the text of a coupon is its value and not a part of its code
_AMOUNT = re.compile(r"\d[\d.,]{0,20}\s{0,9}[A-Z€$£]{1,3}\b|[€$£]")


def give(command: Command, context: CommandContext) -> list[Event]:
    """Grant compensation of the kind that the verb names.

    Raises:
        NotUnderstoodError: an amount is missing.
    """
    kind, text = Gift(command.verb), command.text
    money = None

    if kind in _WITH_AMOUNT:
        money, text = _required_amount(command, context), ""
    elif kind is Gift.COUPON and _AMOUNT.search(text):
        money = context.reader.money(text)

    grant = Compensation(
        n=0,
        kind=kind,
        state=GrantState.GRANTED,
        money=money,
        text=text,
        source=command.source,
    )
    _check_no_other(command, context, grant)
    return [*opened(command, context), *grant_once(command, context, grant)]


def _check_no_other(command: Command, context: CommandContext, grant: Compensation) -> None:
    """Ask whether a second amount of one kind is meant instead of the first, of which the customer has not heard.

    Args:
        command: the agent's order; its line is repeated in the question.
        context: with the case, as it is before the order.
        grant: what is to be given; one without an amount is never a second one.

    Raises:
        NotUnderstoodError: there is such a grant.
    """
    case = context.case
    told_at = max((r.at for r in case.letters_in(*_MAY_HAVE_LEFT) if r.kind.to_customer), default=None)
    for other in case.grants_in(GrantState.GRANTED, GrantState.WAITING_APPROVAL):
        untold = other.granted_at is not None and (told_at is None or told_at <= other.granted_at)
        is_rival = other.kind is grant.kind and None not in {other.money, grant.money}
        if is_rival and untold and other.source != "reply" and other.money != grant.money:
            line = line_shown(command.line)
            problem = msg(
                "{line}: {grant} was given before, and the customer has not heard of it. The lines below put this "
                "in its place; to give both, say the sum",
                line=line,
                grant=other.named,
            )
            raise NotUnderstoodError(problem, f"refused: {other.n}\n{command.line}")


def _required_amount(command: Command, context: CommandContext) -> Money:
    """Return the amount of a command.

    An IMAP keyword cannot contain a blank, so agents write "25-eur", "25_50" and "25.50eur" in tags.

    Raises:
        NotUnderstoodError: there is no amount, or it is zero.
    """
    text = re.sub(r"(?<=\d)[-_ ]?(?=[A-Za-z]{3}\b)", " ", command.text)
    text = re.sub(r"(?<=\d)_(?=\d\d\b)", ".", text)
    text = re.sub(r"\b[a-z]{3}\b", lambda code: code.group().upper(), text)

    try:
        money = context.reader.money(text)
    except ValueError as error:
        raise NotUnderstoodError(msg("{line}: {error}", line=line_shown(command.line), error=error)) from None

    if money is None or money.minor == 0:
        line, form = line_shown(command.line), form_shown(command.verb)
        problem = msg("{line} names no amount I can read; expected {form}", line=line, form=form)
        raise NotUnderstoodError(problem)
    return money


def grant_once(command: Command, context: CommandContext, grant: Compensation) -> list[Event]:
    """Grant compensation with the next number.

    When the case has the same grant already, a proposed one is approved, and any other stays as it is.

    Returns:
        No event where the same grant was decided already.
    """
    same = _find_same(context.case.compensation, grant)
    vague = None if same else _without_amount(context.case.compensation, grant)

    if vague:
        return _filled(command, context, vague, grant)
    if same is None:
        return [granted(command, context, replace(grant, n=context.case.next_grant))]
    if same.state is GrantState.PROPOSED:
        return [granted(command, context, same)]
    return []


def _without_amount(grants: Iterable[Compensation], grant: Compensation) -> Compensation | None:
    """Return the grant of this kind that was read in a reply without an amount, or that this one repeats without one.

    "We refunded the charge" and "refund: 49.90 EUR" are one refund.
    """
    read = [other for other in grants if (other.kind, other.source) == (grant.kind, "reply")]
    vague = (other for other in read if None in {other.money, grant.money})
    wanted = grant.kind in _WITH_AMOUNT
    return next((other for other in vague if wanted and other.state is not GrantState.REFUSED), None)


def _filled(
    command: Command, context: CommandContext, vague: Compensation, grant: Compensation
) -> list[Event]:
    """Give a grant the amount that is said now; it stays issued if it was, and the limit counts."""
    if grant.money is None:
        return []
    new = granted(command, context, replace(vague, money=grant.money))
    if vague.state in _GIVEN and new.compensation.state is GrantState.GRANTED:
        return [new, *numbered_events(CompensationIssued, [vague.n], command, context)]
    return [new]


def granted(command: Command, context: CommandContext, grant: Compensation) -> CompensationGranted:
    """Return that this is granted, or waits for a lead's approval, and why.

    Args:
        command: whose agent grants; where nobody proved who it was, that is the owner of the case.
        context: with the limits, and with what the customer was granted in other cases.
        grant: with the number that it has or gets in the case; its state does not count.
    """
    agent = context.playbook.team.by_id(command.agent) or context.playbook.owner_of(context.case.owner)
    because = (
        _above_limit(agent, grant.money) or _above_cap(context, grant) or _granted_elsewhere(context, grant)
    )
    state = GrantState.WAITING_APPROVAL if because else GrantState.GRANTED
    grant = replace(grant, state=state, because=because, agent=agent.id)
    return CompensationGranted(compensation=grant, **origin(command, context))


def _find_same(grants: Iterable[Compensation], grant: Compensation) -> Compensation | None:
    """Return the same grant among these, so that two tagged mails of a thread do not refund twice."""
    kept = (other for other in grants if other.state is not GrantState.REFUSED)
    return next((other for other in kept if _identity(other) == _identity(grant)), None)


def _identity(grant: Compensation) -> tuple[Gift, Money | None, str]:
    """Return by what a grant is told apart from another one: kind and amount, and the text of some kinds."""
    by_text = grant.money is None and grant.kind in _TOLD_APART_BY_TEXT
    text = grant.text if by_text else ""

    return grant.kind, grant.money, text


def _above_limit(agent: Agent, money: Money | None) -> str:
    """Return that the amount is above what the agent grants alone (practice 50), "" when it is not."""
    if money is None or agent.limit is None or within_limit(agent, money):
        return ""

    if money.currency != agent.limit.currency:
        return msg(OTHER_CURRENCY, amount=money, name=agent.name, limit=agent.limit)
    return msg(ABOVE_LIMIT, amount=money, name=agent.name, limit=agent.limit)


def _above_cap(context: CommandContext, grant: Compensation) -> str:
    """Return that the customer would get more than the cap this month, in all cases together, "" when not."""
    local = context.playbook.calendar.local
    this_month = local(context.now).strftime("%Y-%m")
    here = [other for other in context.case.compensation if other.n != grant.n]
    elsewhere = [other.grant for other in context.other_grants]

    return above_cap(
        context.cap,
        [*here, *elsewhere],
        grant.money,
        lambda at: local(at).strftime("%Y-%m") == this_month,
    )


def _granted_elsewhere(context: CommandContext, grant: Compensation) -> str:
    """Return that another open case of the customer has the same grant.

    One problem may have become two cases.
    """
    value = f" of {grant.money}" if grant.money else ""

    for other in context.other_grants:
        if not other.open or other.grant.state is GrantState.PROPOSED:
            continue
        if _find_same([other.grant], grant):
            return f"the same {grant.kind}{value} is granted to this customer in {other.ref} already"
    return ""


def issued(command: Command, context: CommandContext) -> list[Event]:
    """Say that compensation was given; the promise that contains it is kept with it.

    A gift card is issued when its letter is sent; only a line with its number says that it was given by hand.

    Raises:
        NotUnderstoodError: there is no such grant to issue, or it is only proposed.
    """
    to_issue = _grants(context, GrantState.GRANTED, GrantState.MISSING)
    done = _grants(context, GrantState.ISSUED, GrantState.CONFIRMED)
    if not command.text:
        to_issue = {n: grant for n, grant in to_issue.items() if grant.kind is not Gift.GIFT_CARD}

    if command.text:
        proposed = list(_grants(context, GrantState.PROPOSED))
        check_approved(command, command.text, proposed, "compensation", context)
    chosen = chosen_numbers(command, list(to_issue), "compensation", done)
    owed = numbers(context.case.owed)
    promises = dict.fromkeys(to_issue[n].promise for n in chosen)
    kept = [n for n in promises if n in owed]

    return [
        *numbered_events(CompensationIssued, chosen, command, context),
        *numbered_events(PromiseKept, kept, command, context),
    ]


def refused(command: Command, context: CommandContext) -> list[Event]:
    """Say that compensation will not be given.

    Raises:
        NotUnderstoodError: there is no such grant to refuse.
    """
    to_refuse = _grants(context, GrantState.PROPOSED, GrantState.WAITING_APPROVAL, GrantState.GRANTED)
    chosen = chosen_numbers(command, list(to_refuse), "compensation")
    return numbered_events(CompensationRefused, chosen, command, context)


def received(command: Command, context: CommandContext) -> list[Event]:
    """Say that the customer has it.

    Raises:
        NotUnderstoodError: no such grant was issued.
    """
    known = _grants(context, GrantState.ISSUED, GrantState.MISSING)
    chosen = chosen_numbers(command, list(known), "compensation")
    return numbered_events(CompensationConfirmed, chosen, command, context)


def missing(command: Command, context: CommandContext) -> list[Event]:
    """Say that the customer does not have it, which reopens a case that was put right.

    Raises:
        NotUnderstoodError: no such grant was issued.
    """
    known = _grants(context, GrantState.ISSUED, GrantState.CONFIRMED)
    chosen = chosen_numbers(command, list(known), "compensation")
    events = numbered_events(CompensationMissing, chosen, command, context)

    if events and context.case.stage in PUT_RIGHT:
        events.append(Reopened(**origin(command, context)))
    return events


def found_grants(
    command: Command, context: CommandContext, grants: Sequence[tuple[FoundCompensation, int]]
) -> list[Event]:
    """Grant what was found in a reply, each with the number of its promise.

    What was given already is issued too.

    Args:
        command: the `promised` with which an agent says that the reply's promises count.
        context: with the case as it is before the first grant.
        grants: each with the number of the promise that the same action keeps, 0 for none.
    """
    events: list[Event] = []

    for found, promise in grants:
        grant = Compensation(
            n=0,
            kind=Gift(found.kind),
            state=GrantState.GRANTED,
            money=_found_money(found, context),
            text=found.text,
            source="reply",
            promise=promise,
        )
        new = grant_once(command, context, grant)
        if found.past:
            new += _issued_with(new, command, context)

        events += new
        case = context.case
        for event in new:  # so that the next grant has the next number
            case = event.apply(case)
        context = replace(context, case=case)
    return events


def _issued_with(events: list[Event], command: Command, context: CommandContext) -> list[Event]:
    """Return that what these events grant is issued, unless it waits for an approval.

    Args:
        events: the events of the order to give something, none of them stored yet.
        command: the order, for its author and source.
        context: with the case and the time.
    """
    granted_now = []
    for event in events:
        if isinstance(event, CompensationGranted) and event.compensation.state is GrantState.GRANTED:
            granted_now.append(event.compensation)

    return numbered_events(CompensationIssued, numbers(granted_now), command, context)


def _found_money(found: FoundCompensation, context: CommandContext) -> Money | None:
    """Return the amount that was found in a reply, None if there is none.

    An amount without a currency is in the company's.
    """
    if not found.amount:
        return None

    return Money.of(found.amount, found.currency or context.playbook.company.currency)


def _grants(context: CommandContext, *states: GrantState) -> dict[int, Compensation]:
    """Return the grants in these states by their numbers."""
    return {grant.n: grant for grant in context.case.grants_in(*states)}
