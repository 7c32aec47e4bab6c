"""The patterns of a language's promises.toml, compiled when a language is first used."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from followupd.languages import Language
from followupd.languages.patterns import any_of, compiled, whole_words
from followupd.languages.schema import GiftNames, Promises, Section
from followupd.text.promises.fallback import Fallback

_Parts = Mapping[str, tuple[str, ...]]


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
class Grammar:
    """How agents who write one language commit the company, and how they do not.

    `unreal` excludes the rest of a sentence (conditions, questions, what others said), `hedged` one clause
    of it (negation, doubt, trying). `trigger` ties a promise to an event and makes it an estimate. `firm`,
    `update`, `estimate`, `dated` and `done` are the turns of phrase that promise or report, `giving` and
    `given` those that grant a gift, and `gifts` pair the kinds of gifts with their names. `carried` cuts
    before a second verb without a subject of its own, which then is the `subject` of the first.
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
    fallback: Fallback
    fillers: re.Pattern[str]
    inverted: re.Pattern[str]
    contractions: Mapping[str, str]


@lru_cache(maxsize=32)
def grammar_of(language: Language) -> Grammar:
    """Compile the patterns of a language, which takes about 0.07 s once."""
    file = language.promises
    parts, clauses, gifts, wording = file.parts, file.clauses, file.gifts, file.wording
    return Grammar(
        cut=compiled(clauses.cut, parts),
        carried=compiled(clauses.carried, parts),
        subject=re.compile(rf"\b(?:{any_of(clauses.subject, parts)})", re.IGNORECASE),
        **_words(clauses, ("unreal", "complement", "hedged", "trigger"), parts),
        **_words(file.turns, ("firm", "update", "estimate", "dated", "done"), parts),
        **_words(gifts, ("giving", "given"), parts),
        joint=re.compile(rf"\s(?:{any_of(gifts.joint, parts)}|&)\b|\s[&+]\s"),
        gifts=_kinds(file),
        names=_names(gifts.names, parts),
        fallback=Fallback(**_words(file.fallback, ("idle", "doubt", "update", "topic", "arranged"), parts)),
        fillers=re.compile(rf"^(?:[\s,;:–—-]|{any_of(wording.fillers, parts)})+"),
        inverted=re.compile(rf"^(\w+)\s+({any_of(wording.inverted, parts)})\b"),
        contractions=wording.contractions,
    )


def _words(table: Section, keys: Iterable[str], parts: _Parts) -> dict[str, re.Pattern[str]]:
    return {key: whole_words(getattr(table, key), parts) for key in keys}


def _kinds(file: Promises) -> tuple[tuple[str, re.Pattern[str]], ...]:
    kinds = file.gifts.kinds.model_dump(by_alias=True)
    return tuple((kind, whole_words(patterns, file.parts)) for kind, patterns in kinds.items())


def _names(table: GiftNames, parts: _Parts) -> NamePatterns:
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
