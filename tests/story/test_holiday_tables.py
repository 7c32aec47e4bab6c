"""Each country alone has the holidays that it has among all others, and leaves the others unloaded."""

import subprocess
import sys

import holidays
import pytest

from followupd.domain.calendar import holidays_of

COUNTRIES = holidays.list_supported_countries(include_aliases=False)
ALONE = "import sys; from followupd.domain.calendar import holidays_of as h; h({code!r}, 2026); print(*sys.modules)"


@pytest.mark.parametrize("code", ["GB-ENG", "DE-BY", "US-CA", "AX"])
def test_one_country_is_loaded_without_the_others(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE.format(code=code)], capture_output=True, text=True, check=True
    )
    loaded = [name for name in done.stdout.split() if name.startswith("holidays.countries.")]
    assert 1 <= len(loaded) <= 3


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_a_country_has_the_holidays_of_the_library(country: str) -> None:
    assert holidays_of(country, 2027) == set(holidays.country_holidays(country, years=2027, expand=False))


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    assert holidays_of("DE-BY", 2026) > holidays_of("DE", 2026)


def test_a_child_looks_the_days_up_and_the_tables_end_with_it() -> None:
    """In a process of its own: this one has threads, and has the tables."""
    code = (
        "import sys; from followupd.adapters.settings.known import holidays; from followupd.domain import calendar as h; "
        "assert holidays('GB-ENG') == 'GB-ENG'; looked_up = dict(h.LOOKED_UP); assert 'holidays' not in sys.modules; "
        "h.LOOKED_UP.clear(); h.holidays_of.cache_clear(); assert len(looked_up) >= 6; "
        "assert all(h.holidays_of(*key) == days for key, days in looked_up.items()), looked_up"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_code_that_is_wrong_is_told_wherever_it_is_looked_up() -> None:
    code = "from followupd.adapters.settings.known import holidays; holidays('GB-NOWHERE')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert b"is not a country or part of one" in done.stderr
