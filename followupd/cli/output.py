"""Print for people and for programs: JSON, tables, errors; the JSON names are those of docs/commands.md."""

import argparse
import codecs
import json
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from followupd.clock import utc_iso
from followupd.errors import UnavailableError
from followupd.log import printable, printable_lines

if TYPE_CHECKING:  # every command imports this module, and some use no case
    from followupd.domain.calendar import Calendar
    from followupd.domain.case import Case
    from followupd.domain.compensation import Money
    from followupd.domain.events import Event
    from followupd.domain.letter import OutboxEntry

#: letter status, as a `LetterStatus` or its value -> what is printed after the letter's key
STATUS_SENTENCES = {
    "review": "waits for an agent's approval",
    "ready": "is queued",
    "leaving": "is being sent",
    "sent": "was accepted by the server",
    "deferred": "is retried later",
    "refused": "was refused permanently",
    "doubt": "is in doubt: the server did not confirm it",
    "dropped": "was cancelled",
}
_SEPARATOR = "  "
Item = TypeVar("Item")


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print JSON with letters of all scripts as they are, but control characters escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    print("".join(map(_escape_control, text)))


def _escape_control(character: str) -> str:
    """Return a control character as a JSON escape, any other character as it is."""
    if character.isprintable() or character == "\n":
        return character
    return json.dumps(character, ensure_ascii=True)[1:-1]


def print_result(options: argparse.Namespace, view: Any, *lines: str) -> None:
    """Print the result of a command: `view` with --json, else the lines."""
    if options.json:
        print_json(view)
        return

    for line in lines:
        print(line)


def print_list(
    options: argparse.Namespace,
    views: Iterable[Any],
    rows: Sequence[Sequence[str]],
    head: Sequence[str],
    none: str,
) -> None:
    """Print a list.

    Args:
        options: those of the command; with --json the views are printed.
        views: the items as JSON.
        rows: the items as rows of a table.
        head: the titles of the columns.
        none: the sentence that is printed to standard error if there are no items.
    """
    if options.json:
        print_json(list(views))
    elif rows:
        print_table(rows, head)
    else:
        print_error(none)


def add_range(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the options that limit a list by time and number; `what` names its items."""
    help_text = f"only {what} since a date or within a duration, such as '30 days'"
    parser.add_argument("--since", metavar="WHEN", default="", help=help_text)
    parser.add_argument("--limit", metavar="N", type=_count, default=0, help="only the newest N")


def _count(text: str) -> int:
    """Return how many items are wanted; argparse tells what a ValueError is about."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of items")
    return int(text)


def in_range(
    options: argparse.Namespace,
    calendar: "Calendar",
    now: datetime,
    items: list[Item],
    moment: "Callable[[Item], datetime]",
) -> list[Item]:
    """Return the items that --since and --limit leave, in their order, which is by time.

    Args:
        options: those of the command.
        calendar: the company's calendar.
        now: the present time.
        items: all of them.
        moment: returns when an item came to be.

    Raises:
        UnavailableError: --since is neither a date nor a duration.
    """
    if options.since:
        start = _start(options.since, calendar, now)
        items = [item for item in items if moment(item) >= start]
    return items[-options.limit :] if options.limit > 0 else items


def _start(since: str, calendar: "Calendar", now: datetime) -> datetime:
    """Return the first moment of a range."""
    from followupd.domain.calendar import Duration

    with suppress(ValueError, OverflowError):
        return calendar.moment(date.fromisoformat(since), time())
    try:
        return now - (calendar.after(now, Duration.parse(since)) - now)
    except ValueError as error:
        raise UnavailableError(
            f"--since {since}: neither a date such as 2026-12-01 nor a duration: {error}"
        ) from None


def print_error(text: str) -> None:
    """Print to standard error."""
    print(printable_lines(text), file=sys.stderr)


def print_table(rows: Iterable[Sequence[str]], head: Sequence[str] = (), indent: str = "") -> None:
    """Print rows in columns under a head line.

    On a terminal the last column is cut to the width; in a pipe or a file nothing is cut. No rows, no output.

    Args:
        rows: of equally many cells. What a terminal would take for a command is made harmless.
        head: the titles, which are printed in capitals; none for a table without a head line.
        indent: what precedes each line.
    """
    cells = [list(map(printable, row)) for row in rows]
    if not cells:
        return

    if head:
        cells.insert(0, list(map(str.upper, head)))
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    limit = terminal_width()

    for row in cells:
        padded = [cell + " " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=True)]
        print(cut((indent + _SEPARATOR.join(padded)).rstrip(), limit))


def terminal_width() -> int | None:
    """Return the number of columns of the terminal; None if standard output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def display_width(text: str) -> int:
    """Return the columns that a text takes on a terminal (Unicode Standard Annex 11)."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    """Return the columns of a character: two for an East Asian wide one, none for a combining accent."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def cut(text: str, limit: int | None) -> str:
    """Cut a line to `limit` columns, None for no limit.

    A line that was longer ends with "...", which ASCII terminals can show as well.
    """
    if limit is None or display_width(text) <= limit:
        return text
    while text and display_width(text) > limit - 3:
        text = text[:-1]
    return f"{text.rstrip()}..."


def letter_view(entry: "OutboxEntry") -> dict[str, Any]:
    """Return a letter of the outbox as JSON."""
    letter = entry.letter
    return {
        "key": letter.key,
        "case": letter.case or None,
        "kind": letter.kind,
        "condition": entry.status.value,
        "to": letter.to.address,
        "subject": letter.subject,
        "message_id": letter.message_id,
        "written_at": utc_iso(entry.written_at),
        "not_before": utc_iso(entry.not_before),
        "sent_at": utc_iso(entry.sent_at),
        "witnessed_at": utc_iso(entry.witnessed_at),
        "attempts": entry.attempts,
        "reply": entry.reply or None,
    }


def case_view(
    case: "Case", letters: "Iterable[OutboxEntry]", history: "Iterable[Event] | None" = None
) -> dict[str, Any]:
    """Return a case as JSON (docs/commands.md).

    Args:
        case: the case.
        letters: its letters in the outbox.
        history: its events; without them the JSON has no history, as in lists of cases.
    """
    view: dict[str, Any] = {
        "ref": case.ref,
        "stage": case.stage.value,
        "held": case.held,
        "playbook": case.playbook,
        "owner": case.owner,
        "severity": case.severity,
        "customer": {"address": case.customer.address, "name": case.customer.name},
        "mailbox": case.mailbox,
        "subject": case.subject,
        "opened_at": utc_iso(case.opened_at),
        "wake_at": utc_iso(case.wake_at),
        "facts": _facts(case),
        "promises": _promises(case),
        "options": _options(case),
        "compensation": _compensation(case),
        "actions": [
            {
                "n": action.n,
                "text": action.text,
                "due": utc_iso(action.due),
                "owner": action.owner,
                "done_at": utc_iso(action.done_at),
            }
            for action in case.actions
        ],
        "outcomes": [
            {"after": record.after, "outcome": record.outcome.value, "at": utc_iso(record.at)}
            for record in case.outcomes
        ],
        "letters": list(map(letter_view, letters)),
        "score": case.score,
        "evidence": list(map(list, case.evidence)),
    }
    if history is not None:
        view["history"] = [
            {"at": utc_iso(event.at), "event": type(event).__name__, "by": event.by, "why": event.why}
            for event in history
        ]

    return view


def _facts(case: "Case") -> dict[str, Any]:
    """Return the facts that agents stated."""
    facts = case.facts
    return {
        "issue": facts.issue,
        "impact": facts.impact,
        "wants": facts.wants,
        "cause": facts.cause,
        "resolution": facts.resolution,
        "prevention": facts.prevention,
        "fault": facts.fault.value,
        "cause_code": facts.cause_code,
        "phone": facts.phone,
        "resolved": facts.resolved,
    }


def _promises(case: "Case") -> list[dict[str, Any]]:
    """Return the promises; `due` is the internal deadline, `told` the date that the customer was told."""
    return [
        {
            "n": promise.n,
            "text": promise.text,
            "kind": promise.kind.value,
            "relation": promise.relation.value,
            "since": utc_iso(promise.since),
            "due": utc_iso(promise.internal_deadline),
            "told": utc_iso(promise.promised_by),
            "state": promise.state.value,
            "source": promise.source,
            "confirmed": promise.confirmed or None,
        }
        for promise in case.promises
    ]


def _options(case: "Case") -> list[dict[str, Any]]:
    """Return the options that the customer was offered."""
    return [
        {
            "n": option.n,
            "text": option.text,
            "told": utc_iso(option.promised_by),
            "state": option.state.value,
            "letter": option.letter or None,
        }
        for option in case.options
    ]


def _compensation(case: "Case") -> list[dict[str, Any]]:
    """Return the compensation."""
    return [
        {
            "n": grant.n,
            "kind": grant.kind.value,
            **money_view(grant.money),
            "state": grant.state.value,
            "text": grant.text or None,
            "source": grant.source,
            "because": grant.because or None,
            "granted_at": utc_iso(grant.granted_at),
            "granted_by": grant.granted_by or None,
            "approved_by": grant.approved_by or None,
            "issued_at": utc_iso(grant.issued_at),
        }
        for grant in case.compensation
    ]


def money_view(money: "Money | None") -> dict[str, str | None]:
    """Return `amount` and `currency` for JSON, both null where there is no amount."""
    if money is None:
        return {"amount": None, "currency": None}
    return {"amount": money.amount, "currency": money.currency}


def write_file(path: Path, content: bytes) -> None:
    """Write a file that the user named.

    Raises:
        UnavailableError: the file cannot be written; the message names it.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror}") from None


def read_text(path: Path) -> str:
    """Return the text of a file that the user named: in UTF-8, or in UTF-16 as spreadsheets write it, with a mark.

    Raises:
        UnavailableError: the file cannot be read; the message names it.
    """
    try:
        data = path.read_bytes()
        is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        hint = "save it as UTF-8 (in a spreadsheet: CSV UTF-8)"
        raise UnavailableError(f"{path} cannot be read: it is not UTF-8; {hint}") from None
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror or error}") from None


def progress_bar(total: int, doing: str) -> Callable[[int], None]:
    """Return what draws a progress bar on standard error, if that is a terminal.

    Args:
        total: the steps of the whole.
        doing: what is done, such as "Reading".

    Returns:
        a function that takes how many of them are done.
    """
    if not sys.stderr.isatty():
        return lambda _: None
    shown = [-1]

    def draw(steps: int) -> None:
        percent = min(100, steps * 100 // max(1, total))
        if percent != shown[0]:
            shown[0] = percent
            full = percent * 30 // 100
            bar = "#" * full + "." * (30 - full)
            end = "\n" if percent == 100 else "\r"  # a line of the log that comes next is written over it
            print(f"\r{doing} [{bar}] {percent:3} %", end=end, file=sys.stderr, flush=True)

    return draw


def progress_of_steps(doing: str) -> Callable[[int, int], None]:
    """Return what draws a progress bar when it is told how many steps are done, and of how many."""
    bars: dict[int, Callable[[int], None]] = {}

    def draw(steps: int, total: int) -> None:
        bars.setdefault(total, progress_bar(total, doing))(steps)

    return draw


def with_progress(items: Sequence[Item], doing: str) -> Iterator[Item]:
    """Yield items, and show on a terminal how many of them were taken."""
    draw = progress_bar(len(items), doing)
    for number, item in enumerate(items, start=1):
        yield item
        draw(number)
