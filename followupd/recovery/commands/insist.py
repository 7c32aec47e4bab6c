"""The second time, with a mark of its own: words that a rule warned of and that an agent stands by."""

from collections.abc import Iterator

from followupd.domain import events as e
from followupd.domain.case import Case
from followupd.domain.command import Command
from followupd.recovery.commands.context import CommandContext, about

#: verbs whose line says more than the words that stand in letters: a date, a number, a reason
_WITH_MORE = frozenset({"promise", "firm", "estimate", "update", "late", "option"})
_LEAST = 3


def insist(command: Command, scene: CommandContext) -> list[e.Event]:
    """Return that the agent insists, when a line that was said before is said again with "!" at its end."""
    if not command.text.endswith("!"):
        return []
    again = _bare(command.text)
    for said in _stated(command.verb, scene.case):
        same = _bare(said) in again if command.verb in _WITH_MORE else _bare(said) == again
        if same and len(said) >= _LEAST and said not in scene.case.insisted:
            return [e.WordingInsisted(at=scene.now, text=said, **about(command))]
    return []


def _stated(verb: str, case: Case) -> Iterator[str]:
    fact = getattr(case.facts, verb.replace("-", "_"), None)
    if isinstance(fact, str):
        yield fact
    if verb in _WITH_MORE:
        for promise in reversed(case.promises):
            yield from (said for said in (promise.because, promise.text) if said)
    yield from (grant.text for grant in case.compensation if grant.text and grant.kind.value == verb)


def _bare(text: str) -> str:
    return " ".join(text.split()).rstrip(" !.").casefold()
