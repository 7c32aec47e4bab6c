"""The appointment attached to a call task, as an iCalendar file (RFC 5545)."""

from datetime import UTC, datetime, timedelta

from followupd.adapters.templates.markdown import harmless
from followupd.domain.letter import Attachment

#: how long the appointment is in the owner's calendar
DURATION = timedelta(minutes=15)

_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


def call_invitation(uid: str, at: datetime, now: datetime, summary: str, story: str) -> Attachment:
    """Return an .ics file with one appointment and a reminder at its start.

    Args:
        uid: the same for the same call, so that a second file replaces the first.
        at: when the call is due.
        now: when the file is written.
        summary: the title of the appointment.
        story: its description.
    """
    rows = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//followupd//call//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(at)}",
        f"DTEND:{_utc(at + DURATION)}",
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
    """Escape a TEXT value (RFC 5545, section 3.3.11)."""
    return harmless(value.replace("\r\n", "\n")).strip().translate(_ESCAPES)


def _folded(row: str) -> str:
    """Fold a line to at most 75 octets, never within a character (RFC 5545, section 3.1)."""
    parts = [""]
    room = 75
    for character in row:
        size = len(character.encode())
        if size > room:
            parts.append("")
            room = 74  # the space at the start of a folded line counts
        parts[-1] += character
        room -= size
    return "\r\n ".join(parts) + "\r\n"
