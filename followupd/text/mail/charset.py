"""Turn the bytes of a mail into text, whatever charset they claim (MAIL.md, section 1: 580 of 649 guesses right)."""

import base64
import binascii
import codecs
import quopri
import re
from functools import lru_cache

# Names that real mail uses, and the wider charset that mail of that name is truly written in.
ALIASES = {
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "big5": "cp950",
    "x-big5": "cp950",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "tis-620": "cp874",
    "iso-8859-8-i": "cp1255",
    "iso-8859-8-e": "cp1255",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "cp-850": "cp850",
    "iso-2022-jp": "iso2022_jp_ext",
}
# Python's own codecs that are no charset of any mail; some of them (punycode) take quadratic time.
NOT_CHARSETS = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)
ASCII = frozenset({"ascii"})
# Codecs in which plain ASCII bytes may mean something else.
SHIFTING = (
    "utf-7",
    "utf-16",
    "utf-32",
    "iso2022",
    "hz",
    "cp037",
    "cp273",
    "cp424",
    "cp500",
    "cp1026",
    "cp1140",
)
SURROGATE = re.compile("[\ud800-\udfff]")
LIKELY = [
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp874"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
SAMPLE = 2048  # bytes that are enough to guess from; guessing costs milliseconds
WESTERN = 0.08  # fewer high bytes than this share: a western text


@lru_cache(maxsize=256)
def codec_of(name: str) -> str:
    """Return Python's name of a declared charset; "" when it means nothing and the bytes must be guessed."""
    wanted = name.strip(" \"'").lower()[:40]
    try:
        found = codecs.lookup(ALIASES.get(wanted, wanted))
    except (LookupError, ValueError):
        return ""
    textual: bool = getattr(found, "_is_text_encoding", True)
    return (
        ""
        if not textual or found.name in NOT_CHARSETS or found.name.replace("_", "-") in NOT_CHARSETS
        else found.name
    )


def decode(data: bytes, charset: str = "") -> str:
    """Decode without ever raising; what cannot be read becomes U+FFFD. No lone surrogate comes out."""
    codec = codec_of(charset) if charset else ""
    if data.isascii() and not codec.startswith(SHIFTING):
        return data.decode("ascii") if codec or b"\x1b$" not in data else _tolerant(data, "iso2022_jp_ext")
    if not codec or codec in ASCII:
        return _scrub(guess(data))
    try:
        return _scrub(data.decode(codec))
    except (UnicodeError, ValueError):
        return _scrub(_mended(data, codec))


def guess(data: bytes) -> str:
    """Decode bytes of unknown charset: UTF-8, else Windows-1252 for few high bytes, else what the letters look like."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if len(data) - len(text) > 10 * bad:  # each good letter saved a byte or more: it is UTF-8 with a scratch
        return text
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", "replace")
    high = sum(map(len, re.findall(rb"[\x80-\xff]+", data[:SAMPLE])))
    if high < WESTERN * len(data[:SAMPLE]):
        return _western(data)
    return _tolerant(data, _looks_like(data) or "cp1252")


def _looks_like(data: bytes) -> str:
    from charset_normalizer import from_bytes  # late: few mails need it, and it is slow to import

    best = from_bytes(data[:SAMPLE], cp_isolation=LIKELY, enable_fallback=False).best()
    return best.encoding if best is not None else ""


def _western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _tolerant(data: bytes, codec: str) -> str:
    return data.decode(codec, "replace")


def _mended(data: bytes, codec: str) -> str:
    """Choose between a few broken letters and a wrong label: one bad letter in a hundred is still the label."""
    if codec == "cp1252":
        return _western(data)
    text = _tolerant(data, codec)
    if text.count("\ufffd") * 100 <= len(text) or codec.startswith(SHIFTING):
        return text
    return guess(data)


def _scrub(text: str) -> str:
    """Put U+FFFD for lone surrogates, which hardly any text has: to try to write it costs a tenth of the look for them."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return SURROGATE.sub("\ufffd", text)
    return text


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
