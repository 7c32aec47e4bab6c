"""Checks the admin's language files, which replace the shipped ones."""

from pathlib import Path

from followupd.adapters.settings.language_contents import content_problems
from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.toml_file import open_toml
from followupd.errors import Problem
from followupd.languages import available
from followupd.languages.catalogue import own_files
from followupd.languages.problems import FILES, SHARED_FILES, FaultKind, faults, shape_of

_RULES = {
    FaultKind.UNKNOWN: SettingsRule.UNKNOWN,
    FaultKind.MISSING: SettingsRule.MISSING,
    FaultKind.VALUE: SettingsRule.TYPE,
    FaultKind.PATTERN: SettingsRule.RULE,
}
#: files of a language that are not TOML
_OTHER_FILES = ("agents.po", "examples.tsv")


def language_problems(directory: Path) -> list[Problem]:
    """Return everything that is wrong with the files under `languages/`, with file and line."""
    files = list(own_files(directory))
    problems = _incomplete_languages(files)
    for file in files:
        problems += _file_problems(directory, file)
    return problems


def _file_problems(directory: Path, file: str) -> list[Problem]:
    shape = shape_of(file)
    if shape is None:
        return content_problems(directory, file) if Path(file).name in _OTHER_FILES else [_unused(file)]
    opened = open_toml(directory, f"languages/{file}", missing="")
    if not opened.broken:
        for fault in faults(shape, opened.data):
            opened.add_problem(fault.path, _RULES[fault.kind], fault.problem, fault.hint)
    found = opened.problems or content_problems(directory, file)
    return sorted(found, key=lambda problem: problem.line or 0)


def _unused(file: str) -> Problem:
    known = (*FILES, *_OTHER_FILES) if "/" in file else SHARED_FILES
    hint = f"known here: {', '.join(known)}."
    return Problem(
        f"languages/{file}", None, None, SettingsRule.FILE, "followupd does not use this file", hint
    )


def _incomplete_languages(files: list[str]) -> list[Problem]:
    """Report the folders of new languages that lack language.toml."""
    tags = {file.partition("/")[0] for file in files if "/" in file}
    defined = {file.partition("/")[0] for file in files if file.endswith("/language.toml")}
    problem = "there is no such file"
    hint = "copy the English one and translate it."
    return [
        Problem(f"languages/{tag}/language.toml", None, None, SettingsRule.FILE, problem, hint)
        for tag in sorted(tags - defined - set(available()))
    ]
