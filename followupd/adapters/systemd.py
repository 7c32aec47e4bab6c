"""Python's garbage collector, set for a process that lives long and reads mail."""

import gc
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


#: new objects before the collector looks at the youngest; a batch of mails makes a million, and hardly one in a ring
_YOUNG = 10_000


def settle() -> None:
    """Set aside all that the imports made, which stays until the end: no later collection goes through it again.

    To be called once, before the house is built: a house that a reload replaces must be collected. With it, reading mails
    costs a thirtieth less; memory stays as it was, since reading makes next to no rings (benchmarks/intake.py).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)
