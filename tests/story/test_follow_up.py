"""The follow-up: written on its day if nothing is owed; then a call, and the close."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Gift
from followupd.domain.decision import Decision, as_event
from followupd.domain.letter import Letter, LetterKind
from followupd.recovery import follow_up
from tests.builders import ANA, KIM, NOW, PLAYBOOK, Story, a_case
from tests.story.lettered import flat, letters

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
DUE = datetime(2026, 12, 4, 10, tzinfo=UTC)  # three business days after Tuesday at ten


def acted(case: Case, now: datetime) -> list[Decision]:
    return follow_up.decide(case, PLAYBOOK, letters(), now)


def put_right() -> Story:
    return a_case().knows().fixed()


def test_the_follow_up_is_due_three_business_days_after_the_fix() -> None:
    case = put_right().case
    assert follow_up.next_due(case, PLAYBOOK) == DUE
    assert acted(case, DUE - timedelta(minutes=1)) == []
    [letter] = acted(case, DUE)
    assert isinstance(letter, Letter)
    assert (letter.kind, letter.to) == (LetterKind.FOLLOW_UP, KIM)
    words = flat(letter.text)
    for fact in ("label was torn", "a new one went out", "labels are checked", ANA.phone, ANA.email):
        assert fact.lower() in words.lower()


@pytest.mark.parametrize(
    "owed",
    [
        lambda story: story.promised("ship the replacement", by=FRIDAY),
        lambda story: story.granted(Gift.REFUND, "25"),
        lambda story: story.customer_wrote("It is broken again."),
        lambda story: story.happened(e.Held(at=NOW, by="Ana Reyes", why="wait")),
        lambda story: story.happened(e.CustomerNotReached(at=NOW, why="the letter came back")),
    ],
)
def test_anything_open_blocks_the_follow_up(owed: object) -> None:
    assert callable(owed)
    case = owed(put_right()).case
    assert not follow_ups(acted(case, DUE + timedelta(days=30)))


def follow_ups(decisions: list[Decision]) -> list[Letter]:
    """Return the follow-ups among decisions."""
    letters = [decision for decision in decisions if isinstance(decision, Letter)]
    return [letter for letter in letters if letter.kind is LetterKind.FOLLOW_UP]


def test_an_unknown_fact_blocks_the_follow_up() -> None:
    assert not follow_ups(acted(a_case().fixed().case, DUE + timedelta(days=30)))


def test_kept_promises_and_issued_grants_do_not_block_and_are_named_in_the_letter() -> None:
    story = a_case().promised("ship the replacement", by=FRIDAY).kept().granted(Gift.REFUND, "25").issued()
    [letter] = acted(story.knows().fixed().case, DUE)
    assert isinstance(letter, Letter)
    assert "€25.00" in letter.text


def test_a_gift_card_neither_blocks_the_follow_up_nor_is_named_in_it() -> None:
    [letter] = acted(put_right().granted(Gift.GIFT_CARD, "20").case, DUE)
    assert isinstance(letter, Letter)
    assert "gift" not in letter.text.lower()


def test_a_customer_who_is_away_gets_the_follow_up_after_the_return() -> None:
    back = datetime(2026, 12, 14, 9, tzinfo=UTC)
    case = put_right().happened(e.CustomerAway(at=NOW, until=back)).case
    assert follow_up.next_due(case, PLAYBOOK) == back


def test_no_second_follow_up_is_written() -> None:
    case = put_right().case
    [letter] = acted(case, DUE)
    assert isinstance(letter, Letter)
    written = e.LetterWritten(
        at=DUE, key=letter.key, kind=LetterKind.FOLLOW_UP, to=KIM.address, subject=letter.subject
    )
    assert acted(lifecycle.after(case, written), DUE + timedelta(days=1)) == []


def test_a_call_is_requested_on_the_day_of_the_letter_even_after_an_earlier_call() -> None:
    story = put_right().happened(e.CustomerReached(at=NOW, by="Ana Reyes")).at(DUE).followed_up()
    asked, task = acted(story.case, DUE)
    assert isinstance(asked, e.CallAsked)
    assert isinstance(task, Letter)
    assert (task.kind, task.to.address) == (LetterKind.CALL, ANA.email)
    assert acted(story.happened(asked).case, DUE + timedelta(hours=1)) == []


def test_the_case_closes_once_the_customer_was_reached_or_ten_business_days_have_passed() -> None:
    story = put_right().at(DUE).followed_up().happened(e.CallAsked(at=DUE))
    reached = a_case().knows().fixed().at(DUE).followed_up()
    reached.happened(e.CallAsked(at=DUE), e.CustomerReached(at=DUE, by="Ana Reyes"))
    [closed] = acted(reached.case, DUE + timedelta(hours=1))
    assert isinstance(closed, e.Closed)
    assert acted(story.case, DUE + timedelta(days=13)) == []
    [closed] = acted(story.case, DUE + timedelta(days=14))
    assert isinstance(closed, e.Closed)
    assert story.happened(closed).case.stage is Stage.CLOSED


def test_a_case_with_an_unanswered_mail_does_not_close_by_time() -> None:
    story = put_right().at(DUE).followed_up().happened(e.CallAsked(at=DUE))
    story.at(DUE + timedelta(days=1)).customer_wrote("May I ask one more thing?")
    assert acted(story.case, DUE + timedelta(days=60)) == []
    story.at(DUE + timedelta(days=2)).agent_wrote()
    [closed] = acted(story.case, DUE + timedelta(days=60))
    assert isinstance(closed, e.Closed)


def test_the_gift_cards_letter_is_no_answer_to_an_unanswered_mail() -> None:
    story = put_right().granted(Gift.GIFT_CARD, "20").at(DUE).followed_up().happened(e.CallAsked(at=DUE))
    story.at(DUE + timedelta(days=1)).customer_wrote("May I ask one more thing?")
    sent = DUE + timedelta(days=2)
    key = story.case.next_key(LetterKind.GIFT_CARD)
    story.happened(e.GiftCardSent(at=sent, key=key, kind=LetterKind.GIFT_CARD, n=1))
    assert acted(story.case, DUE + timedelta(days=60)) == []


def test_the_proof_of_a_follow_up_that_comes_late_is_no_answer_to_a_mail_that_came_before() -> None:
    story = put_right().at(DUE).customer_wrote("One more thing: who pays the postage?")
    story.at(DUE + timedelta(hours=1)).followed_up().happened(e.CallAsked(at=DUE + timedelta(hours=1)))
    assert acted(story.case, DUE + timedelta(days=60)) == []


# --- nothing leaves unread -----------------------------------------------------------------------------------------------

SHOWING = replace(PLAYBOOK, follow_up_show=True)


def shown(case: Case, now: datetime) -> list[Decision]:
    return follow_up.decide(case, SHOWING, letters(), now)


def after(case: Case, decisions: Iterable[Decision], now: datetime) -> Case:
    for decision in decisions:
        case = lifecycle.after(case, as_event(decision, now))
    return case


def test_the_owner_reads_the_whole_follow_up_an_hour_before_it_leaves() -> None:
    case, hour = put_right().case, timedelta(hours=1)
    assert shown(case, DUE - hour - timedelta(minutes=1)) == []
    told, mail = shown(case, DUE - hour)
    assert isinstance(told, e.OwnerNudged)
    assert isinstance(mail, Letter)
    assert mail.kind is LetterKind.NUDGE
    case = after(case, (told, mail), DUE - hour)
    assert follow_up.next_due(case, SHOWING) == DUE
    assert shown(case, DUE - timedelta(minutes=1)) == []
    [letter] = shown(case, DUE)
    assert isinstance(letter, Letter)
    assert flat(letter.text) in flat(mail.text.replace("\n>", "\n"))


def test_tell_shows_the_follow_up_where_nothing_keeps_it_back() -> None:
    [letter] = follow_up.unread_letters(put_right().case, SHOWING, letters(), NOW)
    assert "label was torn" in flat(letter.text).lower()
    owing = put_right().promised("ship the replacement", by=FRIDAY).case
    assert follow_up.unread_letters(owing, SHOWING, letters(), NOW) == []


def test_a_follow_up_with_other_words_is_shown_again_and_otherwise_never() -> None:
    case = after(put_right().case, shown(put_right().case, DUE), DUE)
    later = DUE + timedelta(minutes=30)
    assert shown(case, later) == []
    changed = replace(case, facts=replace(case.facts, cause="we had printed the label twice"))
    _, again = shown(changed, later)
    assert isinstance(again, Letter)
    assert "printed the label twice" in flat(again.text.replace("\n>", "\n"))
    assert shown(after(changed, shown(changed, later), later), later) == []


def test_a_follow_up_in_review_is_shown_by_its_draft_alone() -> None:
    reviewed = replace(PLAYBOOK, follow_up_review=True)
    [letter] = follow_up.decide(put_right().case, reviewed, letters(), DUE)
    assert isinstance(letter, Letter)
    assert letter.review
