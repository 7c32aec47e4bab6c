"""The facts that letters are made of: what happened, what it meant, what was done and changed (practices 3, 5, 6, 48)."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """Whose fault it was; it chooses the wording (practices 36, 37). Sorry for the trouble is said in any case."""

    OURS = "ours"
    SHARED = "shared"
    NOT_OURS = "not-ours"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What agents found out; None means that nobody has said it yet."""

    issue: str | None = None  # what is wrong, in the customer's sense
    impact: str | None = None  # what it meant for the customer
    wants: str | None = None  # what would put it right
    cause: str | None = None  # what went wrong
    resolution: str | None = None  # how it was put right
    prevention: str | None = None  # what was changed so that it does not happen again
    fault: Fault = Fault.UNKNOWN
    cause_code: str | None = None
    phone: str | None = None

    def stated(self, said: dict[str, str]) -> "Facts":
        """Return the facts with these replaced; keys are field names."""
        changes: dict[str, Any] = {
            name: Fault(text) if name == "fault" else text for name, text in said.items()
        }
        return replace(self, **changes)

    def missing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        values = ((name, getattr(self, name)) for name in names)
        return tuple(name for name, value in values if not value or value is Fault.UNKNOWN)


FACT_NAMES = tuple(field.name for field in fields(Facts))
