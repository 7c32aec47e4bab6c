"""The shipped starter is valid and shows every key; docs/configuration.md says what the models say."""

import re
import tomllib
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from followupd.adapters import settings
from followupd.adapters.settings import SettingsRule
from followupd.adapters.settings.models import ConfigurationFile
from followupd.adapters.settings.playbooks import PlaybookFile
from followupd.adapters.settings.rules import SENTENCES
from followupd.adapters.settings.tags import DEFAULT_FOLDERS, DEFAULT_TAGS
from followupd.adapters.settings.toml_file import Table
from tests.configuration_tables import PAGE, Section, all_sections, rewrite, sections

TOP = Path(__file__).parents[2]
FILES = (("followupd.toml", ConfigurationFile), ("playbooks/default.toml", PlaybookFile))
SECTIONS = all_sections()


def test_the_shipped_starter_is_valid_as_it_is() -> None:
    assert settings.problems(TOP / "config") == []


@pytest.mark.parametrize(("file", "model"), FILES)
def test_the_shipped_starter_shows_every_key_with_its_default(file: str, model: type[Table]) -> None:
    text = with_commented_tables((TOP / "config" / file).read_text())
    for section in sections(model):
        shown = shown_table(tomllib.loads(text), section)
        for name, found in section.keys.items():
            assert name in shown, f"{file} does not show {section.name}.{name}"
            if found.is_required() or shown[name] != found.default:
                ways = (f"{name} =", f"[{section.name}.{name}]")
                line = next(line for line in text.splitlines() if line.startswith(ways))
                assert "yours" in line or name in {"username", "password", "name"}, line


def with_commented_tables(text: str) -> str:
    """Return a starter in which arrays of tables that nobody needs at first are no comments."""
    lines, is_table = [], False
    for line in text.splitlines():
        is_table = line.startswith("# [[") or (is_table and line.startswith("# "))
        lines.append(line.removeprefix("# ") if is_table else line)
    return "\n".join(lines)


def shown_table(file: dict[str, Any], section: Section) -> dict[str, Any]:
    """Return the section's table in a file, the first one of an array."""
    parts = section.name.split(".") if section.name else []
    table: Any = reduce(lambda outer, part: outer[part], parts, file)
    shown: dict[str, Any] = table[0] if section.in_array else table
    return shown


def test_the_shipped_starter_shows_the_default_tags_and_folders() -> None:
    shown = tomllib.loads((TOP / "config/followupd.toml").read_text())
    assert shown["tags"] == dict(DEFAULT_TAGS)
    assert shown["folders"] == dict(DEFAULT_FOLDERS)


def documented() -> str:
    return PAGE.read_text()


@pytest.mark.parametrize("section", SECTIONS, ids=[section.header for section in SECTIONS])
def test_every_key_is_documented_as_it_is(section: Section) -> None:
    """`python -m tests.configuration_tables` brings the page up to date."""
    assert f"### {section.header}\n\n{section.drawn()}" in documented()


def test_the_page_is_as_the_generator_writes_it() -> None:
    assert rewrite(documented()) == documented()


def test_nothing_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^### (\[.*|top of the file)$", documented(), re.MULTILINE)
    assert headings == [section.header for section in SECTIONS]
    keys = re.findall(
        r"^\| `(\w+)` \| (?:required|`[^|]*`) \| [^|]+ \| [^|]+ \|$", documented(), re.MULTILINE
    )
    assert keys == [name for section in SECTIONS for name in section.keys]


def test_every_key_has_a_description_and_a_valid_example(tmp_path: Path) -> None:
    (tmp_path / "our-ca.pem").write_text("")
    for section in SECTIONS:
        for name, found in section.keys.items():
            assert found.description, name
            assert found.examples, name
            adapter: TypeAdapter[Any] = TypeAdapter(found.rebuild_annotation())
            adapter.validate_python(found.examples[0], context={"directory": tmp_path})


def test_every_rule_is_documented_and_has_a_sentence() -> None:
    rows = dict(re.findall(r"^\| (C\d\d) \| (.*) \|$", documented(), re.MULTILINE))
    assert rows == {str(rule): SENTENCES[rule] for rule in SettingsRule}


def test_the_default_tags_and_folders_are_documented() -> None:
    for name, command in (*DEFAULT_TAGS.items(), *DEFAULT_FOLDERS.items()):
        assert f"| `{name}` | `{command}` |" in documented()
