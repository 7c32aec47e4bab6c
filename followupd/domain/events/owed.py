"""Events of what the customer is owed: promises, options and compensation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AliasChoices, Field

from followupd.domain.case import Case, with_one_changed
from followupd.domain.compensation import Compensation, GrantState, Money
from followupd.domain.events.case import Event
from followupd.domain.promise import Action, HelpRequest, Option, OptionState, Promise, PromiseState, Relation

#: what has a number of its own in a case
_Owed = TypeVar("_Owed", Promise, Action, Compensation)


def _with(new: _Owed, known: tuple[_Owed, ...]) -> tuple[_Owed, ...]:
    """Return what is owed by number, with one that is new or takes the place of the one of its number.

    Args:
        new: the promise, action or gift of the event.
        known: those of the case, in any order.
    """
    by_number = {each.n: each for each in known} | {new.n: new}
    return tuple(by_number[n] for n in sorted(by_number))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseProposed(Event):
    """An agent's reply seems to contain a promise; it counts once an agent approves it."""

    promise: Promise

    appends: ClassVar = {"promises": "promise"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseMade(Event):
    """This is owed from now on. It replaces a proposed promise of the same number."""

    promise: Promise

    copies: ClassVar = {"promised_at": "at"}
    sets: ClassVar = {"closed_at": None}

    def apply(self, case: Case) -> Case:
        """Add the promise, or replace the proposal of the same number."""
        promises = _with(self.promise, case.promises)
        case = Event.apply(self, case)
        return case.evolve(promises=promises)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyUnclear(Event):
    """Sentences of an agent's reply may promise or give something; the agent is asked, and no letter has them."""

    sentences: tuple[str, ...]

    copies: ClassVar = {"unclear": "sentences", "unclear_at": "at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyExplained(Event):
    """An agent said what the unclear sentences of a reply promise, or that they promise nothing."""

    sets: ClassVar = {"unclear": (), "unclear_at": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _PromiseChanged(Event):
    """Promise `n` changed its state. `promise_copies` are fields that it takes from the event."""

    n: int

    state: ClassVar[PromiseState]
    promise_copies: ClassVar[tuple[str, ...]] = ()
    promise_sets: ClassVar[Mapping[str, Any]] = {}

    def apply(self, case: Case) -> Case:
        """Change the promise."""
        copied = {name: getattr(self, name) for name in self.promise_copies}
        return case.with_promise(self.n, state=self.state, **copied, **self.promise_sets)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseKept(_PromiseChanged):
    """What was promised was done."""

    state: ClassVar = PromiseState.KEPT

    def apply(self, case: Case) -> Case:
        """Change the promise, and remember when it was kept."""
        return _PromiseChanged.apply(self, case).with_promise(self.n, kept_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseLate(_PromiseChanged):
    """The promise gets a new date, of which the customer is told before the old one passes.

    Until that delay letter is sent, the new date is not in writing, unless an agent's reply has told it already
    (`told_in`, its Message-ID). Ledgers written before release 0.1 call the dates `due` and `told`.
    """

    internal_deadline: Annotated[datetime, Field(validation_alias=AliasChoices("internal_deadline", "due"))]
    promised_by: Annotated[datetime, Field(validation_alias=AliasChoices("promised_by", "told"))]
    because: str = ""
    told_in: str = ""

    state: ClassVar = PromiseState.LATE
    promise_copies: ClassVar = ("internal_deadline", "promised_by", "because")
    promise_sets: ClassVar = {"confirmed": "", "slipped": True, "relation": Relation.BY, "since": None}

    def apply(self, case: Case) -> Case:
        """Change the promise, and remember the date that the customer was told."""
        promise = case.promise(self.n)
        told = promise.promised_by if promise and promise.confirmed else promise and promise.told_before
        case = _PromiseChanged.apply(self, case).with_promise(self.n, told_before=told)
        return case.with_promise(self.n, confirmed=self.told_in, told_before=None) if self.told_in else case


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseBroken(_PromiseChanged):
    """The date that the customer was told passed without a report that the promise was kept."""

    state: ClassVar = PromiseState.BROKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseWithdrawn(_PromiseChanged):
    """The promise is not owed any more, for a stated reason.

    With `tell`, a customer who has it in writing is told so before anything else.
    """

    because: str = ""
    tell: bool = False

    state: ClassVar = PromiseState.WITHDRAWN
    promise_copies: ClassVar = ("because",)

    def apply(self, case: Case) -> Case:
        """Change the promise; one that the customer has in writing must be withdrawn in writing."""
        promise = case.promise(self.n)
        case = _PromiseChanged.apply(self, case)
        if self.tell and promise is not None and promise.confirmed:
            return case.with_promise(self.n, untold_since=self.at)
        return case


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlanned(Event):
    """We promise ourselves to prevent it; an action of the same number is replaced, as by one with a later date."""

    action: Action

    def apply(self, case: Case) -> Case:
        """Add the action, or replace the one of the same number."""
        return case.evolve(actions=_with(self.action, case.actions))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDone(Event):
    """What we promised ourselves is done, so that letters may say it."""

    n: int

    def apply(self, case: Case) -> Case:
        """Remember when it was done."""
        return case.evolve(actions=with_one_changed(case.actions, self.n, done_at=self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDropped(Event):
    """What we promised ourselves will not be done."""

    n: int

    def apply(self, case: Case) -> Case:
        """Forget the action, but for its number, which is not given again."""
        rest = tuple(action for action in case.actions if action.n != self.n)
        return case.evolve(actions=rest, dropped=max(case.dropped, self.n))


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpAsked(Event):
    """An agent asks a department something about the case."""

    request: HelpRequest

    appends: ClassVar = {"requests": "request"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpAnswered(Event):
    """A department answered request `n`; a later answer is added to the first one."""

    n: int
    text: str

    def apply(self, case: Case) -> Case:
        """Store the answer, below the earlier ones to the same request if there are some."""
        earlier = (request.answer for request in case.requests if request.n == self.n)
        answer = "\n\n".join(filter(None, (*earlier, self.text)))
        return case.evolve(requests=with_one_changed(case.requests, self.n, answer=answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpSettled(Event):
    """An agent needs no answer to request `n` any more."""

    n: int

    def apply(self, case: Case) -> Case:
        """Mark the request, which is then no longer reminded of."""
        return case.evolve(requests=with_one_changed(case.requests, self.n, settled=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionOffered(Event):
    """An agent offers one of several ways to put it right; the customer will be asked to choose."""

    option: Option

    appends: ClassVar = {"options": "option"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsAsked(Event):
    """A letter in the outbox asks the customer to choose from the open options."""

    key: str

    def apply(self, case: Case) -> Case:
        """Store the letter in each open option."""
        asked = {option.n: replace(option, letter=self.key) for option in case.open_options}
        return case.evolve(options=tuple(asked.get(option.n, option) for option in case.options))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionWithdrawn(Event):
    """An agent withdrew an option, so that it cannot be chosen any more."""

    n: int

    def apply(self, case: Case) -> Case:
        """Set the state of the option."""
        return _with_option_states(case, {self.n: OptionState.WITHDRAWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChosen(Event):
    """The customer chose an option; it becomes a promise."""

    n: int

    def apply(self, case: Case) -> Case:
        """Set the state of the option, and of the open ones that were not chosen."""
        states = {option.n: OptionState.PASSED for option in case.open_options}
        states[self.n] = OptionState.CHOSEN
        return _with_option_states(case, states)


def _with_option_states(case: Case, states: Mapping[int, OptionState]) -> Case:
    """Return the case with new states of some options, by their numbers."""
    options = [replace(option, state=states.get(option.n, option.state)) for option in case.options]
    return case.evolve(options=tuple(options))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationGranted(Event):
    """Compensation was granted, or proposed, or waits for approval: its state says which."""

    compensation: Compensation

    def apply(self, case: Case) -> Case:
        """Add the grant, or replace the one of the same number.

        A grant that counts is dated, so that grants of one month can be added up.
        """
        grant = self.compensation
        if grant.counts:
            grant = replace(grant, granted_at=self.at, granted_by=self.by)

        return case.evolve(compensation=_with(grant, case.compensation))


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompensationChanged(Event):
    """Grant `n` changed its state.

    `grant_copies` are fields of the grant that take the value of a field of the event: grant field -> event
    field.
    """

    n: int

    state: ClassVar[GrantState]
    grant_copies: ClassVar[Mapping[str, str]] = {}

    def apply(self, case: Case) -> Case:
        """Set the state of the grant, and what else `grant_copies` names."""
        copied = {name: getattr(self, field) for name, field in self.grant_copies.items()}
        return case.with_compensation(self.n, state=self.state, **copied)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationApproved(_CompensationChanged):
    """A second person approved a grant that the first one was not allowed to give alone (practice 50)."""

    state: ClassVar = GrantState.GRANTED
    grant_copies: ClassVar = {"approved_by": "by"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationRefused(_CompensationChanged):
    """It will not be given."""

    state: ClassVar = GrantState.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationIssued(_CompensationChanged):
    """It was given: the refund was booked, the card was sent."""

    state: ClassVar = GrantState.ISSUED
    grant_copies: ClassVar = {"issued_at": "at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationConfirmed(_CompensationChanged):
    """The customer has it (practice 73). `settles` means that the customer's mail asked for nothing else."""

    settles: bool = False

    state: ClassVar = GrantState.CONFIRMED

    def apply(self, case: Case) -> Case:
        """Change the grant; a mail that asks for nothing else needs no answer."""
        case = _CompensationChanged.apply(self, case)
        if not self.settles:
            return case

        return case.evolve(unanswered=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationMissing(_CompensationChanged):
    """The customer says that it did not arrive."""

    state: ClassVar = GrantState.MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardDue(Event):
    """A gift card was ordered for grant `n`; it is sent once the provider has given it."""

    n: int
    money: Money

    copies: ClassVar = {"card_ordered": "n"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardLacking(Event):
    """The provider has no card of that value; the order is repeated, and the owner is told."""

    n: int

    copies: ClassVar = {"card_lacking_at": "at"}
