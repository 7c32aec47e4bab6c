"""Isolate poison mails, so that later mail is not blocked.

A mail whose FETCH drops the connection is retried alone, and quarantined after three failures.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.keys import StateKey
from followupd.domain.mail import IncomingMail, MailLocation

#: failures in a row after which a mail, or a change of one, is given up: a server may just have restarted
MAX_FAILURES = 3
DROPS_CONNECTION = (
    f"the server ended the connection {MAX_FAILURES} times when it was asked for this mail; "
    "look at it in the mailbox"
)
NOT_RETURNED = "the server has this mail and does not return it; look at it in the mailbox"


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """The mails that were being fetched when the connection ended, and how many times in a row.

    `uid` is that of the first of them; `alone` says that it was the only one.
    """

    uidvalidity: int
    uid: int
    alone: bool
    times: int

    @property
    def exhausted(self) -> bool:
        """Whether one mail alone has dropped the connection too often."""
        return self.alone and self.times >= MAX_FAILURES


def last_failure(tx: Transaction, mailbox: str, folder: str) -> FetchFailure | None:
    """Return the failure of the last fetch from a folder, None when it succeeded."""
    stored = tx.state.get(StateKey.FETCH_FAILURE.of(mailbox, folder))
    if stored is None or not stored[0]:
        return None

    return FetchFailure(**stored[0])


def record_failure(
    ledger: Ledger, mailbox: str, folder: str, in_flight: Sequence[int], now: datetime
) -> None:
    """Record which mails were being fetched when the connection ended.

    Args:
        ledger: the ledger.
        mailbox: the name of the mailbox.
        folder: the name of the folder.
        in_flight: the UIDVALIDITY, and the UIDs that were being fetched.
        now: the time.
    """
    uidvalidity, *uids = in_flight
    failure = FetchFailure(uidvalidity, uids[0], alone=len(uids) == 1, times=1)

    with ledger.transaction() as tx:
        before = last_failure(tx, mailbox, folder)
        if before and replace(before, times=1) == failure:
            failure = replace(before, times=before.times + 1)
        tx.state.put(StateKey.FETCH_FAILURE.of(mailbox, folder), asdict(failure), now)


def clear_failure(tx: Transaction, mailbox: str, folder: str, now: datetime) -> None:
    """Record that a fetch succeeded, or that its mail was given up."""
    tx.state.put(StateKey.FETCH_FAILURE.of(mailbox, folder), None, now)


def unreadable(place: MailLocation, reason: str, now: datetime, *, in_sent: bool) -> IncomingMail:
    """Return what is stored of a mail that the server does not return.

    Its fingerprint is that of its location.
    """
    location = f"{place.mailbox}\n{place.folder}\n{place.uidvalidity}\n{place.uid}"
    return IncomingMail(
        place=place,
        fingerprint=hashlib.sha256(location.encode()).hexdigest(),
        received_at=now,
        tags=frozenset(),
        in_sent=in_sent,
        message=None,
        reason=reason,
    )
