"""Each line of docs/security.md is proved by tests that exist."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "security.md").read_text()
LINES = [
    line
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| What some", "| ---"))
]
TESTS = {
    name: path.relative_to(TOP)
    for path in (TOP / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
}


def test_the_threat_model_has_lines() -> None:
    assert len(LINES) > 20


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split("|")[1].strip())
def test_each_threat_is_answered_and_proved(line: str) -> None:
    threat, fence, proofs = (part.strip() for part in line.strip("|").split("|"))
    named = re.findall(r"`(test_\w+)`", proofs)
    assert threat
    assert fence.endswith(".")
    assert named
    assert set(named) <= TESTS.keys(), f"no such test: {set(named) - TESTS.keys()}"


if __name__ == "__main__":  # `make redteam` runs what this prints: each test of the threat model
    names = dict.fromkeys(re.findall(r"`(test_\w+)`", PAGE))
    print(*(f"{TESTS[name]}::{name}" for name in names), sep="\n")
