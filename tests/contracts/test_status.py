"""`followupd status` reads a SQLite ledger directly, and finds what the application finds."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.startup import write_configuration
from followupd import clock
from followupd.adapters.health import read_sqlite
from followupd.cli.daemon import read_ledger
from followupd.cli.main import main, open_app
from followupd.domain.keys import FolderCursor, StateKey


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_configuration(tmp_path / "etc")
    return tmp_path / "etc"


def run_daemon(directory: Path, *, breaker: str = "closed", silent_for: timedelta = timedelta()) -> None:
    """Store what a daemon stores: its last cycle, its connection, and how far it has read."""
    app, at = open_app(directory, create=True), clock.now() - silent_for
    with app.ledger.transaction() as tx:
        tx.state.put(StateKey.CYCLE, "daemon", at)
        tx.state.put(StateKey.BREAKER, breaker, at)
        tx.state.put(StateKey.BREAKER_REASON, "too many letters", at)
        tx.state.put(StateKey.CONNECTED.of("support"), True, at)
        tx.state.put(StateKey.INBOX_READ.of("support"), "to its end", at)
        tx.state.put(StateKey.SENT_READ.of("support"), "to its end", at - timedelta(seconds=5))
        cursor = FolderCursor(7, 100, 0, 3, at - timedelta(minutes=1))
        tx.state.set_cursor("support", "INBOX", cursor)
    app.ledger.close()


@pytest.mark.parametrize("silent_for", [timedelta(), timedelta(hours=1)], ids=["running", "stopped"])
@pytest.mark.parametrize("breaker", ["closed", "open"])
def test_both_ways_find_the_same(directory: Path, breaker: str, silent_for: timedelta) -> None:
    run_daemon(directory, breaker=breaker, silent_for=silent_for)
    direct = read_sqlite(directory, clock.now())
    assert direct == read_ledger(directory)
    assert direct is not None
    assert direct.ok == (breaker == "closed" and not silent_for)
    assert direct.mailboxes[0].skipped == 3


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
