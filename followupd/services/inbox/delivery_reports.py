"""Handle what machines report about our letters: bounces, spam complaints and absence notes."""

from datetime import datetime, timedelta

from followupd.adapters.storage.ledger import Transaction
from followupd.domain.case import Case, LetterRecord
from followupd.domain.decision import Decision, as_sent
from followupd.domain.events import CustomerAway, Held, LetterRefused
from followupd.domain.letter import LetterRecordState
from followupd.domain.mail import Bounce, Message, StoredMail, addresses_of
from followupd.services.record import record

#: states of a letter that a bounce may be about
_MAY_BOUNCE = frozenset({LetterRecordState.SENT, LetterRecordState.PENDING, LetterRecordState.DOUBT})
#: the action of a feedback report (RFC 5965): the customer marked our mail as spam
_SPAM_COMPLAINT = "complaint"
#: so long an absence keeps letters back that nobody has confirmed: a forged note must not make us forget a promise
MOST_UNPROVEN = timedelta(days=30)


def handle_bounce(tx: Transaction, mail: StoredMail, now: datetime) -> None:
    """Record that a letter did not reach the customer, whatever the SMTP server replied when it took it.

    A spam complaint puts the case on hold, so that nothing is sent without a person (docs/mail.md, "Loops").

    Args:
        tx: the transaction.
        mail: a delivery report (RFC 3464) or a feedback report (RFC 5965).
        now: the time of the cycle, in UTC.
    """
    bounce = mail.message.bounce
    message_ids = list(mail.message.thread)
    if bounce and bounce.original_message_id:
        message_ids.append(bounce.original_message_id)

    ref = tx.cases.ref_for(message_ids)
    tx.mail.mark_processed(mail.id, case_ref=ref, reason=mail.message.because)
    if ref is None or bounce is None:
        return

    case = tx.cases.get(ref)
    if bounce.action == _SPAM_COMPLAINT:
        why = "the customer marked a letter of ours as spam"
        record(tx, case, [Held(at=now, by="a feedback report", why=why)], now)
    elif bounce.permanent:
        _record_returned(tx, case, mail.message, bounce, now)


def _record_returned(tx: Transaction, case: Case, report: Message, bounce: Bounce, now: datetime) -> None:
    """Record in a case that its letter came back, which also proves that it was sent.

    A report about no letter of the case records nothing.

    Args:
        tx: the transaction.
        case: the case.
        report: the delivery report.
        bounce: the mail that it came in.
        now: the time of the cycle, in UTC.
    """
    letter = _returned_letter(case, report, bounce)
    if letter is None:
        return

    why = f"the letter came back ({bounce.status or bounce.action or 'undeliverable'})"
    decisions: list[Decision] = []
    # A letter that came back was sent: it is no longer in doubt, and must not be sent again.
    if tx.outbox.confirm_sent(letter.key, now, why):
        decisions.append(as_sent(tx.outbox.get(letter.key).letter, now, why))

    decisions.append(LetterRefused(at=now, by="a delivery report", why=why, key=letter.key, kind=letter.kind))
    record(tx, case, decisions, now)


def _returned_letter(case: Case, report: Message, bounce: Bounce) -> LetterRecord | None:
    """Return the letter that a report is about, None when it is about no letter of this case.

    That is the letter that it names; a report that names none is about the newest letter to the reported
    address.

    Args:
        case: with the letters that have left.
        report: the mail of the server, with the keys of letters that it answers.
        bounce: what it says; an empty recipient stands for the customer.
    """
    by_key = {letter.key: letter for letter in case.letters if letter.state in _MAY_BOUNCE}
    for key in report.answers:
        if key in by_key:
            return by_key[key]

    if report.answers or bounce.recipient.casefold() not in {"", case.customer.address.casefold()}:
        return None

    return _newest_to_customer(case)


def _newest_to_customer(case: Case) -> LetterRecord | None:
    """Return the newest letter to the customer, None when it cannot have come back."""
    letters = [letter for letter in case.letters if letter.kind.to_customer]
    if not letters or letters[-1].state not in _MAY_BOUNCE:
        return None

    return letters[-1]


def handle_absence(tx: Transaction, mail: StoredMail, now: datetime) -> None:
    """Record a customer's absence: letters wait until the return date, for a month if nobody confirms the sender.

    A note is never taken for an answer. That of an agent is handled by `router`. One without a date of
    return that is to come, or whose sender is forged, changes no case.
    """
    message = mail.message
    ref = tx.cases.ref_for(message.thread)
    tx.mail.mark_processed(mail.id, case_ref=ref, reason=message.because)
    back_on = message.back_on
    if ref is None or back_on is None or back_on <= now or message.forged:
        return

    case = tx.cases.get(ref)
    # The absence of an agent, or of a colleague of the customer, is not the customer's.
    if is_participant(tx, case, message):
        until = back_on if message.proven else min(back_on, now + MOST_UNPROVEN)
        away = CustomerAway(at=now, by=message.sender.address, why="an absence note", until=until)
        record(tx, case, [away], now)


def is_participant(tx: Transaction, case: Case, message: Message) -> bool:
    """Return whether the sender of a mail takes part in the case.

    Participants are the customer, and the sender and recipients of the customer's newest mail. A mail of
    anybody else that names the case, by its thread or in its subject, must not change it (docs/mail.md R6).
    """
    participants = [case.customer]
    first = tx.mail.by_message_id([case.message_id])
    if first:
        participants += [first.message.sender, *first.message.to, *first.message.cc]

    addresses = addresses_of(participants).union(map(str.casefold, case.addresses))
    writers = {message.sender.address.casefold(), _same_organisation(message)} - {""}
    return not writers.isdisjoint(addresses)


def _same_organisation(message: Message) -> str:
    """Return the address that a mail with a Reply-To came from, if both are of one domain; "" otherwise."""
    via = message.via.address.casefold() if message.via else ""
    domain = message.sender.address.casefold().rpartition("@")[2]
    return via if via.endswith(f"@{domain}") else ""


def only_forged_copy(tx: Transaction, case: Case, message: Message) -> str:
    """Return why a participant's mail answers nothing although its sender is confirmed, "" if it may.

    Whoever forges a mail of the customer can name themselves in its copy, and write from there with their own name.

    Args:
        tx: the transaction.
        case: the case.
        message: the mail of a participant.
    """
    customer, sender = case.customer.address.casefold(), message.sender.address.casefold()
    if not message.proven or sender in {customer, *map(str.casefold, case.addresses)}:
        return ""

    mails = [mail.message for mail in tx.mail.of_case(case.ref)]
    named = {
        (mail.sender.address.casefold(), mail.distrusted, receiver)
        for mail in mails
        for receiver in addresses_of((*mail.to, *mail.cc))
    }
    if (customer, "", sender) in named:
        return ""
    return f"no mail that is surely of {case.customer.address} names {message.sender.address}"
