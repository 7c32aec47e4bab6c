"""A lookback over IMAP changes nothing: not a flag, not \\Recent, not MODSEQ; and it needs a login alone."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from imapclient import IMAPClient

from followupd.adapters.overlay import write_starter
from followupd.cli.main import main
from tests.journeys.world import configuration
from tests.servers.dovecot import Dovecot
from tests.servers.postbox import Postbox
from tests.servers.smtp import Sink
from tests.story.test_lookback import a_reply, customer_mail

State = dict[str, tuple[object, ...]]


@pytest.fixture
def postbox(dovecot: Dovecot) -> Postbox:
    box = dovecot.account()
    box.append(customer_mail("The kettle has not come, and nobody answers. I am very disappointed."))
    box.append(customer_mail("Thanks", number=2), flags=["\\Seen", "invoice"])
    with box.client() as client:
        if not client.folder_exists("Sent"):
            client.create_folder("Sent")
        client.create_folder("Older")
    box.append(a_reply("I will send you a new kettle by Friday."), folder="Sent")
    box.append(
        customer_mail("My lamp arrived broken!", number=3, at="Mon, 5 Oct 2026 10:00:00 +0000"),
        folder="Older",
    )
    return box


def state(box: Postbox) -> State:
    """Return all that a client can see of every folder."""
    found: State = {}
    with box.client() as client:
        for _, _, name in client.list_folders():
            found[name] = _folder(client, name)
    return found


def _folder(client: IMAPClient, name: str) -> tuple[object, ...]:
    status = client.folder_status(
        name, ["MESSAGES", "RECENT", "UNSEEN", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ"]
    )
    client.select_folder(name, readonly=True)
    rows = client.fetch(client.search(), ["FLAGS", "MODSEQ", "UID"]) if status[b"MESSAGES"] else {}
    return sorted(status.items()), sorted(
        (uid, sorted(row[b"FLAGS"]), row[b"MODSEQ"]) for uid, row in rows.items()
    )


def login(box: Postbox, ca_file: str, tmp_path: Path) -> list[str]:
    password = tmp_path / "password"
    password.write_text(box.password)
    place = [
        "--mailbox",
        box.address,
        "--username",
        box.username,
        "--imap",
        f"tls://localhost:{box.port}",
        "--ca-file",
        ca_file,
    ]
    return ["lookback", *place, "--password-file", str(password), "--config", str(tmp_path / "none")]


def test_a_mailbox_is_the_same_before_and_after(
    postbox: Postbox, ca_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(postbox)
    assert main([*login(postbox, ca_file, tmp_path), "--json", "--us", "support@example.test"]) == 0
    view = json.loads(capsys.readouterr().out)
    assert (view["mails"], view["promises"], view["forgotten"]) == (3, 1, 1)
    assert state(postbox) == before


def test_a_mailbox_of_the_configuration_is_read_without_a_ledger(
    postbox: Postbox,
    smtp: Sink,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOLLOWUPD_TEST_PASSWORD", postbox.password)
    write_starter(tmp_path / "etc")
    text = configuration(postbox, smtp)
    name = tomllib.loads(text)["mailbox"][0]["name"]
    (tmp_path / "etc/followupd.toml").write_text(text)
    before = sorted(path for path in tmp_path.rglob("*"))
    for words in (["--mailbox", name], []):
        assert main(["lookback", *words, "--json", "--config", str(tmp_path / "etc")]) == 0
        view = json.loads(capsys.readouterr().out)
        assert (view["mails"], view["forgotten"]) == (3, 1)
    assert sorted(path for path in tmp_path.rglob("*")) == before
    assert smtp.messages == []


def test_named_folders_are_read_too_and_a_wrong_name_is_told(
    postbox: Postbox, ca_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*login(postbox, ca_file, tmp_path), "--json", "--us", "support@example.test"]
    assert main([*words, "--folder", "Older"]) == 0
    assert json.loads(capsys.readouterr().out)["mails"] == 4
    assert main([*words, "--folder", "Odler"]) == 1
    assert re.search(r"no folder Odler; it has .*Older", capsys.readouterr().err)


def test_a_wrong_password_is_told_in_one_line(postbox: Postbox, ca_file: str, tmp_path: Path) -> None:
    words = login(postbox, ca_file, tmp_path)
    (tmp_path / "password").write_text("wrong")
    done = subprocess.run(
        [sys.executable, "-m", "followupd", *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert "refused" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "wrong" not in done.stderr
