"""Drafts a migration for a change of tables.py (`make migration SAYS="what changed"`)."""

import sys

from sqlalchemy import create_engine

from followupd.adapters.storage import migrations


def main(says: str) -> None:
    """Compare the migrations with tables.py in an in-memory database, and draft a revision."""
    with create_engine("sqlite://").begin() as connection:
        migrations.migrate(connection)
        migrations.draft(connection, says)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "change")
