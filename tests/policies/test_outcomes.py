"""What became of the customer: mails, cases and answers after the close, over simulated years -> the outcome."""

from dataclasses import replace
from datetime import timedelta

import pytest

from followupd.domain import events as e
from followupd.domain.calendar import Duration
from followupd.domain.case import Case, Outcome, OutcomeRecord, Stage
from followupd.domain.command import Command
from followupd.errors import NotUnderstoodError
from followupd.languages import catalogue
from followupd.recovery import commands
from followupd.recovery.outcomes import Contact, Evidence, due_outcomes, next_due, outcome_of, says_right
from followupd.services.context import PromiseLineReader
from followupd.text.answers import Right, asks_more, read_right, says_farewell
from tests.builders import NOW, PLAYBOOK, Story, a_case

DAY = timedelta(days=1)


def closed(**changes: object) -> Case:
    """A case about the carrier that was closed at NOW."""
    story = a_case().knows(cause_code="carrier").at(NOW - 9 * DAY).fixed().at(NOW - 6 * DAY).followed_up()
    return replace(story.happened(e.Closed(at=NOW)).case, **changes)  # type: ignore[arg-type]


def another(days: int, cause: str = "billing", **changes: object) -> Case:
    story = a_case("FU-OTHER", opened_at=NOW + days * DAY).knows(cause_code=cause)
    return replace(story.case, **changes)  # type: ignore[arg-type]


def mail(days: int, ref: str | None = None) -> Contact:
    return Contact(NOW + days * DAY, ref)


CONTENT = {"content_at": NOW - DAY}
LEFT = {"left_at": NOW + 2 * DAY}
# the case, mails, other cases -> the outcome after 30 days
OUTCOMES = {
    "nothing": ({}, [], [], Outcome.SILENT),
    "a mail that is no complaint": ({}, [mail(12)], [], Outcome.RETURNED),
    "a mail of day 31": ({}, [mail(31)], [], Outcome.SILENT),
    "a mail in a case": ({}, [mail(12, "FU-7K3Q9")], [], Outcome.SILENT),
    "thanks after the fix": (CONTENT, [], [], Outcome.CONTENT),
    "thanks before the fix": ({"content_at": NOW - 10 * DAY}, [], [], Outcome.SILENT),
    "thanks, and a mail": (CONTENT, [mail(12)], [], Outcome.RETURNED),
    "a farewell": (LEFT, [], [], Outcome.GONE),
    "a farewell and a mail": (LEFT, [mail(12)], [], Outcome.GONE),
    "another complaint": ({}, [], [another(5)], Outcome.COMPLAINED_OTHER),
    "the same complaint": ({}, [], [another(5, "carrier")], Outcome.COMPLAINED_SAME),
    "another cause in the same thread": ({}, [], [another(5, earlier="FU-7K3Q9")], Outcome.COMPLAINED_SAME),
    "a complaint after a farewell": (LEFT, [], [another(5)], Outcome.COMPLAINED_OTHER),
    "a complaint of day 31": ({}, [], [another(31)], Outcome.SILENT),
    "a complaint of before": ({}, [], [another(-5)], Outcome.SILENT),
    "what is only suspected": ({}, [], [another(5, stage=Stage.SUSPECTED)], Outcome.SILENT),
    "the case itself": ({}, [], [closed()], Outcome.SILENT),
}


@pytest.mark.parametrize(("changes", "mails", "cases", "expected"), OUTCOMES.values(), ids=OUTCOMES)
def test_the_strongest_sign_is_the_outcome(
    changes: dict[str, object], mails: list[Contact], cases: list[Case], expected: Outcome
) -> None:
    found, why = outcome_of(closed(**changes), Evidence(mails, cases), NOW + 30 * DAY)
    assert found is expected
    assert why


def test_each_time_after_the_close_is_looked_at_once() -> None:
    story, looked = Story(closed()), []
    for day in range(0, 800, 5):
        now = NOW + day * DAY
        for event in due_outcomes(story.case, PLAYBOOK, Evidence([mail(60)]), now):
            looked.append((day, event.after, event.outcome))
            story.happened(event)
    assert looked == [(30, "30 days", Outcome.SILENT), (90, "90 days", Outcome.RETURNED)]
    assert next_due(story.case, PLAYBOOK) is None


def test_a_daemon_that_was_off_for_a_year_looks_at_both_times_as_they_were() -> None:
    found = due_outcomes(closed(), PLAYBOOK, Evidence([mail(60)]), NOW + 400 * DAY)
    assert [(event.after, event.outcome) for event in found] == [
        ("30 days", Outcome.SILENT),
        ("90 days", Outcome.RETURNED),
    ]


def test_a_case_that_is_closed_again_begins_anew() -> None:
    story = Story(closed()).happened(*due_outcomes(closed(), PLAYBOOK, Evidence(), NOW + 31 * DAY))
    later = NOW + 40 * DAY
    story.happened(e.Reopened(at=later), e.Fixed(at=later), e.Closed(at=later))
    assert next_due(story.case, PLAYBOOK) == PLAYBOOK.calendar.after(later, Duration(30, "day"))
    story.happened(*due_outcomes(story.case, PLAYBOOK, Evidence(), later + 31 * DAY))
    assert [record.at for record in story.case.outcomes] == [later + 31 * DAY]


NOTHING_TO_KNOW = {
    "open": a_case().case,
    "dismissed": replace(closed(), stage=Stage.DISMISSED),
    "forgotten": replace(closed(), customer=replace(closed().customer, address="")),
    "all is known": replace(
        closed(),
        outcomes=tuple(
            OutcomeRecord(after=after, outcome=Outcome.SILENT, at=NOW) for after in ("30 days", "90 days")
        ),
    ),
}


@pytest.mark.parametrize("case", NOTHING_TO_KNOW.values(), ids=NOTHING_TO_KNOW)
def test_of_some_cases_nothing_is_to_be_known(case: Case) -> None:
    assert next_due(case, PLAYBOOK) is None
    assert due_outcomes(case, PLAYBOOK, Evidence(), NOW + 400 * DAY) == []


def test_a_playbook_may_look_at_other_times_or_never() -> None:
    once = replace(PLAYBOOK, outcome_after=(Duration(14, "day"),))
    assert next_due(closed(), once) == NOW + 14 * DAY
    assert next_due(closed(), replace(PLAYBOOK, outcome_after=())) is None


# --- the word of the owner ---


@pytest.mark.parametrize(
    ("said", "known"),
    [("in-favour", "in-favour"), ("In favor", "in-favour"), ("partly", "partly"), ("not", "not")],
)
def test_the_owner_says_in_whose_favour_it_ended(said: str, known: str) -> None:
    context = commands.CommandContext(
        closed(), PLAYBOOK, frozenset(), PromiseLineReader(PLAYBOOK, catalogue().language("en")), NOW
    )
    [stated] = commands.handle(Command("resolved", said, "Ana Reyes", "note", "ana"), context)
    assert isinstance(stated, e.FactsStated)
    assert stated.facts == (("resolved", known),)
    with pytest.raises(NotUnderstoodError):
        commands.handle(Command("resolved", "mostly", "Ana Reyes", "note", "ana"), context)


# --- "Is it right for you now? A word is enough" ---

ANSWERS = {
    Right.RIGHT: (
        *(
            "Yes",
            "yes!",
            "Yes, all good now, thank you",
            "It works again. Thanks!",
            "All fine",
            "👍",
            "Perfect, thanks",
        ),
        *("Ja", "Ja, alles bestens, danke", "Passt!", "Jetzt funktioniert es wieder."),
        *("Oui", "Oui, tout est en ordre, merci", "C'est parfait"),
        *("Sí", "Sí, todo bien, gracias", "Ya funciona perfectamente"),
        *(
            "No complaints!",
            "Running like a charm",
            "All ok now",
            "Yes 😊",
            "Finally sorted, thanks",
            "Back to normal",
        ),
        *(
            "Keine Probleme mehr, danke",
            "Läuft wie am Schnürchen",
            "Alles ok",
            "Besser geht's nicht",
            "Endlich gelöst",
        ),
        *("Plus aucun souci, merci", "Comme neuf !", "Tout est ok", "Tout marche à merveille"),
        *("Como nuevo, gracias", "Va de maravilla", "Sí, gracias", "Ninguna queja", "Todo ok"),
    ),
    Right.WRONG: (
        *("No", "Not right yet", "No, it is not working", "It still isn't right", "Unfortunately not fixed"),
        *("Nein", "Nein, es funktioniert immer noch nicht", "Leider nicht in Ordnung"),
        *("Non", "Non, ce n'est pas encore en ordre", "Non, ça ne marche toujours pas"),
        *("No", "Sigue mal"),
        *(
            "Not yet",
            "No, not yet, thanks",
            "Still waiting",
            "No. Broken again.",
            "👎",
            "Same problem",
            "Almost",
        ),
        *("Noch nicht", "Nein, noch nicht", "Schon wieder kaputt", "Geht immer noch nicht", "Warte noch"),
        *("Pas encore", "J'attends toujours", "Toujours rien", "Non, pas du tout", "Ça ne va pas"),
        *("Todavía no", "No funciona", "Sigo esperando", "Aún no, gracias", "No, sigue igual"),
    ),
    Right.UNCLEAR: (
        *(
            "",
            "Thanks",
            "Is it?",
            "Yes, but the lid is missing",
            "No problem, all good",
            "No thanks, all good",
            "No, gracias",
            "Not sure",
        ),
        *(
            "I will tell you on Friday",
            "It works, mostly",
            "Better",
            "Yes, 2 of 3 arrived",
            "never worked better",
        ),
        *("Ja, aber der Deckel fehlt", "Nein, passt schon", "Muss ich noch testen", "Oui, sauf le couvercle"),
        *("Sí, pero falta la tapa", "Todavía no lo sé", "as right as it will ever be"),
        *("Ok", "Okay, thanks", "Fine", "It is not broken", "Not wrong", "No it's fine now", "Yes and no"),
        *(
            "Great 🙄",
            "Perfect 👎",
            "Works :(",
            "Yes...",
            'It is "fixed"',
            "Almost perfect",
            "Thanks, not broken",
        ),
        *("Gut, danke", "Nicht mehr schlechter", "Danke noch mal", "Ja 😡", "Fast", "Ja, bitte"),
        *("Si tout va bien", "Pas mal", "Bon", "Pas mal du tout", "Merci bien", "Non, c'est bon"),
        *("Si funciona", "No está mal", "Vale, gracias", "Bueno", "Nada, todo bien", "No, todo bien"),
    ),
}


# things and faults have many names: a thing behind an article is known by what it does, a fault behind a plain no
NAMED = {
    Right.RIGHT: (
        *("Yes, the new kettle arrived yesterday and works perfectly.", "Yes thanks! The kids love it."),
        *("Yes the money is back in my account, thank you for sorting it out.", "Good morning, yes it works"),
        *("Ja, der Fernseher läuft wieder", "Hat geklappt, danke", "Alles gut, vielen Dank für Ihre Mühe"),
        *("Oui, la nouvelle lampe est arrivée hier et elle marche très bien, merci",),
        *("Sí, ya me ha llegado la lámpara nueva y funciona perfectamente. Gracias",),
    ),
    Right.WRONG: (
        *(
            "No, the kettle still leaks",
            "Sadly not, the door still doesn't close",
            "Not really, it still flickers",
        ),
        *("No. It broke again after two days.", "Unfortunately the lamp still doesn't work"),
        *("Nein, die Lampe flackert immer noch", "Leider nein, das Paket ist noch nicht da"),
        *("Non, la lampe ne marche toujours pas", "Malheureusement non, je n'ai toujours rien reçu"),
        *("No, el grifo sigue goteando", "Todavía no me ha llegado nada"),
    ),
    Right.UNCLEAR: (
        *("Good morning", "Good evening Ana, thanks", "Guten Tag", "Bonjour", "Buenos días, gracias"),
        *(
            "Yes, the lid cracked",
            "Yes, the leak is back",
            "Great, the old fault is back",
            "It should be fine",
        ),
        *("Yes, the new lamp arrived and the lid leaks", "Perfect, now the other door squeaks"),
        *("I still haven't tried it", "No, it has not happened since", "No idea, I have not looked yet"),
        *("It still doesn't close, but otherwise fine", "No, I could not check whether it still leaks"),
        *("Ja, der Fehler ist wieder da", "Noch nicht getestet", "Super, jetzt ist der Deckel ab"),
        *(
            "Oui, la fuite est revenue",
            "Je n'ai pas encore essayé",
            "Sí, el ruido ha vuelto",
            "Aún no lo he probado",
        ),
    ),
}


@pytest.mark.parametrize(
    ("text", "expected"), [(text, right) for right, texts in NAMED.items() for text in texts], ids=str
)
def test_things_and_faults_may_have_any_name(text: str, expected: Right) -> None:
    assert read_right(text, ["Kim Doe", "Ana Reyes"]) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [(text, right) for right, texts in ANSWERS.items() for text in texts], ids=str
)
def test_a_word_is_enough_and_one_unknown_word_is_too_many(text: str, expected: Right) -> None:
    assert read_right(text, ["Kim Doe"]) is expected


# mixed, ironic, conditional, right in part, or with another thing that is wrong: never "right"
TRAPS = """
Yes it works. The lid came off though.
Yes, the lamp works but the shade is scratched
Yes. When will the second parcel come?
Yes thanks. Could you also replace the handle?
Great. Now it leaks from the other side.
Perfect, it lasted a whole day
It works, as long as I hold the button
Yes if you count a kettle without a lid as fine
All good apart from the scratch
It's fixed for now
Works most of the time
Brilliant. Another broken one.
Oh yes, wonderful service, three weeks without a fridge
You can close it once the money arrives
You can close the case when I have my refund
Don't close it yet
Yes, please send the right one
Yes, thank you. Where is the refund?
Happy to confirm that nothing has changed
Lovely, the wrong colour again
No problems since Monday, except that it smells
The leak has stopped but now it hums
It doesn't leak any more, it floods
One works fine. The other is dead.
Yes the chair arrived. I have not sat on it yet.
Sorted? You must be joking
Yes, all good. Is it normal that it gets so hot?
Thanks for the new one. I'd be happier with my money
Everything fine except the invoice
Yes. By the way, the second one has a crack too.
Happy with the lamp. While I'm here, the shade you sent is torn.
As good as new. As new as the first one that broke.
Ja, läuft. Nur der Deckel klemmt noch.
Ja super, wieder das falsche Modell
Alles gut, sobald das Geld da ist
Ja, danke. Wann kommt der Rest?
Läuft wieder, wenn man draufhaut
Passt schon irgendwie
Tropft nicht mehr, dafür brummt es jetzt
Die Tür passt, die Schublade nicht
Na prima, schon wieder kaputt
Ja klar, und morgen kommt der Weihnachtsmann
Sie können den Fall schließen, wenn ich mein Geld habe
Kann mich nicht beklagen, außer über den Lärm
Ja. Übrigens ist der zweite Stuhl auch wackelig.
Bestens, bis auf die Kratzer
Keine Probleme mehr seit ich ihn nicht mehr benutze
Ja, geht wieder. Könnten Sie den Griff noch austauschen?
Wie neu, sagt der Techniker. Ich sehe das anders.
Oui, mais il manque une vis
Oui, ça marche. Par contre la porte grince.
Parfait, encore un modèle cassé
Tout est réglé sauf le remboursement
Oui merci. Quand arrive le deuxième colis ?
Vous pourrez clore quand j'aurai reçu l'argent
Ne fermez pas le dossier
Ça marche quand ça veut
Plus de fuite, mais un bruit bizarre
Bravo, quel service, un mois sans frigo
Oui. D'ailleurs, l'autre chaise est bancale aussi.
Ravi d'apprendre que c'est réglé, chez moi rien n'a bougé
La table est parfaite, les chaises sont rayées
C'est bon pour la lampe, pas pour l'abat-jour
Comme neuf, à part la rayure
Sí, pero le falta un tornillo
Sí, funciona. Eso sí, hace ruido.
Perfecto, otra vez la talla equivocada
Todo bien salvo el mando
Sí, gracias. ¿Cuándo llega el otro paquete?
Pueden cerrar el caso cuando reciba el dinero
No cierren el caso todavía
Ya no gotea, ahora se atasca
Ya va, aunque a ratos
Estupendo, un mes sin nevera
Sí. Por cierto, la segunda silla también cojea.
La mesa perfecta, las sillas rayadas
Si me devuelven el dinero, todo perfecto
Asunto cerrado cuando vea el abono
Genial, justo lo que no pedí
Va de maravilla para lo que cuesta
Perfect timing, it died this morning
Great service. The lamp is in the bin.
Nothing since Monday
Alles bestens, ich habe woanders gekauft
Super. Jetzt geht das Licht nicht mehr an.
Merci, je l'ai réparé moi-même
Oui, reçu. Vide.
Sí, ha llegado. Vacío.
Yes, received the refund, half of it
Yes thanks. Is that all you can do?
Great. And the apology?
Ja, passt. Und die Gutschrift?
Oui, parfait. Et le bon d'achat ?
Sí, todo bien. ¿Y la factura?
All sorted. PS: the lid is loose
""".strip().splitlines()


@pytest.mark.parametrize("text", TRAPS, ids=str)
def test_what_is_right_in_part_is_not_right(text: str) -> None:
    assert read_right(text, ["Kim Doe"]) is not Right.RIGHT


# each a kind of its own: praise in other words, faults that are gone, closed files, letters, footers, names
KINDS = {
    Right.RIGHT: (
        *(
            "yess thnaks so much u guys are great xx",
            "All good\n\nSent from my phone",
            "You can close the case",
        ),
        *("It doesn't drip any more, thanks", "Hi Robin, works perfectly now.\nBest,\nJ. Okafor"),
        *("No problems at all since the repair.", "Problem solved!", "Works fine since the swap"),
        *("Kann nicht meckern", "Der Hahn tropft nicht mehr", "jaaa super!", "Für mich ist das Thema durch."),
        *(
            "Ouiii merci bcp",
            "Tout est rentré dans l'ordre",
            "Affaire classée",
            "La porte ne grince plus, merci",
        ),
        *("Por mi parte asunto cerrado.", "sii mil gracias", "Ya no gotea, gracias", "De maravilla"),
    ),
    Right.WRONG: (
        *("Nope still leaking", "The problem came back", "Far from it", "Hello, it still squeaks. What now?"),
        *("Der Hahn tropft immer noch", "Von wegen.", "Danke der Nachfrage, aber es klemmt immer noch"),
        *("Il manque toujours une pièce", "Non, ça fuit encore", "C'est pire qu'avant."),
        *("que va, sigue igual", "Se ha vuelto a romper", "No, sigue goteando"),
    ),
}


@pytest.mark.parametrize(
    ("text", "expected"), [(text, right) for right, texts in KINDS.items() for text in texts], ids=str
)
def test_answers_of_many_kinds_are_read(text: str, expected: Right) -> None:
    assert read_right(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "Hi Karen, yes the lamp's fine now. While I'm here, do you still do the matching one in brass?",
        "Indeed it is right. Please also send me two more packs of filters.",
        "Ja, stimmt jetzt alles. Frage nebenbei: Muss man das Holz ölen?",
        "Oui merci. Petite question : la garantie est-elle de deux ans ?",
        "Sí, gracias. ¿Abrís los sábados?",
    ],
)
def test_a_yes_beside_another_request_is_right_and_wants_an_answer(text: str) -> None:
    assert read_right(text) is Right.RIGHT
    assert asks_more(text)
    assert not asks_more("Yes, all good now. Thanks!")


def test_an_answer_counts_only_after_the_question() -> None:
    assert says_right(closed(), "Yes", (), None) is Right.RIGHT
    assert says_right(a_case().fixed().case, "Yes", (), None) is Right.UNCLEAR


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("Please cancel my account.", True),
        ("I will take my business elsewhere", True),
        ("Hiermit: ich kündige mein Konto.", True),
        ("Vous avez perdu un client.", True),
        ("No volveré a comprar aquí", True),
        ("Can I see my account?", False),
        ("Thanks, I will order again", False),
    ],
)
def test_a_farewell_is_heard(text: str, leaves: bool) -> None:
    assert says_farewell(text) is leaves
