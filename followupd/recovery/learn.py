"""What can be learnt from cases that were: causes, promises kept, times, and what was given (practices 32, 39, 54, 68)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from followupd.domain import events as e
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Compensation, GrantState, Money
from followupd.domain.events import Event
from followupd.domain.promise import Promise, PromiseKind, PromiseState

#: how a case without a cause code is counted
UNSAID = "(not said)"


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """A case with its history."""

    case: Case
    history: Sequence[Event]


@dataclass(frozen=True, slots=True)
class PromiseStatistics:
    """Promises of one owner, or of all. `in_time` were kept by the date that the customer was told."""

    made: int
    kept: int
    in_time: int
    late: int
    broken: int
    withdrawn: int
    open: int
    early: timedelta | None  # the median of told minus kept, over those kept in time

    @property
    def rate(self) -> float | None:
        """The share kept in time of those that are decided, None when none is."""
        decided = self.kept + self.broken
        return self.in_time / decided if decided else None


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took: of how many cases, the middle one, and the one that nine of ten were faster than."""

    count: int
    median: timedelta
    ninth: timedelta


@dataclass(frozen=True, slots=True)
class CompensationStatistics:
    """Grants of one kind and currency ("" where no amount was said): how many, and the sum of their amounts."""

    kind: str
    currency: str
    state: GrantState
    count: int
    total: Money | None


@dataclass(frozen=True, slots=True)
class Report:
    """The whole, since a day; `cases` counts by stage."""

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


def report(lives: Iterable[CaseHistory], since: datetime | None = None) -> Report:
    """Look back at the complaints opened since then; what turned out to be none is counted by its stage alone."""
    found = [life for life in lives if since is None or life.case.opened_at >= since]
    real = [life for life in found if life.case.stage not in {Stage.SUSPECTED, Stage.DISMISSED}]
    promised = [(life, promise) for life in real for promise in life.case.promises]
    owners = sorted({promise.owner or life.case.owner for life, promise in promised})
    return Report(
        since=since,
        opened=len(found),
        cases=_counted(life.case.stage.value for life in found),
        reopened=sum(any(isinstance(event, e.Reopened) for event in life.history) for life in real),
        causes=_counted(life.case.facts.cause_code or UNSAID for life in real),
        playbooks=_counted(life.case.playbook for life in real),
        promises=_kept(promised),
        owners={
            owner: _kept([p for p in promised if (p[1].owner or p[0].case.owner) == owner])
            for owner in owners
        },
        times=_times(real),
        compensation=_given(grant for life in real for grant in life.case.compensation),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(sorted(names)).most_common())


def _kept(promised: Sequence[tuple[CaseHistory, Promise]]) -> PromiseStatistics:
    states = Counter(promise.state for _, promise in promised)
    moments = [(promise, at) for life, promise in promised if (at := _kept_at(life, promise))]
    in_time = [
        (promise, at) for promise, at in moments if promise.promised_by is None or at <= promise.promised_by
    ]
    early = [
        promise.promised_by - at
        for promise, at in in_time
        if promise.promised_by and promise.kind is not PromiseKind.NEXT_UPDATE
    ]
    return PromiseStatistics(
        made=sum(state is not PromiseState.PROPOSED for state in states.elements()),
        kept=states[PromiseState.KEPT],
        in_time=len(in_time),
        late=sum(_slipped(life, promise) for life, promise in promised),
        broken=states[PromiseState.BROKEN],
        withdrawn=states[PromiseState.WITHDRAWN],
        open=states[PromiseState.OPEN] + states[PromiseState.LATE],
        early=_middle(early) if early else None,
    )


def _kept_at(life: CaseHistory, promise: Promise) -> datetime | None:
    if promise.state is not PromiseState.KEPT:
        return None
    kept = (event.at for event in life.history if isinstance(event, e.PromiseKept) and event.n == promise.n)
    return next(kept, None)


def _slipped(life: CaseHistory, promise: Promise) -> bool:
    return any(isinstance(event, e.PromiseLate) and event.n == promise.n for event in life.history)


def _times(lives: Sequence[CaseHistory]) -> dict[str, Durations]:
    """Return how long things took from the complaint on; a thing that happened in no case is left out."""
    wanted: dict[str, type[Event] | tuple[type[Event], ...]] = {
        "first word": (e.NextStepConfirmed, e.AgentWrote, e.CustomerTold),
        "fixed": e.Fixed,
        "follow-up": e.FollowedUp,
        "closed": e.Closed,
    }
    found = {
        name: [took for life in lives if (took := _until(life, kinds)) is not None]
        for name, kinds in wanted.items()
    }
    return {name: _spread(took) for name, took in found.items() if took}


def _until(life: CaseHistory, kinds: type[Event] | tuple[type[Event], ...]) -> timedelta | None:
    first = next((event.at for event in life.history if isinstance(event, kinds)), None)
    return first - life.case.opened_at if first else None


def _spread(took: list[timedelta]) -> Durations:
    ordered = sorted(took)
    return Durations(len(ordered), _middle(ordered), ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)])


def _middle(times: Sequence[timedelta]) -> timedelta:
    from statistics import median  # late: every command loads this room, and only a report counts

    return timedelta(seconds=median(each.total_seconds() for each in times))


def _given(grants: Iterable[Compensation]) -> tuple[CompensationStatistics, ...]:
    groups: dict[tuple[str, str, GrantState], list[Compensation]] = {}
    for grant in grants:
        currency = grant.money.currency if grant.money else ""
        groups.setdefault((grant.kind.value, currency, grant.state), []).append(grant)
    return tuple(
        CompensationStatistics(
            kind,
            currency,
            state,
            len(found),
            Money(sum(g.money.minor for g in found if g.money), currency) if currency else None,
        )
        for (kind, currency, state), found in sorted(groups.items())
    )
