"""One TOML file opened for reading: its values, the lines where they stand, and what is wrong with it."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from followupd.adapters.settings import toml_lines
from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.toml_lines import Lines, dotted
from followupd.errors import Problem

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")


class InvalidValueError(ValueError):
    """A value cannot be what its key asks for; `inside` is the way to the very item of a list or table that cannot."""

    def __init__(self, rule: SettingsRule, problem: str, hint: str, inside: toml_lines.Path = ()) -> None:
        super().__init__(problem)
        self.rule, self.problem, self.hint, self.inside = rule, problem, hint, inside

    def at(self, part: str | int) -> "InvalidValueError":
        """Return the same of a value that lies in a list or table."""
        return InvalidValueError(self.rule, self.problem, self.hint, (part, *self.inside))


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file of the configuration directory. `broken` sheets have no values, and one problem that says why."""

    directory: Path
    file: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=lambda: Lines(""))
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False

    def complain(self, path: toml_lines.Path, rule: SettingsRule, problem: str, hint: str) -> None:
        """Put down a problem with the value at this path, or with the table around it when the value is missing."""
        key = dotted(path) or None
        self.problems.append(Problem(self.file, self.lines.of(path), key, rule, problem, hint))

    def misfit(self, path: toml_lines.Path, error: InvalidValueError) -> None:
        self.complain((*path, *error.inside), error.rule, error.problem, error.hint)


def open_sheet(directory: Path, file: str, *, missing: str) -> TomlFile:
    """Read one file; never raises. `missing` says how to fix its absence, "" when it may be absent."""
    try:
        text = (directory / file).read_bytes().decode("utf-8-sig")
        return TomlFile(directory, file, tomllib.loads(text), Lines(text))
    except FileNotFoundError:
        found = [_fault(file, None, "there is no such file", missing)] if missing else []
    except OSError as error:
        found = [
            _fault(
                file, None, f"cannot be read: {error.strerror}", "let the user that runs followupd read it."
            )
        ]
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = [_fault(file, line, "is not UTF-8", "save the file as UTF-8.")]
    except tomllib.TOMLDecodeError as error:
        found = [_syntax(file, text, str(error))]
    return TomlFile(directory, file, problems=found, broken=True)


def nearest(word: str, words: list[str]) -> str:
    """Return the word that was probably meant, or ""."""
    from difflib import get_close_matches  # only mistakes need it

    return next(iter(get_close_matches(word, words, n=1, cutoff=0.6)), "")


def _syntax(file: str, text: str, error: str) -> Problem:
    """Take the place out of tomllib's message; it counts lines from 1, and calls the last one "end of document"."""
    place = _PLACE.search(error)
    line = int(place[1]) if place and place[1] else text.count("\n") + (not text.endswith("\n"))
    column = f" near column {place[2]}" if place and place[2] else ""
    hint = f"look{column}: texts stand in quotes, tables in [brackets], and each key once."
    return _fault(file, max(line, 1), f"is not TOML: {_PLACE.sub('', error)}", hint)


def _fault(file: str, line: int | None, problem: str, hint: str) -> Problem:
    return Problem(file, line, None, SettingsRule.FILE, problem, hint)
