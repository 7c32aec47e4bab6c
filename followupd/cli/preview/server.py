"""`followupd preview --serve`: a local web page that shows the letters and reloads when a file changes.

Other pages in the same browser cannot read it: the Host header must name the loopback address (against DNS
rebinding), no response allows another origin, and a letter's HTML is shown in a sandbox without scripts.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

from followupd.adapters.overlay import shipped_directory
from followupd.adapters.templates.samples import SAMPLES
from followupd.cli.preview.letter import RenderedPreview, available_languages, render_preview
from followupd.domain.letter import LetterKind
from followupd.errors import FollowupdError

PAGE = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LETTER_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_OTHER_POLICY = "default-src 'none'"
_WATCHED_SUFFIXES = (".md", ".html", ".toml")
#: seconds between two checks of the files while a browser waits for a change
_CHECK_INTERVAL = 0.3


@dataclass
class LetterSource:
    """The letters of a configuration directory, for the page.

    `case` is the reference of a real case to show beside the samples, or "". `now` is called for each letter.
    """

    directory: Path
    case: str
    now: Callable[[], datetime]
    #: seconds after which a request for the next version is answered even if nothing has changed
    poll_seconds: float = 20.0
    stopping: Event = field(default_factory=Event)

    def version(self) -> str:
        """Return a hash of the names, times and sizes of the directory's files and of the shipped templates."""
        found = hashlib.sha256()
        shipped = shipped_directory() / "templates"
        for path in sorted([*self.directory.rglob("*"), *shipped.rglob("*")]):
            if path.suffix in _WATCHED_SUFFIXES and path.is_file():
                stat = path.stat()
                found.update(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}\n".encode())

        return found.hexdigest()[:16]

    def wait_for_change(self, seen: str) -> dict[str, Any]:
        """Return the version and the letters to choose from, as soon as the version differs from `seen`."""
        waited = 0.0
        while (version := self.version()) == seen and waited < self.poll_seconds:
            if self.stopping.wait(_CHECK_INTERVAL):
                break
            waited += _CHECK_INTERVAL

        samples = [*SAMPLES, self.case] if self.case else list(SAMPLES)
        choices = {
            "kind": list(LetterKind),
            "language": available_languages(self.directory),
            "sample": samples,
        }

        return {"version": version, "choices": choices}

    def letter(self, query: Mapping[str, str]) -> RenderedPreview:
        """Render the letter that the query asks for; an error is rendered as a finding."""
        kind, sample, language = (query.get(name, "") for name in ("kind", "sample", "language"))
        return render_preview(self.directory, kind, sample, language, self.now())


class _Handler(BaseHTTPRequestHandler):
    server: "PreviewServer"
    protocol_version = "HTTP/1.1"
    server_version = "followupd"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a request of the page."""
        if self.headers.get("Host", "") not in self.server.names:
            self._send(HTTPStatus.FORBIDDEN, "text/plain", "This page is only for this machine.")
            return

        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        source = self.server.source

        match url.path:
            case "/":
                nonce = secrets.token_urlsafe(16)
                page, policy = PAGE.replace("NONCE", nonce), _PAGE_POLICY.format(nonce=nonce)
                self._send(HTTPStatus.OK, "text/html", page, policy)
            case "/version":
                self._send_json(source.wait_for_change(query.get("seen", "")))
            case "/letter":
                self._send_json(source.letter(query).as_json())
            case "/html":
                self._send(HTTPStatus.OK, "text/html", source.letter(query).html, _LETTER_POLICY)
            case _:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", "There is no such page.")

    def _send_json(self, value: dict[str, Any]) -> None:
        """Send a JSON response."""
        self._send(HTTPStatus.OK, "application/json", json.dumps(value))

    def _send(self, status: HTTPStatus, media_type: str, text: str, policy: str = _OTHER_POLICY) -> None:
        """Send a response with headers that keep other pages out."""
        content = text.encode("utf-8", "replace")
        headers = {
            "Content-Type": f"{media_type}; charset=utf-8",
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Log nothing: the terminal would fill with one line per request."""


class PreviewServer(ThreadingHTTPServer):
    """The page's HTTP server, on the loopback address only."""

    daemon_threads = True

    def __init__(self, source: LetterSource, port: int = 0) -> None:
        """Bind the port, any free one if it is 0.

        Raises:
            FollowupdError: the port cannot be used.
        """
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise FollowupdError(f"cannot listen on port {port}: {error.strerror}") from error

        self.source = source
        bound = self.server_address[1]
        self.names = frozenset({f"127.0.0.1:{bound}", f"localhost:{bound}"})
        self.url = f"http://127.0.0.1:{bound}/"

    def stop(self) -> None:
        """Answer all waiting requests and close the port."""
        self.source.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore browsers that close the connection in the middle of a response."""
