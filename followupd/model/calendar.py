"""Business hours, holidays, quiet hours and durations, in the company's time zone and through daylight saving."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Self


@dataclass(frozen=True, slots=True)
class Duration:
    """`N seconds|minutes|hours|days|weeks`, or `N business hours|days`; `unit` is singular ("business day")."""

    number: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Self:
        number, _, unit = text.strip().lower().partition(" ")
        return cls(int(number), unit.strip().removesuffix("s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When the company works and when its letters may leave."""

    timezone: str
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    open: time = time(9)
    close: time = time(17)
    holidays: str = ""
    quiet: tuple[time, time] | None = None

    def after(self, start: datetime, duration: Duration) -> datetime:
        raise NotImplementedError
