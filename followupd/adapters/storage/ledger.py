"""The ledger: one transaction at a time over SQLite or PostgreSQL; what is not committed never happened."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event, make_url, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, create_engine

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.cases import CaseStore
from followupd.adapters.storage.erasure import Eraser, MailRetention, leave_no_trace
from followupd.adapters.storage.gift_cards import GiftCardOrderStore, GiftCardStock
from followupd.adapters.storage.lease import LeaseScope, MailboxLease, lease_for
from followupd.adapters.storage.mail import MailStore
from followupd.adapters.storage.migrate import copy, upgrade
from followupd.adapters.storage.outbox import OutboxStore
from followupd.adapters.storage.permissions import make_private
from followupd.adapters.storage.state import StateStore
from followupd.domain.letter import Letter
from followupd.errors import UnavailableError

#: how long a writer waits for another one, in milliseconds; the CLI and the daemon share the file
BUSY_TIMEOUT = 30_000
#: a PostgreSQL that is cut off is noticed in so many seconds, and not by a beat that hangs
_DEAD_IN_TEN_SECONDS = {
    "connect_timeout": 10,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one transaction may touch; committed when its block ends well, forgotten when it does not."""

    cases: CaseStore
    outbox: OutboxStore
    mail: MailStore
    cards: GiftCardStock
    orders: GiftCardOrderStore
    state: StateStore
    retention: MailRetention
    erasure: Eraser


class Ledger:
    """The house's memory."""

    def __init__(self, url: str, vault: Vault, undated: Callable[[Letter], bytes] = lambda _: b"") -> None:
        self._engine = _engine(url)
        self._vault = vault
        #: composes a letter that is queued, all but its date; b"" leaves that to the hour at which it leaves
        self._undated = undated
        #: whose rows a daemon works on; everybody's, where nothing else is said
        self.scope = LeaseScope()

    def upgrade(self, *, by_hand: bool = False) -> str:
        """Create what is missing or migrate; return what was done. The file is the owner's alone: it holds what customers wrote.

        Raises:
            OldLedgerError: a person must migrate it. NewLedgerError: it belongs to a newer followupd.
        """
        _make_file(self._engine.url)
        with self._outage():
            return upgrade(self._engine, by_hand=by_hand)

    def copy(self, path: Path) -> None:
        """Write a copy of a SQLite ledger while it is in use; raises NoCopyError."""
        with self._outage():
            copy(self._engine, path)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """Open one transaction; raises OutageError when the database does not answer.

        One that is not `durable` does not wait for the disk: a power cut may forget it (the death of a process does not).
        It is for what the ledger without it would call not known, and never for what allows anything.
        """
        with self._outage(), Session(self._engine) as session, session.begin():
            if not durable:
                _without_waiting(session)
            scope = self.scope
            outbox = OutboxStore(session, self._vault, scope, self._undated)
            cases, mail = CaseStore(session, self._vault, outbox, scope), MailStore(session, self._vault, scope)
            yield Transaction(
                cases,
                outbox,
                mail,
                GiftCardStock(session, self._vault),
                GiftCardOrderStore(session, scope),
                StateStore(session),
                MailRetention(session, self._vault),
                Eraser(session, self._vault, cases),
            )

    def leave_no_trace(self) -> bool:
        """Write over what was forgotten on the disk too; False when somebody reads the ledger at this moment."""
        with self._outage():
            return leave_no_trace(self._engine)

    def lease(self) -> MailboxLease:
        """Return what holds the ledger, or mailboxes of it, for one daemon; its context raises AlreadyRunningError."""
        return lease_for(self._engine)

    def now(self) -> datetime | None:
        """Return the database's moment where machines share it, None where this machine's clock is the only one."""
        if self._engine.url.get_backend_name() == "sqlite":
            return None
        with self._outage(), self._engine.connect() as connection:
            moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment.astimezone(UTC)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _outage(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise UnavailableError(f"the ledger does not answer: {error.orig}") from error


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_engine(
            parsed, pool_pre_ping=True, hide_parameters=True, connect_args=_DEAD_IN_TEN_SECONDS
        )
        event.listen(engine, "connect", _prepare_postgres)
        return engine
    engine = create_engine(
        parsed, hide_parameters=True
    )  # an error's text goes to the log, and rows hold addresses
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_postgres(connection: Any, _record: Any) -> None:
    """Let the server see in ten seconds that our machine is gone: until then it keeps our locks from everybody else."""
    wanted = {"tcp_keepalives_idle": "4", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
    with connection.cursor() as cursor:
        for name, value in wanted.items():
            cursor.execute(f"SET {name} = {value}")
    connection.commit()


def _make_file(url: URL) -> None:
    """Make the ledger's file with its owner's rights alone, before SQLite makes it with everybody's."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_private(path)
    except OSError as error:
        raise UnavailableError(f"the ledger {path} cannot be opened: {error.strerror}") from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    try:
        _set(connection)
    except sqlite3.OperationalError:
        raise  # it is locked, or the disk is full
    except sqlite3.DatabaseError as error:
        raise UnavailableError(f"the ledger's file cannot be read: {error}") from error


def _set(connection: Any) -> None:
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT}",
        "journal_mode = WAL",
        "synchronous = FULL",  # a claim that a power cut forgets would send the letter twice
        "foreign_keys = ON",
        "secure_delete = ON",  # what is erased is gone from the file
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    durable = connection.get_execution_options().get("durable", True)
    if connection.info.setdefault("durable", True) != durable:
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.info["durable"] = durable
    # Taking the write lock at once keeps two writers from reading the same version and one of them failing late.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _without_waiting(session: Session) -> None:
    connection = session.connection(execution_options={"durable": False})
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL synchronous_commit = off"))
