"""No agent is reminded of a case more than once a day, whenever cycles run, but for what is promised for the same day."""

from collections import Counter
from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from followupd.domain.compensation import Gift, GrantState
from followupd.domain.letter import LetterKind
from tests.builders import NOW, PLAYBOOK, a_case
from tests.story.test_remind import DAY, HOUR, lived


@settings(max_examples=20, deadline=None)
@given(
    dues=st.lists(st.integers(1, 160), min_size=1, max_size=4),
    grant=st.booleans(),
    facts=st.booleans(),
    step=st.sampled_from([HOUR, 5 * HOUR, 13 * HOUR]),
)
def test_no_agent_is_reminded_of_a_case_twice_a_day(
    dues: list[int], grant: bool, facts: bool, step: timedelta
) -> None:
    story = a_case()
    for hours in dues:
        story = story.promised("ship it", NOW + hours * HOUR)
    if grant:
        story = story.granted(
            Gift.REFUND, "120", state=GrantState.WAITING_APPROVAL, agent="ana", granted_at=NOW
        )
    case = (story.knows() if facts else story).confirmed(*range(1, len(dues) + 1)).case
    _, mails = lived(case, NOW + 9 * DAY, step)
    reminders = [(at, mail) for at, mail in mails if mail.kind in {LetterKind.NUDGE, LetterKind.ESCALATION}]
    days = Counter((mail.to.address, _day(at)) for at, mail in reminders)
    # what is promised for the same day is told at its time
    today = sum(_day(NOW + hours * HOUR) == _day(NOW) for hours in dues)
    assert all(count <= (max(1, today) if day == _day(NOW) else 1) for (_, day), count in days.items())


def _day(at: datetime) -> date:
    return PLAYBOOK.calendar.local(at).date()
