"""One of several ways to put a matter right, offered for the customer to choose from (practice 55)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from followupd.model.said import Said, said


class OptionState(StrEnum):
    """Where an offered option stands."""

    #: offered, and the customer has not chosen
    OPEN = "open"
    #: the customer's choice; a promise of ours now
    CHOSEN = "chosen"
    #: the customer chose another one
    PASSED = "passed"
    #: an agent took it back
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option; `n` is the number that the customer answers with, `told` the day by which it would be done.

    `letter` is the key of the letter that asked about it, "" until one is written.
    """

    n: int
    text: str
    told: datetime | None
    state: OptionState = OptionState.OPEN
    letter: str = ""
    offered_at: datetime | None = None

    @property
    def named(self) -> Said:
        """The number and the words, marked off from the sentence for agents in which they stand."""
        return said("option {n}, “{text}”,", n=self.n, text=self.text.rstrip(" ."))
