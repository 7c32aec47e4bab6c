"""The case as a value: what is known, promised, granted and written, and queries of several policies."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import LetterKind, LetterRecordState
from followupd.domain.mail import Person
from followupd.domain.promise import OWED, Action, HelpRequest, Option, OptionState, Promise, PromiseState
from followupd.domain.translatable import Translatable, msg
from followupd.errors import InvalidTransitionError


class Fault(StrEnum):
    """Whose fault it was, which chooses the wording (practices 36 and 37).

    Letters are sorry for the trouble in any case.
    """

    OURS = "ours"
    SHARED = "shared"
    NOT_OURS = "not-ours"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts that letters are made of (practices 3, 5, 6 and 48).

    A fact that is None is not known yet.
    """

    #: what is wrong, as the customer sees it
    issue: str | None = None
    #: what it meant for the customer
    impact: str | None = None
    #: what would put it right
    wants: str | None = None
    #: what went wrong
    cause: str | None = None
    #: how it was put right
    resolution: str | None = None
    #: what was changed so that it does not happen again
    prevention: str | None = None
    fault: Fault = Fault.UNKNOWN
    #: the name of the cause in the playbook, for statistics
    cause_code: str | None = None
    phone: str | None = None
    #: why a lead gives nothing for the trouble of a second complaint
    no_gift: str | None = None
    #: what the customer lost, or the order is worth, as "120.00 EUR"
    loss: str | None = None
    #: in whose favour it ended: in-favour, partly or not (practice 13)
    resolved: str | None = None

    def stated(self, texts: dict[str, str]) -> "Facts":
        """Return the facts with some of them replaced.

        Args:
            texts: what was said, by the names of the fields; those that are left out stay as they are.

        Raises:
            ValueError: the text of `fault` is none of its values.
        """
        changes: dict[str, Any] = dict(texts)
        if "fault" in changes:
            changes["fault"] = Fault(changes["fault"])
        return replace(self, **changes)

    def text(self, name: str) -> str:
        """Return a fact in words, "" while it is not known.

        Args:
            name: a field of this class.
        """
        return str(getattr(self, name) or "")

    def missing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the named facts that are not known, in the order of `names`.

        Args:
            names: fields of this class; an empty text and `Fault.UNKNOWN` count as not known.
        """
        unknown = {None, "", Fault.UNKNOWN}
        return tuple(name for name in names if getattr(self, name) in unknown)


FACT_NAMES = tuple(field.name for field in fields(Facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """The cause of a case that customers were told would not come back (practice 32).

    `told` customers were told so, the first at `first_told_at`; the case is the `nth` since. `answered` means that
    somebody has said what is different now.
    """

    cause: str
    told: int
    nth: int
    first_told_at: datetime
    at: datetime
    answered: bool = False


class Outcome(StrEnum):
    """What became of a customer after the case was closed (practice 33). The values are stored."""

    #: wrote again, and not to complain
    RETURNED = "returned"
    #: said that it is right, or thanked
    CONTENT = "content"
    COMPLAINED_SAME = "complained-again"
    COMPLAINED_OTHER = "complained-again-other"
    #: wrote that they leave
    GONE = "gone"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """An outcome: how long after the close, such as "30 days", and when it was looked at."""

    after: str
    outcome: Outcome
    at: datetime


class Stage(StrEnum):
    """The stage of a case. `followupd.domain.lifecycle` says which event leads to which stage."""

    #: it may be a complaint; an agent decides, and nothing is sent to the customer
    SUSPECTED = "suspected"
    #: it is a complaint; nothing is promised yet
    HEARD = "heard"
    #: something is promised that is not in writing yet
    PROMISED = "promised"
    #: the customer has the promises in writing
    CONFIRMED = "confirmed"
    #: an agent said that it is put right; the follow-up waits for its day
    FIXED = "fixed"
    #: the follow-up was sent
    FOLLOWED_UP = "followed-up"
    #: nothing is owed any more
    CLOSED = "closed"
    #: it was no complaint
    DISMISSED = "dismissed"

    @property
    def named(self) -> Translatable:
        """The stage in a sentence for agents: "followed-up"."""
        return msg("confirmed in writing" if self is Stage.CONFIRMED else self.value)


#: stages in which something is still to be done for the customer
WORKING = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED})
#: stages in which the matter was put right
PUT_RIGHT = frozenset({Stage.FIXED, Stage.FOLLOWED_UP, Stage.CLOSED})
#: stages in which the mail is not, or not yet, a complaint
NO_COMPLAINT = frozenset({Stage.SUSPECTED, Stage.DISMISSED})
#: the severity of danger, the law, the public, and much money
HIGH = "high"


#: states of a letter that is written and neither sent nor given up
UNDER_WAY = frozenset({LetterRecordState.REVIEW, LetterRecordState.PENDING, LetterRecordState.DOUBT})
#: states of a letter that does not reach its reader
LOST = frozenset({LetterRecordState.FAILED, LetterRecordState.DROPPED})


@dataclass(frozen=True, slots=True)
class LetterRecord:
    """What the case remembers of a letter, and since when. The text is in the outbox."""

    key: str
    kind: LetterKind
    state: LetterRecordState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One complaint, from the first mail to its close. A case changes only by `lifecycle.after(case, event)`.

    `wake_at` is the time of the next check, None when nothing is scheduled. `version` is increased each time
    the case is saved; a save with an old version is refused.
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
    #: words of the customer's first mail say that somebody's health or safety is at stake
    danger: bool = False
    language: str = ""
    #: the customer's newest mail, which letters answer
    message_id: str = ""
    references: tuple[str, ...] = ()
    #: why a machine must not answer that mail, "" when it may
    no_answer: str = ""
    held: bool = False
    held_because: str = ""
    held_at: datetime | None = None
    #: sentences of an agent's reply that were not understood; the agent was asked about them at `unclear_at`
    unclear: tuple[str, ...] = ()
    unclear_at: datetime | None = None
    #: when the hold ends by itself, None where only a person ends it
    held_until: datetime | None = None
    #: the recogniser decided that it is a complaint, and no agent has confirmed it
    by_machine: bool = False
    score: float = 0.0
    evidence: tuple[tuple[str, float], ...] = ()
    #: suspected because of strong cues
    urgent: bool = False
    #: whether it is part of a flood, which agents are asked about in bulk
    flood: bool = False
    facts: Facts = Facts()
    #: the text of the customer's first mail
    story: str = ""
    #: facts in the customer's words, by name, for an agent to confirm
    suggested: tuple[tuple[str, str], ...] = ()
    #: who signed the customer's first mail, where a line shows it
    signed_by: str = ""
    #: how an agent greeted the customer in the newest reply ("Dear Mrs Smith")
    salutation: str = ""
    #: how an agent speaks to the customer: informal, formal, or "" where none has shown it
    register: str = ""
    #: the text of the customer's newest mail
    latest: str = ""
    #: addresses of which an agent has to say which one is the customer's
    candidates: tuple[str, ...] = ()
    #: the closed case in whose thread the customer complains again, "" for none
    earlier: str = ""
    #: the customer's complaints within the months before, by their references
    complaints_before: tuple[str, ...] = ()
    #: addresses of others who wrote about this case, and whose mails are in quarantine
    set_aside: tuple[str, ...] = ()
    #: the customer's other addresses, by an agent's word
    addresses: tuple[str, ...] = ()
    #: the names of the files in the customer's newest mail
    attachments: tuple[str, ...] = ()
    promises: tuple[Promise, ...] = ()
    options: tuple[Option, ...] = ()
    compensation: tuple[Compensation, ...] = ()
    #: what departments were asked
    requests: tuple[HelpRequest, ...] = ()
    #: what we promised ourselves, so that it does not happen again
    actions: tuple[Action, ...] = ()
    #: the highest number of an action that was dropped, which is not given again
    dropped: int = 0
    #: that its cause came back although customers were told that it would not
    recurrence: Recurrence | None = None
    #: the causes of which the customer was told that they will not come back, and when
    prevented: tuple[tuple[str, datetime], ...] = ()
    #: what became of the customer after the case was closed
    outcomes: tuple[OutcomeRecord, ...] = ()
    #: when the customer wrote that they leave
    left_at: datetime | None = None
    letters: tuple[LetterRecord, ...] = ()
    #: texts that an agent keeps although a rule of wording warned of them
    insisted: tuple[str, ...] = ()
    #: facts that went back to an agent: name, what was said, and the sentence that `ok` accepts
    returned: tuple[tuple[str, str, str], ...] = ()
    #: kind and reason of a letter that could not be written
    stopped: tuple[str, str] | None = None
    suspected_at: datetime | None = None
    heard_at: datetime | None = None
    promised_at: datetime | None = None
    fixed_at: datetime | None = None
    followed_up_at: datetime | None = None
    closed_at: datetime | None = None
    reopened_at: datetime | None = None
    #: when the customer wrote nothing but thanks
    content_at: datetime | None = None
    stopped_at: datetime | None = None
    customer_wrote_at: datetime | None = None
    we_wrote_at: datetime | None = None
    #: the customer's last mail needs an answer and is neither answered nor acknowledged
    unanswered: bool = False
    #: when the owner was asked for missing facts, and for which
    asked_at: datetime | None = None
    asked: tuple[str, ...] = ()
    #: every reminder by the text of its key, with its time
    nudges: tuple[tuple[str, datetime], ...] = ()
    #: the time of the last reminder of each agent, by agent id
    told: tuple[tuple[str, datetime], ...] = ()
    call_asked_at: datetime | None = None
    card_lacking_at: datetime | None = None
    #: the grant whose gift card is on order, 0 for none
    card_ordered: int = 0
    reached: bool = False
    not_reached: str = ""
    not_reached_at: datetime | None = None
    away_until: datetime | None = None
    wake_at: datetime | None = None
    version: int = 0

    def evolve(self, **changes: Any) -> "Case":
        """Return the case with these fields changed.

        This does what `dataclasses.replace()` does, about three times faster.

        Args:
            changes: new values by the names of fields, which are not checked.
        """
        case = object.__new__(Case)
        for read, write in _FIELDS:
            write(case, read(self))
        for name, value in changes.items():
            object.__setattr__(case, name, value)
        return case

    def with_promise(self, n: int, **changes: Any) -> "Case":
        """Return the case with promise `n` changed.

        Raises:
            InvalidTransitionError: the case has no promise `n`.
        """
        if self.promise(n) is None:
            raise InvalidTransitionError(f"{self.ref} has no promise {n}")

        return self.evolve(promises=with_one_changed(self.promises, n, **changes))

    def with_compensation(self, n: int, **changes: Any) -> "Case":
        """Return the case with grant `n` changed.

        Raises:
            InvalidTransitionError: the case has no grant `n`.
        """
        if self.grant(n) is None:
            raise InvalidTransitionError(f"{self.ref} has no compensation {n}")

        return self.evolve(compensation=with_one_changed(self.compensation, n, **changes))

    def with_letter(
        self, key: str, kind: LetterKind, state: LetterRecordState, at: datetime, **changes: Any
    ) -> "Case":
        """Return the case with a letter in this state, as the last of its letters, and with other changes.

        A record that the case has of the letter already is replaced, and its time with it.
        """
        others = tuple(record for record in self.letters if record.key != key)
        return self.evolve(letters=(*others, LetterRecord(key, kind, state, at)), **changes)

    def letters_of(self, kind: LetterKind) -> tuple[LetterRecord, ...]:
        """Return the letters of one kind, in the order in which their state last changed."""
        return tuple(record for record in self.letters if record.kind == kind)

    def letters_in(self, *states: LetterRecordState) -> tuple[LetterRecord, ...]:
        """Return the letters in these states, in the order in which they came into them."""
        return tuple(record for record in self.letters if record.state in states)

    def was_sent(self, kind: LetterKind) -> bool:
        """Return whether a letter of this kind was sent; one in doubt does not count."""
        states = {record.state for record in self.letters_of(kind)}
        return LetterRecordState.SENT in states

    def under_way(self, kind: LetterKind) -> bool:
        """Return whether a letter of this kind is written and neither sent nor given up.

        No second one is written meanwhile.
        """
        states = {record.state for record in self.letters_of(kind)}
        return not states.isdisjoint(UNDER_WAY)

    def next_key(self, kind: LetterKind) -> str:
        """Return the key of the next letter of this kind.

        It depends on the case alone, so that the same decision, taken twice, gives the same letter.
        """
        number = len(self.letters_of(kind)) + 1
        return f"{self.ref}.{kind}.{number}"

    def reminded_at(self, key: ReminderKey) -> datetime | None:
        """Return when this reminder was sent, or None if it was not.

        Args:
            key: with the date that the reminder is about: one about an earlier date of a promise is another
                reminder.
        """
        return dict(self.nudges).get(str(key))

    def reminders_of(self, kind: ReminderKind) -> tuple[datetime, ...]:
        """Return when reminders of one kind were sent, the oldest first."""
        return tuple(at for key, at in self.nudges if ReminderKind.of(key) is kind)

    def promise(self, n: int) -> Promise | None:
        """Return promise `n`, or None if the case has none."""
        return _find(self.promises, n)

    def grant(self, n: int) -> Compensation | None:
        """Return grant `n`, or None if the case has none."""
        return _find(self.compensation, n)

    @property
    def next_promise(self) -> int:
        """The number of the next promise or action, which share their numbers."""
        return max(self.dropped, *numbers((*self.promises, *self.actions)), 0) + 1

    @property
    def next_grant(self) -> int:
        """The number of the next grant."""
        return max(numbers(self.compensation), default=0) + 1

    @property
    def next_option(self) -> int:
        """The number of the next option."""
        return max(numbers(self.options), default=0) + 1

    def promises_in(self, *states: PromiseState) -> tuple[Promise, ...]:
        """Return the promises in these states."""
        return tuple(promise for promise in self.promises if promise.state in states)

    def grants_in(self, *states: GrantState) -> tuple[Compensation, ...]:
        """Return the grants in these states."""
        return tuple(grant for grant in self.compensation if grant.state in states)

    @property
    def gift_cards(self) -> tuple[Compensation, ...]:
        """The grants that are gift cards, in any state."""
        return tuple(grant for grant in self.compensation if grant.kind is Gift.GIFT_CARD)

    @property
    def loss(self) -> Money | None:
        """What the customer lost, as an agent says, else the largest amount of the first mail."""
        said = self.facts.loss or dict(self.suggested).get("loss", "")
        return Money.of(*said.split()) if said else None

    @property
    def owed(self) -> tuple[Promise, ...]:
        """Promises that the customer still waits for: open, late or broken.

        The follow-up waits for them, and the case is not closed before they are settled.
        """
        return self.promises_in(*OWED)

    @property
    def answers_of_owed(self) -> tuple[str, ...]:
        """The lines with which an agent answers for what is owed, two for each promise."""
        return tuple(line for promise in self.owed for line in promise.answers[:2])

    @property
    def proposed(self) -> tuple[Promise, ...]:
        """Promises that were read in an agent's reply, and that no agent has approved."""
        return self.promises_in(PromiseState.PROPOSED)

    @property
    def unwritten(self) -> tuple[Promise, ...]:
        """Open promises that the customer does not have in writing.

        The confirmation puts them in writing. A late promise is not among them: it has the delay letter.
        """
        waiting = self.awaiting_approval
        open_promises = self.promises_in(PromiseState.OPEN)
        return tuple(
            promise for promise in open_promises if not promise.confirmed and promise.n not in waiting
        )

    @property
    def awaiting_approval(self) -> frozenset[int]:
        """The numbers of the promises whose compensation a lead has not approved yet; no letter names them."""
        waiting = self.grants_in(GrantState.WAITING_APPROVAL)
        return frozenset(grant.promise for grant in waiting if grant.promise)

    @property
    def open_actions(self) -> tuple[Action, ...]:
        """What we promised ourselves and have not done."""
        return tuple(action for action in self.actions if action.done_at is None)

    @property
    def came_back(self) -> Recurrence | None:
        """That the cause as it is known now came back and nobody has said what is different; None otherwise."""
        found = self.recurrence
        is_open = found is not None and found.cause == self.facts.cause_code and not found.answered
        return found if is_open else None

    @property
    def open_requests(self) -> tuple[HelpRequest, ...]:
        """What departments were asked and have not answered."""
        return tuple(request for request in self.requests if not (request.answer or request.settled))

    @property
    def newest_words(self) -> str:
        """The customer's words in the newest mail, else the story of the case."""
        return self.latest or self.story

    @property
    def untold(self) -> tuple[Promise, ...]:
        """Withdrawn promises that the customer has in writing and still waits for."""
        return tuple(promise for promise in self.promises if promise.untold_since)

    @property
    def awaiting_receipt(self) -> tuple[Compensation, ...]:
        """Grants of which only the customer knows whether they arrived.

        The follow-up asks for them, so there are none before it was sent.
        """
        if self.followed_up_at is None:
            return ()

        return tuple(grant for grant in self.compensation if grant.awaits_receipt)

    @property
    def open_options(self) -> tuple[Option, ...]:
        """Options that are offered, and neither chosen nor withdrawn."""
        return tuple(option for option in self.options if option.state is OptionState.OPEN)

    @property
    def unasked(self) -> tuple[Option, ...]:
        """Open options that no letter offers.

        None was written yet, or the one that was written did not reach the customer.
        """
        lost = {record.key for record in self.letters_in(*LOST)}
        return tuple(option for option in self.open_options if option.letter in {"", *lost})

    @property
    def to_choose(self) -> tuple[Option, ...]:
        """Open options that the customer was asked to choose from, by a letter that was sent."""
        sent = {record.key for record in self.letters_in(LetterRecordState.SENT)}
        return tuple(option for option in self.open_options if option.letter in sent)

    @property
    def in_danger(self) -> bool:
        """Whether the first letter says what to do now; an agent who lowers the severity says that there is none."""
        return self.danger and self.severity == HIGH

    @property
    def again(self) -> bool:
        """Whether it is not the customer's first recent complaint (practice 20)."""
        return bool(self.complaints_before)

    @property
    def quoted_facts(self) -> frozenset[str]:
        """Names of the facts that are the customer's own words, which letters print as a quotation."""
        said = _comparable(f"{self.story} {self.latest}")
        words = {name: _comparable(self.facts.text(name)) for name in QUOTABLE}
        long = {name: text for name, text in words.items() if text.count(" ") >= _MIN_QUOTED_BLANKS}
        return frozenset(filter(lambda name: long[name] in said, long))

    @property
    def stated_words(self) -> tuple[str, ...]:
        """What agents said and letters repeat, without empty texts.

        It was checked against the rules of wording when it was said.
        """
        facts = self.facts
        texts = [facts.issue, facts.impact, facts.cause, facts.resolution, facts.prevention]

        for promise in self.promises:
            texts += (promise.text, promise.because)
        texts += [grant.text for grant in self.compensation]
        return tuple(filter(None, texts))


#: facts that may be in the customer's words
QUOTABLE = ("issue", "impact", "wants")
#: a shorter text may be the customer's by chance
_MIN_QUOTED_BLANKS = 2


def _comparable(text: str) -> str:
    """Return a text without differences of white space, case and final punctuation."""
    return " ".join(text.split()).casefold().rstrip(" .!…")


class _Numbered(Protocol):
    """A promise, a grant or an option."""

    @property
    def n(self) -> int: ...


_AnyNumbered = TypeVar("_AnyNumbered", bound=_Numbered)


def numbers(items: Iterable[_Numbered]) -> list[int]:
    """Return the numbers of promises, grants or options."""
    return [item.n for item in items]


def _find(items: Iterable[_AnyNumbered], n: int) -> _AnyNumbered | None:
    """Return the one with this number, or None."""
    return next((item for item in items if item.n == n), None)


def with_one_changed(items: Iterable[Any], n: int, **changes: Any) -> tuple[Any, ...]:
    """Return promises, grants or other numbered things of a case with the one of this number changed."""
    return tuple(replace(item, **changes) if item.n == n else item for item in items)


#: how each field of a case is read and written
_FIELDS = [(getattr(Case, field.name).__get__, getattr(Case, field.name).__set__) for field in fields(Case)]
