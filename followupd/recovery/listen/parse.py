"""Take a mail apart: bytes in, headers and a flat list of parts out, with limits against hostile input (MAIL.md, R7)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import Any

from followupd.errors import FollowupdError
from followupd.recovery.listen.charset import decode
from followupd.recovery.listen.header import Headers, clean, decode_words, octets

MOST_BYTES = 2_000_000  # parsed of one mail; photographs behind that are not read
MOST_LINES = 150_000
MOST_PARTS = 200
DEEPEST = 30  # levels of multiparts; real mail has under ten
MOST_WORK = 3_000_000  # lines times boundaries: the standard parser tries each open boundary on each line
LEAD = b"\r\n\xef\xbb\xbf"
PARAMETER = re.compile(r';\s*([\w*-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.){0,2000})"|([^\s;"]{0,2000}))')
GAP = re.compile(rb"\n\r?\n")
MANY = re.compile(rb"^content-type\s{0,9}:\s{0,99}(?:multipart|message)", re.IGNORECASE | re.MULTILINE)
BOUNDARY = re.compile(rb"boundary", re.IGNORECASE)


class UnreadableError(FollowupdError):
    """This mail cannot be read; it goes to quarantine with this reason and its raw bytes."""


class Letter(Message):
    """A MIME part whose parameters are read in linear time; the standard reading is quadratic on hostile fields."""

    def get_boundary(self, failobj: Any = None) -> Any:
        return parameters(str(self._first("content-type"))).get("boundary", "").rstrip() or failobj

    def _first(self, wanted: str) -> str:
        return next((value for name, value in self.raw_items() if name.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of the MIME tree, or a message/* node; `depth` and `parent` tell where it hung."""

    type: str
    parent: str
    node: Message
    disposition: str = ""
    filename: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def attached(self) -> bool:
        return self.disposition == "attachment" or bool(self.filename)

    def setting(self, name: str) -> str:
        return dict(self.settings).get(name, "")

    @property
    def inner(self) -> list[Message]:
        """The messages that the parser found inside: a forwarded mail, or the blocks of a delivery report."""
        return inner(self.node)

    def octets(self) -> bytes:
        """Return the part's bytes with its transfer encoding undone; a broken encoding gives what can be had."""
        try:
            data = self.node.get_payload(decode=True)
        except (ValueError, LookupError, AssertionError):
            data = None
        if isinstance(data, bytes):
            return data
        payload = self.node.get_payload()
        return octets(payload) if isinstance(payload, str) else b""

    def text(self) -> str:
        """Return the part as Unicode; a line ends in one line feed."""
        text = decode(self.octets(), self.setting("charset"))
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail taken apart. `cut` says that its end was not read, for its size."""

    headers: Headers
    type: str
    settings: dict[str, str]
    parts: tuple[Part, ...]
    cut: bool = False


def take_apart(raw: bytes) -> Mail:
    """Parse one mail.

    Raises: UnreadableError for what no program should try (nesting, or a parser that gives up).
    """
    bounded = _bounded(raw)
    try:
        node = _parsed(bounded)
        parts = tuple(_parts(node))
    except RecursionError:
        raise UnreadableError("parts are nested too deeply") from None
    except UnreadableError:
        raise
    except Exception as error:  # it has raised seven kinds of error on real mail
        raise UnreadableError(f"the mail's structure cannot be read ({type(error).__name__})") from error
    own_type, settings = content(node)
    return Mail(Headers(node.raw_items()), own_type, settings, parts, cut=len(bounded) < len(raw.lstrip(LEAD)))


def _parsed(raw: bytes) -> Message:
    """Parse a mail; of one that has a single part only the header, for the parser goes line by line."""
    gap = GAP.search(raw)
    if gap is None or MANY.search(raw, 0, gap.end()):
        return message_from_bytes(raw, _class=Letter, policy=compat32)
    node = message_from_bytes(raw[: gap.end()], _class=Letter, policy=compat32)
    spoilt = node.get_payload()  # what stood behind a line that is no header line
    body = raw[gap.end() :].decode("ascii", "surrogateescape")
    node.set_payload(f"{spoilt}{body}" if isinstance(spoilt, str) else body)
    return node


def _bounded(raw: bytes) -> bytes:
    """Cut a mail to what is parsed.

    Raises: UnreadableError when its structure would cost too much work.
    """
    raw = raw.lstrip(LEAD)[:MOST_BYTES]
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")  # old Macs, and some queues
    lines = raw.count(b"\n")
    if lines > MOST_LINES:
        raw, lines = b"\n".join(raw.split(b"\n", MOST_LINES)[:-1]), MOST_LINES
    if lines > 10_000 and lines * len(BOUNDARY.findall(raw)) > MOST_WORK:
        raise UnreadableError("too many parts for so many lines")
    return raw


def _parts(root: Message) -> Iterator[Part]:
    """Yield the leaves in order, up to MOST_PARTS; message/* nodes are yielded whole and never entered (R7)."""
    waiting: list[tuple[Message, str, int]] = [(root, "", 0)]
    seen = 0
    while waiting:
        node, parent, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST:
            raise UnreadableError(f"more than {DEEPEST} levels of parts")
        if seen > MOST_PARTS:
            return  # the words stand in front; what follows are files
        kind, settings = content(node)
        if node.is_multipart() and kind.startswith("multipart/"):
            waiting += [
                (child, kind, depth + 1) for child in reversed(node.get_payload()) if isinstance(child, Message)
            ]
        else:
            yield _part(node, kind, parent, settings)


def inner(node: Message) -> list[Message]:
    payload = node.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _part(node: Message, kind: str, parent: str, settings: dict[str, str]) -> Part:
    fields = Headers((name, value) for name, value in node.raw_items() if name.lower().startswith("content-"))
    disposition = fields.first("content-disposition")
    placed = parameters(disposition) if ";" in disposition else {}
    filename = placed.get("filename") or settings.get("name", "")
    return Part(
        kind,
        parent,
        node,
        disposition.split(";")[0].strip().lower(),
        clean(decode_words(filename))[:200],
        tuple(settings.items()),
    )


def content(node: Message) -> tuple[str, dict[str, str]]:
    """Return a part's media type, "text/plain" when it has no usable one (RFC 2045, 5.2), and its parameters."""
    field = next((str(value) for name, value in node.raw_items() if name.lower() == "content-type"), "")
    kind = field.split(";", 1)[0].strip().lower()
    if kind.count("/") != 1 or any(char.isspace() for char in kind):
        kind = "text/plain" if not kind.startswith("multipart") else "multipart/mixed"
    return kind, parameters(field) if ";" in field else {}


def parameters(field: str) -> dict[str, str]:
    """Read the parameters of a structured field, RFC 2231 pieces and charsets joined, in linear time."""
    found: dict[str, str] = {}
    pieces: dict[str, list[str]] = {}
    for name, quoted, bare in PARAMETER.findall(field[:20_000]):
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        base, star, _ = name.lower().partition("*")
        if star:
            pieces.setdefault(base, []).append(value)
        else:
            found.setdefault(base, value)
    return found | {base: _joined(values) for base, values in pieces.items()}


def _joined(values: list[str]) -> str:
    whole = "".join(values)
    charset, _, text = whole.split("'", 2) if whole.count("'") > 1 else ("", "", whole)
    data = re.sub(rb"%([0-9A-Fa-f]{2})", lambda pair: bytes([int(pair[1], 16)]), octets(text))
    return decode(data, charset)
