"""Letters are changed while the daemon runs: wrong ones are refused in whole, and the admin reads why in the log."""

import email
import email.policy
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from followupd import clock
from followupd.adapters.overlay import customise
from tests.journeys.service import Service
from tests.journeys.test_service import COMPLAINT
from tests.journeys.world import text_of
from tests.servers.dovecot import Dovecot
from tests.servers.machine import until
from tests.servers.manager import Manager
from tests.servers.smtp import Sink


@pytest.fixture
def service(tmp_path: Path, dovecot: Dovecot, smtp: Sink) -> Iterator[Service]:
    with Manager() as manager:
        yield Service.made(tmp_path / "etc", dovecot.account("support"), smtp, manager)


def words(service: Service) -> str:
    [letter] = service.letters("confirmation")
    return " ".join(str(letter).split())


def test_wrong_letters_are_refused_in_whole_and_the_old_ones_still_leave(service: Service) -> None:
    letter, greeting = customise(
        service.directory, ["templates/en/confirmation.md", "templates/en/_greeting.md"]
    )
    with service.ready() as process:
        letter.write_text(
            letter.read_text().replace("Thank you for telling us.", "We guarantee that we look into it.")
        )
        greeting.write_text(greeting.read_text().replace("Dear", "Hi"))
        process.send_signal(signal.SIGHUP)
        service.waits_for("configuration-rejected")
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        until(lambda: service.letters("confirmation"), "the confirmation")
        until(lambda: told(service), "the mail about the refused letters")
        process.send_signal(signal.SIGHUP)
        until(lambda: service.journal().count("configuration-rejected") > 1, "the second refusal")
    assert "[W07]" in service.journal()
    [mail] = told(service)
    assert "templates/en/confirmation.md" in mail
    assert "W07" in mail
    assert "Thank you for telling us." in words(service)
    assert "Dear Kim" in words(service) or "Hello," in words(service)


@pytest.mark.parametrize("damage", [b"Gr\xfc\xdfe\n", b"\0\n"], ids=["Latin-1", "NUL"])
def test_a_letter_that_cannot_be_read_is_refused_at_a_reload_and_status_says_so(
    service: Service, damage: bytes
) -> None:
    letter = customise(service.directory, ["templates/en/follow-up.md"])[0]
    with service.ready() as process:
        good = letter.read_bytes()
        letter.write_bytes(good + damage)
        process.send_signal(signal.SIGHUP)
        service.waits_for("configuration-rejected")
        until(lambda: "follow-up.md" in service.ask("status")["configuration"], "a status that names it")
        assert not service.ask("status")["ok"]

        letter.write_bytes(good)
        process.send_signal(signal.SIGHUP)
        until(lambda: service.ask("status")["ok"], "a status that is well again")
        assert process.poll() is None


def told(service: Service) -> list[str]:
    """Return the mails that say that new letters were not taken in."""
    raw = [mail.as_bytes() for mail in service.letters() if "desk/digest." in str(mail["X-Followupd-Key"])]
    mails = [
        " ".join(text_of(email.message_from_bytes(each, policy=email.policy.default)).split()) for each in raw
    ]
    return [mail for mail in mails if "were not taken in" in mail]


def test_good_letters_are_taken(service: Service) -> None:
    [letter] = customise(service.directory, ["templates/en/confirmation.md"])
    with service.ready() as process:
        letter.write_text(
            letter.read_text().replace("Thank you for telling us.", "Thank you for writing to us.")
        )
        process.send_signal(signal.SIGHUP)
        service.waits_for("configuration-reloaded")
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        until(lambda: service.letters("confirmation"), "the confirmation")
    assert "Thank you for writing to us." in words(service)


def test_a_letter_of_quiet_hours_leaves_when_a_reload_has_changed_them(service: Service) -> None:
    path, now = service.directory / "followupd.toml", clock.now().astimezone(ZoneInfo("Europe/London"))
    awake = path.read_text()
    night = f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=8):%H:%M}"
    path.write_text(awake.replace('quiet = ""', f'quiet = "{night}"'))
    with service.ready() as process:
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        service.waits_for(r"confirmation\.1 .*quiet hours")
        assert service.letters("confirmation") == []
        path.write_text(awake)
        process.send_signal(signal.SIGHUP)
        until(lambda: service.letters("confirmation"), "the confirmation")
