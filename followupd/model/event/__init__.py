"""Everything that can happen in a case, each event with what it changes; the history is made of these."""

from followupd.model.event.base import Event
from followupd.model.event.compensation import (
    CompensationApproved,
    CompensationConfirmed,
    CompensationGranted,
    CompensationIssued,
    CompensationMissing,
    CompensationRefused,
    GiftCardDue,
    GiftCardLacking,
)
from followupd.model.event.letters import (
    AgentTold,
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
from followupd.model.event.life import (
    CaseOpened,
    Closed,
    ComplaintHeard,
    ComplaintSuspected,
    Dismissed,
    Fixed,
    Held,
    Parked,
    Released,
    Reopened,
)
from followupd.model.event.options import (
    OptionChosen,
    OptionOffered,
    OptionsAsked,
    OptionWithdrawn,
)
from followupd.model.event.people import (
    Approved,
    CallAsked,
    CustomerAway,
    CustomerNotReached,
    CustomerReached,
    MissingAsked,
    OwnerNudged,
)
from followupd.model.event.promises import (
    PromiseBroken,
    PromiseKept,
    PromiseLate,
    PromiseMade,
    PromiseProposed,
    PromiseWithdrawn,
)
from followupd.model.event.said import (
    AgentWrote,
    CustomerWrote,
    FactsStated,
    OwnerChosen,
    PlaybookChosen,
    SeverityChosen,
    WordingInsisted,
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
    "SeverityChosen",
    "WordingInsisted",
]


def _subclasses(kind: type[Event]) -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    for each in kind.__subclasses__():
        found |= ({} if each.__name__.startswith("_") else {each.__name__: each}) | _subclasses(each)
    return found


#: every event by its name, as the history stores it
EVENTS: dict[str, type[Event]] = _subclasses(Event)
