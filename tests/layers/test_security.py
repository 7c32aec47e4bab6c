"""Each line of docs/security.md is proved by tests that exist."""

import ast
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


def test_each_value_is_encrypted_for_its_place() -> None:
    """A call without the place would make a value that can be moved to another row."""
    calls = [
        (file.name, node.lineno, len(node.args) + len(node.keywords))
        for file in (TOP / "followupd").rglob("*.py")
        if file.name != "crypto.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"encrypt", "decrypt"}
    ]
    assert len(calls) > 10
    assert [call for call in calls if call[2] < 2] == []


def test_a_crash_of_the_service_writes_no_memory_to_the_disk() -> None:
    assert "\nLimitCORE=0\n" in (TOP / "systemd" / "followupd.service").read_text()


if __name__ == "__main__":  # `make redteam` runs what this prints: each test of the threat model
    names = dict.fromkeys(re.findall(r"`(test_\w+)`", PAGE))
    print(*(f"{TESTS[name]}::{name}" for name in names), sep="\n")
