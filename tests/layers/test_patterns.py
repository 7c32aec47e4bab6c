"""No pattern that meets text of others runs for an exponential or polynomial time, whatever that text is."""

import ast
import importlib
import os
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import followupd
from followupd.languages import catalogue
from followupd.languages.safety import is_exponential
from followupd.text import answers, names
from followupd.text.mail import absence
from followupd.text.promises import sentences
from followupd.text.wording import checker, facts
from tests.layers.built import Built, built, call_of, calls, uses_of
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


# --- patterns that functions build ---

#: most characters that are read at once by the patterns of these modules that are not proven linear, and what they are
BOUNDED = {
    "text.answers": (answers.MAX_RIGHT, "MAX_RIGHT of an answer"),
    "text.mail.absence": (absence.MAX_NOTE, "MAX_NOTE of an absence note, in single blanks"),
    "text.names": (names.MAX_LINE, "MAX_LINE of a line that may be a greeting or farewell"),
    "text.promises": (sentences.MAX_SENTENCE, "MAX_SENTENCE of a sentence"),
    "text.wording": (checker.MAX_READ, "MAX_READ of a fact, and of a letter piece by piece"),
}
#: seconds of CPU time that one of those may take for a text of that size; a mail has two
MOST = 0.3
#: places that build patterns of literals alone, of names, addresses or the administrator's own words
LITERALS = {
    "adapters.network",
    "adapters.oauth",
    "adapters.storage.personal_data",
    "languages.patterns",
    "recovery.commands.promises",
    "text.complaints.recogniser",
    "text.notes",
    "text.wording.checker",
    "text.wording.facts",
}


@cache
def from_functions() -> dict[str, Built]:
    """Return the patterns that functions build, by their place."""
    outside = tuple(f"followupd.{name}" for name in OWN_TEXT)
    constants = [call.constant for call in calls() if call.constant]
    kept = [each for each in (*built(), *constants) if not each.module.startswith(outside)]
    return {f"{each.module.removeprefix('followupd.')}:{each.line}:{n}": each for n, each in enumerate(kept)}


def method_by_name(pattern: Built) -> str:
    """Return how a pattern is used, by the name of what it is kept in."""
    if pattern.by != "compile":
        return pattern.by
    call = call_of(pattern)
    used = uses_of(call.name) if call and call.name else set()
    return next((method for method, allowed in METHODS.items() if used and used <= allowed), "findall")


def unproven() -> dict[str, Built]:
    found = from_functions()
    return {
        name: each for name, each in found.items() if polynomial_text(each.compiled(), method_by_name(each))
    }


def most_read(name: str) -> int:
    """Return how much is read at once by the pattern of a place, 0 if that is not bounded."""
    return next((most for module, (most, _) in BOUNDED.items() if name.startswith(module)), 0)


def hostile_texts(pattern: Built, size: int) -> Iterator[str]:
    """Yield texts of one size that repeat what a pattern may stumble over."""
    words = list(dict.fromkeys(re.findall(r"[^\W\d_]{2,}", pattern.pattern)))
    marks = list(dict.fromkeys(re.findall(r"(?<!\\)[^\w\\]", pattern.pattern)))
    some = [*words[:: len(words) // 3 + 1], *marks[:2]]
    for atom in ("a", " ", "a ", "1 ", *some, *(f"{word} " for word in some)):
        yield f"{(atom * (size // len(atom) + 1))[: size - 1]}!"


def cost(pattern: "re.Pattern[str]", text: str, method: str) -> float:
    """Return the CPU time that all matches in a text cost, the best of three."""
    best = 1000.0
    for _ in range(3):
        began = time.process_time()
        if method in METHODS:
            getattr(pattern, method)(text)
        else:
            pattern.findall(text)
        best = min(best, time.process_time() - began)
        if best < MOST:
            break
    return best


def test_each_place_that_builds_a_pattern_is_seen() -> None:
    seen = {(each.module, each.line) for each in built()}
    unseen = {
        call.module.removeprefix("followupd.")
        for call in calls()
        if not call.constant
        and not any((call.module, line) in seen for line in range(call.first, call.last + 1))
    }
    outside = {module for module in unseen if module.startswith(OWN_TEXT) and module not in LITERALS}
    assert unseen - outside <= LITERALS
    assert len(from_functions()) > 450


def test_each_pattern_that_a_function_builds_is_linear_or_cheap_for_all_that_it_may_read() -> None:
    rest = unproven()
    assert {name for name in rest if not most_read(name)} == set()
    assert [name for name, each in rest.items() if is_exponential(each.pattern)] == []
    assert len(rest) < len(from_functions()) / 3
    if "FOLLOWUPD_REDTEAM" not in os.environ:  # the rest takes minutes
        return
    slow = {}
    for name, each in rest.items():
        compiled = each.compiled()
        method = method_by_name(each)
        for text in hostile_texts(each, most_read(name)):
            if (seconds := cost(compiled, text, method)) >= MOST:
                slow[name] = (round(seconds, 3), text[:40], each.pattern[:80])
    assert slow == {}


def test_blanks_of_the_greatest_length_cost_little() -> None:
    """Of all texts of one letter, they cost most: a blank of a pattern stands for up to nine."""
    costs = {
        name: cost(each.compiled(), " " * most_read(name) + "!", method_by_name(each))
        for name, each in from_functions().items()
        if name.startswith("text.wording")
    }
    assert {name: seconds for name, seconds in costs.items() if seconds >= MOST / 3} == {}


#: what meets the patterns whose input is bounded -> a function that reads a text of any length
READERS: dict[str, Callable[[str], object]] = {
    "an absence note": lambda text: absence.back_on(text, "", None),
    "a greeting": names.salutation,
    "a signature": names.signed_by,
    "a sentence with a greeting": names.without_greeting,
    "a mail between greeting and name": names.between_greeting_and_name,
    "a fact": lambda text: facts.advice("cause", text, language="en"),
    "a stub": facts.is_stub,
    "a phrase": lambda text: checker.has("en", "apology", text),
    "a letter": lambda text: checker.findings(text, kind="follow-up", language="en"),
    "sentences": lambda text: list(sentences.sentences(text, catalogue())),
}


@pytest.mark.parametrize("atom", ["a", "a ", "hello ", "we are sorry ", "from 12 to ", "Dear "])
@pytest.mark.parametrize("name", READERS)
def test_64_kb_cost_little_where_patterns_are_bounded(name: str, atom: str) -> None:
    """Without its bound each of them would read 64 kB at once."""
    text = (atom * (64_000 // len(atom) + 1))[:64_000]
    best = 1000.0
    for _ in range(3):
        began = time.process_time()
        READERS[name](text)
        best = min(best, time.process_time() - began)
    assert best < 2.0
