"""Promises as agents say them in a line: made, kept, late, withdrawn."""

import re
from dataclasses import replace
from datetime import datetime

from followupd.domain import events as e
from followupd.domain.case import Case
from followupd.domain.command import Command, expected
from followupd.domain.compensation import GrantState
from followupd.domain.promise import Promise, PromiseKind, PromiseState
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.context import CommandContext, about, leads, numbered
from followupd.recovery.commands.lifecycle import opened

KINDS = {
    "promise": PromiseKind.FIRM,
    "firm": PromiseKind.FIRM,
    "estimate": PromiseKind.ESTIMATE,
    "update": PromiseKind.NEXT_UPDATE,
}


def next_promise(case: Case) -> int:
    return max((promise.n for promise in case.promises), default=0) + 1


def promise_line(command: Command, scene: CommandContext) -> list[e.Event]:
    what, when = scene.grammar.split_when(command.text, scene.now)
    if when is None:
        raise NotUnderstoodError(
            f"{command.line!r} names no date I can read; expected {expected(command.verb)!r}"
        )
    if when <= scene.now:
        raise NotUnderstoodError(f"{command.line!r} names {when:%Y-%m-%d %H:%M} UTC, which is past")
    if not what:
        raise NotUnderstoodError(
            f"{command.line!r} says when, but not what; expected {expected(command.verb)!r}"
        )
    promise = made_promise(scene, next_promise(scene.case), what, KINDS[command.verb], when, command.source)
    return [*opened(command, scene), e.PromiseMade(at=scene.now, promise=promise, **about(command))]


def made_promise(
    scene: CommandContext, n: int, what: str, kind: PromiseKind, told: datetime | None, source: str
) -> Promise:
    return Promise(
        n=n,
        text=what,
        kind=kind,
        promised_by=told,
        internal_deadline=scene.playbook.own_date(told, scene.now),
        source=source,
        owner=scene.case.owner,
        made_at=scene.now,
    )


def kept(command: Command, scene: CommandContext) -> list[e.Event]:
    """It was done; what the same deed gave is issued with it."""
    if not command.text and not scene.case.owed:
        return []
    done = [promise.n for promise in scene.case.promises if promise.state is PromiseState.KEPT]
    numbers = numbered(command, [promise.n for promise in scene.case.owed], "promise", done)
    given = [g for g in scene.case.compensation if g.promise in numbers and g.state is GrantState.GRANTED]
    return [
        *(e.PromiseKept(at=scene.now, n=n, **about(command)) for n in numbers),
        *(e.CompensationIssued(at=scene.now, n=grant.n, **about(command)) for grant in given),
    ]


def late(command: Command, scene: CommandContext) -> list[e.Event]:
    found = re.match(
        r"(\d+)\s+(?:until\s+)?(.+?)(?:\s+because\s+(.+))?$", command.text, re.IGNORECASE | re.DOTALL
    )
    if not found:
        raise NotUnderstoodError(f"{command.line!r}; expected {expected('late')!r}")
    [n] = numbered(replace(command, text=found.group(1)), [p.n for p in scene.case.owed], "promise")
    _, until = scene.grammar.split_when("until " + found.group(2), scene.now)
    if until is None or until <= scene.now:
        raise NotUnderstoodError(
            f"{command.line!r} names no later date I can read; expected {expected('late')!r}"
        )
    slipped = scene.case.promise(n)
    if (
        slipped
        and (slipped.slipped or slipped.state is PromiseState.LATE)
        and not leads(scene.playbook.team.by_id(command.agent))
    ):
        raise NotUnderstoodError(f"promise {n} has slipped once already; a lead says the second new date")
    again = made_promise(scene, n, "", PromiseKind.FIRM, until, command.source)
    because = found.group(3) or ""
    return [
        e.PromiseLate(
            at=scene.now,
            n=n,
            internal_deadline=again.internal_deadline or until,
            promised_by=until,
            because=because,
            **about(command),
        )
    ]


def withdraw(command: Command, scene: CommandContext) -> list[e.Event]:
    found = re.match(r"(\d+)\s+because\s+(.+)$", command.text, re.IGNORECASE | re.DOTALL)
    if not found:
        raise NotUnderstoodError(f"{command.line!r}; expected {expected('withdraw')!r}")
    open_ones = [p.n for p in scene.case.promises if p.owed or p.state is PromiseState.PROPOSED]
    [n] = numbered(replace(command, text=found.group(1)), open_ones, "promise")
    return [e.PromiseWithdrawn(at=scene.now, n=n, because=found.group(2), **about(command))]
