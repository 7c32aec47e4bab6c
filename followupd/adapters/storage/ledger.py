"""The ledger.

Followupd's database, SQLite or PostgreSQL, used in transactions, and the daemon's own state.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as core
from sqlalchemy import bindparam, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlmodel import Session, col, select

from followupd import clock, log
from followupd.adapters.crypto import KNOWN_WORD_PLACE, DecryptionError, Vault
from followupd.adapters.storage import database, is_free, migrate, note_loss, noted_loss
from followupd.adapters.storage.cases import CaseStore
from followupd.adapters.storage.gift_cards import GiftCardOrderStore, GiftCardStock
from followupd.adapters.storage.lease import LeaseScope, MailboxLease, lease_for
from followupd.adapters.storage.mail import MailStore
from followupd.adapters.storage.outbox import OutboxStore
from followupd.adapters.storage.personal_data import Eraser, MailRetention
from followupd.adapters.storage.tables import CursorRow, StateRow, table_of
from followupd.domain.keys import FolderCursor, StateKey, StateName
from followupd.domain.letter import Letter
from followupd.errors import FollowupdError, UnavailableError

# Built once: building a statement costs more than running it. These run before each batch of letters, and for each
# folder that is read.
_SELECT_VALUE = core.select(col(StateRow.value), col(StateRow.at)).where(
    col(StateRow.name) == bindparam("name")
)
#: in one statement, since two daemons that start at once may both be the first to store a value
_PUT_VALUE = text(
    "INSERT INTO pulse (name, value, at) VALUES (:name, :value, :at) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at"
).bindparams(bindparam("at", type_=table_of(StateRow).c.at.type))
_SELECT_CURSOR = select(CursorRow).where(
    col(CursorRow.mailbox) == bindparam("mailbox"), col(CursorRow.folder) == bindparam("folder")
)


#: the word by which a ledger knows its key, and where it is stored
_KNOWN_WORD = b"followupd"


class NoLedgerError(FollowupdError):
    """There is no ledger at this address."""


class WrongKeyError(FollowupdError):
    """The ledger was encrypted with another key than `ledger.key`; put the old key into its file, below the new one."""

    exit_code = 78


class StateStore:
    """The ledger's key-value state and folder cursors, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, name: StateName, value: Any, now: datetime) -> None:
        """Store a value that JSON can express, and when; one that is there is replaced.

        Tuples come back as lists.
        """
        self._session.execute(_PUT_VALUE, {"name": name, "value": json.dumps(value), "at": now})

    def wait_for_upgrades(self) -> None:
        """Wait until nobody else makes or upgrades this ledger, and keep others waiting until the transaction ends."""
        migrate.lock_schema(self._session.connection())

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
        row = self._session.exec(_SELECT_CURSOR, params={"mailbox": mailbox, "folder": folder}).first()
        return _cursor(row) if row else None

    def set_cursor(self, mailbox: str, folder: str, cursor: FolderCursor) -> None:
        """Store how far a folder was read."""
        row = CursorRow(
            mailbox=mailbox,
            folder=folder,
            uidvalidity=cursor.uidvalidity,
            uid=cursor.uid,
            modseq=cursor.modseq,
            position=cursor.position or None,
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
        position=row.position or "",
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
        """Create the tables or migrate them, and check that this key is the ledger's.

        Args:
            on_request: a person asked for it with `followupd upgrade`; a PostgreSQL ledger is not migrated
                otherwise.

        Returns:
            What was done, "" when the tables are up to date.

        Raises:
            OldLedgerError: a person must migrate it.
            NewLedgerError: it belongs to a newer followupd.
            WrongKeyError: it was encrypted with another key.
        """
        database.create_ledger_file(self._engine.url)
        with self._errors_explained():
            done = migrate.upgrade(self._engine, on_request=on_request)
        with self.snapshot() as tx:
            is_marked = self._check_key(tx)
        if not is_marked:
            with self.transaction() as tx:
                tx.state.wait_for_upgrades()
                if not self._check_key(tx):
                    self.mark_with_key(tx)
        return done

    def open_existing(self, *, on_request: bool = False) -> str:
        """Do what `upgrade` does with a ledger that exists; create none.

        Raises:
            NoLedgerError: there is none, with its place; otherwise as `upgrade`.
        """
        if not self.exists():
            raise NoLedgerError(
                f"there is no ledger at {self.place}; correct ledger.url, or start the daemon, which makes it"
            )
        return self.upgrade(on_request=on_request)

    @property
    def place(self) -> str:
        """Where the ledger is, without its password."""
        return self._engine.url.render_as_string()

    @property
    def is_shared(self) -> bool:
        """Whether a server keeps it, which may be out, and not a file on this machine."""
        return database.file_of(self._engine) is None

    def exists(self) -> bool:
        """Return whether there is a ledger with tables at this address; an empty file is none."""
        path = database.file_of(self._engine)
        if path is not None and not path.exists():
            return False
        with self._errors_explained():
            return migrate.is_ledger(self._engine)

    def trouble(self) -> str:
        """Return why the daemon could not use this ledger, "" if it could, or could make it.

        Changes nothing: neither a ledger nor a directory is made. Of a file, its rights must have been checked.
        """
        try:
            if self.exists():
                with self.snapshot() as tx:
                    self._check_key(tx)
        except FollowupdError as error:
            return str(error)
        return ""

    def _check_key(self, tx: Transaction) -> bool:
        """Check that one of our keys is the ledger's, by a word that was encrypted when the ledger was made.

        Returns:
            Whether the ledger has such a word; otherwise, what else is encrypted in it could be read.

        Raises:
            WrongKeyError: no key of ours decrypts it.
        """
        stored = tx.state.get(StateKey.KNOWN_WORD)
        try:
            if stored:
                self._vault.decrypt(base64.b64decode(stored[0]), KNOWN_WORD_PLACE)
            else:
                tx.cases.read_any()
        except DecryptionError:
            raise WrongKeyError from None
        return bool(stored)

    def mark_with_key(self, tx: Transaction) -> None:
        """Store the known word, encrypted with the present key."""
        word = base64.b64encode(self._vault.encrypt(_KNOWN_WORD, KNOWN_WORD_PLACE)).decode()
        tx.state.put(StateKey.KNOWN_WORD, word, clock.now())

    def backup(self, path: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """Copy a SQLite ledger to a new file while it is in use; raises BackupError.

        Args:
            path: the new file.
            progress: is told how many pages were copied, and how many there are.
        """
        with self._errors_explained():
            database.backup(self._engine, path, progress)

    def copy_to(self, url: str, progress: Callable[[int, int], None] | None = None) -> dict[str, int]:
        """Copy this ledger to another database and compare all rows; return how many rows each table has.

        Args:
            url: the URL of an empty database, as for a ledger.
            progress: is told how many tables were copied or compared, and how many steps there are.

        Raises:
            CopyError: there is a ledger already, or the copy differs.
            UnavailableError: the file's directory does not exist; a mistyped address makes none.
        """
        target = database.connect(url)
        path = database.file_of(target)
        if path and not path.parent.is_dir():
            raise UnavailableError(f"there is no directory {path.parent}; make it, or correct the address")
        database.create_ledger_file(target.url)
        try:
            with self._errors_explained():
                return migrate.copy(self._engine, target, progress)
        finally:
            target.dispose()

    def encrypt_anew(self) -> int:
        """Encrypt every value with the present key; return how many there are."""
        with self._errors_explained():
            count = migrate.encrypt_anew(self._engine, self._vault)
        with self.transaction() as tx:
            self.mark_with_key(tx)
        return count

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """Run a block in one transaction: commit at its end, roll back after an exception.

        Args:
            durable: wait until the commit is on disk. Without it a power failure may lose the commit,
                although the end of the process does not. Only for results whose loss leaves a letter in
                doubt, never for a claim.
        """
        with (
            log.after_commit(),
            self._errors_explained(),
            Session(self._engine) as session,
            session.begin(),
        ):
            if not durable:
                database.commit_without_flush(session)
            yield self._stores(session)

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Run a block that reads much, as the ledger is at its beginning; writers do not wait for it.

        Whatever the block would change is an error of the database.
        """
        with self._errors_explained(), Session(self._engine) as session, session.begin():
            database.read_only(session)
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

    def noted_loss(self) -> str:
        """Return how a daemon lost this ledger while it was in use, "" if none did."""
        path = database.file_of(self._engine)
        return noted_loss(path) if path else ""

    def is_free(self) -> bool:
        """Return whether it is certain that no daemon holds this ledger, which only a SQLite file tells."""
        path = database.file_of(self._engine)
        return path is not None and is_free(path)

    def lost(self) -> str:
        """Return how a daemon lost this ledger, "" if none did; the file that is there now is verified then.

        Raises:
            UnavailableError: it is damaged.
        """
        loss = self.noted_loss()
        if loss:
            with self._errors_explained(), self._engine.connect() as connection:
                verdict = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
            if verdict != "ok":
                raise UnavailableError(f"the ledger is damaged, put a copy back: {verdict}")
        return loss

    def forget_loss(self) -> None:
        """Let no further start know of it."""
        path = database.file_of(self._engine)
        if path:
            note_loss(path, "")

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
        except DatabaseError as error:
            if type(error) is not DatabaseError:  # a mistake of ours
                raise
            raise UnavailableError(f"the ledger is damaged, put a copy back: {error.orig}") from error
