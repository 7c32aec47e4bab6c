"""The confirmation: promises in writing after a quiet window; a new date in a delay letter at once."""

from dataclasses import replace
from datetime import datetime

from followupd.domain.calendar import has_come
from followupd.domain.case import NO_COMPLAINT, Case, numbers
from followupd.domain.decision import (
    Decision,
    LetterRenderer,
    all_standing,
    confirmation_content,
    to_ask,
    to_confirm,
)
from followupd.domain.events import OptionsAsked
from followupd.domain.keys import ReminderKey
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Promise
from followupd.recovery.blockers import (
    delay_due,
    delay_letter,
    delay_to_read,
    late_promises,
    passes,
    showing,
    shown_at,
    unread_key,
)

#: a customer who keeps writing postpones the confirmation by at most this many quiet windows
_MAX_WINDOWS = 3


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when a letter is due about what is promised, or about what was withdrawn.

    Returns:
        A time in UTC, which may have passed; None when nothing is to be told, or all of it at once.
    """
    times = [_confirmation_due(case, playbook), *(_told_from(p, playbook) for p in case.untold)]
    if late_promises(case) or case.untold:
        waits = (delay_due(case, playbook), _delay_read(case, playbook))
        times.append(max(filter(None, waits), default=None))
    return min(filter(None, times), default=None)


def _delay_read(case: Case, playbook: Playbook) -> datetime | None:
    """Return until when the owner has time to read the delay letter.

    Returns:
        A time in UTC; None if the letter was not shown, or a date that the customer knows would pass meanwhile.
    """
    shown = shown_at(LetterKind.DELAY, case)
    if shown is None:
        return None

    read = playbook.calendar.after(shown, playbook.confirm_after)
    return None if passes(case, shown, read) else read


def _told_from(promise: Promise, playbook: Playbook) -> datetime | None:
    """Return when the customer is told of a withdrawn promise: agents can say it first, during the quiet window."""
    if promise.untold_since is None:
        return None
    return playbook.calendar.after(promise.untold_since, playbook.confirm_after)


def _withdrawn(case: Case, playbook: Playbook, now: datetime) -> list[Promise]:
    """Return the withdrawn promises of which the customer is told now: all of them, in one letter.

    Args:
        case: whose late promises need a letter anyway, which tells of the withdrawn ones too.
        playbook: which says how long agents have to tell the customer first.
        now: the time of the cycle, in UTC.
    """
    if late_promises(case) or any(has_come(_told_from(promise, playbook), now) for promise in case.untold):
        return list(case.untold)
    return []


def _confirmation_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return the end of the quiet window: several mails get one answer (practice 61).

    The window starts again with each mail and each promise, up to `_MAX_WINDOWS` times.
    """
    times = [promise.made_at for promise in to_confirm(case)]
    times += [option.offered_at for option in to_ask(case)]
    known = list(filter(None, times))
    if not known:
        return None

    first, last = min(known), max(known)
    window = playbook.calendar.after(first, playbook.confirm_after) - first
    last_activity = max(last, case.customer_wrote_at or last)

    due = min(last_activity + window, first + _MAX_WINDOWS * window)
    return max(due, _answer_due(case, playbook) or due, _read_until(case, playbook) or due)


def _read_until(case: Case, playbook: Playbook) -> datetime | None:
    """Return until when the owner has time to read the confirmation, None if it was not shown."""
    shown = shown_at(LetterKind.CONFIRMATION, case)
    return playbook.calendar.after(shown, playbook.confirm_after) if shown else None


def _answer_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return until when the confirmation waits for what an agent says of unclear sentences; None if it does not."""
    if not case.unclear or case.unclear_at is None:
        return None
    return playbook.calendar.after(case.unclear_at, playbook.confirm_answer)


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Write the confirmation after the quiet window, and the delay letter as soon as a promise is late.

    Args:
        case: the case.
        playbook: whose calendar counts the quiet window.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Returns:
        The letters, each with the events that it needs; nothing while the case is held, and no second delay
        letter while one is under way.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if case.held or case.stage in NO_COMPLAINT:
        return []

    return [*_confirmation(case, playbook, write, now), *_delay(case, playbook, write, now)]


def unread_letters(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Letter]:
    """Return the letters that what was said makes and nobody has read, as they would leave now.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: a letter cannot be written.
    """
    if case.held or case.not_reached or case.stage in NO_COMPLAINT:
        return []

    found = []
    if unread_key(LetterKind.CONFIRMATION, case) and (to_confirm(case) or to_ask(case)):
        content = confirmation_content(case, review=playbook.confirm_review)
        found.append(write.letter(LetterKind.CONFIRMATION, case, playbook, now, content))
    changed = (*case.untold, *late_promises(case))
    if unread_key(LetterKind.DELAY, case) and changed:
        found.append(delay_letter(case, changed, playbook, write, now))
    return found


def _delay(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return the letter about late and withdrawn promises, if it is due, and not before its owner has read it.

    The mail that shows it is one of the reminders (`remind`).

    Args:
        case: the case.
        playbook: which says whether the owner reads the letter first.
        write: writes the letter.
        now: the time of the cycle, in UTC.
    """
    if case.under_way(LetterKind.DELAY) or case.not_reached or not (case.untold or late_promises(case)):
        return []
    if not has_come(delay_due(case, playbook) or now, now):
        return []

    if delay_to_read(case, playbook, write, now):
        return []

    changed = (*_withdrawn(case, playbook, now), *late_promises(case))
    if not changed or not has_come(_delay_read(case, playbook) or now, now):
        return []
    return [delay_letter(case, changed, playbook, write, now)]


def why_blocked(case: Case) -> str:
    """Return why no confirmation is written although something is promised, "" when it may be written."""
    if case.held:
        return _sentence("the case is held", case.held_because)

    if case.no_answer and _only_a_machine_speaks(case):
        return _sentence("a machine must not answer", case.no_answer)

    if case.not_reached:
        return _sentence("the customer was not reached", case.not_reached)
    return ""


def _sentence(problem: str, reason: str) -> str:
    """Return the problem with its reason, if there is one."""
    if not reason:
        return problem

    return f"{problem}: {reason}"


def _only_a_machine_speaks(case: Case) -> bool:
    """Return whether no agent had a part in what the confirmation would say (RFC 3834, section 2).

    The recogniser opened the case, and only the playbook's standing next steps are promised.
    """
    if not case.by_machine or case.unasked:
        return False

    return all_standing(case.unwritten)


def _confirmation(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Return the confirmation of everything promised and the question about open options, if it is due.

    Args:
        case: the case.
        playbook: which says whether the owner reads the letter first, or an agent approves it.
        write: writes the letter.
        now: the time of the cycle, in UTC.

    Returns:
        The letter; before the owner has read it, what shows it to them; nothing before it is due.
    """
    due = _confirmation_due(case, playbook)
    if due is None or case.under_way(LetterKind.CONFIRMATION) or why_blocked(case):
        return []

    unread = _unread(case, playbook, now)
    if not unread and not has_come(due, now):
        return []

    letter = write.letter(
        LetterKind.CONFIRMATION,
        case,
        playbook,
        now,
        confirmation_content(case, review=playbook.confirm_review),
    )
    letter = replace(letter, concerns=tuple(numbers(to_confirm(case))))
    if unread:
        leaves_at = max(due, playbook.calendar.after(now, playbook.confirm_after))
        return showing(unread, letter, leaves_at, case, playbook, write, now)

    options = to_ask(case)
    return [OptionsAsked(at=now, key=letter.key), letter] if options else [letter]


def _unread(case: Case, playbook: Playbook, now: datetime) -> ReminderKey | None:
    """Return the key of what the owner has to read before the confirmation leaves.

    Returns:
        None if the playbook shows no letters, if there is nothing to read, while an answer may still change
        it, and once it was shown.
    """
    if not playbook.confirm_show or not has_come(_answer_due(case, playbook) or now, now):
        return None
    return unread_key(LetterKind.CONFIRMATION, case)
