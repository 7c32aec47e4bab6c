"""What the ledger stores about the daemon's own work: values by key, and how far each folder was read."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

#: a key of one mailbox or folder, made by `StateKey.of`
ScopedKey = NewType("ScopedKey", str)


class StateKey(StrEnum):
    """Names in the ledger's key-value state. The values are stored.

    A key "of" a mailbox goes through `of`.
    """

    #: the last cycle; "daemon" or "once"
    CYCLE = "beat"
    #: the circuit breaker of the outbox: "open" or "closed"
    BREAKER = "breaker"
    #: why the breaker is open
    BREAKER_REASON = "breaker because"
    #: whether this ledger is a restored copy that the daemon has not run with yet
    COPIED = "copied"
    #: whether the mailbox is connected
    CONNECTED = "connected {}"
    #: the day of the last digest
    DIGEST = "digest"
    #: the folders that a mailbox has
    FOLDERS = "folders {}"
    #: whether an inbox was read completely
    INBOX_READ = "read {}"
    #: whether a Sent folder was read completely
    SENT_READ = "sent folder of {} read"
    #: the failed fetches of a poison message, by mailbox and folder
    FETCH_FAILURE = "stumble {}/{}"
    #: the changes that a folder refused, by mailbox and folder
    REFUSED_UPDATES = "touch {}/{}"
    #: how far the deletion of old mail has come
    RETENTION = "retention"
    #: the classifier's trained weights
    TRAINING = "learned"

    def of(self, *names: str) -> ScopedKey:
        """Return the key of one mailbox, or of one folder of a mailbox."""
        return ScopedKey(self.value.format(*names))


#: a name in the ledger's key-value state
StateName = StateKey | ScopedKey


@dataclass(frozen=True, slots=True)
class FolderCursor:
    """How far a folder was read, and how many mails were skipped when it was first opened."""

    uidvalidity: int
    uid: int
    modseq: int
    passed_over: int
    synced_at: datetime
    since: datetime | None = None
