"""The confirmation: promises in writing after a quiet window; a new date in a delay letter at once."""

from dataclasses import replace
from datetime import datetime, timedelta

from followupd.domain.calendar import has_come
from followupd.domain.case import NO_COMPLAINT, PUT_RIGHT, Case, numbers
from followupd.domain.compensation import Compensation, Gift
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import OptionsAsked
from followupd.domain.letter import Letter, LetterKind, LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Option, Promise, PromiseState

#: a customer who keeps writing postpones the confirmation by at most this many quiet windows
_MAX_WINDOWS = 3


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when a letter is due about what is promised, or about what was withdrawn.

    Returns:
        A time in UTC, which may have passed; None when nothing is to be told, or all of it at once.
    """
    times = [_confirmation_due(case, playbook), *(_told_from(p, playbook) for p in case.untold)]
    if _late(case) or case.untold:
        times.append(_delay_due(case, playbook))
    return min(filter(None, times), default=None)


def _delay_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the next letter about late promises may be written: one a day, and none after a date has passed.

    None means at once.
    """
    sent = [
        record.at for record in case.letters_of(LetterKind.DELAY) if record.state is LetterRecordState.SENT
    ]
    if not sent:
        return None

    calendar = playbook.calendar
    tomorrow = calendar.local(max(sent)).date() + timedelta(days=1)
    morning = calendar.next_open(calendar.moment(tomorrow, calendar.open))
    dates = [promise.told_before for promise in _late(case)] + [
        promise.promised_by for promise in case.untold
    ]
    return None if any(date and date <= morning for date in dates) else morning


def _told_from(promise: Promise, playbook: Playbook) -> datetime | None:
    """Return when the customer is told of a withdrawn promise: agents can say it first, during the quiet window."""
    if promise.untold_since is None:
        return None
    return playbook.calendar.after(promise.untold_since, playbook.confirm_after)


def _withdrawn(case: Case, playbook: Playbook, now: datetime) -> list[Promise]:
    """Return the withdrawn promises of which the customer is told now: all of them, in one letter."""
    if _late(case) or any(has_come(_told_from(promise, playbook), now) for promise in case.untold):
        return list(case.untold)
    return []


def _confirmation_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return the end of the quiet window: several mails get one answer (practice 61).

    The window starts again with each mail and each promise, up to `_MAX_WINDOWS` times.
    """
    times = [promise.made_at for promise in _to_confirm(case)]
    times += [option.offered_at for option in _to_ask(case)]
    known = [time for time in times if time]
    if not known:
        return None

    first, last = min(known), max(known)
    window = playbook.calendar.after(first, playbook.confirm_after) - first
    last_activity = max(last, case.customer_wrote_at or last)

    due = min(last_activity + window, first + _MAX_WINDOWS * window)
    return max(due, _answer_due(case, playbook) or due)


def _answer_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return until when the confirmation waits for what an agent says of unclear sentences; None if it does not."""
    if not case.unclear or case.unclear_at is None:
        return None
    return playbook.calendar.after(case.unclear_at, playbook.confirm_answer)


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Write the confirmation after the quiet window, and the delay letter as soon as a promise is late.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if case.held or case.stage in NO_COMPLAINT:
        return []

    decisions = _confirmation(case, playbook, write, now)
    changed = (*_withdrawn(case, playbook, now), *_late(case))
    may_be_told = not case.under_way(LetterKind.DELAY) and not case.not_reached
    if changed and may_be_told and has_come(_delay_due(case, playbook) or now, now):
        decisions.append(_delay_letter(case, changed, playbook, write, now))
    return decisions


def why_blocked(case: Case) -> str:
    """Return why no confirmation is written although something is promised, "" when it may be written."""
    if case.held:
        return _sentence("the case is held", case.held_because)

    if case.no_answer and _only_a_machine_speaks(case):
        return _sentence("a machine must not answer", case.no_answer)

    if case.not_reached:
        return _sentence("the customer was not reached", case.not_reached)
    return ""


def _sentence(problem: str, reason: str) -> str:
    """Return the problem with its reason, if there is one."""
    if not reason:
        return problem

    return f"{problem}: {reason}"


def _only_a_machine_speaks(case: Case) -> bool:
    """Return whether no agent had a part in what the confirmation would say (RFC 3834, section 2).

    The recogniser opened the case, and only the playbook's standing next steps are promised.
    """
    if not case.by_machine or case.unasked:
        return False

    return _all_standing(case.unwritten)


def _confirmation(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return the confirmation of everything promised and the question about open options, if it is due."""
    if not has_come(_confirmation_due(case, playbook), now):
        return []
    if case.under_way(LetterKind.CONFIRMATION) or why_blocked(case):
        return []

    promises, options = _to_confirm(case), _to_ask(case)
    standing = _all_standing(promises) and not options
    content = LetterContent(
        promises=promises,
        compensation=_other_compensation(case, promises),
        options=options,
        automatic=standing,
        reply=standing,
        review=playbook.confirm_review,
    )
    letter = write.letter(LetterKind.CONFIRMATION, case, playbook, now, content)
    letter = replace(letter, concerns=tuple(numbers(promises)))

    if options:
        return [OptionsAsked(at=now, key=letter.key), letter]
    return [letter]


def _delay_letter(
    case: Case, late: tuple[Promise, ...], playbook: Playbook, write: LetterRenderer, now: datetime
) -> Letter:
    """Return one letter for all late and withdrawn promises: bad news is told early (practice 26)."""
    moved = [promise.promised_by for promise in late if promise.state is PromiseState.LATE]
    content = LetterContent(
        promises=late,
        because=next((promise.because for promise in late if promise.because), ""),
        until=moved[0] if moved else None,
        automatic=False,
    )
    letter = write.letter(LetterKind.DELAY, case, playbook, now, content)
    return replace(letter, concerns=tuple(numbers(late)))


def _to_confirm(case: Case) -> tuple[Promise, ...]:
    """Return the promises for the confirmation.

    A holding letter under way contains its own date. What is put right already needs no standing "we will
    find out": the follow-up says more.
    """
    if case.under_way(LetterKind.HOLDING):
        return ()
    if case.stage in PUT_RIGHT and _all_standing(case.unwritten):
        return ()
    return case.unwritten


def _to_ask(case: Case) -> tuple[Option, ...]:
    """Return all open options when at least one is new to the customer.

    A single option offers no choice; the owner is reminded of it (`remind`). Once the matter is put right
    there is nothing left to choose.
    """
    if case.stage in PUT_RIGHT or not case.unasked:
        return ()

    if len(case.open_options) == 1:
        return ()
    return case.open_options


def _late(case: Case) -> tuple[Promise, ...]:
    """Return the promises with a new date that is not in writing."""
    late = case.promises_in(PromiseState.LATE)
    return tuple(promise for promise in late if not promise.confirmed)


def _other_compensation(case: Case, promises: tuple[Promise, ...]) -> tuple[Compensation, ...]:
    """Return what is given apart from these promises: each action is named once, and a gift card never."""
    named = numbers(promises)
    return tuple(
        grant
        for grant in case.compensation
        if grant.promise not in named and grant.kind is not Gift.GIFT_CARD
    )


def _all_standing(promises: tuple[Promise, ...]) -> bool:
    """Return whether all of these are the playbook's standing next steps."""
    return all(promise.source == "playbook" for promise in promises)
