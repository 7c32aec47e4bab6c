"""Choose the text of a mail, name its files, and tell when a person must open it (docs/mail.md R7)."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from followupd.languages import catalogue
from followupd.languages.patterns import verbatim
from followupd.text.mail.charset import decode
from followupd.text.mail.html import declared_charset, html_to_text
from followupd.text.mail.parse import MimePart, ParsedMail
from followupd.text.mail.winmail import winmail_text

#: characters of text that are read
MAX_TEXT = 300_000
#: characters of a text part that only refers to the HTML part
MAX_STUB = 300
#: characters of a plain text beside which the HTML part is looked at
MAX_SHORT = 800
#: letters that HTML says more than a plain text that only stands in for it, and the share that such a text has
MIN_MORE = 12
SHARE_OF_STUB = 0.6
#: share of a part's words that the parts before it need not have
MAX_MISSING = 0.1
#: characters of a line that soft line breaks make longer
MAX_FLOWED_LINE = 4000
#: characters of the text in which an encrypted message begins
MAX_BEFORE_PGP = 5000

_ENCRYPTED_TYPES = frozenset({"multipart/encrypted", "application/pgp-encrypted"})
_SEALED_TYPES = frozenset({"application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNATURE_TYPES = frozenset(
    {
        "application/pgp-signature",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-keys",
    }
)
_TEXT_TYPES = frozenset({"text/plain", "text/html", "text/enriched"})
#: types that are files only if they are attached
_INLINE_TYPES = _TEXT_TYPES | {"text/x-amp-html"}
_WINMAIL_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_WORD = re.compile(r"[^\W_]+")
#: what is between the words of a text and not seen
_INVISIBLE = " \t\xa0\xad\u034f\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u3000\ufeff"
#: names of pictures in a plain text: "[cid:image001.png@01DB]", "[image: logo]"
_PICTURE = re.compile(r"\[(?:cid|image|bild|inline)[^\]\n]{0,200}\]|<?https?://\S{1,2000}", re.IGNORECASE)
_GATEWAYS = catalogue().mail_clients.gateways
_BANNER = re.compile(
    rf"\W{{0,5}}(?:(?:{'|'.join(_GATEWAYS.warnings)})\W{{1,4}}){{0,3}}(?:{verbatim(_GATEWAYS.banners)})"
)
#: banners above a text, and characters of one
MAX_BANNERS = 4
MAX_BANNER = 600
_SENT_FROM = tuple(catalogue().mail_clients.signatures.sent_from)
_STUB = re.compile(verbatim(catalogue().mail_clients.stubs.says), re.IGNORECASE)
_PGP_HEAD = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z]{1,20}:[^\n]{0,200}\n){0,5}\n?", re.MULTILINE
)
_PGP_TAIL = re.compile(
    r"^-----BEGIN PGP SIGNATURE-----\n[^-]{0,5000}-----END PGP SIGNATURE-----$", re.MULTILINE
)
#: a dash at the beginning of a line is escaped (RFC 9580, section 7.2)
_PGP_DASH = re.compile(r"^- -", re.MULTILINE)
_UUENCODED = re.compile(r"^begin [0-7]{3} ([^\n]{1,200})\n[ -`\n]{0,300000}?^end$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a mail with its quotes, the names of its files, and why a person must open it."""

    text: str
    attachments: tuple[str, ...] = ()
    by_hand: str = ""


def extract_body(mail: ParsedMail) -> Body:
    """Return the text that a person would see on opening the mail, and what a person must know of the rest.

    Args:
        mail: the mail, of whose text MAX_TEXT characters are returned.
    """
    shown = _shown_parts(mail)
    files = [part for part in mail.parts if part not in shown and _is_file(part)]
    pieces = (text for text in _texts(shown) if text.strip(_INVISIBLE + "\r\n"))
    text = _without_banners(_without_armour("\n\n".join(pieces))[:MAX_TEXT])
    if not text.strip():
        text = _winmail_text(files) or text

    names = dict.fromkeys(filter(None, map(_name, files)))
    return Body(text, tuple(names), _reason_to_open(mail, text, files))


def _winmail_text(files: Iterable[MimePart]) -> str:
    """Return the text in Outlook's envelope, which is opened only if the mail has no other text.

    Args:
        files: the attachments, among which the envelope is.
    """
    for part in files:
        if part.type not in _WINMAIL_TYPES:
            continue
        text = winmail_text(part.octets)[:MAX_TEXT]
        if text:
            return text

    return ""


def _shown_parts(mail: ParsedMail) -> list[MimePart]:
    """Return the parts with the text.

    Args:
        mail: the mail. If all its texts have file names, as some programs give them, the first one is shown.
    """
    texts = [part for part in mail.parts if part.type in _TEXT_TYPES]
    shown = [part for part in texts if not part.is_attached]
    if shown:
        return shown
    named = [part for part in texts if part.disposition != "attachment"]
    return named[:1]


def _is_file(part: MimePart) -> bool:
    """Whether a part is a file for people; signatures are none.

    Args:
        part: any part that is not shown.
    """
    if part.type in _SIGNATURE_TYPES:
        return False
    return part.is_attached or part.type not in _INLINE_TYPES


def _texts(parts: Sequence[MimePart]) -> list[str]:
    """Return the texts of the shown parts in order; of those that say the same in several forms, one form.

    Args:
        parts: those that are shown, in order.
    """
    texts: list[str] = []
    for _, group in groupby(parts, lambda part: part.alternative or -id(part)):
        forms = list(group)
        text = _best_form(forms) if forms[0].alternative else part_text(forms[0])
        if not _is_said_by(text, texts):
            texts.append(text)

    return texts


def _best_form(forms: Sequence[MimePart]) -> str:
    """Return the text of the form that says more, in doubt the plain one.

    HTML is slower to read and less exact, so that it is looked at only beside a short plain text.

    Args:
        forms: the parts of a multipart/alternative. A form may have several: Apple's programs put files, and
            a second text, into the one in HTML.
    """
    branches = [list(parts) for _, parts in groupby(forms, lambda part: part.branch)]
    plain = [parts for parts in branches if {part.type for part in parts} == {"text/plain"}]
    rich = [parts for parts in branches if parts not in plain]
    text = _joined(plain[0]) if plain else ""
    if not rich or len(text) > MAX_SHORT:
        return text

    html = _joined(rich[-1])
    return html if _says_more(html, text) else text


def _says_more(html: str, plain: str) -> bool:
    """Whether the form in HTML says more than a short plain one, which may only point at it.

    Args:
        html: the text of the form in HTML.
        plain: that of the plain one; banners that mail servers put above it do not count.
    """
    count, richer = visible_letters(_below_banners(plain)), visible_letters(html)
    if not richer:
        return False

    is_stub = count == 0 or (len(plain) < MAX_STUB and _STUB.search(plain) is not None)
    return is_stub or (richer > count + MIN_MORE and richer * SHARE_OF_STUB > count)


def _joined(parts: Iterable[MimePart]) -> str:
    """Return the texts of some parts with an empty line between them."""
    return "\n\n".join(filter(str.strip, map(part_text, parts)))


def part_text(part: MimePart) -> str:
    """Return the text of one part."""
    return unflowed_text(part) if part.type == "text/plain" else html_part_text(part)


def visible_letters(text: str) -> int:
    """Return how many letters and digits a text shows, without "Sent from ..." and the names of pictures.

    Args:
        text: the text of one part.
    """
    lines = [line.strip(_INVISIBLE) for line in _PICTURE.sub(" ", text).splitlines()]
    return sum(
        len("".join(_WORD.findall(line))) for line in lines if not line.casefold().startswith(_SENT_FROM)
    )


def _is_said_by(text: str, others: Sequence[str]) -> bool:
    """Whether other parts say what a text says, as if it were a second form of them.

    Args:
        text: the text of one part.
        others: of the parts before it.
    """
    words = _WORD.findall(text)
    if not words or not others:
        return False

    said = Counter(chain.from_iterable(map(_WORD.findall, others)))
    missing = Counter(words) - said
    return missing.total() <= MAX_MISSING * len(words)


def html_part_text(part: MimePart) -> str:
    """Return the text of an HTML part, decoded by its header's charset or its own.

    Args:
        part: a text/html part.
    """
    data = part.octets
    charset = part.parameter("charset") or declared_charset(data)
    return html_to_text(decode(data, charset))


def unflowed_text(part: MimePart) -> str:
    """Return the text of a plain part; if it is format=flowed, without soft line breaks (RFC 3676).

    Args:
        part: a text/plain part, whose soft lines end with a blank; with DelSp=yes the blank is no text.
    """
    if part.parameter("format").lower() != "flowed":
        return part.text

    gap = " "
    if part.parameter("delsp").lower() == "yes":
        gap = ""

    return unflowed(part.text, gap)


def unflowed(text: str, gap: str) -> str:
    """Return a format=flowed text without soft line breaks; `gap` is what joins two lines."""
    lines: list[str] = []
    is_soft = False
    for line in text.split("\n"):
        if is_soft and _may_join(lines[-1], line):
            lines[-1] = lines[-1].rstrip(" ") + gap + line
        else:
            lines.append(line)
        is_delimiter = line == "-- "
        is_soft = line.endswith(" ") and not is_delimiter

    return "\n".join(lines)


def _may_join(above: str, line: str) -> bool:
    """Whether a soft line break joins these lines: neither is quoted, and the first is not too long.

    Args:
        above: a line that ends with a blank.
        line: the next line.
    """
    is_quoted = above.startswith(">") or line.startswith(">")
    return not is_quoted and len(above) < MAX_FLOWED_LINE


def _without_armour(text: str) -> str:
    """Return a text without uuencoded files and the armour of PGP signatures.

    Args:
        text: the text of the mail.
    """
    if "-----BEGIN PGP SIGNATURE" in text:
        text = _PGP_TAIL.sub("", _PGP_HEAD.sub("", text))
        text = _PGP_DASH.sub("-", text)
    if "\nend" in text and "begin " in text:
        text = _UUENCODED.sub("", text)
    return text


def _without_banners(text: str) -> str:
    """Return a text without what gateways put above it; one that is nothing else stays as it is.

    Args:
        text: the text of the mail.
    """
    rest = _below_banners(text)
    is_shorter = len(rest) < len(text.lstrip())
    return rest if rest and is_shorter else text


def _below_banners(text: str) -> str:
    """Return what is below the banners of gateways, each up to the end of its paragraph, or of its line.

    Args:
        text: the text of the mail.
    """
    rest = text.lstrip()
    for _ in range(MAX_BANNERS):
        if _BANNER.match(rest[:MAX_BANNER].lower()) is None:
            break
        paragraph, gap, _below = rest[:MAX_BANNER].partition("\n\n")
        if not gap:
            paragraph = rest.partition("\n")[0]
        rest = rest[len(paragraph) :].lstrip()

    return rest


def _name(part: MimePart) -> str:
    """Return a file's name, or its type; "" for a multipart without a name.

    Args:
        part: an attachment.
    """
    if part.filename:
        return part.filename
    if part.type.startswith("multipart/"):
        return ""
    return part.type


def _reason_to_open(mail: ParsedMail, text: str, files: Sequence[MimePart]) -> str:
    """Return why a person must open this mail, "" if its text could be read.

    An encrypted mail may have a text that only says so. In all other cases a text is enough.

    Args:
        mail: the mail.
        text: its text.
        files: its attachments.
    """
    types = mail.types | {mail.type}
    has_armour = "-----BEGIN PGP MESSAGE-----" in text[:MAX_BEFORE_PGP]
    if has_armour or types & _ENCRYPTED_TYPES:
        return "it is encrypted"
    if text.strip():
        return ""
    if types & _SEALED_TYPES:
        return "it is sealed (S/MIME)"
    if _has_inline_picture(mail):
        return "it shows pictures only"
    if types & _WINMAIL_TYPES:
        return "its words are in a winmail.dat"
    if mail.is_cut:
        return "it is too large, and its words were not reached"
    if files:
        return "it has attachments only"
    return ""


def _has_inline_picture(mail: ParsedMail) -> bool:
    """Whether the HTML contains a picture.

    Args:
        mail: the mail.
    """
    pages = [part for part in mail.parts if part.type == "text/html"]
    return any(b"data:image/" in page.octets for page in pages)
