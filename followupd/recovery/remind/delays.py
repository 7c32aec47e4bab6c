"""What the customer must hear: bad news before the date that was told, and after silence that nobody has forgotten."""

from dataclasses import replace
from datetime import datetime

from followupd.domain import lifecycle
from followupd.domain.calendar import Duration
from followupd.domain.case import Case, Stage
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import PromiseBroken, PromiseLate, PromiseMade
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Promise, PromiseKind, PromiseState
from followupd.domain.translatable import msg

_PATIENCE = Duration(1, "business day")  # from the nudge about silence to the holding letter
_NEW_DATE = Duration(2, "business day")  # how far a promise moves when nobody says a word about it
_MOST_HOLDING = 3  # holding letters in a case; more of them would be noise
_WORKING = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED})


def _slips(case: Case) -> list[Promise]:
    """Promises in writing that may still move once; a second new date is a lead's to say."""
    return [
        p
        for p in case.promises
        if p.state is PromiseState.OPEN
        and p.confirmed
        and p.internal_deadline
        and p.promised_by
        and p.internal_deadline < p.promised_by
    ]


def _halfway(promise: Promise) -> datetime | None:
    """Half of the margin has passed without a word: the customer should hear it before the told date (practice 26)."""
    return (
        promise.internal_deadline + (promise.promised_by - promise.internal_deadline) / 2
        if promise.internal_deadline and promise.promised_by
        else None
    )


def slip_at(case: Case, _playbook: Playbook) -> datetime | None:
    return min((at for promise in _slips(case) if (at := _halfway(promise))), default=None)


def slipped(case: Case, playbook: Playbook, now: datetime) -> list[Decision]:
    found: list[Decision] = []
    for promise in _slips(case):
        at = _halfway(promise)
        if at is None or promise.promised_by is None or not at <= now < promise.promised_by:
            continue
        told = playbook.calendar.after(promise.promised_by, _NEW_DATE)
        margin = promise.promised_by - (promise.internal_deadline or promise.promised_by)
        why = "our own date has passed and nobody has said that it was kept"
        found.append(
            PromiseLate(at=now, why=why, n=promise.n, internal_deadline=told - margin, promised_by=told)
        )
    return found


def broken_at(case: Case) -> datetime | None:
    open_ones = (p for p in case.promises if p.state in {PromiseState.OPEN, PromiseState.LATE})
    return min((promise.promised_by for promise in open_ones if promise.promised_by), default=None)


def broken(case: Case, now: datetime) -> list[Decision]:
    return [
        PromiseBroken(at=now, n=p.n, why="the date that the customer was told has passed")
        for p in case.promises
        if p.state in {PromiseState.OPEN, PromiseState.LATE} and p.promised_by and p.promised_by <= now
    ]


def last_word(case: Case) -> datetime | None:
    return case.we_wrote_at or case.heard_at


def holding_at(case: Case, playbook: Playbook) -> datetime | None:
    """After the nudge the owner has a day; then the customer hears at least that nobody has forgotten."""
    since = last_word(case)
    nudge = next(
        (at for name, at in case.nudges if since and name == f"silence {since:%Y-%m-%dT%H:%M}"), None
    )
    if (
        nudge is None
        or case.stage not in _WORKING
        or len(case.letters_of(LetterKind.HOLDING)) >= _MOST_HOLDING
    ):
        return None
    return playbook.calendar.after(nudge, _PATIENCE)


def holding(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    due = holding_at(case, playbook)
    if (
        due is None
        or due > now
        or case.under_way(LetterKind.HOLDING)
        or case.not_reached
        or (case.by_machine and case.no_answer)
    ):
        return []
    if any(promise.promised_by and promise.promised_by > now for promise in case.owed):
        return []  # the customer knows a date that is still to come
    until = playbook.calendar.after(now, playbook.silence_after)
    promise = Promise(
        n=max((each.n for each in case.promises), default=0) + 1,
        text=write.phrase(msg("news from me"), case, playbook),
        kind=PromiseKind.NEXT_UPDATE,
        internal_deadline=until,
        promised_by=until,
        source="playbook",
        owner=case.owner,
        made_at=now,
    )
    made = PromiseMade(at=now, why="the holding letter says so", promise=promise)
    letter = write.letter(
        LetterKind.HOLDING,
        lifecycle.after(case, made),
        playbook,
        now,
        LetterContent(promises=(promise,), until=until),
    )
    return [made, replace(letter, concerns=(promise.n,))]
