"""It happened again: causes, preventions that were told and later cases over simulated years -> who is told what."""

import base64
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp, lgamma, log
from pathlib import Path

import pytest
from sqlalchemy import text

from followupd.adapters.settings import load
from followupd.app.container import App, build
from followupd.domain import events as e
from followupd.domain.calendar import Duration
from followupd.domain.case import Case
from followupd.domain.command import Command
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Person
from followupd.errors import NotUnderstoodError
from followupd.languages import catalogue
from followupd.recovery import commands
from followupd.recovery.blockers import blockers_of
from followupd.recovery.past.learn import CaseHistory, report
from followupd.recovery.recurrence import (
    USUAL,
    YEAR,
    CauseCase,
    Spike,
    came_back,
    happened_again,
    says_the_same,
    spike,
)
from followupd.recovery.remind.reminders import reminders_of
from followupd.services.context import PromiseLineReader
from tests.builders import NOW, PLAYBOOK, Story, a_case
from tests.story.configured import MINIMAL

DAY = timedelta(days=1)
ENGLISH = catalogue().language("en")
CHECKED = "labels are checked twice now"


def known(days_ago: float, told_days_ago: float | None = None, ref: str = "FU-OLD01") -> CauseCase:
    told = None if told_days_ago is None else NOW - told_days_ago * DAY
    return CauseCase(ref, NOW - days_ago * DAY, told)


def about(cause: str = "carrier", **facts: str) -> Story:
    stated = {"cause_code": cause} | facts
    return a_case().happened(e.FactsStated(at=NOW, facts=tuple(stated.items())))


# earlier cases of the cause -> how many were told, and the how manieth since this one is
AGAIN = {
    "nobody was told": ([known(50)], None),
    "one was told": ([known(50, 40)], (1, 1)),
    "told after this case had come": ([known(50, -1)], None),
    "told more than a year ago": ([known(400, 366)], None),
    "told a year ago to the day": ([known(400, 365)], (1, 1)),
    "two were told, and one came since": ([known(50, 40), known(30, 20, "FU-OLD02")], (2, 2)),
    "one was told, and two came since": (
        [known(50, 40), known(30, None, "FU-OLD02"), known(10, None, "FU-OLD03")],
        (1, 3),
    ),
    "what came before it was told does not count": ([known(50, 40), known(45, None, "FU-OLD02")], (1, 1)),
    "fourteen were told": ([known(200 + n, 90 + n, f"FU-{n:05}") for n in range(14)], (14, 1)),
}


@pytest.mark.parametrize(("cases", "expected"), AGAIN.values(), ids=AGAIN)
def test_a_cause_that_came_back_is_noticed(cases: list[CauseCase], expected: tuple[int, int] | None) -> None:
    found = happened_again(about().case, cases, (), NOW)
    assert (found and (found.told, found.nth)) == expected


def test_a_case_is_compared_once_for_a_cause() -> None:
    event = happened_again(about().case, [known(50, 40)], (), NOW)
    assert event is not None
    case = about().happened(event).case
    assert happened_again(case, [known(50, 40)], (), NOW) is None


def back(**facts: str) -> Case:
    story = about(**facts)
    event = happened_again(story.case, [known(50, 40)], [CHECKED], NOW)
    assert event is not None
    return story.happened(event).case


SAYS = {
    "nothing yet": ({}, True),
    "the same again": ({"prevention": "Labels are checked twice now."}, True),
    "something else": ({"prevention": "another carrier brings our parcels since Monday"}, False),
}


@pytest.mark.parametrize(("facts", "blocked"), SAYS.values(), ids=SAYS)
def test_the_sentence_waits_until_somebody_says_what_is_different(
    facts: dict[str, str], blocked: bool
) -> None:
    case = back(**facts)
    assert ("again" in [blocker.name for blocker in blockers_of(case, PLAYBOOK)]) is blocked
    new = e.FactsStated(at=NOW, facts=(("prevention", "another carrier brings our parcels"),))
    assert "again" not in [blocker.name for blocker in blockers_of(Story(case).happened(new).case, PLAYBOOK)]


def test_owner_and_lead_are_told_at_once_of_what_was_told() -> None:
    told = [each for each in reminders_of(back(), PLAYBOOK) if each.key.kind == "again"]
    assert [(each.level, each.at, each.at_once) for each in told] == [
        ("owner", NOW, True),
        ("lead", NOW, True),
    ]
    assert "we told a customer that carrier would not happen again; this is case 1 since" in told[0].sentence


def say(case: Case, line: str, told_others: tuple[str, ...] = ()) -> list[e.Event]:
    reader = PromiseLineReader(PLAYBOOK, ENGLISH)
    verb, _, text = line.partition(": ")
    context = commands.CommandContext(case, PLAYBOOK, frozenset(), reader, NOW, told_others=told_others)
    return commands.handle(Command(verb, text, "Ana Reyes", "note", "ana"), context)


def test_what_customers_were_told_before_is_no_answer_to_what_is_different() -> None:
    with pytest.raises(NotUnderstoodError, match="it has happened again; what is different now"):
        say(back(), f"prevention: {CHECKED}", (CHECKED,))
    [stated] = say(back(), "prevention: We have given our parcels to another carrier.", (CHECKED,))
    assert isinstance(stated, e.FactsStated)


@pytest.mark.parametrize(
    ("text", "same"), [("Labels are checked twice now", True), ("we changed the carrier", False), ("", False)]
)
def test_texts_that_say_nearly_the_same_are_the_same(text: str, same: bool) -> None:
    assert says_the_same(text, [CHECKED]) is same


def test_a_follow_up_remembers_which_cause_it_told_would_not_come_back() -> None:
    story = about().knows().fixed().at(NOW + DAY).followed_up()
    assert story.case.prevented == (("carrier", NOW + DAY),)
    anew = story.happened(e.Reopened(at=NOW + 2 * DAY, anew=True)).case
    assert anew.prevented == (("carrier", NOW + DAY),)


def test_the_report_lists_causes_that_came_back() -> None:
    later = [known(30, None, "FU-OLD02"), known(10, None, "FU-OLD03")]
    found = came_back("carrier", [known(50, 40), *later])
    assert found is not None
    assert (found.told, found.since) == (1, tuple(later))
    assert came_back("carrier", [known(50, 5), *later]) is None


# --- what we promise ourselves ---


def test_an_action_is_a_promise_to_ourselves_and_the_letter_waits_for_it() -> None:
    [planned] = say(about().case, "action: check every label by Friday owner lee")
    assert isinstance(planned, e.ActionPlanned)
    assert (planned.action.n, planned.action.text, planned.action.owner) == (1, "check every label", "lee")

    story = about().knows().happened(planned)
    assert "action-1" in [blocker.name for blocker in blockers_of(story.case, PLAYBOOK)]
    due = [each for each in reminders_of(story.case, PLAYBOOK) if each.key.kind == "action"]
    assert [each.level for each in due] == ["owner", "lead", "manager"]

    done = story.happened(*say(story.case, "kept: 1")).case
    assert not done.open_actions
    assert "action-1" not in [blocker.name for blocker in blockers_of(done, PLAYBOOK)]


LINES = {
    "by the owner of the case": ("action: check every label by Friday", "ana"),
    "a colon behind owner": ("action: check every label by Friday, owner: lee", "lee"),
    "in German": ("action: check every label by Friday, zuständig lee", "lee"),
    "the name alone": ("action: check every label by Friday lee", "lee"),
}


@pytest.mark.parametrize(("line", "owner"), LINES.values(), ids=LINES)
def test_the_agent_of_an_action_is_read(line: str, owner: str) -> None:
    [planned] = say(about().case, line)
    assert isinstance(planned, e.ActionPlanned)
    assert (planned.action.text, planned.action.owner) == ("check every label", owner)


@pytest.mark.parametrize(
    "line",
    [
        "action: check every label",
        "action: by Friday",
        "action: check every label by Friday owner nobody",
        "action: check every label by 3 November 2026 owner lee",
    ],
)
def test_half_an_action_comes_back(line: str) -> None:
    with pytest.raises(NotUnderstoodError):
        say(about().case, line)


def test_an_action_moves_and_is_dropped_like_a_promise() -> None:
    story = about().happened(*say(about().case, "action: check every label by Friday"))
    later = story.happened(*say(story.case, "late: 1 until 18 December because the printer is late"))
    assert later.case.open_actions[0].due.day == 18
    assert later.case.next_promise == 2
    assert not story.happened(*say(story.case, "withdraw: 1 because the printer is sold")).case.actions


def test_the_number_of_an_action_that_was_dropped_is_not_given_again() -> None:
    story = about().happened(*say(about().case, "action: check every label by Friday"))
    story.happened(*say(story.case, "withdraw: 1 because the printer is sold"))
    [planned] = say(story.case, "action: buy a printer by Friday")
    assert isinstance(planned, e.ActionPlanned)
    assert planned.action.n == 2


# --- spikes ---

START = datetime(2000, 1, 3, tzinfo=UTC)


def calm(a_week: float, years: int, seed: int) -> Iterator[datetime]:
    """Cases of one cause at random."""
    chance, at = random.Random(seed), START
    while at < START + years * YEAR:
        yield at
        at += timedelta(weeks=chance.expovariate(a_week))


@pytest.mark.parametrize(("a_week", "seed"), [(0.05, 1), (0.2, 2), (0.7, 3), (5.0, 4), (9.0, 5)])
def test_there_is_no_alarm_in_fifty_calm_years(a_week: float, seed: int) -> None:
    times = list(calm(a_week, 50, seed))
    alarms = [n for n in range(1, len(times) + 1) if spike(times[max(0, n - 200) : n], START)]
    assert alarms == []


def poisson_tail(least: int, mean: float) -> float:
    """The chance of at least so many cases; the terms are added from the largest on, as small ones would be lost."""
    return sum(exp(n * log(mean) - mean - lgamma(n + 1)) for n in range(least, least + 60))


#: cases a week -> in how many minutes three cases are no chance, and how many cases of one day are none
POSSIBLE = {
    0.05: (5_633, 3),
    0.2: (700, 4),
    0.7: (106, 5),
    1.0: (62, 5),
    3.0: (12, 7),
    5.0: (5, 9),
    7.0: (3, 10),
    9.0: (2, 11),
}


@pytest.mark.parametrize(("a_week", "minutes", "in_a_day"), [(rate, *row) for rate, row in POSSIBLE.items()])
def test_no_statistic_can_tell_three_cases_of_a_frequent_cause_from_chance(
    a_week: float, minutes: int, in_a_day: int
) -> None:
    """Even if the rate were known exactly: in 50 calm years an alarm may have a chance of 1 in 20."""
    windows = 50 * (YEAR / timedelta(weeks=1)) * a_week  # each case begins one
    week_of_minutes = 7 * 24 * 60
    for within, is_enough in ((minutes, True), (minutes + max(1, minutes // 50), False)):
        assert (windows * poisson_tail(2, a_week * within / week_of_minutes) <= 0.05) is is_enough
    for count, is_enough in ((in_a_day, True), (in_a_day - 1, False)):
        assert (windows * poisson_tail(count - 1, a_week / 7) <= 0.05) is is_enough


@pytest.mark.parametrize(
    ("a_week", "in_a_day"), [(rate, row[1]) for rate, row in POSSIBLE.items() if rate >= 0.7]
)
@pytest.mark.parametrize("seed", range(5))
def test_a_spike_of_a_frequent_cause_is_found_soon_after_that_is_possible(
    a_week: float, in_a_day: int, seed: int
) -> None:
    times = list(calm(a_week, 3, seed))
    planted = times[-1] + DAY
    counts = [n for n in range(1, 20) if spike([*times, *(planted + i * DAY / 20 for i in range(n))], START)]
    assert in_a_day <= counts[0] <= in_a_day + 4


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("apart", [timedelta(minutes=5), timedelta(hours=3)], ids=str)
def test_a_planted_spike_is_found_within_three_cases(seed: int, apart: timedelta) -> None:
    times = list(calm(0.02, 3, seed))
    planted = times[-1] + USUAL + DAY
    counts = [n for n in (1, 2, 3) if spike([*times, *(planted + i * apart for i in range(n))], START)]
    assert counts == [3]


def test_nothing_is_usual_in_the_first_twelve_weeks() -> None:
    burst = [START + timedelta(days=20, hours=n) for n in range(9)]
    assert spike(burst, START) is None
    assert spike(burst, START - USUAL) == Spike(3, burst[-3], 0) or spike(burst, START - USUAL)


def test_a_recurrence_of_another_cause_blocks_nothing() -> None:
    case = back()
    other = replace(case, facts=replace(case.facts, cause_code="billing"))
    assert other.came_back is None
    assert not [each for each in reminders_of(other, PLAYBOOK) if each.key.kind == "again"]


# --- the whole way, over a real ledger ---


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/default.toml").write_text('causes = ["carrier", "billing"]\n')
    key = base64.b64encode(bytes(range(32))).decode()
    (tmp_path / "key").write_text(key)
    ledger = f'[ledger]\nurl = "sqlite:///{tmp_path}/ledger.db"\nkey = "file:{tmp_path}/key"\n'
    lead = '[[agent]]\nid = "lee"\nname = "Lee Park"\nemail = "lee@example.com"\nphone = "+44 20 7946 0019"\n'
    (tmp_path / "followupd.toml").write_text(MINIMAL + lead + 'role = "lead"\n' + ledger)
    found = build(load(tmp_path))
    found.ledger.upgrade()
    yield found
    found.ledger.close()


def live(app: App, ref: str, opened_at: datetime, *, told: bool) -> None:
    """A complaint about the carrier, with a follow-up that was sent or not yet."""
    customer = Person(f"{ref.lower()}@customers.test")
    first = e.CaseOpened(
        at=opened_at,
        ref=ref,
        mailbox="support",
        customer=customer,
        subject="My kettle",
        playbook="default",
        owner="ana",
    )
    facts = (("cause_code", "carrier"), *((("prevention", CHECKED),) if told else ()))
    events: list[e.Event] = [
        e.ComplaintHeard(at=opened_at, by="Ana Reyes"),
        e.FactsStated(at=opened_at, facts=facts),
    ]
    if told:
        key = f"{ref}.follow-up.1"
        events += [
            e.Fixed(at=opened_at + DAY),
            e.FollowedUp(at=opened_at + 4 * DAY, key=key, kind=LetterKind.FOLLOW_UP),
            e.Closed(at=opened_at + 9 * DAY),
        ]
    with app.ledger.transaction() as tx:
        tx.cases.record(tx.cases.open(first), events, lambda _case: None if told else opened_at, opened_at)


def notices(app: App) -> list[str]:
    with app.ledger.transaction() as tx:
        return [entry.letter.text for entry in tx.outbox.all() if "no chance" in entry.letter.text]


def test_a_cause_that_comes_back_is_recorded_and_a_spike_is_told_once(app: App) -> None:
    year = NOW - YEAR
    for n in range(3):
        live(app, f"FU-TOLD{n}", year + n * 40 * DAY, told=True)
    for n in range(5):
        at = NOW + n * timedelta(hours=1)
        live(app, f"FU-NEWS{n}", at, told=False)
        app.cases.run(at)

    with app.ledger.transaction() as tx:
        found = [tx.cases.get(f"FU-NEWS{n}").recurrence for n in range(5)]
        again = came_back("carrier", tx.cases.of_cause("carrier"))
    assert [(each.told, each.nth) for each in found if each] == [
        (2, 2),
        (2, 3),
        (2, 4),
        (2, 5),
        (2, 6),
    ] or found
    assert again is not None
    assert (again.told, len(again.since)) == (3, 7)
    assert len(notices(app)) == 1


def test_a_forgotten_customer_was_told_nothing(app: App) -> None:
    live(app, "FU-TOLD1", NOW - 40 * DAY, told=True)
    with app.ledger.transaction() as tx:
        assert len(tx.cases.of_cause("carrier")) == 1
        tx.erasure.erase("fu-told1@customers.test", "an admin", NOW)
        assert tx.cases.of_cause("carrier") == []


def test_cases_of_older_ledgers_get_their_causes(app: App) -> None:
    live(app, "FU-TOLD1", NOW - 40 * DAY, told=True)
    with app.ledger.transaction() as tx:
        tx.cases._session.connection().execute(
            text("UPDATE case_file SET cause = NULL, prevention_told_at = NULL")
        )
    app.calibration.run(NOW)
    with app.ledger.transaction() as tx:
        [found] = tx.cases.of_cause("carrier")
    assert found.told_at == NOW - 36 * DAY


def test_what_became_of_a_customer_is_recorded_when_its_day_has_come_and_goes_with_the_customer(
    app: App,
) -> None:
    live(app, "FU-TOLD1", NOW - 40 * DAY, told=True)
    with app.ledger.transaction() as tx:
        case = tx.cases.get("FU-TOLD1")
        tx.cases.record(case, [e.Remarked(at=NOW, text="closed well")], lambda _case: NOW, NOW)
    app.cases.run(NOW)
    with app.ledger.transaction() as tx:
        case = tx.cases.get("FU-TOLD1")
        assert [(record.after, record.outcome.value) for record in case.outcomes] == [("30 days", "silent")]
        assert case.wake_at == PLAYBOOK.calendar.after(NOW - 31 * DAY, Duration(90, "day"))
        tx.erasure.erase("fu-told1@customers.test", "an admin", NOW)
        histories = [CaseHistory(tx.cases.get("FU-TOLD1"), tx.cases.history("FU-TOLD1"))]
    assert report(histories).outcomes == {}
