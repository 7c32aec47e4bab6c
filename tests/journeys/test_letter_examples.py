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
_DECEMBER_3 = datetime(2026, 12, 3, 10, tzinfo=UTC)
_DECEMBER_8 = datetime(2026, 12, 8, 10, 30, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One case: who writes what, what the agent answers, and what she says of it when it is put right.

    Without a reply and without facts nobody acts, and a holding letter leaves.
    """

    title: str
    name: str
    subject: str
    text: str
    reply: str = ""
    facts: tuple[str, ...] = ()


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
            "resolution: J'ai corrigé la facture et je vous l'ai envoyée ce matin",
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
