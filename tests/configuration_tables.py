"""The tables and keys of the settings' models, as docs/configuration.md shows them.

`python -m tests.configuration_tables` rewrites the tables in docs/configuration.md after a model has changed.
"""

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from followupd.adapters.settings.models import BrandTable, ConfigurationFile
from followupd.adapters.settings.playbooks import PlaybookFile
from followupd.adapters.settings.rules import SENTENCES
from followupd.adapters.settings.toml_file import Table, is_array, table_of

PAGE = Path(__file__).parents[1] / "docs/configuration.md"
_HEAD = "| key | default | meaning | example |\n|---|---|---|---|\n"


@dataclass(frozen=True)
class Section:
    """One table of a file; `name` is "" for the keys above the first table."""

    name: str
    meaning: str
    keys: dict[str, FieldInfo]
    in_array: bool = False
    takes_any_key: bool = False

    @property
    def header(self) -> str:
        if not self.name:
            return "top of the file"
        return f"[[{self.name}]]" if self.in_array else f"[{self.name}]"

    def drawn(self) -> str:
        """Return the section's meaning and its table of keys, in Markdown."""
        rows = "".join(_row(name, found) for name, found in self.keys.items())
        return f"{self.meaning}\n\n{_HEAD}{rows}" if rows else f"{self.meaning}\n"


def sections(model: type[Table], name: str = "", *, in_array: bool = False) -> Iterator[Section]:
    """Give the tables of a file in their order, tables in tables by their dotted names."""
    keys = {key: found for key, found in model.model_fields.items() if not _is_table(name, found)}
    if keys:
        yield Section(name, inspect.cleandoc(model.__doc__ or "").replace("\n\n", " "), keys, in_array)
    for key, found in model.model_fields.items():
        inner = f"{name}.{key}".removeprefix(".")
        table = table_of(found)
        if table:
            yield from sections(table, inner, in_array=is_array(found))
        elif _is_table(name, found):
            yield Section(inner, found.description or "", {}, takes_any_key=True)


def all_sections() -> list[Section]:
    """Return the tables of both files, and that of a second brand, which has a name of the admin's."""
    brand = sections(BrandTable, "company.NAME")
    return [*sections(ConfigurationFile), *brand, *sections(PlaybookFile)]


def _is_table(name: str, found: FieldInfo) -> bool:
    """Return whether a field is a table; one that takes any key has a description and no example."""
    return table_of(found) is not None or (found.default == {} and not found.examples)


def _row(name: str, found: FieldInfo) -> str:
    default = "required" if found.is_required() else f"`{in_toml(found.default)}`"
    example = in_toml(found.examples[0]) if found.examples else ""
    return f"| `{name}` | {default} | {found.description} | `{example}` |\n"


def in_toml(value: Any) -> str:
    """Write a value as a TOML file would have it."""
    if isinstance(value, dict):
        pairs = ", ".join(f'"{key}" = {in_toml(inner)}' for key, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return json.dumps(value, ensure_ascii=False)


def rewrite(page: str) -> str:
    """Return the page with its generated parts as the models have them."""
    for section in all_sections():
        pattern = re.compile(
            rf"(### {re.escape(section.header)}\n\n)(.*?\n)((?:\n\| key.*?\n\|---.*?\n(?:\|.*\n)*)?)"
        )
        page = _replaced(pattern, section.drawn(), page)
    rules = "".join(f"| {rule} | {sentence} |\n" for rule, sentence in SENTENCES.items())
    return _replaced(re.compile(r"(\| rule \| what is wrong \|\n\|---\|---\|\n)(\| C.*\n)*"), rules, page)


def _replaced(pattern: re.Pattern[str], new: str, page: str) -> str:
    """Replace what follows the first group of a pattern."""
    return pattern.sub(lambda found: found[1] + new, page, count=1)


if __name__ == "__main__":
    PAGE.write_text(rewrite(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
