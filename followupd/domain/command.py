"""What agents say, in one grammar for tags, folders, notes and `tell`: a verb, a text, and who said it from where."""

import re
from collections.abc import Container
from dataclasses import dataclass
from difflib import get_close_matches

from followupd.errors import NotUnderstoodError

#: every verb an agent may use, and what its text should look like ("" = it stands alone)
VERBS: dict[str, str] = {
    "complaint": "",
    "dismiss": "",
    "hold": "",
    "release": "",
    "close": "",
    "promised": "",
    "fixed": "",
    "approve": "",
    "reached": "[how]",
    "not-reached": "[why]",
    "refuse": "why",
    "promise": "what by when",
    "firm": "what by when",
    "estimate": "what by when",
    "update": "what by when",
    "kept": "[number]",
    "late": "number until when because why",
    "withdraw": "number because why",
    "refund": "amount",
    "credit": "amount",
    "coupon": "code or what",
    "free-shipping": "[what]",
    "replacement": "what",
    "gift-card": "amount",
    "gesture": "what",
    "issued": "number",
    "refused": "number",
    "received": "[number]",
    "missing": "[number]",
    "option": "what by when",
    "choose": "number",
    "withdraw-option": "[number] [because why]",
    "issue": "text",
    "impact": "text",
    "wants": "text",
    "cause": "text",
    "resolution": "text",
    "prevention": "text",
    "phone": "number",
    "fault": "ours | shared | not-ours | unknown",
    "cause-code": "code",
    "severity": "low | normal | high",
    "owner": "agent",
    "playbook": "name",
    "settle": "sent | resend | drop",
}

#: verbs whose text may be left out
OPTIONAL = frozenset(
    {
        "reached",
        "not-reached",
        "withdraw-option",
        "kept",
        "free-shipping",
        "issued",
        "refuse",
        "received",
        "missing",
    }
)

_LINE = re.compile(r"\s*([A-Za-z][A-Za-z-]{1,30})\s*(?::\s*(.*?))?\s*", re.DOTALL)


#: "- kept: 1", "1. hold"
_ITEM = re.compile(r"\s*(?:[-*•·–]|\d{1,2}[.)])\s+(?=\S)")
#: "kept 1", "refund 25 EUR", "late 2 until Friday": a number right behind the word leaves no doubt
_COUNTED = re.compile(r"([A-Za-z][A-Za-z-]{1,30})\s+([€$£]?\s?\d.*)", re.DOTALL)

_ESCAPED = re.compile(r"(=[0-9a-f]{2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Command:
    """One thing an agent said about a case. `source` is tag, folder, note or tell; `actor` never a guessed name."""

    verb: str
    text: str
    actor: str
    source: str
    agent: str = ""  # the agent's id, only where it is proved who spoke

    @property
    def line(self) -> str:
        return f"{self.verb}: {self.text}" if self.text else self.verb


def expected(verb: str) -> str:
    """Say how a line with this verb looks."""
    form = VERBS[verb]
    return f"{verb}: {form}" if form else verb


def read_line(line: str) -> tuple[str, str]:
    """Split one line of a note into verb and text.

    Raises:
        NotUnderstoodError: naming what was expected, for the agent who wrote the line.
    """
    found = _LINE.fullmatch(_tidied(line))
    verb = found.group(1).lower() if found else ""
    if not found or verb not in VERBS:
        raise NotUnderstoodError(f"{line.strip()!r} is not a line I know. {_hint(line)}")
    text = (found.group(2) or "").strip()
    if VERBS[verb] and not text and verb not in OPTIONAL:
        raise NotUnderstoodError(f"{line.strip()!r} lacks something; expected {expected(verb)!r}.")
    if not VERBS[verb] and text:
        raise NotUnderstoodError(
            f"{line.strip()!r} says more than {verb!r} can take; expected {verb!r} alone."
        )
    return verb, text


def left_empty(line: str, verbs: Container[str]) -> bool:
    """Say whether a line holds one of these words and its colon, as it was offered, with nothing filled in."""
    found = _LINE.fullmatch(_tidied(line))
    return found is not None and found.group(1).lower() in verbs and found.group(2) == ""


def is_item(line: str) -> bool:
    """Say whether a line begins as an entry of a list does: it never goes on with the line before."""
    return bool(_ITEM.match(line))


def _tidied(line: str) -> str:
    """Return the line without the mark of a list, with the hyphen and the colon that people leave out."""
    bare = _ITEM.sub("", line).strip()
    head, colon, rest = bare.partition(":")
    hyphened = "-".join(head.lower().split())
    if hyphened in VERBS:
        return f"{hyphened}{colon}{rest}"
    counted = _COUNTED.fullmatch(bare)
    return f"{counted[1]}: {counted[2]}" if counted and VERBS.get(counted[1].lower(), "") else bare


def _hint(line: str) -> str:
    """Say what may have been meant, else everything that is known."""
    words = _ITEM.sub("", line).lower().replace(":", " ").split()
    heads = [word for word in ("-".join(words[:2]), *words[:1]) if word]
    near = next((verb for head in heads for verb in get_close_matches(head, VERBS, 1, 0.8)), "")
    return f"Did you mean {expected(near)!r}?" if near else f"I know: {', '.join(VERBS)}."


def line_for(pattern: str, line: str, said: str) -> str | None:
    """Return the note line that a tag means, or None when the pattern does not fit.

    `pattern` is a keyword, or ends in `*`, whose match replaces `{}` in `line`. Keywords are case-insensitive
    (RFC 9051, 2.3.2), so the match is folded. A tag that was made in a mail client with blanks in its name means the same
    as one with hyphens: Thunderbird writes "Not complaint" as `not=20complaint` (older ones as `not_complaint`).
    """
    return _line_for(pattern, line, said) or _line_for(pattern.replace("_", "-"), line, _with_hyphens(said))


def _line_for(pattern: str, line: str, said: str) -> str | None:
    if not pattern.endswith("*"):
        return line if said.casefold() == pattern.casefold() else None
    stem = pattern[:-1]
    if not said.casefold().startswith(stem.casefold()) or len(said) == len(stem):
        return None
    return line.replace("{}", said[len(stem) :])


def spoken(tag: str) -> str:
    """Return a tag's name as people see it, out of the form that Thunderbird keeps it in ("f=c3=a4llig" is "fällig")."""
    pieces = _ESCAPED.split(tag)
    data = b"".join(
        bytes.fromhex(p[1:]) if _ESCAPED.fullmatch(p) else p.encode("utf-8", "replace") for p in pieces
    )
    return data.decode("utf-8", "replace")


def _with_hyphens(tag: str) -> str:
    return re.sub(r"[\s_-]+", "-", spoken(tag))
