"""Finds everything that the ledger knows of one person, for `export` and `erase`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.rows import CASE, MESSAGE, OUTGOING, event_adapter, decrypt_value
from followupd.adapters.storage.tables import CardRow, CaseRow, EventRow, LetterRow, LetterTextRow, MailRow
from followupd.domain.case import Case
from followupd.domain.events import Event
from followupd.domain.letter import LetterKind

#: rows in memory at once while all of them are looked through
_AT_ONCE = 500


@dataclass(slots=True)
class PersonalData:
    """Which rows are about a person. `elsewhere` are cases of other customers in which the address stands too."""

    address: str
    cases: list[Case] = field(default_factory=list)
    mails: list[int] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)

    @property
    def refs(self) -> list[str]:
        return [case.ref for case in self.cases]

    @property
    def anything(self) -> bool:
        return bool(self.cases or self.mails or self.letters or self.elsewhere)


class PersonalDataStore:
    """What is known of one person, within one transaction."""

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session, self._vault = session, vault

    def of(self, address: str) -> PersonalData:
        """Look through everything: sealed words can only be searched by opening them, 10 seconds for a million mails."""
        whose = func.lower(CaseRow.customer_address) == address.lower()
        rows = self._session.exec(select(CaseRow).where(whose).order_by(col(CaseRow.opened_at)))
        known = PersonalData(address.lower(), [decrypt_value(self._vault, CASE, row.sealed) for row in rows])
        self._mails(known)
        self._letters(known)
        return known

    def _mails(self, known: PersonalData) -> None:
        names = _names([known.address])
        columns = select_columns(
            col(MailRow.id),
            col(MailRow.case_ref),
            col(MailRow.sender_address),
            col(MailRow.sealed),
            col(MailRow.raw),
        )
        for number, ref, sender, token, raw in self._session.execute(columns).yield_per(_AT_ONCE):
            named = bool(names.search(self._vault.decrypt(token)) or (raw and names.search(self._vault.decrypt(raw))))
            theirs = sender == known.address or ref in known.refs or (named and ref is None)
            if theirs:
                known.mails.append(number)
            if (named or theirs) and ref not in {None, *known.refs}:
                known.elsewhere.add(ref)

    def _letters(self, known: PersonalData) -> None:
        names = _names([known.address, *known.refs])
        columns = select_columns(
            col(LetterRow.key), col(LetterRow.case_ref), col(LetterRow.to_address), col(LetterTextRow.sealed)
        ).join(LetterTextRow, col(LetterTextRow.letter_key) == col(LetterRow.key))
        for key, ref, to, token in self._session.execute(columns).yield_per(_AT_ONCE):
            named = bool(names.search(self._vault.decrypt(token)))
            theirs = to == known.address or ref in known.refs or (named and not ref)
            if theirs:
                known.letters.append(key)
            elif named:
                known.elsewhere.add(ref)

    def history(self, ref: str) -> list[tuple[int, Event]]:
        """Return a case's history, each event with the number of its row."""
        rows = self._session.exec(
            select(EventRow).where(EventRow.case_ref == ref).order_by(col(EventRow.seq))
        )
        return [(row.id or 0, decrypt_value(self._vault, event_adapter(row.name), row.sealed)) for row in rows]

    def exported(self, known: PersonalData) -> dict[str, Any]:
        """Return all of it as JSON has it; gift codes are left out, wherever they were written down."""
        cards = [
            row
            for ref in known.refs
            for row in self._session.exec(select(CardRow).where(CardRow.case_ref == ref))
        ]
        codes = [self._vault.decrypt(row.sealed).decode() for row in cards if row.sealed]
        view = {
            "address": known.address,
            "cases": [self._case(case) for case in known.cases],
            "mails": [self._mail(number) for number in known.mails],
            "letters": [self._letter(key) for key in known.letters],
            "gift_cards": [
                {
                    "case": row.case_ref,
                    "minor": row.minor,
                    "currency": row.currency,
                    "taken_at": _moment(row.taken_at),
                }
                for row in cards
            ],
            "named_in_cases_of_others": sorted(known.elsewhere),
        }
        return _without_codes(view, codes)  # type: ignore[no-any-return]  # a dict stays one

    def _case(self, case: Case) -> dict[str, Any]:
        history = [
            {
                "event": type(event).__name__,
                **event_adapter(type(event).__name__).dump_python(event, mode="json"),
            }
            for _, event in self.history(case.ref)
        ]
        return {**CASE.dump_python(case, mode="json"), "history": history}

    def _mail(self, number: int) -> dict[str, Any]:
        row = self._session.get_one(MailRow, number)
        message = MESSAGE.dump_python(decrypt_value(self._vault, MESSAGE, row.sealed), mode="json")
        raw = self._vault.decrypt(row.raw).decode(errors="replace") if row.raw else None
        return {"case": row.case_ref, "received_at": _moment(row.received_at), "as_it_came": raw, **message}

    def _letter(self, key: str) -> dict[str, Any]:
        row = self._session.get_one(LetterRow, key)
        words = self._session.get_one(LetterTextRow, key)
        letter = OUTGOING.dump_python(decrypt_value(self._vault, OUTGOING, words.sealed), mode="json")
        hidden = {"html": None, **({"text": None} if row.kind == LetterKind.GIFT_CARD else {})}
        return {**letter, **hidden, "condition": row.condition, "sent_at": _moment(row.sent_at)}


def _moment(at: Any) -> str | None:
    return at.isoformat() if at else None


def _names(words: Iterable[str]) -> re.Pattern[bytes]:
    """Match any of the words as a whole: kim@customers.test stands neither in joakim@customers.test nor in ...test.org."""
    found = b"|".join(re.escape(word.encode()) for word in words)
    return re.compile(rb"(?<![\w.+-])(?:" + found + rb")(?![\w-]|\.\w)", re.IGNORECASE)


def _without_codes(value: Any, codes: list[str]) -> Any:
    """Put "[gift code]" wherever a code stands, also one that somebody wrote with blanks or in small letters."""
    if not codes:
        return value
    spelt = ("[\\s-]*".join(re.escape(each) for each in re.sub(r"[\s-]", "", code)) for code in codes)
    pattern = re.compile("|".join(spelt), re.IGNORECASE)

    def clean(each: Any) -> Any:
        if isinstance(each, str):
            return pattern.sub("[gift code]", each)
        if isinstance(each, dict):
            return {key: clean(inner) for key, inner in each.items()}
        return [clean(inner) for inner in each] if isinstance(each, list) else each

    return clean(value)
