"""Types of values that a standard defines: addresses, phones, time zones, locales, money, holidays, patterns.

The libraries that know these standards take longer to import than all the rest, so each is imported when it
is used.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, PlainValidator, ValidationInfo

from followupd.adapters.settings.rules import (
    InvalidValueError,
    SettingsRule,
    checker,
    nearest,
    require,
    suggest,
)
from followupd.adapters.settings.scalars import Line, RequiredLine, filled, host, text, unique
from followupd.domain import calendar
from followupd.domain.compensation import Money

_EXTENSION = re.compile(
    r"[x#;,]|\b(?:ext|extn|extension|anexo|interno|int|dw|durchwahl|nebenstelle|nst|apparat|app"
    r"|poste?|toestel)\b",
    re.IGNORECASE,
)
_DIALLED = re.compile(r"\+[\d ()./-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_AMOUNT = re.compile(r"(\d[\d.,]*)(?: *([A-Za-z]{3}))?")
_PER_MONTH = re.compile(r"(.+?) +per +month", re.IGNORECASE)
#: names that never leave a local network (RFC 2606, 6762, 8375); email-validator accepts only public ones
_LOCAL = (".local", ".localhost", ".test", ".lan", ".home.arpa", "@localhost")
_PUBLIC_DOMAIN = ".example.com"
_URL_HINT = 'write an address such as "https://cards.example.com/api/v2"; `http` only on loopback.'
_MAX_WEIGHT = 20


def home_currency(info: ValidationInfo) -> str:
    """Return the company's currency, in which amounts without a currency are."""
    return str((info.context or {}).get("currency", "GBP"))


# --- addresses and phones -----------------------------------------------------------------------------------


def address(value: str) -> str:
    """Return a mail address with its domain in ASCII (RFC 5891), as envelopes and headers need it.

    Raises:
        InvalidValueError: it is not a plain address.
    """
    from email_validator import EmailNotValidError, validate_email

    suffix = _PUBLIC_DOMAIN if value.lower().endswith(_LOCAL) else ""
    try:
        valid = validate_email(value + suffix, check_deliverability=False)
    except EmailNotValidError as error:
        hint = f"write one plain address, such as support@example.com. ({error})"
        raise InvalidValueError(SettingsRule.ADDRESS, f"{value!r} is not a mail address", hint) from None
    normalized = valid.ascii_email or valid.normalized
    return normalized.removesuffix(suffix)


def _address_or_domain(value: str) -> str:
    """Return an address, or a domain written as "example.org" or "@example.org", in lower case."""
    if "@" in value[1:]:
        return address(value).lower()
    domain = value.removeprefix("@")
    try:
        return address(f"anybody@{domain}").removeprefix("anybody@").lower()
    except InvalidValueError:
        hint = 'write "kim@example.org", or "example.org" for everybody there.'
        problem = f"{value!r} is neither an address nor a domain"
        raise InvalidValueError(SettingsRule.ADDRESS, problem, hint) from None


def _is_possible_number(number: str) -> bool:
    """Return whether a number can exist: one reserved for films can, one without its area code cannot."""
    import phonenumbers

    try:
        reason = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE)


_PHONE_HINT = "write it in international form, such as +44 20 7946 0018."
_check_extension: Callable[[str], str] = checker(
    lambda number: not _EXTENSION.search(number),
    SettingsRule.PHONE,
    "{value!r} has an extension",
    "give the direct number: a customer who calls it reaches this person (practice 66).",
)
_check_dialled = checker(
    _DIALLED.fullmatch,
    SettingsRule.PHONE,
    "{value!r} is not a phone number in international form",
    _PHONE_HINT,
)
_check_possible = checker(
    _is_possible_number, SettingsRule.PHONE, "{value!r} is not a possible phone number", _PHONE_HINT
)

Address = Annotated[RequiredLine, AfterValidator(address)]
OptionalAddress = Annotated[Line, AfterValidator(lambda value: address(value) if value else "")]
AddressOrDomain = Annotated[RequiredLine, AfterValidator(_address_or_domain)]
#: a direct number, as the customer will read it (practice 66)
Phone = Annotated[
    RequiredLine,
    AfterValidator(_check_extension),
    AfterValidator(_check_dialled),
    AfterValidator(_check_possible),
]


# --- places, languages and holidays -------------------------------------------------------------------------


def _similar_zone(name: str) -> str:
    """Return the zone that was meant: a city without its continent, another case, or a similar name."""
    wanted = name.replace(" ", "_").lower()
    zones = sorted(available_timezones())
    for zone in zones:
        city = zone.lower().rpartition("/")[2]
        if wanted in {zone.lower(), city}:
            return zone
    return nearest(name, zones)


def _canonical_locale(name: str) -> str:
    """Return the locale as Babel writes it, "" if there is none of this name."""
    from babel import Locale, UnknownLocaleError
    from babel.localedata import locale_identifiers

    if name in locale_identifiers():  # as nearly all are written; to parse one loads tables of 2 MB
        return name
    try:
        return str(Locale.parse(name))
    except (UnknownLocaleError, ValueError):
        return ""


def _is_language(tag: str) -> bool:
    """Return whether a text is the tag of a language that Babel knows; "" is none, and accepted.

    Its register is no matter of Babel's: "de-informal" is a language if "de" is one.
    """
    tag = tag.removesuffix("-informal")
    if not tag:
        return True
    return bool(_LANGUAGE.fullmatch(tag)) and _canonical_locale(tag) != ""


def _country_code(name: str) -> str:
    """Return the code of a country that is written by its name ("Germany"); "" if no name is similar."""
    from holidays.registry import COUNTRIES

    codes = {module.replace("_", " "): code for module, (_, code, *_) in COUNTRIES.items()}
    meant = nearest(name.lower(), list(codes))
    return codes.get(meant, "")


_check_zone = checker(
    lambda name: not calendar.zone_problem(name),
    SettingsRule.TIMEZONE,
    "{value!r} is not a time zone",
    'write a name of the IANA database, such as "Europe/London".',
    _similar_zone,
)
_check_locale = checker(
    _canonical_locale,
    SettingsRule.LOCALE,
    "{value!r} is not a locale",
    'write language and country, such as "en_GB".',
    lambda name: _canonical_locale(name.replace("-", "_")),
)
_check_language = checker(
    _is_language, SettingsRule.LOCALE, "{value!r} is not a language", 'write two letters, such as "en".'
)
_check_holidays = checker(
    lambda code: not calendar.holidays_problem(code),
    SettingsRule.HOLIDAYS,
    "{value!r} is not a country or subdivision with known holidays",
    'write a code such as "GB-ENG", "DE", "US-CA", or "" for none.',
    _country_code,
)

TimeZone = Annotated[RequiredLine, AfterValidator(_check_zone)]
#: a Babel locale: a language and, usually, a territory ("en_GB")
LocaleName = Annotated[RequiredLine, AfterValidator(_check_locale), AfterValidator(_canonical_locale)]
OptionalLocale = Annotated[
    Line, AfterValidator(lambda value: _canonical_locale(_check_locale(value)) if value else "")
]
#: the name of a directory in templates/, or ""
LanguageTag = Annotated[Line, AfterValidator(_check_language)]
HolidayCode = Annotated[Line, AfterValidator(_check_holidays)]


# --- money --------------------------------------------------------------------------------------------------


def _is_currency(code: str) -> bool:
    """Return whether ISO 4217 has this code."""
    from babel.numbers import is_currency

    return is_currency(code)


def _similar_currency(code: str) -> str:
    """Return the code in capitals, if that is a currency."""
    capitals = code.upper()
    return capitals if _is_currency(capitals) else ""


currency = checker(
    _is_currency,
    SettingsRule.CURRENCY,
    "{value!r} is not a currency",
    'write three letters of ISO 4217, such as "EUR".',
    _similar_currency,
)


def amount(value: object) -> tuple[str, str]:
    """Split "50.00 EUR" into the number and its currency, which may be absent; an empty text gives ("", "").

    Raises:
        InvalidValueError: it is neither, or the currency does not exist.
    """
    is_whole = type(value) is int
    line = text(str(value) if is_whole else value)
    if not line:
        return "", ""
    match = _AMOUNT.fullmatch(line)
    hint = 'write digits and, after a space, a currency: "50.00" or "50.00 EUR".'
    require(match, SettingsRule.AMOUNT, f"{line!r} is not an amount", hint)
    number, code = match.groups("") if match else ("", "")
    return number, code and currency(code.upper())


def money(number: str, code: str, hint: str) -> Money:
    """Return an amount.

    Raises:
        InvalidValueError: its currency cannot have this number, such as half a cent.
    """
    try:
        return Money.of(number, code)
    except ValueError as error:
        raise InvalidValueError(SettingsRule.AMOUNT, str(error), hint) from None


def _money(value: object, info: ValidationInfo) -> Money | None:
    """Return an amount in the company's currency, the only one that can be compared; None for ""."""
    number, code = amount(value)
    if not number:
        return None
    home = home_currency(info)
    hint = f"write the amount alone; it is counted in {home}."
    require(code in {"", home}, SettingsRule.AMOUNT, f"an amount in {code} cannot be compared", hint)

    whole, _, _ = number.partition(".")
    shown = re.sub(r"[.,](?=\d{3}$)", "", number) if "," in number else whole
    return money(number, home, f'write it as "{shown}"; it is counted in {home}.')


def _monthly_cap(value: object, info: ValidationInfo) -> Money | None:
    """Return the amount in "200.00 per month"; None for ""."""
    line = text(value)
    if not line:
        return None
    match = _PER_MONTH.fullmatch(line)
    hint = 'write "200.00 per month", or "" for none.'
    require(match, SettingsRule.AMOUNT, f"{line!r} is not a cap", hint)
    return _money(match and match[1], info)


_check_limit = checker(
    lambda limit: limit is not None,
    SettingsRule.AMOUNT,
    "an agent needs a limit",
    'write "50.00", or "0" to let a lead approve everything.',
)

CurrencyCode = Annotated[RequiredLine, AfterValidator(currency)]
OptionalCurrency = Annotated[Line, AfterValidator(lambda value: currency(value) if value else "")]
OptionalMoney = Annotated[Money | None, PlainValidator(_money)]
RequiredMoney = Annotated[Money, PlainValidator(lambda value, info: _check_limit(_money(value, info)))]
MonthlyCap = Annotated[Money | None, PlainValidator(_monthly_cap)]


# --- web addresses and files --------------------------------------------------------------------------------


def _web_address(value: str) -> str:
    """Return the address of a web service, without a slash at its end; "" for none.

    Raises:
        InvalidValueError: it is none, or has a user or a query, which may be secret and are not repeated.
    """
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        name = host(filled(parts.hostname or ""))
        is_service = parts.scheme in {"http", "https"} and parts.port != 0
    except (ValueError, InvalidValueError):
        name, is_service = "", False
        parts = urlsplit("")

    extras = (parts.username, parts.password, parts.query, parts.fragment)
    problem = "it must not contain a user, a query or a fragment"
    require(not any(extras), SettingsRule.HOST, problem, _URL_HINT)
    require(name and is_service, SettingsRule.HOST, f"{value!r} is not a web address", _URL_HINT)
    return value.rstrip("/")


def _existing_file(value: str, info: ValidationInfo) -> str:
    """Return the absolute path of a file; a relative one begins at DIR. "" for none."""
    if not value:
        return ""
    path = Path((info.context or {}).get("directory", "")) / value
    try:
        exists = path.is_file()
    except OSError:  # a name that no file can have, or a directory that may not be entered
        exists = False
    hint = "put the CA's certificate there."
    require(exists, SettingsRule.NO_FILE, f"there is no file {path}", hint)
    return str(path)


WebAddress = Annotated[Line, AfterValidator(_web_address)]
ExistingFile = Annotated[Line, AfterValidator(_existing_file)]


# --- phrases and expressions of the complaint classifier ----------------------------------------------------


def _check_pattern(value: str) -> str:
    """Return a phrase, or a regular expression between slashes.

    Raises:
        InvalidValueError: it cannot be searched for, or could run long.
    """
    from followupd.text.complaints import rule_problem

    problem = rule_problem(value)
    hint = """write words ("still waiting"), or an expression between slashes ('/order \\d{6}/')."""
    require(not problem, SettingsRule.RULE, f"{value!r} cannot be searched for: {problem}", hint)
    return value


def _check_cue_group(value: str) -> str:
    """Return the name of a group of cues.

    Raises:
        InvalidValueError: there is no such group.
    """
    from followupd.text.complaints import FOR

    hint = f"write one of: {', '.join(FOR)}.{suggest(nearest(value, list(FOR)))}"
    require(value in FOR, SettingsRule.WORD, f"{value!r} is not one of the known values", hint)
    return value


_check_weight: Callable[[Any], Any] = checker(
    lambda weight: type(weight) in {int, float} and -_MAX_WEIGHT <= weight <= _MAX_WEIGHT,
    SettingsRule.TYPE,
    "what a phrase adds must be a number",
    "write a number from -20 to 20: 1 is a hint, 3 is strong, a negative one counts against.",
)

Pattern = Annotated[RequiredLine, AfterValidator(_check_pattern)]
Patterns = Annotated[tuple[Pattern, ...], AfterValidator(unique)]
CueGroups = Annotated[
    tuple[Annotated[RequiredLine, AfterValidator(_check_cue_group)], ...], AfterValidator(unique)
]
Weight = Annotated[float, PlainValidator(_check_weight), AfterValidator(float)]
Weights = Annotated[Mapping[Pattern, Weight], AfterValidator(MappingProxyType)]
