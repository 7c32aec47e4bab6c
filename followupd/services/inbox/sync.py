"""Mailbox to ledger: every mail once, every tag once; the mailbox is marked only after the commit."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from followupd import log
from followupd.domain.command import line_for
from followupd.domain.mail import Identity, MailLocation
from followupd.domain.records import FolderCursor, IncomingMail, StoreResult
from followupd.errors import UnavailableError
from followupd.services.inbox import poison
from followupd.services.inbox.freshness import mark_synced
from followupd.services.inbox.mailbox_updates import MailboxUpdater
from followupd.services.outbox.drafts import DraftFiler
from followupd.services.ports import FetchedMail, FolderChanges, Ledger, MailSource, SyncCursor, Transaction
from followupd.text import mail

#: the prefix of the tags that are ours; what agents say never begins with it
OUR_TAGS = "fu-"
#: system flags say nothing about a case unless the admin made one a tag
_SYSTEM = "\\"
_BLANK = re.compile(r"\s")


#: what the ledger keeps a mailbox's folders under
_FOLDERS = "folders "
#: mails in one transaction
_AT_ONCE = 500


class FolderRole(StrEnum):
    """What a folder is to us."""

    INBOX = "inbox"
    SENT = "sent"
    #: moving a mail here says a line
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Folder:
    """A watched folder. `line` is what moving a mail into a command folder says."""

    mailbox: str
    name: str
    role: FolderRole
    line: str = ""
    since: Literal["now", "all"] | date = "now"


@dataclass(frozen=True, slots=True)
class InboxSync:
    """Reads folders into the ledger."""

    ledger: Ledger
    ours: Callable[[Transaction], Identity]
    tags: Mapping[str, str]
    drafts: DraftFiler | None = None

    def sync(self, mailbox: MailSource, folder: Folder, now: datetime) -> int:
        """Bring the ledger up to date with one folder, then mark its mails; return how many mails were new."""
        reached, stumble = self._beginning(mailbox, folder, now), None
        with self.ledger.transaction() as tx:
            stumble = poison.last(tx, folder.mailbox, folder.name)
        if stumble and stumble.hopeless:
            reached, stumble = self._set_aside(folder, reached, stumble, now), None
        try:
            reached, count = self._take_in(mailbox, folder, reached, now, most=1 if stumble else _AT_ONCE)
        except UnavailableError:
            if mailbox.in_hand and not mailbox.connected:
                poison.note(self.ledger, folder.mailbox, folder.name, mailbox.in_hand, now)
            raise
        if stumble:
            with self.ledger.transaction() as tx:
                poison.forget(tx, folder.mailbox, folder.name, now)
        inbox = folder.role is FolderRole.INBOX
        MailboxUpdater(
            self.ledger, mailbox, folder.mailbox, folder.name, reached.uidvalidity, copies=inbox
        ).go(now)
        if inbox and self.drafts:
            self.drafts.sync(mailbox, folder.mailbox)
        if inbox:
            self._inbox_was_read(mailbox, folder.mailbox, now)
        elif folder.role is FolderRole.SENT:
            self.has_read(folder.mailbox, now, sent=True)
        return count

    def has_read(self, name: str, now: datetime, *, sent: bool) -> None:
        """Put down that a mailbox's inbox, or its Sent folder, was read to its end, or that there is none to read."""
        with self.ledger.transaction() as tx:
            mark_synced(tx, name, now, sent=sent)

    def _inbox_was_read(self, mailbox: MailSource, name: str, now: datetime) -> None:
        """Put down, too, which folders there are: nothing in one that is made later was there before we listened."""
        there = sorted(mailbox.folders)
        with self.ledger.transaction() as tx:
            mark_synced(tx, name, now, sent=False)
            known = tx.state.get(_FOLDERS + name)
            if known is None or known[0] != there:
                tx.state.put(_FOLDERS + name, there, now)

    def _is_made_lately(self, mailbox: MailSource, folder: Folder) -> bool:
        with self.ledger.transaction() as tx:
            known = tx.state.get(_FOLDERS + folder.mailbox)
        made = known is not None and mailbox.written(folder.name) not in known[0]
        return folder.role is FolderRole.COMMAND and made

    def _take_in(
        self, mailbox: MailSource, folder: Folder, reached: FolderCursor, now: datetime, *, most: int
    ) -> tuple[FolderCursor, int]:
        """Keep all that is new, `most` mails at a time; return how far we came, and how many mails were new."""
        count = 0
        changes = mailbox.changes(
            folder.name,
            _Cursor(reached.uidvalidity, reached.uid, reached.modseq),
            watched=self._watched(folder, reached),
            keywords=self._keywords(),
            since=reached.since,
            batch=most,
        )
        for batch in changes:
            if batch.reset and batch.cursor.uidvalidity != reached.uidvalidity:
                log.folder_renumbered(folder.mailbox, folder.name)
            reached = _moved(reached, batch.cursor, now)
            count += self._keep(mailbox, folder, batch, reached, now)
        return reached, count

    def _set_aside(
        self, folder: Folder, reached: FolderCursor, stumble: poison.FetchFailure, now: datetime
    ) -> FolderCursor:
        """Put a mail in quarantine that the server cannot hand over, and read on behind it."""
        place = MailLocation(folder.mailbox, folder.name, stumble.uidvalidity, stumble.uid)
        same = stumble.uidvalidity == reached.uidvalidity
        uid = max(reached.uid, stumble.uid) if same else stumble.uid
        modseq = reached.modseq if same else 0
        reached = replace(reached, uidvalidity=stumble.uidvalidity, uid=uid, modseq=modseq, synced_at=now)
        with self.ledger.transaction() as tx:
            tx.mail.store(
                [poison.unread(place, poison.REASON, now, in_sent=folder.role is FolderRole.SENT)], now
            )
            tx.state.set_cursor(folder.mailbox, folder.name, reached)
            poison.forget(tx, folder.mailbox, folder.name, now)
        log.quarantined(folder.mailbox, folder.name, stumble.uid, poison.REASON)
        return reached

    def _beginning(self, mailbox: MailSource, folder: Folder, now: datetime) -> FolderCursor:
        with self.ledger.transaction() as tx:
            reached = tx.state.cursor(folder.mailbox, folder.name)
        if reached:
            return reached
        cursor, passed_over = mailbox.start(
            folder.name, "all" if self._is_made_lately(mailbox, folder) else folder.since
        )
        log.folder_opened(folder.mailbox, folder.name, passed_over)
        since = now if folder.since == "now" else None  # what a renumbered folder is read again from
        reached = FolderCursor(cursor.uidvalidity, cursor.uid, cursor.modseq, passed_over, now, since)
        with self.ledger.transaction() as tx:
            tx.state.set_cursor(folder.mailbox, folder.name, reached)
        return reached

    def _watched(self, folder: Folder, reached: FolderCursor) -> list[int]:
        with self.ledger.transaction() as tx:
            return tx.mail.watched(folder.mailbox, folder.name, reached.uidvalidity)

    def _keywords(self) -> list[str]:
        """Return the tags that a server without CONDSTORE can be asked for by name."""
        return [tag for tag in self.tags if not tag.endswith("*") and not tag.startswith(_SYSTEM)]

    def _keep(
        self, mailbox: MailSource, folder: Folder, batch: FolderChanges, reached: FolderCursor, now: datetime
    ) -> int:
        """Keep one batch in one transaction: mails, tags and the cursor together, or nothing of it."""
        late = self._late(mailbox, folder, batch)
        with self.ledger.transaction() as tx:
            ours = self.ours(tx)
            arrivals = [
                self._read(folder, batch.cursor.uidvalidity, found, ours) for found in (*batch.new, *late)
            ]
            for arrival, news in zip(arrivals, tx.mail.store(arrivals, now), strict=True):
                self._heard_of(tx, folder, arrival, news, now)
            tags = {uid: self._said(flags) for uid, flags in batch.flags.items()}
            for mail_id, tagged in tx.mail.retagged(
                folder.mailbox, folder.name, batch.cursor.uidvalidity, tags
            ).items():
                self._put_down(tx, mail_id, self._lines(tagged), "tag", now)
            tx.state.set_cursor(folder.mailbox, folder.name, reached)
        if batch.new:
            log.messages_stored(folder.mailbox, folder.name, len(batch.new))
        return len(batch.new) + len(late)

    def _late(self, mailbox: MailSource, folder: Folder, batch: FolderChanges) -> list[FetchedMail]:
        """Fetch mails that were passed over and that an agent has now tagged: a person's word opens an old mail too."""
        tagged = [uid for uid, flags in batch.flags.items() if self._lines(self._said(flags))]
        if not tagged or folder.role is FolderRole.COMMAND:
            return []
        with self.ledger.transaction() as tx:
            unknown = tx.mail.unknown(folder.mailbox, folder.name, batch.cursor.uidvalidity, tagged)
        return list(mailbox.fetch(folder.name, sorted(unknown))) if unknown else []

    def _heard_of(
        self, tx: Transaction, folder: Folder, arrival: IncomingMail, news: StoreResult, now: datetime
    ) -> None:
        if arrival.message is None:
            log.quarantined(folder.mailbox, folder.name, arrival.place.uid, arrival.reason)
        self._put_down(tx, news.mail_id, self._lines(news.tags), "tag", now)
        if folder.role is FolderRole.COMMAND and news.folder:
            self._put_down(tx, news.mail_id, [folder.line], "folder", now)

    def _read(self, folder: Folder, uidvalidity: int, found: FetchedMail, ours: Identity) -> IncomingMail:
        place = MailLocation(folder.mailbox, folder.name, uidvalidity, found.uid)
        if not found.raw:
            return poison.unread(
                place, poison.UNSHOWN, found.received_at, in_sent=folder.role is FolderRole.SENT
            )
        in_sent, message, reason = folder.role is FolderRole.SENT, None, ""
        try:
            message = mail.read(found.raw, ours, in_sent=in_sent, received_at=found.received_at)
        except mail.UnreadableError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  one bad mail never stops the others
            reason = f"{type(error).__name__} while reading"
        return IncomingMail(
            place=place,
            fingerprint=hashlib.sha256(found.raw).hexdigest(),
            received_at=found.received_at,
            tags=self._said(found.flags | found.labels),
            in_sent=in_sent,
            message=message,
            reason=reason,
            raw=found.raw if message is None else None,
        )

    def _said(self, flags: Iterable[str]) -> frozenset[str]:
        return frozenset(
            _BLANK.sub("=20", flag)  # only Gmail's labels have blanks; the ledger keeps tags apart by them
            for flag in flags
            if not flag.casefold().startswith(OUR_TAGS) and (flag in self.tags or flag[:1] != _SYSTEM)
        )

    def _lines(self, tags: Iterable[str]) -> list[str]:
        """Return the lines that these tags mean, each once, in the order of the admin's table."""
        said = sorted(tags)
        found = [line_for(pattern, line, tag) for pattern, line in self.tags.items() if line for tag in said]
        return list(dict.fromkeys(line for line in found if line))

    def _put_down(
        self, tx: Transaction, mail_id: int, lines: Iterable[str], source: str, now: datetime
    ) -> None:
        for line in lines:
            tx.mail.add_command(mail_id, line, source, now)


@dataclass(frozen=True, slots=True)
class _Cursor:
    uidvalidity: int
    uid: int
    modseq: int


def _moved(reached: FolderCursor, cursor: SyncCursor, now: datetime) -> FolderCursor:
    return replace(
        reached, uidvalidity=cursor.uidvalidity, uid=cursor.uid, modseq=cursor.modseq, synced_at=now
    )
