"""Questions to departments (practice 40): asked in a thread of their own, reminded of, and answered."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from followupd.domain import lifecycle
from followupd.domain.calendar import Duration, day_and_time
from followupd.domain.case import Case
from followupd.domain.decision import Decision, LetterContent, LetterRenderer, as_event
from followupd.domain.events import OwnerNudged
from followupd.domain.keys import ReminderKey, ReminderKind, Step
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Helper, Playbook
from followupd.domain.promise import HelpRequest
from followupd.domain.translatable import msg, msgid

#: how long before its date a department is reminded, and how long after it its lead is asked
_BEFORE, _LEAD_AFTER = Duration(4, "business hour"), Duration(1, "business day")
_SENTENCES: dict[Step, str] = {
    "": msgid("a colleague needs an answer by {when}"),
    "soon": msgid("a colleague still needs an answer by {when}"),
    "due": msgid("the answer to this was needed by {when}; please send it now"),
    "settled": msgid("no answer to this is needed any more; thank you"),
    "lead": msgid("{helper} was asked this, to be answered by {when}, and has not answered"),
}


@dataclass(frozen=True, slots=True)
class _Mail:
    """One mail about a request: when it is sent, and to which address of the department."""

    step: Step
    at: datetime
    to: str


def requests_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the next mail to a department is due."""
    times = [mail.at for _, _, mail in _unsent(case, playbook)]
    return min(times, default=None)


def requests(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return the mails to departments that are due; of several about one question only the last.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the mail cannot be written; `services/cases.py` asks the owner.
    """
    found: list[Decision] = []
    latest: dict[int, tuple[HelpRequest, Helper, _Mail]] = {}
    for request, helper, mail in _unsent(case, playbook):
        if mail.at <= now:
            key = ReminderKey(ReminderKind.REQUEST, request.n, mail.step, at=request.due)
            found.append(OwnerNudged(at=now, matter=str(key), why=f"asked {helper.id}"))
            latest[request.n] = (request, helper, mail)

    for request, helper, mail in latest.values():
        letter = _letter(case, playbook, write, now, request, helper, mail)
        case = lifecycle.after(case, as_event(letter, now))
        found.append(letter)
    return found


def _unsent(case: Case, playbook: Playbook) -> Iterator[tuple[HelpRequest, Helper, _Mail]]:
    """Give the mails about requests that were not sent, past and future."""
    for request in case.requests:
        helper = playbook.team.helper(request.helper)
        if helper is None:
            continue
        for mail in _mails(request, helper, case, playbook):
            key = ReminderKey(ReminderKind.REQUEST, request.n, mail.step, at=request.due)
            if not case.reminded_at(key):
                yield request, helper, mail


def _mails(request: HelpRequest, helper: Helper, case: Case, playbook: Playbook) -> Iterator[_Mail]:
    """Give the mails about a request: the question, reminders before its date and at it, one to the lead.

    Where no answer is needed any more, it is the news of that, if the question has left.

    Args:
        request: what is asked.
        helper: the department.
        case: which knows what was sent.
        playbook: whose calendar says when.
    """
    calendar, due = playbook.calendar, request.due
    if request.settled and not request.answer:
        asked = case.reminded_at(ReminderKey(ReminderKind.REQUEST, request.n, "", at=due))
        if asked:
            yield _Mail("settled", asked, helper.email)
    if request not in case.open_requests:
        return
    yield _Mail("", request.asked_at, helper.email)
    soon = calendar.before(due, _BEFORE)
    if soon > request.asked_at:
        yield _Mail("soon", soon, helper.email)
    yield _Mail("due", due, helper.email)
    if helper.lead:
        yield _Mail("lead", calendar.after(due, _LEAD_AFTER), helper.lead)


def _letter(
    case: Case,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
    request: HelpRequest,
    helper: Helper,
    mail: _Mail,
) -> Decision:
    """Render one mail to a department; it says nothing of the customer unless that is shared.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.
        request: what a department is asked.
        helper: the department.
        mail: which step it is, and to whom it goes.
    """
    when = day_and_time(request.due, playbook.calendar)
    content = LetterContent(
        because=msg(_SENTENCES[mail.step], when=when, helper=helper.name),
        quote=request.question,
        until=None if mail.step == "settled" else request.due,
        about=f"request-{request.n}",
        story=(case.newest_words) if helper.share else "",
        account=(case.customer.shown,) if helper.share else (),
    )
    letter = write.desk(LetterKind.REQUEST, case, playbook, now, content, helper.at(mail.to))
    return replace(letter, concerns=(request.n,))
