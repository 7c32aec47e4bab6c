"""Whatever happens in whatever order: the events of a history fold to the stored case."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.database import adapter_of, event_adapter
from followupd.adapters.storage.ledger import Ledger
from followupd.domain import lifecycle
from followupd.domain.case import Case, Fault, Stage
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.events import EVENTS, CaseOpened, Event, Held
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS
from followupd.domain.lifecycle import ANYTIME, MOVES
from followupd.domain.mail import Person
from followupd.domain.promise import Option, Promise, PromiseKind, PromiseState
from followupd.errors import InvalidTransitionError

START = datetime(2026, 12, 1, 10, tzinfo=UTC)
OPENED = CaseOpened(
    at=START,
    ref="FU-7K3Q9",
    mailbox="support",
    customer=Person("kim@customers.test", "Kim"),
    subject="My teapot",
    playbook="default",
    owner="ana",
    story="it broke",
)
FACTS = ("issue", "impact", "wants", "cause", "resolution", "prevention", "phone", "cause_code")

numbers = st.integers(1, 3)
moments = st.integers(-48, 480).map(lambda hours: START + timedelta(hours=hours))
words = st.text(max_size=20)
promises = st.builds(
    Promise,
    n=numbers,
    text=words,
    kind=st.sampled_from(PromiseKind),
    internal_deadline=st.none() | moments,
    promised_by=st.none() | moments,
    state=st.sampled_from(PromiseState),
    source=words,
    made_at=st.none() | moments,
)
money = st.builds(Money, st.integers(0, 10**9), st.sampled_from(["EUR", "JPY"]))
grants = st.builds(
    Compensation,
    n=numbers,
    kind=st.sampled_from(Gift),
    state=st.sampled_from(GrantState),
    money=st.none() | money,
    text=words,
    promise=st.integers(0, 3),
)
#: values of the fields of events, by name; a small choice, so that events concern each other
VALUES: dict[str, st.SearchStrategy[object]] = {
    "at": moments,
    "n": numbers,
    "promise": promises,
    "compensation": grants,
    "money": money,
    "promises": st.tuples() | st.tuples(numbers),
    "key": st.sampled_from(["FU-7K3Q9.confirmation.1", "FU-7K3Q9.follow-up.1", "FU-7K3Q9.desk/facts.1"]),
    "kind": st.sampled_from([*CUSTOMER_LETTERS, *DESK_MAILS]),
    "internal_deadline": moments,
    "promised_by": moments,
    "until": moments,
    "facts": st.lists(st.tuples(st.sampled_from(FACTS), words), max_size=3).map(tuple)
    | st.sampled_from(Fault).map(lambda fault: (("fault", fault.value),)),
    "option": st.from_type(Option).map(lambda option: replace(option, n=1)),
}


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(
        kind, **{field.name: VALUES[field.name] for field in fields(kind) if field.name in VALUES}
    )


any_event = st.sampled_from(sorted(EVENTS.keys() - {"CaseOpened"})).flatmap(
    lambda name: events_of(EVENTS[name])
)


@settings(max_examples=150, deadline=None)
@given(st.lists(any_event, max_size=25))
def test_a_history_folds_to_its_case_also_after_serialisation(events: list[Event]) -> None:
    case, history = lifecycle.opened(OPENED), list[Event]([OPENED])
    for event in events:
        before = case
        try:
            case = lifecycle.after(case, event)
            history.append(event)
        except InvalidTransitionError:
            assert case == before
    assert lifecycle.fold(history) == case
    adapters = [event_adapter(type(event).__name__) for event in history]
    again = [
        adapter.validate_json(adapter.dump_json(event))
        for adapter, event in zip(adapters, history, strict=True)
    ]
    assert again == history
    assert lifecycle.fold(again) == case
    assert adapter_of(Case).validate_json(adapter_of(Case).dump_json(case)) == case


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(any_event, max_size=4), max_size=6))
def test_an_invalid_transition_writes_nothing(batches: list[list[Event]]) -> None:
    """The command service catches the error inside its transaction; what follows in it is committed."""
    ledger = Ledger("sqlite://", Vault([b"k" * 32]))
    ledger.upgrade()
    with ledger.transaction() as tx:
        case = tx.cases.open(OPENED)
        for batch in batches:
            try:
                case = tx.cases.record(case, batch, lambda _: None, START)
            except InvalidTransitionError:
                assert tx.cases.get(case.ref) == case
        history = tx.cases.history(case.ref)
        assert replace(lifecycle.fold(history), version=case.version) == case
        assert tx.cases.get(case.ref) == case
    ledger.close()


def test_every_stage_can_be_reached_and_left() -> None:
    reached, new = {Stage.SUSPECTED}, {Stage.SUSPECTED}
    while new:
        new = {to for stage in new for to in MOVES[stage].values()} - reached
        reached |= new
    assert reached == set(Stage)
    assert all(set(MOVES[stage].values()) - {stage} for stage in Stage)


def test_every_event_is_in_the_table_of_moves_or_allowed_anytime() -> None:
    moving = {kind for moves in MOVES.values() for kind in moves}
    assert set(EVENTS.values()) - {CaseOpened} == moving | ANYTIME


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(Stage), any_event)
def test_an_event_that_is_not_in_the_table_is_an_invalid_transition(stage: Stage, event: Event) -> None:
    case = replace(lifecycle.opened(OPENED), stage=stage)
    if type(event) in ANYTIME or type(event) in MOVES[stage]:
        return
    with pytest.raises(InvalidTransitionError, match=f"{type(event).__name__} does not fit FU-7K3Q9"):
        lifecycle.after(case, event)


def test_a_history_that_does_not_begin_with_case_opened_is_refused() -> None:
    with pytest.raises(InvalidTransitionError, match="begins with Held"):
        lifecycle.fold([Held(at=START), OPENED])
    assert lifecycle.fold([OPENED]).stage is Stage.SUSPECTED
