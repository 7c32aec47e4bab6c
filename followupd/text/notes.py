"""The lines of an agent's note: joins wrapped lines, recognises greetings and the cases that lines name."""

import re
from collections.abc import Sequence
from functools import lru_cache

from followupd.domain.command import is_item, read_line
from followupd.domain.mail import Message
from followupd.errors import NotUnderstoodError
from followupd.languages import Catalogue, catalogue

_CASE = re.compile(r"\bFU-[A-Z0-9]{5,12}\b")
_ABOUT = re.compile(r"\s*(?:[-*]\s+)?\[?(FU-[A-Z0-9]{5,12})\b\]?\s*[:,=-]?\s*(.*)", re.IGNORECASE | re.DOTALL)
#: mail clients wrap at 65 to 78 columns; a long word may make a wrapped line this short
_WRAPPED = 45
_PHONE = "phone"  # in half of all signatures, where it is no command
_MARK = re.compile(r"^\s{0,3}[>›»|｜＞]\s?")


def about(line: str) -> tuple[str, str]:
    """Split "FU-7K3Q9: complaint" into case and line; the case is "" if the line names none."""
    found = _ABOUT.fullmatch(line)
    return (found.group(1).upper(), found.group(2).strip()) if found else ("", line.strip())


def cases_in(text: str) -> list[str]:
    """Return the cases that a text names, each once, in its order."""
    return list(dict.fromkeys(_CASE.findall(text)))


def joined(lines: Sequence[str], languages: Catalogue | None = None) -> list[str]:
    """Join wrapped lines: a line that begins with no command continues a long line before it.

    After a short line a person began a new one: "Thanks, Ana" does not continue the promise above it.
    """
    found: list[str] = []
    before = ""
    for line in lines:
        goes_on = found and line.strip() and before.strip() and not _begins(line)
        if (
            goes_on
            and ":" in found[-1]
            and len(before.rstrip()) >= _WRAPPED
            and not is_courtesy(line, languages)
        ):
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


@lru_cache(maxsize=8)
def _courtesies(languages: Catalogue) -> frozenset[str]:
    return frozenset[str]().union(*(language.answers.notes.courtesies for language in languages.all()))


def is_courtesy(line: str, languages: Catalogue | None = None) -> bool:
    """Return whether a line is a greeting or thanks ("Hi Kim"), neither a command nor a mistake."""
    words = line.casefold().split()
    return bool(words) and ":" not in line and words[0].strip(",.!-") in _courtesies(languages or catalogue())


def spoken(message: Message) -> list[str]:
    """Return the lines that are certainly the agent's own: a possible quote is no command."""
    doubtful = set(message.doubtful)
    return [line for line in message.text.split("\n") if line.strip() not in doubtful]


def unsure(message: Message, before: str) -> list[str]:
    """Return problems for commands that may be quoted, or that stand among quoted lines or in the signature.

    `before` is the text of the thread.
    """
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
    why = (
        "stands among quoted lines or in a signature, so that nothing was done for it; "
        "if you mean it, write it above them"
    )
    return [f"{line!r} {why}" for line in dict.fromkeys(found)]


def _is_order(line: str) -> bool:
    try:
        read_line(about(line)[1])
    except NotUnderstoodError:
        return False
    return True
