"""The daemon's state, as `status` shows it, and how far each folder was read."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as core
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from followupd.adapters.storage.tables import CursorRow, StateRow
from followupd.domain.state import FolderCursor, StateName

# Built once: building a statement costs more than running it, and this one runs before each batch of letters.
_SELECT_VALUE = core.select(col(StateRow.value), col(StateRow.at)).where(
    col(StateRow.name) == bindparam("name")
)


class StateStore:
    """The ledger's key-value state and folder cursors, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, name: StateName, value: Any, now: datetime) -> None:
        """Store a value that JSON can express, and when."""
        self._session.merge(StateRow(name=name, value=json.dumps(value), at=now))

    def get(self, name: StateName) -> tuple[Any, datetime] | None:
        """Return a value, and when it was stored; None when it never was."""
        row = self._session.execute(_SELECT_VALUE, {"name": name}).first()
        return (json.loads(row[0]), row[1]) if row else None

    def cursor(self, mailbox: str, folder: str) -> FolderCursor | None:
        """Return how far a folder was read; None when it was never read."""
        row = self._session.get(CursorRow, (mailbox, folder))
        return _cursor(row) if row else None

    def set_cursor(self, mailbox: str, folder: str, cursor: FolderCursor) -> None:
        """Store how far a folder was read."""
        row = CursorRow(
            mailbox=mailbox,
            folder=folder,
            uidvalidity=cursor.uidvalidity,
            uid=cursor.uid,
            modseq=cursor.modseq,
            passed_over=cursor.passed_over,
            since=cursor.since,
            synced_at=cursor.synced_at,
        )
        self._session.merge(row)

    def cursors(self) -> dict[tuple[str, str], FolderCursor]:
        """Return all cursors, by mailbox and folder."""
        return {(row.mailbox, row.folder): _cursor(row) for row in self._session.exec(select(CursorRow))}


def _cursor(row: CursorRow) -> FolderCursor:
    return FolderCursor(
        uidvalidity=row.uidvalidity,
        uid=row.uid,
        modseq=row.modseq,
        passed_over=row.passed_over,
        synced_at=row.synced_at,
        since=row.since,
    )
