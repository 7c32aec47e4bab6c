"""Render letters: a case and the letter's content become text, HTML and headers.

Values are data and are escaped where they are printed. A missing value, or text that the letter must contain
and does not, stops the letter.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from jinja2 import Environment, Template
from markupsafe import Markup

from followupd.adapters.templates import context, markdown
from followupd.adapters.templates.formatter import Formatter, Missing, call_invitation, formatter_for
from followupd.adapters.templates.sources import (
    AGAIN,
    INFORMAL,
    SAFETY,
    ContentError,
    LetterTemplate,
    TemplateFiles,
    files_of,
    is_language,
    layout_template,
    naming,
    sandbox,
    stems_of,
)
from followupd.domain.case import Case
from followupd.domain.decision import Agenda, LetterContent, PrintedGiftCard
from followupd.domain.letter import Attachment, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Agent, Playbook
from followupd.domain.promise import Promise
from followupd.domain.translatable import msg
from followupd.errors import LetterError
from followupd.languages import Catalogue, catalogue
from followupd.text.names import greetable_name
from followupd.text.wording import body as paragraphs_of
from followupd.text.wording import has

if TYPE_CHECKING:
    from css_inline import CSSInliner

#: the language that every installation has
DEFAULT = "en"
LAYOUT = "layout.html"
#: the address of the picture above a letter, and its words
Logo = tuple[str, str]
NO_LOGO: Logo = ("", "")

_MAX_HEADER = 200  # characters
_MAX_PREHEADER = 120  # characters

_WITH_APOLOGY = frozenset({LetterKind.CONFIRMATION, LetterKind.DELAY, LetterKind.FOLLOW_UP})
_WITH_THANKS = frozenset({LetterKind.CONFIRMATION, LetterKind.FOLLOW_UP})
#: what may be missing at the end of a value where a sentence is made of it
_ENDS = " .,;:!?…-"
_OWNER = {"name": "name", "phone": "direct phone", "email": "email"}
#: what a letter must contain, and the value of it
_Requirement: TypeAlias = tuple[str, Any]


@dataclass(frozen=True)
class TemplateRenderer:
    """Renders every letter and desk mail from templates.

    `sender_of(mailbox)` returns the address that letters of a mailbox are sent from, `message_id(key,
    domain)` the signed Message-ID of a letter. Files are read and compiled once; make a new renderer after
    they have changed. `brands` render the letters of other companies, by the ids of these.
    """

    files: TemplateFiles
    sender_of: Callable[[str], Person] = field(kw_only=True)
    message_id: Callable[[str, str], str] = field(kw_only=True)
    languages: Catalogue = field(default_factory=catalogue, kw_only=True, repr=False)
    brands: Mapping[str, "TemplateRenderer"] = field(default_factory=dict, kw_only=True, repr=False)
    _templates: dict[tuple[str, str], LetterTemplate] = field(default_factory=dict, repr=False)
    #: compiled subjects and sentences
    _compiled: dict[str, Template] = field(default_factory=dict, repr=False)

    def load_all(self) -> None:
        """Read every file now: what is edited later counts only in a new renderer, after `check`."""
        for renderer in (self, *self.brands.values()):
            renderer.files.load_all()

    def of(self, playbook: Playbook) -> "TemplateRenderer":
        """Return the renderer of the company that a playbook belongs to."""
        return self.brands.get(playbook.company.id, self)

    def letter(
        self, kind: LetterKind, case: Case, playbook: Playbook, now: datetime, content: LetterContent
    ) -> Letter:
        """Render a letter to the customer, in the customer's language.

        Args:
            kind: the kind of the letter.
            case: the case that it belongs to.
            playbook: the playbook of the case.
            now: the present moment.
            content: what it is about, beyond the case.

        Raises:
            LetterError: a value is missing, or the letter does not contain what it must.
        """
        own = self.of(playbook)
        if own is not self:
            return own.letter(kind, case, playbook, now, content)
        template = self._find_for_customer(kind, case, playbook)
        if template.language.endswith(INFORMAL):
            case, content = _with_informal_steps(case, content, playbook)
        fmt = formatter_for(template.language, playbook, now, self.languages)
        return self._case_letter(
            template,
            kind,
            case,
            context.customer_context(kind, case, playbook, content, fmt),
            to=_recipient(case, content),
            in_reply_to=case.message_id,
            references=_references(case),
            auto_submitted="auto-replied" if content.reply else "auto-generated",
            automatic=content.automatic,
            review=content.review,
            stated=context.stated_in(kind, case, content),
        )

    def gift_card(self, case: Case, playbook: Playbook, now: datetime, card: PrintedGiftCard) -> Letter:
        """Render the gift card's letter, in a separate thread (practice 47).

        Args:
            case: the case.
            playbook: the playbook of the case.
            now: the present moment, in UTC.
            card: the gift card.

        Raises:
            LetterError: as `letter` does; the message never contains the card's code.
        """
        own = self.of(playbook)
        if own is not self:
            return own.gift_card(case, playbook, now, card)
        template = self._find_for_customer(LetterKind.GIFT_CARD, case, playbook)
        fmt = formatter_for(template.language, playbook, now, self.languages)
        scope = context.gift_card_context(case, playbook, card, fmt)
        try:
            to = _header_safe_person(case.customer)
            return self._case_letter(template, LetterKind.GIFT_CARD, case, scope, to=to)
        except LetterError as error:
            if card.code not in str(error):
                raise
        # Raised outside the handler, so that the error above, which contains the code, is not its context.
        problem = "the letter cannot be rendered (the reason would show the card's code)"
        raise LetterError(f"{template.file}: {problem}")

    def desk(
        self,
        kind: LetterKind,
        case: Case,
        playbook: Playbook,
        now: datetime,
        content: LetterContent,
        to: Agent,
    ) -> Letter:
        """Render a mail to an agent, in the company's language; the desk mails of a case are one thread.

        Args:
            kind: the kind of the mail.
            case: the case that it is about.
            playbook: the playbook of the case.
            now: the present moment.
            content: why it is written, and what it asks for.
            to: who gets it.
        """
        own = self.of(playbook)
        if own is not self:
            return own.desk(kind, case, playbook, now, content, to)
        template = self.find(kind, "", playbook.company.locale)
        fmt = self._desk_formatter(template, playbook, now)
        attachments: tuple[Attachment, ...] = ()
        thread = content.about if kind == LetterKind.REQUEST else "desk"
        if kind == LetterKind.CALL:
            attachments = (self._appointment(case, playbook, now, content, fmt),)
        return self._case_letter(
            template,
            kind,
            case,
            context.agent_context(case, playbook, content, to, fmt),
            to=to.person,
            references=(self.message_id(f"{case.ref}.{thread}", self._domain(case.mailbox)),),
            automatic=False,
            witness=False,
            attachments=attachments,
        )

    def digest(self, agenda: Agenda, playbook: Playbook, now: datetime, mailbox: str, to: Agent) -> Letter:
        """Render everything that waits for an agent, in the company's language, each time in a new thread.

        Args:
            agenda: what waits.
            playbook: the playbook that provides company and calendar.
            now: the present moment.
            mailbox: the mailbox that it is sent from.
            to: who gets it.
        """
        own = self.of(playbook)
        if own is not self:
            return own.digest(agenda, playbook, now, mailbox, to)
        template = self.find(LetterKind.DIGEST, "", playbook.company.locale)
        fmt = self._desk_formatter(template, playbook, now)
        calls = [
            (item.case, LetterContent(quote=item.case.story, until=item.call_at))
            for item in agenda.waiting
            if item.call_at
        ]
        return self._letter(
            template,
            LetterKind.DIGEST,
            context.digest_context(agenda, playbook, to, fmt),
            key=agenda.key,
            case="",
            mailbox=mailbox,
            to=to.person,
            automatic=False,
            witness=False,
            attachments=tuple(self._appointment(case, playbook, now, call, fmt) for case, call in calls),
        )

    def phrase(self, text: str, case: Case, playbook: Playbook) -> str:
        """Fill in a sentence of a playbook.

        Args:
            text: may name `owner`, `company` and `customer`, as templates do.
            case: the case that the values come from.
            playbook: the playbook of the case.
        """
        place = f"the sentence {text!r} of playbook {playbook.name}"
        return self._line(text, context.people_context(case, playbook, self.languages), place)

    def find(self, kind: LetterKind, *languages: str, stems: Sequence[str] = ()) -> LetterTemplate:
        """Return the template of a kind in the first of these languages that has it, else in English.

        Args:
            kind: the kind of the letter.
            languages: in the order of preference.
            stems: of the files that may be it in each language, the best first; by default that of the kind.

        Raises:
            LetterError: no language has it.
        """
        tags = dict.fromkeys(_language_tags([*languages, DEFAULT]))
        for language, stem in product(tags, stems or (str(kind),)):
            if self.files.exists(f"{language}/{stem}.md"):
                return self._load(language, stem)
        file = self.files.label(f"{DEFAULT}/{kind}.md")
        raise LetterError(f"{file}: there is no such letter, in any language")

    def _find_for_customer(self, kind: LetterKind, case: Case, playbook: Playbook) -> LetterTemplate:
        """Return the template in the customer's language, the playbook's or the company's.

        Args:
            kind: the kind of the letter.
            case: the case.
            playbook: the playbook of the case.
        """
        stand_in = _stand_in(case) if kind is LetterKind.CONFIRMATION else ""
        stems = stems_of(kind, case.playbook, stand_in)
        language = case.language or playbook.language
        if case.register == INFORMAL:
            for tag in _language_tags([language or playbook.company.locale]):
                informal = f"{tag}-{INFORMAL}"
                stem = next((stem for stem in stems if self.files.exists(f"{tag}/{stem}.md")), "")
                if stem and self.files.has_register(tag, informal, stem):
                    return self._load(informal, stem)
        return self.find(kind, language, playbook.company.locale, stems=stems)

    def _desk_formatter(self, template: LetterTemplate, playbook: Playbook, now: datetime) -> Formatter:
        messages = self._messages(template.language)
        return formatter_for(template.language, playbook, now, self.languages, messages)

    def _messages(self, language: str) -> Mapping[str, str]:
        """Return the translations of what agents are told, by the English sentence."""
        spoken = self.languages.find(language)
        return spoken.messages if spoken else {}

    def render(self, template: LetterTemplate, scope: Mapping[str, Any]) -> str:
        """Return the letter's Markdown with all values escaped.

        Raises:
            LetterError: with file and line.
        """
        with naming(template.file):
            return self._environment.get_template(f"{template.language}/{template.stem}.md").render(scope)

    def html(
        self, template: LetterTemplate, content: str, subject: str, preheader: str, logo: Logo = NO_LOGO
    ) -> str:
        """Return the HTML part.

        The letter inside the layout, with inline styles, nothing loaded from elsewhere.

        Args:
            template: the letter's template.
            content: the letter as HTML.
            subject: the subject, for the page's title.
            preheader: the text that mail programs show beside the subject.
            logo: the address of the picture above the letter, and what is read where it is not shown.
        """
        with naming(self.files.label(LAYOUT)):
            body = Markup(content)  # noqa: S704  made by a parser that lets no HTML through
            page = self._layout.render(
                body=body,
                subject=subject,
                language=template.language,
                preheader=preheader,
                logo=logo[0],
                logo_name=logo[1],
            )
        return self._inliner.inline(page)

    def _case_letter(
        self,
        template: LetterTemplate,
        kind: LetterKind,
        case: Case,
        scope: dict[str, Any],
        *,
        to: Person,
        **fields: Any,
    ) -> Letter:
        """Render a letter of a case.

        Args:
            template: the letter's template.
            kind: the kind of the letter.
            case: the case.
            scope: the values by name.
            to: who gets it.
            fields: further fields of the letter.
        """
        return self._letter(
            template,
            kind,
            scope,
            key=case.next_key(kind),
            case=case.ref,
            mailbox=case.mailbox,
            to=to,
            **fields,
        )

    def _letter(
        self,
        template: LetterTemplate,
        kind: LetterKind,
        scope: dict[str, Any],
        *,
        mailbox: str,
        key: str,
        **fields: Any,
    ) -> Letter:
        """Render both parts and the headers; `fields` are the letter's other fields.

        Args:
            template: the letter's template.
            kind: the kind of the letter.
            scope: the values by name.
            mailbox: the name of the one that it leaves from.
            key: the key of the letter.
            fields: its other fields.

        Raises:
            ContentError: the text does not contain what such a letter must.
        """
        text, content = markdown.to_parts(self.render(template, scope))
        if kind.to_customer:
            missing = _missing_content(kind, template.language, text, scope, self.languages)
            if missing:
                raise ContentError(template.file, None, f"the letter does not say {'; '.join(missing)}")

        subject = self._header(template, "subject", scope)
        sender = self.sender_of(mailbox)
        sender_name = self._header(template, "from", scope) or sender.name
        preheader = ""
        if kind.to_customer and not fields.get("review"):  # what people edit or quote must not repeat itself
            preheader = _preheader(paragraphs_of(text, scope["owner"].name))
        files = files_of(self.files, template, self._domain(mailbox)) if kind.to_customer else ()
        logo = next(((f"cid:{file.cid}", scope["company"].name) for file in files if file.cid), NO_LOGO)
        fields["attachments"] = (*fields.get("attachments", ()), *files)
        return Letter(
            key=key,
            kind=kind,
            mailbox=mailbox,
            sender=Person(sender.address, sender_name),
            subject=subject,
            text=text,
            html=self.html(template, content, subject, preheader, logo),
            message_id=self.message_id(key, self._domain(mailbox)),
            language=template.language,
            **fields,
        )

    def _header(self, template: LetterTemplate, name: str, scope: Mapping[str, Any]) -> str:
        """Return a line of the front matter with its values, safe for a header."""
        text, line = template.front.get(name, ("", 0))
        return _header_safe(self._line(text, scope, template.file, line))

    def _line(self, text: str, scope: Mapping[str, Any], place: str, line: int | None = None) -> str:
        """Render a single line; an error names `place`."""
        with naming(place, line):
            if text not in self._compiled:
                self._compiled[text] = self._plain_environment.from_string(text)
            return markdown.one_line(self._compiled[text].render(scope))

    def _appointment(
        self, case: Case, playbook: Playbook, now: datetime, content: LetterContent, fmt: Formatter
    ) -> Attachment:
        """Return the calendar file for a call: whom to call, when, and what the case is about.

        Args:
            case: the case.
            playbook: the playbook of the case.
            now: the present moment, in UTC.
            content: what the letter says beyond the case.
            fmt: writes dates and money in the letter's language.
        """
        whom = f"{case.customer.shown} {case.facts.text('phone')}".strip()
        story = [case.facts.issue, case.facts.resolution, content.quote, case.ref]
        key = case.next_key(LetterKind.CALL).replace("/", ".")
        return call_invitation(
            uid=f"{key}@{self._domain(case.mailbox)}",
            at=content.until or playbook.calendar.next_open(now),
            now=now,
            summary=markdown.one_line(fmt.say(msg("Call {who}", who=whom))),
            story="\n\n".join(filter(None, story)),
        )

    def _domain(self, mailbox: str) -> str:
        """Return the domain of the address that letters of a mailbox are sent from."""
        return self.sender_of(mailbox).address.rpartition("@")[2]

    def _load(self, language: str, stem: str) -> LetterTemplate:
        """Return a template, read once."""
        if (language, stem) not in self._templates:
            name = f"{language}/{stem}.md"
            text, file = self.files.text(name), self.files.label(name)
            self._templates[language, stem] = LetterTemplate.read(text, file, language, stem)
        return self._templates[language, stem]

    @cached_property
    def _environment(self) -> Environment:
        """The sandbox of letters, which escapes values for Markdown."""
        return sandbox(self.files, markdown.escaped, markup=True)

    @cached_property
    def _plain_environment(self) -> Environment:
        """The sandbox of subjects and sentences, which writes values on one line."""
        return sandbox(self.files, markdown.one_line, markup=False)

    @cached_property
    def _layout(self) -> Template:
        """The frame of the HTML part."""
        with naming(self.files.label(LAYOUT)):
            return layout_template(self.files, LAYOUT)

    @cached_property
    def _inliner(self) -> "CSSInliner":
        """Moves the layout's style sheet into style attributes."""
        from css_inline import CSSInliner  # 3 MB of memory, which an idle daemon does not need

        return CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, keep_at_rules=True)


def _with_informal_steps(
    case: Case, content: LetterContent, playbook: Playbook
) -> tuple[Case, LetterContent]:
    """Return a case and what a letter says with the playbook's standing steps as its informal texts say them.

    Args:
        case: the case; what people promised stays in their own words.
        content: what the letter is about.
        playbook: the playbook of the case.
    """
    language = playbook.language_for(case.language)
    tag = next(_language_tags([language]), DEFAULT)
    said = {step.text_in(tag): step.text_in(f"{tag}-{INFORMAL}") for step in playbook.steps}

    def reworded(promises: tuple[Promise, ...]) -> tuple[Promise, ...]:
        return tuple(
            replace(each, text=said.get(each.text, each.text)) if each.source == "playbook" else each
            for each in promises
        )

    promises = reworded(content.promises)
    return replace(case, promises=reworded(case.promises)), replace(content, promises=promises)


def _stand_in(case: Case) -> str:
    """Return the name of the letter that takes the place of the first confirmation, "" where none does.

    Danger counts more than an earlier complaint. A second confirmation has no stand-in.
    """
    if case.was_sent(LetterKind.CONFIRMATION):
        return ""

    if case.in_danger:
        return SAFETY
    return AGAIN if case.again else ""


def _recipient(case: Case, content: LetterContent) -> Person:
    """Return whom a letter is to; where it repeats nothing, a name that could be a message is left out."""
    customer = case.customer
    if context.repeats_nothing(case, content):
        customer = Person(customer.address, greetable_name(customer.name))
    return _header_safe_person(customer)


def _header_safe_person(person: Person) -> Person:
    return Person(person.address, _header_safe(markdown.one_line(person.name)))


def _header_safe(value: str) -> str:
    """Shorten a value and break up "=?", which would be decoded again (docs/mail.md R4)."""
    return value[:_MAX_HEADER].rstrip().replace("=?", "=\u200b?")


def _references(case: Case) -> tuple[str, ...]:
    """Return the thread of the customer's newest mail, which comes last."""
    earlier = [message_id for message_id in case.references if message_id != case.message_id]
    newest = [case.message_id] if case.message_id else []
    return (*earlier, *newest)


def _language_tags(languages: list[str]) -> Iterator[str]:
    """Yield "de-at" and then "de" for "de_AT"; nothing for what is not a language."""
    for language in languages:
        tag = language.replace("_", "-").lower()
        if is_language(tag):
            yield from (tag, tag.split("-")[0])


def _preheader(paragraphs: list[str]) -> str:
    """Return the first words of the body, which mail programs show beside the subject."""
    first = paragraphs[0] if paragraphs else ""
    if len(first) <= _MAX_PREHEADER:
        return first
    return first[:_MAX_PREHEADER].rsplit(" ", 1)[0] + "…"


# --- what a letter must contain, whatever its template says (practices 1, 5, 9, 10, 46, 48, 49, 65, 66 and 73) ---
# A language without phrases of its own is checked for the values only.


def _missing_content(
    kind: LetterKind, language: str, text: str, scope: Mapping[str, Any], languages: Catalogue
) -> list[str]:
    """Return what the letter must contain and does not.

    Args:
        kind: the kind of the letter.
        language: the language it is written in.
        text: its plain text.
        scope: the values that its template was rendered with.
        languages: the languages to use.

    Returns:
        Each missing piece in words for the administrator, such as "the cause ({{ facts.cause }})".
    """
    return [
        *_missing_people(text, scope),
        *_missing_tone(kind, language, text, scope, languages),
        *_missing_values(kind, text, scope),
    ]


def _contains(text: str, value: str) -> bool:
    """Whether the text contains the value, apart from line breaks, capitals and its last mark."""
    return _flat(value).rstrip(_ENDS).casefold() in _flat(text).casefold()


def _missing_people(text: str, scope: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is missing of the person who signs and of the company."""
    for name, description in _OWNER.items():
        if not _contains(text, getattr(scope["owner"], name)):
            yield f"the owner's {description} ({{{{ owner.{name} }}}})"
    if not _contains(text, scope["company"].name):
        yield "the company that the letter is signed for ({{ company.name }})"


def _missing_tone(
    kind: LetterKind, language: str, text: str, scope: Mapping[str, Any], languages: Catalogue
) -> Iterator[str]:
    """Yield what is missing of apologies and thanks.

    Args:
        kind: the kind of the letter; a follow-up apologises in its first paragraph and in its last one.
        language: in whose phrases it apologises and thanks.
        text: its plain text.
        scope: whose owner's name ends the body.
        languages: the languages to use.
    """
    if kind not in _WITH_APOLOGY:
        return

    paragraphs = paragraphs_of(text, scope["owner"].name) or [""]
    if not has(language, "apology", paragraphs[0], languages):
        yield "an apology in the first paragraph"
    if kind == LetterKind.FOLLOW_UP and not has(language, "apology", paragraphs[-1], languages):
        yield "an apology in the last paragraph"
    if kind in _WITH_THANKS and not has(language, "thanks", _flat(text), languages):
        yield "thanks"


def _missing_values(kind: LetterKind, text: str, scope: Mapping[str, Any]) -> Iterator[str]:
    """Yield the values of this kind of letter that the text does not contain.

    Args:
        kind: the kind of the letter; most kinds must contain no value.
        text: its plain text.
        scope: the values that its template was rendered with. Of one that may be said in several ways, one
            way is enough.
    """
    requirements = _REQUIREMENTS.get(kind)
    if requirements is None:
        return

    for description, value in requirements(scope):
        if isinstance(value, Missing):
            yield f"{description} (not stated yet)"
        elif not any(_contains(text, way) for way in ([value] if isinstance(value, str) else value)):
            yield description


def _of_follow_up(scope: Mapping[str, Any]) -> Iterator[_Requirement]:
    for fact in ("cause", "resolution", "prevention"):
        yield f"the {fact} ({{{{ facts.{fact} }}}})", getattr(scope["facts"], fact)
    yield from _of_compensation(scope)


def _of_confirmation(scope: Mapping[str, Any]) -> Iterator[_Requirement]:
    for name, items in (("promise", scope["promises"]), ("option", scope["options"])):
        for item in items:
            yield f"{name} {item.n} ({{{{ {name}.text }}}})", _ways_of_saying(item)
            if item.by:
                yield f"the date of {name} {item.n} ({{{{ {name}.by }}}})", item.by
    yield from _of_compensation(scope)


def _ways_of_saying(item: Any) -> tuple[str, ...]:
    """Return how a letter may say a promise or an option: as it is, or around its date."""
    return (item.text, getattr(item, "said", item.text))


def _of_compensation(scope: Mapping[str, Any]) -> Iterator[_Requirement]:
    for grant in scope["compensation"]:
        value = grant.amount or grant.text
        if value:
            yield f"the {grant.kind} that was given ({value})", value


def _of_delay(scope: Mapping[str, Any]) -> Iterator[_Requirement]:
    for promise in scope["promises"]:
        if promise.withdrawn:
            yield f"promise {promise.n}, which was withdrawn ({{{{ promise.text }}}})", promise.text
        else:
            yield f"the new date of promise {promise.n} ({{{{ promise.by }}}})", promise.by


def _of_gift_card(scope: Mapping[str, Any]) -> Iterator[_Requirement]:
    yield "the code ({{ card.code }})", scope["card"].code
    yield "the amount ({{ card.amount }})", scope["card"].amount


_REQUIREMENTS = {
    LetterKind.CONFIRMATION: _of_confirmation,
    LetterKind.DELAY: _of_delay,
    LetterKind.FOLLOW_UP: _of_follow_up,
    LetterKind.GIFT_CARD: _of_gift_card,
}


def _flat(text: str) -> str:
    return " ".join(text.split())
