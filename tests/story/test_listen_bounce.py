"""Bounces and absences mean something: whom, which letter, whether the address is dead, and when somebody is back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from followupd.domain.mail import Bounce
from followupd.text.mail.read import read
from tests.story.raw_mail import OWN_ID, US, a_mail, a_multipart

SATURDAY = datetime(2026, 11, 21, 10, tzinfo=UTC)


def a_report(
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 no such user",
    original: str = OWN_ID,
) -> bytes:
    return a_multipart(
        "Content-Type: text/plain\n\nI could not deliver your message.\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        f"Final-Recipient: rfc822; Kim@Example.ORG\nAction: {action}\nStatus: {status}\nDiagnostic-Code: {diagnostic}\n",
        f"Content-Type: text/rfc822-headers\n\nMessage-ID:\n {original}\nTo: kim@example.org\nSubject: Re: parcel\n",
        kind="multipart/report; report-type=delivery-status",
        more=("Return-Path: <>",),
        sender="Mail Delivery System <MAILER-DAEMON@mx.example.org>",
    )


def test_a_report_names_the_receiver_the_letter_and_the_cause() -> None:
    assert read(a_report(), US).bounce == Bounce(
        "Kim@example.org", OWN_ID, "failed", "5.1.1", permanent=True, bad_address=True
    )


@pytest.mark.parametrize(
    ("status", "dead"),
    [
        ("5.1.1", True),
        ("5.1.10", True),
        ("5.2.1", True),
        ("5.4.4", True),
        ("5.2.2", False),
        ("5.7.1", False),
        ("5.1.8", False),
        ("4.1.1", False),
    ],
)
def test_only_some_codes_say_that_nobody_is_there(status: str, dead: bool) -> None:
    bounce = read(a_report(status=status, diagnostic="smtp; sorry"), US).bounce
    assert bounce is not None
    assert (bounce.bad_address, bounce.permanent) == (dead, status[0] == "5")


@pytest.mark.parametrize(
    ("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0"), ("relayed", "2.1.9")]
)
def test_a_delay_or_a_success_is_no_failure(action: str, status: str) -> None:
    bounce = read(a_report(action, status), US).bounce
    assert bounce is not None
    assert (bounce.permanent, bounce.bad_address, bounce.action) == (False, False, action)


def test_a_detail_says_more_than_a_vague_status() -> None:
    bounce = read(a_report(status="5.0.0", diagnostic="smtp; 550 5.1.1 <kim@example.org> unknown"), US).bounce
    assert bounce is not None
    assert (bounce.status, bounce.bad_address) == ("5.1.1", True)


def test_a_bounce_in_plain_words_is_read_too() -> None:
    text = f"""Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.

<kim@example.org>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Message-ID: {OWN_ID}
To: kim@example.org
"""
    raw = a_mail(text, "Return-Path: <>", sender="MAILER-DAEMON@mx.example.org", subject="failure notice")
    assert read(raw, US).bounce == Bounce(
        "kim@example.org", OWN_ID, "", "5.1.1", permanent=True, bad_address=True
    )


def test_our_signed_id_is_found_wherever_it_stands() -> None:
    report = a_report(original="<rewritten.by.a.gateway@example.org>").replace(
        b"not deliver your message", f"not deliver {OWN_ID}".encode()
    )
    bounce = read(report, US).bounce
    assert bounce is not None
    assert bounce.original_message_id == OWN_ID


def test_a_warning_in_plain_words_is_a_delay() -> None:
    raw = a_mail(
        "Your message has not yet been delivered to kim@example.org.\n",
        "Return-Path: <>",
        sender="mailer-daemon@mx",
        subject="Warning: message delayed 4 hours",
    )
    bounce = read(raw, US).bounce
    assert bounce is not None
    assert (bounce.action, bounce.permanent) == ("delayed", False)


@pytest.mark.parametrize(
    ("note", "day"),
    [
        ("I am out of the office until Friday, 27 November.", "2026-11-28"),
        ("I will be back on December 3rd.", "2026-12-03"),
        ("I will return to the office on 2026-12-01.", "2026-12-01"),
        ("I'm on leave from 20 Nov to 27 Nov, returning Monday 30 Nov", "2026-11-30"),
        ("Away until May 5. I am returning to the office on December 5th.", "2026-12-05"),
        ("Back on Monday.", "2026-11-23"),
        ("I will be out until 12/05/2026.", "2026-12-06"),
        ("Ich bin bis zum 27.11.2026 nicht im Büro.", "2026-11-28"),
        ("Ich bin ab dem 1. Dezember wieder für Sie da.", "2026-12-01"),
        ("Je suis absent jusqu'au 28/11/2026 inclus. De retour le 30 novembre.", "2026-11-30"),
        ("Estaré fuera hasta el 5 de diciembre de 2026.", "2026-12-06"),
        ("Sono fuori ufficio fino al 4 dicembre. Rientro il 7 dicembre.", "2026-12-07"),
        ("Vanaf 30 november ben ik weer bereikbaar.", "2026-11-30"),
        ("Jestem na urlopie do 30 listopada. Wracam 1 grudnia.", "2026-12-01"),
        ("Jag är tillbaka den 2 december.", "2026-12-02"),
    ],
)
def test_an_absence_note_names_the_day_of_return(note: str, day: str) -> None:
    message = read(a_mail(note, subject="Automatic reply: Re: parcel"), US, received_at=SATURDAY)
    assert message.back_on == datetime.fromisoformat(day).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "note",
    [
        *(
            "I am out of the office.",
            "Our warehouse moved on 3 December 2019.",
            "Back on 5 May 2019.",
            "We may answer 25 letters until 3 pm.",
        ),
        *("In urgent cases call 030 12 11 10.", "Back on 31 February.", "I was back on 20 November."),
        "I am out of the office until 9999-12-31.",
        "Out of office from 0001-01-01 until 0001-01-02.",
    ],
)
def test_other_dates_are_no_return(note: str) -> None:
    assert read(a_mail(note, subject="Automatic reply: Re: parcel"), US, received_at=SATURDAY).back_on is None


def test_a_quoted_date_is_no_return() -> None:
    note = "I am away.\n\nOn Fri, 20 Nov 2026 at 10:00, Ana <support@example.com> wrote:\n> We will be back on 30 November.\n"
    assert read(a_mail(note, subject="Automatic reply: Re: parcel"), US, received_at=SATURDAY).back_on is None


def test_the_day_begins_where_the_reader_is() -> None:
    received = SATURDAY.astimezone(timezone(timedelta(hours=-5)))
    back = read(a_mail("Back on Monday.", subject="Out of office"), US, received_at=received).back_on
    assert back is not None
    assert back.isoformat() == "2026-11-23T00:00:00-05:00"


def test_only_an_absence_note_is_asked_for_a_return() -> None:
    assert (
        read(a_mail("I will be back on December 3rd, ship it then."), US, received_at=SATURDAY).back_on
        is None
    )
