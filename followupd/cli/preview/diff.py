"""`followupd diff OLD_DIR`: compare the letters of open cases with those of an earlier configuration."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import unified_diff
from pathlib import Path

from followupd.adapters.settings import load
from followupd.app.container import App, letters_of
from followupd.cli.app import open_app
from followupd.cli.preview.letter import letter_of_case
from followupd.domain.case import Case, Stage
from followupd.domain.letter import FOLLOW_UP_FACTS, LetterKind
from followupd.domain.promise import PromiseState
from followupd.errors import LetterError

#: stages after or before which no letter of the kinds compared is written
_NO_LETTERS = frozenset({Stage.CLOSED, Stage.DISMISSED, Stage.SUSPECTED, Stage.FOLLOWED_UP})


@dataclass(frozen=True, slots=True)
class Difference:
    """One letter of one case that differs; `lines` are a unified diff."""

    ref: str
    kind: LetterKind
    lines: tuple[str, ...]


def differences(directory: Path, old: Path, now: datetime) -> list[Difference]:
    """Compare the letters that are still ahead of the open cases.

    Args:
        directory: the configuration whose ledger has the cases.
        old: another configuration; only its letters and playbooks are used.
        now: the time of rendering.

    Raises:
        SetupError: one of the two configurations has problems.
    """
    after = open_app(directory)
    before = _with_settings(after, old)
    with after.ledger.transaction() as tx:
        cases = [case for case in tx.cases.all() if case.stage not in _NO_LETTERS]

    found = []
    for case in cases:
        for kind in _letters_ahead(case):
            difference = _difference(before, after, kind, case, now)
            if difference.lines:
                found.append(difference)

    return found


def _with_settings(app: App, directory: Path) -> App:
    """Return the application with another directory's letters and playbooks; ledger and keys stay."""
    settings = load(directory)
    return replace(app, settings=settings, letters=letters_of(settings, app.vault.message_id))


def _letters_ahead(case: Case) -> Iterator[LetterKind]:
    """Yield the kinds of letters that the case is going to need and that can be written now."""
    if case.unwritten:
        yield LetterKind.CONFIRMATION
    if any(promise.state is PromiseState.LATE and not promise.confirmed for promise in case.promises):
        yield LetterKind.DELAY
    if case.owed:
        yield LetterKind.HOLDING
    if not case.facts.missing(FOLLOW_UP_FACTS):
        yield LetterKind.FOLLOW_UP


def _difference(before: App, after: App, kind: LetterKind, case: Case, now: datetime) -> Difference:
    """Compare one letter as rendered by the two applications; without lines if it is the same."""
    lines = unified_diff(
        _letter_lines(before, kind, case, now),
        _letter_lines(after, kind, case, now),
        f"{case.ref} {kind}, before",
        f"{case.ref} {kind}, now",
        lineterm="",
    )
    return Difference(case.ref, kind, tuple(lines))


def _letter_lines(app: App, kind: LetterKind, case: Case, now: datetime) -> list[str]:
    """Render a letter and return its lines; the reason if it would not be written."""
    playbook = app.settings.playbooks.for_case(case)
    try:
        letter = letter_of_case(app, kind, case, playbook, now)
    except LetterError as error:
        return [f"The letter would not be written: {error}"]

    return [f"From: {letter.sender.name}", f"Subject: {letter.subject}", "", *letter.text.splitlines()]
