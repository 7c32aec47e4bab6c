"""The opening of a case: its customer, its playbook and its standing next steps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain import lifecycle
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.case import Facts, Stage
from followupd.domain.compensation import Money
from followupd.domain.decision import as_event
from followupd.domain.events import PromiseMade
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.mail import Kind, Message, Person
from followupd.domain.playbook import Agent, Company, NextStep, Playbook, Team
from followupd.errors import NotUnderstoodError
from followupd.recovery import follow_up, opening, remind
from followupd.recovery.blockers import awaited_from, blockers_of, why_stale
from tests.builders import a_case
from tests.story.lettered import PLAYBOOK, flat, letters, sample, wrote
from tests.story.saying import said, then

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
ANA = Agent(id="ana", name="Ana Reyes", email="ana@example.com", phone="+44 20 7946 0018")
HOUSE = Playbook(
    name="default",
    owner="ana",
    calendar=Calendar(timezone="Europe/London"),
    team=Team((ANA,)),
    company=Company(name="Example Ltd", timezone="Europe/London"),
)


def test_only_a_mail_forwarded_by_one_of_us_is_about_its_original_sender() -> None:
    def customer_of(kind: Kind, sender: str) -> str:
        message = Message(
            kind=kind, because="", sender=Person(sender), forwarded_from=Person("kim@example.org")
        )
        opened = opening.open_case(
            message, ref="FU-7K3Q9", mailbox="support", playbook=HOUSE, now=NOW, facts=Facts()
        )
        return opened.customer.address

    assert customer_of(Kind.AGENT, "ana@example.com") == "kim@example.org"
    assert customer_of(Kind.CUSTOMER, "mallory@evil.example") == "mallory@evil.example"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "{{ owner.name }} ruft an"),
        ("de_AT", "{{ owner.name }} ruft an"),
        ("fr", "{{ owner.name }} calls"),
        ("", "{{ owner.name }} calls"),
    ],
)
def test_a_standing_step_is_promised_in_the_customers_language_where_the_playbook_has_it(
    language: str, text: str
) -> None:
    step = NextStep(
        text="{{ owner.name }} calls",
        within=Duration.parse("1 day"),
        texts=(("de", "{{ owner.name }} ruft an"),),
    )
    assert step.text_in(language) == text


def test_the_first_letter_to_a_german_customer_promises_in_german() -> None:
    step = NextStep(
        text="{{ owner.name }} calls",
        within=Duration.parse("1 day"),
        texts=(("de", "{{ owner.name }} ruft an"),),
    )
    case = replace(sample("short", stage=Stage.HEARD, language="de"), promises=())
    steps = opening.decide(case, replace(PLAYBOOK, steps=(step,)), letters(), NOW)
    assert [each.promise.text for each in steps if isinstance(each, PromiseMade)] == ["Ana Reyes ruft an"]


@pytest.mark.parametrize(
    ("severity", "danger", "promised"),
    [
        ("high", True, ["I will call you", "I will find out"]),
        ("normal", True, ["I will find out"]),
        ("high", False, ["I will find out"]),
    ],
)
def test_where_somebody_is_in_danger_a_call_is_promised_before_everything_else(
    severity: str, danger: bool, promised: list[str]
) -> None:
    steps = (
        NextStep(text="I will find out", within=Duration.parse("1 day")),
        NextStep(text="I will call you", within=Duration.parse("1 hour"), danger=True),
    )
    case = replace(sample("short", stage=Stage.HEARD, severity=severity, danger=danger), promises=())
    made = opening.decide(case, replace(PLAYBOOK, steps=steps), letters(), NOW)
    assert [each.promise.text for each in made if isinstance(each, PromiseMade)] == promised


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Please stop using what may be at fault"),
        ("de", "Bitte benutzen Sie das, woran es liegen könnte, nicht weiter"),
        ("fr", "N'utilisez plus, s'il vous plaît, ce qui peut en être la cause"),
        ("es", "deje de usar lo que pueda ser la causa"),
    ],
)
def test_the_first_letter_to_somebody_in_danger_says_what_to_do_now(language: str, words: str) -> None:
    case = sample("short", language=language, severity="high", danger=True)
    letter = wrote(LetterKind.CONFIRMATION, case)
    assert words in flat(letter.text)
    assert len(letter.text.split()) <= 200
    [promise] = case.promises
    assert flat(promise.text).casefold() in flat(letter.text).casefold()
    usual = wrote(LetterKind.CONFIRMATION, replace(case, severity="normal"))
    assert words not in flat(usual.text)


# --- a second complaint (practice 20) ------------------------------------------------------------------------------------

BEFORE = ("FU-2B4D6",)


def test_after_a_complaint_before_a_call_is_promised_first_and_the_agent_knows() -> None:
    steps = (
        NextStep(text="I will find out", within=Duration.parse("1 day")),
        NextStep(text="I will call you", within=Duration.parse("1 hour"), danger=True),
    )
    case = replace(sample("short", stage=Stage.HEARD, complaints_before=BEFORE), promises=())
    *made, mail = opening.decide(case, replace(PLAYBOOK, steps=steps), letters(), NOW)
    assert next(each.promise.text for each in made if isinstance(each, PromiseMade)) == "I will call you"
    assert isinstance(mail, Letter)
    assert "The customer complained before, in FU-2B4D6: call first." in flat(mail.text)


@pytest.mark.parametrize(
    ("language", "first", "last", "pledge"),
    [
        ("en", "once should have been enough", "You had to write to us more than once", "let us show you"),
        (
            "de",
            "einmal hätte genügen müssen",
            "zum wiederholten Mal bei uns beschweren",
            "es Ihnen zeigen dürfen",
        ),
        (
            "fr",
            "une fois aurait dû suffire",
            "alors qu'une fois aurait dû suffire",
            "vous nous permettrez de vous le montrer",
        ),
        (
            "es",
            "una vez debería haber bastado",
            "Ha tenido que escribirnos más de una vez",
            "nos deje demostrárselo",
        ),
    ],
)
def test_a_second_complaint_has_letters_of_its_own(language: str, first: str, last: str, pledge: str) -> None:
    once = sample("long", language=language)
    again = replace(once, complaints_before=BEFORE)
    assert first in flat(wrote(LetterKind.CONFIRMATION, replace(again, letters=())).text)
    ours, theirs = (flat(wrote(LetterKind.FOLLOW_UP, case).text) for case in (again, once))
    assert (last in ours, pledge in ours) == (True, False)  # the pledge was made before
    assert (last in theirs, pledge in theirs) == (False, True)


def test_what_was_told_to_be_different_before_is_refused() -> None:
    case = a_case(complaints_before=BEFORE).case
    told = ("We now compare each label with the order before it leaves",)
    with pytest.raises(NotUnderstoodError, match="what is different this time"):
        said(
            case, "prevention: We now compare every label with the order before it leaves !", told_before=told
        )
    assert said(case, "prevention: Your orders are now packed by two people", told_before=told)


def test_a_second_complaint_is_followed_up_only_with_a_gift_or_a_leads_reason() -> None:
    case = a_case(complaints_before=BEFORE).knows().fixed().case
    assert "gift" in {blocker.name for blocker in blockers_of(case, PLAYBOOK)}
    with pytest.raises(NotUnderstoodError, match="only a lead"):
        said(case, "no-gift: because she asked for none")
    for line, agent in (("no-gift: because she asked for none", "lee"), ("gift-card: 10 EUR", "ana")):
        assert "gift" not in {
            blocker.name for blocker in blockers_of(then(case, line, agent=agent), PLAYBOOK)
        }


# --- a gesture (practice 43) ---------------------------------------------------------------------------------------------

GENEROUS = replace(
    PLAYBOOK,
    gestures=(("normal", Money(1000, "GBP")), ("high", Money(2000, "GBP")), ("again", Money(3000, "GBP"))),
)


@pytest.mark.parametrize(
    ("severity", "before", "usual"),
    [
        ("low", (), None),
        ("normal", (), "10.00 GBP"),
        ("high", (), "20.00 GBP"),
        ("high", BEFORE, "30.00 GBP"),
    ],
)
def test_the_agent_is_told_what_is_usual_for_the_trouble(
    severity: str, before: tuple[str, ...], usual: str | None
) -> None:
    case = replace(
        sample("short", stage=Stage.HEARD, severity=severity, complaints_before=before), promises=()
    )
    case = replace(case, compensation=())
    *_, mail = opening.decide(case, GENEROUS, letters(), NOW)
    assert isinstance(mail, Letter)
    assert (f"gift-card: {usual}" in flat(mail.text)) == (usual is not None)


def test_a_follow_up_waits_for_what_is_usual_or_for_a_reason() -> None:
    case = a_case().knows().fixed().case
    asked, mail = follow_up.decide(case, GENEROUS, letters(), NOW)
    assert isinstance(mail, Letter)
    assert "gift-card: 10.00 GBP" in mail.text
    assert "no-gift:" in mail.text
    silent = replace(GENEROUS, follow_up_show=False)
    later = NOW + timedelta(days=9)
    told = lifecycle.after(lifecycle.after(case, asked), as_event(mail, NOW))  # type: ignore[arg-type]
    assert follow_up.decide(told, silent, letters(), later) == []
    for line in ("gift-card: 10 GBP", "no-gift: it was the weather"):
        [letter] = follow_up.decide(then(told, line), silent, letters(), later)
        assert isinstance(letter, Letter)
        assert letter.kind is LetterKind.FOLLOW_UP


def test_a_follow_up_that_waits_for_what_is_usual_is_reminded_of_and_the_customer_hears_of_the_delay() -> (
    None
):
    silent = replace(GENEROUS, follow_up_show=False)
    case = a_case().knows().fixed().case
    due = follow_up.due_at(case, silent)
    assert due is not None
    assert awaited_from(case, silent) == due
    reminded = remind.next_due(case, silent)
    assert reminded is not None
    assert reminded <= due
    mail = follow_up.decide(case, silent, letters(), NOW)[-1]
    assert isinstance(mail, Letter)
    holding = replace(mail, kind=LetterKind.HOLDING)
    assert why_stale(holding, case, silent, due) == ""
    given = then(case, "no-gift: it was the weather")
    assert awaited_from(given, silent) is None
    assert why_stale(holding, given, silent, due) == "the case is fixed"


BY_LOSS = replace(
    GENEROUS,
    gestures_by_loss=((Money(10000, "GBP"), Money(1500, "GBP")), (Money(50000, "GBP"), Money(5000, "GBP"))),
)


@pytest.mark.parametrize(
    ("mailed", "said", "severity", "usual"),
    [
        ("", "", "normal", 1000),
        ("99.99 GBP", "", "normal", 1000),
        ("100.00 GBP", "", "normal", 1500),
        ("100.00 GBP", "", "high", 2000),
        ("640.00 GBP", "", "high", 5000),
        ("640.00 GBP", "80.00 GBP", "normal", 1000),
        ("", "640.00 GBP", "low", 5000),
        ("640.00 EUR", "", "normal", 1000),
    ],
)
def test_more_is_usual_for_a_greater_loss_as_the_mail_or_an_agent_says(
    mailed: str, said: str, severity: str, usual: int
) -> None:
    case = a_case(severity=severity, suggested=(("loss", mailed),) if mailed else ()).case
    case = replace(case, facts=replace(case.facts, loss=said or None))
    assert BY_LOSS.usual_gesture(case) == Money(usual, "GBP")


@pytest.mark.parametrize("line", ["loss: 640 GBP", "loss: £640", "loss: 640.00 GBP."])
def test_an_agent_says_what_the_customer_lost(line: str) -> None:
    assert then(a_case().case, line).loss == Money(64000, "GBP")


def test_a_loss_that_is_no_amount_comes_back() -> None:
    with pytest.raises(NotUnderstoodError):
        said(a_case().case, "loss: his temper")
