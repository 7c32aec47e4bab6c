"""The starter configuration: finds it in a wheel or a checkout, and writes it out for `followupd init DIR`."""

import base64
import os
import shutil
from pathlib import Path

import followupd
from followupd.adapters.settings.rules import SettingsRule
from followupd.errors import Problem, SetupError

_LEDGER_KEY = Path("credentials/ledger-key")


def starter_directory() -> Path:
    """Return the directory that holds config/ and templates/: inside the package, or beside it in a checkout.

    Raises:
        SetupError: neither is there, so followupd is not wholly installed.
    """
    package = Path(followupd.__file__).parent
    for candidate in (package / "starter", package.parent):
        if (candidate / "config" / "followupd.toml").is_file():
            return candidate
    problem = Problem(
        str(package / "starter"),
        None,
        None,
        SettingsRule.FILE,
        "the starter files are missing",
        "Install again.",
    )
    raise SetupError([problem])


def write_starter(directory: Path) -> list[Path]:
    """Write the starter configuration, the letters and a fresh ledger key; return the files written.

    Raises:
        SetupError: naming every file that is there already, and nothing is written; or the directory cannot be used.
    """
    starter = starter_directory()
    pairs = _pairs(starter / "config", directory) + _pairs(starter / "templates", directory / "templates")
    _refuse_overwriting(directory, [target for _, target in pairs])
    try:
        for source, target in pairs:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return [target for _, target in pairs] + _write_ledger_key(directory)
    except OSError as error:
        hint = "Choose a directory that this user can write in."
        problem = f"cannot be written: {error.strerror}"
        raise SetupError(
            [Problem(str(error.filename), None, None, SettingsRule.FILE, problem, hint)]
        ) from None


def _pairs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    return [(path, target / path.relative_to(source)) for path in files if not path.name.endswith("~")]


def _refuse_overwriting(directory: Path, targets: list[Path]) -> None:
    there = [target for target in targets if target.exists() or target.is_symlink()]
    if there:
        hint = "Choose another directory, or move the file away; init overwrites nothing."
        names = [str(target.relative_to(directory)) for target in there]
        raise SetupError(
            [Problem(name, None, None, SettingsRule.FILE, "is there already", hint) for name in names]
        )


def _write_ledger_key(directory: Path) -> list[Path]:
    """Make 256 bits of key that only the owner can read; a key that is there already is the ledger's, and stays."""
    target = directory / _LEDGER_KEY
    if target.exists():
        return []
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.urlsafe_b64encode(os.urandom(32)) + b"\n")
    return [target]
