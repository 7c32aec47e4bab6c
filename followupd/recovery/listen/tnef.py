"""Reads the words in a winmail.dat, Outlook's own envelope (MS-OXTNEF): the plain body, the HTML body, or the rich text.

Of one's own, since the only Python reader is no longer kept and takes the attachments, too. What is broken gives what can
be had; nothing raises.
"""

import struct
from collections.abc import Iterator

from followupd.recovery.listen.charset import decode
from followupd.recovery.listen.html_text import text_of
from followupd.recovery.listen.rich_text import plain, unpacked

SIGNATURE = struct.pack("<I", 0x223E9F78)
BODY, PROPERTIES, CODEPAGE = 0x0002800C, 0x00069003, 0x00069007
ATTACHMENTS = 0x02  # the level at which attributes speak of attachments, which come last
MOST_BYTES = 1_000_000
MOST_PROPERTIES = 500
PLAIN, HTML, RICH, INTERNET_CODEPAGE = 0x1000, 0x1013, 0x1009, 0x3FDE
#: Windows' numbers for charsets that are not called "cp" and the number
CODEPAGES = {
    20127: "ascii",
    20866: "koi8-r",
    21866: "koi8-u",
    50220: "iso-2022-jp",
    51932: "euc-jp",
    54936: "gb18030",
    65001: "utf-8",
}
NAMED = 0x8000  # properties from here on carry a name
WIDE, TEXT8, BINARY, OBJECT = 0x1F, 0x1E, 0x102, 0x0D
#: bytes of a value of fixed size, by its type; small ones are padded to four
SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}


def words_of(data: bytes) -> str:
    """Return the text that a person would see on opening the mail in Outlook; "" when there is none, or none to be had."""
    if not data.startswith(SIGNATURE):
        return ""
    try:
        return _words(data[:MOST_BYTES])
    except (struct.error, ValueError, IndexError, RecursionError):
        return ""


def _words(data: bytes) -> str:
    found = dict(_attributes(data))
    properties = dict(_properties(found.get(PROPERTIES, b"")))
    _, page = properties.get(INTERNET_CODEPAGE, (0, b""))
    charset = _charset(page or found.get(CODEPAGE, b""))
    text = (
        _text(properties.get(PLAIN), charset)
        or decode(found.get(BODY, b""), charset).split("\x00", 1)[0]
        or text_of(_text(properties.get(HTML), charset))
        or plain(unpacked(properties.get(RICH, (0, b""))[1]))
    )
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the attributes of the message: level, name, length, value, checksum."""
    at = 6
    while at + 9 <= len(data) and data[at] != ATTACHMENTS:
        name, length = struct.unpack_from("<II", data, at + 1)
        yield name, data[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _charset(codepage: bytes) -> str:
    number = struct.unpack_from("<I", codepage)[0] if len(codepage) >= 4 else 1252
    return CODEPAGES.get(number, f"iso-8859-{number - 28590}" if 28590 < number < 28606 else f"cp{number}")


def _properties(data: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Yield type and value of those of the message's properties that say something of its words (MS-OXTNEF, 2.1.3.4)."""
    if len(data) < 4:
        return
    at = 4
    for _ in range(min(struct.unpack_from("<I", data)[0], MOST_PROPERTIES)):
        if at + 4 > len(data):
            return
        kind, name = struct.unpack_from("<HH", data, at)
        at = _behind_name(data, at + 4) if name >= NAMED else at + 4
        values, at = _values(data, at, kind)
        if name in {PLAIN, HTML, RICH, INTERNET_CODEPAGE} and values:
            yield name, (kind & 0xFFF, values[0])


def _behind_name(data: bytes, at: int) -> int:
    """Pass over a property's name: whose it is, then a number or a text."""
    by_text, length = struct.unpack_from("<II", data, at + 16)
    return at + 24 + (_padded(length) if by_text else 0)


def _values(data: bytes, at: int, kind: int) -> tuple[list[bytes], int]:
    several, base = bool(kind & 0x1000), kind & 0xFFF
    count = 1
    if several or base in {WIDE, TEXT8, BINARY, OBJECT}:
        count, at = struct.unpack_from("<I", data, at)[0], at + 4
    values: list[bytes] = []
    for _ in range(min(count, MOST_PROPERTIES)):
        length = SIZES.get(base, 0)
        if not length:
            length, at = struct.unpack_from("<I", data, at)[0], at + 4
        values.append(data[at : at + length])
        at += _padded(length)
    return values, at


def _padded(length: int) -> int:
    return length + -length % 4


def _text(found: tuple[int, bytes] | None, charset: str) -> str:
    kind, value = found or (0, b"")
    return decode(value, "utf-16-le" if kind == WIDE else charset).rstrip("\x00")
