"""The case in brief, for somebody who is asked to step in and does not know it (practice 41)."""

from collections.abc import Iterator
from datetime import datetime

from followupd.domain.case import Case
from followupd.domain.compensation import GrantState
from followupd.domain.letter import CUSTOMER_LETTERS, LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg, sentence_list
from followupd.recovery.remind.dates import day


def account_of(case: Case, playbook: Playbook, now: datetime) -> tuple[str, ...]:
    """Return days open, impact, what was promised and given, who wrote when, and who was reminded."""
    calendar = playbook.calendar
    days = (calendar.local(now).date() - calendar.local(case.opened_at).date()).days
    pattern = (
        "open for {n} day, of {severity} severity"
        if days == 1
        else "open for {n} days, of {severity} severity"
    )
    lines: list[str] = [msg(pattern, n=days, severity=msg(case.severity))]
    lines += [msg(what, words=words) for what, words in _facts(case) if words]
    return (
        *lines,
        *_promises(case, playbook),
        *_grants(case),
        *_words(case, playbook),
        *_reminders(case, playbook),
    )


def _facts(case: Case) -> Iterator[tuple[str, str | None]]:
    yield "the complaint: {words}", case.facts.issue
    yield "what it means for the customer: {words}", case.facts.impact
    yield "the customer wants: {words}", case.facts.wants


def _promises(case: Case, playbook: Playbook) -> Iterator[str]:
    for promise in case.promises:
        state = msg(promise.state)
        if promise.because:
            state = msg("{state} ({why})", state=state, why=promise.because)
        pattern = "{promise} told by {when}, is {state}" if promise.promised_by else "{promise} is {state}"
        when = day(promise.promised_by, playbook.calendar) if promise.promised_by else ""
        yield msg(pattern, promise=promise.named, when=when, state=state)


def _grants(case: Case) -> Iterator[str]:
    for grant in case.compensation:
        if grant.state is not GrantState.REFUSED:
            yield msg("{grant}: {state}", grant=grant.named, state=msg(grant.state))


def _words(case: Case, playbook: Playbook) -> Iterator[str]:
    calendar = playbook.calendar
    left = [
        msg("{letter} on {when}", letter=msg(mark.kind), when=day(mark.at, calendar))
        for mark in case.letters
        if mark.kind in CUSTOMER_LETTERS and mark.state is LetterRecordState.SENT
    ]
    if left:
        yield msg("letters so far: {letters}", letters=sentence_list(left, ", "))
    if case.customer_wrote_at:
        yield msg("the customer wrote last on {when}", when=day(case.customer_wrote_at, calendar))
    if case.we_wrote_at:
        yield msg("we wrote last on {when}", when=day(case.we_wrote_at, calendar))
    else:
        yield msg("we have not written yet")


def _reminders(case: Case, playbook: Playbook) -> Iterator[str]:
    for whom, at in case.told:
        yield msg(
            "{name} was reminded last on {when}",
            name=playbook.owner_of(whom).name,
            when=day(at, playbook.calendar),
        )
