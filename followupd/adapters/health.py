"""The health of the daemon for `followupd status`, from a SQLite ledger without SQLAlchemy.

Importing SQLAlchemy and loading the whole configuration would take most of the command's time. `read_sqlite`
does not support PostgreSQL, OAuth logins and configurations with errors: for these it returns None, and the
caller uses the application.
"""

import json
import re
import sqlite3
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from followupd.domain.keys import StateKey, StateName

#: the daemon records every ten seconds that it is alive; after this time without a record it is not running
SILENCE = timedelta(minutes=10)
#: the stored value of a mailbox that was read completely
_READ = "to its end"
_SQLITE = re.compile(r"sqlite:///(?!:memory:$)(?P<file>.+)")
_OPEN_CASES = "SELECT count(*) FROM case_file WHERE stage NOT IN ('closed', 'dismissed')"
_NEXT_CHECK = "SELECT min(wake_at) FROM case_file"
_QUEUED = "SELECT count(*) FROM letter WHERE condition IN ('ready', 'deferred', 'review')"
_IN_DOUBT = "SELECT count(*) FROM letter WHERE condition = 'doubt'"
_QUARANTINED = "SELECT count(*) FROM mail WHERE state = 'quarantine'"

#: a value of the ledger's state and when it was stored
StoredValue = tuple[Any, datetime]


@dataclass(frozen=True, slots=True)
class MailboxHealth:
    """Whether a mailbox is connected and when it was last read."""

    name: str
    connected: bool
    last_sync: datetime | None
    #: older mail that was skipped when the mailbox was opened for the first time
    skipped: int


@dataclass(frozen=True, slots=True)
class DaemonHealth:
    """What `followupd status` shows."""

    timezone: str
    last_cycle: datetime | None
    #: whether the last cycle is recent enough
    running: bool
    mailboxes: list[MailboxHealth]
    open_cases: int
    queued_letters: int
    letters_in_doubt: int
    quarantined_mails: int
    breaker_open: bool
    breaker_reason: str
    next_check: datetime | None
    #: warnings of OAuth logins that expire soon; None if no mailbox uses OAuth
    logins: list[str] | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing needs a person."""
        connected = all(mailbox.connected for mailbox in self.mailboxes)
        return self.running and connected and not self.letters_in_doubt and not self.breaker_open


@dataclass(frozen=True, slots=True)
class LedgerFigures:
    """The figures of a ledger that its daemon's health is derived from."""

    #: the value of a key of the state, None if there is none
    state: Callable[[StateName], StoredValue | None]
    #: mailbox -> (when a folder of it was last read, how many older mails were skipped) for each folder
    folders: Mapping[str, list[tuple[datetime, int]]]
    open_cases: int = 0
    queued_letters: int = 0
    letters_in_doubt: int = 0
    quarantined_mails: int = 0
    next_check: datetime | None = None


def daemon_health(
    figures: LedgerFigures,
    mailboxes: Iterable[str],
    timezone: str,
    now: datetime,
    logins: list[str] | None = None,
) -> DaemonHealth:
    """Derive the health from a ledger's figures.

    Args:
        figures: those of the ledger.
        mailboxes: the names of the configured mailboxes.
        timezone: the company's, for printing.
        now: the current time, by the clock that the daemon uses.
        logins: warnings of OAuth logins; None if no mailbox uses OAuth.
    """
    cycle, breaker = figures.state(StateKey.CYCLE), figures.state(StateKey.BREAKER)
    reason = figures.state(StateKey.BREAKER_REASON)
    breaker_open = breaker is not None and breaker[0] == "open"
    alive_since = _alive_since(cycle, now)
    return DaemonHealth(
        timezone=timezone,
        last_cycle=cycle[1] if cycle else None,
        running=cycle is not None and cycle[1] >= alive_since,
        mailboxes=[_mailbox_health(figures, name, alive_since) for name in mailboxes],
        open_cases=figures.open_cases,
        queued_letters=figures.queued_letters,
        letters_in_doubt=figures.letters_in_doubt,
        quarantined_mails=figures.quarantined_mails,
        breaker_open=breaker_open,
        breaker_reason=str(reason[0]) if reason and breaker_open else "",
        next_check=figures.next_check,
        logins=logins,
    )


def _alive_since(cycle: StoredValue | None, now: datetime) -> datetime:
    """Return the time since which a running daemon has left a record; `run --once` has no fixed interval."""
    if cycle is None or cycle[0] == "once":
        return datetime.min.replace(tzinfo=UTC)
    return now - SILENCE


def _mailbox_health(figures: LedgerFigures, name: str, alive_since: datetime) -> MailboxHealth:
    """Derive the health of one mailbox.

    The record that it is connected only counts while the daemon is running.
    """
    connected = figures.state(StateKey.CONNECTED.of(name))
    folders = figures.folders.get(name, [])
    times = [synced_at for synced_at, _ in folders]
    last_read = _last_read(figures, name)
    if last_read:
        times.append(last_read)
    return MailboxHealth(
        name=name,
        connected=connected is not None and bool(connected[0]) and connected[1] >= alive_since,
        last_sync=max(times, default=None),
        skipped=sum(skipped for _, skipped in folders),
    )


def _last_read(figures: LedgerFigures, name: str) -> datetime | None:
    """Return when both inbox and Sent were read completely; None if one of them was not."""
    inbox, sent = figures.state(StateKey.INBOX_READ.of(name)), figures.state(StateKey.SENT_READ.of(name))
    if inbox is None or inbox[0] != _READ:
        return None
    if sent is None:
        return inbox[1]
    return min(inbox[1], sent[1]) if sent[0] == _READ else None


# --- SQLite ---


def read_sqlite(directory: Path, now: datetime) -> DaemonHealth | None:
    """Read the health from the ledger of a configuration directory.

    Returns:
        None if only the application can read it, or explain what is wrong.
    """
    try:
        settings = tomllib.loads((directory / "followupd.toml").read_text(encoding="utf-8"))
        file = directory / _SQLITE.fullmatch(settings["ledger"]["url"])["file"]  # type: ignore[index]
        names = [str(mailbox["name"]) for mailbox in settings["mailbox"]]
        timezone = str(settings["company"]["timezone"])
        if any(_uses_oauth(section) for section in (settings.get("smtp", {}), *settings["mailbox"])):
            return None
        figures = _figures(file) if file.exists() else LedgerFigures(state=lambda _: None, folders={})
        return daemon_health(figures, names, timezone, now)
    except (OSError, ValueError, KeyError, TypeError, sqlite3.DatabaseError):
        return None


def _uses_oauth(section: Mapping[str, Any]) -> bool:
    """Return whether a section logs in by OAuth, whose tokens `status` warns of."""
    return bool(section.get("auth", "password") != "password")


def _figures(file: Path) -> LedgerFigures:
    """Read the figures in one transaction.

    Raises:
        sqlite3.DatabaseError: the file is no ledger, or one of an older version.
    """
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        rows = connection.execute("SELECT name, value, at FROM pulse").fetchall()
        state = {name: (json.loads(value), _time(at)) for name, value, at in rows}
        folders: dict[str, list[tuple[datetime, int]]] = {}
        for mailbox, synced_at, skipped in connection.execute(
            "SELECT mailbox, synced_at, passed_over FROM cursor"
        ):
            folders.setdefault(mailbox, []).append((_time(synced_at), skipped))

        def number(query: str) -> int:
            return int(connection.execute(query).fetchone()[0])

        next_check = connection.execute(_NEXT_CHECK).fetchone()[0]
        return LedgerFigures(
            state=state.get,
            folders=folders,
            open_cases=number(_OPEN_CASES),
            queued_letters=number(_QUEUED),
            letters_in_doubt=number(_IN_DOUBT),
            quarantined_mails=number(_QUARANTINED),
            next_check=_time(next_check) if next_check else None,
        )


def _time(stored: str) -> datetime:
    """Parse a time as SQLAlchemy stores it: ISO 8601, in UTC without saying so."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC)
