"""The follow-up: its facts are asked for at the fix, it is sent some days later.

Then the owner is asked to call, and the case is closed. How many days later it is due is the rule of
`Playbook.follow_up_due`; this module adds what postpones it.
"""

from datetime import datetime

from followupd.domain.calendar import has_come
from followupd.domain.case import UNDER_WAY, Case, Stage
from followupd.domain.decision import AgendaItem, Decision, LetterContent, LetterRenderer
from followupd.domain.events import CallAsked, Closed, MissingAsked
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import FOLLOW_UP_EXTRAS, Letter, LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg, sentence_list
from followupd.recovery.blockers import (
    SHOWN_BEFORE,
    Blocker,
    asks,
    blockers_of,
    showing,
    shown_at,
    still_to_give,
    to_read,
    unread_key,
)


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the follow-up is due, or after it when the case is closed without an answer.

    Returns:
        A time in UTC; while the customer is away, that of the return. None before the fix and after the
        close.
    """
    if case.stage is Stage.FIXED:
        return _look_at(case, playbook)
    if case.stage is Stage.FOLLOWED_UP:
        return _close_at(case, playbook)
    return None


def _look_at(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the follow-up is shown to its owner; once it was, or needs not be, when it leaves.

    It is not shown before the morning of its day, so that the digest can show it.
    """
    due = _leaves_at(case, playbook)
    if due is None or blockers_of(case, playbook) or _unread(case, playbook) is None:
        return due

    calendar = playbook.calendar
    morning = calendar.moment(calendar.local(due).date(), calendar.open)
    return max(calendar.before(due, SHOWN_BEFORE), min(morning, due))


def _unread(case: Case, playbook: Playbook) -> ReminderKey | None:
    """Return the key of what the owner has to read before the follow-up leaves, None if there is nothing."""
    return unread_key(LetterKind.FOLLOW_UP, case) if playbook.follow_up_show else None


def _leaves_at(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the follow-up leaves: when it is due, and when the owner has had the time to read it."""
    due = due_at(case, playbook)
    shown = shown_at(LetterKind.FOLLOW_UP, case) if playbook.follow_up_show else None
    if due is None or shown is None:
        return due

    return max(due, playbook.calendar.after(shown, SHOWN_BEFORE))


def due_at(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the follow-up is due, None before the fix."""
    return playbook.follow_up_due(case.fixed_at, case.away_until) if case.fixed_at else None


def _close_at(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the case is closed if the customer does not answer the follow-up."""
    if case.followed_up_at is None:
        return None

    return playbook.calendar.after(case.followed_up_at, playbook.close_after)


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask for what the follow-up lacks; write it when it is due and nothing blocks it.

    Afterwards ask for the call, and close the case.

    Args:
        case: the case.
        playbook: which says when the follow-up leaves, whether to call, and when to close.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Returns:
        What one cycle does: a question about what is missing goes before the follow-up, the call before the
        close. Nothing while the case is held.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if case.held:
        return []

    if case.stage is Stage.FIXED:
        return _ask_for_missing(case, playbook, write, now) or _follow_up(case, playbook, write, now)
    if case.stage is Stage.FOLLOWED_UP:
        return _call(case, playbook, write, now) or _close(case, playbook, now)
    return []


def _ask_for_missing(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask the owner for everything that is missing in one mail, and again only when something new is missing.

    Of promises alone the owner is reminded on their days.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Returns:
        The event that it was asked for, then the mail. What was asked for earlier stays in the event, so that
        it is not asked for again.
    """
    missing = [blocker for blocker in blockers_of(case, playbook) if blocker.ask]
    names = {blocker.name for blocker in missing}
    if all(name.startswith("promise-") for name in names.difference(case.asked)):
        return []

    content = _question(case, playbook, missing, now)
    asked = MissingAsked(
        at=now,
        why=content.because,
        missing=tuple(sorted(names.union(case.asked))),
    )
    owner = playbook.owner_of(case.owner)
    return [asked, write.desk(LetterKind.FACTS, case, playbook, now, content, owner)]


def _question(case: Case, playbook: Playbook, missing: list[Blocker], now: datetime) -> LetterContent:
    """Return what the owner is asked, with the day of the follow-up, by which the answer is needed."""
    fixed_at = case.fixed_at or now
    return LetterContent(
        because=sentence_list(blocker.sentence for blocker in missing),
        asks=(*asks(missing), *_optional_lines(case)),
        quote=case.newest_words,
        until=playbook.follow_up_due(fixed_at, case.away_until),
        promises=case.owed,
    )


def _optional_lines(case: Case) -> tuple[str, ...]:
    """Return the lines for facts that may stay empty; a mail is never written for them alone."""
    return tuple(f"{name}: " for name in case.facts.missing(FOLLOW_UP_EXTRAS))


def _follow_up(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return the follow-up, if it is due and nothing blocks it.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Returns:
        The letter; before the owner has read it, what shows it to them. It is due for that earlier than it
        leaves.
    """
    if not has_come(_look_at(case, playbook), now):
        return []
    if case.under_way(LetterKind.FOLLOW_UP) or blockers_of(case, playbook):
        return []

    content = LetterContent(review=playbook.follow_up_review)
    letter = write.letter(LetterKind.FOLLOW_UP, case, playbook, now, content)
    unread = _unread(case, playbook)
    if unread:
        return showing(unread, letter, _leaving(case, playbook, now), case, playbook, write, now)
    return [letter]


def _leaving(case: Case, playbook: Playbook, now: datetime) -> datetime:
    """Return when a follow-up leaves that is shown now.

    Returns:
        A time in UTC: the day of the follow-up, but not before the owner has had the time to read it.
    """
    read = playbook.calendar.after(now, SHOWN_BEFORE)
    return max(read, due_at(case, playbook) or read)


def shown_today(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> AgendaItem | None:
    """Return the follow-up that leaves on this day, for the digest of its owner; None if there is none to read.

    Args:
        case: the case.
        playbook: in whose time zone the day is meant.
        write: writes the letter.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter cannot be written.
    """
    key = _unread(case, playbook)
    if case.stage is not Stage.FIXED or case.held or key is None:
        return None

    local, due = playbook.calendar.local, due_at(case, playbook)
    is_today = due is not None and local(due).date() <= local(now).date()
    if not is_today or blockers_of(case, playbook):
        return None

    letter = write.letter(LetterKind.FOLLOW_UP, case, playbook, now, LetterContent())
    leaves_at = _leaving(case, playbook, now)
    return to_read(key, letter, leaves_at, case, playbook, since=case.fixed_at or now)


def unread_letters(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Letter]:
    """Return the follow-up as it would leave now, where nothing keeps it back and nobody has read it; else none.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letter.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the letter cannot be written.
    """
    waits = case.held or case.stage is not Stage.FIXED or blockers_of(case, playbook)
    if waits or _unread(case, playbook) is None:
        return []
    return [write.letter(LetterKind.FOLLOW_UP, case, playbook, now, LetterContent())]


def _call(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask the owner to call on the day of the follow-up, or at the next opening (practice 45).

    A digest of that morning has asked already.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Returns:
        The event that the owner was asked, and the mail where no digest did; nothing where the playbook wants
        no call, or the owner has been asked or has spoken with the customer.
    """
    if not playbook.follow_up_call or case.call_asked_at or case.reached:
        return []

    local = playbook.calendar.local
    told_at = case.reminded_at(ReminderKey(ReminderKind.CALL, at=case.fixed_at))
    if told_at and local(told_at).date() == local(case.followed_up_at or now).date():
        return [CallAsked(at=now, why="in the digest")]

    content = LetterContent(
        because=msg("the follow-up has left"),
        quote=case.story,
        until=playbook.calendar.next_open(now),
        asks=("reached", "not-reached"),
    )
    owner = playbook.owner_of(case.owner)
    return [CallAsked(at=now), write.desk(LetterKind.CALL, case, playbook, now, content, owner)]


def _close(case: Case, playbook: Playbook, now: datetime) -> list[Decision]:
    """Close the case once the customer was reached or has had time to answer, if nothing is left to do.

    Args:
        case: one whose follow-up has left.
        playbook: which says how long the customer has to answer.
        now: the time of the cycle, in UTC.
    """
    if case.not_reached or _has_open_work(case, playbook) or _waits_for_answer(case):
        return []

    if case.reached:
        return [Closed(at=now, why="the customer was reached")]
    if has_come(next_due(case, playbook), now):
        return [Closed(at=now, why="nothing is owed any more")]
    return []


def _has_open_work(case: Case, playbook: Playbook) -> bool:
    """Return whether a promise, a grant, a letter or the playbook's gift card is still to come."""
    letters_under_way = case.letters_in(*UNDER_WAY)
    gift_card_to_come = playbook.gift_card_amount is not None and not case.gift_cards

    grants_to_come = list(filter(still_to_give, case.compensation))
    return any((case.owed, case.untold, letters_under_way, gift_card_to_come, grants_to_come))


def _waits_for_answer(case: Case) -> bool:
    """Return whether the customer has written and nobody has answered since."""
    wrote_at, answered_at = case.customer_wrote_at, case.we_wrote_at
    if not case.unanswered or wrote_at is None:
        return False

    if answered_at is None:
        return True
    return answered_at < wrote_at
