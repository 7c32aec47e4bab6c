"""How the patterns of language files are written and compiled, and the names that they share.

A pattern is a regular expression (Python's `re`) for lower-case text, with three additions:

- a blank means any white space (one character or more), and blank + question mark at most one character of
  it;
- {NAME} means the part NAME of the same file, in its own group;
- a line break, with the blanks around it, means nothing, so that a long pattern may be wrapped.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from types import MappingProxyType

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


_LINE_BREAK = re.compile(r"\s*\n\s*")
_PART_NAME = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
#: matches nothing
_NEVER = "(?!)"

#: name -> alternatives, as in a file's table [parts]
Parts = Mapping[str, tuple[str, ...]]
_NO_PARTS: Parts = MappingProxyType({})


def expand(pattern: str, parts: Parts) -> str:
    """Return the pattern as Python's `re` reads it.

    Args:
        pattern: as it is written in a language file.
        parts: the parts of the same file.

    Raises:
        ValueError: a part has no definition, or contains itself.
    """
    filled = _fill(pattern, parts, ())
    return filled.replace(" ?", r"\s?").replace(" ", r"\s{1,9}")


def any_of(patterns: Iterable[str], parts: Parts) -> str:
    """Return one expanded pattern that matches what any of these match; of no patterns it matches nothing.

    Raises:
        ValueError: a part has no definition, or contains itself.
    """
    return "|".join(expand(pattern, parts) for pattern in patterns) or _NEVER


def verbatim(patterns: Iterable[str], parts: Parts = _NO_PARTS) -> str:
    """Return one pattern that matches what any of these match, in which a blank is just a blank.

    Raises:
        ValueError: a part has no definition, or contains itself.
    """
    return "|".join(_fill(pattern, parts, ()) for pattern in patterns) or _NEVER


def compiled(patterns: Iterable[str], parts: Parts, flags: int = 0) -> re.Pattern[str]:
    """Compile alternatives that may match anywhere, also inside of words.

    Args:
        patterns: as language files have them: "{NAME}" stands for a part, and a blank for any white space.
        parts: the parts that the language names, by name.
        flags: the flags of the `re` module.
    """
    return re.compile(any_of(patterns, parts), flags)


def whole_words(patterns: Iterable[str], parts: Parts, flags: int = 0) -> re.Pattern[str]:
    """Compile alternatives that match whole words only.

    Args:
        patterns: as language files have them: "{NAME}" stands for a part, and a blank for any white space.
        parts: the parts that the language names, by name.
        flags: the flags of the `re` module. Digits and underscores count as letters of a word.
    """
    return re.compile(rf"(?<!\w)(?:{any_of(patterns, parts)})(?!\w)", flags)


def _fill(pattern: str, parts: Parts, inside: tuple[str, ...]) -> str:
    """Return the pattern on one line, with its parts in place of their names.

    Args:
        pattern: as it is written in a language file.
        parts: the parts of the same file.
        inside: names of the parts that contain the pattern.

    Raises:
        ValueError: a part has no definition, or contains itself.
    """
    joined = _LINE_BREAK.sub("", pattern)
    return _PART_NAME.sub(lambda match: _part(match[1], parts, inside), joined)


def _part(name: str, parts: Parts, inside: tuple[str, ...]) -> str:
    """Return a part as a group of its alternatives.

    Args:
        name: the name of the part.
        parts: the parts of the same file.
        inside: names of the parts that contain it.
    """
    if name in inside:
        raise ValueError(f"the part {name} contains itself")
    if name not in parts:
        raise ValueError(f"there is no part {name}")
    alternatives = [_fill(alternative, parts, (*inside, name)) for alternative in parts[name]]
    return f"(?:{'|'.join(alternatives)})"
