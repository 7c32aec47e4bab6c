"""What agents are told over real servers: one digest of a morning, one mail of a case and day, and answers that work."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from followupd.domain.letter import Letter, LetterKind, LetterStatus, SendResult
from followupd.domain.mail import Person
from followupd.domain.promise import PromiseState
from tests.journeys.world import World, text_of

WEDNESDAY = datetime(2020, 12, 2, 9, 0, tzinfo=UTC)
REF = re.compile(r"FU-[0-9A-Z]+")


def flat(mail: EmailMessage) -> str:
    return " ".join(text_of(mail).split())


def reminders(world: World) -> list[EmailMessage]:
    return [
        mail
        for mail in world.letters()
        if re.search(r"desk/(?:nudge|escalation|digest)\.", str(mail["X-Followupd-Key"]))
    ]


def complaint(world: World, sender: str, *lines: str) -> str:
    """Let a customer complain and an agent say lines about it; return the case's number."""
    known = {case.ref for case in world.cases()}
    world.customer_writes("My parcel has still not arrived. This is unacceptable.", sender=sender)
    world.agent_tags("complaint")
    [ref] = {case.ref for case in world.cases()} - known
    assert world.says(ref, *lines) == []
    return ref


def test_promises_of_several_cases_that_come_due_today_stand_in_the_digest_and_in_no_mail_of_their_own(
    world: World,
) -> None:
    first = complaint(world, "kim@customers.test", "kept: 1", "promise: ship the kettle by tomorrow")
    second = complaint(world, "lou@customers.test", "kept: 1", "promise: correct the invoice by tomorrow")
    world.passes(WEDNESDAY)
    [digest] = reminders(world)
    assert "ana@agents.test" in str(digest["To"])
    assert "promise 2, “ship the kettle”, is due today at 13:00" in flat(digest)
    assert f"{first}: kept: 2" in flat(digest)
    assert f"{second}: kept: 2" in flat(digest)
    assert "late: 1 until ... because ..." in flat(digest)  # explained once, and not for each promise
    assert flat(digest).index("kept: 2") < flat(digest).index("Due today:")
    world.agent_answers(
        digest, f"{first}: kept: 2", f"{second}: late: 2 until Friday because the printer broke"
    )
    for hour in range(10, 18):
        world.passes(datetime(2020, 12, 2, hour, tzinfo=UTC))
    [_, shown] = reminders(world)  # an agent's reason is read before the customer reads it
    assert "The letter to Kim Doe (delay) leaves on" in flat(shown)
    states = {case.ref: case.promises[1].state for case in world.cases()}
    assert states == {first: PromiseState.KEPT, second: PromiseState.LATE}
    assert all(world.folded(case.ref).told == case.told for case in world.cases())
    assert len(world.letters("delay")) == 1


def test_a_single_promise_has_a_reminder_of_its_own_in_the_morning(world: World) -> None:
    complaint(world, "kim@customers.test", "kept: 1", "promise: ship the kettle by tomorrow")
    for hour in range(11, 18):
        world.passes(datetime(2020, 12, 1, hour, tzinfo=UTC))
    for hour in range(9, 18):
        world.passes(datetime(2020, 12, 2, hour, tzinfo=UTC))
    mails = reminders(world)
    assert all("desk/nudge" in str(mail["X-Followupd-Key"]) for mail in mails)
    assert [mail["Date"].datetime for mail in mails] == [
        datetime(2020, 12, 2, 9, tzinfo=UTC),
    ]
    assert "Was it kept?" in flat(mails[0])


def test_whatever_is_forgotten_nobody_hears_of_a_case_twice_a_day_and_the_lead_reads_the_case_in_brief(
    world: World,
) -> None:
    lines = ("kept: 1", "promise: ship the kettle by Thursday", "impact: you had no tea on Sunday")
    for n, hour in enumerate((10, 11, 13)):
        world.passes(datetime(2020, 12, 1, hour, tzinfo=UTC))
        complaint(world, f"customer{n}@customers.test", *lines)
    for day in range(1, 9):
        for hour in (8, 9, 13, 15, 17):
            world.passes(datetime(2020, 12, 1, hour, 5, tzinfo=UTC) + timedelta(days=day))
    told = Counter(
        (str(mail["To"]), mail["Date"].datetime.date(), ref)
        for mail in reminders(world)
        for ref in set(REF.findall(f"{mail['Subject']} {text_of(mail)}"))
    )
    assert max(told.values()) == 1
    at_once = Counter((str(mail["To"]), mail["Date"].datetime) for mail in reminders(world))
    assert max(at_once.values()) == 1  # several matters of one person stand in one digest, at whatever hour
    assert {to for to, _, _ in told} == {"Ana Reyes <ana@agents.test>", "Lee Park <lee@agents.test>"}
    of_lee = [flat(mail) for mail in reminders(world) if "lee@" in str(mail["To"])]
    assert any(
        "What it means for the customer: you had no tea on Sunday" in text and "Open for" in text
        for text in of_lee
    )
    assert len(reminders(world)) <= 24


def test_a_digest_that_was_refused_is_told_to_the_lead_the_next_morning(world: World) -> None:
    for n in range(2):
        complaint(world, f"customer{n}@customers.test", "kept: 1", "promise: ship the kettle by tomorrow")
    world.passes(world.now + timedelta(minutes=15))  # the confirmations have left
    world.smtp.plan("rcpt", "550 5.1.1 nobody of that name")
    world.passes(WEDNESDAY)
    assert reminders(world) == []
    world.passes(WEDNESDAY + timedelta(days=1))
    told = [flat(mail) for mail in reminders(world) if "lee@agents.test" in str(mail["To"])]
    assert any("The last digest to ana@agents.test could not be delivered" in text for text in told)


def test_a_mail_to_the_lead_that_is_refused_for_good_is_told_to_the_next_above(
    make_world: Callable[..., World],
) -> None:
    manager = """
[[agent]]
id = "max"
name = "Max Ode"
email = "max@agents.test"
phone = "+44 20 7123 4021"
role = "manager"
"""
    world = make_world(more=manager)
    refuse_mails_to(world, "lee@agents.test")
    tell_the_lead(world)
    world.passes()
    world.passes(world.now + timedelta(minutes=1))
    [told] = [mail for mail in world.letters() if "max@agents.test" in str(mail["To"])]
    assert "mails to lee@agents.test are refused for good" in flat(told).lower()
    world.passes(world.now + timedelta(hours=2))
    assert len([mail for mail in world.letters() if "max@agents.test" in str(mail["To"])]) == 1


def test_where_leads_and_managers_are_out_the_administrator_is_told(make_world: Callable[..., World]) -> None:
    world = make_world(more='[gift_cards]\nadmin = "it@agents.test"\n')
    refuse_mails_to(world, "lee@agents.test", "ana@agents.test")
    tell_the_lead(world)
    world.passes()
    world.passes(world.now + timedelta(minutes=1))
    [told] = [mail for mail in world.letters() if "it@agents.test" in str(mail["To"])]
    assert "mails to lee@agents.test are refused for good" in flat(told).lower()


def tell_the_lead(world: World) -> None:
    assert world.app.notices.reload_refused(["followupd.toml: a problem"], world.now)


def refuse_mails_to(world: World, *addresses: str) -> None:
    """Let mails to these addresses have been refused already, as a server's answers to earlier ones."""
    for address in addresses:
        letter = Letter(
            key=f"FU-7K3Q9.desk/escalation.{address}",
            case="",
            kind=LetterKind.ESCALATION,
            mailbox="support",
            sender=Person(world.postbox.address),
            to=Person(address),
            subject="A case",
            text="Look.",
            html="",
            message_id=f"<{address}>",
        )
        with world.app.ledger.transaction() as tx:
            tx.outbox.queue(letter, world.now)
            tx.outbox.claim({letter.key}, world.now)
            tx.outbox.record_results([SendResult(letter.key, LetterStatus.REFUSED, "550 nobody")], world.now)


def test_a_customer_whose_money_waits_for_an_approval_hears_from_us_and_the_lead_is_asked_each_morning(
    world: World,
) -> None:
    """The follow-up waits for the lead's word; the customer waits for neither in silence."""
    ref = complaint(world, "kim@customers.test")
    world.passes(world.now + timedelta(minutes=15))
    facts = (
        "cause: our label printer failed",
        "resolution: a new parcel went out by express",
        "prevention: we check every label now",
        "fault: ours",
    )
    world.says(ref, "kept: 1", "refund: 89.00", *facts, "fixed")
    for day in range(2, 12):
        world.passes(datetime(2020, 12, day, 11, tzinfo=UTC))
    assert world.letters("follow-up") == []
    [holding] = world.letters("holding")
    assert "I am sorry that you are still waiting for word from us" in flat(holding)
    asked = [
        mail for mail in reminders(world) if "lee@" in str(mail["To"]) and "waits for your word" in flat(mail)
    ]
    assert len(asked) >= 5
    assert f"{ref}: approve" in flat(asked[0])

    world.agent_answers(asked[-1], f"{ref}: approve", sender="lee@agents.test")
    world.says(ref, "issued: 1")
    world.passes(datetime(2020, 12, 15, 11, tzinfo=UTC))
    assert len(world.letters("follow-up")) == 1
