"""A case as a value: what is known, promised, given and written, and the questions that several policies ask."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from followupd.domain.compensation import Compensation
from followupd.domain.facts import Facts
from followupd.domain.mail import Person
from followupd.domain.promise import Option, OptionState, Promise, PromiseState
from followupd.errors import InvalidTransitionError


class Stage(StrEnum):
    """Where a case stands."""

    #: it may be a complaint; an agent decides, the customer hears nothing
    SUSPECTED = "suspected"
    #: it is a complaint; nothing is promised yet
    HEARD = "heard"
    #: something is promised that does not stand in writing yet
    PROMISED = "promised"
    #: the customer has the promises in writing
    CONFIRMED = "confirmed"
    #: an agent said that it is put right; the follow-up waits for its day
    FIXED = "fixed"
    #: the follow-up has left
    FOLLOWED_UP = "followed-up"
    #: nothing is owed any more
    CLOSED = "closed"
    #: it was no complaint
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class LetterRecord:
    """What the case remembers of a letter: review, pending, left, doubt, failed or dropped. The words lie elsewhere."""

    key: str
    kind: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One complaint, from the first mail to the last thank-you; frozen, changed only by `lifecycle.after(case, event)`.

    `wake_at` is the moment to look again, None when nothing happens by time. `version` grows with each recorded turn.
    """

    ref: str
    mailbox: str
    customer: Person
    subject: str
    playbook: str
    owner: str
    opened_at: datetime
    stage: Stage = Stage.SUSPECTED
    severity: str = "normal"
    language: str = ""
    message_id: str = ""  # the customer's newest mail, which letters answer
    references: tuple[str, ...] = ()
    no_answer: str = ""  # why a machine must not answer that mail
    held: bool = False
    held_because: str = ""
    held_at: datetime | None = None
    by_machine: bool = False
    score: float = 0.0
    evidence: tuple[tuple[str, float], ...] = ()
    urgent: bool = False  # suspected by strong cues
    facts: Facts = Facts()
    story: str = ""  # the customer's first words
    suggested: tuple[tuple[str, str], ...] = ()
    latest: str = ""  # the customer's newest words
    promises: tuple[Promise, ...] = ()
    options: tuple[Option, ...] = ()
    compensation: tuple[Compensation, ...] = ()
    letters: tuple[LetterRecord, ...] = ()
    insisted: tuple[str, ...] = ()  # words that an agent stands by, whatever a rule of wording says
    stopped: tuple[str, str] | None = None  # a letter that could not be written: kind, why
    suspected_at: datetime | None = None
    heard_at: datetime | None = None
    promised_at: datetime | None = None
    fixed_at: datetime | None = None
    followed_up_at: datetime | None = None
    closed_at: datetime | None = None
    stopped_at: datetime | None = None
    customer_wrote_at: datetime | None = None
    we_wrote_at: datetime | None = None
    unanswered: bool = False  # the customer wrote since the matter was called fixed
    asked_at: datetime | None = None
    asked: tuple[str, ...] = ()
    nudges: tuple[tuple[str, datetime], ...] = ()
    told: tuple[
        tuple[str, datetime], ...
    ] = ()  # when each agent last had a reminder of this case, by agent id
    call_asked_at: datetime | None = None
    card_lacking_at: datetime | None = None
    card_ordered: int = 0  # the grant for which a gift card is ordered and has not come yet
    reached: bool = False
    not_reached: str = ""
    not_reached_at: datetime | None = None
    away_until: datetime | None = None
    wake_at: datetime | None = None
    version: int = 0

    def evolve(self, **changes: Any) -> "Case":
        """Return the case with these fields changed, as `dataclasses.replace` does in three times the time."""
        case = object.__new__(Case)
        for read, write in _FIELDS:
            write(case, read(self))
        for name, value in changes.items():
            object.__setattr__(case, name, value)
        return case

    def with_promise(self, n: int, **changes: Any) -> "Case":
        """Return the case with promise `n` changed; raises WrongTurnError when there is none."""
        if n not in {promise.n for promise in self.promises}:
            raise InvalidTransitionError(f"{self.ref} has no promise {n}")
        return replace(self, promises=tuple(replace(p, **changes) if p.n == n else p for p in self.promises))

    def with_compensation(self, n: int, **changes: Any) -> "Case":
        """Return the case with grant `n` changed; raises WrongTurnError when there is none."""
        if n not in {grant.n for grant in self.compensation}:
            raise InvalidTransitionError(f"{self.ref} has no compensation {n}")
        return replace(
            self, compensation=tuple(replace(g, **changes) if g.n == n else g for g in self.compensation)
        )

    def with_letter(self, key: str, kind: str, state: str, at: datetime, **changes: Any) -> "Case":
        """Return the case with a letter marked anew, and with other changes that come of it."""
        others = tuple(mark for mark in self.letters if mark.key != key)
        return self.evolve(letters=(*others, LetterRecord(key, kind, state, at)), **changes)

    # --- questions that several chapters ask ---

    def letters_of(self, kind: str, *states: str) -> tuple[LetterRecord, ...]:
        return tuple(
            mark for mark in self.letters if mark.kind == kind and (not states or mark.state in states)
        )

    def under_way(self, kind: str) -> bool:
        """Say whether a letter of this kind is written and neither left nor given up."""
        return bool(self.letters_of(kind, "review", "pending", "doubt"))

    def next_key(self, kind: str) -> str:
        """Return the key of the next letter of this kind: a sentence, the same however often it is decided."""
        return f"{self.ref}.{kind}.{len(self.letters_of(kind)) + 1}"

    @property
    def owed(self) -> tuple[Promise, ...]:
        return tuple(promise for promise in self.promises if promise.owed)

    @property
    def unwritten(self) -> tuple[Promise, ...]:
        """Promises still open of which the customer has no word in writing."""
        return tuple(p for p in self.promises if p.state is PromiseState.OPEN and not p.confirmed)

    @property
    def awaiting_receipt(self) -> tuple[Compensation, ...]:
        """Grants of which only the customer knows whether they arrived; asked for in the follow-up."""
        return (
            tuple(grant for grant in self.compensation if grant.awaits_receipt) if self.followed_up_at else ()
        )

    @property
    def unasked(self) -> tuple[Option, ...]:
        """Open options that no letter asks about, because none was written or the one that was never left."""
        lost = {mark.key for mark in self.letters if mark.state in {"failed", "dropped"}}
        return tuple(
            o for o in self.options if o.state is OptionState.OPEN and (not o.letter or o.letter in lost)
        )

    @property
    def to_choose(self) -> tuple[Option, ...]:
        """Open options that the customer was asked to choose from."""
        left = {mark.key for mark in self.letters if mark.state == "left"}
        return tuple(o for o in self.options if o.state is OptionState.OPEN and o.letter in left)

    @property
    def stated_words(self) -> tuple[str, ...]:
        """The words of people that letters repeat; they were checked when they were said."""
        facts = self.facts
        words = [facts.issue, facts.impact, facts.cause, facts.resolution, facts.prevention]
        words += [text for promise in self.promises for text in (promise.text, promise.because)]
        words += [grant.text for grant in self.compensation]
        return tuple(each for each in words if each)

    def promise(self, n: int) -> Promise | None:
        return next((promise for promise in self.promises if promise.n == n), None)

    def grant(self, n: int) -> Compensation | None:
        return next((grant for grant in self.compensation if grant.n == n), None)


#: how each field of a case is read and written
_FIELDS = [(getattr(Case, each.name).__get__, getattr(Case, each.name).__set__) for each in fields(Case)]
