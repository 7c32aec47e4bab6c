"""The report as it is typed: for people, for programs, for finance."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from followupd.cli.main import main
from tests.journeys.test_stories import followed_up
from tests.journeys.world import CUSTOMER, World


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
    assert datetime.fromisoformat(row["issued_at"]) == datetime(2026, 12, 1, 10, 11, tzinfo=UTC)

    assert main(["report", "--compensation", "--since", "2026-12-02", "--json", *config]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["report", "--since", "the other day", *config]) == 2
