"""Events of letters: written, sent, in doubt, refused, dropped. Their text is in the outbox."""

from dataclasses import dataclass
from typing import Any, ClassVar

from followupd.domain.case import Case
from followupd.domain.compensation import GrantState
from followupd.domain.events.case import Event
from followupd.domain.letter import LetterKind, LetterRecordState


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWritten(Event):
    """A letter was written and put into the outbox; `review` means that an agent must approve it first."""

    key: str
    kind: LetterKind
    to: str
    subject: str
    review: bool = False

    def apply(self, case: Case) -> Case:
        """Add the letter, and clear what stopped a letter or kept a gift card on order until now."""
        changes: dict[str, Any] = {}
        if self.kind is LetterKind.GIFT_CARD:
            changes |= {"card_ordered": 0, "card_lacking_at": None}
        if self.kind.to_customer:
            changes |= {"stopped": None, "stopped_at": None}

        state = LetterRecordState.REVIEW if self.review else LetterRecordState.PENDING
        return case.with_letter(self.key, self.kind, state, self.at, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterStopped(Event):
    """A letter could not be written.

    The owner is asked, and it is tried again after an agent's next command.
    """

    kind: str

    copies: ClassVar = {"stopped_at": "at"}

    def apply(self, case: Case) -> Case:
        """Store which letter it was, and the reason."""
        case = Event.apply(self, case)
        return case.evolve(stopped=(self.kind, self.why))


@dataclass(frozen=True, slots=True, kw_only=True)
class _LetterChanged(Event):
    """A letter came into another state, which `state` names; letters of some kinds change more."""

    key: str
    kind: LetterKind

    state: ClassVar[LetterRecordState]

    def apply(self, case: Case) -> Case:
        """Set the state of the letter."""
        return case.with_letter(self.key, self.kind, self.state, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(_LetterChanged):
    """An agent approved a letter in review; it may be sent now."""

    state: ClassVar = LetterRecordState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class _LetterSent(_LetterChanged):
    """A letter was sent to the customer; `promises` are now in writing.

    A letter that was only due by its date does not answer a mail of the customer (`is_answer`).
    """

    message_id: str = ""
    promises: tuple[int, ...] = ()

    state: ClassVar = LetterRecordState.SENT
    is_answer: ClassVar = True

    def apply(self, case: Case) -> Case:
        """Set the state of the letter, and mark its promises as confirmed by it."""
        case = _LetterChanged.apply(self, case)
        if self.is_answer or not case.unanswered:
            case = case.evolve(we_wrote_at=self.at)

        for n in self.promises:
            case = case.with_promise(n, confirmed=self.key, untold_since=None, told_before=None)
        return case


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStepConfirmed(_LetterSent):
    """The confirmation was sent: the promises are in writing (practice 27)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedUp(_LetterSent):
    """The follow-up was sent (practice 45)."""

    is_answer: ClassVar = False

    def apply(self, case: Case) -> Case:
        """Ask for a call again, since one before was about something else (practice 45), and keep what was told.

        The follow-up says that the cause will not come back.
        """
        case = _LetterSent.apply(self, case)
        cause, told = case.facts.cause_code, case.prevented
        if cause and case.facts.prevention:
            told = (*told, (cause, self.at))
        return case.evolve(followed_up_at=self.at, reached=False, prevented=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardSent(_LetterSent):
    """The gift card of grant `n` was sent, in a separate thread (practice 47)."""

    n: int = 0

    is_answer: ClassVar = False

    def apply(self, case: Case) -> Case:
        """Mark the grant as issued: the letter contains the card."""
        case = _LetterSent.apply(self, case)
        return case.with_compensation(self.n, state=GrantState.ISSUED, issued_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTold(_LetterSent):
    """A delay letter was sent, or another letter that moves the case to no other stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTold(_LetterChanged):
    """A desk mail was sent to an agent."""

    message_id: str = ""

    state: ClassVar = LetterRecordState.SENT


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterInDoubt(_LetterChanged):
    """The server's reply was lost: the letter may or may not have been sent (RFC 1047)."""

    state: ClassVar = LetterRecordState.DOUBT


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterAgain(_LetterChanged):
    """A letter in doubt is sent again with the same Message-ID, as a person or the configuration decided."""

    state: ClassVar = LetterRecordState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRefused(_LetterChanged):
    """The server refused the letter permanently, or the letter came back."""

    state: ClassVar = LetterRecordState.FAILED

    def apply(self, case: Case) -> Case:
        """Mark the customer as not reached when the letter was for the customer."""
        case = _LetterChanged.apply(self, case)
        if not self.kind.to_customer:
            return case

        return case.evolve(not_reached=self.why, not_reached_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterDropped(_LetterChanged):
    """The letter was cancelled before it was sent."""

    state: ClassVar = LetterRecordState.DROPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAsked(_LetterChanged):
    """An approved letter had a changed or missing draft.

    The agent was asked, and the letter is in review again.
    """

    state: ClassVar = LetterRecordState.REVIEW
