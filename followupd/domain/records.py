"""What the ledger hands out: mails as they were kept, letters and cards with where they stand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from followupd.domain.compensation import Money
from followupd.domain.letter import Draft, Letter, LetterStatus
from followupd.domain.mail import MailLocation, Message

#: where a kept mail stands: nobody has heard it yet, its matter is known, or a person must look at it
UNHEARD, HEARD, QUARANTINE = "unheard", "heard", "quarantine"
#: the reason of a mail without a case that an agent dismissed; the recogniser learns from it
NO_COMPLAINT = "an agent said that it is no complaint"


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """A mail as it was found: where, when, with which tags; `message` is None when it cannot be read, for `reason`."""

    place: MailLocation
    fingerprint: str
    received_at: datetime
    tags: frozenset[str]
    in_sent: bool
    message: Message | None
    reason: str = ""
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What is new about a mail that was found: tags that were not there before, a folder it had not lain in."""

    mail_id: int
    tags: frozenset[str]
    folder: bool


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail in the ledger."""

    id: int
    mailbox: str
    message: Message
    in_sent: bool
    received_at: datetime
    case_ref: str | None
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A line said by tag or folder about a mail, waiting for the desk."""

    id: int
    mail_id: int
    line: str
    source: str
    said_at: datetime


@dataclass(frozen=True, slots=True)
class TagUpdate:
    """Marks of ours to set and to take away on one mail, so that agents see where its case stands."""

    place_id: int
    uid: int
    add: tuple[str, ...]
    remove: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A letter with where it stands."""

    letter: Letter
    condition: LetterStatus
    not_before: datetime | None
    attempts: int
    reply: str
    written_at: datetime
    leaving_at: datetime | None
    sent_at: datetime | None
    witnessed_at: datetime | None
    copy_due: bool = True
    draft: Draft = Draft.NONE
    mail: bytes = field(
        default=b"", repr=False
    )  # what leaves but for its date; asked for only where letters may leave


@dataclass(frozen=True, slots=True)
class GiftCard:
    """A card that belongs to one grant of one case; `expires` is the end of its last day. No repr shows its code."""

    code: str
    money: Money
    expires: datetime | None

    def __repr__(self) -> str:
        return f"TakenCard(code=..., money={self.money!r}, expires={self.expires!r})"

    def last_day(self, timezone: str) -> str:
        """Return the last day on which the card is good, "2027-12-31", or "" when it never expires."""
        return _last_day(self.expires, timezone)


@dataclass(frozen=True, slots=True)
class GiftCardOrder:
    """A gift card on order. `key` is the provider's idempotency key; `why` is what kept it from coming so far."""

    key: str
    case_ref: str
    n: int
    money: Money
    attempts: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class GiftCardUnavailable:
    """Why no card came. `permanent` says that waiting alone will not help: a person must do something."""

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
        """Return the last day on which the card is good, "2027-12-31", or "" when it never expires."""
        return _last_day(self.expires, timezone)


@dataclass(frozen=True, slots=True)
class FolderCursor:
    """How far a folder has been read, and how many mails were passed over at the first connection."""

    uidvalidity: int
    uid: int
    modseq: int
    passed_over: int
    synced_at: datetime
    since: datetime | None = None


def _last_day(expires: datetime | None, timezone: str) -> str:
    if not expires:
        return ""
    last = expires - timedelta(seconds=1)
    # Whoever made the card counted in UTC or in the company's zone: of two days the earlier is promised.
    return min(last.astimezone(UTC).date(), last.astimezone(ZoneInfo(timezone)).date()).isoformat()
