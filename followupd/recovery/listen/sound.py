"""Makes every text of a message sound: no lone surrogate and no null byte, which no database and no mail can hold."""

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

Value = TypeVar("Value")

_NULL = "\0"


def sound(value: Value) -> Value:
    """Return the value with U+FFFD in the place of what cannot be written down; sound values come back as they are."""
    texts: list[str] = []
    _gather([value], texts)
    return value if _is_sound("".join(texts)) else _mended(value)  # one look at all of them; nearly all are sound


def _gather(values: Iterable[Any], texts: list[str]) -> None:
    for value in values:
        kind: Any = type(value)
        if kind is str:
            texts.append(value)
        elif not value:
            continue
        elif kind is tuple:
            _gather(value, texts)
        elif look := _look(kind):
            _gather(look(value), texts)


@cache
def _look(kind: Any) -> Callable[[Any], tuple[Any, ...]] | None:
    """Return what takes the fields out of a dataclass; None for any other kind of value."""
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else []
    return attrgetter(*names, names[0]) if names else None  # one more, since of a single name it makes no tuple


def _is_sound(text: str) -> bool:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return False
    return _NULL not in text


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value if _is_sound(value) else value.encode("utf-8", "replace").decode("utf-8").replace(_NULL, "\ufffd")
    if isinstance(value, tuple):
        return tuple(_mended(each) for each in value)
    if not is_dataclass(value):
        return value
    before = {field.name: getattr(value, field.name) for field in fields(value)}
    return replace(value, **{name: _mended(each) for name, each in before.items()})  # type: ignore[type-var]
