"""What people must be told of a case, and when: promises, silence, approvals, receipts, and what nobody answered."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from followupd.domain.calendar import Duration
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import RECEIPT, GrantState
from followupd.domain.letter import LetterKind, LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.promise import OptionState, Promise
from followupd.domain.team import Agent, Role
from followupd.domain.translatable import msg, sentence_list
from followupd.recovery import blockers
from followupd.recovery.remind.dates import day_and_time
from followupd.recovery.remind.delays import last_word

Level = Literal["owner", "lead", "manager"]


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something a person must be told: a name that is used once, the moment, the rung, the sentence, the answers.

    `at_once` says that only this person's word helps, so that it waits neither for the morning nor for the digest; `listed`,
    that the owner's list of what waits (`recovery/waiting.py`) says the same already.
    """

    name: str
    at: datetime
    rung: Level
    sentence: str
    asks: tuple[str, ...] = ()
    at_once: bool = False
    listed: bool = False


def person(case: Case, playbook: Playbook, rung: Level) -> Agent:
    """Return who stands on this rung, else on the nearest one that somebody stands on."""
    owner = playbook.owner_of(case.owner)
    if rung == "owner":
        return owner
    lead, manager = playbook.team.first(Role.LEAD), playbook.team.first(Role.MANAGER)
    return (lead if rung == "lead" else manager or lead) or owner


_CHOICE = Duration(
    2, "business day"
)  # from the question which option suits better to the reminder that nobody chose
_ALONE = Duration(2, "business hour")  # from an option to the question where the other ones are
_OPEN = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED})


def asked_at(case: Case) -> datetime | None:
    """Return when the customer was asked which option suits better, None while there is nothing to choose."""
    asked = {option.letter for option in case.to_choose}
    return max((mark.at for mark in case.letters if mark.key in asked), default=None)


def of_options(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """Give what is to be told while the case is worked on; of a fixed one, its follow-up's gate speaks."""
    if case.stage in _OPEN:
        yield from _nobody_chose(case, playbook)
        yield from _alone(case, playbook)


def _nobody_chose(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    since = asked_at(case)
    if since is None:
        return
    asks = tuple(f"{verb}: {each.n}" for verb in ("choose", "withdraw-option") for each in case.to_choose)
    offer = ", ".join(f"{each.n} “{each.text}”" for each in case.to_choose)
    at, stamp = playbook.calendar.after(since, _CHOICE), f"{since:%Y-%m-%dT%H:%M}"
    call = msg("the customer has not chosen, please call; on offer: {options}", options=offer)
    yield Reminder(f"choice {stamp}", at, "owner", call, asks)
    late = playbook.calendar.after(at, playbook.escalate_manager)
    still = msg(
        "the customer has not chosen, and nobody has taken the options back: {options}", options=offer
    )
    yield Reminder(f"choice lead {stamp}", late, "lead", still, asks)


def _alone(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    open_ones = [option for option in case.options if option.state is OptionState.OPEN]
    if len(open_ones) != 1 or open_ones[0] not in case.unasked or open_ones[0].offered_at is None:
        return
    [option] = open_ones
    at = playbook.calendar.after(option.offered_at or case.opened_at, _ALONE)
    pattern = "{option} stands alone, and the customer was not asked: offer another one, or promise this one"
    asks = ("option: ", f"promise: {option.text} by ", f"withdraw-option: {option.n} because ")
    yield Reminder(f"option-{option.n} alone", at, "owner", msg(pattern, option=option.named), asks)


#: how long before our own date the owner is reminded: the question has a day of its own
_BEFORE = Duration(1, "business day")
_RECEIPT = Duration(
    3, "business day"
)  # from the question whether it arrived to the reminder that nobody knows
#: from the hold to the question whether it still holds, on each rung
_HELD = (Duration(1, "business day"), Duration(5, "business day"), Duration(10, "business day"))
_ANSWER = Duration(4, "business hour")  # from a mail after the follow-up to the question who answers it

_STOPPED = Duration(1, "business day")  # from a letter's being stopped to the owner's hearing of it again
_REVIEW = Duration(4, "business hour")  # from a letter's being filed as a draft to the reminder that it waits

#: stages in which something is still to be done for the customer
WORKING = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED})
#: stages in which nothing is worked on
QUIET = frozenset({Stage.SUSPECTED, Stage.DISMISSED, Stage.CLOSED})


def matters(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    if case.stage is Stage.DISMISSED:
        return
    yield from _of_desk_mail(case)
    if case.held:
        yield from _of_hold(case, playbook)
    elif case.stage not in QUIET:
        yield from _of_work(case, playbook)
    if case.not_reached and not case.held:
        at = case.not_reached_at or case.opened_at
        sentence = msg("the customer was not reached: {why}. Please call", why=case.not_reached)
        yield Reminder(
            f"not-reached {at:%Y-%m-%dT%H:%M}", at, "owner", sentence, ("reached", "not-reached"), listed=True
        )


def _of_work(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    for promise in case.owed:
        yield from _of_promise(promise, playbook)
    yield from _of_silence(case, playbook)
    yield from of_options(case, playbook)
    yield from _of_follow_up(case, playbook)
    yield from _of_stopped(case, playbook)
    yield from _of_approval(case, playbook)
    yield from _of_review(case, playbook)
    yield from _of_severity(case, playbook)
    yield from _of_receipt(case, playbook)
    yield from _of_answer(case, playbook)


def _of_desk_mail(case: Case) -> Iterator[Reminder]:
    """A desk mail could not be delivered: what it asked is asked of the next rung, lest nobody was asked at all."""
    for mark in case.letters:
        if (
            mark.state is LetterRecordState.FAILED
            and mark.kind.is_desk_mail
            and mark.kind != LetterKind.ANSWER
        ):
            rung: Level = "manager" if mark.kind in {LetterKind.ESCALATION, LetterKind.APPROVAL} else "lead"
            sentence = msg(
                "{key} could not be delivered, and nobody has read what it asks; see `followupd case {ref}`",
                key=mark.key,
                ref=case.ref,
            )
            yield Reminder(f"undelivered {rung} {mark.key}", mark.at, rung, sentence)


def _of_hold(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """A held case moves by nobody's hand but a person's, who may have forgotten it, or never have heard of it."""
    if case.held_at is None or (
        case.stage is Stage.CLOSED and not any(blockers.still_to_give(g) for g in case.compensation)
    ):
        return
    sentence = (
        msg("no letter of this case leaves, since it is held: {why}", why=case.held_because)
        if case.held_because
        else msg("no letter of this case leaves, since it is held")
    )
    at, stamp = case.held_at, f"{case.held_at:%Y-%m-%dT%H:%M}"
    rungs: tuple[tuple[Level, str], ...] = (("owner", ""), ("lead", "lead "), ("manager", "manager "))
    for days, (rung, name) in zip(_HELD, rungs, strict=True):
        yield Reminder(
            f"held {name}{stamp}",
            playbook.calendar.after(at, days),
            rung,
            sentence,
            ("release",),
            listed=True,
        )


def _of_answer(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """The customer wrote after the follow-up, and nobody has answered."""
    wrote = case.customer_wrote_at
    if case.stage is not Stage.FOLLOWED_UP or not case.unanswered or wrote is None:
        return
    if case.we_wrote_at is None or case.we_wrote_at < wrote:
        at = playbook.calendar.after(wrote, _ANSWER)
        sentence = msg("the customer has written since the follow-up, and nobody has answered")
        yield Reminder(
            f"answer {wrote:%Y-%m-%dT%H:%M}", at, "owner", sentence, ("reached", "complaint"), listed=True
        )


def _of_promise(promise: Promise, playbook: Playbook) -> Iterator[Reminder]:
    if promise.internal_deadline is None:
        return
    calendar, n, due = playbook.calendar, promise.n, promise.internal_deadline
    asks = (f"kept: {n}", f"late: {n} until  because ", f"withdraw: {n} because ")
    what, when = promise.named, day_and_time(due, calendar)
    soon = calendar.before(due, _BEFORE)
    stamp = f"{due:%Y-%m-%dT%H:%M}"  # a new date is a new matter
    if (
        promise.made_at or due
    ) <= soon:  # one made since then is fresh in the mind, and the question needs its day
        yield Reminder(
            f"promise-{n} soon {stamp}",
            soon,
            "owner",
            msg("{promise} is due on {when}", promise=what, when=when),
            asks,
        )
    asked = msg("{promise} is due on {when}. Was it kept?", promise=what, when=when)
    yield Reminder(f"promise-{n} due {stamp}", due, "owner", asked, asks, listed=True)
    lead, manager = (
        calendar.after(due, playbook.escalate_lead),
        calendar.after(due, playbook.escalate_manager),
    )
    overdue = msg(
        "{promise} was due on {when}, and nobody has said that it was kept", promise=what, when=when
    )
    yield Reminder(f"promise-{n} lead {stamp}", lead, "lead", overdue, asks)
    yield Reminder(f"promise-{n} manager {stamp}", manager, "manager", overdue, asks)


def _of_silence(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    since, asked = last_word(case), asked_at(case)
    if asked and (case.customer_wrote_at or asked) <= asked:
        return  # the next word is the customer's: `of_options`
    if case.stage in WORKING and since:
        at = playbook.calendar.after(since, playbook.silence_after)
        sentence, never = msg("the customer has had no word from us for a while"), case.we_wrote_at is None
        yield Reminder(f"silence {since:%Y-%m-%dT%H:%M}", at, "owner", sentence, listed=never)


def _of_follow_up(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """The day of the follow-up came and something is still missing."""
    missing = blockers.blockers_of(case) if case.stage is Stage.FIXED and case.fixed_at else ()
    if not missing or case.fixed_at is None:
        return
    calendar = playbook.calendar
    due = calendar.after(case.fixed_at, playbook.follow_up_after)
    sentence = msg("the follow-up cannot leave: {why}", why=sentence_list(lack.sentence for lack in missing))
    asks = blockers.asks(missing)
    stamp = f"{case.fixed_at:%Y-%m-%dT%H:%M}"
    if asks:  # a letter in doubt alone has a desk mail of its own, and mostly is settled before that leaves
        yield Reminder(f"follow-up due {stamp}", due, "owner", sentence, asks, listed=True)
    yield Reminder(
        f"follow-up lead {stamp}", calendar.after(due, playbook.escalate_lead), "lead", sentence, asks
    )
    yield Reminder(
        f"follow-up manager {stamp}",
        calendar.after(due, playbook.escalate_manager),
        "manager",
        sentence,
        asks,
    )


def _of_stopped(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """A letter cannot be written as things are. The owner was told at once, and may have missed it; the customer waits."""
    if case.stopped is None or case.stopped_at is None:
        return
    calendar, stamp = playbook.calendar, f"{case.stopped_at:%Y-%m-%dT%H:%M}"
    sentence = sentence_list((msg("a letter could not be written"), case.stopped[1]), ": ")
    again = calendar.after(case.stopped_at, _STOPPED)
    yield Reminder(f"stopped {stamp}", again, "owner", sentence, listed=True)
    yield Reminder(f"stopped lead {stamp}", calendar.after(again, playbook.escalate_lead), "lead", sentence)
    yield Reminder(
        f"stopped manager {stamp}", calendar.after(again, playbook.escalate_manager), "manager", sentence
    )


def _of_approval(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    for grant in case.compensation:
        if grant.state is GrantState.WAITING_APPROVAL:
            why = grant.because or msg("it is above the limit")
            sentence = msg("{grant} needs your word: {why}", grant=grant.named, why=why)
            # A lead does not approve what the lead granted.
            rung: Level = "manager" if grant.agent == person(case, playbook, "lead").id else "lead"
            at, asks = grant.granted_at or case.opened_at, ("approve", "refuse: ")
            yield Reminder(f"approve-{grant.n}", at, rung, sentence, asks, at_once=True)
            late = playbook.calendar.after(at, playbook.escalate_lead)
            yield Reminder(
                f"approve-{grant.n} late",
                late,
                "manager",
                msg("{asked}; the customer waits for it", asked=sentence),
                asks,
            )


def _of_review(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """A letter waits to be read, and the customer for the letter; of a follow-up, `_of_follow_up` speaks."""
    for mark in case.letters:
        if mark.state is not LetterRecordState.REVIEW or mark.kind == LetterKind.FOLLOW_UP:
            continue
        calendar, asks, stamp = (
            playbook.calendar,
            ("approve", "refuse: "),
            f"{mark.key} {mark.at:%Y-%m-%dT%H:%M}",
        )
        sentence = msg("{key} waits to be read before it leaves", key=mark.key)
        yield Reminder(
            f"review {stamp}", calendar.after(mark.at, _REVIEW), "owner", sentence, asks, listed=True
        )
        late = calendar.after(mark.at, playbook.escalate_lead)
        yield Reminder(
            f"review lead {stamp}",
            late,
            "lead",
            msg("{key} waits to be read before it leaves, and nobody has read it", key=mark.key),
            asks,
        )


def _of_receipt(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """The follow-up asked whether it arrived, and the customer has not said (practice 73)."""
    since = case.followed_up_at
    if case.stage is not Stage.FOLLOWED_UP or since is None or not case.awaiting_receipt or case.unanswered:
        return
    kinds = sentence_list((msg(f"the {grant.kind}") for grant in case.awaiting_receipt), " and ")
    asks = tuple(f"{verb}: {grant.n}" for verb in ("received", "missing") for grant in case.awaiting_receipt)
    sentence = msg("the customer has not said whether {grants} arrived", grants=kinds)
    yield Reminder(
        f"{RECEIPT} {since:%Y-%m-%dT%H:%M}", playbook.calendar.after(since, _RECEIPT), "owner", sentence, asks
    )


def _of_severity(case: Case, playbook: Playbook) -> Iterator[Reminder]:
    """The playbook lets somebody else than the owner hear of cases of this severity at once."""
    if (
        not playbook.tell
        or case.heard_at is None
        or person(case, playbook, playbook.tell) == playbook.owner_of(case.owner)
    ):
        return
    sentence = msg("this case is of {severity} severity", severity=msg(case.severity))
    yield Reminder(
        f"severity {playbook.tell} {case.severity}", case.heard_at, playbook.tell, sentence, at_once=True
    )
