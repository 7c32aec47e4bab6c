"""What a customer is given for the trouble: kinds, money and states (practices 9, 43, 46, 73)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel.numbers import format_currency, get_currency_precision

from followupd.domain.translatable import Translatable, msg


class Gift(StrEnum):
    """Kinds of compensation (practice 9)."""

    REFUND = "refund"
    CREDIT = "credit"
    COUPON = "coupon"
    FREE_SHIPPING = "free-shipping"
    REPLACEMENT = "replacement"
    GIFT_CARD = "gift-card"
    GESTURE = "gesture"


#: kinds whose arrival is asked for after the follow-up (practice 73)
ARRIVING = frozenset({Gift.REFUND, Gift.CREDIT, Gift.COUPON})

#: the matter in the history under which the owner is reminded that nobody knows whether it arrived
RECEIPT = "receipt"


class GrantState(StrEnum):
    """Where a grant stands."""

    #: read in an agent's reply, not yet said by an agent
    PROPOSED = "proposed"
    #: above the agent's limit; a lead must agree
    WAITING_APPROVAL = "waiting-approval"
    #: ours to give, not yet given
    GRANTED = "granted"
    #: given: the money is on its way, the coupon was sent
    ISSUED = "issued"
    #: the customer says that it arrived
    CONFIRMED = "confirmed"
    #: the customer says that it did not arrive
    MISSING = "missing"
    #: not given, and never will be
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in the currency's minor units (cents, pence; yen have none) and an ISO 4217 code."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: str, currency: str) -> "Money":
        """Read a decimal amount such as "25", "25.00" or "25,00"; raises ValueError for anything else."""
        places = get_currency_precision(currency)
        try:
            value = Decimal(amount.replace(",", ".")).scaleb(places)
        except InvalidOperation:
            raise ValueError(f"{amount!r} is not an amount") from None
        if not value.is_finite() or value != value.to_integral_value():
            raise ValueError(f"{amount!r} has more than {places} decimal places")
        if not 0 <= value < 10**12:
            raise ValueError(f"{amount!r} is out of range")
        return cls(int(value), currency.upper())

    @property
    def amount(self) -> str:
        """The decimal amount with the currency's places: "25.00"."""
        places = get_currency_precision(self.currency)
        return f"{Decimal(self.minor).scaleb(-places):.{places}f}"

    def written(self, locale: str) -> str:
        """Write the money as its readers do: "€25.00", "25,00 €"."""
        return str(format_currency(Decimal(self.amount), self.currency, locale=locale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """One grant. `text` is what was said ("10 % off your next order"); `n` counts from 1 within the case."""

    n: int
    kind: Gift
    state: GrantState
    money: Money | None = None
    text: str = ""
    source: str = ""
    promise: int = 0  # the promise that the same deed keeps: "I will ship a replacement by Friday"
    granted_at: datetime | None = None
    granted_by: str = ""  # as the history says it: a name, or "someone with access to the mailbox"
    agent: str = ""  # the id of the agent as whose word it counts; somebody else must approve it
    because: str = ""  # why it waits for approval
    approved_by: str = ""
    issued_at: datetime | None = None

    @property
    def named(self) -> Translatable:
        """The kind and the money, in a sentence for agents: "the refund of 25.00 EUR"."""
        if self.money is None:
            return self.named_kind
        amount = f"{self.money.amount} {self.money.currency}"
        return msg("{grant} of {money}", grant=self.named_kind, money=amount)

    @property
    def named_kind(self) -> Translatable:
        """The kind, in a sentence for agents: "the refund"."""
        name = f"the {self.kind}"
        return msg(name)

    @property
    def awaits_receipt(self) -> bool:
        """Say whether only the customer knows if it arrived."""
        return self.kind in ARRIVING and self.state is GrantState.ISSUED

    @property
    def counts(self) -> bool:
        """Say whether it is given, or will be unless somebody says no."""
        return self.state not in {GrantState.PROPOSED, GrantState.REFUSED}


def above_cap(
    cap: Money | None, given: Iterable[Compensation], money: Money | None, month: Callable[[datetime], bool]
) -> str:
    """Say why a grant takes a customer above the cap for one month, "" when it does not.

    `month(at)` says whether a moment lies in the month that counts. Only the cap's own currency can be added up; a grant
    in another one is above every agent's limit, and a lead sees it in any case.
    """
    if cap is None or money is None or money.currency != cap.currency:
        return ""
    sums = [
        grant.money.minor
        for grant in given
        if grant.counts
        and grant.money
        and grant.money.currency == cap.currency
        and grant.granted_at
        and month(grant.granted_at)
    ]
    before = Money(sum(sums), cap.currency)
    if before.minor + money.minor <= cap.minor:
        return ""
    return (
        f"the customer has been granted {before.amount} {cap.currency} this month; "
        f"with {money.amount} more it is above the cap of {cap.amount} {cap.currency}"
    )


@dataclass(frozen=True, slots=True)
class OtherGrant:
    """A grant that the same customer has in another case; `open` says whether that case still goes on."""

    ref: str
    open: bool
    grant: Compensation


@dataclass(frozen=True, slots=True)
class GiftCard:
    """A card that belongs to one grant of one case. `expires` is the end of its last day; no repr shows its code."""

    code: str
    money: Money
    expires: datetime | None

    def __repr__(self) -> str:
        """Leave the code out, so that it reaches no log."""
        return f"GiftCard(code=..., money={self.money!r}, expires={self.expires!r})"

    def last_day(self, timezone: str) -> str:
        """Return the last day on which the card is valid, as "2027-12-31", or "" when it never expires."""
        return _last_day(self.expires, timezone)


@dataclass(frozen=True, slots=True)
class GiftCardOrder:
    """A gift card on order. `key` is the provider's idempotency key, `why` the reason of the last failure."""

    key: str
    case_ref: str
    n: int
    money: Money
    attempts: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class GiftCardUnavailable:
    """Why the provider gave no card. `permanent` means that a retry will not help: a person must act."""

    why: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class StockedCard:
    """A card as `gift-cards list` shows it: everything but the code."""

    number: int
    money: Money
    expires: datetime | None
    imported_at: datetime
    case_ref: str | None
    taken_at: datetime | None

    def last_day(self, timezone: str) -> str:
        """Return the last day on which the card is valid, as "2027-12-31", or "" when it never expires."""
        return _last_day(self.expires, timezone)


def _last_day(expires: datetime | None, timezone: str) -> str:
    """Return the last valid day; an issuer may count in UTC or locally, so take the earlier of the two days."""
    if not expires:
        return ""

    last_second = expires - timedelta(seconds=1)
    in_utc = last_second.astimezone(UTC).date()
    in_the_company = last_second.astimezone(ZoneInfo(timezone)).date()
    return min(in_utc, in_the_company).isoformat()
