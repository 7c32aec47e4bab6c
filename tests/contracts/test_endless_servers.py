"""A mail server that never stops sending, or never ends an answer, holds neither a thread nor the memory."""

import contextlib
import gzip
import socketserver
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from requests.exceptions import RequestException

from followupd.adapters.imap.mailbox import Account, ImapMailbox, SyncCursor
from followupd.adapters.network import http_session
from followupd.adapters.oauth import GOOGLE, Application, refresh
from followupd.adapters.smtp.connection import SmtpAccount
from followupd.adapters.smtp.transport import SmtpTransport
from followupd.domain.letter import DeliveryOutcome
from followupd.errors import UnavailableError

#: seconds for which we wait for the next bytes
TIMEOUT = 1.0
#: seconds in which an answer ends in any case, on a machine that is very busy
AT_MOST = 60
MEMORY = 150 * 2**20

Talk = Callable[[Callable[[bytes], None], Callable[[], bytes]], None]


@contextmanager
def a_server(talk: Talk) -> Iterator[int]:
    """Serve one conversation; `talk(say, hear)`."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                talk(self.connection.sendall, self.rfile.readline)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def bounded() -> Iterator[None]:
    """Fail if the block takes long or much memory."""
    tracemalloc.start()
    began = monotonic()
    try:
        yield
        assert monotonic() - began < AT_MOST
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


def for_ever(say: Callable[[bytes], None], piece: bytes, *, slowly: bool = False) -> None:
    """Send the same until the client has gone away."""
    never = threading.Event()
    block = piece if slowly else piece * (65536 // len(piece) + 1)
    while True:
        say(block)
        never.wait(0.2 if slowly else 0)


def imap(answer: bytes, *, to: bytes = b"", before: bytes = b"", slowly: bool = False) -> Talk:
    """Talk IMAP as one should, until a command that begins so; then answer for ever. Without one, greet for ever."""
    usual = {
        b"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE NAMESPACE\r\n",
        b"LIST": b'* LIST () "/" INBOX\r\n',
        b"NAMESPACE": b'* NAMESPACE (("" "/")) NIL NIL\r\n',
        b"SELECT": b"* 9 EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT 9] .\r\n",
    }

    def talk(say: Callable[[bytes], None], hear: Callable[[], bytes]) -> None:
        if not to:
            for_ever(say, answer, slowly=slowly)
        say(b"* OK ready\r\n")
        while line := hear():
            tag, _, command = line.strip().partition(b" ")
            if command.startswith(to):
                say(before)
                for_ever(say, answer, slowly=slowly)
            say(usual.get(command.split()[0], b"") + tag + b" OK done\r\n")

    return talk


IMAP = {
    "a greeting without a line end": imap(b"x"),
    "greetings": imap(b"* OK hello\r\n"),
    "a greeting by drops": imap(b"x", slowly=True),
    "capabilities": imap(b"* CAPABILITY IMAP4rev1\r\n", to=b"CAPABILITY"),
    "folders": imap(b'* LIST () "/" INBOX\r\n', to=b"LIST"),
    "flags of a folder": imap(b"* FLAGS (a)\r\n", to=b"SELECT"),
    "a search of one line": imap(b"12345 ", to=b"UID SEARCH", before=b"* SEARCH "),
    "searches": imap(b"* SEARCH 1\r\n", to=b"UID SEARCH"),
    "a search by drops": imap(b"1 ", to=b"UID SEARCH", before=b"* SEARCH ", slowly=True),
    "a literal": imap(b"x", to=b"UID SEARCH", before=b"* 1 FETCH (BODY[] {66000000}\r\n"),
    "a literal without end": imap(b"x", to=b"UID SEARCH", before=b"* 1 FETCH (BODY[] {3000000000}\r\n"),
    "news in a search": imap(b"* 4 EXISTS\r\n", to=b"UID SEARCH"),
}


def a_mailbox(port: int) -> ImapMailbox:
    return ImapMailbox(
        Account(
            name="support",
            host="127.0.0.1",
            port=port,
            security="none",
            username="u",
            password=lambda: "p",
            timeout=TIMEOUT,
        )
    )


def reads(mailbox: ImapMailbox) -> None:
    mailbox.open()
    list(mailbox.changes("INBOX", SyncCursor(7, 1)))


def waits(mailbox: ImapMailbox) -> None:
    for _ in range(100):
        mailbox.wait("INBOX", 1, lambda: False)


@pytest.mark.parametrize("form", IMAP)
def test_an_imap_server_that_never_stops_is_left(form: str) -> None:
    with a_server(IMAP[form]) as port:
        mailbox = a_mailbox(port)
        with bounded(), pytest.raises(UnavailableError):
            reads(mailbox)
        mailbox.close()


def test_an_imap_server_whose_news_never_stop_is_left() -> None:
    with a_server(imap(b"* 4 EXISTS\r\n", to=b"IDLE", before=b"+ idling\r\n")) as port:
        mailbox = a_mailbox(port)
        mailbox.open()
        with bounded(), pytest.raises(UnavailableError):
            waits(mailbox)
        mailbox.close()


def smtp(answer: bytes, *, to: bytes = b"", slowly: bool = False) -> Talk:
    """Talk SMTP as one should, until a command that begins so; then answer for ever. Without one, greet for ever."""
    usual = {b"EHLO": b"250-here\r\n250 8BITMIME\r\n", b"DATA": b"354 go on\r\n"}

    def talk(say: Callable[[bytes], None], hear: Callable[[], bytes]) -> None:
        if not to:
            for_ever(say, answer, slowly=slowly)
        say(b"220 here\r\n")
        in_data = False
        while line := hear():
            if line.upper().startswith(to):
                for_ever(say, answer, slowly=slowly)
            if in_data and line != b".\r\n":
                continue
            in_data = line.upper().startswith(b"DATA")
            say(usual.get(line[:4].upper(), b"250 ok\r\n"))

    return talk


SMTP = {
    "a greeting": (smtp(b"220-x\r\n"), DeliveryOutcome.DEFERRED),
    "a greeting by drops": (smtp(b"220-x\r\n", slowly=True), DeliveryOutcome.DEFERRED),
    "a greeting without a line end": (smtp(b"2"), DeliveryOutcome.DEFERRED),
    "extensions": (smtp(b"250-X\r\n", to=b"EHLO"), DeliveryOutcome.DEFERRED),
    "a sender": (smtp(b"250-x\r\n", to=b"MAIL"), DeliveryOutcome.DEFERRED),
    "data": (smtp(b"354-x\r\n", to=b"DATA"), DeliveryOutcome.DEFERRED),
    "a dot": (smtp(b"250-x\r\n", to=b".\r\n"), DeliveryOutcome.UNKNOWN),
    "a dot by drops": (smtp(b"250-x\r\n", to=b".\r\n", slowly=True), DeliveryOutcome.UNKNOWN),
    "a dot letter by letter": (smtp(b"2", to=b".\r\n", slowly=True), DeliveryOutcome.UNKNOWN),
}


@pytest.mark.parametrize("form", SMTP)
def test_an_smtp_server_that_never_stops_is_left_and_only_after_the_dot_in_doubt(form: str) -> None:
    talk, outcome = SMTP[form]
    with a_server(talk) as port:
        account = SmtpAccount(
            host="127.0.0.1", port=port, security="none", timeout=TIMEOUT, final_timeout=TIMEOUT
        )
        with bounded(), SmtpTransport(account) as transport:
            result = transport.deliver(b"Subject: x\r\n\r\nhi\r\n", sender="a@b.test", to="c@d.test")
        assert result.outcome is outcome


def http(answer: bytes, *, before: bytes = b"", slowly: bool = False) -> Talk:
    """Hear a request, and answer for ever; b"" is no answer."""

    def talk(say: Callable[[bytes], None], hear: Callable[[], bytes]) -> None:
        while hear().strip():
            pass
        say(before)
        if answer:
            for_ever(say, answer, slowly=slowly)
        hear()  # the body
        hear()

    return talk


FOUND = b"HTTP/1.1 200 OK\r\n"
CHUNKED = FOUND + b"Transfer-Encoding: chunked\r\n\r\n"
HTTP = {
    "nothing": http(b""),
    "a status line by drops": http(b"x", before=b"HTTP/1.1 200 ", slowly=True),
    "answers that are none yet": http(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "fields": http(b"X: y\r\n", before=FOUND),
    "a field by drops": http(b"x", before=FOUND + b"X: ", slowly=True),
    "a body": http(b"x", before=FOUND + b"\r\n"),
    "a body by drops": http(b"x", before=FOUND + b"Content-Length: 90000\r\n\r\n", slowly=True),
    "pieces": http(b"9\r\nxxxxxxxxx\r\n", before=CHUNKED),
    "pieces by drops": http(b"1\r\nx\r\n", before=CHUNKED, slowly=True),
    "a piece by drops": http(b"x", before=CHUNKED + b"90000\r\n", slowly=True),
}


@pytest.mark.parametrize("form", HTTP)
def test_a_login_server_that_never_stops_is_left(form: str, tmp_path: Path) -> None:
    with a_server(HTTP[form]) as port:
        application = Application(
            name="support",
            auth=GOOGLE,
            username="u@shop.test",
            client="c",
            file=tmp_path / "t.json",
            endpoint=f"http://127.0.0.1:{port}/token",
            patience=TIMEOUT,
        )
        with bounded(), pytest.raises(UnavailableError):
            refresh(application, "r")


@pytest.mark.parametrize("form", HTTP)
def test_a_session_of_http_leaves_a_server_that_never_stops(form: str) -> None:
    with a_server(HTTP[form]) as port:
        session = http_session("", 2**20, TIMEOUT)
        with bounded(), pytest.raises((RequestException, ConnectionAbortedError)):
            session.get(f"http://127.0.0.1:{port}/", timeout=9.0)
        session.close()


def test_a_packed_answer_that_grows_without_end_is_left() -> None:
    bomb = gzip.compress(bytes(400 * 2**20), 9)
    head = FOUND + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with a_server(http(b"", before=head + bomb)) as port:
        session = http_session("", 2**20, AT_MOST)
        with bounded(), pytest.raises(ConnectionAbortedError):
            session.get(f"http://127.0.0.1:{port}/", timeout=9.0)
        session.close()
