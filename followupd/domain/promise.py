"""What was heard in one reply, put together: which promise and which gift are one deed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from followupd.domain.compensation import Gift
from followupd.domain.translatable import Translatable, msg


class PromiseKind(StrEnum):
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
    kind: PromiseKind
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
    def named(self) -> Translatable:
        """The number and the words, marked off from the sentence for agents in which they stand."""
        return msg("promise {n}, “{text}”,", n=self.n, text=self.text.rstrip(" ."))

    @property
    def owed(self) -> bool:
        return self.state in OWED


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPromise:
    """A commitment read in an agent's reply; `words` are the ones that led to it, `past` means already done."""

    text: str
    kind: PromiseKind
    due: datetime | None
    words: tuple[str, ...] = ()
    past: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCompensation:
    """Compensation read in an agent's reply; `amount` is decimal text as in Money.of, `currency` "" when not said."""

    kind: str  # a value of compensation.Gift
    amount: str = ""
    currency: str = ""
    text: str = ""
    words: tuple[str, ...] = ()
    past: bool = False


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
    def named(self) -> Translatable:
        """The number and the words, marked off from the sentence for agents in which they stand."""
        return msg("option {n}, “{text}”,", n=self.n, text=self.text.rstrip(" ."))


def paired(
    promises: Sequence[FoundPromise],
    grants: Sequence[FoundCompensation],
    first: int,
    known: Collection[str] = (),
) -> tuple[list[tuple[int, FoundPromise]], list[tuple[FoundCompensation, int]]]:
    """Number the promises from `first` on, and say of each grant which promise the same deed keeps (0: none).

    "I will ship a replacement by Friday" is a promise and a replacement: kept once, both are done. A promise that only
    names a gift card is left to the card's own letter, which waits for the follow-up: it would wait for itself.
    Promises whose text is `known` stand already.
    """
    cards = {grant.words[:1] for grant in grants if grant.kind == Gift.GIFT_CARD and grant.words}
    made = [
        each for each in promises if not each.past and each.text not in known and each.words[:1] not in cards
    ]
    numbers = {each.words[:1]: n for n, each in enumerate(made, first) if each.words}
    linked = [(grant, 0 if grant.past else numbers.get(grant.words[:1], 0)) for grant in grants]
    return list(enumerate(made, first)), linked
