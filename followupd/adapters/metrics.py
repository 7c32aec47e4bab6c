"""Serves numbers for Prometheus and a /healthz over HTTP; counts only, never a word of a customer's.

What is shown is what the daemon last told: a request asks neither the ledger nor a mail server, so nobody can slow the
house by asking often.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import ClassVar

#: seconds without a beat after which the daemon is not well; a slow mail server may hold one up for a while
LATE = 120.0
PATIENCE = 5  # seconds that a client has for its request


@dataclass(frozen=True, slots=True)
class HealthSnapshot:
    """What the daemon tells of itself at a beat."""

    cases: Mapping[str, int] = field(default_factory=dict)  # by stage
    letters: Mapping[str, int] = field(default_factory=dict)  # by condition
    quarantine: int = 0
    connected: Mapping[str, bool] = field(default_factory=dict)  # by mailbox
    breaker_open: bool = False


class Metrics:
    """A small HTTP server in a thread of its own. `clock` counts seconds and never goes back."""

    def __init__(self, host: str, port: int, clock: Callable[[], float] = monotonic) -> None:
        """Listen; raises OSError when the address cannot be had."""
        self._clock = clock
        self._told: tuple[HealthSnapshot, float] | None = None
        self._server = ThreadingHTTPServer((host, port), _handler(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def tell(self, vitals: HealthSnapshot) -> None:
        """Show these numbers from now on."""
        self._told = vitals, self._clock()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def trouble(self) -> str:
        """Say in one line what is wrong; "" when all is well."""
        if self._told is None:
            return "there was no beat yet"
        vitals, at = self._told
        if (age := self._clock() - at) > LATE:
            return f"the last beat is {age:.0f} seconds ago"
        gone = sorted(name for name, connected in vitals.connected.items() if not connected)
        return f"not connected: {', '.join(gone)}" if gone else ""

    def text(self) -> str:
        """Write the numbers in Prometheus' text format, version 0.0.4."""
        vitals, at = self._told or (HealthSnapshot(), None)
        return "".join(f"{line}\n" for line in _lines(vitals, None if at is None else self._clock() - at))


def _lines(vitals: HealthSnapshot, age: float | None) -> Iterator[str]:
    yield from _gauge(
        "cases", "Cases by stage.", {f'{{stage="{name}"}}': n for name, n in vitals.cases.items()}
    )
    letters = {f'{{condition="{name}"}}': n for name, n in vitals.letters.items()}
    yield from _gauge("letters", "Letters by condition.", letters)
    yield from _gauge("quarantined_mails", "Mails that a person must look at.", {"": vitals.quarantine})
    connected = {f'{{mailbox="{name}"}}': int(well) for name, well in vitals.connected.items()}
    yield from _gauge("mailbox_connected", "1 while the mailbox is listened to.", connected)
    yield from _gauge(
        "breaker_open", "1 while the breaker keeps all letters back.", {"": int(vitals.breaker_open)}
    )
    if age is not None:
        yield from _gauge("beat_age_seconds", "Seconds since the last beat.", {"": round(age, 1)})


def _gauge(name: str, says: str, values: Mapping[str, float]) -> Iterator[str]:
    """Labels are names that the configuration allows: no quote and no backslash stands in them."""
    yield f"# HELP followupd_{name} {says}"
    yield f"# TYPE followupd_{name} gauge"
    for labels, value in sorted(values.items()):
        yield f"followupd_{name}{labels} {value}"


def _handler(metrics: Metrics) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE
        server_version, sys_version = "followupd", ""
        pages: ClassVar = {"/metrics": "_metrics", "/healthz": "_health"}

        def do_GET(self) -> None:
            page = self.pages.get(self.path.partition("?")[0])
            status, text = getattr(self, page)() if page else (HTTPStatus.NOT_FOUND, "/metrics or /healthz\n")
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
            return (HTTPStatus.SERVICE_UNAVAILABLE, f"{trouble}\n") if trouble else (HTTPStatus.OK, "ok\n")

        def log_message(self, *_: object) -> None:
            """Keep requests out of the log: what it says stands in journal.py."""

    return Handler
