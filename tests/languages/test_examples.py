"""Each language's examples.tsv: a sentence, and what is understood of it."""

from pathlib import Path

import pytest

from followupd import languages
from tests.languages.understanding import READERS, examples

FILES = sorted(Path(languages.__file__).parent.glob("*/examples.tsv"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_each_example_is_understood_as_written(file: Path) -> None:
    language = languages.load(file.parent.name)
    found = {
        f"line {line}: {sentence}": (expected, READERS[reader](sentence, language))
        for line, sentence, reader, expected in examples(file.read_text(encoding="utf-8"))
    }
    assert {sentence: both for sentence, both in found.items() if both[0] != both[1]} == {}


def test_each_language_that_reads_promises_has_examples() -> None:
    folder = Path(languages.__file__).parent
    reading = {file.parent.name for file in folder.glob("*/promises.toml")}
    assert {file.parent.name for file in FILES} >= reading
