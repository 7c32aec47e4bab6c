"""Lets the words of old mails go once their time is over; that they were heard, and by which names, stays."""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from followupd.edges.ledger.sealed import MESSAGE, opened, sealed
from followupd.edges.seal import Seal
from followupd.edges.tables import MailRow
from followupd.model.kept import UNHEARD
from followupd.model.message import Message, Person


class Ageing:
    """The old mails of the ledger, within one transaction."""

    def __init__(self, session: Session, seal: Seal) -> None:
        self._session, self._seal = session, seal

    def let_go(self, after: int, before: datetime, limit: int) -> int | None:
        """Let go of mails with a number above `after` that were kept before a moment; return the last number.

        What came raw goes in any case. The words go where they belong to no case: a case's words are its history.
        None says that there were no such mails.
        """
        query = (
            select(MailRow).where(col(MailRow.id) > after, col(MailRow.kept_at) < before)
            .order_by(col(MailRow.id)).limit(limit)
        )  # fmt: skip
        last = None
        for row in self._session.exec(query):
            last = row.id
            row.raw = None
            if row.case_ref is None and row.state != UNHEARD:
                row.sealed = sealed(self._seal, MESSAGE, _without_words(opened(self._seal, MESSAGE, row.sealed)))
            self._session.add(row)
        return last


def _without_words(message: Message) -> Message:
    """Leave who wrote, of what kind it was, and the Message-IDs, by which answers are still told from new matters."""
    sender = Person(message.sender.address)
    return replace(
        message, sender=sender, to=(), cc=(), subject="", text="", doubtful=(), quoted="", signature="", attachments=()
    )
