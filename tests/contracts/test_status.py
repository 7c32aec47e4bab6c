"""`followupd status` reads a SQLite ledger directly, and finds what the application finds."""

import json
import os
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.startup import write_configuration
from followupd import clock
from followupd.adapters.health import read_sqlite
from followupd.cli.daemon import read_ledger
from followupd.cli.main import main, open_app
from followupd.domain.keys import FolderCursor, StateKey
from followupd.domain.letter import Letter, LetterKind, LetterStatus, SendResult
from followupd.domain.mail import Person


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_configuration(tmp_path / "etc")
    return tmp_path / "etc"


def run_daemon(directory: Path, *, breaker: str = "closed", silent_for: timedelta = timedelta()) -> None:
    """Store what a daemon stores: its last cycle, its connection, and how far it has read."""
    at = clock.now() - silent_for
    with open_app(directory, create=True) as app, app.ledger.transaction() as tx:
        tx.state.put(StateKey.CYCLE, "daemon", at)
        tx.state.put(StateKey.BREAKER, breaker, at)
        tx.state.put(StateKey.BREAKER_REASON, "too many letters", at)
        tx.state.put(StateKey.CONNECTED.of("support"), True, at)
        tx.state.put(StateKey.INBOX_READ.of("support"), "to its end", at)
        tx.state.put(StateKey.SENT_READ.of("support"), "to its end", at - timedelta(seconds=5))
        cursor = FolderCursor(7, 100, 0, 3, at - timedelta(minutes=1))
        tx.state.set_cursor("support", "INBOX", cursor)


@pytest.mark.parametrize("silent_for", [timedelta(), timedelta(hours=1)], ids=["running", "stopped"])
@pytest.mark.parametrize("breaker", ["closed", "open"])
def test_both_ways_find_the_same(directory: Path, breaker: str, silent_for: timedelta) -> None:
    run_daemon(directory, breaker=breaker, silent_for=silent_for)
    direct = read_sqlite(directory, clock.now())
    assert direct == read_ledger(directory)
    assert direct is not None
    assert direct.ok == (breaker == "closed" and not silent_for)
    assert direct.mailboxes[0].skipped == 3


def test_a_ledger_of_another_key_is_not_well_where_the_key_can_be_read(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_daemon(directory)
    assert main(["status", "--config", str(directory)]) == 0
    key = directory / "credentials/ledger-key"
    kept = key.read_text()
    key.write_text(b64encode(os.urandom(32)).decode() + "\n")
    assert main(["status", "--config", str(directory)]) == 78
    assert "encrypted with another key" in capsys.readouterr().err
    assert main(["status", "--check", "--config", str(directory)]) == 3
    key.write_text(key.read_text() + kept)
    assert main(["status", "--config", str(directory)]) == 0
    key.unlink()  # as for the user of a monitoring plugin, who may not read it
    assert read_sqlite(directory, clock.now()) is not None


def test_a_daemon_that_was_never_started_is_said_to_be_so(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--config", str(directory)]) == 1
    output = capsys.readouterr().out
    assert output.startswith("Status: NOT RUNNING (the daemon was never started)\n")
    assert "NOT CONNECTED, last read never" in output
    assert "None" not in output


def test_a_healthy_daemon_is_ok_in_company_time(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_daemon(directory)
    assert main(["status", "--config", str(directory)]) == 0
    output = capsys.readouterr().out
    assert output.startswith("Status: OK\n")
    assert " GMT" in output or " BST" in output
    assert main(["status", "--json", "--config", str(directory)]) == 0
    assert json.loads(capsys.readouterr().out)["last_beat"].endswith("Z")


def test_an_open_breaker_is_shown_with_its_reason(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_daemon(directory, breaker="open")
    assert main(["status", "--config", str(directory)]) == 1
    output = capsys.readouterr().out
    assert output.startswith("Status: PROBLEMS\n")
    assert "OPEN: too many letters" in output


def test_what_only_the_application_can_read_is_left_to_it(directory: Path) -> None:
    file = directory / "followupd.toml"
    text = file.read_text()
    file.write_text(text.replace('auth = "password"', 'auth = "oauth-google"', 1))
    assert read_sqlite(directory, clock.now()) is None
    file.write_text(text.replace("sqlite:///", "postgresql://ana@localhost/"))
    assert read_sqlite(directory, clock.now()) is None
    file.write_text("[company\n")
    assert read_sqlite(directory, clock.now()) is None


def test_a_file_that_is_no_ledger_is_left_to_the_application(directory: Path) -> None:
    (directory / "ledger.db").write_text("This is a shopping list, and no database. " * 40)
    assert read_sqlite(directory, clock.now()) is None


@pytest.mark.parametrize(
    ("breaker", "silent_for", "code", "said"),
    [
        ("closed", timedelta(), 0, "FOLLOWUPD OK - all is well | open_cases=0 "),
        ("open", timedelta(), 2, "FOLLOWUPD CRITICAL - the breaker is open: too many letters | "),
        ("closed", timedelta(hours=1), 2, "FOLLOWUPD CRITICAL - not running; not connected: support | "),
    ],
)
def test_a_monitoring_plugin_gets_one_line_and_its_exit_code(
    directory: Path,
    capsys: pytest.CaptureFixture[str],
    breaker: str,
    silent_for: timedelta,
    code: int,
    said: str,
) -> None:
    run_daemon(directory, breaker=breaker, silent_for=silent_for)
    assert main(["status", "--check", "--config", str(directory)]) == code
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(said)


def test_a_monitoring_plugin_is_told_that_nothing_can_be_known(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "followupd.toml").write_text("[company\n")
    assert main(["status", "--check", "--config", str(directory)]) == 3
    assert capsys.readouterr().out.startswith("FOLLOWUPD UNKNOWN - followupd.toml")


def test_a_refused_configuration_and_refused_mails_to_agents_are_not_well(directory: Path) -> None:
    run_daemon(directory)
    now = clock.now()
    letter = Letter(
        key="FU-7K3Q9.desk/escalation.1",
        case="",
        kind=LetterKind.ESCALATION,
        mailbox="support",
        sender=Person("support@example.com"),
        to=Person("lead@example.com"),
        subject="A case",
        text="Look.",
        html="",
        message_id="<1@example.com>",
    )
    with open_app(directory) as app, app.ledger.transaction() as tx:
        tx.state.put(StateKey.CONFIGURATION, "refused, 1 problem(s), the first: x", now)
        tx.outbox.queue(letter, now)
        tx.outbox.claim({letter.key}, now)
        tx.outbox.record_results([SendResult(letter.key, LetterStatus.REFUSED, "550")], now)
    health = read_sqlite(directory, clock.now())
    assert health == read_ledger(directory)
    assert health is not None
    assert not health.ok
    assert len(health.warnings) == 2
    assert read_sqlite(directory, clock.now() + timedelta(days=4)).refused_desk_mails == 0  # type: ignore[union-attr]
