"""Find who first wrote a mail that somebody forwarded: "Fwd:", "WG:", "TR:" and their kin."""

import re

from followupd.domain.mail import Identity, Person
from followupd.text.mail import phrases
from followupd.text.mail.headers import ADDRESS, mailboxes
from followupd.text.mail.new_words import FORWARDED, ORIGINAL, label_of
from followupd.text.mail.parse import ParsedMail, header_and_body
from followupd.text.mail.repeated import MARKS

SUBJECT = re.compile(
    r"\s*(?:\[[^\[\]]{0,40}\]\s*)?(?:"
    + "|".join(map(re.escape, phrases.FORWARD_SUBJECTS))
    + r")\s?(?:\[\d{1,3}\])?\s?[:：]",
)
_LONGEST = {max(words.split(), key=len) for words in phrases.FORWARDED}
HINTS = tuple(sorted(word for word in _LONGEST if not any(other in word for other in _LONGEST - {word})))
ASCII_HINTS = tuple(filter(str.isascii, HINTS))
LOOKED_AT = 200  # lines in which the original's header block is looked for


def forwarded_from(mail: ParsedMail, subject: str, text: str, ours: Identity) -> Person | None:
    """Return the original sender of a forwarded mail; None when it is none, or when we wrote the original."""
    announced = SUBJECT.match(subject.lower()) is not None
    if not announced and not _hinted(text):
        return None
    lines = [MARKS.sub("", line[:400]).strip() for line in text.split("\n", LOOKED_AT)[:LOOKED_AT]]
    begun = next(
        (
            number
            for number, line in enumerate(lines)
            if FORWARDED.match(low := line.lower()) or (announced and ORIGINAL.match(low))
        ),
        None,
    )
    if begun is None and not announced:
        return None
    person = _attached(mail) if announced else None
    person = person or _in_block(lines[begun or 0 :])
    return None if person is None or person.address.lower() in ours.addresses | ours.agents else person


def _hinted(text: str) -> bool:
    """Take a cheap look for the phrases' longest words before the dear one for their lines."""
    lowered = text.casefold()
    return any(word in lowered for word in (ASCII_HINTS if lowered.isascii() else HINTS))


def _attached(mail: ParsedMail) -> Person | None:
    for part in mail.parts:
        if part.type == "message/rfc822":
            field = header_and_body(part.octets.lstrip())[0].first("from")
            found = [box.person() for box in mailboxes(field)]
            return found[0] if found and found[0].address else None
    return None


def _in_block(lines: list[str]) -> Person | None:
    for number, line in enumerate(lines):
        if label_of(line) == "who":
            name = line.replace("：", ":").partition(":")[2].lstrip("*_")
            written = f"{name} {lines[number + 1] if number + 1 < len(lines) and '@' not in line else ''}"
            return _person(written.replace("[mailto:", "<").replace("]", ">").replace("<mailto:", "<"))
    return None


def _person(written: str) -> Person | None:
    for box in mailboxes(written):
        if (person := box.person()).address:
            return person
    hit = ADDRESS.search(written)
    return Person(hit[0]) if hit else None
