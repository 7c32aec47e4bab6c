"""What became of the customer after the close (practices 13 and 33), and the question in the follow-up."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from followupd.domain import lifecycle
from followupd.domain.calendar import has_come
from followupd.domain.case import NO_COMPLAINT, Case, Outcome, OutcomeRecord, Stage
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import OutcomeKnown, OwnerNudged, Reopened
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Message
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg
from followupd.languages import Catalogue
from followupd.text.answers import Right, read_right

_OPENED = "{} was opened"


class Contact(NamedTuple):
    """A mail of the customer: when it came, and the case that it belongs to, None if it was no complaint."""

    at: datetime
    ref: str | None


class Evidence(NamedTuple):
    """What the ledger saw of a customer anyway: their mails, and their other cases."""

    mails: Sequence[Contact] = ()
    cases: Sequence[Case] = ()


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the next outcome of a closed case is looked at; None for one of which nothing is to be known.

    Args:
        case: the case, as it is stored.
        playbook: the playbook of the case.
    """
    if case.stage is not Stage.CLOSED or case.closed_at is None or not case.customer.address:
        return None

    known = {record.after for record in _of_this_end(case)}
    open_times = [after for after in playbook.outcome_after if str(after) not in known]
    return min((playbook.calendar.after(case.closed_at, after) for after in open_times), default=None)


def decide(_case: Case, _playbook: Playbook, _write: LetterRenderer, _now: datetime) -> list[Decision]:
    """Decide nothing: the evidence is in other cases and mails, which `services/cases.py` reads."""
    return []


def _of_this_end(case: Case) -> list[OutcomeRecord]:
    """Return the outcomes that are known of a case since it was closed last.

    Args:
        case: the case, as it is stored.
    """
    return [record for record in case.outcomes if case.closed_at and record.at >= case.closed_at]


def due_outcomes(case: Case, playbook: Playbook, evidence: Evidence, now: datetime) -> list[OutcomeKnown]:
    """Return what became of the customer, for each time that has come and is not known yet.

    Args:
        case: a closed case.
        playbook: which says how long after the close.
        evidence: the evidence of the customer, from the close on.
        now: the time of the events.
    """
    if next_due(case, playbook) is None or case.closed_at is None:
        return []

    known = {record.after for record in _of_this_end(case)}
    found = []
    for after in playbook.outcome_after:
        until = playbook.calendar.after(case.closed_at, after)
        if str(after) not in known and has_come(until, now):
            outcome, why = outcome_of(case, evidence, until)
            found.append(OutcomeKnown(at=now, after=str(after), outcome=outcome, why=why))
    return found


def outcome_of(case: Case, evidence: Evidence, until: datetime) -> tuple[Outcome, str]:
    """Return what became of the customer until then, and what shows it.

    Of several the strongest counts: a new complaint, then leaving, then coming back, then being content.

    Args:
        case: the case, as it was closed.
        evidence: the evidence of the customer, from the close on.
        until: the end of the time that is looked at, in UTC.
    """
    since = case.closed_at or until
    later = [other for other in evidence.cases if _is_complaint(other, case, since, until)]
    mails = [mail.at for mail in evidence.mails if mail.ref is None and since < mail.at]
    shown: Sequence[tuple[Outcome, Sequence[object], str]] = (
        (Outcome.COMPLAINED_SAME, [other.ref for other in later if _is_same_cause(other, case)], _OPENED),
        (Outcome.COMPLAINED_OTHER, [other.ref for other in later], _OPENED),
        (Outcome.GONE, _come([case.left_at], until), "the customer wrote that they leave, {:%Y-%m-%d}"),
        (Outcome.RETURNED, _come(mails, until), "a mail that is no complaint, {:%Y-%m-%d}"),
        (Outcome.CONTENT, _come(_content_since_fix(case), until), "the customer said so, {:%Y-%m-%d}"),
        (Outcome.SILENT, [case.ref], "no mail since"),
    )
    return next((outcome, why.format(signs[0])) for outcome, signs, why in shown if signs)


def _come(times: Iterable[datetime | None], until: datetime) -> list[datetime]:
    """Return the times that are known and had come by then, the first one first.

    Args:
        times: in UTC and in any order; None for what never happened.
        until: the last moment that counts, in UTC.
    """
    return sorted(at for at in times if at and at <= until)


def _content_since_fix(case: Case) -> list[datetime]:
    """Return when the customer wrote last that all is well; [] where that was before the fix, or never.

    Args:
        case: the case, as it is stored.
    """
    return [at for at in [case.content_at] if at and at >= (case.fixed_at or case.opened_at)]


def _is_complaint(other: Case, case: Case, since: datetime, until: datetime) -> bool:
    """Return whether another case is a complaint of the time in question.

    Args:
        other: another case of the same customer.
        case: the case, as it is stored.
        since: when the case was closed, in UTC.
        until: the end of the time that is looked at, in UTC.
    """
    is_other = other.ref != case.ref and other.stage not in NO_COMPLAINT
    return is_other and since < other.opened_at <= until


def _is_same_cause(other: Case, case: Case) -> bool:
    """Return whether both are about the same: by their causes, or because one is in the thread of the other.

    Args:
        other: another case of the same customer.
        case: the case, as it is stored.
    """
    cause = case.facts.cause_code
    return other.earlier == case.ref or bool(cause and other.facts.cause_code == cause)


# --- "Is it right for you now? A word is enough" ---


def says_right(case: Case, text: str, names: Iterable[str], languages: Catalogue | None) -> Right:
    """Return what a mail answers to the question of the follow-up; unclear where nothing was asked.

    Args:
        case: before the mail.
        text: its new text.
        names: of people, which are no unknown words.
        languages: whose words count.
    """
    if case.followed_up_at is None or case.awaiting_receipt:
        return Right.UNCLEAR
    return read_right(text, list(names), languages)


def read_answer(
    case: Case,
    message: Message,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
    languages: Catalogue | None = None,
) -> list[Decision]:
    """Reopen a case whose customer answers the follow-up that it is not right, and tell the owner.

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
    names = playbook.names_around(case)
    is_asked = case.stage is Stage.FOLLOWED_UP and not message.distrusted
    if not is_asked or says_right(case, message.certain_text, names, languages) is not Right.WRONG:
        return []

    because = msg("the customer answers that it is not right yet")
    reopened = Reopened(at=now, by=message.sender.address, why=because)
    case = lifecycle.after(case, reopened)
    owner = playbook.owner_of(case.owner)
    told = OwnerNudged(
        at=now, matter=str(ReminderKey(ReminderKind.ANSWER, at=now)), whom=owner.id, why=because
    )
    content = LetterContent(because=because, quote=message.text, asks=("promise: ", "fixed"))
    return [reopened, told, write.desk(LetterKind.NUDGE, case, playbook, now, content, owner)]
