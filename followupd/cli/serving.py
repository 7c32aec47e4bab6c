"""`followupd preview --serve`: a page on this machine alone that shows the letters and follows the files.

Other pages in the same browser must not read it: a name that only points here (DNS rebinding) is turned away by the Host
header, nothing is sent across origins, and a letter's HTML stands in a sandbox in which no script runs.
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

from followupd.cli.preview_page import PAGE
from followupd.cli.previewing import SAMPLE_CASES, Shown, languages_of, shown
from followupd.errors import FollowupdError
from followupd.model.letter import CUSTOMER_LETTERS, DESK_MAILS

_PAGE_RULES = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LETTER_RULES = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
_WATCHED = (".md", ".html", ".toml")
#: seconds between two looks at the files while a browser waits for news
_LOOK = 0.3


@dataclass
class Preview:
    """What the page asks for. `case` is a real case's reference, "" for the samples alone; `now` is asked each time."""

    directory: Path
    case: str
    now: Callable[[], datetime]
    hold: float = 20.0  # seconds for which a browser that knows the newest version waits for the next
    stopping: Event = field(default_factory=Event)

    def version(self) -> str:
        """Return a mark of the files as they are; it changes when one is saved."""
        seen = hashlib.sha256()
        for path in sorted(self.directory.rglob("*")):
            if path.suffix in _WATCHED and path.is_file():
                stat = path.stat()
                seen.update(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}\n".encode())
        return seen.hexdigest()[:16]

    def news(self, seen: str) -> dict[str, Any]:
        """Return the version and what there is to choose; waits a while for a version that was not seen."""
        waited = 0.0
        while (version := self.version()) == seen and waited < self.hold and not self.stopping.wait(_LOOK):
            waited += _LOOK
        return {
            "version": version,
            "choices": {
                "kind": [*CUSTOMER_LETTERS, *DESK_MAILS], "language": languages_of(self.directory),
                "sample": [*SAMPLE_CASES, *([self.case] if self.case else [])],
            },
        }  # fmt: skip

    def letter(self, asked: Mapping[str, str]) -> Shown:
        """Write the letter that is asked for; what hinders it is what the page then shows."""
        kind, sample, language = (asked.get(name, "") for name in ("kind", "sample", "language"))
        return shown(self.directory, kind, sample, language, self.now())


class _Handler(BaseHTTPRequestHandler):
    server: "Server"
    protocol_version = "HTTP/1.1"
    server_version = "followupd"
    sys_version = ""

    def do_GET(self) -> None:
        if self.headers.get("Host", "") not in self.server.names:
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", "This page is for this machine alone.")
            return
        where = urlsplit(self.path)
        asked = {name: values[-1] for name, values in parse_qs(where.query).items()}
        match where.path:
            case "/":
                nonce = secrets.token_urlsafe(16)
                self._answer(HTTPStatus.OK, "text/html", PAGE.replace("NONCE", nonce), _PAGE_RULES.format(nonce=nonce))
            case "/version":
                self._answer(
                    HTTPStatus.OK, "application/json", json.dumps(self.server.preview.news(asked.get("seen", "")))
                )
            case "/letter":
                self._answer(HTTPStatus.OK, "application/json", json.dumps(self.server.preview.letter(asked).as_json()))
            case "/html":
                self._answer(HTTPStatus.OK, "text/html", self.server.preview.letter(asked).html, _LETTER_RULES)
            case _:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", "There is no such page.")

    def _answer(self, status: HTTPStatus, media_type: str, text: str, rules: str = "default-src 'none'") -> None:
        content = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in (
            ("Content-Type", f"{media_type}; charset=utf-8"), ("Content-Length", str(len(content))),
            ("Content-Security-Policy", rules), ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing: the terminal belongs to the one who edits letters."""


class Server(ThreadingHTTPServer):
    """The page's server, on the loopback address and nowhere else."""

    daemon_threads = True

    def __init__(self, preview: Preview, port: int = 0) -> None:
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise FollowupdError(f"nothing can be served on port {port}: {error.strerror}") from error
        self.preview = preview
        bound = self.server_address[1]
        self.names = frozenset({f"127.0.0.1:{bound}", f"localhost:{bound}"})
        self.url = f"http://127.0.0.1:{bound}/"

    def stop(self) -> None:
        """End every wait and every connection."""
        self.preview.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over browsers that hang up in the middle of an answer."""
