"""The parts that a written date is put together from, and the small questions about days that calendars raise."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta


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
    half = (parts.get("half") or "").replace(".", "")
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0) if 1 <= hour <= 12 else 99
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
