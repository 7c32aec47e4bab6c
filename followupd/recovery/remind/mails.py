"""The mails of a case to colleagues: reminders, at most one a day to each person, and questions to departments.

The morning's digest (`services/digest.py`) counts as that mail: what it contained is not sent again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from followupd.domain import lifecycle
from followupd.domain.calendar import Calendar, Duration, day, day_and_time
from followupd.domain.case import Case
from followupd.domain.compensation import GrantState
from followupd.domain.decision import Decision, LetterContent, LetterRenderer, as_event
from followupd.domain.events import OwnerNudged
from followupd.domain.keys import ReminderKey, ReminderKind, Step
from followupd.domain.letter import LetterKind, LetterRecordState
from followupd.domain.playbook import Agent, Helper, Playbook
from followupd.domain.promise import HelpRequest, Relation
from followupd.domain.translatable import msg, msgid, sentence_list
from followupd.recovery.remind.delays import leaving_today
from followupd.recovery.remind.reminders import Reminder, person, reminders_of

_DAY = timedelta(days=1)
#: how a promise was told, by its relation to its date
_TOLD = {
    Relation.BY: msgid("{promise} told by {when}, is {state}"),
    Relation.ON: msgid("{promise} told for {when}, is {state}"),
    Relation.BETWEEN: msgid("{promise} told for {when}, is {state}"),
    Relation.FROM: msgid("{promise} told from {when} on, is {state}"),
}
#: how long before its date a department is reminded, and how long after it its lead is asked
_BEFORE, _LEAD_AFTER = Duration(4, "business hour"), Duration(1, "business day")
_SENTENCES: dict[Step, str] = {
    "": msgid("a colleague needs an answer by {when}"),
    "soon": msgid("a colleague still needs an answer by {when}"),
    "due": msgid("the answer to this was needed by {when}; please send it now"),
    "settled": msgid("no answer to this is needed any more; thank you"),
    "lead": msgid("{helper} was asked this, to be answered by {when}, and has not answered"),
}


def send_at(reminder: Reminder, case: Case, playbook: Playbook) -> datetime:
    """Return when a reminder is sent: once a day to each person, while the office is open.

    One after today's mail waits for the next working day. A lead or a manager is told in the morning of what
    the owner did not do until then, and on the same day of a missed date that the customer was told. One that
    only this person can act on, such as an approval, is sent at once.
    """
    if reminder.at_once:
        return reminder.at

    calendar = playbook.calendar
    at = _in_office_hours(reminder.at, calendar)
    if reminder.level != "owner" and not reminder.same_day:
        at = _morning_after(reminder.at, calendar)
    last = dict(case.told).get(person(case, playbook, reminder.level).id)
    if last is None:
        return at

    next_morning = calendar.moment(calendar.local(last).date() + _DAY, calendar.open)
    return max(at, calendar.next_open(next_morning))


def nudges(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return one mail to each person for whom a reminder is due.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    due = [reminder for reminder in _new_reminders(case, playbook) if _is_sent(reminder, case, playbook, now)]
    decisions: list[Decision] = []

    for agent in _recipients(due, case, playbook):
        mine = [reminder for reminder in due if person(case, playbook, reminder.level) == agent]
        mail = _one_mail(
            case, playbook, write, now, agent, _with_rest_of_day(mine, case, playbook, agent, now)
        )
        for decision in mail:  # so that the next mail of this kind gets the next number
            case = lifecycle.after(case, as_event(decision, now))
        decisions += mail
    return decisions


def is_due(case: Case, playbook: Playbook, agent: Agent, now: datetime) -> bool:
    """Return whether a reminder to this person, other than one that is sent at once, is due now.

    Those that only a digest tells are never due.

    Args:
        case: the case.
        playbook: the playbook of the case.
        agent: the agent.
        now: the time of the cycle, in UTC.
    """
    reminders = _daily_reminders(case, playbook, agent)
    return any(_is_sent(reminder, case, playbook, now) for reminder in reminders)


def _is_sent(reminder: Reminder, case: Case, playbook: Playbook, now: datetime) -> bool:
    """Return whether a reminder is sent now, by a mail that is no digest."""
    return not reminder.in_digest and send_at(reminder, case, playbook) <= now


def without_repeats(reminders: Iterable[Reminder]) -> list[Reminder]:
    """Return the reminders without those that say that something comes which others say is due.

    Args:
        reminders: the reminders of one case, so that kind and number say what each is about; their order is kept.
    """
    found = list(reminders)
    due = {(each.key.kind, each.key.number) for each in found if each.key.step != "soon"}
    return [each for each in found if each.key.step != "soon" or (each.key.kind, each.key.number) not in due]


def due_today(case: Case, playbook: Playbook, agent: Agent, now: datetime) -> tuple[Reminder, ...]:
    """Return what today's one mail to this person contains about the case, be it the digest or a reminder.

    The owner is told in the morning of what is due by the evening. A lead or manager is told of nothing
    before it is due.

    Args:
        case: the case.
        playbook: in whose time zone the day is meant.
        agent: the owner, a lead or a manager; anybody else is told of nothing.
        now: the time of the cycle, in UTC.
    """
    calendar = playbook.calendar
    tonight = calendar.moment(calendar.local(now).date() + _DAY, time.min)

    def is_told(reminder: Reminder) -> bool:
        if reminder.level == "owner":
            return _in_office_hours(reminder.at, calendar) < tonight
        return reminder.at <= now

    return tuple(filter(is_told, _daily_reminders(case, playbook, agent)))


def was_reminded_on(case: Case, agent: Agent, day: date, calendar: Calendar) -> bool:
    """Return whether this person was reminded of the case on that day, a date in the company's time zone."""
    last = dict(case.told).get(agent.id)
    return last is not None and calendar.local(last).date() == day


def _new_reminders(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Give the reminders that were not sent."""
    for reminder in reminders_of(case, playbook):
        if not case.reminded_at(reminder.key):
            yield reminder


def _daily_reminders(case: Case, playbook: Playbook, agent: Agent) -> Iterator[Reminder]:
    """Give this person's reminders that were not sent and are not sent at once.

    Args:
        case: the case.
        playbook: which says who is reminded at each level, and who stands in for somebody away.
        agent: the person.
    """
    for reminder in _new_reminders(case, playbook):
        if not reminder.at_once and person(case, playbook, reminder.level) == agent:
            yield reminder


def _recipients(reminders: list[Reminder], case: Case, playbook: Playbook) -> list[Agent]:
    """Return who is reminded, each person once."""
    recipients: dict[str, Agent] = {}
    for reminder in reminders:
        agent = person(case, playbook, reminder.level)
        recipients[agent.id] = agent

    return list(recipients.values())


def _with_rest_of_day(
    reminders: list[Reminder], case: Case, playbook: Playbook, agent: Agent, now: datetime
) -> list[Reminder]:
    """Add what comes due later today, since there is one mail a day.

    A mail that is sent at once does not count as that one.

    Args:
        reminders: what the mail is sent for.
        case: the case.
        playbook: the playbook of the case.
        agent: to whom the mail is written.
        now: the time of the cycle, in UTC.
    """
    if all(reminder.at_once for reminder in reminders):
        return reminders

    rest = [
        reminder
        for reminder in due_today(case, playbook, agent, now)
        if reminder not in reminders and not reminder.in_digest
    ]
    return reminders + rest


def _morning_after(at: datetime, calendar: Calendar) -> datetime:
    """Return the opening on a working day that is not before this time."""
    morning = calendar.moment(calendar.local(at).date(), calendar.open)
    if morning < at:
        morning += _DAY

    return calendar.next_open(morning)


def _in_office_hours(at: datetime, calendar: Calendar) -> datetime:
    """Return the time itself, or the next opening if the office is closed.

    The closing time belongs to its day.
    """
    day = calendar.local(at).date()
    is_closing_time = calendar.is_working_day(day) and at == calendar.close_of(day)
    return at if is_closing_time else calendar.next_open(at)


def _one_mail(
    case: Case,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
    agent: Agent,
    reminders: list[Reminder],
) -> list[Decision]:
    """Return the events of these reminders, and the mail that contains them all.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the mail.
        now: the time of the cycle, in UTC.
        agent: to whom it is written.
        reminders: what it says; an event is stored for each, also for one whose sentence is left out because
            another says more.
    """
    kind = _kind(reminders)
    shown = None
    if agent == playbook.owner_of(case.owner) and not all(reminder.at_once for reminder in reminders):
        shown = leaving_today(case, playbook, write, now)
    asks = [ask for reminder in reminders for ask in reminder.asks]
    content = LetterContent(
        because=sentence_list(
            [*([shown.what] if shown else []), *(each.sentence for each in without_repeats(reminders))]
        ),
        letter=shown.letter if shown else "",
        asks=tuple(dict.fromkeys(asks)),
        promises=case.owed,
        compensation=case.compensation,
        quote=case.newest_words,
        account=summary_of(case, playbook, now) if kind is LetterKind.ESCALATION else (),
    )
    told = [
        OwnerNudged(at=now, matter=str(reminder.key), whom=agent.id, why=reminder.sentence)
        for reminder in reminders
    ]
    read = [OwnerNudged(at=now, matter=matter, why=shown.what) for matter in shown.matters] if shown else []
    return [*told, *read, write.desk(kind, case, playbook, now, content, agent)]


def _kind(reminders: list[Reminder]) -> LetterKind:
    """Return the kind of mail: a question for approval, a reminder to the owner, or an escalation."""
    kinds = {reminder.key.kind for reminder in reminders}
    levels = {reminder.level for reminder in reminders}

    if kinds == {ReminderKind.APPROVAL}:
        return LetterKind.APPROVAL
    if "owner" in levels:
        return LetterKind.NUDGE
    return LetterKind.ESCALATION


# --- the case in brief, for somebody who has to step in (practice 41) ---


def summary_of(case: Case, playbook: Playbook, now: datetime) -> tuple[str, ...]:
    """Return in lines how old the case is, its matter, and what was promised, given and written."""
    return (
        _age(case, playbook, now),
        *_facts(case),
        *_promise_lines(case, playbook),
        *_grants(case),
        *_correspondence(case, playbook),
        *_request_lines(case, playbook),
        *_told_lines(case, playbook),
    )


def _age(case: Case, playbook: Playbook, now: datetime) -> str:
    """Return for how many days the case is open, and its severity."""
    local = playbook.calendar.local
    days = (local(now).date() - local(case.opened_at).date()).days
    severity = msg(case.severity)

    if days == 0:
        return msg("opened today, of {severity} severity", severity=severity)
    if days == 1:
        return msg("open for {n} day, of {severity} severity", n=days, severity=severity)
    return msg("open for {n} days, of {severity} severity", n=days, severity=severity)


def _facts(case: Case) -> Iterator[str]:
    """Give what is wrong, what it means for the customer, and what the customer wants."""
    facts = case.facts

    if facts.issue:
        yield msg("the complaint: {words}", words=facts.issue)
    if facts.impact:
        yield msg("what it means for the customer: {words}", words=facts.impact)
    if facts.wants:
        yield msg("the customer wants: {words}", words=facts.wants)


def _promise_lines(case: Case, playbook: Playbook) -> Iterator[str]:
    """Give each promise with its date and its state."""
    for promise in case.promises:
        name, state = promise.named, msg(promise.state)
        if promise.because:
            state = msg("{state} ({why})", state=state, why=promise.because)

        if promise.promised_by:
            when = day(promise.promised_by, playbook.calendar)
            yield msg(_TOLD[promise.relation], promise=name, when=when, state=state)
        else:
            yield msg("{promise} is {state}", promise=name, state=state)


def _grants(case: Case) -> Iterator[str]:
    """Give each grant with its state, except refused ones."""
    for grant in case.compensation:
        if grant.state is not GrantState.REFUSED:
            yield msg("{grant}: {state}", grant=grant.named, state=msg(grant.state))


def _correspondence(case: Case, playbook: Playbook) -> Iterator[str]:
    """Give the letters that were sent, and who wrote last."""
    calendar = playbook.calendar
    sent = []
    for record in case.letters_in(LetterRecordState.SENT):
        if record.kind.to_customer:
            when = day(record.at, calendar)
            sent.append(msg("{letter} on {when}", letter=msg(record.kind), when=when))

    if sent:
        yield msg("letters so far: {letters}", letters=sentence_list(sent, ", "))
    if case.customer_wrote_at:
        yield msg("the customer wrote last on {when}", when=day(case.customer_wrote_at, calendar))
    if case.we_wrote_at:
        yield msg("we wrote last on {when}", when=day(case.we_wrote_at, calendar))
    else:
        yield msg("we have not written yet")


def _told_lines(case: Case, playbook: Playbook) -> Iterator[str]:
    """Give who was reminded, and when last."""
    for agent_id, at in case.told:
        agent = playbook.team.by_id(agent_id) or playbook.owner_of(agent_id)
        name = agent.name
        when = day(at, playbook.calendar)
        yield msg("{name} was reminded last on {when}", name=name, when=when)


def _request_lines(case: Case, playbook: Playbook) -> Iterator[str]:
    """Give what departments were asked, with their answers."""
    for request in case.requests:
        if request.answer:
            yield msg("{request} was answered: {answer}", request=request.named, answer=request.answer)
        elif request.settled:
            yield msg("{request} was asked, and needs no answer any more", request=request.named)
        else:
            when = day(request.due, playbook.calendar)
            yield msg("{request} was asked, to be answered by {when}", request=request.named, when=when)


# --- questions to departments (practice 40): asked in a thread of their own, reminded of, and answered ---


@dataclass(frozen=True, slots=True)
class _RequestMail:
    """One mail about a request: when it is sent, and to which address of the department."""

    step: Step
    at: datetime
    to: str


def requests_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the next mail to a department is due."""
    times = [mail.at for _, _, mail in _unsent_requests(case, playbook)]
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
    latest: dict[int, tuple[HelpRequest, Helper, _RequestMail]] = {}
    for request, helper, mail in _unsent_requests(case, playbook):
        if mail.at <= now:
            key = ReminderKey(ReminderKind.REQUEST, request.n, mail.step, at=request.due)
            found.append(OwnerNudged(at=now, matter=str(key), why=f"asked {helper.id}"))
            latest[request.n] = (request, helper, mail)

    for request, helper, mail in latest.values():
        letter = _rendered_request(case, playbook, write, now, request, helper, mail)
        case = lifecycle.after(case, as_event(letter, now))
        found.append(letter)
    return found


def _unsent_requests(case: Case, playbook: Playbook) -> Iterator[tuple[HelpRequest, Helper, _RequestMail]]:
    """Give the mails about requests that were not sent, past and future."""
    for request in case.requests:
        helper = playbook.team.helper(request.helper)
        if helper is None:
            continue
        for mail in _request_mails(request, helper, case, playbook):
            key = ReminderKey(ReminderKind.REQUEST, request.n, mail.step, at=request.due)
            if not case.reminded_at(key):
                yield request, helper, mail


def _request_mails(
    request: HelpRequest, helper: Helper, case: Case, playbook: Playbook
) -> Iterator[_RequestMail]:
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
            yield _RequestMail("settled", asked, helper.email)
    if request not in case.open_requests:
        return
    yield _RequestMail("", request.asked_at, helper.email)
    soon = calendar.before(due, _BEFORE)
    if soon > request.asked_at:
        yield _RequestMail("soon", soon, helper.email)
    yield _RequestMail("due", due, helper.email)
    if helper.lead:
        yield _RequestMail("lead", calendar.after(due, _LEAD_AFTER), helper.lead)


def _rendered_request(
    case: Case,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
    request: HelpRequest,
    helper: Helper,
    mail: _RequestMail,
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
