"""Odd but reasonable notes: what was meant is done, nothing is lost, and no stray line becomes part of a promise."""

import pytest

from followupd.domain.command import Request, read_line, read_request
from followupd.domain.compensation import Gift, GrantState
from followupd.errors import NotUnderstoodError
from followupd.text.notes import join_wrapped
from tests.builders import a_case
from tests.story.saying import then


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("- kept: 1", ("kept", "1")),
        ("* refund: 5 EUR", ("refund", "5 EUR")),
        ("1. hold", ("hold", "")),
        ("2) release", ("release", "")),
        ("kept 1", ("kept", "1")),
        ("Kept 1 and 2", ("kept", "1 and 2")),
        ("refund 25", ("refund", "25")),
        ("refund €25.00", ("refund", "€25.00")),
        ("late 2 until Friday because of the snow", ("late", "2 until Friday because of the snow")),
        ("gift card: 20 EUR", ("gift-card", "20 EUR")),
        ("Free shipping: next order", ("free-shipping", "next order")),
        ("not reached", ("not-reached", "")),
        ("Not reached: voicemail", ("not-reached", "voicemail")),
        ("withdraw option: 1", ("withdraw-option", "1")),
        ("hold 2 days", ("hold", "2 days")),
    ],
)
def test_marks_of_lists_and_missing_colons_and_hyphens_are_no_hindrance(
    line: str, read: tuple[str, str]
) -> None:
    assert read_line(line) == read


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("refnd: 25", "Did you mean 'refund: amount'"),
        ("promisse: ship it", "Did you mean 'promise: what by when'"),
        ("giftcard: 20", "Did you mean 'gift-card: amount'"),
        ("I spoke with Kim today", "I know: complaint, dismiss"),
    ],
)
def test_what_is_not_known_comes_back_with_what_may_have_been_meant(line: str, hint: str) -> None:
    with pytest.raises(NotUnderstoodError) as caught:
        read_line(line)
    assert hint in str(caught.value)


def test_a_wrapped_line_goes_on_and_a_new_one_does_not() -> None:
    long = "promise: we send the replacement kettle by our own driver, who rings the bell,"
    assert join_wrapped([long, "by Friday"]) == [f"{long} by Friday"]
    assert join_wrapped([long, "- kept: 1", "* refund: 5 EUR"]) == [long, "- kept: 1", "* refund: 5 EUR"]
    assert join_wrapped([long, "Thanks, Ana"]) == [long, "Thanks, Ana"]
    assert join_wrapped(["promise: ship it by Friday", "Best wishes", "Ana"]) == [
        "promise: ship it by Friday",
        "Best wishes",
        "Ana",
    ]


def test_issued_alone_does_not_take_a_gift_card_for_sent() -> None:
    case = a_case().granted(Gift.REFUND, "25").granted(Gift.GIFT_CARD, "20").case
    after = then(case, "issued")
    assert [grant.state for grant in after.compensation] == [GrantState.ISSUED, GrantState.GRANTED]
    by_hand = then(case, "issued: 2")
    assert [grant.state for grant in by_hand.compensation] == [GrantState.GRANTED, GrantState.ISSUED]


def test_a_question_to_a_department_has_its_date_before_the_colon_and_its_words_as_they_were_written() -> (
    None
):
    assert read_request("warehouse by Friday: is it  back - on the shelf?") == Request(
        "warehouse", "by Friday", "is it  back - on the shelf?"
    )
    assert read_request("Warehouse by 4 December 10:30: is it back: yes?") == Request(
        "warehouse", "by 4 December 10:30", "is it back: yes?"
    )
    assert read_request("warehouse: is it back?") == Request("warehouse", "", "is it back?")
    for nothing in ("warehouse", "warehouse by Friday", ": is it back?"):
        with pytest.raises(NotUnderstoodError, match="expected 'ask: department by when: question'"):
            read_request(nothing)
