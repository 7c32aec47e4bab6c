"""What every command needs besides its own words, and the few questions that all of them ask."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypedDict

from followupd.domain import events as e
from followupd.domain.case import Case
from followupd.domain.command import Command
from followupd.domain.compensation import Money, OtherGrant
from followupd.domain.playbook import Playbook
from followupd.domain.promise import FoundCompensation, FoundPromise
from followupd.domain.team import Agent, Role
from followupd.errors import NotUnderstoodError


class LineReader(Protocol):
    """Reads dates and amounts in an agent's words; the promise chapter keeps this promise."""

    def split_when(self, text: str, now: datetime) -> tuple[str, datetime | None]:
        """Split "ship it by Friday" into what and when."""

    def money(self, text: str) -> Money | None:
        """Return the amount in the text, in the company's currency when none is named."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Everything a command needs besides its own words."""

    case: Case
    playbook: Playbook
    playbooks: frozenset[str]
    grammar: LineReader
    now: datetime
    heard: tuple[Sequence[FoundPromise], Sequence[FoundCompensation]] = ((), ())
    others: Sequence[OtherGrant] = ()  # what the same customer was granted in other cases
    cap: Money | None = None  # most that one customer is granted in a month without a lead's word


Handler = Callable[[Command, CommandContext], list[e.Event]]


class About(TypedDict):
    """Who said it, and the words: what the history shows of every command."""

    by: str
    why: str


def about(command: Command) -> About:
    return {"by": command.actor, "why": f"{command.source}: {command.line}"}


def numbered(command: Command, numbers: Sequence[int], what: str, done: Collection[int] = ()) -> list[int]:
    """Return the numbers that the line means: those it names, or all that are open when it names none.

    What is `done` already may be said again; it means nothing more.
    """
    if not command.text:
        if not numbers:
            raise NotUnderstoodError(f"{command.line!r}: there is no {what} to say that of")
        return list(numbers)
    said = [int(n) for n in re.findall(r"\d{1,9}", command.text)]
    if not said or any(n not in numbers and n not in done for n in said):
        known = ", ".join(map(str, numbers)) or "none"
        raise NotUnderstoodError(f"{command.line!r} names no open {what}; the open ones are {known}")
    return [n for n in dict.fromkeys(said) if n in numbers]


def leads(agent: Agent | None) -> bool:
    return agent is not None and agent.role in {Role.LEAD, Role.MANAGER}


def within_limit(agent: Agent, money: Money | None) -> bool:
    if money is None or agent.limit is None:
        return True
    return money.currency == agent.limit.currency and money.minor <= agent.limit.minor
