"""Find everything that the ledger knows of one person, for `export` and `erase`."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select as core_select
from sqlmodel import Session, col, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.database import (
    adapter_of,
    decrypt_event,
    decrypt_value,
    event_adapter,
    place,
)
from followupd.adapters.storage.gift_cards import card_place
from followupd.adapters.storage.tables import CardRow, CaseRow, EventRow, LetterRow, LetterTextRow, MailRow
from followupd.domain.case import Case
from followupd.domain.events import Event
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.mail import Message

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
            "cases": [self._case_view(case) for case in known.cases],
            "mails": [self._mail_view(mail_id) for mail_id in known.mails],
            "letters": [self._letter_view(key) for key in known.letters],
            "gift_cards": [_card_view(card) for card in cards],
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
    return "[\\s-]*".join(re.escape(character) for character in characters)


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
