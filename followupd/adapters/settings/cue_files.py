"""Reads cues/<language>.toml: the admin's own words for and against a complaint, which stand in for the shipped ones."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from followupd.adapters.settings.known import language as read_language
from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError, TomlFile, nearest, open_sheet
from followupd.errors import Problem, SetupError
from followupd.text.complaints import AGAINST, FOR, Cues
from followupd.text.complaints.phrases import way_of

_GROUPS = {"cues": FOR, "against": AGAINST}
_KEYS = ("language", *_GROUPS)


class CueFiles(Mapping[str, Cues]):
    """The cues of each language that has a file; a file is made ready when a mail first needs it (40 to 170 ms)."""

    def __init__(self, directory: Path) -> None:
        """Read the files as they are now: what was checked is what is used."""
        self._directory = directory
        self._texts = {path.stem: path.read_bytes() for path in _files(directory)}
        self._ready: dict[str, Cues] = {}

    def __getitem__(self, language: str) -> Cues:
        """Return the cues of a language; raises SetupError for a file that `check` would refuse."""
        if language not in self._ready:
            try:
                self._ready[language] = Cues.of(tomllib.loads(self._texts[language].decode("utf-8-sig")))
            except ValueError as error:
                found = [
                    each for each in cue_problems(self._directory) if each.file == f"cues/{language}.toml"
                ]
                file = f"cues/{language}.toml"
                raise SetupError(
                    found or [Problem(file, None, None, SettingsRule.RULE, str(error), "")]
                ) from None
        return self._ready[language]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def cue_problems(directory: Path) -> list[Problem]:
    """Return everything that is wrong with the cue files, with file and line."""
    return [problem for path in _files(directory) for problem in _problems(directory, path)]


def _files(directory: Path) -> list[Path]:
    return [path for path in sorted((directory / "cues").glob("*.toml")) if not path.name.startswith(".")]


def _problems(directory: Path, path: Path) -> list[Problem]:
    sheet = open_sheet(directory, f"cues/{path.name}", missing="")
    _check_name(sheet, path.stem)
    for key in sheet.data:
        if key not in _KEYS:
            sheet.complain((key,), SettingsRule.UNKNOWN, f"there is no {key!r} here", _meant(key, _KEYS))
    for section, known in _GROUPS.items():
        _check_groups(sheet, section, sheet.data.get(section, {}), known)
    return sorted(sheet.problems, key=lambda problem: problem.line or 0)


def _check_name(sheet: TomlFile, stem: str) -> None:
    try:
        read_language(stem)
        said = sheet.data.get("language", stem)
        if said != stem:
            hint = f'write language = "{stem}", or rename the file.'
            sheet.complain(("language",), SettingsRule.LOCALE, f"{said!r} is not the name of this file", hint)
    except InvalidValueError as error:
        sheet.complain(
            (), error.rule, error.problem, "name the file after its language, such as cues/nl.toml."
        )


def _check_groups(sheet: TomlFile, section: str, groups: Any, known: tuple[str, ...]) -> None:
    if not isinstance(groups, dict):
        sheet.complain((section,), SettingsRule.TYPE, "must be a table of groups", f"write [{section}].")
        return
    for group, phrases in groups.items():
        if group not in known:
            sheet.complain(
                (section, group), SettingsRule.UNKNOWN, f"there is no group {group!r}", _meant(group, known)
            )
        elif not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
            sheet.complain(
                (section, group), SettingsRule.TYPE, "must be a list of phrases", 'write ["one", "two"].'
            )
        else:
            _check_phrases(sheet, (section, group), phrases)


def _check_phrases(sheet: TomlFile, path: tuple[str, str], phrases: list[str]) -> None:
    for n, phrase in enumerate(phrases):
        try:
            way_of(phrase)
        except ValueError as error:
            hint = "the first lines of the shipped file say how phrases are written."
            sheet.complain((*path, n), SettingsRule.RULE, f"{phrase!r} cannot be looked for: {error}", hint)


def _meant(word: str, known: tuple[str, ...]) -> str:
    close = nearest(word, list(known))
    return f"did you mean {close!r}?" if close else f"known here: {', '.join(known)}."
