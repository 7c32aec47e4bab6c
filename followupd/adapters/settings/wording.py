"""wording.toml: rules of wording switched off, and the admin's own phrases."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from followupd.adapters.settings import known, plain
from followupd.adapters.settings.form import Form, Section, fill
from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError, TomlFile, open_sheet
from followupd.adapters.settings.toml_lines import Path as Key
from followupd.adapters.settings.values import WordingSettings
from followupd.errors import Problem

WORDING: Form = (
    Section("rules", 'Rule = `"on"` or `"off"`; every rule is on until it is switched off.', free=True),
    Section(
        "phrases", "Own phrases: a table for each language, in it a list for each kind of phrase.", free=True
    ),
)


def read_wording(directory: Path) -> tuple[WordingSettings, list[Problem]]:
    """Read wording.toml, which may be absent. Which rules and kinds of phrases there are is the letters' business."""
    sheet = open_sheet(directory, "wording.toml", missing="")
    filled = fill(sheet, WORDING)
    off = frozenset(rule for rule, switch in filled["rules"].items() if _is_off(sheet, rule, switch))
    phrases = {language: _phrases(sheet, language, kinds) for language, kinds in filled["phrases"].items()}
    return WordingSettings(off=off, phrases=MappingProxyType(phrases)), sheet.problems


def _is_off(sheet: TomlFile, rule: str, switch: object) -> bool:
    try:
        return plain.one_of("on", "off")(switch) == "off"
    except InvalidValueError as error:
        sheet.misfit(("rules", rule), error)
        return False


def _phrases(sheet: TomlFile, language: str, kinds: Any) -> Mapping[str, tuple[str, ...]]:
    path: Key = ("phrases", language)
    found: dict[str, tuple[str, ...]] = {}
    try:
        known.language(language)
        for kind, listed in _table(kinds).items():
            path = ("phrases", language, kind)
            found[kind] = plain.phrases(listed)
    except InvalidValueError as error:
        sheet.misfit(path, error)
    return MappingProxyType(found)


def _table(kinds: Any) -> dict[str, Any]:
    if not isinstance(kinds, dict):
        raise InvalidValueError(
            SettingsRule.TYPE, "must be a table for a language", 'write [phrases.en], then jargon = ["RMA"].'
        )
    return kinds
