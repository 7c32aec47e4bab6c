"""The state machine of a case: which event may happen in which stage, and what it changes."""

from collections.abc import Iterable

from followupd.domain import events as e
from followupd.domain.case import Case, Stage
from followupd.domain.events import Event
from followupd.errors import InvalidTransitionError

#: events that are allowed in every stage; where MOVES does not say otherwise, they leave the stage as it is
ANYTIME: frozenset[type[Event]] = frozenset(
    {
        e.Parked,
        e.Held,
        e.Released,
        e.CustomerWrote,
        e.AgentWrote,
        e.Remarked,
        e.FactsStated,
        e.FactReturned,
        e.OwnerChosen,
        e.CustomerChosen,
        e.MailSetAside,
        e.PlaybookChosen,
        e.SeverityChosen,
        e.WordingInsisted,
        e.DraftAsked,
        e.PromiseProposed,
        e.ReplyUnclear,
        e.ReplyExplained,
        e.PromiseKept,
        e.PromiseLate,
        e.PromiseBroken,
        e.PromiseWithdrawn,
        e.CompensationGranted,
        e.CompensationApproved,
        e.CompensationRefused,
        e.CompensationIssued,
        e.CompensationConfirmed,
        e.CompensationMissing,
        e.GiftCardDue,
        e.GiftCardLacking,
        e.GiftCardSent,
        e.LetterWritten,
        e.LetterStopped,
        e.CustomerTold,
        e.AgentTold,
        e.LetterInDoubt,
        e.LetterAgain,
        e.LetterRefused,
        e.LetterDropped,
        e.MissingAsked,
        e.OwnerNudged,
        e.OutcomeKnown,
        e.CallAsked,
        e.CustomerReached,
        e.CustomerNotReached,
        e.CustomerAway,
        e.Approved,
        e.ActionPlanned,
        e.ActionDone,
        e.ActionDropped,
        e.HappenedAgain,
        e.HelpAsked,
        e.HelpAnswered,
        e.HelpSettled,
        e.OptionOffered,
        e.OptionsAsked,
        e.OptionChosen,
        e.OptionWithdrawn,
        e.NextStepConfirmed,
        e.FollowedUp,  # it may become known late that a letter was sent, in whatever stage the case is then
    }
)

#: from each stage, which event leads to which stage. An event that is neither here nor in ANYTIME is not
#: allowed. The diagram in docs/flow.md is drawn from this table.
MOVES: dict[Stage, dict[type[Event], Stage]] = {
    Stage.SUSPECTED: {
        e.ComplaintSuspected: Stage.SUSPECTED,
        e.ComplaintHeard: Stage.HEARD,
        e.Dismissed: Stage.DISMISSED,
    },
    Stage.HEARD: {
        e.ComplaintHeard: Stage.HEARD,
        e.PromiseMade: Stage.PROMISED,
        e.NextStepConfirmed: Stage.HEARD,  # a letter that only offers options
        e.Fixed: Stage.FIXED,
        e.Dismissed: Stage.DISMISSED,
        e.Closed: Stage.CLOSED,
    },
    Stage.PROMISED: {
        e.ComplaintHeard: Stage.PROMISED,
        e.PromiseMade: Stage.PROMISED,
        e.NextStepConfirmed: Stage.CONFIRMED,
        e.Fixed: Stage.FIXED,
        e.Dismissed: Stage.DISMISSED,
        e.Closed: Stage.CLOSED,
    },
    Stage.CONFIRMED: {
        e.ComplaintHeard: Stage.CONFIRMED,
        e.PromiseMade: Stage.PROMISED,
        e.NextStepConfirmed: Stage.CONFIRMED,
        e.Fixed: Stage.FIXED,
        e.Dismissed: Stage.DISMISSED,
        e.Closed: Stage.CLOSED,
    },
    Stage.FIXED: {
        e.ComplaintHeard: Stage.FIXED,
        e.PromiseMade: Stage.FIXED,
        e.NextStepConfirmed: Stage.FIXED,
        e.Fixed: Stage.FIXED,
        e.FollowedUp: Stage.FOLLOWED_UP,
        e.Reopened: Stage.HEARD,
        e.Closed: Stage.CLOSED,
    },
    Stage.FOLLOWED_UP: {
        e.PromiseMade: Stage.PROMISED,
        e.NextStepConfirmed: Stage.FOLLOWED_UP,
        e.FollowedUp: Stage.FOLLOWED_UP,
        e.Reopened: Stage.HEARD,
        e.Closed: Stage.CLOSED,
    },
    Stage.CLOSED: {
        e.PromiseMade: Stage.PROMISED,
        e.NextStepConfirmed: Stage.CLOSED,
        e.FollowedUp: Stage.CLOSED,
        e.Reopened: Stage.HEARD,
    },
    Stage.DISMISSED: {
        e.ComplaintSuspected: Stage.SUSPECTED,
        e.ComplaintHeard: Stage.HEARD,
        e.NextStepConfirmed: Stage.DISMISSED,
        e.Dismissed: Stage.DISMISSED,
    },
}


def after(case: Case, event: Event) -> Case:
    """Return the case after an event; a case changes in no other way.

    Raises:
        InvalidTransitionError: the event is not allowed in the case's stage.
    """
    kind = type(event)
    stage = MOVES[case.stage].get(kind)

    is_written = (
        isinstance(event, e.PromiseMade) and case.stage is Stage.CONFIRMED and event.promise.confirmed
    )
    if is_written or (stage is None and kind in ANYTIME):  # what is in writing already needs no confirmation
        stage = case.stage
    if stage is None:
        raise InvalidTransitionError(f"{kind.__name__} does not fit {case.ref}, which is {case.stage}")

    changed = event.apply(case)
    if changed.stage is stage:
        return changed

    # What stopped a letter in the last stage does not stop one in this stage.
    return changed.evolve(stage=stage, stopped=None, stopped_at=None)


def fold(events: Iterable[Event]) -> Case:
    """Return the case that a history leads to.

    Raises:
        InvalidTransitionError: the history does not begin with CaseOpened, or an event is not allowed in its
        stage.
    """
    first, *rest = events
    if not isinstance(first, e.CaseOpened):
        raise InvalidTransitionError(f"a history begins with {type(first).__name__} instead of CaseOpened")
    case = opened(first)
    for event in rest:
        case = after(case, event)
    return case


def opened(event: e.CaseOpened) -> Case:
    """Return the case that begins with this event."""
    return Case(
        ref=event.ref,
        mailbox=event.mailbox,
        customer=event.customer,
        subject=event.subject,
        playbook=event.playbook,
        owner=event.owner,
        opened_at=event.at,
        severity=event.severity,
        language=event.language,
        message_id=event.message_id,
        references=event.references,
        no_answer=event.no_answer,
        facts=event.facts,
        story=event.story,
        attachments=event.attachments,
        suggested=event.suggested,
        signed_by=event.signed_by,
        danger=event.danger,
        candidates=event.candidates,
        earlier=event.earlier,
        complaints_before=event.complaints_before,
        customer_wrote_at=event.at,
    )
