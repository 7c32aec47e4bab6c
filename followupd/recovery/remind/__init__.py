"""The squeaky wheel: owners are reminded, then the ladder; bad news goes out early; nobody is left without a word."""

from datetime import datetime

from followupd.domain.case import Case
from followupd.domain.decision import Decision, LetterRenderer
from followupd.domain.playbook import Playbook
from followupd.recovery.remind.delays import broken, broken_at, holding, holding_at, slip_at, slipped
from followupd.recovery.remind.mails import due_now, for_today, moment_of, nudges, told_on
from followupd.recovery.remind.reminders import QUIET, matters
from followupd.recovery.remind.summary import account_of

__all__ = ["account_of", "decide", "due_now", "for_today", "next_due", "told_on"]


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return the next moment at which somebody must be told something, or a letter must go out early."""
    nudged = dict(case.nudges)
    moments = [moment_of(case, playbook, each) for each in matters(case, playbook) if each.name not in nudged]
    moments += [at for at in (slip_at(case, playbook), broken_at(case), holding_at(case, playbook)) if at]
    return min(moments, default=None)


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Tell each person at most once a day, all matters of the case in one mail; write what the customer must hear."""
    if case.held or case.stage in QUIET:
        return nudges(case, playbook, write, now)
    steps: list[Decision] = [*slipped(case, playbook, now), *broken(case, now)]
    if steps:
        return steps  # the chapters look again at the changed case
    return [*nudges(case, playbook, write, now), *holding(case, playbook, write, now)]
