"""Makes every text of a message sound: no lone surrogate and no null byte, which no database and no mail can hold."""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

Value = TypeVar("Value")

_NULL = "\0"


def sound(value: Value) -> Value:
    """Return the value with U+FFFD in the place of what cannot be written down; sound values come back as they are."""
    if isinstance(value, str):
        return _sound_text(value)  # type: ignore[return-value]  # text in, text out
    if isinstance(value, tuple):
        return tuple(sound(each) for each in value)  # type: ignore[return-value]  # a tuple of the same types
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes = {}
    for field in fields(value):
        before = getattr(value, field.name)
        after = sound(before)
        if after != before:
            changes[field.name] = after
    return replace(value, **changes) if changes else value


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
