"""A plug in a server's cable: passes bytes on both ways, and pulls the line at a word that a test names."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Self


@dataclass
class Cut:
    """Where the next line is pulled: at a word of the client's, before the server hears it or when it begins to answer."""

    word: bytes
    heard: bool
    done: int = 0
    times: int = 1

    def falls(self, said: bytes) -> bool:
        return self.done < self.times and self.word in said.upper()


class Plug:
    """Listens at `port` for clients of a server at `to`; `cuts` are tried in order, and `pulled` counts lines that were cut."""

    def __init__(self, to: int) -> None:
        self._to = to
        self.cuts: list[Cut] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lines: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for line in self._lines:
            line.close()

    def cut(self, word: bytes, *, heard: bool, times: int = 1) -> Cut:
        cut = Cut(word, heard, times=times)
        self.cuts.append(cut)
        return cut

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._lines += [client, server]
                silent = threading.Event()
                threading.Thread(target=self._up, args=(client, server, silent), daemon=True).start()
                threading.Thread(target=self._down, args=(server, client, silent), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while said := client.recv(65536):
                cut = next((cut for cut in self.cuts if cut.falls(said)), None)
                if cut is None:
                    server.sendall(said)
                    continue
                cut.done += 1
                if not cut.heard:
                    break
                silent.set()  # the server does as it is told, and nobody hears that it did
                server.sendall(said)
        if not silent.is_set():
            _pulled(client, server)

    def _down(self, server: socket.socket, client: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while said := server.recv(65536):
                if silent.is_set():
                    client.sendall(said[: len(said) // 3])  # in the middle of a line
                    break
                client.sendall(said)
        _pulled(client, server)


def _pulled(*lines: socket.socket) -> None:
    for line in lines:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()
