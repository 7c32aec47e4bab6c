"""From a bare Debian to the first letter by the README's words, in a real systemd: each step with its time.

`debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates bookworm ROOT` makes a bare root (trixie likewise);
`python -m benchmarks.first_hour ROOT [PATH...]` types the commands of "Installing" there, as root, in an overlay over it that is thrown
away. Mailbox and mail server are those of the tests on this machine, which no bare system can find: `init` is told them, and
is asked the five things on a terminal. The paths are there read-only in the same place: where pip is told to look here.
"""

import os
import pty
import re
import resource
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import trustme

from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.machine import until
from tests.servers.smtp import Sink
from tests.servers.systemd_box import SystemdBox

TOP = Path(__file__).parents[1]
CHECKOUT = "/srv/followupd"
#: a terminal that says no more for so many seconds waits for an answer
_SILENCE = 1.0


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a step takes, and the processor time of what it started."""
    start, before = monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    yield
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{monotonic() - start:7.1f} s {used:7.1f} s of processor  {what}", flush=True)


def types(box: SystemdBox, command: str, answers: Sequence[str] = ()) -> str:
    """Type a command at a terminal in the box, answer what it asks, and return what it says.

    Raises:
        RuntimeError: it failed.
    """
    ours, theirs = pty.openpty()
    shell = f"cd {CHECKOUT}; {command}"
    enter = box.inside("env", "-i", *_environment(), "bash", "-lc", shell)
    left, said = list(answers), b""
    with timed(command), subprocess.Popen(enter, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        while process.poll() is None:
            if select.select([ours], [], [], _SILENCE)[0]:
                said += os.read(ours, 65536)
            elif left and re.search(rb"[:?] $", said):
                os.write(ours, left.pop(0).encode() + b"\n")
    text = said.decode(errors="replace")
    if process.returncode or left:
        raise RuntimeError(f"{command}: exit code {process.returncode}, {len(left)} answers left\n{text}")
    return text


def _environment() -> list[str]:
    """Return what a login shell has, and what pip needs here."""
    usual = {"HOME": "/root", "TERM": "dumb", "DEBIAN_FRONTEND": "noninteractive", "PATH": os.defpath}
    of_pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return [f"{name}={value}" for name, value in (usual | of_pip).items()]


def prepare(box: SystemdBox, server: Dovecot) -> None:
    """Put the checkout into a box, and trust the certificate of the mailbox."""
    place = box.root / CHECKOUT.lstrip("/")
    place.mkdir(parents=True)
    with subprocess.Popen(["git", "-C", str(TOP), "archive", "HEAD"], stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "-x", "-C", str(place)], stdin=archive.stdout, check=True)
    box.write("/etc/own-ca.pem", server.ca_file.read_text())
    for name in ("/etc/resolv.conf", "/etc/hosts"):  # a bare root has neither
        box.write(name, Path(name).read_text())
    box.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    box.write(str(certificates), certificates.read_text())


def main() -> int:
    """Type the README's commands in a bare root."""
    root = Path(sys.argv[1]).resolve()
    authority = trustme.CA()
    with Dovecot(authority) as server, Sink(authority) as smtp, SystemdBox(root, "4g") as box:
        mailbox = server.account()
        prepare(box, server)
        box.boot(*(f"{path}:{path}" for path in sys.argv[2:]))
        types(box, "apt-get -q update")
        begin = monotonic()
        types(box, "apt-get -q -y install make python3-venv")
        types(box, "make deb")
        types(box, "apt-get -q -y install ./dist/followupd_*.deb")
        servers = f"--imap tls://localhost:{mailbox.port} --smtp none://127.0.0.1:{smtp.port} --ca-file /etc/own-ca.pem"
        five = (mailbox.address, PASSWORD, "Acme Ltd", "Ana Reyes <ana@agents.test>", "+49 30 12345678")
        types(box, f"followupd init /etc/followupd {servers}", five)
        print(types(box, "followupd try you@customers.test"))
        until(lambda: smtp.messages, "the first letter")
        types(box, "systemctl enable --now followupd")
        print(f"{monotonic() - begin:.0f} s in all")
        print(types(box, "followupd status || journalctl --no-pager -u followupd"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
