# ruff: noqa: SLF001 - imapclient's holes can only be closed from inside: it offers no way to imaplib's buffer and lines
"""One IMAP connection: imapclient with its known holes closed (each was met on a real server)."""

import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Collection, Iterable, Iterator
from time import monotonic
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError
from imapclient.imap_utf7 import decode as decode_utf7

from followupd.adapters.imap.responses import Row, number, rows

LARGEST_ANSWER = 64 * 2**20  # bytes of one line or literal; we never ask for more than a few MB
LOGOUT_PATIENCE = 2.0  # seconds; a mute server must not hold up our stop
_NEWS = ("EXISTS", "FETCH")
_NO_NEWS = ("EXPUNGE", "RECENT", "VANISHED")  # imaplib would keep them for as long as the connection lasts
_MODSEQ = re.compile(rb"\(MODSEQ (\d+)\)", re.IGNORECASE)


class _ResponseReader:
    """Takes the place of imaplib's buffered file: we see what is buffered, and a timeout in mid-line loses nothing."""

    def __init__(self, line: socket.socket) -> None:
        self.line, self.buffer = line, bytearray()

    def fill(self) -> bool:
        """Wait for bytes; False at the connection's end."""
        received = self.line.recv(65536)
        self.buffer += received
        if len(self.buffer) > LARGEST_ANSWER:
            raise IMAPClientAbortError("an answer is too long")
        return bool(received)

    def _take(self, size: int) -> bytes:
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def readline(self, _limit: int = -1) -> bytes:
        searched = 0
        while (end := self.buffer.find(b"\n", searched)) < 0:
            searched = len(self.buffer)
            if not self.fill():
                return b""  # imaplib makes abort("socket error: EOF") of it
        return self._take(end + 1)

    def read(self, size: int) -> bytes:
        if size > LARGEST_ANSWER:
            raise IMAPClientAbortError("an answer is too long")
        while len(self.buffer) < size and self.fill():
            pass
        return self._take(size)


class Client(IMAPClient):  # type: ignore[misc]  # imapclient carries no types
    """IMAPClient with its own reader, an IDLE that neither loses nor spins, and fetches read by `answers`."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, timeout: float) -> None:
        self._told = False
        self.in_hand: tuple[
            int, ...
        ] = ()  # the UIDVALIDITY, then the UIDs of the new mails that are being fetched
        patience = SocketTimeout(timeout, timeout)
        super().__init__(host, port, ssl=context is not None, ssl_context=context, timeout=patience)
        self._imap.debug = 0  # imapclient sets 5: every answer is formatted for a log that nobody reads
        self._install_reader()

    def _install_reader(self) -> None:
        line = self.socket()
        line.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # imapclient sends "\r\n" in a packet of its own
        line.setsockopt(
            socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1
        )  # a peer that died in IDLE is noticed in two minutes
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        self._reader = _ResponseReader(line)
        self._imap.readline, self._imap.read = self._reader.readline, self._reader.read

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> Any:
        """Turn to TLS. What came in clear text with the answer is dropped with imaplib's buffer, never read as sealed."""
        if self._reader.buffer:
            raise IMAPClientAbortError("the server spoke out of turn before STARTTLS")
        del self._imap.readline, self._imap.read
        answer = super().starttls(ssl_context)
        self._set_read_timeout()
        self._install_reader()
        return answer

    def end(self, *, politely: bool = True) -> None:
        """Close; `politely` logs out first, which a server that is in trouble is not asked for."""
        with contextlib.suppress(IMAPClientError, OSError):
            if politely:
                self.socket().settimeout(LOGOUT_PATIENCE)
                self.logout()
        with contextlib.suppress(OSError):
            self._imap.shutdown()

    def folders(self) -> Iterator[tuple[frozenset[str], str, str]]:
        """Yield each folder's flags (lower-case), delimiter and name; one name that is no UTF-7 hides no other folder."""
        self.folder_encode = False
        try:
            listed = self.list_folders()
        finally:
            self.folder_encode = True
        for flags, delimiter, name in listed:
            said = name if isinstance(name, bytes) else str(name).encode()
            yield (
                frozenset(flag.decode("ascii", "replace").lower() for flag in flags),
                readable(delimiter or b""),
                readable(said),
            )

    def select(self, folder: str) -> dict[bytes, Any]:
        """Select a folder, for reading only where the server allows no more; what it told of the last one is forgotten."""
        try:
            answer = dict(self.select_folder(folder))
        except imaplib.IMAP4.readonly:
            answer = dict(self.select_folder(folder, readonly=True))
        self.news()
        return answer

    def news(self) -> bool:
        """Say, once, whether the server told of a change by the way, among its answers to other commands."""
        said = self._imap.untagged_responses
        told = [said.pop(word, None) for word in _NEWS]
        for word in _NO_NEWS:
            said.pop(word, None)
        news, self._told = self._told or any(told), False
        return news

    def keywords(self) -> tuple[str, ...]:
        """Return every flag and keyword that the selected folder's mails carry, by its latest FLAGS answer."""
        said = self._imap.untagged_responses.get("FLAGS") or [b""]
        return tuple(said[-1].decode("utf-8", "replace").strip("()").split())

    def fetch_rows(self, uids: Collection[int], items: str) -> dict[int, Row]:
        """Fetch data items of a few hundred mails; those that are gone are left out (RFC 3501, 7.4.2)."""
        if not uids:
            return {}
        asked = frozenset(uids)
        data = self._raw_command_untagged(b"FETCH", [uid_set(asked), items.encode("ascii")])
        found: dict[int, Row] = {}
        for row in rows(data):
            uid = number(row.get(b"UID"))
            if uid in asked:
                self._told = self._told or uid in found
                found.setdefault(uid, {}).update(row)
            else:
                self._told = True  # the server's own word about another mail
        return found

    def search_uids(self, criteria: str) -> tuple[list[int], int]:
        """Return the UIDs, ascending, and the highest MODSEQ among them when the criteria ask for it (RFC 7162, 3.1.5)."""
        data = self._raw_command_untagged(b"SEARCH", [criteria.encode("ascii")])
        text = b" ".join(line for line in data if line)
        modseq = max((int(found[1]) for found in _MODSEQ.finditer(text)), default=0)
        return sorted({int(word) for word in text.partition(b"(")[0].split()}), modseq

    def append_uid(self, folder: str, raw: bytes, flags: Iterable[str]) -> int:
        """Append a mail and return its UID (RFC 4315).

        Raises:
            IMAPClientError: it was refused, or its UID was not told.
        """
        told = self.append(folder, raw, tuple(flags))
        if found := re.search(rb"APPENDUID \d+ (\d+)", told):
            return int(found[1])
        raise IMAPClientError("the server does not tell the UID of a new mail")

    def store(self, uids: Collection[int], sign: str, flags: Iterable[str]) -> bool:
        """Add ("+") or take away ("-") flags, on Gmail labels; False when the server refuses (a limit, no such right)."""
        system = [flag for flag in flags if flag.startswith("\\")]
        own = [flag for flag in flags if not flag.startswith("\\")]
        gmail = self.has_capability("X-GM-EXT-1")
        orders = (("X-GM-LABELS", own), ("FLAGS", system)) if gmail else (("FLAGS", [*own, *system]),)
        try:
            for item, names in orders:
                if names and uids:
                    order = f"{sign}{item}.SILENT", f"({' '.join(names)})"
                    self._checkok(
                        "store", *self._raw_command(b"STORE", [uid_set(uids), *(o.encode() for o in order)])
                    )
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            return False
        return True

    def noop(self) -> None:
        """Ask for news; imapclient would parse it, and stop at an odd keyword."""
        self._checkok("noop", *self._imap.noop())

    def idle(self) -> None:
        """Begin IDLE; what the server says before its "+" counts as news, where imapclient would give up."""
        self._idle_tag = self._imap._command("IDLE")
        while self._imap._get_response() is not None:
            if answer := self._imap.tagged_commands.pop(self._idle_tag, None):
                raise IMAPClientError(f"IDLE was refused: {answer[1][0]!r}")

    def idle_done(self) -> None:
        """End IDLE. A mute server ends it by the socket's timeout."""
        self._imap.send(b"DONE\r\n")
        while not self._imap.tagged_commands.get(self._idle_tag):
            if self._imap._get_response() is None:
                raise IMAPClientAbortError("the server goes on where IDLE should end")
        self._checkok("idle", *self._imap.tagged_commands.pop(self._idle_tag))

    def hears(self, seconds: float) -> bool:
        """Wait for new mail or changed flags, in IDLE or between commands; True leaves the news for `news`.

        imapclient's idle_check loses lines that came with "+ idling", breaks on half a line, and returns at once for
        ever when the line is dead.

        Raises:
            IMAPClientAbortError: the server said BYE, ended IDLE or closed the connection.
        """
        deadline, line = monotonic() + seconds, self.socket()
        while True:
            while b"\n" in self._reader.buffer:
                self._hear()
            self._told = self.news()
            if self._told:
                return True
            if not (isinstance(line, ssl.SSLSocket) and line.pending()):
                left = deadline - monotonic()
                if left <= 0 or not self._poll_socket(line, left):
                    return False
            if not self._reader.fill():
                raise IMAPClientAbortError("the server closed the connection")

    def _hear(self) -> None:
        self._imap._get_response()
        if bye := self._imap.untagged_responses.get("BYE"):
            raise IMAPClientAbortError(bye[-1].decode("utf-8", "replace"))
        if self._idle_tag and self._imap.tagged_commands.get(self._idle_tag):
            raise IMAPClientAbortError("the server ended IDLE")


def readable(name: bytes) -> str:
    """Decode a folder's or label's name from modified UTF-7 (RFC 9051, 5.1), or leave it as it stands."""
    try:
        return str(decode_utf7(name))
    except UnicodeDecodeError:
        return name.decode("ascii", "replace")


def uid_set(uids: Iterable[int]) -> bytes:
    """Write a message set, runs shortened ("1:200,305"), since servers limit a command's length."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return b",".join(b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in runs)
