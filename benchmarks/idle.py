"""The cost of starting and of doing nothing of `followupd run`, over a real Dovecot and SMTP server.

    python -m benchmarks.idle [SECONDS]

Prints the best of three starts: CPU seconds until READY (and the elapsed time, which depends on what else the
machine does), memory, and CPU use while nothing happens for SECONDS (10). The configuration has the holidays of one
country. Then `benchmarks.startup` measures `status` and `check`. Limits: 1.0 CPU seconds until READY, 80 MB.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import trustme

from benchmarks import startup
from tests.journeys.service import Service
from tests.servers.dovecot import Dovecot
from tests.servers.manager import Manager
from tests.servers.smtp import Sink

HOLIDAYS = ('holidays = ""', 'holidays = "GB-ENG"')
LIMIT_SECONDS, LIMIT_MEGABYTES = 1.0, 80.0
STARTS = 3
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measurement:
    """One start of the daemon; `idle` is in percent of one CPU."""

    elapsed: float
    cpu_seconds: float
    megabytes: float
    idle: float


def megabytes(pid: int) -> float:
    """Return the resident memory of a process (VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def started(service: Service) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the daemon as systemd does, in a new process, and wait until it is ready; it is killed in the end."""
    asked = service.request("run")
    command = [sys.executable, "-m", "followupd", *asked.words]
    with (service.directory / "journal").open("ab") as journal:
        process = subprocess.Popen(command, env=asked.environment, stderr=journal)
    try:
        service.manager.wait("READY=1")
        yield process
    finally:
        process.kill()
        process.wait()


def measure(service: Service, seconds: float) -> Measurement:
    """Start the daemon, wait until it is ready, and leave it alone for some seconds."""
    start = monotonic()
    with started(service) as process:
        elapsed, used = monotonic() - start, cpu_seconds(process.pid)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            idle = 100 * (cpu_seconds(process.pid) - used) / seconds
            return Measurement(elapsed, used, megabytes(process.pid), idle)
    raise RuntimeError(f"the daemon ended: {service.journal()}")


def main(seconds: float) -> int:
    """Print all measurements; return 1 if one is above its limit."""
    authority = trustme.CA()
    with (
        tempfile.TemporaryDirectory() as directory,
        Dovecot(authority) as dovecot,
        Sink(authority) as smtp,
        Manager() as manager,
    ):
        service = Service.made(Path(directory) / "etc", dovecot.account("support"), smtp, manager)
        settings = service.directory / "followupd.toml"
        settings.write_text(settings.read_text().replace(*HOLIDAYS))
        found = [measure(service, seconds) for _ in range(STARTS)]

    used = min(start.cpu_seconds for start in found)
    memory = min(start.megabytes for start in found)
    elapsed, idle = min(start.elapsed for start in found), min(start.idle for start in found)
    print(f"READY    {used:.2f} s (limit {LIMIT_SECONDS:g} s), {elapsed:.2f} s elapsed")
    print(
        f"idle     {memory:.1f} MB (limit {LIMIT_MEGABYTES:g} MB), {idle:.1f} % of one CPU over {seconds:g} s"
    )
    above = used > LIMIT_SECONDS or memory > LIMIT_MEGABYTES
    return int(startup.main() or above)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 10.0))
