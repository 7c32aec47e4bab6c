"""One SMTP connection: connect, start TLS or give up, log in; commands and replies, a message and its final dot."""

import base64
import contextlib
import re
import select
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from followupd.adapters.network import Allowance, is_loopback, trusting, why
from followupd.domain.letter import DeliveryOutcome
from followupd.errors import UnavailableError

#: seconds to wait for the reply to QUIT, so that a silent server does not delay a stop
QUIT_TIMEOUT = 2.0
#: the longest text of a reply that is kept, in characters
MAX_REPLY_TEXT = 300
#: "service not available, closing transmission channel" (RFC 5321, section 3.8)
CLOSING = 421
#: "waiting for the next response" (RFC 4954, section 4)
_CONTINUE = 334
#: the name in EHLO if none is configured; smtplib would first ask the resolver for ours, which may take half
#: a minute
_DEFAULT_HELO = "[127.0.0.1]"
_READ_SIZE = 8192
#: bytes of one reply, which may have many lines
MAX_REPLY = 2**20
#: a reply must end within so many times the wait for its next bytes
PATIENCE = 5
_SECURITY = ("tls", "starttls", "none")
_OUTCOMES = {2: DeliveryOutcome.ACCEPTED, 4: DeliveryOutcome.DEFERRED, 5: DeliveryOutcome.REFUSED}
_NOT_PRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpAccount:
    """The server that takes letters, and the login for it. Secrets are callables, read at each login.

    `token` returns an OAuth 2 access token, which is used in place of the password. `timeout` is in seconds,
    for each wait. `final_timeout` is in seconds, for the reply to the final dot: giving up there leaves the
    letter in doubt, and RFC 5321, section 4.5.3.2.6, allows the server ten minutes. `helo` is the name in
    EHLO.

    Raises:
        ValueError: `security` is unknown, or "none" for a host that is not this machine.
    """

    host: str
    port: int = 587
    security: str = "starttls"
    username: str = ""
    password: Callable[[], str] = field(default=str, repr=False)
    token: Callable[[], str] | None = field(default=None, repr=False)
    ca_file: str = ""
    timeout: float = 30.0
    final_timeout: float = 60.0
    helo: str = ""

    def __post_init__(self) -> None:
        """Refuse an account that would send letters or the password unencrypted over a network."""
        if self.security not in _SECURITY:
            names = ", ".join(_SECURITY)
            raise ValueError(f"security is {self.security!r} and must be one of {names}")
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError(f'security = "none" would send letters to {self.host} unencrypted')

    @property
    def address(self) -> str:
        """The server's host and port, for messages."""
        return f"{self.host}:{self.port}"


class ConnectionLostError(UnavailableError):
    """The connection ended, or the server does not follow SMTP."""


class Reply(NamedTuple):
    """A server's reply: its code, -1 if it could not be parsed, and its text as received."""

    code: int
    raw: bytes

    @property
    def text(self) -> str:
        """The text in one line of at most 300 characters, without control characters."""
        text = _NOT_PRINTABLE.sub(" ", self.raw.decode(errors="replace"))
        return text.strip()[:MAX_REPLY_TEXT]

    def __str__(self) -> str:
        """Return the code and the text, for the log and the case's history."""
        if self.code <= 0:
            return f"no SMTP reply: {self.text}"
        return f"{self.code} {self.text}".strip()

    @property
    def outcome(self) -> DeliveryOutcome:
        """What the first digit means (RFC 5321, section 4.2.1); UNKNOWN if it is not a final one."""
        return _OUTCOMES.get(self.code // 100, DeliveryOutcome.UNKNOWN)

    @property
    def good(self) -> bool:
        """Whether the server did what it was asked for."""
        return self.outcome is DeliveryOutcome.ACCEPTED


class _BoundedSmtp(smtplib.SMTP):
    """smtplib with our reader from the greeting on; each reply has a separate allowance."""

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply."""
        if self.file is None and self.sock is not None:  # the first one, or the first one over TLS
            self.file = ReplyReader(self.sock, Allowance(MAX_REPLY, PATIENCE * (self.sock.gettimeout() or 1)))
        if isinstance(self.file, ReplyReader):
            self.file.allowance.begin()
        return super().getreply()


class PlainSmtp(_BoundedSmtp):
    """A connection without TLS, perhaps until STARTTLS."""


class TlsSmtp(_BoundedSmtp, smtplib.SMTP_SSL):
    """A connection with implicit TLS."""


class ReplyReader:
    """Reads lines from a socket, and tells without waiting whether there is anything to read.

    It takes the place of the file object of `smtplib.SMTP`, which cannot do the latter.
    """

    def __init__(self, connection: socket.socket, allowance: Allowance) -> None:
        self._socket, self._buffer = connection, b""
        self.allowance = allowance
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def readline(self, limit: int) -> bytes:
        """Return the next line with its end.

        Args:
            limit: the most bytes that are returned of a longer line.

        Returns:
            The line, or what came before the connection ended.
        """
        while b"\n" not in self._buffer and len(self._buffer) < limit:
            more = self._socket.recv(_READ_SIZE)
            self.allowance.spend(len(more))
            if not more:
                break
            self._buffer += more

        length = self._buffer.find(b"\n") + 1
        if not length:
            length = len(self._buffer)
        length = min(length, limit)
        line = self._buffer[:length]
        self._buffer = self._buffer[length:]
        return line

    def has_data(self) -> bool:
        """Say without waiting whether the server has sent anything, or closed the connection."""
        if self._buffer:
            return True
        if isinstance(self._socket, ssl.SSLSocket):
            return self._has_data_in_tls(self._socket)
        return bool(self._poll.poll(0))

    def _has_data_in_tls(self, connection: ssl.SSLSocket) -> bool:
        """Say the same of a TLS connection.

        TLS sends records of its own, such as session tickets, so that the data must be read to know whether
        there is any.
        """
        if not connection.pending() and not self._poll.poll(0):
            return False

        timeout = connection.gettimeout()
        connection.settimeout(0)
        try:
            self._buffer += connection.recv(_READ_SIZE)
        except ssl.SSLWantReadError:
            return False
        finally:
            connection.settimeout(timeout)
        return True

    def close(self) -> None:
        """Do nothing: the socket belongs to smtplib."""


class SmtpConnection:
    """An open, encrypted and authenticated connection.

    `usable` becomes False when the connection breaks, or when replies can no longer be matched to commands.
    """

    def __init__(self, smtp: PlainSmtp | TlsSmtp, account: SmtpAccount) -> None:
        self._smtp, self._account = smtp, account
        self.usable = True
        # The final dot is sent in a separate segment, which Nagle's algorithm would delay by 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = cast("ReplyReader", smtp.file)

    @property
    def logged_in(self) -> bool:
        """Whether this connection is authenticated."""
        return bool(self._account.username)

    @property
    def size_limit(self) -> int:
        """The largest message in bytes (RFC 1870); 0 if the server names no limit."""
        value = self._smtp.esmtp_features.get("size", "")
        if not value.isascii() or not value.isdigit():
            return 0
        return int(value)

    @property
    def tls_version(self) -> str:
        """The version of TLS, "" without TLS."""
        connection = self._socket
        if not isinstance(connection, ssl.SSLSocket):
            return ""
        return connection.version() or ""

    @property
    def auth_mechanisms(self) -> list[str]:
        """The SASL mechanisms that the server offers (RFC 4954), in upper case."""
        value = self._smtp.esmtp_features.get("auth", "")
        return value.upper().split()

    def offers(self, extension: str) -> bool:
        """Say whether the server offers an extension, such as "SIZE"."""
        return extension.lower() in self._smtp.esmtp_features

    @property
    def pipelines(self) -> bool:
        """Whether commands may be sent before the replies to earlier ones have arrived (RFC 2920)."""
        return self.offers("PIPELINING")

    def command(self, command: str) -> Reply:
        """Send one command and return its reply.

        Raises:
            ConnectionLostError: there was none.
        """
        return self._exchange([command])[0]

    def commands(self, commands: list[str]) -> list[Reply]:
        """Send commands, together if the server offers PIPELINING (RFC 2920), and return the reply to each.

        Raises:
            ConnectionLostError: a reply was missing.
        """
        if self.pipelines:
            return self._exchange(commands)
        return list(map(self.command, commands))

    def send_body(self, mail: bytes) -> None:
        """Send a message without its final dot.

        The server takes nothing before that (RFC 5321, section 4.1.1.4).

        Raises:
            ConnectionLostError: the connection ended.
        """
        with self._errors():
            self._smtp.send(_dot_stuffed(mail))

    def unsolicited_reply(self) -> Reply | None:
        """Return what the server sent without a command.

        Such a reply would be taken for the reply to the next command: before the final dot, for an accepted
        letter. The connection is not usable after it.

        Returns:
            The reply, or None, as usual.

        Raises:
            ConnectionLostError: the server has closed the connection.
        """
        with self._errors():
            if not self._replies.has_data():
                return None
            reply = self._read_reply()
        self.usable = False
        return reply

    def final_dot(self) -> Reply:
        """End the message, and return the reply.

        From here on the server may have taken the letter, even if there is no reply. It has longer for this
        reply than for others.

        Raises:
            ConnectionLostError: there was no reply.
        """
        timeout = self._account.timeout
        with self._errors():
            self._smtp.send(b".\r\n")
            patience = max(self._account.final_timeout, timeout)
            self._socket.settimeout(patience)
            usual, self._replies.allowance.seconds = self._replies.allowance.seconds, PATIENCE * patience
            reply = self._read_reply()
            self._replies.allowance.seconds = usual
            self._socket.settimeout(timeout)

        if reply.outcome is DeliveryOutcome.UNKNOWN:
            self.usable = False
        return reply

    def reset(self) -> None:
        """Cancel the current mail transaction; the connection is not usable if the server refuses."""
        if not self.usable:
            return
        with contextlib.suppress(ConnectionLostError):
            reply = self.command("RSET")
            self.usable = self.usable and reply.good

    def quit(self) -> None:
        """Send QUIT if the connection is usable, wait at most two seconds for the reply, and close."""
        with contextlib.suppress(OSError, ConnectionLostError):
            if self.usable:
                self._socket.settimeout(QUIT_TIMEOUT)
                self.command("QUIT")
        self.close()

    def close(self) -> None:
        """Close the connection without QUIT."""
        self.usable = False
        with contextlib.suppress(OSError):
            self._smtp.close()

    @property
    def _socket(self) -> socket.socket:
        """The socket; smtplib closes it when reading or writing fails."""
        if self._smtp.sock is None:
            raise ConnectionLostError(f"the connection to {self._account.address} is closed")
        return self._smtp.sock

    def _exchange(self, commands: list[str]) -> list[Reply]:
        """Send commands together, and read the reply to each.

        Raises:
            ConnectionLostError: a reply was missing.
            ValueError: a command has a line end, which would make two commands of it.
        """
        lines = "\r\n".join([*commands, ""])
        if len(lines.splitlines()) != len(commands):
            raise ValueError("an SMTP command is one line")
        with self._errors():
            self._smtp.send(lines.encode())
            return [self._read_reply() for _ in commands]

    def _read_reply(self) -> Reply:
        """Read one reply; after 421, or what is no reply, the connection is not usable."""
        code, text = self._smtp.getreply()
        if code <= 0 or code == CLOSING:
            self.usable = False
        return Reply(code, text)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn an error of the connection into ConnectionLostError."""
        try:
            yield
        except OSError as error:  # smtplib's errors are subclasses
            self.usable = False
            raise ConnectionLostError(_explain(error, self._account)) from error


def _dot_stuffed(mail: bytes) -> bytes:
    """Return a message with CRLF line ends in which no line is a single dot (RFC 5321, section 4.5.2).

    Bare line ends are replaced too: some servers take one before a dot for the end of the message (SMTP
    smuggling).
    """
    without_crlf = mail.replace(b"\r\n", b"")
    has_bare_line_end = b"\n" in without_crlf or b"\r" in without_crlf
    if has_bare_line_end or not mail.endswith(b"\r\n"):
        lines = mail.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n")
        mail = lines.replace(b"\n", b"\r\n") + b"\r\n"

    stuffed = mail.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        return b"." + stuffed
    return stuffed


@contextlib.contextmanager
def explained_errors(account: SmtpAccount) -> Iterator[None]:
    """Turn errors of the network, TLS or the server into an explanation for the admin.

    Raises:
        UnavailableError: with the host, the port and the reason.
    """
    try:
        yield
    except OSError as error:
        raise UnavailableError(_explain(error, account)) from error
    except UnicodeError as error:  # a host that cannot be a name, such as "a..b"
        raise UnavailableError(f"the name {account.host} is not known") from error


def _explain(error: OSError, account: SmtpAccount) -> str:
    """Return an error of the network, TLS or the server as a sentence for the admin."""
    match error:
        case smtplib.SMTPNotSupportedError():
            return f"{account.address} does not offer STARTTLS, and letters are not sent unencrypted"
        case smtplib.SMTPResponseException():
            text = error.smtp_error
            raw = text if isinstance(text, bytes) else str(text).encode()
            return f"{account.address} refuses us: {Reply(error.smtp_code, raw)}"
        case _:
            return why(error, account.host, account.port)


# --- connecting and logging in ---


def connect(account: SmtpAccount) -> SmtpConnection:
    """Connect, start TLS and log in.

    If TLS is configured, neither a letter nor a password is ever sent without it.

    Args:
        account: the server, and the login for it.

    Returns:
        A connection that is ready for a mail transaction.

    Raises:
        UnavailableError: with an explanation for the admin that contains no secret.
    """
    context = _tls_context(account)
    with explained_errors(account):
        smtp = _open(account, context)

    try:
        with explained_errors(account):
            _greet(smtp, account, context)
            connection = SmtpConnection(smtp, account)
        if account.username:
            _log_in(connection, account)
    except ConnectionLostError as error:  # some servers reject a login in this way
        smtp.close()
        raise UnavailableError(str(error)) from error
    except BaseException:
        smtp.close()
        raise
    return connection


def _tls_context(account: SmtpAccount) -> ssl.SSLContext | None:
    """Return the context that verifies the server's certificate, None without TLS."""
    if account.security == "none":
        return None
    try:
        return trusting(account.ca_file)
    except OSError as error:
        raise UnavailableError(f"the CA file {account.ca_file} cannot be used: {error}") from error


def _open(account: SmtpAccount, context: ssl.SSLContext | None) -> PlainSmtp | TlsSmtp:
    """Connect to the server, with implicit TLS if that is configured."""
    name = account.helo or _DEFAULT_HELO
    if account.security == "tls":
        return TlsSmtp(account.host, account.port, name, timeout=account.timeout, context=context)
    return PlainSmtp(account.host, account.port, name, timeout=account.timeout)


def _greet(smtp: PlainSmtp | TlsSmtp, account: SmtpAccount, context: ssl.SSLContext | None) -> None:
    """Send EHLO, and again after STARTTLS: what was offered before TLS is void (RFC 3207, section 4.2)."""
    smtp.ehlo_or_helo_if_needed()
    if account.security == "starttls":
        smtp.starttls(context=context)
        smtp.ehlo_or_helo_if_needed()


def _log_in(connection: SmtpConnection, account: SmtpAccount) -> None:
    """Authenticate by the first mechanism that both sides know: XOAUTH2 with a token, else PLAIN, else LOGIN.

    Raises:
        UnavailableError: there is none, or the server refused the login.
    """
    name, secret = account.username, _secret(account)
    offered = connection.auth_mechanisms
    if account.token:
        reply = _authenticate(connection, "XOAUTH2", f"user={name}\x01auth=Bearer {secret}\x01\x01", "")
    elif "PLAIN" in offered:
        reply = _authenticate(connection, "PLAIN", f"\0{name}\0{secret}")
    elif "LOGIN" in offered:
        reply = _authenticate(connection, "LOGIN", name, secret)
    else:
        names = " ".join(offered) or "none"
        raise UnavailableError(
            f"{account.address} offers no login that is supported (PLAIN, LOGIN); it offers {names}"
        )

    if not reply.good:
        text = _without_secret(str(reply), name, secret)
        raise UnavailableError(f"{account.address} refused the login of {name}: {text}")


def _authenticate(connection: SmtpConnection, mechanism: str, first: str, *further: str) -> Reply:
    """Send the first response with the AUTH command, the others on request (RFC 4954, section 4).

    Returns:
        The last reply of the server.
    """
    reply = connection.command(f"AUTH {mechanism} {_base64(first)}")
    for response in further:
        if reply.code == _CONTINUE:
            reply = connection.command(_base64(response))
    return reply


def _secret(account: SmtpAccount) -> str:
    """Read the access token or the password."""
    read = account.token or account.password
    try:
        return read()
    except OSError as error:
        raise UnavailableError(
            f"the secret for the login of {account.username} cannot be read: {error}"
        ) from error


def _base64(text: str) -> str:
    """Return the text as AUTH commands contain it."""
    return base64.b64encode(text.encode()).decode()


def _without_secret(text: str, name: str, secret: str) -> str:
    """Remove a secret that the server repeated, in each form in which it was sent."""
    if not secret:
        return text

    for form in (_base64(f"\0{name}\0{secret}"), _base64(secret), secret):
        text = text.replace(form, "***")
    return text
