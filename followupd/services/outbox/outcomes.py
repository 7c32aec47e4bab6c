"""What becomes of a letter, and what that means for its case, put down together in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain import events as e
from followupd.domain.case import Case
from followupd.domain.decision import Decision, as_left
from followupd.domain.events import Event
from followupd.domain.letter import (
    DeliveryOutcome,
    DeliveryResult,
    Letter,
    LetterKind,
    LetterStatus,
    OutboxEntry,
)
from followupd.domain.status_tags import marks
from followupd.errors import ConflictError, InvalidTransitionError, NotInDoubtError

#: what a person may say about a letter in doubt
How = Literal["sent", "resend", "drop"]
HOWS: tuple[How, ...] = get_args(How)

#: waits between tries while the server asks us to come back later; the last one repeats
_BACK_OFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
)
#: after this long a deferred letter is given up, and a person is told ...
_GIVE_UP = timedelta(days=5)
#: ... but not before so many tries: a letter may have waited long for other reasons
_TRIES = 8


def record(tx: Transaction, letter: Letter, delivery: DeliveryResult, now: datetime) -> None:
    """Put down what the post said of a letter, and let its leaving move its case."""
    state = tx.outbox.get(letter.key)
    delivery = _given_up(state, delivery, now)
    condition, not_before = _condition(state, delivery, now)
    if not tx.outbox.record_result(letter.key, condition, now, reply=delivery.reply, not_before=not_before):
        return  # settled before, by evidence or by a person
    log.letter_result(letter.key, condition.value, delivery.reply)
    if condition is LetterStatus.DOUBT:
        log.letter_in_doubt(letter.key)
        if not delivery.witnessed:
            tx.outbox.expect_no_copy(letter.key)
    event = _event(letter, delivery, now)
    if event:
        _move(tx, letter, [event], now)


@dataclass(frozen=True, slots=True)
class SentLetter:
    """A letter that the server accepted, with its words, and the letter's case as it was when the letter was taken."""

    letter: Letter
    reply: str
    case: Case | None


def record_sent_batch(tx: Transaction, letters: Sequence[SentLetter], now: datetime) -> None:
    """Put down of letters of different cases that they left, in few statements, whatever their number.

    Raises:
        CaseMovedError: a letter was settled, or a case changed, meanwhile; the transaction is spoilt.
        WrongTurnError: a letter's leaving does not fit its case.
    """
    if not tx.outbox.record_sent_batch([(each.letter.key, each.reply) for each in letters], now):
        raise ConflictError("one of the letters was settled meanwhile")
    turns = [(each.case, as_left(each.letter, now, each.reply)) for each in letters if each.case]
    if not turns:
        return
    afters = tx.cases.record_all(turns, now)
    tx.mail.set_status_tags_for_all({ref: marks(after) for ref, after in afters.items()})
    for case, event in turns:
        log.event_recorded(case.ref, type(event).__name__, afters[case.ref].stage)


def confirm_sent(tx: Transaction, letter: Letter, why: str, now: datetime) -> None:
    """Take evidence that a letter left; it counts more than whatever we had thought of it, even that it waits."""
    if tx.outbox.confirm_sent(letter.key, now, why):
        log.letter_confirmed(letter.key)
        left(tx, letter, why, now)


def left(tx: Transaction, letter: Letter, why: str, now: datetime) -> None:
    """Tell the case that a letter of its has left."""
    _move(tx, letter, [as_left(letter, now, why)], now)


def requeue(tx: Transaction, letter: Letter, why: str, by: str, now: datetime) -> bool:
    """Let a letter in doubt leave once more, the same words with the same Message-ID."""
    if not tx.outbox.record_result(letter.key, LetterStatus.DEFERRED, now, reply=why):
        return False
    _move(tx, letter, [e.LetterAgain(at=now, by=by, why=why, key=letter.key, kind=letter.kind)], now)
    return True


def cancel(tx: Transaction, letter: Letter, why: str, now: datetime) -> None:
    """Take back a letter that has not left, since what it says is not so any more."""
    if tx.outbox.drop(letter.key):
        log.letter_cancelled(letter.key, why)
        _move(tx, letter, [e.LetterDropped(at=now, why=why, key=letter.key, kind=letter.kind)], now)


def resolve(tx: Transaction, key: str, how: How, by: str, now: datetime) -> None:
    """Do what a person says about a letter in doubt, or drop one that still waits.

    Raises:
        NotInDoubtError: there is nothing to say about this letter; one on its way is the daemon's alone.
    """
    state = tx.outbox.get(key)
    if how == "drop":
        _dropped(tx, state, by, now)
    elif state.status is not LetterStatus.DOUBT:
        raise NotInDoubtError(f"{key} is {state.status}, not in doubt")
    elif how == "sent":
        record(tx, state.letter, DeliveryResult(DeliveryOutcome.ACCEPTED, f"{by} says that it left"), now)
    else:
        requeue(tx, state.letter, f"{by} says: send it again", by, now)


def _dropped(tx: Transaction, state: OutboxEntry, by: str, now: datetime) -> None:
    """Drop a letter for good: no machine writes it anew, since nobody may know whether this one left.

    The case is held until a person releases it; the code of a dropped gift card is never given again.
    """
    letter = state.letter
    if not tx.outbox.drop(letter.key):
        raise NotInDoubtError(f"{letter.key} is {state.status} and cannot be dropped")
    why = f"{letter.key} was dropped by hand"
    steps: list[Decision] = [
        e.LetterDropped(at=now, by=by, why="dropped by hand", key=letter.key, kind=letter.kind)
    ]
    if letter.kind == LetterKind.GIFT_CARD:
        steps.append(e.CompensationRefused(at=now, by=by, why=why, n=letter.concerns[0]))
    elif letter.to_customer:
        steps.append(e.Held(at=now, by=by, why=why))
    _move(tx, letter, steps, now)


def _given_up(state: OutboxEntry, delivery: DeliveryResult, now: datetime) -> DeliveryResult:
    # An outage is ours, such as a wrong password over a holiday: no letter dies of it.
    old = now - state.written_at > _GIVE_UP and state.attempts >= _TRIES
    if delivery.outcome is DeliveryOutcome.DEFERRED and not delivery.outage and old:
        return DeliveryResult(
            DeliveryOutcome.REFUSED, f"given up after {_GIVE_UP.days} days: {delivery.reply}"
        )
    return delivery


def _condition(
    state: OutboxEntry, delivery: DeliveryResult, now: datetime
) -> tuple[LetterStatus, datetime | None]:
    match delivery.outcome:
        case DeliveryOutcome.ACCEPTED:
            return LetterStatus.SENT, None
        case DeliveryOutcome.REFUSED:
            return LetterStatus.REFUSED, None
        case DeliveryOutcome.UNKNOWN:
            return LetterStatus.DOUBT, None
        case DeliveryOutcome.DEFERRED:
            return LetterStatus.DEFERRED, now + _BACK_OFF[min(max(state.attempts, 1), len(_BACK_OFF)) - 1]


def _event(letter: Letter, delivery: DeliveryResult, now: datetime) -> Event | None:
    """Return what the case learns from a delivery; a deferred letter has told nobody anything."""
    key, kind = letter.key, letter.kind
    if delivery.outcome is DeliveryOutcome.DEFERRED:
        return None
    if delivery.outcome is DeliveryOutcome.UNKNOWN:
        return e.LetterInDoubt(at=now, why=delivery.reply, key=key, kind=kind)
    if delivery.outcome is DeliveryOutcome.REFUSED:
        return e.LetterRefused(at=now, why=delivery.reply, key=key, kind=kind)
    return as_left(letter, now, delivery.reply)


def _move(tx: Transaction, letter: Letter, steps: list[Decision], now: datetime) -> None:
    """Record what happened in the letter's case, if it has one; a misfit parks the case, and the fact stays."""
    if not letter.case:
        return
    case: Case = tx.cases.get(letter.case)
    try:
        after = tx.cases.record(case, steps, lambda _: now, now)
    except InvalidTransitionError as error:
        log.case_needs_person(case.ref, str(error))
        after = tx.cases.record(case, [e.Parked(at=now, why=str(error))], lambda _: now, now)
    for step in steps:
        log.event_recorded(case.ref, type(step).__name__, after.stage)
    tx.mail.set_status_tags(case.ref, marks(after))
