"""An unlucky day from outside: daemons killed at random, lines dropped, refusals, a database that stops and fails over.

Only what the SMTP server has taken and what the commands print counts. CI plays a few cases; `make redteam` plays
FOLLOWUPD_FAULTS of them (200) and prints the figures.
"""

import asyncio
import email
import os
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from tests.journeys.service import Service
from tests.journeys.world import World
from tests.servers.dovecot import Dovecot
from tests.servers.forks import Process
from tests.servers.machine import LIMIT, NotInstalledError, skip, until
from tests.servers.manager import Manager
from tests.servers.postgres import Postgres
from tests.servers.smtp import DROP, DROP_BEFORE, Sink

#: complaints of a run
CASES = int(os.environ.get("FOLLOWUPD_FAULTS") or 3)
IS_LONG = "FOLLOWUPD_FAULTS" in os.environ
SEED = int(os.environ.get("FOLLOWUPD_FAULTS_SEED") or 19)
#: seconds between two batches of complaints, and from a daemon's readiness to its death
BETWEEN, LIFE = (1.5, (0.0, 12.0)) if IS_LONG else (0.5, (1.0, 4.0))
#: complaints that come at once: the more cases, the more of them between two deaths
BATCH = int(os.environ.get("FOLLOWUPD_FAULTS_BATCH") or CASES // 200 or 1)
#: seconds in which the letters leave that wait at the end; a short run does not wait for those that were put off
REST = 60.0 * float(os.environ.get("FOLLOWUPD_FAULTS_REST") or 10) if IS_LONG else LIMIT
#: seconds after which no further complaints come, however many were asked for
MOST_SECONDS = 60.0 * float(os.environ.get("FOLLOWUPD_FAULTS_MINUTES") or 600)
#: how many of ten daemons die at any time, and perhaps before they are ready
YOUNG = 2
COMPLAINT = "My parcel {0} has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
ANSWER = (
    "cause: two labels were swapped",
    "resolution: we sent it again",
    "prevention: labels are scanned",
    "fault: ours",
    "kept",
    "fixed",
)
POST = """[smtp]
breaker = "100000 per hour"
per_address = "50 per day"
witness_within = "15 seconds\""""
HURRY = [
    ('after = "3 business days"', 'after = "1 second"'),
    ("call = true", "call = false"),
    ('after = "2 seconds"', 'after = "1 second"'),
    ("show = true", "show = false"),  # a follow-up would wait for an hour
]
#: what the SMTP server does to a turn of a stage, and how often in a hundred turns
FAULTS: dict[str, list[tuple[str, int]]] = {
    "mail": [("421 4.3.2 closing", 3), ("451 4.3.0 later", 2)],
    "rcpt": [("451 4.7.1 greylisted", 4), ("421 4.3.2 closing", 1)],
    "data": [(DROP, 6), (DROP_BEFORE, 4), ("451 4.3.0 later", 4), ("421 4.3.2 closing", 3), ("nonsense", 2)],
}
FOR_CUSTOMERS = ("confirmation", "follow-up")
SETTLED = {"sent", "doubt", "dropped", "refused"} | (set() if IS_LONG else {"deferred"})


class FaultySink(Sink):
    """An SMTP server of bad days: each turn may go wrong, by chance, until it is `calm`."""

    def __init__(self, authority: trustme.CA, seed: int) -> None:
        super().__init__(authority)
        self.calm = False
        self.faults: Counter[str] = Counter()
        self._chance = random.Random(seed)

    async def _turn(self, stage: str, server: SMTP, keep: Callable[[], object] = lambda: None) -> str | None:
        if self.plans[stage]:
            return await super()._turn(stage, server, keep)
        die = self._chance.uniform(0, 100)
        for fault, share in () if self.calm else FAULTS.get(stage, ()):
            if (die := die - share) < 0:
                self.faults[f"{stage}: {fault}"] += 1
                return self._fail(server, keep, fault)
        return None

    def _fail(self, server: SMTP, keep: Callable[[], object], fault: str) -> str:
        if fault in {DROP, DROP_BEFORE}:
            return self._drop(server, keep, fault)
        if fault.startswith("421") and isinstance(server.transport, asyncio.Transport):
            asyncio.get_running_loop().call_later(0.05, server.transport.close)
        return fault


@dataclass
class Day:
    """What a run does to one daemon, and what it has counted."""

    service: Service
    chance: random.Random
    database: Postgres | None = None
    url: str = ""
    counted: Counter[str] = field(default_factory=Counter)
    complaints: int = 0
    copied: int = 0
    answered: set[str] = field(default_factory=set)
    process: Process | None = None
    told: set[str] = field(default_factory=set)
    desk: dict[str, Message] = field(default_factory=dict)
    taken: list[Message] = field(default_factory=list)
    said: int = 0
    dies: float = 0.0
    is_young: bool = False

    @property
    def smtp(self) -> FaultySink:
        assert isinstance(self.service.smtp, FaultySink)
        return self.service.smtp

    # --- what happens to the daemon ---

    def start(self) -> None:
        journal_file = self.service.directory / "journal"
        self.said = journal_file.stat().st_size if journal_file.exists() else 0
        self.is_young = self.chance.randrange(10) < YOUNG
        self.dies = monotonic() + self.chance.uniform(*LIFE) if self.is_young else 0.0
        self.process = self.service.start()

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(LIMIT)
            self.counted["daemons killed"] += 1

    def may_die(self) -> None:
        """Kill the daemon when its time has come, which begins once it is ready, and start the next one.

        A busy machine so makes a day longer, and leaves as much time for letters.
        """
        if self.dies:
            if monotonic() > self.dies:
                self.kill()
                self.start()
        elif re.search("daemon-ready|standby", self.journal()):
            self.dies = monotonic() + self.chance.uniform(*LIFE)
            if self.chance.randrange(3) == 0:
                self.database_stops()

    @contextmanager
    def unlucky(self) -> Iterator[None]:
        """Kill the daemon at random while the block runs, whatever the block waits for, and start it again."""
        is_over = Event()

        def watch() -> None:
            while not is_over.wait(0.1):
                self.may_die()
                self.lives()

        with ThreadPoolExecutor(1) as threads:
            watching = threads.submit(watch)
            try:
                yield
            finally:
                is_over.set()
            watching.result()

    def journal(self) -> str:
        """Return what this daemon has said."""
        with (self.service.directory / "journal").open("rb") as journal:
            journal.seek(self.said)
            return journal.read().decode()

    def lives(self) -> None:
        """Start a daemon that has ended by itself again, as systemd does."""
        if self.process and self.process.poll() is not None:
            self.counted[f"daemons that ended with {self.process.poll()}"] += 1
            self.start()

    @property
    def is_behind(self) -> bool:
        """Return whether further complaints wait, so that none is in a hurry; an eighth may have been put off for long."""
        return self.complaints * 7 // 8 - len(self.told) > 3 * BATCH + 20

    def database_stops(self) -> None:
        if self.database:
            self.database.stop()
            Event().wait(self.chance.uniform(0, 2))
            self.database.start()
            self.counted["databases stopped and started"] += 1

    # --- what people and the mail server do ---

    def complains(self, times: int = 1) -> None:
        with self.service.postbox.client() as client:
            for number in range(self.complaints, self.complaints + times):
                client.append("INBOX", complaint(number, self.service.postbox.address), ("complaint",))
                self.complaints += 1

    def mail_moves(self) -> None:
        """File the copies of our letters, and answer each desk mail about a case once its customer has a letter."""
        us, mails = self.service.postbox.address, []
        for mail in self.new_letters()[self.copied :]:
            self.copied += 1
            if not self.smtp.calm and self.chance.random() < 0.05:
                self.counted["copies that were lost"] += 1
            else:
                mails.append((mail.as_bytes(), us))
        for case in self.desk.keys() & self.told - self.answered:
            mails.append((note_on(self.desk[case]), "ana@agents.test"))
            self.answered.add(case)
        self.service.postbox.deliver_all(mails)

    def new_letters(self) -> list[Message]:
        """Return the letters that the server has taken, of which each is parsed once."""
        for each in self.smtp.messages[len(self.taken) :]:
            content = each.content
            mail = email.message_from_bytes(content if isinstance(content, bytes) else str(content).encode())
            self.taken.append(mail)
            if kind_of(mail) == "desk/opened":
                self.desk[case_of(mail)] = mail
            elif kind_of(mail) == "confirmation":
                self.told.add(case_of(mail))
        return self.taken


def complaint(number: int, address: str) -> bytes:
    return (
        f"From: Kim {number} <kim@customer-{number}.test>\r\nTo: {address}\r\nSubject: Parcel {number}\r\n"
        f"Message-ID: <parcel-{number}@customer-{number}.test>\r\n\r\n{COMPLAINT.format(number)}\r\n"
    ).encode()


def kind_of(mail: Message) -> str:
    key = str(mail["X-Followupd-Key"])
    return key.partition(".")[2].rpartition(".")[0]


def case_of(mail: Message) -> str:
    return str(mail["X-Followupd-Key"]).partition(".")[0]


def note_on(desk: Message) -> bytes:
    lines = ["From: ana@agents.test", f"To: {desk['From']}", f"Subject: Re: {desk['Subject']}"]
    lines += [
        f"In-Reply-To: {desk['Message-ID']}",
        f"Message-ID: <note-{case_of(desk)}@agents.test>",
        "",
        *ANSWER,
        "",
    ]
    return "\r\n".join(lines).encode()


def text_of(mail: Message) -> str:
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    return b"".join(part for part in parts if isinstance(part, bytes)).decode()


# --- the days ---


def day_of(directory: Path, dovecot: Dovecot, smtp: Sink, manager: Manager, database: Postgres | None) -> Day:
    service = Service.made(directory, dovecot.account("support"), smtp, manager)
    file = service.directory / "followupd.toml"
    url = database.database() if database else "sqlite:///ledger.db"
    file.write_text(file.read_text().replace("[smtp]", POST).replace("sqlite:///ledger.db", url))
    playbook = service.directory / "playbooks" / "default.toml"
    plays = playbook.read_text()
    for old, new in HURRY:
        assert old in plays
        plays = plays.replace(old, new)
    playbook.write_text(plays)
    return Day(service, random.Random(SEED), database, url)


@pytest.fixture
def smtp(authority: trustme.CA) -> Iterator[FaultySink]:
    with FaultySink(authority, SEED) as sink:
        yield sink


@pytest.fixture
def durable() -> Iterator[Postgres]:
    try:
        server = Postgres(durable=True)
    except NotInstalledError as missing:
        skip(str(missing), demanded=True)
        raise
    with server:
        yield server


@pytest.fixture
def day(request: pytest.FixtureRequest, tmp_path: Path, dovecot: Dovecot, smtp: FaultySink) -> Iterator[Day]:
    database = request.getfixturevalue("durable") if request.param == "PostgreSQL" else None
    with Manager() as manager:
        day = day_of(tmp_path / "etc", dovecot, smtp, manager, database)
        try:
            yield day
        finally:
            day.kill()


@pytest.mark.parametrize("day", ["PostgreSQL", "SQLite"] if IS_LONG else ["PostgreSQL"], indirect=True)
def test_an_unlucky_day_sends_nothing_twice_forgets_nothing_and_asks_about_each_doubt(
    day: Day, capsys: pytest.CaptureFixture[str]
) -> None:
    day.service.once()
    day.start()
    began = next_complaint = monotonic()
    with day.unlucky():
        while (day.complaints < CASES and monotonic() < began + MOST_SECONDS) or day.counted[
            "daemons killed"
        ] < 2:
            if day.complaints < CASES and monotonic() > next_complaint and not day.is_behind:
                day.complains(min(BATCH, CASES - day.complaints))
                next_complaint = monotonic() + BETWEEN
            day.mail_moves()
            Event().wait(0.1)

    day.smtp.calm = True
    comes_to_rest(day)
    figures(day, monotonic() - began, inspect(day), capsys)


def comes_to_rest(day: Day) -> None:
    """Let the daemon live until nothing waits any more, or as long as the time for it is."""
    end, next_look = monotonic() + REST, monotonic() + 5
    while monotonic() < end:
        day.mail_moves()
        day.lives()
        Event().wait(0.2)
        if monotonic() > next_look:
            next_look = monotonic() + (5 if day.complaints < 500 else 30)
            if is_over(day):
                return


def is_over(day: Day) -> bool:
    letters = day.service.ask("letters")
    doubts = {each["key"] for each in letters if each["condition"] == "doubt"}
    put_off = {each["case"] for each in letters if each["condition"] == "deferred"}
    blocked = put_off | {key.partition(".")[0] for key in doubts}
    told = {kind: {each["case"] for each in letters if each["kind"] == kind} for kind in FOR_CUSTOMERS}
    if len(told["confirmation"]) < day.complaints or len(told["follow-up"] | blocked) < day.complaints:
        return False
    unasked = {key for key in doubts - asked(day) if key.partition(".")[0] not in put_off}
    return not unasked and all(each["condition"] in SETTLED for each in letters)


def asked(day: Day) -> set[str]:
    """Return the letters about which an agent was asked."""
    questions = [text_of(mail) for mail in day.service.letters("desk/doubt")]
    return {key for each in questions for key in re.findall(r"FU-\w+\.[a-z/-]+\.\d+", each)}


def inspect(day: Day) -> Counter[str]:
    """Compare what the server has taken with what the ledger says; return the figures."""
    found: Counter[str] = Counter()
    letters: list[dict[str, Any]] = day.service.ask("letters")
    condition = {each["key"]: each["condition"] for each in letters}
    taken = [mail for mail in day.service.letters() if kind_of(mail) in FOR_CUSTOMERS]
    keys = Counter(str(mail["X-Followupd-Key"]) for mail in taken)
    message_ids = Counter(str(mail["Message-ID"]) for mail in taken)
    kinds = Counter((str(mail["To"]), kind_of(mail)) for mail in taken)
    for counts in (keys, message_ids, kinds):
        assert max(counts.values(), default=1) == 1, counts.most_common(3)

    called_sent = {key for key, how in condition.items() if how == "sent" and "desk/" not in key}
    assert called_sent <= set(keys), called_sent - set(keys)
    assert {condition[key] for key in keys} <= {"sent", "doubt", "leaving"}

    waiting = defaultdict(list)
    for each in letters:
        if each["condition"] in {"ready", "leaving", "deferred"}:
            waiting[each["case"]].append(each["kind"])
    doubts = {key for key, how in condition.items() if how == "doubt" and "desk/" not in key}
    unasked = {key for key in doubts - asked(day) if "desk/doubt" not in waiting[key.partition(".")[0]]}
    assert not unasked, unasked
    blocked = {key.partition(".")[0] for key in doubts}

    cases = {case["customer"]["address"]: case["ref"] for case in day.service.ask("cases")}
    assert len(cases) == day.complaints
    missing = {(ref, kind) for ref in cases.values() for kind in FOR_CUSTOMERS if not keys[f"{ref}.{kind}.1"]}
    if IS_LONG:
        forgotten = {(ref, kind) for ref, kind in missing if ref not in blocked and not waiting[ref]}
        assert not forgotten, forgotten
    assert "Traceback" not in day.service.journal()

    found["letters to customers that the server took"] = len(taken)
    found["letters taken in all"] = len(day.service.letters())
    found["desk mails that were taken twice"] = sum(
        count - 1
        for count in Counter(str(mail["X-Followupd-Key"]) for mail in day.service.letters()).values()
    )
    found["letters in doubt, each asked about"] = len(doubts)
    found["letters that a doubt or a wait holds back"] = len(missing)
    found["cases"] = len(cases)
    return found


def figures(day: Day, seconds: float, found: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    if IS_LONG:
        with capsys.disabled():
            print(f"\n{'PostgreSQL' if day.database else 'SQLite'}, {seconds / 60:.1f} minutes, seed {SEED}:")
            for what, times in sorted((day.counted + found + day.smtp.faults).items()):
                print(f"{times:8}  {what}")
            print(f"{0:8}  letters twice, letters forgotten, doubts that nobody was asked about")


def test_two_folders_that_are_read_at_once_do_not_wait_for_each_other(world: World) -> None:
    known = world.customer_writes(COMPLAINT.format(0))
    for number in range(12):
        for folder in ("INBOX", "Sent"):
            lines = ["From: Ana <ana@agents.test>", "To: kim@customers.test", f"References: {known}"]
            lines += [
                f"Subject: Parcel {number}",
                f"Message-ID: <{folder}-{number}@agents.test>",
                "",
                "Hello",
                "",
            ]
            world.postbox.append("\r\n".join(lines).encode(), folder)

    def read(is_sent: bool) -> int:
        mailbox = world.app.mailbox("support")
        mailbox.open()
        try:
            folders = world.app.folders("support", mailbox)
            [folder] = [
                each for each in folders if each.is_sent == is_sent and each.name in {"INBOX", "Sent"}
            ]
            return world.app.inbox.sync(mailbox, folder, world.now)
        finally:
            mailbox.close()

    with ThreadPoolExecutor() as threads:
        assert list(threads.map(read, (True, False))) == [12, 12]
    with world.app.ledger.transaction() as tx:
        assert tx.mail.quarantined() == []


# --- the database fails over ---


@contextmanager
def held(engine: Engine, table: str) -> Iterator[Callable[[], bool]]:
    """Hold a table; what is yielded says whether the daemon waits for it in the middle of a transaction."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with engine.connect() as holder, engine.connect() as looking:
        holder.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        witness = looking.execution_options(isolation_level="AUTOCOMMIT")
        yield lambda: bool(witness.execute(waiting).scalar_one())
        for connection in (holder, looking):  # their server is gone
            connection.invalidate()


@pytest.mark.parametrize("day", ["PostgreSQL"], indirect=True)
def test_a_replica_that_is_promoted_in_the_middle_of_a_transaction_loses_and_doubles_nothing(
    day: Day,
) -> None:
    assert day.database
    day.smtp.calm = True
    day.database.replica()
    day.service.once()
    day.start()
    engine = create_engine(day.url, poolclass=NullPool)
    day.complains()
    day.smtp.plan("data", 3.0)  # a letter is in the server's hands when the database dies
    day.service.waits_for("letter-sending")
    with held(engine, "letter") as is_waiting:
        until(is_waiting, "a transaction that waits")
        day.database.fail_over()
    with engine.connect() as connection:
        log = connection.execute(text("SELECT pg_walfile_name(pg_current_wal_lsn())")).scalar_one()
    assert log.startswith("00000002")  # the replica was promoted indeed

    for table in ("case_file", "mail"):
        with held(engine, table) as is_waiting:
            day.complains()
            until(is_waiting, "a transaction that waits")
            day.database.stop()
        day.database.start()

    def all_told() -> bool:
        day.mail_moves()
        day.lives()
        return len(day.service.letters("follow-up")) == day.complaints

    until(all_told, "the last letter of each case")
    assert inspect(day)["letters in doubt, each asked about"] == 0
    assert day.counted.total() == 0  # the daemon has lived through it


END_CONNECTIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = '{name}'"
#: what happens to a database while a letter is in the mail server's hands, and what undoes it
TROUBLES = {
    "its connections are ended": ([END_CONNECTIONS], []),
    "it only reads": (
        ["ALTER DATABASE {name} SET default_transaction_read_only = on", END_CONNECTIONS],
        ["ALTER DATABASE {name} SET default_transaction_read_only = off", END_CONNECTIONS],
    ),
    "a table is away": (["ALTER TABLE letter RENAME TO away"], ["ALTER TABLE away RENAME TO letter"]),
}


@pytest.mark.parametrize("day", ["PostgreSQL"], indirect=True)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_database_in_trouble_while_a_letter_leaves_loses_and_doubles_nothing(
    day: Day, trouble: str
) -> None:
    day.smtp.calm = True
    day.service.once()
    day.start()
    begin, end = TROUBLES[trouble]
    engine = create_engine(day.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    name = engine.url.database

    def sql(statements: list[str]) -> None:
        with engine.connect() as connection:
            connection.execute(text("SET default_transaction_read_only = off"))
            for statement in statements:
                connection.execute(text(statement.format(name=name)))

    day.complains()
    day.smtp.plan("data", 3.0)
    day.service.waits_for("letter-sending")
    sql(begin)
    day.complains(2)
    Event().wait(5)
    sql(end)

    def all_told() -> bool:
        day.mail_moves()
        day.lives()
        return len(day.service.letters("follow-up")) == day.complaints

    until(all_told, "the last letter of each case")
    assert set(Counter(str(mail["Message-ID"]) for mail in day.service.letters()).values()) == {1}
    assert "Traceback" not in day.journal()


@pytest.mark.parametrize("day", ["PostgreSQL"], indirect=True)
def test_a_stale_replica_that_is_promoted_sends_no_letter_again(day: Day) -> None:
    assert day.database
    day.smtp.calm = True
    day.service.once()
    day.start()
    comes_to_confirm(day, 2)
    day.database.replica(stale=True)
    comes_to_confirm(day, 4)
    until(lambda: day.service.journal().count("name=NextStepConfirmed") >= 4, "all copies")
    before = Counter(str(mail["Message-ID"]) for mail in day.service.letters("confirmation"))
    assert len(before) == 4

    day.kill()
    day.database.fail_over()
    day.start()
    until(lambda: len(day.service.ask("cases")) == 4, "the cases of the lost end")
    for _ in range(2):
        day.service.asks("resume")
        day.complains()
        until(lambda: len(day.service.letters("confirmation")) >= day.complaints, "a letter to somebody new")
    after = Counter(str(mail["To"]) for mail in day.service.letters("confirmation"))
    assert set(after.values()) == {1}


def comes_to_confirm(day: Day, number: int) -> None:
    while day.complaints < number:
        day.complains()

    def confirmed() -> bool:
        letters = day.service.letters()
        for mail in letters[day.copied :]:
            day.copied += 1
            day.service.postbox.deliver(mail.as_bytes(), sender=day.service.postbox.address)
        return len(day.service.letters("confirmation")) == number

    until(confirmed, "the confirmations")
    confirmed()
