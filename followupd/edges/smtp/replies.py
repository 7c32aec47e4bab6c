"""What an SMTP server says, line by line, and whether it has said more than was read; takes the place of smtplib's file.

smtplib reads through `socket.makefile`, which cannot tell whether anything waits without trying to read it; to ask that
twice a letter cost as much as sending it.
"""

import select
import socket
import ssl

_AT_ONCE = 8192  # bytes; a reply is far shorter


class Replies:
    """The lines that come in over one connection."""

    def __init__(self, line: socket.socket, already: bytes = b"") -> None:
        self._socket, self._unread = line, already
        self._poll = select.poll()
        self._poll.register(line, select.POLLIN)

    def readline(self, limit: int) -> bytes:
        """Return the next line with its end, or as much as came before the connection ended, `limit` bytes at most."""
        while b"\n" not in self._unread and len(self._unread) < limit:
            more = self._socket.recv(_AT_ONCE)
            if not more:
                break
            self._unread += more
        end = (self._unread.find(b"\n") + 1) or len(self._unread)
        line, self._unread = self._unread[: min(end, limit)], self._unread[min(end, limit) :]
        return line

    def more(self) -> bool:
        """Say without waiting whether the server has said more, or closed the connection."""
        if self._unread:
            return True
        if isinstance(self._socket, ssl.SSLSocket):
            return self._more_behind_tls(self._socket)
        return bool(self._poll.poll(0))

    def _more_behind_tls(self, line: ssl.SSLSocket) -> bool:
        """TLS also sends records of its own, such as tickets; only what comes out of it counts."""
        if not line.pending() and not self._poll.poll(0):
            return False
        patience = line.gettimeout()
        line.settimeout(0)
        try:
            self._unread += line.recv(_AT_ONCE)
        except ssl.SSLWantReadError:
            return False
        finally:
            line.settimeout(patience)
        return True

    def close(self) -> None:
        """The connection is smtplib's to close."""
