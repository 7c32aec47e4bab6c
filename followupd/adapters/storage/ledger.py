"""The ledger.

Followupd's database, SQLite or PostgreSQL, used in transactions, and the daemon's own state.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as core
from sqlalchemy import bindparam, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage import database, migrate
from followupd.adapters.storage.cases import CaseStore
from followupd.adapters.storage.erasure import Eraser, MailRetention
from followupd.adapters.storage.gift_cards import GiftCardOrderStore, GiftCardStock
from followupd.adapters.storage.lease import LeaseScope, MailboxLease, lease_for
from followupd.adapters.storage.mail import MailStore
from followupd.adapters.storage.outbox import OutboxStore
from followupd.adapters.storage.tables import CursorRow, StateRow
from followupd.domain.keys import FolderCursor, StateName
from followupd.domain.letter import Letter
from followupd.errors import UnavailableError

# Built once: building a statement costs more than running it, and this one runs before each batch of letters.
_SELECT_VALUE = core.select(col(StateRow.value), col(StateRow.at)).where(
    col(StateRow.name) == bindparam("name")
)


class StateStore:
    """The ledger's key-value state and folder cursors, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, name: StateName, value: Any, now: datetime) -> None:
        """Store a value that JSON can express, and when; one that is there is replaced.

        Tuples come back as lists.
        """
        self._session.merge(StateRow(name=name, value=json.dumps(value), at=now))

    def get(self, name: StateName) -> tuple[Any, datetime] | None:
        """Return a value, and when it was stored; None when it never was."""
        row = self._session.execute(_SELECT_VALUE, {"name": name}).first()
        return (json.loads(row[0]), row[1]) if row else None

    def value(self, name: StateName, default: Any = None) -> Any:
        """Return a value whatever its age, the default when it was never stored."""
        found = self.get(name)
        return found[0] if found else default

    def cursor(self, mailbox: str, folder: str) -> FolderCursor | None:
        """Return how far a folder was read; None when it was never read."""
        row = self._session.get(CursorRow, (mailbox, folder))
        return _cursor(row) if row else None

    def set_cursor(self, mailbox: str, folder: str, cursor: FolderCursor) -> None:
        """Store how far a folder was read."""
        row = CursorRow(
            mailbox=mailbox,
            folder=folder,
            uidvalidity=cursor.uidvalidity,
            uid=cursor.uid,
            modseq=cursor.modseq,
            passed_over=cursor.passed_over,
            since=cursor.since,
            synced_at=cursor.synced_at,
        )
        self._session.merge(row)

    def cursors(self) -> dict[tuple[str, str], FolderCursor]:
        """Return all cursors, by mailbox and folder."""
        return {(row.mailbox, row.folder): _cursor(row) for row in self._session.exec(select(CursorRow))}


def _cursor(row: CursorRow) -> FolderCursor:
    return FolderCursor(
        uidvalidity=row.uidvalidity,
        uid=row.uid,
        modseq=row.modseq,
        passed_over=row.passed_over,
        synced_at=row.synced_at,
        since=row.since,
    )


@dataclass(frozen=True, slots=True)
class Transaction:
    """The ledger's stores within one transaction."""

    cases: CaseStore
    outbox: OutboxStore
    mail: MailStore
    cards: GiftCardStock
    orders: GiftCardOrderStore
    state: StateStore
    retention: MailRetention
    erasure: Eraser


class Ledger:
    """One ledger. Every method raises UnavailableError when the database does not answer."""

    def __init__(self, url: str, vault: Vault, undated: Callable[[Letter], bytes] = lambda _: b"") -> None:
        """Prepare a ledger; the first use connects.

        Args:
            url: the database's URL, as `database.connect` takes it.
            vault: encrypts and decrypts what people wrote.
            undated: renders a letter's MIME message without a Date header, when it is queued. If it returns
                b"", the letter is rendered when it is sent.
        """
        self._engine = database.connect(url)
        self._vault = vault
        self._undated = undated
        #: whose rows a daemon works on; all of them, unless it leases mailboxes
        self.scope = LeaseScope()

    def upgrade(self, *, on_request: bool = False) -> str:
        """Create the tables or migrate them.

        Args:
            on_request: a person asked for it with `followupd upgrade`; a PostgreSQL ledger is not migrated
                otherwise.

        Returns:
            What was done, "" when the tables are up to date.

        Raises:
            OldLedgerError: a person must migrate it.
            NewLedgerError: it belongs to a newer followupd.
        """
        database.create_ledger_file(self._engine.url)
        with self._errors_explained():
            return migrate.upgrade(self._engine, on_request=on_request)

    def backup(self, path: Path) -> None:
        """Copy a SQLite ledger to a new file while it is in use; raises BackupError."""
        with self._errors_explained():
            database.backup(self._engine, path)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """Run a block in one transaction: commit at its end, roll back after an exception.

        Args:
            durable: wait until the commit is on disk. Without it a power failure may lose the commit,
                although the end of the process does not. Only for results whose loss leaves a letter in
                doubt, never for a claim.
        """
        with self._errors_explained(), Session(self._engine) as session, session.begin():
            if not durable:
                database.commit_without_flush(session)
            yield self._stores(session)

    def _stores(self, session: Session) -> Transaction:
        """Return the stores of one transaction, which share its session."""
        vault, scope = self._vault, self.scope
        outbox = OutboxStore(session, vault, scope, self._undated)
        cases = CaseStore(session, vault, outbox, scope)
        return Transaction(
            cases=cases,
            outbox=outbox,
            mail=MailStore(session, vault, scope),
            cards=GiftCardStock(session, vault),
            orders=GiftCardOrderStore(session, scope),
            state=StateStore(session),
            retention=MailRetention(session, vault),
            erasure=Eraser(session, vault, cases),
        )

    def purge_deleted(self) -> bool:
        """Overwrite deleted data on the disk, too; False when another process is reading the ledger."""
        with self._errors_explained():
            return database.purge_deleted(self._engine)

    def lease(self) -> MailboxLease:
        """Return one daemon's lease on the ledger or on mailboxes; entering it raises AlreadyRunningError."""
        return lease_for(self._engine)

    def now(self) -> datetime | None:
        """Return PostgreSQL's time, in UTC; None for SQLite, where this machine's clock is the only one.

        Raises:
            UnavailableError: the database does not answer.
        """
        if database.is_sqlite(self._engine):
            return None
        with self._errors_explained(), self._engine.connect() as connection:
            server_time: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return server_time.astimezone(UTC)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        """Raise UnavailableError for every error of the database's connection."""
        try:
            yield
        except OperationalError as error:
            raise UnavailableError(f"the ledger does not answer: {error.orig}") from error
