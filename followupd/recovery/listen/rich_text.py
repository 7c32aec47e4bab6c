"""Turns the rich text of Outlook into plain text: unpacked first (MS-OXRTFCP), then without its marks (MS-OXRTFEX)."""

import re
import struct

from followupd.recovery.listen.charset import decode

LONGEST = 300_000  # bytes of rich text, unpacked
DEEPEST = 200  # groups within groups
#: what every dictionary begins with (MS-OXRTFCP, 2.1.2.1)
BEGINNING = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New Roman"
    b"Courier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
TOKEN = re.compile(
    r"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\(.)|([{}])|([^\\{}\r\n]+)|.", re.IGNORECASE | re.DOTALL
)
GAPS = re.compile(r"\n{3,}")
#: groups that hold no words
SILENT = frozenset(
    {"fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "generator", "mhtmltag"}
)
BREAKS = {"par": "\n", "line": "\n", "tab": "\t", "cell": "  ", "row": "\n", "lquote": "‘", "rquote": "’", "ldblquote": "“",
          "rdblquote": "”", "bullet": "•", "endash": "–", "emdash": "—"}  # fmt: skip
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
    return _Reader(from_html="\\fromhtml" in text[:400]).read(text)


class _Reader:
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
