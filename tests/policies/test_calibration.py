"""Calibration: what was promised, and when it was kept, over a simulated year -> the sentence and the line to change."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from followupd.domain import events as e
from followupd.domain.calendar import Duration
from followupd.domain.case import Case
from followupd.domain.command import Command
from followupd.domain.playbook import NextStep, Playbook, Playbooks
from followupd.domain.promise import NOTHING_FOUND, Found, FoundPromise, Promise, PromiseKind, PromiseState
from followupd.errors import NotUnderstoodError
from followupd.languages import catalogue
from followupd.recovery import commands
from followupd.recovery.past.calibration import (
    FEWEST_CASES,
    Change,
    Usual,
    change_of,
    short_proposals,
    stored,
    usual_times,
)
from followupd.services.context import PromiseLineReader
from tests.builders import NOW, PLAYBOOK, a_case

ENGLISH = catalogue().language("en")
A_YEAR = timedelta(days=365)
STEP = NextStep(text="{{ owner.name }} writes to you with an answer", within=Duration(2, "business day"))
WITH_STEP = replace(PLAYBOOK, steps=(STEP,))


def told(
    number: int, text: str, days: int, took: float | None, *, source: str = "note", **more: object
) -> Case:
    """A case of the simulated year with one promise; `took` is in days of business, None while it is owed."""
    made_at = NOW - A_YEAR + timedelta(days=number * 7)  # always a Tuesday or a Monday at 10
    calendar = PLAYBOOK.calendar
    promised_by = calendar.after(made_at, Duration(days, "business day"))
    promise = Promise(
        n=1,
        text=text,
        kind=PromiseKind.FIRM,
        internal_deadline=promised_by,
        promised_by=promised_by,
        made_at=made_at,
        source=source,
    )
    story = a_case(f"FU-{number:05}").at(made_at)
    story.happened(e.PromiseMade(at=made_at, promise=replace(promise, **more)))  # type: ignore[arg-type]
    if took is not None:
        hours = Duration(round(took * 8), "business hour")
        story.at(calendar.after(made_at, hours)).kept()
    return story.case


def usual(cases: list[Case], playbook: Playbook = PLAYBOOK) -> list[Usual]:
    playbooks = Playbooks({"default": playbook})
    return usual_times(cases, playbooks, lambda _case: ENGLISH, NOW - A_YEAR, NOW)


TOOK = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.0, 6.0, 9.0)


def many(count: int, text: str = "ship the replacement", **more: object) -> list[Case]:
    return [told(n, text, 2, TOOK[n % 10], **more) for n in range(count)]  # type: ignore[arg-type]


def test_a_kind_of_promise_is_told_with_what_eight_of_ten_took() -> None:
    [found] = usual(many(31))
    assert (found.like.what, found.cases, found.told) == ("replacement", 31, 2.0)
    assert found.took == 4.0
    assert round(found.in_time, 2) == 0.32


@pytest.mark.parametrize(("count", "kinds"), [(0, 0), (FEWEST_CASES - 1, 0), (FEWEST_CASES, 1)])
def test_nothing_is_said_under_fifteen_cases(count: int, kinds: int) -> None:
    assert len(usual(many(count))) == kinds


ALIKE = {
    "other words for the same gift": ("send you a new replacement", 1),
    "other days in the same words": ("call the carrier again", 2),
    "another gift": ("refund the 25 EUR", 2),
}


@pytest.mark.parametrize(("text", "kinds"), ALIKE.values(), ids=ALIKE)
def test_promises_are_compared_with_their_like(text: str, kinds: int) -> None:
    assert len(usual(many(20) + many(20, text))) == kinds


def test_what_is_still_owed_counts_as_long_as_it_has_lasted() -> None:
    kept = [told(n, "ship the replacement", 2, 1.0) for n in range(12)]
    owed = [told(n, "ship the replacement", 2, None) for n in range(12, 20)]
    [found] = usual(kept + owed)
    assert found.took is None
    assert "took" not in stored([found])
    assert round(found.in_time, 1) == 0.6


LEFT_OUT = {
    "not due yet": told(52, "ship the replacement", 30, None),
    "withdrawn": replace(told(1, "ship the replacement", 2, None), promises=()),
    "made before": told(-3, "ship the replacement", 2, 9.0),
    "kept at a time that nobody knows": told(2, "ship the replacement", 2, None, state=PromiseState.KEPT),
}


@pytest.mark.parametrize("case", LEFT_OUT.values(), ids=LEFT_OUT)
def test_some_promises_say_nothing_of_how_long_they_take(case: Case) -> None:
    assert usual([*many(FEWEST_CASES - 1), case]) == []


def steps(took: float) -> list[Case]:
    return [told(n, "Ana Reyes writes to you with an answer", 2, took, source="playbook") for n in range(20)]


CHANGES = {
    "longer": (4.1, Duration(5, "business day")),
    "much longer": (12.0, Duration(12, "business day")),
    "in time": (1.9, None),
    "to the hour": (2.0, None),
}


@pytest.mark.parametrize(("took", "after"), CHANGES.values(), ids=CHANGES)
def test_the_line_of_the_playbook_to_change_is_told(took: float, after: Duration | None) -> None:
    [found] = usual(steps(took), WITH_STEP)
    expected = Change("default", 1, STEP.within, after) if after else None
    assert change_of(found, WITH_STEP) == expected


def test_a_step_that_the_playbook_has_no_more_is_left_out() -> None:
    assert usual(steps(4.0), PLAYBOOK) == []


def test_what_agents_promise_has_no_line_to_change() -> None:
    [found] = usual(many(31))
    assert change_of(found, PLAYBOOK) is None


# --- a new promise ---

KNOWN = {"replacement": [31, 4.1]}


def context(known: dict[str, list[float]], found: Found = NOTHING_FOUND) -> commands.CommandContext:
    reader = PromiseLineReader(PLAYBOOK, ENGLISH)
    return commands.CommandContext(
        a_case().case, PLAYBOOK, frozenset(), reader, NOW, found=found, usual_times=known
    )


def say(line: str, known: dict[str, list[float]]) -> list[e.Event]:
    verb, _, text = line.partition(": ")
    return commands.handle(Command(verb, text, "Ana Reyes", "note", "ana"), context(known))


TOO_SHORT = {
    "tomorrow": ("promise: ship the replacement by tomorrow", KNOWN, True),
    "in a week": ("promise: ship the replacement by 8 December", KNOWN, False),
    "another thing": ("promise: call the carrier by tomorrow", KNOWN, False),
    "nothing is known": ("promise: ship the replacement by tomorrow", {}, False),
    "an estimate": ("estimate: send the replacement by tomorrow", KNOWN, True),
    "an agent stands by it": ("promise: ship the replacement by tomorrow !", KNOWN, False),
}


@pytest.mark.parametrize(("line", "known", "asked"), TOO_SHORT.values(), ids=TOO_SHORT)
def test_a_promise_shorter_than_half_of_its_like_is_asked_about(
    line: str, known: dict[str, list[float]], asked: bool
) -> None:
    if asked:
        with pytest.raises(NotUnderstoodError, match=r"up to 5 working days \(31 cases\), .* 2 at most"):
            say(line, known)
        return

    [made] = say(line, known)
    assert isinstance(made, e.PromiseMade)
    assert "!" not in made.promise.text


def test_a_tagged_reply_that_promises_too_early_waits_for_an_approval() -> None:
    due = NOW + timedelta(days=1)
    found = Found(
        (FoundPromise(text="ship the replacement", kind=PromiseKind.FIRM, due=due, words=("ship",)),)
    )
    [event] = commands.handle(Command("promised", "", "someone", "tag"), context(KNOWN, found))
    assert isinstance(event, e.PromiseProposed)

    case = a_case().happened(event).case
    [sentence] = short_proposals(case, PLAYBOOK, ENGLISH, KNOWN)
    assert "ship the replacement" in sentence
    assert not case.unwritten


@pytest.fixture(params=["2 business days", "10 minutes"])
def within(request: pytest.FixtureRequest) -> datetime:
    return PLAYBOOK.calendar.after(NOW, Duration.parse(request.param))


def test_days_of_business_are_counted_over_a_weekend(within: datetime) -> None:
    days = PLAYBOOK.calendar.business_days(NOW, within)
    assert days == pytest.approx(2 if within.day == 3 else 1 / 48)
    assert PLAYBOOK.calendar.business_days(within, NOW) == 0.0
