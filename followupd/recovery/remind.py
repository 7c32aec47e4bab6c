"""The squeaky wheel: owners are reminded, then the ladder; bad news goes out early; nobody is left without a word."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from followupd.model.agent import Agent, Role
from followupd.model.calendar import Duration
from followupd.model.case import Case, Stage
from followupd.model.compensation import RECEIPT, GrantState
from followupd.model.event import OwnerNudged, PromiseBroken, PromiseLate, PromiseMade
from followupd.model.gate import lacks, still_to_give
from followupd.model.letter import ANSWER, APPROVAL, ESCALATION, HOLDING, NUDGE, Brief, Step, Writer, as_event
from followupd.model.playbook import Playbook
from followupd.model.promise import Firmness, Promise, PromiseState

_BEFORE = Duration(4, "business hour")  # how long before our own date the owner is reminded
_PATIENCE = Duration(1, "business day")  # from the nudge about silence to the holding letter
_NEW_DATE = Duration(2, "business day")  # how far a promise moves when nobody says a word about it
_RECEIPT = Duration(
    3, "business day"
)  # from the follow-up's question whether it arrived to the reminder that nobody knows
_HELD = Duration(1, "business day")  # from the hold to the question whether it still holds
_ANSWER = Duration(4, "business hour")  # from a mail after the follow-up to the question who answers it
_MOST_HOLDING = 3  # holding letters in a case; more of them would be noise
_WORKING = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED})

#: stages in which nothing is worked on
_QUIET = frozenset({Stage.SUSPECTED, Stage.DISMISSED, Stage.CLOSED})

Rung = Literal["owner", "lead", "manager"]


@dataclass(frozen=True, slots=True)
class Matter:
    """Something a person must be told: a name that is used once, the moment, the rung, the sentence, the answers."""

    name: str
    at: datetime
    rung: Rung
    sentence: str
    asks: tuple[str, ...] = ()


def moment(case: Case, playbook: Playbook) -> datetime | None:
    """Return the next moment at which somebody must be told something, or a letter must go out early."""
    nudged = dict(case.nudges)
    moments = [_not_twice_a_day(case, playbook, each) for each in _matters(case, playbook) if each.name not in nudged]
    moments += [at for at in (_slip_at(case, playbook), _broken_at(case), _holding_at(case, playbook)) if at]
    return min(moments, default=None)


def act(case: Case, playbook: Playbook, write: Writer, now: datetime) -> list[Step]:
    """Tell each person at most once a day, all matters of the case in one mail; write what the customer must hear."""
    if case.held or case.stage in _QUIET:
        return _nudges(case, playbook, write, now)
    steps: list[Step] = [*_slipped(case, playbook, now), *_broken(case, now)]
    if steps:
        return steps  # the chapters look again at the changed case
    return [*_nudges(case, playbook, write, now), *_holding(case, playbook, write, now)]


# --- telling people ---------------------------------------------------------------------------------------------------


def _matters(case: Case, playbook: Playbook) -> Iterator[Matter]:
    if case.stage is Stage.DISMISSED:
        return
    yield from _of_desk_mail(case)
    if case.held:
        yield from _of_hold(case, playbook)
    elif case.stage not in _QUIET:
        yield from _of_work(case, playbook)
    if case.not_reached and not case.held:
        at = case.not_reached_at or case.opened_at
        sentence = f"the customer was not reached: {case.not_reached}. Please call"
        yield Matter(f"not-reached {at:%Y-%m-%dT%H:%M}", at, "owner", sentence, ("reached", "not-reached"))


def _of_work(case: Case, playbook: Playbook) -> Iterator[Matter]:
    for promise in case.owed:
        yield from _of_promise(promise, playbook)
    yield from _of_silence(case, playbook)
    yield from _of_follow_up(case, playbook)
    yield from _of_approval(case, playbook)
    yield from _of_severity(case, playbook)
    yield from _of_receipt(case, playbook)
    yield from _of_answer(case, playbook)


def _of_desk_mail(case: Case) -> Iterator[Matter]:
    """A desk mail could not be delivered: what it asked is asked of the next rung, lest nobody was asked at all."""
    for mark in case.letters:
        if mark.state == "failed" and mark.kind.startswith("desk/") and mark.kind != ANSWER:
            rung: Rung = "manager" if mark.kind in {ESCALATION, APPROVAL} else "lead"
            sentence = (
                f"{mark.key} could not be delivered, and nobody has read what it asks; see `followupd case {case.ref}`"
            )
            yield Matter(f"undelivered {rung} {mark.key}", mark.at, rung, sentence)


def _of_hold(case: Case, playbook: Playbook) -> Iterator[Matter]:
    """A held case moves by nobody's hand but a person's, who may have forgotten it, or never have heard of it."""
    if case.held_at is None or (case.stage is Stage.CLOSED and not any(still_to_give(g) for g in case.compensation)):
        return
    at = playbook.calendar.after(case.held_at, _HELD)
    sentence = f"no letter of this case leaves, since it is held{': ' + case.held_because if case.held_because else ''}"
    yield Matter(f"held {case.held_at:%Y-%m-%dT%H:%M}", at, "owner", sentence, ("release",))


def _of_answer(case: Case, playbook: Playbook) -> Iterator[Matter]:
    """The customer wrote after the follow-up, and nobody has answered."""
    wrote = case.customer_wrote_at
    if case.stage is not Stage.FOLLOWED_UP or not case.unanswered or wrote is None:
        return
    if case.we_wrote_at is None or case.we_wrote_at < wrote:
        at = playbook.calendar.after(wrote, _ANSWER)
        sentence = "the customer has written since the follow-up, and nobody has answered"
        yield Matter(f"answer {wrote:%Y-%m-%dT%H:%M}", at, "owner", sentence, ("reached", "complaint"))


def _of_promise(promise: Promise, playbook: Playbook) -> Iterator[Matter]:
    if promise.due is None:
        return
    calendar, n, due = playbook.calendar, promise.n, promise.due
    asks = (f"kept: {n}", f"late: {n} until  because ", f"withdraw: {n} because ")
    what = f"promise {n}: {promise.text}"
    soon = max(calendar.before(due, _BEFORE), promise.made_at or due)
    stamp = f"{due:%Y-%m-%dT%H:%M}"  # a new date is a new matter
    if soon < due:
        yield Matter(f"promise-{n} soon {stamp}", soon, "owner", f"{what} is due soon", asks)
    yield Matter(f"promise-{n} due {stamp}", due, "owner", f"{what} is due now. Was it kept?", asks)
    lead, manager = calendar.after(due, playbook.escalate_lead), calendar.after(due, playbook.escalate_manager)
    yield Matter(f"promise-{n} lead {stamp}", lead, "lead", f"{what} is overdue", asks)
    yield Matter(
        f"promise-{n} manager {stamp}", manager, "manager", f"{what} is overdue, and nobody has said a word", asks
    )


def _of_silence(case: Case, playbook: Playbook) -> Iterator[Matter]:
    since = _last_word(case)
    if case.stage in _WORKING and since:
        at = playbook.calendar.after(since, playbook.silence_after)
        yield Matter(f"silence {since:%Y-%m-%dT%H:%M}", at, "owner", "the customer has had no word from us for a while")


def _of_follow_up(case: Case, playbook: Playbook) -> Iterator[Matter]:
    """The day of the follow-up came and something is still missing."""
    missing = lacks(case) if case.stage is Stage.FIXED and case.fixed_at else ()
    if not missing or case.fixed_at is None:
        return
    calendar = playbook.calendar
    due = calendar.after(case.fixed_at, playbook.follow_up_after)
    sentence = f"the follow-up cannot leave: {'; '.join(lack.sentence for lack in missing)}"
    asks = tuple(dict.fromkeys(lack.ask for lack in missing if lack.ask))
    stamp = f"{case.fixed_at:%Y-%m-%dT%H:%M}"
    if asks:  # a letter in doubt alone has a desk mail of its own, and mostly is settled before that leaves
        yield Matter(f"follow-up due {stamp}", due, "owner", sentence, asks)
    yield Matter(f"follow-up lead {stamp}", calendar.after(due, playbook.escalate_lead), "lead", sentence, asks)
    yield Matter(
        f"follow-up manager {stamp}", calendar.after(due, playbook.escalate_manager), "manager", sentence, asks
    )


def _of_approval(case: Case, playbook: Playbook) -> Iterator[Matter]:
    for grant in case.compensation:
        if grant.state is GrantState.WAITING_APPROVAL:
            value = f" of {grant.money.amount} {grant.money.currency}" if grant.money else ""
            sentence = f"the {grant.kind}{value} needs your word: {grant.because or 'it is above the limit'}"
            # A lead does not approve what the lead granted.
            above = grant.agent == _person(case, playbook, "lead").id
            name = f"approve-{grant.n}{' manager ' if above else ''}"
            rung = _rung_of(name)
            yield Matter(name, grant.granted_at or case.opened_at, rung, sentence, ("approve", "refuse: "))


def _of_receipt(case: Case, playbook: Playbook) -> Iterator[Matter]:
    """The follow-up asked whether it arrived, and the customer has not said (practice 73)."""
    since = case.followed_up_at
    if case.stage is not Stage.FOLLOWED_UP or since is None or not case.awaiting_receipt or case.unanswered:
        return
    kinds = " and ".join(f"the {grant.kind}" for grant in case.awaiting_receipt)
    asks = tuple(f"{verb}: {grant.n}" for verb in ("received", "missing") for grant in case.awaiting_receipt)
    sentence = f"the customer has not said whether {kinds} arrived"
    yield Matter(f"{RECEIPT} {since:%Y-%m-%dT%H:%M}", playbook.calendar.after(since, _RECEIPT), "owner", sentence, asks)


def _of_severity(case: Case, playbook: Playbook) -> Iterator[Matter]:
    """The playbook lets somebody else than the owner hear of cases of this severity at once."""
    if (
        not playbook.tell
        or case.heard_at is None
        or _person(case, playbook, playbook.tell) == playbook.owner_of(case.owner)
    ):
        return
    sentence = f"this case is of {case.severity} severity"
    yield Matter(f"severity {playbook.tell} {case.severity}", case.heard_at, playbook.tell, sentence)


def _not_twice_a_day(case: Case, playbook: Playbook, matter: Matter) -> datetime:
    """A person hears of a case once a day; what comes later the same day waits for the next opening."""
    calendar = playbook.calendar
    whom = _person(case, playbook, matter.rung)
    last = max((at for name, at in case.nudges if _person(case, playbook, _rung_of(name)) == whom), default=None)
    if last is None:
        return matter.at
    next_day = calendar.moment(calendar.local(last).date() + timedelta(days=1), calendar.open)
    return max(matter.at, calendar.next_open(next_day))


def _rung_of(name: str) -> Rung:
    if " manager " in name:
        return "manager"
    return "lead" if name.startswith("approve-") or " lead " in name else "owner"


def _nudges(case: Case, playbook: Playbook, write: Writer, now: datetime) -> list[Step]:
    done = dict(case.nudges)
    due = [
        each for each in _matters(case, playbook)
        if each.name not in done and _not_twice_a_day(case, playbook, each) <= now
    ]  # fmt: skip
    people = {_person(case, playbook, each.rung).id: _person(case, playbook, each.rung) for each in due}
    steps: list[Step] = []
    for whom in people.values():
        made = _one_mail(case, playbook, write, now, whom, [m for m in due if _person(case, playbook, m.rung) == whom])
        for step in made:  # the next mail of the same kind has the next number
            case = case.after(as_event(step, now))
        steps += made
    return steps


def _one_mail(
    case: Case, playbook: Playbook, write: Writer, now: datetime, whom: Agent, matters: list[Matter]
) -> list[Step]:
    brief = Brief(
        because="; ".join(dict.fromkeys(matter.sentence for matter in matters)),
        asks=tuple(dict.fromkeys(ask for matter in matters for ask in matter.asks)),
        promises=case.owed, compensation=case.compensation, quote=case.latest or case.story,
    )  # fmt: skip
    if all(matter.name.startswith("approve-") for matter in matters):
        kind = APPROVAL
    else:
        kind = NUDGE if any(matter.rung == "owner" for matter in matters) else ESCALATION
    told = [OwnerNudged(at=now, matter=matter.name, whom=whom.id, why=matter.sentence) for matter in matters]
    return [*told, write.desk(kind, case, playbook, now, brief, whom)]


def _person(case: Case, playbook: Playbook, rung: Rung) -> Agent:
    """Return who stands on this rung, else on the nearest one that somebody stands on."""
    owner = playbook.owner_of(case.owner)
    if rung == "owner":
        return owner
    lead, manager = playbook.team.first(Role.LEAD), playbook.team.first(Role.MANAGER)
    return (lead if rung == "lead" else manager or lead) or owner


# --- what the customer must hear --------------------------------------------------------------------------------------


def _slips(case: Case) -> list[Promise]:
    """Promises in writing that may still move once; a second new date is a lead's to say."""
    return [
        p for p in case.promises if p.state is PromiseState.OPEN and p.confirmed and p.due and p.told and p.due < p.told
    ]


def _halfway(promise: Promise) -> datetime | None:
    """Half of the margin has passed without a word: the customer should hear it before the told date (practice 26)."""
    return promise.due + (promise.told - promise.due) / 2 if promise.due and promise.told else None


def _slip_at(case: Case, _playbook: Playbook) -> datetime | None:
    return min((at for promise in _slips(case) if (at := _halfway(promise))), default=None)


def _slipped(case: Case, playbook: Playbook, now: datetime) -> list[Step]:
    found: list[Step] = []
    for promise in _slips(case):
        at = _halfway(promise)
        if at is None or promise.told is None or not at <= now < promise.told:
            continue
        told = playbook.calendar.after(promise.told, _NEW_DATE)
        margin = promise.told - (promise.due or promise.told)
        why = "our own date has passed and nobody has said that it was kept"
        found.append(PromiseLate(at=now, why=why, n=promise.n, due=told - margin, told=told))
    return found


def _broken_at(case: Case) -> datetime | None:
    open_ones = (p for p in case.promises if p.state in {PromiseState.OPEN, PromiseState.LATE})
    return min((promise.told for promise in open_ones if promise.told), default=None)


def _broken(case: Case, now: datetime) -> list[Step]:
    return [
        PromiseBroken(at=now, n=p.n, why="the date that the customer was told has passed")
        for p in case.promises
        if p.state in {PromiseState.OPEN, PromiseState.LATE} and p.told and p.told <= now
    ]


def _last_word(case: Case) -> datetime | None:
    return case.we_wrote_at or case.heard_at


def _holding_at(case: Case, playbook: Playbook) -> datetime | None:
    """After the nudge the owner has a day; then the customer hears at least that nobody has forgotten."""
    since = _last_word(case)
    nudge = next((at for name, at in case.nudges if since and name == f"silence {since:%Y-%m-%dT%H:%M}"), None)
    if nudge is None or case.stage not in _WORKING or len(case.letters_of(HOLDING)) >= _MOST_HOLDING:
        return None
    return playbook.calendar.after(nudge, _PATIENCE)


def _holding(case: Case, playbook: Playbook, write: Writer, now: datetime) -> list[Step]:
    due = _holding_at(case, playbook)
    if due is None or due > now or case.under_way(HOLDING) or case.not_reached or (case.by_machine and case.no_answer):
        return []
    if any(promise.told and promise.told > now for promise in case.owed):
        return []  # the customer knows a date that is still to come
    until = playbook.calendar.after(now, playbook.silence_after)
    promise = Promise(
        n=max((each.n for each in case.promises), default=0) + 1, text="You hear from me again",
        kind=Firmness.NEXT_UPDATE, due=until, told=until, source="playbook", owner=case.owner, made_at=now,
    )  # fmt: skip
    made = PromiseMade(at=now, why="the holding letter says so", promise=promise)
    letter = write.letter(HOLDING, case.after(made), playbook, now, Brief(promises=(promise,), until=until))
    return [made, replace(letter, concerns=(promise.n,))]
