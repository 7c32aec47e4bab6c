"""What follows from the customer's answer to "has it arrived?", and from none."""

from datetime import datetime

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.calendar import Duration
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import RECEIPT, Compensation
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Message
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg, sentence_list
from followupd.text.answers.receipts import Answer, ReceiptReading, read_receipt

#: from the reminder about a receipt (`remind`) to the call
_PATIENCE = Duration(2, "business day")
#: stages in which a missing refund opens the matter again
_DONE = frozenset({Stage.FIXED, Stage.FOLLOWED_UP, Stage.CLOSED})


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the owner is asked to call a customer who has not said whether it arrived."""
    reminded = max((at for matter, at in case.nudges if matter.startswith(RECEIPT)), default=None)
    quiet = (
        case.stage is Stage.FOLLOWED_UP and case.awaiting_receipt and not (case.unanswered or case.reached)
    )
    if reminded is None or not quiet or (case.call_asked_at and case.call_asked_at > reminded):
        return None
    return playbook.calendar.after(reminded, _PATIENCE)


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask for the call, once."""
    due = next_due(case, playbook)
    if due is None or due > now or case.held:
        return []
    because = msg(
        "nobody knows whether it arrived: {grants}. One reminder has brought no answer",
        grants=_named(case.awaiting_receipt),
    )
    brief = LetterContent(
        because=because,
        quote=case.story,
        until=playbook.calendar.next_open(now),
        asks=(
            *_lines("received", case.awaiting_receipt),
            *_lines("missing", case.awaiting_receipt),
            "reached",
            "not-reached",
        ),
    )
    mail = write.desk(LetterKind.CALL, case, playbook, now, brief, playbook.owner_of(case.owner))
    return [e.CallAsked(at=now, why=because), mail]


def heard(
    case: Case, message: Message, playbook: Playbook, write: LetterRenderer, now: datetime
) -> list[Decision]:
    """Read a customer's mail for whether what was issued has arrived; in doubt conclude nothing and ask the owner.

    `case` has the mail already (CustomerWrote).
    """
    asked = case.awaiting_receipt
    if not asked or case.stage in {Stage.SUSPECTED, Stage.DISMISSED}:
        return []
    names = (case.customer.name, playbook.owner_of(case.owner).name, playbook.company.name)
    reading = read_receipt(_own_words(message), asked, names)
    if message.no_answer.startswith("DMARC"):  # whoever forged it must not close a case
        reading = ReceiptReading({grant.n: Answer.UNCLEAR for grant in asked}, settled=False)
    lost = _lost(case, reading, message, now)
    for step in lost:
        case = lifecycle.after(case, step)
    return [
        *_arrived(case, reading, message, now),
        *lost,
        *_told(case, reading, message, playbook, write, now),
    ]


def _own_words(message: Message) -> str:
    return "\n".join(line for line in message.text.splitlines() if line not in message.doubtful)


def _arrived(case: Case, reading: ReceiptReading, message: Message, now: datetime) -> list[Decision]:
    there = reading.those(Answer.ARRIVED)
    by, why = message.sender.address, "the customer says that it arrived"
    found: list[Decision] = [
        e.CompensationConfirmed(at=now, by=by, why=why, n=n, settles=reading.settled) for n in there
    ]
    if len(there) == len(reading.answers) and reading.settled and not case.reached:
        found.append(e.CustomerReached(at=now, by=by, why="the customer answered the follow-up"))
    return found


def _lost(case: Case, reading: ReceiptReading, message: Message, now: datetime) -> list[e.Event]:
    missing = _grants(case, reading, Answer.MISSING)
    by, why = message.sender.address, f"the customer says that it has not arrived: {_named(missing)}"
    events: list[e.Event] = [e.CompensationMissing(at=now, by=by, why=why, n=grant.n) for grant in missing]
    return [*events, e.Reopened(at=now, by=by, why=why)] if missing and case.stage in _DONE else events


def _told(
    case: Case,
    reading: ReceiptReading,
    message: Message,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
) -> list[Decision]:
    """Tell the owner at once what is missing, and ask about what is not clear, in one mail."""
    missing, unclear = _grants(case, reading, Answer.MISSING), _grants(case, reading, Answer.UNCLEAR)
    if not (missing or unclear):
        return []
    why = (
        [msg("the customer says that it has not arrived: {grants}", grants=_named(missing))]
        if missing
        else []
    )
    if unclear:
        pattern = "the customer has written, and does not say clearly whether it arrived: {grants}"
        why.append(msg(pattern, grants=_named(unclear)))
    brief = LetterContent(
        because=sentence_list(why),
        compensation=(*missing, *unclear),
        quote=message.text,
        asks=(*_lines("issued", missing), *_lines("received", unclear), *_lines("missing", unclear)),
    )
    owner = playbook.owner_of(case.owner)
    told = e.OwnerNudged(at=now, matter=f"answer {now:%Y-%m-%dT%H:%M}", whom=owner.id, why=brief.because)
    return [told, write.desk(LetterKind.NUDGE, case, playbook, now, brief, owner)]


def _grants(case: Case, reading: ReceiptReading, answer: Answer) -> tuple[Compensation, ...]:
    return tuple(grant for grant in case.compensation if grant.n in reading.those(answer))


def _lines(verb: str, grants: tuple[Compensation, ...]) -> tuple[str, ...]:
    return tuple(f"{verb}: {grant.n}" for grant in grants)


def _named(grants: tuple[Compensation, ...]) -> str:
    return sentence_list((grant.named for grant in grants), ", ")
