"""The ledger on SQLite or PostgreSQL, and the file beside a SQLite ledger."""

import fcntl
from contextlib import suppress
from pathlib import Path

#: the directory of the service, which systemd makes, or the daemon
STATE_DIRECTORY = Path("/var/lib/followupd")


def lock_beside(ledger: Path) -> Path:
    """Return the file beside a SQLite ledger that its daemon locks, and in which it says how the ledger was lost.

    Args:
        ledger: the file; what it is a symbolic link to counts, so that two names of one ledger have one lock.
    """
    file = ledger.resolve()
    return file.with_name(f"{file.name}.lock")


def is_free(ledger: Path) -> bool:
    """Return whether it is certain that no process holds a SQLite ledger: the system frees a killed daemon's lock.

    Args:
        ledger: the file. What this user may not read, or what was never locked, is not certain.
    """
    with suppress(OSError), lock_beside(ledger).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    return False


def note_loss(ledger: Path, why: str) -> None:
    """Keep beside a ledger how it was lost, for `status` and the next start; "" once that start has read it."""
    with suppress(OSError):  # its directory may be lost, too
        lock_beside(ledger).write_text(why)


def noted_loss(ledger: Path) -> str:
    """Return how the daemon that used a ledger lost it, "" if it did not."""
    try:
        return lock_beside(ledger).read_text().strip()
    except OSError:
        return ""
