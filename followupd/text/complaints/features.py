"""What is seen in a text: cue groups, tone, marks and word pairs; the same for training and for service."""

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
from followupd.text.complaints.words import READ, words_of

#: A cue in a mail of more words than this counts for less: long mails hold every word once.
FULL_WEIGHT = 80
#: More different phrases of one group than this say no more.
MOST_PHRASES = 6
#: A customer speaks of "my order" and to "you"; an article does neither.
_MINE = frozenset(["i", "my", "me", "we", "our", "us", "i'm", "i've", "i'd", "we've", "mine", "myself"])
_YOURS = frozenset(["you", "your", "you're", "you've", "yours", "yourselves"])
_SHOUTED = re.compile(r"\b[A-Z]{3,}\b")


@dataclass(frozen=True, slots=True)
class Features:
    """A text as the recogniser sees it. `said` holds each cue group's different phrases, as the customer wrote them."""

    words: Sequence[str] = field(repr=False)
    hits: Sequence[Hit]
    said: Mapping[str, Sequence[str]]
    tone: Mapping[str, float]
    marks: Mapping[str, float]

    @property
    def groups(self) -> frozenset[str]:
        """The cue groups that were hit."""
        return frozenset(self.said)

    def dense(self) -> dict[str, float]:
        """Return the features with names: "cue:money", "tone:neg", "mark:shouting"."""
        share = min(1.0, FULL_WEIGHT / max(1, len(self.words)))
        cues = {f"cue:{g}": math.log2(1 + min(len(s), MOST_PHRASES) * share) for g, s in self.said.items()}
        return (
            cues
            | {f"tone:{k}": v for k, v in self.tone.items()}
            | {f"mark:{k}": v for k, v in self.marks.items()}
        )

    def grams(self, known: AbstractSet[str] | None = None) -> dict[str, float]:
        """Return the known words and pairs of words (all when None), weighed so that their squares add up to one."""
        counts = Counter(gram for gram in grams_of(self.words) if known is None or gram in known)
        weighed = {gram: 1 + math.log(n) for gram, n in counts.items()}
        norm = math.sqrt(sum(value * value for value in weighed.values())) or 1.0
        return {gram: value / norm for gram, value in weighed.items()}


def grams_of(words: Sequence[str]) -> list[str]:
    """Return the words, and the pairs of neighbours."""
    return [*words, *(f"{a} {b}" for a, b in pairwise(words))]


def features_of(subject: str, text: str, cues: Cues, *, with_tone: bool = True) -> Features:
    """Look at a mail's subject and new words."""
    whole = f"{subject}\n{text}".strip()
    words = words_of(whole)
    hits = cues.hits(words)
    said: dict[str, list[str]] = {}
    for hit in hits:
        phrase = " ".join(words[hit.start : hit.end])
        if phrase not in said.setdefault(hit.group, []):
            said[hit.group].append(phrase)
    return Features(words, hits, said, tone_of(whole) if with_tone else {}, _marks(whole, words))


def _marks(text: str, words: Sequence[str]) -> dict[str, float]:
    return {
        "exclaiming": math.log1p(min(text.count("!"), 5)),
        "shouting": min(1.0, 5 * len(_SHOUTED.findall(text[:READ])) / max(1, len(words))),
        "yours": min(1.0, 5 * sum(word in _YOURS for word in words) / max(1, len(words))),
        "mine": min(1.0, 5 * sum(word in _MINE for word in words) / max(1, len(words))),
    }
