"""Brings the ledger's tables to what this program knows: one look where nothing is to be done, else migrations."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlmodel import SQLModel

from followupd.adapters.storage.lease import AlreadyRunningError, lease_for
from followupd.errors import FollowupdError

# Whoever puts the copy in the ledger's place must know that letters may have left since it was made.
_MARK = "INSERT OR REPLACE INTO pulse (name, value, at) VALUES ('copied', 'true', strftime('%Y-%m-%d %H:%M:%f000', 'now'))"


class NoCopyError(FollowupdError):
    """The ledger cannot be copied."""


def copy(engine: Engine, path: Path) -> None:
    """Write a copy of the ledger as it is at this moment (SQLite's online backup), its owner's alone.

    Raises:
        NoCopyError: the file is there already, cannot be written or read back, or the ledger is no SQLite file.
    """
    database = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not database:
        raise NoCopyError(
            "This ledger is kept by PostgreSQL; `pg_dump --format=custom` makes a backup of it."
        )
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise NoCopyError(f"{path} is there already; nothing was written. Name a new file.") from None
    except OSError as error:
        raise NoCopyError(f"{path} cannot be written: {error.strerror}.") from None
    try:
        _copied(database, path)
    except (sqlite3.Error, NoCopyError) as error:
        path.unlink()
        raise NoCopyError(f"{path} could not be written or read back: {error}.") from None


def _copied(database: str, path: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)
        target.execute(_MARK)
        target.commit()
        target.execute(
            "PRAGMA journal_mode = DELETE"
        )  # one file, with nothing beside it that could be left behind
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as again:
        [(verdict,)] = again.execute("PRAGMA integrity_check").fetchmany(1)
        again.execute("SELECT count(*) FROM case_file").fetchone()
    if verdict != "ok":
        raise NoCopyError(str(verdict))


#: the revision that this program's tables are of; a test holds it to the newest file in edges/migrations/versions,
#: so that no start has to import Alembic, which takes as long as all the rest
HEAD = "0002"
#: ledgers made before there were migrations carry no revision; their tables are those of the first one
FIRST, UNNAMED = "0001", ""
#: any number that nobody else's advisory lock uses; it spells "upgrade!" in ASCII
_NUMBER = int.from_bytes(b"upgrade!", "big") >> 1


class OldLedgerError(FollowupdError):
    """The ledger's tables are of an older followupd, or of one that was never released."""


class NewLedgerError(FollowupdError):
    """The ledger's tables are of a newer followupd; this one must not touch them. Install the newer one again."""


def upgrade(engine: Engine, *, by_hand: bool = False) -> str:
    """Create what is missing or migrate; return what was done, "" when there was nothing to do.

    A SQLite ledger is copied before (`ledger.db.before-0002`). A PostgreSQL ledger, which other machines may use at
    this moment, is only migrated `by_hand`.

    Raises:
        OldLedgerError: a person must migrate it. NewLedgerError: this program is too old for it.
    """
    with engine.begin() as connection:
        revision = _revision(connection)
    if revision == HEAD:
        return ""
    if revision is None:
        return _create(engine)
    if revision > HEAD:
        raise NewLedgerError
    if engine.url.get_backend_name() == "sqlite":
        return _upgrade_file(engine, revision)
    if not by_hand:
        hint = "Stop every followupd, make a backup with pg_dump, and run `followupd upgrade`."
        raise OldLedgerError(
            f"The ledger's tables are of revision {revision or FIRST}, this followupd's of {HEAD}. {hint}"
        )
    return _migrate(engine, revision)


def _revision(connection: Connection) -> str | None:
    """Return the revision of the tables, UNNAMED where they carry none, None where there are no tables."""
    there = inspect(connection)
    if there.has_table("alembic_version"):
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or UNNAMED)
    return UNNAMED if there.has_table("case_file") else None


def _create(engine: Engine) -> str:
    with engine.begin() as connection:
        _alone(connection)
        if _revision(connection) is None:  # nobody else was faster
            SQLModel.metadata.create_all(connection)
            key = "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)"
            connection.execute(
                text(f"CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, {key})")
            )
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
    return f"created at revision {HEAD}"


def _upgrade_file(engine: Engine, revision: str) -> str:
    try:
        with lease_for(engine):
            before = Path(f"{engine.url.database}.before-{HEAD}")
            if engine.url.database not in {None, "", ":memory:"}:
                before.unlink(missing_ok=True)  # of an upgrade that failed; its ledger is still as it was
                copy(engine, before)
            return f"{_migrate(engine, revision)}; as it was before: {before}"
    except AlreadyRunningError:
        hint = "Restart it (`systemctl restart followupd`): it upgrades the ledger when it starts."
        raise OldLedgerError(f"An older followupd runs on this ledger. {hint}") from None


def _migrate(engine: Engine, revision: str) -> str:
    from followupd.adapters.storage import migrations

    on_file = engine.url.get_backend_name() == "sqlite"
    with (
        engine.connect() as connection,
        _without_foreign_keys(connection, on_file=on_file),
        connection.begin(),
    ):
        _alone(connection)
        if _revision(connection) != HEAD:
            migrations.migrate(connection, stamp=FIRST if revision == UNNAMED else "")
            _prove(
                connection, migrations.differences(connection) if revision == UNNAMED else [], on_file=on_file
            )
    return f"upgraded from revision {revision or FIRST} to {HEAD}"


def _prove(connection: Connection, differences: list[str], *, on_file: bool) -> None:
    """Leave the transaction by an error where the outcome is not what it should be: then nothing has happened."""
    if differences:
        raise OldLedgerError(f"This ledger is of a followupd that was never released: {differences[0]}")
    if on_file and (broken := connection.execute(text("PRAGMA foreign_key_check")).first()):
        raise OldLedgerError(f"The migrated ledger would hold rows that point nowhere, in {broken[0]}.")


@contextmanager
def _without_foreign_keys(connection: Connection, *, on_file: bool) -> Iterator[None]:
    """Let SQLite write tables anew that others point to; it takes this word only outside a transaction."""
    raw: Any = connection.connection.driver_connection
    if on_file:
        raw.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        if on_file:
            raw.execute("PRAGMA foreign_keys = ON")


def _alone(connection: Connection) -> None:
    """Let nobody else create or migrate until this transaction ends; SQLite's BEGIN IMMEDIATE does so already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _NUMBER})
