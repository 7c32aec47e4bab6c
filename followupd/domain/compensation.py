"""Compensation: its kinds, amounts and states, and gift cards (practices 9, 43, 46 and 73)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel.numbers import format_currency, get_currency_precision

from followupd.domain.translatable import Translatable, heard_again, msg, msgid


class Gift(StrEnum):
    """Kinds of compensation (practice 9)."""

    REFUND = "refund"
    CREDIT = "credit"
    COUPON = "coupon"
    FREE_SHIPPING = "free-shipping"
    REPLACEMENT = "replacement"
    GIFT_CARD = "gift-card"
    GESTURE = "gesture"


#: kinds of which the follow-up asks whether they arrived (practice 73)
ARRIVING = frozenset({Gift.REFUND, Gift.CREDIT, Gift.COUPON})


class GrantState(StrEnum):
    """The state of a grant."""

    #: read in an agent's reply; it counts once an agent approves it
    PROPOSED = "proposed"
    #: above a limit; a second person must approve it
    WAITING_APPROVAL = "waiting-approval"
    #: decided, and not given yet
    GRANTED = "granted"
    #: given: the refund was booked, the coupon was sent
    ISSUED = "issued"
    #: the customer says that it arrived
    CONFIRMED = "confirmed"
    #: the customer says that it did not arrive
    MISSING = "missing"
    #: it will not be given
    REFUSED = "refused"


#: a separator before three digits: of thousands for some readers, of decimals for others
_THOUSANDS = re.compile(r"[.,]\d{3}$")
#: an amount as `str` writes it
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ([A-Z]{3})")
#: decimals of currencies such as the dinar, whose amounts are written with three
_THREE_PLACES = 3
#: amounts in minor units are below this
_TOO_MUCH = 10**12


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in the currency's minor units (cents, pence; yen have none) and an ISO 4217 code."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: str, currency: str) -> "Money":
        """Read a decimal amount such as "25", "25.00" or "25,00".

        Args:
            amount: digits with at most one decimal separator, a point or a comma; thousands are not
                separated.
            currency: an ISO 4217 code in any case, which says how many decimal places there may be.

        Raises:
            ValueError: the text is not an amount, could be one or a thousand ("1,000"), has too many decimal
                places, or is out of range.
        """
        places = get_currency_precision(currency)
        try:
            minor = Decimal(amount.replace(",", ".")).scaleb(places)
        except InvalidOperation:
            raise ValueError(f"{amount!r} is not an amount") from None

        if not minor.is_finite() or minor != minor.to_integral_value():
            raise ValueError(f"{amount!r} has more than {places} decimal places")
        if _THOUSANDS.search(amount) and places < _THREE_PLACES:
            raise ValueError(f"{amount!r} could be read as thousands or as decimals")
        if not 0 <= minor < _TOO_MUCH:
            raise ValueError(f"{amount!r} is out of range")

        return cls(int(minor), currency.upper())

    @property
    def amount(self) -> str:
        """The decimal amount with the currency's places: "25.00"."""
        places = get_currency_precision(self.currency)
        return f"{Decimal(self.minor).scaleb(-places):.{places}f}"

    def __str__(self) -> str:
        """Return the money as lines and English sentences have it: "25.00 EUR"."""
        return f"{self.amount} {self.currency}"

    def written(self, locale: str, pattern: str | None = None) -> str:
        """Return the money as it is written in a locale: "€25.00", "25,00 €".

        Args:
            locale: of the reader.
            pattern: where the currency stands, CLDR's by default.
        """
        return str(format_currency(Decimal(self.amount), self.currency, pattern, locale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """One grant; `n` counts from 1 within the case, and `text` is what was said ("10 % off your next order").

    `promise` is the number of the promise that contains it ("I will ship a replacement by Friday"), 0 for
    none.

    `granted_by` is who granted it, as the history has it: a name, or "someone with access to the mailbox".
    `agent` is the id of the agent in whose name it counts, and who therefore must not approve it. `because`
    is why it waits for an approval.
    """

    n: int
    kind: Gift
    state: GrantState
    money: Money | None = None
    text: str = ""
    source: str = ""
    promise: int = 0
    granted_at: datetime | None = None
    granted_by: str = ""
    agent: str = ""
    because: str = ""
    approved_by: str = ""
    issued_at: datetime | None = None

    @property
    def named(self) -> Translatable:
        """The kind and the amount, in a sentence for agents: "the refund of 25.00 EUR"."""
        if self.money is None:
            return self.named_kind

        return msg("{grant} of {money}", grant=self.named_kind, money=self.money)

    @property
    def named_kind(self) -> Translatable:
        """The kind, in a sentence for agents: "the refund"."""
        name = f"the {self.kind}"
        return msg(name)

    @property
    def awaits_receipt(self) -> bool:
        """Whether only the customer knows if it arrived."""
        return self.kind in ARRIVING and self.state is GrantState.ISSUED

    @property
    def counts(self) -> bool:
        """Whether it is given, or will be unless somebody refuses it."""
        return self.state not in {GrantState.PROPOSED, GrantState.REFUSED}

    def minor_in(self, currency: str) -> int:
        """Return the amount in minor units; 0 in another currency, or for one that does not count."""
        if self.money is None or not self.counts:
            return 0

        if self.money.currency != currency:
            return 0
        return self.money.minor


#: why a grant waits for a lead
ABOVE_LIMIT = msgid("{amount} is above the limit of {name}, {limit}")
OTHER_CURRENCY = msgid("{amount} is of another currency than the limit of {name}, {limit}")
_ABOVE_CAP = msgid(
    "the customer has been granted {before} this month; with {more} it is above the cap of {cap}"
)


def reason_to_wait(grant: Compensation) -> str:
    """Return why a grant waits for a lead, for the desk mail in whatever language."""
    return heard_again(grant.because, (ABOVE_LIMIT, OTHER_CURRENCY, _ABOVE_CAP), _amount_or_text)


def _amount_or_text(text: str) -> Money | str:
    match = _AMOUNT.fullmatch(text)
    return Money.of(*match.groups()) if match else text


def above_cap(
    cap: Money | None, given: Iterable[Compensation], money: Money | None, month: Callable[[datetime], bool]
) -> str:
    """Return the reason if a grant takes a customer above the monthly cap, "" when it does not.

    Only amounts in the cap's currency are added up: one in another currency is above every agent's limit, so
    a lead approves it in any case.

    Args:
        cap: the most that one customer is granted in a month, None for no cap.
        given: the customer's other grants.
        money: the amount of the new grant, None when it has none.
        month: whether a time is in the month that counts.
    """
    if cap is None or money is None or money.currency != cap.currency:
        return ""

    currency = cap.currency
    this_month = [grant for grant in given if grant.granted_at and month(grant.granted_at)]
    before = Money(sum(grant.minor_in(currency) for grant in this_month), currency)

    if before.minor + money.minor <= cap.minor:
        return ""
    return msg(_ABOVE_CAP, before=before, more=money, cap=cap)


@dataclass(frozen=True, slots=True)
class OtherGrant:
    """A grant of the same customer in another case.

    `open` means that the case is neither closed nor dismissed.
    """

    ref: str
    open: bool
    grant: Compensation


@dataclass(frozen=True, slots=True)
class GiftCard:
    """A card that belongs to one grant of one case. `expires` is the end of its last day.

    No repr shows its code.
    """

    code: str
    money: Money
    expires: datetime | None

    def __repr__(self) -> str:
        """Leave the code out, so that it reaches no log."""
        return f"GiftCard(code=..., money={self.money!r}, expires={self.expires!r})"

    def last_day(self, timezone: str) -> str:
        """Return the last day on which the card is valid, as "2027-12-31", or "" when it never expires.

        Args:
            timezone: the company's IANA name; where the last day differs in UTC, the earlier of the two is
                told.
        """
        return _last_day(self.expires, timezone)


@dataclass(frozen=True, slots=True)
class GiftCardOrder:
    """A gift card on order. `key` is the provider's idempotency key, `why` the reason of the last failure.

    `name` and `address` are the customer's, for a provider that wants a recipient.
    """

    key: str
    case_ref: str
    n: int
    money: Money
    attempts: int = 0
    why: str = ""
    name: str = ""
    address: str = ""


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
    """Return the last valid day.

    An issuer may count in UTC or locally, so take the earlier of the two days.
    """
    if not expires:
        return ""

    last_second = expires - timedelta(seconds=1)
    in_utc = last_second.astimezone(UTC).date()
    in_the_company = last_second.astimezone(ZoneInfo(timezone)).date()
    return min(in_utc, in_the_company).isoformat()
