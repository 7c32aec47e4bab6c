"""The outbox: each letter is queued once, claimed before it is sent, and updated with the server's reply."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Executable,
    Select,
    bindparam,
    case,
    literal_column,
    null,
    text,
    union_all,
    update,
)
from sqlalchemy import select as select_columns
from sqlmodel import Session, and_, col, func, not_, or_, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.database import (
    adapter_of,
    decrypt_value,
    encrypt_value,
    place,
    update_all,
)
from followupd.adapters.storage.lease import LeaseScope
from followupd.adapters.storage.tables import LetterRow, LetterTextRow, MailRow, table_of
from followupd.domain.letter import (
    BREAKER_NOTICE,
    DESK_MAILS,
    FIRST_KINDS,
    QUOTA_KINDS,
    Budget,
    DraftState,
    Letter,
    LetterKind,
    LetterStatus,
    OutboxEntry,
    OutboxUsage,
    SendResult,
    UsageWindows,
    counted_name,
)
from followupd.domain.mail import Kind
from followupd.errors import FollowupdError, LetterError

#: letters that may be claimed
_CLAIMABLE = (LetterStatus.QUEUED.value, LetterStatus.DEFERRED.value)
#: letters that were sent, or may have been
_SENT = (LetterStatus.SENT.value, LetterStatus.SENDING.value, LetterStatus.DOUBT.value)
#: letters that wait for the result of a delivery
_UNSETTLED = (LetterStatus.SENDING.value, LetterStatus.DOUBT.value)
#: drafts that are filed, watched or removed while their letter is in review
_DRAFTS_IN_REVIEW = (DraftState.NONE.value, DraftState.FILED.value, DraftState.WANTED.value)
#: drafts that may still be in the mailbox
_FILED_DRAFTS = tuple(state.value for state in DraftState if state not in {DraftState.NONE, DraftState.GONE})
#: the longest reply of a server that is stored, in characters
_REPLY_LENGTH = 500
#: as many of a customer's earlier letters are searched for repeated text
_REMEMBERED_LETTERS = 20

# Statements are built once, because building one takes longer than running it. Columns of a table, unlike
# mapped classes, are read without the unit of work.
_LETTER = table_of(LetterRow)
_TEXT = table_of(LetterTextRow)
_MAIL = table_of(MailRow)
_WITH_TEXT = select_columns(*_LETTER.c, _TEXT.c.sealed).join(_TEXT, _TEXT.c.letter_key == _LETTER.c.key)
_BY_KEYS = _LETTER.c.key.in_(bindparam("keys", expanding=True))


def _automatic(kinds: Collection[LetterKind]) -> ColumnElement[bool]:
    """Return the condition that a letter is automatic and of one of these kinds."""
    return and_(_LETTER.c.automatic.is_(True), _LETTER.c.kind.in_(sorted(kind.value for kind in kinds)))


#: as `Letter.budget`
_BUDGET = case(
    (_LETTER.c.kind.startswith("desk/"), Budget.DESK.value),
    (_automatic(FIRST_KINDS), Budget.FIRST.value),
    else_=Budget.PROMISED.value,
)
#: the order in which letters of different budgets are sent
_RANKS = {budget.value: rank for rank, budget in enumerate(Budget)}
_DUE = (
    _WITH_TEXT.add_columns(_TEXT.c.mail)
    .where(_LETTER.c.condition.in_(_CLAIMABLE))
    .where(or_(_LETTER.c.not_before.is_(None), _LETTER.c.not_before <= bindparam("now")))
    .order_by(case(_RANKS, value=_BUDGET), _LETTER.c.written_at, _LETTER.c.key)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=_LETTER)
)
_UNCLAIMED = (
    select_columns(_LETTER.c.key)
    .where(_BY_KEYS, _LETTER.c.condition.in_(_CLAIMABLE))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(_LETTER)
    .where(_LETTER.c.key.in_(_UNCLAIMED.scalar_subquery()))
    .values(
        condition=LetterStatus.SENDING.value,
        leaving_at=bindparam("now"),
        attempts=_LETTER.c.attempts + 1,
    )
    .returning(_LETTER.c.key)
)
_STATUS_BEFORE_CLAIM = case(
    (_LETTER.c.attempts > 1, LetterStatus.DEFERRED.value), else_=LetterStatus.QUEUED.value
)
_RELEASE = (
    update(_LETTER)
    .where(_BY_KEYS, _LETTER.c.condition == LetterStatus.SENDING.value)
    .values(condition=_STATUS_BEFORE_CLAIM, attempts=_LETTER.c.attempts - 1)
)
_LOCK_UNSETTLED = (
    select_columns(_LETTER.c.key).where(_BY_KEYS, _LETTER.c.condition.in_(_UNSETTLED)).with_for_update()
)
_LOCK_CLAIMS = text("SELECT pg_advisory_xact_lock(:number)")
#: the number of our advisory lock, "claiming" in ASCII
_CLAIMS_LOCK = int.from_bytes(b"claiming", "big") >> 1


def _usage_query() -> Executable:
    """Return the statement that reads an OutboxUsage; each row is a topic, a name, a time, a number and a mailbox."""
    counted = and_(_automatic(QUOTA_KINDS), _LETTER.c.condition.in_(_SENT))
    one: Any = literal_column("1")
    to_addresses = select_columns(
        literal_column("'address'").label("topic"),
        _LETTER.c.to_address.label("name"),
        _LETTER.c.leaving_at.label("at"),
        one.label("number"),
        _LETTER.c.mailbox.label("mailbox"),
    ).where(
        counted,
        _LETTER.c.to_address.in_(bindparam("addresses", expanding=True)),
        _LETTER.c.leaving_at > bindparam("since_address"),
    )
    to_domains = select_columns(
        literal_column("'domain'"), _LETTER.c.to_domain, _LETTER.c.leaving_at, one, null()
    ).where(
        counted,
        _LETTER.c.to_domain.in_(bindparam("domains", expanding=True)),
        _LETTER.c.leaving_at > bindparam("since_domain"),
    )
    # naming every status lets the index be used, which begins with it
    in_breaker_window: Any = select_columns(
        literal_column("'breaker'"), _BUDGET, null(), func.count(), null()
    ).where(_LETTER.c.condition.in_(list(LetterStatus)), _LETTER.c.leaving_at > bindparam("since_breaker"))
    in_breaker_window = in_breaker_window.group_by(_BUDGET)
    copies = select_columns(literal_column("'copy'"), _MAIL.c.message_id, null(), one, null()).where(
        _MAIL.c.kind == Kind.OWN.value, _MAIL.c.message_id.in_(bindparam("message_ids", expanding=True))
    )
    return union_all(to_addresses, to_domains, in_breaker_window, copies)


_USAGE = _usage_query()


class UnknownLetterError(FollowupdError):
    """There is no such letter."""


class OutboxStore:
    """The letters of the ledger, within one transaction.

    `undated` renders a letter's MIME message without its Date header; b"" means that it is rendered when it
    is sent.
    """

    def __init__(
        self, session: Session, vault: Vault, scope: LeaseScope, undated: Callable[[Letter], bytes]
    ) -> None:
        self._session, self._vault, self._scope, self._undated = session, vault, scope, undated

    # --- queue and read ---

    def queue(self, letter: Letter, now: datetime) -> None:
        """Put a letter in the outbox; its key keeps one decision from making two letters."""
        status = LetterStatus.REVIEW if letter.review else LetterStatus.QUEUED
        address = letter.to.address.lower()
        self._session.add(
            LetterRow(
                key=letter.key,
                case_ref=letter.case,
                mailbox=letter.mailbox,
                kind=letter.kind.value,
                condition=status.value,
                to_address=address,
                to_domain=address.rpartition("@")[2],
                automatic=letter.automatic,
                message_id=letter.message_id,
                not_before=letter.not_before,
                written_at=now,
            )
        )
        self._session.flush()
        token = encrypt_value(self._vault, adapter_of(Letter), letter, place("words", letter.key))
        self._session.add(LetterTextRow(letter_key=letter.key, sealed=token, mail=self._rendered(letter)))
        self._session.flush()

    def _rendered(self, letter: Letter) -> bytes:
        """Return the encrypted message without its date, b"" if it cannot be rendered."""
        try:
            mail = self._undated(letter)
        except LetterError:
            return b""
        return self._vault.encrypt(mail, place("words", letter.key, column="mail")) if mail else b""

    def contains(self, key: str) -> bool:
        return self._session.get(LetterRow, key) is not None

    def get(self, key: str) -> OutboxEntry:
        """Return a letter and its state.

        Raises:
            UnknownLetterError: there is no such letter.
        """
        row = self._run(_WITH_TEXT.where(_LETTER.c.key == bindparam("its_key")), {"its_key": key}).first()
        if row is None:
            raise UnknownLetterError(f"there is no letter {key}")
        return self._entry(row)

    def all(self, *statuses: LetterStatus, case: str = "") -> list[OutboxEntry]:
        """Return the letters with one of these statuses, of one case if it is named, oldest first."""
        query = _WITH_TEXT
        if statuses:
            query = query.where(_LETTER.c.condition.in_([status.value for status in statuses]))
        if case:
            query = query.where(_LETTER.c.case_ref == case)
        return self._entries(query)

    def count(self, *statuses: LetterStatus) -> int:
        """Count the letters with one of these statuses."""
        values = [status.value for status in statuses]
        return self._session.exec(select(func.count()).where(col(LetterRow.condition).in_(values))).one()

    def refused_desk_mails(self, since: datetime) -> list[tuple[str, str]]:
        """Return key and address of each mail to an agent that was refused for good, of those written since then."""
        query = select(LetterRow.key, LetterRow.to_address).where(
            LetterRow.condition == LetterStatus.REFUSED.value,
            col(LetterRow.kind).in_([kind.value for kind in DESK_MAILS]),
            col(LetterRow.written_at) > since,
        )
        return [(key, address) for key, address in self._session.exec(query)]

    def count_to(self, address: str, case: str, since: datetime) -> int:
        """Count the letters about a case ("" for none) to an address that were written since then.

        Args:
            address: the address of an agent or a customer.
            case: the reference of the case.
            since: the time.
        """
        query = select(func.count()).where(
            LetterRow.to_address == address.lower(),
            LetterRow.case_ref == case,
            col(LetterRow.written_at) > since,
        )
        return self._session.exec(query).one()

    def count_by_kind(self, status: LetterStatus) -> dict[str, int]:
        """Count the letters with a status by their kind."""
        query = select(LetterRow.kind, func.count()).where(LetterRow.condition == status.value)
        return {kind: number for kind, number in self._session.exec(query.group_by(LetterRow.kind))}  # noqa: C416

    def oldest_waiting(self) -> datetime | None:
        """Return when the oldest letter that may leave, and has not left, was written."""
        waiting = [LetterStatus.QUEUED.value, LetterStatus.DEFERRED.value]
        query = select(func.min(LetterRow.written_at)).where(col(LetterRow.condition).in_(waiting))
        return self._session.exec(query).one()

    def count_by_status(self) -> dict[str, int]:
        """Count the letters of each status."""
        counted = self._session.exec(select(LetterRow.condition, func.count()).group_by(LetterRow.condition))
        return {status: number for status, number in counted}  # noqa: C416  dict() fails

    def texts_sent_to(self, address: str) -> list[str]:
        """Return the text of the newest letters that a customer got, or may have got (practice 19)."""
        query = (
            select(LetterTextRow.letter_key, LetterTextRow.sealed)
            .join(LetterRow, col(LetterRow.key) == col(LetterTextRow.letter_key))
            .where(LetterRow.to_address == address.lower(), col(LetterRow.condition).in_(_SENT))
            .where(col(LetterRow.kind).not_like("desk/%"), LetterRow.kind != LetterKind.GIFT_CARD.value)
            .order_by(col(LetterRow.written_at).desc())
            .limit(_REMEMBERED_LETTERS)
        )
        rows = self._session.exec(query)
        return [
            decrypt_value(self._vault, adapter_of(Letter), token, place("words", key)).text
            for key, token in rows
        ]

    # --- claim ---

    def due(
        self,
        now: datetime,
        limit: int = 50,
        stale_mailboxes: Collection[str] = (),
        stopped: Collection[Budget] = (),
    ) -> list[OutboxEntry]:
        """Return the letters whose time has come, promised ones before others, with their messages.

        PostgreSQL skips rows that others have locked.

        Args:
            now: a letter that waits until exactly this time is among them.
            limit: the most letters of one batch.
            stale_mailboxes: letters to customers of these mailboxes are left out, since unread mail may
                change them.
            stopped: letters of these budgets are left out, apart from the mail that says that the breaker is
                open.
        """
        query = _DUE.where(self._scope.covers(_LETTER.c.mailbox))
        if stale_mailboxes:
            is_desk_mail = _LETTER.c.kind.startswith("desk/")
            query = query.where(or_(is_desk_mail, _LETTER.c.mailbox.not_in(sorted(stale_mailboxes))))
        if stopped:
            query = query.where(or_(_BUDGET.not_in(sorted(stopped)), _LETTER.c.key.contains(BREAKER_NOTICE)))
        rows = self._run(query, {"now": now, "most": limit}).all()
        return [self._entry(row, self._mail(row)) for row in rows]

    def _mail(self, row: Any) -> bytes:
        """Return the rendered message of a letter, b"" if it has none."""
        if not row.mail:
            return b""
        return self._vault.decrypt(row.mail, place("words", row.key, column="mail"))

    def in_flight(self, status: LetterStatus) -> list[OutboxEntry]:
        """Return the letters of a status that this daemon is responsible for."""
        query = _WITH_TEXT.where(_LETTER.c.condition == status.value)
        return self._entries(query.where(self._scope.covers(_LETTER.c.mailbox)))

    def lock_claims(self) -> None:
        """Keep other daemons from claiming until the end of this transaction.

        Thus quotas and breaker count all claims.

        On SQLite there is never more than one writing transaction.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            self._run(_LOCK_CLAIMS, {"number": _CLAIMS_LOCK})

    def usage(
        self,
        letters: Collection[Letter],
        windows: UsageWindows,
        companies: Mapping[str, str] = MappingProxyType({}),
    ) -> OutboxUsage:
        """Return what limits the sending of these letters, in one query.

        Args:
            letters: those that may be sent.
            windows: from when on letters count.
            companies: the companies of the mailboxes that belong to a second brand.

        Returns:
            Times and numbers, also of letters that are being sent or in doubt. Breaker and mailboxes are not
            filled in.
        """
        addresses = {letter.to.address.lower() for letter in letters if letter.counts_in_quota}
        aliases = self._message_ids(letters)
        values = {
            "addresses": list(addresses),
            "domains": list({address.rpartition("@")[2] for address in addresses}),
            "message_ids": list(aliases),
            "since_address": windows.address,
            "since_domain": windows.domain,
            "since_breaker": windows.breaker,
        }
        times: defaultdict[str, list[datetime]] = defaultdict(list)
        copies: set[str] = set()
        sent: dict[Budget, int] = {}
        rows: Any = self._run(_USAGE, values)
        for topic, name, at, number, mailbox in rows:
            match topic:
                case "address":
                    times[counted_name(name, companies.get(mailbox, ""))].append(at)
                case "domain":
                    times[f"@{name}"].append(at)
                case "copy":
                    copies.add(aliases[name])
                case _:
                    sent[Budget(name)] = number
        recent = {name: tuple(sorted(found)) for name, found in times.items()}
        return OutboxUsage(recent, sent, copies=frozenset(copies), companies=companies)

    def _message_ids(self, letters: Collection[Letter]) -> dict[str, str]:
        """Return the Message-IDs that copies of these letters may have: theirs, and those under older keys."""
        found: dict[str, str] = {}
        for letter in letters:
            domain = letter.message_id.rpartition("@")[2].rstrip(">")
            earlier = self._vault.earlier_message_ids(letter.key, domain)
            found |= dict.fromkeys([*earlier, letter.message_id], letter.message_id)
        return found

    def claim(self, keys: Collection[str], now: datetime) -> set[str]:
        """Claim letters for sending and return the keys of those that nobody else had claimed.

        Commit before the server sees any of them: after a crash the claim tells that a letter may have been
        sent.
        """
        return set(self._run(_CLAIM, {"keys": list(keys), "now": now}).scalars()) if keys else set()

    def release(self, keys: Collection[str]) -> None:
        """Return claimed letters to the queue that the server has not seen."""
        if keys:
            self._run(_RELEASE, {"keys": list(keys)})

    def postpone(self, key: str, until: datetime, why: str) -> None:
        """Keep a queued letter back until a time; one that is being sent or was sent stays as it is."""
        self._change(key, _CLAIMABLE, not_before=until, reply=why)

    def look_again(self, why: str) -> None:
        """Let the next cycle decide again about the letters that were kept back for this reason.

        Args:
            why: as it was said to `postpone`.
        """
        is_kept = col(LetterRow.reply) == why, col(LetterRow.condition).in_(_CLAIMABLE)
        self._session.connection().execute(update(LetterRow).where(*is_kept).values(not_before=None))

    # --- results ---

    def record_results(self, results: Sequence[SendResult], now: datetime) -> set[str]:
        """Store the results of letters that are being sent or in doubt, and return the keys of those.

        The others were settled before, by a copy or by a person, and stay as they are.
        """
        keys = [result.key for result in results]
        unsettled = set(self._run(_LOCK_UNSETTLED, {"keys": keys}).scalars())
        rows: list[dict[str, Any]] = [
            {
                "its_key": result.key,
                "condition": result.status.value,
                "reply": result.reply[:_REPLY_LENGTH],
                "not_before": result.not_before,
                "sent_at": now if result.status is LetterStatus.SENT else None,
            }
            for result in results
            if result.key in unsettled
        ]
        if rows:
            update_all(self._session.connection(), LetterRow, rows, {"key": "its_key"})
            self._session.expire_all()
        return unsettled

    def confirm_sent(self, key: str, now: datetime, reply: str) -> bool:
        """Mark a letter as sent, on evidence that outweighs any other status.

        Returns:
            False when it was marked before.
        """
        others = tuple(status.value for status in LetterStatus if status is not LetterStatus.SENT)
        return self._change(
            key,
            others,
            condition=LetterStatus.SENT.value,
            sent_at=now,
            reply=reply[:_REPLY_LENGTH],
            not_before=None,
        )

    def drop(self, key: str) -> bool:
        """Cancel a letter that is neither sent nor being sent; False when it is."""
        may = (*_CLAIMABLE, LetterStatus.REVIEW.value, LetterStatus.DOUBT.value)
        return self._change(key, may, condition=LetterStatus.DROPPED.value)

    def witness(self, key: str, now: datetime) -> None:
        """Store that the BCC copy arrived: the server had accepted the letter."""
        self._session.connection().execute(
            update(LetterRow)
            .where(col(LetterRow.key) == key, col(LetterRow.witnessed_at).is_(None))
            .values(witnessed_at=now)
        )
        self._session.expire_all()

    def expect_no_copy(self, key: str) -> None:
        """Store that the server did not accept the BCC recipient, so that a missing copy proves nothing."""
        self._change(key, tuple(LetterStatus), copy_due=False)

    def copies_arrived_since(self, mailbox: str, since: datetime) -> bool:
        """Say whether the copy of any letter has arrived that this mailbox sent after a time."""
        query = select_columns(_LETTER.c.key).where(
            _LETTER.c.mailbox == mailbox,
            _LETTER.c.witnessed_at.is_not(None),
            _LETTER.c.leaving_at > since,
        )
        return self._run(query.limit(1), {}).first() is not None

    # --- review ---

    def approve(self, key: str) -> bool:
        """Queue a letter in review, once its draft is removed if one is filed.

        False when it is not in review.
        """
        review = (LetterStatus.REVIEW.value,)
        if self._change(key, review, DraftState.FILED, draft=DraftState.WANTED.value):
            return True
        without_draft = (DraftState.NONE, DraftState.ASKED, DraftState.GONE)
        return self._change(key, review, *without_draft, condition=LetterStatus.QUEUED.value)

    def reword(self, letter: Letter, *, sent: bool = False) -> bool:
        """Give a letter that no server has seen the words of an agent; its key and Message-ID stay.

        Args:
            letter: the letter in its new words.
            sent: an agent has sent it so, whatever its status was.

        Returns:
            False if it is not in review any more.
        """
        may = (LetterStatus.REVIEW.value, *(_CLAIMABLE if sent else ()))
        if not self._change(letter.key, may, condition=_LETTER.c.condition):
            return False

        token = encrypt_value(self._vault, adapter_of(Letter), letter, place("words", letter.key))
        values = {"sealed": token, "mail": self._rendered(letter)}
        self._session.connection().execute(
            update(_TEXT).where(_TEXT.c.letter_key == letter.key).values(values)
        )
        self._session.expire_all()
        return True

    def queue_approved(self, key: str) -> bool:
        """Queue an approved letter whose draft has been removed."""
        return self._change(
            key,
            (LetterStatus.REVIEW.value,),
            DraftState.WANTED,
            condition=LetterStatus.QUEUED.value,
            draft=DraftState.GONE.value,
        )

    def set_draft_state(self, key: str, was: DraftState, becomes: DraftState) -> bool:
        """Store a draft's new state.

        Returns:
            False when the state changed meanwhile, or a new draft is no longer wanted since the letter left
            review.
        """
        may = (LetterStatus.REVIEW.value,) if was is DraftState.NONE else tuple(LetterStatus)
        return self._change(key, may, was, draft=becomes.value)

    def drafts_to_update(self, mailbox: str) -> list[OutboxEntry]:
        """Return the letters whose drafts must be filed in this mailbox, watched, or removed from it."""
        in_review = _LETTER.c.condition == LetterStatus.REVIEW.value
        to_file = and_(in_review, _LETTER.c.draft.in_(_DRAFTS_IN_REVIEW))
        to_remove = and_(not_(in_review), _LETTER.c.draft.in_(_FILED_DRAFTS))
        return self._entries(_WITH_TEXT.where(_LETTER.c.mailbox == mailbox, or_(to_file, to_remove)))

    def changed_drafts(self) -> list[OutboxEntry]:
        """Return letters in review, approved or not, whose drafts were changed or are missing."""
        asked_about = (DraftState.EDITED, DraftState.CHANGED, DraftState.MISSING, DraftState.DISCARDED)
        states = [state.value for state in asked_about]
        query = _WITH_TEXT.where(
            _LETTER.c.condition == LetterStatus.REVIEW.value, _LETTER.c.draft.in_(states)
        )
        return self._entries(query.where(self._scope.covers(_LETTER.c.mailbox)))

    def has_drafts(self) -> bool:
        """Say whether any letter that is not sent has, or had, a draft in a mailbox."""
        unsent = [LetterStatus.REVIEW.value, *_CLAIMABLE]
        query = select(LetterRow.key).where(
            col(LetterRow.condition).in_(unsent), LetterRow.draft != DraftState.NONE.value
        )
        return self._session.exec(query.limit(1)).first() is not None

    # --- rows ---

    def _run(self, statement: Executable, values: Any) -> CursorResult[Any]:
        """Run a statement on the tables; what the session has read of them before is out of date then."""
        result = self._session.connection().execute(statement, values)
        self._session.expire_all()
        return result

    def _change(self, key: str, may: tuple[str, ...], *drafts: DraftState, **values: object) -> bool:
        """Change a letter's row if its status, and its draft's state if any are given, is one of these."""
        where = [col(LetterRow.key) == key, col(LetterRow.condition).in_(may)]
        if drafts:
            where.append(col(LetterRow.draft).in_([draft.value for draft in drafts]))
        result: CursorResult[tuple[()]] = self._session.connection().execute(
            update(LetterRow).where(*where).values(**values)
        )
        self._session.expire_all()
        return result.rowcount == 1

    def _entries(self, query: Select[Any]) -> list[OutboxEntry]:
        """Return the letters that a query selects, oldest first, without their rendered messages."""
        rows = self._run(query.order_by(_LETTER.c.written_at, _LETTER.c.key), {}).all()
        return list(map(self._entry, rows))

    def _entry(self, row: Any, mail: bytes = b"") -> OutboxEntry:
        """Return a letter with its text decrypted, and its rendered message where the caller has read that."""
        return OutboxEntry(
            letter=decrypt_value(self._vault, adapter_of(Letter), row.sealed, place("words", row.key)),
            status=LetterStatus(row.condition),
            not_before=row.not_before,
            attempts=row.attempts,
            reply=row.reply,
            written_at=row.written_at,
            sending_since=row.leaving_at,
            sent_at=row.sent_at,
            witnessed_at=row.witnessed_at,
            copy_due=row.copy_due,
            draft=DraftState(row.draft),
            mail=mail,
        )
