"""What was said and found out about a case."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from followupd.model.event.base import Event

if TYPE_CHECKING:
    from followupd.model.case import Case


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
