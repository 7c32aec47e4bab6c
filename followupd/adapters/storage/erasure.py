"""Forgets a customer: words, names and addresses go; what was given, and that a mail was heard, stays."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import Engine, delete, text, update
from sqlmodel import Session, col, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.cases import CaseStore
from followupd.adapters.storage.personal_data import PersonalData, PersonalDataStore
from followupd.adapters.storage.rows import CASE, MESSAGE, OUTGOING, event_adapter, decrypt_value, encrypt_value
from followupd.adapters.storage.tables import (
    CardOrderRow,
    CardRow,
    CaseRow,
    CommandRow,
    EventRow,
    LetterRow,
    LetterTextRow,
    LocationRow,
    MailRow,
)
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.events import Closed, Dismissed, Event, Held
from followupd.domain.letter import Letter, LetterStatus
from followupd.domain.mail import Kind, MailState, Message, Person
from followupd.errors import ConflictError, FollowupdError

#: texts that the house wrote itself and that say nothing of the customer; every other text goes, also one that a field
#: of tomorrow holds
_STAYS = frozenset(
    {
        "ref",
        "mailbox",
        "playbook",
        "owner",
        "severity",
        "language",
        "key",
        "kind",
        "letter",
        "confirmed",
        "currency",
        "agent",
        "granted_by",
        "approved_by",
        "by",
    }
)
THE_CUSTOMER = "the customer"

Value = TypeVar("Value")


def forgotten(event: Event, customer: Person) -> Event:
    """Return the event without words, names and addresses; a history of such events still folds to its case."""
    names = {customer.name.casefold(), customer.address.casefold()} - {""}
    theirs = "@" in event.by or event.by.casefold() in names
    return replace(_blanked(event), by=THE_CUSTOMER if theirs else event.by)


def _blanked(value: Value) -> Value:
    if not is_dataclass(value):
        return value
    changes = {field.name: _blank(field.name, getattr(value, field.name)) for field in fields(value)}
    return replace(value, **changes)  # type: ignore[type-var]  # a dataclass, as asked above; mypy loses the instance


def _blank(name: str, value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Enum):
        return value if name in _STAYS else ""
    if isinstance(value, tuple):
        return tuple(_blanked(each) for each in value if is_dataclass(each) or isinstance(each, int))
    return _blanked(value)


class MailRetention:
    """The old mails of the ledger, within one transaction."""

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session, self._vault = session, vault

    def release_unsent(self, after: int, before: datetime, limit: int) -> int | None:
        """Let go of mails with a number above `after` that were kept before a moment; return the last number.

        What came raw goes in any case. The words go where they belong to no case: a case's words are its history.
        None says that there were no such mails.
        """
        query = (
            select(MailRow)
            .where(col(MailRow.id) > after, col(MailRow.kept_at) < before)
            .order_by(col(MailRow.id))
            .limit(limit)
        )
        last = None
        for row in self._session.exec(query):
            last = row.id
            row.raw = None
            if row.case_ref is None and row.state != MailState.UNPROCESSED:
                row.sealed = encrypt_value(
                    self._vault, MESSAGE, _without_text(decrypt_value(self._vault, MESSAGE, row.sealed))
                )
            self._session.add(row)
        return last


def _without_text(message: Message) -> Message:
    """Leave who wrote, of what kind it was, and the Message-IDs, by which answers are still told from new matters."""
    sender = Person(message.sender.address)
    return replace(
        message,
        sender=sender,
        to=(),
        cc=(),
        subject="",
        text="",
        doubtful=(),
        quoted="",
        signature="",
        attachments=(),
    )


#: why the history of a case ends, and what a mail of which only the fingerprint is left was put down for
FORGOTTEN = "the customer was forgotten"
_DONE = frozenset({Stage.CLOSED, Stage.DISMISSED})
_LEFT = (LetterStatus.SENT.value, LetterStatus.REFUSED.value, LetterStatus.DROPPED.value)


class StillOpenError(FollowupdError):
    """The customer has a case that is still open."""


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """How much was forgotten; `elsewhere` are cases of other customers that still name the address."""

    cases: tuple[str, ...]
    mails: int
    letters: int
    gift_cards: int
    elsewhere: tuple[str, ...]

    def view(self) -> dict[str, Any]:
        return asdict(self)


class Eraser:
    """Forgets one person, within one transaction."""

    def __init__(self, session: Session, vault: Vault, cases: CaseStore) -> None:
        self._session, self._vault, self._cases = session, vault, cases
        self._knowing = PersonalDataStore(session, vault)

    def export(self, address: str) -> dict[str, Any]:
        """Return everything that is known of a person, as JSON has it, without gift codes."""
        return self._knowing.exported(self._knowing.of(address))

    def forget(self, address: str, by: str, now: datetime, *, even_open: bool = False) -> ErasureResult:
        """Forget a person; an open case is closed by it.

        Raises:
            StillOpenError: a case is open, and it was not said to forget it all the same.
        """
        known = self._knowing.of(address)
        still_open = [case.ref for case in known.cases if case.stage not in _DONE]
        if still_open and not even_open:
            raise StillOpenError(
                f"{', '.join(still_open)} is still open; close it first, or say --even-open."
            )
        cards = self._forget_codes(known.refs)
        self._forget_letters(known)
        self._forget_mails(known)
        for case in known.cases:
            self._forget_case(case, by, now)
        for ref in known.elsewhere:
            self._forget_in(ref, known)
        return ErasureResult(
            tuple(known.refs), len(known.mails), len(known.letters), cards, tuple(sorted(known.elsewhere))
        )

    def _forget_codes(self, refs: Sequence[str]) -> int:
        """The row of a card that was given stays for the accounts; its fingerprint keeps the code from being used again."""
        ordered = update(CardOrderRow).where(col(CardOrderRow.case_ref).in_(refs))
        self._session.connection().execute(ordered.values(why=""))
        self._session.connection().execute(
            ordered.where(col(CardOrderRow.state) == "due").values(state="dropped")
        )
        given = update(CardRow).where(col(CardRow.case_ref).in_(refs)).values(sealed=b"")
        return self._session.connection().execute(given).rowcount

    def _forget_letters(self, known: PersonalData) -> None:
        """A letter's key and Message-ID stay: it is never written again, and its copy is known when it comes late."""
        for key in known.letters:
            row, words = self._session.get_one(LetterRow, key), self._session.get_one(LetterTextRow, key)
            letter = _letter_without_words(decrypt_value(self._vault, OUTGOING, words.sealed), known.address)
            words.sealed, words.mail = encrypt_value(self._vault, OUTGOING, letter), b""
            row.reply = row.case_ref = ""
            row.to_address = letter.to.address.lower()
            row.to_domain = row.to_address.rpartition("@")[2]
            row.condition = row.condition if row.condition in _LEFT else LetterStatus.DROPPED.value
            self._session.add_all([row, words])

    def _forget_mails(self, known: PersonalData) -> None:
        """The fingerprint stays, with where the mail lies: found again in its folder, it is no new complaint."""
        for number in known.mails:
            row = self._session.get_one(MailRow, number)
            nothing = Message(kind=Kind(row.kind), because=FORGOTTEN)
            row.message_id = row.sender_address = row.echo = ""
            row.state, row.reason, row.case_ref, row.raw = MailState.PROCESSED, FORGOTTEN, None, None
            row.sealed = encrypt_value(self._vault, MESSAGE, nothing)
            self._session.add(row)
            self._session.flush()
            self._session.connection().execute(delete(CommandRow).where(col(CommandRow.mail_id) == number))
            lies_no_more = (col(LocationRow.mail_id) == number, col(LocationRow.gone).is_(True))
            self._session.connection().execute(delete(LocationRow).where(*lies_no_more))

    def _forget_case(self, case: Case, by: str, now: datetime) -> None:
        """Blank the history, and end it: nothing more is owed to nobody, and a hold keeps every letter back."""
        after = self._rewritten(case, lambda _: True)
        ending: list[Event] = []
        if after.stage not in _DONE:
            ending.append(
                (Dismissed if after.stage is Stage.SUSPECTED else Closed)(at=now, by=by, why=FORGOTTEN)
            )
        self._cases.record(after, [*ending, Held(at=now, by=by, why=FORGOTTEN)], lambda _: None, now)

    def _forget_in(self, ref: str, known: PersonalData) -> None:
        """Blank what the person wrote in another customer's case; what others wrote there is theirs."""
        self._rewritten(self._cases.get(ref), lambda event: event.by.lower() == known.address)

    def _rewritten(self, case: Case, theirs: Callable[[Event], bool]) -> Case:
        history = []
        for number, event in self._knowing.history(case.ref):
            blank = forgotten(event, case.customer) if theirs(event) else event
            history.append(blank)
            token = encrypt_value(self._vault, event_adapter(type(blank).__name__), blank)
            self._session.connection().execute(
                update(EventRow).where(col(EventRow.id) == number).values(sealed=token)
            )
        after = replace(lifecycle.fold(history), version=case.version + 1, wake_at=case.wake_at)
        where = (col(CaseRow.ref) == case.ref, col(CaseRow.version) == case.version)
        values = {
            "version": after.version,
            "customer_address": after.customer.address,
            "sealed": encrypt_value(self._vault, CASE, after),
        }
        if self._session.connection().execute(update(CaseRow).where(*where).values(**values)).rowcount != 1:
            raise ConflictError(f"{case.ref} was changed meanwhile")
        self._session.expire_all()
        return after


def _letter_without_words(letter: Letter, address: str) -> Letter:
    """Leave what names the letter, and the agent whom a desk mail went to."""
    to = Person("") if letter.to_customer or letter.to.address.lower() == address else letter.to
    return replace(
        letter, case="", to=to, subject="", text="", html="", in_reply_to="", references=(), attachments=()
    )


def leave_no_trace(engine: Engine) -> bool:
    """Write over what was forgotten on the disk too; False when somebody reads the ledger at this moment.

    SQLite overwrites what it frees (secure_delete), once the log that it writes ahead is carried over and cut off;
    PostgreSQL frees old rows by VACUUM. Backups and the database's archives are the admin's.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.url.get_backend_name() != "sqlite":
            connection.execute(text("VACUUM"))
            return True
        raw: Any = connection.connection.driver_connection
        busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
