"""Create the ledger's tables, or migrate them to what this program uses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlmodel import SQLModel

from followupd.adapters.storage.database import backup, is_sqlite
from followupd.adapters.storage.lease import AlreadyRunningError, lease_for
from followupd.errors import FollowupdError

#: the revision of this program's tables. A test compares it with the newest file in migrations/versions, so
#: that a start need not import Alembic, which takes as long as everything else
HEAD = "0002"
#: the tables of a ledger without a revision are those of the first one: it was created before there were
#: migrations
FIRST, UNVERSIONED = "0001", ""
#: the number of an advisory lock that no other program uses: "upgrade!" in ASCII
_LOCK_NUMBER = int.from_bytes(b"upgrade!", "big") >> 1

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
    with engine.begin() as connection:
        revision = _revision(connection)

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
        _lock_schema(connection)
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
        _lock_schema(connection)
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


def _lock_schema(connection: Connection) -> None:
    """Lock out other upgrades until the transaction ends; BEGIN IMMEDIATE does so on SQLite."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
