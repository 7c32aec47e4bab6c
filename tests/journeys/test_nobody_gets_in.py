"""What a stranger may try over mail: orders in an agent's name, a gift for somebody else, words that act (docs/security.md)."""

import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from followupd.domain.case import Stage
from followupd.domain.compensation import Gift, Money
from followupd.domain.events import Closed, CustomerWrote, Event, FactsStated, Fixed, Held, PromiseMade
from followupd.domain.mail import MailState
from tests.journeys.world import CUSTOMER, PUT_RIGHT_FACTS, World, html_of, text_of
from tests.servers.forking import Request
from tests.servers.forks import forks, shows
from tests.servers.smtp import Sink
from tests.typed import typed

ESCAPES = "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202e"


def a_complaint(
    world: World, subject: str = "My parcel", text: str = "Three weeks and nothing came."
) -> EmailMessage:
    """Let the customer complain and an agent say so; return the desk mail about it."""
    world.customer_writes(text, subject)
    world.agent_tags("complaint")
    return world.letters("desk/opened")[-1]


def quarantined(world: World) -> list[str]:
    with world.app.ledger.transaction() as tx:
        assert tx.mail.count(MailState.QUARANTINED) == len(tx.mail.quarantined())
        return [kept.reason for kept in tx.mail.quarantined()]


def told(world: World) -> list[Event]:
    """Return what became of the case after it was opened and tagged."""
    history = world.history(world.case().ref)
    return history[[type(each).__name__ for each in history].index("PromiseMade") + 1 :]


def orders(world: World) -> list[type]:
    return [
        type(each)
        for each in world.history(world.case().ref)
        if isinstance(each, Closed | Fixed | Held | FactsStated)
    ]


def test_a_note_from_somebody_who_is_no_agent_gives_no_orders(world: World) -> None:
    desk = a_complaint(world)
    for sender in ("mallory@evil.test", CUSTOMER):
        world.agent_answers(desk, "fixed", sender=sender)
    assert orders(world) == []


@pytest.mark.parametrize("sender", [CUSTOMER, "support-{n}", "mallory@evil.test"])
def test_a_mail_in_answer_to_a_desk_mail_is_never_a_customers_word_and_the_owner_sees_it(
    world: World, sender: str
) -> None:
    desk = a_complaint(world)
    before = len(world.letters())
    world.agent_answers(
        desk,
        "promise: ship new brakes by Friday",
        sender=sender.replace("support-{n}", world.postbox.address),
    )
    assert not any(isinstance(each, CustomerWrote | PromiseMade) for each in told(world))
    assert [str(each["To"]) for each in world.letters()[before:]] == ["Ana Reyes <ana@agents.test>"]
    assert "ship new brakes" in text_of(world.letters()[-1])


def test_a_customers_answer_to_a_mail_that_was_written_from_a_desk_mail_is_heard(world: World) -> None:
    desk = a_complaint(world)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = CUSTOMER, world.postbox.address, "Re: My parcel"
    mail["Message-ID"], mail["In-Reply-To"] = "<answer@customers.test>", "<by-ana@agents.test>"
    mail["References"] = f"{desk['Message-ID']} <by-ana@agents.test>"
    mail.set_content("Thank you, but where is it now?")
    world.postbox.deliver(mail.as_bytes(), sender=CUSTOMER)
    world.passes()
    assert any(isinstance(each, CustomerWrote) for each in told(world))


def test_an_order_in_an_agents_name_that_answers_no_desk_mail_is_only_asked_about(world: World) -> None:
    desk = a_complaint(world)
    unproved = EmailMessage()
    unproved["Message-ID"], unproved["Subject"] = "<somebody@evil.test>", str(desk["Subject"])
    world.agent_answers(unproved, "fixed")
    assert orders(world) == []
    [asked] = world.letters("desk/answer")
    assert asked["To"] == "Ana Reyes <ana@agents.test>"


@pytest.mark.parametrize("line", ["show", "help", "today", "show {case}", "{case}: show"])
def test_an_order_beside_a_look_up_is_only_asked_about_where_nothing_proves_the_agent(
    world: World, line: str
) -> None:
    desk = a_complaint(world)
    unproved = EmailMessage()
    unproved["Message-ID"], unproved["Subject"] = "<somebody@evil.test>", str(desk["Subject"])
    world.agent_answers(unproved, line.format(case=world.case().ref), "gift-card: 50 EUR")
    assert world.case().compensation == ()
    [asked] = world.letters("desk/answer")
    assert "gift-card: 50 EUR" in text_of(asked)
    world.agent_answers(asked, "gift-card: 50 EUR")
    assert len(world.case().compensation) == 1


def test_a_colleagues_gift_is_told_to_both_and_to_each_as_what_it_is(world: World) -> None:
    desk = a_complaint(world)
    world.agent_answers(desk, "gift-card: 20 EUR", sender="lee@agents.test")
    told = {str(mail["To"]): mail for mail in world.letters("desk/answer")}
    assert "Carried out" in told["Lee Park <lee@agents.test>"]["Subject"]
    assert "What was said about your case" in told["Ana Reyes <ana@agents.test>"]["Subject"]


def test_a_note_with_a_forged_reference_gives_no_orders(world: World) -> None:
    desk = a_complaint(world)
    true = str(desk["Message-ID"])
    forged = EmailMessage()
    signature = true.partition("@")[0].rpartition(".")[2]
    forged["Message-ID"] = true.replace(signature, "a" * len(signature))
    forged["Subject"] = desk["Subject"]
    assert str(forged["Message-ID"]) != true
    world.agent_answers(forged, "fixed")
    assert orders(world) == []


@pytest.mark.parametrize(
    "hides", [{}, {"Precedence": "bulk"}, {"X_Loop": "support"}], ids=["plain", "bulk", "loop"]
)
def test_a_note_that_fails_the_servers_check_of_its_sender_gives_no_orders(
    make_world: Callable[..., World], hides: dict[str, Any]
) -> None:
    world = make_world(mailbox='trusted = ["mx.example.test"]')
    desk = a_complaint(world)
    verdict = "mx.example.test; dmarc=fail header.from=agents.test"
    world.customer_writes(
        "fixed",
        f"Re: {desk['Subject']}",
        "ana@agents.test",
        answering=desk,
        Authentication_Results=verdict,
        **hides,
    )
    assert orders(world) == []
    assert [reason for reason in quarantined(world) if "not believed" in reason]


#: From and the fields of our server, each of which stole a gift card once
STOLEN_BY = {
    "two mailboxes in From": ("Ana <ana@agents.test>, M <m@evil.test>", ["dmarc=pass header.from=evil.test"]),
    "a quoted sender": (
        "ana@agents.test",
        ['spf=pass smtp.mailfrom="a dmarc=pass"@evil.test; dmarc=fail header.from=agents.test'],
    ),
    "two fields": (
        "ana@agents.test",
        ["spf=pass smtp.mailfrom=evil.test", "dmarc=fail header.from=agents.test"],
    ),
    "a pass of another domain": ("ana@agents.test", ["dmarc=pass header.from=evil.test"]),
    "a login of somebody else": ("ana@agents.test", ["auth=pass smtp.auth=m@agents.test"]),
    "no field": ("ana@agents.test", []),
}


def a_note(world: World, desk: EmailMessage, sender: str, results: list[str], text: str) -> None:
    """Deliver a note with fields that the server `mx.example.test` wrote."""
    fields = [f"Authentication-Results: mx.example.test; {result}" for result in results]
    lines = [*fields, f"From: {sender}", f"To: {world.postbox.address}", f"Subject: Re: {desk['Subject']}"]
    lines += [f"Message-ID: <{len(text)}@x.test>", f"In-Reply-To: {desk['Message-ID']}", "", text, ""]
    world.postbox.deliver("\r\n".join(lines).encode(), sender="m@evil.test")
    world.passes()


def test_no_forged_note_pays_out_and_the_same_note_of_the_agent_does(
    make_world: Callable[..., World],
) -> None:
    world = make_world(mailbox='trusted = ["mx.example.test"]')
    desk = a_complaint(world)
    for name, (sender, results) in STOLEN_BY.items():
        a_note(world, desk, sender, results, f"gift-card: 50 EUR\n-- \n{name}")
        assert world.case().compensation == (), name
    assert len(quarantined(world)) == len(STOLEN_BY)
    a_note(world, desk, "ana@agents.test", ["dmarc=pass header.from=agents.test"], "gift-card: 50 EUR")
    assert len(world.case().compensation) == 1


#: what a server of ours says of a mail of Ana's that it does not confirm
UNMARKED: dict[str, list[str]] = {
    "nothing": [],
    "a check of another kind": ["spf=pass smtp.mailfrom=agents.test"],
    "no policy": ["dmarc=none header.from=agents.test"],
    "a failed check": ["dmarc=fail header.from=agents.test"],
}


@pytest.mark.parametrize("results", UNMARKED.values(), ids=UNMARKED)
def test_an_agent_hears_of_a_note_that_the_server_does_not_confirm(
    make_world: Callable[..., World], results: list[str]
) -> None:
    world = make_world(mailbox='trusted = ["mx.example.test"]')
    desk = a_complaint(world)
    for text in ("fixed", "cause: a strike"):
        a_note(world, desk, "ana@agents.test", results, text)
    assert orders(world) == []
    [told] = not_believed(world)
    assert told["To"] == "Ana Reyes <ana@agents.test>"
    words = " ".join(text_of(told).split())
    assert "Nothing was done of a mail in your name" in words
    assert "our mail server" in words
    world.passes(world.now + timedelta(days=1))
    a_note(world, desk, "ana@agents.test", results, "fixed?")
    assert len(not_believed(world)) == 2


def test_an_agent_hears_of_a_reply_to_the_customer_that_the_server_does_not_confirm(
    make_world: Callable[..., World],
) -> None:
    world = make_world(mailbox='trusted = ["mx.example.test"]')
    a_complaint(world)
    lines = [
        "From: Ana <ana@agents.test>",
        f"To: {CUSTOMER}",
        f"Cc: {world.postbox.address}",
        "Message-ID: <a@x.test>",
    ]
    raw = "\r\n".join(
        [*lines, f"Subject: Re: [{world.case().ref}] your parcel", "", "It leaves on Friday.", ""]
    )
    world.postbox.deliver(raw.encode(), sender="ana@agents.test")
    world.passes()
    assert len(quarantined(world)) == 1
    [told] = not_believed(world)
    assert told["To"] == "Ana Reyes <ana@agents.test>"


def not_believed(world: World) -> list[EmailMessage]:
    return [mail for mail in world.letters() if "not-believed-ana" in str(mail["X-Followupd-Key"])]


def test_money_that_a_note_gives_is_told_to_the_agent_in_whose_name_it_came(world: World) -> None:
    desk = a_complaint(world)
    world.agent_answers(desk, "cause: two labels were swapped on our packing table")
    assert world.letters("desk/answer") == []
    world.agent_answers(desk, "gift-card: 20 EUR")
    [answer] = world.letters("desk/answer")
    assert "Carried out" in answer["Subject"]
    assert "if it is not yours" in text_of(answer)
    assert "gift-card: 20 EUR" in text_of(answer)


def test_a_desk_mail_gives_no_orders_once_its_case_is_closed(world: World) -> None:
    desk = a_complaint(world)
    world.says(world.case().ref, "kept", "fixed", "close")
    world.passes(world.now + timedelta(days=1))
    assert orders(world)[-1] is Closed
    world.agent_answers(desk, "gift-card: 50 EUR")
    assert world.case().compensation == ()
    answer = world.letters("desk/answer")[-1]
    assert "the case was closed after" in " ".join(text_of(answer).split())
    world.agent_answers(answer, "gift-card: 50 EUR")
    assert len(world.case().compensation) == 1


#: what opens a closed case again, and may be in the hands of whoever kept a desk mail
OPENED_AGAIN = {"by an agent": ["complaint"], "by a promise": ["promise: we look into it by Friday"]}


@pytest.mark.parametrize("lines", OPENED_AGAIN.values(), ids=OPENED_AGAIN)
def test_a_desk_mail_of_a_closed_case_stays_dead_when_the_case_is_opened_again(
    world: World, lines: list[str]
) -> None:
    desk = a_complaint(world)
    world.says(world.case().ref, "kept", "fixed", "close")
    world.passes(world.now + timedelta(days=1))
    world.says(world.case().ref, *lines)
    assert world.case().closed_at is None
    world.agent_answers(desk, "gift-card: 50 EUR")
    assert world.case().compensation == ()
    world.agent_answers(world.letters("desk/answer")[-1], "gift-card: 50 EUR")
    assert len(world.case().compensation) == 1


def test_a_customer_who_opens_a_closed_case_again_brings_no_desk_mail_to_life(world: World) -> None:
    desk = a_complaint(world)
    ref = world.case().ref
    world.says(ref, *PUT_RIGHT_FACTS, "refund: 25 EUR", "issued: 1", "kept", "fixed")
    world.passes(world.now + timedelta(days=8))
    world.says(ref, "close")
    world.passes(world.now + timedelta(days=1))
    assert world.case().stage is Stage.CLOSED
    world.customer_writes(
        "No, the refund has not arrived.", "Re: My parcel", CUSTOMER, world.letters("follow-up")[0]
    )
    assert world.case().closed_at is None
    world.agent_answers(desk, "gift-card: 50 EUR")
    assert [grant.kind for grant in world.case().compensation] == [Gift.REFUND]


ORDERS_BY_A_CUSTOMER = (
    "gift-card: 50 EUR",
    "I am upset and this goes on for a very long time gift-card: 50 EUR thank you very much",
    "- gift\u200b-card: 50 EUR",
    "GIFT-CARD:\u00a050\u00a0EUR",
)


@pytest.mark.parametrize("words", ORDERS_BY_A_CUSTOMER)
def test_a_line_of_the_customers_is_no_order_until_the_agent_says_it_again(world: World, words: str) -> None:
    desk = a_complaint(world, text=f"Three weeks and nothing came.\n{words}\nBye")
    world.agent_answers(desk, "gift-card: 50 EUR")
    assert world.case().compensation == ()
    answer = world.letters("desk/answer")[-1]
    assert "customer's words" in " ".join(text_of(answer).split())
    world.agent_answers(answer, "gift-card: 50 EUR")
    assert len(world.case().compensation) == 1


def test_the_same_note_from_the_agent_is_heard(world: World) -> None:
    """Or the tests above would pass in a house that hears nobody."""
    desk = a_complaint(world)
    world.agent_answers(desk, "fixed")
    assert orders(world) == [Fixed]


@pytest.mark.parametrize("copied", [False, True], ids=["a stranger", "somebody in copy"])
def test_who_joins_a_case_late_gets_no_letter_and_no_gift(world: World, copied: bool) -> None:
    mallory = "mallory@evil.test"
    copy: dict[str, Any] = {"Cc": mallory} if copied else {}
    world.customer_writes("Three weeks and nothing came.", **copy)
    world.agent_tags("complaint", "fixed", "gift-card-20-eur")
    ref = world.case().ref
    with world.app.ledger.transaction() as tx:
        tx.cards.add("GIFT-FOR-KIM", Money(2000, "EUR"), None, world.now)
    world.customer_writes("Please send all of it to me.", f"Re: [{ref}] my parcel", mallory, Reply_To=mallory)
    world.says(ref, *PUT_RIGHT_FACTS, "kept")
    world.passes(world.now + timedelta(days=8))
    assert world.letters("follow-up") == []  # the owner was told of the mail, and has not said a word
    world.says(ref, "fixed")
    world.passes(world.now + timedelta(days=8))
    for follow_up in world.letters("follow-up"):
        world.customer_writes("Thank you. Send me the gift, too!", "Re: my parcel", mallory, follow_up)
    for _ in range(20):
        world.passes(world.now + timedelta(days=1))
    assert world.letters("gift-card") or copied  # whose word made somebody look again, and wait
    for gift in world.letters("gift-card"):
        assert str(gift["To"].addresses[0].addr_spec) == CUSTOMER
    told = {to for each in world.smtp.messages for to in each.rcpt_tos}
    assert CUSTOMER in told or copied
    assert mallory not in told


def test_customers_words_are_no_template(world: World) -> None:
    probe = "{{ 7 * 191 }} {% for a in [1] %}x{% endfor %} {{ ''.__class__.__mro__ }}"
    a_complaint(world, subject=f"Parcel {probe}", text=f"Three weeks. {probe}")
    for mail in world.letters():
        assert "1337" not in f"{mail['Subject']} {text_of(mail)} {html_of(mail)}"
        assert "__mro__'" not in text_of(mail)


def test_an_attachments_name_is_a_name_and_no_path(world: World, tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = CUSTOMER, world.postbox.address, "Broken teapot"
    mail["Message-ID"] = "<tricks@customers.test>"
    mail.set_content("See the pictures. It came in shards, and I want my money back!")
    names = (
        "../../../../tmp/owned-by-mail",
        "/etc/passwd",
        "C:\\owned.exe",
        "shards.jpg\u202egpj.exe",
        "a\x1b[2Jb",
    )
    for name in names:
        mail.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename=name)
    before = {path for path in tmp_path.rglob("*") if not path.name.startswith("ledger.db")}
    world.postbox.deliver(mail.as_bytes(), sender=CUSTOMER)
    world.passes()
    with world.app.ledger.transaction() as tx:
        kept = tx.mail.by_message_id(["<tricks@customers.test>"])
    assert kept is not None
    assert len(kept.message.attachments) == len(names)
    assert all(name.isprintable() for name in kept.message.attachments)
    assert {path for path in tmp_path.rglob("*") if not path.name.startswith("ledger.db")} == before
    assert not Path("/tmp/owned-by-mail").exists()


def command(world: World, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command; `run` in a process of its own, at the time of the world, as it says when a case is looked at again."""
    words = (*words, "--config", str(world.directory))
    environment = {"FOLLOWUPD_TEST_PASSWORD": world.postbox.password, "TZ": "UTC"}
    if "run" in words:
        environment |= {"PATH": os.environ.get("PATH", os.defpath), **shows(world.now)}
        done = forks(faked=True).run(Request(words, environment))
    else:
        done = typed(*words, environment=environment)
    return subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())


def can_only_be_read(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def test_no_word_of_a_customer_moves_the_terminal(world: World, tmp_path: Path) -> None:
    a_complaint(world, subject=f"Parcel {ESCAPES}", text=f"Three weeks {ESCAPES} and nothing.\r\n{ESCAPES}")
    ref = world.case().ref
    world.says(ref, f"cause: lost {ESCAPES}", agent="ana")
    raw = tmp_path / "mail.eml"
    raw.write_bytes(f'From: "Kim {ESCAPES}" <kim@x.test>\nSubject: {ESCAPES}\n\nBad {ESCAPES}\n'.encode())
    asked = (
        ("cases",),
        ("case", ref),
        ("case", ref, "--json"),
        ("explain", ref),
        ("letters",),
        ("letters", "--json"),
        ("read", str(raw)),
        ("read", str(raw), "--json"),
        ("export", CUSTOMER),
        ("tell", ref, f"odd {ESCAPES}"),
        ("preview", "confirmation", "--case", ref),
        ("case", f"FU-{ESCAPES}"),
        ("status",),
    )
    for words in asked:
        done = command(world, *words)
        assert "Traceback" not in done.stderr, done.stderr
        assert can_only_be_read(done.stdout), words
        assert can_only_be_read(done.stderr), words


def test_no_word_of_a_customer_or_server_breaks_a_line_of_the_log(world: World, smtp: Sink) -> None:
    smtp.plan("data", f"550 5.7.1 no {ESCAPES} thanks")
    world.customer_writes(
        f"Three weeks {ESCAPES}\nFU-99999: fixed by root", f"Parcel {ESCAPES} FU-99999: fixed"
    )
    world.postbox.mark(world.postbox.uids("INBOX")[-1], "complaint", folder="INBOX")
    done = command(world, "run", "--once", "--verbose")
    assert done.returncode == 0, done.stderr
    assert "opened" in done.stderr
    assert can_only_be_read(done.stderr)
    assert "FU-99999" not in "".join(line[:40] for line in done.stderr.splitlines())


@pytest.mark.parametrize("wrong", ["imap", "smtp", "key"])
def test_no_secret_stands_in_what_a_failing_run_prints(make_world: Callable[..., World], wrong: str) -> None:
    secrets = {
        "imap": "wrong-imap-secret",
        "smtp": "wrong-smtp-secret",
        "key": "other-ledger-key-secret-0123456789",
    }
    world = make_world()
    a_complaint(world)
    configuration = world.directory / "followupd.toml"
    login = 'username = "support"\npassword = "file:smtp-password"'
    configuration.write_text(configuration.read_text().replace("[smtp]", f"[smtp]\n{login}"))
    (world.directory / "smtp-password").write_text(secrets["smtp"])
    (world.directory / "smtp-password").chmod(0o600)
    if wrong == "key":
        [key] = world.directory.rglob("ledger-key*")
        key.write_text(secrets["key"])
    environment = {
        **os.environ,
        "FOLLOWUPD_TEST_PASSWORD": secrets["imap"] if wrong == "imap" else world.postbox.password,
    }
    done = forks().run(Request(["run", "--once", "--config", str(world.directory)], environment))
    said = (done.stdout + done.stderr).decode()
    assert "Traceback" not in said, said
    for secret in (*secrets.values(), world.postbox.password, "Three weeks and nothing came"):
        assert secret not in said


def test_a_forged_copy_of_a_letter_of_ours_settles_nothing(world: World) -> None:
    a_complaint(world)
    with world.app.ledger.transaction() as tx:
        before = {state.letter.key: (state.status, state.witnessed_at) for state in tx.outbox.all()}
    key = next(iter(before))
    world.customer_writes("I am you.", sender=world.postbox.address, X_Followupd_Key=key)
    with world.app.ledger.transaction() as tx:
        after = {state.letter.key: (state.status, state.witnessed_at) for state in tx.outbox.all()}
    assert {key: after[key] for key in before} == before
