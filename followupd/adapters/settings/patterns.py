"""Readers of the admin's rules for recognising: phrases and expressions, in the recogniser's own small language."""

from collections.abc import Mapping
from types import MappingProxyType

from followupd.adapters.settings.plain import each_once, filled, inside, listed, one_of
from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError
from followupd.text.complaints import FOR, rule_problem


def pattern(value: object) -> str:
    """Read a phrase, or a regular expression between slashes; one that could run long is refused."""
    found = filled(value)
    if problem := rule_problem(found):
        hint = """write words ("still waiting"), or an expression between slashes ('/order \\d{6}/')."""
        raise InvalidValueError(SettingsRule.RULE, f"{found!r} cannot be looked for: {problem}", hint)
    return found


def patterns(value: object) -> tuple[str, ...]:
    return each_once(listed(value, pattern))


def cue_groups(value: object) -> frozenset[str]:
    """Read names of the recogniser's groups of cues, as they stand in the cue files under [cues]."""
    return frozenset(each_once(listed(value, one_of(*FOR))))


def weights(value: object) -> Mapping[str, float]:
    """Read phrases and what each adds to the log-odds of a complaint."""
    if not isinstance(value, dict):
        hint = 'write [recognise.add] and below it lines such as "still waiting" = 1.5.'
        raise InvalidValueError(SettingsRule.TYPE, "must be a table of phrases and numbers", hint)
    return MappingProxyType(
        {inside(phrase, phrase, pattern): inside(phrase, weight, _weight) for phrase, weight in value.items()}
    )


def _weight(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -20 <= value <= 20:
        hint = "write a number from -20 to 20; 1 is a hint, 3 is strong, and minus speaks against."
        raise InvalidValueError(SettingsRule.TYPE, "what a phrase adds must be a number", hint)
    return float(value)
