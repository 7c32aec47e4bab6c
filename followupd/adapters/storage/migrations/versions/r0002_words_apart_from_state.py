"""A letter's words in a table of their own, and its addressee's domain beside it.

The state changes twice on a letter's way out, and rewriting the words with it cost more than all the rest. The domain
has a budget of its own and is counted before each letter leaves. Letters of before are composed when they leave.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"

# What follows the last "@", in words that SQLite and PostgreSQL share: from the right end all that is no "@" is cut off.
_DOMAIN = "substr(to_address, length(rtrim(to_address, replace(to_address, '@', ''))) + 1)"


def upgrade() -> None:
    op.create_table(
        "words",
        sa.Column("letter_key", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("mail", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["letter_key"], ["letter.key"]),
        sa.PrimaryKeyConstraint("letter_key"),
    )
    move = sa.text("INSERT INTO words (letter_key, sealed, mail) SELECT key, sealed, :none FROM letter")
    op.execute(move.bindparams(none=b""))
    with op.batch_alter_table("letter", schema=None) as batch_op:
        batch_op.add_column(sa.Column("to_domain", sa.String(), nullable=False, server_default=""))
        batch_op.drop_column("sealed")
    op.execute(f"UPDATE letter SET to_domain = {_DOMAIN}")  # noqa: S608  the text is ours
    with op.batch_alter_table("letter", schema=None) as batch_op:
        batch_op.alter_column("to_domain", server_default=None)
        batch_op.create_index("letters_to_one_domain", ["to_domain", "leaving_at"], unique=False)
