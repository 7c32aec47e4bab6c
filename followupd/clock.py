"""The present time, the one place that reads it, and how times are printed."""

from datetime import UTC, datetime, tzinfo


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


def utc_iso(at: datetime | None) -> str | None:
    """Format a time for JSON: UTC, whole seconds, "Z"; None stays None."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def local_time(at: datetime | None, zone: tzinfo, none: str = "never") -> str:
    """Format a time for people: the company's time zone, to the minute; `none` is what stands for None."""
    if at is None:
        return none
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
