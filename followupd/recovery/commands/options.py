"""Options as agents say them: offered one a line, and chosen for a customer who answered in other words."""

import re
from dataclasses import replace

from followupd.domain import events as e
from followupd.domain.case import Stage
from followupd.domain.command import Command, expected
from followupd.domain.promise import Option, OptionState, PromiseKind
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.context import CommandContext, about, numbered
from followupd.recovery.commands.lifecycle import opened
from followupd.recovery.commands.promises import made_promise, next_promise


def option(command: Command, scene: CommandContext) -> list[e.Event]:
    """Offer one way to put it right; the next letter asks which of them suits better."""
    what, when = scene.grammar.split_when(command.text, scene.now)
    if not what:
        raise NotUnderstoodError(f"{command.line!r} says when, but not what; expected {expected('option')!r}")
    if when and when <= scene.now:
        raise NotUnderstoodError(f"{command.line!r} names {when:%Y-%m-%d %H:%M} UTC, which is past")
    if scene.case.stage in {Stage.FIXED, Stage.FOLLOWED_UP, Stage.CLOSED}:
        raise NotUnderstoodError(f"{scene.case.ref} is {scene.case.stage}; there is nothing left to choose")
    if any(
        each.text == what and each.promised_by == when and each.state is OptionState.OPEN
        for each in scene.case.options
    ):
        return []
    n = max((each.n for each in scene.case.options), default=0) + 1
    offered = Option(n=n, text=what, promised_by=when, offered_at=scene.now)
    return [*opened(command, scene), e.OptionOffered(at=scene.now, option=offered, **about(command))]


def withdraw_option(command: Command, scene: CommandContext) -> list[e.Event]:
    """Take options back: those that the line names, or all that are open; a letter that asks about them is not sent."""
    named, _, _ = command.text.partition(" because ")
    open_ones = [each.n for each in scene.case.options if each.state is OptionState.OPEN]
    done = [each.n for each in scene.case.options if each.state is OptionState.WITHDRAWN]
    numbers = numbered(
        replace(command, text=re.sub(r"(?i)^because\b.*", "", named)), open_ones, "option", done
    )
    return [e.OptionWithdrawn(at=scene.now, n=n, **about(command)) for n in numbers]


def choose(command: Command, scene: CommandContext) -> list[e.Event]:
    """The customer has chosen, in words that only a person understands."""
    offered = {each.n: each for each in scene.case.options if each.state is OptionState.OPEN}
    numbers = numbered(command, list(offered), "option")
    if len(numbers) != 1:
        raise NotUnderstoodError(f"{command.line!r}; expected {expected('choose')!r}")
    chosen = offered[numbers[0]]
    if chosen.promised_by and chosen.promised_by <= scene.now:
        raise NotUnderstoodError(
            f"the date of option {chosen.n} has passed; say 'promise: {chosen.text} by ...'"
        )
    promise = made_promise(
        scene, next_promise(scene.case), chosen.text, PromiseKind.FIRM, chosen.promised_by, "options"
    )
    return [
        e.OptionChosen(at=scene.now, n=chosen.n, **about(command)),
        e.PromiseMade(at=scene.now, promise=promise, **about(command)),
    ]
