"""A small IMAP peer that answers as a test tells it, for what no real server does on demand: silence, lies, refusals."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Mapping
from typing import Self

#: never answers again
MUTE = b"(mute)"
#: closes the connection, after what stands before it
CLOSE = b"(close)"
#: waits a moment in the middle of an answer
PAUSE = b"(pause)"

ORDINARY: Mapping[str, bytes] = {
    "LIST": b'* LIST (\\HasNoChildren) "/" INBOX\r\n',
    "NAMESPACE": b'* NAMESPACE (("" "/")) NIL NIL\r\n',
    "SELECT": (
        b"* FLAGS (\\Seen \\Deleted)\r\n* 1 EXISTS\r\n* 0 RECENT\r\n* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] ok\r\n"
        b"* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 2] ok\r\n"
    ),
}


class ScriptedImap:
    """Answers each command with the script's longest matching beginning ("UID FETCH 1 (BODY"), then with a plain OK.

    An answer is the untagged lines as they go over the wire; one that begins with "NO", "BAD" or "OK" is the tagged one.
    IDLE is answered with "+ idling" and the script's lines. `commands` is what the client said, without tags.
    """

    def __init__(
        self, script: Mapping[str, bytes], *, capabilities: str = "", greeting: bytes = b"* OK ready\r\n"
    ) -> None:
        self.script = {
            **ORDINARY,
            "CAPABILITY": f"* CAPABILITY IMAP4rev1 {capabilities}\r\n".encode(),
            **script,
        }
        self.greeting = greeting
        self.commands: list[str] = []
        self.ended = threading.Event()

    def __enter__(self) -> Self:
        peer = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    peer.converse(self.connection)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = int(self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def converse(self, line: socket.socket) -> None:
        with line.makefile("rb") as said:
            if not self._say(line, self.greeting):
                return
            for command in said:
                tag, _, rest = command.decode().strip().partition(" ")
                self.commands.append(rest or tag)
                if not self._answer(line, tag, rest):
                    return

    def _answer(self, line: socket.socket, tag: str, command: str) -> bool:
        answer = self._scripted(command) if command else b"" if tag == "DONE" else b"+ \r\n"
        if command.upper() == "IDLE":
            self.idle_tag = tag
            return self._say(line, b"+ idling\r\n") and self._say(line, answer)
        if command.upper().startswith("AUTHENTICATE"):
            self.idle_tag = tag
            return self._say(line, answer or b"+ \r\n")
        if not command:
            return self._say(line, self.idle_tag.encode() + b" OK done\r\n")
        if answer.startswith((b"NO", b"BAD", b"OK")):
            return self._say(line, tag.encode() + b" " + answer + b"\r\n")
        return self._say(line, answer) and self._say(line, tag.encode() + b" OK done\r\n")

    def _scripted(self, command: str) -> bytes:
        matching = [start for start in self.script if command.upper().startswith(start.upper())]
        return self.script[max(matching, key=len)] if matching else b""

    def _say(self, line: socket.socket, answer: bytes) -> bool:
        if answer == MUTE:
            self.ended.wait()
            return False
        pieces = answer.removesuffix(CLOSE).split(PAUSE)
        for number, piece in enumerate(pieces):
            self.ended.wait(0.2 if number else 0)
            line.sendall(piece)
        return not answer.endswith(CLOSE)
