"""The README stays true: its letter is the one that is sent, and its links and pictures exist."""

import re
from pathlib import Path

import pytest

from benchmarks.pictures import PICTURES, TAKEN_OF, digest_of, follow_up
from followupd.adapters.overlay import write_starter
from followupd.cli.main import main

README = Path(__file__).parents[2] / "README.md"
IMAGES = README.parent / "docs" / "images"


def test_the_letter_in_the_readme_is_the_one_that_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_starter(tmp_path / "etc")
    assert main(["preview", "follow-up", "--sample", "long", "--config", str(tmp_path / "etc")]) == 0
    assert capsys.readouterr().out.strip() in README.read_text()


def test_every_page_that_the_readme_links_to_exists() -> None:
    links = [part.split(")")[0] for part in README.read_text().split("](")[1:]]
    assert links
    missing = [link for link in links if not link.startswith("http") and not (README.parent / link).exists()]
    assert missing == []


def test_every_picture_exists_and_has_a_description() -> None:
    """The pictures are small, since everyone who clones or installs downloads them."""
    shown = re.findall(r'<img src="([^"]+)"[^>]* alt="([^"]+)">', README.read_text())
    pictures = sorted(IMAGES.iterdir())
    assert sorted(README.parent / source for source, _ in shown) == pictures
    assert all(description.strip() for _, description in shown)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert sum(path.stat().st_size for path in pictures) < 300_000


def test_every_picture_that_is_taken_is_shown() -> None:
    taken = sorted(f"{picture.name}.png" for picture in PICTURES)
    assert taken == sorted(path.name for path in IMAGES.iterdir())


def test_the_pictures_are_of_the_letter_as_it_is_now(tmp_path: Path) -> None:
    """`make pictures` takes them anew, and keeps the hash of the letter."""
    assert digest_of(follow_up(tmp_path / "etc")) == TAKEN_OF.read_text().strip()
