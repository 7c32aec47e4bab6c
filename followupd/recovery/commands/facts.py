"""Commands about the case itself: facts, severity, owner, playbook, and insisting on a wording."""

from collections.abc import Iterator

from followupd.domain.case import Case, Fault
from followupd.domain.command import Command
from followupd.domain.events import (
    Event,
    FactsStated,
    OwnerChosen,
    PlaybookChosen,
    SeverityChosen,
    WordingInsisted,
)
from followupd.domain.translatable import Translatable, msg, msgid
from followupd.errors import FactReturnedError, NotUnderstoodError
from followupd.recovery.commands.context import CommandContext, not_understood, origin
from followupd.text.wording.facts import COACHED_FACTS, Advice, advice

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


#: verbs that state a fact of the same name, with "_" for "-"
FACT_VERBS = frozenset(
    {
        "issue",
        "impact",
        "wants",
        "cause",
        "resolution",
        "prevention",
        "phone",
        "fault",
        "cause-code",
    }
)
_WITH_DRAFT = msgid(
    "{problem} Better: “{draft}” Answer `ok` to take that, say the line anew, or send it again with ` !`"
    " at its end if it must stay."
)
_WITHOUT_DRAFT = msgid("{problem} Say the line anew, or send it again with ` !` at its end if it must stay.")
_SEVERITIES = ("low", "normal", "high")


def fact(command: Command, context: CommandContext) -> list[Event]:
    """State a fact; a fault and a cause code must be among the known ones.

    Raises:
        NotUnderstoodError: the fault or the cause code is not a known one.
    """
    name, text = command.verb.replace("-", "_"), command.text

    if command.verb == "fault":
        text = text.lower().rstrip(" !")
        if text == Fault.UNKNOWN and command.text.endswith("!"):
            return [WordingInsisted(text=text, **origin(command, context))]
        if text not in set(Fault):
            raise not_understood(command)

    if command.verb == "cause-code":
        _check_cause(text, context)

    if getattr(context.case.facts, name) == text:
        return []
    if name in COACHED_FACTS:
        return _stated_or_returned(name, command, context)
    return [FactsStated(facts=((name, text),), **origin(command, context))]


def _stated_or_returned(name: str, command: Command, context: CommandContext) -> list[Event]:
    """State a fact that letters repeat, unless a customer could not read it.

    One that was returned counts when it is said again with "!". The customer's own words are quoted.

    Raises:
        FactReturnedError: with a better sentence.
    """
    case, fields = context.case, origin(command, context)
    insisted = _insisted_text(name, command.text, case)
    if insisted:
        stated = FactsStated(facts=((name, insisted),), **fields)
        return [WordingInsisted(text=insisted, **fields), stated]

    stated = FactsStated(facts=((name, command.text),), **fields)
    if command.text in case.insisted or name in stated.apply(case).quoted_facts:
        return [stated]

    found = _advice(name, command.text, context)
    if found:
        raise FactReturnedError(_returned_because(found), name, command.text, found.draft)
    return [stated]


def _insisted_text(name: str, text: str, case: Case) -> str:
    """Return the text that was returned and is said again with "!" at its end, "" for any other."""
    if not text.endswith("!"):
        return ""
    for fact_name, returned, _ in case.returned:
        if fact_name == name and _normalised(returned) == _normalised(text):
            return returned
    return ""


def _advice(name: str, text: str, context: CommandContext) -> Advice | None:
    """Return what is wrong with a fact for the customer's letter."""
    case, playbook = context.case, context.playbook
    facts = {other: getattr(case.facts, other) or "" for other in COACHED_FACTS}
    return advice(
        name,
        text,
        language=case.language or playbook.language or playbook.company.locale,
        others=facts,
        names={agent.name.split()[0] for agent in playbook.team.agents},
        languages=context.languages,
    )


def _returned_because(found: Advice) -> Translatable:
    """Return the problem with what the agent may do about it."""
    if found.draft:
        return msg(_WITH_DRAFT, problem=found.problem, draft=found.draft)
    return msg(_WITHOUT_DRAFT, problem=found.problem)


def accept(command: Command, context: CommandContext) -> list[Event]:
    """State every fact that was returned with a better sentence, in that sentence.

    Raises:
        NotUnderstoodError: no better sentence was offered.
    """
    drafts = tuple((name, draft) for name, _, draft in context.case.returned if draft)
    if not drafts:
        raise NotUnderstoodError(msg("there is no sentence of mine that `ok` could accept"))
    return [FactsStated(facts=drafts, **origin(command, context))]


def _check_cause(code: str, context: CommandContext) -> None:
    """Raise NotUnderstoodError for a cause code that the playbook does not list.

    One that lists none allows all.
    """
    causes, name = context.playbook.causes, context.playbook.name
    if causes and code not in causes:
        raise NotUnderstoodError(f"{code!r} is no cause of playbook {name}; known: {', '.join(causes)}")


def severity(command: Command, context: CommandContext) -> list[Event]:
    """Set the severity of the case.

    Raises:
        NotUnderstoodError: it is none of low, normal and high.
    """
    level = command.text.lower()
    if level not in _SEVERITIES:
        raise not_understood(command)

    return [SeverityChosen(severity=level, **origin(command, context))]


def owner(command: Command, context: CommandContext) -> list[Event]:
    """Make an agent, named by id or address, the owner of the case.

    Raises:
        NotUnderstoodError: there is no such agent.
    """
    team, name = context.playbook.team, command.text
    agent = team.by_id(name.lower()) or team.by_address(name)

    if agent is None:
        known = ", ".join(agent.id for agent in team.agents)
        raise NotUnderstoodError(f"{name!r} is no agent; known: {known}")

    if agent.id == context.case.owner:
        return []
    return [OwnerChosen(owner=agent.id, **origin(command, context))]


def playbook(command: Command, context: CommandContext) -> list[Event]:
    """Change the playbook of the case.

    Raises:
        NotUnderstoodError: there is no such playbook.
    """
    name = command.text

    if name not in context.playbooks:
        known = ", ".join(sorted(context.playbooks))
        raise NotUnderstoodError(f"{name!r} is no playbook; known: {known}")
    if name == context.case.playbook:
        return []
    return [PlaybookChosen(playbook=name, **origin(command, context))]
