"""What is given to customers: the cap for one customer and month, and where gift cards come from."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from followupd.adapters.settings import known, plain
from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.secrets import Secret
from followupd.adapters.settings.sheet import InvalidValueError, TomlFile
from followupd.adapters.settings.toml_lines import Path
from followupd.adapters.settings.values import CompensationSettings, GiftCardSettings
from followupd.domain.compensation import Money

_PER_MONTH = re.compile(r"(.+?) +per +month", re.IGNORECASE)
_MEND_URL = 'write an address such as "https://cards.example.com/api/v2"; `http` only on loopback.'


def cap(value: object) -> tuple[str, str]:
    """Read "200.00 per month"; ("", "") for an empty text."""
    found = plain.text(value)
    if not found:
        return "", ""
    match = _PER_MONTH.fullmatch(found)
    if not match:
        raise InvalidValueError(
            SettingsRule.AMOUNT, f"{found!r} is no cap", 'write "200.00 per month", or "" for none.'
        )
    return known.amount(match[1])


def url(value: object) -> str:
    """Read the address of a web service, without a user and a query; "" for none."""
    found = plain.text(value)
    try:
        parts = urlsplit(found)
        plain_address = not (parts.username or parts.password or parts.query or parts.fragment)
        right = (
            parts.scheme in {"http", "https"} and bool(plain.host(parts.hostname or "")) and parts.port != 0
        )
    except (ValueError, InvalidValueError):
        plain_address, right = True, False
    if found and not plain_address:  # not repeated: it may hold a password
        raise InvalidValueError(
            SettingsRule.HOST, "a user, a query or a fragment must not stand in it", _MEND_URL
        )
    if found and not right:
        raise InvalidValueError(SettingsRule.HOST, f"{found!r} is no address of a web service", _MEND_URL)
    return found.rstrip("/")


def counted(sheet: TomlFile, path: Path, said: tuple[str, str], currency: str) -> Money | None:
    """Return an amount in the company's currency; None, and a complaint where it is not empty, for one that is not."""
    amount, code = said
    if not amount:
        return None
    if code not in {"", currency}:
        hint = f"write the amount alone; it is counted in {currency}."
        sheet.complain(path, SettingsRule.AMOUNT, f"an amount in {code} cannot be compared", hint)
        return None
    try:
        return Money.of(amount, currency)
    except ValueError as error:
        sheet.complain(
            path,
            SettingsRule.AMOUNT,
            str(error),
            f'write it as "{amount.split(".")[0]}"; it is counted in {currency}.',
        )
        return None


def read_compensation(sheet: TomlFile, row: dict[str, Any], currency: str) -> CompensationSettings:
    amount, code = row["cap"]
    if not amount:
        return CompensationSettings()
    if code not in {"", currency}:
        hint = f"write the amount alone; it is counted in {currency}."
        sheet.complain(
            ("compensation", "cap"), SettingsRule.AMOUNT, f"a cap in {code} cannot be compared", hint
        )
    try:
        return CompensationSettings(cap=Money.of(amount, currency))
    except ValueError as error:
        sheet.complain(
            ("compensation", "cap"), SettingsRule.AMOUNT, str(error), 'write it as "200.00 per month".'
        )
        return CompensationSettings()


def read_gift_cards(
    sheet: TomlFile, row: dict[str, Any], placed: Callable[[TomlFile, Path, Secret], Secret]
) -> GiftCardSettings:
    """Check what the HTTP provider needs; `placed` settles a secret in the directory."""
    token = placed(sheet, ("gift_cards", "token"), row["token"])
    if row["provider"] == "http":
        _check_http(sheet, row)
    ca_file = sheet.directory / row["ca_file"] if row["ca_file"] else None
    if ca_file and not ca_file.is_file():
        hint = "put the CA's certificate there."
        sheet.complain(("gift_cards", "ca_file"), SettingsRule.NO_FILE, f"there is no file {ca_file}", hint)
    return GiftCardSettings(**{**row, "token": token, "ca_file": str(ca_file or "")})


def _check_http(sheet: TomlFile, row: dict[str, Any]) -> None:
    said = sheet.data.get("gift_cards", {})
    for key in ("url", "token"):
        if not said.get(key):  # one that cannot be read is complained of already
            problem = f'provider = "http" needs a {key}'
            sheet.complain(
                ("gift_cards", "provider"), SettingsRule.MISSING, problem, f"add gift_cards.{key}."
            )
    parts = urlsplit(row["url"])
    if parts.scheme == "http" and not plain.is_loopback(parts.hostname or ""):
        problem = f"the token and the codes would cross the network to {parts.hostname} readable by others"
        sheet.complain(("gift_cards", "url"), SettingsRule.CLEAR_TEXT, problem, "write https://.")
