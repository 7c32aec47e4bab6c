"""Commands about options: offer one, withdraw it, or choose it for a customer who answered in other words."""

import re
from dataclasses import replace
from datetime import datetime

from followupd.domain.case import PUT_RIGHT, numbers
from followupd.domain.command import Command, expected
from followupd.domain.events import Event, OptionChosen, OptionOffered, OptionWithdrawn, PromiseMade
from followupd.domain.promise import Option, OptionState, PromiseKind
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.context import (
    CommandContext,
    chosen_numbers,
    not_understood,
    numbered_events,
    origin,
)
from followupd.recovery.commands.lifecycle import opened
from followupd.recovery.commands.promises import check_future, new_promise

_REASON = re.compile(r"because\b.*", re.IGNORECASE)


def option(command: Command, context: CommandContext) -> list[Event]:
    """Offer one way to put it right; the next letter asks the customer to choose.

    Raises:
        NotUnderstoodError: there is no text, the date has passed, or the case was put right already.
    """
    case = context.case
    text, date = context.reader.split_when(command.text, context.now)

    if not text:
        problem = f"{command.line!r} says when, but not what; expected {expected('option')!r}"
        raise NotUnderstoodError(problem)
    if date:
        check_future(date, command, context)
    if case.stage in PUT_RIGHT:
        raise NotUnderstoodError(f"{case.ref} is {case.stage}; there is nothing left to choose")
    if _is_offered(text, date, context):
        return []

    offered = Option(n=case.next_option, text=text, promised_by=date, offered_at=context.now)
    return [*opened(command, context), OptionOffered(option=offered, **origin(command, context))]


def _is_offered(text: str, date: datetime | None, context: CommandContext) -> bool:
    """Return whether the same option is offered already."""
    offers = [(option.text, option.promised_by) for option in context.case.open_options]
    return (text, date) in offers


def withdraw_option(command: Command, context: CommandContext) -> list[Event]:
    """Withdraw the options that the line names, or all open ones; a letter that offers them is not sent.

    Raises:
        NotUnderstoodError: there is no such open option.
    """
    named, _, _ = command.text.partition(" because ")
    if _REASON.match(named):
        named = ""

    case = context.case
    to_withdraw = numbers(case.open_options)
    done = numbers(option for option in case.options if option.state is OptionState.WITHDRAWN)
    chosen = chosen_numbers(replace(command, text=named), to_withdraw, "option", done)
    return numbered_events(OptionWithdrawn, chosen, command, context)


def choose(command: Command, context: CommandContext) -> list[Event]:
    """Choose an option for the customer; it becomes a promise.

    Raises:
        NotUnderstoodError: there is no such open option, or its date has passed.
    """
    offered = {option.n: option for option in context.case.open_options}
    chosen = chosen_numbers(command, list(offered), "option")
    if len(chosen) != 1:
        raise not_understood(command)

    option = offered[chosen[0]]
    if option.promised_by and option.promised_by <= context.now:
        problem = f"the date of option {option.n} has passed; say 'promise: {option.text} by ...'"
        raise NotUnderstoodError(problem)

    n = context.case.next_promise
    promise = new_promise(context, n, option.text, PromiseKind.FIRM, option.promised_by, "options")
    return [
        OptionChosen(n=option.n, **origin(command, context)),
        PromiseMade(promise=promise, **origin(command, context)),
    ]
