"""`followupd` in processes of their own that cost no second of CPU time to start: they are forked from one that was at work before.

They are processes as any other, with an environment, files and signals of their own, and each dies alone. What they share
is what a process imports, and what it computes once: compiled patterns, weights of words.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO

from followupd.clock import now  # the real one, also where a test sets `clock.now`
from tests.servers.forking import NUMBER, Request
from tests.servers.machine import LIMIT, skip

TOP = Path(__file__).parents[2]


class Process:
    """A process of `followupd`: what tests need of `subprocess.Popen`."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self._line, self._lock = line, threading.Lock()
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, None while the process runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, or the negative number of the signal that has ended the process.

        Raises:
            subprocess.TimeoutExpired: it has not ended within so many seconds.
        """
        with self._lock:
            if self._code is None:
                if not select.select([self._line], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired("followupd", timeout or 0)
                self._code = _number(self._line)
                self._line.close()
            return self._code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forks:
    """What starts processes; with `faked`, each has the clock that FAKETIME in its environment says."""

    def __init__(self, *, faked: bool) -> None:
        self._line, theirs = socket.socketpair()
        self._lock = threading.Lock()
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        if faked:
            environment |= {"LD_PRELOAD": _libfaketime(), "FAKETIME": "+0", "FAKETIME_NO_CACHE": "1"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.servers.forking", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=TOP,
                env=environment,
            )

    def close(self) -> None:
        """End what it has started, and what starts them."""
        self._line.close()
        self._process.wait(LIMIT)

    def start(self, request: Request, output: IO[bytes], errors: IO[bytes]) -> Process:
        """Start a process that prints into two files."""
        line, theirs = socket.socketpair()
        files = [theirs.fileno(), output.fileno(), errors.fileno()]
        with self._lock:
            with theirs:
                socket.send_fds(self._line, [json.dumps(asdict(request)).encode()], files)
            return Process(_number(line), line)

    def run(self, request: Request) -> "subprocess.CompletedProcess[bytes]":
        """Run a process to its end; return its exit code and what it has printed."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            code = self.start(request, output, errors).wait()
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(list(request.words), code, output.read(), errors.read())


@cache
def forks(*, faked: bool = False) -> Forks:
    """Return what starts processes for all tests that run here; a test that needs a faked clock is skipped without one."""
    made = Forks(faked=faked)
    atexit.register(made.close)
    return made


def shows(moment: datetime) -> dict[str, str]:
    """Return the environment in which a faked clock shows a time now, and goes on from there."""
    return {"FAKETIME": f"{(moment - now()).total_seconds():+f}"}


def _libfaketime() -> str:
    found = sorted(Path("/usr/lib").rglob("libfaketime.so.1"))
    if not found:
        skip("faketime", demanded=False)
    return str(found[0])


def _number(line: socket.socket) -> int:
    """Read a number.

    Raises:
        EOFError: what starts processes has ended.
    """
    raw = line.recv(NUMBER, socket.MSG_WAITALL)
    if len(raw) < NUMBER:
        raise EOFError("what starts processes has ended")
    return int.from_bytes(raw, "big", signed=True)
