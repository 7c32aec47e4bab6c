"""What a case waits for from people, for the digest; what the customer waits for comes first (practice 17)."""

from collections.abc import Iterator
from datetime import datetime

from followupd.domain.case import WORKING, Case, Stage
from followupd.domain.decision import AgendaItem
from followupd.domain.letter import LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Promise
from followupd.domain.translatable import Translatable, msg, msgid, sentence_list
from followupd.recovery.blockers import blockers_of

#: something that a case waits for, and since when
Waiting = tuple[datetime, str]

#: stages in which a case waits for an agent only by its suspicion, or not at all
_NOT_WORKED_ON = frozenset({Stage.SUSPECTED, Stage.CLOSED, Stage.DISMISSED})


def suspicion(case: Case) -> AgendaItem | None:
    """Return a suspected complaint for an agent to decide, None for any other case."""
    if case.stage is not Stage.SUSPECTED:
        return None

    since = case.customer_wrote_at or case.suspected_at or case.opened_at
    return AgendaItem(case, "complaint or dismiss", since)


def waiting(case: Case, playbook: Playbook, now: datetime) -> AgendaItem | None:
    """Return everything that a case waits for in one line, with the age of the oldest; None when it waits for nothing."""
    if case.stage in _NOT_WORKED_ON:
        return None

    found = [
        *_hold(case),
        *_answer(case),
        *_next_step(case),
        *_promises(case, playbook, now),
        *_follow_up(case, now),
        *_letters(case),
        *_customer_not_reached(case),
    ]
    if not found:
        return None

    since = min(at for at, _ in found)
    what = sentence_list(sentence for _, sentence in found)
    return AgendaItem(case, what, since, asks=_lines(case, playbook, now))


def _hold(case: Case) -> Iterator[Waiting]:
    """Give the hold, which only a person ends."""
    if case.held and case.held_because:
        yield case.opened_at, msg("it is held ({why})", why=case.held_because)
    elif case.held:
        yield case.opened_at, msg("it is held")


def _answer(case: Case) -> Iterator[Waiting]:
    """Give the mail of the customer that was not answered."""
    if case.stage in WORKING and case.we_wrote_at is None:
        yield case.opened_at, msg("the customer has had no word from us yet")
    elif case.customer_wrote_at and case.we_wrote_at and case.customer_wrote_at > case.we_wrote_at:
        yield case.customer_wrote_at, msg("the customer has written again")


def _next_step(case: Case) -> Iterator[Waiting]:
    """Give a complaint in which nothing is promised."""
    if case.stage is Stage.HEARD and not case.promises:
        yield case.heard_at or case.opened_at, msg("no next step is promised yet")


def _promises(case: Case, playbook: Playbook, now: datetime) -> Iterator[Waiting]:
    """Give the promises that are due today or overdue, and those that wait for an approval."""
    for promise in _due_today(case, playbook, now):
        due = promise.internal_deadline or now
        if due > now:
            time = f"{playbook.calendar.local(due):%H:%M}"
            sentence = msg("{promise} is due today at {time}", promise=promise.named, time=time)
            yield promise.made_at or case.opened_at, sentence
        else:
            yield due, msg("{promise} is overdue", promise=promise.named)

    for promise in case.proposed:
        pattern = msgid("a reply seems to promise “{text}” (`approve` or `refuse: why`)")
        yield promise.made_at or now, msg(pattern, text=promise.text.rstrip(" ."))


def _follow_up(case: Case, now: datetime) -> Iterator[Waiting]:
    """Give what the follow-up lacks."""
    if case.stage is not Stage.FIXED:
        return

    missing = [blocker.sentence for blocker in blockers_of(case) if blocker.ask]
    if missing:
        yield case.fixed_at or now, msg("the follow-up lacks: {what}", what=sentence_list(missing, ", "))


def _letters(case: Case) -> Iterator[Waiting]:
    """Give the letter that could not be written, and the letters in review."""
    if case.stopped and case.stopped_at:
        _, why = case.stopped
        yield case.stopped_at, _stopped(why)

    for record in case.letters:
        if record.state is LetterRecordState.REVIEW:
            yield record.at, msg("the {letter} waits for `approve`", letter=msg(record.kind))


def _stopped(why: str) -> Translatable:
    return sentence_list((msg("a letter could not be written"), why), ": ")


def _customer_not_reached(case: Case) -> Iterator[Waiting]:
    """Give the customer who was not reached."""
    if case.not_reached:
        yield case.opened_at, msg("the customer was not reached ({why})", why=case.not_reached)


def _lines(case: Case, playbook: Playbook, now: datetime) -> tuple[str, ...]:
    """Return the lines with which an agent answers about promises of today and before."""
    lines: list[str] = []
    for promise in _due_today(case, playbook, now):
        n = promise.n
        lines += [f"kept: {n}", f"late: {n} until  because ", f"withdraw: {n} because "]
    return tuple(lines)


def _due_today(case: Case, playbook: Playbook, now: datetime) -> list[Promise]:
    """Return the promises whose internal deadline is today or has passed."""
    local = playbook.calendar.local
    today = local(now).date()
    dated = [(promise, promise.internal_deadline) for promise in case.owed]
    return [promise for promise, due in dated if due and local(due).date() <= today]
