"""A playbook: what we do for one kind of complaint, as the admin wrote it (practice 11)."""

from dataclasses import dataclass, field

from followupd.model.agent import Agent, Company, Team
from followupd.model.calendar import Calendar, Duration
from followupd.model.compensation import Money
from followupd.model.promise import Firmness


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """A standing promise, logged when a case opens. `text` is a Jinja2 sentence over `owner`, `company`, `customer`."""

    text: str
    within: Duration
    kind: Firmness = Firmness.NEXT_UPDATE
    margin: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """Times, steps and people for one kind of complaint; `calendar`, `team` and `company` are the house's."""

    name: str
    owner: str
    calendar: Calendar
    team: Team
    company: Company
    words: tuple[str, ...] = ()
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

    def owner_of(self, agent_id: str) -> Agent:
        """Return the agent of that id, else the playbook's owner (which `check` has proved to exist)."""
        found = self.team.by_id(agent_id) or self.team.by_id(self.owner)
        return found or self.team.agents[0]
