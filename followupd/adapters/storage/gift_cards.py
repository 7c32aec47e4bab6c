"""Gift cards that are on order: placed with the decision, and due until the card has come, whatever breaks meanwhile."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, or_, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.lease import LeaseScope
from followupd.adapters.storage.tables import CardOrderRow, CardRow, CaseRow
from followupd.domain.compensation import GiftCard, GiftCardOrder, Money, StockedCard


class GiftCardStock:
    """The gift cards of the ledger, within one transaction."""

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session, self._vault = session, vault

    def add(self, code: str, money: Money, expires: datetime | None, now: datetime) -> bool:
        """Put a card in stock; False when this code was imported before, under whatever key."""
        prints = self._vault.fingerprints(code)
        if (
            self._session.exec(select(CardRow.id).where(col(CardRow.fingerprint).in_(prints))).first()
            is not None
        ):
            return False
        self._session.add(
            CardRow(
                fingerprint=prints[0],
                minor=money.minor,
                currency=money.currency,
                expires=expires,
                imported_at=now,
                sealed=self._vault.encrypt(code.strip().encode()),
            )
        )
        self._session.flush()
        return True

    def take(self, case_ref: str, n: int, money: Money, now: datetime) -> GiftCard | None:
        """Take the card of this grant: the one it already has, else one from the stock; None when none is left.

        A grant keeps its card for good (UNIQUE case and grant): a letter that failed is written again with the same.
        Only one that expired before its letter could leave goes back, and is given to nobody.
        """
        row = self._of(case_ref, n)
        if row and row.expires and row.expires <= now:
            row.case_ref = row.grant_n = None
            self._session.add(row)
            self._session.flush()
            row = None
        row = row or self._given(case_ref, n, money, now)
        if row is None:
            return None
        return GiftCard(self._vault.decrypt(row.sealed).decode(), Money(row.minor, row.currency), row.expires)

    def keep(self, case_ref: str, n: int, card: GiftCard, now: datetime) -> bool:
        """Keep a card that came for this grant; False when its code belongs to another one and must not be sent."""
        prints = self._vault.fingerprints(card.code)
        known = self._session.exec(select(CardRow).where(col(CardRow.fingerprint).in_(prints))).first()
        if known is not None:
            return (known.case_ref, known.grant_n) == (case_ref, n)
        if self._of(case_ref, n) is not None:
            return False
        self._session.add(
            CardRow(
                fingerprint=prints[0],
                minor=card.money.minor,
                currency=card.money.currency,
                expires=card.expires,
                imported_at=now,
                case_ref=case_ref,
                grant_n=n,
                taken_at=now,
                sealed=self._vault.encrypt(card.code.strip().encode()),
            )
        )
        self._session.flush()
        return True

    def _of(self, case_ref: str, n: int) -> CardRow | None:
        return self._session.exec(
            select(CardRow).where(CardRow.case_ref == case_ref, CardRow.grant_n == n)
        ).first()

    def _given(self, case_ref: str, n: int, money: Money, now: datetime) -> CardRow | None:
        """Give the grant a card from the stock, or the one that somebody else gave it at this very moment."""
        try:
            with self._session.begin_nested():
                return self._from_stock(case_ref, n, money, now)
        except IntegrityError:
            return self._of(case_ref, n)

    def _from_stock(self, case_ref: str, n: int, money: Money, now: datetime) -> CardRow | None:
        query = (
            select(CardRow)
            .where(
                CardRow.currency == money.currency,
                CardRow.minor == money.minor,
                col(CardRow.case_ref).is_(None),
            )
            .where(or_(col(CardRow.expires).is_(None), col(CardRow.expires) > now))
            .order_by(col(CardRow.expires).is_(None), col(CardRow.expires), col(CardRow.id))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self._session.exec(query).first()
        if row is None:
            return None
        taken = update(CardRow).where(col(CardRow.id) == row.id, col(CardRow.case_ref).is_(None))
        values = {"case_ref": case_ref, "grant_n": n, "taken_at": now}
        if self._session.connection().execute(taken.values(**values)).rowcount != 1:
            return None
        self._session.refresh(row)
        return row

    def all(self) -> list[StockedCard]:
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

    def in_stock(self, money: Money, now: datetime) -> int:
        query = (
            select(func.count())
            .where(
                CardRow.currency == money.currency,
                CardRow.minor == money.minor,
                col(CardRow.case_ref).is_(None),
            )
            .where(or_(col(CardRow.expires).is_(None), col(CardRow.expires) > now))
        )
        return self._session.exec(query).one()


_DUE, _DONE, _DROPPED = "due", "done", "dropped"


class GiftCardOrderStore:
    """The orders of the ledger, within one transaction."""

    def __init__(self, session: Session, scope: LeaseScope) -> None:
        self._session, self._scope = session, scope

    def place(self, case_ref: str, n: int, money: Money, now: datetime) -> None:
        """Order the card of a grant; ordered again, after a letter that came back, it is the same order."""
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

    def put_off(self, key: str, until: datetime, why: str) -> None:
        """Try again at `until`; the order stays due."""
        self._turn(key, not_before=until, why=why[:500], attempts=CardOrderRow.attempts + 1)

    def done(self, key: str) -> bool:
        """Say that the card has come; False when somebody else was faster."""
        return self._turn(key, state=_DONE, why="")

    def drop(self, key: str, why: str) -> None:
        """Give an order up because the card is not granted any more."""
        self._turn(key, state=_DROPPED, why=why)

    def _turn(self, key: str, **values: object) -> bool:
        where = (col(CardOrderRow.key) == key, col(CardOrderRow.state) == _DUE)
        result = self._session.connection().execute(update(CardOrderRow).where(*where).values(**values))
        self._session.expire_all()
        return result.rowcount == 1


def order_key(case_ref: str, n: int) -> str:
    """Return the name under which a provider knows the card of a grant: the same for every try, and no other's."""
    return f"fu{case_ref.removeprefix('FU-')}-{n}"
