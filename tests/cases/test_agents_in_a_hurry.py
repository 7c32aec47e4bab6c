"""A third round of situations: agents on a phone or in a hurry, by somebody who knew neither program nor tests."""

import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from followupd.domain.compensation import GrantState
from followupd.domain.promise import PromiseState
from tests.cases.test_agents_situations import later
from tests.journeys.test_agents_mail import COMPLAINT, PLAYBOOK, flat
from tests.journeys.world import World, text_of


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    world = make_world(
        playbook=PLAYBOOK,
        mailbox='trusted = ["mx.agents.test"]',
        smtp_extra='witness = "none"\nper_address = "9 per day"',
    )
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    return world


def opened(world: World) -> EmailMessage:
    return world.letters("desk/opened")[0]


def answer(world: World) -> str:
    return flat(world.letters("desk/answer")[-1])


@pytest.mark.parametrize(
    "below",
    [
        ("-- ", "Ana Reyes | Customer Care", "Promise: every chair sits right. Since 1962."),
        ("Ana Reyes", "Our kitchens", "Note: print this mail only if you must"),
        ("Ana Reyes", "Nota: imprime este correo solo si es necesario", "Tu cocina, nuestra promesa"),
        ("Ana Reyes", "Versprechen: jeder Stuhl sitzt"),
    ],
)
def test_a_slogan_in_a_signature_costs_no_mail(world: World, below: tuple[str, ...]) -> None:
    world.agent_answers(opened(world), "promise: send a new grinder by Friday", "", *below)
    assert [promise.text for promise in world.case().promises[1:]] == ["send a new grinder"]
    assert world.letters("desk/answer") == []


def reminded(world: World) -> EmailMessage:
    """Return the reminder of a promise that is due in some hours."""
    world.says(world.case().ref, "promise: send the invoice by Wednesday at 17:00")
    later(world, hours=25)
    return next(mail for mail in world.letters("desk/nudge") if "kept: 2" in text_of(mail))


@pytest.mark.parametrize(
    "words",
    ["yes", "Yes, sent on Friday.", "ok", "Oui, envoyée vendredi soir.", "Not at all, it has not come"],
)
def test_words_to_a_reminder_that_are_no_order_are_answered_with_its_lines(world: World, words: str) -> None:
    world.agent_answers(reminded(world), words)
    assert world.case().promises[1].state is not PromiseState.KEPT
    lines = text_of(world.letters("desk/answer")[-1]).splitlines()
    assert "kept: 2" in lines
    assert "late: 2 until ... because ..." in lines
    assert not any(line.startswith("promise:") for line in lines)
    world.agent_answers(world.letters("desk/answer")[-1], "yes")  # to two lines, a yes says nothing
    assert world.case().promises[1].state is not PromiseState.KEPT


def test_a_line_about_the_customer_of_another_case_is_asked_about(world: World) -> None:
    world.customer_writes(
        "The bed is broken. This is unacceptable.", "Bed", "nowak@others.test", name="Otto Nowak"
    )
    world.agent_tags("complaint")
    nowak = next(case for case in world.cases() if case.customer.name == "Otto Nowak")
    sent = len(world.letters("confirmation"))
    for line in (
        "promise: Herr Nowak gets his bed by Friday",
        "cause: Mr Nowak's parcel was lost",
        "refund: 5 EUR",
    ):
        world.agent_answers(opened(world), line)
    later(world, minutes=5)
    kim = next(case for case in world.cases() if case.customer.name == "Kim Doe")
    assert [promise.source for promise in kim.promises] == ["playbook"]
    assert kim.facts.cause is None
    assert len(kim.compensation) == 1
    told = " ".join(flat(mail) for mail in world.letters("desk/answer"))
    assert f"names Nowak, and case {kim.ref} is about Kim Doe" in told
    assert f"If {nowak.ref} is meant" in told
    assert len(world.letters("confirmation")) == sent


def test_a_name_of_nobody_who_waits_and_the_own_customers_name_are_no_hindrance(world: World) -> None:
    for line in (
        "promise: Mrs Doe gets a new grinder by Friday",
        "promise: Mr Smith of the carrier brings it by Friday",
    ):
        assert world.says(world.case().ref, line) == []


@pytest.mark.parametrize(
    "line",
    [
        "promise: ring her by 27 November",
        "promise: ring her before 27 November",
        "promesse : la rappeler avant le 27 novembre",
        "Zusage: Rückruf bis 27. November",
    ],
)
def test_a_day_that_is_over_is_not_promised_for_the_next_year(world: World, line: str) -> None:
    [problem] = world.says(world.case().ref, line)
    assert "over this year" in problem
    assert len(world.case().promises) == 1
    assert world.says(world.case().ref, "promise: ring her by 27 November 2021") == []


@pytest.mark.parametrize(
    "words", ["Oups annule ça c'était 8 pas 80 !!", "sorry, please scrap my last, it was 8 not 80"]
)
def test_words_that_take_something_back_are_answered_with_undo(world: World, words: str) -> None:
    world.agent_answers(opened(world), "refund: 40 EUR")
    world.agent_answers(opened(world), words)
    asked = world.letters("desk/answer")[-1]
    assert "undo" in text_of(asked).splitlines()
    assert [grant.state for grant in world.case().compensation] == [GrantState.GRANTED]
    world.agent_answers(asked, "yes")
    assert GrantState.GRANTED not in [grant.state for grant in world.case().compensation]


def test_a_question_to_the_desk_is_answered_with_the_case(world: World) -> None:
    world.agent_answers(opened(world), "Has she got the confirmation yet? I have her on the phone in 10 min")
    assert "Letters so far: confirmation" in answer(world)


def test_words_that_ask_for_an_order_that_is_not_possible_are_answered_with_the_reason(world: World) -> None:
    world.agent_answers(opened(world), "we can close this one, she is happy")
    assert "cannot close while promise 1 is owed" in answer(world)


def test_a_hold_before_a_call_is_offered(world: World) -> None:
    world.agent_answers(
        opened(world),
        "Lee is off sick till Monday, I'm taking this over. Please don't send Kim anything before I've talked to her tomorrow.",
    )
    assert "owner: ana" in text_of(world.letters("desk/answer")[-1]).splitlines()
    assert "hold" in text_of(world.letters("desk/answer")[-1]).splitlines()
    assert not world.case().held


@pytest.mark.parametrize(
    ("words", "draft"),
    [
        (
            "Verspätung eins bis Freitag weil der Kurier den Karton verloren hat",
            "late: 1 bis Freitag weil der Kurier den Karton verloren hat",
        ),
        ("causa dos puntos el almacén confundió las etiquetas", "cause: el almacén confundió las etiquetas"),
        ("cause colon the courier lost it", "cause: the courier lost it"),
    ],
)
def test_what_was_dictated_comes_back_as_the_line_that_it_may_mean(
    world: World, words: str, draft: str
) -> None:
    with world.app.ledger.transaction() as tx:
        result = world.app.commands.run_lines(tx, world.case(), [words], "Ana Reyes", "tell", None, world.now)
    assert [back.draft for back in result.back] == [draft]
    assert result.done == []


def digests(world: World) -> list[EmailMessage]:
    return [mail for mail in world.letters() if str(mail["X-Followupd-Key"]).startswith("desk/digest")]


def test_an_answer_to_a_digest_is_never_empty_and_offers_the_lines(world: World) -> None:
    for n in range(2):
        world.customer_writes(
            f"The lamp {n} is broken. This is unacceptable.", f"Lamp {n}", f"s{n}@others.test"
        )
        world.agent_tags("complaint")
    later(world, hours=23)
    asked = digests(world)[-1]
    ref = next(case.ref for case in world.cases() if case.ref in text_of(asked))
    world.agent_answers(asked, "went out on Saturday, all fine")
    assert "there was no order in your mail" in flat(digests(world)[-1])
    world.agent_answers(asked, f"{ref} fixed, she confirmed by phone")
    assert f"{ref}: 'fixed, she confirmed by phone' says more than I can read for certain" in flat(
        digests(world)[-1]
    )
    assert "('fixed', 'note: she confirmed by phone')" in flat(digests(world)[-1])


def quote_answered(world: World, answers: dict[str, list[str]], mark: str = "> ") -> tuple[list[str], str]:
    """Answer the newest digest inside of its quote, each below the line of its case; return cases and the answer."""
    for n in range(2):
        world.customer_writes(
            f"The lamp {n} is broken. This is unacceptable.", f"Lamp {n}", f"s{n}@others.test"
        )
        world.agent_tags("complaint")
    later(world, hours=23)
    asked = digests(world)[-1]
    cases = [
        line.partition(":")[0] for line in text_of(asked).splitlines() if re.match(r"FU-\w+: kept", line)
    ]
    quoted = []
    for line in text_of(asked).splitlines():
        quoted.append(f"{mark}{line}".rstrip())
        for where, said in answers.items():
            if line.startswith(
                f"{cases[int(where[0])]}: kept" if where[1:] == "line" else f"- {cases[int(where[0])]},"
            ):
                quoted += said
    world.replies_raw(asked, "On Tuesday the desk wrote:", *quoted)
    return cases, flat(digests(world)[-1])


@pytest.mark.parametrize("mark", ["> ", "| "])
def test_what_is_written_below_the_line_of_a_case_in_a_digest_is_about_that_case(
    world: World, mark: str
) -> None:
    cases, _ = quote_answered(
        world, {"0line": ["kept: 1"], "1": ["", "cause: the wrong box was sent", ""]}, mark
    )
    by_ref = {case.ref: case for case in world.cases()}
    assert by_ref[cases[0]].promises[0].state is PromiseState.KEPT
    assert by_ref[cases[1]].promises[0].state is not PromiseState.KEPT
    assert by_ref[cases[1]].facts.cause == "the wrong box was sent"


def test_a_word_below_the_line_of_a_case_is_answered_with_the_lines_of_that_case(world: World) -> None:
    cases, told = quote_answered(
        world, {"0line": ["yes"], "1line": ["not yet, I'll do that by tomorrow noon"], "2line": ["yes"]}
    )
    assert all(case.promises[0].state is not PromiseState.KEPT for case in world.cases())
    for ref in cases:
        assert f"{ref}: " in told
    assert told.count("'kept: 1'") >= 2
    assert told.count("'late: 1 until ... because ...'") >= 2


@pytest.mark.parametrize("word", ["yes", "ok", "ja", "vale"])
@pytest.mark.parametrize(
    ("said", "verb", "text"),
    [
        ("please put this one on hold until Friday", "hold", ""),
        (
            "cause colon two labels had the same number on them, and so your order went to another address instead",
            "cause",
            "two labels had the same number on them, and so your order went to another address instead",
        ),
    ],
)
def test_a_word_of_consent_to_the_only_line_that_was_offered_counts(
    world: World, word: str, said: str, verb: str, text: str
) -> None:
    world.agent_answers(opened(world), said)
    asked = world.letters("desk/answer")[-1]
    quote = [f"> {line}" for line in text_of(asked).splitlines()]
    world.replies_raw(asked, "On Tuesday the desk wrote:", *quote)
    assert not world.case().held  # an offer that is quoted is no answer
    assert world.case().facts.cause is None
    world.replies_raw(asked, word, "", "On Tuesday the desk wrote:", *quote)
    assert world.case().held == (verb == "hold")
    assert (world.case().facts.cause or "") == text
