"""Facts for the letters, and who works on the case by which playbook."""

from followupd.domain import events as e
from followupd.domain.case import Fault
from followupd.domain.command import Command, expected
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.context import CommandContext, about

FACT_VERBS = frozenset({"issue", "impact", "wants", "cause", "resolution", "prevention", "phone"})
_SEVERITIES = ("low", "normal", "high")


def fact(command: Command, scene: CommandContext) -> list[e.Event]:
    name = command.verb.replace("-", "_")
    if command.verb == "fault" and command.text.lower() not in set(Fault):
        raise NotUnderstoodError(f"{command.line!r}; expected {expected('fault')!r}")
    text = command.text.lower() if command.verb == "fault" else command.text
    causes = scene.playbook.causes
    if command.verb == "cause-code" and causes and text not in causes:
        raise NotUnderstoodError(
            f"{text!r} is no cause of playbook {scene.playbook.name}; known: {', '.join(causes)}"
        )
    if getattr(scene.case.facts, name) == text:
        return []
    return [e.FactsStated(at=scene.now, facts=((name, text),), **about(command))]


def severity(command: Command, scene: CommandContext) -> list[e.Event]:
    if command.text.lower() not in _SEVERITIES:
        raise NotUnderstoodError(f"{command.line!r}; expected {expected('severity')!r}")
    return [e.SeverityChosen(at=scene.now, severity=command.text.lower(), **about(command))]


def owner(command: Command, scene: CommandContext) -> list[e.Event]:
    agent = scene.playbook.team.by_id(command.text.lower()) or scene.playbook.team.by_address(command.text)
    if agent is None:
        known = ", ".join(each.id for each in scene.playbook.team.agents)
        raise NotUnderstoodError(f"{command.text!r} is no agent; known: {known}")
    return (
        []
        if agent.id == scene.case.owner
        else [e.OwnerChosen(at=scene.now, owner=agent.id, **about(command))]
    )


def playbook(command: Command, scene: CommandContext) -> list[e.Event]:
    if command.text not in scene.playbooks:
        raise NotUnderstoodError(
            f"{command.text!r} is no playbook; known: {', '.join(sorted(scene.playbooks))}"
        )
    return (
        []
        if command.text == scene.case.playbook
        else [e.PlaybookChosen(at=scene.now, playbook=command.text, **about(command))]
    )
