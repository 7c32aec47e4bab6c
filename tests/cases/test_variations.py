"""Three variations, or more, of each field report about mail that was dropped, misread or misfiled."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from followupd.domain.mail import Kind, Message
from followupd.services.classifier import ComplaintClassifier
from followupd.text.complaints import Recogniser
from followupd.text.mail.headers import bare_subject, parse_addresses
from followupd.text.mail.read import read
from tests.cases.shop import Shop
from tests.cases.test_trackers import COMPLAINT, GERMAN, ROBIN, closed, deliver, fixed, opened, told
from tests.journeys.world import World
from tests.story.raw_mail import US, a_mail, a_multipart

CLASSIFIER = ComplaintClassifier(Recogniser.shipped(), 0.90, 0.30, "en", "")


@pytest.fixture
def shop(make_world: Callable[..., World], capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(make_world, capsys)


def verdict_of(raw: bytes) -> tuple[Message, str]:
    message = CLASSIFIER.heard(read(raw, US))
    return message, CLASSIFIER.verdict(message).verdict


# --- 01 and 03: signs that people's mail has, too ---


@pytest.mark.parametrize(
    "line",
    [
        "Feedback-ID: 1:2:3:somebody-else",
        "List-Unsubscribe: <https://customer.test/leave>",
        "X-Campaign-Id: 7",
        "List-Unsubscribe: <mailto:a@b.test>\r\nFeedback-ID: 1:2:3:x",
    ],
)
def test_01_other_signs_of_newsletters(line: str) -> None:
    message, verdict = verdict_of(a_mail(COMPLAINT, line))
    assert (message.kind, verdict) == (Kind.CUSTOMER, "complaint")
    assert message.no_answer


@pytest.mark.parametrize(
    "subject",
    [
        "Away from office supplies for weeks, and no delivery",
        "I'm out of patience and out of toner",
        "Abwesenheit Ihres Fahrers bei der Abholung",
        "En congé, et mon colis n'est pas arrivé",
        "Out of office",
        "Fuera de la oficina no funciona su teléfono",
    ],
)
def test_03_other_subjects_like_absence_notes(subject: str) -> None:
    message, verdict = verdict_of(a_mail(COMPLAINT, subject=subject))
    assert message.kind is Kind.CUSTOMER
    assert verdict in {"complaint", "suspected"}


def test_03_a_real_absence_note_without_headers_stays_one() -> None:
    for subject in ("Out of office", "Abwesenheit: Kim Doe", "I am on leave", "Automatic reply: Grinder"):
        message, _ = verdict_of(a_mail("I am back on 5 January. Best wishes, Kim", subject=subject))
        assert message.kind is Kind.AUTO_REPLY, subject


# --- 05: forms and marketplaces ---


def test_05_a_platform_that_nobody_knows_yet_is_asked_about_and_then_known(shop: Shop) -> None:
    for name, n in (("robin", 1), ("sam", 2), ("kim", 3)):
        deliver(
            shop,
            f"{COMPLAINT} {n}",
            f"Reply-To: {name.title()} <{name}@k{n}.test>",
            sender="Market <orders@market.test>",
            subject="A customer writes",
        )
        shop.run()
    assert shop.customers() == ["kim@k3.test", "orders@market.test", "sam@k2.test"]
    assert shop.letters_to("orders@market.test", "robin@k1.test") == []
    assert "customer: robin@k1.test" in told(shop)


@pytest.mark.parametrize(
    "text",
    [
        "Name: Kim Doe\nEmail: kim@x.test\nMessage: it is broken",
        "Vor- und Nachname: Kim Doe\nE-Mail-Adresse: kim@x.test\nNachricht:\nEs ist kaputt",
        "Nom\nKim Doe\n\nAdresse e-mail\nkim@x.test\n\nMessage\nC'est cassé",
        "*Nombre:* Kim Doe\n*Correo electrónico:* kim@x.test\nEstá roto",
    ],
)
def test_05_the_fields_of_forms_in_four_languages(text: str) -> None:
    message = read(a_mail(text, sender="Website <noreply@shop.test>"), US)
    assert (message.sender.address, message.sender.name) == ("kim@x.test", "Kim Doe")
    assert message.no_answer


def test_05_a_form_with_two_addresses_names_nobody() -> None:
    message = read(a_mail("Email: kim@x.test\nEmail: sam@x.test\n", sender="wordpress@shop.test"), US)
    assert message.sender.address == "wordpress@shop.test"
    assert message.unsure_of


@pytest.mark.parametrize(
    ("sender", "reply_to", "customer", "is_sure"),
    [
        ("kim@example.org", "", "kim@example.org", True),
        ("kim@example.org", "k.doe@example.org", "k.doe@example.org", True),
        ("kim@example.org", "thief@evil.example", "kim@example.org", False),
        ("Kim Doe <kim@work.example>", "Kim Doe <kd@home.example>", "kim@work.example", True),
        ("kim@gmail.com", "thief@gmail.com", "kim@gmail.com", False),
        ("noreply@shop.example", "kim@example.org", "kim@example.org", True),
        ("do-not-reply@shop.example", "kim@example.org", "kim@example.org", True),
        ("wordpress@shop.example", "kim@example.org", "kim@example.org", True),
        ("form-submission@squarespace.info", "kim@example.org", "kim@example.org", True),
        ("support@example.com", "kim@example.org", "kim@example.org", True),
        ("web@example.com", "kim@example.org", "kim@example.org", True),
        ("norma@shop.example", "kim@example.org", "norma@shop.example", False),
        ("kim@example.org", "support@example.com", "kim@example.org", True),
    ],
)
def test_05_the_customer_is_the_sender_or_the_reply_to_of_a_form(
    sender: str, reply_to: str, customer: str, is_sure: bool
) -> None:
    lines = (f"Reply-To: {reply_to}",) if reply_to else ()
    message = read(a_mail(COMPLAINT, *lines, sender=sender), US)
    assert (message.sender.address, message.unsure_of == "") == (customer, is_sure)
    if reply_to and customer != "k.doe@example.org" and "@example.com" not in reply_to and not is_sure:
        assert reply_to in message.unsure_of


# --- 07: which part, and which words ---


@pytest.mark.parametrize(
    "stub",
    [
        "\u200b\u2060 \ufeff",
        "[image: logo.png]",
        "Gesendet von meinem iPhone",
        "This message was sent as HTML. Your program cannot display it.",
        "https://customer.test/view/1234567",
        "CAUTION: This email originated from outside of the organization.",
    ],
)
def test_07_other_plain_parts_that_say_nothing(stub: str) -> None:
    raw = a_multipart(
        f"Content-Type: text/plain; charset=utf-8\n\n{stub}",
        f"Content-Type: text/html; charset=utf-8\n\n<p>{COMPLAINT}</p>",
        kind="multipart/alternative",
    )
    assert verdict_of(raw)[1] == "complaint"


def test_07_a_plain_part_that_says_it_all_is_read() -> None:
    raw = a_multipart(
        "Content-Type: text/plain; charset=utf-8\n\nStill nothing.",
        "Content-Type: text/html; charset=utf-8\n\n<p>Still nothing.</p>",
        kind="multipart/alternative",
    )
    assert read(raw, US).text == "Still nothing."


def test_07_all_shown_parts_of_a_mixed_mail_are_read_in_order_and_none_twice() -> None:
    plain = "Content-Type: text/plain; charset=utf-8\n\n"
    html = "Content-Type: text/html; charset=utf-8\n\n"
    raw = a_multipart(f"{plain}first", f"{html}<p>second</p>", f"{plain}third", f"{html}<p>first second</p>")
    assert read(raw, US).text == "first\n\nsecond\n\nthird"


# --- 09: addresses ---


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ('"robin.vale"@customer.test', "robin.vale@customer.test"),
        ('<"robin@home"@customer.test>', ""),
        ('"a\\"b"@customer.test', ""),
        ("robin vale@customer.test", ""),
        ("robin@home@customer.test", ""),
        ("boss@evil.test robin@customer.test", ""),
        ('"boss@evil.test" <robin@customer.test>', "robin@customer.test"),
        ("Kim Doe kim@customer.test", "kim@customer.test"),
        ('"kim@customer.test"', "kim@customer.test"),
        ("robin@customer.test (boss@evil.test)", "robin@customer.test"),
    ],
)
def test_09_no_half_of_an_address_is_another_persons(written: str, address: str) -> None:
    assert parse_addresses(written)[0].person().address == address


def test_09_a_complaint_without_a_sender_is_told(shop: Shop) -> None:
    deliver(shop, COMPLAINT, sender='"robin vale"@customer.test')
    shop.run(days=1)
    assert shop.json("cases") == []
    assert "quarantine" in told(shop)
    assert (shop.json("status")["quarantine"], shop.json("status")["quarantine_untold"]) == (1, 0)


# --- 14: closed cases, and thanks ---


@pytest.mark.parametrize(
    "words",
    ["Und wo ist jetzt mein Geld?", "Merci, mais le couvercle est fêlé.", "It broke again.", "1 more thing"],
)
def test_14_other_words_in_a_closed_case(shop: Shop, words: str) -> None:
    ours = opened(shop)
    closed(shop)
    before = len(list(shop.staff_mails()))
    shop.deliver(words, f"Re: {ours['Subject']}", ROBIN, answering=ours)
    for _ in range(2):
        shop.run(days=1)
    assert any(words in mail for mail in list(shop.staff_mails())[before:])


@pytest.mark.parametrize("words", ["Thanks, great!", "👍", "Merci beaucoup !", "Danke, alles gut."])
def test_14_thanks_trouble_nobody(shop: Shop, words: str) -> None:
    ours = opened(shop)
    fixed(shop)
    before = len(list(shop.staff_mails()))
    shop.deliver(words, f"Re: {ours['Subject']}", ROBIN, answering=ours)
    shop.run(days=4)
    assert shop.case()["stage"] == "followed-up"
    assert not any("has written" in mail for mail in list(shop.staff_mails())[before:])


def test_14_a_reply_of_ours_lifts_what_the_customer_has_asked(shop: Shop) -> None:
    ours = opened(shop, "Kim Doe <kim@customers.test>")
    fixed(shop)
    shop.deliver("And the lid?", f"Re: {ours['Subject']}", "Kim Doe <kim@customers.test>", answering=ours)
    shop.run()
    assert shop.world.case().unanswered
    shop.world.now += shop.world.now.resolution * 60_000_000
    shop.world.agent_replies("The lid is in the parcel.", str(ours["Message-ID"]))
    assert not shop.world.case().unanswered


# --- 16: an agent answers from the own address ---


@pytest.mark.parametrize(
    ("to", "cc", "subject", "thread"),
    [
        ("robin@customer.test", "us", "Re: Grinder", True),
        ("us", "robin@customer.test", "AW: Grinder", False),
        ("robin@customer.test", "", "Re: Grinder", False),
        ("robin@customer.test", "us", "Something else", True),
    ],
)
def test_16_other_ways_of_answering_from_the_own_address(
    shop: Shop, to: str, cc: str, subject: str, thread: bool
) -> None:
    ours = opened(shop)
    us = shop.world.postbox.address
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"], mail["Date"] = "Ana Reyes <ana@agents.test>", subject, shop.world.now
    mail["To"], mail["Message-ID"] = to.replace("us", us, int(to == "us")), "<own@agents.test>"
    if cc:
        mail["Cc"] = us if cc == "us" else cc
    if thread:
        mail["In-Reply-To"] = str(ours["Message-ID"])
    mail.set_content("Dear Robin,\n\nI will send you a new grinder by Friday.\n\nAna\n")
    shop.world.postbox.deliver(mail.as_bytes())
    shop.run()
    case = shop.case()
    assert "AgentWrote" in [event["event"] for event in case["history"]]
    assert case["promises"][0]["state"] == "kept"
    assert any("grinder" in promise["text"] for promise in case["promises"][1:])


# --- 18: subjects ---


@pytest.mark.parametrize(
    "prefix",
    [
        "RE²: ",
        "Re (3): ",
        "[External] AW: WG: ",
        "{Spam?} Re: ",
        "Odpověď: ",
        "返信: ",
        "EXTERN: RE: ",
        "Fwd: Re: ",
        "Réf : ",
        "(SPAM) R: R: ",
    ],
)
def test_18_more_prefixes(prefix: str) -> None:
    assert bare_subject(f"{prefix}Grinder 3 not delivered") == "Grinder 3 not delivered"


@pytest.mark.parametrize("subject", ["[Order 4711] Grinder", "Reference 4711", "Spam in my inbox", "Is: it?"])
def test_18_what_is_no_prefix_stays(subject: str) -> None:
    assert bare_subject(subject) == subject


@pytest.mark.parametrize("subject", ["", "Re:", "(kein Betreff)", "(no subject)", "Re: [EXT]"])
def test_18_mails_without_a_subject_join_no_other(shop: Shop, subject: str) -> None:
    deliver(shop, COMPLAINT, subject=subject)
    shop.run()
    deliver(shop, GERMAN, subject=subject)
    shop.run()
    assert shop.customers() == ["robin@customer.test"] * 2


# --- 19: forwards of colleagues ---

FORWARDS = {
    "Gmail": (
        "Fwd: blender",
        (
            "FYI\n\n---------- Forwarded message ---------\nFrom: Sam Poole <sam@other.test>\n"
            "Date: Sat, 28 Nov 2020\nSubject: blender\nTo: <sales@example.com>\n\n"
        ),
    ),
    "Outlook": (
        "WG: blender",
        (
            "Bitte übernehmen\n\nVon: Sam Poole <sam@other.test>\nGesendet: Samstag, 28. November 2020 09:12\n"
            "An: Verkauf <sales@example.com>\nBetreff: blender\n\n"
        ),
    ),
    "Apple": (
        "TR : blender",
        (
            "Pour info\n\nDébut du message transféré :\n\nDe: Sam Poole <sam@other.test>\nObjet: blender\n"
            "Date: 28 novembre 2020\nÀ: sales@example.com\n\n"
        ),
    ),
    "Thunderbird": (
        "RV: blender",
        (
            "Para ti\n\n-------- Mensaje reenviado --------\nAsunto: \tblender\nFecha: \t28 nov 2020\n"
            "De: \tSam Poole <sam@other.test>\nPara: \tsales@example.com\n\n"
        ),
    ),
    "twice": (
        "Fwd: Fwd: blender",
        (
            "---------- Forwarded message ---------\nFrom: Pat <pat@example.com>\nSubject: Fwd: blender\n\nsee below\n\n"
            "---------- Forwarded message ---------\nFrom: Sam Poole <sam@other.test>\nSubject: blender\n\n"
        ),
    ),
}


@pytest.mark.parametrize("program", FORWARDS)
def test_19_forwards_of_other_programs(program: str) -> None:
    subject, above = FORWARDS[program]
    raw = a_mail(f"{above}{COMPLAINT}\n\nSam\n", sender="Pat <sales@example.com>", subject=subject)
    message, verdict = verdict_of(raw)
    assert message.sender.address == "sam@other.test"
    assert message.forwarded_text.startswith("My grinder has not arrived")
    assert message.no_answer
    assert verdict == "complaint"


@pytest.mark.parametrize("subject", ["Fwd: blender", "one for you"])
def test_19_a_forward_as_an_attachment(subject: str) -> None:
    inner = f"From: Sam Poole <sam@other.test>\nSubject: blender\nContent-Type: text/plain\n\n{COMPLAINT}\n"
    raw = a_multipart(
        "Content-Type: text/plain\n\nFYI",
        f"Content-Type: message/rfc822\n\n{inner}",
        sender="Pat <sales@example.com>",
    ).replace(b"Where is my parcel?", subject.encode())
    message = read(raw, US)
    assert (message.sender.address, message.forwarded_text) == ("sam@other.test", COMPLAINT)


def test_19_a_stranger_at_a_public_provider_is_no_colleague() -> None:
    from dataclasses import replace

    us = replace(US, addresses=frozenset({"shop@gmail.com"}))
    subject, above = FORWARDS["Gmail"]
    raw = a_mail(f"{above}{COMPLAINT}", sender="mallory@gmail.com", to="shop@gmail.com", subject=subject)
    assert read(raw, us).sender.address == "mallory@gmail.com"


# --- 22: spam ---


@pytest.mark.parametrize(
    "line",
    [
        "X-Spam-Status: Yes, score=9",
        "X-Rspamd-Action: add header",
        "X-Forefront-Antispam-Report: CIP:1.2.3.4;SCL:6;SRV:;",
        "X-MS-Exchange-Organization-SCL: 5",
        "X-Bogosity: Spam, tests=bogofilter",
        "X-Barracuda-Spam-Flag: YES",
    ],
)
def test_22_other_filters(line: str) -> None:
    message, verdict = verdict_of(a_mail(COMPLAINT, line))
    assert (message.no_answer, verdict) == ("our mail server calls it spam", "complaint")


@pytest.mark.parametrize(
    "line",
    [
        "X-Spam-Status: No, score=1.2",
        "X-Spam-Flag: NO",
        "X-MS-Exchange-Organization-SCL: 1",
        "X-MS-Exchange-Organization-SCL: -1",
        "X-Forefront-Antispam-Report: CIP:5.6.7.8;SCL:1;SFV:NSPM;",
        "X-Rspamd-Action: no action",
    ],
)
def test_22_mail_that_passed_a_filter_is_answered(line: str) -> None:
    assert read(a_mail(COMPLAINT, line), US).no_answer == ""


def test_22_the_owner_sees_the_verdict(shop: Shop) -> None:
    deliver(shop, COMPLAINT, subject="*****SPAM***** Grinder")
    shop.run(hours=1)
    assert shop.letters_to("robin@customer.test") == []
    assert "our mail server calls it spam" in " ".join(told(shop).split())


# --- 25: another trouble in an old thread, and the same one again ---


def test_25_an_agent_who_reopens_is_asked_anew(shop: Shop) -> None:
    ours = opened(shop)
    fixed(shop)
    shop.run(days=4)
    shop.run(days=16)
    [case] = shop.json("cases")
    assert case["stage"] == "closed"
    shop.deliver("The lid does not fit, what now?", f"Re: {ours['Subject']}", ROBIN, answering=ours)
    shop.run()
    assert shop.world.says(case["ref"], "complaint") == []
    shop.run(hours=1)
    assert shop.case()["facts"]["cause"] is None
    assert shop.case()["stage"] == "confirmed"
    assert shop.case()["promises"][-1]["state"] == "open"


def test_25_what_follows_in_the_old_thread_belongs_to_the_new_case(shop: Shop) -> None:
    ours = opened(shop)
    old = closed(shop)
    for words in (GERMAN, "Und noch etwas: der Deckel ist gerissen.", "Danke!"):
        shop.deliver(words, f"Re: {ours['Subject']}", ROBIN, answering=ours)
        shop.run(days=1)
    [new] = [case["ref"] for case in shop.json("cases") if case["ref"] != old]
    events = [event["event"] for event in shop.json("case", new)["history"]]
    assert events.count("CustomerWrote") == 2


def test_25_danger_in_an_old_thread_is_graded_and_told(shop: Shop) -> None:
    ours = opened(shop)
    old = closed(shop)
    text = (
        "Now the kettle exploded and burnt my hand, I had to go to hospital. This is unacceptable, call me!"
    )
    shop.deliver(text, f"Re: {ours['Subject']}", ROBIN, answering=ours)
    shop.run()
    [new] = [case for case in shop.json("cases") if case["ref"] != old]
    assert new["severity"] == "high"


# --- 26: command folders ---


def test_26_a_mail_moved_before_the_first_start(shop: Shop) -> None:
    with shop.world.postbox.client() as client:
        client.create_folder("Recovery/Complaint")
    shop.deliver("When do you open?", "A question", ROBIN)
    with shop.world.postbox.client() as client:
        client.select_folder("INBOX")
        client.move(client.search(), "Recovery/Complaint")
    fresh = type(shop.world).made(
        shop.world.directory / "fresh", shop.world.postbox, shop.world.smtp, ledger="sqlite:///fresh.db"
    )
    assert [case.customer.address for case in fresh.cases()] == ["robin@customer.test"]


def test_26_a_mail_of_last_year_moved_before_the_first_start(shop: Shop) -> None:
    with shop.world.postbox.client() as client:
        client.create_folder("Recovery/Complaint")
        mail = (
            b"From: Robin <robin@customer.test>\r\nTo: shop@shop.test\r\nSubject: Kettle\r\n\r\nIt leaks.\r\n"
        )
        client.append("Recovery/Complaint", mail, (), shop.world.now - timedelta(days=400))
    fresh = type(shop.world).made(
        shop.world.directory / "fresh", shop.world.postbox, shop.world.smtp, ledger="sqlite:///fresh.db"
    )
    assert [case.customer.address for case in fresh.cases()] == ["robin@customer.test"]


def test_26_two_folders_made_at_once_after_the_start(shop: Shop) -> None:
    ours = opened(shop)
    shop.deliver("A question?", "Hours", "Sam <sam@other.test>")
    shop.run()
    with shop.world.postbox.client() as client:
        client.create_folder("Recovery/Complaint")
        client.create_folder("Recovery/Fixed")
        client.select_folder("INBOX")
        client.move(client.search(["FROM", "sam@other.test"]), "Recovery/Complaint")
        client.move(client.search(["SUBJECT", "Grinder", "FROM", "robin@customer.test"]), "Recovery/Fixed")
    shop.run(minutes=5)
    assert shop.customers() == ["robin@customer.test", "sam@other.test"]
    stages = {case["customer"]["address"]: case["stage"] for case in shop.json("cases")}
    assert stages["robin@customer.test"] == "fixed", ours["Subject"]


# --- 28: what is set aside ---


def test_28_the_owner_is_told_at_once_and_the_follow_up_waits(shop: Shop) -> None:
    ours = opened(shop)
    ref = fixed(shop)
    for _ in range(3):
        shop.deliver("I know better.", f"Re: {ours['Subject']}", "Sam <sam@other.test>", answering=ours)
        shop.run()
    mails = [mail for mail in shop.staff_mails() if "takes no part" in " ".join(mail.split())]
    assert len(mails) >= 1
    assert shop.json("status")["quarantine_untold"] == 0
    shop.run(days=4)
    assert shop.case()["stage"] == "fixed"
    assert shop.world.says(ref, "fixed") == []
    shop.run(days=4)
    assert shop.case()["stage"] == "followed-up"


def test_28_each_mail_is_told_once_whenever_it_was_set_aside(shop: Shop) -> None:
    shop.run(days=1)
    for n in range(2):
        deliver(shop, COMPLAINT, sender=f'"robin {n}"@customer.test')
        shop.run(hours=3)
        assert shop.json("status")["quarantine_untold"] == 1
        shop.run(days=1)
        assert shop.json("status")["quarantine_untold"] == 0
    digests = [
        mail for mail in shop.staff_mails() if "1 new mail(s) lie in quarantine" in " ".join(mail.split())
    ]
    assert len(digests) == 2


def test_05_a_form_without_a_word_names_nobody() -> None:
    assert read(a_mail("", sender="noreply@shop.test"), US).sender.address == "noreply@shop.test"
