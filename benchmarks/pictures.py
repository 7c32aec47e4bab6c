"""Take the README's pictures in Chromium: the sample follow-up on a phone, light and dark, and a desktop; a lookback.

Run it after the letters or the page have changed: `make pictures`.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import lookback
from benchmarks.small_png import smaller
from followupd.adapters.overlay import write_starter
from followupd.adapters.settings import load
from followupd.adapters.templates.check import render_sample
from followupd.adapters.templates.samples import sample_case
from followupd.app.container import letters_of
from followupd.cli.lookback import LookbackResult, Names, page_of
from followupd.domain.letter import LetterKind

IMAGES = Path(__file__).parents[1] / "docs" / "images"
#: the letter of which the pictures are, so that a test sees when they are of an older one
TAKEN_OF = Path(__file__).with_suffix(".sha256")
#: pixels of a window that a browser may keep for itself
_BROWSERS_OWN = 200
#: the same dates in every run
_NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
#: a headless window cannot be as narrow as a phone, so the letter is in a frame of that width
_FRAME = (
    "<body style='margin:0'>"
    "<iframe id=f src={page} style='border:0;display:block' width={width} height={height}></iframe>"
    "<p id=height hidden></p><script>onload=()=>"
    "{{height.textContent='height '+f.contentDocument.documentElement.scrollHeight}}</script>"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a page; sizes in CSS pixels, and a `height` of 0 for the whole page."""

    name: str
    width: int
    dark: bool = False
    page: str = "letter.html"
    height: int = 0


PICTURES = (
    Picture("follow-up-phone", 360),
    Picture("follow-up-phone-dark", 360, dark=True),
    Picture("follow-up-desktop", 720),
    Picture("lookback", 780, page="lookback.html", height=900),
)


def main() -> None:
    """Write every picture and print its size."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("Chromium is not installed.")
    with TemporaryDirectory() as place:
        directory = Path(place)
        letter = follow_up(directory / "etc")
        TAKEN_OF.write_text(f"{digest_of(letter)}\n", encoding="ascii")
        (directory / "letter.html").write_text(letter, encoding="utf-8")
        (directory / "lookback.html").write_text(_lookback_page(), encoding="utf-8")
        for picture in PICTURES:
            target = IMAGES / f"{picture.name}.png"
            _take(browser, directory, picture, target)
            target.write_bytes(smaller(target.read_bytes(), picture.height))
            print(f"{target.name}: {target.stat().st_size:,} bytes")


def digest_of(letter: str) -> str:
    """Return the hash of a letter's HTML, which is kept beside the pictures of it."""
    return hashlib.sha256(letter.encode()).hexdigest()


def follow_up(configuration: Path) -> str:
    """Return the sample follow-up in which nothing was refunded, so that it asks whether all is well now.

    Args:
        configuration: where the starting configuration is written.
    """
    write_starter(configuration)
    settings = load(configuration)
    playbook = settings.playbooks.default
    case = sample_case(playbook, _NOW, "long")
    case = replace(case, compensation=case.compensation[1:])
    letters = letters_of(settings, lambda key, domain: f"<{key}.preview@{domain}>")
    return render_sample(letters, LetterKind.FOLLOW_UP, case, playbook, _NOW).html


def _lookback_page() -> str:
    """Return the page of a lookback on a generated archive."""
    generator = lookback.Generator("ABCD")
    generator.replies = [row for row in generator.replies if parsedate_to_datetime(row["date"]) < _NOW]
    generated = generator.many(1600)
    found = lookback.read_generated(generated, now=_NOW)
    replies = sum(folder == "Sent" for folder, _ in generated.mails)
    result = LookbackResult(
        found, generated.total, replies, frozenset({lookback.SUPPORT}), lookback.CALENDAR, None
    )
    return page_of(result, Names(hidden=True))


def _take(browser: str, directory: Path, picture: Picture, target: Path) -> None:
    if picture.height:
        _browse(browser, directory, picture, picture.height + _BROWSERS_OWN, f"--screenshot={target}")
        return
    dom = _browse(browser, directory, picture, 800, "--dump-dom")
    found = re.search(r"height (\d+)<", dom)
    if found is None:
        sys.exit(f"Chromium did not print the height of the letter: {dom[:200]}")
    _browse(browser, directory, picture, int(found[1]), f"--screenshot={target}")


def _browse(browser: str, directory: Path, picture: Picture, height: int, option: str) -> str:
    page = directory / "page.html"
    page.write_text(_FRAME.format(page=picture.page, width=picture.width, height=height), encoding="utf-8")
    scheme = "0" if picture.dark else "1"  # Blink's numbers: dark, light
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--allow-file-access-from-files",
        f"--user-data-dir={directory / 'browser'}",
        f"--blink-settings=preferredColorScheme={scheme}",
        f"--window-size={picture.width},{height}",
        option,
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


if __name__ == "__main__":
    main()
