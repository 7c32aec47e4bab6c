"""What agents set in their mail client, and the line of a note that it means: the defaults, and the admin's own."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from followupd.adapters.settings.plain import text
from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError, TomlFile, nearest
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

#: a keyword that Dovecot, Cyrus and Gmail all keep; a star, which no keyword may hold, ends a pattern (MAIL.md)
_PATTERN = re.compile(r"(?=.{1,50}$)[A-Za-z0-9$_.+-]+\*?")
#: the daemon's own tags begin so; an agent's must not
_OWN = "fu-"


def read_tags(sheet: TomlFile, given: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the defaults with the admin's tags added; "" switches a default off. Case does not count in keywords."""
    return _read(sheet, "tags", given, DEFAULT_TAGS, _check_pattern)


def read_folders(sheet: TomlFile, given: Mapping[str, Any], inboxes: set[str]) -> Mapping[str, str]:
    """Return the default command folders with the admin's added; "" switches a default off."""

    def check(name: str) -> None:
        if not text(name) or name in inboxes:
            raise InvalidValueError(
                SettingsRule.PATTERN,
                f"{name!r} cannot be a command folder",
                "name a folder made for this alone.",
            )

    return _read(sheet, "folders", given, DEFAULT_FOLDERS, check)


def _read(
    sheet: TomlFile,
    table: str,
    given: Mapping[str, Any],
    defaults: Mapping[str, str],
    check: Callable[[str], None],
) -> Mapping[str, str]:
    meant = dict(defaults)
    for name, line in given.items():
        try:
            check(name)
            _check_line(name, text(line), defaults)
        except InvalidValueError as error:
            sheet.misfit((table, name), error)
            continue
        for older in [known for known in meant if known.casefold() == name.casefold()]:
            del meant[older]
        if text(line):
            meant[name] = text(line)
    return MappingProxyType(meant)


def _check_pattern(pattern: str) -> None:
    if not _PATTERN.fullmatch(pattern):
        hint = "use up to 50 ASCII letters, digits and $ _ . + -; a * may stand at the end, once."
        raise InvalidValueError(SettingsRule.PATTERN, f"{pattern!r} cannot be an IMAP keyword", hint)
    if pattern.casefold().startswith(_OWN):
        hint = "choose another word: followupd sets the tags that begin with fu- itself."
        raise InvalidValueError(SettingsRule.PATTERN, f"{pattern!r} is one of followupd's own tags", hint)


def _check_line(name: str, line: str, defaults: Mapping[str, str]) -> None:
    if not line:
        _check_switched_off(name, defaults)
        return
    if "{}" in line and not name.endswith("*"):
        hint = 'end the pattern in *, as in "refund-*", or write the text out.'
        raise InvalidValueError(SettingsRule.LINE, f"{line!r} has {{}} and nothing to put there", hint)
    verb = line.partition(":")[0].strip().lower()
    if verb not in VERBS:
        close = nearest(verb, list(VERBS))
        hint = f"did you mean {close!r}?" if close else f"known: {', '.join(VERBS)}."
        raise InvalidValueError(SettingsRule.LINE, f"nobody can say {verb!r}", hint)
    try:
        verb, said = read_line(line)
    except NotUnderstoodError as error:
        problem, _, hint = str(error).partition("; ")
        raise InvalidValueError(SettingsRule.LINE, problem, hint) from None
    choices = VERBS[verb].split(" | ")
    if len(choices) > 1 and "{}" not in said and said not in choices:
        raise InvalidValueError(
            SettingsRule.LINE, f"{said!r} says nothing of {verb}", f"write one of: {', '.join(choices)}."
        )


def _check_switched_off(name: str, defaults: Mapping[str, str]) -> None:
    """An empty line switches a default off; anything else that is switched off was probably misspelt."""
    if name.casefold() not in {known.casefold() for known in defaults}:
        close = nearest(name, list(defaults))
        hint = f"did you mean {close!r}?" if close else "write the line that it means, or take it out."
        raise InvalidValueError(
            SettingsRule.LINE, f"{name!r} has no line, and is no default to switch off", hint
        )
