"""The page of a month from a ledger of 50,000 cases: seconds and memory, `python -m benchmarks.report [CASES]`."""

import resource
import sys
import tempfile
import time
from pathlib import Path

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.ledger import Ledger
from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.services.maintenance import monthly_page, monthly_report
from tests.policies.test_monthly import CALENDAR, NOVEMBER, life


def fill(ledger: Ledger, number: int) -> None:
    """Fill a ledger with complaints of one month."""
    for begin in range(0, number, 1000):
        with ledger.transaction(durable=False) as tx:
            for n in range(begin, min(number, begin + 1000)):
                first, *events = life(n)
                if isinstance(first, e.CaseOpened):
                    tx.cases.record(tx.cases.open(first), events, lambda _case: None, first.at)


def main() -> int:
    """Fill a ledger, write the page in a fresh process, and print what that took."""
    if sys.argv[1:2] == ["page"]:
        return page(Path(sys.argv[2]))

    number = int(sys.argv[1]) if sys.argv[1:] else 50_000
    directory = Path(tempfile.mkdtemp())
    ledger = Ledger(f"sqlite:///{directory}/ledger.db", Vault([b"k" * 32]))
    ledger.upgrade()
    fill(ledger, number)
    ledger.close()
    print(f"{number} cases in {directory}; python -m benchmarks.report page {directory}")
    return 0


def page(directory: Path) -> int:
    """Write the page of a filled ledger."""
    ledger = Ledger(f"sqlite:///{directory}/ledger.db", Vault([b"k" * 32]))
    begin, cpu = time.perf_counter(), time.process_time()
    with ledger.transaction() as tx:
        html = monthly_page(monthly_report(tx, NOVEMBER, CALENDAR, lambda _: True), "Example Ltd")
    (directory / "page.html").write_text(html, encoding="utf-8")
    seconds, used = time.perf_counter() - begin, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.2f} s ({used:.2f} s of processor), {memory:.0f} MB, {len(html)} characters")
    return 0


if __name__ == "__main__":
    assert lifecycle.fold(life(0))
    sys.exit(main())
