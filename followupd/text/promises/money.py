"""Read amounts of money: numbers beside a currency, or a bare number where the currency is known."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel.numbers import get_currency_precision

from followupd.languages import Catalogue

_AMOUNT = r"\d{1,3}(?:[., ']\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,3})?"
_BARE = re.compile(rf"(?:{_AMOUNT})(?:[.,][-–])?")
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'"})


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in a text: decimal text with the currency's places, and its ISO 4217 code."""

    amount: str
    currency: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Names:
    """What currencies are called in all languages: a code for each name, or a family of codes."""

    codes: Mapping[str, str]
    families: Mapping[str, tuple[str, ...]]
    beside: re.Pattern[str]

    def code(self, name: str, currency: str) -> str:
        """Return the ISO 4217 code; a name of several currencies means the company's if it is one."""
        found = self.codes.get(name.lower(), name.upper())
        family = self.families.get(found)
        if family is None:
            return found
        return currency.upper() if currency.upper() in family else family[0]


def read_money(text: str, currency: str, languages: Catalogue) -> tuple[str, str] | None:
    """Read one amount, as Money.of takes it: ("25.00", "EUR") from "25.00 EUR", "€25" or "25,00 Euro".

    `currency` is the company's: it settles which dollar is meant, and what a bare "25" is.
    """
    plain = text[:200].translate(_SPACES).strip()
    found = next(find_money(plain, currency, languages), None)
    if found:
        return found.amount, found.currency
    if currency and _BARE.fullmatch(plain):
        amount = _decimal(plain.rstrip("-–").rstrip(".,"), currency)
        return (amount, currency.upper()) if amount else None
    return None


def find_money(text: str, currency: str, languages: Catalogue) -> Iterator[Amount]:
    """Give every amount that stands beside its currency, in whatever language the currency is named."""
    names = _names_of(languages)
    for match in names.beside.finditer(text.translate(_SPACES)):
        code = names.code(match["before"] or match["after"], currency)
        amount = _decimal(match["amount"] or match["amount2"], code)
        if amount:
            yield Amount(amount, code, match.start(), match.end())


@lru_cache(maxsize=16)
def _names_of(languages: Catalogue) -> _Names:
    shared = languages.currencies
    words = {word: code for language in languages.all() for word, code in language.info.currencies.items()}
    signs = [re.escape(sign) for sign in sorted(shared.signs, key=len, reverse=True)]
    mark = "|".join([*signs, *(rf"\b{re.escape(word)}\b" for word in [*words, *shared.codes])])
    beside = re.compile(
        rf"(?P<before>{mark})\s?(?P<amount>{_AMOUNT})(?![\d%])"
        rf"|(?<![\d.,])(?P<amount2>{_AMOUNT})(?:[.,][-–])?[\s-]?(?P<after>{mark})",
        re.IGNORECASE,
    )
    return _Names({**words, **shared.signs}, shared.families, beside)


def _decimal(written: str, currency: str) -> str:
    """Return the amount with the currency's places, "" for a number with more places.

    The last of two kinds of separator is the decimal one; a single one before three digits separates
    thousands, unless the currency itself has three places.
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
