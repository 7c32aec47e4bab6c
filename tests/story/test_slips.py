"""Late promises: an agent or the daemon sets the first new date, only a lead a second one."""

from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Case
from followupd.domain.letter import LetterKind
from followupd.domain.promise import PromiseState
from followupd.errors import NotUnderstoodError
from followupd.recovery import remind
from tests.builders import NOW, PLAYBOOK, a_case
from tests.story.lettered import letters
from tests.story.saying import said, then

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
LATER = "late: 1 until 18 December because of the flood"


def promised() -> Case:
    return a_case().promised("ship the kettle", FRIDAY).confirmed(1).case


def test_the_owner_sets_the_first_new_date_and_a_lead_the_second() -> None:
    case = then(promised(), "late: 1 until 11 December because of the flood")
    with pytest.raises(NotUnderstoodError, match="a lead says the second new date"):
        said(case, LATER)
    again = then(case, LATER, agent="lee").promise(1)
    assert again
    assert again.promised_by == datetime(2026, 12, 18, 17, tzinfo=UTC)


def test_a_tag_sets_no_second_date() -> None:
    case = then(promised(), "late: 1 until 11 December because of the flood", agent="", source="tag")
    with pytest.raises(NotUnderstoodError, match="a lead says"):
        said(case, LATER, agent="", source="tag")


def test_a_promise_that_slipped_and_was_broken_has_no_third_date_without_a_lead() -> None:
    slipped = then(promised(), "late: 1 until 11 December because of the flood")
    broken = lifecycle.after(slipped, e.PromiseBroken(at=NOW, n=1))
    assert broken.promises[0].state is PromiseState.BROKEN
    with pytest.raises(NotUnderstoodError, match="a lead says"):
        said(broken, LATER)
    assert then(broken, LATER, agent="lee").promises[0].state is PromiseState.LATE


def test_a_promise_that_was_broken_at_its_first_date_may_have_one_new_date() -> None:
    broken = lifecycle.after(promised(), e.PromiseBroken(at=NOW, n=1))
    assert then(broken, LATER).promises[0].state is PromiseState.LATE


def test_the_daemon_moves_a_promise_once_when_half_of_its_margin_has_passed() -> None:
    case = promised()
    own = FRIDAY - timedelta(hours=4)
    case = case.with_promise(1, internal_deadline=own)
    at = remind.next_due(case, PLAYBOOK)
    half = FRIDAY - timedelta(hours=2)
    assert at
    assert at < half
    assert not any(
        isinstance(step, e.PromiseLate)
        for step in remind.decide(case, PLAYBOOK, letters(), half - timedelta(minutes=1))
    )
    [late] = remind.decide(case, PLAYBOOK, letters(), half)
    assert isinstance(late, e.PromiseLate)
    assert late.promised_by == datetime(2026, 12, 8, 17, tzinfo=UTC)
    case = lifecycle.after(
        lifecycle.after(case, late),
        e.CustomerTold(at=half, key="FU-7K3Q9.delay.1", kind=LetterKind.DELAY, promises=(1,)),
    )
    for hours in range(1, 24 * 14):
        steps = remind.decide(case, PLAYBOOK, letters(), half + timedelta(hours=hours))
        assert not any(isinstance(step, e.PromiseLate) for step in steps)
        for step in steps:
            if isinstance(step, e.Event):
                case = lifecycle.after(case, step)


@pytest.mark.parametrize(
    "line",
    [
        "promise: ship it by 9999-12-31",
        "promise: das Teil kommt am 31.12.2126",
        "late: 1 until 9999-12-31 because the shipment is stuck",
        "hold: until 31 December 2500",
    ],
)
def test_a_day_that_is_ten_years_away_is_asked_about_at_once(line: str) -> None:
    with pytest.raises(NotUnderstoodError, match="more than ten years away; which day is it"):
        said(a_case().promised("ship it", by=FRIDAY).case, line)
