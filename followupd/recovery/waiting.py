"""What a case waits for from people, in words for the digest; the customer's own clock stands first (practice 17)."""

from collections.abc import Iterator
from datetime import datetime

from followupd.model.agenda import Item
from followupd.model.case import Case, Stage
from followupd.model.gate import lacks
from followupd.model.playbook import Playbook
from followupd.model.promise import PromiseState
from followupd.model.said import joined, said

_WORKING = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED})
_DONE = frozenset({Stage.CLOSED, Stage.DISMISSED})


def suspicion(case: Case) -> Item | None:
    """Return a case that an agent should decide: is it a complaint?"""
    if case.stage is not Stage.SUSPECTED:
        return None
    return Item(case, "complaint or dismiss", case.customer_wrote_at or case.suspected_at or case.opened_at)


def waiting(case: Case, playbook: Playbook, now: datetime) -> Item | None:
    """Return everything that a case waits for in one line, with the age of the oldest; None when it waits for nobody."""
    if case.stage is Stage.SUSPECTED or case.stage in _DONE:
        return None
    found = list(_matters(case, playbook, now))
    return Item(case, joined(what for _, what in found), min(at for at, _ in found)) if found else None


def _matters(case: Case, playbook: Playbook, now: datetime) -> Iterator[tuple[datetime, str]]:
    if case.held:
        yield (
            case.opened_at,
            said("it is held ({why})", why=case.held_because) if case.held_because else said("it is held"),
        )
    yield from _unanswered(case)
    if case.stage is Stage.HEARD and not case.promises:
        yield case.heard_at or case.opened_at, said("no next step is promised yet")
    yield from _promises(case, playbook, now)
    if case.stage is Stage.FIXED:
        missing = [lack for lack in lacks(case) if lack.ask]
        if missing:
            yield (
                case.fixed_at or now,
                said("the follow-up lacks: {what}", what=joined((lack.sentence for lack in missing), ", ")),
            )
    for mark in case.letters:
        if mark.state == "review":
            yield mark.at, said("the {letter} waits for `approve`", letter=said(mark.kind))
    if case.not_reached:
        yield case.opened_at, said("the customer was not reached ({why})", why=case.not_reached)


def _unanswered(case: Case) -> Iterator[tuple[datetime, str]]:
    if case.stage in _WORKING and case.we_wrote_at is None:
        yield case.opened_at, said("the customer has had no word from us yet")
    elif case.customer_wrote_at and case.we_wrote_at and case.customer_wrote_at > case.we_wrote_at:
        yield case.customer_wrote_at, said("the customer has written again")


def _promises(case: Case, playbook: Playbook, now: datetime) -> Iterator[tuple[datetime, str]]:
    today = playbook.calendar.local(now).date()
    for promise in case.owed:
        if promise.due is not None and playbook.calendar.local(promise.due).date() <= today:
            due = playbook.calendar.local(promise.due)
            today_at = said("{promise} is due today at {time}", promise=promise.named, time=f"{due:%H:%M}")
            yield (
                min(promise.due, now),
                today_at if promise.due > now else said("{promise} is overdue", promise=promise.named),
            )
    for promise in case.promises:
        if promise.state is PromiseState.PROPOSED:
            yield (
                promise.made_at or now,
                said("a reply seems to promise “{text}” (`approve` or `refuse: why`)", text=promise.text.rstrip(" .")),
            )
