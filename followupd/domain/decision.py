"""What a policy decides - an event or a letter - and what it hands to the renderer of letters."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, Money
from followupd.domain.events import (
    AgentTold,
    CustomerTold,
    Event,
    FollowedUp,
    GiftCardSent,
    LetterWritten,
    NextStepConfirmed,
)
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Option, Promise
from followupd.domain.team import Agent


@dataclass(frozen=True, slots=True)
class AgendaItem:
    """A case that waits for a person: for what, and since when.

    `account` is what somebody who does not know the case needs; `asks` are lines to answer with, and `matters` the names
    of what the person is told by this item, so that no other mail says it again.
    """

    case: Case
    what: str
    since: datetime
    account: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """All that waits, the longest first. `key` names the digest that says it, so that no digest leaves twice."""

    key: str
    day: date
    suspected: tuple[AgendaItem, ...] = ()  # is it a complaint? an agent decides
    waiting: tuple[AgendaItem, ...] = ()
    general: tuple[str, ...] = ()  # what concerns no single case
    done: tuple[str, ...] = ()  # lines of an answer that were done
    problems: tuple[str, ...] = ()  # lines of an answer that were not understood


@dataclass(frozen=True, slots=True)
class PrintedGiftCard:
    """A gift card taken from the stock. Its code exists in the gift-card letter's scope and nowhere else."""

    code: str
    amount: str  # in the company's language: "€20.00"
    expires: str = ""
    money: Money | None = None  # written out anew in the language of the letter

    def __repr__(self) -> str:
        return f"Card(code=..., amount={self.amount!r}, expires={self.expires!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterContent:
    """What one letter has to say beyond the case itself; chapters fill in what their letter needs."""

    because: str = ""  # why this letter is written, one sentence
    asks: tuple[str, ...] = ()  # the lines that an agent may fill in and send back
    done: tuple[str, ...] = ()  # lines of an agent's note that were understood and done
    problems: tuple[
        str, ...
    ] = ()  # lines not understood; of a letter in review, what the rules of wording found
    findings: tuple[str, ...] = ()  # what the rules of wording found in lines that were done
    evidence: tuple[tuple[str, float], ...] = ()
    promises: tuple[Promise, ...] = ()  # the ones that this letter puts in writing, or is about
    compensation: tuple[Compensation, ...] = ()
    options: tuple[Option, ...] = ()  # the ones that the customer is asked to choose from
    account: tuple[str, ...] = ()  # the case in brief, for somebody who is asked to step in
    quote: str = ""  # the customer's own words, for agents
    about: str = ""  # the key and kind of the letter that is in doubt or waits for approval
    until: datetime | None = None  # the new date of a delay, or the day of a call
    automatic: bool = (
        True  # counts in the budget of automatic mail; False when an agent's word asked for the letter
    )
    reply: bool = False  # answers the customer's mail by machine (Auto-Submitted: auto-replied)


#: what a chapter decides: something that happened, or a letter that may leave
Decision = Event | Letter


def as_event(step: Decision, now: datetime) -> Event:
    """Return what the history says of a step; a letter's words stay in the outbox."""
    if isinstance(step, Event):
        return step
    return LetterWritten(
        at=now, key=step.key, kind=step.kind, to=step.to.address, subject=step.subject, review=step.review
    )


def as_left(letter: Letter, now: datetime, why: str) -> Event:
    """Return what the history says of a letter that has left."""
    key, kind = letter.key, letter.kind
    if not letter.to_customer:
        return AgentTold(at=now, why=why, key=key, kind=kind, message_id=letter.message_id)
    if kind == LetterKind.GIFT_CARD:
        return GiftCardSent(
            at=now, why=why, key=key, kind=kind, message_id=letter.message_id, n=letter.concerns[0]
        )
    left = {
        LetterKind.CONFIRMATION: NextStepConfirmed,
        LetterKind.HOLDING: NextStepConfirmed,
        LetterKind.FOLLOW_UP: FollowedUp,
    }.get(kind, CustomerTold)
    return left(at=now, why=why, key=key, kind=kind, message_id=letter.message_id, promises=letter.concerns)


class LetterRenderer(Protocol):
    """Turns a case into a letter with frozen words.

    Raises LetterError when a value is missing or the template does not render; nothing half-written is returned.
    """

    def letter(
        self, kind: LetterKind, case: Case, playbook: Playbook, now: datetime, brief: LetterContent
    ) -> Letter:
        """Write a letter to the customer."""

    def desk(
        self, kind: LetterKind, case: Case, playbook: Playbook, now: datetime, brief: LetterContent, to: Agent
    ) -> Letter:
        """Write a mail to an agent."""

    def digest(self, agenda: Agenda, playbook: Playbook, now: datetime, mailbox: str, to: Agent) -> Letter:
        """Write what waits for an agent; a mail that belongs to no case."""

    def gift_card(self, case: Case, playbook: Playbook, now: datetime, card: PrintedGiftCard) -> Letter:
        """Write the gift card's own letter; the only one that knows a card."""

    def phrase(self, text: str, case: Case, playbook: Playbook) -> str:
        """Fill in a playbook's sentence, such as a standing step."""
