"""What a value in a letter is: something that somebody gave, something still missing, or a name that does not exist."""

from types import SimpleNamespace
from typing import Any

from jinja2 import StrictUndefined, Undefined

from followupd.edges.letters.markdown import one_line


class Unknown(StrictUndefined):
    """A name that this letter does not have: a slip of the template's author."""

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"there is no `{self._undefined_name}` in this letter"


class Missing(Undefined):
    """A name that this letter has, and that nobody has given a value yet."""

    __slots__ = ()
    # unlike Jinja2's own, it does not print as a blank
    __str__ = __iter__ = __len__ = Undefined._fail_with_undefined_error  # noqa: SLF001  Jinja2's way to subclass it

    @classmethod
    def called(cls, name: str) -> "Missing":
        return cls(hint=f"`{name}` is missing", name=name)


class Named(SimpleNamespace):
    """Values under one name, as `owner.phone`. Its repr tells none of them: one may be a gift card's code."""

    def __repr__(self) -> str:
        return f"Named({', '.join(vars(self))})"


def given(name: str, value: object, *, flat: bool = True) -> Any:
    """Return a value as a template may print it, on one line unless it is not `flat`; `Missing` where nobody gave it."""
    # a lone "-" or "?" is how people leave a line empty
    if value is None or not any(character.isalnum() for character in str(value)):
        return Missing.called(name)
    return one_line(str(value)) if flat else str(value)
