"""Measure how readable the program is, and print each figure beside its bound: `python -m tests.layers.measure`."""

import ast
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "followupd"
#: each figure with the most that it may be
BOUNDS = {
    "complexity per 100 lines of functions": 28,
    "lines over 120 columns": 0,
    "fmt: skip": 10,
    "class names with two meanings": 0,
    "modules": 200,
    "modules in the largest package": 15,
}
_BRANCHES = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension)


@dataclass
class Counts:
    """What was counted in some modules."""

    modules: int = 0
    lines: int = 0
    function_lines: int = 0
    complexity: int = 0
    wide: int = 0
    skips: int = 0

    def add(self, other: "Counts") -> None:
        """Add the counts of other modules to these."""
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def density(self) -> float:
        """Cyclomatic complexity per 100 lines of functions."""
        return 100 * self.complexity / max(1, self.function_lines)


def modules(program: Path = PROGRAM) -> list[Path]:
    """Return the program's modules; a released migration never changes, so migrations do not count."""
    return sorted(path for path in program.rglob("*.py") if "migrations" not in path.parts)


def count(text: str) -> Counts:
    """Count one module."""
    counts = Counts(modules=1, lines=text.count("\n"), skips=text.count("fmt: skip"))
    counts.wide = sum(len(line) > 120 for line in text.splitlines())
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            counts.function_lines += (function.end_lineno or 0) - function.lineno + 1
            counts.complexity += 1 + sum(map(_branches, ast.walk(function)))
    return counts


def _branches(node: ast.AST) -> int:
    return len(node.values) - 1 if isinstance(node, ast.BoolOp) else int(isinstance(node, _BRANCHES))


def by_package(program: Path = PROGRAM) -> dict[str, Counts]:
    """Return the counts of each package, by its dotted name."""
    found: defaultdict[str, Counts] = defaultdict(Counts)
    for path in modules(program):
        package = ".".join(path.parent.relative_to(program.parent).parts)
        found[package].add(count(path.read_text(encoding="utf-8")))
    return dict(found)


def ambiguous_classes(program: Path = PROGRAM) -> list[str]:
    """Return the class names that more than one module defines."""
    names = Counter(
        node.name
        for path in modules(program)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    return sorted(name for name, number in names.items() if number > 1)


def figures(program: Path = PROGRAM) -> dict[str, float]:
    """Return every figure of BOUNDS for the program as it is."""
    packages = by_package(program)
    total = Counts()
    for counts in packages.values():
        total.add(counts)
    return {
        "complexity per 100 lines of functions": round(total.density, 1),
        "lines over 120 columns": total.wide,
        "fmt: skip": total.skips,
        "class names with two meanings": len(ambiguous_classes(program)),
        "modules": total.modules,
        "modules in the largest package": max(counts.modules for counts in packages.values()),
    }


def main() -> int:
    """Print each package and each figure; return 1 when a figure is over its bound."""
    for package, counts in sorted(by_package().items()):
        print(
            f"{package:36} {counts.modules:3} modules {counts.lines:6} lines  density {counts.density:5.1f}"
        )
    found = figures()
    for name, most in BOUNDS.items():
        print(f"{name:40} {found[name]:8g}  (at most {most})")
    if names := ambiguous_classes():
        print("class names with two meanings:", ", ".join(names))
    return int(any(found[name] > most for name, most in BOUNDS.items()))


if __name__ == "__main__":
    sys.exit(main())
