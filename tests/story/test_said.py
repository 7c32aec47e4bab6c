"""What agents are told is told in their language: every sentence of the chapters, and the words that stand in it."""

import json
import re
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from followupd.domain.case import Stage
from followupd.domain.command import form_shown
from followupd.domain.compensation import Compensation, Gift, GrantState, Money, reason_to_wait
from followupd.domain.decision import LetterContent, LookedUp
from followupd.domain.letter import LetterKind
from followupd.domain.translatable import Moment, msg, sentence_list
from followupd.languages import load
from followupd.text.wording import FACT, PREVENTION, RULES, WordingRule, findings
from tests.story.lettered import (
    ANA,
    NOW,
    PLAYBOOK,
    flat,
    letters,
    promise,
    sample,
)

LANGUAGES = ("de", "fr", "es")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            "Promise 1, “ship the replacement”, is due on Friday 4 December at 17:00. Was it kept? The refund of 25.00 EUR needs your word: 25.00 EUR is above the limit of Ana, 20.00 EUR; it is held.",
        ),
        (
            "de",
            "Zusage 1 („ship the replacement“) war fällig am Freitag, 4. Dezember, 17:00 Uhr. Wurde sie gehalten? Die Erstattung über 25,00 EUR braucht Ihre Freigabe: 25,00 EUR liegt über der Grenze von Ana, 20,00 EUR; der Fall ruht.",
        ),
        (
            "fr",
            "La promesse 1 (« ship the replacement ») était due le vendredi 4 décembre à 17 h 00. A-t-elle été tenue ? Le remboursement de 25,00 EUR attend votre accord : 25,00 EUR dépasse la limite de Ana, 20,00 EUR ; il est suspendu.",
        ),
        (
            "es",
            "La promesa 1 («ship the replacement») vencía el viernes 4 de diciembre a las 17:00. ¿Se ha cumplido? El reembolso de 25,00 EUR espera su visto bueno: 25,00 EUR supera el límite de Ana, 20,00 EUR; está en pausa.",
        ),
    ],
)
def test_a_desk_mail_says_in_the_companys_language_what_a_chapter_says(language: str, words: str) -> None:
    when = Moment(datetime(2026, 12, 4, 17, tzinfo=UTC), "Friday 4 December at 17:00", timed=True)
    kept = "25.00 EUR is above the limit of Ana, 20.00 EUR"  # as the ledger has it, without its pattern
    grant = Compensation(
        n=1,
        kind=Gift.REFUND,
        state=GrantState.WAITING_APPROVAL,
        money=Money(2500, "EUR"),
        because=kept,
    )
    because = sentence_list(
        [
            msg("{promise} is due on {when}. Was it kept?", promise=promise().named, when=when),
            msg("{grant} needs your word: {why}", grant=grant.named, why=reason_to_wait(grant)),
            msg("it is held"),
        ]
    )
    abroad = replace(PLAYBOOK, company=replace(PLAYBOOK.company, locale=language))
    mail = letters().desk(
        LetterKind.NUDGE, sample(language=language), abroad, NOW, LetterContent(because=because), ANA
    )
    assert words in flat(mail.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_understood_and_what_is_expected_has_no_english_names(language: str) -> None:
    abroad = replace(PLAYBOOK, company=replace(PLAYBOOK.company, locale=language))
    case = sample(language=language)
    content = LetterContent(
        because=msg("{line}; expected {form}", line="?", form=form_shown("fault")),
        looked_up=(LookedUp("-", tuple(stage.named for stage in Stage)),),
        compensation=case.compensation,
    )
    mail = flat(letters().desk(LetterKind.ANSWER, case, abroad, NOW, content, ANA).text)
    english = {"refund", "gesture", "gift-card", "not-ours", "shared", *(stage.value for stage in Stage)}
    assert [word for word in english if re.search(rf"\b{word}\b", mail)] == []


@pytest.mark.parametrize("reason", ["another open case has it", "5 is above the limit", ""])
def test_a_reason_that_no_pattern_makes_stays_as_it_is(reason: str) -> None:
    grant = Compensation(n=1, kind=Gift.GESTURE, state=GrantState.GRANTED, because=reason)
    assert reason_to_wait(grant) == reason


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_better_words_keep_the_rules_in_every_language(rule: WordingRule, language: str) -> None:
    better = load(language).messages[rule.better]
    kind = PREVENTION if rule.kinds == (PREVENTION,) else FACT
    assert rule.id in {"W14", "W15"} or findings(better, kind=kind, language=language) == ()


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
