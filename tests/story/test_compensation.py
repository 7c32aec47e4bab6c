"""Compensation: limits of agents, the monthly cap, no duplicates, and approval by a second person."""

from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, Gift, GrantState, Money, OtherGrant
from followupd.domain.letter import Letter
from followupd.errors import NotUnderstoodError
from followupd.recovery import remind
from tests.builders import NOW, PLAYBOOK, a_case
from tests.story.lettered import letters
from tests.story.saying import said, then

CAP = Money.of("100", "EUR")


def refund(amount: str, *, at: datetime = NOW, state: GrantState = GrantState.ISSUED) -> Compensation:
    return Compensation(n=1, kind=Gift.REFUND, state=state, money=Money.of(amount, "EUR"), granted_at=at)


def elsewhere(
    amount: str, *, still: bool = False, at: datetime = NOW, state: GrantState = GrantState.ISSUED
) -> OtherGrant:
    return OtherGrant("FU-0THER", still, refund(amount, at=at, state=state))


def first(case: Case) -> Compensation:
    return case.compensation[0]


def test_an_agent_grants_alone_up_to_the_limit() -> None:
    grant = first(then(a_case().case, "refund: 50"))
    assert (grant.state, grant.granted_by, grant.granted_at) == (GrantState.GRANTED, "Ana Reyes", NOW)


def test_a_grant_above_the_limit_waits_for_approval_with_a_reason() -> None:
    grant = first(then(a_case().case, "refund: 50.01"))
    assert grant.state is GrantState.WAITING_APPROVAL
    assert grant.because == "50.01 EUR is above the limit of Ana Reyes, 50.00 EUR"


def test_a_grant_in_another_currency_than_the_limit_waits_for_approval() -> None:
    [grant] = then(a_case().case, "refund: 5 USD").compensation
    assert grant.state is GrantState.WAITING_APPROVAL
    assert grant.because == "5.00 USD is of another currency than the limit of Ana Reyes, 50.00 EUR"


def test_an_agent_cannot_approve_an_own_grant() -> None:
    case = then(a_case().case, "refund: 600", agent="lee")
    with pytest.raises(NotUnderstoodError, match="Lee Park granted it"):
        said(case, "approve", agent="lee")
    approved = first(then(case, "approve", agent="max"))
    assert (approved.state, approved.granted_by, approved.approved_by) == (
        GrantState.GRANTED,
        "Lee Park",
        "Max Ito",
    )


def test_a_tag_counts_as_the_owners_grant_which_the_owner_cannot_approve() -> None:
    case = then(a_case(owner="lee").case, "refund: 600", agent="", source="tag")
    with pytest.raises(NotUnderstoodError, match="somebody else must approve"):
        said(case, "approve", agent="lee")


def test_a_leads_own_grant_is_for_a_manager_to_approve() -> None:
    case = then(a_case().case, "refund: 600", agent="lee")
    mails = [step for step in remind.decide(case, PLAYBOOK, letters(), NOW) if isinstance(step, Letter)]
    assert [mail.to.address for mail in mails] == ["max@agents.test"]


def test_a_tag_approves_a_letter_in_review_but_no_grant() -> None:
    case = then(a_case().case, "refund: 80")
    with pytest.raises(NotUnderstoodError, match="not by a tag"):
        said(case, "approve", agent="", source="tag")


def test_grants_of_all_cases_and_this_month_count_towards_the_cap() -> None:
    given = [elsewhere("40", at=NOW), elsewhere("30", at=NOW + timedelta(hours=1))]
    grant = first(then(a_case().case, "refund: 40", other_grants=given, cap=CAP))
    assert grant.state is GrantState.WAITING_APPROVAL
    assert "granted 70.00 EUR this month; with 40.00 EUR it is above the cap of 100.00 EUR" in grant.because
    assert first(then(a_case().case, "refund: 30", other_grants=given, cap=CAP)).state is GrantState.GRANTED


def test_last_month_refusals_and_proposals_do_not_count() -> None:
    november = datetime(2026, 11, 30, 23, tzinfo=UTC)
    given = [
        elsewhere("90", at=november),
        elsewhere("90", state=GrantState.REFUSED),
        elsewhere("90", state=GrantState.PROPOSED),
    ]
    assert first(then(a_case().case, "refund: 40", other_grants=given, cap=CAP)).state is GrantState.GRANTED


def test_grants_of_the_same_case_count_too() -> None:
    case = then(a_case().case, "refund: 50", "credit: 45", cap=CAP)
    assert [grant.state for grant in case.compensation] == [GrantState.GRANTED] * 2
    third = then(case, "gift-card: 10", cap=CAP).compensation[2]
    assert third.state is GrantState.WAITING_APPROVAL


def test_only_a_lead_approves_a_grant_above_the_cap() -> None:
    case = then(a_case().case, "refund: 40", other_grants=[elsewhere("90")], cap=CAP)
    assert [event.__class__.__name__ for event in said(case, "approve", agent="lee")] == [
        "CompensationApproved"
    ]
    small = then(a_case().case, "refund: 40", other_grants=[elsewhere("90")], cap=CAP, agent="lee")
    with pytest.raises(NotUnderstoodError, match="a lead answers"):
        said(small, "approve", agent="ana")


def test_the_same_grant_in_another_open_case_is_asked_about() -> None:
    grant = first(then(a_case().case, "refund: 25", other_grants=[elsewhere("25", still=True)]))
    assert grant.state is GrantState.WAITING_APPROVAL
    assert grant.because == "the same refund of 25.00 EUR is granted to this customer in FU-0THER already"


@pytest.mark.parametrize(
    "other",
    [elsewhere("25"), elsewhere("24", still=True), elsewhere("25", still=True, state=GrantState.REFUSED)],
)
def test_a_grant_of_a_closed_case_another_amount_or_a_refused_one_is_no_duplicate(other: OtherGrant) -> None:
    assert first(then(a_case().case, "refund: 25", other_grants=[other])).state is GrantState.GRANTED


def test_the_same_grant_twice_in_one_case_is_one_grant() -> None:
    case = then(a_case().case, "refund: 25")
    assert said(case, "refund: 25") == []


def test_a_grant_stores_when_it_was_issued() -> None:
    later = NOW + timedelta(hours=3)
    grant = first(then(then(a_case().case, "refund: 25"), "issued: 1", now=later))
    assert (grant.state, grant.issued_at) == (GrantState.ISSUED, later)
