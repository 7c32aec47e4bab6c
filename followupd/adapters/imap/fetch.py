"""Fetch mails from the selected folder: small ones whole, large ones without their attachments.

The BODYSTRUCTURE of a large mail says which parts to fetch. The copy consists of the mail's own bytes: its
header, the MIME header of each part, and the bodies of the parts that people or we read. Attachments keep
their MIME header, so that they can be named, and lose their body.
"""

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.generator import BytesGenerator
from email.message import Message
from email.utils import parsedate_to_datetime
from io import BytesIO
from itertools import takewhile

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from followupd.adapters.imap.client import Client, decoded_name, uid_set
from followupd.adapters.imap.responses import Row, Value, as_datetime, as_list, as_number

MAX_PARTS = 200
MAX_DEPTH = 30
MAX_TEXT = 2**20  # bytes fetched of one part
MAX_TEXT_IN_ALL = 2 * MAX_TEXT  # bytes fetched of all parts of one mail
MAX_HEADER = 2**18
#: bytes of a mail that its structure may leave out, such as a preamble; plus 1 %, since Exchange only
#: estimates sizes
UNDESCRIBED = 1024
#: Outlook's container; the text in it comes before its attachments
TNEF = frozenset({"ms-tnef", "vnd.ms-tnef"})
MIN_TEXT = 8  # bytes of a text part that has more than line ends
BOUNDARY_SIZE = 80  # bytes for each part, with its line ends
#: media types without text; a part of any other type, even a malformed one, is read
WITHOUT_TEXT = frozenset({"image", "audio", "video", "application", "font", "model", "message"})
#: reports for machines (RFC 3464, RFC 8098, RFC 5965)
REPORTS = frozenset(
    {"delivery-status", "global-delivery-status", "disposition-notification", "feedback-report"}
)


class UnsupportedStructureError(Exception):
    """The structure cannot be used; the first megabyte of the mail is fetched instead."""


@dataclass(frozen=True, slots=True)
class BodyPart:
    """One node of a mail's structure.

    `number` is the IMAP section ("1.2"; "" for the mail itself), `fetch` says which part of it to fetch,
    `octets` is the size of a leaf's body as the server states it.
    """

    number: str
    children: tuple["BodyPart", ...] = ()
    fetch: str = ""  # "" | body | header
    octets: int = 0

    @property
    def prefix(self) -> str:
        """The number with a dot after it, as it precedes the number of a child."""
        return self.number + "." if self.number else ""

    @property
    def header(self) -> str:
        """The section of this node's header."""
        return self.prefix + ("MIME" if self.number else "HEADER")

    @property
    def attached_header(self) -> str:
        """The section of the header of an attached mail."""
        return f"{self.prefix or '1.'}HEADER"

    @property
    def sections(self) -> Iterator[tuple[str, int]]:
        """Yield the IMAP sections to fetch of this node and below, with the most bytes of each."""
        yield self.header, MAX_HEADER
        if self.fetch == "body":
            yield self.number or "1", MAX_TEXT
        elif self.fetch == "header":
            yield self.attached_header, MAX_HEADER
        for child in self.children:
            yield from child.sections


def outline(structure: Value) -> BodyPart:
    """Return the outline of a BODYSTRUCTURE (RFC 9051, section 7.5.2).

    Outlook's container is fetched only for a mail that has no other text.

    Raises:
        UnsupportedStructureError: it is no structure, or one that is too deep or too wide.
    """
    outlined = _Outliner().outline(structure, "", 0)
    if _has_text(outlined):
        return outlined
    return _Outliner(tnef=True).outline(structure, "", 0)


def _has_text(part: BodyPart) -> bool:
    """Whether a part that will be fetched has more than line ends in it."""
    if part.fetch == "body" and part.octets > MIN_TEXT:
        return True
    return any(map(_has_text, part.children))


class _Outliner:
    """Outlines one mail, counting parts and bytes to fetch, so that both stay bounded.

    With `tnef` the body of Outlook's container is fetched too: the text of a mail that has no other text may
    be in it.
    """

    def __init__(self, *, tnef: bool = False) -> None:
        self.tnef = tnef
        self.parts = 0
        self.bytes = 0

    def outline(self, structure: Value, section: str, depth: int) -> BodyPart:
        """Return the outline of a node and of everything below it.

        Args:
            structure: the node as FETCH returned it.
            section: the IMAP section of the node, "" for the mail itself.
            depth: how many nodes are above it.

        Raises:
            UnsupportedStructureError: it is no structure, or one that is too deep or has too many parts.
        """
        self.parts += 1
        if not isinstance(structure, list) or not structure:
            raise UnsupportedStructureError
        if depth > MAX_DEPTH or self.parts > MAX_PARTS:
            raise UnsupportedStructureError

        if not isinstance(structure[0], list):
            return BodyPart(section, fetch=self._leaf_fetch(structure), octets=as_number(structure[6]))

        prefix = section + "." if section else ""
        children = []
        for position, child in enumerate(_leading_lists(structure), 1):
            children.append(self.outline(child, f"{prefix}{position}", depth + 1))
        return BodyPart(section, tuple(children))

    def _leaf_fetch(self, leaf: list[Value]) -> str:
        """Return what to fetch of a leaf, "" once the mail's limit of bytes is reached."""
        fetch = "body" if self.tnef and _lower(leaf[1]) in TNEF else _leaf_fetch(leaf)
        if fetch != "body":
            return fetch
        self.bytes += min(as_number(leaf[6]), MAX_TEXT)
        return "body" if self.bytes <= MAX_TEXT_IN_ALL else ""


def _leading_lists(structure: list[Value]) -> Iterator[Value]:
    """Return the children of a multipart: its leading lists."""
    return takewhile(lambda child: isinstance(child, list), structure)


def _leaf_fetch(leaf: list[Value]) -> str:
    """Return what to fetch of a leaf, by its media type: "body", "header" (of an attached mail), or nothing.

    Attached text counts as an attachment, except for calendars and the headers that a delivery report
    returns.

    Raises:
        UnsupportedStructureError: the leaf has fewer fields than RFC 9051 demands.
    """
    if len(leaf) < 7:
        raise UnsupportedStructureError

    media, subtype = _lower(leaf[0]), _lower(leaf[1])
    if media == "message" and subtype in {"rfc822", "global"}:
        return "header"
    if media == "message" and subtype in REPORTS:
        return "body"
    if media in WITHOUT_TEXT:
        return ""
    if _is_attachment(leaf) and subtype not in {"calendar", "rfc822-headers"}:
        return ""
    return "body"


def _is_attachment(text_leaf: list[Value]) -> bool:
    """Whether the leaf has "attachment" as its disposition."""
    disposition = text_leaf[9] if len(text_leaf) > 9 else None
    if not isinstance(disposition, list) or not disposition:
        return False
    return _lower(disposition[0]) == "attachment"


def _lower(value: Value) -> str:
    return value.decode("ascii", "replace").lower() if isinstance(value, bytes) else ""


def reassemble(part: BodyPart, fetched: Mapping[bytes, Value], size: int) -> bytes:
    """Join the fetched sections to a mail that a parser can read.

    Args:
        part: the outline of the mail.
        fetched: the FETCH response with the sections of the outline.
        size: the size of the whole mail in bytes.

    Raises:
        UnsupportedStructureError: the structure leaves out a large part of the mail (a broken boundary hides
            text from the server), the header names no boundary although the server found parts, or a text is
            missing.
    """
    if size - _described_size(part, fetched) > UNDESCRIBED + size // 100:
        raise UnsupportedStructureError
    return b"".join(_pieces(part, fetched))


def _described_size(part: BodyPart, fetched: Mapping[bytes, Value]) -> int:
    """Return how many bytes of the mail the structure accounts for, estimating the boundaries."""
    header = len(_section(fetched, part.header))
    children = sum(_described_size(child, fetched) for child in part.children)
    return header + part.octets + BOUNDARY_SIZE + children


def _pieces(part: BodyPart, fetched: Mapping[bytes, Value]) -> Iterator[bytes]:
    """Yield header and body of a node, with the bodies that were fetched."""
    header = _section(fetched, part.header)
    yield _terminated(header)
    if part.children:
        yield from _multipart_pieces(part, _boundary(header), fetched)
    elif part.fetch == "body":
        yield _required_section(fetched, part.number or "1")
    elif part.fetch == "header":
        yield _section(fetched, part.attached_header)


def _multipart_pieces(part: BodyPart, boundary: bytes, fetched: Mapping[bytes, Value]) -> Iterator[bytes]:
    """Yield the children of a multipart between their boundaries."""
    for child in part.children:
        yield b"--" + boundary + b"\r\n"
        yield from _pieces(child, fetched)
        yield b"\r\n"
    yield b"--" + boundary + b"--\r\n"


def _section(fetched: Mapping[bytes, Value], name: str) -> bytes:
    """Return a fetched section; b"" when it is missing."""
    value = fetched.get(f"BODY[{name}]".encode("ascii"))
    return value if isinstance(value, bytes) else b""


def _required_section(fetched: Mapping[bytes, Value], name: str) -> bytes:
    """Return a fetched section.

    Raises:
        UnsupportedStructureError: it is missing.
    """
    value = fetched.get(f"BODY[{name}]".encode("ascii"))
    if not isinstance(value, bytes):
        raise UnsupportedStructureError
    return value


def _terminated(header: bytes) -> bytes:
    """End a header with its empty line.

    The line is missing after a cut at MAX_HEADER, and from some servers.
    """
    if header.endswith((b"\r\n\r\n", b"\n\n")) or header in {b"\r\n", b"\n"}:
        return header
    return header.rstrip(b"\r\n") + b"\r\n\r\n"


def _boundary(header: bytes) -> bytes:
    """Return the boundary that a multipart's header names.

    Raises:
        UnsupportedStructureError: it names none.
    """
    boundary = message_from_bytes(header).get_boundary()
    if not boundary:
        raise UnsupportedStructureError
    return boundary.encode("utf-8", "surrogateescape")


def without_attachments(raw: bytes) -> bytes:
    """Return a whole mail as it is fetched by its structure: a large one without the bodies of its attachments.

    Args:
        raw: the mail. One that cannot be parsed is cut off.
    """
    if len(raw) <= SMALL:
        return raw
    try:
        message = message_from_bytes(raw)
        _strip(message, outline(_structure_of(message)))
        stripped = BytesIO()
        BytesGenerator(stripped, mangle_from_=False, maxheaderlen=0).flatten(message, linesep="\r\n")
    except (UnsupportedStructureError, RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return raw[:MAX_TEXT]
    return stripped.getvalue()


def _structure_of(message: Message, depth: int = 0) -> Value:
    """Return what a server would say of the structure of a mail or of a part of it (BODYSTRUCTURE).

    Raises:
        UnsupportedStructureError: it is too deep.
    """
    if depth > MAX_DEPTH:
        raise UnsupportedStructureError
    media, _, subtype = message.get_content_type().partition("/")
    payload: object = message.get_payload()
    if media == "multipart" and isinstance(payload, list) and payload:
        return [*(_structure_of(part, depth + 1) for part in payload), subtype.encode("ascii", "replace")]
    size = str(len(payload) if isinstance(payload, str) else 0).encode()
    disposition = message.get_content_disposition()
    kind = [word.encode("ascii", "replace") for word in (media, subtype)]
    shown: Value = [disposition.encode("ascii", "replace")] if disposition else None
    return [*kind, None, None, None, b"7BIT", size, None, None, shown]


def _strip(message: Message, part: BodyPart) -> None:
    """Take the bodies out of a mail that are not to be fetched, and cut off very long ones.

    Args:
        message: changed in place; it must have the structure that `part` outlines.
        part: what the server said of the mail, with what is fetched of each part.
    """
    payload: object = message.get_payload()
    if part.children and isinstance(payload, list):
        for child, outlined in zip(payload, part.children, strict=True):
            _strip(child, outlined)
    elif part.fetch == "header" and isinstance(payload, list) and payload:
        payload[0].set_payload("")
    elif part.fetch != "body":
        message.set_payload("")
    elif isinstance(payload, str) and len(payload) > MAX_TEXT:
        cut = payload[:MAX_TEXT].encode(message.get_content_charset("utf-8"), "replace")
        message.set_payload(cut.decode("ascii", "surrogateescape"))


#: bytes; up to this size fetching the whole mail takes less CPU than reading its structure (measured from 4
#: to 64 kB)
SMALL = 2**15
PORTION = 4 * 2**20  # bytes of mail held in memory at a time
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMail:
    """One mail as the mailbox returned it.

    `raw` is b"" when the server has the mail but cannot return it: a case for quarantine. The attachments of
    large mails are named in it by their MIME headers, without their bodies. `flags` are keywords and system
    flags as the server writes them, `size` is that of the whole mail in bytes, `labels` are Gmail's.
    """

    uid: int
    flags: frozenset[str]
    received_at: datetime
    size: int
    raw: bytes
    labels: frozenset[str] = frozenset()


def fetch_mails(client: Client, uids: Collection[int]) -> Iterator[tuple[FetchedMail, ...]]:
    """Fetch mails in portions of some MB, by ascending UID.

    Small mails are fetched whole. Of large ones the structure says which parts have text; where the structure
    is of no use, the first megabyte is fetched.

    Args:
        client: a connection with a selected folder.
        uids: the mails to fetch; those that no longer exist are left out.

    Yields:
        Some mails, at most PORTION bytes together.
    """
    labels = " X-GM-LABELS" if client.has_capability("X-GM-EXT-1") else ""
    rows = _fetch_rows(client, uids, f"(FLAGS INTERNALDATE RFC822.SIZE{labels})")
    for uid in _existing(client, set(uids) - set(rows)):
        rows[uid] = {}

    sizes = {uid: as_number(rows[uid].get(b"RFC822.SIZE")) for uid in sorted(rows)}
    for portion in _portions(sizes):
        raws = _fetch_raws(client, portion)
        yield tuple(_mail(uid, rows[uid], raws[uid]) for uid in portion if uid in raws)


def _mail(uid: int, row: Row, raw: bytes) -> FetchedMail:
    """Return the mail that the two FETCH responses describe.

    Its Date header counts where the server tells no date.
    """
    return FetchedMail(
        uid=uid,
        flags=flags_of(row),
        received_at=as_datetime(row.get(b"INTERNALDATE")) or _claimed_date(raw),
        size=as_number(row.get(b"RFC822.SIZE")) or len(raw),
        raw=raw,
        labels=labels_of(row),
    )


def flags_of(row: Row) -> frozenset[str]:
    """Return flags and keywords as text, without Recent, which is about our session."""
    flags = (flag for flag in as_list(row.get(b"FLAGS")) if flag != b"\\Recent")
    return frozenset(flag.decode("utf-8", "replace") for flag in flags)


def labels_of(row: Row) -> frozenset[str]:
    """Return Gmail's labels; empty elsewhere."""
    return frozenset(map(decoded_name, as_list(row.get(b"X-GM-LABELS"))))


def _claimed_date(raw: bytes) -> datetime:
    """Return the date that the sender claims, in UTC; LONG_AGO when there is none.

    Only a server that violates the protocol sends no INTERNALDATE.
    """
    with contextlib.suppress(ValueError, TypeError):
        date = parsedate_to_datetime(str(message_from_bytes(raw[:MAX_TEXT])["Date"]))
        return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
    return LONG_AGO


def _portions(sizes: Mapping[int, int]) -> Iterator[dict[int, int]]:
    """Split mails into groups of which at most PORTION bytes are fetched.

    Args:
        sizes: bytes of each mail, by UID.
    """
    portion: dict[int, int] = {}
    total = 0
    for uid, size in sizes.items():
        fetched_size = min(size, MAX_TEXT_IN_ALL)
        if portion and total + fetched_size > PORTION:
            yield portion
            portion = {}
            total = 0
        portion[uid] = size
        total += fetched_size
    if portion:
        yield portion


def _fetch_raws(client: Client, sizes: Mapping[int, int]) -> dict[int, bytes]:
    """Return the mails' bytes by UID.

    A mail that exists but cannot be fetched, in whole or in part, is returned as b"".
    """
    small = [uid for uid, size in sizes.items() if 0 < size <= SMALL]
    large = {uid: size for uid, size in sizes.items() if size > SMALL}

    raws = _bodies(_fetch_rows(client, small, "(BODY.PEEK[])"))
    raws |= _fetch_by_structure(client, large)
    for uid in _existing(client, sizes.keys() - raws.keys()):
        beginning = _fetch_rows(client, [uid], f"(BODY.PEEK[]<0.{MAX_TEXT}>)")
        raws[uid] = _bodies(beginning).get(uid, b"")
    return raws


def _bodies(rows: Mapping[int, Row]) -> dict[int, bytes]:
    """Return the whole mails in FETCH responses, by UID."""
    bodies = {}
    for uid, row in rows.items():
        body = row.get(b"BODY[]")
        if isinstance(body, bytes):
            bodies[uid] = body
    return bodies


def _fetch_by_structure(client: Client, sizes: Mapping[int, int]) -> dict[int, bytes]:
    """Fetch the relevant parts of large mails; mails with the same sections share one command.

    Args:
        client: a connection with a selected folder.
        sizes: bytes of each mail, by UID.

    Returns:
        The reassembled mails by UID, without those whose structure cannot be used.
    """
    groups: defaultdict[str, dict[int, BodyPart]] = defaultdict(dict)
    for uid, row in _fetch_rows(client, sizes, "(BODYSTRUCTURE)").items():
        with contextlib.suppress(UnsupportedStructureError):
            part = outline(row.get(b"BODYSTRUCTURE"))
            items = " ".join(f"BODY.PEEK[{section}]<0.{most}>" for section, most in part.sections)
            groups[items][uid] = part

    raws: dict[int, bytes] = {}
    for items, parts in groups.items():
        for uid, row in _fetch_rows(client, parts, f"({items})").items():
            with contextlib.suppress(UnsupportedStructureError):
                raws[uid] = reassemble(parts[uid], row, sizes[uid])
    return raws


def _existing(client: Client, uids: Collection[int]) -> list[int]:
    """Return those mails that exist, though the server did not return them."""
    if not uids:
        return []
    return client.search_uids(f"UID {uid_set(uids).decode('ascii')}")[0]


def _fetch_rows(client: Client, uids: Collection[int], items: str) -> dict[int, Row]:
    """Fetch data items.

    When the command is refused (NO, BAD), nothing is returned, and each mail is asked for alone later.
    """
    try:
        return client.fetch_rows(uids, items)
    except IMAPClientAbortError:
        raise
    except IMAPClientError:
        return {}
