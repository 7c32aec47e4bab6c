"""Find who first wrote a forwarded mail: "Fwd:", "WG:", "TR:" and others."""

import re
from collections.abc import Sequence

from followupd.domain.mail import Identity, Person
from followupd.languages import catalogue
from followupd.text.mail.headers import ADDRESS, parse_addresses
from followupd.text.mail.new_text import FORWARDED, ORIGINAL, label_of
from followupd.text.mail.parse import ParsedMail, split_header
from followupd.text.mail.repeated import QUOTE_MARKS

#: lines in which the header of the original is looked for
MAX_LINES = 200
#: characters of such a line
MAX_LINE = 400

_MARKS = catalogue().mail_clients.forwards
_SUBJECT_PREFIXES = "|".join(map(re.escape, _MARKS.subjects))
_FORWARD_SUBJECT = re.compile(
    rf"\s*(?:\[[^\[\]]{{0,40}}\]\s*)?(?:{_SUBJECT_PREFIXES})\s?(?:\[\d{{1,3}}\])?\s?[:：]"
)
_LONGEST_WORDS = frozenset(max(phrase.split(), key=len) for phrase in _MARKS.marks)


def _is_minimal(word: str) -> bool:
    """Whether no other of the longest words is inside of this one.

    Args:
        word: one of the longest words of the phrases.
    """
    others = _LONGEST_WORDS - {word}
    return not any(other in word for other in others)


#: each phrase that announces a forwarded mail contains one of these words
_HINTS = tuple(sorted(filter(_is_minimal, _LONGEST_WORDS)))
_ASCII_HINTS = tuple(filter(str.isascii, _HINTS))


def forwarded_from(mail: ParsedMail, subject: str, text: str, identity: Identity) -> Person | None:
    """Return the original sender of a forwarded mail; None if it is none, or if we wrote the original.

    A mail is forwarded if its subject says so ("Fwd: ...") or a line of its text ("---- Forwarded message
    ----"). The original is attached, or its header is in the text.

    Args:
        mail: the mail.
        subject: its subject.
        text: its text, with quotes.
        identity: our own addresses.
    """
    is_announced = _FORWARD_SUBJECT.match(subject.lower()) is not None
    if not is_announced and not _has_hint(text):
        return None

    lines = text.split("\n", MAX_LINES)[:MAX_LINES]
    plain = [QUOTE_MARKS.sub("", line[:MAX_LINE]).strip() for line in lines]
    begin = _first_line(plain, is_announced=is_announced)
    if begin is None and not is_announced:
        return None

    person = _attached_sender(mail) if is_announced else None
    if person is None:
        person = _sender_in_block(plain[begin or 0 :])

    ours = identity.addresses | identity.agents
    if person is None or person.address.lower() in ours:
        return None
    return person


def _has_hint(text: str) -> bool:
    """Whether a text may announce a forwarded mail: the phrases' longest words are fast to find.

    Args:
        text: of the mail, with quotes.
    """
    low = text.casefold()
    hints = _ASCII_HINTS if low.isascii() else _HINTS
    return any(word in low for word in hints)


def _first_line(lines: Sequence[str], *, is_announced: bool) -> int | None:
    """Return the number of the line that announces the original, None if there is none.

    Args:
        lines: of the mail.
        is_announced: the subject says that the mail is forwarded, so that a line above any quote counts.
    """
    for number, line in enumerate(lines):
        low = line.lower()
        if FORWARDED.match(low):
            return number
        if is_announced and ORIGINAL.match(low):
            return number

    return None


def _attached_sender(mail: ParsedMail) -> Person | None:
    """Return the sender of the first attached mail, None if there is none.

    Args:
        mail: the one that forwards the other.
    """
    attached = [part for part in mail.parts if part.type == "message/rfc822"]
    if not attached:
        return None

    headers, _ = split_header(attached[0].octets.lstrip())
    senders = parse_addresses(headers.first("from"))
    person = senders[0].person() if senders else None
    if person is None or not person.address:
        return None

    return person


def _sender_in_block(lines: Sequence[str]) -> Person | None:
    """Return the sender in the header of the original, None if there is none.

    The address may be on the next line ("From: Kim Doe", "<kim@example.org>"), and Outlook writes
    "[mailto:...]".

    Args:
        lines: of the mail, without quote marks.
    """
    labels = list(map(label_of, lines))
    if "who" not in labels:
        return None

    number = labels.index("who")
    line = lines[number]
    written = line.replace("：", ":").partition(":")[2].lstrip("*_")
    following = ""
    if "@" not in line:
        following = "".join(lines[number + 1 : number + 2])

    brackets = f"{written} {following}".replace("[mailto:", "<").replace("]", ">")
    return _person(brackets.replace("<mailto:", "<"))


def _person(written: str) -> Person | None:
    """Return the first person with an address, None if there is no address.

    Args:
        written: names and addresses, as mail programs write them above a forwarded mail.
    """
    for parsed in parse_addresses(written):
        person = parsed.person()
        if person.address:
            return person

    found = ADDRESS.search(written)
    if found is None:
        return None

    return Person(found[0])
