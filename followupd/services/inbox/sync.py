"""Read a folder into the ledger, each mail and each tag once, and then change the folder.

The mailbox is changed only after the commit. Three failures in a row pause a folder for an hour; a change that drops
the connection each time is given up.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Literal

from followupd import log
from followupd.adapters.imap.mailbox import FetchedMail, FolderChanges, SyncCursor
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.command import line_for
from followupd.domain.keys import FolderCursor, StateKey, StateName
from followupd.domain.mail import (
    FROM_FOLDER,
    UNTAGGED,
    Identity,
    IncomingMail,
    Kind,
    MailLocation,
    Message,
    StoreResult,
    TagUpdate,
)
from followupd.errors import UnavailableError, UnreadableError
from followupd.services.context import MailSource
from followupd.services.outbox.policy import mark_synced, open_breaker
from followupd.services.outbox.review import DraftFiler
from followupd.services.record import STATUS_TAG_PREFIX, STATUS_TAGS

#: failures in a row after which a mail, or a change of one, is given up: a server may just have restarted
MAX_FAILURES = 3
#: time for which a folder is left alone that refuses changes
_PAUSE = timedelta(hours=1)
DROPS_CONNECTION = (
    f"the server ended the connection {MAX_FAILURES} times when it was asked for this mail; "
    "look at it in the mailbox"
)
#: the flag of mails that mail clients and we keep in Drafts
_DRAFT = "\\Draft"
NOT_RETURNED = "the server has this mail and does not return it; look at it in the mailbox"


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """The mails that were being fetched when the connection ended, and how many times in a row.

    `uid` is that of the first of them; `alone` says that it was the only one.
    """

    uidvalidity: int
    uid: int
    alone: bool
    times: int

    @property
    def exhausted(self) -> bool:
        """Whether one mail alone has dropped the connection too often."""
        return self.alone and self.times >= MAX_FAILURES


def last_failure(tx: Transaction, mailbox: str, folder: str) -> FetchFailure | None:
    """Return the failure of the last fetch from a folder, None when it succeeded."""
    stored = tx.state.value(StateKey.FETCH_FAILURE.of(mailbox, folder))
    return FetchFailure(**stored) if stored else None


def record_failure(
    ledger: Ledger, mailbox: str, folder: str, in_flight: Sequence[int], now: datetime
) -> None:
    """Record which mails were being fetched when the connection ended.

    Args:
        ledger: the ledger.
        mailbox: the name of the mailbox.
        folder: the name of the folder.
        in_flight: the UIDVALIDITY, and the UIDs that were being fetched.
        now: the time of the cycle, in UTC.
    """
    uidvalidity, *uids = in_flight
    failure = FetchFailure(uidvalidity, uids[0], alone=len(uids) == 1, times=1)

    with ledger.transaction() as tx:
        before = last_failure(tx, mailbox, folder)
        if before and replace(before, times=1) == failure:
            failure = replace(before, times=before.times + 1)
        tx.state.put(StateKey.FETCH_FAILURE.of(mailbox, folder), asdict(failure), now)


def clear_failure(tx: Transaction, mailbox: str, folder: str, now: datetime) -> None:
    """Record that a fetch succeeded, or that its mail was given up.

    Args:
        tx: the transaction.
        mailbox: an open one.
        folder: the folder.
        now: the time of the cycle, in UTC.
    """
    tx.state.put(StateKey.FETCH_FAILURE.of(mailbox, folder), None, now)


def unreadable(place: MailLocation, reason: str, now: datetime, *, in_sent: bool) -> IncomingMail:
    """Return a placeholder for a mail that the server cannot return.

    Its fingerprint is that of its location: there are no bytes to compute one from.
    """
    location = f"{place.mailbox}\n{place.folder}\n{place.uidvalidity}\n{place.uid}"
    return IncomingMail(
        place=place,
        fingerprint=hashlib.sha256(location.encode()).hexdigest(),
        received_at=now,
        tags=frozenset(),
        in_sent=in_sent,
        message=None,
        reason=reason,
    )


#: system flags begin so; they are no commands, unless the admin configured one as a tag
_SYSTEM_FLAG = "\\"
_BLANK = re.compile(r"\s")
#: lines of tags whose removal is a command too
TAKEN_BACK = frozenset({"complaint", "hold"})
#: verbs of tags that say what a mail or its case is, and stay on the mail
_STATES = frozenset(
    {"complaint", "dismiss", "hold", "promised", "owner", "playbook", "cause-code", "severity"}
)
#: why nothing is sent from a ledger that does not know a mailbox in which another one has worked
_FORGOTTEN = "the ledger has never read the mailbox {mailbox}, which has letters or tags of ours"
#: mails in one transaction
_BATCH_SIZE = 500


class FolderRole(StrEnum):
    """What a watched folder is for."""

    INBOX = "inbox"
    SENT = "sent"
    #: a mail that is moved here is a command
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Folder:
    """A watched folder; `line` is the command that a move into a command folder means."""

    mailbox: str
    name: str
    role: FolderRole
    line: str = ""
    since: Literal["now", "all"] | date = "now"

    @property
    def is_sent(self) -> bool:
        """Whether agents' replies are in this folder."""
        return self.role is FolderRole.SENT

    @property
    def is_command(self) -> bool:
        """Whether a move into this folder is a command."""
        return self.role is FolderRole.COMMAND


@dataclass(frozen=True, slots=True)
class InboxSync:
    """Reads folders into the ledger.

    `identity` returns our addresses and keys, `tags` are the admin's patterns with the command line that each
    means. `read` is `text.mail.read.read`, within a budget. `progress` is told how many mails of a folder that has
    several batches were read, and of how many.
    """

    ledger: Ledger
    identity: Callable[[Transaction], Identity]
    tags: Mapping[str, str]
    drafts: DraftFiler | None
    read: Callable[..., Message]
    progress: Callable[[int, int], None] | None = None

    def sync(self, mailbox: MailSource, folder: Folder, now: datetime) -> int:
        """Bring the ledger up to date with one folder, then change its mails; return how many mails were new.

        Raises:
            UnavailableError: the connection ended, or the server refuses the folder.
        """
        cursor = self._cursor(mailbox, folder, now)
        if folder.is_command and mailbox.is_empty(folder.name, _position(cursor)):
            return 0

        with self.ledger.transaction() as tx:
            failure = last_failure(tx, folder.mailbox, folder.name)

        if failure and failure.exhausted:
            cursor = self._skip_poison_mail(folder, cursor, failure, now)
            failure = None

        batch_size = 1 if failure else _BATCH_SIZE

        try:
            cursor, count = self._read(mailbox, folder, cursor, now, batch_size)
        except UnavailableError:
            if mailbox.in_flight and not mailbox.connected:
                record_failure(self.ledger, folder.mailbox, folder.name, mailbox.in_flight, now)
            raise

        if failure:
            with self.ledger.transaction() as tx:
                clear_failure(tx, folder.mailbox, folder.name, now)

        self._update_mailbox(mailbox, folder, cursor, now)
        self._mark_read(folder, now)
        return count

    def mark_synced(self, name: str, now: datetime, *, sent: bool) -> None:
        """Record that the inbox of a mailbox, or Sent, was read completely, or that there is no Sent."""
        with self.ledger.transaction() as tx:
            mark_synced(tx, name, now, sent=sent)

    def _update_mailbox(
        self, mailbox: MailSource, folder: Folder, cursor: FolderCursor, now: datetime
    ) -> None:
        """Apply the pending changes of the folder; with the inbox, also those of drafts.

        Args:
            mailbox: an open one.
            folder: the folder.
            cursor: how far it was read.
            now: the time of the cycle, in UTC.
        """
        is_inbox = folder.role is FolderRole.INBOX
        updater = MailboxUpdater(
            self.ledger,
            mailbox,
            folder.mailbox,
            folder.name,
            cursor.uidvalidity,
            copies=is_inbox,
            orders=folder.is_command,
        )
        updater.apply(now)
        if is_inbox and self.drafts:
            self.drafts.sync(mailbox, folder.mailbox, now, lambda flags: self._lines(self._agent_tags(flags)))

    def _mark_read(self, folder: Folder, now: datetime) -> None:
        """Record that the inbox or Sent was read."""
        if folder.role is not FolderRole.COMMAND:
            self.mark_synced(folder.mailbox, now, sent=folder.is_sent)

    # --- cursors ---

    def _cursor(self, mailbox: MailSource, folder: Folder, now: datetime) -> FolderCursor:
        """Return how far the folder was read.

        One that is opened for the first time is read from its end, or `since`.
        """
        with self.ledger.transaction() as tx:
            stored = tx.state.cursor(folder.mailbox, folder.name)

        if stored:
            return stored

        # every mail in a command folder is a command, however long it has been there
        start, skipped = mailbox.start(folder.name, "all" if folder.is_command else folder.since)
        log.folder_opened(folder.mailbox, folder.name, skipped)
        reread_since = (
            now if folder.since == "now" else None
        )  # used after the server has renumbered the mails
        cursor = FolderCursor(start.uidvalidity, start.uid, start.modseq, skipped, now, reread_since)
        cursor = replace(cursor, position=start.position)

        is_inbox = folder.role is FolderRole.INBOX
        is_known = is_inbox and mailbox.has_letters_of_ours(folder.name, STATUS_TAGS)
        with self.ledger.transaction() as tx:
            tx.state.set_cursor(folder.mailbox, folder.name, cursor)
            if is_known:
                open_breaker(tx, _FORGOTTEN.format(mailbox=folder.mailbox), now)

        return cursor

    def _skip_poison_mail(
        self, folder: Folder, cursor: FolderCursor, failure: FetchFailure, now: datetime
    ) -> FolderCursor:
        """Quarantine a mail that the server cannot return, and move the cursor after it.

        Both happen in one transaction, so that the mail is neither fetched again nor forgotten. Where the
        server has renumbered the folder since the cursor was stored, everything after the mail is looked
        for again.

        Args:
            folder: the folder.
            cursor: how far it was read.
            failure: why there is no card.
            now: the time of the cycle, in UTC.
        """
        place = MailLocation(folder.mailbox, folder.name, failure.uidvalidity, failure.uid)
        incoming = unreadable(place, DROPS_CONNECTION, now, in_sent=folder.is_sent)
        skipped = replace(cursor, uidvalidity=failure.uidvalidity, uid=failure.uid, modseq=0, synced_at=now)
        if failure.uidvalidity == cursor.uidvalidity:
            skipped = replace(skipped, uid=max(cursor.uid, failure.uid), modseq=cursor.modseq)

        with self.ledger.transaction() as tx:
            tx.mail.store([incoming], now)
            tx.state.set_cursor(folder.mailbox, folder.name, skipped)
            clear_failure(tx, folder.mailbox, folder.name, now)

        log.unreadable_mail_quarantined(folder.mailbox, folder.name, failure.uid, DROPS_CONNECTION)
        return skipped

    # --- reading ---

    def _read(
        self, mailbox: MailSource, folder: Folder, cursor: FolderCursor, now: datetime, batch_size: int
    ) -> tuple[FolderCursor, int]:
        """Store all changes, `batch_size` mails at a time.

        Args:
            mailbox: the server's mailbox.
            folder: the folder that is read.
            cursor: how far it was read.
            now: the time of the cycle, in UTC.
            batch_size: mails of one transaction.

        Returns:
            The new cursor, and how many mails were new.
        """
        with self.ledger.transaction() as tx:
            watched = tx.mail.uids_with_case(folder.mailbox, folder.name, cursor.uidvalidity)
            last = tx.mail.last_received(folder.mailbox, folder.name, cursor.uidvalidity)

        changes = mailbox.changes(
            folder.name,
            _position(cursor),
            watched=watched,
            keywords=self._keywords(),
            since=cursor.since,
            batch=batch_size,
            received_at=last,
        )
        count = 0
        was_reset = False

        for batch in changes:
            if batch.reset and not was_reset:
                self._record_reset(folder, cursor, batch, now)
            was_reset = batch.reset
            cursor = _advanced(cursor, batch.cursor, now)
            count += self._store(mailbox, folder, batch, cursor, now)
            if self.progress and (batch.left or count > len(batch.new) > 0):
                self.progress(count, count + batch.left)

        return cursor, count

    def _record_reset(
        self, folder: Folder, cursor: FolderCursor, batch: FolderChanges, now: datetime
    ) -> None:
        """Record why a folder is read again: its server has renumbered it, or put an older copy in its place.

        Args:
            folder: the folder.
            cursor: how far it was read.
            batch: the mails and changes.
            now: the time of the cycle, in UTC.
        """
        if batch.cursor.uidvalidity != cursor.uidvalidity:
            log.folder_renumbered(folder.mailbox, folder.name)
            return

        log.folder_put_back(folder.mailbox, folder.name)
        with self.ledger.transaction() as tx:
            tx.state.put(StateKey.PUT_BACK.of(folder.mailbox), folder.name, now)

    def _keywords(self) -> list[str]:
        """Return the tags that a server without CONDSTORE can be asked for by name; a pattern cannot."""
        return [tag for tag in self.tags if not tag.endswith("*")]

    def _store(
        self, mailbox: MailSource, folder: Folder, batch: FolderChanges, cursor: FolderCursor, now: datetime
    ) -> int:
        """Store one batch in one transaction: mails, commands and the cursor together.

        Args:
            mailbox: an open one.
            folder: the folder.
            batch: the mails and changes.
            cursor: how far it was read.
            now: the time of the cycle, in UTC.

        Returns:
            How many mails were new, those that an agent has tagged now included.
        """
        uidvalidity = batch.cursor.uidvalidity
        tagged_later = self._fetch_tagged(mailbox, folder, batch)

        incoming = [self._parse(folder, uidvalidity, found) for found in (*batch.new, *tagged_later)]

        with self.ledger.transaction() as tx:
            drafts = self._order_about_drafts(tx, folder, batch, incoming, now) if mailbox.drafts else []
            incoming = [arrived for arrived in incoming if arrived.place.uid not in drafts]
            for arrived, result in zip(incoming, tx.mail.store(incoming, now), strict=True):
                self._store_commands(tx, folder, arrived, result, now, is_reread=batch.reset)

            tags = {uid: self._agent_tags(flags) for uid, flags in batch.flags.items()}
            retagged = tx.mail.update_tags(folder.mailbox, folder.name, uidvalidity, tags)
            for mail_id, (new_tags, removed) in retagged.items():
                self._take_tags(tx, mail_id, new_tags, now)
                taken_back = [line for line in self._lines(removed) if line in TAKEN_BACK]
                self._add_commands(tx, mail_id, taken_back, UNTAGGED, now)
            tx.state.set_cursor(folder.mailbox, folder.name, cursor)

        for uid in drafts:
            mailbox.move(folder.name, uid, mailbox.drafts)
        if batch.new:
            log.messages_stored(folder.mailbox, folder.name, len(batch.new))

        return len(batch.new) + len(tagged_later)

    def _fetch_tagged(self, mailbox: MailSource, folder: Folder, batch: FolderChanges) -> list[FetchedMail]:
        """Fetch mails that were skipped and that an agent has tagged now: a tag makes an old mail count."""
        tagged = [uid for uid, flags in batch.flags.items() if self._lines(self._agent_tags(flags))]
        if not tagged or folder.is_command:
            return []

        with self.ledger.transaction() as tx:
            unknown = tx.mail.unknown_uids(folder.mailbox, folder.name, batch.cursor.uidvalidity, tagged)

        if not unknown:
            return []

        return list(mailbox.fetch(folder.name, sorted(unknown)))

    def _parse(self, folder: Folder, uidvalidity: int, found: FetchedMail) -> IncomingMail:
        """Parse one mail; one that cannot be parsed has the reason instead of a message.

        Its transaction ends with it: a folder must not hold the ledger while another one holds the reader.

        Raises:
            UnavailableError: the ledger does not answer.
        """
        place = MailLocation(folder.mailbox, folder.name, uidvalidity, found.uid)
        if not found.raw:
            return unreadable(place, NOT_RETURNED, found.received_at, in_sent=folder.is_sent)

        message: Message | None = None
        reason = ""

        try:
            with self.ledger.transaction() as tx:
                identity = self.identity(tx)
                message = self.read(
                    found.raw, identity, in_sent=folder.is_sent, received_at=found.received_at
                )
        except UnreadableError as error:
            reason = str(error)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  a bug that one mail triggers must not stop the others
            reason = f"{type(error).__name__} while reading"

        return IncomingMail(
            place=place,
            fingerprint=hashlib.sha256(found.raw).hexdigest(),
            received_at=found.received_at,
            tags=self._agent_tags(found.flags | found.labels),
            in_sent=folder.is_sent,
            message=message,
            reason=reason,
            raw=None if message else found.raw,
        )

    # --- commands ---

    def _store_commands(
        self,
        tx: Transaction,
        folder: Folder,
        arrived: IncomingMail,
        result: StoreResult,
        now: datetime,
        *,
        is_reread: bool,
    ) -> None:
        """Store the commands that the tags and the folder of a new mail mean.

        A mail that was moved back and moved in again is a new command; one that is there in a folder that is
        read again may be a copy from a backup, and is none (`is_reread`).

        Args:
            tx: the transaction.
            folder: the folder.
            arrived: the mails by their numbers.
            result: what was stored.
            now: the time of the cycle, in UTC.
            is_reread: whether they were read before.
        """
        if arrived.message is None:
            log.unreadable_mail_quarantined(folder.mailbox, folder.name, arrived.place.uid, arrived.reason)

        self._take_tags(tx, result.mail_id, result.tags, now)
        if folder.is_command and (result.folder or (result.returned and not is_reread)):
            self._add_commands(tx, result.mail_id, [folder.line], FROM_FOLDER, now)

    def _order_about_drafts(
        self,
        tx: Transaction,
        folder: Folder,
        batch: FolderChanges,
        incoming: Iterable[IncomingMail],
        now: datetime,
    ) -> list[int]:
        """Store the commands of drafts in a command folder, which go back to Drafts at once; return their UIDs.

        A command belongs to a mail: here that is the customer's, which the letter answers, as for a draft's tags.

        Args:
            tx: the transaction.
            folder: the folder.
            batch: the new mails and their flags.
            incoming: the same mails as they were parsed.
            now: the time of the cycle, in UTC.
        """
        if not folder.is_command or self.drafts is None:
            return []
        flagged = {found.uid for found in batch.new if _DRAFT in found.flags}
        ours = {entry.letter.message_id for entry in tx.outbox.drafts_to_update(folder.mailbox)}
        answered = {
            arrived.place.uid: self._answered_by(tx, arrived)
            for arrived in incoming
            if arrived.place.uid in flagged or (arrived.message and arrived.message.message_id in ours)
        }
        found = {uid: mail_id for uid, mail_id in answered.items() if mail_id}
        for mail_id in found.values():
            self._add_commands(tx, mail_id, [folder.line], "tag", now)
        return list(found)

    def _answered_by(self, tx: Transaction, draft: IncomingMail) -> int:
        """Return the id of the customer's newest mail in the case of a draft, 0 without a case.

        Args:
            tx: the transaction.
            draft: a mail in the folder of drafts; one that cannot be read belongs to no case.
        """
        ref = tx.cases.ref_for(draft.message.thread) if draft.message else None
        mails = [mail for mail in tx.mail.of_case(ref) if mail.message.kind is Kind.CUSTOMER] if ref else []
        return mails[-1].id if mails else 0

    def _take_tags(self, tx: Transaction, mail_id: int, tags: Iterable[str], now: datetime) -> None:
        """Store the commands that new tags mean, and remove the action tags.

        Such a tag can be set again, and is a new command then. Tags that say what a mail is stay.

        Args:
            tx: the transaction.
            mail_id: the number of the mail in the ledger.
            tags: those that are new on this mail.
            now: the time of the cycle, in UTC.
        """
        self._add_commands(tx, mail_id, self._lines(tags), "tag", now)
        done = [tag for tag in tags if any(map(_is_deed, self._lines([tag])))]
        if done:
            tx.mail.request_removal(mail_id, done)

    def _add_commands(
        self, tx: Transaction, mail_id: int, lines: Iterable[str], source: str, now: datetime
    ) -> None:
        """Store command lines, to be run in the next cycle.

        Args:
            tx: the transaction.
            mail_id: the id of the stored mail.
            lines: what was said.
            source: where it was said.
            now: the time of the cycle, in UTC.
        """
        for line in lines:
            tx.mail.add_command(mail_id, line, source, now)

    def _agent_tags(self, flags: Iterable[str]) -> frozenset[str]:
        """Return the flags that agents may have set, as the ledger stores them: separated by blanks.

        Only Gmail's labels contain blanks.
        """
        return frozenset(_BLANK.sub("=20", flag) for flag in flags if self._is_agent_tag(flag))

    def _is_agent_tag(self, flag: str) -> bool:
        """Return whether a flag may be an agent's tag: neither a status tag of ours nor a system flag."""
        if flag.casefold().startswith(STATUS_TAG_PREFIX):
            return False

        return flag in self.tags or not flag.startswith(_SYSTEM_FLAG)

    def _lines(self, tags: Iterable[str]) -> list[str]:
        """Return the command lines that these tags mean.

        Each line is returned once, in the order of the admin's table.
        """
        sorted_tags = sorted(tags)
        found: list[str] = []

        for pattern, line in self.tags.items():
            if line:
                found += filter(None, [line_for(pattern, line, tag) for tag in sorted_tags])

        return list(dict.fromkeys(found))


def _is_deed(line: str) -> bool:
    """Return whether a tag's line says what was done, and not what a mail or its case is."""
    return line.partition(":")[0].strip() not in _STATES


def _position(cursor: FolderCursor) -> SyncCursor:
    """Return how far a folder was read, as the mailbox counts."""
    return SyncCursor(cursor.uidvalidity, cursor.uid, cursor.modseq, cursor.position)


def _advanced(cursor: FolderCursor, read: SyncCursor, now: datetime) -> FolderCursor:
    """Return the cursor after a batch was read."""
    read_to = replace(cursor, uidvalidity=read.uidvalidity, uid=read.uid, modseq=read.modseq)
    return replace(read_to, position=read.position, synced_at=now)


# --- changes of the mailbox, after the commit: status tags, our copies, and mails that were moved as orders ---


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
