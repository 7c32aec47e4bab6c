"""The shipped starter is valid and shows every key; docs/configuration.md says what the forms say."""

import json
import re
import tomllib
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from followupd.adapters import settings
from followupd.adapters.settings import SettingsRule
from followupd.adapters.settings.form import REQUIRED, Form, Option, Section
from followupd.adapters.settings.house_form import HOUSE
from followupd.adapters.settings.playbook_form import PLAYBOOK
from followupd.adapters.settings.rules import SENTENCES
from followupd.adapters.settings.tags import DEFAULT_FOLDERS, DEFAULT_TAGS

TOP = Path(__file__).parents[2]


def test_the_shipped_starter_is_valid_as_it_stands() -> None:
    assert settings.problems(TOP / "config") == []


def test_the_shipped_starter_shows_every_key_with_its_default() -> None:
    for file, form in (("followupd.toml", HOUSE), ("playbooks/default.toml", PLAYBOOK)):
        shown = tomllib.loads((TOP / "config" / file).read_text())
        text = (TOP / "config" / file).read_text()
        for section in form:
            table: Any = reduce(lambda outer, part: outer[part], section.path, shown)
            row: dict[str, Any] = table[0] if section.many else table
            for option in section.options:
                assert option.name in row, f"{file} does not show {section.name}.{option.name}"
                if row[option.name] != option.default:
                    ways = (f"{option.name} =", f"[{section.name}.{option.name}]")
                    line = next(line for line in text.splitlines() if line.startswith(ways))
                    assert "yours" in line or option.name in {"username", "password", "name"}, line


def test_the_shipped_starter_shows_the_default_tags_and_folders() -> None:
    shown = tomllib.loads((TOP / "config/followupd.toml").read_text())
    assert shown["tags"] == dict(DEFAULT_TAGS)
    assert shown["folders"] == dict(DEFAULT_FOLDERS)


def documented() -> str:
    return (TOP / "docs/configuration.md").read_text()


def drawn(section: Section) -> str:
    """Draw the table of one section, as docs/configuration.md must have it."""
    rows = "".join(
        f"| `{o.name}` | {shown_default(o)} | {o.says} | {shown_example(o)} |\n" for o in section.options
    )
    return f"{section.says}\n\n| key | default | meaning | example |\n|---|---|---|---|\n{rows}"


def shown_default(option: Option) -> str:
    return "required" if option.default is REQUIRED else f"`{plainly(option.default)}`"


def shown_example(option: Option) -> str:
    return f"`{plainly(option.example)}`"


def plainly(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f'"{key}" = {plainly(inner)}' for key, inner in value.items()) + " }"
            if value
            else "{}"
        )
    return json.dumps(value, ensure_ascii=False)


def heading(section: Section) -> str:
    return (
        f"[[{section.name}]]" if section.many else f"[{section.name}]" if section.name else "top of the file"
    )


@pytest.mark.parametrize("form", [HOUSE, PLAYBOOK])
def test_every_key_is_documented_as_it_is(form: Form) -> None:
    for section in form:
        assert f"### {heading(section)}\n" in documented()
        if section.options:
            assert drawn(section) in documented(), f"docs/configuration.md should have:\n\n{drawn(section)}"
        else:
            assert section.says in documented()


def test_nothing_is_documented_that_there_is_not() -> None:
    headings = re.findall(r"^### (\[.*|top of the file)$", documented(), re.MULTILINE)
    assert headings == [heading(section) for section in (*HOUSE, *PLAYBOOK)]
    keys = re.findall(
        r"^\| `(\w+)` \| (?:required|`[^|]*`) \| [^|]+ \| [^|]+ \|$", documented(), re.MULTILINE
    )
    assert keys == [option.name for section in (*HOUSE, *PLAYBOOK) for option in section.options]


def test_every_example_of_the_documentation_can_be_used() -> None:
    for section in (*HOUSE, *PLAYBOOK):
        for option in section.options:
            assert option.example is not None
            option.read(option.example)


def test_every_rule_is_documented_and_has_a_sentence() -> None:
    rows = dict(re.findall(r"^\| (C\d\d) \| (.*) \|$", documented(), re.MULTILINE))
    assert rows == {str(rule): SENTENCES[rule] for rule in SettingsRule}


def test_the_default_tags_and_folders_are_documented() -> None:
    for name, line in (*DEFAULT_TAGS.items(), *DEFAULT_FOLDERS.items()):
        assert f"| `{name}` | `{line}` |" in documented()
