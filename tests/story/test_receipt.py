"""The answer to "has it arrived?": yes, no, or unclear, which goes to the owner."""

from datetime import UTC, datetime

import pytest

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.decision import Decision, as_event
from followupd.domain.keys import ReminderKind
from followupd.domain.letter import Letter, LetterKind
from followupd.errors import NotUnderstoodError
from followupd.recovery import answers, remind
from followupd.text.answers import Answer, is_thanks
from tests.builders import NOW, PLAYBOOK, a_case, a_mail
from tests.policies.stubs import names
from tests.story.lettered import letters
from tests.story.receipts import measure
from tests.story.saying import said

LATER = datetime(2026, 12, 8, 10, tzinfo=UTC)


def asked(*kinds: Gift) -> Case:
    """A case whose follow-up has asked whether these arrived."""
    story = a_case()
    for n, kind in enumerate(kinds or (Gift.REFUND,), 1):
        story = story.granted(kind, "25").issued(n)
    return story.knows().fixed().followed_up().case


def after(case: Case, text: str, **changes: object) -> tuple[Case, list[Decision]]:
    wrote = e.CustomerWrote(at=LATER, by="kim@customers.test", text=text)
    case = lifecycle.after(case, wrote)
    steps = answers.read_arrival(case, a_mail(text, **changes), PLAYBOOK, letters(), LATER)
    for step in steps:
        case = lifecycle.after(case, as_event(step, LATER))
    return case, steps


def mails(steps: list[Decision]) -> list[Letter]:
    return [step for step in steps if isinstance(step, Letter)]


def states(case: Case) -> list[GrantState]:
    return [grant.state for grant in case.compensation]


def test_a_clear_yes_confirms_the_receipt_without_a_mail() -> None:
    case, steps = after(asked(), "Yes, thanks, it arrived!\n\nKim")
    assert states(case) == [GrantState.CONFIRMED]
    assert mails(steps) == []
    assert case.reached
    assert not case.unanswered  # there is nothing in it that somebody must answer


def test_a_yes_beside_another_question_is_confirmed_and_the_mail_stays_unanswered() -> None:
    case, steps = after(asked(), "The refund has arrived, thank you. Do you also sell teapots?")
    assert states(case) == [GrantState.CONFIRMED]
    assert case.unanswered
    assert not case.reached
    assert mails(steps) == []


def test_a_no_reopens_the_case_and_quotes_the_customer_to_the_owner() -> None:
    case, steps = after(asked(), "No, not yet.")
    assert states(case) == [GrantState.MISSING]
    assert case.stage is Stage.HEARD
    [mail] = mails(steps)
    assert mail.kind == LetterKind.NUDGE
    assert mail.to.address == "ana@agents.test"
    for words in ("has not arrived", "25.00 EUR", "issued: 1", "No, not yet."):
        assert words in mail.text


def test_from_an_unclear_answer_nothing_is_concluded_and_the_owner_is_asked() -> None:
    case, steps = after(asked(), "Yes, but only 10 euros of it.")
    assert states(case) == [GrantState.ISSUED]
    assert case.stage is Stage.FOLLOWED_UP
    [mail] = mails(steps)
    assert "received: 1" in mail.text
    assert "missing: 1" in mail.text


def test_each_of_several_grants_has_its_own_answer() -> None:
    case, steps = after(asked(Gift.REFUND, Gift.COUPON), "The refund arrived, but the coupon did not.")
    assert states(case) == [GrantState.CONFIRMED, GrantState.MISSING]
    assert "coupon" in mails(steps)[0].text


def test_a_missing_refund_reopens_a_closed_case() -> None:
    closed = lifecycle.after(asked(), e.Closed(at=LATER))
    case, _ = after(closed, "I never received it.")
    assert case.stage is Stage.HEARD


def test_a_forged_yes_closes_nothing() -> None:
    case, steps = after(asked(), "Yes, thanks!", forged="DMARC failed")
    assert states(case) == [GrantState.ISSUED]
    assert len(mails(steps)) == 1


def test_lines_that_may_be_quoted_are_no_answer() -> None:
    case, _ = after(asked(), "Yes, thanks!", doubtful=("Yes, thanks!",))
    assert states(case) == [GrantState.ISSUED]


@pytest.mark.parametrize("kind", [Gift.REPLACEMENT, Gift.GESTURE, Gift.GIFT_CARD])
def test_what_was_not_asked_for_is_not_read(kind: Gift) -> None:
    case, steps = after(asked(kind), "No, not yet.")
    assert (steps, case.stage) == ([], Stage.FOLLOWED_UP)


def test_before_the_follow_up_no_answer_is_expected() -> None:
    case, steps = after(a_case().granted(Gift.REFUND, "25").issued().case, "No, not yet.")
    assert (steps, states(case)) == ([], [GrantState.ISSUED])


def test_without_an_answer_there_is_one_reminder_and_one_call() -> None:
    case = lifecycle.after(asked(), e.CallAsked(at=NOW))
    due = remind.next_due(case, PLAYBOOK)
    assert due == datetime(2026, 12, 4, 10, tzinfo=UTC)  # three business days from Tuesday
    for step in remind.decide(case, PLAYBOOK, letters(), due):
        case = lifecycle.after(case, as_event(step, due))
    assert ReminderKind.of(case.nudges[-1][0]) is ReminderKind.RECEIPT
    assert remind.next_due(case, PLAYBOOK) is None
    called = answers.next_due(case, PLAYBOOK)
    assert called == datetime(2026, 12, 8, 10, tzinfo=UTC)
    assert answers.decide(case, PLAYBOOK, letters(), due) == []
    steps = answers.decide(case, PLAYBOOK, letters(), called)
    [mail] = mails(steps)
    assert mail.kind == LetterKind.CALL
    assert "received: 1" in mail.text
    for step in steps:
        case = lifecycle.after(case, as_event(step, called))
    assert answers.next_due(case, PLAYBOOK) is None


def test_an_answer_stops_the_reminder() -> None:
    case, _ = after(asked(), "Yes, thanks!")
    assert remind.next_due(case, PLAYBOOK) is None


def test_an_agent_may_say_what_the_customer_said_on_the_phone() -> None:
    assert [type(event) for event in said(asked(), "received: 1")] == [e.CompensationConfirmed]
    assert names(said(asked(), "missing")) == ["CompensationMissing", "Reopened"]
    with pytest.raises(NotUnderstoodError, match="the open ones are 1"):
        said(asked(), "received: 4")


@pytest.mark.parametrize(
    ("name", "floors"),
    [("dev", (1.0, 1.0, 1.0, 1.0)), ("test", (1.0, 0.97, 1.0, 0.97)), ("fresh", (1.0, 0.95, 0.95, 0.9))],
)
def test_answers_are_read_as_well_as_they_were_measured(name: str, floors: tuple[float, ...]) -> None:
    found = measure.counted(name)
    measured = tuple(
        rate(found, answer)
        for answer in (Answer.ARRIVED, Answer.MISSING)
        for rate in (measure.precision, measure.recall)
    )
    assert all(got >= floor for got, floor in zip(measured, floors, strict=True)), measured


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, great!",
        "👍🏻 ❤️",
        "Danke, alles gut!",
        "Merci beaucoup, c'est parfait",
        "Gracias, todo bien.",
        "Thank you so much for your quick help.\n\nKind regards\nRobin",
    ],
)
def test_thanks_want_no_answer(text: str) -> None:
    assert is_thanks(text, ["Robin Vale"])


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, but it is still broken",
        "Thanks for nothing",
        "Thanks, answer me",
        "Danke, aber kaputt",
        "Not great",
        "Thanks. When?",
        "Thanks 25",
        "👎",
        "Merci, mais non",
        "Gracias, no funciona",
        "",
    ],
)
def test_anything_else_is_more_than_thanks(text: str) -> None:
    assert not is_thanks(text, ["Robin Vale"])
