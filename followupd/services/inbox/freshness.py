"""Track when each mailbox was last read completely; nothing is sent to customers of a stale mailbox."""

from collections.abc import Collection
from datetime import datetime, timedelta

from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.state import StateKey

#: the two halves of a mailbox: the inbox with customers' mail and our copies, and Sent with agents' replies
_HALVES = (StateKey.INBOX_READ, StateKey.SENT_READ)
#: the stored values
_READ, _NOT_READ = "to its end", "not yet"
#: a busy folder is read many times a second, and each record is a write to the disk
_MIN_INTERVAL = timedelta(seconds=1)


def mark_synced(tx: Transaction, mailbox: str, now: datetime, *, sent: bool) -> None:
    """Record that the inbox, or Sent, was read completely; at most once a second."""
    half = (StateKey.SENT_READ if sent else StateKey.INBOX_READ).of(mailbox)
    stored = tx.state.get(half)
    is_recent = stored is not None and stored[0] == _READ and stored[1] <= now < stored[1] + _MIN_INTERVAL
    if not is_recent:
        tx.state.put(half, _READ, now)


def last_read(tx: Transaction, mailbox: str) -> datetime | None:
    """Return when both halves of a mailbox were last read completely.

    None when they were not since `reset`.
    """
    inbox = tx.state.get(StateKey.INBOX_READ.of(mailbox))
    sent = tx.state.get(StateKey.SENT_READ.of(mailbox))
    if inbox is None or inbox[0] != _READ:
        return None
    if sent is None:
        return inbox[1]

    return min(inbox[1], sent[1]) if sent[0] == _READ else None


def reset(ledger: Ledger, mailboxes: Collection[str], now: datetime) -> None:
    """Mark mailboxes as not read: a daemon that takes them over first reads what arrived in the meantime."""
    with ledger.transaction() as tx:
        for name in sorted(mailboxes):
            for half in _HALVES:
                if tx.state.get(half.of(name)):
                    tx.state.put(half.of(name), _NOT_READ, now)


def stale_mailboxes(
    tx: Transaction, mailboxes: Collection[str], max_age: timedelta, now: datetime
) -> frozenset[str]:
    """Return the mailboxes that may contain unread mail: not read completely within `max_age`."""
    oldest = now - max_age
    read_at = {name: last_read(tx, name) for name in mailboxes}
    return frozenset(name for name, at in read_at.items() if at is None or at < oldest)
