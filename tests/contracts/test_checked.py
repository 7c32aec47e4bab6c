"""Files that were found well are not tried again, and any other file is."""

from pathlib import Path

import pytest

from followupd.edges import checked
from followupd.edges.settings import write_starter


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A starter that was found well, under a service manager that lends a cache."""
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path / "cache"))
    write_starter(tmp_path / "etc")
    checked.remember(checked.digest(tmp_path / "etc"))
    return tmp_path / "etc"


def known(directory: Path) -> bool:
    return checked.found_well(checked.digest(directory))


def test_the_same_files_are_known(directory: Path) -> None:
    assert known(directory)


@pytest.mark.parametrize(
    "name", ["followupd.toml", "playbooks/default.toml", "templates/en/follow-up.md", "wording.toml"]
)
def test_a_changed_file_is_not(directory: Path, name: str) -> None:
    file = directory / name
    file.write_text(file.read_text() + "\n")
    assert not known(directory)


def test_a_new_file_a_lost_file_and_another_name_are_not(directory: Path) -> None:
    letter = directory / "templates/en/follow-up.md"
    text = letter.read_text()
    (directory / "templates/en/_new.md").write_text("")
    assert not known(directory)
    (directory / "templates/en/_new.md").unlink()
    assert known(directory)
    letter.unlink()
    assert not known(directory)
    (directory / "templates/en/followup.md").write_text(text)
    assert not known(directory)


def test_a_ledger_and_a_secret_beside_them_may_change(directory: Path) -> None:
    (directory / "ledger.db").write_bytes(b"mails")
    (directory / "credentials/imap").write_text("another")
    assert known(directory)


def test_nothing_is_known_without_a_cache(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CACHE_DIRECTORY")
    checked.remember(checked.digest(directory))
    assert not known(directory)


def test_a_cache_that_is_gone_costs_only_time(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_DIRECTORY", str(directory / "nowhere"))
    checked.remember(checked.digest(directory))
    assert not known(directory)


def test_a_file_that_cannot_be_read_is_left_to_the_check(directory: Path) -> None:
    (directory / "templates/en/unreadable.md").symlink_to("unreadable.md")
    assert known(directory)  # a link in a circle is no file
    assert not checked.found_well("")
