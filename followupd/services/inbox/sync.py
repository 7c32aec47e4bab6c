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
from followupd.domain.mail import Ours, Place
from followupd.domain.records import Arrival, News, Reached
from followupd.errors import OutageError
from followupd.services.inbox import poison
from followupd.services.inbox.freshness import was_read
from followupd.services.inbox.mailbox_updates import Touch
from followupd.services.outbox.drafts import Drafts
from followupd.services.ports import Batch, Cursor, Fetched, Ledger, Mailbox, Work
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


class Role(StrEnum):
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
    role: Role
    line: str = ""
    since: Literal["now", "all"] | date = "now"


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads folders into the ledger."""

    ledger: Ledger
    ours: Callable[[Work], Ours]
    tags: Mapping[str, str]
    drafts: Drafts | None = None

    def sync(self, mailbox: Mailbox, folder: Folder, now: datetime) -> int:
        """Bring the ledger up to date with one folder, then mark its mails; return how many mails were new."""
        reached, stumble = self._beginning(mailbox, folder, now), None
        with self.ledger.work() as work:
            stumble = poison.last(work, folder.mailbox, folder.name)
        if stumble and stumble.hopeless:
            reached, stumble = self._set_aside(folder, reached, stumble, now), None
        try:
            reached, count = self._take_in(mailbox, folder, reached, now, most=1 if stumble else _AT_ONCE)
        except OutageError:
            if mailbox.in_hand and not mailbox.connected:
                poison.note(self.ledger, folder.mailbox, folder.name, mailbox.in_hand, now)
            raise
        if stumble:
            with self.ledger.work() as work:
                poison.forget(work, folder.mailbox, folder.name, now)
        inbox = folder.role is Role.INBOX
        Touch(self.ledger, mailbox, folder.mailbox, folder.name, reached.uidvalidity, copies=inbox).go(now)
        if inbox and self.drafts:
            self.drafts.sync(mailbox, folder.mailbox)
        if inbox:
            self._inbox_was_read(mailbox, folder.mailbox, now)
        elif folder.role is Role.SENT:
            self.has_read(folder.mailbox, now, sent=True)
        return count

    def has_read(self, name: str, now: datetime, *, sent: bool) -> None:
        """Put down that a mailbox's inbox, or its Sent folder, was read to its end, or that there is none to read."""
        with self.ledger.work() as work:
            was_read(work, name, now, sent=sent)

    def _inbox_was_read(self, mailbox: Mailbox, name: str, now: datetime) -> None:
        """Put down, too, which folders there are: nothing in one that is made later was there before we listened."""
        there = sorted(mailbox.folders)
        with self.ledger.work() as work:
            was_read(work, name, now, sent=False)
            known = work.pulse.get(_FOLDERS + name)
            if known is None or known[0] != there:
                work.pulse.put(_FOLDERS + name, there, now)

    def _is_made_lately(self, mailbox: Mailbox, folder: Folder) -> bool:
        with self.ledger.work() as work:
            known = work.pulse.get(_FOLDERS + folder.mailbox)
        made = known is not None and mailbox.written(folder.name) not in known[0]
        return folder.role is Role.COMMAND and made

    def _take_in(
        self, mailbox: Mailbox, folder: Folder, reached: Reached, now: datetime, *, most: int
    ) -> tuple[Reached, int]:
        """Keep all that is new, `most` mails at a time; return how far we came, and how many mails were new."""
        count = 0
        changes = mailbox.changes(
            folder.name, _Cursor(reached.uidvalidity, reached.uid, reached.modseq),
            watched=self._watched(folder, reached), keywords=self._keywords(), since=reached.since, batch=most,
        )  # fmt: skip
        for batch in changes:
            if batch.reset and batch.cursor.uidvalidity != reached.uidvalidity:
                log.folder_renumbered(folder.mailbox, folder.name)
            reached = _moved(reached, batch.cursor, now)
            count += self._keep(mailbox, folder, batch, reached, now)
        return reached, count

    def _set_aside(self, folder: Folder, reached: Reached, stumble: poison.Stumble, now: datetime) -> Reached:
        """Put a mail in quarantine that the server cannot hand over, and read on behind it."""
        place = Place(folder.mailbox, folder.name, stumble.uidvalidity, stumble.uid)
        same = stumble.uidvalidity == reached.uidvalidity
        uid = max(reached.uid, stumble.uid) if same else stumble.uid
        modseq = reached.modseq if same else 0
        reached = replace(reached, uidvalidity=stumble.uidvalidity, uid=uid, modseq=modseq, synced_at=now)
        with self.ledger.work() as work:
            work.mail.keep([poison.unread(place, poison.REASON, now, in_sent=folder.role is Role.SENT)], now)
            work.pulse.set_cursor(folder.mailbox, folder.name, reached)
            poison.forget(work, folder.mailbox, folder.name, now)
        log.quarantined(folder.mailbox, folder.name, stumble.uid, poison.REASON)
        return reached

    def _beginning(self, mailbox: Mailbox, folder: Folder, now: datetime) -> Reached:
        with self.ledger.work() as work:
            reached = work.pulse.cursor(folder.mailbox, folder.name)
        if reached:
            return reached
        cursor, passed_over = mailbox.start(
            folder.name, "all" if self._is_made_lately(mailbox, folder) else folder.since
        )
        log.folder_opened(folder.mailbox, folder.name, passed_over)
        since = now if folder.since == "now" else None  # what a renumbered folder is read again from
        reached = Reached(cursor.uidvalidity, cursor.uid, cursor.modseq, passed_over, now, since)
        with self.ledger.work() as work:
            work.pulse.set_cursor(folder.mailbox, folder.name, reached)
        return reached

    def _watched(self, folder: Folder, reached: Reached) -> list[int]:
        with self.ledger.work() as work:
            return work.mail.watched(folder.mailbox, folder.name, reached.uidvalidity)

    def _keywords(self) -> list[str]:
        """Return the tags that a server without CONDSTORE can be asked for by name."""
        return [tag for tag in self.tags if not tag.endswith("*") and not tag.startswith(_SYSTEM)]

    def _keep(self, mailbox: Mailbox, folder: Folder, batch: Batch, reached: Reached, now: datetime) -> int:
        """Keep one batch in one transaction: mails, tags and the cursor together, or nothing of it."""
        late = self._late(mailbox, folder, batch)
        with self.ledger.work() as work:
            ours = self.ours(work)
            arrivals = [self._read(folder, batch.cursor.uidvalidity, found, ours) for found in (*batch.new, *late)]
            for arrival, news in zip(arrivals, work.mail.keep(arrivals, now), strict=True):
                self._heard_of(work, folder, arrival, news, now)
            tags = {uid: self._said(flags) for uid, flags in batch.flags.items()}
            for mail_id, tagged in work.mail.retagged(
                folder.mailbox, folder.name, batch.cursor.uidvalidity, tags
            ).items():
                self._put_down(work, mail_id, self._lines(tagged), "tag", now)
            work.pulse.set_cursor(folder.mailbox, folder.name, reached)
        if batch.new:
            log.mails_kept(folder.mailbox, folder.name, len(batch.new))
        return len(batch.new) + len(late)

    def _late(self, mailbox: Mailbox, folder: Folder, batch: Batch) -> list[Fetched]:
        """Fetch mails that were passed over and that an agent has now tagged: a person's word opens an old mail too."""
        tagged = [uid for uid, flags in batch.flags.items() if self._lines(self._said(flags))]
        if not tagged or folder.role is Role.COMMAND:
            return []
        with self.ledger.work() as work:
            unknown = work.mail.unknown(folder.mailbox, folder.name, batch.cursor.uidvalidity, tagged)
        return list(mailbox.fetch(folder.name, sorted(unknown))) if unknown else []

    def _heard_of(self, work: Work, folder: Folder, arrival: Arrival, news: News, now: datetime) -> None:
        if arrival.message is None:
            log.quarantined(folder.mailbox, folder.name, arrival.place.uid, arrival.reason)
        self._put_down(work, news.mail_id, self._lines(news.tags), "tag", now)
        if folder.role is Role.COMMAND and news.folder:
            self._put_down(work, news.mail_id, [folder.line], "folder", now)

    def _read(self, folder: Folder, uidvalidity: int, found: Fetched, ours: Ours) -> Arrival:
        place = Place(folder.mailbox, folder.name, uidvalidity, found.uid)
        if not found.raw:
            return poison.unread(place, poison.UNSHOWN, found.received_at, in_sent=folder.role is Role.SENT)
        in_sent, message, reason = folder.role is Role.SENT, None, ""
        try:
            message = mail.read(found.raw, ours, in_sent=in_sent, received_at=found.received_at)
        except mail.UnreadableError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  one bad mail never stops the others
            reason = f"{type(error).__name__} while reading"
        return Arrival(
            place=place, fingerprint=hashlib.sha256(found.raw).hexdigest(), received_at=found.received_at,
            tags=self._said(found.flags | found.labels), in_sent=in_sent, message=message, reason=reason,
            raw=found.raw if message is None else None,
        )  # fmt: skip

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

    def _put_down(self, work: Work, mail_id: int, lines: Iterable[str], source: str, now: datetime) -> None:
        for line in lines:
            work.mail.say(mail_id, line, source, now)


@dataclass(frozen=True, slots=True)
class _Cursor:
    uidvalidity: int
    uid: int
    modseq: int


def _moved(reached: Reached, cursor: Cursor, now: datetime) -> Reached:
    return replace(reached, uidvalidity=cursor.uidvalidity, uid=cursor.uid, modseq=cursor.modseq, synced_at=now)
