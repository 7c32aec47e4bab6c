"""Reaching the customer: a voice mail does not count, and each attempt is recorded."""

from datetime import timedelta

import pytest

from followupd.domain import events as e
from followupd.recovery import remind
from tests.builders import NOW, PLAYBOOK, a_case
from tests.story.lettered import letters
from tests.story.saying import said, then

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("line", ["reached", "reached: he was glad", "reached: spoke with her husband"])
def test_a_customer_who_was_spoken_with_is_reached(line: str) -> None:
    assert then(a_case().case, line).reached


@pytest.mark.parametrize(
    "line",
    [
        "not-reached",
        "not-reached: voicemail",
        "reached: voicemail",
        "reached: left a message on the answering machine",
        "reached: Anrufbeantworter",
        "reached: répondeur",
        "reached: buzón de voz",
    ],
)
def test_a_voice_mail_is_not_reached(line: str) -> None:
    case = then(a_case().case, line)
    assert not case.reached
    assert case.not_reached


def test_each_attempt_is_recorded_and_reminded_of() -> None:
    case = then(a_case().case, "not-reached: voicemail")
    assert said(case, "not-reached: voicemail") == []  # the same word at the same moment
    again = then(case, "not-reached: voicemail", now=NOW + 25 * HOUR)
    names = {
        step.matter
        for step in remind.decide(again, PLAYBOOK, letters(), NOW + 25 * HOUR)
        if isinstance(step, e.OwnerNudged)
    }
    assert f"not-reached {NOW + 25 * HOUR:%Y-%m-%dT%H:%M}" in names
