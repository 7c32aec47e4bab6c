"""Read the parts of a written date: "Friday", "4 December", "next week", "in 3 days", "noon".

What a part means:

- the name of a weekday is the next such day after the one on which it is written, also when written on that
  weekday: who means the same day writes "today" or "this Friday";
- "next Friday" is the Friday of next week in a language with such a word (English), the coming one in others;
- a day and month without a year is the next one;
- 12/4 is 4 December if the company's time zone and the language say so, else 12 April.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from followupd.domain.calendar import Calendar, Duration, real_date
from followupd.text.promises.patterns import DatePatterns

NOON = time(12)
EVENING = time(20)
END_OF_DAY = time(23, 59)
#: characters before a date in which its prepositions are looked for
LEAD_REACH = 40
#: what people who write "at 3" mean is after noon up to this hour
_LAST_HOUR_MEANT_LATER = 6
#: searches that are remembered
_REMEMBERED = 200
#: the hour of a word that is no number: "between 9 and noon"
_HOUR_OF_NOON = 12
_AFTER_NOON = re.compile(r"\bp\.? ?m\b|\dp\.?m\b")
_BEFORE_NOON = re.compile(r"\ba\.? ?m\b|\da\.?m\b")
#: up to the day after tomorrow, a phrase names a day
_DAYS_WITH_A_NAME = 2
#: the days with which parts of a month end
_PARTS_OF_MONTH = {"week1": 7, "early": 10, "mid": 15}
#: phrases that mean a time up to its end
_ENDING = frozenset({"week", "early", "weekend", "month", "christmas", "year"})
#: units of a duration that ends at a moment; longer ones end on a day
_SHORT_UNITS = frozenset({"minute", "hour", "business hour"})


@dataclass(frozen=True, slots=True)
class DatePart:
    """A part of a date between two positions of a text.

    It is a day, a weekday (Monday is 0), a week (its Monday), a time of day, or a complete moment.

    A day may end a window of days (`first`: "23 to 25 November"). A time of day may begin a window (`since`:
    "between 9 and 11"), and is `vague` if it only has a name ("morning"). A `loose` part is one only beside a day:
    the 3 of "tomorrow at 3", the 14 of "Monday 14". `until` says that the words mean a time that ends then: "next
    week", "within 3 days"; `counted` that time was added to a day: "a week from Friday". A loose time that is
    written as one (`marked`: "by 16:00") needs no day where none is named. `guessed` is what was not written of a
    day and taken as the next one: its "year" or its "month", and `tied` what stands before a time that is apart
    from its day.
    """

    start: int
    end: int
    day: date | None = None
    weekday: int | None = None
    week: date | None = None
    at: time | None = None
    since: time | None = None
    first: date | None = None
    moment: datetime | None = None
    vague: bool = False
    loose: bool = False
    until: bool = False
    counted: bool = False
    marked: bool = False
    guessed: str = ""
    tied: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, because what was written is no date or time, such as 31 February."""
        return not self.has_day and self.at is None and self.moment is None

    @property
    def has_day(self) -> bool:
        """Whether it says on which day, and not only at what time."""
        return (self.day, self.weekday, self.week) != (None, None, None)

    def merged(self, other: "DatePart") -> "DatePart | None":
        """Return this part and the next one as one date; None if they do not belong together.

        A time belongs to any day, and a weekday to a week or to a day that is this weekday.

        Args:
            other: the next part of the text; a complete moment does not merge with anything.
        """
        if self.moment or other.moment or (self.loose and self.day):
            return None
        clock = _one_time(self, other)
        if clock is None:
            return None

        whole = replace(
            self,
            end=other.end,
            at=clock.at,
            since=clock.since,
            vague=clock.vague,
            loose=self.loose and other.loose,
            until=self.until or other.until,
            guessed=self.guessed or other.guessed,
        )
        if not other.has_day:
            return whole.of_no_week()
        if not self.has_day:
            return replace(whole, day=other.day, weekday=other.weekday, week=other.week).of_no_week()

        day = _day_with_weekday(self, other.weekday) or _day_with_weekday(other, self.weekday)
        if day is None:
            return None
        is_one_day = (self.week or other.week) is not None  # "Wednesday of next week"
        return replace(whole, day=day, weekday=None, week=None, until=whole.until and not is_one_day)

    def of_no_week(self) -> "DatePart | None":
        """Return the part, None for a window of hours in a week: "floors 7 to 11 this week"."""
        return None if self.week and self.since and self.weekday is None else self


def _one_time(first: DatePart, second: DatePart) -> DatePart | None:
    """Return the part that says at what time; None if both do, and differently.

    "Tonight at 9" is 21:00: the name of a time of day only says which half of the day is meant.
    """
    if second.at is None:
        return first
    if first.at is None:
        return second
    if first.vague == second.vague:
        return None

    exact, named = (second, first) if first.vague else (first, second)
    if exact.at and named.at and named.at > NOON > exact.at:
        return replace(exact, at=exact.at.replace(hour=exact.at.hour + 12))
    return exact


def _day_with_weekday(part: DatePart, weekday: int | None) -> date | None:
    """Return the day that a part means beside a weekday.

    Args:
        part: a week, or a day that is written by its number: "Friday" does not explain "Friday".
        weekday: Monday is 0.

    Returns:
        The day; None if the part is no week and not this weekday.
    """
    if weekday is None:
        return None
    if part.week:
        return part.week + timedelta(days=weekday)
    if part.day is None or part.weekday is not None:
        return None
    return part.day if part.day.weekday() == weekday else None


@dataclass(frozen=True, slots=True)
class PartReader:
    """Reads parts of dates as a company means them on one day.

    `today` is the company's date at `now`. `month_first` says that 12/4 is 4 December.
    """

    patterns: DatePatterns
    now: datetime
    today: date
    calendar: Calendar
    month_first: bool

    def find(self, low: str) -> Iterator[DatePart]:
        """Yield the parts of dates in a lower-case text, in order."""
        at = 0
        while match := self._match(low, at):
            part = self._part(match, low)
            at = max(part.end, match.start() + 1)
            if not part.is_empty:
                yield part

    def _match(self, low: str, at: int) -> re.Match[str] | None:
        """Return the next part of a date from a position; whatever day it is, a text is searched once."""
        known = self.patterns.known
        if (low, at) not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[low, at] = self.patterns.part.search(low, at)
        return known[low, at]

    def _part(self, match: re.Match[str], low: str) -> DatePart:
        """Return the part that matched; an empty one for what is no date or time."""
        group = match.lastgroup or ""  # the outermost group that matched, such as "dm" or "phrase3"
        kind = group.rstrip("0123456789")
        index = group.removeprefix(kind)
        place = DatePart(match.start(), match.end())
        match kind:
            case "span":
                return self._span(place, match[f"n{index}"], match[f"unit{index}"])
            case "phrase":
                return self._phrase(place, self.patterns.meanings[int(index)])
            case "weekday":
                return self._weekday(place, match)
            case "numeric":
                return replace(place, day=self._numeric(match, low), guessed="" if match["year"] else "year")
            case "clock":
                return replace(place, at=in_office_hours(time_of_day(match), match[0]))
            case "hour":  # the 3 of "at 3" is a time only beside a day; "by 16:00" is one
                is_marked = self.patterns.hour_mark.search(match[0]) is not None
                return replace(place, at=self._hour(match[f"h{index}_"]), loose=True, marked=is_marked)
            case "near":
                return replace(place, at=self._near_hour(match[f"near{index}_"], int(index)), loose=True)
            case "window":
                return self._window(place, match, index)
            case "later" | "weekno" | "inmonth":
                return self._rarer(place, match, kind, index)
            case _:
                day = self._written_day(match, kind)
                place = (
                    self._with_first(place, match, day, low) if kind == "dm" and match["first1"] else place
                )
                return replace(place, day=day, loose=kind == "bareday", guessed=_guessed(match, kind))

    def _window(self, place: DatePart, match: re.Match[str], index: str) -> DatePart:
        """Read "between 9 and 11".

        Args:
            place: where the window was found.
            match: the window.
            index: of the language's form of a window.
        """
        begin, end = match[f"from{index}"], match[f"to{index}"]
        since, at = self._hour(begin, end), self._hour(end)
        if (
            since is None or at is None or since >= at
        ):  # "Monday 16 at 9 h" in languages in which "at" is "to"
            day = self._next_day_of_month(int(begin)) if begin.isdecimal() else None
            return replace(place, end=match.end(f"from{index}"), day=day, loose=True, guessed="month")

        is_loose = not self.patterns.hour_mark.search(match[0])
        return replace(place, since=since, at=at, loose=is_loose)

    def _hour(self, written: str, mark: str = "") -> time | None:
        """Return the time of "9", "9:30 am", "14 h 30" or "nine".

        Args:
            written: the hour.
            mark: the other end of the window, whose "pm" may count for both.
        """
        numbers = [*map(int, re.findall(r"\d+", written)), 0]
        if len(numbers) == 1:
            numbers = [self.patterns.numbers.get(_first_word(written), _HOUR_OF_NOON), 0]
        hour, minute = numbers[:2]

        most = 12 if _AFTER_NOON.search(written) else 0
        if _AFTER_NOON.search(mark) and not _BEFORE_NOON.search(written):
            most = max(most, _first(mark))
        with suppress(ValueError):
            return in_office_hours(time(hour + 12 if hour < most else hour, minute), written)
        return None

    def _near_hour(self, written: str, index: int) -> time | None:
        """Return the time of "half past 8".

        Args:
            written: the hour.
            index: of the language's form, which says how many minutes from the hour.
        """
        hour = self._hour(written)
        by = timedelta(minutes=self.patterns.minutes_from[index])
        return (datetime.combine(self.today, hour) + by).time() if hour else None

    def _rarer(self, place: DatePart, match: re.Match[str], kind: str, index: str) -> DatePart:
        """Read "a week from Friday", "week 50" and "mid December".

        Args:
            place: where it was found.
            match: of the part.
            kind: which of the three it is.
            index: of the language's form of it.
        """
        match kind:
            case "later":
                return replace(place, day=self._weeks_later(match[f"day{index}_"], int(index)), counted=True)
            case "weekno":
                return replace(place, week=self._numbered_week(int(match[f"wk{index}"])), until=True)
            case _:
                return self._in_month(place, match[f"mon{index}"], self.patterns.month_parts[int(index)])

    def _weeks_later(self, word: str, index: int) -> date | None:
        """Return the day some weeks after a weekday, today or tomorrow.

        Args:
            word: the day.
            index: of the language's form, which says how many weeks.
        """
        weekdays = {
            name: (number - self.today.weekday() - 1) % 7 + 1
            for name, number in self.patterns.weekdays.items()
        }
        days = {**self.patterns.near_days, **weekdays}
        return self.today + timedelta(days=days.get(word, 0), weeks=self.patterns.weeks_later[index])

    def _numbered_week(self, number: int) -> date | None:
        """Return the Monday of the next ISO week of this number.

        Args:
            number: 1 to 53; the current week counts as the next one until its Sunday is over.

        Returns:
            None for a number that neither this year nor the next one has.
        """
        for year in (self.today.isocalendar().year, self.today.isocalendar().year + 1):
            try:
                monday = date.fromisocalendar(year, number, 1)
            except ValueError:
                continue
            if monday + timedelta(days=6) >= self.today:
                return monday
        return None

    def _in_month(self, place: DatePart, month: str, part: str) -> DatePart:
        """Read "in January", which ends with its last working day, and parts of a month.

        Args:
            place: where it was found.
            month: its name.
            part: all of the month, or its beginning, middle or end.
        """
        months = (self.patterns.months[month] - self.today.month) % 12
        first = first_of_month(self.today, months)
        if part == "all":
            last_day = first_of_month(first, 1) - timedelta(days=1)
            moment = last_of_business(self.calendar, last_day, self.now)
            return replace(place, moment=moment, until=True)
        return replace(place, day=first.replace(day=_PARTS_OF_MONTH[part]), until=True)

    def _written_day(self, match: re.Match[str], kind: str) -> date | None:
        """Return the day of an ISO date, of a day and the name of a month, or of an ordinal ("the 4th")."""
        months = self.patterns.months
        match kind:
            case "iso":
                year, month, day = match["iso"].split("-")
                return real_date(int(year), int(month), int(day))
            case "dm":
                return self._in_year(match["year1"], months[match["month1"]], self._day_in_month(match))
            case "md":
                return self._in_year(match["year2"], months[match["month2"]], int(match["day2"]))
            case _:
                digits = re.sub(r"\D", "", match[kind])
                return self._next_day_of_month(int(digits)) if digits else None

    def _day_in_month(self, match: re.Match[str]) -> int:
        """Return the day of "4th of December", or of "fourth of December".

        Args:
            match: of the group `dm`.
        """
        return int(match["day1"]) if match["day1"] else self.patterns.spelt_days[match["spelt"]]

    def _with_first(self, place: DatePart, match: re.Match[str], last: date | None, low: str) -> DatePart:
        """Return the place of "23 to 25 November", with the first day if both are the ends of a window.

        Args:
            place: of both days.
            match: of the group `dm`.
            last: the second day.
            low: the text, in which "between" is looked for. "10 and 17 November" are two days, and no window.
        """
        first = real_date(last.year, last.month, int(match["first1"])) if last else None
        joint = low[match.end("first1") : match.start("day1")].strip(" .")
        is_window = self.patterns.joining.fullmatch(joint) is None or self.patterns.window.search(
            low[max(0, place.start - LEAD_REACH) : place.start]
        )
        if last and first and (is_window or last - first == timedelta(days=1)) and first < last:
            return replace(place, first=first)
        return replace(place, start=match.start("day1"))

    def _numeric(self, match: re.Match[str], low: str) -> date | None:
        """Return the day of 4/12/2026, 04.12.26, 4.12. and, after a preposition only, 4/12: "24/7" is no day.

        Args:
            match: of the group `numeric`.
            low: the text, in which the preposition is looked for.
        """
        is_slashed = match["sep"] == "/"
        is_dotted = not is_slashed and match[0].endswith(".")
        if not match["year"] and not is_dotted:
            before = low[max(0, match.start() - LEAD_REACH) : match.start()]
            has_lead = self.patterns.lead.search(before) is not None
            has_lead |= bool(set(before.split()[-1:]) & {*self.patterns.weekdays})
            is_day = len(match["b"]) == 2 and self.patterns.dotted_after.search(before) is not None
            if not (has_lead if is_slashed else is_day):
                return None

        day = int(match["a"])
        month = int(match["b"])
        if is_slashed and day <= 12:
            day, month = self._in_order(day, month)
        return self._in_year(match["year"], month, day)

    def _in_order(self, first: int, second: int) -> tuple[int, int]:
        """Return day and month of 4/12.

        The company's custom says which is which, unless only the first number can be the month.

        Args:
            first: a number that can be a month.
            second: any number.
        """
        if self.month_first or second > 12:
            return second, first
        return first, second

    def _in_year(self, written: str | None, month: int, day: int) -> date | None:
        """Return the day, None if there is no such day.

        Args:
            written: the year in four or two digits ("26" is 2026); without one the next such day is meant.
            month: 1 to 12.
            day: of the month.
        """
        if written:
            century = 2000 if len(written) == 2 else 0
            return real_date(century + int(written), month, day)
        this_year = real_date(self.today.year, month, day)
        next_year = real_date(self.today.year + 1, month, day)
        return self._unless_past(this_year, next_year)

    def _next_day_of_month(self, day: int) -> date | None:
        """Return the next day with this number, in this month or the following one."""
        following = first_of_month(self.today, later=1)
        this_month = real_date(self.today.year, self.today.month, day)
        next_month = real_date(following.year, following.month, day)
        return self._unless_past(this_month, next_month)

    def _unless_past(self, day: date | None, later: date | None) -> date | None:
        """Return the day, or the later one if the day does not exist or is over."""
        if day is None or day < self.today:
            return later
        return day

    def _weekday(self, place: DatePart, match: re.Match[str]) -> DatePart:
        """Read "Friday", "next Friday" and "this Friday".

        "This Friday" on a Friday is today until the office closes.
        """
        number = self.patterns.weekdays[match["name"]]
        if match["next"]:
            return replace(place, day=self._monday(weeks=1) + timedelta(days=number))

        is_today = number == self.today.weekday()
        if match["this"] and is_today and self.calendar.close_of(self.today) > self.now:
            # with the weekday, so that a day of the month may follow: "le mardi 8"
            return replace(place, day=self.today, weekday=number)
        return replace(place, weekday=number)

    def _span(self, place: DatePart, number: str, unit_word: str) -> DatePart:
        """Read "within 3 business days".

        Args:
            place: where the duration was found.
            number: in digits, or a word of the language.
            unit_word: the unit as the language writes it.

        Returns:
            A moment for minutes and hours, a day for longer units.
        """
        count = int(number) if number.isdecimal() else self.patterns.numbers[number]
        unit = self._unit(unit_word)
        if unit == "month":
            return replace(place, day=months_later(self.today, count), until=True, counted=True)

        end = self.calendar.after(self.now, Duration(count, unit))
        if unit in _SHORT_UNITS:
            return replace(place, moment=end.astimezone(UTC), until=True, counted=True)
        return replace(place, day=self.calendar.local(end).date(), until=True, counted=True)

    def _unit(self, written: str) -> str:
        """Return the unit of `Duration` for a word of the language."""
        return next(unit for pattern, unit in self.patterns.units if pattern.fullmatch(written))

    def _phrase(self, place: DatePart, meaning: str) -> DatePart:
        """Return the part for a phrase of the language.

        Args:
            place: where the phrase was found.
            meaning: one of `languages.schema.Meaning`, such as "day+1", "early+1", "noon" or "today-evening".
        """
        name, _, count = meaning.partition("+")
        later = int(count or 0)
        if name == "day":
            return replace(place, day=self.today + timedelta(days=later), until=later > _DAYS_WITH_A_NAME)

        place = replace(place, until=name in _ENDING)
        monday = self._monday(later)
        match name:
            case "week":
                return replace(place, week=monday)
            case "early":
                return replace(place, day=monday + timedelta(days=1))
            case "mid":
                return replace(place, day=monday + timedelta(days=2))
            case "weekend":
                sunday = monday + timedelta(days=6)
                return replace(place, moment=last_of_business(self.calendar, sunday, self.now))
            case "month":
                last_day = first_of_month(self.today, later + 1) - timedelta(days=1)
                return replace(place, moment=last_of_business(self.calendar, last_day, self.now))
            case "sunday":
                return replace(place, day=monday + timedelta(days=6))
            case "christmas":
                return replace(place, day=self._in_year(None, month=12, day=24))
            case "year":
                return replace(place, day=self._in_year(None, month=12, day=31))
            case _:
                return self._named_time(place, name)

    def _named_time(self, place: DatePart, name: str) -> DatePart:
        """Return the part for a named time of day ("noon"), with or without a day ("tomorrow-morning")."""
        day_name, _, time_name = name.rpartition("-")
        days = {"today": self.today, "tomorrow": self.today + timedelta(days=1)}
        times = {
            "morning": NOON,
            "noon": NOON,
            "afternoon": self.calendar.close,
            "close": self.calendar.close,
            "evening": EVENING,
            "night": END_OF_DAY,
        }
        return replace(place, day=days.get(day_name), at=times[time_name], vague=True)

    def _monday(self, weeks: int = 0) -> date:
        """Return the Monday of this week, or of one so many weeks later."""
        return self.today - timedelta(days=self.today.weekday()) + timedelta(weeks=weeks)


def in_office_hours(at: time | None, written: str) -> time | None:
    """Return a time from 1 to 6 as one after noon, unless its half of the day is written: "at 3", "3:15".

    Args:
        at: the time as it was read; None for no time, which is returned as it is.
        written: its words in lower case. "am" or a leading zero ("03:15") tell that the morning is meant.
    """
    if at is None or not 1 <= at.hour <= _LAST_HOUR_MEANT_LATER:
        return at
    if _BEFORE_NOON.search(written) or written.lstrip().startswith("0"):
        return at
    return at.replace(hour=at.hour + 12)


def _guessed(match: re.Match[str], kind: str) -> str:
    """Return what is not written of a day: "month" of "the 4th", "year" of "4 December", "" of "2026-12-04".

    Args:
        match: of the day.
        kind: the group that matched.
    """
    year = {"iso": "iso", "dm": "year1", "md": "year2"}.get(kind)
    if year is None:
        return "month"
    return "" if match[year] else "year"


def _first(text: str) -> int:
    """Return the first number in a text, 0 where there is none."""
    return int([*re.findall(r"\d+", text), "0"][0])


def _first_word(text: str) -> str:
    """Return the word that a text begins with, "" where it begins with none."""
    return "".join(re.findall(r"^[^\W\d]+", text))


def time_of_day(match: re.Match[str]) -> time | None:
    """Return the time that a language's pattern `clock` matched, None for one that no clock shows ("99:99").

    Args:
        match: with the groups h and m, or h2 and m2 in an alternative, and am or pm on a clock of twelve
            hours. "12 am" is midnight, and an hour without minutes is the full one.
    """
    groups = match.groupdict()
    hour = _number(groups, ("h", "h2"), missing=99)
    minute = _number(groups, ("m", "m2"), missing=0)
    if groups.get("am") or groups.get("pm"):
        if not 1 <= hour <= 12:
            return None
        hour %= 12
    if groups.get("pm"):
        hour += 12

    try:
        return time(hour, minute)
    except ValueError:
        return None


def _number(groups: Mapping[str, str | None], names: Sequence[str], *, missing: int) -> int:
    """Return the number in the first of these groups that matched.

    Args:
        groups: of a match.
        names: of the alternative groups.
        missing: what to return if none of them matched.
    """
    return int(next(filter(None, map(groups.get, names)), missing))


def first_of_month(day: date, later: int) -> date:
    """Return the first day of the month that begins so many months after the month of this day.

    Args:
        day: any day of the month from which is counted.
        later: 0 for its own month; a following year is reached by itself.
    """
    years, month = divmod(day.month - 1 + later, 12)
    return date(day.year + years, month + 1, 1)


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later, or the last day of that month if it is too short."""
    first = first_of_month(day, months)
    last = first_of_month(first, 1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def last_of_business(calendar: Calendar, day: date, now: datetime) -> datetime:
    """Return the last close of business on or before a day, or the end of that day if the close is over.

    Args:
        calendar: the company's.
        day: such as the Sunday of a week.
        now: when the date was written.
    """
    close = calendar.end_of_business(day)
    if close > now:
        return close
    return close_of_day(calendar, day, now)


def close_of_day(calendar: Calendar, day: date, now: datetime) -> datetime:
    """Return the closing time of a day, or the end of the day if the office has closed already.

    Args:
        calendar: the company's.
        day: whether or not the company works on it.
        now: when the date was written.
    """
    close = calendar.close_of(day)
    if close > now:
        return close
    return calendar.moment(day, END_OF_DAY)
