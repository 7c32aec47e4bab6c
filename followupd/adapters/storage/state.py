"""The daemon's pulse and the folders' cursors: what `status` shows, and where reading goes on."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as core
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from followupd.adapters.storage.tables import CursorRow, StateRow
from followupd.domain.state import FolderCursor, StateName

# Made once, since making a statement costs more than running it; asked before each handful of letters.
_FACT = core.select(col(StateRow.value), col(StateRow.at)).where(col(StateRow.name) == bindparam("name"))


class StateStore:
    """Small facts of the ledger, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, name: StateName, value: Any, now: datetime) -> None:
        self._session.merge(StateRow(name=name, value=json.dumps(value), at=now))

    def get(self, name: StateName) -> tuple[Any, datetime] | None:
        row = self._session.execute(_FACT, {"name": name}).first()
        return (json.loads(row[0]), row[1]) if row else None

    def cursor(self, mailbox: str, folder: str) -> FolderCursor | None:
        row = self._session.get(CursorRow, (mailbox, folder))
        return _reached(row) if row else None

    def set_cursor(self, mailbox: str, folder: str, reached: FolderCursor) -> None:
        self._session.merge(
            CursorRow(
                mailbox=mailbox,
                folder=folder,
                uidvalidity=reached.uidvalidity,
                uid=reached.uid,
                modseq=reached.modseq,
                passed_over=reached.passed_over,
                since=reached.since,
                synced_at=reached.synced_at,
            )
        )

    def cursors(self) -> dict[tuple[str, str], FolderCursor]:
        return {(row.mailbox, row.folder): _reached(row) for row in self._session.exec(select(CursorRow))}


def _reached(row: CursorRow) -> FolderCursor:
    return FolderCursor(row.uidvalidity, row.uid, row.modseq, row.passed_over, row.synced_at, row.since)
