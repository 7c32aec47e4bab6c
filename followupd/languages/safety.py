"""Reject a pattern that could be slow, and trust the shipped language files, which the tests validate.

A shipped file becomes its model without validation: building pydantic's validators takes several times as
long as reading the files.
"""

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BeforeValidator

from followupd.languages.schema import LanguageTable

_parser: Any = importlib.import_module("re._parser")  # private, and the only parser of Python's own patterns
#: a character of each sort that a class may tell apart; the literals of a pattern are added
_SAMPLES = frozenset({*map(chr, range(32, 127)), "\t", "\n", "\u00a0", "é", "ß", "€", "٣", "中"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_LOOK_AROUNDS = frozenset({"ASSERT", "ASSERT_NOT"})
#: operators that match no character
_CONDITIONS = frozenset({*_LOOK_AROUNDS, "AT"})
#: times that a body may be repeated without counting as a repetition: a constant factor of the time
MAX_FACTOR = 5
#: ways are counted up to this number: two are as bad as more
MAX_WAYS = 2
_CATEGORIES: Mapping[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": lambda sample: sample.isalnum() or sample == "_",
}

#: operators and arguments, as the parser returns them
_Items = Iterable[tuple[Any, Any]]
_StatePair = tuple[int, int]


def is_exponential(pattern: str) -> bool:
    """Whether some text takes exponential time to match.

    Args:
        pattern: that compiles.
    """
    samples = _SAMPLES | frozenset(pattern)
    bodies = _repeated_bodies(_parser.parse(pattern))
    return any(_Automaton.of_loop(body, samples).is_ambiguous() for body in bodies)


def _repeated_bodies(items: _Items) -> Iterator[_Items]:
    """Yield the bodies of all repetitions, including those inside of others and of look-arounds.

    Args:
        items: the items of a pattern, as the parser returns them.
    """
    for operator, argument in items:
        name = str(operator)
        is_repetition = name in _REPEATS and argument[1] > MAX_FACTOR
        if is_repetition:
            yield argument[2]
        for body in _inner_bodies(name, argument):
            yield from _repeated_bodies(body)


def _inner_bodies(name: str, argument: Any) -> Iterable[_Items]:
    """Return the patterns inside of an item of the parser, none for a character or an anchor."""
    match name:
        case "BRANCH":
            return tuple(argument[1])
        case "SUBPATTERN":
            return (argument[-1],)
        case "ATOMIC_GROUP":
            return (argument,)
        case "ASSERT" | "ASSERT_NOT":
            return (argument[1],)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return (argument[2],)
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class _Fragment:
    """A part of the automaton: the ways to match nothing, and the states where a match begins and ends."""

    empty: int = 1
    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class _Automaton:
    """The automaton of a repeated body: a state for each character, and the ways from a state to the next.

    `classes` are the samples that each state matches.
    """

    samples: frozenset[str]
    classes: list[frozenset[str]] = field(default_factory=list)
    ways: dict[int, dict[int, int]] = field(default_factory=dict)

    @classmethod
    def of_loop(cls, body: _Items, samples: frozenset[str]) -> "_Automaton":
        """Build the automaton of a body whose end leads to its beginning.

        Args:
            body: the body of the repetition, as the parser returns it.
            samples: a character of each sort that the pattern may tell apart.
        """
        automaton = cls(samples)
        whole = automaton._sequence(body)
        automaton._connect(whole.last, whole.first)
        return automaton

    def is_ambiguous(self) -> bool:
        """Whether the same text leads from a state to itself in two ways.

        Pairs of states are followed that the same text reaches from one state; such a text exists if a pair
        of different states leads to a pair of equal ones.
        """
        counts = [count for row in self.ways.values() for count in row.values()]
        if max(counts, default=0) > 1:
            return True

        waiting = [(state, state) for state in range(len(self.classes))]
        seen = set(waiting)
        while waiting:
            one, other = waiting.pop()
            following = set(self._next_pairs(one, other))
            joined = any(first == second for first, second in following)
            if one != other and joined:
                return True
            waiting += following - seen
            seen |= following
        return False

    def _next_pairs(self, one: int, other: int) -> Iterator[_StatePair]:
        """Yield the pairs of states to which one and the same character leads from these two states."""
        for first, second in product(self.ways[one], self.ways[other]):
            common = self.classes[first] & self.classes[second]
            if common or first == second:
                yield first, second

    def _sequence(self, items: _Items) -> _Fragment:
        """Add the states of items that follow each other."""
        whole = _Fragment()
        for operator, argument in items:
            part = self._fragment(str(operator), argument)
            self._connect(whole.last, part.first)
            whole = _Fragment(
                empty=min(whole.empty * part.empty, MAX_WAYS),
                first=whole.first + _multiplied(part.first, whole.empty),
                last=part.last + _multiplied(whole.last, part.empty),
            )
        return whole

    def _fragment(self, name: str, argument: Any) -> _Fragment:
        """Add the states of one item of the parser.

        Args:
            name: the name of the operator, such as "MAX_REPEAT".
            argument: the argument of the operator.
        """
        if name in _CONDITIONS:
            return _Fragment()
        if name in _REPEATS:
            return self._repetition(*argument)
        bodies = _inner_bodies(name, argument)
        if bodies:
            return self._alternatives(bodies)

        state = len(self.classes)
        matching = [sample for sample in self.samples if _matches(sample, name, argument)]
        self.classes.append(frozenset(matching))
        return _Fragment(0, Counter([state]), Counter([state]))

    def _alternatives(self, bodies: Iterable[_Items]) -> _Fragment:
        """Add the states of patterns of which one matches.

        Args:
            bodies: the patterns, as the parser returns them.
        """
        empty = 0
        first: Counter[int] = Counter()
        last: Counter[int] = Counter()
        for body in bodies:
            part = self._sequence(body)
            empty = min(empty + part.empty, MAX_WAYS)
            first += part.first
            last += part.last
        return _Fragment(empty, first, last)

    def _repetition(self, minimum: int, maximum: int, body: _Items) -> _Fragment:
        """Add the states of a repetition inside of the body.

        Args:
            minimum: times that its body must match.
            maximum: times that its body may match.
            body: the body of the repetition, as the parser returns it.
        """
        part = self._sequence(body)
        if maximum > 1:
            self._connect(part.last, part.first)
        if minimum > 0:
            return part
        return _Fragment(min(part.empty + 1, MAX_WAYS), part.first, part.last)

    def _connect(self, last: Counter[int], first: Counter[int]) -> None:
        """Add the ways from one fragment to another.

        Args:
            last: the states where the one ends.
            first: the states where the other begins.
        """
        for begin, count in last.items():
            row = self.ways.setdefault(begin, {})
            for end, more in first.items():
                row[end] = min(row.get(end, 0) + count * more, MAX_WAYS)


def _multiplied(counts: Counter[int], ways: int) -> Counter[int]:
    """Return these states with so many times the ways, at most MAX_WAYS each.

    Args:
        counts: the ways to each state.
        ways: the ways to match what is between; 0 leaves no state.
    """
    if ways == 0:
        return Counter()
    return Counter({state: min(count * ways, MAX_WAYS) for state, count in counts.items()})


def _matches(sample: str, name: str, argument: Any) -> bool:
    """Whether a character belongs to a class.

    Args:
        sample: the character.
        name: the name of the parser's operator.
        argument: the argument of the operator.
    """
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
    """Whether a character belongs to a class in brackets, such as [^a-z]."""
    is_negated = str(members[0][0]) == "NEGATE"
    found = any(_matches(sample, str(name), argument) for name, argument in members[is_negated:])
    return found != is_negated


def _in_category(sample: str, category: str) -> bool:
    r"""Whether a character belongs to a category such as \d or \D."""
    positive = category.replace("_NOT_", "_")
    is_negated = positive != category
    return _CATEGORIES[positive](sample) != is_negated


_Shape = TypeVar("_Shape", bound=LanguageTable)


def trusted(shape: type[_Shape], data: Mapping[str, Any]) -> _Shape:
    """Return what `shape.model_validate(data)` returns for data without a fault.

    Args:
        shape: the model of the file.
        data: its contents, as `tomllib` reads them.
    """
    values = {}
    for name, declared in shape.model_fields.items():
        key = declared.alias or name
        if key in data:
            values[name] = _converted(declared.annotation, declared.metadata, data[key])
    return shape.model_construct(set(values), **values)


def _converted(hint: Any, marks: Iterable[Any], value: Any) -> Any:
    """Convert a value to its type.

    Args:
        hint: the type.
        marks: what the type is annotated with; a `BeforeValidator` makes a list of a text.
        value: as TOML has it.
    """
    for mark in marks:
        if isinstance(mark, BeforeValidator):
            split: Callable[[Any], Any] = mark.func  # type: ignore[assignment]
            value = split(value)
    if _is_model(hint):
        return trusted(hint, value)
    return _contained(hint, value)


def _contained(hint: Any, value: Any) -> Any:
    """Convert the items of a list or table; other values stay as they are."""
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        return _converted(inner, marks, value)
    match value:
        case list():
            return _sequence(hint, value)
        case dict():
            return _table(hint, value)
        case _:
            return value


def _sequence(hint: Any, items: list[Any]) -> Any:
    """Convert a list to a set or tuple.

    Args:
        hint: its type.
        items: as TOML has them.
    """
    if get_origin(hint) is frozenset:
        return frozenset(items)
    kinds = get_args(hint)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    return tuple(_converted(kind, (), item) for kind, item in zip(kinds, items, strict=True))


def _table(hint: Any, table: dict[str, Any]) -> Any:
    """Convert a table to a model or a mapping.

    Args:
        hint: its type: a mapping, whose keys may be numbers, or an optional model such as `Dates | None`.
        table: as TOML has it, where all keys are text.
    """
    models = list(filter(_is_model, get_args(hint)))
    if models:
        return trusted(models[0], table)
    key_hint, kind = get_args(hint)
    key_type = int if _unmarked(key_hint) is int else str
    return {key_type(key): _converted(kind, (), item) for key, item in table.items()}


def _is_model(hint: Any) -> bool:
    """Whether a type is the model of a file or of a table in one."""
    return isinstance(hint, type) and issubclass(hint, LanguageTable)


def _unmarked(hint: Any) -> Any:
    """Return the type without what it is annotated with."""
    if get_origin(hint) is Annotated:
        return _unmarked(get_args(hint)[0])
    return hint
