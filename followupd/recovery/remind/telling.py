"""Tells people what they must be told: each at most once a day, all matters of the case in one mail."""

from datetime import datetime, timedelta

from followupd.model.agent import Agent
from followupd.model.case import Case
from followupd.model.event import OwnerNudged
from followupd.model.letter import APPROVAL, ESCALATION, NUDGE, Brief, Step, Writer, as_event
from followupd.model.playbook import Playbook
from followupd.recovery.remind.ladder import Matter, person, rung_of
from followupd.recovery.remind.matters import matters


def not_twice_a_day(case: Case, playbook: Playbook, matter: Matter) -> datetime:
    """A person hears of a case once a day; what comes later the same day waits for the next opening."""
    calendar = playbook.calendar
    whom = person(case, playbook, matter.rung)
    last = max((at for name, at in case.nudges if person(case, playbook, rung_of(name)) == whom), default=None)
    if last is None:
        return matter.at
    next_day = calendar.moment(calendar.local(last).date() + timedelta(days=1), calendar.open)
    return max(matter.at, calendar.next_open(next_day))


def nudges(case: Case, playbook: Playbook, write: Writer, now: datetime) -> list[Step]:
    done = dict(case.nudges)
    due = [
        each for each in matters(case, playbook)
        if each.name not in done and not_twice_a_day(case, playbook, each) <= now
    ]  # fmt: skip
    people = {person(case, playbook, each.rung).id: person(case, playbook, each.rung) for each in due}
    steps: list[Step] = []
    for whom in people.values():
        made = _one_mail(case, playbook, write, now, whom, [m for m in due if person(case, playbook, m.rung) == whom])
        for step in made:  # the next mail of the same kind has the next number
            case = case.after(as_event(step, now))
        steps += made
    return steps


def _one_mail(
    case: Case, playbook: Playbook, write: Writer, now: datetime, whom: Agent, matters: list[Matter]
) -> list[Step]:
    brief = Brief(
        because="; ".join(dict.fromkeys(matter.sentence for matter in matters)),
        asks=tuple(dict.fromkeys(ask for matter in matters for ask in matter.asks)),
        promises=case.owed, compensation=case.compensation, quote=case.latest or case.story,
    )  # fmt: skip
    if all(matter.name.startswith("approve-") for matter in matters):
        kind = APPROVAL
    else:
        kind = NUDGE if any(matter.rung == "owner" for matter in matters) else ESCALATION
    told = [OwnerNudged(at=now, matter=matter.name, whom=whom.id, why=matter.sentence) for matter in matters]
    return [*told, write.desk(kind, case, playbook, now, brief, whom)]
