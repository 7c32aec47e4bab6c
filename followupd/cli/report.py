"""report: what was learnt, for people; and every grant as a line, for finance."""

import argparse
import csv
import io
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from followupd.adapters.terminal import moment, write
from followupd.cli.app import open_house
from followupd.cli.main import DONE, USAGE
from followupd.cli.output import as_json, complain, table
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.case import Case
from followupd.domain.compensation import Compensation
from followupd.recovery.learn import CaseHistory, PromiseStatistics, Report, report

#: the columns for finance; names are the outside's, so none is ever renamed
COLUMNS = (
    "case",
    "number",
    "customer",
    "kind",
    "amount",
    "currency",
    "state",
    "granted_at",
    "granted_by",
    "approved_by",
    "issued_at",
)
_SEPARATORS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029;,|\"]+")
_FORMULA = "=+-@"

Section = tuple[str, Sequence[str], list[tuple[str, ...]]]


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    found = commands.add_parser("report", parents=[common], help="causes, promises kept, times, compensation")
    found.add_argument(
        "--since", metavar="D", default="", help='a date ("2026-01-31") or a duration ("30 days")'
    )
    found.add_argument("--compensation", action="store_true", help="every grant as a line, for finance")
    found.add_argument("--csv", action="store_true", help="with --compensation: as CSV")
    found.add_argument("--html", metavar="FILE", type=Path, help="write the report as a page")
    found.set_defaults(do=_report)


def _report(options: argparse.Namespace) -> int:
    from followupd import clock

    app = open_house(options.config)
    try:
        since = since_when(options.since, app.settings.calendar, clock.now())
    except ValueError as error:
        complain(f"followupd report: {error}")
        return USAGE
    with app.ledger.transaction() as tx:
        cases = tx.cases.all()
        lives = (
            [CaseHistory(case, tx.cases.history(case.ref)) for case in cases] if not _finance(options) else []
        )
    if _finance(options):
        _compensation(options, cases, since)
        return DONE
    found = report(lives, since)
    if options.html:
        write(options.html, as_page(found, app.settings.company.name).encode())
    if options.json:
        as_json(as_view(found))
    elif not options.html:
        _print(found)
    return DONE


def _finance(options: argparse.Namespace) -> bool:
    return bool(options.compensation or options.csv)


def since_when(written: str, calendar: Calendar, now: datetime) -> datetime | None:
    """Read a date, from its first moment in the company's zone, or a duration back from now; None for all time.

    Raises:
        ValueError: it is neither, in words for the one who typed it.
    """
    if not written:
        return None
    try:
        day = datetime.fromisoformat(written).date()
    except ValueError:
        try:
            return calendar.before(now, Duration.parse(written))
        except ValueError:
            raise ValueError(
                f'{written!r} is neither a date like "2026-01-31" nor a duration like "30 days"'
            ) from None
    return datetime.combine(day, time(), ZoneInfo(calendar.timezone)).astimezone(UTC)


# --- for finance ------------------------------------------------------------------------------------------------------


def _compensation(options: argparse.Namespace, cases: Iterable[Case], since: datetime | None) -> None:
    rows = grant_rows(cases, since)
    if options.csv:
        sys.stdout.write(as_csv(rows))
    elif options.json:
        as_json(rows)
    else:
        if not rows:
            complain("No compensation.")
        table(tuple(str(row[name] or "") for name in COLUMNS) for row in rows)


def grant_rows(cases: Iterable[Case], since: datetime | None) -> list[dict[str, Any]]:
    """Return one row for each grant that a person made since then, oldest first; a mere proposal is none."""
    made = [
        (case, grant, grant.granted_at)
        for case in cases
        for grant in case.compensation
        if grant.granted_at and (since is None or grant.granted_at >= since)
    ]
    return [
        _row(case, grant)
        for case, grant, _ in sorted(made, key=lambda each: (each[2], each[0].ref, each[1].n))
    ]


def _row(case: Case, grant: Compensation) -> dict[str, Any]:
    return {
        "case": case.ref,
        "number": grant.n,
        "customer": case.customer.address,
        "kind": grant.kind.value,
        "amount": grant.money.amount if grant.money else None,
        "currency": grant.money.currency if grant.money else None,
        "state": grant.state.value,
        "granted_at": moment(grant.granted_at),
        "granted_by": grant.granted_by or None,
        "approved_by": grant.approved_by or None,
        "issued_at": moment(grant.issued_at),
    }


def as_csv(rows: Iterable[dict[str, Any]]) -> str:
    """Write rows as CSV (RFC 4180) in which no spreadsheet finds a formula, whichever separator it cuts at."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    writer.writerows([harmless(row[name]) for name in COLUMNS] for row in rows)
    return out.getvalue()


def harmless(value: object) -> str:
    """Return a cell's text that no spreadsheet takes for a formula.

    A cell that begins with one of = + - @ is one (CWE-1236), full-width forms and leading blanks included, and a program
    that cuts at another separator than ours begins a cell behind it; so no separator is left, and a ' goes before.
    """
    text = _SEPARATORS.sub(" ", "" if value is None else str(value)).strip()
    begins = unicodedata.normalize("NFKC", text).lstrip(" '`´’\u200b\u200e\u200f\ufeff")[:1]
    return f"'{text}" if begins and begins in _FORMULA else text


# --- for people -------------------------------------------------------------------------------------------------------


def sections(found: Report) -> list[Section]:
    """Return the report as tables: title, heads, rows."""
    kept = [("all", found.promises), *found.owners.items()]
    return [
        ("Cases", ("stage", "cases"), [(name, str(count)) for name, count in found.cases.items()]),
        ("Causes", ("cause", "cases"), [(name, str(count)) for name, count in found.causes.items()]),
        ("Playbooks", ("playbook", "cases"), [(name, str(count)) for name, count in found.playbooks.items()]),
        (
            "Promises",
            (
                "owner",
                "made",
                "kept",
                "in time",
                "slipped",
                "broken",
                "withdrawn",
                "open",
                "kept in time",
                "early by",
            ),
            [(name, *_promises(each)) for name, each in kept if each.made],
        ),
        (
            "Times from the complaint",
            ("until", "cases", "median", "9 of 10 within"),
            [
                (name, str(each.count), _span(each.median), _span(each.ninth))
                for name, each in found.times.items()
            ],
        ),
        (
            "Compensation",
            ("kind", "state", "count", "sum"),
            [
                (
                    each.kind,
                    each.state.value,
                    str(each.count),
                    f"{each.total.amount} {each.total.currency}" if each.total else "",
                )
                for each in found.compensation
            ],
        ),
    ]


def _promises(each: PromiseStatistics) -> tuple[str, ...]:
    counts = (each.made, each.kept, each.in_time, each.late, each.broken, each.withdrawn, each.open)
    rate = f"{each.rate:.0%}" if each.rate is not None else ""
    return (*map(str, counts), rate, _span(each.early) if each.early is not None else "")


def _span(took: timedelta) -> str:
    hours = took.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"


def _print(found: Report) -> None:
    print(_headline(found))
    for title, heads, rows in sections(found):
        if rows:
            print(f"\n{title}")
            table(
                [
                    tuple(f"  {head}" if not n else head for n, head in enumerate(heads)),
                    *((f"  {row[0]}", *row[1:]) for row in rows),
                ]
            )


def _headline(found: Report) -> str:
    since = f" since {moment(found.since)}" if found.since else ""
    again = f"; {found.reopened} opened again" if found.reopened else ""
    return f"{found.opened} case(s) opened{since}{again}."


def as_page(found: Report, company: str) -> str:
    """Write the report as one HTML page that loads nothing."""
    body = [f"<h1>{escape(company)}: service recovery</h1>", f"<p>{escape(_headline(found))}</p>"]
    for title, heads, rows in sections(found):
        if rows:
            lines = [_line("th", heads), *(_line("td", row) for row in rows)]
            body.append(f"<h2>{escape(title)}</h2><table>{''.join(lines)}</table>")
    style = "body{font:16px/1.5 sans-serif;margin:2em}td,th{padding:.2em 1em .2em 0;text-align:left}"
    head = f'<meta charset="utf-8"><title>{escape(company)}: service recovery</title><style>{style}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'


def _line(cell: str, texts: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{cell}>{escape(text)}</{cell}>' for text in texts)}</tr>"


def as_view(found: Report) -> dict[str, Any]:
    """Return the report for programs; times are hours, rates are shares of 1."""
    return {
        "since": moment(found.since),
        "opened": found.opened,
        "reopened": found.reopened,
        "cases": found.cases,
        "causes": found.causes,
        "playbooks": found.playbooks,
        "promises": _kept_view(found.promises),
        "owners": {name: _kept_view(each) for name, each in found.owners.items()},
        "times": {
            name: {
                "cases": each.count,
                "median_hours": _hours(each.median),
                "ninth_decile_hours": _hours(each.ninth),
            }
            for name, each in found.times.items()
        },
        "compensation": [
            {
                "kind": each.kind,
                "state": each.state.value,
                "count": each.count,
                "sum": each.total.amount if each.total else None,
                "currency": each.currency or None,
            }
            for each in found.compensation
        ],
    }


def _kept_view(each: PromiseStatistics) -> dict[str, Any]:
    return {
        "made": each.made,
        "kept": each.kept,
        "kept_in_time": each.in_time,
        "slipped": each.late,
        "broken": each.broken,
        "withdrawn": each.withdrawn,
        "open": each.open,
        "rate": each.rate,
        "early_hours": _hours(each.early) if each.early is not None else None,
    }


def _hours(took: timedelta) -> float:
    return round(took.total_seconds() / 3600, 2)
