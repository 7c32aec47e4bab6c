"""May a machine answer? (RFC 3834, section 2; RFC 8601)"""

import pytest

from followupd.domain.mail import Identity
from followupd.text.mail.read import read
from tests.story.raw_mail import OWN_ID, US, a_mail

TRUSTED = "Authentication-Results: mx.example.com"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Return-Path: <>", "return path"),
        ("X-Auto-Response-Suppress: OOF, AutoReply", "X-Auto-Response-Suppress"),
        ("X-Auto-Response-Suppress: All", "X-Auto-Response-Suppress"),
        ("X-Loop: support@example.com", "X-Loop"),
        ("Auto-Submitted: auto-generated", "auto-reply"),
        ("List-Id: <x.example>", "list"),
        (f"{TRUSTED}; spf=pass; dmarc=fail (p=none) header.from=example.org", "DMARC"),
        (f"{TRUSTED} 1; dmarc = fail", "DMARC"),
    ],
)
def test_a_header_forbids_it(line: str, why: str) -> None:
    assert why in read(a_mail("Hi", line), US).no_answer


@pytest.mark.parametrize(
    "line",
    [
        *(
            "X-Auto-Response-Suppress: DR, RN, NRN",
            "Return-Path: <kim@example.org>",
            f"{TRUSTED}; dmarc=pass (p=reject; dmarc=fail)",
        ),
        "Authentication-Results: mx.elsewhere.example; dmarc=fail",
        f"{TRUSTED}; dmarc=pass\r\nReceived: by mx.example.com\r\nReceived: by mx.other.example\r\n{TRUSTED}; dmarc=fail",
        f"{TRUSTED}; x=y",
    ],
)
def test_a_header_does_not_forbid_it(line: str) -> None:
    assert read(a_mail("Hi", line), US).no_answer == ""


def test_a_verdict_below_a_foreign_server_may_have_come_with_the_mail() -> None:
    lines = (
        "Received: from a.example by mx.example.com\r\n"
        f"Received: from b.example by mx.elsewhere.example\r\n{TRUSTED}; dmarc=fail"
    )
    assert read(a_mail("Hi", lines), US).no_answer == ""


@pytest.mark.parametrize(
    "address",
    [
        *(
            "no-reply@shop.example",
            "noreply@shop.example",
            "donotreply@shop.example",
            "do-not-reply@shop.example",
            "postmaster@shop.example",
        ),
        *(
            "MAILER-DAEMON@shop.example",
            "owner-news@shop.example",
            "news-request@shop.example",
            "bounces+kim=example.org@shop.example",
        ),
        *("info-noreply@shop.example", "notifications@shop.example", "keineantwort@shop.example"),
    ],
)
def test_nobody_reads_a_role_address(address: str) -> None:
    assert read(a_mail(sender=address), US).no_answer == f"nobody reads {address}"


@pytest.mark.parametrize(
    "address",
    [
        "rootbeer@example.org",
        "kim.owner@example.org",
        "norepl@example.org",
        "bouncer@example.org",
        "info@example.org",
    ],
)
def test_people_have_odd_addresses(address: str) -> None:
    assert read(a_mail(sender=address), US).no_answer == ""


def test_who_did_not_write_to_us_gets_no_answer() -> None:
    assert read(a_mail(to="everybody@example.org"), US).no_answer == "our address is not in To or Cc"
    assert read(a_mail("Hi", "Cc: Support <SUPPORT@example.com>", to="x@example.org"), US).no_answer == ""
    assert read(a_mail(to="everybody@example.org"), Identity()).no_answer == ""


def test_without_a_sender_there_is_nobody_to_answer() -> None:
    assert read(a_mail(sender="nobody in particular"), US).no_answer == "it names no sender"


def test_our_own_letters_get_no_answer() -> None:
    raw = a_mail(sender="support@example.com").replace(b"<q1@example.org>", OWN_ID.encode())
    assert "own" in read(raw, US).no_answer


def test_a_note_of_an_agent_may_be_answered() -> None:
    assert read(a_mail(sender="ana@example.com"), US).no_answer == ""
