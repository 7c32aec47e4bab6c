"""A country that is imported alone has the same holidays, and the others are not imported."""

import subprocess
import sys

import holidays
import pytest

from followupd.domain.calendar import holidays_of

COUNTRIES = holidays.list_supported_countries(include_aliases=False)
ALONE = (
    "import sys; from followupd.domain.calendar import holidays_of; "
    "holidays_of({code!r}, 2026); print(*sys.modules)"
)


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


def test_a_subdivision_has_more_holidays_than_its_country() -> None:
    assert holidays_of("DE-BY", 2026) > holidays_of("DE", 2026)


def test_a_country_that_is_imported_alone_leaves_the_package_usable() -> None:
    code = (
        "from followupd.domain.calendar import holidays_of; alone = holidays_of('GB-ENG', 2026); "
        "import holidays; "
        "assert alone == set(holidays.country_holidays('GB', subdiv='ENG', years=2026, expand=False))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("code", ["GB-NOWHERE", "ZZ", "Germany", "-"])
def test_an_unknown_code_is_refused_with_examples(code: str) -> None:
    with pytest.raises(ValueError, match=r"is not a country or part of one.*GB-ENG"):
        holidays_of(code, 2026)
