"""Rows by the hundred in the driver's own words: SQLAlchemy takes twice as long for a row as the database does."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Connection, Table
from sqlmodel import SQLModel

from followupd.adapters.crypto import Vault
from followupd.domain.case import Case
from followupd.domain.events import EVENTS, Event
from followupd.domain.letter import Letter
from followupd.domain.mail import Message

Value = TypeVar("Value")

CASE = TypeAdapter(Case)
MESSAGE = TypeAdapter(Message)
OUTGOING = TypeAdapter(Letter)
_EVENTS: dict[str, TypeAdapter[Event]] = {}


def event_adapter(name: str) -> TypeAdapter[Event]:
    """Return the adapter for one kind of event; built on first use, since most commands meet few kinds."""
    if name not in _EVENTS:
        _EVENTS[name] = TypeAdapter(EVENTS[name])
    return _EVENTS[name]


def encrypt_value(vault: Vault, adapter: TypeAdapter[Value], value: Value) -> bytes:
    return vault.encrypt(adapter.dump_json(value))


def decrypt_value(vault: Vault, adapter: TypeAdapter[Value], token: bytes) -> Value:
    """Give the value back; raises SealBrokenError when the key that sealed it is gone."""
    return adapter.validate_json(vault.decrypt(token))


_NAMED = {"qmark": ":{}", "pyformat": "%({})s"}


def insert_all(connection: Connection, kind: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    """Insert rows of the same columns; their values are changed into what the driver takes."""
    table = _table(kind)
    names = list(rows[0])
    _change(connection, table, names, rows)
    values = ", ".join(map(_NAMED[connection.dialect.paramstyle].format, names))
    insertion = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values})"  # noqa: S608 - the tables' own names
    connection.exec_driver_sql(insertion, rows)


def update_all(
    connection: Connection, kind: type[SQLModel], rows: list[dict[str, Any]], where: Mapping[str, str]
) -> int:
    """Update a row of the table by each of these, and return how many there were to update.

    `where` names the columns that must be equal, each with the name under which a row has the value; what else a row has
    is set. The values are changed into what the driver takes.
    """
    table, named = _table(kind), _NAMED[connection.dialect.paramstyle].format
    names = [name for name in rows[0] if name not in where.values()]
    _change(connection, table, names, rows)
    sets = ", ".join(f"{name} = {named(name)}" for name in names)
    equal = " AND ".join(f"{column} = {named(name)}" for column, name in where.items())
    update = f"UPDATE {table.name} SET {sets} WHERE {equal}"  # noqa: S608 - the tables' own names
    return connection.exec_driver_sql(update, rows).rowcount


def _table(kind: type[SQLModel]) -> Table:
    table: Table = kind.__table__  # type: ignore[attr-defined]  # a table's class has one
    return table


def _change(connection: Connection, table: Table, names: list[str], rows: list[dict[str, Any]]) -> None:
    for name in names:
        if change := table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect):
            for row in rows:
                row[name] = change(row[name])
