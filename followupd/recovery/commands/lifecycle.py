"""Commands about the stage of the case: complaint, fixed, closed, on hold, reached; and taking words back."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from followupd.domain.case import NO_COMPLAINT, PUT_RIGHT, WORKING, Case, Stage, numbers
from followupd.domain.command import (
    CALLED_A_COMPLAINT,
    UNKNOWN_ACTOR,
    Command,
    form_shown,
    line_shown,
)
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.events import (
    Closed,
    CompensationApproved,
    CompensationGranted,
    CompensationIssued,
    CompensationRefused,
    ComplaintHeard,
    ComplaintSuspected,
    CustomerNotReached,
    CustomerReached,
    Dismissed,
    Event,
    FactReturned,
    FactsStated,
    Fixed,
    Held,
    HelpAsked,
    HelpSettled,
    LetterWritten,
    OwnerChosen,
    PlaybookChosen,
    PromiseKept,
    PromiseLate,
    PromiseMade,
    PromiseWithdrawn,
    Released,
    Remarked,
    Reopened,
    SeverityChosen,
)
from followupd.domain.letter import LetterKind, LetterRecordState
from followupd.domain.lifecycle import fold
from followupd.domain.promise import PromiseState
from followupd.domain.translatable import msg
from followupd.errors import NotUnderstoodError
from followupd.recovery.blockers import gifts, still_to_give
from followupd.recovery.commands.context import CommandContext, origin

_TAG = "tag"
#: what the history has of a complaint that a tag reported, in a case or with the opening of one
_TAGGED_AS_COMPLAINT = frozenset({f"{_TAG}: complaint", CALLED_A_COMPLAINT})
#: how the history begins that has a word of an agent
_SAID = re.compile(r"(?:tag|folder|note|digest|tell): ")
#: how it has a word that took another back, which is at its end
_TAKEN_BACK = re.compile(r"(?:tag|folder|note|digest|tell): undo(?:: (.*))?", re.DOTALL)
_UNDONE = "taken back"


def complaint(command: Command, context: CommandContext) -> list[Event]:
    """Say that it is a complaint, confirm that the recogniser was right, or reopen the case."""
    case = context.case

    if case.stage in {Stage.CLOSED, Stage.FOLLOWED_UP}:
        return [Reopened(anew=case.stage is Stage.CLOSED, **origin(command, context))]
    if case.stage in NO_COMPLAINT or case.by_machine:
        return [ComplaintHeard(**origin(command, context))]
    return []


def opened(command: Command, context: CommandContext) -> list[Event]:
    """Say that it is a complaint, as a promise or a grant does by the way."""
    if context.case.stage not in NO_COMPLAINT:
        return []
    return complaint(command, context)


def dismiss(command: Command, context: CommandContext) -> list[Event]:
    """Say that it is no complaint; what was put right already can only be closed.

    Raises:
        NotUnderstoodError: the case was put right already.
    """
    case = context.case

    if case.stage is Stage.DISMISSED:
        return []
    if case.stage in PUT_RIGHT:
        problem = msg(
            "{ref} is {stage} and cannot be dismissed; say 'close'", ref=case.ref, stage=case.stage.named
        )
        raise NotUnderstoodError(problem)
    return [Dismissed(**origin(command, context))]


def fixed(command: Command, context: CommandContext) -> list[Event]:
    """Say that it is put right; said again, it answers a mail that the customer wrote since."""
    case = context.case
    is_answer = case.stage is Stage.FIXED and (case.unanswered or case.set_aside)
    if case.stage in PUT_RIGHT and not is_answer:
        return []

    return [*opened(command, context), Fixed(**origin(command, context))]


def close(command: Command, context: CommandContext) -> list[Event]:
    """Close the case, unless something is still owed.

    Raises:
        NotUnderstoodError: something is still owed, or nothing was done for the customer.
    """
    if context.case.stage is Stage.CLOSED:
        return []

    problem = _why_open(context.case) or _why_without_gift(context)
    if problem:
        raise NotUnderstoodError(problem)
    return [Closed(**origin(command, context))]


def _why_open(case: Case) -> str:
    """Return why a case cannot be closed and what to say first, "" when it can.

    Without a promise or a gesture nothing was done for the customer, who expects something (practice 57).
    """
    if case.stage in NO_COMPLAINT:
        return msg("{ref} is {stage}; say 'dismiss' or 'complaint'", ref=case.ref, stage=case.stage.named)

    owed = numbers(case.owed)
    if owed:
        return msg(
            "{ref} cannot close while promise {numbers} is owed; say 'kept: N' or 'withdraw: N because ...'",
            ref=case.ref,
            numbers=_list(owed),
        )

    untold = numbers(case.untold)
    if untold:
        return msg(
            "{ref} cannot close while the customer has promise {numbers} in writing; "
            "the letter that says so leaves within minutes, or answer the customer yourself",
            ref=case.ref,
            numbers=_list(untold),
        )

    to_give = numbers(grant for grant in case.compensation if _blocks_close(grant, case))
    if to_give:
        return msg(
            "{ref} cannot close while compensation {numbers} is not given; "
            "say 'issued: N' or 'refused: N' first",
            ref=case.ref,
            numbers=_list(to_give),
        )

    if not case.promises and not case.compensation:
        return msg(
            "{ref} cannot close without a next step or a gesture; say 'gesture: ...' first", ref=case.ref
        )
    return ""


def _why_without_gift(context: CommandContext) -> str:
    """Return why a case cannot be closed without a gift or a reason for none, "" when it can (practice 43)."""
    missing = gifts(context.case, context.playbook)
    if not missing:
        return ""
    return msg(
        "{ref} cannot close yet: {what}; say '{line}', or 'no-gift: why'",
        ref=context.case.ref,
        what=missing[0].sentence,
        line=missing[0].ask,
    )


def _list(items: list[int]) -> str:
    """Return numbers in a sentence: "1, 3"."""
    return ", ".join(map(str, items))


def _blocks_close(grant: Compensation, case: Case) -> bool:
    """Return whether a grant must be given first; a gift card is sent after the follow-up, closed or not."""
    is_granted_card = grant.kind is Gift.GIFT_CARD and grant.state is GrantState.GRANTED
    if is_granted_card and case.stage is Stage.FOLLOWED_UP:
        return False

    return still_to_give(grant)


def hold(command: Command, context: CommandContext) -> list[Event]:
    """Put the case on hold, for good or until a day, on which it ends by itself.

    Raises:
        NotUnderstoodError: the text is no date, or one that has come already.
    """
    until = _hold_ends(command, context) if command.text else None
    if context.case.held and context.case.held_until == until:
        return []
    return [Held(until=until, **origin(command, context))]


def _hold_ends(command: Command, context: CommandContext) -> datetime:
    """Return when a hold ends: at opening, where only a day is named.

    Raises:
        NotUnderstoodError: the text is no date, or one that has come already.
    """
    said, _ = context.reader.split_reason(command.text)
    rest, date, *_ = context.reader.split_until(said, context.now)
    if date is None or any(map(str.isalnum, rest)):
        problem = msg(
            "{line} names no day I can read; expected {form}",
            line=line_shown(command.line),
            form=form_shown("hold"),
        )
        raise NotUnderstoodError(problem)

    calendar = context.playbook.calendar
    day = calendar.local(date).date()
    if date == calendar.close_of(day):
        date = calendar.moment(day, calendar.open)
    if date <= context.now:
        raise NotUnderstoodError(
            msg("{line} names a day that has come already", line=line_shown(command.line))
        )
    return date


def release(command: Command, context: CommandContext) -> list[Event]:
    """End the hold."""
    if not context.case.held:
        return []
    return [Released(**origin(command, context))]


def reached(command: Command, context: CommandContext) -> list[Event]:
    """Say that somebody spoke with the customer; a voice mail reaches nobody (practice 69)."""
    if context.reader.reached_nobody(command.text):
        return not_reached(command, context)

    if context.case.reached and not context.case.not_reached:
        return []
    return [CustomerReached(**origin(command, context))]


def not_reached(command: Command, context: CommandContext) -> list[Event]:
    """Say that nobody spoke with the customer; each further attempt is reported, and reminded of, again."""
    if context.case.not_reached_at == context.now:
        return []

    why = command.text or "nobody answered the phone"
    return [CustomerNotReached(at=context.now, by=command.actor, why=why)]


def untagged(command: Command, context: CommandContext, history: Sequence[Event]) -> list[Event]:
    """Take back what a tag said that was removed: a hold, or a complaint that nobody was told of.

    Where something else was said since, by a person or a playbook's letter, the tag is no longer what counts.

    Args:
        command: its verb is the tag that was removed.
        context: with the case as it is now.
        history: the events of the case, the oldest first.

    Raises:
        NotUnderstoodError: a letter to the customer has left.
    """
    if command.verb != "hold":
        return _untagged_complaint(command, context, history)

    case = context.case
    by_tag = case.held and case.held_because == f"{_TAG}: hold"
    return [Released(**origin(command, context))] if by_tag else []


def _untagged_complaint(command: Command, context: CommandContext, history: Sequence[Event]) -> list[Event]:
    """Dismiss a case that only a tag made a complaint, if nothing was promised or given since.

    The playbook's standing next steps do not count as promised.

    Args:
        command: made of the tag that was removed.
        context: with the case.
        history: the events of the case, oldest first; the last complaint among them counts.

    Raises:
        NotUnderstoodError: a letter to the customer has left.
    """
    case = context.case
    heard = [event for event in history if isinstance(event, ComplaintHeard)]
    if case.stage not in WORKING or not heard or heard[-1].why not in _TAGGED_AS_COMPLAINT:
        return []
    if any(promise.source != "playbook" for promise in case.promises) or case.compensation:
        return []

    if _was_written_to(case):
        problem = msg(
            "the tag complaint was removed, and a letter has left already; say 'dismiss' if it is none"
        )
        raise NotUnderstoodError(problem)
    return [Dismissed(**origin(command, context))]


def _was_written_to(case: Case) -> bool:
    """Return whether a letter to the customer was sent, or may have been."""
    gone = {LetterRecordState.SENT, LetterRecordState.DOUBT, LetterRecordState.FAILED}
    return any(record.kind.to_customer and record.state in gone for record in case.letters)


def undo(command: Command, context: CommandContext) -> list[Event]:
    """Take back the last line about the case, where nobody outside has heard of it.

    Raises:
        NotUnderstoodError: there is none, it is somebody else's, it was taken back, or it cannot be.
    """
    group = _last_word(command, context)
    place = next(place for place, event in enumerate(context.history) if event is group[0])
    before = fold(context.history[:place])
    said = group[0].why.partition(": ")[2]
    spoken = replace(command, text=said)  # the history says what was taken back
    events = [event for done in reversed(group) for event in _inverse(done, before, spoken, context)]
    if not events:
        problem = msg("{line} cannot be taken back; say what you mean instead", line=line_shown(said))
        raise NotUnderstoodError(problem)
    return events


def taken_back(history: Iterable[Event]) -> str:
    """Return the line that the last `undo` took back, "" where there was none."""
    found = [match[1] for event in history if (match := _TAKEN_BACK.fullmatch(event.why))]
    return "".join(found[-1:])


def said_with_it(history: Iterable[Event]) -> str:
    """Return the line that stands before the one that the last `undo` took back, "" where it was not said with it.

    Args:
        history: the history of a case, which ends with an `undo`.
    """
    words = _words(history)
    undone = next((n for n in reversed(range(len(words))) if _TAKEN_BACK.fullmatch(words[n].why)), 0)
    taken, stands = _last_standing(words[:undone]), _last_standing(words)
    if not (taken and stands) or (taken[0].at, taken[0].by) != (stands[0].at, stands[0].by):
        return ""
    return stands[0].why.partition(": ")[2]


def _words(history: Iterable[Event]) -> list[Event]:
    """Return the events of the orders that people gave; free words are none."""
    return [e for e in history if _SAID.match(e.why) and not isinstance(e, FactReturned | Remarked)]


def _last_word(command: Command, context: CommandContext) -> list[Event]:
    """Return the events of the last line, tag or move that stands: one that was taken back does not.

    Args:
        command: the `undo`. Where it is known who gives it, the last word must be that agent's, or one of which
            nobody knows whose it is.
        context: with the history of the case.

    Returns:
        One event or more, in the order of the history.

    Raises:
        NotUnderstoodError: there is none, it is somebody else's, or it was taken back.
    """
    words = _words(context.history)
    if not words:
        problem = msg("nobody has said anything about {ref} that could be taken back", ref=context.case.ref)
        raise NotUnderstoodError(problem)

    group = _last_standing(words)
    if not group:
        raise NotUnderstoodError(msg("the last word was taken back already; say what you mean instead"))
    last = group[0]
    said = last.why.partition(": ")[2]
    if command.agent and last.by not in {command.actor, UNKNOWN_ACTOR}:
        problem = msg(
            "the last word is that of {who}, {line}; say what you mean instead",
            who=last.by,
            line=line_shown(said),
        )
        raise NotUnderstoodError(problem)
    return group


def _last_standing(words: Sequence[Event]) -> list[Event]:
    """Return the events of the last line, tag or move that no `undo` has taken back, [] for none.

    Each `undo` takes back one before it.

    Args:
        words: what was said, in the order of the history.
    """
    lines = [list(said) for _, said in groupby(words, lambda event: (event.at, event.why, event.by))]
    undone = 0
    for said in reversed(lines):
        if _TAKEN_BACK.fullmatch(said[0].why):
            undone += 1
        elif undone:
            undone -= 1
        else:
            return said
    return []


def _inverse(done: Event, before: Case, command: Command, context: CommandContext) -> list[Event]:
    """Return the events that take one event back.

    Returns:
        No event for one that cannot be taken back.

    Raises:
        NotUnderstoodError: the customer knows of it, or it is in a letter that has left.
    """
    fields = origin(command, context)
    match done:
        case FactsStated():
            return [FactsStated(facts=tuple(_fact_before(name, before) for name, _ in done.facts), **fields)]
        case Held() if not before.held:
            return [Released(**fields)]
        case Held() | Released():
            return [Held(until=before.held_until, **fields)]
        case OwnerChosen():
            return [OwnerChosen(owner=before.owner, **fields)]
        case PlaybookChosen():
            return [PlaybookChosen(playbook=before.playbook, **fields)]
        case SeverityChosen():
            return [SeverityChosen(severity=before.severity, **fields)]
        case HelpAsked():
            return [HelpSettled(n=done.request.n, **fields)]
    return _stage_before(done, before, command, context) or _owed_before(done, before, command, context)


def _fact_before(name: str, before: Case) -> tuple[str, str]:
    """Return a fact as it was; one that was not known is empty again."""
    return name, before.facts.text(name)


def _stage_before(done: Event, before: Case, command: Command, context: CommandContext) -> list[Event]:
    """Return what brings a case back to the stage before, as far as the stages allow it."""
    fields = origin(command, context)
    match done:
        case Fixed() if before.stage in WORKING and not context.case.was_sent(LetterKind.FOLLOW_UP):
            return [Reopened(**fields)]
        case Closed():
            return [Reopened(**fields)]
        case Dismissed() if before.stage is Stage.SUSPECTED:
            return [ComplaintSuspected(**fields)]
        case Dismissed():
            return [ComplaintHeard(**fields)]
    return []


def _owed_before(done: Event, before: Case, command: Command, context: CommandContext) -> list[Event]:
    """Return what makes a promise or a grant again what it was."""
    match done:
        case PromiseMade():
            return _without_promise(done.promise.n, before, command, context)
        case PromiseKept() | PromiseLate() | PromiseWithdrawn():
            return _promise_as_before(done.n, before, command, context)
        case CompensationGranted():
            return _without_grant(done.compensation.n, done.at, before, command, context)
        case CompensationIssued() | CompensationRefused() | CompensationApproved():
            grant = before.grant(done.n)
            return [CompensationGranted(compensation=grant, **origin(command, context))] if grant else []
    return []


def _without_promise(n: int, before: Case, command: Command, context: CommandContext) -> list[Event]:
    """Return what takes a promise back that was made, or approved, and is not in writing.

    A promise that was proposed before becomes a proposal again, and one that was not there is withdrawn.

    Args:
        n: its number.
        before: the case before.
        command: the agent's order.
        context: what the services share.

    Raises:
        NotUnderstoodError: the customer has it in writing.
    """
    promise = context.case.promise(n)
    if promise is None or promise.confirmed:
        problem = msg("the customer has promise {n} in writing; say 'withdraw: {n} because ...'", n=n)
        raise NotUnderstoodError(problem)

    earlier = before.promise(n)
    if earlier is not None:
        return [PromiseMade(promise=earlier, **origin(command, context))]
    return [PromiseWithdrawn(n=n, because=_UNDONE, **origin(command, context))]


def _promise_as_before(n: int, before: Case, command: Command, context: CommandContext) -> list[Event]:
    """Return what makes a promise again what it was before it was kept, moved or withdrawn.

    Args:
        n: its number.
        before: the case before.
        command: the agent's order.
        context: what the services share.

    Raises:
        NotUnderstoodError: a letter has told the customer since.
    """
    earlier, now = before.promise(n), context.case.promise(n)
    if earlier is None or now is None:
        return []

    told_since = now.confirmed != earlier.confirmed and bool(now.confirmed)
    if told_since or (now.state is PromiseState.WITHDRAWN and earlier.confirmed and not now.untold_since):
        problem = msg("the customer was told of promise {n} meanwhile; say what you promise now", n=n)
        raise NotUnderstoodError(problem)
    return [PromiseMade(promise=earlier, **origin(command, context))]


def _without_grant(
    n: int, at: datetime, before: Case, command: Command, context: CommandContext
) -> list[Event]:
    """Return what takes a grant back that no letter has named since it was given.

    Args:
        n: the number of the grant.
        at: when it was given.
        before: the case before.
        command: the agent's order.
        context: what the services share.

    Raises:
        NotUnderstoodError: a letter has left since, or may have left.
    """
    sent = context.case.letters_in(LetterRecordState.SENT, LetterRecordState.DOUBT)
    before_it = {each.key for each in context.history if isinstance(each, LetterWritten) and each.at < at}
    if any(record.kind.to_customer and record.at > at and record.key not in before_it for record in sent):
        problem = msg("a letter has left since; say 'refused: {n}' and tell the customer", n=n)
        raise NotUnderstoodError(problem)

    earlier = before.grant(n)
    if earlier is not None:
        return [CompensationGranted(compensation=earlier, **origin(command, context))]
    return [CompensationRefused(n=n, **origin(command, context))]
