"""The jobs of an agent at a service desk, one table: each job at each server, and what a careful person expects of it.

JOBS names the servers (dovecot plain_dovecot cyrus courier graph). Where a server keeps no keywords, the agent moves
the mail into the folder of the tag.
"""

import email
import email.policy
import email.utils
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

import pytest

from followupd.cli.main import main
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import GrantState
from followupd.domain.promise import PromiseState
from tests.journeys.conftest import named
from tests.journeys.test_agents_mail import PLAYBOOK, arrives, flat, own_mail
from tests.journeys.test_folders import moved
from tests.journeys.test_review import client_sends, drafts, edit_draft
from tests.journeys.world import CUSTOMER, World, text_of

COMPLAINT = (
    "Hello,\n\nmy blender has still not arrived after three weeks, and nobody answers my mails. "
    "This is unacceptable. I want my money back.\n\nKim Doe\n+44 7700 900123\n"
)
LETTERS = 'witness = "none"\nper_address = "50 per day"'
#: the folders of the tags whose names differ from them
FOLDERS = {
    "not-complaint": "Dismiss",
    "refund-25": "Refund/25",
    "agent-lee": "Owner/lee",
}
FILLED = {
    "cause:": "cause: The label was wrong",
    "resolution:": "resolution: A new blender went out by courier",
    "prevention:": "prevention: Labels are printed from the order itself",
}


@dataclass
class Desk:
    """An agent at her mailbox, with a mail client that has tags or has none."""

    world: World
    tags: bool

    def complains(self, text: str = COMPLAINT, subject: str = "Order 4711") -> str:
        return self.world.customer_writes(text, subject)

    def orders(self, tag: str, folder: str = "INBOX") -> None:
        """Set a tag on the newest mail of a folder, or move the mail."""
        if self.tags:
            self.world.agent_tags(tag, folder=folder)
        else:
            moved(self.world, "Recovery/" + FOLDERS.get(tag, tag.capitalize()), folder)

    def takes_back(self, tag: str, instead: str) -> None:
        """Remove a tag; without tags, move the mail into another folder."""
        if not self.tags:
            self.orders(instead)
            return
        self.world.postbox.unmark(self.world.postbox.uids()[-1], tag)
        self.world.passes()

    def answers(self, *lines: str, kind: str = "", sender: str = "ana@agents.test") -> None:
        """Answer the newest desk mail of a kind."""
        self.world.agent_answers(self.desk(kind)[-1], *lines, sender=sender)

    def later(self, **time: float) -> None:
        self.world.passes(self.world.now + timedelta(**time))

    # --- what came of it ---

    def desk(self, kind: str = "", to: str = "") -> list[EmailMessage]:
        mails = [mail for mail in self.world.letters() if f"desk/{kind}" in str(mail["X-Followupd-Key"])]
        return [mail for mail in mails if to in str(mail["To"])]

    def letters(self) -> list[EmailMessage]:
        """Return what the customer has got."""
        return [mail for mail in self.world.letters() if CUSTOMER in str(mail["To"])]

    def kinds(self) -> list[str]:
        found = [re.search(r"\.([a-z-]+)\.", str(mail["X-Followupd-Key"])) for mail in self.letters()]
        return [each[1] if each else "" for each in found]

    @property
    def case(self) -> Case:
        return self.world.case()

    def promised(self) -> dict[str, tuple[str, str]]:
        """Return the promises that agents made, each with its day and state."""
        return {
            promise.text: (f"{promise.promised_by:%d %b}" if promise.promised_by else "", promise.state.value)
            for promise in self.case.promises
            if promise.source != "playbook"
        }

    def given(self) -> list[tuple[str, GrantState]]:
        return [
            (str(grant.money.amount if grant.money else ""), grant.state) for grant in self.case.compensation
        ]


@dataclass(frozen=True)
class Job:
    """A job, the quiet time before a first letter, and whether agents see letters before they leave."""

    does: Callable[[Desk], None]
    quiet: str = "0 minutes"
    review: bool = False

    @property
    def playbook(self) -> str:
        text = PLAYBOOK.replace("0 minutes", self.quiet)
        return text.replace("[confirmation]", "[confirmation]\nreview = true") if self.review else text


JOBS: dict[str, Job] = {}


def job(quiet: str = "0 minutes", *, review: bool = False) -> Callable[[Callable[[Desk], None]], None]:
    def put(does: Callable[[Desk], None]) -> None:
        JOBS[does.__name__.replace("_", "-")] = Job(does, quiet, review)

    return put


# --- what agents write ---


@job()
def dashes_and_german_dates_in_a_note(desk: Desk) -> None:
    desk.complains()
    desk.answers(
        "promise: send a new blender – by courier – by Friday",
        "promise: Ersatz schicken bis 4. Dezember",
        "promise: call you by 5. December",
        "issue: The blender is late - three weeks now",
        "refund: 25 EUR",
    )
    assert desk.promised() == {
        "send a new blender – by courier": ("04 Dec", "open"),
        "Ersatz schicken": ("04 Dec", "open"),
        "call you": ("05 Dec", "open"),
    }
    assert desk.case.facts.issue == "The blender is late - three weeks now"
    assert desk.given() == [("25.00", GrantState.GRANTED)]
    words = " ".join(flat(mail) for mail in desk.letters())
    assert "end a new blender – by courier" in words
    assert "latethree" not in words


@job()
def a_promise_is_withdrawn(desk: Desk) -> None:
    desk.complains()
    desk.answers("complaint", "promise: send a new blender by courier by Friday")
    desk.later(minutes=1)
    assert "send a new blender" in flat(desk.letters()[-1]).lower()
    before = len(desk.letters())
    desk.answers("withdraw: 2 because it is sold out")
    desk.later(days=1)
    [letter] = desk.letters()[before:]
    assert "I am afraid that will not happen. The reason: it is sold out." in flat(letter)


@job()
def a_promise_that_is_a_number(desk: Desk) -> None:
    desk.complains()
    before = len(desk.letters())
    desk.answers("promise: 1 by Thursday")
    assert desk.promised() == {}
    assert "late: 1 by Thursday because" in flat(desk.desk("answer")[-1])
    assert len(desk.letters()) == before


@job("10 minutes")
def a_complaint_tag_by_mistake(desk: Desk) -> None:
    desk.complains("Hi,\n\ndo you sell spare jugs?\n\nKim\n", "Spare jug")
    desk.orders("complaint")
    desk.takes_back("complaint", instead="not-complaint")
    desk.later(days=1)
    assert desk.letters() == []
    assert desk.case.stage in {Stage.DISMISSED, Stage.SUSPECTED}


@job()
def no_complaint_after_the_letter(desk: Desk) -> None:
    desk.complains()
    desk.orders("complaint")
    before = len(desk.letters())
    desk.orders("not-complaint")
    desk.later(days=3)
    assert desk.case.stage is Stage.DISMISSED
    assert len(desk.letters()) == before == 1


@job()
def a_colleague_answers(desk: Desk) -> None:
    desk.complains()
    desk.answers("kept: 1", sender="lee@agents.test")
    assert desk.case.promises[0].state is PromiseState.KEPT
    assert "Lee Park has answered" in flat(desk.desk("answer", to="ana@")[-1])


@job()
def a_new_mail_from_the_telephone(desk: Desk) -> None:
    desk.complains()
    ref = desk.case.ref
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ana Reyes <ana@agents.test>", desk.world.postbox.address
    mail["Subject"], mail["Message-ID"] = f"[{ref}] kept", "<new-1@agents.test>"
    mail["Date"] = desk.world.now
    mail.set_content("kept: 1\n")
    arrives(desk.world, mail.as_bytes(policy=email.policy.SMTP))
    desk.answers("kept: 1", kind="answer")
    assert desk.case.promises[0].state is PromiseState.KEPT


@job()
def the_agent_answers_with_us_in_copy(desk: Desk) -> None:
    complaint = desk.complains()
    before = len(desk.letters())
    text = "Dear Kim,\n\nI am sorry. We will send you a new blender by Friday, and I have refunded 25 EUR.\n\nAna\n"
    headers = {"Subject": "Re: Order 4711", "In_Reply_To": complaint, "References": complaint}
    arrives(desk.world, own_mail(desk.world, text, **headers))
    [promise] = [promise for promise in desk.case.promises if promise.source != "playbook"]
    assert f"{promise.promised_by:%d %b}" == "04 Dec"
    assert "25.00" in [amount for amount, _ in desk.given()]
    assert desk.case.promises[0].state is PromiseState.KEPT
    desk.later(hours=2)
    assert len(desk.letters()) <= before + 1


@job()
def the_whole_offered_block_comes_back(desk: Desk) -> None:
    desk.complains("Hello,\n\nI want to know where my parcel is. Unhappy.\n\nKim\n", "Parcel")
    stage = desk.case.stage
    mail = desk.desk()[-1]
    [block] = re.findall(r"(?m)^-{10,}\n(.*?)\n-{10,}$", text_of(mail).replace("\r\n", "\n"), re.DOTALL)
    desk.answers(*block.strip().splitlines())
    if {"complaint", "dismiss"} <= set(block.split()):
        assert desk.case.stage is stage
        assert desk.desk("answer")
    assert desk.case.stage is not Stage.DISMISSED


@job()
def the_lines_that_are_asked_for_are_filled_in_inside_the_quote(desk: Desk) -> None:
    desk.complains()
    desk.answers("complaint", "fixed", "kept: 1")
    desk.later(minutes=5)
    asked = desk.desk("facts")[-1]
    text = text_of(asked).replace("\r\n", "\n")
    for empty, filled in FILLED.items():
        text = re.sub(rf"(?m)^{empty}[ .…]*$", filled, text)
    desk.world.agent_answers(asked, "", *(f"> {line}" for line in text.splitlines()))
    facts = desk.case.facts
    assert (facts.cause, facts.resolution) == ("The label was wrong", "A new blender went out by courier")
    assert facts.prevention == "Labels are printed from the order itself"


@job()
def a_part_of_the_block_is_filled_in_and_a_fact_has_two_lines(desk: Desk) -> None:
    desk.complains()
    desk.answers("complaint", "fixed", "kept: 1")
    desk.later(minutes=5)
    desk.answers(
        "cause: The address label was printed with the postcode of an earlier customer,",
        "and the blender lay on the shelf for a week.",
        "*resolution:* A new blender went out by courier on Tuesday (order 4711-2).",
        "prevention:",
        "fault:",
        "impact:",
        kind="facts",
    )
    facts = desk.case.facts
    assert facts.resolution == "A new blender went out by courier on Tuesday (order 4711-2)."
    assert facts.prevention is None
    told = " ".join(map(flat, desk.desk()[-2:])) + str(desk.case.facts.cause)
    assert "and the blender lay on the shelf for a week." in told


@job()
def help_and_look_ups(desk: Desk) -> None:
    desk.complains()
    for line, words in (
        ("help", "promise: send a new one"),
        ("show", desk.case.ref),
        ("today", desk.case.ref),
    ):
        desk.answers(line, kind="opened")
        assert words in flat(desk.desk()[-1])


# --- tags and folders ---


@job()
def hold_release_and_gifts(desk: Desk) -> None:
    desk.complains()
    desk.orders("complaint")
    held = []
    desk.orders("hold")
    held.append(desk.case.held)
    desk.takes_back("hold", instead="release")
    held.append(desk.case.held)
    desk.orders("hold")  # the same word again counts again
    held.append(desk.case.held)
    desk.orders("release")
    held.append(desk.case.held)
    assert held == [True, False, True, False]
    desk.orders("kept")
    assert desk.case.promises[0].state is PromiseState.KEPT
    desk.orders("refund-25")
    assert desk.given() == [("25.00", GrantState.GRANTED)]


@job()
def kept_is_said_again_for_a_second_promise(desk: Desk) -> None:
    desk.complains()
    desk.orders("complaint")
    desk.orders("kept")
    desk.answers("promise: send a new blender by Friday", kind="opened")
    desk.later(minutes=5)
    desk.takes_back("kept", instead="fixed")
    desk.orders("kept")
    assert [promise.state for promise in desk.case.promises] == [PromiseState.KEPT, PromiseState.KEPT]


@job()
def a_case_is_handed_over(desk: Desk) -> None:
    desk.complains()
    desk.orders("complaint")
    desk.orders("agent-lee")
    assert desk.case.owner == "lee"
    assert [mail["Subject"] for mail in desk.desk("opened", to="lee@")]
    assert "blender" in flat(desk.desk("opened", to="lee@")[-1])


@job()
def a_photo_is_named(desk: Desk) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        f"Kim Doe <{CUSTOMER}>",
        desk.world.postbox.address,
        "Order 4711",
    )
    mail["Message-ID"], mail["Date"] = "<photo@customers.test>", desk.world.now
    mail.set_content(COMPLAINT)
    mail.add_attachment(b"\xff\xd8\xff" + b"x" * 900, maintype="image", subtype="jpeg", filename="broken.jpg")
    desk.world.postbox.deliver(mail.as_bytes(policy=email.policy.SMTP))
    desk.world.passes()
    assert "broken.jpg" in flat(desk.desk("opened")[-1])


# --- letters that an agent sees first ---


def in_review(desk: Desk) -> EmailMessage:
    """Return the draft of a first letter."""
    desk.complains()
    desk.orders("complaint")
    desk.later(minutes=1)
    [draft] = drafts(desk.world)
    assert desk.letters() == []
    return draft


@job(review=True)
def the_date_in_a_draft_is_edited_and_the_draft_sent(desk: Desk) -> None:
    text = " ".join(text_of(in_review(desk)).split())
    told = re.search(r"by (\w+, \d+ \w+)", text)
    assert told
    text = text.replace(told[1], "Friday, 11 December")
    client_sends(desk.world, edit_draft(desk.world, Message_ID="<tb-1@client.test>", text=text))
    desk.later(minutes=5)
    assert desk.letters() == []
    assert f"{desk.case.promises[0].promised_by:%d %b}" == "11 Dec"


@job(review=True)
def the_draft_itself_is_approved(desk: Desk) -> None:
    in_review(desk)
    desk.orders("approve", "Drafts")
    desk.later(days=1)
    assert desk.kinds() == ["confirmation"]


@job(review=True)
def a_draft_is_edited_and_approved_twice(desk: Desk) -> None:
    text = text_of(in_review(desk))
    edit_draft(desk.world, Message_ID="<tb-2@client.test>", text=text + "\nI am truly very sorry.\n")
    for _ in range(2):
        desk.answers("approve", kind="approval")
        desk.later(minutes=5)
    [letter] = desk.letters()
    assert "truly" in flat(letter)
    assert drafts(desk.world) == []


@job(review=True)
def yes_in_other_words(desk: Desk) -> None:
    in_review(desk)
    desk.answers("Yes, go ahead", kind="approval")
    assert desk.kinds() == ["confirmation"]


@job(review=True)
def a_letter_is_refused(desk: Desk) -> None:
    in_review(desk)
    desk.answers("refuse: please say 30 EUR", kind="approval")
    desk.later(hours=1)
    assert desk.letters() == []
    assert desk.case.held


# --- from the complaint to the follow-up ---


@job()
def a_life(desk: Desk) -> None:
    complaint = desk.complains()
    desk.orders("complaint")
    desk.world.agent_replies("Dear Kim,\n\nI will ship a replacement by Friday.\n\nAna", complaint)
    desk.answers("approve", kind="approval")
    desk.later(days=1)
    desk.orders("kept")
    desk.orders("fixed")
    desk.answers(*FILLED.values(), "fault: ours", kind="facts")
    desk.later(days=7)
    assert desk.kinds() == ["confirmation", "confirmation", "follow-up"]
    assert desk.case.stage is Stage.FOLLOWED_UP


@pytest.mark.parametrize("server", named("JOBS"))
@pytest.mark.parametrize("name", JOBS)
def test_what_a_careful_person_expects_comes_of_a_job(
    name: str, server: str, make_at: Callable[..., World]
) -> None:
    world = make_at(
        server,
        playbook=JOBS[name].playbook,
        mailbox='trusted = ["mx.agents.test"]',
        smtp_extra=LETTERS,
    )
    tags = server != "plain_dovecot"
    if not tags:
        assert main(["tags", "folders", "--make", "--config", str(world.directory)]) == 0
        world.passes()
    JOBS[name].does(Desk(world, tags))
