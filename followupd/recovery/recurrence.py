"""It happened again: later cases of a cause that customers were told was prevented; and spikes (practice 32)."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from math import exp, lgamma, log, log1p
from typing import NamedTuple

from followupd.domain.case import Case
from followupd.domain.events import HappenedAgain

#: how long a prevention that was told counts
YEAR = timedelta(days=365)
#: the time before a spike that says what is usual
USUAL = timedelta(weeks=12)
#: so few cases may be a spike, where the cause is rare; and so many of the newest are looked at
_FEWEST, _MOST = 3, 20
#: false alarms of one cause in a year: one in 4,000 years
_ALARMS_A_YEAR = 1 / 4_000
#: cases come on five days of seven, and mostly at once after a weekend: an hour does not count for less than a day
_SHORTEST, _UNEVEN = timedelta(days=1), 1.4
#: texts that are so alike say the same
_SAME = 0.8


class CauseCase(NamedTuple):
    """A complaint of one cause: when it was opened, and when its customer was told of a prevention, None if not."""

    ref: str
    opened_at: datetime
    told_at: datetime | None
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """A cause that came back after a prevention was told.

    Args:
        cause: its code.
        told: how many customers were told that it would not happen again.
        first_told_at: when the first one was.
        since: the later cases of the cause, each within a year of a telling before it, oldest first.
    """

    cause: str
    told: int
    first_told_at: datetime
    since: tuple[CauseCase, ...]


def came_back(cause: str, cases: Sequence[CauseCase]) -> Again | None:
    """Return what is known of a cause that came back, None for one that did not.

    Args:
        cause: its code.
        cases: all complaints of this cause, in any order.
    """
    told = sorted(case.told_at for case in cases if case.told_at)
    since = [case for case in cases if _is_told_before(told, case.opened_at)]
    if not since:
        return None

    return Again(cause, len(told), told[0], tuple(sorted(since, key=lambda case: case.opened_at)))


def _is_told_before(told: Sequence[datetime], opened_at: datetime) -> bool:
    """Return whether any telling, in the order of time, is one within a year before a case was opened.

    Args:
        told: when customers were told of a prevention, oldest first.
        opened_at: of a later case.
    """
    before = bisect_left(told, opened_at)
    return before > 0 and _counts(told[before - 1], opened_at)


def _counts(told_at: datetime, opened_at: datetime) -> bool:
    """Return whether a case was opened within a year of a telling.

    Args:
        told_at: when a customer was told that it would not happen again.
        opened_at: of a case; one from before the telling does not count.
    """
    return timedelta() < opened_at - told_at <= YEAR


def happened_again(
    case: Case, cases: Iterable[CauseCase], preventions: Iterable[str], now: datetime
) -> HappenedAgain | None:
    """Return that the cause of a case was said to be prevented, None where nobody was told so, or it is known.

    Args:
        case: whose cause an agent has stated.
        cases: the other complaints of the same cause.
        preventions: what customers were told, in the words of the letters; the same words say nothing new.
        now: the time of the event.
    """
    cause = case.facts.cause_code
    if not cause or (case.recurrence and case.recurrence.cause == cause):
        return None

    others = [other for other in cases if other.ref != case.ref]
    told = [other.told_at for other in others if other.told_at and _counts(other.told_at, case.opened_at)]
    if not told:
        return None

    first = min(told)
    later = [other for other in others if first < other.opened_at <= case.opened_at]
    said = case.facts.text("prevention")
    return HappenedAgain(
        at=now,
        cause=cause,
        told=len(told),
        nth=len(later) + 1,
        first_told_at=first,
        answered=bool(said) and not says_the_same(said, preventions),
    )


def says_the_same(text: str, told: Iterable[str]) -> bool:
    """Return whether a text is, nearly word for word, one of those that customers were told.

    Args:
        text: the prevention that an agent states now.
        told: what customers were told before, in the words of the letters.
    """
    said = _normalised(text)
    return any(SequenceMatcher(None, said, _normalised(other)).ratio() > _SAME for other in told)


def _normalised(text: str) -> str:
    """Return a text without differences of white space, case and final punctuation."""
    return " ".join(text.split()).rstrip(" !.").casefold()


# --- spikes ---


@dataclass(frozen=True, slots=True)
class Spike:
    """So many cases since this time are too many for chance: there were `usual` cases in the 12 weeks before."""

    count: int
    since: datetime
    usual: int


def spike(times: Iterable[datetime], watched_since: datetime) -> Spike | None:
    """Return the spike that the newest cases of a cause are, None while chance explains them.

    Cases of a cause come at random, as often as in the 12 weeks before; how often that is, is itself known only from
    these cases, which makes their number negative binomial instead of Poisson. For each number of newest cases the
    chance of so many in so short a time is compared with how often that may be tried in a year.

    Args:
        times: when the cases of one cause were opened, in any order.
        watched_since: from when on causes are known; without 12 weeks before it, nothing is usual.
    """
    ordered = sorted(times)
    for count in range(_FEWEST, min(_MOST, len(ordered)) + 1):
        first = ordered[-count]
        if first - watched_since < USUAL:
            return None
        usual = bisect_left(ordered, first) - bisect_left(ordered, first - USUAL)
        if _is_too_many(count, ordered[-1] - first, usual):
            return Spike(count, first, usual)
    return None


def _is_too_many(count: int, within: timedelta, usual: int) -> bool:
    """Return whether so many cases in so short a time are no chance.

    Args:
        count: the cases, the first of which begins the time.
        within: the time.
        usual: the cases in the 12 weeks before.
    """
    shape = usual + 0.5  # the posterior of a Poisson rate after Jeffreys' prior
    share = _UNEVEN * max(within, _SHORTEST) / USUAL
    chance = _at_least(count - 1, shape, share / (1 + share))
    tries_a_year = shape * (YEAR / USUAL)
    return chance * tries_a_year < _ALARMS_A_YEAR


def _at_least(count: int, shape: float, share: float) -> float:
    """Return the chance of at least so many, by the negative binomial distribution.

    Args:
        count: how many; at least 0 is certain.
        shape: the shape of the gamma distribution of the rate, above 0.
        share: the time of the newest cases, as a part of that and the 12 weeks before together; from 0 to 1.

    Returns:
        a probability, from 0 to 1.
    """
    fewer = sum(
        exp(lgamma(n + shape) - lgamma(shape) - lgamma(n + 1) + n * log(share) + shape * log1p(-share))
        for n in range(count)
    )
    return max(0.0, 1.0 - fewer)
