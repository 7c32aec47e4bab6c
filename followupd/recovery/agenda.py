"""What a case waits for from people, in words for the digest; the customer's own clock stands first (practice 17)."""

from collections.abc import Iterator
from datetime import datetime

from followupd.domain.case import Case, Stage
from followupd.domain.decision import AgendaItem
from followupd.domain.letter import LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Promise, PromiseState
from followupd.domain.translatable import msg, sentence_list
from followupd.recovery.blockers import blockers_of

_WORKING = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED})
_DONE = frozenset({Stage.CLOSED, Stage.DISMISSED})


def suspicion(case: Case) -> AgendaItem | None:
    """Return a case that an agent should decide: is it a complaint?"""
    if case.stage is not Stage.SUSPECTED:
        return None
    return AgendaItem(
        case, "complaint or dismiss", case.customer_wrote_at or case.suspected_at or case.opened_at
    )


def waiting(case: Case, playbook: Playbook, now: datetime) -> AgendaItem | None:
    """Return everything that a case waits for in one line, with the age of the oldest; None when it waits for nobody."""
    if case.stage is Stage.SUSPECTED or case.stage in _DONE:
        return None
    found = list(_matters(case, playbook, now))
    if not found:
        return None
    return AgendaItem(
        case,
        sentence_list(what for _, what in found),
        min(at for at, _ in found),
        asks=_lines(case, playbook, now),
    )


def _matters(case: Case, playbook: Playbook, now: datetime) -> Iterator[tuple[datetime, str]]:
    if case.held:
        yield (
            case.opened_at,
            msg("it is held ({why})", why=case.held_because) if case.held_because else msg("it is held"),
        )
    yield from _unanswered(case)
    if case.stage is Stage.HEARD and not case.promises:
        yield case.heard_at or case.opened_at, msg("no next step is promised yet")
    yield from _promises(case, playbook, now)
    if case.stage is Stage.FIXED:
        missing = [lack for lack in blockers_of(case) if lack.ask]
        if missing:
            yield (
                case.fixed_at or now,
                msg(
                    "the follow-up lacks: {what}",
                    what=sentence_list((lack.sentence for lack in missing), ", "),
                ),
            )
    if case.stopped and case.stopped_at:
        yield case.stopped_at, sentence_list((msg("a letter could not be written"), case.stopped[1]), ": ")
    for mark in case.letters:
        if mark.state is LetterRecordState.REVIEW:
            yield mark.at, msg("the {letter} waits for `approve`", letter=msg(mark.kind))
    if case.not_reached:
        yield case.opened_at, msg("the customer was not reached ({why})", why=case.not_reached)


def _lines(case: Case, playbook: Playbook, now: datetime) -> tuple[str, ...]:
    """Return the lines that an agent may answer about promises of today and before, however often they were asked for."""
    return tuple(
        line
        for promise in _due(case, playbook, now)
        for line in (
            f"kept: {promise.n}",
            f"late: {promise.n} until  because ",
            f"withdraw: {promise.n} because ",
        )
    )


def _due(case: Case, playbook: Playbook, now: datetime) -> list[Promise]:
    today = playbook.calendar.local(now).date()
    return [
        each
        for each in case.owed
        if each.internal_deadline and playbook.calendar.local(each.internal_deadline).date() <= today
    ]


def _unanswered(case: Case) -> Iterator[tuple[datetime, str]]:
    if case.stage in _WORKING and case.we_wrote_at is None:
        yield case.opened_at, msg("the customer has had no word from us yet")
    elif case.customer_wrote_at and case.we_wrote_at and case.customer_wrote_at > case.we_wrote_at:
        yield case.customer_wrote_at, msg("the customer has written again")


def _promises(case: Case, playbook: Playbook, now: datetime) -> Iterator[tuple[datetime, str]]:
    for promise in _due(case, playbook, now):
        due = promise.internal_deadline or now
        time = f"{playbook.calendar.local(due):%H:%M}"
        if due > now:
            said_today = msg("{promise} is due today at {time}", promise=promise.named, time=time)
            yield promise.made_at or case.opened_at, said_today
        else:
            yield due, msg("{promise} is overdue", promise=promise.named)
    for promise in case.promises:
        if promise.state is PromiseState.PROPOSED:
            yield (
                promise.made_at or now,
                msg(
                    "a reply seems to promise “{text}” (`approve` or `refuse: why`)",
                    text=promise.text.rstrip(" ."),
                ),
            )
