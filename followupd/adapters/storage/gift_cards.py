"""The stock of imported gift cards, and the orders: each is due until its card has arrived."""

from datetime import datetime

from sqlalchemy import ColumnElement, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, or_, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.database import place
from followupd.adapters.storage.lease import LeaseScope
from followupd.adapters.storage.tables import CardOrderRow, CardRow, CaseRow
from followupd.domain.calendar import has_come
from followupd.domain.compensation import GiftCard, GiftCardOrder, Money, StockedCard

_DUE, _DONE, _CANCELLED = "due", "done", "dropped"
#: the longest reason that is stored, in characters
_REASON_LENGTH = 500


def card_place(card: CardRow) -> bytes:
    """Return where a card's code is stored: for a card of its value, whose fingerprint is the code's."""
    return place("gift_card", card.fingerprint, card.minor, card.currency)


class GiftCardStock:
    """The gift cards of the ledger, within one transaction; their codes are encrypted.

    A code is recognised by its fingerprints, whatever key it was encrypted with.
    """

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session, self._vault = session, vault

    def add(self, code: str, money: Money, expires: datetime | None, now: datetime) -> bool:
        """Import a card; return False if its code was imported before.

        `expires` is the end of its last day, None for a card that never expires.
        """
        if self._with_code(code) is not None:
            return False
        self._insert(GiftCard(code, money, expires), now)
        return True

    def assign(self, case_ref: str, n: int, money: Money, now: datetime) -> GiftCard | None:
        """Return the card of a grant: the one that it has, or else one from the stock; None if none is left.

        A grant keeps its card (a UNIQUE constraint on case and grant), so that a letter that failed is
        written again with the same code. A card that expires before its letter is sent is taken from the
        grant and never used.
        """
        row = self._of_grant(case_ref, n)
        if row and has_come(row.expires, now):
            row.case_ref = row.grant_n = None
            self._session.add(row)
            self._session.flush()
            row = None

        if row is None:
            row = self._assign_from_stock(case_ref, n, money, now)
        if row is None:
            return None
        code = self._vault.decrypt(row.sealed, card_place(row)).decode()
        return GiftCard(code, Money(row.minor, row.currency), row.expires)

    def store(self, case_ref: str, n: int, card: GiftCard, now: datetime) -> bool:
        """Store a card that a provider gave for a grant.

        Returns:
            False if its code belongs to another grant, or the grant has another card.
        """
        known = self._with_code(card.code)
        if known is not None:
            return (known.case_ref, known.grant_n) == (case_ref, n)
        if self._of_grant(case_ref, n) is not None:
            return False
        self._insert(card, now, case_ref, n)
        return True

    def all(self) -> list[StockedCard]:
        """Return all cards, without their codes, in the order in which they were imported."""
        return [
            StockedCard(
                row.id or 0,
                Money(row.minor, row.currency),
                row.expires,
                row.imported_at,
                row.case_ref,
                row.taken_at,
            )
            for row in self._session.exec(select(CardRow).order_by(col(CardRow.id)))
        ]

    def stock(self, now: datetime) -> dict[str, int]:
        """Count the cards that can be given by their value, such as "20.00 EUR"; a value that is used up has 0."""
        found: dict[str, int] = {}
        for card in self.all():
            value = f"{card.money.amount} {card.money.currency}"
            is_left = card.case_ref is None and not has_come(card.expires, now)
            found[value] = found.get(value, 0) + is_left
        return found

    def count_available(self, money: Money, now: datetime) -> int:
        """Count the cards of this value that are not assigned and not expired."""
        query = select(func.count()).select_from(CardRow).where(*_is_available(money, now))
        return self._session.exec(query).one()

    def _with_code(self, code: str) -> CardRow | None:
        """Return the card with a code, None if it is new.

        It is found by its fingerprint under any key of the ledger.
        """
        fingerprints = self._vault.fingerprints(code)
        query = select(CardRow).where(col(CardRow.fingerprint).in_(fingerprints))
        return self._session.exec(query).first()

    def _of_grant(self, case_ref: str, n: int) -> CardRow | None:
        """Return the card that a grant has, None if it has none."""
        query = select(CardRow).where(CardRow.case_ref == case_ref, CardRow.grant_n == n)
        return self._session.exec(query).first()

    def _insert(
        self, card: GiftCard, now: datetime, case_ref: str | None = None, n: int | None = None
    ) -> None:
        """Insert a card, whose code is encrypted for its row; for a grant, as one that it has."""
        row = CardRow(
            sealed=b"",
            fingerprint=self._vault.fingerprints(card.code)[0],
            minor=card.money.minor,
            currency=card.money.currency,
            expires=card.expires,
            imported_at=now,
        )
        row.sealed = self._vault.encrypt(card.code.strip().encode(), card_place(row))
        if case_ref is not None:
            row.case_ref, row.grant_n, row.taken_at = case_ref, n, now
        self._session.add(row)
        self._session.flush()

    def _assign_from_stock(self, case_ref: str, n: int, money: Money, now: datetime) -> CardRow | None:
        """Assign a card from the stock, or return the one that another transaction has just assigned."""
        try:
            with self._session.begin_nested():
                return self._take_next(case_ref, n, money, now)
        except IntegrityError:
            return self._of_grant(case_ref, n)

    def _take_next(self, case_ref: str, n: int, money: Money, now: datetime) -> CardRow | None:
        """Assign the available card that expires first."""
        query = (
            select(CardRow)
            .where(*_is_available(money, now))
            .order_by(col(CardRow.expires).is_(None), col(CardRow.expires), col(CardRow.id))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self._session.exec(query).first()
        if row is None:
            return None

        statement = update(CardRow).where(col(CardRow.id) == row.id, col(CardRow.case_ref).is_(None))
        values = {"case_ref": case_ref, "grant_n": n, "taken_at": now}
        if self._session.connection().execute(statement.values(**values)).rowcount != 1:
            return None
        self._session.refresh(row)
        return row


def _is_available(money: Money, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a card of this value that belongs to no grant and has not expired."""
    return (
        col(CardRow.currency) == money.currency,
        col(CardRow.minor) == money.minor,
        col(CardRow.case_ref).is_(None),
        or_(col(CardRow.expires).is_(None), col(CardRow.expires) > now),
    )


class GiftCardOrderStore:
    """The gift-card orders of the ledger, within one transaction."""

    def __init__(self, session: Session, scope: LeaseScope) -> None:
        self._session, self._scope = session, scope

    def place(self, case_ref: str, n: int, money: Money, now: datetime) -> None:
        """Order the card of a grant; placing the order again makes the same order due again.

        The value is that of the first time.
        """
        key = order_key(case_ref, n)
        row = self._session.get(CardOrderRow, key)
        if row is None:
            row = CardOrderRow(
                key=key,
                case_ref=case_ref,
                grant_n=n,
                minor=money.minor,
                currency=money.currency,
                state=_DUE,
                ordered_at=now,
            )

        row.state, row.not_before = _DUE, None
        self._session.add(row)
        self._session.flush()

    def due(self, now: datetime, limit: int = 20) -> list[GiftCardOrder]:
        """Return the due orders of the cases that this daemon is responsible for, oldest first."""
        query = (
            select(CardOrderRow)
            .join(CaseRow, col(CaseRow.ref) == col(CardOrderRow.case_ref), isouter=True)
            .where(CardOrderRow.state == _DUE, self._scope.covers(func.coalesce(CaseRow.mailbox, "")))
            .where(or_(col(CardOrderRow.not_before).is_(None), col(CardOrderRow.not_before) <= now))
            .order_by(col(CardOrderRow.ordered_at), col(CardOrderRow.key))
            .limit(limit)
        )
        return [
            GiftCardOrder(
                row.key, row.case_ref, row.grant_n, Money(row.minor, row.currency), row.attempts, row.why
            )
            for row in self._session.exec(query)
        ]

    def postpone(self, key: str, until: datetime, why: str) -> None:
        """Keep an order due, but not before a time, and count the attempt."""
        self._change(key, not_before=until, why=why[:_REASON_LENGTH], attempts=CardOrderRow.attempts + 1)

    def mark_done(self, key: str) -> bool:
        """Store that the card arrived; return False if that was stored before."""
        return self._change(key, state=_DONE, why="")

    def cancel(self, key: str, why: str) -> None:
        """Cancel an order whose compensation is not granted any more."""
        self._change(key, state=_CANCELLED, why=why)

    def _change(self, key: str, **values: object) -> bool:
        """Change an order that is still due."""
        where = (col(CardOrderRow.key) == key, col(CardOrderRow.state) == _DUE)
        result = self._session.connection().execute(update(CardOrderRow).where(*where).values(**values))
        self._session.expire_all()
        return result.rowcount == 1


def order_key(case_ref: str, n: int) -> str:
    """Return the provider's idempotency key for the card of a grant.

    The same for every attempt, and unique.
    """
    return f"fu{case_ref.removeprefix('FU-')}-{n}"
