"""The small language of cue phrases: words that admins can read, matched in one walk over a mail.

`word` is that word, `word*` any word that begins so, `(a|b c)` one of these, `(a|b)?` one of these or nothing, `_` any
one word, `...` at most three words between. Brackets may stand within brackets. There is no other repetition, and all
ways are followed at once, so no phrase can run long.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern
from types import MappingProxyType

from followupd.text.complaints.words import SPELT_OUT, words_of

_PIECE = re.compile(r"\)\?|[()|]|[^\s()|]+")
_GAP, _ANY = "...", "_"
_ENDS = frozenset({"|", ")", ")?"})
_GAP_WORDS = 3
_STEM = 3
#: Brackets deeper than this, or phrases longer than this (characters), are refused.
_DEEPEST, _LONGEST = 4, 6_000


_NO_WAYS: Mapping[str, tuple["Way", ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Choice:
    """One place in a phrase: single words, beginnings of words, longer ways; `optional` when nothing fits too.

    `by_start` holds the longer ways by their first word, or by "abc*" for one that begins so, or by "*".
    """

    words: Collection[str] = ()
    stems: tuple[str, ...] = ()
    longer: tuple["Way", ...] = ()
    optional: bool = False
    by_start: Mapping[str, tuple["Way", ...]] = field(default_factory=lambda: _NO_WAYS)

    def beginning(self, word: str) -> tuple["Way", ...]:
        """Return the longer ways that may begin with the word."""
        ways = self.by_start
        if not ways:
            return ()
        found = ways.get(word, ())
        if "*" in ways:
            found += ways["*"]
        if (stem := f"{word[:_STEM]}*") in ways:
            found += ways[stem]
        return found


Way = tuple[Choice, ...]
_ANY_WORD = Choice(stems=("",))
_UP_TO_THREE = Choice(stems=("",), optional=True)


def way_of(phrase: str) -> Way:
    """Read a phrase; raises ValueError with a sentence for the admin."""
    if len(phrase) > _LONGEST:
        raise ValueError(f"the phrase is longer than {_LONGEST} characters")
    pieces = _PIECE.findall(phrase)[::-1]  # the next piece is the last, so that taking it costs nothing
    way = _read(pieces, 0)
    if pieces:
        raise ValueError("brackets do not match")
    if not way or _may_be_empty(way):
        raise ValueError("the phrase is empty, or all of it may be missing")
    if "" in way[0].stems:
        raise ValueError("a phrase begins with a word, not with '_' or '...'")
    return way


def _read(pieces: list[str], depth: int) -> Way:
    """Read up to a bar or a closing bracket, which stays."""
    way: list[Choice] = []
    while pieces and pieces[-1] not in _ENDS:
        piece = pieces.pop()
        way += (_read_choice(pieces, depth + 1),) if piece == "(" else _element(piece)
    return tuple(way)


def _read_choice(pieces: list[str], depth: int) -> Choice:
    if depth > _DEEPEST:
        raise ValueError(f"brackets are deeper than {_DEEPEST}")
    words: dict[str, None] = {}
    ways: list[Way] = []
    while True:
        if len(pieces) > 1 and pieces[-2] in _ENDS and (word := _plain(pieces[-1])):
            words[intern(word)] = None
            pieces.pop()
        else:
            ways.append(_read(pieces, depth))
        if not pieces:
            raise ValueError("brackets do not match")
        if (mark := pieces.pop()) != "|":
            return _choice_of(words, ways, optional=mark == ")?")


def _choice_of(words: dict[str, None], ways: list[Way], *, optional: bool) -> Choice:
    stems: list[str] = []
    longer: list[Way] = []
    for way in ways:
        if len(way) == 1 and not way[0].longer and not way[0].optional:
            words |= dict.fromkeys(way[0].words)
            stems += way[0].stems
        elif way:
            longer.append(way)
    return Choice(_few(words), tuple(stems), tuple(longer), optional or () in ways, _by_start(longer))


def _few(words: Collection[str]) -> Collection[str]:
    """Return the words as a set, and where they are few as a tuple, which takes a fifth of the memory and no more time."""
    return tuple(words) if len(words) <= 3 else frozenset(words)


def _by_start(ways: Sequence[Way]) -> Mapping[str, tuple[Way, ...]]:
    if not ways:
        return _NO_WAYS
    table: dict[str, tuple[Way, ...]] = {}
    for way in ways:
        for key in dict.fromkeys(
            f"{start[:_STEM]}*" if is_stem else start for start, is_stem in _starts(way)
        ):
            table[key] = (*table.get(key, ()), way)
    return table


def _plain(word: str) -> str:
    """Return a word that is one as it stands, as nearly all in a phrase are; "" for one that must be looked at."""
    plain = (
        word.isascii() and word.isalpha() and word.islower() and word not in SPELT_OUT and "xx" not in word
    )
    return word if plain else ""


def _element(word: str) -> Way:
    if word == _GAP:
        return (_UP_TO_THREE,) * _GAP_WORDS
    if word == _ANY:
        return (_ANY_WORD,)
    word = SPELT_OUT.get(word, word)  # as mails' words are read: who writes "cannot" here means "can't" too
    stem = word.removesuffix("*")
    parts = [stem] if _plain(stem) else _parts(stem)
    if "".join(parts) != stem or (word.endswith("*") and len(parts[-1]) < _STEM):
        raise ValueError(
            f"{word!r} is not one word in lower case without accents (before '*': {_STEM} letters or more)"
        )
    whole = tuple(Choice((intern(part),)) for part in parts)
    return (*whole[:-1], Choice(stems=(intern(parts[-1]),))) if word.endswith("*") else whole


def _parts(stem: str) -> list[str]:
    """Return the words that a mail's reader makes of one word of a phrase: two where one is elided ("j'attends")."""
    return words_of(f"{stem}ab")[:-1] if stem.endswith("'") else words_of(stem)


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


#: What may follow a first word in one group: whether it is a phrase by itself, the words (and beginnings of words) that
#: may come next, None for any, and the ways on. Most mails' next words are not among them, which saves the walk.
_Next = tuple[str, bool, frozenset[str] | None, tuple[Way, ...]]


@dataclass(frozen=True, slots=True)
class PhraseBook:
    """Phrases by group, ordered by their first word so that a mail is walked once.

    `_ready` keeps, for each first word that a mail ever had, the ways on from it; it cannot outgrow the phrases.
    """

    first: Mapping[str, Sequence[tuple[Way, str]]] = field(repr=False)
    stems: Mapping[str, Sequence[tuple[str, Way, str]]] = field(repr=False)
    _ready: dict[str, tuple[_Next, ...]] = field(default_factory=dict, repr=False, compare=False)

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
        ready = self._ready
        for at, word in enumerate(words):
            if word not in self.first and word[:_STEM] not in self.stems:
                continue
            after = words[at + 1] if at + 1 < len(words) else ""
            for group, alone, following, ways in ready.get(word) or self._make_ready(word):
                if reached.get(group, 0) > at:
                    continue
                end = at + 1 if alone else 0
                if following is None or after in following or f"{after[:_STEM]}*" in following:
                    end = max(end, *(place for way in ways for place in _ends(words, (at + 1,), way)), 0)
                if end:
                    reached[group] = end
                    found.append(Hit(group, at, end))
        return found

    def _make_ready(self, word: str) -> tuple[_Next, ...]:
        """Say what may follow a first word; only words that begin a phrase are kept, so mails cannot fill the memory."""
        ways: dict[str, list[Way]] = {}
        for way, group in self._starting(word):
            ways.setdefault(group, []).extend(_rests(way, word))
        made = tuple(
            (
                group,
                any(_may_be_empty(rest) for rest in rests),
                _following(rests),
                tuple(rest for rest in rests if rest),
            )
            for group, rests in ways.items()
        )
        if word in self.first:
            self._ready[word] = made
        return made

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


def _rests(way: Way, word: str) -> Iterator[Way]:
    """Yield what is left of the way once its first word was this one; () when nothing is."""
    for n, choice in enumerate(way):
        after = way[n + 1 :]
        if word in choice.words or (choice.stems and word.startswith(choice.stems)):
            yield after
        for inner in choice.beginning(word):
            yield from ((*rest, *after) for rest in _rests(inner, word))
        if not choice.optional:
            return


def _following(ways: Sequence[Way]) -> frozenset[str] | None:
    """Return the words that the ways may go on with, and "abc*" for one that begins so; None when any word will do."""
    starts = {f"{start[:_STEM]}*" if is_stem else start for way in ways for start, is_stem in _starts(way)}
    return None if "*" in starts else frozenset(starts)


def _ends(words: Sequence[str], starts: Iterable[int], way: Way) -> Iterable[int]:
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
                for inner in choice.beginning(word):
                    ends.update(_ends(words, (at,), inner))
        if not ends:
            return ()
        starts = ends
    return starts
