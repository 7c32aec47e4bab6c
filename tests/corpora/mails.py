"""Real mails for the tests: `data` in this repository, and ../shared/corpora where that exists."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).with_name("data")
BESIDE = Path(__file__).parents[3] / "shared"
CORPORA = BESIDE / "corpora"
COMPLAINTS = BESIDE / "complaints"

#: marks the tests that read outside the repository; no other test does
needs_corpora = pytest.mark.skipif(
    not CORPORA.is_dir(), reason="skipped, because ../shared/corpora is not there"
)
needs_complaints = pytest.mark.skipif(
    not COMPLAINTS.is_dir(), reason="skipped, because ../shared/complaints is not there"
)

Reply = tuple[str, str, str]


@cache
def stored_mails() -> dict[str, bytes]:
    """Return every mail of the repository by its path below `data`."""
    return {path.relative_to(DATA).as_posix(): path.read_bytes() for path in sorted(DATA.rglob("*.eml"))}


@cache
def stored_labels() -> dict[str, str]:
    """Return what each mail of the repository is; "ordinary" is what labels.tsv does not list."""
    listed = dict(line.split("\t") for line in (DATA / "labels.tsv").read_text("utf-8").splitlines())
    assert listed.keys() <= stored_mails().keys()
    return {path: listed.get(path, "ordinary") for path in stored_mails()}


def stored_replies() -> list[Reply]:
    """Return plain-text replies and what their authors expect to be left: (where, text, the new words)."""
    return [
        (f"{path.parent.name}/{row['name']}", row["text"], row["wanted"])
        for path in sorted(DATA.glob("*/replies.jsonl"))
        for row in json_lines(path)
    ]


def stored_html_replies() -> list[Reply]:
    """Return replies in HTML with the HTML of their new words."""
    rows = json_lines(DATA / "quotequail/html_replies.jsonl")
    return [(f"quotequail/{row['name']}", row["html"], row["wanted"]) for row in rows]


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").rstrip("\n").split("\n"):  # a text may hold other ends of lines
        yield json.loads(line)
