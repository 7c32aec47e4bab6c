"""Leases: a SQLite ledger has one daemon; daemons that share a PostgreSQL ledger lease its mailboxes."""

import fcntl
import hashlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import IO, Any, Protocol, Self

from sqlalchemy import ColumnElement, Connection, Engine, text, true
from sqlalchemy.exc import DBAPIError, OperationalError

from followupd.adapters.storage import lock_beside
from followupd.adapters.storage.database import FileWatch, create_private_file, file_of, is_sqlite
from followupd.errors import FollowupdError, UnavailableError

#: seconds between two checks of a connection while letters are sent
_CHECK_SECONDS = 1.0
#: a lock that `status` holds for less than a millisecond is tried again
_ATTEMPTS, _PAUSE_SECONDS, _PAUSE = 3, 0.02, Event()
_PING = text("SELECT 1")
_LOCK = text("SELECT pg_try_advisory_lock(:number)")
_UNLOCK = text("SELECT pg_advisory_unlock(:number)")


class AlreadyRunningError(FollowupdError):
    """Another followupd runs on this ledger; stop it first (`systemctl stop followupd`)."""


@dataclass(frozen=True, slots=True)
class LeaseScope:
    """The mailboxes whose cases, mails and letters one daemon works on.

    The leader holds the first mailbox. It also works on what belongs to no mailbox, or to one that is no
    longer configured. Without leases, a daemon is the leader and works on everything.
    """

    #: mailboxes that this daemon holds
    ours: frozenset[str] = frozenset()
    #: mailboxes that other daemons hold or may hold
    theirs: frozenset[str] = frozenset()
    is_leader: bool = True

    @classmethod
    def of(cls, configured: Collection[str], held: Collection[str]) -> "LeaseScope":
        """Return the scope of a daemon.

        Args:
            configured: all mailboxes, in the order of the configuration.
            held: those that the daemon holds.
        """
        first = next(iter(configured), "")
        return cls(
            ours=frozenset(held),
            theirs=frozenset(configured) - frozenset(held),
            is_leader=first in held,
        )

    def covers(self, mailbox: Any) -> ColumnElement[bool]:
        """Return the SQL condition that a row is in this scope; `mailbox` is the column with its mailbox."""
        if not self.is_leader:
            return mailbox.in_(sorted(self.ours))  # type: ignore[no-any-return]  # it is a column
        if not self.theirs:
            return true()
        return mailbox.not_in(sorted(self.theirs))  # type: ignore[no-any-return]  # as above


class MailboxLease(Protocol):
    """One daemon's lease. It ends with its context, or with the process."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def acquire(self, mailboxes: Sequence[str], *, at_once: bool = False) -> frozenset[str]:
        """Lease mailboxes that no other daemon holds, and release those that are not named.

        Args:
            mailboxes: all that are configured.
            at_once: lease every free one; otherwise one in each call, so that daemons that start together
                share them.

        Returns:
            All mailboxes that are held now.
        """

    def is_held(self) -> bool:
        """Return whether all that `acquire` returned last is still held; if not, stop working on it."""

    def loss(self) -> str:
        """Return how the ledger was lost while it was in use, "" if it was not."""


def lease_for(engine: Engine) -> MailboxLease:
    """Return the lease for a ledger; on SQLite entering it raises AlreadyRunningError."""
    if is_sqlite(engine):
        return _FileLease(engine)
    return _SharedLease(engine)


class _FileLease:
    """A lease on a whole SQLite ledger, by the operating system's lock on a file beside it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        path = file_of(engine)
        #: without symbolic links, so that two names of one ledger have one lock
        self._path = path.resolve() if path else None
        self._watch = FileWatch(self._path) if self._path else None
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        if self._path is None or self._watch is None:
            return self

        lock = lock_beside(self._path)
        create_private_file(lock)
        self._file = lock.open("r+")
        try:
            _lock(self._file)
            self._watch.begin(self._engine)
        except BlockingIOError:
            self._file.close()
            raise AlreadyRunningError from None
        except OperationalError as error:
            self._file.close()
            raise UnavailableError(f"the ledger does not answer: {error.orig}") from error
        except UnavailableError:  # it has a second name
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._watch:
            self._watch.end(self._engine)
        if self._file:
            self._file.close()

    def acquire(self, mailboxes: Sequence[str], *, at_once: bool = False) -> frozenset[str]:
        """Return all mailboxes.

        Raises:
            UnavailableError: the ledger's file is no longer the one that was opened, or was overwritten.
        """
        del at_once
        if loss := self.loss():
            raise UnavailableError(loss)
        return frozenset(mailboxes)

    def is_held(self) -> bool:
        return not self.loss()

    def loss(self) -> str:
        return self._watch.loss() if self._watch else ""


def _lock(file: IO[str]) -> None:
    """Lock a file; `status` holds it for a moment when it asks whether anybody does.

    Raises:
        BlockingIOError: another process holds it for longer.
    """
    for left in reversed(range(_ATTEMPTS)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left == 0:
                raise
            _PAUSE.wait(_PAUSE_SECONDS)
        else:
            return


class _SharedLease:
    """Leases on mailboxes by PostgreSQL's advisory locks, which belong to one connection and end with it.

    The connection is checked in every cycle and between letters. After a restart of the database or a network
    failure nothing is held until the locks are acquired again.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._held: set[str] = set()
        self._checked_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    def acquire(self, mailboxes: Sequence[str], *, at_once: bool = False) -> frozenset[str]:
        """Acquire the mailboxes that no other daemon holds; without a connection, none is held.

        Args:
            mailboxes: the names of all mailboxes; the lock of any other one is returned.
            at_once: acquire as many as possible. Otherwise it is one at a time, so that several daemons
                share them.

        Returns:
            The mailboxes that are held now.
        """
        try:
            self._acquire(self._open_connection(), mailboxes, at_once=at_once)
        except DBAPIError:
            self._release()
        self._checked_at = monotonic()
        return frozenset(self._held)

    def is_held(self) -> bool:
        """Return whether the connection with the locks lives, which is asked every few seconds at most."""
        if monotonic() - self._checked_at < _CHECK_SECONDS:
            return self._connection is not None

        self._checked_at = monotonic()
        if self._connection:
            try:
                self._connection.execute(_PING)
            except DBAPIError:
                self._release()
        return self._connection is not None

    def loss(self) -> str:
        """Return "": a server does not lose its files like that."""
        return ""

    def _open_connection(self) -> Connection:
        """Return the connection that owns the locks, opening it if need be."""
        if self._connection is None:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # in the pool it would keep the locks
            self._connection = connection
        self._connection.execute(_PING)
        return self._connection

    def _acquire(self, connection: Connection, mailboxes: Sequence[str], *, at_once: bool) -> None:
        """Return the locks of other mailboxes, and take those that are free: one, or `at_once` all."""
        for name in self._held - set(mailboxes):
            connection.execute(_UNLOCK, {"number": _lock_number(name)})
            self._held.discard(name)

        for name in mailboxes:
            if name in self._held:
                continue
            if connection.execute(_LOCK, {"number": _lock_number(name)}).scalar():
                self._held.add(name)
                if not at_once:
                    return

    def _release(self) -> None:
        """Release everything by closing the connection."""
        self._held.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError):
                connection.close()


def _lock_number(mailbox: str) -> int:
    """Return the number of a mailbox's advisory lock: 64 bits of a hash, so that no other program uses it."""
    digest = hashlib.sha256(f"followupd mailbox {mailbox}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
