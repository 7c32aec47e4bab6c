"""The base of all events, and events of the case as a whole: stages, facts, people, contacts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from followupd.domain.case import Case, Facts, Outcome, OutcomeRecord, Recurrence
from followupd.domain.mail import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened: when (aware, UTC), by whom or what, and why.

    Most events only set fields of the case, and say so in the three tables; the others override `apply`. The
    next stage is not theirs to choose: it is in the table `MOVES` of `followupd.domain.lifecycle`.
    """

    at: datetime
    by: str = "followupd"
    why: str = ""

    #: fields of the case that take the value of a field of the event: case field -> event field
    copies: ClassVar[Mapping[str, str]] = {}
    #: fields of the case that take a constant
    sets: ClassVar[Mapping[str, Any]] = {}
    #: tuples of the case to which the value of a field of the event is appended: case field -> event field
    appends: ClassVar[Mapping[str, str]] = {}

    def apply(self, case: Case) -> Case:
        """Return the case with everything changed that the event changes, except the stage.

        A subclass that overrides this calls `Event.apply(self, case)` for its tables. `super()` does not work
        there: a dataclass with slots is a new class, and the one that `super()` refers to is not a base of
        it.
        """
        changes = dict(self.sets)

        for case_field, event_field in self.copies.items():
            changes[case_field] = getattr(self, event_field)

        for case_field, event_field in self.appends.items():
            changes[case_field] = (*getattr(case, case_field), getattr(self, event_field))

        return case.evolve(**changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(Event):
    """A case was opened for a customer's mail; always the first event.

    `story` is the beginning of the customer's text. `suggested` are facts in the customer's words, for an
    agent to confirm. `candidates` are the addresses of which an agent says which one is the customer's.
    """

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
    story: str = ""
    suggested: tuple[tuple[str, str], ...] = ()
    signed_by: str = ""
    danger: bool = False
    candidates: tuple[str, ...] = ()
    #: the closed case in whose thread the customer complains again
    earlier: str = ""
    #: the customer's complaints within the months before
    complaints_before: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintSuspected(Event):
    """The recogniser suspects a complaint; an agent decides, and nothing is sent to the customer.

    `urgent` means strong cues: an agent is asked at once instead of in the next digest. `flood` means that too many
    came at once: an agent is asked about all of them together.
    """

    score: float = 0.0
    evidence: tuple[tuple[str, float], ...] = ()
    urgent: bool = False
    flood: bool = False

    def apply(self, case: Case) -> Case:
        """Keep an earlier score and evidence unless there are new ones."""
        return case.evolve(
            suspected_at=self.at,
            urgent=self.urgent,
            flood=self.flood,
            score=self.score or case.score,
            evidence=self.evidence or case.evidence,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintHeard(Event):
    """It is a complaint: an agent said so, or the recogniser is certain.

    `by_machine` means the recogniser; letters admit no fault until an agent has confirmed it.
    """

    score: float = 0.0
    evidence: tuple[tuple[str, float], ...] = ()
    by_machine: bool = False

    def apply(self, case: Case) -> Case:
        """Keep an earlier score and evidence unless there are new ones."""
        return case.evolve(
            heard_at=self.at,
            by_machine=self.by_machine,
            score=self.score or case.score,
            evidence=self.evidence or case.evidence,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed(Event):
    """An agent said that it is no complaint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed(Event):
    """An agent said that the matter is put right; the delay of the follow-up starts."""

    copies: ClassVar = {"fixed_at": "at"}
    sets: ClassVar = {"unanswered": False, "set_aside": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(Event):
    """The customer or an agent said that the matter is not put right.

    With `anew` everything that was known of it is asked again, apart from the telephone number: it may be
    another trouble, and no letter must give the old cause for it.
    """

    anew: bool = False

    sets: ClassVar = {"fixed_at": None, "closed_at": None}

    def apply(self, case: Case) -> Case:
        """Take back the fix; with `anew`, also the facts, what was asked, and whether the customer was reached."""
        case = Event.apply(self, case).evolve(reopened_at=self.at)
        if not self.anew:
            return case

        return case.evolve(
            facts=Facts(phone=case.facts.phone),
            story=case.latest or case.story,
            suggested=(),
            asked=(),
            asked_at=None,
            call_asked_at=None,
            reached=False,
            heard_at=self.at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Event):
    """Nothing is owed any more."""

    copies: ClassVar = {"closed_at": "at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked(Event):
    """The daemon put the case on hold after an error; a person must release it."""

    copies: ClassVar = {"held_because": "why", "held_at": "at"}
    sets: ClassVar = {"held": True, "held_until": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Event):
    """A person put the case on hold, for good or `until` a day: none of its letters is sent."""

    until: datetime | None = None

    copies: ClassVar = {"held_because": "why", "held_at": "at", "held_until": "until"}
    sets: ClassVar = {"held": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Event):
    """A person ended the hold, or its day has come."""

    sets: ClassVar = {"held": False, "held_because": "", "held_at": None, "held_until": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerWrote(Event):
    """The customer wrote again in this case; letters answer the newest mail. `text` is its beginning."""

    message_id: str = ""
    references: tuple[str, ...] = ()
    subject: str = ""
    no_answer: str = ""
    text: str = ""
    #: it is plain thanks, which want no answer
    content: bool = False
    #: it says that the customer leaves us
    leaves: bool = False
    attachments: tuple[str, ...] = ()

    copies: ClassVar = {"latest": "text", "no_answer": "no_answer", "attachments": "attachments"}

    def apply(self, case: Case) -> Case:
        """Set the mail that letters answer to this one, if it has a Message-ID that they can refer to."""
        case = Event.apply(self, case)
        if self.content:
            case = case.evolve(content_at=self.at)
        else:
            case = case.evolve(customer_wrote_at=self.at, unanswered=True)
        if self.leaves:
            case = case.evolve(left_at=self.at)
        if not self.message_id:
            return case

        return case.evolve(message_id=self.message_id, references=self.references)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeKnown(Event):
    """So long after the close, such as "30 days", this is what became of the customer; `why` is what shows it."""

    after: str
    outcome: Outcome

    def apply(self, case: Case) -> Case:
        """Add the outcome, and replace an older one of the same time: the case may have been closed again."""
        others = tuple(record for record in case.outcomes if record.after != self.after)
        found = OutcomeRecord(after=self.after, outcome=self.outcome, at=self.at)
        return case.evolve(outcomes=(*others, found))


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSetAside(Event):
    """Somebody who takes no part in the case has written about it; the mail is in quarantine."""

    address: str

    def apply(self, case: Case) -> Case:
        """Keep the address, until an agent has spoken."""
        return case.evolve(set_aside=tuple(dict.fromkeys((*case.set_aside, self.address))))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWrote(Event):
    """An agent answered the customer from a mail client, with this salutation; this also tells of withdrawn promises.

    `register` is formal, informal, or "" where the words do not show it.
    A reply that left before the customer's last mail does not answer that mail (`answers`). `moves` are the numbers
    of promises with a later day that is beside theirs: once an agent says so, the customer knows it already.
    `register` is formal, informal, or "" where the words do not show it.
    """

    message_id: str = ""
    salutation: str = ""
    register: str = ""
    answers: bool = True
    moves: tuple[tuple[int, datetime], ...] = ()

    copies: ClassVar = {"we_wrote_at": "at"}

    def apply(self, case: Case) -> Case:
        """Store that the customer heard from us, how they were greeted, and that they know of withdrawn promises.

        A mail that had no answer has one now. A reply without a name changes nothing of the greeting.
        """
        case = Event.apply(self, case)
        for promise in case.untold:
            case = case.with_promise(promise.n, untold_since=None)
        is_later = case.customer_wrote_at is None or self.at >= case.customer_wrote_at
        unanswered = case.unanswered and not (self.answers and is_later)
        return case.evolve(
            salutation=self.salutation or case.salutation,
            register=self.register or case.register,
            unanswered=unanswered,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarked(Event):
    """An agent said something about the case that is no order; `text` is what was said, for the history."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsStated(Event):
    """An agent stated facts for the letters: names and texts, which replace earlier ones."""

    facts: tuple[tuple[str, str], ...]

    def apply(self, case: Case) -> Case:
        """Replace the facts that are named, and keep the others."""
        stated = dict(self.facts)
        returned = tuple(item for item in case.returned if item[0] not in stated)
        recurrence = case.recurrence
        if recurrence and "prevention" in stated:
            recurrence = replace(recurrence, answered=True)
        return case.evolve(facts=case.facts.stated(stated), returned=returned, recurrence=recurrence)


@dataclass(frozen=True, slots=True, kw_only=True)
class HappenedAgain(Event):
    """The cause of the case came back: `told` customers were told that it would not, and the case is the `nth` since.

    `answered` means that the case says already what is different now.
    """

    cause: str
    told: int
    nth: int
    first_told_at: datetime
    answered: bool = False

    def apply(self, case: Case) -> Case:
        """Remember it; the follow-up waits until somebody says what is different now."""
        found = Recurrence(
            cause=self.cause,
            told=self.told,
            nth=self.nth,
            first_told_at=self.first_told_at,
            at=self.at,
            answered=self.answered,
        )
        return case.evolve(recurrence=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactReturned(Event):
    """A fact went back to the agent; `draft` is the sentence that `ok` accepts, "" without one."""

    fact: str
    text: str
    draft: str = ""

    def apply(self, case: Case) -> Case:
        """Remember the newest text of this fact that went back."""
        others = tuple(item for item in case.returned if item[0] != self.fact)
        return case.evolve(returned=(*others, (self.fact, self.text, self.draft)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChosen(Event):
    """Another agent is responsible from now on."""

    owner: str

    copies: ClassVar = {"owner": "owner"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChosen(Event):
    """An agent said which address is the customer's; letters go there, and mails from the earlier one count, too."""

    customer: Person

    def apply(self, case: Case) -> Case:
        """Keep the earlier address, and end the hold that waited for this word."""
        earlier = tuple(dict.fromkeys((*case.addresses, case.customer.address)))
        rest = tuple(each for each in case.set_aside if each.casefold() != self.customer.address.casefold())
        changed = case.evolve(customer=self.customer, addresses=earlier, candidates=(), set_aside=rest)
        return changed.evolve(held=False, held_because="", held_at=None) if case.candidates else changed


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookChosen(Event):
    """Another playbook applies from now on; what was promised under the old one stays promised."""

    playbook: str

    copies: ClassVar = {"playbook": "playbook"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChosen(Event):
    """The severity was set to low, normal or high."""

    severity: str

    copies: ClassVar = {"severity": "severity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingInsisted(Event):
    """An agent keeps a text although a rule of wording warned of it."""

    text: str

    appends: ClassVar = {"insisted": "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingAsked(Event):
    """The owner was asked for what the next letter lacks."""

    missing: tuple[str, ...] = ()

    copies: ClassVar = {"asked_at": "at", "asked": "missing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerNudged(Event):
    """An owner, a lead or a manager was reminded.

    `matter` is the text of a `ReminderKey`, and `whom` the agent's id.
    """

    matter: str
    whom: str = ""

    def apply(self, case: Case) -> Case:
        """Store the reminder, and when this agent was last reminded.

        An event without an agent is of an older ledger, in which that was not stored.
        """
        case = case.evolve(nudges=(*case.nudges, (self.matter, self.at)))
        if not self.whom:
            return case

        last_reminders = dict(case.told)
        last_reminders.pop(self.whom, None)
        last_reminders[self.whom] = self.at
        return case.evolve(told=tuple(last_reminders.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAsked(Event):
    """The owner was asked to call the customer (practice 45)."""

    copies: ClassVar = {"call_asked_at": "at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReached(Event):
    """Somebody spoke with the customer."""

    sets: ClassVar = {"reached": True, "not_reached": "", "unanswered": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNotReached(Event):
    """The customer did not answer the phone, or a letter came back.

    A voice mail does not count (practice 69).
    """

    def apply(self, case: Case) -> Case:
        """Store the reason, which must not be empty, because it is what marks the case as not reached."""
        return case.evolve(
            reached=False,
            not_reached=self.why or "not reached",
            not_reached_at=self.at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAway(Event):
    """An absence note arrived: letters wait until the customer is back."""

    until: datetime

    copies: ClassVar = {"away_until": "until"}
