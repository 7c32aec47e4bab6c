"""A start renders the letters that differ from the shipped ones, and refuses broken ones."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from followupd.adapters.overlay import shipped_directory
from followupd.app.check import blocking_problems
from tests.story.configured import configured

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A configuration with copies of the shipped letters."""
    shutil.copytree(shipped_directory() / "templates", tmp_path / "templates")
    return configured(tmp_path)


def broken(directory: Path) -> set[str]:
    return {problem.file for problem in blocking_problems(directory, NOW)}


def test_the_shipped_letters_do_not_prevent_a_start(directory: Path) -> None:
    assert not broken(directory)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_broken_letter_is_found_at_the_start(directory: Path, language: str) -> None:
    letter = directory / f"templates/{language}/follow-up.md"
    letter.write_text(letter.read_text() + "{{ nobody }}\n")
    assert broken(directory) == {f"templates/{language}/follow-up.md"}


def test_letters_in_an_additional_language_are_rendered(directory: Path) -> None:
    shutil.copytree(directory / "templates/en", directory / "templates/it")
    (directory / "templates/it/confirmation.md").write_text("Ciao")
    assert broken(directory) == {"templates/it/confirmation.md"}


def test_the_shipped_letter_is_used_when_its_copy_was_deleted(directory: Path) -> None:
    (directory / "templates/en/delay.md").unlink()
    assert not broken(directory)


def test_the_default_language_is_used_for_a_letter_that_another_one_lacks(directory: Path) -> None:
    shutil.copytree(directory / "templates/en", directory / "templates/it")
    (directory / "templates/it/delay.md").unlink()
    assert not broken(directory)


def test_a_broken_layout_is_found(directory: Path) -> None:
    (directory / "templates/layout.html").write_text("<p>{{ nothing }}</p>")
    assert broken(directory) == {"templates/layout.html"}


def test_text_against_the_rules_of_wording_does_not_prevent_a_start(directory: Path) -> None:
    letter = directory / "templates/en/follow-up.md"
    letter.write_text(letter.read_text() + "\nWe guarantee that this never happens again!!!\n")
    assert not broken(directory)
