"""The patterns that functions build: of parts of languages, of names, of words of a configuration.

`python -m tests.layers.built` fills the tables of every language in a fresh process, in which every pattern that
our code compiles is put down with its place, and prints them as JSON; those that stand in a function as they are
need not run, and are read from the source.
"""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import followupd

TOP = Path(followupd.__file__).parent
#: functions of `re` that take a pattern
FUNCTIONS = {"compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"}
#: where patterns are compiled for others
HELPERS = "followupd.languages.patterns"


@dataclass(frozen=True, order=True, slots=True)
class Built:
    """A pattern and the place that built it; `by` is the function of `re` that the place calls."""

    module: str
    line: int
    by: str
    pattern: str
    flags: int
    is_text: bool = True

    def compiled(self) -> "re.Pattern[Any]":
        if self.is_text:
            return re.compile(self.pattern, self.flags)
        return re.compile(self.pattern.encode("latin-1"), self.flags & ~re.UNICODE)


def _put_down(compiled: "re.Pattern[Any]", module: str, line: int, by: str) -> Built:
    text = compiled.pattern
    is_text = isinstance(text, str)
    return Built(module, line, by, text if is_text else text.decode("latin-1"), compiled.flags, is_text)


# --- what is built in a process ---


def record(found: set[Built]) -> None:
    """Put down from now on whatever our own functions compile."""
    inside: Any = re
    original = inside._compile

    def recording(pattern: Any, flags: int) -> "re.Pattern[Any]":
        compiled: re.Pattern[Any] = original(pattern, flags)
        frame, by = _asking(sys._getframe(1))
        if frame and frame.f_globals["__name__"].startswith("followupd.") and not _is_outside(frame):
            found.add(_put_down(compiled, frame.f_globals["__name__"], frame.f_lineno, by))
        return compiled

    inside._compile = recording


def _asking(frame: "FrameType | None") -> tuple["FrameType | None", str]:
    """Return the frame that asks for a pattern, and the function of `re` that it calls."""
    by = ""
    while frame and frame.f_globals["__name__"] in {"re", HELPERS}:
        if frame.f_globals["__name__"] == "re":
            by = frame.f_code.co_name
        frame = frame.f_back
    return frame, by


def _is_outside(frame: FrameType) -> bool:
    """Whether the pattern is a constant of its module."""
    return frame.f_code.co_name == "<module>"


def fill(found: set[Built]) -> None:
    """Fill the tables of all languages together, of each language, and the lists of phrases of letters."""
    for module in pkgutil.walk_packages([str(TOP)], "followupd."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    languages: Any = importlib.import_module("followupd.languages").catalogue()
    for function, is_of_one in _tables():
        for given in languages.all() if is_of_one else [languages]:
            function(given)
    checker: Any = importlib.import_module("followupd.text.wording.checker")
    facts: Any = importlib.import_module("followupd.text.wording.facts")
    patterns: Any = importlib.import_module(HELPERS)
    for language in languages.all():
        for name in language.wording.phrases:
            checker.pattern(languages, language.tag, name)
        words = language.wording.facts
        facts._to_the_customer("a", words)
        for draft in words.drafts:  # as `_finder` does
            text = patterns.expand(draft.find.replace(facts._NAME_PLACE, "Ana"), language.wording.parts)
            found.add(Built(facts.__name__, 0, "fullmatch", text, int(re.IGNORECASE | re.UNICODE)))


def _tables() -> Iterator[tuple[Callable[[Any], Any], bool]]:
    """Yield the cached functions of all languages, or (True) of one."""
    for name, module in sorted(sys.modules.items()):
        for function in vars(module).values() if name.startswith("followupd.") else ():
            if hasattr(function, "cache_info") and function.__module__ == name:
                parameters = inspect.signature(function).parameters.values()
                kinds = [str(each.annotation).rpartition(".")[2].strip("'>") for each in parameters]
                if kinds in (["Catalogue"], ["Language"]):
                    yield function, kinds == ["Language"]


@cache
def built() -> list[Built]:
    """Return the patterns that a fresh process builds."""
    command = [sys.executable, "-m", "tests.layers.built"]
    printed = subprocess.run(command, capture_output=True, check=True, cwd=TOP.parent)
    return [Built(*values) for values in json.loads(printed.stdout)]


# --- what stands in the source ---


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `re` in a function.

    `name` is that of what is made of it, if it has one; "f()" is the result of a function.
    """

    module: str
    first: int
    last: int
    by: str
    name: str
    constant: Built | None


@cache
def calls() -> list[Call]:
    found: list[Call] = []
    for file in sorted(TOP.rglob("*.py")):
        module = ".".join(("followupd", *file.relative_to(TOP).with_suffix("").parts))
        tree = ast.parse(file.read_text())
        names = {id(node.value): node.arg or "" for node in ast.walk(tree) if isinstance(node, ast.keyword)}
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        returns = [(node, each) for each in functions for node in ast.walk(each)]
        names |= {id(node.value): f"{each.name}()" for node, each in returns if isinstance(node, ast.Return)}
        inside = {id(node): node for function in functions for node in ast.walk(function)}
        found += [_call(node, module, names.get(id(node), "")) for node in inside.values() if _is_of_re(node)]
    return found


def _is_of_re(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=name)):
            return name in FUNCTIONS
    return False


def _call(node: Any, module: str, name: str) -> Call:
    by = node.func.attr
    constant = None
    with_flags = [*node.args[1:], *(each.value for each in node.keywords)]
    flags = [ast.unparse(each) for each in with_flags if re.fullmatch(r"re\.[A-Z]+", ast.unparse(each))]
    if isinstance(node.args[0], ast.Constant):
        text: Any = node.args[0].value
        compiled = re.compile(text, getattr(re, flags[0][3:]) if flags else 0)
        constant = _put_down(compiled, module, node.lineno, by)
    return Call(module, node.lineno, node.end_lineno, by, name, constant)


def call_of(pattern: Built) -> Call | None:
    """Return the call that built a pattern."""
    inside = [
        call
        for call in calls()
        if call.module == pattern.module and call.first <= pattern.line <= call.last and call.by == pattern.by
    ]
    return min(inside, key=lambda call: call.last - call.first, default=None)


def uses_of(name: str) -> set[str]:
    """Return what is done anywhere with an attribute of this name, or with the result of a function "f()".

    These are the methods called, "" for anything else.
    """
    return _uses()[name]


@cache
def _uses() -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for file in TOP.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        taken = {id(node.value): node.attr for node in nodes if isinstance(node, ast.Attribute)}
        for node in nodes:
            match node:
                case ast.Attribute(attr=name):
                    found[name].add(taken.get(id(node), ""))
                case ast.Call(func=ast.Name(id=function)):
                    found[f"{function}()"].add(taken.get(id(node), ""))
    return found


if __name__ == "__main__":
    everything: set[Built] = set()
    record(everything)
    fill(everything)
    print(json.dumps([astuple(each) for each in sorted(everything)]))
