"""An IMAP server and an SMTP server on loopback, in a thread of this process, for the demo."""

import argparse
import asyncio
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session
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
