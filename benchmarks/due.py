"""Measure finding 100 due cases among 1,000 and among 1,000,000: waiting cases must cost nothing.

    python -m benchmarks.due [POSTGRESQL-URL ...]

SQLite is measured in a temporary directory, PostgreSQL in the empty databases that are named. Both are asked
what each cycle asks: which cases are due, those cases, and the time of the next one.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, create_engine, insert, text

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.database import adapter_of, encrypt_value, place
from followupd.adapters.storage.ledger import Ledger
from followupd.adapters.storage.tables import CaseRow
from followupd.domain.case import Case, Stage
from followupd.domain.mail import Person

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
FEW, MANY, DUE = 1_000, 1_000_000, 100
BATCH_SIZE = 10_000
ROUNDS = 15
VAULT = Vault([b"benchmark key of 24 byte"])


def rows(first: int, last: int) -> list[dict[str, object]]:
    """Return rows of cases; the first hundred of all are due, the others in an hour or later."""
    found = []
    for n in range(first, last):
        wake = NOW - timedelta(seconds=n) if n < DUE else NOW + timedelta(hours=1, seconds=n)
        case = Case(
            ref=f"FU-{n:07}",
            mailbox="support",
            customer=Person(f"kim{n}@customers.test", "Kim Doe"),
            subject="Where is my parcel?",
            playbook="default",
            owner="ana",
            opened_at=NOW,
            stage=Stage.CONFIRMED,
            story="It was due three weeks ago, and it has not arrived.",
            wake_at=wake,
            version=1,
        )
        found.append(
            {
                "ref": case.ref,
                "version": 1,
                "mailbox": case.mailbox,
                "stage": case.stage.value,
                "held": False,
                "playbook": case.playbook,
                "owner": case.owner,
                "customer_address": case.customer.address,
                "opened_at": NOW,
                "wake_at": wake,
                "sealed": encrypt_value(VAULT, adapter_of(Case), case, place("case_file", case.ref)),
            }
        )
    return found


def fill(url: str, first: int, last: int) -> None:
    """Insert cases into a ledger."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for start in range(first, last, BATCH_SIZE):
            connection.execute(insert(CaseRow), rows(start, min(last, start + BATCH_SIZE)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        update_statistics(connection)
    engine.dispose()


def update_statistics(connection: Connection) -> None:
    """Do what PostgreSQL does itself within the hour, so that its plans fit the number of rows."""
    for statement in ("VACUUM", "ANALYZE"):
        connection.execute(text(statement))


def find_due(ledger: Ledger) -> None:
    """Do what a cycle does to find due cases."""
    with ledger.transaction() as tx:
        due = tx.cases.due(NOW)
        found = [tx.cases.get(ref) for ref in due]
        tx.cases.next_wake()
    if len(found) != DUE:
        sys.exit(f"{len(found)} cases are due instead of {DUE}")


def milliseconds(action: Callable[[], None]) -> float:
    """Return the median time of an action, without the first one, which fills caches."""

    def once() -> float:
        start = time.perf_counter()
        action()
        return (time.perf_counter() - start) * 1e3

    once()
    return statistics.median(once() for _ in range(ROUNDS))


def measure(name: str, url: str) -> None:
    """Fill one database in two steps, measure after each, and print both times."""
    ledger = Ledger(url, VAULT)
    ledger.upgrade()
    fill(url, 0, FEW)
    few = milliseconds(lambda: find_due(ledger))
    fill(url, FEW, MANY)
    many = milliseconds(lambda: find_due(ledger))
    ledger.close()
    print(f"{name:<12}{DUE} due among {FEW:>9,}: {few:7.1f} ms")
    print(f"{name:<12}{DUE} due among {MANY:>9,}: {many:7.1f} ms", end="   ")
    print(f"ratio {many / few:.2f} (at most 3)", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        measure("SQLite", f"sqlite:///{Path(directory) / 'ledger.db'}")
    for url in sys.argv[1:]:
        measure("PostgreSQL", url)


if __name__ == "__main__":
    main()
