"""A private Postfix that delivers into the test Dovecot: real queueing, real 4xx and 5xx, real bounces; root only."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from string import Template
from typing import Self

import trustme

from tests.servers.dovecot import Dovecot
from tests.servers.machine import (
    NotInstalledError,
    free_ports,
    greets,
    new_directory,
    program,
    until,
    write_certificate,
)

DAEMONS = ("/usr/lib/postfix/sbin", "/usr/libexec/postfix")
TABLES = ("postfix-files", "dynamicmaps.cf")
PREFIX = "fu-pf-"


class Postfix:
    """`smtp` takes mail as from the world, `submission` demands STARTTLS and AUTH (Dovecot's users).

    Local domains: example.test and customers.test; gone@customers.test is refused (550), @later.test is put off (450),
    @slow.test stays in the queue; every other domain is refused, so nothing leaves this machine.
    """

    def __init__(self, authority: trustme.CA, dovecot: Dovecot) -> None:
        self.postfix = program("postfix", "postfix")
        self.daemons = next((place for place in DAEMONS if (Path(place) / "smtpd").exists()), "")
        if os.getuid() or not self.daemons:
            raise NotInstalledError("postfix (with root, which its master insists on)")
        self.authority, self.dovecot = authority, dovecot
        self.smtp, self.submission = free_ports(2)

    def __enter__(self) -> Self:
        sweep(self.postfix)
        self.directory = new_directory(PREFIX)
        (self.directory / "owner").write_text(str(os.getpid()))
        self.ca_file = write_certificate(self.authority, self.directory, "mx.example.test")
        self.configuration = self.directory / "conf"
        for name in ("conf", "queue", "data"):
            (self.directory / name).mkdir()
        shutil.chown(self.directory / "data", "postfix", "postfix")
        self._configure()
        self._run("start")
        until(lambda: greets(self.smtp, b"220"), "Postfix's greeting")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("abort")  # "stop" waits for the queue's work, two seconds
        shutil.rmtree(self.directory, ignore_errors=True)

    def _configure(self) -> None:
        values = {
            "dir": self.directory,
            "commands": Path(self.postfix).parent,
            "daemons": self.daemons,
            "lmtp": self.dovecot.lmtp,
            "sasl": self.dovecot.sasl,
            "smtp": self.smtp,
            "submission": self.submission,
        }
        for name in ("main.cf", "master.cf"):
            template = Template((Path(__file__).parent / f"postfix-{name}").read_text())
            (self.configuration / name).write_text(template.substitute(values))
        for name in TABLES:
            places = (Path("/etc/postfix") / name, Path("/usr/share/postfix") / name)
            (self.configuration / name).symlink_to(next(place for place in places if place.exists()))

    def _run(self, command: str) -> None:
        arguments = [self.postfix, "-c", str(self.configuration), command]
        subprocess.run(arguments, check=True, capture_output=True)

    def flush(self) -> None:
        self._run("flush")

    def log(self) -> str:
        log = self.directory / "maillog"
        return log.read_text(errors="replace") if log.exists() else ""


def sweep(postfix: str) -> None:
    """Stop what a killed test run left: Postfix's master drops the signal that follows its parent's death."""
    for owner in Path(tempfile.gettempdir()).glob(PREFIX + "*/owner"):
        if not Path("/proc", owner.read_text()).exists():
            subprocess.run(
                [postfix, "-c", str(owner.parent / "conf"), "stop"], check=False, capture_output=True
            )
            shutil.rmtree(owner.parent, ignore_errors=True)
