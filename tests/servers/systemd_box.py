"""A real systemd, as process 1 in namespaces over a temporary overlay of this machine's files; nothing outside changes."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

from tests.servers.machine import LIMIT, NotInstalledError, end, new_directory, program, until

# No service of this machine is started.
TARGET = """\
[Unit]
Requires=sysinit.target
After=sysinit.target
Wants=systemd-journald.service
AllowIsolate=yes
"""
NAMESPACES = ("-m", "-u", "-i", "-n", "-p", "-C")


class SystemdBox:
    """Use `write` before `boot`, `systemctl` and `journal` after it. The network is this machine's, with loopback."""

    def __init__(self, lower: Path = Path("/"), size: str = "1g") -> None:
        """Prepare a box.

        Args:
            lower: the files that the overlay lies over: this machine's, or those of a bare system.
            size: how much may be written.
        """
        self.lower, self.size = lower, size
        self.nspawn = program("systemd-nspawn", "systemd-container")
        self.nsenter = program("nsenter", "util-linux")
        if os.getuid():
            raise NotInstalledError("systemd-container (with root, who may mount)")

    def __enter__(self) -> Self:
        self.directory = directory = new_directory("fu-box-")
        self.mounted: list[Path] = []
        try:
            self._mount(directory, "-t", "tmpfs", "-o", f"size={self.size},mode=755", "tmpfs")
            for name in ("up", "work", "root"):
                (directory / name).mkdir()
            self.root = directory / "root"
            places = f"lowerdir={self.lower},upperdir={directory}/up,workdir={directory}/work"
            self._mount(self.root, "-t", "overlay", "-o", places, "overlay")
        except subprocess.CalledProcessError as error:
            self._clear()
            raise NotInstalledError(f"the right to mount ({error.stderr.decode().strip()})") from error
        self.write("/etc/systemd/system/box.target", TARGET)
        self.write("/etc/machine-id", "")
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "process"):
            self.run("systemctl", "poweroff", check=False)
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                end(self.process)
        self._clear()

    def _mount(self, place: Path, *how: str) -> None:
        subprocess.run(["mount", *how, str(place)], check=True, capture_output=True)
        self.mounted.insert(0, place)

    def _clear(self) -> None:
        for place in self.mounted:
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def remove(self, path: str) -> None:
        """Remove a directory inside; this machine keeps its own."""
        shutil.rmtree(self.root / path.lstrip("/"), ignore_errors=True)

    def boot(self, *binds: str) -> None:
        """Start systemd and wait until it is up; each bind is PATH:PATH_INSIDE, read-only inside."""
        command = [
            self.nspawn,
            "--directory",
            str(self.root),
            "--boot",
            "--register=no",
            "--keep-unit",
            "--console=pipe",
        ]
        command += [f"--bind-ro={bind}" for bind in binds]
        command += [f"--machine=followupd-box-{os.getpid()}", "systemd.unit=box.target"]
        with (self.directory / "console").open("wb") as console:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
            )
        until(lambda: self.process.poll() is not None or self._is_up(), "systemd in its box")
        if self.process.poll() is not None:
            raise NotInstalledError("a kernel that lets systemd start in a box: " + self._console())

    def _is_up(self) -> bool:
        leader = self._leader()
        if not leader:
            return False
        # Before systemd is process 1 inside, nsenter and systemctl fail; that is not an error yet.
        return self.run("systemctl", "is-active", "-q", "box.target", check=False).returncode == 0

    def _leader(self) -> str:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = children.read_text().split() if children.exists() else []
        return found[0] if found else ""

    def _console(self) -> str:
        return (self.directory / "console").read_text(errors="replace")

    def run(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command inside."""
        return subprocess.run(self.inside(*command), check=check, capture_output=True, text=True)

    def inside(self, *command: str) -> list[str]:
        """Return the command that runs a command inside."""
        return [self.nsenter, "-t", self._leader(), *NAMESPACES, *command]

    def systemctl(self, *words: str, check: bool = True) -> str:
        return self.run("systemctl", "--no-pager", *words, check=check).stdout

    def show(self, unit: str, name: str) -> str:
        return self.systemctl("show", unit, "--value", "-p", name).strip()

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout
