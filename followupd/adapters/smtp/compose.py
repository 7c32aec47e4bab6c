"""Render a letter as a MIME message: the headers of docs/mail.md R2, the text, the HTML, and attachments.

The same letter and time give the same bytes, so that a letter in doubt is sent again unchanged. Everything
but the date is rendered when the letter is written, and stored with its text.
"""

import binascii
import hashlib
import re
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from followupd.adapters.smtp import headers
from followupd.adapters.smtp.headers import CRLF, wire_address
from followupd.domain.letter import Attachment, Letter
from followupd.domain.mail import Person
from followupd.errors import LetterError

#: the longest line, in characters without CRLF (RFC 5322, section 2.1.1)
MAX_LINE_LENGTH = 998
#: bytes that make a base64 line of 76 characters (RFC 2045, section 6.8)
BASE64_LINE_BYTES = 57
#: the values of Auto-Submitted (RFC 3834, section 5); "" for a letter that a person approved
AUTO_SUBMITTED = {"", "auto-replied", "auto-generated"}
#: never "All": Exchange would suppress its bounces too (MS-OXCMAIL, section 2.1.3.2.20)
AUTO_RESPONSE_SUPPRESS = "OOF, AutoReply"
#: bytes of control characters but tab and line feed; in UTF-8 they are never part of another character
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09, 0x0A})
_CONTROLS_TO_BLANKS = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_KEY = re.compile(r"[A-Za-z0-9./_-]{1,200}")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")


def compose(letter: Letter, *, now: datetime) -> bytes:
    """Return the whole message.

    Args:
        letter: the letter.
        now: the time for the Date header, with a zone.

    Returns:
        The message with CRLF line ends, in ASCII unless an address needs SMTPUTF8.

    Raises:
        LetterError: a part of the letter cannot be sent by mail, or the headers do not read back as they were
            written.
    """
    return dated(undated(letter), now)


def dated(mail: bytes, now: datetime) -> bytes:
    """Return a message from `undated` with its Date header."""
    return _date(now) + mail


@lru_cache(maxsize=1)  # the letters of one cycle have the same date
def _date(now: datetime) -> bytes:
    """Return the Date header."""
    if now.tzinfo is None:
        raise ValueError("`now` needs a time zone")
    return f"Date: {format_datetime(now)}{CRLF}".encode()


def undated(letter: Letter) -> bytes:
    """Return the message without its Date header.

    Raises:
        LetterError: as `compose`.
    """
    lines = _headers(letter)
    mail = ("".join(lines) + _body(letter)).encode()
    names = [line.partition(":")[0] for line in lines]
    names.append("Content-Type")
    if not (letter.html or letter.attachments):
        names.append("Content-Transfer-Encoding")
    _check_headers(mail, names)
    return mail


def _headers(letter: Letter) -> list[str]:
    """Return the header lines, each with its line end and possibly folded."""
    parent = headers.valid_ids([letter.in_reply_to])
    thread = headers.shortened(headers.valid_ids([*letter.references, *parent]))
    message_id = _checked(letter.message_id, headers.MESSAGE_ID, "Message-ID")
    key = _checked(letter.key, _KEY, "letter key")
    # A letter in review is sent only after a person has approved it, and is no automatic mail then (RFC
    # 3834).
    auto_submitted = "" if letter.review else letter.auto_submitted
    lines = [
        _person("From", letter.sender),
        _person("To", letter.to),
        headers.subject(letter.subject),
        headers.ids("Message-ID", [message_id]),
        headers.ids("In-Reply-To", parent),
        headers.ids("References", thread),
        f"X-Followupd-Key: {key}{CRLF}",
        _auto_submitted(auto_submitted),
        f"X-Auto-Response-Suppress: {AUTO_RESPONSE_SUPPRESS}{CRLF}",
        f"MIME-Version: 1.0{CRLF}",
    ]
    return [line for line in lines if line]


def _person(header: str, person: Person) -> str:
    """Return a header line with one person."""
    try:
        return headers.mailbox(header, person.name, wire_address(person.address))
    except ValueError as error:
        raise LetterError(f"{header}: {error}") from None


def _auto_submitted(value: str) -> str:
    """Return the Auto-Submitted header (RFC 3834), "" for a letter that a person approved."""
    if value not in AUTO_SUBMITTED:
        raise LetterError(f"Auto-Submitted cannot be {value!r}")
    if not value:
        return ""
    return f"Auto-Submitted: {value}{CRLF}"


def _checked(value: str, pattern: re.Pattern[str], what: str) -> str:
    """Return the value if it matches; `what` it is not is said in the error."""
    if not pattern.fullmatch(value):
        raise LetterError(f"{value!r} is not a {what}")
    return value


def _body(letter: Letter) -> str:
    """Return the content headers, an empty line and the content: text, then HTML, then attachments."""
    content = _text_part("text/plain", letter.text)
    if letter.html:
        html = _text_part("text/html", letter.html)
        content = _multipart("alternative", letter.key, [content, html])
    if letter.attachments:
        attachments = map(_attachment_part, letter.attachments)
        content = _multipart("mixed", letter.key, [content, *attachments])
    return content


def _multipart(subtype: str, key: str, parts: list[str]) -> str:
    """Return parts with boundaries between them (RFC 2046, section 5.1.1).

    A boundary depends on every byte between its lines, so that no text can contain it. The line end before it
    belongs to the boundary.
    """
    hashed = "\0".join((subtype, key, *parts))
    digest = hashlib.sha256(hashed.encode()).hexdigest()
    boundary = f"=_{digest[:32]}"
    inner = "".join(f"{CRLF}--{boundary}{CRLF}{part}" for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"{CRLF}{inner}{CRLF}--{boundary}--{CRLF}'


def _attachment_part(attachment: Attachment) -> str:
    """Return an attached text file; its name must not be a path."""
    media_type = _checked(attachment.media_type.lower(), _MEDIA_TYPE, "media type")
    if media_type.startswith(("multipart/", "message/")):
        raise LetterError(f"{attachment.filename}: {media_type} cannot be attached as text")
    name = re.sub(r"[/\\:]", "_", attachment.filename) or "attachment"
    parameters = "; method=PUBLISH" if media_type == "text/calendar" else ""
    disposition = f"Content-Disposition: attachment{headers.parameter('filename', name)}{CRLF}"
    return disposition + _text_part(media_type, attachment.content, parameters)


def _text_part(media_type: str, text: str, parameters: str = "") -> str:
    """Return a text with its content headers; `parameters` are further ones of Content-Type."""
    encoding, content = _encoded(_normalised(text))
    return (
        f'Content-Type: {media_type}; charset="utf-8"{parameters}{CRLF}'
        f"Content-Transfer-Encoding: {encoding}{CRLF}{CRLF}{content}"
    )


def _normalised(text: str) -> bytes:
    """Return UTF-8 with CRLF after each line and blanks for control characters (RFC 5322, section 4.1)."""
    lines = text.encode(errors="replace").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = lines.translate(_CONTROLS_TO_BLANKS)
    return (lines.removesuffix(b"\n") + b"\n").replace(b"\n", b"\r\n")


def _encoded(content: bytes) -> tuple[str, str]:
    """Return the transfer encoding and the encoded content (RFC 2045, section 6).

    The encoding is 7bit if possible. Otherwise it is the shorter of quoted-printable and base64.
    """
    longest_line = max(map(len, content.split(b"\r\n")))
    if content.isascii() and longest_line <= MAX_LINE_LENGTH:
        return "7bit", content.decode("ascii")

    quoted_printable = binascii.b2a_qp(content, istext=True)
    base64_length = -(-len(content) // BASE64_LINE_BYTES) * 78
    if len(quoted_printable) <= base64_length:
        return "quoted-printable", quoted_printable.decode("ascii")

    rows = []
    for start in range(0, len(content), BASE64_LINE_BYTES):
        row = binascii.b2a_base64(content[start : start + BASE64_LINE_BYTES], newline=False)
        rows.append(row.decode("ascii") + CRLF)
    return "base64", "".join(rows)


def _check_headers(mail: bytes, names: list[str]) -> None:
    """Refuse a message whose headers are not exactly those that were written.

    The last guard against header injection.

    `splitlines` knows every character that any program takes for a line end.
    """
    head = mail.partition(b"\r\n\r\n")[0].decode()
    lines = head.split(CRLF)
    found = [line.partition(":")[0] for line in lines if not line.startswith((" ", "\t"))]
    if found != names or lines != head.splitlines():
        raise LetterError(
            f"the letter would be sent with other headers than were written: {', '.join(found)}"
        )
