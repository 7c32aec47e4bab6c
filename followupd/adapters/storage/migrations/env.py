"""What Alembic runs to use the ledger: always within the transaction of its caller."""

from typing import Any, Literal

from alembic import context
from sqlmodel import AutoString, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime


def plain_types(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Write SQLModel's types by SQLAlchemy's names: a released revision must not change with SQLModel."""
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite changes a column by copying the table
    render_item=plain_types,
    transactional_ddl=True,  # SQLite too: the ledger begins transactions itself
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
