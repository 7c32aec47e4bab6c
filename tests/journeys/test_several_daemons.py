"""Three daemons on one PostgreSQL, two mailboxes, and one of the three killed every few seconds: nothing twice, nothing forgotten."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.journeys.service import Service, ends
from tests.servers.dovecot import Dovecot
from tests.servers.forks import Process
from tests.servers.machine import LIMIT, until
from tests.servers.manager import Manager
from tests.servers.postbox import Postbox
from tests.servers.postgres import Postgres
from tests.servers.smtp import DROP, DROP_BEFORE, Sink

#: how many complaints; `make torture` brings 500
CASES = int(os.environ.get("FOLLOWUPD_TORTURE_CASES") or 40)
DAEMONS = 3
COMPLAINT = "My parcel {0} has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
SECOND = """
[[mailbox]]
name = "sales"
address = "{box.address}"
host = "{box.host}"
port = {box.port}
ca_file = "{box.ca_file}"
username = "{box.username}"
password = "credential:sales"
"""
POST = """[smtp]
breaker = "100000 per hour"
witness_within = "20 seconds\""""


@dataclass
class Fleet:
    """Daemons of one configuration on one ledger, a second mailbox, and a server that files our copies."""

    service: Service
    sales: Postbox
    engine: Engine
    processes: list[Process] = field(default_factory=list)
    killed: int = 0
    copied: int = 0

    @property
    def boxes(self) -> tuple[Postbox, Postbox]:
        return self.service.postbox, self.sales

    def start(self) -> None:
        """Start one more daemon."""
        self.processes.append(self.service.start())

    def kill_one(self, chance: random.Random) -> None:
        oldest = chance.random() < 0.7  # it holds a mailbox; a young one is often still starting
        victim = self.processes.pop(0 if oldest else chance.randrange(len(self.processes)))
        victim.kill()
        victim.wait(10)
        self.killed += 1
        self.start()

    def copies_arrive(self) -> None:
        """Each mailbox gets the blind copies of its own letters, as a real server files them."""
        for mail in self.service.letters()[self.copied :]:
            self.copied += 1
            box = next(box for box in self.boxes if box.address in str(mail["From"]))
            box.deliver(mail.as_bytes(), sender=box.address)

    def complains(self, numbers: range) -> None:
        for number in numbers:
            box = self.boxes[number % 2]
            box.deliver(
                f"From: Kim {number} <kim@customer-{number}.test>\r\nTo: {box.address}\r\nSubject: Parcel {number}\r\n"
                f"Message-ID: <parcel-{number}@customer-{number}.test>\r\n\r\n{COMPLAINT.format(number)}\r\n".encode()
            )
        for box in self.boxes:
            with box.client() as client:
                client.select_folder("INBOX")
                if mails := client.search(["FROM", "kim@customer-", "UNKEYWORD", "complaint"]):
                    client.add_flags(mails, ["complaint"])

    def letters(self, kind: str) -> list[Message]:
        return self.service.letters(kind)

    def confirmations(self) -> dict[str, str]:
        """Return each case's confirmation, "" where none is written yet, with its condition."""
        with self.engine.connect() as connection:
            refs = connection.execute(text("SELECT ref FROM case_file")).scalars().all()
            letters = connection.execute(
                text("SELECT case_ref, condition FROM letter WHERE kind = 'confirmation'")
            )
            found: dict[str, str] = {ref: condition for ref, condition in letters}  # noqa: C416  dict() would take it for a mapping
        return {ref: found.get(ref, "") for ref in refs}


@contextmanager
def fleet_of(directory: Path, dovecot: Dovecot, smtp: Sink, url: str) -> Iterator[Fleet]:
    with Manager() as manager:
        service = Service.made(directory, dovecot.account("support"), smtp, manager)
        fleet = Fleet(service, dovecot.account("sales"), create_engine(url))
        file = directory / "followupd.toml"
        text = file.read_text().replace("sqlite:///ledger.db", url).replace("[smtp]", POST)
        file.write_text(text + SECOND.format(box=fleet.sales))
        manager.environment({"imap": service.postbox.password, "sales": fleet.sales.password})
        try:
            yield fleet
        finally:
            for process in fleet.processes:
                process.kill()
                process.wait(LIMIT)
            fleet.engine.dispose()


@pytest.fixture
def fleet(tmp_path: Path, dovecot: Dovecot, smtp: Sink, postgres: Postgres) -> Iterator[Fleet]:
    with fleet_of(tmp_path / "etc", dovecot, smtp, postgres.database()) as made:
        yield made


def holds(fleet: Fleet) -> int:
    return fleet.service.journal().count("mailboxes-acquired")


def test_a_mailbox_moves_within_seconds_to_another_daemon_when_its_holder_dies(fleet: Fleet) -> None:
    fleet.start()
    fleet.service.waits_for('mailboxes-acquired mailboxes="support, sales"')
    fleet.start()
    fleet.service.waits_for("standby")
    until(lambda: fleet.service.journal().count("folder-opened") == 4, "both mailboxes are read")
    first, second = fleet.processes
    first.kill()
    first.wait(10)
    died = monotonic()
    until(
        lambda: fleet.service.journal().count('mailboxes-acquired mailboxes="support, sales"') > 1,
        "the second holds both",
        30,
    )
    assert monotonic() - died < 60  # about ten seconds, on a machine that is not busy
    fleet.complains(range(2))
    until(lambda: len(fleet.letters("confirmation")) == 2, "a letter from each mailbox")
    assert ends(second, signal.SIGTERM, 10) == 0


def test_a_daemon_waits_for_a_database_that_is_out_when_it_starts(
    tmp_path: Path, dovecot: Dovecot, smtp: Sink
) -> None:
    with Postgres() as server, fleet_of(tmp_path / "etc", dovecot, smtp, server.database()) as fleet:
        server.stop()
        fleet.start()
        fleet.service.waits_for("unavailable what=ledger")
        assert fleet.processes[0].poll() is None
        assert "EXTEND_TIMEOUT_USEC=60000000" in fleet.service.manager.so_far()
        server.start()
        fleet.service.waits_for("recovered what=ledger")
        fleet.service.waits_for("mailboxes-acquired")
        assert ends(fleet.processes[0], signal.SIGTERM, 10) == 0


def test_three_daemons_that_are_killed_again_and_again_send_each_letter_once(fleet: Fleet) -> None:
    chance = random.Random(11)
    for _ in range(DAEMONS):
        fleet.start()
    until(lambda: fleet.service.journal().count("folder-opened") == 4, "both mailboxes are read")
    asked_for, deadline, pause = 0, monotonic() + 60 + 4 * CASES, threading.Event()
    next_kill = next_mails = monotonic()
    while monotonic() < deadline:
        if asked_for < CASES and monotonic() > next_mails:
            next_mails = monotonic() + 3
            fleet.complains(range(asked_for, min(CASES, asked_for + 10)))
            asked_for += 10
            fleet.service.smtp.plan("data", *chance.choices([DROP, DROP_BEFORE, "451 4.3.0 later"], k=1))
        with suppress(OSError):
            fleet.copies_arrive()
        if monotonic() > next_kill and (asked_for < CASES or fleet.killed < DAEMONS):
            fleet.kill_one(chance)
            next_kill = monotonic() + chance.uniform(2, 4)
        elif asked_for >= CASES and fleet.killed >= DAEMONS and is_over(fleet):
            break
        pause.wait(0.5)
    fleet.copies_arrive()
    nothing_twice_nothing_forgotten(fleet)
    print(
        f"\n{CASES} cases, {fleet.killed} daemons killed, {holds(fleet)} times a mailbox was taken, "
        f"{Counter(fleet.confirmations().values())}, {len(fleet.letters('desk/doubt'))} doubts asked"
    )


def is_over(fleet: Fleet) -> bool:
    """Say whether every case has its letter, or somebody was asked about it."""
    found = fleet.confirmations()
    doubts = sum(condition == "doubt" for condition in found.values())
    settled = all(condition in {"sent", "doubt"} for condition in found.values())
    return len(found) == CASES and settled and len(fleet.letters("desk/doubt")) >= doubts


def nothing_twice_nothing_forgotten(fleet: Fleet) -> None:
    found = fleet.confirmations()
    assert len(found) == CASES
    taken = Counter(str(mail["X-Followupd-Key"]) for mail in fleet.letters("confirmation"))
    assert max(taken.values()) == 1, taken.most_common(3)
    told = {key.partition(".")[0] for key in taken}
    assert {ref for ref, condition in found.items() if condition == "sent"} == told
    assert set(found.values()) <= {"sent", "doubt"}
    asked = {str(mail["X-Followupd-Key"]).partition(".")[0] for mail in fleet.letters("desk/doubt")}
    assert {ref for ref, condition in found.items() if condition == "doubt"} <= asked | {
        str(mail["Subject"]).partition("[#")[2].partition("]")[0] for mail in fleet.letters("desk/doubt")
    }
    assert "Traceback" not in fleet.service.journal()
