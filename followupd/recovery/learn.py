"""Statistics of past cases: causes, promises kept, durations, compensation (practices 32, 39, 54 and 68)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from followupd.domain.case import NO_COMPLAINT, Case
from followupd.domain.compensation import Compensation, GrantState, Money
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

#: how a case without a cause code is counted
UNSAID = "(not said)"

#: what is timed from the complaint on, and the first event of which kinds ends it
_MILESTONES: dict[str, tuple[type[Event], ...]] = {
    "first word": (NextStepConfirmed, AgentWrote, CustomerTold),
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

    `in_time` were kept by the date that the customer was told; `early` is the median of how much earlier that was.
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
class Report:
    """The report on the cases opened since a day; `cases` counts them by stage."""

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


@dataclass(frozen=True, slots=True)
class _PastPromise:
    """A promise with the history that it is part of."""

    promise: Promise
    past: CaseHistory

    @property
    def owner(self) -> str:
        """Who is responsible for it."""
        return self.promise.owner or self.past.case.owner

    @property
    def kept_at(self) -> datetime | None:
        """When it was kept, None if it was not."""
        if self.promise.state is not PromiseState.KEPT:
            return None

        events = (event for event in self.past.history if isinstance(event, PromiseKept))
        return next((event.at for event in events if event.n == self.promise.n), None)

    @property
    def slipped(self) -> bool:
        """Whether its date was moved."""
        events = (event for event in self.past.history if isinstance(event, PromiseLate))
        return any(event.n == self.promise.n for event in events)


def report(histories: Iterable[CaseHistory], since: datetime | None = None) -> Report:
    """Return the report on the cases opened since then; a case that is no complaint is only counted by its stage."""
    opened = [past for past in histories if since is None or past.case.opened_at >= since]
    complaints = [past for past in opened if past.case.stage not in NO_COMPLAINT]
    promises = [_PastPromise(promise, past) for past in complaints for promise in past.case.promises]

    return Report(
        since=since,
        opened=len(opened),
        cases=_count(past.case.stage.value for past in opened),
        reopened=sum(_first(past, (Reopened,)) is not None for past in complaints),
        causes=_count(past.case.facts.cause_code or UNSAID for past in complaints),
        playbooks=_count(past.case.playbook for past in complaints),
        promises=_promise_statistics(promises),
        owners=_by_owner(promises),
        times=_times(complaints),
        compensation=_compensation(grant for past in complaints for grant in past.case.compensation),
    )


def _count(names: Iterable[str]) -> dict[str, int]:
    """Return how often each name occurs, the most frequent first, and equal ones in alphabetical order."""
    return dict(Counter(sorted(names)).most_common())


def _by_owner(promises: Sequence[_PastPromise]) -> dict[str, PromiseStatistics]:
    """Return the statistics of each owner's promises, in alphabetical order."""
    owners = sorted({past.owner for past in promises})
    groups = {owner: [past for past in promises if past.owner == owner] for owner in owners}
    return {owner: _promise_statistics(group) for owner, group in groups.items()}


def _promise_statistics(promises: Sequence[_PastPromise]) -> PromiseStatistics:
    """Return the statistics of some promises; a promise that is only proposed is not counted."""
    states = Counter(past.promise.state for past in promises)
    in_time = [past for past in promises if _in_time(past)]

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
    """Return how much earlier than promised these were kept; the date of a next update says nothing about that."""
    leads = []
    for past in in_time:
        kept_at, promised_by = past.kept_at, past.promise.promised_by
        if kept_at and promised_by and past.promise.kind is not PromiseKind.NEXT_UPDATE:
            leads.append(promised_by - kept_at)

    return _median(leads) if leads else None


def _times(complaints: Sequence[CaseHistory]) -> dict[str, Durations]:
    """Return how long each milestone took; one that no case has reached is left out."""
    found: dict[str, Durations] = {}

    for name, kinds in _MILESTONES.items():
        ends = [(past.case.opened_at, _first(past, kinds)) for past in complaints]
        durations = sorted(end - start for start, end in ends if end)
        if durations:
            found[name] = _durations(durations)
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
    """Return the median. `statistics` is imported here because every command loads this module and few need it."""
    from statistics import median

    seconds = [duration.total_seconds() for duration in durations]
    return timedelta(seconds=median(seconds))


def _compensation(grants: Iterable[Compensation]) -> tuple[CompensationStatistics, ...]:
    """Return the sums of compensation by kind, currency and state, in that order."""
    groups: dict[tuple[str, str, GrantState], list[Compensation]] = {}
    for grant in grants:
        currency = grant.money.currency if grant.money else ""
        groups.setdefault((grant.kind.value, currency, grant.state), []).append(grant)

    found = []
    for (kind, currency, state), members in sorted(groups.items()):
        total = None
        if currency:
            total = Money(sum(grant.money.minor for grant in members if grant.money), currency)
        found.append(CompensationStatistics(kind, currency, state, len(members), total))
    return tuple(found)
