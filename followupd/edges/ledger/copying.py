"""Copies a SQLite ledger while it is in use, and proves that the copy can be read."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from followupd.errors import FollowupdError

# Whoever puts the copy in the ledger's place must know that letters may have left since it was made.
_MARK = (
    "INSERT OR REPLACE INTO pulse (name, value, at) VALUES ('copied', 'true', strftime('%Y-%m-%d %H:%M:%f000', 'now'))"
)


class NoCopyError(FollowupdError):
    """The ledger cannot be copied."""


def copy(engine: Engine, path: Path) -> None:
    """Write a copy of the ledger as it is at this moment (SQLite's online backup), its owner's alone.

    Raises:
        NoCopyError: the file is there already, cannot be written or read back, or the ledger is no SQLite file.
    """
    database = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not database:
        raise NoCopyError("This ledger is kept by PostgreSQL; `pg_dump --format=custom` makes a backup of it.")
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
        target.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it that could be left behind
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as again:
        [(verdict,)] = again.execute("PRAGMA integrity_check").fetchmany(1)
        again.execute("SELECT count(*) FROM case_file").fetchone()
    if verdict != "ok":
        raise NoCopyError(str(verdict))
