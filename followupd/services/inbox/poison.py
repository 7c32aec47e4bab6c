"""A mail whose fetch ends the connection each time: it is asked for alone, then set aside, and the mails behind it come in."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.mail import IncomingMail, MailLocation
from followupd.domain.state import ScopedKey, StateKey

#: how often a mail may end the connection when it is asked for alone; a server may also restart at a bad moment
TRIES = 3
REASON = f"the server ended the connection {TRIES} times when it was asked for this mail; look at it in the mailbox"
UNSHOWN = "the server holds this mail and does not show it; look at it in the mailbox"


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """The mails that were in hand when the connection ended: the first one's UID, and how often it was so in a row."""

    uidvalidity: int
    uid: int
    alone: bool
    times: int

    @property
    def hopeless(self) -> bool:
        return self.alone and self.times >= TRIES


def last(tx: Transaction, mailbox: str, folder: str) -> FetchFailure | None:
    found = tx.state.get(_name(mailbox, folder))
    return FetchFailure(**found[0]) if found and found[0] else None


def note(ledger: Ledger, mailbox: str, folder: str, in_flight: Sequence[int], now: datetime) -> None:
    """Write which mails were in hand when the connection ended: their UIDVALIDITY, then their UIDs."""
    uidvalidity, *uids = in_flight
    with ledger.transaction() as tx:
        before = last(tx, mailbox, folder)
        now_so = FetchFailure(uidvalidity, uids[0], len(uids) == 1, 1)
        again = before and (before.uidvalidity, before.uid, before.alone) == (
            uidvalidity,
            uids[0],
            now_so.alone,
        )
        times = before.times + 1 if before and again else 1
        tx.state.put(_name(mailbox, folder), asdict(now_so) | {"times": times}, now)


def forget(tx: Transaction, mailbox: str, folder: str, now: datetime) -> None:
    tx.state.put(_name(mailbox, folder), None, now)


def unread(place: MailLocation, reason: str, now: datetime, *, in_sent: bool) -> IncomingMail:
    """Return what is kept of a mail that nobody has seen: where it lies, and why. No other mail is taken for it."""
    where = f"{place.mailbox}\n{place.folder}\n{place.uidvalidity}\n{place.uid}"
    return IncomingMail(
        place=place,
        fingerprint=hashlib.sha256(where.encode()).hexdigest(),
        received_at=now,
        tags=frozenset(),
        in_sent=in_sent,
        message=None,
        reason=reason,
    )


def _name(mailbox: str, folder: str) -> ScopedKey:
    return StateKey.FETCH_FAILURE.of(mailbox, folder)
