"""Mutation testing of the pure core: `python -m tests.policies.mutants [MODULE...]`, or `make mutants`.

Each mutant is one small change in one module of `domain` or `recovery`: a comparison, a boolean operator, a
number, a name in a string, a statement. It is killed when a test fails. The table of the module's policy runs
first, the other tables and the stories of `tests/story` only for what survives it. Sentences (strings with
blanks) are not changed.
"""

import argparse
import ast
import contextlib
import copy
import importlib
import importlib.abc
import importlib.machinery
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
#: the modules that are measured unless others are named, each with the table of its policy, which runs first
TABLES = {
    "followupd.recovery.blockers": "blockers",
    "followupd.recovery.follow_up": "follow_up",
    "followupd.recovery.confirm": "confirm",
    "followupd.recovery.commands.compensation": "compensation",
    "followupd.recovery.past.learn": "report",
}
STORIES = (
    "closing",
    "compensation",
    "confirm",
    "fix",
    "follow_up",
    "gift_card",
    "opening",
    "options",
    "own_date",
    "reached",
    "receipt",
    "remind",
    "report",
    "slips",
    "waiting",
)
_TIMEOUT = 300  # seconds; a mutant that loops for ever is killed

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """One changed module: its source, and what was changed in which line."""

    module: str
    line: int
    change: str
    source: str


def mutants_of(module: str) -> Iterator[Mutant]:
    """Give every mutant of a module."""
    tree = ast.parse(_path(module).read_text(encoding="utf-8"))
    documentation = set(_docstrings(tree))
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in documentation:
            continue
        for choice in range(len(_changes(node))):
            changed = copy.deepcopy(tree)
            target = next(other for at, other in enumerate(ast.walk(changed)) if at == number)
            before = ast.unparse(target).splitlines()[0]
            mutated = _changes(target)[choice]
            after = _replace(changed, target, mutated)
            source = ast.unparse(ast.fix_missing_locations(changed))
            yield Mutant(module, getattr(node, "lineno", 0), f"{before}  ->  {after}", source)


def _docstrings(tree: ast.AST) -> Iterator[int]:
    """Give the nodes that are never changed: docstrings, and types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            yield from map(id, ast.walk(node.body[0]))
        if isinstance(node, ast.AnnAssign):
            yield from map(id, ast.walk(node.annotation))
        if isinstance(node, ast.FunctionDef):
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                if argument.annotation:
                    yield from map(id, ast.walk(argument.annotation))
            if node.returns:
                yield from map(id, ast.walk(node.returns))
        if isinstance(node, ast.keyword) and node.arg in {"frozen", "slots", "kw_only"}:
            yield from map(id, ast.walk(node))


def _changes(node: ast.AST) -> list[ast.AST]:
    """Return what a node may be replaced by."""
    match node:
        case ast.Compare():
            return _other_comparisons(node)
        case ast.Constant():
            return _other_constants(node)
        case ast.stmt():
            return _other_statements(node)
        case ast.expr():
            return _other_expressions(node)
        case _:
            return []


def _other_comparisons(node: ast.Compare) -> list[ast.AST]:
    """Return the comparison with one of its operators changed."""
    found: list[ast.AST] = []
    for position, op in enumerate(node.ops):
        for other in _COMPARISONS[type(op)]:
            ops = [*node.ops[:position], other(), *node.ops[position + 1 :]]
            found.append(ast.Compare(node.left, ops, node.comparators))
    return found


def _other_constants(node: ast.Constant) -> list[ast.AST]:
    """Return another truth value, the next number, or another name."""
    match node.value:
        case bool(value):
            return [ast.Constant(not value)]
        case int(value):
            return [ast.Constant(value + 1)]
        case str(value) if value and " " not in value:
            return [ast.Constant(f"x{value}")]
        case _:
            return []


def _other_statements(node: ast.stmt) -> list[ast.AST]:
    """Return an if with its condition negated, a return of nothing, or nothing in the place of a statement."""
    match node:
        case ast.If(test=ast.Name() | ast.Attribute() | ast.Call()):
            return [ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)]
        case ast.Return(value=ast.expr()) if not _is_nothing(node.value):
            return [ast.Return(ast.Constant(None))]
        case ast.Raise() | ast.AugAssign() | ast.Continue():
            return [ast.Pass()]
        case ast.Expr() if not isinstance(node.value, ast.Constant):
            return [ast.Pass()]
        case _:
            return []


def _other_expressions(node: ast.expr) -> list[ast.AST]:
    """Return an expression with its operator changed, or its condition negated."""
    match node:
        case ast.BoolOp(op=ast.And()):
            return [ast.BoolOp(ast.Or(), node.values)]
        case ast.BoolOp(op=ast.Or()):
            return [ast.BoolOp(ast.And(), node.values)]
        case ast.UnaryOp(op=ast.Not()):
            return [node.operand]
        case ast.IfExp(test=ast.Name() | ast.Attribute() | ast.Call()):
            return [ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)]
        case ast.BinOp() if type(node.op) in _OPERATORS:
            return [ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)]
        case _:
            return []


def _is_nothing(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> str:
    """Put a node in the place of another, and return how the new one reads."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list):
                value[:] = [new if item is old else item for item in value]
    return ast.unparse(ast.fix_missing_locations(new)).splitlines()[0]


class _MutatedModule(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from the source of its mutant."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.mutant.module:
            return None
        origin = str(_path(fullname))
        return importlib.machinery.ModuleSpec(fullname, self, origin=origin, is_package=False)

    def get_source(self, fullname: str) -> str:
        return self.mutant.source


def _path(module: str) -> Path:
    return TOP.joinpath(*module.split(".")).with_suffix(".py")


def survives(mutant: Mutant | None, *, tables_only: bool) -> bool:
    """Return whether every test passes with a mutant, None for the program as it is.

    Does not return to the parent.
    """
    if mutant:
        sys.meta_path.insert(0, _MutatedModule(mutant))
    table = TABLES.get(mutant.module) if mutant else None
    if table and not _passes([f"tests/policies/test_{table}.py"]):
        return False
    if tables_only:
        return table is not None or _passes(["tests/policies"])

    return _passes(["tests/policies", *(f"tests/story/test_{name}.py" for name in STORIES)])


def _passes(paths: list[str]) -> bool:
    import pytest

    options = ["-x", "-q", "--noconftest", "--rootdir", str(TOP), "-p", "no:cacheprovider"]
    options += ["-o", "addopts=--import-mode=importlib"]
    options += ["-o", "filterwarnings=ignore"]  # pytest warns of what was imported before it
    return pytest.main([*options, *(str(TOP / path) for path in paths)]) == 0


def _start(mutant: Mutant | None, *, tables_only: bool) -> int:
    """Run the tests in a child process, and return its id; it exits with 1 when the mutant survives."""
    child = os.fork()
    if child:
        return child
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    signal.alarm(_TIMEOUT)
    code = 0
    with contextlib.suppress(BaseException):
        code = int(survives(mutant, tables_only=tables_only))
    os._exit(code)


def measure(mutants: list[Mutant], jobs: int, *, tables_only: bool) -> list[Mutant]:
    """Return the mutants that survive."""
    running: dict[int, Mutant] = {}
    waiting, survivors = list(reversed(mutants)), []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            running[_start(mutant, tables_only=tables_only)] = mutant
        child, status = os.wait()
        mutant = running.pop(child)
        if os.waitstatus_to_exitcode(status) == 1:
            survivors.append(mutant)
            print(f"survived: {mutant.module}:{mutant.line}: {mutant.change}", flush=True)
    return survivors


def main() -> int:
    """Measure the modules that are named, and print the share of survivors of each."""
    parser = argparse.ArgumentParser(description="Change one thing at a time, and see which tests notice.")
    parser.add_argument("modules", nargs="*", default=list(TABLES), metavar="MODULE")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--tables", action="store_true", help="run only the table of the policy: quick, and stricter"
    )
    options = parser.parse_args()

    _preload(options.modules)
    child = _start(None, tables_only=options.tables)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 1:
        print("the tests fail without any change; nothing is measured")
        return 2
    total = left = 0
    for module in options.modules:
        mutants = list(mutants_of(module))
        survivors = measure(mutants, options.jobs, tables_only=options.tables)
        share = 100 * len(survivors) / max(1, len(mutants))
        print(f"{module}: {len(survivors)} of {len(mutants)} mutants survived ({share:.0f} %)", flush=True)
        total, left = total + len(mutants), left + len(survivors)
    print(f"together: {left} of {total} mutants survived ({100 * left / max(1, total):.0f} %)")
    return 0


def _preload(modules: list[str]) -> None:
    """Import what is large and not changed, so that child processes need not; keep pytest without plugins."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("babel.numbers", "hypothesis", "jinja2", "phonenumbers", "pydantic", "pytest", "sqlmodel"):
        importlib.import_module(name)

    if not any(module.startswith("followupd.domain") for module in modules):
        importlib.import_module("tests.builders")

    import hypothesis

    hypothesis.settings.register_profile("mutants", deadline=None)
    hypothesis.settings.load_profile("mutants")


if __name__ == "__main__":
    sys.exit(main())
