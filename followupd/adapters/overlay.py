"""The configuration directory over the shipped files: `init` writes the first ones, `customise` copies others.

A letter, the layout, wording.toml or a language file that the directory lacks is the shipped one. `.customised.json`
in the directory records of each copy which original it was made from, so that `check` can name the copies whose
original has changed since.
"""

import base64
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import followupd
from followupd.adapters.settings.rules import SettingsRule, did_you_mean
from followupd.errors import Problem, SetupError

RECORD = ".customised.json"
_LEDGER_KEY = "credentials/ledger-key"
#: what `init` writes, besides the ledger's key
_FIRST_FILES = ("followupd.toml", "playbooks/default.toml", "README.md")
#: a shorter name -> the name of the file
_SHORT_NAMES = {"layout.html": "templates/layout.html"}
_LANGUAGE_SUFFIXES = frozenset({".toml", ".po", ".tsv"})


def shipped_directory() -> Path:
    """Return the directory that holds config/ and templates/: inside the package, or beside it in a checkout.

    Raises:
        SetupError: there is none, so followupd is not completely installed.
    """
    package = Path(followupd.__file__).parent
    for candidate in (package / "starter", package.parent):
        if (candidate / "config" / "followupd.toml").is_file():
            return candidate
    raise _refused(str(package / "starter"), "the shipped files are missing", "Install followupd again.")


def shipped_files() -> dict[str, Path]:
    """Return every shipped file that an admin may customise, by its name in the configuration directory."""
    top = shipped_directory()
    languages = Path(followupd.__file__).parent / "languages"
    files = {"wording.toml": top / "config/wording.toml"}
    for example in sorted((top / "config/playbooks").glob("*.toml.example")):
        files[f"playbooks/{example.stem}"] = example
    for path in _files_in(top / "templates"):
        files[f"templates/{path.relative_to(top / 'templates').as_posix()}"] = path
    for path in _files_in(languages):
        if path.suffix in _LANGUAGE_SUFFIXES:
            files[f"languages/{path.relative_to(languages).as_posix()}"] = path
    return files


def _files_in(directory: Path) -> Iterator[Path]:
    """Give all files of a directory, without hidden files and editors' backups."""
    for path in sorted(directory.rglob("*")):
        is_scrap = path.name.startswith(".") or path.name.endswith("~")
        if path.is_file() and not is_scrap:
            yield path


# --- init -------------------------------------------------------------------------------------------------------------


def write_starter(directory: Path) -> list[Path]:
    """Write the starter configuration and a new ledger key; return the files written.

    Raises:
        SetupError: files exist already (each is named, and nothing is written), or the directory cannot be written.
    """
    starter = shipped_directory() / "config"
    targets = [directory / name for name in _FIRST_FILES]
    _refuse_existing(directory, targets)
    with _writing():
        for name, target in zip(_FIRST_FILES, targets, strict=True):
            _copy(starter / name, target)
        return targets + _write_ledger_key(directory)


def _refuse_existing(directory: Path, targets: Iterable[Path]) -> None:
    hint = "Choose another directory, or move the file away; nothing is overwritten."
    existing = [
        Problem(str(target.relative_to(directory)), None, None, SettingsRule.FILE, "exists already", hint)
        for target in targets
        if target.exists() or target.is_symlink()
    ]
    if existing:
        raise SetupError(existing)


def _write_ledger_key(directory: Path) -> list[Path]:
    """Create a key of 256 bits that only its owner can read; an existing key is the ledger's, and is kept."""
    target = directory / _LEDGER_KEY
    if target.exists():
        return []
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.urlsafe_b64encode(os.urandom(32)) + b"\n")
    return [target]


# --- customise --------------------------------------------------------------------------------------------------------


def customise(directory: Path, names: Sequence[str]) -> list[Path]:
    """Copy shipped files into the directory for editing; return the copies.

    A name is that of a file (`templates/en/follow-up.md`, `wording.toml`) or of a whole directory (`templates/de`).
    Files of a directory that exist already are left as they are.

    Raises:
        SetupError: a name is unknown, a named file exists already, or the directory cannot be written.
    """
    shipped = shipped_files()
    wanted = {name: shipped[name] for name in _expanded(names, shipped)}
    _refuse_existing(
        directory, [directory / _full_name(name) for name in names if _full_name(name) in shipped]
    )
    copies = {name: path for name, path in wanted.items() if not (directory / name).exists()}
    with _writing():
        for name, original in copies.items():
            _copy(original, directory / name)
        _record(directory, copies)
    return [directory / name for name in copies]


def mark_merged(directory: Path, names: Sequence[str]) -> list[Path]:
    """Record that these copies take account of the originals as they are now; return the copies.

    Raises:
        SetupError: a name is unknown, or there is no such copy.
    """
    shipped = shipped_files()
    copies = {name: shipped[name] for name in _expanded(names, shipped) if (directory / name).is_file()}
    if not copies:
        raise _refused(", ".join(names), "there is no such copy", f"{directory} has no file of this name.")
    with _writing():
        _record(directory, copies)
    return [directory / name for name in copies]


def changed_originals(directory: Path) -> list[Problem]:
    """Return a warning for each copy whose shipped original has changed since it was made."""
    try:
        record = _recorded(directory)
    except ValueError as error:
        hint = "delete it: followupd then no longer knows which originals the copies were made from."
        return [Problem(RECORD, None, None, SettingsRule.FILE, f"is not valid: {error}", hint)]
    shipped = shipped_files() if record else {}
    return [
        _warning(name, shipped[name]) for name in record if _is_outdated(directory, name, record, shipped)
    ]


def _is_outdated(directory: Path, name: str, record: dict[str, str], shipped: dict[str, Path]) -> bool:
    copy = directory / name
    if name not in shipped or not copy.is_file():
        return False
    is_changed = _digest(shipped[name]) != record[name]
    return is_changed and copy.read_bytes() != shipped[name].read_bytes()


def _warning(name: str, original: Path) -> Problem:
    hint = (
        f"Compare it with {original}, take over what you want, "
        f"and run `followupd customise --merged {name}`; or delete your copy."
    )
    problem = "the shipped original has changed since it was copied"
    return Problem(name, None, None, SettingsRule.ORIGINAL, problem, hint)


def _expanded(names: Sequence[str], shipped: dict[str, Path]) -> Iterator[str]:
    """Give the files that names stand for.

    Raises:
        SetupError: with a problem for each name that no shipped file or directory has.
    """
    unknown = []
    for name in map(_full_name, names):
        found = [file for file in shipped if file == name or file.startswith(f"{name}/")]
        if not found:
            unknown.append(_unknown_name(name, shipped))
        yield from found
    if unknown:
        raise SetupError(unknown)


def _full_name(name: str) -> str:
    name = name.removeprefix("./").rstrip("/")
    return _SHORT_NAMES.get(name, name)


def _unknown_name(name: str, shipped: dict[str, Path]) -> Problem:
    directories = {file.rpartition("/")[0] for file in shipped}
    otherwise = "`followupd customise` without a name lists what there is."
    hint = did_you_mean(name, [*shipped, *sorted(directories - {""})], otherwise)
    return Problem(name, None, None, SettingsRule.FILE, "no shipped file has this name", hint)


# --- the record of copies ---------------------------------------------------------------------------------------------


def _recorded(directory: Path) -> dict[str, str]:
    """Return the digest of the original of each copy, by name; raises ValueError for a record that is damaged."""
    path = directory / RECORD
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if not isinstance(found, dict):
        raise ValueError("it must be a JSON object")  # noqa: TRY004  the caller reports every damage alike
    return {str(name): str(digest) for name, digest in found.items()}


def _record(directory: Path, copies: dict[str, Path]) -> None:
    try:
        record = _recorded(directory)
    except ValueError:
        record = {}
    record |= {name: _digest(original) for name, original in copies.items()}
    text = json.dumps(dict(sorted(record.items())), indent=2, ensure_ascii=False)
    (directory / RECORD).write_text(text + "\n", encoding="utf-8")


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


@contextmanager
def _writing() -> Iterator[None]:
    """Turn an error of the file system into a SetupError that names the file."""
    try:
        yield
    except OSError as error:
        hint = "Choose a directory that this user can write to."
        raise _refused(str(error.filename), f"cannot be written: {error.strerror}", hint) from None


def _refused(file: str, problem: str, hint: str) -> SetupError:
    return SetupError([Problem(file, None, None, SettingsRule.FILE, problem, hint)])
