"""The line of every key, in every form that TOML has."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from followupd.adapters.settings.toml_file import Key, Lines, dotted


def leaves(value: Any, path: Key = ()) -> Iterator[Key]:
    """Give the path of every table, key and item."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    if isinstance(value, list):
        for n, inner in enumerate(value):
            yield from leaves(inner, (*path, n))


ODD = '''\
top = 1 # [not.a.table]
"quoted.key" = """
[not]
a = "table" ""\\"
"""  # after
literal = \'\'\'
x = 1\'\'\'\'
a.b."c d".e = 5

[ table . "with.dots" ]
list = [ # a comment, with ] in it
  "one", "two, three",
  [ "nested", { key = "]" , "other key" = [1,
      2] } ],
  1979-05-27 07:32:00, 3.5,
]
inline = { x = 1, y.z = "}" }
'single' = 2

[[array]]
name = "first"
[array.sub]
key = 1
[[array]]
name = "second"
[[array.inner]]
k = 1
[[array.inner]]
k = 2
[array.inner.deep]
k = 3
"\\u00fc" = 4
'''


def test_lines_are_found_in_every_form_of_toml() -> None:
    lines = Lines(ODD)
    expected = {
        ("top",): 1,
        ("quoted.key",): 2,
        ("literal",): 6,
        ("a", "b", "c d", "e"): 8,
        ("table", "with.dots"): 10,
        ("table", "with.dots", "list"): 11,
        ("table", "with.dots", "list", 1): 12,
        ("table", "with.dots", "list", 2, 1, "key"): 13,
        ("table", "with.dots", "list", 2, 1, "other key", 1): 14,
        ("table", "with.dots", "list", 4): 15,
        ("table", "with.dots", "inline", "y", "z"): 17,
        ("table", "with.dots", "single"): 18,
        ("array",): 20,
        ("array", 0, "sub", "key"): 23,
        ("array", 1): 24,
        ("array", 1, "inner", 0, "k"): 27,
        ("array", 1, "inner", 1, "deep", "k"): 31,
        ("array", 1, "inner", 1, "deep", "ü"): 32,
    }
    assert {path: lines.of(path) for path in expected} == expected


def test_every_value_of_an_odd_file_has_a_line_and_no_other_has() -> None:
    lines = Lines(ODD)
    assert {path for path in leaves(tomllib.loads(ODD)) if lines.of(path) is None} == set()
    assert lines.of(("array", 1, "nothing")) == 24
    assert lines.of(("nothing",)) is None


LETTERS = st.characters(codec="utf-8")
NAMES = st.text(LETTERS, min_size=1, max_size=8)
VALUES = st.recursive(
    st.integers() | st.booleans() | st.text(LETTERS, max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


def in_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{in_toml(key)} = {in_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[\n# ] \" '\n" + ",\n".join(in_toml(inner) for inner in value) + "\n]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" if c in '"\\\x7f' or ord(c) < 32 else c for c in text) + '"'


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), max_size=3))
def test_each_key_has_the_line_where_it_is_written(tables: dict[str, dict[str, Any]]) -> None:
    written: list[str] = []
    places: dict[Key, int] = {}
    for table, keys in tables.items():
        places[(table,)] = sum(text.count("\n") + 1 for text in written) + 1
        written.append(f"[{quoted(table)}]")
        for key, value in keys.items():
            places[(table, key)] = sum(text.count("\n") + 1 for text in written) + 1
            written.append(f"{quoted(key)} = {in_toml(value)}")
    text = "\n".join(written)
    assert tomllib.loads(text) == tables
    lines = Lines(text)
    assert {path: lines.of(path) for path in places} == places


def test_a_path_is_written_as_toml_would() -> None:
    assert dotted(("mailbox", 0, "port")) == "mailbox[0].port"
    assert dotted(("tags", "refund-*")) == 'tags."refund-*"'
