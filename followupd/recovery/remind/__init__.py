"""Reminders to agents, new dates for promises that slip, and a holding letter after silence."""

from datetime import datetime

from followupd.domain import lifecycle
from followupd.domain.calendar import has_come
from followupd.domain.case import Case
from followupd.domain.decision import Decision, LetterRenderer, as_event
from followupd.domain.events import Released
from followupd.domain.playbook import Playbook
from followupd.recovery.remind.delays import (
    broken,
    broken_at,
    delay_shown,
    holding,
    holding_at,
    leaving_today,
    slip_at,
    slipped,
)
from followupd.recovery.remind.mails import (
    due_today,
    is_due,
    nudges,
    requests,
    requests_due,
    send_at,
    summary_of,
    was_reminded_on,
    without_repeats,
)
from followupd.recovery.remind.reminders import QUIET, reminders_of

__all__ = [
    "decide",
    "due_today",
    "is_due",
    "leaving_today",
    "next_due",
    "summary_of",
    "was_reminded_on",
    "without_repeats",
]


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the next reminder is due, or a promise slips or is broken, or a holding letter is due.

    Returns:
        A time in UTC, which may have passed; None when nothing is to come. While the case is held, only
        its end and the reminders of the hold and of mails that were not delivered are due.
    """
    times = [case.held_until]
    if not case.held:
        times = [slip_at(case), broken_at(case), holding_at(case, playbook), requests_due(case, playbook)]
    for reminder in reminders_of(case, playbook):
        if not case.reminded_at(reminder.key):
            times.append(send_at(reminder, case, playbook))

    return min(filter(None, times), default=None)


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Remind people, each at most once a day and with one mail for everything in the case.

    After a long silence a holding letter is written to the customer.

    When a promise slips or is broken, that is all: the policies are asked again with the changed case.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if case.held_until and has_come(case.held_until, now):
        return [Released(at=now, why="the day has come until which it was held")]
    if case.held or case.stage in QUIET:
        return nudges(case, playbook, write, now)

    changes = [*slipped(case, playbook, now), *broken(case, now)]
    if changes:
        return changes

    told = [*nudges(case, playbook, write, now), *requests(case, playbook, write, now)]
    for decision in told:
        case = lifecycle.after(case, as_event(decision, now))
    return [*told, *(delay_shown(case, playbook, write, now) or holding(case, playbook, write, now))]
