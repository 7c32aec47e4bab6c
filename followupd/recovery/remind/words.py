"""How reminders speak of days and times, in sentences for agents."""

from datetime import datetime

from followupd.model.calendar import Calendar


def day(at: datetime, calendar: Calendar) -> str:
    """Return "Friday 4 December" in the company's time zone."""
    local = calendar.local(at)
    return f"{local:%A} {local.day} {local:%B}"


def day_and_time(at: datetime, calendar: Calendar) -> str:
    """Return "Friday 4 December at 13:00"."""
    return f"{day(at, calendar)} at {calendar.local(at):%H:%M}"
