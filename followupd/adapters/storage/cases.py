"""Cases and their histories: read, due, and recorded in one step with the letters they lead to."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.lease import LeaseScope
from followupd.adapters.storage.outbox import OutboxStore
from followupd.adapters.storage.rows import CASE, event_adapter, insert_all, decrypt_value, encrypt_value, update_all
from followupd.adapters.storage.tables import CaseRow, EventRow, LetterRow, MailRow
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.decision import Decision, as_event
from followupd.domain.events import CaseOpened, ComplaintHeard, Dismissed, Event, FactsStated
from followupd.domain.letter import Letter
from followupd.errors import ConflictError, UnknownCaseError

# Made once, since making a statement costs more than running it; the version is the fence, as in `record`.
_CASE: Table = CaseRow.__table__  # type: ignore[attr-defined]  # a table's class has one
_EVENT: Table = EventRow.__table__  # type: ignore[attr-defined]  # as above
_THESE = (
    select_columns(_CASE.c.ref, _CASE.c.sealed)
    .where(_CASE.c.ref.in_(bindparam("refs", expanding=True)))
    .with_for_update(read=True)
)
_LAST_SEQS = (
    select_columns(_EVENT.c.case_ref, func.max(_EVENT.c.seq))
    .where(_EVENT.c.case_ref.in_(bindparam("refs", expanding=True)))
    .group_by(_EVENT.c.case_ref)
)
#: as far back, in events, and as many stated facts as `impacts` remembers
_LATELY = 20_000
_REMEMBERED = 200


class CaseStore:
    """The cases of the ledger, within one transaction."""

    def __init__(self, session: Session, vault: Vault, outbox: OutboxStore, scope: LeaseScope) -> None:
        self._session, self._vault, self._outbox, self._scope = session, vault, outbox, scope

    def get(self, ref: str) -> Case:
        """Return the case; raises UnknownCaseError."""
        row = self._session.get(CaseRow, ref)
        if row is None:
            raise UnknownCaseError(f"there is no case {ref}")
        return self._value(row)

    def get_all(self, refs: Collection[str]) -> dict[str, Case]:
        """Return those of these cases that are there; nobody else changes one until this transaction ends."""
        rows = self._session.connection().execute(_THESE, {"refs": list(refs)}).all()
        return {ref: decrypt_value(self._vault, CASE, token) for ref, token in rows}

    def all(self, stage: str = "") -> list[Case]:
        query = select(CaseRow).order_by(col(CaseRow.opened_at), col(CaseRow.ref))
        if stage:
            query = query.where(CaseRow.stage == stage)
        return [self._value(row) for row in self._session.exec(query)]

    def unfinished(self) -> list[Case]:
        """Return the cases that are neither closed nor dismissed, oldest first."""
        query = select(CaseRow).where(col(CaseRow.stage).not_in([Stage.CLOSED, Stage.DISMISSED]))
        return [
            self._value(row)
            for row in self._session.exec(query.order_by(col(CaseRow.opened_at), col(CaseRow.ref)))
        ]

    def decisions(self) -> list[tuple[str, datetime, bool]]:
        """Return of each case that a person decided: when, and whether it is a complaint; the last word counts."""
        query = select(EventRow).where(col(EventRow.name).in_([ComplaintHeard.__name__, Dismissed.__name__]))
        found: dict[str, tuple[str, datetime, bool]] = {}
        for row in self._session.exec(query.order_by(col(EventRow.id))):
            event = decrypt_value(self._vault, event_adapter(row.name), row.sealed)
            if isinstance(event, Dismissed) or (isinstance(event, ComplaintHeard) and not event.by_machine):
                found[row.case_ref] = row.case_ref, event.at, isinstance(event, ComplaintHeard)
        return list(found.values())

    def history(self, ref: str) -> list[Event]:
        query = select(EventRow).where(EventRow.case_ref == ref).order_by(col(EventRow.seq))
        return [decrypt_value(self._vault, event_adapter(row.name), row.sealed) for row in self._session.exec(query)]

    def impacts(self, ref: str) -> list[str]:
        """Return what other cases meant for their customers, as agents said it lately, before it was said of this one."""
        newest = self._session.exec(select(func.max(EventRow.id))).one() or 0
        query = select(EventRow).where(
            col(EventRow.id) > newest - _LATELY, EventRow.name == FactsStated.__name__
        )
        found, said = [], False
        for row in self._session.exec(query.order_by(col(EventRow.id).desc()).limit(_REMEMBERED)):
            event = decrypt_value(self._vault, event_adapter(row.name), row.sealed)
            impact = dict(event.facts).get("impact", "") if isinstance(event, FactsStated) else ""
            if row.case_ref == ref:
                said = said or bool(impact)
            elif said and impact:
                found.append(impact)
        return found

    def due(self, now: datetime, limit: int = 100) -> list[str]:
        """Return the references of cases whose moment has come, the longest waiting first."""
        query = select(CaseRow.ref).where(
            col(CaseRow.wake_at) <= now, self._scope.covers(col(CaseRow.mailbox))
        )
        return list(self._session.exec(query.order_by(col(CaseRow.wake_at)).limit(limit)))

    def next_wake(self) -> datetime | None:
        return self._session.exec(select(func.min(CaseRow.wake_at))).one()

    def stages(self) -> dict[str, int]:
        """Count the cases by stage."""
        counted = self._session.exec(select(CaseRow.stage, func.count()).group_by(CaseRow.stage))
        return {stage: number for stage, number in counted}  # noqa: C416  dict() would take the result for a mapping

    def count_open(self) -> int:
        done = [Stage.CLOSED, Stage.DISMISSED]
        return self._session.exec(select(func.count()).where(col(CaseRow.stage).not_in(done))).one()

    def of_customer(self, address: str) -> list[Case]:
        """Return every case of the customer, in any mailbox, oldest first."""
        query = select(CaseRow).where(func.lower(CaseRow.customer_address) == address.lower())
        return [
            self._value(row)
            for row in self._session.exec(query.order_by(col(CaseRow.opened_at), col(CaseRow.ref)))
        ]

    def open_of(self, address: str, mailbox: str) -> list[Case]:
        """Return the customer's cases in this mailbox that are neither closed nor dismissed, newest first."""
        query = (
            select(CaseRow)
            .where(func.lower(CaseRow.customer_address) == address.lower(), CaseRow.mailbox == mailbox)
            .where(col(CaseRow.stage).not_in([Stage.CLOSED, Stage.DISMISSED]))
            .order_by(col(CaseRow.opened_at).desc())
        )
        return [self._value(row) for row in self._session.exec(query)]

    def ref_for(self, message_ids: Sequence[str]) -> str | None:
        """Return the case of the nearest of these Message-IDs that is known, whether mail or letter (MAIL.md R5)."""
        for message_id in reversed(message_ids):
            mail = select(MailRow.case_ref).where(
                MailRow.message_id == message_id, col(MailRow.case_ref).is_not(None)
            )
            letter = select(LetterRow.case_ref).where(LetterRow.message_id == message_id)
            found = self._session.exec(mail.limit(1)).first() or self._session.exec(letter).first()
            if found:
                return found
        return None

    def open(self, first: CaseOpened) -> Case:
        """Write a new case with its first event."""
        case = lifecycle.opened(first)
        self._session.add(self._row(case))
        self._session.flush()
        self._write_event(case.ref, 1, first)
        return case

    def exists(self, ref: str) -> bool:
        return self._session.get(CaseRow, ref) is not None

    def record(
        self, case: Case, steps: Iterable[Decision], wake: Callable[[Case], datetime | None], now: datetime
    ) -> Case:
        """Append what happened, queue what was written, and bring the case up to date, all in this transaction.

        Raises:
            CaseMovedError: somebody else recorded a turn since `case` was read.
            WrongTurnError: an event does not fit the stage.
        """
        decided = list(steps)
        after = case
        for step in decided:
            after = lifecycle.after(after, as_event(step, now))
        after = after.evolve(version=case.version + 1, wake_at=wake(after))
        # The misfit and the version are looked for before anything is written: whoever catches the error inside the
        # transaction goes on with a ledger in which nothing of these steps stands.
        self._update(case, after)
        for seq, step in enumerate(decided, self._last_seq(case.ref) + 1):
            if isinstance(step, Letter):
                self._outbox.queue(step, now)
            self._write_event(case.ref, seq, as_event(step, now))
        return after

    def record_all(self, turns: Sequence[tuple[Case, Event]], wake: datetime) -> dict[str, Case]:
        """Append one event to each of many different cases, all in this transaction, in three statements.

        Raises:
            CaseMovedError: somebody else recorded a turn of one of them since it was read; the transaction is spoilt.
            WrongTurnError: an event does not fit the stage; nothing was written.
        """
        afters = [
            lifecycle.after(case, event).evolve(version=case.version + 1, wake_at=wake)
            for case, event in turns
        ]
        numbered = self._last_seqs([case.ref for case in afters])
        # A letter's leaving moves a case and leaves alone whose it is: columns with an index are written only for a reason.
        same = all(_whose(before) == _whose(after) for (before, _), after in zip(turns, afters, strict=True))
        values = _moved if same else _values
        now = [
            {**values(self._vault, case), "its_ref": case.ref, "before": case.version - 1} for case in afters
        ]
        connection = self._session.connection()
        if update_all(connection, CaseRow, now, {"ref": "its_ref", "version": "before"}) != len(now):
            raise ConflictError("one of the cases was changed meanwhile")
        written = [
            self._event(case.ref, numbered.get(case.ref, 0) + 1, event)
            for case, (_, event) in zip(afters, turns, strict=True)
        ]
        insert_all(connection, EventRow, written)
        self._session.expire_all()
        return {case.ref: case for case in afters}

    def _last_seqs(self, refs: Collection[str]) -> dict[str, int]:
        rows = self._session.connection().execute(_LAST_SEQS, {"refs": list(refs)})
        return {ref: seq for ref, seq in rows}  # noqa: C416  dict() would take the result for a mapping

    def _last_seq(self, ref: str) -> int:
        return self._session.exec(select(func.max(EventRow.seq)).where(EventRow.case_ref == ref)).one() or 0

    def _write_event(self, ref: str, seq: int, event: Event) -> None:
        self._session.add(EventRow(**self._event(ref, seq, event)))

    def _event(self, ref: str, seq: int, event: Event) -> dict[str, Any]:
        name = type(event).__name__
        token = encrypt_value(self._vault, event_adapter(name), event)
        return {"case_ref": ref, "seq": seq, "at": event.at, "name": name, "sealed": token}

    def _update(self, before: Case, after: Case) -> None:
        where = (col(CaseRow.ref) == before.ref, col(CaseRow.version) == before.version)
        changed = update(CaseRow).where(*where).values(**_values(self._vault, after))
        if self._session.connection().execute(changed).rowcount != 1:
            raise ConflictError(f"{before.ref} was changed meanwhile")
        self._session.expire_all()

    def _row(self, case: Case) -> CaseRow:
        return CaseRow(ref=case.ref, **_values(self._vault, case))

    def _value(self, row: CaseRow) -> Case:
        return decrypt_value(self._vault, CASE, row.sealed)


def _values(vault: Vault, case: Case) -> dict[str, Any]:
    """Return a case's columns but for its name."""
    return {**_moved(vault, case), **_whose(case)}


def _moved(vault: Vault, case: Case) -> dict[str, Any]:
    """Return the columns that every turn of a case changes."""
    return {
        "version": case.version,
        "stage": case.stage.value,
        "wake_at": case.wake_at,
        "sealed": encrypt_value(vault, CASE, case),
    }


def _whose(case: Case) -> dict[str, Any]:
    """Return the columns that few turns change."""
    return {
        "mailbox": case.mailbox,
        "held": case.held,
        "playbook": case.playbook,
        "owner": case.owner,
        "customer_address": case.customer.address,
        "opened_at": case.opened_at,
    }
