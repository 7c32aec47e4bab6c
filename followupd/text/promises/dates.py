"""Find the dates that people write in a sentence, and the moment that each of them means to the company.

No date library is used, since those read "$25 by Friday" as the 25th. What a day means:

- a day without a time is the close of business on that day, in the company's time zone; "morning" ends at
  noon, "afternoon" at the close, "evening" at 20:00, "tonight" at 23:59;
- the name of a weekday is the next such day after the one on which it is said, also when said on that
  weekday: who means the same day writes "today" or "this Friday";
- "next Friday" is the Friday of next week in a language with such a word (English), the coming one in
  others;
- "next week" ends with its last working day, "early next week" with Tuesday, "within 3 business days" with
  the close of the third, "3-5 days" with the longer one; hours are counted to the minute;
- "before Friday" ends with the last working day before it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from followupd.domain.calendar import Calendar, Duration
from followupd.languages import Language
from followupd.text.promises.date_words import DateWords, date_words_of
from followupd.text.promises.sentences import LONGEST_SENTENCE, lowered


@dataclass(frozen=True, slots=True)
class Atom:
    """One part of a date: a day, a weekday, a week (its Monday), a time, or a moment of its own."""

    start: int
    end: int
    day: date | None = None
    weekday: int | None = None
    week: date | None = None
    at: time | None = None
    moment: datetime | None = None

    def joined(self, other: "Atom") -> "Atom | None":
        """Return both parts as one date, None when they do not go together."""
        if self.moment or other.moment or (self.at and other.at):
            return None
        parts = [part for part in (self, other) if part.day or part.weekday is not None or part.week]
        both = replace(self, end=other.end, at=self.at or other.at)
        if len(parts) < 2:
            part = parts[0] if parts else self
            return replace(both, day=part.day, weekday=part.weekday, week=part.week)
        named = next((part.weekday for part in parts if part.weekday is not None), None)
        week = next((part.week for part in parts if part.week), None)
        if named is not None and week:
            return replace(both, day=week + timedelta(days=named), weekday=None, week=None)
        explicit = next((part.day for part in parts if part.day and part.weekday is None), None)
        if explicit and explicit.weekday() == named:
            return replace(both, day=explicit, weekday=None, week=None)
        return None


def clock(place: Atom, match: re.Match[str]) -> Atom | None:
    """Read a time of day, with am and pm where a language has them."""
    parts = match.groupdict()
    hour, minute = int(parts.get("h") or parts.get("h2") or 99), int(parts.get("m") or parts.get("m2") or 0)
    am, pm = parts.get("am"), parts.get("pm")
    if (am or pm) and not 1 <= hour <= 12:
        return None
    if am or pm:
        hour = hour % 12 + (12 if pm else 0)
    if hour > 23 or minute > 59:
        return None
    return replace(place, at=time(hour, minute))


def real_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def last_valid(year: int, month: int, day: int) -> date:
    return (
        next(found for found in (real_date(year, month, last) for last in range(day, 27, -1)) if found)
        if day > 28
        else date(year, month, day)
    )


_NOON, _EVENING, _NIGHT = time(12), time(20), time(23, 59)
_LEAD_REACH = 40  # characters before a date in which its prepositions stand


@dataclass(frozen=True, slots=True)
class When:
    """A date in a text with its prepositions; `firm` when one of them makes it a deadline."""

    moment: datetime
    start: int
    end: int
    firm: bool


@dataclass(frozen=True, slots=True)
class DateReader:
    """Reads dates as said at one moment by one company, in one language."""

    words: DateWords
    now: datetime
    calendar: Calendar
    month_first: bool = False

    @property
    def today(self) -> date:
        return self.calendar.local(self.now).date()

    def find(self, text: str) -> Iterator[When]:
        """Give every date in the text that is not said to be over, in the order in which they stand."""
        low = lowered(text[:LONGEST_SENTENCE])
        for atom in self._merged(low, list(self._atoms(low))):
            when = self._when(low, atom)
            if when:
                yield when

    def _when(self, low: str, atom: Atom) -> When | None:
        words = self.words
        reach = low[max(0, atom.start - _LEAD_REACH) : atom.start]
        lead = words.lead.search(reach)
        head = lead[0] if lead else ""
        rest = reach[: len(reach) - len(head)]
        trail = words.trail.match(low[atom.end :])
        if _over(words, rest, low[atom.end :]) or _of_a_range(words, rest + head, low[atom.end :]):
            return None
        moment = self._moment(atom, before=bool(words.before.search(head)))
        firm = bool(trail or words.deadline.search(head) or atom.moment)
        return When(moment, atom.start - len(head), atom.end + (trail.end() if trail else 0), firm)

    def _merged(self, low: str, atoms: list[Atom]) -> Iterator[Atom]:
        while atoms:
            atom = atoms.pop(0)
            while atoms and self.words.glue.fullmatch(low[atom.end : atoms[0].start]):
                both = atom.joined(atoms[0])
                if both is None:
                    break
                atom = both
                atoms.pop(0)
            yield atom

    def _moment(self, atom: Atom, *, before: bool) -> datetime:
        if atom.moment:
            return atom.moment
        day = self._day(atom)
        if atom.at:
            return self._at(day, atom.at)
        if day is None:
            raise AssertionError("unreachable: an atom holds a day, a time or a moment")
        if atom.week and not atom.day:
            return self._last_of(day)
        if before and self.calendar.end_of_business(day - timedelta(days=1)) > self.now:
            return self.calendar.end_of_business(day - timedelta(days=1))
        return self._later(self.calendar.close_of(day), day)

    def _last_of(self, day: date) -> datetime:
        """Return the last close of business up to this day, or the end of the day when that is over."""
        work = self.calendar.end_of_business(day)
        return work if work > self.now else self._later(self.calendar.close_of(day), day)

    def _later(self, close: datetime, day: date) -> datetime:
        """Return the close, or the end of that day when the office had closed before the promise was made."""
        return close if close > self.now else self.calendar.moment(day, _NIGHT)

    def _day(self, atom: Atom) -> date | None:
        if atom.day:
            return atom.day
        if atom.weekday is not None:
            return self.today + timedelta(days=(atom.weekday - self.today.weekday() - 1) % 7 + 1)
        return atom.week + timedelta(days=6) if atom.week else None

    def _at(self, day: date | None, at: time) -> datetime:
        moment = self.calendar.moment(day or self.today, at)
        if day is None and moment <= self.now:
            return self.calendar.moment(self.today + timedelta(days=1), at)
        return moment if moment > self.now or day != self.today else self._later(moment, day)

    def _atoms(self, low: str) -> Iterator[Atom]:
        for match in self.words.atoms.finditer(low):
            atom = self._atom(match, low)
            if atom:
                yield atom

    def _atom(self, match: re.Match[str], low: str) -> Atom | None:
        kind = match.lastgroup or ""  # the outermost group that matched
        place = Atom(match.start(), match.end())
        if kind.startswith("span"):
            return self._span(place, match, kind.removeprefix("span"))
        if kind.startswith("phrase"):
            return self._phrase(place, self.words.meanings[int(kind.removeprefix("phrase"))])
        if kind == "weekday":
            return self._weekday(place, match)
        if kind == "clock":
            return clock(place, match)
        day = self._written(match, kind, low)
        return replace(place, day=day) if day else None

    def _written(self, match: re.Match[str], kind: str, low: str) -> date | None:
        match kind:
            case "iso":
                return real_date(*(int(part) for part in match["iso"].split("-")))
            case "dm":
                return self._in_year(match["year1"], self.words.months[match["month1"]], int(match["day1"]))
            case "md":
                return self._in_year(match["year2"], self.words.months[match["month2"]], int(match["day2"]))
            case "ordinal":
                return self._of_month(int(re.sub(r"\D", "", match["ordinal"])))
            case _:
                return self._numeric(match, low)

    def _numeric(self, match: re.Match[str], low: str) -> date | None:
        """Read 4/12/2026, 04.12.26, 4.12. and, after a preposition only, 4/12: "24/7" is no day."""
        year = match["year"]
        dotted = match["sep"] == "." and match[0].endswith(".")
        if not year and not dotted:
            led = self.words.led.search(low[max(0, match.start() - _LEAD_REACH) : match.start()])
            if not led or match["sep"] == ".":
                return None
        day, month = int(match["a"]), int(match["b"])
        if match["sep"] == "/" and ((self.month_first and month <= 31) or month > 12):
            day, month = (month, day) if day <= 12 else (day, month)
        return self._in_year(("20" + year if year and len(year) == 2 else year), month, day)

    def _in_year(self, year: str | None, month: int, day: int) -> date | None:
        if year:
            return real_date(int(year), month, day)
        found = real_date(self.today.year, month, day)
        return found if found and found >= self.today else real_date(self.today.year + 1, month, day)

    def _of_month(self, day: int) -> date | None:
        found = real_date(self.today.year, self.today.month, day)
        following = (self.today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return found if found and found >= self.today else real_date(following.year, following.month, day)

    def _weekday(self, place: Atom, match: re.Match[str]) -> Atom:
        number = self.words.weekdays[match["name"]]
        monday = self.today - timedelta(days=self.today.weekday())
        if match["next"]:
            return replace(place, day=monday + timedelta(days=7 + number))
        if match["this"] and number == self.today.weekday() and self.calendar.close_of(self.today) > self.now:
            return replace(
                place, day=self.today, weekday=number
            )  # unless a day of its own follows: "le mardi 8"
        return replace(place, weekday=number)

    def _span(self, place: Atom, match: re.Match[str], index: str) -> Atom | None:
        written = match["n" + index]
        number = int(written) if written.isdecimal() else self.words.numbers[written]
        unit = next(unit for word, unit in self.words.units if word.fullmatch(match["unit" + index]))
        if unit == "month":
            month = self.today.month - 1 + number
            return replace(
                place, day=last_valid(self.today.year + month // 12, month % 12 + 1, self.today.day)
            )
        end = self.calendar.after(self.now, Duration(number, unit))
        if unit in {"minute", "hour", "business hour"}:
            return replace(place, moment=end.astimezone(UTC))
        return replace(place, day=self.calendar.local(end).date())

    def _end_of_month(self, later: int) -> datetime:
        month = self.today.month + later
        first_after = date(self.today.year + month // 12, month % 12 + 1, 1)
        return self._last_of(first_after - timedelta(days=1))

    def _phrase(self, place: Atom, code: str) -> Atom:
        name, _, count = code.partition("+")
        monday = self.today - timedelta(days=self.today.weekday()) + timedelta(weeks=int(count or 0))
        times = {
            "noon": _NOON,
            "morning": _NOON,
            "afternoon": self.calendar.close,
            "close": self.calendar.close,
        }
        match name:
            case "day":
                return replace(place, day=self.today + timedelta(days=int(count)))
            case "week":
                return replace(place, week=monday)
            case "early":
                return replace(place, day=monday + timedelta(days=1))
            case "mid":
                return replace(place, day=monday + timedelta(days=2))
            case "weekend":
                return replace(place, moment=self._last_of(monday + timedelta(days=6)))
            case "month":
                return replace(place, moment=self._end_of_month(int(count)))
            case "christmas":
                return replace(place, day=self._in_year(None, 12, 24))
            case "tomorrow-morning":
                return replace(place, day=self.today + timedelta(days=1), at=_NOON)
            case "today-evening" | "today-night" | "today-morning" | "today-noon" | "today-afternoon":
                at = {"evening": _EVENING, "night": _NIGHT, **times}[name.removeprefix("today-")]
                return replace(place, day=self.today, at=at)
            case _:
                return replace(place, at={"evening": _EVENING, "night": _NIGHT, **times}[name])


def reader_of(language: Language, *, now: datetime, calendar: Calendar) -> DateReader:
    """Return a reader of dates; 12/4 is 4 December where the company's zone and the language say so."""
    words = date_words_of(language)
    return DateReader(words, now, calendar, month_first=calendar.timezone.startswith(words.month_first))


def _over(words: DateWords, before: str, after: str) -> bool:
    """Say whether the words beside a date make it one that is over: "last Friday", "your mail of Friday"."""
    return bool(words.past_before.search(before) or words.past_after.match(after))


def _of_a_range(words: DateWords, before: str, after: str) -> bool:
    """Say whether this is one end of a range such as "Monday to Friday, 9 to 17 h", which is no date."""
    return bool(
        words.opening_hours.search(before) or words.range_start.search(before) or words.range_end.match(after)
    )
