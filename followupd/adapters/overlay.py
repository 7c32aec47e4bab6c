"""The configuration directory over the shipped files: what `init` and `customise` write.

A letter, the layout, wording.toml or a language file that the directory lacks is the shipped one. The file
`.customised.json` in the directory records which original each copy was made from, so that `check` can name
the copies whose original has changed since.
"""

import base64
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter

import followupd
from followupd.adapters.settings.playbooks import folder_of
from followupd.adapters.settings.rules import SettingsRule, did_you_mean
from followupd.adapters.settings.toml_file import UnreadableFileError, file_problem, read_file
from followupd.adapters.templates.sources import TemplateFiles, is_language
from followupd.domain.playbook import Company
from followupd.errors import Problem, SetupError

RECORD = ".customised.json"
_LEDGER_KEY = "credentials/ledger-key"
_RECORD_TYPE = TypeAdapter(dict[str, str])
#: what `init` writes, besides the ledger's key
_FIRST_FILES = ("followupd.toml", "playbooks/default.toml", "README.md")
#: a shorter name -> the name of the file
_SHORT_NAMES = {"layout.html": "templates/layout.html"}
_LANGUAGE_SUFFIXES = (".toml", ".po", ".tsv")
_EXAMPLE = ".example"
#: what followupd reads of a configuration directory: files at its top, and whole folders
_OWN_FILES = ("followupd.toml", "wording.toml")
_OWN_FOLDERS = ("playbooks", "templates", "languages", "companies")
_TEXT_SUFFIXES = (".toml", ".md", ".html", ".po", ".tsv", ".json")
#: how much of a name must be right, from 0 to 1, to be taken for a slip
_NEARLY = 0.85
_SECTION = re.compile(r"\[\[?([\w.]+)\]?\]")
_KEY = re.compile(r"(\w+)\s*=")
#: hidden files and editors' backups
#: what other users need of a file, and of a directory
_READ, _ENTER = 0o004, 0o005
_SCRAP = re.compile(r"(^|/)\.|~$")


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


def template_files(directory: Path, company: Company | None = None) -> TemplateFiles:
    """Return the templates of a configuration directory over the shipped ones.

    Args:
        directory: the configuration directory.
        company: one of its companies; a second brand's own templates are over all others.
    """
    shipped = shipped_directory() / "templates"
    shared = directory / "templates"
    if company is None or not company.id:
        return TemplateFiles(shared, shipped)
    folder = folder_of(company, "templates")
    return TemplateFiles(directory / folder, shared, shipped, label=folder)


def shipped_files() -> dict[str, Path]:
    """Return every shipped file that an admin may customise, by its name in the configuration directory.

    Returns:
        The path of each shipped file. A playbook's example has the name that the playbook would have,
        without the ending of examples.
    """
    top = shipped_directory()
    languages = Path(followupd.__file__).parent / "languages"
    examples = top / "config/playbooks"

    files = {"wording.toml": top / "config/wording.toml"}
    for name in _files_in(examples):
        if name.endswith(_EXAMPLE):
            files[f"playbooks/{name.removesuffix(_EXAMPLE)}"] = examples / name
    for name in _files_in(top / "templates"):
        files[f"templates/{name}"] = top / "templates" / name
    for name in _files_in(languages):
        if name.endswith(_LANGUAGE_SUFFIXES):
            files[f"languages/{name}"] = languages / name
    return files


def unreadable_files(directory: Path) -> list[Problem]:
    """Return a problem for each file of a configuration directory that cannot be read as text.

    Everything that followupd may read is tried: settings, playbooks, letters, words and the record of copies. So
    neither a start nor a reload fails in the middle, and no file is passed over silently.

    Args:
        directory: the configuration directory.
    """
    found: list[Problem] = []
    for folder in _OWN_FOLDERS:
        found += _unreadable_below(directory, folder)
    for file in (*_OWN_FILES, RECORD):
        if os.path.lexists(directory / file):
            found += _unreadable(directory, file)
    return found


def _unreadable_below(directory: Path, folder: str) -> list[Problem]:
    """Return the problems of the files in a folder and in all folders below it."""
    if not os.path.lexists(directory / folder):
        return []
    refused: list[OSError] = []
    found: list[Problem] = []
    for place, folders, files in os.walk(directory / folder, onerror=refused.append):
        misnamed = [name for name in folders if name.endswith(_TEXT_SUFFIXES)]
        for name in sorted((*files, *misnamed)):
            path = (Path(place) / name).relative_to(directory).as_posix()
            if not _SCRAP.search(path):
                found += _unreadable(directory, path)

    hint = "it must be a directory that the user that runs followupd can open."
    for error in refused:
        shown = Path(error.filename).relative_to(directory).as_posix()
        found.append(file_problem(shown, None, f"cannot be read: {error.strerror}", hint))
    return found


def _unreadable(directory: Path, file: str) -> list[Problem]:
    """Return the problem of one file; a file that is no text, such as a picture, must only exist."""
    if not file.endswith(_TEXT_SUFFIXES) and (directory / file).is_file():
        return []
    try:
        read_file(directory, file)
    except UnreadableFileError as error:
        return error.problems
    return []


def unread_files(directory: Path) -> list[Problem]:
    """Return a warning for each file among the playbooks that is none by its name, such as returns.tml.

    Args:
        directory: the configuration directory; each of its companies may have playbooks.
    """
    hint = "name it ....toml, or move it elsewhere."
    found = _misnamed(directory)
    for folder in (directory / "playbooks", *sorted(directory.glob("companies/*/playbooks"))):
        names = [name for name in _files_in(folder) if not name.endswith((".toml", _EXAMPLE, ".md"))]
        shown = folder.relative_to(directory).as_posix()
        found += [
            Problem(f"{shown}/{name}", None, None, SettingsRule.UNREAD, "this file is not read", hint)
            for name in names
        ]
    return found


def _misnamed(directory: Path) -> list[Problem]:
    """Return a warning for each file or folder whose name is nearly one that is read, and for letters of no language.

    Args:
        directory: the configuration directory, in which other files may be, too.
    """
    known = (*_OWN_FILES, *_OWN_FOLDERS)
    there = [path.name for path in sorted(directory.glob("*")) if not _SCRAP.search(path.name)]
    found = []
    for name in there:
        nearest = get_close_matches(name, known, n=1, cutoff=_NEARLY)
        if name not in known and nearest and nearest[0] not in there:
            hint = f"did you mean {nearest[0]!r}?"
            found.append(Problem(name, None, None, SettingsRule.UNREAD, "followupd does not read this", hint))
    for path in sorted(directory.glob("templates/*.md")):
        problem, hint = "followupd does not read this", "move it into the folder of its language."
        found.append(Problem(f"templates/{path.name}", None, None, SettingsRule.UNREAD, problem, hint))
    return found


def closed_files(directory: Path) -> list[Problem]:
    """Return a warning for each file that root may read, and the service's own user may not.

    Args:
        directory: the configuration directory. Only root at a shell is warned: the service finds out by reading.
    """
    if os.geteuid() != 0 or "CREDENTIALS_DIRECTORY" in os.environ:
        return []
    names = [name for name in _OWN_FILES if (directory / name).exists()]
    for folder in _OWN_FOLDERS:
        names += [folder, *(f"{folder}/{name}" for name in _all_below(directory / folder))]
    hint = "chmod a+r a file, a+rx a directory; secrets belong into credentials/."
    problem = "only its owner can read it, and the service runs as a user of its own"
    return [
        Problem(name, None, None, SettingsRule.CLOSED, problem, hint)
        for name in names
        if _is_closed(directory / name)
    ]


def _all_below(directory: Path) -> list[str]:
    """Return the paths of all files and folders below a directory, without hidden ones and backups."""
    paths = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*"))
    return [path for path in paths if not _SCRAP.search(path)]


def _is_closed(path: Path) -> bool:
    """Return whether other users can neither read a file nor enter a directory; nothing that is missing is."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    needed = _ENTER if path.is_dir() else _READ
    return mode & needed != needed


def _files_in(directory: Path) -> list[str]:
    """Return the paths of all files below a directory, without hidden files and editors' backups."""
    files = filter(Path.is_file, directory.rglob("*"))
    names = sorted(path.relative_to(directory).as_posix() for path in files)
    return [name for name in names if not _SCRAP.search(name)]


# --- init ---------------------------------------------------------------------------------------------------


def write_starter(directory: Path) -> list[Path]:
    """Write the starter configuration and a new ledger key.

    Args:
        directory: the new configuration directory; it may exist, with files that are the starter's, as a package has
            put them there.

    Returns:
        The files written.

    Raises:
        SetupError: other files exist already (each is named, and nothing is written), or nothing can be written.
    """
    require_free(directory)
    starter = shipped_directory() / "config"
    with _writing():
        for name in _FIRST_FILES:
            _copy(starter / name, directory / name)
        key = _write_ledger_key(directory)
    return [*(directory / name for name in _FIRST_FILES), *key]


def require_free(directory: Path) -> None:
    """Make the directory of a new configuration, in which no file may be that is not the starter's.

    Raises:
        SetupError: other files exist already (each is named), or nothing can be written.
    """
    starter = shipped_directory() / "config"
    _refuse_existing(
        directory, [name for name in _FIRST_FILES if not _is_same(starter / name, directory / name)]
    )
    with _writing():
        directory.mkdir(parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK):
        raise _refused(str(directory), "cannot be written", "Type the command as root, or with sudo.")


def set_values(directory: Path, values: Mapping[str, Mapping[str, str]]) -> None:
    """Write values into followupd.toml; comments after them stay.

    Args:
        directory: the configuration directory.
        values: table -> key -> value, as TOML writes it. Of an array of tables the first one is changed.
    """
    path = directory / "followupd.toml"
    section, seen = "", set[str]()
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if header := _SECTION.match(line):
            section = header[1] if header[1] not in seen else ""
            seen.add(header[1])
        key = _KEY.match(line)
        if key and key[1] in values.get(section, {}):
            comment = _comment(line[key.end() :].strip())
            lines.append(f"{key[1]} = {values[section][key[1]]}{comment}")
        else:
            lines.append(line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _comment(value: str) -> str:
    """Return the comment after a value with the blanks before it, "" if there is none."""
    end = value.find('"', 1) + 1 if value.startswith('"') else 0
    at = value.find("#", end)
    return f"  {value[at:]}" if at >= 0 else ""


def store_secret(directory: Path, name: str, secret: str) -> Path:
    """Store a secret as credentials/NAME, which only its owner can read; an older one is replaced."""
    target = directory / "credentials" / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(
        os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(f"{secret}\n")
    return target


def _refuse_existing(directory: Path, names: Iterable[str]) -> None:
    """Raise a SetupError that names every one of these files that exists already."""
    existing = [name for name in names if os.path.lexists(directory / name)]
    hint = "Choose another directory, or move the file away; nothing is overwritten."
    problems = [Problem(name, None, None, SettingsRule.FILE, "exists already", hint) for name in existing]
    if problems:
        raise SetupError(problems)


def _write_ledger_key(directory: Path) -> list[Path]:
    """Create a key of 256 bits that only its owner can read; an existing key is the ledger's, and is kept."""
    target = directory / _LEDGER_KEY
    if target.exists():
        return []
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.urlsafe_b64encode(os.urandom(32)) + b"\n")
    return [target]


def _is_same(one: Path, other: Path) -> bool:
    """Return whether two files can be read and have the same bytes."""
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


# --- a new language -----------------------------------------------------------------------------------------


def write_language(directory: Path, tag: str) -> list[Path]:
    """Write what is to be translated for a language that has no letters yet: its two folders, in English.

    Nothing of it is used before it is translated: each file has ".example" after its name, which is then taken off.

    Args:
        directory: the configuration directory.
        tag: the tag of the language, such as "nl".

    Returns:
        The files written; what is there already is left as it is.

    Raises:
        SetupError: it is no language, or one that is shipped, or the directory cannot be written.
    """
    shipped = shipped_files()
    if not is_language(tag):
        raise _refused(tag, "is no language", "Write its code, such as nl or pt-br.")
    if f"templates/{tag}/follow-up.md" in shipped:
        hint = f"`followupd customise templates/{tag}` copies its letters for editing."
        raise _refused(tag, "is a language that followupd ships", hint)

    english = [name for name in shipped if name.startswith(("templates/en/", "languages/en/"))]
    copies = {name.replace("/en/", f"/{tag}/", 1): shipped[name] for name in english}
    wanted = {name: original for name, original in copies.items() if name not in shipped}
    written = []
    with _writing():
        for name, original in wanted.items():
            target = directory / f"{name}{_EXAMPLE}"
            if not target.exists() and not (directory / name).exists():
                _copy(original, target)
                written.append(target)
    return written


def untranslated_files(directory: Path) -> list[Problem]:
    """Return a warning for each folder of a language with files that are still to be translated.

    Args:
        directory: the configuration directory.
    """
    hint = f"translate each and take {_EXAMPLE} off its name; docs/languages.md says what works without it."
    found = []
    for folder in sorted((*directory.glob("templates/*"), *directory.glob("languages/*"))):
        names = [name.removesuffix(_EXAMPLE) for name in _files_in(folder) if name.endswith(_EXAMPLE)]
        left = [name for name in names if not (folder / name).exists()]
        if left:
            problem = f"{len(left)} file(s) are not translated yet: {', '.join(left)}"
            place = folder.relative_to(directory).as_posix()
            found.append(Problem(place, None, None, SettingsRule.LANGUAGE, problem, hint))
    return found


# --- customise ----------------------------------------------------------------------------------------------


def customise(directory: Path, names: Sequence[str]) -> list[Path]:
    """Copy shipped files into the directory for editing.

    Args:
        directory: the configuration directory.
        names: files (`templates/en/follow-up.md`, `wording.toml`) or whole directories (`templates/de`); of a
            directory, files that exist already are left as they are.

    Returns:
        The copies.

    Raises:
        SetupError: a name is unknown, a named file exists already, or the directory cannot be written.
    """
    shipped = shipped_files()
    wanted = _expanded(names, shipped)
    named_files = [name for name in map(_full_name, names) if name in shipped]
    _refuse_existing(directory, named_files)

    copies = {name: shipped[name] for name in wanted if not (directory / name).exists()}
    with _writing():
        for name, original in copies.items():
            _copy(original, directory / name)
        _record(directory, copies)
    return [directory / name for name in copies]


def mark_merged(directory: Path, names: Sequence[str]) -> list[Path]:
    """Record that these copies take account of the originals as they are now.

    Args:
        directory: the configuration directory.
        names: as for `customise`.

    Returns:
        The copies.

    Raises:
        SetupError: a name is unknown, or there is no such copy.
    """
    shipped = shipped_files()
    wanted = _expanded(names, shipped)
    copies = {name: shipped[name] for name in wanted if (directory / name).is_file()}
    if not copies:
        hint = f"{directory} has no file of this name."
        raise _refused(", ".join(names), "there is no such copy", hint)
    with _writing():
        _record(directory, copies)
    return [directory / name for name in copies]


def changed_originals(directory: Path) -> list[Problem]:
    """Return a warning for each copy whose shipped original has changed since it was made.

    Args:
        directory: the configuration directory. A record that is damaged is a problem of its own.
    """
    try:
        record = _recorded(directory)
    except ValueError:
        hint = "delete it: followupd then no longer knows which originals the copies were made from."
        return [Problem(RECORD, None, None, SettingsRule.FILE, "is not a record of copies", hint)]

    shipped = shipped_files() if record else {}
    copies = [name for name in record if name in shipped and (directory / name).is_file()]
    changed = [name for name in copies if _digest(shipped[name]) != record[name]]
    differing = [name for name in changed if _digest(directory / name) != _digest(shipped[name])]
    return [_warning(name, shipped[name]) for name in differing]


def _warning(name: str, original: Path) -> Problem:
    """Return the warning about a copy whose shipped original is another one than the one that was copied."""
    hint = (
        f"Compare it with {original}, take over what you want, "
        f"and run `followupd customise --merged {name}`; or delete your copy."
    )
    problem = "the shipped original has changed since it was copied"
    return Problem(name, None, None, SettingsRule.ORIGINAL, problem, hint)


def _expanded(names: Sequence[str], shipped: dict[str, Path]) -> list[str]:
    """Return the files that names stand for.

    Raises:
        SetupError: with a problem for each name that no shipped file or directory has.
    """
    found: list[str] = []
    unknown: list[Problem] = []
    for name in map(_full_name, names):
        files = [file for file in shipped if f"{file}/".startswith(f"{name}/")]
        found += files
        if not files:
            unknown.append(_unknown_name(name, shipped))
    if unknown:
        raise SetupError(unknown)
    return found


def _full_name(name: str) -> str:
    """Return the name of a file or directory as shipped_files() has it."""
    name = name.removeprefix("./").rstrip("/")
    return _SHORT_NAMES.get(name, name)


def _unknown_name(name: str, shipped: dict[str, Path]) -> Problem:
    """Return the problem of a name that no shipped file or directory has."""
    directories = {file.rpartition("/")[0] for file in shipped} - {""}
    otherwise = "`followupd customise` without a name lists what there is."
    hint = did_you_mean(name, [*shipped, *sorted(directories)], otherwise)
    return Problem(name, None, None, SettingsRule.FILE, "no shipped file has this name", hint)


# --- the record of copies -----------------------------------------------------------------------------------


def _recorded(directory: Path) -> dict[str, str]:
    """Return the digest of the original of each copy, by name.

    Raises:
        ValueError: the record is damaged.
    """
    path = directory / RECORD
    text = path.read_text(encoding="utf-8") if path.is_file() else "{}"
    return _RECORD_TYPE.validate_json(text)


def _record(directory: Path, copies: dict[str, Path]) -> None:
    """Add the digests of originals to the record; a damaged record is replaced."""
    try:
        record = _recorded(directory)
    except ValueError:
        record = {}
    for name, original in copies.items():
        record[name] = _digest(original)
    text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False)
    (directory / RECORD).write_text(f"{text}\n", encoding="utf-8")


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
