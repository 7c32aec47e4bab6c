"""Robots draw no letters, or no more than one: loops are the shame of many a help desk."""

from datetime import timedelta

from tests.journeys.world import World

ANGRY = (
    "This is unacceptable. My parcel has still not arrived after three weeks, nobody answers my mails, and I want my "
    "money back. I am furious, this is the worst service ever. Reference {n}."
)


def test_a_robot_without_any_header_that_changes_its_address_draws_no_more_than_one_letter(
    world: World,
) -> None:
    for n in range(5):
        world.customer_writes(ANGRY.format(n=n), subject=f"Ticket {n}", sender=f"bot-{n}@robots.test")
        world.passes(world.now + timedelta(minutes=11))
    assert len(world.letters("confirmation")) == 1
    assert len(world.cases()) == 5
    blocked = [case for case in world.cases() if "robot" in case.no_answer]
    assert len(blocked) == 4


def test_an_automatic_reply_to_our_letter_draws_nothing_and_is_no_answer(world: World) -> None:
    world.customer_writes(ANGRY.format(n=1))
    world.passes(world.now + timedelta(minutes=11))
    [letter] = world.letters("confirmation")
    world.customer_writes(
        "I am out of the office until 12 December 2020.",
        subject="Automatic reply",
        answering=letter,
        Auto_Submitted="auto-replied",
    )
    world.passes(world.now + timedelta(days=1))
    assert len(world.letters("confirmation")) == 1
    assert not world.case().unanswered or world.case().fixed_at is None
    assert world.case().away_until is not None


def test_one_address_gets_one_automatic_letter_a_day_and_the_next_one_the_next_day(world: World) -> None:
    world.customer_writes(
        "The kettle I bought is broken and smells. I want my money back, this is a disgrace.",
        subject="Kettle",
    )
    world.agent_tags("complaint")
    world.customer_writes(
        "And the toaster is broken as well, terrible quality, refund me please now.", subject="Toaster"
    )
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=45))
    assert len(world.letters("confirmation")) == 1
    world.passes(world.now + timedelta(hours=25))
    assert len(world.letters("confirmation")) == 2
