"""The command `close`: a case is closed only when nothing is owed and something was done (practice 57)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Money
from followupd.errors import NotUnderstoodError
from tests.builders import PLAYBOOK, a_case
from tests.story.saying import said, then

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)


def refusal(case: Case) -> str:
    with pytest.raises(NotUnderstoodError) as problem:
        said(case, "close")
    return str(problem.value)


@pytest.mark.parametrize(
    "case", [a_case().case, a_case().fixed().case, a_case().agent_wrote().knows().fixed().case]
)
def test_a_case_cannot_close_without_a_next_step_or_a_gesture(case: Case) -> None:
    assert refusal(case) == "FU-7K3Q9 cannot close without a next step or a gesture; say 'gesture: ...' first"


def test_a_kept_next_step_or_an_issued_gesture_is_enough_to_close() -> None:
    kept = a_case().promised("find out what happened", FRIDAY).kept().case
    thanked = then(a_case().case, "gesture: a card from the whole team", "issued: 1")
    assert then(kept, "close").stage is then(thanked, "close").stage is Stage.CLOSED


def test_a_case_cannot_close_while_something_is_owed() -> None:
    assert "promise 1 is owed" in refusal(a_case().promised("find out what happened", FRIDAY).case)
    assert "compensation 1 is not given" in refusal(
        then(a_case().case, "gesture: a card from the whole team")
    )


def test_a_case_closes_without_the_usual_gesture_only_with_a_reason() -> None:
    generous = replace(PLAYBOOK, gestures=(("normal", Money(1000, "GBP")),))
    case = a_case().promised("find out what happened", FRIDAY).kept().case
    with pytest.raises(NotUnderstoodError) as problem:
        said(case, "close", playbook=generous)
    assert str(problem.value) == (
        "FU-7K3Q9 cannot close yet: a gift card of 10.00 GBP would be usual for the trouble; "
        "say 'gift-card: 10.00 GBP', or 'no-gift: why'"
    )
    for line in ("no-gift: it was the weather", "gesture: flowers"):
        settled = then(case, line) if line.startswith("no") else then(case, line, "issued: 1")
        assert said(settled, "close", playbook=generous)
