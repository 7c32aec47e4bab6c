"""What robots report of our letters: one came back, one was called spam, or the customer is away."""

from collections.abc import Sequence
from datetime import datetime

from followupd import log
from followupd.domain.case import Case, LetterMark
from followupd.domain.decision import Step, as_left
from followupd.domain.events import CustomerAway, Held, LetterRefused
from followupd.domain.mail import Message
from followupd.domain.records import Kept
from followupd.domain.status_tags import marks
from followupd.services.ports import Work


def came_back(work: Work, kept: Kept, now: datetime) -> None:
    """A letter of ours came back: it did not reach the customer, however politely the server had taken it."""
    bounce = kept.message.bounce
    named = [bounce.original_message_id] if bounce and bounce.original_message_id else []
    ref = work.cases.naming([*kept.message.thread, *named])
    work.mail.put_down(kept.id, case_ref=ref, reason=kept.message.because)
    if ref is None or bounce is None or not (bounce.permanent or bounce.action == "complaint"):
        return
    case = work.cases.get(ref)
    if bounce.action == "complaint":  # RFC 5965: the customer called our mail spam, so no machine writes again
        held = Held(at=now, by="a feedback report", why="the customer marked a letter of ours as spam")
        record(work, case, [held], now)
        return
    keys = {mark.key: mark for mark in case.letters if mark.state in {"left", "pending", "doubt"}}
    key = next((key for key in kept.message.answers if key in keys), "")
    mark = keys.get(key) or _last_to_customer(case, kept.message)
    if mark is None or mark.state not in {"left", "pending", "doubt"}:
        return
    why = f"the letter came back ({bounce.status or bounce.action or 'undeliverable'})"
    failed = LetterRefused(at=now, by="a delivery report", why=why, key=mark.key, kind=mark.kind)
    # What came back had left: it is in doubt no more, and must not leave again.
    proved = work.outbox.prove(mark.key, now, why)
    left = [as_left(work.outbox.get(mark.key).letter, now, why)] if proved else []
    record(work, case, [*left, failed], now)


def nobody_in(work: Work, kept: Kept, now: datetime) -> None:
    """An absence note moves the letters behind the return date; it never counts as the customer's answer."""
    ref = work.cases.naming(kept.message.thread)
    work.mail.put_down(kept.id, case_ref=ref, reason=kept.message.because)
    until = kept.message.back_on
    # An agent's absence, or a colleague's of the customer, is not the customer's.
    if ref and until and until > now and takes_part(work, work.cases.get(ref), kept.message):
        away = CustomerAway(at=now, by=kept.message.sender.address, why="an absence note", until=until)
        record(work, work.cases.get(ref), [away], now)


def _last_to_customer(case: Case, report: Message) -> LetterMark | None:
    """Return which letter must be meant by a report that names none of ours; one about somebody else means none."""
    whom = report.bounce.recipient.casefold() if report.bounce else ""
    if report.answers or whom not in {"", case.customer.address.casefold()}:
        return None
    return next((mark for mark in reversed(case.letters) if not mark.kind.startswith("desk/")), None)


def takes_part(work: Work, case: Case, message: Message) -> bool:
    """The customer takes part, and whoever the customer wrote to or copied in a mail of this case."""
    sender = message.sender.address.casefold()
    known = {case.customer.address.casefold()}
    first = work.mail.named([case.message_id]) if case.message_id else None
    if first:
        known |= {person.address.casefold() for person in (first.message.sender, *first.message.to, *first.message.cc)}
    return bool(sender) and sender in known


def record(work: Work, case: Case, steps: Sequence[Step], now: datetime) -> Case:
    case = work.cases.record(case, steps, lambda _: now, now)
    for step in steps:
        log.happened(case.ref, type(step).__name__, case.stage)
    work.mail.want_marks(case.ref, marks(case))
    return case
