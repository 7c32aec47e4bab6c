"""Writes single header lines that no word of a customer can break out of (MAIL.md R2, R3, R4).

Lines are folded here and not by `email.policy`: it encodes long Message-IDs (python/cpython#100991), decodes encoded words
that customers wrote into real line ends (CVE-2024-6923), and takes ten times as long.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from textwrap import wrap
from urllib.parse import quote

import idna

LONGEST_ADDRESS = 254  # characters, RFC 5321 4.5.3.1.3 less the brackets
_ASCII_DOMAIN = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
# Dots may stand anywhere: old mailboxes of Japanese carriers are named "a..b", and get mail.
_PLAIN_LOCAL = re.compile(r'[^\s<>()\[\]:;@\\,"]+')
_QUOTED_LOCAL = re.compile(r'"([^"\\\r\n]|\\[ -~])+"')


@lru_cache(maxsize=64)  # the sender and the witness come with every letter
def wire_address(address: str) -> str:
    """Return `address` with its domain in ASCII (IDNA 2008, RFC 5891), ready for `To:` and `RCPT TO`.

    The local part is left as it is: whether it may hold other letters than ASCII is the server's say (`needs_utf8`).

    Raises:
        ValueError: it is not one plain address, or it holds something that a header or a command could be made of.
    """
    local, _, domain = address.strip().rpartition("@")
    # "=?" would be decoded as an encoded word by readers that do so everywhere (MAIL.md R4)
    sound = (
        (_PLAIN_LOCAL.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local))
        and local.isprintable()
        and "=?" not in local
    )
    wire = f"{local}@{ascii_domain(domain)}" if sound else ""
    if not wire or len(wire) > LONGEST_ADDRESS:
        raise ValueError(f"{address!r} is not a mail address")
    return wire


def ascii_domain(domain: str) -> str:
    """Return a domain in lower-case ASCII. Raises ValueError when there is no such domain name."""
    if _ASCII_DOMAIN.fullmatch(domain):
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # idna's errors are a kind of it
        raise ValueError(f"{domain!r} is not a domain") from None


def needs_utf8(*addresses: str) -> bool:
    """Say whether a wire address asks for SMTPUTF8 (RFC 6531): a local part beyond ASCII."""
    return not all(address.isascii() for address in addresses)


CRLF = "\r\n"
LINE = 76  # characters that a folded line aims at (RFC 2047, section 2)
WORD = 39  # bytes in one encoded word: 64 characters, so that "Subject: " fits before it
LONGEST_VALUE = (
    250  # characters of a subject or name: a customer's 200 (MAIL.md R4) and our "Re:" and case token
)
REFERENCES_KEPT = 20  # ids; the first is the thread's root
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
MESSAGE_ID = re.compile(
    r"<(?!.*=\?)[!-;=?-~]{1,250}>"
)  # printable ASCII without <, >, blanks, and encoded words
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def clean(value: str) -> str:
    """Make one line of `value` that no mail program decodes into something else, blanks folded into one.

    "=?" is torn apart by a zero-width space, so that a doubly encoded word stays the text that it is.
    """
    line = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", value))
    return " ".join(line.split())[:LONGEST_VALUE].replace("=?", "=\N{ZERO WIDTH SPACE}?").strip()


def subject(value: str) -> str:
    """Return the subject's line, encoded and folded where it must be (RFC 2047)."""
    line = clean(value)
    return _folded("Subject", line) if line.isascii() else f"Subject: {_encoded_words(line)}{CRLF}"


def mailbox(header: str, name: str, address: str) -> str:
    """Return a line of one person, such as `From: "Reyes, Ana" <ana@example.com>`; `address` is a wire address."""
    phrase = _phrase(clean(name))
    if not phrase:
        return f"{header}: {address}{CRLF}"
    last_line = f"{header}: {phrase}".rpartition(CRLF)[2]
    gap = " " if len(last_line) + len(address) + 3 <= LINE else CRLF + " "
    return f"{header}: {phrase}{gap}<{address}>{CRLF}"


def ids(header: str, message_ids: Iterable[str]) -> str:
    """Return sound Message-IDs, each whole and on a line of its own (MAIL.md R3); "" when there is none."""
    rows = (CRLF + " ").join(message_ids)
    return f"{header}: {rows}{CRLF}" if rows else ""


def sound_ids(message_ids: Iterable[str]) -> list[str]:
    """Keep what is a Message-ID, each once; "=?" in one might be decoded by its reader, so such an id goes."""
    return [message_id for message_id in dict.fromkeys(message_ids) if MESSAGE_ID.fullmatch(message_id)]


def shortened(message_ids: list[str]) -> list[str]:
    """Keep the thread's root and its latest ids, as RFC 5322 (3.6.4) allows for long threads."""
    return (
        message_ids
        if len(message_ids) <= REFERENCES_KEPT
        else message_ids[:1] + message_ids[1 - REFERENCES_KEPT :]
    )


def parameter(name: str, value: str) -> str:
    """Return `; filename="call.ics"`, beyond ASCII in the form of RFC 2231."""
    line = clean(value)
    if line.isascii():
        return f'; {name}="{_escaped(line)}"'
    return f"; {name}*=utf-8''{quote(line, safe='')}"


def _phrase(name: str) -> str:
    if not name.isascii():
        return _encoded_words(name)
    return name if _ATOMS.fullmatch(name) else f'"{_escaped(name)}"'


def _escaped(value: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", value)


def _folded(header: str, line: str) -> str:
    """Fold an ASCII header at its blanks, never between its name and its first word."""
    rows = wrap(f"{header}:\0{line}", LINE, break_long_words=False, break_on_hyphens=False)
    return (CRLF + " ").join(rows).replace("\0", " ") + CRLF


def _encoded_words(line: str) -> str:
    """Write UTF-8 as encoded words, no character torn apart (RFC 2047, sections 4.1 and 5)."""
    words, octets = [], line.encode()
    while octets:
        end = WORD
        while end < len(octets) and octets[end] & 0xC0 == 0x80:  # a byte that continues a character
            end -= 1
        words.append(b2a_base64(octets[:end], newline=False).decode())
        octets = octets[end:]
    return (CRLF + " ").join(f"=?utf-8?b?{word}?=" for word in words)
