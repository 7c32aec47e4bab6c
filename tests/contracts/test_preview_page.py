"""The preview's page over real HTTP and in a real browser: for this machine alone, harmless, and never stale."""

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from followupd.adapters.overlay import customise, write_starter
from followupd.cli.preview import LetterSource, PreviewServer
from tests.servers.chromium import Chromium

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_starter(tmp_path / "etc")
    customise(tmp_path / "etc", ["templates/en", "templates/de"])
    return tmp_path / "etc"


@pytest.fixture
def server(directory: Path) -> Iterator[PreviewServer]:
    server = PreviewServer(LetterSource(directory, "", lambda: NOW, poll_seconds=0.6))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.stop()
    thread.join()


def get(server: PreviewServer, path: str, host: str = "") -> tuple[int, dict[str, str], str]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=120)
    line.request("GET", path, headers={"Host": host} if host else {})
    answer = line.getresponse()
    found = (
        answer.status,
        {name.lower(): value for name, value in answer.getheaders()},
        answer.read().decode(),
    )
    line.close()
    return found


def letter(
    server: PreviewServer, kind: str = "follow-up", sample: str = "long", language: str = "en"
) -> dict[str, object]:
    query = urlencode({"kind": kind, "sample": sample, "language": language})
    return dict(json.loads(get(server, f"/letter?{query}")[2]))


def save_once_shown(
    monkeypatch: pytest.MonkeyPatch, server: PreviewServer, save: Callable[[], object]
) -> None:
    """Save a file when the page has shown the first version, and waits for the next."""
    answer, saved = server.source.wait_for_change, threading.Event()

    def wait_for_change(seen: str) -> dict[str, Any]:
        if seen and not saved.is_set():
            saved.set()
            save()
        return answer(seen)

    monkeypatch.setattr(server.source, "wait_for_change", wait_for_change)


def test_it_listens_on_this_machine_alone(server: PreviewServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1:1", "127.0.0.1.evil.example"])
def test_a_name_that_only_points_here_is_turned_away(server: PreviewServer, host: str) -> None:
    status, _, text = get(server, "/letter?kind=follow-up", host)
    assert (status, "Dear" in text) == (403, False)


def test_a_letter_has_its_text_its_headers_and_what_check_says(server: PreviewServer) -> None:
    found = letter(server)
    assert "You should know" in str(found["text"])
    assert found["findings"] == []
    assert ["Subject", "Re: Where is the kettle I ordered?"] in list(found["headers"])  # type: ignore[call-overload]
    assert "Sie sollen wissen, wie es dazu kam." in str(letter(server, language="de")["text"])


def test_findings_stand_beside_the_letter_and_mistakes_in_place_of_it(
    server: PreviewServer, directory: Path
) -> None:
    file = directory / "templates" / "en" / "follow-up.md"
    good = file.read_text()
    file.write_text(good.replace("Thank you for your", "We guarantee it. Thank you for your"))
    assert any("[W07]" in str(each) for each in list(letter(server)["findings"]))  # type: ignore[call-overload]
    file.write_text(good.replace("facts.cause", "facts.curse"))
    broken = letter(server)
    assert "there is no `curse` in this letter" in str(broken["findings"])
    assert broken["text"] == ""


def test_a_finding_beside_the_letter_has_its_file_and_line(server: PreviewServer, directory: Path) -> None:
    for file in ("en/follow-up.md", "en/_signature.md"):
        path = directory / "templates" / file
        text = path.read_text()
        path.write_text(f"{text}\nWe guarantee it.\n")
        line = text.count("\n") + 2
        found = [str(each) for each in list(letter(server)["findings"])]  # type: ignore[call-overload]
        assert any(each.startswith(f"templates/{file}:{line}: ") for each in found), found
        path.write_text(text)


def test_the_letter_is_shown_in_the_colours_that_are_chosen(server: PreviewServer) -> None:
    query = "/html?kind=follow-up&sample=long&language=en"
    shown = {colours: get(server, f"{query}&colours={colours}")[2] for colours in ("", "light", "dark")}
    assert "@media (prefers-color-scheme: dark)" in shown[""]
    assert "@media not all" in shown["light"]
    assert "prefers-color-scheme: dark" not in shown["dark"]
    assert "@media all" in shown["dark"]


def test_the_html_of_a_letter_stands_in_a_sandbox(server: PreviewServer) -> None:
    _, headers, text = get(server, "/html?kind=follow-up&sample=hostile")
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "<script" not in text
    assert get(server, "/nothing")[0] == 404


def test_the_page_takes_nothing_and_gives_nothing_to_other_pages(server: PreviewServer) -> None:
    line = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=120)
    line.request("POST", "/letter", "kind=follow-up")
    assert line.getresponse().status == 501
    line.close()
    for path in ("/", "/letter?kind=follow-up", "/html?kind=follow-up", "/version"):
        status, headers, _ = get(server, path)
        assert status == 200
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert "default-src 'none'" in headers["content-security-policy"]


def test_a_browser_that_has_the_newest_version_waits_for_the_next(
    server: PreviewServer, directory: Path
) -> None:
    first = json.loads(get(server, "/version")[2])["version"]
    server.source.poll_seconds = 30
    file = directory / "templates" / "en" / "follow-up.md"
    saved = threading.Timer(1.0, lambda: file.write_text(file.read_text() + "\n"))
    saved.start()
    assert json.loads(get(server, f"/version?seen={first}")[2])["version"] != first
    saved.join()


def test_a_browser_shows_letter_and_findings(server: PreviewServer, chromium: Chromium) -> None:
    page = chromium.page(f"{server.url}#kind=follow-up&sample=long&language=de")
    assert "Sie sollen wissen, wie es dazu kam." in page
    assert "Nothing." in page
    assert '<option value="hostile">' in page
    assert "/html?kind=follow-up" in page


@pytest.mark.parametrize("kind", ["confirmation", "follow-up", "gift-card", "desk/opened"])
def test_nothing_that_a_customer_has_typed_does_anything_in_the_page(
    server: PreviewServer, chromium: Chromium, kind: str
) -> None:
    page = chromium.page(f"{server.url}#kind={kind}&sample=hostile")
    assert page.count("<script") == 1  # the page's own, with its nonce
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"<(?:b|h1|img|a)[ >]", page.partition("<main>")[2])


def test_a_slip_that_is_saved_shows_up_beside_the_letter(
    server: PreviewServer, directory: Path, chromium: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = directory / "templates" / "de" / "follow-up.md"
    good = file.read_text()
    save_once_shown(
        monkeypatch,
        server,
        lambda: file.write_text(good.replace("Danke für Ihre", "Wir garantieren es. Danke für Ihre")),
    )
    page = chromium.page(
        f"{server.url}#kind=follow-up&sample=long&language=de",
        seconds=2,
    )
    assert "[W07]" in page
    assert "Wir garantieren es." in page


def test_a_page_that_is_open_follows_the_files(
    server: PreviewServer, directory: Path, chromium: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = directory / "templates" / "en" / "confirmation.md"

    good = file.read_text()
    save_once_shown(
        monkeypatch,
        server,
        lambda: file.write_text(good.replace("Thank you for telling us.", "Thank you for writing to us.")),
    )
    page = chromium.page(f"{server.url}#kind=confirmation", seconds=2)
    assert "Thank you for writing to us." in page


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize(
    ("kind", "sample"), [("follow-up", "long"), ("confirmation", "hostile"), ("gift-card", "hostile")]
)
def test_no_letter_is_wider_than_the_phone(
    server: PreviewServer, tmp_path: Path, chromium: Chromium, kind: str, sample: str, width: int
) -> None:
    """Measure in a frame of that width: a headless window cannot be as narrow as a phone."""
    html = get(server, f"/html?kind={kind}&sample={sample}")[2]
    (tmp_path / "letter.html").write_text(html)
    (tmp_path / "page.html").write_text(
        f"<iframe id=f src=letter.html width={width} height=844 style='border:0'></iframe><p id=said></p><script>"
        "onload=()=>{const d=f.contentDocument.documentElement;said.textContent='width '+d.scrollWidth+' of '+d.clientWidth}"
        "</script>"
    )
    page = chromium.page((tmp_path / "page.html").as_uri())
    found = re.search(r"width (\d+) of (\d+)<", page)
    assert found
    assert found[1] == found[2]
    assert int(found[1]) > width - 20  # a scroll bar may stand beside it
