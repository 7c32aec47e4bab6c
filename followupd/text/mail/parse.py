"""Take a mail apart: bytes in, headers and a flat list of parts out, with limits against hostile input (MAIL.md, R7).

The standard parser goes line by line and tries every open boundary on each line, which is slow on attachments, takes
minutes on hostile mail and recurses. This one looks for each boundary once, cuts, and never recurses; a test holds its
parts against the standard parser's on all corpora.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Generic, TypeVar

from followupd.errors import FollowupdError
from followupd.text.mail.charset import decode, decoded
from followupd.text.mail.headers import Headers, clean, decode_words, octets, word_of

Value = TypeVar("Value")
MOST_BYTES = 2_000_000  # looked at of one mail; photographs behind that are not read
MOST_HEADER = 500_000  # bytes of one header
MOST_PARTS = 200
DEEPEST = 30  # levels of multiparts; real mail has under ten
LEAD = b"\r\n\xef\xbb\xbf"
GUESSED = re.compile(rb"(?:\A|\n)--([^\s][^\r\n]{0,68}[^\s])\r?\ncontent-[a-z-]{1,30}:", re.IGNORECASE)
MEDIA_TYPE = re.compile(r"[a-z0-9!#$&.+^_-]{1,80}/[a-z0-9!#$&.+^_-]{1,80}")
NAME = re.compile(r"[!-9;-~]{1,200}")
ODD_NAME = re.compile(
    r"[!-9;-~]{1,200}[ \t]*"
)  # with blanks behind it, which RFC 5322, 4.5, knows from old mails
PARAMETER = re.compile(r';\s*([\w*-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.){0,2000})"|([^\s;"]{0,2000}))')
ESCAPED = re.compile(r"\\(.)")
PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


class UnreadableError(FollowupdError):
    """This mail cannot be read; it goes to quarantine with this reason and its raw bytes."""


class _Once(Generic[Value]):
    """A property that is worked out once; functools' own takes a lock each time, until Python 3.12."""

    def __init__(self, work: Callable[[Any], Value]) -> None:
        self.work, self.name = work, work.__name__

    def __get__(self, owner: object, _: type) -> Value:
        value = owner.__dict__[self.name] = self.work(owner)
        return value


@dataclass(eq=False)  # not frozen, since that makes a part three times as dear, and many are made
class MimePart:
    """One leaf of the MIME tree, or a message/* part, which is never entered; `parent` is the type it hung in."""

    type: str
    parent: str
    headers: Headers
    settings: Mapping[str, str]
    body: bytes

    @_Once
    def disposition(self) -> str:
        return self.headers.word("content-disposition")

    @_Once
    def filename(self) -> str:
        placed = self.headers.first("content-disposition")
        name = (parameters(placed) if ";" in placed else {}).get("filename") or self.settings.get("name", "")
        return clean(decode_words(name))[:200] if name else ""

    @property
    def attached(self) -> bool:
        return self.disposition == "attachment" or bool(self.filename)

    @_Once
    def octets(self) -> bytes:
        """The part's bytes with their transfer encoding undone."""
        return decoded(self.body, self.headers.word("content-transfer-encoding"))

    @_Once
    def text(self) -> str:
        """The part as Unicode; a line ends in one line feed."""
        text = decode(self.octets, self.settings.get("charset", ""))
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")

    def setting(self, name: str) -> str:
        return self.settings.get(name, "")


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A mail taken apart. `cut` says that its end was not looked at, for its size."""

    headers: Headers
    type: str
    settings: Mapping[str, str]
    parts: tuple[MimePart, ...]
    types: frozenset[str]  # of its parts
    cut: bool = False


def take_apart(raw: bytes) -> ParsedMail:
    """Cut one mail into its parts.

    Raises: UnreadableError when parts are nested deeper than any real mail's.
    """
    lead = raw.lstrip(LEAD)
    whole = lead[:MOST_BYTES]
    if b"\n" not in whole:
        whole = whole.replace(b"\r", b"\n")  # old Macs, and some queues
    headers, body = header_and_body(whole)
    kind, settings = content(headers)
    parts = tuple(_parts(headers, kind, settings, body))
    headers.charset = next((part.settings["charset"] for part in parts if "charset" in part.settings), "")
    types = frozenset([part.type for part in parts])
    return ParsedMail(headers, kind, settings, parts, types, cut=len(lead) > MOST_BYTES)


def header_and_body(raw: bytes) -> tuple[Headers, bytes]:
    """Part the header from the body at the first empty line, or at the first line that can stand in no header."""
    end = _end_of_header(raw)
    text = raw[: min(end, MOST_HEADER)].decode("ascii", "surrogateescape")
    fields = _fields(text)
    if fields is not None:
        return Headers(fields), raw[end:]
    pairs, stop = _odd_fields(text)
    return Headers.of(pairs), raw[end if stop is None else stop :]


def _end_of_header(raw: bytes) -> int:
    """Return where the body begins: behind the first empty line, or nowhere; a search of bytes is much cheaper than a pattern."""
    if raw.startswith((b"\n", b"\r\n")):
        return 1 if raw.startswith(b"\n") else 2
    first = raw.find(b"\n")
    gaps = (b"\n\r\n", b"\n\n") if raw[first - 1 : first] == b"\r" else (b"\n\n", b"\n\r\n")
    end = len(raw)
    for gap in gaps:  # the likelier first, for the other is then looked for in the header alone
        at = raw.find(gap, 0, end)
        end = at + len(gap) if at >= 0 else end
    return end


def _fields(text: str) -> dict[str, list[str]] | None:
    """Read the fields of a header that is well written: each line begins one or goes on with one; None for any other."""
    at = text.find("\n") + 1 if text.startswith(("From ", ">From ")) else 0
    text = text[at:].rstrip().replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ")
    fields: dict[str, list[str]] = {}
    for field in text.split("\n") if text else ():
        written, colon, value = field.partition(":")
        name = _name(written)
        if not colon or not name:
            return None
        if name in fields:
            fields[name].append(value)
        else:
            fields[name] = [value]
    return fields


@lru_cache(maxsize=1024)  # all mails have the same few names
def _name(written: str) -> str:
    """Return a field's name in lower case; "" when it is oddly written, or none at all."""
    return written.lower() if NAME.fullmatch(written) else ""


def _odd_fields(text: str) -> tuple[list[tuple[str, str]], int | None]:
    """Read a header with lines in it that are no fields; return where the body begins if one of them must belong to it."""
    fields: list[tuple[str, list[str]]] = []
    at, stop = 0, None
    for line in text.split("\n"):
        name, colon, value = line.lstrip().partition(":") if not fields else line.partition(":")
        if line.startswith((" ", "\t")) and fields:
            fields[-1][1].append(line)
        elif colon and ODD_NAME.fullmatch(name):
            fields.append((name, [value]))
        elif line.strip() and not line.startswith(("From ", ">From ")):  # the latter are an mbox file's
            stop = at
            break
        at += len(line) + 1
    return [(name, "\n".join(lines)) for name, lines in fields], stop


def _parts(headers: Headers, kind: str, settings: Mapping[str, str], body: bytes) -> Iterator[MimePart]:
    """Yield the leaves in order, up to MOST_PARTS: the words stand in front, and what follows are files."""
    waiting = [(MimePart(kind, "", headers, settings, body), 0)]
    seen = 0
    while waiting and seen < MOST_PARTS:
        part, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST:
            raise UnreadableError(f"its parts are nested more than {DEEPEST} deep")
        if not part.type.startswith("multipart/"):
            yield part
        elif pieces := _cut(part.body, part.setting("boundary")) or _cut(
            part.body, _guessed_boundary(part.body)
        ):
            waiting += [(_child(piece, part.type), depth + 1) for piece in reversed(pieces)]
        else:
            yield replace(part, type="text/plain", settings={})


def _child(piece: bytes, parent: str) -> MimePart:
    headers, body = header_and_body(piece)
    kind, settings = content(headers)
    if parent == "multipart/digest" and "content-type" not in headers:
        kind = "message/rfc822"  # RFC 2046, 5.1.5
    return MimePart(kind, parent, headers, settings, body)


def _guessed_boundary(body: bytes) -> str:
    """Find the boundary that a header forgot or misspelt: a line of its own, and a header right below."""
    found = GUESSED.search(body[:20_000])
    return found[1].decode("ascii", "surrogateescape") if found else ""


def _cut(body: bytes, boundary: str) -> list[bytes]:
    """Return what stands between the lines of a boundary; nothing when it never comes (RFC 2046, 5.1.1)."""
    if not boundary:
        return []
    token = b"\n--" + octets(boundary.rstrip())
    body = b"\n" + body if body.startswith(token[1:]) else body
    pieces: list[bytes] = []
    start, at = -1, body.find(token)
    while at >= 0 and len(pieces) < MOST_PARTS:
        stop = body.find(b"\n", at + len(token))
        tail = body[at + len(token) : stop if stop >= 0 else len(body)][:200].strip()
        if tail in {b"", b"--"}:
            pieces += [body[start:at].removesuffix(b"\r")] if start >= 0 else []
            start = stop + 1 if stop >= 0 else len(body)
        if tail == b"--":
            return pieces
        at = body.find(token, max(stop, at + 1))
    return pieces if start < 0 else [*pieces, body[start:]]


def content(headers: Headers) -> tuple[str, Mapping[str, str]]:
    """Return a part's media type, "text/plain" when it has no usable one (RFC 2045, 5.2), and its parameters."""
    return _content(headers.first("content-type"))


@lru_cache(maxsize=256)  # "text/plain; charset=utf-8" comes again and again
def _content(field: str) -> tuple[str, Mapping[str, str]]:
    named = MEDIA_TYPE.match(word_of(field))
    kind = named[0] if named else "multipart/mixed" if field.lower().startswith("multipart") else "text/plain"
    return kind, parameters(field) if ";" in field else {}


def parameters(field: str) -> dict[str, str]:
    """Read the parameters of a structured field, RFC 2231 pieces and charsets joined, in linear time."""
    found: dict[str, str] = {}
    pieces: dict[str, list[str]] = {}
    for name, quoted, bare in PARAMETER.findall(field[:20_000]):
        value = ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted or bare
        base, star, _ = name.lower().partition("*")
        if star:
            pieces.setdefault(base, []).append(value)
        else:
            found.setdefault(base, value)
    return found | {base: _joined(values) for base, values in pieces.items()}


def _joined(values: list[str]) -> str:
    whole = "".join(values)
    charset, _, text = whole.split("'", 2) if whole.count("'") > 1 else ("", "", whole)
    return decode(PERCENT.sub(lambda pair: bytes([int(pair[1], 16)]), octets(text)), charset)
