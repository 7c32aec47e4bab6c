"""Undo the transfer encodings of MIME: base64, quoted-printable, uuencode; what is broken gives what can be had."""

import base64
import binascii
import quopri

LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
OTHERS = bytes(set(range(256)) - set(LETTERS) - set(b"="))
UUENCODINGS = frozenset({"x-uuencode", "uuencode", "uue", "x-uue"})


def decoded(body: bytes, encoding: str) -> bytes:
    """Return the bytes behind a Content-Transfer-Encoding; an unknown one is taken for none."""
    if encoding == "base64":
        return from_base64(body) if _is_base64(body) else body
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    return _from_uuencode(body) if encoding in UUENCODINGS else body


def _is_base64(body: bytes) -> bool:
    """Tell base64 from plain words that are only called so: words have blanks."""
    return body.count(b" ") * 50 <= len(body) + 100


def from_base64(body: bytes) -> bytes:
    """Decode up to the padding: what a list server wrote below it is no base64. A lost last letter loses only itself."""
    kept = body.translate(None, OTHERS).split(b"=", 1)[0]
    kept = kept[: len(kept) - (len(kept) % 4 == 1)]
    return base64.b64decode(kept + b"=" * (-len(kept) % 4))


def _from_uuencode(body: bytes) -> bytes:
    lines: list[bytes] = []
    for line in body.splitlines():
        if line == b"end":
            break
        if line and not line.startswith(b"begin "):
            lines.append(_uuencoded(line))
    return b"".join(lines)


def _uuencoded(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        width = (((line[0] - 32) & 63) * 4 + 5) // 3  # some encoders pad their lines beyond the stated length
        try:
            return binascii.a2b_uu(line[:width])
        except binascii.Error:
            return b""
