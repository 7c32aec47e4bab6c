"""A new user's first fortnight, by the commands alone: init, check, a complaint tagged in NeoMutt, days that pass."""

import email
import email.policy
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.world import configuration, text_of
from tests.servers.dovecot import Dovecot
from tests.servers.forking import Request
from tests.servers.forks import forks, shows
from tests.servers.machine import NotInstalledError, skip, until
from tests.servers.neomutt import Neomutt
from tests.servers.postbox import Postbox
from tests.servers.smtp import Sink

CODE = "KETTLE-9Q2M-7XTR"
COMPLAINT = b"""From: Kim Doe <kim@customers.test>\r
To: support@example.test\r
Subject: Broken kettle\r
Message-ID: <kettle-1@customers.test>\r
Date: Tue, 01 Dec 2026 10:05:00 +0000\r
\r
Hello,\r
the kettle arrived broken and smells. I want my money back.\r
Kim\r
"""


class NewUser:
    """Types commands; the clock is what faketime says."""

    def __init__(self, directory: Path, postbox: Postbox) -> None:
        self.directory, self.postbox = directory, postbox
        self.heard = ""  # all that ever stood on the terminal

    def types(self, *words: str, at: str = "2026-12-01 10:00:00", fails: bool = False) -> str:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "FOLLOWUPD_CONFIG": str(self.directory),
            "FOLLOWUPD_TEST_PASSWORD": self.postbox.password,
            "TZ": "UTC",
            **shows(datetime.fromisoformat(at).replace(tzinfo=UTC)),
        }
        done = forks(faked=True).run(Request(words, environment, str(self.directory.parent)))
        printed, errors = done.stdout.decode(), done.stderr.decode()
        self.heard += printed + errors
        assert "Traceback" not in errors, errors
        assert (done.returncode != 0) is fails, printed + errors
        return printed

    def json(self, *words: str, at: str = "2026-12-01 10:00:00") -> Any:
        return json.loads(self.types(*words, "--json", at=at))


@contextmanager
def copies_delivered(smtp: Sink, postbox: Postbox) -> Iterator[None]:
    """Deliver each blind copy to the mailbox, as a mail server does, while the block runs."""
    stop, done = threading.Event(), 0

    def deliver() -> None:
        nonlocal done
        while not stop.wait(0.05):
            for envelope in smtp.messages[done:]:
                done += 1
                if postbox.address in envelope.rcpt_tos:
                    postbox.deliver(content(envelope.content), sender=postbox.address)

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def content(raw: bytes | str | None) -> bytes:
    return raw.encode() if isinstance(raw, str) else raw or b""


def letters(smtp: Sink, kind: str) -> list[EmailMessage]:
    found = [
        email.message_from_bytes(content(each.content), policy=email.policy.default) for each in smtp.messages
    ]
    return [mail for mail in found if f".{kind}." in str(mail["X-Followupd-Key"])]


@pytest.fixture
def user(tmp_path: Path, dovecot: Dovecot) -> NewUser:
    return NewUser(tmp_path / "etc", dovecot.account("support"))


def test_a_fortnight_with_one_complaint_sends_each_letter_once(user: NewUser, smtp: Sink) -> None:
    postbox = user.postbox
    user.types("init", str(user.directory))
    (user.directory / "followupd.toml").write_text(configuration(postbox, smtp))
    assert user.json("check") == []
    assert "the login works" in user.types("check", "--online")
    (user.directory.parent / "codes.csv").write_text(
        f"code,amount,currency,expires\n{CODE},20.00,EUR,2028-12-31\n"
    )
    user.types("gift-cards", "import", str(user.directory.parent / "codes.csv"))
    user.types("run", "--once", at="2026-12-01 10:00:00")

    with copies_delivered(smtp, postbox):
        postbox.append(COMPLAINT)
        try:
            with Neomutt(postbox) as mutt:
                mutt.tag("Broken kettle", "complaint", "gift-card-20")
                until(
                    lambda: "complaint" in postbox.flags(postbox.uids()[0]),
                    "NeoMutt's tag to reach the server",
                )
        except NotInstalledError as missing:
            skip(str(missing), demanded=False)
        user.types("run", "--once", at="2026-12-01 10:06:00")
        user.types("run", "--once", at="2026-12-01 10:20:00")
        [confirmation] = letters(smtp, "confirmation")
        assert confirmation["In-Reply-To"] == "<kettle-1@customers.test>"
        assert "sorry" in text_of(confirmation)

        [case] = user.json("cases")
        ref = case["ref"]
        told = (
            "kept",
            "fixed",
            "cause: the box was too thin",
            "resolution: the money went back",
            "prevention: our boxes are thicker now",
            "fault: ours",
        )
        user.types("tell", ref, *told, at="2026-12-01 15:00:00")
        for day in (3, 4, 7, 8, 15):
            user.types("run", "--once", at=f"2026-12-{day:02} 15:30:00")
        assert [len(letters(smtp, kind)) for kind in ("confirmation", "follow-up", "gift-card")] == [1, 1, 1]
        assert CODE in text_of(letters(smtp, "gift-card")[0])
        for day in range(10, 20, 3):
            user.types("run", "--once", at=f"2027-01-{day} 15:30:00")
    assert [len(letters(smtp, kind)) for kind in ("confirmation", "follow-up", "gift-card")] == [1, 1, 1]
    view = user.json("case", ref)
    assert {letter["condition"] for letter in view["letters"]} == {"sent"}
    assert [event["event"] for event in view["history"]].count("FollowedUp") == 1
    user.types("explain", ref)
    user.json("gift-cards", "list")
    user.json("letters")
    assert CODE not in user.heard
    assert all(CODE.encode() not in file.read_bytes() for file in user.directory.glob("ledger.db*"))
