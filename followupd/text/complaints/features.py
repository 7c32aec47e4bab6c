"""The features of a text: cue groups, tone, marks and word pairs; training and service use the same ones."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from followupd.text.complaints.cues import Cues
from followupd.text.complaints.phrases import Hit
from followupd.text.complaints.words import READ, Vocabulary, sentences_of, words_of

#: cues count for less in a mail of more words than this, because long mails contain most words once
FULL_WEIGHT = 80
#: more different phrases of one group than this do not count
MAX_PHRASES = 6
#: sentences, and characters of each, that are scored for tone: VADER takes most of the time of a verdict
_TONE_SENTENCES, _TONE_CHARACTERS = 10, 240
#: VADER's valence from which a word counts as negative
_NEGATIVE = -1.0
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

    def count(self, *groups: str) -> int:
        """Return how many different phrases of these groups were found."""
        return sum(len(self.said.get(group, ())) for group in groups)

    def dense(self) -> dict[str, float]:
        """Return the named features: "cue:money", "tone:neg", "mark:shouting"."""
        share = min(1.0, FULL_WEIGHT / max(1, len(self.words)))
        dense = {}
        for group, phrases in self.said.items():
            dense[f"cue:{group}"] = math.log2(1 + min(len(phrases), MAX_PHRASES) * share)
        for name, value in self.tone.items():
            dense[f"tone:{name}"] = value
        for name, value in self.marks.items():
            dense[f"mark:{name}"] = value
        return dense

    def grams(self, known: AbstractSet[str] | None = None) -> dict[str, float]:
        """Return words and pairs with their weights, whose squares sum to one.

        Args:
            known: the only words and pairs to return; None for all.
        """
        grams = grams_of(self.words)
        if known is not None:
            grams = [gram for gram in grams if gram in known]
        weighted = {gram: 1 + math.log(count) for gram, count in Counter(grams).items()}
        norm = math.sqrt(sum(weight * weight for weight in weighted.values())) or 1.0
        return {gram: weight / norm for gram, weight in weighted.items()}


def grams_of(words: Sequence[str]) -> list[str]:
    """Return the words, and the pairs of neighbours."""
    return [*words, *map(" ".join, pairwise(words))]


def features_of(subject: str, text: str, cues: Cues, *, with_tone: bool = True) -> Features:
    """Return the features of a mail.

    Args:
        subject: the mail's subject.
        text: its new text.
        cues: the cues of its language.
        with_tone: score the tone, which works for English only.
    """
    whole = f"{subject}\n{text}".strip()
    words = words_of(whole, cues.vocabulary)
    hits = cues.hits(words)
    said: dict[str, list[str]] = {}
    for hit in hits:
        phrases = said.setdefault(hit.group, [])
        phrase = " ".join(words[hit.start : hit.end])
        if phrase not in phrases:
            phrases.append(phrase)
    tone = tone_of(whole) if with_tone else {}
    return Features(words, hits, said, tone, _marks(whole, words, cues.vocabulary))


def _marks(text: str, words: Sequence[str], vocabulary: Vocabulary) -> dict[str, float]:
    """Measure the style of a text. A customer writes of "my order" and to "you"; an article does neither."""
    total = max(1, len(words))
    second_person = sum(map(vocabulary.second_person.__contains__, words))
    first_person = sum(map(vocabulary.first_person.__contains__, words))
    return {
        "exclaiming": math.log1p(min(text.count("!"), 5)),
        "shouting": min(1.0, 5 * len(_SHOUTED.findall(text[:READ])) / total),
        "yours": min(1.0, 5 * second_person / total),
        "mine": min(1.0, 5 * first_person / total),
    }


@cache
def _vader() -> Any:
    """Return the sentiment analyser, loaded on first use: its lexicon takes 20 ms and 4 MB."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader = SentimentIntensityAnalyzer()
    # Both attributes keep the text of a whole file, a megabyte that is not used any more.
    vader.lexicon_full_filepath = vader.emoji_full_filepath = ""
    return vader


def tone_of(text: str) -> dict[str, float]:
    """Return the sentiment of an English text by VADER (Hutto and Gilbert 2014).

    Returns:
        `neg` and `pos`, the shares of negative and positive words, and `low` and `high`, the scores of the
        worst and the best sentence, each from 0 to 1; empty for an empty text.
    """
    sentences = [sentence[:_TONE_CHARACTERS] for sentence in sentences_of(text)[:_TONE_SENTENCES]]
    total = sum(map(len, sentences))
    if not total:
        return {}

    negative = positive = 0.0
    compounds = []
    for sentence in sentences:
        score = _vader().polarity_scores(sentence)
        share = len(sentence) / total
        negative += score["neg"] * share
        positive += score["pos"] * share
        compounds.append(score["compound"])
    return {
        "neg": negative,
        "pos": positive,
        "low": max(0.0, -min(compounds)),
        "high": max(0.0, *compounds),
    }


def worst_words(words: list[str], most: int = 2) -> list[str]:
    """Return the most negative words, for the explanation of a verdict."""
    lexicon: Mapping[str, float] = _vader().lexicon
    negative = {word: lexicon[word] for word in words if lexicon.get(word, 0.0) <= _NEGATIVE}
    return sorted(negative, key=lambda word: (negative[word], word))[:most]
