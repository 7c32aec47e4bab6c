"""What every connection to a server shares: what loopback is, which certificates are trusted, why it failed in plain words."""

import contextlib
import ipaddress
import socket
import ssl
from functools import lru_cache
from pathlib import Path


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, where a line without TLS may be used."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def trusting(ca_file: str) -> ssl.SSLContext:
    """Return a context that checks the certificate and its name: against `ca_file` alone when one is given.

    Raises:
        OSError: the file is not there, or holds no certificates.
    """
    return _trusting(ca_file, Path(ca_file).stat().st_mtime if ca_file else 0.0)


@lru_cache(maxsize=8)
def _trusting(ca_file: str, _changed: float) -> ssl.SSLContext:
    """Connections share what they trust: reading the machine's certificates anew costs each of them 0.8 MB."""
    return ssl.create_default_context(cafile=ca_file or None)


def why(error: OSError, host: str, port: int) -> str:
    """Say in plain words what kept us from a server; `error` came from connecting or from the line."""
    place = f"{host}:{port}"
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate of {place} is not trusted: {error.verify_message} (ca_file names a CA of one's own)"
        case ssl.SSLError():
            return f"TLS with {place} failed: {error.reason or error}"
        case socket.gaierror():
            return f"the name {host} is not known"
        case ConnectionRefusedError():
            return f"nobody listens at {place}"
        case TimeoutError():
            return f"{place} did not answer in time"
        case _:
            return f"the connection to {place} ended: {error}"
