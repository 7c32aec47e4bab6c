"""Everything that people are reminded of in a case, and when: promises, silence, approvals, holds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from followupd.domain.calendar import Calendar, Duration, day_and_time
from followupd.domain.case import NO_COMPLAINT, WORKING, Case, Stage
from followupd.domain.compensation import Compensation, GrantState, reason_to_wait
from followupd.domain.keys import Level, ReminderKey, ReminderKind, Step
from followupd.domain.letter import LetterKind, LetterRecordState
from followupd.domain.playbook import Agent, Playbook, Role
from followupd.domain.promise import Action, Promise
from followupd.domain.translatable import msg, msgid, sentence_list
from followupd.recovery import blockers
from followupd.recovery.remind.delays import silence_key, silent_since

#: stages in which nothing is worked on
QUIET = NO_COMPLAINT | {Stage.CLOSED}

#: how long before a promise's own deadline the owner is reminded
_BEFORE_DEADLINE = Duration(1, "business day")
#: from the question which option suits better to the reminder that the customer has not chosen
_CHOICE_AFTER = Duration(2, "business day")
#: from a single option to the question where the others are
_ALONE_AFTER = Duration(2, "business hour")
#: from the question whether it arrived to the reminder that the customer has not answered
_RECEIPT_AFTER = Duration(3, "business day")
#: from the customer's mail after the follow-up to the reminder that it has no answer
_ANSWER_AFTER = Duration(4, "business hour")
#: from a letter that could not be written to the second mail about it
_STOPPED_AFTER = Duration(1, "business day")
#: from a letter in review to the reminder that it waits
_REVIEW_AFTER = Duration(4, "business hour")
#: from a hold to the question whether it is still needed, for each level
_HELD_AFTER: tuple[tuple[Level, Step, Duration], ...] = (
    ("owner", "", Duration(1, "business day")),
    ("lead", "lead", Duration(5, "business day")),
    ("manager", "manager", Duration(10, "business day")),
)


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something that a person is told, once: when, in which sentence, and with which lines to answer.

    `at_once` means that only this person can act on it, or that it was promised for the same day: it waits neither
    for the morning nor for the digest.
    `same_day` means that a lead is told in the office hours of the same day, and not on the next morning.
    `listed` means that the owner's list of what waits (`recovery/agenda.py`) says the same already.
    `in_digest` means that it is told in a digest or not at all: what it is about has a mail of its own.
    """

    key: ReminderKey
    at: datetime
    level: Level
    sentence: str
    asks: tuple[str, ...] = ()
    at_once: bool = False
    same_day: bool = False
    listed: bool = False
    in_digest: bool = False


#: the roles that are reminded at each level, the first one that somebody has; at last it is the owner
_ROLES: Mapping[Level, tuple[Role, ...]] = {
    "manager": (Role.MANAGER, Role.LEAD),
    "lead": (Role.LEAD,),
    "owner": (),
}


def person(case: Case, playbook: Playbook, level: Level) -> Agent:
    """Return who is reminded at a level; if nobody has that role, the next lower one.

    Returns:
        Whoever stands in while that person is away.
    """
    found = map(playbook.team.first, _ROLES[level])
    return next(filter(None, found), playbook.owner_of(case.owner))


def reminders_of(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Give every reminder of the case as it is now, past and future, sent or not."""
    if case.stage is Stage.DISMISSED:
        return

    yield from _undelivered(case)
    if case.held:
        yield from _held(case, playbook)
        return

    if case.stage not in QUIET:
        yield from _of_work(case, playbook)
    elif case.stage is Stage.CLOSED:
        yield from _answer(case, playbook)
    yield from _not_reached(case)


def _of_work(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Give the reminders of a case that is worked on."""
    for promise in case.owed:
        yield from _promise(promise, playbook)

    yield from _silence(case, playbook)
    yield from _choice(case, playbook)
    yield from _single_option(case, playbook)
    yield from _follow_up(case, playbook)
    yield from _call(case, playbook)
    yield from _stopped(case, playbook)

    for grant in case.grants_in(GrantState.WAITING_APPROVAL):
        yield from _approval(grant, case, playbook)

    yield from _again(case, playbook)
    yield from _actions(case, playbook)
    yield from _requests(case)
    yield from _review(case, playbook)
    yield from _severity(case, playbook)
    yield from _receipt(case, playbook)
    yield from _answer(case, playbook)


def _undelivered(case: Case) -> Iterator[Reminder]:
    """Tell the next level of a desk mail that could not be delivered, so that somebody reads what it asks."""
    for record in case.letters_in(LetterRecordState.FAILED):
        if record.kind.to_customer or record.kind is LetterKind.ANSWER:
            continue

        level: Literal["lead", "manager"] = "lead"
        if record.kind in {LetterKind.ESCALATION, LetterKind.APPROVAL}:
            level = "manager"
        pattern = msgid(
            "{key} could not be delivered, and nobody has read what it asks; see `followupd case {ref}`"
        )
        sentence = msg(pattern, key=record.key, ref=case.ref)
        key = ReminderKey(ReminderKind.UNDELIVERED, step=level, about=record.key)
        yield Reminder(
            key=key,
            at=record.at,
            level=level,
            sentence=sentence,
            at_once=True,
        )


def _held(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Ask whether a hold is still needed that only a person ends.

    A closed case with nothing to give needs no release.
    """
    if case.held_until:
        return
    to_give = any(map(blockers.still_to_give, case.compensation))
    if case.held_at is None or (case.stage is Stage.CLOSED and not to_give):
        return

    sentence = msg("no letter of this case leaves, since it is held")
    if case.held_because:
        sentence = msg("no letter of this case leaves, since it is held: {why}", why=case.held_because)

    for level, step, delay in _HELD_AFTER:
        key = ReminderKey(ReminderKind.HELD, step=step, at=case.held_at)
        at = playbook.calendar.after(case.held_at, delay)
        yield Reminder(
            key=key,
            at=at,
            level=level,
            sentence=sentence,
            asks=("release",),
            listed=True,
        )


def _not_reached(case: Case) -> Iterator[Reminder]:
    """Ask the owner to call a customer who was not reached."""
    if not case.not_reached:
        return

    at = case.not_reached_at or case.opened_at
    key = ReminderKey(ReminderKind.NOT_REACHED, at=at)
    sentence = msg("the customer was not reached: {why}. Please call", why=case.not_reached)
    yield Reminder(
        key=key,
        at=at,
        level="owner",
        sentence=sentence,
        asks=("reached", "not-reached"),
        listed=True,
    )


def _promise(promise: Promise, playbook: Playbook) -> Iterator[Reminder]:
    """Remind of a promise before and at its own deadline, then escalate. A new date has new reminders.

    What is due on the day on which it was promised does not wait for the mail of the next day.
    """
    due = promise.internal_deadline
    if due is None:
        return

    calendar, n = playbook.calendar, promise.n
    what, when = promise.named, day_and_time(due, calendar)
    asks = promise.answers

    def key(step: Step) -> ReminderKey:
        return ReminderKey(ReminderKind.PROMISE, n, step, at=due)

    is_urgent = calendar.local(promise.made_at or due).date() == calendar.local(due).date()
    soon = _soon(promise.made_at or due, due, calendar)
    if soon:
        sentence = msg("{promise} is due on {when}", promise=what, when=when)
        yield Reminder(
            key=key("soon"),
            at=soon,
            level="owner",
            sentence=sentence,
            asks=asks,
        )

    sentence = msg("{promise} is due on {when}. Was it kept?", promise=what, when=when)
    yield Reminder(
        key=key("due"),
        at=due,
        level="owner",
        sentence=sentence,
        asks=asks,
        listed=True,
        at_once=is_urgent,
    )

    pattern = msgid("{promise} was due on {when}, and nobody has said that it was kept")
    sentence = msg(pattern, promise=what, when=when)
    missed = promise.promised_by if promise.confirmed else None
    yield from _escalated(due, playbook, key, sentence, asks, missed=missed, urgent=is_urgent)


def _soon(made_at: datetime, due: datetime, calendar: Calendar) -> datetime | None:
    """Return the morning on which the owner is told of a deadline: the working day before, or its day.

    A promise that was made after both needs no such reminder.

    Args:
        made_at: when the promise was made, in UTC.
        due: the deadline, in UTC.
        calendar: whose working days and opening count.
    """
    day = calendar.local(calendar.before(due, _BEFORE_DEADLINE)).date()
    mornings = [calendar.moment(each, calendar.open) for each in (day, calendar.local(due).date())]
    return next((morning for morning in mornings if made_at <= morning < due), None)


def _silence(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Remind the owner to write to a customer who has not heard from us for a while.

    When the customer was asked to choose and has not written since, it is not our turn.
    """
    since, asked_at = silent_since(case), _choice_asked_at(case)
    awaited = blockers.awaited_from(case, playbook)
    if since is None or awaited is None:
        return
    if asked_at and (case.customer_wrote_at or asked_at) <= asked_at:
        return

    at = max(playbook.calendar.after(since, playbook.silence_after), awaited)
    sentence = msg("the customer has had no word from us for a while")
    never_wrote = case.we_wrote_at is None
    yield Reminder(
        key=silence_key(case),
        at=at,
        level="owner",
        sentence=sentence,
        listed=never_wrote,
    )

    if case.was_sent(LetterKind.HOLDING):
        pattern = msgid("the customer waits after a holding letter; the next word has to come from a person")
        yield Reminder(
            key=ReminderKey(ReminderKind.SILENCE, step="lead", at=since),
            at=playbook.calendar.after(at, playbook.escalate_lead),
            level="lead",
            sentence=msg(pattern),
        )


def _choice_asked_at(case: Case) -> datetime | None:
    """Return when the customer was asked to choose, None while there is nothing to choose."""
    asking = {option.letter for option in case.to_choose}
    return max((record.at for record in case.letters if record.key in asking), default=None)


def _choice(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Remind of a customer who was asked to choose and has not; once the case is fixed, its blockers do."""
    since = _choice_asked_at(case)
    if since is None or case.stage not in WORKING:
        return

    offer = ", ".join(f"{option.n} “{option.text}”" for option in case.to_choose)
    choose = [f"choose: {option.n}" for option in case.to_choose]
    withdraw = [f"withdraw-option: {option.n}" for option in case.to_choose]
    asks = (*choose, *withdraw)

    at = playbook.calendar.after(since, _CHOICE_AFTER)
    key = ReminderKey(ReminderKind.CHOICE, at=since)
    pattern = msgid("the customer has not chosen, please call; on offer: {options}")
    yield Reminder(
        key=key,
        at=at,
        level="owner",
        sentence=msg(pattern, options=offer),
        asks=asks,
    )

    late = playbook.calendar.after(at, playbook.escalate_manager)
    key = ReminderKey(ReminderKind.CHOICE, step="lead", at=since)
    pattern = msgid("the customer has not chosen, and nobody has taken the options back: {options}")
    yield Reminder(
        key=key,
        at=late,
        level="lead",
        sentence=msg(pattern, options=offer),
        asks=asks,
    )


def _single_option(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Ask the owner for another option when there is only one, because no letter offers that."""
    if case.stage not in WORKING or len(case.open_options) != 1 or not case.unasked:
        return

    [option] = case.open_options
    if option.offered_at is None:
        return

    at = playbook.calendar.after(option.offered_at, _ALONE_AFTER)
    key = ReminderKey(ReminderKind.OPTION, option.n, "alone")
    pattern = msgid(
        "{option} stands alone, and the customer was not asked: offer another one, or promise this one"
    )
    asks = ("option: ", f"promise: {option.text} by ...", f"withdraw-option: {option.n} because ...")
    yield Reminder(
        key=key,
        at=at,
        level="owner",
        sentence=msg(pattern, option=option.named),
        asks=asks,
    )


def _follow_up(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Remind of a follow-up that is due and blocked, then escalate.

    A letter in doubt has a desk mail of its own, and mostly is resolved before the owner would be reminded of
    it.
    """
    blocking = blockers.blockers_of(case, playbook) if case.stage is Stage.FIXED else ()
    if not blocking or case.fixed_at is None:
        return

    fixed_at = case.fixed_at
    due = playbook.follow_up_due(fixed_at, case.away_until)
    why = sentence_list(blocker.sentence for blocker in blocking)
    sentence = msg("the follow-up cannot leave: {why}", why=why)
    asks = blockers.asks(blocking)

    def key(step: Step) -> ReminderKey:
        return ReminderKey(ReminderKind.FOLLOW_UP, step=step, at=fixed_at)

    if asks:
        yield Reminder(
            key=key("due"),
            at=due,
            level="owner",
            sentence=sentence,
            asks=asks,
            listed=True,
        )
    yield from _escalated(due, playbook, key, sentence, asks)


def _call(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Announce the call in the digest of the day on which the follow-up leaves (practice 45).

    A digest takes the place of the mail that asks for the call (`recovery/follow_up.py`).
    """
    if case.stage is not Stage.FIXED or case.fixed_at is None or not playbook.follow_up_call:
        return
    if playbook.follow_up_review or blockers.blockers_of(case, playbook):
        return

    calendar = playbook.calendar
    leaves_at = playbook.follow_up_due(case.fixed_at, case.away_until)
    pattern = msgid("the follow-up leaves today at {time}; please call afterwards: {phone}")
    phone = case.facts.phone or case.customer.address
    yield Reminder(
        key=ReminderKey(ReminderKind.CALL, at=case.fixed_at),
        at=calendar.moment(calendar.local(leaves_at).date(), calendar.open),
        level="owner",
        sentence=msg(pattern, time=f"{calendar.local(leaves_at):%H:%M}", phone=phone),
        asks=("reached", "not-reached"),
        in_digest=True,
    )


def _escalated(
    due: datetime,
    playbook: Playbook,
    key: Callable[[Step], ReminderKey],
    sentence: str,
    asks: tuple[str, ...] = (),
    missed: datetime | None = None,
    urgent: bool = False,
) -> Iterator[Reminder]:
    """Remind the lead and then the manager of what the owner has not done when it was due.

    The lead hears of a date that the customer was told as soon as it is missed, on the same day, and at once of
    one that was urgent.

    Args:
        due: when the owner should have done it, in UTC.
        playbook: which says how long after that each level is told.
        key: makes the key of a reminder from its step.
        sentence: what both are told.
        asks: the lines to answer with.
        missed: the date that the customer was told, None where they were told none.
        urgent: whether it was promised for the same day.
    """
    lead_at = playbook.calendar.after(due, playbook.escalate_lead)
    manager_at = playbook.calendar.after(due, playbook.escalate_manager)
    yield Reminder(
        key=key("lead"),
        at=min(lead_at, missed or lead_at),
        level="lead",
        sentence=sentence,
        asks=asks,
        same_day=missed is not None,
        at_once=urgent and missed is not None,
    )
    yield Reminder(key=key("manager"), at=manager_at, level="manager", sentence=sentence, asks=asks)


def _stopped(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Remind of a letter that could not be written, of which the owner was told at once, then escalate."""
    if case.stopped is None or case.stopped_at is None:
        return

    _, why = case.stopped
    calendar, stopped_at = playbook.calendar, case.stopped_at
    sentence = sentence_list((msg("a letter could not be written"), why), ": ")

    def key(step: Step) -> ReminderKey:
        return ReminderKey(ReminderKind.STOPPED, step=step, at=stopped_at)

    again = calendar.after(stopped_at, _STOPPED_AFTER)
    yield Reminder(
        key=key(""),
        at=again,
        level="owner",
        sentence=sentence,
        listed=True,
    )
    yield from _escalated(again, playbook, key, sentence)


def _approval(grant: Compensation, case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Ask a lead at once to approve a grant, then a manager.

    What the lead granted is not the lead's to approve.
    """
    granted_by_lead = grant.agent == person(case, playbook, "lead").id
    level: Level = "manager" if granted_by_lead else "lead"
    at = grant.granted_at or case.opened_at
    asks = ("approve", "refuse: ")
    why = reason_to_wait(grant) or msg("it is above the limit")

    key = ReminderKey(ReminderKind.APPROVAL, grant.n)
    sentence = msg("{grant} needs your word: {why}", grant=grant.named, why=why)
    yield Reminder(
        key=key,
        at=at,
        level=level,
        sentence=sentence,
        asks=asks,
        at_once=True,
    )

    late = playbook.calendar.after(at, playbook.escalate_lead)
    key = ReminderKey(ReminderKind.APPROVAL, grant.n, "late")
    sentence = msg("{asked}; the customer waits for it", asked=sentence)
    yield Reminder(
        key=key,
        at=late,
        level="manager",
        sentence=sentence,
        asks=asks,
        at_once=True,
    )


def _review(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Remind of letters in review, then escalate; a follow-up in review is among its own blockers."""
    asks = ("approve", "refuse: ")

    for record in case.letters_in(LetterRecordState.REVIEW):
        if record.kind is LetterKind.FOLLOW_UP:
            continue

        at = playbook.calendar.after(record.at, _REVIEW_AFTER)
        key = ReminderKey(ReminderKind.REVIEW, about=record.key, at=record.at)
        sentence = msg("{key} waits to be read before it leaves", key=record.key)
        yield Reminder(
            key=key,
            at=at,
            level="owner",
            sentence=sentence,
            asks=asks,
            listed=True,
        )

        late = playbook.calendar.after(record.at, playbook.escalate_lead)
        key = ReminderKey(ReminderKind.REVIEW, step="lead", about=record.key, at=record.at)
        pattern = msgid("{key} waits to be read before it leaves, and nobody has read it")
        yield Reminder(
            key=key,
            at=late,
            level="lead",
            sentence=msg(pattern, key=record.key),
            asks=asks,
        )


def _again(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Tell owner and lead at once that a cause came back of which customers were told that it would not."""
    found = case.recurrence
    if found is None or found.cause != case.facts.cause_code:
        return

    sentence, asks = blockers.said_again(found), () if found.answered else ("prevention: ",)
    key = ReminderKey(ReminderKind.AGAIN, about=found.cause, at=found.at)
    yield Reminder(key=key, at=found.at, level="owner", sentence=sentence, asks=asks, at_once=True)
    if person(case, playbook, "lead") != playbook.owner_of(case.owner):
        key = ReminderKey(ReminderKind.AGAIN, step="lead", about=found.cause, at=found.at)
        yield Reminder(key=key, at=found.at, level="lead", sentence=sentence, asks=asks, at_once=True)


def _actions(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Remind of what we promised ourselves when it is due, then escalate."""
    for action in case.open_actions:
        agent = playbook.team.by_id(action.owner)
        pattern = msgid("{action} is due on {when}, by {who}. Is it done?")
        when, who = day_and_time(action.due, playbook.calendar), agent.name if agent else action.owner
        sentence = msg(pattern, action=action.named, when=when, who=who)

        def key(step: Step, action: Action = action) -> ReminderKey:
            return ReminderKey(ReminderKind.ACTION, action.n, step, at=action.due)

        yield Reminder(
            key=key("due"), at=action.due, level="owner", sentence=sentence, asks=action.answers, listed=True
        )
        yield from _escalated(action.due, playbook, key, sentence, action.answers)


def _requests(case: Case) -> Iterator[Reminder]:
    """Tell the owner of a department that has not answered in time."""
    for request in case.open_requests:
        key = ReminderKey(ReminderKind.REQUEST, request.n, "late", at=request.due)
        sentence = msg("{request} has no answer yet", request=request.named)
        yield Reminder(key=key, at=request.due, level="owner", sentence=sentence, listed=True)


def _severity(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Tell a lead or manager at once of a case of this severity, if the playbook says so."""
    if not playbook.tell or case.heard_at is None:
        return
    if person(case, playbook, playbook.tell) == playbook.owner_of(case.owner):
        return

    key = ReminderKey(ReminderKind.SEVERITY, step=playbook.tell, about=case.severity)
    sentence = msg("this case is of {severity} severity", severity=msg(case.severity))
    yield Reminder(
        key=key,
        at=case.heard_at,
        level=playbook.tell,
        sentence=sentence,
        at_once=True,
    )


def _receipt(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Remind of a customer who has not said whether compensation arrived (practice 73)."""
    since, grants = case.followed_up_at, case.awaiting_receipt
    if case.stage is not Stage.FOLLOWED_UP or since is None or not grants or case.unanswered:
        return

    kinds = sentence_list((grant.named_kind for grant in grants), " and ")
    received = [f"received: {grant.n}" for grant in grants]
    missing = [f"missing: {grant.n}" for grant in grants]

    at = playbook.calendar.after(since, _RECEIPT_AFTER)
    key = ReminderKey(ReminderKind.RECEIPT, at=since)
    sentence = msg("the customer has not said whether {grants} arrived", grants=kinds)
    yield Reminder(
        key=key,
        at=at,
        level="owner",
        sentence=sentence,
        asks=(*received, *missing),
    )


def _answer(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Remind of a mail that the customer wrote after the follow-up, or to a closed case, without an answer."""
    wrote_at = case.customer_wrote_at
    if case.stage not in {Stage.FOLLOWED_UP, Stage.CLOSED} or not case.unanswered or wrote_at is None:
        return
    if case.we_wrote_at and case.we_wrote_at >= wrote_at:
        return

    at = playbook.calendar.after(wrote_at, _ANSWER_AFTER)
    key = ReminderKey(ReminderKind.ANSWER, at=wrote_at)
    sentence = msg("the customer has written since the follow-up, and nobody has answered")
    asks = ("reached", "complaint")
    yield Reminder(key=key, at=at, level="owner", sentence=sentence, asks=asks, listed=True)

    if case.stage is Stage.CLOSED:  # the digest does not list it
        late = playbook.calendar.after(at, playbook.escalate_lead)
        key = ReminderKey(ReminderKind.ANSWER, step="lead", at=wrote_at)
        yield Reminder(key=key, at=late, level="lead", sentence=sentence, asks=asks)
