"""A playbook: what we do for one kind of complaint, as the admin wrote it (practice 11)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from followupd.domain.calendar import Calendar, Duration
from followupd.domain.case import Case
from followupd.domain.compensation import Money
from followupd.domain.promise import PromiseKind
from followupd.domain.team import Agent, Company, Team

#: the margin of promises where a playbook has no next step that names one; the same as a next step's own default
_MARGIN = Duration.parse("4 business hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """A standing promise, logged when a case opens. `text` is a Jinja2 sentence over `owner`, `company`, `customer`.

    `texts` are the same sentence in other languages, by their tags ("de", "de-at").
    """

    text: str
    within: Duration
    kind: PromiseKind = PromiseKind.NEXT_UPDATE
    margin: Duration | None = None
    texts: tuple[tuple[str, str], ...] = ()

    def text_in(self, language: str) -> str:
        """Return the sentence in a language ("de_AT": de-at, then de), else `text`."""
        tag, said = language.replace("_", "-").lower(), dict(self.texts)
        return said.get(tag) or said.get(tag.partition("-")[0]) or self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityOverride:
    """What a playbook does otherwise for cases of one severity; None leaves the playbook's own time as it is."""

    severity: str
    tell: Literal["", "lead", "manager"] = ""  # who hears of such a case at once, besides its owner
    follow_up: Duration | None = None
    silence: Duration | None = None
    lead: Duration | None = None
    manager: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """Times, steps and people for one kind of complaint; `calendar`, `team` and `company` are the house's."""

    name: str
    owner: str
    calendar: Calendar
    team: Team
    company: Company
    words: tuple[str, ...] = ()
    cues: frozenset[str] = frozenset()
    causes: tuple[str, ...] = ()
    language: str = ""
    steps: tuple[NextStep, ...] = ()
    confirm_after: Duration = field(default_factory=lambda: Duration.parse("10 minutes"))
    confirm_review: bool = False
    follow_up_after: Duration = field(default_factory=lambda: Duration.parse("3 business days"))
    follow_up_review: bool = False
    follow_up_call: bool = True
    close_after: Duration = field(default_factory=lambda: Duration.parse("10 business days"))
    gift_card_after: Duration = field(default_factory=lambda: Duration.parse("1 business day"))
    gift_card_amount: Money | None = None
    silence_after: Duration = field(default_factory=lambda: Duration.parse("2 business days"))
    escalate_lead: Duration = field(default_factory=lambda: Duration.parse("1 business day"))
    escalate_manager: Duration = field(default_factory=lambda: Duration.parse("2 business days"))
    tell: Literal["", "lead", "manager"] = ""
    grades: tuple[SeverityOverride, ...] = ()

    def for_severity(self, severity: str) -> "Playbook":
        """Return the playbook as it goes for cases of this severity: its times, and who is told (practices 34, 45, 58)."""
        grade = next((each for each in self.grades if each.severity == severity), None)
        if grade is None:
            return self
        return replace(
            self,
            tell=grade.tell,
            follow_up_after=grade.follow_up or self.follow_up_after,
            silence_after=grade.silence or self.silence_after,
            escalate_lead=grade.lead or self.escalate_lead,
            escalate_manager=grade.manager or self.escalate_manager,
        )

    def own_date(self, told: datetime | None, now: datetime) -> datetime | None:
        """Return our own date for a promise of an agent's: earlier than the told one, so that bad news can be (26, 54).

        The margin is that of the first next step which has one. An admin whose next steps all have none wants none.
        """
        margin = next((step.margin for step in self.steps if step.margin), None if self.steps else _MARGIN)
        if told is None or margin is None:
            return told
        return min(told, max(self.calendar.before(told, margin), now))

    def owner_of(self, agent_id: str) -> Agent:
        """Return the agent of that id, else the playbook's owner (which `check` has proved to exist)."""
        found = self.team.by_id(agent_id) or self.team.by_id(self.owner)
        return found or self.team.agents[0]


class Playbooks(Mapping[str, Playbook]):
    """The playbooks of a configuration, by name; a valid configuration has one named "default"."""

    def __init__(self, by_name: Mapping[str, Playbook]) -> None:
        self._by_name = dict(by_name)

    def __getitem__(self, name: str) -> Playbook:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def for_case(self, case: Case) -> Playbook:
        """Return the case's playbook with the times of the case's severity, else the default playbook's."""
        playbook = self._by_name.get(case.playbook) or self.default
        return playbook.for_severity(case.severity)

    @property
    def default(self) -> Playbook:
        """The playbook of cases that no other one fits, and of mail that belongs to no case."""
        return self._by_name["default"]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._by_name)
