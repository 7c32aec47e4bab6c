"""What the digest may speak of: the cases that wait for one agent, each on a line or two."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from babel.dates import format_timedelta

from followupd.edges.letters.markdown import one_line
from followupd.edges.letters.pen import Written
from followupd.edges.letters.scope import agent, bare_subject, company
from followupd.edges.letters.values import Named
from followupd.model.agenda import Agenda, Item
from followupd.model.agent import Agent
from followupd.model.playbook import Playbook

#: as much of the customer's words as stands beside a case
_WORDS = 200
_LEAST = timedelta(minutes=1)


def of_digest(agenda: Agenda, playbook: Playbook, to: Agent, pen: Written) -> dict[str, Any]:
    """The scope of the digest. It has no `case`: it speaks of several."""
    return {
        "agent": agent(to),
        "owner": agent(to),
        "company": company(playbook.company),
        "day": pen.date(agenda.day),
        "suspected": [_item(item, pen) for item in agenda.suspected],
        "waiting": [_item(item, pen) for item in agenda.waiting],
        "house": [one_line(pen.say(line)) for line in agenda.house],
        "asks": [f"{item.case.ref}: " for item in agenda.suspected],
        "answers": [f"{item.case.ref}: {one_line(line)}" for item in agenda.waiting for line in item.asks],
        "done": _lines(agenda.done),
        "problems": _lines(agenda.problems),
    }


def _item(item: Item, pen: Written) -> Named:
    case = item.case
    return Named(
        ref=case.ref,
        customer=one_line(case.customer.name) or one_line(case.customer.address),
        subject=bare_subject(case.subject),
        what=one_line(pen.say(item.what)),
        account=[one_line(pen.say(line)) for line in item.account],
        severity=case.severity,
        age=one_line(format_timedelta(max(pen.now - item.since, _LEAST), locale=pen.locale)),
        words=_shortened(dict(case.suggested).get("issue") or case.latest or case.story),
    )


def _lines(lines: Iterable[str]) -> list[str]:
    return [one_line(line) for line in lines]


def _shortened(words: str) -> str:
    flat = one_line(words)
    return flat if len(flat) <= _WORDS else f"{flat[:_WORDS].rsplit(' ', 1)[0]}…"
