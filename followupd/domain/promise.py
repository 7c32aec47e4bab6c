"""Promises to the customer, options to choose from, and what was read in an agent's reply."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AliasChoices, Field

from followupd.domain.compensation import Gift
from followupd.domain.translatable import Translatable, msg

#: the date that the customer was told; ledgers written before release 0.1 call it `told`
PromisedBy = Annotated[datetime | None, Field(validation_alias=AliasChoices("promised_by", "told"))]
#: our own, earlier date; ledgers written before release 0.1 call it `due`
InternalDeadline = Annotated[
    datetime | None, Field(validation_alias=AliasChoices("internal_deadline", "due"))
]


class PromiseKind(StrEnum):
    """How certain a promise is; it chooses the sentence in the letter (practice 38)."""

    #: it happens by then
    FIRM = "firm"
    #: we expect it by then, and say so
    ESTIMATE = "estimate"
    #: the customer hears from us by then, whatever the answer is
    NEXT_UPDATE = "next-update"


class Relation(StrEnum):
    """How a promise is tied to its date: "on Thursday" is not "by Thursday"."""

    ON = "on"
    BY = "by"
    #: within a window, which ends at the date
    BETWEEN = "between"
    FROM = "from"


class PromiseState(StrEnum):
    """The state of a promise."""

    #: read in an agent's reply; it counts once an agent approves it
    PROPOSED = "proposed"
    #: made, and not kept yet
    OPEN = "open"
    KEPT = "kept"
    #: moved to a later date, which the customer is told
    LATE = "late"
    #: its date passed without a report that it was kept
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


#: states in which something is still owed to the customer
OWED = frozenset({PromiseState.OPEN, PromiseState.LATE, PromiseState.BROKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise. Both dates are aware and in UTC; `internal_deadline` is the earlier one (practice 54).

    `relation` ties the text to `promised_by`, and `since` begins its window. A `dated` text names its date in
    the agent's own words already. `confirmed` is the key of the letter that put it in writing, "" until that
    letter was sent. `slipped` means that it has had a second date already; only a lead sets a third one.
    `untold_since` is when a promise confirmed in writing was withdrawn, until the customer knows
    that. `told_before` is the date that the customer has in writing while a later one is not. `kept_at` is when it
    was said to be kept, None also in ledgers in which only the history tells it.
    """

    n: int
    text: str
    kind: PromiseKind
    internal_deadline: InternalDeadline
    promised_by: PromisedBy
    state: PromiseState = PromiseState.OPEN
    source: str = ""
    owner: str = ""
    confirmed: str = ""
    because: str = ""
    made_at: datetime | None = None
    slipped: bool = False
    relation: Relation = Relation.BY
    since: datetime | None = None
    dated: bool = False
    untold_since: datetime | None = None
    told_before: datetime | None = None
    kept_at: datetime | None = None

    @property
    def named(self) -> Translatable:
        """The number and the text, set off for use inside a sentence for agents."""
        return msg("promise {n}, “{text}”,", n=self.n, text=self.text.rstrip(" ."))

    @property
    def answers(self) -> tuple[str, str, str]:
        """The lines with which an agent says that it was kept, is late, or is not owed any more.

        The agent replaces the dots in the last two with a date and a reason.
        """
        return f"kept: {self.n}", f"late: {self.n} until ... because ...", f"withdraw: {self.n} because ..."

    @property
    def owed(self) -> bool:
        """Whether the customer still waits for it: it is open, late or broken."""
        return self.state in OWED


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPromise:
    """A commitment read in an agent's reply, and its date.

    `relation`, `since` and `dated` are those of `Promise`. `words` are the ones that were recognised, in the order of
    the sentence; `past` means that it was done already. `likely` is how likely the clause commits us.
    """

    text: str
    kind: PromiseKind
    due: datetime | None
    words: tuple[str, ...] = ()
    past: bool = False
    likely: float = field(default=1.0, compare=False)
    relation: Relation = Relation.BY
    since: datetime | None = None
    dated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCompensation:
    """Compensation read in an agent's reply.

    `kind` is a value of `Gift`, `amount` decimal text as `Money.of` reads it, and `currency` "" when none is
    named.
    """

    kind: str
    amount: str = ""
    currency: str = ""
    text: str = ""
    words: tuple[str, ...] = ()
    past: bool = False


class DatedText(NamedTuple):
    """What an agent says in a line, and by, on, between or from when; the fields are those of `Promise`.

    `is_over`: its day has no year and is next year's, since this year's is over.
    """

    text: str
    due: datetime | None = None
    relation: Relation = Relation.BY
    since: datetime | None = None
    dated: bool = False
    is_over: bool = False


class Found(NamedTuple):
    """What was read in an agent's reply; `unsure` are sentences that may promise or give something."""

    promises: tuple[FoundPromise, ...] = ()
    compensation: tuple[FoundCompensation, ...] = ()
    unsure: tuple[str, ...] = ()


NOTHING_FOUND = Found()


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpRequest:
    """What a department was asked for a case, by when, and what it answered, "" until it did.

    `settled` means that an agent needs no answer, or no further one.
    """

    n: int
    helper: str
    question: str
    due: datetime
    asked_at: datetime
    answer: str = ""
    settled: bool = False

    @property
    def named(self) -> Translatable:
        """The department and the question, for use inside a sentence for agents."""
        return msg("{helper}: “{text}”", helper=self.helper, text=self.question)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A prevention that we promised ourselves (practice 72): by when, and which agent does it.

    No letter says that it will not happen again before it is done.
    """

    n: int
    text: str
    due: datetime
    owner: str
    planned_at: datetime
    done_at: datetime | None = None

    @property
    def named(self) -> Translatable:
        """The number and the text, set off for use inside a sentence for agents."""
        return msg("action {n}, “{text}”,", n=self.n, text=self.text.rstrip(" ."))

    @property
    def answers(self) -> tuple[str, str, str]:
        """The lines with which an agent says that it is done, moves, or is dropped."""
        return f"kept: {self.n}", f"late: {self.n} until ... because ...", f"withdraw: {self.n} because ..."


class OptionState(StrEnum):
    """The state of an offered option."""

    #: offered; the customer has not chosen
    OPEN = "open"
    #: the customer chose it; it is a promise now
    CHOSEN = "chosen"
    #: the customer chose another one
    PASSED = "passed"
    #: an agent withdrew it
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option to choose from.

    `n` is the number that the customer answers with, and `promised_by` the date of the promise that it would
    become. `letter` is the key of the letter that offers it, "" until one is written.
    """

    n: int
    text: str
    promised_by: PromisedBy
    state: OptionState = OptionState.OPEN
    letter: str = ""
    offered_at: datetime | None = None

    @property
    def named(self) -> Translatable:
        """The number and the text, set off for use inside a sentence for agents."""
        return msg("option {n}, “{text}”,", n=self.n, text=self.text.rstrip(" ."))


def paired(
    promises: Sequence[FoundPromise],
    grants: Sequence[FoundCompensation],
    first: int,
    known: Collection[str] = (),
) -> tuple[list[tuple[int, FoundPromise]], list[tuple[FoundCompensation, int]]]:
    """Number the promises from `first` on, and link each grant to the promise that the same action keeps.

    "I will ship a replacement by Friday" is a promise and a replacement: when it is kept, both are done. A
    gift without a date is a grant only: a promise beside it would say the same twice. A
    promise that only names a gift card is left out, because the card's own letter keeps it after the follow-
    up. Promises whose text is in `known` exist already and are left out too.

    Returns:
        The numbered promises, and each grant with the number of its promise, 0 when it has none.
    """
    kinds = {
        grant.words[:1]: grant.kind
        for grant in sorted(grants, key=lambda grant: grant.kind == Gift.GIFT_CARD)
    }
    kinds.pop((), None)
    numbered = list(enumerate((one for one in promises if _is_new(one, known, kinds)), first))
    number_of = {promise.words[:1]: n for n, promise in numbered if promise.words}
    return numbered, [(grant, 0 if grant.past else number_of.get(grant.words[:1], 0)) for grant in grants]


def _is_new(promise: FoundPromise, known: Collection[str], kinds: Mapping[tuple[str, ...], str]) -> bool:
    """Return whether a promise is one to be made, which neither exists already nor is said by a gift.

    Args:
        promise: as it was read.
        known: the texts of those that exist.
        kinds: by the words of a clause the kind of gift that it gives; of several, a gift card.
    """
    kind = kinds.get(promise.words[:1])
    said_by_gift = kind is not None and (promise.due is None or kind == Gift.GIFT_CARD)
    return not (promise.past or said_by_gift or promise.text in known)
