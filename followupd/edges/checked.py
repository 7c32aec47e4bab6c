"""Remembers which configuration and letters were found well, so that a start need not try every letter again.

Trying them takes longer than all the rest of a start. What is remembered is one digest in systemd's $CACHE_DIRECTORY:
where there is none, or another file or another followupd, everything is tried.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from followupd import __version__

_NAME = "checked"
#: secrets are no part of what is checked, and never a part of what is remembered
_SECRETS = "credentials"
#: a ledger that lies beside them changes with every mail
_WRITTEN = frozenset({".toml", ".md", ".html", ".txt"})


def digest(directory: Path) -> str:
    """Return what changes with every file that people write, with its name, and with the version of followupd.

    It is "", which is never known, when a file cannot be read: the check says which one.
    """
    found = hashlib.sha256(f"{__version__}\n{directory.resolve()}\n".encode())
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        if path.is_file() and name.parts[0] != _SECRETS and path.suffix in _WRITTEN:
            try:
                found.update(f"{name}\n{path.stat().st_size}\n".encode() + path.read_bytes())
            except OSError:
                return ""
    return found.hexdigest()


def found_well(known: str) -> bool:
    """Say whether the files of this digest were found well the last time that any were tried."""
    place = _place()
    try:
        return bool(known) and place is not None and place.read_text() == known
    except OSError:
        return False


def remember(known: str) -> None:
    """Remember that these files were found well; take their digest before they are tried, since people go on writing.

    A cache that cannot be written costs time at the next start, no more.
    """
    place = _place()
    if place is not None:
        with suppress(OSError):
            place.write_text(known)


def _place() -> Path | None:
    given = os.environ.get("CACHE_DIRECTORY", "")
    return Path(given) / _NAME if given else None
