"""Find where a letter ends and its signature begins: "-- ", farewells, footers, disclaimers."""

import re
from collections.abc import Sequence
from enum import Enum, auto
from functools import lru_cache

from followupd.languages import catalogue
from followupd.languages.patterns import verbatim

_MARKS = catalogue().mail_clients.signatures

#: characters of a line below a farewell; a longer one is a sentence
MAX_NAME = 60
#: characters of a farewell with a name; a longer line that begins like one is a sentence
MAX_FAREWELL = 45
#: characters of a footer or disclaimer
MAX_FOOTER = 400
#: characters of a line that the pattern of footers looks at
MAX_FOOTER_SEARCHED = 300
#: lines of a signature below a farewell
MAX_LINES_BELOW = 8
#: lines below a possible beginning that are read, to see whether it is one
MAX_LINES_READ = 12 * MAX_LINES_BELOW

DELIMITER = re.compile(r"(?:--|__|—|–|-- —)\s?$|[-_—]{5,}$")
#: "-Kim", "— Kim Doe" and "/KD"
DASHED_NAME = re.compile(
    r"\s?[-–—]{1,2}\s?[A-ZÀ-Þ][\w.'’-]{0,20}(?: [A-ZÀ-Þ][\w.'’-]{0,20}){0,3}$|/[A-ZÀ-Þ]\w{1,20}$"
)
_SENT_FROM_PHRASES = "|".join(re.escape(phrase) for phrase in sorted(_MARKS.sent_from, key=len, reverse=True))
SENT_FROM = re.compile(
    rf"""\s*[\[(]?(?:{_SENT_FROM_PHRASES})"""
    r"""[^.!?,]{0,60}(?:<[^<>]{0,200}>|\([^()]{0,200}\)|https?://\S{1,200})?[\])]?\.?$""",
    re.IGNORECASE,
)
_DISCLAIMER_PHRASES = "|".join(map(re.escape, _MARKS.disclaimers))
DISCLAIMER = re.compile(rf"\s*[*_]{{0,3}}(?:{_DISCLAIMER_PHRASES})", re.IGNORECASE)
POSTSCRIPT = re.compile(rf"\s*(?:{verbatim(_MARKS.postscripts)})\b", re.IGNORECASE)
LIST_FOOTERS = _MARKS.list_footers

FAREWELLS = frozenset(_MARKS.farewells)
LONG_FAREWELLS = tuple(phrase for phrase in _MARKS.farewells if " " in phrase)
#: farewells of one word that a name may follow: "LG Kim"
SHORT_FAREWELLS = frozenset(_MARKS.short_farewells)
#: first and last words, for a cheap look before the expensive ones
FAREWELL_FIRST_WORDS = SHORT_FAREWELLS | {phrase.split()[0] for phrase in LONG_FAREWELLS}
FAREWELL_LAST_WORDS = frozenset(phrase.split()[-1] for phrase in LONG_FAREWELLS)
FOOTER_BEGINNINGS = frozenset(phrase.split()[0][:6] for phrase in _MARKS.sent_from)
DISCLAIMER_FIRST_WORDS = frozenset(phrase.split()[0] for phrase in _MARKS.disclaimers)
DASHES = "-–—_/"
#: what may be around a farewell
TRIM = " \t,.!;:~*_🙂😊🎉-–\u2003"


class LineKind(Enum):
    """What a line of a mail is."""

    NEW = auto()
    SIGNATURE = auto()
    QUOTED = auto()
    #: it may be quoted, or be the writer's
    DOUBTFUL = auto()


def mark_signatures(lines: Sequence[str], kinds: list[LineKind]) -> None:
    """Mark the lines of each signature; every block between two quotes may have one.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines; changed in place.
    """
    for start, stop in _blocks(kinds):
        begin = _first_line(lines, start, stop)
        if begin < stop:
            _mark(lines, kinds, begin, stop)


def _blocks(kinds: Sequence[LineKind]) -> list[tuple[int, int]]:
    """Return beginning and end of each block of lines that are not quoted.

    Args:
        kinds: the kinds of the lines.
    """
    if LineKind.QUOTED not in kinds:
        return [(0, len(kinds))]

    blocks: list[tuple[int, int]] = []
    start = 0
    for number, kind in enumerate([*kinds, LineKind.QUOTED]):
        if kind is not LineKind.QUOTED:
            continue
        if start < number:
            blocks.append((start, number))
        start = number + 1

    return blocks


def _first_line(lines: Sequence[str], start: int, stop: int) -> int:
    """Return the first line of the signature in a block, `stop` if it has none.

    Args:
        lines: the lines of the mail.
        start: first line of the block.
        stop: end of the block.
    """
    for number in range(start, stop):
        line = lines[number]
        if _may_begin_signature(line) and _begins_signature(lines, number, stop):
            return number
    return stop


def _may_begin_signature(line: str) -> bool:
    """Whether a line is short enough for a farewell, or begins like a footer.

    This is a cheap look before the patterns.

    Args:
        line: the line of the mail.
    """
    if 0 < len(line) < MAX_NAME:
        return True
    return line != "" and _may_be_footer(line)


def _may_be_footer(line: str) -> bool:
    """Whether a long line can be a footer, a disclaimer, or a name after a dash, by its first word.

    Args:
        line: of MAX_NAME characters or more.
    """
    return len(line) < MAX_FOOTER and _may_begin_footer(line.split(None, 1)[0])


@lru_cache(maxsize=2048)  # lines begin with the same few words
def _may_begin_footer(word: str) -> bool:
    """Whether a footer, a disclaimer or a name after a dash may begin with this word.

    Those that are not ASCII are left to the pattern.

    Args:
        word: the first word of a line, as written.
    """
    if not word.isascii() or word[0] in DASHES:
        return True
    first = _folded(word)
    return first[:6] in FOOTER_BEGINNINGS or first in DISCLAIMER_FIRST_WORDS


def _folded(word: str) -> str:
    """Return a word without case, brackets and punctuation.

    Args:
        word: the first of a line.
    """
    return word.casefold().strip("[(*_,.!")


def _begins_signature(lines: Sequence[str], number: int, stop: int) -> bool:
    """Whether a signature begins at this line.

    It begins with the footer of a phone ("Sent from my phone"), a disclaimer, a delimiter ("-- "), a name
    after a dash ("-Kim") or a farewell. What is below the line must look like a signature, too.

    Args:
        lines: the lines of the mail.
        number: the number of a line that is not empty.
        stop: end of the block.
    """
    line = lines[number].strip()
    first = _folded(line.split(" ", 1)[0])
    may_be_footer = first[:6] in FOOTER_BEGINNINGS or not first.isascii()
    if may_be_footer and SENT_FROM.match(line[:MAX_FOOTER_SEARCHED]):
        below = _lines_below(lines, number, stop)
        return len(below) <= MAX_LINES_BELOW
    if first in DISCLAIMER_FIRST_WORDS and DISCLAIMER.match(line):
        return True
    if DELIMITER.match(line):
        return _is_delimiter(lines, number, stop)
    if line[0] in DASHES:
        return _is_dashed_name(lines, number, stop)
    return _is_last_farewell(lines, number, stop)


def _is_last_farewell(lines: Sequence[str], number: int, stop: int) -> bool:
    """Whether a line is a farewell with nothing below it, or with a name.

    Args:
        lines: the lines of the mail.
        number: the number of the line.
        stop: end of the block.
    """
    line = lines[number].strip()
    if len(line) >= MAX_NAME or not is_farewell(line):
        return False
    below = _lines_below(lines, number, stop)
    return all(map(_is_short, below[:1]))


def _is_dashed_name(lines: Sequence[str], number: int, stop: int) -> bool:
    """Whether a line is "-Kim" at the end of a letter, and no item of a list.

    Args:
        lines: the lines of the mail.
        number: the number of the line.
        stop: end of the block.
    """
    if not DASHED_NAME.match(lines[number]):
        return False
    below = _lines_below(lines, number, stop)
    return len(below) <= 1 or DELIMITER.match(below[0].strip()) is not None


def _is_delimiter(lines: Sequence[str], number: int, stop: int) -> bool:
    """Whether dashes are a delimiter, and no rule in the text: only short lines follow, or a list's footer.

    Args:
        lines: the lines of the mail.
        number: the number of the line of dashes.
        stop: end of the block.
    """
    if lines[number].rstrip() == "--":
        return True

    below = _lines_below(lines, number, stop)
    is_block_of_names = 0 < len(below) <= MAX_LINES_BELOW and all(map(_is_short, below))
    if is_block_of_names and not _underlines(lines, number):
        return True

    beginnings = [line[:MAX_FOOTER_SEARCHED] for line in below]
    text = "\n".join(beginnings).lower()
    return any(phrase in text for phrase in LIST_FOOTERS)


def _underlines(lines: Sequence[str], number: int) -> bool:
    """Whether a rule is right below a line of text, as under a heading or in a table.

    Args:
        lines: the lines of the mail.
        number: the number of the rule.
    """
    has_text_above = number > 0 and lines[number - 1] != ""
    return has_text_above and len(lines[number].strip()) > 3


def is_farewell(line: str) -> bool:
    """Whether a line is a farewell and no sentence.

    Such as "Kind regards", "Mit freundlichen Grüßen / Best regards", "Viele Grüße aus Bonn" and "LG Kim": a
    known phrase, or a line of at most MAX_FAREWELL characters that begins or ends with one.

    Args:
        line: the line of the mail; punctuation and pictures around the words do not count.
    """
    words = line.strip(TRIM).casefold()
    if words in FAREWELLS:
        return True

    first, _, rest = words.partition(" ")
    last = rest.rpartition(" ")[2]
    may_be_farewell = first in FAREWELL_FIRST_WORDS or last in FAREWELL_LAST_WORDS
    if not may_be_farewell or rest == "":
        return False  # true for most lines

    is_sentence = line.rstrip().endswith((".", "?", "!"))
    if is_sentence or len(words) > MAX_FAREWELL:
        return False
    if first in SHORT_FAREWELLS and rest.isalpha():
        return True
    return words.startswith(LONG_FAREWELLS) or words.endswith(LONG_FAREWELLS)


def _is_short(line: str) -> bool:
    """Whether a line can be a name or an address: no long one and no question.

    Args:
        line: below a farewell or a delimiter.
    """
    is_question = line.endswith("?")
    return len(line) <= MAX_NAME and not is_question


def _lines_below(lines: Sequence[str], number: int, stop: int) -> list[str]:
    """Return the next lines that are not empty, as many as show that it is no signature.

    Args:
        lines: the lines of the mail.
        number: the number of the line above them.
        stop: end of the block.
    """
    start = number + 1
    return list(filter(None, lines[start : min(stop, start + MAX_LINES_READ)]))


def _mark(lines: Sequence[str], kinds: list[LineKind], begin: int, stop: int) -> None:
    """Mark the lines of a signature, up to a postscript or to a paragraph below a farewell.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines; changed in place.
        begin: first line of the signature.
        stop: end of the block.
    """
    has_farewell = is_farewell(lines[begin])
    marked = 0
    for number in range(begin, stop):
        is_below_name = has_farewell and marked > 1
        if POSTSCRIPT.match(lines[number]):
            return
        if is_below_name and _is_paragraph(lines, number):
            return
        kinds[number] = LineKind.SIGNATURE
        marked += bool(lines[number])


def _is_paragraph(lines: Sequence[str], number: int) -> bool:
    """Whether a line is a sentence after an empty line, which somebody added, and no disclaimer.

    Args:
        lines: the lines of the mail.
        number: the number of a line below a name.
    """
    line = lines[number]
    follows_gap = lines[number - 1] == ""
    if not follows_gap or len(line) <= MAX_NAME:
        return False
    if DISCLAIMER.match(line):
        return False

    return line.rstrip().endswith((".", "!", "?"))
