"""`followupd diff OLD_DIR`: which letters of open cases would read differently with another directory's letters and settings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import unified_diff
from pathlib import Path

from followupd.adapters.settings import load
from followupd.app.container import App, letters_of
from followupd.cli.app import open_house
from followupd.cli.preview.letter import written
from followupd.domain.case import Case, Stage
from followupd.domain.letter import CONFIRMATION, DELAY, FOLLOW_UP, FOLLOW_UP_FACTS, HOLDING
from followupd.domain.promise import PromiseState
from followupd.errors import LetterError

_OVER = frozenset({Stage.CLOSED, Stage.DISMISSED, Stage.SUSPECTED, Stage.FOLLOWED_UP})


@dataclass(frozen=True, slots=True)
class Difference:
    """One letter of one case, as it would read before and now; `lines` are a unified diff."""

    ref: str
    kind: str
    lines: tuple[str, ...]


def differences(directory: Path, old: Path, now: datetime) -> list[Difference]:
    """Return what would read differently in the letters that the open cases have before them.

    Raises:
        SetupError: one of the two configurations cannot be read.
    """
    app = open_house(directory)
    before = _with(app, old)
    with app.ledger.transaction() as tx:
        cases = [case for case in tx.cases.all() if case.stage not in _OVER]
    found = (_difference(before, app, kind, case, now) for case in cases for kind in _to_come(case))
    return [each for each in found if each]


def _with(app: App, old: Path) -> App:
    """Return the house with another directory's letters and playbooks; ledger and keys stay."""
    settings = load(old)
    return replace(app, settings=settings, letters=letters_of(settings, app.seal.message_id))


def _to_come(case: Case) -> Iterator[str]:
    """Give the kinds of letters that this case has still before it, as far as they can be written yet."""
    if case.unwritten:
        yield CONFIRMATION
    if any(p.state is PromiseState.LATE and not p.confirmed for p in case.promises):
        yield DELAY
    if case.owed:
        yield HOLDING
    if not case.facts.missing(FOLLOW_UP_FACTS):
        yield FOLLOW_UP


def _difference(before: App, after: App, kind: str, case: Case, now: datetime) -> Difference | None:
    was, would = (_lines(app, kind, case, now) for app in (before, after))
    old, new = (f"{case.ref} {kind}, {words}" for words in ("before", "now"))
    lines = tuple(unified_diff(was, would, old, new, lineterm=""))
    return Difference(case.ref, kind, lines) if lines else None


def _lines(app: App, kind: str, case: Case, now: datetime) -> list[str]:
    playbook = app.settings.playbooks.get(case.playbook) or app.settings.playbooks["default"]
    try:
        letter = written(app, kind, case, playbook, now)
    except LetterError as error:
        return [f"It would not be written: {error}"]
    return [f"From: {letter.sender.name}", f"Subject: {letter.subject}", "", *letter.text.splitlines()]
