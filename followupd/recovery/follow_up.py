"""Days after the fix: the follow-up leaves when nothing is owed, a call is asked for, and the case comes to its end."""

from dataclasses import replace
from datetime import datetime

from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import CallAsked, Closed
from followupd.domain.letter import LetterKind, LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg
from followupd.recovery.blockers import blockers_of, still_to_give


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return the day of the follow-up, or the day on which a followed-up case closes by itself."""
    if case.stage is Stage.FIXED and case.fixed_at:
        due = playbook.calendar.after(case.fixed_at, playbook.follow_up_after)
        return max(due, case.away_until or due)
    if case.stage is Stage.FOLLOWED_UP and case.followed_up_at:
        return playbook.calendar.after(case.followed_up_at, playbook.close_after)
    return None


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Write the follow-up when its day has come and the gate is open; ask for the call; close what is done."""
    if case.held:
        return []
    if case.stage is Stage.FIXED:
        return _follow_up(case, playbook, write, now)
    if case.stage is Stage.FOLLOWED_UP:
        return _call(case, playbook, write, now) or _close(case, playbook, now)
    return []


def _follow_up(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    due = next_due(case, playbook)
    if due is None or due > now or case.under_way(LetterKind.FOLLOW_UP) or blockers_of(case):
        return []
    given = tuple(
        grant
        for grant in case.compensation
        if grant.state in {GrantState.ISSUED, GrantState.CONFIRMED} and grant.kind is not Gift.GIFT_CARD
    )
    letter = write.letter(LetterKind.FOLLOW_UP, case, playbook, now, LetterContent(compensation=given))
    return [replace(letter, review=playbook.follow_up_review)]


def _call(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask the owner to call on the day of the letter, or at the next opening (practice 45)."""
    if not playbook.follow_up_call or case.call_asked_at or case.reached:
        return []
    when = playbook.calendar.next_open(now)
    brief = LetterContent(
        because=msg("the follow-up has left"), quote=case.story, until=when, asks=("reached", "not-reached")
    )
    return [
        CallAsked(at=now),
        write.desk(LetterKind.CALL, case, playbook, now, brief, playbook.owner_of(case.owner)),
    ]


def _close(case: Case, playbook: Playbook, now: datetime) -> list[Decision]:
    due = next_due(case, playbook)
    waited = due is not None and due <= now
    answered = not case.unanswered or (case.we_wrote_at or now) >= (case.customer_wrote_at or now)
    owing = case.owed or any(still_to_give(grant) for grant in case.compensation)
    pending = any(
        mark.state in {LetterRecordState.PENDING, LetterRecordState.REVIEW, LetterRecordState.DOUBT}
        for mark in case.letters
    )
    gift_to_come = playbook.gift_card_amount and not any(g.kind is Gift.GIFT_CARD for g in case.compensation)
    if owing or pending or gift_to_come or not answered or case.not_reached or not (case.reached or waited):
        return []
    return [Closed(at=now, why="the customer was reached" if case.reached else "nothing is owed any more")]
