"""The lines of a note as mail programs deliver them: wrapped ones joined, courtesies told, each with the case it names."""

import re
from collections.abc import Sequence

from followupd.domain.command import is_item, read_line
from followupd.domain.mail import Message
from followupd.errors import NotUnderstoodError

_CASE = re.compile(r"\bFU-[A-Z0-9]{5,12}\b")
_ABOUT = re.compile(r"\s*(?:[-*]\s+)?\[?(FU-[A-Z0-9]{5,12})\b\]?\s*[:,=-]?\s*(.*)", re.IGNORECASE | re.DOTALL)
#: mail clients wrap at 65 to 78 columns, and a long word may leave a line shorter
_WRAPPED = 45
_PHONE = "phone"  # stands in half of all signatures, and is no order there
_MARK = re.compile(r"^\s{0,3}[>›»|｜＞]\s?")
#: what people write around their lines; it is no mistake, and no order either
_COURTESIES = frozenset(
    {
        "hi",
        "hello",
        "dear",
        "thanks",
        "thank",
        "best",
        "kind",
        "regards",
        "cheers",
        "ok",
        "hallo",
        "danke",
        "merci",
        "gracias",
    }
)


def about(line: str) -> tuple[str, str]:
    """Split a line that names its case ("FU-7K3Q9: complaint") into case and line; the case is "" where none is named."""
    found = _ABOUT.fullmatch(line)
    return (found.group(1).upper(), found.group(2).strip()) if found else ("", line.strip())


def cases_in(text: str) -> list[str]:
    """Return the cases that a text names, each once, in its order."""
    return list(dict.fromkeys(_CASE.findall(text)))


def joined(lines: Sequence[str]) -> list[str]:
    """Join lines that a mail client wrapped: a line that begins no word of ours goes on with a long one before it.

    After a short line it was a person who began a new one: "Thanks, Ana" is no part of the promise above it.
    """
    found: list[str] = []
    before = ""
    for line in lines:
        goes_on = found and line.strip() and before.strip() and not _begins(line)
        if goes_on and ":" in found[-1] and len(before.rstrip()) >= _WRAPPED and not is_courtesy(line):
            found[-1] = f"{found[-1].rstrip()} {line.strip()}"
        else:
            found.append(line)
        before = line
    return found


def _begins(line: str) -> bool:
    if is_item(line):
        return True
    try:
        read_line(line.split(":", maxsplit=1)[0] + ": x" if ":" in line else line)
    except NotUnderstoodError:
        return ":" in line.split(" ", maxsplit=1)[0]
    return True


def is_courtesy(line: str) -> bool:
    words = line.casefold().split()
    return bool(words) and ":" not in line and words[0].strip(",.!-") in _COURTESIES


def spoken(message: Message) -> list[str]:
    """Return the lines that are surely the agent's: what may be a quote gives no orders."""
    doubtful = set(message.doubtful)
    return [line for line in message.text.split("\n") if line.strip() not in doubtful]


def unsure(message: Message, before: str) -> list[str]:
    """Name the orders that may be a quote, or the agent's among quoted lines or below "-- "; `before` is the thread's words."""
    known = f" {' '.join(before.casefold().split())} "
    among = [
        bare
        for line in message.quoted.splitlines()
        if not _MARK.match(bare := _MARK.sub("", line, count=1).strip())
    ]
    found = [line for line in message.doubtful if _is_order(line)]
    among += [
        line for line in message.signature.splitlines() if not line.strip().casefold().startswith(_PHONE)
    ]
    found += [
        line for line in among if _is_order(line) and f" {' '.join(line.casefold().split())} " not in known
    ]
    why = "stands among quoted lines or in a signature, so that nothing was done for it; if you mean it, write it above them"
    return [f"{line!r} {why}" for line in dict.fromkeys(found)]


def _is_order(line: str) -> bool:
    try:
        read_line(about(line)[1])
    except NotUnderstoodError:
        return False
    return True
