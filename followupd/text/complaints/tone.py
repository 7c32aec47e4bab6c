"""The sentiment of a text by VADER (Hutto and Gilbert 2014): the shares of negative and positive words."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from followupd.text.complaints.words import sentences_of

#: Sentences, and characters of each, that are scored: VADER takes most of the time of a verdict.
_SENTENCES, _LENGTH = 10, 240
_BAD = -1.0


@cache
def _vader() -> Any:
    # Lazy: its lexicon costs 20 ms and 4 MB, and a German mail needs none of it.
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader = SentimentIntensityAnalyzer()
    vader.lexicon_full_filepath = vader.emoji_full_filepath = (
        ""  # both files' text, kept for nothing: a megabyte
    )
    return vader


def tone_of(text: str) -> dict[str, float]:
    """Return `neg`, `pos` (shares of words), `low` and `high` (worst and best sentence), each 0 to 1."""
    heard = [sentence[:_LENGTH] for sentence in sentences_of(text)[:_SENTENCES]]
    total = sum(map(len, heard))
    if not total:
        return {}
    scores = [_vader().polarity_scores(sentence) for sentence in heard]
    shares = [len(sentence) / total for sentence in heard]
    return {
        "neg": sum(score["neg"] * share for score, share in zip(scores, shares, strict=True)),
        "pos": sum(score["pos"] * share for score, share in zip(scores, shares, strict=True)),
        "low": max(0.0, -min(score["compound"] for score in scores)),
        "high": max(0.0, *(score["compound"] for score in scores)),
    }


def worst_words(words: list[str], most: int = 2) -> list[str]:
    """Return the most negative words, for the explanation."""
    lexicon: Mapping[str, float] = _vader().lexicon
    bad = {word: lexicon[word] for word in words if lexicon.get(word, 0.0) <= _BAD}
    return sorted(bad, key=lambda word: (bad[word], word))[:most]
