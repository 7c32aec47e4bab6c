"""The outbox: letters are queued once, claimed before they leave, and put down with what the server said."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, Executable, Select, Table, bindparam, case, text, update
from sqlalchemy import select as core_select
from sqlmodel import Session, and_, col, func, not_, or_, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.lease import LeaseScope
from followupd.adapters.storage.rows import OUTGOING, decrypt_value, encrypt_value, update_all
from followupd.adapters.storage.tables import LetterRow, LetterTextRow
from followupd.domain.letter import DraftState, Letter, LetterKind, LetterStatus, OutboxEntry
from followupd.errors import FollowupdError, LetterError

#: conditions from which a letter may be claimed
MAY_LEAVE = (LetterStatus.QUEUED.value, LetterStatus.DEFERRED.value)
#: letters that left, or may have
GONE = (LetterStatus.SENT.value, LetterStatus.SENDING.value, LetterStatus.DOUBT.value)
# Made once, since making a statement costs more than running it; a table's own columns come without the unit of work.
LETTER: Table = LetterRow.__table__  # type: ignore[attr-defined]  # a table's class has one
_WORDS: Table = LetterTextRow.__table__  # type: ignore[attr-defined]  # as above
#: every letter with its words
LETTERS = core_select(*LETTER.c, _WORDS.c.sealed).join(_WORDS, _WORDS.c.letter_key == LETTER.c.key)
_NAMED = LETTER.c.key.in_(bindparam("keys", expanding=True))
_READY = (
    LETTERS.add_columns(_WORDS.c.mail)
    .where(LETTER.c.condition.in_(MAY_LEAVE))
    .where(or_(LETTER.c.not_before.is_(None), LETTER.c.not_before <= bindparam("now")))
    .order_by(LETTER.c.written_at, LETTER.c.key)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=LETTER)
)
_FREE = (
    core_select(LETTER.c.key)
    .where(_NAMED, LETTER.c.condition.in_(MAY_LEAVE))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(LETTER)
    .where(LETTER.c.key.in_(_FREE.scalar_subquery()))
    .values(condition=LetterStatus.SENDING.value, leaving_at=bindparam("now"), attempts=LETTER.c.attempts + 1)
    .returning(LETTER.c.key)
)
_TRIED = case((LETTER.c.attempts > 1, LetterStatus.DEFERRED.value), else_=LetterStatus.QUEUED.value)
_GIVE_BACK = (
    update(LETTER)
    .where(_NAMED, LETTER.c.condition == LetterStatus.SENDING.value)
    .values(condition=_TRIED, attempts=LETTER.c.attempts - 1)
)
_OF_LATE = (
    LETTER.c.automatic.is_(True),
    LETTER.c.condition.in_(GONE),
    LETTER.c.leaving_at > bindparam("since"),
)
_TO_THESE = (
    core_select(LETTER.c.to_address).where(
        *_OF_LATE, LETTER.c.to_address.in_(bindparam("addresses", expanding=True))
    )
).distinct()
_BY_DOMAIN = (
    core_select(LETTER.c.to_domain, func.count())
    .where(*_OF_LATE, LETTER.c.to_domain.in_(bindparam("domains", expanding=True)))
    .group_by(LETTER.c.to_domain)
)
# naming every condition lets the index be used, which begins with it
_LEFT_SINCE = core_select(func.count()).where(
    LETTER.c.leaving_at > bindparam("since"), LETTER.c.condition.in_(list(LetterStatus))
)
_ALONE = text("SELECT pg_advisory_xact_lock(:number)")
#: any number that nobody else's advisory lock uses; it spells "claiming" in ASCII
_CLAIMING = int.from_bytes(b"claiming", "big") >> 1


class Leaving:
    """The letters of the ledger that leave, within one transaction."""

    def __init__(
        self, session: Session, vault: Vault, scope: LeaseScope, undated: Callable[[Letter], bytes]
    ) -> None:
        self._session, self._vault, self._scope, self._undated = session, vault, scope, undated

    def due(self, now: datetime, limit: int = 50, stale_mailboxes: Collection[str] = ()) -> list[OutboxEntry]:
        """Return letters that may leave now, in the order they were written; none to customers of `unheard` mailboxes.

        PostgreSQL skips rows that others hold.
        """
        ours = _READY.where(self._scope.covers(LETTER.c.mailbox))
        if stale_mailboxes:
            ours = ours.where(
                or_(LETTER.c.kind.startswith("desk/"), LETTER.c.mailbox.not_in(sorted(stale_mailboxes)))
            )
        rows = self._run(ours, {"now": now, "most": limit}).all()
        return [self._state(row, self._vault.decrypt(row.mail) if row.mail else b"") for row in rows]

    def in_flight(self, condition: LetterStatus) -> list[OutboxEntry]:
        """Return the letters in a condition that are ours to see to."""
        query = LETTERS.where(LETTER.c.condition == condition.value)
        return self._states(query.where(self._scope.covers(LETTER.c.mailbox)))

    def copies_arrived_since(self, mailbox: str, since: datetime) -> bool:
        """Say whether a copy of any letter of this mailbox that left since then has come back."""
        one = core_select(LETTER.c.key).where(LETTER.c.mailbox == mailbox, LETTER.c.witnessed_at.is_not(None))
        return self._run(one.where(LETTER.c.leaving_at > since).limit(1), {}).first() is not None

    def lock_claims(self) -> None:
        """Let no other daemon claim until this transaction ends: budgets and breaker count what all of them claim.

        On SQLite every transaction is alone.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            self._run(_ALONE, {"number": _CLAIMING})

    def claim_batch(self, keys: Collection[str], now: datetime) -> set[str]:
        """Take letters for leaving; return those that nobody else took first. Commit before the post sees one."""
        return set(self._run(_CLAIM, {"keys": list(keys), "now": now}).scalars())

    def release(self, keys: Collection[str]) -> None:
        """Let letters wait again that were claimed and that the post never saw."""
        if keys:
            self._run(_GIVE_BACK, {"keys": list(keys)})

    def record_sent_batch(self, replies: Sequence[tuple[str, str]], now: datetime) -> bool:
        """Write of letters on their way, each with the server's words, that they left; False when one was not on its way."""
        sent = {
            "was": LetterStatus.SENDING.value,
            "condition": LetterStatus.SENT.value,
            "sent_at": now,
            "not_before": None,
        }
        rows = [{"its_key": key, "reply": reply[:500], **sent} for key, reply in replies]
        done = update_all(self._session.connection(), LetterRow, rows, {"key": "its_key", "condition": "was"})
        self._session.expire_all()
        return done == len(rows)

    def recently_written_to(self, addresses: Collection[str], since: datetime) -> set[str]:
        """Return those of these addresses for which automatic letters left since then."""
        return set(self._run(_TO_THESE, {"addresses": list(addresses), "since": since}).scalars())

    def count_by_domain(self, domains: Collection[str], since: datetime) -> Counter[str]:
        """Count the automatic letters that left since then for each of these domains."""
        rows: Any = self._run(_BY_DOMAIN, {"domains": list(domains), "since": since})
        return Counter({domain: number for domain, number in rows})  # noqa: C416  dict() would take the result for a mapping

    def count_sent_since(self, since: datetime) -> int:
        """Return how many letters of any kind were handed to the post since then, for the breaker."""
        return int(self._run(_LEFT_SINCE, {"since": since}).scalar_one())

    def _run(self, statement: Executable, values: Any) -> CursorResult[Any]:
        """Run a statement on the table itself; what the session has read of it before is out of date."""
        result = self._session.connection().execute(statement, values)
        self._session.expire_all()
        return result

    def _states(self, letters: Select[Any]) -> list[OutboxEntry]:
        """Return letters in the order in which they were written."""
        return [
            self._state(row)
            for row in self._run(letters.order_by(LETTER.c.written_at, LETTER.c.key), {}).all()
        ]

    def _state(self, row: Any, mail: bytes = b"") -> OutboxEntry:
        return OutboxEntry(
            decrypt_value(self._vault, OUTGOING, row.sealed),
            LetterStatus(row.condition),
            row.not_before,
            row.attempts,
            row.reply,
            row.written_at,
            row.leaving_at,
            row.sent_at,
            row.witnessed_at,
            row.copy_due,
            DraftState(row.draft),
            mail,
        )


#: so many of a person's letters are looked at before the same words are said again
_REMEMBERED = 20


class UnknownLetterError(FollowupdError):
    """There is no such letter."""


class OutboxStore(Leaving):
    """The letters of the ledger, within one transaction."""

    def queue(self, letter: Letter, now: datetime) -> None:
        """Put a letter in the outbox; its key is the primary key, so the same decision twice is one letter."""
        condition = LetterStatus.REVIEW if letter.review else LetterStatus.QUEUED
        address = letter.to.address.lower()
        self._session.add(
            LetterRow(
                key=letter.key,
                case_ref=letter.case,
                mailbox=letter.mailbox,
                kind=letter.kind,
                condition=condition.value,
                to_address=address,
                to_domain=address.rpartition("@")[2],
                automatic=letter.automatic,
                message_id=letter.message_id,
                not_before=letter.not_before,
                written_at=now,
            )
        )
        self._session.flush()
        words = encrypt_value(self._vault, OUTGOING, letter)
        self._session.add(LetterTextRow(letter_key=letter.key, sealed=words, mail=self._mail(letter)))
        self._session.flush()

    def _mail(self, letter: Letter) -> bytes:
        """Return the sealed bytes of a letter that lack only its date; what cannot be composed is told at its turn."""
        try:
            mail = self._undated(letter)
        except LetterError:
            return b""
        return self._vault.encrypt(mail) if mail else b""

    def contains(self, key: str) -> bool:
        return self._session.get(LetterRow, key) is not None

    def get(self, key: str) -> OutboxEntry:
        """Return a letter with its state; raises UnknownLetterError."""
        row = self._run(LETTERS.where(LETTER.c.key == bindparam("its_key")), {"its_key": key}).first()
        if row is None:
            raise UnknownLetterError(f"there is no letter {key}")
        return self._state(row)

    def all(self, *conditions: LetterStatus, case: str = "") -> list[OutboxEntry]:
        query = LETTERS
        if conditions:
            query = query.where(LETTER.c.condition.in_([condition.value for condition in conditions]))
        if case:
            query = query.where(LETTER.c.case_ref == case)
        return self._states(query)

    def count(self, *conditions: LetterStatus) -> int:
        names = [condition.value for condition in conditions]
        return self._session.exec(select(func.count()).where(col(LetterRow.condition).in_(names))).one()

    def conditions(self) -> dict[str, int]:
        """Count the letters by condition."""
        counted = self._session.exec(select(LetterRow.condition, func.count()).group_by(LetterRow.condition))
        return {condition: number for condition, number in counted}  # noqa: C416  dict() would take the result for a mapping

    def claim(self, key: str, now: datetime) -> bool:
        """Take one letter for leaving; False when somebody else was there first. Commit before the post sees it."""
        return self._turn(
            key,
            MAY_LEAVE,
            condition=LetterStatus.SENDING.value,
            leaving_at=now,
            attempts=LetterRow.attempts + 1,
        )

    def postpone(self, key: str, until: datetime, why: str) -> None:
        self._turn(key, MAY_LEAVE, not_before=until, reply=why)

    def record_result(
        self,
        key: str,
        condition: LetterStatus,
        now: datetime,
        *,
        reply: str = "",
        not_before: datetime | None = None,
    ) -> bool:
        """Write what became of a letter on its way or in doubt; False when that was settled before."""
        sent_at = {"sent_at": now} if condition is LetterStatus.SENT else {}
        return self._turn(
            key,
            (LetterStatus.SENDING.value, LetterStatus.DOUBT.value),
            condition=condition.value,
            reply=reply[:500],
            not_before=not_before,
            **sent_at,
        )

    def confirm_sent(self, key: str, now: datetime, reply: str) -> bool:
        """Write that a letter left, on evidence that counts more than what we had thought; False when that was known."""
        others = tuple(condition.value for condition in LetterStatus if condition is not LetterStatus.SENT)
        return self._turn(
            key, others, condition=LetterStatus.SENT.value, sent_at=now, reply=reply[:500], not_before=None
        )

    def approve(self, key: str) -> bool:
        """Let a letter in review leave; one whose draft lies in the mailbox leaves when that has been taken away."""
        review = (LetterStatus.REVIEW.value,)
        return self._turn(key, review, DraftState.FILED, draft=DraftState.WANTED.value) or self._turn(
            key,
            review,
            DraftState.NONE,
            DraftState.ASKED,
            DraftState.GONE,
            condition=LetterStatus.QUEUED.value,
        )

    def leave_review(self, key: str) -> bool:
        """Let an approved letter leave, now that its draft is gone."""
        review = (LetterStatus.REVIEW.value,)
        return self._turn(
            key, review, DraftState.WANTED, condition=LetterStatus.QUEUED.value, draft=DraftState.GONE.value
        )

    def drafted(self, key: str, was: DraftState, becomes: DraftState) -> bool:
        """Write where a letter's draft stands now; False when that changed meanwhile, or a new draft is wanted no more."""
        may = (LetterStatus.REVIEW.value,) if was is DraftState.NONE else tuple(LetterStatus)
        return self._turn(key, may, was, draft=becomes.value)

    def drafts(self, mailbox: str) -> list[OutboxEntry]:
        """Return letters whose drafts are to be filed in this mailbox, to be taken away, or to be tidied up."""
        review = LETTER.c.condition == LetterStatus.REVIEW.value
        lying = [
            DraftState.FILED.value,
            DraftState.WANTED.value,
            DraftState.CHANGED.value,
            DraftState.MISSING.value,
            DraftState.ASKED.value,
        ]
        to_file = and_(review, LETTER.c.draft.in_([DraftState.NONE.value, DraftState.WANTED.value]))
        to_take_away = and_(not_(review), LETTER.c.draft.in_(lying))
        return self._states(LETTERS.where(LETTER.c.mailbox == mailbox, or_(to_file, to_take_away)))

    def odd_drafts(self) -> list[OutboxEntry]:
        """Return approved letters whose drafts had been changed or were gone."""
        odd = [DraftState.CHANGED.value, DraftState.MISSING.value]
        in_review = LETTERS.where(LETTER.c.condition == LetterStatus.REVIEW.value, LETTER.c.draft.in_(odd))
        return self._states(in_review.where(self._scope.covers(LETTER.c.mailbox)))

    def has_drafts(self) -> bool:
        """Say whether any letter that has not left has, or had, a draft in a mailbox."""
        waiting = [LetterStatus.REVIEW.value, *MAY_LEAVE]
        query = select(LetterRow.key).where(
            col(LetterRow.condition).in_(waiting), LetterRow.draft != DraftState.NONE.value
        )
        return self._session.exec(query.limit(1)).first() is not None

    def drop(self, key: str) -> bool:
        """Take a letter back that has not left and is not on its way."""
        may = (*MAY_LEAVE, LetterStatus.REVIEW.value, LetterStatus.DOUBT.value)
        return self._turn(key, may, condition=LetterStatus.DROPPED.value)

    def witness(self, key: str, now: datetime) -> None:
        """Our own copy came back through the mailbox: the server had accepted the letter."""
        self._session.connection().execute(
            update(LetterRow)
            .where(col(LetterRow.key) == key, col(LetterRow.witnessed_at).is_(None))
            .values(witnessed_at=now)
        )
        self._session.expire_all()

    def expect_no_copy(self, key: str) -> None:
        """Write that the server did not take the blind copy, so that nobody waits for it."""
        self._turn(key, tuple(LetterStatus), copy_due=False)

    def sent_to(self, address: str, since: datetime) -> list[datetime]:
        """Return when automatic letters left since then for this address, or for "@" and a domain, oldest first."""
        local, _, its_domain = address.lower().rpartition("@")
        query = (
            select(LetterRow.sent_at, LetterRow.leaving_at)
            .where(
                LetterRow.to_address == address.lower() if local else LetterRow.to_domain == its_domain,
                col(LetterRow.automatic).is_(True),
            )
            .where(col(LetterRow.condition).in_(GONE))
            .where(col(LetterRow.leaving_at) > since)
            .order_by(col(LetterRow.leaving_at))
        )
        moments = (sent or leaving for sent, leaving in self._session.exec(query))
        return [moment for moment in moments if moment]

    def texts_sent_to(self, address: str) -> list[str]:
        """Return the words of the newest letters that this person has had, or may have had (practice 19)."""
        query = (
            select(LetterTextRow.sealed)
            .join(LetterRow, col(LetterRow.key) == col(LetterTextRow.letter_key))
            .where(LetterRow.to_address == address.lower(), col(LetterRow.condition).in_(GONE))
            .where(col(LetterRow.kind).not_like("desk/%"), LetterRow.kind != LetterKind.GIFT_CARD)
            .order_by(col(LetterRow.written_at).desc())
            .limit(_REMEMBERED)
        )
        return [decrypt_value(self._vault, OUTGOING, token).text for token in self._session.exec(query)]

    def _turn(self, key: str, may: tuple[str, ...], *drafts: DraftState, **values: object) -> bool:
        where = [col(LetterRow.key) == key, col(LetterRow.condition).in_(may)]
        if drafts:
            where.append(col(LetterRow.draft).in_([draft.value for draft in drafts]))
        result: CursorResult[tuple[()]] = self._session.connection().execute(
            update(LetterRow).where(*where).values(**values)
        )
        self._session.expire_all()
        return result.rowcount == 1
