"""Runs a command of an agent on a case, for the tests of what follows from it."""

from datetime import datetime
from typing import Any

from followupd.domain import lifecycle
from followupd.domain.case import Case
from followupd.domain.command import Command, read_line
from followupd.domain.events import Event
from followupd.domain.playbook import Playbook
from followupd.languages import load
from followupd.recovery import commands
from followupd.services.context import PromiseLineReader
from tests.builders import NOW, PLAYBOOK


def said(
    case: Case,
    line: str,
    *,
    agent: str = "ana",
    source: str = "note",
    now: datetime = NOW,
    playbook: Playbook = PLAYBOOK,
    **more: Any,
) -> list[Event]:
    """Return the events that follow from a line; `agent` is "" for a tag, since IMAP does not tell who set it."""
    verb, text = read_line(line)
    who = playbook.team.by_id(agent)
    command = Command(verb, text, who.name if who else "someone with access to the mailbox", source, agent)
    reader = PromiseLineReader(playbook, load("en"))
    context = commands.CommandContext(case, playbook, frozenset({"default"}), reader, now, **more)
    return commands.handle(command, context)


def then(case: Case, *lines: str, **more: Any) -> Case:
    """Return the case after these lines."""
    for line in lines:
        for event in said(case, line, **more):
            case = lifecycle.after(case, event)
    return case
