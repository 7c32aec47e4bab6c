"""The patterns of a language's promises.toml, compiled when a language is first used."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from followupd.languages import Language
from followupd.languages.patterns import Parts, any_of, compiled, expand, whole_words
from followupd.languages.schema import Dates, GiftNames, LanguageTable, Promises

#: a number in digits
_DIGITS = r"\d{1,3}"
_DASHES = ("-", "–")
#: white space between two words
_GAP = r"\s{1,9}"
_BEGINS_AT_EDGE = re.compile(r"\(\?P<\w+>\\b")
_ISO_DATE = r"(?P<iso>\b\d{4}-\d{2}-\d{2})(?=\b|t\d)"
#: 4/12/2026, 4.12.26, 4.12. and 4/12
_NUMERIC_DATE = (
    r"(?P<numeric>(?<![\d./])(?P<a>\d{1,2})(?!\.(?:00|1[3-9]|[2-9]\d)(?!\d))(?P<sep>[./])(?P<b>\d{1,2})"
    r"(?:(?P=sep)(?P<year>\d{4}|\d{2})\b|\.(?!\d)|(?![\d./])))"
)


@dataclass(frozen=True, slots=True)
class DatePatterns:
    """How one language writes days and times. All patterns are for lower-case text.

    `part` finds whatever can be part of a date; the name of the group that matched says which. `leads`
    matches all prepositions at the end of a text, `lead` the last of them. `range_end` and `range_start`
    match what is beside a date that is one end of a range, `opening_hours` what is before it. `meanings` are
    those of the groups phrase0, phrase1 and so on.
    """

    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    numbers: Mapping[str, int]
    spelt_days: Mapping[str, int]
    units: tuple[tuple[re.Pattern[str], str], ...]
    meanings: tuple[str, ...]
    month_first: tuple[str, ...]
    part: re.Pattern[str]
    known: dict[tuple[str, int], re.Match[str] | None]
    leads: re.Pattern[str]
    lead: re.Pattern[str]
    deadline: re.Pattern[str]
    before: re.Pattern[str]
    trail: re.Pattern[str]
    glue: re.Pattern[str]
    between: re.Pattern[str]
    joining: re.Pattern[str]
    either: re.Pattern[str]
    window: re.Pattern[str]
    dotted_after: re.Pattern[str]
    starting: re.Pattern[str]
    left_over: re.Pattern[str]
    hour_mark: re.Pattern[str]
    weeks_later: tuple[int, ...]
    near_days: Mapping[str, int]
    days_after: tuple[tuple[int, re.Pattern[str]], ...]
    minutes_from: tuple[int, ...]
    week_of: re.Pattern[str]
    month_parts: tuple[str, ...]
    that_time: re.Pattern[str]
    week: re.Pattern[str]
    counted_from: re.Pattern[str]
    past_before: re.Pattern[str]
    past_after: re.Pattern[str]
    range_end: re.Pattern[str]
    range_start: re.Pattern[str]
    opening_hours: re.Pattern[str]


@lru_cache(maxsize=32)
def date_patterns(language: Language) -> DatePatterns:
    """Compile how a language writes days and times."""
    table = language.dates
    weekday = "|".join(language.weekdays)
    lead = _any(table.lead)
    through = _any([*table.through, *_DASHES])
    money = _longest_first(language.info.currencies)
    return DatePatterns(
        months=language.months,
        weekdays=language.weekdays,
        numbers={word: number for number, words in table.numbers.items() for word in words},
        spelt_days={word: n for n, words in enumerate(table.spelt_days, 1) for word in words},
        units=tuple((re.compile(_any(patterns)), unit) for unit, patterns in table.units.items()),
        meanings=tuple(meaning for meaning, _ in table.phrases),
        month_first=table.month_first,
        part=_part(table, language.months, language.weekdays),
        known={},
        leads=re.compile(rf"(?:(?<!\w)(?:{lead})\s{{0,9}}){{1,5}}$"),
        lead=re.compile(rf"(?<!\w)(?:{lead})\s{{0,9}}$"),
        deadline=re.compile(rf"(?<!\w)(?:{_any(table.deadline)})(?!\w)"),
        before=re.compile(rf"\b(?:{_any(table.before)})\b"),
        trail=re.compile(rf"\s{{0,9}}(?:,\s{{0,9}})?(?:{_any(table.trail)})\b"),
        between=re.compile(rf"(?<!\w)(?:{_any(table.between)})\s{{0,9}}$"),
        dotted_after=re.compile(rf"(?<!\w)(?:{_any(table.dotted_after)})\s{{0,9}}$"),
        window=re.compile(rf"(?<!\w)(?:{_any(table.window)})\s{{0,9}}$"),
        either=re.compile(rf"\s{{0,9}}(?:{_any(table.either)})\s{{0,9}}"),
        joining=re.compile(rf"[\s,]{{0,9}}(?:{_any(table.joining)})\s{{0,9}}"),
        starting=re.compile(rf"(?<!\w)(?:{_any(table.starting)})(?!\w)"),
        left_over=re.compile(
            rf"(?<!\w)(?:{_any([*table.left_over, weekday])})(?!\w|[.,]\d|\s?(?:[€$£%×]|x\s|(?:{money})\b))"
        ),
        hour_mark=re.compile(rf":\d|\d\s?(?:{_any([*table.hours, '[ap][.]? ?m'])})(?!\w)"),
        weeks_later=tuple(weeks for weeks, _ in table.later),
        near_days={word: days for days, words in table.near_days.items() for word in words},
        days_after=tuple(
            (days, re.compile(rf"(?<!\w)(?:{expand(pattern, {})})(?!\w)"))
            for days, pattern in table.days_after
        ),
        week=re.compile(_any(table.units.get("week", ()))),
        that_time=whole_words(table.that_time, {}),
        counted_from=whole_words(table.counted_from, {}),
        minutes_from=tuple(minutes for minutes, _ in table.near_hour),
        week_of=re.compile(rf"(?<!\w)(?:{_any(table.week_of)})\s{{0,9}}$"),
        month_parts=tuple(part for part, _ in table.months_parts),
        glue=re.compile(rf"\s{{0,9}}(?:,|t|{_any(table.glue)})?\s{{0,9}}"),
        past_before=re.compile(rf"(?<!\w)(?:{_any(table.past_before)})\s{{0,9}}$"),
        past_after=re.compile(rf"\s{{0,9}}(?:{_any(table.past_after)})\b"),
        range_end=re.compile(rf"\s{{0,9}}(?:{through})\s{{0,9}}(?:{weekday})\b"),
        range_start=re.compile(rf"(?<!\w)(?:{weekday})\s{{0,9}}(?:{through})?\s{{0,9}}$"),
        opening_hours=re.compile(rf"\d\s?(?:{_any(table.hours)})?\s(?:{through})\s{{0,9}}$"),
    )


def _part(table: Dates, months: Mapping[str, int], weekdays: Mapping[str, int]) -> re.Pattern[str]:
    """Return the pattern of whatever can be part of a date; the first alternative that matches counts.

    Args:
        table: how the language writes dates.
        months: their numbers by name.
        weekdays: their numbers by name.
    """
    month = _longest_first(months)
    patterns = (
        _ISO_DATE,
        _NUMERIC_DATE,
        _day_before_month(table, month),
        _month_before_day(table, month),
        *_later(table, weekdays),
        *_spans(table),
        *(
            rf"(?P<weekno{n}>\b{expand(pattern, _week_number(n))})"
            for n, pattern in enumerate(table.week_number)
        ),
        *_months(table, month),
        *(_phrase(f"phrase{n}", pattern) for n, (_, pattern) in enumerate(table.phrases)),
        _weekday(table, _longest_first(weekdays)),
        rf"(?P<ordinal>{_any(table.ordinal)})",
        *_windows(table, month),
        *_near_hours(table),
        rf"(?P<clock>(?:\b|(?<=\dt)){expand(table.clock, {})})",
        *_hours(table, month),
        rf"(?P<bareday>{_any(table.bare_day)})",
    )
    return re.compile(_tried_at_edges(patterns))


def _tried_at_edges(patterns: Iterable[str]) -> str:
    """Return alternatives as one pattern; neighbours that begin at the edge of a word are tried only there.

    Nearly all of them do, and most places in a text are no edge.
    """
    runs = groupby(patterns, key=lambda pattern: _BEGINS_AT_EDGE.match(pattern) is not None)
    joined = ((is_edge, "|".join(run)) for is_edge, run in runs)
    return "|".join(rf"\b(?=\w)(?:{run})" if is_edge else run for is_edge, run in joined)


def _day_before_month(table: Dates, month: str) -> str:
    """Return the pattern of "4th of December 2026", and of the same with a second day before it ("3rd to 5th").

    Args:
        table: how a language writes dates.
        month: the pattern of its months' names.
    """
    ending = _any(table.day_endings)
    of = _any(table.of)
    of_year = _any(table.of_year)
    joint = _any([*_DASHES, *table.through, *table.joining])
    spelt = _longest_first(word for words in table.spelt_days for word in words)
    return (
        rf"(?P<dm>\b(?:(?P<first1>\d{{1,2}})(?:{ending}|\.)?\s?(?:{joint})\s?)?"
        rf"(?:(?P<day1>\d{{1,2}})(?:{ending}|\.)?\s?(?:(?:{of})\s)?|(?P<spelt>{spelt})\s(?:(?:{of})\s)?)"
        rf"(?P<month1>{month})\b\.?"
        rf"(?:,?\s(?:(?:{of_year})\s)?(?P<year1>\d{{4}})\b)?)"
    )


def _month_before_day(table: Dates, month: str) -> str:
    """Return the pattern of "December the 4th, 2026"."""
    ending = _any(table.day_endings)
    the = _any(table.the)
    return (
        rf"(?P<md>\b(?P<month2>{month})\b\.?\s(?:(?:{the})\s)?(?P<day2>\d{{1,2}})(?:{ending})?"
        rf"\b(?![:.]\d)(?:,?\s(?P<year2>\d{{4}})\b)?)"
    )


def _spans(table: Dates) -> list[str]:
    """Return the patterns of "within 3-5 business days"; in the groups is the last number of a range."""
    words = [word for words in table.numbers.values() for word in words]
    number = rf"(?:{_longest_first(words)}|{_DIGITS})"
    units = [pattern for patterns in table.units.values() for pattern in patterns]
    unit = _any(sorted(units, key=len, reverse=True))
    to = _any([*_DASHES, *table.to])

    found = []
    for n, span in enumerate(table.spans):
        parts = {
            "NUMBER": (rf"(?:{number}\s?(?:{to})\s?)?(?P<n{n}>{number})",),
            "UNIT": (rf"(?P<unit{n}>{unit})\b",),
        }
        found.append(rf"(?P<span{n}>\b{expand(span, parts)})")
    return found


def _week_number(n: int) -> Parts:
    return {"NUMBER": (rf"(?P<wk{n}>\d{{1,2}})\b",)}


def _later(table: Dates, weekdays: Mapping[str, int]) -> list[str]:
    """Return the patterns of "a week from Friday"; the day is in its group."""
    near = [word for words in table.near_days.values() for word in words]
    day = _longest_first([*weekdays, *near])
    return [
        rf"(?P<later{n}>\b{expand(pattern, {'DAY': (rf'(?P<day{n}_>{day})',)})}\b)"
        for n, (_, pattern) in enumerate(table.later)
    ]


def _months(table: Dates, month: str) -> list[str]:
    """Return the patterns of "mid December"; the month is in its group."""
    return [
        rf"(?P<inmonth{n}>\b{expand(pattern, {'MONTH': (rf'(?P<mon{n}>{month})',)})}\b(?!\s\d))"
        for n, (_, pattern) in enumerate(table.months_parts)
    ]


def _hour(table: Dates) -> str:
    """Return the pattern of an hour in a window or after "at", with or without its mark."""
    words = _longest_first(
        word for number, words in table.numbers.items() if 1 < number <= 12 for word in words
    )
    marks = _any([*table.hours, r"[ap]\.? ?m\.?"])
    return rf"(?:(?:[01]?\d|2[0-4])(?:[:.]\d{{2}}(?!\d))?(?: ?h ?\d{{2}}\b)?|{words})(?: ?(?:{marks})(?!\w))?"


def _windows(table: Dates, month: str) -> list[str]:
    """Return the patterns of "between 9 and 11", which are days before the name of a month.

    Args:
        table: how a language writes dates.
        month: the pattern of its months' names.
    """
    noon = _any(pattern for meaning, pattern in table.phrases if meaning == "noon")
    hour = rf"(?:{_hour(table)}|(?:{noon})(?!\w))"
    days = rf"\.?\s(?:(?:{_any(table.of)})\s)?(?:{month})\b"
    return [
        rf"(?P<window{n}>\b(?<![\d.,:/-])"
        rf"{expand(pattern, {'FROM': (rf'(?P<from{n}>{hour})',), 'TO': (rf'(?P<to{n}>{hour})',)})}"
        rf"(?![\d%/]|[.,]\d|{days}))"
        for n, pattern in enumerate(table.windows)
    ]


def _near_hours(table: Dates) -> list[str]:
    """Return the patterns of "half past 8", which is a time beside a day; the hour is in its group."""
    return [
        rf"(?P<near{n}>\b{expand(pattern, {'HOUR': (rf'(?P<near{n}_>{_hour(table)})',)})}(?!\w))"
        for n, (_, pattern) in enumerate(table.near_hour)
    ]


def _hours(table: Dates, month: str) -> list[str]:
    """Return the patterns of "at 3", which is a time beside a day."""
    hour = _hour(table)
    return [
        rf"(?P<hour{n}>(?<!\w){expand(pattern, {'HOUR': (rf'(?P<h{n}_>{hour})',)})}"
        rf"(?![\w%€$£-]|[.,/]\d|\s?[%€$£]|\.?\s(?:(?:{_any(table.of)})\s)?(?:{month})\b))"
        for n, pattern in enumerate(table.at_hour)
    ]


def _phrase(name: str, pattern: str) -> str:
    """Return a phrase as whole words; one that begins with a look-behind continues a word."""
    begin = "" if pattern.startswith("(?<=") else r"\b"
    return rf"(?P<{name}>{begin}(?:{expand(pattern, {})})\b)"


def _weekday(table: Dates, weekday: str) -> str:
    """Return the pattern of "Friday", "next Friday" and "this Friday"."""
    following = _any(table.next_weekday)
    this = _any(table.this_weekday)
    tails = _any(table.weekday_tails)
    return (
        rf"(?P<weekday>\b(?:(?P<next>{following})|(?P<this>{this}))?"
        rf"(?P<name>{weekday})(?:\b|(?=(?:{tails})\b)))"
    )


def _any(patterns: Iterable[str]) -> str:
    return any_of(patterns, {})


def _longest_first(words: Iterable[str]) -> str:
    """Return alternatives of plain words, in which "next week" comes before "next"."""
    escaped = (re.escape(word).replace("\\ ", " ") for word in sorted(words, key=len, reverse=True))
    return "|".join(escaped)


@dataclass(frozen=True, slots=True)
class NamePatterns:
    """What a gift is called in the list of a letter (the table [gifts.names])."""

    free_of_charge: re.Pattern[str]
    handing_over: re.Pattern[str]
    replacing: re.Pattern[str]
    replaced: str
    verbs: re.Pattern[str]
    reports: re.Pattern[str]
    replacement: re.Pattern[str]
    another: re.Pattern[str]
    another_becomes: str
    paying: re.Pattern[str]
    in_full: re.Pattern[str]
    full_amount: str
    purpose: re.Pattern[str]
    articles: re.Pattern[str]
    dangling: re.Pattern[str]


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

    `unreal` excludes the rest of a sentence (conditions, questions, what others said), `hedged` one clause of it
    (negation, doubt, trying), `general` a whole sentence (rules of the house, refusals). A sentence with one of
    `asked` is asked about; `over` promises nothing more, but may give something; what others said (`reported`) is
    asked about, and what is `hoped` an estimate. `trigger` ties a promise to an event and makes it an estimate too.
    `firm`, `update`, `estimate`, `dated` and `done` are the phrases that promise or report, `giving` and `given` those
    that grant a gift, and `gifts` pairs the kinds of gifts with their names; a `treat` is a thing that is given beside
    another gift, and `treating` how people say so of any thing; an amount that is given without a name is `paid`, or
    else waived. A share is a coupon where it is taken off `later`, and a credit where it is reckoned in money. `signs`
    (the table [signs]) are weighed with all of that. `carried` matches before a second verb without its own subject;
    the `subject` of the first verb is then that of both. `leaning` begins a clause that cannot stand without the one
    before it.
    """

    cut: re.Pattern[str]
    carried: re.Pattern[str]
    leaning: re.Pattern[str]
    subject: re.Pattern[str]
    unreal: re.Pattern[str]
    complement: re.Pattern[str]
    general: re.Pattern[str]
    asked: re.Pattern[str]
    over: re.Pattern[str]
    reported: re.Pattern[str]
    hoped: re.Pattern[str]
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
    weak_cut: re.Pattern[str]
    open_amount: re.Pattern[str]
    alternative: re.Pattern[str]
    part: re.Pattern[str]
    courtesy: re.Pattern[str]
    treat: re.Pattern[str]
    treating: re.Pattern[str]
    paid: re.Pattern[str]
    later: re.Pattern[str]
    total: re.Pattern[str]
    whole: re.Pattern[str]
    share: re.Pattern[str]
    gifts: tuple[tuple[str, re.Pattern[str]], ...]
    names: NamePatterns
    topics: TopicPatterns
    signs: Mapping[str, re.Pattern[str]]
    dangling: re.Pattern[str]
    lasting: re.Pattern[str]
    refers: re.Pattern[str]
    named: re.Pattern[str]


@lru_cache(maxsize=32)
def promise_patterns(language: Language) -> PromisePatterns:
    """Compile the patterns of a language, which takes about 0.07 s once."""
    file = language.promises
    parts = file.parts
    subject = any_of(file.clauses.subject, parts)
    joint = any_of(file.gifts.joint, parts)
    topics = _whole_words(file.fallback, ("idle", "doubt", "update", "topic", "arranged"), parts)
    return PromisePatterns(
        cut=compiled(file.clauses.cut, parts),
        carried=compiled(file.clauses.carried, parts),
        leaning=re.compile(rf"\s{{0,9}}(?:{any_of(file.clauses.leaning, parts)})(?!\w)"),
        subject=re.compile(rf"\b(?:{subject})", re.IGNORECASE),
        **_whole_words(
            file.clauses,
            ("unreal", "complement", "general", "asked", "over", "reported", "hoped", "hedged", "trigger"),
            parts,
        ),
        **_whole_words(file.turns, ("firm", "update", "estimate", "dated", "done"), parts),
        **_whole_words(file.gifts, ("giving", "given"), parts),
        joint=re.compile(rf"\s(?:{joint}|&)\b|\s[&+]\s"),
        weak_cut=re.compile(
            rf"(?:{_GAP})?,{_GAP}(?:(?:{joint}){_GAP})?|{_GAP}(?:(?:{joint})|&|\+){_GAP}|{_GAP}[-–—]{_GAP}"
        ),
        **_whole_words(
            file.gifts,
            (
                "open_amount",
                "alternative",
                "part",
                "courtesy",
                "treat",
                "treating",
                "paid",
                "later",
                "total",
                "whole",
            ),
            parts,
        ),
        share=re.compile(rf"(?:{any_of(file.gifts.share, parts)})\s{{0,9}}$"),
        gifts=_gift_kinds(file),
        names=_name_patterns(file.gifts.names, file.wording.dangling, parts),
        topics=TopicPatterns(**topics),
        signs=_whole_words(file.signs, type(file.signs).model_fields, parts),
        lasting=re.compile(rf"(?:{any_of(file.wording.lasting, parts)})\b"),
        dangling=re.compile(rf"(?<!\w)(?:{any_of(file.wording.dangling, parts)})$"),
        **_whole_words(file.wording, ("refers", "named"), parts),
    )


def _whole_words(table: LanguageTable, keys: Iterable[str], parts: Parts) -> dict[str, re.Pattern[str]]:
    """Compile these keys of a table; their patterns match whole words only."""
    return {key: whole_words(getattr(table, key), parts) for key in keys}


def _gift_kinds(file: Promises) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compile the words of each kind of gift. Where two overlap, the first one counts."""
    kinds = file.gifts.kinds.model_dump(by_alias=True)
    return tuple((kind, whole_words(patterns, file.parts)) for kind, patterns in kinds.items())


def _name_patterns(table: GiftNames, dangling: Iterable[str], parts: Parts) -> NamePatterns:
    """Compile the table [gifts.names].

    Args:
        table: of the language.
        dangling: what no name ends with.
        parts: of patterns.
    """

    def pattern(before: str, patterns: Iterable[str], after: str = "") -> re.Pattern[str]:
        return re.compile(f"{before}(?:{any_of(patterns, parts)}){after}", re.IGNORECASE)

    return NamePatterns(
        free_of_charge=pattern(r"[, ]{0,9}\b", table.free_of_charge, r"\b[, ]{0,9}"),
        handing_over=pattern("^", table.handing_over),
        replacing=pattern("^", table.replacing),
        replaced=table.replaced,
        verbs=pattern(r"\s", table.verbs, r"\b.*$"),
        reports=pattern(r"\s", table.reports, r"\b.*$"),
        replacement=pattern(r"\b", table.replacement),
        another=pattern("^", table.another),
        another_becomes=table.another_becomes,
        paying=pattern("^", table.paying, "$"),
        in_full=pattern(r"\b", table.in_full, r"\b"),
        full_amount=table.full_amount,
        purpose=pattern(r"\b", table.purpose, "$"),
        articles=re.compile(rf"^(?:{any_of(table.articles, parts)})\b"),
        dangling=re.compile(rf"(?:\s{{1,9}}(?:{any_of(dangling, parts)})){{1,3}}$", re.IGNORECASE),
    )
