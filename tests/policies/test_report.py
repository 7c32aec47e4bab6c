"""The report: histories of cases -> the figures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Outcome, OutcomeRecord, Stage
from followupd.domain.compensation import Gift, GrantState, Money
from followupd.domain.promise import HelpRequest, Promise, PromiseKind, PromiseState
from followupd.recovery.past.learn import (
    OUTCOMES,
    UNSAID,
    CaseHistory,
    PromiseStatistics,
    RequestStatistics,
    report,
    with_kept_times,
)
from tests.builders import NOW, a_case

HOUR = timedelta(hours=1)
FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)


def past(*events: e.Event, **changes: object) -> CaseHistory:
    """A case in which these events happened after it was opened."""
    case = a_case().case
    for event in events:
        case = lifecycle.after(case, event)
    return CaseHistory(replace(case, **changes), events)  # type: ignore[arg-type]


def made(n: int = 1, kind: PromiseKind = PromiseKind.FIRM, **changes: object) -> e.PromiseMade:
    promise = Promise(n=n, text=f"promise {n}", kind=kind, internal_deadline=FRIDAY, promised_by=FRIDAY)
    return e.PromiseMade(at=NOW, promise=replace(promise, **changes))  # type: ignore[arg-type]


def kept(n: int = 1, at: datetime = FRIDAY - HOUR) -> e.PromiseKept:
    return e.PromiseKept(at=at, n=n)


def late(n: int = 1) -> e.PromiseLate:
    return e.PromiseLate(at=NOW, n=n, internal_deadline=FRIDAY, promised_by=FRIDAY)


def proposed(n: int = 1) -> e.PromiseProposed:
    promise = replace(made(n).promise, state=PromiseState.PROPOSED)
    return e.PromiseProposed(at=NOW, promise=promise)


def statistics(**counts: object) -> PromiseStatistics:
    zero: dict[str, object] = dict.fromkeys(
        ("made", "kept", "in_time", "late", "broken", "withdrawn", "open"), 0
    )
    return PromiseStatistics(**(zero | {"early": None} | counts))  # type: ignore[arg-type]


UPDATE = PromiseKind.NEXT_UPDATE
ROWS: dict[str, tuple[list[e.Event], PromiseStatistics]] = {
    "no promise": ([], statistics()),
    "open": ([made()], statistics(made=1, open=1)),
    "late": ([made(), late()], statistics(made=1, open=1, late=1)),
    "another one is late": ([made(), made(2), late(2)], statistics(made=2, open=2, late=1)),
    "kept in time": ([made(), kept()], statistics(made=1, kept=1, in_time=1, early=HOUR)),
    "kept to the minute": (
        [made(), kept(at=FRIDAY)],
        statistics(made=1, kept=1, in_time=1, early=timedelta()),
    ),
    "kept too late": ([made(), kept(at=FRIDAY + HOUR)], statistics(made=1, kept=1)),
    "kept without a date": (
        [made(promised_by=None), kept()],
        statistics(made=1, kept=1, in_time=1),
    ),
    "a next update": ([made(kind=UPDATE), kept()], statistics(made=1, kept=1, in_time=1)),
    "late and kept": ([made(), late(), kept()], statistics(made=1, kept=1, in_time=1, late=1, early=HOUR)),
    "broken": ([made(), e.PromiseBroken(at=FRIDAY, n=1)], statistics(made=1, broken=1)),
    "withdrawn": ([made(), e.PromiseWithdrawn(at=NOW, n=1)], statistics(made=1, withdrawn=1)),
    "proposed": ([proposed()], statistics()),
    "the second one kept": (
        [made(), made(2), kept(2, FRIDAY - 3 * HOUR), kept(1)],
        statistics(made=2, kept=2, in_time=2, early=2 * HOUR),
    ),
}


@pytest.mark.parametrize(("events", "expected"), ROWS.values(), ids=ROWS)
def test_promises_are_counted(events: list[e.Event], expected: PromiseStatistics) -> None:
    assert report([past(*events)]).promises == expected


def test_a_promise_that_is_kept_without_an_event_is_not_in_time() -> None:
    case = past(made(state=PromiseState.KEPT))
    assert report([case]).promises == statistics(made=1, kept=1)


@pytest.mark.parametrize(
    ("counts", "rate"),
    [
        ({}, None),
        ({"kept": 3, "in_time": 3}, 1.0),
        ({"kept": 2, "in_time": 1, "broken": 2}, 0.25),
        ({"broken": 1}, 0.0),
        ({"open": 3, "withdrawn": 2}, None),
    ],
)
def test_the_rate_is_of_what_is_decided(counts: dict[str, object], rate: float | None) -> None:
    assert statistics(**counts).rate == rate


def test_promises_are_counted_for_each_owner() -> None:
    cases = [past(made(owner="lee"), made(2)), past(made(), owner="ben")]
    found = report(cases)
    assert list(found.owners) == ["ana", "ben", "lee"]
    assert [owner.made for owner in found.owners.values()] == [1, 1, 1]
    assert found.promises.made == 3


def test_cases_are_counted_and_only_complaints_go_further() -> None:
    stated = e.FactsStated(at=NOW, facts=(("cause_code", "carrier"),))
    cases = [
        past(stated, playbook="parcel"),
        past(stated, e.Fixed(at=NOW), e.Reopened(at=NOW), e.Fixed(at=NOW), e.Reopened(at=NOW)),
        past(),
        past(made(), stage=Stage.SUSPECTED),
        past(made(), stage=Stage.DISMISSED),
    ]
    found = report(cases)
    assert found.opened == 5
    assert list(found.cases.items()) == [("heard", 3), ("dismissed", 1), ("suspected", 1)]
    assert list(found.causes.items()) == [("carrier", 2), (UNSAID, 1)]
    assert list(found.playbooks.items()) == [("default", 2), ("parcel", 1)]
    assert (found.reopened, found.promises.made) == (1, 0)
    assert UNSAID == "(not said)"


@pytest.mark.parametrize(
    ("since", "opened"), [(None, 1), (NOW - HOUR, 1), (NOW, 1), (NOW + HOUR, 0)], ids=str
)
def test_cases_since_a_day_are_counted(since: datetime | None, opened: int) -> None:
    found = report([past()], since)
    assert (found.opened, found.since) == (opened, since)


def letter(kind: type[e.Event], hours: int) -> e.Event:
    return kind(at=NOW + hours * HOUR, key="k", kind="confirmation")  # type: ignore[call-arg]


FIRST_WORDS = {
    "a confirmation": letter(e.NextStepConfirmed, 2),
    "an answer": e.AgentWrote(at=NOW + 2 * HOUR),
    "another letter": letter(e.CustomerTold, 2),
}


@pytest.mark.parametrize("event", FIRST_WORDS.values(), ids=FIRST_WORDS)
def test_the_first_word_is_whatever_the_customer_hears_first(event: e.Event) -> None:
    found = report([CaseHistory(a_case().case, [e.MissingAsked(at=NOW), event, e.AgentWrote(at=FRIDAY)])])
    assert list(found.times) == ["first word"]
    times = found.times["first word"]
    assert (times.count, times.median, times.ninth) == (1, 2 * HOUR, 2 * HOUR)


def test_milestones_are_timed_from_the_complaint_on() -> None:
    history = [
        e.AgentWrote(at=NOW + HOUR),
        e.Fixed(at=NOW + 2 * HOUR),
        letter(e.FollowedUp, 3),
        e.Closed(at=NOW + 4 * HOUR),
    ]
    found = report([CaseHistory(a_case().case, history)])
    medians = {name: times.median / HOUR for name, times in found.times.items()}
    assert medians == {"first word": 1, "fixed": 2, "follow-up": 3, "closed": 4}


def test_of_many_durations_the_median_and_the_ninth_of_ten_are_told() -> None:
    hours = [7, 1, 10, 3, 2, 9, 4, 8, 6, 5]
    found = report([CaseHistory(a_case().case, [e.Fixed(at=NOW + n * HOUR)]) for n in hours])
    times = found.times["fixed"]
    assert (times.count, times.median, times.ninth) == (10, 5.5 * HOUR, 10 * HOUR)
    twenty = [CaseHistory(a_case().case, [e.Fixed(at=NOW + n * HOUR)]) for n in range(1, 21)]
    assert report(twenty).times["fixed"].ninth == 19 * HOUR


def test_compensation_is_added_up_by_kind_currency_and_state() -> None:
    story = a_case()
    story.granted(Gift.REFUND, "25").granted(Gift.REFUND, "5").granted(Gift.REPLACEMENT)
    story.granted(Gift.REFUND, "7", state=GrantState.ISSUED).granted(Gift.REPLACEMENT)
    found = report([CaseHistory(story.case, [])]).compensation
    rows = [(row.kind, row.currency, row.state.value, row.count, row.total) for row in found]
    assert rows == [
        ("refund", "EUR", "granted", 2, Money(3000, "EUR")),
        ("refund", "EUR", "issued", 1, Money(700, "EUR")),
        ("replacement", "", "granted", 2, None),
    ]


def test_what_became_of_customers_is_counted_by_the_days_since_the_close() -> None:
    def looked(after: str, *outcomes: Outcome) -> list[CaseHistory]:
        return [past(outcomes=(OutcomeRecord(after=after, outcome=each, at=NOW),)) for each in outcomes]

    forgotten = past(outcomes=(OutcomeRecord(after="30 days", outcome=Outcome.GONE, at=NOW),))
    forgotten = replace(
        forgotten, case=replace(forgotten.case, customer=replace(forgotten.case.customer, address=""))
    )
    cases = [
        *looked("120 days", Outcome.SILENT, Outcome.SILENT),
        *looked("30 days", *Outcome),
        *looked("1 day", Outcome.GONE),
        forgotten,
    ]
    found = report(cases).outcomes
    assert list(found) == ["1", "30", "120"]
    assert found["30"] == {"returned": 1, "content": 1, "complained-again": 2, "gone": 1, "silent": 1}
    assert found["120"] == dict.fromkeys(OUTCOMES, 0) | {"silent": 2}
    assert found["1"]["gone"] == 1


def test_questions_are_counted_by_department_with_those_that_are_open() -> None:
    def asked(n: int, helper: str, **changes: object) -> HelpRequest:
        request = HelpRequest(n=n, helper=helper, question="Is it there?", due=FRIDAY, asked_at=NOW)
        return replace(request, **changes)  # type: ignore[arg-type]

    cases = [
        past(
            requests=(asked(1, "stock"), asked(2, "billing", answer="yes"), asked(3, "stock", settled=True))
        ),
        past(requests=(asked(1, "stock"),)),
    ]
    found = report(cases).departments
    assert list(found.items()) == [("billing", RequestStatistics(1, 0)), ("stock", RequestStatistics(3, 2))]


def test_when_promises_of_older_ledgers_were_kept_is_read_from_the_history() -> None:
    histories = 0

    def history_of(_ref: str) -> list[e.Event]:
        nonlocal histories
        histories += 1
        other = e.PromiseLate(at=NOW, n=1, internal_deadline=FRIDAY, promised_by=FRIDAY)
        return [other, kept(1), kept(3), kept(1, FRIDAY), kept(2, FRIDAY + HOUR)]

    state = PromiseState.KEPT
    older = past(made(state=state), made(2, state=state, kept_at=NOW), made(3)).case
    found = with_kept_times(older, history_of)
    assert [promise.kept_at for promise in found.promises] == [FRIDAY - HOUR, NOW, None]
    assert with_kept_times(found, history_of) is found
    assert histories == 1
