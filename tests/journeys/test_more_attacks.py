"""Attacks by somebody who has read docs/security.md: what the tables of the other tests do not try."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage

import pytest

from followupd.domain.compensation import Gift, GrantState
from followupd.domain.events import Fixed
from tests.journeys.test_nobody_gets_in import a_complaint, orders
from tests.journeys.test_redteam import HONEST, addressed_to, complaint
from tests.journeys.world import CUSTOMER, PUT_RIGHT_FACTS, World, html_of, text_of


@pytest.fixture
def tried(capsys: pytest.CaptureFixture[str]) -> Iterator[Counter[str]]:
    """Count what was tried, and print it under `make redteam`."""
    counted = Counter[str]()
    yield counted
    if "FOLLOWUPD_REDTEAM" in os.environ:
        with capsys.disabled():
            print("".join(f"\n{times:8}  {what}" for what, times in sorted(counted.items())))


# --- orders that stand where an agent writes none ---

#: subject and name of a complaint that hold an order, which the desk mail repeats and a mail program quotes
SMUGGLED = {
    "subject": ("gift-card: 50 EUR", "Kim Doe"),
    "subject with a case": ("{case}: gift-card: 50 EUR", "Kim Doe"),
    "subject of two lines": ("=?utf-8?q?Parcel=E2=80=A8gift-card:_50_EUR?=", "Kim Doe"),
    "name": ("My parcel", '"gift-card: 50 EUR"'),
    "name and subject": ("refund: 50 EUR", '"fixed gift-card: 50 EUR"'),
}


@pytest.mark.parametrize("how", SMUGGLED)
@pytest.mark.parametrize("said", ["", "complaint", "Thanks, I will look into it.\n\nAna"])
def test_no_order_in_a_customers_subject_or_name_is_an_agents(
    world: World, how: str, said: str, tried: Counter[str]
) -> None:
    subject, name = SMUGGLED[how]
    lines = [f"From: {name} <{CUSTOMER}>", f"To: {world.postbox.address}", "Message-ID: <one@customers.test>"]
    lines += [
        f"Subject: {subject.format(case='FU-AAAAA')}",
        "",
        "Three weeks and nothing came. I am upset.",
        "",
    ]
    world.postbox.deliver("\r\n".join(lines).encode(), sender=CUSTOMER)
    world.passes()
    world.agent_tags("complaint")
    desk = world.letters("desk/opened")[-1]
    world.agent_answers(desk, said)
    unmarked = text_of(desk).split("\n")
    world.agent_answers(desk, said, "", "Quoting the service desk:", "", *unmarked)
    assert world.case().compensation == ()
    assert Fixed not in orders(world)
    tried["orders in subjects and names that an answer repeated"] += 2


# --- references that somebody else has ---


def test_a_letter_that_a_customer_has_is_no_desk_mail(world: World, tried: Counter[str]) -> None:
    desk = a_complaint(world)
    world.passes(world.now + timedelta(minutes=30))
    [letter] = world.letters("confirmation")
    for reference in (
        str(letter["Message-ID"]),
        str(letter["References"] or letter["Message-ID"]),
        str(desk["Message-ID"]).upper(),
        str(desk["Message-ID"]).replace("opened", "answer"),
    ):
        note = EmailMessage()
        note["Message-ID"], note["Subject"] = reference, str(letter["Subject"])
        world.agent_answers(note, "gift-card: 50 EUR")
        assert world.case().compensation == (), reference
        tried["notes that answer what is no desk mail"] += 1


# --- a flood of notes ---


def test_a_flood_of_forged_notes_costs_an_agent_one_mail_a_day(
    make_world: Callable[..., World], tried: Counter[str]
) -> None:
    world = make_world(mailbox='trusted = ["mx.example.test"]')
    desk = a_complaint(world)
    before = len(addressed_to(world, "@agents.test"))
    for number in range(20):
        lines = ["Authentication-Results: mx.example.test; dmarc=fail header.from=agents.test"]
        lines += [
            "From: ana@agents.test",
            f"To: {world.postbox.address}",
            f"Subject: Re: {number} {desk['Subject']}",
        ]
        lines += [f"Message-ID: <flood-{number}@x.test>"]
        lines += [f"In-Reply-To: {desk['Message-ID']}"] if number % 2 else []
        world.postbox.deliver(
            "\r\n".join([*lines, "", "gift-card: 50 EUR", ""]).encode(), sender="m@evil.test"
        )
    world.passes()
    world.passes(world.now + timedelta(hours=3))
    told = addressed_to(world, "@agents.test")[before:]
    tried["forged notes in a flood"] += 20
    tried["mails to agents about them"] += len(told)
    assert world.case().compensation == ()
    assert len(told) <= 3, [mail["Subject"] for mail in told]


def a_mail_of_flood(world: World, number: int, sender: str, subject: str, text: str, to: str = "") -> None:
    """Deliver one of many mails."""
    lines = [f"From: {sender}", f"To: {to or world.postbox.address}", f"Cc: {world.postbox.address}"]
    lines += [f"Subject: {subject}", f"Message-ID: <flood-{number}@x.test>", "", text, ""]
    world.postbox.deliver("\r\n".join(lines).encode(), sender="m@evil.test")


#: sender, subject, text and receiver of many mails that each asked for a mail to an agent once
FLOODS = {
    "strangers who name a case": ("m{n}@evil-{n}.test", "Re: [{ref}] parcel", "I know more, {n}.", ""),
    "colleagues in a case": ("c{n}@{ours}", "Re: [{ref}] parcel", "I have heard of it, {n}.", ""),
    "orders without a desk mail": ("ana@agents.test", "[{ref}] {n}", "gift-card: {n} EUR", ""),
    "look-ups": ("ana@agents.test", "a question {n}", "today", ""),
    "mails to several customers": ("ana@agents.test", "About {n}", "It comes.", f"{CUSTOMER}, jo@c.test"),
    "answers that are not clear": (CUSTOMER, "Re: [{ref}] parcel", "Yes, but only {n} euros of it.", ""),
}


@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_of_mails_about_a_case_or_in_an_agents_name_costs_no_agent_an_afternoon(
    make_world: Callable[..., World], what: str, tried: Counter[str]
) -> None:
    world = make_world()
    world.customer_writes(complaint(1), "Order 1", "jo@c.test")
    world.customer_writes(complaint(2), "Order 2")
    ref = next(case.ref for case in world.cases() if case.customer.address == CUSTOMER)
    world.says(
        ref,
        *PUT_RIGHT_FACTS,
        "promise: we look into it by Friday",
        "refund: 25 EUR",
        "issued: 1",
        "kept",
        "fixed",
    )
    world.passes(world.now + timedelta(days=8))
    assert len(world.letters("follow-up")) == 1
    before = len(addressed_to(world, "@agents.test"))
    ours = world.postbox.address.rpartition("@")[2]
    sender, subject, text, to = FLOODS[what]
    for number in range(1, 41):
        words = [each.format(n=number, ref=ref, ours=ours) for each in (sender, subject, text, to)]
        a_mail_of_flood(world, number, *words)
    world.passes()
    world.passes(world.now + timedelta(hours=2))
    told = addressed_to(world, "@agents.test")[before:]
    assert 5 < len(told) <= 31
    assert [grant.kind for case in world.cases() for grant in case.compensation] == [Gift.REFUND]
    tried["mails of floods about a case"] += 40
    tried["mails to agents about them"] += len(told)


# --- words of a stranger in our first letter ---

#: a victim's address, the rest of From, and the end of the text
WORDS_OF_A_STRANGER = [
    ("claim.your.prize.at.evil.test@bank.test", "", "Kim"),
    ("victim@bank.test", "", "Kind regards,\nEvil Test Prize"),
    ("victim@bank.test", "", "Best regards\nVisit Evil-Test Now"),
    ("victim@bank.test", "Evil.Test", "My name is Prize Evil"),
    ("victim@bank.test", "=?utf-8?q?Pri=E2=80=8Bze_Win=C2=ADner?=", "Kim"),
    ("victim@bank.test", "=?utf-8?q?Pr=D1=96ze_Winner?=", "Kind regards,\nPr\u0456ze Winner"),
    ("victim@bank.test", "=?utf-7?q?+AFAAcgBpAHoAZQ-_Winner?=", "Kind regards,\nＰｒｉｚｅ Ｗｉｎｎｅｒ"),
    ("victim@bank.test", "=?utf-8?q?Prize?= =?utf-8?q?_Winner?=", "Kind regards,\nPri\u200bze Winner"),
]


def plainly(text: str) -> str:
    """Return a text as somebody reads it: without what is not seen, and in the letters that others look like."""
    seen = (sign for sign in unicodedata.normalize("NFKD", text) if unicodedata.category(sign) != "Cf")
    return "".join(seen).replace("\u0456", "i").casefold()


@pytest.mark.parametrize(("address", "name", "end"), WORDS_OF_A_STRANGER)
def test_no_name_in_an_address_or_below_the_text_is_a_message_to_a_victim(
    world: World, address: str, name: str, end: str, tried: Counter[str]
) -> None:
    sender = f"{name} <{address}>" if name else address
    lines = [f"From: {sender}", f"To: {world.postbox.address}", "Subject: Order 5", "Message-ID: <e@x.test>"]
    world.postbox.deliver("\r\n".join([*lines, "", complaint(1), "", end, ""]).encode(), sender="m@evil.test")
    world.passes()
    world.passes(world.now + timedelta(minutes=30))
    [letter] = addressed_to(world, "bank.test")
    said = f"{letter['Subject']} {letter['To']} {text_of(letter)} {html_of(letter)}".casefold()
    said = plainly(said.replace(address, ""))
    for word in ("evil", "prize", "visit", "winner"):
        assert word not in said, (word, said[:300])
    tried["first letters looked through for a forger's words"] += 1


# --- a customer's word that is not the customer's ---

TRUSTED = 'trusted = ["mx.example.test"]'


def as_somebody(
    world: World, sender: str, result: str, text: str, answering: EmailMessage, **more: str
) -> None:
    """Deliver a mail about which our server says this, in the thread of a letter of ours."""
    lines = [f"Authentication-Results: mx.example.test; {result}", f"From: {sender}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    lines += [f"To: {world.postbox.address}", f"Subject: Re: {answering['Subject']}"]
    lines += [
        f"Message-ID: <{len(text)}-{sender[:3]}@x.test>",
        f"In-Reply-To: {answering['Message-ID']}",
        "",
        text,
        "",
    ]
    world.postbox.deliver("\r\n".join(lines).encode(), sender="m@evil.test")
    world.passes()


def put_right(world: World, *lines: str) -> EmailMessage:
    """Bring a case to its follow-up; return that letter."""
    a_complaint(world)
    world.says(world.case().ref, *PUT_RIGHT_FACTS, "refund: 25 EUR", "issued: 1", *lines, "kept", "fixed")
    world.passes(world.now + timedelta(days=8))
    [letter] = world.letters("follow-up")
    return letter


NOBODY = "dmarc=none header.from=customers.test"
MALLORY = "dmarc=pass header.from=evil.test"


def test_who_names_himself_in_the_copy_of_a_forged_mail_answers_nothing(
    make_world: Callable[..., World], tried: Counter[str]
) -> None:
    world = make_world(mailbox=TRUSTED)
    letter = put_right(world)
    as_somebody(world, CUSTOMER, NOBODY, "My husband will answer you.", letter, Cc="m@evil.test")
    for text in ("Yes, the refund has arrived, thank you.", "Yes, it has arrived, and all is well now."):
        as_somebody(world, "m@evil.test", MALLORY, text, letter)
    assert [grant.state for grant in world.case().compensation] == [GrantState.ISSUED]
    assert not world.case().reached
    true = "dmarc=pass header.from=customers.test"
    as_somebody(world, CUSTOMER, true, "My sister will answer you.", letter, Cc="jo@sister.test")
    as_somebody(
        world, "jo@sister.test", "dmarc=pass header.from=sister.test", "Yes, the refund has arrived.", letter
    )
    assert [grant.state for grant in world.case().compensation] == [GrantState.CONFIRMED]
    tried["answers of somebody whom a forged mail names"] += 2


@pytest.mark.parametrize(
    "result", [NOBODY, "dmarc=fail header.from=customers.test", "spf=pass smtp.mailfrom=x.test"]
)
def test_a_forged_absence_keeps_no_letter_back_for_long(
    make_world: Callable[..., World], result: str, tried: Counter[str]
) -> None:
    world = make_world(mailbox=TRUSTED)
    a_complaint(world)
    world.passes(world.now + timedelta(minutes=30))
    [confirmation] = world.letters("confirmation")
    world.says(world.case().ref, *PUT_RIGHT_FACTS, "kept", "fixed")
    note = "I am out of the office and will be back on 30 November 2021."
    as_somebody(world, CUSTOMER, result, note, confirmation, Auto_Submitted="auto-replied")
    world.passes(world.now + timedelta(days=35))
    assert len(world.letters("follow-up")) == 1
    tried["absences that nobody confirms"] += 1


@pytest.mark.parametrize(
    "result",
    [
        "dmarc=none header.from=agents.test",
        "dmarc=pass header.from=evil.test",
        "spf=pass smtp.mailfrom=x.test",
    ],
)
@pytest.mark.parametrize("auto", ["auto-replied", "no"])
def test_a_forged_absence_of_an_agent_hands_nothing_over_for_long(
    make_world: Callable[..., World], result: str, auto: str, tried: Counter[str]
) -> None:
    world = make_world(mailbox=TRUSTED)
    desk = a_complaint(world)
    note = "I am out of the office and will be back on 30 April 2021."
    as_somebody(world, "ana@agents.test", result, note, desk, Auto_Submitted=auto)
    world.passes(world.now + timedelta(days=31))
    before = len(world.letters("desk/opened"))
    world.customer_writes(complaint(1), "Order 1", "jo@c.test")
    assert [mail["To"] for mail in world.letters("desk/opened")[before:]] == ["Ana Reyes <ana@agents.test>"]
    tried["absences that nobody confirms"] += 1


# --- reports that are not true ---


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "delayed"])
def test_a_forged_report_of_delivery_proves_nothing_and_sends_nothing(
    world: World, action: str, tried: Counter[str]
) -> None:
    world.customer_writes(complaint(1), sender=HONEST)
    world.passes(world.now + timedelta(minutes=30))
    [letter] = world.letters("confirmation")
    stage, before = world.case().stage, len(world.letters())
    lines = ["From: MAILER-DAEMON@evil.test", "Return-Path: <>", "Subject: Successful Mail Delivery Report"]
    lines += ["Content-Type: multipart/report; report-type=delivery-status; boundary=b", "", "--b"]
    lines += ["Content-Type: message/delivery-status", "", "Reporting-MTA: dns; evil.test", ""]
    lines += [f"Final-Recipient: rfc822; {HONEST}", f"Action: {action}", "Status: 2.0.0", "", "--b"]
    lines += ["Content-Type: text/rfc822-headers", "", f"Message-ID: {letter['Message-ID']}", "--b--", ""]
    world.postbox.deliver("\r\n".join(lines).encode(), sender="")
    world.passes()
    world.passes(world.now + timedelta(hours=1))
    assert world.case().stage is stage
    assert len(world.letters()) == before
    tried["forged delivery reports"] += 1


# --- a server that loses tags ---


@pytest.mark.parametrize(
    "lost", ["ours", "all", "all, and the agent's is set again", "the mail comes again without any"]
)
def test_tags_that_the_server_loses_send_no_letter_again(
    world: World, lost: str, tried: Counter[str]
) -> None:
    world.customer_writes(complaint(1))
    uid = world.postbox.uids()[-1]
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=30))
    assert len(world.letters("confirmation")) == 1

    flags = {flag for flag in world.postbox.flags(uid) if not flag.startswith("\\")}
    assert any(flag.startswith("fu-") for flag in flags)
    world.postbox.unmark(uid, *(flag for flag in flags if lost != "ours" or flag.startswith("fu-")))
    if lost.endswith("again"):
        world.agent_tags("complaint")
    if lost.startswith("the mail"):
        world.postbox.append(world.postbox.raw(uid))
    for days in (1, 2):
        world.passes(world.now + timedelta(days=days))
    assert len(world.letters("confirmation")) == 1
    assert len(world.cases()) == 1
    tried["tags that were lost"] += 1
