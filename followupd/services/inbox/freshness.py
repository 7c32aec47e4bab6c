"""We listen before we speak: which mailboxes were read to their end, and how long ago, as the ledger remembers it."""

from collections.abc import Collection
from datetime import datetime, timedelta

from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.state import StateKey

#: what the two halves of a mailbox are kept under: where customers' words and our copies come in, and where they are filed
_INBOX, _SENT = StateKey.INBOX_READ, StateKey.SENT_READ
_READ, _NOT_YET = "to its end", "not yet"
#: a folder in which much arrives is read many times a second, and each line in the ledger is a write to the disk
_A_MOMENT = timedelta(seconds=1)


def mark_synced(tx: Transaction, mailbox: str, now: datetime, *, sent: bool) -> None:
    """Put down that the inbox, or the Sent folder, held nothing more that we had not read; once a second is enough."""
    half = (_SENT if sent else _INBOX).of(mailbox)
    known = tx.state.get(half)
    if known is None or known[0] != _READ or not known[1] <= now < known[1] + _A_MOMENT:
        tx.state.put(half, _READ, now)


def last_read(tx: Transaction, mailbox: str) -> datetime | None:
    """Return when a mailbox was last read to its end, both halves of it; None when it was not since somebody took it over."""
    inbox, sent = (tx.state.get(half.of(mailbox)) for half in (_INBOX, _SENT))
    if inbox is None or inbox[0] != _READ or (sent is not None and sent[0] != _READ):
        return None
    return inbox[1] if sent is None else min(inbox[1], sent[1])


def begin(ledger: Ledger, mailboxes: Collection[str], now: datetime) -> None:
    """Forget what was read before: who takes mailboxes over hears first what came while nobody listened."""
    with ledger.transaction() as tx:
        for name in sorted(mailboxes):
            for half in (_INBOX, _SENT):
                if tx.state.get(half.of(name)):
                    tx.state.put(half.of(name), _NOT_YET, now)


def stale_mailboxes(
    tx: Transaction, mailboxes: Collection[str], lasts: timedelta, now: datetime
) -> frozenset[str]:
    """Return the mailboxes in which a word may lie that nobody has read: not read, or longer ago than a reading lasts."""
    read = {name: last_read(tx, name) for name in mailboxes}
    return frozenset(name for name, at in read.items() if at is None or at < now - lasts)
