"""Track when each mailbox was last read completely; nothing is sent to customers of a stale mailbox."""

from collections.abc import Collection
from datetime import datetime, timedelta

from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.keys import StateKey

#: the two halves of a mailbox: the inbox with customers' mail and our copies, and Sent with agents' replies
_HALVES = (StateKey.INBOX_READ, StateKey.SENT_READ)
#: the stored values
_READ, _NOT_READ = "to its end", "not yet"
#: a busy folder is read many times a second, and each record is a write to the disk
_MIN_INTERVAL = timedelta(seconds=1)


def mark_synced(tx: Transaction, mailbox: str, now: datetime, *, sent: bool) -> None:
    """Record that the inbox, or Sent, was read completely.

    Args:
        tx: the transaction.
        mailbox: the name of the mailbox.
        now: the time; a record that is less than a second old is not renewed.
        sent: whether it was Sent that was read.
    """
    half = (StateKey.SENT_READ if sent else StateKey.INBOX_READ).of(mailbox)
    stored = tx.state.get(half)
    is_recent = stored is not None and stored[0] == _READ and stored[1] <= now < stored[1] + _MIN_INTERVAL
    if not is_recent:
        tx.state.put(half, _READ, now)


def last_read(tx: Transaction, mailbox: str) -> datetime | None:
    """Return when both halves of a mailbox were last read completely.

    Returns None when one of them was not read since `reset`. Whoever finds no Sent folder records it as read: a
    new ledger knows neither, and must wait for both.
    """
    read_at = [tx.state.get(half.of(mailbox)) for half in _HALVES]
    times = [stored[1] for stored in read_at if stored and stored[0] == _READ]
    return min(times) if len(times) == len(_HALVES) else None


def reset(ledger: Ledger, mailboxes: Collection[str], now: datetime) -> None:
    """Mark mailboxes as not read.

    A daemon that takes them over first reads what has arrived in the meantime, and only then sends letters.
    """
    with ledger.transaction() as tx:
        for name in sorted(mailboxes):
            for half in _HALVES:
                tx.state.put(half.of(name), _NOT_READ, now)


def stale_mailboxes(
    tx: Transaction, mailboxes: Collection[str], max_age: timedelta, now: datetime
) -> frozenset[str]:
    """Return the mailboxes that may contain unread mail.

    Args:
        tx: the transaction.
        mailboxes: the names of the mailboxes in question.
        max_age: the time for which a complete reading counts.
        now: the time of the cycle, in UTC.
    """
    oldest = now - max_age
    read_at = {name: last_read(tx, name) for name in mailboxes}
    return frozenset(name for name, at in read_at.items() if at is None or at < oldest)
