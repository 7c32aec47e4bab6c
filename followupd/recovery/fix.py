"""The fix: once an agent has called the case fixed, the owner is asked for what the follow-up lacks."""

from datetime import datetime

from followupd.domain.case import Case, Stage
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import MissingAsked
from followupd.domain.letter import FOLLOW_UP_EXTRAS, LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import sentence_list
from followupd.recovery.blockers import Blocker, asks, blockers_of


def next_due(_case: Case, _playbook: Playbook) -> datetime | None:
    """Return None: the question follows the fix at once, and later reminders are the business of `remind`."""
    return None


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask the owner for everything that is missing in one mail, and again only when something new is missing.

    Of promises alone the owner is reminded on their days.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if case.stage is not Stage.FIXED or case.held:
        return []

    missing = [blocker for blocker in blockers_of(case) if blocker.ask]
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
        until=playbook.calendar.after(fixed_at, playbook.follow_up_after),
        promises=case.owed,
    )


def _optional_lines(case: Case) -> tuple[str, ...]:
    """Return the lines for facts that may stay empty; a mail is never written for them alone."""
    return tuple(f"{name}: " for name in case.facts.missing(FOLLOW_UP_EXTRAS))
