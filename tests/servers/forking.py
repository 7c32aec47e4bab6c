"""The process that `forks` starts: it is at work once, and then forks a process of `followupd` for each request.

It imports nothing of pytest's: what it has, each of those processes has.
"""

import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
#: bytes of a request at most, and files that come with it: the line on which its exit code is told, output and errors
_MOST, _FILES = 1 << 16, 3
#: bytes of a number on a line
NUMBER = 4


@dataclass(frozen=True)
class Request:
    """What a new process gets: the words of its command, and its environment."""

    words: Sequence[str]
    environment: Mapping[str, str]
    directory: str = field(default_factory=os.getcwd)
    #: bytes beyond which no file may grow, 0 for any size
    largest_file: int = 0


def at_work() -> None:
    """Do once what each daemon does: check a configuration, understand a complaint, word letters about it."""
    import followupd.adapters.graph.mailbox
    import followupd.adapters.imap.mailbox
    import followupd.app.daemon
    import followupd.cli.daemon  # noqa: F401
    from followupd.adapters.overlay import write_starter
    from followupd.app.check import blocking_problems
    from followupd.app.container import _shared_reader
    from tests.properties import simulated

    with TemporaryDirectory() as directory:
        write_starter(Path(directory) / "etc")
        start = datetime(2026, 12, 1, 10, tzinfo=UTC)
        blocking_problems(Path(directory) / "etc", start)
        world = simulated.Simulation(Path(directory) / "ledger.db", "asks", start)
        world.arrives(world.mail("Kim Doe <kim@customers.test>", "My parcel", COMPLAINT))
        world.live()
        world.mailbox.tag(world.mailbox.folders["INBOX"][0], "complaint")
        world.now += timedelta(minutes=11)
        world.live()
        assert [each.kind for each in world.post.accepted] == ["desk/opened", "confirmation"]
        world.end()
    simulated._directory().cleanup()
    _shared_reader().close()  # each process has a child of its own
    assert threading.active_count() == 1  # a fork would have only one of them
    gc.collect()
    gc.freeze()


def serve(control: socket.socket) -> Request | None:
    """Fork a process for each request; return the request in the new one, and None once nobody can ask any more."""
    lines: dict[int, tuple[int, socket.socket]] = {}  # processes, by the file that tells of their end
    while True:
        for ready in select.select([control.fileno(), *lines], [], [])[0]:
            if ready in lines:
                os.close(ready)
                pid, line = lines.pop(ready)
                with line:
                    _put(line, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                continue

            asked, files, _, _ = socket.recv_fds(control, _MOST, _FILES)
            if not asked:
                for pid, _ in lines.values():
                    os.kill(pid, signal.SIGKILL)
                return None
            line, *printed = socket.socket(fileno=files[0]), *files[1:]
            if (pid := os.fork()) == 0:
                for other in (control, line, *(other for _, other in lines.values())):
                    other.close()
                for watched in lines:
                    os.close(watched)
                return _becomes(Request(**json.loads(asked)), printed)
            for file in printed:
                os.close(file)
            lines[os.pidfd_open(pid)] = pid, line
            _put(line, pid)


def _put(line: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody waits for it any more
        line.sendall(number.to_bytes(NUMBER, "big", signed=True))


def _becomes(request: Request, printed: Sequence[int]) -> Request:
    """Take on what belongs to the new process: files for its output and its errors, directory, environment, limits."""
    for number, file in enumerate(printed, 1):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request.directory)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    if request.largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request.largest_file, request.largest_file))
    return request


if __name__ == "__main__":
    from followupd.cli.main import main

    at_work()
    asked = serve(socket.socket(fileno=int(sys.argv[1])))
    sys.exit(main(asked.words) if asked else 0)
