"""What the phrases, dates and amounts of a sentence say about it, by name: signs for the sentence classifier."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from followupd.domain.calendar import Calendar
from followupd.languages import Language, promise_weights
from followupd.text.ngrams import Classes
from followupd.text.promises.dates import DateReader, date_reader
from followupd.text.promises.money import find_money
from followupd.text.promises.patterns import PromisePatterns, promise_patterns
from followupd.text.promises.sentences import lowered

#: the classes, and the phrases that speak for each
_CLASSES: Mapping[str, tuple[str, ...]] = {
    "commits": ("firm", "update", "estimate"),
    "grants": ("giving", "given"),
    "done": ("done",),
    "conditional": (),
    "attends": (),
    "none": (),
}
_CERTAIN = 0.95
_PHRASES = ("unreal", "hedged", "trigger", "firm", "update", "estimate", "dated", "done", "giving", "given")
_TOPICS = ("idle", "doubt", "update", "topic", "arranged")
#: a date at the end or the beginning of a sentence is rarely that of a report
_EDGE = 3
#: which day it is does not matter: a sign says only whether there is a date
_SOME_DAY = datetime(2026, 12, 1, 10, tzinfo=UTC)


def classified(sentence: str, language: Language) -> Mapping[str, float]:
    """Return how likely a sentence belongs to each class: commits, grants, done, conditional, attends, none.

    A language that has phrases of its own and no sentences to learn from is judged by its phrases alone.
    """
    if _is_untaught(language):
        return _by_phrases(lowered(sentence), promise_patterns(language))
    return _classes().probabilities(sentence, signs_of(sentence, language))


@lru_cache(maxsize=32)
def _is_untaught(language: Language) -> bool:
    """Whether an admin's language has phrases, and the weights know nothing of it."""
    has_phrases = language.catalogue.text(f"{language.tag}/promises.toml") is not None
    return has_phrases and language.tag not in promise_weights()["languages"]


def _by_phrases(low: str, patterns: PromisePatterns) -> dict[str, float]:
    """Return the classes whose phrases are in a clause of a sentence, as certain; none of a hedged one."""
    chances = dict.fromkeys(_CLASSES, 0.0)
    for clause in patterns.cut.split(low):
        if patterns.unreal.search(clause):
            break
        if patterns.hedged.search(clause):
            continue
        for name, phrases in _CLASSES.items():
            if any(getattr(patterns, phrase).search(clause) for phrase in phrases):
                chances[name] = _CERTAIN
    return chances


@lru_cache(maxsize=1)
def _classes() -> Classes:
    """Return the shipped weights."""
    return Classes.of(promise_weights())


def signs_of(sentence: str, language: Language) -> tuple[str, ...]:
    """Return the names of what was seen in a sentence of this language."""
    return tuple(dict.fromkeys(_signs(sentence, language)))


def _signs(sentence: str, language: Language) -> Iterator[str]:
    """Yield each sign that is seen, some of them more than once."""
    patterns = promise_patterns(language)
    low = lowered(sentence).replace("’", "'")
    for name in _PHRASES:
        if getattr(patterns, name).search(low):
            yield name
    for name in _TOPICS:
        if getattr(patterns.topics, name).search(low):
            yield f"topic-{name}"
    for kind, pattern in patterns.gifts:
        if pattern.search(low):
            yield from (f"gift-{kind}", "gift")
    if next(find_money(sentence, "EUR", language.catalogue), None):
        yield "money"
    yield from _dates(sentence, language)
    if sentence.rstrip("\"') ").endswith("?"):
        yield "question"


def _dates(sentence: str, language: Language) -> Iterator[str]:
    """Yield what is seen of dates."""
    end = len(sentence.rstrip(" .!")) - 1
    for when in _reader(language).find(sentence):
        yield "date"
        yield "coming" if when.moment > _SOME_DAY else "over"
        if when.firm:
            yield "deadline"
        yield "date-last" if when.end >= end else "date-inside"
        if when.start < _EDGE:
            yield "date-first"


@lru_cache(maxsize=32)
def _reader(language: Language) -> DateReader:
    return date_reader(language, now=_SOME_DAY, calendar=Calendar(timezone="Europe/London"))
