"""The administrator's rules.

What is always or never a complaint, and what changes the score, in bounded time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from followupd.text.complaints.phrases import PhraseBook, way_of
from followupd.text.complaints.words import READ, Vocabulary, words_of

#: the most ways that a regular expression may try from one position in the text
_MAX_WAYS = 2_000
#: characters of a regular expression
_MAX_EXPRESSION = 300
#: the most characters that `\w+`, `.*` and the like match
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
    """Return whether the pattern is in the text.

    Args:
        pattern: a phrase, or a regular expression between slashes.
        text: of which the first characters are read (READ).
        vocabulary: elisions and corrections, those of the shipped languages by default.

    Raises:
        ValueError: the pattern is invalid.
    """
    matcher = _matcher(pattern, vocabulary)
    if isinstance(matcher, PhraseBook):
        return bool(matcher.hits(words_of(text, vocabulary)))
    return matcher.search(text[:READ]) is not None


@lru_cache(maxsize=512)
def _matcher(pattern: str, vocabulary: Vocabulary | None = None) -> PhraseBook | re.Pattern[str]:
    """Compile a pattern; raises ValueError with a message for the administrator."""
    is_expression = len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/")
    if not is_expression:
        return PhraseBook.of({"rule": [_folded_phrase(pattern, vocabulary)]}, vocabulary)
    try:
        return re.compile(_bounded(pattern[1:-1]), re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"this is no regular expression: {error}") from None


def _folded_phrase(pattern: str, vocabulary: Vocabulary | None) -> str:
    """Return the phrase in lower case and without accents, if it contains none of the syntax of phrases."""
    try:
        way_of(pattern, vocabulary)
    except ValueError as error:
        words = words_of(pattern, vocabulary)
        has_syntax = any(mark in pattern for mark in "()|*")
        if not words or has_syntax:
            raise ValueError(f"{error}; a regular expression stands between slashes") from None
        return " ".join(words)
    return pattern


def _bounded(expression: str) -> str:
    """Return the expression with bounded repetitions.

    Raises:
        ValueError: it uses what is not allowed in a rule, or could still be slow.
    """
    if len(expression) > _MAX_EXPRESSION:
        raise ValueError(f"the expression is longer than {_MAX_EXPRESSION} characters")
    if re.search(r"\(\?(?!:)|\\[1-9]", expression):
        raise ValueError("look-arounds, flags, names and back-references are not allowed in a rule")

    ways = 1
    branches = [1]  # the alternatives of the expression, and of each open group
    bounded = [""]
    for atom in _ATOM.findall(expression):
        if atom[0] in "*+{" and bounded[-1] == ")":
            raise ValueError("a group may not be repeated in a rule, only a single character or class")
        bounded_atom, factor = _bounded_atom(atom)
        ways *= factor
        if atom in {"(", "(?:"}:
            branches.append(1)
        elif atom == "|":
            branches[-1] += 1
        elif atom == ")" and len(branches) > 1:
            ways *= branches.pop()
        bounded.append(bounded_atom)

    ways *= branches[0]
    if ways > _MAX_WAYS:
        problem = f"the expression could try {ways} ways from one place in the text"
        raise ValueError(f"{problem}, more than {_MAX_WAYS}")
    return "".join(bounded)


def _bounded_atom(atom: str) -> tuple[str, int]:
    """Return the atom with a bound, and the factor by which it multiplies the ways to try."""
    if atom[0] not in "*+?{":
        return atom, 1
    if atom in {"?", "??"}:
        return atom, 2

    lazy = "?" if len(atom) > 1 and atom.endswith("?") else ""
    if atom[0] in "*+":
        least = int(atom[0] == "+")
        return f"{{{least},{_OPEN_END}}}{lazy}", _OPEN_END

    counted = _COUNTED.fullmatch(atom.removesuffix("?"))
    if not counted:
        return atom, 1
    least, most = _counts(*counted.groups())
    return f"{{{least},{most}}}{lazy}", max(1, most - least if counted[2] else 1)


def _counts(first: str, comma: str, last: str) -> tuple[int, int]:
    """Return the least and the greatest number of a counted repetition: "{2}", "{2,}", "{,5}", "{2,5}"."""
    least = int(first or 0)
    if last:
        return least, int(last)
    if comma:
        return least, least + _OPEN_END
    return least, least or 1
