"""Tags: each means its line, however a mail client writes the name."""

import pytest

from followupd.domain.command import line_for, spoken


@pytest.mark.parametrize(
    ("pattern", "line", "said", "meant"),
    [
        ("complaint", "complaint", "Complaint", "complaint"),
        ("not-complaint", "dismiss", "not=20complaint", "dismiss"),  # Thunderbird's key for "Not complaint"
        ("not-complaint", "dismiss", "not_complaint", "dismiss"),  # older Thunderbirds
        ("Gift_Card-*", "gift-card: {}", "gift=20card=2020=20eur", "gift-card: 20-eur"),
        ("refund-*", "refund: {}", "refund-25", "refund: 25"),
        ("refund-*", "refund: {}", "refund=2025=2c50=20eur", "refund: 25,50-eur"),
        ("coupon-*", "coupon: {}", "coupon-SORRY_10", "coupon: SORRY_10"),
        ("a+b", "hold", "a=2bb", "hold"),
    ],
)
def test_a_tag_means_its_line_in_every_form(pattern: str, line: str, said: str, meant: str) -> None:
    assert line_for(pattern, line, said) == meant


@pytest.mark.parametrize("said", ["refund", "refund-", "refund=20", "complaints", "a=", "=zz", "=e4", ""])
def test_other_tags_mean_nothing(said: str) -> None:
    assert line_for("refund-*", "refund: {}", said) is None
    assert line_for("complaint", "complaint", said) is None


def test_an_escaped_name_is_spoken_as_people_see_it() -> None:
    assert spoken("nachfassen=20f=c3=a4llig") == "nachfassen fällig"
    assert spoken("100=zz") == "100=zz"
