"""Days and times as reminders write them, in sentences for agents."""

from datetime import datetime

from followupd.domain.calendar import Calendar
from followupd.domain.translatable import Moment


def day(at: datetime, calendar: Calendar) -> Moment:
    """Return a day in the company's time zone: "Friday 4 December"."""
    local = calendar.local(at)
    return Moment(at, f"{local:%A} {local.day} {local:%B}")


def day_and_time(at: datetime, calendar: Calendar) -> Moment:
    """Return a day and a time in the company's time zone: "Friday 4 December at 13:00"."""
    local = calendar.local(at)
    return Moment(at, f"{day(at, calendar)} at {local:%H:%M}", timed=True)
