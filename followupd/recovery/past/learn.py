"""Statistics of past cases: causes, promises kept, durations, compensation (practices 32, 39, 54 and 68)."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from followupd.domain.case import NO_COMPLAINT, Case
from followupd.domain.compensation import GrantState, Money
from followupd.domain.events import (
    AgentWrote,
    Closed,
    CustomerTold,
    Event,
    Fixed,
    FollowedUp,
    NextStepConfirmed,
    PromiseKept,
    PromiseLate,
    Reopened,
)
from followupd.domain.promise import Promise, PromiseKind, PromiseState
from followupd.recovery.recurrence import Again

#: how a case without a cause code is counted
UNSAID = "(not said)"

#: events after which the customer has heard from us
FIRST_WORDS: tuple[type[Event], ...] = (NextStepConfirmed, AgentWrote, CustomerTold)
#: what is timed from the complaint on, and the first event of which kinds ends it
_MILESTONES: dict[str, tuple[type[Event], ...]] = {
    "first word": FIRST_WORDS,
    "fixed": (Fixed,),
    "follow-up": (FollowedUp,),
    "closed": (Closed,),
}


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """A case with its history."""

    case: Case
    history: Sequence[Event]


@dataclass(frozen=True, slots=True)
class PromiseStatistics:
    """Promises of one owner, or of all.

    `in_time` were kept by the date that the customer was told; `early` is the median of how much earlier that
    was.
    """

    made: int
    kept: int
    in_time: int
    late: int
    broken: int
    withdrawn: int
    open: int
    early: timedelta | None

    @property
    def rate(self) -> float | None:
        """The share of promises kept in time among those kept or broken, None when there are none."""
        decided = self.kept + self.broken
        return self.in_time / decided if decided else None


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took: in how many cases, the median, and the 90th percentile."""

    count: int
    median: timedelta
    ninth: timedelta


@dataclass(frozen=True, slots=True)
class CompensationStatistics:
    """Grants of one kind, state and currency ("" for no amount): how many, and the sum of their amounts."""

    kind: str
    currency: str
    state: GrantState
    count: int
    total: Money | None


@dataclass(frozen=True, slots=True)
class RequestStatistics:
    """How often a department was asked for help, and how many of the questions are open."""

    asked: int
    open: int


@dataclass(frozen=True, slots=True)
class Report:
    """The report on the cases opened since a day; `cases` counts them by stage, `again` are causes that came back.

    `outcomes` counts what became of customers by the days since the close.
    """

    since: datetime | None
    opened: int
    cases: dict[str, int]
    reopened: int
    causes: dict[str, int]
    playbooks: dict[str, int]
    promises: PromiseStatistics
    owners: dict[str, PromiseStatistics]
    times: dict[str, Durations]
    compensation: tuple[CompensationStatistics, ...]
    departments: dict[str, RequestStatistics]
    again: tuple[Again, ...] = ()
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _PastPromise:
    """A promise with what its history says about it.

    `kept_at` is when it was kept, None if it was not; `slipped` whether its date was moved.
    """

    promise: Promise
    owner: str
    kept_at: datetime | None
    slipped: bool


def report(histories: Iterable[CaseHistory], since: datetime | None = None) -> Report:
    """Return the report on the cases opened since then.

    A case that is no complaint is only counted by its stage.
    """
    opened = _since(histories, since)
    complaints = [past for past in opened if past.case.stage not in NO_COMPLAINT]
    cases = [past.case for past in complaints]

    promises: list[_PastPromise] = []
    for past in complaints:
        promises += _past_promises(past)

    return Report(
        since=since,
        opened=len(opened),
        cases=_count(past.case.stage.value for past in opened),
        reopened=sum(map(_was_reopened, complaints)),
        causes=_count(case.facts.cause_code or UNSAID for case in cases),
        playbooks=_count(case.playbook for case in cases),
        promises=_promise_statistics(promises),
        owners=_by_owner(promises),
        times=_times(complaints),
        compensation=_compensation(cases),
        departments=_departments(cases),
        outcomes=_outcomes(cases),
    )


def with_kept_times(case: Case, history_of: Callable[[str], Iterable[Event]]) -> Case:
    """Return a case whose promises say when they were kept; older ledgers have that in the history alone.

    Args:
        case: as it is stored.
        history_of: reads the history of a case by its reference, which is asked for only where it is needed.
    """
    unknown = [promise.n for promise in case.promises_in(PromiseState.KEPT) if promise.kept_at is None]
    if not unknown:
        return case

    for event in history_of(case.ref):
        if isinstance(event, PromiseKept) and event.n in unknown:
            unknown.remove(event.n)
            case = case.with_promise(event.n, kept_at=event.at)
    return case


def _since(histories: Iterable[CaseHistory], since: datetime | None) -> list[CaseHistory]:
    """Return the cases opened since then, or all."""
    if since is None:
        return list(histories)

    return [past for past in histories if past.case.opened_at >= since]


def _past_promises(past: CaseHistory) -> list[_PastPromise]:
    """Return the promises of a case with what its history says about them."""
    kept_at: dict[int, datetime] = {}
    slipped = set()

    for event in past.history:
        if isinstance(event, PromiseKept):
            kept_at.setdefault(event.n, event.at)
        elif isinstance(event, PromiseLate):
            slipped.add(event.n)

    found = []
    for promise in past.case.promises:
        is_kept = promise.state is PromiseState.KEPT
        found.append(
            _PastPromise(
                promise=promise,
                owner=promise.owner or past.case.owner,
                kept_at=kept_at.get(promise.n) if is_kept else None,
                slipped=promise.n in slipped,
            )
        )
    return found


def _was_reopened(past: CaseHistory) -> bool:
    """Return whether a case was reopened, however often."""
    return _first(past, (Reopened,)) is not None


def _count(names: Iterable[str]) -> dict[str, int]:
    """Return how often each name occurs, the most frequent first, and equal ones in alphabetical order."""
    return dict(Counter(sorted(names)).most_common())


def _by_owner(promises: Sequence[_PastPromise]) -> dict[str, PromiseStatistics]:
    """Return the statistics of each owner's promises, in alphabetical order."""
    groups: dict[str, list[_PastPromise]] = {}
    for past in promises:
        groups.setdefault(past.owner, []).append(past)

    return {owner: _promise_statistics(groups[owner]) for owner in sorted(groups)}


def _promise_statistics(promises: Sequence[_PastPromise]) -> PromiseStatistics:
    """Return the statistics of some promises; a promise that is only proposed is not counted."""
    states = Counter(past.promise.state for past in promises)
    in_time = list(filter(_in_time, promises))

    return PromiseStatistics(
        made=states.total() - states[PromiseState.PROPOSED],
        kept=states[PromiseState.KEPT],
        in_time=len(in_time),
        late=sum(past.slipped for past in promises),
        broken=states[PromiseState.BROKEN],
        withdrawn=states[PromiseState.WITHDRAWN],
        open=states[PromiseState.OPEN] + states[PromiseState.LATE],
        early=_median_lead(in_time),
    )


def _in_time(past: _PastPromise) -> bool:
    """Return whether a promise was kept by the date that the customer was told, if there is one."""
    kept_at, promised_by = past.kept_at, past.promise.promised_by
    if kept_at is None:
        return False
    return promised_by is None or kept_at <= promised_by


def _median_lead(in_time: Sequence[_PastPromise]) -> timedelta | None:
    """Return how much earlier than promised these were kept.

    The date of a next update says nothing about that.
    """
    leads = []
    for past in in_time:
        kept_at, promised_by = past.kept_at, past.promise.promised_by
        if past.promise.kind is PromiseKind.NEXT_UPDATE:
            continue
        if kept_at and promised_by:
            leads.append(promised_by - kept_at)

    if not leads:
        return None
    return _median(leads)


def _times(complaints: Sequence[CaseHistory]) -> dict[str, Durations]:
    """Return how long each milestone took; one that no case has reached is left out."""
    found: dict[str, Durations] = {}

    for name, kinds in _MILESTONES.items():
        durations = []
        for past in complaints:
            end = _first(past, kinds)
            if end:
                durations.append(end - past.case.opened_at)

        if durations:
            found[name] = _durations(sorted(durations))
    return found


def _first(past: CaseHistory, kinds: tuple[type[Event], ...]) -> datetime | None:
    """Return the time of the first event of these kinds, or None."""
    return next((event.at for event in past.history if isinstance(event, kinds)), None)


def _durations(ordered: Sequence[timedelta]) -> Durations:
    """Return the statistics of durations that are sorted."""
    count = len(ordered)
    ninth = min(count - 1, count * 9 // 10)
    return Durations(count, _median(ordered), ordered[ninth])


def _median(durations: Sequence[timedelta]) -> timedelta:
    """Return the median.

    `statistics` is imported here because every command loads this module and few need it.
    """
    from statistics import median

    seconds = [duration.total_seconds() for duration in durations]
    return timedelta(seconds=median(seconds))


#: the outcomes that are counted, and the values of the two kinds of complaints together
OUTCOMES = ("returned", "content", "complained-again", "gone", "silent")


def _outcomes(cases: Iterable[Case]) -> dict[str, dict[str, int]]:
    """Return how often each outcome was found, by the days since the close: "30", "90".

    A customer who was forgotten has left none.
    """
    found: dict[str, dict[str, int]] = {}
    for case in cases:
        for record in case.outcomes if case.customer.address else ():
            days = record.after.removesuffix(" days").removesuffix(" day")
            counts = found.setdefault(days, dict.fromkeys(OUTCOMES, 0))
            counts[record.outcome.value.removesuffix("-other")] += 1
    return dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0])))


def _departments(cases: Iterable[Case]) -> dict[str, RequestStatistics]:
    """Return the counts of questions by department, in the order of their names."""
    requests = sorted((request for case in cases for request in case.requests), key=lambda each: each.helper)
    found: dict[str, RequestStatistics] = {}
    for request in requests:
        counted = found.get(request.helper, RequestStatistics(0, 0))
        is_open = not (request.answer or request.settled)
        found[request.helper] = RequestStatistics(counted.asked + 1, counted.open + is_open)
    return found


def _compensation(cases: Iterable[Case]) -> tuple[CompensationStatistics, ...]:
    """Return the sums of compensation by kind, currency and state, in that order."""
    amounts: dict[tuple[str, str, GrantState], list[int]] = {}

    for case in cases:
        for grant in case.compensation:
            money = grant.money or Money(0, "")
            key = (grant.kind.value, money.currency, grant.state)
            amounts.setdefault(key, []).append(money.minor)

    found = []
    for (kind, currency, state), minors in sorted(amounts.items()):
        statistics = CompensationStatistics(
            kind=kind,
            currency=currency,
            state=state,
            count=len(minors),
            total=Money(sum(minors), currency) if currency else None,
        )
        found.append(statistics)
    return tuple(found)
