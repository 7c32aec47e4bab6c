"""What every event has: when, by whom, why, and what it changes."""

from dataclasses import dataclass
from datetime import datetime

from followupd.domain.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened: when (aware, UTC), by whom or what, and why.

    `on(case)` returns the case with what the event changes besides the stage; which stage follows is the business of
    the one table in `case.py`.
    """

    at: datetime
    by: str = "followupd"
    why: str = ""

    def apply(self, case: Case) -> Case:
        return case
