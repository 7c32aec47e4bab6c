# ruff: noqa: SLF001 - imapclient gives no access to imaplib's buffer and lines, which must be corrected
"""One IMAP connection: imapclient with its known faults corrected (docs/mail.md, IMAP library traps), and the login.

Every failure to connect or to log in becomes a sentence for the administrator.
"""

import contextlib
import imaplib
import logging
import re
import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.imap_utf7 import decode as decode_utf7
from imapclient.tls import IMAP4_TLS

from followupd.adapters.imap.responses import Row, as_number, parse_rows
from followupd.adapters.network import Allowance, is_loopback, trusting, why
from followupd.errors import LoginRefusedError, UnavailableError

MAX_RESPONSE = 8 * 2**20  # bytes in answer to one command; we never ask for more than a few MB
#: an answer must end within so many times the wait for its next bytes
PATIENCE = 5
DEFAULT_TIMEOUT = 60.0  # seconds
LOGOUT_TIMEOUT = 2.0  # seconds; a server that does not answer must not delay our stop
_UPDATES = ("EXISTS", "FETCH")
#: imaplib would keep these for as long as the connection lasts
_IGNORED = ("EXPUNGE", "RECENT", "VANISHED")
_NUMBER = re.compile(rb"[0-9]{1,10}")
_MODSEQ = re.compile(rb"\(MODSEQ (\d+)\)", re.IGNORECASE)
# What it warns of, such as TLS at port 143, `check` says with its line.
logging.getLogger("imapclient").setLevel(logging.ERROR)


class _ResponseReader:
    """Replaces imaplib's buffered file.

    What is buffered can be seen, a timeout within a line loses nothing, and no answer is endless.
    """

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        self.connection = connection
        self.buffer = bytearray()
        self.allowance = Allowance(MAX_RESPONSE, PATIENCE * timeout)

    def fill(self) -> bool:
        """Wait for bytes; False at the end of the connection."""
        received = self.connection.recv(65536)
        self.allowance.spend(len(received))
        self.buffer += received
        return bool(received)

    def _take(self, size: int) -> bytes:
        """Return the first bytes of the buffer and remove them from it."""
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def readline(self, _limit: int = -1) -> bytes:
        """Return one line with its line end.

        At the end of the connection it is b"", which imaplib turns into an abort.
        """
        searched = 0
        while (end := self.buffer.find(b"\n", searched)) < 0:
            searched = len(self.buffer)
            if not self.fill():
                return b""  # imaplib turns this into abort("socket error: EOF")
        return self._take(end + 1)

    def read(self, size: int) -> bytes:
        """Return this many bytes, fewer at the end of the connection.

        Args:
            size: the size of a literal, as the server announced it (RFC 9051, section 4.3).

        Raises:
            IMAPClientAbortError: more was announced than any response of ours has; the connection is of no
                more use.
        """
        if size > MAX_RESPONSE:
            raise IMAPClientAbortError("a response is too long")
        while len(self.buffer) < size and self.fill():
            pass
        return self._take(size)


class _BoundedImap(imaplib.IMAP4):
    """imaplib with our reader from the greeting on; each command has a separate allowance."""

    _timeout: float | None
    reader: _ResponseReader

    def open(self, *arguments: Any, **named: Any) -> None:
        """Connect, and read with our reader from the first byte on."""
        super().open(*arguments, **named)
        self.install_reader()

    def install_reader(self) -> None:
        """Read from the present socket, with an empty buffer."""
        self.reader = _ResponseReader(self.sock, self._timeout or DEFAULT_TIMEOUT)

    def _get_capabilities(self) -> None:
        """Request the server's capabilities; after STARTTLS, over the encrypted connection.

        Bytes that arrived in clear text after the response are an error, never read as encrypted.
        """
        if self.reader.connection is not self.sock:
            if self.reader.buffer:
                raise IMAPClientAbortError("the server sent data before STARTTLS")
            self.install_reader()
        super()._get_capabilities()  # type: ignore[misc]  # it is private

    def readline(self) -> bytes:
        """Return one line."""
        return self.reader.readline()

    def read(self, size: int) -> bytes:
        """Return so many bytes."""
        return self.reader.read(size)

    def send(self, data: Any) -> None:
        """Send a command, or a part of one."""
        self.reader.allowance.begin()
        super().send(data)


class _PlainImap(_BoundedImap, IMAP4WithTimeout):  # type: ignore[misc]  # imapclient has no types
    """A connection without TLS, perhaps until STARTTLS."""


class _TlsImap(_BoundedImap, IMAP4_TLS):  # type: ignore[misc]  # as above
    """A connection with implicit TLS."""


class Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """IMAPClient with a reader of our own, an IDLE that loses no lines, and a parser for FETCH.

    `in_flight` is the UIDVALIDITY, followed by the UIDs of the new mails that are being fetched.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, timeout: float) -> None:
        self._updated = False
        self.in_flight: tuple[int, ...] = ()
        timeouts = SocketTimeout(timeout, timeout)
        super().__init__(host, port, ssl=context is not None, ssl_context=context, timeout=timeouts)
        self._imap.debug = (
            0  # imapclient sets 5, so that every response is formatted for a log that is not read
        )
        self._set_options()

    def _create_IMAP4(self) -> _BoundedImap:  # noqa: N802  imapclient's name
        """Return imaplib's part, whose constructor connects."""
        timeout = self._timeout.connect
        if self.ssl:
            context = self.ssl_context
            return _TlsImap(self.host, self.port, context, timeout)  # type: ignore[call-arg]  # as above
        return _PlainImap(self.host, self.port, timeout)

    @property
    def _reader(self) -> _ResponseReader:
        """Our reader of the connection."""
        reader: _ResponseReader = self._imap.reader
        return reader

    def _set_options(self) -> None:
        """Set the socket's options."""
        connection = self.socket()
        # imapclient sends the final CRLF of a command in a separate packet.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A peer that disappears during IDLE is noticed within two minutes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> Any:
        """Start TLS (RFC 9051, section 6.2.1).

        Args:
            ssl_context: which checks the certificate; None for imapclient's own.

        Raises:
            IMAPClientAbortError: bytes arrived in clear text after the response. Somebody on the way may
                have put them there, so they are never read as encrypted.
        """
        if self._reader.buffer:
            raise IMAPClientAbortError("the server sent data before STARTTLS")
        response = super().starttls(ssl_context)
        self._set_read_timeout()
        self._set_options()
        return response

    def end(self, *, log_out: bool = True) -> None:
        """Close the connection.

        Args:
            log_out: send LOGOUT first, which is skipped for a server that is in trouble.
        """
        with contextlib.suppress(IMAPClientError, OSError):
            if log_out:
                self.socket().settimeout(LOGOUT_TIMEOUT)
                self.logout()
        with contextlib.suppress(OSError):
            self._imap.shutdown()

    def folders(self) -> Iterator[tuple[frozenset[str], str, str]]:
        """List all folders; a name that is not UTF-7 hides no other folder.

        Yields:
            The flags in lower case, the delimiter, and the name of each folder.
        """
        self.folder_encode = False
        try:
            listed = self.list_folders()
        finally:
            self.folder_encode = True

        for flags, delimiter, name in listed:
            raw_name = name if isinstance(name, bytes) else str(name).encode()
            lower_flags = frozenset(flag.decode("ascii", "replace").lower() for flag in flags)
            yield lower_flags, decoded_name(delimiter or b""), decoded_name(raw_name)

    def select(self, folder: str) -> dict[bytes, Any]:
        """Select a folder, read-only where the server allows no more.

        Updates that were reported for the folder selected before are dropped.

        Args:
            folder: the server's name for it.

        Returns:
            The items of the response by name in capitals: UIDVALIDITY, UIDNEXT, EXISTS, and HIGHESTMODSEQ
            where the server counts changes.
        """
        try:
            response = dict(self.select_folder(folder))
        except imaplib.IMAP4.readonly:
            response = dict(self.select_folder(folder, readonly=True))
        self.take_updates()
        return response

    def examine(self, folder: str) -> None:
        """Open a folder so that nothing in it can change, not even which mails are recent (RFC 9051, 6.3.3).

        Args:
            folder: the server's name for it.
        """
        self.select_folder(folder, readonly=True)
        self.take_updates()

    def take_updates(self) -> bool:
        """Return whether the server reported a change since the last call, among other responses."""
        responses = self._imap.untagged_responses
        reported = [responses.pop(name, None) for name in _UPDATES]
        for name in _IGNORED:
            responses.pop(name, None)
        updated = self._updated or any(reported)
        self._updated = False
        return updated

    def keywords(self) -> tuple[str, ...]:
        """Return the flags and keywords that mails of the selected folder have, by the latest FLAGS."""
        responses = self._imap.untagged_responses.get("FLAGS") or [b""]
        return tuple(responses[-1].decode("utf-8", "replace").strip("()").split())

    def fetch_rows(self, uids: Collection[int], items: str) -> dict[int, Row]:
        """Fetch data items of a few hundred mails.

        Args:
            uids: the mails; expunged ones are left out of the result (RFC 3501, section 7.4.2).
            items: the data items in parentheses, as FETCH takes them.

        Returns:
            The parsed responses by UID. A response that was not asked for counts as an update.
        """
        if not uids:
            return {}

        wanted = frozenset(uids)
        data = self._raw_command_untagged(b"FETCH", [uid_set(wanted), items.encode("ascii")])
        found: dict[int, Row] = {}
        for row in parse_rows(data):
            uid = as_number(row.get(b"UID"))
            unsolicited = uid not in wanted or uid in found  # the server reports a change by itself
            self._updated = self._updated or unsolicited
            if uid in wanted:
                found.setdefault(uid, {}).update(row)
        return found

    def search_uids(self, criteria: str) -> tuple[list[int], int]:
        """Search the selected folder.

        Args:
            criteria: in the syntax of SEARCH, ASCII.

        Returns:
            The UIDs, ascending, and the highest MODSEQ if the criteria ask for it, else 0 (RFC 7162, section
            3.1.5).
        """
        data = self._raw_command_untagged(b"SEARCH", [criteria.encode("ascii")])
        text = b" ".join(filter(None, data))
        modseq = max((int(match[1]) for match in _MODSEQ.finditer(text)), default=0)
        end = text.find(b"(")
        numbers = _NUMBER.finditer(text, 0, end if end >= 0 else len(text))  # a large folder has a million
        return sorted({int(match[0]) for match in numbers}), modseq

    def append_uid(self, folder: str, raw: bytes, flags: Iterable[str]) -> int:
        """Append a mail and return its UID (RFC 4315).

        Raises:
            IMAPClientError: it was refused, or the server did not tell its UID.
        """
        response = self.append(folder, raw, tuple(flags))
        found = re.search(rb"APPENDUID \d+ (\d+)", response)
        if not found:
            raise IMAPClientError("the server does not tell the UID of a new mail")
        return int(found[1])

    def store(self, uids: Collection[int], sign: str, flags: Iterable[str]) -> bool:
        r"""Add or remove flags; at Gmail, keywords are labels.

        Args:
            uids: the mails.
            sign: "+" to add, "-" to remove.
            flags: keywords, and system flags such as "\\Seen".

        Returns:
            False when the server refuses: a limit of keywords, or missing rights.
        """
        system = [flag for flag in flags if flag.startswith("\\")]
        keywords = [flag for flag in flags if not flag.startswith("\\")]
        items = {"FLAGS": [*keywords, *system]}
        if self.has_capability("X-GM-EXT-1"):
            items = {"X-GM-LABELS": keywords, "FLAGS": system}

        try:
            for item, names in items.items():
                if names and uids:
                    self._store_item(uids, f"{sign}{item}.SILENT", names)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            return False
        return True

    def _store_item(self, uids: Collection[int], item: str, names: Iterable[str]) -> None:
        """Send one STORE for the flags or labels of some mails."""
        arguments = [uid_set(uids), item.encode(), f"({' '.join(names)})".encode()]
        self._checkok("store", *self._raw_command(b"STORE", arguments))

    def noop(self) -> None:
        """Ask for updates; imapclient's own method would parse them and fail at an odd keyword."""
        self._checkok("noop", *self._imap.noop())

    def idle(self) -> None:
        """Start IDLE.

        What the server sends before its "+" counts as an update, where imapclient would give up.

        Raises:
            IMAPClientError: the server refused.
        """
        self._idle_tag = self._imap._command("IDLE")
        while self._imap._get_response() is not None:
            response = self._imap.tagged_commands.pop(self._idle_tag, None)
            if response:
                raise IMAPClientError(f"IDLE was refused: {response[1][0]!r}")

    def idle_done(self) -> None:
        """End IDLE; with a server that does not answer it ends at the socket's timeout.

        Raises:
            IMAPClientAbortError: the server sent "+" again instead of ending IDLE.
        """
        self._imap.send(b"DONE\r\n")
        while not self._imap.tagged_commands.get(self._idle_tag):
            if self._imap._get_response() is None:
                raise IMAPClientAbortError("the server did not end IDLE")
        self._checkok("idle", *self._imap.tagged_commands.pop(self._idle_tag))

    def wait_for_update(self, seconds: float) -> bool:
        """Wait for an unsolicited response.

        imapclient's idle_check loses lines that arrive with "+ idling", fails on half a line, and returns at
        once for ever when the connection is dead.

        Args:
            seconds: how long to wait at most.

        Returns:
            True if an update is buffered; `take_updates` fetches it.

        Raises:
            IMAPClientAbortError: the server sent BYE, ended IDLE or closed the connection.
        """
        deadline = monotonic() + seconds
        connection = self.socket()
        self._reader.allowance.begin()
        while True:
            while b"\n" in self._reader.buffer:
                self._read_response()
            self._updated = self.take_updates()
            if self._updated:
                return True

            decrypted = isinstance(connection, ssl.SSLSocket) and connection.pending()
            if not decrypted:
                left = deadline - monotonic()
                if left <= 0 or not self._poll_socket(connection, left):
                    return False
            if not self._reader.fill():
                raise IMAPClientAbortError("the server closed the connection")

    def _read_response(self) -> None:
        """Read one response that is buffered.

        Raises:
            IMAPClientAbortError: it is a BYE, or ends IDLE.
        """
        self._imap._get_response()
        bye = self._imap.untagged_responses.get("BYE")
        if bye:
            raise IMAPClientAbortError(bye[-1].decode("utf-8", "replace"))
        if self._idle_tag and self._imap.tagged_commands.get(self._idle_tag):
            raise IMAPClientAbortError("the server ended IDLE")


def decoded_name(name: bytes) -> str:
    """Decode the name of a folder or label from modified UTF-7 (RFC 9051, section 5.1).

    One that is not UTF-7 stays, so that a server with names in UTF-8 hides no folder; what is not ASCII in
    it is replaced.
    """
    try:
        return str(decode_utf7(name))
    except UnicodeDecodeError:
        return name.decode("ascii", "replace")


def uid_set(uids: Iterable[int]) -> bytes:
    """Return a message set with ranges ("1:200,305"), since servers limit the length of a command.

    Args:
        uids: in any order, each once; none gives b"", which no command takes.
    """
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return b",".join(b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in runs)


# --- the login ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a mailbox is and how to log in.

    Secrets are callables: they are read at each login and never shown. `token` returns an OAuth 2 access
    token (RFC 7628), another one than its argument, and replaces the password if it is given. `timeout` is in seconds,
    for each wait on the network.
    """

    name: str
    host: str
    port: int = 993
    security: str = "tls"  # tls | starttls | none (loopback only)
    username: str
    password: Callable[[], str] = field(repr=False)
    ca_file: str = ""
    inbox: str = "INBOX"
    sent: str = ""
    timeout: float = 60.0
    token: Callable[..., str] | None = field(default=None, repr=False)


def connect(account: Account) -> Client:
    """Connect, start TLS and log in.

    A password is sent without TLS only to this machine.

    Args:
        account: where to connect and how to log in; its secrets are read now.

    Raises:
        UnavailableError: with a sentence for the administrator that contains no secret.
    """
    with errors_explained(account):
        if account.security == "none" and not is_loopback(account.host):
            raise UnavailableError(f"{account.name}: a password is not sent to {account.host} without TLS")

        context = None if account.security == "none" else _tls_context(account)
        implicit_tls = context if account.security == "tls" else None
        client = Client(account.host, account.port, implicit_tls, account.timeout)
        try:
            _log_in(client, account, context)
        except BaseException:
            client.end(log_out=False)
            raise
        return client


def _tls_context(account: Account) -> ssl.SSLContext:
    """Return the TLS context that trusts the account's own CA, or the system's."""
    try:
        return trusting(account.ca_file)
    except OSError as error:
        message = f"{account.name}: the CA file {account.ca_file} cannot be read: {error}"
        raise UnavailableError(message) from error


def _log_in(client: Client, account: Account, context: ssl.SSLContext | None) -> None:
    """Start TLS where the account says so, log in, and enable CONDSTORE where the server has it.

    Args:
        client: connected, and not logged in.
        account: its token is used where it has one, else its password.
        context: of TLS, None where the account has none.
    """
    if account.security == "starttls":
        client.starttls(context)

    if account.token:
        _log_in_with_token(client, account.username, account.token())
    else:
        _log_in_with_password(client, account.username, account.password())

    if client.has_capability("CONDSTORE") and client.has_capability("ENABLE"):
        client.enable("CONDSTORE")  # now, because it is refused once a folder is selected


def _log_in_with_token(client: Client, username: str, token: str) -> None:
    """Log in with an OAuth 2 access token, by XOAUTH2 or by OAUTHBEARER (RFC 7628)."""
    if client.has_capability("AUTH=XOAUTH2") or not client.has_capability("AUTH=OAUTHBEARER"):
        client.oauth2_login(username, token)
    else:
        client.oauthbearer_login(username, token)


def _log_in_with_password(client: Client, username: str, password: str) -> None:
    """Log in by LOGIN or, for a server or a secret that LOGIN does not suit, by AUTHENTICATE PLAIN."""
    if (username + password).isascii() and not client.has_capability("LOGINDISABLED"):
        client.login(username, password)
    else:  # LOGIN carries ASCII only, AUTHENTICATE PLAIN carries UTF-8 (RFC 4616)
        client.plain_login(username, password)


@contextlib.contextmanager
def errors_explained(account: Account, prefix: str = "") -> Iterator[None]:
    """Turn an error of the network, of TLS or of the server into an UnavailableError.

    Args:
        account: the account that the sentence names.
        prefix: what could not be done ("the folder Sent cannot be read:").

    Raises:
        LoginRefusedError: the server refused the password.
        UnavailableError: with a sentence that says where it happened, what happened, and why.
    """
    try:
        yield
    except (IMAPClientError, OSError, ValueError) as error:
        sentence = f"{prefix} {_explanation(error, account)}".strip()
        kind = LoginRefusedError if isinstance(error, LoginError) else UnavailableError
        raise kind(f"{account.name}: {sentence}") from error


def _explanation(error: Exception, account: Account) -> str:
    """Return a sentence for an administrator.

    Which server, what failed, and in which words the server said so.
    """
    place = f"{account.host}:{account.port}"
    match error:
        case ssl.SSLError() if not isinstance(error, ssl.SSLCertVerificationError):
            return f"{why(error, account.host, account.port)} (security is {account.security!r})"
        case TimeoutError():
            return f"{place} did not answer within {account.timeout:g} seconds"
        case LoginError():
            return f"the login of {account.username} was refused: {_server_text(error)}"
        case CapabilityError():
            return f"{place} lacks what we need: {_server_text(error)}"
        case IMAPClientAbortError():
            return f"the connection to {place} ended: {_server_text(error)}"
        case IMAPClientError():
            return f"{place} refused: {_server_text(error)}"
        case OSError():
            return why(error, account.host, account.port)
        case _:
            return f"{place}: {error}"


def _server_text(error: Exception) -> str:
    """Return the server's text without imaplib's wrapping, on one line."""
    text = " ".join(str(error).split())
    text = re.sub(r"^(command: \w+ => |socket error: |\w+ failed: )+", "", text)
    text = re.sub(r"^b(['\"])(.*)\1$", r"\2", text)[:300]
    if text == "EOF":
        return "the server closed it"
    return text or type(error).__name__
