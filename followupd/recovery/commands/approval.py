"""Commands that approve: proposals, letters in review, grants above a limit, a reply that promises."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from followupd.domain.case import Case, LetterRecord, numbers
from followupd.domain.command import Command, line_shown
from followupd.domain.compensation import Compensation, GrantState
from followupd.domain.events import (
    Approved,
    CompensationApproved,
    CompensationRefused,
    Event,
    Held,
    LetterDropped,
    PromiseMade,
    PromiseProposed,
    PromiseWithdrawn,
    ReplyExplained,
    ReplyUnclear,
)
from followupd.domain.letter import DESK_MAILS, LetterRecordState
from followupd.domain.playbook import Agent
from followupd.domain.promise import Promise, PromiseState, paired
from followupd.domain.translatable import msg, sentence_list
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.compensation import found_grants, granted
from followupd.recovery.commands.context import CommandContext, leads, numbered_events, origin, within_limit
from followupd.recovery.commands.lifecycle import opened
from followupd.recovery.commands.promises import new_promise
from followupd.recovery.past.calibration import agents_like, shorter_than_like

#: characters of the customer's words that an agent is shown
_MAX_SHOWN = 300
_EXAMPLE = "promise: ship a replacement by Friday"


def promised(command: Command, context: CommandContext) -> list[Event]:
    """Say that the agent's reply makes promises: what was found in it counts from now on.

    Raises:
        NotUnderstoodError: nothing was found in the reply.
    """
    found_promises, found_compensation, unsure = context.found
    approved = _approve_proposals(command, context)

    if not found_promises and not found_compensation and not approved and not unsure:
        raise NotUnderstoodError(
            msg(
                "I found no promise in this reply; say it as a line, such as {line}",
                line=line_shown(_EXAMPLE),
            )
        )

    known = {promise.text for promise in context.case.promises}
    first = context.case.next_promise
    promises, grants = paired(found_promises, found_compensation, first, known)
    made: list[Event] = []

    for n, found in promises:
        promise = new_promise(context, n, found.text, found.kind, found.due, "reply")
        promise = replace(promise, relation=found.relation, since=found.since, dated=found.dated)
        why = f"reply: {' ... '.join(found.words)}"
        if _comes_early(promise, [grant.kind for grant, number in grants if number == n], context):
            promise = replace(promise, state=PromiseState.PROPOSED)
            made.append(PromiseProposed(at=context.now, by=command.actor, why=why, promise=promise))
            continue
        made.append(PromiseMade(at=context.now, by=command.actor, why=why, promise=promise))

    unclear: list[Event] = []
    if unsure:
        unclear.append(ReplyUnclear(sentences=unsure, **origin(command, context)))
    return [*opened(command, context), *approved, *made, *found_grants(command, context, grants), *unclear]


def _comes_early(promise: Promise, gifts: list[str], context: CommandContext) -> bool:
    """Return whether a promise is shorter than half of what similar ones took: then it waits for an `approve`.

    Args:
        promise: as the reply says it.
        gifts: the kinds of compensation that it gives.
        context: with what is known of how long promises take.
    """
    if promise.promised_by is None:
        return False
    case, playbook = context.case, context.playbook
    language = context.languages.language(case.language or playbook.company.locale)
    like = agents_like(promise.text, promise.kind, gifts, language)
    return bool(shorter_than_like(like, context.now, promise.promised_by, context.usual_times, playbook))


def explained(command: Command, context: CommandContext) -> list[Event]:
    """Say that what was not understood of a reply promises nothing more than what was."""
    if not context.case.unclear:
        return []
    return [ReplyExplained(**origin(command, context))]


def approve(command: Command, context: CommandContext) -> list[Event]:
    """Approve everything in the case that was asked about and that this agent may approve.

    Raises:
        NotUnderstoodError: nothing waits for an approval, this agent may approve none of it, or the customer has
            written since the agent was asked.
    """
    _check_unread(command, context)
    events: list[Event] = [
        Approved(key=record.key, kind=record.kind, **origin(command, context))
        for record in letters_asked_about(context.case, command.asked_at)
    ]
    events += _approve_proposals(command, context)

    try:
        events += _approve_grants(command, context)
    except NotUnderstoodError:
        if not events:
            raise

    if not events:
        raise _nothing_waits(command, context.case)
    return events


def _check_unread(command: Command, context: CommandContext) -> None:
    """Ask once more about a letter that was written before the customer's newest mail.

    Args:
        command: the approval; one that is typed with `followupd tell` is not asked about again.
        context: the case.

    Raises:
        NotUnderstoodError: there is one, and the agent was asked before that mail, too.
    """
    wrote_at, case = context.case.customer_wrote_at, context.case
    letters = letters_asked_about(case, command.asked_at)
    if wrote_at is None or command.source == "tell" or (command.asked_at and command.asked_at > wrote_at):
        return
    if not any(record.at < wrote_at for record in letters):
        return
    problem = msg(
        "{line}: the customer has written after that letter: “{words}”. Look at both, and answer this mail with "
        "that line if the letter is still right",
        line=line_shown(command.line),
        words=" ".join(case.newest_words.split())[:_MAX_SHOWN],
    )
    raise NotUnderstoodError(problem, command.line)


def letters_asked_about(case: Case, asked_at: datetime | None) -> list[LetterRecord]:
    """Return the letters in review that an agent may mean: those that waited when the agent was asked.

    Args:
        case: the case.
        asked_at: when the desk mail was written that is answered, None for what waits now.
    """
    return [record for record in case.letters_in(LetterRecordState.REVIEW) if _waited(record.at, asked_at)]


def promises_asked_about(case: Case, asked_at: datetime | None) -> list[Promise]:
    """Return the proposed promises that an agent may mean."""
    return [promise for promise in case.proposed if _waited(promise.made_at, asked_at)]


def grants_asked_about(case: Case, asked_at: datetime | None, *states: GrantState) -> list[Compensation]:
    """Return the grants in some state that an agent may mean."""
    return [grant for grant in case.grants_in(*states) if _waited(grant.granted_at, asked_at)]


def _waited(since: datetime | None, asked_at: datetime | None) -> bool:
    """Return whether something waited already when the mail was written that is answered now.

    Args:
        since: when it came to wait; None where that is not known.
        asked_at: when the desk mail was written, None for now.
    """
    return since is None or asked_at is None or since <= asked_at


def waits_for_approval(case: Case) -> bool:
    """Return whether anything in a case waits for an approval.

    Args:
        case: its letters in review count, and promises and gifts that are proposed or above a limit.
    """
    grants = case.grants_in(GrantState.WAITING_APPROVAL, GrantState.PROPOSED)
    return bool(letters_asked_about(case, None) or case.proposed or grants)


def _nothing_waits(command: Command, case: Case) -> NotUnderstoodError:
    """Return the error for a word that finds nothing to approve; what came to wait since is offered again.

    Args:
        command: the word, with the time at which its agent was asked.
        case: in which nothing that was asked about waits any more.
    """
    states = (GrantState.WAITING_APPROVAL, GrantState.PROPOSED)
    waits = waits_for_approval(case)
    left = [
        record
        for record in case.letters
        if record.state is LetterRecordState.SENT and record.kind not in DESK_MAILS
    ]
    if command.asked_at and not waits and left:
        kind = msg(left[-1].kind)
        return NotUnderstoodError(
            msg(
                "nothing in {ref} waits for an approval any more: its {kind} has left",
                ref=case.ref,
                kind=kind,
            )
        )
    if command.asked_at is None or not waits:
        return NotUnderstoodError(msg("nothing in {ref} waits for an approval", ref=case.ref))

    newer: list[str] = [msg(record.kind) for record in letters_asked_about(case, None)]
    newer += [promise.named for promise in case.proposed]
    newer += [grant.named for grant in case.grants_in(*states)]
    problem = msg(
        "{line}: what that mail asked about is settled, and something else waits for your word since: {what}. "
        "Look at it first, and answer this mail with that line if you mean it",
        line=line_shown(command.line),
        what=sentence_list(newer, ", "),
    )
    return NotUnderstoodError(problem, command.line)


def refuse(command: Command, context: CommandContext) -> list[Event]:
    """Refuse everything in the case that waits for an approval.

    A letter that is refused would be written again at once, so the case is put on hold until an agent says
    `release`.

    Raises:
        NotUnderstoodError: nothing waits for an approval.
    """
    case = context.case
    letters = letters_asked_about(case, command.asked_at)
    proposed = promises_asked_about(case, command.asked_at)
    states = (GrantState.WAITING_APPROVAL, GrantState.PROPOSED)
    grants = grants_asked_about(case, command.asked_at, *states)
    if not letters and not grants and not proposed:
        raise _nothing_waits(command, case)

    fields = origin(command, context)
    events: list[Event] = [LetterDropped(key=record.key, kind=record.kind, **fields) for record in letters]
    events += numbered_events(CompensationRefused, numbers(grants), command, context)
    withdraw = partial(PromiseWithdrawn, because=command.text)
    # a promise of money that is refused is no longer owed
    refused = {grant.promise for grant in grants}
    without_money = numbers(promise for promise in case.owed if promise.n in refused)
    events += numbered_events(withdraw, [*numbers(proposed), *without_money], command, context)

    if letters and not case.held:
        events.append(Held(**fields))
    return events


def _approve_grants(command: Command, context: CommandContext) -> list[Event]:
    """Approve the grants of other agents: a second person must agree, and IMAP does not say who set a tag.

    Raises:
        NotUnderstoodError: this agent may not approve what waits.
    """
    waiting = grants_asked_about(context.case, command.asked_at, GrantState.WAITING_APPROVAL)
    if not waiting:
        return []

    agent = context.playbook.team.by_id(command.agent)
    if agent is None:
        problem = msg("a grant above the limit is approved by a lead's answer to the desk mail, not by a tag")
        raise NotUnderstoodError(problem)

    of_others = [grant for grant in waiting if grant.agent != agent.id]
    if not of_others:
        problem = msg("{name} granted it, or owns the case; somebody else must approve it", name=agent.name)
        raise NotUnderstoodError(problem)

    if not all(_may_approve(agent, grant, context) for grant in of_others):
        problem = msg("{name} cannot approve this amount; a lead answers the desk mail", name=agent.name)
        raise NotUnderstoodError(problem)
    return numbered_events(CompensationApproved, numbers(of_others), command, context)


def _may_approve(agent: Agent, grant: Compensation, context: CommandContext) -> bool:
    """Return whether an agent may approve a grant.

    A lead may approve any; another agent only one that is merely above the granter's limit.
    """
    if leads(agent):
        return True

    granter = context.playbook.team.by_id(grant.agent)
    only_above_limit = granter is not None and not within_limit(granter, grant.money)
    return only_above_limit and within_limit(agent, grant.money)


def _approve_proposals(command: Command, context: CommandContext) -> list[Event]:
    """Approve the promises and the compensation that were read in a reply."""
    events: list[Event] = []

    for promise in promises_asked_about(context.case, command.asked_at):
        made = _approved_promise(promise, context)
        events.append(PromiseMade(promise=made, **origin(command, context)))

    for grant in grants_asked_about(context.case, command.asked_at, GrantState.PROPOSED):
        events.append(granted(command, context, grant))
    return events


def _approved_promise(promise: Promise, context: CommandContext) -> Promise:
    """Return a proposed promise as an open one.

    It gets an internal deadline; the promised date stays as the reply said it. A letter that never left has put
    nothing in writing.
    """
    deadline = context.playbook.own_date(promise.promised_by, context.now)
    lost = context.case.letters_in(LetterRecordState.DROPPED, LetterRecordState.FAILED)
    in_writing = promise.confirmed not in {record.key for record in lost}
    return replace(
        promise,
        state=PromiseState.OPEN,
        internal_deadline=deadline,
        made_at=context.now,
        confirmed=promise.confirmed if in_writing else "",
    )
