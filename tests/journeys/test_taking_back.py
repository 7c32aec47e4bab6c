"""What agents take back: a promise that the customer has in writing, a tag, the last word."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from followupd.domain.case import Stage
from followupd.domain.compensation import GrantState
from followupd.domain.promise import PromiseState
from tests.journeys.test_agents_mail import PLAYBOOK, arrives, own_mail
from tests.journeys.world import World, text_of

COMPLAINT = "My grinder has not arrived after three weeks, nobody answers. This is unacceptable."
FACTS = ("cause: the label was torn", "resolution: we ring you", "prevention: labels are checked", "kept: 1")


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(
        playbook=PLAYBOOK.replace("0 minutes", "10 minutes"),
        smtp_extra='witness = "none"\nper_address = "9 per day"',
    )


@pytest.fixture
def promised(world: World) -> World:
    """A world in which the customer has a promise in writing."""
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    world.says(world.case().ref, "promise: ship a new grinder by Friday")
    later(world, minutes=11)
    assert len(world.letters("confirmation")) == 1
    return world


def later(world: World, **time: float) -> None:
    world.passes(world.now + timedelta(**time))


# --- a promise in writing ---


def test_a_promise_in_writing_is_withdrawn_in_writing_before_anything_else(promised: World) -> None:
    ref = promised.case().ref
    promised.says(ref, "withdraw: 2 because it is sold out", "fixed", *FACTS)
    assert "the customer has promise 2 in writing" in promised.says(ref, "close")[0]
    later(promised, minutes=11)
    [letter] = promised.letters("delay")
    words = " ".join(text_of(letter).split())
    assert "Ship a new grinder: this will not happen. The reason: it is sold out." in words
    assert promised.case().untold == ()
    later(promised, days=1)
    assert len(promised.letters("delay")) == 1
    later(promised, days=4)
    assert len(promised.letters("follow-up")) == 1


def test_the_agents_own_reply_withdraws_it_too(promised: World) -> None:
    promised.says(promised.case().ref, "withdraw: 2 because it is sold out")
    arrives(promised, own_mail(promised, "Dear Kim,\n\nit is sold out, I am sorry.\n\nAna\n"))
    later(promised, minutes=11)
    assert promised.letters("delay") == []
    assert promised.case().untold == ()


def test_a_late_and_a_withdrawn_promise_share_one_letter(promised: World) -> None:
    promised.says(
        promised.case().ref, "late: 1 until Monday because of a strike", "withdraw: 2 because sold out"
    )
    later(promised, minutes=11)
    letters = [" ".join(text_of(letter).split()) for letter in promised.letters("delay")]
    assert sum("this will not happen" in words for words in letters) == 1


def test_a_promise_that_the_customer_never_had_in_writing_needs_no_letter(promised: World) -> None:
    ref = promised.case().ref
    promised.says(ref, "promise: call you by Thursday")
    promised.says(ref, "withdraw: 3 because we met")
    later(promised, minutes=21)
    assert promised.letters("delay") == []
