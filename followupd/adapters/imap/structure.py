"""Which parts of a large mail are worth fetching, by its BODYSTRUCTURE, and how they are put together again.

The copy holds the mail's own bytes: its header, each part's MIME header, and the bodies of the parts that people or we
read. Attachments keep their MIME header, so that they can be named, and lose their body.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes

from followupd.adapters.imap.responses import Value, number

MOST_PARTS = 200
DEEPEST = 30
LARGEST_TEXT = 2**20  # bytes fetched of one part
MOST_TEXT = 2 * LARGEST_TEXT  # bytes fetched of all parts of one mail
LARGEST_HEADER = 2**18
#: bytes of a mail that its structure may leave out, such as a preamble; and a hundredth, since Exchange only guesses sizes
UNCLAIMED = 1024
#: Outlook's envelope, whose words stand in front of its attachments
TNEF = frozenset({"ms-tnef", "vnd.ms-tnef"})
FEWEST_WORDS = 8  # bytes of a text part that has more than line ends
BOUNDARY = 80  # bytes a part, with its line ends
#: media that hold no words; any other type, and a broken one, is read
WORDLESS = frozenset({"image", "audio", "video", "application", "font", "model", "message"})
#: reports that machines write for machines (RFC 3464, 8098, 5965)
REPORTS = frozenset(
    {"delivery-status", "global-delivery-status", "disposition-notification", "feedback-report"}
)


class UnsupportedStructureError(Exception):
    """A structure that cannot be followed; the mail's first megabyte is read instead."""


@dataclass(frozen=True, slots=True)
class BodyPart:
    """One node of a mail. `number` is the IMAP section ("1.2"; "" for the mail itself), `read` what to fetch of it.

    `octets` is the size of a leaf's body as the server claims it.
    """

    number: str
    children: tuple["BodyPart", ...] = ()
    read: str = ""  # "" | body | header
    octets: int = 0

    @property
    def prefix(self) -> str:
        return self.number + "." if self.number else ""

    @property
    def header(self) -> str:
        """The section of this node's header."""
        return self.prefix + ("MIME" if self.number else "HEADER")

    @property
    def sections(self) -> Iterator[tuple[str, int]]:
        """Yield the IMAP sections to fetch, with the most bytes of each."""
        yield self.header, LARGEST_HEADER
        if self.read == "body":
            yield self.number or "1", LARGEST_TEXT
        elif self.read == "header":
            yield f"{self.prefix or '1.'}HEADER", LARGEST_HEADER
        for child in self.children:
            yield from child.sections


def outline(structure: Value) -> BodyPart:
    """Read a BODYSTRUCTURE (RFC 9051, 7.5.2).

    Raises:
        TooOddError: it is no structure, or one too deep or too wide to follow.
    """
    outlined = _Outline().of(structure, "", 0)
    return outlined if _has_words(outlined) else _Outline(envelopes=True).of(structure, "", 0)


def _has_words(part: BodyPart) -> bool:
    return (part.read == "body" and part.octets > FEWEST_WORDS) or any(map(_has_words, part.children))


class _Outline:
    """Counts parts and the bytes to read while it goes down, so that no mail costs more than its share.

    With `envelopes` it reads Outlook's, too: the words of a mail that has no others may be in a winmail.dat.
    """

    def __init__(self, *, envelopes: bool = False) -> None:
        self.parts, self.bytes, self.envelopes = 0, 0, envelopes

    def of(self, structure: Value, section: str, depth: int) -> BodyPart:
        self.parts += 1
        if not isinstance(structure, list) or not structure or depth > DEEPEST or self.parts > MOST_PARTS:
            raise UnsupportedStructureError
        if not isinstance(structure[0], list):
            return BodyPart(section, read=self._reading(structure), octets=number(structure[6]))
        prefix = section + "." if section else ""
        children = enumerate(_leading_lists(structure), 1)
        return BodyPart(
            section, tuple(self.of(child, f"{prefix}{position}", depth + 1) for position, child in children)
        )

    def _reading(self, leaf: list[Value]) -> str:
        reading = "body" if self.envelopes and _word(leaf[1]) in TNEF else _reading(leaf)
        if reading != "body":
            return reading
        self.bytes += min(number(leaf[6]), LARGEST_TEXT)
        return "body" if self.bytes <= MOST_TEXT else ""


def _leading_lists(structure: list[Value]) -> Iterator[Value]:
    for child in structure:
        if not isinstance(child, list):
            return
        yield child


def _reading(leaf: list[Value]) -> str:
    if len(leaf) < 7:
        raise UnsupportedStructureError
    kind, subtype = _word(leaf[0]), _word(leaf[1])
    if kind == "message" and subtype in {"rfc822", "global"}:
        return "header"
    if kind in WORDLESS:
        return "body" if kind == "message" and subtype in REPORTS else ""
    return "" if _is_attached(leaf) and subtype not in {"calendar", "rfc822-headers"} else "body"


def _is_attached(text_leaf: list[Value]) -> bool:
    disposition = text_leaf[9] if len(text_leaf) > 9 else None
    return isinstance(disposition, list) and bool(disposition) and _word(disposition[0]) == "attachment"


def _word(value: Value) -> str:
    return value.decode("ascii", "replace").lower() if isinstance(value, bytes) else ""


def put_together(part: BodyPart, fetched: Mapping[bytes, Value], size: int) -> bytes:
    """Join the fetched sections to one mail that a parser can read; `size` is the whole mail's, in bytes.

    Raises:
        TooOddError: the structure leaves out a good deal of the mail (a broken boundary hides words from the server), the
            header names no boundary though the server saw parts, or a text did not come.
    """
    if size - _described(part, fetched) > UNCLAIMED + size // 100:
        raise UnsupportedStructureError
    return b"".join(_joined(part, fetched))


def _described(part: BodyPart, fetched: Mapping[bytes, Value]) -> int:
    header = len(_section(fetched, part.header))
    return header + part.octets + BOUNDARY + sum(_described(child, fetched) for child in part.children)


def _joined(part: BodyPart, fetched: Mapping[bytes, Value]) -> Iterator[bytes]:
    header = _section(fetched, part.header)
    yield _closed(header)
    if part.children:
        yield from _joined_children(part, _boundary(header), fetched)
    elif part.read == "body":
        yield _text(fetched, part.number or "1")
    elif part.read == "header":
        yield _section(fetched, f"{part.prefix or '1.'}HEADER")


def _joined_children(part: BodyPart, boundary: bytes, fetched: Mapping[bytes, Value]) -> Iterator[bytes]:
    for child in part.children:
        yield b"--" + boundary + b"\r\n"
        yield from _joined(child, fetched)
        yield b"\r\n"
    yield b"--" + boundary + b"--\r\n"


def _section(fetched: Mapping[bytes, Value], name: str) -> bytes:
    value = fetched.get(f"BODY[{name}]".encode("ascii"))
    return value if isinstance(value, bytes) else b""


def _text(fetched: Mapping[bytes, Value], name: str) -> bytes:
    value = fetched.get(f"BODY[{name}]".encode("ascii"))
    if not isinstance(value, bytes):
        raise UnsupportedStructureError
    return value


def _closed(header: bytes) -> bytes:
    """End a header with its empty line, which a cut at LARGEST_HEADER and some servers leave out."""
    if header.endswith((b"\r\n\r\n", b"\n\n")) or header in {b"\r\n", b"\n"}:
        return header
    return header.rstrip(b"\r\n") + b"\r\n\r\n"


def _boundary(header: bytes) -> bytes:
    boundary = message_from_bytes(header).get_boundary()
    if not boundary:
        raise UnsupportedStructureError
    return boundary.encode("utf-8", "surrogateescape")
