"""May a queued letter be sent now? A state of the letter, its case, the outbox and the clock -> the decision."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from followupd.domain.calendar import Calendar
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Gift
from followupd.domain.letter import Budget, Letter, LetterKind, OutboxUsage
from followupd.domain.mail import Person
from followupd.errors import UnknownCaseError
from followupd.services.outbox.policy import RECHECK_AFTER, AlreadySent, Cancel, Send, SendPolicy, Wait
from tests.builders import ANA, KIM, NOW, PLAYBOOK, a_case

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
POLICY = SendPolicy(
    calendar=Calendar(timezone="UTC", quiet=(time(20), time(8))),
    per_address=(1, DAY),
    breaker=(50, HOUR),
    witness=True,
    witness_within=timedelta(minutes=10),
    in_doubt="ask",
    playbook_of=lambda case: PLAYBOOK,
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
        (OutboxUsage(sent={Budget.FIRST: 50}), False),
        (OutboxUsage(sent={Budget.FIRST: 50, Budget.DESK: 50}), True),
        (OutboxUsage(stopped=frozenset({Budget.FIRST})), False),
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


@pytest.mark.parametrize(
    "usage", [OutboxUsage(sent={Budget.FIRST: 49}), OutboxUsage(stale_mailboxes=frozenset({"sales"}))]
)
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


def test_a_letter_that_a_person_let_go_waits_for_neither_quiet_hours_nor_quotas_but_for_a_hold() -> None:
    night = datetime(2026, 12, 2, 23, tzinfo=UTC)
    usage = replace(sent(ADDRESS, HOUR), at_once=frozenset({CONFIRMATION.key}))
    assert POLICY.may_send(CONFIRMATION, promised(), usage, night) == Send()
    held = replace(promised(), held=True)
    assert isinstance(POLICY.may_send(CONFIRMATION, held, usage, night), Wait)
    other = replace(usage, at_once=frozenset({"FU-22222.confirmation.1"}))
    assert isinstance(POLICY.may_send(CONFIRMATION, promised(), other, night), Wait)


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
    usage = OutboxUsage(sent={Budget.FIRST: 49}).including(CONFIRMATION, NOW)
    assert usage.sent == {Budget.FIRST: 50}
    assert usage.recent == {ADDRESS: (NOW,), DOMAIN: (NOW,)}
    by_hand = usage.including(replace(CONFIRMATION, automatic=False), NOW)
    assert (by_hand.sent, by_hand.recent) == ({Budget.FIRST: 50, Budget.PROMISED: 1}, usage.recent)
    assert isinstance(POLICY.may_send(CONFIRMATION, promised(), usage, NOW), Wait)


def test_a_letter_to_a_customer_needs_a_case() -> None:
    with pytest.raises(UnknownCaseError):
        POLICY.may_send(CONFIRMATION, None, OutboxUsage(), NOW)


# --- budgets ---

FOLLOW_UP = replace(CONFIRMATION, kind=LetterKind.FOLLOW_UP)
ASKED_FOR = replace(CONFIRMATION, automatic=False)
FLOOD = OutboxUsage(sent={Budget.FIRST: 10_000, Budget.DESK: 20_000})
NOTICE = replace(DESK_MAIL, key="desk/digest.2026-12-01.breaker-lee")


def test_a_flood_of_complaints_holds_back_no_letter_that_people_promised() -> None:
    assert [POLICY.blocking_reason(letter, FLOOD) for letter in (FOLLOW_UP, ASKED_FOR)] == ["", ""]
    assert "first letters by machine" in POLICY.blocking_reason(CONFIRMATION, FLOOD)
    assert "mails to agents" in POLICY.blocking_reason(DESK_MAIL, FLOOD)


@pytest.mark.parametrize(
    "usage",
    [
        FLOOD,
        OutboxUsage(breaker="the breaker is open: x"),
        OutboxUsage(stopped=frozenset(Budget)),
        OutboxUsage(sent=dict.fromkeys(Budget, 999)),
    ],
)
def test_no_breaker_holds_back_the_mail_that_says_that_it_is_open(usage: OutboxUsage) -> None:
    assert POLICY.may_send(NOTICE, None, usage, NOW) == Send()


@pytest.mark.parametrize(
    "domain", ["gmail.com", "GMX.de", "yahoo.co.uk", "hotmail.fr", "t-online.de", "outlook.com"]
)
def test_the_quota_of_a_domain_does_not_hold_back_letters_to_a_public_provider(domain: str) -> None:
    letter = replace(CONFIRMATION, to=Person(f"kim@{domain}"))
    usage = sent(f"@{domain.lower()}", *[HOUR / 2] * 20)
    assert POLICY.may_send(letter, promised(), usage, NOW) == Send()


@pytest.mark.parametrize("domain", ["gmail.com.evil.test", "mygmail.com", "gmx.evil.test", "shop.example"])
def test_a_domain_that_only_looks_like_a_public_provider_has_its_quota(domain: str) -> None:
    letter = replace(CONFIRMATION, to=Person(f"kim@{domain}"))
    assert isinstance(POLICY.may_send(letter, promised(), sent(f"@{domain}", *[HOUR / 2] * 20), NOW), Wait)


def test_a_letter_that_was_promised_is_not_held_back_by_the_quota_of_its_domain() -> None:
    usage = sent(DOMAIN, *[HOUR / 2] * 20)
    assert not isinstance(POLICY._over_quota(FOLLOW_UP, usage, NOW), Wait)
