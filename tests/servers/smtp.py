"""A real SMTP server whose every reply a test can script, for all that can happen to a letter on its way out."""

import asyncio
import base64
import collections
import ssl
from collections.abc import Callable, Container
from typing import Any, Self

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.machine import free_ports

#: what a stage does next: a reply ("451 4.3.0 later"), seconds to wait, or one of those below
Action = str | float
#: this turn is as any other; what follows is for the next one, planned before it can come
PASS = "pass"
#: the mail is kept now, whatever the rest of the turn does; seconds after it are a reply that comes too late
KEEP = "keep"
#: the mail is kept, then the line dies without a reply: RFC 1047's gap
DROP = "drop"
#: the line dies and nothing is kept
DROP_BEFORE = "drop-before"
GONE = "421 4.4.2 the line is gone"


class Sink(Controller):
    """Keeps what it accepts in `messages` (aiosmtpd envelopes) and counts `connections`.

    `plan(stage, *actions)` scripts the next turns of a stage: ehlo, mail, rcpt, data. Seconds are waited, and
    the next action of the same turn follows; a turn without a plan is accepted. With `users`, STARTTLS and AUTH are
    demanded; `tls` offers STARTTLS alone, `implicit_tls` speaks TLS from the first byte. With `tokens`, a login by
    XOAUTH2 is demanded.
    """

    def __init__(
        self,
        authority: trustme.CA,
        users: dict[str, str] | None = None,
        *,
        tls: bool = False,
        implicit_tls: bool = False,
        utf8: bool = True,
        size_limit: int = 30_000_000,
        tokens: Container[str] | None = None,
    ) -> None:
        self.users = users or {}
        self.tokens = tokens
        self.messages: list[Envelope] = []
        self.connections = 0
        self.plans: dict[str, collections.deque[Action]] = collections.defaultdict(collections.deque)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        server: dict[str, Any] = {"enable_SMTPUTF8": utf8, "data_size_limit": size_limit}
        if tls or (self.users and not implicit_tls):
            server |= {"tls_context": context, "require_starttls": bool(self.users)}
        if self.users:
            # aiosmtpd does not count implicit TLS as TLS, and warns: the line is sealed all the same
            server |= {
                "authenticator": self._authenticate,
                "auth_required": True,
                "auth_require_tls": not implicit_tls,
            }
        if tokens is not None:
            server["auth_require_tls"] = False
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=free_ports(1)[0],  # aiosmtpd 1.4.6 cannot start on port 0
            ssl_context=context if implicit_tls else None,
            **server,
        )

    def __enter__(self) -> Self:
        self.start()
        self.connections = 0  # aiosmtpd knocks once itself to see that it is up
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def plan(self, stage: str, *actions: Action) -> None:
        self.plans[stage].extend(actions)

    def factory(self) -> SMTP:
        self.connections += 1
        return SMTP(self.handler, **self.SMTP_kwargs)

    async def auth_XOAUTH2(self, _server: SMTP, arguments: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """Take an access token, as Microsoft and Google do."""
        said = base64.b64decode(arguments[-1]).decode()
        known = self.tokens is not None and said.partition("auth=Bearer ")[2].strip("\x01") in self.tokens
        return AuthResult(success=known, handled=known)

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        known = self.users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=known, handled=known)  # handled=False lets aiosmtpd itself answer 535

    async def _turn(self, stage: str, server: SMTP, keep: Callable[[], object] = lambda: None) -> str | None:
        plan = self.plans[stage]
        while plan:
            action = plan.popleft()
            if action == PASS:
                return None
            if action == KEEP:
                keep()
            elif isinstance(action, str):
                return self._drop(server, keep, action) if action in {DROP, DROP_BEFORE} else action
            else:
                await asyncio.sleep(action)
        return None

    @staticmethod
    def _drop(server: SMTP, keep: Callable[[], object], action: str) -> str:
        if action == DROP:
            keep()
        if isinstance(server.transport, asyncio.WriteTransport):  # None when the client is gone already
            server.transport.abort()  # a reset, no reply
        return GONE

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        reply = await self._turn("ehlo", server)
        return [reply] if reply else responses

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.tokens is not None and not session.authenticated:
            return "530 5.7.57 Client not authenticated to send mail"
        if reply := await self._turn("mail", server):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if reply := await self._turn("rcpt", server):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        def keep() -> None:
            if envelope not in self.messages:
                self.messages.append(envelope)

        if reply := await self._turn("data", server, keep):
            return reply
        keep()
        return "250 2.0.0 queued"
