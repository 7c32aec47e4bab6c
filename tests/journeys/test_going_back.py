"""A restored ledger is older than the mailbox: the daemon notices it, and sends nothing twice."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from followupd.adapters.settings import load
from followupd.app.container import build
from followupd.domain.keys import StateKey
from tests.journeys.test_nobody_gets_in import command
from tests.journeys.test_stories import COMPLAINT
from tests.journeys.world import World


def files(world: World) -> list[Path]:
    return sorted(world.directory.parent.rglob("ledger.db*"))


def restore(world: World, copy: Path) -> None:
    """Put a copy in the ledger's place as an administrator does, and start again."""
    world.app.ledger.close()
    [ledger] = [path for path in files(world) if path.name == "ledger.db"]
    for path in files(world):
        path.unlink()
    shutil.copy(copy, ledger)
    world.app = build(load(world.directory))


def health(world: World) -> tuple[int, dict[str, object]]:
    done = command(world, "status", "--json")
    return done.returncode, json.loads(done.stdout)


def test_a_restored_backup_sends_nothing_until_resume(world: World, tmp_path: Path) -> None:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.app.ledger.backup(tmp_path / "backup.db")
    world.passes(world.now + timedelta(minutes=11))
    assert len(world.letters("confirmation")) == 1

    restore(world, tmp_path / "backup.db")
    stderr = command(world, "run", "--once").stderr
    assert (
        'breaker-open reason="the ledger is a copy, and letters may have been sent since it was made"'
        in stderr
    )
    code, view = health(world)
    assert (code, view["breaker"]) == (1, "open")
    assert "is a copy" in str(view["breaker_because"])
    world.passes(world.now + timedelta(hours=1))
    assert len(world.letters("confirmation")) == 1
    explained = command(world, "explain", world.case().ref).stdout
    assert "No confirmation is sent automatically: the case is held" in explained

    assert command(world, "resume").returncode == 0
    assert "the ledger is a copy" not in command(world, "run", "--once").stderr  # it is reported once
    world.passes(world.now + timedelta(hours=1))
    world.passes(world.now + timedelta(days=1))
    assert len(world.letters("confirmation")) == 1  # its copy is in the mailbox
    assert health(world)[1]["breaker_because"] == ""


def test_a_letter_that_waits_for_the_breaker_says_so(world: World) -> None:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    with world.app.ledger.transaction() as tx:
        tx.state.put(StateKey.BREAKER, "open", world.now)
        tx.state.put(StateKey.BREAKER_REASON, "500 letters in an hour", world.now)
    world.passes(world.now + timedelta(minutes=11))
    assert world.letters("confirmation") == []
    explained = command(world, "explain", world.case().ref).stdout
    assert "nothing is sent, the breaker is open: 500 letters in an hour" in explained


def test_a_copy_of_a_letter_that_the_ledger_does_not_know_opens_the_breaker(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world()
    world.app.ledger.close()
    [ledger] = [path for path in files(world) if path.name == "ledger.db"]
    shutil.copy(ledger, tmp_path / "snapshot.db")  # not by `followupd backup`: it is not marked as a copy
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    assert len(world.letters("confirmation")) == 1
    ref = world.case().ref

    restore(world, tmp_path / "snapshot.db")
    world.passes()
    world.passes(world.now + timedelta(minutes=11))  # the complaint is a new case, which would be confirmed
    assert len(world.letters("confirmation")) == 1
    _, view = health(world)
    assert view["breaker"] == "open"
    assert f"{ref}.confirmation.1 was sent, and this ledger does not know it" in str(view["breaker_because"])


def test_a_new_ledger_in_a_mailbox_that_has_letters_of_ours_stops_and_asks(world: World) -> None:
    world.customer_writes("My parcel has still not arrived. This is unacceptable.")
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=15))
    assert len(world.letters("confirmation")) == 1
    file = world.directory / "followupd.toml"
    file.write_text(file.read_text().replace("ledger.db", "another.db"))
    world.app.ledger.close()
    world.app = build(load(world.directory))
    world.app.ledger.upgrade()
    world.passes()
    with world.app.ledger.transaction() as tx:
        reason = tx.state.get(StateKey.BREAKER_REASON)
    assert reason is not None
    assert "the ledger has never read the mailbox support" in reason[0]
    assert world.cases() == []


def test_explain_says_what_a_refusal_for_the_domains_sake_means(world: World) -> None:
    world.smtp.plan("rcpt", "550 5.7.26 the sender is unauthenticated")
    world.customer_writes("My parcel has still not arrived, this is the third time. I am very angry!")
    world.passes(world.now + timedelta(minutes=15))
    explained = command(world, "explain", world.case().ref).stdout
    assert "Gmail could not authenticate the sender" in explained
