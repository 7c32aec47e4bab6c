"""Events of compensation: granted, approved, issued, received or missing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, GrantState, Money
from followupd.domain.events.base import Event


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

        by_number = {other.n: other for other in case.compensation}
        by_number[grant.n] = grant
        grants = tuple(by_number[n] for n in sorted(by_number))

        return case.evolve(compensation=grants)


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompensationChanged(Event):
    """Grant `n` came into another state.

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
