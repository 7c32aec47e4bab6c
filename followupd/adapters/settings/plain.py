"""Readers of plain values: what TOML holds goes in, the value or a MisfitError comes out."""

import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import TypeVar

from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError, nearest
from followupd.adapters.settings.values import Rate, Since
from followupd.domain import calendar
from followupd.domain.calendar import Duration

Read = TypeVar("Read")

_LONGEST = 1000
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_WORD = re.compile(r"[A-Za-z0-9$_.+-]{1,40}")
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?"
)
_RATE = re.compile(r"(\d{1,6}) +per +(second|minute|hour|day|week)")
_LISTEN = re.compile(r"(.+):(\d{1,5})")


def text(value: object) -> str:
    """Read one line of text, which may be empty; line breaks are refused because names end up in mail headers."""
    if not isinstance(value, str):
        raise InvalidValueError(
            SettingsRule.TYPE, f"must be a text, not {_kind(value)}", 'put it in quotes: "...".'
        )
    if _CONTROL.search(value):
        raise InvalidValueError(
            SettingsRule.TYPE, "must be one line of text", "take out the line breaks and control characters."
        )
    if len(value) > _LONGEST:
        raise InvalidValueError(
            SettingsRule.TYPE, f"is {len(value)} characters long", f"write at most {_LONGEST}."
        )
    return value.strip()


def filled(value: object) -> str:
    found = text(value)
    if not found:
        raise InvalidValueError(SettingsRule.MISSING, "must not be empty", "fill it in.")
    return found


def word(value: object) -> str:
    """Read a name that can stand in an IMAP keyword, as in `agent-ana`, `playbook-delivery` and `cause-carrier`."""
    found = filled(value)
    if not _WORD.fullmatch(found):
        hint = "use up to 40 ASCII letters, digits and $ _ . + -, because it stands in tags."
        raise InvalidValueError(SettingsRule.NAME, f"{found!r} cannot stand in an IMAP keyword", hint)
    return found


def words(value: object) -> tuple[str, ...]:
    return each_once(listed(value, word))


def phrases(value: object) -> tuple[str, ...]:
    return each_once(listed(value, filled))


def listed(value: object, read: Callable[[object], Read]) -> tuple[Read, ...]:
    """Read each item of a list."""
    if not isinstance(value, list):
        raise InvalidValueError(
            SettingsRule.TYPE, f"must be a list of texts, not {_kind(value)}", 'write ["one", "two"].'
        )
    return tuple(inside(n, item, read) for n, item in enumerate(value))


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidValueError(
            SettingsRule.TYPE, f"must be true or false, not {_kind(value)}", "write true or false, no quotes."
        )
    return value


def one_of(*choices: str) -> Callable[[object], str]:
    """Return a reader that takes one of these words."""

    def read(value: object) -> str:
        found = text(value)
        if found not in choices:
            close = nearest(found, list(choices))
            known = ", ".join(each or '""' for each in choices)
            hint = f"write one of: {known}." + (f" Did you mean {close!r}?" if close else "")
            raise InvalidValueError(SettingsRule.WORD, f"{found!r} is not known here", hint)
        return found

    return read


def port(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValueError(
            SettingsRule.TYPE, f"must be a number, not {_kind(value)}", "write the number without quotes."
        )
    if not 1 <= value <= 65535:
        raise InvalidValueError(SettingsRule.PORT, f"{value} is no port", "write a number from 1 to 65535.")
    return value


def count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000:
        raise InvalidValueError(
            SettingsRule.TYPE, "must be a whole number, 0 or more", "write the number without quotes."
        )
    return value


def host(value: object) -> str:
    """Read a host name or an IP address, and return it in ASCII; raises for one with scheme or port in it."""
    found = filled(value)
    name = found.strip("[]")
    ascii_name = _in_ascii(name)
    if _is_address(name) or _HOST.fullmatch(ascii_name):
        return ascii_name
    hint = "write the name alone, such as imap.example.com; the port has a key of its own."
    raise InvalidValueError(SettingsRule.HOST, f"{found!r} is no host name", hint)


def is_loopback(name: str) -> bool:
    """Say whether a host is this very machine, so that nothing crosses a network."""
    if _is_address(name):
        return ipaddress.ip_address(name).is_loopback
    return name.lower() == "localhost" or name.lower().endswith(".localhost")


def listen(value: object) -> tuple[str, int] | None:
    """Read host:port to listen on; None for ""."""
    found = text(value)
    if not found:
        return None
    match = _LISTEN.fullmatch(found)
    if not match or not 1 <= int(match[2]) <= 65535:
        raise InvalidValueError(
            SettingsRule.HOST, f"{found!r} is not host:port", 'write it as "127.0.0.1:9099", or "" for none.'
        )
    return host(match[1]), int(match[2])


def duration(value: object) -> Duration:
    try:
        return Duration.parse(text(value))
    except InvalidValueError:
        raise
    except ValueError as error:
        raise _told(SettingsRule.DURATION, error) from None


def maybe_duration(value: object) -> Duration | None:
    return None if value == "" else duration(value)


def plain_duration(value: object) -> Duration:
    """Read a duration of the clock, longer than nothing: for waiting on machines, which keep no business hours."""
    found = duration(value)
    if found.unit.startswith("business") or not found.number:
        hint = 'write seconds, minutes, hours, days or weeks, such as "5 minutes".'
        raise InvalidValueError(SettingsRule.DURATION, f"{found} cannot be used here", hint)
    return found


def rate(value: object) -> Rate:
    found = text(value)
    match = _RATE.fullmatch(found.lower())
    if not match or not int(match[1]):
        hint = 'write N per second, minute, hour, day or week, such as "1 per day".'
        raise InvalidValueError(SettingsRule.RATE, f"{found!r} is no rate", hint)
    return Rate(int(match[1]), Duration(1, match[2]))


def since(value: object) -> Since:
    """Read `now`, `all` or a date, written as text or as TOML's own."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    found = text(value) if isinstance(value, str) else ""
    if found in {"now", "all"}:
        return "now" if found == "now" else "all"
    try:
        return date.fromisoformat(found)
    except ValueError:
        hint = 'write "now", "all" or a date such as "2026-01-31".'
        raise InvalidValueError(
            SettingsRule.SINCE, f"{found or str(value)!r} is no beginning", hint
        ) from None


def clock(value: object) -> time:
    if isinstance(value, time):
        return value
    return _hours(calendar.parse_time, value)


def days(value: object) -> frozenset[int]:
    return _hours(calendar.parse_days, value)


def quiet(value: object) -> tuple[time, time] | None:
    return _hours(calendar.parse_quiet, value)


def score(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValueError(
            SettingsRule.TYPE,
            f"must be a number, not {_kind(value)}",
            "write a number such as 0.90, no quotes.",
        )
    if not 0 <= value <= 1:
        raise InvalidValueError(SettingsRule.SCORE, f"{value} is no score", "write a number from 0 to 1.")
    return float(value)


def inside(part: str | int, value: object, read: Callable[[object], Read]) -> Read:
    """Read a value that lies in a list or table, and let its problem say where."""
    try:
        return read(value)
    except InvalidValueError as error:
        raise error.at(part) from None


def _hours(read: Callable[[str], Read], value: object) -> Read:
    try:
        return read(text(value))
    except InvalidValueError:
        raise
    except ValueError as error:
        raise _told(SettingsRule.HOURS, error) from None


def _told(rule: SettingsRule, error: ValueError) -> InvalidValueError:
    """Take over a sentence of the calendar's: what is wrong; how to write it."""
    problem, _, hint = str(error).partition("; ")
    return InvalidValueError(rule, problem, f"{hint}." if hint else "")


def each_once(found: tuple[str, ...]) -> tuple[str, ...]:
    folded = [item.casefold() for item in found]
    for n, item in enumerate(folded):
        if item in folded[:n]:
            raise InvalidValueError(
                SettingsRule.TWICE, f"{found[n]!r} stands here twice", "take one out.", (n,)
            )
    return found


def _in_ascii(name: str) -> str:
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _kind(value: object) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), "a date or time")
