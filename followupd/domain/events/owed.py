"""What becomes of a compensation."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import AliasChoices, Field

from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, GrantState, Money
from followupd.domain.events.base import Event
from followupd.domain.promise import Option, OptionState, Promise, PromiseState


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseProposed(Event):
    """An agent's reply sounds like a promise; an agent's word makes it one."""

    promise: Promise

    def apply(self, case: Case) -> Case:
        return replace(case, promises=(*case.promises, self.promise))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseMade(Event):
    """We owe this from now on. A proposed promise of the same number becomes this one."""

    promise: Promise

    def apply(self, case: Case) -> Case:
        others = tuple(promise for promise in case.promises if promise.n != self.promise.n)
        promises = tuple(sorted((*others, self.promise), key=lambda promise: promise.n))
        return replace(case, promises=promises, promised_at=self.at, closed_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PromiseChanged(Event):
    n: int

    def apply(self, case: Case) -> Case:
        return case.with_promise(self.n, **self.changes())

    def changes(self) -> dict[str, object]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseKept(_PromiseChanged):
    """What was promised was done."""

    def changes(self) -> dict[str, object]:
        return {"state": PromiseState.KEPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseLate(_PromiseChanged):
    """It will not be kept by the date we told; the customer hears the new date, before the old one."""

    internal_deadline: Annotated[datetime, Field(validation_alias=AliasChoices("internal_deadline", "due"))]
    promised_by: Annotated[datetime, Field(validation_alias=AliasChoices("promised_by", "told"))]
    because: str = ""

    def changes(self) -> dict[str, object]:
        # The new date does not stand in writing until the delay letter has left.
        return {
            "state": PromiseState.LATE,
            "internal_deadline": self.internal_deadline,
            "promised_by": self.promised_by,
            "because": self.because,
            "confirmed": "",
            "slipped": True,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseBroken(_PromiseChanged):
    """The date that the customer was told passed, and nobody said that it was kept."""

    def changes(self) -> dict[str, object]:
        return {"state": PromiseState.BROKEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseWithdrawn(_PromiseChanged):
    """We do not owe this any more, and somebody said why."""

    because: str = ""

    def changes(self) -> dict[str, object]:
        return {"state": PromiseState.WITHDRAWN, "because": self.because}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionOffered(Event):
    """An agent offers one of several ways to put it right; the customer will be asked which suits better."""

    option: Option

    def apply(self, case: Case) -> Case:
        return replace(case, options=(*case.options, self.option))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsAsked(Event):
    """A letter asks which of the open options suits better; it lies in the outbox."""

    key: str

    def apply(self, case: Case) -> Case:
        asked = (replace(o, letter=self.key) if o.state is OptionState.OPEN else o for o in case.options)
        return replace(case, options=tuple(asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionWithdrawn(Event):
    """An agent takes an option back; nobody may choose it any more."""

    n: int

    def apply(self, case: Case) -> Case:
        states = {self.n: OptionState.WITHDRAWN}
        return replace(case, options=tuple(replace(o, state=states.get(o.n, o.state)) for o in case.options))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChosen(Event):
    """The customer chose; what was chosen becomes a promise, and the other options are passed over."""

    n: int

    def apply(self, case: Case) -> Case:
        states = {option.n: OptionState.PASSED for option in case.options if option.state is OptionState.OPEN}
        states[self.n] = OptionState.CHOSEN
        return replace(case, options=tuple(replace(o, state=states.get(o.n, o.state)) for o in case.options))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationGranted(Event):
    """Something is to be given. Its state says whether it is granted, waits for approval, or is only proposed."""

    compensation: Compensation

    def apply(self, case: Case) -> Case:
        grant = self.compensation
        if grant.counts:
            grant = replace(grant, granted_at=self.at, granted_by=self.by)
        others = tuple(each for each in case.compensation if each.n != grant.n)
        return replace(case, compensation=tuple(sorted((*others, grant), key=lambda each: each.n)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompensationChanged(Event):
    n: int

    def apply(self, case: Case) -> Case:
        return case.with_compensation(self.n, **self.changes())

    def changes(self) -> dict[str, object]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationApproved(_CompensationChanged):
    """A second person agreed to a grant that the first one could not give alone."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.GRANTED, "approved_by": self.by}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationRefused(_CompensationChanged):
    """It will not be given."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationIssued(_CompensationChanged):
    """It was given: the refund was booked, the card was sent."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.ISSUED, "issued_at": self.at}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationConfirmed(_CompensationChanged):
    """The customer has it (practice 73). `settles` says that the customer's mail held nothing else to answer."""

    settles: bool = False

    def apply(self, case: Case) -> Case:
        case = _CompensationChanged.apply(self, case)
        return replace(case, unanswered=False) if self.settles else case

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.CONFIRMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationMissing(_CompensationChanged):
    """The customer says that it did not arrive."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.MISSING}


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardDue(Event):
    """The moment of a gift card has come: one is ordered for this grant, and comes when the provider gives it."""

    n: int
    money: Money

    def apply(self, case: Case) -> Case:
        return replace(case, card_ordered=self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardLacking(Event):
    """No card of that value could be had; the admin and the owner are told, and it is tried again."""

    n: int

    def apply(self, case: Case) -> Case:
        return replace(case, card_lacking_at=self.at)
