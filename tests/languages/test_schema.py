"""The shipped language files: no key is unknown, every pattern can be used and takes no exponential time."""

import importlib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from followupd import languages
from followupd.languages import schema
from followupd.languages.problems import FILES, FaultKind, LanguageFault, faults, patterns_in, shape_of
from followupd.languages.safety import is_exponential, trusted
from followupd.text.promises.patterns import promise_patterns

sre: Any = importlib.import_module("re._parser")  # private, and the only parser of Python's own patterns
FOLDER = Path(languages.__file__).parent
SHIPPED = sorted(file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*.toml"))


def shape(file: str) -> type[schema.LanguageTable]:
    found = shape_of(file)
    assert found, f"nobody reads {file}"
    return found


@pytest.mark.parametrize("file", SHIPPED)
def test_a_shipped_file_has_no_fault(file: str) -> None:
    assert faults(shape(file), tomllib.loads((FOLDER / file).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("file", SHIPPED)
def test_a_shipped_file_is_read_as_if_it_were_validated(file: str) -> None:
    data = tomllib.loads((FOLDER / file).read_text(encoding="utf-8"))
    assert repr(trusted(shape(file), data)) == repr(shape(file).model_validate(data))
    assert trusted(shape(file), data) == shape(file).model_validate(data)


@pytest.mark.parametrize("file", SHIPPED)
def test_no_line_is_longer_than_a_screen(file: str) -> None:
    lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 110] == []


@pytest.mark.parametrize("file", SHIPPED)
def test_a_file_begins_by_saying_what_it_is(file: str) -> None:
    assert (FOLDER / file).read_text(encoding="utf-8").startswith("# ")


def test_english_has_every_file() -> None:
    assert {file.name for file in (FOLDER / "en").glob("*.toml")} == set(FILES)


def test_every_part_is_used() -> None:
    for file in SHIPPED:
        text = (FOLDER / file).read_text(encoding="utf-8")
        parts = tomllib.loads(text).get("parts", {})
        assert [name for name in parts if f"{{{name}}}" not in text] == [], file


def test_patterns_are_found_wherever_they_are() -> None:
    english = languages.load("en")
    ways = {".".join(map(str, path)) for path, _ in patterns_in(english.promises)}
    assert {
        "parts.WILL",
        "turns.firm",
        "fallback.idle",
        "gifts.kinds.free-shipping",
        "gifts.names.verbs",
    } <= ways
    ways = {".".join(map(str, path)) for path, _ in patterns_in(english.info)}
    assert {"greetings", "dates.units.business day", "dates.phrases.0.1", "dates.clock"} <= ways


NAMED = {"name": "Toy", "locale": "en"}


@pytest.mark.parametrize(
    ("data", "kind", "path"),
    [
        ({"locale": "en"}, FaultKind.MISSING, ("name",)),
        ({**NAMED, "locale": "tlh"}, FaultKind.VALUE, ("locale",)),
        ({**NAMED, "greeting": ["hi"]}, FaultKind.UNKNOWN, ("greeting",)),
        ({**NAMED, "greetings": [7]}, FaultKind.VALUE, ("greetings", 0)),
        ({**NAMED, "greetings": ["hi", "("]}, FaultKind.PATTERN, ("greetings", 1)),
        ({**NAMED, "greetings": ["{HI}"]}, FaultKind.PATTERN, ("greetings", 0)),
        ({**NAMED, "greetings": ["(?:hi ?)+ +x", "(?:(?:hi)* ?)*"]}, FaultKind.PATTERN, ("greetings", 1)),
        ({**NAMED, "greetings": ["(?P<a>hi)", "(?P<a>ho)"]}, FaultKind.PATTERN, ("greetings",)),
    ],
)
def test_a_fault_is_found_where_it_is(
    data: dict[str, object], kind: FaultKind, path: tuple[object, ...]
) -> None:
    (fault,) = faults(schema.LanguageInfo, data)
    assert (fault.kind, fault.path) == (kind, path), fault


def test_a_part_must_be_defined_and_not_contain_itself() -> None:
    data = tomllib.loads((FOLDER / "en/promises.toml").read_text(encoding="utf-8"))
    data["parts"] |= {"HEN": ["{EGG}"], "EGG": ["{HEN}"], "egg": ["x"]}
    assert (
        LanguageFault(("parts", "egg"), FaultKind.VALUE, found_in(data)[0].problem, "") == found_in(data)[0]
    )
    del data["parts"]["egg"]
    assert {fault.path[:2] for fault in found_in(data)} == {("parts", "HEN"), ("parts", "EGG")}


def found_in(data: dict[str, object]) -> list[LanguageFault]:
    return faults(schema.Promises, data)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a*)*b",
        "(a+)+b",
        "(a|a)*b",
        "(?:a|ab|b)*c",
        r"(?:\w+\s*)*x",
        r"(?:\w+\s?)+x",
        "(?:x(?:a?|b?))*y",
        "(x(a*)?)*",
        "(?=(a*)*b)c",
        "(?:a{1,3}){2,}",
        "(x+x+)+y",
        r"(?:\wa|\da)+!",
        "(?i:(?:é|.)*)x",
        "(?:[^a]|b)*c",
        r"(a)(?:\1|a)*b",
    ],
)
def test_a_repetition_that_matches_in_two_ways_is_exponential(pattern: str) -> None:
    assert is_exponential(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a|ab)*c",
        r"\w+\s+\w+",
        r"(?:\w+\s+)*x",
        r"(?: [\w-]+){0,10} \w*ge\w+",
        "(?:[^,;]{1,40} )?x",
        "(a?)*b",
        "(?:ok(?:ay)?[ ,!.]+)*",
        "(?:a?a?){0,3}",
        r"(?>\d+,)*",
        r"(?<!\w)(?:ab|ac)+(?!\w)",
        r"(?:\S+\s)*",
        "[^\n]*x",
        "a*a*a*b",
    ],
)
def test_other_repetitions_are_not(pattern: str) -> None:
    assert not is_exponential(pattern)


# --- patterns that could never match ---


def never_ends(items: Sequence[Any]) -> bool:
    """Return whether one of the ways through a parsed pattern ends with a blank that something must follow.

    A pattern of whole words has to end where a word does, so "please (?!note)" would match nothing: the blank belongs
    into the look-ahead.
    """
    looks = False
    for kind, value in reversed(items):
        if kind in {sre.ASSERT, sre.ASSERT_NOT}:
            looks = True
        elif kind is sre.BRANCH and not looks:
            return any(never_ends(way) for way in value[1])
        elif kind is sre.SUBPATTERN and not looks:
            return never_ends(value[-1])
        else:
            blank = value[2] if kind is sre.MAX_REPEAT else [(kind, value)]
            return looks and list(blank) == [(sre.IN, [(sre.CATEGORY, sre.CATEGORY_SPACE)])]
    return False


def compiled_in(value: Any) -> Iterator[re.Pattern[str]]:
    """Yield the patterns in a structure."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(compiled_in, value.values()))
    elif isinstance(value, tuple):
        yield from chain.from_iterable(map(compiled_in, value))
    elif is_dataclass(value):
        yield from chain.from_iterable(compiled_in(getattr(value, field.name)) for field in fields(value))


def test_the_test_knows_a_pattern_that_never_matches() -> None:
    for dead in ("please (?!note)", "a|up to (?=\\d)", "(?:as )?per (?!your)(?!my)"):
        assert never_ends(list(sre.parse(dead.replace(" ", r"\s{1,9}"))))
    for sound in ("please(?! note)", "a b|up to(?= \\d)", "per (?!your)\\w+", "please "):
        assert not never_ends(list(sre.parse(sound.replace(" ", r"\s{1,9}"))))


@pytest.mark.parametrize("name", ["en", "de", "fr", "es"])
def test_no_pattern_of_whole_words_ends_with_a_blank_that_something_must_follow(name: str) -> None:
    whole = [
        pattern.pattern[len(r"(?<!\w)") : -len(r"(?!\w)")]
        for pattern in compiled_in(promise_patterns(languages.load(name)))
        if pattern.pattern.startswith(r"(?<!\w)(?:") and pattern.pattern.endswith(r")(?!\w)")
    ]
    assert whole
    assert [pattern for pattern in whole if never_ends(list(sre.parse(pattern)))] == []
