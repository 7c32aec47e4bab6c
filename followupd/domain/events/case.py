"""Whom we asked, told and reached."""

from dataclasses import dataclass, replace
from datetime import datetime

from followupd.domain.case import Case
from followupd.domain.events.base import Event
from followupd.domain.facts import Facts
from followupd.domain.letter import LetterKind, LetterRecordState
from followupd.domain.mail import Person


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

    def apply(self, case: Case) -> Case:
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

    def apply(self, case: Case) -> Case:
        evidence = self.evidence or case.evidence
        return replace(
            case,
            heard_at=self.at,
            by_machine=self.by_machine,
            score=self.score or case.score,
            evidence=evidence,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed(Event):
    """An agent said that it is no complaint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed(Event):
    """An agent said that the matter is put right; the clock of the follow-up starts."""

    def apply(self, case: Case) -> Case:
        return replace(case, fixed_at=self.at, unanswered=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(Event):
    """The matter is open again: the customer or an agent said that it is not right yet."""

    def apply(self, case: Case) -> Case:
        return replace(case, fixed_at=None, closed_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Event):
    """Nothing is owed any more."""

    def apply(self, case: Case) -> Case:
        return replace(case, closed_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked(Event):
    """Something does not fit; nothing happens by machine until a person releases the case."""

    def apply(self, case: Case) -> Case:
        return replace(case, held=True, held_because=self.why, held_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Event):
    """A person stopped all letters of this case."""

    def apply(self, case: Case) -> Case:
        return replace(case, held=True, held_because=self.why, held_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Event):
    """A person let the letters of this case go again."""

    def apply(self, case: Case) -> Case:
        return replace(case, held=False, held_because="", held_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerWrote(Event):
    """The customer wrote again in this case; letters answer the newest mail."""

    message_id: str = ""
    references: tuple[str, ...] = ()
    subject: str = ""
    no_answer: str = ""
    text: str = ""  # the new words, shortened

    def apply(self, case: Case) -> Case:
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

    def apply(self, case: Case) -> Case:
        return replace(case, we_wrote_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsStated(Event):
    """Facts for the letters: names and texts, replacing what stood there."""

    facts: tuple[tuple[str, str], ...]

    def apply(self, case: Case) -> Case:
        return replace(case, facts=case.facts.stated(dict(self.facts)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChosen(Event):
    """Another agent is responsible from now on."""

    owner: str

    def apply(self, case: Case) -> Case:
        return replace(case, owner=self.owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookChosen(Event):
    """Another playbook applies from now on; standing steps already promised stay promised."""

    playbook: str

    def apply(self, case: Case) -> Case:
        return replace(case, playbook=self.playbook)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChosen(Event):
    """low, normal or high."""

    severity: str

    def apply(self, case: Case) -> Case:
        return replace(case, severity=self.severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingInsisted(Event):
    """An agent stands by words that a rule of wording warned of."""

    text: str

    def apply(self, case: Case) -> Case:
        return replace(case, insisted=(*case.insisted, self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingAsked(Event):
    """The owner was asked for what the next letter lacks."""

    missing: tuple[str, ...] = ()

    def apply(self, case: Case) -> Case:
        return replace(case, asked_at=self.at, asked=self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerNudged(Event):
    """The owner, a lead or a manager was reminded; `matter` says of what ("silence", "promise 1 due")."""

    matter: str
    whom: str = ""

    def apply(self, case: Case) -> Case:
        others = tuple((whom, at) for whom, at in case.told if whom != self.whom)
        told = (*others, (self.whom, self.at)) if self.whom else case.told
        return replace(case, nudges=(*case.nudges, (self.matter, self.at)), told=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAsked(Event):
    """The owner was asked to call the customer (practice 45)."""

    def apply(self, case: Case) -> Case:
        return replace(case, call_asked_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReached(Event):
    """Somebody spoke with the customer."""

    def apply(self, case: Case) -> Case:
        return replace(case, reached=True, not_reached="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNotReached(Event):
    """The customer did not answer the phone, or a letter came back; a voice mail is not reached (practice 69)."""

    def apply(self, case: Case) -> Case:
        return replace(case, reached=False, not_reached=self.why or "not reached", not_reached_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAway(Event):
    """An absence note came: letters wait for the return."""

    until: datetime

    def apply(self, case: Case) -> Case:
        return replace(case, away_until=self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Event):
    """An agent approved a letter that waited for review."""

    key: str
    kind: LetterKind

    def apply(self, case: Case) -> Case:
        return case.with_letter(self.key, self.kind, LetterRecordState.PENDING, self.at)
