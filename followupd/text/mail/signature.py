"""Find where a letter ends and its signature begins: "-- ", farewells, mobile footers, list footers, disclaimers."""

import re
from functools import lru_cache

from followupd.text.mail import phrases

NEW, SIGNED, QUOTED = "new", "signed", "quoted"
LONGEST_NAME = 60  # characters of a line below a farewell; longer lines are sentences
MOST_BELOW = 8  # lines of a signature below a farewell
DELIMITER = re.compile(r"(?:--|__|—|–|-- —)\s?$|[-_—]{5,}$")
DASHED_NAME = re.compile(
    r"\s?[-–—]{1,2}\s?[A-ZÀ-Þ][\w.'’-]{0,20}(?: [A-ZÀ-Þ][\w.'’-]{0,20}){0,3}$|/[A-ZÀ-Þ]\w{1,20}$"
)
SENT_FROM = re.compile(
    r"\s*[\[(]?(?:"
    + "|".join(re.escape(word) for word in sorted(phrases.SENT_FROM, key=len, reverse=True))
    + r")[^.!?,]{0,60}(?:<[^<>]{0,200}>|\([^()]{0,200}\)|https?://\S{1,200})?[\])]?\.?$",
    re.IGNORECASE,
)
DISCLAIMER = re.compile(
    r"\s*[*_]{0,3}(?:" + "|".join(map(re.escape, phrases.DISCLAIMERS)) + ")", re.IGNORECASE
)
FAREWELL = frozenset(phrases.FAREWELLS)
LONG_FAREWELLS = tuple(word for word in phrases.FAREWELLS if " " in word)
CURT = frozenset(
    {
        "lg",
        "vg",
        "gruß",
        "gruss",
        "grüße",
        "grüsse",
        "mfg",
        "mvh",
        "kh",
        "hilsen",
        "saludos",
        "cordialement",
        "cheers",
    }
)
FIRST_WORDS = CURT | {word.split()[0] for word in LONG_FAREWELLS}  # a cheap look before the dear one
LAST_WORDS = frozenset(word.split()[-1] for word in LONG_FAREWELLS)
SHORT_FAREWELL = 45  # characters; a longer line that begins like a farewell is a sentence
FOOTERS = frozenset(word.split()[0][:6] for word in phrases.SENT_FROM)  # a cheap look before the dear pattern
PRINT = frozenset(word.split()[0] for word in phrases.DISCLAIMERS)
DASHES = "-–—_/"
TRIM = " \t,.!;:~*_🙂😊🎉-–\u2003"
POSTSCRIPT = re.compile(r"\s*(?:p\.?\s?s\.?|n\.?\s?b\.?)\b", re.IGNORECASE)
LIST_FOOTER = ("mailing list", "mailman/listinfo", "unsubscribe", "abbestellen", "se désabonner")


def ending(lines: list[str], kinds: list[str]) -> None:
    """Mark the lines of each signature. Works on the new lines only, in the blocks that quotes leave between them."""
    for start, stop in _blocks(kinds):
        at = _begins(lines, start, stop)
        if at < stop:
            _mark(lines, kinds, at, stop)


def _blocks(kinds: list[str]) -> list[tuple[int, int]]:
    if QUOTED not in kinds:
        return [(0, len(kinds))]
    blocks: list[tuple[int, int]] = []
    start = None
    for number, kind in enumerate([*kinds, QUOTED]):
        if kind == QUOTED and start is not None:
            blocks.append((start, number))
            start = None
        elif kind != QUOTED and start is None:
            start = number
    return blocks


def _begins(lines: list[str], start: int, stop: int) -> int:
    """Return the number of the first line of the block's signature; `stop` when it has none."""
    for number in range(start, stop):
        line = lines[number]
        if line and (len(line) < LONGEST_NAME or _may_open(line)) and _opens(lines, number, stop):
            return number
    return stop


def _may_open(line: str) -> bool:
    """Say whether a long line can be a footer, small print, or a name behind a dash: most are let go by their first word."""
    return len(line) < 400 and _opens_some(line.split(None, 1)[0])


@lru_cache(maxsize=2048)  # lines begin with the same few words
def _opens_some(word: str) -> bool:
    first = _folded(word)
    return first[:6] in FOOTERS or not word.isascii() or first in PRINT or word[0] in DASHES


def _folded(word: str) -> str:
    return word.casefold().strip("[(*_,.!")


def _opens(lines: list[str], number: int, stop: int) -> bool:
    line = lines[number].strip()
    first = _folded(line.split(" ", 1)[0])
    if (first[:6] in FOOTERS or not first.isascii()) and SENT_FROM.match(line[:300]):
        return len(_filled(lines, number + 1, stop)) <= MOST_BELOW
    if first in PRINT and DISCLAIMER.match(line):
        return True
    if line[0] in DASHES:
        return _signs(lines, number, stop) if DELIMITER.match(line) else _dashed_name(lines, number, stop)
    if len(line) < LONGEST_NAME and is_farewell(line):
        below = _filled(lines, number + 1, stop)
        return not below or _short(below[0])
    return False


def _dashed_name(lines: list[str], number: int, stop: int) -> bool:
    """Tell "-Kim" at the end of a letter from an item of a list."""
    if not DASHED_NAME.match(lines[number]):
        return False
    below = _filled(lines, number + 1, stop)
    return len(below) <= 1 or DELIMITER.match(below[0].strip()) is not None


def _signs(lines: list[str], number: int, stop: int) -> bool:
    """Tell "-- " from a ruled line in a text: after a delimiter only short lines follow, or a list's footer."""
    below = _filled(lines, number + 1, stop)
    if lines[number].rstrip() in {"--", "-- "}:
        return True
    if 0 < len(below) <= MOST_BELOW and all(_short(line) for line in below) and not _tabular(lines, number):
        return True
    said = "\n".join([line[:300] for line in below]).lower()
    return any(words in said for words in LIST_FOOTER)


def _tabular(lines: list[str], number: int) -> bool:
    """A rule right below a line of text underlines a heading or a table."""
    return number > 0 and bool(lines[number - 1]) and len(lines[number].strip()) > 3


def is_farewell(line: str) -> bool:
    """Tell "Kind regards", "Mit freundlichen Grüßen / Best regards", "Viele Grüße aus Bonn" and "LG Kim" from sentences."""
    words = line.strip(TRIM).casefold()
    first, _, rest = words.partition(" ")
    if not rest:
        return words in FAREWELL
    if first not in FIRST_WORDS and rest.rpartition(" ")[2] not in LAST_WORDS:
        return False  # most lines, without the dear look
    if words in FAREWELL:
        return True
    if len(words) > SHORT_FAREWELL or line.rstrip()[-1:] in ".?!":
        return False
    return (
        words.startswith(LONG_FAREWELLS)
        or words.endswith(LONG_FAREWELLS)
        or (first in CURT and rest.isalpha())
    )


def _short(line: str) -> bool:
    return len(line) <= LONGEST_NAME and not line.endswith("?")


def _filled(lines: list[str], start: int, stop: int) -> list[str]:
    """Return the next lines with words, as many as it takes to see that it is no signature."""
    return [line for line in lines[start : min(stop, start + 12 * MOST_BELOW)] if line]


def _mark(lines: list[str], kinds: list[str], at: int, stop: int) -> None:
    """Mark from `at` on, but let a postscript, or sentences below a farewell, be new words."""
    farewell = is_farewell(lines[at])
    taken = 0
    for number in range(at, stop):
        line = lines[number]
        if POSTSCRIPT.match(line) or (farewell and taken and _is_text(lines, number, taken)):
            return
        kinds[number] = SIGNED
        taken += bool(line)


def _is_text(lines: list[str], number: int, taken: int) -> bool:
    """A long line after a gap below a farewell is a paragraph that somebody added, unless it is small print."""
    line = lines[number]
    if not line or DISCLAIMER.match(line):
        return False
    return taken > 1 and not lines[number - 1] and len(line) > LONGEST_NAME and line.rstrip()[-1:] in ".!?"
