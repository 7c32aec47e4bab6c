"""Looks up a country's holidays in a child process, so that the megabytes of their tables end with it."""

import json
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import date

from followupd import clock
from followupd.domain.calendar import CHECKED_YEAR, LOOKED_UP, holidays_of

#: years before and after this one; a daemon that runs for longer loads the tables itself
_BEFORE, _AFTER = 1, 5


def look_up(code: str) -> None:
    """Look up the holidays of this year and the next ones; nothing comes of a code that is wrong.

    Only a process without other threads may be doubled (POSIX fork): else the tables are loaded when a day is asked for.
    """
    this = clock.now().year
    years = {CHECKED_YEAR, *range(this - _BEFORE, this + _AFTER)}
    if code and (code, this) not in LOOKED_UP and threading.active_count() == 1:
        with suppress(OSError, ValueError):
            LOOKED_UP.update(((code, year), days) for year, days in _in_a_child(code, years).items())


def _in_a_child(code: str, years: Iterable[int]) -> dict[int, frozenset[date]]:
    here, there = os.pipe()
    child = os.fork()
    if not child:
        _tell(there, code, years)
    os.close(there)
    with os.fdopen(here, encoding="ascii") as said:
        told = said.read()
    os.waitpid(child, 0)
    return {int(year): frozenset(map(date.fromisoformat, days)) for year, days in json.loads(told).items()}


def _tell(there: int, code: str, years: Iterable[int]) -> None:
    """Write the days into the pipe and end, without anything that a process does at its end: that is the parent's."""
    try:
        found = {year: sorted(day.isoformat() for day in holidays_of(code, year)) for year in years}
        with os.fdopen(there, "w", encoding="ascii") as said:
            json.dump(found, said)
    finally:
        os._exit(0)
