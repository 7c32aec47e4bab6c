"""Words that should not reach a customer: the agent is told, the letter waits, and whoever means it may insist."""

from datetime import UTC, datetime, timedelta

from followupd.domain.events import LetterStopped, WordingInsisted
from tests.journeys.world import CUSTOMER, World, text_of

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
FACTS = (
    "cause: our label printer failed",
    "resolution: a new parcel went out by express",
    "fault: ours",
    "kept",
)
DUE = datetime(2020, 12, 8, 10, tzinfo=UTC)


def fixed(world: World) -> str:
    """A complaint that was put right on Thursday, and of which the prevention is still to be said."""
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    world.passes(datetime(2020, 12, 3, 10, tzinfo=UTC))
    world.agent_tags("fixed")
    ref = world.case().ref
    assert world.says(ref, *FACTS) == []
    return ref


def test_an_over_promise_stops_the_follow_up_until_it_is_said_in_better_words(world: World) -> None:
    ref = fixed(world)
    world.says(ref, "prevention: labels are now foolproof")
    world.passes(DUE)
    assert world.letters("follow-up") == []
    [stopped] = [event for event in world.history(ref) if isinstance(event, LetterStopped)]
    assert "[W07]" in stopped.why
    [told] = [mail for mail in world.letters("desk/nudge") if "W07" in text_of(mail)]
    assert "foolproof" in " ".join(text_of(told).split())

    world.says(ref, "prevention: labels are now printed from the order itself")
    world.passes(world.now + timedelta(minutes=65))  # in which its owner reads the letter
    [follow_up] = world.letters("follow-up")
    assert "printed from the order itself" in text_of(follow_up)


def test_an_agent_who_means_it_may_insist(world: World) -> None:
    ref = fixed(world)
    world.says(ref, "prevention: labels are now foolproof")
    world.passes(DUE)
    assert world.letters("follow-up") == []
    assert world.says(ref, "prevention: Labels are now foolproof!") == []
    [follow_up] = world.letters("follow-up")
    assert "Labels are now foolproof." in text_of(follow_up)
    [insisted] = [event for event in world.history(ref) if isinstance(event, WordingInsisted)]
    assert insisted.by == "a test"
    assert world.folded(ref).insisted == ("labels are now foolproof",)


def test_an_agent_hears_what_is_wrong_with_the_words_in_the_answer_to_the_note(world: World) -> None:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    [opened] = world.letters("desk/opened")
    world.agent_answers(opened, "cause: you should have told us your new address", "fault: shared")
    [answer] = world.letters("desk/answer")
    told = " ".join(text_of(answer).split())
    assert "puts the blame on somebody" in told
    assert "Better: “We sent it to an address that was not right, and we did not check it with you.”" in told
    assert "fault: shared" in told
    assert world.case().facts.cause is None
    world.agent_answers(answer, "ok")
    assert world.case().facts.cause == (
        "We sent it to an address that was not right, and we did not check it with you."
    )


def test_what_it_meant_for_another_customer_stops_the_letter(world: World) -> None:
    """Practice 3: the impact is this customer's own."""
    impact = "you sat in the cold for three days with two children"
    first = fixed(world)
    world.says(first, f"impact: {impact}", "prevention: labels are printed from the order")
    world.customer_writes(COMPLAINT, sender="lou@customers.test", subject="No heating")
    [second] = [case.ref for case in world.cases() if case.ref != first]
    world.passes(world.now + timedelta(minutes=11))
    world.says(second, "fixed", *FACTS, f"impact: {impact}", "prevention: labels are printed from the order")
    world.passes(DUE + timedelta(days=1))
    assert [mail["To"].addresses[0].addr_spec for mail in world.letters("follow-up")] == [CUSTOMER]
    [told] = [mail for mail in world.letters("desk/nudge") if "W19" in text_of(mail)]
    assert impact in " ".join(text_of(told).split())
    world.says(second, f"impact: {impact} !")
    world.passes(world.now + timedelta(minutes=1))
    assert len(world.letters("follow-up")) == 2


def test_the_same_words_do_not_reach_one_person_twice(world: World) -> None:
    """Practice 19: two complaints on one day, and no second letter that reads like the first."""
    world.customer_writes(COMPLAINT)
    world.passes(world.now + timedelta(minutes=11))
    assert len(world.letters("confirmation")) == 1
    first = world.case().ref
    world.says(first, "close")
    world.customer_writes(COMPLAINT + " The second one, too.", subject="Where is my other parcel?")
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    texts = [text_of(mail) for mail in world.letters("confirmation")]
    assert len(set(texts)) == len(texts)  # the second complaint has a letter of its own, or none
    assert len(world.letters("desk/opened")) >= 2


def test_a_letter_that_the_rules_stopped_is_not_forgotten_when_its_owner_misses_the_mail(
    world: World,
) -> None:
    ref = fixed(world)
    world.says(ref, "prevention: labels are now foolproof, guaranteed")
    world.passes(DUE)
    assert world.letters("follow-up") == []
    for day in range(1, 6):
        world.passes(DUE + timedelta(days=day))
    told = [" ".join(text_of(mail).split()) for mail in world.letters("desk/escalation")]
    assert any(
        "A letter could not be written: the follow-up does not leave with these words" in each
        for each in told
    )
    world.says(ref, "prevention: labels are printed from the order itself now")
    world.passes(DUE + timedelta(days=6))
    assert len(world.letters("follow-up")) == 1
    escalated = len(world.letters("desk/escalation"))
    world.passes(DUE + timedelta(days=12))
    assert len(world.letters("desk/escalation")) == escalated


def test_soft_findings_stop_nothing(world: World) -> None:
    ref = fixed(world)
    world.says(ref, "prevention: mistakes were made with two labels, and each is now compared with its order")
    world.passes(DUE)
    [follow_up] = world.letters("follow-up")
    assert "Mistakes were made" in text_of(follow_up)
