"""docs/flow.md tells the way of a mail in the sentences of the log, in the order of the code, with the diagram of MOVES."""

import ast
import re
from pathlib import Path

import pytest

from followupd import log
from tests.layers.diagram import PAGE, drawn

PLACE = re.compile(r"%[a-z]")
#: how the page writes what differs; a moment may come with its preposition
ANYTHING = "(?:until )?[A-Z]+"


def page() -> str:
    """Return the page as one line; the sentences of the log are wrapped in it as any others."""
    return re.sub(r"\s+", " ", PAGE.read_text())


def sentences() -> list[tuple[str, str]]:
    """Return the name and the sentence of every function of the journal, in their order."""
    tree = ast.parse(Path(str(log.__file__)).read_text())
    found: list[tuple[str, str]] = []
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args):
            first = call.args[0]
            if ast.unparse(call.func).startswith("_log.") and isinstance(first, ast.Constant):
                found.append((function.name, str(first.value)))
    return found


def place_of(sentence: str) -> int:
    words = [re.escape(part) for part in PLACE.split(sentence)]
    found = re.search(f'"{ANYTHING.join(words)}"', page())
    return found.start() if found else -1


@pytest.mark.parametrize(("name", "sentence"), sentences())
def test_every_sentence_of_the_log_stands_in_the_page(name: str, sentence: str) -> None:
    assert place_of(sentence) >= 0, f"docs/flow.md should say {sentence!r} (log.{name})"


def test_the_page_says_the_sentences_in_the_order_of_the_log() -> None:
    way = [name for name, _ in sentences()]
    told = [sentence for name, sentence in sentences()[way.index("folder_opened") :]]
    places = [place_of(sentence) for sentence in told]
    assert places == sorted(places)


def test_every_sentence_of_the_log_is_said_somewhere() -> None:
    code = "\n".join(path.read_text() for path in Path(str(log.__file__)).parent.rglob("*.py"))
    assert [name for name, _ in sentences() if f"log.{name}(" not in code] == []


def test_the_diagram_is_drawn_from_the_table() -> None:
    assert drawn() in PAGE.read_text(), "run `python -m tests.layers.diagram`"
