"""Letters that wait for an agent's eyes: as a draft in the thread, sent by a word or from the mail client, never twice."""

import email
import email.policy
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, cast

import pytest

from followupd.domain.case import Stage
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.letter import DraftState, LetterStatus
from followupd.domain.promise import PromiseState
from followupd.services.context import MailSource
from tests.journeys.world import CUSTOMER, World, html_of, text_of

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
PLAYBOOK = """
name = "default"
owner = "ana"

[confirmation]
after = "10 minutes"
review = true

[[next_step]]
text = "{{ owner.first_name }} finds out what happened to your order"
within = "2 business days"
kind = "next-update"
"""


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world whose confirmations wait for a person, and in which one lies in Drafts already."""
    world = make_world(playbook=PLAYBOOK)
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    return world


def drafts(world: World) -> list[EmailMessage]:
    return [
        email.message_from_bytes(raw, policy=email.policy.default) for raw in world.postbox.all_raw("Drafts")
    ]


def delete_drafts(world: World) -> None:
    with world.postbox.client() as client:
        client.select_folder("Drafts")
        client.delete_messages(client.search("ALL"))
        client.expunge()


def edit_draft(world: World, **changes: str) -> EmailMessage:
    """Save the draft with other words, as mail clients do: a new mail, and the old one deleted."""
    [draft] = drafts(world)
    delete_drafts(world)
    edited = EmailMessage(policy=email.policy.SMTP)
    for name in ("From", "To", "Cc", "Subject", "Message-ID", "In-Reply-To", "References"):
        value = changes.get(name.replace("-", "_"), draft[name])
        if value:
            edited[name] = str(value)
    edited.set_content(changes.get("text", text_of(draft) + "\nP.S. I have your parcel on my desk.\n"))
    world.postbox.append(edited.as_bytes(), "Drafts", ["\\Draft"])
    return edited


def client_sends(world: World, mail: EmailMessage) -> None:
    """Send a mail from the mail client: it is filed in Sent, and its draft is gone."""
    delete_drafts(world)
    world.postbox.append(mail.as_bytes(policy=email.policy.SMTP), "Sent", ["\\Seen"])
    world.passes()


def condition(world: World) -> tuple[LetterStatus, DraftState]:
    with world.app.ledger.transaction() as tx:
        [state] = [state for state in tx.outbox.all() if state.letter.kind == "confirmation"]
        return state.status, state.draft


def left(world: World) -> list[EmailMessage]:
    """Everything that the customer has got: from us, and from the mail client (which the server knows nothing of)."""
    return world.letters("confirmation")


def test_a_letter_in_review_lies_in_drafts_in_its_thread_and_the_desk_mail_says_what_to_look_at(
    world: World,
) -> None:
    [draft] = drafts(world)
    complaint = email.message_from_bytes(world.postbox.all_raw()[0], policy=email.policy.default)
    assert draft["In-Reply-To"] == complaint["Message-ID"]
    assert str(draft["To"]).endswith(f"<{CUSTOMER}>")
    assert draft["Auto-Submitted"] is None
    assert "\\Draft" in world.postbox.flags(world.postbox.uids("Drafts")[0], "Drafts")
    assert "Ana finds out what happened" in text_of(draft)
    assert html_of(draft)
    [asked] = world.letters("desk/approval")
    assert "confirmation" in text_of(asked)
    assert "approve" in text_of(asked)
    assert left(world) == []
    world.passes(world.now + timedelta(days=1))
    assert left(world) == []
    assert len(drafts(world)) == 1


def test_the_first_letter_and_the_complaint_come_in_one_desk_mail(world: World) -> None:
    [told] = [mail for mail in world.letters() if "desk/" in str(mail["X-Followupd-Key"])]
    words = " ".join(text_of(told).split())
    assert "Somebody called it a complaint; the " in words
    [draft] = drafts(world)
    assert f"in the Drafts of {draft['From'].addresses[0].addr_spec}" in words
    assert f"as “{draft['Subject']}”" in words
    assert "I ordered it three weeks ago" in words
    assert "as it is then" in words
    assert "dismiss" in words or "refuse:" in words


def test_a_complaint_whose_first_letter_is_not_written_is_told_all_the_same(
    make_world: Callable[..., World],
) -> None:
    world = make_world(playbook=PLAYBOOK)
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.agent_tags("hold")
    world.passes(world.now + timedelta(minutes=1))
    assert len(world.letters("desk/opened")) == 1
    world.passes(world.now + timedelta(hours=1))
    assert len(world.letters("desk/opened")) == 1


def test_approve_sends_it_once_and_takes_the_draft_away(world: World) -> None:
    [asked] = world.letters("desk/approval")
    world.agent_answers(asked, "approve")
    [letter] = left(world)
    assert "Auto-Submitted" not in letter
    assert drafts(world) == []
    assert condition(world) == (LetterStatus.SENT, DraftState.GONE)
    assert world.case().stage is Stage.CONFIRMED
    world.passes(world.now + timedelta(days=1))
    assert len(left(world)) == 1


def test_a_draft_sent_from_the_mail_client_as_it_is_counts_as_the_letter(world: World) -> None:
    [draft] = drafts(world)
    client_sends(world, draft)
    assert condition(world)[0] is LetterStatus.SENT
    assert world.case().stage is Stage.CONFIRMED
    assert world.case().promises[0].confirmed
    assert world.says(world.case().ref, "approve") != []
    world.passes(world.now + timedelta(days=1))
    assert left(world) == []


def test_an_edited_draft_sent_under_a_new_name_counts_as_the_letter(world: World) -> None:
    edited = edit_draft(world, Message_ID="<new-name@client.test>")
    world.passes()
    assert condition(world) == (LetterStatus.REVIEW, DraftState.FILED)
    client_sends(world, edited)
    assert condition(world)[0] is LetterStatus.SENT
    assert world.case().stage is Stage.CONFIRMED
    assert [promise.text for promise in world.case().promises] == [
        "Ana finds out what happened to your order"
    ]
    world.passes(world.now + timedelta(days=1))
    assert left(world) == []
    # an answer to the agent's own mail finds its way to the case
    world.customer_writes("Thank you, Ana.", "Re: My parcel", answering=edited)
    assert len(world.cases()) == 1


def test_another_reply_in_the_thread_is_not_taken_for_the_letter(world: World) -> None:
    [draft] = drafts(world)
    world.agent_replies(
        "Dear Kim,\n\nthe carrier opens at nine; I ring them then.\n\nAna", str(draft["In-Reply-To"])
    )
    assert condition(world) == (LetterStatus.DROPPED, DraftState.GONE)  # the customer has heard from us
    assert drafts(world) == []


def test_approving_an_edited_draft_sends_it_as_it_is_now(world: World) -> None:
    edit_draft(world, Message_ID="<new-name@client.test>")
    world.agent_answers(world.letters("desk/approval")[-1], "approve")
    [letter] = left(world)
    assert "P.S. I have your parcel on my desk." in text_of(letter)
    assert drafts(world) == []
    assert condition(world) == (LetterStatus.SENT, DraftState.GONE)
    assert world.case().stage is Stage.CONFIRMED
    world.passes(world.now + timedelta(days=1))
    assert len(left(world)) == 1


def test_what_an_edit_changes_is_noted_and_put_to_the_owner(world: World) -> None:
    """Whether it is approved or sent by hand: the date that is told, a gift and a promise."""
    told = "by Thursday, 3 December"
    [draft] = drafts(world)
    assert told in " ".join(text_of(draft).split())
    text = " ".join(text_of(draft).split()).replace(told, "by Friday, 11 December")
    text = text.replace(
        "whatever the answer is.",
        "whatever the answer is. I have refunded 25 EUR, and I will send you a new blender by Monday.",
    )
    edit_draft(world, Message_ID="<new-name@client.test>", text=text)
    world.says(world.case().ref, "approve")
    check_the_edit(world)


def test_what_an_edited_draft_says_that_was_sent_by_hand_is_noted_too(world: World) -> None:
    [draft] = drafts(world)
    text = text_of(draft).replace("Thursday, 3\nDecember", "Friday, 11 December")
    text = text.replace("Thursday, 3 December", "Friday, 11 December")
    text = text.replace(
        "answer is.", "answer is. I have refunded 25 EUR, and I will send you a new blender by Monday."
    )
    client_sends(world, edit_draft(world, Message_ID="<new-name@client.test>", text=text))
    assert left(world) == []
    check_the_edit(world)


def check_the_edit(world: World) -> None:
    case = world.case()
    first = case.promises[0]
    assert first.promised_by
    assert first.confirmed
    assert first.promised_by.date().isoformat() == "2020-12-11"
    assert [(p.text, p.state) for p in case.promises[1:]] == [
        ("I will send you a new blender", PromiseState.PROPOSED)
    ]
    assert (Gift.REFUND, GrantState.PROPOSED) in [(g.kind, g.state) for g in case.compensation]
    assert case.stage is Stage.CONFIRMED
    asked = world.letters("desk/approval")[-1]
    words = " ".join(text_of(asked).split())
    assert "is told by Friday 11 December now" in words or "11 December" in words
    world.agent_answers(asked, "approve")
    assert {p.state for p in world.case().promises} == {PromiseState.OPEN}
    assert {g.state for g in world.case().compensation} <= {GrantState.GRANTED, GrantState.ISSUED}
    written = len(world.letters("confirmation"))
    world.passes(world.now + timedelta(hours=3))  # the customer has read it in that letter
    assert len(world.letters("confirmation")) == written
    assert drafts(world) == []
    assert world.case().stage is Stage.CONFIRMED


def test_a_date_that_an_edit_takes_out_is_asked_about(world: World) -> None:
    [draft] = drafts(world)
    text = " ".join(text_of(draft).split())
    start, end = text.index("You will hear"), text.index("whatever the answer is.")
    edit_draft(world, Message_ID="<new-name@client.test>", text=text[:start] + text[end + 23 :])
    world.says(world.case().ref, "approve")
    assert len(left(world)) == 1
    words = " ".join(text_of(world.letters("desk/approval")[-1]).split())
    assert "no longer says when promise 1" in words
    assert "withdraw: 1 because" in words


@pytest.mark.parametrize(
    "changes",
    [{"To": "Lu <lu@customers.test>"}, {"Cc": "boss@agents.test"}, {"text": "Dear Kim, I ring you."}],
)
def test_a_draft_that_is_another_letter_now_is_asked_about_and_nothing_leaves(
    world: World, changes: dict[str, str]
) -> None:
    edit_draft(world, Message_ID="<new-name@client.test>", **changes)
    world.says(world.case().ref, "approve")
    assert left(world) == []
    assert condition(world) == (LetterStatus.REVIEW, DraftState.ASKED)
    assert "cannot be sent from here" in " ".join(text_of(world.letters("desk/approval")[-1]).split())
    assert len(drafts(world)) == 1  # an agent's own words are never thrown away


def test_a_tag_on_the_draft_itself_approves_it_once(world: World) -> None:
    world.agent_tags("approve", folder="Drafts")
    assert len(left(world)) == 1
    world.passes(world.now + timedelta(days=1))
    assert len(left(world)) == 1
    assert world.letters("desk/answer") == []


def test_a_tag_on_an_edited_draft_approves_it_as_it_is(world: World) -> None:
    edit_draft(world, Message_ID="<new-name@client.test>")
    world.agent_tags("approve", folder="Drafts")
    assert "P.S." in text_of(left(world)[0])


def test_any_tag_on_a_draft_is_a_command_about_its_case(world: World) -> None:
    world.agent_tags("hold", folder="Drafts")
    assert world.case().held


def test_nothing_is_hidden_in_a_draft_or_a_desk_mail(world: World) -> None:
    """A mail client shows it as text when the mail is quoted or edited."""
    for mail in [*drafts(world), *world.letters("desk/approval")]:
        assert "preheader" not in html_of(mail)
        assert "\u034f" not in html_of(mail)


def test_a_draft_with_another_receiver_that_is_sent_after_the_question_counts_as_the_letter(
    world: World,
) -> None:
    edited = edit_draft(world, Cc="boss@agents.test")
    world.says(world.case().ref, "approve")
    client_sends(world, edited)
    assert condition(world)[0] is LetterStatus.SENT
    world.passes(world.now + timedelta(days=1))
    assert left(world) == []
    assert world.case().stage is Stage.CONFIRMED


def test_a_draft_that_was_deleted_is_not_filed_again_and_its_approval_is_asked_about(world: World) -> None:
    delete_drafts(world)
    world.passes(world.now + timedelta(hours=1))
    assert drafts(world) == []
    world.says(world.case().ref, "approve")
    assert left(world) == []
    assert "its draft is gone" in " ".join(text_of(world.letters("desk/approval")[-1]).split())
    world.says(world.case().ref, "approve")
    assert len(left(world)) == 1


def test_approve_and_send_at_once_reaches_the_customer_once(world: World) -> None:
    """The agent presses send, and says approve before the copy in Sent was read."""
    [draft] = drafts(world)
    delete_drafts(world)
    with world.app.ledger.transaction() as tx:
        world.app.commands.run_lines(tx, world.case(), ["approve"], "a test", "tell", None, world.now)
    world.postbox.append(draft.as_bytes(policy=email.policy.SMTP), "Sent", ["\\Seen"])
    world.passes()
    assert condition(world)[0] is LetterStatus.SENT
    assert left(world) == []
    assert world.case().stage is Stage.CONFIRMED


class Meanwhile:
    """A real mailbox to which something happens just before a mail is removed from it."""

    def __init__(self, mailbox: MailSource, happens: Callable[[], object]) -> None:
        self._mailbox, self._happens = mailbox, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mailbox, name)

    def remove(self, folder: str, uid: int) -> None:
        self._happens()
        self._mailbox.remove(folder, uid)


def approved_while(world: World, happens: Callable[[], object]) -> None:
    """Approve the letter; while we take its draft away, an agent does something with it in the mail client."""
    with world.app.ledger.transaction() as tx:
        world.app.commands.run_lines(tx, world.case(), ["approve"], "a test", "tell", None, world.now)
    mailbox, drafts_of = world.app.mailbox("support"), world.app.inbox.drafts
    assert drafts_of is not None
    mailbox.open()
    try:
        drafts_of.sync(cast("MailSource", Meanwhile(mailbox, happens)), "support", world.now)
    finally:
        mailbox.close()


def test_a_draft_that_is_edited_while_we_take_it_away_is_the_agents(world: World) -> None:
    approved_while(world, lambda: edit_draft(world, Message_ID="<new-name@client.test>"))
    assert condition(world) == (LetterStatus.REVIEW, DraftState.CHANGED)
    world.passes()
    assert left(world) == []
    assert len(drafts(world)) == 1
    assert "there are two" in " ".join(text_of(world.letters("desk/approval")[-1]).split())


def test_a_draft_that_is_sent_while_we_take_it_away_reaches_the_customer_once(world: World) -> None:
    [draft] = drafts(world)

    def sends() -> None:
        delete_drafts(world)
        world.postbox.append(draft.as_bytes(policy=email.policy.SMTP), "Sent", ["\\Seen"])

    approved_while(world, sends)
    assert condition(world) == (LetterStatus.REVIEW, DraftState.MISSING)
    world.passes(world.now + timedelta(days=1))
    assert left(world) == []
    assert condition(world)[0] is LetterStatus.SENT
    assert world.case().stage is Stage.CONFIRMED


def test_approving_after_sending_sends_nothing_more(world: World) -> None:
    """The agent sends the edited draft, then answers the desk mail with approve."""
    [asked] = world.letters("desk/approval")
    client_sends(world, edit_draft(world, Message_ID="<new-name@client.test>"))
    world.agent_answers(asked, "approve")
    world.passes(world.now + timedelta(days=1))
    assert left(world) == []
    assert condition(world)[0] is LetterStatus.SENT


def test_of_two_drafts_of_one_letter_nobody_chooses_but_the_agent(world: World) -> None:
    """A mail client that copies where it should replace leaves two; approve is then asked about."""
    [draft] = drafts(world)
    world.postbox.append(draft.as_bytes(policy=email.policy.SMTP), "Drafts", ["\\Draft"])
    world.says(world.case().ref, "approve")
    assert left(world) == []
    assert condition(world) == (LetterStatus.REVIEW, DraftState.ASKED)
    client_sends(world, draft)
    assert condition(world)[0] is LetterStatus.SENT
    world.passes(world.now + timedelta(days=1))
    assert left(world) == []


def test_a_draft_sent_twice_from_the_mail_client_counts_once(world: World) -> None:
    [draft] = drafts(world)
    client_sends(world, draft)
    world.postbox.append(draft.as_bytes(policy=email.policy.SMTP), "Sent", ["\\Seen"])
    world.passes(world.now + timedelta(days=1))
    assert left(world) == []
    assert [type(each).__name__ for each in world.history(world.case().ref)].count("NextStepConfirmed") == 1


def test_refusing_takes_the_draft_away_and_holds_the_case(world: World) -> None:
    world.says(world.case().ref, "refuse: I call her")
    assert drafts(world) == []
    assert condition(world) == (LetterStatus.DROPPED, DraftState.GONE)
    assert world.case().held
    world.says(world.case().ref, "release")
    assert len(drafts(world)) == 1
    assert left(world) == []


def test_a_drafts_folder_that_was_deleted_stops_neither_mail_nor_approval(world: World) -> None:
    with world.postbox.client() as client:
        client.delete_folder("Drafts")
    world.says(world.case().ref, "approve")
    assert left(world) == []
    world.says(world.case().ref, "approve")
    assert len(left(world)) == 1
    world.customer_writes("Thank you, Ana. Where is the lid?", "Re: My parcel", answering=left(world)[0])
    assert world.case().unanswered or world.case().customer_wrote_at == world.now


def test_a_letter_that_nobody_reads_is_asked_for_again_and_then_the_lead_is_asked(world: World) -> None:
    for day in range(4):
        world.passes(world.now + timedelta(days=day))
    asked = {
        mail["To"].addresses[0].username
        for mail in world.letters()
        if "waits to be read" in " ".join(text_of(mail).split())
    }
    assert asked == {"ana", "lee"}
    assert left(world) == []


@pytest.mark.parametrize("word", ["approve", "ok 👍", "refuse: too late", "Ja."])
def test_a_word_about_an_earlier_letter_says_nothing_of_one_that_nobody_has_shown(
    world: World, word: str
) -> None:
    [first] = world.letters("desk/approval")
    world.agent_answers(first, "approve")
    world.says(world.case().ref, "promise: send a new one by Friday", agent="ana")
    world.passes(world.now + timedelta(minutes=11))
    assert len(world.letters("desk/approval")) == 2
    world.agent_answers(first, word)
    assert len(left(world)) == 1
    assert len(drafts(world)) == 1
    answer = world.letters("desk/answer")[-1]
    words = " ".join(text_of(answer).split())
    assert (
        "what that mail asked about is settled, and something else waits for your word since: confirmation"
        in words
    )
    world.agent_answers(answer, "approve")
    assert len(left(world)) == 2


def test_of_two_letters_a_yes_sends_the_one_that_its_mail_showed(world: World) -> None:
    [first] = world.letters("desk/approval")
    world.passes(world.now + timedelta(minutes=1))
    world.says(world.case().ref, "refund: 120 EUR", agent="ana")
    world.agent_answers(first, "ok")
    assert len(left(world)) == 1
    assert world.case().grants_in(GrantState.WAITING_APPROVAL)


@pytest.mark.parametrize(
    "lines",
    [
        ("Yes", "but change the date to Monday first"),
        ("Ja,", "aber erst das Datum ändern"),
        ("no", "unless Lee agrees"),
    ],
)
def test_a_yes_that_depends_on_the_words_below_it_comes_back(world: World, lines: tuple[str, str]) -> None:
    world.agent_answers(world.letters("desk/approval")[0], *lines)
    assert left(world) == []
    assert not world.case().held
    assert "depends on what you wrote below it" in " ".join(text_of(world.letters("desk/answer")[0]).split())


def edited(world: World, old: str, new: str) -> None:
    [draft] = drafts(world)
    text = " ".join(text_of(draft).split(" "))
    assert old in text
    edit_draft(world, text=text.replace(old, new))


def test_a_draft_whose_weekday_is_not_the_days_is_asked_about_and_read_anew_when_it_is_right(
    world: World,
) -> None:
    edited(world, "Thursday, 3 December", "Friday, 3 December")
    world.agent_answers(world.letters("desk/approval")[0], "approve")
    assert left(world) == []
    asked = world.letters("desk/approval")[-1]
    assert "“Friday, 3 December”" in " ".join(text_of(asked).split())
    edited(world, "Friday, 3 December", "Friday, 4 December")
    world.agent_answers(asked, "ok")
    assert "Friday, 4 December" in text_of(left(world)[0])
    assert len(left(world)) == 1


def test_a_promise_that_an_edit_takes_out_is_not_in_writing(world: World) -> None:
    world.agent_answers(world.letters("desk/approval")[0], "approve")
    for line in ("promise: send a new one by Friday", "promise: collect the old one by Monday"):
        world.says(world.case().ref, line, agent="ana")
    world.passes(world.now + timedelta(minutes=21))
    [draft] = drafts(world)
    [line] = [row for row in text_of(draft).splitlines() if "ollect the old one" in row]
    edit_draft(world, text=text_of(draft).replace(line, ""))
    world.agent_answers(world.letters("desk/approval")[-1], "approve")
    assert len(left(world)) == 2
    assert [bool(promise.confirmed) for promise in world.case().promises] == [True, True, False]


@pytest.mark.parametrize("how", ["note", "tag"])
def test_a_letter_that_is_older_than_the_customers_last_mail_is_asked_about_once_more(
    world: World, how: str
) -> None:
    first = email.message_from_bytes(world.postbox.all_raw()[0], policy=email.policy.default)
    world.now += timedelta(minutes=1)
    world.customer_writes("I cannot on Thursday, please Friday.", "Re: My parcel", answering=first)
    world.now += timedelta(minutes=1)
    if how == "note":
        world.agent_answers(world.letters("desk/approval")[0], "ok")
    else:
        world.postbox.mark(world.postbox.uids("Drafts")[-1], "approve", folder="Drafts")
        world.passes()
    assert left(world) == []
    asked = world.letters("desk/answer")[-1]
    assert "please Friday" in text_of(asked)
    world.agent_answers(asked, "approve")
    assert len(left(world)) == 1


def test_the_numbers_that_roundcube_gives_the_links_of_a_draft_are_no_words_of_the_letter(
    world: World,
) -> None:
    [draft] = drafts(world)
    text = (
        text_of(draft).replace("4018", "4018 [1]")
        + "\nP.S. Thank you.\n\nLinks:\n------\n[1] tel:+442071234018\n"
    )
    edit_draft(world, text=text)
    world.agent_answers(world.letters("desk/approval")[0], "ok, thanks")
    [letter] = left(world)
    assert "[1]" not in text_of(letter)
    assert "P.S. Thank you." in text_of(letter)
    assert len(world.letters("desk/approval")) == 1


# --- a draft that is taken away before anybody has approved it ---


def test_a_draft_that_is_deleted_is_asked_about_once_and_not_filed_again(world: World) -> None:
    asked = len(world.letters("desk/approval"))
    delete_drafts(world)
    world.passes(world.now + timedelta(minutes=5))
    assert len(world.letters("desk/approval")) == asked
    for _ in range(3):
        world.passes(world.now + timedelta(minutes=6))
    [question] = world.letters("desk/approval")[asked:]
    assert "is no longer in Drafts, and nothing was sent" in " ".join(text_of(question).split())
    assert "Ana finds out what happened" in text_of(question)
    assert drafts(world) == []
    assert left(world) == []
    assert world.case().promises[0].state is PromiseState.OPEN
    world.agent_answers(question, "approve")
    assert len(left(world)) == 1
    assert len(world.letters("desk/approval")) == asked + 1


@pytest.mark.parametrize("way", ["refused", "put back", "moved", "sent from the mail client"])
def test_what_may_become_of_a_draft_that_was_taken_away(world: World, way: str) -> None:
    [draft] = drafts(world)
    if way == "moved":
        with world.postbox.client() as client:
            client.create_folder("Important")
            client.select_folder("Drafts")
            client.move(client.search(), "Important")
    else:
        delete_drafts(world)
    world.passes()
    world.passes(world.now + timedelta(minutes=11))
    question = world.letters("desk/approval")[-1]
    assert "no longer in Drafts" in " ".join(text_of(question).split())
    if way == "refused":
        world.agent_answers(question, "refuse: I called her")
        assert left(world) == []
    if way == "put back":
        edited = EmailMessage(policy=email.policy.SMTP)
        for name in ("From", "To", "Subject", "Message-ID", "In-Reply-To", "References"):
            edited[name] = str(draft[name])
        edited.set_content(text_of(draft) + "\nP.S. It is on my desk.\n")
        world.postbox.append(edited.as_bytes(), "Drafts", ["\\Draft"])
        world.passes()
        world.agent_answers(question, "approve")
        assert "It is on my desk" in text_of(left(world)[0])
    if way == "moved":
        world.agent_answers(question, "ok")
        assert len(left(world)) == 1
    if way == "sent from the mail client":
        world.postbox.append(draft.as_bytes(policy=email.policy.SMTP), "Sent", ["\\Seen"])
        world.passes()
        world.agent_answers(question, "approve")
        assert left(world) == []
    world.passes(world.now + timedelta(hours=1))
    assert len(left(world)) == (way in {"put back", "moved"})


def test_a_draft_that_is_saved_again_at_once_is_not_asked_about(world: World) -> None:
    asked = len(world.letters("desk/approval"))
    edit_draft(world)
    for _ in range(3):
        world.passes(world.now + timedelta(minutes=11))
    assert len(world.letters("desk/approval")) == asked


@pytest.mark.parametrize(
    ("said", "taken_back", "gone"),
    [
        ("refund: 5 EUR", "undo", "€5.00"),
        ("refund: 5 EUR", "refused: 1", "€5.00"),
        ("promise: call on Monday", "undo", "Call on"),
        ("promise: call on Monday", "withdraw: 3 because nobody is in", "Call on"),
    ],
)
def test_a_letter_that_waits_is_written_again_when_what_it_says_was_taken_back(
    world: World, said: str, taken_back: str, gone: str
) -> None:
    """A day in a web mailer: the refund was undone, and the draft still gave it when it was approved."""
    ref = world.case().ref
    world.says(ref, "approve")
    world.passes()
    world.says(ref, "promise: send a new one by Friday", said)
    world.passes(world.now + timedelta(minutes=31))
    assert gone in " ".join(text_of(drafts(world)[0]).split())

    assert world.says(ref, taken_back) == []
    world.passes(world.now + timedelta(minutes=31))
    [draft] = drafts(world)
    assert gone not in " ".join(text_of(draft).split())
    assert "send a new one" in text_of(draft).lower()
    asked = " ".join(text_of(world.letters("desk/approval")[-1]).split())
    assert "this one takes its place" in asked

    world.says(ref, "approve")
    world.passes()
    assert gone not in " ".join(text_of(left(world)[-1]).split())
    assert len(left(world)) == 2


def test_a_promise_that_an_edit_leaves_as_it_is_is_no_second_promise(world: World) -> None:
    """A sentence whose first word stands at the end of a line was read without it, and so was another one."""
    [draft] = drafts(world)
    words = " ".join(text_of(draft).split())
    sentence = "Ana finds out what happened to your order."
    assert sentence in words
    edit_draft(
        world,
        Message_ID="<n@client.test>",
        text=words.replace(sentence, "I will send you a new jug by Friday."),
    )
    world.says(world.case().ref, "approve")
    proposed = [p.text for p in world.case().promises if p.state is PromiseState.PROPOSED]
    assert proposed == ["I will send you a new jug"]


def test_a_gift_can_be_undone_when_only_a_letter_has_left_that_was_written_before_it(world: World) -> None:
    """A day in a web mailer: "approve" and a refund in one note; the letter that left cannot have named it."""
    ref = world.case().ref
    world.says(ref, "approve", "refund: 12.50 EUR")
    world.passes()
    assert len(left(world)) == 1
    assert world.says(ref, "undo") == []
    assert world.case().grants_in(GrantState.GRANTED) == ()
