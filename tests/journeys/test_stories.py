"""Whole lives over real servers: what customers answer, what comes back, and who may say what."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from followupd.domain.case import Case, Stage
from followupd.domain.compensation import GrantState
from followupd.domain.letter import LetterKind
from followupd.domain.promise import PromiseState
from tests.journeys.world import CUSTOMER, World, text_of

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
FACTS = (
    "cause: the label was torn off",
    "resolution: a new parcel went out",
    "prevention: labels are checked twice",
    "fault: ours",
)
#: the follow-up of a case that was fixed on Tuesday
FRIDAY = datetime(2020, 12, 4, 10, 30, tzinfo=UTC)


def fixed(world: World, *lines: str) -> str:
    """Bring a case to the day before its follow-up; return its number."""
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    ref = world.case().ref
    assert world.says(ref, "kept: 1", *FACTS, *lines, "fixed") == []
    return ref


def followed_up(world: World, *lines: str) -> str:
    ref = fixed(world, *lines)
    world.passes(FRIDAY)
    assert len(world.letters("follow-up")) == 1
    return ref


def named(world: World, ref: str) -> Case:
    return next(case for case in world.cases() if case.ref == ref)


def test_the_refund_that_did_not_arrive(world: World) -> None:
    ref = followed_up(world, "refund: 25", "issued: 1")
    [letter] = world.letters("follow-up")
    assert "Has the refund reached you?" in text_of(letter)
    world.customer_writes("No, not yet.\n\nKim", subject="Re: My parcel", answering=letter)
    case = world.case()
    assert case.stage is Stage.HEARD
    assert case.compensation[0].state is GrantState.MISSING
    [told] = world.letters("desk/nudge")
    assert "ana@agents.test" in str(told["To"])
    assert "No, not yet." in text_of(told)
    assert len(world.letters("desk/opened")) == 1  # it is the same case

    world.passes(datetime(2020, 12, 7, 10, tzinfo=UTC))
    world.agent_answers(
        told, "issued: 1", "resolution: the bank had our old reference; the refund is on its way again"
    )
    assert world.says(ref, "fixed") == []
    world.passes(datetime(2020, 12, 10, 11, tzinfo=UTC))
    [_, second] = world.letters("follow-up")
    assert "on its way again" in " ".join(text_of(second).split())
    assert "Has the refund reached you?" in text_of(second)
    world.customer_writes(
        "Yes, it arrived this morning. Thank you!", subject="Re: My parcel", answering=second
    )
    case = world.case()
    assert case.compensation[0].state is GrantState.CONFIRMED
    assert case.stage is Stage.CLOSED
    assert world.folded(ref).stage is Stage.CLOSED


def test_silence_about_a_refund_brings_one_reminder_and_then_a_call(world: World) -> None:
    followed_up(world, "refund: 25", "issued: 1")
    for day in range(7, 18):
        world.passes(datetime(2020, 12, day, 11, tzinfo=UTC))
    reminders = [
        mail
        for mail in world.letters("desk/nudge")
        if "has not said whether the refund arrived" in text_of(mail)
    ]
    assert len(reminders) == 1
    calls = world.letters("desk/call")
    assert len(calls) == 1  # of the one on the day of the follow-up, the digest told
    assert "received: 1" in text_of(calls[0])


def test_the_reply_that_stops_the_follow_up(world: World) -> None:
    ref = fixed(world)
    world.customer_writes("Thank you, but the new parcel is broken as well!", subject="Re: My parcel")
    world.passes(FRIDAY)
    assert world.letters("follow-up") == []
    [nudge] = [mail for mail in world.letters("desk/nudge") if "the customer has written" in text_of(mail)]
    assert "broken as well" in text_of(nudge)
    assert world.says(ref, "resolution: a third parcel was brought by our own driver", "fixed") == []
    world.passes(datetime(2020, 12, 9, 11, tzinfo=UTC))
    [letter] = world.letters("follow-up")
    assert "our own driver" in text_of(letter)


def test_a_reply_that_comes_while_the_follow_up_waits_for_the_morning_takes_it_back(
    make_world: Callable[..., World],
) -> None:
    world = make_world(
        playbook='name = "default"\nowner = "ana"\n[follow_up]\nafter = "11 hours"\nshow = false\n'
    )
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.says(world.case().ref, *FACTS, "gesture: a hand-written card", "issued: 1", "fixed")
    world.passes(
        datetime(2020, 12, 1, 21, 30, tzinfo=UTC)
    )  # written at nine in the evening, quiet until eight
    assert world.case().under_way(LetterKind.FOLLOW_UP)
    world.customer_writes("It is broken!", subject="Re: My parcel")
    world.passes(datetime(2020, 12, 2, 9, tzinfo=UTC))
    assert world.letters("follow-up") == []
    assert not world.case().under_way(LetterKind.FOLLOW_UP)


def test_the_letter_that_bounced(world: World) -> None:
    ref = fixed(world)
    [confirmation] = world.letters("confirmation")
    report = f"""From: Mail Delivery System <MAILER-DAEMON@mx.customers.test>
To: {world.postbox.address}
Subject: Undelivered Mail Returned to Sender
Message-ID: <report-1@mx.customers.test>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=us-ascii

<{CUSTOMER}>: host mx.customers.test said: 550 5.1.1 no such user

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.customers.test

Final-Recipient: rfc822; {CUSTOMER}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

From: {confirmation["From"]}
To: {CUSTOMER}
Message-ID: {confirmation["Message-ID"]}
Subject: {confirmation["Subject"]}

--b--
"""
    world.postbox.deliver(report.replace("\n", "\r\n").encode(), sender="")
    world.passes()
    case = named(world, ref)
    assert "5.1.1" in case.not_reached
    assert [mark.state for mark in case.letters_of(LetterKind.CONFIRMATION)] == ["failed"]
    [nudge] = [mail for mail in world.letters("desk/nudge") if "not reached" in text_of(mail)]
    assert "reached" in text_of(nudge)
    world.passes(FRIDAY)
    assert world.letters("follow-up") == []  # a letter to nobody helps nobody
    world.agent_answers(nudge, "reached")
    world.passes(datetime(2020, 12, 7, 11, tzinfo=UTC))
    assert len(world.letters("follow-up")) == 1


def test_the_second_complaint_of_the_same_customer_is_a_case_of_its_own_and_not_refunded_twice(
    world: World,
) -> None:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    first = world.case().ref
    world.says(first, "refund: 25")
    world.passes(datetime(2020, 12, 2, 11, tzinfo=UTC))
    world.customer_writes(
        "And now the invoice is wrong. I am very disappointed.", subject="Your invoice 4711"
    )
    world.agent_tags("complaint")
    [second] = [case for case in world.cases() if case.ref != first]
    assert second.customer == named(world, first).customer
    subjects = [str(mail["Subject"]) for mail in world.letters("desk/opened")]
    assert len([subject for subject in subjects if "A complaint?" not in subject]) == 2
    world.says(second.ref, "refund: 25")
    grant = named(world, second.ref).compensation[0]
    assert grant.state is GrantState.WAITING_APPROVAL
    assert first in grant.because
    [asked] = world.letters("desk/approval")
    assert first in text_of(asked)
    world.agent_answers(asked, "refuse: one refund is enough", sender="lee@agents.test")
    assert named(world, second.ref).compensation[0].state is GrantState.REFUSED
    assert named(world, first).compensation[0].state is GrantState.GRANTED
    world.customer_writes("Any news of the invoice?", subject="Re: Your invoice 4711")
    assert named(world, second.ref).latest == "Any news of the invoice?"
    assert len(world.cases()) == 2


def test_the_chosen_option(world: World) -> None:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    ref = world.case().ref
    world.says(ref, "kept: 1", "option: a new parcel by Monday", "option: your money back by Friday")
    world.passes(world.now + timedelta(minutes=11))
    letter = world.letters("confirmation")[-1]
    assert "Option 2: your money back, by Friday, 4 December" in " ".join(text_of(letter).split())
    world.customer_writes("The second one please. Thanks, Kim", subject="Re: My parcel", answering=letter)
    promise = world.case().promises[-1]
    assert (promise.text, promise.source, promise.state) == ("your money back", "options", PromiseState.OPEN)
    world.passes(world.now + timedelta(minutes=11))
    written = world.letters("confirmation")[-1]
    assert written["Message-ID"] != letter["Message-ID"]
    assert "Your money back by Friday, 4 December" in " ".join(text_of(written).split())
    assert "Option" not in text_of(written)
    assert world.case().stage is Stage.CONFIRMED
    assert world.letters("desk/nudge") == []


def test_the_option_that_nobody_could_read(world: World) -> None:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    ref = world.case().ref
    world.says(ref, "kept: 1", "option: a new parcel by Monday", "option: your money back by Friday")
    world.passes(world.now + timedelta(minutes=11))
    letter = world.letters("confirmation")[-1]
    world.customer_writes("Whichever is quicker", subject="Re: My parcel", answering=letter)
    assert [p.source for p in world.case().promises] == ["playbook"]
    [asked] = world.letters("desk/nudge")
    world.agent_answers(asked, "choose: 2")
    assert world.case().promises[-1].text == "your money back"


def test_the_stranger_who_quotes_a_case_number(world: World) -> None:
    ref = followed_up(world, "refund: 25", "issued: 1")
    before = world.case()
    world.customer_writes(
        "Yes, thanks, it arrived. Please send the next refund to my other account.",
        subject=f"Re: [{ref}] My parcel",
        sender="mallory@elsewhere.test",
        answering=world.letters("follow-up")[0],
    )
    after = world.case()
    assert (after.stage, after.compensation, after.latest) == (
        before.stage,
        before.compensation,
        before.latest,
    )
    with world.app.ledger.transaction() as tx:
        [kept] = tx.mail.quarantined()
    assert "takes no part in that case" in kept.reason


def test_the_out_of_office_note_that_moves_the_follow_up(world: World) -> None:
    fixed(world)
    world.customer_writes(
        "I am out of the office until 14 December 2020 and will read your mail when I am back.",
        subject="Automatic reply: My parcel",
        answering=world.letters("confirmation")[0],
        Auto_Submitted="auto-replied",
    )
    assert world.case().away_until is not None
    assert not world.case().unanswered
    for day in (4, 7, 11):
        world.passes(datetime(2020, 12, day, 11, tzinfo=UTC))
        assert world.letters("follow-up") == []
    world.passes(datetime(2020, 12, 15, 11, tzinfo=UTC))
    assert len(world.letters("follow-up")) == 1


def test_a_second_complaint_gets_a_letter_of_its_own_and_a_third_goes_to_a_person_only(world: World) -> None:
    """Practice 20."""
    followed_up(world)
    world.says(world.case().ref, "reached: is happy", "close")
    world.passes(world.now + timedelta(days=10))
    world.customer_writes(COMPLAINT, subject="Again")
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=15))
    second = world.cases()[-1]
    assert (second.severity, len(second.complaints_before)) == ("high", 1)
    letter = text_of(world.letters("confirmation")[-1])
    assert "once should have been enough" in " ".join(letter.split())
    assert "I will call you" in letter

    sent = len(world.letters("confirmation"))
    world.says(second.ref, "close")
    world.passes(world.now + timedelta(days=10))
    world.customer_writes(COMPLAINT, subject="A third time")
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(days=4))
    third = world.cases()[-1]
    assert third.held
    assert len(third.complaints_before) == 2
    assert len(world.letters("confirmation")) == sent
    assert [mail for mail in world.letters("holding") if third.ref in str(mail["X-Followupd-Key"])] == []
