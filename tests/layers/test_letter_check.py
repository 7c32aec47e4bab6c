"""What `check` finds in the letters, and where."""

import shutil
from pathlib import Path

import pytest

from followupd.adapters.templates.check import problems
from followupd.adapters.templates.sources import TemplateFiles
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS
from followupd.errors import Problem
from tests.story.lettered import (
    NOW,
    PLAYBOOK,
    TEMPLATES,
)


def english(directory: Path) -> Path:
    """Copy the English letters."""
    return shutil.copytree(
        TEMPLATES, directory / "templates", ignore=shutil.ignore_patterns("de", "fr", "es", "*-informal")
    )


def changed(directory: Path, kind: str, old: str, new: str) -> Path:
    """Change one letter, over the shipped ones."""
    text = (TEMPLATES / f"{kind}.md").read_text()
    assert old in text
    path = directory / f"templates/{kind}.md"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace(old, new))
    return directory / "templates"


AT = (TEMPLATES / "en/follow-up.md").read_text().split("You should know", maxsplit=1)[0].count("\n") + 1


def found(directory: Path, *shipped: Path) -> list[Problem]:
    return problems(TemplateFiles(directory, *shipped), PLAYBOOK, NOW)


def test_the_starter_letters_have_no_problem() -> None:
    assert found(TEMPLATES) == []


@pytest.mark.parametrize(
    ("kind", "old", "new", "rule", "line"),
    [
        ("en/follow-up", "subject: Re", "subjekt: Re", "L02", 2),
        ("en/follow-up", "{% elif shared_fault %}", "{% elif shared_fault", "L03", None),
        ("en/follow-up", "You should know", "{{ facts.cuase }} You should know", "L04", AT),
        ("en/follow-up", "You should know", "{{ reason }} You should know", "L04", AT),
        ("en/follow-up", "{% elif facts.impact %}", "{% elif impact %}", "L04", None),
        ("en/confirmation", "{% if facts.issue %}\n", "{% if true %}\n", "L05", None),
        ("en/follow-up", "{{ facts.cause | sentence }}", "Known.", "L06", None),
        ("en/desk/_answer", "{{ asks | lines }}", "{{ asks | lins }}", "L04", 6),
    ],
)
def test_check_finds_what_is_wrong_and_where(
    tmp_path: Path, kind: str, old: str, new: str, rule: str, line: int | None
) -> None:
    directory = changed(tmp_path, kind, old, new)
    hit = [one for one in found(directory, TEMPLATES) if one.rule == rule]
    assert {one.file for one in hit} == {f"templates/{kind}.md"}
    assert line is None or {one.line for one in hit} == {line}
    assert all(one.hint for one in hit)


def test_check_finds_letters_that_are_missing_or_that_nobody_sends(tmp_path: Path) -> None:
    directory = english(tmp_path)
    (directory / "en" / "holding.md").rename(directory / "en" / "houlding.md")
    (directory / "layout.html").write_text('<p>{{ subject }}</p><img src="https://x.example/pixel.png">')
    assert {(one.file, one.rule) for one in found(directory)} >= {
        ("templates/en/holding.md", "L01"),
        ("templates/en/houlding.md", "L09"),
        ("templates/layout.html", "L07"),
        ("templates/layout.html", "L08"),
    }


def test_check_reports_an_empty_directory_whole(tmp_path: Path) -> None:
    assert {one.rule for one in found(tmp_path / "templates")} == {"L01", "L07"}
    assert len(found(tmp_path / "templates")) == len(CUSTOMER_LETTERS) + len(DESK_MAILS) + 1
