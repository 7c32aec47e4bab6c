"""A gift card goes in a message and a thread of its own, after the follow-up (practices 44, 47, 59)."""

from datetime import datetime

from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.decision import Decision, LetterRenderer
from followupd.domain.events import CompensationGranted, GiftCardDue
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Playbook


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the card is to be ordered: so long after the follow-up, later when the customer is away."""
    grant = _granted(case)
    if case.followed_up_at is None or not _wanted(case, playbook) or (grant and grant.n == case.card_ordered):
        return None
    due = playbook.calendar.after(case.followed_up_at, playbook.gift_card_after)
    return max(due, case.away_until or due)


def decide(case: Case, playbook: Playbook, _write: LetterRenderer, now: datetime) -> list[Decision]:
    """Say that one gift card is due; the round orders it and has its letter written when the card has come."""
    due = next_due(case, playbook)
    if due is None or due > now or case.under_way(LetterKind.GIFT_CARD) or waits(case):
        return []
    steps: list[Decision] = []
    grant = _granted(case)
    if grant is None and playbook.gift_card_amount:
        n = max((each.n for each in case.compensation), default=0) + 1
        grant = Compensation(
            n=n,
            kind=Gift.GIFT_CARD,
            state=GrantState.GRANTED,
            money=playbook.gift_card_amount,
            source="playbook",
        )
        steps.append(CompensationGranted(at=now, why=f"playbook {playbook.name}", compensation=grant))
    if grant is None or grant.money is None:
        return steps
    return [*steps, GiftCardDue(at=now, n=grant.n, money=grant.money)]


def given_up(case: Case, n: int) -> str:
    """Say why the card of a grant will not be given any more, "" while it will."""
    grant = case.grant(n)
    if grant is None or grant.state is not GrantState.GRANTED:
        return f"the gift card is {grant.state if grant else 'not granted'}"
    return "its letter is written" if case.under_way(LetterKind.GIFT_CARD) else ""


def waits(case: Case) -> str:
    """Say why a card that is on order should not come at this moment, "" when it may."""
    if case.stage not in {Stage.FOLLOWED_UP, Stage.CLOSED}:
        return f"the case is {case.stage}"
    if case.held:
        return "the case is held"
    return f"the customer was not reached: {case.not_reached}" if case.not_reached else ""


def _granted(case: Case) -> Compensation | None:
    cards = (g for g in case.compensation if g.kind is Gift.GIFT_CARD and g.state is GrantState.GRANTED)
    return next(cards, None)


def _wanted(case: Case, playbook: Playbook) -> bool:
    offered = any(grant.kind is Gift.GIFT_CARD for grant in case.compensation)
    return _granted(case) is not None or bool(playbook.gift_card_amount and not offered)
