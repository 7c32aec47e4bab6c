"""Business hours, holidays, quiet hours and durations in the company's time zone.

Seconds, minutes and hours are absolute; days, weeks and business units are counted on the wall clock of the
company. A wall time that daylight saving skips becomes the first time after the gap; one that it repeats is
the first of the two. A closing time belongs to its day: work of the day may be due then, although the office
is no longer open.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from types import ModuleType
from typing import Any, Self
from zoneinfo import ZoneInfo

from followupd.domain.translatable import Moment

_COUNTRIES = "holidays.countries"
#: a year in which every country has holidays, to check a code with
_CHECKED_YEAR = 2026


@cache
def holidays_of(code: str, year: int) -> frozenset[date]:
    """Return the holidays of one year.

    The code is a country of the holidays package ("GB", "de"), or a country and a part of it ("GB-ENG"), in
    any case; "" for a company without holidays.

    Raises:
        ValueError: the holidays package does not know the country or the part; the message is for the
            administrator.
    """
    if not code:
        return frozenset()

    country, _, part = code.upper().partition("-")
    table = _country_class(country)
    known_parts = {known.upper(): known for known in table.subdivisions} if table else {}
    subdivision = known_parts.get(part, part) or None  # "Zone A" is known in this case only
    try:
        found = table(subdiv=subdivision, years=year, expand=False) if table else None
    except NotImplementedError:
        found = None

    if found is None:
        raise ValueError(
            f"{code!r} is not a country or part of one that we know holidays of; "
            'write a code such as "GB-ENG", "DE", "US-CA", or "" for none'
        )
    return frozenset(found)


def _country_class(country: str) -> Any:
    """Return the class of a country in the holidays package, None if it has none.

    The package is imported when it is first needed, so that commands without a calendar start fast.
    """
    from holidays.registry import COUNTRIES

    for module, (name, *codes) in COUNTRIES.items():
        if country in codes:
            with _without_other_countries():
                return getattr(import_module(f"{_COUNTRIES}.{module}"), name)
    return None


@contextmanager
def _without_other_countries() -> Iterator[None]:
    """Import one country without all others, which `holidays.countries` imports.

    All of them would cost 10 MB and a tenth of a second.

    An empty package with the same path takes its place while the country is imported.
    """
    spec = None if _COUNTRIES in sys.modules else find_spec(_COUNTRIES)
    if spec is None or spec.submodule_search_locations is None:
        yield  # all are imported already, or the package has changed: import it in the usual way
        return

    empty = ModuleType(_COUNTRIES)
    empty.__path__ = list(spec.submodule_search_locations)
    sys.modules[_COUNTRIES] = empty
    try:
        yield
    finally:
        if sys.modules.get(_COUNTRIES) is empty:
            del sys.modules[_COUNTRIES]


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_ABSOLUTE = {"second": 1, "minute": 60, "hour": 3600}
_SECONDS = {**_ABSOLUTE, "day": 86400, "week": 604800, "business hour": 3600, "business day": 86400}
_DURATION = re.compile(r"(\d{1,9})\s*(?:(business)\s*)?([a-z]{3,8}?)s?", re.ASCII)
_LONGEST = 10 * 366 * 86400
_TIME = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


#: a written day beyond these is a slip of the pen, or means "never"; from these one can still count on
_FIRST_DAY, _LAST_DAY = date(1, 2, 1), date(9999, 11, 30)
#: in which mails can be written; some programs write the first or the last year that there is
MAIL_YEARS = range(1900, 9000)


def is_never(day: str) -> bool:
    """Return whether a written day ("2027-12-31") is "" or in the year 9999, by which many programs mean "never"."""
    return not day or day.startswith("9999-")


def real_date(year: int, month: int, day: int) -> date | None:
    """Return the day that somebody wrote, None if the calendar has no such day.

    People write 31 November, and what looks like a date may be a number of another kind. A day of the calendar's
    first or last month counts as the nearest one outside of it, so that the days around it can be reckoned.
    """
    try:
        return max(_FIRST_DAY, min(_LAST_DAY, date(year, month, day)))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Duration:
    """`N seconds|minutes|hours|days|weeks`, or `N business hours|days`.

    `unit` is singular ("business day").
    """

    number: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a duration in any case and spacing.

        Args:
            text: a whole number and a unit, with or without a plural "s": "2 business days", "90minutes".

        Raises:
            ValueError: the text is not a duration, or it is longer than ten years; the message is for the
                administrator.
        """
        match = _DURATION.fullmatch(text.strip().lower())
        number, business, name = match.groups() if match else ("0", None, "")
        unit = f"{business} {name}" if business else name

        if unit not in _SECONDS:
            raise ValueError(
                f"{text!r} is not a duration; write a whole number and seconds, minutes, hours, days, weeks, "
                'business hours or business days, such as "2 business days"'
            )
        if int(number) * _SECONDS[unit] > _LONGEST:
            raise ValueError(f"{text!r} is too long; a duration is at most ten years")

        return cls(int(number), unit)

    def __str__(self) -> str:
        """Return the duration as `parse` reads it: "1 day", "2 business hours"."""
        plural = "" if self.number == 1 else "s"
        return f"{self.number} {self.unit}{plural}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When the company works, and when its letters may be sent.

    `days` are weekdays (0 is Monday), `open` and `close` wall times of one day, `holidays` a country or
    subdivision of the holidays package ("GB-ENG", "DE") or "" for none, `quiet` the hours in which no letter
    is sent (they may span midnight). Times that are passed in are aware; times that are returned are in UTC.
    """

    timezone: str
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    open: time = time(9)
    close: time = time(17)
    holidays: str = ""
    quiet: tuple[time, time] | None = None

    def __post_init__(self) -> None:
        """Check that there is work in every week; otherwise a search for a working day would not end.

        Raises:
            ValueError: there is no working day, or the company closes before it opens.
        """
        every_day = frozenset(range(7))
        if not self.days or not self.days <= every_day:
            raise ValueError("a company works on at least one day of the week")

        if not self.open < self.close:
            hours = f"opens at {self.open:%H:%M}, which is not before it closes, {self.close:%H:%M}"
            raise ValueError(f"the company {hours}")

    def local(self, at: datetime) -> datetime:
        """Return a time on the company's wall clock.

        Raises:
            ValueError: the time has no time zone.
        """
        if at.tzinfo is None:
            raise ValueError(f"{at.isoformat()} has no time zone")

        return at.astimezone(ZoneInfo(self.timezone))

    def moment(self, day: date, at: time) -> datetime:
        """Return the time in UTC at which the company's wall clock shows this day and time.

        Args:
            day: a date in the company's time zone.
            at: a wall time on it; a zone and a fold that it has are ignored.

        Returns:
            For a wall time that daylight saving skips, the first minute after the gap; for one that it
            repeats, the first of the two.
        """
        zone = ZoneInfo(self.timezone)
        wall = datetime.combine(day, at.replace(tzinfo=None, fold=0))
        found = wall.replace(tzinfo=zone).astimezone(UTC)

        shown = found.astimezone(zone).replace(tzinfo=None, fold=0)
        if shown != wall:
            return _end_of_gap(wall.replace(tzinfo=zone))
        return found

    def is_working_day(self, day: date) -> bool:
        """Return whether the company works on this date: one of its weekdays, and no holiday."""
        if day.weekday() not in self.days:
            return False

        return day not in holidays_of(self.holidays, day.year)

    def is_open(self, at: datetime) -> bool:
        """Return whether the office is open: from the opening time to before the closing time."""
        day = self.local(at).date()
        opening, closing = self._hours(day)

        return self.is_working_day(day) and opening <= at < closing

    def next_open(self, at: datetime) -> datetime:
        """Return the time itself when the office is open, else the next opening time.

        Returns:
            A time in UTC. The closing time itself is outside office hours, so it gives the next working
            day's opening.
        """
        now = at.astimezone(UTC)
        hours = self._working_hours(self.local(at).date(), forward=True)
        # a day's few hours may all lie in a gap of daylight saving
        return next(max(opening, now) for opening, closing in hours if max(opening, now) < closing)

    def close_of(self, day: date) -> datetime:
        """Return the closing time on this date, whether or not the company works on it."""
        return self.moment(day, self.close)

    def end_of_business(self, day: date) -> datetime:
        """Return the last closing time on or before this date.

        What is promised "by Saturday" is done on Friday.
        """
        hours = self._working_hours(day, forward=False)
        _, closing = next(hours)
        return closing

    def quiet_until(self, at: datetime) -> datetime | None:
        """Return the end of the quiet hours when the time is in them, else None.

        The first minute of the quiet hours is in them, and their end is not.
        """
        if self.quiet is None:
            return None

        begin, end = self.quiet
        today = self.local(at).date()
        for first_day in (today - _DAY, today):
            last_day = first_day if begin < end else first_day + _DAY
            quiet_end = self.moment(last_day, end)
            if self.moment(first_day, begin) <= at < quiet_end:
                return quiet_end
        return None

    def after(self, start: datetime, duration: Duration) -> datetime:
        """Return the time at which a duration that begins at `start` has passed.

        Business days: a start outside business time first moves to the next opening time; then N working days
        later at the same wall time. Business hours: only open time counts, and a full last day ends at its
        closing time.
        """
        match duration.unit:
            case "business hour":
                return self._after_open_time(start, timedelta(hours=duration.number))
            case "business day":
                if not self._in_business_time(start):
                    start = self.next_open(start)
                return self._working_days_from(start, duration.number, forward=True)
            case unit:
                return self._shifted(start, duration.number, unit)

    def before(self, moment: datetime, duration: Duration) -> datetime:
        """Return the time at which a duration that ends at `moment` begins.

        So a promise gets an internal deadline that is earlier than the promised date.

        Outside business time, a business unit counts back from the last closing time.
        """
        match duration.unit:
            case "business hour":
                return self._before_open_time(moment, timedelta(hours=duration.number))
            case "business day":
                if not self._in_business_time(moment):
                    moment = self._last_close(moment)
                return self._working_days_from(moment, duration.number, forward=False)
            case unit:
                return self._shifted(moment, -duration.number, unit)

    def business_days(self, start: datetime, end: datetime) -> float:
        """Return how much open time lies between two times, in days of business; 0.0 where `end` is not later."""
        if end <= start:
            return 0.0
        last, open_time = self.local(end).date(), timedelta()
        for opening, closing in self._working_hours(self.local(start).date(), forward=True):
            if self.local(opening).date() > last:
                break
            open_time += max(min(closing, end) - max(opening, start), timedelta())

        whole_day = datetime.combine(date.min, self.close) - datetime.combine(date.min, self.open)
        return open_time / whole_day

    def _shifted(self, start: datetime, number: int, unit: str) -> datetime:
        """Return the time so many units later, or earlier for a negative number.

        Hours are absolute; days and weeks lead to the same wall time.
        """
        shift = timedelta(seconds=number * _SECONDS[unit])
        if unit in _ABSOLUTE or number == 0:
            return start.astimezone(UTC) + shift

        wall = self.local(start)
        return self.moment(wall.date() + shift, wall.time())

    def _hours(self, day: date) -> tuple[datetime, datetime]:
        """Return the opening and the closing time of a day, whether or not the company works on it."""
        opening = self.moment(day, self.open)
        closing = self.moment(day, self.close)
        return opening, closing

    def _working_days(self, day: date, *, forward: bool) -> Iterator[date]:
        """Give the working days from this date on, itself included, forwards or backwards, without end.

        Args:
            day: in the company's time zone.
            forward: towards later days.
        """
        step = _DAY if forward else -_DAY

        while True:
            if self.is_working_day(day):
                yield day
            day += step

    def _working_hours(self, day: date, *, forward: bool) -> Iterator[tuple[datetime, datetime]]:
        """Give the opening and closing times of the working days from this date on, without end."""
        days = self._working_days(day, forward=forward)
        return map(self._hours, days)

    def _in_business_time(self, at: datetime) -> bool:
        """Return whether a time is in the hours of a working day, its closing time included."""
        day = self.local(at).date()
        opening, closing = self._hours(day)

        return self.is_working_day(day) and opening <= at <= closing

    def _last_close(self, at: datetime) -> datetime:
        """Return the last closing time that is not after a time."""
        hours = self._working_hours(self.local(at).date(), forward=False)
        return next(closing for _, closing in hours if closing <= at)

    def _working_days_from(self, start: datetime, number: int, *, forward: bool) -> datetime:
        """Return the same wall time so many working days later or earlier; `start` is on a working day."""
        if number == 0:
            return start.astimezone(UTC)

        wall = self.local(start)
        days = self._working_days(wall.date(), forward=forward)
        day = next(islice(days, number, None))  # the first one is the day of `start`
        return self.moment(day, wall.time())

    def _after_open_time(self, start: datetime, left: timedelta) -> datetime:
        """Return when so much open time has passed since `start`."""
        today = self.local(start).date()
        at = start.astimezone(UTC)

        for opening, closing in self._working_hours(today, forward=True):
            begin = max(opening, at)
            if begin < closing and begin + left <= closing:
                return begin + left
            left -= max(closing - begin, timedelta())
        raise AssertionError("unreachable: every week has work")

    def _before_open_time(self, moment: datetime, left: timedelta) -> datetime:
        """Return the time from which so much open time passes until `moment`."""
        today = self.local(moment).date()
        at = moment.astimezone(UTC)

        for opening, closing in self._working_hours(today, forward=False):
            end = min(closing, at)
            if opening < end and opening <= end - left:
                return end - left
            left -= max(end - opening, timedelta())
        raise AssertionError("unreachable: every week has work")


def has_come(at: datetime | None, now: datetime) -> bool:
    """Return whether a time has come.

    None is a time that never comes, as `next_due` of a policy returns it.
    """
    if at is None:
        return False

    return at <= now


def parse_days(text: str) -> frozenset[int]:
    """Read "mon-fri", "mon,wed,fri" or "mon-fri,sat" into weekdays (0 is Monday).

    Args:
        text: English names of weekdays, of which three letters are enough; a range may span the weekend
            ("sat-mon").

    Raises:
        ValueError: a name is not that of a weekday.
    """
    days: set[int] = set()

    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin = _weekday(first.strip())
        end = _weekday(last.strip()) if dash else begin
        length = (end - begin) % 7 + 1
        days |= {(begin + n) % 7 for n in range(length)}
    return frozenset(days)


def parse_time(text: str) -> time:
    """Read a wall time such as "9:00" or "17:30".

    Returns:
        A time without a zone, from 0:00 to 23:59.

    Raises:
        ValueError: the text is not a time of day.
    """
    match = _TIME.fullmatch(text.strip())
    hour, minute = (int(match[1]), int(match[2])) if match else (24, 0)

    if hour > 23 or minute > 59:
        raise ValueError(f'{text!r} is not a time of day; write hours and minutes, such as "17:30"')
    return time(hour, minute)


def parse_quiet(text: str) -> tuple[time, time] | None:
    """Read quiet hours such as "20:00-08:00", None for "".

    Returns:
        When they begin and when they end, as wall times of the company. An end before the begin is on the
        next day.

    Raises:
        ValueError: the text does not consist of two different times of day.
    """
    if not text.strip():
        return None

    begin, dash, end = text.partition("-")
    if not dash or parse_time(begin) == parse_time(end):
        raise ValueError(f'{text!r} are no quiet hours; write two times of day, such as "20:00-08:00"')
    return parse_time(begin), parse_time(end)


def holidays_problem(code: str) -> str:
    """Return what is wrong with a code of holidays, "" when it is "" or the holidays package knows it."""
    try:
        holidays_of(code, _CHECKED_YEAR)
    except ValueError as error:
        return str(error)
    return ""


def zone_problem(name: str) -> str:
    """Return what is wrong with the name of a time zone, "" when the IANA database has it.

    `ZoneInfo` raises OSError for a directory, ValueError for a path outside the database, and LookupError
    otherwise.
    """
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return f'{name!r} is not a time zone; write a name of the IANA database, such as "Europe/London"'
    return ""


def _weekday(name: str) -> int:
    """Return the number of a weekday, 0 for Monday, by at least three letters of its English name."""
    if len(name) >= 3:
        for number, day in enumerate(WEEKDAYS):
            if day.startswith(name.lower()):
                return number

    known = 'mon, tue, wed, thu, fri, sat or sun, as "mon-fri"'
    raise ValueError(f"{name!r} is not a day of the week; write {known}")


def _end_of_gap(wall: datetime) -> datetime:
    """Return the first time after the gap of daylight saving in which this wall time lies, to the minute.

    With `fold=1` a wall time in a gap is read with the offset after it, which is a time before the gap. From
    there the minute in which the offset changes is found by bisection.
    """
    zone = wall.tzinfo
    before = wall.replace(fold=1).astimezone(UTC)
    gap = wall.astimezone(UTC) - before
    old_offset = before.astimezone(zone).utcoffset()

    low, high = 0, int(gap / _MINUTE) + 1
    while high - low > 1:
        middle = (low + high) // 2
        offset = (before + middle * _MINUTE).astimezone(zone).utcoffset()
        if offset == old_offset:
            low = middle
        else:
            high = middle
    return (before + high * _MINUTE).replace(second=0, microsecond=0)


def day(at: datetime, calendar: Calendar) -> Moment:
    """Return a day in the company's time zone: "Friday 4 December".

    Args:
        at: aware, in any zone.
        calendar: of which only the time zone counts.

    Returns:
        The English text, which a language may write in another way: it carries the time.
    """
    local = calendar.local(at)
    return Moment(at, f"{local:%A} {local.day} {local:%B}")


def day_and_time(at: datetime, calendar: Calendar) -> Moment:
    """Return a day and a time in the company's time zone: "Friday 4 December at 13:00"."""
    local = calendar.local(at)
    return Moment(at, f"{day(at, calendar)} at {local:%H:%M}", timed=True)
