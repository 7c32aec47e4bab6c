"""Gift cards: on order, in stock, or given to a customer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from followupd.domain.compensation import Money


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
