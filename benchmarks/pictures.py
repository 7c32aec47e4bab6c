"""Take the README's pictures of the sample follow-up in Chromium: on a phone, light and dark, and a desktop.

Run it after the letters have changed: `make pictures`.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.small_png import smaller
from followupd.adapters.overlay import write_starter
from followupd.cli.preview import preview_letter
from followupd.domain.letter import LetterKind

IMAGES = Path(__file__).parents[1] / "docs" / "images"
#: the same dates in every run
_NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
#: a headless window cannot be as narrow as a phone, so the letter is in a frame of that width
_FRAME = (
    "<body style='margin:0'>"
    "<iframe id=f src=letter.html style='border:0;display:block' width={width} height={height}></iframe>"
    "<p id=height hidden></p><script>onload=()=>"
    "{{height.textContent='height '+f.contentDocument.documentElement.scrollHeight}}</script>"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the letter; `width` in CSS pixels."""

    name: str
    width: int
    dark: bool = False


PICTURES = (
    Picture("follow-up-phone", 390),
    Picture("follow-up-phone-dark", 390, dark=True),
    Picture("follow-up-desktop", 720),
)


def main() -> None:
    """Write every picture and print its size."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("Chromium is not installed.")
    with TemporaryDirectory() as place:
        directory = Path(place)
        write_starter(directory / "etc")
        (directory / "letter.html").write_text(
            preview_letter(directory / "etc", LetterKind.FOLLOW_UP, "", "long", _NOW).html, encoding="utf-8"
        )
        for picture in PICTURES:
            target = IMAGES / f"{picture.name}.png"
            _take(browser, directory, picture, target)
            target.write_bytes(smaller(target.read_bytes()))
            print(f"{target.name}: {target.stat().st_size:,} bytes")


def _take(browser: str, directory: Path, picture: Picture, target: Path) -> None:
    dom = _browse(browser, directory, picture, 800, "--dump-dom")
    found = re.search(r"height (\d+)<", dom)
    if found is None:
        sys.exit(f"Chromium did not print the height of the letter: {dom[:200]}")
    _browse(browser, directory, picture, int(found[1]), f"--screenshot={target}")


def _browse(browser: str, directory: Path, picture: Picture, height: int, option: str) -> str:
    page = directory / "page.html"
    page.write_text(_FRAME.format(width=picture.width, height=height), encoding="utf-8")
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
