"""What becomes of a letter; its words lie in the outbox."""

from dataclasses import dataclass, replace
from typing import Any

from followupd.domain.case import Case
from followupd.domain.compensation import GrantState
from followupd.domain.events.base import Event
from followupd.domain.letter import LetterKind, LetterRecordState


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWritten(Event):
    """A letter was written and lies in the outbox; its words are frozen there, not here."""

    key: str
    kind: LetterKind
    to: str
    subject: str
    review: bool = False

    def apply(self, case: Case) -> Case:
        no_more: dict[str, Any] = (
            {"card_ordered": 0, "card_lacking_at": None} if self.kind is LetterKind.GIFT_CARD else {}
        )
        if self.kind.to_customer:
            no_more |= {"stopped": None, "stopped_at": None}
        return case.with_letter(
            self.key,
            self.kind,
            LetterRecordState.REVIEW if self.review else LetterRecordState.PENDING,
            self.at,
            **no_more,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterStopped(Event):
    """A letter could not be written; the owner is asked for what is missing. `kind` is tried again after a word."""

    kind: str

    def apply(self, case: Case) -> Case:
        return replace(case, stopped=(self.kind, self.why), stopped_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LetterSent(Event):
    key: str
    kind: LetterKind
    message_id: str = ""
    promises: tuple[int, ...] = ()  # the promises that now stand in writing

    def apply(self, case: Case) -> Case:
        return self._left(case)

    def _left(self, case: Case, **changes: Any) -> Case:
        case = case.with_letter(
            self.key, self.kind, LetterRecordState.SENT, self.at, we_wrote_at=self.at, **changes
        )
        for n in self.promises:
            case = case.with_promise(n, confirmed=self.key)
        return case


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStepConfirmed(_LetterSent):
    """The confirmation left: the promises stand in writing (practice 27)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedUp(_LetterSent):
    """The follow-up left (practice 45)."""

    def apply(self, case: Case) -> Case:
        # The call comes with the letter (practice 45): one before it was about something else.
        return self._left(case, followed_up_at=self.at, reached=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardSent(_LetterSent):
    """The gift card left, in a thread of its own (practice 47)."""

    n: int = 0

    def apply(self, case: Case) -> Case:
        return self._left(case).with_compensation(self.n, state=GrantState.ISSUED, issued_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTold(_LetterSent):
    """A letter of another kind left for the customer: a delay, a holding letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTold(Event):
    """A desk mail left for an agent."""

    key: str
    kind: LetterKind
    message_id: str = ""

    def apply(self, case: Case) -> Case:
        return case.with_letter(self.key, self.kind, LetterRecordState.SENT, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterInDoubt(Event):
    """Nobody knows whether this letter left; evidence or a person decides."""

    key: str
    kind: LetterKind

    def apply(self, case: Case) -> Case:
        return case.with_letter(self.key, self.kind, LetterRecordState.DOUBT, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterAgain(Event):
    """A letter in doubt leaves once more, with the same Message-ID: a person, or the admin's policy, said so."""

    key: str
    kind: LetterKind

    def apply(self, case: Case) -> Case:
        return case.with_letter(self.key, self.kind, LetterRecordState.PENDING, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRefused(Event):
    """The server refused the letter for good, or it came back: the customer was not reached by it."""

    key: str
    kind: LetterKind

    def apply(self, case: Case) -> Case:
        lost = {"not_reached": self.why, "not_reached_at": self.at} if self.kind.to_customer else {}
        return case.with_letter(self.key, self.kind, LetterRecordState.FAILED, self.at, **lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterDropped(Event):
    """The letter was taken back before it left."""

    key: str
    kind: LetterKind

    def apply(self, case: Case) -> Case:
        return case.with_letter(self.key, self.kind, LetterRecordState.DROPPED, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAsked(Event):
    """A letter was approved, and its draft was changed or gone: the agent was asked, and it waits for review again."""

    key: str
    kind: LetterKind

    def apply(self, case: Case) -> Case:
        return case.with_letter(self.key, self.kind, LetterRecordState.REVIEW, self.at)
