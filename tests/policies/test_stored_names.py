"""Names that ledgers contain.

Keys of reminders and of state, and the dates of promises under their older names.
"""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from followupd.domain.events import PromiseLate
from followupd.domain.keys import ReminderKey, ReminderKind, StateKey
from followupd.domain.promise import Option, Promise, PromiseKind

AT = datetime(2026, 12, 3, 15, tzinfo=UTC)
KEY = "FU-7K3Q9.confirmation.1"
#: as the history of a ledger has them
STORED = {
    "suspected 2026-12-03T15:00": ReminderKey(ReminderKind.SUSPECTED, at=AT),
    "suspected": ReminderKey(ReminderKind.SUSPECTED),
    "promise-1 soon 2026-12-03T15:00": ReminderKey(ReminderKind.PROMISE, 1, "soon", at=AT),
    "promise-12 due 2026-12-03T15:00": ReminderKey(ReminderKind.PROMISE, 12, "due", at=AT),
    "promise-1 lead 2026-12-03T15:00": ReminderKey(ReminderKind.PROMISE, 1, "lead", at=AT),
    "silence 2026-12-03T15:00": ReminderKey(ReminderKind.SILENCE, at=AT),
    "not-reached 2026-12-03T15:00": ReminderKey(ReminderKind.NOT_REACHED, at=AT),
    "answer 2026-12-03T15:00": ReminderKey(ReminderKind.ANSWER, at=AT),
    "options 2026-12-03T15:00": ReminderKey(ReminderKind.OPTIONS, at=AT),
    "option-2 alone": ReminderKey(ReminderKind.OPTION, 2, "alone"),
    "choice 2026-12-03T15:00": ReminderKey(ReminderKind.CHOICE, at=AT),
    "choice lead 2026-12-03T15:00": ReminderKey(ReminderKind.CHOICE, step="lead", at=AT),
    "follow-up due 2026-12-03T15:00": ReminderKey(ReminderKind.FOLLOW_UP, step="due", at=AT),
    "receipt 2026-12-03T15:00": ReminderKey(ReminderKind.RECEIPT, at=AT),
    "approve-3": ReminderKey(ReminderKind.APPROVAL, 3),
    "approve-3 late": ReminderKey(ReminderKind.APPROVAL, 3, "late"),
    f"review {KEY} 2026-12-03T15:00": ReminderKey(ReminderKind.REVIEW, about=KEY, at=AT),
    f"review lead {KEY} 2026-12-03T15:00": ReminderKey(ReminderKind.REVIEW, step="lead", about=KEY, at=AT),
    "stopped 2026-12-03T15:00": ReminderKey(ReminderKind.STOPPED, at=AT),
    "stopped manager 2026-12-03T15:00": ReminderKey(ReminderKind.STOPPED, step="manager", at=AT),
    f"undelivered lead {KEY}": ReminderKey(ReminderKind.UNDELIVERED, step="lead", about=KEY),
    "held 2026-12-03T15:00": ReminderKey(ReminderKind.HELD, at=AT),
    "held manager 2026-12-03T15:00": ReminderKey(ReminderKind.HELD, step="manager", at=AT),
    "severity lead high": ReminderKey(ReminderKind.SEVERITY, step="lead", about="high"),
    f"doubt {KEY} 2026-12-03T15:00:07": ReminderKey(ReminderKind.DOUBT, about=f"{KEY} 2026-12-03T15:00:07"),
    "gift card 2026-12-03T15:00": ReminderKey(ReminderKind.GIFT_CARD, at=AT),
    "request-1 due 2026-12-03T15:00": ReminderKey(ReminderKind.REQUEST, 1, "due", at=AT),
    "call 2026-12-03T15:00": ReminderKey(ReminderKind.CALL, at=AT),
    "again lead carrier 2026-12-03T15:00": ReminderKey(ReminderKind.AGAIN, 0, "lead", "carrier", AT),
    "action-2 due 2026-12-03T15:00": ReminderKey(ReminderKind.ACTION, 2, "due", at=AT),
    "shown follow-up 0a1b2c3d4e5f": ReminderKey(ReminderKind.SHOWN, about="follow-up 0a1b2c3d4e5f"),
    "digest 2026-12-03 ana": ReminderKey(ReminderKind.DIGEST, about="2026-12-03 ana"),
}


@pytest.mark.parametrize(("text", "key"), STORED.items(), ids=STORED)
def test_a_key_is_stored_as_this_text(text: str, key: ReminderKey) -> None:
    assert str(key) == text
    assert ReminderKind.of(text) is key.kind


def test_every_kind_has_an_example() -> None:
    assert {key.kind for key in STORED.values()} == set(ReminderKind)


@pytest.mark.parametrize("text", ["", "something", "promised", "silence2", "option", "gift", "held-up x"])
def test_other_text_is_of_another_kind_or_none(text: str) -> None:
    assert ReminderKind.of(text) is ({"option": ReminderKind.OPTION}.get(text))


@given(st.sampled_from(ReminderKind), st.integers(0, 99), st.text())
def test_the_kind_is_read_back_whatever_the_key_is_about(kind: ReminderKind, n: int, about: str) -> None:
    assert ReminderKind.of(str(ReminderKey(kind, n, about=about, at=AT))) is kind


@pytest.mark.parametrize(
    ("key", "stored"),
    [
        (StateKey.CYCLE, "beat"),
        (StateKey.BREAKER, "breaker"),
        (StateKey.BREAKER_REASON, "breaker because"),
        (StateKey.COPIED, "copied"),
        (StateKey.TRAINING, "learned"),
        (StateKey.CONNECTED.of("support"), "connected support"),
        (StateKey.INBOX_READ.of("support"), "read support"),
        (StateKey.SENT_READ.of("support"), "sent folder of support read"),
        (StateKey.FETCH_FAILURE.of("support", "INBOX"), "stumble support/INBOX"),
        (StateKey.REFUSED_UPDATES.of("support", "INBOX"), "touch support/INBOX"),
    ],
)
def test_state_is_stored_under_these_names(key: str, stored: str) -> None:
    assert str(key) == stored


PROMISE = Promise(
    n=1,
    text="ship it",
    kind=PromiseKind.FIRM,
    internal_deadline=AT,
    promised_by=AT.replace(hour=17),
)
OPTION = Option(n=1, text="a refund", promised_by=AT)
LATE = PromiseLate(at=AT, n=1, internal_deadline=AT, promised_by=AT.replace(hour=17))


@pytest.mark.parametrize("value", [PROMISE, OPTION, LATE], ids=["promise", "option", "event"])
def test_the_dates_of_a_promise_are_read_under_their_older_names_too(value: object) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(type(value))
    stored = adapter.dump_json(value)
    older = stored.replace(b'"promised_by"', b'"told"').replace(b'"internal_deadline"', b'"due"')
    assert older != stored
    assert adapter.validate_json(stored) == value
    assert adapter.validate_json(older) == value
