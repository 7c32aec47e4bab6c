"""The Debian package under a real systemd: installed, set up, started, upgraded with its configuration kept, removed."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.service import HURRY, Service
from tests.servers.dovecot import Dovecot
from tests.servers.machine import NotInstalledError, program, skip, until
from tests.servers.manager import Manager
from tests.servers.smtp import Sink
from tests.servers.systemd_box import SystemdBox

TOP = Path(__file__).parents[2]
COMPLAINT = "My parcel has still not arrived after three weeks and nobody answers. This is unacceptable."
UNIT, PACKAGES = "followupd", "/srv/packages"
#: a busy machine may take longer than a unit allows
LIMITS = "[Service]\nTimeoutStartSec=600\nTimeoutStopSec=120\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package, and a newer one whose playbook and page have changed."""
    target = tmp_path_factory.mktemp("packages")
    environment = {**os.environ, "EXTRAS": ""}
    build = ["bash", str(TOP / "systemd/deb/build"), str(target)]
    done = subprocess.run(build, env=environment, capture_output=True, text=True, check=False)
    if "No matching distribution" in done.stderr or "deb: " in done.stderr:
        skip(f"what a package is built with ({done.stderr.strip()[-200:]})", demanded=True)
    assert done.returncode == 0, done.stderr
    [first] = target.glob("*.deb")

    stage = tmp_path_factory.mktemp("newer") / "stage"
    subprocess.run(["dpkg-deb", "-R", str(first), str(stage)], check=True)
    control = stage / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .+$", "Version: 9.0.0", control.read_text()))
    for name in ("etc/followupd/playbooks/default.toml", "etc/followupd/README.md"):
        with (stage / name).open("a") as file:
            file.write("# newer\n")
    newer = ["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(stage), str(target / "newer.deb")]
    subprocess.run(newer, check=True, capture_output=True)
    first.rename(target / "first.deb")
    return target


@pytest.fixture
def box() -> Iterator[SystemdBox]:
    try:
        program("dpkg-deb", "dpkg")
        with SystemdBox() as box:
            yield box
    except NotInstalledError as missing:
        skip(str(missing), demanded=False)


def dpkg(box: SystemdBox, *words: str) -> str:
    done = box.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--force-confold", *words, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def is_there(box: SystemdBox, path: str) -> bool:
    return box.run("test", "-e", path, check=False).returncode == 0


def set_up(box: SystemdBox, service: Service) -> None:
    """Answer the questions of `init`, with the servers and the certificate of the test."""
    answers = {
        "--address": service.postbox.address,
        "--password-file": "/etc/password",
        "--company": "Acme Ltd",
        "--agent": "Ana Reyes <ana@agents.test>",
        "--phone": "+49 30 12345678",
        "--imap": f"tls://{service.postbox.host}:{service.postbox.port}",
        "--smtp": f"none://127.0.0.1:{service.smtp.port}",
        "--ca-file": "/etc/own-ca.pem",
    }
    words = [word for pair in answers.items() for word in pair]
    done = box.run("followupd", "init", "/etc/followupd", *words, check=False)
    assert "the login works" in done.stdout, done.stdout + done.stderr
    box.run("sed", "-i", 's/^quiet = .*/quiet = ""/', "/etc/followupd/followupd.toml")
    box.run("sed", "-i", f"s/^{HURRY[0]}/{HURRY[1]}/", "/etc/followupd/playbooks/default.toml")


def test_a_package_is_installed_set_up_started_upgraded_and_removed(
    packages: Path, box: SystemdBox, tmp_path: Path, dovecot: Dovecot, smtp: Sink
) -> None:
    with Manager() as manager:
        service = Service.made(tmp_path / "etc", dovecot.account(), smtp, manager)
    for place in ("/etc/followupd", "/opt/followupd", "/var/lib/followupd", "/var/lib/private/followupd"):
        box.remove(place)
    box.write("/etc/password", service.postbox.password, 0o600)
    box.write("/etc/own-ca.pem", Path(service.postbox.ca_file).read_text())
    box.write("/etc/systemd/system/followupd.service.d/limits.conf", LIMITS)
    (box.root / PACKAGES.lstrip("/")).mkdir(parents=True)
    try:
        box.boot(f"{packages}:{PACKAGES}")
    except NotInstalledError as missing:  # some machines can mount a box, but not start systemd in it
        skip(str(missing), demanded=False)

    # a new package is there, and starts nothing
    assert "followupd init /etc/followupd" in dpkg(box, "-i", f"{PACKAGES}/first.deb")
    assert box.show(UNIT, "LoadState") == "loaded"
    assert box.show(UNIT, "ActiveState") == "inactive"
    for path in ("/usr/share/man/man1/followupd.1.gz", "/usr/share/bash-completion/completions/followupd"):
        assert is_there(box, path)

    # five answers later it runs
    set_up(box, service)
    box.systemctl("enable", "--now", UNIT, check=False)
    assert box.show(UNIT, "ActiveState") == "active", box.journal(UNIT)
    service.customer_writes(COMPLAINT)
    service.agent_tags("complaint")
    until(lambda: service.letters("confirmation"), "the confirmation")

    # an upgrade runs the new program with the old configuration; what nobody has changed is new
    before = box.run("cat", "/etc/followupd/followupd.toml", "/etc/followupd/playbooks/default.toml").stdout
    process = box.show(UNIT, "MainPID")
    dpkg(box, "-i", f"{PACKAGES}/newer.deb")
    until(lambda: box.show(UNIT, "ActiveState") == "active", "the daemon after the upgrade")
    assert box.show(UNIT, "MainPID") not in {"0", process}
    after = box.run("cat", "/etc/followupd/followupd.toml", "/etc/followupd/playbooks/default.toml").stdout
    assert after == before
    assert HURRY[1] in after
    assert "# newer" in box.run("cat", "/etc/followupd/README.md").stdout
    assert len(service.letters("confirmation")) == 1

    # removed, the service ends, and what belongs to the administrator stays, also after a purge
    dpkg(box, "-r", "followupd")
    assert box.show(UNIT, "ActiveState") == "inactive"
    assert not is_there(box, "/opt/followupd")
    assert not is_there(box, "/etc/systemd/system/multi-user.target.wants/followupd.service")
    assert "is kept, with the ledger" in dpkg(box, "--purge", "followupd")
    for path in ("/etc/followupd/followupd.toml", "/etc/followupd/credentials/ledger-key"):
        assert is_there(box, path)
    assert is_there(box, "/var/lib/followupd/ledger.db")
