"""What agents answer to desk mails, as their mail programs quote them: an order is done, or the agent hears why not."""

import email.policy
from datetime import timedelta
from email.message import EmailMessage

import pytest

from tests.journeys.world import World, text_of

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
CAUSE = "cause: our label printer failed and nobody saw it"


@pytest.fixture
def asked(world: World) -> EmailMessage:
    """The desk's first question about a complaint."""
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    [opened] = world.letters("desk/opened")
    return opened


def answers(world: World, desk: EmailMessage, text: str, *, number: int = 1) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "ana@agents.test",
        world.postbox.address,
        f"Re: {desk['Subject']}",
    )
    mail["Message-ID"], mail["In-Reply-To"] = f"<note-{number}@agents.test>", str(desk["Message-ID"])
    mail["References"] = str(desk["Message-ID"]) + (" <note-1@agents.test>" if number > 1 else "")
    mail["Date"] = world.now
    mail.set_content(text)
    world.postbox.deliver(mail.as_bytes(policy=email.policy.SMTP), sender="ana@agents.test")
    world.passes()


def marked(desk: EmailMessage) -> str:
    return "".join(f"> {line}\n" for line in text_of(desk).splitlines())


def test_a_line_that_was_said_before_may_be_said_again(world: World, asked: EmailMessage) -> None:
    quote = f"\nOn Tuesday followupd wrote:\n{marked(asked)}"
    answers(world, asked, CAUSE + quote)
    answers(world, asked, "cause: the label was torn off" + quote, number=2)
    assert world.case().facts.cause == "the label was torn off"
    answers(world, asked, f"{CAUSE}\n> {CAUSE}{quote}", number=3)
    assert world.case().facts.cause == "our label printer failed and nobody saw it"
    assert world.letters("desk/answer") == []


def test_an_order_among_quoted_lines_is_not_done_and_the_agent_is_told(
    world: World, asked: EmailMessage
) -> None:
    unmarked = f"-----Original Message-----\nFrom: Service desk\nSent: Tuesday\n\n{text_of(asked)}"
    answers(world, asked, f"fault: ours\n\n{unmarked}\n{CAUSE}\n")
    assert (world.case().facts.fault, world.case().facts.cause) == ("ours", None)
    [told] = world.letters("desk/answer")
    said = " ".join(text_of(told).split())
    assert CAUSE in said
    assert "among quoted lines" in said
    assert "fault: ours" in said


def test_an_order_below_the_signature_is_not_done_and_the_agent_is_told(
    world: World, asked: EmailMessage
) -> None:
    answers(
        world,
        asked,
        f"fault: ours\n-- \nAna Reyes\nPhone: +44 20 7123 4018\n{CAUSE}\n\nOn Tuesday followupd wrote:\n{marked(asked)}",
    )
    assert (world.case().facts.fault, world.case().facts.cause) == ("ours", None)
    [told] = world.letters("desk/answer")
    said = " ".join(text_of(told).split())
    assert CAUSE in said
    assert "7123" not in said.split("Nothing happened for these")[1].split("fault: ours")[0]


def test_an_answer_whose_quote_holds_only_what_was_asked_draws_no_question(
    world: World, asked: EmailMessage
) -> None:
    answers(
        world,
        asked,
        f"{CAUSE}\n\n-----Original Message-----\nFrom: Service desk\nSent: Tuesday\n\n{text_of(asked)}\n",
    )
    answers(world, asked, f"fault: ours\nOn Tuesday followupd wrote:\n{marked(asked)}", number=2)
    assert (world.case().facts.fault, world.case().facts.cause) == ("ours", CAUSE.removeprefix("cause: "))
    assert world.letters("desk/answer") == []


def test_what_was_offered_may_come_back_empty_and_what_is_owed_may_not(
    world: World, asked: EmailMessage
) -> None:
    world.says(world.case().ref, "kept: 1", "fixed")
    [facts] = world.letters("desk/facts")
    assert "fault: ours" in text_of(facts).splitlines()
    answers(world, facts, f"{CAUSE}\n- impact:\nIssue :\n\nOn Tuesday followupd wrote:\n{marked(facts)}")
    assert world.case().facts.cause
    assert world.letters("desk/answer") == []
    answers(world, facts, f"resolution:\n\nOn Tuesday followupd wrote:\n{marked(facts)}", number=2)
    [told] = world.letters("desk/answer")
    assert "'resolution:' lacks something" in " ".join(text_of(told).split())


def test_the_words_that_explain_what_may_stay_empty_are_no_orders_without_their_quote_marks(
    world: World, asked: EmailMessage
) -> None:
    world.says(world.case().ref, "kept: 1", "fixed")
    [facts] = world.letters("desk/facts")
    unmarked = f"-----Original Message-----\nFrom: Service desk\nSent: Tuesday\n\n{text_of(facts).replace('- ', '• ')}"
    answers(world, facts, f"{CAUSE}\n\n{unmarked}\n")
    assert world.case().facts.cause
    assert world.letters("desk/answer") == []


def test_an_empty_line_said_by_command_is_still_a_mistake(world: World, asked: EmailMessage) -> None:
    [problem] = world.says(world.case().ref, "fault:")
    assert "'fault:' lacks something" in problem
