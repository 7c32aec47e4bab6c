"""The opening of a case: its customer, its playbook and its standing next steps."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from followupd.domain.calendar import Calendar, Duration
from followupd.domain.case import Facts, Stage
from followupd.domain.events import PromiseMade
from followupd.domain.mail import Kind, Message, Person
from followupd.domain.playbook import Agent, Company, NextStep, Playbook, Team
from followupd.recovery import opening
from tests.story.lettered import PLAYBOOK, letters, sample

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
ANA = Agent(id="ana", name="Ana Reyes", email="ana@example.com", phone="+44 20 7946 0018")
HOUSE = Playbook(
    name="default",
    owner="ana",
    calendar=Calendar(timezone="Europe/London"),
    team=Team((ANA,)),
    company=Company(name="Example Ltd", timezone="Europe/London"),
)


def test_only_a_mail_forwarded_by_one_of_us_is_about_its_original_sender() -> None:
    def customer_of(kind: Kind, sender: str) -> str:
        message = Message(
            kind=kind, because="", sender=Person(sender), forwarded_from=Person("kim@example.org")
        )
        opened = opening.open_case(
            message, ref="FU-7K3Q9", mailbox="support", playbook=HOUSE, now=NOW, facts=Facts()
        )
        return opened.customer.address

    assert customer_of(Kind.AGENT, "ana@example.com") == "kim@example.org"
    assert customer_of(Kind.CUSTOMER, "mallory@evil.example") == "mallory@evil.example"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "{{ owner.name }} ruft an"),
        ("de_AT", "{{ owner.name }} ruft an"),
        ("fr", "{{ owner.name }} calls"),
        ("", "{{ owner.name }} calls"),
    ],
)
def test_a_standing_step_is_promised_in_the_customers_language_where_the_playbook_has_it(
    language: str, text: str
) -> None:
    step = NextStep(
        text="{{ owner.name }} calls",
        within=Duration.parse("1 day"),
        texts=(("de", "{{ owner.name }} ruft an"),),
    )
    assert step.text_in(language) == text


def test_the_first_letter_to_a_german_customer_promises_in_german() -> None:
    step = NextStep(
        text="{{ owner.name }} calls",
        within=Duration.parse("1 day"),
        texts=(("de", "{{ owner.name }} ruft an"),),
    )
    case = replace(sample("short", stage=Stage.HEARD, language="de"), promises=())
    steps = opening.decide(case, replace(PLAYBOOK, steps=(step,)), letters(), NOW)
    assert [each.promise.text for each in steps if isinstance(each, PromiseMade)] == ["Ana Reyes ruft an"]
