"""Rules of the house, conditions told without "if", refusals and book-keeping commit nobody to anything."""

from datetime import date

import pytest

from followupd.domain.promise import Found
from followupd.languages import load
from followupd.text.promises import find_commitments
from tests.story.promises.measure import LONDON, SENT_AT


def read(language: str, said: str) -> Found:
    currency = "GBP" if language == "en" else "EUR"
    return find_commitments(
        said, sent_at=SENT_AT, calendar=LONDON, language=load(language), currency=currency
    )


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Your deposit will not be returned or credited."),
        ("en", "We will not be refunding the July instalment."),
        ("en", "The deposit won't be paid back."),
        ("de", "Der Beitrag für Dezember wird nicht erstattet, die Halle war ja nur eine Woche zu."),
        ("de", "Die Kosten des Gutachtens werden von uns nicht übernommen."),
        ("de", "Den Kaufpreis erstatten wir nicht."),
        ("fr", "Les frais de dossier ne vous seront pas remboursés."),
        ("fr", "Nous ne rembourserons pas les frais d'envoi."),
        ("es", "No se reembolsan las entradas del viernes."),
        ("es", "Los gastos de envío no se abonan."),
    ],
)
def test_a_refusal_is_no_promise(language: str, said: str) -> None:
    assert read(language, said) == Found()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "We will not charge you for the visit."),
        ("de", "Wir berechnen Ihnen die Anfahrt nicht."),
        ("fr", "Nous ne vous facturerons pas la visite."),
        ("fr", "Les frais ne sont pas remboursés, mais nous vous recréditons 20 €."),
        ("es", "No le cobraremos la visita."),
        ("es", "La entrada no se devuelve, pero le abonamos 20 € en su cuenta."),
        ("en", "The card can't be credited, so a cheque for £20 leaves today."),
    ],
)
def test_a_refusal_to_charge_is_a_gift_and_so_is_what_follows_a_but(language: str, said: str) -> None:
    assert len(read(language, said).compensation) == 1


def test_what_is_not_done_yet_is_promised() -> None:
    assert len(read("en", "It has not yet been refunded, I will refund it tomorrow.").promises) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "Please send us a photo within 48 hours, then we will send you a new one free of charge.",
        ),
        ("en", "Send me the receipt and I'll refund the £20."),
        ("en", "On receipt of both forms we will refund £35."),
        ("en", "Without a reply by Friday we will close the ticket."),
        (
            "de",
            "Bitte schicken Sie uns innerhalb von 48 Stunden ein Foto, dann liefern wir kostenlos Ersatz.",
        ),
        ("de", "Senden Sie uns die Rechnung zu, und wir erstatten Ihnen die 20 €."),
        ("de", "Sollte sich Ihr Anschluss verzögern, schreiben wir Ihnen die Grundgebühr für Oktober gut."),
        ("de", "Nach Eingang der Unterlagen überweisen wir Ihnen 35 €."),
        ("de", "Ohne Ihre Rückmeldung bis Freitag schließen wir das Ticket."),
        ("fr", "Envoyez-nous une photo sous 48 heures, et nous vous enverrons gratuitement un nouveau vase."),
        ("fr", "Merci de nous transmettre la facture, nous vous rembourserons les 20 €."),
        ("fr", "Sans réponse de votre part sous 5 jours, il sera clôturé automatiquement."),
        ("fr", "En cas de nouveau retard, nous vous rembourserons 20 €."),
        ("es", "Envíenos una foto en 48 horas y le mandamos gratis un jarrón nuevo."),
        ("es", "Mándenos la factura y le devolvemos los 20 €."),
        ("es", "De no llegar el viernes, le abonamos 20 €."),
        ("es", "Al recibir el formulario le reembolsamos 35 €."),
        ("es", "Sin respuesta por su parte antes del viernes, cerraremos la incidencia."),
    ],
)
def test_a_condition_may_be_told_without_if(language: str, said: str) -> None:
    assert read(language, said) == Found()


def test_what_the_customer_may_keep_is_no_condition() -> None:
    assert len(read("en", "Please keep the old lamp, we will collect it on Friday.").promises) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Any overpayment will stay on your account as credit."),
        ("en", "The balance is carried over to your next bill as credit."),
        ("de", "Neue Termine werden täglich ab 7 Uhr freigeschaltet."),
        ("de", "Die Plätze werden jeden Morgen ab 8 Uhr vergeben."),
        ("de", "Ein Guthaben bleibt auf Ihrem Konto stehen und wird verrechnet."),
        ("fr", "Le trop-perçu restera sur votre compte en avoir."),
        ("es", "Los turnos se publican cada mañana a las 8."),
        ("es", "El saldo sobrante queda en su cuenta como abono."),
    ],
)
def test_rules_of_the_house_and_book_keeping_are_nothing(language: str, said: str) -> None:
    assert read(language, said) == Found()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Covered by the warranty so nothing to pay."),
        ("de", "Das ist ein Fall für die Gewährleistung, kostenlos für Sie."),
        ("fr", "Pris sous garantie, gratuit pour vous."),
        ("es", "Lo de la corona entra en la garantía, no pagas nada."),
        ("es", "Está en garantía, sin coste para usted."),
        ("es", "Calculamos que lo verá reflejado en su cuenta el viernes que viene."),
    ],
)
def test_a_guarantee_and_a_booking_to_come_give_nothing(language: str, said: str) -> None:
    assert read(language, said).compensation == ()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I'll swap the shoes or I'll do you a voucher for £49.90."),
        ("de", "Ich tausche die Schuhe um oder stelle Ihnen einen Gutschein über 49,90 € aus."),
        ("es", "Te cambio las sandalias por otro número o te hago un vale por los 49,90."),
        ("en", "For each full day without service you get £9.76 back automatically on a later bill."),
        ("de", "Für jeden vollen Tag ohne Netz bekommen Sie 9,76 € zurück."),
        ("fr", "Nous vous recréditons 9,76 € pour chaque jour sans réseau."),
        ("es", "Por cada día completo sin servicio le devolvemos 9,76 €."),
    ],
)
def test_a_choice_and_a_sum_for_each_day_are_asked_about(language: str, said: str) -> None:
    assert read(language, said) == Found(unsure=(said,))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "new kettle goes out today by DPD"),
        ("en", "The new shade will be sent on Friday."),
        ("en", "I'm going to send you a whole new puzzle, you'll have it by Christmas Eve."),
        ("en", "The whole order goes out again tomorrow."),
        ("de", "Lampenschirm schicken wir morgen neu los"),
        ("de", "Die Ersatzgläser sind bestellt und kommen am Freitag."),
        ("de", "Wir senden die Vase am Freitag nochmals zu."),
        ("fr", "Le colis complet repart demain."),
        ("fr", "Le lot repartira lundi de notre atelier."),
        ("fr", "Nous vous renvoyons la commande vendredi."),
        ("es", "Mañana vuelve a salir el lote completo en caja isotérmica."),
        ("es", "El viernes le volvemos a enviar el paquete."),
        ("es", "El lunes le mandamos una pantalla totalmente nueva."),
    ],
)
def test_what_is_sent_again_or_new_is_a_replacement(language: str, said: str) -> None:
    found = read(language, said)
    assert [gift.kind for gift in found.compensation] == ["replacement"]
    assert len(found.promises) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Your new appointment is coming up on Friday."),
        ("de", "Der Ersatztermin ist am Freitag um 9 Uhr."),
        ("de", "Der Monteur kommt am Freitag noch einmal raus."),
        ("en", "The parcel is going out again tomorrow."),
        ("es", "Su pedido vuelve a salir mañana."),
        ("fr", "Le technicien repart vendredi avec votre chaudière."),
        ("es", "El lunes le volvemos a enviar el enlace."),
    ],
)
def test_a_new_date_and_a_link_are_no_replacement(language: str, said: str) -> None:
    assert read(language, said).compensation == ()


def test_a_sum_that_reaches_an_account_is_a_refund() -> None:
    gifts = read("en", "The sum of £135.50 should reach your account by 23 December.").compensation
    assert [(gift.kind, gift.amount) for gift in gifts] == [("refund", "135.50")]


@pytest.mark.parametrize(
    ("language", "said", "second"),
    [
        (
            "en",
            "Someone from Bosch is coming this Saturday, they'll text you a slot the evening before.",
            "They'll text you a slot the evening before",
        ),
        (
            "fr",
            "Un correctif part en production mardi prochain, et je te fais signe dès que c'est en ligne.",
            "Je te fais signe dès que c'est en ligne",
        ),
    ],
)
def test_who_will_write_promises_that_too(language: str, said: str, second: str) -> None:
    assert [promise.text for promise in read(language, said).promises][1:] == [second]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "We await your choice before we start the claim on Monday."),
        ("en", "A certificate has to reach us by 15 December."),
        ("en", "Tell us by Friday and we will arrange it."),
        ("en", "Your letter was read out at Monday's committee meeting."),
        ("de", "Bitte stellen Sie die Tonne zum nächsten Termin am 10.12. wieder bereit."),
        ("de", "Eine Bescheinigung muss uns innerhalb eines Monats nach der Reparatur vorliegen."),
        ("de", "Eine Ausgleichszahlung von 400 Euro steht Ihnen daher nicht zu."),
        ("de", "Es tut uns leid, dass Sie am Freitag anderthalb Stunden im Wartezimmer saßen."),
        ("fr", "Merci de ressortir le bac pour la prochaine collecte, le 10 décembre."),
        ("fr", "Nous attendons votre choix pour engager les démarches."),
        ("fr", "Une attestation devra nous parvenir dans le mois suivant la réparation."),
        ("fr", "Le moteur a été remplacé sous garantie, gratuitement."),
        ("fr", "Passé ce délai, il sera retourné à l'expéditeur."),
        ("es", "Por favor, saque de nuevo el contenedor el 10 de diciembre."),
        ("es", "El certificado deberá llegarnos en el mes siguiente a la reparación."),
        ("es", "Qué rabia lo del libro con las páginas pegadas, y encima para un regalo."),
    ],
)
def test_what_the_customer_does_and_what_is_refused_or_regretted_is_nothing(language: str, said: str) -> None:
    assert read(language, said) == Found()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "We will refund the amount when we receive the parcel."),
        ("en", "Once we have received them and checked that they are unworn, we will refund you the £79.95."),
        ("en", "As soon as your file is complete, the compensation will be paid within ten working days."),
        ("de", "Sobald wir die Schuhe erhalten und geprüft haben, erstatten wir Ihnen die 79,95 €."),
        (
            "de",
            "Sobald Ihre Unterlagen vollständig sind, wird die Entschädigung in zehn Werktagen ausgezahlt.",
        ),
        ("fr", "Nous vous rembourserons le montant quand nous recevrons le colis."),
        ("fr", "Quand nous les aurons reçues et contrôlées, nous vous rembourserons les 79,95 €."),
        ("fr", "Dès que le dossier sera complet, l'indemnité vous sera versée sous dix jours ouvrés."),
        ("es", "Le devolveremos el importe cuando recibamos el paquete."),
        ("es", "Cuando las recibamos y comprobemos que están sin usar, te reembolsaremos los 79,95 €."),
        ("es", "En cuanto el expediente esté completo, la indemnización se le abonará en diez días hábiles."),
    ],
)
def test_what_waits_for_the_customer_is_not_given_yet(language: str, said: str) -> None:
    assert read(language, said) == Found()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Dr Lewis is back on Thursday."),
        ("de", "Frau Dr. Lewis ist am Donnerstag wieder da."),
        ("fr", "Le docteur Lewis est de retour jeudi."),
        ("es", "La doctora Lewis vuelve el jueves."),
        ("de", "Zwei Freikarten für die Premiere im Mai liegen diesem Schreiben bei."),
        ("es", "Le confirmamos que se ha aplicado una bonificación de 18 € en la factura de este mes."),
    ],
)
def test_who_is_back_and_what_is_enclosed_or_done_is_no_promise(language: str, said: str) -> None:
    found = read(language, said)
    assert (found.promises, found.unsure) == ((), ())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The exchange of your kettle (model KX-200) has been approved."),
        ("de", "Der Monteur kommt wohl am Freitag, das liegt nicht in unserer Hand."),
        ("fr", "L'échange de votre bouilloire (modèle KX-200) a été accepté."),
        ("es", "Lo corregimos el sábado en la 4.8.2."),
    ],
)
def test_what_may_be_given_or_done_or_up_to_others_is_asked_about(language: str, said: str) -> None:
    assert read(language, said) == Found(unsure=(said,))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The surveyor assures me that the lift will be running on Monday."),
        ("de", "Der Monteur versichert mir, dass der Aufzug am Montag wieder läuft."),
        ("fr", "Le réparateur m'assure que la pièce sera là vendredi."),
        ("es", "El ascensorista me asegura que el ascensor volverá a funcionar el lunes."),
    ],
)
def test_the_word_of_others_is_asked_about(language: str, said: str) -> None:
    assert read(language, said) == Found(unsure=(said,))


@pytest.mark.parametrize(
    ("language", "said", "kind", "amount"),
    [
        ("de", "Von den 4.860 Euro erlassen wir Ihnen 600 Euro.", "gesture", "600.00"),
        ("es", "De los 4.860 € le descontamos 600 €.", "credit", "600.00"),
        ("de", "Den Dezember schenken wir Ihnen, Sie sehen 0 € in der App.", "gesture", ""),
        ("fr", "Le mois de décembre vous est offert, vous verrez 0 € dans l'application.", "gesture", ""),
        ("es", "El mes de diciembre te lo hemos regalado, ya te sale a 0 € en el panel.", "gesture", ""),
        (
            "fr",
            "Les 118,00 € ont été recrédités ce matin sur la carte de la réservation.",
            "refund",
            "118.00",
        ),
        ("es", "Le hemos abonado 96,00 € en la misma tarjeta.", "refund", "96.00"),
        ("es", "Los 41,73 € cobrados de más se le abonarán en la próxima factura.", "credit", "41.73"),
    ],
)
def test_the_part_is_given_and_not_the_whole_and_never_zero(
    language: str, said: str, kind: str, amount: str
) -> None:
    assert [(gift.kind, gift.amount) for gift in read(language, said).compensation] == [(kind, amount)]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "A new visit has been booked: an engineer will attend on Friday."),
        ("en", "The right one is due in tomorrow."),
        ("es", "Hoy te envío por correo la etiqueta de devolución."),
    ],
)
def test_a_visit_a_part_and_a_label_are_promised_and_not_given(language: str, said: str) -> None:
    found = read(language, said)
    assert (len(found.promises), found.compensation) == (1, ())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The engineer comes on Monday 7 December. I'll email you that afternoon with the outcome."),
        (
            "de",
            "Der Monteur kommt am Montag, 7. Dezember. Ich schreibe Ihnen an dem Nachmittag das Ergebnis.",
        ),
        ("fr", "Le technicien passe le lundi 7 décembre. Je vous écris cet après-midi-là."),
        ("es", "El técnico va el lunes 7 de diciembre. Le escribo esa tarde con el resultado."),
    ],
)
def test_that_afternoon_is_the_one_of_the_day_that_was_named(language: str, said: str) -> None:
    due = read(language, said).promises[-1].due
    assert due is not None
    assert due.date() == date(2026, 12, 7)


def test_the_night_before_a_day_that_does_not_exist_is_asked_about() -> None:
    said = "I'll message you the night before with a time."
    assert said in read("en", f"They come on Tuesday 10th. {said}").unsure
