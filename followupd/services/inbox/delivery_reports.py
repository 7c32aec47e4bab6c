"""What robots report of our letters: one came back, one was called spam, or the customer is away."""

from collections.abc import Sequence
from datetime import datetime

from followupd import log
from followupd.domain.case import Case, LetterRecord
from followupd.domain.decision import Decision, as_left
from followupd.domain.events import CustomerAway, Held, LetterRefused
from followupd.domain.mail import Message
from followupd.domain.records import StoredMail
from followupd.domain.status_tags import marks
from followupd.services.ports import Transaction


def came_back(tx: Transaction, kept: StoredMail, now: datetime) -> None:
    """A letter of ours came back: it did not reach the customer, however politely the server had taken it."""
    bounce = kept.message.bounce
    named = [bounce.original_message_id] if bounce and bounce.original_message_id else []
    ref = tx.cases.ref_for([*kept.message.thread, *named])
    tx.mail.mark_processed(kept.id, case_ref=ref, reason=kept.message.because)
    if ref is None or bounce is None or not (bounce.permanent or bounce.action == "complaint"):
        return
    case = tx.cases.get(ref)
    if (
        bounce.action == "complaint"
    ):  # RFC 5965: the customer called our mail spam, so no machine writes again
        held = Held(at=now, by="a feedback report", why="the customer marked a letter of ours as spam")
        record(tx, case, [held], now)
        return
    keys = {mark.key: mark for mark in case.letters if mark.state in {"left", "pending", "doubt"}}
    key = next((key for key in kept.message.answers if key in keys), "")
    mark = keys.get(key) or _last_to_customer(case, kept.message)
    if mark is None or mark.state not in {"left", "pending", "doubt"}:
        return
    why = f"the letter came back ({bounce.status or bounce.action or 'undeliverable'})"
    failed = LetterRefused(at=now, by="a delivery report", why=why, key=mark.key, kind=mark.kind)
    # What came back had left: it is in doubt no more, and must not leave again.
    proved = tx.outbox.confirm_sent(mark.key, now, why)
    left = [as_left(tx.outbox.get(mark.key).letter, now, why)] if proved else []
    record(tx, case, [*left, failed], now)


def nobody_in(tx: Transaction, kept: StoredMail, now: datetime) -> None:
    """An absence note moves the letters behind the return date; it never counts as the customer's answer."""
    ref = tx.cases.ref_for(kept.message.thread)
    tx.mail.mark_processed(kept.id, case_ref=ref, reason=kept.message.because)
    until = kept.message.back_on
    # An agent's absence, or a colleague's of the customer, is not the customer's.
    if ref and until and until > now and takes_part(tx, tx.cases.get(ref), kept.message):
        away = CustomerAway(at=now, by=kept.message.sender.address, why="an absence note", until=until)
        record(tx, tx.cases.get(ref), [away], now)


def _last_to_customer(case: Case, report: Message) -> LetterRecord | None:
    """Return which letter must be meant by a report that names none of ours; one about somebody else means none."""
    whom = report.bounce.recipient.casefold() if report.bounce else ""
    if report.answers or whom not in {"", case.customer.address.casefold()}:
        return None
    return next((mark for mark in reversed(case.letters) if not mark.kind.startswith("desk/")), None)


def takes_part(tx: Transaction, case: Case, message: Message) -> bool:
    """The customer takes part, and whoever the customer wrote to or copied in a mail of this case."""
    sender = message.sender.address.casefold()
    known = {case.customer.address.casefold()}
    first = tx.mail.by_message_id([case.message_id]) if case.message_id else None
    if first:
        known |= {
            person.address.casefold()
            for person in (first.message.sender, *first.message.to, *first.message.cc)
        }
    return bool(sender) and sender in known


def record(tx: Transaction, case: Case, steps: Sequence[Decision], now: datetime) -> Case:
    case = tx.cases.record(case, steps, lambda _: now, now)
    for step in steps:
        log.event_recorded(case.ref, type(step).__name__, case.stage)
    tx.mail.set_status_tags(case.ref, marks(case))
    return case
