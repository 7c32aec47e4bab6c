"""The gift card: a letter in a separate thread, some time after the follow-up (practices 44, 47 and 59)."""

from datetime import datetime

from followupd.domain.calendar import has_come
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.decision import Decision, LetterRenderer
from followupd.domain.events import CompensationGranted, GiftCardDue
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Playbook


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the card is to be ordered, None when none is wanted or it is on order already.

    That is the playbook's delay after the follow-up, or later when the customer is away.
    """
    if case.followed_up_at is None or not _is_wanted(case, playbook):
        return None
    if _is_ordered(case):
        return None

    due = playbook.calendar.after(case.followed_up_at, playbook.gift_card_after)
    return max(due, case.away_until or due)


def decide(case: Case, playbook: Playbook, _write: LetterRenderer, now: datetime) -> list[Decision]:
    """Order one gift card when it is due; its letter is written once the provider has given the card.

    Returns:
        The order, with the grant before it where there was none yet.
    """
    if not has_come(next_due(case, playbook), now):
        return []
    if case.under_way(LetterKind.GIFT_CARD) or why_blocked(case):
        return []

    grant = _granted(case)
    if grant:
        return _order(grant, now)

    grant = _playbook_grant(case, playbook)
    granted = CompensationGranted(
        at=now,
        why=f"playbook {playbook.name}",
        compensation=grant,
    )
    return [granted, *_order(grant, now)]


def _order(grant: Compensation, now: datetime) -> list[Decision]:
    """Order the card of a grant; without an amount there is nothing to order."""
    if grant.money is None:
        return []

    return [GiftCardDue(at=now, n=grant.n, money=grant.money)]


def why_cancelled(case: Case, n: int) -> str:
    """Return why no card is needed for grant `n` any more, "" while one is."""
    grant = case.grant(n)

    if grant is None:
        return "the gift card is not granted"
    if grant.state is not GrantState.GRANTED:
        return f"the gift card is {grant.state}"
    if case.under_way(LetterKind.GIFT_CARD):
        return "its letter is written"
    return ""


def why_blocked(case: Case) -> str:
    """Return why a card must not be ordered or sent at this time, "" when it may."""
    if case.stage not in {Stage.FOLLOWED_UP, Stage.CLOSED}:
        return f"the case is {case.stage}"
    if case.held:
        return "the case is held"
    if case.not_reached:
        return f"the customer was not reached: {case.not_reached}"
    return ""


def _granted(case: Case) -> Compensation | None:
    """Return the gift card that is granted and not given, or None."""
    for card in case.gift_cards:
        if card.state is GrantState.GRANTED:
            return card
    return None


def _is_ordered(case: Case) -> bool:
    """Return whether the card that is granted is on order already."""
    grant = _granted(case)
    if grant is None:
        return False

    return grant.n == case.card_ordered


def _is_wanted(case: Case, playbook: Playbook) -> bool:
    """Return whether a card is granted, or the playbook offers one and the case has had none."""
    if case.gift_cards:
        return _granted(case) is not None

    return playbook.gift_card_amount is not None


def _playbook_grant(case: Case, playbook: Playbook) -> Compensation:
    """Return the grant of the card that the playbook offers."""
    return Compensation(
        n=case.next_grant,
        kind=Gift.GIFT_CARD,
        state=GrantState.GRANTED,
        money=playbook.gift_card_amount,
        source="playbook",
    )
