"""Checks the admin's language files, which stand in for the shipped ones."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import TomlFile, open_sheet
from followupd.domain.translatable import places
from followupd.errors import Problem, SetupError
from followupd.languages import Catalogue, available, catalogue
from followupd.languages.catalogue import MESSAGES, own_files
from followupd.languages.problems import FILES, SHARED_FILES, FaultKind, faults, shape_of
from followupd.languages.schema import Complaints
from followupd.text.complaints.phrases import way_of
from followupd.text.complaints.words import Vocabulary, vocabulary_of

_RULES = {
    FaultKind.UNKNOWN: SettingsRule.UNKNOWN,
    FaultKind.MISSING: SettingsRule.MISSING,
    FaultKind.VALUE: SettingsRule.TYPE,
    FaultKind.PATTERN: SettingsRule.RULE,
}
#: files of a language that are no TOML
_OTHERS = (MESSAGES, "examples.tsv")
#: tables of complaints.toml that hold phrases
_PHRASES = ("cues", "against", "wishes")


def language_problems(directory: Path) -> list[Problem]:
    """Return everything that is wrong with the files under `languages/`, with file and line."""
    files = list(own_files(directory))
    found = [problem for file in files for problem in _problems(directory, file)]
    return [*found, *_unnamed(files)]


def _problems(directory: Path, file: str) -> list[Problem]:
    shape = shape_of(file)
    if Path(file).name == MESSAGES:
        return list(_wrong_messages(directory, f"languages/{file}"))
    if shape is None:
        return [] if Path(file).name in _OTHERS else [_unread(file)]
    sheet = open_sheet(directory, f"languages/{file}", missing="")
    if not sheet.broken:
        for fault in faults(shape, sheet.data):
            sheet.complain(fault.path, _RULES[fault.kind], fault.problem, fault.hint)
        if shape is Complaints and not sheet.problems:
            _check_phrases(sheet, _vocabulary(directory))
    return sorted(sheet.problems, key=lambda problem: problem.line or 0)


def _vocabulary(directory: Path) -> Vocabulary:
    """Return the words as they are read with the admin's files, or with the shipped ones while a file is broken."""
    try:
        return vocabulary_of(Catalogue(directory))
    except SetupError:
        return vocabulary_of(catalogue())


def _check_phrases(sheet: TomlFile, vocabulary: Vocabulary) -> None:
    lists = ((table, group) for table in _PHRASES for group in sheet.data.get(table, {}))
    for table, group in lists:
        phrases = sheet.data[table][group]
        for n, phrase in enumerate([phrases] if isinstance(phrases, str) else phrases):
            try:
                way_of(phrase, vocabulary)
            except ValueError as error:
                hint = "the first lines of the shipped file say how phrases are written."
                problem = f"{' '.join(phrase.split())!r} cannot be looked for: {error}"
                sheet.complain((table, group, n), SettingsRule.RULE, problem, hint)


def _wrong_messages(directory: Path, file: str) -> Iterator[Problem]:
    """Give what is wrong with a gettext catalogue: it is none, or a translation names a value that nobody gives."""
    from babel.messages.pofile import PoFileError, read_po

    try:
        messages = read_po(BytesIO((directory / file).read_bytes()), abort_invalid=True)
    except PoFileError as error:
        hint = "write it with a gettext editor, or as the shipped file of another language."
        line = error.lineno + 1
        yield Problem(file, line, None, SettingsRule.FILE, f"is no gettext catalogue: {error.args[0]}", hint)
        return
    except UnicodeDecodeError:
        yield Problem(file, None, None, SettingsRule.FILE, "is not UTF-8", "save the file as UTF-8.")
        return
    for message in messages:
        for name in sorted(places(str(message.string)) - places(str(message.id))):
            problem = f"there is no `{{{name}}}` in the sentence {message.id!r}"
            hint = "use the names in curly brackets that the English sentence has."
            yield Problem(file, message.lineno, None, SettingsRule.UNKNOWN, problem, hint)


def _unread(file: str) -> Problem:
    known = FILES if "/" in file else SHARED_FILES
    hint = f"known here: {', '.join([*known, *(_OTHERS if '/' in file else ())])}."
    return Problem(f"languages/{file}", None, None, SettingsRule.FILE, "nobody reads this file", hint)


def _unnamed(files: list[str]) -> list[Problem]:
    """Report the folders of a new language without the file that makes it one."""
    tags = {file.partition("/")[0] for file in files if "/" in file}
    known = {*available(), *(tag for tag in tags if f"{tag}/language.toml" in files)}
    hint = "copy the English one and translate it."
    return [
        Problem(
            f"languages/{tag}/language.toml", None, None, SettingsRule.FILE, "there is no such file", hint
        )
        for tag in sorted(tags - known)
    ]
