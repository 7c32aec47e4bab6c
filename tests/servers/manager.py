"""What systemd provides to a service of Type=notify: the notification socket and the credentials directory."""

import os
import shutil
import socket
from collections.abc import Mapping
from threading import Condition, Thread
from typing import Self

from tests.servers.machine import LIMIT, new_directory

_END = b"end of the manager"


class Manager:
    """`environment()` is the service's environment; `wait("READY=1")` waits for a notification.

    A thread reads all the time, as systemd does: an unread socket blocks the service after ten messages.
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
        self._received: list[str] = []
        self._changed = Condition()
        self._thread = Thread(target=self._receive, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(_END, self._place)
        self._thread.join(LIMIT)
        self.socket.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def environment(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the service; `credentials` are secrets by name."""
        kept = self.directory / "credentials"
        kept.mkdir(mode=0o700, exist_ok=True)
        for name, secret in credentials.items():
            # As systemd does, never empty a credential that a daemon may read in this moment.
            path = kept / name
            if not path.exists() or path.read_text() != secret:
                path.write_text(secret)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "NOTIFY_SOCKET": self.address,
            "CREDENTIALS_DIRECTORY": str(kept),
            "WATCHDOG_USEC": str(int(self.watchdog * 1e6)),
            "JOURNAL_STREAM": "8:1",
        }

    def wait(self, line: str, seconds: float = LIMIT) -> None:
        """Wait for a notification, and drop all that came before it.

        Raises:
            TimeoutError: it did not come.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: line in self._received, seconds):
                raise TimeoutError(f"no {line} within {seconds:g} seconds")
            del self._received[: self._received.index(line) + 1]

    def so_far(self) -> list[str]:
        """Return all notifications since the one that was last waited for."""
        with self._changed:
            return list(self._received)

    def _receive(self) -> None:
        while (message := self.socket.recv(8192)) != _END:
            with self._changed:
                self._received += message.decode().splitlines()
                self._changed.notify_all()
