"""What agents are told is told in their language: every sentence of the chapters, and the words that stand in it."""

import ast
import json
import sqlite3
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import followupd
from followupd.adapters.templates.check import problems
from followupd.adapters.templates.messages import SENTENCES
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.decision import LetterContent
from followupd.domain.letter import CUSTOMER_LETTERS, FOLLOW_UP_FACTS, LetterKind
from followupd.domain.promise import PromiseState
from followupd.domain.translatable import Moment, msg, places, sentence_list
from followupd.text.wording import FACT, PREVENTION, RULES, WordingRule, findings
from tests.story.lettered import (
    ANA,
    NOW,
    PLAYBOOK,
    TEMPLATES,
    changed_letters,
    flat,
    letters,
    promise,
    sample,
)

LANGUAGES = ("de", "fr", "es")
CODE = Path(followupd.__file__).parent
#: the words that stand in sentences; of the states, those in which something is told
WORDS = {
    *(f"the {gift}" for gift in Gift),
    *CUSTOMER_LETTERS,
    *FOLLOW_UP_FACTS,
    *GrantState,
    *PromiseState,
    "low",
    "normal",
    "high",
    "tag",
    "label",
    "folder",
    "note",
    *(part for rule in RULES for part in (rule.reason, rule.better)),
}
#: made by `joined`
ROWS = {"{p0} and {p1}", "{p0} and {p1} and {p2}"}


def known(language: str) -> dict[str, str]:
    return tomllib.loads((TEMPLATES / language / SENTENCES).read_text())


def sentences() -> Iterator[str]:
    """Give every sentence that the program says to agents, as it stands in the code."""
    for path in CODE.rglob("*.py"):
        text = path.read_text()
        if "followupd.domain.translatable import" not in text or path.name == "samples.py":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"msg", "partial"}:
                yield from (
                    arg.value
                    for arg in node.args
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                )
            elif (
                isinstance(node, ast.Constant) and isinstance(node.value, str) and "letters" not in path.parts
            ):
                yield from (node.value,) if " " in node.value and places(node.value) else ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_for_agents_is_known_in_every_language(language: str) -> None:
    there = known(language)
    assert {*sentences(), *WORDS} - set(there) == set()
    assert set(there) - {*sentences(), *WORDS, *ROWS} == set(), "nothing says these"
    assert [english for english, said_ in there.items() if places(english) != places(said_)] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            "Promise 1, “ship the replacement”, is due on Friday 4 December at 17:00. Was it kept?; the refund of 25.00 EUR needs your word: it is above the limit.",
        ),
        (
            "de",
            "Zusage 1 („ship the replacement“) ist fällig am Freitag, 4. Dezember, 17:00 Uhr. Wurde sie gehalten?; die Erstattung über 25.00 EUR braucht Ihr Wort: mehr als die Grenze.",
        ),
        (
            "fr",
            "La promesse 1 (« ship the replacement ») est due le vendredi 4 décembre à 17 h 00. A-t-elle été tenue ?; le remboursement de 25.00 EUR attend votre accord : c'est au-dessus de la limite.",
        ),
        (
            "es",
            "La promesa 1 («ship the replacement») vence el viernes 4 de diciembre a las 17:00. ¿Se ha cumplido?; el reembolso de 25.00 EUR espera su visto bueno: está por encima del límite.",
        ),
    ],
)
def test_a_desk_mail_says_in_the_companys_language_what_a_chapter_says(language: str, words: str) -> None:
    when = Moment(datetime(2026, 12, 4, 17, tzinfo=UTC), "Friday 4 December at 17:00", timed=True)
    grant = msg("{grant} of {money}", grant=msg("the refund"), money="25.00 EUR")
    because = sentence_list(
        [
            msg("{promise} is due on {when}. Was it kept?", promise=promise().named, when=when),
            msg("{grant} needs your word: {why}", grant=grant, why=msg("it is above the limit")),
        ]
    )
    abroad = replace(PLAYBOOK, company=replace(PLAYBOOK.company, locale=language))
    mail = letters().desk(
        LetterKind.NUDGE, sample(language=language), abroad, NOW, LetterContent(because=because), ANA
    )
    assert words in flat(mail.text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_better_words_keep_the_rules_in_every_language(rule: WordingRule, language: str) -> None:
    better = known(language)[rule.better]
    kind = PREVENTION if rule.kinds == (PREVENTION,) else FACT
    assert rule.id == "W15" or findings(better, kind=kind, language=language) == ()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "Eine Garantie für die Zukunft kann niemand halten"),
        ("fr", "Personne ne peut tenir une garantie"),
        ("es", "Nadie puede cumplir una garantía"),
    ],
)
def test_what_the_rules_of_wording_find_is_said_in_the_companys_language(language: str, words: str) -> None:
    abroad = replace(PLAYBOOK, company=replace(PLAYBOOK.company, locale=language))
    [finding] = [each.told for each in findings("We guarantee it.", kind=FACT, language="en")]
    mail = letters().desk(
        LetterKind.ANSWER,
        sample(language=language),
        abroad,
        NOW,
        LetterContent(findings=(finding,), problems=(finding,)),
        ANA,
    )
    assert flat(mail.text).count(words) == 2
    assert "[W07]" in mail.text
    assert "Nobody can" not in mail.text


def test_words_of_people_are_no_sentence_of_ours() -> None:
    abroad = replace(PLAYBOOK, company=replace(PLAYBOOK.company, locale="de"))
    because = msg("the customer was not reached: {why}", why="the case is held")
    mail = letters().desk(LetterKind.NUDGE, sample(), abroad, NOW, LetterContent(because=because), ANA)
    assert "niemand wurde erreicht: the case is held." in flat(mail.text)


def test_what_a_holding_letter_promises_is_named_in_the_customers_language() -> None:
    assert (
        letters().phrase(msg("news from me"), sample(language="fr"), PLAYBOOK) == "des nouvelles de ma part"
    )
    assert letters().phrase(msg("news from me"), sample(), PLAYBOOK) == "news from me"


def test_a_sentence_is_a_string_to_everyone_who_keeps_it() -> None:
    made = msg("the {fact} is not known yet", fact=msg("cause"))
    assert made == "the cause is not known yet"
    assert json.dumps([made]) == '["the cause is not known yet"]'
    with sqlite3.connect(":memory:") as ledger:
        assert ledger.execute("SELECT ?", (made,)).fetchone() == (str(made),)
    ledger.close()


def test_a_value_is_never_read_as_a_pattern() -> None:
    assert msg("{a} and {b}", a="{b}", b="{a}") == "{b} and {a}"
    assert msg("{a.__class__}", a=1) == "{a.__class__}"


def test_check_finds_a_wrong_sentence_and_a_file_that_is_none(tmp_path: Path) -> None:
    copy = changed_letters(tmp_path)
    file = copy / "de" / SENTENCES
    file.write_text('"the case is held: {why}" = "der Fall ruht: {warum}"\n')
    assert [f"{one.rule} {one.problem}" for one in problems(copy, PLAYBOOK, NOW)] == [
        "L04 there is no `{warum}` in the sentence 'the case is held: {why}'"
    ]
    file.write_text('"a" = "b"\n"c"\n')
    found = problems(copy, PLAYBOOK, NOW)
    assert [(one.file, one.line, one.rule) for one in found if one.rule == "L03"] == [
        (f"templates/de/{SENTENCES}", 2, "L03")
    ]
