"""The ledger outlives its tables: made anew or migrated, it comes out the same, and no upgrade loses what was there."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, create_engine, inspect, select, text
from sqlmodel import SQLModel

from followupd.adapters.crypto import Vault
from followupd.adapters.storage import migrate, migrations
from followupd.adapters.storage.database import BackupError
from followupd.adapters.storage.ledger import Ledger
from followupd.adapters.storage.migrate import HEAD, NewLedgerError, OldLedgerError
from followupd.domain import lifecycle
from followupd.domain.letter import LetterStatus, UsageWindows
from followupd.domain.mail import Person
from followupd.domain.state import StateKey
from tests.servers.postgres import Postgres

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
HOW = 'tables.py was changed: `make migration SAYS="what changed"` drafts the revision that goes with it'
CASE = (
    "INSERT INTO case_file (ref, version, mailbox, stage, held, playbook, owner, customer_address, opened_at, sealed)"
    " VALUES ('FU-7K3Q9', 1, 'support', 'heard', false, 'default', 'ana', 'kim@customers.test', '2026-12-01 10:00:00', '')"
)


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


def test_the_migrations_lead_to_the_tables_that_the_program_works_with(engine: Engine) -> None:
    with engine.begin() as connection:
        migrations.migrate(connection)
        assert migrations.differences(connection) == [], HOW


def test_the_program_knows_the_newest_migration_without_asking_alembic() -> None:
    assert migrations.newest() == HEAD, (
        "put the newest revision's name in HEAD of followupd/adapters/storage/migrate.py"
    )


def test_a_new_ledger_is_what_the_migrations_lead_to(engine: Engine, ledger: Ledger) -> None:
    assert ledger.upgrade() == f"created at revision {HEAD}"
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
        assert migrations.differences(connection) == []
        migrations.migrate(connection)  # Alembic, too, finds nothing to do


def test_a_ledger_that_is_up_to_date_starts_without_alembic(tmp_path: Path) -> None:
    deed = (
        "import sys; from followupd.adapters.storage.ledger import Ledger; from followupd.adapters.crypto import Vault;"
        f"ledger = Ledger('sqlite:///{tmp_path}/ledger.db', Vault([b'k' * 32])); print(ledger.upgrade());"
        "print([ledger.upgrade(), 'alembic' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", deed], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "['', False]"


def before_there_were_migrations(engine: Engine) -> None:
    with engine.begin() as connection:
        migrations.migrate(connection, to=migrate.FIRST)
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text(CASE))


def refs(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        return list(connection.scalars(text("SELECT ref FROM case_file")))


def test_a_ledger_made_before_there_were_migrations_is_taken_over_with_all_it_holds(
    engine: Engine, ledger: Ledger
) -> None:
    before_there_were_migrations(engine)
    said = ledger.upgrade(on_request=True)
    assert f"to {HEAD}" in said
    assert refs(engine) == ["FU-7K3Q9"]
    assert ledger.upgrade() == ""


# --- ledgers as older versions left them ---


def as_left_by(revision: str, engine: Engine, directory: Path) -> None:
    """Fill the database with the ledger that a followupd of this revision wrote; its key was 32 times "k"."""
    dump = (Path(__file__).parent / "ledgers" / f"{revision}.sql").read_text()
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as file:
            file.executescript(dump)
        return
    source = create_engine(f"sqlite:///{directory}/{revision}.db")
    as_left_by(revision, source, directory)
    with source.begin() as old, engine.begin() as connection:
        migrations.migrate(connection, to=revision)
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            if rows and table.name != "alembic_version":
                connection.execute(table.insert(), rows)
    source.dispose()


@pytest.mark.parametrize(
    "revision", sorted(path.stem for path in Path(__file__).parent.glob("ledgers/*.sql"))
)
def test_the_ledger_of_each_older_version_is_upgraded_with_every_word_in_it(
    revision: str, engine: Engine, ledger: Ledger, tmp_path: Path
) -> None:
    as_left_by(revision, engine, tmp_path)
    assert ledger.upgrade(on_request=True).startswith(f"upgraded from revision {revision} to {HEAD}")
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


def test_a_ledger_of_no_released_version_is_refused_and_left_as_it_was(
    engine: Engine, ledger: Ledger
) -> None:
    before_there_were_migrations(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE case_file ADD COLUMN odd INTEGER"))
    with pytest.raises(OldLedgerError, match="never released"):
        ledger.upgrade(on_request=True)
    assert refs(engine) == ["FU-7K3Q9"]
    assert not inspect(engine).has_table("alembic_version")


def test_a_ledger_of_a_newer_followupd_is_not_touched(engine: Engine, ledger: Ledger) -> None:
    ledger.upgrade()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewLedgerError):
        ledger.upgrade(on_request=True)


def test_a_file_is_copied_before_its_tables_change(tmp_path: Path) -> None:
    engine, ledger = (
        create_engine(f"sqlite:///{tmp_path}/ledger.db"),
        Ledger(f"sqlite:///{tmp_path}/ledger.db", Vault([b"k" * 32])),
    )
    before_there_were_migrations(engine)
    ledger.upgrade()
    copy = tmp_path / f"ledger.db.before-{HEAD}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT ref FROM case_file").fetchall() == [("FU-7K3Q9",)]
        assert not old.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    engine.dispose()
    ledger.close()


def test_a_file_is_not_migrated_beneath_a_daemon_that_runs(tmp_path: Path) -> None:
    engine, ledger = (
        create_engine(f"sqlite:///{tmp_path}/ledger.db"),
        Ledger(f"sqlite:///{tmp_path}/ledger.db", Vault([b"k" * 32])),
    )
    before_there_were_migrations(engine)
    daemon = Ledger(f"sqlite:///{tmp_path}/ledger.db", Vault([b"k" * 32]))
    with daemon.lease(), pytest.raises(OldLedgerError, match="systemctl restart"):
        ledger.upgrade()
    engine.dispose()
    daemon.close()
    ledger.close()


def test_a_shared_ledger_is_migrated_by_hand_alone(postgres: Postgres) -> None:
    url = postgres.database()
    engine, ledger = create_engine(url), Ledger(url, Vault([b"k" * 32]))
    before_there_were_migrations(engine)
    with pytest.raises(OldLedgerError, match="followupd upgrade"):
        ledger.upgrade()
    assert not inspect(engine).has_table("alembic_version")
    engine.dispose()
    ledger.close()


def test_every_table_of_the_program_is_the_ledgers(engine: Engine, ledger: Ledger) -> None:
    ledger.upgrade()
    assert set(inspect(engine).get_table_names()) == {*SQLModel.metadata.tables, "alembic_version"}


# --- copies ---


def test_a_copy_is_taken_while_the_ledger_is_in_use_and_holds_all_of_it(tmp_path: Path) -> None:
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


def test_a_copy_overwrites_nothing(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", Vault([b"k" * 32]))
    ledger.upgrade()
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(BackupError, match="already exists"):
        ledger.backup(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"
    ledger.close()


def test_a_shared_ledger_is_copied_by_its_own_servers_tools(postgres: Postgres) -> None:
    ledger = Ledger(postgres.database(), Vault([b"k" * 32]))
    with pytest.raises(BackupError, match="pg_dump"):
        ledger.backup(Path("nowhere"))
    ledger.close()
