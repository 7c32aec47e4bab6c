"""Reads the words in a winmail.dat, Outlook's own envelope (MS-OXTNEF): the plain body, the HTML body, or the rich text.

Of one's own, since the only Python reader is no longer kept and takes the attachments, too. What is broken gives what can
be had; nothing raises.
"""

import re
import struct
from collections.abc import Iterator

from followupd.text.mail.charset import decode
from followupd.text.mail.html import text_of

LONGEST = 300_000  # bytes of rich text, unpacked
DEEPEST = 200  # groups within groups
#: what every dictionary begins with (MS-OXRTFCP, 2.1.2.1)
BEGINNING = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New Roman"
    b"Courier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
TOKEN = re.compile(
    r"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\(.)|([{}])|([^\\{}\r\n]+)|.",
    re.IGNORECASE | re.DOTALL,
)
GAPS = re.compile(r"\n{3,}")
#: groups that hold no words
SILENT = frozenset(
    {
        "fonttbl",
        "colortbl",
        "stylesheet",
        "info",
        "pict",
        "object",
        "header",
        "footer",
        "generator",
        "mhtmltag",
    }
)
BREAKS = {
    "par": "\n",
    "line": "\n",
    "tab": "\t",
    "cell": "  ",
    "row": "\n",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "endash": "–",
    "emdash": "—",
}
ENDS_LINE = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d)\b", re.IGNORECASE)


def unpacked(data: bytes) -> bytes:
    """Undo LZFu; a copy that is cut off gives its beginning."""
    if len(data) < 16:
        return b""
    _, size, kind = struct.unpack_from("<II4s", data)
    if kind != b"LZFu":
        return data[16 : 16 + size]
    window, out, at = bytearray(BEGINNING.ljust(4096, b"\0")), bytearray(), 16
    write = len(BEGINNING)
    while at < len(data) and len(out) < min(size, LONGEST):
        flags, at = data[at], at + 1
        for bit in range(8):
            piece, at, ended = _next(data, at, window, write, copied=bool(flags >> bit & 1))
            for byte in piece:
                window[write] = byte
                write = (write + 1) % 4096
            out += piece
            if ended:
                return bytes(out)
    return bytes(out[:size])


def _next(data: bytes, at: int, window: bytearray, write: int, *, copied: bool) -> tuple[bytes, int, bool]:
    """Return the next bytes, where to read on, and whether all is read."""
    if not copied:
        return data[at : at + 1], at + 1, at >= len(data)
    if at + 2 > len(data):
        return b"", at, True
    both = data[at] << 8 | data[at + 1]
    offset, length = both >> 4, (both & 15) + 2
    if offset == write:
        return b"", at + 2, True
    piece = bytearray()
    for step in range(length):  # the copy may run into what it writes
        distance = (write - offset) % 4096
        piece.append(window[(offset + step) % 4096] if step < distance else piece[step - distance])
    return bytes(piece), at + 2, False


def plain(rich: bytes) -> str:
    """Return the words of a rich text; in HTML that Outlook wrapped, those of the page."""
    text = rich[:LONGEST].decode("latin-1")
    return _RtfReader(from_html="\\fromhtml" in text[:400]).read(text)


class _RtfReader:
    """Goes through the tokens with a stack of groups: whether each is silent, and how many letters stand in for one code."""

    def __init__(self, *, from_html: bool) -> None:
        self.from_html, self.charset = from_html, "cp1252"
        self.out: list[str] = []
        self.waiting = bytearray()
        self.silent, self.tag, self.hidden, self.skip = [False], [False], False, 0

    def read(self, text: str) -> str:
        starred = False
        for token in TOKEN.finditer(text):
            word, number, code, sign, brace, plain_text = token.groups()
            if brace == "{" and len(self.silent) < DEEPEST:
                self.silent.append(self.silent[-1])
                self.tag.append(self.tag[-1])
            elif brace == "}" and len(self.silent) > 1:
                self.silent.pop()
                self.tag.pop()
            elif word:
                self._word(word.lower(), number, starred=starred)
            elif code:
                self._code(bytes([int(code, 16)]))
            elif sign and sign in "{}\\~":
                self._say(" " if sign == "~" else sign)
            elif plain_text:
                self._say(plain_text)
            starred = sign == "*"
        self._flush()
        words = (
            "".join(self.out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )  # pairs of surrogates meet
        return GAPS.sub("\n\n", "\n".join(line.strip() for line in words.split("\n"))).strip()

    def _word(self, word: str, number: str | None, *, starred: bool) -> None:
        if word == "htmltag":
            self.tag[-1] = True
        elif word == "htmlrtf":
            self.hidden = number != "0"
        elif word in SILENT or starred:
            self.silent[-1] = True
        elif word == "ansicpg" and number:
            self.charset = f"cp{number}"
        elif word == "u" and number:
            self._say(chr(int(number) % 65536))
            self.skip = 1
        elif word in BREAKS and not (self.from_html and self.hidden):
            self._say(BREAKS[word])

    def _code(self, byte: bytes) -> None:
        if self.skip:
            self.skip -= 1
        elif not (self.silent[-1] or self.tag[-1] or self.hidden):
            self.waiting += byte

    def _say(self, words: str) -> None:
        if self.silent[-1]:
            return
        if self.tag[-1]:
            words = "\n" if ENDS_LINE.search(words) else ""
        elif self.from_html and self.hidden:
            return
        if self.skip and words and words != "\n":
            words, self.skip = words[1:] if words[0] == "?" else words, 0
        self._flush()
        self.out.append(words)

    def _flush(self) -> None:
        if self.waiting:
            self.out.append(decode(bytes(self.waiting), self.charset))
            self.waiting.clear()


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
