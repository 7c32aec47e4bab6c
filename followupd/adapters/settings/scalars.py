"""Types of plain values: texts, names, numbers, hosts, durations and times of day."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, TypeAdapter, ValidationError

from followupd.adapters.settings.rules import InvalidValueError, SettingsRule, checker, require
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


# --- texts --------------------------------------------------------------------------------------------------


def text(value: object) -> str:
    """Return one line of text, without white space around it; it may be empty.

    Line breaks are refused, because names end up in the headers of mails.

    Raises:
        InvalidValueError: the value is not a text, has control characters, or is too long.
    """
    if not isinstance(value, str):
        problem = f"must be a text, not {kind_of(value)}"
        raise InvalidValueError(SettingsRule.TYPE, problem, 'put it in quotes: "...".')

    hint = "take out the line breaks and control characters."
    require(not _CONTROL.search(value), SettingsRule.TYPE, "must be one line of text", hint)
    problem = f"is {len(value)} characters long"
    require(len(value) <= _LONGEST, SettingsRule.TYPE, problem, f"write at most {_LONGEST}.")
    return value.strip()


def parsed(parse: Callable[[str], _Value], value: object, rule: SettingsRule) -> _Value:
    """Return what a parser of the domain makes of a text.

    Raises:
        InvalidValueError: the parser refuses the text, with "what is wrong; how to write it" as its message.
    """
    line = text(value)
    try:
        return parse(line)
    except ValueError as error:
        problem, _, hint = str(error).partition("; ")
        raise InvalidValueError(rule, problem, f"{hint or 'see docs/configuration.md'}.") from None


def mistake(kind: Any, value: str) -> str:
    """Return what is wrong with a value that somebody has typed, and how to write it; "" if nothing is.

    Args:
        kind: the type of its key, such as `Phone`.
        value: as it was typed.
    """
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        found = error.errors()[0].get("ctx", {}).get("error")
        return f"{found}: {found.hint}" if isinstance(found, InvalidValueError) else str(error)
    return ""


def unique(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the texts as they are; the case of letters does not count.

    Raises:
        InvalidValueError: a text occurs twice.
    """
    seen: set[str] = set()
    for n, value in enumerate(values):
        folded = value.casefold()
        if folded in seen:
            problem = f"{value!r} is listed twice"
            raise InvalidValueError(SettingsRule.TWICE, problem, "take one out.", (n,))
        seen.add(folded)
    return values


filled: Callable[[str], str] = checker(bool, SettingsRule.MISSING, "must not be empty", "fill it in.")
#: a name in tags such as `agent-ana` and `cause-carrier`
tag_name = checker(
    _TAG_NAME.fullmatch,
    SettingsRule.NAME,
    "{value!r} cannot be part of an IMAP keyword",
    "use up to 40 ASCII letters, digits and $ _ . + -, because tags contain it.",
)

#: a name that letters use after a full stop: `vars.returns_page`
variable_name = checker(
    re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch,
    SettingsRule.NAME,
    "{value!r} cannot be named in a letter",
    "use up to 40 small ASCII letters, digits and _, a letter first, because letters say {{ vars.NAME }}.",
)

Line = Annotated[str, BeforeValidator(text)]
RequiredLine = Annotated[Line, AfterValidator(filled)]
VariableName = Annotated[RequiredLine, AfterValidator(variable_name)]
TagName = Annotated[RequiredLine, AfterValidator(tag_name)]
TagNames = Annotated[tuple[TagName, ...], AfterValidator(unique)]
Phrases = Annotated[tuple[RequiredLine, ...], AfterValidator(unique)]


# --- numbers ------------------------------------------------------------------------------------------------

_check_port = checker(
    range(1, _LAST_PORT + 1).__contains__,
    SettingsRule.PORT,
    "{value} is not a port",
    f"write a number from 1 to {_LAST_PORT}.",
)
_check_count = checker(
    range(_MOST + 1).__contains__,
    SettingsRule.TYPE,
    "must be a whole number, 0 or more",
    f"write a whole number from 0 to {_MOST}.",
)
_check_score: Callable[[float], float] = checker(
    lambda score: 0 <= score <= 1,
    SettingsRule.SCORE,
    "{value} is not a score",
    "write a number from 0 to 1.",
)

Flag = Annotated[bool, Field(strict=True)]
Port = Annotated[int, Field(strict=True), AfterValidator(_check_port)]
Count = Annotated[int, Field(strict=True), AfterValidator(_check_count)]
Score = Annotated[float, Field(strict=True), AfterValidator(_check_score), AfterValidator(float)]


# --- hosts --------------------------------------------------------------------------------------------------


def host(value: str) -> str:
    """Return a host name or an IP address in ASCII.

    Raises:
        InvalidValueError: it is neither, as with a scheme or a port in it.
    """
    name = value.strip("[]")
    ascii_name = _in_ascii(name)
    is_host = _is_ip_address(name) or _HOST.fullmatch(ascii_name)
    hint = "write the name alone, such as imap.example.com; the port has a key of its own."
    require(is_host, SettingsRule.HOST, f"{value!r} is not a host name", hint)
    return ascii_name


def is_loopback(name: str) -> bool:
    """Return whether a host is this machine, so that nothing crosses a network."""
    if _is_ip_address(name):
        return ipaddress.ip_address(name).is_loopback
    labels = name.lower().split(".")
    return labels[-1] == "localhost"


def _listen(value: object) -> tuple[str, int] | None:
    """Return the host and the port to listen on; None for ""."""
    line = text(value)
    if not line:
        return None
    match = _LISTEN.fullmatch(line)
    name, port = match.groups() if match else ("", "0")
    hint = 'write it as "127.0.0.1:9099", or "" for none.'
    require(1 <= int(port) <= _LAST_PORT, SettingsRule.HOST, f"{line!r} is not host:port", hint)
    return host(name), int(port)


def _in_ascii(name: str) -> str:
    """Return an international name as IDNA writes it, "" if it cannot be one."""
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return ""


def _is_ip_address(name: str) -> bool:
    """Return whether a name is an address of IPv4 or IPv6."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


HostName = Annotated[RequiredLine, AfterValidator(host)]
ListenAddress = Annotated[tuple[str, int] | None, PlainValidator(_listen)]


# --- durations and times ------------------------------------------------------------------------------------


def _rate(value: object) -> Rate:
    """Return a rate that was written as "1 per day"."""
    line = text(value)
    match = _RATE.fullmatch(line.lower())
    count, unit = match.groups() if match else ("0", "")
    hint = 'write N per second, minute, hour, day or week, such as "1 per day".'
    require(int(count), SettingsRule.RATE, f"{line!r} is not a rate", hint)
    return Rate(int(count), Duration(1, unit))


def _start(value: object) -> Any:
    """Return "now", "all" or a date, which may be written as a text or as TOML's own date."""
    if type(value) is date:  # a datetime is a date as well
        return value
    if value in ("now", "all"):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        problem = f"{str(value)!r} is not a start date"
        hint = 'write "now", "all" or a date such as "2026-01-31".'
        raise InvalidValueError(SettingsRule.SINCE, problem, hint) from None


def _day_range(value: object) -> tuple[date, date]:
    """Return the first and the last day of an absence that was written as "2026-12-21..2027-01-03"."""
    line = text(value)
    first, _, last = line.partition("..")
    try:
        days = (date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip()))
    except ValueError:
        days = (date.max, date.min)
    hint = 'write one day or two, the earlier first, such as "2026-12-21..2027-01-03".'
    require(days[0] <= days[1], SettingsRule.SINCE, f"{line!r} are no days of absence", hint)
    return days


def _time_of_day(value: object) -> time:
    """Return a time of day, which may be written as a text or as TOML's own time."""
    if isinstance(value, time):
        return value
    return parsed(calendar.parse_time, value, SettingsRule.HOURS)


def _by_parser(parse: Callable[[str], Any], rule: SettingsRule) -> PlainValidator:
    return PlainValidator(lambda value: parsed(parse, value, rule))


_check_elapsed: Callable[[Duration], Duration] = checker(
    lambda duration: duration.number and not duration.unit.startswith("business"),
    SettingsRule.DURATION,
    "{value} cannot be used here",
    'write seconds, minutes, hours, days or weeks, such as "5 minutes".',
)

AnyDuration = Annotated[Duration, _by_parser(Duration.parse, SettingsRule.DURATION)]
OptionalDuration = Annotated[
    Duration | None,
    _by_parser(lambda line: Duration.parse(line) if line else None, SettingsRule.DURATION),
]
#: a duration of the clock, longer than zero: machines keep no business hours
ElapsedDuration = Annotated[AnyDuration, AfterValidator(_check_elapsed)]
RateLimit = Annotated[Rate, PlainValidator(_rate)]
Since = Annotated[Literal["now", "all"] | date, PlainValidator(_start)]
DayRange = Annotated[tuple[date, date], PlainValidator(_day_range)]
TimeOfDay = Annotated[time, PlainValidator(_time_of_day)]
WorkingDays = Annotated[frozenset[int], _by_parser(calendar.parse_days, SettingsRule.HOURS)]
QuietHours = Annotated[tuple[time, time] | None, _by_parser(calendar.parse_quiet, SettingsRule.HOURS)]
