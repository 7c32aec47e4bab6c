"""A promise to a customer: what, by when, how firm, and what became of it (practices 24, 38, 54, 56)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from followupd.model.said import Said, said


class Firmness(StrEnum):
    """How sure we are; it chooses the sentence in the letter (practice 38)."""

    #: it happens by then
    FIRM = "firm"
    #: we expect it by then, and say so
    ESTIMATE = "estimate"
    #: the customer hears from us by then, whatever the answer is
    NEXT_UPDATE = "next-update"


class PromiseState(StrEnum):
    """Where a promise stands."""

    #: read in an agent's reply; waits for an agent's word
    PROPOSED = "proposed"
    #: made, and not yet kept
    OPEN = "open"
    KEPT = "kept"
    #: moved to a later date with the customer told
    LATE = "late"
    #: its date passed and nobody kept it
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


#: states in which something is still owed to the customer
OWED = frozenset({PromiseState.OPEN, PromiseState.LATE, PromiseState.BROKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise. `told` is the date that the customer knows, `due` our own earlier one (practice 54); both aware UTC.

    `confirmed` is the key of the letter that put it in writing, "" until one has left.
    """

    n: int
    text: str
    kind: Firmness
    due: datetime | None
    told: datetime | None
    state: PromiseState = PromiseState.OPEN
    source: str = ""
    owner: str = ""
    confirmed: str = ""
    because: str = ""
    made_at: datetime | None = None
    slipped: bool = False  # it has had a second date; the third is a lead's to say

    @property
    def named(self) -> Said:
        """The number and the words, marked off from the sentence for agents in which they stand."""
        return said("promise {n}, “{text}”,", n=self.n, text=self.text.rstrip(" ."))

    @property
    def owed(self) -> bool:
        return self.state in OWED


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardPromise:
    """A commitment read in an agent's reply; `words` are the ones that led to it, `past` means already done."""

    text: str
    kind: Firmness
    due: datetime | None
    words: tuple[str, ...] = ()
    past: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardGrant:
    """Compensation read in an agent's reply; `amount` is decimal text as in Money.of, `currency` "" when not said."""

    kind: str  # a value of compensation.Gift
    amount: str = ""
    currency: str = ""
    text: str = ""
    words: tuple[str, ...] = ()
    past: bool = False
