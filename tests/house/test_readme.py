"""The README stays true: the letter that it shows is the letter that is written."""

from pathlib import Path

import pytest

from followupd.cli import main
from followupd.edges.settings import write_starter

README = Path(__file__).parents[2] / "README.md"


def test_the_letter_in_the_readme_is_the_one_that_leaves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_starter(tmp_path / "etc")
    assert main(["preview", "follow-up", "--sample", "long", "--config", str(tmp_path / "etc")]) == 0
    assert capsys.readouterr().out.strip() in README.read_text()


def test_every_page_that_the_readme_names_is_there() -> None:
    text = README.read_text()
    named = [part.split(")")[0] for part in text.split("](")[1:]]
    assert named
    assert [name for name in named if not name.startswith("http") and not (README.parent / name).exists()] == []
