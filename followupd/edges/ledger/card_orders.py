"""Gift cards that are on order: placed with the decision, and due until the card has come, whatever breaks meanwhile."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, func, or_, select

from followupd.edges.ledger.scope import Scope
from followupd.edges.tables import CardOrderRow, CaseRow
from followupd.model.compensation import Money
from followupd.model.kept import CardOrder

_DUE, _DONE, _DROPPED = "due", "done", "dropped"


class CardOrders:
    """The orders of the ledger, within one transaction."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self._session, self._scope = session, scope

    def place(self, case_ref: str, n: int, money: Money, now: datetime) -> None:
        """Order the card of a grant; ordered again, after a letter that came back, it is the same order."""
        key = order_key(case_ref, n)
        row = self._session.get(CardOrderRow, key)
        if row is None:
            row = CardOrderRow(
                key=key, case_ref=case_ref, grant_n=n, minor=money.minor, currency=money.currency, state=_DUE, ordered_at=now
            )  # fmt: skip
        row.state, row.not_before = _DUE, None
        self._session.add(row)
        self._session.flush()

    def due(self, now: datetime, limit: int = 20) -> list[CardOrder]:
        query = (
            select(CardOrderRow)
            .join(CaseRow, col(CaseRow.ref) == col(CardOrderRow.case_ref), isouter=True)
            .where(CardOrderRow.state == _DUE, self._scope.covers(func.coalesce(CaseRow.mailbox, "")))
            .where(or_(col(CardOrderRow.not_before).is_(None), col(CardOrderRow.not_before) <= now))
            .order_by(col(CardOrderRow.ordered_at), col(CardOrderRow.key))
            .limit(limit)
        )
        return [
            CardOrder(row.key, row.case_ref, row.grant_n, Money(row.minor, row.currency), row.attempts, row.why)
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
