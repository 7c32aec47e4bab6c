"""A second word: proposals that become promises, letters in review, grants above a limit, a reply that promises."""

from dataclasses import replace

from followupd.domain import events as e
from followupd.domain.command import Command
from followupd.domain.compensation import Compensation, GrantState
from followupd.domain.letter import LetterRecordState
from followupd.domain.promise import Promise, PromiseState, paired
from followupd.domain.team import Agent
from followupd.errors import NotUnderstoodError
from followupd.recovery.commands.compensation import granted, heard_grants, judged
from followupd.recovery.commands.context import CommandContext, about, leads, within_limit
from followupd.recovery.commands.lifecycle import opened
from followupd.recovery.commands.promises import made_promise, next_promise


def promised(command: Command, scene: CommandContext) -> list[e.Event]:
    """This reply of ours makes promises: what was read in it holds from now on."""
    promises, grants = scene.heard
    approved = approve_proposals(command, scene)
    if not promises and not grants and not approved:
        raise NotUnderstoodError(
            "I found no promise in this reply; say it as a line, such as 'promise: ship a replacement by Friday'"
        )
    made: list[e.Event] = []
    known = {promise.text for promise in scene.case.promises}
    future, gifts = paired(promises, grants, next_promise(scene.case), known)
    for n, heard in future:
        promise = made_promise(scene, n, heard.text, heard.kind, heard.due, "reply")
        made.append(
            e.PromiseMade(
                at=scene.now, promise=promise, by=command.actor, why=f"reply: {' ... '.join(heard.words)}"
            )
        )
    return [*opened(command, scene), *approved, *made, *heard_grants(command, scene, gifts)]


def approve(command: Command, scene: CommandContext) -> list[e.Event]:
    letters: list[e.Event] = [
        e.Approved(at=scene.now, key=mark.key, kind=mark.kind, **about(command))
        for mark in scene.case.letters
        if mark.state is LetterRecordState.REVIEW
    ]
    found = [*letters, *approve_proposals(command, scene)]
    try:
        found += _approve_grants(command, scene)
    except NotUnderstoodError:
        if not found:
            raise
    if not found:
        raise NotUnderstoodError(f"nothing in {scene.case.ref} waits for an approval")
    return found


def _approve_grants(command: Command, scene: CommandContext) -> list[e.Event]:
    """Two pairs of eyes: what one person granted another one approves."""
    waiting = [g for g in scene.case.compensation if g.state is GrantState.WAITING_APPROVAL]
    if not waiting:
        return []
    who = scene.playbook.team.by_id(command.agent)
    # IMAP never says who set a tag, so a tag cannot be the second pair of eyes.
    if who is None:
        raise NotUnderstoodError(
            "a grant above the limit is approved by a lead's answer to the desk mail, not by a tag"
        )
    theirs = [grant for grant in waiting if grant.agent != who.id]
    if not theirs:
        raise NotUnderstoodError(f"{who.name} granted it, or owns the case; somebody else must approve it")
    if not all(_may_approve(who, grant, scene) for grant in theirs):
        raise NotUnderstoodError(f"{who.name} cannot approve this amount; a lead answers the desk mail")
    return [e.CompensationApproved(at=scene.now, n=grant.n, **about(command)) for grant in theirs]


def _may_approve(who: Agent, grant: Compensation, scene: CommandContext) -> bool:
    """A lead may approve anything; another agent only what is merely above the first one's limit."""
    granter = scene.playbook.team.by_id(grant.agent)
    only_the_limit = granter is not None and not within_limit(granter, grant.money)
    return leads(who) or (only_the_limit and within_limit(who, grant.money))


def refuse(command: Command, scene: CommandContext) -> list[e.Event]:
    letters: list[e.Event] = [
        e.LetterDropped(at=scene.now, key=mark.key, kind=mark.kind, **about(command))
        for mark in scene.case.letters
        if mark.state is LetterRecordState.REVIEW
    ]
    grants = [
        e.CompensationRefused(at=scene.now, n=grant.n, **about(command))
        for grant in scene.case.compensation
        if grant.state in {GrantState.WAITING_APPROVAL, GrantState.PROPOSED}
    ]
    promises = [
        e.PromiseWithdrawn(at=scene.now, n=promise.n, because=command.text, **about(command))
        for promise in scene.case.promises
        if promise.state is PromiseState.PROPOSED
    ]
    if not (letters or grants or promises):
        raise NotUnderstoodError(f"nothing in {scene.case.ref} waits for an approval")
    # The chapter would write the very same letter again at once; it does so when a person says `release`.
    held = [e.Held(at=scene.now, **about(command))] if letters and not scene.case.held else []
    return [*letters, *grants, *promises, *held]


def approve_proposals(command: Command, scene: CommandContext) -> list[e.Event]:
    promises: list[e.Event] = [
        e.PromiseMade(at=scene.now, promise=_holding(promise, scene), **about(command))
        for promise in scene.case.promises
        if promise.state is PromiseState.PROPOSED
    ]
    grants = [
        granted(command, scene, judged(command, scene, grant))
        for grant in scene.case.compensation
        if grant.state is GrantState.PROPOSED
    ]
    return [*promises, *grants]


def _holding(proposed: Promise, scene: CommandContext) -> Promise:
    """From the approval on we have a date of our own; what the customer was told stays as the reply said it."""
    due = scene.playbook.own_date(proposed.promised_by, scene.now)
    return replace(proposed, state=PromiseState.OPEN, internal_deadline=due, made_at=scene.now)
