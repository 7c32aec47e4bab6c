"""Read the wall clock; everything else is given `now` as a parameter."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)
