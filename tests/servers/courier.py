"""A private Courier-IMAP in mounts of its own: no CONDSTORE, no MOVE, no SPECIAL-USE, and every folder below INBOX."""

import contextlib
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from mailbox import Maildir
from pathlib import Path
from typing import Any, Self

import trustme
from imapclient import IMAPClient

from tests.servers.machine import (
    NotInstalledError,
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

PASSWORD = "courier-secret"
# Debian's courier-imap and dovecot-imapd exclude each other: the packages may also be unpacked below /opt
UNPACKED = Path("/opt/courier")


class TopLevelClient(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """An agent's mail client that shows `INBOX.Sent` as `Sent`, as most do."""

    def _normalise_folder(self, folder_name: Any) -> Any:
        name = folder_name.decode() if isinstance(folder_name, bytes) else str(folder_name)
        below = name.replace("/", ".")
        return super()._normalise_folder(below if below.startswith("INBOX") else f"INBOX.{below}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierPostbox(Postbox):
    """A Maildir, into which mails are delivered without LMTP, as maildrop does."""

    maildir: Path
    user: SystemUser
    prefix: str = "INBOX."

    @contextlib.contextmanager
    def client(self) -> Iterator[IMAPClient]:
        trust = ssl.create_default_context(cafile=self.ca_file)
        with TopLevelClient(self.host, self.port, ssl_context=trust, timeout=120) as client:
            client.login(self.username, self.password)
            yield client

    def deliver_all(self, mails: Iterable[tuple[bytes, str]]) -> None:
        folder = Maildir(self.maildir, create=False)
        for raw, sender in mails:
            received = f"Return-Path: <{sender}>\r\n".encode() + raw
            key = folder.add(received.replace(b"\r\n", b"\n"))
            self.user.own(self.maildir / "new" / key)
            if self.clock:  # the time of a file is the one at which its mail came
                os.utime(self.maildir / "new" / key, (self.clock().timestamp(),) * 2)


#: mount it as the script does, and see that it finds its libraries
TRIAL = """
[ -z "$1" ] || mount -t overlay -o "lowerdir=$1/usr:/usr" overlay /usr
! ldd /usr/bin/imapd /usr/sbin/couriertcpd /usr/bin/couriertls /usr/libexec/gam_server | grep "not found"
"""


class Courier:
    """Users are made on demand. It needs root, who mounts its files for it alone, and gamin: each SELECT takes a second else."""

    def __init__(self, authority: trustme.CA) -> None:
        self.unpacked = str(UNPACKED) if UNPACKED.is_dir() else ""
        self.authority, self.user = authority, SystemUser.unprivileged()
        self.alone = [program("unshare", "util-linux"), "--mount", "--pid", "--fork", "--kill-child"]
        trial = subprocess.run(
            [*self.alone, "sh", "-ec", TRIAL, "sh", self.unpacked], capture_output=True, check=False
        )
        if trial.returncode != 0:
            raise NotInstalledError("courier-imap with gamin, or the right to mount,")
        self.imap, self.imaps = free_ports(2)

    def __enter__(self) -> Self:
        self.directory = directory = new_directory("fu-co-")
        self.ca_file = write_certificate(self.authority, directory)
        for name in ("etc", "mail"):
            (directory / name).mkdir()
        key, certificate = directory / "server.key", directory / "server.pem"
        (directory / "courier.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()  # type: ignore[union-attr]  # both are pipes
        end(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self) -> None:
        ports = [str(self.imap), str(self.imaps), str(self.user.uid), str(self.user.gid)]
        script = str(Path(__file__).with_suffix(".sh"))
        with (self.directory / "output.log").open("wb") as output:
            self.process = subprocess.Popen(
                [*self.alone, "sh", script, self.unpacked, str(self.directory), *ports],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=self.directory,
                start_new_session=True,
            )
        until(lambda: self.process.poll() is not None or greets(self.imap, b"* OK"), "Courier's greeting")
        if self.process.poll() is not None:
            raise RuntimeError("Courier died: " + self.log())

    def log(self) -> str:
        return (self.directory / "output.log").read_text(errors="replace")

    def account(self, name: str = "support") -> CourierPostbox:
        """Give a test a mailbox that no other test has."""
        username = unique(name)
        asked, answers = self.process.stdin, self.process.stdout
        assert asked is not None
        assert answers is not None
        asked.write(f"{username}\n".encode())
        asked.flush()
        if answers.readline().decode().strip() != username:
            raise RuntimeError("Courier made no user: " + self.log())
        return CourierPostbox(
            host="localhost",
            port=self.imaps,
            starttls_port=self.imap,
            lmtp_port=0,
            ca_file=str(self.ca_file),
            username=username,
            password=PASSWORD,
            address=f"{username}@example.test",
            maildir=self.directory / "mail" / username / "Maildir",
            user=self.user,
        )
