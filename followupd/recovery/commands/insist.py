"""Insisting: an agent repeats a line with "!" at its end to keep a text that a rule of wording warned of."""

from collections.abc import Iterator

from followupd.domain.case import Case
from followupd.domain.command import Command
from followupd.domain.events import Event, WordingInsisted
from followupd.recovery.commands.context import CommandContext, origin

#: verbs whose line contains more than the text that is in letters: a date, a number, a reason
_WITH_MORE = frozenset({"promise", "firm", "estimate", "update", "late", "option"})
#: a shorter text would be found in almost any line
_MIN_CHARACTERS = 3


def insist(command: Command, context: CommandContext) -> list[Event]:
    """Return that the agent insists on a text, if the line repeats one that was said, with "!" at its end."""
    if not command.text.endswith("!"):
        return []

    for text in _stated(command.verb, context.case):
        if len(text) < _MIN_CHARACTERS or text in context.case.insisted:
            continue
        if _repeats(command, text):
            return [WordingInsisted(text=text, **origin(command, context))]
    return []


def _repeats(command: Command, text: str) -> bool:
    """Return whether a line repeats a text, or contains it if lines of this verb have more than the text."""
    line, stated = _normalised(command.text), _normalised(text)
    if command.verb in _WITH_MORE:
        return stated in line
    return stated == line


def _stated(verb: str, case: Case) -> Iterator[str]:
    """Give what was said with this verb and is in letters, the newest promise first."""
    fact = getattr(case.facts, verb.replace("-", "_"), None)
    if isinstance(fact, str):
        yield fact

    if verb in _WITH_MORE:
        for promise in reversed(case.promises):
            yield promise.because
            yield promise.text

    for grant in case.compensation:
        if grant.kind.value == verb:
            yield grant.text


def _normalised(text: str) -> str:
    """Return a text without differences of white space, case and final punctuation."""
    return " ".join(text.split()).rstrip(" !.").casefold()
