"""Stored mails: their state, where they are in the mailbox, agents' tags, and the status tags to set."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as core
from sqlalchemy import ColumnElement, bindparam, func, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.database import (
    adapter_of,
    decrypt_value,
    encrypt_value,
    place,
)
from followupd.adapters.storage.ingest import QUARANTINE_TAG, store_all
from followupd.adapters.storage.lease import LeaseScope
from followupd.adapters.storage.tables import (
    CommandRow,
    LetterRow,
    LetterTextRow,
    LocationRow,
    MailRow,
    table_of,
)
from followupd.domain.letter import Letter
from followupd.domain.mail import (
    DISMISSED_BY_AGENT,
    FROM_FOLDER,
    NOTE_DONE,
    IncomingMail,
    Kind,
    MailState,
    Message,
    PendingCommand,
    StoredMail,
    StoreResult,
    TagUpdate,
)
from followupd.errors import UnavailableError
from followupd.recovery.outcomes import Contact

#: robots that answer us do so within days
_ECHO_LASTS = timedelta(days=30)
#: mails of a sender that are looked at for their Reply-To
_MAX_OF_SENDER = 20
#: mails whose dates are compared with those of the server
_MOST_COMPARED = 5
#: values in one IN (...); see `ingest`
_MAX_VALUES = 500

# Every answer asks for the mails that it refers to, most of which are unknown. The driver's own statement
# costs a tenth.
_SELECT_MAIL_SQL = {
    "qmark": "SELECT fingerprint, sealed FROM mail WHERE message_id = ? LIMIT 1",
    "pyformat": "SELECT fingerprint, sealed FROM mail WHERE message_id = %s LIMIT 1",
}
_SELECT_LETTER = (
    core.select(col(LetterTextRow.letter_key), col(LetterTextRow.sealed))
    .join(LetterRow, col(LetterRow.key) == col(LetterTextRow.letter_key))
    .where(col(LetterRow.message_id) == bindparam("message_id"))
)
# Built once: it runs for every batch of letters.
_SET_STATUS_TAGS = (
    update(table_of(LocationRow))
    .where(
        col(LocationRow.mail_id).in_(
            core.select(col(MailRow.id)).where(
                col(MailRow.case_ref).in_(bindparam("refs", expanding=True)),
                col(MailRow.kind) == Kind.CUSTOMER.value,
            )
        ),
        col(LocationRow.wants) != bindparam("new_tags"),
    )
    .values(wants=bindparam("new_tags"), unmarked=True)
)


def _folder(mailbox: str, folder: str, uidvalidity: int) -> dict[str, str | int]:
    """Return the values of the queries within one folder."""
    return {"mailbox": mailbox, "folder": folder, "uidvalidity": uidvalidity}


def _within_folder(query: Any) -> Any:
    """Restrict a query of locations to the folder that its values name."""
    return query.where(
        col(LocationRow.mailbox) == bindparam("mailbox"),
        col(LocationRow.folder) == bindparam("folder"),
        col(LocationRow.uidvalidity) == bindparam("uidvalidity"),
    )


# Built once: each reading of a folder begins and ends with them, and to build them costs more than to run them.
_UIDS = _within_folder(select(LocationRow.uid).join(MailRow, col(MailRow.id) == col(LocationRow.mail_id)))
_UIDS_WITH_CASE = _UIDS.where(col(MailRow.case_ref).is_not(None))
_SELECT_UNMARKED = _within_folder(select(LocationRow)).where(col(LocationRow.unmarked).is_(True))
_IS_COPY = core.and_(col(MailRow.kind) == Kind.OWN.value, col(MailRow.reason) == "")
_IS_NOTE = core.and_(col(MailRow.kind) == Kind.AGENT.value, col(MailRow.reason) == NOTE_DONE)
_COPIES_TO_FILE = _UIDS.where(
    core.or_(_IS_COPY, _IS_NOTE), col(MailRow.state) == MailState.PROCESSED, col(LocationRow.gone).is_(False)
)
_EARLIER = aliased(LocationRow)
_CAME_BEFORE = select(_EARLIER.id).where(
    col(_EARLIER.mail_id) == col(LocationRow.mail_id), col(_EARLIER.id) < col(LocationRow.id)
)
_LAST_RECEIVED = (
    _within_folder(
        select(LocationRow.uid, MailRow.received_at).join(
            MailRow, col(MailRow.id) == col(LocationRow.mail_id)
        )
    )
    .where(MailRow.state != MailState.QUARANTINED)  # of the others no date is known
    .where(col(LocationRow.gone).is_(False), ~_CAME_BEFORE.exists())
    .order_by(col(LocationRow.uid).desc())
    .limit(_MOST_COMPARED)
)


class MailStore:
    """The ledger's mails, within one transaction."""

    def __init__(self, session: Session, vault: Vault, scope: LeaseScope) -> None:
        self._session = session
        self._vault = vault
        self._scope = scope

    # fetched mails and their tags

    def store(self, incoming: Sequence[IncomingMail], now: datetime) -> list[StoreResult]:
        """Store mails and their locations; a mail that is stored already gets its new location or tags only.

        Returns:
            For each mail its id, the tags that it did not have before, and whether its folder is new for it.
        """
        return store_all(self._session.connection(), self._vault, incoming, now)

    def update_tags(
        self, mailbox: str, folder: str, uidvalidity: int, tags: Mapping[int, frozenset[str]]
    ) -> dict[int, tuple[frozenset[str], frozenset[str]]]:
        """Store the tags that mails have now.

        Args:
            mailbox: the mailbox.
            folder: the folder.
            uidvalidity: its UIDVALIDITY.
            tags: all agents' tags of a mail, by UID; UIDs without a stored mail are ignored.

        Returns:
            The tags that were added and those that were removed, by mail id.
        """
        changed: dict[int, tuple[frozenset[str], frozenset[str]]] = {}
        for location in self._locations(mailbox, folder, uidvalidity, tags):
            new = tags[location.uid]
            old = set(location.tags.split())
            if new != old:
                location.tags = " ".join(sorted(new))
                self._session.add(location)
                changed[location.mail_id] = (new - old, frozenset(old - new))
        return changed

    def request_removal(self, mail_id: int, tags: Collection[str]) -> None:
        """Request that agents' tags are taken off a mail, wherever it is, like status tags of ours."""
        for location in self._session.exec(select(LocationRow).where(LocationRow.mail_id == mail_id)):
            present = set(location.tags.split()).intersection(tags)
            if present and not location.gone:
                location.marks = " ".join(sorted({*location.marks.split(), *present}))
                location.unmarked = True
                self._session.add(location)
        self._session.flush()

    def unknown_uids(self, mailbox: str, folder: str, uidvalidity: int, uids: Collection[int]) -> set[int]:
        """Return the UIDs without a stored mail, such as those of mails that were skipped."""
        return set(uids) - {row.uid for row in self._locations(mailbox, folder, uidvalidity, uids)}

    def last_received(self, mailbox: str, folder: str, uidvalidity: int) -> dict[int, datetime]:
        """Return when the last few known mails of a folder were received, by UID.

        A server that gives one of these UIDs another date was put back from a backup. Of a mail that came again only
        the first date is known.
        """
        return dict(self._session.exec(_LAST_RECEIVED, params=_folder(mailbox, folder, uidvalidity)).all())

    def customers_mails(self, since: datetime) -> dict[str, int]:
        """Return how many mails customers wrote since, by the reference of the case."""
        query = (
            select(MailRow.case_ref, func.count())
            .where(col(MailRow.case_ref).is_not(None), MailRow.kind == Kind.CUSTOMER.value)
            .where(col(MailRow.received_at) >= since)
            .group_by(col(MailRow.case_ref))
        )
        return {ref: number for ref, number in self._session.exec(query) if ref}

    def contacts(self, addresses: Collection[str], since: datetime) -> list[Contact]:
        """Return when mails of a customer came that were received since, and the case of each, oldest first."""
        known = list(map(str.lower, addresses))
        query = (
            select(MailRow.received_at, MailRow.case_ref)
            .where(col(MailRow.sender_address).in_(known), col(MailRow.received_at) > since)
            .where(MailRow.kind == Kind.CUSTOMER.value, MailRow.state == MailState.PROCESSED)
            .order_by(col(MailRow.received_at))
        )
        return [Contact(*row) for row in self._session.exec(query)]

    def mark_gone(self, mailbox: str, folder: str, uidvalidity: int, uids: Collection[int]) -> None:
        """Record that mails are no longer in a folder; no tags are set there any more.

        UIDs without a stored mail are ignored.
        """
        for location in self._locations(mailbox, folder, uidvalidity, uids):
            location.gone = True
            location.unmarked = False
            self._session.add(location)

    # processing

    def get(self, mail_id: int) -> StoredMail:
        """Return a mail by its id."""
        return self._mail(self._session.get_one(MailRow, mail_id))

    def unprocessed(self, limit: int = 100) -> list[StoredMail]:
        """Return this daemon's mails that were not processed yet, in the order in which they were stored."""
        return self._select(
            col(MailRow.state) == MailState.UNPROCESSED,
            self._scope.covers(col(MailRow.mailbox)),
            limit=limit,
        )

    def mark_processed(
        self,
        mail_id: int,
        *,
        case_ref: str | None = None,
        state: MailState = MailState.PROCESSED,
        reason: str = "",
    ) -> None:
        """Record the result of processing a mail.

        Args:
            mail_id: the mail's id.
            case_ref: the case that it belongs to; None leaves it as it is.
            state: a quarantined mail also gets its status tag.
            reason: why it belongs to no case, or is in quarantine.
        """
        row = self._session.get_one(MailRow, mail_id)
        row.state = state
        row.reason = reason
        row.case_ref = case_ref or row.case_ref
        self._session.add(row)
        self._session.flush()
        if state == MailState.QUARANTINED:
            self._request_tags(col(LocationRow.mail_id) == mail_id, QUARANTINE_TAG)

    def release(self, ref: str, address: str) -> None:
        """Have mails of this address processed again that were quarantined because they name this case."""
        query = select(MailRow).where(
            MailRow.state == MailState.QUARANTINED,
            col(MailRow.sender_address) == address.lower(),
            col(MailRow.reason).contains(ref, autoescape=True),
        )
        for row in self._session.exec(query):
            row.state, row.reason = MailState.UNPROCESSED, ""
            self._session.add(row)
        self._session.flush()

    def answers_go_to(self, sender: str) -> set[str]:
        """Return the addresses, in lower case, to which the last mails of a sender wanted their answers."""
        query = select(MailRow).where(col(MailRow.sender_address) == sender.lower())
        rows = self._session.exec(query.order_by(col(MailRow.id).desc()).limit(_MAX_OF_SENDER))
        messages = [self._mail(row).message for row in rows]
        return {message.reply_to.address.lower() for message in messages if message.reply_to}

    def change_message(self, mail_id: int, message: Message) -> None:
        """Store what a mail turned out to be, once its words were read."""
        row = self._session.get_one(MailRow, mail_id)
        row.kind = message.kind.value
        row.sender_address = message.sender.address.lower()
        row.sealed = encrypt_value(self._vault, adapter_of(Message), message, place("mail", row.fingerprint))
        self._session.add(row)
        self._session.flush()

    def by_message_id(self, message_ids: Sequence[str]) -> StoredMail | None:
        """Return the mail with the last of these Message-IDs that is stored; None when none is.

        Args:
            message_ids: with angle brackets, as References has them: the nearest one last; "" is that of no mail.
        """
        for message_id in filter(None, reversed(message_ids)):
            row = self._session.exec(select(MailRow).where(MailRow.message_id == message_id).limit(1)).first()
            if row:
                return self._mail(row)
        return None

    def of_case(self, ref: str) -> list[StoredMail]:
        """Return the mails of a case in the order in which they were received."""
        query = select(MailRow).where(MailRow.case_ref == ref)
        rows = self._session.exec(query.order_by(col(MailRow.received_at), col(MailRow.id)))
        return list(map(self._mail, rows))

    def quarantined(self) -> list[StoredMail]:
        """Return the mails in quarantine, oldest first."""
        return self._select(col(MailRow.state) == MailState.QUARANTINED)

    def quarantined_ids(self) -> list[int]:
        """Return the ids of the mails in quarantine, oldest first."""
        query = select(MailRow.id).where(MailRow.state == MailState.QUARANTINED).order_by(col(MailRow.id))
        return list(map(_id, self._session.exec(query)))

    def dismissed(self) -> list[StoredMail]:
        """Return the customers' mails without a case that an agent dismissed, as training data."""
        return self._select(
            col(MailRow.reason) == DISMISSED_BY_AGENT,
            col(MailRow.kind) == Kind.CUSTOMER.value,
        )

    def passed_over(self, reason: str, since: datetime | None) -> list[StoredMail]:
        """Return the mails that opened no case for this reason and were stored after `since`, oldest first."""
        newer = [col(MailRow.kept_at) > since] if since else []
        return self._select(col(MailRow.reason) == reason, *newer)

    def was_passed_over(self, reason: str, sender: str) -> bool:
        """Return whether a mail of this sender has opened no case for this reason."""
        query = (
            select(MailRow.id)
            .where(MailRow.sender_address == sender.lower(), MailRow.reason == reason)
            .limit(1)
        )
        return bool(sender) and self._session.exec(query).first() is not None

    def count(self, state: MailState, since: datetime | None = None) -> int:
        """Count the mails in a state, or those of them that were stored after `since`."""
        query = select(func.count()).select_from(MailRow).where(col(MailRow.state) == state)
        if since:
            query = query.where(col(MailRow.kept_at) > since)
        return self._session.exec(query).one()

    def count_by_kind(self) -> dict[str, int]:
        """Count all mails by kind."""
        query = select(MailRow.kind, func.count()).group_by(MailRow.kind)
        return {kind: number for kind, number in self._session.exec(query)}  # noqa: C416  dict() fails

    def original_of(self, mail: StoredMail) -> StoredMail | None:
        """Return the same mail that came before, through another address of ours; None if there is none.

        Some programs give all their mails the same Message-ID, so that sender and text are compared, too. Of a
        mail without one, the Date field must agree as well.
        """
        message = mail.message
        if not message.message_id and message.sent_at is None:
            return None

        query = select(MailRow).where(
            MailRow.message_id == message.message_id,
            MailRow.sender_address == message.sender.address.lower(),
            col(MailRow.id) < mail.id,
        )
        others = map(
            self._mail, self._session.exec(query.order_by(col(MailRow.id).desc()).limit(_MAX_OF_SENDER))
        )
        return next((other for other in others if _is_same(other.message, message)), None)

    def is_echo(self, mail: StoredMail) -> bool:
        """Return whether a mail with the same text came in the last 30 days (docs/mail.md, "Loops")."""
        row = self._session.get_one(MailRow, mail.id)
        if not row.echo:
            return False

        query = (
            select(MailRow.id)
            .where(
                MailRow.echo == row.echo,
                col(MailRow.id) < row.id,
                col(MailRow.kept_at) > row.kept_at - _ECHO_LASTS,
            )
            .limit(1)
        )
        return self._session.exec(query).first() is not None

    # commands by tag and folder

    def add_command(self, mail_id: int, line: str, source: str, now: datetime) -> None:
        """Store a command that an agent gave by a tag or a folder, to be executed.

        Args:
            mail_id: the mail that was tagged or moved.
            line: the command, as in a note.
            source: "tag" or "folder".
            now: the time of the command.
        """
        self._session.add(CommandRow(mail_id=mail_id, line=line, source=source, said_at=now))

    def pending_commands(self, limit: int = 100) -> list[PendingCommand]:
        """Return the commands of this daemon's mailboxes that were not executed yet, oldest first."""
        query = (
            select(CommandRow)
            .join(MailRow, col(MailRow.id) == col(CommandRow.mail_id))
            .where(col(CommandRow.done_at).is_(None), self._scope.covers(col(MailRow.mailbox)))
            .order_by(col(CommandRow.id))
            .limit(limit)
        )
        return [
            PendingCommand(_id(row.id), row.mail_id, row.line, row.source, row.said_at)
            for row in self._session.exec(query)
        ]

    def mark_command_done(self, command_id: int, now: datetime) -> None:
        """Record that a command was executed, or answered with an error."""
        row = self._session.get_one(CommandRow, command_id)
        row.done_at = now
        self._session.add(row)

    # threads

    def earlier_text(self, message_id: str) -> str:
        """Return the text of an earlier mail or letter, to recognise quotes of it; "" when it is unknown."""
        mail = self._select_sealed(message_id)
        if mail:
            fingerprint, token = mail
            message = decrypt_value(self._vault, adapter_of(Message), token, place("mail", fingerprint))
            return "\n".join(filter(None, (message.text, message.signature, message.quoted)))

        if not self._vault.letter_key(message_id):
            return ""
        letter = self._session.connection().execute(_SELECT_LETTER, {"message_id": message_id}).first()
        if letter is None:
            return ""
        key, token = letter
        return decrypt_value(self._vault, adapter_of(Letter), token, place("words", key)).text

    @cached_property
    def _select_sealed(self) -> Callable[[str], tuple[str, bytes] | None]:
        """Return a function that selects a mail's fingerprint and encrypted text by Message-ID.

        Created once in a transaction, because asking SQLAlchemy for the connection is the expensive part.
        """
        connection = self._session.connection()
        driver: Any = connection.connection.driver_connection
        statement = _SELECT_MAIL_SQL[connection.dialect.paramstyle]
        driver_error: type[Exception] = connection.dialect.loaded_dbapi.OperationalError  # PEP 249

        def select_sealed(message_id: str) -> tuple[str, bytes] | None:
            try:
                row = driver.execute(statement, (message_id,)).fetchone()
            except driver_error as error:
                raise UnavailableError(f"the ledger does not answer: {error}") from error
            return (row[0], row[1]) if row else None

        return select_sealed

    # status tags

    def set_status_tags(self, ref: str, tags: Iterable[str]) -> None:
        """Request status tags for the customer's mails of a case; the mailbox is updated after the commit."""
        mail_ids = select(MailRow.id).where(MailRow.case_ref == ref, MailRow.kind == Kind.CUSTOMER.value)
        self._request_tags(col(LocationRow.mail_id).in_(mail_ids), " ".join(sorted(tags)))

    def set_status_tags_for_all(self, tags_by_ref: Mapping[str, Iterable[str]]) -> None:
        """Request status tags for the customers' mails of many cases; one statement for each set of tags."""
        refs_by_tags: dict[str, list[str]] = defaultdict(list)
        for ref, tags in tags_by_ref.items():
            refs_by_tags[" ".join(sorted(tags))].append(ref)

        for joined_tags, refs in refs_by_tags.items():
            self._session.connection().execute(_SET_STATUS_TAGS, {"refs": refs, "new_tags": joined_tags})
        self._session.expire_all()

    def _request_tags(self, condition: ColumnElement[bool], tags: str) -> None:
        """Request status tags at the places of the mails that meet a condition and have others."""
        statement = update(LocationRow).where(condition, col(LocationRow.wants) != tags)
        self._session.connection().execute(statement.values(wants=tags, unmarked=True))
        self._session.expire_all()

    def pending_tag_updates(self, mailbox: str, folder: str, uidvalidity: int) -> list[TagUpdate]:
        """Return the mails of a folder whose status tags are not the requested ones, with what to change.

        Returns:
            One update for each mail. An update with nothing to add or remove is to be marked as done, too.
        """
        found = []
        for row in self._session.exec(_SELECT_UNMARKED, params=_folder(mailbox, folder, uidvalidity)):
            requested = set(row.wants.split())
            present = set(row.marks.split())
            add = tuple(sorted(requested - present))
            remove = tuple(sorted(present - requested))
            found.append(TagUpdate(_id(row.id), row.uid, add, remove))
        return found

    def mark_tags_updated(self, done: TagUpdate) -> None:
        """Record that status tags were changed in the mailbox; tags requested meanwhile stay pending."""
        row = self._session.get_one(LocationRow, done.place_id)
        present = (set(row.marks.split()) | set(done.add)) - set(done.remove)
        row.marks = " ".join(sorted(present))
        row.tags = " ".join(sorted(set(row.tags.split()) - set(done.remove)))
        row.unmarked = row.marks != row.wants
        self._session.add(row)

    # folders

    def uids_with_case(self, mailbox: str, folder: str, uidvalidity: int) -> list[int]:
        """Return the UIDs of the mails in a folder that belong to cases.

        On servers that do not count changes (CONDSTORE) their flags are read in every poll.
        """
        return list(self._session.exec(_UIDS_WITH_CASE, params=_folder(mailbox, folder, uidvalidity)))

    def copies_to_file(self, mailbox: str, folder: str, uidvalidity: int) -> list[int]:
        """Return the UIDs of copies of our own letters, and of notes that were done, to be moved to Sent."""
        return list(self._session.exec(_COPIES_TO_FILE, params=_folder(mailbox, folder, uidvalidity)))

    def has_copy_elsewhere(self, mail: StoredMail) -> bool:
        """Return whether a mail of ours is in Sent and, as a mail of its own, also came into the inbox."""
        query = select(MailRow.id).where(
            MailRow.message_id == mail.message.message_id,
            MailRow.mailbox == mail.mailbox,
            MailRow.kind == Kind.OWN.value,
            col(MailRow.in_sent).is_(not mail.in_sent),
        )
        return self._session.exec(query.limit(1)).first() is not None

    def orders_done(self, mailbox: str, folder: str, uidvalidity: int) -> list[tuple[int, bool]]:
        """Return the mails of a command folder whose order was done or answered: UID, and whether it is a reply."""
        orders = select(CommandRow.mail_id).where(CommandRow.source == FROM_FOLDER)
        waiting = select(CommandRow.mail_id).where(col(CommandRow.done_at).is_(None))
        query = _in_folder(select(LocationRow.uid, MailRow.in_sent), mailbox, folder, uidvalidity)
        joined = query.join(MailRow, col(MailRow.id) == col(LocationRow.mail_id)).where(
            col(LocationRow.gone).is_(False),
            col(LocationRow.mail_id).in_(orders),
            col(LocationRow.mail_id).not_in(waiting),
        )
        return [(uid, in_sent) for uid, in_sent in self._session.exec(joined)]

    def _locations(
        self, mailbox: str, folder: str, uidvalidity: int, uids: Collection[int]
    ) -> Iterable[LocationRow]:
        """Yield the stored locations with these UIDs."""
        query = _in_folder(select(LocationRow), mailbox, folder, uidvalidity)
        wanted = sorted(uids)
        for start in range(0, len(wanted), _MAX_VALUES):
            chunk = wanted[start : start + _MAX_VALUES]
            yield from self._session.exec(query.where(col(LocationRow.uid).in_(chunk)))

    # rows

    def _select(self, *conditions: ColumnElement[bool], limit: int | None = None) -> list[StoredMail]:
        """Return the mails that meet the conditions, in the order in which they were stored."""
        query = select(MailRow).where(*conditions).order_by(col(MailRow.id)).limit(limit)
        return list(map(self._mail, self._session.exec(query)))

    def _mail(self, row: MailRow) -> StoredMail:
        """Return a stored mail with its text decrypted."""
        return StoredMail(
            id=_id(row.id),
            mailbox=row.mailbox,
            message=decrypt_value(
                self._vault, adapter_of(Message), row.sealed, place("mail", row.fingerprint)
            ),
            in_sent=row.in_sent,
            received_at=row.received_at,
            case_ref=row.case_ref,
            state=MailState(row.state),
            reason=row.reason,
            fingerprint=row.fingerprint,
        )


def _in_folder(query: Any, mailbox: str, folder: str, uidvalidity: int) -> Any:
    """Restrict a query of locations to one folder."""
    return _within_folder(query).params(_folder(mailbox, folder, uidvalidity))


def _id(value: int | None) -> int:
    """Return a row's id; it is None only before the row is written."""
    if value is None:
        raise LookupError("this row was not written yet")
    return value


def _is_same(first: Message, second: Message) -> bool:
    """Return whether two mails with the same Message-ID, or without one, are copies of one mail."""
    return first.text == second.text and (bool(first.message_id) or first.sent_at == second.sent_at)
