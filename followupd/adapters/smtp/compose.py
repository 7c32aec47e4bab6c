"""Composes a letter into the bytes that leave: headers of MAIL.md R2, text first, then HTML, then what goes with it.

The same letter and moment give the same bytes, so a letter in doubt that is sent again is the letter that was sent. All
but the date is composed when the letter is written, and kept with its words.
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

LONGEST_LINE = 998  # characters without CRLF, RFC 5322 2.1.1
BASE64_LINE = 57  # bytes that make 76 characters, RFC 2045 6.8
AUTO_SUBMITTED = {"", "auto-replied", "auto-generated"}  # RFC 3834, section 5; "": a person approved it
SUPPRESS = "OOF, AutoReply"  # never All: Exchange would also keep its bounces (MS-OXCMAIL 2.1.3.2.20)
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09, 0x0A})  # in UTF-8 these are never part of another character
_WITHOUT_CONTROLS = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_KEY = re.compile(r"[A-Za-z0-9./_-]{1,200}")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")


def compose(letter: Letter, *, now: datetime) -> bytes:
    """Return the whole mail with CRLF line ends, in ASCII unless an address needs SMTPUTF8; `now` is aware, for Date.

    Raises:
        LetterError: a part of the letter cannot stand in a mail, or the mail does not read back as it was meant.
    """
    return dated(undated(letter), now)


def dated(mail: bytes, now: datetime) -> bytes:
    """Return a mail from `undated` with the one header that only its leaving tells."""
    return _date(now) + mail


@lru_cache(maxsize=1)  # the letters of one beat share it
def _date(now: datetime) -> bytes:
    if now.tzinfo is None:
        raise ValueError("`now` needs a time zone")
    return f"Date: {format_datetime(now)}{CRLF}".encode()


def undated(letter: Letter) -> bytes:
    """Return a mail that lacks nothing but its date.

    Raises:
        LetterError: as `compose`.
    """
    lines = _head(letter)
    mail = ("".join(lines) + _body(letter)).encode()
    several = letter.html or letter.attachments
    content = ["Content-Type"] if several else ["Content-Type", "Content-Transfer-Encoding"]
    _read_back(mail, [line.partition(":")[0] for line in lines] + content)
    return mail


def _head(letter: Letter) -> list[str]:
    """Return the headers that are meant, each with its line end and possibly folded."""
    parent = headers.sound_ids([letter.in_reply_to])
    thread = headers.shortened(headers.sound_ids([*letter.references, *parent]))
    lines = [
        _person("From", letter.sender),
        _person("To", letter.to),
        headers.subject(letter.subject),
        headers.ids("Message-ID", [_checked(letter.message_id, headers.MESSAGE_ID, "Message-ID")]),
        headers.ids("In-Reply-To", parent),
        headers.ids("References", thread),
        f"X-Followupd-Key: {_checked(letter.key, _KEY, 'letter key')}{CRLF}",
        # What waits for a person leaves only when one has approved it, and is then no automatic mail (RFC 3834).
        _auto_submitted("" if letter.review else letter.auto_submitted),
        f"X-Auto-Response-Suppress: {SUPPRESS}{CRLF}",
        f"MIME-Version: 1.0{CRLF}",
    ]
    return [line for line in lines if line]


def _person(header: str, person: Person) -> str:
    try:
        return headers.mailbox(header, person.name, wire_address(person.address))
    except ValueError as error:
        raise LetterError(f"{header}: {error}") from None


def _auto_submitted(value: str) -> str:
    if value not in AUTO_SUBMITTED:
        raise LetterError(f"Auto-Submitted cannot be {value!r}")
    return f"Auto-Submitted: {value}{CRLF}" if value else ""


def _checked(value: str, form: re.Pattern[str], what: str) -> str:
    if not form.fullmatch(value):
        raise LetterError(f"{value!r} is not a {what}")
    return value


def _body(letter: Letter) -> str:
    """Return the content headers, an empty line and the content: text alone, with HTML, or with attachments about."""
    content = _text_part("text/plain", letter.text)
    if letter.html:
        content = _multipart("alternative", letter.key, [content, _text_part("text/html", letter.html)])
    if letter.attachments:
        content = _multipart("mixed", letter.key, [content, *map(_attached, letter.attachments)])
    return content


def _multipart(kind: str, key: str, parts: list[str]) -> str:
    # The boundary hangs on every byte between its lines, so nobody can write a text that holds it.
    digest = hashlib.sha256("\0".join((kind, key, *parts)).encode()).hexdigest()
    boundary = f"=_{digest[:32]}"
    # A part's last line end is its own; the boundary brings another before it (RFC 2046, 5.1.1).
    inner = "".join(f"{CRLF}--{boundary}{CRLF}{part}" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"{CRLF}{inner}{CRLF}--{boundary}--{CRLF}'


def _attached(attachment: Attachment) -> str:
    media_type = _checked(attachment.media_type.lower(), _MEDIA_TYPE, "media type")
    if media_type.startswith(("multipart/", "message/")):
        raise LetterError(f"{attachment.filename}: {media_type} cannot be attached as text")
    name = re.sub(r"[/\\:]", "_", attachment.filename) or "attachment"
    parameters = "; method=PUBLISH" if media_type == "text/calendar" else ""
    disposition = f"Content-Disposition: attachment{headers.parameter('filename', name)}{CRLF}"
    return disposition + _text_part(media_type, attachment.content, parameters)


def _text_part(media_type: str, text: str, parameters: str = "") -> str:
    encoding, content = _transfer(_lines(text))
    return (
        f'Content-Type: {media_type}; charset="utf-8"{parameters}{CRLF}'
        f"Content-Transfer-Encoding: {encoding}{CRLF}{CRLF}{content}"
    )


def _lines(text: str) -> bytes:
    """Return UTF-8 with CRLF after every line, without the control characters that no mail may hold (RFC 5322, 4.1)."""
    octets = (
        text.encode(errors="replace")
        .replace(b"\r\n", b"\n")
        .replace(b"\r", b"\n")
        .translate(_WITHOUT_CONTROLS)
    )
    return (octets.removesuffix(b"\n") + b"\n").replace(b"\n", b"\r\n")


def _transfer(content: bytes) -> tuple[str, str]:
    """Choose the encoding that keeps the text readable in its source, then the shorter one (RFC 2045, section 6)."""
    if content.isascii() and max(map(len, content.split(b"\r\n"))) <= LONGEST_LINE:
        return "7bit", content.decode("ascii")
    printable = binascii.b2a_qp(content, istext=True)
    packed = -(-len(content) // BASE64_LINE) * 78
    if len(printable) <= packed:
        return "quoted-printable", printable.decode("ascii")
    rows = (content[at : at + BASE64_LINE] for at in range(0, len(content), BASE64_LINE))
    return "base64", "".join(binascii.b2a_base64(row, newline=False).decode("ascii") + CRLF for row in rows)


def _read_back(mail: bytes, wanted: list[str]) -> None:
    """Refuse a mail whose headers are not, name by name, the ones that were meant: the last fence against injection."""
    head = mail.partition(b"\r\n\r\n")[0].decode()
    lines = head.split(CRLF)
    found = [line.partition(":")[0] for line in lines if not line.startswith((" ", "\t"))]
    if (
        found != wanted or lines != head.splitlines()
    ):  # splitlines knows every character that anybody takes for a line end
        raise LetterError(f"The letter would leave with other headers than were meant: {', '.join(found)}")
