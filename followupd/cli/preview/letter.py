"""A letter as it would leave: for a real case what its chapter would write, or for a sample case."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from followupd.adapters.settings import Settings, load
from followupd.adapters.templates.check import languages, try_out
from followupd.adapters.templates.samples import SAMPLES, sample_brief, sample_card, sample_case
from followupd.adapters.templates.wording_check import as_read
from followupd.app.container import App, letters_of, wording_rules_of
from followupd.cli.app import open_house
from followupd.domain.case import Case
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.decision import LetterContent
from followupd.domain.letter import (
    CONFIRMATION,
    CUSTOMER_LETTERS,
    DELAY,
    DESK_MAILS,
    DIGEST,
    FOLLOW_UP,
    GIFT_CARD,
    Letter,
)
from followupd.domain.playbook import Playbook
from followupd.domain.promise import PromiseState
from followupd.errors import FollowupdError, LetterError
from followupd.recovery import confirm, follow_up
from followupd.services.wording_guard import wording_context

SAMPLE_CASES = SAMPLES
#: the chapters that write these letters by themselves
_CHAPTERS = {CONFIRMATION: confirm, DELAY: confirm, FOLLOW_UP: follow_up}


@dataclass(frozen=True, slots=True)
class RenderedPreview:
    """A letter on the preview's page, or what keeps it from being written."""

    title: str
    findings: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    html: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"title": self.title, "findings": self.findings, "headers": self.headers, "text": self.text}


def previewed(directory: Path, kind: str, ref: str, sample: str, now: datetime, language: str = "") -> Letter:
    """Return the letter; a code from the stock is never shown in a preview. A sample case needs no ledger.

    Raises:
        FollowupdError: there is no letter of that kind.
        LetterError: the letter lacks something that it must say.
    """
    kind = f"desk/{kind}" if f"desk/{kind}" in DESK_MAILS else kind
    if kind not in (*CUSTOMER_LETTERS, *DESK_MAILS):
        raise FollowupdError(
            f"{kind!r} is no letter; there are {', '.join((*CUSTOMER_LETTERS, *DESK_MAILS))}"
        )
    if not ref:
        return _of_sample(load(directory), kind, sample, language, now)
    app = open_house(directory)
    case, playbook = case_of(app, ref)
    if kind == DIGEST:
        raise FollowupdError("a digest is about several cases; preview it without --case")
    return written(app, kind, case, playbook, now)


def written(app: App, kind: str, case: Case, playbook: Playbook, now: datetime) -> Letter:
    """Return a real case's letter: the one that its chapter would write at its moment, else one as of now."""
    if kind == GIFT_CARD:
        return app.letters.gift_card(case, playbook, now, sample_card(case, playbook))
    brief = _brief(case, kind)
    if kind in DESK_MAILS:
        return app.letters.desk(kind, case, playbook, now, brief, playbook.owner_of(case.owner))
    if chapter := _CHAPTERS.get(kind):
        moment = chapter.next_due(case, playbook)
        steps = chapter.decide(case, playbook, app.letters, max(now, moment or now))
        if own := [step for step in steps if isinstance(step, Letter) and step.kind == kind]:
            return own[0]
    return app.letters.letter(kind, case, playbook, now, brief)


def case_of(app: App, ref: str) -> tuple[Case, Playbook]:
    with app.ledger.transaction() as tx:
        case = tx.cases.get(ref)
    return case, app.settings.playbooks.get(case.playbook) or app.settings.playbooks["default"]


def languages_of(directory: Path) -> list[str]:
    """Return the languages that there are letters in, the company's own first."""
    try:
        own = load(directory).company.locale.partition("_")[0]
    except FollowupdError:
        own = ""
    return sorted(languages(directory / "templates"), key=lambda language: (language != own, language))


def shown(directory: Path, kind: str, sample: str, language: str, now: datetime) -> RenderedPreview:
    """Return a letter for the page, or in its place what is wrong with it; never raises for what an admin may change."""
    ref = "" if sample in SAMPLES else sample
    try:
        letter = previewed(directory, kind, ref, sample or SAMPLES[0], now, language)
        found = [str(each) for each in _findings(load(directory), letter, kind, ref, sample, now)]
    except (FollowupdError, LetterError) as error:
        return RenderedPreview(kind, tuple(str(error).splitlines()))
    headers = (
        ("From", _person(letter.sender.name, letter.sender.address)),
        ("To", _person(letter.to.name, letter.to.address)),
        ("Subject", letter.subject),
    )
    return RenderedPreview(letter.subject, tuple(found), headers, letter.text, letter.html)


def _findings(
    settings: Settings, letter: Letter, kind: str, ref: str, sample: str, now: datetime
) -> tuple[object, ...]:
    if kind in DESK_MAILS or sample == "hostile" or ref:
        return ()
    playbook = settings.playbooks["default"]
    case = sample_case(playbook, now, sample or SAMPLES[0], letter.language)
    about = wording_context(playbook, letter.language, now)
    return as_read(
        letter, case, sample_brief(kind, case, playbook, now), playbook, wording_rules_of(settings), about
    )


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name else address


def _of_sample(settings: Settings, kind: str, sample: str, language: str, now: datetime) -> Letter:
    playbook = settings.playbooks["default"]
    if language and kind in DESK_MAILS:
        playbook = replace(playbook, company=replace(playbook.company, locale=language))
    case = sample_case(playbook, now, sample, language)
    letters = letters_of(settings, lambda key, domain: f"<{key.replace('/', '.')}.preview@{domain}>")
    return try_out(letters, kind, case, playbook, now)


def _brief(case: Case, kind: str) -> LetterContent:
    """Return what a letter out of turn would have to say: what is open, what was given."""
    given = tuple(
        grant
        for grant in case.compensation
        if grant.state in {GrantState.ISSUED, GrantState.CONFIRMED} and grant.kind is not Gift.GIFT_CARD
    )
    waiting = case.unwritten or tuple(p for p in case.promises if p.state is PromiseState.OPEN)
    standing = all(promise.source == "playbook" for promise in waiting)
    return LetterContent(
        promises=waiting,
        compensation=case.compensation if kind == CONFIRMATION else given,
        quote=case.story,
        automatic=standing,
        reply=kind == CONFIRMATION and standing,
    )
