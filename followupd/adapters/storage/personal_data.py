"""Find everything that the ledger knows of one person, for `export` and `erase`; and delete the text of old mails.

Erasing blanks texts, names and addresses. What was given and when stays for accounting, and so do the
fingerprints of mails, so that none of them is processed again.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import delete, update
from sqlalchemy import select as core_select
from sqlmodel import Session, col, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.cases import CaseStore
from followupd.adapters.storage.database import (
    adapter_of,
    decrypt_event,
    decrypt_value,
    encrypt_event,
    encrypt_value,
    event_adapter,
    place,
)
from followupd.adapters.storage.gift_cards import card_place
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
from followupd.domain.letter import Letter, LetterKind, LetterStatus
from followupd.domain.mail import Kind, MailState, Message, Person
from followupd.errors import ConflictError, FollowupdError

#: rows in memory at once while a whole table is searched
_BATCH_SIZE = 500
#: what an export has in place of a gift code
_HIDDEN_CODE = "[gift code]"
_SELECT_MAILS = core_select(
    col(MailRow.id),
    col(MailRow.case_ref),
    col(MailRow.sender_address),
    col(MailRow.sealed),
    col(MailRow.raw),
    col(MailRow.fingerprint),
)
_SELECT_LETTERS = core_select(
    col(LetterRow.key), col(LetterRow.case_ref), col(LetterRow.to_address), col(LetterTextRow.sealed)
).join(LetterTextRow, col(LetterTextRow.letter_key) == col(LetterRow.key))
#: the reason of the last events of an erased case, and of an erased mail
ERASED = "the customer's data was erased"
#: who did what the customer had done
THE_CUSTOMER = "the customer"

#: text fields of events that followupd or an agent wrote and that say nothing about the customer. All others
#: are blanked, so that a new field is blanked unless somebody adds it here
_KEPT_FIELDS = frozenset(
    {
        "agent",
        "approved_by",
        "by",
        "confirmed",
        "currency",
        "granted_by",
        "key",
        "kind",
        "language",
        "letter",
        "mailbox",
        "owner",
        "playbook",
        "ref",
        "severity",
    }
)
_FINISHED_STAGES = frozenset({Stage.CLOSED, Stage.DISMISSED})
#: letters that keep their status; all others are dropped
_FINISHED_LETTERS = (LetterStatus.SENT.value, LetterStatus.REFUSED.value, LetterStatus.DROPPED.value)

Value = TypeVar("Value")


@dataclass(slots=True)
class PersonalData:
    """Which rows are about a person. `elsewhere` are the cases of other customers that name the address."""

    #: in lower case
    address: str
    cases: list[Case] = field(default_factory=list)
    #: ids
    mails: list[int] = field(default_factory=list)
    #: keys
    letters: list[str] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)

    @property
    def refs(self) -> list[str]:
        """The references of the person's cases."""
        return [case.ref for case in self.cases]


class PersonalDataStore:
    """The data of persons, within one transaction."""

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    def find(self, address: str) -> PersonalData:
        """Search the whole ledger for a person.

        Encrypted text can only be searched after decryption, which takes ten seconds for a million mails.
        """
        query = select(CaseRow).where(CaseRow.customer_address == address.lower())
        rows = self._session.exec(query.order_by(col(CaseRow.opened_at)))
        known = PersonalData(address.lower())
        known.cases = [
            decrypt_value(self._vault, adapter_of(Case), row.sealed, place("case_file", row.ref))
            for row in rows
        ]
        self._find_mails(known)
        self._find_letters(known)
        return known

    def _find_mails(self, known: PersonalData) -> None:
        """Add the mails by the person, of the person's cases, or without a case that name the address.

        Args:
            known: with address and cases; it is changed in place. The case of another customer is added to
                `elsewhere` when one of its mails is by the person or names the address.
        """
        refs = known.refs
        pattern = _whole_words([known.address])
        for row in self._session.execute(_SELECT_MAILS).yield_per(_BATCH_SIZE):
            mail_id, ref, sender, token, raw, fingerprint = row

            sealed = (token, place("mail", fingerprint))
            is_named = self._contains(pattern, sealed, (raw, place("mail", fingerprint, column="raw")))
            is_theirs = sender == known.address or ref in refs or (is_named and ref is None)

            if is_theirs:
                known.mails.append(mail_id)
            if (is_named or is_theirs) and ref not in {None, *refs}:
                known.elsewhere.add(ref)

    def _find_letters(self, known: PersonalData) -> None:
        """Add letters to the person, letters of their cases, and letters without a case that name either.

        Args:
            known: with address and cases; it is changed in place. The case of another customer is added to
                `elsewhere` when one of its letters names the address, or a case of the person.
        """
        refs = known.refs
        pattern = _whole_words([known.address, *refs])
        for key, ref, to, token in self._session.execute(_SELECT_LETTERS).yield_per(_BATCH_SIZE):
            is_named = self._contains(pattern, (token, place("words", key)))
            if to == known.address or ref in refs or (is_named and not ref):
                known.letters.append(key)
            elif is_named:
                known.elsewhere.add(ref)

    def _contains(self, pattern: re.Pattern[bytes], *stored: tuple[bytes | None, bytes]) -> bool:
        """Return whether an encrypted text, given with its place, matches the pattern."""
        return any(pattern.search(self._vault.decrypt(token, where)) for token, where in stored if token)

    def history(self, ref: str) -> list[tuple[int, Event]]:
        """Return a case's events, each with its number."""
        query = select(EventRow).where(EventRow.case_ref == ref).order_by(col(EventRow.seq))
        rows = self._session.exec(query)
        return [(row.seq, decrypt_event(self._vault, row.name, row.sealed, ref, row.seq)) for row in rows]

    # export

    def export(self, known: PersonalData) -> dict[str, Any]:
        """Return the data as JSON has it, with gift codes hidden wherever they were written.

        Returns:
            Cases with their histories, mails, letters and gift cards of the person. Of other customers'
            cases that name the person only the references are told.
        """
        cards = self._session.exec(select(CardRow).where(col(CardRow.case_ref).in_(known.refs))).all()
        cards = sorted(cards, key=lambda card: known.refs.index(card.case_ref or ""))
        codes = [self._vault.decrypt(card.sealed, card_place(card)).decode() for card in cards if card.sealed]
        view = {
            "address": known.address,
            "cases": list(map(self._case_view, known.cases)),
            "mails": list(map(self._mail_view, known.mails)),
            "letters": list(map(self._letter_view, known.letters)),
            "gift_cards": list(map(_card_view, cards)),
            "named_in_cases_of_others": sorted(known.elsewhere),
        }
        return _hide_codes(view, codes)  # type: ignore[no-any-return]  # a dict remains one

    def _case_view(self, case: Case) -> dict[str, Any]:
        """Return a case with everything that happened in it."""
        history = [_event_view(event) for _, event in self.history(case.ref)]
        return {**adapter_of(Case).dump_python(case, mode="json"), "history": history}

    def _mail_view(self, mail_id: int) -> dict[str, Any]:
        """Return a mail as it was understood, and as it came where its bytes are kept."""
        row = self._session.get_one(MailRow, mail_id)
        message = decrypt_value(self._vault, adapter_of(Message), row.sealed, place("mail", row.fingerprint))
        raw = None
        if row.raw:
            where = place("mail", row.fingerprint, column="raw")
            raw = self._vault.decrypt(row.raw, where).decode(errors="replace")
        return {
            "case": row.case_ref,
            "received_at": _isoformat(row.received_at),
            "as_it_came": raw,
            **adapter_of(Message).dump_python(message, mode="json"),
        }

    def _letter_view(self, key: str) -> dict[str, Any]:
        """Return a letter as plain text; that of a gift card has no text, because the code is in it."""
        row = self._session.get_one(LetterRow, key)
        text_row = self._session.get_one(LetterTextRow, key)
        letter = decrypt_value(self._vault, adapter_of(Letter), text_row.sealed, place("words", key))
        view: dict[str, Any] = {
            **adapter_of(Letter).dump_python(letter, mode="json"),
            "html": None,
            "condition": row.condition,
            "sent_at": _isoformat(row.sent_at),
        }
        if row.kind == LetterKind.GIFT_CARD:
            view["text"] = None
        return view


def _event_view(event: Event) -> dict[str, Any]:
    name = type(event).__name__
    return {"event": name, **event_adapter(name).dump_python(event, mode="json")}


def _card_view(card: CardRow) -> dict[str, Any]:
    """Return a gift card without its code, which is money."""
    return {
        "case": card.case_ref,
        "minor": card.minor,
        "currency": card.currency,
        "taken_at": _isoformat(card.taken_at),
    }


def _isoformat(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _whole_words(words: Iterable[str]) -> re.Pattern[bytes]:
    """Return a pattern for any of the words as a whole.

    kim@customers.test is neither in joakim@customers.test nor in kim@customers.test.org.
    """
    alternatives = b"|".join(re.escape(word.encode()) for word in words)
    return re.compile(rb"(?<![\w.+-])(?:" + alternatives + rb")(?![\w-]|\.\w)", re.IGNORECASE)


def _hide_codes(view: Any, codes: list[str]) -> Any:
    """Replace gift codes in a JSON value, also in lower case or with other blanks and hyphens."""
    if not codes:
        return view
    pattern = re.compile("|".join(map(_any_spelling, codes)), re.IGNORECASE)
    return _map_texts(view, lambda text: pattern.sub(_HIDDEN_CODE, text))


def _any_spelling(code: str) -> str:
    """Return a pattern for a code with blanks and hyphens anywhere."""
    characters = re.sub(r"[\s-]", "", code)
    return "[\\s-]*".join(map(re.escape, characters))


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value with every text in it changed, except names.

    Args:
        value: a JSON value; keys of objects, numbers and null stay as they are.
        change: is given each text.
    """
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _map_texts(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_map_texts(item, change) for item in value]
    return value


# --- blanking ---


class StillOpenError(FollowupdError):
    """The customer has a case that is still open."""


def blank_event(event: Event, customer: Person) -> Event:
    """Return the event without texts, names and addresses; such a history still folds to its case."""
    names = {customer.name.casefold(), customer.address.casefold()} - {""}
    by_customer = "@" in event.by or event.by.casefold() in names
    return replace(_blank_fields(event), by=THE_CUSTOMER if by_customer else event.by)


def _blank_fields(value: Value) -> Value:
    """Return a dataclass with its text fields blanked; any other value as it is."""
    if not is_dataclass(value):
        return value
    changes = {field.name: _blank(field.name, getattr(value, field.name)) for field in fields(value)}
    return replace(value, **changes)  # type: ignore[type-var]  # it is a dataclass, as tested above


def _blank(name: str, value: Any) -> Any:
    """Return the value of one field, blanked. A tuple loses its texts and keeps dataclasses and numbers.

    Args:
        name: the name of the field; a few keep their text, such as states and keys.
        value: of any type that an event or a letter has.
    """
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return value if name in _KEPT_FIELDS else ""
    if isinstance(value, tuple):
        return tuple(_blank_fields(item) for item in value if is_dataclass(item) or isinstance(item, int))
    return _blank_fields(value)


def _blank_letter(letter: Letter, address: str) -> Letter:
    """Return the letter without its text; of the addressee only an agent remains."""
    to_erased = letter.to_customer or letter.to.address.lower() == address
    return replace(
        letter,
        case="",
        to=Person("") if to_erased else letter.to,
        subject="",
        text="",
        written="",
        html="",
        in_reply_to="",
        references=(),
        attachments=(),
    )


def _blank_message(message: Message) -> Message:
    """Return the mail with only what recognises answers: its sender's address, kind and Message-IDs."""
    return replace(
        message,
        sender=Person(message.sender.address),
        to=(),
        cc=(),
        subject="",
        text="",
        doubtful=(),
        between=(),
        quoted="",
        signature="",
        attachments=(),
    )


# --- retention ---


class MailRetention:
    """The ledger's old mails, within one transaction."""

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    def delete_old_text(self, after_id: int, before: datetime, limit: int) -> int | None:
        """Delete the text of old mails that belong to no case, and the raw bytes of all old mails.

        The text of a case's mails is part of its history.

        Args:
            after_id: only mails with a greater id.
            before: only mails that were stored before this time.
            limit: the most mails.

        Returns:
            The id of the last mail; None when there were none.
        """
        query = (
            select(MailRow)
            .where(col(MailRow.id) > after_id, col(MailRow.kept_at) < before)
            .order_by(col(MailRow.id))
            .limit(limit)
        )
        last_id = None
        for row in self._session.exec(query):
            last_id = row.id
            row.raw = None
            if row.case_ref is None and row.state != MailState.UNPROCESSED:
                where = place("mail", row.fingerprint)
                message = decrypt_value(self._vault, adapter_of(Message), row.sealed, where)
                row.sealed = encrypt_value(self._vault, adapter_of(Message), _blank_message(message), where)
            self._session.add(row)
        return last_id


# --- a customer's data ---


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """How much was erased; `elsewhere` are cases of other customers that still name the address."""

    cases: tuple[str, ...]
    mails: int
    letters: int
    gift_cards: int
    elsewhere: tuple[str, ...]

    def view(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


class Eraser:
    """Exports or erases the data of one person, within one transaction."""

    def __init__(self, session: Session, vault: Vault, cases: CaseStore) -> None:
        self._session = session
        self._vault = vault
        self._cases = cases
        self._personal_data = PersonalDataStore(session, vault)

    def export(self, address: str) -> dict[str, Any]:
        """Return everything that is known of a person, as JSON has it, without gift codes."""
        return self._personal_data.export(self._personal_data.find(address))

    def erase(self, address: str, by: str, now: datetime, *, even_open: bool = False) -> ErasureResult:
        """Erase a person's data.

        Args:
            address: the person's mail address.
            by: who erases it, for the history.
            now: the time, for the history.
            even_open: close open cases, and drop their unsent letters.

        Raises:
            StillOpenError: a case is open, and `even_open` is False; nothing was erased.
        """
        known = self._personal_data.find(address)
        still_open = [case.ref for case in known.cases if case.stage not in _FINISHED_STAGES]
        if still_open and not even_open:
            refs = ", ".join(still_open)
            raise StillOpenError(f"{refs} is still open; close it first, or say --even-open.")

        gift_cards = self._erase_gift_codes(known.refs)
        for key in known.letters:
            self._erase_letter(key, known.address)
        for mail_id in known.mails:
            self._erase_mail(mail_id)
        for case in known.cases:
            self._erase_case(case, by, now)
        for ref in known.elsewhere:
            self._erase_in_other_case(ref, known)

        return ErasureResult(
            cases=tuple(known.refs),
            mails=len(known.mails),
            letters=len(known.letters),
            gift_cards=gift_cards,
            elsewhere=tuple(sorted(known.elsewhere)),
        )

    def _erase_gift_codes(self, refs: Collection[str]) -> int:
        """Blank the codes that were given, and drop the orders; return the number of codes.

        A card's row stays for accounting, and its fingerprint keeps the code from being imported again.
        """
        connection = self._session.connection()
        orders = update(CardOrderRow).where(col(CardOrderRow.case_ref).in_(refs))
        connection.execute(orders.values(why=""))
        connection.execute(orders.where(col(CardOrderRow.state) == "due").values(state="dropped"))
        cards = update(CardRow).where(col(CardRow.case_ref).in_(refs))
        return connection.execute(cards.values(sealed=b"")).rowcount

    def _erase_letter(self, key: str, address: str) -> None:
        """Blank a letter, and drop it if it was not sent.

        Its key and Message-ID stay, so that it is never written again and a late copy of it is recognised.
        """
        row = self._session.get_one(LetterRow, key)
        text_row = self._session.get_one(LetterTextRow, key)
        where = place("words", key)
        letter = _blank_letter(
            decrypt_value(self._vault, adapter_of(Letter), text_row.sealed, where), address
        )

        text_row.sealed = encrypt_value(self._vault, adapter_of(Letter), letter, where)
        text_row.mail = b""
        row.reply = ""
        row.case_ref = ""
        row.to_address = letter.to.address.lower()
        row.to_domain = row.to_address.rpartition("@")[2]
        if row.condition not in _FINISHED_LETTERS:
            row.condition = LetterStatus.DROPPED.value
        self._session.add_all([row, text_row])

    def _erase_mail(self, mail_id: int) -> None:
        """Blank a mail.

        Its fingerprint and locations stay, so that a mail that is still in the mailbox is not a new
        complaint.
        """
        row = self._session.get_one(MailRow, mail_id)
        message = Message(kind=Kind(row.kind), because=ERASED)
        row.sealed = encrypt_value(self._vault, adapter_of(Message), message, place("mail", row.fingerprint))
        row.message_id = row.sender_address = row.echo = ""
        row.state = MailState.PROCESSED
        row.reason = ERASED
        row.case_ref = row.raw = None
        self._session.add(row)
        self._session.flush()

        connection = self._session.connection()
        connection.execute(delete(CommandRow).where(col(CommandRow.mail_id) == mail_id))
        locations = delete(LocationRow).where(col(LocationRow.mail_id) == mail_id)
        connection.execute(locations.where(col(LocationRow.gone).is_(True)))

    def _erase_case(self, case: Case, by: str, now: datetime) -> None:
        """Blank a case, close it if it is open, and hold it, so that no letter is sent."""
        blank = self._rewrite(case, lambda _: True)
        events: list[Event] = []
        if blank.stage is Stage.SUSPECTED:
            events.append(Dismissed(at=now, by=by, why=ERASED))
        elif blank.stage not in _FINISHED_STAGES:
            events.append(Closed(at=now, by=by, why=ERASED))
        events.append(Held(at=now, by=by, why=ERASED))
        self._cases.record(blank, events, lambda _: None, now)

    def _erase_in_other_case(self, ref: str, known: PersonalData) -> None:
        """Blank what the person wrote in another customer's case."""
        self._rewrite(self._cases.get(ref), lambda event: event.by.lower() == known.address)

    def _rewrite(self, case: Case, is_theirs: Callable[[Event], bool]) -> Case:
        """Blank events of a case's history, and store the case that the history now folds to.

        Args:
            case: the case as it was read.
            is_theirs: which events to blank.

        Raises:
            ConflictError: another process changed the case since it was read.
        """
        history = []
        for seq, event in self._personal_data.history(case.ref):
            new = event
            if is_theirs(event):
                new = blank_event(event, case.customer)
                statement = update(EventRow).where(
                    col(EventRow.case_ref) == case.ref, col(EventRow.seq) == seq
                )
                sealed = encrypt_event(self._vault, new, case.ref, seq)
                self._session.connection().execute(statement.values(sealed=sealed))
            history.append(new)

        after = replace(lifecycle.fold(history), version=case.version + 1, wake_at=case.wake_at)
        statement = (
            update(CaseRow)
            .where(col(CaseRow.ref) == case.ref, col(CaseRow.version) == case.version)
            .values(
                version=after.version,
                customer_address=after.customer.address.lower(),
                sealed=encrypt_value(self._vault, adapter_of(Case), after, place("case_file", case.ref)),
            )
        )
        if self._session.connection().execute(statement).rowcount != 1:
            raise ConflictError(f"{case.ref} was changed meanwhile")
        self._session.expire_all()
        return after
