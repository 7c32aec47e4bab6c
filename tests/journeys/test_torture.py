"""Hundreds of deaths and cuts over Dovecot and a real SMTP server (`make torture`), and what was tried, in a table."""

import os
import random
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from tests.journeys.service import Service, ends
from tests.servers.dovecot import Dovecot
from tests.servers.machine import LIMIT, until
from tests.servers.manager import Manager
from tests.servers.smtp import DROP, DROP_BEFORE, KEEP, Action, Sink

KILLS = int(os.environ.get("FOLLOWUPD_TORTURE_KILLS") or 300)
COMPLAINT = "My parcel {0} has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
POST = """[smtp]
breaker = "100000 per hour"
witness_within = "3 seconds\""""
#: what the SMTP server does at which stage
CUTS: list[tuple[str, list[Action]]] = [
    ("ehlo", [DROP_BEFORE]),
    ("mail", [DROP_BEFORE]),
    ("rcpt", [DROP_BEFORE]),
    ("data", [DROP_BEFORE]),
    ("data", [DROP]),
    ("data", [KEEP, 2.0]),
    ("data", [2.0]),
    ("mail", ["451 4.3.0 later"]),
    ("rcpt", ["450 4.2.1 later"]),
    ("data", ["452 4.2.2 later"]),
    ("data", ["nonsense"]),
    ("ehlo", [1.0]),
    ("rcpt", [1.0]),
]
#: what the daemon says as it goes; it is killed at one of them
STEPS = (
    "daemon-started",
    "daemon-ready",
    "messages-stored",
    "case-opened",
    r"letter-written key=\S+desk/opened\.1",
    r"letter-written key=\S+confirmation\.1",
    r"letter-sending key=\S+confirmation\.1",
    r"letter-sent key=\S+confirmation\.1",
    "name=NextStepConfirmed",
    "letter-confirmed",
)

pytestmark = pytest.mark.skipif(
    "FOLLOWUPD_TORTURE" not in os.environ, reason="skipped, because only `make torture` has the time"
)


@pytest.fixture
def service(tmp_path: Path, dovecot: Dovecot, smtp: Sink) -> Iterator[Service]:
    with Manager() as manager:
        service = Service.made(tmp_path / "etc", dovecot.account("support"), smtp, manager)
        file = service.directory / "followupd.toml"
        file.write_text(file.read_text().replace("[smtp]", POST))
        yield service


def complains(service: Service, number: int) -> None:
    box = service.postbox
    box.deliver(
        f"From: Kim {number} <kim@customer-{number}.test>\r\nTo: {box.address}\r\nSubject: Parcel {number}\r\n"
        f"Message-ID: <parcel-{number}@customer-{number}.test>\r\n\r\n{COMPLAINT.format(number)}\r\n".encode()
    )
    with box.client() as client:
        client.select_folder("INBOX")
        client.add_flags(client.search(["FROM", f"customer-{number}.test"]), ["complaint"])


def test_hundreds_of_deaths_send_no_letter_twice_and_forget_none(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, tried, copied = random.Random(13), Counter[str](), 0
    service.once()
    for number in range(KILLS):
        complains(service, number)
        stage, actions = chance.choice(CUTS)
        if chance.random() < 0.5:
            tried[f"SMTP {stage}: {', '.join(str(action) for action in actions)}"] += 1
            service.smtp.plan(stage, *actions)
        said = len(service.journal())
        with service.running() as process:
            comes_to(service, chance.choice(STEPS), said)
            Event().wait(chance.choice((0.0, 0.0, chance.uniform(0.0, 0.3))))
            process.kill()
        tried[f"killed after: {last_words(service)}"] += 1
        copied = copies_arrive(service, copied)
    for plan in service.smtp.plans.values():
        plan.clear()
    said = len(service.journal())
    with service.running() as process:
        comes_to(service, "daemon-ready", said)
        for _ in range(600):
            copied = copies_arrive(service, copied)
            if not waiting(service):
                break
            Event().wait(1)
        assert ends(process, signal.SIGTERM, LIMIT) == 0
    inspect(service, tried)
    with capsys.disabled():
        print(f"\n{KILLS} daemons killed, {len(confirmations(service))} cases:")
        for what, times in sorted(tried.items()):
            print(f"{times:8}  {what}")


def comes_to(service: Service, step: str, said: int) -> None:
    """Wait until the log, from `said` on, says this step; not for ever, since a daemon may have nothing to do there."""
    patience, end = 400, monotonic() + LIMIT
    while patience and monotonic() < end:
        log = service.journal()[said:]
        if re.search(step, log):
            return
        patience -= "daemon-ready" in log  # a busy machine may take long to start a daemon
        Event().wait(0.02)


def last_words(service: Service) -> str:
    """Return the last sentence of the log without its names and numbers."""
    *_, last = service.journal().splitlines() or [""]
    return re.sub(r"FU-\w+|<\d>|\.\d+|\d+", "", last).strip()[:40]


def copies_arrive(service: Service, copied: int) -> int:
    letters = service.letters()
    with suppress(OSError):
        for mail in letters[copied:]:
            service.postbox.deliver(mail.as_bytes(), sender=service.postbox.address)
    return len(letters)


def confirmations(service: Service) -> dict[str, str]:
    with closing(sqlite3.connect(service.directory / "ledger.db", timeout=30)) as connection:
        return dict(
            connection.execute("SELECT key, condition FROM letter WHERE kind = 'confirmation'").fetchall()
        )


def asked(service: Service) -> set[str]:
    return {
        key
        for mail in service.letters("desk/doubt")
        for key in re.findall(r"FU-\w+\.confirmation\.\d", str(mail))
    }


def to_be_asked(service: Service) -> set[str]:
    """Return the letters whose question is written, and waits for the time that the server's refusals have cost it."""
    with closing(sqlite3.connect(service.directory / "ledger.db", timeout=30)) as connection:
        cases = connection.execute(
            "SELECT case_ref FROM letter WHERE kind = 'desk/doubt' AND condition IN ('ready', 'deferred')"
        ).fetchall()
    return {f"{ref}.confirmation.1" for (ref,) in cases}


def waiting(service: Service) -> bool:
    found, shown = confirmations(service), asked(service) | to_be_asked(service)
    settled = all(how == "sent" or (how == "doubt" and key in shown) for key, how in found.items())
    return len(found) < KILLS or not settled


def inspect(service: Service, tried: Counter[str]) -> None:
    found = confirmations(service)
    taken = Counter(str(mail["X-Followupd-Key"]) for mail in service.letters("confirmation"))
    assert max(taken.values()) == 1, taken.most_common(3)
    assert len(found) == KILLS
    assert {key for key, how in found.items() if how == "sent"} == set(taken)
    forgotten = {key for key, how in found.items() if how == "doubt"} - asked(service) - to_be_asked(service)
    assert not forgotten, [
        line for line in service.journal().splitlines() if any(k[:8] in line for k in forgotten)
    ]
    for event in ("letter-in-doubt", "letter-confirmed"):
        tried[event] = len(re.findall(rf"{event} key=\S+confirmation\.1", service.journal()))
    tried["doubts asked"] = len(asked(service))
    tried["doubts whose question waits for the server"] = len(to_be_asked(service) - asked(service))
    until(lambda: "Traceback" not in service.journal(), "a journal without tracebacks", 1)
