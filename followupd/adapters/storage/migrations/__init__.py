"""Alembic's migrations of the ledger's tables, run by the program itself: there is no alembic.ini.

A change of tables.py needs a new revision: `make migration SAYS="what changed"` drafts it from the
difference. Read it, correct it, and set `HEAD` in storage/migrate.py to its name.
A released revision never changes.
"""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlmodel import SQLModel

from followupd.adapters.storage import tables


def newest() -> str:
    """Return the name of the newest revision."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def migrate(connection: Connection, *, stamp: str = "", to: str = "head") -> None:
    """Run the missing migrations within the connection's transaction.

    Args:
        connection: with an open transaction.
        stamp: the revision to record first, for tables without one.
        to: the last revision to run.
    """
    config = _config(connection)
    if stamp:
        command.stamp(config, stamp)
    command.upgrade(config, to)


def draft(connection: Connection, says: str) -> None:
    """Write a new revision from the difference between the database's tables and tables.py."""
    number = f"{int(newest() or 0) + 1:04}"
    command.revision(_config(connection), says, autogenerate=True, rev_id=number)


def differences(connection: Connection) -> list[str]:
    """Return the differences between the database's tables and tables.py."""
    assert tables.CaseRow.metadata is SQLModel.metadata  # noqa: S101  the import fills the metadata
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [str(difference) for difference in compare_metadata(context, SQLModel.metadata)]


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "r%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
