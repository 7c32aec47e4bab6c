"""Read amounts of money: numbers beside a currency, or a bare number where the currency is known."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel.numbers import get_currency_precision

from followupd.languages import Catalogue

#: characters of a text that is one amount
MAX_AMOUNT = 200
#: a number with separators of thousands, or a plain one
_NUMBER = r"\d{1,3}(?:[., ']\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,3})?"
#: the dash of "25,-" and "25.–"
_NO_CENTS = "(?:[.,][-–])?"
_BARE_NUMBER = re.compile(f"(?:{_NUMBER}){_NO_CENTS}")
_PLAIN = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'"})


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in a text: decimal text with the currency's places, and its ISO 4217 code."""

    amount: str
    currency: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _CurrencyNames:
    """How all languages name currencies: a code for each name, or a family of codes ("dollar")."""

    codes: Mapping[str, str]
    families: Mapping[str, tuple[str, ...]]
    amount: re.Pattern[str]

    def code(self, name: str, currency: str) -> str:
        """Return the ISO 4217 code of a name.

        Args:
            name: a sign, a code or a word.
            currency: the company's code, which is meant by a name of several currencies if it is one of them.
        """
        found = self.codes.get(name.lower(), name.upper())
        family = self.families.get(found)
        if family is None:
            return found
        if currency.upper() in family:
            return currency.upper()
        return family[0]


def read_money(text: str, currency: str, languages: Catalogue) -> tuple[str, str] | None:
    """Read one amount.

    Args:
        text: such as "25.00 EUR", "€25", "25,00 Euro" or "25".
        currency: the company's ISO 4217 code: that of a bare number, and the dollar that is meant.
        languages: the languages in which currencies may be named.

    Returns:
        Amount and code as `Money.of` takes them: ("25.00", "EUR"); None if the text is no amount.
    """
    plain = text[:MAX_AMOUNT].translate(_PLAIN).strip()
    found = next(find_money(plain, currency, languages), None)
    if found:
        return found.amount, found.currency
    if not currency or not _BARE_NUMBER.fullmatch(plain):
        return None
    amount = _decimal(plain.rstrip("-–").rstrip(".,"), currency)
    if not amount:
        return None
    return amount, currency.upper()


def find_money(text: str, currency: str, languages: Catalogue) -> Iterator[Amount]:
    """Yield the numbers with a currency before or after them.

    Args:
        text: the text.
        currency: the company's ISO 4217 code: the dollar that is meant.
        languages: the languages in which currencies may be named.
    """
    names = _currency_names(languages)
    for match in names.amount.finditer(text.translate(_PLAIN)):
        code = names.code(match["before"] or match["after"], currency)
        amount = _decimal(match["amount"] or match["amount2"], code)
        if amount:
            yield Amount(amount, code, match.start(), match.end())


@lru_cache(maxsize=16)
def _currency_names(languages: Catalogue) -> _CurrencyNames:
    """Compile how all languages name currencies; the longest sign counts, so that "C$" is no "$"."""
    shared = languages.currencies
    words: dict[str, str] = {}
    for language in languages.all():
        words.update(language.info.currencies)

    signs = [re.escape(sign) for sign in sorted(shared.signs, key=len, reverse=True)]
    named = [rf"\b{re.escape(word)}\b" for word in (*words, *shared.codes)]
    name = "|".join(signs + named)
    amount = re.compile(
        rf"(?P<before>{name})\s?(?P<amount>{_NUMBER})(?![\d%])"
        rf"|(?<![\d.,])(?P<amount2>{_NUMBER}){_NO_CENTS}[\s-]?(?P<after>{name})",
        re.IGNORECASE,
    )
    return _CurrencyNames({**words, **shared.signs}, shared.families, amount)


def _decimal(written: str, currency: str) -> str:
    """Return a number as decimal text with the currency's places, "" if it has more places.

    The last of two kinds of separator is the decimal one; a single one before three digits separates
    thousands, unless the currency itself has three places.
    """
    places = get_currency_precision(currency)
    digits = written.replace(" ", "").replace("'", "")
    last = max(digits.rfind("."), digits.rfind(","))
    whole, fraction = digits, ""
    if last >= 0:
        whole, fraction = digits[:last], digits[last + 1 :]
    if len(fraction) == 3 and places != 3:
        whole, fraction = whole + fraction, ""
    if len(fraction) > places:
        return ""

    whole = whole.replace(".", "").replace(",", "")
    return f"{Decimal(f'{whole}.{fraction or 0}'):.{places}f}"
