"""A small world for whole lives: a real mailbox, a real SMTP server, a customer, an agent, and days that pass."""

import email
import email.policy
import email.utils
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from followupd.adapters.overlay import write_starter
from followupd.adapters.settings import load
from followupd.app.container import App, build
from followupd.app.cycle import MailReading, run_cycle
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.events import Event
from followupd.errors import UnavailableError
from tests.servers.postbox import Postbox
from tests.servers.smtp import Sink

#: what an agent says of a matter that was put right, for its follow-up
PUT_RIGHT_FACTS = (
    "cause: our label printer failed",
    "resolution: a new parcel went out by express",
    "prevention: we check every label now",
    "fault: ours",
)
CUSTOMER = "kim@customers.test"
#: a Tuesday, ten in the morning in London; long past, as no server dates a mail later than its own clock
START = datetime(2020, 12, 1, 10, tzinfo=UTC)

CONFIGURATION = """
[company]
name = "Acme Ltd"
timezone = "Europe/London"
currency = "{currency}"
locale = "en_GB"

[[mailbox]]
name = "support"
address = "{address}"
host = "{host}"
port = {port}
security = "tls"
ca_file = "{ca_file}"
username = "{username}"
password = "env:FOLLOWUPD_TEST_PASSWORD"
{mailbox}

[smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
{smtp_extra}

[ledger]
url = "{ledger}"
key = "credential:ledger-key"

[hours]
holidays = ""

[[agent]]
id = "ana"
name = "Ana Reyes"
email = "ana@agents.test"
phone = "+44 20 7123 4018"
limit = "50.00"

[[agent]]
id = "lee"
name = "Lee Park"
email = "lee@agents.test"
phone = "+44 20 7123 4019"
role = "lead"
limit = "500.00"
"""


def configuration(
    postbox: Postbox,
    smtp: Sink,
    *,
    ledger: str = "sqlite:///ledger.db",
    smtp_extra: str = "",
    mailbox: str = "",
    currency: str = "EUR",
) -> str:
    """Return a followupd.toml for a mailbox and an SMTP server."""
    return CONFIGURATION.format(
        address=postbox.address,
        host=postbox.host,
        port=postbox.port,
        ca_file=postbox.ca_file,
        username=postbox.username,
        smtp=smtp.port,
        ledger=ledger,
        smtp_extra=smtp_extra,
        mailbox=mailbox,
        currency=currency,
    )


@dataclass
class World:
    """What a journey acts in. `now` moves by the journey's own word; nothing here waits for real time or depends on it."""

    directory: Path
    postbox: Postbox
    smtp: Sink
    app: App
    now: datetime = START
    _copied: int = 0
    _sent: int = 0
    #: the letters that were looked at so far, with their keys
    _parsed: list[tuple[str, EmailMessage]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    #: False while the blind copies of our letters are lost on their way
    copies_come: bool = True

    @classmethod
    def made(
        cls,
        directory: Path,
        postbox: Postbox,
        smtp: Sink,
        *,
        ledger: str = "sqlite:///ledger.db",
        smtp_extra: str = "",
        mailbox: str = "",
        currency: str = "EUR",
        playbook: str = "",
        more: str = "",
    ) -> "World":
        write_starter(directory)
        (directory / "followupd.toml").write_text(
            configuration(
                postbox, smtp, ledger=ledger, smtp_extra=smtp_extra, mailbox=mailbox, currency=currency
            )
            + more
        )
        if playbook:
            (directory / "playbooks" / "default.toml").write_text(playbook)
        app = build(load(directory))
        app.ledger.upgrade()
        world = cls(directory, postbox, smtp, app)
        world.postbox = replace(postbox, clock=lambda: world.now)
        world.passes()
        return world

    def rebuilt(self) -> "World":
        """Read the configuration again, as a restart does."""
        self.app.ledger.close()
        self.app = build(load(self.directory))
        return self.passes()

    def passes(self, until: datetime | None = None) -> "World":
        """Let the time come to `until` and do everything that is due, until nothing more happens.

        Where a matter was put right, the house is at work whenever a case wakes: a follow-up is shown to its owner first.
        """
        end = until or self.now
        while (wakes := self._wakes_at()) and self.now < wakes < end:
            self._comes_to_rest(wakes)
        return self._comes_to_rest(end)

    def _wakes_at(self) -> datetime | None:
        """Return when the first case that was put right has something to do, None for none."""
        times = (case.wake_at for case in self.cases() if case.stage is Stage.FIXED)
        return min((at for at in times if at is not None), default=None)

    def _comes_to_rest(self, at: datetime) -> "World":
        self.now = at
        with MailReading(self.app) as mail:
            for _ in range(12):
                failed: dict[str, UnavailableError] = {}
                done = mail.read_all(self.now, failed) + run_cycle(self.app, self.now)
                assert not failed, failed
                if not done + self._copies_arrive():
                    return self
        raise AssertionError("the house does not come to rest")

    def _copies_arrive(self) -> int:
        """The server files the blind copy in our mailbox, as a real one would."""
        fresh = self.smtp.messages[self._copied :]
        self._copied = len(self.smtp.messages)
        if not self.copies_come:
            return 0
        mine = [each for each in fresh if self.postbox.address in each.rcpt_tos]
        for envelope in mine:
            self.postbox.deliver(_bytes(envelope.content), sender=self.postbox.address)
        return len(mine)

    # --- people ---

    def customer_writes(
        self,
        text: str,
        subject: str = "My parcel",
        sender: str = CUSTOMER,
        answering: EmailMessage | None = None,
        name: str = "Kim Doe",
        **headers: str,
    ) -> str:
        """Deliver a mail of the customer's; return its Message-ID."""
        self._sent += 1
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = (
            email.utils.formataddr((name, sender)),
            self.postbox.address,
            subject,
        )
        mail["Message-ID"] = f"<mail-{self._sent}-{self.postbox.username}@customers.test>"
        mail["Date"] = self.now
        if answering is not None:
            mail["In-Reply-To"] = str(answering["Message-ID"])
            mail["References"] = f"{answering['References'] or ''} {answering['Message-ID']}".strip()
        for header, value in headers.items():
            mail[header.replace("_", "-")] = value
        mail.set_content(text)
        self.postbox.deliver(mail.as_bytes(policy=email.policy.SMTP), sender=sender)
        self.passes()
        return str(mail["Message-ID"])

    def agent_tags(self, *tags: str, folder: str = "INBOX") -> None:
        """Tag the newest mail in the folder, as a mail client does."""
        self.postbox.mark(self.postbox.uids(folder)[-1], *tags, folder=folder)
        self.passes()

    def agent_replies(self, text: str, to: str, *tags: str) -> None:
        """File a reply of Ana's in Sent, as her mail client does, perhaps tagged."""
        self._sent += 1
        mail = EmailMessage()
        mail["From"], mail["To"] = f"Ana Reyes <{self.postbox.address}>", CUSTOMER
        mail["Subject"], mail["Message-ID"] = (
            "Re: My parcel",
            f"<reply-{self._sent}@{self.postbox.username}.test>",
        )
        mail["In-Reply-To"] = mail["References"] = to
        mail["Date"] = self.now
        mail.set_content(text)
        self.postbox.append(mail.as_bytes(policy=email.policy.SMTP), folder="Sent", flags=tags)
        self.passes()

    def agent_answers(self, desk: EmailMessage, *lines: str, sender: str = "ana@agents.test") -> None:
        """Answer a desk mail with lines, from the agent's own address."""
        self.replies_raw(
            desk, *lines, "", "On Tuesday followupd wrote:", f"> {desk['Subject']}", sender=sender
        )

    def replies_raw(self, desk: EmailMessage, *lines: str, sender: str = "ana@agents.test") -> None:
        """Answer a desk mail with these lines alone, quotes included."""
        self._sent += 1
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, self.postbox.address, f"Re: {desk['Subject']}"
        mail["Message-ID"], mail["In-Reply-To"] = f"<note-{self._sent}@agents.test>", str(desk["Message-ID"])
        mail["Date"] = self.now
        domain = sender.rpartition("@")[2]
        mail["Authentication-Results"] = f"mx.agents.test; dmarc=pass header.from={domain}"
        mail.set_content("\n".join(lines) + "\n")
        self.postbox.deliver(mail.as_bytes(policy=email.policy.SMTP), sender=sender)
        self.passes()

    def says(self, ref: str, *lines: str, agent: str = "") -> list[str]:
        """Say lines about a case as `followupd tell` does; return the problems."""
        team = self.app.settings.team
        who = team.by_id(agent) if agent else None
        with self.app.ledger.transaction() as tx:
            case = tx.cases.get(ref)
            actor = who.name if who else "a test"
            result = self.app.commands.run_lines(tx, case, lines, actor, "tell", who, self.now)
        self.passes()
        return list(result.problems)

    # --- what came of it ---

    def letters(self, kind: str = "") -> list[EmailMessage]:
        """Return what the server accepted for others than ourselves, in order; `kind` is part of the letter's key."""
        for each in self.smtp.messages[len(self._parsed) :]:
            mail = email.message_from_bytes(_bytes(each.content), policy=email.policy.default)
            self._parsed.append((str(mail["X-Followupd-Key"]), mail))
        return [mail for key, mail in self._parsed if not kind or f".{kind}." in key]

    def case(self) -> Case:
        """Return the only case there is."""
        with self.app.ledger.transaction() as tx:
            [case] = tx.cases.all()
            return case

    def cases(self) -> Sequence[Case]:
        with self.app.ledger.transaction() as tx:
            return tx.cases.all()

    def history(self, ref: str) -> list[Event]:
        with self.app.ledger.transaction() as tx:
            return tx.cases.history(ref)

    def folded(self, ref: str) -> Case:
        """Return what the history alone says of a case."""
        with self.app.ledger.transaction() as tx:
            return lifecycle.fold(tx.cases.history(ref))


def _bytes(content: bytes | str | None) -> bytes:
    return content.encode() if isinstance(content, str) else content or b""


def text_of(mail: EmailMessage) -> str:
    """Return the text part, as the customer reads it."""
    part = mail.get_body(("plain",))
    return part.get_content() if part else ""


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    return part.get_content() if part else ""
