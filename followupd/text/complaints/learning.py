"""Learn from agents' tags: a small change to the shipped weights, and its measured precision."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from followupd.text.complaints.cues import MEASURED
from followupd.text.complaints.features import grams_of, probability
from followupd.text.complaints.recogniser import Recogniser
from followupd.text.complaints.words import language_of

#: Fewer tags teach only noise: 100 raise macro-F1 by .05 to .15, 20 do not (docs/recognising.md).
FEWEST, FEWEST_OF_A_KIND = 50, 5
#: Every fifth tag is held back from training, to measure the result.
HELD_BACK = 5
_SEEN_OFTEN, _MOST_FEATURES, _ROUNDS = 3, 400, 80
#: Strength of the prior at zero (standard deviation 1/sqrt(_HOLD) log-odds).
_HOLD, _MOST_MOVED = 1.5, 3.0
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Tagged:
    """A mail that an agent decided about: a complaint, or not."""

    subject: str
    text: str
    complaint: bool


@dataclass(frozen=True, slots=True)
class Learned:
    """What the tags changed.

    `precision` is that of mails classified as `suspected` or more, on the tags held back; None without any.
    """

    delta: Mapping[str, float] = field(default_factory=dict)
    up: tuple[tuple[str, float], ...] = ()
    down: tuple[tuple[str, float], ...] = ()
    tags: int = 0
    held_back: int = 0
    precision: float | None = None
    recall: float | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    start: float
    names: frozenset[str]
    complaint: bool


def learn(
    tagged: Sequence[Tagged],
    recogniser: Recogniser,
    *,
    ask: float = 0.30,
    counted: Callable[[Sequence[Tagged]], Iterable[Tagged]] = iter,
) -> Learned:
    """Return what a site's tags change in the weights.

    Every fifth tag is held back, to measure the result; a change that judges those worse is dropped.

    Args:
        tagged: the mails that agents decided about, the oldest first.
        recogniser: the one whose weights are changed.
        ask: the probability from which a mail is suspected, for the measured precision.
        counted: hands the mails over one by one, and may tell somebody how many there were.

    Returns:
        No change before there are 50 tags with 5 of each class.
    """
    kinds = Counter(tag.complaint for tag in tagged)
    rarer = min(kinds[True], kinds[False])
    if len(tagged) < FEWEST or rarer < FEWEST_OF_A_KIND:
        return Learned(
            tags=len(tagged),
            because=f"{FEWEST} tags, {FEWEST_OF_A_KIND} of each kind, are the fewest that teach",
        )

    cases = [_case(tag, recogniser) for tag in counted(tagged)]
    held = cases[HELD_BACK - 1 :: HELD_BACK]
    taught = [case for n, case in enumerate(cases, 1) if n % HELD_BACK]
    delta = _fit(taught, _worth_learning(taught))
    if _loss(held, delta) > _loss(held, {}):
        delta, because = {}, "the tags held back are judged better without what the others teach"
    else:
        because = f"learnt from {len(taught)} tags"
    return _told(delta, held, len(tagged), ask, because)


def _case(tag: Tagged, recogniser: Recogniser) -> _Case:
    """Return the features of a tagged mail, and the log-odds that the shipped weights give it."""
    language = language_of(f"{tag.subject}\n{tag.text}", recogniser.lexicon.languages) or MEASURED
    seen = recogniser.see(tag.subject, tag.text, language)
    names = {f"cue:{group}" for group in seen.groups} | set(grams_of(seen.words)) | {"start"}
    return _Case(recogniser.score(seen, language, {}).log_odds, frozenset(names), tag.complaint)


def _worth_learning(cases: Sequence[_Case]) -> frozenset[str]:
    """Return the features that separate the classes best, among those seen in several mails."""
    with_it = Counter(name for case in cases for name in case.names)
    surplus: Counter[str] = Counter()
    for case in cases:
        error = case.complaint - probability(case.start)
        surplus.update(dict.fromkeys(case.names, error))
    often = [name for name, n in with_it.items() if n >= _SEEN_OFTEN]
    often.sort(key=lambda name: (-abs(surplus[name]) / math.sqrt(with_it[name]), name))
    return frozenset(often[:_MOST_FEATURES]) | {"start"}


def _fit(cases: Sequence[_Case], names: frozenset[str]) -> dict[str, float]:
    """Fit by damped Newton steps per coordinate.

    Each mail starts at the score of the shipped weights, so only the difference is learnt.

    Returns:
        What is added to the weights, in log-odds; changes that make no difference are left out.
    """
    rows = [(case, sorted(case.names & names)) for case in cases]
    weights = dict.fromkeys(sorted(names), 0.0)
    for _ in range(_ROUNDS):
        slope = {name: -_HOLD * weight for name, weight in weights.items()}
        bend = dict.fromkeys(weights, _HOLD)
        for case, present in rows:
            chance = probability(case.start + sum(weights[name] for name in present))
            for name in present:
                slope[name] += case.complaint - chance
                bend[name] += max(0.05, chance * (1 - chance)) * len(present)
        for name in weights:
            moved = weights[name] + slope[name] / bend[name]
            weights[name] = max(-_MOST_MOVED, min(_MOST_MOVED, moved))
    return {name: round(weight, 3) for name, weight in weights.items() if abs(weight) >= 0.02}


def _log_odds(case: _Case, delta: Mapping[str, float]) -> float:
    """Return the log-odds of a mail with a change to the weights."""
    return case.start + sum(delta[name] for name in sorted(case.names & delta.keys()))


def _loss(cases: Sequence[_Case], delta: Mapping[str, float]) -> float:
    """Return the logarithmic loss of a change on some mails; smaller is better."""
    return -sum(math.log(probability(_log_odds(c, delta) * (1 if c.complaint else -1))) for c in cases)


def _told(delta: Mapping[str, float], held: Sequence[_Case], tags: int, ask: float, because: str) -> Learned:
    """Return the change with its measured precision and recall on the mails held back.

    Args:
        delta: what each word weighs more or less than before.
        held: the mails held back.
        tags: how many mails agents have tagged.
        ask: the probability from which a mail is a complaint for agents.
        because: why the change is what it is.

    Returns:
        The change with the words that it moves most, and None for a precision or recall that no mail tells.
    """
    called = [case for case in held if probability(_log_odds(case, delta)) >= ask]
    right, there = sum(case.complaint for case in called), sum(case.complaint for case in held)
    words = sorted(delta.items(), key=lambda item: (-item[1], item[0]))
    return Learned(
        delta=delta,
        up=tuple(item for item in words if item[1] > 0)[:_SHOWN],
        down=tuple(item for item in reversed(words) if item[1] < 0)[:_SHOWN],
        tags=tags,
        held_back=len(held),
        precision=right / len(called) if called else None,
        recall=right / there if there else None,
        because=because,
    )
