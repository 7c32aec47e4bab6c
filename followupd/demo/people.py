"""The customer and the agent of the demo: what they write, and their mail clients over real IMAP and SMTP."""

import email
import email.policy
import socket
from collections.abc import Iterable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from smtplib import SMTP
from typing import Self

from imapclient import IMAPClient

from followupd.demo.servers import HOST, NAME, Servers

KIM = "kim@customers.example"
KIM_NAME = "Kim Doe"
#: the value of the gift card in stock, in the company's currency
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

#: Ana's answer to the desk mail that asks for missing facts: a note (docs/commands.md)
NOTE = """\
{lines}
gift-card: {card} {currency}
fault: ours
impact: Your mother's birthday came without her present.
cause: The label came off your parcel in our warehouse, and it stood there for two weeks.
resolution: A new lamp left on Thursday by express, and the money for the delivery is on its way to you.
prevention: Every evening we now look for parcels without a label, and send them the same day.
"""

_TIMEOUT = 20
#: write a parsed mail byte for byte as it was
_UNCHANGED = email.policy.SMTP.clone(refold_source="none")


class MailClient:
    """The mail client of one person, logged in to one account; a context manager."""

    def __init__(self, servers: Servers, address: str, password: str) -> None:
        self.address = address
        self._servers, self._password = servers, password
        self._last_uid = 0
        self._imap: IMAPClient

    def __enter__(self) -> Self:
        self._imap = IMAPClient(HOST, self._servers.imap_port, ssl=False, use_uid=True, timeout=_TIMEOUT)
        # imapclient sends a command in two packets; with Nagle's algorithm each would wait 40 ms for an ACK
        self._imap.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._imap.login(self.address, self._password)

        return self

    def __exit__(self, *_: object) -> None:
        self._imap.logout()

    def send(self, mail: EmailMessage) -> None:
        """Submit a mail to the SMTP server."""
        recipients = [address.addr_spec for address in mail["To"].addresses]
        with SMTP(HOST, self._servers.smtp_port, local_hostname=NAME, timeout=_TIMEOUT) as smtp:
            smtp.sendmail(self.address, recipients, mail.as_bytes(policy=email.policy.SMTP))

    def file_in_sent(self, mail: EmailMessage, at: datetime, *keywords: str) -> None:
        """Append a sent mail to Sent with these keywords, as mail clients do."""
        self._imap.append("Sent", mail.as_bytes(policy=email.policy.SMTP), keywords, at)

    def add_tags(self, message_id: str, *keywords: str) -> None:
        """Add keywords to a mail in the inbox."""
        self._imap.select_folder("INBOX")
        self._imap.add_flags(self._find(message_id), keywords)

    def tags(self, message_id: str) -> list[str]:
        """Return the keywords of a mail in the inbox."""
        self._imap.select_folder("INBOX", readonly=True)
        found: dict[int, Iterable[bytes]] = self._imap.get_flags(self._find(message_id))
        flags = [flag for flags in found.values() for flag in flags]

        return sorted(flag.decode() for flag in flags if not flag.startswith(b"\\"))

    def _find(self, message_id: str) -> list[int]:
        """Return the UIDs of the mail with this Message-ID in the selected folder."""
        return list(self._imap.search(["HEADER", "Message-ID", message_id]))

    def new_mail(self) -> list[EmailMessage]:
        """Return the mails that arrived since the last call, oldest first."""
        uids = [uid for uid in self._select_inbox() if uid > self._last_uid]
        self._last_uid = max([self._last_uid, *uids])
        return [self._fetch(uid) for uid in uids]

    def inbox(self) -> list[EmailMessage]:
        """Return all mails of the inbox, oldest first."""
        return [self._fetch(uid) for uid in self._select_inbox()]

    def _select_inbox(self) -> list[int]:
        """Select the inbox and return the UIDs in it."""
        self._imap.select_folder("INBOX", readonly=True)
        return sorted(self._imap.search("ALL"))

    def _fetch(self, uid: int) -> EmailMessage:
        """Fetch one mail without marking it as read."""
        raw = bytes(self._imap.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"])
        return email.message_from_bytes(raw, policy=_UNCHANGED)


def compose_mail(
    sender: str,
    to: str,
    subject: str,
    text: str,
    at: datetime,
    message_id: str,
    reply_to: EmailMessage | None = None,
) -> EmailMessage:
    """Return a mail as a mail client writes it; the mail in `reply_to` is quoted below the text.

    Args:
        sender: who writes.
        to: who gets it.
        subject: the subject of the mail.
        text: its words.
        at: when it is written.
        message_id: the Message-ID of the mail.
        reply_to: the mail that it answers.
    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"], mail["Message-ID"] = format_datetime(at), message_id

    if reply_to is not None:
        mail["In-Reply-To"] = str(reply_to["Message-ID"])
        mail["References"] = " ".join(
            [*str(reply_to["References"] or "").split(), str(reply_to["Message-ID"])]
        )
        text = f"{text}\n\n{_quotation(reply_to, at)}"

    mail.set_content(text)

    return mail


def _quotation(mail: EmailMessage, at: datetime) -> str:
    """Return a mail as a quotation, with the line that introduces it."""
    author = mail["From"].addresses[0].display_name
    lines = [f"> {line}".rstrip() for line in text_of(mail).splitlines()]
    return "\n".join([f"On {at:%d/%m/%Y}, {author} wrote:", *lines])


def text_of(mail: EmailMessage) -> str:
    """Return the text part, "" if there is none."""
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part else ""


def html_of(mail: EmailMessage) -> str:
    """Return the HTML part, "" if there is none."""
    part = mail.get_body(("html",))
    return str(part.get_content()) if part else ""


def key_of(mail: EmailMessage) -> str:
    """Return the key of a letter or desk mail by followupd, "" for a mail that a person wrote."""
    return str(mail["X-Followupd-Key"] or "")


def kind_of(mail: EmailMessage) -> str:
    """Return the kind of a letter or desk mail by followupd, "" for a mail that a person wrote.

    The key of a mail that belongs to no case begins with its kind, such as "desk/digest.2026-12-09.ana".
    """
    first, _, rest = key_of(mail).partition(".")
    return first if "/" in first else rest.partition(".")[0]
