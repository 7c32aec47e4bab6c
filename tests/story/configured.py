"""A minimal valid configuration directory, and ways to change it."""

import base64
import os
from pathlib import Path

from followupd.adapters import settings
from followupd.errors import Problem

MINIMAL = """\
[company]
name = "Example Ltd"
timezone = "Europe/London"

[[mailbox]]
name = "support"
address = "support@example.com"
host = "imap.example.com"
username = "support@example.com"

[smtp]
host = "smtp.example.com"

[[agent]]
id = "ana"
name = "Ana Reyes"
email = "ana@example.com"
phone = "+44 20 7946 0018"
"""


def configured(directory: Path) -> Path:
    """Write the minimal configuration."""
    (directory / "playbooks").mkdir()
    (directory / "playbooks/default.toml").write_text("")
    (directory / "followupd.toml").write_text(MINIMAL)
    return directory


def rewrite(directory: Path, old: str, new: str) -> None:
    """Replace a text in the minimal configuration, or append to it if `old` is empty."""
    assert old in MINIMAL
    text = MINIMAL.replace(old, new, 1) if old else MINIMAL + new
    (directory / "followupd.toml").write_text(text)


def amend(directory: Path, line: str, new: str) -> None:
    """Replace a line of the minimal configuration by a line with the same key; another key goes below it."""
    same = line.partition(" =")[0] == new.partition(" =")[0]
    rewrite(directory, line, new if same or not line else f"{line}\n{new}")


def only(directory: Path) -> Problem:
    found = settings.problems(directory)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def line_of(directory: Path, words: str, file: str = "followupd.toml") -> int:
    lines = (directory / file).read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if words in line)


#: the minimal configuration with a company's own values, as `run` demands
READY = (
    MINIMAL.replace("example.com", "acme.test")
    .replace("Example Ltd", "Acme Ltd")
    .replace("+44 20 7946 0018", "+44 20 7123 4018")
)


def ready_to_run(directory: Path) -> Path:
    """Write a configuration that `run` would take: with its secrets, and a place for the ledger."""
    configured(directory)
    (directory / "followupd.toml").write_text(READY + '\n[ledger]\nurl = "sqlite:///state/ledger.db"\n')
    store_secrets(directory)
    return directory


def store_secrets(directory: Path) -> None:
    """Store the mailbox's password and a new ledger key where the configuration says."""
    folder = directory / "credentials"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, secret in (("imap", "tulip-garden"), ("ledger-key", base64.b64encode(os.urandom(32)).decode())):
        file = folder / name
        file.write_text(f"{secret}\n")
        file.chmod(0o600)
