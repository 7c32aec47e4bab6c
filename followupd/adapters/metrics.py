"""Serve metrics for Prometheus and a /healthz over HTTP: counts only, no text of customers.

A request returns what the daemon reported last. It asks neither the ledger nor a mail server, so frequent
requests cannot slow the daemon down.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import ClassVar

#: seconds without a cycle after which the daemon is unhealthy; a slow mail server may delay one for a while
LATE = 120.0
REQUEST_TIMEOUT = 5  # seconds


@dataclass(frozen=True, slots=True)
class HealthSnapshot:
    """What the daemon reports of itself after a cycle.

    `cases` are counted by stage, `letters` by status; `connected` says for each mailbox whether it is
    listened to.
    """

    cases: Mapping[str, int] = field(default_factory=dict)
    letters: Mapping[str, int] = field(default_factory=dict)
    quarantine: int = 0
    connected: Mapping[str, bool] = field(default_factory=dict)
    breaker_open: bool = False


class Metrics:
    """A small HTTP server in a thread of its own."""

    def __init__(self, host: str, port: int, clock: Callable[[], float] = monotonic) -> None:
        """Start to listen.

        Args:
            host: the address to listen at.
            port: 0 for a free one, which `port` then tells.
            clock: counts seconds, and never backwards.

        Raises:
            OSError: the address is in use, or not ours.
        """
        self._clock = clock
        self._latest: tuple[HealthSnapshot, float] | None = None
        self._server = ThreadingHTTPServer((host, port), _handler_for(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def report(self, snapshot: HealthSnapshot) -> None:
        """Serve this snapshot from now on."""
        self._latest = snapshot, self._clock()

    def close(self) -> None:
        """Stop listening, and wait for the thread to end."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def trouble(self) -> str:
        """Return what is wrong, in one line; "" when the daemon is healthy."""
        if self._latest is None:
            return "there was no cycle yet"

        snapshot, at = self._latest
        age = self._clock() - at
        if age > LATE:
            return f"the last cycle was {age:.0f} seconds ago"
        disconnected = sorted(name for name, connected in snapshot.connected.items() if not connected)
        return f"not connected: {', '.join(disconnected)}" if disconnected else ""

    def text(self) -> str:
        """Return all metrics in Prometheus' text format, version 0.0.4."""
        snapshot, age = HealthSnapshot(), None
        if self._latest:
            snapshot, at = self._latest
            age = self._clock() - at
        return "".join(f"{line}\n" for line in _metric_lines(snapshot, age))


def _metric_lines(snapshot: HealthSnapshot, age: float | None) -> Iterator[str]:
    """Yield the lines of every metric; `age` is in seconds, None before the first cycle."""
    yield from _gauge("cases", "Cases by stage.", _labelled("stage", snapshot.cases))
    yield from _gauge("letters", "Letters by condition.", _labelled("condition", snapshot.letters))
    yield from _gauge("quarantined_mails", "Mails that a person must look at.", {"": snapshot.quarantine})
    connected = _labelled("mailbox", snapshot.connected)
    yield from _gauge("mailbox_connected", "1 while the mailbox is listened to.", connected)
    breaker = {"": int(snapshot.breaker_open)}
    yield from _gauge("breaker_open", "1 while the breaker keeps all letters from being sent.", breaker)
    if age is not None:
        yield from _gauge("beat_age_seconds", "Seconds since the last cycle.", {"": round(age, 1)})


def _labelled(label: str, values: Mapping[str, int]) -> dict[str, float]:
    """Return the values by Prometheus' label.

    Configuration and enums allow no quote or backslash in a name.
    """
    return {f'{{{label}="{name}"}}': int(value) for name, value in values.items()}


def _gauge(name: str, description: str, values: Mapping[str, float]) -> Iterator[str]:
    """Yield the lines of one metric; `values` are by label."""
    yield f"# HELP followupd_{name} {description}"
    yield f"# TYPE followupd_{name} gauge"
    for labels, value in sorted(values.items()):
        yield f"followupd_{name}{labels} {value}"


def _handler_for(metrics: Metrics) -> type[BaseHTTPRequestHandler]:
    """Return a handler class that serves these metrics."""

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_TIMEOUT
        server_version, sys_version = "followupd", ""
        pages: ClassVar = {"/metrics": "_metrics", "/healthz": "_health"}

        def do_GET(self) -> None:
            """Answer one request."""
            page = self.pages.get(self.path.partition("?")[0], "_unknown")
            status, text = getattr(self, page)()
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _metrics(self) -> tuple[HTTPStatus, str]:
            return HTTPStatus.OK, metrics.text()

        def _health(self) -> tuple[HTTPStatus, str]:
            trouble = metrics.trouble()
            if trouble:
                return HTTPStatus.SERVICE_UNAVAILABLE, f"{trouble}\n"
            return HTTPStatus.OK, "ok\n"

        def _unknown(self) -> tuple[HTTPStatus, str]:
            return HTTPStatus.NOT_FOUND, "/metrics or /healthz\n"

        def log_message(self, *_: object) -> None:
            """Write no line for a request: the log contains only the events of log.py."""

    return Handler
