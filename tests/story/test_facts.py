"""Facts: what a customer could not read goes back to the agent with a better sentence, and `ok` takes that."""

from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from followupd.domain import lifecycle
from followupd.domain.case import Case
from followupd.domain.events import CaseOpened, FactReturned, FactsStated
from followupd.errors import FactReturnedError
from followupd.recovery.blockers import blockers_of
from followupd.services.commands import offer_of
from followupd.text.notes import Question, read_note
from followupd.text.orders import Grammar
from followupd.text.wording.facts import Advice, advice, is_stub, of_another_day
from tests.builders import KIM, NOW, PLAYBOOK, a_case
from tests.story.saying import said, then

#: language, poor or good, fact, text
TABLE = [
    line.split("\t")
    for line in (Path(__file__).parent / "letters" / "facts.tsv").read_text().splitlines()
    if not line.startswith("#")
]


#: facts of strangers, by round: a kind, the fact, its text, and of a repetition the text that it repeats
ROUNDS = Path(__file__).parents[2] / "benchmarks" / "texts" / "facts"


@cache
def told(name: str, text: str, language: str = "en") -> Advice | None:
    return advice(name, text, language=language, names={"Ana"})


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_nine_of_ten_poor_facts_are_told_and_hardly_a_good_one_is_blamed(language: str) -> None:
    poor = [
        told(name, text, language) for tag, kind, name, text in TABLE if (tag, kind) == (language, "poor")
    ]
    good = [
        told(name, text, language) for tag, kind, name, text in TABLE if (tag, kind) == (language, "good")
    ]
    assert sum(found is not None for found in poor) >= 0.95 * len(poor)
    assert sum(found is not None for found in good) <= 2


def counted(language: str, number: int) -> Counter[str]:
    """Count how many facts of a round are told, missed, good and blamed."""
    seen: Counter[str] = Counter()
    for line in (ROUNDS / language / f"round-{number:02}.tsv").read_text().splitlines():
        kind, name, text, *repeated = line.split("\t")
        others = {"impact": repeated[0]} if repeated else {}
        found = advice(name, text, language=language, others=others, names={"Ana"})
        seen[
            ("good", "blamed")[found is not None] if kind == "good" else ("missed", "told")[found is not None]
        ] += 1
    return seen


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_facts_of_strangers_are_told_and_blamed_so_often(language: str, number: int) -> None:
    seen = counted(language, number)
    assert seen["told"] >= 0.95 * (seen["told"] + seen["missed"])
    assert seen["blamed"] <= 1


@pytest.mark.parametrize(
    ("language", "name", "text", "flaw"),
    [
        ("en", "prevention", "The stair carpet keeps coming loose", "known"),
        ("en", "prevention", "The stair carpet is now glued and checked every month", ""),
        ("en", "resolution", "The curtains had been hemmed unevenly", "known"),
        ("de", "resolution", "Das Hörgerät pfeift beim Telefonieren", "known"),
        ("de", "resolution", "Das Hörgerät pfeift nicht mehr", ""),
        ("fr", "prevention", "Les volets roulants restent bloqués à mi-hauteur", "known"),
        ("es", "prevention", "Las llaves del apartamento no estaban en el buzón", "known"),
        ("es", "resolution", "Recuperé su maleta y se la envié al hotel", ""),
        ("es", "resolution", "Le cobré la tarifa correcta", ""),
        ("fr", "cause", "La liste n'avait pas été transmise à l'équipe de nuit", ""),
        ("fr", "resolution", "Le technicien a fini par trouver la fuite et l'a réparée", ""),
    ],
)
def test_what_was_wrong_alone_is_neither_a_repair_nor_a_change(
    language: str, name: str, text: str, flaw: str
) -> None:
    found = told(name, text, language)
    assert (found.flaw if found else "") == flaw


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Keith has coughed up the key he took home with him"),
        ("de", "Torsten musste Ihren Schaden aus eigener Tasche zahlen"),
        ("fr", "Bruno a avoué qu'il avait perdu votre raquette"),
        ("es", "le arreglamos la pantalla que él mismo había roto"),
    ],
)
def test_a_reproach_stands_in_no_repair(language: str, text: str) -> None:
    assert told("resolution", text, language) is not None


def test_a_fact_that_no_list_knows_is_weighed_by_all_its_words() -> None:
    found = told("cause", "Who would have thought a parrot could do that")
    assert found is not None
    assert (found.flaw, found.draft) == ("unfit", "")


@pytest.mark.parametrize(
    ("language", "name", "text"),
    [
        ("en", "cause", "The label was wrong"),
        ("en", "resolution", "we sent it again"),
        ("de", "prevention", "wir prüfen jedes Etikett"),
        ("fr", "cause", "c'était mal emballé"),
        ("es", "resolution", "Lo enviamos otra vez"),
    ],
)
def test_a_short_plain_fact_is_good(language: str, name: str, text: str) -> None:
    assert told(name, text, language) is None


@pytest.mark.parametrize(
    ("language", "name", "text", "draft"),
    [
        (
            "en",
            "resolution",
            "Sent a new lamp by express on Tuesday.",
            "We sent a new lamp by express on Tuesday.",
        ),
        ("en", "cause", "expired yeast", "This was on our side: expired yeast."),
        ("en", "prevention", "a charger next to the till", "We now have a charger next to the till."),
        ("en", "resolution", "Refunded the deposit on 3 May", "We refunded the deposit on 3 May."),
        (
            "de",
            "resolution",
            "Heute früh Ersatz per Kurier verschickt",
            "Wir haben heute früh Ersatz per Kurier verschickt.",
        ),
        ("de", "cause", "Haarriss im Glas", "Das lag an uns: Haarriss im Glas."),
        ("fr", "resolution", "Remplacé la pompe mardi.", "Nous avons remplacé la pompe mardi."),
        (
            "fr",
            "prevention",
            "une alarme dans la chambre froide",
            "Nous avons maintenant une alarme dans la chambre froide.",
        ),
        (
            "es",
            "resolution",
            "Enviado el repuesto esta mañana",
            "Hemos enviado el repuesto esta mañana.",
        ),
        ("es", "prevention", "un candado en el cobertizo", "Ahora tenemos un candado en el cobertizo."),
    ],
)
def test_what_is_no_whole_sentence_comes_back_as_one(language: str, name: str, text: str, draft: str) -> None:
    found = told(name, text, language)
    assert found is not None
    assert (found.flaw, found.draft) == ("fragment", draft)


@pytest.mark.parametrize(
    ("language", "name", "text", "flaw"),
    [
        ("en", "prevention", "All necessary measures have been taken", "empty"),
        ("en", "resolution", "SHE HAS HER MONEY BACK", "shouting"),
        ("en", "cause", "our supplier sent the wrong size", "blame"),
        ("de", "cause", "Das Reisebüro hatte von uns eine alte Nummer", ""),
        ("de", "cause", "Das Reisebüro hatte eine alte Nummer", "blame"),
        ("en", "prevention", "Nadia now reads each address aloud", ""),
        ("en", "prevention", "The guest knows now where the key box is", "third-person"),
        ("de", "prevention", "Wir haben alle nötigen Maßnahmen ergriffen", "empty"),
        ("de", "prevention", "Eine Ersatzpumpe wäre gut", "not-done"),
        ("de", "resolution", "Frau Yilmaz hat Ihnen die Torte gebracht", ""),
        ("fr", "prevention", "Toutes les mesures nécessaires ont été prises", "empty"),
        ("fr", "prevention", "Nous pourrions compter les sacs", "not-done"),
        ("fr", "cause", "il n'y avait plus de papier dans le fax", ""),
        ("es", "prevention", "Se han tomado todas las medidas necesarias", "empty"),
        ("es", "prevention", "Podríamos contar las bolsas", "not-done"),
        ("es", "issue", "Su mesa estaba ocupada aunque usted había reservado", ""),
    ],
)
def test_facts_are_told_by_what_they_are(language: str, name: str, text: str, flaw: str) -> None:
    found = told(name, text, language)
    assert (found.flaw if found else "") == flaw


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_draft_has_none_of_the_flaws_that_words_tell(language: str) -> None:
    for name, text in [(name, text) for tag, _, name, text in TABLE if tag == language]:
        found = told(name, text, language)
        if found and found.draft:
            again = told(name, found.draft, language)
            assert again is None or again.flaw == "unfit", found.draft


@pytest.mark.parametrize(
    ("language", "name", "text", "draft"),
    [
        ("en", "issue", "She has been waiting for two weeks", "You have been waiting for two weeks."),
        ("en", "impact", "no hot water for 3 days", "You had no hot water for 3 days."),
        ("en", "cause", "Steve forgot to send it", "One of us forgot to send it."),
        ("en", "prevention", "We will train our packers next month", "We now train our packers."),
        ("de", "impact", "seine Frau war allein zu Hause", "Ihre Frau war allein zu Hause."),
        ("de", "issue", "falsche Größe geliefert", "Wir haben Ihnen die falsche Größe geliefert."),
        ("fr", "impact", "Il n'a pas pu cuisiner", "Vous n'avez pas pu cuisiner."),
        ("es", "issue", "cobrado dos veces", "Le cobramos dos veces."),
    ],
)
def test_a_better_sentence_speaks_to_the_customer(language: str, name: str, text: str, draft: str) -> None:
    found = told(name, text, language)
    assert found is not None
    assert found.draft == draft


def test_what_the_carrier_did_is_no_draft_about_one_of_us() -> None:
    found = told("cause", "DHL lost the parcel")
    assert found is not None
    assert "One of us" not in found.draft


@pytest.mark.parametrize(
    "text", ["n/a", "Dunno.", "fixed it", "done", "erledigt", "idem", "ver arriba", "-", ""]
)
def test_a_stub_is_one_in_whichever_language_the_letter_is(text: str) -> None:
    assert is_stub(text)


def returned(case: Case, line: str) -> Case:
    """Return the case after a line that goes back."""
    with pytest.raises(FactReturnedError) as caught:
        said(case, line)
    error = caught.value
    event = FactReturned(at=NOW, fact=error.fact, text=error.text, draft=error.better)
    return lifecycle.after(case, event)


def test_a_stub_goes_back_and_nothing_is_stated() -> None:
    with pytest.raises(FactReturnedError, match="tells the customer nothing") as caught:
        said(a_case().case, "cause: Dunno")
    assert caught.value.draft is None


def test_a_stub_of_an_older_ledger_counts_as_missing_at_the_gate() -> None:
    case = a_case().knows(cause="dunno", resolution="fixed it", prevention="n/a").fixed().case
    assert {"cause", "resolution", "prevention"} <= {blocker.name for blocker in blockers_of(case, PLAYBOOK)}


def test_ok_takes_the_better_sentence_of_each_fact_that_went_back() -> None:
    case = returned(a_case().case, "cause: Steve forgot to send it")
    case = returned(case, "impact: no hot water for 3 days")
    question = offer_of(case)
    assert question is not None
    note = read_note(["Hi,", "ok", "thanks"], Grammar(), question=question)
    assert note.back == ()
    for [order] in note.orders:
        case = then(case, f"{order.verb}: {order.text}")
    assert case.facts.cause == "One of us forgot to send it."
    assert case.facts.impact == "You had no hot water for 3 days."
    assert case.returned == ()


def test_ok_without_a_draft_is_not_understood() -> None:
    assert offer_of(returned(a_case().case, "cause: Dunno")) is None


def test_ok_takes_only_the_sentences_that_the_mail_shows() -> None:
    case = returned(a_case().case, "cause: Steve forgot to send it")
    case = returned(case, "impact: no hot water for 3 days")
    question = offer_of(case, "Better: “One of us forgot to\n  send it.”")
    assert question == Question("cause: One of us forgot to send it.")


def test_a_fact_that_went_back_is_not_the_last_word_that_undo_takes_back() -> None:
    opened = CaseOpened(
        at=NOW,
        ref="FU-7K3Q9",
        mailbox="support",
        customer=KIM,
        subject="My kettle",
        playbook="default",
        owner="ana",
        message_id="<first@customers.test>",
    )
    stated = FactsStated(at=NOW, by="Ana Reyes", why="note: phone: 555 0100", facts=(("phone", "555 0100"),))
    went_back = FactReturned(at=NOW, by="Ana Reyes", why="note: cause: Dunno", fact="cause", text="Dunno")
    history = [opened, stated, went_back]
    [undone] = said(lifecycle.fold(history), "undo", history=history)
    assert isinstance(undone, FactsStated)
    assert undone.facts == (("phone", ""),)


def test_an_agent_may_insist_on_a_fact_that_went_back() -> None:
    case = returned(a_case().case, "cause: Steve forgot to send it")
    case = then(case, "cause: Steve forgot to send it !")
    assert case.facts.cause == "Steve forgot to send it"
    assert case.facts.cause in case.insisted


def test_a_fact_in_the_words_of_the_customer_does_not_go_back() -> None:
    case = a_case().case.evolve(story="Hello,\nparcel not arrived, 2nd time. Please help.")
    case = then(case, "issue: parcel not arrived, 2nd time")
    assert case.quoted_facts == {"issue"}


@pytest.mark.parametrize(
    ("language", "name", "text", "dated"),
    [
        ("en", "resolution", "This morning we sent a new lamp", "On Tuesday, 1 December we sent a new lamp."),
        (
            "en",
            "resolution",
            "You have had it since yesterday.",
            "You have had it since Monday, 30 November.",
        ),
        ("en", "cause", "This morning's list was short of your name", ""),
        ("en", "prevention", "Today each label is compared with its order", None),
        ("en", "prevention", "We compare both lists every morning", None),
        ("de", "resolution", "Heute früh kam Ihr Gerät an", "Am Dienstag, 1. Dezember, kam Ihr Gerät an."),
        ("de", "resolution", "Ihr Gerät läuft seit gestern", "Ihr Gerät läuft seit Montag, 30. November."),
        ("de", "prevention", "Wir vergleichen die Listen jeden Morgen", None),
        ("fr", "resolution", "Je l'ai envoyée ce matin", "Je l'ai envoyée le mardi 1er décembre."),
        ("fr", "resolution", "La pièce d'hier est posée", "La pièce du lundi 30 novembre est posée."),
        ("fr", "prevention", "Nous comparons les listes chaque matin", None),
        ("es", "resolution", "Le envié otra esta mañana", "Le envié otra el martes 1 de diciembre."),
        (
            "es",
            "resolution",
            "Su equipo funciona desde ayer",
            "Su equipo funciona desde el lunes 30 de noviembre.",
        ),
        ("es", "prevention", "Ahora leo ese buzón cada mañana", None),
    ],
)
def test_a_letter_of_a_later_day_has_a_date_for_this_morning(
    language: str, name: str, text: str, dated: str | None
) -> None:
    assert told(name, text, language) is None
    assert of_another_day(name, text, day=date(2026, 12, 1), language=language) == dated


def test_what_is_right_today_only_is_stated_and_waits_for_its_date() -> None:
    case = then(a_case().case, "resolution: A new kettle left us this morning")
    assert case.facts.resolution == "A new kettle left us this morning"
    [blocker] = [each for each in blockers_of(case, PLAYBOOK) if each.name == "moment-resolution"]
    dated = "A new kettle left us on Tuesday, 1 December."
    assert blocker.ask == f"resolution: {dated}"
    assert offer_of(case) == Question(blocker.ask)
    case = then(case, blocker.ask)
    assert case.facts.resolution == dated
    assert "moment-resolution" not in {each.name for each in blockers_of(case, PLAYBOOK)}


def test_an_agent_may_insist_on_the_word_of_the_moment() -> None:
    case = then(a_case().case, "resolution: A new kettle left us this morning")
    case = then(case, "resolution: A new kettle left us this morning !")
    assert case.facts.resolution == "A new kettle left us this morning"
    assert "moment-resolution" not in {each.name for each in blockers_of(case, PLAYBOOK)}


def test_the_same_sentence_for_two_facts_goes_back() -> None:
    case = then(a_case().case, "issue: We printed your label with an old postcode")
    with pytest.raises(FactReturnedError, match="says again what the issue says"):
        said(case, "cause: we printed your label with an old postcode.")


@pytest.mark.parametrize(
    ("language", "text", "flaw"),
    [
        ("en", "The label showed the address of an earlier customer", ""),
        ("en", "We mixed your order up with that of another client", ""),
        ("en", "The parcel was labelled with an address of last year", ""),
        ("en", "Labels now come from the order itself - never from the last one", ""),
        ("en", "The parcel service lost it", "blame"),
        ("en", "you gave the wrong address", "blame"),
        ("en", "The customer got the wrong lamp", "third-person"),
        ("de", "Das Etikett trug die Adresse eines anderen Kunden", ""),
        ("de", "Das Etikett gehörte einer früheren Kundin", ""),
        ("de", "Sie haben die falsche Größe bestellt", "blame"),
        ("de", "Die Kundin hat die falsche Lampe bekommen", "third-person"),
        ("fr", "Nous avons collé l'étiquette d'un autre client", ""),
        ("fr", "La cliente a reçu la mauvaise lampe", "third-person"),
        ("es", "Pusimos la etiqueta de otro cliente", ""),
        ("es", "La cliente recibió la lámpara equivocada", "third-person"),
    ],
)
def test_another_customer_is_not_the_reader_and_a_parcel_is_no_carrier(
    language: str, text: str, flaw: str
) -> None:
    found = told("cause", text, language)
    assert (found.flaw if found else "") == flaw


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "you should have read the page about returns"),
        ("de", "Sie hätten die Seite zur Rückgabe lesen sollen"),
        ("fr", "vous auriez dû lire la page sur les retours"),
        ("es", "usted debería haber leído la página de devoluciones"),
    ],
)
def test_no_draft_tells_what_nobody_said(language: str, text: str) -> None:
    found = told("cause", text, language)
    assert found is not None
    assert (found.flaw, found.draft) == ("blame", "")
