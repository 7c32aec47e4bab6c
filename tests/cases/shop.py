"""The shop in which field reports are replayed: it delivers their mails and shows what users would see."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import Any

import pytest

from followupd.cli.main import main
from tests.journeys.world import World, text_of
from tests.story.configured import MINIMAL, configured

HERE = Path(__file__).parent
#: the limits on letters and the copies of them are not what is reported
SMTP_EXTRA = 'per_address = "50 per day"\nwitness = "none"'


def case_folder(number: str) -> Path:
    """Return the folder of the report with this number."""
    [folder] = HERE.glob(f"{number}-*")
    return folder


def rows(number: str, name: str) -> list[list[str]]:
    """Return the lines of a report's table, each taken apart at its tabs."""
    return [line.split("\t") for line in (case_folder(number) / name).read_text("utf-8").splitlines()]


# --- what `followupd read` prints ---


def views(directory: Path, capsys: pytest.CaptureFixture[str], *files: Path) -> list[dict[str, Any]]:
    """Return what `followupd read` says of mails to support@shop.test."""
    configured(directory)
    (directory / "followupd.toml").write_text(MINIMAL.replace("@example.com", "@shop.test"))
    assert main(["read", "--json", *map(str, files), "--config", str(directory)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def reply(directory: Path, sentence: str) -> Path:
    """Write Ana's reply to a customer, of Tuesday 1 December 2020, with a sentence in it; return its file."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = (
        "Ana Reyes <support@shop.test>",
        "kim@customer.test",
        "Re: Order 4711",
    )
    mail["Date"], mail["Message-ID"] = "Tue, 01 Dec 2020 10:00:00 +0000", "<reply@shop.test>"
    mail.set_content(f"Dear Kim,\n\nthank you for your patience. {sentence}\n\nBest wishes\nAna Reyes\n")
    file = directory / "reply.eml"
    file.write_bytes(mail.as_bytes())
    return file


# --- what happens in a mailbox ---


class Shop:
    """A `World` with the playbook of the reports; it returns what commands and mails show to users."""

    def __init__(self, make_world: Callable[..., World], capsys: pytest.CaptureFixture[str]) -> None:
        self.world = make_world(smtp_extra=SMTP_EXTRA, playbook=(HERE / "playbook.toml").read_text("utf-8"))
        self._capsys = capsys

    def deliver_file(self, number: str, name: str, *, tagged: bool = False) -> EmailMessage:
        """Deliver a report's mail, with the addresses of this world; return it as delivered."""
        text = (case_folder(number) / f"{name}.eml").read_text("utf-8")
        text = text.replace("ana@shop.test", "ana@agents.test")
        text = text.replace("support@shop.test", self.world.postbox.address)
        domain = self.world.postbox.address.partition("@")[2]
        return self._deliver_raw(text.replace("@shop.test", f"@{domain}").encode(), tagged=tagged)

    def deliver(
        self,
        text: str,
        subject: str,
        sender: str,
        *,
        answering: EmailMessage | None = None,
        tagged: bool = False,
    ) -> EmailMessage:
        """Deliver a mail, in the thread of another where `answering` is given; return it."""
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"], mail["Subject"] = sender, self.world.postbox.address, subject
        self.world._sent += 1
        mail["Message-ID"] = f"<mail-{self.world._sent}-{self.world.postbox.username}@customer.test>"
        mail["Date"] = self.world.now
        if answering is not None:
            mail["In-Reply-To"] = mail["References"] = str(answering["Message-ID"])
        mail.set_content(text)
        return self._deliver_raw(mail.as_bytes(), tagged=tagged)

    def _deliver_raw(self, raw: bytes, *, tagged: bool) -> EmailMessage:
        self.world.postbox.deliver(raw)
        if tagged:
            self.world.postbox.mark(self.world.postbox.uids()[-1], "complaint")
        return message_from_bytes(raw, policy=default)

    def run(self, **time: float) -> None:
        """Run cycles until nothing is due any more, now or after the given time."""
        self.world.passes(self.world.now + timedelta(**time))

    def letters_to(self, *addresses: str) -> list[EmailMessage]:
        return [
            letter for letter in self.world.letters() if str(letter["To"].addresses[0].addr_spec) in addresses
        ]

    def staff_mails(self) -> Iterator[str]:
        """Yield the subject and words of every mail to our own people."""
        for mail in self.letters_to("ana@agents.test", "lee@agents.test"):
            yield f"{mail['Subject']}\n{text_of(mail)}"

    def json(self, *words: str) -> Any:
        """Return what a command prints with --json."""
        main([*words, "--json", "--config", str(self.world.directory)])
        return json.loads(self._capsys.readouterr().out)

    def customers(self) -> list[str]:
        """Return the address of the customer of each case."""
        return sorted(case["customer"]["address"] for case in self.json("cases"))

    def case(self) -> Any:
        """Return the only case there is, whole."""
        [case] = self.json("cases")
        return self.json("case", case["ref"])
