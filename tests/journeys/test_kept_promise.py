"""The kept promise: heard in a plain reply, made to hold by one word, put in writing, kept, and followed up."""

from datetime import UTC, datetime, timedelta

from followupd.domain.case import Stage
from followupd.domain.compensation import GrantState
from followupd.domain.promise import PromiseState
from tests.journeys.world import World, text_of

COMPLAINT = "My lamp came in pieces. This is unacceptable."
REPLY = "Hi Kim,\n\nI am so sorry. I will send you a new lamp by Friday.\n\nAna\n"


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_kept_promise(world: World) -> None:
    message_id = world.customer_writes(COMPLAINT, subject="My lamp")
    world.agent_tags("complaint")
    ref = world.case().ref
    world.agent_replies(REPLY, message_id)
    [proposed] = [each for each in world.case().promises if each.source != "playbook"]
    assert (
        proposed.state is PromiseState.PROPOSED
    )  # an untagged reply proposes, and the owner says whether it holds
    [asked] = world.letters("desk/approval")
    assert "ana@agents.test" in str(asked["To"])
    assert "I will send you a new lamp" in flat(text_of(asked))
    world.agent_answers(asked, "approve")
    promise = world.case().promise(proposed.n)
    assert promise
    assert promise.state is PromiseState.OPEN
    assert promise.promised_by == datetime(2020, 12, 4, 17, tzinfo=UTC)

    world.passes(world.now + timedelta(minutes=11))
    written = flat(text_of(world.letters("confirmation")[-1]))
    assert "I will send you a new lamp" in written
    assert "4 December" in written
    assert "as a replacement" not in written

    world.passes(datetime(2020, 12, 3, 10, tzinfo=UTC))
    facts = (
        "cause: it was badly packed",
        "resolution: a new lamp is on your table",
        "prevention: lamps travel in foam now",
        "fault: ours",
    )
    assert world.says(ref, "kept", *facts, "fixed") == []
    case = world.case()
    assert {each.state for each in case.promises} == {PromiseState.KEPT}
    assert [grant.state for grant in case.compensation] == [
        GrantState.ISSUED
    ]  # one deed is one promise and one gift
    world.passes(datetime(2020, 12, 8, 10, 30, tzinfo=UTC))
    [follow_up] = world.letters("follow-up")
    assert "new lamp is on your table" in flat(text_of(follow_up))
    assert world.case().stage is Stage.FOLLOWED_UP
    assert world.letters("delay") == world.letters("holding") == []


def test_a_reply_that_is_tagged_promised_holds_at_once(world: World) -> None:
    message_id = world.customer_writes(COMPLAINT, subject="My lamp")
    world.agent_tags("complaint")
    world.agent_replies(REPLY, message_id, "promised")
    states = [each.state for each in world.case().promises if each.source != "playbook"]
    assert states == [PromiseState.OPEN]


def test_a_tag_on_the_reply_approves_what_was_proposed_and_refuse_takes_it_away(world: World) -> None:
    message_id = world.customer_writes(COMPLAINT, subject="My lamp")
    world.agent_tags("complaint")
    world.agent_replies(REPLY, message_id)
    world.agent_tags("promised", folder="Sent")
    assert [each.state for each in world.case().promises if each.source != "playbook"] == [PromiseState.OPEN]

    world.agent_replies("Hi Kim,\n\nI will call you tomorrow.\n\nAna\n", message_id)
    assert any(each.state is PromiseState.PROPOSED for each in world.case().promises)
    world.agent_answers(world.letters("desk/approval")[-1], "refuse: I have called already")
    assert not any(each.state is PromiseState.PROPOSED for each in world.case().promises)


def test_bad_news_comes_before_the_date_of_a_promise_that_was_heard_in_a_reply_and_approved(
    world: World,
) -> None:
    message_id = world.customer_writes(COMPLAINT, subject="My lamp")
    world.agent_tags("complaint")
    world.agent_replies(REPLY, message_id)
    world.agent_answers(world.letters("desk/approval")[-1], "approve")
    [promise] = [each for each in world.case().promises if each.source == "reply"]
    assert (promise.internal_deadline, promise.promised_by) == (
        datetime(2020, 12, 4, 13, tzinfo=UTC),
        datetime(2020, 12, 4, 17, tzinfo=UTC),
    )

    world.passes(world.now + timedelta(minutes=11))
    assert "4 December" in flat(text_of(world.letters("confirmation")[-1]))
    standing = [each.n for each in world.case().promises if each.source == "playbook"]
    world.says(world.case().ref, *(f"kept: {n}" for n in standing))
    world.passes(datetime(2020, 12, 4, 14, 30, tzinfo=UTC))
    assert world.letters("delay") == []
    world.passes(datetime(2020, 12, 4, 15, 30, tzinfo=UTC))  # half of the margin is over, and the date is not
    [delay] = world.letters("delay")
    assert "I will send you a new lamp" in flat(text_of(delay))
    assert "8 December" in flat(text_of(delay))
