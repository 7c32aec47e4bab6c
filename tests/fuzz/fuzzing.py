"""Runs a property on some hundred examples in the tests, and for minutes on ever other ones by `make fuzz`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import SystemRandom
from time import monotonic
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

#: seconds for each target; without them, the same examples are tried each time
SECONDS = float(os.environ.get("FOLLOWUPD_FUZZ", "0"))
CORPUS = Path(__file__).parent / "corpus"
#: what was found stays here until it is mended; a mail that broke something moves to the corpus with the mending
FOUND = DirectoryBasedExampleDatabase(Path(__file__).parents[2] / ".hypothesis" / "fuzz")
_EACH, _USUAL = 100, range(3)


def for_a_while(strategy: st.SearchStrategy[Any], check: Callable[[Any], None]) -> int:
    """Try the check on examples, anew with each seed; return how many were tried.

    What the tests find is a mistake of the change under test; the older ones are found by `make fuzz`.
    """
    tried = 0

    def counted(value: Any) -> None:
        nonlocal tried
        tried += 1
        check(value)

    checks = list(HealthCheck)
    for number in _seeds():
        once = settings(max_examples=_EACH, deadline=None, database=FOUND, suppress_health_check=checks)
        seed(number)(once(given(strategy)(counted)))()
    return tried


def _seeds() -> Iterator[int]:
    """Yield the usual seeds, or others until the time is over."""
    if not SECONDS:
        yield from _USUAL
        return
    end = monotonic() + SECONDS
    while monotonic() < end:
        yield SystemRandom().getrandbits(64)


def spoilt(whole: list[bytes], pieces: list[bytes]) -> st.SearchStrategy[bytes]:
    """Take one of these and cut out, double and put in pieces at any place."""
    change = st.tuples(
        st.integers(0, 1 << 16), st.integers(0, 40), st.one_of(st.sampled_from(pieces), st.binary(max_size=6))
    )

    def made(start: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
        for place, length, piece in changes:
            at = place % (len(start) + 1)
            start = start[:at] + piece + start[at + length :]
        return start

    return st.builds(made, st.sampled_from(whole), st.lists(change, max_size=12))
