"""The customer's answers: has it arrived, which the follow-up asks; and which option suits better (docs/answers.md).

What is plain counts. Of anything else nothing is concluded, and the owner is asked what was meant.
"""

from collections.abc import Sequence
from datetime import datetime

from followupd.domain import lifecycle
from followupd.domain.calendar import Duration, has_come
from followupd.domain.case import NO_COMPLAINT, PUT_RIGHT, Case, Stage
from followupd.domain.compensation import Compensation
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import (
    CallAsked,
    CompensationConfirmed,
    CompensationMissing,
    CustomerReached,
    Event,
    OptionChosen,
    OwnerNudged,
    PromiseMade,
    Reopened,
)
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Message
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Option, Promise, PromiseKind
from followupd.domain.translatable import msg, msgid, sentence_list
from followupd.languages import Catalogue
from followupd.text.answers import Answer, ReceiptReading, chosen, read_receipt

#: from the reminder about a receipt to the call
_CALL_AFTER = Duration(2, "business day")


# --- has it arrived? ---


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the owner is asked to call a customer who has not said whether something arrived.

    Returns:
        A time in UTC; None before the owner was reminded of it, after the call was asked for, and when the
        customer has written or was reached.
    """
    reminded_at = max(case.reminders_of(ReminderKind.RECEIPT), default=None)
    if reminded_at is None or not _is_silent(case):
        return None

    call_asked_at = case.call_asked_at
    if call_asked_at and call_asked_at > reminded_at:
        return None
    return playbook.calendar.after(reminded_at, _CALL_AFTER)


def _is_silent(case: Case) -> bool:
    """Return whether the customer was asked whether something arrived, and has not reacted at all."""
    if case.stage is not Stage.FOLLOWED_UP or not case.awaiting_receipt:
        return False

    return not case.unanswered and not case.reached


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask the owner for the call, once.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if case.held or not has_come(next_due(case, playbook), now):
        return []

    grants = case.awaiting_receipt
    pattern = msgid("nobody knows whether it arrived: {grants}. One reminder has brought no answer")
    because = msg(pattern, grants=_named(grants))
    content = LetterContent(
        because=because,
        quote=case.story,
        until=playbook.calendar.next_open(now),
        asks=(*_lines("received", grants), *_lines("missing", grants), "reached", "not-reached"),
    )
    owner = playbook.owner_of(case.owner)
    mail = write.desk(LetterKind.CALL, case, playbook, now, content, owner)
    return [CallAsked(at=now, why=because), mail]


def read_arrival(
    case: Case,
    message: Message,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
    languages: Catalogue | None = None,
) -> list[Decision]:
    """Return what follows from a customer's mail when it is not known whether something arrived.

    What is missing reopens the case. Of what is unclear nothing is concluded; the owner is asked. `case`
    already contains the mail (`CustomerWrote`).

    Args:
        case: the case.
        message: the mail, as it was read.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.
        languages: the words of all languages.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if not case.awaiting_receipt or case.stage in NO_COMPLAINT:
        return []

    reading = _read(case, message, playbook, languages)
    lost = _lost(case, reading, message, now)
    case_after = case
    for event in lost:
        case_after = lifecycle.after(case_after, event)

    arrived = _arrived(case_after, reading, message, now)
    return [*arrived, *lost, *_tell_owner(case_after, reading, message, playbook, write, now)]


def _read(case: Case, message: Message, playbook: Playbook, languages: Catalogue | None) -> ReceiptReading:
    """Return what the mail says about each grant; a forged mail says nothing clearly.

    Args:
        case: the case.
        message: the mail, as it was read.
        playbook: the playbook of the case.
        languages: the words of all languages.
    """
    grants = case.awaiting_receipt
    if message.distrusted:
        return ReceiptReading({grant.n: Answer.UNCLEAR for grant in grants}, settled=False)

    names = playbook.names_around(case)
    return read_receipt(message.certain_text, grants, names, languages)


def _arrived(case: Case, reading: ReceiptReading, message: Message, now: datetime) -> list[Event]:
    """Return what arrived; when that is everything, and nothing else is asked, the customer was reached.

    Args:
        case: the case.
        reading: what the answer says.
        message: the mail, as it was read.
        now: the time of the cycle, in UTC.
    """
    numbers = reading.those(Answer.ARRIVED)
    by, why = message.sender.address, "the customer says that it arrived"
    events: list[Event] = [
        CompensationConfirmed(at=now, by=by, why=why, n=n, settles=reading.settled) for n in numbers
    ]

    everything = len(numbers) == len(reading.answers)
    if everything and reading.settled and not case.reached:
        events.append(CustomerReached(at=now, by=by, why="the customer answered the follow-up"))
    return events


def _lost(case: Case, reading: ReceiptReading, message: Message, now: datetime) -> list[Event]:
    """Return what did not arrive, which reopens a case that was put right.

    Args:
        case: the case.
        reading: what the answer says.
        message: the mail, as it was read.
        now: the time of the cycle, in UTC.
    """
    missing = _grants(case, reading, Answer.MISSING)
    by, why = message.sender.address, f"the customer says that it has not arrived: {_named(missing)}"
    events: list[Event] = [CompensationMissing(at=now, by=by, why=why, n=grant.n) for grant in missing]

    if missing and case.stage in PUT_RIGHT:
        events.append(Reopened(at=now, by=by, why=why))
    return events


def _tell_owner(
    case: Case,
    reading: ReceiptReading,
    message: Message,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
) -> list[Decision]:
    """Tell the owner at once what is missing, and ask about what is unclear, in one mail.

    Args:
        case: the case.
        reading: what the answer says.
        message: the mail, as it was read.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.
    """
    missing = _grants(case, reading, Answer.MISSING)
    unclear = _grants(case, reading, Answer.UNCLEAR)
    if not missing and not unclear:
        return []

    sentences = []
    if missing:
        sentences.append(msg("the customer says that it has not arrived: {grants}", grants=_named(missing)))
    if unclear:
        pattern = msgid("the customer has written, and does not say clearly whether it arrived: {grants}")
        sentences.append(msg(pattern, grants=_named(unclear)))

    because = sentence_list(sentences)
    content = LetterContent(
        because=because,
        compensation=(*missing, *unclear),
        quote=message.text,
        asks=(*_lines("issued", missing), *_lines("received", unclear), *_lines("missing", unclear)),
    )
    owner = playbook.owner_of(case.owner)
    key = ReminderKey(ReminderKind.ANSWER, at=now)
    told = OwnerNudged(at=now, matter=str(key), whom=owner.id, why=because)
    return [told, write.desk(LetterKind.NUDGE, case, playbook, now, content, owner)]


def _grants(case: Case, reading: ReceiptReading, answer: Answer) -> tuple[Compensation, ...]:
    """Return the grants of which the mail says this."""
    numbers = reading.those(answer)
    return tuple(grant for grant in case.compensation if grant.n in numbers)


def _lines(verb: str, grants: Sequence[Compensation]) -> tuple[str, ...]:
    """Return a line with this verb for each grant, for the owner to answer with."""
    return tuple(f"{verb}: {grant.n}" for grant in grants)


def _named(grants: Sequence[Compensation]) -> str:
    """Return the grants in a sentence: "the refund of 25.00 EUR, the coupon"."""
    return sentence_list((grant.named for grant in grants), ", ")


# --- which option? It becomes a promise ---


def read_choice(
    case: Case,
    message: Message,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
    languages: Catalogue | None = None,
) -> list[Decision]:
    """Return what follows from a customer's mail when options are open.

    A clear choice becomes a promise, with its option's date. An unclear one, or one whose date has passed,
    goes to the owner. `case` already contains the mail (`CustomerWrote`).

    Args:
        case: the case.
        message: the mail, as it was read.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.
        languages: the words of all languages.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if not case.to_choose or case.stage in NO_COMPLAINT:
        return []

    option = _chosen_option(case, message, playbook, languages)
    if option is None:
        problem = msg("the customer has written, and does not say clearly which option suits better")
        return _ask_owner(case, message, problem, playbook, write, now)

    if has_come(option.promised_by, now):
        pattern = msgid("the customer has written, and chose option {n}, whose date has passed: {text}")
        problem = msg(pattern, n=option.n, text=option.text)
        return _ask_owner(case, message, problem, playbook, write, now)

    by, why = message.sender.address, f"the customer chose option {option.n}"
    promise = _promise_of(option, case, playbook, now)
    return [
        OptionChosen(at=now, by=by, why=why, n=option.n),
        PromiseMade(at=now, by=by, why=why, promise=promise),
    ]


def _promise_of(option: Option, case: Case, playbook: Playbook, now: datetime) -> Promise:
    """Return the promise that a chosen option becomes."""
    return Promise(
        n=case.next_promise,
        text=option.text,
        kind=PromiseKind.FIRM,
        promised_by=option.promised_by,
        internal_deadline=playbook.own_date(option.promised_by, now),
        source="options",
        owner=case.owner,
        made_at=now,
    )


def _chosen_option(
    case: Case, message: Message, playbook: Playbook, languages: Catalogue | None
) -> Option | None:
    """Return the option that the mail names, None when it names none clearly.

    A forged mail chooses nothing.

    Args:
        case: the case.
        message: the mail, as it was read.
        playbook: the playbook of the case.
        languages: the words of all languages.
    """
    if message.distrusted:
        return None

    names = (case.customer.name, playbook.owner_of(case.owner).name)
    n = chosen(message.certain_text, case.to_choose, names, languages)
    return next((option for option in case.to_choose if option.n == n), None)


def _ask_owner(
    case: Case, message: Message, problem: str, playbook: Playbook, write: LetterRenderer, now: datetime
) -> list[Decision]:
    """Ask the owner which option the customer meant.

    Args:
        case: the case.
        message: the mail, as it was read.
        problem: why it was not done.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.
    """
    lines = [msg("option {n}: {text}", n=option.n, text=option.text) for option in case.to_choose]
    content = LetterContent(
        because=problem,
        quote=message.text,
        problems=tuple(lines),
        asks=tuple(f"choose: {option.n}" for option in case.to_choose),
    )
    owner = playbook.owner_of(case.owner)
    key = ReminderKey(ReminderKind.OPTIONS, at=now)
    asked = OwnerNudged(at=now, matter=str(key), whom=owner.id, why=problem)

    case = lifecycle.after(case, asked)
    return [asked, write.desk(LetterKind.NUDGE, case, playbook, now, content, owner)]
