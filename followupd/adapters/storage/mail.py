"""Mails that came in: each kept once, wherever it lies, with the tags agents set and the marks we owe."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as core
from sqlalchemy import bindparam, func, update
from sqlmodel import Session, col, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.ingest import QUARANTINE_MARK, keep_all
from followupd.adapters.storage.lease import LeaseScope
from followupd.adapters.storage.rows import MESSAGE, OUTGOING, decrypt_value
from followupd.adapters.storage.tables import CommandRow, LetterRow, LetterTextRow, LocationRow, MailRow
from followupd.domain.mail import (
    DISMISSED_BY_AGENT,
    IncomingMail,
    Kind,
    MailState,
    PendingCommand,
    StoredMail,
    StoreResult,
    TagUpdate,
)
from followupd.errors import UnavailableError

#: robots that answer us do it within days
_ECHO_LASTS = timedelta(days=30)


# Each answer that comes in asks for the mails that it names, most of them unknown: the driver itself is asked, which costs
# a tenth.
_MAIL_NAMED = {
    "qmark": "SELECT sealed FROM mail WHERE message_id = ? LIMIT 1",
    "pyformat": "SELECT sealed FROM mail WHERE message_id = %s LIMIT 1",
}
_LETTER_NAMED = (
    core.select(col(LetterTextRow.sealed))
    .join(LetterRow, col(LetterRow.key) == col(LetterTextRow.letter_key))
    .where(col(LetterRow.message_id) == bindparam("message_id"))
)
_WANT_MARKS = (
    update(LocationRow.__table__)  # type: ignore[attr-defined]  # a table's class has one
    .where(
        col(LocationRow.mail_id).in_(
            core.select(col(MailRow.id)).where(
                col(MailRow.case_ref).in_(bindparam("refs", expanding=True)),
                col(MailRow.kind) == Kind.CUSTOMER.value,
            )
        ),
        col(LocationRow.wants) != bindparam("wished"),
    )
    .values(wants=bindparam("wished"), unmarked=True)
)


class MailStore:
    """The mails of the ledger, within one transaction."""

    def __init__(self, session: Session, vault: Vault, scope: LeaseScope) -> None:
        self._session, self._vault, self._scope = session, vault, scope

    # --- keeping ---

    def store(self, arrivals: Sequence[IncomingMail], now: datetime) -> list[StoreResult]:
        """Keep mails and their places; say of each which mail it is, which tags are news, and whether its folder is."""
        return keep_all(self._session.connection(), self._vault, arrivals, now)

    def retagged(
        self, mailbox: str, folder: str, uidvalidity: int, tags: Mapping[int, frozenset[str]]
    ) -> dict[int, frozenset[str]]:
        """Write the tags that known mails carry now; return by mail id those that are news. Unknown UIDs are left out."""
        news: dict[int, frozenset[str]] = {}
        for place in self._places(mailbox, folder, uidvalidity, tags):
            present = tags[place.uid]
            added = present - set(place.tags.split())
            if present != set(place.tags.split()):
                place.tags = " ".join(sorted(present))
                self._session.add(place)
            if added:
                news[place.mail_id] = added
        return news

    def unknown(self, mailbox: str, folder: str, uidvalidity: int, uids: Collection[int]) -> set[int]:
        """Return the UIDs of which no mail was kept, such as mails that were passed over."""
        return set(uids) - {place.uid for place in self._places(mailbox, folder, uidvalidity, uids)}

    def _places(
        self, mailbox: str, folder: str, uidvalidity: int, uids: Collection[int]
    ) -> Iterable[LocationRow]:
        query = select(LocationRow).where(
            LocationRow.mailbox == mailbox,
            LocationRow.folder == folder,
            LocationRow.uidvalidity == uidvalidity,
        )
        wanted = sorted(uids)
        for start in range(0, len(wanted), 500):  # SQLite's limit on bound values is generous, not endless
            yield from self._session.exec(query.where(col(LocationRow.uid).in_(wanted[start : start + 500])))

    def add_command(self, mail_id: int, line: str, source: str, now: datetime) -> None:
        """Put down what somebody said about a mail, for the desk."""
        self._session.add(CommandRow(mail_id=mail_id, line=line, source=source, said_at=now))

    # --- hearing ---

    def unprocessed(self, limit: int = 100) -> list[StoredMail]:
        query = select(MailRow).where(
            MailRow.state == MailState.UNPROCESSED, self._scope.covers(col(MailRow.mailbox))
        )
        return [self._kept(row) for row in self._session.exec(query.order_by(col(MailRow.id)).limit(limit))]

    def get(self, mail_id: int) -> StoredMail:
        return self._kept(self._session.get_one(MailRow, mail_id))

    def by_message_id(self, message_ids: Sequence[str]) -> StoredMail | None:
        """Return the nearest of these mails that was kept, whether or not it has a case."""
        for message_id in reversed(message_ids):
            row = self._session.exec(select(MailRow).where(MailRow.message_id == message_id).limit(1)).first()
            if row:
                return self._kept(row)
        return None

    def of_case(self, ref: str) -> list[StoredMail]:
        query = (
            select(MailRow).where(MailRow.case_ref == ref).order_by(col(MailRow.received_at), col(MailRow.id))
        )
        return [self._kept(row) for row in self._session.exec(query)]

    def in_quarantine(self) -> list[StoredMail]:
        query = select(MailRow).where(MailRow.state == MailState.QUARANTINED).order_by(col(MailRow.id))
        return [self._kept(row) for row in self._session.exec(query)]

    def count(self, state: MailState, since: datetime | None = None) -> int:
        """Count the mails in a state, all of them or those kept after a moment."""
        query = select(func.count()).select_from(MailRow).where(col(MailRow.state) == state)
        return self._session.exec(query.where(col(MailRow.kept_at) > since) if since else query).one()

    def no_complaints(self) -> list[StoredMail]:
        """Return the customers' mails without a case that an agent dismissed."""
        query = select(MailRow).where(
            MailRow.reason == DISMISSED_BY_AGENT, MailRow.kind == Kind.CUSTOMER.value
        )
        return [self._kept(row) for row in self._session.exec(query.order_by(col(MailRow.id)))]

    def mark_processed(
        self,
        mail_id: int,
        *,
        case_ref: str | None = None,
        state: MailState = MailState.PROCESSED,
        reason: str = "",
    ) -> None:
        """Write what became of a mail: which case it belongs to, or why it is in quarantine."""
        row = self._session.get_one(MailRow, mail_id)
        row.state, row.reason = state, reason
        row.case_ref = case_ref or row.case_ref
        self._session.add(row)
        self._session.flush()
        if state == MailState.QUARANTINED:
            self._want(col(LocationRow.mail_id) == mail_id, QUARANTINE_MARK)

    def pending_commands(self, limit: int = 100) -> list[PendingCommand]:
        query = (
            select(CommandRow)
            .join(MailRow, col(MailRow.id) == col(CommandRow.mail_id))
            .where(col(CommandRow.done_at).is_(None), self._scope.covers(col(MailRow.mailbox)))
            .order_by(col(CommandRow.id))
            .limit(limit)
        )
        return [
            PendingCommand(_id(r.id), r.mail_id, r.line, r.source, r.said_at)
            for r in self._session.exec(query)
        ]

    def mark_command_done(self, remark_id: int, now: datetime) -> None:
        row = self._session.get_one(CommandRow, remark_id)
        row.done_at = now
        self._session.add(row)

    def repeats(self, kept: StoredMail) -> bool:
        """Say whether the same words came before within a month, from whatever address (MAIL.md, "Loops")."""
        row = self._session.get_one(MailRow, kept.id)
        if not row.echo:
            return False
        same = select(MailRow.id).where(MailRow.echo == row.echo, col(MailRow.id) < row.id)
        recent = same.where(col(MailRow.kept_at) > row.kept_at - _ECHO_LASTS)
        return self._session.exec(recent.limit(1)).first() is not None

    def copies_of(self, message_ids: Collection[str]) -> set[str]:
        """Return those of these letters' Message-IDs under which a copy of our own lies in a mailbox."""
        query = select(MailRow.message_id).where(MailRow.kind == Kind.OWN.value)
        return set(self._session.exec(query.where(col(MailRow.message_id).in_(list(message_ids)))))

    def earlier_text(self, message_id: str) -> str:
        """Return the words of an earlier mail or letter, so that a reply's quotes are told from its new words."""
        if token := self._ask_for_mail(message_id):
            message = decrypt_value(self._vault, MESSAGE, token)
            return "\n".join(part for part in (message.text, message.signature, message.quoted) if part)
        if not self._vault.letter_key(message_id):
            return ""
        token = self._session.connection().execute(_LETTER_NAMED, {"message_id": message_id}).scalar()
        return decrypt_value(self._vault, OUTGOING, token).text if token else ""

    @cached_property
    def _ask_for_mail(self) -> Callable[[str], bytes | None]:
        """Return what asks for a mail by its Message-ID; made once a transaction, since SQLAlchemy's part is the dear one."""
        connection = self._session.connection()
        driver, asked = connection.connection.driver_connection, _MAIL_NAMED[connection.dialect.paramstyle]
        trouble: type[Exception] = connection.dialect.loaded_dbapi.OperationalError  # PEP 249

        def ask(message_id: str) -> bytes | None:
            try:
                found = driver.execute(asked, (message_id,)).fetchone()  # type: ignore[union-attr]  # both drivers have it
            except trouble as error:
                raise UnavailableError(f"the ledger does not answer: {error}") from error
            return found[0] if found else None

        return ask

    # --- marking ---

    def set_status_tags(self, ref: str, marks: Iterable[str]) -> None:
        """Say which marks the customer's mails of a case should carry; the watcher of the folder sets them."""
        mails = select(MailRow.id).where(MailRow.case_ref == ref, MailRow.kind == Kind.CUSTOMER.value)
        self._want(col(LocationRow.mail_id).in_(mails), " ".join(sorted(marks)))

    def set_status_tags_for_all(self, wanted: Mapping[str, Iterable[str]]) -> None:
        """Say for many cases which marks their customers' mails should carry."""
        alike: dict[str, list[str]] = defaultdict(list)
        for ref, marks in wanted.items():
            alike[" ".join(sorted(marks))].append(ref)
        for its_marks, refs in alike.items():
            self._session.connection().execute(_WANT_MARKS, {"refs": refs, "wished": its_marks})
        self._session.expire_all()

    def _want(self, which: object, wants: str) -> None:
        changed = update(LocationRow).where(which, col(LocationRow.wants) != wants)  # type: ignore[arg-type]  # a column expression
        self._session.connection().execute(changed.values(wants=wants, unmarked=True))
        self._session.expire_all()

    def pending_tag_updates(self, mailbox: str, folder: str, uidvalidity: int) -> list[TagUpdate]:
        query = select(LocationRow).where(
            LocationRow.mailbox == mailbox,
            LocationRow.folder == folder,
            LocationRow.uidvalidity == uidvalidity,
            col(LocationRow.unmarked).is_(True),
        )
        found = []
        for row in self._session.exec(query):
            wants, marks = set(row.wants.split()), set(row.marks.split())
            found.append(
                TagUpdate(_id(row.id), row.uid, tuple(sorted(wants - marks)), tuple(sorted(marks - wants)))
            )
        return found

    def mark_tags_updated(self, marking: TagUpdate) -> None:
        """Write that these marks are set; new wishes that came meanwhile stay wishes."""
        row = self._session.get_one(LocationRow, marking.place_id)
        row.marks = " ".join(sorted((set(row.marks.split()) | set(marking.add)) - set(marking.remove)))
        row.unmarked = row.marks != row.wants
        self._session.add(row)

    def watched(self, mailbox: str, folder: str, uidvalidity: int) -> list[int]:
        """Return the UIDs of mails of cases here: on servers without CONDSTORE their tags are swept."""
        query = (
            select(LocationRow.uid)
            .join(MailRow, col(MailRow.id) == col(LocationRow.mail_id))
            .where(
                LocationRow.mailbox == mailbox,
                LocationRow.folder == folder,
                LocationRow.uidvalidity == uidvalidity,
            )
            .where(col(MailRow.case_ref).is_not(None))
        )
        return list(self._session.exec(query))

    def copies_to_file(self, mailbox: str, folder: str, uidvalidity: int) -> list[int]:
        """Return the UIDs of copies of our own letters that lie here and belong in Sent."""
        query = (
            select(LocationRow.uid)
            .join(MailRow, col(MailRow.id) == col(LocationRow.mail_id))
            .where(
                LocationRow.mailbox == mailbox,
                LocationRow.folder == folder,
                LocationRow.uidvalidity == uidvalidity,
            )
            .where(MailRow.kind == Kind.OWN.value, MailRow.state == MailState.PROCESSED, MailRow.reason == "")
            .where(col(LocationRow.gone).is_(False))
        )
        return list(self._session.exec(query))

    def gone(self, mailbox: str, folder: str, uidvalidity: int, uids: Collection[int]) -> None:
        """Write that these mails lie here no more."""
        for place in self._places(mailbox, folder, uidvalidity, uids):
            place.gone, place.unmarked = True, False
            self._session.add(place)

    def _kept(self, row: MailRow) -> StoredMail:
        message = decrypt_value(self._vault, MESSAGE, row.sealed)
        return StoredMail(
            _id(row.id),
            row.mailbox,
            message,
            row.in_sent,
            row.received_at,
            row.case_ref,
            MailState(row.state),
            row.reason,
        )


def _id(value: int | None) -> int:
    if value is None:  # a row that was flushed has one
        raise LookupError("a row without a number")
    return value
