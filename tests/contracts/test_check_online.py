"""`check --online` says in plain words what each server can do, and what mends what is wrong; `tags` what to make."""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from followupd.adapters.overlay import write_starter
from followupd.cli.main import main
from followupd.services.record import STATUS_TAGS
from tests.journeys.world import configuration
from tests.servers.courier import Courier
from tests.servers.dovecot import Dovecot
from tests.servers.machine import free_ports
from tests.servers.postbox import Postbox
from tests.servers.scripted_imap import ScriptedImap
from tests.servers.smtp import Sink

Make = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path, smtp: Sink, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return what writes a configuration; words change its text before it is written."""

    def make(postbox: Postbox, *changes: tuple[str, str], password: str = "") -> Path:
        monkeypatch.setenv("FOLLOWUPD_TEST_PASSWORD", password or postbox.password)
        directory = tmp_path / "etc"
        write_starter(directory)
        text = configuration(postbox, smtp)
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        (directory / "followupd.toml").write_text(text)
        return directory

    return make


def checked(directory: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]], str]:
    """Return the exit code, the problems and what was said of the servers."""
    code = main(["check", "--online", "--json", "--config", str(directory)])
    output = capsys.readouterr()
    return code, [each for each in json.loads(output.out) if each["rule"] == "O01"], output.err


def test_a_whole_server_is_described(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    postbox = dovecot.account()
    with postbox.client() as client:
        client.create_folder("Recovery/Complaint")
    code, problems, said = checked(made(postbox), capsys)
    assert (code, problems) == (0, [])
    for words in (
        "support: connected with TLSv1",
        "the login works",
        "inbox is INBOX; sent mail is Sent",
        "IDLE: new mail is noticed at once",
        "CONDSTORE: changed tags",
        "tags (keywords) are kept in INBOX and Sent: agents can tag",
        "the server's clock agrees with ours",
        "Recovery/Complaint exists: moving a mail there means 'complaint'",
        "Recovery/Fixed does not exist; create it",
        "smtp: 127.0.0.1:",
        "No login is configured",
        "A message may have 28.6 MiB",
    ):
        assert words in said, words


def test_a_person_reads_the_same_on_the_terminal(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--online", "--config", str(made(dovecot.account()))]) == 0
    said = capsys.readouterr().out
    assert "support: IDLE: new mail is noticed at once" in said
    assert said.endswith("No problems found.\n")


def test_what_a_poor_server_lacks_is_said_with_what_remains(
    degraded_dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    code, problems, said = checked(made(degraded_dovecot.account()), capsys)
    assert (code, problems) == (0, [])
    assert "no IDLE: new mail is noticed when the mailbox is polled" in said
    assert "no CONDSTORE: tags are searched" in said
    assert "clock cannot be read" in said


def test_a_mailbox_without_keywords_names_the_ways_that_remain(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange = {
        "LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" Recovery/Complaint\r\n',
        "SELECT": b"* 0 EXISTS\r\n* OK [PERMANENTFLAGS (\\Seen \\Deleted $MDNSent)] ok\r\n* OK [UIDVALIDITY 7] ok\r\n",
    }
    with ScriptedImap(exchange) as peer:
        where = (
            f'host = "localhost"\nport = {dovecot.imaps}\nsecurity = "tls"',
            f'host = "127.0.0.1"\nport = {peer.port}\nsecurity = "none"',
        )
        _, problems, said = checked(made(dovecot.account(), where), capsys)
    assert problems == []
    assert "connected without encryption, on this machine only" in said
    assert (
        "no tags (keywords) are kept in INBOX; agents can use: moving mails to Recovery/Complaint, answers to desk"
        in said
    )
    assert "to do: `followupd tags folders --make` makes a folder for each tag" in said


def test_many_command_folders_are_counted(
    plain_dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = made(plain_dovecot.account())
    assert main(["tags", "folders", "--make", "--config", str(directory)]) == 0
    capsys.readouterr()
    _, _, said = checked(directory, capsys)
    assert "folders mean orders, such as Recovery/Complaint (complaint)" in said
    assert "`followupd tags folders --make`" not in said
    assert max(map(len, said.splitlines())) < 200


def test_a_folder_that_is_missing_is_named_as_the_server_names_it(
    courier: Courier, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    _, problems, said = checked(made(courier.account()), capsys)
    assert problems == []
    assert "sent mail is INBOX.Sent" in said
    assert "Recovery/Fixed does not exist; create 'INBOX.Recovery.Fixed' on this server" in said


def test_what_keeps_us_out_is_said_with_its_mend_and_without_the_password(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    postbox = dovecot.account()
    directory = made(postbox, password="hunter2-of-support")
    code, [problem], said = checked(directory, capsys)
    assert (code, problem["key"]) == (1, "mailbox[0]")
    assert "login of" in problem["problem"]
    assert "password" in problem["hint"]
    assert "hunter2" not in json.dumps(problem) + said
    assert "smtp: 127.0.0.1:" in said  # one server's trouble hides no other's


@pytest.mark.parametrize(
    ("change", "problem", "hint"),
    [
        (r'ca_file = ".*"', "is not trusted", "ca_file"),
        (r"port = \d+\nsecurity = \"tls\"", "nothing listens", "host or port"),
        (r'host = "localhost"', "is not known", "DNS"),
    ],
    ids=["the system's CAs", "a closed port", "an unknown host"],
)
def test_a_wrong_way_in_is_said_with_its_mend(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str], change: str, problem: str, hint: str
) -> None:
    instead = {"ca_file": 'ca_file = ""', "port": f'port = {free_ports(1)[0]}\nsecurity = "tls"'}
    directory = made(dovecot.account())
    file = directory / "followupd.toml"
    new = instead.get(change.split(" ", maxsplit=1)[0], 'host = "imap.nowhere.invalid"')
    file.write_text(re.sub(change, lambda _: new, file.read_text(), count=1))
    code, [found], _ = checked(directory, capsys)
    assert code == 1
    assert problem in found["problem"]
    assert hint in found["hint"]


def test_a_refused_smtp_login_is_a_problem_of_its_own(
    dovecot: Dovecot, smtp_login: Sink, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    postbox = dovecot.account()
    old = '[smtp]\nhost = "127.0.0.1"\n'
    login = f'username = "support"\npassword = "env:FOLLOWUPD_TEST_PASSWORD"\nca_file = "{postbox.ca_file}"\n'
    directory = made(postbox, (old, old + login))
    file = directory / "followupd.toml"
    head, mark, tail = file.read_text().partition("[smtp]")
    tail = re.sub(
        r"port = \d+\nsecurity = \"none\"", f'port = {smtp_login.port}\nsecurity = "starttls"', tail, count=1
    )
    file.write_text(head + mark + tail)
    code, [problem], _ = checked(directory, capsys)
    assert (code, problem["key"]) == (1, "smtp")
    assert "refused the login of support" in problem["problem"]
    assert postbox.password not in json.dumps(problem)


# Thunderbird


def test_thunderbird_is_told_of_every_tag(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = made(
        dovecot.account(), ("[hours]", '[tags]\n"Reklamation+" = "complaint"\n"hold" = ""\n[hours]')
    )
    assert main(["tags", "thunderbird", "--config", str(directory)]) == 0
    said = capsys.readouterr().out
    prefs = dict(re.findall(r'^user_pref\("(.+?)", "(.*)"\);$', said, re.MULTILINE))
    assert prefs["mailnews.tags.complaint.tag"] == "complaint"
    assert prefs["mailnews.tags.agent-ana.tag"] == "agent-ana"
    assert prefs["mailnews.tags.reklamation=2b.tag"] == "Reklamation+"
    assert "mailnews.tags.hold.tag" not in prefs
    assert {f"mailnews.tags.{mark}.tag" for mark in STATUS_TAGS} <= prefs.keys()
    assert all(
        re.fullmatch("#[0-9A-F]{6}", value) for name, value in prefs.items() if name.endswith(".color")
    )
    assert len({value for name, value in prefs.items() if name.endswith(".ordinal")}) == len(prefs) // 3
    assert "// refund-* is a pattern" in said


def _contrast_on_white(colour: str) -> float:
    """Return the contrast ratio of WCAG 2.1, 1.4.3."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def test_every_tag_can_be_read_on_white_and_every_stage_has_a_colour_of_its_own(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tags", "thunderbird", "--json", "--config", str(made(dovecot.account()))]) == 0
    tags = json.loads(capsys.readouterr().out)
    assert min(_contrast_on_white(tag["color"]) for tag in tags) >= 4.5
    stages = [tag["color"] for tag in tags if tag["key"] in STATUS_TAGS]
    assert len(set(stages)) == len(STATUS_TAGS)
    assert [tag["tag"] for tag in tags][:4] == ["complaint", "kept", "fixed", "hold"]


def test_an_administrator_gets_the_tags_as_policies(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tags", "thunderbird", "--policies", "--config", str(made(dovecot.account()))]) == 0
    preferences = json.loads(capsys.readouterr().out)["policies"]["Preferences"]
    assert preferences["mailnews.tags.complaint.tag"] == {"Value": "complaint", "Status": "default"}
    assert preferences["mailnews.tags.fu-heard.color"]["Value"] == "#3949AB"


def test_programs_get_the_tags_as_json(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tags", "thunderbird", "--json", "--config", str(made(dovecot.account()))]) == 0
    found = {each["key"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["not-complaint"]["tag"] == "not-complaint"
    assert found["fu-heard"]["tag"] == "followupd: heard"


def test_a_server_that_takes_no_letters_of_ours_is_a_problem_and_nothing_is_sent(
    dovecot: Dovecot, made: Make, smtp: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = made(dovecot.account())
    for stage, said, key in (
        ("mail", "does not accept letters from", "smtp.from_address"),
        ("rcpt", "does not accept letters to", "smtp"),
    ):
        smtp.plan(stage, "550 5.7.1 relaying denied")
        code, [problem], _ = checked(directory, capsys)
        assert (code, problem["key"]) == (1, key)
        assert said in problem["problem"]
        assert "relaying denied" in problem["problem"]
        assert problem["line"]
    assert smtp.messages == []


@pytest.mark.parametrize("key", ["inbox", "sent"])
def test_a_folder_that_does_not_exist_is_named_at_its_line_with_those_that_do(
    dovecot: Dovecot, made: Make, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    directory = made(dovecot.account(), ("[smtp]", f'{key} = "Gesendete Post"\n\n[smtp]'))
    code, [problem], _ = checked(directory, capsys)
    lines = (directory / "followupd.toml").read_text().splitlines()
    assert (code, problem["key"]) == (1, f"mailbox[0].{key}")
    assert lines[problem["line"] - 1] == f'{key} = "Gesendete Post"'
    assert "INBOX" in problem["problem"]
    assert "Sent" in problem["problem"]


def test_the_librarys_own_warnings_reach_nobody() -> None:
    assert not logging.getLogger("imapclient.imapclient").isEnabledFor(logging.WARNING)
