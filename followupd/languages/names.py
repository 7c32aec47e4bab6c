"""Names of months and weekdays, from CLDR by way of Babel."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from babel import Locale

#: the forms of a name in CLDR
_CONTEXTS = ("format", "stand-alone")
_WIDTHS = ("wide", "abbreviated")
_CldrTable = Mapping[str, Mapping[str, Mapping[int, str]]]


def months(locale: str, more: Mapping[int, Iterable[str]], not_names: Iterable[str]) -> dict[str, int]:
    """Return the names and abbreviations of months in lower case; January is 1.

    Args:
        locale: of CLDR.
        more: further names by the number of the month.
        not_names: names of CLDR that are left out because they are common words as well.
    """
    names = _cldr_names(Locale.parse(locale).months, not_names)
    return names | _normalised(_pairs(more))


def weekdays(locale: str, more: Mapping[int, Iterable[str]], not_names: Iterable[str]) -> dict[str, int]:
    """Return the names and abbreviations of weekdays in lower case; Monday is 0.

    Args:
        locale: of CLDR.
        more: further names by the number of the weekday in ISO 8601, where Monday is 1.
        not_names: names of CLDR that are left out because they are common words as well.
    """
    names = _cldr_names(Locale.parse(locale).days, not_names)
    from_monday = {number - 1: more_names for number, more_names in more.items()}
    return names | _normalised(_pairs(from_monday))


def _cldr_names(table: _CldrTable, not_names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of months or weekdays by name.

    Args:
        table: Babel's, by context, width and number.
        not_names: names that are left out.
    """
    found: dict[str, int] = {}
    for context, width in product(_CONTEXTS, _WIDTHS):
        numbered = table[context][width]
        found |= _normalised((name, number) for number, name in numbered.items())
    for name in not_names:
        found.pop(name, None)
    return found


def _pairs(names: Mapping[int, Iterable[str]]) -> Iterator[tuple[str, int]]:
    """Yield name and number of the names by number."""
    for number, spellings in names.items():
        for name in spellings:
            yield name, number


def _normalised(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return numbers by name: composed (NFC), in lower case, and without the full stop of an abbreviation."""
    return {unicodedata.normalize("NFC", name.lower()).rstrip("."): number for name, number in pairs}
