"""The lines of a note as mail programs deliver them: wrapped ones joined, courtesies told, each with the case it names."""

import re
from collections.abc import Sequence

from followupd.errors import NotUnderstoodError
from followupd.model.command import read_line

_CASE = re.compile(r"\bFU-[A-Z0-9]{5,12}\b")
_ABOUT = re.compile(r"\s*(?:[-*]\s+)?\[?(FU-[A-Z0-9]{5,12})\b\]?\s*[:,=-]?\s*(.*)", re.IGNORECASE | re.DOTALL)
#: what people write around their lines; it is no mistake, and no order either
_COURTESIES = frozenset({
    "hi", "hello", "dear", "thanks", "thank", "best", "kind", "regards", "cheers", "ok", "hallo", "danke", "merci",
    "gracias",
})  # fmt: skip


def about(line: str) -> tuple[str, str]:
    """Split a line that names its case ("FU-7K3Q9: complaint") into case and line; the case is "" where none is named."""
    found = _ABOUT.fullmatch(line)
    return (found.group(1).upper(), found.group(2).strip()) if found else ("", line.strip())


def cases_in(text: str) -> list[str]:
    """Return the cases that a text names, each once, in its order."""
    return list(dict.fromkeys(_CASE.findall(text)))


def joined(lines: Sequence[str]) -> list[str]:
    """Join lines that a mail client wrapped: a line that begins no word of ours goes on with the one before."""
    found: list[str] = []
    for line in lines:
        goes_on = found and line.strip() and found[-1].strip() and not _begins(line)
        if goes_on and ":" in found[-1]:
            found[-1] = f"{found[-1].rstrip()} {line.strip()}"
        else:
            found.append(line)
    return found


def _begins(line: str) -> bool:
    try:
        read_line(line.split(":", maxsplit=1)[0] + ": x" if ":" in line else line)
    except NotUnderstoodError:
        return ":" in line.split(" ", maxsplit=1)[0]
    return True


def is_courtesy(line: str) -> bool:
    words = line.casefold().split()
    return bool(words) and ":" not in line and words[0].strip(",.!-") in _COURTESIES
