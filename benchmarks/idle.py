"""How soon `followupd run` is ready, and what it costs while nothing happens, over a real Dovecot and SMTP server.

    python -m benchmarks.idle [SECONDS]

Prints the best of three starts beside what Python needs to import the four libraries that no mail daemon of this kind
can do without. The house keeps one country's holidays, which cost four megabytes. The targets: READY within two seconds,
less than 90 MB.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

import trustme

from tests.journeys.service import Service
from tests.servers.dovecot import Dovecot
from tests.servers.manager import Manager
from tests.servers.smtp import Sink

BARE = "import sqlmodel, imapclient, jinja2, schedule"
WITH_HOLIDAYS = ('holidays = ""', 'holidays = "GB-ENG"')
TARGET_SECONDS, TARGET_MEGABYTES = 2.0, 90.0
TICKS = os.sysconf("SC_CLK_TCK")


def bare_seconds() -> float:
    began = monotonic()
    subprocess.run([sys.executable, "-c", BARE], check=True)
    return monotonic() - began


def megabytes(pid: int) -> float:
    """Return the memory that the process holds now (VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def processor(pid: int) -> float:
    """Return the seconds of processor time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(service: Service, seconds: float) -> tuple[float, float, float, float]:
    """Return seconds to READY, processor seconds until then, megabytes when idle, and percent of a processor."""
    began = monotonic()
    with service.ready() as process:
        ready, used = monotonic() - began, processor(process.pid)
        with_nothing = processor(process.pid)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            idle = 100 * (processor(process.pid) - with_nothing) / seconds
            return ready, used, megabytes(process.pid), idle
    raise RuntimeError(service.journal())


def main(seconds: float) -> int:
    authority = trustme.CA()
    with (
        tempfile.TemporaryDirectory() as directory,
        Dovecot(authority) as dovecot,
        Sink(authority) as smtp,
        Manager() as manager,
    ):
        service = Service.made(Path(directory) / "etc", dovecot.account("support"), smtp, manager)
        settings = service.directory / "followupd.toml"
        settings.write_text(settings.read_text().replace(*WITH_HOLIDAYS))
        found = [measure(service, seconds) for _ in range(3)]
    bare = min(bare_seconds() for _ in range(3))
    ready, used, memory, idle = (min(each) for each in zip(*found, strict=True))
    print(
        f"ready after {ready:.2f} s ({used:.2f} s of processor time), {ready / bare:.1f} times `{BARE}` ({bare:.2f} s)"
    )
    print(f"idle after {seconds:g} s: {memory:.1f} MB, {idle:.1f} % of one processor")
    return int(ready > TARGET_SECONDS or memory > TARGET_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 10.0))
