"""The score: a weighted sum of features in log-odds, as a probability, and the share of each word in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from followupd.text.complaints.features import Features, grams_of
from followupd.text.complaints.tone import worst_words


def probability(log_odds: float) -> float:
    """Return the probability; log-odds beyond 30 make no difference."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


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
        """Read a parsed weights file."""
        dense, grams = parsed["dense"], parsed.get("grams", {})
        if not isinstance(dense, Mapping) or not isinstance(grams, Mapping):
            raise TypeError("a weights file holds tables named dense and grams")
        numbers = (
            float(str(parsed.get(name, default)))
            for name, default in (("intercept", 0), ("stretch", 1), ("shift", 0))
        )
        intercept, stretch, shift = numbers
        return cls(intercept, dict(dense), dict(grams), stretch, shift)

    def raw(self, seen: Features) -> tuple[dict[str, float], dict[str, float]]:
        """Return the parts of the sum, in calibrated log-odds: by dense feature, and by word or pair."""
        dense = {
            k: v * self.dense[k] * self.stretch for k, v in seen.dense().items() if k in self.dense and v
        }
        grams = {g: v * self.grams[g] * self.stretch for g, v in seen.grams(self.grams.keys()).items()}
        return dense, grams

    @property
    def start(self) -> float:
        """The log-odds of a text without features."""
        return self.intercept * self.stretch + self.shift


@dataclass(frozen=True, slots=True)
class Score:
    """The log-odds of a text, and the words that raised (+) and lowered (-) them, each with its share."""

    log_odds: float
    evidence: Mapping[str, float]


def weigh(seen: Features, weights: Weights, delta: Mapping[str, float]) -> Score:
    """Return the score of a text.

    `delta` is what this site's tags taught, by "cue:GROUP", word or pair of words, or "start".
    """
    dense, grams = weights.raw(seen)
    for name in delta.keys() & {f"cue:{group}" for group in seen.groups}:
        dense[name] = dense.get(name, 0.0) + delta[name]
    for gram in delta.keys() & set(grams_of(seen.words)):
        grams[gram] = grams.get(gram, 0.0) + delta[gram]
    total = weights.start + delta.get("start", 0.0) + sum(dense.values()) + sum(grams.values())
    return Score(total, _in_words(seen, dense, grams))


def _in_words(seen: Features, dense: Mapping[str, float], grams: Mapping[str, float]) -> dict[str, float]:
    """Attribute each part of the sum to words; a pair inside the phrase of a cue belongs to the phrase."""
    moved: dict[str, float] = {}
    for group, phrases in seen.said.items():
        for phrase in phrases:
            moved[phrase] = moved.get(phrase, 0.0) + dense.get(f"cue:{group}", 0.0) / len(phrases)
    owner = {gram: phrase for phrase in sorted(moved, key=len) for gram in grams_of(phrase.split())}
    for gram, weight in grams.items():
        words = owner.get(gram, gram)
        moved[words] = moved.get(words, 0.0) + weight
    for name, weight in _manner(seen, dense).items():
        moved[name] = moved.get(name, 0.0) + weight
    return moved


def _manner(seen: Features, dense: Mapping[str, float]) -> dict[str, float]:
    tone = sum(weight for name, weight in dense.items() if name.startswith("tone:"))
    worst = worst_words(list(seen.words)) if seen.tone and tone > 0 else []
    named = {f"tone: {', '.join(worst)}" if worst else "tone": tone}
    named |= {"!": dense.get("mark:exclaiming", 0.0), "CAPITALS": dense.get("mark:shouting", 0.0)}
    named["it speaks to us"] = dense.get("mark:yours", 0.0) + dense.get("mark:mine", 0.0)
    return {name: weight for name, weight in named.items() if weight}
