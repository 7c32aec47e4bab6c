"""Commands about the stage of the case: complaint, fixed, closed, on hold, reached."""

from followupd.domain.case import NO_COMPLAINT, PUT_RIGHT, Case, Stage, numbers
from followupd.domain.command import Command
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.events import (
    Closed,
    ComplaintHeard,
    CustomerNotReached,
    CustomerReached,
    Dismissed,
    Event,
    Fixed,
    Held,
    Released,
    Reopened,
)
from followupd.errors import NotUnderstoodError
from followupd.recovery.blockers import still_to_give
from followupd.recovery.commands.context import CommandContext, origin


def complaint(command: Command, context: CommandContext) -> list[Event]:
    """Say that it is a complaint, confirm that the recogniser was right, or reopen the case."""
    case = context.case

    if case.stage in {Stage.CLOSED, Stage.FOLLOWED_UP}:
        return [Reopened(**origin(command, context))]
    if case.stage in NO_COMPLAINT or case.by_machine:
        return [ComplaintHeard(**origin(command, context))]
    return []


def opened(command: Command, context: CommandContext) -> list[Event]:
    """Say that it is a complaint, as a promise or a grant does by the way."""
    if context.case.stage not in NO_COMPLAINT:
        return []
    return complaint(command, context)


def dismiss(command: Command, context: CommandContext) -> list[Event]:
    """Say that it is no complaint; what was put right already can only be closed.

    Raises:
        NotUnderstoodError: the case was put right already.
    """
    case = context.case

    if case.stage is Stage.DISMISSED:
        return []
    if case.stage in PUT_RIGHT:
        problem = f"{case.ref} is {case.stage} and cannot be dismissed; say 'close'"
        raise NotUnderstoodError(problem)
    return [Dismissed(**origin(command, context))]


def fixed(command: Command, context: CommandContext) -> list[Event]:
    """Say that it is put right; said again, it answers a mail that the customer wrote since."""
    case = context.case
    is_answer = case.stage is Stage.FIXED and case.unanswered
    if case.stage in PUT_RIGHT and not is_answer:
        return []

    return [*opened(command, context), Fixed(**origin(command, context))]


def close(command: Command, context: CommandContext) -> list[Event]:
    """Close the case, unless something is still owed.

    Raises:
        NotUnderstoodError: something is still owed, or nothing was done for the customer.
    """
    if context.case.stage is Stage.CLOSED:
        return []

    problem = _why_open(context.case)
    if problem:
        raise NotUnderstoodError(problem)
    return [Closed(**origin(command, context))]


def _why_open(case: Case) -> str:
    """Return why a case cannot be closed and what to say first, "" when it can.

    Without a promise or a gesture nothing was done for the customer, who expects something (practice 57).
    """
    if case.stage in NO_COMPLAINT:
        return f"{case.ref} is {case.stage}; say 'dismiss' or 'complaint'"

    owed = numbers(case.owed)
    if owed:
        hint = "say 'kept: N' or 'withdraw: N because ...'"
        return f"{case.ref} cannot close while promise {_list(owed)} is owed; {hint}"

    untold = numbers(case.untold)
    if untold:
        hint = "the letter that says so leaves within minutes, or answer the customer yourself"
        return f"{case.ref} cannot close while the customer has promise {_list(untold)} in writing; {hint}"

    to_give = numbers(grant for grant in case.compensation if _blocks_close(grant, case))
    if to_give:
        hint = "say 'issued: N' or 'refused: N' first"
        return f"{case.ref} cannot close while compensation {_list(to_give)} is not given; {hint}"

    if not case.promises and not case.compensation:
        return f"{case.ref} cannot close without a next step or a gesture; say 'gesture: ...' first"
    return ""


def _list(items: list[int]) -> str:
    """Return numbers in a sentence: "1, 3"."""
    return ", ".join(map(str, items))


def _blocks_close(grant: Compensation, case: Case) -> bool:
    """Return whether a grant must be given first; a gift card is sent after the follow-up, closed or not."""
    is_granted_card = grant.kind is Gift.GIFT_CARD and grant.state is GrantState.GRANTED
    if is_granted_card and case.stage is Stage.FOLLOWED_UP:
        return False

    return still_to_give(grant)


def hold(command: Command, context: CommandContext) -> list[Event]:
    """Put the case on hold."""
    if command.text:
        raise NotUnderstoodError(f"{command.line!r} says more than I can keep; say 'hold' and 'release'")
    if context.case.held:
        return []
    return [Held(at=context.now, by=command.actor, why=f"{command.source}: hold")]


def release(command: Command, context: CommandContext) -> list[Event]:
    """End the hold."""
    if not context.case.held:
        return []
    return [Released(**origin(command, context))]


def reached(command: Command, context: CommandContext) -> list[Event]:
    """Say that somebody spoke with the customer; a voice mail reaches nobody (practice 69)."""
    if context.reader.reached_nobody(command.text):
        return not_reached(command, context)

    if context.case.reached and not context.case.not_reached:
        return []
    return [CustomerReached(**origin(command, context))]


def not_reached(command: Command, context: CommandContext) -> list[Event]:
    """Say that nobody spoke with the customer; each further attempt is reported, and reminded of, again."""
    if context.case.not_reached_at == context.now:
        return []

    why = command.text or "nobody answered the phone"
    return [CustomerNotReached(at=context.now, by=command.actor, why=why)]
