"""How the patterns of language files are written and compiled.

A pattern is a regular expression (Python's `re`) for lower-case text, with three additions:

- a blank means any white space (one character or more), and blank + question mark at most one character of
  it;
- {NAME} means the part NAME of the same file, in its own group;
- a line break, with the blanks around it, means nothing, so that a long pattern may be wrapped.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

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
        parts: of the same file.

    Raises:
        ValueError: a part has no definition, or contains itself.
    """
    filled = _fill(pattern, parts, ())
    return filled.replace(" ?", r"\s?").replace(" ", r"\s+")


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
    """Compile alternatives that may match anywhere, also inside of words."""
    return re.compile(any_of(patterns, parts), flags)


def whole_words(patterns: Iterable[str], parts: Parts, flags: int = 0) -> re.Pattern[str]:
    """Compile alternatives that match whole words only."""
    return re.compile(rf"(?<!\w)(?:{any_of(patterns, parts)})(?!\w)", flags)


def _fill(pattern: str, parts: Parts, inside: tuple[str, ...]) -> str:
    """Return the pattern on one line, with its parts in the place of their names.

    Args:
        pattern: as it is written in a language file.
        parts: of the same file.
        inside: names of the parts that contain the pattern.

    Raises:
        ValueError: a part has no definition, or contains itself.
    """
    joined = _LINE_BREAK.sub("", pattern)
    return _PART_NAME.sub(lambda match: _part(match[1], parts, inside), joined)


def _part(name: str, parts: Parts, inside: tuple[str, ...]) -> str:
    """Return a part as a group of its alternatives.

    Args:
        name: of the part.
        parts: of the same file.
        inside: names of the parts that contain it.
    """
    if name in inside:
        raise ValueError(f"the part {name} contains itself")
    if name not in parts:
        raise ValueError(f"there is no part {name}")
    alternatives = [_fill(alternative, parts, (*inside, name)) for alternative in parts[name]]
    return f"(?:{'|'.join(alternatives)})"
