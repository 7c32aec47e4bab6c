"""Greetings: the agent's own, else the person's name as the language writes it, else none."""

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from followupd.domain.decision import LetterContent
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Person
from followupd.domain.promise import PromiseKind, Relation
from followupd.languages import catalogue
from followupd.text.names import greetable_name, salutation, signed_by, without_address, without_greeting
from followupd.text.promises.sentences import around_date
from tests.story.lettered import NOW, PLAYBOOK, flat, letters, promise, sample, wrote

#: language, name in From, who signed, the agent's salutation, how the letter begins
TABLE = [
    line.split("\t")
    for line in (Path(__file__).parent / "letters" / "names.tsv").read_text().splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("language", "name", "signature", "said", "greeting"), TABLE)
def test_a_letter_greets_the_person(
    language: str, name: str, signature: str, said: str, greeting: str
) -> None:
    case = replace(
        sample(language=language, customer=Person("kim@example.org", name)),
        signed_by=signature,
        salutation=salutation(f"{said}\n\nA reply.") if said else "",
    )
    assert wrote(LetterKind.HOLDING, case).text.splitlines()[0] == greeting


#: words that are no name, in letters that look like theirs
DISGUISED = {
    "a zero-width space": "Pri\u200bze Winner",
    "a soft hyphen": "Pri\u00adze Win\u00adner",
    "a joiner": "Pri\u200dze Winner",
    "a Cyrillic letter": "Pr\u0456ze Winner",
    "a Greek letter": "\u03a1rize Winner",
    "accents": "Prïze Wïnnér",
    "accents of their own": "Pri\u0308ze Wi\u0308nner",
    "wide letters": "Ｐｒｉｚｅ Ｗｉｎｎｅｒ",
    "bold letters": "𝐏𝐫𝐢𝐳𝐞 𝐖𝐢𝐧𝐧𝐞𝐫",
    "struck letters": "P\u0336r\u0336i\u0336z\u0336e\u0336 Winner",
    "a filler": "Pri\u3164ze Winner",
    "a blank of Braille": "Pri\u2800ze Winner",
    "a private letter": "Pri\ue000ze Winner",
    "a variation": "Pri\ufe0fze Winner",
    "tags": "Prize\U000e0041 Winner",
    "a pile of marks": "Pri\u0300\u0301\u0302\u0303ze Kim",
}


@pytest.mark.parametrize("name", DISGUISED.values(), ids=DISGUISED)
def test_words_in_disguise_make_no_greeting(name: str) -> None:
    assert greetable_name("Prize Winner") == ""
    assert greetable_name(name) == ""


MESSAGES = [
    "Click Here",
    "Call Now",
    "You Won",
    "Send Money",
    "Buy Crypto",
    "Final Warning",
    "Password Expired",
    "Package Waiting",
    "Evil Dot Com",
    "Sexy Girls",
    "Fuck Off",
    "Jetzt Zahlen",
    "Konto Gesperrt",
    "Dein Paket",
    "Payez Maintenant",
    "Colis Bloqué",
    "Pague Ahora",
    "Paquete Retenido",
]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_in_the_place_of_a_name_makes_no_greeting(name: str) -> None:
    assert greetable_name(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "José Ñúñez",
        "Nguyễn Thị Minh Khai",
        unicodedata.normalize("NFD", "Nguyễn Thị Minh Khai"),
        "علی\u200cرضا محمدی",
        "Владимир Петров",
        "Σωκράτης Παπαδόπουλος",
        "ดวงใจ สุขใจ",
        "Conan O’Brien",
        "Łukasz Żółć",
    ],
)
def test_names_in_all_scripts_are_names(name: str) -> None:
    assert greetable_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("It leaks.\n\nKind regards,\nRobin Vale\nVale & Sons Ltd", "Robin Vale"),
        ("Er tropft.\n\nViele Grüße\nKarl Müller\nMüller GmbH\nTel. 030 123", "Karl Müller"),
        ("It leaks.\n\nThe Grand Hotel", ""),
        ("It leaks.\n\nThanks", ""),
    ],
)
def test_who_signed_is_known_only_where_a_line_is_a_name(text: str, name: str) -> None:
    assert signed_by(text) == name


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ("Dear Mrs O'Neill-Smith,", "Dear Mrs O'Neill-Smith"),
        ("Sehr geehrter Herr Brandt,", "Sehr geehrter Herr Brandt"),
        ("Hi Jo,", "Hi Jo"),
        ("Hello,", ""),
        ("Sehr geehrte Damen und Herren,", ""),
        ("Dear customer,", ""),
        ("Dear www.evil.example,", ""),
        ("The kettle leaves today.", ""),
    ],
)
def test_an_agents_salutation_counts_where_it_names_somebody(first: str, found: str) -> None:
    assert salutation(f"{first}\nthank you for your patience.") == found


@pytest.mark.parametrize(
    ("sentence", "bare"),
    [
        ("Bonjour, mon colis n'est pas arrivé.", "Mon colis n'est pas arrivé."),
        ("Sehr geehrte Damen und Herren, die Winkel sind krumm.", "Die Winkel sind krumm."),
        ("Hello Ana, my kettle leaks.", "My kettle leaks."),
        ("My parcel, due on Monday, is late.", "My parcel, due on Monday, is late."),
    ],
)
def test_a_fact_that_is_offered_has_no_greeting(sentence: str, bare: str) -> None:
    assert without_greeting(sentence) == bare


# --- the date of a promise ---------------------------------------------------------------------------------------------

#: language, what is promised, and the sentence with its date, written as "~"
DATED = [
    line.split("\t")
    for line in (Path(__file__).parent / "letters" / "dates.tsv").read_text().splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("language", "text", "said"), DATED)
def test_a_promise_is_said_with_its_date_as_a_native_speaker_would(
    language: str, text: str, said: str
) -> None:
    before, after = around_date(text, catalogue().language(language).info.letters)
    assert f"{before} ~{after}" == said


@pytest.mark.parametrize(
    ("relation", "said"),
    [
        (Relation.BY, "Ich rufe Sie bis Freitag, 4. Dezember, an."),
        (Relation.ON, "Ich rufe Sie am Freitag, 4. Dezember, an."),
        (Relation.FROM, "Ich rufe Sie ab Freitag, 4. Dezember, an."),
    ],
)
def test_every_relation_to_a_date_stands_before_a_separable_verbs_end(relation: Relation, said: str) -> None:
    promised = promise("Ich rufe Sie an", relation=relation, source="tell")
    case = sample(language="de")
    brief = LetterContent(promises=(promised,))
    letter = letters().letter(LetterKind.CONFIRMATION, case, PLAYBOOK, NOW, brief)
    assert said in flat(letter.text)


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("de", "Ich rufe Sie bis Freitag an", "Ich rufe Sie bis Freitag, 4. Dezember, an."),
        (
            "de",
            "Ich schicke Ihnen bis Freitag eine Tasse",
            "Ich schicke Ihnen bis Freitag, 4. Dezember, eine Tasse.",
        ),
        ("de", "Ich rufe Sie bis Freitag, 4. Dezember, an", "Ich rufe Sie bis Freitag, 4. Dezember, an."),
        (
            "fr",
            "Je vous envoie d'ici vendredi une tasse",
            "« Je vous envoie d'ici vendredi une tasse » (au plus tard le vendredi 4 décembre).",
        ),
        ("fr", "Je vous rappelle d'ici vendredi", "Je vous rappelle au plus tard le vendredi 4 décembre."),
        ("de", "Bis Freitag rufe ich Sie an", "„Bis Freitag rufe ich Sie an“ (bis Freitag, 4. Dezember)."),
        (
            "de",
            "Bis Freitag oder bis Montag an",
            "„Bis Freitag oder bis Montag an“ (bis Freitag, 4. Dezember).",
        ),
        ("de", "Ich rufe Sie am Freitag an", "„Ich rufe Sie am Freitag an“ (bis Freitag, 4. Dezember)."),
        (
            "de",
            "Die Leuchten werden in der 49. Kalenderwoche repariert",
            "„Die Leuchten werden in der 49. Kalenderwoche repariert“ (bis Freitag, 4. Dezember).",
        ),
        (
            "en",
            "We repair them this week on site",
            "“We repair them this week on site” (by Friday, 4 December).",
        ),
    ],
)
def test_a_day_that_a_promise_names_itself_is_said_once(language: str, text: str, said: str) -> None:
    for kind in (PromiseKind.FIRM, PromiseKind.NEXT_UPDATE):
        brief = LetterContent(promises=(promise(text, kind, source="reply", dated=True),))
        letter = letters().letter(LetterKind.CONFIRMATION, sample(language=language), PLAYBOOK, NOW, brief)
        assert said in flat(letter.text)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Lucía, te lo mandamos el lunes", "Te lo mandamos el lunes"),
        ("Frau Weber, wir schicken es", "Wir schicken es"),
        ("Mrs Doe: we will ring you", "We will ring you"),
        ("Kim - I will ring you", "I will ring you"),
        ("kim@example.org: we will ring you", "We will ring you"),
        ("Tomorrow, we will ring you", "Tomorrow, we will ring you"),
        ("The lamp, which is new, will come", "The lamp, which is new, will come"),
        ("Kim will ring you, and I too", "Kim will ring you, and I too"),
    ],
)
def test_a_sentence_is_read_without_the_person_to_whom_it_is_said(sentence: str, said: str) -> None:
    assert without_address(sentence) == said
