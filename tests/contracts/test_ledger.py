"""The ledger's promises, kept alike by SQLite and PostgreSQL: once, whole or not at all, and sealed."""

import hashlib
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import create_engine, event, make_url, text

from followupd import log
from followupd.adapters.crypto import DecryptionError, Vault
from followupd.adapters.smtp.compose import compose, dated, undated
from followupd.adapters.storage.ledger import Ledger, WrongKeyError
from followupd.adapters.storage.migrate import CopyError
from followupd.adapters.storage.outbox import UnknownLetterError
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import GiftCard, Money
from followupd.domain.events import (
    AgentTold,
    CaseOpened,
    ComplaintHeard,
    ComplaintSuspected,
    CustomerWrote,
    Dismissed,
    Event,
    FactsStated,
    Fixed,
    Held,
    OwnerChosen,
)
from followupd.domain.keys import StateKey
from followupd.domain.letter import Budget, Letter, LetterKind, LetterStatus, SendResult, UsageWindows
from followupd.domain.mail import (
    DISMISSED_BY_AGENT,
    IncomingMail,
    Kind,
    MailLocation,
    MailState,
    Message,
    Person,
)
from followupd.errors import (
    ConflictError,
    InvalidTransitionError,
    LetterError,
    UnavailableError,
    UnknownCaseError,
)
from tests.servers.machine import program
from tests.servers.postgres import Postgres

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
THREADS = 8
EURO_20 = Money(2000, "EUR")
STORY = "the teapot arrived in shards"
WORDS = "we are sorry about the shards"
CODE = "GIFT-9Z9Z-SECRET"
Result = TypeVar("Result")


@dataclass(frozen=True)
class StoredLedger:
    """A ledger, and all bytes that it has written."""

    ledger: Ledger
    url: str
    written: Callable[[], bytes]


@pytest.fixture(params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoredLedger]:
    if request.param == "sqlite":
        directory = tmp_path / "ledger"
        url = f"sqlite:///{directory}/ledger.db"
        written = partial(contents, directory)
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.database()
        written = partial(dump, url)
    ledger = new_ledger(url)
    ledger.upgrade()
    yield StoredLedger(ledger, url, written)
    ledger.close()


@pytest.fixture
def ledger(stored: StoredLedger) -> Ledger:
    return stored.ledger


def new_ledger(url: str, key: bytes = b"k" * 32) -> Ledger:
    return Ledger(url, Vault([key]), undated)


def contents(directory: Path) -> bytes:
    """Return the bytes of all files of a directory."""
    return b"".join(file.read_bytes() for file in sorted(directory.iterdir()))


def dump(url: str) -> bytes:
    """Return all rows of all tables as text, with their bytes decoded."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    dump = subprocess.run(
        [program("pg_dump", "postgresql-client"), "--data-only", "--inserts", plain],
        check=True,
        capture_output=True,
    )
    texts = b"".join(
        bytes.fromhex(part.partition(b"'")[0].decode()) for part in dump.stdout.split(b"'\\x")[1:]
    )
    return dump.stdout + texts


# --- builders ---


def case_opened(ref: str = "FU-7K3Q9", at: datetime = NOW) -> CaseOpened:
    return CaseOpened(
        at=at,
        ref=ref,
        mailbox="support",
        customer=Person("Kim@customers.test", "Kim Doe"),
        subject="My teapot",
        playbook="default",
        owner="ana",
        story=STORY,
        message_id=f"<first-{ref}@customers.test>",
    )


def open_case(ledger: Ledger, ref: str = "FU-7K3Q9", at: datetime = NOW) -> Case:
    with ledger.transaction() as tx:
        case = tx.cases.open(case_opened(ref, at))
        return tx.cases.record(case, [ComplaintHeard(at=at)], lambda _: at, at)


def a_letter(key: str = "FU-7K3Q9.confirmation.1", **changes: object) -> Letter:
    case, kind, _ = key.split(".")
    letter = Letter(
        key=key,
        case=case,
        kind=LetterKind(kind),
        mailbox="support",
        sender=Person("support@example.com"),
        to=Person("Kim@customers.test"),
        subject="Your teapot",
        text=WORDS,
        html=f"<p>{WORDS}</p>",
        message_id=f"<{key}@example.com>",
    )
    return replace(letter, **changes)  # type: ignore[arg-type]  # names of its fields


def queue(ledger: Ledger, *keys: str, **changes: object) -> None:
    with ledger.transaction() as tx:
        for key in keys or ("FU-7K3Q9.confirmation.1",):
            tx.outbox.queue(a_letter(key, **changes), NOW)


def incoming(
    uid: int = 1,
    *tags: str,
    folder: str = "INBOX",
    uidvalidity: int = 7,
    text: str = STORY,
    mailbox: str = "support",
    kind: Kind = Kind.CUSTOMER,
) -> IncomingMail:
    message = Message(
        kind=kind,
        because="a test",
        message_id=f"<{hashlib.sha256(text.encode()).hexdigest()[:8]}@customers.test>",
        sender=Person("Kim@customers.test", "Kim Doe"),
        subject="My teapot",
        text=text,
    )
    return IncomingMail(
        MailLocation(mailbox, folder, uidvalidity, uid),
        hashlib.sha256(text.encode()).hexdigest(),
        NOW,
        frozenset(tags),
        folder == "Sent",
        message,
    )


def store(ledger: Ledger, mail: IncomingMail) -> tuple[int, frozenset[str], bool]:
    with ledger.transaction() as tx:
        [result] = tx.mail.store([mail], NOW)
        return result.mail_id, result.tags, result.folder


def in_threads(action: Callable[[int], Result], threads: int = THREADS) -> list[Result]:
    """Do the same in many threads that start together; each gets its number."""
    start = threading.Barrier(threads)

    def run(number: int) -> Result:
        start.wait(30)
        return action(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


# --- mails ---


def test_a_mail_is_stored_once_in_whatever_folders_it_is(ledger: Ledger) -> None:
    first, _, new = store(ledger, incoming(1))
    again, _, same = store(ledger, incoming(1))
    elsewhere, _, moved = store(ledger, incoming(9, folder="Recovery/Fixed"))
    other_mailbox, _, _ = store(ledger, incoming(1, mailbox="shop"))
    assert {first, again, elsewhere, other_mailbox} == {first}
    assert (new, same, moved) == (True, False, True)
    assert store(ledger, incoming(2, text="another mail"))[0] != first
    with ledger.transaction() as tx:
        assert [mail.id for mail in tx.mail.unprocessed()] == [first, first + 1]


def test_a_snapshot_reads_one_state_while_others_write_and_changes_nothing(ledger: Ledger) -> None:
    open_case(ledger)
    with ledger.snapshot() as tx:
        assert len(tx.cases.all()) == 1
        open_case(ledger, "FU-3RT5K")  # a writer need not wait
        assert len(tx.cases.all()) == 1
    with pytest.raises(Exception, match=r"(?i)read.?only"), ledger.snapshot() as tx:
        tx.state.put(StateKey.CAUSES, 1, NOW)
    with ledger.transaction() as tx:
        tx.state.put(StateKey.CAUSES, 2, NOW)
        assert (len(tx.cases.all()), tx.state.value(StateKey.CAUSES)) == (2, 2)


def test_the_text_of_an_earlier_mail_is_found_by_its_message_id(ledger: Ledger) -> None:
    found = incoming(1)
    assert found.message
    earlier = replace(
        found.message, message_id="<first@customers.test>", text="first", signature="Kim", quoted="> we"
    )
    store(ledger, replace(found, message=earlier))
    with ledger.transaction() as tx:
        assert tx.mail.earlier_text("<first@customers.test>") == "first\nKim\n> we"
        assert tx.mail.earlier_text("<second@customers.test>") == ""
        assert tx.mail.earlier_text("%s'\"; -- ?") == ""


def test_a_tag_is_reported_once_in_all_folders_and_after_a_uidvalidity_change(ledger: Ledger) -> None:
    assert store(ledger, incoming(1, "complaint"))[1] == {"complaint"}
    assert store(ledger, incoming(4, "complaint", folder="Recovery/Fixed"))[1] == set()
    assert store(ledger, incoming(3, "complaint", "hold", uidvalidity=8))[1] == {"hold"}
    assert store(ledger, incoming(5, "complaint", "hold", uidvalidity=9))[1] == set()


def test_a_new_tag_of_a_mail_that_is_read_again_is_reported_once(ledger: Ledger) -> None:
    store(ledger, incoming(1))
    assert store(ledger, incoming(1, "fixed"))[1] == {"fixed"}
    assert store(ledger, incoming(1, "fixed"))[1] == set()
    with ledger.transaction() as tx:
        assert tx.mail.update_tags("support", "INBOX", 7, {1: frozenset({"fixed"})}) == {}


def test_a_location_that_has_another_mail_now_is_updated(ledger: Ledger) -> None:
    """A restored mailbox assigns UIDs again, and some servers do not change UIDVALIDITY."""
    first, _, _ = store(ledger, incoming(1, "fixed"))
    second, news, _ = store(ledger, incoming(1, "fixed", text="another mail where the first one was"))
    assert second != first
    assert news == {"fixed"}
    with ledger.transaction() as tx:
        assert tx.mail.update_tags("support", "INBOX", 7, {1: frozenset({"fixed", "hold"})}) == {
            second: (frozenset({"hold"}), frozenset())
        }


def test_a_tag_that_was_removed_and_set_again_is_reported_again(ledger: Ledger) -> None:
    mail_id, _, _ = store(ledger, incoming(1, "hold"))
    with ledger.transaction() as tx:
        assert tx.mail.update_tags("support", "INBOX", 7, {1: frozenset({"hold"})}) == {}
        assert tx.mail.update_tags("support", "INBOX", 7, {1: frozenset()}) == {
            mail_id: (frozenset(), frozenset({"hold"}))
        }
        assert tx.mail.update_tags("support", "INBOX", 7, {1: frozenset({"hold"}), 99: frozenset({"x"})}) == {
            mail_id: (frozenset({"hold"}), frozenset())
        }
        assert tx.mail.unknown_uids("support", "INBOX", 7, [1, 99]) == {99}


def test_a_tag_that_is_taken_off_may_be_set_again_at_once(ledger: Ledger) -> None:
    mail_id, _, _ = store(ledger, incoming(1, "fixed", "complaint"))
    with ledger.transaction() as tx:
        tx.mail.request_removal(mail_id, ["fixed"])
        [update] = tx.mail.pending_tag_updates("support", "INBOX", 7)
        assert (update.add, update.remove) == ((), ("fixed",))
        tx.mail.mark_tags_updated(update)
        assert tx.mail.pending_tag_updates("support", "INBOX", 7) == []
        again = {1: frozenset({"fixed", "complaint"})}
        assert tx.mail.update_tags("support", "INBOX", 7, again) == {
            mail_id: (frozenset({"fixed"}), frozenset())
        }


def test_a_command_is_pending_until_it_is_done(ledger: Ledger) -> None:
    mail_id, _, _ = store(ledger, incoming(1))
    with ledger.transaction() as tx:
        tx.mail.add_command(mail_id, "fixed", "tag", NOW)
        tx.mail.add_command(mail_id, "refund: 5 EUR", "tag", NOW)
    with ledger.transaction() as tx:
        fixed, refund = tx.mail.pending_commands()
        assert (fixed.line, refund.line, fixed.mail_id) == ("fixed", "refund: 5 EUR", mail_id)
        tx.mail.mark_command_done(fixed.id, NOW)
    with ledger.transaction() as tx:
        assert [command.id for command in tx.mail.pending_commands()] == [refund.id]


def test_a_mail_that_cannot_be_parsed_is_stored_as_it_came_and_gets_a_tag(ledger: Ledger) -> None:
    store(ledger, replace(incoming(1), message=None, reason="it is hopeless", raw=b"\xff\x00"))
    with ledger.transaction() as tx:
        [mail] = tx.mail.quarantined()
        [update] = tx.mail.pending_tag_updates("support", "INBOX", 7)
        assert (mail.state, mail.reason, update.add) == (
            MailState.QUARANTINED,
            "it is hopeless",
            ("fu-quarantine",),
        )
        tx.mail.mark_tags_updated(update)
    with ledger.transaction() as tx:
        assert tx.mail.pending_tag_updates("support", "INBOX", 7) == []


def test_status_tags_that_change_while_they_are_set_are_not_lost(ledger: Ledger) -> None:
    mail_id, _, _ = store(ledger, incoming(1))
    case = open_case(ledger)
    with ledger.transaction() as tx:
        tx.mail.mark_processed(mail_id, case_ref=case.ref)
        tx.mail.set_status_tags(case.ref, ["fu-heard"])
    with ledger.transaction() as tx:
        [update] = tx.mail.pending_tag_updates("support", "INBOX", 7)
        tx.mail.set_status_tags(case.ref, ["fu-promised"])  # while the mailbox is being updated
        tx.mail.mark_tags_updated(update)
    with ledger.transaction() as tx:
        [again] = tx.mail.pending_tag_updates("support", "INBOX", 7)
        assert (again.add, again.remove) == (("fu-promised",), ("fu-heard",))


# --- cases ---


def test_a_case_and_its_history_are_read_as_they_were_written(ledger: Ledger) -> None:
    case = open_case(ledger)
    with ledger.transaction() as tx:
        tx.cases.record(case, [Held(at=NOW, why="a reason")], lambda _: None, NOW)
    with ledger.transaction() as tx:
        found, history = tx.cases.get(case.ref), tx.cases.history(case.ref)
        with pytest.raises(UnknownCaseError):
            tx.cases.get("FU-NONE")
    assert [type(event).__name__ for event in history] == ["CaseOpened", "ComplaintHeard", "Held"]
    assert replace(lifecycle.fold(history), version=found.version, wake_at=found.wake_at) == found
    assert (found.stage, found.held, found.version) == (Stage.HEARD, True, 2)


def test_a_decision_on_an_old_version_of_a_case_is_refused_and_rolled_back(ledger: Ledger) -> None:
    case = open_case(ledger)
    with ledger.transaction() as tx:
        tx.cases.record(case, [Held(at=NOW)], lambda _: None, NOW)
    with pytest.raises(ConflictError), ledger.transaction() as tx:
        tx.cases.record(case, [a_letter()], lambda _: None, NOW)
    with ledger.transaction() as tx:
        assert len(tx.cases.history(case.ref)) == 3
        assert tx.outbox.all() == []


def test_of_8_equal_decisions_at_once_one_is_stored_with_its_letter(ledger: Ledger) -> None:
    case = open_case(ledger)

    def decide(_: int) -> bool:
        try:
            with ledger.transaction() as tx:
                tx.cases.record(case, [a_letter()], lambda _: None, NOW)
        except ConflictError:
            return False
        return True

    assert sorted(in_threads(decide)) == [False] * (THREADS - 1) + [True]
    with ledger.transaction() as tx:
        assert len(tx.outbox.all()) == 1
        assert [type(event).__name__ for event in tx.cases.history(case.ref)][2:] == ["LetterWritten"]


def test_statements_of_8_threads_at_once_are_all_in_the_history(ledger: Ledger) -> None:
    case = open_case(ledger)

    def state_causes(number: int) -> None:
        for attempt in range(5):
            while not _state_cause(ledger, case.ref, f"{number}-{attempt}"):
                pass

    in_threads(state_causes)
    with ledger.transaction() as tx:
        history = tx.cases.history(case.ref)
        found = tx.cases.get(case.ref)
    assert sum(isinstance(event, FactsStated) for event in history) == THREADS * 5
    assert found.version == 1 + THREADS * 5
    assert lifecycle.fold(history).facts == found.facts


def _state_cause(ledger: Ledger, ref: str, cause: str) -> bool:
    try:
        with ledger.transaction() as tx:
            fact = FactsStated(at=NOW, facts=(("cause", cause),))
            tx.cases.record(tx.cases.get(ref), [fact], lambda _: None, NOW)
    except ConflictError:
        return False
    return True


def test_a_value_that_8_daemons_store_first_and_at_once_is_the_one_of_the_last(ledger: Ledger) -> None:
    names = [StateKey.CONNECTED.of(f"mailbox {number}") for number in range(20)]

    def store(number: int) -> None:
        for name in names:
            with ledger.transaction() as tx:
                tx.state.put(name, number, NOW + timedelta(seconds=number))

    in_threads(store)
    with ledger.transaction() as tx:
        stored = [tx.state.get(name) for name in names]
    assert all(found and found[1] == NOW + timedelta(seconds=found[0]) for found in stored)


def test_an_invalid_transition_writes_nothing_even_when_the_transaction_is_committed(ledger: Ledger) -> None:
    case = open_case(ledger)
    with ledger.transaction() as tx:
        # The command service catches the error inside its transaction and answers the agent.
        with pytest.raises(InvalidTransitionError):
            tx.cases.record(case, [Held(at=NOW), a_letter(), ComplaintSuspected(at=NOW)], lambda _: None, NOW)
        tx.mail.store([incoming(1)], NOW)
    with ledger.transaction() as tx:
        assert len(tx.cases.history(case.ref)) == 2
        assert tx.outbox.all() == []
        assert tx.cases.get(case.ref) == case
        assert tx.mail.count(MailState.UNPROCESSED) == 1


def test_a_transaction_that_fails_is_rolled_back(ledger: Ledger) -> None:
    case = open_case(ledger)

    def begin_and_fail() -> None:
        with ledger.transaction() as tx:
            tx.cases.record(case, [Held(at=NOW), a_letter()], lambda _: None, NOW)
            tx.mail.store([incoming(1)], NOW)
            tx.cards.add(CODE, EURO_20, None, NOW)
            tx.state.put(StateKey.CYCLE, "well", NOW)
            raise RuntimeError("a failure")

    with pytest.raises(RuntimeError, match="a failure"):
        begin_and_fail()
    with ledger.transaction() as tx:
        assert tx.cases.get(case.ref) == case
        assert len(tx.cases.history(case.ref)) == 2
        assert (
            tx.outbox.all(),
            tx.mail.count(MailState.UNPROCESSED),
            tx.cards.all(),
            tx.state.get(StateKey.CYCLE),
        ) == (
            [],
            0,
            [],
            None,
        )


def test_due_cases_are_returned_longest_due_first(ledger: Ledger) -> None:
    for number, hours in enumerate((3, 1, 2, 50)):
        open_case(ledger, f"FU-{number}", NOW + timedelta(hours=hours))
    with ledger.transaction() as tx:
        asleep = tx.cases.get("FU-1")
        assert tx.cases.due(NOW) == []
        assert tx.cases.due(NOW + timedelta(hours=3)) == ["FU-1", "FU-2", "FU-0"]
        assert tx.cases.due(NOW + timedelta(hours=3), limit=1) == ["FU-1"]
        assert tx.cases.next_wake() == NOW + timedelta(hours=1)
        tx.cases.record(asleep, [], lambda _: None, NOW)
        assert tx.cases.due(NOW + timedelta(hours=3)) == ["FU-2", "FU-0"]


def test_a_case_is_found_by_the_nearest_mail_or_letter_of_its_thread(ledger: Ledger) -> None:
    first, second = open_case(ledger), open_case(ledger, "FU-2", NOW + timedelta(hours=1))
    mail_id, _, _ = store(ledger, incoming(1))
    queue(ledger, "FU-2.confirmation.1")
    with ledger.transaction() as tx:
        message_id = tx.mail.get(mail_id).message.message_id
        assert tx.cases.ref_for([message_id]) is None
        tx.mail.mark_processed(mail_id, case_ref=first.ref)
        assert tx.cases.ref_for([message_id, "<unknown@x.test>"]) == first.ref
        assert tx.cases.ref_for([message_id, "<FU-2.confirmation.1@example.com>"]) == second.ref
        cases = tx.cases.unfinished_of("KIM@customers.test", "support")
        assert [case.ref for case in cases] == ["FU-2", first.ref]
        assert tx.cases.unfinished_of("kim@customers.test", "shop") == []


def test_of_thousands_of_cases_in_one_name_the_newest_are_looked_at(ledger: Ledger) -> None:
    refs = [open_case(ledger, f"FU-{n:03}", NOW + timedelta(minutes=n)).ref for n in range(105)]
    with ledger.transaction() as tx:
        found = [case.ref for case in tx.cases.unfinished_of("kim@customers.test", "support")]
        assert found == refs[:4:-1]
        assert [case.ref for case in tx.cases.of_customer("kim@customers.test", newest=3)] == refs[-3:]
        assert [case.ref for case in tx.cases.of_customer("kim@customers.test")] == refs


def test_the_cases_of_a_customer_are_found_without_reading_all_others(tmp_path: Path) -> None:
    """Each mail asks for them three times: ten thousand forged complaints would cost minutes."""
    ledger = new_ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    asked: list[tuple[str, Any]] = []

    def listen(_1: Any, _2: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(ledger._engine, "before_cursor_execute", listen)
    with ledger.transaction() as tx:
        tx.cases.of_customer("kim@customers.test")
        tx.cases.unfinished_of("kim@customers.test", "support")
    event.remove(ledger._engine, "before_cursor_execute", listen)
    with ledger._engine.connect() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
            for statement, values in asked
            if statement.startswith("SELECT")
        ]
    ledger.close()
    assert ["ix_case_file_customer_address" in plan for plan in plans] == [True] * 2, plans


# --- letters ---


def test_a_letter_leaves_as_it_was_composed_when_it_was_written(ledger: Ledger) -> None:
    later = NOW + timedelta(days=2)
    queue(ledger)
    with ledger.transaction() as tx:
        [state] = tx.outbox.due(later)
        assert tx.outbox.get(state.letter.key).mail == b"", "only what is about to leave carries it along"
    assert dated(state.mail, later) == compose(state.letter, now=later)
    assert "mail=" not in repr(state)


def test_a_letter_that_cannot_be_composed_waits_for_its_turn_to_say_so(ledger: Ledger) -> None:
    queue(ledger, message_id="no id at all")
    with ledger.transaction() as tx:
        [state] = tx.outbox.due(NOW)
    assert state.mail == b""
    with pytest.raises(LetterError, match="Message-ID"):
        compose(state.letter, now=NOW)


def test_deciding_twice_names_the_same_letter(ledger: Ledger) -> None:
    queue(ledger)
    with ledger.transaction() as tx:
        assert tx.outbox.contains("FU-7K3Q9.confirmation.1")
        assert tx.outbox.get("FU-7K3Q9.confirmation.1").letter == a_letter()
        with pytest.raises(UnknownLetterError):
            tx.outbox.get("FU-7K3Q9.confirmation.2")


def test_each_of_200_letters_is_claimed_by_exactly_one_of_8_threads(ledger: Ledger) -> None:
    keys = [f"FU-{number}.confirmation.1" for number in range(200)]
    queue(ledger, *keys)

    def claim_all(_: int) -> list[str]:
        claimed: list[str] = []
        while mine := _claimed(ledger):
            claimed += mine
        return claimed

    found = [key for claimed in in_threads(claim_all) for key in claimed]
    assert sorted(found) == sorted(keys)
    with ledger.transaction() as tx:
        assert tx.outbox.count(LetterStatus.SENDING) == 200
        assert {state.attempts for state in tx.outbox.all()} == {1}


def _claimed(ledger: Ledger) -> list[str]:
    """Read and claim in transactions of their own, as the send service does; stop when none is queued."""
    while True:
        with ledger.transaction() as tx:
            ready = [state.letter.key for state in tx.outbox.due(NOW, limit=7)]
            waiting = tx.outbox.count(LetterStatus.QUEUED)
        claimed: list[str] = []
        for key in ready:
            with ledger.transaction() as tx:
                claimed += tx.outbox.claim([key], NOW)
        if claimed or not waiting:
            return claimed


def test_each_of_200_letters_is_claimed_in_one_batch_of_8_threads(ledger: Ledger) -> None:
    keys = [f"FU-{number}.confirmation.1" for number in range(200)]
    queue(ledger, *keys)

    def take(_: int) -> list[str]:
        found: list[str] = []
        while True:
            with ledger.transaction() as tx:
                ready = [state.letter.key for state in tx.outbox.due(NOW, limit=30)]
                found += tx.outbox.claim(ready, NOW)
                if not tx.outbox.count(LetterStatus.QUEUED):
                    return found

    found = [key for taken in in_threads(take) for key in taken]
    assert sorted(found) == sorted(keys)
    with ledger.transaction() as tx:
        assert {(state.status, state.attempts) for state in tx.outbox.all()} == {(LetterStatus.SENDING, 1)}


def test_results_are_recorded_together_and_a_settled_letter_stays_as_it_is(ledger: Ledger) -> None:
    keys = ["FU-1.confirmation.1", "FU-2.confirmation.1", "FU-3.confirmation.1"]
    queue(ledger, *keys)
    with ledger.transaction() as tx:
        assert tx.outbox.claim(keys, NOW) == set(keys)
    with ledger.transaction(durable=False) as tx:
        results = [sent(keys[0], "250 one"), sent(keys[1], "250 two")]
        assert tx.outbox.record_results(results, NOW) == set(keys[:2])
    with ledger.transaction() as tx:
        assert [(each.status, each.reply) for each in tx.outbox.all()[:2]] == [
            (LetterStatus.SENT, "250 one"),
            (LetterStatus.SENT, "250 two"),
        ]
        assert tx.outbox.record_results([sent(keys[1], "250"), sent(keys[2], "250")], NOW) == {keys[2]}
        assert tx.outbox.get(keys[1]).reply == "250 two"


def test_a_released_letter_has_the_status_that_it_had_before(ledger: Ledger) -> None:
    keys = ["FU-1.confirmation.1", "FU-2.confirmation.1", "FU-3.confirmation.1"]
    queue(ledger, *keys)
    with ledger.transaction() as tx:
        assert tx.outbox.claim([keys[0]], NOW)
        tx.outbox.record_results([SendResult(keys[0], LetterStatus.DEFERRED, "")], NOW)
        tx.outbox.claim(keys, NOW)
        tx.outbox.record_results([sent(keys[2])], NOW)
        tx.outbox.release(keys)
    with ledger.transaction() as tx:
        assert [(each.status, each.attempts) for each in tx.outbox.all()] == [
            (LetterStatus.DEFERRED, 1),
            (LetterStatus.QUEUED, 0),
            (LetterStatus.SENT, 1),
        ]


def test_many_cases_are_updated_together_or_not_at_all(ledger: Ledger) -> None:
    refs = ["FU-1", "FU-2", "FU-3"]
    with ledger.transaction() as tx:
        for ref in refs:
            tx.cases.open(case_opened(ref))
    with ledger.transaction() as tx:
        before = tx.cases.get_all(refs)
    told = [(before[ref], AgentTold(at=NOW, key=f"{ref}.desk.1", kind=LetterKind.OPENED)) for ref in refs]
    with ledger.transaction() as tx:
        afters = tx.cases.record_all(told, NOW)
    with ledger.transaction() as tx:
        assert tx.cases.get_all(refs) == dict(afters)
        assert [len(tx.cases.history(ref)) for ref in refs] == [2, 2, 2]
        assert {case.wake_at for case in afters.values()} == {NOW}
        tx.cases.record(afters["FU-2"], [Held(at=NOW)], lambda _: None, NOW)
    with pytest.raises(ConflictError), ledger.transaction() as tx:
        tx.cases.record_all([(afters[ref], Held(at=NOW)) for ref in refs], NOW)
    with ledger.transaction() as tx:
        assert [tx.cases.get(ref).held for ref in refs] == [False, True, False]
        assert [len(tx.cases.history(ref)) for ref in refs] == [2, 3, 2]


@pytest.mark.parametrize("event", [Held(at=NOW), Fixed(at=NOW), OwnerChosen(at=NOW, owner="ben")])
def test_the_plain_columns_of_many_cases_agree_with_the_encrypted_ones(
    stored: StoredLedger, event: Event
) -> None:
    with stored.ledger.transaction() as tx:
        heard = [
            tx.cases.record(tx.cases.open(case_opened(ref)), [ComplaintHeard(at=NOW)], lambda _: None, NOW)
            for ref in ("FU-1", "FU-2")
        ]
    with stored.ledger.transaction() as tx:
        afters = tx.cases.record_all([(case, event) for case in heard], NOW)
    engine = create_engine(stored.url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT ref, version, stage, held, owner FROM case_file")).all()
    engine.dispose()
    assert {(ref, version, stage, bool(held), owner) for ref, version, stage, held, owner in rows} == {
        (case.ref, case.version, case.stage.value, case.held, case.owner) for case in afters.values()
    }


def test_a_letter_leaves_only_when_it_may(ledger: Ledger) -> None:
    queue(ledger, "FU-1.confirmation.1", review=True)
    queue(ledger, "FU-2.confirmation.1", not_before=NOW + timedelta(hours=1))
    queue(ledger, "FU-3.confirmation.1")
    with ledger.transaction() as tx:
        assert [state.letter.key for state in tx.outbox.due(NOW)] == ["FU-3.confirmation.1"]
        tx.outbox.postpone("FU-3.confirmation.1", NOW + timedelta(hours=2), "quiet hours")
        assert tx.outbox.due(NOW) == []
        assert len(tx.outbox.due(NOW + timedelta(hours=3))) == 2
        assert not tx.outbox.claim(["FU-1.confirmation.1"], NOW)
        assert tx.outbox.approve("FU-1.confirmation.1")
        assert not tx.outbox.approve("FU-1.confirmation.1")
        assert tx.outbox.claim(["FU-1.confirmation.1"], NOW)


@pytest.mark.parametrize("condition", list(LetterStatus))
def test_a_result_is_recorded_only_for_a_letter_that_is_being_sent_or_in_doubt(
    ledger: Ledger, condition: LetterStatus
) -> None:
    key = "FU-7K3Q9.confirmation.1"
    queue(ledger, key, review=condition is LetterStatus.REVIEW)
    set_status(ledger, key, condition)
    open_fate = condition in {LetterStatus.SENDING, LetterStatus.DOUBT}
    with ledger.transaction() as tx:
        assert bool(tx.outbox.record_results([sent(key, "250 OK")], NOW)) is open_fate
    with ledger.transaction() as tx:
        assert tx.outbox.get(key).status is (LetterStatus.SENT if open_fate else condition)
        assert (tx.outbox.get(key).sent_at == NOW) is (open_fate or condition is LetterStatus.SENT)


def sent(key: str, reply: str = "") -> SendResult:
    return SendResult(key, LetterStatus.SENT, reply)


def set_status(ledger: Ledger, key: str, condition: LetterStatus) -> None:
    with ledger.transaction() as tx:
        if condition in {LetterStatus.QUEUED, LetterStatus.REVIEW}:
            return
        if condition is LetterStatus.DROPPED:
            assert tx.outbox.drop(key)
            return
        assert tx.outbox.claim([key], NOW)
        if condition is not LetterStatus.SENDING:
            assert tx.outbox.record_results([SendResult(key, condition, "")], NOW)


def test_a_letter_that_is_being_sent_or_was_sent_cannot_be_dropped(ledger: Ledger) -> None:
    for number, condition in enumerate(LetterStatus):
        key = f"FU-{number}.confirmation.1"
        queue(ledger, key, review=condition is LetterStatus.REVIEW)
        set_status(ledger, key, condition)
        with ledger.transaction() as tx:
            may = condition not in {
                LetterStatus.SENDING,
                LetterStatus.SENT,
                LetterStatus.REFUSED,
                LetterStatus.DROPPED,
            }
            assert tx.outbox.drop(key) is may, condition


def test_a_copy_that_came_back_is_remembered_with_its_first_moment(ledger: Ledger) -> None:
    queue(ledger)
    with ledger.transaction() as tx:
        tx.outbox.witness("FU-7K3Q9.confirmation.1", NOW)
        tx.outbox.witness("FU-7K3Q9.confirmation.1", NOW + timedelta(hours=1))
        assert tx.outbox.get("FU-7K3Q9.confirmation.1").witnessed_at == NOW


def test_the_quota_counts_automatic_letters_that_were_or_may_have_been_sent(ledger: Ledger) -> None:
    conditions = (
        LetterStatus.SENT,
        LetterStatus.SENDING,
        LetterStatus.DOUBT,
        LetterStatus.DEFERRED,
        LetterStatus.REFUSED,
    )
    for number, condition in enumerate((*conditions, LetterStatus.QUEUED, LetterStatus.DROPPED)):
        queue(ledger, f"FU-{number}.confirmation.1")
        set_status(ledger, f"FU-{number}.confirmation.1", condition)
    queue(ledger, "FU-8.confirmation.1", automatic=False)
    set_status(ledger, "FU-8.confirmation.1", LetterStatus.SENT)
    queue(ledger, "FU-9.confirmation.1", to=Person("lu@customers.test"))
    set_status(ledger, "FU-9.confirmation.1", LetterStatus.SENT)
    before, day = NOW - timedelta(hours=1), NOW + timedelta(days=1)
    with ledger.transaction() as tx:
        kim, lu = a_letter(to=Person("kim@CUSTOMERS.test")), a_letter(to=Person("lu@customers.test"))
        usage = tx.outbox.usage([kim, lu], UsageWindows(before, before, before))
        assert usage.recent == {
            "kim@customers.test": (NOW,) * 3,
            "lu@customers.test": (NOW,),
            "@customers.test": (NOW,) * 4,
        }
        assert usage.sent == {Budget.FIRST: 6, Budget.PROMISED: 1}
        assert tx.outbox.usage([kim, lu], UsageWindows(before, day, before)).recent.keys() == {
            "kim@customers.test",
            "lu@customers.test",
        }
        later = tx.outbox.usage([kim, lu], UsageWindows(day, day, day))
        assert (dict(later.recent), later.sent) == ({}, {})


# --- gift cards ---


def test_a_code_is_imported_once_even_under_a_new_key(stored: StoredLedger) -> None:
    with stored.ledger.transaction() as tx:
        assert tx.cards.add(CODE, EURO_20, None, NOW)
        assert not tx.cards.add(f" {CODE} ", EURO_20, None, NOW)
    rotated = Ledger(stored.url, Vault([b"n" * 32, b"k" * 32]))
    with rotated.transaction() as tx:
        assert not tx.cards.add(CODE, EURO_20, None, NOW)
        taken = tx.cards.assign("FU-1", 1, EURO_20, NOW)
        assert taken
        assert taken.code == CODE
        assert CODE not in repr(taken)
    rotated.close()


def test_8_threads_take_one_card_for_one_grant(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for number in range(THREADS):
            tx.cards.add(f"CODE-{number}", EURO_20, None, NOW)
    found = in_threads(lambda _: _assigned(ledger, "FU-1", 1))
    assert len({card.code for card in found if card}) == 1
    with ledger.transaction() as tx:
        assert tx.cards.count_available(EURO_20, NOW) == THREADS - 1


def test_8_grants_at_once_take_8_different_cards_and_the_ninth_finds_none(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for number in range(THREADS):
            tx.cards.add(f"CODE-{number}", EURO_20, None, NOW)
    found = in_threads(lambda number: _assigned(ledger, f"FU-{number}", 1))
    assert len({card.code for card in found if card}) == THREADS
    assert _assigned(ledger, "FU-9", 1) is None
    assert _assigned(ledger, "FU-3", 1) == found[3]


def _assigned(ledger: Ledger, ref: str, n: int) -> GiftCard | None:
    with ledger.transaction() as tx:
        return tx.cards.assign(ref, n, EURO_20, NOW)


def test_a_card_fits_the_amount_and_the_one_that_expires_first_goes_first(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.cards.add("never", EURO_20, None, NOW)
        tx.cards.add("late", EURO_20, NOW + timedelta(days=9), NOW)
        tx.cards.add("soon", EURO_20, NOW + timedelta(days=2), NOW)
        tx.cards.add("gone", EURO_20, NOW, NOW)
        tx.cards.add("dollars", Money(2000, "USD"), None, NOW)
        assert tx.cards.count_available(EURO_20, NOW) == 3
        taken = [tx.cards.assign(f"FU-{n}", 1, EURO_20, NOW) for n in range(4)]
    assert [card and card.code for card in taken] == ["soon", "late", "never", None]


# --- files and connections ---


def test_upgrading_twice_changes_nothing(stored: StoredLedger) -> None:
    case = open_case(stored.ledger)
    stored.ledger.upgrade()
    with stored.ledger.transaction() as tx:
        assert tx.cases.get(case.ref) == case


def test_what_people_wrote_is_in_no_plain_column(stored: StoredLedger) -> None:
    secrets = {
        STORY,
        WORDS,
        CODE,
        "the courier dropped it",
        "a second mail of shards",
        "My teapot",
        "Your teapot",
    }
    case = open_case(stored.ledger)
    with stored.ledger.transaction() as tx:
        case = tx.cases.record(
            case,
            [
                CustomerWrote(
                    at=NOW, by="kim", text="a second mail of shards", message_id="<two@customers.test>"
                ),
                FactsStated(at=NOW, facts=(("cause", "the courier dropped it"),)),
                a_letter(),
            ],
            lambda _: None,
            NOW,
        )
        tx.mail.store([incoming(1)], NOW)
        tx.mail.store(
            [replace(incoming(2, text="two"), message=None, reason="hopeless", raw=f"X: {STORY}".encode())],
            NOW,
        )
        tx.cards.add(CODE, EURO_20, None, NOW)
        tx.cards.assign(case.ref, 1, EURO_20, NOW)
    found = stored.written()
    assert b"FU-7K3Q9" in found  # these are the right bytes
    for secret in secrets:
        assert secret.encode() not in found, secret
        assert secret.encode().hex().encode() not in found, secret


@pytest.mark.skipif(os.geteuid() != 0, reason="skipped, because only root can give files away")
def test_files_that_root_creates_belong_to_the_owner_of_the_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, 65_534, 65_534)
    ledger = new_ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    with ledger.lease(), ledger.transaction() as tx:
        tx.state.put(StateKey.CYCLE, "once", NOW)
        assert {file.name for file in tmp_path.iterdir()} >= {"ledger.db", "ledger.db.lock"}
        assert {file.stat().st_uid for file in tmp_path.iterdir()} == {65_534}
    ledger.close()


def test_only_the_owner_can_read_the_ledgers_files(tmp_path: Path) -> None:
    ledger = new_ledger(f"sqlite:///{tmp_path}/new/place/ledger.db")
    ledger.upgrade()
    open_case(ledger)
    with ledger.lease():
        files = list((tmp_path / "new" / "place").iterdir())
        assert {file.name for file in files} >= {"ledger.db", "ledger.db-wal", "ledger.db.lock"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "new" / "place").stat().st_mode) == 0o700
    ledger.close()


def test_a_ledger_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    ledger = new_ledger(f"sqlite:///{tmp_path}/file/ledger.db")
    with pytest.raises(UnavailableError):
        ledger.upgrade()
    unreachable = new_ledger("postgresql+psycopg://test@127.0.0.1:1/none")
    with pytest.raises(UnavailableError), unreachable.transaction() as tx:
        tx.cases.all()


def test_events_are_read_as_they_were_written(ledger: Ledger) -> None:
    case = open_case(ledger)
    events = [
        AgentTold(at=NOW, key="FU-7K3Q9.desk/opened.1", kind=LetterKind.OPENED, message_id="<x@example.com>"),
        CustomerWrote(at=NOW, by="kim@customers.test", references=("<a@x.test>", "<b@x.test>"), text="…"),
    ]
    with ledger.transaction() as tx:
        tx.cases.record(case, events, lambda _: None, NOW)
    with ledger.transaction() as tx:
        assert tx.cases.history(case.ref)[2:] == events
        with pytest.raises(InvalidTransitionError):
            tx.cases.record(tx.cases.get(case.ref), [ComplaintSuspected(at=NOW)], lambda _: None, NOW)


# --- training data ---


def test_the_last_verdict_of_an_agent_on_each_case_counts(ledger: Ledger) -> None:
    plain, changed, agreed = (
        open_case(ledger, "FU-AAAAA"),
        open_case(ledger, "FU-BBBBB"),
        open_case(ledger, "FU-CCCCC"),
    )
    later = NOW + timedelta(hours=1)
    with ledger.transaction() as tx:
        first = tx.cases.open(case_opened("FU-DDDDD"))
        tx.cases.record(first, [ComplaintHeard(at=NOW, by_machine=True)], lambda _: None, NOW)
        tx.cases.record(changed, [Dismissed(at=later, by="Ana Reyes")], lambda _: None, later)
        tx.cases.record(agreed, [ComplaintHeard(at=later, by="Ana Reyes")], lambda _: None, later)
    with ledger.transaction() as tx:
        assert tx.cases.agent_verdicts() == [
            (plain.ref, NOW, True),
            ("FU-BBBBB", later, False),
            ("FU-CCCCC", later, True),
        ]
        assert [case.ref for case in tx.cases.unfinished()] == ["FU-AAAAA", "FU-CCCCC", "FU-DDDDD"]


def test_dismissed_mails_without_a_case_and_new_ones_in_quarantine_are_found(ledger: Ledger) -> None:
    dismissed, heard, odd = (store(ledger, incoming(n, text=f"mail {n}"))[0] for n in (1, 2, 3))
    with ledger.transaction() as tx:
        tx.mail.mark_processed(dismissed, reason=DISMISSED_BY_AGENT)
        tx.mail.mark_processed(heard, reason="nothing indicates a complaint")
        tx.mail.mark_processed(odd, state=MailState.QUARANTINED)
    with ledger.transaction() as tx:
        assert [mail.message.text for mail in tx.mail.dismissed()] == ["mail 1"]
        assert (
            tx.mail.count(MailState.QUARANTINED)
            == tx.mail.count(MailState.QUARANTINED, NOW - timedelta(minutes=1))
            == 1
        )
        assert tx.mail.count(MailState.QUARANTINED, NOW) == 0


# --- another database, another key ---


def filled(ledger: Ledger) -> Case:
    """Fill every kind of row, and return the case."""
    case = open_case(ledger)
    queue(ledger)
    with ledger.transaction() as tx:
        tx.mail.store(
            [incoming(), replace(incoming(2, text="no mail"), message=None, raw=b"\xff", reason="odd")], NOW
        )
        assert tx.cards.add(CODE, EURO_20, None, NOW)
        tx.state.put(StateKey.BREAKER, "closed", NOW)
    return case


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of the other kind, and of the same one."""
    if request.param == "sqlite":
        (tmp_path / "other").mkdir()
        return f"sqlite:///{tmp_path}/other/ledger.db"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.database()


def test_8_daemons_at_once_make_one_ledger_with_one_known_word(other_url: str) -> None:
    def made(_: int) -> str:
        ledger = new_ledger(other_url)
        ledger.upgrade()
        with ledger.transaction() as tx:
            word = tx.state.value(StateKey.KNOWN_WORD)
        ledger.close()
        return str(word)

    assert len(set(in_threads(made))) == 1


def test_a_ledger_moves_to_another_database_and_goes_on_there(stored: StoredLedger, other_url: str) -> None:
    case = filled(stored.ledger)
    rows = stored.ledger.copy_to(other_url)
    assert (rows["case_file"], rows["mail"], rows["gift_card"], rows["words"]) == (1, 2, 1, 1)
    moved = new_ledger(other_url)
    assert moved.upgrade() == ""
    with stored.ledger.transaction() as before, moved.transaction() as after:
        assert after.cases.get(case.ref) == before.cases.get(case.ref)
        assert after.cases.history(case.ref) == before.cases.history(case.ref)
        assert after.outbox.all() == before.outbox.all()
        assert after.cards.all() == before.cards.all()
        assert after.state.get(StateKey.COPIED)
        assert not before.state.get(StateKey.COPIED)
    open_case(moved, "FU-NEW22")  # numbers go on behind those that were copied
    with moved.transaction() as tx:
        tx.mail.store([incoming(3, text="another")], NOW)
    moved.close()


def test_a_ledger_is_never_copied_over_another_one(stored: StoredLedger, other_url: str) -> None:
    filled(stored.ledger)
    other = new_ledger(other_url)
    other.upgrade()
    with pytest.raises(CopyError, match="there is a ledger already"):
        stored.ledger.copy_to(other_url)
    other.close()


def test_a_ledger_is_encrypted_anew_and_the_old_key_opens_nothing_of_it(stored: StoredLedger) -> None:
    old, new = b"k" * 32, b"n" * 32
    case = filled(stored.ledger)
    stored.ledger.close()
    both = Ledger(stored.url, Vault([new, old]), undated)
    assert both.encrypt_anew() >= 7
    both.close()
    retired = new_ledger(stored.url, old)
    with pytest.raises(WrongKeyError):
        retired.upgrade()
    retired.close()
    ledger = new_ledger(stored.url, new)
    ledger.upgrade()
    with ledger.transaction() as tx:
        assert tx.cases.get(case.ref).story == STORY
        assert len(tx.cases.history(case.ref)) == 2
        assert tx.outbox.all()[0].letter.text == WORDS
        assert not tx.cards.add(CODE, EURO_20, None, NOW)  # it is known by the new key
        assert [mail.message.text for mail in tx.mail.of_case("")] == []
    ledger.close()


def test_a_key_that_opens_nothing_changes_nothing(stored: StoredLedger) -> None:
    filled(stored.ledger)
    other = new_ledger(stored.url, b"x" * 32)
    with pytest.raises(DecryptionError):
        other.encrypt_anew()
    other.close()
    stored.ledger.upgrade()


def test_what_a_transaction_would_have_done_is_not_in_the_log(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "followupd"):
        with suppress(ZeroDivisionError), ledger.transaction():
            log.letter_written("FU-7K3Q9.desk/opened.1")
            raise ZeroDivisionError
        assert caplog.messages == []
        with ledger.transaction():
            log.letter_written("FU-7K3Q9.desk/opened.1")
            assert caplog.messages == []
        assert caplog.messages == ["letter-written key=FU-7K3Q9.desk/opened.1"]
