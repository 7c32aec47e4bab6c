"""docs/flow.md lists the lines of the log in the order of the code, with the diagram drawn from MOVES."""

import ast
import re
from pathlib import Path

import pytest

from followupd import log
from tests.layers.diagram import PAGE, drawn

#: how the page writes a value that differs from line to line
VALUE = "[A-Z]+"
WRITERS = frozenset({"_debug", "_info", "_warning", "_error"})


def page() -> str:
    """Return the page as one line: the lines of the log are wrapped in it as any other text."""
    return re.sub(r"\s+", " ", PAGE.read_text())


def lines() -> list[tuple[str, str]]:
    """Return each function of the log with the pattern of the line that it writes, in their order."""
    tree = ast.parse(Path(str(log.__file__)).read_text())
    found: list[tuple[str, str]] = []
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        if function.name in WRITERS:
            continue
        calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
        found += [(function.name, pattern(call)) for call in calls if ast.unparse(call.func) in WRITERS]
    return found


def pattern(call: ast.Call) -> str:
    """Return a regular expression for the line as the page has it: constants as they are, values in capitals."""
    event = call.args[0]
    parts = list(event.values) if isinstance(event, ast.JoinedStr) else [event]
    name = "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else VALUE for part in parts)
    pairs = [f"{pair.arg}={value_of(pair.value)}" for pair in call.keywords]
    return " ".join([name, *pairs])


def value_of(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        text = str(value.value)
        return re.escape(f'"{text}"' if " " in text else text)
    return VALUE


def place_of(line: str) -> int:
    found = re.search(f"`{line}`", page())
    return found.start() if found else -1


@pytest.mark.parametrize(("name", "line"), lines())
def test_every_line_of_the_log_is_in_the_page(name: str, line: str) -> None:
    assert place_of(line) >= 0, f"docs/flow.md should have {line!r} (log.{name})"


def test_the_page_has_the_lines_in_the_order_of_the_log() -> None:
    names = [name for name, _ in lines()]
    shown = [line for _, line in lines()[names.index("folder_opened") :]]
    places = [place_of(line) for line in shown]
    assert places == sorted(places)


def test_every_function_of_the_log_is_used() -> None:
    code = "\n".join(path.read_text() for path in Path(str(log.__file__)).parent.rglob("*.py"))
    assert [name for name, _ in lines() if f"log.{name}(" not in code] == []


def test_an_event_name_is_one_word_and_so_is_each_key() -> None:
    for _, line in lines():
        assert re.fullmatch(r"[a-z\\-]+(?:\[A-Z\]\+)?(?: [a-z_]+=\S.*)*", line), line


def test_the_diagram_is_drawn_from_the_table() -> None:
    assert drawn() in PAGE.read_text(), "run `python -m tests.layers.diagram`"
