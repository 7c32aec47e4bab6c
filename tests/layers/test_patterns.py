"""No pattern that meets text of others runs for an exponential or polynomial time, whatever that text is."""

import ast
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import followupd
from followupd.languages.safety import is_exponential
from tests.layers.polynomial import polynomial_text

TOP = Path(followupd.__file__).parent
#: packages whose patterns meet the administrator's own files and words alone, or what we have written ourselves
OWN_TEXT = (
    "adapters.settings",
    "adapters.templates",
    "adapters.storage.migrations",
    "cli",
    "demo",
    "languages",
)
#: patterns that are not proven linear, and why their input is bounded or costs no more all the same
EXCEPTIONS = {
    "text.answers._SENTENCE": "what is read is consumed, but for the last word, which is read once more",
    "text.complaints.recogniser._ATOM": "the administrator's own rules, which are a line each",
    "text.complaints.recogniser._COUNTED": "the administrator's own rules, which are a line each",
    "text.mail.authentication._TOKEN": "no more than MAX_RESULTS (8,000) characters are read",
    "text.mail.new_text._WROTE_AT_END": "no more than MAX_VERB characters are read",
}
#: how a pattern may be used, the cheapest first: whoever uses it otherwise, or hands it on, may use it in any way
METHODS = {"match": {"match"}, "fullmatch": {"fullmatch"}, "search": {"search", "match", "fullmatch"}}


def modules() -> list[str]:
    found = [module.name for module in pkgutil.walk_packages([str(TOP)], "followupd.")]
    outside = tuple(f"followupd.{name}" for name in OWN_TEXT)
    return [name for name in found if not name.startswith(outside) and not name.endswith("__main__")]


@cache
def patterns() -> dict[str, "re.Pattern[Any]"]:
    """Return the compiled patterns of the modules, by module and name."""
    found: dict[str, re.Pattern[Any]] = {}
    for module in modules():
        values = vars(importlib.import_module(module))
        named = {name: value for name, value in values.items() if isinstance(value, re.Pattern)}
        found |= {f"{module.removeprefix('followupd.')}.{name}": value for name, value in named.items()}
    return found


@cache
def uses(file: Path) -> dict[str, set[str]]:
    """Return what is done with each name in a file: the attributes that are taken from it, "" for anything else."""
    found: dict[str, set[str]] = {}
    nodes = list(ast.walk(ast.parse(file.read_text())))
    taken = {id(node.value): node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.setdefault(node.id, set()).add(taken.get(id(node), ""))
    return found


@cache
def sources() -> dict[Path, str]:
    return {file: file.read_text() for file in TOP.rglob("*.py")}


def method_of(pattern: str) -> str:
    """Return how a pattern is used: "findall" stands for all that goes on behind a match."""
    module, name = pattern.rsplit(".", 1)
    own = TOP.joinpath(*module.split("."))
    own = own / "__init__.py" if own.is_dir() else own.with_suffix(".py")
    files = [own] if name.startswith("_") else [file for file, text in sources().items() if name in text]
    used = set().union(*(uses(file).get(name, set()) for file in files)) - {"pattern"}
    return next((method for method, allowed in METHODS.items() if used and used <= allowed), "findall")


def test_there_are_patterns() -> None:
    assert len(patterns()) > 150


@pytest.mark.parametrize("name", patterns())
def test_no_pattern_is_exponential(name: str) -> None:
    text = patterns()[name].pattern
    assert not is_exponential(text if isinstance(text, str) else text.decode("latin-1"))


@pytest.mark.parametrize("name", sorted(patterns().keys() - EXCEPTIONS.keys()))
def test_each_pattern_is_proven_linear(name: str) -> None:
    assert polynomial_text(patterns()[name], method_of(name)) == ""


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_each_exception_is_still_needed(name: str) -> None:
    assert polynomial_text(patterns()[name], method_of(name))


POLYNOMIAL = [
    (r"a*a*b", "match"),
    (r"\s*(?:x\s*)?\s+$", "match"),
    (r"\s+$", "search"),
    (r"a+b", "search"),
    (r"<[^>]+>", "search"),
    (r"(?:a?b)*(?:ba?)*c", "match"),
    (r"\d+\.?\d*x", "match"),
    (r"a(?:a*b)?", "findall"),
    (r"\n\s*x", "sub"),
    (r"[a-z]{1,999}@", "search"),
    (r"(?i)K*[kq]*!", "match"),
    (r"\s*(.*?)\s*", "fullmatch"),
    (r"(?!.*x)y", "search"),
    (r"(?:(?!.*x)y)*", "match"),
    (r"(?=\s*\s*x)y", "match"),
    (r"(a+)\1*b", "match"),
]


@pytest.mark.parametrize(("pattern", "method"), POLYNOMIAL)
def test_what_is_polynomial_is_found(pattern: str, method: str) -> None:
    assert polynomial_text(re.compile(pattern), method)


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"a*b*c", "match"),
        (r"\s+", "sub"),
        (r"a+b", "match"),
        (r"<[^<>]+>", "search"),
        (r"^\s+x", "search"),
        (r"\b[A-Z]{3,}\b", "findall"),
        (r"(?<!\w)\w+!", "search"),
        (r"\d(?:[.,]*\d)*|\S", "findall"),
        (r"[a-z]{1,64}@[a-z]+", "search"),
        (r"(?s)\s*[:]?\s*(.*)", "fullmatch"),
        (r"a(?:a*b)?", "match"),
    ],
)
def test_what_is_linear_is_proven(pattern: str, method: str) -> None:
    assert polynomial_text(re.compile(pattern), method) == ""
