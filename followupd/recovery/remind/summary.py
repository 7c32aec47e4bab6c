"""The case in brief, for somebody who has to step in (practice 41), and how days are written in it."""

from collections.abc import Iterator
from datetime import datetime

from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.compensation import GrantState
from followupd.domain.letter import LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Relation
from followupd.domain.translatable import Moment, msg, msgid, sentence_list

#: how a promise was told, by its relation to its date
_TOLD = {
    Relation.BY: msgid("{promise} told by {when}, is {state}"),
    Relation.ON: msgid("{promise} told for {when}, is {state}"),
    Relation.BETWEEN: msgid("{promise} told for {when}, is {state}"),
    Relation.FROM: msgid("{promise} told from {when} on, is {state}"),
}


def day(at: datetime, calendar: Calendar) -> Moment:
    """Return a day in the company's time zone: "Friday 4 December"."""
    local = calendar.local(at)
    return Moment(at, f"{local:%A} {local.day} {local:%B}")


def day_and_time(at: datetime, calendar: Calendar) -> Moment:
    """Return a day and a time in the company's time zone: "Friday 4 December at 13:00"."""
    local = calendar.local(at)
    return Moment(at, f"{day(at, calendar)} at {local:%H:%M}", timed=True)


def summary_of(case: Case, playbook: Playbook, now: datetime) -> tuple[str, ...]:
    """Return in lines how old the case is, its matter, and what was promised, given and written."""
    return (
        _age(case, playbook, now),
        *_facts(case),
        *_promises(case, playbook),
        *_grants(case),
        *_correspondence(case, playbook),
        *_reminders(case, playbook),
    )


def _age(case: Case, playbook: Playbook, now: datetime) -> str:
    """Return for how many days the case is open, and its severity."""
    local = playbook.calendar.local
    days = (local(now).date() - local(case.opened_at).date()).days
    severity = msg(case.severity)

    if days == 1:
        return msg("open for {n} day, of {severity} severity", n=days, severity=severity)
    return msg("open for {n} days, of {severity} severity", n=days, severity=severity)


def _facts(case: Case) -> Iterator[str]:
    """Give what is wrong, what it means for the customer, and what the customer wants."""
    facts = case.facts

    if facts.issue:
        yield msg("the complaint: {words}", words=facts.issue)
    if facts.impact:
        yield msg("what it means for the customer: {words}", words=facts.impact)
    if facts.wants:
        yield msg("the customer wants: {words}", words=facts.wants)


def _promises(case: Case, playbook: Playbook) -> Iterator[str]:
    """Give each promise with its date and its state."""
    for promise in case.promises:
        name, state = promise.named, msg(promise.state)
        if promise.because:
            state = msg("{state} ({why})", state=state, why=promise.because)

        if promise.promised_by:
            when = day(promise.promised_by, playbook.calendar)
            yield msg(_TOLD[promise.relation], promise=name, when=when, state=state)
        else:
            yield msg("{promise} is {state}", promise=name, state=state)


def _grants(case: Case) -> Iterator[str]:
    """Give each grant with its state, except refused ones."""
    for grant in case.compensation:
        if grant.state is not GrantState.REFUSED:
            yield msg("{grant}: {state}", grant=grant.named, state=msg(grant.state))


def _correspondence(case: Case, playbook: Playbook) -> Iterator[str]:
    """Give the letters that were sent, and who wrote last."""
    calendar = playbook.calendar
    sent = []
    for record in case.letters_in(LetterRecordState.SENT):
        if record.kind.to_customer:
            when = day(record.at, calendar)
            sent.append(msg("{letter} on {when}", letter=msg(record.kind), when=when))

    if sent:
        yield msg("letters so far: {letters}", letters=sentence_list(sent, ", "))
    if case.customer_wrote_at:
        yield msg("the customer wrote last on {when}", when=day(case.customer_wrote_at, calendar))
    if case.we_wrote_at:
        yield msg("we wrote last on {when}", when=day(case.we_wrote_at, calendar))
    else:
        yield msg("we have not written yet")


def _reminders(case: Case, playbook: Playbook) -> Iterator[str]:
    """Give who was reminded, and when last."""
    for agent_id, at in case.told:
        name = playbook.owner_of(agent_id).name
        when = day(at, playbook.calendar)
        yield msg("{name} was reminded last on {when}", name=name, when=when)
