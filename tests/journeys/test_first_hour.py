"""An admin's first hour: init asks little and finds the rest, and the first letter is seen at once."""

import json
import os
import pty
import re
import socket
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

from followupd.adapters.network import MailServer, find_servers, query_dns
from followupd.adapters.settings import load
from followupd.cli.main import COMMANDS, completion, main, man_page
from followupd.domain.keys import StateKey
from followupd.errors import SetupError
from tests.journeys.world import World
from tests.servers.dovecot import Dovecot
from tests.servers.name_server import NameServer
from tests.servers.smtp import Sink
from tests.story.configured import ready_to_run

ADDRESS = "support@acme.test"
AUTOCONFIG = b"""<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="acme.test">
  <incomingServer type="pop3"><hostname>pop.acme.test</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
  <incomingServer type="imap"><hostname>plain.acme.test</hostname><port>143</port><socketType>plain</socketType></incomingServer>
  <incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
    <username>%EMAILLOCALPART%</username></incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.acme.test</hostname><port>587</port><socketType>STARTTLS</socketType>
    <username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>"""


def no_page(_url: str) -> bytes:
    return b""


def no_record(_name: str, _kind: int) -> list[tuple[int, int, str]]:
    return []


def test_the_domains_own_autoconfiguration_is_taken_and_only_what_is_encrypted() -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return AUTOCONFIG

    found = find_servers(ADDRESS, fetch, no_record)
    assert found is not None
    assert found.imap == MailServer("imap.acme.test", 993, "tls", "support")
    assert found.smtp == MailServer("smtp.acme.test", 587, "starttls", ADDRESS)
    assert all(url.startswith("https://") for url in asked)


@pytest.mark.parametrize("page", [b"", b"<html>", b"not found", b"<clientConfig/>", AUTOCONFIG[:300]])
def test_the_records_of_the_domain_are_asked_where_it_has_no_page(page: bytes) -> None:
    def resolve(name: str, _kind: int) -> list[tuple[int, int, str]]:
        records = {
            "_imaps._tcp.acme.test": [(20, 993, "second.acme.test"), (10, 993, "imap.acme.test")],
            "_submissions._tcp.acme.test": [(0, 0, "")],
            "_submission._tcp.acme.test": [(0, 587, "smtp.acme.test")],
        }
        return records.get(name, [])

    found = find_servers(ADDRESS, lambda _: page, resolve)
    assert found is not None
    assert found.imap == MailServer("imap.acme.test", 993, "tls", ADDRESS)
    assert found.smtp == MailServer("smtp.acme.test", 587, "starttls", ADDRESS)


def test_a_known_provider_is_told_by_where_the_mail_goes() -> None:
    mx = {"acme.test": [(10, 0, "in1-smtp.messagingengine.com")]}
    found = find_servers(ADDRESS, no_page, lambda name, kind: mx.get(name, []) if kind == 15 else [])
    assert found is not None
    assert (found.imap.host, found.smtp.host) == ("imap.fastmail.com", "smtp.fastmail.com")
    assert find_servers(ADDRESS, no_page, no_record) is None


def test_services_and_hosts_are_looked_up_by_dns() -> None:
    records = {
        ("_imaps._tcp.acme.test", "SRV"): ["10 5 993 Imap.acme.test."],
        ("_imap._tcp.acme.test", "SRV"): ["0 0 0 ."],
        ("acme.test", "MX"): ["10 mx.acme.test."],
    }
    with NameServer(records) as server:
        assert query_dns("_imaps._tcp.acme.test", 33, server.place) == [(10, 993, "imap.acme.test")]
        assert query_dns("_imap._tcp.acme.test", 33, server.place) == [(0, 0, "")]
        assert query_dns("acme.test", 15, server.place) == [(10, 0, "mx.acme.test")]
        assert query_dns("acme.test", 33, server.place) == []
        assert query_dns("other.test", 15, server.place) == []


def test_a_name_server_that_is_no_answer_finds_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        place = server.getsockname()
    assert query_dns("_imaps._tcp.acme.test", 33, place) == []


# --- init ---


def test_init_needs_five_answers_and_checks_them_at_the_servers(
    tmp_path: Path,
    dovecot: Dovecot,
    smtp: Sink,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    postbox = dovecot.account()
    password = tmp_path / "password"
    password.write_text(f"{postbox.password}\n")
    directory = tmp_path / "etc"
    given = {
        "--address": postbox.address,
        "--password-file": str(password),
        "--company": 'Müller & "Söhne"',
        "--agent": "Ana Reyes <ana@agents.test>",
        "--phone": "+49 30 12345678",
        "--imap": f"tls://{postbox.host}:{postbox.port}",
        "--smtp": f"none://127.0.0.1:{smtp.port}",
        "--ca-file": str(postbox.ca_file),
    }
    words = [word for pair in given.items() for word in pair]
    assert main(["init", str(directory), *words]) == 0
    said = capsys.readouterr().out
    assert "the login works" in said
    settings = load(directory)
    assert (settings.company.name, settings.company.locale, settings.company.currency) == (
        'Müller & "Söhne"',
        "de_DE",
        "EUR",
    )
    assert settings.mailboxes[0].address == postbox.address
    assert settings.team.agents[0].id == "ana"
    assert settings.mailboxes[0].password.reveal() == postbox.password
    assert (directory / "credentials/imap").stat().st_mode & 0o777 == 0o600
    assert postbox.password not in said + (directory / "followupd.toml").read_text()
    assert settings.smtp.username == ""  # a server on this machine that offers no login is asked for none
    toml = (directory / "followupd.toml").read_text()
    assert "# yours: letters are signed by a person" in toml  # its comments stay


def on_a_terminal(*words: str, answers: list[tuple[str, str]]) -> str:
    """Run a command on a terminal of its own, and answer each question as it comes; return what the screen showed."""
    process, screen = pty.fork()
    if not process:
        os.execv(sys.executable, [sys.executable, "-m", "followupd", *words])
    shown, seen, left = "", 0, list(answers)
    try:
        with suppress(OSError):  # the end of the process closes the terminal
            while said := os.read(screen, 65536):
                shown += said.decode(errors="replace")
                while left and left[0][0] in shown[seen:]:
                    seen = shown.index(left[0][0], seen) + len(left[0][0])
                    os.write(screen, f"{left.pop(0)[1]}\n".encode())
    finally:
        os.close(screen)  # which ends a process that still waits for an answer
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert not left, (left, shown)
    return shown


def test_a_mistake_at_the_terminal_is_asked_for_again_and_so_is_a_password_that_is_refused(
    tmp_path: Path, dovecot: Dovecot, smtp: Sink
) -> None:
    postbox, directory = dovecot.account(), tmp_path / "etc"
    shown = on_a_terminal(
        "init",
        str(directory),
        *("--smtp", f"none://127.0.0.1:{smtp.port}", "--ca-file", str(postbox.ca_file)),
        answers=[
            ("customers write to:", "support"),
            ("is not a mail address", postbox.address),
            ("The password of", "a typo"),
            ("company's name", ""),
            ("customers know it:", "Acme Ltd"),
            ("Who answers them", "ana@agents.test"),
            ("Write the name", f"Ana Reyes <{postbox.address}>"),
            ("only this person reads", "Ana Reyes <ana@agents.test>"),
            ("direct phone", "12345 ext. 6"),
            ("has an extension", "+49 30 12345678"),
            ("The IMAP server", f"tls://{postbox.host}:{postbox.port}"),
            (
                "The password of",
                postbox.password,
            ),  # what is typed before the question is thrown away with the echo
        ],
    )
    assert "Another password" in shown
    assert "the login works" in shown
    assert "No problems found." in shown
    assert postbox.password not in shown
    settings = load(directory)
    assert settings.mailboxes[0].password.reveal() == postbox.password
    assert settings.team.agents[0].phone == "+49 30 12345678"


def test_a_directory_that_is_taken_is_said_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "followupd.toml").write_text("[company]\n")
    assert main(["init", str(tmp_path), "--address", "support@acme.test"]) == SetupError.exit_code
    said = capsys.readouterr()
    assert "exists already" in said.err
    assert "servers" not in said.err


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_the_locale_of_a_bare_machine_is_no_companys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    directory = tmp_path / "etc"
    main(["init", str(directory), "--company", "Acme", "--imap", "a.acme.test", "--smtp", "b.acme.test"])
    company = load(directory).company
    assert (company.locale, company.currency) == ("en_GB", "GBP")


def test_init_without_answers_writes_the_starter_and_check_names_what_is_still_an_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "etc"
    assert main(["init", str(directory)]) == 0
    capsys.readouterr()
    assert main(["check", "--json", "--config", str(directory)]) == 1
    keys = {each["key"] for each in json.loads(capsys.readouterr().out) if each["rule"] == "C37"}
    assert keys >= {"company.name", "mailbox[0].address", "smtp.host", "agent[0].email", "agent[0].phone"}
    assert not any(key.startswith("agent[1]") for key in keys)  # one agent, and nobody else's leads
    assert main(["run", "--once", "--config", str(directory)]) == SetupError.exit_code


# --- install-service ---


def installed(root: Path, directory: Path, *words: str) -> int:
    return main(["install-service", "--root", str(root), "--config", str(directory), *words])


def test_the_unit_starts_this_installation_and_hands_over_what_the_configuration_names(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "etc"
    directory.mkdir()
    ready_to_run(directory)
    assert installed(tmp_path / "root", directory) == 0
    units = tmp_path / "root/etc/systemd/system"
    unit = (units / "followupd.service").read_text()
    assert f"ExecStart={Path(sys.executable).parent}/followupd run --config {directory}\n" in unit
    loaded = re.findall(r"^LoadCredential=(.+?):", unit, re.MULTILINE)
    assert loaded == ["imap", "ledger-key"]  # the server for letters needs no password here
    several = (units / "followupd@.service").read_text()
    assert "run --config /etc/followupd/%i\n" in several
    assert "StateDirectory=followupd/%i\n" in several


def test_a_unit_that_somebody_has_changed_is_replaced_only_when_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "root"
    assert installed(root, tmp_path) == 0
    assert installed(root, tmp_path) == 0
    unit = root / "etc/systemd/system/followupd.service"
    unit.write_text("[Unit]\n")
    assert installed(root, tmp_path) == 1
    assert "/etc/systemd/system/followupd.service: changed" in capsys.readouterr().err
    assert unit.read_text() == "[Unit]\n"
    assert installed(root, tmp_path, "--force") == 0
    assert "ExecStart=" in unit.read_text()


def test_every_command_and_option_has_its_place_in_the_man_page_and_the_completion() -> None:
    page, words = man_page("1.0").replace(r"\-", "-"), completion()
    for name in COMMANDS:
        assert f".B followupd {name}" in page
        assert f"    {name}) " in words
    assert "FU-7K3Q9" in page
    script = (
        f'{words}\nCOMP_WORDS=(followupd settle KEY re); COMP_CWORD=3; _followupd; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["resend"]


def test_the_wheel_has_what_an_admin_reads_and_installs() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {"systemd", "docs", "config", "templates", "CHANGELOG.md"} <= set(included)
    assert all(place.startswith("followupd/starter/") for place in included.values())


# --- try ---


def test_the_first_letter_is_seen_at_once_and_nobody_else_hears_of_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(world.smtp.messages)
    words = ["try", "me@elsewhere.test", "--config", str(world.directory)]
    assert main([*words, "--dry-run"]) == 0
    assert len(world.smtp.messages) == before
    assert main(words) == 0
    output = capsys.readouterr()
    assert "--- to ana@agents.test ---" in output.out  # what the agent would get
    assert "The letter to me@elsewhere.test was accepted by the server" in output.err
    [envelope] = world.smtp.messages[before:]
    assert envelope.rcpt_tos == ["me@elsewhere.test"]
    assert world.passes().cases() == []  # the real ledger and its daemon know of nothing
    with world.app.ledger.transaction() as tx:
        assert tx.state.get(StateKey.BREAKER) is None


def test_an_agents_address_gets_no_first_letter(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "ana@agents.test", "--config", str(world.directory)]) == 1
    assert "No letter was written" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "R\xfcckgabe".encode("latin-1")], ids=["missing", "Latin-1"])
def test_a_complaint_of_ones_own_that_cannot_be_read_is_named(
    world: World, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    file = world.directory / "complaint.txt"
    if content:
        file.write_bytes(content)
    assert main(["try", "me@elsewhere.test", "--text", str(file), "--config", str(world.directory)]) == 1
    assert f"{file} cannot be read" in capsys.readouterr().err
