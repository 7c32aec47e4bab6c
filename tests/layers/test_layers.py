"""The project keeps its own rules: layers, module docstrings, dependencies, and the commands that its pages name."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from itertools import pairwise
from pathlib import Path

import pytest

from followupd.cli.main import COMMANDS, GROUPS, main
from followupd.domain.events import EVENTS, CaseOpened
from followupd.domain.lifecycle import ANYTIME, MOVES

TOP = Path(__file__).parents[2]
TEXT_SUFFIXES = {".py", ".md", ".toml", ".example", ".html", ".service", ".cf", ".conf", ".txt", ".po", ""}
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


def files(*places: str) -> Iterator[Path]:
    """Yield the text files that people edit; `places` are files and directories of the project."""
    for place in places:
        root = TOP / place
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts:
                yield path


def modules(*places: str) -> list[Path]:
    return [path for path in files(*places) if path.suffix == ".py"]


def name_of(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


# --- layers and modules ---


def test_imports_only_go_down() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", modules("followupd", "tests", "benchmarks"), ids=name_of)
def test_every_module_opens_with_one_sentence_of_its_role(path: Path) -> None:
    text = path.read_text()
    if path.name == "__init__.py" and not text.strip():
        return
    docstring = ast.get_docstring(ast.parse(text)) or ""
    sentence = docstring.split("\n\n", maxsplit=1)[0].strip()
    assert re.search(r"[.?!]( \(.+\))?$", sentence), f"{name_of(path)} opens with {sentence!r}"


def test_nothing_is_left_to_be_done_later() -> None:
    later = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b")
    found = [name_of(path) for path in files(*EVERYTHING) if later.search(path.read_text(errors="replace"))]
    assert found == []


def test_nothing_names_the_machine_that_it_was_written_on() -> None:
    places = {str(TOP), str(TOP.parent / "shared"), f"{Path.home()}/", sys.prefix}
    found = {
        name_of(path): place
        for path in files(*EVERYTHING)
        for place in places
        if place in path.read_text(errors="replace")
    }
    assert found == {}


# --- the state table ---


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_moves_a_case_or_may_happen_at_any_time(name: str) -> None:
    event = EVENTS[name]
    assert event in ANYTIME or event is CaseOpened or any(event in row for row in MOVES.values())


def test_every_move_is_of_an_event_that_exists() -> None:
    assert {event for row in MOVES.values() for event in row} | ANYTIME <= set(EVENTS.values())


def test_a_start_loads_nothing_that_only_a_mail_or_a_letter_needs() -> None:
    late = {"followupd.text.mail.read", "lxml", "markdown_it", "css_inline", "alembic", "requests"}
    code = f"import sys, followupd.app.daemon; print(*{late} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_check_looks_at_a_new_configuration_without_sqlalchemy() -> None:
    code = "import sys, followupd.app.check; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# --- dependencies ---


def declared() -> dict[str, list[str]]:
    """Return the distributions that pyproject.toml declares: `required`, the extras by name, and those of the `tests`."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    groups = {
        "required": project["project"]["dependencies"],
        "tests": project["dependency-groups"]["test"],
        **project["project"]["optional-dependencies"],
    }
    return {
        group: [normal(re.split(r"[\[<>=]", name)[0]) for name in names] for group, names in groups.items()
    }


def program() -> set[str]:
    """Return the declared distributions of the program, extras included."""
    return {name for group, names in declared().items() if group != "tests" for name in names}


def normal(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return the names of the modules that a module imports, apart from relative ones."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = (node for node in nodes if isinstance(node, ast.ImportFrom) and not node.level)
    return frozenset(names | {node.module for node in froms if node.module})


def imported(*places: str) -> set[str]:
    """Return the distributions of the imported modules, apart from the standard library."""
    names = {name for path in modules(*places) for name in imports_of(path)}
    own = {"followupd", "tests", "benchmarks"}
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - own
    known = {top: [normal(name) for name in names] for top, names in packages_distributions().items()}
    wanted = program() | set(declared()["tests"])
    # several distributions have modules in "google"; the declared one is meant
    return {
        next((name for name in known[top] if name in wanted), known[top][0]) for top in tops if top in known
    }


#: distribution -> the declared one that depends on it and exposes it in its own interface
TRANSITIVE = {
    "sqlalchemy": "sqlmodel",
    "pydantic": "sqlmodel",
    "pydantic-core": "sqlmodel",
    "markupsafe": "jinja2",
    "pysasl": "pymap",
    "proxy-protocol": "pymap",
}


def test_the_program_imports_only_what_pyproject_declares() -> None:
    assert imported("followupd") - set(TRANSITIVE) - program() == set()
    assert set(TRANSITIVE.values()) <= program()


def test_pyproject_declares_only_what_the_program_needs() -> None:
    not_imported = {"tzdata", "psycopg"}  # used by zoneinfo and by SQLAlchemy
    assert program() - not_imported - imported("followupd") == set()


def test_only_the_demo_imports_the_mail_servers_of_the_extra() -> None:
    others = [path.name for path in (TOP / "followupd").iterdir() if path.name not in {"demo", "__pycache__"}]
    extra = set(declared()["demo"])
    assert extra <= imported("followupd/demo")
    assert imported(*(f"followupd/{name}" for name in others)) & extra == set()


# --- what the pages promise ---


def blocks(text: str) -> list[str]:
    return [block.strip() for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]


def test_ci_runs_the_very_command_that_the_readme_gives_for_the_tests() -> None:
    last = (TOP / ".ci/run").read_text().strip().splitlines()[-1]
    assert last == "bash .ci/packages && make check"
    assert last in blocks((TOP / "README.md").read_text())


def test_the_readme_gives_one_command_for_the_demo() -> None:
    assert "bash .ci/packages demo && make demo" in blocks((TOP / "README.md").read_text())


def test_ci_installs_every_server_and_browser_that_its_tests_may_not_skip() -> None:
    required = re.search(r"^required=\((.+)\)$", (TOP / ".ci/packages").read_text(), re.MULTILINE)
    assert required
    assert {"dovecot-imapd", "postgresql", "chromium"} <= set(required[1].split())


def targets() -> dict[str, str]:
    """Return each target of the Makefile with the comment above it."""
    lines = (TOP / "Makefile").read_text().splitlines()
    target = re.compile(r"([a-z]+):(?!=)")
    return {match[1]: before for before, line in pairwise(lines) if (match := target.match(line))}


def test_every_target_of_the_makefile_is_explained_in_one_sentence() -> None:
    assert {"check", "lint", "types", "layers", "test", "demo", "venv"} <= set(targets())
    assert [name for name, comment in targets().items() if not re.fullmatch(r"# .+\.", comment)] == []


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    headings = re.findall(r"^## (.+)$", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert "Unreleased" in headings[0]


# --- the command line ---


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the help page of followupd or of one command."""
    with pytest.raises(SystemExit) as exit_:
        main([*words, "--help"])
    assert exit_.value.code == 0
    return capsys.readouterr().out


def test_the_help_lists_every_command_in_its_group_with_an_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = help_of(capsys)
    for title, group in GROUPS.items():
        section = text.partition(f"\n{title}:\n")[2].partition("\n\n")[0]
        assert re.findall(r"^    ([a-z][a-z-]*)", section, re.MULTILINE) == list(group)
        assert "  example: followupd " in section


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_help_page_with_its_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = " ".join(help_of(capsys, name).split())
    assert f"Example: {COMMANDS[name].example}" in text


def test_every_command_that_a_page_names_exists() -> None:
    for path in (TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))):
        code = "\n".join((*blocks(path.read_text()), *re.findall(r"`([^`\n]+)`", path.read_text())))
        named = set(re.findall(r"^(?:\$ )?followupd ([a-z][a-z-]+)", code, re.MULTILINE))
        assert named <= set(COMMANDS), f"{name_of(path)} names {named - set(COMMANDS)}"
