"""What agents write to customers themselves, wherever the copy lies, and what it changes in the case."""

import email.policy
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from followupd.domain.events import AgentWrote
from followupd.domain.mail import MailState
from followupd.domain.promise import PromiseState
from tests.journeys.world import CUSTOMER, World, text_of

COMPLAINT = "My grinder has not arrived after three weeks, nobody answers. I want my money back. This is unacceptable."
ANSWER = "Dear Kim,\n\nI am sorry. I will send you a new grinder by Friday.\n\nAna\n"
PLAYBOOK = """
name = "default"
owner = "ana"

[confirmation]
after = "0 minutes"

[[next_step]]
text = "{{ owner.first_name }} writes to you with an answer"
within = "2 business days"
kind = "next-update"
"""


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(
        playbook=PLAYBOOK, mailbox='trusted = ["mx.agents.test"]', smtp_extra='witness = "none"'
    )


@pytest.fixture
def complaint(world: World) -> str:
    message_id = world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    return message_id


def own_mail(world: World, text: str = ANSWER, **headers: str) -> bytes:
    """Return a mail of Ana's to the customer, from her own address, with us in Cc."""
    mail = EmailMessage()
    given = {
        "From": "Ana Reyes <ana@agents.test>",
        "To": f"Kim Doe <{CUSTOMER}>",
        "Cc": world.postbox.address,
        "Subject": "Re: Grinder not delivered",
        "Message-ID": "<own-1@agents.test>",
        "Authentication-Results": "mx.agents.test; dmarc=pass header.from=agents.test",
    }
    for name, value in (given | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        if value:
            mail[name] = value
    mail["Date"] = world.now
    mail.set_content(text)
    return mail.as_bytes(policy=email.policy.SMTP)


def arrives(world: World, raw: bytes, folder: str = "INBOX") -> None:
    if folder == "INBOX":
        world.postbox.deliver(raw, sender="ana@agents.test")
    else:
        world.postbox.append(raw, folder, ["\\Seen"])
    world.passes()


def written(world: World) -> int:
    return sum(isinstance(event, AgentWrote) for event in world.history(world.case().ref))


@pytest.mark.parametrize(
    "subject", ["Re: Grinder not delivered", "AW: grinder  not delivered", "[{ref}] news"]
)
def test_a_reply_without_thread_headers_is_known_by_its_subject(
    world: World, complaint: str, subject: str
) -> None:
    arrives(world, own_mail(world, Subject=subject.format(ref=world.case().ref)))
    assert written(world) == 1
    assert world.case().promises[0].state is PromiseState.KEPT
    assert [promise.state for promise in world.case().promises[1:]] == [PromiseState.PROPOSED]
    assert "approve" in text_of(world.letters("desk/approval")[-1])


def test_a_mail_under_another_subject_is_a_word_to_the_customer_and_the_owner_says_what_it_kept(
    world: World, complaint: str
) -> None:
    arrives(world, own_mail(world, "Dear Kim,\n\nthank you for your call.\n\nAna\n", Subject="Our call"))
    assert written(world) == 1
    assert world.case().promises[0].state is PromiseState.OPEN
    [asked] = world.letters("desk/approval")
    world.agent_answers(asked, "kept: 1")
    assert world.case().promises[0].state is PromiseState.KEPT


def test_the_copies_of_one_mail_in_sent_and_in_the_inbox_count_once(world: World, complaint: str) -> None:
    raw = own_mail(world, In_Reply_To=complaint)
    arrives(world, raw)
    arrives(world, b"Received: from elsewhere\r\n" + raw, "Sent")
    assert written(world) == 1
    assert len(world.letters("desk/approval")) == 1


def test_a_reply_from_a_forged_agent_is_quarantined(world: World, complaint: str) -> None:
    forged = own_mail(
        world,
        In_Reply_To=complaint,
        Authentication_Results="mx.agents.test; dmarc=fail header.from=agents.test",
    )
    arrives(world, forged)
    assert written(world) == 0
    with world.app.ledger.transaction() as tx:
        assert tx.mail.count(MailState.QUARANTINED) == 1


@pytest.mark.parametrize("folder", ["INBOX", "Sent"])
def test_a_mail_to_a_colleague_about_the_case_is_no_word_to_the_customer(
    world: World, complaint: str, folder: str
) -> None:
    arrives(
        world, own_mail(world, "Is it on the shelf?", To="stock@agents.test", In_Reply_To=complaint), folder
    )
    assert written(world) == 0
    assert world.case().promises[0].state is PromiseState.OPEN


def test_a_customer_with_two_open_cases_is_written_to_about_neither_unless_one_is_named(
    world: World, complaint: str
) -> None:
    world.customer_writes("The kettle leaks. I am very disappointed.", "Kettle")
    world.agent_tags("complaint")
    arrives(world, own_mail(world, Subject="Our call"))
    arrives(world, own_mail(world, Subject="Kettle", Message_ID="<own-2@agents.test>"))
    heard = {
        case.subject for case in world.cases() for e in world.history(case.ref) if isinstance(e, AgentWrote)
    }
    assert heard == {"Kettle"}


def flat(mail: EmailMessage) -> str:
    return " ".join(text_of(mail).split())


@pytest.mark.parametrize("folder", ["INBOX", "Sent"])
def test_which_of_two_cases_a_mail_is_about_is_asked_once(world: World, complaint: str, folder: str) -> None:
    world.customer_writes("The kettle leaks. I am very disappointed.", "Kettle")
    world.agent_tags("complaint")
    arrives(world, own_mail(world, Subject="Your request"), folder)
    arrives(world, b"Received: from elsewhere\r\n" + own_mail(world, Subject="Your request"))
    [asked] = [mail for mail in world.letters() if "“Your request” may be about" in flat(mail)]
    first, second = [case.ref for case in world.cases()]
    assert first in text_of(asked)
    assert second in text_of(asked)
    world.agent_answers(asked, f"{second}: promise: send a new kettle by Friday")
    assert [len(case.promises) for case in world.cases()] == [1, 2]


def test_orders_in_a_mail_to_the_customer_are_not_done_and_come_back(world: World, complaint: str) -> None:
    arrives(
        world, own_mail(world, "kept: 1\ncause: a strike\n\nHi Kim, it is there.\n", In_Reply_To=complaint)
    )
    assert not world.case().facts.cause
    [asked] = world.letters("desk/approval")
    assert "Lines for us stand in your mail to the customer" in flat(asked)
    assert {"kept: 1", "cause: a strike"} <= set(text_of(asked).splitlines())


def test_an_agent_hears_to_whom_a_mail_went_that_is_no_answer_to_the_customer(
    world: World, complaint: str
) -> None:
    words = "Dear Ms Meier,\n\nthe new top comes.\n\nAna\n"
    arrives(world, own_mail(world, words, To="meier@others.test", In_Reply_To=complaint))
    assert "your mail went to meier@others.test, and not to the customer" in flat(
        world.letters("desk/answer")[-1]
    ).replace("Your", "your")
    ref = world.case().ref
    arrives(
        world,
        own_mail(
            world,
            "We look into it.\n",
            To=world.postbox.address,
            Cc="",
            Subject=f"Re: {ref}",
            Message_ID="<own-3@agents.test>",
        ),
    )
    assert "went to us alone" in flat(world.letters("desk/answer")[-1])
