"""What the machine alone hears, suspects and leaves alone; agents decide in one mail a day, and their word teaches it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from followupd.adapters.settings import load
from followupd.app.container import build
from followupd.cli.main import main
from followupd.domain.case import Stage
from followupd.domain.keys import StateKey
from followupd.domain.mail import Identity
from followupd.text.mail import read as listen
from tests.journeys.world import World, text_of

PARCEL = (
    "My parcel has still not arrived after three weeks and nobody answers my mails. I am very disappointed, this is "
    "unacceptable."
)
QUESTION = "I have still not received my order yet, please look into it."
DISAPPOINTED = "The handle of the kettle is disappointing."
GRAVE = (
    "This is the third time that the kettle you sent me is broken, and nobody answers. I want my money back, or I "
    "will contact my lawyer. You lied to me, I want to speak to your manager!"
)
THANKS = "Thank you so much, the parcel arrived and everything is great. Best service ever!"
#: Wednesday at the house's opening
MORNING = datetime(2020, 12, 2, 9, 1, tzinfo=UTC)


def digests(world: World) -> list[EmailMessage]:
    return [mail for mail in world.letters() if str(mail["X-Followupd-Key"]).startswith("desk/digest.")]


def to_customers(world: World) -> list[EmailMessage]:
    return [mail for mail in world.letters() if "@agents.test" not in str(mail["To"])]


def test_a_clear_complaint_is_confirmed_without_a_person_and_admits_no_fault(world: World) -> None:
    world.customer_writes(PARCEL)
    case = world.case()
    assert case.by_machine
    assert case.stage is Stage.PROMISED
    [opened] = world.letters("desk/opened")
    assert "strongest first" not in text_of(opened)  # that is told where an agent decides
    world.passes(world.now + timedelta(minutes=11))
    [letter] = to_customers(world)
    assert "sorry for the trouble" in text_of(letter)
    assert "mistake" not in text_of(letter)
    assert "our part" not in text_of(letter)
    assert letter["Auto-Submitted"] == "auto-replied"
    assert "dismiss" in text_of(opened)
    world.agent_answers(opened, "complaint")
    assert not world.case().by_machine
    assert len(to_customers(world)) == 1


def test_what_the_machine_took_for_a_complaint_is_dismissed_before_any_letter(world: World) -> None:
    world.customer_writes(PARCEL)
    [opened] = world.letters("desk/opened")
    world.agent_answers(opened, "dismiss")
    assert world.case().stage is Stage.DISMISSED
    world.passes(world.now + timedelta(minutes=11))
    assert to_customers(world) == []


def test_the_words_for_and_against_stand_in_the_case_strongest_first(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.customer_writes(f"{PARCEL} Nobody answers my mails, could you call me?")
    assert main(["case", world.case().ref, "--config", str(world.directory)]) == 0
    [_, evidence] = capsys.readouterr().out.split("\nEvidence\n")
    [_, *rows] = evidence.split("\n\n")[0].splitlines()
    weights = [float(row.split()[0]) for row in rows]
    assert weights == sorted(weights, key=abs, reverse=True)
    assert min(weights) < 0 < max(weights)


def test_a_suspicion_waits_in_the_digest_and_the_customer_hears_nothing(world: World) -> None:
    world.customer_writes(QUESTION, subject="My order")
    case = world.case()
    assert case.stage is Stage.SUSPECTED
    assert "fu-suspected" in world.postbox.flags(world.postbox.uids()[-1])
    assert world.letters() == []
    world.passes(MORNING)
    [digest] = digests(world)
    assert "ana@agents.test" in str(digest["To"])
    said = " ".join(text_of(digest).split())
    assert f"{case.ref}, Kim Doe, 1 day ago: My order" in said
    assert "I have still not received my order yet" in said
    world.passes(MORNING + timedelta(hours=3))
    assert len(digests(world)) == 1
    world.agent_answers(digest, "Hi,", f"{case.ref}: complaint")
    assert world.case().stage is Stage.PROMISED
    assert not world.case().by_machine
    world.passes(world.now + timedelta(minutes=11))
    assert len(to_customers(world)) == 1
    world.passes(MORNING + timedelta(days=1))
    assert len(digests(world)) == 1


def test_a_mail_in_a_language_that_nobody_here_knows_is_listed_in_the_digest(world: World) -> None:
    world.passes(world.now + timedelta(minutes=5))  # today's digests are written
    world.customer_writes("Spedite anche in Svizzera, e quanto costa la spedizione?", "Una domanda")
    assert world.letters() == []
    world.passes(MORNING)
    [digest] = digests(world)
    assert "unknown here: Una domanda, from kim@" in " ".join(text_of(digest).split())
    world.passes(MORNING + timedelta(days=1))
    assert len(digests(world)) == 1


def test_a_digest_is_answered_by_agents_and_only_about_its_cases(world: World) -> None:
    world.customer_writes(QUESTION, subject="My order")
    world.customer_writes(
        "The parcel was left in the rain and the box is wet.", subject="Wet", sender="lou@customers.test"
    )
    first, second = (case.ref for case in world.cases())
    world.passes(MORNING)
    [digest] = digests(world)
    world.agent_answers(digest, f"{first}: complaint", sender="mallory@elsewhere.test")
    assert {case.stage for case in world.cases()} == {Stage.SUSPECTED}
    world.agent_answers(
        digest, f"{first} dismiss", "FU-ZZZZZ: complaint", f"{second}: complian", f"{second}:"
    )
    stages = {case.ref: case.stage for case in world.cases()}
    assert stages == {first: Stage.DISMISSED, second: Stage.SUSPECTED}
    [_, answer] = digests(world)
    said = " ".join(text_of(answer).split())
    assert f"These are done: - {first}: dismiss" in said
    assert "'FU-ZZZZZ: complaint' names no case of that digest" in said
    assert f"{second}: 'complian' is not a line I know" in said


def test_strong_words_do_not_wait_for_the_digest(world: World) -> None:
    world.customer_writes(DISAPPOINTED, subject="Order")
    [asked] = world.letters("desk/opened")
    assert "A complaint?" in str(asked["Subject"])
    assert "disappointing" in text_of(asked)
    assert to_customers(world) == []
    world.agent_answers(asked, "complaint")
    case = world.case()
    assert case.stage is Stage.PROMISED
    assert len(case.promises) == 1
    assert len(world.letters("desk/opened")) == 2
    world.passes(world.now + timedelta(minutes=11))
    assert len(to_customers(world)) == 1


def test_the_tag_not_complaint_dismisses(world: World) -> None:
    world.customer_writes(QUESTION, subject="My order")
    world.agent_tags("not-complaint")
    assert world.case().stage is Stage.DISMISSED
    world.passes(MORNING)
    assert world.letters() == []


def test_a_dismissed_customer_who_then_complains_is_heard(world: World) -> None:
    first = world.customer_writes(QUESTION, subject="My order")
    world.agent_tags("not-complaint")
    mail = EmailMessage()
    mail["Message-ID"] = first
    world.customer_writes(GRAVE, subject="Re: My order", answering=mail)
    assert world.case().stage is Stage.PROMISED


def test_thanks_newsletters_and_robots_get_nothing(world: World) -> None:
    world.customer_writes(THANKS, subject="Thanks")
    news = "Our autumn sale has begun: 20 % on all teapots, this week only. To unsubscribe, click here."
    world.customer_writes(
        news, subject="Our news", sender="news@shop.test", List_Unsubscribe="<mailto:out@shop.test>"
    )
    world.customer_writes(
        PARCEL, subject="Out of office", sender="max@away.test", Auto_Submitted="auto-replied"
    )
    world.passes(MORNING)
    assert world.cases() == []
    assert world.letters() == []


def test_a_complaint_with_the_signs_of_a_newsletter_is_shown_and_not_answered(world: World) -> None:
    world.customer_writes(PARCEL, sender="kim@fastmail.test", List_Unsubscribe="<mailto:out@fastmail.test>")
    world.passes(MORNING)
    assert world.case().customer.address == "kim@fastmail.test"
    assert [mail for mail in world.letters() if "kim@fastmail.test" in str(mail["To"])] == []


def test_a_grave_case_is_told_to_the_lead_at_once_and_its_history_says_why(world: World) -> None:
    world.customer_writes(GRAVE, subject="Terrible")
    case = world.case()
    assert case.severity == "high"
    [told] = world.letters("desk/escalation")
    assert "lee@agents.test" in str(told["To"])
    assert "high severity" in text_of(told)
    with world.app.ledger.transaction() as tx:
        first = tx.cases.history(case.ref)[0]
    assert "[high: the law is named" in first.why
    world.passes(MORNING)
    assert len(world.letters("desk/escalation")) == 1


def test_a_playbook_says_otherwise_for_grave_cases(make_world: Callable[..., World]) -> None:
    playbook = """
name = "default"
owner = "ana"
[severity.high]
tell = ""
silence = "3 business hours"
"""
    world = make_world(playbook=playbook)
    world.customer_writes(GRAVE, subject="Terrible")
    assert world.letters("desk/escalation") == []
    world.passes(world.now + timedelta(hours=4))
    [nudge] = world.letters("desk/nudge")
    assert "no word from us" in text_of(nudge)


def test_an_important_customer_and_a_large_sum_make_a_case_grave_and_the_lead_hears(
    make_world: Callable[..., World],
) -> None:
    world = make_world(more='\n[recognise]\nvip = ["important.test"]\nlarge = "80"\n')
    world.customer_writes(PARCEL)
    assert world.case().severity == "normal"
    assert world.letters("desk/escalation") == []
    world.customer_writes(f"{PARCEL} I am out of 95.50 EUR and want a refund.", sender="lou@customers.test")
    world.customer_writes(f"{PARCEL} Again.", sender="max@mail.important.test")
    told = " ".join(text_of(mail) for mail in world.letters("desk/escalation"))
    grave = {case.customer.address: case for case in world.cases() if case.severity == "high"}
    assert set(grave) == {"lou@customers.test", "max@mail.important.test"}
    assert all(case.ref in told for case in grave.values())
    with world.app.ledger.transaction() as tx:
        why = {address: tx.cases.history(case.ref)[0].why for address, case in grave.items()}
    assert "[high: much money is at stake" in why["lou@customers.test"]
    assert "[high: a customer marked as important" in why["max@mail.important.test"]


def test_a_second_case_of_a_customer_with_an_open_one_says_so(world: World) -> None:
    world.customer_writes(PARCEL)
    world.customer_writes("The lamp is broken. I am very disappointed.", subject="Another order: a lamp")
    second = next(case for case in world.cases() if "lamp" in case.subject)
    with world.app.ledger.transaction() as tx:
        assert "there is an open case of this customer" in tx.cases.history(second.ref)[0].why


def test_several_matters_of_one_person_stand_in_one_digest_and_a_single_one_in_none(world: World) -> None:
    world.customer_writes(PARCEL)
    world.says(world.case().ref, "hold")
    world.passes(MORNING)
    assert digests(world) == []
    world.customer_writes(PARCEL, sender="lou@customers.test")
    [second] = [case for case in world.cases() if not case.held]
    world.says(second.ref, "hold")
    world.passes(datetime(2020, 12, 3, 9, 1, tzinfo=UTC))
    [digest] = digests(world)
    said = " ".join(text_of(digest).split())
    assert said.count("it is held") == 2
    assert "the customer has had no word from us yet" in said
    world.passes(datetime(2020, 12, 5, 9, 1, tzinfo=UTC))
    assert len(digests(world)) == 1  # a Saturday


def test_sixty_decisions_teach_the_recogniser_and_the_lead_hears_of_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    decided(world, 20)
    run = ["learn", "--json", "--config", str(world.directory)]
    view = learnt(run, capsys)
    assert (view["decisions"], view["learned"], view["missing"]) == (20, False, 30)
    decided(world, 40, start=20)
    before = judged(world)
    assert learnt([*run, "--dry-run"], capsys)["learned"] is False
    world.app.training.refresh()
    assert judged(world) == before
    world.now += timedelta(minutes=1)
    view = learnt(run, capsys)
    assert view["decisions"] == 60
    assert view["learned"]
    assert view["up"]
    assert view["precision"] == 1.0
    world.app.training.refresh()  # as a running daemon does every minute
    assert judged(world) > before
    with world.app.ledger.transaction() as tx:
        row = tx.state.get(StateKey.TRAINING)
    assert row
    assert "sprocket" not in json.dumps(row[0])


def test_the_house_learns_by_itself_once_a_week_and_tells_the_lead_and_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    decided(world, 60)
    caplog.set_level("INFO")
    before = judged(world)  # an attempt was made at the first opening, with nothing to learn from
    for day in range(1, 8):
        world.passes(datetime(2020, 12, 1 + day, 10, 1, tzinfo=UTC))
    assert judged(world) > before
    told = [
        text
        for mail in digests(world)
        if "lee@agents.test" in str(mail["To"]) and "learnt" in (text := text_of(mail))
    ]
    assert len(told) == 1
    assert [line for line in caplog.messages if line.startswith("classifier-retrained decisions=60 ")]
    assert "The recogniser learnt from 60 decisions; more of a complaint now: " in " ".join(told[0].split())
    assert not any(
        "learnt" in text_of(mail) for mail in digests(world) if "ana@agents.test" in str(mail["To"])
    )


def learnt(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert main(arguments) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def judged(world: World) -> float:
    message = listen.read_plain("Sprocket", "The sprocket wobbles and the flange squeaks.", {}, Identity())
    return world.app.router.classifier.verdict(message).score


def decided(world: World, count: int, start: int = 0) -> None:
    """Let customers write, and agents decide, by tags: in this trade a wobbling sprocket is a complaint."""
    for n in range(start, start + count):
        wrong = n % 2 == 0
        mail = EmailMessage()
        mail["From"], mail["To"] = f"customer{n}@customers.test", world.postbox.address
        mail["Subject"], mail["Message-ID"] = f"Order {n}", f"<learn-{n}@customers.test>"
        mail.set_content(
            f"Order {n}: the sprocket wobbles, and the flange squeaks a little."
            if wrong
            else f"Order {n}: which sprocket fits the long shaft, and is there a price list?"
        )
        world.postbox.append(mail.as_bytes(), flags=("complaint" if wrong else "not-complaint",))
    world.passes()


def test_a_house_that_starts_anew_sends_no_digest_a_second_time(world: World) -> None:
    world.customer_writes(QUESTION, subject="My order")
    world.passes(MORNING)
    assert len(digests(world)) == 1
    world.app = build(load(world.directory))
    world.passes(MORNING + timedelta(hours=1))
    assert len(digests(world)) == 1
    world.passes(MORNING + timedelta(days=1))
    assert len(digests(world)) == 2  # nobody has decided yet


def test_a_letter_that_waits_for_the_morning_does_not_leave_once_the_case_is_dismissed(world: World) -> None:
    world.passes(datetime(2020, 12, 1, 21, 0, tzinfo=UTC))
    world.customer_writes(PARCEL)
    world.passes(datetime(2020, 12, 1, 21, 15, tzinfo=UTC))
    [opened] = world.letters("desk/opened")
    world.agent_answers(opened, "dismiss")
    world.passes(MORNING)
    assert to_customers(world) == []
