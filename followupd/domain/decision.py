"""What a policy decides, an event or a letter, and what it hands to the renderer of letters."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from followupd.domain.case import PUT_RIGHT, Case, numbers
from followupd.domain.compensation import Compensation, Gift, Money
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
from followupd.domain.playbook import Agent, Playbook
from followupd.domain.promise import Option, Promise


@dataclass(frozen=True, slots=True)
class AgendaItem:
    """A case that waits for a person.

    `what` is waited for since `since`. `account` summarises the case for somebody who does not know it.
    `asks` are lines to answer with. `group` is overdue, today, tomorrow or "" for the rest. `matters` are the
    keys of the reminders that this item replaces. `letter` is the text of a letter that leaves on that day. One that
    `has_no_reminder` is worth a digest of its own. `call_at` is when the customer is to be called, None for no call.
    """

    case: Case
    what: str
    since: datetime
    account: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    group: str = ""
    matters: tuple[str, ...] = ()
    letter: str = ""
    has_no_reminder: bool = False
    call_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What an agent asked to see: a title and lines below it, or the page of help (`is_help`)."""

    title: str = ""
    lines: tuple[str, ...] = ()
    is_help: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Everything that waits for an agent, the oldest first.

    `key` identifies the digest, which is sent once. `suspected` are mails that may be complaints. `general`
    concerns no single case. `done` and `problems` are lines of an agent's note that were executed or not
    understood, `looked_up` is what the note asked to see.
    """

    key: str
    day: date
    suspected: tuple[AgendaItem, ...] = ()
    waiting: tuple[AgendaItem, ...] = ()
    general: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    looked_up: tuple[LookedUp, ...] = ()


@dataclass(frozen=True, slots=True)
class PrintedGiftCard:
    """A gift card as its letter shows it. Its code is never in the scope of another letter.

    `amount` is formatted for the company's language, such as "€20.00"; `money` is formatted for that of the
    letter.
    """

    code: str
    amount: str
    expires: str = ""
    money: Money | None = None

    def __repr__(self) -> str:
        return f"PrintedGiftCard(code=..., amount={self.amount!r}, expires={self.expires!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterContent:
    """What one letter says besides the facts of the case; each policy fills in what its letter needs."""

    #: why the letter is written, in one sentence
    because: str = ""
    #: the lines that an agent may fill in and send back
    asks: tuple[str, ...] = ()
    #: lines of an agent's note that were executed
    done: tuple[str, ...] = ()
    #: the colleague who wrote that note, where it is told to the owner of the case
    colleague: str = ""
    #: free words of an agent's note, which are in the history
    remark: str = ""
    #: what an agent's note asked to see
    looked_up: tuple[LookedUp, ...] = ()
    #: lines that were not understood; for a letter in review, what the wording rules found
    problems: tuple[str, ...] = ()
    #: sentences of an agent's reply that may promise or give something, and were not understood
    unsure: tuple[str, ...] = ()
    #: what the wording rules found in lines that were executed
    findings: tuple[str, ...] = ()
    #: the classifier's features and weights
    evidence: tuple[tuple[str, float], ...] = ()
    #: the promises that the letter puts in writing, or is about
    promises: tuple[Promise, ...] = ()
    compensation: tuple[Compensation, ...] = ()
    #: the options that the customer may choose from
    options: tuple[Option, ...] = ()
    #: a summary of the case, for somebody who does not know it
    account: tuple[str, ...] = ()
    #: the customer's own words, for agents
    quote: str = ""
    #: the text of a letter that leaves, for its owner to read
    letter: str = ""
    #: the customer's words beside another quote
    story: str = ""
    #: the key of the letter that is in doubt or waits for approval
    about: str = ""
    #: the new date of a delay, or the day of a call
    until: datetime | None = None
    #: whether the letter counts in the quota of automatic mail; False if an agent asked for it
    automatic: bool = True
    #: whether it answers the customer's mail automatically (Auto-Submitted: auto-replied)
    reply: bool = False
    #: whether it waits for an agent's approval
    review: bool = False


def confirmation_content(case: Case, *, review: bool = False) -> LetterContent:
    """Return what the confirmation of everything promised says.

    Args:
        case: the case.
        review: whether it waits for an agent's approval.
    """
    promises, options = to_confirm(case), to_ask(case)
    standing = all_standing(promises) and not options
    return LetterContent(
        promises=promises,
        compensation=_other_compensation(case, promises),
        options=options,
        automatic=standing,
        reply=standing,
        review=review,
    )


def to_confirm(case: Case) -> tuple[Promise, ...]:
    """Return the promises for the confirmation.

    A holding letter under way contains its own date. What is put right already needs no standing "we will
    find out": the follow-up says more.
    """
    if case.under_way(LetterKind.HOLDING):
        return ()
    if case.stage in PUT_RIGHT and all_standing(case.unwritten):
        return ()
    return case.unwritten


def to_ask(case: Case) -> tuple[Option, ...]:
    """Return all open options when at least one is new to the customer.

    A single option offers no choice; the owner is reminded of it (`remind`). Once the matter is put right
    there is nothing left to choose.
    """
    if case.stage in PUT_RIGHT or not case.unasked:
        return ()

    if len(case.open_options) == 1:
        return ()
    return case.open_options


def _other_compensation(case: Case, promises: tuple[Promise, ...]) -> tuple[Compensation, ...]:
    """Return what is given apart from these promises: each action is named once, and a gift card never."""
    named = numbers(promises)
    return tuple(
        grant
        for grant in case.compensation
        if grant.promise not in named and grant.kind is not Gift.GIFT_CARD
    )


def stated(promises: Iterable[Promise], grants: Iterable[Compensation]) -> tuple[str, ...]:
    """Return promises and gifts in lines, each with its number and what a letter says of it.

    Args:
        promises: those that a letter puts in writing, or that a case has now.
        grants: the gifts, likewise.

    Returns:
        A line each, which is another one as soon as its date, amount or words are.
    """
    owed = [f"promise {each.n}: {each.text}, {each.relation} {each.promised_by}" for each in promises]
    return (*owed, *(f"gift {each.n}: {each.kind}, {each.money}, {each.text}" for each in grants))


def all_standing(promises: tuple[Promise, ...]) -> bool:
    """Return whether all of these are the playbook's standing next steps."""
    return all(promise.source == "playbook" for promise in promises)


#: what a policy decides: something that happened, or a letter to be sent
Decision = Event | Letter

#: the event when a letter to the customer is sent; CustomerTold for the other kinds
_SENT_EVENTS = {
    LetterKind.CONFIRMATION: NextStepConfirmed,
    LetterKind.HOLDING: NextStepConfirmed,
    LetterKind.FOLLOW_UP: FollowedUp,
}


def as_event(decision: Decision, now: datetime) -> Event:
    """Return the event that the history has for a decision; the text of a letter is only in the outbox."""
    if isinstance(decision, Event):
        return decision
    return LetterWritten(
        at=now,
        key=decision.key,
        kind=decision.kind,
        to=decision.to.address,
        subject=decision.subject,
        review=decision.review,
    )


def as_sent(letter: Letter, now: datetime, why: str) -> Event:
    """Return the event that is saved in the history when a letter is sent; `why` is how that is known.

    `now` is when it became known, which may be later than when the letter was sent.
    """
    key, kind, message_id = letter.key, letter.kind, letter.message_id
    if kind.is_desk_mail:
        return AgentTold(at=now, why=why, key=key, kind=kind, message_id=message_id)
    if kind is LetterKind.GIFT_CARD:
        n = letter.concerns[0]
        return GiftCardSent(at=now, why=why, key=key, kind=kind, message_id=message_id, n=n)
    event = _SENT_EVENTS.get(kind, CustomerTold)
    return event(at=now, why=why, key=key, kind=kind, message_id=message_id, promises=letter.concerns)


class LetterRenderer(Protocol):
    """Renders letters from cases. A letter's text never changes afterwards.

    Every method raises LetterError if a value is missing or the template does not render; no partial text is
    returned.
    """

    def letter(
        self, kind: LetterKind, case: Case, playbook: Playbook, now: datetime, content: LetterContent
    ) -> Letter:
        """Render a letter to the customer.

        Args:
            kind: a letter that may go to customers, other than a gift card.
            case: which has the facts, and the mail that the letter answers. Its number of letters makes the
                key.
            playbook: whose owner signs the letter, and whose calendar writes the dates.
            now: the time of the cycle.
            content: what the letter is about beyond the case, such as the promises that it puts in writing.
        """

    def desk(
        self,
        kind: LetterKind,
        case: Case,
        playbook: Playbook,
        now: datetime,
        content: LetterContent,
        to: Agent,
    ) -> Letter:
        """Render a desk mail about a case.

        Args:
            kind: a kind of mail to agents.
            case: which the mail is about.
            playbook: the playbook of the case.
            now: the time of the cycle.
            content: why the agent gets it, and the lines with which it can be answered.
            to: the agent, or the department, that gets it.
        """

    def digest(self, agenda: Agenda, playbook: Playbook, now: datetime, mailbox: str, to: Agent) -> Letter:
        """Render the digest for an agent, which belongs to no case.

        Args:
            agenda: what waits, with the key of the digest.
            playbook: the default one, whose calendar writes the dates.
            now: the time of the cycle.
            mailbox: the name of the mailbox from which it is sent.
            to: who gets it.
        """

    def gift_card(self, case: Case, playbook: Playbook, now: datetime, card: PrintedGiftCard) -> Letter:
        """Render the letter of a gift card, the only one that contains a code.

        Args:
            case: the case of the grant; nothing of the complaint is in the letter (practice 47).
            playbook: the playbook of the case.
            now: the time of the cycle.
            card: with the code, the value and the last day as they are printed.
        """

    def phrase(self, text: str, case: Case, playbook: Playbook) -> str:
        """Fill in a sentence of the playbook, such as a standing next step.

        Args:
            text: a Jinja2 template of one sentence, with `owner`, `company` and `customer`.
            case: whose owner and customer are named.
            playbook: the playbook of the case.
        """
