"""The customer and the agent: people with ordinary mail programs, over real IMAP and SMTP connections."""

import email
import email.policy
import socket
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from smtplib import SMTP
from typing import Self

from imapclient import IMAPClient

from followupd.demo.servers import HOST, NAME, Servers

KIM = "kim@customers.example"
KIM_NAME = "Kim Doe"
#: the gift card in stock, in the company's currency
CARD = "20.00"

OLD_COMPLAINT = """\
Good afternoon,

my order 4471 never came, and nobody answers me. I want my money back.

Lou Finch
"""

COMPLAINT = """\
Hello,

three weeks ago I ordered a reading lamp, and my parcel has still not arrived.
I have written twice and nobody answers. It was meant as a present for my
mother, and her birthday was yesterday. I am very disappointed.

Please send it at last, or give me my money back.

Kim Doe
+44 20 7946 0958
"""

REPLY = """\
Dear Kim,

I have found out what happened, and I am sorry: your parcel never left our
warehouse. I will ship a replacement by Friday, and we will refund you 12.50 GBP
for the delivery.

Ana
"""

#: Ana's answer to the desk mail that asks what is missing: one line each, as a note (CONTRACT.md)
NOTE = """\
{lines}
gift-card: {card} {currency}
fault: ours
impact: Your mother's birthday came without her present.
cause: The label came off your parcel in our warehouse, and it stood there for two weeks.
resolution: A new lamp left on Thursday by express, and the money for the delivery is on its way to you.
prevention: Every evening we now look for parcels without a label, and send them the same day.
"""


#: a mail that was read is written out again byte for byte
_AS_IT_WAS = email.policy.SMTP.clone(refold_source="none")


class Mailer:
    """One person's mail program, logged in to one account. A context."""

    def __init__(self, servers: Servers, address: str, password: str) -> None:
        self.address = address
        self._servers, self._password = servers, password
        self._seen = 0
        self._client: IMAPClient

    def __enter__(self) -> Self:
        self._client = IMAPClient(HOST, self._servers.imap_port, ssl=False, use_uid=True, timeout=20)
        # imapclient sends a command in two packets; without this each waits 40 ms for the other side's ACK.
        self._client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.login(self.address, self._password)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.logout()

    def send(self, mail: EmailMessage) -> None:
        """Hand a mail to the SMTP server."""
        to = [address.addr_spec for address in mail["To"].addresses]
        with SMTP(HOST, self._servers.smtp_port, local_hostname=NAME, timeout=20) as line:
            line.sendmail(self.address, to, mail.as_bytes(policy=email.policy.SMTP))

    def file(self, mail: EmailMessage, at: datetime, *tags: str) -> None:
        """File a sent mail in Sent, perhaps tagged, as mail programs do."""
        self._client.append("Sent", mail.as_bytes(policy=email.policy.SMTP), tags, at)

    def tag(self, message_id: str, *tags: str) -> None:
        """Set keywords on a mail in the inbox."""
        self._client.select_folder("INBOX")
        self._client.add_flags(self._find(message_id), tags)

    def tags(self, message_id: str) -> list[str]:
        """Return the keywords that a mail in the inbox carries."""
        self._client.select_folder("INBOX", readonly=True)
        flags = self._client.get_flags(self._find(message_id))
        return sorted(
            flag.decode() for found in flags.values() for flag in found if not flag.startswith(b"\\")
        )

    def _find(self, message_id: str) -> list[int]:
        return list(self._client.search(["HEADER", "Message-ID", message_id]))

    def fresh(self) -> list[EmailMessage]:
        """Return the mails that came since the last look, oldest first."""
        self._client.select_folder("INBOX", readonly=True)
        fresh = sorted(uid for uid in self._client.search("ALL") if uid > self._seen)
        self._seen = max([self._seen, *fresh])
        return [mail for uid in fresh if (mail := self._mail(uid))]

    def inbox(self) -> list[EmailMessage]:
        """Return all mails, oldest first."""
        self._client.select_folder("INBOX", readonly=True)
        return [self._mail(uid) for uid in sorted(self._client.search("ALL"))]

    def _mail(self, uid: int) -> EmailMessage:
        raw = bytes(self._client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"])
        return email.message_from_bytes(raw, policy=_AS_IT_WAS)


def written(
    sender: str,
    to: str,
    subject: str,
    text: str,
    at: datetime,
    message_id: str,
    answers: EmailMessage | None = None,
) -> EmailMessage:
    """Return a mail as a person's program writes it; `answers` is the mail it replies to, quoted below."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"], mail["Message-ID"] = format_datetime(at), message_id
    if answers is not None:
        mail["In-Reply-To"] = str(answers["Message-ID"])
        mail["References"] = " ".join([*str(answers["References"] or "").split(), str(answers["Message-ID"])])
        text += f"\n\nOn {at:%d/%m/%Y}, {answers['From'].addresses[0].display_name} wrote:\n{_quoted(text_of(answers))}"
    mail.set_content(text)
    return mail


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def text_of(mail: EmailMessage) -> str:
    """Return the text part, as the reader sees it."""
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part else ""


def html_of(mail: EmailMessage) -> str:
    """Return the HTML part, "" when there is none."""
    part = mail.get_body(("html",))
    return str(part.get_content()) if part else ""


def key_of(mail: EmailMessage) -> str:
    """Return the key of a letter of followupd's, "" for a person's mail."""
    return str(mail["X-Followupd-Key"] or "")
