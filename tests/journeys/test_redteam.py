"""What an outsider and an unlucky day did to the letters once: floods, slow mails, echoes, lost and replaced ledgers.

`make redteam` runs it with the other attacks, in larger numbers, and prints what was tried.
"""

import os
import shutil
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from followupd.adapters.crypto import Vault
from followupd.adapters.process import MailReader
from followupd.adapters.settings import load
from followupd.adapters.storage.database import adapter_of
from followupd.adapters.storage.lease import AlreadyRunningError
from followupd.adapters.storage.ledger import Ledger
from followupd.app.container import build
from followupd.app.cycle import run_cycle
from followupd.cli.main import main
from followupd.domain.case import Stage
from followupd.domain.compensation import Money
from followupd.domain.keys import StateKey
from followupd.domain.mail import Identity, Message
from followupd.errors import UnavailableError
from followupd.services.outbox import policy
from tests.journeys.world import PUT_RIGHT_FACTS, World, text_of
from tests.servers.smtp import DROP

#: complaints of a flood; each takes a tenth of a second
FLOOD = int(os.environ.get("FOLLOWUPD_REDTEAM") or 25)
THINGS = ("kettle", "teapot", "lamp", "chair", "mirror", "carpet", "clock", "basket", "blanket", "drawer")
HONEST = "honest@kim.test"


@pytest.fixture
def tried(capsys: pytest.CaptureFixture[str]) -> Iterator[Counter[str]]:
    """Count what was tried, and print it under `make redteam`."""
    counted = Counter[str]()
    yield counted
    if "FOLLOWUPD_REDTEAM" in os.environ:
        with capsys.disabled():
            print("".join(f"\n{times:8}  {what}" for what, times in sorted(counted.items())))


def complaint(number: int) -> str:
    """Return a complaint that the machine is sure of, in words that no other one has."""
    thing, other = THINGS[number % 10], THINGS[number // 10 % 10]
    story = f"order {number} of a {thing} and a {other}: the {thing} never came and the {other} is in pieces"
    return (
        f"My {thing} has still not arrived after {number % 7 + 2} weeks and nobody answers my mails. I am very "
        f"disappointed, this is unacceptable, I want my money back. It was {story}."
    )


def addressed_to(world: World, domain: str) -> list[EmailMessage]:
    return [mail for mail in world.letters() if domain in str(mail["To"])]


# --- a flood ---


def test_a_flood_of_forged_complaints_costs_no_honest_customer_a_day_nor_an_agent_an_afternoon(
    make_world: Callable[..., World], tried: Counter[str], tmp_path: Path
) -> None:
    world = make_world(smtp_extra='breaker = "12 per hour"', more='\n[recognise]\nmost = "8 per hour"\n')
    world.customer_writes(complaint(99_999), "Order 99999", HONEST)
    honest = world.case().ref
    world.says(
        honest,
        "cause: two labels were swapped on our packing table",
        "resolution: we sent your parcel again by courier",
        "prevention: each label is now scanned before a parcel leaves",
        "fault: ours",
        "kept",
        "fixed",
    )
    world.passes(world.now + timedelta(hours=2))
    before = len(addressed_to(world, "@agents.test"))

    for number in range(FLOOD):
        deliver(world, number)
    world.passes()
    world.passes(world.now + timedelta(hours=2))
    victims = addressed_to(world, "@victims.test")
    to_agents = addressed_to(world, "@agents.test")[before:]
    tried["complaints forged in a flood"] += FLOOD
    tried["victims that were written to"] += len(victims)
    tried["mails to agents about them"] += len(to_agents)
    assert 0 < len(victims) <= 8
    assert len(to_agents) <= 3 * 12

    while not has_follow_up(world):
        world.passes(world.now + timedelta(days=1))
        tried["days until the honest customer's follow-up"] += 1
        assert tried["days until the honest customer's follow-up"] < 7, "it starved"

    told = [mail for mail in addressed_to(world, "lee@agents.test") if "dismiss flood" in text_of(mail)]
    assert told, "nobody was told"
    flooded = [case for case in world.cases() if case.flood]
    assert len(flooded) >= FLOOD - 8
    world.agent_answers(told[0], "dismiss flood", sender="lee@agents.test")
    assert {case.stage for case in world.cases() if case.flood} == {Stage.DISMISSED}
    tried["complaints dismissed by one line"] += len(flooded)
    assert main(["resume", "--config", str(tmp_path / "etc")]) == 0


#: sender, subject and further fields of a flood that has another shape
FLOODS_OF_ANOTHER_SHAPE = {
    "from a public mail provider": ("kim{n}@gmail.com", "Order {n}", ()),
    "in one thread": ("kim@victims-{n}.test", "Order {n}", ("References: <flood-0@victims.test>",)),
    "by a form": ("form@evil.test", "Contact form", ("Reply-To: kim{n}@victims.test",)),
    "from one address": ("kim@victims.test", "Order {n}", ()),
}


@pytest.mark.parametrize("shape", FLOODS_OF_ANOTHER_SHAPE)
def test_a_flood_of_another_shape_costs_no_honest_customer_a_day(
    make_world: Callable[..., World], shape: str, tried: Counter[str]
) -> None:
    world = make_world(smtp_extra='breaker = "12 per hour"', more='\n[recognise]\nmost = "8 per hour"\n')
    world.customer_writes(complaint(99_999), "Order 99999", HONEST)
    world.says(world.case().ref, *PUT_RIGHT_FACTS, "kept", "fixed")
    world.passes(world.now + timedelta(hours=2))
    before = len(addressed_to(world, "@agents.test"))
    sender, subject, fields = FLOODS_OF_ANOTHER_SHAPE[shape]
    for number in range(min(FLOOD, 40)):
        lines = [f"From: {sender}", f"To: {world.postbox.address}", f"Subject: {subject}", *fields]
        head = "\r\n".join([*lines, "Message-ID: <flood-{n}@victims.test>"]).format(n=number)
        raw = f"{head}\r\n\r\n{complaint(number)}\r\n"
        world.postbox.deliver(raw.encode(), sender="mallory@evil.test")
    world.passes()
    world.passes(world.now + timedelta(hours=2))
    strangers = [mail for mail in world.letters("confirmation") if HONEST not in str(mail["To"])]
    assert len(strangers) <= 8
    assert len(addressed_to(world, "@agents.test")) - before <= 3 * 12
    world.passes(world.now + timedelta(days=7))
    assert has_follow_up(world)
    tried[f"complaints of a flood {shape}"] += min(FLOOD, 40)


def test_a_slow_flood_costs_no_agent_an_afternoon_either(
    make_world: Callable[..., World], tried: Counter[str]
) -> None:
    world = make_world(more='\n[recognise]\nmost = "4 per hour"\n')
    for hour in range(10):  # always fewer than in an hour that is one
        for number in range(3 * hour, 3 * hour + 3):
            deliver(world, number)
        world.passes(world.now + timedelta(hours=1))
    assert len([case for case in world.cases() if case.flood]) == 30 - 4 * 4
    assert len(addressed_to(world, "@victims.test")) <= 4 * 4
    told = [mail for mail in addressed_to(world, "lee@agents.test") if "dismiss flood" in text_of(mail)]
    assert len(told) == 1
    assert len(addressed_to(world, "@agents.test")) <= 3 * 4 * 4
    tried["complaints of a slow flood"] += 30


def has_follow_up(world: World) -> bool:
    return any("follow-up" in str(mail["X-Followupd-Key"]) for mail in addressed_to(world, HONEST))


def deliver(world: World, number: int) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Kim <kim{number}@victims.test>", world.postbox.address
    mail["Subject"], mail["Message-ID"] = f"Order {number}", f"<flood-{number}@victims.test>"
    mail.set_content(complaint(number))
    world.postbox.deliver(mail.as_bytes(), sender="mallory@evil.test")


def test_the_leads_hear_at_once_that_the_breaker_is_open(make_world: Callable[..., World]) -> None:
    world = make_world(smtp_extra='breaker = "3 per hour"')
    for number in range(6):
        world.customer_writes(complaint(number), f"Order {number}", f"kim@customer-{number}.test")
    notices = [
        mail for mail in addressed_to(world, "lee@agents.test") if "breaker-lee" in mail["X-Followupd-Key"]
    ]
    assert len(notices) == 1
    assert "resume" in text_of(notices[0])


# --- one mail ---


def test_a_mail_that_costs_too_much_is_quarantined_and_the_next_one_is_answered(world: World) -> None:
    slow = MailReader(adapter_of(Message).validate_json, budget=0.05)
    world.app = replace(world.app, inbox=replace(world.app.inbox, read=slow))
    slow(b"From: a@b.test\r\n\r\nwarm\r\n", Identity(), in_sent=False, received_at=None)
    world.postbox.deliver(
        b"From: m@evil.test\r\nContent-Type: text/html\r\n\r\n" + b"<p>Kim wrote:<br>" * 90_000,
        sender="m@evil.test",
    )
    world.customer_writes(complaint(1), sender=HONEST)
    world.passes(world.now + timedelta(minutes=30))
    with world.app.ledger.transaction() as tx:
        assert ["computing" in mail.reason for mail in tx.mail.quarantined()] == [True]
    assert addressed_to(world, HONEST)
    slow.close()


#: To and Subject of a complaint in a victim's name, each with a message of the forger's
ECHOES = [
    ('"Claim your prize at http://evil.test" <victim@bank.test>', "Order 5"),
    ("victim@bank.test", "Re: URGENT account locked, unlock at https://evil.test/login"),
    ("Evil Test com <victim@bank.test>", "<title>Call 0900 EVIL now</title>"),
    ("=?utf-8?q?Visit_evil=2Etest_today?= <victim@bank.test>", "=?utf-8?q?You_won=21_evil=2Etest?="),
]


@pytest.mark.parametrize(("sender", "subject"), ECHOES)
def test_the_first_letter_by_machine_repeats_no_word_of_the_mail_that_came_in(
    world: World, sender: str, subject: str, tried: Counter[str]
) -> None:
    lines = [
        f"From: {sender}",
        f"To: {world.postbox.address}",
        f"Subject: {subject}",
        "Message-ID: <e@evil.test>",
    ]
    lines += ["", f"{complaint(1)} See evil.test.", ""]
    world.postbox.deliver("\r\n".join(lines).encode(), sender="m@evil.test")
    world.passes()
    world.passes(world.now + timedelta(minutes=30))
    [letter] = addressed_to(world, "victim@bank.test")
    said = f"{letter['Subject']} {letter['To']} {letter.as_string()}".casefold()
    for word in ("evil.test", "prize", "locked", "0900", "you won", "visit"):
        assert word not in said.replace("<e@evil.test>", ""), word
    assert world.case().ref in str(letter["Subject"])
    tried["first letters looked through for a forger's words"] += 1


FORMS = ["contactform@evil.test", "mailer@shopify.com", "wordpress@gmail.com"]


def through_form(world: World, sender: str, *more: str) -> None:
    domain = sender.rpartition("@")[2]
    lines = [
        f"Authentication-Results: mx.example.test; dmarc=pass header.from={domain}",
        f"From: {sender}",
        *more,
    ]
    lines += [f"To: {world.postbox.address}", "Cc: m@evil.test", "Subject: Order 5", "", complaint(1), ""]
    world.postbox.deliver("\r\n".join(lines).encode(), sender="m@evil.test")
    world.passes()


@pytest.mark.parametrize("form", FORMS)
def test_no_letter_by_machine_follows_the_reply_to_of_a_form_that_is_not_ours(
    make_world: Callable[..., World], form: str, tried: Counter[str]
) -> None:
    world = make_world(mailbox='trusted = ["mx.example.test"]')
    through_form(world, form, "Reply-To: Kim <victim@bank.test>", "Message-ID: <one@evil.test>")
    through_form(world, "m@evil.test", "Message-ID: <two@evil.test>", "References: <one@evil.test>")
    for _ in range(4):
        world.passes(world.now + timedelta(hours=20))
    assert addressed_to(world, "victim@bank.test") == []
    assert f"`forms` does not name {form}" in text_of(world.letters("desk/opened")[0])
    tried["letters diverted by a Reply-To"] += 1

    world.says(world.case().ref, "complaint", "promise: we look into it by Friday")
    world.passes(world.now + timedelta(days=1))
    assert len(world.letters("confirmation")) == 1


def test_a_form_of_ours_gets_its_customer_the_first_letter(make_world: Callable[..., World]) -> None:
    world = make_world(mailbox='forms = ["noreply@website.test"]')
    through_form(world, "noreply@website.test", f"Reply-To: {HONEST}", "Message-ID: <one@website.test>")
    world.passes(world.now + timedelta(minutes=30))
    assert [mail["To"] for mail in world.letters("confirmation")] == [HONEST]


FORGED_COPIES = ["{case}.desk", "{case}.desk/opened.1", "{case}.follow-up.7"]


@pytest.mark.parametrize("key", FORGED_COPIES)
def test_one_mail_from_outside_never_opens_the_breaker(world: World, key: str, tried: Counter[str]) -> None:
    world.customer_writes(complaint(1))
    case = world.case().ref
    vault: Vault = world.app.vault
    signed = vault.message_id(key.format(case=case), world.postbox.address.rpartition("@")[2])
    for sender, to in (
        ("evil@evil.test", world.postbox.address),
        (world.postbox.address, world.postbox.address),
    ):
        raw = f"From: {sender}\r\nTo: {to}\r\nSubject: x\r\nMessage-ID: {signed}\r\n\r\nhi {sender}\r\n"
        world.postbox.deliver(raw.encode(), sender="evil@evil.test")
        world.passes()
        tried["mails with a Message-ID of ours from outside"] += 1
    with world.app.ledger.transaction() as tx:
        breaker = tx.state.get(StateKey.BREAKER)
    assert breaker is None or breaker[0] == "closed"


REPORTS = ["5.1.1", "5.7.1", "4.4.1"]


@pytest.mark.parametrize("status", REPORTS)
def test_a_forged_report_about_a_letter_or_a_card_sends_nothing_again(
    world: World, status: str, tried: Counter[str]
) -> None:
    with world.app.ledger.transaction() as tx:
        for number in range(30):
            tx.cards.add(f"GIFT-SECRET-{number:03}", Money(2000, "EUR"), None, world.now)
    world.customer_writes(complaint(1), sender=HONEST)
    ref = world.case().ref
    world.says(
        ref,
        "complaint",
        "cause: two labels were swapped on our packing table",
        "resolution: we sent your parcel again by courier",
        "prevention: each label is now scanned before a parcel leaves",
        "fault: ours",
        "kept",
        "fixed",
    )
    world.says(ref, "gift-card: 20 EUR")
    for _ in range(10):
        world.passes(world.now + timedelta(hours=20))
    sent = addressed_to(world, HONEST)
    assert len(world.letters("gift-card")) == 1
    for letter in sent:
        world.postbox.deliver(report_on(str(letter["Message-ID"]), status), sender="")
        tried["forged delivery reports"] += 1
    for _ in range(14):
        world.passes(world.now + timedelta(hours=20))
    assert [mail["Message-ID"] for mail in addressed_to(world, HONEST)] == [
        mail["Message-ID"] for mail in sent
    ]
    with world.app.ledger.transaction() as tx:
        assert sum(card.case_ref is not None for card in tx.cards.all()) == 1


def report_on(message_id: str, status: str) -> bytes:
    lines = [
        "From: MAILER-DAEMON@evil.test",
        "Return-Path: <>",
        "Subject: Undelivered Mail Returned to Sender",
    ]
    lines += ["Content-Type: multipart/report; report-type=delivery-status; boundary=b", "", "--b"]
    lines += ["Content-Type: message/delivery-status", "", "Reporting-MTA: dns; evil.test", ""]
    lines += [f"Final-Recipient: rfc822; {HONEST}", "Action: failed", f"Status: {status}", "", "--b"]
    lines += ["Content-Type: text/rfc822-headers", "", f"Message-ID: {message_id}", "--b--", ""]
    return "\r\n".join(lines).encode()


def test_a_mail_to_an_agent_whose_copy_lies_unread_in_the_mailbox_leaves_once(
    world: World, tried: Counter[str]
) -> None:
    world.copies_come = False
    world.smtp.plan("data", DROP)
    world.customer_writes(complaint(1), sender=HONEST)
    [desk] = world.letters("desk/opened")
    world.postbox.deliver(desk.as_bytes(), sender=world.postbox.address)
    for _ in range(3):  # the mailbox is not read meanwhile
        world.now += timedelta(minutes=11)
        run_cycle(world.app, world.now)
    assert len(world.letters("desk/opened")) == 1
    world.passes(world.now + timedelta(minutes=1))
    world.passes(world.now + timedelta(hours=2))
    assert len(world.letters("desk/opened")) == 1
    tried["mails to agents that were in doubt"] += 1


# --- the ledger ---


#: what was lost, and from when on mail is read
LOSSES = {
    "the ledger": 'since = "all"',
    "the ledger, and mail is read from a day on": 'since = "2020-11-01"',
    "the ledger and its key": 'since = "all"',
    "what the ledger had after a copy was made": 'since = "all"',
}


@pytest.mark.parametrize("lost", LOSSES)
def test_a_ledger_that_was_lost_sends_no_letter_again_and_says_so(
    make_world: Callable[..., World], tried: Counter[str], tmp_path: Path, lost: str
) -> None:
    world = make_world(mailbox=LOSSES[lost])
    old = tmp_path / "old.db"
    assert main(["backup", str(old), "--even-empty", "--config", str(tmp_path / "etc")]) == 0
    for number in range(6):
        world.customer_writes(complaint(number), f"Order {number}", f"kim@customer-{number}.test")
    world.passes(world.now + timedelta(minutes=30))
    before = Counter(str(mail["Message-ID"]) for mail in world.letters() if "@customer-" in str(mail["To"]))
    assert len(before) == 6
    world.app.ledger.close()
    for file in (tmp_path / "etc").glob("ledger.db*"):
        file.unlink()
    [key] = (tmp_path / "etc").rglob("ledger-key*")
    if lost == "the ledger and its key":
        key.write_text(b64encode(bytes(range(9, 41))).decode())
    if lost.startswith("what"):
        shutil.copy(old, tmp_path / "etc" / "ledger.db")
    world.app = build(load(tmp_path / "etc"))
    world.app.ledger.upgrade()
    for _ in range(2):
        world.passes(world.now + timedelta(hours=1))
        assert main(["resume", "--config", str(tmp_path / "etc")]) == 0
    after = Counter(str(mail["Message-ID"]) for mail in world.letters() if "@customer-" in str(mail["To"]))
    assert after == before
    to = Counter(str(mail["To"]) for mail in world.letters() if "@customer-" in str(mail["To"]))
    assert set(to.values()) == {1}
    tried["letters that a lost ledger might have sent again"] += 6


def test_a_new_ledger_waits_for_sent_before_it_writes_to_anybody(world: World) -> None:
    now: datetime = world.now
    ledger = Ledger("sqlite://", Vault([b"k" * 32]))
    ledger.upgrade()
    policy.mark_unread(ledger, ["support"], now)
    with ledger.transaction() as tx:
        policy.mark_synced(tx, "support", now, sent=False)
        assert policy.stale_mailboxes(tx, ["support"], timedelta(hours=1), now) == {"support"}
        policy.mark_synced(tx, "support", now, sent=True)
        assert policy.stale_mailboxes(tx, ["support"], timedelta(hours=1), now) == frozenset()


def a_ledger(path: Path) -> Ledger:
    ledger = Ledger(f"sqlite:///{path}", Vault([b"k" * 32]))
    ledger.upgrade()
    return ledger


@pytest.mark.parametrize("by", ["a symbolic link", "a linked directory", "another spelling"])
def test_a_ledger_with_two_names_has_one_daemon(tmp_path: Path, by: str, tried: Counter[str]) -> None:
    (tmp_path / "a").mkdir()
    path, other = tmp_path / "a" / "ledger.db", tmp_path / "other.db"
    first = a_ledger(path)
    if by == "a symbolic link":
        other.symlink_to(path)
    elif by == "a linked directory":
        (tmp_path / "b").symlink_to(tmp_path / "a")
        other = tmp_path / "b" / "ledger.db"
    else:
        other = tmp_path / "a" / ".." / "a" / "ledger.db"
    second = Ledger(f"sqlite:///{other}", Vault([b"k" * 32]))
    with first.lease(), pytest.raises(AlreadyRunningError), second.lease():
        pass
    tried["second daemons on one ledger"] += 1


def test_a_ledger_with_a_hard_link_is_refused(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path / "ledger.db")
    (tmp_path / "other.db").hardlink_to(tmp_path / "ledger.db")
    with pytest.raises(UnavailableError, match="hard link"), ledger.lease():
        pass


@pytest.mark.parametrize("what", ["removed", "replaced", "moved"])
def test_a_ledger_that_is_taken_away_from_a_running_daemon_stops_all_letters(
    tmp_path: Path, what: str, tried: Counter[str]
) -> None:
    path = tmp_path / "ledger.db"
    ledger = a_ledger(path)
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    with ledger.lease() as lease:
        assert lease.acquire(["support"]) == {"support"}
        if what == "removed":
            path.unlink()
        elif what == "replaced":
            copy.replace(path)
        else:
            path.rename(tmp_path / "elsewhere.db")
        assert not lease.is_held()
        with pytest.raises(UnavailableError, match="start it"):
            lease.acquire(["support"])
    tried["ledgers taken away"] += 1
