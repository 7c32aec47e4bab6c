"""What commands print.

Text that is safe on a terminal, times in UTC or company time, files that an option names.
"""

from datetime import UTC, datetime, tzinfo
from pathlib import Path

from followupd.errors import UnavailableError


def utc_iso(at: datetime | None) -> str | None:
    """Format a time for JSON: UTC, whole seconds, "Z"; None stays None."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def local_time(at: datetime | None, zone: tzinfo) -> str:
    """Format a time for people: the company's time zone, to the minute; "never" for None."""
    if at is None:
        return "never"
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def printable(text: str) -> str:
    """Replace characters that could control the terminal, such as escape sequences."""
    return "".join(character if character.isprintable() else " " for character in text)


def printable_lines(text: str) -> str:
    """Like `printable`, but keep the line breaks."""
    return "\n".join(printable(line) for line in text.splitlines())


def write_file(path: Path, content: bytes) -> None:
    """Write a file that the user named.

    Raises:
        UnavailableError: the file cannot be written; the message names it.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror}") from None
