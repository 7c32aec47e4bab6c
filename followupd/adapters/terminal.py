"""Text and files for people: what may be printed to a terminal, a moment in UTC, a file that somebody asked for."""

from datetime import UTC, datetime
from pathlib import Path

from followupd.errors import UnavailableError


def moment(at: datetime | None) -> str | None:
    """Write a moment as JSON has it: UTC, seconds, "Z"."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def safe(text: str) -> str:
    """Return text that cannot move the terminal's cursor or colour it, whatever a customer wrote."""
    return "".join(each if each.isprintable() else " " for each in text)


def safe_lines(text: str) -> str:
    """Return text of several lines that can do no more than be read."""
    return "\n".join(safe(line) for line in text.splitlines())


def write(path: Path, content: bytes) -> None:
    """Write a file that somebody asked for; raises OutageError, with its name, when it cannot be written."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror}") from None
