"""Thirty-two awkward situations that a stranger wrote: a person's mail is a case, or named to an agent; a machine's is none.

Each folder in `awkward` has the mails in the order of their arrival, and in expected.md what a careful person would do.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from followupd.domain.mail import Identity, Kind
from followupd.text.mail.read import read
from followupd.text.names import within_frame
from tests.cases.shop import Shop
from tests.journeys.world import World

TOP = Path(__file__).parent / "awkward"
FACTS = ("cause: a part was torn", "resolution: it was sent again", "prevention: parts are checked")


@pytest.fixture
def shop(make_world: Callable[..., World], capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(make_world, capsys)


class Expected(NamedTuple):
    """The customers of the cases, and the senders whom the digest names instead."""

    customers: str
    listed: str = ""
    #: the first mail is tagged as a complaint and the matter called fixed before the second one comes
    fixed: bool = False


SITUATIONS = {
    "01-list-headers-on-a-person": Expected("kate.osei@brightdental.test"),
    "02-exchange-suppress-and-virus-note": Expected("h.brandl@brandl-metallbau.test"),
    "03-re-reponse-automatique": Expected("odile.garnier@laposte.test"),
    "04-crm-tracking-headers": Expected("inigo@salcedo-reformas.test"),
    "05-web-form-wordpress": Expected("gareth.pugh@cardiffmail.test mkean@islay.test"),
    "06-marketplace-relay": Expected(
        "k7q2m9x4c1+4029981733@kaeufer.marktwelt.test p0d8w3r6z5+4025510928@kaeufer.marktwelt.test"
    ),
    "07-two-addresses-of-one-person": Expected("danawhit84@gmail.com d.whitlock@northgate-law.test"),
    "08-reply-to-le-patron": Expected("secretariat@menuiserie-lauga.test", "b.lauga@orange.test"),
    "09-outlook-forward-fyi": Expected("priya@fenwickcafe.test"),
    "10-apple-weitergeleitet": Expected("k.rieger@t-netz.test"),
    "11-reenviado-como-adjunto": Expected("ximena.rdz@correo.test"),
    "12-redirected-with-resent-headers": Expected("theo.marchetti@gmail.com"),
    "13-plain-part-says-nothing": Expected("", "nora.tierney@eirmail.test"),
    "14-lying-charset-and-banner": Expected("w.juergens@nordnetz.test"),
    "15-objet-et-photo-seulement": Expected("solene.caradec@free.test yann.lebreton@sfr.test"),
    "16-el-texto-va-despues-de-la-foto": Expected("mjtorres@telemail.test"),
    "17-impossible-date-no-message-id": Expected("parts@oldmill-garage.test"),
    "18-rohe-umlaute-im-kopf": Expected("juergen.mueller@stadtnetz.test"),
    "19-deux-expediteurs": Expected("helene.roux@voilesdulac.test"),
    "20-same-message-id-twice": Expected("edith.lowe@villagemail.test s.adeyemi@villagemail.test"),
    # the owner is asked, with the customer's words, whether it is fixed
    "21-thanks-for-nothing": Expected("rory.mccall@clydemail.test", fixed=True),
    "22-danke-und-drei-wochen-spaeter": Expected(
        "ilse.baumgart@webpost.test", "ilse.baumgart@webpost.test", fixed=True
    ),
    "23-gracias-de-antemano": Expected("fermin.ochoa@vasconet.test", fixed=True),
    "24-first-mail-begins-like-thanks": Expected("jbeaumont@lakeside.test"),
    "25-re-tr-sans-references": Expected("c.delmas@garonne.test gilbert.anselme@bordeaux-hotel.test"),
    "26-kein-betreff-zwei-kunden": Expected(
        "detlef.kahl@oderpost.test detlef.kahl@oderpost.test", "p.wolny@havelnet.test"
    ),
    "27-one-mail-two-mailboxes": Expected("anneke@visserbloemen.test"),
    "28-two-customers-answer-one-newsletter": Expected("greta@lindkeramik.test olu.bankole@thamesmail.test"),
    "29-bounce-in-a-friendly-voice": Expected(""),
    "30-abwesend-wie-von-hand": Expected("t.reinholz@kanzlei-reinholz.test", fixed=True),
    "31-demarchage-au-ton-personnel": Expected(""),
    "32-aviso-del-transportista": Expected(""),
}


def as_here(shop: Shop, raw: bytes) -> bytes:
    """Return a mail with the addresses of this world."""
    domain = shop.world.postbox.address.partition("@")[2].encode()
    for written, here in (
        (b"ana@shop.test", b"ana@agents.test"),
        (b"tom@shop.test", b"lee@agents.test"),
        (b"support@shop.test", shop.world.postbox.address.encode()),
        (b"@shop.test", b"@" + domain),
    ):
        raw = raw.replace(written, here)
    return raw


def played(shop: Shop, name: str, *, fixed: bool = False) -> None:
    """Deliver the mails of a folder, one a day."""
    for number, file in enumerate(sorted((TOP / name).glob("*.eml"))):
        shop.world.postbox.deliver(as_here(shop, file.read_bytes()))
        shop.run(days=1)
        if fixed and number == 0:
            shop.world.postbox.mark(shop.world.postbox.uids()[-1], "complaint")
            shop.run(minutes=5)
            [case] = shop.world.cases()
            shop.world.says(case.ref, "kept", *(f"{fact} !" for fact in FACTS), "fault: ours", "fixed")
            assert shop.case()["stage"] == "fixed"
    shop.run(days=4)


def named(shop: Shop) -> set[str]:
    """Return the senders whom the digest names with a mail that opened no case."""
    told = " ".join(" ".join(shop.staff_mails()).split())
    return set(re.findall(r"please look: .{1,200}?, from (\S+@[\w.-]+\w)", told))


def test_each_situation_is_played() -> None:
    assert sorted(SITUATIONS) == sorted(folder.name for folder in TOP.iterdir())


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_persons_mail_is_a_case_or_named_and_a_machines_is_none(shop: Shop, name: str) -> None:
    expected = SITUATIONS[name]
    played(shop, name, fixed=expected.fixed)
    assert shop.customers() == sorted(expected.customers.split())
    assert named(shop) == set(expected.listed.split())
    agents = {"ana@agents.test", "lee@agents.test"}
    written_to = {str(mail["To"].addresses[0].addr_spec) for mail in shop.world.letters()} - agents
    assert written_to <= set(shop.customers())


# --- the same faults in other forms ---

US = Identity(addresses=frozenset({"support@shop.test"}))


def a_mail(
    *fields: str, to: str = "support@shop.test", sender: str = "Kim <kim@c.test>", text: str = "Broken."
) -> bytes:
    return "\r\n".join([f"From: {sender}", f"To: {to}", "Subject: trays", *fields, "", text, ""]).encode()


@pytest.mark.parametrize(
    "field",
    ["X-BeenThere: office@c.test", "X-Original-Sender: kim@c.test", "Mailing-list: list office@c.test"],
)
def test_a_mail_to_us_that_went_through_a_group_of_the_writers_is_a_persons(field: str) -> None:
    assert read(a_mail("List-Id: <office.c.test>", field), US).kind is Kind.CUSTOMER
    assert read(a_mail("List-Id: <office.c.test>", field, to="office@c.test"), US).kind is Kind.LIST
    assert read(a_mail("List-Id: <news.c.test>"), US).kind is Kind.LIST


@pytest.mark.parametrize(
    "stub",
    [
        "Your mail program cannot show HTML messages. Thank you for reading this message in a modern mail program.",
        "Ihr Mailprogramm kann keine HTML-Nachrichten anzeigen. Bitte verwenden Sie ein neueres Programm dafür.",
        "Votre logiciel ne peut pas afficher le HTML de ce message, merci d'en utiliser un autre plus moderne.",
        "This client can't render the message, please use another one to read what it says here today.",
    ],
)
def test_a_plain_part_that_only_says_to_use_another_program_is_no_text(stub: str) -> None:
    parts = ["--b", "Content-Type: text/plain; charset=utf-8", "", stub, "--b", "Content-Type: text/html", ""]
    html = "<p>The curtains are two greens, I would like a matching pair.</p>"
    text = "\r\n".join([*parts, html, "--b--"])
    fields = ("MIME-Version: 1.0", "Content-Type: multipart/alternative; boundary=b")
    assert read(a_mail(*fields, text=text), US).text.startswith("The curtains")


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("------- Begin message -------", "------- End message -------"),
        (
            "------------- Anfang der Nachricht -------------",
            "------------- Ende der Nachricht ---------------",
        ),
        ("===== Début du message =====", "===== Fin du message ====="),
        ("**** Inicio del mensaje ****", "**** Fin del mensaje ****"),
    ],
)
def test_what_a_marketplace_says_around_a_message_is_not_the_customers(begin: str, end: str) -> None:
    assert (
        within_frame(f"You have a message.\n{begin}\nIt smells burnt.\n{end}\nA problem? Click.")
        == "It smells burnt."
    )
    for whole in (
        f"Hello\n{begin}\nIt smells.",
        f"{begin}\n{end}\nIt smells.",
        "Hello\n-----\nIt smells\n-----\nBye",
    ):
        assert within_frame(whole) == whole


@pytest.mark.parametrize(
    "sender",
    [
        "Kim <kim@c.test>, Jean <jean@d.test>",
        "kim@c.test, jean@d.test",
        '"Roux, Kim" <kim@c.test>, jean@d.test',
    ],
)
def test_all_who_wrote_a_mail_together_take_part_in_its_case(sender: str) -> None:
    found = read(a_mail(sender=sender), US)
    assert (found.sender.address, [person.address for person in found.cc]) == ("kim@c.test", ["jean@d.test"])
