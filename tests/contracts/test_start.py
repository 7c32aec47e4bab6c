"""A start demands readable secrets, a ledger that can be used, and letters without mistakes; `check` names the same."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import followupd
from followupd.adapters.crypto import Vault
from followupd.adapters.overlay import shipped_directory, template_files
from followupd.adapters.settings import load
from followupd.adapters.storage.ledger import Ledger, WrongKeyError
from followupd.app.check import blocking_problems, configuration_problems, without_warnings
from followupd.app.container import build
from followupd.app.cycle import MAX_CYCLES, _run_until_done
from followupd.cli.main import main
from tests.contracts.test_ledger import incoming
from tests.story.configured import ready_to_run, store_secrets

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)

STEP = """[[next_step]]
text = "We guarantee that this never happens again!!!"
within = "2 business days"
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A configuration with copies of the shipped letters."""
    shutil.copytree(shipped_directory() / "templates", tmp_path / "templates")
    return ready_to_run(tmp_path)


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


# --- what else a start demands ---


def first(directory: Path) -> tuple[str, str]:
    """Return rule and key of the first problem that `check` and `run` both name."""
    problems = blocking_problems(directory, NOW)
    assert problems == without_warnings(configuration_problems(directory, NOW))
    return problems[0].rule, problems[0].key or ""


def without_the_password(directory: Path) -> None:
    (directory / "credentials/imap").unlink()


def with_an_empty_password(directory: Path) -> None:
    (directory / "credentials/imap").write_text("\n")


def without_the_ledgers_key(directory: Path) -> None:
    (directory / "credentials/ledger-key").unlink()


def with_a_key_that_can_be_guessed(directory: Path) -> None:
    (directory / "credentials/ledger-key").write_text("abc\n")


def with_a_file_in_the_place_of_the_ledgers_directory(directory: Path) -> None:
    (directory / "state").write_text("")


def with_a_ledger_in_a_directory_that_does_not_exist(directory: Path) -> None:
    change(directory, "sqlite:///state", f"sqlite:///{directory.parent}/folowupd")


def with_a_password_of_two_lines(directory: Path) -> None:
    (directory / "credentials/imap").write_text("old\nnew\n")


def with_a_ledger_that_is_no_database(directory: Path) -> None:
    (directory / "state").mkdir()
    (directory / "state/ledger.db").write_text("certainly not SQLite " * 100)


def with_the_key_of_another_ledger(directory: Path) -> None:
    build(load(directory)).ledger.upgrade()
    store_secrets(directory)


def with_the_starters_company(directory: Path) -> None:
    change(directory, "Acme Ltd", "Example Ltd")


def with_the_starters_colleague(directory: Path) -> None:
    change(directory, "ana@acme.test", "ana@example.com")


def with_the_starters_phone(directory: Path) -> None:
    change(directory, "+44 20 7123 4018", "+44 20 7946 0018")


def with_the_starters_server(directory: Path) -> None:
    change(directory, "imap.acme.test", "imap.example.com")


def change(directory: Path, old: str, new: str) -> None:
    file = directory / "followupd.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("mistake", "rule", "key"),
    [
        (without_the_password, "C14", "mailbox[0].password"),
        (with_an_empty_password, "C14", "mailbox[0].password"),
        (without_the_ledgers_key, "C14", "ledger.key"),
        (with_a_key_that_can_be_guessed, "C14", "ledger.key"),
        (with_a_file_in_the_place_of_the_ledgers_directory, "C29", "ledger.url"),
        (with_a_ledger_in_a_directory_that_does_not_exist, "C29", "ledger.url"),
        (with_a_password_of_two_lines, "C14", "mailbox[0].password"),
        (with_a_ledger_that_is_no_database, "C29", "ledger.url"),
        (with_the_key_of_another_ledger, "C29", "ledger.url"),
        (with_the_starters_company, "C37", "company.name"),
        (with_the_starters_colleague, "C37", "agent[0].email"),
        (with_the_starters_phone, "C37", "agent[0].phone"),
        (with_the_starters_server, "C37", "mailbox[0].host"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_check_names_what_keeps_the_daemon_from_starting(
    directory: Path, mistake: Callable[[Path], None], rule: str, key: str
) -> None:
    assert blocking_problems(directory, NOW) == []
    mistake(directory)
    assert first(directory) == (rule, key)


@pytest.mark.parametrize(
    ("listen", "is_open"), [("0.0.0.0:9099", True), ("192.0.2.7:9099", True), ("127.0.0.1:9099", False)]
)
def test_metrics_that_other_machines_can_read_are_a_warning(
    directory: Path, listen: str, *, is_open: bool
) -> None:
    with (directory / "followupd.toml").open("a") as file:
        file.write(f'\n[metrics]\nlisten = "{listen}"\n')
    found = [(each.rule, each.key) for each in configuration_problems(directory, NOW)]
    assert found == ([("C45", "metrics.listen")] if is_open else [])
    assert blocking_problems(directory, NOW) == []


def test_a_check_makes_neither_a_ledger_nor_its_directory(directory: Path) -> None:
    assert configuration_problems(directory, NOW) == []
    assert not (directory / "state").exists()


def test_a_ledger_refuses_another_key_until_the_old_one_stands_below_it(directory: Path) -> None:
    url = f"sqlite:///{directory}/ledger.db"
    old, new = os.urandom(32), os.urandom(32)
    Ledger(url, Vault([old])).upgrade()
    with pytest.raises(WrongKeyError):
        Ledger(url, Vault([new])).upgrade()
    Ledger(url, Vault([new, old])).upgrade()
    assert WrongKeyError.exit_code == 78  # systemd does not start it again and again


def test_root_is_warned_of_a_file_that_the_services_user_cannot_read(directory: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("skipped, because only root reads files that its service may not")
    (directory / "templates/en/holding.md").chmod(0o600)
    (directory / "playbooks").chmod(0o700)
    found = [(each.file, each.rule) for each in configuration_problems(directory, NOW)]
    assert found == [("playbooks", "C40"), ("templates/en/holding.md", "C40")]


def test_a_language_that_was_copied_and_not_translated_is_named_letter_by_letter(directory: Path) -> None:
    shutil.copytree(directory / "templates/en", directory / "templates/nl")
    part = directory / "templates/nl/delay.md"
    part.write_text('{% include "en/_signature.md" %}\n' + part.read_text())
    found = [each for each in configuration_problems(directory, NOW) if each.rule == "C41"]
    named = {each.file for each in found}
    assert {"templates/nl/follow-up.md", "templates/nl/confirmation.md"} <= named
    assert not any(file.startswith(("templates/en", "templates/de")) for file in named)
    assert ("templates/nl/delay.md", 1) in {(each.file, each.line) for each in found}
    assert without_warnings(found) == []


def test_a_new_language_begins_with_what_is_to_be_translated_and_check_says_what_is_left(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(directory), "--language", "nl"]) == 0
    files = [Path(line.removeprefix("Wrote ")) for line in capsys.readouterr().out.splitlines()[:-1]]
    assert directory / "templates/nl/follow-up.md.example" in files
    assert directory / "languages/nl/promises.toml.example" in files
    assert not (directory / "languages/nl/language.toml.example").exists()  # which is shipped
    settings = load(directory)
    assert "nl" not in template_files(directory, settings.company).languages()  # nothing is used yet

    done = directory / "templates/nl/holding.md"
    done.with_name("holding.md.example").rename(done)
    done.write_text(done.read_text().replace("Dear", "Beste").replace("I am", "Ik ben"))
    found = configuration_problems(directory, NOW)
    assert {(each.file, each.rule) for each in found} >= {("templates/nl", "C41"), ("languages/nl", "C41")}
    letters = next(each.problem for each in found if each.file == "templates/nl")
    assert "follow-up.md" in letters
    assert "holding.md" not in letters
    assert without_warnings([each for each in found if each.rule == "C41"]) == []


@pytest.mark.parametrize(
    ("tag", "why"), [("de", "is a language that followupd ships"), ("Dutch", "is no language")]
)
def test_a_language_that_is_there_or_is_none_is_not_begun(
    directory: Path, capsys: pytest.CaptureFixture[str], tag: str, why: str
) -> None:
    before = sorted(directory.rglob("*"))
    assert main(["init", str(directory), "--language", tag]) == 78
    assert why in capsys.readouterr().err
    assert sorted(directory.rglob("*")) == before


def test_a_language_without_letters_is_a_warning(directory: Path) -> None:
    change(directory, 'timezone = "Europe/London"', 'timezone = "Europe/Rome"\nlocale = "it_IT"')
    [found] = [each for each in configuration_problems(directory, NOW) if each.rule == "C41"]
    assert (found.file, found.key) == ("followupd.toml", "company.locale")
    assert "'it'" in found.problem


@pytest.mark.parametrize(
    "keep", ["", "[cues]\nexplicit = ['complain*']\n"], ids=["without groups", "one phrase"]
)
def test_a_language_with_next_to_no_phrases_in_a_group_is_a_warning(directory: Path, keep: str) -> None:
    file = directory / "languages/en/complaints.toml"
    file.parent.mkdir(parents=True)
    shipped = (Path(followupd.__file__).parent / "languages/en/complaints.toml").read_text()
    file.write_text(re.sub(r"(?ms)^\[cues\]\n.*?(?=^\[)", lambda _: keep or "[cues]\n", shipped))
    found = [each for each in configuration_problems(directory, NOW) if each.rule == "C44"]
    assert {"cues.explicit"} <= {each.key for each in found}
    assert all(each.line for each in found)
    assert without_warnings(found) == []
    file.write_text(shipped)
    assert not [each for each in configuration_problems(directory, NOW) if each.rule == "C44"]


def test_a_rule_of_wording_and_a_step_are_found_at_their_lines_with_what_was_meant(directory: Path) -> None:
    (directory / "wording.toml").write_text('[rules]\nW99 = "off"\n[phrases.en]\njargons = ["RMA"]\n')
    playbook = directory / "playbooks/default.toml"
    text = playbook.read_text() + STEP
    playbook.write_text(text)
    found = configuration_problems(directory, NOW)
    wording = {each.key: (each.line, each.hint) for each in found if each.file == "wording.toml"}
    assert wording["rules.W99"][0] == 2
    assert wording["phrases.en.jargons"] == (4, "did you mean 'jargon'?")
    steps = [each for each in found if each.rule.startswith("W") and each.file == "playbooks/default.toml"]
    assert {each.line for each in steps} == {text[: text.index("guarantee")].count("\n") + 1}


@pytest.mark.parametrize(
    ("typed", "marks"),
    [
        ("<br>", "<br>"),
        ('<a href="https://acme.test">terms</a>', '<a href="https://acme.test">'),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| 1 | 2 |"),
        ("[terms](javascript:alert(1))", "](javascript:alert(1)"),
        ("![logo](logo.png)", "![logo](logo.png)"),
        ("<!-- for us -->", "<!--"),
        ("~~old~~", "~~old~~"),
        ("[b]bold[/b]", "[b]"),
        ("- [ ] a box", "- [ ]"),
        ("a note[^1]", "[^1]"),
    ],
)
def test_markup_that_a_letter_does_not_know_is_named_with_its_line_and_nothing_else_is(
    directory: Path, typed: str, marks: str
) -> None:
    file = directory / "templates/en/holding.md"
    text = f"{file.read_text()}\n{typed}\n"
    file.write_text(text)
    found = [each for each in configuration_problems(directory, NOW) if each.file.endswith("en/holding.md")]
    assert {each.rule for each in found} == {"W20"}
    lines = {text.splitlines()[(each.line or 0) - 1] for each in found}
    assert lines <= {*typed.splitlines(), ""}, found
    assert any(marks in each.problem for each in found)


def test_words_that_a_part_brings_into_a_letter_are_named_in_the_part(directory: Path) -> None:
    part = directory / "templates/en/_signature.md"
    part.write_text(part.read_text() + "\nWe guarantee\nthat all is well.\n")
    found = {(each.file, each.line) for each in configuration_problems(directory, NOW) if each.rule == "W07"}
    assert found == {("templates/en/_signature.md", part.read_text().count("\n") - 1)}


def test_a_playbook_that_is_none_by_its_name_is_a_warning(directory: Path) -> None:
    (directory / "playbooks/returns.tml").write_text('owner = "ana"\n')
    (directory / "playbooks/old.toml~").write_text("")
    [found] = configuration_problems(directory, NOW)
    assert (found.file, found.rule) == ("playbooks/returns.tml", "C42")


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("template/en/holding.md", "template", "'templates'"),
        ("playbook/returns.toml", "playbook", "'playbooks'"),
        ("language/en/wording.toml", "language", "'languages'"),
        ("compnaies/garden/playbooks/x.toml", "compnaies", "'companies'"),
        ("wordings.toml", "wordings.toml", "'wording.toml'"),
        ("templates/holding.md", "templates/holding.md", "the folder of its language"),
    ],
)
def test_what_is_not_read_because_of_its_name_is_a_warning(
    tmp_path: Path, name: str, said: str, hint: str
) -> None:
    directory = ready_to_run(tmp_path)
    for notes in ("notes.txt", "README.md", "letters.md", "credentials.old/x", ".git/config"):
        (directory / notes).parent.mkdir(exist_ok=True)
        (directory / notes).write_text("")
    assert configuration_problems(directory, NOW) == []
    if said == "playbook":
        (directory / "playbooks").rename(directory / said)
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text("")
    found = [each for each in configuration_problems(directory, NOW) if each.rule == "C42"]
    assert [each.file for each in found] == [said]
    assert hint in found[0].hint


def test_a_secret_that_is_a_pipe_is_a_problem_and_nothing_waits_for_it(directory: Path) -> None:
    (directory / "credentials/imap").unlink()
    os.mkfifo(directory / "credentials/imap")
    assert first(directory) == ("C14", "mailbox[0].password")


def test_a_secret_that_others_can_read_is_a_warning_wherever_it_is(directory: Path) -> None:
    (directory / "credentials").chmod(0o755)
    (directory / "credentials/imap").chmod(0o644)
    [found] = configuration_problems(directory, NOW)
    assert (found.rule, found.key) == ("C15", "mailbox[0].password")


# --- run --once ---


@dataclass
class SlowHouse:
    """Services of which one handles a single mail in each cycle, and the others have nothing to do."""

    ledger: Ledger
    stuck: bool = False
    cycles: int = 0

    def run(self, _now: datetime, _go_on: Callable[[], bool] = bool) -> int:
        self.cycles += 1
        with self.ledger.transaction() as tx:
            waiting = tx.mail.unprocessed(1)
            for mail in waiting if not self.stuck else ():
                tx.mail.mark_processed(mail.id, reason="seen")
        return len(waiting)

    def app(self) -> Any:
        idle = SimpleNamespace(
            run=lambda *_: 0,
            refresh=lambda _: None,
            recover_interrupted=lambda _: 0,
            resolve_in_doubt=lambda _: 0,
            flooded=lambda _: 0,
            breaker_opened=lambda _: 0,
            undelivered=lambda *_: 0,
        )
        names = (
            "absences",
            "training",
            "commands",
            "review",
            "digest",
            "monthly",
            "cases",
            "gift_cards",
            "notices",
            "calibration",
        )
        services = dict.fromkeys((*names, "sender", "reconciler", "retention"), idle)
        settings = SimpleNamespace(mailboxes=(), gift_cards=SimpleNamespace(admin=""))
        return SimpleNamespace(ledger=self.ledger, settings=settings, router=self, **services)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SlowHouse]:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", Vault([os.urandom(32)]))
    ledger.upgrade()
    with ledger.transaction() as tx:
        tx.mail.store([incoming(uid, text=f"mail {uid}") for uid in range(1, 3 * MAX_CYCLES)], NOW)
    yield SlowHouse(ledger)
    ledger.close()


def test_a_single_run_goes_on_until_nothing_is_left(house: SlowHouse) -> None:
    assert _run_until_done(house.app(), NOW, {}) == 0
    assert house.cycles == 3 * MAX_CYCLES


def test_a_single_run_that_gets_nowhere_ends_and_says_how_much_is_left(house: SlowHouse) -> None:
    house.stuck = True
    assert _run_until_done(house.app(), NOW, {}) == 3 * MAX_CYCLES - 1
    assert house.cycles == MAX_CYCLES
