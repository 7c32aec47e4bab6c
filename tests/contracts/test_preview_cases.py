"""Previews of the case as it might be: another playbook, severity or fault, danger, and the admin's own texts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from followupd.adapters import settings
from followupd.adapters.overlay import customise, write_starter
from followupd.app.check import configuration_problems
from followupd.cli.preview import Circumstances, preview_letter
from followupd.domain.letter import Letter
from followupd.errors import FollowupdError

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_starter(tmp_path / "etc")
    return tmp_path / "etc"


def previewed(directory: Path, name: str, sample: str = "long", **given: Any) -> Letter:
    return preview_letter(directory, name, "", sample, NOW, "en", Circumstances(**given))


def flat(letter: Letter) -> str:
    return " ".join(letter.text.split())


def with_playbook(directory: Path, name: str) -> None:
    text = (directory / "playbooks/default.toml").read_text()
    text = text.replace('name = "default"', f'name = "{name}"').replace(
        "I will find out what happened and write to you with an answer",
        "I will ask the depot and write to you",
    )
    (directory / f"playbooks/{name}.toml").write_text(text)


def test_fault_and_severity_change_the_apology(directory: Path) -> None:
    texts = {
        fault: flat(previewed(directory, "follow-up", fault=fault))
        for fault in ("ours", "shared", "not-ours", "unknown")
    }
    assert len({text[: text.index(".") + 200] for text in texts.values()}) >= 3
    assert flat(previewed(directory, "follow-up", severity="high")) != flat(previewed(directory, "follow-up"))


def test_a_playbook_brings_its_own_steps_and_its_own_letter(directory: Path) -> None:
    with_playbook(directory, "delivery")
    letter = previewed(directory, "confirmation", "short", playbook="delivery")
    assert "I will ask the depot and write to you" in flat(letter)
    customise(directory, ["templates/en/confirmation.md"])
    own = directory / "templates/en/confirmation.md"
    own.rename(own.with_name("confirmation.delivery.md"))
    own = own.with_name("confirmation.delivery.md")
    own.write_text(own.read_text().replace("This is what happens next:", "The depot is on it."))
    assert "The depot is on it." in flat(previewed(directory, "confirmation", "short", playbook="delivery"))
    assert "The depot is on it." not in flat(previewed(directory, "confirmation", "short"))


def test_a_playbook_that_does_not_exist_is_named_with_those_that_do(directory: Path) -> None:
    with pytest.raises(FollowupdError, match="'delivry' is no playbook; there are default"):
        previewed(directory, "confirmation", playbook="delivry")


def test_the_letter_for_danger_promises_the_call_of_the_playbook(directory: Path) -> None:
    text = flat(previewed(directory, "safety", "short"))
    assert "call a doctor or the emergency services first" in text
    assert text.index("1. I will call you by") < text.index("2. I will find out what happened")


def test_an_admins_own_text_stands_in_a_letter_and_in_a_link(directory: Path) -> None:
    file = directory / "followupd.toml"
    file.write_text(file.read_text().replace("[vars]", '[vars]\nreturns = "https://example.com/a_b?c=1"', 1))
    customise(directory, ["templates/en/holding.md"])
    own = directory / "templates/en/holding.md"
    own.write_text(own.read_text().replace("Your case", "[Returns]({{ vars.returns }}). Your case"))
    letter = previewed(directory, "holding")
    assert "Returns (https://example.com/a_b?c=1)." in flat(letter)
    assert 'href="https://example.com/a_b?c=1"' in letter.html
    assert [
        problem.rule for problem in configuration_problems(directory, NOW) if "holding" in problem.file
    ] == []


def test_a_text_that_the_admin_did_not_write_is_found_in_its_letter(directory: Path) -> None:
    customise(directory, ["templates/en/holding.md"])
    own = directory / "templates/en/holding.md"
    own.write_text(own.read_text().replace("Your case", "{{ vars.returns }} Your case"))
    found = [problem for problem in configuration_problems(directory, NOW) if "holding" in problem.file]
    assert [(problem.rule, problem.problem) for problem in found] == [
        ("L04", "there is no `vars.returns` in this letter")
    ]


@pytest.mark.parametrize("name", ["Returns", "returns-page", "2nd", "returns page", "__class__"])
def test_a_name_that_no_letter_could_write_is_reported_with_its_line(directory: Path, name: str) -> None:
    file = directory / "followupd.toml"
    file.write_text(file.read_text().replace("[vars]", f'[vars]\n"{name}" = "x"', 1))
    [problem] = settings.problems(directory)
    assert f"{name!r} cannot be named in a letter" in problem.problem
    assert file.read_text().splitlines()[(problem.line or 0) - 1].startswith(f'"{name}" =')


def test_a_letter_of_a_playbook_that_does_not_exist_is_reported(directory: Path) -> None:
    customise(directory, ["templates/en/holding.md"])
    own = directory / "templates/en/holding.md"
    own.rename(own.with_name("holding.delivry.md"))
    [problem] = [problem for problem in configuration_problems(directory, NOW) if "holding" in problem.file]
    assert (problem.rule, problem.problem) == ("L09", "there is no playbook 'delivry'")
