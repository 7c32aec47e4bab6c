"""What every event has: when, by whom, why, and what it changes in the case."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from followupd.domain.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened: when (aware, UTC), by whom or what, and why.

    Most events only set fields of the case, and say so in the three tables; the others override `apply`. The
    next stage is not theirs to choose: it is in the table `MOVES` of `followupd.domain.lifecycle`.
    """

    at: datetime
    by: str = "followupd"
    why: str = ""

    #: fields of the case that take the value of a field of the event: case field -> event field
    copies: ClassVar[Mapping[str, str]] = {}
    #: fields of the case that take a constant
    sets: ClassVar[Mapping[str, Any]] = {}
    #: tuples of the case to which the value of a field of the event is appended: case field -> event field
    appends: ClassVar[Mapping[str, str]] = {}

    def apply(self, case: Case) -> Case:
        """Return the case with everything changed that the event changes, except the stage.

        A subclass that overrides this calls `Event.apply(self, case)` for its tables. `super()` does not work
        there: a dataclass with slots is a new class, and the one that `super()` refers to is not a base of
        it.
        """
        changes = dict(self.sets)

        for case_field, event_field in self.copies.items():
            changes[case_field] = getattr(self, event_field)

        for case_field, event_field in self.appends.items():
            changes[case_field] = (*getattr(case, case_field), getattr(self, event_field))

        return case.evolve(**changes)
