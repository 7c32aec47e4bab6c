"""Prove that a pattern takes linear time: no text makes Python's backtracking search polynomial.

A pattern is turned into an automaton with a state for each character. Its time is polynomial where the same text leads
from a loop to itself, from that loop to another one, and from that one to itself: each further repetition of the text is
one more place at which to go over from the one loop to the other, and a failure tries them all (Weideman et al. 2016,
"Analyzing Matching Time Behavior of Backtracking Regular Expression Matchers"). `search` and its like try each
place of a text, which is a loop of its own before the pattern.

Every approximation adds texts and takes none away, so that a pattern without such loops is proven, and one that has
them may be harmless: repetitions of at most `FEW` times count as loops on the way and not as the two loops,
look-arounds of more than one character always hold, an atomic group may be given up, and a back reference matches whatever
its group may.
"""

import importlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any, NamedTuple

_parser: Any = importlib.import_module("re._parser")
#: times that something may be repeated at a constant cost
FEW = 400
#: a character of each sort that a class may tell apart; the literals of a pattern are added
_SAMPLES = frozenset({*map(chr, range(32, 127)), *"\t\n\r\x00\x1f\x85\u00a0\u2028éßÄ€٣中\ufeff"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
#: loops of a pattern beyond which no proof is tried: it would take minutes
_MOST_LOOPS = 400
#: copies of a body that must match several times
_COPIES = 4
_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": lambda sample: sample.isalnum() or sample == "_",
}
_EVERYWHERE = 0


class Condition(NamedTuple):
    """What must hold between two characters: sets of the one before and of the one after, as bits.

    `certain` is False where the end of the text may decide, or what is not looked at here.
    """

    pairs: frozenset[tuple[int, int]]
    certain: bool = True

    def both(self, other: "Condition") -> "Condition":
        return _both(self, other)

    def either(self, other: "Condition") -> "Condition":
        return Condition(self.pairs | other.pairs, self.certain or other.certain)


@cache
def _both(one: Condition, other: Condition) -> Condition:
    """Return the condition that two others hold; a pattern has few conditions, and each pair of them very often."""
    pairs = {(a & c, b & d) for (a, b), (c, d) in product(one.pairs, other.pairs)}
    return Condition(frozenset(pair for pair in pairs if all(pair)), one.certain and other.certain)


_States = dict[int, Condition]
#: operators and arguments, as the parser returns them
_Items = Iterable[tuple[Any, Any]]


def _joined(one: _States, other: _States) -> _States:
    found = dict(one)
    for state, condition in other.items():
        found[state] = found[state].either(condition) if state in found else condition
    return found


def _under(states: _States, condition: Condition) -> _States:
    return {state: condition.both(own) for state, own in states.items()}


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pattern: under what it matches nothing, and the states where a match begins and ends."""

    empty: Condition | None
    first: _States = field(default_factory=dict)
    last: _States = field(default_factory=dict)


class _Automaton:
    """The states of a pattern, the ways between them, and which of them are in loops without a small bound."""

    def __init__(self, items: _Items, flags: int, characters: frozenset[str], method: str) -> None:
        self.flags = flags
        self.samples = sorted(characters)
        self.sorts = [_spellings(sample, flags) for sample in self.samples]
        self.all = (1 << len(self.samples)) - 1
        self.true = Condition(frozenset({(self.all, self.all)}))
        self.unknown = self.true._replace(certain=False)
        self.known: dict[str, int] = {}
        self.classes = [self.all]
        self.ways: defaultdict[int, _States] = defaultdict(dict)
        self.loops: set[int] = set()
        self.depth = 0
        #: look-arounds that are patterns of their own, and whether one is looked at again and again
        self.bodies: list[tuple[_Items, bool]] = []
        self.groups: dict[int, _Items] = {}

        whole = self._sequence(items)
        if method == "fullmatch":
            whole = _Part(whole.empty, whole.first, _under(whole.last, self.unknown))
        self.ends = {state for state, condition in whole.last.items() if condition == self.true}
        if method == "fullmatch":  # where it ends with whatever follows, it fails nowhere
            rest = {
                state for state in whole.last if self.classes[state] == self.all and state in self.ways[state]
            }
            self.ends = rest | {state for state in whole.last if self.ways[state].keys() & rest}
        if method not in {"match", "fullmatch"}:
            self.loops.add(_EVERYWHERE)
            self._connect({_EVERYWHERE: self.true}, {_EVERYWHERE: self.true})
            self._connect({_EVERYWHERE: self.true}, whole.first)
        self.goes_on = method not in {"match", "fullmatch", "search"}
        self.rows: dict[tuple[int, frozenset[int]], list[tuple[int, Condition, int]]] = {}
        self.reaching: dict[int, frozenset[int]] = {}
        self.origins: defaultdict[int, set[int]] = defaultdict(set)
        for begin, ends in self.ways.items():
            for end in ends:
                self.origins[end].add(begin)

    # --- its states ---

    def _sequence(self, items: _Items) -> _Part:
        whole = _Part(self.true)
        for operator, argument in items:
            whole = self._after(whole, self._part(str(operator), argument))
        return whole

    def _after(self, one: _Part, other: _Part) -> _Part:
        self._connect(one.last, other.first)
        first, last, empty = one.first, other.last, None
        if one.empty:
            first = _joined(first, _under(other.first, one.empty))
        if other.empty:
            last = _joined(last, _under(one.last, other.empty))
        if one.empty and other.empty:
            empty = one.empty.both(other.empty)
        return _Part(empty, first, last)

    def _connect(self, last: _States, first: _States) -> None:
        for (begin, before), (end, after) in product(last.items(), first.items()):
            way = before.both(after)
            if way.pairs:
                self.ways[begin] = _joined(self.ways[begin], {end: way})

    def _part(self, name: str, argument: Any) -> _Part:
        match name:
            case "BRANCH":
                return self._alternatives(argument[1])
            case "SUBPATTERN":
                self.groups[argument[0]] = argument[-1]
                return self._sequence(argument[-1])
            case "GROUPREF":
                return self._sequence(self.groups[argument])
            case "ATOMIC_GROUP":
                return self._sequence(argument)
            case "ASSERT" | "ASSERT_NOT":
                return _Part(self._look_around(name, *argument))
            case "AT":
                return _Part(self._position(str(argument)))
            case "GROUPREF_EXISTS":
                return self._alternatives([argument[1], argument[2] or []])
        if name in _REPEATS:
            return self._repetition(*argument)

        state = len(self.classes)
        self.classes.append(self._class(name, argument))
        if self.depth:
            self.loops.add(state)
        return _Part(None, {state: self.true}, {state: self.true})

    def _alternatives(self, bodies: Iterable[Any]) -> _Part:
        parts = [self._sequence(body) for body in bodies]
        first: _States = {}
        last: _States = {}
        empty: Condition | None = None
        for part in parts:
            first, last = _joined(first, part.first), _joined(last, part.last)
            empty = empty.either(part.empty) if empty and part.empty else empty or part.empty
        return _Part(empty, first, last)

    def _repetition(self, minimum: int, maximum: int, body: Any) -> _Part:
        whole = _Part(self.true)
        for _ in range(min(minimum, _COPIES) - 1):
            whole = self._after(whole, self._sequence(body))
        is_loop = int(maximum) > FEW
        self.depth += is_loop
        part = self._sequence(body)
        self.depth -= is_loop
        if maximum > 1:
            self._connect(part.last, part.first)
        if minimum == 0:
            part = _Part(self.true, part.first, part.last)
        return self._after(whole, part)

    # --- its conditions ---

    def _look_around(self, name: str, direction: int, body: Any) -> Condition:
        """Return what a look-around of one character demands of it; others are patterns of their own."""
        items = list(body)
        consuming = [item for item in items if str(item[0]) not in {"AT", "ASSERT", "ASSERT_NOT"}]
        if len(items) == len(consuming) == 1 and str(items[0][0]) in {
            "LITERAL",
            "NOT_LITERAL",
            "IN",
            "ANY",
            "CATEGORY",
        }:
            sort = self._class(str(items[0][0]), items[0][1])
            sort = self.all & ~sort if name == "ASSERT_NOT" else sort
            pair = (self.all, sort) if direction > 0 else (sort, self.all)
            return Condition(frozenset({pair}), certain=False)
        self.bodies.append((body, self.depth > 0))
        return self.unknown

    def _position(self, name: str) -> Condition:
        word, line = self._class("CATEGORY", "CATEGORY_WORD"), self._bits(lambda sample: sample == "\n")
        other = self.all & ~word
        by_lines = bool(self.flags & re.MULTILINE)
        pairs = {
            "AT_BEGINNING": {(line, self.all)} if by_lines else set(),
            "AT_END": {(self.all, line)},
            "AT_BOUNDARY": {(word, other), (other, word)},
            "AT_NON_BOUNDARY": {(word, word), (other, other)},
        }
        return Condition(frozenset(pairs.get(name, set())), certain=False)

    # --- its characters ---

    def _bits(self, matches: Any) -> int:
        return sum(1 << number for number, sorts in enumerate(self.sorts) if any(map(matches, sorts)))

    def _class(self, name: str, argument: Any) -> int:
        key = f"{name} {argument}"
        if key not in self.known:
            self.known[key] = self._bits(lambda sample: self._matches(sample, name, argument))
        return self.known[key]

    def _matches(self, sample: str, name: str, argument: Any) -> bool:
        if name == "ANY":
            return sample != "\n" or bool(self.flags & re.DOTALL)
        return _is_in(sample, name, argument)

    # --- its loops ---

    def polynomial_text(self) -> str:
        """Return the last character of a text that takes polynomial time if it is repeated, "" if there is none."""
        for p, q in product(sorted(self.loops), sorted(self.loops - self.ends)):
            if p != q and (found := self._repeated_text(p, q)):
                return found
        return ""

    def _repeated_text(self, p: int, q: int) -> str:
        """Return the last character of a text that leads from p to p, from p to q and from q to q.

        A way through a place where the pattern may end fails nowhere behind it, so that no other is tried; but all that
        was read behind it is read again where the next match is looked for.
        """
        ends = self.ends
        to_p, to_q = self._reaching(p), self._reaching(q) - ends
        stays = to_p if p == _EVERYWHERE else to_p - ends
        between = to_q | ends if p == _EVERYWHERE and self.goes_on else to_q
        if p not in between:
            return ""

        waiting = [(p, p, q, self.all, self.all)]
        seen = set(waiting)
        while waiting:
            place = waiting.pop()
            is_first = place == (p, p, q, self.all, self.all)
            for following in self._steps(*place, stays, between, to_q, is_first=is_first):
                last, before = following[3:]
                if following[:3] == (p, q, q) and last & before:
                    return self.samples[(last & before).bit_length() - 1]
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return ""

    def _steps(
        self,
        one: int,
        two: int,
        three: int,
        last: int,
        before: int,
        *allowed: frozenset[int],
        is_first: bool,
    ) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield what one more character leads to; what is before the first one is what the text ends with."""
        rows = [self._ways(state, among) for state, among in zip((one, two, three), allowed, strict=True)]
        for (a, way_a, class_a), (c, way_c, class_c) in product(rows[0], rows[2]):
            if not (both := class_a & class_c):
                continue
            for b, way_b, class_b in rows[1]:
                if not (each := both & class_b):
                    continue
                for left, right in way_a.both(way_b).both(way_c).pairs:
                    if left & last and (now := each & right):
                        yield a, b, c, now, left if is_first else before

    def _ways(self, state: int, among: frozenset[int]) -> list[tuple[int, Condition, int]]:
        key = (state, among)
        if key not in self.rows:
            self.rows[key] = [
                (end, way, self.classes[end]) for end, way in self.ways[state].items() if end in among
            ]
        return self.rows[key]

    def _reaching(self, state: int) -> frozenset[int]:
        """Return the states from which a state can be reached."""
        if state not in self.reaching:
            waiting, seen = [state], {state}
            while waiting:
                new = self.origins[waiting.pop()] - seen
                seen |= new
                waiting += new
            self.reaching[state] = frozenset(seen)
        return self.reaching[state]


def _is_in(sample: str, name: str, argument: Any) -> bool:
    match name:
        case "LITERAL":
            return bool(ord(sample) == argument)
        case "NOT_LITERAL":
            return bool(ord(sample) != argument)
        case "RANGE":
            return bool(argument[0] <= ord(sample) <= argument[1])
        case "CATEGORY":
            positive = str(argument).replace("_NOT_", "_")
            return bool(_CATEGORIES[positive](sample)) != (positive != str(argument))
        case "IN":
            is_negated = str(argument[0][0]) == "NEGATE"
            return (
                any(_is_in(sample, str(kind), value) for kind, value in argument[is_negated:]) != is_negated
            )
    raise AssertionError(name)  # the parser knows no other class


def _spellings(sample: str, flags: int) -> tuple[str, ...]:
    """Return a character in both cases where the case does not count."""
    both = {sample, sample.lower(), sample.upper()} if flags & re.IGNORECASE else {sample}
    return tuple(each for each in both if len(each) == 1)


def _has_loop(items: _Items) -> bool:
    """Whether something may be repeated more than a few times."""
    return any(
        (str(operator) in _REPEATS and int(argument[1]) > FEW)
        or any(map(_has_loop, _bodies(str(operator), argument)))
        for operator, argument in items
    )


def _bodies(name: str, argument: Any) -> Iterable[_Items]:
    """Return the patterns inside of an item of the parser."""
    match name:
        case "BRANCH":
            return tuple(argument[1])
        case "SUBPATTERN":
            return (argument[-1],)
        case "ATOMIC_GROUP":
            return (argument,)
        case "ASSERT" | "ASSERT_NOT":
            return (argument[1],)
        case "GROUPREF_EXISTS":
            return (argument[1], argument[2] or [])
    return (argument[2],) if name in _REPEATS else ()


def polynomial_text(pattern: "re.Pattern[Any]", method: str = "search") -> str:
    """Return what a text that takes polynomial time repeats, "" if the pattern is proven linear.

    Args:
        pattern: the compiled pattern.
        method: by which it is used; others than `match` and `fullmatch` try each place of a text.
    """
    is_text = isinstance(pattern.pattern, str)
    text = pattern.pattern if is_text else pattern.pattern.decode("latin-1")
    items = _parser.parse(text, pattern.flags if is_text else pattern.flags & ~re.UNICODE)
    return _unproven(items, pattern.flags, _SAMPLES | frozenset(text), method)


def _unproven(items: _Items, flags: int, characters: frozenset[str], method: str) -> str:
    if not _has_loop(items):
        return ""

    automaton = _Automaton(items, flags, characters, method)
    if len(automaton.loops) > _MOST_LOOPS:
        return "too many loops"
    for body, is_repeated in automaton.bodies:
        is_looked_at_once = method in {"match", "fullmatch"} and not is_repeated
        if _has_loop(body) and not is_looked_at_once:
            return "a look-around"
        if found := _unproven(body, flags, characters, "match"):
            return found
    return automaton.polynomial_text()
