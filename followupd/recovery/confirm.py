"""The confirmation: promises in writing after a quiet window; a new date in a delay letter at once."""

from dataclasses import replace
from datetime import datetime, timedelta

from followupd.domain import lifecycle
from followupd.domain.calendar import has_come
from followupd.domain.case import NO_COMPLAINT, Case, numbers
from followupd.domain.decision import (
    AgendaItem,
    Decision,
    LetterContent,
    LetterRenderer,
    all_standing,
    as_event,
    confirmation_content,
    to_ask,
    to_confirm,
)
from followupd.domain.events import OptionsAsked
from followupd.domain.keys import ReminderKey
from followupd.domain.letter import Letter, LetterKind, LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Promise, PromiseState
from followupd.recovery.blockers import leaving, showing, shown_at, unread_key
from followupd.recovery.remind.delays import slip_at, slipped

#: a customer who keeps writing postpones the confirmation by at most this many quiet windows
_MAX_WINDOWS = 3


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when a letter is due about what is promised, or about what was withdrawn.

    Returns:
        A time in UTC, which may have passed; None when nothing is to be told, or all of it at once.
    """
    times = [_confirmation_due(case, playbook), *(_told_from(p, playbook) for p in case.untold)]
    if _late(case) or case.untold:
        times += [_delay_due(case, playbook), _delay_read(case, playbook)]
    return min(filter(None, times), default=None)


def _delay_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the next letter about late promises may be written: one a day, and none after a date has passed.

    Returns:
        The opening of the office on the day after the last one, in UTC. None means at once: there was no
        letter yet, or a date that the customer knows would pass before.
    """
    sent = [
        record.at for record in case.letters_of(LetterKind.DELAY) if record.state is LetterRecordState.SENT
    ]
    if not sent:
        return None

    calendar = playbook.calendar
    tomorrow = calendar.local(max(sent)).date() + timedelta(days=1)
    morning = calendar.next_open(calendar.moment(tomorrow, calendar.open))

    dates = [promise.told_before for promise in _late(case)]
    dates += [promise.promised_by for promise in case.untold]
    first = min(filter(None, dates), default=None)
    return None if has_come(first, morning) else morning


def _delay_read(case: Case, playbook: Playbook) -> datetime | None:
    """Return until when the owner has time to read the delay letter.

    Returns:
        A time in UTC; None if the letter was not shown, or a date that the customer knows would pass meanwhile.
    """
    shown = shown_at(LetterKind.DELAY, case)
    if shown is None:
        return None

    read = playbook.calendar.after(shown, playbook.confirm_after)
    return None if _passes(case, shown, read) else read


def _passes(case: Case, since: datetime, until: datetime) -> bool:
    """Return whether a date that the customer knows of a late promise passes between these times."""
    dates = [promise.told_before for promise in _late(case)]
    return any(date and since <= date <= until for date in dates)


def _told_from(promise: Promise, playbook: Playbook) -> datetime | None:
    """Return when the customer is told of a withdrawn promise: agents can say it first, during the quiet window."""
    if promise.untold_since is None:
        return None
    return playbook.calendar.after(promise.untold_since, playbook.confirm_after)


def _withdrawn(case: Case, playbook: Playbook, now: datetime) -> list[Promise]:
    """Return the withdrawn promises of which the customer is told now: all of them, in one letter.

    Args:
        case: whose late promises need a letter anyway, which tells of the withdrawn ones too.
        playbook: which says how long agents have to tell the customer first.
        now: the time of the cycle, in UTC.
    """
    if _late(case) or any(has_come(_told_from(promise, playbook), now) for promise in case.untold):
        return list(case.untold)
    return []


def _confirmation_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return the end of the quiet window: several mails get one answer (practice 61).

    The window starts again with each mail and each promise, up to `_MAX_WINDOWS` times.
    """
    times = [promise.made_at for promise in to_confirm(case)]
    times += [option.offered_at for option in to_ask(case)]
    known = [time for time in times if time]
    if not known:
        return None

    first, last = min(known), max(known)
    window = playbook.calendar.after(first, playbook.confirm_after) - first
    last_activity = max(last, case.customer_wrote_at or last)

    due = min(last_activity + window, first + _MAX_WINDOWS * window)
    return max(due, _answer_due(case, playbook) or due, _read_until(case, playbook) or due)


def _read_until(case: Case, playbook: Playbook) -> datetime | None:
    """Return until when the owner has time to read the confirmation, None if it was not shown."""
    shown = shown_at(LetterKind.CONFIRMATION, case)
    return playbook.calendar.after(shown, playbook.confirm_after) if shown else None


def _answer_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return until when the confirmation waits for what an agent says of unclear sentences; None if it does not."""
    if not case.unclear or case.unclear_at is None:
        return None
    return playbook.calendar.after(case.unclear_at, playbook.confirm_answer)


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Write the confirmation after the quiet window, and the delay letter as soon as a promise is late.

    Args:
        case: the case.
        playbook: whose calendar counts the quiet window.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Returns:
        The letters, each with the events that it needs; nothing while the case is held, and no second delay
        letter while one is under way.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if case.held or case.stage in NO_COMPLAINT:
        return []

    return [*_confirmation(case, playbook, write, now), *_delay(case, playbook, write, now)]


def _delay(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return the letter about late and withdrawn promises, if it is due; before the owner has read it, what shows it.

    Args:
        case: the case.
        playbook: which says whether the owner reads the letter first.
        write: writes the letter.
        now: the time of the cycle, in UTC.
    """
    if case.under_way(LetterKind.DELAY) or case.not_reached or not (case.untold or _late(case)):
        return []
    if not has_come(_delay_due(case, playbook) or now, now):
        return []

    leaves_at = playbook.calendar.after(now, playbook.confirm_after)
    unread = unread_key(LetterKind.DELAY, case) if playbook.confirm_show else None
    if unread and not _passes(case, now, leaves_at):
        letter = _delay_letter(case, (*case.untold, *_late(case)), playbook, write, now)
        return showing(unread, letter, leaves_at, case, playbook, write, now)

    changed = (*_withdrawn(case, playbook, now), *_late(case))
    if not changed or not has_come(_delay_read(case, playbook) or now, now):
        return []
    return [_delay_letter(case, changed, playbook, write, now)]


def shown_today(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> AgendaItem | None:
    """Return the letter about promises that slip on this day, for the digest of the owner; None if there is none.

    It leaves when they slip, unless somebody says before that they are kept, or will be late.

    Args:
        case: the case.
        playbook: in whose time zone the day is meant.
        write: writes the letter.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter cannot be written.
    """
    at, local = slip_at(case), playbook.calendar.local
    is_today = at is not None and now < at and local(at).date() == local(now).date()
    may_leave = playbook.confirm_show and not (case.held or case.not_reached)
    if at is None or not is_today or not may_leave:
        return None

    slipped_then = case
    for event in slipped(case, playbook, at):
        slipped_then = lifecycle.after(slipped_then, as_event(event, at))
    key, due = unread_key(LetterKind.DELAY, slipped_then), _delay_due(slipped_then, playbook) or at
    if key is None or local(due).date() != local(now).date():
        return None

    late = (*slipped_then.untold, *_late(slipped_then))
    letter = _delay_letter(slipped_then, late, playbook, write, now)
    what = leaving(letter, max(at, due), case, playbook)
    return AgendaItem(case, what, case.opened_at, matters=(str(key),), letter=letter.unwrapped)


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

    return all_standing(case.unwritten)


def _confirmation(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return the confirmation of everything promised and the question about open options, if it is due.

    Args:
        case: the case.
        playbook: which says whether the owner reads the letter first, or an agent approves it.
        write: writes the letter.
        now: the time of the cycle, in UTC.

    Returns:
        The letter; before the owner has read it, what shows it to them; nothing before it is due.
    """
    due = _confirmation_due(case, playbook)
    if due is None or case.under_way(LetterKind.CONFIRMATION) or why_blocked(case):
        return []

    unread = _unread(case, playbook, now)
    if not unread and not has_come(due, now):
        return []

    letter = write.letter(
        LetterKind.CONFIRMATION,
        case,
        playbook,
        now,
        confirmation_content(case, review=playbook.confirm_review),
    )
    letter = replace(letter, concerns=tuple(numbers(to_confirm(case))))
    if unread:
        leaves_at = max(due, playbook.calendar.after(now, playbook.confirm_after))
        return showing(unread, letter, leaves_at, case, playbook, write, now)

    options = to_ask(case)
    return [OptionsAsked(at=now, key=letter.key), letter] if options else [letter]


def _unread(case: Case, playbook: Playbook, now: datetime) -> ReminderKey | None:
    """Return the key of what the owner has to read before the confirmation leaves.

    Returns:
        None if the playbook shows no letters, if there is nothing to read, while an answer may still change
        it, and once it was shown.
    """
    if not playbook.confirm_show or not has_come(_answer_due(case, playbook) or now, now):
        return None
    return unread_key(LetterKind.CONFIRMATION, case)


def _delay_letter(
    case: Case, late: tuple[Promise, ...], playbook: Playbook, write: LetterRenderer, now: datetime
) -> Letter:
    """Return one letter for all late and withdrawn promises: bad news is told early (practice 26).

    Args:
        case: the case.
        late: the promises that the letter is about; their first reason and their first new date stand in it.
        playbook: the playbook of the case.
        write: writes the letter.
        now: the time of the cycle, in UTC.
    """
    moved = [promise.promised_by for promise in late if promise.state is PromiseState.LATE]
    content = LetterContent(
        promises=late,
        because=next((promise.because for promise in late if promise.because), ""),
        until=moved[0] if moved else None,
        automatic=False,
    )
    letter = write.letter(LetterKind.DELAY, case, playbook, now, content)
    return replace(letter, concerns=tuple(numbers(late)))


def _late(case: Case) -> tuple[Promise, ...]:
    """Return the promises with a new date that is not in writing."""
    late = case.promises_in(PromiseState.LATE)
    return tuple(promise for promise in late if not promise.confirmed)
