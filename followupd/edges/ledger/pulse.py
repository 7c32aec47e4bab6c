"""The daemon's pulse and the folders' cursors: what `status` shows, and where reading goes on."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from followupd.edges.tables import CursorRow, PulseRow


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a folder has been read, and how many mails were passed over at the first connection."""

    uidvalidity: int
    uid: int
    modseq: int
    passed_over: int
    synced_at: datetime


class Pulse:
    """Small facts of the ledger, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, name: str, value: Any, now: datetime) -> None:
        self._session.merge(PulseRow(name=name, value=json.dumps(value), at=now))

    def get(self, name: str) -> tuple[Any, datetime] | None:
        row = self._session.get(PulseRow, name)
        return (json.loads(row.value), row.at) if row else None

    def cursor(self, mailbox: str, folder: str) -> Reached | None:
        row = self._session.get(CursorRow, (mailbox, folder))
        return Reached(row.uidvalidity, row.uid, row.modseq, row.passed_over, row.synced_at) if row else None

    def set_cursor(self, mailbox: str, folder: str, reached: Reached) -> None:
        self._session.merge(
            CursorRow(
                mailbox=mailbox,
                folder=folder,
                uidvalidity=reached.uidvalidity,
                uid=reached.uid,
                modseq=reached.modseq,
                passed_over=reached.passed_over,
                synced_at=reached.synced_at,
            )
        )

    def cursors(self) -> dict[tuple[str, str], Reached]:
        return {
            (row.mailbox, row.folder): Reached(row.uidvalidity, row.uid, row.modseq, row.passed_over, row.synced_at)
            for row in self._session.exec(select(CursorRow))
        }
