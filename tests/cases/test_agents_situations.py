"""Situations of agents at their mail, written by people who do not know the program, each varied a few ways."""

import email.policy
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest

from followupd.domain.case import Case
from followupd.domain.events import AgentWrote
from followupd.domain.promise import PromiseState
from followupd.services.staff_mail import _absences
from tests.journeys.test_agents_mail import COMPLAINT, PLAYBOOK, arrives, flat, own_mail, written
from tests.journeys.world import World, text_of


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    world = make_world(
        playbook=PLAYBOOK,
        mailbox='trusted = ["mx.agents.test"]',
        smtp_extra='witness = "none"\nper_address = "9 per day"',
    )
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    return world


def later(world: World, **time: float) -> None:
    world.passes(world.now + timedelta(**time))


def owed(world: World) -> list[tuple[str, PromiseState]]:
    return [
        (promise.text, promise.state) for promise in world.case().promises if promise.source != "playbook"
    ]


# --- CC-02: a blind copy ---

BLIND = "Hi Kim, accounts sent the money this morning, it can take 3 working days on your side. Ana\n\nSent from my iPhone\n"


@pytest.mark.parametrize(
    ("subject", "proof"),
    [
        ("Re: Grinder not delivered", "mx.agents.test; dmarc=pass header.from=agents.test"),
        ("your money", "mx.agents.test; dmarc=pass header.from=agents.test"),
        ("AW: WG: grinder  not delivered", "mx.agents.test; dmarc=pass header.from=agents.test"),
    ],
)
def test_cc_02_a_blind_copy_of_an_answer_is_an_answer(world: World, subject: str, proof: str) -> None:
    arrives(world, own_mail(world, BLIND, Cc="", Subject=subject, Authentication_Results=proof))
    assert written(world) == 1
    assert len(world.cases()) == 1
    said = [event for event in world.history(world.case().ref) if isinstance(event, AgentWrote)]
    assert said[0].by == "Ana Reyes"
    assert world.letters("desk/answer") == []
    to_customer = [mail for mail in world.letters() if "customers.test" in str(mail["To"])]
    assert len(to_customer) == len(world.letters("confirmation"))


# --- CC-03: an answer that went without us in copy is forwarded later ---

FORWARDED = {
    "Outlook": (
        "WG: AW: Grinder not delivered",
        (
            "zur Info, ging gestern raus\n\nVon: Ana Reyes <ana@agents.test>\nGesendet: Montag, 30. November 2020 16:42\n"
            "An: kim@customers.test\nBetreff: AW: Grinder not delivered\n\n"
        ),
    ),
    "Gmail": (
        "Fwd: Grinder not delivered",
        (
            "FYI\n\n---------- Forwarded message ---------\nFrom: Ana Reyes <ana@agents.test>\n"
            "Date: Mon, 30 Nov 2020 at 16:42\nSubject: Re: Grinder not delivered\nTo: Kim Doe <kim@customers.test>\n\n\n"
        ),
    ),
    "Apple": (
        "Tr : Grinder",
        (
            "Pour info\n\nDébut du message transféré :\n\nDe: Ana Reyes <ana@agents.test>\nObjet: Rép : Grinder not delivered\n"
            "Date: 30 novembre 2020 à 16:42:10 UTC\nÀ: Kim Doe <kim@customers.test>\n\n"
        ),
    ),
}


@pytest.mark.parametrize("program", FORWARDED)
def test_cc_03_an_answer_that_is_forwarded_to_us_counts_from_the_day_it_was_written(
    world: World, program: str
) -> None:
    subject, above = FORWARDED[program]
    text = f"{above}Dear Kim,\n\nI will send you a new grinder by Thursday.\n\nBest wishes\nAna Reyes\n"
    arrives(world, own_mail(world, text, To=world.postbox.address, Cc="", Subject=subject))
    assert len(world.cases()) == 1
    assert written(world) == 1
    [promise] = [each for each in world.case().promises if each.source != "playbook"]
    assert promise.promised_by is not None
    assert promise.promised_by.date().isoformat() == "2020-12-03"
    assert "approve" in text_of(world.letters("desk/approval")[-1])
    assert world.letters("desk/answer") == []


# --- CC-13: a reply that gives a promise another day ---


def in_writing(world: World) -> Case:
    """Have the customer a promise in writing."""
    world.says(world.case().ref, "promise: ship a new grinder by Friday")
    later(world, minutes=1)
    assert len(world.letters("confirmation")) == 2
    return world.case()


MOVED = {
    "en": "Dear Kim,\n\nI am afraid it will not be Friday but next Wednesday, the supplier is late. I am sorry.\n\nAna\n",
    "de": "Hallo Kim,\n\nleider wird es nicht Freitag, sondern erst nächsten Mittwoch, der Lieferant ist in Verzug.\n\nAna\n",
    "fr": "Bonjour,\n\nFinalement ce ne sera pas vendredi mais mercredi prochain, le fournisseur est en retard.\n\nAna\n",
    "es": "Hola:\n\nAl final no será el viernes sino el miércoles que viene, el proveedor va con retraso.\n\nAna\n",
}


ANSWERS = {
    "en": "yes",
    "de": "late: 2 until 9 December 2020",
    "fr": "ok",
    "es": "late: 2 until Wednesday 9 December because the supplier is late",
}


@pytest.mark.parametrize("language", MOVED)
def test_cc_13_a_reply_with_another_day_for_a_promise_is_asked_about_and_no_delay_letter_follows(
    world: World, language: str
) -> None:
    in_writing(world)
    arrives(world, own_mail(world, MOVED[language], Subject="Re: Grinder not delivered"))
    asked = world.letters("desk/approval")[-1]
    assert "promise 2" in flat(asked)
    assert "9 December" in flat(asked)
    assert "late: 2 until 9 December 2020" in text_of(asked)
    world.agent_answers(asked, ANSWERS[language])
    moved = world.case().promise(2)
    assert moved is not None
    assert moved.promised_by is not None
    assert moved.promised_by.date().isoformat() == "2020-12-09"
    assert len(owed(world)) == 1
    later(world, days=4)
    assert world.letters("delay") == []
    assert PromiseState.BROKEN not in [promise.state for promise in world.case().promises[1:]]


# --- DP-15: a span of days, and somebody who stands in ---

SPANS = {
    "away: del 24/12 al 31/12": ("2020-12-24", "2020-12-31"),
    "away: from 24 to 31 December": ("2020-12-24", "2020-12-31"),
    "away: 24 December - 31 December": ("2020-12-24", "2020-12-31"),
    "abwesend: vom 24.12. bis 31.12.": ("2020-12-24", "2020-12-31"),
    "absent : du 24 décembre jusqu'au 31 décembre": ("2020-12-24", "2020-12-31"),
    "away: from Monday until Friday": ("2020-12-07", "2020-12-11"),
    "away: until 31 December": ("2020-12-01", "2020-12-31"),
    "away 24 December until 3 January": ("2020-12-24", "2021-01-03"),
}


@pytest.mark.parametrize("line", SPANS)
def test_dp_15_an_absence_has_a_first_and_a_last_day(world: World, line: str) -> None:
    world.agent_answers(world.letters("desk/opened")[0], line)
    with world.app.ledger.transaction() as tx:
        [(since, until)] = _absences(tx).values()
    assert (since.date().isoformat(), until.date().isoformat()) == SPANS[line]
    assert world.letters("desk/answer") == []


def test_dp_15_who_is_away_later_still_gets_mails_today(world: World) -> None:
    world.agent_answers(world.letters("desk/opened")[0], "away: from 3 to 11 December")
    world.customer_writes("The kettle leaks. I am very disappointed, this is unacceptable.", "Kettle")
    world.agent_tags("complaint")
    assert "ana@" in str(world.letters("desk/opened")[-1]["To"])
    later(world, days=3)
    world.customer_writes("The toaster smokes. I am very disappointed, this is unacceptable.", "Toaster")
    world.agent_tags("complaint")
    assert "lee@" in str(world.letters("desk/opened")[-1]["To"])
    later(world, days=8)
    world.customer_writes("The mixer is loud. I am very disappointed, this is unacceptable.", "Mixer")
    world.agent_tags("complaint")
    assert "ana@" in str(world.letters("desk/opened")[-1]["To"])


@pytest.mark.parametrize(
    "more", ["me sustituye Carlos", "Lee stands in", "Vertretung: Carlos", "back on Monday"]
)
def test_dp_15_what_else_is_said_of_an_absence_is_not_dropped(world: World, more: str) -> None:
    world.agent_answers(world.letters("desk/opened")[0], f"away: 24/12 until 31/12, {more}")
    with world.app.ledger.transaction() as tx:
        assert len(_absences(tx)) == 1
    told = flat(world.letters("desk/answer")[-1])
    assert "away from Thursday, 24 December until Thursday, 31 December, that is noted" in told.replace(
        "Thursday 24", "Thursday, 24"
    ).replace("Thursday 31", "Thursday, 31")
    assert more.split(":", maxsplit=1)[0] in told
    assert "Lee Park stands in" in told


# --- UN-12: a kept promise that was not kept ---


def sent_reply(world: World, text: str) -> None:
    first = world.letters("confirmation")[0]
    world.agent_replies(text, str(first["Message-ID"]), "promised")


def test_un_12_the_tag_of_a_deed_is_taken_off_and_undo_opens_the_promise_again(world: World) -> None:
    sent_reply(world, "Dear Kim,\n\nI will ship a new grinder by Friday.\n\nAna\n")
    assert [state for _, state in owed(world)] == [PromiseState.OPEN]
    before = world.case().promises[-1]
    world.agent_tags("kept", folder="Sent")
    assert world.case().promises[-1].state is PromiseState.KEPT
    assert "kept" not in world.postbox.flags(world.postbox.uids("Sent")[-1], "Sent")
    world.says(world.case().ref, "undo")
    assert (world.case().promises[-1].state, world.case().promises[-1].promised_by) == (
        before.state,
        before.promised_by,
    )
    later(world, minutes=2)
    world.postbox.unmark(world.postbox.uids("Sent")[-1], "promised", folder="Sent")
    world.passes()
    world.agent_tags("promised", folder="Sent")
    assert len(owed(world)) == 1


def answer_of(desk: EmailMessage, *quote: str) -> EmailMessage:
    """Return an agent's yes above a quote."""
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["Subject"] = "ana@agents.test", f"Re: {desk['Subject']}"
    mail["Message-ID"], mail["In-Reply-To"] = "<yes@agents.test>", str(desk["Message-ID"])
    mail["Authentication-Results"] = "mx.agents.test; dmarc=pass header.from=agents.test"
    mail.set_content("\n".join(quote))
    return mail
