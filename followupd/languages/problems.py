"""Find what is wrong with a language file: unknown keys, invalid values, unusable patterns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from followupd.languages import schema
from followupd.languages.patterns import Parts, any_of, expand
from followupd.languages.safety import is_exponential

#: the files that a language may have
FILES: Mapping[str, type[schema.LanguageTable]] = {
    "language.toml": schema.LanguageInfo,
    "promises.toml": schema.Promises,
    "complaints.toml": schema.Complaints,
    "concepts.toml": schema.Concepts,
    "answers.toml": schema.Answers,
    "wording.toml": schema.Wording,
    "samples.toml": schema.Samples,
}
#: the files that belong to no language
SHARED_FILES: Mapping[str, type[schema.LanguageTable]] = {
    "currencies.toml": schema.Currencies,
    "mail_clients.toml": schema.MailClients,
}

#: keys and positions in tables and lists, such as ("turns", "firm", 3)
Path = tuple[str | int, ...]

#: characters of a pattern that a problem shows
MAX_SHOWN = 60
#: the parts that the date reader defines itself
_BUILT_IN: Parts = {
    "NUMBER": (r"\d{1,3}",),
    "UNIT": ("[a-z]+",),
    "DAY": ("[a-z]+",),
    "MONTH": ("[a-z]+",),
    "HOUR": (r"\d{1,2}",),
    "FROM": (r"\d{1,2}",),
    "TO": (r"\d{1,2}",),
}


class FaultKind(StrEnum):
    """What a fault is about."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    VALUE = "value"
    PATTERN = "pattern"


@dataclass(frozen=True, slots=True)
class LanguageFault:
    """A mistake in a language file; `path` leads to the value, or to where it is missing."""

    path: Path
    kind: FaultKind
    problem: str
    hint: str


def shape_of(file: str) -> type[schema.LanguageTable] | None:
    """Return the model of a file such as "de/promises.toml" or "currencies.toml"; None for an unused file."""
    tag, slash, name = file.rpartition("/")
    is_of_language = slash and "/" not in tag
    known = FILES if is_of_language else SHARED_FILES
    return known.get(name)


def faults(shape: type[schema.LanguageTable], data: Mapping[str, Any]) -> list[LanguageFault]:
    """Return everything that is wrong with the contents of a file; patterns are checked if its form is valid.

    Args:
        shape: the model of the file.
        data: its contents, as `tomllib` reads them.
    """
    try:
        table = shape.model_validate(data)
    except ValidationError as error:
        return [_invalid(found) for found in error.errors()]
    return [*_unknown_locale(table), *_bad_patterns(table)]


def patterns_in(table: schema.LanguageTable) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield each list of patterns in a file, with the path to it.

    Args:
        table: a whole file, or a table of one.
    """
    for name, hint, key in _fields(type(table)):
        yield from _patterns(hint, getattr(table, name), (key,))


def _invalid(error: Any) -> LanguageFault:
    """Return the fault for an error of pydantic.

    Args:
        error: with "loc", "type" and "msg", as `ValidationError.errors` returns it.
    """
    path = tuple(step for step in error["loc"] if step != "[key]")
    match error["type"]:
        case "extra_forbidden":
            hint = "the shipped English file names every key."
            return LanguageFault(path, FaultKind.UNKNOWN, f"there is no {str(path[-1])!r} here", hint)
        case "missing":
            hint = "write it as in the shipped English file."
            return LanguageFault(path, FaultKind.MISSING, f"{path[-1]} is missing", hint)
        case "model_type":
            return LanguageFault(path, FaultKind.VALUE, f"{path[-1]} must be a table", "")
        case _:
            problem = error["msg"].removeprefix("Value error, ")
            return LanguageFault(path, FaultKind.VALUE, problem, "")


def _unknown_locale(table: schema.LanguageTable) -> Iterator[LanguageFault]:
    """Yield a fault if CLDR does not know the locale of a language."""
    from babel import Locale, UnknownLocaleError

    if not isinstance(table, schema.LanguageInfo):
        return
    try:
        Locale.parse(table.locale)
    except (UnknownLocaleError, ValueError):
        problem = f"{table.locale!r} is no locale of CLDR"
        hint = "write a language, or a language and a country, such as nl or nl_BE."
        yield LanguageFault(("locale",), FaultKind.VALUE, problem, hint)


def _bad_patterns(table: schema.LanguageTable) -> Iterator[LanguageFault]:
    """Yield the patterns that do not compile or that may take exponential time.

    After faults in [parts], patterns that are made of them are not checked: each would have the same faults.
    """
    parts = {**_BUILT_IN, **getattr(table, "parts", {})}
    bad_tables = set()
    for path, patterns in patterns_in(table):
        if "parts" in bad_tables and path[0] != "parts":
            return
        found = _invalid_patterns(patterns, parts, path) or _slow_patterns(patterns, parts, path)
        if found:
            bad_tables.add(path[0])
        yield from found


def _invalid_patterns(patterns: Sequence[str], parts: Parts, path: Path) -> list[LanguageFault]:
    """Return the patterns that do not compile.

    Args:
        patterns: the patterns of one list.
        parts: that the patterns may name.
        path: to the list. It is the fault's own path if the patterns are invalid only together, because they
            define the same group.
    """
    whole = _compile_error(patterns, parts)
    if not whole:
        return []

    found = []
    for n, pattern in enumerate(patterns):
        error = _compile_error([pattern], parts)
        if error:
            problem = f"{_short(pattern)} is not a valid pattern: {error}"
            found.append(LanguageFault((*path, n), FaultKind.PATTERN, problem, ""))

    if found:
        return found
    return [LanguageFault(path, FaultKind.PATTERN, f"these patterns are invalid together: {whole}", "")]


def _compile_error(patterns: Sequence[str], parts: Parts) -> str:
    """Return why these alternatives do not compile, "" if they do.

    Args:
        patterns: the patterns of one list.
        parts: that the patterns may name.
    """
    try:
        re.compile(any_of(patterns, parts))
    except (ValueError, re.error, RecursionError) as error:
        return str(error)
    return ""


def _slow_patterns(patterns: Sequence[str], parts: Parts, path: Path) -> list[LanguageFault]:
    """Return the patterns that take exponential time on some text; all of them compile.

    Args:
        patterns: the patterns of one list.
        parts: that the patterns may name.
        path: to the list.
    """
    hint = "inside of a repetition, let no text match in two ways, as in (a+)+ and (a|a)*."
    found = []
    for n, pattern in enumerate(patterns):
        if is_exponential(expand(pattern, parts)):
            problem = f"{_short(pattern)} takes exponential time on some text"
            found.append(LanguageFault((*path, n), FaultKind.PATTERN, problem, hint))
    return found


def _short(pattern: str) -> str:
    """Return at most MAX_SHOWN characters of a pattern on one line.

    The problem's line and key tell which pattern it is.
    """
    joined = " ".join(pattern.split())
    if len(joined) > MAX_SHOWN:
        joined = f"{joined[:MAX_SHOWN]}…"
    return repr(joined)


def _patterns(hint: Any, value: Any, path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the patterns in a value: what its type marks with `schema.Regex`.

    Args:
        hint: the type of the value.
        value: a table, a mapping, a list or a text.
        path: to the value.
    """
    if get_origin(hint) is Annotated:
        hint, *marks = get_args(hint)
        if any(isinstance(mark, schema.Regex) for mark in marks):
            yield path, (value,) if isinstance(value, str) else tuple(value)
            return
    for step, inner_hint, inner in _items(hint, value):
        yield from _patterns(inner_hint, inner, (*path, step))


def _items(hint: Any, value: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """Yield key or position, type and value of each item.

    Args:
        hint: the type of the value.
        value: a table, a mapping or a list; anything else has no items.
    """
    match value:
        case schema.LanguageTable():
            for name, item_hint, key in _fields(type(value)):
                yield key, item_hint, getattr(value, name)
        case Mapping():
            item_hint = get_args(hint)[1]
            for key, item in value.items():
                yield key, item_hint, item
        case tuple():
            for n, item in enumerate(value):
                yield n, _item_type(hint, n), item
        case _:
            return


def _item_type(hint: Any, n: int) -> Any:
    """Return the type of the n-th item of a tuple."""
    items = get_args(hint)
    if items[-1] is Ellipsis:
        return items[0]
    return items[n]


@cache
def _fields(shape: type[schema.LanguageTable]) -> tuple[tuple[str, Any, str], ...]:
    """Return name, type with its marks, and key in the file of each field."""
    hints = get_type_hints(shape, include_extras=True)
    fields = []
    for name, field in shape.model_fields.items():
        key = field.alias or name
        fields.append((name, hints[name], key))
    return tuple(fields)
