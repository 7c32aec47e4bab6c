"""Record what became of a letter, and resolve letters in doubt by BCC copy, policy or a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Case
from followupd.domain.decision import Decision, LetterContent, as_sent
from followupd.domain.events import Event, OwnerNudged
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import (
    DeliveryOutcome,
    DeliveryResult,
    Letter,
    LetterKind,
    LetterStatus,
    OutboxEntry,
    SendResult,
)
from followupd.domain.translatable import msg
from followupd.errors import InvalidTransitionError, NotInDoubtError
from followupd.services.context import ServiceContext
from followupd.services.outbox.policy import SendPolicy, last_read
from followupd.services.record import isolated, record, status_tags

#: what a person may decide about a letter in doubt
Resolution = Literal["sent", "resend", "drop"]
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)

#: a letter that was claimed, and the outcome of its delivery
Delivery = tuple[OutboxEntry, DeliveryResult]

#: waits between attempts while the server defers a letter; the last one repeats
_BACK_OFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
)
#: a deferred letter is given up after so long and so many attempts; it may have waited long for other reasons
_GIVE_UP_AFTER, _GIVE_UP_ATTEMPTS = timedelta(days=5), 8
_STATUS_AFTER = {
    DeliveryOutcome.ACCEPTED: LetterStatus.SENT,
    DeliveryOutcome.REFUSED: LetterStatus.REFUSED,
    DeliveryOutcome.UNKNOWN: LetterStatus.DOUBT,
    DeliveryOutcome.DEFERRED: LetterStatus.DEFERRED,
}


def record_deliveries(tx: Transaction, deliveries: Sequence[Delivery], now: datetime) -> None:
    """Record the deliveries of letters of different cases, in a fixed number of statements.

    A letter that was settled meanwhile, by its copy or by a person, stays as it is.

    Args:
        tx: the transaction.
        deliveries: letters as they were claimed, with the outcome of each.
        now: the time of the cycle.
    """
    final = [(entry, _give_up(entry, delivery, now)) for entry, delivery in deliveries]
    results = [_result(entry, delivery, now) for entry, delivery in final]
    unsettled = tx.outbox.record_results(results, now)

    events = []
    for (entry, delivery), result in zip(final, results, strict=True):
        if result.key not in unsettled:
            continue
        _log_result(tx, result, delivery)
        event = _event(entry.letter, delivery, now)
        if event and entry.letter.case:
            events.append((entry.letter.case, event))
    if events:
        _record_events(tx, events, now)


def _log_result(tx: Transaction, result: SendResult, delivery: DeliveryResult) -> None:
    """Log a result; for a letter in doubt, store whether a copy is to be expected."""
    log.letter_result(result.key, result.status.value, result.reply)
    if result.status is not LetterStatus.DOUBT:
        return
    log.letter_in_doubt(result.key)
    if not delivery.witnessed:
        tx.outbox.expect_no_copy(result.key)


def confirm_sent(tx: Transaction, letter: Letter, why: str, now: datetime) -> None:
    """Record evidence that a letter was sent.

    It outweighs any other status, even that the letter is queued. Evidence that comes a second time records
    nothing.

    Args:
        tx: the transaction.
        letter: the letter.
        why: the reason.
        now: the time of the cycle, in UTC.
    """
    if tx.outbox.confirm_sent(letter.key, now, why):
        log.letter_confirmed(letter.key)
        _record_for_case(tx, letter, [as_sent(letter, now, why)], now)


def requeue(tx: Transaction, letter: Letter, why: str, by: str, now: datetime) -> bool:
    """Queue a letter in doubt once more, unchanged and with the same Message-ID.

    Args:
        tx: the transaction.
        letter: the letter.
        why: the reason, for the history.
        by: the person, or "followupd" for the policy.
        now: the time of the cycle.

    Returns:
        False if the letter was settled meanwhile.
    """
    result = SendResult(letter.key, LetterStatus.DEFERRED, why)
    if not tx.outbox.record_results([result], now):
        return False

    again = e.LetterAgain(at=now, by=by, why=why, key=letter.key, kind=letter.kind)
    _record_for_case(tx, letter, [again], now)
    return True


def cancel(tx: Transaction, letter: Letter, why: str, now: datetime) -> None:
    """Cancel a queued letter whose text is no longer true.

    Of one that was claimed in the meantime nothing is recorded.

    Args:
        tx: the transaction.
        letter: the letter.
        why: the reason.
        now: the time of the cycle, in UTC.
    """
    if tx.outbox.drop(letter.key):
        log.letter_cancelled(letter.key, why)
        dropped = e.LetterDropped(at=now, why=why, key=letter.key, kind=letter.kind)
        _record_for_case(tx, letter, [dropped], now)


def resolve(tx: Transaction, key: str, resolution: Resolution, by: str, now: datetime) -> None:
    """Do what a person decided about a letter in doubt, or drop one that is not sent yet.

    Args:
        tx: the transaction.
        key: the letter's key.
        resolution: whether it was sent, is to be sent again, or is dropped for good.
        by: the person.
        now: the time of the cycle.

    Raises:
        NotInDoubtError: the letter is not in doubt, or is just being sent.
    """
    entry = tx.outbox.get(key)
    if resolution == "drop":
        _drop_by_hand(tx, entry, by, now)
    elif entry.status is not LetterStatus.DOUBT:
        raise NotInDoubtError(f"{key} is {entry.status}, not in doubt")
    elif resolution == "sent":
        accepted = DeliveryResult(DeliveryOutcome.ACCEPTED, f"{by} says that it was sent")
        record_deliveries(tx, [(entry, accepted)], now)
    else:
        requeue(tx, entry.letter, f"{by} says: send it again", by, now)


def _drop_by_hand(tx: Transaction, entry: OutboxEntry, by: str, now: datetime) -> None:
    """Drop a letter for good; it is not written again, because it may have been sent.

    The case is on hold until a person releases it. The code of a dropped gift card is never used again.

    Args:
        tx: the transaction.
        entry: the letter, as it is stored.
        by: who says so.
        now: the time of the cycle, in UTC.
    """
    letter = entry.letter
    if not tx.outbox.drop(letter.key):
        raise NotInDoubtError(f"{letter.key} is {entry.status} and cannot be dropped")

    events: list[Event] = [
        e.LetterDropped(at=now, by=by, why="dropped by hand", key=letter.key, kind=letter.kind)
    ]
    why = f"{letter.key} was dropped by hand"
    if letter.kind is LetterKind.GIFT_CARD:
        events.append(e.CompensationRefused(at=now, by=by, why=why, n=letter.concerns[0]))
    elif letter.to_customer:
        events.append(e.Held(at=now, by=by, why=why))
    _record_for_case(tx, letter, events, now)


def _give_up(entry: OutboxEntry, delivery: DeliveryResult, now: datetime) -> DeliveryResult:
    """Return a refusal in place of the deferral of an old letter.

    An outage, such as a wrong password over a holiday, never counts: it says nothing about the letter.
    """
    if delivery.outcome is not DeliveryOutcome.DEFERRED or delivery.outage:
        return delivery
    if now - entry.written_at <= _GIVE_UP_AFTER or entry.attempts < _GIVE_UP_ATTEMPTS:
        return delivery
    why = f"given up after {_GIVE_UP_AFTER.days} days: {delivery.reply}"
    return DeliveryResult(DeliveryOutcome.REFUSED, why)


def _result(entry: OutboxEntry, delivery: DeliveryResult, now: datetime) -> SendResult:
    """Return the status of a letter after an attempt; one that is deferred is tried again later each time."""
    status = _STATUS_AFTER[delivery.outcome]
    not_before = None
    if status is LetterStatus.DEFERRED:
        attempt = min(max(entry.attempts, 1), len(_BACK_OFF))
        not_before = now + _BACK_OFF[attempt - 1]
    return SendResult(entry.letter.key, status, delivery.reply, not_before)


def _event(letter: Letter, delivery: DeliveryResult, now: datetime) -> Event | None:
    """Return what a delivery means for the case; a deferred letter means nothing yet."""
    key, kind, why = letter.key, letter.kind, delivery.reply
    match delivery.outcome:
        case DeliveryOutcome.ACCEPTED:
            return as_sent(letter, now, why)
        case DeliveryOutcome.REFUSED:
            return e.LetterRefused(at=now, why=why, key=key, kind=kind)
        case DeliveryOutcome.UNKNOWN:
            return e.LetterInDoubt(at=now, why=why, key=key, kind=kind)
        case DeliveryOutcome.DEFERRED:
            return None


def _record_events(tx: Transaction, events: Sequence[tuple[str, Event]], now: datetime) -> None:
    """Save one event in each of many different cases, given by their references."""
    cases = tx.cases.get_all({ref for ref, _ in events})
    changes = []
    for ref, event in events:
        if ref in cases:
            [allowed] = _allowed(cases[ref], [event], now)
            changes.append((cases[ref], allowed))

    after = tx.cases.record_all(changes, now)
    tags = {ref: status_tags(case) for ref, case in after.items()}
    tx.mail.set_status_tags_for_all(tags)
    for case, event in changes:
        log.event_recorded(case.ref, type(event).__name__, after[case.ref].stage)


def _record_for_case(tx: Transaction, letter: Letter, events: Sequence[Event], now: datetime) -> None:
    """Save events in the letter's case; the digest and other notices belong to none."""
    if not letter.case:
        return
    case = tx.cases.get(letter.case)
    record(tx, case, _allowed(case, events, now), now)


def _allowed(case: Case, events: Sequence[Event], now: datetime) -> Sequence[Event]:
    """Return the events, or `Parked` in their place when they are not allowed in the case's stage.

    Such a bug must not undo what is recorded about the letter; a person looks at the case.

    Returns:
        All of the events or none of them.
    """
    after = case
    try:
        for event in events:
            after = lifecycle.after(after, event)
    except InvalidTransitionError as error:
        log.case_needs_person(case.ref, str(error))
        return [e.Parked(at=now, why=str(error))]
    return events


#: while the mailbox cannot be read, a person is asked only so long after the copy was expected
_UNREAD_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Resolves letters in doubt."""

    context: ServiceContext
    policy: SendPolicy

    def resolve_in_doubt(self, now: datetime) -> int:
        """Resolve the letters whose copy did not arrive in time.

        Desk mail is sent again if the mailbox shows no copy, with the same Message-ID. A letter to a customer is
        sent again if, besides, the policy allows it; otherwise its owner is asked, once.

        Returns:
            How many letters were sent again or asked about.
        """
        with self.context.ledger.transaction() as tx:
            in_doubt = tx.outbox.in_flight(LetterStatus.DOUBT)

        resolved = 0
        for entry in in_doubt:
            if now < self._copy_expected_by(entry, now):
                continue
            with isolated(f"asking about {entry.letter.key}"), self.context.ledger.transaction() as tx:
                resolved += self._resolve(tx, entry, now)
        return resolved

    def _copy_expected_by(self, entry: OutboxEntry, now: datetime) -> datetime:
        """Return the time by which the copy of a letter arrives, if it arrives at all."""
        sent_at = entry.sending_since or now
        return sent_at + self.policy.witness_within

    def _resolve(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> bool:
        """Send a letter again, ask about it, or wait for its mailbox to be read.

        Return whether anything was done.

        Args:
            tx: the transaction.
            entry: a letter for which it is unknown whether the server took it.
            now: the time of the cycle, in UTC.
        """
        letter = entry.letter
        if letter.to_customer and not self._may_resend(entry):
            return self._ask(tx, entry, now)

        copy_expected_by = self._copy_expected_by(entry, now)
        mailbox_read_at = last_read(tx, letter.mailbox)
        if mailbox_read_at and mailbox_read_at >= copy_expected_by:
            return self._resend(tx, letter, now)

        # The copy may be in the mailbox, unread. An outage of the mailbox must not delay the question for
        # ever, nor a mail to an agent.
        if now < copy_expected_by + _UNREAD_GRACE:
            return False
        return self._ask(tx, entry, now) if letter.to_customer else self._resend(tx, letter, now)

    def _may_resend(self, entry: OutboxEntry) -> bool:
        """Say whether the policy allows sending a letter again whose copy is missing; never a gift card.

        If the server did not accept the BCC recipient, a missing copy proves nothing.
        """
        if self.policy.in_doubt != "resend" or not self.policy.witness:
            return False
        return entry.copy_due and entry.letter.kind is not LetterKind.GIFT_CARD

    def _resend(self, tx: Transaction, letter: Letter, now: datetime) -> bool:
        """Queue a letter again; return False if it was settled meanwhile."""
        return requeue(tx, letter, "in doubt; sent again by policy", "followupd", now)

    def _ask(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> bool:
        """Ask the owner what became of a letter, once for each time that it was sent.

        Returns False if that was done before.
        """
        letter = entry.letter
        case = tx.cases.get(letter.case)
        sent_at = entry.sending_since or now
        key = ReminderKey(ReminderKind.DOUBT, about=f"{letter.key} {sent_at:%Y-%m-%dT%H:%M:%S}")
        if case.reminded_at(key):
            return False

        record(tx, case, self._question(case, letter, key, now), now)
        return True

    def _question(self, case: Case, letter: Letter, key: ReminderKey, now: datetime) -> list[Decision]:
        """Return the reminder and the desk mail with the lines that settle the letter.

        The lines are short, because a longer line that an agent sends back unchanged is taken for a quote of
        the mail. A gift card is not quoted: its code is for the customer only.

        Args:
            case: the case.
            letter: the letter.
            key: the key of the letter.
            now: the time of the cycle, in UTC.
        """
        playbook = self.context.playbooks.for_case(case)
        owner = playbook.owner_of(case.owner)
        reminded = OwnerNudged(at=now, matter=str(key), whom=owner.id, why=f"was {letter.key} sent?")
        is_gift_card = letter.kind is LetterKind.GIFT_CARD
        content = LetterContent(
            because=msg("nobody knows whether {key} left", key=letter.key),
            about=letter.key,
            quote="" if is_gift_card else letter.unwrapped,
            asks=tuple(f"settle: {resolution}" for resolution in RESOLUTIONS),
        )
        mail = self.context.letters.desk(LetterKind.DOUBT, case, playbook, now, content, owner)
        return [reminded, mail]
