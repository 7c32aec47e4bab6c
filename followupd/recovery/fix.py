"""The matter is called fixed: what the follow-up will need and does not have is asked of the owner, once."""

from datetime import datetime

from followupd.domain.case import Case, Stage
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import MissingAsked
from followupd.domain.letter import FOLLOW_UP_EXTRAS, LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import sentence_list
from followupd.recovery.blockers import Blocker, asks, blockers_of


def next_due(_case: Case, _playbook: Playbook) -> datetime | None:
    return None


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask the owner for everything that is missing, in one mail; ask again only when something new is missing."""
    if case.stage is not Stage.FIXED or case.held:
        return []
    missing = [lack for lack in blockers_of(case) if lack.ask]
    if not {lack.name for lack in missing} - set(case.asked):
        return []
    due = playbook.calendar.after(case.fixed_at or now, playbook.follow_up_after)
    lines = (*asks(missing), *_welcome(case))
    brief = LetterContent(
        because=_because(missing), asks=lines, quote=case.latest or case.story, until=due, promises=case.owed
    )
    names = tuple(sorted({*case.asked, *(lack.name for lack in missing)}))
    asked = MissingAsked(at=now, missing=names, why=_because(missing))
    return [asked, write.desk(LetterKind.FACTS, case, playbook, now, brief, playbook.owner_of(case.owner))]


def _because(missing: list[Blocker]) -> str:
    return sentence_list(lack.sentence for lack in missing)


def _welcome(case: Case) -> tuple[str, ...]:
    """Lines that may stay empty; they never cause a mail, and are never asked for in one of their own."""
    return tuple(f"{name}: " for name in case.facts.missing(FOLLOW_UP_EXTRAS))
