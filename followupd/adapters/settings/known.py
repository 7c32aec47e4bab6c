"""Readers of values that the world keeps lists and rules of: addresses, phones, time zones, currencies, holidays."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from zoneinfo import available_timezones

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.numbers import is_currency
from email_validator import EmailNotValidError, validate_email

from followupd.adapters.settings.holiday_days import look_up
from followupd.adapters.settings.plain import filled, inside, listed, text
from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError, nearest
from followupd.domain import calendar

_EXTENSION = re.compile(
    r"[x#;,]|\b(?:ext|extn|extension|anexo|interno|int|dw|durchwahl|nebenstelle|nst|apparat|app|poste?|toestel)\b",
    re.IGNORECASE,
)
_DIALLED = re.compile(r"\+[\d ()./-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_AMOUNT = re.compile(r"(\d[\d.,]*)(?: *([A-Za-z]{3}))?")
#: names that never leave a local network (RFC 2606, 6762, 8375); email-validator knows only the world's
_LOCAL = (".local", ".localhost", ".test", ".lan", ".home.arpa", "@localhost")
_HELPER = ".example.com"


def address(value: object) -> str:
    """Read one mail address; the domain comes back in ASCII (RFC 5891), as envelopes and headers need it."""
    found = filled(value)
    local = found.lower().endswith(_LOCAL)
    try:
        valid = validate_email(found + _HELPER if local else found, check_deliverability=False)
    except EmailNotValidError as error:
        hint = f"write one plain address, such as support@example.com. ({error})"
        raise InvalidValueError(SettingsRule.ADDRESS, f"{found!r} is no mail address", hint) from None
    return (valid.ascii_email or valid.normalized).removesuffix(_HELPER if local else "")


def maybe_address(value: object) -> str:
    return address(value) if text(value) else ""


def addresses(value: object) -> tuple[str, ...]:
    return listed(value, address)


def people(value: object) -> tuple[str, ...]:
    """Read addresses and whole domains ("example.org" or "@example.org"), in lower case."""
    return listed(value, _person_or_domain)


def phone(value: object) -> str:
    """Read a direct phone number in international form, written as the customer will read it (practice 66).

    Numbers kept for examples and films pass: what is asked is whether a number is possible, not whether it is given out.
    """
    found = filled(value)
    if _EXTENSION.search(found):
        hint = "give the direct number: a customer calls it and reaches this person (practice 66)."
        raise InvalidValueError(SettingsRule.PHONE, f"{found!r} has an extension", hint)
    hint = "write it in international form, such as +44 20 7946 0018."
    if not _DIALLED.fullmatch(found):
        raise InvalidValueError(
            SettingsRule.PHONE, f"{found!r} is no phone number in international form", hint
        )
    try:
        reason = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(found, None))
    except phonenumbers.NumberParseException:
        reason = phonenumbers.ValidationResult.INVALID_LENGTH
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:  # nor one that only neighbours can dial
        raise InvalidValueError(SettingsRule.PHONE, f"{found!r} is no possible phone number", hint)
    return found


def time_zone(value: object) -> str:
    found = filled(value)
    if calendar.zone_problem(found):
        hint = 'write a name of the IANA database, such as "Europe/London".'
        raise InvalidValueError(
            SettingsRule.TIMEZONE, f"{found!r} is no time zone", hint + _did_you_mean(_zone_like(found))
        )
    return found


def locale(value: object) -> str:
    """Read a babel locale: a language and, mostly, a territory ("en_GB")."""
    found = filled(value)
    try:
        return str(Locale.parse(found))
    except (UnknownLocaleError, ValueError):
        usual = found.replace("-", "_")
        meant = usual if usual != found and _is_locale(usual) else ""
        hint = 'write language and country, such as "en_GB".' + _did_you_mean(meant)
        raise InvalidValueError(SettingsRule.LOCALE, f"{found!r} is no locale", hint) from None


def language(value: object) -> str:
    """Read a language as in templates/<language>/; "" for the company's own."""
    found = text(value)
    if found and not (_LANGUAGE.fullmatch(found) and _is_locale(found)):
        raise InvalidValueError(
            SettingsRule.LOCALE, f"{found!r} is no language", 'write two letters, such as "en".'
        )
    return found


def by_language(value: object) -> Mapping[str, str]:
    """Read a sentence in several languages, by the names of their directories in templates/."""
    if not isinstance(value, dict):
        hint = 'write [next_step.texts] and below it lines such as de = "...".'
        raise InvalidValueError(SettingsRule.TYPE, "must be a table of languages and sentences", hint)
    return MappingProxyType(
        {inside(tag, tag, language): inside(tag, said, filled) for tag, said in value.items()}
    )


def currency(value: object) -> str:
    found = filled(value)
    if not is_currency(found):
        meant = found.upper() if is_currency(found.upper()) else ""
        hint = 'write three letters of ISO 4217, such as "EUR".' + _did_you_mean(meant)
        raise InvalidValueError(SettingsRule.CURRENCY, f"{found!r} is no currency", hint)
    return found


def amount(value: object) -> tuple[str, str]:
    """Read an amount and its currency, which may be "": "50.00" or "50.00 EUR". ("", "") for an empty text."""
    found = text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    if not found:
        return "", ""
    match = _AMOUNT.fullmatch(found)
    if not match:
        hint = 'write digits and, after a space, a currency: "50.00" or "50.00 EUR".'
        raise InvalidValueError(SettingsRule.AMOUNT, f"{found!r} is no amount", hint)
    return match[1], currency(match[2].upper()) if match[2] else ""


def holidays(value: object) -> str:
    found = text(value)
    look_up(found)
    if problem := calendar.holidays_problem(found):
        what, _, hint = problem.partition("; ")
        raise InvalidValueError(SettingsRule.HOLIDAYS, what, f"{hint}.")
    return found


def _person_or_domain(value: object) -> str:
    found = filled(value)
    if "@" in found[1:]:
        return address(found).lower()
    try:
        return address(f"anybody@{found.removeprefix('@')}").removeprefix("anybody@").lower()
    except InvalidValueError:
        hint = 'write "kim@example.org", or "example.org" for everybody there.'
        raise InvalidValueError(
            SettingsRule.ADDRESS, f"{found!r} is neither an address nor a domain", hint
        ) from None


def _is_locale(name: str) -> bool:
    try:
        Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def _zone_like(name: str) -> str:
    """Find the zone that was meant: the same city without its continent, the same letters in another case, or alike."""
    wanted = name.replace(" ", "_").lower()
    zones = sorted(available_timezones())
    same = [zone for zone in zones if wanted in {zone.lower(), zone.lower().rpartition("/")[2]}]
    return same[0] if same else nearest(name, zones)


def _did_you_mean(meant: str) -> str:
    return f" Did you mean {meant!r}?" if meant else ""
