"""A second round of situations of agents, by somebody who had read no manual; the names are those of its list."""

import email.policy
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest

from followupd.domain.case import Stage
from followupd.domain.compensation import GrantState
from followupd.domain.promise import PromiseState
from followupd.services.staff_mail import _absences
from tests.cases.test_agents_situations import later
from tests.journeys.test_agents_mail import COMPLAINT, PLAYBOOK, arrives, flat, own_mail, written
from tests.journeys.test_departments import requests
from tests.journeys.test_review import PLAYBOOK as REVIEWED
from tests.journeys.test_review import delete_drafts, drafts, edit_draft
from tests.journeys.world import CUSTOMER, World, text_of

HELPERS = """
[[helper]]
id = "warehouse"
name = "The warehouse"
email = "stock@depot.test"
lead = "boss@depot.test"

[[helper]]
id = "workshop"
name = "The workshop"
email = "workshop@depot.test"
lead = "jo@depot.test"
"""


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    world = make_world(
        playbook=PLAYBOOK,
        mailbox='trusted = ["mx.agents.test"]',
        smtp_extra='witness = "none"\nper_address = "9 per day"',
        more=HELPERS,
    )
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    return world


def desk(world: World) -> EmailMessage:
    return world.letters("desk/opened")[0]


def answer(world: World) -> str:
    return flat(world.letters("desk/answer")[-1])


def due(world: World, n: int) -> str:
    promise = world.case().promise(n)
    assert promise is not None
    assert promise.promised_by is not None
    return promise.promised_by.date().isoformat()


def from_helper(
    world: World, text: str, sender: str, mail: EmailMessage | None = None, **headers: str
) -> None:
    """Deliver a mail of a department, in answer to a question or without one."""
    raw = EmailMessage()
    raw["From"], raw["To"], raw["Subject"] = (
        sender,
        world.postbox.address,
        headers.pop("Subject", "Re: question"),
    )
    raw["Message-ID"], raw["Date"] = f"<{abs(hash(text))}@depot.test>", world.now
    if mail is not None:
        raw["In-Reply-To"] = str(mail["Message-ID"])
    for name, value in headers.items():
        raw[name.replace("_", "-")] = value
    raw.set_content(text)
    world.postbox.deliver(raw.as_bytes(policy=email.policy.SMTP), sender="x@depot.test")
    world.passes()


def test_cc_1_two_promises_and_a_quoted_demand(world: World) -> None:
    text = (
        "Hi Kim,\n\nso sorry about this. I'll get a new shade out to you by Friday and I will\n"
        "ring you tomorrow morning to check the colour. You don't have to send the old one back.\n\nAna\n\n"
        "Sent from my iPhone\n\n> On 1 Dec 2020, at 09:12, Kim Doe <kim@customers.test> wrote:\n"
        "> I want my money back by Wednesday or I go to the ombudsman.\n"
    )
    arrives(world, own_mail(world, text))
    days = [each.promised_by.date().day for each in world.case().proposed if each.promised_by]
    assert sorted(days) == [2, 4]
    assert written(world) == 1
    assert "ombudsman" not in answer_or_approval(world)


def answer_or_approval(world: World) -> str:
    return " ".join(promise.text for promise in world.case().promises)


def test_cc_2_a_forward_with_a_name_alone_and_a_day_counted_from_when_it_was_written(world: World) -> None:
    text = (
        "hab ich doch gestern schon beantwortet, siehe unten!!\n\nVon: Ana Reyes\n"
        "Gesendet: Montag, 30. November 2020 16:05\nAn: kim@customers.test\nBetreff: AW: Grinder not delivered\n\n"
        "Hallo Kim,\n\nwe will send you a new power supply by the day after tomorrow, free of charge.\n\n"
        "Freundliche Grüße\nAna Reyes\n"
    )
    arrives(world, own_mail(world, text, To=world.postbox.address, Cc="", Subject="WG: AW: Leuchte flackert"))
    assert (len(world.cases()), written(world)) == (1, 1)
    assert [each.promised_by.date().day for each in world.case().proposed if each.promised_by] == [2]
    arrives(
        world,
        own_mail(
            world, "Nachtrag: Das Netzteil geht per DHL raus.\n", Cc="", Message_ID="<own-9@agents.test>"
        ),
    )
    assert written(world) == 2
    assert len(world.case().proposed) == 1


def test_cc_4_a_colleagues_private_address_is_nobodys_and_the_right_one_counts(world: World) -> None:
    world.says(world.case().ref, "promise: send a replacement bulb by Tuesday 8 December")
    later(world, minutes=1)
    private = own_mail(
        world,
        "Hi Kim, Lee here, covering for Ana. You'll have the bulb on Monday, I'll pay express myself.\n",
        From="Lee P <leepark81@freemail.test>",
        Message_ID="<private@freemail.test>",
        Authentication_Results="mx.agents.test; dmarc=pass header.from=freemail.test",
    )
    world.postbox.deliver(private, sender="leepark81@freemail.test")
    world.passes()
    assert len(world.cases()) == 1
    assert written(world) == 0
    arrives(
        world,
        own_mail(
            world,
            "Sorry Kim, wrong mailbox: you'll have the bulb on Monday.\n\nLee\n",
            From="Lee Park <lee@agents.test>",
        ),
    )
    assert (written(world), world.case().owner) == (1, "ana")
    asked = world.letters("desk/approval")[-1]
    assert "ana@" in str(asked["To"])
    world.agent_answers(desk(world), "who promised monday??")
    assert "who promised monday??" in answer(world)


def test_departments_1_a_picture_is_an_answer_and_the_leads_reminder_stops(world: World) -> None:
    question = "is the parcel back on the shelf? RMA 5512, brown box, taped with pink tape: pls check"
    world.agent_answers(desk(world), f"ask: warehouse by Friday: {question}")
    [mail] = requests(world)
    assert question in flat(mail).replace("> ", "")
    assert "Friday 4 December" in flat(mail)
    raw = EmailMessage()
    raw["From"], raw["To"], raw["Subject"] = "stock@depot.test", world.postbox.address, "RE: question"
    raw["Message-ID"], raw["In-Reply-To"], raw["Date"] = "<p@depot.test>", str(mail["Message-ID"]), world.now
    raw.set_content("Sent from my Galaxy\n")
    raw.add_attachment(b"x", maintype="image", subtype="jpeg", filename="IMG_2044.jpg")
    world.postbox.deliver(raw.as_bytes(policy=email.policy.SMTP), sender="stock@depot.test")
    world.passes()
    told = world.letters("desk/nudge")[-1]
    assert "IMG_2044.jpg" in text_of(told)
    assert "Galaxy" not in text_of(told)
    sent = len(requests(world))
    later(world, days=6)
    assert len(requests(world)) == sent
    world.agent_answers(told, "yes its there. refund: 64,50 EUR")
    assert "refund: 64,50 EUR" in text_of(world.letters("desk/answer")[-1])
    assert world.case().compensation == ()


def test_departments_2_one_question_after_three_tries_and_an_answer_by_telephone(world: World) -> None:
    words = "könnt ihr Trafo TR-40 noch reparieren oder nur tauschen"
    world.agent_answers(desk(world), f"ask: Werkstatt: {words}")
    assert requests(world) == []
    assert "warehouse, workshop" in answer(world)
    world.agent_answers(world.letters("desk/answer")[-1], f"frage: workshop {words}?")
    assert len(requests(world)) == 1
    world.agent_answers(world.letters("desk/answer")[-1], f"ask: Workshop: {words}?")
    assert len(world.case().open_requests) == 1
    world.agent_answers(desk(world), "answered: 1", "note: nur tauschen, hat Jo am Telefon gesagt")
    assert world.case().open_requests == ()
    assert not world.case().facts.resolution


@pytest.mark.parametrize("proof", ["mx.agents.test; dmarc=pass header.from=depot.test", ""])
def test_departments_3_a_lead_answers_in_a_new_mail(world: World, proof: str) -> None:
    world.agent_answers(desk(world), "ask: warehouse antes del viernes: ¿salió el pedido 41220?")
    assert len(requests(world)) == 1
    headers = {"Authentication_Results": proof} if proof else {}
    from_helper(world, "Sí, salió ayer.\n", "Bo <boss@depot.test>", None, Subject="pedido 41220", **headers)
    assert len(world.cases()) == 1
    told = [mail for mail in world.letters() if "Sí, salió ayer." in flat(mail)]
    assert [str(mail["To"].addresses[0].username) for mail in told] == ["ana"]
    assert (world.case().open_requests == ()) == bool(proof)
    from_helper(world, "And 41221, too.\n", "Bo <boss@depot.test>", None, Subject="something else", **headers)
    assert len(world.cases()) == 1


def test_departments_3_a_ticket_systems_receipt_is_no_answer(world: World) -> None:
    world.agent_answers(desk(world), "ask: warehouse by Friday: ¿salió el pedido 41220?")
    ref = world.case().ref
    from_helper(
        world,
        "Su consulta ha sido registrada con el número WH#8841.\n",
        "tickets@wh-partner.test",
        requests(world)[0],
        Reply_To="stock@depot.test",
        Subject=f"[WH#8841] RE: [{ref}] A question",
    )
    assert len(world.case().open_requests) == 1
    assert not [mail for mail in world.letters() if "tickets@" in str(mail["To"])]
    assert len(world.cases()) == 1


def test_departments_4_a_question_back_and_words_that_are_no_fact(world: World) -> None:
    world.agent_answers(desk(world), "ask: workshop by Wednesday: why do the XL shades crack")
    from_helper(world, "Which XL? The linen or the glass one?\n", "Jo <jo@depot.test>", requests(world)[0])
    told = world.letters("desk/nudge")[-1]
    world.agent_answers(
        told, "glass", "bought in march so yes", "ask: workshop by Thursday: same question, glass one"
    )
    assert len(world.case().open_requests) == 1
    world.agent_answers(
        told, "cause: what jo said", "prevention: see jo", "fault: ours", "promise: new shade by Monday"
    )
    assert not world.case().facts.cause
    assert not world.case().facts.prevention
    assert due(world, 2) == "2020-12-07"


def test_orders_1_good_lines_are_done_and_bad_ones_named(world: World) -> None:
    world.says(world.case().ref, "promise: send a new plug by Wednesday 9 December")
    later(world, minutes=1)
    lines = (
        "* *Kept:* one",
        "• Late – 2 until next Wednesday because “the courier lost it”",
        "- Cause : the plug was glued with the wrong glue.",
        "FAULT=ours",
        "1) refund: twenty five EUR",
        "Reslution: sent new plug",
    )
    world.agent_answers(desk(world), "Hi,", "", *lines, "", "Thanks!", "Ana", "", "Get Outlook for iOS")
    case = world.case()
    assert case.promises[0].state is PromiseState.KEPT
    assert due(world, 2) == "2020-12-16"
    assert (str(case.facts.fault), case.compensation) == ("ours", ())
    told = answer(world)
    assert "resolution: sent new plug" in text_of(world.letters("desk/answer")[-1])
    assert "twenty five EUR" in told
    assert "Thanks" not in told


def test_orders_2_a_contradiction_changes_nothing_and_a_denial_is_not_kept(world: World) -> None:
    world.agent_answers(desk(world), "kept: 1, fixed")
    assert world.case().stage is Stage.FIXED
    world.customer_writes("Nothing has come!", "Re: Grinder not delivered")
    assert world.case().unanswered
    world.agent_answers(
        desk(world),
        "doch nicht gehalten: 1 - verspätet sich bis übermorgen wg. DHL",
        "hold",
        "release",
        "Schuld: wir / DHL",
    )
    assert not world.case().held
    assert str(world.case().facts.fault) == "unknown"
    assert "doch nicht gehalten" in answer(world)


@pytest.mark.parametrize("text", ["fixed\nnote: she is a bit of a pain\n"])
def test_orders_4_orders_that_went_to_the_customer_are_told(world: World, text: str) -> None:
    first = world.letters("confirmation")[0]
    world.agent_replies(text, str(first["Message-ID"]))
    assert world.case().stage is not Stage.FIXED
    assert "Lines for us stand in your mail to the customer" in flat(world.letters("desk/approval")[-1])
    before = world.history(world.case().ref)
    arrives(
        world,
        own_mail(
            world,
            "undo undo undo the last one went to the customer\n",
            To=world.postbox.address,
            Cc="",
            Subject="help!!",
        ),
    )
    assert len(world.history(world.case().ref)) == len(before)
    assert len(world.cases()) == 1


def test_orders_4_a_subject_alone_is_a_look_up(world: World) -> None:
    ref = world.case().ref
    arrives(world, own_mail(world, "\n", To=world.postbox.address, Cc="", Subject=f"show {ref.lower()}"))
    assert len(world.cases()) == 1
    assert any(
        "Grinder not delivered" in text_of(mail)
        for mail in world.letters()
        if "answer" in str(mail["X-Followupd-Key"]) or "look-up" in str(mail["X-Followupd-Key"])
    )


def test_undo_2_a_promise_in_writing_stays_and_the_german_words_are_known(world: World) -> None:
    world.says(world.case().ref, "promise: send the screws by Friday", agent="ana")
    later(world, minutes=1)
    world.agent_answers(desk(world), "undo", "geht doch nicht, keine Schrauben mehr")
    assert world.case().promises[1].state is PromiseState.OPEN
    assert "in writing" in answer(world)
    world.agent_answers(desk(world), "spät: 1 bis Mittwoch, Schrauben fehlen")
    assert "late: 1 bis Mittwoch because Schrauben fehlen" in text_of(world.letters("desk/answer")[-1])
    world.agent_answers(desk(world), "spät: 2 bis Mittwoch weil Schrauben fehlen")
    assert due(world, 2) == "2020-12-09"


def test_undo_3_a_second_amount_after_the_letter_is_asked_about(world: World) -> None:
    world.agent_answers(desk(world), "reembolso: 40 EUR", "promise: send a new grinder by Friday")
    later(world, minutes=1)
    for words in ("deshacer", "undo!!!!"):
        world.agent_answers(desk(world), words)
    world.agent_answers(desk(world), "era 25,0 no 40", "refund: 25,0 EUR")
    given = [
        grant
        for grant in world.case().compensation
        if grant.state in {GrantState.GRANTED, GrantState.WAITING_APPROVAL}
    ]
    assert sum(grant.money.minor for grant in given if grant.money) in {4000, 6500}
    assert len(world.letters("desk/answer")) >= 2


def test_undo_4_all_lines_of_one_mail_are_one_word(world: World) -> None:
    world.agent_answers(
        desk(world),
        "owner: lee",
        "cause: the parcel was lost at the depot",
        "resolution: we sent a new parcel",
    )
    assert world.case().owner == "lee"
    world.agent_answers(desk(world), "undo", "wrong case sorry, all of that belongs to FU-K8M3R")
    told = answer(world)
    assert "FU-K8M3R" in told or "taken back" in told.casefold()


def test_deputies_1_words_before_an_absence_and_no_date_are_not_ignored(world: World) -> None:
    world.agent_answers(desk(world), "bin krank, away: bis auf weiteres")
    with world.app.ledger.transaction() as tx:
        assert _absences(tx) == {}
    assert "away: bis auf weiteres" in text_of(world.letters("desk/answer")[-1])


def test_deputies_4_a_long_absence_in_numbers_alone_is_asked_about(world: World) -> None:
    world.agent_answers(desk(world), "away: 31/12 - 1/4", "las compensaciones las aprueba ines")
    with world.app.ledger.transaction() as tx:
        assert _absences(tx) == {}
    assert "is that 1 April 2021? Nothing is noted yet" in answer(world)
    world.agent_answers(desk(world), "away: hasta el 6 de enero")
    with world.app.ledger.transaction() as tx:
        [(_, until)] = _absences(tx).values()
    assert until.date().isoformat() == "2021-01-06"
    assert not world.case().held


def test_deputies_3_back_early_in_the_own_words(world: World) -> None:
    world.agent_answers(desk(world), "away: until 20 December")
    world.agent_answers(desk(world), "je suis rentrée !", "tenu: 1")
    assert world.case().promises[0].state is PromiseState.KEPT
    world.agent_answers(desk(world), "away: non")
    with world.app.ledger.transaction() as tx:
        assert all(until <= world.now for _, until in _absences(tx).values())
    world.now += timedelta(days=1)
    world.customer_writes("The mixer is loud. I am very disappointed, this is unacceptable.", "Mixer")
    world.agent_tags("complaint")
    assert "ana@" in str(world.letters("desk/opened")[-1]["To"])


def test_cc_3_one_mail_to_two_customers_is_noted_once_and_asked_about_for_the_other(world: World) -> None:
    world.customer_writes(
        "Falta el pie de la lámpara, es la segunda vez. Estoy muy enfadada.",
        "pedido 40871",
        sender="lucia@customers.test",
        name="Lucía Sanz",
    )
    world.agent_tags("complaint")
    second = world.customer_writes(
        "Me han cobrado dos veces en la tarjeta. Es inaceptable.",
        "cobro doble",
        sender="jorge@customers.test",
        name="Jorge Gil",
    )
    world.agent_tags("complaint")
    text = (
        "Hola a los dos:\n\nLucía, el pie sale mañana y lo tienes el lunes como muy tarde.\n"
        "Jorge, el cobro doble (89,90 €) te lo devolvemos antes del 12/12.\n\nUn abrazo,\nAna\n"
    )
    copies = f"lucia@customers.test, {world.postbox.address}"
    headers = {"Subject": "Re: cobro doble", "In_Reply_To": second, "References": second}
    arrives(world, own_mail(world, text, To="jorge@customers.test", Cc=copies, **headers))
    lucia, jorge = (
        next(case for case in world.cases() if name in case.customer.name) for name in ("Lucía", "Jorge")
    )
    assert (len(lucia.compensation), len(jorge.compensation)) == (0, 1)
    [asked] = [mail for mail in world.letters() if "went to several customers" in flat(mail)]
    assert f"noted in {jorge.ref} alone" in flat(asked)
    world.agent_answers(asked, f"{lucia.ref}: promise: el pie, by Monday")
    [promise] = [
        each
        for case in world.cases()
        for each in case.promises
        if case.ref == lucia.ref and each.source != "playbook"
    ]
    assert f"{promise.promised_by:%d %b}" == "07 Dec"


# --- letters in review ---


@pytest.fixture
def reviewed(make_world: Callable[..., World]) -> World:
    """A world in which a first letter with a gift and a promise lies in Drafts."""
    world = make_world(
        playbook=REVIEWED,
        mailbox='trusted = ["mx.agents.test"]',
        smtp_extra='witness = "none"\nper_address = "9 per day"',
    )
    world.customer_writes(COMPLAINT, "Dimmer")
    world.agent_tags("complaint")
    world.says(world.case().ref, "refund: 25 EUR", "promise: send the new dimmer by Friday")
    later(world, minutes=11)
    return world


def to_customer(world: World) -> list[EmailMessage]:
    return [mail for mail in world.letters() if "customers.test" in str(mail["To"])]


def test_review_1_another_amount_and_day_in_a_draft_are_one_promise_and_one_gift(reviewed: World) -> None:
    [draft] = drafts(reviewed)
    text = text_of(draft).replace("€25.00", "35 EUR").replace("Friday, 4 December", "Tuesday, 8 December")
    text += "\nIf it is late again, I'll add a second one for free.\n"
    edit_draft(reviewed, Message_ID="<tb@client.test>", text=text)
    reviewed.agent_tags("approve", folder="Drafts")
    later(reviewed, minutes=1)
    assert len(to_customer(reviewed)) == 1
    assert drafts(reviewed) == []
    assert [promise.text for promise in reviewed.case().promises][1:] == ["send the new dimmer"]
    assert due(reviewed, 2) == "2020-12-08"
    asked = reviewed.letters("desk/approval")[-1]
    assert "no longer gives the refund of 25.00 EUR" in flat(asked)
    reviewed.agent_answers(asked, "refused: 1", "approve")
    given = [
        str(grant.money and grant.money.amount) for grant in reviewed.case().compensation if grant.counts
    ]
    assert given == ["35.00"]


def test_review_1_an_amount_that_nobody_allowed_does_not_leave(reviewed: World) -> None:
    [draft] = drafts(reviewed)
    text = text_of(draft).replace("€25.00", "75 EUR")
    edit_draft(reviewed, Message_ID="<tb@client.test>", text=text)
    reviewed.agent_tags("approve", folder="Drafts")
    later(reviewed, minutes=1)
    assert to_customer(reviewed) == []
    asked = reviewed.letters("desk/approval")[-1]
    assert "gives the refund of 75.00 EUR, more than you may give alone: nothing was sent" in flat(asked)
    assert len(drafts(reviewed)) == 1
    reviewed.agent_answers(asked, "refused: 1", "refund: 75 EUR")
    reviewed.says(reviewed.case().ref, "approve", agent="lee")
    reviewed.says(reviewed.case().ref, "approve", agent="ana")
    later(reviewed, minutes=1)
    [letter] = to_customer(reviewed)
    assert "75 EUR" in flat(letter)


def test_review_2_yes_but_is_no_yes_and_a_second_ok_is_told_that_it_has_left(reviewed: World) -> None:
    asked = reviewed.letters("desk/approval")[-1]
    reviewed.agent_answers(
        asked, "Ja, aber bitte den Satz mit der Verpackung raus. LG Lee", sender="lee@agents.test"
    )
    assert to_customer(reviewed) == []
    assert "is more than a yes or a no" in answer(reviewed)
    [draft] = drafts(reviewed)
    edit_draft(reviewed, text=text_of(draft).replace("Dear Kim", "Liebe Frau Dr. Yıldız"))
    reviewed.agent_answers(asked, "ok")
    [letter] = to_customer(reviewed)
    assert flat(letter).startswith("Liebe Frau Dr. Yıldız,")
    reviewed.agent_answers(asked, "ok", sender="lee@agents.test")
    assert "waits for an approval any more: its confirmation has left" in answer(reviewed)
    reviewed.agent_answers(asked, "ok")  # an answer of the desk has left since, which is no letter
    assert "waits for an approval any more: its confirmation has left" in answer(reviewed)
    assert len(to_customer(reviewed)) == 1


def test_review_3_a_draft_that_left_from_another_account_counts_by_its_forwarded_copy(
    reviewed: World,
) -> None:
    asked = reviewed.letters("desk/approval")[-1]
    [draft] = drafts(reviewed)
    delete_drafts(reviewed)
    later(reviewed, minutes=10)
    reviewed.agent_answers(asked, "oui c'est bon, déjà parti", "", "Ana Reyes", "Service clients – 04 00 00")
    later(reviewed, minutes=30)
    assert "from another account, forward it to this address" in flat(reviewed.letters("desk/approval")[-1])
    head = "-------- Forwarded Message --------\nSubject: {}\nDate: Tue, 1 Dec 2020 10:30:00 +0000\nFrom: {}\nTo: {}"
    head = head.format(draft["Subject"], "Ana Reyes <ana@agents.test>", f"Kim Doe <{CUSTOMER}>")
    subject = f"Fwd: {draft['Subject']}"
    text = f"\n\n{head}\n\n{text_of(draft)}\n"
    arrives(reviewed, own_mail(reviewed, text, To=reviewed.postbox.address, Cc="", Subject=subject))
    later(reviewed, days=1)
    assert reviewed.case().stage is Stage.CONFIRMED
    assert to_customer(reviewed) == []


def test_review_4_a_draft_that_was_moved_away_is_shown_again_before_it_leaves(reviewed: World) -> None:
    asked = reviewed.letters("desk/approval")[-1]
    with reviewed.postbox.client() as client:
        client.create_folder("Pendientes")
        client.select_folder("Drafts")
        client.copy(client.search("ALL"), "Pendientes")
    delete_drafts(reviewed)
    reviewed.passes()
    later(reviewed, minutes=30)
    again = reviewed.letters("desk/approval")[-1]
    assert "is no longer in Drafts, and nothing was sent" in flat(again)
    reviewed.agent_answers(asked, "Sí.", "y la otra no la mandes, la escribo yo")
    assert to_customer(reviewed) == []
    assert "Look at it first" in answer(reviewed)
    assert "y la otra no la mandes, la escribo yo" in answer(reviewed)
    reviewed.agent_answers(again, "sí")
    assert len(to_customer(reviewed)) == 1


# --- the last word, and lines among quoted ones ---


def test_undo_1_each_undo_names_what_it_took_back_and_brings_nothing_back(
    make_world: Callable[..., World],
) -> None:
    world = make_world(playbook=PLAYBOOK.replace("0 minutes", "60 minutes"), smtp_extra='witness = "none"')
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    for line in (
        "cause: Our driver went to the wrong house.",
        "cause-code: carrier",
        "promise: send a new lamp by Thursday",
    ):
        world.agent_answers(desk(world), line)
    world.agent_answers(desk(world), "undo")
    assert "taken back: 'promise: send a new lamp by Thursday'" in answer(world)
    world.agent_answers(desk(world), "Undo")
    assert "taken back: 'cause-code: carrier'" in answer(world)
    world.agent_answers(world.letters("desk/answer")[-1], "no no only the promise, put the other back")
    assert "there was no order in them, and nothing was done" in answer(world)
    assert [promise.state for promise in world.case().promises[1:]] == [PromiseState.WITHDRAWN]
    assert world.case().facts.cause == "Our driver went to the wrong house."


def test_orders_3_lines_inside_the_quote_and_in_the_signature_are_told_and_not_done(world: World) -> None:
    world.says(world.case().ref, "resolution: We checked the lamp.")
    quoted = (
        f"De : {world.postbox.address}\nEnvoyé : mercredi 2 décembre 2020 07:00\nÀ : Ana Reyes\n"
        "Objet : Ce qui manque\n\ncause: abat-jour monté à l'envers\nresolution: \n"
        "Exemples : refund: 25 EUR\nhold\nfault: ours\n\n--\nAna Reyes\nService clients\n"
        "note : absente le mercredi après-midi\n"
    )
    headers = {"Subject": "RE: Ce qui manque", "In_Reply_To": str(desk(world)["Message-ID"]), "Cc": ""}
    text = f"Voir mes réponses ci-dessous en rouge.\n\n{quoted}"
    arrives(world, own_mail(world, text, To=world.postbox.address, **headers))
    case = world.case()
    assert (case.compensation, case.held, case.facts.fault.value) == ((), False, "unknown")
    assert (case.facts.cause, case.facts.resolution) == (None, "We checked the lamp.")
    assert "'cause: abat-jour monté à l'envers' stands among quoted lines" in answer(world)
    world.agent_answers(desk(world), "cause : The lampshade was mounted upside down.")
    assert world.case().facts.cause == "The lampshade was mounted upside down."
