"""Delays: a promise that slips gets a new date before the old one passes.

Silence ends in a holding letter.
"""

from datetime import datetime, time, timedelta

from followupd.domain.calendar import Duration, has_come
from followupd.domain.case import Case
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import PromiseBroken, PromiseLate
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Promise, PromiseState
from followupd.recovery.blockers import awaited_from

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
    times = map(_halfway, case.promises)
    return min(filter(None, times), default=None)


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
    for promise in case.promises:
        at, promised_by, deadline = _halfway(promise), promise.promised_by, promise.internal_deadline
        if at is None or promised_by is None or deadline is None:
            continue
        if at < tonight and now < promised_by:
            new_date = playbook.calendar.after(promised_by, _NEW_DATE)
            new_deadline = new_date - (promised_by - deadline)
            event = PromiseLate(
                at=now,
                why=why,
                n=promise.n,
                internal_deadline=new_deadline,
                promised_by=new_date,
            )
            found.append(event)
    return found


def _halfway(promise: Promise) -> datetime | None:
    """Return the time between the two dates of a promise, None when it does not slip by itself.

    Only a promise in writing slips, and only once; a second new date is set by a lead.
    """
    if promise.state is not PromiseState.OPEN or not promise.confirmed:
        return None

    deadline, promised_by = promise.internal_deadline, promise.promised_by
    if deadline is None or promised_by is None or deadline >= promised_by:
        return None
    return deadline + (promised_by - deadline) / 2


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
    return playbook.calendar.after(reminded_at, _HOLDING_AFTER)


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
    if not has_come(holding_at(case, playbook), now) or _must_not_hold(case):
        return []
    if any(promise.promised_by and promise.promised_by > now for promise in case.owed):
        return []

    return [write.letter(LetterKind.HOLDING, case, playbook, now, LetterContent())]


def _must_not_hold(case: Case) -> bool:
    """Return whether no holding letter may be written.

    There may be one under way, or the customer is not reached, or a machine must not answer.
    """
    if case.under_way(LetterKind.HOLDING) or case.not_reached:
        return True
    return case.by_machine and bool(case.no_answer)
