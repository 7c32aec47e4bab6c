"""When reminders are sent, and to whom: each person gets at most one mail a day about a case.

The morning's digest (`services/digest.py`) counts as that mail: what it contained is not sent again.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta

from followupd.domain import lifecycle
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.decision import Decision, LetterContent, LetterRenderer, as_event
from followupd.domain.events import OwnerNudged
from followupd.domain.keys import ReminderKind
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Agent, Playbook
from followupd.domain.translatable import sentence_list
from followupd.recovery.remind.reminders import Reminder, person, reminders_of
from followupd.recovery.remind.summary import summary_of

_DAY = timedelta(days=1)


def send_at(reminder: Reminder, case: Case, playbook: Playbook) -> datetime:
    """Return when a reminder is sent: once a day to each person, while the office is open.

    One after today's mail waits for the next working day. A lead or a manager is told in the morning of what
    the owner did not do until then. One that only this person can act on, such as an approval, is sent at once.
    """
    if reminder.at_once:
        return reminder.at

    calendar = playbook.calendar
    at = _in_office_hours(reminder.at, calendar)
    if reminder.level != "owner":
        at = _morning_after(reminder.at, calendar)
    last = dict(case.told).get(person(case, playbook, reminder.level).id)
    if last is None:
        return at

    next_morning = calendar.moment(calendar.local(last).date() + _DAY, calendar.open)
    return max(at, calendar.next_open(next_morning))


def nudges(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return one mail to each person for whom a reminder is due.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    due = [
        reminder
        for reminder in _new_reminders(case, playbook)
        if send_at(reminder, case, playbook) <= now and not reminder.in_digest
    ]
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
    """Return whether a reminder to this person, other than one that is sent at once, is due now."""
    return any(
        send_at(reminder, case, playbook) <= now and not reminder.in_digest
        for reminder in _daily_reminders(case, playbook, agent)
    )


def without_repeats(reminders: Iterable[Reminder]) -> list[Reminder]:
    """Return the reminders without those that say that something comes which others say is due."""
    found = list(reminders)
    due = {(each.key.kind, each.key.number) for each in found if each.key.step != "soon"}
    return [each for each in found if each.key.step != "soon" or (each.key.kind, each.key.number) not in due]


def due_today(case: Case, playbook: Playbook, agent: Agent, now: datetime) -> tuple[Reminder, ...]:
    """Return what today's one mail to this person contains about the case, be it the digest or a reminder.

    The owner is told in the morning of what is due by the evening. A lead or manager is told of nothing
    before it is due.
    """
    calendar = playbook.calendar
    tonight = calendar.moment(calendar.local(now).date() + _DAY, time.min)

    def is_told(reminder: Reminder) -> bool:
        if reminder.level == "owner":
            return _in_office_hours(reminder.at, calendar) < tonight
        return reminder.at <= now

    return tuple(filter(is_told, _daily_reminders(case, playbook, agent)))


def was_reminded_on(case: Case, agent: Agent, day: date, calendar: Calendar) -> bool:
    """Return whether this person was reminded of the case on that day."""
    last = dict(case.told).get(agent.id)
    return last is not None and calendar.local(last).date() == day


def _new_reminders(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Give the reminders that were not sent."""
    for reminder in reminders_of(case, playbook):
        if not case.reminded_at(reminder.key):
            yield reminder


def _daily_reminders(case: Case, playbook: Playbook, agent: Agent) -> Iterator[Reminder]:
    """Give this person's reminders that were not sent and are not sent at once."""
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
    """Return the events of these reminders, and the mail that contains them all."""
    kind = _kind(reminders)
    asks = [ask for reminder in reminders for ask in reminder.asks]
    content = LetterContent(
        because=sentence_list(reminder.sentence for reminder in without_repeats(reminders)),
        asks=tuple(dict.fromkeys(asks)),
        promises=case.owed,
        compensation=case.compensation,
        quote=case.latest or case.story,
        account=summary_of(case, playbook, now) if kind is LetterKind.ESCALATION else (),
    )
    told = [
        OwnerNudged(at=now, matter=str(reminder.key), whom=agent.id, why=reminder.sentence)
        for reminder in reminders
    ]
    return [*told, write.desk(kind, case, playbook, now, content, agent)]


def _kind(reminders: list[Reminder]) -> LetterKind:
    """Return the kind of mail: a question for approval, a reminder to the owner, or an escalation."""
    kinds = {reminder.key.kind for reminder in reminders}
    levels = {reminder.level for reminder in reminders}

    if kinds == {ReminderKind.APPROVAL}:
        return LetterKind.APPROVAL
    if "owner" in levels:
        return LetterKind.NUDGE
    return LetterKind.ESCALATION
