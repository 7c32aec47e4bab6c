"""A bare TCP peer that speaks just enough SMTP to break off, stall or talk nonsense at any point of it."""

import contextlib
import socket
import ssl
import struct
import threading
from collections import defaultdict, deque
from typing import BinaryIO, Self

import trustme

#: the line dies by a reset, without a word
CUT = b"cut"
#: the line is closed in good order, without a word
HANG_UP = b"hang up"
#: no word comes any more, and the line stays open
STALL = b"stall"
#: the usual reply is given, then the line is closed
CUT_AFTER = b"cut after"
#: a turn's reply as it stands ("451 later", perhaps several lines with CRLF between), or one of the four above
Action = str | bytes

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _OverError(Exception):
    """This connection has ended as scripted."""


class _Talk:
    """One connection and what was agreed on it so far."""

    def __init__(self, line: socket.socket) -> None:
        self.sealed = False
        self.recipients: list[str] = []
        self.take(line)

    def take(self, line: socket.socket) -> None:
        self.line = line
        self.reader: BinaryIO = line.makefile("rb")

    def command(self) -> str:
        return self.reader.readline().decode().rstrip("\r\n")

    def say(self, words: str) -> None:
        self.line.sendall(f"{words}\r\n".encode())

    def end(self, how: bytes, closing: threading.Event) -> None:
        if how == STALL:
            closing.wait(60)  # reading nothing meanwhile
        if how == CUT:
            self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        raise _OverError


class ScriptedSmtp:
    """`plan(stage, *actions)` scripts the next turns of a stage; a turn without a plan goes as it should.

    Stages: connect, ehlo, starttls, handshake, auth, mail, rcpt, data, body, dot, rset, quit. `accepted` holds what was
    taken: the recipients, and the mail with its dots undone. A mail is taken when its dot has come and is not answered
    with a 4xx or 5xx: a CUT at `dot` is RFC 1047's gap. `commands` is what the client said.
    """

    def __init__(
        self, authority: trustme.CA | None = None, offers: tuple[str, ...] = ("SIZE 1000000", "AUTH PLAIN")
    ) -> None:
        self.offers = offers
        self.plans: dict[str, deque[Action]] = defaultdict(deque)
        self.accepted: list[tuple[list[str], bytes]] = []
        self.commands: list[str] = []
        self.connections = 0
        self._context: ssl.SSLContext | None = None
        if authority:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost", "127.0.0.1").configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._closing = threading.Event()
        self._talks: set[_Talk] = set()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]

    def plan(self, stage: str, *actions: Action) -> None:
        self.plans[stage].extend(actions)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for talk in list(self._talks):
            with contextlib.suppress(OSError):
                talk.line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, line: socket.socket) -> None:
        talk = _Talk(line)
        self._talks.add(talk)
        try:
            self._turn(talk, "connect", "220 scripted.test ESMTP")
            while command := talk.command():
                self.commands.append(command)
                self._answer(talk, command.split()[0].upper(), command)
        except (_OverError, OSError):
            pass
        finally:
            self._talks.discard(talk)
            talk.reader.close()
            talk.line.close()

    def _answer(self, talk: _Talk, verb: str, command: str) -> None:
        match verb:
            case "EHLO" | "HELO":
                self._turn(talk, "ehlo", self._offer(talk))
            case "STARTTLS":
                self._vault(talk)
            case "AUTH":
                self._turn(talk, "auth", "235 2.7.0 ok")
            case "MAIL" | "RSET":
                talk.recipients = []
                self._turn(talk, verb.lower(), "250 2.0.0 ok")
            case "RCPT":
                if self._turn(talk, "rcpt", "250 2.1.5 ok"):
                    talk.recipients.append(command.partition("<")[2].partition(">")[0])
            case "DATA":
                if self._turn(talk, "data", "354 go ahead"):
                    self._receive(talk)
            case "QUIT":
                self._turn(talk, "quit", "221 bye")
                raise _OverError
            case _:
                talk.say("500 what?")

    def _offer(self, talk: _Talk) -> str:
        vault = ["STARTTLS"] if self._context and not talk.sealed else []
        *words, last = ["scripted.test", *vault, *self.offers]
        return "\r\n".join([*(f"250-{word}" for word in words), f"250 {last}"])

    def _vault(self, talk: _Talk) -> None:
        if self._turn(talk, "starttls", "220 go on") and self._context:
            self._turn(talk, "handshake", "")
            talk.reader.close()
            talk.take(self._context.wrap_socket(talk.line, server_side=True))
            talk.sealed = True

    def _receive(self, talk: _Talk) -> None:
        lines = [talk.reader.readline()]
        self._turn(talk, "body", "")
        while lines[-1] not in {b".\r\n", b""}:
            lines.append(talk.reader.readline())
        if not lines.pop():
            raise _OverError  # the client left before the dot: nothing is taken
        action = self.plans["dot"][0] if self.plans["dot"] else ""
        if not (isinstance(action, str) and action[:1] in {"4", "5"}):
            mail = b"".join(line.removeprefix(b".") for line in lines)
            self.accepted.append((talk.recipients, mail))
        self._turn(talk, "dot", "250 2.0.0 queued")

    def _turn(self, talk: _Talk, stage: str, usual: str) -> bool:
        """Play the next action of a stage; True when it went as it should."""
        action = self.plans[stage].popleft() if self.plans[stage] else usual
        said = usual if action == CUT_AFTER else action
        if isinstance(said, bytes):
            talk.end(said, self._closing)
        elif said:
            talk.say(said)
        if action == CUT_AFTER:
            talk.end(HANG_UP, self._closing)
        return said[:1] in {"2", "3", ""}
