"""A private Dovecot in a temporary directory: no root, no system service touched, up in a tenth of a second."""

import os
import shutil
import subprocess
from pathlib import Path
from string import Template
from typing import Self

import trustme

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

PASSWORD = "dovecot-secret"
DEGRADED = "imap_capability = IMAP4rev1 NAMESPACE LITERAL+"


class Dovecot:
    """Any user name may log in; `degraded` takes IDLE, CONDSTORE, MOVE, UIDPLUS and SPECIAL-USE away.

    Without `keywords` nobody may set flags of their own, and PERMANENTFLAGS has no "\\*", as at Microsoft 365.
    """

    def __init__(
        self,
        authority: trustme.CA,
        *,
        degraded: bool = False,
        keywords: bool = True,
        storage: str = "mdbox",
    ) -> None:
        self.program, self.doveadm_program = (
            program("dovecot", "dovecot-imapd"),
            program("doveadm", "dovecot-core"),
        )
        self.lmtp_program = program("lmtp", "dovecot-lmtpd", "/usr/lib/dovecot", "/usr/libexec/dovecot")
        self.authority, self.degraded, self.storage = authority, degraded, storage
        self.keywords = keywords
        self.user = SystemUser.unprivileged()
        self.imap, self.imaps, self.lmtp, self.sasl = free_ports(4)

    def __enter__(self) -> Self:
        self.directory = new_directory("fu-dc-")
        self.ca_file = write_certificate(self.authority, self.directory)
        for name in ("home", "state", "run"):
            (self.directory / name).mkdir()
        self.configuration = self.directory / "dovecot.conf"
        self.configuration.write_text(self._configuration())
        self.user.own(self.directory)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _configuration(self) -> str:
        version = subprocess.run(
            [self.program, "--version"], check=True, capture_output=True, text=True
        ).stdout
        language = "2.3" if version.startswith("2.3") else "2.4"
        if language == "2.4" and not self.keywords:
            raise NotInstalledError("a Dovecot 2.3, whose ACL takes keywords away,")
        template = Template((Path(__file__).parent / f"dovecot-{language}.conf").read_text())
        return template.substitute(
            dir=self.directory,
            user=self.user.name,
            group=self.user.group,
            password=PASSWORD,
            imap=self.imap,
            imaps=self.imaps,
            lmtp=self.lmtp,
            sasl=self.sasl,
            format=self.storage,
            capability=DEGRADED if self.degraded else "",
            rights="" if self.keywords else self._without_keywords(),
        )

    def _without_keywords(self) -> str:
        """Return the configuration that takes the right `w` away from everybody: flags other than Seen and Deleted."""
        (self.directory / "acl").write_text("* owner lrstipekxa\n")
        return f"mail_plugins = $mail_plugins acl\nplugin {{\n  acl = vfile:{self.directory}/acl\n}}\n"

    def start(self) -> None:
        """Start on the same ports and the same mails; also after `stop`, for tests of a server's restart."""
        command = self.user.command(self.program, "-F", "-c", str(self.configuration), dies_with_us=True)
        environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "HOME": str(self.directory)}
        with (self.directory / "output.log").open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                start_new_session=True,
                env=environment,
            )
        until(lambda: self.process.poll() is not None or greets(self.imap, b"* OK"), "Dovecot's greeting")
        if self.process.poll() is not None:
            raise RuntimeError("Dovecot died: " + self.log())

    def stop(self) -> None:
        end(self.process)

    def log(self) -> str:
        logs = (self.directory / "output.log", self.directory / "dovecot.log")
        return "".join(path.read_text(errors="replace") for path in logs if path.exists())

    def account(self, name: str = "support") -> Postbox:
        """Give a test a mailbox that no other test has."""
        username = unique(name)
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

    def doveadm(self, *arguments: str) -> str:
        """Do what the server's own admin can: kick a connection, change a UIDVALIDITY."""
        command = self.user.command(self.doveadm_program, "-c", str(self.configuration), *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.directory).stdout
