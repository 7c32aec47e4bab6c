"""The CPU time of the commands that people wait for: `followupd status` and `followupd check`.

    python -m benchmarks.startup

Each command runs five times in a process of its own, in the starter configuration; the best run counts. CPU
seconds of the child process, so that a busy machine changes the result less. Limits: 0.3 s for status, 1.5 s
for check. Python's own start and the import of the SQL library are printed for comparison.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from followupd.adapters.overlay import write_starter

#: command -> CPU seconds that it may use
LIMITS = {"status": 0.3, "check": 1.5}
BARE = {"python": "pass", "sqlmodel": "import sqlmodel"}
RUNS = 5


def cpu_seconds(command: list[str], expected: int = 0) -> float:
    """Run a command and return the CPU time that it used, in user and system mode."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FOLLOWUPD")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != expected:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def write_configuration(directory: Path) -> None:
    """Write the starter configuration, with the ledger and its key in the same directory."""
    write_starter(directory)
    file = directory / "followupd.toml"
    changes = {
        'url = "sqlite:////var/lib/followupd/ledger.db"': f'url = "sqlite:///{directory}/ledger.db"',
        '"credential:ledger-key"': '"file:credentials/ledger-key"',
    }
    text = file.read_text(encoding="utf-8")
    for old, new in changes.items():
        if old not in text:
            sys.exit(f"{old} is not in the starter configuration")
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def main() -> int:
    """Print the CPU time of each command; return 1 if one is above its limit."""
    for name, code in BARE.items():
        seconds = min(cpu_seconds([sys.executable, "-c", code]) for _ in range(RUNS))
        print(f"{name:8} {seconds:.2f} s")

    found = {}
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "etc"
        write_configuration(directory)
        for name, limit in LIMITS.items():
            command = [sys.executable, "-m", "followupd", name, "--config", str(directory)]
            # `status` exits with 1, because the daemon was never started, and `check` because of the starter's values
            found[name] = min(cpu_seconds(command, 1) for _ in range(RUNS))
            print(f"{name:8} {found[name]:.2f} s (limit {limit:g} s)")
    return int(any(found[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
