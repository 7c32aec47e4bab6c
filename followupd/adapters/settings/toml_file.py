"""One TOML file of the configuration: its values, the lines of its keys, and everything that is wrong with it.

pydantic validates the values (`read`); this module turns each of its errors into a problem with file, line, key, rule and
hint. A value with a problem is replaced by its default or its example, so that the other files can be checked as well;
such values are used for nothing but checking.
"""

import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from followupd.adapters.settings.rules import InvalidValueError, SettingsRule, did_you_mean, nearest
from followupd.adapters.settings.toml_lines import Lines, dotted
from followupd.adapters.settings.toml_lines import Path as Key
from followupd.errors import Problem

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")
_CHOICE = re.compile(r"'([^']*)'")
#: a value may be replaced by its default and then by its example, before the whole is valid
_MAX_REPAIRS = 3


class Table(BaseModel):
    """A table of a TOML file. Its docstring, descriptions and examples are the text of docs/configuration.md."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)


def setting(default: Any = ..., *, description: str, example: Any) -> Any:
    """Declare a key: its default as a TOML file would have it, what it means, and a valid example."""
    return Field(default, description=description, examples=[example])


_File = TypeVar("_File", bound=Table)


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file of the configuration directory. A `broken` file has no values, and one problem that says why."""

    directory: Path
    file: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=lambda: Lines(""))
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False

    def add_problem(self, path: Key, rule: SettingsRule, problem: str, hint: str) -> None:
        """Add a problem with the value at this path, or with the table around it when the value is missing."""
        key = dotted(path) or None
        self.problems.append(Problem(self.file, self.lines.of(path), key, rule, problem, hint))

    def add_error(self, path: Key, error: InvalidValueError) -> None:
        self.add_problem((*path, *error.inside), error.rule, error.problem, error.hint)

    def has_problem(self, path: Key) -> bool:
        """Return whether the value at this path was found to be wrong."""
        return any(problem.key == dotted(path) for problem in self.problems)


def open_toml(directory: Path, file: str, *, missing: str) -> TomlFile:
    """Read one file; never raises. `missing` is the hint for a file that does not exist, "" if it is optional."""
    try:
        text = (directory / file).read_bytes().decode("utf-8-sig")
        return TomlFile(directory, file, tomllib.loads(text), Lines(text))
    except FileNotFoundError:
        problems = [_file_problem(file, None, "there is no such file", missing)] if missing else []
    except OSError as error:
        hint = "let the user that runs followupd read it."
        problems = [_file_problem(file, None, f"cannot be read: {error.strerror}", hint)]
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problems = [_file_problem(file, line, "is not UTF-8", "save the file as UTF-8.")]
    except tomllib.TOMLDecodeError as error:
        problems = [_syntax_problem(file, text, str(error))]
    return TomlFile(directory, file, problems=problems, broken=True)


def read(file: TomlFile, model: type[_File], context: Mapping[str, Any]) -> _File:
    """Validate a file; every problem is added to `file.problems`.

    The result always exists: what is invalid or missing has its default or its example. `context` is what validators
    may ask for: the directory, the company's currency, and whether slow checks are wanted.
    """
    data = _example(model) if file.broken else _completed(file, model)
    for attempt in range(_MAX_REPAIRS):
        try:
            return model.model_validate(data, context=dict(context))
        except ValidationError as error:
            for details in error.errors(include_url=False):
                path = _path(details)
                if attempt == 0:
                    _report(file, model, path, details)
                _repair(data, model, path)
    return model.model_validate(data, context=dict(context))


# --- the shape of a model ---------------------------------------------------------------------------------------------


def table_of(found: FieldInfo) -> type[Table] | None:
    """Return the model of a field that is a table or an array of tables."""
    for annotation in (found.annotation, *get_args(found.annotation)):
        if isinstance(annotation, type) and issubclass(annotation, Table):
            return annotation
    return None


def is_array(found: FieldInfo) -> bool:
    """Return whether a field is an array of tables, which is written in double brackets."""
    return table_of(found) is not None and found.annotation is not table_of(found)


def _completed(file: TomlFile, model: type[Table]) -> dict[str, Any]:
    """Return a copy of the file's values in which every table exists; report required arrays that do not."""
    data = deepcopy(file.data)
    _add_tables(data, model)
    for name, found in model.model_fields.items():
        if is_array(found) and found.is_required() and not data.get(name):
            hint = "add one, as `followupd init` writes it."
            file.add_problem((name,), SettingsRule.MISSING, f"there is no [[{name}]]", hint)
            data[name] = []
    return data


def _add_tables(data: dict[str, Any], model: type[Table]) -> None:
    for name, found in model.model_fields.items():
        table = table_of(found)
        if table is None or is_array(found):
            continue
        inner = data.setdefault(name, {})
        if isinstance(inner, dict):
            _add_tables(inner, table)


def _example(model: type[Table]) -> dict[str, Any]:
    """Return the least that is valid: required keys with their examples, no arrays of tables."""
    data: dict[str, Any] = {}
    for name, found in model.model_fields.items():
        table = table_of(found)
        if table is not None:
            data[name] = [] if is_array(found) else _example(table)
        elif found.is_required():
            data[name] = example_of(found)
    return data


def example_of(found: FieldInfo) -> Any:
    return deepcopy(found.examples[0]) if found.examples else None


def _key_of(model: type[Table], path: Key) -> tuple[type[Table], Key, FieldInfo | None]:
    """Return the table that a path leads into, the path to a key of it, and the key's field (None if unknown)."""
    for n, part in enumerate(path):
        if isinstance(part, int):
            continue
        found = model.model_fields.get(part)
        table = table_of(found) if found else None
        is_last = n + 1 == len(path) or (n + 2 == len(path) and isinstance(path[-1], int))
        if found is None or table is None or is_last:
            return model, path[: n + 1], found
        model = table
    return model, path, None


# --- pydantic's errors as problems ------------------------------------------------------------------------------------

#: the kinds of values, as an administrator calls them
_KINDS: Final = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}
#: pydantic's error type -> what was expected, and how to write it
_WRONG_TYPES: Final = {
    "bool_type": ("true or false", "write true or false, without quotes."),
    "int_type": ("a number", "write the number without quotes."),
    "float_type": ("a number", "write a number such as 0.90, without quotes."),
    "tuple_type": ("a list of texts", 'write ["one", "two"].'),
    "mapping_type": ("a table", "write [{table}] and below it lines such as key = value."),
    "dict_type": ("a table", "write [{table}] and below it lines such as key = value."),
}


def kind_of(value: object) -> str:
    """Return what a TOML value is, in words."""
    return _KINDS.get(type(value), "a date or time")


def _path(details: ErrorDetails) -> Key:
    """Return the path of an error; pydantic marks the key of a mapping by a last part of its own."""
    path = tuple(part for part in details["loc"] if part != "[key]")
    error = details.get("ctx", {}).get("error")
    return (*path, *error.inside) if isinstance(error, InvalidValueError) else path


def _report(file: TomlFile, model: type[Table], path: Key, details: ErrorDetails) -> None:
    table, key, found = _key_of(model, path)
    error = details.get("ctx", {}).get("error")
    if file.has_problem(path):  # the key of a mapping was refused, and now its value is
        return
    if isinstance(error, InvalidValueError):
        file.add_problem(path, error.rule, error.problem, error.hint)
    elif found is None:
        _report_unknown(file, model, table, key)
    elif details["type"] == "missing":
        example = example_of(found)
        hint = f'add {key[-1]} = "{example}".' if isinstance(example, str) else f"add {key[-1]}."
        file.add_problem(path, SettingsRule.MISSING, f"{dotted(path)} is missing", hint)
    elif table_of(found) or _is_free_table(model, path):
        name = dotted(key)
        header = f"[[{name}]]" if is_array(found) else f"[{name}]"
        file.add_problem(key, SettingsRule.TYPE, f"must be a table of the form {header}", f"write {header}.")
    else:
        file.add_error(path, _standard_error(details))


def _is_free_table(model: type[Table], path: Key) -> bool:
    """Return whether a path is that of a table that may have any keys, such as [tags]."""
    found = model.model_fields.get(str(path[0]))
    return len(path) == 1 and found is not None and found.default == {}


def _standard_error(details: ErrorDetails) -> InvalidValueError:
    """Translate an error of pydantic's own types."""
    value = details["input"]
    if details["type"] in {"literal_error", "enum"} and isinstance(value, str):
        return _choice_error(value, _CHOICE.findall(details["ctx"]["expected"]))
    expected, hint = _WRONG_TYPES.get(details["type"], ("a text", 'put it in quotes: "...".'))
    table = ".".join(str(part) for part in details["loc"] if not isinstance(part, int))
    problem = f"must be {expected}, not {kind_of(value)}"
    return InvalidValueError(SettingsRule.TYPE, problem, hint.format(table=table))


def _choice_error(value: str, choices: list[str]) -> InvalidValueError:
    known = ", ".join(choice or '""' for choice in choices)
    close = nearest(value, choices)
    hint = f"write one of: {known}." + (f" Did you mean {close!r}?" if close else "")
    return InvalidValueError(SettingsRule.WORD, f"{value!r} is not one of the known values", hint)


def _report_unknown(file: TomlFile, model: type[Table], table: type[Table], key: Key) -> None:
    name = str(key[-1])
    known = list(table.model_fields)
    around = ".".join(part for part in key[:-1] if isinstance(part, str))
    if around:
        problem = f"there is no key {name!r} in [{around}]"
    elif isinstance(file.data.get(name), dict | list):
        problem = f"there is no table [{name}]"
    else:
        problem = f"there is no key {name!r}"
    homes = [f"[{home}]" for home in _tables_with(model, name)]
    otherwise = f"take it out; known here: {', '.join(known)}."
    if homes:
        otherwise = f"{name!r} belongs to {' or '.join(homes)}."
    file.add_problem(key, SettingsRule.UNKNOWN, problem, did_you_mean(name, known, otherwise))


def _tables_with(model: type[Table], key: str) -> list[str]:
    """Return the names of the tables that have this key."""
    tables = {name: table_of(found) for name, found in model.model_fields.items()}
    return [name for name, table in tables.items() if table and key in table.model_fields]


def _repair(data: dict[str, Any], model: type[Table], path: Key) -> None:
    """Replace the invalid value: an unknown key is dropped, another one gets its default or its example."""
    _, key, found = _key_of(model, path)
    outer: Any = data
    for part in key[:-1]:
        outer = outer[part]
    last = key[-1]
    if found is not None and table_of(found):
        outer[last] = [] if is_array(found) else _example(table_of(found) or Table)
    elif found is not None and (found.is_required() or last not in outer):
        outer[last] = example_of(found)
    else:
        outer.pop(last, None)


# --- files that cannot be read ----------------------------------------------------------------------------------------


def _syntax_problem(file: str, text: str, error: str) -> Problem:
    """Take the place out of tomllib's message; it counts lines from 1, and has no number for the last one."""
    place = _PLACE.search(error)
    last = max(1, text.count("\n") + (not text.endswith("\n")))
    line = int(place[1]) if place and place[1] else last
    column = f" near column {place[2]}" if place and place[2] else ""
    hint = f"look{column}: texts are in quotes, tables in [brackets], and each key occurs once."
    return _file_problem(file, line, f"is not TOML: {_PLACE.sub('', error)}", hint)


def _file_problem(file: str, line: int | None, problem: str, hint: str) -> Problem:
    return Problem(file, line, None, SettingsRule.FILE, problem, hint)
