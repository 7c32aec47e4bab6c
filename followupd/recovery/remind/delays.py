"""Delays: a promise that slips gets a new date before the old one passes.

Silence ends in a holding letter.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from followupd.domain import lifecycle
from followupd.domain.calendar import Duration, has_come
from followupd.domain.case import Case
from followupd.domain.decision import AgendaItem, Decision, LetterContent, LetterRenderer, as_event
from followupd.domain.events import OwnerNudged, PromiseBroken, PromiseLate
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Promise, PromiseState
from followupd.recovery.blockers import (
    SHOWN_BEFORE,
    awaited_from,
    delay_due,
    delay_letter,
    delay_to_read,
    late_promises,
    showing,
    shown_at,
    to_read,
    unread_key,
)

#: from the reminder about silence to the holding letter
_HOLDING_AFTER = Duration(1, "business day")
#: how far a promise moves when no agent says anything about it
_NEW_DATE = Duration(2, "business day")
#: holding letters that leave by themselves in one case; after that a person writes
_MAX_HOLDING = 1
#: states of a promise whose date can still pass
_RUNNING = frozenset({PromiseState.OPEN, PromiseState.LATE})


def slip_at(case: Case) -> datetime | None:
    """Return when the next promise slips: its own deadline has passed, and no agent has reported on it."""
    return min((at for at, *_ in _slips(case)), default=None)


def slipped(case: Case, playbook: Playbook, now: datetime) -> list[Decision]:
    """Move the promises that slip to a new date, before the date that the customer was told (practice 26).

    Those that slip later on the same day move too, so that the customer gets one letter about all of them.

    Returns:
        An event for each promise that moves. Its internal deadline is as long before the new date as it was
        before the old one.
    """
    found: list[Decision] = []
    why = "our own date has passed and nobody has said that it was kept"
    if not has_come(slip_at(case), now):
        return []

    tonight = playbook.calendar.moment(playbook.calendar.local(now).date() + timedelta(days=1), time.min)
    for at, n, promised_by, ahead in _slips(case):
        if at < tonight and now < promised_by:
            new_date = playbook.calendar.after(promised_by, _NEW_DATE)
            event = PromiseLate(
                at=now, why=why, n=n, internal_deadline=new_date - ahead, promised_by=new_date
            )
            found.append(event)
    return found


def _slips(case: Case) -> Iterator[tuple[datetime, int, datetime, timedelta]]:
    """Yield the promises that slip by themselves.

    Only a promise in writing slips, and only once; a second new date is set by a lead.

    Yields:
        When it slips, which is half-way between its two dates; its number; the date that the customer was told; and how
        long before that its own deadline is.
    """
    for promise in case.promises_in(PromiseState.OPEN):
        deadline, promised_by = promise.internal_deadline, promise.promised_by
        if promise.confirmed and deadline and promised_by and deadline < promised_by:
            ahead = promised_by - deadline
            yield deadline + ahead / 2, promise.n, promised_by, ahead


def broken_at(case: Case) -> datetime | None:
    """Return when the date of the next running promise passes."""
    dates = [promise.promised_by for promise in _running(case)]
    return min(filter(None, dates), default=None)


def broken(case: Case, now: datetime) -> list[Decision]:
    """Mark the promises whose date has passed as broken."""
    why = "the date that the customer was told has passed"
    found: list[Decision] = []

    for promise in _running(case):
        if has_come(promise.promised_by, now):
            found.append(PromiseBroken(at=now, n=promise.n, why=why))
    return found


def _running(case: Case) -> list[Promise]:
    """Return the promises whose date can still pass."""
    return list(case.promises_in(*_RUNNING))


def silent_since(case: Case) -> datetime | None:
    """Return when the customer last heard from us, or before that when the complaint was recognised."""
    if case.we_wrote_at:
        return case.we_wrote_at

    return case.heard_at


def silence_key(case: Case) -> ReminderKey:
    """Return the key of the reminder about the present silence."""
    return ReminderKey(ReminderKind.SILENCE, at=silent_since(case))


def holding_at(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the holding letter is due.

    The owner has a day to write after the reminder about silence.

    Returns:
        A time in UTC; None before that reminder, for a case that is not worked on, and after the last of the
        few holding letters that one case gets.
    """
    reminded_at = case.reminded_at(silence_key(case)) if silent_since(case) else None
    if reminded_at is None or awaited_from(case, playbook) is None:
        return None

    if len(case.letters_of(LetterKind.HOLDING)) >= _MAX_HOLDING:
        return None

    due, shown = playbook.calendar.after(reminded_at, _HOLDING_AFTER), shown_at(LetterKind.HOLDING, case)
    return max(due, playbook.calendar.after(shown, SHOWN_BEFORE)) if shown else due


def holding(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Write a holding letter, unless a promised date is still to come.

    It names the date that was missed and makes none of its own: nobody has promised one.

    Args:
        case: the case.
        playbook: whose calendar says when it is due.
        write: writes the letter.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if not has_come(holding_at(case, playbook), now) or _must_not_hold(case, now):
        return []

    letter = write.letter(LetterKind.HOLDING, case, playbook, now, LetterContent())
    unread = unread_key(LetterKind.HOLDING, case) if playbook.confirm_show else None
    if unread:
        leaves_at = playbook.calendar.after(now, SHOWN_BEFORE)
        return showing(unread, letter, leaves_at, case, playbook, write, now)
    return [letter]


def holding_today(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> AgendaItem | None:
    """Return the holding letter that leaves on this day, for the digest of its owner; None if there is none to read.

    Args:
        case: the case.
        playbook: in whose time zone the day is meant.
        write: writes the letter.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter cannot be written.
    """
    due, key, local = (
        holding_at(case, playbook),
        unread_key(LetterKind.HOLDING, case),
        playbook.calendar.local,
    )
    if due is None or key is None or not playbook.confirm_show or local(due).date() > local(now).date():
        return None
    if case.held or _must_not_hold(case, max(due, now)):
        return None

    letter = write.letter(LetterKind.HOLDING, case, playbook, now, LetterContent())
    leaves_at = max(due, playbook.calendar.after(now, SHOWN_BEFORE))
    return to_read(key, letter, leaves_at, case, playbook)


def _must_not_hold(case: Case, now: datetime) -> bool:
    """Return whether no holding letter may be written at this time.

    There may be one under way, or a promised date still to come, or the customer is not reached, or a machine
    must not answer.
    """
    if case.under_way(LetterKind.HOLDING) or case.not_reached:
        return True
    if any(promise.promised_by and promise.promised_by > now for promise in case.owed):
        return True
    return case.by_machine and bool(case.no_answer)


def slip_today(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> AgendaItem | None:
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
    is_today = at is not None and local(at).date() <= local(now).date()
    may_leave = playbook.confirm_show and not (case.held or case.not_reached)
    if at is None or not is_today or not may_leave:
        return None

    slipped_then, at = case, max(at, now)
    for event in slipped(case, playbook, at):
        slipped_then = lifecycle.after(slipped_then, as_event(event, at))
    key, due = unread_key(LetterKind.DELAY, slipped_then), delay_due(slipped_then, playbook) or at
    if key is None or local(due).date() != local(now).date():
        return None

    late = (*slipped_then.untold, *late_promises(slipped_then))
    letter = delay_letter(slipped_then, late, playbook, write, now)
    leaves_at = max(at, due, playbook.calendar.after(now, playbook.confirm_after))
    return to_read(key, letter, leaves_at, case, playbook)


def leaving_today(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> AgendaItem | None:
    """Return the letter about a slip or a silence that leaves on this day; None if there is none to read.

    It is in the mail of the morning that goes to the owner anyway.

    Args:
        case: the case.
        playbook: in whose time zone the day is meant.
        write: writes the letter.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter cannot be written.
    """
    return (
        delay_to_read(case, playbook, write, now)
        or slip_today(case, playbook, write, now)
        or holding_today(case, playbook, write, now)
    )


def delay_shown(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return the mail that shows the owner a letter about late promises that no other mail has shown.

    Args:
        case: the case, after what else is written in this cycle.
        playbook: the playbook of the case.
        write: writes the mail.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter or the mail cannot be written.
    """
    shown = delay_to_read(case, playbook, write, now)
    if shown is None:
        return []

    told = [OwnerNudged(at=now, matter=matter, why=shown.what) for matter in shown.matters]
    content = LetterContent(because=shown.what, letter=shown.letter)
    owner = playbook.owner_of(case.owner)
    return [*told, write.desk(LetterKind.NUDGE, case, playbook, now, content, owner)]
