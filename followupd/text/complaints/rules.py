"""The admin's rules: what is always or never a complaint, and what changes the score, in bounded time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from followupd.text.complaints.phrases import PhraseBook, way_of
from followupd.text.complaints.words import READ, Vocabulary, words_of

#: The most ways that a regular expression may try from one position in the text.
_MOST_WAYS = 2_000
_LONGEST = 300
#: The most characters that `\w+`, `.*` and the like match.
_OPEN_END = 30
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|[()|]|[*+?]\??|\{\d*,?\d*\}\??|.", re.DOTALL)
_COUNTED = re.compile(r"\{(\d*)(,?)(\d*)\}")


@dataclass(frozen=True, slots=True)
class SiteRules:
    """Cue phrases ("never again") or regular expressions in slashes ("/order [0-9]{6}/"), ignoring case.

    `always` makes a mail a complaint, `never` excludes it, both make it suspected; `add` changes log-odds.
    """

    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    add: Mapping[str, float] = field(default_factory=dict)


def rule_problem(pattern: str) -> str:
    """Return what is wrong with the pattern of a rule, "" if it is valid."""
    try:
        _matcher(pattern)
    except ValueError as error:
        return str(error)
    return ""


def found(pattern: str, text: str, vocabulary: Vocabulary | None = None) -> bool:
    """Return whether the pattern is in the text; raises ValueError for an invalid pattern."""
    matcher = _matcher(pattern, vocabulary)
    if isinstance(matcher, PhraseBook):
        return bool(matcher.hits(words_of(text, vocabulary)))
    return matcher.search(text[:READ]) is not None


@lru_cache(maxsize=512)
def _matcher(pattern: str, vocabulary: Vocabulary | None = None) -> PhraseBook | re.Pattern[str]:
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        try:
            return re.compile(_bounded(pattern[1:-1]), re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"this is no regular expression: {error}") from None
    return PhraseBook.of({"rule": [_folded_phrase(pattern, vocabulary)]}, vocabulary)


def _folded_phrase(pattern: str, vocabulary: Vocabulary | None) -> str:
    """Return the phrase in lower case and without accents, if it contains none of the syntax of phrases."""
    try:
        way_of(pattern, vocabulary)
    except ValueError as error:
        words = words_of(pattern, vocabulary)
        if not words or any(mark in pattern for mark in "()|*"):
            raise ValueError(f"{error}; a regular expression stands between slashes") from None
        return " ".join(words)
    return pattern


def _bounded(expression: str) -> str:
    """Return the expression with bounded repetitions; raises ValueError if it could still be slow."""
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
    """Return the atom with a bound, and the factor by which it multiplies the ways to try."""
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
