"""Situations from public trackers of help desks and mail robots, played with mails of our own.

The docstring of each test names the thread that reports it. What is expected is what a careful person would do.
"""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from followupd.domain.case import Stage
from followupd.domain.events import CustomerWrote
from tests.cases.shop import Shop
from tests.journeys.world import World, text_of

COMPLAINT = (
    "My grinder has not arrived after three weeks and nobody answers my mails. "
    "I am very disappointed, this is unacceptable, I want my money back."
)
ROBIN = "Robin Vale <robin@customer.test>"
GERMAN = (
    "Seit drei Wochen warte ich auf meine Kaffeemühle. Auf zwei Mails kam keine Antwort. Das ist inakzeptabel, ich "
    "will mein Geld zurück."
)


@pytest.fixture
def shop(make_world: Callable[..., World], capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(make_world, capsys)


def raw(shop: Shop, body: str | bytes, *fields: str, sender: str = ROBIN, subject: str = "Grinder") -> bytes:
    """Return a mail to the shop; `fields` are further lines of its header."""
    shop.world._sent += 1
    head = [
        f"From: {sender}",
        f"To: {shop.world.postbox.address}",
        f"Subject: {subject}",
        f"Date: {shop.world.now:%a, %d %b %Y %H:%M:%S +0000}",
    ]
    if not any(field.lower().startswith("message-id:") for field in fields):
        head.append(f"Message-ID: <raw-{shop.world._sent}-{shop.world.postbox.username}@customer.test>")
    if not any(field.lower().startswith("content-type:") for field in fields):
        head.append("Content-Type: text/plain; charset=utf-8")
    data = body if isinstance(body, bytes) else body.encode()
    return "\r\n".join([*head, *fields, "", ""]).encode() + data.replace(b"\n", b"\r\n")


def deliver(shop: Shop, *args: str, **more: str) -> None:
    shop.world.postbox.deliver(raw(shop, *args, **more))


def told(shop: Shop) -> str:
    return "\n".join(shop.staff_mails())


def opened(shop: Shop, sender: str = ROBIN, subject: str = "Grinder") -> EmailMessage:
    """Open a case by a tagged complaint; return the confirmation that the customer gets."""
    shop.deliver(COMPLAINT, subject, sender, tagged=True)
    shop.run()
    address = sender.partition("<")[2].strip(">") or sender
    return shop.letters_to(address)[-1]


def closed(shop: Shop) -> str:
    """Settle and close the only case; return its reference."""
    [case] = shop.json("cases")
    shop.world.says(case["ref"], "kept", "refund: 25 EUR", "issued: 1", "close")
    assert shop.case()["stage"] == "closed"
    return str(case["ref"])


def fixed(shop: Shop) -> str:
    """Call the only case fixed, with all facts; return its reference."""
    [case] = shop.json("cases")
    facts = ("cause: the label was torn", "resolution: it was sent again", "prevention: labels are checked")
    shop.world.says(case["ref"], "kept", *facts, "fault: ours", "fixed")
    return str(case["ref"])


# --- machines' signs on people's mail ---


def test_01_a_rule_of_exchange_marks_what_it_forwards_as_generated(shop: Shop) -> None:
    """zammad/zammad#6025, "Trigger not firing on tickets created via forwarded emails"."""
    lines = ("Auto-Submitted: auto-generated", "X-MS-Exchange-Inbox-Rules-Loop: old@customer.test")
    deliver(shop, COMPLAINT, *lines)
    shop.run(hours=1)
    shop.run(days=1)
    assert shop.customers() == ["robin@customer.test"]
    assert shop.letters_to("robin@customer.test") == []
    assert "robin@customer.test" in told(shop)


def test_02_a_person_writes_from_postmaster(shop: Shop) -> None:
    """zammad/zammad#1906, "X-Zammad-Ignore Header found but no such Header present"."""
    deliver(shop, COMPLAINT, "Return-Path: <postmaster@customer.test>", sender="postmaster@customer.test")
    shop.run(days=1)
    assert shop.customers() == ["postmaster@customer.test"]
    assert shop.letters_to("postmaster@customer.test") == []


def test_03_an_agent_can_have_a_letter_sent_in_spite_of_list_unsubscribe(shop: Shop) -> None:
    """zammad/zammad#3667, "No possibility to enforce auto response if one of the blocking header exists"."""
    deliver(shop, COMPLAINT, "List-Unsubscribe: <mailto:leave@customer.test>")
    shop.run(hours=1)
    assert shop.letters_to("robin@customer.test") == []
    shop.world.says(shop.case()["ref"], "complaint", "promise: ship it again by Friday")
    shop.run(hours=1)
    assert len(shop.letters_to("robin@customer.test")) == 1


def test_04_bulk_precedence_on_a_persons_mail(shop: Shop) -> None:
    """errbit/errbit#1440, "Remove email Auto-Submitted header": rejected in Jira because of bulk."""
    deliver(shop, COMPLAINT, "Precedence: bulk")
    shop.run(days=1)
    assert shop.customers() == ["robin@customer.test"]


# --- who the customer is ---


def test_05_a_website_writes_from_noreply_with_the_customer_in_reply_to(shop: Shop) -> None:
    """freescout-help-desk/freescout#3629, "reply-to not honored"."""
    deliver(
        shop,
        COMPLAINT,
        "Reply-To: robin.vale@gmail.com",
        sender="Website <noreply@website.test>",
        subject="Website Contact",
    )
    shop.run(hours=1)
    assert shop.customers() == ["robin.vale@gmail.com"]
    assert shop.letters_to("noreply@website.test") == []


def test_06_the_form_writes_from_our_own_address_and_names_the_customer_in_its_text(shop: Shop) -> None:
    """freescout-help-desk/freescout#2463, "Emails for one customer are being assigned to another customer"."""
    own = shop.world.postbox.address
    for name, address in (("Robin Vale", "robin@customer.test"), ("Sam Poole", "sam@other.test")):
        text = f"Name: {name}\nEmail: {address}\nMessage:\n{COMPLAINT}\n"
        deliver(shop, text, sender=f"Shop <{own}>", subject="Grinder")
    shop.run(hours=1)
    assert shop.customers() == ["robin@customer.test", "sam@other.test"]
    assert shop.letters_to(own) == []


def test_07_a_second_address_of_the_customer_answers_in_the_thread(shop: Shop) -> None:
    """freescout-help-desk/freescout#4451, "Automatic customer change issue"."""
    ours = opened(shop)
    shop.deliver(
        "Here I am more often.", f"Re: {ours['Subject']}", "Robin Vale <rv@home.test>", answering=ours
    )
    shop.run(hours=1)
    assert "customer: rv@home.test" in told(shop)
    ref = shop.case()["ref"]
    assert shop.world.says(ref, "customer: rv@home.test") == []
    shop.run(hours=1)
    assert "CustomerWrote" in [event["event"] for event in shop.case()["history"]]
    assert shop.json("status")["quarantine"] == 0
    assert shop.case()["customer"]["address"] == "rv@home.test"


def test_08_letters_go_to_the_customer_whom_the_agent_has_named(shop: Shop) -> None:
    """freescout-help-desk/freescout#2455, "Reply to customer sent to wrong recipient AFTER changing customer"."""
    lines = ("Reply-To: Courtney <courtney@else.test>",)
    deliver(shop, COMPLAINT, *lines, sender="Deb <deb@customer.test>")
    shop.run(hours=1)
    assert [mail["To"] for mail in shop.world.letters() if "agents.test" not in str(mail["To"])] == []
    assert "customer: courtney@else.test" in told(shop)
    shop.world.says(
        shop.case()["ref"], "complaint", "customer: courtney@else.test", "promise: ship it by Friday"
    )
    shop.run(hours=1)
    assert shop.letters_to("deb@customer.test") == []
    assert len(shop.letters_to("courtney@else.test")) == 1


def test_09_five_customers_write_help_on_one_day(shop: Shop) -> None:
    """osTicket/osTicket#3607, "Different client mails with same subject goes into same ticket thread"."""
    for n in range(5):
        deliver(shop, COMPLAINT, "Message-ID: <1@spamfilter.test>", sender=f"c{n}@k{n}.test", subject="help")
    shop.run(hours=1)
    assert shop.customers() == [f"c{n}@k{n}.test" for n in range(5)]


def test_10_an_agent_forwards_with_a_line_of_her_own(shop: Shop) -> None:
    """osTicket/osTicket#3032, "Forwarded Tickets"."""
    text = (
        "please take this over\n\n-----Original Message-----\nFrom: Sam Poole [mailto:sam@other.test]\n"
        f"Sent: Monday, November 30, 2020 9:12 AM\nTo: Ana Reyes\nSubject: grinder\n\n{COMPLAINT}\n\nSam\n"
    )
    deliver(shop, text, sender="Ana Reyes <ana@agents.test>", subject="FW: grinder")
    shop.run(hours=1)
    case = shop.case()
    assert (case["customer"]["address"], case["stage"]) == ("sam@other.test", "suspected")
    assert case["facts"]["issue"] is None
    shop.run(days=1)
    assert "grinder has not arrived" in told(shop)


def test_11_a_colleague_answers_all_in_the_thread(shop: Shop) -> None:
    """chatwoot/chatwoot#15092, "Emails from agents/CC'd participants are attributed to the contact"."""
    domain = shop.world.postbox.address.partition("@")[2]
    deliver(shop, COMPLAINT, f"Cc: Pat <pat@{domain}>", "Message-ID: <first@customer.test>")
    shop.world.postbox.mark(shop.world.postbox.uids()[-1], "complaint")
    shop.run()
    fixed(shop)
    deliver(
        shop,
        "I have looked at this, the warehouse has it. Pat",
        "In-Reply-To: <first@customer.test>",
        sender=f"Pat <pat@{domain}>",
        subject="Re: Grinder",
    )
    shop.run()
    events = [event["event"] for event in shop.case()["history"]]
    assert "CustomerWrote" not in events
    assert "the warehouse has it" in told(shop)


# --- which case it is ---


def test_12_text_is_glued_to_the_reference_in_the_subject(shop: Shop) -> None:
    """osTicket/osTicket#3528, "Email Subject Issue"."""
    opened(shop)
    ref = shop.case()["ref"]
    for subject in (
        f"Re: Grinder [{ref}]Extra",
        f"Re:{ref}:what now",
        f"AW: Grinder [#{ref}]",
        f"{ref.lower()}",
    ):
        deliver(shop, f"Any news on {subject[:3]}?", subject=subject)
    shop.run()
    assert len(shop.json("cases")) == 1
    assert [event["event"] for event in shop.case()["history"]].count("CustomerWrote") == 4


def test_13_somebody_in_copy_answers_all_to_the_customers_mail(shop: Shop) -> None:
    """osTicket/osTicket#3440, "Email messages do not merge in osTicket v1.10"."""
    deliver(shop, COMPLAINT, "Cc: Kim <kim@customer.test>", "Message-ID: <first@customer.test>")
    shop.world.postbox.mark(shop.world.postbox.uids()[-1], "complaint")
    shop.run()
    deliver(
        shop,
        "Same with mine, it is unacceptable.",
        "In-Reply-To: <first@customer.test>",
        sender="Kim <kim@customer.test>",
        subject="Re: Grinder",
    )
    shop.run()
    assert len(shop.json("cases")) == 1
    assert "CustomerWrote" in [event["event"] for event in shop.case()["history"]]


def test_14_the_customer_answers_an_agents_reply_that_was_sent_by_hand(shop: Shop) -> None:
    """chatwoot/chatwoot#10028, "Conversations Duplicating Due to Different In-Reply-To"."""
    shop.deliver(COMPLAINT, "Grinder", "Kim Doe <kim@customers.test>", tagged=True)
    shop.run()
    first = shop.letters_to("kim@customers.test")[0]
    shop.world.agent_replies("We look into it.", str(first["Message-ID"]))
    reply_id = f"<reply-{shop.world._sent}@{shop.world.postbox.username}.test>"
    deliver(
        shop,
        "And? It is unacceptable.",
        f"In-Reply-To: {reply_id}",
        sender="Kim Doe <kim@customers.test>",
        subject="Completely other subject",
    )
    shop.run()
    assert len(shop.json("cases")) == 1


@pytest.mark.parametrize("message_id", ["<twice@customer.test>", None])
def test_15_one_mail_to_two_of_our_mailboxes(
    make_world: Callable[..., World], message_id: str | None
) -> None:
    """freescout-help-desk/freescout#3797, "multiple tickets created on CC messages"; znuny/Znuny#384."""
    world = make_world()
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = ROBIN, f"info@shop.test, {world.postbox.address}", "Grinder"
    mail["Date"] = world.now
    if message_id:
        mail["Message-ID"] = message_id
    mail.set_content(COMPLAINT)
    for way in ("one", "two", "three"):
        world.postbox.deliver(f"Received: from {way}; today\r\n".encode() + mail.as_bytes())
    world.passes(world.now + timedelta(hours=1))
    assert len(world.cases()) == 1
    assert world.case().customer_wrote_at == world.case().opened_at


@pytest.mark.parametrize("second", ["text", "date"])
def test_15_two_mails_without_message_id_are_one_only_if_they_agree(
    make_world: Callable[..., World], second: str
) -> None:
    world = make_world()
    for later in (False, True):
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"], mail["Subject"] = ROBIN, world.postbox.address, "Grinder"
        mail["Date"] = world.now + timedelta(minutes=later and second == "date")
        mail.set_content(COMPLAINT + ("\nThe lid is broken, too." if later and second == "text" else ""))
        world.postbox.deliver(mail.as_bytes())
    world.passes(world.now + timedelta(hours=1))
    assert sum(isinstance(event, CustomerWrote) for event in world.history(world.case().ref)) == 1


def test_16_two_mails_with_one_message_id_and_other_words(shop: Shop) -> None:
    """freescout-help-desk/freescout#4958: a similar message "is treated as a duplicate" and is not fetched."""
    deliver(shop, COMPLAINT, "Message-ID: <same@customer.test>")
    shop.world.postbox.mark(shop.world.postbox.uids()[-1], "complaint")
    shop.run()
    deliver(
        shop, "The second one did not arrive either, it is outrageous.", "Message-ID: <same@customer.test>"
    )
    shop.run()
    history = [case["ref"] for case in shop.json("cases")]
    events = [event["event"] for ref in history for event in shop.json("case", ref)["history"]]
    assert len(history) == 2 or "CustomerWrote" in events


def test_17_a_reply_with_nothing_but_the_reference_to_a_closed_case(shop: Shop) -> None:
    """glpi-project/glpi#6442, "Mail collector does not collect if a mail contains only the subject"."""
    opened(shop)
    ref = closed(shop)
    before = len(list(shop.staff_mails()))
    deliver(shop, "", subject=f"Re: {ref}")
    for _ in range(3):
        shop.run(days=1)
    assert any(ref in mail for mail in list(shop.staff_mails())[before:])


def test_18_a_reply_to_the_second_of_two_closed_cases(shop: Shop) -> None:
    """freescout-help-desk/freescout#3231, "Replies to closed conversations being merged into incorrect one"."""
    opened(shop)
    closed(shop)
    shop.run(days=2)
    second = opened(shop, subject="Kettle")
    refs = {case["subject"]: case["ref"] for case in shop.json("cases")}
    shop.world.says(refs["Kettle"], "kept", "refund: 10 EUR", "issued: 1", "close")
    shop.deliver("When will I see the 10 EUR?", f"Re: {second['Subject']}", ROBIN, answering=second)
    shop.run()
    wrote = {
        name: [event["event"] for event in shop.json("case", ref)["history"]].count("CustomerWrote")
        for name, ref in refs.items()
    }
    assert wrote == {"Grinder": 0, "Kettle": 1}


def test_19_another_trouble_in_a_closed_thread_is_a_case_of_its_own(shop: Shop) -> None:
    """frappe/helpdesk#3465, "Block Reopening of Closed Tickets and Auto-Create New Ticket on Customer Reply"."""
    ours = opened(shop)
    ref = closed(shop)
    shop.run(days=2)
    text = (
        "Now the kettle you sent me leaks after two days and nobody answers. I want my money back. "
        "This is unacceptable."
    )
    shop.deliver(text, f"Re: {ours['Subject']}", ROBIN, answering=ours)
    shop.run()
    others = [case for case in shop.json("cases") if case["ref"] != ref]
    assert [case["stage"] for case in others] == ["confirmed"]
    assert ref in told(shop)
    shop.deliver(
        "It still leaks, unacceptable, I want my money.", f"Re: {ours['Subject']}", ROBIN, answering=ours
    )
    shop.run()
    assert len(shop.json("cases")) == 2


def test_20_thanks_do_not_reopen_and_a_promise_to_look_is_no_thanks(shop: Shop) -> None:
    """frappe/helpdesk#2228, "Don't reopen ticket for empty responses"."""
    ours = opened(shop)
    fixed(shop)
    shop.deliver("Okay, thanks 👍", f"Re: {ours['Subject']}", ROBIN, answering=ours)
    shop.run()
    assert shop.world.case().unanswered is False
    shop.deliver("Okay, let me check and get back to you.", f"Re: {ours['Subject']}", ROBIN, answering=ours)
    shop.run()
    assert shop.world.case().unanswered is True
    assert shop.world.case().stage is Stage.FIXED


def test_21_a_customer_answers_a_closed_case_whose_agent_has_left(shop: Shop) -> None:
    """espocrm/espocrm#749, "Reopen case after email retrieval": nobody hears when the employee has left."""
    ours = opened(shop)
    closed(shop)
    file = shop.world.directory / "followupd.toml"
    words = file.read_text().replace('id = "ana"', 'id = "joe"').replace("ana@agents.test", "joe@agents.test")
    file.write_text(words)
    playbook = shop.world.directory / "playbooks" / "default.toml"
    playbook.write_text(playbook.read_text().replace('owner = "ana"', 'owner = "joe"'))
    from followupd.adapters.settings import load
    from followupd.app.container import build

    shop.world.app = build(load(shop.world.directory))
    shop.deliver("Please call me, it is urgent.", f"Re: {ours['Subject']}", ROBIN, answering=ours)
    for _ in range(2):
        shop.run(days=1)
    assert any("robin@customer.test" in text_of(mail) for mail in shop.letters_to("joe@agents.test"))


# --- which words ---


@pytest.mark.parametrize("charset", ["windows-1250", "iso-8859-2", "cp852"])
def test_22_html_in_an_eastern_charset(shop: Shop, charset: str) -> None:
    """zammad/zammad#2167, "Incorrect encoding of email messages in HTML format (Windows-1250)"; glpi#15389."""
    body = f"<html><body><p>Příliš žluťoučký kůň.</p><p>{COMPLAINT}</p></body></html>"
    deliver(shop, body.encode(charset), f"Content-Type: text/html; charset={charset}")  # type: ignore[arg-type]
    shop.run(hours=1)
    assert shop.world.case().story.startswith("Příliš žluťoučký kůň.")


def test_23_an_empty_answer_after_the_fix(shop: Shop) -> None:
    """glpi-project/glpi#9726, "An empty message sent by e-mail creates an error in the mail receiver"."""
    ours = opened(shop)
    fixed(shop)
    shop.deliver("\n", f"Re: {ours['Subject']}", ROBIN, answering=ours)
    shop.run()
    assert shop.world.case().unanswered is True
    assert shop.json("status")["quarantine"] == 0


def test_24_text_and_a_picture_in_the_text(shop: Shop) -> None:
    """glpi-project/glpi#7649, "Email import ... succeeds with image but email body not added"."""
    picture = "Content-Type: image/png; name=p.png\nContent-ID: <p1>\nContent-Transfer-Encoding: base64\n\niVBORw0K\n"
    html = f"Content-Type: text/html; charset=utf-8\n\n<p>Look at this:</p><img src='cid:p1'><p>{COMPLAINT}</p>\n"
    body = f"--r\n{html}--r\n{picture}--r--\n"
    deliver(shop, body, 'Content-Type: multipart/related; boundary="r"')
    shop.run(hours=1)
    assert shop.customers() == ["robin@customer.test"]


def test_25_text_around_pictures_in_several_parts(shop: Shop) -> None:
    """django-helpdesk/django-helpdesk#1063, "Missing Ticket Content from Mail" (several parts, body in HTML)."""
    body = (
        "--m\nContent-Type: text/plain; charset=utf-8\n\nHi,\n"
        "--m\nContent-Type: image/png\nContent-Disposition: inline; filename=p.png\n\nx\n"
        f"--m\nContent-Type: text/html; charset=utf-8\n\n<p>{COMPLAINT}</p>\n--m--\n"
    )
    deliver(shop, body, 'Content-Type: multipart/mixed; boundary="m"')
    shop.run(hours=1)
    assert shop.world.case().story == f"Hi,\n\n{COMPLAINT}"


def test_26_text_beside_a_calendar(shop: Shop) -> None:
    """linagora/james-project#4396, "multipartAlternative(text/plain and text/calendar) -> empty body"."""
    body = (
        f"--a\nContent-Type: text/plain; charset=utf-8\n\n{COMPLAINT}\n"
        "--a\nContent-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--a--\n"
    )
    deliver(shop, body, 'Content-Type: multipart/alternative; boundary="a"', subject="Declined: delivery")
    shop.run(days=1)
    assert shop.customers() == ["robin@customer.test"]


def test_27_a_signed_answer_joins_its_case(shop: Shop) -> None:
    """django-helpdesk/django-helpdesk#756, "Incoming mails are not detected as replies"."""
    ours = opened(shop)
    body = (
        "--s\nContent-Type: text/plain; charset=utf-8\nContent-Disposition: inline\n\nNothing has come yet.\n"
        "--s\nContent-Type: application/pgp-signature; name=signature.asc\n\n-----BEGIN PGP SIGNATURE-----\n--s--\n"
    )
    deliver(
        shop,
        body,
        f"In-Reply-To: {ours['Message-ID']}",
        'Content-Type: multipart/signed; micalg=pgp-sha256; boundary="s"',
        subject=f"Re: {ours['Subject']} (Opened)",
    )
    shop.run()
    assert shop.world.case().latest == "Nothing has come yet."


def test_28_a_reply_that_looks_like_a_quote_as_a_whole(shop: Shop) -> None:
    """jbostoen/itop-jb-mail-to-ticket-automation-v2#178: a reply is stripped as a whole and lost."""
    ours = opened(shop)
    fixed(shop)
    text = "> It is still broken.\n> Please do something.\n"
    shop.deliver(text, f"Re: {ours['Subject']}", ROBIN, answering=ours)
    shop.run()
    assert shop.world.case().unanswered is True
    assert "still broken" in told(shop)


def test_29_files_and_no_words(shop: Shop) -> None:
    """django-helpdesk/django-helpdesk#700, "If an emails body is empty but there is an attachment"."""
    body = "--m\nContent-Type: application/pdf; name=complaint.pdf\nContent-Disposition: attachment\n\n%PDF\n--m--\n"
    deliver(shop, body, 'Content-Type: multipart/mixed; boundary="m"', subject="see attached")
    for _ in range(2):
        shop.run(days=1)
    assert shop.customers() == ["robin@customer.test"]
    assert "see attached" in told(shop)


def test_30_a_forged_report_names_a_customer(shop: Shop) -> None:
    """jbostoen/itop-jb-mail-to-ticket-automation-v2#96, "deactivate an arbitrary Person via a spoofed bounce"."""
    opened(shop)
    status = "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; robin@customer.test\nAction: failed\nStatus: 5.1.1\n"
    body = f"--b\nContent-Type: text/plain\n\nfailed\n--b\nContent-Type: message/delivery-status\n\n{status}--b--\n"
    kind = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"'
    deliver(shop, body, kind, sender="mailer-daemon@evil.test", subject="Undelivered Mail")
    shop.run()
    assert not shop.world.case().not_reached
