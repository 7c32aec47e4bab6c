"""The patterns of a language's promises.toml, compiled when a language is first used."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from followupd.languages import Language
from followupd.languages.patterns import Parts, any_of, compiled, whole_words
from followupd.languages.schema import GiftNames, LanguageTable, Promises


@dataclass(frozen=True, slots=True)
class NamePatterns:
    """What a gift is called in the list of a letter (the table [gifts.names])."""

    free_of_charge: re.Pattern[str]
    handing_over: re.Pattern[str]
    replacing: re.Pattern[str]
    replaced: str
    verbs: re.Pattern[str]
    replacement: re.Pattern[str]
    another: re.Pattern[str]
    another_becomes: str
    paying: re.Pattern[str]
    in_full: re.Pattern[str]
    full_amount: str
    purpose: re.Pattern[str]
    articles: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class TopicPatterns:
    """What makes a clause with a date a commitment without a known phrase (the table [fallback]).

    `idle` makes it none; `topic` and `update` make it one, and `doubt` an estimate. `arranged` is done
    already and promises the day for which it was done: "I have booked the driver for Thursday".
    """

    idle: re.Pattern[str]
    doubt: re.Pattern[str]
    update: re.Pattern[str]
    topic: re.Pattern[str]
    arranged: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class PromisePatterns:
    """How agents who write one language commit the company, and how they do not.

    `unreal` excludes the rest of a sentence (conditions, questions, what others said), `hedged` one clause of
    it (negation, doubt, trying). `trigger` ties a promise to an event and makes it an estimate. `firm`,
    `update`, `estimate`, `dated` and `done` are the phrases that promise or report, `giving` and `given`
    those that grant a gift, and `gifts` pairs the kinds of gifts with their names. `carried` matches before a
    second verb without its own subject; the `subject` of the first verb is then that of both.
    """

    cut: re.Pattern[str]
    carried: re.Pattern[str]
    subject: re.Pattern[str]
    unreal: re.Pattern[str]
    complement: re.Pattern[str]
    hedged: re.Pattern[str]
    trigger: re.Pattern[str]
    firm: re.Pattern[str]
    update: re.Pattern[str]
    estimate: re.Pattern[str]
    dated: re.Pattern[str]
    done: re.Pattern[str]
    giving: re.Pattern[str]
    given: re.Pattern[str]
    joint: re.Pattern[str]
    gifts: tuple[tuple[str, re.Pattern[str]], ...]
    names: NamePatterns
    topics: TopicPatterns
    fillers: re.Pattern[str]
    inverted: re.Pattern[str]
    contractions: Mapping[str, str]


@lru_cache(maxsize=32)
def promise_patterns(language: Language) -> PromisePatterns:
    """Compile the patterns of a language, which takes about 0.07 s once."""
    file = language.promises
    parts = file.parts
    subject = any_of(file.clauses.subject, parts)
    joint = any_of(file.gifts.joint, parts)
    fillers = any_of(file.wording.fillers, parts)
    inverted = any_of(file.wording.inverted, parts)
    topics = _whole_words(file.fallback, ("idle", "doubt", "update", "topic", "arranged"), parts)
    return PromisePatterns(
        cut=compiled(file.clauses.cut, parts),
        carried=compiled(file.clauses.carried, parts),
        subject=re.compile(rf"\b(?:{subject})", re.IGNORECASE),
        **_whole_words(file.clauses, ("unreal", "complement", "hedged", "trigger"), parts),
        **_whole_words(file.turns, ("firm", "update", "estimate", "dated", "done"), parts),
        **_whole_words(file.gifts, ("giving", "given"), parts),
        joint=re.compile(rf"\s(?:{joint}|&)\b|\s[&+]\s"),
        gifts=_gift_kinds(file),
        names=_name_patterns(file.gifts.names, parts),
        topics=TopicPatterns(**topics),
        fillers=re.compile(rf"^(?:[\s,;:–—-]|{fillers})+"),
        inverted=re.compile(rf"^(\w+)\s+({inverted})\b"),
        contractions=file.wording.contractions,
    )


def _whole_words(table: LanguageTable, keys: Iterable[str], parts: Parts) -> dict[str, re.Pattern[str]]:
    """Compile these keys of a table; their patterns match whole words only."""
    return {key: whole_words(getattr(table, key), parts) for key in keys}


def _gift_kinds(file: Promises) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compile the words of each kind of gift. Where two overlap, the first one counts."""
    kinds = file.gifts.kinds.model_dump(by_alias=True)
    return tuple((kind, whole_words(patterns, file.parts)) for kind, patterns in kinds.items())


def _name_patterns(table: GiftNames, parts: Parts) -> NamePatterns:
    """Compile the table [gifts.names]."""

    def pattern(before: str, patterns: Iterable[str], after: str = "") -> re.Pattern[str]:
        return re.compile(f"{before}(?:{any_of(patterns, parts)}){after}", re.IGNORECASE)

    return NamePatterns(
        free_of_charge=pattern(r"[, ]*\b", table.free_of_charge, r"\b[, ]*"),
        handing_over=pattern("^", table.handing_over),
        replacing=pattern("^", table.replacing),
        replaced=table.replaced,
        verbs=pattern(r"\s", table.verbs, r"\b.*$"),
        replacement=pattern(r"\b", table.replacement),
        another=pattern("^", table.another),
        another_becomes=table.another_becomes,
        paying=pattern("^", table.paying, "$"),
        in_full=pattern(r"\b", table.in_full, r"\b"),
        full_amount=table.full_amount,
        purpose=pattern(r"\b", table.purpose, "$"),
        articles=re.compile(rf"^(?:{any_of(table.articles, parts)})\b"),
    )
