"""What systemd is to a service of Type=notify: a socket that hears it, and a directory of credentials."""

import os
import shutil
import socket
from collections.abc import Mapping
from time import monotonic
from typing import Self

from tests.servers.machine import new_directory


class Manager:
    """`environment()` is what a service is started with; `wait("READY=1")` waits until the service has said it."""

    def __init__(self, *, watchdog: float = 2.0, abstract: bool = False) -> None:
        self.watchdog, self.abstract = watchdog, abstract

    def __enter__(self) -> Self:
        self.directory = new_directory("fu-sd-")
        path = str(self.directory / "notify")
        self.address = f"@{path}" if self.abstract else path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + path if self.abstract else path)
        self.heard: list[str] = []
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def environment(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the service; `credentials` are secrets by name."""
        kept, cache = self.directory / "credentials", self.directory / "cache"
        for place in (kept, cache):
            place.mkdir(mode=0o700, exist_ok=True)
        for name, secret in credentials.items():
            (kept / name).write_text(secret)
        return {
            "PATH": os.environ.get("PATH", os.defpath), "NOTIFY_SOCKET": self.address, "CREDENTIALS_DIRECTORY": str(kept), "CACHE_DIRECTORY": str(cache),
            "WATCHDOG_USEC": str(int(self.watchdog * 1e6)), "JOURNAL_STREAM": "8:1",
        }  # fmt: skip

    def wait(self, line: str, seconds: float = 30.0) -> None:
        """Wait until the service says a line, and forget all that it said before that.

        Raises:
            TimeoutError: it did not say so.
        """
        deadline = monotonic() + seconds
        while line not in self.heard:
            self._hear(max(deadline - monotonic(), 0.001))
        del self.heard[: self.heard.index(line) + 1]

    def so_far(self) -> list[str]:
        """Return all that the service has said since the last line that was waited for."""
        try:
            while True:
                self._hear(0.001)
        except TimeoutError:
            return self.heard

    def _hear(self, seconds: float) -> None:
        self.socket.settimeout(seconds)
        self.heard += self.socket.recv(8192).decode().splitlines()
