"""The fix: the owner is asked once for what the follow-up lacks, with lines to fill in."""

from datetime import UTC, datetime

from followupd.domain.case import Case
from followupd.domain.command import read_line
from followupd.domain.compensation import Gift
from followupd.domain.decision import Decision
from followupd.domain.events import MissingAsked
from followupd.domain.letter import Letter, LetterKind
from followupd.errors import NotUnderstoodError
from followupd.recovery import follow_up
from tests.builders import ANA, NOW, PLAYBOOK, a_case
from tests.story.lettered import flat, letters
from tests.story.saying import then

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)


def acted(case: Case) -> list[Decision]:
    return follow_up.decide(case, PLAYBOOK, letters(), NOW)


def test_nothing_is_asked_before_the_fix_or_when_nothing_is_missing() -> None:
    assert acted(a_case().case) == []
    assert acted(a_case().knows().fixed().case) == []


def test_one_mail_asks_for_everything_that_is_missing_with_a_line_for_each() -> None:
    story = a_case().promised("ship the replacement", by=FRIDAY).granted(Gift.REFUND, "25").fixed()
    asked, mail = acted(story.case)
    assert isinstance(asked, MissingAsked)
    assert set(asked.missing) == {"promise-1", "grant-1", "cause", "resolution", "prevention", "fault"}
    assert isinstance(mail, Letter)
    assert (mail.kind, mail.to.address) == (LetterKind.FACTS, ANA.email)
    for line in ("kept: 1", "issued: 1", "cause:", "resolution:", "prevention:"):
        assert line in mail.text


def test_optional_facts_are_asked_for_only_in_a_mail_that_is_needed_anyway() -> None:
    asked, mail = acted(a_case().fixed().case)
    assert isinstance(asked, MissingAsked)
    assert isinstance(mail, Letter)
    assert set(asked.missing) == {"cause", "resolution", "prevention", "fault"}  # the others stop no letter
    lines = [line.strip() for line in mail.text.splitlines()]
    start = lines.index("cause:")
    assert lines[start : start + 6] == [
        "cause:",
        "resolution:",
        "prevention:",
        "fault: ours",
        "impact:",
        "issue:",
    ]
    assert "Only with “ours” does the letter say that it was our mistake" in flat(mail.text)
    orders = {line for line in lines if is_order(line)}
    assert orders == set(
        lines[start : start + 6]
    )  # what explains a line is none itself, should it come back unquoted


def test_optional_facts_that_are_known_are_not_asked_for() -> None:
    case = then(a_case().fixed().case, "fault: not-ours", "impact: the birthday went without a present")
    _, mail = acted(case)
    assert isinstance(mail, Letter)
    assert "issue:" in mail.text.splitlines()
    assert not {"fault:", "impact:"} & set(mail.text.splitlines())
    assert "not-ours" not in mail.text


def is_order(line: str) -> bool:
    try:
        return bool(read_line(line if not line.endswith(":") else f"{line} x"))
    except NotUnderstoodError:
        return False


def test_the_owner_is_asked_again_only_when_something_new_is_missing() -> None:
    story = a_case().fixed()
    asked, _ = acted(story.case)
    assert isinstance(asked, MissingAsked)
    story.happened(asked)
    assert acted(story.case) == []
    assert acted(story.granted(Gift.CREDIT, "5").case)


def test_a_gift_card_is_not_missing_because_it_follows_the_follow_up() -> None:
    assert acted(a_case().granted(Gift.GIFT_CARD, "20").knows().fixed().case) == []
