"""The features of a text: cue groups, tone, marks and word pairs; training and service use the same ones."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import pairwise

from followupd.text.complaints.cues import Cues
from followupd.text.complaints.phrases import Hit
from followupd.text.complaints.tone import tone_of
from followupd.text.complaints.words import READ, Vocabulary, words_of

#: Cues count for less in a mail of more words than this, because long mails contain most words once.
FULL_WEIGHT = 80
#: More different phrases of one group than this do not count.
MOST_PHRASES = 6
_SHOUTED = re.compile(r"\b[A-Z]{3,}\b")


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a text. `said` maps each cue group to its phrases in the customer's words."""

    words: Sequence[str] = field(repr=False)
    hits: Sequence[Hit]
    said: Mapping[str, Sequence[str]]
    tone: Mapping[str, float]
    marks: Mapping[str, float]

    @property
    def groups(self) -> frozenset[str]:
        """The cue groups that were found."""
        return frozenset(self.said)

    def dense(self) -> dict[str, float]:
        """Return the named features: "cue:money", "tone:neg", "mark:shouting"."""
        share = min(1.0, FULL_WEIGHT / max(1, len(self.words)))
        cues = {f"cue:{g}": math.log2(1 + min(len(s), MOST_PHRASES) * share) for g, s in self.said.items()}
        return (
            cues
            | {f"tone:{k}": v for k, v in self.tone.items()}
            | {f"mark:{k}": v for k, v in self.marks.items()}
        )

    def grams(self, known: AbstractSet[str] | None = None) -> dict[str, float]:
        """Return the known words and pairs (all if None), weighted so that the squares sum to one."""
        counts = Counter(gram for gram in grams_of(self.words) if known is None or gram in known)
        weighed = {gram: 1 + math.log(n) for gram, n in counts.items()}
        norm = math.sqrt(sum(value * value for value in weighed.values())) or 1.0
        return {gram: value / norm for gram, value in weighed.items()}


def grams_of(words: Sequence[str]) -> list[str]:
    """Return the words, and the pairs of neighbours."""
    return [*words, *(f"{a} {b}" for a, b in pairwise(words))]


def features_of(subject: str, text: str, cues: Cues, *, with_tone: bool = True) -> Features:
    """Return the features of a mail's subject and new text."""
    whole = f"{subject}\n{text}".strip()
    words = words_of(whole, cues.vocabulary)
    hits = cues.hits(words)
    said: dict[str, list[str]] = {}
    for hit in hits:
        phrase = " ".join(words[hit.start : hit.end])
        if phrase not in said.setdefault(hit.group, []):
            said[hit.group].append(phrase)
    return Features(
        words, hits, said, tone_of(whole) if with_tone else {}, _marks(whole, words, cues.vocabulary)
    )


def _marks(text: str, words: Sequence[str], vocabulary: Vocabulary) -> dict[str, float]:
    """Measure the style of a text. A customer writes of "my order" and to "you"; an article does neither."""
    return {
        "exclaiming": math.log1p(min(text.count("!"), 5)),
        "shouting": min(1.0, 5 * len(_SHOUTED.findall(text[:READ])) / max(1, len(words))),
        "yours": min(1.0, 5 * sum(word in vocabulary.second_person for word in words) / max(1, len(words))),
        "mine": min(1.0, 5 * sum(word in vocabulary.first_person for word in words) / max(1, len(words))),
    }
