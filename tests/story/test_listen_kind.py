"""What kind of mail it is, in the order of rule R1, and why."""

from datetime import UTC, datetime

import pytest

from followupd.domain.mail import Kind, Person
from followupd.text.mail.read import read, read_plain
from tests.story.raw_mail import KEY, OWN_ID, US, a_mail, a_multipart

STATUS = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.1.1\n"


def test_a_customer_is_who_nothing_speaks_against() -> None:
    message = read(a_mail(), US)
    assert (message.kind, message.sender, message.no_answer) == (
        Kind.CUSTOMER,
        Person("kim@example.org", "Kim Doe"),
        "",
    )
    assert message.because == "customer: nothing says that it is anything else"


def test_our_signed_message_id_is_our_own_letter() -> None:
    raw = a_mail(sender="Ana Reyes <support@example.com>").replace(b"<q1@example.org>", OWN_ID.encode())
    message = read(raw, US)
    assert (message.kind, message.own_key) == (Kind.OWN, KEY)


def test_our_own_address_without_our_signature_is_no_mail_of_ours() -> None:
    message = read(a_mail(sender="Support <support@example.com>"), US)
    assert message.kind is Kind.CUSTOMER
    assert "claims to be from our own address" in message.no_answer


def test_an_answer_names_the_letters_that_it_answers() -> None:
    message = read(
        a_mail(
            "Thanks", f"References: <q0@example.org> {OWN_ID}", "In-Reply-To: <forged.signature@example.com>"
        ),
        US,
    )
    assert message.answers == (KEY,)
    assert message.thread == ("<q0@example.org>", OWN_ID, "<forged.signature@example.com>")


def test_a_reply_in_the_sent_folder_is_an_agents() -> None:
    raw = a_mail(sender="support@example.com", to="kim@example.org")
    assert read(raw, US, in_sent=True).kind is Kind.AGENT


def test_a_customers_mail_that_was_dragged_into_sent_stays_a_customers() -> None:
    assert read(a_mail(), US, in_sent=True).kind is Kind.CUSTOMER


def test_an_agents_note_in_the_inbox_is_an_agents() -> None:
    assert read(a_mail(sender="Ana <Ana@Example.com>".replace("Ana@", "ana@")), US).kind is Kind.AGENT


def test_an_agents_absence_is_no_note() -> None:
    assert (
        read(a_mail("I am away", "Auto-Submitted: auto-replied", sender="ana@example.com"), US).kind
        is Kind.AUTO_REPLY
    )


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Auto-Submitted: auto-replied", Kind.AUTO_REPLY),
        ("Auto-Submitted: auto-notified; owner=x", Kind.AUTO_REPLY),
        ("Auto-Submitted: (comment) no", Kind.CUSTOMER),
        ("Auto-Submitted: no", Kind.CUSTOMER),
        ("Auto-Submitted: NO; x=y", Kind.CUSTOMER),
        ("X-Autoreply: yes", Kind.AUTO_REPLY),
        ("X-Autorespond: x", Kind.AUTO_REPLY),
        ("Precedence: auto_reply", Kind.AUTO_REPLY),
        ("Delivered-To: Autoresponder", Kind.AUTO_REPLY),
        ("X-POST-MessageClass: 9; Autoresponder", Kind.AUTO_REPLY),
        ("X-MS-Exchange-Inbox-Rules-Loop: kim@example.org", Kind.AUTO_REPLY),
        ("List-Id: News <news.shop.example>", Kind.LIST),
        ("List-Id: Our desk <help.example.com>", Kind.CUSTOMER),
        ("List-Unsubscribe: <mailto:x@example.org>", Kind.CUSTOMER),
        ("Precedence: bulk", Kind.LIST),
        ("Feedback-ID: 1:2:3:shop", Kind.CUSTOMER),
        ("X-Failed-Recipients: kim@example.org", Kind.BOUNCE),
        ("Precedence: first-class", Kind.CUSTOMER),
    ],
)
def test_one_header_line_decides(line: str, kind: Kind) -> None:
    assert read(a_mail("Hello", line), US).kind is kind


@pytest.mark.parametrize(
    "subject",
    [
        *(
            "Automatic reply: Your letter",
            "Out of Office: Kim Doe",
            "Abwesenheitsnotiz: Ihr Brief",
            "Automatische Antwort: Brief",
        ),
        *(
            "Réponse automatique : votre lettre",
            "Respuesta automática: carta",
            "Autosvar: brev",
            "自动回复: 信",
            "=?utf-8?q?R=C3=A9ponse_automatique?=",
        ),
    ],
)
def test_subjects_of_absence_notes(subject: str) -> None:
    assert read(a_mail(subject=subject), US).kind is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        *(
            "Re: Kim is out of the office",
            "Fwd: Out of Office",
            "Vacation time!",
            "Vacation house has no water",
            "Your office is out of toner",
        ),
        *(
            "Delivery problem with my parcel",
            "Undelivered parcel",
            "Failed delivery yesterday",
            "ticket #55606",
            "Returned item, no refund",
        ),
    ],
)
def test_subjects_of_people(subject: str) -> None:
    assert read(a_mail(subject=subject), US).kind is Kind.CUSTOMER


def test_bulk_that_answers_a_letter_of_ours_is_a_customers() -> None:
    assert read(a_mail("Thanks", "Precedence: bulk", f"In-Reply-To: {OWN_ID}"), US).kind is Kind.CUSTOMER


def test_through_our_group_the_customer_is_the_original_sender() -> None:
    raw = a_mail(
        "Hi",
        "List-Id: <help.example.com>",
        "X-Original-Sender: kim@example.org",
        "Reply-To: Kim <kim@example.org>",
        sender="'Kim' via Help <support@example.com>",
    )
    assert read(raw, US).sender.address == "kim@example.org"


COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
PASS = "Authentication-Results: mx.example.com; dmarc=pass header.from={0}"
FAIL = "Authentication-Results: mx.example.com; dmarc=fail header.from={0}"
VICTIM = "kim@victim.example"
GROUP = ("List-Id: <help.example.com>", f"X-Original-Sender: {VICTIM}")


@pytest.mark.parametrize(
    ("sender", "more"),
    [
        ("contactform@evil.example", (PASS.format("evil.example"),)),
        ("wordpress@shop.example", ()),
        ("mailer@shopify.com", (PASS.format("shopify.com"),)),
        ("contactform@gmail.com", (PASS.format("gmail.com"),)),
        ("kim@evil.example", (PASS.format("evil.example"),)),
        ("web@example.com", ()),
        ("web@example.com", (FAIL.format("example.com"),)),
        ("web@example.com", (PASS.format("evil.example"),)),
        ("noreply@forms.example", (FAIL.format("forms.example"),)),
        ("noreply@forms.example, m@evil.example", ()),
        ("NoReply@forms.example.evil.example", ()),
        ('"noreply@forms.example" <form@evil.example>', (PASS.format("evil.example"),)),
        ("m@evil.example", (*GROUP, PASS.format("evil.example"))),
        ("help@example.com.evil.example", GROUP),
    ],
)
def test_no_machine_answers_to_a_stranger_whom_a_stranger_names(sender: str, more: tuple[str, ...]) -> None:
    message = read(a_mail(COMPLAINT, f"Reply-To: Kim <{VICTIM}>", *more, sender=sender), US)
    assert message.kind is Kind.CUSTOMER
    assert message.no_answer


@pytest.mark.parametrize(
    ("sender", "more"),
    [
        ("Website <noreply@forms.example>", ()),
        ("HELLO@website.example", ()),
        ("noreply@forms.example", (PASS.format("forms.example"),)),
        ("web@example.com", (PASS.format("example.com"),)),
        ("contactform@victim.example", ()),
        ("'Kim' via Help <help@example.com>", GROUP),
        (f"Kim <{VICTIM}>", GROUP),
    ],
)
def test_a_machine_answers_the_person_for_whom_a_form_or_group_of_ours_writes(
    sender: str, more: tuple[str, ...]
) -> None:
    message = read(a_mail(COMPLAINT, f"Reply-To: Kim <{VICTIM}>", *more, sender=sender), US)
    assert (message.sender.address, message.no_answer, message.unsure_of) == (VICTIM, "", "")


def test_a_form_of_ours_that_names_nobody_is_asked_about() -> None:
    message = read(a_mail(COMPLAINT, sender="hello@website.example"), US)
    assert "nothing names the customer" in message.unsure_of


def test_a_form_that_is_not_configured_is_named_with_the_setting() -> None:
    message = read(a_mail(COMPLAINT, f"Reply-To: {VICTIM}", sender="wordpress@shop.example"), US)
    assert message.sender.address == VICTIM
    assert "`forms` does not name wordpress@shop.example" in message.no_answer


def test_a_bounce_wins_over_an_auto_reply() -> None:
    raw = a_multipart(
        STATUS,
        kind="multipart/report; report-type=delivery-status",
        more=("Auto-Submitted: auto-replied",),
        sender="mailer-daemon@mx",
    )
    assert read(raw, US).kind is Kind.BOUNCE


def test_a_bounce_without_any_structure() -> None:
    raw = a_mail(
        "Sorry, no mailbox here by that name.",
        "Return-Path: <>",
        sender="MAILER-DAEMON",
        subject="failure notice",
    )
    message = read(raw, US)
    assert (message.kind, message.sender.address) == (Kind.BOUNCE, "")


def test_a_spam_complaint_is_named() -> None:
    raw = a_multipart(
        "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: <kim@example.org>\n",
        f"Content-Type: message/rfc822\n\nMessage-ID: {OWN_ID}\nTo: kim@example.org\n\nDear Kim\n",
        kind="multipart/report; report-type=feedback-report",
    )
    message = read(raw, US)
    assert message.kind is Kind.BOUNCE
    assert message.bounce is not None
    assert (message.bounce.action, message.bounce.recipient, message.bounce.original_message_id) == (
        "complaint",
        "kim@example.org",
        OWN_ID,
    )


def test_a_receipt_is_no_answer() -> None:
    raw = a_multipart(
        "Content-Type: message/disposition-notification\n\nDisposition: manual; displayed\n",
        kind="multipart/report; report-type=disposition-notification",
    )
    message = read(raw, US)
    assert message.kind is Kind.AUTO_REPLY
    assert message.because.startswith("receipt")


def test_a_calendars_answer_is_automatic() -> None:
    raw = a_multipart(
        "Content-Type: text/plain\n\nAccepted",
        "Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\n",
    )
    assert read(raw, US).kind is Kind.AUTO_REPLY


def test_words_without_a_mail_are_read_by_the_same_rules() -> None:
    message = read_plain(
        "Re: Parcel [FU-7K3Q9]",
        "Still nothing.\n\n> We ship it on Friday\n",
        {"From": "Kim <kim@example.org>", "Auto-Submitted": "no"},
        US,
    )
    assert (message.kind, message.text, message.case_token) == (Kind.CUSTOMER, "Still nothing.", "FU-7K3Q9")
    assert read_plain("Out of office", "", None, US).kind is Kind.AUTO_REPLY
    assert (
        read_plain("Hello\r\nX-Autoreply: yes", "Hi", {"X-A": "b\nX-Autoreply: yes"}, US).kind
        is Kind.CUSTOMER
    )


def test_when_it_was_sent_is_told_in_utc() -> None:
    assert read(a_mail("Hi", "Date: Tue, 1 Dec 2026 10:00:00 +0200 (EET)"), US).sent_at == datetime(
        2026, 12, 1, 8, tzinfo=UTC
    )
    assert read(a_mail("Hi", "Date: Tue, 41 Foo 2026"), US).sent_at is None
