"""The state machine: every stage x every event is decided, and nothing is left to chance."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from followupd.domain import lifecycle
from followupd.domain.case import Case, Outcome, Stage
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.events import EVENTS, CaseOpened, Event
from followupd.domain.letter import LetterKind
from followupd.domain.lifecycle import ANYTIME, MOVES
from followupd.domain.mail import Person
from followupd.domain.promise import Action, HelpRequest, Option, Promise, PromiseKind
from followupd.errors import InvalidTransitionError
from tests.builders import NOW, a_case

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
PROMISE = Promise(n=1, text="ship it", kind=PromiseKind.FIRM, internal_deadline=FRIDAY, promised_by=FRIDAY)
GRANT = Compensation(n=1, kind=Gift.REFUND, state=GrantState.GRANTED)
OPTION = Option(n=1, text="a refund", promised_by=FRIDAY)
#: a value for each field of an event that has no default
VALUES: dict[str, Any] = {
    "ref": "FU-7K3Q9",
    "mailbox": "support",
    "customer": Person("kim@customers.test"),
    "subject": "My kettle",
    "playbook": "parcel",
    "owner": "lee",
    "severity": "high",
    "facts": (("cause", "a torn label"),),
    "text": "words",
    "fact": "cause",
    "matter": "silence 2026-12-01T10:00",
    "until": FRIDAY,
    "key": "FU-7K3Q9.confirmation.1",
    "sentences": ("We will refund some of it.",),
    "kind": LetterKind.CONFIRMATION,
    "to": "kim@customers.test",
    "address": "kim@customers.test",
    "n": 1,
    "promise": PROMISE,
    "compensation": GRANT,
    "option": OPTION,
    "request": HelpRequest(n=1, helper="warehouse", question="is it there?", due=FRIDAY, asked_at=NOW),
    "internal_deadline": FRIDAY,
    "promised_by": FRIDAY,
    "money": Money(2000, "EUR"),
    "action": Action(n=2, text="check labels", due=FRIDAY, owner="lee", planned_at=NOW),
    "cause": "carrier",
    "told": 2,
    "nth": 1,
    "first_told_at": NOW,
    "after": "30 days",
    "outcome": Outcome.SILENT,
}


def example(kind: type[Event]) -> Event:
    """Return an event of this kind with every field set that has no default."""
    names = {field.name for field in fields(kind)}
    needed = {name: value for name, value in VALUES.items() if name in names and name != "facts"}
    if kind.__name__ == "FactsStated":
        needed["facts"] = VALUES["facts"]
    return kind(at=NOW, **needed)


def a_case_in(stage: Stage) -> Case:
    """Return a case in which everything exists that an event may name."""
    case = replace(a_case().case, stage=stage, stopped=("confirmation", "no name"), stopped_at=NOW)
    return replace(case, promises=(PROMISE,), compensation=(GRANT,), options=(OPTION,))


def decided(stage: Stage, kind: type[Event]) -> Stage | None:
    """Return the stage that the tables say.

    The one moved to, the same one, or None where it is not allowed.
    """
    if kind in MOVES[stage]:
        return MOVES[stage][kind]
    return stage if kind in ANYTIME else None


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("name", EVENTS)
def test_every_event_in_every_stage_moves_keeps_or_is_refused(name: str, stage: Stage) -> None:
    kind, case = EVENTS[name], a_case_in(stage)
    expected = decided(stage, kind)
    if expected is None:
        with pytest.raises(InvalidTransitionError, match=f"{name} does not fit FU-7K3Q9, which is {stage}"):
            lifecycle.after(case, example(kind))
        return
    changed = lifecycle.after(case, example(kind))
    assert changed.stage is expected
    if expected is not stage:
        assert (changed.stopped, changed.stopped_at) == (None, None)


def test_the_tables_know_every_event_but_the_first_one() -> None:
    moving = {kind for moves in MOVES.values() for kind in moves}
    assert moving | ANYTIME == set(EVENTS.values()) - {CaseOpened}
    assert set(MOVES) == set(Stage)


#: where each event leads, as a person reads it: stages in the order of the rows, "." for not allowed, "=" for
#: no move
STAGES = (
    Stage.SUSPECTED,
    Stage.HEARD,
    Stage.PROMISED,
    Stage.CONFIRMED,
    Stage.FIXED,
    Stage.FOLLOWED_UP,
    Stage.CLOSED,
    Stage.DISMISSED,
)
LETTERS = dict(zip("shpcfuxd", STAGES, strict=True))
ROWS = {
    "ComplaintSuspected": "=......s",
    "ComplaintHeard": "h====..h",
    "Dismissed": "dddd...=",
    "PromiseMade": ".p=p=pp.",
    "NextStepConfirmed": "==c=====",
    "Fixed": ".fff=...",
    "FollowedUp": "====u===",
    "Reopened": "....hhh.",
    "Closed": ".xxxxx..",
}


@pytest.mark.parametrize(("name", "row"), ROWS.items(), ids=ROWS)
def test_the_moves_are_these(name: str, row: str) -> None:
    for stage, mark in zip(STAGES, row, strict=True):
        expected = {"=": stage, ".": None}.get(mark, LETTERS.get(mark))
        assert decided(stage, EVENTS[name]) is expected, stage


def test_every_other_event_may_happen_at_any_time() -> None:
    assert {kind.__name__ for kind in ANYTIME} | set(ROWS) | {"CaseOpened"} == set(EVENTS)


@pytest.mark.parametrize("name", sorted(set(EVENTS) - {"CaseOpened"}))
def test_an_event_sets_only_fields_that_a_case_has(name: str) -> None:
    kind = EVENTS[name]
    case_fields = {field.name for field in fields(Case)}
    event_fields = {field.name for field in fields(kind)}
    assert {*kind.copies, *kind.sets, *kind.appends} <= case_fields
    assert {*kind.copies.values(), *kind.appends.values()} <= event_fields


def test_a_history_begins_with_the_opening() -> None:
    first = example(CaseOpened)
    assert lifecycle.fold([first]).ref == "FU-7K3Q9"
    with pytest.raises(InvalidTransitionError, match="begins with Held"):
        lifecycle.fold([example(EVENTS["Held"])])
    with pytest.raises(InvalidTransitionError):
        lifecycle.fold([first, example(EVENTS["Fixed"])])
