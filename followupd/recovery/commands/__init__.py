"""What an agent says changes a case: one Command in, the events that follow from it out."""

from followupd.domain import events as e
from followupd.domain.command import Command
from followupd.domain.compensation import Gift
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.approval import approve, promised, refuse
from followupd.recovery.commands.compensation import give, issued, refused
from followupd.recovery.commands.context import CommandContext, Handler, LineReader
from followupd.recovery.commands.facts import FACT_VERBS, fact, owner, playbook, severity
from followupd.recovery.commands.insist import insist
from followupd.recovery.commands.lifecycle import (
    close,
    complaint,
    dismiss,
    fixed,
    hold,
    missing,
    not_reached,
    reached,
    received,
    release,
)
from followupd.recovery.commands.options import choose, option, withdraw_option
from followupd.recovery.commands.promises import KINDS, kept, late, promise_line, withdraw

__all__ = ["LineReader", "CommandContext", "obey"]


def handle(command: Command, scene: CommandContext) -> list[e.Event]:
    """Return the events that the command means; an empty list when all of it already holds.

    Raises:
        NotUnderstoodError: with what was expected, or why it cannot be done, in words for the agent.
    """
    say = _SAYINGS.get(command.verb)
    if say is None:
        raise NotUnderstoodError(f"{command.verb!r} cannot be said here")
    if not scene.case.customer.address and command.verb not in _OF_THE_BOOKS:
        raise NotUnderstoodError(
            f"the customer of {scene.case.ref} was forgotten, and no letter can reach anybody"
        )
    if insisted := insist(command, scene):
        return insisted
    return say(command, scene)


#: what may still be said of a case whose customer was forgotten: it is put in order, and writes to nobody
_OF_THE_BOOKS = frozenset(
    {
        "close",
        "dismiss",
        "hold",
        "kept",
        "withdraw",
        "withdraw-option",
        "issued",
        "refused",
        "refuse",
        "received",
        "missing",
        "fault",
        "cause-code",
        "severity",
        "owner",
    }
)

_SAYINGS: dict[str, Handler] = {
    "complaint": complaint,
    "dismiss": dismiss,
    "fixed": fixed,
    "close": close,
    "hold": hold,
    "release": release,
    "reached": reached,
    "not-reached": not_reached,
    "approve": approve,
    "refuse": refuse,
    "promised": promised,
    "kept": kept,
    "late": late,
    "withdraw": withdraw,
    "issued": issued,
    "refused": refused,
    "option": option,
    "choose": choose,
    "withdraw-option": withdraw_option,
    "received": received,
    "missing": missing,
    "fault": fact,
    "cause-code": fact,
    "severity": severity,
    "owner": owner,
    "playbook": playbook,
    **dict.fromkeys(KINDS, promise_line),
    **dict.fromkeys(FACT_VERBS, fact),
    **{gift.value: give for gift in Gift},
}
