"""A real IMAP and a real SMTP server on loopback, inside this process: the demo's whole internet."""

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
#: both servers call themselves so; asking the machine for its own name could ask the network
NAME = "localhost"
#: seconds for the servers to come up, and to go down
_PATIENCE = 10.0


class _Folder(MailboxData):
    """A folder that keeps keywords; pymap never offers that, and would drop them in silence (RFC 3501, 7.1)."""

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        return (get_system_flags() - {Recent}) | {Wildcard}


class _Folders(MailboxSet):
    """One person's folders."""

    def __init__(self) -> None:
        super().__init__()
        self._inbox = _Folder(self._content_cache, self._thread_cache)
        self._set = {"Sent": _Folder(self._content_cache, self._thread_cache)}


class _Config(Config):
    @property
    def greeting(self) -> bytes:
        return f"Server ready {NAME}".encode()


class Servers:
    """Serves everybody's mailbox by IMAP and takes everybody's mail by SMTP.

    `accounts` maps addresses, which are the user names too, to passwords; `clock` dates what arrives. A context; mail to
    anybody else is refused, so nothing ever leaves this machine.

    Raises:
        OutageError: the servers do not start.
    """

    def __init__(self, accounts: Mapping[str, str], clock: Callable[[], datetime]) -> None:
        self.imap_port = self.smtp_port = 0
        self._accounts, self._clock = accounts, clock
        self._boxes: dict[str, _Folders] = {}
        self._breaks_for = self._late_for = ""
        self._held: list[tuple[str, bytes]] = []
        self._ready, self._error = threading.Event(), list[Exception]()
        self._thread = threading.Thread(target=self._run, daemon=True, name="demo mail servers")
        self._loop: asyncio.AbstractEventLoop
        self._quit: asyncio.Event

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_PATIENCE) or self._error:
            raise UnavailableError(
                f"the demo's mail servers do not start: {next(iter(self._error), 'no answer')}"
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._quit.set)
        self._thread.join(_PATIENCE)

    # --- mishaps ---

    def break_next_line(self, *, to: str, late_for: str) -> None:
        """Take the next letter `to` somebody, then drop the line before the reply (RFC 1047).

        Its copy to `late_for` stays in the queue until `let_through`.
        """
        self._breaks_for, self._late_for = to, late_for

    def let_through(self) -> None:
        """Deliver what stayed in the queue."""
        asyncio.run_coroutine_threadsafe(self._release(), self._loop).result(_PATIENCE)

    async def _release(self) -> None:
        held, self._held = self._held, []
        for address, raw in held:
            await self._deliver(address, raw)

    # --- serving ---

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001  handed to whoever waits for us to be ready
            self._error.append(error)
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._quit = asyncio.get_running_loop(), asyncio.Event()
        imap = await asyncio.start_server(self._imap(), HOST, 0)
        smtp = await self._loop.create_server(lambda: SMTP(self, hostname=NAME, loop=self._loop), HOST, 0)
        self.imap_port, self.smtp_port = (server.sockets[0].getsockname()[1] for server in (imap, smtp))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(smtp)
            stack.callback(imap.close)
            self._ready.set()
            await self._quit.wait()

    def _imap(self) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        """Return what serves one IMAP connection. Its task is kept: asyncio alone would let it be collected."""
        server, tasks = IMAPServer(self._backend().login, self._config), set[asyncio.Task[None]]()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(server(reader, writer, SocketInfo.get(writer, None)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        return connected

    def _backend(self) -> DictBackend:
        arguments = argparse.Namespace(
            demo_data=False,
            demo_user="",
            demo_password="",
            host=HOST,
            port="0",
            debug=False,
            cert=None,
            key=None,
            passlib_cfg=None,
            tls=False,
            proxy_protocol=None,
            inherited_sockets=None,
        )
        # Passwords live as long as this process, so hashing them would only cost time: 0.15 s a login.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._config = _Config.from_args(arguments, hash_context=Cleartext(), ssl_context=context)
        self._config.apply_context()
        login = Login(self._config)
        for address, password in self._accounts.items():
            login.users_dict[address] = UserMetadata(self._config, address, password=password)
            self._boxes[address] = _Folders()
            self._config.set_cache[address] = (self._boxes[address], FilterSet())
        return DictBackend(login, self._config)

    # --- aiosmtpd's handler ---

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.lower() not in self._boxes:
            return "550 5.1.1 nobody of that name here"
        envelope.rcpt_tos.append(address.lower())
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        raw = bytes(envelope.content or b"")  # type: ignore[arg-type]  # never str: aiosmtpd decodes only when asked to
        breaks = self._breaks_for in envelope.rcpt_tos
        self._breaks_for = "" if breaks else self._breaks_for
        for address in envelope.rcpt_tos:
            if breaks and address == self._late_for:
                self._held.append((address, raw))
            else:
                await self._deliver(address, raw)
        return _hung_up(server) if breaks else "250 2.0.0 OK"

    async def _deliver(self, address: str, raw: bytes) -> None:
        inbox = await self._boxes[address].get_mailbox("INBOX")
        await inbox.append(AppendMessage(raw, self._clock()))


def _hung_up(server: SMTP) -> str:
    transport: Any = server.transport
    transport.abort()
    return "421 4.4.2 the line is gone"
