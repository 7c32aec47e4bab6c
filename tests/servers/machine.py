"""What the servers of the tests need of this machine: programs, free ports, an unprivileged user, and waiting."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from grp import getgrgid
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
import trustme

#: seconds to wait for anything: a busy machine may take long, and the limit is only reached if something is broken
LIMIT = 180.0
USUAL_PLACES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class NotInstalledError(Exception):
    """A program is not installed; the argument is the package that contains it."""


def program(name: str, package: str, *places: str) -> str:
    """Find a program on the PATH, in the usual directories, or in `places`.

    Raises:
        NotInstalledError: it is in none of them.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), *USUAL_PLACES, *places))
    if found := shutil.which(name, path=path):
        return found
    raise NotInstalledError(package)


def skip(package: str, *, demanded: bool) -> None:
    """Skip the test because a package is missing; fail it in CI if the package is `demanded` there."""
    if demanded and os.environ.get("CI"):
        pytest.fail(f"{package} is not installed, and CI is set: this test must not be skipped here")
    pytest.skip(f"skipped, because {package} is not installed")


def free_ports(number: int) -> list[int]:
    """Return different ports that are free; all sockets stay open until all ports are known."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [int(opened.getsockname()[1]) for opened in sockets]


#: seconds between two questions, at first and at most
_SHORTEST, _LONGEST = 0.01, 0.1


def until(
    condition: Callable[[], object], what: str, seconds: float = LIMIT, *, longest: float = _LONGEST
) -> None:
    """Wait until `condition` holds; it is asked less and less often, so that asking takes no time from others.

    Args:
        condition: what is waited for.
        what: its name, for the error.
        seconds: the limit.
        longest: seconds between two looks at most; fewer where what follows must be caught at once.

    Raises:
        TimeoutError: it did not hold within the limit; `what` names it.
    """
    pause, deadline = Event(), monotonic() + seconds
    wait = min(_SHORTEST, longest)
    while not condition():
        if monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} seconds")
        pause.wait(wait)
        wait = min(longest, 1.5 * wait)


def greets(port: int, greeting: bytes) -> bool:
    """Return whether a server on loopback begins with `greeting`."""
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            connection.settimeout(30)
            return connection.recv(len(greeting)) == greeting
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The user that a server runs as: an unprivileged one for root, else the current user."""

    name: str
    uid: int
    gid: int

    @classmethod
    def unprivileged(cls, name: str = "nobody") -> "SystemUser":
        entry = pwd.getpwnam(name) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @property
    def group(self) -> str:
        return getgrgid(self.gid).gr_name

    def command(self, *arguments: str, dies_with_us: bool = False) -> list[str]:
        """Prefix a command so that this user runs it; with `dies_with_us` it ends even if the tests are killed."""
        prefix = ["--pdeathsig", "TERM"] if dies_with_us else []
        if os.getuid() == 0:
            prefix += [f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups"]
        return [program("setpriv", "util-linux"), *prefix, *arguments] if prefix else list(arguments)

    def own(self, directory: Path) -> None:
        if os.getuid() == 0:
            for path in (directory, *directory.rglob("*")):
                os.chown(path, self.uid, self.gid)


def new_directory(prefix: str) -> Path:
    """Create a directory with a short name, since the path of a Unix socket is limited to 107 bytes."""
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    directory.chmod(0o755)
    return directory


def write_certificate(authority: trustme.CA, directory: Path, *names: str) -> Path:
    """Write server.pem, server.key and ca.pem for loopback; return the path of ca.pem."""
    leaf = authority.issue_cert("localhost", "127.0.0.1", *names)
    leaf.private_key_pem.write_to_path(str(directory / "server.key"))
    (directory / "server.key").chmod(0o600)
    for number, pem in enumerate(leaf.cert_chain_pems):
        pem.write_to_path(str(directory / "server.pem"), append=number > 0)
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    return directory / "ca.pem"


def end(process: "subprocess.Popen[bytes]") -> None:
    """Stop a server and its children; the server was started as the leader of a session."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)  # its data is discarded, so it need not end in good order
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(LIMIT)
