"""Prove of a regular expression that no text can make Python's `re` take exponential time.

A backtracking matcher tries the ways to match a text one after the other, so what counts is how many ways
there are. Each repetition becomes an automaton without empty transitions (Glushkov's), in which a transition
carries the number of ways to take it. The ways grow exponentially with the text if and only if some state
can be reached from itself in two ways by the same text (A. Weber and H. Seidl, "On the degree of ambiguity
of finite automata", 1991).

What is not modelled errs on the safe side: a bounded repetition counts as an unbounded one (except that a
few times are no repetition), a look-around as no condition (its own body is examined too), a back reference
as any character.
"""

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_parser: Any = importlib.import_module("re._parser")  # private, and the only parser of Python's own patterns
#: a character of each sort that a class may tell apart; the literals of a pattern are added
_SAMPLES = frozenset({*map(chr, range(32, 127)), "\t", "\n", "\u00a0", "é", "ß", "€", "٣", "中"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_ASSERTS = frozenset({"ASSERT", "ASSERT_NOT"})
#: so often or less is a factor, and no growth
_FEW = 5
#: more ways than these are not counted further
_MANY = 2
_CATEGORIES: Mapping[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": lambda sample: sample.isalnum() or sample == "_",
}

_Items = Iterable[tuple[Any, Any]]
_Pair = tuple[int, int]


def exponential(pattern: str) -> bool:
    """Say whether some text takes exponential time to match."""
    samples = _SAMPLES | frozenset(pattern)
    return any(_Loop.of(body, samples).ambiguous for body in _repeated(_parser.parse(pattern)))


def _repeated(items: _Items) -> Iterator[_Items]:
    """Give the bodies of all repetitions, also of those inside of others and of look-arounds."""
    for operator, argument in items:
        name = str(operator)
        if name in _REPEATS and argument[1] > _FEW:
            yield argument[2]
        for body in _inside(name, argument):
            yield from _repeated(body)


def _inside(name: str, argument: Any) -> Iterable[_Items]:
    match name:
        case "BRANCH":
            return tuple(argument[1])
        case "SUBPATTERN":
            return (argument[-1],)
        case "ATOMIC_GROUP":
            return (argument,)
        case "ASSERT" | "ASSERT_NOT":
            return (argument[1],)
        case _:
            return (argument[2],) if name in _REPEATS else ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a pattern: the ways to match nothing, and where a match begins and ends."""

    empty: int = 1
    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class _Loop:
    """The automaton of a repeated body: a state for each character, and the ways from a state to the next."""

    samples: frozenset[str]
    classes: list[frozenset[str]] = field(default_factory=list)
    ways: dict[int, dict[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, body: _Items, samples: frozenset[str]) -> "_Loop":
        loop = cls(samples)
        whole = loop._sequence(body)
        loop._connect(whole.last, whole.first)
        return loop

    @property
    def ambiguous(self) -> bool:
        """Whether the same text leads from a state to itself in two ways."""
        if any(count > 1 for row in self.ways.values() for count in row.values()):
            return True
        waiting = [(state, state) for state in range(len(self.classes))]
        seen = set(waiting)
        while waiting:
            pair = waiting.pop()
            for following in self._steps(pair):
                if pair[0] != pair[1] and following[0] == following[1]:
                    return True
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return False

    def _steps(self, pair: _Pair) -> Iterator[_Pair]:
        """Give the pairs of states to which one and the same character leads from this pair."""
        for one in self.ways[pair[0]]:
            for other in self.ways[pair[1]]:
                if one == other or not self.classes[one].isdisjoint(self.classes[other]):
                    yield one, other

    def _sequence(self, items: _Items) -> _Piece:
        whole = _Piece()
        for operator, argument in items:
            piece = self._piece(str(operator), argument)
            self._connect(whole.last, piece.first)
            whole = _Piece(
                empty=min(whole.empty * piece.empty, _MANY),
                first=whole.first + _times(piece.first, whole.empty),
                last=piece.last + _times(whole.last, piece.empty),
            )
        return whole

    def _piece(self, name: str, argument: Any) -> _Piece:
        if name in _ASSERTS or name == "AT":
            return _Piece()
        bodies = _inside(name, argument)
        if name in _REPEATS:
            return self._repetition(argument[0], argument[1], argument[2])
        if bodies:
            return self._alternatives(bodies)
        state = len(self.classes)
        self.classes.append(frozenset(each for each in self.samples if _fits(each, name, argument)))
        return _Piece(0, Counter([state]), Counter([state]))

    def _alternatives(self, bodies: Iterable[_Items]) -> _Piece:
        pieces = [self._sequence(body) for body in bodies]
        return _Piece(
            empty=min(sum(piece.empty for piece in pieces), _MANY),
            first=sum((piece.first for piece in pieces), Counter()),
            last=sum((piece.last for piece in pieces), Counter()),
        )

    def _repetition(self, least: int, most: int, body: _Items) -> _Piece:
        piece = self._sequence(body)
        if most > 1:
            self._connect(piece.last, piece.first)
        return _Piece(piece.empty if least else min(piece.empty + 1, _MANY), piece.first, piece.last)

    def _connect(self, last: Counter[int], first: Counter[int]) -> None:
        for begin, count in last.items():
            row = self.ways.setdefault(begin, {})
            for end, more in first.items():
                row[end] = min(row.get(end, 0) + count * more, _MANY)


def _times(counts: Counter[int], ways: int) -> Counter[int]:
    return Counter({state: min(count * ways, _MANY) for state, count in counts.items() if ways})


def _fits(sample: str, name: str, argument: Any) -> bool:
    """Say whether a character belongs to a class, as the parser describes one."""
    match name:
        case "LITERAL":
            return bool(ord(sample) == argument)
        case "NOT_LITERAL":
            return bool(ord(sample) != argument)
        case "ANY":
            return sample != "\n"
        case "RANGE":
            return bool(argument[0] <= ord(sample) <= argument[1])
        case "CATEGORY":
            return _in_category(sample, str(argument))
        case "IN":
            return _in_class(sample, argument)
        case _:  # a back reference
            return True


def _in_class(sample: str, members: list[tuple[Any, Any]]) -> bool:
    negated = str(members[0][0]) == "NEGATE"
    found = any(_fits(sample, str(name), argument) for name, argument in members[negated:])
    return found != negated


def _in_category(sample: str, category: str) -> bool:
    plain = category.replace("_NOT_", "_")
    return _CATEGORIES[plain](sample) != (plain != category)
