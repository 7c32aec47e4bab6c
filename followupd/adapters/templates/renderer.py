"""The writer of letters: a case and a brief become text, HTML and headers, frozen.

Values are data and are escaped where they are printed; a value or a slot that is missing stops the letter.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, Template
from markupsafe import Markup

from followupd.adapters.templates import context as scopes
from followupd.adapters.templates import markdown
from followupd.adapters.templates.context import of_digest
from followupd.adapters.templates.formatter import Formatter, formatter_for
from followupd.adapters.templates.invitation import invite
from followupd.adapters.templates.required import lacking
from followupd.adapters.templates.sources import (
    LetterTemplate,
    SlotError,
    TemplateFiles,
    is_language,
    layout_template,
    naming,
    sandbox,
)
from followupd.domain.case import Case
from followupd.domain.decision import Agenda, LetterContent, PrintedGiftCard
from followupd.domain.letter import Attachment, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.domain.team import Agent
from followupd.domain.translatable import Translatable, msg
from followupd.errors import LetterError
from followupd.languages import Catalogue, catalogue
from followupd.text.wording import body as paragraphs_of

if TYPE_CHECKING:
    from css_inline import CSSInliner

#: the language that every house has
DEFAULT = "en"
LAYOUT = "layout.html"

_HEADER_LENGTH = 200
_PREHEADER_LENGTH = 120


@dataclass(frozen=True)
class TemplateRenderer:
    """Writes every letter and desk mail from templates.

    `sender_of(mailbox)` gives the address that letters of a mailbox come from, `message_id(key, domain)` the signed
    Message-ID of a letter. Files are read and compiled once; make a new `Letters` after they changed.
    """

    files: TemplateFiles
    sender_of: Callable[[str], Person] = field(kw_only=True)
    message_id: Callable[[str, str], str] = field(kw_only=True)
    languages: Catalogue = field(default_factory=catalogue, kw_only=True, repr=False)
    _read: dict[tuple[str, str], LetterTemplate] = field(default_factory=dict, repr=False)
    _lines: dict[str, Template] = field(default_factory=dict, repr=False)  # subjects and phrases, compiled

    def take_in(self) -> None:
        """Read every file now: what is edited later counts only in another `Letters`, when it has passed `check`."""
        self.files.load_all()

    def letter(
        self, kind: LetterKind, case: Case, playbook: Playbook, now: datetime, brief: LetterContent
    ) -> Letter:
        """Write a letter to the customer; raises LetterError when a value or a slot is missing."""
        found = self.find(kind, case.language or playbook.language, playbook.company.locale)
        pen = formatter_for(found.language, playbook, now, self.languages)
        scope = scopes.to_customer(kind, case, playbook, brief, pen)
        return self._out(
            found,
            kind,
            case,
            scope,
            to=_clean(case.customer),
            in_reply_to=case.message_id,
            references=_thread(case),
            auto_submitted="auto-replied" if brief.reply else "auto-generated",
            automatic=brief.automatic,
        )

    def gift_card(self, case: Case, playbook: Playbook, now: datetime, card: PrintedGiftCard) -> Letter:
        """Write the gift card's letter, in a thread of its own; the only scope that has a `card` (practice 47)."""
        found = self.find(LetterKind.GIFT_CARD, case.language or playbook.language, playbook.company.locale)
        scope = scopes.of_gift_card(
            case, playbook, card, formatter_for(found.language, playbook, now, self.languages)
        )
        try:
            return self._out(found, LetterKind.GIFT_CARD, case, scope, to=_clean(case.customer))
        except LetterError as error:
            if card.code not in str(error):
                raise
        raise LetterError(
            f"{found.file}: the letter cannot be written (the reason would show the card's code)"
        )

    def desk(
        self, kind: LetterKind, case: Case, playbook: Playbook, now: datetime, brief: LetterContent, to: Agent
    ) -> Letter:
        """Write a mail to an agent, in the company's language; desk mails of a case stand in one thread."""
        found = self.find(kind, "", playbook.company.locale)
        pen = self._desk_pen(found, playbook, now)
        scope = scopes.to_agent(case, playbook, brief, to, pen)
        return self._out(
            found,
            kind,
            case,
            scope,
            to=to.person,
            references=(self.message_id(f"{case.ref}.desk", self._domain(case)),),
            automatic=False,
            witness=False,
            attachments=self._appointment(found, case, playbook, now, brief)
            if kind == LetterKind.CALL
            else (),
        )

    def digest(self, agenda: Agenda, playbook: Playbook, now: datetime, mailbox: str, to: Agent) -> Letter:
        """Write what waits for an agent, in the company's language; a thread of its own every time."""
        found = self.find(LetterKind.DIGEST, "", playbook.company.locale)
        scope = of_digest(agenda, playbook, to, self._desk_pen(found, playbook, now))
        return self._made(
            found,
            LetterKind.DIGEST,
            scope,
            key=agenda.key,
            case="",
            mailbox=mailbox,
            to=to.person,
            automatic=False,
            witness=False,
        )

    def phrase(self, text: str, case: Case, playbook: Playbook) -> str:
        """Fill in a sentence of a playbook over `owner`, `company` and `customer`, or say one of ours to the customer."""
        if isinstance(text, Translatable):
            language = self.find(
                LetterKind.HOLDING, case.language or playbook.language, playbook.company.locale
            ).language
            text = self._messages(language).get(text.pattern, text)
        return self._line(
            text,
            scopes.people(case, playbook, self.languages),
            f"the sentence {text!r} of playbook {playbook.name}",
        )

    def find(self, kind: LetterKind, *languages: str) -> LetterTemplate:
        """Return the letter of that kind in the first of these languages that has it, else in English."""
        for language in dict.fromkeys(_candidates([*languages, DEFAULT])):
            name = f"{language}/{kind}.md"
            if self.files.exists(name):
                return self._load(language, kind)
        file = self.files.label(f"{DEFAULT}/{kind}.md")
        raise LetterError(f"{file}: there is no such letter, in any language")

    def _desk_pen(self, found: LetterTemplate, playbook: Playbook, now: datetime) -> Formatter:
        messages = self._messages(found.language)
        return formatter_for(found.language, playbook, now, self.languages, messages)

    def _messages(self, language: str) -> Mapping[str, str]:
        """Return what agents are told in a language, by the English sentence."""
        spoken = self.languages.find(language)
        return spoken.messages if spoken else {}

    def render(self, found: LetterTemplate, kind: LetterKind, scope: Mapping[str, Any]) -> str:
        """Return the letter's Markdown with all values escaped; raises LetterError naming file and line."""
        with naming(found.file):
            return self._marked.get_template(f"{found.language}/{kind}.md").render(scope)

    def html(self, found: LetterTemplate, inside: str, subject: str, opening: str) -> str:
        """Return the HTML part: the letter inside the layout, styles inlined, nothing fetched."""
        with naming(self.files.label(LAYOUT)):
            body = Markup(inside)  # noqa: S704  made by a parser that lets no HTML through
            page = self._layout.render(body=body, subject=subject, language=found.language, preheader=opening)
        return self._inliner.inline(page)

    def _out(
        self,
        found: LetterTemplate,
        kind: LetterKind,
        case: Case,
        scope: dict[str, Any],
        *,
        to: Person,
        **rest: Any,
    ) -> Letter:
        return self._made(
            found, kind, scope, key=case.next_key(kind), case=case.ref, mailbox=case.mailbox, to=to, **rest
        )

    def _made(
        self,
        found: LetterTemplate,
        kind: LetterKind,
        scope: dict[str, Any],
        *,
        key: str,
        case: str,
        mailbox: str,
        to: Person,
        **rest: Any,
    ) -> Letter:
        text, inside = markdown.to_parts(self.render(found, kind, scope))
        if kind.to_customer and (empty := lacking(kind, found.language, text, scope, self.languages)):
            raise SlotError(found.file, None, f"the letter does not say {'; '.join(empty)}")
        subject, sender = self._header(found, "subject", scope), self.sender_of(mailbox)
        opening = _opening(paragraphs_of(text, scope["owner"].name))
        return Letter(
            key=key,
            case=case,
            kind=kind,
            mailbox=mailbox,
            sender=Person(sender.address, self._header(found, "from", scope) or sender.name),
            to=to,
            subject=subject,
            text=text,
            html=self.html(found, inside, subject, opening),
            message_id=self.message_id(key, sender.address.rpartition("@")[2]),
            language=found.language,
            **rest,
        )

    def _header(self, found: LetterTemplate, name: str, scope: Mapping[str, Any]) -> str:
        text, line = found.front.get(name, ("", 0))
        value = self._line(text, scope, found.file, line)
        return _header_safe(value)

    def _line(self, text: str, scope: Mapping[str, Any], place: str, line: int | None = None) -> str:
        with naming(place, line):
            if text not in self._lines:
                self._lines[text] = self._plain.from_string(text)
            return markdown.one_line(self._lines[text].render(scope))

    def _appointment(
        self, found: LetterTemplate, case: Case, playbook: Playbook, now: datetime, brief: LetterContent
    ) -> tuple[Attachment, ...]:
        at = brief.until or playbook.calendar.next_open(now)
        pen = self._desk_pen(found, playbook, now)
        who = " ".join(
            part for part in (case.customer.name or case.customer.address, case.facts.phone or "") if part
        )
        story = "\n\n".join(
            part for part in (case.facts.issue, case.facts.resolution, brief.quote, case.ref) if part
        )
        key = case.next_key(LetterKind.CALL).replace("/", ".")
        return (
            invite(
                f"{key}@{self._domain(case)}",
                at,
                now,
                markdown.one_line(pen.say(msg("Call {who}", who=who))),
                story,
            ),
        )

    def _domain(self, case: Case) -> str:
        return self.sender_of(case.mailbox).address.rpartition("@")[2]

    def _load(self, language: str, kind: str) -> LetterTemplate:
        if (language, kind) not in self._read:
            name = f"{language}/{kind}.md"
            text = self.files.text(name)
            self._read[language, kind] = LetterTemplate.read(text, self.files.label(name), language)
        return self._read[language, kind]

    @cached_property
    def _marked(self) -> Environment:
        return sandbox(self.files, markdown.escaped, markup=True)

    @cached_property
    def _plain(self) -> Environment:
        return sandbox(self.files, markdown.one_line, markup=False)

    @cached_property
    def _layout(self) -> Template:
        with naming(self.files.label(LAYOUT)):
            return layout_template(self.files, LAYOUT)

    @cached_property
    def _inliner(self) -> "CSSInliner":
        from css_inline import CSSInliner  # three megabytes, which a daemon at rest need not hold

        return CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, keep_at_rules=True)


def _clean(person: Person) -> Person:
    return Person(person.address, _header_safe(markdown.one_line(person.name)))


def _header_safe(value: str) -> str:
    """Break up "=?": it would be decoded once more on its way out (CVE-2024-6923, MAIL.md R4)."""
    return value[:_HEADER_LENGTH].rstrip().replace("=?", "=\u200b?")


def _thread(case: Case) -> tuple[str, ...]:
    earlier = tuple(one for one in case.references if one != case.message_id)
    return (*earlier, case.message_id) if case.message_id else earlier


def _candidates(languages: list[str]) -> Iterator[str]:
    """Give "de-at" and then "de" for "de_AT"; nothing that is not the name of a language."""
    for language in languages:
        tag = language.replace("_", "-").lower()
        if is_language(tag):
            yield from (tag, tag.split("-")[0])


def _opening(body: list[str]) -> str:
    """Return the first words of the body, which mail programs show beside the subject."""
    first = body[0] if body else ""
    return first if len(first) <= _PREHEADER_LENGTH else first[:_PREHEADER_LENGTH].rsplit(" ", 1)[0] + "…"
