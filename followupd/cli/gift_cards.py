"""gift-cards: the stock of codes, which is filled from a file and never shown."""

import argparse
import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import is_currency

from followupd.adapters.terminal import moment
from followupd.cli.app import open_house
from followupd.cli.main import DONE, PROBLEMS
from followupd.cli.output import as_json, complain, table
from followupd.domain.compensation import Money
from followupd.domain.team import Company
from followupd.errors import UnavailableError


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    cards = commands.add_parser("gift-cards", parents=[common], help="the stock of gift cards")
    actions = cards.add_subparsers(metavar="ACTION", required=True)
    imported = actions.add_parser(
        "import", parents=[common], help="codes from a CSV: code,amount,currency,expires"
    )
    imported.add_argument("file", metavar="FILE", type=Path)
    imported.set_defaults(do=_import)
    listed = actions.add_parser("list", parents=[common], help="the stock, without the codes")
    listed.set_defaults(do=_list)


def _import(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    now, taken, problems = app.now(), 0, []
    rows, again = _rows(options.file, app.settings.company), 0
    with app.ledger.transaction() as tx:
        for line, code, money, expires in rows:
            if isinstance(money, str):
                problems.append(f"{options.file}:{line}: {money}")
            elif tx.cards.add(code, money, expires, now):
                taken += 1
            else:
                again += 1
    if options.json:
        as_json({"imported": taken, "known": again, "problems": problems})
    else:
        print(f"{taken} gift card(s) imported, {again} known before.")
    for problem in problems:
        complain(problem)
    return PROBLEMS if problems else DONE


def _rows(path: Path, company: Company) -> list[tuple[int, str, Money | str, datetime | None]]:
    """Read the CSV; a row that cannot be read carries its problem in place of the money, and never its code."""
    found: list[tuple[int, str, Money | str, datetime | None]] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    reader = csv.reader(text.splitlines())
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].casefold() == "code":
            continue
        found.append(_row(reader.line_num, [*cells, "", "", ""], company))
    return found


def _row(line: int, cells: list[str], company: Company) -> tuple[int, str, Money | str, datetime | None]:
    code, amount, its_currency, expires = cells[:4]
    if not code:
        return line, "", "there is no code in the first column", None
    its_currency = its_currency.upper() or company.currency
    if not is_currency(its_currency):
        return (
            line,
            "",
            f"{its_currency!r} is no currency; write three letters of ISO 4217, such as EUR",
            None,
        )
    try:
        money = Money.of(amount, its_currency)
    except (ValueError, KeyError):
        return (
            line,
            "",
            "the amount is not a number such as 20.00; columns are code,amount,currency,expires",
            None,
        )
    if money.minor == 0:
        return line, "", "the amount is nothing; columns are code,amount,currency,expires", None
    try:
        end = _end_of(date.fromisoformat(expires), company) if expires else None
    except ValueError:
        return line, "", "the date of expiry is not like 2027-12-31", None
    return line, code, money, end


def _end_of(day: date, company: Company) -> datetime:
    """Return the first moment at which a card that expires on this day is no longer good."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(company.timezone)).astimezone(UTC)


def _list(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    zone = app.settings.company.timezone
    with app.ledger.transaction() as tx:
        cards = tx.cards.all()
    if options.json:
        as_json(
            [
                {
                    "number": card.number,
                    "amount": card.money.amount,
                    "currency": card.money.currency,
                    "expires": card.last_day(zone) or None,
                    "imported_at": moment(card.imported_at),
                    "case": card.case_ref,
                    "given_at": moment(card.taken_at),
                }
                for card in cards
            ]
        )
        return DONE
    if not cards:
        complain("No gift cards.")
    table(
        (
            str(card.number),
            f"{card.money.amount} {card.money.currency}",
            f"good until {card.last_day(zone)}" if card.expires else "",
            f"given to {card.case_ref} {moment(card.taken_at)}" if card.case_ref else "in stock",
        )
        for card in cards
    )
    return DONE
