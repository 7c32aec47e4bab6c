"""The patterns of a language's days and times, compiled when a language is first used."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from followupd.languages import Language
from followupd.languages.patterns import any_of, expand
from followupd.languages.schema import Dates

#: how a number is written in digits
_DIGITS = r"\d{1,3}"
_DASHES = ("-", "–")


@dataclass(frozen=True, slots=True)
class DateWords:
    """How one language writes days and times; patterns are for lower-case text.

    `atoms` finds whatever can be part of a date; the name of the group that matched says which. `lead`
    matches all prepositions at the end of a text, `led` the last of them. `range_end` and `range_start`
    match what stands beside a date that is one end of a range, `opening_hours` what stands before it.
    """

    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    numbers: Mapping[str, int]
    units: tuple[tuple[re.Pattern[str], str], ...]
    meanings: tuple[str, ...]
    month_first: tuple[str, ...]
    atoms: re.Pattern[str]
    lead: re.Pattern[str]
    led: re.Pattern[str]
    deadline: re.Pattern[str]
    before: re.Pattern[str]
    trail: re.Pattern[str]
    glue: re.Pattern[str]
    past_before: re.Pattern[str]
    past_after: re.Pattern[str]
    range_end: re.Pattern[str]
    range_start: re.Pattern[str]
    opening_hours: re.Pattern[str]


@lru_cache(maxsize=32)
def date_words_of(language: Language) -> DateWords:
    """Compile how a language writes days and times."""
    table = language.dates
    day = "|".join(language.weekdays)
    lead, through = _any(table.lead), _any([*table.through, *_DASHES])
    return DateWords(
        months=language.months,
        weekdays=language.weekdays,
        numbers={word: number for number, words in table.numbers.items() for word in words},
        units=tuple((re.compile(_any(patterns)), unit) for unit, patterns in table.units.items()),
        meanings=tuple(meaning for meaning, _ in table.phrases),
        month_first=table.month_first,
        atoms=_atoms(table, language.months, language.weekdays),
        lead=re.compile(rf"(?:(?<!\w)(?:{lead})\s*)+$"),
        led=re.compile(rf"(?<!\w)(?:{lead})\s*$"),
        deadline=re.compile(rf"(?<!\w)(?:{_any(table.deadline)})(?!\w)"),
        before=re.compile(rf"\b(?:{_any(table.before)})\b"),
        trail=re.compile(rf"\s*(?:,\s*)?(?:{_any(table.trail)})\b"),
        glue=re.compile(rf"\s*(?:,|t|{_any(table.glue)})?\s*"),
        past_before=re.compile(rf"(?<!\w)(?:{_any(table.past_before)})\s*$"),
        past_after=re.compile(rf"\s*(?:{_any(table.past_after)})\b"),
        range_end=re.compile(rf"\s*(?:{through})\s*(?:{day})\b"),
        range_start=re.compile(rf"(?<!\w)(?:{day})\s*(?:{through})?\s*$"),
        opening_hours=re.compile(rf"\d\s?(?:{_any(table.hours)})?\s(?:{through})\s*$"),
    )


def _atoms(table: Dates, months: Mapping[str, int], weekdays: Mapping[str, int]) -> re.Pattern[str]:
    patterns = (
        r"(?P<iso>\b\d{4}-\d{2}-\d{2})(?=\b|t\d)",
        (
            r"(?P<numeric>(?<![\d./])(?P<a>\d{1,2})(?P<sep>[./])(?P<b>\d{1,2})"
            r"(?:(?P=sep)(?P<year>\d{4}|\d{2})\b|\.(?!\d)|(?![\d./])))"
        ),
        *_days_of_months(table, _longest_first(months)),
        *_spans(table),
        *(_phrase(f"phrase{n}", pattern) for n, (_, pattern) in enumerate(table.phrases)),
        _weekday(table, _longest_first(weekdays)),
        rf"(?P<ordinal>{_any(table.ordinal)})",
        rf"(?P<clock>(?:\b|(?<=\dt)){expand(table.clock, {})})",
    )
    return re.compile("|".join(patterns))


def _days_of_months(table: Dates, months: str) -> tuple[str, str]:
    """Return the patterns of "4th of December 2026" and "December the 4th, 2026"."""
    ending, of, of_year, the = (
        _any(words) for words in (table.day_endings, table.of, table.of_year, table.the)
    )
    return (
        (
            rf"(?P<dm>\b(?P<day1>\d{{1,2}})(?:{ending}|\.)?\s?(?:(?:{of})\s)?(?P<month1>{months})\b\.?"
            rf"(?:,?\s(?:(?:{of_year})\s)?(?P<year1>\d{{4}})\b)?)"
        ),
        (
            rf"(?P<md>\b(?P<month2>{months})\b\.?\s(?:(?:{the})\s)?(?P<day2>\d{{1,2}})(?:{ending})?"
            rf"\b(?![:.]\d)(?:,?\s(?P<year2>\d{{4}})\b)?)"
        ),
    )


def _spans(table: Dates) -> list[str]:
    """Return the patterns of "within 3-5 business days"; of a range the last number counts."""
    words = [word for said in table.numbers.values() for word in said]
    number = rf"(?:{_longest_first(words)}|{_DIGITS})"
    units = sorted(
        (pattern for patterns in table.units.values() for pattern in patterns), key=len, reverse=True
    )
    to = _any([*_DASHES, *table.to])
    found = []
    for n, span in enumerate(table.spans):
        parts = {
            "NUMBER": (rf"(?:{number}\s?(?:{to})\s?)?(?P<n{n}>{number})",),
            "UNIT": (rf"(?P<unit{n}>{_any(units)})\b",),
        }
        found.append(rf"(?P<span{n}>\b{expand(span, parts)})")
    return found


def _phrase(name: str, pattern: str) -> str:
    """Return a phrase as whole words; one that looks behind continues a word ("Freitagnachmittag")."""
    begin = "" if pattern.startswith("(?<=") else r"\b"
    return rf"(?P<{name}>{begin}(?:{expand(pattern, {})})\b)"


def _weekday(table: Dates, weekdays: str) -> str:
    next_one, this_one, tails = (
        _any(words) for words in (table.next_weekday, table.this_weekday, table.weekday_tails)
    )
    return (
        rf"(?P<weekday>\b(?:(?P<next>{next_one})|(?P<this>{this_one}))?"
        rf"(?P<name>{weekdays})(?:\b|(?=(?:{tails})\b)))"
    )


def _any(patterns: Iterable[str]) -> str:
    return any_of(patterns, {})


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
