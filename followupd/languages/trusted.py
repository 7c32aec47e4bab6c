"""Makes the values of shipped language files, which the tests have validated, without validating them again.

Building pydantic's validators takes several times as long as reading the files.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BeforeValidator

from followupd.languages.schema import LanguageTable

_Shape = TypeVar("_Shape", bound=LanguageTable)


def trusted(shape: type[_Shape], data: Mapping[str, Any]) -> _Shape:
    """Return what `shape.model_validate(data)` returns for data without a fault."""
    values = {}
    for name, field in shape.model_fields.items():
        key = field.alias or name
        if key in data:
            values[name] = _converted(field.annotation, field.metadata, data[key])
    return shape.model_construct(set(values), **values)


def _converted(hint: Any, marks: Iterable[Any], value: Any) -> Any:
    for mark in marks:
        if isinstance(mark, BeforeValidator):
            split: Callable[[Any], Any] = mark.func  # type: ignore[assignment]
            value = split(value)
    if isinstance(hint, type) and issubclass(hint, LanguageTable):
        return trusted(hint, value)
    return _contained(hint, value)


def _contained(hint: Any, value: Any) -> Any:
    """Convert what is in a list or table; other values are as they were read."""
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
    kinds = get_args(hint)
    if get_origin(hint) is frozenset:
        return frozenset(items)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    return tuple(_converted(kind, (), item) for kind, item in zip(kinds, items, strict=True))


def _table(hint: Any, table: dict[str, Any]) -> Any:
    sections = [kind for kind in get_args(hint) if isinstance(kind, type) and issubclass(kind, LanguageTable)]
    if sections:  # Dates | None
        return trusted(sections[0], table)
    key, kind = get_args(hint)
    named = _base(key) is int
    return {int(k) if named else k: _converted(kind, (), each) for k, each in table.items()}


def _base(hint: Any) -> Any:
    """Return the type without its marks."""
    return _base(get_args(hint)[0]) if get_origin(hint) is Annotated else hint
