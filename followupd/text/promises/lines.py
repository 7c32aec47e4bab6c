"""Read the dates in agents' note lines: `promise: ship it by Friday`, `late: 1 until 4 Dec because ...`."""

from datetime import datetime

from followupd.domain.calendar import Calendar
from followupd.languages import Language
from followupd.text.promises.dates import When, reader_of
from followupd.text.promises.wording import without


def read_when(text: str, *, now: datetime, calendar: Calendar, language: Language) -> datetime | None:
    """Return the moment that a written date means, None when there is none.

    Understood are "Friday", "tomorrow noon", "4 Dec", "2026-12-04", "within 3 business days" and "next
    week". A day without a time is the close of business on that day in the company's time zone; `dates` says
    the rest.
    """
    found = _find(text, now=now, calendar=calendar, language=language)
    return found.moment if found else None


def split_when(
    text: str, *, now: datetime, calendar: Calendar, language: Language
) -> tuple[str, datetime | None]:
    """Split a line into what and by when: ("ship the replacement", Friday's close of business).

    Of several dates the last deadline counts ("the order of 3 May by Friday"), else the last date.
    """
    found = _find(text, now=now, calendar=calendar, language=language)
    return (without(text, found), found.moment) if found else (text.strip(), None)


def _find(text: str, *, now: datetime, calendar: Calendar, language: Language) -> When | None:
    """Find the date in the agent's language, else in English, the language of the note lines themselves."""
    for spoken in dict.fromkeys((language, language.catalogue.english)):
        found = list(reader_of(spoken, now=now, calendar=calendar).find(text))
        if found:
            return next((when for when in reversed(found) if when.firm), found[-1])
    return None
