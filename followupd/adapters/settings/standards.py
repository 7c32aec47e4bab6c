"""Types of values that a standard defines: addresses, phones, time zones, locales, money, holidays, patterns.

The libraries that know these standards take longer to import than all the rest, so each is imported when it is used.
Where the validation context says `thorough: False`, their checks are skipped.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, PlainValidator, ValidationInfo

from followupd.adapters.settings.rules import InvalidValueError, SettingsRule, nearest
from followupd.adapters.settings.scalars import Line, RequiredLine, filled, host, text, unique
from followupd.domain import calendar
from followupd.domain.compensation import Money

_EXTENSION = re.compile(
    r"[x#;,]|\b(?:ext|extn|extension|anexo|interno|int|dw|durchwahl|nebenstelle|nst|apparat|app|poste?|toestel)\b",
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


def is_thorough(info: ValidationInfo) -> bool:
    """Return whether the slow checks are wanted."""
    return bool((info.context or {}).get("thorough", True))


def _directory(info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("directory", ""))


def _home_currency(info: ValidationInfo) -> str:
    return str((info.context or {}).get("currency", "GBP"))


# --- addresses and phones ---------------------------------------------------------------------------------------------


def address(value: str) -> str:
    """Return a mail address with its domain in ASCII (RFC 5891), as envelopes and headers need it."""
    from email_validator import EmailNotValidError, validate_email

    is_local = value.lower().endswith(_LOCAL)
    suffix = _PUBLIC_DOMAIN if is_local else ""
    try:
        valid = validate_email(value + suffix, check_deliverability=False)
    except EmailNotValidError as error:
        hint = f"write one plain address, such as support@example.com. ({error})"
        raise InvalidValueError(SettingsRule.ADDRESS, f"{value!r} is not a mail address", hint) from None
    return (valid.ascii_email or valid.normalized).removesuffix(suffix)


def _address(value: str, info: ValidationInfo) -> str:
    return address(value) if is_thorough(info) else value


def _optional_address(value: str, info: ValidationInfo) -> str:
    return _address(value, info) if value else ""


def _address_or_domain(value: str) -> str:
    """Return an address, or a domain ("example.org" or "@example.org"), in lower case."""
    if "@" in value[1:]:
        return address(value).lower()
    try:
        return address(f"anybody@{value.removeprefix('@')}").removeprefix("anybody@").lower()
    except InvalidValueError:
        hint = 'write "kim@example.org", or "example.org" for everybody there.'
        problem = f"{value!r} is neither an address nor a domain"
        raise InvalidValueError(SettingsRule.ADDRESS, problem, hint) from None


def _phone(value: str, info: ValidationInfo) -> str:
    """Return a direct phone number in international form, as the customer will read it (practice 66)."""
    if _EXTENSION.search(value):
        hint = "give the direct number: a customer who calls it reaches this person (practice 66)."
        raise InvalidValueError(SettingsRule.PHONE, f"{value!r} has an extension", hint)
    hint = "write it in international form, such as +44 20 7946 0018."
    if not _DIALLED.fullmatch(value):
        problem = f"{value!r} is not a phone number in international form"
        raise InvalidValueError(SettingsRule.PHONE, problem, hint)
    if is_thorough(info) and not _is_possible_number(value):
        raise InvalidValueError(SettingsRule.PHONE, f"{value!r} is not a possible phone number", hint)
    return value


def _is_possible_number(number: str) -> bool:
    """Return whether such a number can exist; numbers reserved for examples and films can, local-only ones cannot."""
    import phonenumbers

    try:
        reason = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE)


Address = Annotated[RequiredLine, AfterValidator(_address)]
OptionalAddress = Annotated[Line, AfterValidator(_optional_address)]
AddressOrDomain = Annotated[RequiredLine, AfterValidator(_address_or_domain)]
Phone = Annotated[RequiredLine, AfterValidator(_phone)]


# --- places, languages and holidays -----------------------------------------------------------------------------------


def _time_zone(value: str) -> str:
    if calendar.zone_problem(value):
        hint = 'write a name of the IANA database, such as "Europe/London".'
        suggestion = _suggestion(_similar_zone(value))
        raise InvalidValueError(SettingsRule.TIMEZONE, f"{value!r} is not a time zone", hint + suggestion)
    return value


def _similar_zone(name: str) -> str:
    """Return the zone that was meant: the same city without its continent, another case, or a similar name."""
    wanted = name.replace(" ", "_").lower()
    zones = sorted(available_timezones())
    for zone in zones:
        if wanted in {zone.lower(), zone.lower().rpartition("/")[2]}:
            return zone
    return nearest(name, zones)


def _locale(value: str, info: ValidationInfo) -> str:
    """Return a Babel locale: a language and, usually, a territory ("en_GB")."""
    if not is_thorough(info):
        return value
    if canonical := _canonical_locale(value):
        return canonical
    hint = 'write language and country, such as "en_GB".'
    suggestion = _suggestion(_canonical_locale(value.replace("-", "_")))
    raise InvalidValueError(SettingsRule.LOCALE, f"{value!r} is not a locale", hint + suggestion)


def language(value: str) -> str:
    """Refuse what is not the tag of a language, as in templates/<language>/; "" is accepted."""
    if value and not (_LANGUAGE.fullmatch(value) and _canonical_locale(value)):
        hint = 'write two letters, such as "en".'
        raise InvalidValueError(SettingsRule.LOCALE, f"{value!r} is not a language", hint)
    return value


def _canonical_locale(name: str) -> str:
    """Return the locale as Babel writes it, "" if there is none of this name."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(name))
    except (UnknownLocaleError, ValueError):
        return ""


def _holidays(value: str, info: ValidationInfo) -> str:
    problem = calendar.holidays_problem(value) if is_thorough(info) else ""
    if problem:
        what, _, hint = problem.partition("; ")
        suggestion = _suggestion(_country_code(value))
        raise InvalidValueError(SettingsRule.HOLIDAYS, what, f"{hint}.{suggestion}")
    return value


def _country_code(name: str) -> str:
    """Return the code of a country that was written by its name, such as "Germany"; "" if no name is similar."""
    from holidays.registry import COUNTRIES

    codes = {module.replace("_", " "): code for module, (_, code, *_) in COUNTRIES.items()}
    return codes.get(nearest(name.lower(), list(codes)), "")


def _suggestion(meant: str) -> str:
    return f" Did you mean {meant!r}?" if meant else ""


TimeZone = Annotated[RequiredLine, AfterValidator(_time_zone)]
LocaleName = Annotated[RequiredLine, AfterValidator(_locale)]
LanguageTag = Annotated[Line, AfterValidator(language)]
HolidayCode = Annotated[Line, AfterValidator(_holidays)]


# --- money ------------------------------------------------------------------------------------------------------------


def currency(value: str) -> str:
    """Refuse what is not a currency code of ISO 4217."""
    if not _is_currency(value):
        meant = value.upper() if _is_currency(value.upper()) else ""
        hint = 'write three letters of ISO 4217, such as "EUR".' + _suggestion(meant)
        raise InvalidValueError(SettingsRule.CURRENCY, f"{value!r} is not a currency", hint)
    return value


def _is_currency(code: str) -> bool:
    from babel.numbers import is_currency

    return is_currency(code)


def amount(value: object) -> tuple[str, str]:
    """Split "50.00" or "50.00 EUR" into the number and its currency, which may be ""; ("", "") for an empty text."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    line = text(str(value) if is_whole else value)
    if not line:
        return "", ""
    match = _AMOUNT.fullmatch(line)
    if not match:
        hint = 'write digits and, after a space, a currency: "50.00" or "50.00 EUR".'
        raise InvalidValueError(SettingsRule.AMOUNT, f"{line!r} is not an amount", hint)
    code = currency(match[2].upper()) if match[2] else ""
    return match[1], code


def _money(value: object, info: ValidationInfo) -> Money | None:
    """Read an amount in the company's currency; None for ""."""
    number, code = amount(value)
    return in_home_currency(number, code, _home_currency(info)) if number else None


def _required_money(value: object, info: ValidationInfo) -> Money:
    found = _money(value, info)
    if found is None:
        hint = 'write "50.00", or "0" to let a lead approve everything.'
        raise InvalidValueError(SettingsRule.AMOUNT, "an agent needs a limit", hint)
    return found


def _monthly_cap(value: object, info: ValidationInfo) -> Money | None:
    """Read "200.00 per month"; None for ""."""
    line = text(value)
    if not line:
        return None
    match = _PER_MONTH.fullmatch(line)
    if not match:
        hint = 'write "200.00 per month", or "" for none.'
        raise InvalidValueError(SettingsRule.AMOUNT, f"{line!r} is not a cap", hint)
    number, code = amount(match[1])
    return in_home_currency(number, code, _home_currency(info))


def in_home_currency(number: str, code: str, home: str) -> Money:
    """Return an amount in the company's currency, the only one that sums can be compared in."""
    if code not in {"", home}:
        hint = f"write the amount alone; it is counted in {home}."
        raise InvalidValueError(SettingsRule.AMOUNT, f"an amount in {code} cannot be compared", hint)
    whole, _, _ = number.partition(".")
    return money(number, home, f'write it as "{whole}"; it is counted in {home}.')


def money(number: str, code: str, hint: str) -> Money:
    """Return an amount; a number that its currency cannot have is refused with this hint."""
    try:
        return Money.of(number, code)
    except ValueError as error:
        raise InvalidValueError(SettingsRule.AMOUNT, str(error), hint) from None


CurrencyCode = Annotated[RequiredLine, AfterValidator(currency)]
OptionalMoney = Annotated[Money | None, PlainValidator(_money)]
RequiredMoney = Annotated[Money, PlainValidator(_required_money)]
MonthlyCap = Annotated[Money | None, PlainValidator(_monthly_cap)]


# --- web addresses and files ------------------------------------------------------------------------------------------


def _web_address(value: str) -> str:
    """Return the address of a web service, without a user and a query; "" for none."""
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        is_service = parts.scheme in {"http", "https"} and bool(host(filled(parts.hostname or "")))
        is_valid = is_service and parts.port != 0
    except (ValueError, InvalidValueError):
        raise InvalidValueError(SettingsRule.HOST, f"{value!r} is not a web address", _URL_HINT) from None
    if _has_secrets(parts):  # the address is not repeated: it may contain a password
        problem = "it must not contain a user, a query or a fragment"
        raise InvalidValueError(SettingsRule.HOST, problem, _URL_HINT)
    if not is_valid:
        raise InvalidValueError(SettingsRule.HOST, f"{value!r} is not a web address", _URL_HINT)
    return value.rstrip("/")


def _has_secrets(parts: SplitResult) -> bool:
    return bool(parts.username or parts.password or parts.query or parts.fragment)


def _existing_file(value: str, info: ValidationInfo) -> str:
    """Return the absolute path of a file; a relative one begins at the configuration directory. "" for none."""
    if not value:
        return ""
    path = _directory(info) / value
    try:
        exists = path.is_file()
    except OSError:  # a name that no file can have, or a directory that may not be entered
        exists = False
    if not exists:
        hint = "put the CA's certificate there."
        raise InvalidValueError(SettingsRule.NO_FILE, f"there is no file {path}", hint)
    return str(path)


WebAddress = Annotated[Line, AfterValidator(_web_address)]
ExistingFile = Annotated[Line, AfterValidator(_existing_file)]


# --- phrases and expressions of the complaint classifier --------------------------------------------------------------


def _pattern(value: str, info: ValidationInfo) -> str:
    """Return a phrase, or a regular expression between slashes; one that could run long is refused."""
    if not is_thorough(info):
        return value
    from followupd.text.complaints import rule_problem

    if problem := rule_problem(value):
        hint = """write words ("still waiting"), or an expression between slashes ('/order \\d{6}/')."""
        raise InvalidValueError(SettingsRule.RULE, f"{value!r} cannot be searched for: {problem}", hint)
    return value


def _cue_groups(values: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if values and is_thorough(info):
        from followupd.text.complaints import FOR

        for n, value in enumerate(values):
            _check_cue_group(n, value, FOR)
    return values


def _check_cue_group(n: int, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        suggestion = _suggestion(nearest(value, list(known)))
        hint = f"write one of: {', '.join(known)}.{suggestion}"
        problem = f"{value!r} is not one of the known values"
        raise InvalidValueError(SettingsRule.WORD, problem, hint, (n,))


def _weight(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -_MAX_WEIGHT <= value <= _MAX_WEIGHT:
        hint = "write a number from -20 to 20: 1 is a hint, 3 is strong, a negative one counts against."
        raise InvalidValueError(SettingsRule.TYPE, "what a phrase adds must be a number", hint)
    return float(value)


Pattern = Annotated[RequiredLine, AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], AfterValidator(unique)]
CueGroups = Annotated[tuple[RequiredLine, ...], AfterValidator(unique), AfterValidator(_cue_groups)]
Weights = Annotated[
    Mapping[Pattern, Annotated[float, PlainValidator(_weight)]], AfterValidator(MappingProxyType)
]
