"""Agents ask a department: in a thread of its own, without the customer, reminded of, and answered to the owner."""

import email.policy
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest

from followupd.domain.mail import MailState
from tests.journeys.test_agents_mail import PLAYBOOK
from tests.journeys.world import World, text_of

COMPLAINT = "My grinder has not arrived after three weeks, nobody answers. I want my money back. This is unacceptable."
QUESTION = "is the parcel, no. 4, back on the shelf?"
HELPER = """
[[helper]]
id = "warehouse"
name = "The warehouse"
email = "stock@depot.test"
lead = "boss@depot.test"
"""


def shop(make_world: Callable[..., World], more: str = HELPER) -> World:
    world = make_world(playbook=PLAYBOOK, smtp_extra='witness = "none"\nper_address = "9 per day"', more=more)
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    return world


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return shop(make_world)


def asked(world: World, line: str = f"ask: warehouse by Thursday: {QUESTION}") -> EmailMessage:
    assert world.says(world.case().ref, line, agent="ana") == []
    return requests(world)[-1]


def requests(world: World) -> list[EmailMessage]:
    return world.letters("desk/request")


def answers(
    world: World, mail: EmailMessage, text: str, sender: str = "Joe <joe@depot.test>", **more: str
) -> None:
    reply = EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = sender, world.postbox.address, f"Re: {mail['Subject']}"
    reply["Message-ID"], reply["In-Reply-To"] = f"<answer-{len(text)}@depot.test>", str(mail["Message-ID"])
    reply["Date"] = world.now
    for name, value in more.items():
        reply[name.replace("_", "-")] = value
    reply.set_content(f"{text}\n\nOn Tuesday the desk wrote:\n> {QUESTION}\n")
    world.postbox.deliver(reply.as_bytes(policy=email.policy.SMTP), sender="joe@depot.test")
    world.passes()


def test_a_question_goes_out_at_once_in_its_own_thread_and_says_nothing_of_the_customer(world: World) -> None:
    mail = asked(world)
    assert str(mail["To"]) == "The warehouse <stock@depot.test>"
    assert QUESTION in " ".join(text_of(mail).split())
    assert "Thursday 3 December" in " ".join(text_of(mail).split())
    whole = mail.as_string() + text_of(mail)
    assert not any(word in whole for word in ("Kim", "customers.test", "grinder", "Grinder"))
    assert ".desk@" not in str(mail["References"])


def test_with_share_the_department_sees_who_it_is_about(make_world: Callable[..., World]) -> None:
    mail = asked(shop(make_world, HELPER + "share = true\n"))
    assert "Kim Doe" in text_of(mail)
    assert "has not arrived after three weeks" in " ".join(text_of(mail).split())


def test_the_answer_of_any_colleague_comes_back_to_the_owner_with_the_lines_to_use(world: World) -> None:
    mail = asked(world)
    before = len(world.letters("desk/nudge"))
    answers(world, mail, "Yes, it is back.\nIt came on Monday.")
    [told] = world.letters("desk/nudge")[before:]
    words = text_of(told)
    assert "Yes, it is back." in words
    assert "It came on Monday." in words
    assert QUESTION in " ".join(words.split())
    assert "kept: 1" in words
    assert "promise: ... by ..." in words
    assert world.case().requests[0].answer == "Yes, it is back.\nIt came on Monday."
    for hours in (24, 48, 72, 96):
        world.passes(world.now + timedelta(hours=hours))
    assert len(requests(world)) == 1


def test_an_unanswered_question_is_reminded_of_before_and_at_its_time_and_then_the_lead_is_asked(
    world: World,
) -> None:
    asked(world)
    for _ in range(24 * 5):
        world.now += timedelta(hours=1)
        if 8 <= world.now.hour <= 18:
            world.passes()
    told = [str(mail["To"].addresses[0].username) for mail in requests(world)]
    assert told == ["stock", "stock", "stock", "boss"]
    assert "has not answered" in text_of(requests(world)[-1])
    owner = " ".join(text_of(mail) for mail in world.letters() if "ana@" in str(mail["To"]))
    assert "has no answer yet" in " ".join(owner.split())


def test_a_robot_and_a_stranger_do_not_answer_for_the_department(world: World) -> None:
    mail = asked(world)
    answers(world, mail, "I am on holiday.", Auto_Submitted="auto-replied")
    answers(world, mail, "I know it.", sender="Eve <eve@elsewhere.test>")
    assert world.case().open_requests
    with world.app.ledger.transaction() as tx:
        assert tx.mail.count(MailState.QUARANTINED) == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ask: kitchen: is it hot?", "'kitchen' is no department; known: warehouse"),
        ("ask: warehouse by yesterday: is it there?", "names no day to come"),
        ("ask: warehouse", "asks nobody or nothing"),
    ],
)
def test_a_question_that_nobody_can_answer_comes_back(world: World, line: str, problem: str) -> None:
    [said] = world.says(world.case().ref, line, agent="ana")
    assert problem in said
    assert requests(world) == []


def test_without_a_date_the_department_has_a_working_day(world: World) -> None:
    asked(world, "ask: warehouse: is it there?")
    assert world.case().requests[0].due == world.now + timedelta(days=1)


def test_what_was_asked_and_answered_is_part_of_the_case_in_brief(world: World) -> None:
    answers(world, asked(world), "Yes.")
    world.agent_tags("agent-lee")
    story = next(mail for mail in reversed(world.letters("desk/opened")) if "lee@" in str(mail["To"]))
    assert "was answered: Yes" in " ".join(text_of(story).split())


@pytest.mark.parametrize(
    "when", ["y delivery para el viernes", "and accounts by Friday", "by Friday, urgent"]
)
def test_a_date_with_more_words_may_name_a_second_department_and_comes_back(world: World, when: str) -> None:
    [problem] = world.says(world.case().ref, f"ask: warehouse {when}: who has it?", agent="ana")
    assert "names no day to come" in problem
    assert requests(world) == []


@pytest.mark.parametrize("line", ["kept: 1", "note: never mind", "hold"])
def test_an_order_of_an_agent_in_answer_to_the_question_is_no_answer_of_the_department(
    world: World, line: str
) -> None:
    mail = asked(world)
    world.agent_answers(mail, line)
    [request] = world.case().requests
    assert request.answer == ""
    assert world.letters("desk/answer") == []


def test_the_owner_is_told_what_a_stranger_answers_for_the_department(world: World) -> None:
    mail = asked(world)
    answers(world, mail, "left it with neighbour no. 14", sender="Nils <nils@phone.test>")
    assert world.case().requests[0].answer == ""
    [told] = [each for each in world.letters() if "nils@phone.test" in text_of(each)]
    assert "left it with neighbour no. 14" in " ".join(text_of(told).split())


def test_a_file_is_an_answer_and_is_named(world: World) -> None:
    mail = asked(world)
    reply = EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = "Joe <joe@depot.test>", world.postbox.address, "Re: it"
    reply["Message-ID"], reply["In-Reply-To"], reply["Date"] = (
        "<f@depot.test>",
        str(mail["Message-ID"]),
        world.now,
    )
    reply.set_content(" \n")
    reply.add_attachment(b"x", maintype="image", subtype="heic", filename="IMG_2231.HEIC")
    world.postbox.deliver(reply.as_bytes(policy=email.policy.SMTP), sender="joe@depot.test")
    world.passes()
    assert "IMG_2231.HEIC" in text_of(world.letters("desk/nudge")[-1])
    assert "ask: warehouse: ..." in text_of(world.letters("desk/nudge")[-1])


# --- a question without its second colon ---


@pytest.mark.parametrize(
    "line",
    [
        "ask warehouse did the 40 euro go out on monday?",
        "Ask: warehouse did the 40 euro go out on monday?",
        "Frage an Warehouse, did the 40 euro go out on monday?",
        "ask: warehouse: did the 40 euro go out on monday?",
        "ask warehouse: did the 40 euro go out on monday?",
        "Frag das Warehouse: did the 40 euro go out on monday?",
        "demande au warehouse: did the 40 euro go out on monday?",
    ],
)
def test_a_question_needs_no_colon_behind_a_department_and_its_agent_hears_by_when_it_is_answered(
    world: World, line: str
) -> None:
    world.agent_answers(world.letters("desk/opened")[0], line)
    [request] = world.case().requests
    assert request.question == "did the 40 euro go out on monday?"
    assert request.due == world.now + timedelta(days=1)
    assert world.case().compensation == ()
    told = " ".join(text_of(world.letters("desk/answer")[-1]).split())
    assert "Warehouse was asked, and is to answer by Wednesday 2 December" in told


@pytest.mark.parametrize("when", ["by Friday", "until tomorrow", "by 4 December"])
def test_a_date_in_front_of_a_question_without_a_colon_is_asked_about(world: World, when: str) -> None:
    world.agent_answers(world.letters("desk/opened")[0], f"ask warehouse {when} is it back?")
    assert world.case().requests == ()
    assert f"ask: warehouse {when}: is it back?" in text_of(world.letters("desk/answer")[-1])


@pytest.mark.parametrize(
    "line",
    [
        "ask warehouse by Friday: is it back?",
        "Ask the warehouse, by Friday: is it back?",
        "frag das Warehouse bis Freitag: is it back?",
        "pregunta al warehouse hasta el viernes: is it back?",
        "ask: the warehouse by Friday: is it back?",
    ],
)
def test_the_first_colon_may_be_missing_before_a_department(world: World, line: str) -> None:
    world.agent_answers(world.letters("desk/opened")[0], line)
    [request] = world.case().requests
    assert (request.question, request.due.date()) == ("is it back?", (world.now + timedelta(days=3)).date())


@pytest.mark.parametrize("line", ["ask warehouse", "ask the warehouse tomorrow", "ask kitchen is it hot?"])
def test_what_asks_no_known_department_anything_is_not_sent(world: World, line: str) -> None:
    world.agent_answers(world.letters("desk/opened")[0], line)
    assert requests(world) == []
    assert world.letters("desk/answer") != []


# --- two questions, and one that is taken back ---


def test_the_answer_to_one_of_two_questions_asks_whether_it_settles_the_other_too(world: World) -> None:
    first = asked(world, "ask: warehouse by Thursday: is the grinder back?")
    second = asked(world, "ask: warehouse by Friday: do we have another one?")
    assert first["Message-ID"] != second["Message-ID"]
    answers(world, second, "back yes, another one no, sold out till July")
    [one, two] = world.case().requests
    assert (one.answer, two.answer) == ("", "back yes, another one no, sold out till July")
    told = world.letters("desk/nudge")[-1]
    assert "question 1 has no answer yet: is the grinder back?" in " ".join(text_of(told).split()).replace(
        "Question 1", "question 1"
    )
    assert "answered: 1" in text_of(told)
    world.agent_answers(told, "answered: 1")
    assert world.case().open_requests == ()
    assert "is needed any more" in text_of(requests(world)[-1])
    sent = len(requests(world))
    for _ in range(6):
        world.passes(world.now + timedelta(days=1))
    assert len(requests(world)) == sent


@pytest.mark.parametrize(
    "words", ["undo", "undo, he has been there already", "answered: 1", "beantwortet: 1"]
)
def test_a_question_that_is_taken_back_is_not_reminded_of_and_the_department_hears_it_once(
    world: World, words: str
) -> None:
    desk = world.letters("desk/opened")[0]
    world.agent_answers(desk, "ask: warehouse by Friday: when does he come?")
    mail = requests(world)[-1]
    world.agent_answers(desk, words)
    assert world.case().open_requests == ()
    assert [str(each["To"].addresses[0].username) for each in requests(world)] == ["stock", "stock"]
    last = " ".join(text_of(requests(world)[-1]).split())
    assert "No answer to this is needed any more" in last
    assert "Answer this mail" not in last
    answers(world, mail, "He was there this morning.")
    assert "He was there this morning." in text_of(world.letters("desk/nudge")[-1])
    for _ in range(6):
        world.passes(world.now + timedelta(days=1))
    assert len(requests(world)) == 2


def test_a_question_of_another_number_is_not_settled(world: World) -> None:
    asked(world)
    [problem] = world.says(world.case().ref, "answered: 2")
    assert "names no open question" in problem
    assert world.case().open_requests
