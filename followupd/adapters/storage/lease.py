"""Who works on a ledger: one daemon on a SQLite file; on PostgreSQL many, each mailbox held by one of them."""

import fcntl
import hashlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO, Any, Protocol, Self

from sqlalchemy import ColumnElement, Connection, Engine, text, true
from sqlalchemy.exc import DBAPIError

from followupd.adapters.storage.permissions import make_private
from followupd.errors import FollowupdError


@dataclass(frozen=True, slots=True)
class LeaseScope:
    """The mailboxes whose cases, mails and letters are ours to work on; `theirs` are those of other daemons.

    Who holds the first mailbox leads: it also works on what belongs to no mailbox, or to one that is configured no more,
    so that nothing is nobody's.
    """

    ours: frozenset[str] = frozenset()
    theirs: frozenset[str] = frozenset()
    leads: bool = True

    @classmethod
    def of(cls, configured: Collection[str], held: Collection[str]) -> "LeaseScope":
        """Return the scope of who holds some of the configured mailboxes; the first of them is the leader's."""
        first = next(iter(configured), "")
        return cls(frozenset(held), frozenset(configured) - frozenset(held), first in held)

    def covers(self, mailbox: Any) -> ColumnElement[bool]:
        """Return the condition that a column names a mailbox of ours."""
        if not self.leads:
            return mailbox.in_(sorted(self.ours))  # type: ignore[no-any-return]  # of a column it is a condition
        return mailbox.not_in(sorted(self.theirs)) if self.theirs else true()


#: seconds between two looks at a lock while letters leave
_LOOK = 1.0


class AlreadyRunningError(FollowupdError):
    """Another followupd runs on this ledger; stop it first (`systemctl stop followupd`)."""


class MailboxLease(Protocol):
    """What a daemon holds until its context ends, or the process, however it ends."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def look(self, mailboxes: Sequence[str], *, at_once: bool = False) -> frozenset[str]:
        """Take what is free and say which mailboxes are held now; one more at a time, unless all are wanted `at_once`."""

    def still(self) -> bool:
        """Say whether everything is still held that the last look said was; who hears no stops acting."""


def lease_for(engine: Engine) -> MailboxLease:
    """Return what holds the ledger; on SQLite its context raises AlreadyRunningError when another daemon is there."""
    return (
        _FileLease(engine.url.database) if engine.url.get_backend_name() == "sqlite" else _SharedLease(engine)
    )


class _FileLease:
    """Holds a SQLite ledger whole; the lock is the operating system's."""

    def __init__(self, database: str | None) -> None:
        self._path = Path(f"{database}.lock") if database not in {None, "", ":memory:"} else None
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        if self._path:
            make_private(self._path)
            self._lock = self._path.open("w")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._lock.close()
                raise AlreadyRunningError from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock:
            self._lock.close()

    def look(self, mailboxes: Sequence[str], *, at_once: bool = False) -> frozenset[str]:
        del at_once
        return frozenset(mailboxes)

    def still(self) -> bool:
        return True


class _SharedLease:
    """Holds mailboxes by PostgreSQL's advisory locks, which belong to one connection and end with it.

    The connection is looked at with every beat, and between letters: after a restart of the database, or a cut of the
    network, nothing is held until the locks are taken anew. Daemons that start together share what there is, since each
    takes one mailbox with a look.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._line: Connection | None = None
        self._held: set[str] = set()
        self._looked = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def look(self, mailboxes: Sequence[str], *, at_once: bool = False) -> frozenset[str]:
        try:
            self._look(mailboxes, at_once=at_once)
        except DBAPIError:
            self._let_go()
        self._looked = monotonic()
        return frozenset(self._held)

    def still(self) -> bool:
        if monotonic() - self._looked < _LOOK:
            return self._line is not None
        self._looked = monotonic()
        try:
            if self._line:
                self._line.execute(text("SELECT 1"))
        except DBAPIError:
            self._let_go()
        return self._line is not None

    def _look(self, mailboxes: Sequence[str], *, at_once: bool) -> None:
        if self._line is None:
            line = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            line.detach()  # back in the pool it would keep the locks
            self._line = line
        self._line.execute(text("SELECT 1"))
        for name in self._held - set(mailboxes):
            self._line.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": _number(name)})
            self._held.discard(name)
        for name in mailboxes:
            if name not in self._held and self._taken(self._line, name):
                self._held.add(name)
                if not at_once:
                    return

    def _taken(self, line: Connection, name: str) -> bool:
        return bool(
            line.execute(text("SELECT pg_try_advisory_lock(:number)"), {"number": _number(name)}).scalar()
        )

    def _let_go(self) -> None:
        self._held.clear()
        line, self._line = self._line, None
        if line is not None:
            with suppress(DBAPIError):
                line.close()


def _number(mailbox: str) -> int:
    """Return a number that nobody else's advisory lock uses."""
    digest = hashlib.sha256(f"followupd mailbox {mailbox}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
