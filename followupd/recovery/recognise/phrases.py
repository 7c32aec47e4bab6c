"""The small language of cue phrases: words that admins can read, matched in one walk over a mail.

`word` is that word, `word*` any word that begins so, `(a|b c)` one of these, `(a|b)?` one of these or nothing, `_` any
one word, `...` at most three words between. Brackets may stand within brackets. There is no other repetition, and all
ways are followed at once, so no phrase can run long.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from followupd.recovery.recognise.words import words_of

_PIECE = re.compile(r"\)\?|[()|]|[^\s()|]+")
_GAP, _ANY = "...", "_"
_GAP_WORDS = 3
_STEM = 3
#: Brackets deeper than this, or phrases longer than this (characters), are refused.
_DEEPEST, _LONGEST = 4, 6_000


@dataclass(frozen=True, slots=True)
class Choice:
    """One place in a phrase: single words, beginnings of words, longer ways; `optional` when nothing fits too.

    `by_start` holds the longer ways by their first word, or by "abc*" for one that begins so, or by "*".
    """

    words: frozenset[str] = frozenset()
    stems: tuple[str, ...] = ()
    longer: tuple["Way", ...] = ()
    optional: bool = False
    by_start: Mapping[str, tuple["Way", ...]] = field(default_factory=dict)


Way = tuple[Choice, ...]
_ANY_WORD = Choice(stems=("",))
_UP_TO_THREE = Choice(stems=("",), optional=True)


def way_of(phrase: str) -> Way:
    """Read a phrase; raises ValueError with a sentence for the admin."""
    if len(phrase) > _LONGEST:
        raise ValueError(f"the phrase is longer than {_LONGEST} characters")
    pieces = _PIECE.findall(phrase)
    way, rest = _read(pieces, 0)
    if rest:
        raise ValueError("brackets do not match")
    if not way or _may_be_empty(way):
        raise ValueError("the phrase is empty, or all of it may be missing")
    if "" in way[0].stems:
        raise ValueError("a phrase begins with a word, not with '_' or '...'")
    return way


def _read(pieces: list[str], depth: int) -> tuple[Way, list[str]]:
    """Read up to a bar or a closing bracket; returns the way and what is left."""
    way: list[Choice] = []
    while pieces and pieces[0] not in ("|", ")", ")?"):
        if pieces[0] == "(":
            choice, pieces = _read_choice(pieces[1:], depth + 1)
            way.append(choice)
        else:
            way += _element(pieces[0])
            pieces = pieces[1:]
    return tuple(way), pieces


def _read_choice(pieces: list[str], depth: int) -> tuple[Choice, list[str]]:
    if depth > _DEEPEST:
        raise ValueError(f"brackets are deeper than {_DEEPEST}")
    ways: list[Way] = []
    while True:
        way, pieces = _read(pieces, depth)
        ways.append(way)
        if not pieces:
            raise ValueError("brackets do not match")
        if (mark := pieces[0]) != "|":
            return _choice_of(ways, optional=mark == ")?"), pieces[1:]
        pieces = pieces[1:]


def _choice_of(ways: list[Way], *, optional: bool) -> Choice:
    words: set[str] = set()
    stems: list[str] = []
    longer: list[Way] = []
    for way in ways:
        if len(way) == 1 and not way[0].longer and not way[0].optional:
            words |= way[0].words
            stems += way[0].stems
        elif way:
            longer.append(way)
    return Choice(frozenset(words), tuple(stems), tuple(longer), optional or () in ways, _by_start(longer))


def _by_start(ways: Sequence[Way]) -> dict[str, tuple[Way, ...]]:
    table: dict[str, tuple[Way, ...]] = {}
    for way in ways:
        for key in dict.fromkeys(f"{start[:_STEM]}*" if is_stem else start for start, is_stem in _starts(way)):
            table[key] = (*table.get(key, ()), way)
    return table


def _element(word: str) -> list[Choice]:
    if word == _GAP:
        return [_UP_TO_THREE] * _GAP_WORDS
    if word == _ANY:
        return [_ANY_WORD]
    stem = word.removesuffix("*")
    parts = words_of(f"{stem}ab")[:-1] if stem.endswith("'") else words_of(stem)  # two where one is elided: "j'attends"
    if "".join(parts) != stem or (word.endswith("*") and len(parts[-1]) < _STEM):
        raise ValueError(
            f"{word!r} is not one word in lower case without accents (before '*': {_STEM} letters or more)"
        )
    whole = [Choice(frozenset((part,))) for part in parts]
    return [*whole[:-1], Choice(stems=(parts[-1],))] if word.endswith("*") else whole


def _may_be_empty(way: Way) -> bool:
    return all(choice.optional or any(_may_be_empty(inner) for inner in choice.longer) for choice in way)


def _starts(way: Way) -> Iterator[tuple[str, bool]]:
    """Yield every word that the way may begin with, and whether it is only a beginning."""
    for choice in way:
        yield from ((word, False) for word in choice.words)
        yield from ((stem, True) for stem in choice.stems)
        for inner in choice.longer:
            yield from _starts(inner)
        if not choice.optional:
            return


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found: its group, and where it stands among the words."""

    group: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PhraseBook:
    """Phrases by group, ordered by their first word so that a mail is walked once."""

    first: Mapping[str, Sequence[tuple[Way, str]]] = field(repr=False)
    stems: Mapping[str, Sequence[tuple[str, Way, str]]] = field(repr=False)

    @classmethod
    def of(cls, groups: Mapping[str, Sequence[str]]) -> "PhraseBook":
        """Read phrases by group; raises ValueError that names the phrase that cannot be read."""
        first: dict[str, list[tuple[Way, str]]] = {}
        stems: dict[str, list[tuple[str, Way, str]]] = {}
        for group, phrases in groups.items():
            for phrase in phrases:
                way = _way_or_say(group, phrase)
                for start, is_stem in dict.fromkeys(_starts(way)):
                    if is_stem:
                        stems.setdefault(start[:_STEM], []).append((start, way, group))
                    else:
                        first.setdefault(start, []).append((way, group))
        return cls(first, stems)

    def hits(self, words: Sequence[str]) -> list[Hit]:
        """Return what was found, in order; within a group the longest wins and none overlap."""
        reached: dict[str, int] = {}
        found: list[Hit] = []
        for at, word in enumerate(words):
            best: dict[str, int] = {}
            for way, group in self._starting(word):
                if reached.get(group, 0) <= at and (end := _end(words, at, way)) > best.get(group, 0):
                    best[group] = end
            for group, end in best.items():
                reached[group] = end
                found.append(Hit(group, at, end))
        return found

    def _starting(self, word: str) -> Iterator[tuple[Way, str]]:
        yield from self.first.get(word, ())
        for stem, way, group in self.stems.get(word[:_STEM], ()):
            if word.startswith(stem):
                yield way, group


def _way_or_say(group: str, phrase: str) -> Way:
    try:
        return way_of(phrase)
    except ValueError as error:
        raise ValueError(f"cues {group!r}, phrase {phrase!r}: {error}") from None


def _end(words: Sequence[str], at: int, way: Way) -> int:
    """Return where the longest match that begins at `at` ends, or 0."""
    ends = _ends(words, {at}, way)
    longest = max(ends, default=0)
    return longest if longest > at else 0


def _ends(words: Sequence[str], starts: set[int], way: Way) -> set[int]:
    """Follow every way at once: where may the match stand after `way`, when it stood at one of `starts`?"""
    for choice in way:
        ends = set(starts) if choice.optional else set()
        for at in starts:
            if at >= len(words):
                continue
            word = words[at]
            if word in choice.words or (choice.stems and word.startswith(choice.stems)):
                ends.add(at + 1)
            if choice.by_start:
                for key in (word, f"{word[:_STEM]}*", "*"):
                    for inner in choice.by_start.get(key, ()):
                        ends |= _ends(words, {at}, inner)
        if not ends:
            return ends
        starts = ends
    return starts
