"""Commands about the case itself: facts, severity, owner, playbook, and insisting on a wording."""

import re
from collections.abc import Callable, Iterable, Iterator

from followupd.domain.calendar import Duration
from followupd.domain.case import Case, Fault, numbers
from followupd.domain.command import Command, Request, form_shown, line_shown, quoted, read_request
from followupd.domain.events import (
    CustomerChosen,
    Event,
    FactReturned,
    FactsStated,
    HelpAsked,
    HelpSettled,
    OwnerChosen,
    PlaybookChosen,
    Remarked,
    SeverityChosen,
    WordingInsisted,
)
from followupd.domain.mail import Person
from followupd.domain.promise import HelpRequest
from followupd.domain.translatable import msg, msgid
from followupd.errors import FactReturnedError, NotUnderstoodError
from followupd.recovery.commands.context import (
    CommandContext,
    chosen_numbers,
    leads,
    names_no_day,
    not_understood,
    numbered_events,
    origin,
)
from followupd.recovery.recurrence import says_the_same
from followupd.text.mail.headers import parse_addresses
from followupd.text.wording.facts import COACHED_FACTS, Advice, advice, of_another_day

#: verbs whose line contains more than the text that is in letters: a date, a number, a reason
_WITH_MORE = frozenset({"promise", "firm", "estimate", "update", "late", "option"})
#: a shorter text would be found in almost any line
_MIN_CHARACTERS = 3


def insist(command: Command, context: CommandContext) -> list[Event]:
    """Return that the agent insists on a text, if the line repeats one that was said, with "!" at its end."""
    if not command.text.endswith("!"):
        return []

    for text in _stated(command.verb, context.case):
        if len(text) < _MIN_CHARACTERS or text in context.case.insisted:
            continue
        if _repeats(command, text):
            return [WordingInsisted(text=text, **origin(command, context))]
    return []


def _repeats(command: Command, text: str) -> bool:
    """Return whether a line repeats a text, or contains it if lines of this verb have more than the text."""
    line, stated = _normalised(command.text), _normalised(text)
    if command.verb in _WITH_MORE:
        return stated in line
    return stated == line


def _stated(verb: str, case: Case) -> Iterator[str]:
    """Give what was said with this verb and is in letters, the newest promise first."""
    fact = getattr(case.facts, verb.replace("-", "_"), None)
    if isinstance(fact, str):
        yield fact

    if verb in _WITH_MORE:
        for promise in reversed(case.promises):
            yield promise.because
            yield promise.text

    for grant in case.compensation:
        if grant.kind.value == verb:
            yield grant.text


def _normalised(text: str) -> str:
    """Return a text without differences of white space, case and final punctuation."""
    return " ".join(text.split()).rstrip(" !.").casefold()


#: a problem with a fact, and what the agent may do about it, with and without a better sentence
_RETURNED = {
    True: msgid(
        "{problem} Better: “{draft}” Answer `ok` to take that, write the line again, or send it again with ` !`"
        " at its end if it must stay."
    ),
    False: msgid("{problem} Write the line again, or send it again with ` !` at its end if it must stay."),
}
#: words of a date in front of a question
_MAX_DATE_WORDS = 4
#: the time of a department that was asked without a date
_TIME_TO_HELP = Duration(1, "business day")
_ENDS = ("in-favour", "partly", "not")
_SEVERITIES = ("low", "normal", "high")


def fact(command: Command, context: CommandContext) -> list[Event]:
    """State a fact; a fault and a cause code must be among the known ones.

    Raises:
        NotUnderstoodError: the fault or the cause code is not a known one.
    """
    name = command.verb.replace("-", "_")
    text = _LISTED[command.verb](command, context) if command.verb in _LISTED else command.text

    if text == Fault.UNKNOWN and command.text.endswith("!"):
        return [WordingInsisted(text=text, **origin(command, context))]
    if getattr(context.case.facts, name) == text:
        return []
    if name in COACHED_FACTS:
        return _stated_or_returned(name, command, context)
    return [FactsStated(facts=((name, text),), **origin(command, context))]


def _known_fault(command: Command, _context: CommandContext) -> Fault:
    """Return whose fault a line says it was; one that is unknown may be insisted on.

    Raises:
        NotUnderstoodError: it is not a known one.
    """
    said = command.text.lower().rstrip(" !")
    if said not in set(Fault):
        raise not_understood(command)
    return Fault(said)


def _stated_or_returned(name: str, command: Command, context: CommandContext) -> list[Event]:
    """State a fact that letters repeat, unless a customer could not read it.

    One that was returned counts when it is said again with "!", and the better sentence that was offered counts
    as it is. The customer's own words are quoted.

    Args:
        name: the fact: "issue", "impact", "cause", "resolution" or "prevention".
        command: the order; a "!" at its end insists on a text that came back.
        context: with the case, which has the texts that came back before.

    Raises:
        FactReturnedError: with a better sentence.
    """
    case, fields = context.case, origin(command, context)
    if name == "prevention":
        _refuse_if_told(command, context)
    _, returned, draft = next((item for item in case.returned if item[0] == name), ("", "", ""))
    if command.text.endswith("!") and returned and _normalised(returned) == _normalised(command.text):
        stated = FactsStated(facts=((name, returned),), **fields)
        return [WordingInsisted(text=returned, **fields), stated]

    stated = FactsStated(facts=((name, command.text),), **fields)
    is_kept = command.text in {draft, *case.insisted} or name in stated.apply(case).quoted_facts
    found = None if is_kept else _advice(name, command.text, context)
    if found:
        problem = msg(_RETURNED[bool(found.draft)], problem=found.problem, draft=found.draft)
        raise FactReturnedError(problem, name, command.text, found.draft)
    dated = None if is_kept else _of_another_day(name, command.text, context)
    if dated is None:
        return [stated]
    return [stated, FactReturned(fact=name, text=command.text, draft=dated, **fields)]


def _refuse_if_told(command: Command, context: CommandContext) -> None:
    """Refuse a change of which the customer was told after an earlier complaint: it has not helped (practice 20).

    Args:
        command: the line.
        context: with what was told.

    Raises:
        NotUnderstoodError: it is, nearly word for word, what was told.
    """
    if says_the_same(command.text, context.told_before):
        problem = msg(
            "{line}: the customer was told that after the last complaint; what is different this time?",
            line=line_shown(command.line),
        )
        raise NotUnderstoodError(problem)
    if says_the_same(command.text, context.told_others):
        problem = msg(
            "{line}: customers were told that, and it has happened again; what is different now?",
            line=line_shown(command.line),
        )
        raise NotUnderstoodError(problem)


def _lead_says(command: Command, context: CommandContext) -> str:
    """Return why nothing is given for the trouble of a second complaint; only a lead says so.

    Args:
        command: the line.
        context: with the team.

    Raises:
        NotUnderstoodError: it is no lead.
    """
    if context.case.again and not leads(context.playbook.team.by_id(command.agent)):
        raise NotUnderstoodError(msg("{line}: only a lead says that", line=line_shown(command.line)))
    return command.text.removeprefix("because").strip()


def _of_another_day(name: str, text: str, context: CommandContext) -> str | None:
    """Return a fact with a date for "this morning", which is wrong days later; None without such words."""
    return of_another_day(
        name,
        text,
        day=context.playbook.calendar.local(context.now).date(),
        language=_language(context),
        languages=context.languages,
    )


def _language(context: CommandContext) -> str:
    """Return the language of the customer's letters."""
    playbook = context.playbook
    return context.case.language or playbook.language or playbook.company.locale


def _advice(name: str, text: str, context: CommandContext) -> Advice | None:
    """Return what is wrong with a fact for the customer's letter."""
    case, playbook = context.case, context.playbook
    facts = {other: case.facts.text(other) for other in COACHED_FACTS}
    return advice(
        name,
        text,
        language=_language(context),
        others=facts,
        names={agent.name.split()[0] for agent in playbook.team.agents},
        languages=context.languages,
    )


def _listed_cause(command: Command, context: CommandContext) -> str:
    """Return a cause code as the playbook lists it, in any case and with blanks for hyphens.

    A playbook that lists none allows all.

    Raises:
        NotUnderstoodError: the playbook does not list it.
    """
    code, causes, name = command.text, context.playbook.causes, context.playbook.name
    listed = _named(code, causes)
    if causes and listed is None:
        raise NotUnderstoodError(
            msg(
                "{code} is no cause of playbook {name}; known: {known}",
                code=quoted(code),
                name=name,
                known=", ".join(causes),
            )
        )
    return listed or code


def _known_end(command: Command, _context: CommandContext) -> str:
    """Return in whose favour a case ended.

    Raises:
        NotUnderstoodError: it is none of in-favour, partly and not.
    """
    said = _named(
        command.text.rstrip(" .!").casefold().replace("favor", "favour").replace("favouur", "favour"), _ENDS
    )
    if said is None:
        raise not_understood(command)
    return said


def _lost(command: Command, context: CommandContext) -> str:
    """Return what the customer lost, as "120.00 EUR".

    Raises:
        NotUnderstoodError: it is no amount.
    """
    found = context.reader.money(command.text.rstrip(" .!"))
    if found is None:
        raise not_understood(command)
    return f"{found.amount} {found.currency}"


#: what is one of a list, and how it is read
_LISTED: dict[str, Callable[[Command, CommandContext], str]] = {
    "fault": _known_fault,
    "cause-code": _listed_cause,
    "no-gift": _lead_says,
    "loss": _lost,
    "resolved": _known_end,
}


def _named(said: str, names: Iterable[str]) -> str | None:
    """Return the name that is meant, in any case and with blanks for hyphens.

    None where it is none of them.
    """
    wanted = re.sub(r"[\s_-]+", "-", said.casefold())
    matching = (name for name in names if re.sub(r"[\s_-]+", "-", name.casefold()) == wanted)
    return next(matching, None)


def remark(command: Command, context: CommandContext) -> list[Event]:
    """Write the agent's words into the history."""
    return [Remarked(text=command.text, **origin(command, context))]


def severity(command: Command, context: CommandContext) -> list[Event]:
    """Set the severity of the case.

    Raises:
        NotUnderstoodError: it is none of low, normal and high.
    """
    level = command.text.lower()
    if level not in _SEVERITIES:
        raise not_understood(command)

    return [SeverityChosen(severity=level, **origin(command, context))]


def ask(command: Command, context: CommandContext) -> list[Event]:
    """Ask a department something about the case; without a date it has a business day.

    Raises:
        NotUnderstoodError: there is no such department, no question, or the date has passed.
    """
    known = [helper.id for helper in context.playbook.team.helpers]
    asked = read_request(command.text, known)
    if asked.helper not in known:
        raise NotUnderstoodError(_no_department(asked.helper, known))
    if not asked.when:
        _check_no_date_before(asked, command, context)

    is_open = (asked.helper, _says(asked.question)) in [
        (each.helper, _says(each.question)) for each in context.case.open_requests
    ]
    if is_open and not asked.when:
        return []

    due = context.playbook.calendar.after(context.now, _TIME_TO_HELP)
    if asked.when:
        rest, found, *_ = context.reader.split_when(asked.when, context.now)
        if found is None or found <= context.now or any(map(str.isalnum, rest)):
            raise names_no_day(command.line, "ask")
        due = found

    request = HelpRequest(
        n=max(numbers(context.case.requests), default=0) + 1,
        helper=asked.helper,
        question=asked.question,
        due=due,
        asked_at=context.now,
    )
    return [HelpAsked(request=request, **origin(command, context))]


def _says(question: str) -> str:
    """Return a question without differences of case, blanks and marks at its end.

    Args:
        question: as it was written.
    """
    return " ".join(question.casefold().split()).rstrip(" ?.!")


def _check_no_date_before(asked: Request, command: Command, context: CommandContext) -> None:
    """Raise an error if a question without a date before its colon begins with one: "by Friday is it back?".

    Args:
        asked: the department and the question.
        command: the line.
        context: with what reads dates.

    Raises:
        NotUnderstoodError: with the line in which the date precedes the question.
    """
    words = asked.question.split(maxsplit=_MAX_DATE_WORDS)
    for count in range(1, min(len(words), _MAX_DATE_WORDS + 1)):
        when, rest = " ".join(words[:count]), " ".join(words[count:])
        before, found, *_ = context.reader.split_when(when, context.now)
        if found and not any(map(str.isalnum, before)):
            draft = f"ask: {asked.helper} {when}: {rest}"
            problem = msg("{line}: is the date a part of the question?", line=line_shown(command.line))
            raise NotUnderstoodError(problem, draft)


def answered(command: Command, context: CommandContext) -> list[Event]:
    """Say that a question to a department needs no answer any more.

    Raises:
        NotUnderstoodError: there is no such question without an answer.
    """
    case = context.case
    settled = [request.n for request in case.requests if request not in case.open_requests]
    chosen = chosen_numbers(command, numbers(case.open_requests), "question", settled)
    return numbered_events(HelpSettled, chosen, command, context)


def _no_department(name: str, known: Iterable[str]) -> str:
    """Return the problem of a line that asks a department that the configuration does not name."""
    if not known:
        return msg(
            "{name} is no department; none is known yet, [[helper]] in followupd.toml names them",
            name=quoted(name),
        )
    return msg("{name} is no department; known: {known}", name=quoted(name), known=", ".join(known))


def owner(command: Command, context: CommandContext) -> list[Event]:
    """Make an agent, named by id or address, the owner of the case.

    Raises:
        NotUnderstoodError: there is no such agent.
    """
    team, name = context.playbook.team, command.text
    agent = team.by_id(name.lower()) or team.by_address(name)

    if agent is None:
        known = ", ".join(agent.id for agent in team.agents)
        raise NotUnderstoodError(msg("{name} is no agent; known: {known}", name=quoted(name), known=known))

    if agent.id == context.case.owner:
        return []
    return [OwnerChosen(owner=agent.id, **origin(command, context))]


def customer(command: Command, context: CommandContext) -> list[Event]:
    """Say which address is the customer's: of several that a mail names, or a second one that wrote.

    Raises:
        NotUnderstoodError: it is no address.
    """
    case = context.case
    written = parse_addresses(command.text)
    person = written[0].person() if len(written) == 1 else Person("")
    if not person.address:
        raise NotUnderstoodError(
            msg(
                "{what} is no address; expected {form}",
                what=quoted(command.text),
                form=form_shown("customer"),
            )
        )
    if person.address.casefold() == case.customer.address.casefold() and not case.candidates:
        return []

    name = person.name or ("" if case.candidates else case.customer.name)
    return [CustomerChosen(customer=Person(person.address, name), **origin(command, context))]


def playbook(command: Command, context: CommandContext) -> list[Event]:
    """Change the playbook of the case.

    Raises:
        NotUnderstoodError: there is no such playbook.
    """
    name = _named(command.text, context.playbooks)

    if name is None:
        known = ", ".join(sorted(context.playbooks))
        raise NotUnderstoodError(
            msg("{name} is no playbook; known: {known}", name=quoted(command.text), known=known)
        )
    if name == context.case.playbook:
        return []
    return [PlaybookChosen(playbook=name, **origin(command, context))]
