"""The cause of a case, and when its customer was told of a prevention, beside the case, to be searched.

Cases of before get both from the daemon, once a day.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    op.add_column("case_file", sa.Column("cause", sa.String(), nullable=True))
    op.add_column("case_file", sa.Column("prevention_told_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("cases_of_one_cause", "case_file", ["cause", "opened_at"], unique=False)
