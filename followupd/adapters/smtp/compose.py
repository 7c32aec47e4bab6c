"""Render a letter as a MIME message: the headers of docs/mail.md R2, the text, the HTML, and attachments.

The same letter and time give the same bytes, so that a letter in doubt is sent again unchanged. Everything
but the date is rendered when the letter is written, and stored with its text.
"""

import binascii
import hashlib
import re
from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from textwrap import wrap
from urllib.parse import quote

import idna

from followupd.domain.letter import Attachment, Letter
from followupd.domain.mail import Person
from followupd.errors import LetterError

CRLF = "\r\n"
#: characters of an address (RFC 5321, section 4.5.3.1.3, without the brackets)
MAX_ADDRESS_LENGTH = 254
#: characters of a folded line, where possible (RFC 2047, section 2)
LINE_LENGTH = 76
#: bytes in one encoded word: 64 characters, so that "Subject: " fits before it
ENCODED_WORD_BYTES = 39
#: characters of a subject or name: a customer's 200 (docs/mail.md R4), and our "Re:" and case number
MAX_VALUE_LENGTH = 250
#: IDs in References; the first of them is the thread's root
MAX_REFERENCES = 20
#: printable ASCII without <, >, blanks and encoded words
MESSAGE_ID = re.compile(r"<(?!.{0,250}=\?)[!-;=?-~]{1,250}>")
_ASCII_DOMAIN = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
#: dots may be anywhere: old addresses of Japanese carriers are like "a..b", and work
_PLAIN_LOCAL_PART = re.compile(r'[^\s<>()\[\]:;@\\,"]+')
_QUOTED_LOCAL_PART = re.compile(r'"([^"\\\r\n]|\\[ -~])+"')
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


@lru_cache(maxsize=64)  # every letter has the same sender and BCC recipient
def wire_address(address: str) -> str:
    """Return an address as it is used in To: and RCPT TO.

    Args:
        address: a plain address, in Unicode.

    Returns:
        The address with its domain in ASCII (IDNA 2008, RFC 5891). The local part is not changed; if it is
        not in ASCII, the server must support SMTPUTF8 (`needs_utf8`).

    Raises:
        ValueError: it is not one plain address, or contains characters that could end a header or command.
    """
    local, _, domain = address.strip().rpartition("@")
    if not _is_valid_local_part(local):
        raise ValueError(f"{address!r} is not a mail address")

    wire = f"{local}@{ascii_domain(domain)}"
    if len(wire) > MAX_ADDRESS_LENGTH:
        raise ValueError(f"{address!r} is not a mail address")
    return wire


def _is_valid_local_part(local: str) -> bool:
    """Say whether this is a local part that is safe in a header and in a command.

    It must contain no "=?", because some programs decode encoded words anywhere (docs/mail.md R4).
    """
    if not local.isprintable() or "=?" in local:
        return False
    is_plain = _PLAIN_LOCAL_PART.fullmatch(local)
    return bool(is_plain or _QUOTED_LOCAL_PART.fullmatch(local))


def ascii_domain(domain: str) -> str:
    """Return a domain in lower-case ASCII.

    Raises:
        ValueError: it is not a domain name.
    """
    if _ASCII_DOMAIN.fullmatch(domain):
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # idna's errors are subclasses
        raise ValueError(f"{domain!r} is not a domain") from None


def needs_utf8(*addresses: str) -> bool:
    """Say whether one of these wire addresses needs SMTPUTF8 (RFC 6531), which non-ASCII local parts do."""
    return not "".join(addresses).isascii()


def clean(value: str) -> str:
    """Return the value of a header in one line that no mail program decodes into something else.

    Control characters become blanks, and several blanks one. A zero-width space is put into "=?", so that an
    encoded word in the value stays as it is, however often it is decoded.
    """
    line = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _CONTROL_CHARACTERS.sub(" ", value))
    line = " ".join(line.split())[:MAX_VALUE_LENGTH]
    return line.replace("=?", "=\N{ZERO WIDTH SPACE}?").strip()


def subject(value: str) -> str:
    """Return the Subject line, encoded and folded if necessary (RFC 2047)."""
    line = clean(value)
    if line.isascii():
        return _folded("Subject", line)
    return f"Subject: {_encoded_words(line)}{CRLF}"


def mailbox(header: str, name: str, address: str) -> str:
    """Return a line with one person, such as `From: "Reyes, Ana" <ana@example.com>`.

    Args:
        header: the name of the header.
        name: the display name, in Unicode; "" for none.
        address: a wire address.
    """
    phrase = _phrase(clean(name))
    if not phrase:
        return f"{header}: {address}{CRLF}"

    last_line = f"{header}: {phrase}".rpartition(CRLF)[2]
    fits = len(last_line) + len(address) + len(" <>") <= LINE_LENGTH
    gap = " " if fits else f"{CRLF} "
    return f"{header}: {phrase}{gap}<{address}>{CRLF}"


def ids(header: str, message_ids: Iterable[str]) -> str:
    """Return a line of Message-IDs, each whole and on a separate line (docs/mail.md R3).

    "" if there is none.
    """
    rows = f"{CRLF} ".join(message_ids)
    if not rows:
        return ""
    return f"{header}: {rows}{CRLF}"


def valid_ids(message_ids: Iterable[str]) -> list[str]:
    """Return the valid Message-IDs, each once, in their order.

    One with "=?" is left out, because a mail program might decode it.
    """
    unique = dict.fromkeys(message_ids)
    return list(filter(MESSAGE_ID.fullmatch, unique))


def shortened(message_ids: list[str]) -> list[str]:
    """Return the thread's root and its latest IDs, as RFC 5322, section 3.6.4, allows for long threads."""
    if len(message_ids) <= MAX_REFERENCES:
        return message_ids
    root = message_ids[:1]
    latest = message_ids[1 - MAX_REFERENCES :]
    return root + latest


def parameter(name: str, value: str) -> str:
    """Return a parameter such as `; filename="call.ics"`, encoded as in RFC 2231 if it is not in ASCII."""
    line = clean(value)
    if line.isascii():
        return f'; {name}="{_escaped(line)}"'
    return f"; {name}*=utf-8''{quote(line, safe='')}"


def _phrase(name: str) -> str:
    """Return a display name as an RFC 5322 phrase: as it is, quoted, or in encoded words."""
    if not name.isascii():
        return _encoded_words(name)
    if _ATOMS.fullmatch(name):
        return name
    return f'"{_escaped(name)}"'


def _escaped(value: str) -> str:
    """Return the content of a quoted string (RFC 5322, section 3.2.4)."""
    return re.sub(r'(["\\])', r"\\\1", value)


def _folded(header: str, line: str) -> str:
    """Fold an ASCII header at blanks, but never between its name and its first word."""
    rows = wrap(f"{header}:\0{line}", LINE_LENGTH, break_long_words=False, break_on_hyphens=False)
    return f"{CRLF} ".join(rows).replace("\0", " ") + CRLF


def _encoded_words(line: str) -> str:
    """Return encoded words, each on a separate line, that split no character (RFC 2047, 4.1 and 5)."""
    words = []
    rest = line.encode()
    while rest:
        end = ENCODED_WORD_BYTES
        while _continues_character(rest, end):
            end -= 1
        text = b2a_base64(rest[:end], newline=False).decode()
        words.append(f"=?utf-8?b?{text}?=")
        rest = rest[end:]
    return f"{CRLF} ".join(words)


def _continues_character(utf8: bytes, index: int) -> bool:
    """Say whether the byte at this index is not the first one of a character."""
    return index < len(utf8) and utf8[index] & 0xC0 == 0x80


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
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,126}/[a-z0-9][a-z0-9.+-]{0,126}")


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
    parent = valid_ids([letter.in_reply_to])
    thread = shortened(valid_ids([*letter.references, *parent]))
    message_id = _checked(letter.message_id, MESSAGE_ID, "Message-ID")
    key = _checked(letter.key, _KEY, "letter key")
    # A letter in review is sent only after a person has approved it, and is no automatic mail then (RFC
    # 3834).
    auto_submitted = "" if letter.review else letter.auto_submitted
    lines = [
        _person("From", letter.sender),
        _person("To", letter.to),
        subject(letter.subject),
        ids("Message-ID", [message_id]),
        ids("In-Reply-To", parent),
        ids("References", thread),
        f"X-Followupd-Key: {key}{CRLF}",
        _auto_submitted(auto_submitted),
        f"X-Auto-Response-Suppress: {AUTO_RESPONSE_SUPPRESS}{CRLF}",
        f"MIME-Version: 1.0{CRLF}",
    ]
    return list(filter(None, lines))


def _person(header: str, person: Person) -> str:
    """Return a header line with one person."""
    try:
        return mailbox(header, person.name, wire_address(person.address))
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
    shown = [_attachment_part(attachment) for attachment in letter.attachments if attachment.cid]
    files = [_attachment_part(attachment) for attachment in letter.attachments if not attachment.cid]
    if letter.html:
        html = _text_part("text/html", letter.html)
        if shown:  # RFC 2387
            html = _multipart("related", letter.key, [html, *shown], '; type="text/html"')
        content = _multipart("alternative", letter.key, [content, html])
    if files:
        content = _multipart("mixed", letter.key, [content, *files])
    return content


def _multipart(subtype: str, key: str, parts: list[str], parameters: str = "") -> str:
    """Return parts with boundaries between them (RFC 2046, section 5.1.1).

    A boundary depends on every byte between its lines, so that no text can contain it. The line end before it
    belongs to the boundary.
    """
    hashed = "\0".join((subtype, key, *parts))
    digest = hashlib.sha256(hashed.encode()).hexdigest()
    boundary = f"=_{digest[:32]}"
    inner = "".join(f"{CRLF}--{boundary}{CRLF}{part}" for part in parts)
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"{parameters}{CRLF}'
    return f"{head}{inner}{CRLF}--{boundary}--{CRLF}"


def _attachment_part(attachment: Attachment) -> str:
    """Return an attached file, or a picture that the HTML part shows; its name must not be a path."""
    media_type = _checked(attachment.media_type.lower(), _MEDIA_TYPE, "media type")
    if media_type.startswith(("multipart/", "message/")):
        raise LetterError(f"{attachment.filename}: {media_type} cannot be attached as text")
    name = re.sub(r"[/\\:]", "_", attachment.filename) or "attachment"
    parameters = "; method=PUBLISH" if media_type == "text/calendar" else ""
    use = "inline" if attachment.cid else "attachment"
    disposition = f"Content-Disposition: {use}{parameter('filename', name)}{CRLF}"
    if attachment.cid:
        disposition += f"Content-ID: {_checked(f'<{attachment.cid}>', MESSAGE_ID, 'Content-ID')}{CRLF}"
    if not attachment.encoded:
        return disposition + _text_part(media_type, attachment.content, parameters)

    encoding = f"Content-Type: {media_type}{CRLF}Content-Transfer-Encoding: base64{CRLF}{CRLF}"
    return disposition + encoding + _base64(b64decode(attachment.content))


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

    return "base64", _base64(content)


def _base64(content: bytes) -> str:
    """Return bytes in base64, in lines of mail."""
    rows = []
    for start in range(0, len(content), BASE64_LINE_BYTES):
        row = binascii.b2a_base64(content[start : start + BASE64_LINE_BYTES], newline=False)
        rows.append(row.decode("ascii") + CRLF)
    return "".join(rows)


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
