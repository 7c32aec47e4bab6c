"""The public holidays of one country or part of one, without loading those of every other."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_ALL = "holidays.countries"
#: any year that every table knows shows whether a code is right
CHECKED_YEAR = 2026
#: days by code and year that another process has looked up for us; only what is not here loads the package
LOOKED_UP: dict[tuple[str, int], frozenset[date]] = {}


@cache
def holidays_of(code: str, year: int) -> frozenset[date]:
    """Return the holidays of one year; raises ValueError for a code that the holidays package does not know."""
    if not code:
        return frozenset()
    if (code, year) in LOOKED_UP:
        return LOOKED_UP[code, year]
    country, _, part = code.upper().partition("-")
    table = _table_of(country)
    parts = table.subdivisions if table else ()
    part = next((known for known in parts if known.upper() == part), part)  # "Zone A" is known in this case only
    try:
        found = table(subdiv=part or None, years=year, expand=False) if table else None
    except NotImplementedError:
        found = None
    if found is None:
        raise ValueError(
            f'{code!r} is not a country or part of one that we know holidays of; write a code such as "GB-ENG", "DE", '
            '"US-CA", or "" for none'
        )
    return frozenset(found)


def _table_of(country: str) -> Any:
    """Return the package's class for a country, None when it has none. Loads nothing until then: commands are quick."""
    from holidays.registry import COUNTRIES

    for module, (name, *codes) in COUNTRIES.items():
        if country in codes:
            with _one_at_a_time():
                return getattr(import_module(f"{_ALL}.{module}"), name)
    return None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep the package of all countries from loading them all, which costs a tenth of a second and ten megabytes.

    An empty package with its path stands in for it while one country is loaded; then Python may find the true one again.
    """
    spec = None if _ALL in sys.modules else find_spec(_ALL)
    if spec is None or spec.submodule_search_locations is None:
        yield  # all are there already, or the package has another form: it loads as it likes
        return
    stand_in = ModuleType(_ALL)
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules[_ALL] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(_ALL) is stand_in:
            del sys.modules[_ALL]
