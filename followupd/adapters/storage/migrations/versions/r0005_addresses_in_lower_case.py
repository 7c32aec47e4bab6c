"""Customers' addresses in lower case beside the cases, so that the index finds them however they are written."""

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    op.execute("UPDATE case_file SET customer_address = lower(customer_address)")
