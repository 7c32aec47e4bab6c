"""The process and its child: sd_notify(3), garbage collection, and mail read within a budget of CPU time.

One mail must not hold the daemon, whatever it does to a parser. It is read by a child process that the kernel
ends when the budget is used up, and only then: a timer counts the CPU time of the child alone, so that a busy
machine makes no difference. The child has no key, no password and no connection; what needs them is asked of
the parent over a pipe.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import IO, Any

from followupd import log
from followupd.domain.mail import Identity, Message
from followupd.errors import FollowupdError, UnreadableError
from followupd.languages import Catalogue, catalogue, read_catalogue

#: seconds to wait for a service manager whose queue is full; a longer wait would delay the cycle
TIMEOUT = 0.5
#: new objects before the youngest generation is collected; a batch of mails makes a million, with hardly a
#: reference cycle
_YOUNG_GENERATION = 10_000


def notify(*lines: str) -> None:
    """Send lines such as "READY=1" to systemd; does nothing when not started by systemd.

    A service manager that does not answer must not stop letters, so errors are ignored.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace begins with a null byte
        address = "\0" + address[1:]

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
        connection.settimeout(TIMEOUT)
        try:
            connection.connect(address)
            connection.sendall("\n".join(lines).encode())
        except OSError:
            return


def settle() -> None:
    """Exclude what the imports made from later garbage collections, since it stays until the process ends.

    Call it once, before the App is built: an App that a reload replaces must be collected. Reading mail then
    takes 3 % less CPU (benchmarks/intake.py), and memory stays the same: imports leave 0.1 MB of garbage, and
    looking for it would take a tenth of a start.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG_GENERATION)


#: seconds of CPU time that one mail may cost; the slowest real one costs a tenth
MAIL_BUDGET = 2.0
OVER_BUDGET = f"it was not understood within {MAIL_BUDGET:g} seconds of computing; look at it in the mailbox"
#: seconds without a mail after which the child ends, and with it its memory
_IDLE_SECONDS = 300
#: signals with which people and systemd stop the parent, which then ends the child
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: what a child needs of the environment, in which the parent may have passwords
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
#: bytes of what a child writes that cannot start; its traceback is shorter
_MOST_WORDS = 60_000
#: frames on the pipe: length and kind, then the content
_FRAME = struct.Struct(">Ic")
_IDENTITY, _MAIL, _KEY, _EARLIER, _ANSWER = b"I", b"M", b"K", b"E", b"A"
_MESSAGE, _UNREADABLE, _READY = b"R", b"U", b"H"


class OverBudgetError(FollowupdError):
    """One mail costs too much CPU time."""


@contextlib.contextmanager
def cpu_budget(seconds: float = MAIL_BUDGET) -> Iterator[None]:
    """Interrupt the block when this thread has used so much CPU time in it.

    Only the main thread can be interrupted; in any other one, nothing happens.

    Raises:
        OverBudgetError: the block used up its budget.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    end = time.thread_time() + seconds

    def check(_number: int, _frame: FrameType | None) -> None:
        left = end - time.thread_time()
        if left <= 0:
            raise OverBudgetError(OVER_BUDGET)
        signal.setitimer(signal.ITIMER_VIRTUAL, left)  # other threads have used the rest of the time

    before = signal.signal(signal.SIGVTALRM, check)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


class _NoChildError(Exception):
    """The child cannot be started."""


class _ChildEndedError(Exception):
    """The child, or the parent, ended before it answered."""


@dataclass
class MailReader:
    """Reads mails in a child process, one at a time; may be called by any thread.

    `languages` is the directory with the admin's language files, None for the shipped ones. `load` makes a message
    of its JSON.
    """

    load: Callable[[bytes], Message]
    languages: Path | None = None
    budget: float = MAIL_BUDGET
    python: str = sys.executable
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _child: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    #: the addresses that the child knows, as they were sent to it
    _known: bytes = b""

    def __call__(
        self, raw: bytes, identity: Identity, *, in_sent: bool, received_at: datetime | None
    ) -> Message:
        """Read one mail, as `text.mail.read` does.

        Raises:
            UnreadableError: also when the mail used up its budget, or ended the child twice.
        """
        request = {"in_sent": in_sent, "received_at": received_at and received_at.isoformat()}
        content = json.dumps(request).encode() + b"\n" + raw
        by = 0
        with self._lock:
            for _ in range(2):  # an idle child may end just now
                try:
                    return self._read(content, identity)
                except _NoChildError as error:  # without a budget, which is better than not at all
                    from followupd.text.mail.read import read

                    log.unexpected_error("the process that reads mail", error)
                    return read(
                        raw, identity, in_sent=in_sent, received_at=received_at, languages=self._catalogue()
                    )
                except (BrokenPipeError, _ChildEndedError) as error:
                    by = self._end()
                    if by == signal.SIGPROF:
                        raise UnreadableError(OVER_BUDGET) from error
        raise UnreadableError(f"the process that reads mail ended twice over it (signal {by})")

    def _catalogue(self) -> Catalogue:
        """Return the languages that the child would know."""
        return read_catalogue(self.languages) if self.languages else catalogue()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def __del__(self) -> None:
        """End the child of a reader that a reload has replaced."""
        self._end()

    def _end(self) -> int:
        """End the child; return the signal that had ended it before, 0 for none."""
        child, self._child = self._child, None
        if child is None:
            return 0

        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()

        try:
            code = child.wait(1)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        return max(-code, 0)

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start a child that has none of our files, connections and secrets."""
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        # the parent's own places, which a program's first lines may have set: nothing else is found in them
        path = [str(Path(__file__).parents[2]), *sys.path]
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, path)))
        command = [self.python, "-P", "-m", __name__, str(self.budget), str(self.languages or "")]
        self._known = b""
        try:
            child = self._child = subprocess.Popen(  # noqa: S603  our own module, by the interpreter that runs us
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
            if child.stdout:
                _get(child.stdout)
        except (OSError, _ChildEndedError) as error:
            why = self._last_words()
            self._end()
            raise _NoChildError(str(error) or f"it ended at its start: {why}") from error
        if child.stderr:
            child.stderr.close()
        return child

    def _last_words(self) -> str:
        """Return the last line that a child wrote which ended at its start."""
        if self._child is None or self._child.stderr is None:
            return ""
        with self._child.stderr as pipe:
            words = pipe.read(_MOST_WORDS).decode("utf-8", "replace").strip()
        return words.rpartition("\n")[2]

    def _read(self, content: bytes, identity: Identity) -> Message:
        """Hand a mail to the child, and answer its questions until it answers ours.

        Args:
            content: the mail with its header, as bytes.
            identity: who we are; handed over only where it has changed since the last mail.
        """
        child = self._child = self._child or self._start()
        if child.stdin is None or child.stdout is None:
            raise BrokenPipeError
        addresses = _as_json(identity)
        if addresses != self._known:
            _put(child.stdin, _IDENTITY, addresses)
            self._known = addresses
        _put(child.stdin, _MAIL, content)

        while True:
            kind, answer = _get(child.stdout)
            if kind == _MESSAGE:
                return self.load(answer)
            if kind == _UNREADABLE:
                raise UnreadableError(answer.decode())
            ask = identity.letter_key if kind == _KEY else identity.earlier
            try:
                told = ask(answer.decode("utf-8", "replace"))
            except BaseException:
                self._end()  # it waits for an answer, and would take the next mail for it
                raise
            _put(child.stdin, _ANSWER, told.encode("utf-8", "replace"))


def _as_json(identity: Identity) -> bytes:
    """Return our addresses, which the child may know."""
    values = {each.name: getattr(identity, each.name) for each in fields(identity)}
    return json.dumps({name: sorted(value) for name, value in values.items() if not callable(value)}).encode()


def _put(pipe: IO[bytes], kind: bytes, content: bytes) -> None:
    pipe.write(_FRAME.pack(len(content), kind) + content)
    pipe.flush()


def _get(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    """Return kind and content of the next frame.

    Raises:
        _ChildEndedError: there is none.
    """
    length, kind = _FRAME.unpack(_exactly(pipe, _FRAME.size))
    return kind, _exactly(pipe, length)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    """Read so many bytes, and none that belong to the next frame: `select` would not see those."""
    content = bytearray()
    while len(content) < size:
        more = pipe.read(size - len(content))
        if not more:
            raise _ChildEndedError
        content += more
    return bytes(content)


# --- the child ---


def _serve(budget: float, languages: str) -> None:
    """Read one mail after the other until the parent ends, or wants nothing for a while."""
    from followupd.text.mail.read import read  # the parent, which reads no mail, does without it

    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)  # the parent may still be reading

    requests, answers = _requests(), sys.stdout.buffer
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stderr.fileno())  # the parent reads no more of it once we are ready
    os.close(silence)
    known = read_catalogue(Path(languages)) if languages else catalogue()
    _put(answers, _READY, b"")
    identity = Identity()
    while select.select([requests], [], [], _IDLE_SECONDS)[0]:
        kind, content = _get(requests)
        if kind == _IDENTITY:
            values = {name: frozenset(value) for name, value in json.loads(content).items()}
            identity = Identity(**values, letter_key=_asking(_KEY), earlier=_asking(_EARLIER))
            continue

        head, _, raw = content.partition(b"\n")
        request: dict[str, Any] = json.loads(head)
        received_at = request["received_at"] and datetime.fromisoformat(request["received_at"])
        signal.setitimer(signal.ITIMER_PROF, budget)  # SIGPROF ends a process that does not handle it
        try:
            message = read(
                raw, identity, in_sent=request["in_sent"], received_at=received_at, languages=known
            )
        except UnreadableError as error:
            _put(answers, _UNREADABLE, str(error).encode("utf-8", "replace"))
        else:
            _put(answers, _MESSAGE, json.dumps(asdict(message), default=datetime.isoformat).encode())
        signal.setitimer(signal.ITIMER_PROF, 0)


@lru_cache(maxsize=1)
def _requests() -> IO[bytes]:
    """Return the pipe from the parent, without a buffer."""
    return open(0, "rb", buffering=0, closefd=False)


def _asking(kind: bytes) -> Callable[[str], str]:
    """Return a function that asks the parent."""

    def ask(message_id: str) -> str:
        _put(sys.stdout.buffer, kind, message_id.encode("utf-8", "replace"))
        return _get(_requests())[1].decode()

    return ask


if __name__ == "__main__":
    with contextlib.suppress(_ChildEndedError, BrokenPipeError):
        _serve(float(sys.argv[1]), sys.argv[2])
