"""Read the text in a winmail.dat, Outlook's envelope (MS-OXTNEF): the plain, the HTML or the rich body.

Our own reader, because the only Python one is not maintained and extracts the attachments, too. Of what is
broken it reads what can be read; nothing raises.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from followupd.text.mail.charset import decode
from followupd.text.mail.html import html_to_text

#: bytes of an envelope that are read
MAX_ENVELOPE = 1_000_000
#: properties of a message, and values of one property
MAX_PROPERTIES = 500
#: bytes of rich text, decompressed
MAX_RICH_TEXT = 300_000
#: groups inside of groups of rich text
MAX_DEPTH = 200
#: characters of rich text in which \fromhtml must be
MAX_PROLOGUE = 400

#: size of the window of compressed rich text
_WINDOW = 4096
_COMPRESSED_HEADER = 16
#: with what each window begins (MS-OXRTFCP, section 2.1.2.1)
_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New Roman"
    b"Courier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_RTF_TOKEN = re.compile(
    r"""
      (?P<control> \\(?P<word>[a-z]{1,32}) (?P<number>-?\d{1,10})? [ ]? )
    | \\'(?P<code>[0-9a-f]{2})                  # of a character
    | \\(?P<sign>.)
    | (?P<brace>[{}])
    | (?P<plain>[^\\{}\r\n]+)
    | .
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_GAPS = re.compile(r"\n{3,}")
#: groups that contain no text of the letter
_SILENT_GROUPS = frozenset(
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
#: control words that mean a character
_CHARACTERS = {
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
_LINE_END_TAG = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d)\b", re.IGNORECASE)

_SIGNATURE = struct.pack("<I", 0x223E9F78)
#: attributes of the message
_BODY, _PROPERTIES, _CODEPAGE = 0x0002800C, 0x00069003, 0x00069007
#: the level of the attributes of attachments, which come last
_ATTACHMENT_LEVEL = 0x02
#: properties of the message
_PLAIN, _HTML, _RICH, _INTERNET_CODEPAGE = 0x1000, 0x1013, 0x1009, 0x3FDE
_WANTED_PROPERTIES = frozenset({_PLAIN, _HTML, _RICH, _INTERNET_CODEPAGE})
#: properties from this number on have a name
_FIRST_NAMED_PROPERTY = 0x8000
#: types of values
_UNICODE, _BYTES_TEXT, _BINARY, _OBJECT = 0x1F, 0x1E, 0x102, 0x0D
_COUNTED_TYPES = frozenset({_UNICODE, _BYTES_TEXT, _BINARY, _OBJECT})
_MULTIPLE_VALUES = 0x1000
_TYPE_MASK = 0xFFF
#: type -> bytes of a value of fixed size; smaller ones are padded to four
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
#: Windows' numbers of charsets whose name is not "cp" and the number
_CODEPAGES = {
    20127: "ascii",
    20866: "koi8-r",
    21866: "koi8-u",
    50220: "iso-2022-jp",
    51932: "euc-jp",
    54936: "gb18030",
    65001: "utf-8",
}
#: 28591 is ISO 8859-1, 28605 ISO 8859-15
_FIRST_ISO_8859, _LAST_ISO_8859 = 28591, 28605
_WINDOWS_1252 = 1252


@dataclass(frozen=True, slots=True)
class _PropertyValue:
    """The value of a property of the message; type 0 means that there is none."""

    type: int = 0
    data: bytes = b""

    def text(self, charset: str) -> str:
        """Return the value as text, without the NUL at its end.

        Args:
            charset: the charset of a value that is not Unicode.
        """
        codec = charset
        if self.type == _UNICODE:
            codec = "utf-16-le"
        return decode(self.data, codec).rstrip("\x00")


def winmail_text(data: bytes) -> str:
    """Return the text that a person would see in Outlook, "" if there is none or the envelope is broken.

    Args:
        data: the contents of the file, of which MAX_ENVELOPE bytes are read.
    """
    if not data.startswith(_SIGNATURE):
        return ""
    try:
        return _text(data[:MAX_ENVELOPE])
    except (struct.error, ValueError, IndexError, RecursionError):
        return ""


def _text(data: bytes) -> str:
    """Return the text of an envelope, from the first body that has some.

    Raises:
        struct.error: the envelope ends too early.
    """
    attributes = dict(_attributes(data))
    properties = dict(_properties(attributes.get(_PROPERTIES, b"")))
    codepage = _value(properties, _INTERNET_CODEPAGE).data or attributes.get(_CODEPAGE, b"")
    charset = _charset(codepage)
    text = (
        _value(properties, _PLAIN).text(charset)
        or decode(attributes.get(_BODY, b""), charset).split("\x00", 1)[0]
        or html_to_text(_value(properties, _HTML).text(charset))
        or rtf_to_text(decompress_rtf(_value(properties, _RICH).data))
    )
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _value(properties: Mapping[int, _PropertyValue], name: int) -> _PropertyValue:
    """Return the value of a property, an empty one if the message does not have it."""
    return properties.get(name, _PropertyValue())


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield name and value of the message's attributes: level, name, length, value, checksum.

    Args:
        data: the envelope.
    """
    position = 6
    while position + 9 <= len(data) and data[position] != _ATTACHMENT_LEVEL:
        name, length = struct.unpack_from("<II", data, position + 1)
        position += 9
        yield name, data[position : position + length]
        position += length + 2


def _charset(codepage: bytes) -> str:
    """Return the name of the charset that a code page's number means; without a number it is Windows-1252.

    Args:
        codepage: the number in four bytes, little-endian.
    """
    number = _WINDOWS_1252
    if len(codepage) >= 4:
        number = _uint32(codepage, 0)
    if number in _CODEPAGES:
        return _CODEPAGES[number]
    if _FIRST_ISO_8859 <= number <= _LAST_ISO_8859:
        return f"iso-8859-{number - _FIRST_ISO_8859 + 1}"
    return f"cp{number}"


def _uint32(data: bytes, position: int) -> int:
    """Return the number of four bytes at this position.

    Raises:
        struct.error: the data ends before.
    """
    number: int = struct.unpack_from("<I", data, position)[0]
    return number


def _properties(data: bytes) -> Iterator[tuple[int, _PropertyValue]]:
    """Yield name and first value of the properties with text or charset (MS-OXTNEF, section 2.1.3.4).

    Args:
        data: number of properties, and for each its type, its name and its values.
    """
    if len(data) < 4:
        return

    count = min(_uint32(data, 0), MAX_PROPERTIES)
    position = 4
    for _ in range(count):
        if position + 4 > len(data):
            return
        kind, name = struct.unpack_from("<HH", data, position)
        position += 4
        if name >= _FIRST_NAMED_PROPERTY:
            position = _end_of_name(data, position)
        values, position = _values(data, position, kind)
        if values and name in _WANTED_PROPERTIES:
            yield name, _PropertyValue(kind & _TYPE_MASK, values[0])


def _end_of_name(data: bytes, position: int) -> int:
    """Return where the name of a property ends: a namespace of 16 bytes, then a number or a text.

    Args:
        data: all properties.
        position: the position of the name.
    """
    is_text, length = struct.unpack_from("<II", data, position + 16)
    end = position + 24
    if is_text:
        end += _padded(length)
    return end


def _values(data: bytes, position: int, kind: int) -> tuple[list[bytes], int]:
    """Return the values of a property, and where the next one begins.

    Args:
        data: all properties.
        position: the position of the values.
        kind: their type, and whether there may be several.
    """
    value_type = kind & _TYPE_MASK
    count = 1
    if kind & _MULTIPLE_VALUES or value_type in _COUNTED_TYPES:
        count = _uint32(data, position)
        position += 4

    values: list[bytes] = []
    for _ in range(min(count, MAX_PROPERTIES)):
        length = _SIZES.get(value_type, 0)
        if length == 0:
            length = _uint32(data, position)
            position += 4
        values.append(data[position : position + length])
        position += _padded(length)

    return values, position


def _padded(length: int) -> int:
    """Return the length rounded up to a multiple of four."""
    return length + -length % 4


def decompress_rtf(data: bytes) -> bytes:
    """Decompress rich text (MS-OXRTFCP), up to little more than MAX_RICH_TEXT.

    Args:
        data: a header with the size and the form, then the text. What ends too early gives its beginning.
    """
    if len(data) < _COMPRESSED_HEADER:
        return b""
    _, size, kind = struct.unpack_from("<II4s", data)
    if kind != b"LZFu":
        return data[_COMPRESSED_HEADER : _COMPRESSED_HEADER + size]
    return _Decompressor(data, size).run()


class _Decompressor:
    """Decompresses LZFu: a byte of flags, then eight items, each a byte or a reference into the window."""

    def __init__(self, data: bytes, size: int) -> None:
        """Begin after the header, which states the size of the result."""
        self.data = data
        self.size = size
        self.position = _COMPRESSED_HEADER
        self.window = bytearray(_DICTIONARY.ljust(_WINDOW, b"\0"))
        self.write = len(_DICTIONARY)
        self.out = bytearray()

    def run(self) -> bytes:
        """Return the decompressed data.

        It has at most the size that the header states, and little more than MAX_RICH_TEXT.
        """
        limit = min(self.size, MAX_RICH_TEXT)
        while self.position < len(self.data) and len(self.out) < limit:
            flags = self.data[self.position]
            self.position += 1
            for bit in range(8):
                is_reference = bool(flags >> bit & 1)
                piece = self._referenced() if is_reference else self._literal()
                if piece is None:
                    return bytes(self.out)
                self._append(piece)

        return bytes(self.out[: self.size])

    def _literal(self) -> bytes | None:
        """Return the next byte, None at the end."""
        if self.position >= len(self.data):
            return None
        self.position += 1
        return self.data[self.position - 1 : self.position]

    def _referenced(self) -> bytes | None:
        """Return the bytes of the next reference, None at the end. They may overlap with what they write."""
        if self.position + 2 > len(self.data):
            return None

        reference = int.from_bytes(self.data[self.position : self.position + 2], "big")
        self.position += 2
        offset, length = reference >> 4, (reference & 15) + 2
        if offset == self.write:
            return None

        distance = (self.write - offset) % _WINDOW
        piece = bytearray()
        for step in range(length):
            if step < distance:
                piece.append(self.window[(offset + step) % _WINDOW])
            else:
                piece.append(piece[step - distance])

        return bytes(piece)

    def _append(self, piece: bytes) -> None:
        """Write bytes to the output and to the window.

        Args:
            piece: what was decompressed.
        """
        for byte in piece:
            self.window[self.write] = byte
            self.write = (self.write + 1) % _WINDOW
        self.out += piece


def rtf_to_text(rich: bytes) -> str:
    """Return the text of rich text; if Outlook converted it from HTML, that of the page.

    Args:
        rich: decompressed, of which MAX_RICH_TEXT bytes are read.
    """
    text = rich[:MAX_RICH_TEXT].decode("latin-1")
    return _RtfReader(from_html="\\fromhtml" in text[:MAX_PROLOGUE]).read(text)


@dataclass(slots=True)
class _RtfGroup:
    """A group of rich text: whether its text is left out, and whether it contains a tag of HTML."""

    is_silent: bool = False
    is_tag: bool = False


class _RtfReader:
    """Reads the tokens of rich text.

    `is_hidden` says that text is not part of the HTML that the rich text was converted from. `to_skip` is the
    number of characters that are to be skipped, because they repeat a Unicode character for old readers.
    `pending` are the codes of characters whose neighbours may belong to them.
    """

    def __init__(self, *, from_html: bool) -> None:
        """Begin outside of all groups."""
        self.from_html = from_html
        self.charset = "cp1252"
        self.out: list[str] = []
        self.pending = bytearray()
        self.groups = [_RtfGroup()]
        self.is_hidden = False
        self.to_skip = 0

    def read(self, text: str) -> str:
        """Return the text of rich text, with stripped lines and single empty lines.

        Args:
            text: the text of the document, in which 8-bit characters are written as codes.
        """
        follows_star = False
        for token in _RTF_TOKEN.finditer(text):
            match token.lastgroup:
                case "control":
                    word = token["word"].lower()
                    self._control_word(word, token["number"], follows_star=follows_star)
                case "code":
                    self._character_code(int(token["code"], 16))
                case "sign":
                    self._control_sign(token["sign"])
                case "brace":
                    self._brace(token["brace"])
                case "plain":
                    self._add(token["plain"])
                case _:
                    pass  # a line break, which means nothing
            follows_star = token["sign"] == "*"

        self._flush()
        surrogates = "".join(self.out).encode("utf-16", "surrogatepass")  # pairs of them become one character
        lines = surrogates.decode("utf-16", "replace").split("\n")
        return _GAPS.sub("\n\n", "\n".join(map(str.strip, lines))).strip()

    def _control_sign(self, sign: str) -> None:
        """Add the character that a control sign means; most of them mean none.

        Args:
            sign: such as "~", a non-breaking space.
        """
        match sign:
            case "~":
                self._add(" ")
            case "{" | "}" | "\\":
                self._add(sign)
            case _:
                pass

    def _brace(self, brace: str) -> None:
        """Begin a group, which inherits the state of the one around it, or end it.

        Args:
            brace: "{" or "}"; groups below MAX_DEPTH and braces without a group are ignored.
        """
        depth = len(self.groups)
        if brace == "{":
            outer = self.groups[-1]
            self.groups.append(replace(outer))
            del self.groups[MAX_DEPTH:]
        elif depth > 1:
            self.groups.pop()

    def _control_word(self, word: str, number: str | None, *, follows_star: bool) -> None:
        """Obey a control word.

        Args:
            word: in lower case.
            number: after the word.
            follows_star: the group may be left out by readers that do not know the word.
        """
        group = self.groups[-1]
        match word:
            case "htmltag":
                group.is_tag = True
            case "htmlrtf":
                self.is_hidden = number != "0"
            case _ if follows_star or word in _SILENT_GROUPS:
                group.is_silent = True
            case "ansicpg" if number:
                self.charset = f"cp{number}"
            case "u" if number:
                self._add(chr(int(number) % 65536))
                self.to_skip = 1
            case _ if not self._is_converted():
                if word in _CHARACTERS:
                    self._add(_CHARACTERS[word])

    def _is_converted(self) -> bool:
        """Whether the text here is only part of the conversion from HTML."""
        return self.from_html and self.is_hidden

    def _character_code(self, code: int) -> None:
        """Take the code of a character.

        Args:
            code: in the charset of the text; one that repeats a Unicode character is skipped.
        """
        group = self.groups[-1]
        if self.to_skip:
            self.to_skip -= 1
            return

        is_left_out = self.is_hidden or group.is_silent or group.is_tag
        if not is_left_out:
            self.pending.append(code)

    def _add(self, text: str) -> None:
        """Add text, unless its group is left out; of a tag of HTML only the line break is added.

        Args:
            text: in the letter, or inside of a tag of HTML.
        """
        group = self.groups[-1]
        if group.is_silent:
            return
        if group.is_tag:
            text = "\n" if _LINE_END_TAG.search(text) else ""
        elif self._is_converted():
            return
        if self.to_skip and text not in {"", "\n"}:
            text = text.removeprefix("?")
            self.to_skip = 0

        self._flush()
        self.out.append(text)

    def _flush(self) -> None:
        """Decode the pending codes of characters."""
        if self.pending:
            self.out.append(decode(bytes(self.pending), self.charset))
            self.pending.clear()
