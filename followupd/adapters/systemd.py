"""The process under systemd.

Notifications to the service manager (sd_notify(3)), and garbage collection for a daemon.
"""

import gc
import os
import socket

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
    takes 3 % less CPU (benchmarks/intake.py), and memory stays the same.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_GENERATION)
