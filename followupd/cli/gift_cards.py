"""gift-cards: import codes from a file, and list the stock without the codes."""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import is_currency

from followupd.cli.commands import CommandParsers
from followupd.cli.main import DONE, PROBLEMS, company_zone, open_app
from followupd.cli.output import money_view, print_error, print_list, print_result
from followupd.clock import local_time, utc_iso
from followupd.domain.compensation import Money, StockedCard
from followupd.domain.playbook import Company
from followupd.errors import UnavailableError

_COLUMNS = "columns are code,amount,currency,expires"


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


def _import(options: argparse.Namespace) -> int:
    """Import the cards of a file; a code that is known already is skipped."""
    app = open_app(options.config)
    cards, problems = _read_csv(options.file, app.settings.company)
    now = app.now()
    with app.ledger.transaction() as tx:
        added = [tx.cards.add(card.code, card.money, card.expires, now) for card in cards]
    imported = sum(added)
    duplicates = len(added) - imported

    view = {"imported": imported, "known": duplicates, "problems": problems}
    print_result(options, view, f"Imported {imported} gift cards, skipped {duplicates} duplicates.")
    for problem in problems:
        print_error(problem)

    return PROBLEMS if problems else DONE


def _read_csv(path: Path, company: Company) -> tuple[list[ImportedCard], list[str]]:
    """Read a CSV file.

    Returns:
        The cards of the valid rows, and a sentence with the line number for each of the others.
    """
    cards, problems = [], []
    for line, cells in _rows(path):
        try:
            cards.append(_card(cells, company))
        except _InvalidRowError as error:
            problems.append(f"{path}:{line}: {error}")

    return cards, problems


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with its line number, without empty rows and the head line.

    Raises:
        UnavailableError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnavailableError(f"{path} cannot be read: {reason}") from None

    reader = csv.reader(text.splitlines())
    for row in reader:
        cells = [cell.strip() for cell in row]
        if any(cells) and cells[0].casefold() != "code":
            yield reader.line_num, cells


def _card(cells: list[str], company: Company) -> ImportedCard:
    """Parse the cells of a row."""
    code, amount, currency, expires = (*cells, "", "", "")[:4]
    if not code:
        raise _InvalidRowError("there is no code in the first column")
    return ImportedCard(code, _money(amount, currency or company.currency), _expiry(expires, company))


def _money(amount: str, currency: str) -> Money:
    """Parse amount and currency."""
    currency = currency.upper()
    if not is_currency(currency):
        raise _InvalidRowError(f"{currency!r} is no currency; use three letters of ISO 4217, such as EUR")
    try:
        money = Money.of(amount, currency)
    except (ValueError, KeyError):
        raise _InvalidRowError(f"the amount is not a number such as 20.00; {_COLUMNS}") from None

    if money.minor == 0:
        raise _InvalidRowError(f"the amount is zero; {_COLUMNS}")

    return money


def _expiry(text: str, company: Company) -> datetime | None:
    """Return the end of the last valid day in the company's time zone."""
    if not text:
        return None
    try:
        last_day = date.fromisoformat(text)
    except ValueError:
        raise _InvalidRowError("the date of expiry is not like 2027-12-31") from None

    midnight = datetime.combine(last_day + timedelta(days=1), time(), ZoneInfo(company.timezone))

    return midnight.astimezone(UTC)


# --- list ---


def _list(options: argparse.Namespace) -> int:
    """List the stock."""
    app = open_app(options.config)
    with app.ledger.transaction() as tx:
        cards = tx.cards.all()

    zone = company_zone(app.settings)
    print_list(
        options,
        [_view(card, zone.key) for card in cards],
        [_row(card, zone) for card in cards],
        head=("number", "amount", "expires", "case", "given"),
        none="No gift cards.",
    )

    return DONE


def _row(card: StockedCard, zone: ZoneInfo) -> tuple[str, ...]:
    """Return the row of a card; its code is never shown."""
    return (
        str(card.number),
        f"{card.money.amount} {card.money.currency}",
        card.last_day(zone.key) or "never",
        card.case_ref or "",
        local_time(card.taken_at, zone) if card.case_ref else "in stock",
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
