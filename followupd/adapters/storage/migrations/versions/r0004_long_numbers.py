"""Numbers of mails with 64 bits on PostgreSQL, and what the door of Microsoft Graph knows besides its cursor's numbers.

SQLite's integers have 64 bits as they are.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    op.add_column("cursor", sa.Column("position", sa.String(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, column in (
        ("cursor", "uidvalidity"),
        ("cursor", "uid"),
        ("cursor", "modseq"),
        ("place", "uidvalidity"),
        ("place", "uid"),
    ):
        op.alter_column(table, column, type_=sa.BigInteger(), existing_nullable=False)
