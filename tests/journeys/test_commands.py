"""Commands with unusual arguments, in a new configuration: a clear message each, and never a traceback."""

import gc
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from followupd.adapters.settings import load
from followupd.app.container import build
from followupd.cli.cases import _print_unread
from followupd.cli.main import main
from followupd.domain.letter import LetterKind, OutboxEntry
from tests.journeys.world import World
from tests.story.configured import READY, ready_to_run, store_secrets
from tests.story.lettered import wrote
from tests.typed import typed


@dataclass
class Terminal:
    """A user who types commands, in a configuration with an empty ledger."""

    directory: Path

    def types(
        self, *words: str | bytes, given: bytes = b"", **environment: str
    ) -> "subprocess.CompletedProcess[bytes]":
        known = {"FOLLOWUPD_CONFIG": str(self.directory), **environment}
        return typed(*words, given=given, environment=known)

    def starts(self, *words: str | bytes, **environment: str) -> "subprocess.CompletedProcess[bytes]":
        """Type a command into a terminal whose own settings matter, so in a process of its own."""
        known = {**os.environ, "FOLLOWUPD_CONFIG": str(self.directory), **environment}
        command = [sys.executable, "-m", "followupd", *words]
        return subprocess.run(command, capture_output=True, env=known, check=False)

    def fails(self, *words: str | bytes, code: int = 1, given: bytes = b"", **environment: str) -> str:
        """Return the error message of a command that fails."""
        done = self.types(*words, given=given, **environment)
        said = done.stderr.decode()
        assert "Traceback" not in said
        assert done.returncode == code, said
        return said

    def json(self, *words: str, given: bytes = b"") -> list[dict[str, object]]:
        done = self.types(*words, "--json", given=given)
        assert not done.stderr, done.stderr
        return (
            json.loads(done.stdout)
            if words[0] != "read"
            else [json.loads(each) for each in done.stdout.splitlines()]
        )


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    directory = tmp_path / "etc"
    done = typed("init", str(directory))
    assert done.returncode == 0, done.stderr
    ledger = f'\n[ledger]\nurl = "sqlite:///{tmp_path}/ledger.db"\n'
    (directory / "followupd.toml").write_text(READY + ledger)
    store_secrets(directory)
    made = build(load(directory)).ledger
    made.upgrade()
    made.close()
    return Terminal(directory)


@pytest.mark.parametrize(
    "words",
    [
        ["cases"],
        ["letters"],
        ["report"],
        ["backup", "copy.db"],
        ["upgrade"],
        ["case", "FU-7K3Q9"],
        ["explain", "FU-7K3Q9"],
        ["tell", "FU-7K3Q9", "fixed"],
        ["resume"],
        ["export", "kim@example.org"],
        ["erase", "kim@example.org"],
        ["learn"],
        ["gift-cards", "list"],
        ["rekey"],
        ["ledger", "copy", "--to", "sqlite:///copy.db"],
    ],
    ids=" ".join,
)
def test_a_command_that_reads_makes_no_ledger_and_says_where_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    directory = ready_to_run(tmp_path)
    before = sorted(directory.rglob("*"))
    assert main([*words, "--config", str(directory)]) == 1
    assert f"there is no ledger at sqlite:///{directory}/state/ledger.db" in capsys.readouterr().err
    assert sorted(directory.rglob("*")) == before


def test_a_copy_of_the_ledger_to_a_mistyped_directory_makes_none(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.fails("ledger", "copy", "--to", f"sqlite:///{tmp_path}/mistyped/ledger.db")
    assert f"there is no directory {tmp_path}/mistyped" in said
    assert not (tmp_path / "mistyped").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["cases"],
        ["letters"],
        ["report"],
        ["calibrate"],
        ["status"],
        ["upgrade"],
        ["case", "FU-7K3Q9"],
        ["tell", "FU-7K3Q9", "fixed"],
        ["resume"],
        ["export", "kim@example.org"],
        ["erase", "kim@example.org"],
        ["learn", "--dry-run"],
        ["gift-cards", "list"],
        ["rekey"],
        ["preview", "follow-up", "--case", "FU-7K3Q9"],
    ],
    ids=" ".join,
)
def test_a_command_closes_the_ledger_however_it_ends(terminal: Terminal, words: list[str]) -> None:
    gc.disable()  # nothing but the command itself may close it
    try:
        terminal.types(*words)
        files = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    finally:
        gc.enable()
        gc.collect()
    # an open connection has the write-ahead log, too; what reads the file's header stays open (`FileWatch`)
    assert not [file for file in files if file.startswith(f"{terminal.directory.parent}/ledger.db-")]


@pytest.mark.parametrize("text", ["", "code,amount\n"], ids=["empty", "a head line alone"])
def test_a_file_without_a_gift_card_is_the_wrong_one(terminal: Terminal, text: str) -> None:
    file = terminal.directory / "cards.csv"
    file.write_text(text)
    assert "there is no card in this file" in terminal.fails("gift-cards", "import", str(file))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["try", "nobody", "--dry-run"], 2, "'nobody' is not a mail address"),
        (["preview", "follow-up", "--language", "nl"], 1, "there are no letters in 'nl'"),
        (["preview", "--serve", "--port", "99999"], 1, "cannot listen on port 99999"),
        (["cases", "--limit", "-1"], 2, "'-1' is no number of items"),
        (["cases", "--owner", "anna"], 0, "there is no agent 'anna' in followupd.toml, only ana"),
        (["erase", "kim@exmaple.org"], 0, "There is no data of 'kim@exmaple.org'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_at_the_command_line_is_told(
    terminal: Terminal, words: list[str], code: int, said: str
) -> None:
    assert said in terminal.fails(*words, code=code)


def test_a_backup_of_nothing_is_no_backup(terminal: Terminal) -> None:
    copy = terminal.directory / "copy.db"
    assert "has no case, and nothing was copied" in terminal.fails("backup", str(copy))
    assert not copy.exists()
    assert b"0 case(s)" in terminal.types("backup", "--even-empty", str(copy)).stdout
    assert copy.exists()


@pytest.mark.parametrize("option", ["--html", "--text", "--eml"])
def test_a_letter_that_cannot_be_written_to_a_file_says_which(terminal: Terminal, option: str) -> None:
    assert "/nowhere/letter cannot be written" in terminal.fails(
        "preview", "follow-up", option, "/nowhere/letter"
    )
    assert "/nowhere/letter cannot be written" in terminal.fails("report", "--html", "/nowhere/letter")


def test_options_may_stand_between_the_words_of_a_list(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("From: kim@customers.test\n\nThank you.\n")
    assert (
        len(terminal.types("read", "-", "--json", str(tmp_path / "mail"), given=b"Hello").stdout.splitlines())
        == 2
    )
    start = "2020-11-20T10:00:00+00:00"
    assert (
        terminal.types("when", "2", "--from", start, "days").stdout
        == terminal.types("when", "2", "days", "--from", start).stdout
    )
    assert "no calendar reaches" in terminal.fails("when", "2", "weeks", "--from", "9999-12-30", code=2)
    assert "no case FU-7K3Q9" in terminal.fails("tell", "FU-7K3Q9", "fixed", "--as", "ana", "hold")
    assert "unrecognized arguments: --loud now" in terminal.fails(
        "when", "2", "days", "--loud", "now", code=2
    )
    assert "unrecognized arguments: ana" in terminal.fails("status", "ana", code=2)


def test_arguments_that_are_no_utf_8_are_rejected(terminal: Terminal) -> None:
    done = terminal.starts("tell", "FU-22222", b"cause: caf\xe9")
    assert done.returncode == 2
    assert b"is not written in UTF-8" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_full_disk_is_reported_in_one_line(terminal: Terminal) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "followupd", "cases", "--json"]
        known = {**os.environ, "FOLLOWUPD_CONFIG": str(terminal.directory)}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=known, check=False)
    assert (done.returncode, done.stderr) == (1, b"followupd: the disk is full\n")


def test_a_terminal_that_knows_ascii_alone_still_shows_a_letter(terminal: Terminal) -> None:
    done = terminal.starts("preview", "follow-up", "--language", "de", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert b"gr\\xfc\\xdfe" in done.stdout.lower() or b"\\xfc" in done.stdout


def test_options_may_stand_before_and_behind_an_action(terminal: Terminal) -> None:
    for words in (
        ("gift-cards", "--json", "list"),
        ("gift-cards", "list", "--json"),
        ("--json", "gift-cards", "list"),
    ):
        assert json.loads(terminal.types(*words).stdout) == []
    place = str(terminal.directory)
    assert terminal.types("gift-cards", "--config", place, "list").returncode == 0
    assert json.loads(terminal.types("resume", "--json").stdout) == {"breaker": "closed"}


def test_a_mail_for_agents_may_be_named_without_its_folder(terminal: Terminal) -> None:
    done = terminal.types("preview", "opened", "--json")
    assert json.loads(done.stdout)["kind"] == "desk/opened"


def test_a_gift_card_is_valid_until_the_day_in_the_file(terminal: Terminal) -> None:
    file = terminal.directory / "codes.csv"
    file.write_text("code,amount,currency,expires\nA-1,20.00,gbp,2028-01-01\nB-2,20,EURO,\nC-3,20,,\n")
    assert "'EURO' is no currency" in terminal.fails("gift-cards", "import", str(file))
    assert terminal.json("gift-cards", "list") == []  # all of a file, or nothing
    file.write_text(file.read_text().replace("EURO", "EUR"))
    terminal.types("gift-cards", "import", str(file))
    found = terminal.json("gift-cards", "list")
    assert [(each["currency"], each["expires"]) for each in found] == [
        ("GBP", "2028-01-01"),
        ("EUR", None),
        ("GBP", None),
    ]
    assert "/nowhere.csv cannot be read" in terminal.fails("gift-cards", "import", "/nowhere.csv")


def test_a_mail_keeps_the_id_that_it_came_with(terminal: Terminal) -> None:
    lines = b'\xef\xbb\xbf{"id": 7, "subject": "Hello", "body": "Where is it?"}\n{"subject": "No id"}\n'
    assert [each["id"] for each in terminal.json("read", "-", given=lines)] == [7, "line 2"]
    assert "nothing was given" in terminal.fails("read", "-", given=b"\n")
    assert "cannot be opened" in terminal.fails("read", "/nowhere.eml")


def test_a_mail_that_is_read_has_its_severity_and_its_wishes(terminal: Terminal) -> None:
    body = "The plug of your lamp has melted. I want my money back."
    given = json.dumps({"body": body}) + '\n{"body": "The parcel came today."}\n'
    grave, plain = terminal.json("read", "-", given=given.encode())
    assert grave["severity"] == "high"
    assert grave["wants"] == [{"wish": "refund", "sentence": "I want my money back."}]
    assert (plain["severity"], plain["wants"]) == (None, [])


def test_compensation_without_an_amount_has_no_currency(terminal: Terminal) -> None:
    [found] = terminal.json("read", "-", given=b'{"body": "A refund is on its way."}')
    assert [(each["amount"], each["currency"]) for each in found["compensation"]] == [(None, None)]  # type: ignore[attr-defined]


def test_a_missing_secret_is_a_problem_of_check_online(terminal: Terminal) -> None:
    (terminal.directory / "credentials/ledger-key").unlink()
    done = terminal.types("check", "--online", "--json")
    assert done.returncode == 1
    assert "ledger.key" in {each["key"] for each in json.loads(done.stdout)}


def test_a_file_that_is_no_ledger_is_reported(terminal: Terminal) -> None:
    ledger = terminal.directory.parent / "ledger.db"
    ledger.write_text("This is a shopping list, and no database. " * 40)
    assert "the ledger's file cannot be read: file is not a database" in terminal.fails("cases")


def test_init_prints_what_it_wrote_and_what_to_do_next(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    lines = typed("init", str(directory)).stdout.decode().splitlines()
    assert len(lines) <= 5
    assert "followupd.toml, playbooks/default.toml, README.md, credentials/ledger-key" in lines[0]
    assert lines[-1] == f"  followupd check --online --config {directory}"


def test_a_customised_letter_is_used_and_listed(terminal: Terminal) -> None:
    name = "templates/en/follow-up.md"
    terminal.types("customise", name)
    letter = terminal.directory / name
    letter.write_text(letter.read_text().replace("subject: Re:", "subject: Again:"))
    assert "Subject: Again:" in str(terminal.types("preview", "follow-up").stdout)
    listed = {each["name"]: each["customised"] for each in terminal.json("customise")}
    assert listed[name]
    assert not listed["templates/de/follow-up.md"]
    assert "exists already" in terminal.fails("customise", name, code=78)
    assert "did you mean" in terminal.fails("customise", "templates/en/followup.md", code=78)


def test_a_changed_original_is_a_warning_of_check(terminal: Terminal) -> None:
    name = "templates/en/follow-up.md"
    terminal.types("customise", name)
    letter = terminal.directory / name
    letter.write_text(letter.read_text() + "\n")
    record = terminal.directory / ".customised.json"
    record.write_text(json.dumps({name: "the digest of another original"}))
    done = terminal.types("check", "--json")
    assert [(each["file"], each["rule"]) for each in json.loads(done.stdout)] == [(name, "C36")]
    assert done.returncode == 0
    terminal.types("customise", "--merged", name)
    assert json.loads(terminal.types("check", "--json").stdout) == []


def test_lists_of_cases_and_letters_take_what_is_wanted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*words: str) -> list[dict[str, object]]:
        assert main([*words, "--json", "--config", str(world.directory)]) == 0
        found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
        return found

    for n in range(3):
        world.customer_writes(
            "My parcel has still not arrived. This is unacceptable.", sender=f"kim{n}@customers.test"
        )
    world.agent_tags("complaint")
    refs = [case["ref"] for case in asked("cases")]
    assert [case["ref"] for case in asked("cases", "--limit", "2")] == refs[-2:]
    assert len(asked("cases", "--owner", "ana", "--since", "2020-12-01")) == len(refs)
    assert (
        asked("cases", "--owner", "lee")
        == asked("cases", "--held")
        == asked("cases", "--since", "2031-01-01")
        == []
    )
    letters = asked("letters")
    assert len(asked("letters", "--case", str(refs[0]))) < len(letters)
    assert {letter["kind"] for letter in asked("letters", "--kind", "desk/opened")} == {"desk/opened"}
    assert asked("letters", "--status", "refused") == []
    assert main(["cases", "--since", "yesterday", "--config", str(world.directory)]) == 1
    assert "neither a date such as 2026-12-01 nor a duration" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["cases"],
        ["case", "FU-CASE"],
        ["explain", "FU-CASE"],
        ["letters"],
        ["report"],
        ["status"],
        ["gift-cards", "list"],
        ["export", "kim@customers.test"],
        ["preview", "confirmation", "--case", "FU-CASE"],
        ["diff", "OLD"],
    ],
    ids=" ".join,
)
def test_a_command_that_reads_waits_for_no_writer(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr("followupd.adapters.storage.database._SQLITE_PRAGMAS", ("busy_timeout = 1",))
    world.customer_writes("My parcel has still not arrived. This is unacceptable.")
    world.agent_tags("complaint")
    known = {"FU-CASE": world.case().ref, "OLD": str(world.directory)}
    with closing(sqlite3.connect(world.directory / "ledger.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        code = main([*(known.get(each, each) for each in words), "--config", str(world.directory)])
        assert "locked" not in capsys.readouterr().err
        assert code == (1 if words == ["status"] else 0)  # no daemon runs


def letters_of(world: World, ref: str) -> list[OutboxEntry]:
    with world.app.ledger.transaction() as tx:
        return tx.outbox.all(case=ref)


def test_a_letter_that_waits_for_the_morning_is_let_go_by_hand(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    night = world.now.replace(hour=19, minute=55)
    world.passes(night)
    world.customer_writes("My parcel has still not arrived. This is unacceptable.")
    world.agent_tags("complaint")
    ref = world.case().ref
    world.passes(night + timedelta(minutes=20))
    before = len(world.letters("confirmation"))
    [key] = [entry.letter.key for entry in letters_of(world, ref) if entry.letter.kind == "confirmation"]
    assert main(["send", key, "--config", str(world.directory)]) == 0
    world.passes(night + timedelta(minutes=21))
    assert len(world.letters("confirmation")) == before + 1
    assert main(["send", key, "--config", str(world.directory)]) == 1
    assert "does not wait for a time" in capsys.readouterr().err


def test_tell_prints_the_letters_that_nobody_has_read(capsys: pytest.CaptureFixture[str]) -> None:
    letter = wrote(LetterKind.FOLLOW_UP)
    _print_unread([letter])
    said = capsys.readouterr().out
    assert said.startswith("\nThe follow-up letter, as it would leave now:\n")
    assert " ".join(letter.text.split()) in " ".join(said.split())
