"""The shape of a language's file: its words of time, and the turns of phrase in which agents commit themselves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

#: how a number is written in digits, or as the end of a range such as "3-5" or "3 to 5"
_DIGITS = r"\d{1,3}"


@dataclass(frozen=True)
class DateWords:
    """How a language writes days and times. Patterns are regular expressions over lower-case text.

    `phrases` pair a pattern with a code that `dates` resolves: "day+1", "week+0" (its last working day), "early+1",
    "mid+1", "month+0", "christmas", "noon", "morning", "afternoon", "evening", "night", "close".
    `offsets` hold {n} and {unit}. `lead` are the prepositions that belong to a date, `strong` those that make it a
    deadline, `before` those that exclude the day itself, `trail` what may follow, `to` joins the ends of
    a number's range, `through` those of a week's ("Monday to Friday"), `glue` stands between day and time, `past_before` and `past_after` what makes a date one that is over. `tails` are written in one word with a weekday
    ("Freitagnachmittag").
    """

    weekdays: Mapping[str, int]
    months: Mapping[str, int]
    numbers: Mapping[str, int]
    units: Mapping[str, str]
    offsets: tuple[str, ...]
    phrases: tuple[tuple[str, str], ...]
    clock: str
    to: str
    through: str
    lead: str
    strong: str
    before: str
    trail: str
    glue: str
    past_before: str
    past_after: str
    this_weekday: str
    next_weekday: str = r"(?!)"
    tails: str = r"(?!)"
    ordinal: str = r"(?!)"

    @cached_property
    def atoms(self) -> re.Pattern[str]:
        """One pattern over all that can be part of a date; the name of the group that matched says which."""
        months, weekdays = _any_of(self.months), _any_of(self.weekdays)
        number = rf"(?:{_any_of(self.numbers)}|{_DIGITS})"
        offsets = [
            offset.format(
                n=rf"(?:{number}\s?(?:-|–|{self.to})\s?)?(?P<n{i}>{number})",
                unit=rf"(?P<unit{i}>{_joined(self.units)})\b",
            )
            for i, offset in enumerate(self.offsets)
        ]
        phrases = [
            rf"(?P<phrase{i}>{'' if pattern.startswith('(?<=') else chr(92) + 'b'}(?:{pattern})\b)"
            for i, (pattern, _) in enumerate(self.phrases)
        ]
        return re.compile(
            "|".join(
                [
                    r"(?P<iso>\b\d{4}-\d{2}-\d{2})(?=\b|t\d)",
                    r"(?P<numeric>(?<![\d./])(?P<a>\d{1,2})(?P<sep>[./])(?P<b>\d{1,2})(?:(?P=sep)(?P<year>\d{4}|\d{2})\b|\.(?!\d)|(?![\d./])))",
                    rf"(?P<dm>\b(?P<day1>\d{{1,2}})(?:st|nd|rd|th|er|\.)?\s?(?:of\s|de\s)?(?P<month1>{months})\b\.?(?:,?\s(?:de\s|del\s)?(?P<year1>\d{{4}})\b)?)",
                    rf"(?P<md>\b(?P<month2>{months})\b\.?\s(?:the\s)?(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.]\d)(?:,?\s(?P<year2>\d{{4}})\b)?)",
                    *(rf"(?P<offset{i}>\b{offset})" for i, offset in enumerate(offsets)),
                    *phrases,
                    rf"(?P<weekday>\b(?:(?P<next>{self.next_weekday})|(?P<this>{self.this_weekday}))?(?P<name>{weekdays})(?:\b|(?={self.tails}\b)))",
                    rf"(?P<ordinal>{self.ordinal})",
                    rf"(?P<clock>(?:\b|(?<=\dt)){self.clock})",
                ]
            )
        )


@dataclass(frozen=True)
class Grammar:
    """How agents who write this language commit themselves, and how they do not.

    Sentence: `unreal` makes all of it neither promise nor gift (conditions, questions, what others said).
    Clause: `hedged` (negation, doubt, trying) makes one clause neither. `trigger` ties a promise to an event and makes
    it an estimate. `estimate`, `update`, `firm` and `done` are the turns of phrase that promise or report; `giving` and
    `given` are those in which a gift is granted; `gifts` name the gifts. `carried` cuts before a second verb that has no
    subject of its own ("and send you"), which is then the `subject` of the first ("I will").
    """

    language: str
    dates: DateWords
    clause: re.Pattern[str]
    unreal: re.Pattern[str]
    hedged: re.Pattern[str]
    trigger: re.Pattern[str]
    complement: re.Pattern[str]
    estimate: re.Pattern[str]
    update: re.Pattern[str]
    firm: re.Pattern[str]
    dated: re.Pattern[str]
    done: re.Pattern[str]
    giving: re.Pattern[str]
    given: re.Pattern[str]
    gifts: tuple[tuple[str, re.Pattern[str]], ...]
    fillers: re.Pattern[str]
    contractions: tuple[tuple[str, str], ...] = ()
    inverted: re.Pattern[str] | None = None
    subject: re.Pattern[str] | None = None
    carried: re.Pattern[str] | None = None


def words(*patterns: str) -> re.Pattern[str]:
    """Compile alternatives that stand as whole words; a blank in a pattern is any white space."""
    return re.compile(r"(?<!\w)(?:" + "|".join(patterns).replace(" ?", r"\s?").replace(" ", r"\s+") + r")(?!\w)")


def counted(text: str, *, start: int = 0) -> dict[str, int]:
    """Number the words of a list, several names a number: "monday|mon, tuesday|tue" gives 0 and 1."""
    names = enumerate(text.split(", "), start)
    return {name: number for number, alternatives in names for name in alternatives.split("|")}


def _any_of(table: Mapping[str, int]) -> str:
    return "|".join(re.escape(word) for word in sorted(table, key=len, reverse=True))


def _joined(table: Mapping[str, str]) -> str:
    return "|".join(sorted(table, key=len, reverse=True))
