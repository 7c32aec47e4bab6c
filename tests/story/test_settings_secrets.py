"""Secrets are read from where they are stored when they are needed, and never shown."""

import dataclasses
import os
from pathlib import Path

import pytest

from followupd.adapters import settings
from followupd.adapters.settings import Secret, SettingsRule
from followupd.errors import SetupError
from tests.story.configured import configured, only, rewrite


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return configured(tmp_path)


def test_a_credential_comes_from_systemd_else_from_the_directory(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (directory / "credentials").mkdir()
    (directory / "credentials/imap").write_text("from the directory\n")
    secret = settings.load(directory).mailboxes[0].password
    assert secret.reveal() == "from the directory"
    systemd = tmp_path / "systemd"
    systemd.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(systemd))
    assert secret.reveal() == "from the directory"
    (systemd / "imap").write_text("from systemd")
    assert secret.reveal() == "from systemd"


@pytest.mark.parametrize(
    ("kept", "read"),
    [("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), (" s ", " s ")],
)
def test_one_trailing_line_end_of_a_secret_file_is_removed(tmp_path: Path, kept: str, read: str) -> None:
    (tmp_path / "pw").write_bytes(kept.encode())
    assert Secret("file:pw", tmp_path).reveal() == read


@pytest.mark.parametrize("kept", ["s3cret\n\n", "old\nnew\n", "one\rtwo", "a\0b"])
def test_a_secret_of_two_lines_is_refused_but_for_the_ledgers_key(tmp_path: Path, kept: str) -> None:
    (tmp_path / "pw").write_bytes(kept.encode())
    problem = Secret("file:pw", tmp_path, "smtp.password").problem()
    assert problem is not None
    assert (problem.rule, problem.problem) == (
        SettingsRule.ABSENT,
        "the secret file:pw has more than one line",
    )
    assert Secret("file:pw", tmp_path, "ledger.key").problem() is None


def test_a_secret_from_the_environment_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret("env:FOLLOWUPD_TEST_PASSWORD")
    monkeypatch.setenv("FOLLOWUPD_TEST_PASSWORD", "s3cret")
    assert secret.reveal() == "s3cret"


def test_a_secret_that_is_not_configured_is_empty() -> None:
    assert not Secret().given
    assert Secret().reveal() == ""


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2")
    secret = Secret("file:pw", tmp_path)
    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r} {dataclasses.asdict(secret)}"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"hunter2\xff"])
def test_an_unreadable_secret_is_reported_with_its_key_and_a_hint(
    directory: Path, content: bytes | None
) -> None:
    rewrite(directory, 'username = "support@example.com"', 'username = "u"\npassword = "file:pw"')
    if content is not None:
        (directory / "pw").write_bytes(content)
        (directory / "pw").chmod(0o600)
    with pytest.raises(SetupError) as caught:
        settings.load(directory).mailboxes[0].password.reveal()
    problem = caught.value.problems[0]
    assert (problem.rule, problem.key, problem.line) == (SettingsRule.ABSENT, "mailbox[0].password", 10)
    assert str(directory / "pw") in problem.hint
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "hunter2" not in str(caught.value)


def test_missing_secrets_are_reported_at_once_and_do_not_fail_the_check(directory: Path) -> None:
    found = settings.load(directory)
    assert [problem.key for problem in settings.missing_secrets(found)] == [
        "mailbox[0].password",
        "ledger.key",
    ]
    assert settings.problems(directory) == []


def test_a_secret_file_that_others_can_read_is_a_warning(directory: Path) -> None:
    rewrite(directory, 'username = "support@example.com"', 'username = "u"\npassword = "file:pw"')
    (directory / "pw").write_text("s3cret")
    (directory / "pw").chmod(0o640)
    problem = only(directory)
    assert (problem.rule, problem.key) == (SettingsRule.EXPOSED, "mailbox[0].password")
    assert "chmod 600" in problem.hint
    assert settings.load(directory).mailboxes[0].password.reveal() == "s3cret"
    (directory / "pw").chmod(0o600)
    assert settings.problems(directory) == []


def test_a_secret_without_read_permission_is_reported(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("skipped, because root may read every file")
    (tmp_path / "pw").write_text("s3cret")
    (tmp_path / "pw").chmod(0)
    problem = Secret("file:pw", tmp_path).problem()
    assert problem
    assert "may not be read" in problem.problem
