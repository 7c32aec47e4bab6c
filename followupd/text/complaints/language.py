"""Guess the language of a text by its stop words."""

from collections.abc import Mapping
from functools import lru_cache

from followupd.languages import Catalogue, catalogue
from followupd.text.complaints.words import vocabulary_of, words_of

#: A shorter text is not guessed; at least this share of its words must be stop words of the language.
_FEWEST, _SHARE = 4, 0.14


@lru_cache(maxsize=8)
def _small_words(languages: Catalogue) -> Mapping[str, frozenset[str]]:
    """Return the stop words of each language, in the order in which languages win a tie."""
    found = [each for each in languages.all() if each.info.stop_words]
    return {each.tag: each.info.stop_words for each in sorted(found, key=lambda each: each.info.rank)}


def language_of(text: str, languages: Catalogue | None = None) -> str:
    """Return "en", "de", "fr" ..., "other" for a script other than Latin, or "" if there is no good guess."""
    known = languages or catalogue()
    words = [word for word in words_of(text[:1_500], vocabulary_of(known)) if word[0].isalpha()]
    if len(words) < _FEWEST:
        return ""
    if sum(word[0] > "\u024f" for word in words) > len(words) / 2:
        return "other"
    counts = {tag: sum(word in small for word in words) for tag, small in _small_words(known).items()}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] >= _SHARE * len(words) and counts[best] > 1 else ""
