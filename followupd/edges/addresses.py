"""Turns a mail address into the form that headers and the SMTP envelope may carry."""

import re
from functools import lru_cache

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
        (_PLAIN_LOCAL.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)) and local.isprintable() and "=?" not in local
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
