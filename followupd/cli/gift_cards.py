"""gift-cards: import codes from a file, and list the stock without the codes."""

import argparse
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel.numbers import is_currency

from followupd.cli.main import DONE, PROBLEMS, CommandParsers, company_zone, with_app
from followupd.cli.output import money_view, print_error, print_list, print_result, read_text
from followupd.clock import local_time, utc_iso
from followupd.domain.calendar import has_come, is_never
from followupd.domain.compensation import Money, StockedCard
from followupd.domain.playbook import Company
from followupd.errors import UnavailableError

if TYPE_CHECKING:
    from followupd.app.container import App

_COLUMNS: tuple[str, ...] = ("code", "amount", "currency", "expires")
_EXPECTED = f"columns are {','.join(_COLUMNS)}"
#: what a spreadsheet makes of a long number: 1.23E+15
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[Ee]\+\d+")


def add(commands: CommandParsers) -> None:
    """Add the parser of gift-cards and its actions."""
    actions = commands.add("gift-cards").add_subparsers(metavar="ACTION", required=True)

    import_ = commands.add_action(actions, "import", "import codes from a CSV: code,amount,currency,expires")
    import_.add_argument("file", metavar="FILE", type=Path)
    import_.set_defaults(do=_import)

    list_ = commands.add_action(actions, "list", "list the stock, without the codes")
    list_.set_defaults(do=_list)


# --- import ---


@dataclass(frozen=True, slots=True)
class ImportedCard:
    """One row of the CSV. `expires` is the first moment at which the card is no longer valid."""

    code: str
    money: Money
    expires: datetime | None


class _InvalidRowError(ValueError):
    """The row is not imported; the message says why and does not contain the code."""


@partial(with_app, create=True)
def _import(options: argparse.Namespace, app: "App") -> int:
    """Import the cards of a file, all or none; a code that is known already is skipped."""
    now = app.now()
    cards, problems = _read_csv(options.file, app.settings.company, now)
    if not cards and not problems:
        problems = [f"{options.file}: there is no card in this file"]
    added: list[bool] = []
    if not problems:
        with app.ledger.transaction() as tx:
            added = [tx.cards.add(card.code, card.money, card.expires, now) for card in cards]
    imported = sum(added)
    duplicates = len(added) - imported

    view = {"imported": imported, "known": duplicates, "problems": problems}
    said = f"Imported {imported} gift cards, skipped {duplicates} duplicates."
    print_result(options, view, "Nothing was imported; correct the file." if problems else said)
    for problem in problems:
        print_error(problem)

    return PROBLEMS if problems else DONE


def _read_csv(path: Path, company: Company, now: datetime) -> tuple[list[ImportedCard], list[str]]:
    """Read a CSV file.

    Returns:
        The cards of the valid rows, and a sentence with the line number for each of the others.
    """
    cards, problems = [], []
    for line, row in _rows(path):
        try:
            cards.append(_card(row, company, now))
        except _InvalidRowError as error:
            problems.append(f"{path}:{line}: {error}")

    return cards, problems


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row by column with its line number, without empty rows and the head line.

    A head line may name the columns in any order; without one they are code, amount, currency, expires.

    Raises:
        UnavailableError: the file cannot be read, or its head line names no amount.
    """
    lines = read_text(path).splitlines()
    reader = csv.reader(lines, delimiter=_delimiter(lines))
    columns = _COLUMNS
    for row in reader:
        cells = list(map(str.strip, row))
        names = list(map(str.casefold, cells))
        if "code" in names:
            if "amount" not in names:
                raise UnavailableError(f"{path}:{reader.line_num}: no column is named amount; {_EXPECTED}")
            columns = tuple(names)
        elif any(cells):
            yield reader.line_num, dict(zip(columns, cells, strict=False))


def _delimiter(lines: list[str]) -> str:
    """Return what separates the columns: a comma, or the semicolon or tab of spreadsheets in other countries."""
    first = next((line for line in lines if line.strip()), "")
    return max(",;\t", key=first.count)


def _card(row: dict[str, str], company: Company, now: datetime) -> ImportedCard:
    """Parse a row.

    Args:
        row: by the name of the column; columns may be missing.
        company: whose currency counts where the row names none, and in whose time zone a card expires.
        now: the time, in UTC.

    Raises:
        _InvalidRowError: it has no code, or one that a spreadsheet has rounded; its amount or its date cannot
            be read; or it has expired.
    """
    code, currency = row.get("code", ""), row.get("currency", "")
    if not code:
        raise _InvalidRowError("there is no code")
    if _ROUNDED.fullmatch(code):
        raise _InvalidRowError(
            "a spreadsheet has rounded this code; format the column as text, and paste it again"
        )

    expires = _expiry(row.get("expires", ""), company)
    if has_come(expires, now):
        raise _InvalidRowError("the card has expired; take the row out")

    return ImportedCard(code, _money(row.get("amount", ""), currency or company.currency), expires)


def _money(amount: str, currency: str) -> Money:
    """Parse amount and currency."""
    currency = currency.upper()
    if not is_currency(currency):
        raise _InvalidRowError(f"{currency!r} is no currency; use three letters of ISO 4217, such as EUR")
    try:
        money = Money.of(amount, currency)
    except (ValueError, KeyError):
        raise _InvalidRowError(f"{amount!r} is not an amount such as 1000.00; {_EXPECTED}") from None

    if money.minor == 0:
        raise _InvalidRowError(f"the amount is zero; {_EXPECTED}")

    return money


def _expiry(text: str, company: Company) -> datetime | None:
    """Return the end of the last valid day in the company's time zone, None for a card that never expires."""
    if is_never(text):
        return None
    try:
        last_day = date.fromisoformat(text)
    except ValueError:
        raise _InvalidRowError("the date of expiry is not like 2027-12-31") from None

    midnight = datetime.combine(last_day + timedelta(days=1), time(), ZoneInfo(company.timezone))

    return midnight.astimezone(UTC)


# --- list ---


@with_app
def _list(options: argparse.Namespace, app: "App") -> int:
    """List the stock."""
    with app.ledger.snapshot() as tx:
        cards = tx.cards.all()

    zone = company_zone(app.settings)
    print_list(
        options,
        [_view(card, zone.key) for card in cards],
        [_row(card, zone, app.now()) for card in cards],
        head=("number", "amount", "expires", "case", "given"),
        none="No gift cards.",
    )

    return DONE


def _row(card: StockedCard, zone: ZoneInfo, now: datetime) -> tuple[str, ...]:
    """Return the row of a card; its code is never shown.

    Args:
        card: the card of the stock; one with a case was given away.
        zone: in which times and days are shown.
        now: decides whether a card has expired, in UTC.
    """
    unused = "expired" if has_come(card.expires, now) else "in stock"
    return (
        str(card.number),
        f"{card.money.amount} {card.money.currency}",
        card.last_day(zone.key) or "never",
        card.case_ref or "",
        local_time(card.taken_at, zone) if card.case_ref else unused,
    )


def _view(card: StockedCard, timezone: str) -> dict[str, Any]:
    """Return a card as JSON, without its code."""
    return {
        "number": card.number,
        **money_view(card.money),
        "expires": card.last_day(timezone) or None,
        "imported_at": utc_iso(card.imported_at),
        "case": card.case_ref,
        "given_at": utc_iso(card.taken_at),
    }
