"""The shipped unit under a real systemd: every restriction on, secrets as credentials, a complaint answered."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import followupd
from tests.journeys.service import Service
from tests.servers.dovecot import Dovecot
from tests.servers.machine import NotInstalledError, skip, until
from tests.servers.manager import Manager
from tests.servers.smtp import Sink
from tests.servers.systemd_box import SystemdBox

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
TOP = Path(followupd.__file__).parents[1]
CODE, LIBRARIES = "/opt/followupd/code", "/opt/followupd/lib"
#: what pip would have written, for a program and libraries that are mounted in the box
PROGRAM = f"""\
#!{Path(sys.executable).resolve()}
import sys
sys.path[:0] = ["{CODE}", "{LIBRARIES}"]
from followupd.__main__ import main
sys.exit(main())
"""
UNIT = "followupd"
#: what is asked of the process that reads mail, in a unit with the same restrictions: a budget too small, and a mail that
#: is understood
BUDGET = f"""\
#!{Path(sys.executable).resolve()}
import sys
sys.path[:0] = ["{CODE}", "{LIBRARIES}"]
from followupd.adapters.process import MailReader
from followupd.adapters.storage.database import adapter_of
from followupd.domain.mail import Identity, Message
from followupd.errors import UnreadableError
HEAD = b"From: a@b.test\\r\\nContent-Type: text/html\\r\\n\\r\\n"
for budget, body in ((0.05, b"<p>Kim wrote:<br>" * 90_000), (600.0, b"<p>My parcel")):
    reader = MailReader(adapter_of(Message).validate_json, budget=budget)
    try:
        print("understood", reader(HEAD + body, Identity(), in_sent=False, received_at=None).text)
    except UnreadableError as error:
        print("set aside:", error)
    print("by a child" if reader._child else "the child has ended")
    reader.close()
"""
LIMITS = "[Service]\nTimeoutStartSec=600\nTimeoutStopSec=120\n"


@pytest.fixture
def box() -> Iterator[SystemdBox]:
    if Path(sys.base_prefix).is_relative_to("/home") or Path(sys.base_prefix).is_relative_to("/root"):
        pytest.skip("skipped, because this Python lives in a home directory, which the service may not see")
    try:
        with SystemdBox() as box:
            yield box
    except NotInstalledError as missing:
        skip(str(missing), demanded=False)


def installed(service: Service, box: SystemdBox) -> None:
    """Install the service as docs/service.md describes, with time limits for a busy machine."""
    for place in ("/etc/followupd", "/opt/followupd", "/var/lib/followupd", "/var/lib/private/followupd"):
        box.remove(place)
    for path in service.directory.rglob("*"):
        if path.is_file():
            name = path.relative_to(service.directory).as_posix()
            box.write(f"/etc/followupd/{name}", path.read_text(), 0o600 if "credentials" in name else 0o644)
    text = (service.directory / "followupd.toml").read_text()
    text = text.replace(service.postbox.ca_file, "/etc/followupd/ca.pem")
    text = text.replace("sqlite:///ledger.db", "sqlite:////var/lib/followupd/ledger.db")
    box.write("/etc/followupd/followupd.toml", text)
    box.write("/etc/followupd/ca.pem", Path(service.postbox.ca_file).read_text())
    box.write("/etc/followupd/credentials/imap", service.postbox.password, 0o600)
    box.write("/etc/followupd/credentials/smtp", "not asked for", 0o600)
    box.write("/opt/followupd/bin/followupd", PROGRAM, 0o755)
    box.write("/etc/systemd/system/followupd.service", (TOP / "systemd/followupd.service").read_text())
    box.write("/etc/systemd/system/followupd.service.d/limits.conf", LIMITS)
    box.write("/opt/followupd/bin/budget", BUDGET, 0o755)
    box.write("/etc/systemd/system/budget.service", unit_with("budget"))
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    for place in (CODE, LIBRARIES):
        (box.root / place.lstrip("/")).mkdir()
    box.boot(f"{TOP}:{CODE}", f"{libraries}:{LIBRARIES}")


def unit_with(program: str) -> str:
    """Return the shipped unit with another program that runs once."""
    text = (TOP / "systemd/followupd.service").read_text()
    command = "ExecStart=/opt/followupd/bin/followupd run --config /etc/followupd"
    assert command in text
    text = text.replace(command, f"ExecStart=/opt/followupd/bin/{program}")
    return text.replace("Type=notify", "Type=oneshot").replace("Restart=on-failure", "Restart=no")


def test_the_service_lives_under_all_its_restrictions(
    box: SystemdBox, tmp_path: Path, dovecot: Dovecot, smtp: Sink
) -> None:
    with Manager() as manager:
        service = Service.made(tmp_path / "etc", dovecot.account("support"), smtp, manager)
    try:
        installed(service, box)
    except NotInstalledError as missing:  # some machines can mount a box, but not start systemd in it
        skip(str(missing), demanded=False)
    box.systemctl("start", UNIT, check=False)
    assert box.show(UNIT, "ActiveState") == "active", box.journal(UNIT)
    until(lambda: box.show(UNIT, "StatusText") == "listening to 1 mailbox(es)", "the status text")

    service.customer_writes(COMPLAINT)
    service.agent_tags("complaint")
    until(lambda: service.letters("confirmation"), "the confirmation")
    assert "unexpected-error" not in box.journal(
        UNIT
    )  # so says a daemon that cannot start the process that reads mail
    assert "-m followupd.adapters.process" in box.run("ps", "-eo", "args").stdout
    assert box.run("stat", "-L", "-c", "%a", "/var/lib/followupd").stdout.strip() == "700"

    box.systemctl("reload", UNIT)
    until(lambda: "configuration-reloaded" in box.journal(UNIT), "the reload")
    assert box.show(UNIT, "ActiveState") == "active"

    box.systemctl("kill", "--signal=KILL", UNIT, check=False)  # the child may end before it is killed, too
    until(lambda: box.show(UNIT, "NRestarts") == "1", "the restart")
    until(lambda: box.show(UNIT, "SubState") == "running", "readiness after the restart")

    box.systemctl("stop", UNIT)
    assert box.show(UNIT, "Result") == "success"
    box.systemctl("start", "budget", check=False)
    said = box.journal("budget").splitlines()
    assert [line.split(":")[0] for line in said if line.startswith(("set aside", "understood"))] == [
        "set aside",
        "understood My parcel",
    ], said
    assert "by a child" in said
    assert len(service.letters("confirmation")) == 1

    box.write("/etc/followupd/followupd.toml", "[company]\n")
    box.systemctl("start", UNIT, check=False)
    assert (box.show(UNIT, "ExecMainStatus"), box.show(UNIT, "ActiveState")) == ("78", "failed")
    assert "Traceback" not in box.journal(UNIT)
