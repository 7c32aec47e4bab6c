"""Promises that slip, promises that are forgotten, customers who hear nothing, and grants above a limit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain.case import Stage
from followupd.domain.promise import PromiseState
from tests.journeys.world import World, text_of

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)


def complaint_in(world: World) -> str:
    message_id = world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    return message_id


def test_a_promise_that_slips_brings_one_delay_letter_before_the_told_date(world: World) -> None:
    complaint_in(world)
    ref = world.case().ref
    assert world.says(ref, "kept: 1", "promise: ship the replacement by Friday") == []
    world.passes(world.now + timedelta(minutes=11))
    assert world.says(ref, "late: 2 until Tuesday because the warehouse is flooded") == []
    assert "8 December" in text_of(world.letters("desk/nudge")[-1])
    assert world.letters("delay") == []
    world.passes(world.now + timedelta(minutes=11))
    [delay] = world.letters("delay")
    assert "8 December" in text_of(delay)
    assert "warehouse is flooded" in text_of(delay)
    problems = world.says(ref, "late: 2 until Thursday because of more water")
    assert "a lead says the second new date" in problems[0]
    assert world.says(ref, "late: 2 until Thursday because of more water", agent="lee") == []
    world.passes(world.now + timedelta(hours=1))
    assert len(world.letters("delay")) == 1  # one a day
    world.passes(world.now + timedelta(days=1))
    world.passes(world.now + timedelta(minutes=11))
    assert len(world.letters("delay")) == 2


def test_half_a_margin_without_a_word_tells_the_customer_before_the_date(world: World) -> None:
    complaint_in(world)
    world.says(world.case().ref, "kept: 1", "promise: ship the replacement by Friday")
    world.passes(world.now + timedelta(minutes=11))
    world.passes(datetime(2020, 12, 4, 12, 30, tzinfo=UTC))  # due is 13:00, told 17:00
    assert world.letters("delay") == []
    world.passes(datetime(2020, 12, 4, 15, 30, tzinfo=UTC))
    assert len(world.letters("delay")) == 1
    world.passes(datetime(2020, 12, 9, 12, tzinfo=UTC))
    assert len(world.letters("delay")) == 1  # never a second slip by machine


def test_a_forgotten_promise_climbs_the_ladder_with_one_mail_a_person_and_day(world: World) -> None:
    complaint_in(world)
    for day in range(1, 10):
        for hour in (9, 12, 16):
            world.passes(datetime(2020, 12, 1, hour, 45, tzinfo=UTC) + timedelta(days=day))
    mails = world.letters("desk/nudge") + world.letters("desk/escalation")
    days = [(str(mail["To"]), mail["Date"].datetime.date()) for mail in mails]
    assert len(days) == len(set(days))
    assert {to for to, _ in days} == {"Ana Reyes <ana@agents.test>", "Lee Park <lee@agents.test>"}
    promise = world.case().promise(1)
    assert promise
    assert promise.state is PromiseState.BROKEN
    assert len(mails) <= 12  # a wheel that squeaks every hour is not heard any more


def test_a_grant_above_the_limit_waits_for_a_leads_answer_and_no_tag_is_enough(world: World) -> None:
    complaint_in(world)
    world.agent_tags("refund-120")
    [asked] = world.letters("desk/approval")
    assert "lee@agents.test" in str(asked["To"])
    world.agent_tags("approve")
    assert world.case().compensation[0].state.value == "waiting-approval"
    world.agent_answers(asked, "approve", sender="mallory@agents.test")
    assert world.case().compensation[0].state.value == "waiting-approval"
    world.agent_answers(asked, "approve", sender="lee@agents.test")
    assert world.case().compensation[0].state.value == "granted"


def test_silence_brings_a_nudge_and_then_a_holding_letter(make_world: Callable[..., World]) -> None:
    playbook = 'name = "default"\nowner = "ana"\n'
    world = make_world(playbook=playbook)
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    assert world.case().stage is Stage.HEARD
    world.passes(datetime(2020, 12, 3, 10, 30, tzinfo=UTC))
    assert len(world.letters("desk/nudge")) == 1
    assert world.letters("holding") == []
    world.passes(datetime(2020, 12, 4, 11, tzinfo=UTC))
    assert "still waiting for word from us" in text_of(world.letters("desk/nudge")[-1])
    assert world.letters("holding") == []
    world.passes(datetime(2020, 12, 4, 12, 30, tzinfo=UTC))
    [holding] = world.letters("holding")
    assert "still waiting for word from us" in text_of(holding)
    assert "December" not in text_of(holding)  # nobody has promised a date
    world.passes(datetime(2020, 12, 4, 16, tzinfo=UTC))
    assert len(world.letters("holding")) == 1
    assert world.letters("confirmation") == []


def test_a_second_holding_letter_needs_a_person(make_world: Callable[..., World]) -> None:
    world = make_world(playbook='name = "default"\nowner = "ana"\n')
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    for hours in range(0, 15 * 24, 12):
        world.passes(datetime(2020, 12, 1, 11, tzinfo=UTC) + timedelta(hours=hours))
    assert len(world.letters("holding")) == 1  # a fortnight of silence brings no second one
    digests = [text_of(mail) for mail in world.letters() if "desk/digest" in str(mail["X-Followupd-Key"])]
    asked = " ".join(" ".join(digests + [text_of(mail) for mail in world.letters("desk/escalation")]).split())
    assert "the next word has to come from a person" in asked


UNCLEAR = (
    "I will send you a new jug on Friday. We will refund you up to 30 EUR, depending on what the jug cost."
)


@pytest.mark.parametrize("answer", ["ok", "none", "refund: 20 EUR"])
def test_an_unclear_sentence_is_asked_once_and_a_yes_or_a_better_line_answers(
    world: World, answer: str
) -> None:
    world.agent_replies(UNCLEAR, complaint_in(world), "promised")
    assert len(world.case().unclear) == 1
    [asked] = world.letters("desk/answer")
    assert "up to 30 EUR" in " ".join(text_of(asked).split())
    world.agent_answers(asked, answer)
    assert world.case().unclear == ()
    gives = answer.startswith("refund")  # what a note gives is told to the agent
    assert len(world.letters("desk/answer")) == 1 + gives
    assert len(world.case().compensation) == 1 + gives  # the new jug, and perhaps the refund


PROPOSES = "I will send you a new jug by Thursday."


@pytest.mark.parametrize("line", ["kept: {n}", "erledigt: {n}", "late: {n} until Monday because of a strike"])
def test_of_a_promise_that_is_only_proposed_an_agent_hears_so_with_the_lines_that_accept_it(
    world: World, line: str
) -> None:
    world.agent_replies(PROPOSES, complaint_in(world))
    [promise] = world.case().proposed
    desk = world.letters("desk/approval")[-1]
    world.agent_answers(desk, line.format(n=promise.n))
    back = world.letters("desk/answer")[-1]
    words = " ".join(text_of(back).split())
    assert f"promise {promise.n} is only proposed; `approve` accepts all that is proposed" in words
    assert "approve" in text_of(back).splitlines()
    world.agent_answers(back, "approve", line.format(n=promise.n))
    assert world.case().proposed == ()
    [accepted] = [each for each in world.case().promises if each.n == promise.n]
    assert accepted.state is not PromiseState.OPEN
