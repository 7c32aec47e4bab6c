"""Tags and command folders, and the command that each one means: the defaults, and the admin's own."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from followupd.adapters.settings.rules import InvalidValueError, SettingsRule, did_you_mean
from followupd.adapters.settings.scalars import text
from followupd.adapters.settings.toml_file import TomlFile
from followupd.domain.command import VERBS, read_line
from followupd.errors import NotUnderstoodError

DEFAULT_TAGS: Mapping[str, str] = MappingProxyType(
    {
        "complaint": "complaint",
        "not-complaint": "dismiss",
        "promised": "promised",
        "kept": "kept",
        "fixed": "fixed",
        "hold": "hold",
        "release": "release",
        "approve": "approve",
        "reached": "reached",
        "not-reached": "not-reached",
        "refund-*": "refund: {}",
        "credit-*": "credit: {}",
        "coupon-*": "coupon: {}",
        "gift-card-*": "gift-card: {}",
        "agent-*": "owner: {}",
        "playbook-*": "playbook: {}",
        "cause-*": "cause-code: {}",
    }
)
DEFAULT_FOLDERS: Mapping[str, str] = MappingProxyType(
    {"Recovery/Complaint": "complaint", "Recovery/Fixed": "fixed"},
)

#: a keyword that Dovecot, Cyrus and Gmail all store; a star, which no keyword contains, ends a pattern (docs/mail.md)
_PATTERN = re.compile(r"(?=.{1,50}$)[A-Za-z0-9$_.+-]+\*?")
#: the prefix of the daemon's own status tags
_RESERVED = "fu-"


def read_tags(file: TomlFile, given: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the default tags with the admin's added; "" switches a default off. Keywords are case-insensitive."""
    return _merged(file, "tags", given, DEFAULT_TAGS, _check_pattern)


def read_folders(file: TomlFile, given: Mapping[str, Any], inboxes: set[str]) -> Mapping[str, str]:
    """Return the default command folders with the admin's added; "" switches a default off."""

    def check(name: str) -> None:
        if not text(name) or name in inboxes:
            problem = f"{name!r} cannot be a command folder"
            raise InvalidValueError(SettingsRule.PATTERN, problem, "name a folder for this purpose alone.")

    return _merged(file, "folders", given, DEFAULT_FOLDERS, check)


def _merged(
    file: TomlFile,
    table: str,
    given: Mapping[str, Any],
    defaults: Mapping[str, str],
    check_name: Callable[[str], None],
) -> Mapping[str, str]:
    commands = dict(defaults)
    for name, value in given.items():
        try:
            check_name(name)
            command = text(value)
            _check_command(name, command, defaults)
        except InvalidValueError as error:
            file.add_error((table, name), error)
            continue
        for replaced in [known for known in commands if known.casefold() == name.casefold()]:
            del commands[replaced]
        if command:
            commands[name] = command
    return MappingProxyType(commands)


def _check_pattern(pattern: str) -> None:
    if not _PATTERN.fullmatch(pattern):
        hint = "use up to 50 ASCII letters, digits and $ _ . + -; one * is allowed, at the end."
        raise InvalidValueError(SettingsRule.PATTERN, f"{pattern!r} cannot be an IMAP keyword", hint)
    if pattern.casefold().startswith(_RESERVED):
        hint = "choose another word: tags that begin with fu- are followupd's own."
        raise InvalidValueError(SettingsRule.PATTERN, f"{pattern!r} is reserved for followupd", hint)


def _check_command(name: str, command: str, defaults: Mapping[str, str]) -> None:
    if not command:
        _check_switched_off(name, defaults)
        return
    if "{}" in command and not name.endswith("*"):
        hint = 'end the pattern in *, as in "refund-*", or write the text out.'
        raise InvalidValueError(SettingsRule.LINE, f"{command!r} has {{}} and nothing to put there", hint)
    verb = command.partition(":")[0].strip().lower()
    if verb not in VERBS:
        hint = did_you_mean(verb, list(VERBS), f"known: {', '.join(VERBS)}.")
        raise InvalidValueError(SettingsRule.LINE, f"{verb!r} is not a command", hint)
    _check_argument(command, verb)


def _check_argument(command: str, verb: str) -> None:
    """Check what follows the verb; a tag's own text, at {}, is known only when the tag is set."""
    try:
        _, argument = read_line(command)
    except NotUnderstoodError as error:
        problem, _, hint = str(error).partition("; ")
        raise InvalidValueError(SettingsRule.LINE, problem, hint) from None
    choices = VERBS[verb].split(" | ")
    if len(choices) > 1 and "{}" not in argument and argument not in choices:
        problem = f"{argument!r} is not a value of {verb}"
        raise InvalidValueError(SettingsRule.LINE, problem, f"write one of: {', '.join(choices)}.")


def _check_switched_off(name: str, defaults: Mapping[str, str]) -> None:
    """Refuse to switch off what is not a default: its name was probably misspelt."""
    if name.casefold() not in {known.casefold() for known in defaults}:
        hint = did_you_mean(name, list(defaults), "write the command that it means, or take it out.")
        raise InvalidValueError(SettingsRule.LINE, f"{name!r} has no command and is not a default", hint)
