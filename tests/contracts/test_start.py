"""A start tries the letters that are not as we ship them, and no broken one gets past it."""

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
    """A configuration with the letters as we ship them."""
    shutil.copytree(shipped_directory() / "templates", tmp_path / "templates")
    return configured(tmp_path)


def broken(directory: Path) -> set[str]:
    return {problem.file for problem in blocking_problems(directory, NOW)}


def test_letters_as_we_ship_them_start(directory: Path) -> None:
    assert not broken(directory)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_letter_that_was_broken_is_met_before_any_case_is(directory: Path, language: str) -> None:
    letter = directory / f"templates/{language}/follow-up.md"
    letter.write_text(letter.read_text() + "{{ nobody }}\n")
    assert broken(directory) == {f"templates/{language}/follow-up.md"}


def test_a_language_of_the_admins_own_is_tried(directory: Path) -> None:
    shutil.copytree(directory / "templates/en", directory / "templates/it")
    (directory / "templates/it/confirmation.md").write_text("Ciao")
    assert broken(directory) == {"templates/it/confirmation.md"}


def test_a_letter_that_is_gone_and_a_frame_that_is_broken_are_missed(directory: Path) -> None:
    (directory / "templates/en/delay.md").unlink()
    (directory / "templates/layout.html").write_text("<p>{{ nothing }}</p>")
    assert {"templates/en/delay.md", "templates/layout.html"} <= broken(directory)


def test_words_against_the_rules_do_not_keep_the_daemon_from_starting(directory: Path) -> None:
    letter = directory / "templates/en/follow-up.md"
    letter.write_text(letter.read_text() + "\nWe guarantee that this never happens again!!!\n")
    assert not broken(directory)
