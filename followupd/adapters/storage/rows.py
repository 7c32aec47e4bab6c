"""How values become rows: encrypted JSON, and bulk statements."""

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
#: one row: values by column, or by the name of a statement's parameter
Row = dict[str, Any]

CASE_ADAPTER = TypeAdapter(Case)
MESSAGE_ADAPTER = TypeAdapter(Message)
LETTER_ADAPTER = TypeAdapter(Letter)
_EVENT_ADAPTERS: dict[str, TypeAdapter[Event]] = {}

#: a named parameter in the drivers' SQL, by the style of PEP 249 that SQLAlchemy uses them with
_PARAMETER = {"qmark": ":{}", "pyformat": "%({})s"}


# encryption


def event_adapter(name: str) -> TypeAdapter[Event]:
    """Return the adapter for an event's class; built on first use, because most commands meet few classes."""
    if name not in _EVENT_ADAPTERS:
        _EVENT_ADAPTERS[name] = TypeAdapter(EVENTS[name])
    return _EVENT_ADAPTERS[name]


def encrypt_value(vault: Vault, adapter: TypeAdapter[Value], value: Value) -> bytes:
    """Return the value as JSON, encrypted."""
    return vault.encrypt(adapter.dump_json(value))


def decrypt_value(vault: Vault, adapter: TypeAdapter[Value], token: bytes) -> Value:
    """Return what was given to `encrypt_value`.

    Raises:
        DecryptionError: the key that encrypted it is missing.
    """
    return adapter.validate_json(vault.decrypt(token))


def encrypt_event(vault: Vault, event: Event) -> bytes:
    """Return the event as JSON, encrypted; the name of its class is stored beside it."""
    return encrypt_value(vault, event_adapter(type(event).__name__), event)


def decrypt_event(vault: Vault, name: str, token: bytes) -> Event:
    """Return what was given to `encrypt_event`; `name` is the name of its class. Raises DecryptionError."""
    return decrypt_value(vault, event_adapter(name), token)


# bulk statements, through the driver's cursor: SQLAlchemy doubles the cost of a row (benchmarks/send.py)


def insert_all(connection: Connection, model: type[SQLModel], rows: list[Row]) -> None:
    """Insert rows into a table.

    Args:
        connection: the transaction's.
        model: the class of the table.
        rows: one or more, all with the same columns. Their values are replaced by what the driver stores.
    """
    table = _table(model)
    names = list(rows[0])
    _convert(connection, table, names, rows)
    parameter = _PARAMETER[connection.dialect.paramstyle]
    values = ", ".join(parameter.format(name) for name in names)
    columns = ", ".join(names)
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({values})"  # noqa: S608  names of our own
    connection.exec_driver_sql(statement, rows)


def update_all(
    connection: Connection, model: type[SQLModel], rows: list[Row], where: Mapping[str, str]
) -> int:
    """Update one row of a table for each of the given ones.

    Args:
        connection: the transaction's.
        model: the class of the table.
        rows: one or more, all with the same names. Their values are replaced by what the driver stores.
        where: the columns that must be equal, each with the name that its value has in `rows`. Everything
            else is set.

    Returns:
        How many rows were updated.
    """
    table = _table(model)
    names = [name for name in rows[0] if name not in where.values()]
    _convert(connection, table, names, rows)
    parameter = _PARAMETER[connection.dialect.paramstyle]
    assignments = ", ".join(f"{name} = {parameter.format(name)}" for name in names)
    conditions = " AND ".join(f"{column} = {parameter.format(name)}" for column, name in where.items())
    statement = f"UPDATE {table.name} SET {assignments} WHERE {conditions}"  # noqa: S608  names of our own
    return connection.exec_driver_sql(statement, rows).rowcount


def _table(model: type[SQLModel]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]  # the class of a table has one
    return table


def _convert(connection: Connection, table: Table, names: list[str], rows: list[Row]) -> None:
    """Replace the values of these columns by what the driver stores, as SQLAlchemy does itself."""
    dialect = connection.dialect
    for name in names:
        processor = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if processor:
            for row in rows:
                row[name] = processor(row[name])
