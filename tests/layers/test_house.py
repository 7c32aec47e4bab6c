"""The house keeps its own rules: layers, rooms, words and the commands that its pages promise."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import pairwise
from pathlib import Path

import pytest

from followupd.domain.events import EVENTS, CaseOpened
from followupd.domain.lifecycle import ANYTIME, MOVES

TOP = Path(__file__).parents[2]
WRITTEN = {".py", ".md", ".toml", ".example", ".html", ".service", ".cf", ".conf", ".txt", ""}


def files(*places: str) -> Iterator[Path]:
    """Give the files that people write; what a machine left beside them does not count."""
    for place in places:
        below = TOP / place
        for path in sorted(below.rglob("*")) if below.is_dir() else [below]:
            if path.is_file() and path.suffix in WRITTEN and "__pycache__" not in path.parts:
                yield path


def modules(*places: str) -> list[Path]:
    return [path for path in files(*places) if path.suffix == ".py"]


def named(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


EVERYTHING = (
    "followupd",
    "tests",
    "benchmarks",
    "docs",
    "templates",
    "config",
    "systemd",
    ".ci",
    "Makefile",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "pyproject.toml",
)


# --- layers and rooms ---


def test_imports_only_go_down() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", modules("followupd", "tests", "benchmarks"), ids=named)
def test_every_module_opens_with_one_sentence_of_its_role(path: Path) -> None:
    text = path.read_text()
    if path.name == "__init__.py" and not text.strip():
        return  # a package without a word of its own
    told = ast.get_docstring(ast.parse(text)) or ""
    sentence = told.split("\n\n", maxsplit=1)[0].strip()
    assert re.search(r"[.?!]( \(.+\))?$", sentence), f"{named(path)} opens with {sentence!r}"


def test_nothing_is_left_to_be_done_later() -> None:
    later = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b")
    assert [
        named(path) for path in files(*EVERYTHING) if later.search(path.read_text(errors="replace"))
    ] == []


def test_nothing_names_the_machine_that_it_was_written_on() -> None:
    places = {str(TOP), str(TOP.parent / "shared"), f"{Path.home()}/", sys.prefix}
    found = {
        named(path): place for path in files(*EVERYTHING) for place in places if place in path.read_text()
    }
    assert found == {}


# --- the table ---


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_moves_a_case_or_may_happen_at_any_time(name: str) -> None:
    event = EVENTS[name]
    assert event in ANYTIME or event is CaseOpened or any(event in row for row in MOVES.values())


def test_every_move_is_of_an_event_that_exists() -> None:
    assert {event for row in MOVES.values() for event in row} | ANYTIME <= set(EVENTS.values())


# --- what is needed is what is named ---


def project() -> dict[str, list[str]]:
    """Return the distributions that pyproject.toml names: those of the program, and those of its tests."""
    said = tomllib.loads((TOP / "pyproject.toml").read_text())
    extras = [name for names in said["project"]["optional-dependencies"].values() for name in names]
    groups = {"program": said["project"]["dependencies"] + extras, "tests": said["dependency-groups"]["test"]}
    return {
        group: [plain(re.split(r"[\[<>=]", name)[0]) for name in names] for group, names in groups.items()
    }


def plain(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def imported(*places: str) -> set[str]:
    """Return the distributions whose modules are imported, apart from the standard library."""
    trees = [ast.parse(path.read_text()) for path in modules(*places)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    tops = (
        {name.partition(".")[0] for name in names}
        - sys.stdlib_module_names
        - {"followupd", "tests", "benchmarks"}
    )
    known = {top: [plain(name) for name in names] for top, names in packages_distributions().items()}
    wanted = {name for names in project().values() for name in names}
    # "google" is a place that many distributions share; the one that is named is meant
    return {
        next((name for name in known[top] if name in wanted), known[top][0]) for top in tops if top in known
    }


#: brought by a library that is named, and a part of what it hands to us
BROUGHT = {
    "sqlalchemy": "sqlmodel",
    "pydantic": "sqlmodel",
    "markupsafe": "jinja2",
    "pysasl": "pymap",
    "proxy-protocol": "pymap",
}


def test_the_program_imports_only_what_pyproject_names() -> None:
    assert imported("followupd") - set(BROUGHT) - set(project()["program"]) == set()
    assert set(BROUGHT.values()) <= set(project()["program"])


def test_pyproject_names_only_what_the_program_needs() -> None:
    unseen = {"tzdata", "psycopg"}  # used by zoneinfo and by SQLAlchemy, which no import shows
    assert set(project()["program"]) - unseen - imported("followupd") == set()


# --- what the pages promise ---


def blocks(text: str) -> list[str]:
    return [block.strip() for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]


def test_ci_runs_the_very_command_that_the_readme_gives_for_the_tests() -> None:
    last = (TOP / ".ci/run").read_text().strip().splitlines()[-1]
    assert last == "bash .ci/packages && make check"
    assert last in blocks((TOP / "README.md").read_text())


def test_the_readme_gives_one_command_for_the_demo() -> None:
    assert "bash .ci/packages demo && make demo" in blocks((TOP / "README.md").read_text())


def targets() -> dict[str, str]:
    """Return each target of the Makefile with the comment above it."""
    lines = (TOP / "Makefile").read_text().splitlines()
    found = re.compile(r"([a-z]+):(?!=)")
    return {match[1]: before for before, line in pairwise(lines) if (match := found.match(line))}


def test_every_target_of_the_makefile_is_explained_in_one_sentence() -> None:
    assert {"check", "test", "demo", "venv"} <= set(targets())
    assert [name for name, comment in targets().items() if not re.fullmatch(r"# .+\.", comment)] == []


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    headings = re.findall(r"^## (.+)$", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert "Unreleased" in headings[0]


def commands() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-m", "followupd", "--help"], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"^    ([a-z][a-z-]*)", done.stdout, re.MULTILINE))


def test_every_command_that_a_page_names_exists() -> None:
    known = commands()
    for path in (TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))):
        code = "\n".join((*blocks(path.read_text()), *re.findall(r"`([^`\n]+)`", path.read_text())))
        said = set(re.findall(r"^(?:\$ )?followupd ([a-z][a-z-]+)", code, re.MULTILINE))
        assert said <= known, f"{named(path)} names {said - known}"
