"""Options: the customer answers with a number; an unclear answer goes to the owner."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.decision import Decision, as_event
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.promise import Option, OptionState
from followupd.errors import NotUnderstoodError
from followupd.recovery import answers, confirm, follow_up, remind
from followupd.recovery.blockers import blockers_of, why_stale
from followupd.text.answers import chosen
from tests.builders import NOW, PLAYBOOK, a_case, a_mail
from tests.story.lettered import flat, letters
from tests.story.saying import said, then

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
SOON = NOW + timedelta(minutes=11)
LINES = ("option: a replacement by Friday", "option: your money back")
ANSWERS = Path(__file__).parent / "options_answers.txt"


def offered() -> Case:
    return then(a_case().case, *LINES)


def wrote(case: Case) -> tuple[Case, Letter]:
    steps = confirm.decide(case, PLAYBOOK, letters(), SOON)
    [letter] = [step for step in steps if isinstance(step, Letter)]
    return follow(case, steps, SOON), letter


def follow(case: Case, steps: list[Decision], now: datetime) -> Case:
    for step in steps:
        case = lifecycle.after(case, as_event(step, now))
    return case


def asked() -> Case:
    """A case whose letter with two options has left."""
    case, letter = wrote(offered())
    left = e.NextStepConfirmed(at=SOON, key=letter.key, kind=letter.kind, promises=letter.concerns)
    return lifecycle.after(case, left)


def answered(text: str, **changes: object) -> tuple[Case, list[Decision]]:
    case = lifecycle.after(asked(), e.CustomerWrote(at=SOON, text=text))
    steps = answers.read_choice(case, a_mail(text, **changes), PLAYBOOK, letters(), SOON)
    return follow(case, steps, SOON), steps


def test_options_are_asked_in_one_letter_after_the_quiet_window() -> None:
    case = offered()
    assert confirm.next_due(case, PLAYBOOK) == NOW + timedelta(minutes=10)
    assert confirm.decide(case, PLAYBOOK, letters(), NOW) == []
    case, letter = wrote(case)
    text = flat(letter.text)
    assert "Option 1: a replacement, by Friday, 4 December" in text
    assert "Option 2: your money back" in text
    assert "There is nothing else you need to do" not in text
    assert not letter.automatic  # an agent asked for it
    assert confirm.decide(case, PLAYBOOK, letters(), SOON) == []


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_options_are_asked_in_every_language(language: str) -> None:
    _, letter = wrote(replace(offered(), language=language))
    assert "1" in letter.text
    assert "a replacement" in letter.text
    assert "your money back" in letter.text


def test_a_letter_that_only_offers_options_leaves_the_stage_as_it_is() -> None:
    case = asked()
    assert case.stage is Stage.HEARD
    assert [option.n for option in case.to_choose] == [1, 2]


def test_the_numbered_answer_becomes_the_promise_and_is_put_in_writing() -> None:
    case, steps = answered("The first one please, thanks!")
    [promise] = case.promises
    assert (promise.text, promise.promised_by, promise.source) == ("a replacement", FRIDAY, "options")
    assert promise.internal_deadline == FRIDAY - timedelta(hours=4)  # our own date (practice 54)
    assert [option.state for option in case.options] == [OptionState.CHOSEN, OptionState.PASSED]
    assert not any(isinstance(step, Letter) for step in steps)
    later = SOON + timedelta(minutes=11)
    [letter] = [step for step in confirm.decide(case, PLAYBOOK, letters(), later) if isinstance(step, Letter)]
    assert "Here it is in writing" in flat(letter.text)
    assert "A replacement by Friday, 4 December" in flat(letter.text)
    assert "Option 1" not in letter.text


def test_an_unclear_answer_goes_to_the_owner_with_the_lines_to_answer() -> None:
    case, steps = answered("Option 2, but only if it comes by Thursday")
    assert case.promises == ()
    [mail] = [step for step in steps if isinstance(step, Letter)]
    for words in ("choose: 1", "choose: 2", "only if it comes by Thursday"):
        assert words in mail.text
    chosen = then(case, "choose: 2", now=SOON)
    assert [promise.text for promise in chosen.promises] == ["your money back"]


def test_a_forged_answer_promises_nothing() -> None:
    case, _ = answered("2", forged="DMARC failed")
    assert case.promises == ()


def test_an_answer_after_the_day_has_passed_goes_to_the_owner() -> None:
    case = asked()
    late = FRIDAY + timedelta(days=3)
    steps = answers.read_choice(case, a_mail("1"), PLAYBOOK, letters(), late)
    assert [type(step) for step in steps] == [e.OwnerNudged, Letter]
    with pytest.raises(NotUnderstoodError, match="has passed"):
        said(case, "choose: 1", now=late)


def test_a_number_is_ignored_when_no_options_were_offered() -> None:
    case = lifecycle.after(offered(), e.CustomerWrote(at=SOON, text="2"))
    assert answers.read_choice(case, a_mail("2"), PLAYBOOK, letters(), SOON) == []


def test_a_letter_with_options_is_stale_once_one_was_chosen() -> None:
    case, letter = wrote(offered())
    assert why_stale(letter, case, PLAYBOOK, SOON) == ""
    assert (
        why_stale(letter, then(case, "choose: 1", now=SOON), PLAYBOOK, SOON)
        == "the options changed meanwhile"
    )


def test_options_of_a_returned_letter_are_offered_again() -> None:
    case, letter = wrote(offered())
    case = lifecycle.after(case, e.LetterDropped(at=SOON, key=letter.key, kind=LetterKind.CONFIRMATION))
    assert len(case.unasked) == 2
    again, second = wrote(case)
    assert second.key != letter.key
    assert again.unasked == ()


def test_the_same_option_twice_is_one_option() -> None:
    assert said(offered(), LINES[0]) == []


def test_an_option_needs_a_text_and_a_future_date() -> None:
    with pytest.raises(NotUnderstoodError, match="not what"):
        said(a_case().case, "option: by Friday")
    with pytest.raises(NotUnderstoodError, match="nothing left to choose"):
        said(a_case().fixed().case, "option: a replacement by Friday")


def rows() -> list[tuple[int, int | None, str]]:
    lines = [line for line in ANSWERS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    parts = [[part.strip() for part in line.split("|", 3)] for line in lines]
    return [(int(count), None if n == "?" else int(n), text) for _, count, n, text in parts]


def test_only_a_clear_choice_is_accepted() -> None:
    found = [(expected, read(count, text), text) for count, expected, text in rows()]
    wrong = [row for row in found if row[1] not in {None, row[0]}]
    assert wrong == []  # better ask than guess
    meant = [row for row in found if row[0] is not None]
    assert sum(row[1] == row[0] for row in meant) >= 0.95 * len(meant), [
        row for row in meant if row[1] is None
    ]


def read(count: int, text: str) -> int | None:
    choices = [Option(n=n, text=f"way {n}", promised_by=None) for n in range(1, count + 1)]
    return chosen(text, choices, ("Ana Reyes", "Kim Doe"))


def test_a_single_option_is_not_offered() -> None:
    case = then(a_case().case, "option: your money back")
    assert confirm.next_due(case, PLAYBOOK) is None
    assert confirm.decide(case, PLAYBOOK, letters(), SOON) == []


def test_a_later_option_is_offered_together_with_the_earlier_ones() -> None:
    later = SOON + timedelta(hours=1)
    case = then(asked(), "option: a voucher", now=later)
    [_, letter] = confirm.decide(case, PLAYBOOK, letters(), later + timedelta(minutes=11))
    assert isinstance(letter, Letter)
    assert all(f"Option {n}:" in letter.text for n in (1, 2, 3))


def test_a_withdrawn_option_cannot_be_chosen() -> None:
    case = then(asked(), "withdraw-option: 1 because it is sold out")
    assert [each.state for each in case.options] == [OptionState.WITHDRAWN, OptionState.OPEN]
    case = lifecycle.after(case, e.CustomerWrote(at=SOON, text="1 please"))
    [told, mail] = answers.read_choice(case, a_mail("1 please"), PLAYBOOK, letters(), SOON)
    assert isinstance(told, e.OwnerNudged)
    assert isinstance(mail, Letter)
    assert "choose: 2" in mail.text
    assert "choose: 1" not in mail.text


def test_a_letter_that_offers_a_withdrawn_option_is_stale() -> None:
    case, letter = wrote(offered())
    assert why_stale(letter, case, PLAYBOOK, SOON) == ""
    assert (
        why_stale(letter, then(case, "withdraw-option: 2 because 2 weeks are too long"), PLAYBOOK, SOON)
        == "the options changed meanwhile"
    )


def test_one_command_withdraws_all_open_options() -> None:
    case = then(asked(), "withdraw-option")
    assert {each.state for each in case.options} == {OptionState.WITHDRAWN}
    with pytest.raises(NotUnderstoodError, match="no option"):
        said(then(a_case().case), "withdraw-option")
    with pytest.raises(NotUnderstoodError, match="the open ones are 1, 2"):
        said(asked(), "withdraw-option: 7")


def test_a_choice_in_a_dismissed_case_is_ignored() -> None:
    case = replace(asked(), stage=Stage.DISMISSED)
    assert answers.read_choice(case, a_mail("2"), PLAYBOOK, letters(), SOON) == []


def reminded(case: Case, until: datetime) -> list[tuple[datetime, Letter]]:
    """Let the time pass and say everything that is to be said; return the mails to agents."""
    found: list[tuple[datetime, Letter]] = []
    now = SOON
    while (now := remind.next_due(case, PLAYBOOK) or until) < until:
        steps = remind.decide(case, PLAYBOOK, letters(), now)
        assert steps
        found += [(now, each) for each in steps if isinstance(each, Letter)]
        case = follow(case, steps, now)
    return found


def test_without_a_choice_the_owner_is_asked_to_call_and_later_the_lead_is_told() -> None:
    mails = reminded(asked(), SOON + timedelta(days=20))
    assert [(at.date().day, mail.to.address) for at, mail in mails] == [
        (3, "ana@agents.test"),
        (8, "lee@agents.test"),
    ]
    assert "please call; on offer: 1 “a replacement”, 2 “your money back”" in flat(mails[0][1].text)
    assert "choose: 2" in mails[0][1].text
    assert "withdraw-option: 1" in mails[0][1].text
    assert not any(
        "no word from us" in flat(mail.text) for _, mail in mails
    )  # the next word is the customer's


def test_the_owner_is_asked_about_a_single_option() -> None:
    [(at, mail), *_] = reminded(then(a_case().case, "option: your money back"), SOON + timedelta(days=1))
    assert at == NOW + timedelta(hours=2)
    assert "Option 1, “your money back”, stands alone" in flat(mail.text)


def test_an_open_option_blocks_the_follow_up() -> None:
    case = a_case().knows().case
    case = follow(then(case, *LINES), [e.Fixed(at=SOON)], SOON)
    [asked_for, mail] = follow_up.decide(case, PLAYBOOK, letters(), SOON)
    assert isinstance(asked_for, e.MissingAsked)
    assert isinstance(mail, Letter)
    assert "Option 1, “a replacement”, is open, and nobody has chosen" in flat(mail.text)
    assert all(line in mail.text for line in ("choose: 1", "choose: 2", "withdraw-option: 1 because"))
    day = datetime(2026, 12, 4, 11, tzinfo=UTC)
    assert [
        step.kind for step in follow_up.decide(case, PLAYBOOK, letters(), day) if isinstance(step, Letter)
    ] == [LetterKind.FACTS]
    free = then(case, "withdraw-option: 1, 2 because both came too late")
    assert [
        step.kind for step in follow_up.decide(free, PLAYBOOK, letters(), day) if isinstance(step, Letter)
    ] == [LetterKind.FOLLOW_UP]


def test_a_choice_after_the_fix_becomes_a_promise_that_blocks_the_follow_up() -> None:
    case = follow(asked(), [e.Fixed(at=SOON), e.CustomerWrote(at=SOON, text="2")], SOON)
    case = follow(case, answers.read_choice(case, a_mail("2"), PLAYBOOK, letters(), SOON), SOON)
    assert "promise-1" in {lack.name for lack in blockers_of(case, PLAYBOOK)}
    assert not any(lack.name.startswith("option") for lack in blockers_of(case, PLAYBOOK))
