"""Every file of an admin's directory, damaged in every way: `check` names it, and neither check nor start fails."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from followupd.adapters.overlay import customise, write_starter
from followupd.app.check import blocking_problems, configuration_problems

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
#: copies of shipped files, one of each kind that an admin may edit, and a whole language
COPIED = (
    "templates/en",
    "templates/layout.html",
    "wording.toml",
    "languages/de",
    "languages/mail_clients.toml",
)


def latin_1(path: Path) -> None:
    path.write_bytes(path.read_bytes() + "\nGrüße\n".encode("latin-1"))


def with_a_nul(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n\0\n")


def replaced_by_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "gone")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(50_000_000)


def unreadable(path: Path) -> None:
    path.chmod(0)


DAMAGES = (latin_1, with_a_nul, replaced_by_a_directory, a_dangling_link, a_pipe, huge, unreadable)


def an_admins_directory(directory: Path) -> Path:
    write_starter(directory)
    customise(directory, COPIED)
    return directory


def files_of(directory: Path) -> list[str]:
    """Return every file that an admin's directory may have, apart from secrets and the README."""
    paths = filter(Path.is_file, directory.rglob("*"))
    files = sorted(path.relative_to(directory).as_posix() for path in paths)
    return [file for file in files if file != "README.md" and not file.startswith("credentials/")]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_each_damaged_file_is_a_problem_with_its_name_and_never_a_traceback(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    if damage is unreadable and os.geteuid() == 0:
        pytest.skip("skipped, because root may read every file")
    directory = an_admins_directory(tmp_path / "etc")
    files = files_of(directory)
    for file in files:
        damage(directory / file)

    found = configuration_problems(directory, NOW)
    assert {problem.file for problem in found} >= {*files}
    assert all(problem.problem and problem.hint for problem in found)
    assert {problem.file for problem in blocking_problems(directory, NOW)} >= {*files}


def test_files_that_are_empty_are_problems_and_no_traceback(tmp_path: Path) -> None:
    directory = an_admins_directory(tmp_path / "etc")
    for file in files_of(directory):
        (directory / file).write_text("")
    found = {problem.file for problem in configuration_problems(directory, NOW)}
    assert {"followupd.toml", "templates/en/follow-up.md", "languages/de/promises.toml"} <= found


def test_a_latin_1_letter_is_reported_with_the_line_of_its_first_wrong_byte(tmp_path: Path) -> None:
    directory = an_admins_directory(tmp_path / "etc")
    letter = directory / "templates/en/follow-up.md"
    lines = letter.read_bytes().count(b"\n")
    latin_1(letter)
    [problem] = [
        found for found in configuration_problems(directory, NOW) if found.file.endswith("follow-up.md")
    ]
    assert problem.line == lines + 2
    assert problem.problem == "is not UTF-8"
