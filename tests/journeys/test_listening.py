"""What the house makes of mail that is more than a customer's letter: a delay, a colleague's forward, far too much of it."""

import logging
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from followupd.app.cycle import Failures, MailReading, run_once
from followupd.cli.main import main
from followupd.domain.case import Stage
from tests.journeys.world import CUSTOMER, World
from tests.servers.dovecot import Dovecot

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
THINGS = ("lamp", "kettle", "parcel", "invoice", "jacket", "printer", "bicycle")


def test_a_notice_of_delay_changes_nothing(world: World) -> None:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    [letter] = world.letters("confirmation")
    before, desk = world.case(), len(world.letters("desk/nudge"))
    report = (
        f"From: MAILER-DAEMON@mx.customers.test\nTo: {world.postbox.address}\nSubject: Delayed Mail (still being retried)\n"
        "Message-ID: <delay@mx.customers.test>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nYour mail could not be delivered for more than 4 hours. It will be retried.\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; {CUSTOMER}\n"
        "Action: delayed\nStatus: 4.4.1\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {letter['Message-ID']}\n\n--b--\n"
    )
    world.postbox.deliver(report.replace("\n", "\r\n").encode(), sender="")
    world.passes()
    after = world.case()
    assert (after.stage, after.not_reached, after.wake_at) == (before.stage, "", before.wake_at)
    assert len(world.letters("desk/nudge")) == desk


def test_a_complaint_that_a_colleague_forwards_waits_for_an_agents_word_and_is_the_first_senders(
    world: World,
) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "ana@agents.test",
        world.postbox.address,
        "WG: My parcel",
    )
    mail["Message-ID"] = "<forward@agents.test>"
    mail.set_content(
        "Please see below.\n\n-----Ursprüngliche Nachricht-----\n"
        f"Von: Kim Doe <{CUSTOMER}>\nGesendet: Montag, 30. November 2020\nAn: sales\nBetreff: My parcel\n\n{COMPLAINT}\n"
    )
    world.postbox.deliver(mail.as_bytes(policy=SMTP), sender="ana@agents.test")
    world.passes(world.now + timedelta(minutes=30))
    assert (world.case().stage, world.case().customer.address) == (Stage.SUSPECTED, CUSTOMER)
    assert world.letters("confirmation") == []
    assert world.says(world.case().ref, "complaint") == []
    assert world.case().stage is not Stage.SUSPECTED


def complaints(world: World, first: int, last: int) -> None:
    for thing in THINGS[first:last]:
        text = f"My {thing} is broken for the second time and nobody answers me about my {thing}. This is unacceptable, I want my money back."
        world.customer_writes(text, subject=f"Broken {thing}", sender=f"{thing}@{thing}.test")
        world.agent_tags("complaint")


def test_too_many_letters_open_the_breaker_until_an_admin_closes_it(
    make_world: Callable[..., World],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    world = make_world(smtp_extra='breaker = "9 per hour"')
    caplog.set_level(logging.INFO, "followupd")
    complaints(world, 0, len(THINGS))
    world.passes(world.now + timedelta(minutes=30))
    sent = len(world.letters())
    keys = [str(mail["X-Followupd-Key"]) for mail in world.letters()]
    to_agents = [key for key in keys if "desk/" in key and ".breaker-" not in key]
    assert len(to_agents) <= 9
    assert len([key for key in keys if "desk/" not in key]) <= 9
    opened = [line for line in caplog.messages if line.startswith("breaker-open ")]
    assert 1 <= len(opened) <= 2, "once for each budget"
    world.passes(world.now + timedelta(minutes=30))
    assert len(world.letters()) == sent
    etc = str(tmp_path / "etc")
    main(["status", "--config", etc])
    assert "breaker" in capsys.readouterr().out
    assert main(["resume", "--config", etc]) == 0
    world.passes(world.now + timedelta(hours=2))
    assert len(world.letters("confirmation")) > 0
    assert len(world.letters()) > sent


def test_a_run_logs_in_once_whatever_the_number_of_its_cycles(world: World, dovecot: Dovecot) -> None:
    login = f"Login: user=<{world.postbox.username}>"
    world.customer_writes(COMPLAINT)
    world.postbox.mark(1, "complaint")
    before = dovecot.log().count(login)
    run_once(world.app)
    assert world.letters("desk/opened")
    assert dovecot.log().count(login) - before == 1


def test_a_connection_that_ends_between_two_cycles_is_opened_again(world: World, dovecot: Dovecot) -> None:
    failures: Failures = {}
    with MailReading(world.app) as mail:
        assert mail.read_all(world.now, failures) == 0
        dovecot.doveadm("kick", world.postbox.username)
        world.postbox.deliver(b"From: kim@customers.test\r\nSubject: My parcel\r\n\r\nWhere is it?\r\n")
        assert mail.read_all(world.now, failures) == 1
    assert failures == {}
