"""A mailbox of one test's own on a real IMAP server, and the hand of an agent or a customer in it."""

import contextlib
import itertools
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from smtplib import LMTP

from imapclient import IMAPClient

_numbers = itertools.count(1)


def unique(name: str) -> str:
    """Return a name that no other test of this run has: "support" becomes "support-7"."""
    return f"{name}-{next(_numbers)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Postbox:
    """One user of a test server: where it is, how to log in, and what people do there with ordinary clients."""

    host: str
    port: int  # TLS from the start
    starttls_port: int  # clear text, STARTTLS offered
    lmtp_port: int
    ca_file: str
    username: str
    password: str = field(repr=False)
    address: str
    #: what stands before the names of folders below the inbox
    prefix: str = ""
    #: when a mail comes, in a world with a time of its own; None is the time of the server
    clock: Callable[[], datetime] | None = None

    @contextlib.contextmanager
    def client(self) -> Iterator[IMAPClient]:
        """Open a plain imapclient, as an agent's mail client would, independent of the door under test.

        TLS would cost more than all that is done over most connections, and is not what they are for.
        """
        with IMAPClient(self.host, self.starttls_port, ssl=False, timeout=120) as client:
            client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if client.has_capability("LOGINDISABLED"):
                client.starttls(ssl.create_default_context(cafile=self.ca_file))
            client.login(self.username, self.password)
            yield client

    def append(self, raw: bytes, folder: str = "INBOX", flags: Iterable[str] = ()) -> None:
        with self.client() as client:
            client.append(folder, raw, tuple(flags), self.clock and self.clock())

    def deliver(self, raw: bytes, sender: str = "customer@customers.test") -> None:
        """Hand a mail over, as a mail server does."""
        self.deliver_all([(raw, sender)])

    def deliver_all(self, mails: Iterable[tuple[bytes, str]]) -> None:
        """Hand mails with their senders over in one session: by LMTP, which knows no other time than the present."""
        waiting = list(mails)
        if waiting and self.clock:
            with self.client() as client:
                for raw, sender in waiting:
                    client.append("INBOX", self._received(raw, sender), (), self.clock())
        elif waiting:
            with LMTP("127.0.0.1", self.lmtp_port) as line:
                for raw, sender in waiting:
                    line.sendmail(sender, [self.address], raw)

    def _received(self, raw: bytes, sender: str) -> bytes:
        """Return a mail with the header lines and the line ends that a server's LMTP gives it."""
        envelope = (
            f"Return-Path: <{sender}>\nDelivered-To: {self.address}\nReceived: by localhost with LMTP\n"
        )
        return re.sub(rb"\r?\n|\r", b"\r\n", envelope.encode() + raw)

    def mark(self, uid: int, *keywords: str, folder: str = "INBOX") -> None:
        with self.client() as client:
            client.select_folder(folder)
            client.add_flags([uid], keywords)

    def unmark(self, uid: int, *keywords: str, folder: str = "INBOX") -> None:
        with self.client() as client:
            client.select_folder(folder)
            client.remove_flags([uid], keywords)

    def flags(self, uid: int, folder: str = "INBOX") -> frozenset[str]:
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            return frozenset(flag.decode() for flag in client.get_flags([uid])[uid])

    def uids(self, folder: str = "INBOX") -> list[int]:
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            return list(client.search("ALL"))

    def raw(self, uid: int, folder: str = "INBOX") -> bytes:
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            return bytes(client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"])

    def all_raw(self, folder: str = "INBOX") -> list[bytes]:
        return [self.raw(uid, folder) for uid in self.uids(folder)]
