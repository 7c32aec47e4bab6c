"""Agents, their roles, and the company that they work for."""

from dataclasses import dataclass
from enum import StrEnum

from followupd.domain.compensation import Money
from followupd.domain.mail import Person


class Role(StrEnum):
    """Levels of escalation, lowest first."""

    AGENT = "agent"
    LEAD = "lead"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A named person with a direct phone (practice 66), who grants alone up to `limit` (practice 50)."""

    id: str
    name: str
    email: str
    phone: str
    role: Role = Role.AGENT
    limit: Money | None = None

    @property
    def person(self) -> Person:
        """The agent as a sender or recipient of mail."""
        return Person(self.email, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The company that letters come from (practice 65).

    `locale` is a CLDR name ("en_GB"), `currency` an ISO 4217 code, and `timezone` an IANA name.
    """

    name: str
    timezone: str
    locale: str = "en_GB"
    currency: str = "GBP"


@dataclass(frozen=True, slots=True)
class Team:
    """All agents in the order of the configuration."""

    agents: tuple[Agent, ...]

    def by_id(self, agent_id: str) -> Agent | None:
        """Return the agent with this id, or None."""
        for agent in self.agents:
            if agent.id == agent_id:
                return agent
        return None

    def by_address(self, address: str) -> Agent | None:
        """Return the agent with this mail address in any case, or None."""
        wanted = address.lower()
        for agent in self.agents:
            if agent.email.lower() == wanted:
                return agent
        return None

    def first(self, role: Role) -> Agent | None:
        """Return the first person with this role; when nobody has it, with the next higher one."""
        roles = list(Role)
        at_least = roles[roles.index(role) :]

        for candidate in at_least:
            for agent in self.agents:
                if agent.role is candidate:
                    return agent
        return None
