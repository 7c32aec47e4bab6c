"""`followupd run` as a process of its own, over real servers, under a service manager of the test's own."""

import email
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

from followupd.adapters.overlay import write_starter
from tests.journeys.world import CUSTOMER, configuration
from tests.servers.forking import Request
from tests.servers.forks import Process, forks
from tests.servers.machine import LIMIT, until
from tests.servers.manager import Manager
from tests.servers.postbox import Postbox
from tests.servers.smtp import Sink
from tests.typed import typed

#: the shipped playbook waits ten minutes for a second mail; a test does not
HURRY = ('after = "10 minutes"', 'after = "2 seconds"')
#: a process meets the real time, and a test may run at night
AWAKE = ('holidays = ""', 'holidays = ""\nquiet = ""')


@dataclass
class Service:
    """The daemon of one mailbox: its configuration, and the processes that a test starts and ends."""

    directory: Path
    postbox: Postbox
    smtp: Sink
    manager: Manager

    @classmethod
    def made(cls, directory: Path, postbox: Postbox, smtp: Sink, manager: Manager) -> "Service":
        write_starter(directory)
        text = configuration(postbox, smtp)
        text = text.replace('"env:FOLLOWUPD_TEST_PASSWORD"', '"credential:imap"').replace(*AWAKE)
        (directory / "followupd.toml").write_text(text)
        playbook = directory / "playbooks" / "default.toml"
        playbook.write_text(playbook.read_text().replace(*HURRY))
        return cls(directory, postbox, smtp, manager)

    @property
    def _command(self) -> list[str]:
        return [sys.executable, "-m", "followupd"]

    @property
    def _environment(self) -> dict[str, str]:
        return self.manager.environment({"imap": self.postbox.password})

    def request(self, *words: str, largest_file: int = 0) -> Request:
        """Return what a process gets that runs a command with this configuration."""
        asked = [*words, "--config", str(self.directory)]
        return Request(asked, self._environment, largest_file=largest_file)

    def start(self) -> Process:
        """Start the daemon."""
        with (self.directory / "journal").open("ab") as journal:
            return forks().start(self.request("run"), journal, journal)

    @contextmanager
    def running(self) -> Iterator[Process]:
        """Start the daemon; whatever the test leaves of it is killed."""
        process = self.start()
        try:
            yield process
        finally:
            process.kill()
            process.wait(LIMIT)

    @contextmanager
    def ready(self) -> Iterator[Process]:
        """Start the daemon and wait until it is ready."""
        with self.running() as process:
            try:
                self.manager.wait("READY=1")
            except TimeoutError as error:
                raise TimeoutError(f"not ready: {self.journal()}") from error
            yield process

    def ask(self, *words: str, later: str = "") -> Any:
        """Return what a command prints as JSON; `later` ("+11m") lets it believe that so much time has passed."""
        asked = [*words, "--json", "--config", str(self.directory)]
        if later:
            command = ["faketime", "-f", later, *self._command, *asked]
            done = subprocess.run(command, env=self._environment, capture_output=True, check=False)
        else:
            done = typed(*asked, environment=self._environment)
        assert done.stdout, done.stderr.decode()
        return json.loads(done.stdout)

    def asks(self, *words: str) -> None:
        """Type a command in a process of its own, which holds no connection to the ledger later."""
        forks().run(self.request(*words)).check_returncode()

    def once(self, exit_code: int = 0) -> int:
        """Run the daemon once over everything, as a cron job would; return how many letters have left by then.

        Raises:
            subprocess.CalledProcessError: it ended with another exit code.
        """
        done = forks().run(self.request("run", "--once"))
        if done.returncode != exit_code:
            raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
        return len(self.letters())

    # --- what people do, and what comes of it ---

    def customer_writes(self, text: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = (
            f"Kim Doe <{CUSTOMER}>",
            self.postbox.address,
            "My parcel",
        )
        mail["Message-ID"] = f"<one-{self.postbox.username}@customers.test>"
        mail.set_content(text)
        self.postbox.deliver(mail.as_bytes(policy=email.policy.SMTP), sender=CUSTOMER)

    def agent_tags(self, tag: str) -> None:
        until(self.postbox.uids, "a mail in the mailbox")
        self.postbox.mark(self.postbox.uids()[0], tag)

    def copies_arrive(self) -> None:
        """The server files the blind copies of our letters in the mailbox, as a real one does."""
        for letter in self.letters():
            self.postbox.deliver(letter.as_bytes(policy=email.policy.SMTP), sender=self.postbox.address)

    def letters(self, kind: str = "") -> list[Message]:
        """Return the letters that the server has taken; `kind` is part of a letter's key."""
        found = [email.message_from_bytes(_raw(each.content)) for each in list(self.smtp.messages)]
        return [mail for mail in found if f".{kind}" in str(mail["X-Followupd-Key"])]

    def letters_about(self, words: str) -> list[Message]:
        """Return the letters and mails to agents that have these words in their text."""
        wanted = " ".join(words.split())
        texts = [(mail, mail.get_payload(0) if mail.is_multipart() else mail) for mail in self.letters()]
        return [mail for mail, part in texts if wanted in " ".join(_text(part).split())]

    def journal(self) -> str:
        """Return all that daemons have said so far; nothing before the first of them."""
        journal = self.directory / "journal"
        return journal.read_text() if journal.exists() else ""

    def waits_for(self, pattern: str, seconds: float = LIMIT) -> None:
        """Wait until the log has a line that matches a regular expression."""
        until(lambda: re.search(pattern, self.journal()), f"{pattern!r} in the log", seconds)


def ends(process: Process, number: signal.Signals, seconds: float) -> int:
    """Send a signal and return the exit code.

    Raises:
        subprocess.TimeoutExpired: the daemon did not end in time.
    """
    process.send_signal(number)
    return process.wait(seconds)


def _text(part: Any) -> str:
    """Return the text of a part."""
    return bytes(part.get_payload(decode=True) or b"").decode()


def _raw(content: bytes | str | None) -> bytes:
    return content.encode() if isinstance(content, str) else content or b""
