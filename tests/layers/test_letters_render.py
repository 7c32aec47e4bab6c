"""Every letter in every language, for every sample: the text stands alone, and no value becomes anything but itself."""

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from email import message_from_bytes, policy
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followupd.adapters.smtp.compose import compose
from followupd.adapters.templates import markdown
from followupd.adapters.templates.check import KINDS, TemplateRule, sample_scope
from followupd.adapters.templates.samples import HOSTILE, SAMPLES
from followupd.adapters.templates.sources import sandbox
from followupd.domain.case import FACT_NAMES, Facts
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS, LETTER_WIDTH, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from tests.story.lettered import ANA, NOW, PLAYBOOK, TEMPLATES, flat, sample, wrote

LANGUAGES = sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir())
#: what the letters and their frame are made of; everything else would have come from a value
OURS = {
    "html",
    "head",
    "style",
    "meta",
    "title",
    "body",
    "div",
    "table",
    "tbody",
    "tr",
    "td",
    "p",
    "br",
    "strong",
    "em",
    "ol",
    "ul",
    "li",
    "blockquote",
    "hr",
    "pre",
    "code",
}


class Page(HTMLParser):
    """What a mail program makes of the HTML part: tags, attributes and the words that are shown."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: dict[str, list[str]] = {}
        self.words: list[str] = []
        self.inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.inside.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.inside):
            self.words.append(data)

    @property
    def shown(self) -> str:
        return flat("".join(self.words))


@cache
def letter(kind: LetterKind, name: str, language: str) -> Letter:
    return wrote(kind, sample(name, language=language), playbook(language))


def playbook(language: str) -> Playbook:
    return (
        replace(PLAYBOOK, company=replace(PLAYBOOK.company, locale=language))
        if language != "en"
        else PLAYBOOK
    )


def kinds(language: str) -> tuple[str, ...]:
    """Every letter to customers is written in every language; mails to agents fall back to English."""
    return KINDS if (TEMPLATES / language / "desk").is_dir() else CUSTOMER_LETTERS


every = pytest.mark.parametrize(
    ("kind", "name", "language"),
    [(kind, name, language) for language in LANGUAGES for kind in kinds(language) for name in SAMPLES],
)


@every
def test_every_letter_is_whole(kind: str, name: str, language: str) -> None:
    mail = letter(kind, name, language)
    for part in (mail.text, mail.html, mail.subject, mail.sender.name, mail.to.name):
        assert not re.search(r"Undefined|\bNone\b|namespace\(|Named\(", part)
        assert "\x00" not in part
    assert mail.subject
    assert len(mail.subject) < 998
    assert "\n" not in mail.subject + mail.sender.name + mail.to.name
    assert max(len(line.encode()) for line in (mail.text + mail.html).splitlines()) <= 998


@every
def test_no_value_becomes_markup(kind: str, name: str, language: str) -> None:
    page = Page(letter(kind, name, language).html)
    assert set(page.tags) <= OURS | {"a"}
    links = re.findall(r'href="([^"]*)"', letter(kind, name, language).html)
    assert set(links) <= {"tel:+442079460018", "mailto:ana@example.com"}  # the owner's, in the signature
    assert not {"src", "background", "onclick", "onload"} & set(page.attributes)
    assert f'lang="{language}"' in letter(kind, name, language).html


@every
def test_the_text_part_reads_as_a_plain_mail(kind: str, name: str, language: str) -> None:
    text = letter(kind, name, language).text
    rows = text.splitlines()
    assert max(len(row.removeprefix("> ")) for row in rows) <= LETTER_WIDTH
    assert "\n\n\n" not in text
    assert not any(row != row.rstrip() for row in rows)
    if name != "hostile":
        assert not re.search(r"\*\*|\\|[{}]|<\w", text)


@every
def test_every_letter_goes_into_a_mail_and_comes_out_again(kind: str, name: str, language: str) -> None:
    mail = letter(kind, name, language)
    read = message_from_bytes(compose(mail, now=NOW), policy=policy.default)
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n").strip() == mail.text.strip()
    assert html.get_content().replace("\r\n", "\n").strip() == mail.html.strip()
    assert [part.get_content_type() for part in read.iter_attachments()] == ["text/calendar"] * len(
        mail.attachments
    )


def test_the_admins_page_on_letters_names_everything_that_letters_may_use() -> None:
    page = (TEMPLATES.parent / "docs/letters.md").read_text()
    names = {name for kind in KINDS for name in sample_scope(kind, PLAYBOOK, NOW)}
    for name in (*names, *sandbox(None, str, markup=True).filters, *TemplateRule, *FACT_NAMES):
        assert re.search(rf"\b{name}\b", page), f"docs/letters.md does not name {name}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_both_parts_say_the_same(kind: str, language: str) -> None:
    for name in ("short", "long"):
        mail = letter(kind, name, language)
        words = re.findall(r"\w+", re.sub(r"(?m)^(> ?|\d+\. )", "", mail.text))
        shown = Page(mail.html).shown
        missing = [word for word in words if word not in shown]
        assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_words_stand_in_both_parts_as_they_were_typed(language: str) -> None:
    typed = flat(markdown.harmless(HOSTILE))
    mail = letter(LetterKind.FOLLOW_UP, "hostile", language)
    assert typed in flat(mail.text.replace("\n> ", "\n"))
    assert typed in Page(mail.html).shown
    assert "{{ 7*7 }}" in Page(mail.html).shown


@pytest.mark.parametrize("kind", CUSTOMER_LETTERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_carry_their_owners_contact(kind: str, language: str) -> None:
    mail = letter(kind, "long", language)
    for part in (mail.text, Page(mail.html).shown):
        assert ANA.phone in part
        assert ANA.email in part


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_letter(language: str) -> None:
    assert {kind for kind in kinds(language) if not (TEMPLATES / language / f"{kind}.md").is_file()} == set()


@pytest.mark.parametrize("kind", CUSTOMER_LETTERS)
def test_the_html_part_loads_nothing_and_keeps_its_dark_mode(kind: str) -> None:
    html = letter(kind, "long", "en").html
    assert "http" not in html.replace("http://www.w3.org/1999/xhtml", "")
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 600px" in html
    assert html.index('class="preheader"') < html.index('class="letter"')
    assert len(html.encode()) < 100_000  # Gmail cuts longer ones


def test_colours_are_told_apart_by_everyone() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 between text and ground, by day and by night."""
    for text, ground in [
        ("#22292b", "#ffffff"),
        ("#14615a", "#ffffff"),
        ("#4a5457", "#ffffff"),
        ("#14322f", "#eef4f2"),
        ("#e7eae9", "#1d2123"),
        ("#7cc9be", "#1d2123"),
        ("#b3bcba", "#1d2123"),
        ("#dff3ef", "#22302e"),
    ]:
        layout = (TEMPLATES / "layout.html").read_text()
        assert text in layout
        assert ground in layout
        assert contrast(text, ground) >= 4.5


def test_the_preview_is_hidden_in_its_element_and_phone_and_mail_are_links() -> None:
    html = letter(LetterKind.FOLLOW_UP, "long", "en").html
    hidden = re.search(r'<div class="preheader" style="display: none;', html)
    assert hidden  # where a mail program drops the style sheet, its words do not stand twice
    assert 'href="tel:' in html
    assert 'href="mailto:' in html


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# --- any value at all -------------------------------------------------------------------------------------------------

marks = st.text(alphabet="*_`#>-+=~|[]()!<>{}%&;\\\"'./:@1a \n\t", max_size=80)
texts = st.one_of(st.text(max_size=200), marks)


def kept(value: str) -> str:
    """The words of a value as a letter may show them."""
    return markdown.one_line(value)


@given(texts)
def test_any_value_is_shown_as_it_is_in_both_parts(value: str) -> None:
    source = f"Before {markdown.escaped(value)} after"
    shown = "".join(Page(markdown.to_html(source)).words)
    assert flat(shown) == flat(f"Before {kept(value)} after")
    assert flat(markdown.to_text(source)) == flat(f"Before {kept(value)} after")
    assert set(Page(markdown.to_html(source)).tags) == {"p"}


@given(texts)
def test_any_value_that_begins_a_line_is_shown_as_it_is(value: str) -> None:
    source = f"{markdown.escaped(value)}\n\n- {markdown.escaped(value)}\n\n{markdown.verbatim(value)}\n"
    page = Page(markdown.to_html(source))
    assert set(page.tags) <= {"p", "ul", "li", "pre", "code"}
    assert Counter(page.shown.split()) == Counter(kept(value).split() * 3)


@given(texts)
def test_any_quote_keeps_its_words_and_stays_a_quote(value: str) -> None:
    source = markdown.quoted(value)
    page = Page(markdown.to_html(source + "\n\nEnd"))
    assert set(page.tags) <= {"blockquote", "p", "br"}
    assert page.shown.split() == [*kept(value).split(), "End"]
    assert all(row.startswith(">") for row in markdown.to_text(source).splitlines() if row)


@given(texts)
def test_no_value_keeps_what_could_break_a_line_or_turn_it_round(value: str) -> None:
    clean = markdown.one_line(value)
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in clean)
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", clean)
    assert markdown.one_line(clean) == clean


@settings(max_examples=30, deadline=None)
@given(name=texts, words=texts, subject=texts)
def test_a_follow_up_is_written_or_refused_whatever_people_type(name: str, words: str, subject: str) -> None:
    facts = Facts(cause=f"It was {words}", resolution="sent again", prevention="labels are scanned twice")
    mail = wrote(
        LetterKind.FOLLOW_UP, sample(customer=Person("kim@example.org", name), subject=subject, facts=facts)
    )
    assert set(Page(mail.html).tags) <= OURS | {"a"}
    assert "=?" not in mail.subject + mail.to.name
    assert "\n" not in mail.subject + mail.to.name


def test_a_card_with_a_strange_code_is_shown_as_it_is() -> None:
    mail = wrote(LetterKind.GIFT_CARD, sample("hostile"))
    assert flat(HOSTILE[:60]) in mail.text
    assert flat(HOSTILE[:60]) in Page(mail.html).shown


def test_desk_mails_keep_the_rulers_around_the_lines_to_answer_with() -> None:
    for kind in DESK_MAILS:
        assert wrote(kind).text.count("-" * 40) in {0, 2, 4}
