"""Commands about compensation: a case in some state x a line -> what follows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Compensation, Gift, GrantState, Money, OtherGrant, above_cap
from followupd.domain.playbook import Agent, Team
from followupd.domain.promise import Found, FoundCompensation, FoundPromise, Promise, PromiseKind
from followupd.errors import NotUnderstoodError
from followupd.recovery import confirm
from tests.builders import ANA, LEE, MAX, NOW, PLAYBOOK, Story, a_case
from tests.policies.stubs import after, names, run

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
Change = Callable[[Story], Story]
GRANTED, WAITING, PROPOSED = GrantState.GRANTED, GrantState.WAITING_APPROVAL, GrantState.PROPOSED
ISSUED, CONFIRMED, MISSING, REFUSED = (
    GrantState.ISSUED,
    GrantState.CONFIRMED,
    GrantState.MISSING,
    GrantState.REFUSED,
)


def granted(case: Case, line: str, **more: Any) -> Compensation:
    """Return the grant that follows from a line, which is the last event."""
    event = run(case, line, **more)[-1]
    assert isinstance(event, e.CompensationGranted)
    return event.compensation


# --- a grant is made ---

EURO_25 = Money(2500, "EUR")
LINES: dict[str, tuple[str, Gift, Money | None, str]] = {
    "a refund": ("refund: 25 EUR", Gift.REFUND, EURO_25, ""),
    "of the company's currency": ("refund: 25", Gift.REFUND, EURO_25, ""),
    "with cents": ("refund: 25.50", Gift.REFUND, Money(2550, "EUR"), ""),
    "a tag with a hyphen": ("refund: 25-eur", Gift.REFUND, EURO_25, ""),
    "a tag with an underscore": ("refund: 25_50", Gift.REFUND, Money(2550, "EUR"), ""),
    "a tag in one word": ("refund: 25.50usd", Gift.REFUND, Money(2550, "USD"), ""),
    "a credit": ("credit: 25 EUR", Gift.CREDIT, EURO_25, ""),
    "a gift card": ("gift-card: 25 EUR", Gift.GIFT_CARD, EURO_25, ""),
    "a coupon by its code": ("coupon: SAVE10", Gift.COUPON, None, "SAVE10"),
    "a coupon with a value": (
        "coupon: SAVE10 of 25 EUR",
        Gift.COUPON,
        Money(1000, "EUR"),
        "SAVE10 of 25 EUR",
    ),
    "a coupon with a sign": ("coupon: 25 €", Gift.COUPON, EURO_25, "25 €"),
    "a coupon with a percentage": ("coupon: 10 % off", Gift.COUPON, None, "10 % off"),
    "a replacement": ("replacement: kettle of 25 EUR", Gift.REPLACEMENT, None, "kettle of 25 EUR"),
    "free shipping": ("free-shipping", Gift.FREE_SHIPPING, None, ""),
    "a gesture": ("gesture: flowers", Gift.GESTURE, None, "flowers"),
}


@pytest.mark.parametrize(("line", "kind", "money", "text"), LINES.values(), ids=LINES)
def test_a_line_grants(line: str, kind: Gift, money: Money | None, text: str) -> None:
    [event] = run(a_case().case, line)
    assert isinstance(event, e.CompensationGranted)
    grant = event.compensation
    assert (grant.n, grant.kind, grant.money, grant.text) == (1, kind, money, text)
    assert (grant.source, grant.agent, grant.promise) == ("note", "ana", 0)
    assert (event.at, event.by, event.why) == (NOW, "Ana Reyes", f"note: {line}")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("refund: much", "'refund: much' names no amount I can read; expected 'refund: amount'"),
        ("refund: 0", "'refund: 0' names no amount I can read; expected 'refund: amount'"),
        ("credit: some", "expected 'credit: amount'"),
        ("gift-card: nice", "expected 'gift-card: amount'"),
        ("refund: 25.123", "'refund: 25.123': '25.123' has more than 2 decimal places"),
    ],
)
def test_a_line_without_an_amount_is_asked_back(line: str, problem: str) -> None:
    with pytest.raises(NotUnderstoodError) as error:
        run(a_case().case, line)
    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (Stage.SUSPECTED, ["ComplaintHeard", "CompensationGranted"]),
        (Stage.DISMISSED, ["ComplaintHeard", "CompensationGranted"]),
        (Stage.HEARD, ["CompensationGranted"]),
        (Stage.CLOSED, ["CompensationGranted"]),
    ],
)
def test_a_grant_calls_it_a_complaint(stage: Stage, expected: list[str]) -> None:
    assert names(run(replace(a_case().case, stage=stage), "refund: 25")) == expected


def test_a_second_grant_has_the_next_number() -> None:
    case = a_case().granted(Gift.REFUND, "25").case
    assert granted(case, "credit: 30").n == 2


@pytest.mark.parametrize("state", [GRANTED, WAITING])
def test_another_amount_of_one_kind_is_asked_about_until_the_customer_has_heard_of_the_first(
    state: GrantState,
) -> None:
    with pytest.raises(NotUnderstoodError, match="was given before") as caught:
        run(has(Gift.REFUND, "25", state), "refund: 30")
    assert caught.value.draft == "refused: 1\nrefund: 30"


# --- never twice ---


def has(kind: Gift, amount: str = "", state: GrantState = GRANTED, **more: Any) -> Case:
    return a_case().granted(kind, amount, state=state, **more).case


TWICE: dict[str, tuple[Case, str, list[str]]] = {
    "the same refund": (has(Gift.REFUND, "25"), "refund: 25", []),
    "the same refund, issued": (has(Gift.REFUND, "25", ISSUED), "refund: 25", []),
    "the same refund, refused": (has(Gift.REFUND, "25", REFUSED), "refund: 25", ["CompensationGranted"]),
    "the same refund, waiting": (has(Gift.REFUND, "25", WAITING), "refund: 25", []),
    "another amount, issued": (has(Gift.REFUND, "25", ISSUED), "refund: 30", ["CompensationGranted"]),
    "another kind": (has(Gift.CREDIT, "25"), "refund: 25", ["CompensationGranted"]),
    "another replacement": (has(Gift.REPLACEMENT, text="kettle"), "replacement: teapot", []),
    "the same gesture": (has(Gift.GESTURE, text="flowers"), "gesture: flowers", []),
    "another gesture": (has(Gift.GESTURE, text="flowers"), "gesture: tea", ["CompensationGranted"]),
    "the same coupon": (has(Gift.COUPON, text="SAVE10"), "coupon: SAVE10", []),
    "another coupon": (has(Gift.COUPON, text="SAVE10"), "coupon: SAVE20", ["CompensationGranted"]),
    "a coupon of the same value": (has(Gift.COUPON, "25", text="A"), "coupon: 25 €", []),
    "one after a refused one": (
        a_case().granted(Gift.REFUND, "25", state=REFUSED).granted(Gift.REFUND, "25").case,
        "refund: 25",
        [],
    ),
}


@pytest.mark.parametrize(("case", "line", "expected"), TWICE.values(), ids=TWICE)
def test_nothing_is_granted_twice(case: Case, line: str, expected: list[str]) -> None:
    assert names(run(case, line)) == expected


def test_a_line_approves_a_proposal_of_the_same() -> None:
    grant = granted(has(Gift.REFUND, "25", PROPOSED), "refund: 25")
    assert (grant.n, grant.state, grant.agent) == (1, GRANTED, "ana")


# --- limits ---

BEN = replace(ANA, id="ben", name="Ben Ito", email="ben@agents.test", limit=None)
POUNDS = replace(ANA, id="kay", name="Kay Orr", email="kay@agents.test", limit=Money(5000, "GBP"))
TEAM = replace(PLAYBOOK, team=Team((ANA, BEN, POUNDS, LEE, MAX)))
LIMITS: dict[str, tuple[str, str, str]] = {
    "at the limit": ("refund: 50", "ana", ""),
    "above the limit": ("refund: 50.01", "ana", "50.01 EUR is above the limit of Ana Reyes, 50.00 EUR"),
    "below the limit of a lead": ("refund: 50.01", "lee", ""),
    "without a limit": ("refund: 5000", "ben", ""),
    "without an amount": ("replacement: a house", "ana", ""),
    "in another currency": (
        "refund: 1 EUR",
        "kay",
        "1.00 EUR is of another currency than the limit of Kay Orr, 50.00 GBP",
    ),
    "by a tag, which counts for the owner": (
        "refund: 50.01",
        "",
        "50.01 EUR is above the limit of Ana Reyes, 50.00 EUR",
    ),
}


@pytest.mark.parametrize(("line", "agent", "why"), LIMITS.values(), ids=LIMITS)
def test_an_agent_grants_alone_up_to_the_limit(line: str, agent: str, why: str) -> None:
    grant = granted(a_case().case, line, agent=agent, playbook=TEAM)
    assert (grant.state, grant.because) == (WAITING if why else GRANTED, why)
    assert grant.agent == (agent or "ana")


CAP = Money(10000, "EUR")
NOVEMBER = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)


def elsewhere(
    amount: str, *, at: datetime = NOW, state: GrantState = ISSUED, is_open: bool = False
) -> OtherGrant:
    grant = Compensation(
        n=1, kind=Gift.REFUND, state=state, money=Money.of(amount, "EUR"), granted_at=at, granted_by="Lee"
    )
    return OtherGrant("FU-OTHER", is_open, grant)


ABOVE = "the customer has been granted {} EUR this month; with 40.00 EUR it is above the cap of 100.00 EUR"
CAPS: dict[str, tuple[list[OtherGrant], Money | None, str]] = {
    "no cap": ([elsewhere("90")], None, ""),
    "at the cap": ([elsewhere("60")], CAP, ""),
    "above the cap": ([elsewhere("60.01")], CAP, ABOVE.format("60.01")),
    "in several cases": ([elsewhere("30"), elsewhere("31")], CAP, ABOVE.format("61.00")),
    "last month": ([elsewhere("90", at=NOVEMBER)], CAP, ""),
    "last year": ([elsewhere("90", at=NOW.replace(year=2025))], CAP, ""),
    "refused": ([elsewhere("90", state=REFUSED)], CAP, ""),
    "proposed": ([elsewhere("90", state=PROPOSED)], CAP, ""),
    "waiting": ([elsewhere("90", state=WAITING)], CAP, ABOVE.format("90.00")),
}


@pytest.mark.parametrize(("others", "cap", "why"), CAPS.values(), ids=CAPS)
def test_a_customer_is_granted_so_much_in_a_month(
    others: list[OtherGrant], cap: Money | None, why: str
) -> None:
    grant = granted(a_case().case, "refund: 40", other_grants=others, cap=cap)
    assert (grant.state, grant.because) == (WAITING if why else GRANTED, why)


def test_grants_of_the_same_case_count_and_the_grant_itself_does_not() -> None:
    case = has(Gift.CREDIT, "70")
    assert granted(case, "refund: 40", cap=CAP).because == ABOVE.format("70.00")
    proposal = a_case().granted(Gift.REFUND, "40", state=PROPOSED).case
    assert granted(proposal, "refund: 40", cap=Money(5000, "EUR")).state is GRANTED


def test_amounts_of_another_currency_than_the_cap_are_not_added_up() -> None:
    pounds = OtherGrant("FU-X", False, replace(elsewhere("90").grant, money=Money(9000, "GBP")))
    assert granted(a_case().case, "refund: 40", other_grants=[pounds], cap=CAP).state is GRANTED
    assert granted(a_case().case, "replacement: it", other_grants=[elsewhere("90")], cap=CAP).because == ""
    assert above_cap(CAP, [elsewhere("90").grant], Money(4000, "GBP"), lambda _: True) == ""
    undated = replace(elsewhere("90").grant, granted_at=None)
    assert above_cap(CAP, [undated], Money(4000, "EUR"), lambda _: True) == ""
    without_amount = replace(elsewhere("90").grant, money=None)
    assert above_cap(CAP, [without_amount], Money(4000, "EUR"), lambda _: True) == ""


ELSEWHERE: dict[str, tuple[str, OtherGrant, str]] = {
    "open": (
        "refund: 25",
        elsewhere("25", is_open=True),
        "the same refund of 25.00 EUR is granted to this customer in FU-OTHER already",
    ),
    "closed": ("refund: 25", elsewhere("25"), ""),
    "another amount": ("refund: 26", elsewhere("25", is_open=True), ""),
    "proposed": ("refund: 25", elsewhere("25", is_open=True, state=PROPOSED), ""),
    "refused": ("refund: 25", elsewhere("25", is_open=True, state=REFUSED), ""),
    "without an amount": (
        "replacement: kettle",
        OtherGrant("FU-OTHER", True, Compensation(n=1, kind=Gift.REPLACEMENT, state=GRANTED)),
        "the same replacement is granted to this customer in FU-OTHER already",
    ),
}


@pytest.mark.parametrize(("line", "other", "why"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_same_in_another_open_case_waits_for_an_approval(line: str, other: OtherGrant, why: str) -> None:
    grant = granted(a_case().case, line, other_grants=[other])
    assert (grant.state, grant.because) == (WAITING if why else GRANTED, why)


# --- what becomes of it ---


def grants(*states: GrantState, kind: Gift = Gift.REFUND) -> Case:
    story = a_case()
    for n, state in enumerate(states, 1):
        story.granted(kind, f"{n}", state=state)
    return story.case


def told(case: Case, line: str) -> list[tuple[str, int]] | str:
    """Return each event with its number, or what is asked back."""
    try:
        return [(type(event).__name__, getattr(event, "n", 0)) for event in run(case, line)]
    except NotUnderstoodError as error:
        return str(error)


def each(event: str, *numbers: int) -> list[tuple[str, int]]:
    return [(f"Compensation{event}", n) for n in numbers]


ALL = tuple(GrantState)  # 1 proposed, 2 waiting, 3 granted, 4 issued, 5 confirmed, 6 missing, 7 refused
OPEN = "{!r} names no open compensation; the open ones are {}"
STATES: dict[str, tuple[str, list[tuple[str, int]] | str]] = {
    "issued": ("issued: 3", each("Issued", 3)),
    "issued, both": ("issued: 3 and 6", each("Issued", 3, 6)),
    "issued again": ("issued: 4", []),
    "issued and received": ("issued: 5", []),
    "issued, a proposed one": (
        "issued: 1",
        "'issued: 1': compensation 1 is only proposed; `approve` accepts all that is proposed",
    ),
    "issued, a refused one": ("issued: 7", OPEN.format("issued: 7", "3, 6")),
    "refused": ("refused: 2", each("Refused", 2)),
    "refused, three": ("refused: 1, 2, 3", each("Refused", 1, 2, 3)),
    "refused, an issued one": ("refused: 4", OPEN.format("refused: 4", "1, 2, 3")),
    "received": ("received: 4", each("Confirmed", 4)),
    "received after all": ("received: 6", each("Confirmed", 6)),
    "received, each": ("received", each("Confirmed", 4, 6)),
    "received, a granted one": ("received: 3", OPEN.format("received: 3", "4, 6")),
    "missing": ("missing: 4", each("Missing", 4)),
    "missing after all": ("missing: 5", each("Missing", 5)),
    "missing, each": ("missing", each("Missing", 4, 5)),
    "missing, a missing one": ("missing: 6", OPEN.format("missing: 6", "4, 5")),
}


@pytest.mark.parametrize(("line", "expected"), STATES.values(), ids=STATES)
def test_what_is_said_of_a_grant(line: str, expected: list[tuple[str, int]] | str) -> None:
    assert told(grants(*ALL), line) == expected


@pytest.mark.parametrize("line", ["received", "missing"])
def test_without_a_grant_there_is_nothing_to_say(line: str) -> None:
    assert told(a_case().case, line) == f"{line!r}: there is no compensation to say that of"


def test_an_issued_line_without_number_means_all_but_gift_cards() -> None:
    case = a_case().granted(Gift.GIFT_CARD, "20").granted(Gift.REFUND, "25").case
    assert told(case, "issued") == each("Issued", 2)
    assert told(case, "issued: 1") == each("Issued", 1)


@pytest.mark.parametrize(
    ("stage", "reopens"),
    [
        (Stage.HEARD, False),
        (Stage.PROMISED, False),
        (Stage.CONFIRMED, False),
        (Stage.FIXED, True),
        (Stage.FOLLOWED_UP, True),
        (Stage.CLOSED, True),
    ],
)
def test_what_is_missing_reopens_a_case_that_was_put_right(stage: Stage, reopens: bool) -> None:
    case = replace(grants(ISSUED), stage=stage)
    found = run(case, "missing: 1")
    assert names(found) == ["CompensationMissing", *["Reopened"] * reopens]
    assert {event.why for event in found} == {"note: missing: 1"}


def test_a_promise_of_the_same_deed_is_kept_with_what_is_issued() -> None:
    story = a_case().promised("ship a new one", by=FRIDAY).promised("call", by=FRIDAY)
    story.granted(Gift.REPLACEMENT, promise=1).granted(Gift.REFUND, "25")
    assert told(story.case, "issued: 1") == [*each("Issued", 1), ("PromiseKept", 1)]
    assert told(story.case, "issued: 2") == each("Issued", 2)
    assert told(story.kept(1).case, "issued: 1") == each("Issued", 1)


def test_two_grants_of_one_promise_keep_it_once() -> None:
    story = a_case().promised("ship a new one", by=FRIDAY)
    story.granted(Gift.REPLACEMENT, promise=1).granted(Gift.FREE_SHIPPING, promise=1)
    assert told(story.case, "issued") == [*each("Issued", 1, 2), ("PromiseKept", 1)]


# --- a reply that promises ---

SHIP = FoundPromise(text="ship a new one", kind=PromiseKind.FIRM, due=FRIDAY, words=("will ship",))
NEW_ONE = FoundCompensation(kind="replacement", text="a new one", words=("will ship",))
REFUND = FoundCompensation(kind="refund", amount="25", words=("will refund",))


def reply(*found: FoundPromise | FoundCompensation, **more: Any) -> list[e.Event]:
    promises = [each for each in found if isinstance(each, FoundPromise)]
    gifts = [each for each in found if isinstance(each, FoundCompensation)]
    return run(a_case().case, "promised", found=Found(tuple(promises), tuple(gifts)), **more)


REPLIES: dict[str, tuple[list[FoundPromise | FoundCompensation], list[str]]] = {
    "a promise": ([SHIP], ["PromiseMade"]),
    "a promise and what it gives": ([SHIP, NEW_ONE], ["PromiseMade", "CompensationGranted"]),
    "a refund": ([REFUND], ["CompensationGranted"]),
    "a refund that was made": (
        [replace(REFUND, past=True)],
        ["CompensationGranted", "CompensationIssued"],
    ),
    "a refund above the limit that was made": (
        [replace(REFUND, amount="60", past=True)],
        ["CompensationGranted"],
    ),
    "the same twice": ([REFUND, REFUND], ["CompensationGranted"]),
    "two refunds": ([REFUND, replace(REFUND, amount="5")], ["CompensationGranted", "CompensationGranted"]),
}


@pytest.mark.parametrize(("found", "expected"), REPLIES.values(), ids=REPLIES)
def test_a_reply_grants_what_it_says(
    found: list[FoundPromise | FoundCompensation], expected: list[str]
) -> None:
    assert names(reply(*found)) == expected


def test_a_grant_of_a_reply_has_its_words_and_its_promise() -> None:
    events = reply(SHIP, NEW_ONE, REFUND)
    made, first, second = [
        getattr(event, "promise", getattr(event, "compensation", None)) for event in events
    ]
    assert isinstance(made, Promise)
    assert isinstance(first, Compensation)
    assert isinstance(second, Compensation)
    assert (first.n, first.kind, first.money, first.text) == (1, Gift.REPLACEMENT, None, "a new one")
    assert (first.promise, first.source, first.state) == (made.n, "reply", GRANTED)
    assert (second.n, second.kind, second.money, second.promise) == (2, Gift.REFUND, EURO_25, 0)


@pytest.mark.parametrize(("currency", "expected"), [("", "EUR"), ("USD", "USD")])
def test_an_amount_in_a_reply_is_in_the_companys_currency_unless_named(currency: str, expected: str) -> None:
    [event] = reply(replace(REFUND, currency=currency), agent="lee")
    assert isinstance(event, e.CompensationGranted)
    assert event.compensation.money == Money(2500, expected)


def test_a_refund_of_the_past_is_issued_by_its_number() -> None:
    events = run(
        grants(GRANTED),
        "promised",
        found=Found((), (replace(REFUND, past=True), replace(REFUND, amount="5", past=True))),
    )
    numbers = [
        event.compensation.n if isinstance(event, e.CompensationGranted) else getattr(event, "n", 0)
        for event in events
    ]
    assert numbers == [2, 2, 3, 3]


# --- approval ---

ABOVE_LIMIT = replace(elsewhere("60").grant, state=WAITING, agent="ana", n=1)


def waiting(agent: str = "ana", amount: str = "60") -> Case:
    grant = replace(ABOVE_LIMIT, agent=agent, money=Money.of(amount, "EUR"))
    return a_case().happened(e.CompensationGranted(at=NOW, compensation=grant)).case


OTHER = replace(ANA, id="ida", name="Ida Fox", email="ida@agents.test", limit=Money(6000, "EUR"))
WITH_OTHER = replace(PLAYBOOK, team=Team((ANA, OTHER, BEN, LEE, MAX)))
APPROVED = ["CompensationApproved"]
APPROVALS: dict[str, tuple[Case, str, list[str] | str]] = {
    "by a lead": (waiting(), "lee", APPROVED),
    "by a manager": (waiting(), "max", APPROVED),
    "by who granted it": (
        waiting(),
        "ana",
        "Ana Reyes granted it, or owns the case; somebody else must approve it",
    ),
    "by a tag": (
        waiting(),
        "",
        "a grant above the limit is approved by a lead's answer to the desk mail, not by a tag",
    ),
    "by an agent whose limit allows it": (waiting(), "ida", APPROVED),
    "by an agent whose limit does not": (
        waiting(amount="60.01"),
        "ida",
        "Ida Fox cannot approve this amount; a lead answers the desk mail",
    ),
    "of an amount within the granter's limit, by an agent": (
        waiting(amount="40"),
        "ida",
        "Ida Fox cannot approve this amount; a lead answers the desk mail",
    ),
    "of an unknown granter, by an agent": (
        waiting("gone"),
        "ida",
        "Ida Fox cannot approve this amount; a lead answers the desk mail",
    ),
    "of an unknown granter, by a lead": (waiting("gone"), "lee", APPROVED),
    "of what a lead granted, by the lead": (
        waiting("lee"),
        "lee",
        "Lee Park granted it, or owns the case; somebody else must approve it",
    ),
    "of nothing": (a_case().case, "lee", "nothing in FU-7K3Q9 waits for an approval"),
}


@pytest.mark.parametrize(("case", "agent", "expected"), APPROVALS.values(), ids=APPROVALS)
def test_a_second_person_approves(case: Case, agent: str, expected: list[str] | str) -> None:
    try:
        found: list[str] | str = names(run(case, "approve", agent=agent, playbook=WITH_OTHER))
    except NotUnderstoodError as error:
        found = str(error)
    assert found == expected


def test_an_approved_grant_names_who_approved_it() -> None:
    [grant] = after(waiting(), "approve", agent="lee").compensation
    assert (grant.state, grant.approved_by) == (GRANTED, "Lee Park")


def test_a_proposal_that_is_approved_counts_for_who_approved_it() -> None:
    [grant] = after(has(Gift.REFUND, "60", PROPOSED), "approve", agent="lee").compensation
    assert (grant.state, grant.agent) == (GRANTED, "lee")
    [grant] = after(has(Gift.REFUND, "60", PROPOSED), "approve", agent="ana").compensation
    assert (grant.state, grant.agent) == (WAITING, "ana")


def test_a_month_is_the_companys_and_not_utcs() -> None:
    new_york = replace(PLAYBOOK, calendar=replace(PLAYBOOK.calendar, timezone="America/New_York"))
    first = datetime(2026, 12, 1, 3, tzinfo=UTC)  # still November in New York
    case = a_case().case
    other = elsewhere("90", at=first)
    for now, state in ((first + timedelta(hours=1), WAITING), (first + timedelta(hours=3), GRANTED)):
        grant = granted(case, "refund: 40", other_grants=[other], cap=CAP, playbook=new_york, now=now)
        assert grant.state is state


def test_an_agent_of_another_name_is_not_taken_for_the_owner() -> None:
    assert isinstance(LEE, Agent)
    assert granted(a_case().case, "refund: 300", agent="lee").state is GRANTED


# --- what was not understood, and what waits ---


def lived(case: Case, events: list[e.Event]) -> Case:
    for event in events:
        case = lifecycle.after(case, event)
    return case


def test_an_unclear_sentence_is_kept_until_an_agent_explains_it() -> None:
    unclear = run(a_case().case, "promised", found=Found((SHIP,), (), ("We will refund some of it.",)))
    case = lived(a_case().case, unclear)
    assert case.unclear == ("We will refund some of it.",)
    assert [promise.text for promise in case.promises] == ["ship a new one"]
    for line in ("none", "promise: ship the rest by 2026-12-04", "refund: 25"):
        assert lived(case, run(case, line)).unclear == ()


def test_the_confirmation_waits_for_the_answer_but_not_for_ever() -> None:
    plain = lived(a_case().case, run(a_case().case, "promised", found=Found((SHIP,))))
    asked = lived(a_case().case, run(a_case().case, "promised", found=Found((SHIP,), (), ("Some of it.",))))
    due, later = confirm.next_due(plain, PLAYBOOK), confirm.next_due(asked, PLAYBOOK)
    assert due
    assert later
    assert due < later <= PLAYBOOK.calendar.after(NOW, PLAYBOOK.confirm_answer)


def test_the_same_refund_mentioned_and_then_said_in_a_line_is_one() -> None:
    mentioned = lived(a_case().case, reply(replace(REFUND, amount="", past=True)))
    case = lived(mentioned, run(mentioned, "refund: 25"))
    assert [(grant.n, grant.money, grant.state) for grant in case.compensation] == [
        (1, EURO_25, GrantState.ISSUED)
    ]


def test_money_that_waits_for_an_approval_is_promised_in_no_letter() -> None:
    promise = replace(SHIP, text="your refund of 89 euros will be paid", words=("paid",))
    gift = FoundCompensation(kind="refund", amount="89", words=("paid",))
    case = lived(a_case().case, reply(promise, gift, agent="ana"))
    assert case.unwritten == ()
    approved = lived(case, run(case, "approve", agent="lee"))
    assert [each.text for each in approved.unwritten] == ["your refund of 89 euros will be paid"]
    refused = lived(case, run(case, "refuse: too much", agent="lee"))
    assert refused.owed == ()
