"""What SQLite and PostgreSQL do differently, and how values become rows: encrypted JSON, bulk statements."""

import os
import secrets
import sqlite3
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import URL, Connection, Engine, Table, event, make_url, text
from sqlmodel import Session, SQLModel, create_engine

from followupd.adapters.crypto import Vault
from followupd.adapters.storage import note_loss
from followupd.adapters.storage.tables import table_of
from followupd.domain.events import EVENTS, Event
from followupd.errors import FollowupdError, UnavailableError

#: milliseconds that a writer waits for another one; the CLI and the daemon share a SQLite file
BUSY_TIMEOUT = 30_000
_SQLITE_PRAGMAS = (
    f"busy_timeout = {BUSY_TIMEOUT}",
    "journal_mode = WAL",
    "synchronous = FULL",  # if a power failure lost a claim, the letter would be sent twice
    "foreign_keys = ON",
    "secure_delete = ON",  # erased data is overwritten in the file
)
#: notice within ten seconds that PostgreSQL cannot be reached, instead of blocking the cycle
_POSTGRES_CLIENT_TIMEOUTS = {
    "connect_timeout": 10,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: the same in the other direction: until the server notices that our machine is gone, it keeps our locks
_POSTGRES_SERVER_TIMEOUTS = {
    "tcp_keepalives_idle": 4,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
}
# A restored ledger must know that letters may have been sent since the backup was made (StateKey.COPIED).
#: pages that are copied before the progress is told
_PAGES = 1000
_UNMARK_COPY = "DELETE FROM pulse WHERE name = 'copied'"
_MARK_AS_COPY = (
    "INSERT INTO pulse (name, value, at) VALUES ('copied', 'true', strftime('%Y-%m-%d %H:%M:%f000', 'now'))"
)
_MARK_AS_COPY_IN_POSTGRES = (
    "INSERT INTO pulse (name, value, at) VALUES ('copied', 'true', now() at time zone 'utc')"
)


class BackupError(FollowupdError):
    """The ledger cannot be backed up."""


# connections


def is_sqlite(engine: Engine) -> bool:
    """Whether the ledger is a SQLite file, rather than a PostgreSQL database that machines share."""
    return engine.url.get_backend_name() == "sqlite"


def connect(url: str) -> Engine:
    """Return an engine for a database URL; it connects when it is first used.

    Statements are logged without their parameters, because rows contain addresses.

    Args:
        url: SQLAlchemy's, such as "sqlite:////var/lib/followupd/ledger.db" or "postgresql+psycopg://...".
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, hide_parameters=True)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "commit", _commit_sqlite)
        return engine

    engine = create_engine(
        parsed, pool_pre_ping=True, hide_parameters=True, connect_args=_POSTGRES_CLIENT_TIMEOUTS
    )
    event.listen(engine, "connect", _configure_postgres)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    """Set up a new connection.

    Raises:
        UnavailableError: the file is not a SQLite database, or it is damaged.
    """
    connection.isolation_level = None  # _begin_sqlite begins transactions, not the driver
    try:
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.OperationalError:  # locked, or the disk is full: the caller explains it
        raise
    except sqlite3.DatabaseError as error:
        raise UnavailableError(f"the ledger's file cannot be read: {error}") from error


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction, with the durability that its execution options ask for, or one that only reads.

    BEGIN IMMEDIATE takes the write lock at once: otherwise two writers could read the same version, and one
    of them would fail at its first write.
    """
    options = connection.get_execution_options()
    reads_only = options.get("reads_only", False)
    _set_pragma(connection, "synchronous", "FULL" if options.get("durable", True) else "NORMAL")
    _set_pragma(connection, "query_only", "ON" if reads_only else "OFF")
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
    connection.info["changes"] = _changes(connection)


def _set_pragma(connection: Connection, name: str, value: str) -> None:
    """Set an option of a connection to SQLite, unless it was set to the same before."""
    if connection.info.get(name) != value:
        connection.exec_driver_sql(f"PRAGMA {name} = {value}")
        connection.info[name] = value


def _changes(connection: Connection) -> int:
    """Return how many rows a connection has changed since it was opened."""
    driver: Any = connection.connection.driver_connection
    return int(driver.total_changes)


def _commit_sqlite(connection: Connection) -> None:
    """Count a commit that changes something in the file's header, unless the file was lost (`FileWatch`).

    Raises:
        UnavailableError: nothing more may be written to it.
    """
    if _changes(connection) == connection.info["changes"]:
        return
    count = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    watch = _WATCHES.get(str(connection.engine.url.database))
    if watch and (loss := watch.loss(count)):
        connection.connection.rollback()  # at once, or its lock would keep others waiting
        raise UnavailableError(loss)
    connection.exec_driver_sql(f"PRAGMA user_version = {(count + 1) % _COUNTS}")


def _configure_postgres(connection: Any, _record: Any) -> None:
    """Have the server notice within seconds that our machine is gone, so that it keeps no locks for it."""
    with connection.cursor() as cursor:
        for name, value in _POSTGRES_SERVER_TIMEOUTS.items():
            cursor.execute(f"SET {name} = {value}")
    connection.commit()


def commit_without_flush(session: Session) -> None:
    """Let the session's transaction commit without waiting for the disk.

    A power failure may lose it; the end of the process does not.
    """
    connection = session.connection(execution_options={"durable": False})
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL synchronous_commit = off"))


def read_only(session: Session) -> None:
    """Let the session's transaction only read, all of it one state of the ledger, and keep no writer waiting."""
    snapshot: dict[str, object] = {"reads_only": True}
    if session.get_bind().dialect.name == "postgresql":
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    session.connection(execution_options=snapshot)


def purge_deleted(engine: Engine) -> bool:
    """Overwrite deleted data on the disk, too.

    SQLite overwrites what it frees (secure_delete) once the write-ahead log is checkpointed and truncated;
    PostgreSQL frees old rows by VACUUM. Backups and archives are the administrator's.

    Returns:
        False when another process is reading the ledger, so that the log could not be truncated.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not is_sqlite(engine):
            connection.execute(text("VACUUM"))
            return True

        driver: Any = connection.connection.driver_connection
        busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy


# files


def create_private_file(path: Path) -> None:
    """Create a file that only its owner can read, or restrict one that exists.

    When root creates it in another user's directory, it is given to that user: the daemon could not open it
    otherwise, and systemd sets the owner of the directory only.

    Raises:
        OSError: the file cannot be created, or is not ours.
    """
    is_new = not path.exists()
    path.touch(mode=0o600)
    path.chmod(0o600)
    directory = path.parent.stat()
    if is_new and os.geteuid() == 0:
        os.chown(path, directory.st_uid, directory.st_gid)


def file_of(engine: Engine) -> Path | None:
    """Return the file of a SQLite ledger, None for PostgreSQL."""
    database = engine.url.database
    return Path(database) if is_sqlite(engine) and database and database != ":memory:" else None


_REPLACED = (
    "the ledger {path} was removed or replaced while followupd runs; stop followupd, put the file back, and "
    "start it"
)
_OVERWRITTEN = (
    "the ledger {path} was overwritten while followupd runs; stop followupd, remove {name}-wal and {name}-shm, put "
    "the newest copy back, and start it"
)
_LINKED = (
    "the ledger {path} has a second name, a hard link, which another followupd could use; remove one of them"
)
#: where the header has our count of commits (user_version) and the mark of a daemon (application_id):
#: https://www.sqlite.org/fileformat2.html#the_database_header
_HEADER = struct.Struct(">60xI4xI")
#: the count begins again after so many
_COUNTS = 2**31
#: by device and inode, a descriptor that stays open: to close any one of a file releases SQLite's locks on it
#: (https://www.sqlite.org/howtocorrupt.html, 2.2)
_DESCRIPTORS: dict[tuple[int, int], int] = {}
#: by the file's name in the URL, those that this process has leased
_WATCHES: dict[str, "FileWatch"] = {}


class FileWatch:
    """Notices that a ledger's file was removed, replaced, or overwritten in place (`cp`) while it is in use.

    SQLite does not: it continues with its write-ahead log and its memory. Only checkpoints write to the file
    itself, and what they write has a higher count of commits and the mark of the daemon that runs. What was
    lost once stays lost, since the next checkpoint covers the traces.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None
        self._count, self._committed, self._mark = 0, 0, 0
        #: the mark of the last daemon, which counts until a checkpoint has written ours
        self._old = 0
        self._loss = ""
        self._lock = threading.Lock()

    def begin(self, engine: Engine) -> None:
        """Mark the file, if there is one.

        Raises:
            UnavailableError: the file has a second name, so that nobody can tell whether it is locked.
            OperationalError: the file cannot be written.
        """
        identity = self._identify()
        if identity is None:
            return
        if self._path.stat().st_nlink > 1:
            raise UnavailableError(_LINKED.format(path=self._path))
        before = self._header(identity)
        mark = 1 + secrets.randbelow(_COUNTS - 1)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id = {mark}")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._count, self._old = before or (0, 0)
        self._committed = self._count
        self._mark, self._identity = mark, identity
        _WATCHES[str(engine.url.database)] = self
        self.loss()  # which sees that the checkpoint has written our mark

    def end(self, engine: Engine) -> None:
        """Watch the file no longer."""
        _WATCHES.pop(str(engine.url.database), None)

    def loss(self, committed: int | None = None) -> str:
        """Return how the file was lost, "" while it is there and only SQLite has written to it.

        Args:
            committed: the count of commits as SQLite reads it now, from its log or the file. It is told before each
                commit; a checkpoint that nobody saw in the file's header makes no difference then.
        """
        with self._lock:
            if self._identity and not self._loss:
                self._loss = self._look(self._committed if committed is None else committed)
                if self._loss:
                    note_loss(self._path, self._loss)
            return self._loss

    def _look(self, committed: int) -> str:
        """Compare the file, and the count of commits, with what they were.

        Args:
            committed: the count of commits as SQLite reads it now.
        """
        identity = self._identity
        if identity is None or self._identify() != identity:
            return _REPLACED.format(path=self._path)

        least = self._committed if self._is_log_empty() else self._count
        count, mark = self._header(identity) or (0, 0)
        went_back = _is_before(count, least) or _is_before(committed, self._committed)
        if mark not in {self._mark, self._old} or went_back:
            return _OVERWRITTEN.format(path=self._path, name=self._path.name)

        self._count, self._old, self._committed = count, mark, committed
        return ""

    def _is_log_empty(self) -> bool:
        """Return whether a checkpoint has written all commits to the file, so that its header must count them."""
        log = self._path.with_name(f"{self._path.name}-wal")
        try:
            return log.stat().st_size == 0
        except FileNotFoundError:
            return True

    def _identify(self) -> tuple[int, int] | None:
        """Return device and inode of the file, None where there is none."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _header(self, identity: tuple[int, int]) -> tuple[int, int] | None:
        """Return the count of commits and the mark in the file, None if it is shorter than a header."""
        if identity not in _DESCRIPTORS:
            _DESCRIPTORS[identity] = os.open(self._path, os.O_RDONLY)
        header = os.pread(_DESCRIPTORS[identity], _HEADER.size, 0)
        return _HEADER.unpack(header) if len(header) == _HEADER.size else None


def _is_before(count: int, other: int) -> bool:
    """Return whether a count of commits comes before another one; the count begins again after _COUNTS."""
    return (count - other) % _COUNTS > _COUNTS // 2


def create_ledger_file(url: URL) -> None:
    """Create a SQLite ledger's file before SQLite does, which would let everybody read it.

    Raises:
        UnavailableError: the file or its directory cannot be created.
    """
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_private_file(path)
    except OSError as error:
        raise UnavailableError(f"the ledger {path} cannot be opened: {error.strerror}") from error


def backup(engine: Engine, path: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Copy a SQLite ledger while it is in use, and verify the copy (https://www.sqlite.org/backup.html).

    Args:
        engine: the ledger's.
        path: the new file; only its owner can read it.
        progress: is told how many pages were copied, and how many there are.

    Raises:
        BackupError: the file exists, cannot be written or does not verify, or the ledger is not a SQLite
            file.
    """
    database = engine.url.database
    if not is_sqlite(engine) or not database:
        raise BackupError("This ledger is in PostgreSQL; back it up with `pg_dump --format=custom`.")

    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise BackupError(f"{path} already exists; nothing was written. Name a new file.") from None
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from None

    try:
        _copy(database, path, progress or (lambda _done, _all: None))
        _verify(path)
    except (sqlite3.Error, BackupError) as error:
        path.unlink()
        raise BackupError(f"{path} could not be written or verified: {error}.") from None


def _copy(database: str, path: Path, progress: Callable[[int, int], None]) -> None:
    """Copy a database as it is now, and mark the copy as one.

    Args:
        database: the path of the ledger.
        path: the path of the new file.
        progress: is told how many pages were copied, and how many there are.
    """
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(path)) as target:
        # within a transaction the copy does not begin again whenever somebody writes
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_master").fetchone()
        source.backup(
            target, pages=_PAGES, progress=lambda _, left, pages: progress(pages - left, pages), sleep=0
        )
        source.rollback()
        target.execute(_UNMARK_COPY)
        target.execute(_MARK_AS_COPY)
        target.execute("PRAGMA application_id = 0")  # over a ledger that is in use it is noticed
        target.commit()
        # One file, without a write-ahead log beside it that could be left behind.
        target.execute("PRAGMA journal_mode = DELETE")


def mark_as_copy(connection: Connection) -> None:
    """Let the first start with this ledger stop all letters, since more may have been sent from its original."""
    is_postgres = connection.dialect.name == "postgresql"
    connection.exec_driver_sql(_UNMARK_COPY)
    connection.exec_driver_sql(_MARK_AS_COPY_IN_POSTGRES if is_postgres else _MARK_AS_COPY)


def _verify(path: Path) -> None:
    """Check a copy's integrity and that it is a ledger; raises BackupError or sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as copy:
        [(verdict,)] = copy.execute("PRAGMA integrity_check").fetchmany(1)
        copy.execute("SELECT count(*) FROM case_file").fetchone()
    if verdict != "ok":
        raise BackupError(str(verdict))


Value = TypeVar("Value")
#: one row: values by column, or by the name of a statement's parameter
Row = dict[str, Any]

_ADAPTERS: dict[type, TypeAdapter[Any]] = {}

#: a named parameter in the drivers' SQL, by the style of PEP 249 that SQLAlchemy uses them with
_PARAMETER = {"qmark": ":{}", "pyformat": "%({})s"}


# encryption


def adapter_of(kind: type[Value]) -> TypeAdapter[Value]:
    """Return what reads and writes values of a class as JSON; built on first use, which a start does without."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    found: TypeAdapter[Value] = _ADAPTERS[kind]
    return found


def event_adapter(name: str) -> TypeAdapter[Event]:
    """Return the adapter for an event's class."""
    return adapter_of(EVENTS[name])


def place(table: str, *key: object, column: str = "sealed") -> bytes:
    """Return where a value is stored: it is encrypted for that place, and can be decrypted at no other.

    So whoever may write to the database without its key cannot move one customer's text, or one card's code, to
    another row.

    Args:
        table: its name.
        key: what identifies the row, and never changes.
        column: its name.
    """
    return "\n".join((table, column, *map(str, key))).encode("utf-8", "replace")


def encrypt_value(vault: Vault, adapter: TypeAdapter[Value], value: Value, where: bytes) -> bytes:
    """Return the value as JSON, encrypted.

    Args:
        vault: with the keys of the ledger.
        adapter: which writes values of this kind.
        value: what is to be encrypted.
        where: the `place` that it is stored in. It is authenticated with the value, so that a row that
            somebody copied to another place cannot be decrypted there.
    """
    return vault.encrypt(adapter.dump_json(value), where)


def decrypt_value(vault: Vault, adapter: TypeAdapter[Value], token: bytes, where: bytes) -> Value:
    """Return what was given to `encrypt_value`.

    Raises:
        DecryptionError: the key that encrypted it is missing, or it was encrypted for another place.
    """
    return adapter.validate_json(vault.decrypt(token, where))


def encrypt_event(vault: Vault, event: Event, ref: str, seq: int) -> bytes:
    """Return an event of a case as JSON, encrypted; the name of its class is stored beside it.

    Args:
        vault: decrypts it.
        event: what happened.
        ref: the reference of the case.
        seq: its place in the history.
    """
    name = type(event).__name__
    return encrypt_value(vault, event_adapter(name), event, place("event", ref, seq, name))


def decrypt_event(vault: Vault, name: str, token: bytes, ref: str, seq: int) -> Event:
    """Return what was given to `encrypt_event`.

    Args:
        vault: decrypts it.
        name: the name of the event's class.
        token: the encrypted value.
        ref: the reference of the case.
        seq: its place in the history.

    Raises:
        DecryptionError: it was encrypted with none of the keys, or for another case, number or class.
    """
    return decrypt_value(vault, event_adapter(name), token, place("event", ref, seq, name))


# bulk statements, through the driver's cursor: SQLAlchemy doubles the cost of a row (benchmarks/send.py)


def insert_all(connection: Connection, model: type[SQLModel], rows: list[Row]) -> None:
    """Insert rows into a table.

    Args:
        connection: the transaction's.
        model: the class of the table.
        rows: one or more, all with the same columns. Their values are replaced by what the driver stores.
    """
    table = table_of(model)
    names = list(rows[0])
    _convert(connection, table, names, rows)
    parameter = _PARAMETER[connection.dialect.paramstyle]
    values = ", ".join(map(parameter.format, names))
    columns = ", ".join(names)
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({values})"  # noqa: S608  names of our own
    connection.exec_driver_sql(statement, rows)


def update_all(
    connection: Connection, model: type[SQLModel], rows: list[Row], where: Mapping[str, str]
) -> int:
    """Update one row of a table for each of the given ones.

    Args:
        connection: the transaction's.
        model: the class of the table.
        rows: one or more, all with the same names. Their values are replaced by what the driver stores.
        where: the columns that must be equal, each with the name that its value has in `rows`. Everything
            else is set.

    Returns:
        How many rows were updated.
    """
    table = table_of(model)
    names = [name for name in rows[0] if name not in where.values()]
    _convert(connection, table, names, rows)
    parameter = _PARAMETER[connection.dialect.paramstyle]
    assignments = ", ".join(f"{name} = {parameter.format(name)}" for name in names)
    conditions = " AND ".join(f"{column} = {parameter.format(name)}" for column, name in where.items())
    statement = f"UPDATE {table.name} SET {assignments} WHERE {conditions}"  # noqa: S608  names of our own
    return connection.exec_driver_sql(statement, rows).rowcount


def _convert(connection: Connection, table: Table, names: list[str], rows: list[Row]) -> None:
    """Replace the values of these columns by what the driver stores, as SQLAlchemy does itself.

    Args:
        connection: whose dialect knows how.
        table: the table of the columns.
        names: the names of the columns.
        rows: by column; they are changed in place.
    """
    dialect = connection.dialect
    for name in names:
        processor = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if processor:
            for row in rows:
                row[name] = processor(row[name])
