"""What an agent knows of whether the customer has it: from a call, or from an answer that no machine could read."""

import re

from followupd.domain import events as e
from followupd.domain.case import Case, Stage
from followupd.domain.command import Command
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.errors import NotUnderstoodError
from followupd.recovery.blockers import still_to_give
from followupd.recovery.commands.context import CommandContext, about, numbered

#: whoever speaks on a tape has reached nobody (practice 69)
_VOICE_MAIL = re.compile(
    r"voice ?-?mail|answering machine|left a message|message left|no answer|nobody|anrufbeantworter|mailbox|niemand|répondeur"
    r"|messagerie|personne|buzón|contestador|nadie",
    re.IGNORECASE,
)


def complaint(command: Command, scene: CommandContext) -> list[e.Event]:
    stage = scene.case.stage
    if stage in {Stage.SUSPECTED, Stage.DISMISSED}:
        return [e.ComplaintHeard(at=scene.now, **about(command))]
    if stage in {Stage.CLOSED, Stage.FOLLOWED_UP}:
        return [e.Reopened(at=scene.now, **about(command))]
    if scene.case.by_machine:  # a person has now said what the machine only thought
        return [e.ComplaintHeard(at=scene.now, **about(command))]
    return []


def dismiss(command: Command, scene: CommandContext) -> list[e.Event]:
    if scene.case.stage is Stage.DISMISSED:
        return []
    if scene.case.stage in {Stage.FIXED, Stage.FOLLOWED_UP, Stage.CLOSED}:
        raise NotUnderstoodError(
            f"{scene.case.ref} is {scene.case.stage} and cannot be dismissed; say 'close'"
        )
    return [e.Dismissed(at=scene.now, **about(command))]


def fixed(command: Command, scene: CommandContext) -> list[e.Event]:
    case = scene.case
    if case.stage in {Stage.FOLLOWED_UP, Stage.CLOSED}:
        return []
    if case.stage is Stage.FIXED and not case.unanswered:
        return []
    opened = complaint(command, scene) if case.stage in {Stage.SUSPECTED, Stage.DISMISSED} else []
    return [*opened, e.Fixed(at=scene.now, **about(command))]


def close(command: Command, scene: CommandContext) -> list[e.Event]:
    case = scene.case
    if case.stage is Stage.CLOSED:
        return []
    if case.stage in {Stage.SUSPECTED, Stage.DISMISSED}:
        raise NotUnderstoodError(f"{case.ref} is {case.stage}; say 'dismiss' or 'complaint'")
    if case.owed:
        numbers = ", ".join(str(promise.n) for promise in case.owed)
        raise NotUnderstoodError(
            f"{case.ref} cannot close while promise {numbers} is owed; say 'kept: N' or 'withdraw: N because ...'"
        )
    due = [g.n for g in case.compensation if still_to_give(g) and not _goes_by_itself(g, case)]
    if due:
        numbers = ", ".join(map(str, due))
        raise NotUnderstoodError(
            f"{case.ref} cannot close while compensation {numbers} is not given; say 'issued: N' or 'refused: N' first"
        )
    if (
        not case.promises and not case.compensation
    ):  # practice 57: even one who only vents expects us to do something
        raise NotUnderstoodError(
            f"{case.ref} cannot close without a next step or a gesture; say 'gesture: ...' first"
        )
    return [e.Closed(at=scene.now, **about(command))]


def _goes_by_itself(grant: Compensation, case: Case) -> bool:
    """A gift card leaves after the follow-up, whether or not the case is closed by then."""
    after_follow_up = case.stage is Stage.FOLLOWED_UP
    return grant.kind is Gift.GIFT_CARD and grant.state is GrantState.GRANTED and after_follow_up


def hold(command: Command, scene: CommandContext) -> list[e.Event]:
    return [] if scene.case.held else [e.Held(at=scene.now, by=command.actor, why=f"{command.source}: hold")]


def release(command: Command, scene: CommandContext) -> list[e.Event]:
    return [e.Released(at=scene.now, **about(command))] if scene.case.held else []


def reached(command: Command, scene: CommandContext) -> list[e.Event]:
    if _VOICE_MAIL.search(command.text):
        return not_reached(command, scene)
    known = scene.case.reached and not scene.case.not_reached
    return [] if known else [e.CustomerReached(at=scene.now, **about(command))]


def not_reached(command: Command, scene: CommandContext) -> list[e.Event]:
    """Nobody spoke with the customer; each further try is said anew, and reminded of anew."""
    why = command.text or "nobody answered the phone"
    again = scene.case.not_reached_at == scene.now
    return [] if again else [e.CustomerNotReached(at=scene.now, by=command.actor, why=why)]


def opened(command: Command, scene: CommandContext) -> list[e.Event]:
    """A promise or a grant on a mail that nobody called a complaint yet calls it one."""
    return complaint(command, scene) if scene.case.stage in {Stage.SUSPECTED, Stage.DISMISSED} else []


def received(command: Command, scene: CommandContext) -> list[e.Event]:
    known = [g.n for g in scene.case.compensation if g.state in {GrantState.ISSUED, GrantState.MISSING}]
    numbers = numbered(command, known, "compensation")
    return [e.CompensationConfirmed(at=scene.now, n=n, **about(command)) for n in numbers]


def missing(command: Command, scene: CommandContext) -> list[e.Event]:
    """It has not arrived: the matter is open again."""
    known = [g.n for g in scene.case.compensation if g.state in {GrantState.ISSUED, GrantState.CONFIRMED}]
    numbers = numbered(command, known, "compensation")
    lost: list[e.Event] = [e.CompensationMissing(at=scene.now, n=n, **about(command)) for n in numbers]
    done = scene.case.stage in {Stage.FIXED, Stage.FOLLOWED_UP, Stage.CLOSED}
    return [*lost, e.Reopened(at=scene.now, **about(command))] if lost and done else lost
