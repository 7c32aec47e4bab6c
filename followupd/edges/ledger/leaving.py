"""Letters by the handful: those that may leave, claimed, given back and put down in few statements, whatever their number."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, Executable, Select, Table, bindparam, case, func, or_, select, text, update
from sqlmodel import Session

from followupd.edges.ledger.driver import update_all
from followupd.edges.ledger.scope import Scope
from followupd.edges.ledger.sealed import OUTGOING, opened
from followupd.edges.seal import Seal
from followupd.edges.tables import LetterRow, WordsRow
from followupd.model.kept import LetterState
from followupd.model.outgoing import Condition, Draft, Outgoing

#: conditions from which a letter may be claimed
MAY_LEAVE = (Condition.READY.value, Condition.DEFERRED.value)
#: letters that left, or may have
GONE = (Condition.SENT.value, Condition.LEAVING.value, Condition.DOUBT.value)
# Made once, since making a statement costs more than running it; a table's own columns come without the unit of work.
LETTER: Table = LetterRow.__table__  # type: ignore[attr-defined]  # a table's class has one
_WORDS: Table = WordsRow.__table__  # type: ignore[attr-defined]  # as above
#: every letter with its words
LETTERS = select(*LETTER.c, _WORDS.c.sealed).join(_WORDS, _WORDS.c.letter_key == LETTER.c.key)
_NAMED = LETTER.c.key.in_(bindparam("keys", expanding=True))
_READY = (
    LETTERS.add_columns(_WORDS.c.mail)
    .where(LETTER.c.condition.in_(MAY_LEAVE))
    .where(or_(LETTER.c.not_before.is_(None), LETTER.c.not_before <= bindparam("now")))
    .order_by(LETTER.c.written_at, LETTER.c.key)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=LETTER)
)
_FREE = select(LETTER.c.key).where(_NAMED, LETTER.c.condition.in_(MAY_LEAVE)).with_for_update(skip_locked=True)
_CLAIM = (
    update(LETTER)
    .where(LETTER.c.key.in_(_FREE.scalar_subquery()))
    .values(condition=Condition.LEAVING.value, leaving_at=bindparam("now"), attempts=LETTER.c.attempts + 1)
    .returning(LETTER.c.key)
)
_TRIED = case((LETTER.c.attempts > 1, Condition.DEFERRED.value), else_=Condition.READY.value)
_GIVE_BACK = (
    update(LETTER)
    .where(_NAMED, LETTER.c.condition == Condition.LEAVING.value)
    .values(condition=_TRIED, attempts=LETTER.c.attempts - 1)
)
_OF_LATE = LETTER.c.automatic.is_(True), LETTER.c.condition.in_(GONE), LETTER.c.leaving_at > bindparam("since")
_TO_THESE = (
    select(LETTER.c.to_address).where(*_OF_LATE, LETTER.c.to_address.in_(bindparam("addresses", expanding=True)))
).distinct()
_BY_DOMAIN = (
    select(LETTER.c.to_domain, func.count())
    .where(*_OF_LATE, LETTER.c.to_domain.in_(bindparam("domains", expanding=True)))
    .group_by(LETTER.c.to_domain)
)
# naming every condition lets the index be used, which begins with it
_LEFT_SINCE = select(func.count()).where(
    LETTER.c.leaving_at > bindparam("since"), LETTER.c.condition.in_(list(Condition))
)
_ALONE = text("SELECT pg_advisory_xact_lock(:number)")
#: any number that nobody else's advisory lock uses; it spells "claiming" in ASCII
_CLAIMING = int.from_bytes(b"claiming", "big") >> 1


class Leaving:
    """The letters of the ledger that leave, within one transaction."""

    def __init__(self, session: Session, seal: Seal, scope: Scope, undated: Callable[[Outgoing], bytes]) -> None:
        self._session, self._seal, self._scope, self._undated = session, seal, scope, undated

    def may_leave(self, now: datetime, limit: int = 50, unheard: Collection[str] = ()) -> list[LetterState]:
        """Return letters that may leave now, in the order they were written; none to customers of `unheard` mailboxes.

        PostgreSQL skips rows that others hold.
        """
        ours = _READY.where(self._scope.covers(LETTER.c.mailbox))
        if unheard:
            ours = ours.where(or_(LETTER.c.kind.startswith("desk/"), LETTER.c.mailbox.not_in(sorted(unheard))))
        rows = self._run(ours, {"now": now, "most": limit}).all()
        return [self._state(row, self._seal.open(row.mail) if row.mail else b"") for row in rows]

    def in_hand(self, condition: Condition) -> list[LetterState]:
        """Return the letters in a condition that are ours to see to."""
        query = LETTERS.where(LETTER.c.condition == condition.value)
        return self._states(query.where(self._scope.covers(LETTER.c.mailbox)))

    def copies_come(self, mailbox: str, since: datetime) -> bool:
        """Say whether a copy of any letter of this mailbox that left since then has come back."""
        one = select(LETTER.c.key).where(LETTER.c.mailbox == mailbox, LETTER.c.witnessed_at.is_not(None))
        return self._run(one.where(LETTER.c.leaving_at > since).limit(1), {}).first() is not None

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
        sent = {"was": Condition.LEAVING.value, "condition": Condition.SENT.value, "sent_at": now, "not_before": None}
        rows = [{"its_key": key, "reply": reply[:500], **sent} for key, reply in replies]
        done = update_all(self._session.connection(), LetterRow, rows, {"key": "its_key", "condition": "was"})
        self._session.expire_all()
        return done == len(rows)

    def had_mail(self, addresses: Collection[str], since: datetime) -> set[str]:
        """Return those of these addresses for which automatic letters left since then."""
        return set(self._run(_TO_THESE, {"addresses": list(addresses), "since": since}).scalars())

    def domains(self, domains: Collection[str], since: datetime) -> Counter[str]:
        """Count the automatic letters that left since then for each of these domains."""
        rows: Any = self._run(_BY_DOMAIN, {"domains": list(domains), "since": since})
        return Counter({domain: number for domain, number in rows})  # noqa: C416  dict() would take the result for a mapping

    def left_since(self, since: datetime) -> int:
        """Return how many letters of any kind were handed to the post since then, for the breaker."""
        return int(self._run(_LEFT_SINCE, {"since": since}).scalar_one())

    def _run(self, statement: Executable, values: Any) -> CursorResult[Any]:
        """Run a statement on the table itself; what the session has read of it before is out of date."""
        result = self._session.connection().execute(statement, values)
        self._session.expire_all()
        return result

    def _states(self, letters: Select[Any]) -> list[LetterState]:
        """Return letters in the order in which they were written."""
        return [self._state(row) for row in self._run(letters.order_by(LETTER.c.written_at, LETTER.c.key), {}).all()]

    def _state(self, row: Any, mail: bytes = b"") -> LetterState:
        return LetterState(
            opened(self._seal, OUTGOING, row.sealed), Condition(row.condition), row.not_before, row.attempts, row.reply,
            row.written_at, row.leaving_at, row.sent_at, row.witnessed_at, row.copy_due,
            Draft(row.draft), mail,
        )  # fmt: skip
