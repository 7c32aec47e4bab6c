"""The words of short answers, of all languages together, because one word does not tell its language."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from followupd.domain.compensation import Gift
from followupd.languages import Catalogue
from followupd.languages.patterns import verbatim
from followupd.languages.schema import Answers, LanguageTable, Receipt

#: signs and codes of currencies; what currencies are called stands in the language files
_SIGNS, _CODES = "€$£¥", ("eur", "usd", "gbp", "chf")
_NEVER = re.compile("(?!)")


@dataclass(frozen=True, slots=True, eq=False)
class ReceiptWords:
    """Answers to "has it arrived?"; `languages/en/answers.toml` says what each set is for."""

    yes: frozenset[str]
    no: frozenset[str]
    denials: frozenset[str]
    nothing: frozenset[str]
    waiting: frozenset[str]
    arrived: frozenset[str]
    all: frozenset[str]
    breaks: frozenset[str]
    contrasts: frozenset[str]
    other_things: frozenset[str]
    kinds: Mapping[Gift, frozenset[str]]
    kind_words: frozenset[str]
    #: words that count as an answer, and all known words
    content: frozenset[str]
    known: frozenset[str]
    currencies: re.Pattern[str]
    negation_endings: tuple[tuple[re.Pattern[str], str], ...]
    elided: re.Pattern[str]


@dataclass(frozen=True, slots=True, eq=False)
class ChoiceWords:
    """Answers to "which option do you choose?"."""

    numbers: Mapping[str, int]
    last: frozenset[str]
    only_of_two: frozenset[str]
    weak_numbers: frozenset[str]
    courtesy: frozenset[str]
    not_numbers: re.Pattern[str]
    elided: re.Pattern[str]


@lru_cache(maxsize=8)
def receipt_words(languages: Catalogue) -> ReceiptWords:
    answers = _answers(languages)
    found = [each.receipt for each in answers]
    kinds = {
        gift: _union([each.kinds for each in found], gift.value)
        for gift in (Gift.REFUND, Gift.CREDIT, Gift.COUPON)
    }
    kind_words = frozenset[str]().union(*kinds.values())
    contents = ("yes", "no", "denials", "nothing", "waiting", "arrived")
    content = kind_words.union(*(_union(found, name) for name in contents))
    others = ("all", "plain", "courtesy")
    return ReceiptWords(
        yes=_union(found, "yes"),
        no=_union(found, "no"),
        denials=_union(found, "denials"),
        nothing=_union(found, "nothing"),
        waiting=_union(found, "waiting"),
        arrived=_union(found, "arrived"),
        all=_union(found, "all"),
        breaks=_union(found, "breaks"),
        contrasts=_union(found, "contrasts"),
        other_things=_union(found, "other_things"),
        kinds=MappingProxyType(kinds),
        kind_words=kind_words,
        content=content,
        known=content.union(*(_union(found, name) for name in others)),
        currencies=_currencies(found),
        negation_endings=_negation_endings(found),
        elided=_elided(answers),
    )


@lru_cache(maxsize=8)
def choice_words(languages: Catalogue) -> ChoiceWords:
    answers = _answers(languages)
    found = [each.choice for each in answers]
    spoken = {word: n for each in found for n, words in enumerate(each.numbers, 1) for word in words}
    most = max((len(each.numbers) for each in found), default=0)
    phrases = [re.escape(phrase) for each in found for phrase in each.not_numbers]
    return ChoiceWords(
        numbers=spoken | {str(n): n for n in range(1, most + 1)},
        last=_union(found, "last"),
        only_of_two=_union(found, "only_of_two"),
        weak_numbers=_union(found, "weak_numbers"),
        courtesy=_union(found, "courtesy"),
        not_numbers=re.compile(rf"\b(?:{'|'.join(phrases)})\b") if phrases else _NEVER,
        elided=_elided(answers),
    )


@lru_cache(maxsize=8)
def _nobody_reached(languages: Catalogue) -> re.Pattern[str]:
    found = [verbatim(each.calls.nobody, each.parts) for each in _answers(languages) if each.calls.nobody]
    return re.compile("|".join(found), re.IGNORECASE)


def reached_nobody(text: str, languages: Catalogue) -> bool:
    """Return whether an agent's line about a call says that nobody, or only a voice mail, was reached."""
    return _nobody_reached(languages).search(text) is not None


def folded(text: str) -> str:
    """Return the text in lower case, without accents, with straight apostrophes."""
    even = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(letter for letter in even if not unicodedata.combining(letter))


def _answers(languages: Catalogue) -> list[Answers]:
    return [language.answers for language in languages.all()]


def _union(tables: Iterable[LanguageTable], name: str) -> frozenset[str]:
    return frozenset[str]().union(*(getattr(table, name) for table in tables))


def _currencies(found: Iterable[Receipt]) -> re.Pattern[str]:
    names = sorted({*_CODES, *_union(found, "currencies")})
    return re.compile(rf"[{_SIGNS}]|\b(?:{'|'.join(map(re.escape, names))})\b")


def _negation_endings(found: Iterable[Receipt]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(rf"\b(\w+?){re.escape(ending)}\b"), rf"\1 {word}")
        for each in found
        for ending, word in each.negation_endings.items()
    )


def _elided(answers: Iterable[Answers]) -> re.Pattern[str]:
    elisions = "|".join(dict.fromkeys(re.escape(word) for each in answers for word in each.elisions))
    return re.compile(rf"\b({elisions})'(?=\w)") if elisions else _NEVER
