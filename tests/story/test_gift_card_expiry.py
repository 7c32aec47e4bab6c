"""The last valid day of a gift card is never given too late, whatever time zone its issuer uses."""

from datetime import UTC, datetime

import pytest

from followupd.domain.compensation import GiftCard, Money

IN_UTC = datetime(2028, 1, 1, tzinfo=UTC)
IN_NEW_YORK = datetime(2028, 1, 1, 5, tzinfo=UTC)
IN_AUCKLAND = datetime(2027, 12, 31, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("end", "timezone"),
    [
        (IN_UTC, "Europe/London"),
        (IN_UTC, "America/New_York"),
        (IN_UTC, "Pacific/Auckland"),
        (IN_NEW_YORK, "America/New_York"),
        (IN_AUCKLAND, "Pacific/Auckland"),
    ],
)
def test_a_card_that_ends_with_the_year_is_good_until_its_last_day(end: datetime, timezone: str) -> None:
    assert GiftCard("code", Money(2000, "EUR"), end).last_day(timezone) == "2027-12-31"


def test_a_card_without_an_end_has_no_last_day() -> None:
    assert GiftCard("code", Money(2000, "EUR"), None).last_day("Europe/London") == ""
