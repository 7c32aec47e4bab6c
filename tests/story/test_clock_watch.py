"""A clock that is wrong for a moment makes nothing due."""

from datetime import UTC, datetime, timedelta

import pytest

from followupd.app.daemon import ClockWatch

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def steady(*times: tuple[float, float]) -> list[bool]:
    """Return what the watch says of moments: seconds after noon by the clock, and seconds that passed."""
    watch = ClockWatch()
    return [watch.is_steady(NOON + timedelta(seconds=clock), ticks) for clock, ticks in times]


def test_a_clock_that_runs_is_steady() -> None:
    assert steady((0, 0), (1, 1), (2, 2.5), (600, 600), (4000, 2000)) == [True] * 5


@pytest.mark.parametrize("jump", [365 * 86400, -365 * 86400, 86400, -86400, 3700])
def test_a_jump_and_back_within_a_minute_makes_nothing_due(jump: float) -> None:
    assert steady((0, 0), (jump + 1, 1), (2, 2), (3, 3), (63, 63)) == [True, False, False, False, True]


@pytest.mark.parametrize("jump", [365 * 86400, -86400])
def test_a_jump_is_said_with_its_size(jump: float, caplog: pytest.LogCaptureFixture) -> None:
    steady((0, 0), (jump + 1, 1))
    assert "clock-jumped" in caplog.text
    assert str(int(jump)) in caplog.text


def test_a_clock_that_was_put_right_counts_after_a_minute() -> None:
    assert steady((0, 0), (86401, 1), (86430, 30), (86461, 61), (86462, 62)) == [
        True,
        False,
        False,
        True,
        True,
    ]
