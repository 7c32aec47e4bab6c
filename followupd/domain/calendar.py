"""Business hours, holidays, quiet hours and durations, in the company's time zone and through daylight saving.

Seconds, minutes and hours are absolute; days, weeks and business units are counted on the wall clock of the company.
A wall time that daylight saving skips becomes the first moment after the gap; one that it repeats is the first of the
two. A closing moment belongs to its day, and is the one moment at which a day's work may be due though nobody is in.
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
from types import ModuleType
from typing import Any, Self
from zoneinfo import ZoneInfo

_COUNTRIES = "holidays.countries"
#: a year in which every country has holidays, to check a code with
_CHECKED_YEAR = 2026


@cache
def holidays_of(code: str, year: int) -> frozenset[date]:
    """Return the holidays of one year.

    Raises:
        ValueError: the holidays package does not know the code.
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
    """Import one country without all others, which `holidays.countries` imports: 10 MB and a tenth of a second.

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


@dataclass(frozen=True, slots=True)
class Duration:
    """`N seconds|minutes|hours|days|weeks`, or `N business hours|days`; `unit` is singular ("business day")."""

    number: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a duration in any case and spacing; raises ValueError with a sentence that says what is allowed."""
        match = _DURATION.fullmatch(text.strip().lower())
        unit = " ".join(part for part in match.groups()[1:] if part) if match else ""
        if not match or unit not in _SECONDS:
            raise ValueError(
                f"{text!r} is not a duration; write a whole number and seconds, minutes, hours, days, weeks, "
                'business hours or business days, such as "2 business days"'
            )
        if int(match[1]) * _SECONDS[unit] > _LONGEST:
            raise ValueError(f"{text!r} is too long; a duration is at most ten years")
        return cls(int(match[1]), unit)

    def __str__(self) -> str:
        return f"{self.number} {self.unit}{'' if self.number == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When the company works and when its letters may leave.

    `days` are weekdays (0 is Monday), `open` and `close` wall times of one day, `holidays` a country or subdivision
    of the holidays package ("GB-ENG", "DE") or "" for none, `quiet` the hours in which no letter leaves (they may span
    midnight). Moments go in aware and come out in UTC.
    """

    timezone: str
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    open: time = time(9)
    close: time = time(17)
    holidays: str = ""
    quiet: tuple[time, time] | None = None

    def __post_init__(self) -> None:
        """Refuse a week without work, on which every search for a working day would run for ever."""
        if not self.days or not self.days <= frozenset(range(7)):
            raise ValueError("a company works on at least one day of the week")
        if not self.open < self.close:
            raise ValueError(
                f"the company opens at {self.open:%H:%M}, which is not before it closes, {self.close:%H:%M}"
            )

    def local(self, at: datetime) -> datetime:
        """Return the moment on the company's wall clock; raises ValueError for a naive one."""
        if at.tzinfo is None:
            raise ValueError(f"{at.isoformat()} has no time zone")
        return at.astimezone(ZoneInfo(self.timezone))

    def moment(self, day: date, at: time) -> datetime:
        """Return the moment in UTC at which the company's wall clock shows this day and time."""
        zone = ZoneInfo(self.timezone)
        wall = datetime.combine(day, at.replace(tzinfo=None, fold=0))
        found = wall.replace(tzinfo=zone).astimezone(UTC)
        if found.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
            return found
        return _end_of_gap(wall.replace(tzinfo=zone))

    def is_working_day(self, day: date) -> bool:
        """Say whether the company works on this date at all: a weekday of its own, and no holiday."""
        return day.weekday() in self.days and day not in holidays_of(self.holidays, day.year)

    def is_open(self, at: datetime) -> bool:
        """Say whether somebody is in: from the opening on, up to and without the closing moment."""
        opening, closing = self._hours(self.local(at).date())
        return self.is_working_day(self.local(at).date()) and opening <= at < closing

    def next_open(self, at: datetime) -> datetime:
        """Return the moment itself when the company is open, else the next opening."""
        for opening, closing in self._working(self.local(at).date(), forward=True):
            if max(opening, at) < closing:  # a day's few hours may all lie in a gap of daylight saving
                return max(opening, at.astimezone(UTC))
        raise AssertionError("unreachable: every week has work")

    def close_of(self, day: date) -> datetime:
        """Return the closing time on this very date, whether or not the company works on it."""
        return self.moment(day, self.close)

    def end_of_business(self, day: date) -> datetime:
        """Return the last moment of work on or before this date: what is due "by Saturday" is done on Friday."""
        return next(closing for _, closing in self._working(day, forward=False))

    def quiet_until(self, at: datetime) -> datetime | None:
        """Return the end of the quiet hours when the moment lies in them, else None."""
        if self.quiet is None:
            return None
        begin, end = self.quiet
        today = self.local(at).date()
        for day in (today - _DAY, today):
            last = self.moment(day if begin < end else day + _DAY, end)
            if self.moment(day, begin) <= at < last:
                return last
        return None

    def after(self, start: datetime, duration: Duration) -> datetime:
        """Return the moment at which a duration from `start` on has passed.

        Business days: a start outside business time first moves to the next opening; then N working days later at the
        same wall time. Business hours: only open time counts, and a full last day ends at its closing moment.
        """
        match duration.unit:
            case "business hour":
                return self._after_open_time(start, timedelta(hours=duration.number))
            case "business day":
                start = start if self._at_work(start) else self.next_open(start)
                return self._working_days_from(start, duration.number, forward=True)
            case unit:
                return self._shifted(start, duration.number, unit)

    def before(self, moment: datetime, duration: Duration) -> datetime:
        """Return the moment from which on a duration ends at `moment`: our own date, earlier than the told one.

        Outside business time a business unit counts back from the last closing moment.
        """
        match duration.unit:
            case "business hour":
                return self._before_open_time(moment, timedelta(hours=duration.number))
            case "business day":
                moment = moment if self._at_work(moment) else self._last_close(moment)
                return self._working_days_from(moment, duration.number, forward=False)
            case unit:
                return self._shifted(moment, -duration.number, unit)

    def _shifted(self, start: datetime, number: int, unit: str) -> datetime:
        if unit in _ABSOLUTE or number == 0:
            return start.astimezone(UTC) + timedelta(seconds=number * _SECONDS[unit])
        wall = self.local(start)
        return self.moment(wall.date() + timedelta(seconds=number * _SECONDS[unit]), wall.time())

    def _hours(self, day: date) -> tuple[datetime, datetime]:
        return self.moment(day, self.open), self.moment(day, self.close)

    def _days(self, day: date, *, forward: bool) -> Iterator[date]:
        """Give the working days from this date on (itself too), forwards or backwards, without end."""
        while True:
            if self.is_working_day(day):
                yield day
            day += _DAY if forward else -_DAY

    def _working(self, day: date, *, forward: bool) -> Iterator[tuple[datetime, datetime]]:
        return (self._hours(found) for found in self._days(day, forward=forward))

    def _at_work(self, at: datetime) -> bool:
        """Say whether the moment lies in a working day's hours, its closing moment included."""
        day = self.local(at).date()
        opening, closing = self._hours(day)
        return self.is_working_day(day) and opening <= at <= closing

    def _last_close(self, at: datetime) -> datetime:
        closings = (closing for _, closing in self._working(self.local(at).date(), forward=False))
        return next(closing for closing in closings if closing <= at)

    def _working_days_from(self, start: datetime, number: int, *, forward: bool) -> datetime:
        if number == 0:
            return start.astimezone(UTC)
        wall = self.local(start)
        days = self._days(wall.date(), forward=forward)
        day = wall.date()
        for _ in range(number + 1):  # the first one is the day of `start` itself
            day = next(days)
        return self.moment(day, wall.time())

    def _after_open_time(self, start: datetime, left: timedelta) -> datetime:
        for opening, closing in self._working(self.local(start).date(), forward=True):
            begin = max(opening, start.astimezone(UTC))
            if begin < closing and begin + left <= closing:
                return begin + left
            left -= max(closing - begin, timedelta())
        raise AssertionError("unreachable: every week has work")

    def _before_open_time(self, moment: datetime, left: timedelta) -> datetime:
        for opening, closing in self._working(self.local(moment).date(), forward=False):
            end = min(closing, moment.astimezone(UTC))
            if opening < end and opening <= end - left:
                return end - left
            left -= max(end - opening, timedelta())
        raise AssertionError("unreachable: every week has work")


def parse_days(text: str) -> frozenset[int]:
    """Read "mon-fri", "mon,wed,fri" or "mon-fri,sat" into weekdays (0 is Monday); raises ValueError."""
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = (name.strip() for name in part.partition("-"))
        begin = _weekday(first)
        end = _weekday(last) if dash else begin
        days.update((begin + n) % 7 for n in range((end - begin) % 7 + 1))
    return frozenset(days)


def parse_time(text: str) -> time:
    """Read a wall time such as "9:00" or "17:30"; raises ValueError."""
    match = _TIME.fullmatch(text.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError(f'{text!r} is not a time of day; write hours and minutes, such as "17:30"')
    return time(int(match[1]), int(match[2]))


def parse_quiet(text: str) -> tuple[time, time] | None:
    """Read quiet hours such as "20:00-08:00", None for ""; raises ValueError."""
    if not text.strip():
        return None
    begin, dash, end = text.partition("-")
    if not dash or parse_time(begin) == parse_time(end):
        raise ValueError(f'{text!r} are no quiet hours; write two times of day, such as "20:00-08:00"')
    return parse_time(begin), parse_time(end)


def holidays_problem(code: str) -> str:
    """Say what is wrong with a code of holidays, "" when the holidays package knows it or it is ""."""
    try:
        holidays_of(code, _CHECKED_YEAR)
    except ValueError as error:
        return str(error)
    return ""


def zone_problem(name: str) -> str:
    """Say what is wrong with the name of a time zone, "" when the IANA database knows it."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a directory, a path that climbs, an unknown key
        return f'{name!r} is not a time zone; write a name of the IANA database, such as "Europe/London"'
    return ""


def _weekday(name: str) -> int:
    found = [n for n, day in enumerate(WEEKDAYS) if len(name) >= 3 and day.startswith(name.lower())]
    if not found:
        raise ValueError(
            f'{name!r} is not a day of the week; write mon, tue, wed, thu, fri, sat or sun, as "mon-fri"'
        )
    return found[0]


def _end_of_gap(wall: datetime) -> datetime:
    """Return the first moment after the gap of daylight saving in which this wall time lies, to the minute."""
    zone = wall.tzinfo
    before = wall.replace(fold=1).astimezone(UTC)  # read with the offset after the gap: a moment before it
    size = wall.astimezone(UTC) - before
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int(size / _MINUTE) + 1
    while high - low > 1:
        middle = (low + high) // 2
        same = (before + middle * _MINUTE).astimezone(zone).utcoffset() == old
        low, high = (middle, high) if same else (low, middle)
    return (before + high * _MINUTE).replace(second=0, microsecond=0)
