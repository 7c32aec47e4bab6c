"""The languages whose promises we understand; one file each, English where a language is unknown."""

from datetime import datetime

from followupd.model.calendar import Calendar
from followupd.recovery.promise.dates import Reader
from followupd.recovery.promise.english import ENGLISH
from followupd.recovery.promise.french import FRENCH
from followupd.recovery.promise.german import GERMAN
from followupd.recovery.promise.grammar import Grammar
from followupd.recovery.promise.spanish import SPANISH

GRAMMARS = {grammar.language: grammar for grammar in (ENGLISH, GERMAN, FRENCH, SPANISH)}
#: where people write 12/4 for the fourth of December
_MONTH_FIRST = ("America/", "US/", "Pacific/Honolulu", "Asia/Manila")


def grammar_of(language: str) -> Grammar:
    """Return the grammar of "de", "de_DE" or "de-AT"; English for a language that we do not know."""
    return GRAMMARS.get(language[:2].lower(), ENGLISH)


def reader_of(grammar: Grammar, *, now: datetime, calendar: Calendar) -> Reader:
    """Return a reader of dates; an English 12/4 is the fourth of December where the company is in America."""
    american = grammar.language == "en" and calendar.timezone.startswith(_MONTH_FIRST)
    return Reader(grammar.dates, now, calendar, month_first=american)
