"""What the service manager hears from us: readiness, watchdog and status (sd_notify(3))."""

import os
import socket

#: seconds for a manager that hangs, its queue full; a beat that waits longer for it would be late for everybody else
PATIENCE = 0.5


def notify(*lines: str) -> None:
    """Send these lines ("READY=1") to systemd; nothing happens where no systemd listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace begins with a null byte
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.settimeout(PATIENCE)
        try:
            line.connect(address)
            line.sendall("\n".join(lines).encode())
        except OSError:
            return  # a manager that went away, or that does not listen, must not stop the letters
