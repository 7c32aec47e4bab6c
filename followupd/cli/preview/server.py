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

from followupd.cli.preview.letter import SAMPLE_CASES, RenderedPreview, languages_of, shown
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS
from followupd.errors import FollowupdError

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Letters - followupd</title>
<style>
:root { color-scheme: light dark; --line: #c9cecb; --ink: #22292b; --dim: #5c6668; --paper: #fff; --ground: #f3f4f1; --mark: #14615a; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a4244; --ink: #e7eae9; --dim: #a5afad; --paper: #1d2123; --ground: #131617; --mark: #7cc9be; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
header { display: flex; flex-wrap: wrap; gap: 12px; align-items: center; padding: 12px 20px; background: var(--paper);
  border-bottom: 1px solid var(--line); }
h1 { margin: 0 12px 0 0; font-size: 17px; }
label { color: var(--dim); }
select { font: inherit; padding: 3px 6px; color: var(--ink); background: var(--ground); border: 1px solid var(--line); border-radius: 4px; }
main { display: grid; gap: 20px; padding: 20px; grid-template-columns: minmax(300px, 1fr) 394px minmax(640px, 1.6fr); align-items: start; }
@media (max-width: 1420px) { main { grid-template-columns: 1fr; } }
section { min-width: 0; }
h2 { margin: 0 0 6px; font-size: 13px; font-weight: 600; color: var(--dim); }
pre, iframe, .said { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
pre { margin: 0; padding: 16px; white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.5 ui-monospace, monospace; }
iframe { display: block; width: 100%; height: 844px; background: #fff; }
#phone { width: 390px; }
#head { margin: 0 0 14px; display: grid; grid-template-columns: auto 1fr; gap: 0 10px; }
#head dt { color: var(--dim); }
#head dd { margin: 0; overflow-wrap: anywhere; }
ul { margin: 0 0 14px; padding: 0; list-style: none; }
.said { padding: 8px 12px; margin: 0 0 6px; border-left: 4px solid #b3541e; }
.well { border-left-color: var(--mark); }
.said code { color: var(--dim); }
#state { margin-left: auto; color: var(--dim); }
</style>
</head>
<body>
<header>
<h1>Letters</h1>
<label>Letter <select id="kind"></select></label>
<label>Language <select id="language"></select></label>
<label>Case <select id="sample"></select></label>
<span id="state" role="status"></span>
</header>
<main>
<section><h2>What check says</h2><ul id="findings"></ul><dl id="head"></dl><h2>Text</h2><pre id="text"></pre></section>
<section><h2>Phone, 390 px</h2><iframe id="phone" sandbox title="The letter on a phone"></iframe></section>
<section><h2>Desktop</h2><iframe id="desktop" sandbox title="The letter on a desktop"></iframe></section>
</main>
<script nonce="NONCE">
const at = id => document.getElementById(id);
const names = ["kind", "language", "sample"];
let choices = null, version = "";
const chosen = () => new URLSearchParams(names.map(name => [name, at(name).value]));
function fill(name) {
  const wanted = new URLSearchParams(location.hash.slice(1)).get(name), before = at(name).value;
  at(name).replaceChildren(...choices[name].map(value => new Option(value, value)));
  for (const value of [before, wanted]) if (choices[name].includes(value)) { at(name).value = value; break; }
}
function line(text, well) {
  const item = document.createElement("li");
  item.className = well ? "said well" : "said";
  item.textContent = text;
  return item;
}
async function show() {
  const query = chosen(), letter = await (await fetch("/letter?" + query)).json();
  history.replaceState(null, "", "#" + query);
  at("findings").replaceChildren(...(letter.findings.length ? letter.findings.map(each => line(each)) : [line("Nothing.", true)]));
  at("head").replaceChildren(...letter.headers.flatMap(([name, value]) => {
    const [term, told] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, told.textContent] = [name, value];
    return [term, told];
  }));
  at("text").textContent = letter.text;
  for (const id of ["phone", "desktop"]) at(id).src = "/html?" + query + "&v=" + encodeURIComponent(version);
  document.title = letter.title + " - followupd";
}
async function watch() {
  for (;;) {
    try {
      const answer = await (await fetch("/version?seen=" + encodeURIComponent(version))).json();
      if (answer.version !== version) {
        version = answer.version;
        choices = answer.choices;
        names.forEach(fill);
        await show();
      }
      at("state").textContent = "up to date";
      await new Promise(resolve => setTimeout(resolve, 250));
    } catch (error) {
      at("state").textContent = "followupd preview has stopped";
      await new Promise(resolve => setTimeout(resolve, 1000));
    }
  }
}
names.forEach(name => at(name).addEventListener("change", show));
watch();
</script>
</body>
</html>
"""


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
                "kind": [*CUSTOMER_LETTERS, *DESK_MAILS],
                "language": languages_of(self.directory),
                "sample": [*SAMPLE_CASES, *([self.case] if self.case else [])],
            },
        }

    def letter(self, asked: Mapping[str, str]) -> RenderedPreview:
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
                self._answer(
                    HTTPStatus.OK, "text/html", PAGE.replace("NONCE", nonce), _PAGE_RULES.format(nonce=nonce)
                )
            case "/version":
                self._answer(
                    HTTPStatus.OK,
                    "application/json",
                    json.dumps(self.server.preview.news(asked.get("seen", ""))),
                )
            case "/letter":
                self._answer(
                    HTTPStatus.OK, "application/json", json.dumps(self.server.preview.letter(asked).as_json())
                )
            case "/html":
                self._answer(
                    HTTPStatus.OK, "text/html", self.server.preview.letter(asked).html, _LETTER_RULES
                )
            case _:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", "There is no such page.")

    def _answer(
        self, status: HTTPStatus, media_type: str, text: str, rules: str = "default-src 'none'"
    ) -> None:
        content = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in (
            ("Content-Type", f"{media_type}; charset=utf-8"),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", rules),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ):
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
