"""How reminders speak of days and times, in sentences for agents."""

from datetime import datetime

from followupd.domain.calendar import Calendar
from followupd.domain.translatable import Moment


def day(at: datetime, calendar: Calendar) -> Moment:
    """Return "Friday 4 December" in the company's time zone."""
    local = calendar.local(at)
    return Moment(at, f"{local:%A} {local.day} {local:%B}")


def day_and_time(at: datetime, calendar: Calendar) -> Moment:
    """Return "Friday 4 December at 13:00"."""
    return Moment(at, f"{day(at, calendar)} at {calendar.local(at):%H:%M}", timed=True)
