"""What becomes of the options that a customer may choose from."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from followupd.model.event.base import Event
from followupd.model.option import Option, OptionState

if TYPE_CHECKING:
    from followupd.model.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionOffered(Event):
    """An agent offers one of several ways to put it right; the customer will be asked which suits better."""

    option: Option

    def on(self, case: "Case") -> "Case":
        return replace(case, options=(*case.options, self.option))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsAsked(Event):
    """A letter asks which of the open options suits better; it lies in the outbox."""

    key: str

    def on(self, case: "Case") -> "Case":
        asked = (replace(o, letter=self.key) if o.state is OptionState.OPEN else o for o in case.options)
        return replace(case, options=tuple(asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionWithdrawn(Event):
    """An agent takes an option back; nobody may choose it any more."""

    n: int

    def on(self, case: "Case") -> "Case":
        states = {self.n: OptionState.WITHDRAWN}
        return replace(case, options=tuple(replace(o, state=states.get(o.n, o.state)) for o in case.options))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChosen(Event):
    """The customer chose; what was chosen becomes a promise, and the other options are passed over."""

    n: int

    def on(self, case: "Case") -> "Case":
        states = {option.n: OptionState.PASSED for option in case.options if option.state is OptionState.OPEN}
        states[self.n] = OptionState.CHOSEN
        return replace(case, options=tuple(replace(o, state=states.get(o.n, o.state)) for o in case.options))
