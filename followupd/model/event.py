"""Everything that can happen in a case, each event with what it changes; the history is made of these."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from followupd.model.compensation import Compensation, GrantState, Money
from followupd.model.facts import Facts
from followupd.model.message import Person
from followupd.model.option import Option, OptionState
from followupd.model.promise import Promise, PromiseState

if TYPE_CHECKING:
    from followupd.model.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened: when (aware, UTC), by whom or what, and why.

    `on(case)` returns the case with what the event changes besides the stage; which stage follows is the business of
    the one table in `case.py`.
    """

    at: datetime
    by: str = "followupd"
    why: str = ""

    def on(self, case: "Case") -> "Case":
        return case


# --- how a case begins and ends ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(Event):
    """A case was opened for a customer's mail; always the first event."""

    ref: str
    mailbox: str
    customer: Person
    subject: str
    playbook: str
    owner: str
    severity: str = "normal"
    language: str = ""
    message_id: str = ""
    references: tuple[str, ...] = ()
    no_answer: str = ""
    facts: Facts = Facts()
    story: str = ""  # the customer's own words, shortened
    suggested: tuple[tuple[str, str], ...] = ()  # facts in the customer's words; an agent takes them or not


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintSuspected(Event):
    """The recogniser thinks that this may be a complaint; an agent decides, the customer hears nothing.

    `urgent`: strong cues stand in it, so an agent is asked at once and not only in the digest.
    """

    score: float = 0.0
    evidence: tuple[tuple[str, float], ...] = ()
    urgent: bool = False

    def on(self, case: "Case") -> "Case":
        evidence = self.evidence or case.evidence
        return replace(
            case, suspected_at=self.at, urgent=self.urgent, score=self.score or case.score, evidence=evidence
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintHeard(Event):
    """It is a complaint: an agent said so, or the recogniser is sure. `by_machine` letters admit no fault."""

    score: float = 0.0
    evidence: tuple[tuple[str, float], ...] = ()
    by_machine: bool = False

    def on(self, case: "Case") -> "Case":
        evidence = self.evidence or case.evidence
        return replace(
            case, heard_at=self.at, by_machine=self.by_machine, score=self.score or case.score, evidence=evidence
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed(Event):
    """An agent said that it is no complaint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed(Event):
    """An agent said that the matter is put right; the clock of the follow-up starts."""

    def on(self, case: "Case") -> "Case":
        return replace(case, fixed_at=self.at, unanswered=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(Event):
    """The matter is open again: the customer or an agent said that it is not right yet."""

    def on(self, case: "Case") -> "Case":
        return replace(case, fixed_at=None, closed_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Event):
    """Nothing is owed any more."""

    def on(self, case: "Case") -> "Case":
        return replace(case, closed_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked(Event):
    """Something does not fit; nothing happens by machine until a person releases the case."""

    def on(self, case: "Case") -> "Case":
        return replace(case, held=True, held_because=self.why, held_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Event):
    """A person stopped all letters of this case."""

    def on(self, case: "Case") -> "Case":
        return replace(case, held=True, held_because=self.why, held_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Event):
    """A person let the letters of this case go again."""

    def on(self, case: "Case") -> "Case":
        return replace(case, held=False, held_because="", held_at=None)


# --- what was said and found out --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerWrote(Event):
    """The customer wrote again in this case; letters answer the newest mail."""

    message_id: str = ""
    references: tuple[str, ...] = ()
    subject: str = ""
    no_answer: str = ""
    text: str = ""  # the new words, shortened

    def on(self, case: "Case") -> "Case":
        return replace(
            case,
            latest=self.text,
            message_id=self.message_id or case.message_id,
            references=self.references if self.message_id else case.references,
            customer_wrote_at=self.at,
            unanswered=True,
            no_answer=self.no_answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWrote(Event):
    """One of ours answered the customer from a mail client."""

    message_id: str = ""

    def on(self, case: "Case") -> "Case":
        return replace(case, we_wrote_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsStated(Event):
    """Facts for the letters: names and texts, replacing what stood there."""

    facts: tuple[tuple[str, str], ...]

    def on(self, case: "Case") -> "Case":
        return replace(case, facts=case.facts.stated(dict(self.facts)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChosen(Event):
    """Another agent is responsible from now on."""

    owner: str

    def on(self, case: "Case") -> "Case":
        return replace(case, owner=self.owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookChosen(Event):
    """Another playbook applies from now on; standing steps already promised stay promised."""

    playbook: str

    def on(self, case: "Case") -> "Case":
        return replace(case, playbook=self.playbook)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChosen(Event):
    """low, normal or high."""

    severity: str

    def on(self, case: "Case") -> "Case":
        return replace(case, severity=self.severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingInsisted(Event):
    """An agent stands by words that a rule of wording warned of."""

    text: str

    def on(self, case: "Case") -> "Case":
        return replace(case, insisted=(*case.insisted, self.text))


# --- promises ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseProposed(Event):
    """An agent's reply sounds like a promise; an agent's word makes it one."""

    promise: Promise

    def on(self, case: "Case") -> "Case":
        return replace(case, promises=(*case.promises, self.promise))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseMade(Event):
    """We owe this from now on. A proposed promise of the same number becomes this one."""

    promise: Promise

    def on(self, case: "Case") -> "Case":
        others = tuple(promise for promise in case.promises if promise.n != self.promise.n)
        promises = tuple(sorted((*others, self.promise), key=lambda promise: promise.n))
        return replace(case, promises=promises, promised_at=self.at, closed_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PromiseTurned(Event):
    n: int

    def on(self, case: "Case") -> "Case":
        return case.with_promise(self.n, **self.changes())

    def changes(self) -> dict[str, object]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseKept(_PromiseTurned):
    """What was promised was done."""

    def changes(self) -> dict[str, object]:
        return {"state": PromiseState.KEPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseLate(_PromiseTurned):
    """It will not be kept by the date we told; the customer hears the new date, before the old one."""

    due: datetime
    told: datetime
    because: str = ""

    def changes(self) -> dict[str, object]:
        # The new date does not stand in writing until the delay letter has left.
        return {
            "state": PromiseState.LATE, "due": self.due, "told": self.told, "because": self.because, "confirmed": ""
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseBroken(_PromiseTurned):
    """The date that the customer was told passed, and nobody said that it was kept."""

    def changes(self) -> dict[str, object]:
        return {"state": PromiseState.BROKEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseWithdrawn(_PromiseTurned):
    """We do not owe this any more, and somebody said why."""

    because: str = ""

    def changes(self) -> dict[str, object]:
        return {"state": PromiseState.WITHDRAWN, "because": self.because}


# --- options --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionOffered(Event):
    """An agent offers one of several ways to put it right; the customer will be asked which suits better."""

    option: Option

    def on(self, case: "Case") -> "Case":
        return replace(case, options=(*case.options, self.option))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsAsked(Event):
    """A letter asks which of the open options suits better; it lies in the outbox."""

    key: str

    def on(self, case: "Case") -> "Case":
        asked = (replace(o, letter=self.key) if o.state is OptionState.OPEN else o for o in case.options)
        return replace(case, options=tuple(asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChosen(Event):
    """The customer chose; what was chosen becomes a promise, and the other options are passed over."""

    n: int

    def on(self, case: "Case") -> "Case":
        states = {option.n: OptionState.PASSED for option in case.options if option.state is OptionState.OPEN}
        states[self.n] = OptionState.CHOSEN
        return replace(case, options=tuple(replace(o, state=states.get(o.n, o.state)) for o in case.options))


# --- compensation -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationGranted(Event):
    """Something is to be given. Its state says whether it is granted, waits for approval, or is only proposed."""

    compensation: Compensation

    def on(self, case: "Case") -> "Case":
        grant = self.compensation
        if grant.counts:
            grant = replace(grant, granted_at=self.at, granted_by=self.by)
        others = tuple(each for each in case.compensation if each.n != grant.n)
        return replace(case, compensation=tuple(sorted((*others, grant), key=lambda each: each.n)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompensationTurned(Event):
    n: int

    def on(self, case: "Case") -> "Case":
        return case.with_compensation(self.n, **self.changes())

    def changes(self) -> dict[str, object]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationApproved(_CompensationTurned):
    """A second person agreed to a grant that the first one could not give alone."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.GRANTED, "approved_by": self.by}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationRefused(_CompensationTurned):
    """It will not be given."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationIssued(_CompensationTurned):
    """It was given: the refund was booked, the card was sent."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.ISSUED, "issued_at": self.at}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationConfirmed(_CompensationTurned):
    """The customer has it (practice 73). `settles` says that the customer's mail held nothing else to answer."""

    settles: bool = False

    def on(self, case: "Case") -> "Case":
        case = _CompensationTurned.on(self, case)
        return replace(case, unanswered=False) if self.settles else case

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.CONFIRMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationMissing(_CompensationTurned):
    """The customer says that it did not arrive."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.MISSING}


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardDue(Event):
    """The moment of a gift card has come: one is ordered for this grant, and comes when the provider gives it."""

    n: int
    money: Money

    def on(self, case: "Case") -> "Case":
        return replace(case, card_ordered=self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardLacking(Event):
    """No card of that value could be had; the admin and the owner are told, and it is tried again."""

    n: int

    def on(self, case: "Case") -> "Case":
        return replace(case, card_lacking_at=self.at)


# --- letters ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWritten(Event):
    """A letter was written and lies in the outbox; its words are frozen there, not here."""

    key: str
    kind: str
    to: str
    subject: str
    review: bool = False

    def on(self, case: "Case") -> "Case":
        case = case.with_letter(self.key, self.kind, "review" if self.review else "pending", self.at)
        return replace(case, card_ordered=0, card_lacking_at=None) if self.kind == "gift-card" else case


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterStopped(Event):
    """A letter could not be written; the owner is asked for what is missing. `kind` is tried again after a word."""

    kind: str

    def on(self, case: "Case") -> "Case":
        return replace(case, stopped=(self.kind, self.why), stopped_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LetterLeft(Event):
    key: str
    kind: str
    message_id: str = ""
    promises: tuple[int, ...] = ()  # the promises that now stand in writing

    def on(self, case: "Case") -> "Case":
        case = replace(case.with_letter(self.key, self.kind, "left", self.at), we_wrote_at=self.at)
        for n in self.promises:
            case = case.with_promise(n, confirmed=self.key)
        return case


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStepConfirmed(_LetterLeft):
    """The confirmation left: the promises stand in writing (practice 27)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedUp(_LetterLeft):
    """The follow-up left (practice 45)."""

    def on(self, case: "Case") -> "Case":
        return replace(_LetterLeft.on(self, case), followed_up_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardSent(_LetterLeft):
    """The gift card left, in a thread of its own (practice 47)."""

    n: int = 0

    def on(self, case: "Case") -> "Case":
        return _LetterLeft.on(self, case).with_compensation(self.n, state=GrantState.ISSUED, issued_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTold(_LetterLeft):
    """A letter of another kind left for the customer: a delay, a holding letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTold(Event):
    """A desk mail left for an agent."""

    key: str
    kind: str
    message_id: str = ""

    def on(self, case: "Case") -> "Case":
        return case.with_letter(self.key, self.kind, "left", self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterInDoubt(Event):
    """Nobody knows whether this letter left; evidence or a person decides."""

    key: str
    kind: str

    def on(self, case: "Case") -> "Case":
        return case.with_letter(self.key, self.kind, "doubt", self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterAgain(Event):
    """A letter in doubt leaves once more, with the same Message-ID: a person, or the admin's policy, said so."""

    key: str
    kind: str

    def on(self, case: "Case") -> "Case":
        return case.with_letter(self.key, self.kind, "pending", self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRefused(Event):
    """The server refused the letter for good, or it came back: the customer was not reached by it."""

    key: str
    kind: str

    def on(self, case: "Case") -> "Case":
        case = case.with_letter(self.key, self.kind, "failed", self.at)
        return case if self.kind.startswith("desk/") else replace(case, not_reached=self.why, not_reached_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterDropped(Event):
    """The letter was taken back before it left."""

    key: str
    kind: str

    def on(self, case: "Case") -> "Case":
        return case.with_letter(self.key, self.kind, "dropped", self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAsked(Event):
    """A letter was approved, and its draft was changed or gone: the agent was asked, and it waits for review again."""

    key: str
    kind: str

    def on(self, case: "Case") -> "Case":
        return case.with_letter(self.key, self.kind, "review", self.at)


# --- what we asked, and whom we reached -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingAsked(Event):
    """The owner was asked for what the next letter lacks."""

    missing: tuple[str, ...] = ()

    def on(self, case: "Case") -> "Case":
        return replace(case, asked_at=self.at, asked=self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerNudged(Event):
    """The owner, a lead or a manager was reminded; `matter` says of what ("silence", "promise 1 due")."""

    matter: str
    whom: str = ""

    def on(self, case: "Case") -> "Case":
        return replace(case, nudges=(*case.nudges, (self.matter, self.at)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAsked(Event):
    """The owner was asked to call the customer (practice 45)."""

    def on(self, case: "Case") -> "Case":
        return replace(case, call_asked_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReached(Event):
    """Somebody spoke with the customer."""

    def on(self, case: "Case") -> "Case":
        return replace(case, reached=True, not_reached="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNotReached(Event):
    """The customer did not answer the phone, or a letter came back; a voice mail is not reached (practice 69)."""

    def on(self, case: "Case") -> "Case":
        return replace(case, reached=False, not_reached=self.why or "not reached", not_reached_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAway(Event):
    """An absence note came: letters wait for the return."""

    until: datetime

    def on(self, case: "Case") -> "Case":
        return replace(case, away_until=self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Event):
    """An agent approved a letter that waited for review."""

    key: str
    kind: str

    def on(self, case: "Case") -> "Case":
        return case.with_letter(self.key, self.kind, "pending", self.at)


def _subclasses(kind: type[Event]) -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    for each in kind.__subclasses__():
        found |= ({} if each.__name__.startswith("_") else {each.__name__: each}) | _subclasses(each)
    return found


#: every event by its name, as the history stores it
EVENTS: dict[str, type[Event]] = _subclasses(Event)
