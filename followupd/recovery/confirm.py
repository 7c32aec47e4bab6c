"""What was promised is put in writing: one confirmation after a quiet window, one delay letter for a new date."""

from dataclasses import replace
from datetime import datetime

from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Compensation, Gift
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import OptionsAsked
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Option, OptionState, Promise, PromiseState

#: stages in which nobody is promised anything by machine
_SILENT = frozenset({Stage.SUSPECTED, Stage.DISMISSED})
#: stages in which the matter has been put right
_PAST = frozenset({Stage.FIXED, Stage.FOLLOWED_UP, Stage.CLOSED})
#: a customer who keeps writing postpones the answer at most this many quiet windows
_PATIENCE = 3


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return the end of the quiet window: several mails, one answer (practice 61)."""
    made = [promise.made_at for promise in _to_confirm(case) if promise.made_at]
    made += [option.offered_at for option in _to_ask(case) if option.offered_at]
    if not made:
        return None
    first, last = min(made), max(made)
    window = playbook.calendar.after(first, playbook.confirm_after) - first
    lately = max(last, case.customer_wrote_at or last)
    return min(lately + window, first + _PATIENCE * window)


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Write the confirmation or the delay letter that is due."""
    if case.held or case.stage in _SILENT:
        return []
    return [*_confirm(case, playbook, write, now), *_delay(case, playbook, write, now)]


def hindered(case: Case) -> str:
    """Say why promises that are made do not go into writing by machine, "" when they may."""
    if case.held:
        return f"the case is held{': ' + case.held_because if case.held_because else ''}"
    if case.by_machine and case.no_answer and _standing_only(case.unwritten) and not case.unasked:
        return f"a machine must not answer: {case.no_answer}"
    if case.not_reached:
        return f"the customer was not reached: {case.not_reached}"
    return ""


def _to_confirm(case: Case) -> tuple[Promise, ...]:
    if case.under_way(LetterKind.HOLDING):
        return ()  # that letter names its own date
    unwritten = case.unwritten
    # What an agent has already put right needs no standing "we look into it"; the follow-up tells the whole story.
    return () if case.stage in _PAST and _standing_only(unwritten) else unwritten


def _to_ask(case: Case) -> tuple[Option, ...]:
    """Return every open option when one of them is new to the customer; one alone is no choice."""
    open_ones = tuple(option for option in case.options if option.state is OptionState.OPEN)
    return open_ones if case.stage not in _PAST and case.unasked and len(open_ones) > 1 else ()


def _standing_only(promises: tuple[Promise, ...]) -> bool:
    return all(promise.source == "playbook" for promise in promises)


def _confirm(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    waiting, options, due = _to_confirm(case), _to_ask(case), next_due(case, playbook)
    if due is None or due > now or case.under_way(LetterKind.CONFIRMATION) or hindered(case):
        return []
    standing = _standing_only(waiting) and not options
    given = _given_apart(case, waiting)
    brief = LetterContent(
        promises=waiting, compensation=given, options=options, automatic=standing, reply=standing
    )
    letter = write.letter(LetterKind.CONFIRMATION, case, playbook, now, brief)
    asked = [OptionsAsked(at=now, key=letter.key)] if options else []
    return [
        *asked,
        replace(letter, review=playbook.confirm_review, concerns=tuple(promise.n for promise in waiting)),
    ]


def _given_apart(case: Case, promises: tuple[Promise, ...]) -> tuple[Compensation, ...]:
    """Return what is given besides the promises of this letter: one deed stands in it once, and a gift card never."""
    named = {promise.n for promise in promises}
    return tuple(g for g in case.compensation if g.promise not in named and g.kind is not Gift.GIFT_CARD)


def _delay(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Bad news early (practice 26): the new date goes out at once, one letter for all that slipped."""
    late = tuple(p for p in case.promises if p.state is PromiseState.LATE and not p.confirmed)
    if not late or case.under_way(LetterKind.DELAY) or case.not_reached:
        return []
    because = next((p.because for p in late if p.because), "")
    brief = LetterContent(promises=late, because=because, until=late[0].promised_by, automatic=False)
    letter = write.letter(LetterKind.DELAY, case, playbook, now, brief)
    return [replace(letter, concerns=tuple(promise.n for promise in late))]
