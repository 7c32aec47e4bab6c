"""Reads amounts of money; a number is money only beside its currency, or where a currency is given and nothing else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import get_currency_precision

_SIGNS = {
    "us$": "USD", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "r$": "BRL",
    "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "zł": "PLN", "kč": "CZK", "₺": "TRY", "fr.": "CHF", "sfr.": "CHF",
}  # fmt: skip
_WORDS = {
    "euro": "EUR", "euros": "EUR", "pound": "GBP", "pounds": "GBP", "pfund": "GBP", "libras": "GBP", "quid": "GBP",
    "franken": "CHF", "yen": "JPY", "zloty": "PLN",
}  # fmt: skip
#: written "$" or "dollars": the company's own currency when that is a dollar, else the US dollar
_DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD")
_CROWNS = ("SEK", "NOK", "DKK", "ISK")
_CODES = "EUR|GBP|USD|CHF|CAD|AUD|NZD|JPY|CNY|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|INR|BRL|MXN|ZAR|SGD|HKD|ILS|KRW|AED|SAR|THB|TRY"

_AMOUNT = r"\d{1,3}(?:[., ']\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,3})?"
_MARK = "|".join(
    [*(re.escape(sign) for sign in sorted([*_SIGNS, "$"], key=len, reverse=True))]
    + [
        rf"\b(?:{word})\b"
        for word in [*_WORDS, "dollars?", "dollar(?:es)?", "dólares", "kronor", "kroner", "kr", _CODES]
    ]
)
_MONEY = re.compile(
    rf"(?P<before>{_MARK})\s?(?P<amount>{_AMOUNT})(?![\d%])|(?<![\d.,])(?P<amount2>{_AMOUNT})(?:[.,][-–])?[\s-]?(?P<after>{_MARK})",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?:{_AMOUNT})(?:[.,][-–])?")
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'"})


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money found in a text, as decimal text with the currency's places and an ISO 4217 code."""

    amount: str
    currency: str
    start: int
    end: int


def read_money(text: str, currency: str = "") -> tuple[str, str] | None:
    """Read one amount, as Money.of takes it: ("25.00", "EUR") from "25.00 EUR", "€25" or "25,00 Euro".

    `currency` is the company's: it settles which dollar is meant, and what a bare "25" is.
    """
    plain = text[:200].translate(_SPACES).strip()
    found = next(find_money(plain, currency), None)
    if found:
        return found.amount, found.currency
    if currency and _BARE.fullmatch(plain):
        amount = _decimal(plain.rstrip("-–").rstrip(".,"), currency)
        return (amount, currency.upper()) if amount else None
    return None


def find_money(text: str, currency: str = "") -> Iterator[Amount]:
    """Give every amount that stands beside its currency."""
    for match in _MONEY.finditer(text.translate(_SPACES)):
        code = _code(match["before"] or match["after"], currency)
        amount = _decimal(match["amount"] or match["amount2"], code)
        if amount:
            yield Amount(amount, code, match.start(), match.end())


def _code(mark: str, currency: str) -> str:
    mark = mark.lower()
    if mark in _SIGNS or mark in _WORDS:
        return _SIGNS.get(mark) or _WORDS[mark]
    if mark == "$" or mark.startswith(("dollar", "dólar")):
        return currency.upper() if currency.upper() in _DOLLARS else "USD"
    if mark.startswith("kr"):
        return currency.upper() if currency.upper() in _CROWNS else "SEK"
    return mark.upper()


def _decimal(written: str, currency: str) -> str:
    """Return the amount with the currency's places, "" when it has more: such a number is no money.

    The last of two kinds of separator is the decimal one; a single one before three digits parts thousands, unless the
    currency itself has three places.
    """
    places = get_currency_precision(currency)
    digits = written.replace(" ", "").replace("'", "")
    last = max(digits.rfind("."), digits.rfind(","))
    whole, part = (digits[:last], digits[last + 1 :]) if last >= 0 else (digits, "")
    if len(part) == 3 and places != 3:
        whole, part = whole + part, ""
    if len(part) > places:
        return ""
    return f"{Decimal(whole.replace('.', '').replace(',', '') + '.' + (part or '0')):.{places}f}"
