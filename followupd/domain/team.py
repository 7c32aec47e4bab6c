"""The people who answer: agents, their ladder, and the company they answer for."""

from dataclasses import dataclass
from enum import StrEnum

from followupd.domain.compensation import Money
from followupd.domain.mail import Person


class Role(StrEnum):
    """The rungs of escalation, lowest first."""

    AGENT = "agent"
    LEAD = "lead"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A named person with a direct phone (practice 66) who grants alone up to `limit` (practice 50)."""

    id: str
    name: str
    email: str
    phone: str
    role: Role = Role.AGENT
    limit: Money | None = None

    @property
    def person(self) -> Person:
        return Person(self.email, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who signs beside the person (practice 65). `locale` is a babel name ("en_GB"), `currency` an ISO 4217 code."""

    name: str
    timezone: str
    locale: str = "en_GB"
    currency: str = "GBP"


@dataclass(frozen=True, slots=True)
class Team:
    """All agents in the order of the configuration."""

    agents: tuple[Agent, ...]

    def by_id(self, agent_id: str) -> Agent | None:
        return next((agent for agent in self.agents if agent.id == agent_id), None)

    def by_address(self, address: str) -> Agent | None:
        return next((agent for agent in self.agents if agent.email.lower() == address.lower()), None)

    def first(self, role: Role) -> Agent | None:
        """Return the first person on this rung or, when it is empty, on the next one above."""
        rungs = list(Role)
        for rung in rungs[rungs.index(role) :]:
            for agent in self.agents:
                if agent.role is rung:
                    return agent
        return None
