"""The rules of wording: what each finds, what it leaves alone, in four languages; what an agent insists on stands."""

import re
from datetime import date
from pathlib import Path

import pytest

from followupd.adapters.templates.check import shipped_steps
from followupd.domain.letter import CUSTOMER_LETTERS, LetterKind
from followupd.services.wording_guard import wording_context
from followupd.text.wording import (
    FACT,
    PART,
    PHRASED,
    PREVENTION,
    RULES,
    Context,
    WordingRule,
    WordingRules,
    findings,
    unknown_rules,
)
from followupd.text.wording.checker import MAX_READ, has
from followupd.text.wording.facts import advice
from tests.story.lettered import ANA, NOW, PLAYBOOK

#: sentences that a rule finds in a letter, by language and rule
BAD = {
    "en": {
        "W03": [
            "I am sorry you feel that way.",
            "We apologise if you were inconvenienced.",
            "I am sorry, but the rules are clear.",
            "We regret any inconvenience this may have caused.",
            "Sorry that you are upset about it.",
        ],
        "W04": [
            "This was beyond our control.",
            "Mistakes happen.",
            "It's not our fault.",
            "We were extremely busy that week.",
        ],
        "W05": [
            "You should have told us.",
            "That was your own mistake.",
            "You didn't read the label.",
            "As we have already told you, it left.",
        ],
        "W06": [
            "Mistakes were made.",
            "There was a mix-up at the warehouse.",
            "An error occurred.",
            "It was overlooked.",
        ],
        "W07": [
            "We guarantee that it works.",
            "It will never happen again.",
            "This won’t happen again.",
            "You can be 100 % sure.",
        ],
        "W08": ["Please contact us.", "Please call our customer service.", "Don't hesitate to write."],
        "W09": ["I feel so bad for you.", "That must have been awful.", "I know exactly how you feel."],
        "W10": ["Your RMA is open.", "As per our records it left.", "Going forward we check."],
        "W11": ["We are SO VERY sorry.", "IMPORTANT news.", "So sorry!"],
        "W15": ["Here is a gift card.", "We sent a gift voucher."],
        "W17": ["Please fill in the attached form.", "You will need to return it at your own expense."],
    },
    "de": {
        "W03": [
            "Es tut mir leid, dass Sie das so empfinden.",
            "Wir bitten um Entschuldigung, falls Ihnen etwas fehlte.",
            "Es tut mir leid, aber so ist es.",
            "Entschuldigen Sie etwaige Unannehmlichkeiten.",
        ],
        "W04": [
            "Das lag außerhalb unserer Kontrolle.",
            "So etwas kann passieren.",
            "Wir bitten um Ihr Verständnis.",
        ],
        "W05": [
            "Sie hätten das früher sagen sollen.",
            "Wie wir Ihnen bereits mitgeteilt haben, ist es unterwegs.",
        ],
        "W06": [
            "Es ist ein Fehler passiert.",
            "Leider wurde übersehen, dass es fehlt.",
            "Ein Fehler ist unterlaufen.",
        ],
        "W07": [
            "Wir garantieren Ihnen das.",
            "Das wird nie wieder vorkommen.",
            "Das ist hundert Prozent sicher.",
        ],
        "W08": [
            "Bitte kontaktieren Sie uns.",
            "Zögern Sie nicht, uns anzurufen.",
            "Für weitere Fragen sind wir da.",
        ],
        "W09": [
            "Sie tun mir wirklich leid.",
            "Das muss schrecklich gewesen sein.",
            "Ich weiß, wie Sie sich fühlen.",
        ],
        "W10": ["Wir melden uns zeitnah.", "Anbei die RMA.", "Ihre Ticketnummer steht oben."],
        "W11": ["Es tut uns SEHR LEID.", "Entschuldigung!"],
        "W15": ["Ein Geschenkgutschein liegt bei."],
        "W17": ["Bitte senden Sie uns das Gerät.", "Die Rücksendung geht auf Ihre Kosten."],
    },
    "fr": {
        "W03": [
            "Je suis désolé que vous le preniez ainsi.",
            "Toutes nos excuses si cela vous a gêné.",
            "Je suis désolée, mais c'est ainsi.",
            "Veuillez excuser tout désagrément.",
        ],
        "W04": [
            "C'est indépendant de notre volonté.",
            "L’erreur est humaine.",
            "Merci de votre compréhension.",
        ],
        "W05": ["Vous auriez dû nous le dire.", "C'est votre propre erreur."],
        "W06": ["Une erreur s'est produite.", "Il y a eu une confusion.", "Des erreurs ont été commises."],
        "W07": ["Nous vous garantissons que tout ira bien.", "Cela n'arrivera plus.", "Plus jamais."],
        "W08": ["Veuillez nous contacter.", "N'hésitez pas à appeler.", "Contactez notre service."],
        "W09": ["Je suis vraiment désolé pour vous.", "Je comprends ce que vous ressentez."],
        "W10": ["Votre RMA est ouvert.", "Ci-joint la facture."],
        "W11": ["Nous sommes TRÈS DÉSOLÉS.", "Pardon !"],
        "W15": ["Voici une carte cadeau."],
        "W17": ["Merci de nous renvoyer le colis.", "Le retour est à vos frais."],
    },
    "es": {
        "W03": [
            "Siento que se sienta así.",
            "Le pedimos disculpas si le hemos causado algo.",
            "Lo siento, pero así es.",
            "Disculpe cualquier inconveniente.",
        ],
        "W04": ["Fue algo ajeno a nuestra voluntad.", "Estas cosas pasan.", "Agradecemos su comprensión."],
        "W05": ["Debería haber avisado antes.", "Fue su propio error."],
        "W06": ["Se ha producido un error.", "Hubo una confusión.", "Se nos pasó."],
        "W07": ["Le garantizamos que funcionará.", "No volverá a ocurrir.", "Nunca más."],
        "W08": ["Póngase en contacto con nosotros.", "No dude en llamar."],
        "W09": ["Lo siento mucho por usted.", "Entiendo perfectamente cómo se siente.", "Qué pena."],
        "W10": ["Su RMA está abierta.", "Lo haremos a la mayor brevedad."],
        "W11": ["Lo sentimos MUCHO TODOS.", "¡Perdón!"],
        "W15": ["Le enviamos una tarjeta regalo."],
        "W17": ["Por favor, envíenos el producto.", "Los gastos corren a su cargo."],
    },
}
#: sentences of good letters, in which no rule finds anything
GOOD = {
    "en": [
        "I am sorry that the parcel did not arrive.",
        "I am sorry. If anything is still not right, call me.",
        "We made a mistake: I sent it to an old address.",
        "I cannot promise that it never happens again.",
        "Everything else stands as I told you.",
        "Your refund of 100 % of the price left today.",
        "The NHS and IKEA use the same form.",
        "Order AB-1234-XY left on Friday.",
        "You did everything right.",
        "Nobody can guarantee that.",
        "Your guarantee runs until May.",
    ],
    "de": [
        "Es tut mir leid, dass das Paket nicht ankam.",
        "Wir haben einen Fehler gemacht.",
        "Niemand kann versprechen, dass das nie wieder passiert.",
        "Alles andere bleibt, wie ich es Ihnen gesagt habe.",
        "Rufen Sie mich an, wenn etwas fehlt.",
    ],
    "fr": [
        "Je suis désolée que le colis ne soit pas arrivé.",
        "Nous avons fait une erreur.",
        "Tout le reste est comme je vous l'ai dit.",
    ],
    "es": ["Siento que el paquete no llegara.", "Cometimos un error.", "Todo lo demás sigue como le dije."],
}


def ids(text: str, kind: str = LetterKind.CONFIRMATION, language: str = "en", **context: object) -> set[str]:
    manner = context.pop("manner", WordingRules())
    found = findings(text, kind=kind, language=language, manner=manner, context=Context(**context))  # type: ignore[arg-type]
    return {finding.rule.id for finding in found} - {"W01"}


@pytest.mark.parametrize(
    ("language", "rule", "text"),
    [
        (language, rule, text)
        for language, rules in BAD.items()
        for rule, texts in rules.items()
        for text in texts
    ],
)
def test_each_slip_is_found_by_its_rule(language: str, rule: str, text: str) -> None:
    assert rule in ids(text, language=language)


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, texts in GOOD.items() for text in texts]
)
def test_good_sentences_are_left_alone(language: str, text: str) -> None:
    assert ids(text, language=language) == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_better_wording_of_a_rule_breaks_no_rule(rule: object) -> None:
    better = getattr(rule, "better", "")
    assert ids(re.sub(r"\(instead of.*\)|^gift-card.*", "", better), kind=FACT) <= {"W14"}


def test_a_slip_is_found_across_the_lines_of_a_letter_and_named_with_its_line() -> None:
    [finding] = findings("One.\n\nWe are sorry\nif you had to wait.", kind=PART, language="en")
    assert (finding.rule.id, finding.line, finding.words) == ("W03", 3, "sorry if")


def test_the_apology_stands_in_the_first_two_sentences() -> None:
    text = "Dear Kim,\n\nThank you. I am sorry for this.\n\nIt left today and comes tomorrow.\n\nAna Reyes\n"
    late = text.replace("I am sorry for this.", "It rained. So it did not come. I am sorry.")
    said = {
        x: [
            f.rule.id
            for f in findings(x, kind=LetterKind.CONFIRMATION, language="en", context=Context(owner=ANA.name))
        ]
        for x in (text, late)
    }
    assert said == {text: [], late: ["W01"]}


@pytest.mark.parametrize(
    ("last", "found"),
    [
        ("Once more, I am sorry. I hope you come back.", []),
        ("Once more, I am sorry for all of this.", ["W02"]),
        ("We hope that you will come back and buy more.", ["W02"]),
    ],
)
def test_a_follow_up_ends_with_an_apology_that_turns_into_an_invitation(last: str, found: list[str]) -> None:
    text = f"Dear Kim,\n\nI am sorry for this.\n\n{last}\n\nWith kind regards,\n\nAna Reyes\n"
    assert [
        f.rule.id
        for f in findings(text, kind=LetterKind.FOLLOW_UP, language="en", context=Context(owner=ANA.name))
    ] == found


def test_a_holding_letter_has_three_sentences_and_a_way_to_reach_us() -> None:
    four = "I am sorry. One thing. Another thing. Call me."
    assert ids(four, kind=LetterKind.HOLDING) == set()
    assert ids(f"{four} And one more.", kind=LetterKind.HOLDING) == {"W12"}


def test_a_long_fact_is_found() -> None:
    assert ids("word " * 91, kind=FACT) == {"W12"}


def test_a_change_that_is_not_made_yet_is_no_prevention() -> None:
    assert ids("We will train our people.", kind=PREVENTION) == {"W18"}
    assert ids("We have trained our people.", kind=PREVENTION) == set()
    assert ids("We will train our people.", kind=FACT) == set()


def test_a_date_that_is_over_is_found() -> None:
    def over(words: str) -> bool:
        return "2024" in words

    text = "You hear from me by 4 December 2024, and then by 4 December 2027."
    assert ids(text, over=over) == {"W13"}
    assert ids(text, over=over, values=["by 4 December 2024"]) == set()


@pytest.mark.parametrize(
    ("language", "day"),
    [("en", "4 December"), ("de", "4. Dezember"), ("fr", "4 décembre"), ("es", "4 de diciembre de")],
)
def test_a_date_that_is_over_is_read_as_the_language_writes_it(language: str, day: str) -> None:
    over = wording_context(PLAYBOOK, language, NOW).over
    assert ids(f"{day} 2024", language=language, over=over) == {"W13"}
    assert ids(f"{day} 2027", language=language, over=over) == set()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I will call you by Friday."),
        ("de", "Ich rufe Sie bis Freitag an."),
        ("fr", "Je vous appelle d'ici vendredi."),
        ("es", "Le llamaré antes del viernes."),
    ],
)
def test_a_dated_promise_is_heard_in_every_language(language: str, text: str) -> None:
    hears = wording_context(PLAYBOOK, language, NOW).hears
    assert ids(text, language=language, hears=hears) == {"W14"}
    days = [date(2026, 12, 3), date(2026, 12, 4)]
    assert ids(text, language=language, hears=hears, promised=days) == set()


@pytest.mark.parametrize(
    ("language", "first", "last"),
    [
        ("en", "I am sorry.", "Once more, I am sorry. I hope you will come back."),
        ("de", "Es tut mir leid.", "Noch einmal: Es tut mir leid. Ich hoffe, Sie kommen wieder."),
        ("fr", "Je vous présente mes excuses.", "Encore toutes mes excuses. J'espère vous revoir."),
        ("es", "Le pido disculpas.", "Una vez más, le pido disculpas. Espero que vuelva."),
    ],
)
def test_apologies_first_and_last_are_known_in_every_language(language: str, first: str, last: str) -> None:
    def found(*paragraphs: str) -> set[str]:
        text = "\n\n".join(paragraphs)
        return {each.rule.id for each in findings(text, kind=LetterKind.FOLLOW_UP, language=language)}

    assert found(first, "A.", last) == set()
    assert found("A. B.", "C.", last) == {"W01"}
    assert found(first, "A.") == {"W02"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We will train our people."),
        ("de", "Wir werden unsere Leute schulen."),
        ("fr", "Nous allons former nos équipes."),
        ("es", "Vamos a formar a nuestro equipo."),
    ],
)
def test_a_change_that_is_still_to_come_is_known_in_every_language(language: str, text: str) -> None:
    assert ids(text, kind=PREVENTION, language=language) == {"W18"}


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_length_and_repetition_need_no_language(language: str) -> None:
    assert ids("ja " * 91, kind=FACT, language=language) == {"W12"}
    assert ids("Ja, so.", language=language, earlier=["ja, so"]) == {"W16"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_says_why_how_better_and_whence(rule: WordingRule) -> None:
    assert re.fullmatch(r"W\d\d", rule.id)
    assert re.fullmatch(r"practices? \d+(, \d+)*", rule.source)
    assert rule.reason.endswith(".")
    assert rule.reason.count(". ") == 0
    assert rule.better
    assert rule.kinds


def test_a_dated_promise_that_the_ledger_does_not_know_is_found() -> None:
    friday = date(2026, 12, 4)
    assert ids("I will call you by Friday.", hears=lambda _: [("by Friday", friday)]) == {"W14"}
    assert (
        ids("I will call you by Friday.", hears=lambda _: [("by Friday", friday)], promised=[friday]) == set()
    )


def test_the_same_words_are_not_said_twice_to_one_person() -> None:
    assert ids("I am\nsorry.", earlier=["I am sorry."]) == {"W16"}
    assert ids("I am very sorry.", earlier=["I am sorry."]) == set()


@pytest.mark.parametrize(
    ("language", "impact"),
    [
        ("en", "You stood there without the present."),
        ("de", "Sie standen ohne das Geschenk da."),
        ("fr", "Vous étiez là, sans le cadeau."),
        ("es", "Usted se quedó sin el regalo."),
    ],
)
def test_what_it_meant_for_one_customer_is_not_told_to_another(language: str, impact: str) -> None:
    text = f"So:\n{impact}"
    assert ids(text, language=language, impact=impact, others=[f"{impact.casefold()} "]) == {"W19"}
    assert ids(text, language=language, impact=impact, others=["Another one"]) == set()
    assert ids(text, language=language, impact=impact, others=[impact], insisted=[impact]) == set()
    assert ids("So.", language=language, impact=impact, others=[impact]) == set(), (
        "the letter does not say it"
    )


def test_a_few_words_may_be_the_same_by_chance() -> None:
    assert ids("A missed train.", impact="A missed train.", others=["A missed train."]) == set()


def test_a_gift_card_stands_in_its_own_letter_only() -> None:
    text = "Here is a gift card for you."
    assert {kind for kind in CUSTOMER_LETTERS if "W15" in ids(text, kind=kind)} == {*CUSTOMER_LETTERS} - {
        LetterKind.GIFT_CARD
    }


def test_names_may_be_written_in_capitals_and_with_marks() -> None:
    assert ids("YAHOOO! GREAT BRANDS wrote.", names=["YAHOOO! Great Brands"]) == set()


def test_what_an_agent_insists_on_is_left_alone() -> None:
    text = "We guarantee it.\nIt was beyond our control."
    assert ids(text, insisted=["We guarantee it"]) == {"W04"}


def test_rules_are_switched_off_and_own_phrases_added() -> None:
    manner = WordingRules(frozenset({"W03"}), {"en": {"jargon": ("L2 ticket",)}})
    assert ids("Sorry if you had an l2  ticket, sorry.", manner=manner) == {"W10"}
    assert ids("Sorry, wenn Sie ein L2 ticket haben.", language="de", manner=manner) == set()


def test_unknown_rules_and_lists_are_named() -> None:
    unknown = unknown_rules(WordingRules(frozenset({"W03", "W99"}), {"en": {"jargon": (), "jokes": ()}}))
    assert list(unknown) == ["rules.W99", "phrases.en.jokes"]
    assert "W03" in unknown["rules.W99"]
    assert "jargon" in unknown["phrases.en.jokes"]


def test_a_language_without_phrases_is_held_only_to_what_needs_none() -> None:
    assert ids("Mistakes were made, SORRY FOR IT!", language="sv") == {"W11"}


def test_the_page_of_the_rules_says_what_the_rules_say() -> None:
    page = (Path(__file__).parents[2] / "docs" / "wording.md").read_text(encoding="utf-8")
    for rule in RULES:
        stops = "yes" if rule.hard else ""
        row = f"| {rule.id} | `{rule.name}` | {rule.reason} | {rule.better} | {rule.source} | {stops} |"
        assert row in page, row
    assert all(f"`{name}`" in page for name in PHRASED)


#: sentences written apart from the lists, in three rounds: language, kind (or good), sentence
WRITTEN_APART = Path(__file__).parent / "letters" / "wording.tsv"
#: rules that are not about what a sentence says
_ABOUT_FORM = {"W11", "W12"}


def test_nine_of_ten_bad_sentences_of_each_kind_and_language_are_found() -> None:
    found: dict[tuple[str, str], list[bool]] = {}
    for language, kind, text in written_apart():
        if kind != "good":
            is_found = bool(ids(text, kind=FACT, language=language) - _ABOUT_FORM)
            found.setdefault((language, kind), []).append(is_found)

    shares = {name: sum(hits) / len(hits) for name, hits in found.items()}
    assert {name: share for name, share in shares.items() if share < 0.85} == {}
    assert sum(shares.values()) / len(shares) > 0.95


def test_no_good_sentence_is_blamed() -> None:
    blamed = [
        text
        for language, kind, text in written_apart()
        if kind == "good" and ids(text, kind=FACT, language=language) - _ABOUT_FORM
    ]
    assert blamed == []


def written_apart() -> list[tuple[str, str, str]]:
    """Return the sentences of the table."""
    rows = [line.split("\t") for line in WRITTEN_APART.read_text().splitlines() if not line.startswith("#")]
    return [(language, kind, text) for language, kind, text in rows]


def test_no_rule_finds_anything_in_the_steps_of_the_shipped_playbooks() -> None:
    found = {
        (language, text): findings(text, kind=PART, language=language) for language, text in shipped_steps()
    }
    assert len(found) > 20
    assert {step: each for step, each in found.items() if each} == {}


@pytest.mark.parametrize("before", [0, 1_700, 1_795, 1_990, 1_999, 2_000, 2_001, 3_600, 9_000])
def test_a_phrase_is_found_wherever_a_long_paragraph_has_it(before: int) -> None:
    text = f"{'a ' * (before // 2)}we apologise for the delay{' a' * 900}"
    assert has("en", "apology", text)


def test_no_phrase_reaches_from_one_paragraph_into_the_next() -> None:
    assert has("en", "apology", "We are so sorry.")
    assert not has("en", "apology", f"We are{' a' * 3_000}")


def test_a_fact_is_read_up_to_its_bound_and_no_further() -> None:
    fact = "Our label printer failed on Monday and we did not notice it. "
    long = fact * (MAX_READ // len(fact))
    assert advice("cause", f"{long[:1000]} lol", language="en") is not None
    assert advice("cause", f"{fact * 50} lol", language="en") is None


def test_a_value_in_braces_is_no_markup_and_marks_around_words_are() -> None:
    for text in ("__ __________ __ finds out what happened.", "We send __ ____ __ to you."):
        assert "W20" not in ids(text, kind=PREVENTION)
    assert "W20" in ids("We __now__ check every label.", kind=PREVENTION)
