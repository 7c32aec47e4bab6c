"""What stays of a history when the customer is forgotten: what was given and when, by which of us, and no word more."""

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from followupd.model.event import Event
from followupd.model.message import Person

#: texts that the house wrote itself and that say nothing of the customer; every other text goes, also one that a field
#: of tomorrow holds
_STAYS = frozenset({
    "ref", "mailbox", "playbook", "owner", "severity", "language", "key", "kind", "letter", "confirmed", "currency",
    "agent", "granted_by", "approved_by", "by",
})  # fmt: skip
THE_CUSTOMER = "the customer"

Value = TypeVar("Value")


def forgotten(event: Event, customer: Person) -> Event:
    """Return the event without words, names and addresses; a history of such events still folds to its case."""
    names = {customer.name.casefold(), customer.address.casefold()} - {""}
    theirs = "@" in event.by or event.by.casefold() in names
    return replace(_without_words(event), by=THE_CUSTOMER if theirs else event.by)


def _without_words(value: Value) -> Value:
    if not is_dataclass(value):
        return value
    changes = {field.name: _blank(field.name, getattr(value, field.name)) for field in fields(value)}
    return replace(value, **changes)  # type: ignore[type-var]  # a dataclass, as asked above; mypy loses the instance


def _blank(name: str, value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Enum):
        return value if name in _STAYS else ""
    if isinstance(value, tuple):
        return tuple(_without_words(each) for each in value if is_dataclass(each) or isinstance(each, int))
    return _without_words(value)
