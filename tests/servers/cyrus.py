"""A private Cyrus imapd in a temporary directory: the second opinion on what IMAP promises."""

import os
import shutil
import subprocess
from pathlib import Path
from string import Template
from typing import Self

import trustme

from tests.servers.machine import (
    SystemUser,
    end,
    free_ports,
    greets,
    new_directory,
    program,
    until,
    write_certificate,
)
from tests.servers.postbox import Postbox, unique

PASSWORD = "cyrus-secret"
# Debian's cyrus-imapd and dovecot-imapd exclude each other: the package may also be unpacked below /opt
PLACES = ("/usr/lib/cyrus/bin", "/opt/cyrus-imapd/usr/lib/cyrus/bin", "/usr/libexec/cyrus-imapd")


class Cyrus:
    """Users are made on demand. `alternative` is Cyrus' altnamespace: False puts every folder below INBOX/."""

    def __init__(self, authority: trustme.CA, *, alternative: bool = True) -> None:
        names = {"imapd": "imapd", "idled": "idled", "lmtpd": "lmtpd", "ctl": "ctl_cyrusdb"}
        self.programs = {key: program(name, "cyrus-imapd", *PLACES) for key, name in names.items()}
        self.master = program("cyrmaster", "cyrus-imapd", *PLACES)
        self.saslpasswd = program("saslpasswd2", "sasl2-bin")
        self.authority, self.alternative = authority, alternative
        self.user = SystemUser.unprivileged("cyrus")
        self.imap, self.imaps, self.lmtp = free_ports(3)

    def __enter__(self) -> Self:
        self.directory = directory = new_directory("fu-cy-")
        self.ca_file = write_certificate(self.authority, directory)
        for name in ("conf", "conf/socket", "spool", "run", "sieve", "proc", "lock"):
            (directory / name).mkdir()
        self._write("cyrus-imapd.conf", "imapd.conf")
        self._write("cyrus.conf", "cyrus.conf")
        self._add_user("first")  # makes the password file, which must belong to the server
        self.user.own(directory)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write(self, template: str, name: str) -> None:
        text = Template((Path(__file__).parent / template).read_text()).substitute(
            self.programs,
            dir=self.directory,
            user=self.user.name,
            group=self.user.group,
            imap=self.imap,
            imaps=self.imaps,
            lmtp=self.lmtp,
            alternative="yes" if self.alternative else "no",
        )
        (self.directory / name).write_text(text)

    def _add_user(self, username: str) -> None:
        database = str(self.directory / "sasldb2")
        command = [self.saslpasswd, "-c", "-p", "-f", database, "-u", "localhost", username]
        subprocess.run(command, input=PASSWORD.encode(), check=True, capture_output=True)

    def start(self) -> None:
        configuration = ["-C", str(self.directory / "imapd.conf"), "-M", str(self.directory / "cyrus.conf")]
        files = ["-p", str(self.directory / "master.pid"), "-L", str(self.directory / "master.log")]
        command = self.user.command(self.master, *configuration, *files, "-D", dies_with_us=True)
        with (self.directory / "output.log").open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                start_new_session=True,
                env=dict(os.environ),
            )
        until(lambda: self.process.poll() is not None or self._is_up(), "Cyrus' greeting")
        if self.process.poll() is not None:
            raise RuntimeError("Cyrus died: " + self.log())

    def _is_up(self) -> bool:
        return greets(self.imap, b"* OK") and (self.directory / "run/idle").exists()

    def stop(self) -> None:
        end(self.process)

    def log(self) -> str:
        logs = (self.directory / "output.log", self.directory / "master.log")
        return "".join(path.read_text(errors="replace") for path in logs if path.exists())

    def account(self, name: str = "support") -> Postbox:
        """Give a test a mailbox that no other test has; Cyrus makes its folders at the first login."""
        username = unique(name)
        self._add_user(username)
        return Postbox(
            host="localhost",
            port=self.imaps,
            starttls_port=self.imap,
            lmtp_port=self.lmtp,
            ca_file=str(self.ca_file),
            username=username,
            password=PASSWORD,
            address=f"{username}@example.test",
        )
