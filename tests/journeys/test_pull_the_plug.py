"""The process is killed, the connection breaks, the disk is full, the ledger is locked: no letter is sent twice."""

import ctypes
import random
import re
import signal
import sqlite3
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from followupd.adapters.settings import load
from followupd.app.container import build
from followupd.app.cycle import run_cycle
from followupd.domain.case import Stage
from followupd.domain.compensation import Money
from followupd.domain.keys import StateKey
from followupd.domain.letter import LetterKind, LetterStatus
from followupd.errors import UnavailableError
from followupd.recovery.past.monthly import Month
from tests.journeys.service import Service, ends
from tests.journeys.world import PUT_RIGHT_FACTS, World, text_of
from tests.policies.test_monthly import fill
from tests.servers.dovecot import Dovecot
from tests.servers.forks import forks
from tests.servers.machine import LIMIT, until
from tests.servers.manager import Manager
from tests.servers.smtp import DROP, DROP_BEFORE, KEEP, PASS, Action, Sink

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
CODE = "GIFT-7Q4X-SECRET"
WINDOW = '[smtp]\nwitness_within = "2 seconds"'


@pytest.fixture
def service(tmp_path: Path, dovecot: Dovecot, smtp: Sink) -> Iterator[Service]:
    with Manager() as manager:
        service = Service.made(tmp_path / "etc", dovecot.account("support"), smtp, manager)
        rewrite(service, "[smtp]", WINDOW)
        yield service


def rewrite(service: Service, old: str, new: str) -> None:
    file = service.directory / "followupd.toml"
    file.write_text(file.read_text().replace(old, new))


def condition(service: Service, kind: str) -> list[str]:
    return [each["condition"] for each in service.ask("letters") if each["kind"] == kind]


# --- the process dies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "plan", "taken"),
    [("ehlo", [60.0], 0), ("data", [60.0], 0), ("data", [KEEP, 60.0], 1)],
    ids=["before the letter is begun", "before the server takes it", "after the server took it"],
)
def test_sigkill_at_each_step_of_smtp_leaves_a_letter_in_doubt_and_a_question(
    service: Service, stage: str, plan: list[Action], taken: int
) -> None:
    service.smtp.plan(stage, PASS, *plan)  # the desk mail comes first
    with service.ready() as process:
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        service.waits_for(r"letter-sending key=\S+confirmation\.1")
        until(
            lambda: not service.smtp.plans[stage] or len(service.letters("confirmation")) == taken,
            "the server",
        )
        ends(process, signal.SIGKILL, LIMIT)
    service.smtp.plans.clear()
    with service.ready() as process:
        until(lambda: service.letters("desk/doubt"), "the question")
        assert ends(process, signal.SIGTERM, LIMIT) == 0
    service.once()
    assert condition(service, "confirmation") == ["doubt"]
    assert len(service.letters("confirmation")) == taken
    assert len(service.letters("desk/doubt")) == 1


def test_a_process_that_is_killed_many_times_sends_each_letter_once(service: Service) -> None:
    service.once()
    for number in range(5):
        service.postbox.deliver(
            f"From: Kim {number} <kim{number}@customers.test>\r\nTo: {service.postbox.address}\r\n"
            f"Subject: Where is parcel {number}?\r\nMessage-ID: <parcel-{number}@customers.test>\r\n\r\n{COMPLAINT} {number}\r\n".encode()
        )
    for uid in service.postbox.uids():
        service.postbox.mark(uid, "complaint")
    chance = random.Random(7)
    for _ in range(6):
        with service.running() as process, pytest.raises(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.6, 2.5))
        service.copies_arrive()
    for _ in range(3):
        service.once()
        service.copies_arrive()
    keys = [
        str(mail["X-Followupd-Key"])
        for mail in service.letters()
        if "desk/" not in str(mail["X-Followupd-Key"])
    ]
    assert len(keys) == len(set(keys))
    cases = service.ask("cases")
    assert len(cases) == 5
    letters = [letter for case in cases for letter in case["letters"] if letter["kind"] == "confirmation"]
    assert sorted(letter["key"] for letter in letters) == sorted(
        f"{case['ref']}.confirmation.1" for case in cases
    )
    assert {letter["condition"] for letter in letters} <= {"sent", "doubt", "ready"}
    sent = {letter["key"] for letter in letters if letter["condition"] == "sent"}
    assert sent == {key for key in keys if ".confirmation." in key}


# --- the page of the month ---

#: cases of the last month: their figures take longer to read than the log to be looked at
CASES = 2_000
PAGE = 'attachment; filename="complaints-'


@pytest.fixture
def at_months_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A company that is always open, with a month of cases behind it: its page is due at once, whatever the day is."""
    always = 'days = "mon-sun"\nopen = "00:00"\nclose = "23:59"\nholidays = ""'
    rewrite(service, 'holidays = ""', always)
    rewrite(service, "[smtp]", '[report]\nmonthly = ["boss@example.com"]\n\n[smtp]')
    service.once()  # credentials and ledger are there, and no month had anything in it
    for name, value in service.manager.environment({"imap": service.postbox.password}).items():
        monkeypatch.setenv(name, value)
    app = build(load(service.directory))
    calendar = app.settings.calendar
    fill(app, CASES, Month.before(calendar.local(app.now()).date(), calendar))
    with app.ledger.transaction() as tx:
        tx.state.put(StateKey.EMPTY_MONTH, "", app.now())
    app.ledger.close()
    return service


def pages(service: Service) -> int:
    return sum(PAGE in letter.as_string() for letter in service.letters())


#: seconds between two looks at the log: what follows in the daemon takes only some milliseconds
AT_ONCE = 0.001


def killed_at(service: Service, step: str) -> None:
    """Start the daemon, and kill it when its log has this step."""
    before = len(service.journal())
    with service.running() as process:
        until(lambda: re.search(step, service.journal()[before:]), step, longest=AT_ONCE)
        ends(process, signal.SIGKILL, LIMIT)


def test_the_page_of_the_month_leaves_once_wherever_the_daemon_is_killed(at_months_end: Service) -> None:
    service = at_months_end
    killed_at(service, "month-begun")  # while the month is computed
    assert "letter-written" not in service.journal()

    with service.running() as process:  # when it is computed, and cannot be written yet
        until(lambda: service.journal().count("month-begun") == 2, "the month", longest=AT_ONCE)
        with locked(service.directory / "ledger.db"), pytest.raises(subprocess.TimeoutExpired):
            process.wait(5)  # seconds: it has long been computed
        ends(process, signal.SIGKILL, LIMIT)
    assert pages(service) == 0

    service.smtp.plan("data", 60.0)
    killed_at(service, "letter-sending key=.*month-")  # before the server takes it
    service.smtp.plans.clear()
    assert pages(service) == 0

    service.smtp.plan("data", KEEP, 60.0)
    threading.Event().wait(2.5)  # seconds: the mailbox is read after the copy would have come
    with service.running() as process:
        until(lambda: pages(service), "the page")
        ends(process, signal.SIGKILL, LIMIT)  # after the server took it, and before it said so
    service.smtp.plans.clear()
    service.copies_arrive()
    for _ in range(3):
        threading.Event().wait(2.5)  # seconds: longer than a copy is waited for
        service.once()
    assert pages(service) == 1
    app = build(load(service.directory))
    with app.ledger.transaction() as tx:
        found = [entry.status for entry in tx.outbox.all() if "month-" in entry.letter.key]
    app.ledger.close()
    assert found == [LetterStatus.SENT]


# --- a person settles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "said", "letters"), [("sent", "sent", 1), ("resend", "sent", 2), ("drop", "dropped", 1)]
)
def test_a_person_resolves_a_letter_in_doubt_and_nothing_more_is_sent(
    service: Service, how: str, said: str, letters: int
) -> None:
    service.once()
    service.customer_writes(COMPLAINT)
    service.agent_tags("complaint")
    service.smtp.plan("data", PASS, DROP)  # the desk mail comes first
    with service.ready() as process:
        service.waits_for(r"letter-in-doubt key=\S+confirmation\.1")
        ends(process, signal.SIGTERM, LIMIT)
    [key] = [letter["key"] for letter in service.ask("letters") if letter["kind"] == "confirmation"]
    assert service.ask("settle", key, how)["key"] == key
    for _ in range(2):
        service.once()
    assert condition(service, "confirmation") == [said]
    assert len(service.letters("confirmation")) == letters
    assert len({str(mail["Message-ID"]) for mail in service.letters("confirmation")}) == 1
    assert len(service.letters("desk/doubt")) <= 1
    [case] = service.ask("cases")
    assert case["held"] is (how == "drop")


# --- the line breaks --------------------------------------------------------------------------------------------------


def complained(world: World) -> World:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    return world


def later(world: World, **span: float) -> World:
    return world.passes(world.now + timedelta(**span))


def lose_copies(world: World) -> None:
    world.copies_come = False


@pytest.mark.parametrize("policy", ["ask", "resend"])
@pytest.mark.parametrize("plan", [DROP, DROP_BEFORE], ids=["taken", "lost"])
@pytest.mark.parametrize("copy", [True, False], ids=["the copy comes", "no copy comes"])
def test_a_lost_reply_is_resolved_by_the_copy_or_by_the_policy(
    make_world: Callable[..., World], policy: str, plan: str, copy: bool
) -> None:
    world = complained(make_world(smtp_extra=f'in_doubt = "{policy}"'))
    if not copy:
        lose_copies(world)
    world.smtp.plan("data", plan)
    later(world, minutes=11)
    proved = copy and plan == DROP
    for _ in range(10):
        later(world, minutes=6)
    with world.app.ledger.transaction() as tx:
        [state] = [each for each in tx.outbox.all() if each.letter.kind == "confirmation"]
    again = policy == "resend" and not proved
    assert state.status is (LetterStatus.SENT if proved or again else LetterStatus.DOUBT)
    assert len(world.letters("confirmation")) == (1 if plan == DROP else 0) + again
    assert len({str(mail["Message-ID"]) for mail in world.letters("confirmation")}) <= 1
    assert len(world.letters("desk/doubt")) == (0 if proved or again else 1)
    assert world.case().stage is (Stage.CONFIRMED if proved or again else Stage.PROMISED)


def test_a_follow_up_in_doubt_is_sent_again_and_not_cancelled_for_its_own_doubt(
    make_world: Callable[..., World],
) -> None:
    world = complained(make_world(smtp_extra='in_doubt = "resend"'))
    world.says(world.case().ref, "kept", "fixed", *PUT_RIGHT_FACTS)
    world.smtp.plan("data", DROP_BEFORE)
    later(world, days=3)
    later(world, minutes=20)
    assert len(world.letters("follow-up")) == 1
    assert world.case().stage is Stage.FOLLOWED_UP
    [mark] = world.case().letters_of(LetterKind.FOLLOW_UP)
    assert (mark.key, mark.state) == (f"{world.case().ref}.follow-up.1", "left")


def test_a_copy_that_arrives_before_a_letter_is_sent_again_stops_it(
    make_world: Callable[..., World],
) -> None:
    world = complained(make_world(smtp_extra='in_doubt = "resend"'))
    lose_copies(world)
    world.smtp.plan("data", DROP)
    later(world, minutes=11)
    taken = len(world.smtp.messages)
    world.smtp.plan("mail", "451 4.3.0 later")
    later(world, minutes=11)  # the window is over, and the next try is put off
    with world.app.ledger.transaction() as tx:
        assert [each.letter.kind for each in tx.outbox.all(LetterStatus.DEFERRED)] == ["confirmation"]
    world._copied, world.copies_come = taken - 1, True
    assert world._copies_arrive() == 1
    later(world, minutes=6)
    later(world, days=1)
    assert len(world.letters("confirmation")) == 1
    assert world.case().stage is Stage.CONFIRMED


@pytest.mark.parametrize("plan", [DROP, DROP_BEFORE], ids=["taken", "lost"])
@pytest.mark.parametrize("how", ["", "sent", "drop", "resend"])
def test_a_gift_card_in_doubt_is_sent_again_only_when_a_person_says_so(
    make_world: Callable[..., World], plan: str, how: str
) -> None:
    world = complained(make_world(smtp_extra='in_doubt = "resend"'))
    ref = world.case().ref
    with world.app.ledger.transaction() as tx:
        for number in range(30):  # so many that no mail about the stock takes the place of the card's
            tx.cards.add(f"{CODE}-{number}", Money(2000, "EUR"), None, world.now)
    world.says(ref, "kept", "fixed", *PUT_RIGHT_FACTS, "gift-card: 20 EUR")
    world.passes(datetime(2020, 12, 4, 10, 5, tzinfo=UTC))
    assert len(world.letters("follow-up")) == 1
    lose_copies(world)
    world.passes(datetime(2020, 12, 7, 9, tzinfo=UTC))
    world.smtp.plan("data", plan)
    world.passes(datetime(2020, 12, 7, 10, 30, tzinfo=UTC))
    later(world, minutes=30)
    [asked] = world.letters("desk/doubt")
    assert CODE not in text_of(asked)
    if how:
        world.agent_answers(asked, f"settle: {how}")
    for _ in range(5):
        later(world, hours=40)
    given = [mail for mail in world.letters() if CODE in text_of(mail)]
    assert len(given) == (plan == DROP) + (how == "resend")
    with world.app.ledger.transaction() as tx:
        assert sum(card.case_ref is not None for card in tx.cards.all()) == 1
        waiting = tx.outbox.all(LetterStatus.DOUBT)
    assert [state.letter.kind for state in waiting] == ([] if how else ["gift-card"])


# --- the disk is full -------------------------------------------------------------------------------------------------


def test_a_full_disk_at_any_time_loses_no_letter_and_sends_none_twice(service: Service) -> None:
    service.once()
    rewrite(service, 'after = "2 seconds"', 'after = "1 second"')
    service.customer_writes(COMPLAINT)
    service.agent_tags("complaint")
    ledger = service.directory / "ledger.db"
    failed = 0
    for room in (0, 8, 24, 48, 96):
        size = max(file.stat().st_size for file in service.directory.glob("ledger.db*"))
        failed += bool(once_with(service, size // 1024 + room))
        service.copies_arrive()
    for _ in range(3):
        service.once()
        service.copies_arrive()
    assert failed  # the disk was full indeed
    assert condition(service, "confirmation") == ["sent"]
    assert len(service.letters("confirmation")) == 1
    with sqlite3.connect(ledger) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def once_with(service: Service, kilobytes: int) -> int:
    """Run once while no file may grow beyond this size; return the exit code."""
    done = forks().run(service.request("run", "--once", largest_file=kilobytes * 1024))
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done.returncode


# --- the clock is wrong for a moment ---


def test_a_clock_that_is_a_year_ahead_for_a_moment_makes_nothing_due_and_it_is_said(service: Service) -> None:
    """The daemon's own clock is set; what it measures spans with goes on."""
    found = sorted(Path("/usr/lib").rglob("libfaketime.so.1"))
    if not found:
        pytest.skip("skipped, because faketime is not installed")
    clock_file = service.directory / "clock"
    clock_file.write_text("+0")
    set_by_us = {"LD_PRELOAD": str(found[0]), "FAKETIME_TIMESTAMP_FILE": str(clock_file)}
    set_by_us |= {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    service.once()
    service.customer_writes(COMPLAINT)
    service.agent_tags("complaint")
    with (service.directory / "journal").open("ab") as journal:
        process = subprocess.Popen(
            [*service._command, "run", "--config", str(service.directory)],
            env={**service._environment, **set_by_us},
            stderr=journal,
        )
    try:
        until(lambda: service.letters("desk/opened"), "the desk mail")
        before = len(service.letters())
        clock_file.write_text("+365d")
        service.waits_for("clock-jumped")
        clock_file.write_text("+0")
        threading.Event().wait(5)
        assert {str(mail["X-Followupd-Key"]).split(".")[1] for mail in service.letters()[before:]} <= {
            "confirmation"
        }
        process.terminate()
        assert process.wait(LIMIT) == 0
    finally:
        process.wait(LIMIT)


# --- rights and keys are lost ---

_DROP_FROM_BOUNDING_SET, _CAPABILITIES = (
    24,
    (1, 2),
)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root obeys modes, too


def without_privileges() -> None:
    prctl = ctypes.CDLL(None).prctl
    for capability in _CAPABILITIES:
        prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


def ledger_files(directory: Path) -> list[Path]:
    return list(directory.glob("ledger.db*"))


@contextmanager
def modes(mode: int, *paths: Path) -> Iterator[None]:
    """Give these files another mode for a while."""
    before = [(path, path.stat().st_mode) for path in paths]
    for path in paths:
        path.chmod(mode)
    try:
        yield
    finally:
        for path, old in before:
            path.chmod(old)


@contextmanager
def another_content(path: Path, content: str) -> Iterator[None]:
    """Put something else into a file for a while."""
    before = path.read_text()
    path.write_text(content)
    try:
        yield
    finally:
        path.write_text(before)


def key_of(directory: Path) -> Path:
    [key] = directory.rglob("ledger-key*")
    return key


RIGHTS: dict[str, Callable[[Path], AbstractContextManager[None]]] = {
    "a directory that nobody may write": lambda directory: modes(0o500, directory),
    "a ledger that nobody may write": lambda directory: modes(0o400, *ledger_files(directory)),
    "a ledger that nobody may read": lambda directory: modes(0o000, *ledger_files(directory)),
    "a key that nobody may read": lambda directory: modes(0o000, key_of(directory)),
    "another key": lambda directory: another_content(
        key_of(directory), b64encode(bytes(range(7, 39))).decode()
    ),
    "an empty key": lambda directory: another_content(key_of(directory), ""),
}


@pytest.mark.parametrize("lost", RIGHTS)
def test_rights_or_a_key_that_are_lost_for_a_while_lose_no_letter_and_send_none_twice(
    service: Service, lost: str
) -> None:
    service.once()
    service.customer_writes(COMPLAINT)
    service.agent_tags("complaint")
    service.once()
    sent = len(service.letters())
    with RIGHTS[lost](service.directory):
        done = subprocess.run(
            [*service._command, "run", "--once", "--config", str(service.directory)],
            env=service._environment,
            check=False,
            capture_output=True,
            preexec_fn=without_privileges,
        )
        assert done.returncode, done.stderr.decode()
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert len(service.letters()) == sent
    threading.Event().wait(2.5)  # seconds: longer than a second mail of the customer is waited for
    for _ in range(2):
        service.once()
        service.copies_arrive()
    assert condition(service, "confirmation") == ["sent"]
    assert len(service.letters("confirmation")) == 1


# --- the ledger is locked ---------------------------------------------------------------------------------------------


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Hold the ledger's write lock, as a command that hangs would."""
    connection = sqlite3.connect(ledger, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_a_ledger_that_is_locked_for_some_cycles_loses_no_letter(service: Service) -> None:
    service.smtp.plan("data", PASS, 1.0)  # the desk mail comes first
    with service.ready() as process:
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        service.waits_for(r"letter-sending key=\S+confirmation\.1")
        with locked(service.directory / "ledger.db"):
            until(lambda: service.letters("confirmation"), "the confirmation")
            threading.Event().wait(2.5)
            assert process.poll() is None
        service.waits_for(r"letter-sent key=\S+confirmation\.1")
        assert ends(process, signal.SIGTERM, LIMIT) == 0
    assert len(service.letters("confirmation")) == 1
    assert condition(service, "confirmation") == ["sent"]


def beats(world: World) -> None:
    """Beat as long as there is something to do."""
    while run_cycle(world.app, world.now):
        pass


def test_the_reply_of_the_server_outlives_an_outage_of_the_ledger(world: World) -> None:
    """A ledger that stays locked past every patience: the server's word is put down in the next beat, and is no doubt."""
    complained(world)
    event.listen(
        world.app.ledger._engine, "connect", lambda line, _: line.execute("PRAGMA busy_timeout = 50")
    )
    world.app.ledger.close()
    lose_copies(world)
    world.now += timedelta(minutes=11)
    world.smtp.plan("data", 1.0)
    locks = locked(world.directory / "ledger.db")

    def lock_meanwhile() -> None:
        until(lambda: not world.smtp.plans["data"], "the letter in the server's hands")
        locks.__enter__()

    thread = threading.Thread(target=lock_meanwhile)
    thread.start()
    with pytest.raises(UnavailableError, match="locked"):
        beats(world)
    thread.join()
    locks.__exit__(None, None, None)
    world.passes()
    assert len(world.letters("confirmation")) == 1
    assert world.case().stage is Stage.CONFIRMED
    assert world.letters("desk/doubt") == []
