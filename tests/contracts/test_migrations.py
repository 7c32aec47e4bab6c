"""Ledgers are created, upgraded and backed up, and an upgrade loses nothing.

ledgers/0001.sql and 0002.sql were written by older programs, the latter with every field of everything set.
"""

import json
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import Engine, MetaData, create_engine, inspect, select, text
from sqlmodel import SQLModel

from followupd.adapters.crypto import Vault
from followupd.adapters.storage import migrate, migrations
from followupd.adapters.storage.database import (
    BackupError,
    adapter_of,
    event_adapter,
)
from followupd.adapters.storage.ledger import Ledger
from followupd.adapters.storage.migrate import HEAD, NewLedgerError, OldLedgerError
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.events import EVENTS, PromiseLate
from followupd.domain.keys import FolderCursor, StateKey, StateName
from followupd.domain.letter import DraftState, Letter, LetterStatus, UsageWindows
from followupd.domain.mail import Kind, MailState, Message, Person
from tests.servers.postgres import Postgres

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
HOW = 'tables.py was changed: `make migration SAYS="what changed"` drafts the revision that goes with it'
CASE = (
    "INSERT INTO case_file"
    " (ref, version, mailbox, stage, held, playbook, owner, customer_address, opened_at, sealed) VALUES"
    " ('FU-7K3Q9', 1, 'support', 'heard', false, 'default', 'ana', 'kim@customers.test',"
    " '2026-12-01 10:00:00', '')"
)

#: events that the program of revision 0002 did not know
NEWER = {
    "ActionDone",
    "ActionDropped",
    "ActionPlanned",
    "CustomerChosen",
    "FactReturned",
    "HappenedAgain",
    "HelpAnswered",
    "HelpAsked",
    "HelpSettled",
    "MailSetAside",
    "OutcomeKnown",
    "Parked",
    "Remarked",
    "ReplyExplained",
    "ReplyUnclear",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    found = create_engine(url)
    yield found
    found.dispose()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    found = Ledger(url, Vault([b"k" * 32]))
    yield found
    found.close()


def test_the_migrations_create_the_tables_of_the_program(engine: Engine) -> None:
    with engine.begin() as connection:
        migrations.migrate(connection)
        assert migrations.differences(connection) == [], HOW


def test_head_is_the_newest_migration() -> None:
    assert migrations.newest() == HEAD, (
        "put the newest revision's name in HEAD of followupd/adapters/storage/migrate.py"
    )


def test_a_new_ledger_is_equal_to_a_migrated_one(engine: Engine, ledger: Ledger) -> None:
    assert ledger.upgrade() == f"created at revision {HEAD}"
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
        assert migrations.differences(connection) == []
        migrations.migrate(connection)  # Alembic, too, finds nothing to do


def test_a_ledger_that_is_up_to_date_starts_without_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from followupd.adapters.storage.ledger import Ledger;"
        "from followupd.adapters.crypto import Vault;"
        f"ledger = Ledger('sqlite:///{tmp_path}/ledger.db', Vault([b'k' * 32])); print(ledger.upgrade());"
        "print([ledger.upgrade(), 'alembic' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "['', False]"


def create_unversioned(engine: Engine) -> None:
    with engine.begin() as connection:
        migrations.migrate(connection, to=migrate.FIRST)
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text(CASE))


def refs(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        return list(connection.scalars(text("SELECT ref FROM case_file")))


def test_a_ledger_without_a_revision_is_upgraded(engine: Engine, ledger: Ledger) -> None:
    create_unversioned(engine)
    done = ledger.upgrade(on_request=True)
    assert f"to {HEAD}" in done
    assert refs(engine) == ["FU-7K3Q9"]
    assert ledger.upgrade() == ""


def test_an_address_in_capitals_is_found_after_an_upgrade(engine: Engine, ledger: Ledger) -> None:
    with engine.begin() as connection:
        migrations.migrate(connection, to="0004")
        connection.execute(text(CASE.replace("kim@customers.test", "Kim@Customers.test")))
    ledger.upgrade(on_request=True)
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT customer_address FROM case_file")) == "kim@customers.test"


# --- ledgers that older programs wrote ---


def restore(revision: str, engine: Engine, directory: Path) -> None:
    """Fill the database with the ledger that a followupd of this revision wrote; its key was 32 times "k"."""
    dump = (Path(__file__).parent / "ledgers" / f"{revision}.sql").read_text()
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as file:
            file.executescript(dump)
        return
    source = create_engine(f"sqlite:///{directory}/{revision}.db")
    restore(revision, source, directory)
    with source.begin() as old, engine.begin() as connection:
        migrations.migrate(connection, to=revision)
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            if rows and table.name != "alembic_version":
                connection.execute(table.insert(), rows)
    source.dispose()


def test_a_ledger_of_revision_0001_is_upgraded_with_all_its_letters(
    engine: Engine, ledger: Ledger, tmp_path: Path
) -> None:
    restore("0001", engine, tmp_path)
    assert ledger.upgrade(on_request=True).startswith(f"upgraded from revision 0001 to {HEAD}")
    with ledger.transaction() as tx:
        letters = {each.letter.key: each for each in tx.outbox.all()}
        assert {key: each.status for key, each in letters.items()} == {
            "FU-7K3Q9.holding.1": LetterStatus.SENT,
            "FU-3RT5K.holding.1": LetterStatus.DOUBT,
            "FU-7K3Q9.confirmation.1": LetterStatus.REVIEW,
            "FU-3RT5K.confirmation.1": LetterStatus.REVIEW,
            "FU-7K3Q9.desk/opened.1": LetterStatus.QUEUED,
            "FU-3RT5K.desk/opened.1": LetterStatus.QUEUED,
        }
        for key, each in letters.items():
            name = each.letter.to.name
            assert each.letter.text == f"Dear {name},\n\nthis is {key}, as it was written.\n"
        for ref in ("FU-7K3Q9", "FU-3RT5K"):
            case, history = tx.cases.get(ref), tx.cases.history(ref)
            assert replace(lifecycle.fold(history), version=case.version, wake_at=case.wake_at) == case
        day = NOW - timedelta(days=1)
        planned = [
            replace(letters["FU-7K3Q9.holding.1"].letter, to=Person(f"new@{domain}"), automatic=True)
            for domain in ("customers.test", "o'hara.test", "example.com")
        ]
        usage = tx.outbox.usage(planned, UsageWindows(day, day, day))
        counted = {name: len(times) for name, times in usage.recent.items()}
        assert counted == {"@customers.test": 1, "@o'hara.test": 1}, (
            "quotas know what was sent before the upgrade"
        )
        tx.outbox.queue(
            replace(letters["FU-7K3Q9.holding.1"].letter, key="FU-7K3Q9.holding.2", message_id="<n@x>"), NOW
        )
    with ledger.transaction() as tx:
        assert tx.outbox.claim(["FU-7K3Q9.holding.2", "FU-7K3Q9.holding.1"], NOW) == {"FU-7K3Q9.holding.2"}


def test_every_value_in_a_ledger_of_revision_0002_is_read(
    engine: Engine, ledger: Ledger, tmp_path: Path
) -> None:
    """A field that was renamed without an alias would be lost silently: pydantic ignores unknown names."""
    restore("0002", engine, tmp_path)
    ledger.upgrade(on_request=True)
    for table, column, adapter_for in (
        ("event", "name", event_adapter),
        ("case_file", "ref", lambda _: adapter_of(Case)),
        ("words", "letter_key", lambda _: adapter_of(Letter)),
        ("mail", "id", lambda _: adapter_of(Message)),
    ):
        for name, stored in stored_json(engine, table, column):
            adapter: TypeAdapter[Any] = adapter_for(name)
            value = adapter.validate_json(json.dumps(stored))
            read = adapter.dump_python(value, mode="json")
            lost = Counter(leaves(stored)) - Counter(leaves(read))
            assert not lost, f"{table} {name}"


def test_the_dates_of_promises_and_options_in_a_ledger_of_revision_0002_are_read(
    engine: Engine, ledger: Ledger, tmp_path: Path
) -> None:
    restore("0002", engine, tmp_path)
    ledger.upgrade(on_request=True)
    stored = dict(stored_json(engine, "case_file", "ref"))["FU-7K3Q9"]
    stored_events = dict(stored_json(engine, "event", "name"))
    with ledger.transaction() as tx:
        case, history = tx.cases.get("FU-7K3Q9"), tx.cases.history("FU-7K3Q9")

    assert len(case.promises) > 5
    assert [(each.promised_by, each.internal_deadline) for each in case.promises] == [
        (moment(each["told"]), moment(each["due"])) for each in stored["promises"]
    ]
    assert len(case.options) > 1
    assert [each.promised_by for each in case.options] == [moment(each["told"]) for each in stored["options"]]
    [late] = [event for event in history if isinstance(event, PromiseLate)]
    assert late.promised_by == moment(stored_events["PromiseLate"]["told"])
    assert late.internal_deadline == moment(stored_events["PromiseLate"]["due"])
    assert late.promised_by != late.internal_deadline


def test_cases_in_every_stage_with_events_of_every_class_are_read_from_a_ledger_of_revision_0002(
    engine: Engine, ledger: Ledger, tmp_path: Path
) -> None:
    restore("0002", engine, tmp_path)
    ledger.upgrade(on_request=True)
    names = set()
    with ledger.transaction() as tx:
        cases = tx.cases.all()
        for case in cases:
            history = tx.cases.history(case.ref)
            names |= {type(event).__name__ for event in history}
            # what was written before has no times of its last reopening, of kept promises and of told preventions
            folded = replace(
                lifecycle.fold(history),
                version=case.version,
                wake_at=case.wake_at,
                reopened_at=case.reopened_at,
                prevented=case.prevented,
                promises=case.promises,
            )
            assert folded == case
    assert set(EVENTS) - names <= NEWER
    assert {case.stage for case in cases} == set(Stage)


def test_letters_mails_and_gift_cards_are_read_from_a_ledger_of_revision_0002(
    engine: Engine, ledger: Ledger, tmp_path: Path
) -> None:
    restore("0002", engine, tmp_path)
    ledger.upgrade(on_request=True)
    with ledger.transaction() as tx:
        letters = tx.outbox.all()
        assert {entry.status for entry in letters} == set(LetterStatus)
        newer = {DraftState.EDITED, DraftState.DISCARDED}  # which the program of that revision did not know
        assert {entry.draft for entry in letters} == set(DraftState) - newer
        for entry in letters:
            key = entry.letter.key
            assert entry.letter.text == f"Dear Kim,\n\nthis is {key}, as it was written.\n"
        ready, *_ = tx.outbox.due(NOW)
        assert ready.mail.endswith(ready.letter.text.encode())

        [complaint] = tx.mail.of_case("FU-7K3Q9")
        assert (complaint.state, complaint.message.kind) == (MailState.PROCESSED, Kind.CUSTOMER)
        [odd] = tx.mail.quarantined()
        assert odd.reason == "it cannot be parsed"
        assert len(tx.mail.unprocessed()) == len(Kind) - 2
        assert [command.line for command in tx.mail.pending_commands()] == ["refund: 5 EUR"]
        tag_updates = tx.mail.pending_tag_updates("support", "INBOX", 7)
        assert sorted(update.add for update in tag_updates) == [("fu-heard",), ("fu-quarantine",)]

        assert {card.case_ref for card in tx.cards.all()} == {"FU-7K3Q9", None}
        assert [order.case_ref for order in tx.orders.due(NOW)] == ["FU-55555"]


def test_the_daemons_state_is_read_from_a_ledger_of_revision_0002(
    engine: Engine, ledger: Ledger, tmp_path: Path
) -> None:
    restore("0002", engine, tmp_path)
    ledger.upgrade(on_request=True)
    expected: dict[StateName, Any] = {
        StateKey.CYCLE: "daemon",
        StateKey.BREAKER: "open",
        StateKey.BREAKER_REASON: "500 letters in an hour",
        StateKey.COPIED: True,
        StateKey.CONNECTED.of("support"): True,
        StateKey.DIGEST: "2026-12-01",
        StateKey.INBOX_READ.of("support"): True,
        StateKey.SENT_READ.of("support"): True,
        StateKey.RETENTION: {"mail": 3, "rest": True},
    }
    with ledger.transaction() as tx:
        assert {key: tx.state.get(key) for key in expected} == {
            key: (value, NOW) for key, value in expected.items()
        }
        since = NOW - timedelta(days=3)
        assert tx.state.cursor("support", "INBOX") == FolderCursor(7, 99, 1234, 5, NOW, since)


def stored_json(engine: Engine, table: str, column: str) -> list[tuple[Any, Any]]:
    """Return the encrypted JSON of each row of a table, with the value of another column."""
    vault = Vault([b"k" * 32])
    with engine.begin() as connection:
        rows = connection.execute(text(f"SELECT {column}, sealed FROM {table}")).all()
    return [(name, json.loads(vault.decrypt(token))) for name, token in rows]


def leaves(value: Any) -> list[str]:
    """Return the texts, numbers and constants in a JSON value, without their names."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [json.dumps(value)]


def moment(stored: str) -> datetime:
    return datetime.fromisoformat(stored)


def test_a_ledger_of_no_released_version_is_refused_and_not_changed(engine: Engine, ledger: Ledger) -> None:
    create_unversioned(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE case_file ADD COLUMN odd INTEGER"))
    with pytest.raises(OldLedgerError, match="never released"):
        ledger.upgrade(on_request=True)
    assert refs(engine) == ["FU-7K3Q9"]
    assert not inspect(engine).has_table("alembic_version")


def test_a_ledger_of_a_newer_followupd_is_refused(engine: Engine, ledger: Ledger) -> None:
    ledger.upgrade()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewLedgerError):
        ledger.upgrade(on_request=True)


def test_a_file_is_backed_up_before_it_is_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    engine, ledger = create_engine(url), Ledger(url, Vault([b"k" * 32]))
    create_unversioned(engine)
    ledger.upgrade()
    copy = tmp_path / f"ledger.db.before-{HEAD}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT ref FROM case_file").fetchall() == [("FU-7K3Q9",)]
        assert not old.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    engine.dispose()
    ledger.close()


def test_a_file_is_not_migrated_while_a_daemon_runs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    engine, ledger = create_engine(url), Ledger(url, Vault([b"k" * 32]))
    create_unversioned(engine)
    daemon = Ledger(url, Vault([b"k" * 32]))
    with daemon.lease(), pytest.raises(OldLedgerError, match="systemctl restart"):
        ledger.upgrade()
    engine.dispose()
    daemon.close()
    ledger.close()


def test_a_shared_ledger_is_only_migrated_on_request(postgres: Postgres) -> None:
    url = postgres.database()
    engine, ledger = create_engine(url), Ledger(url, Vault([b"k" * 32]))
    create_unversioned(engine)
    with pytest.raises(OldLedgerError, match="followupd upgrade"):
        ledger.upgrade()
    assert not inspect(engine).has_table("alembic_version")
    engine.dispose()
    ledger.close()


def test_every_table_of_the_program_is_the_ledgers(engine: Engine, ledger: Ledger) -> None:
    ledger.upgrade()
    assert set(inspect(engine).get_table_names()) == {*SQLModel.metadata.tables, "alembic_version"}


# --- backups ---


def test_a_backup_is_made_while_the_ledger_is_in_use(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", Vault([b"k" * 32]))
    ledger.upgrade()
    with ledger.transaction() as tx:
        tx.state.put(StateKey.CYCLE, "well", NOW)
    with ledger.lease(), ledger.transaction() as tx:
        tx.state.put(StateKey.CYCLE, "not committed", NOW)
        ledger.backup(tmp_path / "copy.db")
    again = Ledger(f"sqlite:///{tmp_path}/copy.db", Vault([b"k" * 32]))
    assert again.upgrade() == ""
    with again.transaction() as tx:
        assert tx.state.get(StateKey.CYCLE) == ("well", NOW)
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    again.close()
    ledger.close()


def test_a_backup_tells_how_far_it_is_and_ends_although_somebody_writes_all_the_time(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", Vault([b"k" * 32]))
    ledger.upgrade()
    with ledger.transaction() as tx:
        tx.state.put(StateKey.CYCLE, ["well" * 1000] * 3000, NOW)
    told: list[tuple[int, int]] = []

    def progress(done: int, pages: int) -> None:
        told.append((done, pages))
        assert len(told) < 100
        with ledger.transaction() as tx:
            tx.state.put(StateKey.BREAKER, "open", NOW)

    ledger.backup(tmp_path / "copy.db", progress)
    ledger.close()
    assert len(told) >= 3
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    again = Ledger(f"sqlite:///{tmp_path}/copy.db", Vault([b"k" * 32]))
    with again.transaction() as tx:
        assert tx.state.get(StateKey.BREAKER) is None  # as it was when the copy began
    again.close()


def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", Vault([b"k" * 32]))
    ledger.upgrade()
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(BackupError, match="already exists"):
        ledger.backup(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"
    ledger.close()


def test_a_shared_ledger_is_backed_up_with_pg_dump(postgres: Postgres) -> None:
    ledger = Ledger(postgres.database(), Vault([b"k" * 32]))
    with pytest.raises(BackupError, match="pg_dump"):
        ledger.backup(Path("nowhere"))
    ledger.close()
