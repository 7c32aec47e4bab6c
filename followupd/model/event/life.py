"""How a case begins, turns and ends."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from followupd.model.event.base import Event
from followupd.model.facts import Facts
from followupd.model.message import Person

if TYPE_CHECKING:
    from followupd.model.case import Case


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
