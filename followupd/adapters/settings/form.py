"""What may stand in a TOML file: options and tables declared as data, and one way to fill them in from a sheet."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError, TomlFile, nearest
from followupd.adapters.settings.toml_lines import Path, dotted

#: marks an option that has no default
REQUIRED: Final = object()


@dataclass(frozen=True, slots=True)
class Option:
    """One key. `read` turns what TOML holds into the value, or raises MisfitError; `default` is written as in TOML."""

    name: str
    read: Callable[[Any], Any]
    says: str
    default: Any = REQUIRED
    example: Any = None


@dataclass(frozen=True, slots=True)
class Section:
    """One table; "" is the top of the file, "a.b" a table in a table that has no keys of its own.

    `many` tables stand in [[two brackets]], `free` ones have any keys.
    """

    name: str
    says: str
    options: tuple[Option, ...] = ()
    many: bool = False
    needed: bool = False  # of `many`: at least one
    free: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name.split(".")) if self.name else ()


Form = tuple[Section, ...]


def fill(sheet: TomlFile, form: Form) -> dict[str, Any]:
    """Read every section of a sheet: name -> values, or a list of values for `many`.

    Problems are put down in the sheet. In place of a value with a problem stands the default, so that the rest can be
    checked all the same; a required one is None. Such values are never used for more than checking.
    """
    if sheet.broken:
        return {section.name: [] if section.many else _values(None, section, (), {}) for section in form}
    _report_unknown_tables(sheet, form)
    return {section.name: _filled(sheet, section, form) for section in form}


def _filled(sheet: TomlFile, section: Section, form: Form) -> Any:
    rows = list(_rows(sheet, section, form))
    for path, row in rows:
        if not section.free:
            _report_unknown_keys(sheet, section, path, row, form)
    values = [row if section.free else _values(sheet, section, path, row) for path, row in rows]
    if section.needed and section.name not in sheet.data:
        sheet.complain(
            section.path,
            SettingsRule.MISSING,
            f"there is no [[{section.name}]]",
            "add one, as `init` writes it.",
        )
    return values if section.many else values[0]


def _rows(sheet: TomlFile, section: Section, form: Form) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give the tables of a section; one that is absent, or no table at all, counts as empty."""
    path: Path = section.path
    if not path:
        tables = {part.path[0] for part in form if part.path}
        yield (), {key: value for key, value in sheet.data.items() if key not in tables}
        return
    found = _table(sheet.data, section.path[:-1]).get(section.path[-1], [] if section.many else {})
    right = isinstance(found, list) and all(isinstance(row, dict) for row in found) if section.many else None
    if not (right if section.many else isinstance(found, dict)):
        header = f"[[{section.name}]]" if section.many else f"[{section.name}]"
        sheet.complain(
            section.path, SettingsRule.TYPE, f"must be a table of the form {header}", f"write {header}."
        )
        found = [] if section.many else {}
    if section.many:
        yield from (((*path, n), row) for n, row in enumerate(found))
    else:
        yield path, found


def _table(data: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the table around others; what is none is reported as an unknown table."""
    for part in path:
        data = data[part] if isinstance(data.get(part), dict) else {}
    return data


def _values(sheet: TomlFile | None, section: Section, path: Path, row: dict[str, Any]) -> dict[str, Any]:
    return {option.name: _value(sheet, option, path, row) for option in section.options}


def _value(sheet: TomlFile | None, option: Option, path: Path, row: dict[str, Any]) -> Any:
    if option.name not in row:
        if option.default is REQUIRED and sheet:
            key = dotted((*path, option.name))
            sheet.complain(
                (*path, option.name), SettingsRule.MISSING, f"{key} is missing", f"add {_shown(option)}"
            )
        return _fallback(option)
    try:
        return option.read(row[option.name])
    except InvalidValueError as error:
        if sheet:
            sheet.misfit((*path, option.name), error)
    return _fallback(option)


def _fallback(option: Option) -> Any:
    return None if option.default is REQUIRED else option.read(option.default)


def _shown(option: Option) -> str:
    return f'{option.name} = "{option.example}".' if isinstance(option.example, str) else f"{option.name}."


def _report_unknown_tables(sheet: TomlFile, form: Form) -> None:
    top = [option.name for section in form if not section.name for option in section.options]
    tables = list(dict.fromkeys(section.path[0] for section in form if section.path))
    for name, value in sheet.data.items():
        if name not in tables and name not in top:
            what = f"table [{name}]" if isinstance(value, dict | list) else f"key {name!r}"
            sheet.complain(
                (name,), SettingsRule.UNKNOWN, f"there is no {what}", _meant(name, tables + top, form)
            )
    for outer in dict.fromkeys(section.path[0] for section in form if len(section.path) > 1):
        _report_unknown_parts(
            sheet, outer, [section.path[1] for section in form if section.path[:1] == (outer,)]
        )


def _report_unknown_parts(sheet: TomlFile, outer: str, known: list[str]) -> None:
    """Report what stands in a table of tables and is none of them."""
    found = sheet.data.get(outer, {})
    if not isinstance(found, dict):
        hint = f"write {' or '.join(f'[{outer}.{part}]' for part in known)}."
        sheet.complain((outer,), SettingsRule.TYPE, f"must be a table of tables, [{outer}.{known[0]}]", hint)
        return
    for name in found:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {close!r}?" if close else f"known here: {', '.join(known)}."
            sheet.complain((outer, name), SettingsRule.UNKNOWN, f"there is no {name!r} in [{outer}]", hint)


def _report_unknown_keys(
    sheet: TomlFile, section: Section, path: Path, row: dict[str, Any], form: Form
) -> None:
    names = [option.name for option in section.options]
    for name in row:
        if section.name and name not in names:
            problem = f"there is no key {name!r} in [{section.name}]"
            sheet.complain((*path, name), SettingsRule.UNKNOWN, problem, _meant(name, names, form))


def _meant(name: str, names: list[str], form: Form) -> str:
    """Say which key was meant: one that sounds alike here, or the same one of another table."""
    if close := nearest(name, names):
        return f"did you mean {close!r}?"
    homes = [
        f"[{section.name}]" for section in form if any(option.name == name for option in section.options)
    ]
    if homes:
        return f"{name!r} belongs to {' or '.join(homes)}."
    return f"take it out; known here: {', '.join(names)}."
