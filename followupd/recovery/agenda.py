"""What a case waits for from people, for the digest.

What the customer waits for comes first (practice 17).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from followupd.domain.case import WORKING, Case, Stage
from followupd.domain.compensation import GrantState
from followupd.domain.decision import AgendaItem
from followupd.domain.letter import LetterRecordState
from followupd.domain.playbook import Agent, Playbook, Role
from followupd.domain.promise import Promise
from followupd.domain.translatable import msg, msgid, sentence_list
from followupd.recovery.blockers import blockers_of

#: stages in which a case waits for an agent only by its suspicion, or not at all
_NOT_WORKED_ON = frozenset({Stage.SUSPECTED, Stage.CLOSED, Stage.DISMISSED})


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that a case waits for from an agent, and since when."""

    since: datetime
    sentence: str


def suspicion(case: Case) -> AgendaItem | None:
    """Return a suspected complaint for an agent to decide, None for any other case."""
    if case.stage is not Stage.SUSPECTED:
        return None

    return AgendaItem(
        case=case,
        what="complaint or dismiss",
        since=case.customer_wrote_at or case.suspected_at or case.opened_at,
    )


def waiting(case: Case, playbook: Playbook, now: datetime) -> AgendaItem | None:
    """Return everything that a case waits for in one line, with the age of the oldest.

    Returns:
        None for a case that waits for nothing. The lines with which the agent answers are about promises
        only.
    """
    if case.stage in _NOT_WORKED_ON:
        return None

    found = [
        *_hold(case),
        *_answer(case),
        *_next_step(case),
        *_promises(case, playbook, now),
        *_proposals(case, now),
        *_follow_up(case, playbook, now),
        *_stopped_letter(case),
        *_reviews(case),
        *_requests(case),
        *_customer_not_reached(case),
    ]
    if not found:
        return None

    return AgendaItem(
        case=case,
        what=sentence_list(waiting.sentence for waiting in found),
        since=min(waiting.since for waiting in found),
        asks=_lines(case, playbook, now),
    )


def to_approve(case: Case, playbook: Playbook, agent: Agent, now: datetime) -> AgendaItem | None:
    """Return the grants that wait for this lead's word since yesterday or before; None if there are none.

    On the day itself there is a mail about each.

    Args:
        case: the case.
        playbook: the playbook of the case.
        agent: who may be asked.
        now: the time of the cycle, in UTC.
    """
    lead = playbook.team.first(Role.LEAD)
    today = playbook.calendar.local(now).date()
    grants = [
        grant
        for grant in case.grants_in(GrantState.WAITING_APPROVAL)
        if playbook.calendar.local(grant.granted_at or case.opened_at).date() < today
        and grant.agent != agent.id
    ]
    if agent != lead or not grants or case.stage in _NOT_WORKED_ON:
        return None

    sentences = [msg("{grant} waits for your word", grant=grant.named) for grant in grants]
    since = min(grant.granted_at or case.opened_at for grant in grants)
    return AgendaItem(case, sentence_list(sentences), since, asks=("approve",))


def _hold(case: Case) -> Iterator[Waiting]:
    """Give the hold, which only a person ends."""
    if not case.held:
        return

    sentence = msg("it is held")
    if case.held_because:
        sentence = msg("it is held ({why})", why=case.held_because)
    yield Waiting(case.opened_at, sentence)


def _answer(case: Case) -> Iterator[Waiting]:
    """Give the mail of the customer that has no answer.

    Before our first mail, that is the complaint itself.
    """
    wrote_at, answered_at = case.customer_wrote_at, case.we_wrote_at

    if answered_at is None:
        if case.stage in WORKING:
            sentence = msg("the customer has had no word from us yet")
            yield Waiting(case.opened_at, sentence)
        return

    if wrote_at and wrote_at > answered_at:
        sentence = msg("the customer has written again")
        yield Waiting(wrote_at, sentence)


def _next_step(case: Case) -> Iterator[Waiting]:
    """Give a complaint in which nothing is promised."""
    if case.stage is not Stage.HEARD or case.promises:
        return

    sentence = msg("no next step is promised yet")
    yield Waiting(case.heard_at or case.opened_at, sentence)


def _promises(case: Case, playbook: Playbook, now: datetime) -> Iterator[Waiting]:
    """Give the promises that are due today, and those that are overdue.

    Args:
        case: the case.
        playbook: whose calendar says what today is.
        now: the time of the cycle, in UTC; a deadline that is now has passed.
    """
    for promise in _due_today(case, playbook, now):
        due = promise.internal_deadline or now
        if due <= now:
            sentence = msg("{promise} is overdue", promise=promise.named)
            yield Waiting(due, sentence)
            continue

        time = f"{playbook.calendar.local(due):%H:%M}"
        sentence = msg("{promise} is due today at {time}", promise=promise.named, time=time)
        yield Waiting(promise.made_at or case.opened_at, sentence)


def _proposals(case: Case, now: datetime) -> Iterator[Waiting]:
    """Give the promises that were read in a reply and wait for an approval."""
    pattern = msgid("a reply seems to promise “{text}” (`approve` or `refuse: why`)")

    for promise in case.proposed:
        sentence = msg(pattern, text=promise.text.rstrip(" ."))
        yield Waiting(promise.made_at or now, sentence)


def _follow_up(case: Case, playbook: Playbook, now: datetime) -> Iterator[Waiting]:
    """Give what the follow-up lacks and an agent can say."""
    if case.stage is not Stage.FIXED:
        return

    missing = [blocker.sentence for blocker in blockers_of(case, playbook) if blocker.ask]
    if missing:
        sentence = msg("the follow-up lacks: {what}", what=sentence_list(missing, ", "))
        yield Waiting(case.fixed_at or now, sentence)


def _stopped_letter(case: Case) -> Iterator[Waiting]:
    """Give the letter that could not be written, with the reason."""
    if case.stopped is None or case.stopped_at is None:
        return

    _, why = case.stopped
    sentence = sentence_list((msg("a letter could not be written"), why), ": ")
    yield Waiting(case.stopped_at, sentence)


def _reviews(case: Case) -> Iterator[Waiting]:
    """Give the letters that wait for an approval."""
    for record in case.letters_in(LetterRecordState.REVIEW):
        sentence = msg("the {letter} waits for `approve`", letter=msg(record.kind))
        yield Waiting(record.at, sentence)


def _requests(case: Case) -> Iterator[Waiting]:
    """Give what departments were asked and have not answered."""
    for request in case.open_requests:
        yield Waiting(request.asked_at, msg("{request} has no answer yet", request=request.named))


def _customer_not_reached(case: Case) -> Iterator[Waiting]:
    """Give the customer who was not reached, with the reason."""
    if not case.not_reached:
        return

    sentence = msg("the customer was not reached ({why})", why=case.not_reached)
    yield Waiting(case.opened_at, sentence)


def _lines(case: Case, playbook: Playbook, now: datetime) -> tuple[str, ...]:
    """Return the lines with which an agent answers about promises of today and before."""
    return tuple(line for promise in _due_today(case, playbook, now) for line in promise.answers)


def _due_today(case: Case, playbook: Playbook, now: datetime) -> list[Promise]:
    """Return the promises whose internal deadline is today or has passed, in the company's time zone."""
    calendar = playbook.calendar
    today = calendar.local(now).date()
    found = []

    for promise in case.owed:
        due = promise.internal_deadline
        if due and calendar.local(due).date() <= today:
            found.append(promise)
    return found
