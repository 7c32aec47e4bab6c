"""Check the admin's language files, which replace the shipped ones: shape, phrases and messages."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.toml_file import Key, TomlFile, open_toml
from followupd.domain.translatable import places
from followupd.errors import Problem, SetupError
from followupd.languages import Catalogue, available, catalogue, schema
from followupd.languages.catalogue import MESSAGES, own_files
from followupd.languages.problems import FILES, SHARED_FILES, FaultKind, faults, shape_of
from followupd.text.complaints.phrases import way_of
from followupd.text.complaints.words import Vocabulary, vocabulary_of

_RULES = {
    FaultKind.UNKNOWN: SettingsRule.UNKNOWN,
    FaultKind.MISSING: SettingsRule.MISSING,
    FaultKind.VALUE: SettingsRule.TYPE,
    FaultKind.PATTERN: SettingsRule.RULE,
}
#: files of a language that are not TOML
_OTHER_FILES = (MESSAGES, "examples.tsv")
#: the tables of complaints.toml that contain phrases
_PHRASE_TABLES = ("cues", "against", "wishes")
_SHIPPED = Path(schema.__file__).parent
#: so few phrases of a group recognise next to nothing
_HANDFUL = 5
_PHRASE_HINT = "the first lines of the shipped file say how phrases are written."


def language_problems(directory: Path) -> list[Problem]:
    """Return everything that is wrong with the files under `languages/`, with file and line.

    Args:
        directory: the configuration directory.
    """
    files = list(own_files(directory))
    problems = _incomplete_languages(files)
    for file in files:
        found = _file_problems(directory, file)
        problems += sorted(found, key=lambda problem: problem.line or 0)
    return problems


def _file_problems(directory: Path, file: str) -> list[Problem]:
    """Return what is wrong with one file of a language."""
    shape = shape_of(file)
    if shape is None:
        check = _OTHER_CHECKS.get(Path(file).name, _unused_file)
        return list(check(directory, file))

    opened = open_toml(directory, f"languages/{file}", missing="")
    if opened.broken:
        return opened.problems
    for fault in faults(shape, opened.data):
        opened.add_problem(fault.path, _RULES[fault.kind], fault.problem, fault.hint)
    if shape is schema.Complaints and not opened.problems:
        _check_phrases(opened, _vocabulary(directory))
        _check_groups(opened, file)
    return opened.problems


# --- phrases of complaints.toml -----------------------------------------------------------------------------


def _vocabulary(directory: Path) -> Vocabulary:
    """Return the words with the admin's files, or with the shipped ones while one of them is broken."""
    try:
        return vocabulary_of(Catalogue(directory))
    except SetupError:
        return vocabulary_of(catalogue())


def _check_phrases(file: TomlFile, vocabulary: Vocabulary) -> None:
    """Report each phrase that the complaint classifier cannot search for."""
    for path, phrase in _phrases(file.data):
        problem = _phrase_problem(phrase, vocabulary)
        file.require(not problem, path, SettingsRule.RULE, problem, _PHRASE_HINT)


def _check_groups(file: TomlFile, name: str) -> None:
    """Warn of each group of cues that has fewer than a handful of phrases, where the shipped file has more.

    Args:
        file: the admin's complaints.toml.
        name: its name below languages/, by which the shipped one is found.
    """
    shipped = _SHIPPED / name
    if not shipped.is_file():
        return
    ours = tomllib.loads(shipped.read_text(encoding="utf-8"))["cues"]
    theirs = file.data.get("cues", {})
    for group, phrases in ours.items():
        left = theirs.get(group, [])
        count, wanted = len([left] if isinstance(left, str) else left), min(_HANDFUL, len(phrases))
        problem = (
            f"{group!r} has {count} phrase(s), and the shipped file {len(phrases)}: complaints are missed"
        )
        hint = "compare it with the shipped file; `followupd customise --merged` does not add phrases."
        file.require(count >= wanted, ("cues", group), SettingsRule.FEW, problem, hint)


def _phrases(data: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    """Give every phrase of complaints.toml with its path; one alone may be written without brackets."""
    for table in _PHRASE_TABLES:
        groups = data.get(table, {})
        for group, phrases in groups.items():
            listed = [phrases] if isinstance(phrases, str) else phrases
            for n, phrase in enumerate(listed):
                yield (table, group, n), phrase


def _phrase_problem(phrase: str, vocabulary: Vocabulary) -> str:
    """Return why a phrase cannot be searched for, "" if it can."""
    try:
        way_of(phrase, vocabulary)
    except ValueError as error:
        one_line = " ".join(phrase.split())
        return f"{one_line!r} cannot be searched for: {error}"
    return ""


# --- gettext catalogues and other files ---------------------------------------------------------------------


def _catalogue_problems(directory: Path, file: str) -> Iterator[Problem]:
    """Give what is wrong with agents.po: it is no gettext catalogue, or a translation has an unknown name."""
    from babel.messages.pofile import PoFileError, read_po

    shown = f"languages/{file}"
    try:
        messages = read_po(BytesIO((directory / shown).read_bytes()), abort_invalid=True)
    except PoFileError as error:
        problem = f"is not a gettext catalogue: {error.args[0]}"
        hint = "write it with a gettext editor, or as the shipped file of another language."
        yield Problem(shown, error.lineno + 1, None, SettingsRule.FILE, problem, hint)
        return
    except UnicodeDecodeError:
        yield Problem(shown, None, None, SettingsRule.FILE, "is not UTF-8", "save the file as UTF-8.")
        return

    hint = "use the names in curly brackets that the English sentence has."
    for message in messages:
        unknown = places(str(message.string)) - places(str(message.id))
        for name in sorted(unknown):
            problem = f"there is no `{{{name}}}` in the sentence {message.id!r}"
            yield Problem(shown, message.lineno, None, SettingsRule.UNKNOWN, problem, hint)


def _examples_problems(directory: Path, file: str) -> Iterator[Problem]:  # noqa: ARG001  as below
    """Give nothing: a language's examples are run by the tests, and not used by the daemon."""
    yield from ()


def _unused_file(directory: Path, file: str) -> Iterator[Problem]:  # noqa: ARG001  one signature
    """Give the problem that followupd has no use for a file of this name."""
    of_language = (*FILES, *_OTHER_FILES)
    known = of_language if "/" in file else tuple(SHARED_FILES)
    hint = f"known here: {', '.join(known)}."
    problem = "followupd does not use this file"
    yield Problem(f"languages/{file}", None, None, SettingsRule.FILE, problem, hint)


_OTHER_CHECKS: dict[str, Callable[[Path, str], Iterator[Problem]]] = {
    MESSAGES: _catalogue_problems,
    "examples.tsv": _examples_problems,
}


def _incomplete_languages(files: list[str]) -> list[Problem]:
    """Return a problem for each folder of a new language that lacks language.toml."""
    tags = {file.partition("/")[0] for file in files if "/" in file}
    defined = {file.partition("/")[0] for file in files if file.endswith("/language.toml")}
    missing = tags - defined - set(available())

    problem = "there is no such file"
    hint = "copy the English one and translate it."
    return [
        Problem(f"languages/{tag}/language.toml", None, None, SettingsRule.FILE, problem, hint)
        for tag in sorted(missing)
    ]
