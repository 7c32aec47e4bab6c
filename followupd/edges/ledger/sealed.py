"""Turns values into sealed bytes and back, so that no column holds in plain what people wrote."""

from typing import TypeVar

from pydantic import TypeAdapter

from followupd.edges.seal import Seal
from followupd.model.case import Case
from followupd.model.event import EVENTS, Event
from followupd.model.message import Message
from followupd.model.outgoing import Outgoing

Value = TypeVar("Value")

CASE = TypeAdapter(Case)
MESSAGE = TypeAdapter(Message)
OUTGOING = TypeAdapter(Outgoing)
_EVENTS: dict[str, TypeAdapter[Event]] = {}


def event_adapter(name: str) -> TypeAdapter[Event]:
    """Return the adapter for one kind of event; built on first use, since most commands meet few kinds."""
    if name not in _EVENTS:
        _EVENTS[name] = TypeAdapter(EVENTS[name])
    return _EVENTS[name]


def sealed(seal: Seal, adapter: TypeAdapter[Value], value: Value) -> bytes:
    return seal.seal(adapter.dump_json(value))


def opened(seal: Seal, adapter: TypeAdapter[Value], token: bytes) -> Value:
    """Give the value back; raises SealBrokenError when the key that sealed it is gone."""
    return adapter.validate_json(seal.open(token))
