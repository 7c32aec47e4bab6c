"""Types of plain values: texts, names, numbers, hosts, durations and times of day."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictInt

from followupd.adapters.settings.rules import InvalidValueError, SettingsRule
from followupd.adapters.settings.toml_file import kind_of
from followupd.domain import calendar
from followupd.domain.calendar import Duration

_Value = TypeVar("_Value")

_LONGEST = 1000
_MOST = 1_000_000
_LAST_PORT = 65535
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_TAG_NAME = re.compile(r"[A-Za-z0-9$_.+-]{1,40}")
_HOST_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_HOST_LABEL}(\.{_HOST_LABEL})*\.?")
_RATE = re.compile(r"(\d{1,6}) +per +(second|minute|hour|day|week)")
_LISTEN = re.compile(r"(.+):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many in each of these times: `Rate(1, Duration(1, "day"))`."""

    count: int
    per: Duration

    def __str__(self) -> str:
        return f"{self.count} per {self.per.unit}"


# --- texts ------------------------------------------------------------------------------------------------------------


def text(value: object) -> str:
    """Return one line of text, which may be empty. Line breaks are refused, because names end up in headers.

    Raises:
        InvalidValueError: the value is no text, has control characters, or is too long.
    """
    if not isinstance(value, str):
        raise InvalidValueError(
            SettingsRule.TYPE, f"must be a text, not {kind_of(value)}", 'put it in quotes: "...".'
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


def filled(value: str) -> str:
    """Refuse an empty text."""
    if not value:
        raise InvalidValueError(SettingsRule.MISSING, "must not be empty", "fill it in.")
    return value


def tag_name(value: str) -> str:
    """Refuse a name that cannot be part of an IMAP keyword, as in `agent-ana` and `cause-carrier`."""
    if not _TAG_NAME.fullmatch(value):
        hint = "use up to 40 ASCII letters, digits and $ _ . + -, because tags contain it."
        raise InvalidValueError(SettingsRule.NAME, f"{value!r} cannot be part of an IMAP keyword", hint)
    return value


def unique(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list in which a text occurs twice; case does not count."""
    folded = [value.casefold() for value in values]
    for n, value in enumerate(folded):
        if value in folded[:n]:
            raise InvalidValueError(
                SettingsRule.TWICE, f"{values[n]!r} is listed twice", "take one out.", (n,)
            )
    return values


Line = Annotated[str, BeforeValidator(text)]
RequiredLine = Annotated[Line, AfterValidator(filled)]
TagName = Annotated[RequiredLine, AfterValidator(tag_name)]
TagNames = Annotated[tuple[TagName, ...], AfterValidator(unique)]
Phrases = Annotated[tuple[RequiredLine, ...], AfterValidator(unique)]


def parsed(parse: Callable[[str], _Value], value: object, rule: SettingsRule) -> _Value:
    """Return what a parser of the domain makes of a text; its ValueError names what is wrong."""
    line = text(value)
    try:
        return parse(line)
    except ValueError as error:
        raise InvalidValueError.of(rule, error) from None


# --- numbers ----------------------------------------------------------------------------------------------------------


def _port(value: int) -> int:
    if not 1 <= value <= _LAST_PORT:
        hint = f"write a number from 1 to {_LAST_PORT}."
        raise InvalidValueError(SettingsRule.PORT, f"{value} is not a port", hint)
    return value


def _count(value: int) -> int:
    if not 0 <= value <= _MOST:
        hint = f"write a whole number from 0 to {_MOST}."
        raise InvalidValueError(SettingsRule.TYPE, "must be a whole number, 0 or more", hint)
    return value


def _score(value: float) -> float:
    if not 0 <= value <= 1:
        raise InvalidValueError(SettingsRule.SCORE, f"{value} is not a score", "write a number from 0 to 1.")
    return float(value)


Port = Annotated[StrictInt, AfterValidator(_port)]
Count = Annotated[StrictInt, AfterValidator(_count)]
Score = Annotated[float, Field(strict=True), AfterValidator(_score)]


# --- hosts ------------------------------------------------------------------------------------------------------------


def host(value: str) -> str:
    """Return a host name or an IP address in ASCII; one with a scheme or a port in it is refused."""
    name = value.strip("[]")
    ascii_name = _in_ascii(name)
    if _is_ip_address(name) or _HOST.fullmatch(ascii_name):
        return ascii_name
    hint = "write the name alone, such as imap.example.com; the port has a key of its own."
    raise InvalidValueError(SettingsRule.HOST, f"{value!r} is not a host name", hint)


def is_loopback(name: str) -> bool:
    """Return whether a host is this machine, so that nothing crosses a network."""
    if _is_ip_address(name):
        return ipaddress.ip_address(name).is_loopback
    return name.lower() == "localhost" or name.lower().endswith(".localhost")


def _listen(value: object) -> tuple[str, int] | None:
    """Read host:port to listen on; None for ""."""
    line = text(value)
    if not line:
        return None
    match = _LISTEN.fullmatch(line)
    if not match or not 1 <= int(match[2]) <= _LAST_PORT:
        hint = 'write it as "127.0.0.1:9099", or "" for none.'
        raise InvalidValueError(SettingsRule.HOST, f"{line!r} is not host:port", hint)
    return host(match[1]), int(match[2])


def _in_ascii(name: str) -> str:
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return ""


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


HostName = Annotated[RequiredLine, AfterValidator(host)]
ListenAddress = Annotated[tuple[str, int] | None, PlainValidator(_listen)]


# --- durations and times ----------------------------------------------------------------------------------------------


def _duration(value: object) -> Duration:
    return parsed(Duration.parse, value, SettingsRule.DURATION)


def _optional_duration(value: object) -> Duration | None:
    return None if value == "" else _duration(value)


def _elapsed_duration(value: object) -> Duration:
    """Read a duration of the clock, longer than zero: machines keep no business hours."""
    duration = _duration(value)
    if duration.unit.startswith("business") or not duration.number:
        hint = 'write seconds, minutes, hours, days or weeks, such as "5 minutes".'
        raise InvalidValueError(SettingsRule.DURATION, f"{duration} cannot be used here", hint)
    return duration


def _rate(value: object) -> Rate:
    line = text(value)
    match = _RATE.fullmatch(line.lower())
    if not match or not int(match[1]):
        hint = 'write N per second, minute, hour, day or week, such as "1 per day".'
        raise InvalidValueError(SettingsRule.RATE, f"{line!r} is not a rate", hint)
    return Rate(int(match[1]), Duration(1, match[2]))


def _start(value: object) -> Any:
    """Read `now`, `all` or a date, written as a text or as TOML's own date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    line = text(value) if isinstance(value, str) else ""
    if line in {"now", "all"}:
        return line
    try:
        return date.fromisoformat(line)
    except ValueError:
        hint = 'write "now", "all" or a date such as "2026-01-31".'
        problem = f"{line or str(value)!r} is not a start date"
        raise InvalidValueError(SettingsRule.SINCE, problem, hint) from None


def _time_of_day(value: object) -> time:
    return value if isinstance(value, time) else parsed(calendar.parse_time, value, SettingsRule.HOURS)


def _working_days(value: object) -> frozenset[int]:
    return parsed(calendar.parse_days, value, SettingsRule.HOURS)


def _quiet_hours(value: object) -> tuple[time, time] | None:
    return parsed(calendar.parse_quiet, value, SettingsRule.HOURS)


AnyDuration = Annotated[Duration, PlainValidator(_duration)]
OptionalDuration = Annotated[Duration | None, PlainValidator(_optional_duration)]
ElapsedDuration = Annotated[Duration, PlainValidator(_elapsed_duration)]
RateLimit = Annotated[Rate, PlainValidator(_rate)]
Since = Annotated[Literal["now", "all"] | date, PlainValidator(_start)]
TimeOfDay = Annotated[time, PlainValidator(_time_of_day)]
WorkingDays = Annotated[frozenset[int], PlainValidator(_working_days)]
QuietHours = Annotated[tuple[time, time] | None, PlainValidator(_quiet_hours)]
