"""Find the dates that people write in a sentence, and the moment that each of them means to the company.

Libraries for dates are not used, because they read "$25 by Friday" as the 25th. What a day means as a moment:

- a day without a time is the close of business on that day, in the company's time zone; "morning" ends at
  noon, "afternoon" at the close, "evening" at 20:00, "tonight" at 23:59;
- "next week" ends with its last working day, "early next week" with Tuesday, "within 3 business days" with
  the close of the third;
- "before Friday" is the close of business before that day;
- a day whose close is over ends at 23:59.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from followupd.domain.calendar import Calendar
from followupd.languages import Language
from followupd.text.promises.date_parts import (
    END_OF_DAY,
    LEAD_REACH,
    DatePart,
    PartReader,
    close_of_day,
    last_of_business,
)
from followupd.text.promises.patterns import DatePatterns, date_patterns
from followupd.text.promises.sentences import MAX_SENTENCE, lowered

#: what is left at the edges of a text when a date was removed
EDGES = " ,;:.!–—-…"


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text, with its prepositions; `firm` if one of them makes it a deadline."""

    moment: datetime
    start: int
    end: int
    firm: bool


@dataclass(frozen=True, slots=True)
class DateReader:
    """Finds dates as written at one moment by one company, in one language."""

    patterns: DatePatterns
    now: datetime
    today: date
    calendar: Calendar
    parts: PartReader

    def find(self, text: str) -> Iterator[FoundDate]:
        """Yield the dates in a text in order, without those that the text says are over.

        Args:
            text: of which the first MAX_SENTENCE characters are read.
        """
        low = lowered(text[:MAX_SENTENCE])
        for part in self._merged(self.parts.find(low), low):
            found = self._found(low, part)
            if found:
                yield found

    def _merged(self, parts: Iterable[DatePart], low: str) -> Iterator[DatePart]:
        """Yield the parts as dates, each merged with its neighbours, such as "Friday" with "at 3 pm".

        Args:
            parts: in the order of the text.
            low: the text, in lower case.
        """
        current: DatePart | None = None
        for part in parts:
            merged = self._merge(current, part, low)
            if current and merged is None:
                yield current
            current = merged or part
        if current:
            yield current

    def _merge(self, first: DatePart | None, second: DatePart, low: str) -> DatePart | None:
        """Return two parts as one date if there is nothing but glue between them, else None."""
        if first is None:
            return None
        if not self.patterns.glue.fullmatch(low[first.end : second.start]):
            return None
        return first.merged(second)

    def _found(self, low: str, part: DatePart) -> FoundDate | None:
        """Return a date with its prepositions; None for one that is over, or one end of a range.

        Args:
            low: the text, in lower case.
            part: the merged parts of the date.
        """
        patterns = self.patterns
        before = low[max(0, part.start - LEAD_REACH) : part.start]
        after = low[part.end :]
        match = patterns.leads.search(before)
        lead = match[0] if match else ""
        rest = before.removesuffix(lead)
        if self._is_over(rest, after) or self._is_in_range(before, after):
            return None

        trail = patterns.trail.match(after)
        length = trail.end() if trail else 0
        is_deadline = trail is not None or patterns.deadline.search(lead) is not None
        is_before = patterns.before.search(lead) is not None
        return FoundDate(
            moment=self._moment(part, is_before=is_before),
            start=part.start - len(lead),
            end=part.end + length,
            firm=is_deadline or part.moment is not None,
        )

    def _is_over(self, before: str, after: str) -> bool:
        """Whether the text around a date says that it is over: "last Friday", "your mail of Friday"."""
        is_past = self.patterns.past_before.search(before) or self.patterns.past_after.match(after)
        return bool(is_past)

    def _is_in_range(self, before: str, after: str) -> bool:
        """Whether a date is one end of a range such as "Monday to Friday, 9 to 17 h"."""
        patterns = self.patterns
        is_end = patterns.opening_hours.search(before) or patterns.range_start.search(before)
        is_start = patterns.range_end.match(after)
        return bool(is_end or is_start)

    def _moment(self, part: DatePart, *, is_before: bool) -> datetime:
        """Return the moment in UTC that a date means.

        Args:
            part: the merged parts of the date.
            is_before: a preposition says that the day itself is too late.
        """
        if part.moment:
            return part.moment
        day = self._day(part)
        if part.at:
            return self._at(day, part.at)
        if day is None:
            raise AssertionError("unreachable: a part has a day, a time or a moment")
        if part.week:
            return last_of_business(self.calendar, day, self.now)
        if is_before:
            close = self.calendar.end_of_business(day - timedelta(days=1))
            if close > self.now:
                return close
        return close_of_day(self.calendar, day, self.now)

    def _day(self, part: DatePart) -> date | None:
        """Return the day, the next such weekday, or the Sunday of the week; None for a time alone."""
        if part.day:
            return part.day
        if part.week:
            return part.week + timedelta(days=6)
        if part.weekday is None:
            return None
        days = (part.weekday - self.today.weekday() - 1) % 7 + 1
        return self.today + timedelta(days=days)

    def _at(self, day: date | None, at: time) -> datetime:
        """Return the moment of a time of day.

        Args:
            day: if it is today and the time is over, the day's end is meant; None means the next such time.
            at: the time on the company's clock.
        """
        moment = self.calendar.moment(day or self.today, at)
        if moment > self.now:
            return moment
        if day is None:
            return self.calendar.moment(self.today + timedelta(days=1), at)
        if day == self.today:
            return self.calendar.moment(day, END_OF_DAY)
        return moment


def date_reader(language: Language, *, now: datetime, calendar: Calendar) -> DateReader:
    """Return a reader of dates.

    Args:
        language: in which the dates are written.
        now: when they were written.
        calendar: the company's hours and time zone.
    """
    patterns = date_patterns(language)
    today = calendar.local(now).date()
    month_first = calendar.timezone.startswith(patterns.month_first)
    parts = PartReader(patterns, now, today, calendar, month_first=month_first)
    return DateReader(patterns, now, today, calendar, parts)


def read_when(text: str, *, now: datetime, calendar: Calendar, language: Language) -> datetime | None:
    """Return the moment that a written date means, None if there is no date.

    Args:
        text: such as "Friday", "tomorrow noon", "4 Dec", "2026-12-04", "within 3 business days" or "next
            week".
        now: when it was written.
        calendar: the company's hours and time zone.
        language: the agent's; English is understood as well.
    """
    found = _last_deadline(text, now=now, calendar=calendar, language=language)
    return found.moment if found else None


def first_date(text: str, *, now: datetime, calendar: Calendar, language: Language) -> datetime | None:
    """Return the first deadline in a text, else its first date, None without one.

    The arguments are those of `read_when`.
    """
    found = list(date_reader(language, now=now, calendar=calendar).find(text))
    deadlines = [when for when in found if when.firm]
    return (deadlines or found)[0].moment if found else None


def split_when(
    text: str, *, now: datetime, calendar: Calendar, language: Language
) -> tuple[str, datetime | None]:
    """Split a line of a note into what and by when: ("ship the replacement", Friday's close of business).

    Of several dates the last deadline counts ("the order of 3 May by Friday"), else the last date. The
    arguments are those of `read_when`.
    """
    found = _last_deadline(text, now=now, calendar=calendar, language=language)
    if found is None:
        return text.strip(), None
    return _around(text, found), found.moment


def _around(text: str, when: FoundDate) -> str:
    """Return the text without a date; of the words around it only the joint before the date goes.

    Args:
        text: a line of an agent, whose words stay as they were written.
        when: the date.
    """
    left, right = text[: when.start].rstrip(), text[when.end :]
    if not any(map(str.isalnum, right)):
        return left.rstrip(",;:–—-").strip()
    return f"{left}{right}".strip(" ,")


def _last_deadline(text: str, *, now: datetime, calendar: Calendar, language: Language) -> FoundDate | None:
    """Return the last deadline of a line, else its last date.

    It is looked for in the agent's language, then in English, the language of the commands in notes. In any
    other language only a deadline counts ("bis Freitag"): short names of days are words elsewhere.
    """
    catalogue = language.catalogue
    at_home = (language, catalogue.english)
    abroad = [other for other in catalogue.all() if other.info.dates and other not in at_home]
    for tried in (*at_home, *abroad):
        reader = date_reader(tried, now=now, calendar=calendar)
        found = list(reader.find(text))
        deadlines = [when for when in found if when.firm]
        if deadlines or (found and tried in at_home):
            return (deadlines or found)[-1]
    return None


def without_date(text: str, when: FoundDate | None) -> str:
    """Return the text without a date, with the punctuation around it tidied.

    Args:
        text: in which the date was found.
        when: the date.
    """
    if when is None:
        return text.strip(EDGES)
    left = text[: when.start].rstrip()
    right = text[when.end :].lstrip()
    if right.startswith(",") and not left.endswith(","):
        return f"{left}{right}".strip(EDGES)
    return f"{left.rstrip(' ,')} {right.lstrip(' ,')}".strip(EDGES)
