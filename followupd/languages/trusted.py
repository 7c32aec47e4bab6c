"""Make the models of shipped language files without validating them again: the tests have done it.

Building pydantic's validators takes several times as long as reading the files.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BeforeValidator

from followupd.languages.schema import LanguageTable

_Shape = TypeVar("_Shape", bound=LanguageTable)


def trusted(shape: type[_Shape], data: Mapping[str, Any]) -> _Shape:
    """Return what `shape.model_validate(data)` returns for data without a fault.

    Args:
        shape: the model of the file.
        data: its contents, as `tomllib` reads them.
    """
    values = {}
    for name, field in shape.model_fields.items():
        key = field.alias or name
        if key in data:
            values[name] = _converted(field.annotation, field.metadata, data[key])
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
