"""The case in brief, for somebody who is asked to step in and does not know it (practice 41)."""

from collections.abc import Iterator
from datetime import datetime

from followupd.model.case import Case
from followupd.model.compensation import GrantState
from followupd.model.letter import CUSTOMER_LETTERS
from followupd.model.playbook import Playbook
from followupd.recovery.remind.words import day


def account_of(case: Case, playbook: Playbook, now: datetime) -> tuple[str, ...]:
    """Return days open, impact, what was promised and given, who wrote when, and who was reminded."""
    calendar = playbook.calendar
    days = (calendar.local(now).date() - calendar.local(case.opened_at).date()).days
    lines = [f"open for {days} {'day' if days == 1 else 'days'}, of {case.severity} severity"]
    lines += [f"{what}: {said}" for what, said in _facts(case) if said]
    return (*lines, *_promises(case, playbook), *_grants(case), *_words(case, playbook), *_reminders(case, playbook))


def _facts(case: Case) -> Iterator[tuple[str, str | None]]:
    yield "the complaint", case.facts.issue
    yield "what it means for the customer", case.facts.impact
    yield "the customer wants", case.facts.wants


def _promises(case: Case, playbook: Playbook) -> Iterator[str]:
    for promise in case.promises:
        told = f" told by {day(promise.told, playbook.calendar)}," if promise.told else ""
        because = f" ({promise.because})" if promise.because else ""
        yield f"{promise.named}{told} is {promise.state}{because}"


def _grants(case: Case) -> Iterator[str]:
    for grant in case.compensation:
        if grant.state is not GrantState.REFUSED:
            value = f" of {grant.money.amount} {grant.money.currency}" if grant.money else ""
            yield f"{grant.kind}{value}: {grant.state}"


def _words(case: Case, playbook: Playbook) -> Iterator[str]:
    calendar = playbook.calendar
    left = [f"{mark.kind} on {day(mark.at, calendar)}" for mark in case.letters if mark.kind in CUSTOMER_LETTERS and mark.state == "left"]  # fmt: skip
    if left:
        yield f"letters so far: {', '.join(left)}"
    if case.customer_wrote_at:
        yield f"the customer wrote last on {day(case.customer_wrote_at, calendar)}"
    yield f"we wrote last on {day(case.we_wrote_at, calendar)}" if case.we_wrote_at else "we have not written yet"


def _reminders(case: Case, playbook: Playbook) -> Iterator[str]:
    for whom, at in case.told:
        yield f"{playbook.owner_of(whom).name} was reminded last on {day(at, playbook.calendar)}"
