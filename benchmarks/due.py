"""Finding the cases that are due costs what is due, not what waits: 100 due ones among 1,000 and among 1,000,000.

    python -m benchmarks.due [postgresql-url ...]

SQLite is measured in a temporary directory, PostgreSQL in the empty databases that are named. Cases are written by plain
statements, sealed as the ledger seals them; what is measured is what a beat asks: which cases are due, and what they are.
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
from followupd.adapters.storage.ledger import Ledger
from followupd.adapters.storage.rows import CASE_ADAPTER, encrypt_value
from followupd.adapters.storage.tables import CaseRow
from followupd.domain.case import Case, Stage
from followupd.domain.mail import Person

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
FEW, MANY, DUE = 1_000, 1_000_000, 100
AT_ONCE = 10_000
ROUNDS = 15
SEAL = Vault([b"benchmark key of 24 byte"])


def rows(first: int, last: int) -> list[dict[str, object]]:
    """Make cases that wait for an hour and more, but for the first hundred, whose moment has come."""
    made = []
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
            story="It was to come three weeks ago, and nothing came.",
            wake_at=wake,
            version=1,
        )
        made.append(
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
                "sealed": encrypt_value(SEAL, CASE_ADAPTER, case),
            }
        )
    return made


def fill(url: str, first: int, last: int) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for start in range(first, last, AT_ONCE):
            connection.execute(insert(CaseRow), rows(start, min(last, start + AT_ONCE)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        settle(connection)
    engine.dispose()


def settle(connection: Connection) -> None:
    """Do what the database would do by itself within the hour."""
    for word in ("VACUUM", "ANALYZE"):
        connection.execute(text(word))


def ask(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        due = tx.cases.due(NOW)
        found = [tx.cases.get(ref) for ref in due]
        tx.cases.next_wake()
    if len(found) != DUE:
        sys.exit(f"{len(found)} cases are due instead of {DUE}")


def milliseconds(tx: Callable[[], None]) -> float:
    def once() -> float:
        start = time.perf_counter()
        tx()
        return (time.perf_counter() - start) * 1e3

    once()  # the first one warms what the others find warm
    return statistics.median(once() for _ in range(ROUNDS))


def measure(name: str, url: str) -> None:
    ledger = Ledger(url, SEAL)
    ledger.upgrade()
    fill(url, 0, FEW)
    few = milliseconds(lambda: ask(ledger))
    fill(url, FEW, MANY)
    many = milliseconds(lambda: ask(ledger))
    ledger.close()
    print(f"{name:<12}{DUE} due among {FEW:>9,}: {few:7.1f} ms")
    print(
        f"{name:<12}{DUE} due among {MANY:>9,}: {many:7.1f} ms   ratio {many / few:.2f} (at most 3 is asked for)",
        flush=True,
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        measure("SQLite", f"sqlite:///{Path(directory) / 'ledger.db'}")
    for url in sys.argv[1:]:
        measure("PostgreSQL", url)


if __name__ == "__main__":
    main()
