"""The syntax of cue phrases, and their matcher, which reads a mail once.

`word` is that word, `word*` any word that begins so, `(a|b c)` one of these, `(a|b)?` one of these or
nothing, `_` any one word, `...` at most three words between. Brackets may be nested. There is no other
repetition, and all alternatives are followed in parallel, so the time is bounded.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from sys import intern
from types import MappingProxyType

from followupd.languages import catalogue
from followupd.text.complaints.words import Vocabulary, vocabulary_of, words_of

_PIECE = re.compile(r"\)\?|[()|]|[^\s()|]+")
_GAP, _ANY = "...", "_"
_ENDS = frozenset({"|", ")", ")?"})
_GAP_WORDS = 3
_STEM = 3
#: The deepest nesting of brackets, and the maximum length of a phrase.
_DEEPEST, _LONGEST = 4, 6_000


_NO_WAYS: Mapping[str, tuple["Way", ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Choice:
    """One position in a phrase: words, beginnings of words, or longer ways; `optional` if it may be left out.

    `by_start` maps the first word of longer ways to the ways; the key is "abc*" for a stem, "*" for any word.
    """

    words: Collection[str] = ()
    stems: tuple[str, ...] = ()
    longer: tuple["Way", ...] = ()
    optional: bool = False
    by_start: Mapping[str, tuple["Way", ...]] = field(default_factory=lambda: _NO_WAYS)

    def takes(self, word: str) -> bool:
        """Return whether the word alone fills the position; a longer way may begin with it all the same."""
        return word in self.words or word.startswith(self.stems)

    def beginning(self, word: str) -> tuple["Way", ...]:
        """Return the longer ways that can begin with the word."""
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


def way_of(phrase: str, vocabulary: Vocabulary | None = None) -> Way:
    """Parse a phrase into a way: the positions of words that it matches, one after the other.

    Args:
        phrase: in the syntax of this module.
        vocabulary: elisions and corrections, those of the shipped languages by default.

    Raises:
        ValueError: it is invalid, with a message for the administrator.
    """
    if len(phrase) > _LONGEST:
        raise ValueError(f"the phrase is longer than {_LONGEST} characters")
    pieces = _PIECE.findall(phrase)[::-1]  # reversed, so that pop() takes the next piece
    way = _Reader(pieces, vocabulary or vocabulary_of(catalogue())).way(0)
    if pieces:
        raise ValueError("brackets do not match")
    if not way or _may_be_empty(way):
        raise ValueError("the phrase is empty, or all of it may be missing")
    if "" in way[0].stems:
        raise ValueError("a phrase begins with a word, not with '_' or '...'")
    return way


@dataclass(frozen=True, slots=True)
class _Reader:
    """A recursive-descent parser; it consumes the pieces from the end of the list."""

    pieces: list[str]
    vocabulary: Vocabulary

    def way(self, depth: int) -> Way:
        """Parse up to a bar or a closing bracket, which is not consumed."""
        way: list[Choice] = []
        while self.pieces and self.pieces[-1] not in _ENDS:
            piece = self.pieces.pop()
            way += (self._choice(depth + 1),) if piece == "(" else self._element(piece)
        return tuple(way)

    def _choice(self, depth: int) -> Choice:
        """Parse the alternatives of a bracket, whose opening mark is consumed already.

        Single words are collected by themselves, since most alternatives are single words.

        Args:
            depth: how many brackets are open, this one included.
        """
        if depth > _DEEPEST:
            raise ValueError(f"brackets are deeper than {_DEEPEST}")

        words: dict[str, None] = {}
        ways: list[Way] = []
        pieces = self.pieces
        while True:
            if len(pieces) > 1 and pieces[-2] in _ENDS and self._is_plain(pieces[-1]):
                words[intern(pieces.pop())] = None
            else:
                ways.append(self.way(depth))
            if not pieces:
                raise ValueError("brackets do not match")
            if (mark := pieces.pop()) != "|":
                return _choice_of(words, ways, optional=mark == ")?")

    def _element(self, word: str) -> Way:
        """Parse one word, stem or gap into the positions that it stands for.

        The word is corrected as the words of a mail are: "cannot" means "can't" here too.
        """
        if word == _GAP:
            return (_UP_TO_THREE,) * _GAP_WORDS
        if word == _ANY:
            return (_ANY_WORD,)

        word = self.vocabulary.spelt_out.get(word, word)
        stem, is_stem = word.removesuffix("*"), word.endswith("*")
        parts = [stem] if self._is_plain(stem) else self._parts(stem)
        if "".join(parts) != stem or (is_stem and len(parts[-1]) < _STEM):
            raise ValueError(
                f"{word!r} is not one word in lower case without accents "
                f"(before '*': {_STEM} letters or more)"
            )

        whole = tuple(Choice((intern(part),)) for part in parts)
        return (*whole[:-1], Choice(stems=(intern(parts[-1]),))) if is_stem else whole

    def _is_plain(self, word: str) -> bool:
        """Return whether the tokeniser leaves the word as it is, which is true for nearly all words."""
        is_one_token = word.isascii() and word.isalpha() and word.islower() and "xx" not in word
        return is_one_token and word not in self.vocabulary.spelt_out

    def _parts(self, stem: str) -> list[str]:
        """Return the tokens of one word of a phrase: two for an elided one ("j'attends")."""
        if stem.endswith("'"):
            return words_of(f"{stem}ab", self.vocabulary)[:-1]
        return words_of(stem, self.vocabulary)


def _choice_of(words: dict[str, None], ways: list[Way], *, optional: bool) -> Choice:
    """Return the choice of some alternatives.

    Args:
        words: alternatives of one word.
        ways: the other ones; those of one position join the words and stems.
        optional: whether the bracket may be left out.
    """
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
    """Return a set, or for few words a tuple, which takes a fifth of the memory and no more time."""
    return tuple(words) if len(words) <= 3 else frozenset(words)


def _by_start(ways: Sequence[Way]) -> Mapping[str, tuple[Way, ...]]:
    """Return longer ways by the words with which they can begin, so that a mail's word finds them at once."""
    if not ways:
        return _NO_WAYS
    table: dict[str, tuple[Way, ...]] = {}
    for way in ways:
        for key in dict.fromkeys(_keys(way)):
            table[key] = (*table.get(key, ()), way)
    return table


def _may_be_empty(way: Way) -> bool:
    """Whether a way can match no word at all."""
    return all(choice.optional or any(_may_be_empty(inner) for inner in choice.longer) for choice in way)


def _starts(way: Way) -> Iterator[tuple[str, bool]]:
    """Yield every word that the way can begin with, and whether it is only a stem."""
    for choice in way:
        yield from ((word, False) for word in choice.words)
        yield from ((stem, True) for stem in choice.stems)
        for inner in choice.longer:
            yield from _starts(inner)
        if not choice.optional:
            return


def _keys(way: Way) -> Iterator[str]:
    """Yield every word that the way can begin with, a stem as its first letters and a star: "abc*"."""
    for start, is_stem in _starts(way):
        yield f"{start[:_STEM]}*" if is_stem else start


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that was found: its group, and the range of its words."""

    group: str
    start: int
    end: int


#: What can follow a first word in one group: the group, whether the word is a phrase by itself, the words and
#: stems that can come next (None for any), and the remaining ways.
_Next = tuple[str, bool, frozenset[str] | None, tuple[Way, ...]]


@dataclass(frozen=True, slots=True)
class PhraseBook:
    """Phrases by group, indexed by their first word, so that a mail is read once.

    `_ready` caches the remaining ways of first words; it is bounded by the number of phrases.
    """

    first: Mapping[str, Sequence[tuple[Way, str]]] = field(repr=False)
    stems: Mapping[str, Sequence[tuple[str, Way, str]]] = field(repr=False)
    _ready: dict[str, tuple[_Next, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, groups: Mapping[str, Sequence[str]], vocabulary: Vocabulary | None = None) -> "PhraseBook":
        """Compile phrases by group, indexed by the words with which they can begin.

        Args:
            groups: phrases by the name of their group.
            vocabulary: elisions and corrections, those of the shipped languages by default.

        Raises:
            ValueError: a phrase is invalid; the message names it and its group.
        """
        first: dict[str, list[tuple[Way, str]]] = {}
        stems: dict[str, list[tuple[str, Way, str]]] = {}
        for group, phrases in groups.items():
            for phrase in phrases:
                way = _way_or_say(group, phrase, vocabulary)
                for start, is_stem in dict.fromkeys(_starts(way)):
                    if is_stem:
                        stems.setdefault(start[:_STEM], []).append((start, way, group))
                    else:
                        first.setdefault(start, []).append((way, group))
        return cls(first, stems)

    def hits(self, words: Sequence[str]) -> list[Hit]:
        """Return what was found, in order; within a group the longest match wins, and none overlap.

        Each word of the mail is looked at once. Only for a word with which a phrase can begin, and whose next
        word can follow it, are the ways followed.

        Args:
            words: as `words_of` returns them.
        """
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
        """Return what can follow a first word; it is cached for whole words only, which bounds the memory."""
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
        """Yield the ways that can begin with a word, each with its group."""
        yield from self.first.get(word, ())
        for stem, way, group in self.stems.get(word[:_STEM], ()):
            if word.startswith(stem):
                yield way, group


def _way_or_say(group: str, phrase: str, vocabulary: Vocabulary | None) -> Way:
    """Parse a phrase; an error names the group and the phrase."""
    try:
        return way_of(phrase, vocabulary)
    except ValueError as error:
        raise ValueError(f"cues {group!r}, phrase {' '.join(phrase.split())!r}: {error}") from None


def _rests(way: Way, word: str) -> Iterator[Way]:
    """Yield what remains of the way after this first word; () if nothing remains."""
    for n, choice in enumerate(way):
        after = way[n + 1 :]
        if choice.takes(word):
            yield after
        for inner in choice.beginning(word):
            yield from ((*rest, *after) for rest in _rests(inner, word))
        if not choice.optional:
            return


def _following(ways: Sequence[Way]) -> frozenset[str] | None:
    """Return the words, and stems as "abc*", with which the ways can continue; None if any word can follow."""
    keys = frozenset(chain.from_iterable(map(_keys, ways)))
    return None if "*" in keys else keys


def _ends(words: Sequence[str], starts: Iterable[int], way: Way) -> Iterable[int]:
    """Return the positions after the matches of a way.

    All alternatives are followed in parallel, so the time is bounded by words times positions.

    Args:
        words: the words of the mail.
        starts: the positions at which a match may begin.
        way: what must be matched from there.
    """
    for choice in way:
        ends = set(starts) if choice.optional else set()
        for at in starts:
            if at >= len(words):
                continue
            word = words[at]
            if choice.takes(word):
                ends.add(at + 1)
            for inner in choice.beginning(word):
                ends.update(_ends(words, (at,), inner))
        if not ends:
            return ()
        starts = ends
    return starts
