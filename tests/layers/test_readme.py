"""The README stays true: the letter that it shows is the letter that is written, and its pictures are there."""

import re
from pathlib import Path

import pytest

from benchmarks.pictures import PICTURES
from followupd.adapters.settings import write_starter
from followupd.cli.main import main

README = Path(__file__).parents[2] / "README.md"


def test_the_letter_in_the_readme_is_the_one_that_leaves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_starter(tmp_path / "etc")
    assert main(["preview", "follow-up", "--sample", "long", "--config", str(tmp_path / "etc")]) == 0
    assert capsys.readouterr().out.strip() in README.read_text()


def test_every_page_that_the_readme_names_is_there() -> None:
    text = README.read_text()
    named = [part.split(")")[0] for part in text.split("](")[1:]]
    assert named
    assert [
        name for name in named if not name.startswith("http") and not (README.parent / name).exists()
    ] == []


def test_every_picture_is_there_is_shown_and_says_what_it_shows() -> None:
    """Small, since everyone who clones or installs fetches them."""
    shown = re.findall(r'<img src="([^"]+)"[^>]* alt="([^"]+)">', README.read_text())
    there = sorted((README.parent / "docs" / "images").iterdir())
    assert sorted(README.parent / source for source, _ in shown) == there
    assert all(said.strip() for _, said in shown)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in there)
    assert sum(path.stat().st_size for path in there) < 300_000


def test_every_picture_that_is_taken_is_one_that_is_shown() -> None:
    assert sorted(f"{picture.name}.png" for picture in PICTURES) == sorted(
        path.name for path in (README.parent / "docs" / "images").iterdir()
    )
