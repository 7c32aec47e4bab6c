"""The line to a real IMAP server is pulled in fetch, IDLE, STORE and MOVE: no mail is lost, none is heard twice, none is marked wrong."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.service import Service, ends
from tests.servers.dovecot import Dovecot
from tests.servers.machine import LIMIT, until
from tests.servers.manager import Manager
from tests.servers.plug import Plug
from tests.servers.smtp import Sink

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)


@pytest.fixture
def plug(dovecot: Dovecot) -> Iterator[Plug]:
    with Plug(dovecot.imap) as plug:
        yield plug


@pytest.fixture
def service(tmp_path: Path, dovecot: Dovecot, plug: Plug, smtp: Sink) -> Iterator[Service]:
    """A daemon that reaches its mailbox through the plug, in clear text, so that the plug hears the commands."""
    with Manager() as manager:
        service = Service.made(tmp_path / "etc", dovecot.account("support"), smtp, manager)
        file = service.directory / "followupd.toml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("ca_file")]
        box = "\n".join(lines).replace(f"port = {service.postbox.port}", f"port = {plug.port}")
        box = box.replace('host = "localhost"', 'host = "127.0.0.1"').replace(
            'security = "tls"', 'security = "none"'
        )
        file.write_text(box)
        yield service


CUTS = [
    (b"BODY.PEEK[]", False),
    (b"BODY.PEEK[]", True),
    (b"IDLE\r\n", True),
    (b" STORE ", False),
    (b" STORE ", True),
    (b"UID MOVE", True),
]
MORE = [(b"IDLE\r\n", False), (b"UID MOVE", False), (b"UID FETCH", False), (b"UID FETCH", True)]


@pytest.mark.parametrize(("word", "heard"), CUTS + (MORE if "FOLLOWUPD_TORTURE" in os.environ else []))
def test_a_line_that_is_pulled_costs_no_mail_and_doubles_none(
    service: Service, plug: Plug, word: bytes, heard: bool
) -> None:
    with service.ready() as process:
        cut = plug.cut(word, heard=heard, times=2)
        service.customer_writes(COMPLAINT)
        service.agent_tags("complaint")
        until(lambda: service.letters("confirmation"), "the confirmation")
        service.copies_arrive()
        until(lambda: filed(service), "the copy in Sent")
        until(lambda: service.postbox.flags(1) >= {"complaint", "fu-confirmed"}, "the marks")
        assert ends(process, signal.SIGTERM, LIMIT) == 0
    assert len(service.letters("confirmation")) == 1
    [case] = service.ask("cases")
    assert case["stage"] == "confirmed"
    assert filed(service) == 1
    assert cut.done  # the line was pulled indeed
    assert "Traceback" not in service.journal()


def filed(service: Service) -> int:
    """Count our copies in Sent."""
    return len([raw for raw in service.postbox.all_raw("Sent") if b"X-Followupd-Key" in raw])
