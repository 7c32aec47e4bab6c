"""Events of promises, and of options that become promises."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, Field

from followupd.domain.case import Case
from followupd.domain.events.base import Event
from followupd.domain.promise import Option, OptionState, Promise, PromiseState


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
        by_number = {promise.n: promise for promise in case.promises}
        by_number[self.promise.n] = self.promise
        promises = tuple(by_number[n] for n in sorted(by_number))

        case = Event.apply(self, case)
        return case.evolve(promises=promises)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PromiseChanged(Event):
    """Promise `n` came into another state. `promise_copies` are fields that it takes from the event."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseLate(_PromiseChanged):
    """The promise gets a new date, of which the customer is told before the old one passes.

    Until that delay letter is sent, the new date is not in writing. Ledgers written before release 0.1 call
    the dates `due` and `told`.
    """

    internal_deadline: Annotated[datetime, Field(validation_alias=AliasChoices("internal_deadline", "due"))]
    promised_by: Annotated[datetime, Field(validation_alias=AliasChoices("promised_by", "told"))]
    because: str = ""

    state: ClassVar = PromiseState.LATE
    promise_copies: ClassVar = ("internal_deadline", "promised_by", "because")
    promise_sets: ClassVar = {"confirmed": "", "slipped": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseBroken(_PromiseChanged):
    """The date that the customer was told passed without a report that the promise was kept."""

    state: ClassVar = PromiseState.BROKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseWithdrawn(_PromiseChanged):
    """The promise is not owed any more, for a stated reason."""

    because: str = ""

    state: ClassVar = PromiseState.WITHDRAWN
    promise_copies: ClassVar = ("because",)


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
        options = list(case.options)

        for index, option in enumerate(options):
            if option.state is OptionState.OPEN:
                options[index] = replace(option, letter=self.key)
        return case.evolve(options=tuple(options))


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
    options = []
    for option in case.options:
        state = states.get(option.n, option.state)
        options.append(replace(option, state=state))

    return case.evolve(options=tuple(options))
