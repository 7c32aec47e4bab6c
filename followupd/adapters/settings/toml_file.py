"""One TOML file of the configuration: its values, the lines of its keys, and all its problems.

pydantic validates the values (`read`); this module turns each of its errors into a problem with file, line,
key, rule and hint. A value with a problem is left out or replaced by its example, so that everything else can
be checked as well; such values are used for nothing but checking.
"""

import errno
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from followupd.adapters.settings.rules import InvalidValueError, SettingsRule, did_you_mean, nearest, suggest
from followupd.errors import Problem, SetupError

# --- the line of each key: tomllib returns the values without their places ---------------------------------

#: a path through tables, keys and arrays, such as ("mailbox", 0, "port")
Key = tuple[str | int, ...]

_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_KEYS = rf"(?:{_KEY.pattern})(?:[ \t]*\.[ \t]*(?:{_KEY.pattern}))*"
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_HEADER = re.compile(rf"(\[\[?)[ \t]*({_KEYS})[ \t]*\]\]?")
_PAIR = re.compile(rf"({_KEYS})[ \t]*=[ \t]*")
_STRING = re.compile(
    r'''"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|'[^']*\'''',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Lines:
    """The line of every key in a text that tomllib has accepted; nothing is checked a second time."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._found: dict[Key, int] = {}
        self._last: dict[Key, int] = {}  # array of tables -> index of its last table so far
        self._scan()

    def of(self, path: Key) -> int | None:
        """Return the line (from 1) of a key or, if it is absent, of the nearest table around it.

        Args:
            path: the names of the tables and the key, with the indexes of arrays from 0.
        """
        around = [path[:length] for length in range(len(path), 0, -1)]
        return next((self._found[known] for known in around if known in self._found), None)

    def _scan(self) -> None:
        """Go through the text, table by table and key by key."""
        table: Key = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if header := _HEADER.match(self._text, self._at):
                table = self._opened(_split(header[2]), in_array=header[1] == "[[")
                self._note(table)
                self._at = header.end()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _opened(self, keys: list[str], *, in_array: bool) -> Key:
        """Return the path of the table that a header opens.

        Args:
            keys: the names in the header; the name of an array of tables means its last table.
            in_array: whether the header has double brackets.
        """
        path: Key = ()
        for key in keys[:-1]:
            path = self._last_table((*path, key))
            self._note(path)
        path = (*path, keys[-1])
        if in_array:
            self._note(path)
            self._last[path] = self._last.get(path, -1) + 1
        return self._last_table(path)

    def _last_table(self, path: Key) -> Key:
        """Return the path of the last table of an array of tables; of anything else, the path itself."""
        index = self._last.get(path)
        return path if index is None else (*path, index)

    def _pair(self, table: Key) -> None:
        """Read `key = value`; a dotted key notes the tables on its way."""
        pair = _PAIR.match(self._text, self._at)
        if pair is None:  # tomllib would have refused the text: leave the rest alone
            self._at = len(self._text)
            return
        path = table
        for key in _split(pair[1]):
            path = (*path, key)
            self._note(path)
        self._at = pair.end()
        self._value(path)

    def _value(self, path: Key) -> None:
        """Go past a value, and note the items and keys inside it."""
        match self._text[self._at : self._at + 1]:
            case '"' | "'":
                self._skip(_STRING)
            case "[":
                self._inside("]", path, numbered=True)
            case "{":
                self._inside("}", path, numbered=False)
            case _:
                self._skip(_SCALAR)

    def _inside(self, end: str, path: Key, *, numbered: bool) -> None:
        """Go through an array or an inline table, from its opening bracket past its closing one.

        Args:
            end: the closing bracket.
            path: the path of the array or table.
            numbered: whether it is an array, whose items have indexes.
        """
        self._at += 1
        index = 0
        self._skip(_BLANK)
        while self._at < len(self._text) and self._text[self._at] != end:
            if self._text[self._at] == ",":
                self._at += 1
            elif numbered:
                self._note((*path, index))
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
            self._skip(_BLANK)
        self._at += 1

    def _note(self, path: Key) -> None:
        """Record the current line as that of a path, unless the path has one already."""
        line = self._text.count("\n", 0, self._at) + 1
        self._found.setdefault(path, line)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        """Go past what a pattern matches here."""
        if match := pattern.match(self._text, self._at):
            self._at = match.end()


def dotted(path: Key) -> str:
    """Write a path as TOML would, with indexes from 0: `mailbox[0].port`, `tags."refund-*"`."""
    written = "".join(map(_part, path))
    return written.removeprefix(".")


def _part(part: str | int) -> str:
    """Write one part of a path with what separates it from the part before."""
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _BARE.fullmatch(part) else f'."{part}"'


def _split(keys: str) -> list[str]:
    """Split a dotted key into its parts, quotes and escapes resolved."""
    return list(map(_unquoted, _KEY.findall(keys)))


def _unquoted(key: str) -> str:
    """Return a key without its quotes and escapes."""
    is_quoted = key[0] in "\"'"
    return str(tomllib.loads(f"k = {key}")["k"]) if is_quoted else key


# --- the values of a file, and its problems ----------------------------------------------------------------

_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_PARENTHESIS = re.compile(r"\s*\(at [^)]*\)")
_CHOICE = re.compile(r"'([^']*)'")
#: bytes of a file that is read; a letter has some thousand
MAX_FILE = 1_000_000
#: an invalid table is left out, then its required keys are missing, then they have their examples
_MAX_REPAIRS = 4


class Table(BaseModel):
    """A table of a TOML file. Its docstring, descriptions and examples are in docs/configuration.md."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)


def setting(default: Any = ..., *, description: str, example: Any) -> Any:
    """Declare a key of a table.

    Args:
        default: the value of a key that is not given, as a TOML file would have it; required without one.
        description: what it means, as a sentence for docs/configuration.md.
        example: a valid value other than the default.
    """
    return Field(default, description=description, examples=[example])


_File = TypeVar("_File", bound=Table)


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file of the configuration directory, or one table of it.

    A `broken` file has no values, and one problem that says why. `around` is the path of the table in the file.
    """

    directory: Path
    file: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=lambda: Lines(""))
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False
    around: Key = ()

    def cut(self, path: tuple[str, ...]) -> "TomlFile":
        """Take a table out of the values, and return it as a file of its own that shares the problems.

        Args:
            path: the path of a table that is there.
        """
        *outer, name = path
        data = _value_at(self.data, outer).pop(name)
        return replace(self, data=data, around=(*self.around, *path))

    def add_problem(self, path: Key, rule: SettingsRule, problem: str, hint: str) -> None:
        """Add a problem with the value at this path, or with the table around it if the value is missing.

        Args:
            path: names and indexes from the top of the file on.
            rule: which is broken; it has a number that the documentation explains.
            problem: what is wrong, as a sentence without its full stop.
            hint: how to put it right.
        """
        whole = (*self.around, *path)
        key = dotted(whole) or None
        line = self.lines.of(whole)
        self.problems.append(Problem(self.file, line, key, rule, problem, hint))

    def add_error(self, path: Key, error: InvalidValueError) -> None:
        """Add what a validator found wrong with the value at this path, or with an item in it."""
        inner = (*path, *error.inside)
        self.add_problem(inner, error.rule, error.problem, error.hint)

    def require(self, is_valid: object, path: Key, rule: SettingsRule, problem: str, hint: str) -> None:
        """Add a problem with the value at this path unless the condition holds.

        A value that has a problem already is not checked again: it has been replaced.

        Args:
            is_valid: the condition.
            path: the path of the value in the file, such as ("agent", 0, "deputy").
            rule: that it breaks.
            problem: what is wrong, without a full stop.
            hint: how to mend it.
        """
        if not is_valid and not self.has_problem(path):
            self.add_problem(path, rule, problem, hint)

    def has_problem(self, path: Key) -> bool:
        """Return whether the value at this path was found to be wrong."""
        key = dotted((*self.around, *path))
        keys = {problem.key for problem in self.problems}
        return key in keys


# --- reading ------------------------------------------------------------------------------------------------


def open_toml(directory: Path, file: str, *, missing: str) -> TomlFile:
    """Read one file; never raises.

    Args:
        directory: the configuration directory.
        file: the path of the file below it.
        missing: the hint for a file that does not exist, "" if the file is optional.
    """
    if not os.path.lexists(directory / file):
        problems = [file_problem(file, None, "there is no such file", missing)] if missing else []
        return TomlFile(directory, file, problems=problems, broken=True)
    try:
        text = read_file(directory, file)
        return TomlFile(directory, file, tomllib.loads(text), Lines(text))
    except UnreadableFileError as error:
        problems = error.problems
    except tomllib.TOMLDecodeError as error:
        problems = [_syntax_problem(file, text, str(error))]
    return TomlFile(directory, file, problems=problems, broken=True)


class UnreadableFileError(SetupError):
    """A file of the configuration directory cannot be read as text; its one problem says where and why."""


def read_file(directory: Path, file: str) -> str:
    """Return the text of a file of the configuration directory, without a byte order mark.

    Args:
        directory: the configuration directory.
        file: the path of the file below it, which exists.

    Raises:
        UnreadableFileError: it is a directory, a link to nothing, too large or not UTF-8, it contains a NUL, or
            this user may not read it.
    """
    try:
        content = content_of(directory / file)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, line, "is not UTF-8", "save the file as UTF-8.") from None
    except FileNotFoundError:
        hint = "it is a link to a file that does not exist; delete the link, or mend it."
        raise _unreadable(file, None, "there is no such file", hint) from None
    except IsADirectoryError:
        raise _unreadable(file, None, "is a directory", "move it away: a file has this name.") from None
    except OSError as error:
        is_other = error.errno in {errno.EFBIG, errno.EINVAL}
        hint = "put the right file there." if is_other else "let the user that runs followupd read it."
        raise _unreadable(file, None, f"cannot be read: {error.strerror}", hint) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _unreadable(file, line, "contains a NUL character", "save the file as UTF-8 text.")
    return text


def content_of(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        OSError: it cannot be read, has more than MAX_FILE bytes, or is a pipe or a device, whose reader would wait.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is no regular file")
    with path.open("rb") as file:
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise OSError(errno.EFBIG, f"it has more than {MAX_FILE // 1000:,} kB")
    return content


def _unreadable(file: str, line: int | None, problem: str, hint: str) -> UnreadableFileError:
    return UnreadableFileError([file_problem(file, line, problem, hint)])


def _syntax_problem(file: str, text: str, error: str) -> Problem:
    """Take the place out of tomllib's message, which has no number for the last line."""
    last_line = max(1, len(text.splitlines()))
    places = _PLACE.findall(error)
    line, column = places[0] if places else (last_line, "")

    near = f" near column {column}" if column else ""
    hint = f"look{near}: texts are in quotes, tables in [brackets], and each key occurs once."
    reason = _PARENTHESIS.sub("", error)
    return file_problem(file, int(line), f"is not TOML: {reason}", hint)


def file_problem(file: str, line: int | None, problem: str, hint: str) -> Problem:
    """Return a problem with a file as a whole."""
    return Problem(file, line, None, SettingsRule.FILE, problem, hint)


def read(file: TomlFile, model: type[_File], context: Mapping[str, Any]) -> _File:
    """Validate a file and add every problem to `file.problems`; the result exists in any case.

    Args:
        file: the opened file.
        model: the model of the whole file.
        context: what validators may ask for: the directory and the company's currency.
    """
    shape = _shape_of(model)
    data = deepcopy(file.data)
    for attempt in range(_MAX_REPAIRS):
        if attempt == 0 and not file.broken:
            _require_arrays(file, shape)
        shape.complete(data)
        try:
            return model.model_validate(data, context=dict(context))
        except ValidationError as error:
            errors = _by_path(error)
        if attempt == 0 and not file.broken:
            _report(file, shape, errors)
        for path in errors:
            shape.repair(data, path)
    raise AssertionError(f"unreachable: {file.file} is invalid after every repair")


def _require_arrays(file: TomlFile, shape: "Shape") -> None:
    """Report each array of tables that must have at least one, such as [[agent]]."""
    required = [names for names, found in shape.keys.items() if is_array(found) and found.is_required()]
    for names in required:
        name = names[0]
        problem = f"there is no [[{name}]]"
        hint = "add one, as `followupd init` writes it."
        file.require(file.data.get(name), names, SettingsRule.MISSING, problem, hint)


def _report(file: TomlFile, shape: "Shape", errors: dict[Key, ErrorDetails]) -> None:
    """Add a problem for each of pydantic's errors."""
    for path, details in errors.items():
        error = shape.explain(path, details)
        file.add_problem(path, error.rule, error.problem, error.hint)


def _by_path(error: ValidationError) -> dict[Key, ErrorDetails]:
    """Return the first error at each path; later items of a list come first and can be deleted in order."""
    last_first = reversed(error.errors(include_url=False))
    return {_path(details): details for details in last_first}


def _path(details: ErrorDetails) -> Key:
    """Return the path of an error, down to the item; pydantic adds a part for the key of a mapping."""
    path = tuple(part for part in details["loc"] if part != "[key]")
    match details:
        case {"ctx": {"error": InvalidValueError(inside=inside)}}:
            return (*path, *inside)
        case _:
            return path


# --- the shape of a file ------------------------------------------------------------------------------------

#: the names of tables and key that lead to a value, without the indexes of arrays: ("mailbox", "port")
Names = tuple[str, ...]

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
_TEXT: Final = ("a text", 'put it in quotes: "...".')


def kind_of(value: object) -> str:
    """Return what a TOML value is, in words."""
    return _KINDS.get(type(value), "a date or time")


def table_of(found: FieldInfo) -> type[Table] | None:
    """Return the model of a field that is a table or an array of tables; None for a key with a value."""
    candidates = (found.annotation, *get_args(found.annotation))
    return next(filter(_is_table, candidates), None)


def _is_table(annotation: object) -> bool:
    """Return whether the type of a field is a model of ours."""
    return isinstance(annotation, type) and issubclass(annotation, Table)


def is_array(found: FieldInfo) -> bool:
    """Return whether a field is an array of tables, which is written in double brackets."""
    table = table_of(found)
    return table not in {None, found.annotation}


def takes_any_key(names: Names, found: FieldInfo) -> bool:
    """Return whether a field is a table of the file that may have any keys, such as [tags]."""
    is_top = len(names) == 1
    return is_top and found.default == {}


def example_of(found: FieldInfo) -> Any:
    """Return a valid value of a key."""
    examples = found.examples or [None]
    return deepcopy(examples[0])


def _walk(model: type[Table], around: Names = ()) -> Iterator[tuple[Names, FieldInfo]]:
    """Give every table and key of a model, a table before its keys."""
    for name, found in model.model_fields.items():
        names = (*around, name)
        yield names, found
        table = table_of(found)
        if table is not None:
            yield from _walk(table, names)


@cache
def _shape_of(model: type[Table]) -> "Shape":
    """Return the shape of a file; models never change, so it is computed once."""
    keys = dict(_walk(model))
    tables = {names: found for names, found in keys.items() if table_of(found)}
    return Shape(keys, tables)


@dataclass(frozen=True, slots=True)
class Shape:
    """Every table and key that a file may have: what pydantic's errors are explained and repaired with."""

    keys: dict[Names, FieldInfo]  # the tables included
    tables: dict[Names, FieldInfo]

    def complete(self, data: dict[str, Any]) -> None:
        """Add the tables and arrays of tables that are absent, so that each missing key is reported."""
        for names, found in self.tables.items():
            *around, name = names
            empty: Any = [] if is_array(found) else {}
            outer = _value_at(data, around)
            if isinstance(outer, dict):
                outer.setdefault(name, empty)

    def repair(self, data: dict[str, Any], path: Key) -> None:
        """Delete an invalid value; an absent one, or an invalid default, becomes the key's example."""
        *around, last = path
        outer = _value_at(data, around)
        try:
            del outer[last]
        except KeyError:
            found = self.keys[_names(path)]
            outer[last] = example_of(found)

    def explain(self, path: Key, details: ErrorDetails) -> InvalidValueError:
        """Return the rule, the problem and the hint of one of pydantic's errors.

        Args:
            path: the path of the value, down to the item of a list.
            details: the error.
        """
        names = _names(path)
        found = self.keys.get(names)
        match details:
            case {"ctx": {"error": InvalidValueError() as error}}:
                return error
            case {"type": "extra_forbidden", "input": value}:
                return self._unknown(names, value)
            case {"type": "missing"} if found:
                return _missing(path, found)
            case _ if found and (names in self.tables or takes_any_key(names, found)):
                return _wrong_table(names, found)
            case {"type": "literal_error" | "enum", "input": str() as value, "ctx": context}:
                return _unknown_word(value, _CHOICE.findall(context["expected"]))
            case {"type": kind, "input": value}:
                return _wrong_type(names, kind, value)
        raise AssertionError(f"unreachable: {details}")

    def _unknown(self, names: Names, value: object) -> InvalidValueError:
        """Explain a key or table that does not exist: which one was meant, or in which tables it exists."""
        *around, name = names
        known = [other[-1] for other in self.keys if list(other[:-1]) == around]
        homes = [dotted(other[:-1]) for other in self.keys if other[-1] == name and other[:-1]]

        otherwise = f"take it out; known here: {', '.join(known)}."
        if homes:
            otherwise = f"{name!r} belongs to [{'] or ['.join(homes)}]."
        hint = did_you_mean(name, known, otherwise)

        problem = f"there is no key {name!r}"
        if around:
            problem = f"there is no key {name!r} in [{'.'.join(around)}]"
        elif isinstance(value, dict | list):
            problem = f"there is no table [{name}]"
        return InvalidValueError(SettingsRule.UNKNOWN, problem, hint)


def _value_at(data: Any, path: Iterable[str | int]) -> Any:
    """Return the value at a path in tables and lists."""
    return reduce(getitem, path, data)


def _names(path: Key) -> Names:
    """Return the names in a path, without the indexes of arrays."""
    return tuple(part for part in path if isinstance(part, str))


def _missing(path: Key, found: FieldInfo) -> InvalidValueError:
    """Explain that a required key is absent."""
    name = path[-1]
    example = example_of(found)
    line = f'{name} = "{example}"' if isinstance(example, str) else str(name)
    return InvalidValueError(SettingsRule.MISSING, f"{dotted(path)} is missing", f"add {line}.")


def _wrong_table(names: Names, found: FieldInfo) -> InvalidValueError:
    """Explain that a key has a value where the file has a table, or one bracket where two are needed."""
    name = ".".join(names)
    header = f"[[{name}]]" if is_array(found) else f"[{name}]"
    problem = f"must be a table of the form {header}"
    return InvalidValueError(SettingsRule.TYPE, problem, f"write {header}.")


def _unknown_word(value: str, choices: list[str]) -> InvalidValueError:
    """Explain that a text is none of the words that the key allows."""
    known = ", ".join(choice or '""' for choice in choices)
    hint = f"write one of: {known}.{suggest(nearest(value, choices))}"
    return InvalidValueError(SettingsRule.WORD, f"{value!r} is not one of the known values", hint)


def _wrong_type(names: Names, kind: str, value: object) -> InvalidValueError:
    """Explain that a value has another type than the key.

    Args:
        names: the tables and the key.
        kind: pydantic's error type.
        value: the value in the file.
    """
    expected, hint = _WRONG_TYPES.get(kind, _TEXT)
    table = ".".join(names)
    problem = f"must be {expected}, not {kind_of(value)}"
    return InvalidValueError(SettingsRule.TYPE, problem, hint.format(table=table))
