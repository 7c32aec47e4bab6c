"""`init` writes what belongs to the admin, `customise` copies shipped files, `check` names changed originals."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from followupd.adapters import overlay, settings
from followupd.adapters.overlay import RECORD, changed_originals, customise, mark_merged, write_starter
from followupd.adapters.settings import SettingsRule
from followupd.errors import SetupError

TOP = Path(__file__).parents[2]
LETTER = "templates/en/follow-up.md"


# --- init ---------------------------------------------------------------------------------------------------


def test_init_writes_four_files_that_have_no_problem(tmp_path: Path) -> None:
    target = tmp_path / "etc/followupd"
    written = write_starter(target)
    assert {str(path.relative_to(target)) for path in written} == {
        "followupd.toml",
        "playbooks/default.toml",
        "README.md",
        "credentials/ledger-key",
    }
    assert {path for path in target.rglob("*") if path.is_file()} == set(written)
    assert settings.problems(target) == []


def test_init_creates_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    write_starter(tmp_path / "a")
    write_starter(tmp_path / "b")
    key = tmp_path / "a/credentials/ledger-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert len(settings.load(tmp_path / "a").ledger.key.reveal()) == 44
    assert key.read_bytes() != (tmp_path / "b/credentials/ledger-key").read_bytes()


def test_init_overwrites_nothing_and_names_what_exists(tmp_path: Path) -> None:
    (tmp_path / "followupd.toml").write_text("mine")
    with pytest.raises(SetupError, match=re.escape("followupd.toml: exists already")):
        write_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["followupd.toml"]
    assert (tmp_path / "followupd.toml").read_text() == "mine"


def test_init_goes_on_where_a_package_has_put_the_starters_own_files(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    shutil.copy(TOP / "config/playbooks/default.toml", tmp_path / "playbooks/default.toml")
    shutil.copy(TOP / "config/README.md", tmp_path)
    write_starter(tmp_path)
    assert (tmp_path / "followupd.toml").is_file()


def test_init_keeps_an_existing_ledger_key(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/ledger-key").write_text("the ledger's")
    write_starter(tmp_path)
    assert (tmp_path / "credentials/ledger-key").read_text() == "the ledger's"


def test_init_in_a_place_that_cannot_be_written_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be written"):
        write_starter(tmp_path / "file/below")


# --- customise ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "copy", "original"),
    [
        (LETTER, LETTER, f"../{LETTER}"),
        (f"./{LETTER}", LETTER, f"../{LETTER}"),
        ("layout.html", "templates/layout.html", "../templates/layout.html"),
        ("wording.toml", "wording.toml", "wording.toml"),
        ("playbooks/delivery.toml", "playbooks/delivery.toml", "playbooks/delivery.toml.example"),
        (
            "languages/de/promises.toml",
            "languages/de/promises.toml",
            "../followupd/languages/de/promises.toml",
        ),
    ],
)
def test_a_shipped_file_is_copied_for_editing(tmp_path: Path, name: str, copy: str, original: str) -> None:
    assert customise(tmp_path, [name]) == [tmp_path / copy]
    assert (tmp_path / copy).read_bytes() == (TOP / "config" / original).read_bytes()
    assert changed_originals(tmp_path) == []


@pytest.mark.parametrize("name", ["templates/de", "templates/de/", "languages/de"])
def test_a_whole_language_is_copied_without_the_copies_that_exist(tmp_path: Path, name: str) -> None:
    directory = name.rstrip("/")
    shipped = [file for file in overlay.shipped_files() if file.startswith(f"{directory}/")]
    mine = tmp_path / shipped[0]
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert customise(tmp_path, [name]) == [tmp_path / file for file in shipped[1:]]
    assert mine.read_text() == "mine"


def test_a_copy_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    customise(tmp_path, [LETTER])
    (tmp_path / LETTER).write_text("mine")
    with pytest.raises(SetupError, match=re.escape(f"{LETTER}: exists already")):
        customise(tmp_path, [LETTER, "wording.toml"])
    assert (tmp_path / LETTER).read_text() == "mine"
    assert not (tmp_path / "wording.toml").exists()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("templates/en/followup.md", "did you mean 'templates/en/follow-up.md'?"),
        ("template/de", "did you mean 'templates/de'?"),
        ("../etc/passwd", "followupd customise"),
        ("", "followupd customise"),
    ],
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(SetupError) as caught:
        customise(tmp_path, ["wording.toml", name])
    [problem] = caught.value.problems
    assert (problem.file, problem.rule) == (name, SettingsRule.FILE)
    assert hint in problem.hint
    assert list(tmp_path.iterdir()) == []


# --- originals that changed ---------------------------------------------------------------------------------


@pytest.fixture
def upgraded(tmp_path: Path) -> Path:
    """Return a directory with an edited letter that was copied from another original than today's."""
    customise(tmp_path, [LETTER, "wording.toml"])
    (tmp_path / LETTER).write_text("mine")
    record = json.loads((tmp_path / RECORD).read_text())
    record[LETTER] = sha256(b"the original before the upgrade").hexdigest()
    (tmp_path / RECORD).write_text(json.dumps(record))
    return tmp_path


def test_a_copy_whose_original_has_changed_is_named_as_a_warning(upgraded: Path) -> None:
    [problem] = changed_originals(upgraded)
    assert (problem.file, problem.rule) == (LETTER, SettingsRule.ORIGINAL)
    assert f"followupd customise --merged {LETTER}" in problem.hint
    assert problem.rule in settings.WARNINGS


def test_a_merged_copy_is_not_named_any_more(upgraded: Path) -> None:
    assert mark_merged(upgraded, [LETTER]) == [upgraded / LETTER]
    assert changed_originals(upgraded) == []


def test_a_copy_with_the_content_of_the_new_original_is_not_named(upgraded: Path) -> None:
    shutil.copy(TOP / LETTER, upgraded / LETTER)
    assert changed_originals(upgraded) == []


def test_a_deleted_copy_is_not_named(upgraded: Path) -> None:
    (upgraded / LETTER).unlink()
    assert changed_originals(upgraded) == []
    with pytest.raises(SetupError, match="no such copy"):
        mark_merged(upgraded, [LETTER])


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_damaged_record_is_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    [problem] = changed_originals(tmp_path)
    assert (problem.file, problem.rule) == (RECORD, SettingsRule.FILE)


# --- the wheel ----------------------------------------------------------------------------------------------


def test_the_wheel_carries_the_shipped_files_inside_the_package(tmp_path: Path) -> None:
    """The package as pyproject.toml builds it, in a process that sees nothing of this checkout."""
    package = tmp_path / "followupd"
    shutil.copytree(TOP / "followupd", package, ignore=shutil.ignore_patterns("__pycache__"))
    build = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, target in build["force-include"].items():
        copy = shutil.copytree if (TOP / source).is_dir() else shutil.copyfile
        copy(TOP / source, tmp_path / target)
    code = (
        "from followupd.adapters.overlay import shipped_files; "
        "print(*(f'{name}={path}' for name, path in shipped_files().items()))"
    )
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    carried = dict(line.split("=") for line in done.stdout.split())
    assert set(carried) == set(overlay.shipped_files())
    assert all(Path(path).is_relative_to(package) and Path(path).is_file() for path in carried.values())
