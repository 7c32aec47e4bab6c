"""The demo's mail: an IMAP and an SMTP server on loopback, in a thread of this process, and mail clients of people."""

import argparse
import asyncio
import email
import email.policy
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session
from imapclient import IMAPClient
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, DictBackend, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Flag, Recent, Wildcard, get_system_flags
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

from followupd.errors import UnavailableError

HOST = "127.0.0.1"
#: the host name of both servers; asking the machine for its name could need the network
NAME = "localhost"
#: seconds for the servers to start and to stop
_TIMEOUT = 60.0
#: seconds that a mail client waits
_CLIENT_TIMEOUT = 20
#: write a parsed mail byte for byte as it was
_UNCHANGED = email.policy.SMTP.clone(refold_source="none")
#: what pymap's own command line would set
_PYMAP_OPTIONS = {
    "demo_data": False,
    "demo_user": "",
    "demo_password": "",
    "host": HOST,
    "port": "0",
    "debug": False,
    "cert": None,
    "key": None,
    "passlib_cfg": None,
    "tls": False,
    "proxy_protocol": None,
    "inherited_sockets": None,
}


# --- the servers ---


class _Folder(MailboxData):
    """A folder that accepts keywords: pymap offers none, and then drops them silently (RFC 3501, 7.1)."""

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        """All flags and any keyword."""
        return (get_system_flags() - {Recent}) | {Wildcard}


class _Folders(MailboxSet):
    """The folders of one account: INBOX and Sent."""

    def __init__(self) -> None:
        super().__init__()
        self._inbox = _Folder(self._content_cache, self._thread_cache)
        self._set = {"Sent": _Folder(self._content_cache, self._thread_cache)}


class _Config(Config):
    @property
    def greeting(self) -> bytes:
        """The first line of the server."""
        return f"Server ready {NAME}".encode()


class Servers:
    """Serve several accounts by IMAP, and accept mail to them by SMTP; a context manager.

    `accounts` maps addresses, which are also the user names, to passwords. `clock` returns the arrival time
    of a mail. Mail to other addresses is rejected, so that nothing leaves this machine.

    Raises:
        UnavailableError: on entering, the servers do not start.
    """

    def __init__(self, accounts: Mapping[str, str], clock: Callable[[], datetime]) -> None:
        self.imap_port = self.smtp_port = 0
        self._accounts, self._clock = accounts, clock
        self._folders: dict[str, _Folders] = {}
        #: the recipient whose next mail ends in a dropped connection, and the one whose copy is then delayed
        self._drop_for = self._delay_for = ""
        self._delayed: list[tuple[str, bytes]] = []
        self._ready = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="demo mail servers")
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event

    def __enter__(self) -> Self:
        self._thread.start()
        started = self._ready.wait(_TIMEOUT)
        if self._error or not started:
            reason = self._error or "no answer"
            raise UnavailableError(f"the demo's mail servers do not start: {reason}")

        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_TIMEOUT)

    # --- faults ---

    def drop_next_connection(self, *, to: str, delay_for: str) -> None:
        """Accept the next mail `to` this address, but drop the connection before the reply (RFC 1047).

        The copy for `delay_for` is delivered by `deliver_delayed`.
        """
        self._drop_for, self._delay_for = to, delay_for

    def deliver_delayed(self) -> None:
        """Deliver the delayed copies."""
        asyncio.run_coroutine_threadsafe(self._deliver_delayed(), self._loop).result(_TIMEOUT)

    async def _deliver_delayed(self) -> None:
        delayed, self._delayed = self._delayed, []
        for address, raw in delayed:
            await self._deliver(address, raw)

    # --- serving ---

    def _run(self) -> None:
        """Serve until stopped; an error is kept for `__enter__`."""
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001  raised by __enter__ in the thread that waits
            self._error = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        imap = await asyncio.start_server(self._imap_handler(), HOST, 0)
        smtp = await self._loop.create_server(lambda: SMTP(self, hostname=NAME, loop=self._loop), HOST, 0)
        self.imap_port, self.smtp_port = (server.sockets[0].getsockname()[1] for server in (imap, smtp))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(smtp)
            stack.callback(imap.close)
            self._ready.set()
            await self._stop.wait()

    def _imap_handler(self) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        """Return a callback that serves one IMAP connection in a task.

        The tasks are stored, because asyncio's own weak references would let them be collected.
        """
        server, tasks = IMAPServer(self._backend().login, self._config), set[asyncio.Task[None]]()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(server(reader, writer, SocketInfo.get(writer, None)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        return connected

    def _backend(self) -> DictBackend:
        # The passwords exist as long as this process: hashing them would cost 0.15 s a login for nothing.
        """Return pymap's backend with all accounts in memory."""
        self._config = _Config.from_args(
            argparse.Namespace(**_PYMAP_OPTIONS),
            hash_context=Cleartext(),
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        )
        self._config.apply_context()
        login = Login(self._config)

        for address, password in self._accounts.items():
            login.users_dict[address] = UserMetadata(self._config, address, password=password)
            self._folders[address] = _Folders()
            self._config.set_cache[address] = (self._folders[address], FilterSet())

        return DictBackend(login, self._config)

    # --- aiosmtpd's handler ---

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient with an account."""
        if address.lower() not in self._folders:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address.lower())
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Deliver a mail, or accept it and drop the connection."""
        content: Any = envelope.content  # never str: aiosmtpd decodes on request only
        raw = bytes(content or b"")
        drop = self._drop_for in envelope.rcpt_tos

        for address in envelope.rcpt_tos:
            if drop and address == self._delay_for:
                self._delayed.append((address, raw))
            else:
                await self._deliver(address, raw)

        if not drop:
            return "250 2.0.0 OK"
        self._drop_for = ""

        return _drop_connection(server)

    async def _deliver(self, address: str, raw: bytes) -> None:
        inbox = await self._folders[address].get_mailbox("INBOX")
        await inbox.append(AppendMessage(raw, self._clock()))


def _drop_connection(server: SMTP) -> str:
    """Close the connection without a reply; return a reply that is never sent."""
    transport: Any = server.transport
    transport.abort()
    return "421 4.4.2 connection dropped"


# --- mail clients, and what they write ---


class MailClient:
    """The mail client of one person, logged in to one account; a context manager."""

    def __init__(self, servers: Servers, address: str, password: str) -> None:
        self.address = address
        self._servers, self._password = servers, password
        self._last_uid = 0
        self._imap: IMAPClient

    def __enter__(self) -> Self:
        self._imap = IMAPClient(
            HOST, self._servers.imap_port, ssl=False, use_uid=True, timeout=_CLIENT_TIMEOUT
        )
        # imapclient sends a command in two packets; with Nagle's algorithm each would wait 40 ms for an ACK
        self._imap.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._imap.login(self.address, self._password)

        return self

    def __exit__(self, *_: object) -> None:
        self._imap.logout()

    def send(self, mail: EmailMessage) -> None:
        """Submit a mail to the SMTP server."""
        recipients = [address.addr_spec for address in mail["To"].addresses]
        with smtplib.SMTP(
            HOST, self._servers.smtp_port, local_hostname=NAME, timeout=_CLIENT_TIMEOUT
        ) as smtp:
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
        return list(map(self._fetch, uids))

    def inbox(self) -> list[EmailMessage]:
        """Return all mails of the inbox, oldest first."""
        return list(map(self._fetch, self._select_inbox()))

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
