"""Tags and command folders, and the command that each one means: the defaults, and the admin's own."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from followupd.adapters.settings.rules import InvalidValueError, SettingsRule, checker, did_you_mean, require
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

#: a keyword that Dovecot, Cyrus and Gmail all store (docs/mail.md); a star, which none has, ends a pattern
_PATTERN = re.compile(r"(?=.{1,50}$)[A-Za-z0-9$_.+-]+\*?")
#: the prefix of the daemon's own status tags
_RESERVED = "fu-"
#: the one system flag that can be a tag: the star or flag of a mail client, which every server keeps
FLAGGED = "\\Flagged"


def read_tags(file: TomlFile, given: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the default tags with the admin's added; "" switches a default off. Case does not count.

    Args:
        file: followupd.toml, to which problems are added.
        given: its table [tags], not checked yet.
    """
    return _merged(file, "tags", given, DEFAULT_TAGS, _check_pattern)


def read_folders(file: TomlFile, given: Mapping[str, Any], inboxes: set[str]) -> Mapping[str, str]:
    """Return the default command folders with the admin's added; one that is switched off has "".

    Args:
        file: followupd.toml, to which problems are added.
        given: its table [folders], not checked yet.
        inboxes: the folders that customers' mail arrives in, which cannot be command folders.
    """
    check_name = checker(
        lambda name: text(name) not in {"", *inboxes},
        SettingsRule.PATTERN,
        "{value!r} cannot be a command folder",
        "name a folder for this purpose alone.",
    )
    return _merged(file, "folders", given, DEFAULT_FOLDERS, check_name, keep_off=True)


def _merged(
    file: TomlFile,
    table: str,
    given: Mapping[str, Any],
    defaults: Mapping[str, str],
    check_name: Callable[[str], object],
    *,
    keep_off: bool = False,
) -> Mapping[str, str]:
    """Return the commands of tags or folders: the shipped ones, changed by what the file has.

    Args:
        file: to which invalid names and commands are reported; the shipped command stays then.
        table: the name of the table, for the report.
        given: what the file has, of any type; an empty command leaves a tag or folder without one.
        defaults: the shipped commands by name.
        check_name: raises InvalidValueError for a name that no tag or folder can have.
        keep_off: whether the result has those that are switched off, with "".
    """
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
        commands[name] = command
    in_use = {name: command for name, command in commands.items() if command or keep_off}
    return MappingProxyType(in_use)


def _check_pattern(pattern: str) -> None:
    """Refuse what no server stores as a keyword, and what followupd sets itself."""
    if pattern == FLAGGED:
        return

    hint = "use up to 50 ASCII letters, digits and $ _ . + -; one * is allowed, at the end; or \\Flagged."
    is_keyword = _PATTERN.fullmatch(pattern)
    require(is_keyword, SettingsRule.PATTERN, f"{pattern!r} cannot be an IMAP keyword", hint)

    hint = "choose another word: tags that begin with fu- are followupd's own."
    is_ours = pattern.casefold().startswith(_RESERVED)
    require(not is_ours, SettingsRule.PATTERN, f"{pattern!r} is reserved for followupd", hint)


def _check_command(name: str, command: str, defaults: Mapping[str, str]) -> None:
    """Refuse a command that agents cannot give.

    Args:
        name: the tag or folder that the command belongs to.
        command: a line of a note, with {} for the rest of the tag; "" switches a default off.
        defaults: the tags or folders that exist without the admin's.
    """
    if not command:
        _check_switched_off(name, defaults)
        return
    has_rest = name.endswith("*")
    hint = 'end the pattern in *, as in "refund-*", or write the text out.'
    problem = f"{command!r} has {{}} and nothing to put there"
    require(has_rest or "{}" not in command, SettingsRule.LINE, problem, hint)

    verb = command.partition(":")[0].strip().lower()
    hint = did_you_mean(verb, list(VERBS), f"known: {', '.join(VERBS)}.")
    require(verb in VERBS, SettingsRule.LINE, f"{verb!r} is not a command", hint)
    _check_argument(command, verb)


def _check_argument(command: str, verb: str) -> None:
    """Refuse a wrong text after the verb; a tag's own text, at {}, is known only when the tag is set."""
    try:
        _, argument = read_line(command)
    except NotUnderstoodError as error:
        problem, _, hint = str(error).partition("; ")
        raise InvalidValueError(SettingsRule.LINE, problem, hint) from None

    choices = VERBS[verb].split(" | ")
    accepts_any = len(choices) == 1 or "{}" in argument
    problem = f"{argument!r} is not a value of {verb}"
    hint = f"write one of: {', '.join(choices)}."
    require(accepts_any or argument in choices, SettingsRule.LINE, problem, hint)


def _check_switched_off(name: str, defaults: Mapping[str, str]) -> None:
    """Refuse to switch off what is not a default: its name was probably misspelt."""
    known = set(map(str.casefold, defaults))
    hint = did_you_mean(name, list(defaults), "write the command that it means, or take it out.")
    problem = f"{name!r} has no command and is not a default"
    require(name.casefold() in known, SettingsRule.LINE, problem, hint)
