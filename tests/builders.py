"""Builders of cases: `a_case().promised("ship it", by=FRIDAY).granted(Gift.REFUND, "25").fixed()`."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Kind, Message, Person
from followupd.domain.playbook import Agent, Company, Playbook, Role, Team
from followupd.domain.promise import Promise, PromiseKind

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)  # a Tuesday
KIM = Person("kim@customers.test", "Kim Doe")
ANA = Agent(
    id="ana", name="Ana Reyes", email="ana@agents.test", phone="+44 20 7946 0018", limit=Money(5000, "EUR")
)
LEE = Agent(
    id="lee",
    name="Lee Park",
    email="lee@agents.test",
    phone="+44 20 7946 0019",
    role=Role.LEAD,
    limit=Money(50000, "EUR"),
)
MAX = Agent(
    id="max",
    name="Max Ito",
    email="max@agents.test",
    phone="+44 20 7946 0020",
    role=Role.MANAGER,
    limit=Money(100000, "EUR"),
)
COMPANY = Company(name="Example Ltd", timezone="Europe/London", currency="EUR")
PLAYBOOK = Playbook(
    name="default",
    owner="ana",
    calendar=Calendar(timezone="Europe/London"),
    team=Team((ANA, LEE, MAX)),
    company=COMPANY,
    confirm_show=False,
    follow_up_show=False,
)


@dataclass
class Story:
    """A case to which events are added; each method adds one at `now`."""

    case: Case
    now: datetime = NOW

    def at(self, now: datetime) -> Self:
        self.now = now
        return self

    def happened(self, *events: e.Event) -> Self:
        for event in events:
            self.case = lifecycle.after(self.case, event)
        return self

    def heard(self) -> Self:
        return self.happened(e.ComplaintHeard(at=self.now, by="Ana Reyes"))

    def promised(self, text: str, by: datetime, *, kind: PromiseKind = PromiseKind.FIRM) -> Self:
        n = len(self.case.promises) + 1
        promise = Promise(
            n=n,
            text=text,
            kind=kind,
            internal_deadline=by,
            promised_by=by,
            source="note",
            owner="ana",
            made_at=self.now,
        )
        return self.happened(e.PromiseMade(at=self.now, promise=promise))

    def kept(self, n: int = 1) -> Self:
        return self.happened(e.PromiseKept(at=self.now, n=n))

    def granted(
        self, kind: Gift, amount: str = "", *, state: GrantState = GrantState.GRANTED, **more: Any
    ) -> Self:
        n = len(self.case.compensation) + 1
        money = Money.of(amount, "EUR") if amount else None
        grant = Compensation(n=n, kind=kind, state=state, money=money, **more)
        return self.happened(e.CompensationGranted(at=self.now, by="Ana Reyes", compensation=grant))

    def issued(self, n: int = 1) -> Self:
        return self.happened(e.CompensationIssued(at=self.now, by="Ana Reyes", n=n))

    def knows(self, **more: str) -> Self:
        """State the facts of a follow-up; `more` are others, or other words."""
        facts = {
            "cause": "the label was torn",
            "resolution": "a new one went out",
            "prevention": "labels are checked",
            "fault": "ours",
        }
        return self.happened(e.FactsStated(at=self.now, facts=tuple((facts | more).items())))

    def fixed(self) -> Self:
        return self.happened(e.Fixed(at=self.now))

    def confirmed(self, *promises: int) -> Self:
        """Add a confirmation that was sent."""
        key = self.case.next_key(LetterKind.CONFIRMATION)
        written = e.LetterWritten(
            at=self.now, key=key, kind=LetterKind.CONFIRMATION, to=KIM.address, subject="Re: kettle"
        )
        return self.happened(
            written,
            e.NextStepConfirmed(at=self.now, key=key, kind=LetterKind.CONFIRMATION, promises=promises),
        )

    def followed_up(self) -> Self:
        key = self.case.next_key(LetterKind.FOLLOW_UP)
        written = e.LetterWritten(
            at=self.now, key=key, kind=LetterKind.FOLLOW_UP, to=KIM.address, subject="Re: kettle"
        )
        return self.happened(written, e.FollowedUp(at=self.now, key=key, kind=LetterKind.FOLLOW_UP))

    def agent_wrote(self) -> Self:
        return self.happened(e.AgentWrote(at=self.now, by="Ana Reyes", message_id="<reply@agents.test>"))

    def customer_wrote(self, text: str) -> Self:
        return self.happened(
            e.CustomerWrote(at=self.now, by=KIM.address, message_id="<again@customers.test>", text=text)
        )


def a_case(ref: str = "FU-7K3Q9", **changes: Any) -> Story:
    """Return a case that was just recognised as a complaint."""
    first = e.CaseOpened(
        at=NOW,
        ref=ref,
        mailbox="support",
        customer=KIM,
        subject="My kettle",
        playbook="default",
        owner="ana",
        message_id="<first@customers.test>",
        story="My kettle never came.",
    )
    return Story(replace(lifecycle.opened(first), **changes)).heard()


def a_mail(text: str, **changes: Any) -> Message:
    """Return a mail of the customer's."""
    mail = Message(
        kind=Kind.CUSTOMER,
        because="a person wrote",
        message_id="<again@customers.test>",
        sender=KIM,
        text=text,
    )
    return replace(mail, **changes)
