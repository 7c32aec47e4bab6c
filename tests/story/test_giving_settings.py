"""The tables about compensation and gift cards: every mistake is reported with its line and a hint."""

from pathlib import Path

import pytest

from followupd.adapters import settings
from followupd.adapters.settings import SettingsRule
from followupd.domain.compensation import Money
from tests.story.configured import configured, line_of, only, rewrite

HTTP = '\n[gift_cards]\nprovider = "http"\nurl = "https://cards.example.com/api/v2/"\ntoken = "env:TOKEN"\n'


def test_by_default_there_is_no_cap_and_cards_come_from_the_stock(tmp_path: Path) -> None:
    found = settings.load(configured(tmp_path))
    assert found.compensation.cap is None
    assert (found.gift_cards.provider, found.gift_cards.low) == ("codes", 5)


def test_a_cap_is_in_the_company_currency(tmp_path: Path) -> None:
    rewrite(configured(tmp_path), "", '\n[compensation]\ncap = "200.00 per month"\n')
    assert settings.load(tmp_path).compensation.cap == Money(20000, "GBP")


@pytest.mark.parametrize(
    "cap", ["200", "200 per week", "much per month", "200 EUR per month", "1.234 per month"]
)
def test_an_invalid_cap_is_reported_at_its_line(tmp_path: Path, cap: str) -> None:
    rewrite(configured(tmp_path), "", f'\n[compensation]\ncap = "{cap}"\n')
    problem = only(tmp_path)
    assert (problem.rule, problem.line) == (SettingsRule.AMOUNT, line_of(tmp_path, "cap ="))


def test_a_provider_over_http_has_an_address_and_a_token(tmp_path: Path) -> None:
    rewrite(configured(tmp_path), "", HTTP)
    found = settings.load(tmp_path)
    assert found.gift_cards.url == "https://cards.example.com/api/v2"
    assert found.gift_cards.token in found.secrets


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('url = "https://cards.example.com/api/v2/"\n', "", SettingsRule.MISSING),
        ('token = "env:TOKEN"\n', "", SettingsRule.MISSING),
        ("https://cards", "http://cards", SettingsRule.CLEAR_TEXT),
        ("https://cards", "ftp://cards", SettingsRule.HOST),
        ("https://cards", "https://user:secret@cards", SettingsRule.HOST),
        ("v2/", "v2?key=1", SettingsRule.HOST),
        ("env:TOKEN", "s3cret", SettingsRule.BARE),
        ('provider = "http"', 'provider = "https"', SettingsRule.WORD),
        ('token = "env:TOKEN"\n', 'token = "env:TOKEN"\nlow = -1\n', SettingsRule.TYPE),
        ('token = "env:TOKEN"\n', 'token = "env:TOKEN"\nca_file = "none.pem"\n', SettingsRule.NO_FILE),
    ],
)
def test_mistakes_about_the_provider_are_reported(
    tmp_path: Path, old: str, new: str, rule: SettingsRule
) -> None:
    assert old in HTTP
    rewrite(configured(tmp_path), "", HTTP.replace(old, new, 1))
    assert only(tmp_path).rule is rule


def test_plain_http_is_allowed_on_this_machine(tmp_path: Path) -> None:
    rewrite(configured(tmp_path), "", HTTP.replace("https://cards.example.com", "http://127.0.0.1:8000"))
    assert settings.problems(tmp_path) == []
