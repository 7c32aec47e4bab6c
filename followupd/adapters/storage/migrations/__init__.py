"""Alembic's migrations of the ledger's tables, run from inside the program: there is no alembic.ini.

A change of `tables.py` goes with a new revision: `make migration SAYS="what changed"` writes its draft from the
difference; read it, correct it, and put its name in `HEAD` of ledger/upgrading.py. A released revision never changes.
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
    """Run what is missing within the transaction at hand; `stamp` names the revision of tables that carry no name."""
    config = _config(connection)
    if stamp:
        command.stamp(config, stamp)
    command.upgrade(config, to)


def draft(connection: Connection, says: str) -> None:
    """Write a new revision from the difference between the tables here and those of tables.py."""
    number = f"{int(newest() or 0) + 1:04}"
    command.revision(_config(connection), says, autogenerate=True, rev_id=number)


def differences(connection: Connection) -> list[str]:
    """Return what the tables here and those of tables.py do not share; empty when they agree."""
    assert tables.CaseRow.metadata is SQLModel.metadata  # noqa: S101  the import above is what fills the metadata
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [str(difference) for difference in compare_metadata(context, SQLModel.metadata)]


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "r%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
