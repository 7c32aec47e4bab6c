"""The languages whose promises we understand; one file each, English where a language is unknown."""

from datetime import datetime

from followupd.domain.calendar import Calendar
from followupd.text.promises.dates import Reader
from followupd.text.promises.grammar import Grammar

#: where people write 12/4 for the fourth of December
_MONTH_FIRST = ("America/", "US/", "Pacific/Honolulu", "Asia/Manila")


def grammar_of(language: str) -> Grammar:
    """Return the grammar of "de", "de_DE" or "de-AT"; English for a language that we do not know.

    Each is imported when it is first asked for: its patterns take about 0.07 s to compile.
    """
    match language[:2].lower():
        case "de":
            from followupd.text.promises.german import GERMAN

            return GERMAN
        case "es":
            from followupd.text.promises.spanish import SPANISH

            return SPANISH
        case "fr":
            from followupd.text.promises.french import FRENCH

            return FRENCH
        case _:
            from followupd.text.promises.english import ENGLISH

            return ENGLISH


def reader_of(grammar: Grammar, *, now: datetime, calendar: Calendar) -> Reader:
    """Return a reader of dates; an English 12/4 is the fourth of December where the company is in America."""
    american = grammar.language == "en" and calendar.timezone.startswith(_MONTH_FIRST)
    return Reader(grammar.dates, now, calendar, month_first=american)
