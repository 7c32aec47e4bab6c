"""report: summarise causes, promises, times and compensation; and list every grant for accounting."""

import argparse
import csv
import io
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from followupd.cli.main import DONE, USAGE, CommandParsers, company_zone, with_app
from followupd.cli.output import money_view, print_error, print_json, print_table, with_progress, write_file
from followupd.clock import local_time, utc_iso
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.case import Case
from followupd.domain.compensation import Compensation
from followupd.domain.playbook import Company, Playbooks
from followupd.recovery.past.calibration import FEWEST_CASES, Change, Usual, change_of
from followupd.recovery.past.learn import (
    OUTCOMES,
    CaseHistory,
    CompensationStatistics,
    Durations,
    PromiseStatistics,
    Report,
    report,
)
from followupd.recovery.recurrence import Again, came_back

if TYPE_CHECKING:
    from followupd.adapters.settings import Settings
    from followupd.adapters.storage.ledger import Transaction
    from followupd.app.container import App

#: the columns of `report --compensation`; they are public, so none is ever renamed
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
#: what a spreadsheet ignores before a formula, as far as NFKC has not removed it
_IGNORED = " '`´’\u200b\u200e\u200f\ufeff"
_FORMULA = "=+-@"
_TWO_DAYS = timedelta(days=2)


def add(commands: CommandParsers) -> None:
    """Add the parser of report."""
    parser = commands.add("report")
    parser.add_argument(
        "--since", metavar="D", default="", help='a date ("2026-01-31") or a duration ("30 days")'
    )
    parser.add_argument("--compensation", action="store_true", help="list every grant, for accounting")
    parser.add_argument("--csv", action="store_true", help="the list of grants as CSV")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the report as a web page")
    parser.add_argument("--month", metavar="YYYY-MM", default="", help="the page of one month, with plots")
    parser.add_argument("--company", metavar="NAME", default="", help="a second brand: [company.NAME]")
    parser.add_argument("--tables", metavar="DIR", type=Path, help="with --month: write each table as CSV")
    parser.set_defaults(do=_report)

    parser = commands.add("calibrate")
    parser.add_argument(
        "--since", metavar="D", default="365 days", help='a date ("2026-01-31") or a duration ("30 days")'
    )
    parser.set_defaults(do=_calibrate)


@with_app
def _report(options: argparse.Namespace, app: "App") -> int:
    """Print the report, or the list of grants."""
    from followupd import clock

    unknown = _unknown_company(options.company, app.settings)
    if unknown:
        print_error(f"followupd report: {unknown}")
        return USAGE
    if options.month:
        return _report_month(options, app)
    try:
        since = parse_since(options.since, app.settings.calendar, clock.now())
    except ValueError as error:
        print_error(f"followupd report: {error}")
        return USAGE

    is_ours = partial(_is_of, app.settings, options.company)
    with app.ledger.snapshot() as tx:
        cases = [case for case in tx.cases.all() if is_ours(case.mailbox)]
        if options.compensation or options.csv:
            _print_grants(options, grant_rows(cases, since))
            return DONE
        histories = [
            CaseHistory(case, tx.cases.history(case.ref)) for case in with_progress(cases, "Reading cases")
        ]
        again = causes_that_came_back(tx, since, is_ours)

    summary = replace(report(histories, since), again=again)
    if options.html:
        write_file(options.html, report_html(summary, _company(options.company, app.settings)).encode())

    if options.json:
        print_json(report_view(summary))
    elif not options.html:
        _print_report(summary, company_zone(app.settings))

    return DONE


def _unknown_company(name: str, settings: "Settings") -> str:
    """Return what is wrong with the name of a company, "" for nothing."""
    if not name or name in settings.brands:
        return ""
    known = ", ".join(settings.brands) or "there is none"
    return f"there is no table [company.{name}] in followupd.toml (known: {known})"


def _company(name: str, settings: "Settings") -> Company:
    """Return the company of this name, that of [company] for ""."""
    return settings.brands.get(name, settings.company)


def _is_of(settings: "Settings", company: str, mailbox: str) -> bool:
    """Return whether a mailbox belongs to a company, by their names."""
    return settings.playbooks.company(mailbox).id == company


def _report_month(options: argparse.Namespace, app: "App") -> int:
    """Print or write the figures of one month."""
    from followupd.recovery.past.monthly import Month, headline, monthly_view, said, tables
    from followupd.services.maintenance import monthly_page, monthly_report

    calendar = app.settings.calendar
    try:
        month = Month.parse(options.month, calendar)
    except ValueError as error:
        print_error(f"followupd report: {error}")
        return USAGE

    with app.ledger.snapshot() as tx:
        found = monthly_report(tx, month, calendar, partial(_is_of, app.settings, options.company))
    if options.html:
        company = _company(options.company, app.settings)
        write_file(options.html, monthly_page(found, company.name).encode())
    for table in tables(found) if options.tables else ():
        options.tables.mkdir(parents=True, exist_ok=True)
        write_file(options.tables / f"{table.name}.csv", table_csv(table.head, table.rows).encode())
    if options.json:
        print_json(monthly_view(found))
    elif not (options.html or options.tables):
        print(said(headline(found)))
        for table in tables(found):
            _print_month_table(table.title, table.head, table.rows, table.note)
    return DONE


def _print_month_table(title: str, head: Sequence[str], rows: Sequence[tuple[str, ...]], note: str) -> None:
    """Print one table of a month, nothing for one without rows."""
    if rows:
        print(f"\n{title}")
        print_table(rows, head, indent="  ")
    if note:
        print(f"  {note}")


def table_csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table as CSV (RFC 4180); no cell is one that a spreadsheet would take for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    for row in (head, *rows):
        writer.writerow(map(escape_formula, row))
    return out.getvalue()


def parse_since(text: str, calendar: Calendar, now: datetime) -> datetime | None:
    """Parse --since: a date, from midnight in the company's time zone, or a duration before now; None for "".

    Raises:
        ValueError: it is neither; the message is for the user.
    """
    if not text:
        return None
    try:
        day = datetime.fromisoformat(text).date()
        return datetime.combine(day, time(), ZoneInfo(calendar.timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return _before(text, calendar, now)


def _before(duration: str, calendar: Calendar, now: datetime) -> datetime:
    """Parse a duration and return the time that long ago."""
    try:
        return calendar.before(now, Duration.parse(duration))
    except ValueError:
        example = 'a date like "2026-01-31" nor a duration like "30 days"'
        raise ValueError(f"{duration!r} is neither {example}") from None


# --- calibration ---


@with_app
def _calibrate(options: argparse.Namespace, app: "App") -> int:
    """Print how long promises take, and the lines of playbooks to change."""
    from followupd import clock
    from followupd.services.maintenance import measured_times

    now = clock.now()
    try:
        since = parse_since(options.since, app.settings.calendar, now)
    except ValueError as error:
        print_error(f"followupd calibrate: {error}")
        return USAGE

    usual = measured_times(app.calibration.context, since or datetime.min.replace(tzinfo=UTC), now)
    rows = [_calibration_row(each, app.settings.playbooks, app.settings.directory) for each in usual]
    if options.json:
        print_json(rows)
        return DONE

    for row in rows:
        print(_calibration_lines(row))
    if not rows:
        print_error(f"Nothing is known yet: a kind of promise needs {FEWEST_CASES} cases.")
    return DONE


def _calibration_row(usual: Usual, playbooks: Playbooks, directory: Path) -> dict[str, Any]:
    """Return how long one kind of promise takes as JSON; times are in days of business.

    Args:
        usual: what was measured of one kind of promise.
        playbooks: those of today; a kind of none of them has no change to propose.
        directory: the directory of the settings, to which the path of a file is relative.
    """
    like = usual.like
    playbook = playbooks.get(like.playbook)
    change = change_of(usual, playbook) if playbook else None
    return {
        "what": playbook.steps[like.step - 1].text if playbook else like.what,
        "playbook": like.playbook or None,
        "step": like.step or None,
        "cases": usual.cases,
        "told_business_days": _rounded(usual.told),
        "took_business_days": _rounded(usual.took),
        "kept_in_time": round(usual.in_time, 3),
        "change": _change_view(change, directory) if change else None,
    }


def _rounded(days: float | None) -> float | None:
    """Return a number of days with one decimal."""
    return None if days is None else round(days, 1)


def _change_view(change: Change, directory: Path) -> dict[str, Any]:
    """Return the line of a playbook to change, with its place."""
    from followupd.adapters.settings.toml_file import Lines

    file = f"playbooks/{change.playbook}.toml"
    lines = Lines((directory / file).read_text(encoding="utf-8"))
    return {
        "file": file,
        "line": lines.of(("next_step", change.step - 1, "within")),
        "key": "next_step.within",
        "from": str(change.before),
        "to": str(change.after),
    }


def _calibration_lines(row: dict[str, Any]) -> str:
    """Return how long one kind of promise takes in a sentence, and the line to change under it."""
    told, took = row["told_business_days"], row["took_business_days"]
    what = f"{row['playbook']}, step {row['step']} ({row['what']})" if row["step"] else row["what"]
    said = "moved before it was kept" if told is None else f"told {told:g} business days"
    need = "more than 2 of 10 are not kept" if took is None else f"8 of 10 took up to {took:g}"
    sentence = f"{what}: {said}, {need} ({row['cases']} cases)"
    change = row["change"]
    if change is None:
        return sentence
    return f'{sentence}\n  {change["file"]}:{change["line"]}: within = "{change["to"]}"   # was "{change["from"]}"'


# --- grants, for accounting ---


def _print_grants(options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Print the list of grants as CSV, JSON or a table.

    Args:
        options: say in which form; a table by default.
        rows: one for each grant; an empty table becomes a message.
    """
    if options.csv:
        sys.stdout.write(grants_csv(rows))
    elif options.json:
        print_json(rows)
    elif rows:
        print_table([[str(row[name] or "") for name in COLUMNS] for row in rows], head=COLUMNS)
    else:
        print_error("No compensation.")


def grant_rows(cases: Iterable[Case], since: datetime | None) -> list[dict[str, Any]]:
    """Return the grants for accounting, oldest first.

    Args:
        cases: all cases.
        since: leave out what was granted before; None for all. A proposal was not granted yet.
    """
    grants = [
        (grant.granted_at, case.ref, grant.n, _grant_row(case, grant))
        for case in cases
        for grant in case.compensation
        if grant.granted_at and (since is None or grant.granted_at >= since)
    ]
    return [row for *_, row in sorted(grants, key=lambda grant: grant[:3])]


def _grant_row(case: Case, grant: Compensation) -> dict[str, Any]:
    """Return the columns of one grant."""
    return {
        "case": case.ref,
        "number": grant.n,
        "customer": case.customer.address,
        "kind": grant.kind.value,
        **money_view(grant.money),
        "state": grant.state.value,
        "granted_at": utc_iso(grant.granted_at),
        "granted_by": grant.granted_by or None,
        "approved_by": grant.approved_by or None,
        "issued_at": utc_iso(grant.issued_at),
    }


def grants_csv(rows: Iterable[dict[str, Any]]) -> str:
    """Write rows as CSV (RFC 4180).

    Every cell is quoted, and none is one that a spreadsheet would take for a formula.
    """
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([escape_formula(row[name]) for name in COLUMNS])

    return out.getvalue()


def escape_formula(value: object) -> str:
    """Return the text of a cell so that no spreadsheet takes it for a formula (CWE-1236).

    A cell that begins with = + - or @ is a formula, also after blanks or as a full-width character: it gets a
    leading apostrophe. Separators are replaced, because a program that splits at another separator than ours
    starts a new cell there.
    """
    text = _SEPARATORS.sub(" ", "" if value is None else str(value)).strip()
    first = unicodedata.normalize("NFKC", text).lstrip(_IGNORED)[:1]
    return f"'{text}" if first and first in _FORMULA else text


# --- the report ---


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the report."""

    title: str
    head: Sequence[str]
    rows: list[tuple[str, ...]]


def sections(summary: Report) -> list[Section]:
    """Return the tables of the report that have rows."""
    found = [
        Section("Cases", ("stage", "cases"), _counts(summary.cases)),
        Section("Causes", ("cause", "cases"), _counts(summary.causes)),
        Section("Playbooks", ("playbook", "cases"), _counts(summary.playbooks)),
        _promise_section(summary),
        Section(
            "Times from the complaint",
            ("until", "cases", "median", "9 of 10 within"),
            [_duration_row(name, durations) for name, durations in summary.times.items()],
        ),
        Section(
            "Compensation",
            ("kind", "state", "count", "sum"),
            list(map(_sum_row, summary.compensation)),
        ),
        Section(
            "What became of the customers",
            ("days after the close", *OUTCOMES),
            [(days, *map(str, counts.values())) for days, counts in summary.outcomes.items()],
        ),
        Section(
            "It happened again",
            ("cause", "told that it would not", "cases since", "last"),
            list(map(_again_row, summary.again)),
        ),
        Section(
            "Questions to departments",
            ("department", "asked", "open"),
            [(name, str(asked.asked), str(asked.open)) for name, asked in summary.departments.items()],
        ),
    ]
    return [section for section in found if section.rows]


def _again_row(again: Again) -> tuple[str, ...]:
    """Return a cause that came back: how many were told that it would not, and the later cases."""
    last = again.since[-1]
    return again.cause, str(again.told), str(len(again.since)), f"{last.ref}, {last.opened_at:%Y-%m-%d}"


def _counts(counts: dict[str, int]) -> list[tuple[str, ...]]:
    """Return rows of names and counts."""
    return [(name, str(count)) for name, count in counts.items()]


def _promise_section(summary: Report) -> Section:
    """Return the table of promises: all, and those of each owner who made any."""
    head = ("made", "kept", "in time", "slipped", "broken", "withdrawn", "open", "kept in time", "early by")
    owners = [("all", summary.promises), *summary.owners.items()]
    rows = [(name, *_promise_cells(statistics)) for name, statistics in owners if statistics.made]

    return Section("Promises", ("owner", *head), rows)


def _promise_cells(promises: PromiseStatistics) -> tuple[str, ...]:
    """Return the counts of promises, the share kept in time, and how early they were kept."""
    counts = (
        promises.made,
        promises.kept,
        promises.in_time,
        promises.late,
        promises.broken,
        promises.withdrawn,
        promises.open,
    )
    rate = f"{promises.rate:.0%}" if promises.rate is not None else ""
    early = _span(promises.early) if promises.early is not None else ""

    return (*map(str, counts), rate, early)


def _duration_row(name: str, durations: Durations) -> tuple[str, ...]:
    """Return how long something took in the middle case, and in nine of ten."""
    return name, str(durations.count), _span(durations.median), _span(durations.ninth)


def _span(duration: timedelta) -> str:
    """Return a duration in hours, from two days on in days."""
    if duration >= _TWO_DAYS:
        return f"{duration / timedelta(days=1):.1f} days"
    return f"{duration / timedelta(hours=1):.1f} hours"


def _sum_row(statistics: CompensationStatistics) -> tuple[str, ...]:
    """Return how often a kind of compensation was given, and the sum."""
    total = f"{statistics.total.amount} {statistics.total.currency}" if statistics.total else ""
    return statistics.kind, statistics.state.value, str(statistics.count), total


def _print_report(summary: Report, zone: tzinfo) -> None:
    """Print the report as tables."""
    print(_headline(summary, zone))
    for section in sections(summary):
        print(f"\n{section.title}")
        print_table(section.rows, section.head, indent="  ")


def _headline(summary: Report, zone: tzinfo) -> str:
    """Return the first sentence of the report."""
    since = f" since {local_time(summary.since, zone)}" if summary.since else ""
    reopened = f"; {summary.reopened} reopened" if summary.reopened else ""
    return f"{summary.opened} case(s) opened{since}{reopened}."


def report_html(summary: Report, company: Company) -> str:
    """Return the report as one web page that loads nothing."""
    title = f"{escape(company.name)}: service recovery"
    body = [f"<h1>{title}</h1>", f"<p>{escape(_headline(summary, ZoneInfo(company.timezone)))}</p>"]
    for section in sections(summary):
        rows = [_html_row("th", section.head), *(_html_row("td", row) for row in section.rows)]
        body.append(f"<h2>{escape(section.title)}</h2><table>{''.join(rows)}</table>")

    style = "body{font:16px/1.5 sans-serif;margin:2em}td,th{padding:.2em 1em .2em 0;text-align:left}"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{style}</style>'

    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'


def _html_row(element: str, cells: Sequence[str]) -> str:
    """Return one row of an HTML table."""
    return f"<tr>{''.join(f'<{element}>{escape(cell)}</{element}>' for cell in cells)}</tr>"


def report_view(summary: Report) -> dict[str, Any]:
    """Return the report as JSON; times are in hours, rates between 0 and 1."""
    return {
        "since": utc_iso(summary.since),
        "opened": summary.opened,
        "reopened": summary.reopened,
        "cases": summary.cases,
        "causes": summary.causes,
        "playbooks": summary.playbooks,
        "promises": _promises_view(summary.promises),
        "owners": {name: _promises_view(promises) for name, promises in summary.owners.items()},
        "times": {name: _durations_view(durations) for name, durations in summary.times.items()},
        "compensation": list(map(_sum_view, summary.compensation)),
        "outcomes": summary.outcomes,
        "again": list(map(_again_view, summary.again)),
        "departments": {
            name: {"asked": asked.asked, "open": asked.open} for name, asked in summary.departments.items()
        },
    }


def _again_view(again: Again) -> dict[str, Any]:
    """Return a cause that came back as JSON."""
    return {
        "cause": again.cause,
        "told": again.told,
        "first_told_at": utc_iso(again.first_told_at),
        "since": len(again.since),
        "last_opened_at": utc_iso(again.since[-1].opened_at),
        "cases": [case.ref for case in again.since],
    }


def causes_that_came_back(
    tx: "Transaction", since: datetime | None, is_ours: Callable[[str], bool]
) -> tuple[Again, ...]:
    """Return the causes that came back after a prevention was told, with a case since then.

    Args:
        tx: the transaction.
        since: from when on a later case counts; None for all.
        is_ours: whether a mailbox, by its name, belongs to the company of the report.
    """
    found = [
        came_back(cause, [case for case in tx.cases.of_cause(cause) if is_ours(case.mailbox)])
        for cause in tx.cases.causes()
    ]
    known = [again for again in found if again is not None]
    return tuple(again for again in known if since is None or again.since[-1].opened_at >= since)


def _promises_view(promises: PromiseStatistics) -> dict[str, Any]:
    """Return the counts of promises as JSON."""
    return {
        "made": promises.made,
        "kept": promises.kept,
        "kept_in_time": promises.in_time,
        "slipped": promises.late,
        "broken": promises.broken,
        "withdrawn": promises.withdrawn,
        "open": promises.open,
        "rate": promises.rate,
        "early_hours": _hours(promises.early) if promises.early is not None else None,
    }


def _durations_view(durations: Durations) -> dict[str, Any]:
    """Return durations as JSON, in hours."""
    return {
        "cases": durations.count,
        "median_hours": _hours(durations.median),
        "ninth_decile_hours": _hours(durations.ninth),
    }


def _sum_view(statistics: CompensationStatistics) -> dict[str, Any]:
    """Return a sum of compensation as JSON."""
    return {
        "kind": statistics.kind,
        "state": statistics.state.value,
        "count": statistics.count,
        "sum": statistics.total.amount if statistics.total else None,
        "currency": statistics.currency or None,
    }


def _hours(duration: timedelta) -> float:
    """Return a duration in hours."""
    return round(duration / timedelta(hours=1), 2)
