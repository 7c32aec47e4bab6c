"""The report: causes, promises, durations, compensation; and a CSV file without formulas."""

import csv
import io
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followupd.cli.report import (
    COLUMNS,
    escape_formula,
    grant_rows,
    grants_csv,
    parse_since,
    report_html,
    report_view,
)
from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Case
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.events import Event
from followupd.domain.mail import Person
from followupd.domain.playbook import Company
from followupd.recovery.past.learn import UNSAID, CaseHistory, report
from tests.builders import NOW, PLAYBOOK, Story, a_case

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)


class Told(Story):
    """A story that keeps its history."""

    history: tuple[Event, ...] = ()

    def happened(self, *events: Event) -> "Told":
        self.history += events
        super().happened(*events)
        return self


def told(ref: str) -> Told:
    return Told(a_case(ref).case)


def life(story: Told) -> CaseHistory:
    return CaseHistory(story.case, story.history)


def kept_early() -> CaseHistory:
    story = told("FU-KEPT1").promised("ship it", FRIDAY).confirmed(1).at(FRIDAY - timedelta(hours=5)).kept()
    assert isinstance(story, Told)
    story.granted(Gift.REFUND, "25").issued().knows().happened(
        e.FactsStated(at=story.now, facts=(("cause_code", "carrier"),))
    )
    return life(story.fixed())


def broken() -> CaseHistory:
    story = told("FU-BR0KE").promised("ship it", FRIDAY).at(FRIDAY)
    return life(
        story.happened(
            e.PromiseLate(at=NOW, n=1, internal_deadline=FRIDAY, promised_by=FRIDAY),
            e.PromiseBroken(at=FRIDAY, n=1),
        )
    )


def test_promises_are_counted_by_whether_they_were_kept_in_time_and_by_whom() -> None:
    found = report([kept_early(), broken()])
    assert (found.promises.made, found.promises.kept, found.promises.in_time, found.promises.broken) == (
        2,
        1,
        1,
        1,
    )
    assert found.promises.late == 1
    assert found.promises.rate == 0.5
    assert found.promises.early == timedelta(hours=5)
    assert list(found.owners) == ["ana"]


def test_a_promise_kept_after_its_date_is_kept_and_not_in_time() -> None:
    story = told("FU-LATE1").promised("ship it", FRIDAY).at(FRIDAY + timedelta(days=3)).kept()
    found = report([life(story)])
    assert (found.promises.kept, found.promises.in_time, found.promises.rate) == (1, 0, 0.0)


def test_causes_and_durations_are_reported() -> None:
    found = report([kept_early(), broken()])
    assert found.causes == {UNSAID: 1, "carrier": 1}
    assert found.times["fixed"].median == FRIDAY - timedelta(hours=5) - NOW
    assert found.times["first word"].count == 1
    assert "closed" not in found.times


def test_what_was_given_is_summed_by_kind_and_currency() -> None:
    [refunds] = report([kept_early(), broken()]).compensation
    assert (refunds.kind, refunds.state, refunds.count) == ("refund", GrantState.ISSUED, 1)
    assert refunds.total
    assert refunds.total.amount == "25.00"


def test_only_what_was_opened_since_then_counts() -> None:
    assert report([kept_early()], NOW + timedelta(days=1)).opened == 0


def test_a_report_without_cases_is_empty() -> None:
    found = report([])
    assert found.promises.rate is None
    assert report_view(found)["times"] == {}
    assert "<table>" not in report_html(found, Company(name="Example Ltd", timezone="UTC"))


def test_a_page_shows_what_people_typed_as_they_typed_it() -> None:
    life = kept_early()
    case = lifecycle.after(
        life.case, e.FactsStated(at=NOW, facts=(("cause_code", "<script>alert(1)</script>"),))
    )
    page = report_html(report([CaseHistory(case, life.history)]), Company(name="Ex & Co <b>", timezone="UTC"))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "Ex &amp; Co &lt;b&gt;" in page


def grants(customer: str = "kim@customers.test") -> Case:
    case = a_case().granted(Gift.REFUND, "25").issued().granted(Gift.COUPON, text="SORRY10").case
    return replace(case, customer=Person(customer))


def test_finance_gets_one_row_for_each_grant() -> None:
    first, second = grant_rows([grants()], None)
    assert first == {
        "case": "FU-7K3Q9",
        "number": 1,
        "customer": "kim@customers.test",
        "kind": "refund",
        "amount": "25.00",
        "currency": "EUR",
        "state": "issued",
        "granted_at": "2026-12-01T10:00:00Z",
        "granted_by": "Ana Reyes",
        "approved_by": None,
        "issued_at": "2026-12-01T10:00:00Z",
    }
    assert (second["kind"], second["amount"], second["issued_at"]) == ("coupon", None, None)
    assert grant_rows([grants()], NOW + timedelta(seconds=1)) == []


def test_a_proposal_is_no_row() -> None:
    assert grant_rows([a_case().granted(Gift.REFUND, "25", state=GrantState.PROPOSED).case], None) == []


def test_the_csv_reads_back_as_it_was_written() -> None:
    head, *rows = csv.reader(io.StringIO(grants_csv(grant_rows([grants()], None))))
    assert tuple(head) == COLUMNS
    assert rows[0][:6] == ["FU-7K3Q9", "1", "kim@customers.test", "refund", "25.00", "EUR"]


@pytest.mark.parametrize(
    "typed",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        " =1",
        "\t=1",
        "\r=1",
        "'=1",
        "＝1",
        "a;=1",
        'a",=1',
        "a\n=1",
        "a\t=1",
        "\ufeff=1",
        "a|=1",
    ],
)
def test_no_cell_begins_a_formula(typed: str) -> None:
    assert begins_none(escape_formula(typed))


@given(st.text())
def test_no_text_at_all_begins_a_formula_at_whatever_separator_it_is_cut(typed: str) -> None:
    written = grants_csv(grant_rows([grants(typed)], None))
    for separator in ",;\t|":
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=separator):
            assert all(begins_none(cell) for cell in row)


def begins_none(cell: str) -> bool:
    plain = unicodedata.normalize("NFKC", cell).strip().lstrip('"').strip()
    return not plain.startswith(("=", "+", "-", "@"))


def test_since_is_a_day_in_the_companys_zone_or_a_time_back_from_now() -> None:
    calendar = replace(PLAYBOOK.calendar, timezone="America/New_York")
    assert parse_since("2026-11-30", calendar, NOW) == datetime(2026, 11, 30, 5, tzinfo=UTC)
    assert parse_since("2 days", calendar, NOW) == NOW - timedelta(days=2)
    assert parse_since("", calendar, NOW) is None
    with pytest.raises(ValueError, match="neither a date"):
        parse_since("yesterday", calendar, NOW)
