"""`followupd preview`: write a letter with sample data, or serve a local page that reloads on each change.

Other pages in the same browser cannot read it: the Host header must name the loopback address (against DNS
rebinding), no response allows another origin, and a letter's HTML is shown in a sandbox without scripts.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import unified_diff
from email.utils import make_msgid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

from followupd.adapters.accounts import transport_of
from followupd.adapters.overlay import shipped_directory, template_files
from followupd.adapters.settings import Settings, load
from followupd.adapters.smtp.compose import compose
from followupd.adapters.templates.check import as_first, findings_in_letter, located, render_sample
from followupd.adapters.templates.samples import (
    SAMPLES,
    sample_card,
    sample_case,
    sample_content,
    sample_options,
)
from followupd.adapters.templates.sources import STAND_INS
from followupd.app.container import App, letters_of, wording_rules_of
from followupd.cli.main import open_app
from followupd.domain.case import Case, Fault, Stage
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.decision import LetterContent
from followupd.domain.events import PromiseMade
from followupd.domain.letter import FOLLOW_UP_FACTS, DeliveryResult, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.domain.promise import PromiseState
from followupd.errors import FollowupdError, LetterError
from followupd.languages import catalogue
from followupd.recovery import confirm, follow_up, opening
from followupd.services.wording_guard import wording_context

#: names of letters that are no kind
_NAMES = dict.fromkeys(STAND_INS, str(LetterKind.CONFIRMATION))
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


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is different from the case that a letter is previewed for, "" for what is not.

    `first` is what stands in for the confirmation, such as "safety". With `options` the customer is asked to choose,
    and a letter in `review` is as it is filed for approval.
    """

    playbook: str = ""
    severity: str = ""
    fault: str = ""
    first: str = ""
    options: bool = False
    review: bool = False

    def of(self, case: Case) -> Case:
        """Return the case in these circumstances.

        Args:
            case: a real one or a sample.
        """
        changed = replace(
            case,
            playbook=self.playbook or case.playbook,
            severity=self.severity or case.severity,
            facts=replace(case.facts, fault=Fault(self.fault or case.facts.fault)),
        )
        return as_first(changed, self.first) if self.first else changed


#: the case without any change
AS_IT_IS = Circumstances()


def preview_letter(
    directory: Path,
    name: str,
    ref: str,
    sample: str,
    now: datetime,
    language: str = "",
    given: Circumstances = AS_IT_IS,
) -> Letter:
    """Render one letter. The code of a gift card is never a real one.

    Args:
        directory: the configuration; a sample case needs no ledger.
        name: the kind of letter.
        ref: the reference of a case, "" for a sample case.
        sample: the name of the sample case.
        now: the time of rendering.
        language: the language of a sample's letter, "" for the company's.
        given: what is different from the case.

    Raises:
        FollowupdError: there is no letter of that kind, or no such playbook.
        LetterError: the letter lacks a value that it needs.
    """
    kind = letter_kind(name)
    given = replace(given, first=name if name in STAND_INS else "")
    if language and language not in (known := available_languages(directory)):
        raise FollowupdError(f"there are no letters in {language!r}; there are {', '.join(known)}")
    if not ref:
        return _sample_letter(load(directory), kind, sample, language, now, given)
    if kind is LetterKind.DIGEST:
        raise FollowupdError("a digest is about several cases; preview it without --case")
    with open_app(directory) as app:
        with app.ledger.snapshot() as tx:
            case = given.of(tx.cases.get(ref))

        playbook = _playbook_of(app.settings, case)
        case = _offered(case, playbook, now) if given.options else case
        return replace(letter_of_case(app, kind, case, playbook, now), review=given.review)


def _offered(case: Case, playbook: Playbook, now: datetime) -> Case:
    """Return a case in which the customer may choose between the two options of the samples."""
    language = playbook.language_for(case.language)
    words = catalogue().language(language).samples
    options = sample_options(case, playbook, now, words)
    return replace(case, options=tuple(replace(option, offered_at=now) for option in options))


def sent_to(directory: Path, letter: Letter, address: str, now: datetime) -> DeliveryResult:
    """Send a previewed letter to an address of one's own, through the SMTP server of the configuration.

    It is in no outbox and no ledger, answers no mail, and its subject says that it is a preview.

    Args:
        directory: the configuration.
        letter: as it was rendered; nobody in it is written to.
        address: where it goes.
        now: the time of its Date header.

    Raises:
        LetterError: the address is none.
    """
    settings = load(directory)
    sender = settings.from_address(settings.mailboxes[0].name)
    preview = replace(
        letter,
        key=f"preview/{secrets.token_hex(6)}",
        message_id=make_msgid(domain=sender.rpartition("@")[2]),
        sender=Person(sender, letter.sender.name),
        to=Person(address),
        subject=f"[preview] {letter.subject}",
        in_reply_to="",
        references=(),
    )
    with transport_of(settings.smtp) as transport:
        return transport.deliver(compose(preview, now=now), sender=sender, to=address)


def in_colours(html: str, colours: str) -> str:
    """Return the HTML part as a mail program shows it that is set to light or dark colours.

    Args:
        html: the HTML of a letter.
        colours: "light" or "dark"; anything else leaves it to the browser.
    """
    wanted = {"light": "not all", "dark": "all"}.get(colours)
    return html.replace("(prefers-color-scheme: dark)", wanted) if wanted else html


def with_pictures(letter: Letter) -> str:
    """Return the HTML part with its pictures in it, as a browser shows it outside a mail."""
    html = letter.html
    for file in letter.attachments:
        if file.cid:
            html = html.replace(f"cid:{file.cid}", f"data:{file.media_type};base64,{file.content}")
    return html


def _playbook_of(settings: Settings, case: Case) -> Playbook:
    """Return the playbook of a case.

    Args:
        settings: the configuration.
        case: whose playbook may be one that somebody asked for.

    Raises:
        FollowupdError: there is no such playbook.
    """
    known = settings.playbooks.names
    if case.playbook not in known:
        raise FollowupdError(f"{case.playbook!r} is no playbook; there are {', '.join(sorted(known))}")
    return settings.playbooks.for_case(case)


def letter_kind(name: str) -> LetterKind:
    """Return the kind of that name; "nudge" is short for "desk/nudge", "safety" and "again" confirmations.

    Raises:
        FollowupdError: there is no letter of that kind.
    """
    for value in (_NAMES.get(name, name), f"desk/{name}"):
        with suppress(ValueError):
            return LetterKind(value)

    raise FollowupdError(f"{name!r} is no letter; there are {', '.join(LetterKind)}")


def letter_of_case(app: App, kind: LetterKind, case: Case, playbook: Playbook, now: datetime) -> Letter:
    """Render a letter of a real case.

    Args:
        app: the application.
        kind: the kind of the letter.
        case: the case.
        playbook: the playbook of the case.
        now: the present moment, in UTC.

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
    """Return what the policy of this letter decides when it is due, once its owner has read it.

    Args:
        app: the application.
        kind: the kind of the letter.
        case: the case.
        playbook: the playbook of the case.
        now: the present moment, in UTC.
    """
    policy = _POLICIES[kind]
    playbook = replace(playbook, confirm_show=False, follow_up_show=False)
    due = policy.next_due(case, playbook) or now
    return list(policy.decide(case, playbook, app.letters, max(now, due)))


def _content(case: Case, kind: LetterKind) -> LetterContent:
    """Return what a letter written now would say: open promises, and compensation that was issued."""
    issued = tuple(
        grant for grant in case.compensation if grant.state in _GIVEN and grant.kind is not Gift.GIFT_CARD
    )
    open_promises = case.promises_in(PromiseState.OPEN)
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


def _sample_letter(
    settings: Settings, kind: LetterKind, sample: str, language: str, now: datetime, given: Circumstances
) -> Letter:
    """Render a letter of a sample case; a desk mail in the company's language or `language`.

    The case that a machine opens has the next steps of its playbook.

    Args:
        settings: the configuration.
        kind: the kind of the letter.
        sample: the name of the sample case.
        language: the language of the letter, "" for the company's.
        now: the time of rendering.
        given: what is different from the sample case.

    Raises:
        FollowupdError: there is no such playbook.
    """
    playbook = settings.playbooks.default
    if language and kind.is_desk_mail:
        playbook = replace(playbook, company=replace(playbook.company, locale=language))
    case = given.of(sample_case(playbook, now, sample, language))
    letters = letters_of(settings, lambda key, domain: f"<{key.replace('/', '.')}.preview@{domain}>")
    if given != AS_IT_IS:
        playbook = replace(_playbook_of(settings, case), company=playbook.company)
    if case.by_machine:
        steps = opening.decide(replace(case, promises=()), playbook, letters, now)
        made = tuple(step.promise for step in steps if isinstance(step, PromiseMade))
        case = replace(case, promises=made or case.promises)
    case = _offered(case, playbook, now) if given.options else case

    return render_sample(letters, kind, case, playbook, now, review=given.review)


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
        language: the language of a sample's letter, "" for the company's.
        now: the time of rendering.
    """
    ref = "" if sample in SAMPLES else sample
    try:
        letter = preview_letter(directory, name, ref, sample or SAMPLES[0], now, language)
        findings = [] if ref else _findings(load(directory), letter, sample or SAMPLES[0], now)
    except (FollowupdError, LetterError) as error:
        return RenderedPreview(name, tuple(str(error).splitlines()))

    headers = (
        ("From", letter.sender.mailbox),
        ("To", letter.to.mailbox),
        ("Subject", letter.subject),
    )

    return RenderedPreview(letter.subject, tuple(findings), headers, letter.text, with_pictures(letter))


def _findings(settings: Settings, letter: Letter, sample: str, now: datetime) -> list[str]:
    """Check a sample's letter against the rules of wording.

    Args:
        settings: with the administrator's own rules and texts.
        letter: as it was rendered; a desk mail has no findings.
        sample: the name of the sample case; the hostile one is not checked.
        now: the time of the sample, in UTC.
    """
    if letter.kind.is_desk_mail or sample == "hostile":
        return []
    playbook = settings.playbooks.default
    case = sample_case(playbook, now, sample, letter.language)
    content = sample_content(letter.kind, case, playbook, now)
    context = wording_context(playbook, letter.language, now, catalogue(settings.directory))
    findings = findings_in_letter(letter, case, content, playbook, wording_rules_of(settings), context)
    files = template_files(settings.directory)
    name = f"{letter.language}/{letter.kind}.md"
    if not files.exists(name):
        return list(map(str, findings))
    places = [located(files, name, finding) for finding in findings]
    return [f"{file}{f':{found.line}' if found.line else ''}: {found}" for file, found in places]


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
    with open_app(directory) as after:
        before = _with_settings(after, old)
        with after.ledger.snapshot() as tx:
            cases = [case for case in tx.cases.all() if case.stage not in _NO_LETTERS]

        letters = [(kind, case) for case in cases for kind in _letters_ahead(case)]
        found = [_difference(before, after, kind, case, now) for kind, case in letters]
    return [difference for difference in found if difference.lines]


def _with_settings(app: App, directory: Path) -> App:
    """Return the application with another directory's letters and playbooks; ledger and keys stay."""
    settings = load(directory)
    return replace(app, settings=settings, letters=letters_of(settings, app.vault.message_id))


def _letters_ahead(case: Case) -> Iterator[LetterKind]:
    """Yield the kinds of letters that the case is going to need and that can be written now."""
    if case.unwritten:
        yield LetterKind.CONFIRMATION
    if not all(promise.confirmed for promise in case.promises_in(PromiseState.LATE)):
        yield LetterKind.DELAY
    if case.owed:
        yield LetterKind.HOLDING
    if not case.facts.missing(FOLLOW_UP_FACTS):
        yield LetterKind.FOLLOW_UP


def _difference(before: App, after: App, kind: LetterKind, case: Case, now: datetime) -> Difference:
    """Compare one letter as rendered by the two applications; without lines if it is the same.

    Args:
        before: the application with the old configuration.
        after: the one with the new configuration.
        kind: the kind of the letter.
        case: the case.
        now: the present moment, in UTC.
    """
    lines = unified_diff(
        _letter_lines(before, kind, case, now),
        _letter_lines(after, kind, case, now),
        f"{case.ref} {kind}, before",
        f"{case.ref} {kind}, now",
        lineterm="",
    )
    return Difference(case.ref, kind, tuple(lines))


def _letter_lines(app: App, kind: LetterKind, case: Case, now: datetime) -> list[str]:
    """Render a letter and return its lines; the reason if it would not be written.

    Args:
        app: the application.
        kind: the kind of the letter.
        case: the case.
        now: the present moment, in UTC.
    """
    playbook = app.settings.playbooks.for_case(case)
    try:
        letter = letter_of_case(app, kind, case, playbook, now)
    except LetterError as error:
        return [f"The letter would not be written: {error}"]

    return [f"From: {letter.sender.name}", f"Subject: {letter.subject}", "", *letter.text.splitlines()]


PAGE = Path(__file__).with_name("preview.html").read_text(encoding="utf-8")
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LETTER_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_OTHER_POLICY = "default-src 'none'"
_WATCHED_SUFFIXES = (".md", ".html", ".toml")
#: seconds between two checks of the files while a browser waits for a change
_CHECK_INTERVAL = 0.3


@dataclass
class LetterSource:
    """The letters of a configuration directory, for the page.

    `case` is the reference of a real case to show beside the samples, or "". `now` is called for each letter.
    """

    directory: Path
    case: str
    now: Callable[[], datetime]
    #: seconds after which a request for the next version is answered even if nothing has changed
    poll_seconds: float = 20.0
    stopping: Event = field(default_factory=Event)

    def version(self) -> str:
        """Return a hash of the names, times and sizes of the directory's files and of the shipped templates."""
        found = hashlib.sha256()
        shipped = shipped_directory() / "templates"
        for path in sorted([*self.directory.rglob("*"), *shipped.rglob("*")]):
            if path.suffix in _WATCHED_SUFFIXES and path.is_file():
                stat = path.stat()
                found.update(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}\n".encode())

        return found.hexdigest()[:16]

    def wait_for_change(self, seen: str) -> dict[str, Any]:
        """Return the version and the letters to choose from, as soon as the version differs from `seen`."""
        waited = 0.0
        while (version := self.version()) == seen and waited < self.poll_seconds:
            if self.stopping.wait(_CHECK_INTERVAL):
                break
            waited += _CHECK_INTERVAL

        samples = [*SAMPLES, self.case] if self.case else list(SAMPLES)
        choices = {
            "kind": list(LetterKind),
            "language": available_languages(self.directory),
            "sample": samples,
        }

        return {"version": version, "choices": choices}

    def letter(self, query: Mapping[str, str]) -> RenderedPreview:
        """Render the letter that the query asks for; an error is rendered as a finding."""
        kind, sample, language = (query.get(name, "") for name in ("kind", "sample", "language"))
        return render_preview(self.directory, kind, sample, language, self.now())


class _Handler(BaseHTTPRequestHandler):
    server: "PreviewServer"
    protocol_version = "HTTP/1.1"
    server_version = "followupd"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a request of the page."""
        if self.headers.get("Host", "") not in self.server.names:
            self._send(HTTPStatus.FORBIDDEN, "text/plain", "This page is only for this machine.")
            return

        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        source = self.server.source

        match url.path:
            case "/":
                nonce = secrets.token_urlsafe(16)
                page, policy = PAGE.replace("NONCE", nonce), _PAGE_POLICY.format(nonce=nonce)
                self._send(HTTPStatus.OK, "text/html", page, policy)
            case "/version":
                self._send_json(source.wait_for_change(query.get("seen", "")))
            case "/letter":
                self._send_json(source.letter(query).as_json())
            case "/html":
                html = in_colours(source.letter(query).html, query.get("colours", ""))
                self._send(HTTPStatus.OK, "text/html", html, _LETTER_POLICY)
            case _:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", "There is no such page.")

    def _send_json(self, value: dict[str, Any]) -> None:
        """Send a JSON response."""
        self._send(HTTPStatus.OK, "application/json", json.dumps(value))

    def _send(self, status: HTTPStatus, media_type: str, text: str, policy: str = _OTHER_POLICY) -> None:
        """Send a response with headers that keep other pages out."""
        content = text.encode("utf-8", "replace")
        headers = {
            "Content-Type": f"{media_type}; charset=utf-8",
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Log nothing: the terminal would fill with one line per request."""


class PreviewServer(ThreadingHTTPServer):
    """The page's HTTP server, on the loopback address only."""

    daemon_threads = True

    def __init__(self, source: LetterSource, port: int = 0) -> None:
        """Bind the port, any free one if it is 0.

        Raises:
            FollowupdError: the port cannot be used.
        """
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else "a port is a number up to 65535"
            raise FollowupdError(f"cannot listen on port {port}: {why}") from error

        self.source = source
        bound = self.server_address[1]
        self.names = frozenset({f"127.0.0.1:{bound}", f"localhost:{bound}"})
        self.url = f"http://127.0.0.1:{bound}/"

    def stop(self) -> None:
        """Answer all waiting requests and close the port."""
        self.source.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore browsers that close the connection in the middle of a response."""
