"""Commands about promises and options: make, keep, delay, withdraw, offer and choose."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

from followupd.domain.calendar import Duration
from followupd.domain.case import PUT_RIGHT, numbers
from followupd.domain.command import Command, form_shown, line_shown, quoted
from followupd.domain.compensation import GrantState
from followupd.domain.events import (
    ActionDone,
    ActionDropped,
    ActionPlanned,
    AgentWrote,
    CompensationIssued,
    Event,
    OptionChosen,
    OptionOffered,
    OptionWithdrawn,
    PromiseKept,
    PromiseLate,
    PromiseMade,
    PromiseWithdrawn,
)
from followupd.domain.promise import (
    Action,
    DatedText,
    Option,
    OptionState,
    Promise,
    PromiseKind,
    PromiseState,
)
from followupd.domain.translatable import msg
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.context import (
    CommandContext,
    check_approved,
    chosen_numbers,
    leads,
    not_understood,
    numbered_events,
    origin,
)
from followupd.recovery.commands.lifecycle import opened
from followupd.recovery.past.calibration import agents_like, shorter_than_like
from followupd.text.promises import is_weekday_alone

#: verbs that make a promise
KINDS = {
    "promise": PromiseKind.FIRM,
    "firm": PromiseKind.FIRM,
    "estimate": PromiseKind.ESTIMATE,
    "update": PromiseKind.NEXT_UPDATE,
}

#: what a line without a date is offered
_OFFERED = Duration(2, "business day")
#: the end of a line by which an agent stands
INSISTS = "!"
#: the number of a promise, and what is said of it
_NUMBERED = re.compile(r"#?(\d{1,9})\b[\s:.,–—-]*(.*)", re.DOTALL)


def promise(command: Command, context: CommandContext) -> list[Event]:
    """Make a promise: what, and by when.

    Raises:
        NotUnderstoodError: there is no text or no date, the date has passed, or it comes much sooner than what
            promises like it take; with "!" at its end the line counts all the same.
    """
    said = context.reader.split_when(command.text, context.now)

    if said.due is None:
        raise _names_no_date(said.text, command, context)
    check_future(said.due, command, context)
    if not any(map(str.isalpha, said.text)):
        raise _says_no_word(said.text, command, context)

    text = _checked_length(said, command, context)
    n, kind = context.case.next_promise, KINDS[command.verb]
    made = new_promise(context, n, text, kind, said.due, command.source)
    made = replace(made, relation=said.relation, since=said.since, dated=said.dated)
    return [*opened(command, context), PromiseMade(promise=made, **origin(command, context))]


def _checked_length(said: DatedText, command: Command, context: CommandContext) -> str:
    """Return the text of a promise, without the "!" with which an agent stands by a date that looks too early.

    Raises:
        NotUnderstoodError: the date is less than half as far away as what similar ones took (practice 24).
    """
    case, playbook = context.case, context.playbook
    language = context.languages.language(case.language or playbook.company.locale)
    like = agents_like(said.text, KINDS[command.verb], (), language)
    problem = said.due and shorter_than_like(like, context.now, said.due, context.usual_times, playbook)
    if not problem:
        return said.text

    if command.text.endswith(INSISTS):
        return said.text.removesuffix("!").rstrip()
    asked = msg(
        "{line}: {problem}. Say a later date, or send the line again with ` !` at its end",
        line=line_shown(command.line),
        problem=problem,
    )
    raise NotUnderstoodError(asked)


def _names_no_date(text: str, command: Command, context: CommandContext) -> NotUnderstoodError:
    """Return the error for a promise without a date, with the line as it would be with one."""
    line = line_shown(command.line)
    if not any(map(str.isalpha, text)):
        form = form_shown(command.verb)
        return NotUnderstoodError(
            msg("{line} names no date I can read; expected {form}", line=line, form=form)
        )
    calendar = context.playbook.calendar
    day = calendar.local(calendar.after(context.now, _OFFERED)).date()
    problem = msg(
        "{line} names no date I can read; say the day, for example as {day}", line=line, day=day.isoformat()
    )
    return NotUnderstoodError(problem, f"{command.verb}: {text} ...")


def _says_no_word(text: str, command: Command, context: CommandContext) -> NotUnderstoodError:
    """Return the error for a promise of nothing; a number alone means that a promise moves."""
    line, when = line_shown(command.line), command.text.partition(" ")[2]
    number = re.search(r"\d+", text)
    if number is None or context.case.promise(int(number[0])) is None:
        form = form_shown(command.verb)
        return NotUnderstoodError(
            msg("{line} says when, but not what; expected {form}", line=line, form=form)
        )

    moved = f"late: {number[0]} {when} because ..."
    problem = msg(
        "{line} promises nothing; if promise {n} moves, say {late}; else say what is promised",
        line=line,
        n=number[0],
        late=quoted(moved),
    )
    return NotUnderstoodError(problem)


def check_future(date: datetime, command: Command, context: CommandContext) -> None:
    """Check that the date of a command has not passed.

    Raises:
        NotUnderstoodError: it has passed; the error names the date in the company's time zone.
    """
    if date <= context.now:
        raise NotUnderstoodError(
            msg(
                "{line} names {when}, which is past",
                line=line_shown(command.line),
                when=f"{context.playbook.calendar.local(date):%Y-%m-%d %H:%M}",
            )
        )


def new_promise(
    context: CommandContext, n: int, text: str, kind: PromiseKind, promised_by: datetime | None, source: str
) -> Promise:
    """Return promise `n` of the case, made now; its internal deadline is the playbook's.

    Args:
        context: which has the time and the owner.
        n: the number of a new promise, or of the one that it replaces.
        text: what is promised, as a letter says it.
        kind: how certain it is.
        promised_by: the date that the customer is told, in UTC; None for a promise without a date.
        source: where it was said: "note", "tag", "options".
    """
    return Promise(
        n=n,
        text=text,
        kind=kind,
        promised_by=promised_by,
        internal_deadline=context.playbook.own_date(promised_by, context.now),
        source=source,
        owner=context.case.owner,
        made_at=context.now,
    )


def kept(command: Command, context: CommandContext) -> list[Event]:
    """Say that promises were kept; the compensation that they contain is issued with them.

    Raises:
        NotUnderstoodError: there is no such promise, or it is only proposed.
    """
    case = context.case
    owed, actions = numbers(case.owed), numbers(case.open_actions)
    if command.text or not owed:
        check_approved(command, command.text, numbers(case.proposed), "promise", context)
    if not command.text and not owed:
        return []

    done = [*numbers(case.promises_in(PromiseState.KEPT)), *numbers(case.actions)]
    known = [*owed, *actions] if command.text else owed
    chosen = chosen_numbers(command, known, "promise", done)
    kept_numbers = [n for n in chosen if n in owed]
    granted = case.grants_in(GrantState.GRANTED)
    issued = numbers(grant for grant in granted if grant.promise in kept_numbers)

    return [
        *numbered_events(PromiseKept, kept_numbers, command, context),
        *numbered_events(CompensationIssued, issued, command, context),
        *numbered_events(ActionDone, [n for n in chosen if n in actions], command, context),
    ]


def action(command: Command, context: CommandContext) -> list[Event]:
    """Promise ourselves to prevent it (practice 72): what, by when, and which agent does it, else the case's owner.

    Raises:
        NotUnderstoodError: there is no text or no date, the date has passed, or there is no such agent.
    """
    before, named = _split_owner(command.text, context)
    said = context.reader.split_when(before, context.now)
    if said.due is None or not any(map(str.isalpha, said.text)):
        raise not_understood(command)

    check_future(said.due, command, context)
    team, case = context.playbook.team, context.case
    agent = team.by_id((named or case.owner).lower())
    if agent is None:
        known = ", ".join(each.id for each in team.agents)
        raise NotUnderstoodError(msg("{name} is no agent; known: {known}", name=quoted(named), known=known))

    planned = Action(
        n=case.next_promise, text=said.text, due=said.due, owner=agent.id, planned_at=context.now
    )
    return [ActionPlanned(action=planned, **origin(command, context))]


def _split_owner(text: str, context: CommandContext) -> tuple[str, str]:
    """Split "check labels by Friday owner lee" into what and when, and the agent's id, "" for none."""
    names = "|".join(re.escape(each.id) for each in context.playbook.team.agents)
    phrases = [phrase for each in context.languages.all() for phrase in each.answers.verbs.get("owner", ())]
    words = sorted({"owner", *phrases}, key=len, reverse=True)
    behind = re.search(
        rf"[\s,;](?:{'|'.join(map(re.escape, words))})\s{{0,9}}[:=]?\s{{0,9}}([^\s,;]+?)\.?$",
        text,
        re.IGNORECASE,
    )
    if behind:
        return text[: behind.start()].rstrip(" ,;"), behind[1]
    alone = re.search(rf"[\s,;](?:{names})$", text, re.IGNORECASE) if names else None
    return (text[: alone.start()].rstrip(" ,;"), alone[0].strip(" ,;")) if alone else (text, "")


def _moved_action(n: int, due: datetime, command: Command, context: CommandContext) -> list[Event]:
    """Return that an action moves to a later date, nothing where there is no such action.

    Args:
        n: the number of the action in the case.
        due: the later date, in UTC.
        command: the order.
        context: with the case.
    """
    found = [each for each in context.case.open_actions if each.n == n]
    return [ActionPlanned(action=replace(each, due=due), **origin(command, context)) for each in found]


def late(command: Command, context: CommandContext) -> list[Event]:
    """Move a promise to a later date, of which the customer is told at once.

    Raises:
        NotUnderstoodError: there is no such promise or no later date, or it has slipped before.
    """
    found = _NUMBERED.match(command.text)
    if not found:
        raise not_understood(command)

    number, rest = found.groups()
    when, because = context.reader.split_reason(rest)
    owed = numbers((*context.case.owed, *context.case.open_actions))
    check_approved(command, number, numbers(context.case.proposed), "promise", context)
    [n] = chosen_numbers(replace(command, text=number), owed, "promise")
    more, date, *_ = context.reader.split_until(when, context.now)
    form = form_shown("late")
    if date is None or date <= context.now:
        problem = msg(
            "{line} names no later date I can read; expected {form}", line=line_shown(command.line), form=form
        )
        raise NotUnderstoodError(problem)
    if any(map(str.isalnum, more)):
        problem = msg(
            "{line} says more than a date; expected {form}", line=line_shown(command.line), form=form
        )
        raise NotUnderstoodError(problem, _with_because(n, when, because, context))

    date = _after_promise(n, date, when, context)
    if context.case.promise(n) is None:
        return _moved_action(n, date, command, context)

    _check_second_delay(n, command, context)
    told_in = _told_in(n, date, context)
    event = PromiseLate(
        told_in=told_in,
        n=n,
        internal_deadline=context.playbook.own_date(date, context.now) or date,
        promised_by=date,
        because=because or "",
        **origin(command, context),
    )
    return [event]


def _with_because(n: int, when: str, because: str, context: CommandContext) -> str | None:
    """Return the line that says the words after a date as the reason: "until Wednesday, screws are missing".

    Args:
        n: the promise.
        when: the date and the words.
        because: a reason that was said already.
        context: with what reads the date.
    """
    date, _, words = (part.strip(" .") for part in when.partition(","))
    rest, due, *_ = context.reader.split_until(date, context.now)
    is_date = due is not None and not any(map(str.isalnum, rest))
    return f"late: {n} {date} because {words}" if is_date and words and not because else None


def _after_promise(n: int, date: datetime, when: str, context: CommandContext) -> datetime:
    """Return a new date of a promise; a weekday alone is the next one after the day that it was promised by.

    Args:
        n: the promise.
        date: as it was read.
        when: the words for it.
        context: the context of the case.
    """
    promise = context.case.promise(n)
    promised_by = promise.promised_by if promise else None
    local = context.playbook.calendar.local
    is_weekday = is_weekday_alone(when, context.languages)
    while is_weekday and promised_by and local(date).date() <= local(promised_by).date():
        date += timedelta(weeks=1)
    return date


def _told_in(n: int, date: datetime, context: CommandContext) -> str:
    """Return the reply in which the customer was told this date of a promise by an agent, "" for none.

    Args:
        n: the promise.
        date: its new date.
        context: with the history of the case.
    """
    local = context.playbook.calendar.local
    replies = [event for event in context.history if isinstance(event, AgentWrote)]
    told = (
        reply.message_id or str(reply.at)
        for reply in reversed(replies)
        for number, day in reply.moves
        if number == n and local(day).date() == local(date).date()
    )
    return next(told, "")


def _check_second_delay(n: int, command: Command, context: CommandContext) -> None:
    """Raise NotUnderstoodError if a promise has slipped before and this is no lead."""
    promise = context.case.promise(n)
    agent = context.playbook.team.by_id(command.agent)
    if promise is None or leads(agent):
        return

    if promise.slipped or promise.state is PromiseState.LATE:
        problem = msg("promise {n} has slipped once already; a lead says the second new date", n=n)
        raise NotUnderstoodError(problem)


def withdraw(command: Command, context: CommandContext) -> list[Event]:
    """Withdraw a promise, for a reason that the customer may be told.

    Raises:
        NotUnderstoodError: there is no such promise, or no reason.
    """
    found = _NUMBERED.match(command.text)
    before, because = context.reader.split_reason(found[2]) if found else ("", "")
    if not found or not because or any(map(str.isalnum, before)):
        raise not_understood(command)

    number = found[1]
    case = context.case
    known = sorted(numbers([*case.owed, *case.proposed, *case.open_actions]))
    [n] = chosen_numbers(replace(command, text=number), known, "promise")
    if case.promise(n) is None:
        return [ActionDropped(n=n, **origin(command, context))]
    return [PromiseWithdrawn(n=n, because=because, tell=True, **origin(command, context))]


def option(command: Command, context: CommandContext) -> list[Event]:
    """Offer one way to put it right; the next letter asks the customer to choose.

    Raises:
        NotUnderstoodError: there is no text, the date has passed, or the case was put right already.
    """
    case = context.case
    text, date, *_ = context.reader.split_when(command.text, context.now)

    if not text:
        line, form = line_shown(command.line), form_shown("option")
        problem = msg("{line} says when, but not what; expected {form}", line=line, form=form)
        raise NotUnderstoodError(problem)
    if date:
        check_future(date, command, context)
    if case.stage in PUT_RIGHT:
        problem = msg(
            "{ref} is {stage}; there is nothing left to choose", ref=case.ref, stage=case.stage.named
        )
        raise NotUnderstoodError(problem)
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
    named, _ = context.reader.split_reason(command.text)

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
