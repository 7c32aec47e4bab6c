"""Cases and their histories."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, bindparam, update
from sqlalchemy import select as core_select
from sqlmodel import Session, col, func, select

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.database import (
    Row,
    adapter_of,
    decrypt_event,
    decrypt_value,
    encrypt_event,
    encrypt_value,
    insert_all,
    place,
    update_all,
)
from followupd.adapters.storage.lease import LeaseScope
from followupd.adapters.storage.outbox import OutboxStore
from followupd.adapters.storage.tables import CaseRow, EventRow, LetterRow, MailRow, table_of
from followupd.domain import lifecycle
from followupd.domain.case import NO_COMPLAINT, Case, Stage
from followupd.domain.decision import Decision, as_event
from followupd.domain.events import CaseOpened, ComplaintHeard, Dismissed, Event, FactsStated
from followupd.domain.letter import Letter
from followupd.errors import ConflictError, UnknownCaseError
from followupd.recovery.recurrence import CauseCase

# Statements that run for every batch of letters are built once: building one costs more than running it.
_CASE = table_of(CaseRow)
_EVENT = table_of(EventRow)
_SELECT_CASES = (
    core_select(_CASE.c.ref, _CASE.c.sealed)
    .where(_CASE.c.ref.in_(bindparam("refs", expanding=True)))
    .with_for_update(read=True)
)
_SELECT_LAST_SEQS = (
    core_select(_EVENT.c.case_ref, func.max(_EVENT.c.seq))
    .where(_EVENT.c.case_ref.in_(bindparam("refs", expanding=True)))
    .group_by(_EVENT.c.case_ref)
)

_FINISHED = (Stage.CLOSED, Stage.DISMISSED)
#: cases of a customer among which a mail's is looked for
_MOST_OF_CUSTOMER = 100
#: how many of the newest events, and how many statements of facts among them, `recent_impacts` looks at
_RECENT_EVENTS = 20_000
_RECENT_FACTS = 200
#: one class of events
OneKind = TypeVar("OneKind", bound=Event)
#: rows that are read at once where all are read
_BATCH = 500


class CaseStore:
    """The ledger's cases, within one transaction."""

    def __init__(self, session: Session, vault: Vault, outbox: OutboxStore, scope: LeaseScope) -> None:
        self._session = session
        self._vault = vault
        self._outbox = outbox
        self._scope = scope

    # one case

    def get(self, ref: str) -> Case:
        """Return a case.

        Args:
            ref: such as "FU-7K3Q9", in capitals.

        Raises:
            UnknownCaseError: there is none.
        """
        row = self._session.get(CaseRow, ref)
        if row is None:
            raise UnknownCaseError(f"there is no case {ref}")
        return self._case(row)

    def exists(self, ref: str) -> bool:
        """Return whether there is a case with this reference."""
        return self._session.get(CaseRow, ref) is not None

    def history(self, ref: str) -> list[Event]:
        """Return the events of a case, oldest first."""
        query = select(EventRow).where(EventRow.case_ref == ref).order_by(col(EventRow.seq))
        return list(map(self._event, self._session.exec(query)))

    def ref_for(self, message_ids: Sequence[str]) -> str | None:
        """Find the case of a thread (docs/mail.md R5).

        Args:
            message_ids: the Message-IDs that a mail refers to, the nearest one last.

        Returns:
            The case of the nearest mail or letter that is known; None when none is.
        """
        for message_id in reversed(message_ids):
            mail = select(MailRow.case_ref).where(
                MailRow.message_id == message_id, col(MailRow.case_ref).is_not(None)
            )
            letter = select(LetterRow.case_ref).where(LetterRow.message_id == message_id)
            ref = self._session.exec(mail.limit(1)).first() or self._session.exec(letter).first()
            if ref:
                return ref
        return None

    def read_any(self) -> None:
        """Decrypt one case and one mail, if there are any.

        Raises:
            DecryptionError: they were encrypted with a key that we do not have.
        """
        case = self._session.exec(select(CaseRow.ref, CaseRow.sealed).limit(1)).first()
        mail = self._session.exec(select(MailRow.fingerprint, MailRow.sealed).limit(1)).first()
        if case and case[1]:
            self._vault.decrypt(case[1], place("case_file", case[0]))
        if mail and mail[1]:
            self._vault.decrypt(mail[1], place("mail", mail[0]))

    # many cases

    def get_all(self, refs: Collection[str]) -> dict[str, Case]:
        """Return those of these cases that exist, and lock them until the transaction ends.

        The lock lets others read the cases, and not change them.

        Args:
            refs: the references of the cases, in any order.

        Returns:
            The cases by reference.
        """
        rows = self._session.connection().execute(_SELECT_CASES, {"refs": list(refs)}).all()
        return {
            ref: decrypt_value(self._vault, adapter_of(Case), token, place("case_file", ref))
            for ref, token in rows
        }

    def all(self, stage: str = "") -> list[Case]:
        """Return all cases, or those in one stage, oldest first."""
        if stage:
            return self._select(CaseRow.stage == stage)
        return self._select()

    def each(self, since: datetime | None = None) -> Iterator[Case]:
        """Give all cases one by one, oldest first; there may be more of them than the memory has room for.

        Args:
            since: leave out cases that were opened before and are closed or dismissed; None for all.
        """
        query = core_select(_CASE.c.ref, _CASE.c.sealed).order_by(_CASE.c.opened_at, _CASE.c.ref)
        if since is not None:
            query = query.where((_CASE.c.opened_at >= since) | _CASE.c.stage.not_in(_FINISHED))
        rows = self._session.connection().execution_options(yield_per=_BATCH).execute(query)
        for ref, token in rows:
            yield decrypt_value(self._vault, adapter_of(Case), token, place("case_file", ref))

    def unfinished(self) -> list[Case]:
        """Return the cases that are neither closed nor dismissed, oldest first."""
        return self._select(col(CaseRow.stage).not_in(_FINISHED))

    def suspected_after(self, ref: str, limit: int) -> list[Case]:
        """Return some of the cases about which an agent decides, in the order of their references.

        Args:
            ref: the last one that was returned, "" for the first ones.
            limit: how many at most.
        """
        suspected = select(CaseRow).where(CaseRow.stage == Stage.SUSPECTED, col(CaseRow.ref) > ref)
        rows = self._session.exec(suspected.order_by(col(CaseRow.ref)).limit(limit))
        return list(map(self._case, rows))

    def of_customer(self, address: str, newest: int | None = None) -> list[Case]:
        """Return the cases of a customer, in every mailbox, oldest first; `newest` of them, or all."""
        return self._select(CaseRow.customer_address == address.lower(), newest=newest)

    def unfinished_of(self, address: str, mailbox: str) -> list[Case]:
        """Return a customer's cases in one mailbox that are neither closed nor dismissed, newest first.

        Each mail asks for them, and thousands may come in one name: so only the newest cases are looked at.
        """
        newest = reversed(self.of_customer(address, _MOST_OF_CUSTOMER))
        return [case for case in newest if case.mailbox == mailbox and case.stage not in _FINISHED]

    def due(self, now: datetime, limit: int = 100) -> list[str]:
        """Return the references of this daemon's cases whose `wake_at` has come, longest due first."""
        query = (
            select(CaseRow.ref)
            .where(col(CaseRow.wake_at) <= now, self._scope.covers(col(CaseRow.mailbox)))
            .order_by(col(CaseRow.wake_at))
            .limit(limit)
        )
        return list(self._session.exec(query))

    def next_wake(self) -> datetime | None:
        """Return the earliest `wake_at` of all cases; None when no case waits for a time."""
        return self._session.exec(select(func.min(CaseRow.wake_at))).one()

    def count_by_stage(self) -> dict[str, int]:
        """Return the number of cases in each stage that has any."""
        rows = self._session.exec(select(CaseRow.stage, func.count()).group_by(CaseRow.stage))
        return {stage: number for stage, number in rows}  # noqa: C416  dict() would take it for a mapping

    def count_unfinished(self) -> int:
        """Return the number of cases that are neither closed nor dismissed."""
        query = select(func.count()).where(col(CaseRow.stage).not_in(_FINISHED))
        return self._session.exec(query).one()

    def count_opened_since(self, at: datetime) -> int:
        """Return how many cases were opened after a time."""
        return self._session.exec(select(func.count()).where(col(CaseRow.opened_at) > at)).one()

    def first_words(self, names: Collection[str], since: datetime) -> dict[str, datetime]:
        """Return when the first event of these classes happened in each case that was opened since.

        Args:
            names: of classes of events.
            since: when the oldest case was opened.
        """
        query = (
            core_select(_EVENT.c.case_ref, func.min(_EVENT.c.at))
            .join(_CASE, _CASE.c.ref == _EVENT.c.case_ref)
            .where(_CASE.c.opened_at >= since, _EVENT.c.name.in_(names))
            .group_by(_EVENT.c.case_ref)
        )
        return {ref: at for ref, at in self._session.connection().execute(query)}  # noqa: C416  rows are no pairs

    def events_of(self, kind: type[OneKind], since: datetime) -> Iterator[tuple[str, OneKind]]:
        """Give the events of one class one by one, each with the reference of its case.

        Args:
            kind: the class.
            since: when the oldest case was opened.
        """
        query = (
            core_select(_EVENT.c.case_ref, _EVENT.c.seq, _EVENT.c.sealed)
            .join(_CASE, _CASE.c.ref == _EVENT.c.case_ref)
            .where(_CASE.c.opened_at >= since, _EVENT.c.name == kind.__name__)
        )
        rows = self._session.connection().execution_options(yield_per=_BATCH).execute(query)
        for ref, seq, token in rows:
            where = place("event", ref, seq, kind.__name__)
            yield ref, decrypt_value(self._vault, adapter_of(kind), token, where)

    # causes

    def of_cause(self, cause: str) -> list[CauseCase]:
        """Return the complaints of one cause, oldest first."""
        query = (
            core_select(_CASE.c.ref, _CASE.c.opened_at, _CASE.c.prevention_told_at, _CASE.c.mailbox)
            .where(_CASE.c.cause == cause, _CASE.c.stage.not_in(NO_COMPLAINT))
            .order_by(_CASE.c.opened_at, _CASE.c.ref)
        )
        return [CauseCase(*row) for row in self._session.connection().execute(query)]

    def causes(self) -> list[str]:
        """Return every cause that any case has, in alphabetical order."""
        query = (
            core_select(_CASE.c.cause).where(_CASE.c.cause.is_not(None)).distinct().order_by(_CASE.c.cause)
        )
        return list(self._session.connection().execute(query).scalars())

    def first_opened_at(self) -> datetime | None:
        """Return when the oldest case was opened; None without any."""
        return self._session.exec(select(func.min(CaseRow.opened_at))).one()

    def fill_causes(self) -> None:
        """Store the causes of cases of before release 0.2 beside them, where they can be searched."""
        unfilled = select(CaseRow).where(col(CaseRow.cause).is_(None))
        for row in self._session.exec(unfilled):
            columns = _stable_columns(self._case(row))
            row.cause, row.prevention_told_at = columns["cause"], columns["prevention_told_at"]
            self._session.add(row)

    # what agents decided and stated

    def agent_verdicts(self) -> list[tuple[str, datetime, bool]]:
        """Return what agents decided about complaints, as training data.

        Returns:
            For each case with such a decision: its reference, the time of the last decision, and whether it
            said that the case is a complaint.
        """
        query = (
            select(EventRow)
            .where(col(EventRow.name).in_([ComplaintHeard.__name__, Dismissed.__name__]))
            .order_by(col(EventRow.id))
        )
        verdicts: dict[str, tuple[str, datetime, bool]] = {}
        for row in self._session.exec(query):
            event = self._event(row)
            is_complaint = isinstance(event, ComplaintHeard)
            if isinstance(event, ComplaintHeard) and event.by_machine:
                continue
            verdicts[row.case_ref] = row.case_ref, event.at, is_complaint
        return list(verdicts.values())

    def recent_impacts(self, ref: str) -> list[str]:
        """Return what agents stated as `impact` of other cases, before that of this case, newest first.

        Only the newest events of the ledger are searched.
        """
        last_id = self._session.exec(select(func.max(EventRow.id))).one() or 0
        query = (
            select(EventRow)
            .where(col(EventRow.id) > last_id - _RECENT_EVENTS, EventRow.name == FactsStated.__name__)
            .order_by(col(EventRow.id).desc())
            .limit(_RECENT_FACTS)
        )
        stated = [(row.case_ref, _impact(self._event(row))) for row in self._session.exec(query)]
        own = [index for index, (case_ref, impact) in enumerate(stated) if case_ref == ref and impact]
        if not own:
            return []
        return [impact for case_ref, impact in stated[own[0] :] if case_ref != ref and impact]

    # writing

    def open(self, first: CaseOpened) -> Case:
        """Store a new case with its first event."""
        case = lifecycle.opened(first)
        self._session.add(CaseRow(ref=case.ref, **self._columns(case)))
        self._session.flush()
        self._session.add(EventRow(**self._event_row(case.ref, 1, first)))
        return case

    def record(
        self, case: Case, steps: Iterable[Decision], wake: Callable[[Case], datetime | None], now: datetime
    ) -> Case:
        """Append events to a case's history, queue its letters, and update the case.

        Args:
            case: the case as it was read.
            steps: the events and letters, in order.
            wake: returns when to look at the case next, given the case as it is afterwards.
            now: the time of the events that letters cause.

        Returns:
            The case as it is afterwards.

        Raises:
            ConflictError: another process changed the case since it was read.
            InvalidTransitionError: an event is not allowed in the case's stage.
        """
        steps = list(steps)
        events = [as_event(step, now) for step in steps]
        after = case
        for event in events:
            after = lifecycle.after(after, event)
        after = after.evolve(version=case.version + 1, wake_at=wake(after))

        # Both errors are raised before anything is written, so that a caller that catches one inside the
        # transaction commits nothing of these steps.
        self._update(case, after)
        seqs = count(self._last_seq(case.ref) + 1)
        for step, event in zip(steps, events, strict=True):
            if isinstance(step, Letter):
                self._outbox.queue(step, now)
            self._session.add(EventRow(**self._event_row(case.ref, next(seqs), event)))
        return after

    def record_all(self, events: Sequence[tuple[Case, Event]], wake: datetime) -> dict[str, Case]:
        """Append one event to each of many cases, in three statements.

        Args:
            events: different cases as they were read, each with its event.
            wake: when to look at all of them next.

        Returns:
            The cases as they are afterwards, by reference.

        Raises:
            ConflictError: another process changed one of the cases since it was read; the transaction must be
                rolled back.
            InvalidTransitionError: an event is not allowed in a case's stage; nothing was written.
        """
        before = [case for case, _ in events]
        after = [
            lifecycle.after(case, event).evolve(version=case.version + 1, wake_at=wake)
            for case, event in events
        ]
        self._update_all(before, after)

        last_seqs = self._last_seqs([case.ref for case in after])
        rows = [self._event_row(case.ref, last_seqs.get(case.ref, 0) + 1, event) for case, event in events]
        insert_all(self._session.connection(), EventRow, rows)
        self._session.expire_all()
        return {case.ref: case for case in after}

    def _update(self, before: Case, after: Case) -> None:
        """Update a case; raises ConflictError when it is not the version that was read."""
        statement = (
            update(CaseRow)
            .where(col(CaseRow.ref) == before.ref, col(CaseRow.version) == before.version)
            .values(**self._columns(after))
        )
        if self._session.connection().execute(statement).rowcount != 1:
            raise ConflictError(f"{before.ref} was changed meanwhile")
        self._session.expire_all()

    def _update_all(self, before: list[Case], after: list[Case]) -> None:
        """Update many cases; raises ConflictError when one is not the version that was read.

        Columns with an index are left out if they do not change in any of the cases, as when a letter was
        sent.
        """
        columns = self._columns
        if list(map(_stable_columns, before)) == list(map(_stable_columns, after)):
            columns = self._changing_columns

        rows = [{**columns(case), "case_ref": case.ref, "read_version": case.version - 1} for case in after]
        where = {"ref": "case_ref", "version": "read_version"}
        if update_all(self._session.connection(), CaseRow, rows, where) != len(rows):
            raise ConflictError("one of the cases was changed meanwhile")

    # rows

    def _select(self, *conditions: ColumnElement[bool] | bool, newest: int | None = None) -> list[Case]:
        """Return the cases that meet the conditions, oldest first; `newest` of them, or all."""
        latest = (col(CaseRow.opened_at).desc(), col(CaseRow.ref).desc())
        query = select(CaseRow).where(*conditions).order_by(*latest).limit(newest)
        return list(map(self._case, self._session.exec(query)))[::-1]

    def _case(self, row: CaseRow) -> Case:
        return decrypt_value(self._vault, adapter_of(Case), row.sealed, place("case_file", row.ref))

    def _event(self, row: EventRow) -> Event:
        return decrypt_event(self._vault, row.name, row.sealed, row.case_ref, row.seq)

    def _last_seq(self, ref: str) -> int:
        """Return the number of a case's last event, counting those that this session has not flushed yet."""
        query = select(func.max(EventRow.seq)).where(EventRow.case_ref == ref)
        return self._session.exec(query).one() or 0

    def _last_seqs(self, refs: Collection[str]) -> dict[str, int]:
        """Return the number of the last event that is stored of each case."""
        rows = self._session.connection().execute(_SELECT_LAST_SEQS, {"refs": list(refs)})
        return {ref: seq for ref, seq in rows}  # noqa: C416  dict() would take it for a mapping

    def _event_row(self, ref: str, seq: int, event: Event) -> Row:
        """Return the columns of an event; what people wrote is only in the encrypted one."""
        return {
            "case_ref": ref,
            "seq": seq,
            "at": event.at,
            "name": type(event).__name__,
            "sealed": encrypt_event(self._vault, event, ref, seq),
        }

    def _columns(self, case: Case) -> Row:
        """Return a case's columns, except its reference."""
        return {**self._changing_columns(case), **_stable_columns(case)}

    def _changing_columns(self, case: Case) -> Row:
        """Return the columns that every event changes or may change."""
        return {
            "version": case.version,
            "stage": case.stage.value,
            "wake_at": case.wake_at,
            "sealed": encrypt_value(self._vault, adapter_of(Case), case, place("case_file", case.ref)),
        }


def _stable_columns(case: Case) -> dict[str, Any]:
    """Return the columns that few events change."""
    return {
        "mailbox": case.mailbox,
        "held": case.held,
        "playbook": case.playbook,
        "owner": case.owner,
        "customer_address": case.customer.address.lower(),
        "opened_at": case.opened_at,
        "cause": case.facts.cause_code,
        "prevention_told_at": _prevention_told_at(case),
    }


def _prevention_told_at(case: Case) -> datetime | None:
    """Return when the customer was told last that it will not happen again; older cases do not say so by themselves.

    Args:
        case: the case, as it is to be stored.

    Returns:
        in UTC; None where the customer was not told.
    """
    if case.prevented:
        return case.prevented[-1][1]
    is_told = case.facts.cause_code and case.facts.prevention
    return case.followed_up_at if is_told else None


def _impact(event: Event) -> str:
    """Return the impact that an event states; "" when it states none."""
    return dict(event.facts).get("impact", "") if isinstance(event, FactsStated) else ""
