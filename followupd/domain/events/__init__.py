"""Everything that can happen in a case; the history of a case consists of these events."""

from followupd.domain.events.case import (
    AgentWrote,
    CallAsked,
    CaseOpened,
    Closed,
    ComplaintHeard,
    ComplaintSuspected,
    CustomerAway,
    CustomerNotReached,
    CustomerReached,
    CustomerWrote,
    Dismissed,
    Event,
    FactsStated,
    Fixed,
    Held,
    MissingAsked,
    OwnerChosen,
    OwnerNudged,
    Parked,
    PlaybookChosen,
    Released,
    Reopened,
    SeverityChosen,
    WordingInsisted,
)
from followupd.domain.events.letters import (
    AgentTold,
    Approved,
    CustomerTold,
    DraftAsked,
    FollowedUp,
    GiftCardSent,
    LetterAgain,
    LetterDropped,
    LetterInDoubt,
    LetterRefused,
    LetterStopped,
    LetterWritten,
    NextStepConfirmed,
)
from followupd.domain.events.owed import (
    CompensationApproved,
    CompensationConfirmed,
    CompensationGranted,
    CompensationIssued,
    CompensationMissing,
    CompensationRefused,
    GiftCardDue,
    GiftCardLacking,
    OptionChosen,
    OptionOffered,
    OptionsAsked,
    OptionWithdrawn,
    PromiseBroken,
    PromiseKept,
    PromiseLate,
    PromiseMade,
    PromiseProposed,
    PromiseWithdrawn,
    ReplyExplained,
    ReplyUnclear,
)

__all__ = [
    "EVENTS",
    "AgentTold",
    "AgentWrote",
    "Approved",
    "CallAsked",
    "CaseOpened",
    "Closed",
    "CompensationApproved",
    "CompensationConfirmed",
    "CompensationGranted",
    "CompensationIssued",
    "CompensationMissing",
    "CompensationRefused",
    "ComplaintHeard",
    "ComplaintSuspected",
    "CustomerAway",
    "CustomerNotReached",
    "CustomerReached",
    "CustomerTold",
    "CustomerWrote",
    "Dismissed",
    "DraftAsked",
    "Event",
    "FactsStated",
    "Fixed",
    "FollowedUp",
    "GiftCardDue",
    "GiftCardLacking",
    "GiftCardSent",
    "Held",
    "LetterAgain",
    "LetterDropped",
    "LetterInDoubt",
    "LetterRefused",
    "LetterStopped",
    "LetterWritten",
    "MissingAsked",
    "NextStepConfirmed",
    "OptionChosen",
    "OptionOffered",
    "OptionWithdrawn",
    "OptionsAsked",
    "OwnerChosen",
    "OwnerNudged",
    "Parked",
    "PlaybookChosen",
    "PromiseBroken",
    "PromiseKept",
    "PromiseLate",
    "PromiseMade",
    "PromiseProposed",
    "PromiseWithdrawn",
    "Released",
    "Reopened",
    "ReplyExplained",
    "ReplyUnclear",
    "SeverityChosen",
    "WordingInsisted",
]


def _events_below(parent: type[Event]) -> dict[str, type[Event]]:
    """Return the events derived from a class, directly or not, by name.

    A private one is only a base of others.
    """
    found: dict[str, type[Event]] = {}
    for event in parent.__subclasses__():
        if not event.__name__.startswith("_"):
            found[event.__name__] = event
        found |= _events_below(event)
    return found


#: every event by its name, as the history stores it
EVENTS: dict[str, type[Event]] = _events_below(Event)
