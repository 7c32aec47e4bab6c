"""Commands of agents: one `Command` in, the events that follow from it out."""

from followupd.domain.command import FACT_VERBS, Command, line_shown
from followupd.domain.compensation import Gift
from followupd.domain.events import Event
from followupd.domain.translatable import msg
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.approval import approve, explained, promised, refuse
from followupd.recovery.commands.compensation import give, issued, missing, received, refused
from followupd.recovery.commands.context import CommandContext, Handler, LineReader
from followupd.recovery.commands.facts import (
    answered,
    ask,
    customer,
    fact,
    insist,
    owner,
    playbook,
    remark,
    severity,
)
from followupd.recovery.commands.lifecycle import (
    close,
    complaint,
    dismiss,
    fixed,
    hold,
    not_reached,
    reached,
    release,
    undo,
    untagged,
)
from followupd.recovery.commands.promises import (
    KINDS,
    action,
    choose,
    kept,
    late,
    option,
    promise,
    withdraw,
    withdraw_option,
)

__all__ = ["CommandContext", "LineReader", "handle", "untagged"]

#: the handler of each verb
_HANDLERS: dict[str, Handler] = {
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
    "none": explained,
    "kept": kept,
    "late": late,
    "withdraw": withdraw,
    "issued": issued,
    "refused": refused,
    "received": received,
    "missing": missing,
    "option": option,
    "choose": choose,
    "withdraw-option": withdraw_option,
    "note": remark,
    "severity": severity,
    "owner": owner,
    "customer": customer,
    "playbook": playbook,
    "undo": undo,
    "ask": ask,
    "answered": answered,
    "action": action,
    **dict.fromkeys(KINDS, promise),
    **dict.fromkeys(FACT_VERBS, fact),
    **dict.fromkeys(map(str, Gift), give),
}

#: what may still be said of a case whose customer was erased: nothing that would write to the customer
_WITHOUT_CUSTOMER = frozenset(
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
        "resolved",
        "severity",
        "owner",
        "note",
        "undo",
    }
)


def handle(command: Command, context: CommandContext) -> list[Event]:
    """Return the events that follow from a command, or none when all of it is so already.

    Raises:
        NotUnderstoodError: with what was expected, or why it cannot be done, for the agent.
    """
    handler = _HANDLERS.get(command.verb)
    if handler is None:
        raise NotUnderstoodError(msg("{line} cannot be said here", line=line_shown(command.verb)))

    case = context.case
    if not case.customer.address and command.verb not in _WITHOUT_CUSTOMER:
        problem = f"the customer of {case.ref} was forgotten, and no letter can reach anybody"
        raise NotUnderstoodError(problem)

    return insist(command, context) or [*handler(command, context), *_explaining(command, context)]


def _explaining(command: Command, context: CommandContext) -> list[Event]:
    """Return that a promise or a gift which an agent says in a line explains what was unclear in the reply."""
    says_more = command.verb in KINDS or command.verb in set(map(str, Gift))
    return explained(command, context) if says_more and command.source != "tag" else []
