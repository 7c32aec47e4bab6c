"""Commands about the case itself: facts for the letters, severity, owner and playbook."""

from followupd.domain.case import Fault
from followupd.domain.command import Command
from followupd.domain.events import Event, FactsStated, OwnerChosen, PlaybookChosen, SeverityChosen
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.context import CommandContext, not_understood, origin

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
