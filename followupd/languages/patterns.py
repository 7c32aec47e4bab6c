"""How the patterns of language files are written and compiled.

A pattern is a regular expression (Python's `re`) over lower-case text, with three additions:

- a blank stands for any white space (one character or more), and blank + question mark for at most one;
- {NAME} stands for the part NAME of the same file, in a group of its own;
- a line break, with the blanks around it, stands for nothing, so that a long pattern may be wrapped.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

_WRAPPED = re.compile(r"\s*\n\s*")
_PART = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
_NEVER = "(?!)"

#: name -> alternatives, as in a file's table [parts]
Parts = Mapping[str, tuple[str, ...]]
_NO_PARTS: Parts = MappingProxyType({})


def expand(pattern: str, parts: Parts) -> str:
    """Return the pattern as Python's `re` reads it.

    Raises:
        ValueError: a part has no definition, or contains itself.
    """
    return _filled(pattern, parts, ()).replace(" ?", r"\s?").replace(" ", r"\s+")


def any_of(patterns: Iterable[str], parts: Parts) -> str:
    """Return one expanded pattern that matches what any of these match; none at all matches nothing."""
    return "|".join(expand(pattern, parts) for pattern in patterns) or _NEVER


def verbatim(patterns: Iterable[str], parts: Parts = _NO_PARTS) -> str:
    """Return one pattern that matches what any of these match, in which a blank is just a blank."""
    return "|".join(_filled(pattern, parts, ()) for pattern in patterns) or _NEVER


def compiled(patterns: Iterable[str], parts: Parts, flags: int = 0) -> re.Pattern[str]:
    """Compile alternatives that may match anywhere, also inside of words."""
    return re.compile(any_of(patterns, parts), flags)


def whole_words(patterns: Iterable[str], parts: Parts, flags: int = 0) -> re.Pattern[str]:
    """Compile alternatives that match whole words only."""
    return re.compile(rf"(?<!\w)(?:{any_of(patterns, parts)})(?!\w)", flags)


def _filled(pattern: str, parts: Parts, inside: tuple[str, ...]) -> str:
    """Replace the names of parts; `inside` are the parts that are being filled already."""

    def part(match: re.Match[str]) -> str:
        name = match[1]
        if name in inside:
            raise ValueError(f"the part {name} contains itself")
        if name not in parts:
            raise ValueError(f"there is no part {name}")
        alternatives = (_filled(each, parts, (*inside, name)) for each in parts[name])
        return f"(?:{'|'.join(alternatives)})"

    return _PART.sub(part, _WRAPPED.sub("", pattern))
