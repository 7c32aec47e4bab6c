"""The house's own measures: a change that makes the program harder to read fails here."""

import pytest

from tests.layers.measure import BOUNDS, figures


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    return figures()


@pytest.mark.parametrize("name", BOUNDS)
def test_a_figure_stays_within_its_bound(measured: dict[str, float], name: str) -> None:
    assert measured[name] <= BOUNDS[name], "python -m tests.layers.measure prints where"
