"""Each finding of an agent's fortnight in real mail clients, and the test that failed before it was mended.

- B1, a dash in a line: tests/properties/test_words_survive.py, all of it
- M1, "OK" to an approval: test_agents_words.test_ok_answers_the_one_question_of_an_approval
- M2, what an edit changes: test_review.test_what_an_edit_changes_is_noted_and_put_to_the_owner
- M3, an edited draft: test_review.test_approving_an_edited_draft_sends_it_as_it_is_now,
  test_review.test_a_tag_on_the_draft_itself_approves_it_once
- M4, a promise withdrawn: test_taking_back.test_a_promise_in_writing_is_withdrawn_in_writing_before_anything_else
- M5, two orders on a line: tests/policies/test_orders.test_two_orders_on_a_line_are_both_done_or_both_come_back
- M6, a colleague, a new mail: test_agents_words.test_a_colleague_is_obeyed_and_the_owner_hears_of_it,
  test_agents_words.test_a_new_mail_that_names_a_case_is_answered_and_done_only_where_its_sender_is_proved
- M7, us in copy: test_agents_mail.test_a_reply_without_thread_headers_is_known_by_its_subject
- M8, handing over: test_absence.test_the_new_owner_gets_the_case_with_its_story_and_the_old_one_a_line
- M9, the own name: tests/policies/test_orders.test_a_signature_is_no_order_and_no_remark
- M10, ways of writing: tests/policies/test_every_way.py, all of it
- M11, help and look-up: test_agents_words.test_help_show_and_today_are_answered_by_mail,
  test_agents_words.test_every_desk_mail_names_further_words
- M12, the agent's language: tests/languages/test_agents_lines.py, all of it
- M13, colours: tests/contracts/test_check_online.test_every_tag_can_be_read_on_white_and_every_stage_has_a_colour_of_its_own
- m1, notes stay unread: test_m1_an_obeyed_note_is_filed_and_seen
- m2, the hidden preview: test_review.test_nothing_is_hidden_in_a_draft_or_a_desk_mail
- m3, untagging: test_taking_back.test_a_complaint_tag_that_is_removed_in_the_quiet_window_takes_the_complaint_back,
  test_taking_back.test_a_tag_of_a_deed_is_taken_off_and_may_be_set_again
- m4, contradictions: tests/policies/test_orders.test_lines_that_contradict_each_other_come_back_undone
- m5, the quote filled in: tests/policies/test_orders.test_an_offered_empty_line_may_be_filled_in_inside_the_quote
- m6, a promise without words: test_m6_a_promise_that_is_a_number_and_a_date_comes_back
- m7, a bare verb: test_m7_a_promise_without_a_subject_is_no_command_to_the_customer
- m8, 72 lines in a digest: in test_reminders.py,
  test_promises_of_several_cases_that_come_due_today_stand_in_the_digest_and_in_no_mail_of_their_own
- m9, two delays a day: test_taking_back.test_a_customer_gets_one_delay_letter_a_day,
  test_taking_back.test_a_customer_with_two_cases_gets_one_delay_letter_a_day
- m10, two digests a day: test_fortnight.test_of_a_silent_agents_cases_the_lead_hears_in_one_digest_a_day_and_when_a_date_is_missed
- m11, two mails in a second: test_review.test_the_first_letter_and_the_complaint_come_in_one_desk_mail
- m12, evidence: test_m12_a_mail_about_a_tagged_complaint_names_no_evidence
- m13, quotes wrapped twice: test_m13_a_quoted_letter_is_wrapped_once
- m14, attachments: test_m14_the_customers_files_are_named_in_the_desk_mail
- m15, who writes desk mails: test_m15_a_desk_mail_is_from_the_service_desk
- m16, policies: tests/contracts/test_check_online.test_an_administrator_gets_the_tags_as_policies
- m17, command folders and the heading of HCL Notes: tests/cases/test_variations.test_26_a_mail_moved_before_the_first_start,
  test_26_a_mail_of_last_year_moved_before_the_first_start; tests/policies/test_every_way.py
"""

import email.policy
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest

from tests.journeys.test_agents_mail import COMPLAINT, PLAYBOOK, flat
from tests.journeys.world import World, text_of


def test_each_test_that_is_named_here_exists() -> None:
    there = "\n".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py")
    )
    names = re.findall(r"(?<!/)\btest_\w+(?![\w./])", __doc__ or "")
    assert len(names) > 25
    assert [name for name in names if f"def {name}(" not in there and f"{name}.py" not in there] == []


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    world = make_world(playbook=PLAYBOOK, smtp_extra='witness = "none"\nper_address = "9 per day"')
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    return world


def test_m1_an_obeyed_note_is_filed_and_seen(world: World) -> None:
    inbox = len(world.postbox.uids())
    world.agent_answers(world.letters("desk/opened")[0], "severity: high")
    world.passes()
    assert len(world.postbox.uids()) == inbox
    [note] = [
        uid for uid in world.postbox.uids("Sent") if b"severity: high" in world.postbox.raw(uid, "Sent")
    ]
    assert "\\Seen" in world.postbox.flags(note, "Sent")
    world.agent_answers(world.letters("desk/opened")[0], "sverity: high")
    assert len(world.postbox.uids()) == inbox + 1


@pytest.mark.parametrize("line", ["promise: 1 by Thursday", "update: 1 by Thursday", "promise: by Thursday"])
def test_m6_a_promise_that_is_a_number_and_a_date_comes_back(world: World, line: str) -> None:
    before = len(world.case().promises)
    assert world.says(world.case().ref, line) != []
    assert len(world.case().promises) == before


@pytest.mark.parametrize("text", ["ship a new grinder by Friday", "call you by Thursday"])
def test_m7_a_promise_without_a_subject_is_no_command_to_the_customer(world: World, text: str) -> None:
    world.says(world.case().ref, f"promise: {text}")
    world.passes(world.now + timedelta(minutes=1))
    letter = flat(world.letters("confirmation")[-1])
    what = text.partition(" by")[0]
    assert what in letter.casefold()
    assert f". {what.capitalize()} by" not in letter


def test_m12_a_mail_about_a_tagged_complaint_names_no_evidence(world: World) -> None:
    words = flat(world.letters("desk/opened")[0])
    assert "spoke for" not in words
    assert "against it" not in words


def test_m13_a_quoted_letter_is_wrapped_once(make_world: Callable[..., World]) -> None:
    review = PLAYBOOK.replace('after = "0 minutes"', 'after = "0 minutes"\nreview = true')
    world = make_world(playbook=review, smtp_extra='witness = "none"')
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    quote = [line for line in text_of(world.letters("desk/approval")[0]).splitlines() if line.startswith(">")]
    paragraphs = "\n".join(line.lstrip("> ").rstrip() for line in quote).split("\n\n")
    for lines in (part.split("\n") for part in paragraphs):
        is_prose = len(lines[0]) > 60
        short = [line for line in lines[:-1] if len(line) < 30 and is_prose]
        assert short == []


def test_m14_the_customers_files_are_named_in_the_desk_mail(world: World) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Sam <sam@others.test>", world.postbox.address, "Broken lamp"
    mail["Message-ID"], mail["Date"] = "<photo@others.test>", world.now
    mail.set_content(
        "My lamp arrived broken, look at the photo. I am very disappointed, this is unacceptable.\n"
    )
    mail.add_attachment(b"x", maintype="image", subtype="jpeg", filename="broken.jpg")
    world.postbox.deliver(mail.as_bytes(policy=email.policy.SMTP), sender="sam@others.test")
    world.agent_tags("complaint")
    assert "broken.jpg" in text_of(world.letters("desk/opened")[-1])


def test_m15_a_desk_mail_is_from_the_service_desk(world: World) -> None:
    for mail in world.letters("desk/opened"):
        assert parseaddr(str(mail["From"]))[0].startswith("Service desk")
