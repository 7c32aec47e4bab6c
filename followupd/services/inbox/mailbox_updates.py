"""Touches the mailbox, after the commit: tags of ours show where each case stands, and copies of our letters move to Sent.

A change that the server refuses, or that ends the connection again and again, is left; reading goes on meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from followupd import log
from followupd.domain.records import TagUpdate
from followupd.errors import UnavailableError
from followupd.services.inbox.poison import TRIES
from followupd.services.ports import Ledger, MailSource, Transaction

#: how long a folder is left alone that could not be changed
_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _MailboxChange:
    """One thing to do to one mail, and what is written when it is done, or given up."""

    uid: int
    do: Callable[[], object]
    put_down: Callable[[Transaction], None]


@dataclass(frozen=True, slots=True)
class MailboxUpdater:
    """Changes the mails of one folder; with `copies` it files those of our own letters."""

    ledger: Ledger
    mailbox: MailSource
    name: str
    folder: str
    uidvalidity: int
    copies: bool

    def go(self, now: datetime) -> None:
        """Make every change that is due; none for a while after three that could not be made.

        Raises:
            OutageError: the connection ended meanwhile.
        """
        times, at = self._failures()
        if times >= TRIES and at and now - at < _PAUSE:
            return
        for change in self._changes():
            try:
                change.do()
            except UnavailableError as error:
                self._failed(change, times + 1, error, now)
                if self.mailbox.connected:
                    return
                raise
            with self.ledger.transaction() as tx:
                change.put_down(tx)
        if times:
            self._count(0, now)

    def _changes(self) -> list[_MailboxChange]:
        where = (self.name, self.folder, self.uidvalidity)
        with self.ledger.transaction() as tx:
            markings = tx.mail.pending_tag_updates(*where)
            copies = tx.mail.copies_to_file(*where) if self.copies else []
        return [
            *(
                _MailboxChange(each.uid, partial(self._mark, each), partial(_marked, each))
                for each in markings
            ),
            *(_MailboxChange(uid, partial(self._file, uid), partial(_gone, where, uid)) for uid in copies),
        ]

    def _mark(self, marking: TagUpdate) -> None:
        self.mailbox.mark(self.folder, [marking.uid], marking.add, marking.remove)

    def _file(self, uid: int) -> None:
        self.mailbox.move(self.folder, uid, self.mailbox.sent, seen=True)

    def _failed(self, change: _MailboxChange, times: int, error: UnavailableError, now: datetime) -> None:
        """Count what failed; the third time in a row the change is given up, and a refusal is asked for again later."""
        if self.mailbox.connected:
            if times <= TRIES:
                log.unavailable(f"{self.name}, {self.folder}", error)
            times = max(times, TRIES) + 1
        elif times >= TRIES:
            log.flag_change_abandoned(self.name, self.folder, change.uid, times)
            with self.ledger.transaction() as tx:
                change.put_down(tx)
        self._count(times, now)

    def _failures(self) -> tuple[int, datetime | None]:
        """Return how many changes failed in a row, and when the last one did."""
        with self.ledger.transaction() as tx:
            found = tx.state.get(self._key)
        return (int(found[0]), found[1]) if found else (0, None)

    def _count(self, times: int, now: datetime) -> None:
        with self.ledger.transaction() as tx:
            tx.state.put(self._key, times, now)

    @property
    def _key(self) -> str:
        return f"touch {self.name}/{self.folder}"


def _marked(marking: TagUpdate, tx: Transaction) -> None:
    tx.mail.mark_tags_updated(marking)


def _gone(where: tuple[str, str, int], uid: int, tx: Transaction) -> None:
    tx.mail.gone(*where, [uid])
