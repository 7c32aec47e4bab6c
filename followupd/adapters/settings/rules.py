"""The rules of the configuration: a stable id for everything that `check` can find wrong in a TOML file."""

from collections.abc import Callable
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

_Value = TypeVar("_Value")

#: how alike two words must be to be offered as "did you mean"
_LIKENESS = 0.6


class SettingsRule(StrEnum):
    """What a problem is about. Scripts and docs/configuration.md use the ids, so no id is ever reused."""

    FILE = "C01"
    UNKNOWN = "C02"
    MISSING = "C03"
    TYPE = "C04"
    DURATION = "C05"
    TIMEZONE = "C06"
    LOCALE = "C07"
    CURRENCY = "C08"
    HOLIDAYS = "C09"
    PORT = "C10"
    WORD = "C11"
    CLEAR_TEXT = "C12"
    BARE = "C13"
    ABSENT = "C14"
    EXPOSED = "C15"
    TWICE = "C16"
    ADDRESS = "C17"
    PHONE = "C18"
    NOBODY = "C19"
    AMOUNT = "C20"
    SCORE = "C21"
    RATE = "C22"
    SINCE = "C23"
    STEP_TEXT = "C24"
    PLAYBOOK_NAME = "C25"
    NO_DEFAULT = "C26"
    PATTERN = "C27"
    LINE = "C28"
    LEDGER = "C29"
    HOURS = "C30"
    HOST = "C31"
    NAME = "C32"
    LOGIN = "C33"
    NO_FILE = "C34"
    RULE = "C35"
    ORIGINAL = "C36"
    STARTER = "C37"
    UNHEARD = "C38"
    SHARED = "C39"
    CLOSED = "C40"
    LANGUAGE = "C41"
    UNREAD = "C42"
    NO_BRAND = "C43"
    FEW = "C44"
    OPEN = "C45"


#: problems that `check` reports and that do not keep the daemon from running
WARNINGS = frozenset(
    {
        SettingsRule.EXPOSED,
        SettingsRule.ORIGINAL,
        SettingsRule.SHARED,
        SettingsRule.CLOSED,
        SettingsRule.LANGUAGE,
        SettingsRule.UNREAD,
        SettingsRule.FEW,
        SettingsRule.OPEN,
    }
)

SENTENCES: dict[SettingsRule, str] = {
    SettingsRule.FILE: "A file is missing, cannot be read, or is not TOML.",
    SettingsRule.UNKNOWN: "No such key or table.",
    SettingsRule.MISSING: "A key or table that has no default is missing.",
    SettingsRule.TYPE: "The value has the wrong type: a number for a text, a line break in a text, "
    "one bracket for two.",
    SettingsRule.DURATION: "Not a duration, or one that cannot be used here.",
    SettingsRule.TIMEZONE: "Not a time zone of the IANA database.",
    SettingsRule.LOCALE: "Not a locale or language.",
    SettingsRule.CURRENCY: "Not an ISO 4217 currency code.",
    SettingsRule.HOLIDAYS: "Not a country or subdivision of the holidays package.",
    SettingsRule.PORT: "Not a port number, or the port of another `security`.",
    SettingsRule.WORD: "Not one of the values that the key allows.",
    SettingsRule.CLEAR_TEXT: '`security = "none"` would send the password unencrypted over a network.',
    SettingsRule.BARE: "The file contains a password, or does not say where a required secret is stored.",
    SettingsRule.ABSENT: "A secret is not where the configuration says, is empty, or has more than one line.",
    SettingsRule.EXPOSED: "Other users can read a secret's file (a warning: `run` continues).",
    SettingsRule.TWICE: "Two things have the same name or address.",
    SettingsRule.ADDRESS: "Not an e-mail address.",
    SettingsRule.PHONE: "Not a direct phone number in international form: an extension, or not a number.",
    SettingsRule.NOBODY: "A playbook's owner or an agent's deputy is not an agent.",
    SettingsRule.AMOUNT: "Not an amount of money.",
    SettingsRule.SCORE: "Not a score, `auto` below 0.90, or `ask` above `auto`.",
    SettingsRule.RATE: 'Not a rate such as "1 per day".',
    SettingsRule.SINCE: "Neither `now` nor `all` nor a date, or not days of absence.",
    SettingsRule.STEP_TEXT: "A next step's text is not a valid template, or uses an unknown name.",
    SettingsRule.PLAYBOOK_NAME: "A playbook's name differs from the name of its file.",
    SettingsRule.NO_DEFAULT: "There is no playbooks/default.toml.",
    SettingsRule.PATTERN: "A tag's pattern cannot be an IMAP keyword, "
    "or a folder cannot be a command folder.",
    SettingsRule.LINE: "The command of a tag or folder is not one that agents can give.",
    SettingsRule.LEDGER: "The ledger cannot be used: its address, its directory, its version, or its key.",
    SettingsRule.HOURS: "Not working days, working hours or quiet hours.",
    SettingsRule.HOST: "Not a host name, or not host:port.",
    SettingsRule.NAME: "A name that cannot be part of an IMAP keyword.",
    SettingsRule.LOGIN: "A user name without a password, or a password without a user name.",
    SettingsRule.NO_FILE: "A file that the configuration names does not exist.",
    SettingsRule.RULE: "A phrase or expression that cannot be searched for, or that could run long.",
    SettingsRule.ORIGINAL: "The shipped original of a customised file has changed since it was copied "
    "(a warning: `run` continues).",
    SettingsRule.STARTER: "A value is still the example of the starter (`run` refuses it).",
    SettingsRule.UNHEARD: "Letters come from an address that no mailbox receives, so that answers to it are not read.",
    SettingsRule.SHARED: "Two accounts use one secret (a warning: `run` continues).",
    SettingsRule.LANGUAGE: "A letter has the words of another language, or a language has no letters "
    "(a warning: `run` continues).",
    SettingsRule.NO_BRAND: "A mailbox belongs to a company that has no table, or a second company has no mailbox.",
    SettingsRule.UNREAD: "A file whose name keeps it from being read (a warning: `run` continues).",
    SettingsRule.FEW: "A group of a language's phrases is nearly empty, so that complaints are not recognised "
    "(a warning: `run` continues).",
    SettingsRule.OPEN: "Other machines can read the metrics (a warning: `run` continues).",
    SettingsRule.CLOSED: "Only root can read a file that the service reads as another user "
    "(a warning: `run` continues).",
}


class InvalidValueError(ValueError):
    """The value is invalid for its key. `inside` is the path from the key to the offending item."""

    def __init__(
        self, rule: SettingsRule, problem: str, hint: str, inside: tuple[str | int, ...] = ()
    ) -> None:
        super().__init__(problem)
        self.rule = rule
        self.problem = problem
        self.hint = hint
        self.inside = inside


def require(is_valid: object, rule: SettingsRule, problem: str, hint: str) -> None:
    """Raise an InvalidValueError unless the condition holds.

    Args:
        is_valid: the condition; anything that is false counts as not met.
        rule: the rule that the value breaks otherwise.
        problem: what is wrong, as a sentence about the value.
        hint: how to write it instead.

    Raises:
        InvalidValueError: the condition does not hold.
    """
    if not is_valid:
        raise InvalidValueError(rule, problem, hint)


def checker(
    is_valid: Callable[[_Value], object],
    rule: SettingsRule,
    problem: str,
    hint: str,
    similar: Callable[[_Value], str] = lambda _: "",
) -> Callable[[_Value], _Value]:
    """Return a validator that returns valid values as they are.

    Args:
        is_valid: what must hold for a value.
        rule: the rule that other values break.
        problem: what is wrong with them, with `{value}` or `{value!r}` in it.
        hint: how to write them.
        similar: returns the value that was probably meant, "" if there is none.
    """

    def check(value: _Value) -> _Value:
        """Return the value; raises InvalidValueError for an invalid one."""
        if is_valid(value):
            return value
        suggestion = suggest(similar(value))
        raise InvalidValueError(rule, problem.format(value=value), hint + suggestion)

    return check


def nearest(word: str, known: list[str]) -> str:
    """Return the word that was probably meant, or ""."""
    return next(iter(get_close_matches(word, known, n=1, cutoff=_LIKENESS)), "")


def suggest(meant: str) -> str:
    """Return the end of a hint that names what was meant, "" if nothing was found."""
    return f" Did you mean {meant!r}?" if meant else ""


def did_you_mean(word: str, known: list[str], otherwise: str) -> str:
    """Return a hint with the word that was probably meant, else `otherwise`.

    Args:
        word: what was written.
        known: what may be written there; the nearest one is named if it is near enough.
        otherwise: the hint when none is.
    """
    close = nearest(word, known)
    return f"did you mean {close!r}?" if close else otherwise
