"""What an agent says, on its way from a mail to the customer's letter: nothing is changed, and nothing is passed over."""

import email.policy
import json
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from followupd.cli.main import main
from followupd.domain.case import Stage
from followupd.domain.compensation import GrantState
from followupd.domain.events import Remarked
from tests.journeys.world import World, text_of

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
REVIEW = """
name = "default"
owner = "ana"
[[next_step]]
text = "I will find out what happened"
within = "2 business days"
[confirmation]
after = "10 minutes"
review = true
"""
CAUSE = "The label showed 12 High St - the address of an earlier customer"
DONE = "We sent a new one by courier - it was handed over on the 4. of December"


def answers(world: World) -> list[EmailMessage]:
    return world.letters("desk/answer")


def unasked(world: World) -> list[EmailMessage]:
    """Return the desk mails that belong to no case."""
    return [mail for mail in world.letters() if str(mail["X-Followupd-Key"]).startswith("desk/digest")]


def flat(mail: EmailMessage) -> str:
    return " ".join(text_of(mail).split())


@pytest.fixture
def opened(world: World) -> EmailMessage:
    """The desk mail about a tagged complaint, after its confirmation has left."""
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    [desk] = world.letters("desk/opened")
    return desk


def writes(world: World, subject: str, text: str, sender: str = "ana@agents.test", **headers: str) -> None:
    """Deliver a new mail of an agent, which answers nothing."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, world.postbox.address, subject
    mail["Message-ID"] = f"<new-{len(text)}-{abs(hash(subject))}@agents.test>"
    mail["Date"] = world.now
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    world.postbox.deliver(mail.as_bytes(policy=email.policy.SMTP), sender=sender)
    world.passes()


def test_the_customer_reads_what_the_agent_wrote(world: World, opened: EmailMessage) -> None:
    world.agent_answers(
        opened,
        "kept",
        "Fixed.",
        f"Cause - {CAUSE}",
        f"*Resolution:* {DONE}",
        "prevention: Labels now come from the order itself - never from the last one",
        "fault: ours",
        "promise: Send a new lid - by 4. December - to your neighbour by Friday",
    )
    facts = world.case().facts
    assert (facts.cause, facts.resolution) == (CAUSE, DONE)
    world.says(world.case().ref, "kept")
    world.passes(world.now + timedelta(days=8))
    [letter] = world.letters("follow-up")
    assert f"{CAUSE}." in flat(letter)
    assert f"{DONE}." in flat(letter)


def test_ok_answers_the_one_question_of_an_approval(make_world: Callable[..., World]) -> None:
    world = make_world(playbook=REVIEW)
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    [asked] = world.letters("desk/approval")
    world.agent_answers(asked, "ok but please change the date first")
    assert "expected 'approve' or 'refuse: why'" in flat(answers(world)[0])
    world.agent_answers(asked, "OK", "", "Ana")
    assert world.case().stage is Stage.CONFIRMED
    assert len(answers(world)) == 1


def test_a_note_without_an_order_is_answered_once_and_a_robot_never(
    world: World, opened: EmailMessage
) -> None:
    for lines in ((), ("Thanks!",), ("ok",)):
        before = len(answers(world))
        world.agent_answers(opened, *lines)
        assert len(answers(world)) == before + 1, lines
    writes(world, f"Re: {opened['Subject']}", "I am away.", Auto_Submitted="auto-replied")
    assert len(answers(world)) == 3


def test_free_words_are_kept_in_the_history_and_what_sounds_like_a_promise_is_asked_about(
    world: World, opened: EmailMessage
) -> None:
    world.agent_answers(opened, "I talked to her  -  she is furious", "kept: 1")
    assert answers(world) == []
    [remark] = [event for event in world.history(world.case().ref) if isinstance(event, Remarked)]
    assert (remark.text, remark.by) == ("I talked to her  -  she is furious", "Ana Reyes")
    world.agent_answers(opened, "I promised her that I will send a new blender by Friday")
    [asked] = answers(world)
    assert "sounds like a promise" in flat(asked)
    assert "promise: " in text_of(asked)
    assert len(world.case().promises) == 1
    world.agent_answers(opened, "I promised her to send a new blender by Friday")
    assert "sounds like a promise" in flat(answers(world)[-1])


@pytest.mark.parametrize(
    ("words", "line", "said"),
    [
        ("please put this one on hold until Friday, she is travelling", "hold: until Friday", "yes"),
        ("stell das bitte bis Freitag zurück", "hold: bis Freitag", "ja"),
        ("tu peux le mettre en attente jusqu'à vendredi ?", "hold: jusqu'à vendredi", "oui"),
        ("ponlo en espera hasta el viernes", "hold: hasta el viernes", "sí"),
    ],
)
def test_a_sentence_that_asks_for_an_order_is_answered_with_the_line_and_done_after_a_yes(
    world: World, opened: EmailMessage, words: str, line: str, said: str
) -> None:
    world.agent_answers(opened, words)
    assert not world.case().held
    [asked] = answers(world)
    assert "sounds like an order" in flat(asked)
    assert line in text_of(asked).splitlines()
    [remark] = [event for event in world.history(world.case().ref) if isinstance(event, Remarked)]
    assert remark.text == words
    world.agent_answers(asked, "thanks")
    assert not world.case().held
    world.agent_answers(asked, said)
    assert world.case().held


def test_orders_of_one_line_are_done_together_or_not_at_all(world: World, opened: EmailMessage) -> None:
    world.agent_answers(opened, "refund: 25 EUR, kept: 9")
    assert world.case().compensation == ()
    assert "'refund: 25 EUR, kept: 9'" in flat(answers(world)[0]) or "kept: 9" in flat(answers(world)[0])
    world.agent_answers(opened, "refund: 25 EUR, gift card: 20 EUR")
    assert [str(grant.money and grant.money.amount) for grant in world.case().compensation] == [
        "25.00",
        "20.00",
    ]


def test_a_colleague_is_obeyed_and_the_owner_hears_of_it(world: World, opened: EmailMessage) -> None:
    world.agent_answers(opened, "kept: 1", sender="lee@agents.test")
    assert not world.case().owed
    [told] = answers(world)
    assert told["To"] == "Ana Reyes <ana@agents.test>"
    assert "Lee Park has answered about your case" in flat(told)
    assert "kept: 1" in flat(told)


def test_a_new_mail_that_names_a_case_is_answered_and_done_only_where_its_sender_is_proved(
    world: World, opened: EmailMessage
) -> None:
    ref = world.case().ref
    writes(world, f"[{ref}]", "kept: 1")
    assert world.case().owed
    [asked] = answers(world)
    assert "answers none of ours" in flat(asked)
    assert "kept: 1" in text_of(asked).splitlines()
    world.agent_answers(asked, "kept: 1")
    assert not world.case().owed


def test_an_order_beside_a_look_up_needs_the_proof_of_the_sender_too(
    world: World, opened: EmailMessage
) -> None:
    writes(world, f"[{world.case().ref}]", "show\nkept: 1")
    assert world.case().owed
    [asked] = answers(world)
    assert "answers none of ours" in flat(asked)


def test_help_show_and_today_are_answered_by_mail(world: World, opened: EmailMessage) -> None:
    ref = world.case().ref
    world.agent_answers(opened, "note: she rang - twice", "show")
    [shown] = answers(world)
    assert "she rang - twice" in flat(shown)
    assert "What you asked for" in str(shown["Subject"])

    writes(world, "hello", "show kim@customers.test")
    [found] = [mail for mail in unasked(world) if ref in text_of(mail)]
    assert "Kim Doe" in text_of(found)

    writes(world, "help", "")
    page = flat(unasked(world)[-1])
    assert "late: 1 until Tuesday because the courier did not come" in page
    world.agent_answers(opened, "today")
    assert ref in flat(answers(world)[-1])
    assert world.case().stage is Stage.CONFIRMED


def test_a_hold_ends_on_its_day(world: World, opened: EmailMessage) -> None:
    world.agent_answers(opened, "Hold until Friday.")
    assert world.case().held
    world.passes(world.now + timedelta(days=2))
    assert world.case().held
    world.passes(world.now + timedelta(days=1))
    assert not world.case().held
    assert answers(world) == []


def test_every_desk_mail_names_further_words(world: World, opened: EmailMessage) -> None:
    assert "Other words: promise, kept, refund, fixed, hold, owner, note, show, help." in flat(opened)


def test_tell_reads_a_whole_answer_and_changes_nothing_in_a_dry_run(
    world: World, opened: EmailMessage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "Ana Reyes <ana@agents.test>",
        world.postbox.address,
        "Re: case",
    )
    mail["In-Reply-To"], mail["Date"] = str(opened["Message-ID"]), world.now
    quote = "".join(f"> {line}\n" for line in text_of(opened).splitlines())
    mail.set_content(
        f"cause: {CAUSE}\nrefnd: 25 EUR\nShe was kind.\n\nAna\n\nOn Tuesday the desk wrote:\n{quote}"
    )
    (tmp_path / "note.eml").write_bytes(mail.as_bytes(policy=email.policy.SMTP))
    (tmp_path / "note.txt").write_text(f"cause: {CAUSE}\n\n-- \nAna\n")
    ref, before = world.case().ref, world.history(world.case().ref)

    def told(file: str) -> tuple[int, Any]:
        capsys.readouterr()
        options = ["--config", str(world.directory), "tell", ref, "--note", str(tmp_path / file)]
        code = main([*options, "--dry-run", "--json"])
        return code, json.loads(capsys.readouterr().out)

    code, found = told("note.eml")
    assert code == 1
    assert found["done"] == [{"verb": "cause", "value": CAUSE}]
    assert found["remark"] == "She was kind."
    [back] = found["back"]
    assert (back["line"], back["draft"]) == ("refnd: 25 EUR", "refund: 25 EUR")
    code, found = told("note.txt")
    assert (code, found["done"], found["back"]) == (0, [{"verb": "cause", "value": CAUSE}], [])
    assert world.history(world.case().ref) == before


def test_the_page_for_agents_is_the_page_that_help_sends(world: World) -> None:
    project = Path(__file__).parents[2]
    page = (project / "docs" / "agents.md").read_text(encoding="utf-8")
    sent = (project / "templates" / "en" / "desk" / "_help.md").read_text(encoding="utf-8")
    printed = [line.removeprefix("## ") for line in page.splitlines()[4:] if line]
    mailed = [line.removeprefix("**").removesuffix("**") for line in sent.splitlines()[2:] if line]
    assert printed == mailed


@pytest.mark.parametrize(
    "lines",
    [
        ("Hi, zu {other}:", "hold", "note: call her"),
        ("wrong case! that was for {other}",),
        ("{other}: hold",),
    ],
)
def test_words_that_name_another_case_are_asked_about_and_not_done(
    world: World, opened: EmailMessage, lines: tuple[str, ...]
) -> None:
    world.customer_writes("The kettle leaks. I am very disappointed.", "Kettle", sender="sam@customers.test")
    world.agent_tags("complaint")
    first, second = world.cases()
    world.agent_answers(opened, *(line.format(other=second.ref) for line in lines))
    asked = answers(world)[-1]
    assert f"your words name {second.ref}" in flat(asked)
    assert [case.held for case in world.cases()] == [False, False]
    assert not any(isinstance(event, Remarked) for event in world.history(first.ref))
    world.agent_answers(opened, f"show {second.ref.lower()}", f"{first.ref}: hold")
    assert [case.held for case in world.cases()] == [True, False]


def test_a_second_amount_is_asked_about_while_nobody_has_told_the_customer_of_the_first(
    world: World, opened: EmailMessage
) -> None:
    world.agent_answers(opened, "refund: 45 EUR")
    world.agent_answers(opened, "refund: 25 EUR", "sorry, typo before")
    assert [str(grant.money and grant.money.amount) for grant in world.case().compensation] == ["45.00"]
    asked = answers(world)[-1]
    assert "was given before, and the customer has not heard of it" in flat(asked)
    assert [line for line in text_of(asked).splitlines() if line in {"refused: 1", "refund: 25 EUR"}] == [
        "refused: 1",
        "refund: 25 EUR",
    ]
    world.agent_answers(asked, "refused: 1", "refund: 25 EUR")
    assert [str(g.money and g.money.amount) for g in world.case().grants_in(GrantState.GRANTED)] == ["25.00"]


@pytest.mark.parametrize(
    "line",
    [
        "promise: send it by Wednesday, 4 December",
        "late: 1 until Monday 8 December",
        "hold: bis Mittwoch, 4. Dezember",
    ],
)
def test_a_weekday_that_is_not_the_days_is_asked_about(world: World, opened: EmailMessage, line: str) -> None:
    before = (world.case().promises, world.case().held)
    world.agent_answers(opened, line)
    assert (world.case().promises, world.case().held) == before
    assert "that day of the month is another weekday" in flat(answers(world)[-1])


def test_a_fact_that_goes_back_leaves_the_rest_of_its_line_done(world: World, opened: EmailMessage) -> None:
    world.agent_answers(opened, "severity: high, cause: wrong box")
    assert world.case().severity == "high"
    assert not world.case().facts.cause
    world.agent_answers(answers(world)[-1], "ok")
    assert world.case().facts.cause


@pytest.mark.parametrize(
    ("words", "answered"),
    [
        (
            [
                f"She rang me again, it is about the {what}."
                for what in ("lid", "jug", "box", "bill", "cat", "dog", "car")
            ],
            7,
        ),
        ([f"Your message no. {n} was received and will be read." for n in range(7)], 5),
        ([""] * 7, 5),
    ],
    ids=["a person", "a machine", "nothing"],
)
def test_free_words_are_always_answered_unless_they_are_the_same_again_and_again(
    world: World, opened: EmailMessage, words: list[str], answered: int
) -> None:
    for line in words:
        world.agent_answers(opened, line)
        world.passes(world.now + timedelta(minutes=1))
    assert len(answers(world)) == answered


def test_an_answer_that_greets_the_customer_has_not_reached_them(world: World, opened: EmailMessage) -> None:
    """A stranger's situation: on her second day an agent answers the desk as if it were the customer."""
    world.agent_answers(
        opened, "Dear Kim,", "", "We are very sorry. Is that all right with you?", "", "Best wishes"
    )
    assert "went to us alone, and not to the customer" in flat(answers(world)[-1])
    world.agent_answers(opened, "Dear team,", "", "She rang again.")
    assert "went to us alone" not in flat(answers(world)[-1])
