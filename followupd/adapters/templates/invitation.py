"""The appointment that goes with a call task, as an iCalendar file (RFC 5545)."""

from datetime import UTC, datetime, timedelta

from followupd.adapters.templates.markdown import harmless
from followupd.domain.letter import Attachment

#: how long the call takes in the owner's calendar
LENGTH = timedelta(minutes=15)

_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


def invite(uid: str, at: datetime, now: datetime, summary: str, story: str) -> Attachment:
    """Return an .ics file with one appointment and a reminder at its start; `uid` stays the same for the same call."""
    rows = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//followupd//call//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(at)}",
        f"DTEND:{_utc(at + LENGTH)}",
        f"SUMMARY:{_text(summary)}",
        f"DESCRIPTION:{_text(story)}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_text(summary)}",
        "TRIGGER:PT0S",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return Attachment("call.ics", "text/calendar", "".join(_folded(row) for row in rows))


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """Escape a TEXT value (RFC 5545, 3.3.11)."""
    return harmless(value.replace("\r\n", "\n")).strip().translate(_ESCAPES)


def _folded(row: str) -> str:
    """Fold a content line so that none is longer than 75 octets (RFC 5545, 3.1), never within a character."""
    parts, room = [""], 75
    for character in row:
        size = len(character.encode())
        if size > room:
            parts.append("")
            room = 74  # the space that begins a folded line counts
        parts[-1] += character
        room -= size
    return "\r\n ".join(parts) + "\r\n"
