"""A gift card goes in a message and a thread of its own, after the follow-up (practices 44, 47, 59)."""

from datetime import datetime, timedelta

from followupd.model.case import Case, Stage
from followupd.model.compensation import Compensation, Gift, GrantState
from followupd.model.event import CompensationGranted, GiftCardDue
from followupd.model.letter import GIFT_CARD, Step, Writer
from followupd.model.playbook import Playbook

#: how often an empty stock is looked at again
RESTOCK = timedelta(hours=1)


def moment(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the card may go: so long after the follow-up, later when the stock was empty or the customer away."""
    if case.followed_up_at is None or not _wanted(case, playbook):
        return None
    due = playbook.calendar.after(case.followed_up_at, playbook.gift_card_after)
    lacking = case.card_lacking_at + RESTOCK if case.card_lacking_at else due
    return max(due, lacking, case.away_until or due)


def act(case: Case, playbook: Playbook, _write: Writer, now: datetime) -> list[Step]:
    """Say that one gift card is due; the round takes the code from the stock and has the letter written."""
    due = moment(case, playbook)
    if case.stage not in {Stage.FOLLOWED_UP, Stage.CLOSED} or case.held or case.not_reached:
        return []
    if due is None or due > now or case.under_way(GIFT_CARD):
        return []
    steps: list[Step] = []
    grant = _granted(case)
    if grant is None and playbook.gift_card_amount:
        n = max((each.n for each in case.compensation), default=0) + 1
        grant = Compensation(
            n=n, kind=Gift.GIFT_CARD, state=GrantState.GRANTED, money=playbook.gift_card_amount, source="playbook"
        )
        steps.append(CompensationGranted(at=now, why=f"playbook {playbook.name}", compensation=grant))
    if grant is None or grant.money is None:
        return steps
    return [*steps, GiftCardDue(at=now, n=grant.n, money=grant.money)]


def _granted(case: Case) -> Compensation | None:
    cards = (g for g in case.compensation if g.kind is Gift.GIFT_CARD and g.state is GrantState.GRANTED)
    return next(cards, None)


def _wanted(case: Case, playbook: Playbook) -> bool:
    offered = any(grant.kind is Gift.GIFT_CARD for grant in case.compensation)
    return _granted(case) is not None or bool(playbook.gift_card_amount and not offered)
