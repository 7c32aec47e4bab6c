"""The report as it is typed: for people, for programs, for finance."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from followupd import clock
from followupd.cli.main import main
from followupd.domain import events as e
from followupd.domain.events import Event
from followupd.recovery.past.monthly import Month
from tests.journeys.test_stories import followed_up
from tests.journeys.world import CUSTOMER, World
from tests.policies.test_monthly import CALENDAR, configured, fill
from tests.typed import typed


def test_the_report_of_a_case_from_the_complaint_to_the_customers_thanks(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    followed_up(
        world,
        "promise: send a new parcel by Friday",
        "kept: 2",
        "refund: 25",
        "issued: 1",
        "cause-code: carrier",
    )
    world.customer_writes("Yes, thank you!", subject="Re: My parcel", answering=world.letters("follow-up")[0])
    config = ["--config", str(world.directory)]

    assert main(["report", *config]) == 0
    said = capsys.readouterr().out
    for words in ("1 case(s) opened", "carrier", "100%", "first word", "refund", "confirmed", "25.00 EUR"):
        assert words in said

    page = tmp_path / "report.html"
    assert main(["report", "--json", "--html", str(page), *config]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["promises"]["rate"] == 1.0
    assert found["compensation"] == [
        {"kind": "refund", "state": "confirmed", "count": 1, "sum": "25.00", "currency": "EUR"}
    ]
    assert found["times"]["follow-up"]["cases"] == 1
    assert "<h2>Promises</h2>" in page.read_text()

    assert main(["report", "--compensation", "--csv", *config]) == 0
    [row] = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["customer"], row["amount"], row["state"], row["granted_by"]) == (
        CUSTOMER,
        "25.00",
        "confirmed",
        "a test",
    )
    assert datetime.fromisoformat(row["issued_at"]) == datetime(2020, 12, 1, 10, 11, tzinfo=UTC)

    assert main(["report", "--compensation", "--since", "2020-12-02", "--json", *config]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["report", "--since", "the other day", *config]) == 2


# --- a month, and how long promises take ---

STEP = '[[next_step]]\ntext = "{{ owner.name }} writes to you with an answer"\nwithin = "1 business day"\n'


def of_the_step(event: Event) -> Event:
    """The promise of a case as the playbook's step makes it."""
    if not isinstance(event, e.PromiseMade):
        return event
    said = replace(event.promise, source="playbook", text="Ana Reyes writes to you with an answer")
    return replace(event, promise=said)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A company with forty complaints in November 2026 about the same step of its playbook."""
    app = configured(tmp_path)
    (tmp_path / "playbooks/default.toml").write_text(STEP)
    fill(app, 40, change=of_the_step)
    app.ledger.close()
    return tmp_path


def said(directory: Path, *words: str, code: int = 0) -> str:
    done = typed(*words, "--config", str(directory))
    assert done.returncode == code, done.stderr.decode()
    return (done.stderr if code else done.stdout).decode()


def test_a_month_is_printed_written_as_a_page_and_as_a_file_for_each_table(company: Path) -> None:
    printed = said(company, "report", "--month", "2026-11")
    assert "omplaints in 2026-11: 40" in printed
    assert "carrier" in printed

    page, tables = company / "november.html", company / "november"
    assert said(company, "report", "--month", "2026-11", "--html", str(page), "--tables", str(tables)) == ""
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert "40" in page.read_text()
    rows = {file.stem: list(csv.reader(io.StringIO(file.read_text()))) for file in tables.iterdir()}
    assert len(rows) > 5
    assert all(len({len(row) for row in table}) == 1 for table in rows.values())

    figures = json.loads(said(company, "report", "--month", "2026-11", "--json"))
    assert figures["complaints"] == 40
    again = company / "again.html"
    said(company, "report", "--month", "2026-11", "--html", str(again))
    assert again.read_bytes() == page.read_bytes()


@pytest.mark.parametrize("month", ["2026-09", "1999-01", "2999-12"])
def test_a_month_without_anything_says_so_and_draws_nothing(company: Path, month: str) -> None:
    page = company / "empty.html"
    assert f"omplaints in {month}: 0" in said(company, "report", "--month", month)
    said(company, "report", "--month", month, "--html", str(page), "--tables", str(company / "empty"))
    assert "<svg" not in page.read_text()
    assert json.loads(said(company, "report", "--month", month, "--json"))["complaints"] == 0


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-00", "november", "2026", "2026-11-05", "11/2026", "0000-01", "9999-12"]
)
def test_a_broken_month_is_told_with_an_example(company: Path, month: str) -> None:
    assert f'{month!r} is no month like "2026-11"' in said(company, "report", "--month", month, code=2)


def test_a_page_that_cannot_be_written_is_told_by_its_name(company: Path) -> None:
    assert "/nowhere/november.html" in said(
        company, "report", "--month", "2026-11", "--html", "/nowhere/november.html", code=1
    )


def test_how_long_a_step_takes_and_the_line_of_the_playbook_that_says_less(tmp_path: Path) -> None:
    app = configured(tmp_path)
    (tmp_path / "playbooks/default.toml").write_text("# ours\n" + STEP)
    month = Month.before(CALENDAR.local(clock.now()).date(), CALENDAR)
    fill(app, 40, month, of_the_step)
    app.ledger.close()

    sentence, change = said(tmp_path, "calibrate").splitlines()
    assert sentence.startswith("default, step 1 ({{ owner.name }} writes to you with an answer): told ")
    assert sentence.endswith("(40 cases)")
    assert change.strip().startswith('playbooks/default.toml:4: within = "')
    assert change.endswith('# was "1 business day"')

    [row] = json.loads(said(tmp_path, "calibrate", "--json"))
    assert (row["cases"], row["change"]["line"], row["change"]["from"]) == (40, 4, "1 business day")
    nothing = typed("calibrate", "--since", "1 hour", "--config", str(tmp_path))
    assert (nothing.returncode, nothing.stdout) == (0, b"")
    assert b"a kind of promise needs 15 cases" in nothing.stderr
    assert "the other day" in said(tmp_path, "calibrate", "--since", "the other day", code=2)
