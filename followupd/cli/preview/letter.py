"""Render a letter as it would be sent: for a real case, or for a sample case."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from followupd.adapters.overlay import template_files
from followupd.adapters.settings import Settings, load
from followupd.adapters.templates.check import render_sample
from followupd.adapters.templates.samples import SAMPLES, sample_card, sample_case, sample_content
from followupd.adapters.templates.wording_check import findings_in_letter
from followupd.app.container import App, letters_of, wording_rules_of
from followupd.cli.app import open_app
from followupd.domain.case import Case
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.decision import LetterContent
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.domain.promise import PromiseState
from followupd.errors import FollowupdError, LetterError
from followupd.languages import catalogue
from followupd.recovery import confirm, follow_up
from followupd.services.wording_guard import wording_context

#: letter kind -> the policy that writes it
_POLICIES = {LetterKind.CONFIRMATION: confirm, LetterKind.DELAY: confirm, LetterKind.FOLLOW_UP: follow_up}
_GIVEN = frozenset({GrantState.ISSUED, GrantState.CONFIRMED})


@dataclass(frozen=True, slots=True)
class RenderedPreview:
    """A letter on the preview page, or the findings that prevent it."""

    title: str
    findings: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    html: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return everything but the HTML, which the page loads into frames."""
        return {"title": self.title, "findings": self.findings, "headers": self.headers, "text": self.text}


def preview_letter(
    directory: Path, name: str, ref: str, sample: str, now: datetime, language: str = ""
) -> Letter:
    """Render one letter. The code of a gift card is never a real one.

    Args:
        directory: the configuration; a sample case needs no ledger.
        name: the kind of letter.
        ref: the reference of a case, "" for a sample case.
        sample: the name of the sample case.
        now: the time of rendering.
        language: of a sample's letter, "" for the company's.

    Raises:
        FollowupdError: there is no letter of that kind.
        LetterError: the letter lacks a value that it needs.
    """
    kind = letter_kind(name)
    if not ref:
        return _sample_letter(load(directory), kind, sample, language, now)
    if kind is LetterKind.DIGEST:
        raise FollowupdError("a digest is about several cases; preview it without --case")
    app = open_app(directory)
    with app.ledger.transaction() as tx:
        case = tx.cases.get(ref)

    return letter_of_case(app, kind, case, app.settings.playbooks.for_case(case), now)


def letter_kind(name: str) -> LetterKind:
    """Return the kind of that name; "nudge" is short for "desk/nudge".

    Raises:
        FollowupdError: there is no letter of that kind.
    """
    for value in (name, f"desk/{name}"):
        with suppress(ValueError):
            return LetterKind(value)

    raise FollowupdError(f"{name!r} is no letter; there are {', '.join(LetterKind)}")


def letter_of_case(app: App, kind: LetterKind, case: Case, playbook: Playbook, now: datetime) -> Letter:
    """Render a letter of a real case.

    Returns:
        The letter that its policy writes when it is due; one as of now, if the policy writes none or the kind
        of letter has no policy.

    Raises:
        LetterError: the letter lacks a value that it needs.
    """
    if kind is LetterKind.GIFT_CARD:
        return app.letters.gift_card(case, playbook, now, sample_card(case, playbook))
    content = _content(case, kind)
    if kind.is_desk_mail:
        return app.letters.desk(kind, case, playbook, now, content, playbook.owner_of(case.owner))

    if kind in _POLICIES:
        for decision in _decisions(app, kind, case, playbook, now):
            if isinstance(decision, Letter) and decision.kind == kind:
                return decision

    return app.letters.letter(kind, case, playbook, now, content)


def _decisions(app: App, kind: LetterKind, case: Case, playbook: Playbook, now: datetime) -> list[object]:
    """Return what the policy of this letter decides when it is due."""
    policy = _POLICIES[kind]
    due = policy.next_due(case, playbook) or now
    return list(policy.decide(case, playbook, app.letters, max(now, due)))


def _content(case: Case, kind: LetterKind) -> LetterContent:
    """Return what a letter written now would say: open promises, and compensation that was issued."""
    issued = tuple(
        grant for grant in case.compensation if grant.state in _GIVEN and grant.kind is not Gift.GIFT_CARD
    )
    open_promises = tuple(promise for promise in case.promises if promise.state is PromiseState.OPEN)
    promises = case.unwritten or open_promises
    automatic = all(promise.source == "playbook" for promise in promises)
    confirmation = kind is LetterKind.CONFIRMATION

    return LetterContent(
        promises=promises,
        compensation=case.compensation if confirmation else issued,
        quote=case.story,
        automatic=automatic,
        reply=confirmation and automatic,
    )


def _sample_letter(settings: Settings, kind: LetterKind, sample: str, language: str, now: datetime) -> Letter:
    """Render a letter of a sample case; a desk mail in the company's language or `language`."""
    playbook = settings.playbooks.default
    if language and kind.is_desk_mail:
        playbook = replace(playbook, company=replace(playbook.company, locale=language))
    case = sample_case(playbook, now, sample, language)
    letters = letters_of(settings, lambda key, domain: f"<{key.replace('/', '.')}.preview@{domain}>")

    return render_sample(letters, kind, case, playbook, now)


# --- for the preview page ---


def available_languages(directory: Path) -> list[str]:
    """Return the languages that have letters, the company's own first."""
    try:
        own = load(directory).company.locale.partition("_")[0]
    except FollowupdError:
        own = ""

    return sorted(template_files(directory).languages(), key=lambda language: (language != own, language))


def render_preview(directory: Path, name: str, sample: str, language: str, now: datetime) -> RenderedPreview:
    """Render a letter for the page; errors in files that an admin edits become findings.

    Args:
        directory: the configuration.
        name: the kind of letter.
        sample: the name of a sample case or the reference of a real one, "" for the first sample.
        language: of a sample's letter, "" for the company's.
        now: the time of rendering.
    """
    ref = "" if sample in SAMPLES else sample
    try:
        letter = preview_letter(directory, name, ref, sample or SAMPLES[0], now, language)
        findings = [] if ref else _findings(load(directory), letter, sample or SAMPLES[0], now)
    except (FollowupdError, LetterError) as error:
        return RenderedPreview(name, tuple(str(error).splitlines()))

    headers = (
        ("From", _mailbox(letter.sender)),
        ("To", _mailbox(letter.to)),
        ("Subject", letter.subject),
    )

    return RenderedPreview(letter.subject, tuple(findings), headers, letter.text, letter.html)


def _findings(settings: Settings, letter: Letter, sample: str, now: datetime) -> list[str]:
    """Check a sample's letter against the rules of wording."""
    if letter.kind.is_desk_mail or sample == "hostile":
        return []
    playbook = settings.playbooks.default
    case = sample_case(playbook, now, sample, letter.language)
    content = sample_content(letter.kind, case, playbook, now)
    context = wording_context(playbook, letter.language, now, catalogue(settings.directory))
    findings = findings_in_letter(letter, case, content, playbook, wording_rules_of(settings), context)

    return [str(finding) for finding in findings]


def _mailbox(person: Person) -> str:
    """Return name and address as in a header."""
    return f"{person.name} <{person.address}>" if person.name else person.address
