"""Money and files of gift cards are read as people write them, or refused; never as a thousandth, and never by halves."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from followupd.adapters.settings import SettingsRule
from followupd.cli.gift_cards import _read_csv
from followupd.domain.compensation import Money
from followupd.domain.playbook import Company
from followupd.errors import UnavailableError
from tests.story.configured import amend, configured, only

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
COMPANY = Company(name="Acme Ltd", timezone="Europe/London", currency="GBP")


@pytest.mark.parametrize("amount", ["1,000", "1.000", "12,000", "1.000.000", "1,000,000", "1'000"])
def test_an_amount_that_could_be_a_thousandth_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"amount|thousands|places"):
        Money.of(amount, "GBP")


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("1000", "GBP", 100_000), ("1000,00", "EUR", 100_000), ("2.5", "EUR", 250), ("1.000", "KWD", 1000)],
)
def test_an_amount_that_can_only_be_read_in_one_way_is_read(amount: str, currency: str, minor: int) -> None:
    assert Money.of(amount, currency).minor == minor


@pytest.mark.parametrize(
    ("line", "mistake", "key"),
    [
        ('phone = "+44 20 7946 0018"', 'limit = "1,000"', "agent[0].limit"),
        ('phone = "+44 20 7946 0018"', 'limit = "1.000"', "agent[0].limit"),
        ("", '\n[compensation]\ncap = "1,000 per month"\n', "compensation.cap"),
        ("", '\n[recognise]\nlarge = "1,000"\n', "recognise.large"),
    ],
)
def test_a_setting_with_a_separator_of_thousands_is_refused_with_the_amount_to_write(
    tmp_path: Path, line: str, mistake: str, key: str
) -> None:
    directory = configured(tmp_path)
    amend(directory, line, mistake)
    found = only(directory)
    assert (found.rule, found.key) == (SettingsRule.AMOUNT, key)
    assert '"1000"' in found.hint or '"1"' in found.hint


# --- files of codes ---


def read(path: Path, content: str | bytes) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Return code, amount and currency of each card in a file, and what is wrong with its rows."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    cards, problems = _read_csv(path, COMPANY, NOW)
    return [(card.code, card.money.amount, card.money.currency) for card in cards], problems


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "codes.csv"


@pytest.mark.parametrize(
    "content",
    [
        "code,amount\n4711,20\n",
        "amount,code\n20.00,4711\n",
        "Amount,Name,Code\n20,A card,4711\n",
        "code;amount;currency\n4711;20,00;GBP\n",
        "code\tamount\n4711\t20.00\n",
        "4711,20\n",
        "\ufeffcode,amount\n4711,20\n",
        "code,amount\r\n4711,20\r\n\r\n",
        "code;amount\n4711;20,00\n".encode("utf-16"),
    ],
)
def test_columns_are_found_by_their_names_however_a_spreadsheet_wrote_them(file: Path, content: str) -> None:
    assert read(file, content) == ([("4711", "20.00", "GBP")], [])


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("A-1,1,,", "expired"),
        ('A-1,"1,000",GBP,', "'1,000' is not an amount"),
        ("1.23E+15,20,GBP,", "rounded this code"),
        ("1E+15,20,GBP,", "rounded this code"),
        (",20,GBP,", "no code"),
        ("A-1,0,GBP,", "zero"),
        ("A-1,20,EURO,", "'EURO' is no currency"),
        ("A-1,20,GBP,31.12.2027", "expiry"),
    ],
)
def test_a_row_that_is_not_understood_is_named_by_its_line(file: Path, row: str, why: str) -> None:
    row = row.replace("A-1,1,,", "A-1,1,GBP,2026-11-30")
    cards, [problem] = read(file, f"code,amount,currency,expires\nB-2,20,GBP,\n{row}\n")
    assert cards == [("B-2", "20.00", "GBP")]
    assert problem.startswith(f"{file}:3: ")
    assert why in problem


def test_a_card_of_the_last_year_there_is_never_expires(file: Path) -> None:
    file.write_text("code,amount,currency,expires\nA-1,20,GBP,9999-12-31\n", encoding="utf-8")
    [card], problems = _read_csv(file, COMPANY, NOW)
    assert not problems
    assert card.expires is None


def test_a_file_without_a_column_of_amounts_is_refused(file: Path) -> None:
    with pytest.raises(UnavailableError, match="no column is named amount"):
        read(file, "code,value\nA-1,20\n")


def test_a_file_of_another_charset_is_refused_with_how_to_save_it(file: Path) -> None:
    with pytest.raises(UnavailableError, match="CSV UTF-8"):
        read(file, "code,amount\nGRÜSSE-1,20\n".encode("latin-1"))
