"""Write header lines that no text of a customer can break out of (docs/mail.md R2, R3, R4).

Lines are folded here and not by `email.policy`, which encodes long Message-IDs (python/cpython#100991),
decodes encoded words written by customers into real line ends (CVE-2024-6923), and is ten times slower.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from textwrap import wrap
from urllib.parse import quote

import idna

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
MESSAGE_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,250}>")
_ASCII_DOMAIN = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
#: dots may be anywhere: old addresses of Japanese carriers are like "a..b", and work
_PLAIN_LOCAL_PART = re.compile(r'[^\s<>()\[\]:;@\\,"]+')
_QUOTED_LOCAL_PART = re.compile(r'"([^"\\\r\n]|\\[ -~])+"')
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
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
    line = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub(" ", value))
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
    """Return a line of Message-IDs, each whole and in a line of its own (docs/mail.md R3).

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
    """Return encoded words, each in a line of its own, that split no character (RFC 2047, 4.1 and 5)."""
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
