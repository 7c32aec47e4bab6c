"""What systemd is to a service of Type=notify: a socket that hears it, and a directory of credentials."""

import os
import shutil
import socket
from collections.abc import Mapping
from threading import Condition, Thread
from typing import Self

from tests.servers.machine import new_directory

_END = b"the manager goes"


class Manager:
    """`environment()` is what a service is started with; `wait("READY=1")` waits until the service has said it.

    It hears all the time, as systemd does: a socket that nobody reads holds ten words and then holds up the service.
    """

    def __init__(self, *, watchdog: float = 2.0, abstract: bool = False) -> None:
        self.watchdog, self.abstract = watchdog, abstract

    def __enter__(self) -> Self:
        self.directory = new_directory("fu-sd-")
        path = str(self.directory / "notify")
        self.address = f"@{path}" if self.abstract else path
        self._place = "\0" + path if self.abstract else path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self._place)
        self._heard: list[str] = []
        self._news = Condition()
        self._thread = Thread(target=self._hear, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(_END, self._place)
        self._thread.join(10)
        self.socket.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def environment(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the service; `credentials` are secrets by name."""
        kept = self.directory / "credentials"
        kept.mkdir(mode=0o700, exist_ok=True)
        for name, secret in credentials.items():
            (kept / name).write_text(secret)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "NOTIFY_SOCKET": self.address,
            "CREDENTIALS_DIRECTORY": str(kept),
            "WATCHDOG_USEC": str(int(self.watchdog * 1e6)),
            "JOURNAL_STREAM": "8:1",
        }

    def wait(self, line: str, seconds: float = 30.0) -> None:
        """Wait until the service says a line, and forget all that it said before that.

        Raises:
            TimeoutError: it did not say so.
        """
        with self._news:
            if not self._news.wait_for(lambda: line in self._heard, seconds):
                raise TimeoutError(f"{line} was not said within {seconds:g} seconds")
            del self._heard[: self._heard.index(line) + 1]

    def so_far(self) -> list[str]:
        """Return all that the service has said since the last line that was waited for."""
        with self._news:
            return list(self._heard)

    def _hear(self) -> None:
        while (said := self.socket.recv(8192)) != _END:
            with self._news:
                self._heard += said.decode().splitlines()
                self._news.notify_all()
