"""An open SMTP connection: commands and their replies, a mail and its final dot, and whether the line is still to be trusted."""

import contextlib
import re
import select
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from followupd.adapters.network import is_loopback, why
from followupd.domain.letter import DeliveryOutcome
from followupd.errors import UnavailableError

_AT_ONCE = 8192  # bytes; a reply is far shorter


class ReplyReader:
    """The lines that come in over one connection."""

    def __init__(self, line: socket.socket, already: bytes = b"") -> None:
        self._socket, self._unread = line, already
        self._poll = select.poll()
        self._poll.register(line, select.POLLIN)

    def readline(self, limit: int) -> bytes:
        """Return the next line with its end, or as much as came before the connection ended, `limit` bytes at most."""
        while b"\n" not in self._unread and len(self._unread) < limit:
            more = self._socket.recv(_AT_ONCE)
            if not more:
                break
            self._unread += more
        end = (self._unread.find(b"\n") + 1) or len(self._unread)
        line, self._unread = self._unread[: min(end, limit)], self._unread[min(end, limit) :]
        return line

    def more(self) -> bool:
        """Say without waiting whether the server has said more, or closed the connection."""
        if self._unread:
            return True
        if isinstance(self._socket, ssl.SSLSocket):
            return self._more_behind_tls(self._socket)
        return bool(self._poll.poll(0))

    def _more_behind_tls(self, line: ssl.SSLSocket) -> bool:
        """TLS also sends records of its own, such as tickets; only what comes out of it counts."""
        if not line.pending() and not self._poll.poll(0):
            return False
        patience = line.gettimeout()
        line.settimeout(0)
        try:
            self._unread += line.recv(_AT_ONCE)
        except ssl.SSLWantReadError:
            return False
        finally:
            line.settimeout(patience)
        return True

    def close(self) -> None:
        """The connection is smtplib's to close."""


QUIT_PATIENCE = 2.0  # seconds; a mute server must not hold up our stop
LONGEST_REPLY = 300  # characters of the server's words that we keep
CLOSING = 421  # "service not available, closing transmission channel" (RFC 5321, 3.8)
_SECURITY = ("tls", "starttls", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpAccount:
    """The server that takes our letters and how to log in. Secrets are callables, read anew at each login.

    `token` returns an OAuth 2 access token and takes the password's place when it is given. `timeout` is seconds for each
    wait; `patience` is seconds for the reply to the final dot, since who hangs up there does not know whether the
    letter left (RFC 5321, 4.5.3.2.6, allows the server ten minutes). `helo` is the name that we greet with.

    Raises:
        ValueError: `security` is no known word, or "none" for a host that is not this machine.
    """

    host: str
    port: int = 587
    security: str = "starttls"  # tls | starttls | none (loopback only)
    username: str = ""
    password: Callable[[], str] = field(default=str, repr=False)
    token: Callable[[], str] | None = field(default=None, repr=False)
    ca_file: str = ""
    timeout: float = 30.0
    patience: float = 60.0
    helo: str = ""

    def __post_init__(self) -> None:
        if self.security not in _SECURITY:
            raise ValueError(f"security is {self.security!r} and must be one of {', '.join(_SECURITY)}")
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError(f'security = "none" would send letters to {self.host} for everybody to read')

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


class ConnectionLostError(UnavailableError):
    """The connection ended, or the server stopped speaking SMTP."""


class Reply(NamedTuple):
    """A reply of the server: three digits (-1: none that could be read) and its words as they came."""

    code: int
    raw: bytes

    @property
    def text(self) -> str:
        """The words on one line, without what a terminal or a log would obey, 300 characters at most."""
        words = re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", self.raw.decode(errors="replace"))
        return words.strip()[:LONGEST_REPLY]

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code > 0 else f"no SMTP reply: {self.text}"

    @property
    def outcome(self) -> DeliveryOutcome:
        """What the first digit says (RFC 5321, 4.2.1), UNKNOWN when it says nothing final."""
        said = {2: DeliveryOutcome.ACCEPTED, 4: DeliveryOutcome.DEFERRED, 5: DeliveryOutcome.REFUSED}
        return said.get(self.code // 100, DeliveryOutcome.UNKNOWN)

    @property
    def good(self) -> bool:
        return self.outcome is DeliveryOutcome.ACCEPTED


class SmtpConnection:
    """An open, sealed and logged-in connection; `usable` turns False for good when it broke or lost its step."""

    def __init__(self, smtp: smtplib.SMTP, account: SmtpAccount) -> None:
        self._smtp, self._account = smtp, account
        self.usable = True
        # The final dot goes in a segment of its own; Nagle's algorithm would hold it back for 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = smtp.file = ReplyReader(self._socket, _read_ahead(smtp))

    @property
    def logged_in(self) -> bool:
        return bool(self._account.username)

    @property
    def size_limit(self) -> int:
        """Bytes that a mail may have (RFC 1870), 0 when the server sets no limit."""
        said = self._smtp.esmtp_features.get("size", "")
        return int(said) if said.isascii() and said.isdigit() else 0

    @property
    def tls(self) -> str:
        """The version of TLS, "" without it."""
        return (self._socket.version() or "") if isinstance(self._socket, ssl.SSLSocket) else ""

    @property
    def logins(self) -> list[str]:
        """The kinds of login that the server offers (RFC 4954), in capitals."""
        return self._smtp.esmtp_features.get("auth", "").upper().split()

    def offers(self, extension: str) -> bool:
        return extension.lower() in self._smtp.esmtp_features

    @property
    def pipelines(self) -> bool:
        """Whether commands may leave before the replies to earlier ones have come (RFC 2920)."""
        return self.offers("PIPELINING")

    def say(self, command: str) -> Reply:
        """Send one command and wait for its reply.

        Raises:
            LineBrokenError: there was none.
        """
        return self._said([command])[0]

    def say_all(self, commands: list[str]) -> list[Reply]:
        """Send commands and return the reply to each; in one go where the server offers PIPELINING (RFC 2920).

        Raises:
            LineBrokenError: a reply was missing.
        """
        return self._said(commands) if self.pipelines else [self.say(command) for command in commands]

    def send_body(self, mail: bytes) -> None:
        """Send a mail without the dot that ends it: until that has left, nothing is taken (RFC 5321, 4.1.1.4).

        Raises:
            LineBrokenError: the server is gone.
        """
        with self._breaking():
            self._smtp.send(_stuffed(mail))

    def unasked(self) -> Reply | None:
        """Return what the server said without being asked, None as a rule; the line has then lost its step.

        Such a reply would be read as the reply to the next command: before the dot, as the word that a letter is taken.

        Raises:
            LineBrokenError: the server closed the connection meanwhile.
        """
        with self._breaking():
            if not self._replies.more():
                return None
            reply = self._reply()
        self.usable = False
        return reply

    def final_dot(self) -> Reply:
        """End the mail and wait for the server's word; from here on the letter may have left.

        Raises:
            LineBrokenError: there was no word.
        """
        with self._breaking():
            self._smtp.send(b".\r\n")
            self._socket.settimeout(max(self._account.patience, self._account.timeout))
            reply = self._reply()
            self._socket.settimeout(self._account.timeout)
        self.usable = self.usable and reply.outcome is not DeliveryOutcome.UNKNOWN
        return reply

    def reset(self) -> None:
        """Forget the mail begun; a server that does not follow is left."""
        with contextlib.suppress(ConnectionLostError):
            self.usable = self.usable and self.say("RSET").good

    def quit(self) -> None:
        """Say goodbye when the line is sound, wait two seconds at most, and close."""
        with contextlib.suppress(OSError, ConnectionLostError):
            if self.usable:
                self._socket.settimeout(QUIT_PATIENCE)
                self.say("QUIT")
        self.close()

    def close(self) -> None:
        self.usable = False
        with contextlib.suppress(OSError):
            self._smtp.close()

    @property
    def _socket(self) -> socket.socket:
        if self._smtp.sock is None:  # smtplib closes by itself when a read or a write fails
            raise ConnectionLostError(f"the connection to {self._account.place} is closed")
        return self._smtp.sock

    def _said(self, commands: list[str]) -> list[Reply]:
        if any(character in command for command in commands for character in "\r\n"):
            raise ValueError("an SMTP command is one line")
        with self._breaking():
            self._smtp.send("".join(f"{command}\r\n" for command in commands).encode())
            return [self._reply() for _ in commands]

    def _reply(self) -> Reply:
        code, text = self._smtp.getreply()
        self.usable = self.usable and code > 0 and code != CLOSING
        return Reply(code, text)

    @contextlib.contextmanager
    def _breaking(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:  # all of smtplib's errors are a kind of it
            self.usable = False
            raise ConnectionLostError(_why(error, self._account)) from error


def _read_ahead(smtp: smtplib.SMTP) -> bytes:
    """Return what smtplib has read of the server's words and not used yet, nothing as a rule."""
    if smtp.file is None or smtp.sock is None:
        return b""
    patience = smtp.sock.gettimeout()
    smtp.sock.settimeout(0)
    try:
        return bytes(smtp.file.peek(1))
    except ssl.SSLWantReadError:
        return b""
    finally:
        smtp.sock.settimeout(patience)


def _stuffed(mail: bytes) -> bytes:
    """Return a mail whose lines all end with CRLF and none of them is a dot alone (RFC 5321, 4.5.2)."""
    rest = mail.replace(b"\r\n", b"")
    if b"\n" in rest or b"\r" in rest or not mail.endswith(b"\r\n"):
        # A bare line end before a dot would end the mail for some servers, so all line ends are made one kind.
        plain = mail.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n")
        mail = plain.replace(b"\n", b"\r\n") + b"\r\n"
    stuffed = mail.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


@contextlib.contextmanager
def plain_words(account: SmtpAccount) -> Iterator[None]:
    """Turn whatever the network, TLS or the server did into an OutageError that says who, what and why."""
    try:
        yield
    except OSError as error:
        raise UnavailableError(_why(error, account)) from error
    except UnicodeError as error:  # a host that no name can be, such as "a..b"
        raise UnavailableError(f"the name {account.host} is not known") from error


def _why(error: OSError, account: SmtpAccount) -> str:
    match error:
        case smtplib.SMTPNotSupportedError():
            return f"{account.place} does not offer STARTTLS, and letters do not go there unsealed"
        case smtplib.SMTPResponseException():
            said = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
            return f"{account.place} refuses us: {Reply(error.smtp_code, said)}"
        case _:
            return why(error, account.host, account.port)
