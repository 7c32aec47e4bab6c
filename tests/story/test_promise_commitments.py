"""What agents write is recognised as promises and gifts, or as neither; measured on labelled sentences."""

import time
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followupd.domain.promise import FoundCompensation, FoundPromise, PromiseKind, Relation
from followupd.languages import load
from followupd.text.promises import find_commitments
from followupd.text.promises.clauses import places_meant
from tests.story.promises.measure import LONDON, SENT_AT, recognised, rows, score

ENGLISH = load("en")
FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)


def promises(text: str, language: str = "en") -> tuple[FoundPromise, ...]:
    return find_commitments(text, sent_at=SENT_AT, calendar=LONDON, language=load(language))[0]


def grants(text: str, language: str = "en", currency: str = "GBP") -> tuple[FoundCompensation, ...]:
    return find_commitments(
        text, sent_at=SENT_AT, calendar=LONDON, language=load(language), currency=currency
    )[1]


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", "Wir erstatten Geld"), ("fr", "Nous remboursons argent"), ("es", "Nosotros reembolsamos dinero")],
)
def test_the_same_meaning_has_the_same_weights_in_four_languages(language: str, text: str) -> None:
    english = places_meant("We refund money", ["date"], ENGLISH, 18)
    assert len(english) > len(places_meant("We refund money", [], ENGLISH, 18)) > 0
    assert places_meant(text, ["date"], load(language), 18) >= english


@pytest.mark.parametrize("name", ["dev", "test"])
def test_the_sentences_written_before_the_grammar_are_recognised_as_labelled(name: str) -> None:
    recognised, whole = score(rows(name), whole=False), score(rows(name), whole=True)
    assert recognised.precision >= 0.91
    assert recognised.recall >= 0.89
    assert whole.precision >= 0.91
    assert whole.recall >= 0.89


@pytest.mark.parametrize("name", ["fresh", "later"])
def test_the_sentences_that_widened_the_grammar_stay_recognised(name: str) -> None:
    whole = score(rows(name), whole=True)
    assert whole.precision >= 0.85
    assert whole.recall >= 0.78


def test_the_oddest_sentences_are_rarely_misread() -> None:
    recognised = score(rows("last"), whole=False)
    assert recognised.precision >= 0.90
    assert recognised.recall >= 0.85


def test_terse_and_chatty_sentences_are_recognised() -> None:
    tuned, kept = score(rows("odd"), whole=False), score(rows("kept"), whole=False)
    assert tuned.precision >= 0.93
    assert tuned.recall >= 0.80
    assert kept.precision >= 0.88
    assert kept.recall >= 0.74


def test_what_promises_nothing_is_hardly_ever_read_as_a_promise() -> None:
    found = rows("idle")
    assert sum(bool(recognised(row)) for row in found) <= 0.02 * len(found)


def test_the_labelled_set_is_big_and_mostly_without_promises() -> None:
    found = [*rows("dev"), *rows("test")]
    silent = [row for row in found if not row["promises"] and not row["grants"]]
    assert len(found) >= 300
    assert len(silent) >= 0.4 * len(found)
    assert {row["language"] for row in found} == {"en", "de", "fr", "es"}


def test_no_sentence_is_in_two_sets() -> None:
    texts = [
        row["text"]
        for name in ("dev", "test", "fresh", "later", "last", "odd", "kept", "idle")
        for row in rows(name)
    ]
    assert len(texts) == len(set(texts))


def test_a_promise_carries_its_date_its_kind_and_the_words_that_were_recognised() -> None:
    (promise,) = promises("We will ship the missing part by Friday.")
    assert promise.due == FRIDAY
    assert promise.kind is PromiseKind.FIRM
    assert promise.words == ("We will ship the missing part by Friday.", "by Friday")


@pytest.mark.parametrize(
    ("language", "said", "line"),
    [
        ("en", "I'll send the label tomorrow.", "I'll send the label"),
        ("en", "By Friday we'll correct your invoice.", "By Friday we'll correct your invoice"),
        (
            "en",
            "I will write to you on Monday with the result.",
            "I will write to you on Monday with the result",
        ),
        ("de", "Morgen schicke ich Ihnen das Etikett.", "Morgen schicke ich Ihnen das Etikett"),
        (
            "de",
            "Wir werden die Rechnung bis Freitag korrigieren.",
            "Wir werden die Rechnung bis Freitag korrigieren",
        ),
        ("fr", "Nous vous enverrons la pièce avant vendredi.", "Nous vous enverrons la pièce"),
        ("es", "El lunes le enviaremos la pieza.", "El lunes le enviaremos la pieza"),
    ],
)
def test_no_word_is_cut_from_inside_a_promise_only_a_date_at_its_end(
    language: str, said: str, line: str
) -> None:
    (promise,) = promises(said, language)
    assert promise.text == line
    assert promise.due


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("Hi Kim, I'll send the label tomorrow.", "I'll send the label"),
        ("Dear Ms Doe,\n\nwe will correct it by Friday\n\nKind regards\nAna", "We will correct it"),
        ("Dear Ms Doe,\nwe will correct it by Friday\nKind regards\nAna", "We will correct it"),
        ("I am so sorry about this, we will correct it by Friday.", "We will correct it"),
        (
            "As soon as I hear from them, I will write to you.",
            "As soon as I hear from them, I will write to you",
        ),
        ("By Friday, you'll have an answer from us.", "By Friday, you'll have an answer from us"),
    ],
)
def test_greetings_and_regrets_are_no_part_of_a_promise(said: str, line: str) -> None:
    assert [promise.text for promise in promises(said)] == [line]


@pytest.mark.parametrize(
    ("language", "said", "lines"),
    [
        (
            "en",
            "I will refund the £25 by Friday and send you a new lamp tomorrow.",
            [("I will refund the £25", 4), ("I will send you a new lamp", 2)],
        ),
        (
            "en",
            "We'll collect it on Thursday, and call you on Friday.",
            [("We'll collect it", 3), ("We'll call you", 4)],
        ),
        (
            "de",
            "Ich prüfe das bis Freitag und schicke Ihnen morgen ein Etikett.",
            [("Ich prüfe das", 4), ("Ich schicke Ihnen morgen ein Etikett", 2)],
        ),
    ],
)
def test_two_actions_of_one_subject_have_their_own_dates(
    language: str, said: str, lines: list[tuple[str, int]]
) -> None:
    assert [(each.text, each.due.day) for each in promises(said, language) if each.due] == lines


def test_a_gift_with_a_date_is_a_promise_too() -> None:
    made, given_, _ = find_commitments(
        "We will refund you the $25.00 by Friday.", sent_at=SENT_AT, calendar=LONDON, language=ENGLISH
    )
    assert [promise.due for promise in made] == [FRIDAY]
    assert [(gift.kind, gift.amount, gift.currency) for gift in given_] == [("refund", "25.00", "USD")]


def test_a_gift_without_a_date_is_a_gift_only() -> None:
    assert promises("We will refund you the full amount.") == ()
    assert [gift.kind for gift in grants("We will refund you the full amount.")] == ["refund"]


def test_the_past_is_given_and_the_future_is_promised() -> None:
    assert [gift.past for gift in grants("I've credited £20 to your account.")] == [True]
    assert [gift.past for gift in grants("I will credit £20 to your account.")] == [False]


def test_two_gifts_in_one_clause_have_their_own_amounts() -> None:
    found = grants("We will refund the £25.00 and add a £10 voucher.")
    assert {(gift.kind, gift.amount) for gift in found} == {("refund", "25.00"), ("coupon", "10.00")}


@pytest.mark.parametrize(
    "said",
    [
        "We'll send you a replacement and refund 25 EUR.",
        "We'll refund 25 EUR and send you a replacement.",
    ],
)
def test_a_thing_beside_a_refund_is_not_worth_the_refund(said: str) -> None:
    found = grants(said)
    assert {(gift.kind, gift.amount) for gift in found} == {("replacement", ""), ("refund", "25.00")}
    assert next(gift.text for gift in found if gift.kind == "replacement") == ""  # its kind says it all


@pytest.mark.parametrize(
    ("language", "said", "first", "second"),
    [
        (
            "en",
            "I've taken breakfast off your bill and left a bottle of prosecco in your room.",
            "credit",
            "a bottle of prosecco",
        ),
        (
            "de",
            "Wir haben die Gebühr von 8 Euro gestrichen und der nächste Kaffee geht auf uns.",
            "gesture",
            "der nächste Kaffee geht auf uns",
        ),
        (
            "fr",
            "Nous vous avons remboursé 20 € et ajouté une boîte de chocolats pour la peine.",
            "refund",
            "une boîte de chocolats pour la peine",
        ),
    ],
)
def test_a_thing_beside_another_gift_is_a_gift_of_its_own(
    language: str, said: str, first: str, second: str
) -> None:
    known, treat = grants(said, language)
    assert (known.kind, treat.kind, treat.amount, treat.text) == (first, "gesture", "", second)


def test_a_share_of_a_price_is_not_the_amount_of_the_sentence_before() -> None:
    said = (
        "Se le reembolsarán los 210 € antes del viernes. Por nuestra parte, le descontamos un 10 % del porte."
    )
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load("es"), currency="EUR")
    assert [gift.amount for gift in found.compensation] == ["210.00"]
    assert found.unsure == ("Por nuestra parte, le descontamos un 10 % del porte.",)


def test_what_is_made_today_and_sent_later_is_given() -> None:
    said = "Ein neues Exemplar ist heute in Produktion gegangen und wird spätestens am Dienstag bei Ihnen eintreffen."
    assert [gift.text for gift in grants(said, "de")] == ["ein neues Exemplar"]


@pytest.mark.parametrize(
    ("language", "said", "line"),
    [
        (
            "de",
            "neuer Router als Ersatz: geht am 5.12. an Sie raus",
            "Neuer Router als Ersatz: geht am 5.12. an Sie raus",
        ),
        (
            "fr",
            "export complet de vos données : transmis par lien sécurisé d'ici mercredi midi",
            "Export complet de vos données : transmis par lien sécurisé d'ici mercredi midi",
        ),
    ],
)
def test_an_item_of_a_list_is_not_cut_at_its_colon(language: str, said: str, line: str) -> None:
    assert [promise.text for promise in promises(said, language)] == [line]


def test_a_man_is_greeted_in_french_too() -> None:
    said = "Cher sociétaire,\nLa franchise de 150 € est exceptionnellement abandonnée."
    (gift,) = grants(said, "fr", "EUR")
    assert gift.text == "La franchise de 150 € est exceptionnellement abandonnée"


def test_a_discount_keeps_its_words() -> None:
    (gift,) = grants("Please accept 10 % off your next order, with our apologies.")
    assert (gift.kind, gift.amount, gift.text) == ("coupon", "", "10 % off your next order")


@pytest.mark.parametrize(
    ("language", "said", "named"),
    [
        ("en", "I will send you a new lamp by Friday.", "a new lamp"),
        ("en", "We'll replace the broken lamp free of charge.", "a new one for the broken lamp"),
        ("en", "A new pair of boots will go out by Friday, no charge.", "a new pair of boots"),
        ("en", "I'm refunding you in full.", "the full amount"),
        ("en", "I've waived the late fee.", "I've waived the late fee"),
        ("en", "I've credited your account.", ""),
        ("en", "I will waive the delivery fee on your next order.", "on your next order"),
        ("en", "Your January fee is on us.", "Your January fee is on us"),
        ("de", "Wir schicken Ihnen kostenlos ein neues Gerät.", "ein neues Gerät"),
        ("de", "Wir schicken Ihnen bis Freitag einen Ersatz.", ""),
        ("fr", "Nous vous enverrons gratuitement un nouvel appareil.", "un nouvel appareil"),
        ("es", "Le reembolsaremos el importe completo.", "el importe íntegro"),
    ],
)
def test_a_gift_is_named_as_a_thing_and_not_by_half_a_sentence(language: str, said: str, named: str) -> None:
    assert [gift.text for gift in grants(said, language)] == [named]


def test_the_dollar_is_the_one_of_the_company() -> None:
    assert grants("We will refund you $25.", currency="CAD")[0].currency == "CAD"
    assert grants("We will refund you $25.", currency="GBP")[0].currency == "USD"


@pytest.mark.parametrize(
    "text",
    [
        "> We will ship it by Friday.",
        'You wrote: "we will ship it by Friday".',
        "As the poster says, “we will refund you by Friday”.",
        "If it breaks again, we will ship a new one by Friday.",
        "Will we ship it by Friday?",
        "We will not ship it by Friday.",
        "We might ship it by Friday.",
        "We could refund you the £25.",
        "",
        "\n\n > \n",
    ],
)
def test_quotes_questions_conditions_negations_and_hedges_promise_nothing(text: str) -> None:
    assert find_commitments(text, sent_at=SENT_AT, calendar=LONDON, language=ENGLISH)[:2] == ((), ())


def test_a_doubtful_line_never_promises() -> None:
    text = "Hello Kim,\nwe will ship it by Friday.\nKind regards"
    assert len(promises(text)) == 1
    assert find_commitments(
        text, sent_at=SENT_AT, calendar=LONDON, language=ENGLISH, doubtful=("we will ship it by Friday.",)
    )[:2] == ((), ())


def test_a_doubtful_line_does_not_add_words_to_its_neighbours() -> None:
    text = "We will\nship it\nby Friday."
    assert find_commitments(text, sent_at=SENT_AT, calendar=LONDON, language=ENGLISH, doubtful=("ship it",))[
        :2
    ] == ((), ())


def test_a_sentence_may_be_wrapped_over_lines() -> None:
    (promise,) = promises("We will ship the\nmissing part by\nFriday.")
    assert promise.text == "We will ship the missing part"


def test_a_list_is_read_item_by_item() -> None:
    found = promises("Here is what happens:\n- We will ship the part by Friday\n- I will call you tomorrow\n")
    assert [promise.kind for promise in found] == [PromiseKind.FIRM, PromiseKind.NEXT_UPDATE]


def test_the_same_promise_made_twice_is_one() -> None:
    assert len(promises("We will ship it by Friday. As I said: we will ship it by Friday.")) == 1


def test_one_excluded_clause_leaves_the_other_recognised() -> None:
    (promise,) = promises("I can't call you tomorrow, but I will write by Friday.")
    assert (promise.kind, promise.due) == (PromiseKind.NEXT_UPDATE, FRIDAY)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Thank you for your message of Friday, we will correct the invoice today."),
        ("en", "I am sorry that it never arrived, we'll send the part today."),
        ("fr", "Je suis désolée que rien ne soit arrivé, nous enverrons la pièce aujourd'hui."),
    ],
)
def test_thanks_and_regrets_before_a_promise_do_not_exclude_it(language: str, text: str) -> None:
    (promise,) = promises(text, language)
    assert promise.due == datetime(2026, 12, 1, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["If you return it, we will refund you by Friday.", "Unless it arrives, I'll call you."]
)
def test_a_condition_excludes_what_follows_it(text: str) -> None:
    assert find_commitments(text, sent_at=SENT_AT, calendar=LONDON, language=ENGLISH)[:2] == ((), ())


def test_letting_know_whether_is_no_condition() -> None:
    (promise,) = promises("I'll let you know by Friday whether the part fits.")
    assert (promise.kind, promise.due) == (PromiseKind.NEXT_UPDATE, FRIDAY)


def test_a_date_that_is_over_is_not_what_is_promised() -> None:
    (promise,) = promises("I will look into your order of 3 November and write to you by Friday.")
    assert promise.due == FRIDAY


def test_an_unknown_language_is_read_as_english() -> None:
    assert len(promises("We will ship it by Friday.", language="nl")) == 1


@given(st.text(max_size=400), st.sampled_from(["en", "de", "fr", "es"]))
def test_no_text_makes_it_fail(text: str, language: str) -> None:
    made, given_, _ = find_commitments(
        text, sent_at=SENT_AT, calendar=LONDON, language=load(language), currency="EUR"
    )
    assert all(promise.text for promise in made)
    assert all(gift.kind for gift in given_)


@given(
    st.lists(
        st.sampled_from(
            ["i", "we will", "ship", "refund you", "your", "by friday", "in 3 days", "€ 25", ",", ".", "not"]
        ),
        max_size=60,
    )
)
def test_no_mixture_of_words_makes_it_fail(jumble: list[str]) -> None:
    made, *_ = find_commitments(" ".join(jumble), sent_at=SENT_AT, calendar=LONDON, language=ENGLISH)
    assert all(promise.due is None or promise.due > SENT_AT for promise in made)


@pytest.mark.parametrize(
    "unit", ["the ", "i will ", "a1 ", "25 ", "€", "'", '"', "ship by ", "> ", "in 3 days ", "we will, ", "…"]
)
@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_hostile_mail_costs_little(unit: str, language: str) -> None:
    begin = time.monotonic()
    find_commitments(unit * 40_000, sent_at=SENT_AT, calendar=LONDON, language=load(language))
    find_commitments(
        (unit * 150)[:590] + ".\n\n" + (unit * 150)[:590],
        sent_at=SENT_AT,
        calendar=LONDON,
        language=load(language),
    )
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    ("language", "said", "relation"),
    [
        ("en", "The technician is booked in for Thursday.", "on"),
        ("en", "We will ship it by Thursday.", "by"),
        ("en", "The engineer will be with you on Friday between 9 and 11.", "between"),
        ("en", "Your room will be ready from Thursday.", "from"),
        ("de", "Der Techniker kommt am Donnerstag zwischen 8 und 12 Uhr.", "between"),
        ("de", "Wir schicken Ihnen das Teil bis Freitag.", "by"),
        ("fr", "Le technicien passera vendredi entre 9 h et 11 h.", "between"),
        ("es", "El técnico pasará el viernes entre las 9 y las 11.", "between"),
        ("en", "We will look at the heater between 8 and 10 February.", "between"),
        ("en", "I'll drop you a line before I leave tonight.", "by"),
        ("en", "I'll be with you on Friday, at your place by 9:30.", "by"),
        ("de", "Die neue Tür kommt Mitte nächster Woche zu Ihnen.", "on"),
        ("fr", "Je vous dépose le disque lundi en fin de journée.", "on"),
        ("es", "Le llamaremos a lo largo de mañana.", "on"),
    ],
)
def test_a_promise_keeps_its_relation_to_its_date(language: str, said: str, relation: str) -> None:
    (promise,) = promises(said, language)
    assert promise.relation == relation
    assert (promise.since is not None) == (relation == "between")


@pytest.mark.parametrize(
    ("language", "said", "due"),
    [
        ("en", "We will deliver it in week 50.", "2026-12-11"),
        ("en", "The new part will be fitted in January.", "2027-01-29"),
        ("en", "We will deliver the table mid December.", "2026-12-15"),
        ("en", "I'll call you tomorrow at 3.", "2026-12-02T15:00"),
        ("en", "We will transfer the money in 3 to 5 working days.", "2026-12-08"),
        ("de", "Wir liefern Ihnen den Tisch in KW 50.", "2026-12-11"),
        ("de", "Wir liefern den Tisch Mitte Dezember.", "2026-12-15"),
        ("fr", "Nous vous livrerons la table semaine 50.", "2026-12-11"),
        ("es", "Le enviaremos la mesa a mediados de diciembre.", "2026-12-15"),
        ("es", "La semana q viene te llegan los rosales.", "2026-12-11"),
        ("en", "A new appointment has been made for Thursday 10 December.", "2026-12-10"),
        ("es", "Le enviaremos la respuesta a mediados de la semana próxima.", "2026-12-09"),
        ("es", "Le entregaremos el sofá el 18 de este mes.", "2026-12-18"),
        ("fr", "Nous vous livrerons la table le soir du 19 décembre.", "2026-12-19"),
    ],
)
def test_weeks_months_and_hours_without_marks_are_dates(language: str, said: str, due: str) -> None:
    (promise,) = promises(said, language)
    assert promise.due
    assert LONDON.local(promise.due).isoformat().startswith(due)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The lessons will be on 10 and 17 December."),
        ("de", "Die Stunden holen wir am 10. und 17. Dezember nach."),
    ],
)
def test_a_clause_with_two_dates_is_asked_about(language: str, said: str) -> None:
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language))
    assert found.promises == ()
    assert found.unsure == (said,)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The part will be fitted on Thursday or Friday."),
        ("de", "Wir liefern den Tisch am Mittwoch oder Donnerstag."),
        ("fr", "Le technicien passera jeudi ou vendredi."),
        ("es", "El técnico pasará el jueves o el viernes."),
    ],
)
def test_one_of_two_days_is_a_window_that_ends_with_the_later_one(language: str, said: str) -> None:
    (promise,) = promises(said, language)
    assert promise.relation == Relation.BETWEEN
    assert promise.since
    assert promise.due
    assert promise.due.day - promise.since.day == 1


@pytest.mark.parametrize(
    ("language", "said", "days"),
    [
        ("de", "Ihr Stoff wird morgen neu zugeschnitten und am Freitag verschickt.", [2, 4]),
        ("es", "El repuesto sale de Monterrey mañana y llega el viernes.", [2, 4]),
        ("fr", "Votre colis part de notre magasin demain et vous parviendra vendredi.", [2, 4]),
        ("en", "It was posted this morning and should be with you on Friday.", [4]),
    ],
)
def test_a_second_verb_without_a_subject_is_said_with_the_first(
    language: str, said: str, days: list[int]
) -> None:
    found = promises(said, language)
    assert [promise.due.day for promise in found if promise.due] == days
    assert found[-1].words[0] == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Please accept our sincere apologies."),
        ("en", "We are happy to offer you our support at any time."),
        ("de", "Wir schenken Ihnen gern unsere volle Aufmerksamkeit."),
        ("fr", "Nous vous offrons nos excuses."),
        ("fr", "Nous vous offrons notre aide."),
        ("es", "Le ofrecemos nuestras más sinceras disculpas."),
        ("en", "Do give your mother a big hug from us."),
        ("de", "Liebe Grüße von uns auch an Ihre Mutter."),
        ("fr", "Faites une bise à votre mère de ma part."),
        ("es", "Y dale un beso a tu madre de mi parte."),
        ("de", "Die Nummer der Störungsstelle, die kostenlos ist, steht auf der Rechnung."),
        ("fr", "Le numéro du dépannage est le 0800 12 12 12, qui est gratuit."),
        ("es", "El teléfono es el 900 100 200, que es gratuito."),
        ("fr", "La traversée de 7 h 30 a été annulée en raison de la tempête."),
        ("es", "Por mi parte, revisaré el aviso antes de fin de mes."),
        ("fr", "Votre sœur nous a dit samedi que vous attendiez 150 € de dédommagement."),
        ("fr", "Dans le cas contraire, le déplacement reste gratuit pour vous."),
    ],
)
def test_words_of_courtesy_give_nothing(language: str, said: str) -> None:
    assert grants(said, language) == ()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "We will refund the difference or give you a free day on your next booking."),
        ("de", "Entweder erstatten wir Ihnen die Anzahlung von 180 € oder wir buchen Sie um."),
        ("de", "Vom Honorar gebe ich euch die Hälfte zurück."),
        ("fr", "Nous vous remboursons la moitié de votre séjour."),
        ("es", "Le devolveremos la mitad de la cuota."),
        ("de", "Von den 138 Euro für diese Nacht haben wir Ihnen die Hälfte zurücküberwiesen."),
        ("de", "Wir schicken Ihnen eine neue Hülle oder ziehen 60 Euro ab, was Ihnen lieber ist."),
        ("fr", "Je vous renvoie une housse ou je vous rends 60 €, comme vous préférez."),
        ("es", "O le mando otra funda o le descuento 60 euros del total, lo que usted prefiera."),
        ("en", "I'll send another cover or I can take £60 off, whichever you prefer."),
    ],
)
def test_one_of_two_gifts_and_a_share_of_an_unnamed_sum_are_asked_about(language: str, said: str) -> None:
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language), currency="EUR")
    assert found.compensation == ()
    assert found.unsure == (said,)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "Nous avons crédité 20 € sur votre compte, à utiliser quand vous voulez."),
        ("es", "Ya te acreditamos 20 euros en tu cuenta, los podés usar cuando quieras."),
        ("es", "Mientras tanto te hemos abonado 20 euros en tu cuenta."),
    ],
)
def test_words_like_an_event_take_nothing_back_from_a_gift(language: str, said: str) -> None:
    (gift,) = grants(said, language, "EUR")
    assert gift.amount == "20.00"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Die neue Lampe geht am Donnerstag raus."),
        ("fr", "La nouvelle part jeudi."),
        ("es", "La nueva sale de Yecla el jueves."),
        ("en", "The new one goes out on Thursday."),
    ],
)
def test_the_new_one_is_a_replacement_and_a_promise(language: str, said: str) -> None:
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language))
    assert [gift.kind for gift in found.compensation] == ["replacement"]
    assert len(found.promises) == 1


def test_a_sentence_may_end_with_an_hour() -> None:
    said = "Le technicien passera vendredi dès 8 h. Un compte rendu vous sera remis lundi."
    assert [promise.due.day for promise in promises(said, "fr") if promise.due] == [4, 7]


def test_a_date_with_its_verb_is_not_cut_from_its_clause() -> None:
    (promise,) = promises("Wir erstatten Ihnen das Geld, das dauert maximal drei Arbeitstage.", "de")
    assert promise.text == "Wir erstatten Ihnen das Geld, das dauert maximal drei Arbeitstage"
    assert promise.dated


def test_two_verbs_with_two_dates_are_cut_between_them_also_without_capitals() -> None:
    text = "new one goes out tomorrow with dhl, it should be with you by friday. ive refunded the 8.50 shipping too."
    found = find_commitments(text, sent_at=SENT_AT, calendar=LONDON, language=ENGLISH, currency="GBP")
    assert [promise.due.day for promise in found.promises if promise.due] == [2, 4]
    assert not any("dhl" in sentence for sentence in found.unsure)


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("I've refunded EUR25 to your card.", "25.00"),
        ("I've put 20 quid back on your card.", "20.00"),
        ("We have refunded you half of the £80 you paid.", "40.00"),
        ("You were charged £64.20 twice. We have refunded the full amount to your card.", "64.20"),
        ("I've refunded the 49,90 to your card.", "49.90"),
        ("I've refunded the 6€90 to your card.", "6.90"),
    ],
)
def test_amounts_are_read_as_people_write_them(said: str, amount: str) -> None:
    assert [gift.amount for gift in grants(said)] == [amount]


def test_the_same_compensation_mentioned_twice_is_one() -> None:
    said = "We have refunded the charge to your card. The refund of £49.90 was issued this morning."
    assert [(gift.kind, gift.amount) for gift in grants(said)] == [("refund", "49.90")]


def test_a_time_alone_is_that_of_a_day_which_the_mail_names_and_is_asked_about() -> None:
    for text, promised, asked in (
        ("I will call you at 16:00.", 1, 0),
        ("I will come to you on Friday. I will call you at 16:00 to arrange it.", 1, 1),
        ("Wir rufen Sie um 16 Uhr an.", 1, 0),
        ("Unser Monteur kommt am Freitag. Er klingelt um 9:30 Uhr bei Ihnen.", 1, 1),
    ):
        language = "en" if text.startswith("I") else "de"
        found = find_commitments(text, sent_at=SENT_AT, calendar=LONDON, language=load(language))
        dated = [promise for promise in found.promises if promise.due]
        assert (len(dated), len(found.unsure)) == (promised, asked), (text, found)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "And June is on us: you won't see an invoice for it."),
        ("de", "Den August schenken wir dir, da buchen wir nichts ab."),
        ("fr", "Et ton mois de mars est offert, on te doit bien ça."),
        ("es", "Y julio no te lo cobro, por las molestias."),
    ],
)
def test_a_gift_without_a_noun_is_given_in_the_agents_own_words_or_asked_about(
    language: str, said: str
) -> None:
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language), currency="EUR")
    assert found.unsure or [gift.kind for gift in found.compensation] == ["gesture"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Staying until 2 costs £20, which is what you were charged."),
        ("de", "Die Anfahrt kostet im Stadtgebiet 35 Euro."),
        ("fr", "Le menu du midi est à 19 €, boisson comprise."),
        ("es", "El precio de la renovación anual es de 59 €."),
    ],
)
def test_a_price_is_no_refund(language: str, said: str) -> None:
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language), currency="EUR")
    assert found.compensation == ()


@pytest.mark.parametrize(
    ("language", "said", "kind"),
    [
        ("en", "I have put a gift card of £30 on your account.", "gift-card"),
        ("fr", "Un bon d'achat de 54 € vient d'être déposé sur votre compte billetterie.", "coupon"),
    ],
)
def test_a_voucher_on_an_account_pays_nothing_back(language: str, said: str, kind: str) -> None:
    gifts = find_commitments(
        said, sent_at=SENT_AT, calendar=LONDON, language=load(language), currency="EUR"
    ).compensation
    assert {gift.kind for gift in gifts} <= {kind}


def test_lines_without_full_stops_that_no_mail_program_wrapped_are_sentences() -> None:
    typed = "hi Ann\nsorry about the wait\nthe fitter comes on Friday\nI'm posting the hinge tomorrow\nGary"
    lines = [promise.text for promise in promises(typed)]
    assert not any("Gary" in line or "sorry" in line for line in lines)
    wrapped = "We will post the new lamp that you chose with Ann in the shop\nto you by Friday."
    (promise,) = promises(wrapped)
    assert (promise.text, promise.due) == (
        "We will post the new lamp that you chose with Ann in the shop to you",
        FRIDAY,
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (
            "We are sorry about the long delay with your order. You will hear from me by\nFriday, 11 December.",
            "en",
        ),
        (
            "Es tut uns leid, dass Ihre Bestellung so lange braucht. Sie hören von mir bis\nFreitag, 11. Dezember.",
            "de",
        ),
        ("Nous regrettons beaucoup ce long retard. Je vous envoie une lampe avant le\n11 décembre.", "fr"),
        (
            "Sentimos mucho el retraso de su pedido. Le enviaré una lámpara nueva antes del\n11 de diciembre.",
            "es",
        ),
    ],
)
def test_a_line_that_somebody_shortened_leaves_no_debris(text: str, language: str) -> None:
    """An edited draft has lines with room behind them; a sentence does not end in front of its date."""
    found = find_commitments(text, sent_at=SENT_AT, calendar=LONDON, language=load(language))
    lines = [promise.text for promise in found.promises] + [str(one) for one in found.unsure]
    assert not [line for line in lines if line.endswith((" by", " bis", " le", " del", " avant"))], lines


def test_a_mail_of_typed_lines_is_told_from_a_wrapped_one_as_a_whole() -> None:
    typed = (
        "hola vecina, perdona lo del viernes\n"
        "tienes toda la razon con el pescado, no estaba como tiene que estar\n"
        "el sabado te llevo otro a casa\n"
        "un beso"
    )
    found = find_commitments(typed, sent_at=SENT_AT, calendar=LONDON, language=load("es"))
    lines = [one.text for one in found.promises] + list(found.unsure)
    assert not any("razon" in line for line in lines)
    wrapped = (
        "Thank you for your patience with us during all of these long weeks. We\n"
        "have spoken to the workshop about the lamp, and we will post it to you\n"
        "by Friday."
    )
    assert [promise.due for promise in promises(wrapped)] == [FRIDAY]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The new delivery date is Friday."),
        ("de", "Der neue Liefertermin ist Freitag."),
        ("fr", "La nouvelle date de livraison est vendredi."),
        ("es", "La nueva fecha de entrega es el viernes."),
    ],
)
def test_a_line_keeps_its_date_where_it_cannot_stand_without(language: str, said: str) -> None:
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language))
    assert all(promise.text == said.rstrip(".") for promise in found.promises), found
    assert found.promises or found.unsure


@pytest.mark.parametrize(
    ("language", "said", "amount"),
    [
        ("en", "We are refunding you two nights at £46, that is £92, by Friday.", "92.00"),
        ("de", "Wir erstatten Ihnen zwei Nächte zu 46 €, das sind 92 €, bis Freitag.", "92.00"),
        ("fr", "Nous vous remboursons deux nuits à 46 €, soit 92 €, avant vendredi.", "92.00"),
        ("es", "Le reembolsamos dos noches a 46 €, es decir, 92 €, antes del viernes.", "92.00"),
    ],
)
def test_the_sum_is_given_where_the_sentence_says_how_it_was_reckoned(
    language: str, said: str, amount: str
) -> None:
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language), currency="EUR")
    assert found.unsure or [gift.amount for gift in found.compensation] == [amount]
    assert "46.00" not in {gift.amount for gift in found.compensation}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I have been through it with our fitter. He will be with you on Monday morning."),
        ("en", "A surveyor is to inspect the wall, and she will ring you on Monday morning."),
        (
            "de",
            "Ihre Krone ist leider noch beim Labor. Wir rechnen damit, dass sie bis Montag früh bei uns ist.",
        ),
        ("fr", "L'expert a bien reçu le dossier. Il vous appelle lundi matin."),
        ("es", "He hablado con la doctora de la corona. Se la volverá a poner el lunes por la mañana."),
    ],
)
def test_a_line_that_speaks_of_somebody_without_a_name_has_the_words_before_it(
    language: str, said: str
) -> None:
    (promise,) = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language)).promises
    assert promise.text == said.rstrip(".")


@pytest.mark.parametrize(
    "said",
    [
        "The driver rings you on Monday. He will be there on Tuesday morning.",  # the line before has told it
        "Have you found the key? He will be there on Tuesday morning.",
        "The fitter, Mr Pell, has your key, and Dr Lowe says that he will be there on Tuesday morning.",
    ],
)
def test_a_line_has_no_words_before_it_that_say_nothing_more(said: str) -> None:
    lines = [promise.text for promise in promises(said)]
    assert not [line for line in lines if ("rings you" in line and "Tuesday" in line) or "?" in line]


@pytest.mark.parametrize(
    ("language", "said", "named"),
    [
        ("en", "Colin is taking a fresh bouquet round to your mum tomorrow.", "a fresh bouquet"),
        ("en", "They have sent out a brand new wheel to replace it today.", "a brand new wheel"),
        ("en", "We have credited your current account with £75.", ""),
        ("es", "Esta tarde nuestro chico le lleva un ramo nuevo a tu madre.", "un ramo nuevo"),
        ("de", "Wir haben dir heute früh eine neue Monstera eingepackt.", "eine neue Monstera"),
        ("de", "Mit dem Code DEZ15 sparst du beim nächsten Einkauf 15 %.", "Code DEZ15"),
    ],
)
def test_the_name_of_a_gift_ends_where_its_words_do(language: str, said: str, named: str) -> None:
    assert [gift.text for gift in grants(said, language)] == [named]


def test_what_is_left_of_a_salutation_promises_and_gives_nothing() -> None:
    found = find_commitments(
        "Sehr geehrte Mieter der Goethestr. 18,\n\nheute ist es kalt.",
        sent_at=SENT_AT,
        calendar=LONDON,
        language=load("de"),
        currency="EUR",
    )
    assert (found.promises, found.compensation, found.unsure) == ((), (), ())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I'm at yours sat 9am sharp with the part."),
        ("de", "Wir rufen Sie mo nachmittag an, wie besprochen."),
        ("de", "ich setz ihnen den rahmen fr abend um 6 ein"),
    ],
)
def test_a_time_behind_a_short_weekday_that_is_not_read_is_never_todays(language: str, said: str) -> None:
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language))
    assert found.promises == (), found


def test_a_short_weekday_is_no_end_of_a_line() -> None:
    said = "Wechselrichter tauschen wir am Do, 17.12., ab 8 Uhr"
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load("de"))
    assert not any(promise.text.endswith("Do") for promise in found.promises)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We dispatched it on the 28th and the sheet was signed on 27 November."),
        ("de", "Der Zähler wurde am 9. November getauscht, das Amt war am 27. bei uns."),
        ("fr", "Le plombier est passé le 28 et tout a été contrôlé le 12 novembre."),
        ("es", "La bomba se cambió el 28 y la escritura quedó inscrita el 9 de noviembre."),
    ],
)
def test_a_day_that_was_a_short_time_ago_is_not_the_next_one_of_that_number(language: str, text: str) -> None:
    found = find_commitments(text, sent_at=SENT_AT, calendar=LONDON, language=load(language))
    assert [promise for promise in found.promises if not promise.past] == []
    assert found.unsure == ()


@pytest.mark.parametrize(
    ("language", "text", "due"),
    [
        ("en", "We will bring it to the shop on Friday, Ben will be there at 9:30.", (4, 9, 30)),
        ("de", "Herr Yusuf fährt am Freitag zu Ihnen raus, Ankunft gegen 14 Uhr.", (4, 14, 0)),
        ("fr", "Ma fille vous apporte le colis vendredi à la salle, avant 11 h.", (4, 11, 0)),
        ("es", "El técnico irá el viernes a su casa, sobre las 11:30.", (4, 11, 30)),
    ],
)
def test_a_time_apart_from_its_day_is_a_time_of_that_day(
    language: str, text: str, due: tuple[int, int, int]
) -> None:
    (promise,) = promises(text, language)
    assert promise.due is not None
    local = LONDON.local(promise.due)
    assert (local.day, local.hour, local.minute) == due


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "The engineer will come on Friday. I will send you the report the same day.", 4),
        ("en", "The engineer will come on Friday. I will send you the report the day after.", 5),
        ("de", "Der Techniker kommt am Freitag. Den Bericht schicke ich Ihnen am Tag danach.", 5),
        ("fr", "Le technicien passera vendredi. Je vous enverrai le rapport le lendemain.", 5),
        ("es", "El técnico irá el viernes. Le enviaré el informe al día siguiente.", 5),
    ],
)
def test_the_same_day_and_the_day_after_count_from_the_day_that_was_named(
    language: str, text: str, day: int
) -> None:
    promise = promises(text, language)[-1]
    assert promise.due is not None
    assert LONDON.local(promise.due).day == day


def test_the_day_after_a_day_that_was_not_named_is_asked_about() -> None:
    found = find_commitments(
        "I will send you the report the day after.", sent_at=SENT_AT, calendar=LONDON, language=ENGLISH
    )
    assert (found.promises, len(found.unsure)) == ((), 1)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We will deliver the table w/c 7 December."),
        ("de", "Wir liefern Ihnen den Tisch in der Woche vom 7. Dezember."),
        ("fr", "Nous vous livrerons la table la semaine du 7 décembre."),
        ("es", "Le entregaremos la mesa la semana del 7 de diciembre."),
    ],
)
def test_the_week_of_a_day_ends_with_its_last_working_day(language: str, text: str) -> None:
    (promise,) = promises(text, language)
    assert promise.due is not None
    assert LONDON.local(promise.due).day == 11


def test_letters_of_a_word_are_no_sign_of_a_currency() -> None:
    assert all(not gift.amount for gift in grants("Je vous rembourse la location, vers 15 h.", "fr"))


def test_a_sum_in_words_is_asked_about() -> None:
    found = find_commitments(
        "I have refunded forty dollars to your card.", sent_at=SENT_AT, calendar=LONDON, language=ENGLISH
    )
    assert (found.compensation, len(found.unsure)) == ((), 1)


def test_the_amount_beside_the_gift_is_given_and_not_what_is_left_to_pay() -> None:
    (gift,) = grants("I've knocked £150 off the balance, so it's £1,340 to pay.")
    assert gift.amount == "150.00"


def test_a_replacement_is_named_by_a_thing_or_not_at_all() -> None:
    (gift,) = grants("Neue Lampe geht morgen kostenlos als Ersatz an Sie raus.", "de")
    assert gift.text == ""


def test_a_clause_that_leans_on_the_one_before_it_is_not_promised_alone() -> None:
    found = promises("Sie verlässt morgen unser Haus, sodass Sie sie am Freitag tragen können.", "de")
    assert not any(promise.text.startswith("Sodass") for promise in found)


def test_a_list_that_says_when_is_not_cut_at_its_colon() -> None:
    (promise,) = promises("Exchange of the machine: Friday, between 9 and 11, old one taken back")
    assert promise.text.startswith("Exchange of the machine")


#: by language, what a plain promise of goods is made of, in order
PLAIN = {
    "en": (
        ("We will send you", "I'll send you", "We will ship you", "I will bring you"),
        ("a new lamp", "a new blender", "the missing part", "a replacement"),
        ("by Friday", "on Thursday", "tomorrow"),
    ),
    "de": (
        ("Wir schicken Ihnen", "Ich bringe Ihnen", "Wir liefern Ihnen"),
        ("bis Freitag", "am Donnerstag", "morgen"),
        ("eine neue Lampe", "einen neuen Mixer", "das fehlende Teil", "einen Ersatz"),
    ),
    "fr": (
        ("Nous vous enverrons", "Je vous apporte", "Je vous enverrai"),
        ("une nouvelle lampe", "un nouveau mixeur", "la pièce manquante"),
        ("d'ici vendredi", "jeudi", "demain"),
    ),
    "es": (
        ("Le enviaremos", "Te mando", "Le llevaré"),
        ("una lámpara nueva", "una batidora nueva", "la pieza que falta"),
        ("antes del viernes", "el jueves", "mañana"),
    ),
}


@pytest.mark.parametrize("language", PLAIN)
def test_plain_promises_of_goods_are_recognised_whatever_is_sent_and_when(language: str) -> None:
    sentences = [f"{' '.join(parts)}." for parts in product(*PLAIN[language])]
    assert [text for text in sentences if not any(one.due for one in promises(text, language))] == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I will ship a replacement by Friday, and we will refund you 12.50 GBP for the delivery."),
        ("en", "We will ship the lamp by Friday and refund you £12.50."),
        ("de", "Wir schicken Ihnen die Lampe bis Freitag und erstatten Ihnen 12.50 EUR."),
        ("fr", "Nous vous enverrons la lampe d'ici vendredi et vous remboursons 12.50 EUR."),
        ("es", "Le enviaremos la lámpara antes del sábado y le devolvemos 12.50 EUR."),
    ],
)
def test_a_sum_of_money_is_no_time_of_day(language: str, text: str) -> None:
    assert [one.due for one in promises(text, language) if one.due] == [FRIDAY]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I'll send the label on Friday and I'll ring you as soon as the van is back."),
        ("fr", "Je vous envoie le colis vendredi et je vous appellerai dès que j'aurai la réponse."),
    ],
)
def test_a_promise_for_a_day_and_one_for_an_event_are_two(language: str, said: str) -> None:
    first, second = promises(said, language)
    assert first.due == FRIDAY
    assert second.due is None


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "We have refunded £20.00 to you. The refund has already been credited to your card."),
        ("de", "Wir haben Ihnen 20,00 £ erstattet. Die Gutschrift wurde heute auf Ihr Konto gebucht."),
    ],
)
def test_money_that_is_told_again_is_given_once(language: str, said: str) -> None:
    assert [gift.amount for gift in grants(said, language)] == ["20.00"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "Su pedido sale mañana, viernes 4, del almacén."),
        ("de", "Der Schrank wird am Mittwoch, den 3. Dezember, geliefert."),
    ],
)
def test_a_day_and_another_one_beside_it_are_asked_about(language: str, said: str) -> None:
    found = find_commitments(said, sent_at=SENT_AT, calendar=LONDON, language=load(language))
    assert found.promises == ()
    assert found.unsure == (said,)


@pytest.mark.parametrize(
    ("language", "said", "line"),
    [
        ("de", "Sehr geehrte Frau Dr. Mertens, ich rufe Sie am Freitag an.", "Ich rufe Sie am Freitag an"),
        ("fr", "Bonjour M. Keita, l'équipe passe chez vous vendredi.", "L'équipe passe chez vous"),
        ("fr", "Madame, Monsieur, la directrice vous recevra vendredi.", "La directrice vous recevra"),
        ("es", "Hola, Carmen: le llamo el viernes con la respuesta.", "Le llamo el viernes con la respuesta"),
        (
            "en",
            "i'll come on friday and fit it. try not to use it till then",
            "I'll come on friday and fit it",
        ),
    ],
)
def test_a_line_has_neither_salutation_nor_the_next_sentence(language: str, said: str, line: str) -> None:
    assert [promise.text for promise in promises(said, language)] == [line]


@pytest.mark.parametrize(
    ("language", "said", "amounts"),
    [
        ("es", "Le reembolsamos 75 € del billete y 20 € del asiento reservado.", ["75.00", "20.00"]),
        ("en", "We have refunded £75 for the fare and £20 for the seat.", ["75.00", "20.00"]),
    ],
)
def test_two_amounts_of_one_kind_are_both_given(language: str, said: str, amounts: list[str]) -> None:
    assert [gift.amount for gift in grants(said, language)] == amounts


def test_a_sentence_may_begin_with_an_amount() -> None:
    said = "He never reached your street. £40 has been credited to your account."
    assert [gift.amount for gift in grants(said)] == ["40.00"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "As we agreed on the phone this morning:"),
        ("es", "Le resumo lo que acordamos esta mañana por teléfono:"),
        ("de", "Wie heute am Telefon besprochen:"),
    ],
)
def test_what_opens_a_list_promises_nothing(language: str, said: str) -> None:
    assert promises(said, language) == ()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I'd love to knock something off your next order too but I'll have to ask my manager first."),
        ("en", "I will have to check this internally first."),
        ("en", "We'll have to run it past our team lead."),
        ("en", "I'll ask my manager."),
        ("de", "Das werde ich erst mit meiner Vorgesetzten besprechen müssen."),
        ("fr", "Je vais devoir demander l'accord de ma direction."),
        ("es", "Primero tendré que consultarlo con mi responsable."),
    ],
)
def test_what_is_asked_among_ourselves_is_no_promise(language: str, said: str) -> None:
    assert promises(said, language) == ()


def test_a_call_after_asking_among_ourselves_is_a_promise() -> None:
    (promise,) = promises("I'll have to ask my manager and will call you back by Friday.")
    assert promise.due == FRIDAY
    assert promises("I will have to send you a new one by Friday.")[0].due == FRIDAY
