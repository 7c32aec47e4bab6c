"""Parse a mail: bytes to headers and a flat list of parts, with limits for hostile input (docs/mail.md R7).

The standard parser goes line by line and tries every open boundary on each line: it is slow on attachments,
takes minutes on hostile mail, and recurses. This one searches for each boundary once and never recurses. A
test compares its parts with those of the standard parser on all corpora.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from typing import Any, Generic, TypeVar

from followupd.errors import UnreadableError
from followupd.text.mail.charset import decode, decode_transfer, eastern_charset, is_decodable
from followupd.text.mail.headers import Headers, clean, decode_encoded_words, first_token, raw_bytes

Value = TypeVar("Value")
#: bytes of a mail that are read; what is after them is nearly always an attachment
MAX_MAIL = 2_000_000
#: bytes of one header
MAX_HEADER = 500_000
MAX_PARTS = 200
#: levels of multiparts; real mail has fewer than ten
MAX_DEPTH = 30
#: bytes of a multipart in which a boundary is looked for that its header does not tell
MAX_GUESS = 20_000
#: characters of a field whose parameters are read
MAX_PARAMETERS = 20_000
#: characters of a file name
MAX_FILENAME = 200
#: bytes of the line of a boundary that are compared
MAX_BOUNDARY_TAIL = 200

#: what may be before a mail: empty lines and a byte order mark
_LEAD = b"\r\n\xef\xbb\xbf"
#: characters of a text that tell its language
MAX_SAMPLE = 2000
_TEXTS = frozenset({"text/plain", "text/html"})
#: lines from a stray one on in which fields are looked for
MAX_BELOW = 60
#: fields that a header has once
_SINGLE_FIELDS = frozenset({"from", "to", "subject", "date", "message-id"})
#: fields that no program writes above a quote
_TECHNICAL_FIELDS = frozenset({"message-id", "mime-version", "received", "return-path", "dkim-signature"})
#: fields by which a header is recognised
_USUAL_FIELDS = (
    _SINGLE_FIELDS
    | _TECHNICAL_FIELDS
    | {"cc", "reply-to", "in-reply-to", "references", "content-type", "content-transfer-encoding"}
    | {"sender", "delivered-to", "x-mailer", "user-agent"}
)
#: the lines with which files in mbox format separate mails
_MBOX_LINES = ("From ", ">From ")
_GUESSED_BOUNDARY = re.compile(
    rb"(?:\A|\n)--([^\s][^\r\n]{0,68}[^\s])\r?\ncontent-[a-z-]{1,30}:", re.IGNORECASE
)
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&.+^_-]{1,80}/[a-z0-9!#$&.+^_-]{1,80}")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,200}")
#: with white space before the colon, as in old mails (RFC 5322, section 4.5)
_OBSOLETE_FIELD_NAME = re.compile(r"[!-9;-~]{1,200}[ \t]*")
#: a line of blanks in a header, which continues a field for some servers, and ends the header for others
_BLANK_LINE = re.compile(r"\n[ \t]+\r?\n")
_PARAMETER = re.compile(
    r"""
    ;\s*([\w*-]{1,40})                          # name
    \s*=\s*
    (?: "((?:[^"\\]|\\.){0,2000})"              # quoted value
      | ([^\s;"]{0,2000}) )                     # bare value
    """,
    re.VERBOSE,
)
_QUOTED_PAIR = re.compile(r"\\(.)")
_PERCENT_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")


class _Lazy(Generic[Value]):
    """A property that is computed once; `functools.cached_property` takes a lock until Python 3.12."""

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        """Wrap the method that computes the value."""
        self.compute = compute
        self.name = compute.__name__

    def __get__(self, owner: object, _: type) -> Value:
        """Compute the value and put it in place of the property."""
        value = owner.__dict__[self.name] = self.compute(owner)
        return value


@dataclass(eq=False)  # a frozen one takes three times as long to create, and there are many
class MimePart:
    """A leaf of the MIME tree, or a message/* part, whose contents are not parsed.

    `type` and `parent` are media types: its own and that of the multipart around it. `alternative` is the
    number of the multipart/alternative that it is in, 0 for none, and `branch` which of its forms it belongs
    to.
    """

    type: str
    parent: str
    headers: Headers
    parameters: Mapping[str, str]
    body: bytes
    alternative: int = 0
    branch: int = 0

    @_Lazy
    def disposition(self) -> str:
        """The disposition, such as "attachment", "" if the header names none."""
        return self.headers.token("content-disposition")

    @_Lazy
    def filename(self) -> str:
        """The file name in Content-Disposition or Content-Type, "" if there is none."""
        disposition = self.headers.first("content-disposition")
        name = parse_parameters(disposition).get("filename") or self.parameter("name")
        return clean(decode_encoded_words(name))[:MAX_FILENAME]

    @property
    def is_attached(self) -> bool:
        """Whether a mail client shows it as a file."""
        return self.disposition == "attachment" or self.filename != ""

    @_Lazy
    def octets(self) -> bytes:
        """The contents, with the transfer encoding undone."""
        return decode_transfer(self.body, self.headers.token("content-transfer-encoding"))

    @_Lazy
    def text(self) -> str:
        """The contents as Unicode, with line feeds and without NUL."""
        text = decode(self.octets, self.parameter("charset"))
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")

    def parameter(self, name: str) -> str:
        """Return a parameter of Content-Type, "" if there is none.

        Args:
            name: in lower case.
        """
        return self.parameters.get(name, "")


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A parsed mail; `types` are those of its parts, and `is_cut` says that it was too large to be read."""

    headers: Headers
    type: str
    parameters: Mapping[str, str]
    parts: tuple[MimePart, ...]
    types: frozenset[str]
    is_cut: bool = False


def parse_mail(raw: bytes) -> ParsedMail:
    """Parse a mail.

    Args:
        raw: of which MAX_MAIL bytes are read.

    Raises:
        UnreadableError: its parts are nested deeper than those of any real mail.
    """
    lead = raw.lstrip(_LEAD)
    mail = lead[:MAX_MAIL]
    if b"\n" not in mail:
        mail = mail.replace(b"\r", b"\n")  # line ends of old Macs and of some queues

    headers, body = split_header(mail)
    media_type, parameters = content_type(headers)
    root = MimePart(media_type, "", headers, parameters, body)
    parts = tuple(_leaves(root))
    headers.charset = _charset_of_fields(headers, parts)
    return ParsedMail(
        headers=headers,
        type=media_type,
        parameters=parameters,
        parts=parts,
        types=frozenset([part.type for part in parts]),
        is_cut=len(lead) > MAX_MAIL,
    )


def _charset_of_fields(headers: Headers, parts: Sequence[MimePart]) -> str:
    """Return the charset of 8-bit fields: that of the text, or of its language if the fields are not in that.

    Args:
        headers: the headers of the mail.
        parts: the parts of the mail, of which the first with a charset counts.
    """
    declared = next((part.parameters["charset"] for part in parts if "charset" in part.parameters), "")
    raw = headers.first("subject") + headers.first("from")
    if raw.isascii() or is_decodable(raw_bytes(raw), "utf-8"):
        return declared

    text = next((part.text[:MAX_SAMPLE] for part in parts if part.type in _TEXTS), "")
    eastern = eastern_charset(headers.token("content-language"), text)
    if eastern and is_decodable(raw_bytes(raw), eastern):
        return eastern
    return declared


def split_header(raw: bytes) -> tuple[Headers, bytes]:
    """Return header and body.

    The body begins after the first empty line, or at the first line that is no field.

    Args:
        raw: a mail, or a part of one.
    """
    end = _end_of_header(raw)
    text = raw[: min(end, MAX_HEADER)].decode("ascii", "surrogateescape")
    regular = _regular_fields(text)
    if regular is not None:
        return regular, raw[end:]

    pairs, body_start = _irregular_fields(text)
    if body_start is None:
        body_start = end

    return Headers.of(pairs), raw[body_start:]


def _end_of_header(raw: bytes) -> int:
    """Return where the body begins: after the first empty line, else at the end.

    Both forms of an empty line are searched as bytes, which is much faster than a pattern. The form that the
    first line uses goes first, so that the other one is searched in the header alone.

    Args:
        raw: a mail, or a part of one.
    """
    if raw.startswith(b"\n"):
        return 1
    if raw.startswith(b"\r\n"):
        return 2

    first = raw.find(b"\n")
    gaps = [b"\n\n", b"\n\r\n"]
    if raw[first - 1 : first] == b"\r":
        gaps.reverse()

    end = len(raw)
    for gap in gaps:
        position = raw.find(gap, 0, end)
        if position >= 0:
            end = position + len(gap)

    return end


def _regular_fields(text: str) -> Headers | None:
    """Return the fields of a header in which every line begins or continues a field; None for any other.

    Args:
        text: the header, with 8-bit bytes as surrogates.
    """
    if text.startswith(_MBOX_LINES):
        text = text[text.find("\n") + 1 :]

    text = text.rstrip()
    unfolded = text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ")
    fields: dict[str, list[str]] = {}
    names: list[str] = []
    if not unfolded:
        return Headers(fields, names)
    for field in unfolded.split("\n"):
        written, colon, value = field.partition(":")
        name = _field_name(written)
        if not colon or not name:
            return None
        if name in fields:
            fields[name].append(value)
        else:
            fields[name] = [value]
        names.append(name)

    ends_in_blank = " \n" in unfolded or "\t\n" in unfolded  # a line of blanks does, too
    has_blank_line = ends_in_blank and _BLANK_LINE.search(text) is not None
    return Headers(fields, names, is_regular=not has_blank_line)


@lru_cache(maxsize=1024)  # all mails have the same few names
def _field_name(written: str) -> str:
    """Return a field's name in lower case, "" if it is no valid one.

    Args:
        written: what is before the colon.
    """
    if not _FIELD_NAME.fullmatch(written):
        return ""
    return written.lower()


def _irregular_fields(text: str) -> tuple[list[tuple[str, str]], int | None]:
    """Return the fields of a header that contains lines which are no fields.

    Args:
        text: the header, with 8-bit bytes as surrogates.

    Returns:
        Names and values, and the position of the first line that can only be text, None if there is none.
    """
    fields: list[tuple[str, list[str]]] = []
    position = 0
    lines = text.split("\n")
    for number, line in enumerate(lines):
        written = line if fields else line.lstrip()
        name, colon, value = written.partition(":")
        if fields and line.startswith((" ", "\t")):
            fields[-1][1].append(line)
        elif colon and _OBSOLETE_FIELD_NAME.fullmatch(name):
            fields.append((name, [value]))
        elif line.strip() and not line.startswith(_MBOX_LINES):
            if not _fields_follow(fields, lines[number:]):
                return _joined_values(fields), position
            if fields:  # a folded line that has lost its indentation
                fields[-1][1].append(f" {line}")
        position += len(line) + 1

    return _joined_values(fields), None


def _fields_follow(fields: Sequence[tuple[str, list[str]]], lines: Sequence[str]) -> bool:
    """Whether the header continues below a line that is no field.

    It does if usual fields follow that have not been there yet. If one comes again, or a boundary, the line
    begins a text with the header of another mail or part. Above a text without a header of its own, such as
    a quote, only fields that no program quotes tell that it is a header.

    Args:
        fields: those above the line.
        lines: the line, and those of the header below it.
    """
    near = list(takewhile(lambda line: not line.startswith("--"), lines[:MAX_BELOW]))
    above = {name.strip().lower() for name, _ in fields}
    below = {line.partition(":")[0].strip().lower() for line in near[1:] if ":" in line}
    if below & above & _SINGLE_FIELDS:
        return False

    wanted = _USUAL_FIELDS if fields else _TECHNICAL_FIELDS
    return not wanted.isdisjoint(below - above)


def _joined_values(fields: list[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    """Return names and values, with the lines of each value joined.

    Args:
        fields: names, and the lines of each value as they are folded.
    """
    return [(name, "\n".join(lines)) for name, lines in fields]


def _leaves(root: MimePart) -> Iterator[MimePart]:
    """Yield the leaves of a MIME tree in order, up to MAX_PARTS parts: the text comes before the files.

    A multipart without a boundary is yielded as plain text.

    Raises:
        UnreadableError: multiparts are nested more than MAX_DEPTH deep.
    """
    waiting = [(root, 0)]
    for number in range(1, MAX_PARTS + 1):
        if not waiting:
            return
        part, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise UnreadableError(f"its parts are nested more than {MAX_DEPTH} deep")
        if not part.type.startswith("multipart/"):
            yield part
            continue

        children = _children(part, number)
        if not children:
            yield replace(part, type="text/plain", parameters={})
        waiting += [(child, depth + 1) for child in reversed(children)]


def _children(part: MimePart, number: int) -> list[MimePart]:
    """Return the parts of a multipart in order, none if there is no boundary in it.

    Args:
        part: the multipart; a boundary that its header does not name, or that is not in it, is guessed.
        number: its number within the mail, by which the forms of one alternative are known to belong together.
    """
    pieces = _split(part.body, part.parameter("boundary")) or _split(part.body, _guess_boundary(part.body))
    children = [_child(piece, part.type) for piece in pieces]
    is_alternative = part.type == "multipart/alternative"
    for branch, child in enumerate(children):
        child.alternative = number if is_alternative else part.alternative
        child.branch = branch if is_alternative else part.branch
    return children


def _child(piece: bytes, parent: str) -> MimePart:
    """Return a part of a multipart.

    Args:
        piece: the bytes between two boundaries.
        parent: the media type of the multipart.
    """
    headers, body = split_header(piece)
    media_type, parameters = content_type(headers)
    if parent == "multipart/digest" and "content-type" not in headers:
        media_type = "message/rfc822"  # RFC 2046, section 5.1.5
    return MimePart(media_type, parent, headers, parameters, body)


def _guess_boundary(body: bytes) -> str:
    """Return the boundary that the header does not tell or misspells: a line "--..." with a header below it.

    Args:
        body: the body of the multipart, of which MAX_GUESS bytes are searched.
    """
    found = _GUESSED_BOUNDARY.search(body[:MAX_GUESS])
    if found is None:
        return ""
    return found[1].decode("ascii", "surrogateescape")


def _split(body: bytes, boundary: str) -> list[bytes]:
    """Return what is between the lines of a boundary (RFC 2046, section 5.1.1).

    Without such a line there is nothing.

    Args:
        body: the body of the multipart.
        boundary: without its dashes.
    """
    if not boundary:
        return []

    token = b"\n--" + raw_bytes(boundary.rstrip())
    if body.startswith(token[1:]):
        body = b"\n" + body

    pieces: list[bytes] = []
    start = -1  # of the current piece; -1 before the first boundary
    position = body.find(token)
    while position >= 0 and len(pieces) < MAX_PARTS:
        line_end = body.find(b"\n", position + len(token))
        if line_end < 0:
            line_end = len(body)
        tail = body[position + len(token) : line_end][:MAX_BOUNDARY_TAIL].strip()
        is_boundary = tail in {b"", b"--"}
        if is_boundary and start >= 0:
            pieces.append(body[start:position].removesuffix(b"\r"))
        if tail == b"--":
            return pieces
        if is_boundary:
            start = min(line_end + 1, len(body))
        position = body.find(token, line_end)
    if start >= 0:
        pieces.append(body[start:])
    return pieces


def content_type(headers: Headers) -> tuple[str, Mapping[str, str]]:
    """Return a part's media type and its parameters.

    Without a usable type it is text/plain (RFC 2045, section 5.2).

    Args:
        headers: the headers of the part.
    """
    return _parse_content_type(headers.first("content-type"))


@lru_cache(maxsize=256)  # many mails have the same few
def _parse_content_type(field: str) -> tuple[str, Mapping[str, str]]:
    """Return media type and parameters of a Content-Type field, also of an invalid or empty one.

    Args:
        field: unfolded.
    """
    parameters = parse_parameters(field)
    found = _MEDIA_TYPE.match(first_token(field))
    if found:
        return found[0], parameters
    if field.lower().startswith("multipart"):
        return "multipart/mixed", parameters

    return "text/plain", parameters


def parse_parameters(field: str) -> dict[str, str]:
    """Return the parameters of a structured field by their lower-case names, in linear time.

    Values in pieces are joined, and their charset is decoded (RFC 2231).

    Args:
        field: unfolded, of which MAX_PARAMETERS characters are read.
    """
    if ";" not in field:
        return {}

    parameters: dict[str, str] = {}
    pieces: dict[str, list[str]] = {}
    for written, quoted, bare in _PARAMETER.findall(field[:MAX_PARAMETERS]):
        value = _QUOTED_PAIR.sub(r"\1", quoted) or bare
        name, star, _ = written.lower().partition("*")
        if star:
            pieces.setdefault(name, []).append(value)
        else:
            parameters.setdefault(name, value)
    for name, values in pieces.items():
        parameters[name] = _decode_extended("".join(values))

    return parameters


def _decode_extended(value: str) -> str:
    """Decode a value such as "utf-8'en'%e2%82%ac" (RFC 2231, section 4).

    One without apostrophes has no charset.

    Args:
        value: the value of a parameter, with its pieces joined.
    """
    charset, text = "", value
    if value.count("'") > 1:
        charset, _, text = value.split("'", 2)
    data = _PERCENT_ENCODED.sub(lambda found: bytes.fromhex(found[1].decode()), raw_bytes(text))
    return decode(data, charset)
