"""Names of months and weekdays, from CLDR by way of Babel."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from babel import Locale

_CONTEXTS = ("format", "stand-alone")
_WIDTHS = ("wide", "abbreviated")


def months(locale: str, more: Mapping[int, Iterable[str]], not_names: Iterable[str]) -> dict[str, int]:
    """Return lower-case names and abbreviations, with `more` and without `not_names`; January is 1."""
    shipped = _pairs(Locale.parse(locale).months)
    return {**_without(not_names, shipped), **_without((), _spelled(more))}


def weekdays(locale: str, more: Mapping[int, Iterable[str]], not_names: Iterable[str]) -> dict[str, int]:
    """Return the same of weekdays; Monday is 0, and 1 in `more`, which counts as ISO 8601 does."""
    shipped = _pairs(Locale.parse(locale).days)
    own = ((name, number - 1) for name, number in _spelled(more))
    return {**_without(not_names, shipped), **_without((), own)}


def _pairs(table: Mapping[str, Mapping[str, Mapping[int, str]]]) -> Iterator[tuple[str, int]]:
    for context in _CONTEXTS:
        for width in _WIDTHS:
            for number, name in table[context][width].items():
                yield name, number


def _spelled(more: Mapping[int, Iterable[str]]) -> Iterator[tuple[str, int]]:
    for number, names in more.items():
        for name in names:
            yield name, number


def _without(names: Iterable[str], pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    plain = ((unicodedata.normalize("NFC", name.lower()).rstrip("."), number) for name, number in pairs)
    left_out = frozenset(names)
    return {name: number for name, number in plain if name not in left_out}
