"""The score: a weighted sum of features in log-odds, as a probability, and the share of each word in it."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from followupd.languages import complaint_weights
from followupd.text.complaints.features import Features, grams_of, worst_words

#: log-odds beyond this make no difference
_MAX_LOG_ODDS = 30.0


def probability(log_odds: float) -> float:
    """Return the probability for log-odds."""
    bounded = max(-_MAX_LOG_ODDS, min(_MAX_LOG_ODDS, log_odds))
    return 1 / (1 + math.exp(-bounded))


@dataclass(frozen=True, slots=True)
class Weights:
    """One weight per feature, in log-odds, and the calibration (benchmarks/train_recogniser.py)."""

    intercept: float
    dense: Mapping[str, float]
    grams: Mapping[str, float] = field(repr=False)
    stretch: float = 1.0
    shift: float = 0.0

    @classmethod
    def of(cls, parsed: Mapping[str, object]) -> "Weights":
        """Return the weights of a parsed file.

        Raises:
            TypeError: it has no tables named dense and grams.
        """
        dense, grams = parsed["dense"], parsed.get("grams", {})
        if not isinstance(dense, Mapping) or not isinstance(grams, Mapping):
            raise TypeError("a weights file has tables named dense and grams")
        return cls(
            intercept=float(str(parsed.get("intercept", 0))),
            dense=dict(dense),
            grams=dict(grams),
            stretch=float(str(parsed.get("stretch", 1))),
            shift=float(str(parsed.get("shift", 0))),
        )

    def parts(self, seen: Features) -> tuple[dict[str, float], dict[str, float]]:
        """Return the parts of the sum in calibrated log-odds.

        By dense feature, and by word or pair of words.
        """
        dense = {}
        for name, value in seen.dense().items():
            if value and name in self.dense:
                dense[name] = value * self.dense[name] * self.stretch
        grams = {}
        for gram, value in seen.grams(self.grams.keys()).items():
            grams[gram] = value * self.grams[gram] * self.stretch
        return dense, grams

    @property
    def start(self) -> float:
        """The log-odds of a text without features."""
        return self.intercept * self.stretch + self.shift


@cache
def shipped_weights() -> tuple[Weights, Weights]:
    """Return the weights for the measured language, and those for languages that have only cues."""
    parsed = complaint_weights()
    return Weights.of(parsed["words"]), Weights.of(parsed["cues"])


@dataclass(frozen=True, slots=True)
class Score:
    """The log-odds of a text, and the words that raised (+) and lowered (-) them, each with its share."""

    log_odds: float
    evidence: Mapping[str, float]


def weigh(seen: Features, weights: Weights, delta: Mapping[str, float]) -> Score:
    """Return the score of a text.

    Args:
        seen: the features of the text.
        weights: the weights for its language.
        delta: what this site's tags taught, by "cue:GROUP", word or pair of words, or "start".
    """
    dense, grams = weights.parts(seen)
    for name in delta.keys() & {f"cue:{group}" for group in seen.groups}:
        dense[name] = dense.get(name, 0.0) + delta[name]
    for gram in delta.keys() & set(grams_of(seen.words)):
        grams[gram] = grams.get(gram, 0.0) + delta[gram]
    total = weights.start + delta.get("start", 0.0) + sum(dense.values()) + sum(grams.values())
    return Score(total, _by_words(seen, dense, grams))


def _by_words(seen: Features, dense: Mapping[str, float], grams: Mapping[str, float]) -> dict[str, float]:
    """Attribute each part of the sum to words; a pair within the phrase of a cue belongs to the phrase."""
    shares: defaultdict[str, float] = defaultdict(float)
    for group, phrases in seen.said.items():
        for phrase in phrases:
            shares[phrase] += dense.get(f"cue:{group}", 0.0) / len(phrases)

    phrase_of = {gram: phrase for phrase in sorted(shares, key=len) for gram in grams_of(phrase.split())}
    for gram, weight in grams.items():
        shares[phrase_of.get(gram, gram)] += weight
    for name, weight in _style(seen, dense).items():
        shares[name] += weight
    return dict(shares)


def _style(seen: Features, dense: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of tone and marks, under names for the explanation."""
    tone = sum(weight for name, weight in dense.items() if name.startswith("tone:"))
    worst = worst_words(list(seen.words)) if seen.tone and tone > 0 else []
    shares = {
        f"tone: {', '.join(worst)}" if worst else "tone": tone,
        "!": dense.get("mark:exclaiming", 0.0),
        "CAPITALS": dense.get("mark:shouting", 0.0),
        "it speaks to us": dense.get("mark:yours", 0.0) + dense.get("mark:mine", 0.0),
    }
    return {name: weight for name, weight in shares.items() if weight}
