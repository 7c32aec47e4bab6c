"""The gift card: ordered once after the follow-up, unless a person must look at the case first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.compensation import Gift, GrantState, Money
from followupd.recovery import gift_card
from tests.builders import PLAYBOOK, Story, a_case
from tests.story.lettered import letters

SENT = datetime(2026, 12, 4, 10, tzinfo=UTC)  # a Friday
DUE = datetime(2026, 12, 7, 10, tzinfo=UTC)  # one business day later
EURO_20 = Money(2000, "EUR")


def followed_up(story: Story) -> Story:
    return story.knows().fixed().at(SENT).followed_up()


def granted() -> Story:
    return followed_up(a_case().granted(Gift.GIFT_CARD, "20"))


def test_a_gift_card_is_due_one_business_day_after_the_follow_up() -> None:
    before = a_case().granted(Gift.GIFT_CARD, "20").knows().fixed().case
    assert gift_card.next_due(before, PLAYBOOK) is None
    case = granted().case
    assert gift_card.next_due(case, PLAYBOOK) == DUE
    assert gift_card.decide(case, PLAYBOOK, letters(), DUE - timedelta(seconds=1)) == []
    assert gift_card.decide(case, PLAYBOOK, letters(), DUE) == [e.GiftCardDue(at=DUE, n=1, money=EURO_20)]


def test_a_gift_card_is_ordered_once() -> None:
    story = granted().happened(e.GiftCardDue(at=DUE, n=1, money=EURO_20))
    assert gift_card.next_due(story.case, PLAYBOOK) is None
    assert gift_card.decide(story.case, PLAYBOOK, letters(), DUE + timedelta(days=9)) == []


def test_a_playbook_with_a_gift_card_grants_one_unless_the_case_has_had_one() -> None:
    generous = replace(PLAYBOOK, gift_card_amount=EURO_20)
    grant, due = gift_card.decide(followed_up(a_case()).case, generous, letters(), DUE)
    assert isinstance(grant, e.CompensationGranted)
    assert grant.compensation.source == "playbook"
    assert isinstance(due, e.GiftCardDue)
    refused = followed_up(a_case().granted(Gift.GIFT_CARD, "50", state=GrantState.REFUSED)).case
    assert gift_card.next_due(refused, generous) is None


@pytest.mark.parametrize(
    ("hindrance", "why"),
    [
        (e.Held(at=SENT, by="Ana Reyes", why="wait"), "the case is held"),
        (
            e.CustomerNotReached(at=SENT, why="the follow-up came back"),
            "the customer was not reached: the follow-up came back",
        ),
    ],
)
def test_no_card_is_ordered_while_a_person_must_look_at_the_case(hindrance: e.Event, why: str) -> None:
    case = granted().happened(hindrance).case
    assert gift_card.decide(case, PLAYBOOK, letters(), DUE) == []
    assert gift_card.why_blocked(case) == why


def test_a_reopened_case_gets_no_card() -> None:
    case = granted().happened(e.Reopened(at=SENT, by="Ana Reyes")).case
    assert gift_card.decide(case, PLAYBOOK, letters(), DUE) == []


def test_the_order_of_a_refused_card_is_cancelled() -> None:
    case = granted().happened(e.GiftCardDue(at=DUE, n=1, money=EURO_20)).case
    assert gift_card.why_cancelled(case, 1) == ""
    refused = lifecycle.after(case, e.CompensationRefused(at=DUE, by="Lee Park", n=1))
    assert gift_card.why_cancelled(refused, 1) == "the gift card is refused"
    assert gift_card.why_cancelled(case, 2) == "the gift card is not granted"
