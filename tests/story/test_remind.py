"""Reminders: the day before, at the deadline, then escalation; at most one mail a day to each person."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from followupd.domain import lifecycle
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.case import Case
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.decision import Decision, as_event
from followupd.domain.events import FactsStated, LetterStopped, LetterWritten, OwnerNudged, Reopened
from followupd.domain.letter import Letter, LetterKind
from followupd.recovery import remind
from tests.builders import ANA, LEE, MAX, NOW, PLAYBOOK, Story, a_case
from tests.story.lettered import flat, letters

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
THURSDAY = datetime(2026, 12, 3, 15, tzinfo=UTC)


def promised(due: datetime = THURSDAY) -> Story:
    return a_case().promised("ship the kettle", due).confirmed(1)


def lived(case: Case, until: datetime, step: timedelta = HOUR) -> tuple[Case, list[tuple[datetime, Letter]]]:
    """Run the policy each time it is due, up to `until`; return the mails to agents with their times."""
    mails: list[tuple[datetime, Letter]] = []
    now = NOW
    while now < until:
        while steps := remind.decide(case, PLAYBOOK, letters(), now):
            case = _after(case, steps, now)
            mails += [(now, each) for each in steps if isinstance(each, Letter) and not each.to_customer]
        wanted = remind.next_due(case, PLAYBOOK)
        now = wanted if wanted and now < wanted < now + step else now + step
    return case, mails


def _after(case: Case, steps: list[Decision], now: datetime) -> Case:
    for step in steps:
        case = lifecycle.after(case, as_event(step, now))
    return case


def test_the_owner_is_reminded_the_day_before_and_asked_at_the_due_time() -> None:
    case = (
        promised().at(NOW + 6 * HOUR).agent_wrote().case
    )  # so that silence is no matter before the promise is
    _, mails = lived(case, THURSDAY + HOUR)
    assert [(at, mail.kind) for at, mail in mails] == [
        (THURSDAY - DAY - 6 * HOUR, LetterKind.NUDGE),  # in the morning
        (THURSDAY, LetterKind.NUDGE),
    ]
    [reminder, question] = [flat(mail.text) for _, mail in mails]
    assert "Promise 1, “ship the kettle”, is due on Thursday 3 December at 15:00." in reminder
    assert "is due on Thursday 3 December at 15:00. Was it kept?" in question
    assert "kept: 1" in question
    assert "late: 1 until" in question


def test_a_reminder_includes_what_is_due_by_the_evening() -> None:
    _, mails = lived(promised().case, THURSDAY + HOUR)
    at, mail = mails[-1]
    assert at == datetime(2026, 12, 3, 10, tzinfo=UTC)  # two business days of silence
    assert "no word from us" in flat(mail.text)
    assert "is due on Thursday 3 December at 15:00. Was it kept?" in flat(mail.text)


def test_what_was_promised_for_the_same_day_is_asked_about_and_not_reminded_of() -> None:
    _, mails = lived(promised(NOW + 5 * HOUR).case, NOW + 6 * HOUR)
    assert [at for at, _ in mails] == [NOW + 5 * HOUR]


def test_an_overdue_promise_escalates_from_owner_to_lead_to_manager() -> None:
    _, mails = lived(promised().case, THURSDAY + 6 * DAY)
    climbed = [
        (at, mail.to.address)
        for at, mail in mails
        if "kettle" in mail.text and mail.kind == LetterKind.ESCALATION
    ]
    monday, tuesday = datetime(2026, 12, 7, 9, tzinfo=UTC), datetime(2026, 12, 8, 9, tzinfo=UTC)
    assert climbed[:2] == [(monday, LEE.email), (tuesday, MAX.email)]  # in the morning, once a day


def test_an_escalation_contains_a_summary_of_the_case() -> None:
    case = lifecycle.after(
        promised().case, FactsStated(at=NOW, facts=(("impact", "no tea for the guests on Sunday"),))
    )
    case = replace(case, opened_at=NOW - 3 * DAY)
    _, mails = lived(case, THURSDAY + 5 * DAY)
    brief = flat(next(mail.text for _, mail in mails if mail.kind == LetterKind.ESCALATION))
    assert "Open for 9 days, of normal severity" in brief
    assert "What it means for the customer: no tea for the guests on Sunday" in brief
    assert "Promise 1, “ship the kettle”, told by Thursday 3 December, is broken" in brief
    assert "Letters so far: confirmation on Tuesday 1 December" in brief
    assert "We wrote last on Tuesday 1 December" in brief
    assert "Ana Reyes was reminded last on Thursday 3 December" in brief
    assert f"Ana Reyes has it: {ANA.phone}" in brief


def test_what_the_digest_told_one_agent_is_not_sent_to_that_agent_again_that_day() -> None:
    morning = datetime(2026, 12, 3, 9, tzinfo=UTC)
    case = _after(
        promised().case, remind.decide(promised().case, PLAYBOOK, letters(), THURSDAY - DAY), THURSDAY - DAY
    )
    told = remind.due_today(case, PLAYBOOK, ANA, morning)
    assert [str(matter.key) for matter in told] == [
        "promise-1 due 2026-12-03T15:00",
        "silence 2026-12-01T10:00",
    ]
    for matter in told:
        case = lifecycle.after(case, OwnerNudged(at=morning, matter=str(matter.key), whom="ana"))
    assert remind.was_reminded_on(case, ANA, morning.date(), PLAYBOOK.calendar)
    assert not remind.was_reminded_on(case, LEE, morning.date(), PLAYBOOK.calendar)
    for hours in range(14):
        assert [
            s
            for s in remind.decide(case, PLAYBOOK, letters(), morning + hours * HOUR)
            if isinstance(s, Letter)
        ] == []
    _, mails = lived(case, datetime(2026, 12, 7, 10, tzinfo=UTC))
    assert LEE.email in [mail.to.address for at, mail in mails if at.day == 7]
    assert [mail.to.address for at, mail in mails if at.day == 3] == []


def test_a_digest_tells_a_lead_of_nothing_before_it_is_escalated() -> None:
    case = promised().case
    morning = datetime(2026, 12, 4, 9, tzinfo=UTC)  # the lead hears at three
    assert remind.due_today(case, PLAYBOOK, LEE, morning) == ()
    assert len(remind.due_today(case, PLAYBOOK, LEE, morning + 6 * HOUR)) == 1


def test_a_question_that_only_one_person_can_answer_is_sent_at_once() -> None:
    story = a_case().granted(
        Gift.REFUND, "120", state=GrantState.WAITING_APPROVAL, agent="ana", granted_at=NOW
    )
    case = lifecycle.after(story.case, OwnerNudged(at=NOW - HOUR, matter="something", whom="lee"))
    [mail] = [step for step in remind.decide(case, PLAYBOOK, letters(), NOW) if isinstance(step, Letter)]
    assert (mail.kind, mail.to.address) == (LetterKind.APPROVAL, LEE.email)


def test_a_missing_approval_escalates_to_a_manager() -> None:
    story = a_case().granted(
        Gift.REFUND, "120", state=GrantState.WAITING_APPROVAL, agent="ana", granted_at=NOW
    )
    _, mails = lived(story.case, NOW + DAY + HOUR)
    approvals = [(at, mail.to.address) for at, mail in mails if mail.kind == LetterKind.APPROVAL]
    assert approvals == [(NOW, LEE.email), (NOW + DAY, MAX.email)]


def test_a_deadline_at_night_is_asked_about_in_the_morning() -> None:
    night = datetime(2026, 12, 3, 23, 59, tzinfo=UTC)
    _, mails = lived(promised(night).case, night + 10 * HOUR)
    assert [at for at, mail in mails if "Was it kept?" in flat(mail.text)] == [
        datetime(2026, 12, 4, 9, tzinfo=UTC)
    ]


def test_a_deadline_at_the_closing_time_is_asked_about_at_the_closing_time() -> None:
    close = datetime(2026, 12, 3, 17, tzinfo=UTC)
    _, mails = lived(promised(close).at(NOW + 8 * HOUR).agent_wrote().case, close + HOUR)
    assert mails[-1][0] == close


@pytest.mark.parametrize(
    ("told", "own"),
    [
        # the clocks of London go forward on Sunday 28 March 2027, and back on Sunday 25 October 2026
        (datetime(2027, 3, 29, 10, tzinfo=UTC), datetime(2027, 3, 26, 15, tzinfo=UTC)),
        (datetime(2026, 10, 26, 11, tzinfo=UTC), datetime(2026, 10, 23, 14, tzinfo=UTC)),
    ],
)
def test_the_internal_deadline_is_four_business_hours_earlier_through_daylight_saving(
    told: datetime, own: datetime
) -> None:
    assert PLAYBOOK.calendar.before(told, Duration(4, "business hour")) == own


def _day(at: datetime) -> date:
    return PLAYBOOK.calendar.local(at).date()


def test_the_summary_names_what_was_given() -> None:
    case = a_case().granted(Gift.REFUND, "25").case
    assert "the refund of 25.00 EUR: granted" in remind.summary_of(case, PLAYBOOK, NOW)


def test_a_company_that_works_on_saturdays_is_reminded_on_saturdays() -> None:
    calendar = Calendar(timezone="Europe/London", days=frozenset(range(6)))
    playbook = replace(PLAYBOOK, calendar=calendar)
    saturday = datetime(2026, 12, 5, 12, tzinfo=UTC)
    case = promised(saturday).case
    nudged = _after(case, remind.decide(case, playbook, letters(), saturday - DAY), saturday - DAY)
    assert remind.next_due(nudged, playbook) == saturday


def stopped() -> Case:
    case = promised().at(NOW + 6 * HOUR).agent_wrote().kept().knows().fixed().case
    return lifecycle.after(
        case, LetterStopped(at=NOW + 7 * HOUR, kind="letter", why="nobody believes an apology twice")
    )


def test_a_letter_that_could_not_be_written_escalates_until_it_is_written() -> None:
    _, mails = lived(stopped(), NOW + 9 * DAY)
    heard = [mail for _, mail in mails if "etter could not be written: nobody believes" in flat(mail.text)]
    assert [mail.to.name for mail in heard] == ["Ana Reyes", "Lee Park", "Max Ito"]
    assert [mail.kind for mail in heard] == [LetterKind.NUDGE, LetterKind.ESCALATION, LetterKind.ESCALATION]


def test_a_letter_that_was_written_after_all_is_not_reminded_of() -> None:
    now = NOW + 8 * HOUR
    letter = LetterWritten(
        at=now,
        key="FU-7K3Q9.follow-up.1",
        kind=LetterKind.FOLLOW_UP,
        to="kim@customers.test",
        subject="Re: a parcel",
    )
    _, mails = lived(lifecycle.after(stopped(), letter), NOW + 9 * DAY)
    assert [mail for _, mail in mails if "could not be written" in flat(mail.text)] == []


def test_what_stopped_a_letter_is_not_reminded_of_in_a_later_stage() -> None:
    case = stopped()
    assert case.stopped
    moved = lifecycle.after(case, Reopened(at=NOW + 8 * HOUR, why="it broke again"))
    assert moved.stopped is None
