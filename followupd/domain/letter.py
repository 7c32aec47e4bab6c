"""A letter on its way out: its kind, its frozen words and headers, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from followupd.domain.mail import Person

CONFIRMATION = "confirmation"
DELAY = "delay"
HOLDING = "holding"
FOLLOW_UP = "follow-up"
GIFT_CARD = "gift-card"
CUSTOMER_LETTERS = (CONFIRMATION, DELAY, HOLDING, FOLLOW_UP, GIFT_CARD)

OPENED = "desk/opened"
FACTS = "desk/facts"
NUDGE = "desk/nudge"
ESCALATION = "desk/escalation"
DOUBT = "desk/doubt"
APPROVAL = "desk/approval"
CALL = "desk/call"
DIGEST = "desk/digest"
ANSWER = "desk/answer"
DESK_MAILS = (OPENED, FACTS, NUDGE, ESCALATION, DOUBT, APPROVAL, CALL, DIGEST, ANSWER)

#: facts without which a follow-up is not written (practices 5, 48)
FOLLOW_UP_FACTS = ("cause", "resolution", "prevention")
#: facts that a follow-up does without where nobody says them, and is better with (practices 2, 3, 6, 36)
FOLLOW_UP_EXTRAS = ("fault", "impact", "issue")


class LetterStatus(StrEnum):
    """Where a letter in the outbox stands."""

    #: waits for an agent's `approve`
    REVIEW = "review"
    #: may leave at `not_before`
    READY = "ready"
    #: claimed and handed to the post; whoever finds it so at start-up does not know whether it left
    LEAVING = "leaving"
    #: the server accepted it, by its own word or by the witness
    SENT = "sent"
    #: the server asked us to come back later
    DEFERRED = "deferred"
    #: the server refused it for good
    REFUSED = "refused"
    #: nobody knows whether it left (RFC 1047); evidence or a person decides
    DOUBT = "doubt"
    #: a person, or a changed case, took it back before it left
    DROPPED = "dropped"


class Draft(StrEnum):
    """Where the draft of a letter in review stands."""

    #: none was filed
    NONE = ""
    #: it lies in Drafts
    FILED = "filed"
    #: the letter is approved, and leaves once its draft is taken away unchanged
    WANTED = "wanted"
    #: it was approved, and its draft was not as we had written it
    CHANGED = "changed"
    #: it was approved, and its draft was gone
    MISSING = "missing"
    #: the agent was asked about that; the next `approve` lets it leave
    ASKED = "asked"
    #: it lies there no more, or is the agent's own
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A small file that goes with a letter, such as a call's .ics; `media_type` is "text/calendar"."""

    filename: str
    media_type: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter, its words frozen. `key` is a sentence ("FU-7K3Q9.follow-up.1") and the primary key of the outbox.

    `auto_submitted` is "auto-replied", "auto-generated" or "" (RFC 3834, section 5). `automatic` letters count in the
    budget of automatic mail to one address. `witness` asks for the blind copy that proves acceptance.
    """

    key: str
    case: str
    kind: str
    mailbox: str
    sender: Person
    to: Person
    subject: str
    text: str
    html: str = ""
    message_id: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    auto_submitted: str = "auto-generated"
    automatic: bool = True
    witness: bool = True
    attachments: tuple[Attachment, ...] = ()
    not_before: datetime | None = None
    review: bool = False
    language: str = ""  # the language that it is written in
    concerns: tuple[
        int, ...
    ] = ()  # numbers of the promises it puts in writing, or of the grant it hands over
    good_until: datetime | None = None  # when what it hands over expires

    @property
    def to_customer(self) -> bool:
        return not self.kind.startswith("desk/")


class DeliveryOutcome(StrEnum):
    """What the post says of one letter; a value, never an exception."""

    #: 2xx after the final dot: the server has it
    ACCEPTED = "accepted"
    #: 4xx, or no connection: nothing was taken, come back later
    DEFERRED = "deferred"
    #: 5xx: it will never be taken
    REFUSED = "refused"
    #: the line broke between the final dot and the reply (RFC 1047): it may have left
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The outcome of handing one letter over, with the server's own words for the log.

    `witnessed` says that the server took the witness as a recipient too, so that a copy is to be expected. `outage` says
    that no line could be opened, or no login made: the other letters of this beat would fare the same.
    """

    outcome: DeliveryOutcome
    reply: str = ""
    witnessed: bool = False
    outage: bool = False
