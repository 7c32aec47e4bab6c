"""Read the header fields of a mail: encoded words, addresses, Message-IDs and dates, each in linear time."""

import quopri
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from functools import lru_cache
from typing import NamedTuple

from followupd.domain.mail import Person
from followupd.text.mail.charset import decode, from_base64

LONGEST = 65_536  # characters of one field that are looked at (MAIL.md, R7)
WORD = re.compile(r"=\?([^?\s=]{1,60})\?([bBqQ])\?([^?\r\n]{0,4000})\?=")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
BLANK = re.compile(r"[ \t\r\n]+")
MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
SHORT = 550  # characters of the longest field that SIMPLE takes
SEPARATORS = frozenset(",;")
GROUP_END = frozenset(":")
TOKEN = re.compile(
    r'"(?:[^"\\]|\\.){0,2000}"|<[^<>]{0,400}>|\([^()]{0,400}\)|=\?[^?\s]{1,60}\?[bBqQ]\?[^?]{0,400}\?=|[,;:]|[^",;:<(=]+|.',
    re.DOTALL,
)
# One mailbox as nearly all are written; what is odd in any way goes through the tokens.
SIMPLE = re.compile(
    r"(?:\"([^\"\\=]{0,200})\"|([^\"\\<>()@,;:=]{0,200}?)) ?<([\w.+-]{1,64}@[\w.-]{1,255})>|([\w.+-]{1,64}@[\w.-]{1,255})",
    re.ASCII,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = {name: number for number, name in enumerate(_MONTHS, 1)}
# A date as RFC 5322, 3.3, wants it; what is odd in any way goes through the standard library.
DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? ([+-])(\d\d)(\d\d)(?: \([A-Za-z ]{1,40}\))?",
    re.ASCII,
)
ODD = re.compile(r"[\s<>]")
QUOTED_PAIR = re.compile(r"\\(.)")
ADDRESS = re.compile(r"[^\s@<>(),;:\"\[\]]{1,64}@[^\s@<>(),;:\"\[\]]{1,255}")
SPACED = re.compile(r"\s*([@.])\s*")


class Headers:
    """The fields of one header, by lower-case name; values as they came, 8-bit bytes as surrogates."""

    __slots__ = ("_fields", "_firsts", "_texts", "charset")

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields
        self._firsts: dict[str, str] = {}  # the subject alone is asked for by six rules
        self._texts: dict[str, str] = {}
        self.charset = ""  # the words' charset: who writes 8-bit fields without saying which means the same

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Headers":
        """Gather fields whose names stand as they were written."""
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name.strip().lower(), []).append(value)
        return cls(fields)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def first(self, name: str) -> str:
        """Return the topmost field of that name, unfolded but not decoded; "" when there is none."""
        values = self._fields.get(name)
        if values is None:  # of the many names that are asked for most are not there
            return ""
        if (known := self._firsts.get(name)) is not None:
            return known
        first = self._firsts[name] = _unfolded(values[0])
        return first

    def every(self, name: str) -> list[str]:
        values = self._fields.get(name)
        return [_unfolded(value) for value in values] if values else []

    def have(self, names: AbstractSet[str]) -> bool:
        """Say whether one of these fields is there: most mails have none of what the rules for robots ask for."""
        return not self._fields.keys().isdisjoint(names)

    def text(self, name: str) -> str:
        """Return the topmost field of that name as clean Unicode on one line."""
        if name not in self._texts:
            self._texts[name] = clean(decode_words(self.first(name), self.charset))
        return self._texts[name]

    def word(self, name: str) -> str:
        """Return the first token of a structured field, lower-case: "auto-replied" of "Auto-Replied; (vacation)"."""
        first = self.first(name)
        return word_of(first) if first else ""


def word_of(field: str) -> str:
    return field.lower().split(";", 1)[0].split("(", 1)[0].strip()


def _unfolded(value: str) -> str:
    value = value[:LONGEST].strip()
    return (
        BLANK.sub(" ", value) if "\n" in value or "  " in value or "\t" in value or "\r" in value else value
    )


class ParsedAddress(NamedTuple):
    """An address as it stood in the header: `given` may be no address at all ("MAILER-DAEMON")."""

    given: str
    name: str = ""

    def person(self) -> Person:
        return _person(self)


@lru_cache(maxsize=256)  # a mailbox's mails are to the same few, and from somebody who is asked for twice
def _person(box: ParsedAddress) -> Person:
    return Person(proper(box.given), box.name)


def clean(text: str) -> str:
    """Put a blank for each control, line separator or direction mark and cut to a sane length (MAIL.md, R4)."""
    if text.isprintable() and "  " not in text:  # nearly all are, and need no pattern
        return text.strip()[:1000]
    return BLANK.sub(" ", CONTROL.sub(" ", text)).strip()[:1000]


def octets(value: str) -> bytes:
    return value.encode("ascii", "surrogateescape") if _raw(value) else value.encode("utf-8", "replace")


def _raw(value: str) -> bool:
    return value.isascii() or all(char < "\x80" or "\udc80" <= char <= "\udcff" for char in value)


def decode_words(value: str, bare: str = "") -> str:
    """Decode encoded words once (RFC 2047); neighbours of one charset are joined as bytes, since clients cut letters.

    `bare` is the charset of 8-bit letters outside of encoded words, when they are no UTF-8; "" leaves it to a guess.
    """
    if value.isascii() and "=?" not in value:
        return value
    out: list[str] = []
    waiting: tuple[str, bytes] = ("", b"")
    at = 0
    for word in WORD.finditer(value):
        between = value[at : word.start()]
        between = (
            "" if at and between.isspace() else between
        )  # RFC 2047, 6.2: the gap between two words is none
        charset = word[1].split("*")[0].lower()  # RFC 2231 puts a language behind "*"
        if between or charset != waiting[0]:
            out += [decode(waiting[1], waiting[0]), _plain(between, bare)]
            waiting = (charset, b"")
        waiting = (charset, waiting[1] + _unwrap(word[2].lower(), word[3]))
        at = word.end()
    return "".join([*out, decode(waiting[1], waiting[0]), _plain(value[at:], bare)])


def _plain(text: str, charset: str = "") -> str:
    if text.isascii():
        return text
    data = octets(text)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return decode(data, charset)


def _unwrap(encoding: str, text: str) -> bytes:
    data = octets(text)
    if encoding == "q":
        return quopri.decodestring(data, header=True)
    return from_base64(data)


def mailboxes(value: str, charset: str = "") -> tuple[ParsedAddress, ...]:
    """Split an address field into its mailboxes, however badly it is written: groups, bare commas, stray quotes.

    A scanner of its own, since the standard parser is quadratic or raises RecursionError on hostile fields.
    """
    if len(value) < SHORT and value.isascii() and (simple := _simple(value)):
        return simple
    found: list[ParsedAddress] = []
    words: list[str] = []
    angle = ""
    for token in TOKEN.findall(value[:LONGEST]):
        if token in SEPARATORS:
            if angle or any("@" in word for word in words):
                found.append(_mailbox(words, angle, charset))
                words, angle = [], ""
            elif words:
                words.append(token)  # "Doe, Jane <jane@...>": the comma belongs to the name
        elif token in GROUP_END and not angle and not any("@" in word for word in words):
            words = []  # the name of a group
        elif token[0] == "<" and len(token) > 1:
            angle = angle or token[1:-1]
        else:
            words.append(token)
    if angle or words:
        found.append(_mailbox(words, angle, charset))
    return tuple(box for box in found if box.given or box.name)[:500]


@lru_cache(maxsize=256)  # nearly every mail is to us
def _simple(value: str) -> tuple[ParsedAddress, ...]:
    """Read a field of one mailbox that is written as nearly all are; () for any other."""
    simple = SIMPLE.fullmatch(value)
    if simple is None:
        return ()
    name = clean((simple[1] or simple[2] or "").strip(" ,;")).strip("\"' []")
    return (ParsedAddress(simple[3] or simple[4], name),)


def _mailbox(words: list[str], angle: str, charset: str) -> ParsedAddress:
    comments = [word[1:-1] for word in words if word[0] == "(" and len(word) > 1]
    plain = "".join(_unquoted(word) for word in words if word[0] != "(").strip(" ,;")
    if angle:
        return ParsedAddress(
            _bare(angle), clean(decode_words(plain or " ".join(comments), charset)).strip("\"' []")
        )
    held = ADDRESS.search(plain)
    given = held[0] if held else SPACED.sub(r"\1", plain)
    name = " ".join(comments) or (plain.replace(held[0], "").strip() if held else "")
    return ParsedAddress(_bare(given), clean(decode_words(name, charset)).strip("\"' []"))


def _unquoted(word: str) -> str:
    return QUOTED_PAIR.sub(r"\1", word[1:-1]) if word[0] == '"' and len(word) > 1 else word


def _bare(given: str) -> str:
    given = clean(_plain(given)).removeprefix("mailto:").removeprefix("MAILTO:")
    return (
        given.rpartition(":")[2].strip() if given.startswith("@") else given.strip(" '\"")
    )  # RFC 822 source route


def proper(given: str) -> str:
    """Return the address with its domain in lower-case ASCII; "" when it is none. The local part stays as it is."""
    local, at, domain = given.rpartition("@")
    domain = domain.lower().strip(".")
    if not at or not local or not domain or len(given) > 320 or ODD.search(given):
        return ""
    return f"{local}@{domain if domain.isascii() else _punycode(domain)}"


def _punycode(domain: str) -> str:
    from email_validator import EmailNotValidError, validate_email  # late: few domains need it

    try:
        return validate_email(f"x@{domain}", check_deliverability=False).ascii_domain or domain
    except (EmailNotValidError, UnicodeError):
        return domain


def message_ids(value: str) -> tuple[str, ...]:
    """Return every `<id>` of In-Reply-To or References, in order, each once; prose between them is passed over."""
    return tuple(dict.fromkeys(MESSAGE_ID.findall(value)))[-200:] if value else ()


def moment(value: str) -> datetime | None:
    """Read a Date field as an aware moment in UTC; None when it names no real one."""
    try:
        if (plain := DATE.fullmatch(value)) and plain[2] in MONTHS:
            day, month, year, hour, minute, second, sign, hours, minutes = plain.groups("0")
            there = datetime(
                int(year), MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC
            )
            ahead = timedelta(hours=int(hours), minutes=int(minutes))
            return there + ahead if sign == "-" else there - ahead
        parts = parsedate_tz(value[:200])
        if parts is None:
            return None
        naive = datetime(*parts[:6], tzinfo=UTC)
        return datetime.fromtimestamp(naive.timestamp() - (parts[9] or 0), UTC)
    except (ValueError, OverflowError, TypeError, IndexError, OSError):
        return None
