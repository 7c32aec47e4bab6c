"""What a command needs besides its own text, and the questions that several commands ask."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypedDict

from followupd.domain.case import Case
from followupd.domain.command import Command, form_shown, line_shown
from followupd.domain.compensation import Money, OtherGrant
from followupd.domain.events import Event
from followupd.domain.letter import LetterRecordState
from followupd.domain.playbook import Agent, Playbook, Role
from followupd.domain.promise import NOTHING_FOUND, DatedText, Found
from followupd.domain.translatable import msg
from followupd.errors import NotUnderstoodError
from followupd.languages import Catalogue, catalogue


class LineReader(Protocol):
    """Reads dates and amounts in what agents say, in the language of the case."""

    def split_when(self, text: str, now: datetime) -> DatedText:
        """Split "ship it by Friday" into the text and the date.

        Args:
            text: what is after the verb.
            now: when the agent wrote it, from which "tomorrow" counts.
        """

    def split_until(self, text: str, now: datetime) -> DatedText:
        """Split what follows "until": "Friday", or in any language "bis Freitag".

        Args:
            text: what is after the verb.
            now: when the agent wrote it.
        """

    def money(self, text: str) -> Money | None:
        """Return the amount in a text; one without a currency is in the company's.

        Returns:
            None for a text that is not one amount and nothing else.
        """

    def split_reason(self, text: str) -> tuple[str, str]:
        """Split "Friday because of the snow" into what is before the reason, and the reason.

        The reason is "" where there is none.
        """

    def reached_nobody(self, text: str) -> bool:
        """Return whether what an agent says about a call means that nobody was reached."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What a command needs besides its own text.

    `found` are the promises and the compensation read in the reply that the command is about. `other_grants`
    are what the same customer was granted in other cases, and `cap` is the most that one customer is granted
    in a month without a lead's approval. `told_before` is what the customer was told of what changed, after
    complaints before, and `told_others` what other customers were told of a cause that came back since. `history`
    is that of the case, where `undo` needs it. `usual_times` is how long promises take,
    as `recovery/past/calibration.py` stores it.
    """

    case: Case
    playbook: Playbook
    playbooks: frozenset[str]
    reader: LineReader
    now: datetime
    found: Found = NOTHING_FOUND
    other_grants: Sequence[OtherGrant] = ()
    cap: Money | None = None
    history: Sequence[Event] = ()
    languages: Catalogue = field(default_factory=catalogue)
    told_before: Sequence[str] = ()
    told_others: Sequence[str] = ()
    usual_times: Mapping[str, list[float]] = field(default_factory=dict)


Handler = Callable[[Command, CommandContext], list[Event]]


class Origin(TypedDict):
    """When a command was given, by whom, and the line itself, for the history."""

    at: datetime
    by: str
    why: str


def origin(command: Command, context: CommandContext) -> Origin:
    """Return the fields that every event of a command has."""
    return {"at": context.now, "by": command.actor, "why": f"{command.source}: {command.line}"}


def numbered_events(
    event: Callable[..., Event], numbers: Iterable[int], command: Command, context: CommandContext
) -> list[Event]:
    """Return one event of a kind for each of these promises, grants or options.

    It is a kind that needs nothing but the number.
    """
    fields = origin(command, context)
    return [event(n=n, **fields) for n in numbers]


def not_understood(command: Command) -> NotUnderstoodError:
    """Return the error for a line whose text has the wrong form."""
    form = form_shown(command.verb)
    return NotUnderstoodError(msg("{line}; expected {form}", line=line_shown(command.line), form=form))


def names_no_day(line: str, verb: str) -> NotUnderstoodError:
    """Return the error for a line that should name a day to come."""
    problem = msg(
        "{line} names no day to come; expected {form}", line=line_shown(line), form=form_shown(verb)
    )
    return NotUnderstoodError(problem)


def chosen_numbers(
    command: Command, numbers: Sequence[int], what: str, done: Collection[int] = ()
) -> list[int]:
    """Return the numbers that the text of a command names, or all of `numbers` when it is empty.

    Args:
        command: whose text has the numbers, with any signs between them.
        numbers: those that can be meant.
        what: what is numbered, in the singular, for the error.
        done: numbers that may be repeated, and mean nothing more.

    Raises:
        NotUnderstoodError: the text names none of `numbers`, or there are none.
    """
    if not command.text and not numbers:
        problem = msg(
            "{line}: there is no {what} to say that of", line=line_shown(command.line), what=msg(what)
        )
        raise NotUnderstoodError(problem)
    if not command.text:
        return list(numbers)

    digits = re.findall(r"\d{1,9}", command.text)
    named = list(dict.fromkeys(map(int, digits)))
    is_known = {*numbers, *done}.issuperset(named)

    if not named or not is_known:
        raise NotUnderstoodError(_names_none(command, numbers, what))
    return [n for n in named if n in numbers]


def check_approved(
    command: Command, text: str, proposed: Sequence[int], what: str, context: CommandContext
) -> None:
    """Check that a command means nothing that was only read in a reply and waits for an agent's word.

    Args:
        command: what is said of it.
        text: the numbers in it, with any signs between them; "" means all of them.
        proposed: the numbers of what waits.
        what: what is numbered, in the singular, for the error.
        context: the context of the case.

    Raises:
        NotUnderstoodError: it means one of these. The line that accepts them is offered where it accepts nothing
            else, such as a letter.
    """
    named = map(int, re.findall(r"\d{1,9}", text)) if text else proposed
    waiting = [n for n in named if n in proposed]
    if not waiting:
        return
    problem = msg(
        "{line}: {what} {n} is only proposed; `approve` accepts all that is proposed",
        line=line_shown(command.line),
        what=msg(what),
        n=waiting[0],
    )
    alone = not context.case.letters_in(LetterRecordState.REVIEW)
    raise NotUnderstoodError(problem, f"approve\n{command.line}" if alone else None)


def _names_none(command: Command, numbers: Sequence[int], what: str) -> str:
    """Return the problem of a line that names none of these numbers."""
    line, known = line_shown(command.line), ", ".join(map(str, numbers))
    if not known:
        return msg("{line} names no open {what}; there is none", line=line, what=msg(what))
    return msg(
        "{line} names no open {what}; the open ones are {known}", line=line, what=msg(what), known=known
    )


def leads(agent: Agent | None) -> bool:
    """Return whether this is a lead or a manager."""
    if agent is None:
        return False

    return agent.role in {Role.LEAD, Role.MANAGER}


def within_limit(agent: Agent, money: Money | None) -> bool:
    """Return whether an agent may grant this alone (practice 50).

    An amount in another currency is above the limit.
    """
    if money is None or agent.limit is None:
        return True

    if money.currency != agent.limit.currency:
        return False
    return money.minor <= agent.limit.minor
