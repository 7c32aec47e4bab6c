"""The tone of a text, as VADER hears it (Hutto and Gilbert 2014): how much of it is bad words, how much is good."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from followupd.text.complaints.words import sentences_of

#: So much is heard: sentences, and characters of each. VADER is the dearest part of a verdict.
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
    """Return `neg` and `pos` (shares of the words, 0 to 1), `low` and `high` (the worst and the best sentence, 0 to 1)."""
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
    """Return the words that sound worst, for the explanation."""
    lexicon: Mapping[str, float] = _vader().lexicon
    bad = {word: lexicon[word] for word in words if lexicon.get(word, 0.0) <= _BAD}
    return sorted(bad, key=lambda word: (bad[word], word))[:most]
