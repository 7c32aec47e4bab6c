"""The commands backup, upgrade, export and erase, as an administrator types them."""

import json
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from tests.journeys.test_nobody_gets_in import a_complaint, command
from tests.journeys.world import CUSTOMER, World, text_of


def test_a_customers_data_is_exported_and_then_erased(world: World) -> None:
    a_complaint(world, subject="My teapot", text="It came in shards after three weeks!")
    ref = world.case().ref
    exported = command(world, "export", CUSTOMER)
    assert exported.returncode == 0, exported.stderr
    assert json.loads(exported.stdout)["cases"][0]["ref"] == ref
    assert "shards" in exported.stdout

    refused = command(world, "erase", CUSTOMER)
    assert refused.returncode == 1
    assert f"{ref} is still open" in refused.stderr
    erased = command(world, "erase", CUSTOMER, "--even-open", "--json")
    assert erased.returncode == 0, erased.stderr
    assert json.loads(erased.stdout)["cases"] == [ref]

    files = [path for path in world.directory.rglob("ledger.db*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files)
    assert ref.encode() in written
    assert CUSTOMER.encode() not in written
    again = command(world, "export", CUSTOMER)
    assert json.loads(again.stdout)["cases"] == []
    assert "There is no data of" in again.stderr
    shown = command(world, "case", ref)
    assert shown.returncode == 0, shown.stderr
    assert "shards" not in shown.stdout

    world.app.ledger.close()
    before = len(world.smtp.messages)
    assert world.passes().cases()[0].held
    assert len(world.smtp.messages) == before


def test_a_tag_on_a_mail_of_an_erased_customer_opens_no_case_and_is_answered(world: World) -> None:
    world.customer_writes("When does the shop open on Sundays?", subject="A question")
    assert world.cases() == []
    assert command(world, "erase", CUSTOMER).returncode == 0
    world.app.ledger.close()
    world.agent_tags("complaint")
    assert world.cases() == []
    [mail] = world.letters()
    assert "ana@agents.test" in str(mail["To"])
    text = " ".join(text_of(mail).split())
    assert "A tag was not understood" in text
    assert "This mail has no sender to whom a letter could be sent; no case was opened" in text


def test_a_tag_on_a_mail_of_an_erased_case_sends_no_letter_and_is_answered(world: World) -> None:
    a_complaint(world, subject="My teapot", text="It came in shards after three weeks!")
    assert command(world, "erase", CUSTOMER, "--even-open").returncode == 0
    world.app.ledger.close()
    before = len(world.letters())
    world.agent_tags("release")
    [mail] = world.letters()[before:]
    assert "This mail has no sender to whom a letter could be sent" in " ".join(text_of(mail).split())
    case = world.case()
    assert case.held
    assert [
        "was forgotten, and no letter can reach anybody" in problem
        for problem in world.says(case.ref, "release", "promise: a new pot by Friday")
    ] == [True, True]
    assert world.says(case.ref, "close") == []
    world.passes(world.now + timedelta(days=3))
    assert [mail for mail in world.letters()[before:] if "@agents.test" not in str(mail["To"])] == []


def test_an_invalid_tag_on_a_mail_without_a_case_is_answered(world: World) -> None:
    world.customer_writes("When does the shop open on Sundays?", subject="A question")
    world.agent_tags("refund-much")
    assert world.cases() == [] or world.case().compensation == ()
    assert any("refund: much" in text_of(mail) for mail in world.letters())


def test_a_backup_is_private_and_overwrites_nothing(world: World, tmp_path: Path) -> None:
    a_complaint(world)
    copy = tmp_path / "backup.db"
    done = command(world, "backup", str(copy))
    assert done.returncode == 0, done.stderr
    assert "the ledger's key" in done.stdout
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as backup:
        assert backup.execute("SELECT ref FROM case_file").fetchall() == [(world.case().ref,)]
    again = command(world, "backup", str(copy))
    assert again.returncode == 1
    assert "nothing was written" in again.stderr


def test_a_ledger_that_is_up_to_date_needs_no_upgrade(world: World) -> None:
    assert command(world, "upgrade").stdout == "The ledger is up to date.\n"
    assert json.loads(command(world, "upgrade", "--json").stdout) == {"done": None}
