"""Protocols of what has two implementations: mail source, mail transport and gift-card provider."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Literal, Protocol, Self

from followupd.adapters.imap.mailbox import FetchedMail, FolderChanges, SyncCursor
from followupd.domain.compensation import GiftCard, GiftCardOrder, GiftCardUnavailable
from followupd.domain.letter import DeliveryResult


class MailSource(Protocol):
    """One connection to one mailbox, used by one thread.

    Folders are named with "/", however the server spells them. Every method may raise UnavailableError; after
    it, `connected` tells a lost connection from a refused request.
    """

    @property
    def connected(self) -> bool: ...

    @property
    def in_flight(self) -> tuple[int, ...]:
        """The UIDVALIDITY, and the UIDs that were being fetched when the connection ended."""

    @property
    def inbox(self) -> str: ...

    @property
    def sent(self) -> str:
        """The name of the Sent folder, "" where there is none."""

    @property
    def drafts(self) -> str:
        """The name of the Drafts folder, "" where there is none."""

    @property
    def folders(self) -> Collection[str]:
        """The names of all folders, as the server spells them."""

    def server_name(self, folder: str) -> str:
        """Return a folder's name as the server spells it."""

    def start(self, folder: str, since: Literal["now", "all"] | date) -> tuple[SyncCursor, int]:
        """Return the cursor for the first reading, and how many older mails are skipped."""

    def changes(
        self,
        folder: str,
        cursor: SyncCursor,
        *,
        watched: Collection[int] = (),
        keywords: Collection[str] = (),
        since: datetime | None = None,
        batch: int = 200,
        received_at: Mapping[int, datetime] | None = None,
    ) -> Iterator[FolderChanges]:
        """Yield new mails and changed flags since the cursor, at most `batch` mails at a time."""

    def fetch(self, folder: str, uids: Collection[int]) -> Sequence[FetchedMail]:
        """Fetch mails by UID; those that no longer exist are left out."""

    def mark(
        self, folder: str, uids: Collection[int], add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> bool:
        """Add and remove keywords; return False where the folder permits none."""

    def move(self, folder: str, uid: int, to: str, *, seen: bool = False) -> None:
        """Move a mail to another folder."""

    def find(self, folder: str, message_id: str, header: str = "Message-ID") -> Sequence[int]:
        """Return the UIDs of the mails with this value in a header."""

    def append(self, folder: str, raw: bytes, flags: Iterable[str] = ()) -> None:
        """Store a mail in a folder."""

    def remove(self, folder: str, uid: int) -> None:
        """Delete a mail."""


class MailTransport(Protocol):
    """Hands letters to a mail server; a context that lasts for one cycle at most."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def deliver(self, letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        """Hand over one letter and return what the server replied.

        An SMTP error is a result and never raised.
        """


class GiftCardProvider(Protocol):
    """Returns one gift card for one order: the same card for the same key, however often it is called."""

    def order(self, order: GiftCardOrder, now: datetime, /) -> GiftCard | GiftCardUnavailable:
        """Order a card, outside of any transaction, since it may take seconds.

        A provider's error is a result.
        """
