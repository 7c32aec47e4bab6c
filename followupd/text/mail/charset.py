"""Decode the bytes of a mail, whatever charset they declare.

Without a usable declaration 580 of 649 guesses were right (docs/mail.md, section 1).
"""

import base64
import binascii
import codecs
import quopri
import re
from functools import lru_cache

#: names that real mail uses -> the wider charset in which mail of that name is written
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
#: Python's codecs that are no charset of any mail; some of them (punycode) take quadratic time
NOT_CHARSETS = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)
#: codecs in which ASCII bytes may mean something else
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
HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
#: charsets that are considered when there is no usable declaration
CANDIDATES = [
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp874"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
#: bytes from which a charset is guessed; guessing costs milliseconds
SAMPLE = 2048
#: share of high bytes below which a text is in a western language
WESTERN_SHARE = 0.08
#: characters of the name of a charset
MAX_NAME = 40

#: the beginning of a language's tag -> its usual charset
_EASTERN = (
    ("ja", "cp932"),
    ("ko", "cp949"),
    ("zh-tw", "cp950"),
    ("zh-hant", "cp950"),
    ("zh-hk", "cp950"),
    ("zh", "gb18030"),
)
#: letters of one language -> its usual charset; Chinese, whose signs Japanese has too, comes last
_EASTERN_LETTERS = (
    (re.compile("[\u3041-\u30ff]"), "cp932"),
    (re.compile("[\uac00-\ud7a3]"), "cp949"),
    (re.compile("[\u4e00-\u9fff]"), "gb18030"),
)
#: so many letters may be in a text of another language
_FEW_LETTERS = 2

BASE64_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NOT_BASE64 = bytes(set(range(256)) - set(BASE64_LETTERS) - set(b"="))
UUENCODINGS = frozenset({"x-uuencode", "uuencode", "uue", "x-uue"})


@lru_cache(maxsize=256)
def codec_of(name: str) -> str:
    """Return Python's name of a declared charset, "" if there is no such charset and it must be guessed.

    Args:
        name: as it is declared, of which MAX_NAME characters are read.
    """
    wanted = name.strip(" \"'").lower()[:MAX_NAME]
    try:
        found = codecs.lookup(ALIASES.get(wanted, wanted))
    except (LookupError, ValueError):
        return ""

    is_text: bool = getattr(found, "_is_text_encoding", True)
    names = {found.name, found.name.replace("_", "-")}
    if not is_text or names & NOT_CHARSETS:
        return ""

    return found.name


def decode(data: bytes, charset: str = "") -> str:
    """Decode bytes; never raises.

    Args:
        data: the bytes.
        charset: as it is declared; it may be unknown, wrong or "".

    Returns:
        The text. What cannot be decoded is U+FFFD, and there are no lone surrogates.
    """
    codec = codec_of(charset) if charset else ""
    if data.isascii() and not codec.startswith(SHIFTING):
        return _decode_ascii(data, codec)
    if codec in {"", "ascii"}:
        return _without_surrogates(guess(data))
    try:
        text = data.decode(codec)
    except (UnicodeError, ValueError):
        text = _decode_broken(data, codec)

    return _without_surrogates(text)


def _decode_ascii(data: bytes, codec: str) -> str:
    """Decode ASCII bytes, which are Japanese if an escape sequence says so and nothing is declared.

    Args:
        data: of ASCII bytes.
        codec: that was declared, "" for none.
    """
    if not codec and b"\x1b$" in data:
        return data.decode("iso2022_jp_ext", "replace")
    return data.decode("ascii")


def is_decodable(data: bytes, charset: str) -> bool:
    """Whether all of these bytes are valid in a charset.

    Args:
        data: the bytes.
        charset: a name that Python knows.
    """
    try:
        data.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def eastern_charset(tag: str, text: str) -> str:
    """Return the charset that is usual where a language of East Asia is written, "" for other languages.

    Args:
        tag: the tag of the language, such as "zh-tw", "" if it is not known.
        text: in that language.
    """
    by_tag = next((charset for prefix, charset in _EASTERN if tag.startswith(prefix)), "")
    if by_tag:
        return by_tag

    counts = [(len(letters.findall(text)), charset) for letters, charset in _EASTERN_LETTERS]
    return next((charset for count, charset in counts if count > _FEW_LETTERS), "")


def guess(data: bytes) -> str:
    """Decode bytes of an unknown charset.

    They are UTF-8 if that is possible or nearly so, Windows-1252 if there are few high bytes, and otherwise
    what the letters look like.

    Args:
        data: the bytes.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")

    invalid = text.count("\ufffd")
    multibyte = len(data) - len(text)  # each letter of more than one byte saves at least one
    if multibyte > 10 * invalid:
        return text
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")

    sample = data[:SAMPLE]
    high = sum(map(len, HIGH_BYTES.findall(sample)))
    if high < WESTERN_SHARE * len(sample):
        return _decode_western(data)
    return data.decode(_likely_codec(sample), "replace")


def _likely_codec(sample: bytes) -> str:
    """Return the charset that a sample of bytes looks like.

    Args:
        sample: not of UTF-8 and not western.
    """
    from charset_normalizer import from_bytes  # late: few mails need it, and it is slow to import

    best = from_bytes(sample, cp_isolation=CANDIDATES, enable_fallback=False).best()
    if best is None or not best.encoding:
        return "cp1252"
    return best.encoding


def _decode_western(data: bytes) -> str:
    """Decode as Windows-1252, or as Latin-1 where that has no letter.

    Args:
        data: the bytes.
    """
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _decode_broken(data: bytes, codec: str) -> str:
    """Decode bytes that are not valid in the declared charset.

    One invalid letter in a hundred is an error in the text; more than that mean that the declaration is
    wrong.

    Args:
        data: the bytes.
        codec: Python's name of the declared charset.
    """
    if codec == "cp1252":
        return _decode_western(data)

    text = data.decode(codec, "replace")
    is_right = text.count("\ufffd") * 100 <= len(text)
    if is_right or codec.startswith(SHIFTING):
        return text

    return guess(data)


def _without_surrogates(text: str) -> str:
    """Replace lone surrogates by U+FFFD.

    Hardly any text has some, and trying to encode it costs a tenth of searching for them.

    Args:
        text: that was decoded.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return SURROGATE.sub("\ufffd", text)

    return text


def decode_transfer(body: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding.

    Args:
        body: the bytes of a part.
        encoding: in lower case; an unknown one counts as none.
    """
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64" and _looks_like_base64(body):
        return decode_base64(body)
    if encoding in UUENCODINGS:
        return _decode_uuencoded(body)
    return body


def _looks_like_base64(body: bytes) -> bool:
    """Whether the bytes are base64 and not plain text with a wrong declaration, which has blanks."""
    return body.count(b" ") * 50 <= len(body) + 100


def decode_base64(body: bytes) -> bytes:
    """Decode base64 up to the padding, because list servers append plain text to it.

    Other characters are skipped. If the last group has a single letter, only that letter is lost.

    Args:
        body: with line breaks.
    """
    letters = body.translate(None, NOT_BASE64).split(b"=", 1)[0]
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    padding = b"=" * (-len(letters) % 4)
    return base64.b64decode(letters + padding)


def _decode_uuencoded(body: bytes) -> bytes:
    """Decode the lines of a uuencoded file, up to its end.

    Args:
        body: with or without its first line.
    """
    lines: list[bytes] = []
    for line in body.splitlines():
        if line == b"end":
            break
        is_header = line.startswith(b"begin ")
        if line and not is_header:
            lines.append(_decode_uuencoded_line(line))

    return b"".join(lines)


def _decode_uuencoded_line(line: bytes) -> bytes:
    """Decode one line; an invalid one gives nothing.

    Some encoders pad lines beyond the length in their first character, so that it is tried up to there, too.

    Args:
        line: not empty.
    """
    stated_length = (line[0] - 32) & 63
    width = (stated_length * 4 + 5) // 3
    for attempt in (line, line[:width]):
        try:
            return binascii.a2b_uu(attempt)
        except binascii.Error:
            continue

    return b""
