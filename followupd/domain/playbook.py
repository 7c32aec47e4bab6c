"""The company, its team, and playbooks: what is done for one kind of complaint (practice 11)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from followupd.domain.calendar import Calendar, Duration
from followupd.domain.case import Case
from followupd.domain.compensation import Money
from followupd.domain.mail import Person
from followupd.domain.promise import PromiseKind

#: the shipped time from the fix to the follow-up
FOLLOW_UP_AFTER = "3 business days"


class Role(StrEnum):
    """Levels of escalation, lowest first."""

    AGENT = "agent"
    LEAD = "lead"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A named person with a direct phone (practice 66), who grants alone up to `limit` (practice 50).

    `away` are days of absence, the last one included; `deputy` is the id of who stands in then.
    """

    id: str
    name: str
    email: str
    phone: str
    role: Role = Role.AGENT
    limit: Money | None = None
    deputy: str = ""
    away: tuple[tuple[date, date], ...] = ()

    def is_away_on(self, day: date) -> bool:
        """Return whether this is a configured day of absence."""
        return any(first <= day <= last for first, last in self.away)

    @property
    def person(self) -> Person:
        """The agent as a sender or recipient of mail."""
        return Person(self.email, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A department that agents ask for help (practice 40), and who leads it.

    Its mails say nothing of the customer, unless `share` is true.
    """

    id: str
    name: str
    email: str
    lead: str = ""
    share: bool = False

    def at(self, address: str) -> Agent:
        """Return the department as the recipient of a desk mail at one of its addresses."""
        return Agent(id=self.id, name=self.name, email=address, phone="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The company that letters come from (practice 65).

    `locale` is a CLDR name ("en_GB"), `currency` an ISO 4217 code, and `timezone` an IANA name. `vars` are the
    admin's own texts for letters, by name. `id` is the name of a second brand's table, "" for [company] itself.
    """

    name: str
    timezone: str
    locale: str = "en_GB"
    currency: str = "GBP"
    vars: tuple[tuple[str, str], ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class Team:
    """All agents in the order of the configuration. `absent` are the ids of those who are away now."""

    agents: tuple[Agent, ...]
    absent: frozenset[str] = frozenset()
    helpers: tuple[Helper, ...] = ()

    def helper(self, helper_id: str) -> Helper | None:
        """Return the department with this id, or None."""
        return next((helper for helper in self.helpers if helper.id == helper_id), None)

    def without(self, agent: Agent) -> "Team":
        """Return the team while this agent is away, too."""
        return replace(self, absent=self.absent | {agent.id})

    def present(self, agent: Agent) -> Agent:
        """Return who stands in for an agent now: the agent, a deputy, a deputy's deputy, or the next level.

        If nobody is there, it is the agent.

        Args:
            agent: who is asked first. Deputies who stand in for each other in a circle are asked once each.
        """
        asked: list[Agent] = []
        candidate: Agent | None = agent
        while candidate is not None and candidate not in asked:
            if candidate.id not in self.absent:
                return candidate
            asked.append(candidate)
            candidate = self.by_id(candidate.deputy)

        roles = list(Role)
        above = roles[roles.index(agent.role) + 1 :]
        others = [other for role in above for other in self.agents if other.role is role]
        return next((other for other in others if other.id not in self.absent), agent)

    def by_id(self, agent_id: str) -> Agent | None:
        """Return the agent with this id, or None: the history names agents who have left."""
        return next((agent for agent in self.agents if agent.id == agent_id), None)

    def by_address(self, address: str) -> Agent | None:
        """Return the agent with this mail address, or None for an address of nobody in the team.

        Args:
            address: in any case, without a display name.
        """
        wanted = address.lower()
        return next((agent for agent in self.agents if agent.email.lower() == wanted), None)

    def first(self, role: Role) -> Agent | None:
        """Return who is told at a level: the first with this role, else with the next higher one.

        While that person is away, it is who stands in and has the role too, since only a lead approves.

        Returns:
            Somebody who is away where no one else can be told; None for a team without this role and higher
            ones.
        """
        roles = list(Role)
        at_least = roles[roles.index(role) :]
        known = [agent for level in at_least for agent in self.agents if agent.role is level]
        present = list(map(self.present, known))

        able = [agent for agent in present if agent.role in at_least and agent.id not in self.absent]
        return next(iter([*able, *present]), None)


#: the margin of promises when a playbook has no next steps; a next step has the same default
_MARGIN = Duration.parse("4 business hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """A standing promise, made when a case opens.

    `text` is a Jinja2 template with `owner`, `company` and `customer`; `texts` are the same in other
    languages, by language tag ("de", "de-at"). `margin` is how much earlier our own deadline is. One for `danger` is
    made, before the others, where somebody's health or safety is at stake.
    """

    text: str
    within: Duration
    kind: PromiseKind = PromiseKind.NEXT_UPDATE
    margin: Duration | None = None
    texts: tuple[tuple[str, str], ...] = ()
    danger: bool = False

    def text_in(self, language: str) -> str:
        """Return the text in a language: for "de_AT" that of de-at, else that of de, else `text`."""
        texts = dict(self.texts)
        tag = language.replace("_", "-").lower()
        parent_tag, _, _ = tag.partition("-")

        return texts.get(tag) or texts.get(parent_tag) or self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityOverride:
    """The times of a playbook for cases of one severity; None leaves the playbook's own time.

    `tell` is who is told of such a case at once, besides its owner.
    """

    severity: str
    tell: Literal["", "lead", "manager"] = ""
    follow_up: Duration | None = None
    silence: Duration | None = None
    lead: Duration | None = None
    manager: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """Times, next steps and people for one kind of complaint.

    `calendar`, `team` and `company` are the same in all. `file` is the name of the file that it was read from.
    """

    name: str
    owner: str
    calendar: Calendar
    team: Team
    company: Company
    file: str = ""
    words: tuple[str, ...] = ()
    cues: frozenset[str] = frozenset()
    causes: tuple[str, ...] = ()
    language: str = ""
    steps: tuple[NextStep, ...] = ()
    confirm_after: Duration = field(default_factory=lambda: Duration.parse("10 minutes"))
    confirm_answer: Duration = field(default_factory=lambda: Duration.parse("4 business hours"))
    confirm_review: bool = False
    confirm_show: bool = True
    follow_up_after: Duration = field(default_factory=lambda: Duration.parse(FOLLOW_UP_AFTER))
    follow_up_review: bool = False
    follow_up_show: bool = True
    follow_up_call: bool = True
    close_after: Duration = field(default_factory=lambda: Duration.parse("10 business days"))
    gift_card_after: Duration = field(default_factory=lambda: Duration.parse("1 business day"))
    gift_card_amount: Money | None = None
    #: what is usual for the trouble, by severity, and by "again" for a second complaint
    gestures: tuple[tuple[str, Money], ...] = ()
    #: what is usual at least, from a loss of this much on
    gestures_by_loss: tuple[tuple[Money, Money], ...] = ()
    silence_after: Duration = field(default_factory=lambda: Duration.parse("2 business days"))
    escalate_lead: Duration = field(default_factory=lambda: Duration.parse("1 business day"))
    escalate_manager: Duration = field(default_factory=lambda: Duration.parse("2 business days"))
    outcome_after: tuple[Duration, ...] = (Duration(30, "day"), Duration(90, "day"))
    tell: Literal["", "lead", "manager"] = ""
    severity_overrides: tuple[SeverityOverride, ...] = ()

    def language_for(self, known: str) -> str:
        """Return the language of letters to a customer: the known one, else the playbook's, else the company's.

        Args:
            known: the language of the case, as a tag ("de-at"); "" where it is not known.
        """
        return known or self.language or self.company.locale

    def for_severity(self, severity: str) -> "Playbook":
        """Return the playbook with the times for cases of a severity (practices 34, 45 and 58).

        Args:
            severity: low, normal or high; one without a table in the playbook leaves every time as it is.
        """
        override = self._override(severity)
        if override is None:
            return self

        times = {
            "follow_up_after": override.follow_up,
            "silence_after": override.silence,
            "escalate_lead": override.lead,
            "escalate_manager": override.manager,
        }
        changes: dict[str, Any] = {name: time for name, time in times.items() if time}
        return replace(self, tell=override.tell, **changes)

    def follow_up_due(self, fixed_at: datetime, away_until: datetime | None) -> datetime:
        """Return when the follow-up is due: the playbook's time after the fix, and not while the customer is away.

        Args:
            fixed_at: when the owner said that it is fixed.
            away_until: when the customer is back; None for a customer who is not away.
        """
        due = self.calendar.after(fixed_at, self.follow_up_after)
        return max(due, away_until or due)

    def _override(self, severity: str) -> SeverityOverride | None:
        """Return the times for one severity, or None if the playbook has none."""
        return next((override for override in self.severity_overrides if override.severity == severity), None)

    def own_date(self, promised_by: datetime | None, now: datetime) -> datetime | None:
        """Return our own deadline for an agent's promise, so that a delay is known early (practices 26, 54).

        It is earlier than the promised date by the margin, but not in the past.

        Args:
            promised_by: the date that the customer is told, None for a promise without a date.
            now: the time of the promise.
        """
        margin = self._margin
        if promised_by is None or margin is None:
            return promised_by

        deadline = self.calendar.before(promised_by, margin)
        return min(promised_by, max(deadline, now))

    @property
    def _margin(self) -> Duration | None:
        """The margin of the first next step that has one, None when all are configured to have none."""
        if not self.steps:
            return _MARGIN

        return next((step.margin for step in self.steps if step.margin), None)

    def usual_gesture(self, case: Case) -> Money | None:
        """Return what is usually given for the trouble of such a case, None where nothing is (practice 43).

        Args:
            case: the case.
        """
        amounts = dict(self.gestures)
        again = amounts.get("again") if case.again else None
        usual = again or amounts.get(case.severity)

        lost = case.loss
        if lost is not None:
            more = (gesture for loss, gesture in self.gestures_by_loss if _is_at_least(lost, loss))
            usual = max((each for each in more if usual is None or _is_at_least(each, usual)), default=usual)
        return usual

    def names_around(self, case: Case) -> tuple[str, ...]:
        """Return names that a customer may write in a case and that say nothing: their own, the owner's and ours."""
        return (case.customer.name, self.owner_of(case.owner).name, self.company.name)

    def owner_of(self, agent_id: str) -> Agent:
        """Return who looks after the cases of the agent with this id, else of the playbook's owner.

        While the agent is away, that is who stands in: desk mails go there, and letters are signed by
        somebody who can be called. `followupd check` proves that the owner exists; without that check, the
        first agent is returned.
        """
        agent = self.team.by_id(agent_id) or self.team.by_id(self.owner)
        return self.team.present(agent or self.team.agents[0])


def _is_at_least(money: Money, least: Money) -> bool:
    """Return whether an amount is as large as another one of the same currency."""
    return money.currency == least.currency and money.minor >= least.minor


class Playbooks(Mapping[str, Playbook]):
    """The playbooks of a configuration, by name; a valid configuration has one named "default".

    A mailbox may belong to a company of its own (a second brand), whose playbooks differ: `of(mailbox)`.
    """

    def __init__(
        self, by_name: Mapping[str, Playbook], of_mailbox: Mapping[str, "Playbooks"] = MappingProxyType({})
    ) -> None:
        """Take the playbooks by name, and those of each mailbox that belongs to a company of its own."""
        self._by_name = dict(by_name)
        self._of_mailbox = dict(of_mailbox)

    def __getitem__(self, name: str) -> Playbook:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def set_absent(self, absent: frozenset[str]) -> None:
        """Have the work of these agents done by those who stand in, from now on."""
        for brand in self._of_mailbox.values():
            brand.set_absent(absent)
        if self.default.team.absent == absent:
            return
        team = replace(self.default.team, absent=absent)
        self._by_name = {name: replace(playbook, team=team) for name, playbook in self._by_name.items()}

    def of(self, mailbox: str) -> "Playbooks":
        """Return the playbooks of the company that a mailbox belongs to."""
        return self._of_mailbox.get(mailbox, self)

    def company(self, mailbox: str) -> Company:
        """Return the company that a mailbox belongs to."""
        return self.of(mailbox).default.company

    @property
    def companies(self) -> Mapping[str, "Playbooks"]:
        """The playbooks of each company by the name of one of its mailboxes, "" for those of [company]."""
        found = {"": self}
        for mailbox, playbooks in self._of_mailbox.items():
            if playbooks not in found.values():
                found[mailbox] = playbooks
        return found

    def of_one_company(self, one: str, other: str) -> bool:
        """Return whether two mailboxes belong to the same company."""
        return self.company(one).id == self.company(other).id

    def for_case(self, case: Case) -> Playbook:
        """Return the case's playbook with the times of the case's severity, else the default playbook's."""
        known = self.of(case.mailbox)
        playbook = known.get(case.playbook) or known.default
        return playbook.for_severity(case.severity)

    @property
    def default(self) -> Playbook:
        """The playbook of cases that no other one fits, and of mail that belongs to no case."""
        return self._by_name["default"]

    @property
    def names(self) -> frozenset[str]:
        """The names of all playbooks."""
        return frozenset(self._by_name)
