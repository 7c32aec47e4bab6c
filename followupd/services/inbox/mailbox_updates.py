"""Apply pending changes to a mailbox after the commit: status tags, our copies, and mails that were moved as orders.

Three failures in a row pause a folder for an hour; a change that drops the connection each time is given up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from followupd import log
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.keys import StateKey, StateName
from followupd.domain.mail import TagUpdate
from followupd.errors import UnavailableError
from followupd.services.context import MailSource

#: failures in a row after which a mail, or a change of one, is given up: a server may just have restarted
MAX_FAILURES = 3
#: time for which a folder is left alone that refuses changes
_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _MailboxChange:
    """One change of one mail, and how its end, successful or given up, is recorded."""

    uid: int
    apply: Callable[[], object]
    mark_done: Callable[[Transaction], None]


@dataclass(frozen=True, slots=True)
class MailboxUpdater:
    """Changes the mails of one folder.

    `name` is that of the mailbox, `uidvalidity` that of the folder as it was read. With `copies`, copies of
    our letters are moved to Sent; with `orders`, mails whose order was done are moved back.
    """

    ledger: Ledger
    mailbox: MailSource
    name: str
    folder: str
    uidvalidity: int
    copies: bool
    orders: bool = False

    def apply(self, now: datetime) -> None:
        """Apply every pending change, unless the folder is paused.

        Raises:
            UnavailableError: the connection ended.
        """
        failures, failed_at = self._failures()
        if failures >= MAX_FAILURES and failed_at and now - failed_at < _PAUSE:
            return

        for change in self._pending_changes(now):
            try:
                change.apply()
            except UnavailableError as error:
                self._record_failure(change, failures + 1, error, now)
                if self.mailbox.connected:
                    return
                raise
            with self.ledger.transaction() as tx:
                change.mark_done(tx)

        if failures:
            self._store_failures(0, now)

    def _pending_changes(self, now: datetime) -> list[_MailboxChange]:
        """Return the changes that the ledger has for this folder."""
        place = (self.name, self.folder, self.uidvalidity)
        with self.ledger.transaction() as tx:
            updates = tx.mail.pending_tag_updates(*place)
            copies = tx.mail.copies_to_file(*place) if self.copies and self.mailbox.sent else []
            done = tx.mail.orders_done(*place) if self.orders else []

        changes = [
            _MailboxChange(update.uid, partial(self._set_tags, update, now), partial(_mark_tags_set, update))
            for update in updates
        ]

        for uid in copies:
            changes.append(
                _MailboxChange(uid, partial(self._move_to_sent, uid), partial(_mark_moved, place, uid))
            )

        for uid, in_sent in done:
            move = partial(self._move_back, uid, in_sent=in_sent)
            changes.append(_MailboxChange(uid, move, partial(_mark_moved, place, uid)))

        return changes

    def _set_tags(self, update: TagUpdate, now: datetime) -> None:
        """Set the status tags of a mail, and remember whether the server keeps any."""
        kept = self.mailbox.mark(self.folder, [update.uid], update.add, update.remove)
        if update.add:
            key = StateKey.NO_KEYWORDS.of(self.name)
            with self.ledger.transaction() as tx:
                if tx.state.value(key, default=False) is kept:
                    tx.state.put(key, not kept, now)

    def _move_to_sent(self, uid: int) -> None:
        """Move a copy of one of our letters to Sent."""
        self.mailbox.move(self.folder, uid, self.mailbox.sent, seen=True)

    def _move_back(self, uid: int, *, in_sent: bool) -> None:
        """Move a mail whose order was done to where it came from: a reply of ours to Sent, any other to the inbox.

        Args:
            uid: the UID of the mail in this folder.
            in_sent: it came from Sent; a mailbox without that folder gets it in the inbox.
        """
        home = self.mailbox.sent if in_sent else ""
        self.mailbox.move(self.folder, uid, home or self.mailbox.inbox)

    # --- failures ---

    def _record_failure(
        self, change: _MailboxChange, failures: int, error: UnavailableError, now: datetime
    ) -> None:
        """Count a failure.

        A refused request pauses the folder at once; after the third dropped connection the change is given
        up.
        """
        if self.mailbox.connected:
            if failures <= MAX_FAILURES:
                log.unavailable(f"{self.name}, {self.folder}", error)
            failures = max(failures, MAX_FAILURES) + 1
        elif failures >= MAX_FAILURES:
            log.flag_change_abandoned(self.name, self.folder, change.uid, failures)
            with self.ledger.transaction() as tx:
                change.mark_done(tx)

        self._store_failures(failures, now)

    def _failures(self) -> tuple[int, datetime | None]:
        """Return how many changes have failed in a row, and when the last one did."""
        with self.ledger.transaction() as tx:
            stored = tx.state.get(self._state_key)

        if stored is None:
            return 0, None

        return int(stored[0]), stored[1]

    def _store_failures(self, failures: int, now: datetime) -> None:
        """Store how many changes have failed in a row."""
        with self.ledger.transaction() as tx:
            tx.state.put(self._state_key, failures, now)

    @property
    def _state_key(self) -> StateName:
        """Where the failures of this folder are stored."""
        return StateKey.REFUSED_UPDATES.of(self.name, self.folder)


def _mark_tags_set(update: TagUpdate, tx: Transaction) -> None:
    """Record that the status tags of a mail are set."""
    tx.mail.mark_tags_updated(update)


def _mark_moved(place: tuple[str, str, int], uid: int, tx: Transaction) -> None:
    """Record that a mail is no longer in the folder."""
    tx.mail.mark_gone(*place, [uid])
