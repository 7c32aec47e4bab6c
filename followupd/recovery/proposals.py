"""Proposals: promises and compensation read in an agent's reply, which count once an agent approves them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from followupd.domain.calendar import day
from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.events import CompensationGranted, Event, PromiseMade, PromiseProposed
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Found, FoundCompensation, FoundPromise, Promise, PromiseState, paired
from followupd.domain.translatable import Translatable, msg


def proposed(
    case: Case,
    found: Found,
    playbook: Playbook,
    now: datetime,
    letter: str = "",
) -> list[Event]:
    """Return proposals for what was found in a reply, without what the case contains already.

    Args:
        case: the case.
        found: what was read.
        playbook: the playbook of the case.
        now: the time of the cycle, in UTC.
        letter: the key of the letter of ours that it is in, "" for a mail of an agent's own.
    """
    known = {promise.text for promise in case.promises}
    promises, grants = paired(found.promises, found.compensation, case.next_promise, known)
    events: list[Event] = []

    for n, promise in promises:
        told = replace(_promise(n, promise, case, now), confirmed=letter)
        event = PromiseProposed(at=now, why=_why(promise), promise=told)
        events.append(event)

    n = case.next_grant
    for grant, promise_number in grants:
        compensation = _compensation(n, grant, promise_number, playbook)
        if not _is_known(compensation, case):
            events.append(CompensationGranted(at=now, why=_why(grant), compensation=compensation))
            n += 1
    return events


def _why(found: FoundPromise | FoundCompensation) -> str:
    """Return the words that were recognised, for the history."""
    return f"reply: {' ... '.join(found.words)}"


def _promise(n: int, found: FoundPromise, case: Case, now: datetime) -> Promise:
    """Return the proposed promise; it gets its own internal deadline when it is approved."""
    return Promise(
        n=n,
        text=found.text,
        kind=found.kind,
        internal_deadline=found.due,
        promised_by=found.due,
        relation=found.relation,
        since=found.since,
        dated=found.dated,
        state=PromiseState.PROPOSED,
        source="reply",
        owner=case.owner,
        made_at=now,
    )


def _compensation(n: int, found: FoundCompensation, promise: int, playbook: Playbook) -> Compensation:
    """Return the proposed grant; an amount without a currency is in the company's."""
    money = None
    if found.amount:
        money = Money.of(found.amount, found.currency or playbook.company.currency)

    return Compensation(
        n=n,
        kind=Gift(found.kind),
        state=GrantState.PROPOSED,
        money=money,
        text=found.text,
        source="reply",
        promise=promise,
    )


def _is_known(proposal: Compensation, case: Case) -> bool:
    """Return whether the case has this grant already; one without an amount may be any of its kind."""
    amounts = [grant.money for grant in case.compensation if grant.kind is proposal.kind]
    if proposal.money is None:
        return bool(amounts)

    return proposal.money in amounts


@dataclass(frozen=True, slots=True)
class Moved:
    """A promise of a letter that an agent changed: the letter tells `date`, None where it names none."""

    promise: Promise
    date: datetime | None


@dataclass(frozen=True, slots=True)
class ChangedLetter:
    """What an agent changed in a letter: events, sentences for the owner, and the lines to answer."""

    events: tuple[Event, ...]
    sentences: tuple[Translatable, ...]
    asks: tuple[str, ...]


def moved(
    told: Sequence[Promise], before: Mapping[int, datetime | None], after: Mapping[int, datetime | None]
) -> list[Moved]:
    """Return the promises whose date a letter tells differently than it was written, or no longer.

    What could not be read in the letter as it was written is compared with nothing.

    Args:
        told: the promises that the letter is about.
        before: the date that is read after each promise in the letter as it was written, by number; None
            for no date.
        after: the same in the letter as an agent changed it.
    """
    found = []
    for promise in told:
        date = after.get(promise.n)
        if before.get(promise.n) is not None and date != before[promise.n]:
            found.append(Moved(promise, date))
    return found


def changed_letter(
    case: Case,
    before: Found,
    after: Found,
    dates: Sequence[Moved],
    playbook: Playbook,
    now: datetime,
    letter: str,
) -> ChangedLetter:
    """Return what follows from a letter that an agent changed before it was sent.

    A new date of a promise is noted: the customer has it in writing. What the letter promises or gives beyond
    what was written is proposed to the owner, and a promise that it no longer names, or without a date, is
    asked about.

    Args:
        case: the case.
        before: what the letter promised and gave as it was written.
        after: what it promises and gives now.
        dates: the promises whose date it tells differently.
        playbook: the playbook of the case.
        now: the time of the cycle, in UTC.
        letter: its key; what it promises is in writing once it is approved.

    Returns:
        Events for the history, sentences that tell the owner of them, and the lines with which the owner can
        answer. All three are empty for a letter that says the same in other words.
    """
    events: list[Event] = []
    sentences: list[Translatable] = []
    asks: list[str] = []

    for each in dates:
        promise, date = each.promise, each.date
        if date is None or date <= now:
            sentences.append(
                msg("the letter was changed, and no longer says when {promise} is due", promise=promise.named)
            )
            asks += promise.answers[1:]
            continue
        sentence = msg(
            "the letter was changed: {promise} is told by {when} now",
            promise=promise.named,
            when=day(date, playbook.calendar),
        )
        made = replace(promise, promised_by=date, internal_deadline=playbook.own_date(date, now))
        events.append(PromiseMade(at=now, why=str(sentence), promise=made))
        sentences.append(sentence)

    for grant in _given_no_more(case, before, after):
        sentences.append(msg("the letter was changed, and no longer gives {gift}", gift=grant.named))
        asks.append(f"refused: {grant.n}")

    new = proposed(case, _beyond(case, before, after), playbook, now, letter)
    if new:
        sentences.append(msg("the letter was changed, and seems to promise or give more than was written"))
        asks += ["approve", "refuse: "]
    return ChangedLetter((*events, *new), tuple(sentences), tuple(asks))


def _beyond(case: Case, before: Found, after: Found) -> Found:
    """Return what the second text promises and gives and neither the first one nor the case does.

    Args:
        case: the case.
        before: what was read in the first text.
        after: what was read in the second one; a promise with another date alone is the same.
    """
    texts = {*map(_without_date, before.promises), *(promise.text.casefold() for promise in case.promises)}
    grants = set(map(_gift, before.compensation))
    new = [grant for grant in after.compensation if _gift(grant) not in grants]
    return Found(
        tuple(promise for promise in after.promises if _without_date(promise) not in texts), tuple(new)
    )


def _gift(found: FoundCompensation) -> tuple[str, str, str]:
    """Return what two texts that give the same have in common."""
    return found.kind, found.amount, found.currency


def _given_no_more(case: Case, before: Found, after: Found) -> list[Compensation]:
    """Return what was granted in the case, and is in the first text and not in the second one."""
    kept = set(map(_gift, after.compensation))
    gone = {(found.kind, found.amount) for found in before.compensation if _gift(found) not in kept}
    return [
        grant
        for grant in case.grants_in(GrantState.GRANTED)
        if grant.money and (grant.kind.value, grant.money.amount) in gone
    ]


def above_limit(
    case: Case, before: Found, after: Found, may_give: Callable[[Money | None], bool], playbook: Playbook
) -> Compensation | None:
    """Return what a changed letter gives more than was written, and more than its agent may give alone.

    What the case has granted already was allowed by somebody.

    Args:
        case: the case.
        before: what the letter gave as it was written.
        after: what it gives now.
        may_give: whether the agent may give an amount alone; None for what has none.
        playbook: the case's.
    """
    states = (GrantState.GRANTED, GrantState.ISSUED, GrantState.CONFIRMED)
    allowed = {(grant.kind, grant.money) for grant in case.grants_in(*states)}
    found = [_compensation(0, each, 0, playbook) for each in _beyond(case, before, after).compensation]
    above = [each for each in found if (each.kind, each.money) not in allowed and not may_give(each.money)]
    return next(iter(above), None)


def _without_date(promise: FoundPromise) -> str:
    """Return the words of a promise without its date: with another date it is no new promise."""
    text = promise.text.replace(promise.words[-1], "…") if promise.dated else promise.text
    return text.casefold()
