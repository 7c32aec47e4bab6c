"""`followupd init`: what it writes, and what it leaves alone."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from followupd.adapters import settings
from followupd.errors import SetupError

TOP = Path(__file__).parents[2]


def test_init_writes_a_configuration_that_has_nothing_to_mend(tmp_path: Path) -> None:
    target = tmp_path / "etc/followupd"
    written = settings.write_starter(target)
    assert settings.problems(target) == []
    assert {str(path.relative_to(target)) for path in written} >= {
        "followupd.toml",
        "wording.toml",
        "playbooks/default.toml",
        "playbooks/delivery.toml.example",
        "credentials/ledger-key",
    }
    assert all(path.is_file() for path in written)


def test_init_brings_the_letters(tmp_path: Path) -> None:
    written = {str(path.relative_to(tmp_path)) for path in settings.write_starter(tmp_path)}
    shipped = {str(path.relative_to(TOP)) for path in (TOP / "templates").rglob("*") if path.is_file()}
    assert {path for path in written if path.startswith("templates/")} == shipped


def test_init_makes_a_key_of_its_own_that_only_its_owner_can_read(tmp_path: Path) -> None:
    settings.write_starter(tmp_path / "a")
    settings.write_starter(tmp_path / "b")
    key = tmp_path / "a/credentials/ledger-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert len(settings.load(tmp_path / "a").ledger.key.reveal()) == 44
    assert key.read_bytes() != (tmp_path / "b/credentials/ledger-key").read_bytes()


def test_init_overwrites_nothing_and_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "followupd.toml").write_text("mine")
    with pytest.raises(SetupError, match=re.escape("followupd.toml: is there already")):
        settings.write_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["followupd.toml"]
    assert (tmp_path / "followupd.toml").read_text() == "mine"


def test_init_keeps_a_ledger_key_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/ledger-key").write_text("the ledger's")
    settings.write_starter(tmp_path)
    assert (tmp_path / "credentials/ledger-key").read_text() == "the ledger's"


def test_init_where_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be written"):
        settings.write_starter(tmp_path / "file/below")


def test_in_a_wheel_the_starter_travels_inside_the_package(tmp_path: Path) -> None:
    """The same places as pyproject.toml's force-include, in a process that sees nothing of this checkout."""
    package = tmp_path / "followupd"
    shutil.copytree(TOP / "followupd", package, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("config", "templates"):
        shutil.copytree(TOP / part, package / "starter" / part)
    code = "from followupd.adapters import settings; print(settings.starter_directory())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, stdout=-1, check=True
    )
    assert done.stdout.decode().strip() == str(package / "starter")
