"""Create the ledger's tables, migrate them to what this program uses, copy a ledger, and re-encrypt it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, inspect, select, text
from sqlmodel import Session, SQLModel

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.database import backup, is_sqlite, mark_as_copy, place
from followupd.adapters.storage.gift_cards import card_place
from followupd.adapters.storage.lease import AlreadyRunningError, lease_for
from followupd.adapters.storage.tables import CardRow, CaseRow, EventRow, LetterTextRow, MailRow
from followupd.errors import FollowupdError

#: the revision of this program's tables. A test compares it with the newest file in migrations/versions, so
#: that a start need not import Alembic, which takes as long as everything else
HEAD = "0005"
#: the tables of a ledger without a revision are those of the first one: it was created before there were
#: migrations
FIRST, UNVERSIONED = "0001", ""
#: the number of an advisory lock that no other program uses: "upgrade!" in ASCII
_LOCK_NUMBER = int.from_bytes(b"upgrade!", "big") >> 1

#: rows in memory at once while a table is copied
_ROWS = 500

_CREATE_VERSION_TABLE = text(
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_INSERT_VERSION = text("INSERT INTO alembic_version VALUES (:head)")
_SELECT_VERSION = text("SELECT version_num FROM alembic_version")


class OldLedgerError(FollowupdError):
    """The ledger's tables are of an older followupd, or of one that was never released."""


class NewLedgerError(FollowupdError):
    """The ledger was upgraded by a newer followupd; this one must not use it. Install the newer one again."""


def upgrade(engine: Engine, *, on_request: bool = False) -> str:
    """Create the tables or migrate them.

    A SQLite ledger is backed up first (`ledger.db.before-0002`). A PostgreSQL ledger, which other machines
    may be using, is only migrated on request.

    Args:
        engine: the ledger's.
        on_request: a person asked for it (`followupd upgrade`).

    Returns:
        What was done, "" when the tables are up to date.

    Raises:
        OldLedgerError: a person must migrate it.
        NewLedgerError: this program is too old for it.
    """
    revision = _revision_now(engine)
    if revision == HEAD:
        return ""
    if revision is None:
        return _create(engine)
    if revision > HEAD:
        raise NewLedgerError
    if is_sqlite(engine):
        return _upgrade_file(engine, revision)
    if on_request:
        return _migrate(engine, revision)

    state = f"The ledger's tables are of revision {revision or FIRST}, this followupd's of {HEAD}."
    hint = "Stop every followupd, make a backup with pg_dump, and run `followupd upgrade`."
    raise OldLedgerError(f"{state} {hint}")


def is_ledger(engine: Engine) -> bool:
    """Return whether a database has our tables.

    Raises:
        NewLedgerError: they are of a newer followupd.
    """
    revision = _revision_now(engine)
    if revision is not None and revision > HEAD:
        raise NewLedgerError
    return revision is not None


def _revision_now(engine: Engine) -> str | None:
    """Return the revision of the tables without waiting for a writer."""
    with engine.execution_options(reads_only=True).begin() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    """Return the revision of the tables, UNVERSIONED when none is recorded, None when there are no tables."""
    inspector = inspect(connection)
    if inspector.has_table("alembic_version"):
        return str(connection.scalar(_SELECT_VERSION) or UNVERSIONED)
    if inspector.has_table("case_file"):
        return UNVERSIONED
    return None


def _create(engine: Engine) -> str:
    """Create all tables, unless another process has done so meanwhile."""
    with engine.begin() as connection:
        lock_schema(connection)
        if _revision(connection) is None:
            SQLModel.metadata.create_all(connection)
            connection.execute(_CREATE_VERSION_TABLE)
            connection.execute(_INSERT_VERSION, {"head": HEAD})
    return f"created at revision {HEAD}"


def _upgrade_file(engine: Engine, revision: str) -> str:
    """Back up and migrate a SQLite ledger; raises OldLedgerError when an older daemon is running on it."""
    copy = Path(f"{engine.url.database}.before-{HEAD}")
    in_memory = engine.url.database in {None, "", ":memory:"}
    try:
        with lease_for(engine):
            if not in_memory:
                copy.unlink(missing_ok=True)  # of an upgrade that failed, and left the ledger as it was
                backup(engine, copy)
            done = _migrate(engine, revision)
    except AlreadyRunningError:
        hint = "Restart it (`systemctl restart followupd`): it upgrades the ledger when it starts."
        raise OldLedgerError(f"An older followupd runs on this ledger. {hint}") from None
    return f"{done}; its old version is in {copy}"


def _migrate(engine: Engine, revision: str) -> str:
    """Run the missing migrations in one transaction; an error rolls all of them back."""
    with engine.connect() as connection, _foreign_keys_off(connection), connection.begin():
        lock_schema(connection)
        if _revision(connection) != HEAD:  # otherwise another process was faster
            _run_migrations(connection, revision)
    return f"upgraded from revision {revision or FIRST} to {HEAD}"


def _run_migrations(connection: Connection, revision: str) -> None:
    """Run the migrations and check their result; raises OldLedgerError."""
    from followupd.adapters.storage import migrations

    if revision == UNVERSIONED:
        migrations.migrate(connection, stamp=FIRST)
        _check_tables(migrations.differences(connection))
    else:
        migrations.migrate(connection)
    _check_foreign_keys(connection)


def _check_tables(differences: list[str]) -> None:
    """Raise OldLedgerError if an unversioned ledger did not have the tables of the first release."""
    if differences:
        raise OldLedgerError(f"This ledger is of a followupd that was never released: {differences[0]}")


def _check_foreign_keys(connection: Connection) -> None:
    """Raise OldLedgerError if rows refer to missing ones, which SQLite did not check while migrating."""
    if connection.dialect.name != "sqlite":
        return
    violation = connection.execute(text("PRAGMA foreign_key_check")).first()
    if violation:
        raise OldLedgerError(f"After the migration rows of {violation[0]} would refer to missing rows.")


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Let SQLite recreate tables that others refer to; the setting has no effect inside a transaction."""
    if connection.dialect.name != "sqlite":
        yield
        return

    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def lock_schema(connection: Connection) -> None:
    """Lock out other upgrades until the transaction ends; BEGIN IMMEDIATE does so on SQLite."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})


# --- a ledger in another database ---


class CopyError(FollowupdError):
    """The ledger cannot be copied there."""


def copy(
    source: Engine, target: Engine, progress: Callable[[int, int], None] | None = None
) -> dict[str, int]:
    """Copy a ledger into another, empty database, and compare every row; the copy is marked as one.

    Args:
        source: the ledger's, which no daemon may change meanwhile.
        target: of a database without tables of ours.
        progress: is told how many tables were copied or compared, and how many steps there are.

    Returns:
        How many rows each table has.

    Raises:
        CopyError: there is a ledger already, or the copy differs; then it is taken back.
    """
    if is_ledger(target):
        raise CopyError("there is a ledger already; name an empty database, or a file that does not exist")
    _create(target)
    tables = SQLModel.metadata.sorted_tables
    steps = _counted([*tables, *tables], progress)
    with source.begin() as origin, target.begin() as copied:
        rows = {table.name: _copy_table(table, origin, copied) for table in islice(steps, len(tables))}
        differing = [table.name for table in steps if _digest(table, origin) != _digest(table, copied)]
        if differing:
            raise CopyError(f"the copy differs in {', '.join(differing)}; nothing was copied")
        mark_as_copy(copied)
    return rows


def _counted(tables: list[Table], progress: Callable[[int, int], None] | None) -> Iterator[Table]:
    """Yield tables, and tell after each how many of them are done."""
    for number, table in enumerate(tables, start=1):
        yield table
        if progress:
            progress(number, len(tables))


def _copy_table(table: Table, origin: Connection, copied: Connection) -> int:
    """Copy the rows of one table, and let new rows be numbered after them; return how many there are.

    Args:
        table: a table of ours.
        origin: the ledger that is copied.
        copied: the new ledger. SQLite numbers new rows after the last one by itself, PostgreSQL by a
            sequence, which is set.
    """
    count = 0
    for rows in origin.execute(table.select()).mappings().partitions(_ROWS):
        copied.execute(table.insert(), list(map(dict, rows)))
        count += len(rows)

    if copied.dialect.name == "postgresql" and "id" in table.c and count:
        sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
        copied.execute(text(f"SELECT setval({sequence}, (SELECT max(id) FROM {table.name}))"))  # noqa: S608  ours
    return count


def _digest(table: Table, connection: Connection) -> int:
    """Return a sum over all rows of a table that does not depend on their order."""
    rows = connection.execute(table.select()).partitions(_ROWS)
    digests = (sha256(repr(tuple(row)).encode()).digest() for portion in rows for row in portion)
    return sum(int.from_bytes(digest, "big") for digest in digests)


# --- another key ---


def encrypt_anew(engine: Engine, vault: Vault) -> int:
    """Encrypt every value with the present key, in one transaction; return how many values there are.

    Raises:
        DecryptionError: no key of ours decrypts one of them; then nothing is changed.
    """
    count = 0
    with Session(engine) as session, session.begin():
        for model, keys, columns in _ENCRYPTED:
            for row_keys in session.execute(select(*(getattr(model, key) for key in keys))).all():
                row = session.get_one(model, tuple(row_keys))
                count += sum(
                    _encrypt_anew(vault, row, column, where(row)) for column, where in columns.items()
                )
                session.flush()
                session.expunge(row)
    return count


def _encrypt_anew(vault: Vault, row: Any, column: str, where: bytes) -> int:
    """Re-encrypt one value of a row; return 0 for a value that is empty."""
    token = getattr(row, column)
    if not token:
        return 0
    plain = vault.decrypt(token, where)
    if isinstance(row, CardRow):  # a card is found by what the key makes of its code
        row.fingerprint = vault.fingerprint(plain.decode())
        where = card_place(row)
    setattr(row, column, vault.encrypt(plain, where))
    return 1


#: the encrypted columns of each table, with its key and the place for which each of them is encrypted
_ENCRYPTED: tuple[tuple[type[SQLModel], tuple[str, ...], dict[str, Callable[[Any], bytes]]], ...] = (
    (CaseRow, ("ref",), {"sealed": lambda row: place("case_file", row.ref)}),
    (EventRow, ("id",), {"sealed": lambda row: place("event", row.case_ref, row.seq, row.name)}),
    (
        LetterTextRow,
        ("letter_key",),
        {
            "sealed": lambda row: place("words", row.letter_key),
            "mail": lambda row: place("words", row.letter_key, column="mail"),
        },
    ),
    (
        MailRow,
        ("id",),
        {
            "sealed": lambda row: place("mail", row.fingerprint),
            "raw": lambda row: place("mail", row.fingerprint, column="raw"),
        },
    ),
    (CardRow, ("id",), {"sealed": card_place}),
)
