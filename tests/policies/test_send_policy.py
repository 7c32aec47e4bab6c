"""May a queued letter be sent now? A state of the letter, its case, the outbox and the clock -> the decision."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from followupd.domain.calendar import Calendar
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Gift
from followupd.domain.letter import Letter, LetterKind, OutboxUsage
from followupd.domain.mail import Person
from followupd.errors import UnknownCaseError
from followupd.services.outbox.policy import RECHECK_AFTER, AlreadySent, Cancel, Send, SendPolicy, Wait
from tests.builders import ANA, KIM, NOW, a_case

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
POLICY = SendPolicy(
    calendar=Calendar(timezone="UTC", quiet=(time(20), time(8))),
    per_address=(1, DAY),
    breaker=(50, HOUR),
    witness=True,
    witness_within=timedelta(minutes=10),
    in_doubt="ask",
)


def a_letter(kind: LetterKind = LetterKind.CONFIRMATION, **changes: Any) -> Letter:
    case = "FU-7K3Q9"
    letter = Letter(
        key=f"{case}.{kind}.1",
        case=case,
        kind=kind,
        mailbox="support",
        sender=Person("support@example.test"),
        to=KIM if kind.to_customer else Person(ANA.email),
        subject="My kettle",
        text="Dear Kim,",
        message_id=f"<{case}.{kind}.1@example.test>",
        concerns=(1,),
    )
    return replace(letter, **changes)


def promised() -> Case:
    return a_case().promised("ship it", FRIDAY).case


def with_gift_card() -> Case:
    return a_case().granted(Gift.GIFT_CARD, "20").knows().fixed().followed_up().case


CONFIRMATION, DESK_MAIL = a_letter(), a_letter(LetterKind.NUDGE)
GIFT_CARD = a_letter(LetterKind.GIFT_CARD)
ADDRESS, DOMAIN = KIM.address, "@customers.test"


def sent(name: str, *ago: timedelta) -> OutboxUsage:
    """Return the usage after letters to an address or domain, so long before now."""
    return OutboxUsage(recent={name: tuple(NOW - each for each in ago)})


def test_a_letter_is_sent_when_nothing_is_against_it() -> None:
    assert POLICY.may_send(CONFIRMATION, promised(), OutboxUsage(), NOW) == Send()


@pytest.mark.parametrize(
    ("usage", "desk_mail_too"),
    [
        (OutboxUsage(breaker="the breaker is open: more than 50 letters"), True),
        (OutboxUsage(sent=50), True),
        (OutboxUsage(stale_mailboxes=frozenset({"support"})), False),
    ],
)
def test_the_breaker_stops_everything_and_a_stale_mailbox_its_customers(
    usage: OutboxUsage, desk_mail_too: bool
) -> None:
    decided = POLICY.may_send(CONFIRMATION, promised(), usage, NOW)
    assert isinstance(decided, Wait)
    assert decided.until is None
    assert decided.why == POLICY.blocking_reason(CONFIRMATION, usage)
    assert isinstance(POLICY.may_send(DESK_MAIL, None, usage, NOW), Wait) is desk_mail_too


@pytest.mark.parametrize("usage", [OutboxUsage(sent=49), OutboxUsage(stale_mailboxes=frozenset({"sales"}))])
def test_one_letter_below_the_limit_and_other_mailboxes_stop_nothing(usage: OutboxUsage) -> None:
    assert POLICY.may_send(CONFIRMATION, promised(), usage, NOW) == Send()
    assert POLICY.blocking_reason(CONFIRMATION, usage) == ""


@pytest.mark.parametrize("letter", [CONFIRMATION, DESK_MAIL])
def test_a_letter_whose_copy_is_in_the_mailbox_was_sent(letter: Letter) -> None:
    usage = OutboxUsage(copies=frozenset({letter.message_id}))
    assert isinstance(POLICY.may_send(letter, promised(), usage, NOW), AlreadySent)
    other = OutboxUsage(copies=frozenset({"<other@example.test>"}))
    assert POLICY.may_send(letter, promised(), other, NOW) == Send()


@pytest.mark.parametrize(
    ("case", "letter"),
    [
        (replace(promised(), stage=Stage.DISMISSED), CONFIRMATION),
        (a_case().promised("ship it", FRIDAY).kept().case, CONFIRMATION),
        (promised(), replace(CONFIRMATION, good_until=NOW)),
        (a_case().case, GIFT_CARD),
    ],
)
def test_a_letter_that_is_no_longer_true_is_cancelled(case: Case, letter: Letter) -> None:
    decided = POLICY.may_send(letter, case, OutboxUsage(), NOW)
    assert isinstance(decided, Cancel)
    assert decided.why


def test_a_case_on_hold_and_a_gift_card_that_is_blocked_are_checked_again_soon() -> None:
    held = replace(promised(), held=True)
    assert POLICY.may_send(CONFIRMATION, held, OutboxUsage(), NOW) == Wait(
        NOW + RECHECK_AFTER, "the case is on hold"
    )
    assert POLICY.may_send(GIFT_CARD, with_gift_card(), OutboxUsage(), NOW) == Send()
    unreached = replace(with_gift_card(), not_reached="550 no such user")
    decided = POLICY.may_send(GIFT_CARD, unreached, OutboxUsage(), NOW)
    assert isinstance(decided, Wait)
    assert decided.until == NOW + RECHECK_AFTER


def test_quiet_hours_keep_letters_back_and_desk_mail_goes_on() -> None:
    night = NOW.replace(hour=21)
    morning = (NOW + DAY).replace(hour=8)
    assert POLICY.may_send(CONFIRMATION, promised(), OutboxUsage(), night) == Wait(morning, "quiet hours")
    assert POLICY.may_send(DESK_MAIL, None, OutboxUsage(), night) == Send()
    held = replace(promised(), held=True)
    assert POLICY.may_send(DESK_MAIL, held, OutboxUsage(), NOW) == Send()


QUOTAS = [
    pytest.param(sent(ADDRESS, HOUR), NOW + DAY - HOUR, id="one a day"),
    pytest.param(sent(ADDRESS, DAY), None, id="a day ago"),
    pytest.param(sent(ADDRESS, 6 * DAY, 5 * DAY, 4 * DAY), NOW + DAY, id="three a week"),
    pytest.param(sent(ADDRESS, 6 * DAY, 5 * DAY), None, id="two in a week"),
    pytest.param(sent(ADDRESS, 7 * DAY, 5 * DAY, 4 * DAY), None, id="three in more than a week"),
    pytest.param(sent(DOMAIN, *[HOUR / 2] * 20), NOW + HOUR / 2, id="twenty an hour to a domain"),
    pytest.param(sent(DOMAIN, *[HOUR / 2] * 19), None, id="nineteen in an hour to a domain"),
    pytest.param(sent(DOMAIN, *[HOUR] * 20), None, id="twenty an hour ago to a domain"),
]


@pytest.mark.parametrize(("usage", "until"), QUOTAS)
def test_quotas_limit_automatic_letters(usage: OutboxUsage, until: datetime | None) -> None:
    decided = POLICY.may_send(CONFIRMATION, promised(), usage, NOW)
    if until is None:
        assert decided == Send()
    else:
        assert isinstance(decided, Wait)
        assert decided.until == until
    by_hand = replace(CONFIRMATION, automatic=False)
    assert POLICY.may_send(by_hand, promised(), usage, NOW) == Send()


def test_an_address_is_compared_without_its_case() -> None:
    letter = replace(CONFIRMATION, to=Person(ADDRESS.upper()))
    assert isinstance(POLICY.may_send(letter, promised(), sent(ADDRESS, HOUR), NOW), Wait)


def test_the_letters_of_a_batch_count_for_those_after_them() -> None:
    usage = OutboxUsage(sent=48).including(CONFIRMATION, NOW)
    assert usage.sent == 49
    assert usage.recent == {ADDRESS: (NOW,), DOMAIN: (NOW,)}
    by_hand = usage.including(replace(CONFIRMATION, automatic=False), NOW)
    assert (by_hand.sent, by_hand.recent) == (50, usage.recent)
    assert isinstance(POLICY.may_send(CONFIRMATION, promised(), usage, NOW), Wait)


def test_a_letter_to_a_customer_needs_a_case() -> None:
    with pytest.raises(UnknownCaseError):
        POLICY.may_send(CONFIRMATION, None, OutboxUsage(), NOW)
