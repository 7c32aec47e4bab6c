"""The admin's rules: what is always a complaint, what never is, and what moves the score; none can run long."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from followupd.text.complaints.phrases import PhraseBook, way_of
from followupd.text.complaints.words import READ, words_of

#: A regular expression may try at most so many ways from one place in the text.
_MOST_WAYS = 2_000
_LONGEST = 300
#: `\w+`, `.*` and the like are read as at most so many characters.
_OPEN_END = 30
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|[()|]|[*+?]\??|\{\d*,?\d*\}\??|.", re.DOTALL)
_COUNTED = re.compile(r"\{(\d*)(,?)(\d*)\}")


@dataclass(frozen=True, slots=True)
class SiteRules:
    """Patterns: a cue phrase ("never again"), or a regular expression between slashes ("/order [0-9]{6}/"), case ignored.

    `always` makes a complaint, `never` forbids one, both at once make it suspected; `add` moves the log-odds.
    """

    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    add: Mapping[str, float] = field(default_factory=dict)


def rule_problem(pattern: str) -> str:
    """Say what is wrong with a rule's pattern, or "" when nothing is."""
    try:
        _matcher(pattern)
    except ValueError as error:
        return str(error)
    return ""


def found(pattern: str, text: str) -> bool:
    """Say whether the pattern is in the text. Raises ValueError for a pattern that `rule_problem` refuses."""
    matcher = _matcher(pattern)
    if isinstance(matcher, PhraseBook):
        return bool(matcher.hits(words_of(text)))
    return matcher.search(text[:READ]) is not None


@lru_cache(maxsize=512)
def _matcher(pattern: str) -> PhraseBook | re.Pattern[str]:
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        try:
            return re.compile(_bounded(pattern[1:-1]), re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"this is no regular expression: {error}") from None
    return PhraseBook.of({"rule": [_folded_phrase(pattern)]})


def _folded_phrase(pattern: str) -> str:
    """Let an admin write "Never Again" and "überfällig"; only the brackets of the phrase language stay as they are."""
    try:
        way_of(pattern)
    except ValueError as error:
        words = words_of(pattern)
        if not words or any(mark in pattern for mark in "()|*"):
            raise ValueError(f"{error}; a regular expression stands between slashes") from None
        return " ".join(words)
    return pattern


def _bounded(expression: str) -> str:
    """Return the expression with its open ends closed; raises ValueError when it could run long."""
    if len(expression) > _LONGEST:
        raise ValueError(f"the expression is longer than {_LONGEST} characters")
    if re.search(r"\(\?(?!:)|\\[1-9]", expression):
        raise ValueError("look-arounds, flags, names and back-references are not allowed in a rule")
    ways, branches, out = 1, [1], [""]
    for atom in _ATOM.findall(expression):
        if atom[0] in "*+{" and out[-1] == ")":
            raise ValueError("a group may not be repeated in a rule, only a single character or class")
        closed, times = _closed(atom)
        ways *= times
        if atom in ("(", "(?:"):
            branches.append(1)
        elif atom == "|":
            branches[-1] += 1
        elif atom == ")" and len(branches) > 1:
            ways *= branches.pop()
        out.append(closed)
    ways *= branches[0]
    if ways > _MOST_WAYS:
        raise ValueError(
            f"the expression could try {ways} ways from one place in the text, more than {_MOST_WAYS}"
        )
    return "".join(out)


def _closed(atom: str) -> tuple[str, int]:
    """Return the atom with a bound, and by how much it multiplies the ways to try."""
    lazy = "?" if len(atom) > 1 and atom.endswith("?") and atom[0] in "*+?{" else ""
    if atom[0] in "*+" and len(atom) <= 2:
        return f"{{{int(atom[0] == '+')},{_OPEN_END}}}{lazy}", _OPEN_END
    if atom in ("?", "??"):
        return atom, 2
    if counted := _COUNTED.fullmatch(atom.removesuffix("?")):
        least, comma, most = counted.groups()
        top = int(most or (least if not comma else _OPEN_END + int(least or 0)) or 1)
        return f"{{{least or 0},{top}}}{lazy}", max(1, top - int(least or 0) if comma else 1)
    return atom, 1
