"""Tells people what they must be told: each at most once a day, all matters of the case in one mail.

The digest of the morning counts as that one mail (`rounds/digest.py`): what it has told is not told again.
"""

from datetime import date, datetime, timedelta

from followupd.domain import lifecycle
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.decision import Decision, LetterContent, LetterRenderer, as_event
from followupd.domain.events import OwnerNudged
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.team import Agent
from followupd.domain.translatable import sentence_list
from followupd.recovery.remind.reminders import Reminder, matters, person
from followupd.recovery.remind.summary import account_of


def moment_of(case: Case, playbook: Playbook, matter: Reminder) -> datetime:
    """A person hears of a case once a day, while somebody is in; what comes later waits for the next opening.

    A word that only this person can give, such as an approval, is asked for at once.
    """
    calendar = playbook.calendar
    if matter.at_once:
        return matter.at
    last = dict(case.told).get(person(case, playbook, matter.rung).id)
    if last is None:
        return _at_work(matter.at, calendar)
    next_day = calendar.moment(calendar.local(last).date() + timedelta(days=1), calendar.open)
    return max(_at_work(matter.at, calendar), calendar.next_open(next_day))


def nudges(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    done = dict(case.nudges)
    due = [
        each
        for each in matters(case, playbook)
        if each.name not in done and moment_of(case, playbook, each) <= now
    ]
    people = {person(case, playbook, each.rung).id: person(case, playbook, each.rung) for each in due}
    steps: list[Decision] = []
    for whom in people.values():
        mine = [each for each in due if person(case, playbook, each.rung) == whom]
        if not all(
            each.at_once for each in mine
        ):  # one mail a day: what comes due by the evening belongs into it
            mine += [each for each in for_today(case, playbook, whom, now) if each not in mine]
        made = _one_mail(case, playbook, write, now, whom, mine)
        for step in made:  # the next mail of the same kind has the next number
            case = lifecycle.after(case, as_event(step, now))
        steps += made
    return steps


def for_today(case: Case, playbook: Playbook, whom: Agent, now: datetime) -> tuple[Reminder, ...]:
    """Return what this person's one mail of today tells of the case, be it the digest or a reminder.

    The owner reads in the morning what comes due by the evening; nobody above hears of anything before its time.
    """
    calendar, done = playbook.calendar, dict(case.nudges)
    today = calendar.local(now).date()
    tonight = calendar.moment(today + timedelta(days=1), datetime.min.time())
    fresh = (each for each in matters(case, playbook) if each.name not in done and not each.at_once)
    mine = (each for each in fresh if person(case, playbook, each.rung) == whom)
    return tuple(
        each
        for each in mine
        if (_at_work(each.at, calendar) < tonight if each.rung == "owner" else each.at <= now)
    )


def due_now(case: Case, playbook: Playbook, whom: Agent, now: datetime) -> bool:
    """Say whether this person would get a reminder of the case at this moment."""
    done = dict(case.nudges)
    fresh = (each for each in matters(case, playbook) if each.name not in done and not each.at_once)
    return any(
        person(case, playbook, each.rung) == whom and moment_of(case, playbook, each) <= now for each in fresh
    )


def told_on(case: Case, whom: Agent, day: date, calendar: Calendar) -> bool:
    """Say whether this person had a reminder of the case on that day."""
    last = dict(case.told).get(whom.id)
    return last is not None and calendar.local(last).date() == day


def _at_work(at: datetime, calendar: Calendar) -> datetime:
    """Return the moment, or the next opening when nobody is in; the closing moment still belongs to its day."""
    day = calendar.local(at).date()
    closes = calendar.is_working_day(day) and at == calendar.close_of(day)
    return at if closes else calendar.next_open(at)


def _one_mail(
    case: Case, playbook: Playbook, write: LetterRenderer, now: datetime, whom: Agent, matters: list[Reminder]
) -> list[Decision]:
    kind = _kind(matters)
    brief = LetterContent(
        because=sentence_list(matter.sentence for matter in matters),
        asks=tuple(dict.fromkeys(ask for matter in matters for ask in matter.asks)),
        promises=case.owed,
        compensation=case.compensation,
        quote=case.latest or case.story,
        account=account_of(case, playbook, now) if kind == LetterKind.ESCALATION else (),
    )
    told = [OwnerNudged(at=now, matter=matter.name, whom=whom.id, why=matter.sentence) for matter in matters]
    return [*told, write.desk(kind, case, playbook, now, brief, whom)]


def _kind(matters: list[Reminder]) -> LetterKind:
    if all(matter.name.startswith("approve-") for matter in matters):
        return LetterKind.APPROVAL
    return LetterKind.NUDGE if any(matter.rung == "owner" for matter in matters) else LetterKind.ESCALATION
