"""The monthly page: a simulated month of cases -> figures, page, CSV, and one mail on the first working day."""

import base64
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from followupd.adapters.settings import load
from followupd.app.container import App, build
from followupd.cli.report import table_csv
from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case, Outcome, OutcomeRecord
from followupd.domain.events import Event
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Person
from followupd.domain.promise import Promise, PromiseKind
from followupd.recovery.past.monthly import (
    Month,
    MonthBook,
    MonthlyReport,
    Share,
    headline,
    monthly_view,
    page_values,
    tables,
    times_asked,
)
from followupd.services.maintenance import MonthlyService, monthly_page, monthly_report
from tests.story.configured import MINIMAL

CALENDAR = Calendar(timezone="Europe/London")
NOVEMBER = Month.parse("2026-11", CALENDAR)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CAUSES = ("carrier", "carrier", "carrier", "picking", "billing", "product", "web", "other")


def life(number: int, seed: int = 1, month: Month = NOVEMBER) -> list[Event]:
    """The events of one case of a month: some promises are kept early, some late, some not."""
    chance = random.Random(seed * 100_000 + number)
    at = month.begin + timedelta(minutes=chance.randrange(29 * 24 * 60))
    ref = f"FU-{number:05}"
    due = at + 3 * DAY
    promise = Promise(
        n=1,
        text="find out what happened",
        kind=PromiseKind.FIRM,
        internal_deadline=due,
        promised_by=due,
        owner=chance.choice(("ana", "lee")),
        made_at=at,
    )
    first = e.CaseOpened(
        at=at,
        ref=ref,
        mailbox="support",
        customer=Person(f"{ref.lower()}@customers.test"),
        subject="My kettle",
        playbook="default",
        owner="ana",
        story="My kettle never came.",
    )
    events: list[Event] = [
        first,
        e.ComplaintHeard(at=at),
        e.PromiseMade(at=at, promise=promise),
        e.AgentWrote(at=at + chance.randrange(1, 30) * HOUR, by="Ana Reyes"),
        e.FactsStated(
            at=at, facts=(("cause_code", chance.choice(CAUSES)), ("prevention", "labels are checked"))
        ),
    ]
    end = chance.random()
    if end < 0.9:
        events.append(e.PromiseKept(at=at + (2 if end < 0.7 else 4) * DAY, n=1))
        events.append(e.Fixed(at=at + 5 * DAY))
        events.append(e.FollowedUp(at=at + 8 * DAY, key=f"{ref}.follow-up.1", kind=LetterKind.FOLLOW_UP))
    if end < 0.5:
        events.append(e.Closed(at=at + 20 * DAY))
    return events


def cases(number: int) -> list[Case]:
    return [lifecycle.fold(life(n)) for n in range(number)]


def book(number: int) -> MonthBook:
    found = MonthBook(NOVEMBER, CALENDAR)
    for case in cases(number):
        found.add(case, case.we_wrote_at, 2)
    return found


def reported(number: int) -> MonthlyReport:
    return MonthlyReport(book(number), ())


def test_effort_is_mails_of_the_customer_and_how_often_they_had_to_ask() -> None:
    at = NOVEMBER.begin + DAY
    again = [e.CustomerWrote(at=at + n * HOUR, text="Where is it?") for n in range(2)]
    thanks = e.CustomerWrote(at=at + DAY, text="Thanks", content=True)
    found = MonthBook(NOVEMBER, CALENDAR)
    asks = times_asked(("FU-00001", mail) for mail in [*again, thanks])
    assert asks == {"FU-00001": 2}
    for events in ([*life(1)[:2], *again, thanks], life(2)[:2]):
        case = lifecycle.fold(events)
        found.add(case, None, 1 + asks[case.ref], asks[case.ref])
    (effort,) = [table for table in tables(MonthlyReport(found, ())) if table.name == "effort"]
    assert list(effort.rows) == [
        ("the customer's mails per case", "2.0", "2"),
        ("times the customer had to ask, per case", "1.0", "2"),
    ]


def test_a_month_is_the_companys_own() -> None:
    october = Month.parse("2026-10", CALENDAR)
    assert october.end == NOVEMBER.begin == datetime(2026, 11, 1, tzinfo=UTC)
    assert october.begin == datetime(2026, 9, 30, 23, tzinfo=UTC)
    assert Month.before(NOVEMBER.first_day, CALENDAR).name == "2026-10"
    assert Month.parse("2026-12", CALENDAR).following.isoformat() == "2027-01-01"
    for wrong in ("2026-13", "november", "2026", ""):
        with pytest.raises(ValueError, match="is no month"):
            Month.parse(wrong, CALENDAR)


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(0, 5, 0.0, 0.35), (5, 10, 0.27, 0.73), (90, 100, 0.84, 0.94), (0, 0, 0, 1)],
)
def test_a_share_has_an_interval_of_ninety_percent(count: int, total: int, low: float, high: float) -> None:
    share = Share("", count, total)
    assert share.low == pytest.approx(low, abs=0.01)
    assert share.high == pytest.approx(high, abs=0.01)


@pytest.mark.parametrize("number", [0, 4, 40, 400])
def test_every_complaint_and_promise_of_the_month_is_counted_once(number: int) -> None:
    found = book(number)
    assert found.opened == number
    assert sum(map(sum, (counts for _, counts in found.week_rows()))) == number
    assert found.promises().total() == sum(
        NOVEMBER.has(case.promises[0].promised_by) for case in cases(number)
    )
    assert len(found.main_causes) <= 5


def test_a_promise_ends_early_in_time_late_or_broken() -> None:
    ended = book(400).promises()
    assert ended["early"] > ended["late"] > 0
    assert ended["broken"] > 0
    assert book(400).in_time().count == ended["early"] + ended["in time"]


def test_a_case_of_another_month_counts_only_by_what_happened_in_this_one() -> None:
    december = Month.parse("2026-12", CALENDAR)
    found = MonthBook(december, CALENDAR)
    for case in cases(100):
        found.add(case, case.we_wrote_at, 2)
    assert found.opened == 0
    assert found.hours["follow-up"]
    assert 0 < found.promises().total() < 100


def test_outcomes_are_counted_by_cause_and_gesture_and_a_forgotten_customer_has_none() -> None:
    record = OutcomeRecord(after="30 days", outcome=Outcome.COMPLAINED_OTHER, at=NOVEMBER.begin + DAY)
    case = replace(cases(1)[0], outcomes=(record,))
    found = MonthBook(NOVEMBER, CALENDAR)
    found.add(case, None, 1)
    found.add(replace(case, customer=Person("")), None, 1)
    assert [(after, share.label, share.count, share.total) for after, share in found.came_back()] == [
        ("30 days", "all", 1, 1),
        ("30 days", case.facts.cause_code, 1, 1),
        ("30 days", "nothing given", 1, 1),
    ]


def test_the_headline_says_how_many_and_why_and_whether_the_word_was_kept() -> None:
    said = [str(sentence) for sentence in headline(reported(40))]
    assert said[0] == "complaints in 2026-11: 40"
    assert said[1].startswith("the most frequent cause was carrier (")
    assert "promises that were due were kept in time" in said[2]


@pytest.mark.parametrize(("number", "drawn"), [(4, 0), (40, 1)])
def test_nothing_is_drawn_of_fewer_than_five(number: int, drawn: int) -> None:
    page = monthly_page(reported(number), "Example <Ltd>")
    assert ("<svg" in page) is bool(drawn)
    assert "Example &lt;Ltd&gt;" in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_page_names_the_month_groups_digits_and_begins_with_what_waits() -> None:
    page = monthly_page(reported(4000), "Example Ltd")
    assert "complaints of November 2026</h1>" in page
    assert "Complaints in November 2026: 4,000." in page
    assert "(4,000 in all)" in page
    assert '<td class="n">8.0 days</td>' in page
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles.index("What needs you now") < titles.index("Against the clock")


def test_the_same_cases_give_the_same_bytes() -> None:
    assert monthly_page(reported(60), "Example Ltd") == monthly_page(reported(60), "Example Ltd")
    shuffled = cases(60)
    random.Random(5).shuffle(shuffled)
    found = MonthBook(NOVEMBER, CALENDAR)
    for case in shuffled:
        found.add(case, case.we_wrote_at, 2)
    other = page_values(MonthlyReport(found, ()), "Example Ltd")
    one = page_values(reported(60), "Example Ltd")
    assert {**other, "sections": 0} == {**one, "sections": 0}


def test_each_table_is_a_file_without_formulas() -> None:
    for table in tables(reported(40)):
        lines = table_csv(table.head, table.rows).splitlines()
        assert len(lines) == 1 + len(table.rows)
    assert table_csv(("a",), [("=1+1",)]).splitlines()[1] == '"\'=1+1"'
    assert monthly_view(reported(40))["complaints"] == 40


# --- over a real ledger ---


def configured(directory: Path) -> App:
    """A company whose page of the month goes to two addresses, with an empty ledger."""
    (directory / "playbooks").mkdir()
    (directory / "playbooks/default.toml").write_text("")
    (directory / "key").write_text(base64.b64encode(bytes(range(32))).decode())
    ledger = f'[ledger]\nurl = "sqlite:///{directory}/ledger.db"\nkey = "file:{directory}/key"\n'
    report = '[report]\nmonthly = ["boss@example.com", "lee@example.com"]\n'
    (directory / "followupd.toml").write_text(MINIMAL + ledger + report)
    found = build(load(directory))
    found.ledger.upgrade()
    return found


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    found = configured(tmp_path)
    yield found
    found.ledger.close()


def fill(
    app: App, number: int, month: Month = NOVEMBER, change: Callable[[Event], Event] = lambda event: event
) -> None:
    """Store cases of a month; `change` makes other events of theirs."""
    with app.ledger.transaction() as tx:
        for n in range(number):
            first, *events = map(change, life(n, month=month))
            assert isinstance(first, e.CaseOpened)
            tx.cases.record(tx.cases.open(first), events, lambda _case: None, first.at)


def test_the_ledger_tells_how_often_each_customer_asked(app: App) -> None:
    fill(app, 3)
    with app.ledger.transaction() as tx:
        at = NOVEMBER.begin + 10 * DAY
        wrote = [
            e.CustomerWrote(at=at, text="Where is it?"),
            e.CustomerWrote(at=at, text="Thanks", content=True),
        ]
        tx.cases.record(tx.cases.get("FU-00001"), wrote, lambda _case: None, at)
    with app.ledger.snapshot() as tx:
        found = monthly_report(tx, NOVEMBER, CALENDAR, lambda _: True)
        later = list(tx.cases.events_of(e.CustomerWrote, NOVEMBER.end))
    assert (sorted(found.book.asks), later) == ([0, 0, 1], [])


def queued(app: App) -> list[str]:
    with app.ledger.transaction() as tx:
        return [entry.letter.key for entry in tx.outbox.all() if "month" in entry.letter.key]


def test_the_ledger_gives_the_figures_of_its_cases(app: App) -> None:
    fill(app, 40)
    with app.ledger.transaction() as tx:
        found = monthly_report(tx, NOVEMBER, CALENDAR, lambda _: True)
    mine = reported(40)
    assert (found.book.opened, found.book.causes) == (40, mine.book.causes)
    assert found.book.promises() == mine.book.promises()
    assert found.book.hours["first word"]


FIRST_DAY = datetime(2026, 12, 1, 9, tzinfo=UTC)


def test_the_page_is_mailed_once_on_the_first_working_day_whatever_dies(app: App) -> None:
    fill(app, 10)
    assert app.monthly.run(FIRST_DAY - timedelta(minutes=1)) == 0
    assert app.monthly.run(FIRST_DAY) == 2
    restarted = MonthlyService(app.monthly.context, app.monthly.addresses)
    for at in (FIRST_DAY, FIRST_DAY + DAY, FIRST_DAY + 30 * DAY):
        assert restarted.run(at) == 0
    assert len(queued(app)) == 2

    with app.ledger.transaction() as tx:
        [letter, _] = [entry.letter for entry in tx.outbox.all()]
    assert letter.to.address in {"boss@example.com", "lee@example.com"}
    assert "omplaints in 2026-11: 10" in letter.text
    [page] = letter.attachments
    assert page.filename == "complaints-2026-11.html"


def test_a_kill_between_two_mails_repeats_neither(app: App) -> None:
    fill(app, 10)
    one = MonthlyService(app.monthly.context, app.monthly.addresses[:1])
    assert one.run(FIRST_DAY) == 1
    assert app.monthly.run(FIRST_DAY) == 1
    assert len(set(queued(app))) == 2


def test_a_month_without_complaints_has_no_mail(app: App) -> None:
    assert app.monthly.run(FIRST_DAY) == 0
    assert queued(app) == []


def test_a_month_without_complaints_is_looked_at_once_a_day_and_not_in_every_cycle(app: App) -> None:
    assert app.monthly.run(FIRST_DAY) == 0
    fill(app, 10)  # what would be found, if the cases were read
    assert app.monthly.run(FIRST_DAY + timedelta(hours=23)) == 0
    assert app.monthly.run(FIRST_DAY + DAY) == 2
