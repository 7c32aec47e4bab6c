"""What a case waits for in the digest, and how an answer to the digest is read."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from followupd.domain.case import Case, Facts, LetterRecord, Stage
from followupd.domain.letter import LetterKind, LetterRecordState
from followupd.domain.mail import Person
from followupd.domain.promise import Promise, PromiseKind, PromiseState
from followupd.recovery.agenda import suspicion, waiting
from followupd.text.notes import cases_in, split_case
from tests.story.lettered import NOW, PLAYBOOK

HOURS = timedelta(hours=1)


def a_case(stage: Stage = Stage.CONFIRMED, since: datetime = NOW - 24 * HOURS) -> Case:
    return Case(
        ref="FU-7K3Q9",
        mailbox="support",
        customer=Person("kim@example.org"),
        subject="Kettle",
        playbook="default",
        owner="ana",
        opened_at=since,
        stage=stage,
        heard_at=since,
        we_wrote_at=since + HOURS,
    )


def owing(due: datetime) -> Promise:
    return Promise(
        n=1,
        text="ship the kettle",
        kind=PromiseKind.FIRM,
        internal_deadline=due,
        promised_by=due,
        state=PromiseState.OPEN,
        confirmed="x",
        owner="ana",
    )


def said(case: Case) -> str:
    found = waiting(case, PLAYBOOK, NOW)
    return found.what if found else ""


def test_a_case_without_open_work_waits_for_nobody() -> None:
    assert said(replace(a_case(), promises=(owing(NOW + 48 * HOURS),))) == ""
    assert said(a_case(Stage.CLOSED)) == said(a_case(Stage.DISMISSED)) == said(a_case(Stage.SUSPECTED)) == ""


@pytest.mark.parametrize(
    ("case", "what"),
    [
        (
            replace(a_case(Stage.HEARD), we_wrote_at=None),
            "the customer has had no word from us yet; no next step is promised yet",
        ),
        (replace(a_case(), customer_wrote_at=NOW - HOURS), "the customer has written again"),
        (replace(a_case(), held=True, held_because="spam"), "it is held (spam)"),
        (
            replace(a_case(), promises=(owing(NOW + HOURS),)),
            "promise 1, “ship the kettle”, is due today at 11:00",
        ),
        (replace(a_case(), promises=(owing(NOW - HOURS),)), "promise 1, “ship the kettle”, is overdue"),
        (replace(a_case(), not_reached="nobody answered"), "the customer was not reached (nobody answered)"),
    ],
)
def test_everything_that_waits_is_listed(case: Case, what: str) -> None:
    assert said(case) == what


def test_a_fixed_case_says_what_its_follow_up_lacks() -> None:
    fixed = replace(
        a_case(Stage.FIXED), fixed_at=NOW - HOURS, facts=Facts(cause="wrong label", resolution="sent again")
    )
    assert said(fixed).startswith("the follow-up lacks: ")
    assert "prevention" in said(fixed)


def test_a_letter_in_review_waits_for_approve() -> None:
    mark = LetterRecord("FU-7K3Q9.confirmation.1", LetterKind.CONFIRMATION, LetterRecordState.REVIEW, NOW)
    assert said(replace(a_case(), letters=(mark,))) == "the confirmation waits for `approve`"


def test_the_age_is_that_of_the_oldest_item() -> None:
    case = replace(a_case(), customer_wrote_at=NOW - HOURS, promises=(owing(NOW - 5 * HOURS),))
    found = waiting(case, PLAYBOOK, NOW)
    assert found
    assert found.since == NOW - 5 * HOURS


def test_a_suspicion_is_as_old_as_the_customers_newest_mail() -> None:
    case = replace(a_case(Stage.SUSPECTED), suspected_at=NOW - 9 * HOURS)
    found = suspicion(case)
    assert found
    assert found.since == NOW - 9 * HOURS
    assert suspicion(a_case()) is None


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("FU-7K3Q9: complaint", ("FU-7K3Q9", "complaint")),
        ("fu-7k3q9 dismiss", ("FU-7K3Q9", "dismiss")),
        ("  - FU-7K3Q9 - cause: wrong label", ("FU-7K3Q9", "cause: wrong label")),
        ("[FU-7K3Q9] owner: lee", ("FU-7K3Q9", "owner: lee")),
        ("FU-7K3Q9:", ("FU-7K3Q9", "")),
        ("complaint", ("", "complaint")),
        ("Regards, Ana", ("", "Regards, Ana")),
    ],
)
def test_a_line_may_name_its_case(line: str, read: tuple[str, str]) -> None:
    assert split_case(line) == read


def test_the_cases_of_a_digest_are_found_in_its_text() -> None:
    assert cases_in("- FU-7K3Q9, Kim\n- FU-3RT5K, Lee\n\nFU-7K3Q9:") == ["FU-7K3Q9", "FU-3RT5K"]
