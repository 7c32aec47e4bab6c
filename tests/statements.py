"""Statements for SQLite are compiled once for the ledgers of all tests, and not again for each ledger."""

from typing import Any

from sqlalchemy import Connection, Engine, event


class _Compiled(dict[Any, Any]):
    """Compiled statements by kind of database, where SQLAlchemy's own cache is for one engine alone."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


def compile_once() -> None:
    """Let all engines for SQLite that connect from here on share one cache."""
    shared = _Compiled()

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        if connection.dialect.name == "sqlite" and "compiled_cache" not in connection.get_execution_options():
            connection.engine.update_execution_options(compiled_cache=shared)
            connection.execution_options(compiled_cache=shared)
