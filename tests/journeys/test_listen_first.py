"""We listen before we speak: no letter to a customer leaves while their answer may lie unread in the mailbox."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from followupd.app.cycle import run_cycle
from followupd.domain.case import Stage
from followupd.services.outbox import policy
from tests.journeys.test_nobody_gets_in import command
from tests.journeys.test_stories import COMPLAINT, FRIDAY, fixed
from tests.journeys.world import World

STARTER = Path(__file__).parents[2] / "config"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world whose follow-ups leave without being shown first."""
    starter = (STARTER / "playbooks" / "default.toml").read_text("utf-8")
    return make_world(playbook=starter.replace("show = true", "show = false"))


def test_after_days_without_a_daemon_what_the_customer_wrote_is_read_before_a_letter_leaves(
    world: World,
) -> None:
    fixed(world)
    world.now = FRIDAY  # nobody listened since Tuesday, and the follow-up comes due
    assert run_cycle(world.app, world.now) > 0
    assert world.letters("follow-up") == []
    world.customer_writes("The new one arrived broken too. I am fed up!", subject="Re: My parcel")
    world.passes(FRIDAY + timedelta(hours=1))
    assert world.letters("follow-up") == []


def test_a_letter_that_waited_for_the_mailbox_leaves_as_soon_as_it_was_read(world: World) -> None:
    ref = fixed(world)
    world.now = FRIDAY
    run_cycle(world.app, world.now)
    assert world.letters("follow-up") == []
    world.passes()
    assert len(world.letters("follow-up")) == 1
    assert world.folded(ref).stage is Stage.FOLLOWED_UP


def test_who_takes_a_mailbox_over_reads_it_first_however_lately_it_was_read(world: World) -> None:
    fixed(world)
    world.passes(datetime(2020, 12, 4, 9, 59, tzinfo=UTC))
    assert world.letters("follow-up") == []
    policy.mark_unread(world.app.ledger, ["support"], world.now)
    world.now = FRIDAY
    run_cycle(world.app, world.now)
    assert world.letters("follow-up") == []
    explained = command(world, "explain", world.case().ref).stdout
    assert "is queued" in explained
    assert "the mailbox support was not read lately, and may contain mail from the customer" in explained
    world.passes()
    assert len(world.letters("follow-up")) == 1


def test_agents_are_told_all_the_same(world: World) -> None:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    policy.mark_unread(world.app.ledger, ["support"], world.now)
    world.now = FRIDAY  # what was promised for Thursday is overdue
    while run_cycle(world.app, world.now):
        pass
    assert len(world.letters("desk/escalation")) == 1
