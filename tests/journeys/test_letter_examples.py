"""Whole cases in four languages over real servers; their letters are the examples in docs/letters/."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.world import World, text_of

#: where the examples lie; FOLLOWUPD_WRITE_EXAMPLES=1 writes them anew
EXAMPLES = Path(__file__).parents[2] / "docs" / "letters"
_DECEMBER_3 = datetime(2020, 12, 3, 10, tzinfo=UTC)
_DECEMBER_8 = datetime(2020, 12, 8, 10, 30, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One case: who writes what, what the agent answers, and what she says of it when it is put right.

    `is_called` means that the agent calls at once. Without a reply and without facts nobody acts, and a holding letter leaves.
    """

    title: str
    name: str
    subject: str
    text: str
    reply: str = ""
    facts: tuple[str, ...] = ()
    is_called: bool = False


CASES = {
    "en-parcel": Example(
        title="A parcel that went to the wrong town; ours",
        name="Siobhan O'Neill",
        subject="Order 4711",
        text="Hello,\n\nMy parcel was due on Monday and it still has not come. This is unacceptable.\n\n"
        "Siobhan O'Neill",
        reply="Dear Mrs O'Neill,\n\nI am sorry about this. I will send you a new kettle by Friday.\n\nAna",
        facts=(
            "issue: My parcel was due on Monday and it still has not come.",
            "impact: Your guests on Sunday had no tea",
            "cause: We printed your label with an old postcode",
            "resolution: A new kettle has been with you since Thursday",
            "prevention: Each label is now compared with the order before it leaves",
            "fault: ours",
        ),
    ),
    "en-hotel": Example(
        title="A room that was given away; high severity, shared fault",
        name="Hotel Guest Services",
        subject="Our room",
        text="We arrived at ten at night with two small children and our room had been given away. I am furious "
        "and I want my money back.\n\nRegards,\nPeter Hall",
        facts=(
            "severity: high",
            "issue: We gave your room away although you had booked it",
            "impact: You stood in front of a closed door with two children",
            "cause: Our list of late arrivals was not passed on at the change of shift",
            "resolution: I paid the whole night back to your card on Wednesday",
            "prevention: Both shifts now read the list together",
            "refund: 40.00",
            "issued: 1",
            "fault: shared",
        ),
    ),
    "de-lampe": Example(
        title="Die falsche Lampe, zum zweiten Mal; unser Fehler",
        name="BRANDT Petra",
        subject="Falsche Lampe",
        text="Guten Tag, Sie haben mir schon wieder die falsche Lampe geschickt. Das ist eine Frechheit, ich will "
        "mein Geld zurück.\n\nPetra Brandt",
        facts=(
            "issue: Sie haben mir schon wieder die falsche Lampe geschickt.",
            "cause: In unserem Regal lagen zwei Modelle in einem Fach",
            "resolution: Die richtige Lampe steht seit Donnerstag bei Ihnen",
            "prevention: Jedes Modell hat jetzt ein eigenes Fach",
            "fault: ours",
        ),
    ),
    "de-monteur": Example(
        title="Der Monteur kommt nicht, und niemand meldet sich: ein Zwischenbescheid",
        name="Familie Schneider",
        subject="Monteur",
        text="Der Monteur ist zum dritten Mal nicht gekommen, und niemand antwortet. Ich bin sehr verärgert und "
        "erwarte eine Entschuldigung.",
    ),
    "fr-facture": Example(
        title="Une facture fausse pour la troisième fois; notre erreur",
        name="Mme Claire Petit",
        subject="Facture de novembre",
        text="Bonjour, ma facture est fausse pour la troisième fois. C'est inadmissible, je veux être remboursée."
        "\n\nClaire Petit",
        facts=(
            "issue: ma facture est fausse pour la troisième fois",
            "cause: Notre système gardait votre ancien tarif alors que nous l'avions changé",
            "resolution: J'ai corrigé la facture et je vous l'ai envoyée le 3 décembre",
            "prevention: Chaque changement de tarif est maintenant vérifié par deux personnes",
            "refund: 12.00",
            "issued: 1",
            "fault: ours",
        ),
    ),
    "fr-table": Example(
        title="Une table perdue par un tiers; pas notre erreur",
        name="iPhone de Luc",
        subject="Notre table",
        text="Notre table était occupée alors que nous avions réservé. Quelle déception, je suis vraiment furieux."
        "\n\nLuc Perrin",
        facts=(
            "issue: Votre table était occupée alors que vous aviez réservé",
            "cause: Le site de réservation ne nous avait pas transmis votre demande",
            "resolution: Votre table vous attend samedi à 20 h",
            "prevention: Nous comparons maintenant chaque matin les deux listes",
            "fault: not-ours",
        ),
    ),
    "es-cafetera": Example(
        title="Una cafetera rota; error nuestro",
        name="GARCÍA MÁRQUEZ, JOSÉ LUIS",
        subject="Cafetera rota",
        text="Hola, la cafetera llegó rota y nadie me contesta. Es una vergüenza, exijo una solución.",
        facts=(
            "issue: la cafetera llegó rota y nadie me contesta",
            "impact: Se quedó sin café toda una semana",
            "cause: La empaquetamos en una caja demasiado fina",
            "resolution: Desde el jueves tiene en casa una cafetera nueva",
            "prevention: Cada cafetera viaja ahora en una caja doble",
            "fault: ours",
        ),
    ),
    "es-baja": Example(
        title="Una baja que nadie leyó; gravedad alta",
        name="Sra. Carmen Ruiz",
        subject="Sigo pagando",
        text="Pedí la baja hace tres meses y me siguen cobrando. Es un robo, quiero mi dinero.",
        facts=(
            "severity: high",
            "issue: Pedí la baja hace tres meses y me siguen cobrando.",
            "cause: Su baja estaba en un buzón que nadie leía",
            "resolution: Su cuenta está cerrada y ya no se cobra nada",
            "prevention: Ahora leo ese buzón cada mañana",
            "refund: 45.00",
            "issued: 1",
            "fault: ours",
        ),
    ),
    "en-toaster": Example(
        title="A toaster that caught fire: what to do now, and a call",
        name="Moira Kelly",
        is_called=True,
        subject="Your toaster",
        text="Your toaster caught fire this morning and I burnt my hand. My son was standing next to it. This is "
        "dangerous.\n\nMoira Kelly",
        facts=(
            "severity: high",
            "issue: Your toaster caught fire this morning and I burnt my hand.",
            "cause: A spring in this batch was fitted the wrong way round",
            "resolution: We collected the toaster on Wednesday and paid you its full price back",
            "prevention: We have stopped selling this batch and written to everyone who bought one",
            "refund: 39.00",
            "issued: 1",
            "fault: ours",
        ),
    ),
    "en-plumber": Example(
        title="A plumber who did not come; a day that was promised in a reply",
        name="tom.baker82",
        subject="Still no hot water",
        text="I took a day off and nobody came. We still have no hot water. I am really disappointed.\n\nTom Baker",
        reply="Hi Tom,\n\nI am sorry about this. I will come and fit the new valve on Friday.\n\nAna",
        facts=(
            "impact: You took a day off for nothing",
            "cause: Your appointment stood in our calendar a week too late",
            "resolution: I fitted the new valve on Friday, and your hot water is back",
            "prevention: Every appointment is now confirmed to you by text the day before",
            "fault: ours",
        ),
    ),
    "en-broadband": Example(
        title="A line that was cut by roadworks; not ours",
        name="Anjali Rao",
        subject="No internet since Monday",
        text="We have had no internet since Monday, and nobody tells us anything. I work from home, this is not "
        "acceptable.\n\nAnjali Rao",
        facts=(
            "severity: low",
            "issue: We have had no internet since Monday, and nobody tells us anything.",
            "cause: Our cable in your street was cut during roadworks",
            "resolution: Your line has been working again since Thursday morning",
            "prevention: We now send a text to everyone in a street as soon as its line goes down",
            "fault: not-ours",
        ),
    ),
    "de-heizung": Example(
        title="Eine kalte Heizung; ein Rückruf, der in einer Antwort zugesagt wurde",
        name="Dr. Jens Albers",
        subject="Heizung kalt",
        text="Unsere Heizung ist seit Montag kalt, und Ihr Notdienst nimmt nicht ab. Das ist unzumutbar.\n\n"
        "Jens Albers",
        reply="Guten Tag Herr Dr. Albers,\n\nes tut mir leid. Ich rufe Sie bis Freitag an.\n\nAna Reyes",
        facts=(
            "impact: Sie saßen drei Tage lang in der Kälte",
            "cause: Unser Notdienst war an zwei Abenden nicht besetzt",
            "resolution: Ihre Heizung läuft seit Donnerstag wieder",
            "prevention: Für jeden Abend ist jetzt eine Vertretung eingeteilt",
            "fault: ours",
        ),
    ),
    "de-rechnung": Example(
        title="Eine doppelte Abbuchung; geteilter Fehler",
        name="Yasemin Kaya",
        subject="Doppelt abgebucht",
        text="Sie haben mir den Beitrag zweimal abgebucht. Ich bin stinksauer und möchte mein Geld zurück.\n\n"
        "Yasemin Kaya",
        facts=(
            "issue: Sie haben mir den Beitrag zweimal abgebucht.",
            "cause: Ihre Bank hat die erste Abbuchung zu spät gemeldet, und wir haben nicht nachgefragt",
            "resolution: Ich habe Ihnen den zweiten Beitrag am Mittwoch zurücküberwiesen",
            "prevention: Vor einer zweiten Abbuchung fragen wir jetzt bei der Bank nach",
            "refund: 29.90",
            "issued: 1",
            "fault: shared",
        ),
    ),
    "de-wasserkocher": Example(
        title="Ein Wasserkocher, der Feuer fing: was jetzt zu tun ist, und ein Anruf",
        name="Monika Vogt",
        is_called=True,
        subject="Wasserkocher",
        text="Ihr Wasserkocher hat heute früh Feuer gefangen, und ich habe mir die Hand verbrannt. Das ist "
        "gefährlich!\n\nMonika Vogt",
        facts=(
            "severity: high",
            "issue: Ihr Wasserkocher hat heute früh Feuer gefangen, und ich habe mir die Hand verbrannt.",
            "cause: In dieser Lieferung war ein Schalter falsch eingebaut",
            "resolution: Wir haben das Gerät am Mittwoch abgeholt und Ihnen den Preis erstattet",
            "prevention: Wir verkaufen diese Lieferung nicht mehr und haben alle Käufer angeschrieben",
            "refund: 34.00",
            "issued: 1",
            "fault: ours",
        ),
    ),
    "fr-colis": Example(
        title="Un colis jamais arrivé; une date promise dans une réponse",
        name="Nadia Benali",
        subject="Colis",
        text="Mon colis n'est jamais arrivé et personne ne me répond. C'est inacceptable.\n\nNadia Benali",
        reply="Bonjour Madame Benali,\n\nJe suis désolée. Je vous envoie un nouveau colis au plus tard vendredi."
        "\n\nAna Reyes",
        facts=(
            "issue: Mon colis n'est jamais arrivé et personne ne me répond.",
            "cause: Nous avions imprimé une ancienne adresse sur l'étiquette",
            "resolution: Le nouveau colis est chez vous depuis jeudi",
            "prevention: Chaque étiquette est maintenant comparée à la commande avant le départ",
            "fault: ours",
        ),
    ),
    "fr-hotel": Example(
        title="Une chambre déjà donnée; gravité élevée",
        name="M. Paul Lefèvre",
        subject="Notre chambre",
        text="Nous sommes arrivés à 22 h avec deux enfants et notre chambre était donnée. Je suis furieux, je veux "
        "être remboursé.\n\nPaul Lefèvre",
        facts=(
            "severity: high",
            "issue: Nous sommes arrivés à 22 h avec deux enfants et notre chambre était donnée.",
            "cause: La liste des arrivées tardives n'avait pas été transmise à l'équipe de nuit",
            "resolution: Je vous ai remboursé la nuit entière mercredi",
            "prevention: La liste est maintenant lue par les deux équipes ensemble",
            "refund: 45.00",
            "issued: 1",
            "fault: ours",
        ),
    ),
    "fr-internet": Example(
        title="Une ligne coupée par des travaux; pas notre erreur",
        name="Sylvie Morel",
        subject="Plus d'internet",
        text="Je n'ai plus d'internet depuis lundi et personne ne m'explique rien. C'est inadmissible.\n\n"
        "Sylvie Morel",
        facts=(
            "severity: low",
            "issue: Je n'ai plus d'internet depuis lundi et personne ne m'explique rien.",
            "cause: Notre câble a été coupé par des travaux dans votre rue",
            "resolution: Votre ligne fonctionne de nouveau depuis jeudi matin",
            "prevention: Nous prévenons maintenant chaque client par SMS dès que sa ligne est coupée",
            "fault: not-ours",
        ),
    ),
    "es-paquete": Example(
        title="Un paquete perdido; una fecha prometida en una respuesta",
        name="Lucía Navarro",
        subject="Mi paquete",
        text="Mi paquete no ha llegado y nadie me contesta. Es inaceptable.\n\nLucía Navarro",
        reply="Buenos días, señora Navarro:\n\nLo siento mucho. Le envío un paquete nuevo antes del viernes.\n\n"
        "Ana Reyes",
        facts=(
            "issue: Mi paquete no ha llegado y nadie me contesta.",
            "cause: Imprimimos en la etiqueta una dirección antigua",
            "resolution: Desde el jueves tiene en casa el paquete nuevo",
            "prevention: Ahora comparamos cada etiqueta con el pedido antes de que salga",
            "fault: ours",
        ),
    ),
    "es-clinica": Example(
        title="Una cita borrada; gravedad alta",
        name="Don Andrés Gil",
        subject="Mi cita",
        text="Llegué a mi cita y no constaba en ningún sitio. Perdí la mañana entera. Estoy indignado.\n\nAndrés Gil",
        facts=(
            "severity: high",
            "issue: Llegué a mi cita y no constaba en ningún sitio.",
            "impact: Perdió la mañana entera",
            "cause: Borramos su cita por error al cambiar de programa",
            "resolution: El doctor le atendió el jueves a primera hora",
            "prevention: Ahora revisamos cada tarde las citas del día siguiente",
            "fault: ours",
        ),
    ),
    "es-internet": Example(
        title="Un cobro doble; error compartido",
        name="Marta Soler",
        subject="Cobro doble",
        text="Me han cobrado dos veces la cuota de noviembre. Es una vergüenza, quiero mi dinero.\n\nMarta Soler",
        facts=(
            "issue: Me han cobrado dos veces la cuota de noviembre.",
            "cause: Su banco avisó tarde del primer cobro, y nosotros no preguntamos",
            "resolution: El miércoles le devolví la segunda cuota",
            "prevention: Ahora preguntamos al banco antes de repetir un cobro",
            "refund: 29.90",
            "issued: 1",
            "fault: shared",
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_letters_of_a_case_are_the_examples(make_world: Callable[..., World], name: str) -> None:
    example = CASES[name]
    world = make_world()
    letters = lived(world, example)
    page = f"# {example.title}\n\n{quoted(example)}\n" + "\n".join(letters) + "\n"
    file = EXAMPLES / f"{name}.md"
    if os.environ.get("FOLLOWUPD_WRITE_EXAMPLES"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(page)
    assert page == file.read_text(), "FOLLOWUPD_WRITE_EXAMPLES=1 writes the examples anew; read them before"
    for letter in letters:
        assert len(letter.split()) < 330


def lived(world: World, example: Example) -> list[str]:
    """Live the case, and return its letters as they reached the customer."""
    mail = world.customer_writes(example.text, example.subject, name=example.name)
    world.agent_tags("complaint")
    if example.reply:
        world.agent_replies(example.reply, mail, "promised")
    world.passes(world.now + timedelta(minutes=15))
    ref = world.case().ref
    if example.is_called:
        assert world.says(ref, "kept: 1", agent="ana") == []
    if example.facts:
        world.passes(_DECEMBER_3)
        assert world.says(ref, *example.facts, agent="ana") == []
        world.says(ref, "kept", "fixed", agent="ana")
        world.passes(_DECEMBER_8)
    else:
        for day in range(1, 6):
            world.passes(world.now + timedelta(days=day))
    kinds = ("confirmation", "delay", "holding", "follow-up")
    return [shown(kind, letter) for kind in kinds for letter in world.letters(kind)]


def shown(kind: str, letter: object) -> str:
    """Return a letter under its kind, as text."""
    text = text_of(letter).replace("\r\n", "\n").strip()  # type: ignore[arg-type]
    return f"## {kind}\n\n```\n{text}\n```\n"


def quoted(example: Example) -> str:
    """Return the customer's mail as a quotation."""
    lines = [f"> {line}".rstrip() for line in example.text.splitlines()]
    return f"{example.name} writes:\n\n" + "\n".join(lines) + "\n"
