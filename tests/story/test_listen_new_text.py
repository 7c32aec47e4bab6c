"""New words only: quotes by the thread, by marks, by containers and by the phrases of mail programs."""

from dataclasses import replace

import pytest

from followupd.domain.mail import Person
from followupd.text.mail.read import read
from tests.story.raw_mail import US, a_mail, a_multipart

OUR_LETTER = "Dear Kim,\n\nwe ship the replacement by Friday, 27 November.\nYou need to do nothing for it.\n\nAna Reyes"


def the_words(text: str) -> str:
    return read(a_mail(text), US).text


@pytest.mark.parametrize(
    "heading",
    [
        "On Mon, 23 Nov 2026 at 10:00, Ana Reyes <support@example.com> wrote:",
        "On Nov 23, 2026, at 10:00, Ana Reyes\n<support@example.com>\nwrote:",
        "Am Mo., 23. Nov. 2026 um 10:00 Uhr schrieb Ana Reyes <\nsupport@example.com>:",
        "Am 23.11.2026 um 10:00 schrieb Ana Reyes:",
        "Le lun. 23 nov. 2026 à 10:00, Ana Reyes <support@example.com> a écrit :",
        "El lun, 23 nov 2026 a las 10:00, Ana Reyes (<support@example.com>) escribió:",
        "Em seg., 23 de nov. de 2026 às 10:00, Ana Reyes <support@example.com> escreveu:",
        "Il giorno lun 23 nov 2026 alle ore 10:00 Ana Reyes <support@example.com> ha scritto:",
        "Op ma 23 nov. 2026 om 10:00 schreef Ana Reyes <support@example.com>:",
        "Den mån 23 nov. 2026 kl 10:00 skrev Ana Reyes <support@example.com>:",
        "man. 23. nov. 2026 kl. 10:00 skrev Ana Reyes <support@example.com>:",
        "ma 23. marrask. 2026 klo 10.00 Ana Reyes (support@example.com) kirjoitti:",
        "pon., 23 lis 2026 o 10:00 Ana Reyes <support@example.com> napisał(a):",
        "po 23. 11. 2026 v 10:00 odesílatel Ana Reyes <support@example.com> napsal:",
        "Ana Reyes <support@example.com> ezt írta (időpont: 2026. nov. 23., H, 10:00):",
        "În lun., 23 nov. 2026 la 10:00, Ana Reyes <support@example.com> a scris:",
        "Ana Reyes <support@example.com>, 23 Kas 2026 Pzt, 10:00 tarihinde şunu yazdı:",
        "пн, 23 нояб. 2026 г. в 10:00, Ana Reyes <support@example.com>:",
        "23.11.2026 10:00, Ana Reyes пишет:",
        "Στις Δευ 23 Νοε 2026 στις 10:00 π.μ., ο χρήστης Ana Reyes <support@example.com> έγραψε:",
        "2026年11月23日(月) 10:00 Ana Reyes <support@example.com>:",
        "Ana Reyes <support@example.com> 于2026年11月23日周一 10:00写道：",
        "2026년 11월 23일 (월) 오전 10:00, Ana Reyes <support@example.com>님이 작성:",
        "-----Original Message-----\nFrom: Ana Reyes\nSent: Monday",
        "-----Ursprüngliche Nachricht-----",
        "________________________________\nVon: Ana Reyes <support@example.com>\nGesendet: Montag, 23. November 2026 10:00\nAn: Kim\nBetreff: AW: Paket",
        "De : Ana Reyes\nEnvoyé : lundi 23 novembre 2026 10:00\nÀ : Kim\nObjet : RE: colis",
        "*From:* Ana Reyes [mailto:support@example.com]\n*Sent:* Monday\n*To:* Kim\n*Subject:* RE: parcel",
        "##- Please type your reply above this line -##",
        "---------- Forwarded message ---------\nFrom: Ana Reyes <support@example.com>",
    ],
)
def test_what_stands_below_a_heading_is_quoted(heading: str) -> None:
    assert the_words(f"It is still not here.\n\n{heading}\n\n{OUR_LETTER}\n") == "It is still not here."
    marked = "".join(f"> {line}\n" for line in OUR_LETTER.split("\n"))
    assert the_words(f"It is still not here.\n\n{heading}\n{marked}") == "It is still not here."


def test_answers_between_the_quotes_stay() -> None:
    text = "On Mon, 23 Nov 2026 at 10:00, Ana <a@example.com> wrote:\n> Did it come?\n\nNo.\n\n> Shall we send another?\n\nYes, please.\n"
    assert the_words(text) == "No.\n\nYes, please."


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote: nothing came.\nOn Tuesday nothing came either.",
        "Your colleague wrote:\n\nnothing at all.",
        "He said it would be here at 10:00 on 23 November.",
        "From: London\nI travelled to Rome: no parcel.",
        "The driver left a note: 'from 9:30 to 10:00'.\nI was in.",
        "Two things:\n - the box is broken\n - the lamp is missing",
        "Service   Date\n--------------\nSetup     1 June\n\nWhy was I charged?",
        "Regards to your team, but I am cross.",
        "Sent from my desk, is much easier than my phone.",
    ],
)
def test_a_customers_own_words_stay(text: str) -> None:
    assert the_words(text) == text


@pytest.mark.parametrize(
    "ending",
    [
        *(
            "-- \nKim Doe\n+44 20 7946 0018",
            "--\nKim",
            "Best regards,\nKim Doe",
            "Mit freundlichen Grüßen\nKim Doe\nMusterweg 3",
            "Cordialement,\nKim",
        ),
        *(
            "Sent from my iPhone",
            "Von meinem iPhone gesendet",
            "Envoyé de mon iPhone",
            "Get Outlook for iOS<https://aka.ms/o0ukef>",
            "-Kim Doe",
        ),
        *(
            "Pozdrawiam,\nKim",
            "С уважением,\nКим",
            "This e-mail is confidential. If you are not the intended recipient, tell us.",
            "Mvh\nKim",
        ),
    ],
)
def test_a_signature_is_no_part_of_the_words(ending: str) -> None:
    message = read(a_mail(f"Where is it?\n\n{ending}\n"), US)
    assert (message.text, message.signature) == ("Where is it?", ending.replace("-- ", "--"))


def test_a_postscript_is_read() -> None:
    assert (
        the_words("Where is it?\n\nBest regards\nKim\n\nPS: the refund did not come either.")
        == "Where is it?\n\nPS: the refund did not come either."
    )


def test_lines_of_the_thread_are_known_again_however_they_are_wrapped() -> None:
    us = replace(US, earlier=lambda message_id: OUR_LETTER if message_id == "<l1@example.com>" else "")
    text = "When exactly?\n\nDear Kim, we ship the replacement by\nFriday, 27 November. You need to do nothing for it.\n"
    message = read(a_mail(text, "In-Reply-To: <l1@example.com>"), us)
    assert (message.text, message.doubtful) == ("When exactly?", ())
    assert "we ship the replacement" in message.quoted


def test_a_single_line_of_the_thread_is_kept_and_doubtful() -> None:
    us = replace(US, earlier=lambda _: OUR_LETTER)
    line = "we ship the replacement by Friday, 27 November."
    message = read(
        a_mail(f"You told me:\n\n{line}\n\nIt is Saturday now.", "In-Reply-To: <l1@example.com>"), us
    )
    assert line in message.doubtful
    assert message.text.endswith("It is Saturday now.")


def test_what_others_said_is_doubtful() -> None:
    message = read(a_mail("Hello,\nyou wrote that you refund 25 EUR by Friday.\nWhere is it?"), US)
    assert message.doubtful == ("you wrote that you refund 25 EUR by Friday.",)


def test_where_all_would_be_quote_it_is_kept_and_doubtful() -> None:
    message = read(
        a_mail(
            "On Mon, 23 Nov 2026 at 10:00, Ana <a@example.com> wrote:\n\nWhat is your number?\nIt is 12345."
        ),
        US,
    )
    assert message.text == "What is your number?\nIt is 12345."
    assert len(message.doubtful) == 2


@pytest.mark.parametrize(
    "html",
    [
        "<p>It is not here.</p><div class='gmail_quote'><div class='gmail_attr'>On Monday Ana wrote:<br></div><blockquote class='gmail_quote'>We ship it</blockquote></div>",
        "<p>It is not here.</p><blockquote type='cite'><p>We ship it</p></blockquote>",
        "<p>It is not here.</p><div id='appendonsend'></div><hr><div id='divRplyFwdMsg'><b>From:</b> Ana</div><p>We ship it</p>",
        "<p>It is not here.</p><div class='moz-cite-prefix'>Am 1.1. schrieb Ana:</div><blockquote type='cite'>We ship it</blockquote>",
        "<p>It is not here.</p><div class='yahoo_quoted'>We ship it</div>",
        "<p>It is not here.</p><div class='protonmail_quote'>We ship it</div>",
        "<p>It is not here.</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p><b>From:</b> Ana</p></div><p>We ship it</p></div>",
        "<p>It is not here.</p><span id='OLK_SRC_BODY_SECTION'>We ship it</span>",
        "<p>It is not <s>We ship it</s>here.</p><p style='display: none'>We ship it</p><style>p {We ship it}</style>",
        "<div style='font-size:0px'>We ship it</div><p>It is not here.</p><del>We ship it</del>",
    ],
)
def test_html_quotes_and_what_nobody_sees_are_left_out(html: str) -> None:
    message = read(a_mail(f"<html><body>{html}</body></html>", kind="text/html"), US)
    assert message.text == "It is not here."


def test_an_answer_below_an_html_quote_stays() -> None:
    html = "<blockquote type='cite'>Did it come?</blockquote><p>No.</p><blockquote type='cite'>Another?</blockquote><p>Yes.</p>"
    message = read(a_mail(html, kind="text/html"), US)
    assert message.text == "No.\n\nYes."
    assert message.quoted == "> Did it come?\n\n> Another?"


def test_html_that_the_renderer_gives_up_on_is_still_read() -> None:
    assert "deep words" in read(a_mail("<div>" * 5000 + "deep words", kind="text/html"), US).text


def test_soft_line_breaks_are_undone() -> None:
    raw = a_mail("My parcel has \nnot arrived.\n> we \n> ship\n-- \nKim\n", kind="text/plain; format=flowed")
    assert read(raw, US).text == "My parcel has not arrived."


def test_a_forward_names_the_one_who_wrote_first() -> None:
    block = "Please see below.\n\n---------- Forwarded message ---------\nFrom: Kim Doe <kim@example.org>\nDate: Mon\nSubject: parcel\nTo: x\n\nIt is broken.\n"
    message = read(a_mail(block, sender="ana@example.com", subject="Fwd: parcel"), US)
    assert (message.forwarded_from, message.text) == (
        Person("kim@example.org", "Kim Doe"),
        "Please see below.",
    )
    assert "It is broken." in message.quoted


@pytest.mark.parametrize(
    ("subject", "block"),
    [
        ("WG: Paket", "Von: Kim Doe <kim@example.org>\nGesendet: Montag\nAn: Ana\nBetreff: Paket\n\nKaputt."),
        (
            "TR: colis",
            "De : Kim Doe [mailto:kim@example.org]\nEnvoyé : lundi\nÀ : Ana\nObjet : colis\n\nCassé.",
        ),
        (
            "FW: parcel",
            '-----Original Message-----\nFrom: "Doe, Kim" <kim@example.org>\nSent: Monday\nTo: Ana\nSubject: parcel\n\nBroken.',
        ),
    ],
)
def test_forwards_in_other_tongues(subject: str, block: str) -> None:
    forwarded = read(a_mail(block, sender="ana@example.com", subject=subject), US).forwarded_from
    assert forwarded is not None
    assert forwarded.address == "kim@example.org"


def test_a_forward_as_an_attachment_names_the_one_who_wrote_first() -> None:
    raw = a_multipart(
        "Content-Type: text/plain\n\nsee there",
        "Content-Type: message/rfc822\n\nFrom: Kim <kim@example.org>\nSubject: parcel\n\nBroken.\n",
    )
    message = read(raw.replace(b"Subject: Where is", b"Subject: Fwd: Where is"), US)
    assert message.forwarded_from == Person("kim@example.org", "Kim")
    assert message.text == "see there"


def test_our_own_letter_forwarded_to_us_names_nobody() -> None:
    block = "Why?\n\n-------- Forwarded Message --------\nFrom: Ana <support@example.com>\nDate: Mon\nSubject: x\n\nwe ship\n"
    assert read(a_mail(block, subject="Fwd: x"), US).forwarded_from is None
