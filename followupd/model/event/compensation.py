"""What becomes of a compensation."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from followupd.model.compensation import Compensation, GrantState, Money
from followupd.model.event.base import Event

if TYPE_CHECKING:
    from followupd.model.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationGranted(Event):
    """Something is to be given. Its state says whether it is granted, waits for approval, or is only proposed."""

    compensation: Compensation

    def on(self, case: "Case") -> "Case":
        grant = self.compensation
        if grant.counts:
            grant = replace(grant, granted_at=self.at, granted_by=self.by)
        others = tuple(each for each in case.compensation if each.n != grant.n)
        return replace(case, compensation=tuple(sorted((*others, grant), key=lambda each: each.n)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompensationTurned(Event):
    n: int

    def on(self, case: "Case") -> "Case":
        return case.with_compensation(self.n, **self.changes())

    def changes(self) -> dict[str, object]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationApproved(_CompensationTurned):
    """A second person agreed to a grant that the first one could not give alone."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.GRANTED, "approved_by": self.by}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationRefused(_CompensationTurned):
    """It will not be given."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationIssued(_CompensationTurned):
    """It was given: the refund was booked, the card was sent."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.ISSUED, "issued_at": self.at}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationConfirmed(_CompensationTurned):
    """The customer has it (practice 73). `settles` says that the customer's mail held nothing else to answer."""

    settles: bool = False

    def on(self, case: "Case") -> "Case":
        case = _CompensationTurned.on(self, case)
        return replace(case, unanswered=False) if self.settles else case

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.CONFIRMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationMissing(_CompensationTurned):
    """The customer says that it did not arrive."""

    def changes(self) -> dict[str, object]:
        return {"state": GrantState.MISSING}


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardDue(Event):
    """The moment of a gift card has come: one is ordered for this grant, and comes when the provider gives it."""

    n: int
    money: Money

    def on(self, case: "Case") -> "Case":
        return replace(case, card_ordered=self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardLacking(Event):
    """No card of that value could be had; the admin and the owner are told, and it is tried again."""

    n: int

    def on(self, case: "Case") -> "Case":
        return replace(case, card_lacking_at=self.at)
