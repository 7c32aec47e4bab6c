"""The daemon as systemd sees it: ready when it listens, alive, stopped at once, and never twice however it ends."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.journeys.service import Service, ends
from tests.servers.dovecot import Dovecot
from tests.servers.forks import Process
from tests.servers.machine import LIMIT, free_ports, until
from tests.servers.manager import Manager
from tests.servers.smtp import KEEP, PASS, Sink

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
#: seconds that the service has to stop: under five, but a busy machine takes longer
STOP = 30


@pytest.fixture
def manager() -> Iterator[Manager]:
    with Manager() as manager:
        yield manager


@pytest.fixture
def service(tmp_path: Path, dovecot: Dovecot, smtp: Sink, manager: Manager) -> Service:
    return Service.made(tmp_path / "etc", dovecot.account("support"), smtp, manager)


def test_a_tagged_complaint_is_answered_within_seconds_and_the_watchdog_is_fed(service: Service) -> None:
    with service.ready() as process:
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        until(lambda: service.letters("confirmation"), "the confirmation")
        service.manager.wait("WATCHDOG=1")
        service.manager.wait("WATCHDOG=1")
        until(lambda: service.ask("status")["mailboxes"][0]["connected"], "a healthy status")
        assert ends(process, signal.SIGTERM, STOP) == 0
    service.manager.wait("STOPPING=1")
    assert len(service.letters("confirmation")) == 1


def test_a_daemon_that_says_it_is_ready_is_well_for_status(service: Service) -> None:
    with service.ready():
        found = service.ask("status")
        assert found["mailboxes"][0]["connected"], found
        assert found["ok"], found


def test_ready_is_said_only_when_the_mailbox_is_open(
    tmp_path: Path, own_dovecot: Dovecot, smtp: Sink, manager: Manager
) -> None:
    service = Service.made(tmp_path / "etc", own_dovecot.account("support"), smtp, manager)
    own_dovecot.stop()
    with service.running():
        service.waits_for("unavailable what=")
        assert not [line for line in manager.so_far() if line.startswith("READY")]
        own_dovecot.start()
        manager.wait("READY=1")
    assert "daemon-ready" in service.journal()


def test_a_daemon_that_starts_with_many_letters_is_ready_before_they_have_left(service: Service) -> None:
    service.once()
    for number in range(8):
        head = (
            f"From: kim{number}@customers.test\r\nMessage-ID: <{number}@customers.test>\r\nSubject: My parcel"
        )
        service.postbox.append(f"{head}\r\n\r\n{COMPLAINT}\r\n".encode())
    for uid in service.postbox.uids():
        service.postbox.mark(uid, "complaint")
    for _ in range(20):
        service.smtp.plan("data", 2.0, PASS)
    with service.ready():
        until(lambda: service.journal().count("case-opened") == 8, "all cases")
    with service.ready():
        assert len(service.letters()) < 14  # of 16


def test_a_letter_in_hand_is_finished_before_the_end(service: Service) -> None:
    service.smtp.plan("data", 1.0)
    with service.ready() as process:
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        service.waits_for("letter-sending key=")
        assert ends(process, signal.SIGTERM, STOP) == 0
    [letter] = [each for each in service.ask("letters") if each["condition"] == "sent"]
    assert [str(each["X-Followupd-Key"]) for each in service.letters()] == [letter["key"]]


def test_a_server_that_never_answers_does_not_keep_the_daemon_from_stopping(service: Service) -> None:
    service.smtp.plan("data", 20.0)
    with service.ready() as process:
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        service.waits_for("letter-sending key=")
        assert ends(process, signal.SIGTERM, STOP) == 0


@pytest.mark.parametrize("proved", [True, False], ids=["the copy comes", "no copy comes"])
def test_a_letter_cut_off_by_sigkill_is_in_doubt_and_not_sent_again(service: Service, proved: bool) -> None:
    service.smtp.plan("data", PASS, KEEP, 30.0)  # the desk mail comes first
    with service.ready() as process:
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        until(lambda: service.letters("confirmation"), "the server's acceptance, which nobody hears")
        ends(process, signal.SIGKILL, STOP)
    with service.ready() as process:
        service.waits_for(r"letter-in-doubt key=\S+confirmation\.1")
        if proved:
            service.copies_arrive()
            service.waits_for(r"letter-confirmed key=\S+confirmation\.1")
        assert ends(process, signal.SIGTERM, STOP) == 0
    [letter] = [each for each in service.ask("letters") if each["kind"] == "confirmation"]
    assert letter["condition"] == ("sent" if proved else "doubt")
    assert len(service.letters("confirmation")) == 1


def test_sighup_keeps_the_old_configuration_while_the_new_one_is_wrong(service: Service) -> None:
    file = service.directory / "followupd.toml"
    right = file.read_text()
    with service.ready() as process:
        file.write_text(right.replace("[smtp]", "[stmp]"))
        process.send_signal(signal.SIGHUP)
        service.manager.wait("RELOADING=1")
        service.manager.wait("READY=1")
        assert "configuration-rejected" in service.journal()
        file.write_text(right.replace("Acme Ltd", "Better Ltd"))
        process.send_signal(signal.SIGHUP)
        service.manager.wait("READY=1")
        assert "configuration-reloaded" in service.journal()
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        until(lambda: service.letters("confirmation"), "the confirmation")
        assert ends(process, signal.SIGTERM, STOP) == 0
    assert "Better Ltd" in str(service.letters("confirmation")[0])


def test_sighup_does_not_change_the_ledger(service: Service) -> None:
    file = service.directory / "followupd.toml"
    with service.ready() as process:
        file.write_text(file.read_text().replace("sqlite:///ledger.db", "sqlite:///other.db"))
        process.send_signal(signal.SIGHUP)
        service.waits_for("another ledger needs a restart")
        assert ends(process, signal.SIGTERM, STOP) == 0
    assert not (service.directory / "other.db").exists()


def reloaded(service: Service, times: int) -> bool:
    return service.journal().count("configuration-reloaded") >= times


def test_reloads_leave_no_open_ledger_behind(service: Service) -> None:
    file = service.directory / "followupd.toml"

    def held_open(process: Process) -> int:
        links = Path(f"/proc/{process.pid}/fd").iterdir()
        return sum(link.readlink().name.startswith("ledger.db") for link in links if link.is_symlink())

    with service.ready() as process:
        for number in range(4):
            file.write_text(file.read_text().replace("Acme Ltd", f"Acme Ltd {number}"))
            process.send_signal(signal.SIGHUP)
            until(partial(reloaded, service, number + 1), "the reload")
        until(lambda: held_open(process) <= 3 * 4 + 1, "the ledgers of earlier generations closed")
        assert ends(process, signal.SIGTERM, STOP) == 0


def test_a_wrong_configuration_ends_with_78_and_every_problem_but_no_traceback(service: Service) -> None:
    file = service.directory / "followupd.toml"
    file.write_text(file.read_text().replace("[smtp]", "[stmp]").replace("Europe/London", "Europe/Nowhere"))
    with service.running() as process:
        assert process.wait(LIMIT) == 78
    assert "stmp" in service.journal()
    assert "Europe/Nowhere" in service.journal()
    assert "Traceback" not in service.journal()
    assert service.manager.so_far() == []


def test_a_second_daemon_on_the_same_ledger_refuses_to_start(service: Service) -> None:
    with service.ready() as first, service.running() as second:
        assert second.wait(30) == 1
        assert "Another followupd runs on this ledger" in service.journal()
        assert "Traceback" not in service.journal()
        assert first.poll() is None


def test_run_once_does_all_that_is_due_and_stops(service: Service) -> None:
    service.once()  # older mail is passed over
    service.customer_writes(COMPLAINT)
    service.agent_tags("complaint")
    until(lambda: service.once() and service.letters("confirmation"), "the confirmation")
    for _ in range(3):
        service.once()
    assert len(service.letters("desk/opened")) == 1
    assert len(service.letters("confirmation")) == 1


def test_a_mailbox_that_is_away_keeps_a_run_from_nothing_else(service: Service) -> None:
    service.once()
    file = service.directory / "followupd.toml"
    (nobody,) = free_ports(1)
    away = (
        f'\n[[mailbox]]\nname = "away"\naddress = "away@support.test"\nhost = "127.0.0.1"\nport = {nobody}\n'
    )
    file.write_text(
        file.read_text() + away + 'security = "none"\nusername = "away"\npassword = "credential:imap"\n'
    )
    service.customer_writes(COMPLAINT)
    service.agent_tags("complaint")

    def ran() -> bool:
        with pytest.raises(subprocess.CalledProcessError) as failed:
            service.once()
        assert failed.value.returncode == 1
        assert b"not read: away; everything else was done" in failed.value.stderr
        return len(service.letters("confirmation")) == 1

    until(ran, "the confirmation")
    health = service.ask("status")
    assert {each["name"]: each["connected"] for each in health["mailboxes"]} == {
        "support": True,
        "away": False,
    }
    assert not health["ok"]


def with_a_second_mailbox(service: Service, port: int) -> None:
    """Add the mailbox "away" to the configuration, with a wrong password."""
    wrong = service.directory / "wrong"
    wrong.write_text("no such password")
    wrong.chmod(0o600)
    file = service.directory / "followupd.toml"
    box = service.postbox
    file.write_text(
        file.read_text()
        + f'\n[[mailbox]]\nname = "away"\naddress = "away@support.test"\nhost = "{box.host}"\nport = {port}\n'
        + f'ca_file = "{box.ca_file}"\nusername = "away"\npassword = "file:{wrong}"\n'
    )


@pytest.mark.parametrize("trouble", ["nobody answers", "wrong password"])
def test_a_mailbox_that_is_out_at_the_start_takes_down_nothing_else(service: Service, trouble: str) -> None:
    (nobody,) = free_ports(1)
    with_a_second_mailbox(service, nobody if trouble == "nobody answers" else service.postbox.port)
    with service.ready():
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        until(lambda: service.letters("confirmation"), "the confirmation of the mailbox that works")
        health = service.ask("status")
        assert {each["name"]: each["connected"] for each in health["mailboxes"]} == {
            "support": True,
            "away": False,
        }
        assert service.journal().count("what=away inbox") + service.journal().count('what="away inbox"') == 1


def test_a_refused_password_is_tried_by_one_connection_and_then_seldom(service: Service) -> None:
    with_a_second_mailbox(service, service.postbox.port)
    with service.ready():
        service.waits_for("login of away was refused")
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        until(lambda: service.letters("confirmation"), "the confirmation")
    assert service.journal().count("login of away was refused") == 1


def test_a_sent_folder_that_is_not_there_keeps_back_letters_to_customers_alone(service: Service) -> None:
    """An agent may have answered the customer already; only Sent would tell."""
    file = service.directory / "followupd.toml"
    written = file.read_text()
    service.once()
    service.customer_writes(COMPLAINT)
    service.agent_tags("complaint")

    file.write_text(written.replace('name = "support"', 'name = "support"\nsent = "Nowhere"', 1))
    until(lambda: service.once(exit_code=1) and service.letters("desk/opened"), "the mail to the desk")
    service.once(exit_code=1)
    assert not service.letters("confirmation")
    health = service.ask("status")
    assert (health["ok"], health["mailboxes"][0]["connected"]) == (False, False)

    file.write_text(written)
    until(lambda: service.once() and service.letters("confirmation"), "the confirmation")


def test_status_says_when_nobody_listens_any_more(service: Service) -> None:
    service.once()
    assert service.ask("status")["ok"]
    with service.ready() as process:
        until(lambda: service.ask("status")["ok"], "a healthy status")
        assert ends(process, signal.SIGTERM, STOP) == 0
    health = service.ask("status")
    assert (health["ok"], health["mailboxes"][0]["connected"]) == (False, False)


def test_status_does_not_believe_a_daemon_that_has_fallen_silent(service: Service) -> None:
    with service.ready() as process:
        until(lambda: service.ask("status")["ok"], "a healthy status")
        process.kill()
        process.wait(LIMIT)
        health = service.ask("status")  # at once: the system has freed its lock of the ledger
    assert (health["ok"], health["mailboxes"][0]["connected"]) == (False, False)


def test_status_does_not_believe_a_daemon_that_hangs(service: Service) -> None:
    with service.ready() as process:
        until(lambda: service.ask("status")["ok"], "a healthy status")
        process.send_signal(signal.SIGSTOP)
        assert service.ask("status")["ok"]  # nothing in the ledger tells this moment from a long beat
        health = service.ask("status", later="+11m")
    assert (health["ok"], health["mailboxes"][0]["connected"]) == (False, False)


#: a daemon whose main thread holds the lock of its event at the very moment of the signal
AMID = """
import os, signal, sys, threading
from pathlib import Path
from followupd.app.daemon import Daemon
from followupd.adapters.settings import load
from followupd.app.container import build_to_run

class Wakeup(threading.Event):
    def wait(self, timeout=None):
        with self._cond:
            os.kill(os.getpid(), signal.SIGTERM)
            sum(range(100_000))  # a handler of Python's would run here
        return super().wait(timeout)

daemon = Daemon(build_to_run(load(Path(sys.argv[1]))))
daemon.wakeup = Wakeup()
daemon.run()
"""


def test_a_stop_that_comes_amid_the_daemons_own_locks_stops_it(service: Service) -> None:
    environment = service.manager.environment({"imap": service.postbox.password})
    command = [sys.executable, "-c", AMID, str(service.directory)]
    assert (
        subprocess.run(command, env=environment, capture_output=True, check=False, timeout=180).returncode
        == 0
    )


# --- a ledger that is overwritten in place ---


def checkpoint(ledger: Path) -> None:
    """Let SQLite write what is in its log to the file, as it does now and then."""
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute(
            "SELECT count(*) FROM pulse"
        ).fetchone()  # or it would not know that there is a log
        until(lambda: not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0], "a checkpoint")


def before_its_start(service: Service, ledger: Path, copy: Path) -> None:
    """A file that was copied before the daemon started, when it had no case."""
    del service, ledger
    assert copy.exists()


def of_its_own_run(service: Service, ledger: Path, copy: Path) -> None:
    checkpoint(ledger)
    subprocess.run(["cp", ledger, copy], check=True)


def by_backup(service: Service, ledger: Path, copy: Path) -> None:
    del ledger
    copy.unlink()
    service.asks("backup", str(copy), "--even-empty")


def empty(service: Service, ledger: Path, copy: Path) -> None:
    del service, ledger
    copy.write_bytes(b"")


@pytest.mark.parametrize("made", [before_its_start, of_its_own_run, by_backup, empty])
def test_a_ledger_that_is_overwritten_under_the_daemon_stops_all_letters_and_it_is_said(
    service: Service, made: Callable[[Service, Path, Path], None], tmp_path: Path
) -> None:
    ledger, copy = service.directory / "ledger.db", tmp_path / "copy.db"
    service.once()
    subprocess.run(["cp", ledger, copy], check=True)
    with service.ready() as process:
        made(service, ledger, copy)
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        until(lambda: service.letters("confirmation"), "the confirmation")
        service.waits_for("event-recorded case=.* name=NextStepConfirmed", 60)
        if made is not before_its_start:
            checkpoint(ledger)
        subprocess.run(["cp", copy, ledger], check=True)
        service.waits_for("unavailable what=cycle .*overwritten", 60)
        until(lambda: service.letters_about("ledger was lost"), "a mail to the lead")
        assert "was overwritten while followupd runs" in service.ask("status")["ledger"]
        assert ends(process, signal.SIGTERM, STOP) == 0
    assert len(service.letters("confirmation")) == 1

    for file in ledger.parent.glob("ledger.db-*"):
        file.unlink()
    subprocess.run(["cp", copy, ledger], check=True)
    with service.running():
        service.waits_for("breaker-open reason=.*(overwritten|is a copy)")
        service.waits_for("letter-sent key=desk/digest.*breaker")
        status = service.ask("status")
        assert (status["breaker"], status["ledger"]) == ("open", "in place")
    assert len(service.letters("confirmation")) == 1
    assert len(service.letters_about("ledger was lost")) == 1


# --- mails that take long to read ---


#: what the text or the header of a slow mail repeats
SLOW = {
    "html": (b"Content-Type: text/html\r\n\r\n", b"<p>Kim wrote:<br>", 110_000),
    "quotes": (b"\r\n", b"On Monday, Kim <k@c.test> wrote:\r\n> x\r\n", 40_000),
    "addresses": (b"", b"To: x" + b"\x0b" * 60_000 + b"y\r\n", 7),
}


@pytest.mark.parametrize("form", SLOW)
def test_a_stop_amid_a_slow_mail_is_heard_and_the_mail_is_read_after_it(service: Service, form: str) -> None:
    begin, unit, count = SLOW[form]
    with service.ready() as process:
        for number in range(4):
            head = f"From: m@evil.test\r\nSubject: {number}\r\nMessage-ID: <{form}-{number}@evil.test>\r\n"
            service.postbox.deliver(
                head.encode() + begin + unit * count + b"\r\nend\r\n", sender="m@evil.test"
            )
        service.customer_writes(COMPLAINT)
        assert ends(process, signal.SIGTERM, STOP) == 0
    with service.ready():
        service.postbox.mark(service.postbox.uids()[-1], "complaint")
        until(lambda: service.letters("confirmation"), "the confirmation")
    assert len(service.letters("confirmation")) == 1
    assert "Traceback" not in service.journal()
