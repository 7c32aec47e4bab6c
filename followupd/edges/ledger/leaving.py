"""Letters by the handful: those that may leave, claimed, given back and put down in few statements, whatever their number."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, Executable, Table, bindparam, case, func, or_, select, text, update
from sqlmodel import Session

from followupd.edges.ledger.scope import Scope
from followupd.edges.ledger.sealed import OUTGOING, opened
from followupd.edges.seal import Seal
from followupd.edges.tables import LetterRow
from followupd.model.kept import LetterState
from followupd.model.outgoing import Condition, Draft

#: conditions from which a letter may be claimed
MAY_LEAVE = (Condition.READY.value, Condition.DEFERRED.value)
#: letters that left, or may have
GONE = (Condition.SENT.value, Condition.LEAVING.value, Condition.DOUBT.value)
# Made once, since making a statement costs more than running it; a table's own columns come without the unit of work.
_LETTER: Table = LetterRow.__table__  # type: ignore[attr-defined]  # a table's class has one
_NAMED = _LETTER.c.key.in_(bindparam("keys", expanding=True))
_READY = (
    select(_LETTER)
    .where(_LETTER.c.condition.in_(MAY_LEAVE))
    .where(or_(_LETTER.c.not_before.is_(None), _LETTER.c.not_before <= bindparam("now")))
    .order_by(_LETTER.c.written_at, _LETTER.c.key)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_FREE = select(_LETTER.c.key).where(_NAMED, _LETTER.c.condition.in_(MAY_LEAVE)).with_for_update(skip_locked=True)
_CLAIM = (
    update(_LETTER)
    .where(_LETTER.c.key.in_(_FREE.scalar_subquery()))
    .values(condition=Condition.LEAVING.value, leaving_at=bindparam("now"), attempts=_LETTER.c.attempts + 1)
    .returning(_LETTER.c.key)
)
_PUT_DOWN_AS_SENT = (
    update(_LETTER)
    .where(_LETTER.c.key == bindparam("its_key"), _LETTER.c.condition == Condition.LEAVING.value)
    .values(condition=Condition.SENT.value, reply=bindparam("said"), sent_at=bindparam("at"), not_before=None)
)
_TRIED = case((_LETTER.c.attempts > 1, Condition.DEFERRED.value), else_=Condition.READY.value)
_GIVE_BACK = (
    update(_LETTER)
    .where(_NAMED, _LETTER.c.condition == Condition.LEAVING.value)
    .values(condition=_TRIED, attempts=_LETTER.c.attempts - 1)
)
_TO = select(_LETTER.c.to_address).where(
    _LETTER.c.automatic.is_(True), _LETTER.c.condition.in_(GONE), _LETTER.c.leaving_at > bindparam("since")
)
_ALONE = text("SELECT pg_advisory_xact_lock(:number)")
#: any number that nobody else's advisory lock uses; it spells "claiming" in ASCII
_CLAIMING = int.from_bytes(b"claiming", "big") >> 1
_TO_THESE = _TO.where(_LETTER.c.to_address.in_(bindparam("addresses", expanding=True))).distinct()


class Leaving:
    """The letters of the ledger that leave, within one transaction."""

    def __init__(self, session: Session, seal: Seal, scope: Scope) -> None:
        self._session, self._seal, self._scope = session, seal, scope

    def may_leave(self, now: datetime, limit: int = 50) -> list[LetterState]:
        """Return letters that may leave now, in the order they were written. PostgreSQL skips rows others hold."""
        ours = _READY.where(self._scope.covers(_LETTER.c.mailbox))
        return [self._state(row) for row in self._run(ours, {"now": now, "most": limit})]

    def in_hand(self, condition: Condition) -> list[LetterState]:
        """Return the letters in a condition that are ours to see to."""
        query = select(_LETTER).where(_LETTER.c.condition == condition.value)
        ours = query.where(self._scope.covers(_LETTER.c.mailbox)).order_by(_LETTER.c.written_at, _LETTER.c.key)
        return [self._state(row) for row in self._run(ours, {})]

    def copies_come(self, mailbox: str, since: datetime) -> bool:
        """Say whether a copy of any letter of this mailbox that left since then has come back."""
        one = select(_LETTER.c.key).where(_LETTER.c.mailbox == mailbox, _LETTER.c.witnessed_at.is_not(None))
        return self._run(one.where(_LETTER.c.leaving_at > since).limit(1), {}).first() is not None

    def one_at_a_time(self) -> None:
        """Let no other daemon claim until this transaction ends: budgets and breaker count what all of them claim.

        On SQLite every transaction is alone.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            self._run(_ALONE, {"number": _CLAIMING})

    def claim_all(self, keys: Collection[str], now: datetime) -> set[str]:
        """Take letters for leaving; return those that nobody else took first. Commit before the post sees one."""
        return set(self._run(_CLAIM, {"keys": list(keys), "now": now}).scalars())

    def give_back(self, keys: Collection[str]) -> None:
        """Let letters wait again that were claimed and that the post never saw."""
        if keys:
            self._run(_GIVE_BACK, {"keys": list(keys)})

    def sent_all(self, replies: Sequence[tuple[str, str]], now: datetime) -> bool:
        """Write of letters on their way, each with the server's words, that they left; False when one was not on its way."""
        rows = [{"its_key": key, "said": reply[:500], "at": now} for key, reply in replies]
        return bool(self._run(_PUT_DOWN_AS_SENT, rows).rowcount == len(rows))

    def had_mail(self, addresses: Collection[str], since: datetime) -> set[str]:
        """Return those of these addresses for which automatic letters left since then."""
        return set(self._run(_TO_THESE, {"addresses": list(addresses), "since": since}).scalars())

    def domains(self, since: datetime) -> Counter[str]:
        """Count the automatic letters that left since then by the domain that they went to."""
        return Counter(address.rpartition("@")[2] for address in self._run(_TO, {"since": since}).scalars())

    def left_since(self, since: datetime) -> int:
        """Return how many letters of any kind were handed to the post since then, for the breaker."""
        left = select(func.count()).where(_LETTER.c.leaving_at > since)
        # naming every condition lets the index be used, which begins with it
        return int(
            self._session.connection().execute(left.where(_LETTER.c.condition.in_(list(Condition)))).scalar_one()
        )

    def _run(self, statement: Executable, values: Any) -> CursorResult[Any]:
        """Run a statement on the table itself; what the session has read of it before is out of date."""
        result = self._session.connection().execute(statement, values)
        self._session.expire_all()
        return result

    def _state(self, row: Any) -> LetterState:
        return LetterState(
            opened(self._seal, OUTGOING, row.sealed), Condition(row.condition), row.not_before, row.attempts, row.reply,
            row.written_at, row.leaving_at, row.sent_at, row.witnessed_at, row.copy_due,
            Draft(row.draft),
        )  # fmt: skip
