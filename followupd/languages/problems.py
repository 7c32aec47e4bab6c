"""Find what is wrong with a language file: unknown keys, wrong values, unusable patterns."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from followupd.languages import schema
from followupd.languages.patterns import Parts, any_of, expand
from followupd.languages.safety import exponential

#: the files that a language may have, and those that no language owns
FILES: Mapping[str, type[schema.LanguageTable]] = {
    "language.toml": schema.LanguageInfo,
    "promises.toml": schema.Promises,
    "complaints.toml": schema.Complaints,
    "answers.toml": schema.Answers,
    "wording.toml": schema.Wording,
    "samples.toml": schema.Samples,
}
SHARED_FILES: Mapping[str, type[schema.LanguageTable]] = {
    "currencies.toml": schema.Currencies,
    "mail_clients.toml": schema.MailClients,
}

#: a way through tables, keys and lists, such as ("turns", "firm", 3)
Path = tuple[str | int, ...]

#: characters of a pattern that a problem shows
_SHOWN = 60
#: what stands in for the parts that the date reader fills in itself
_BUILT_IN: Parts = {"NUMBER": (r"\d{1,3}",), "UNIT": ("[a-z]+",)}


class FaultKind(StrEnum):
    """What a fault is about."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    VALUE = "value"
    PATTERN = "pattern"


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake in a language file; `path` leads to the value, or to where it is missing."""

    path: Path
    kind: FaultKind
    problem: str
    hint: str


def shape_of(file: str) -> type[schema.LanguageTable] | None:
    """Return the shape of "de/promises.toml" or "currencies.toml"; None for a file that nobody would read."""
    tag, slash, name = file.rpartition("/")
    known = FILES if slash and "/" not in tag else SHARED_FILES
    return known.get(name)


def faults(shape: type[schema.LanguageTable], data: Mapping[str, Any]) -> list[Fault]:
    """Return everything that is wrong with the contents of a file."""
    try:
        section = shape.model_validate(data)
    except ValidationError as error:
        return [_invalid(found) for found in error.errors()]
    return [*_unknown_locale(section), *_bad_patterns(section)]


def patterns_in(section: schema.LanguageTable) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Give every list of patterns in a file, and the way to it."""
    for name, hint, key in _fields(type(section)):
        yield from _patterns(hint, getattr(section, name), (key,))


def _invalid(found: Any) -> Fault:
    path = tuple(part for part in found["loc"] if part != "[key]")
    match found["type"]:
        case "extra_forbidden":
            hint = "the shipped English file names every key."
            return Fault(path, FaultKind.UNKNOWN, f"there is no {str(path[-1])!r} here", hint)
        case "missing":
            hint = "write it as in the shipped English file."
            return Fault(path, FaultKind.MISSING, f"{path[-1]} is missing", hint)
        case _:
            return Fault(path, FaultKind.VALUE, found["msg"].removeprefix("Value error, "), "")


def _unknown_locale(section: schema.LanguageTable) -> Iterator[Fault]:
    from babel import Locale, UnknownLocaleError

    if not isinstance(section, schema.LanguageInfo):
        return
    try:
        Locale.parse(section.locale)
    except (UnknownLocaleError, ValueError):
        hint = "write a language, or a language and a country, such as nl or nl_BE."
        yield Fault(("locale",), FaultKind.VALUE, f"{section.locale!r} is no locale of CLDR", hint)


def _bad_patterns(section: schema.LanguageTable) -> Iterator[Fault]:
    parts = {**_BUILT_IN, **getattr(section, "parts", {})}
    in_parts = False
    for path, patterns in patterns_in(section):
        if in_parts and path[0] != "parts":
            return  # the same would be said of every pattern with such a part
        found = list(_broken(patterns, parts, path)) or list(_slow(patterns, parts, path))
        in_parts = in_parts or (bool(found) and path[0] == "parts")
        yield from found


def _broken(patterns: tuple[str, ...], parts: Parts, path: Path) -> Iterator[Fault]:
    """Give the invalid patterns, or the list if it is invalid only as a whole (a group name used twice)."""
    whole = _error(patterns, parts)
    if not whole:
        return
    errors = [(n, _error((pattern,), parts)) for n, pattern in enumerate(patterns)]
    for n, error in errors:
        if error:
            yield Fault((*path, n), FaultKind.PATTERN, f"{_short(patterns[n])} is no pattern: {error}", "")
    if not any(error for _, error in errors):
        yield Fault(path, FaultKind.PATTERN, f"these patterns cannot stand together: {whole}", "")


def _error(patterns: tuple[str, ...], parts: Parts) -> str:
    try:
        re.compile(any_of(patterns, parts))
    except (ValueError, re.error, RecursionError) as error:
        return str(error)
    return ""


def _slow(patterns: tuple[str, ...], parts: Parts, path: Path) -> Iterator[Fault]:
    for n, pattern in enumerate(patterns):
        if exponential(expand(pattern, parts)):
            hint = "inside of a repetition, let no text match in two ways, as in (a+)+ and (a|a)*."
            problem = f"{_short(pattern)} takes exponential time on some text"
            yield Fault((*path, n), FaultKind.PATTERN, problem, hint)


def _short(pattern: str) -> str:
    """Return a pattern as it can stand in a sentence; the line and the key say which it is."""
    joined = " ".join(pattern.split())
    return repr(joined if len(joined) <= _SHOWN else f"{joined[:_SHOWN]}…")


def _patterns(hint: Any, value: Any, path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Follow a value and its type to the fields that are marked as patterns."""
    if isinstance(value, schema.LanguageTable):
        for inner, patterns in patterns_in(value):
            yield (*path, *inner), patterns
    elif get_origin(hint) is Annotated:
        base, *marks = get_args(hint)
        if any(isinstance(mark, schema.Regex) for mark in marks):
            yield path, (value,) if isinstance(value, str) else tuple(value)
        else:
            yield from _patterns(base, value, path)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _patterns(get_args(hint)[1], each, (*path, key))
    elif isinstance(value, tuple):
        for n, each in enumerate(value):
            yield from _patterns(_item(hint, n), each, (*path, n))


def _item(hint: Any, n: int) -> Any:
    """Return the type of the n-th item of a tuple."""
    items = get_args(hint)
    return items[0] if items[-1] is Ellipsis else items[n]


@cache
def _fields(shape: type[schema.LanguageTable]) -> tuple[tuple[str, Any, str], ...]:
    """Return name, type with its marks, and key in the file of each field."""
    hints = get_type_hints(shape, include_extras=True)
    return tuple((name, hints[name], field.alias or name) for name, field in shape.model_fields.items())
