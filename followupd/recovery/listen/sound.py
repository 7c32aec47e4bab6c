"""Makes every text of a message sound: no lone surrogate and no null byte, which no database and no mail can hold."""

from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar

Value = TypeVar("Value")

_NULL = "\0"


def sound(value: Value) -> Value:
    """Return the value with U+FFFD in the place of what cannot be written down; sound values come back as they are."""
    if isinstance(value, str):
        return _sound_text(value)  # type: ignore[return-value]  # text in, text out
    if isinstance(value, tuple):
        return tuple(sound(each) for each in value) if value else value  # type: ignore[return-value]  # of the same types
    kind: Any = type(value)
    changes = {}
    for name in _names(kind):
        before = getattr(value, name)
        if not before or (type(before) is str and before.isascii() and _NULL not in before):
            continue  # nearly all are so
        if (after := sound(before)) != before:
            changes[name] = after
    return replace(value, **changes) if changes else value  # type: ignore[type-var]  # only a dataclass has names


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def _sound_text(text: str) -> str:
    if text.isascii() and _NULL not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace(_NULL, "\ufffd") if _unsound(text) else text


def _unsound(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return _NULL in text
