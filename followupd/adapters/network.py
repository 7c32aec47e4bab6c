"""What every connection to a server shares.

Loopback, trusted certificates, and errors explained in plain English.
"""

import contextlib
import ipaddress
import socket
import ssl
from functools import lru_cache
from pathlib import Path
from time import monotonic


class Allowance:
    """What a server may send, and how long it may take, in answer to one command.

    A socket's timeout only limits the wait for the next bytes: a server that never stops sending would hold a thread
    for ever, or fill the memory.
    """

    def __init__(self, most: int, seconds: float) -> None:
        """Begin with the first command.

        Args:
            most: bytes of an answer.
            seconds: from the command to the end of the answer.
        """
        self.most, self.seconds = most, seconds
        self.begin()

    def begin(self) -> None:
        """Begin with the next command."""
        self._left = self.most
        self._end = monotonic() + self.seconds

    def spend(self, size: int) -> None:
        """Count bytes that were received.

        Raises:
            ConnectionAbortedError: they are too many, or too late.
        """
        self._left -= size
        if self._left < 0:
            raise ConnectionAbortedError(
                f"the server has sent more than {self.most} bytes in answer to one command"
            )
        if monotonic() > self._end:
            raise ConnectionAbortedError(
                f"the server has not ended its answer within {self.seconds:g} seconds"
            )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, to which a connection without TLS is allowed."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def trusting(ca_file: str) -> ssl.SSLContext:
    """Return a TLS context that verifies the certificate and its name.

    Args:
        ca_file: the only CAs to trust, in PEM; "" for the system's.

    Raises:
        OSError: the file does not exist, or contains no certificates.
    """
    changed = Path(ca_file).stat().st_mtime if ca_file else 0.0
    return _shared_context(ca_file, changed)


@lru_cache(maxsize=8)
def _shared_context(ca_file: str, _changed: float) -> ssl.SSLContext:
    """Return one context for all connections: loading the system's certificates takes 0.8 MB each time."""
    return ssl.create_default_context(cafile=ca_file or None)


def why(error: OSError, host: str, port: int) -> str:
    """Return a sentence that explains an error.

    Args:
        error: raised while connecting, or by the connection.
        host: the server's name.
        port: its port.
    """
    place = f"{host}:{port}"
    match error:
        case ssl.SSLCertVerificationError():
            problem = f"the certificate of {place} is not trusted: {error.verify_message}"
            return f"{problem} (set ca_file for your own CA)"
        case ssl.SSLError():
            return f"TLS with {place} failed: {error.reason or error}"
        case socket.gaierror():
            return f"the name {host} is not known"
        case ConnectionRefusedError():
            return f"nothing listens at {place}"
        case TimeoutError():
            return f"{place} did not answer in time"
        case _:
            return f"the connection to {place} ended: {error}"
