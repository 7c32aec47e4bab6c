"""Leases: one daemon on a file; on PostgreSQL several, which share the mailboxes."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import create_engine, text

from followupd import clock
from followupd.adapters.crypto import Vault
from followupd.adapters.storage.lease import AlreadyRunningError, LeaseScope
from followupd.adapters.storage.ledger import Ledger
from followupd.domain import lifecycle
from followupd.domain.calendar import Calendar
from followupd.domain.compensation import Money
from followupd.domain.events import CaseOpened, ComplaintHeard
from followupd.domain.letter import DeliveryOutcome, DeliveryResult, Letter, LetterKind, LetterStatus
from followupd.domain.mail import IncomingMail, Kind, MailLocation, Message, Person
from followupd.errors import UnavailableError
from followupd.services.outbox.policy import SendPolicy
from followupd.services.outbox.send import SendService
from tests.builders import PLAYBOOK
from tests.servers.machine import until
from tests.servers.postgres import Postgres

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
MAILBOXES = ("support", "sales", "returns")
KIM = Person("kim@customers.test", "Kim Doe")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    database: str = request.getfixturevalue("postgres").database()
    return database


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL that the test may stop and start."""
    with Postgres() as server:
        yield server


def a_ledger(url: str) -> Ledger:
    ledger = Ledger(url, Vault([b"k" * 32]))
    ledger.upgrade()
    return ledger


def test_a_second_daemon_holds_nothing_until_the_first_has_ended(url: str) -> None:
    first, second = a_ledger(url), a_ledger(url)
    with first.lease() as lease:
        assert lease.acquire(MAILBOXES, at_once=True) == set(MAILBOXES)
        assert lease.is_held()
        if url.startswith("sqlite"):
            with pytest.raises(AlreadyRunningError), second.lease():
                raise AssertionError("two daemons on one file")
        else:
            with second.lease() as other:
                assert other.acquire(MAILBOXES, at_once=True) == set()
        with second.transaction() as tx:  # a command may work beside the daemon
            assert tx.cases.all() == []
    with second.lease() as other:  # PostgreSQL ends a session some time after its client has closed it
        until(lambda: other.acquire(MAILBOXES, at_once=True) == set(MAILBOXES), "the leases of the first")
    first.close()
    second.close()


def test_daemons_on_postgresql_share_the_mailboxes(postgres: Postgres) -> None:
    url = postgres.database()
    one, two = a_ledger(url), a_ledger(url)
    with one.lease() as first, two.lease() as second:
        assert first.acquire(MAILBOXES) == {"support"}
        assert second.acquire(MAILBOXES) == {"sales"}
        assert first.acquire(MAILBOXES) == {"support", "returns"}
        assert second.acquire(MAILBOXES) == {"sales"}
        assert first.acquire(["support"]) == {"support"}  # one that is no longer configured is released
        assert second.acquire(MAILBOXES) == {"sales", "returns"}
    with two.lease() as second:
        assert second.acquire(MAILBOXES, at_once=True) == set(MAILBOXES)
    one.close()
    two.close()


def test_a_daemon_notices_that_its_locks_are_lost_and_acquires_them_again(own_postgres: Postgres) -> None:
    """After a restart of the database no daemon holds anything until it acquires it again."""
    ledger = a_ledger(own_postgres.database())
    with ledger.lease() as lease:
        assert lease.acquire(MAILBOXES, at_once=True) == set(MAILBOXES)
        own_postgres.stop()
        threading.Event().wait(1.1)  # the connection is checked once a second
        assert not lease.is_held()
        assert lease.acquire(MAILBOXES) == set()
        own_postgres.start()
        assert lease.acquire(MAILBOXES, at_once=True) == set(MAILBOXES)
        assert lease.is_held()
    ledger.close()


def test_a_daemon_sees_its_mailboxes_and_the_leader_also_those_not_configured(url: str) -> None:
    ledger = a_ledger(url)
    with ledger.transaction() as tx:
        for uid, name in enumerate((*MAILBOXES, "no longer configured"), 1):
            first = CaseOpened(
                at=NOW,
                ref=f"FU-{uid}",
                mailbox=name,
                customer=KIM,
                subject="x",
                playbook="default",
                owner="ana",
            )
            key = f"FU-{uid}.confirmation.1"
            letter = Letter(
                key=key,
                case=first.ref,
                kind=LetterKind.CONFIRMATION,
                mailbox=name,
                sender=Person("a@example.test"),
                to=KIM,
                subject="x",
                text="x",
                message_id=f"<{key}@example.test>",
            )
            tx.cases.record(tx.cases.open(first), [], lambda _: NOW, NOW)
            tx.outbox.queue(letter, NOW)
            message = Message(
                kind=Kind.CUSTOMER, because="a test", message_id=f"<{uid}@customers.test>", sender=KIM
            )
            mail = IncomingMail(
                MailLocation(name, "INBOX", 1, uid), f"print {uid}", NOW, frozenset(), False, message
            )
            [result] = tx.mail.store([mail], NOW)
            tx.mail.add_command(result.mail_id, name, "tag", NOW)
            tx.orders.place(first.ref, 1, Money(2000, "EUR"), NOW)

    def seen(*held: str) -> list[set[str]]:
        ledger.scope = LeaseScope.of(MAILBOXES, held)
        with ledger.transaction() as tx:
            return [
                {tx.cases.get(ref).mailbox for ref in tx.cases.due(NOW)},
                {state.letter.mailbox for state in tx.outbox.due(NOW)},
                {state.letter.mailbox for state in tx.outbox.in_flight(LetterStatus.QUEUED)},
                {mail.mailbox for mail in tx.mail.unprocessed()},
                {command.line for command in tx.mail.pending_commands()},
                {tx.cases.get(order.case_ref).mailbox for order in tx.orders.due(NOW)},
            ]

    assert seen(*MAILBOXES) == [{*MAILBOXES, "no longer configured"}] * 6
    assert seen("support") == [{"support", "no longer configured"}] * 6
    assert seen("sales", "returns") == [{"sales", "returns"}] * 6
    assert seen() == [set()] * 6
    ledger.close()


def test_machines_that_share_a_ledger_use_its_clock(url: str) -> None:
    ledger = a_ledger(url)
    now = ledger.now()
    if url.startswith("sqlite"):
        assert now is None  # one file, one machine, one clock
    else:
        assert now
        assert abs(now - clock.now()) < timedelta(minutes=1)
    ledger.close()


# --- a deadlock between a daemon and a command ---

RULES = SendPolicy(
    Calendar(timezone="UTC"),
    per_address=(9, timedelta(days=1)),
    breaker=(1_000, timedelta(hours=1)),
    witness=True,
    witness_within=timedelta(minutes=10),
    in_doubt="ask",
    playbook_of=lambda case: PLAYBOOK,
)


class AcceptingTransport:
    """A transport that takes every letter; with the last one it lets another session lock a case."""

    def __init__(self, number: int, at_the_last: Callable[[], None]) -> None:
        self.taken: list[str] = []
        self._number, self._at_the_last = number, at_the_last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def deliver(self, letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        self.taken.append(to)
        if len(self.taken) == self._number:
            self._at_the_last()
        return DeliveryResult(DeliveryOutcome.ACCEPTED, "250 2.0.0 queued", witnessed=bool(witness))


def two_letters(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for number in (1, 2):
            ref, to = f"FU-{number}", Person(f"kim@customers-{number}.test")
            first = CaseOpened(
                at=NOW, ref=ref, mailbox="support", customer=to, subject="x", playbook="default", owner="ana"
            )
            letter = Letter(
                key=f"{ref}.holding.1",
                case=ref,
                kind=LetterKind.HOLDING,
                mailbox="support",
                sender=Person("a@example.test"),
                to=to,
                subject="x",
                text="x",
                message_id=f"<{ref}@example.test>",
            )
            case = tx.cases.record(tx.cases.open(first), [ComplaintHeard(at=NOW)], lambda _: None, NOW)
            tx.cases.record(case, [letter], lambda _: None, NOW)


class Other:
    """Another session: it locks a case, lets the daemon wait for it, and then wants the daemon's letter."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        self._session = self._engine.connect()
        self._thread = threading.Thread(target=self._cross)

    def lock_case(self) -> None:
        self._session.execute(
            text("SET deadlock_timeout = '1min'")
        )  # so that the daemon's transaction is aborted
        self._session.execute(text("UPDATE case_file SET held = held WHERE ref = 'FU-2'"))
        self._thread.start()

    def _cross(self) -> None:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with self._engine.connect() as watcher:
            until(lambda: watcher.scalar(waiting), "the daemon does not wait for the case")
        self._session.execute(text("UPDATE letter SET reply = reply WHERE key = 'FU-2.holding.1'"))

    def end(self) -> None:
        self._thread.join(30)
        self._session.rollback()
        self._session.close()
        self._engine.dispose()


def test_after_a_deadlock_the_daemon_still_records_the_servers_replies(
    postgres: Postgres,
) -> None:
    url = postgres.database()
    ledger = a_ledger(url)
    two_letters(ledger)
    other = Other(url)
    transport = AcceptingTransport(2, other.lock_case)
    sender = SendService(
        ledger,
        transport,
        lambda state, _: state.letter.text.encode(),
        lambda _: "a@example.test",
        lambda _: "a@example.test",
        RULES,
    )
    with pytest.raises(UnavailableError, match="deadlock"):
        sender.run(NOW)
    other.end()
    assert sender.recover_interrupted(NOW) == 1, "the server's reply is recorded after all"
    with ledger.transaction() as tx:
        assert {each.status for each in tx.outbox.all()} == {LetterStatus.SENT}
        for case in tx.cases.all():
            assert [mark.state for mark in case.letters] == ["left"]
            assert case == replace(
                lifecycle.fold(tx.cases.history(case.ref)), version=case.version, wake_at=case.wake_at
            )
    assert sender.run(NOW) == 0
    assert sorted(transport.taken) == ["kim@customers-1.test", "kim@customers-2.test"]
    ledger.close()
