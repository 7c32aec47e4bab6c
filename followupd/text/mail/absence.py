"""Read the first day and the date of return in an absence note, with the patterns of all languages.

No date library is used, because none can read dates in free text without inventing some.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import starmap

from followupd.domain.calendar import real_date
from followupd.languages import Catalogue, catalogue
from followupd.languages.patterns import verbatim
from followupd.languages.schema import Absence, Answers

#: characters of a note that are searched
MAX_NOTE = 4000
#: a later date means something else
MAX_ABSENCE = timedelta(days=400)
#: a date without a year is the next one up to here: "back on 5 May", read on 6 May, is yesterday and not next
#: year
MAX_WITHOUT_YEAR = timedelta(days=183)

#: pieces of a text before the words of an absence: a greeting, thanks for the mail
_FIRST_SENTENCES = 5

#: month and day of the month
_MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class AbsencePatterns:
    """What finds dates of an absence in any language; the numbers of months (from 1) and weekdays (from 0).

    `days` is a first day and a last one, `date` a date alone, `says` how a note begins that has no mark.
    """

    span: re.Pattern[str]
    days: re.Pattern[str]
    date: re.Pattern[str]
    says: re.Pattern[str]
    months: Mapping[str, int]
    weekdays: Mapping[str, int]


@lru_cache(maxsize=8)
def absence_patterns(languages: Catalogue) -> AbsencePatterns:
    """Return the patterns of all languages together, because a note is read before its language is known.

    Args:
        languages: the shipped languages and those of the admin.
    """
    answers = [language.answers for language in languages.all()]
    notes = [answer.absence for answer in answers]
    months = _numbers([note.months for note in notes], first=1)
    weekdays = _numbers([note.weekdays for note in notes], first=0)
    weekday = _any_name(weekdays)
    tomorrow = _any_of(note.tomorrow for note in notes)
    back = _any_pattern(answers, "back")
    until = _any_pattern(answers, "until")
    date, before = _date(notes, _any_name(months)), _before_date(notes, weekday)
    day = rf"{date}|(?P<weekday>{weekday})\b|(?P<tomorrow>{tomorrow})\b"
    span = rf"(?<!\w)(?:(?P<back>{back})|(?P<until>{until})){before}(?:{day})"
    to = _any_name(word for note in notes for word in note.to)
    first = rf"(?P<first>{_unnamed(date)}|\d{{1,2}}\.?)"
    days = rf"(?<![\w./:+-]){first}[\s,]{{0,2}}(?P<until>(?:{to}|{until})\b|[–—-])(?P<back>(?!))?{before}(?:{day})"
    says = rf"(?:{_any_pattern(answers, 'says')})"
    compiled = [re.compile(pattern, re.IGNORECASE) for pattern in (span, days, date, says)]
    return AbsencePatterns(compiled[0], compiled[1], compiled[2], compiled[3], months, weekdays)


def _unnamed(pattern: str) -> str:
    """Return a pattern of a date without the names of its groups, so that another one may follow it."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern.replace("(?P=sep)", "[./-]"))


def _numbers(languages: Iterable[Sequence[Sequence[str]]], *, first: int) -> Mapping[str, int]:
    """Return the numbers of months or weekdays by their names in all languages.

    Args:
        languages: for each language the names of the first month or weekday, of the second, and so on.
        first: number of the first one.
    """
    numbers = {}
    for names_in_order in languages:
        for number, names in enumerate(names_in_order, first):
            numbers.update(dict.fromkeys(names, number))
    return numbers


def _any_name(names: Iterable[str]) -> str:
    """Return a pattern of these names, the longest first.

    Args:
        names: in lower case.
    """
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


def _distinct(lists: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield what is in any of these lists, each once.

    Args:
        lists: of words or patterns.
    """
    yield from dict.fromkeys(word for words in lists for word in words)


def _any_of(lists: Iterable[Sequence[str]]) -> str:
    """Return a pattern of what is in any of these lists.

    Args:
        lists: of words or patterns; a word is a pattern of itself.
    """
    return "|".join(_distinct(lists))


def _optional(lists: Iterable[Sequence[str]]) -> str:
    """Return a pattern of what is in any of these lists and a blank after it, or nothing.

    Args:
        lists: of words.
    """
    return f"(?:{'|'.join(f'{word} ' for word in _distinct(lists))})?"


def _any_pattern(answers: Iterable[Answers], key: str) -> str:
    """Return one pattern for what this key of the table [absence] lists in any language.

    Args:
        answers: answers.toml of each language.
        key: such as "back".
    """
    found = []
    for answer in answers:
        patterns = getattr(answer.absence, key)
        if patterns:
            found.append(verbatim(patterns, answer.parts))
    return "|".join(found)


def _date(notes: Sequence[Absence], month: str) -> str:
    """Return the pattern of a date: 2026-05-04, "4th of May 2026", "May the 4th, 2026", 4.5.2026.

    Args:
        notes: the table [absence] of each language.
        month: pattern of the names of months.
    """
    ending = _any_of(note.day_endings for note in notes)
    ending_after_month = _any_of(note.day_endings_after_month for note in notes)
    of = _optional(note.before_month for note in notes)
    of_year = _optional(note.before_year for note in notes)
    the = _optional(note.article for note in notes)
    return (
        r"(?P<y1>20\d\d)-(?P<m1>\d{1,2})-(?P<d1>\d{1,2})"
        rf"|(?P<d2>\d{{1,2}})(?:{ending})?\.?\s?{of}(?P<n2>{month})\b\.?,?(?:\s?{of_year}(?P<y2>20\d\d))?"
        rf"|(?P<n3>{month})\b\.?\s?{the}(?P<d3>\d{{1,2}})(?:{ending_after_month})?(?!\d)"
        r"(?:,?\s?(?P<y3>20\d\d))?"
        r"|(?P<a4>\d{1,2})(?P<sep>[./-])(?P<b4>\d{1,2})(?:(?P=sep)(?P<y4>20\d\d|\d\d)?)?(?!\d)"
    )


def _before_date(notes: Sequence[Absence], weekday: str) -> str:
    """Return the pattern of what may be before a date: "on", and a weekday.

    Args:
        notes: the table [absence] of each language.
        weekday: pattern of the names of weekdays.
    """
    before = _any_of(note.before_date for note in notes)
    after_weekday = [f"{word} " for word in _distinct(note.after_weekday for note in notes)]
    after = "|".join([*after_weekday, ","])
    return rf"[\s,:(]{{0,4}}(?:(?:{before})\s)?(?:(?:{weekday})[,.]?\s(?:{after})?)?"


def back_on(
    text: str, subject: str, now: datetime | None, languages: Catalogue | None = None
) -> datetime | None:
    """Return when the day of return begins, None if the note does not tell.

    A last day of absence gives the day after it; a day of return goes before it. Of several the last one
    counts, because to wait too long is better than to remind too early. Dates that are over, or more than
    MAX_ABSENCE away, are ignored.

    Args:
        text: the new text of the note.
        subject: its subject.
        now: when it was received, in the time zone of the result; None if that is unknown.
        languages: the languages of notes; the shipped ones by default.
    """
    reader = _ReturnReader(absence_patterns(languages or catalogue()), now)
    searched = _searched(text, subject)
    days: list[date] = []
    returns: list[date] = []
    for pattern in (reader.patterns.span, reader.patterns.days):
        for match in pattern.finditer(searched):
            day = reader.day(match)
            if day is None:
                continue
            days.append(day)
            if match["back"]:
                returns.append(day)
    return _midnight(max(returns or days), now) if days else None


def away_from(
    text: str, subject: str, now: datetime | None, languages: Catalogue | None = None
) -> datetime | None:
    """Return when the first day of an absence begins that the note names with its last one: "del 22/12 al 7/1".

    None where the note names none, and where that day has come. The arguments are those of `back_on`.

    Args:
        text: what is read.
        subject: the subject of the mail.
        now: the present moment, in UTC.
        languages: the words of all languages.
    """
    reader = _ReturnReader(absence_patterns(languages or catalogue()), now)
    found = map(reader.first_day, reader.patterns.days.finditer(_searched(text, subject)))
    first = min(filter(None, found), default=None)
    return _midnight(first, now) if first else None


def says_absent(text: str, languages: Catalogue | None = None) -> bool:
    """Return whether a text begins as absence notes do, after a greeting: "I am out of the office until ...".

    Args:
        text: the new text of a mail.
        languages: the languages of notes; the shipped ones by default.
    """
    says = absence_patterns(languages or catalogue()).says
    sentences = re.split(r"(?:[\n!?,:;]|(?<!\d)\.(?=\s|$))+\s*", text[:MAX_NOTE].strip())
    return any(says.match(sentence.strip()) for sentence in sentences[:_FIRST_SENTENCES])


def _midnight(day: date, now: datetime | None) -> datetime:
    """Return the beginning of a day, in the time zone of `now`."""
    return datetime(day.year, day.month, day.day, tzinfo=(now.tzinfo if now else None) or UTC)


@lru_cache(maxsize=8)
def _written_pattern(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of a date with its year, with the names of months of all languages.

    Args:
        languages: the shipped languages and those of the admin.
    """
    names = _any_name(absence_patterns(languages).months)
    return re.compile(
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th|er)?\.?\s(?:de\s)?(?P<n>{names})\b\.?,?\s(?:de\s|del\s)?(?P<y>20\d\d)"
        rf"|(?P<n2>{names})\b\.?\s(?P<d2>\d{{1,2}}),?\s(?P<y2>20\d\d)"
        r"|(?P<y3>20\d\d)-(?P<m3>\d\d?)-(?P<d3>\d\d?)|(?P<a4>\d\d?)[./-](?P<b4>\d\d?)[./-](?P<y4>20\d\d|\d\d)"
    )


def written_at(text: str, before: datetime | None, languages: Catalogue | None = None) -> datetime | None:
    """Return when a mail was written that another one forwards: "Monday, 30 November 2026 16:42".

    Args:
        text: the date with its year, as a mail client of any language writes it.
        before: when the other mail was written, in whose time zone the result is; None if that is unknown.
        languages: whose names of months are known; the shipped ones by default.

    Returns:
        None for a text that cannot be read, and for a time after `before`.
    """
    if before is None:
        return None
    known = languages or catalogue()
    patterns = absence_patterns(known)
    found = _written_pattern(known).search(text.casefold())
    if found is None:
        return None
    clock = re.search(r"(\d{1,2})[:.](\d\d)(?::\d\d)?\s?([ap])?\.?m?", text.casefold()[found.end() :])
    hour, minute = (int(clock[1]), int(clock[2])) if clock else (12, 0)
    if clock and clock[3]:
        hour = hour % 12 + 12 * (clock[3] == "p")
    days = list(filter(None, starmap(real_date, _written_days(found, patterns.months))))
    times = [
        datetime(day.year, day.month, day.day, hour % 24, minute % 60, tzinfo=before.tzinfo) for day in days
    ]
    return max((at for at in times if at <= before), default=None)


def _written_days(found: re.Match[str], months: Mapping[str, int]) -> Sequence[tuple[int, int, int]]:
    """Return the days, as year, month and day, that a date with its year can mean.

    Args:
        found: the match of the pattern in `written_at`.
        months: the numbers of months by their names.
    """
    if found["n"]:
        return [(int(found["y"]), months[found["n"]], int(found["d"]))]
    if found["n2"]:
        return [(int(found["y2"]), months[found["n2"]], int(found["d2"]))]
    if found["y3"]:
        return [(int(found["y3"]), int(found["m3"]), int(found["d3"]))]
    year = int(found["y4"]) % 100 + 2000
    first, second = int(found["a4"]), int(found["b4"])
    return [(year, second, first), (year, first, second)]


def _searched(text: str, subject: str) -> str:
    """Return subject and text with single blanks, cut to MAX_NOTE characters.

    Args:
        text: the text of the note.
        subject: the subject of the note.
    """
    words = " ".join(text[:MAX_NOTE].split())
    return f"{subject}\n{words}"[:MAX_NOTE]


class _ReturnReader:
    """Reads the days of return that were written at `now`."""

    def __init__(self, patterns: AbsencePatterns, now: datetime | None) -> None:
        """Take what is needed to read a day.

        Args:
            patterns: of all languages.
            now: when the note was received, None if that is unknown.
        """
        self.patterns = patterns
        self.today = now.date() if now else None

    def day(self, match: re.Match[str]) -> date | None:
        """Return the day of return; None for no real day, and for one too far away.

        Args:
            match: the match of the pattern `span`. After "until" is the last day of absence.
        """
        day = self._written_day(match)
        if day is None:
            return None
        if match["until"]:
            day += timedelta(days=1)
        if not self._is_ahead(day, MAX_ABSENCE):
            return None
        return day

    def first_day(self, match: re.Match[str]) -> date | None:
        """Return the first day of an absence that is to come, None for another one.

        Args:
            match: a match of `days`. A day without a month is in the month of the last day, or in that before.
        """
        back, written = self.day(match), match["first"].strip(" .")
        if back is None or self.today is None:
            return None
        last = back - timedelta(days=1)
        if written.isdigit():
            month = last if int(written) <= last.day else last.replace(day=1) - timedelta(days=1)
            first = real_date(month.year, month.month, int(written))
        else:
            found = self.patterns.date.fullmatch(match["first"])
            first = self._written_day(found) if found else None
        return first if first and self.today < first <= last else None

    def _is_ahead(self, day: date, limit: timedelta) -> bool:
        """Whether a day is between today and this limit; true if today is unknown.

        Args:
            day: that is written.
            limit: how far ahead it may be.
        """
        return self.today is None or self.today <= day <= self.today + limit

    def _written_day(self, match: re.Match[str]) -> date | None:
        """Return the day that is written: relative to today, as an ISO date, with a month, or in numbers.

        Args:
            match: the match of the pattern `span`, whose groups tell the form: y1, m1, d1; n2 or n3 with d and y; a4,
                b4, y4.
        """
        named = match.groupdict()
        if named.get("weekday") or named.get("tomorrow"):
            return self._relative_day(named["weekday"])
        if match["y1"]:
            return real_date(int(match["y1"]), int(match["m1"]), int(match["d1"]))
        if match["n2"]:
            return self._nearest(match["y2"], [self._named(match["n2"], match["d2"])])
        if match["n3"]:
            return self._nearest(match["y3"], [self._named(match["n3"], match["d3"])])

        first, second = int(match["a4"]), int(match["b4"])
        choices = [(second, first)]
        if match["sep"] != ".":
            choices.append((first, second))
        return self._nearest(match["y4"], choices)

    def _named(self, month: str, day: str) -> _MonthDay:
        """Return month and day for the name of a month and the digits of a day."""
        return self.patterns.months[month.lower()], int(day)

    def _relative_day(self, weekday: str | None) -> date | None:
        """Return the next such weekday, or tomorrow; None if today is unknown.

        Args:
            weekday: its name, None for "tomorrow".
        """
        if self.today is None:
            return None

        days = 1
        if weekday:
            number = self.patterns.weekdays[weekday.lower()]
            days = (number - self.today.weekday() - 1) % 7 + 1

        return self.today + timedelta(days=days)

    def _nearest(self, year: str | None, choices: Iterable[_MonthDay]) -> date | None:
        """Return the first of some dates that is ahead: "03/04" is the nearer of the two that it can mean.

        Args:
            year: in four or two digits, None if it is not written.
            choices: the dates that it can be.
        """
        limit = MAX_ABSENCE if year else MAX_WITHOUT_YEAR
        found = []
        for possible_year in self._years(year):
            for month, number in choices:
                day = real_date(possible_year, month, number)
                if day is not None and self._is_ahead(day, limit):
                    found.append(day)

        return min(found, default=None)

    def _years(self, written: str | None) -> Sequence[int]:
        """Return the years that a date can be in.

        Args:
            written: the year in four or two digits ("26" is 2026). Without one it is this year or the next
                one, and none if today is unknown.
        """
        if written:
            century = 2000 if len(written) == 2 else 0
            return (century + int(written),)
        if self.today is None:
            return ()
        return (self.today.year, self.today.year + 1)
