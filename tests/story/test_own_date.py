"""The internal deadline is earlier than the promised date, however the promise was made."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain.calendar import Duration
from followupd.domain.case import Case
from followupd.domain.playbook import NextStep
from followupd.domain.promise import Found, FoundPromise, PromiseKind, PromiseState
from followupd.recovery import proposals
from tests.builders import NOW, PLAYBOOK, a_case
from tests.story.saying import then

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
HEARD = FoundPromise(text="we ship the kettle", kind=PromiseKind.FIRM, due=FRIDAY, words=("will ship",))
STEP = NextStep(text="we look into it", within=Duration(2, "business day"))


def proposed(due: datetime | None = FRIDAY) -> Case:
    [event] = proposals.proposed(a_case().case, Found((replace(HEARD, due=due),)), PLAYBOOK, NOW)
    return a_case().happened(event).case


def dates(case: Case) -> tuple[datetime | None, datetime | None]:
    [promise] = case.promises
    assert promise.state is PromiseState.OPEN
    return promise.internal_deadline, promise.promised_by


def test_a_line_a_tag_and_an_approved_reply_take_the_same_margin() -> None:
    line = then(a_case().case, "promise: ship the kettle by Friday")
    tag = then(a_case().case, "promised", source="tag", agent="", found=Found((HEARD,)))
    approved = then(proposed(), "approve")
    tagged_later = then(proposed(), "promised", source="tag", agent="")
    assert {dates(case) for case in (line, tag, approved, tagged_later)} == {
        (FRIDAY - timedelta(hours=4), FRIDAY)
    }


def test_a_proposal_approved_late_has_a_deadline_between_now_and_the_promised_date() -> None:
    two_hours_before, after = FRIDAY - timedelta(hours=2), FRIDAY + timedelta(hours=1)
    assert dates(then(proposed(), "approve", now=two_hours_before)) == (two_hours_before, FRIDAY)
    assert dates(then(proposed(), "approve", now=after)) == (FRIDAY, FRIDAY)
    assert dates(then(proposed(due=None), "approve")) == (None, None)


@pytest.mark.parametrize(
    ("steps", "hours"),
    [
        ((), 4),  # nothing is said of a margin: the shipped one
        ((STEP, replace(STEP, margin=Duration(2, "business hour"))), 2),
        ((STEP,), 0),  # the admin wrote that there is none
    ],
)
def test_the_margin_is_the_playbooks_or_else_the_default(steps: tuple[NextStep, ...], hours: int) -> None:
    playbook = replace(PLAYBOOK, steps=steps)
    assert playbook.own_date(FRIDAY, NOW) == FRIDAY - timedelta(hours=hours)
    assert playbook.own_date(None, NOW) is None
