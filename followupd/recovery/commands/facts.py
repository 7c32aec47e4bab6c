"""Commands about the case itself: facts, severity, owner, playbook, and insisting on a wording."""

from collections.abc import Iterator

from followupd.domain.calendar import Duration
from followupd.domain.case import Case, Fault, numbers
from followupd.domain.command import Command, expected, read_request
from followupd.domain.events import (
    Event,
    FactsStated,
    HelpAsked,
    OwnerChosen,
    PlaybookChosen,
    SeverityChosen,
    WordingInsisted,
)
from followupd.domain.promise import HelpRequest
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.context import CommandContext, not_understood, origin

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


#: verbs that state a fact of the same name, with "_" for "-"
FACT_VERBS = frozenset(
    {
        "issue",
        "impact",
        "wants",
        "cause",
        "resolution",
        "prevention",
        "phone",
        "fault",
        "cause-code",
    }
)
#: the time of a department that was asked without a date
_TIME_TO_HELP = Duration(1, "business day")
_SEVERITIES = ("low", "normal", "high")


def fact(command: Command, context: CommandContext) -> list[Event]:
    """State a fact; a fault and a cause code must be among the known ones.

    Raises:
        NotUnderstoodError: the fault or the cause code is not a known one.
    """
    name, text = command.verb.replace("-", "_"), command.text

    if command.verb == "fault":
        text = text.lower()
        if text not in set(Fault):
            raise not_understood(command)

    if command.verb == "cause-code":
        _check_cause(text, context)

    if getattr(context.case.facts, name) == text:
        return []
    return [FactsStated(facts=((name, text),), **origin(command, context))]


def _check_cause(code: str, context: CommandContext) -> None:
    """Raise NotUnderstoodError for a cause code that the playbook does not list.

    One that lists none allows all.
    """
    causes, name = context.playbook.causes, context.playbook.name
    if causes and code not in causes:
        raise NotUnderstoodError(f"{code!r} is no cause of playbook {name}; known: {', '.join(causes)}")


def severity(command: Command, context: CommandContext) -> list[Event]:
    """Set the severity of the case.

    Raises:
        NotUnderstoodError: it is none of low, normal and high.
    """
    level = command.text.lower()
    if level not in _SEVERITIES:
        raise not_understood(command)

    return [SeverityChosen(severity=level, **origin(command, context))]


def ask(command: Command, context: CommandContext) -> list[Event]:
    """Ask a department something about the case; without a date it has a business day.

    Raises:
        NotUnderstoodError: there is no such department, no question, or the date has passed.
    """
    asked, helpers = read_request(command.text), context.playbook.team.helpers
    if asked.helper not in [helper.id for helper in helpers]:
        known = ", ".join(helper.id for helper in helpers) or "none; [[helper]] in followupd.toml names them"
        raise NotUnderstoodError(f"{asked.helper!r} is no department; known: {known}")

    due = context.playbook.calendar.after(context.now, _TIME_TO_HELP)
    if asked.when:
        _, found = context.reader.split_when(asked.when, context.now)
        if found is None or found <= context.now:
            raise NotUnderstoodError(f"{command.line!r} names no day to come; expected {expected('ask')!r}")
        due = found

    request = HelpRequest(
        n=max(numbers(context.case.requests), default=0) + 1,
        helper=asked.helper,
        question=asked.question,
        due=due,
        asked_at=context.now,
    )
    return [HelpAsked(request=request, **origin(command, context))]


def owner(command: Command, context: CommandContext) -> list[Event]:
    """Make an agent, named by id or address, the owner of the case.

    Raises:
        NotUnderstoodError: there is no such agent.
    """
    team, name = context.playbook.team, command.text
    agent = team.by_id(name.lower()) or team.by_address(name)

    if agent is None:
        known = ", ".join(agent.id for agent in team.agents)
        raise NotUnderstoodError(f"{name!r} is no agent; known: {known}")

    if agent.id == context.case.owner:
        return []
    return [OwnerChosen(owner=agent.id, **origin(command, context))]


def playbook(command: Command, context: CommandContext) -> list[Event]:
    """Change the playbook of the case.

    Raises:
        NotUnderstoodError: there is no such playbook.
    """
    name = command.text

    if name not in context.playbooks:
        known = ", ".join(sorted(context.playbooks))
        raise NotUnderstoodError(f"{name!r} is no playbook; known: {known}")
    if name == context.case.playbook:
        return []
    return [PlaybookChosen(playbook=name, **origin(command, context))]
