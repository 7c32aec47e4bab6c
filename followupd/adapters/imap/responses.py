"""Parse IMAP FETCH responses into Python values; nothing that a server sends raises an exception.

imapclient parses a response byte by byte in Python and fails at a keyword that contains "[", which is a legal
atom (docs/mail.md, IMAP library traps): one odd tag would hide all others. This parser takes a tenth of the
time, and a response that it cannot parse does not affect the next one.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TypeAlias

from followupd.domain.calendar import MAIL_YEARS

#: an atom, a string or a literal; NIL; a parenthesised list
Value: TypeAlias = "bytes | list[Value] | None"
#: the response for one message: upper-case names of data items to values
Row: TypeAlias = dict[bytes, Value]
#: a response as imaplib collects it: a line, or a line and the literal that follows it
Piece: TypeAlias = bytes | tuple[bytes, bytes]

_TOKEN = re.compile(
    rb"""[()]                                                               # a list opens, closes
    |"(?:[^"\\]|\\.)*"?                                                # a quoted string, perhaps without its end
    |\{\d+\}\Z                                                # a literal's size: the literal follows
    |(?:BODY|BINARY)(?:\.PEEK)?\[[^\]]{0,400}\](?:<\d+>)?|[^\s()"]+           # a body section or an atom
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_LITERAL = re.compile(rb"\{\d+\}")
# A response of atoms, plain strings and flat lists. Nearly all without a literal are; they are parsed in half
# the time.
_ITEM = re.compile(rb'((?!NIL )[A-Z][A-Z0-9.-]{1,40}) ("[^"\\]*"|\([^()"{}\[\]]*\)|[^\s()"{}\[\]]+)')
_FLAT = re.compile(rb"\d+ \(%(item)s(?: %(item)s)*\)" % {b"item": _ITEM.pattern})
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_ORIGIN = re.compile(rb"<\d+>\Z")
_INTERNALDATE = re.compile(rb" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTH_NAMES = (
    b"jan",
    b"feb",
    b"mar",
    b"apr",
    b"may",
    b"jun",
    b"jul",
    b"aug",
    b"sep",
    b"oct",
    b"nov",
    b"dec",
)
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def parse_rows(data: Iterable[Piece | None]) -> Iterator[Row]:
    """Parse what imaplib collected for one FETCH, one row for each message.

    A response that cannot be parsed yields its UID alone, so that its mail is not taken for expunged.

    Args:
        data: lines, and pairs of a line and the literal that follows it; a plain line ends the response for
            one message.

    Yields:
        The data items of one message, by their upper-case names (`b"FLAGS"`, `b"BODY[1.MIME]"`).
    """
    response: list[Piece] = []
    for piece in data:
        if piece is None:
            continue

        response.append(piece)
        if isinstance(piece, bytes):
            yield _parse_row(response)
            response = []


def _parse_row(response: list[Piece]) -> Row:
    """Return the data items of one message.

    The quick pattern covers nearly every response without a literal; the others are tokenised.
    """
    text = response[0]
    if isinstance(text, bytes) and _FLAT.fullmatch(text):
        return {name: _flat_value(value) for name, value in _ITEM.findall(text)}

    values = _nested_values(response)
    items = values[1] if len(values) == 2 else None  # the sequence number, then one list
    if not isinstance(items, list) or len(items) % 2:
        return _uid_alone(response)

    named = zip(items[::2], items[1::2], strict=True)
    return {_item_name(name): value for name, value in named if isinstance(name, bytes)}


@lru_cache(maxsize=256)  # the items that we ask for
def _item_name(item: bytes) -> bytes:
    """Return the name of an item in upper case, without the origin of a partial fetch ("<0>")."""
    return _ORIGIN.sub(b"", item.upper())


def _flat_value(value: bytes) -> Value:
    """Return a list of atoms or strings, or a single one."""
    if value.startswith(b"("):
        return list(map(_plain_value, value[1:-1].split()))
    return _plain_value(value)


def _uid_alone(response: list[Piece]) -> Row:
    """Return a row that has only the UID, for a response that could not be parsed; empty when it has none."""
    for piece in response:
        text = piece if isinstance(piece, bytes) else piece[0]
        found = _UID.search(text)
        if found:
            return {b"UID": found[1]}
    return {}


def _nested_values(response: list[Piece]) -> list[Value]:
    """Nest the tokens of one response.

    Returns:
        The values at the top level. An unbalanced list leaves more or fewer than the two values of a row.
    """
    top: list[Value] = []
    stack = [top]
    for piece in response:
        text, literal = (piece, b"") if isinstance(piece, bytes) else piece
        tokens = _TOKEN.findall(text)
        literal_follows = text.endswith(b"}") and _LITERAL.fullmatch(tokens[-1]) is not None
        if literal_follows:
            tokens = tokens[:-1]

        for token in tokens:
            if not _add_token(token, stack):
                return []
        if literal_follows:
            stack[-1].append(literal)

    return top if len(stack) == 1 else []


def _add_token(token: bytes, stack: list[list[Value]]) -> bool:
    """Add a token to the innermost open list; False when it closes a list that was never opened."""
    if token == b"(":
        stack.append([])
    elif token != b")":
        stack[-1].append(_plain_value(token))
    elif len(stack) == 1:
        return False
    else:
        closed = stack.pop()
        stack[-1].append(closed)
    return True


def _plain_value(token: bytes) -> bytes | None:
    """Return the value of an atom or a quoted string.

    NIL becomes None; backslashes that escape a character in a quoted string are removed.
    """
    if token.startswith(b'"'):
        text = token[1:-1]
        return _ESCAPED.sub(rb"\1", text) if b"\\" in text else text
    return None if token == b"NIL" else token


def as_number(value: Value) -> int:
    """Return a number; 0 when the value is none."""
    if isinstance(value, bytes) and value.isdigit():
        return int(value)
    return 0


def as_list(value: Value) -> tuple[bytes, ...]:
    """Return a flat list such as FLAGS; empty when the value is none."""
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value if isinstance(item, bytes))


def as_datetime(value: Value) -> datetime | None:
    """Return an INTERNALDATE ("17-Jul-2026 02:44:25 -0700") as a moment in UTC.

    Returns:
        None when the value is no date, or one at which no mail can have come, such as a day of the year 9999.
    """
    if not isinstance(value, bytes):
        return None

    match = _INTERNALDATE.fullmatch(value)
    month = _MONTHS.get(match[2].lower()) if match else None
    try:
        moment = _regular_datetime(match, month) if match and month else _unusual_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment and moment.year in MAIL_YEARS else None


def _regular_datetime(match: re.Match[bytes], month: int) -> datetime:
    """Return the moment of a match of _INTERNALDATE.

    Raises:
        ValueError: there is no such day or time.
        OverflowError: it is before the year 1 or after the year 9999.
    """
    hour, minute, second = map(int, match.group(4, 5, 6))
    local = datetime(int(match[3]), month, int(match[1]), hour, minute, second, tzinfo=UTC)
    offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
    return local + offset if match[7] == b"-" else local - offset


def _unusual_datetime(value: bytes) -> datetime | None:
    """Parse a date that a server writes in its own way; None for an empty one.

    The standard library does it, and takes ten times as long as the pattern for RFC 9051's form.

    Raises:
        ValueError: it is no date.
        OverflowError: it is before the year 1 or after the year 9999.
    """
    text = value.decode("ascii").strip().replace("-", " ", 2)
    return parsedate_to_datetime(text).astimezone(UTC) if text else None
