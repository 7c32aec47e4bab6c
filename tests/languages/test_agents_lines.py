"""Desk mails offer the verbs of their own language, and what they offer is understood when it comes back."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import followupd
from followupd.adapters.templates.formatter import formatter_for
from followupd.adapters.templates.samples import sample_content
from followupd.domain.command import VERBS, line_shown
from followupd.domain.letter import DESK_MAILS, LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg
from followupd.text.notes import read_note
from followupd.text.orders import Grammar, folded
from tests.story.lettered import COMPANY, NOW, PLAYBOOK, TEMPLATES, flat, sample, wrote

GRAMMAR = Grammar()
LOCALES = {"de": "de_DE", "fr": "fr_FR", "es": "es_ES"}


def playbook_in(language: str) -> Playbook:
    return replace(PLAYBOOK, company=replace(COMPANY, locale=LOCALES[language]))


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("kind", [kind for kind in DESK_MAILS if kind is not LetterKind.DIGEST])
def test_a_desk_mail_offers_words_of_its_language_which_mean_what_they_should(
    language: str, kind: LetterKind
) -> None:
    playbook = playbook_in(language)
    case = sample(language=language)
    lines = [line.strip() for line in wrote(kind, case, playbook).text.splitlines()]
    words = playbook_words(language)
    for asked in sample_content(kind, case, playbook, NOW).asks:
        verb = asked.partition(":")[0].strip()
        offered = [line for line in lines if line.partition(":")[0] == words[verb]]
        assert offered, (asked, lines)
        assert GRAMMAR.verb_of(offered[0].partition(":")[0]) == verb


def playbook_words(language: str) -> dict[str, str]:
    answers = GRAMMAR.languages.language(language).answers
    return {verb: answers.verbs[verb][0] for verb in VERBS}


@pytest.mark.parametrize("language", LOCALES)
def test_the_last_line_of_a_desk_mail_names_further_words_of_its_language(language: str) -> None:
    words = playbook_words(language)
    for kind in set(DESK_MAILS) - {
        LetterKind.REQUEST
    }:  # a department answers in its own words, and knows no verbs
        said = flat(wrote(kind, sample(language=language), playbook_in(language)).text)
        assert words["show"] in said, kind
        assert words["help"] in said, kind


@pytest.mark.parametrize("language", LOCALES)
def test_what_a_desk_mail_offers_is_understood_when_it_is_filled_in(language: str) -> None:
    words = playbook_words(language)
    notes = GRAMMAR.languages.language(language).answers.notes
    late = f"{words['late']}: 1 {notes.until[0]} 4.12. {notes.because[0]} X - Y"
    read = read_note([words["approve"], f"{words['cause']}: X - Y", late, words["help"]], GRAMMAR)
    assert [order.verb for group in read.orders for order in group] == ["approve", "cause", "late", "help"]
    assert read.back == ()


@pytest.mark.parametrize("language", ["en", *LOCALES])
def test_every_word_of_the_page_of_help_is_understood(language: str) -> None:
    page = playbook_page(language).splitlines()
    items = [
        piece.replace("...", "25 EUR")
        for line in page
        if line.startswith("- ")
        for piece in line.split("`")[1::2]
    ]
    assert len(items) > 40
    for item in items:
        label = item.replace("\u00a0", " ").partition(":")[0].strip()
        pieces = GRAMMAR.read(item.replace("\u00a0", " "))
        is_value = any(label in phrases for phrases in values_of(language))
        assert is_value or not read_note([item], GRAMMAR).back, item
        assert pieces


def values_of(language: str) -> list[tuple[str, ...]]:
    values = GRAMMAR.languages.language(language).answers.values
    return [(*phrases, value) for value, phrases in values.items()]


def playbook_page(language: str) -> str:
    return (TEMPLATES / language / "desk" / "_help.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LOCALES)
def test_no_sentence_for_agents_names_an_order_in_english_where_the_language_has_a_word(
    language: str,
) -> None:
    folder = Path(followupd.__file__).parent
    desk = [
        page.read_text("utf-8")
        for page in (folder.parent / "templates" / language / "desk").glob("*.md")
        if page.name != "_help.md"
    ]
    with (folder / "languages" / language / "agents.po").open("rb") as opened:
        said = [str(message.string) for message in read_po(opened)]
    named = {label for text in (*said, *desk) for label in re.findall(r"`([a-z-]+)(?::[^`]*)?`", text)}
    own = {
        folded(word)
        for words in GRAMMAR.languages.language(language).answers.verbs.values()
        for word in words
    }
    assert {label for label in named if label in VERBS and folded(label) not in own} == set()


@pytest.mark.parametrize("language", LOCALES)
def test_a_sentence_quotes_an_order_in_the_words_of_its_language(language: str) -> None:
    """Agents who wrote "Erstattung: 5 EUR" read that it was taken back, and not 'refund: 5 EUR'."""
    words = playbook_words(language)
    fmt = formatter_for(language, playbook_in(language), NOW, GRAMMAR.languages)
    for line, shown in (
        ("refund: 5 EUR", f"'{words['refund']}: 5 EUR'"),
        ("kept: 1", f"'{words['kept']}: 1'"),
        ("undo", f"'{words['undo']}'"),
        ("cause: Das Etikett - war falsch: 4711", f"'{words['cause']}: Das Etikett - war falsch: 4711'"),
    ):
        assert shown in fmt.say(msg("this was taken back: {line}", line=line_shown(line)))


@pytest.mark.parametrize("language", LOCALES)
def test_no_sentence_for_agents_names_a_value_in_english(language: str) -> None:
    path = Path(followupd.__file__).parent / "languages" / language / "agents.po"
    with path.open("rb") as opened:
        said = [str(message.string) for message in read_po(opened)]
    assert "not-ours" not in "".join(said)


def test_what_agents_are_told_of_their_orders_is_said_in_every_language() -> None:
    """Each order that a sentence quotes is one that languages have a word for, and no sentence is English alone."""
    folder = Path(followupd.__file__).parent
    sources = [*(folder / "recovery" / "commands").glob("*.py"), folder / "services" / "commands.py"]
    for source in sources:
        text = source.read_text("utf-8")
        assert "quoted(command.line)" not in text, source
        assert not re.search(r'NotUnderstoodError\(\s*f?"', text), source
