"""Read the header fields of a mail: encoded words, addresses, Message-IDs and dates, each in linear time."""

import quopri
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from functools import lru_cache
from typing import NamedTuple

from followupd.domain.calendar import MAIL_YEARS
from followupd.domain.mail import Person
from followupd.languages import catalogue
from followupd.text.mail.charset import decode, decode_base64

#: characters of one field that are read (docs/mail.md R7)
MAX_FIELD = 65_536
#: characters of a field's text
MAX_TEXT = 1000
#: characters of an address; RFC 5321 allows 64 + 1 + 255
MAX_ADDRESS = 320
#: characters of an address field that are read, and fields of one name
MAX_ADDRESS_FIELD, MAX_FIELDS = 4096, 50
#: Message-IDs of one field; the last ones count
MAX_MESSAGE_IDS = 200
#: characters of a Date field
MAX_DATE = 200
#: characters of the longest field that _SIMPLE_MAILBOX can match
MAX_SIMPLE_FIELD = 550

_ENCODED_WORD = re.compile(r"=\?([^?\s=]{1,60})\?([bBqQ])\?([^?\r\n]{0,4000})\?=")
#: control characters, line separators and direction marks
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
#: what `str.isspace` calls white space in ASCII, and any of it that is no blank
_FOLDING_SPACE = re.compile(r"[ \t-\r\x1c-\x1f]+")
_OTHER_SPACE = re.compile(r"[\t-\r\x1c-\x1f]")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_ADDRESS_TOKEN = re.compile(
    r"""
      "(?:[^"\\]|\\.){0,400}"                           # quoted string
    | <[^<>]{0,400}>                                    # angle address
    | \([^()]{0,400}\)                                  # comment
    | =\?[^?\s]{1,60}\?[bBqQ]\?[^?]{0,400}\?=           # encoded word
    | [,;:]
    | [^",;:<(=]+
    | .
    """,
    re.DOTALL | re.VERBOSE,
)
#: one mailbox as nearly all are written; any other is read token by token
_SIMPLE_MAILBOX = re.compile(
    r"""
      (?: "([^"\\=]{0,200})" | ([^"\\<>()@,;:=]{0,200}?) )      # name
      [ ]?<([\w.+-]{1,64}@[\w.-]{1,255})>
    | ([\w.+-]{1,64}@[\w.-]{1,255})
    """,
    re.ASCII | re.VERBOSE,
)
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
#: a date as RFC 5322, section 3.3, specifies it; any other is read by the standard library
_DATE = re.compile(
    r"""
    (?:[A-Z][a-z]{2},[ ])?
    (\d{1,2})[ ]([A-Z][a-z]{2})[ ](\d{4})[ ]
    (\d\d):(\d\d)(?::(\d\d))?[ ]
    ([+-])(\d\d)(\d\d)
    (?:[ ]\([A-Za-z ]{1,40}\))?                                 # name of the time zone
    """,
    re.ASCII | re.VERBOSE,
)
_NOT_IN_ADDRESS = re.compile(r"[\s<>\"]|@[^@]*@")
#: a quoted local part and its domain (RFC 5322, section 3.4.1)
_QUOTED_LOCAL_PART = re.compile(r'"((?:[^"\\]|\\.){0,200})"\s?@\s?([^\s@<>"]{1,255})$')
#: a local part that needs no quotation marks
_DOT_ATOM = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]{1,64}(?:\.[\w!#$%&'*+/=?^`{|}~-]{1,64}){0,20}")
_QUOTED_PAIR = re.compile(r"\\(.)")
ADDRESS = re.compile(r"[^\s@<>(),;:\"\[\]]{1,64}@[^\s@<>(),;:\"\[\]]{1,255}")
_SPACED_SIGN = re.compile(r" ?([@.]) ?")


_SUBJECTS = catalogue().mail_clients.subjects


def _any_of(words: Iterable[str]) -> str:
    """Return a pattern of these words, the longest first."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


#: what one program or server puts before a subject
_SUBJECT_PREFIX = re.compile(
    rf"""
    [\s\u200b-\u200f]*
    (?: (?:{_any_of(_SUBJECTS.prefixes).replace(" ", "[ ]")})               # "Re", "Re[2]", "Re^2", "Re (2)"
        \.?\s?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|\^\d{{1,3}}|[²³])?\s?[:：]
      | [\[({{<*]{{1,9}}\s?(?:{_any_of(_SUBJECTS.tags).replace(" ", "[ ]")})\s?[\])}}>*]{{1,9}}:?    # "[EXTERN]"
      | (?:{_any_of(_SUBJECTS.tags).replace(" ", "[ ]")})\s?[:：]            # "EXTERN:"
    )\s*
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NO_SUBJECT = frozenset(_SUBJECTS.none)


def bare_subject(subject: str) -> str:
    """Return a subject without what programs and servers put before it: "Re:", "AW: [EXTERN]", "Fwd:".

    Args:
        subject: on one line; what programs write where there is none is "".
    """
    rest = subject
    while found := _SUBJECT_PREFIX.match(rest):
        rest = rest[found.end() :]

    return "" if rest.strip(" ()[]<>").casefold() in _NO_SUBJECT else rest


class Headers:
    """The fields of a header by lower-case names; values are as they came, with 8-bit bytes as surrogates."""

    __slots__ = ("_fields", "_firsts", "_names", "_texts", "_values", "charset", "is_regular")

    def __init__(
        self, fields: Mapping[str, list[str]], names: Sequence[str], *, is_regular: bool = True
    ) -> None:
        """Take fields whose names are in lower case, and the names in the order of the fields.

        `is_regular` is False if a line of the header is no field: the next server may take what is below it for text.
        """
        self._fields = fields
        self._names = names
        self._firsts: dict[str, str] = {}  # six rules ask for the subject alone
        self._values: dict[str, list[str]] = {}
        self._texts: dict[str, str] = {}
        #: that of the mail's text; 8-bit fields without a charset are usually in the same one
        self.charset = ""
        self.is_regular = is_regular

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Headers":
        """Collect fields whose names are as they were written, which come from no regular header.

        Args:
            pairs: names and values, topmost first.
        """
        fields: dict[str, list[str]] = {}
        names: list[str] = []
        for written, value in pairs:
            name = written.strip().lower()
            fields.setdefault(name, []).append(value)
            names.append(name)
        return cls(fields, names, is_regular=False)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def first(self, name: str) -> str:
        """Return the topmost field of a name, unfolded but not decoded; "" if there is none.

        Args:
            name: in lower case.
        """
        values = self._fields.get(name)
        if values is None:  # true for most names that are asked for
            return ""

        known = self._firsts.get(name)
        if known is None:
            known = self._firsts[name] = _unfolded(values[0])

        return known

    def values(self, name: str) -> list[str]:
        """Return the fields of a name, MAX_FIELDS at most, unfolded but not decoded, topmost first.

        Args:
            name: in lower case.
        """
        if name not in self._fields:
            return []
        if name not in self._values:
            self._values[name] = list(map(_unfolded, self._fields[name][:MAX_FIELDS]))
        return self._values[name]

    def in_order(self, *names: str) -> Iterator[tuple[str, str]]:
        """Yield the fields of some names with their values, unfolded but not decoded, topmost first.

        Args:
            names: in lower case.
        """
        values = {name: iter(self.values(name)) for name in names}
        for name in self._names:
            value = next(values[name], None) if name in values else None
            if value is not None:
                yield name, value

    def has_any(self, names: AbstractSet[str]) -> bool:
        """Whether there is a field with one of these names.

        Args:
            names: in lower case.
        """
        return not self._fields.keys().isdisjoint(names)

    def text(self, name: str) -> str:
        """Return the topmost field of a name as clean Unicode on one line.

        Args:
            name: in lower case.
        """
        if name not in self._texts:
            decoded = decode_encoded_words(self.first(name), self.charset)
            self._texts[name] = clean(decoded)
        return self._texts[name]

    def token(self, name: str) -> str:
        """Return the first token of a field in lower case: "auto-replied" of "Auto-Replied; (vacation)".

        Args:
            name: in lower case.
        """
        first = self.first(name)
        return first_token(first) if first else ""


def first_token(value: str) -> str:
    """Return what is before the parameters and comments of a structured field, in lower case.

    Args:
        value: such as "text/html; charset=utf-8".
    """
    return value.lower().split(";", 1)[0].split("(", 1)[0].strip()


def _unfolded(value: str) -> str:
    """Return a field on one line, with single blanks.

    Args:
        value: as it is in the mail; most fields need no change.
    """
    value = value[:MAX_FIELD].strip()
    if "  " in value or (not value.isprintable() and _OTHER_SPACE.search(value)):
        return _FOLDING_SPACE.sub(" ", value)
    return value


class ParsedAddress(NamedTuple):
    """An address as it is written in a header: `raw` may be no address ("MAILER-DAEMON")."""

    raw: str
    name: str = ""

    def person(self) -> Person:
        """Return name and address; the address is "" if it is none."""
        return _person(self)


@lru_cache(maxsize=256)  # the mails of a mailbox are to the same few addresses
def _person(written: ParsedAddress) -> Person:
    return Person(normalised_address(written.raw), written.name)


def clean(text: str) -> str:
    """Return a text on one line without control characters, cut to MAX_TEXT characters (docs/mail.md R4).

    Args:
        text: such as a subject or a name.
    """
    if text.isprintable() and "  " not in text:  # true for nearly all
        return text.strip()[:MAX_TEXT]
    visible = _CONTROLS.sub(" ", text)
    return _WHITE_SPACE.sub(" ", visible).strip()[:MAX_TEXT]


def raw_bytes(value: str) -> bytes:
    """Return the bytes that a field was read from; text that was decoded already becomes UTF-8.

    Args:
        value: a field, with 8-bit bytes as surrogates.
    """
    try:
        return value.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def decode_encoded_words(value: str, charset: str = "") -> str:
    """Decode encoded words once (RFC 2047).

    Neighbours of one charset are joined as bytes first, because mail clients cut letters in two.

    Args:
        value: an unfolded field.
        charset: of 8-bit letters outside of encoded words if they are not UTF-8; "" means to guess.
    """
    if value.isascii() and "=?" not in value:
        return value

    decoded: list[str] = []
    pending_charset, pending = "", b""
    end = 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[end : word.start()]
        if end and between.isspace():
            between = ""  # RFC 2047, section 6.2: white space between two words is no text
        word_charset = word[1].split("*")[0].lower()  # RFC 2231: a language may follow "*"
        if between or word_charset != pending_charset:
            decoded.append(decode(pending, pending_charset))
            decoded.append(_decode_8bit(between, charset))
            pending_charset, pending = word_charset, b""
        pending += _word_bytes(word[2].lower(), word[3])
        end = word.end()

    decoded.append(decode(pending, pending_charset))
    decoded.append(_decode_8bit(value[end:], charset))
    return "".join(decoded)


def _decode_8bit(text: str, charset: str = "") -> str:
    """Decode the 8-bit letters of a field: UTF-8 if they are valid, else this charset, else a guess.

    Args:
        text: a part of a field, with 8-bit bytes as surrogates.
        charset: to try if the bytes are not UTF-8; "" means to guess.
    """
    if text.isascii():
        return text

    data = raw_bytes(text)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return decode(data, charset)


def _word_bytes(encoding: str, text: str) -> bytes:
    """Return the bytes of an encoded word.

    Args:
        encoding: "q" or "b".
        text: between the question marks.
    """
    data = raw_bytes(text)
    if encoding == "q":
        return quopri.decodestring(data, header=True)
    return decode_base64(data)


def parse_addresses(value: str, charset: str = "") -> tuple[ParsedAddress, ...]:
    """Return the mailboxes of an address field, also of an invalid one.

    It may have groups, names with bare commas, and single quotation marks.

    The standard parser is not used: it is quadratic, or raises RecursionError, on hostile fields.

    Args:
        value: an unfolded field.
        charset: of 8-bit letters; "" means to guess.
    """
    if len(value) < MAX_SIMPLE_FIELD and value.isascii():
        simple = _simple_mailbox(value)
        if simple:
            return simple

    return _scan_addresses(_whole_addresses(value), charset)


def _whole_addresses(value: str) -> str:
    """Return an address field, cut between two addresses if it is too long: half of one is another address.

    Args:
        value: an unfolded field.
    """
    if len(value) <= MAX_ADDRESS_FIELD:
        return value
    cut = value[:MAX_ADDRESS_FIELD]
    return cut[: max(cut.rfind(","), cut.rfind(";"), 0)]


@lru_cache(maxsize=8)  # a field of one mail is asked for several times
def _scan_addresses(value: str, charset: str) -> tuple[ParsedAddress, ...]:
    """Return the mailboxes of an address field of any form.

    Args:
        value: an unfolded field of no more than MAX_ADDRESS_FIELD characters.
        charset: of 8-bit letters; "" means to guess.
    """
    scanner = _AddressScanner(charset)
    for piece in _ADDRESS_TOKEN.findall(value):
        scanner.add(piece)

    scanner.end_mailbox()
    return tuple(mailbox for mailbox in scanner.found if mailbox.raw or mailbox.name)


@lru_cache(maxsize=256)  # nearly every mail is to us
def _simple_mailbox(value: str) -> tuple[ParsedAddress, ...]:
    """Return the mailbox of a field with a single one in the usual form; () for any other field.

    Args:
        value: an unfolded field of less than MAX_SIMPLE_FIELD characters.
    """
    simple = _SIMPLE_MAILBOX.fullmatch(value)
    if simple is None:
        return ()
    quoted, plain, angle, bare = simple.groups("")
    name = clean((quoted or plain).strip(" ,;")).strip("\"' []")
    return (ParsedAddress(angle or bare, name),)


class _AddressScanner:
    """Collects the mailboxes of a field from its tokens.

    `words` and `angle` are those of the current mailbox; `has_address` says that one of them contains an
    address.
    """

    def __init__(self, charset: str) -> None:
        """Start with no mailbox; `charset` is that of 8-bit letters."""
        self.charset = charset
        self.found: list[ParsedAddress] = []
        self.words: list[str] = []
        self.angle = ""
        self.has_address = False

    def add(self, piece: str) -> None:
        """Take the next piece of the field.

        Args:
            piece: a match of _ADDRESS_TOKEN: a separator, an angle address, a quoted string, a comment or
                other text.
        """
        match piece:
            case "," | ";":
                self._separate(piece)
            case ":" if not self.has_address:
                self.words = []  # they were the name of a group
            case _ if piece.startswith("<") and len(piece) > 1:
                self.angle = self.angle or piece[1:-1]
                self.has_address |= self.angle != ""
            case _:
                self.words.append(piece)
                self.has_address |= "@" in piece

    def _separate(self, piece: str) -> None:
        """End the mailbox at a separator, unless there is only a name yet: "Doe, Jane <jane@example.org>".

        Args:
            piece: the separator.
        """
        if self.has_address:
            self.end_mailbox()
        elif self.words:
            self.words.append(piece)

    def end_mailbox(self) -> None:
        """Add the current mailbox to those that were found, and begin the next one."""
        if self.angle or self.words:
            mailbox = _mailbox(self.words, self.angle, self.charset)
            self.found.append(mailbox)
        self.words = []
        self.angle = ""
        self.has_address = False


def _mailbox(words: list[str], angle: str, charset: str) -> ParsedAddress:
    """Return the mailbox for some tokens.

    Args:
        words: the tokens, without the angle address.
        angle: what is between angle brackets, "" if there are none.
        charset: of 8-bit letters; "" means to guess.
    """
    comments = " ".join(word[1:-1] for word in words if word[0] == "(" and len(word) > 1)
    plain = "".join(_unquoted(word) for word in words if word[0] != "(").strip(" ,;")
    if angle:
        return ParsedAddress(_bare_address(angle), _display_name(plain or comments, charset))

    written = _without(words, "(")
    if _QUOTED_LOCAL_PART.match(written):
        return ParsedAddress(_bare_address(written), _display_name(comments, charset))

    # An address within a quoted name is not the sender's if there is one outside of it.
    outside = _without(words, '("')
    found = ADDRESS.search(outside) or ADDRESS.search(plain)
    if found is None or _is_ambiguous(outside):
        raw = _SPACED_SIGN.sub(r"\1", plain)
        return ParsedAddress(_bare_address(raw), _display_name(comments, charset))

    rest = plain.replace(found[0], "").strip()
    return ParsedAddress(_bare_address(found[0]), _display_name(comments or rest, charset))


def _without(words: Iterable[str], marks: str) -> str:
    """Return the tokens in one text, without those that begin with one of these marks.

    Args:
        words: the tokens of a mailbox.
        marks: "(" for comments, a quotation mark for quoted strings.
    """
    return "".join(word for word in words if word[0] not in marks).strip(" ,;")


def _is_ambiguous(outside: str) -> bool:
    """Whether it is not certain which address is meant: "kim doe@example.org" may have lost its quotation marks.

    Args:
        outside: what is not in brackets, quotation marks or comments.
    """
    before, blank, last = outside.rpartition(" ")
    return outside.count("@") > 1 or (blank != "" and "@" in last and before[:1].islower())


def _display_name(name: str, charset: str) -> str:
    """Return a name without encoded words, control characters and quotation marks.

    Args:
        name: with encoded words.
        charset: of 8-bit letters; "" means to guess.
    """
    return clean(decode_encoded_words(name, charset)).strip("\"' []")


def _unquoted(word: str) -> str:
    """Return what a quoted string says; any other token as it is.

    Args:
        word: a piece of an address field.
    """
    if word[0] == '"' and len(word) > 1:
        return _QUOTED_PAIR.sub(r"\1", word[1:-1])
    return word


def _bare_address(raw: str) -> str:
    """Return an address without "mailto:", quotation marks and a source route (RFC 5321, appendix C).

    Args:
        raw: what is between angle brackets, or what is left without them.
    """
    raw = clean(_decode_8bit(raw)).removeprefix("mailto:").removeprefix("MAILTO:")
    if raw.startswith("@"):
        return raw.rpartition(":")[2].strip()

    quoted = _QUOTED_LOCAL_PART.match(raw)
    if quoted is None:
        return raw.strip(" '\"")
    local = _QUOTED_PAIR.sub(r"\1", quoted[1])
    return f"{local}@{quoted[2]}" if _DOT_ATOM.fullmatch(local) else raw


def normalised_address(raw: str) -> str:
    """Return an address with its domain in lower-case ASCII, "" if it is none.

    Args:
        raw: as it is written in a header. The local part stays as it is, because its case may matter. One
            that has to be quoted, such as "robin vale"@example.org, is none: no half of it is an address.
    """
    local, _, domain = raw.rpartition("@")
    domain = domain.lower().strip(".")
    is_complete = local != "" and domain != ""
    if not is_complete or len(raw) > MAX_ADDRESS or _NOT_IN_ADDRESS.search(raw):
        return ""
    if not domain.isascii():
        domain = _to_ascii(domain)

    return f"{local}@{domain}"


def _to_ascii(domain: str) -> str:
    """Return an internationalised domain in ASCII (RFC 5891), as it is if that is not possible.

    Args:
        domain: in lower case.
    """
    from email_validator import EmailNotValidError, validate_email  # late: few domains need it

    try:
        return validate_email(f"x@{domain}", check_deliverability=False).ascii_domain or domain
    except (EmailNotValidError, UnicodeError):
        return domain


def message_ids(value: str) -> tuple[str, ...]:
    """Return every Message-ID in In-Reply-To or References, with its angle brackets, in order, each once.

    Words between them are skipped.

    Args:
        value: an unfolded field; clients write other words in it, too.
    """
    if not value:
        return ()
    distinct = dict.fromkeys(_MESSAGE_ID.findall(value))
    return tuple(distinct)[-MAX_MESSAGE_IDS:]


def parse_date(value: str) -> datetime | None:
    """Return a Date field as an aware moment in UTC, None if it is no real one.

    Args:
        value: an unfolded Date field, in the form of RFC 5322 or in one that the standard library knows.
    """
    match = _DATE.fullmatch(value)
    try:
        moment = _regular_date(match) if match and match[2] in _MONTHS else _odd_date(value)
    except (ValueError, OverflowError, TypeError, IndexError, OSError):
        return None
    return moment if moment and moment.year in MAIL_YEARS else None


def _odd_date(value: str) -> datetime | None:
    """Return the moment of a Date field in another form that the standard library knows; it raises what that raises."""
    parts = parsedate_tz(value[:MAX_DATE])
    if parts is None:
        return None
    local = datetime(*parts[:6], tzinfo=UTC)
    offset = parts[9] or 0
    return datetime.fromtimestamp(local.timestamp() - offset, UTC)


def _regular_date(match: re.Match[str]) -> datetime:
    """Return the moment of a match of _DATE.

    Raises:
        ValueError: there is no such day or time.
        OverflowError: it is before the year 1 or after the year 9999.
    """
    day, month, year, hour, minute, second, sign, offset_hours, offset_minutes = match.groups("0")
    date = int(year), _MONTHS[month], int(day)
    local = datetime(*date, int(hour), int(minute), int(second), tzinfo=UTC)
    offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
    if sign == "-":
        return local + offset

    return local - offset
