"""What every server of the tests needs of this machine: its program, free ports, a user without rights, patience."""

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

USUAL_PLACES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class NotInstalledError(Exception):
    """A server's program is not on this machine; names the package that brings it."""


def program(name: str, package: str, *places: str) -> str:
    """Find a program on the PATH, in the usual places, then in `places`.

    Raises:
        NotInstalledError: it is nowhere.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), *USUAL_PLACES, *places))
    if found := shutil.which(name, path=path):
        return found
    raise NotInstalledError(package)


def skip(package: str, *, demanded: bool) -> None:
    """Skip the test for want of a package, or fail when it is one that a CI run must not do without."""
    if demanded and os.environ.get("CI"):
        pytest.fail(f"{package} is not installed, and CI is set: this test must not be skipped here")
    pytest.skip(f"skipped, because {package} is not installed")


def free_ports(number: int) -> list[int]:
    """Ask the kernel for ports; all are held until all are known, so that no two are the same."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def until(condition: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    """Wait until `condition` holds; a generous limit, since it is only reached when something is broken."""
    pause, deadline = Event(), monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} seconds")
        pause.wait(0.01)


def greets(port: int, greeting: bytes) -> bool:
    """Say whether a server on loopback already opens with `greeting`."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(5)
            return connection.recv(len(greeting)) == greeting
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a server runs as. Root gives its rights away; anybody else stays who they are."""

    name: str
    uid: int
    gid: int

    @classmethod
    def without_rights(cls, name: str = "nobody") -> "Person":
        entry = pwd.getpwnam(name) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @property
    def group(self) -> str:
        return getgrgid(self.gid).gr_name

    def command(self, *arguments: str, dies_with_us: bool = False) -> list[str]:
        """Prefix a command so that this person runs it; a server `dies_with_us` even when the tests are killed."""
        prefix = ["--pdeathsig", "TERM"] if dies_with_us else []
        if os.getuid() == 0:
            prefix += [f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups"]
        return [program("setpriv", "util-linux"), *prefix, *arguments] if prefix else list(arguments)

    def own(self, directory: Path) -> None:
        if os.getuid() == 0:
            for path in (directory, *directory.rglob("*")):
                os.chown(path, self.uid, self.gid)


def new_directory(prefix: str) -> Path:
    """Make a directory with a short name, since Unix sockets in it allow 107 characters."""
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
    """Stop a server and its children, which outlive it by seconds; it was started as the leader of its session."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)  # what it keeps is thrown away: there is nothing to wait for
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
