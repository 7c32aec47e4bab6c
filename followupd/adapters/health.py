"""Report how the daemon does: the status file, and over HTTP /healthz and metrics for Prometheus.

Counts only, no text of customers. A request returns what the daemon reported last. It asks neither the ledger
nor a mail server, so frequent requests cannot slow the daemon down.
"""

import json
import os
import re
import resource
import sqlite3
import threading
import tomllib
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

from followupd import __version__, clock, log
from followupd.adapters.storage import is_free, noted_loss
from followupd.domain.keys import TAKEN, StateKey, StateName

#: the daemon records every ten seconds that it is alive; after this time without a record it is not running. On SQLite
#: the lock of a daemon that is gone says so at once
SILENCE = timedelta(minutes=10)
#: how long a desk mail that was refused for good needs somebody's attention
REFUSED_FOR = timedelta(days=3)
#: the stored value of a mailbox that was read completely
_READ = "to its end"
_USUAL_KEY = "credential:ledger-key"
_SQLITE = re.compile(r"sqlite:///(?!:memory:$)(?P<file>.+)")
_OPEN_CASES = "SELECT count(*) FROM case_file WHERE stage NOT IN ('closed', 'dismissed')"
_NEXT_CHECK = "SELECT min(wake_at) FROM case_file"
_QUEUED = "SELECT count(*) FROM letter WHERE condition IN ('ready', 'deferred', 'review')"
_IN_DOUBT = "SELECT count(*) FROM letter WHERE condition = 'doubt'"
_UNHEARD = "SELECT count(*) FROM mail WHERE state = 'unheard'"
_REFUSED = "SELECT count(*) FROM letter WHERE condition = 'refused' AND kind LIKE 'desk/%' AND written_at > ?"
_QUARANTINED = "SELECT id FROM mail WHERE state = 'quarantine'"

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
    #: when the server last had an older copy of one of its folders, and the name of that folder
    put_back: tuple[datetime, str] | None = None


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
    #: those of which neither a digest nor a mail to an owner has told
    untold_mails: int
    breaker_open: bool
    breaker_reason: str
    next_check: datetime | None
    #: mails that were read and not handled yet
    unheard_mails: int = 0
    #: desk mails of the last days that were refused for good
    refused_desk_mails: int = 0
    #: why the configuration of the last reload is not used, "" if it is
    refused_configuration: str = ""
    #: warnings of OAuth logins that expire soon; None if no mailbox uses OAuth
    logins: list[str] | None = None
    #: how the ledger was lost while the daemon used it, "" if it was not
    loss: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing needs a person.

        Letters that are delayed or wait for a review, and mails in quarantine, are part of the daily work.
        """
        return not self.failures and not self.warnings

    @property
    def failures(self) -> list[str]:
        """What keeps letters from being sent or mail from being read, one sentence each."""
        if self.loss:
            return [self.loss]
        out = [mailbox.name for mailbox in self.mailboxes if not mailbox.connected]
        found = {
            "not running": not self.running,
            f"not connected: {', '.join(out)}": out,
            f"the breaker is open: {self.breaker_reason}": self.breaker_open,
        }
        return [sentence for sentence, holds in found.items() if holds]

    @property
    def warnings(self) -> list[str]:
        """What else needs a person, one sentence each."""
        found = {
            f"{self.letters_in_doubt} letter(s) in doubt": self.letters_in_doubt,
            f"{self.refused_desk_mails} mail(s) to agents were refused": self.refused_desk_mails,
            f"the configuration was {self.refused_configuration}": self.refused_configuration,
        }
        return [sentence for sentence, holds in found.items() if holds]


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
    #: ids of the mails in quarantine
    quarantined: Sequence[int] = ()
    next_check: datetime | None = None
    unheard: int = 0
    refused_desk_mails: int = 0

    def value(self, name: StateName, default: Any) -> Any:
        """Return the value of a key of the state whatever its age, the default if there is none."""
        stored = self.state(name)
        return stored[0] if stored else default


def daemon_health(
    figures: LedgerFigures,
    mailboxes: Iterable[str],
    timezone: str,
    now: datetime,
    logins: list[str] | None = None,
    loss: str = "",
    *,
    free: bool = False,
) -> DaemonHealth:
    """Derive the health from a ledger's figures.

    Args:
        figures: those of the ledger.
        mailboxes: the names of the configured mailboxes.
        timezone: the company's, for printing.
        now: the current time, by the clock that the daemon uses.
        logins: warnings of OAuth logins; None if no mailbox uses OAuth.
        loss: how the ledger was lost while the daemon used it; it is not read then.
        free: whether it is certain that no daemon holds the ledger.
    """
    cycle = figures.state(StateKey.CYCLE)
    breaker_open = figures.value(StateKey.BREAKER, "closed") != "closed"
    reason = str(figures.value(StateKey.BREAKER_REASON, ""))
    told = figures.value(StateKey.QUARANTINE_TOLD, ())
    configuration = str(figures.value(StateKey.CONFIGURATION, TAKEN))
    alive_since = _alive_since(cycle, now, free=free)
    return DaemonHealth(
        timezone=timezone,
        last_cycle=cycle[1] if cycle else None,
        running=cycle is not None and cycle[1] >= alive_since,
        mailboxes=[_mailbox_health(figures, name, alive_since) for name in mailboxes],
        open_cases=figures.open_cases,
        queued_letters=figures.queued_letters,
        letters_in_doubt=figures.letters_in_doubt,
        quarantined_mails=len(figures.quarantined),
        untold_mails=len(set(figures.quarantined).difference(told)),
        breaker_open=breaker_open,
        breaker_reason=reason if breaker_open else "",
        next_check=figures.next_check,
        unheard_mails=figures.unheard,
        refused_desk_mails=figures.refused_desk_mails,
        refused_configuration="" if configuration == TAKEN else configuration,
        logins=logins,
        loss=loss,
    )


def _alive_since(cycle: StoredValue | None, now: datetime, *, free: bool) -> datetime:
    """Return the time since which a running daemon has left a record; `run --once` has no fixed interval."""
    if cycle is None or cycle[0] == "once":
        return datetime.min.replace(tzinfo=UTC)
    return datetime.max.replace(tzinfo=UTC) if free else now - SILENCE


def _mailbox_health(figures: LedgerFigures, name: str, alive_since: datetime) -> MailboxHealth:
    """Derive the health of one mailbox.

    The record that it is connected only counts while the daemon is running.

    Args:
        figures: what the ledger has.
        name: the name of the mailbox.
        alive_since: the time since which a running daemon has left a record, in UTC.

    Returns:
        Its health; `last_sync` is None for a mailbox that was never read.
    """
    connected = figures.state(StateKey.CONNECTED.of(name))
    put_back = figures.state(StateKey.PUT_BACK.of(name))
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
        put_back=(put_back[1], str(put_back[0])) if put_back else None,
    )


def _last_read(figures: LedgerFigures, name: str) -> datetime | None:
    """Return when both inbox and Sent were read completely; None if one of them was not."""
    inbox, sent = figures.state(StateKey.INBOX_READ.of(name)), figures.state(StateKey.SENT_READ.of(name))
    if inbox is None or inbox[0] != _READ:
        return None
    return min(inbox[1], sent[1]) if sent and sent[0] == _READ else None


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
        if any(map(_uses_oauth, (settings.get("smtp", {}), *settings["mailbox"]))):
            return None
        loss = noted_loss(file)
        readable = file.exists() and not loss
        figures = _figures(file, now) if readable else LedgerFigures(state=lambda _: None, folders={})
        key = str(settings["ledger"].get("key", _USUAL_KEY))
        if _is_of_another_key(directory, key, figures.state(StateKey.KNOWN_WORD)):
            return None
        return daemon_health(figures, names, timezone, now, loss=loss, free=is_free(file))
    except (OSError, ValueError, KeyError, TypeError, sqlite3.DatabaseError):
        return None


def _is_of_another_key(directory: Path, key: str, word: tuple[Any, datetime] | None) -> bool:
    """Return whether the ledger's key is in a file that this user may read, and does not open the ledger.

    Args:
        directory: the directory of the configuration.
        key: where the key is, as the configuration says it.
        word: what was encrypted when the ledger was made.
    """
    from followupd.adapters.crypto import KNOWN_WORD_PLACE, DecryptionError, Vault, keys_of

    kind, _, name = key.partition(":")
    path = directory / ("credentials" if kind == "credential" else "") / name
    if word is None or not os.access(path, os.R_OK):
        return False
    keys = keys_of(path.read_text(encoding="utf-8"))
    try:
        Vault(keys).decrypt(b64decode(word[0]), KNOWN_WORD_PLACE)
    except (DecryptionError, ValueError):
        return True
    return False


def _uses_oauth(section: Mapping[str, Any]) -> bool:
    """Return whether a section logs in by OAuth, whose tokens `status` warns of."""
    return bool(section.get("auth", "password") != "password")


def _figures(file: Path, now: datetime) -> LedgerFigures:
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

        def number(query: str, *values: str) -> int:
            return int(connection.execute(query, values).fetchone()[0])

        next_check = connection.execute(_NEXT_CHECK).fetchone()[0]
        since = (now - REFUSED_FOR).astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
        return LedgerFigures(
            state=state.get,
            folders=folders,
            open_cases=number(_OPEN_CASES),
            queued_letters=number(_QUEUED),
            letters_in_doubt=number(_IN_DOUBT),
            quarantined=[row[0] for row in connection.execute(_QUARANTINED)],
            next_check=_time(next_check) if next_check else None,
            unheard=number(_UNHEARD),
            refused_desk_mails=number(_REFUSED, since),
        )


def _time(stored: str) -> datetime:
    """Parse a time as SQLAlchemy stores it: ISO 8601, in UTC without saying so."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC)


#: seconds without a cycle after which the daemon is unhealthy; a slow mail server may delay one for a while
LATE = 120.0
REQUEST_TIMEOUT = 5  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSnapshot:
    """What the daemon reports of itself after a cycle.

    `health` is what `status` shows. `cases` are counted by stage, `letters` by status, `sent` and `refused`
    letters by kind and `mails` by kind since the ledger was made; `stock` are gift cards by their value.
    """

    health: DaemonHealth
    cases: Mapping[str, int] = field(default_factory=dict)
    letters: Mapping[str, int] = field(default_factory=dict)
    sent: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    mails: Mapping[str, int] = field(default_factory=dict)
    stock: Mapping[str, int] = field(default_factory=dict)
    overdue_promises: int = 0
    oldest_letter: datetime | None = None
    backed_up: datetime | None = None
    configured: datetime | None = None


class Metrics:
    """A small HTTP server in a separate thread."""

    def __init__(self, host: str, port: int, ticks: Callable[[], float] = monotonic) -> None:
        """Start to listen.

        Args:
            host: the address to listen at.
            port: 0 for a free one, which `port` then tells.
            ticks: counts seconds, and never backwards.

        Raises:
            OSError: the address is in use, or not ours.
        """
        self._clock, self._started = ticks, clock.now()
        self._latest: tuple[HealthSnapshot, float] | None = None
        self._server = ThreadingHTTPServer((host, port), _handler_for(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def report(self, snapshot: HealthSnapshot) -> None:
        """Serve this snapshot from now on."""
        self._latest = snapshot, self._clock()

    def close(self) -> None:
        """Stop listening, and wait for the thread to end."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def trouble(self) -> str:
        """Return what is wrong, one sentence a line; "" when `status` would say that all is well."""
        if self._latest is None:
            return "there was no cycle yet"

        snapshot, at = self._latest
        age = self._clock() - at
        if age > LATE:
            return f"the last cycle was {age:.0f} seconds ago"
        return "\n".join((*snapshot.health.failures, *snapshot.health.warnings))

    def text(self) -> str:
        """Return all metrics in Prometheus' text format, version 0.0.4."""
        lines = [*_process_lines(self._started)]
        if self._latest:
            snapshot, at = self._latest
            lines += _metric_lines(snapshot)
            age = round(self._clock() - at, 1)
            lines += _metric("beat_age_seconds", "gauge", "Seconds since the last cycle.", {"": age})
        return "".join(f"{line}\n" for line in lines)


def _metric_lines(snapshot: HealthSnapshot) -> Iterator[str]:
    """Yield the lines of every metric that comes from the ledger."""
    from followupd.domain.case import (
        Stage,  # loaded late: `status` needs none of this, and is asked every minute
    )
    from followupd.domain.letter import LetterKind, LetterStatus
    from followupd.domain.mail import Kind

    health = snapshot.health
    yield from _metric("cases", "gauge", "Cases by stage.", _by("stage", snapshot.cases, Stage))
    letters = _by("condition", snapshot.letters, LetterStatus)
    yield from _metric("letters", "gauge", "Letters by condition.", letters)
    for name, what, counted in (
        ("letters_sent", "Letters that a server accepted, by kind.", _by("kind", snapshot.sent, LetterKind)),
        ("letters_refused", "Letters refused for good, by kind.", _by("kind", snapshot.refused, LetterKind)),
        ("mails", "Mails that were read, by kind.", _by("kind", snapshot.mails, Kind)),
    ):
        yield from _metric(f"{name}_total", "counter", what, counted)

    stock = _by("value", snapshot.stock)
    for name, what, values in (
        ("quarantined_mails", "Mails that a person must look at.", {"": health.quarantined_mails}),
        ("unheard_mails", "Mails that were read and not handled yet.", {"": health.unheard_mails}),
        ("refused_desk_mails", "Refused mails to agents, of three days.", {"": health.refused_desk_mails}),
        ("overdue_promises", "Promises whose time has passed.", {"": snapshot.overdue_promises}),
        ("gift_cards_in_stock", "Gift cards that can be given, by value.", stock),
        (
            "breaker_open",
            "1 while the breaker keeps letters from being sent.",
            {"": int(health.breaker_open)},
        ),
        (
            "logins_to_renew",
            "OAuth logins, and secrets of them, that end soon or have ended.",
            {"": len(health.logins or ())},
        ),
        (
            "config_last_reload_successful",
            "1 while the configuration as it was read last is in use.",
            {"": int(not health.refused_configuration)},
        ),
    ):
        yield from _metric(name, "gauge", what, values)
    yield from _mailbox_lines(health.mailboxes)
    yield from _time_lines(snapshot)


def _mailbox_lines(mailboxes: Sequence[MailboxHealth]) -> Iterator[str]:
    """Yield the metrics of each mailbox."""
    connected = {mailbox.name: int(mailbox.connected) for mailbox in mailboxes}
    what = "1 while the mailbox is listened to."
    yield from _metric("mailbox_connected", "gauge", what, _by("mailbox", connected))
    read = {mailbox.name: mailbox.last_sync.timestamp() for mailbox in mailboxes if mailbox.last_sync}
    what = "When the mailbox was last read completely."
    yield from _metric("mailbox_last_sync_timestamp_seconds", "gauge", what, _by("mailbox", read))


def _time_lines(snapshot: HealthSnapshot) -> Iterator[str]:
    """Yield the moments that are known; an alert on age subtracts them from time()."""
    for name, what, at in (
        ("last_cycle", "When the last cycle ended.", snapshot.health.last_cycle),
        ("oldest_letter", "When the oldest letter that waits was written.", snapshot.oldest_letter),
        ("last_backup", "When `followupd backup` copied the ledger last.", snapshot.backed_up),
        ("config_last_reload", "When the configuration was read last.", snapshot.configured),
    ):
        if at:
            yield from _metric(f"{name}_timestamp_seconds", "gauge", what, {"": at.timestamp()})


def _process_lines(started: datetime) -> Iterator[str]:
    """Yield what Prometheus' own clients tell of a process, the version, and the log's events by name."""
    build = {f'{{version="{__version__}"}}': 1}
    yield from _metric("build_info", "gauge", "The version of followupd.", build)
    what = "Lines of the log by event; of errors, see docs/flow.md."
    yield from _metric("log_events_total", "counter", what, _by("event", log.counts))

    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    for name, kind, what, value in (
        ("cpu_seconds_total", "counter", "CPU time used.", usage.ru_utime + usage.ru_stime),
        ("resident_memory_bytes", "gauge", "Memory in use.", pages * resource.getpagesize()),
        ("open_fds", "gauge", "Open files and connections.", len(list(Path("/proc/self/fd").iterdir()))),
        ("start_time_seconds", "gauge", "When the process began to serve metrics.", started.timestamp()),
    ):
        yield from _metric(name, kind, what, {"": value}, prefix="process")


def _by(label: str, values: Mapping[str, float], known: Iterable[str] = ()) -> dict[str, float]:
    """Return the values by Prometheus' label.

    Configuration and enums allow no quote or backslash in a name.

    Args:
        label: its name.
        values: a number for each value of the label.
        known: values of the label that are shown with 0 from the start, so that an increase from 0 is seen.
    """
    all_values = {**{str(name): 0 for name in known}, **values}
    return {f'{{{label}="{name}"}}': value for name, value in all_values.items()}


def _metric(
    name: str, kind: str, description: str, values: Mapping[str, float], prefix: str = "followupd"
) -> Iterator[str]:
    """Yield the lines of one metric.

    Args:
        name: without its prefix.
        kind: gauge or counter.
        description: of what it counts.
        values: by label, "" for none.
        prefix: the prefix of the name.
    """
    yield f"# HELP {prefix}_{name} {description}"
    yield f"# TYPE {prefix}_{name} {kind}"
    for labels, value in sorted(values.items()):
        yield f"{prefix}_{name}{labels} {value}"


def _handler_for(metrics: Metrics) -> type[BaseHTTPRequestHandler]:
    """Return a handler class that serves these metrics."""

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_TIMEOUT
        server_version, sys_version = "followupd", ""
        pages: ClassVar = {"/metrics": "_metrics", "/healthz": "_health"}

        def do_HEAD(self) -> None:
            """Answer a request for the headers alone."""
            self.do_GET()

        def do_GET(self) -> None:
            """Answer one request."""
            page = self.pages.get(self.path.partition("?")[0], "_unknown")
            status, text = getattr(self, page)()
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _metrics(self) -> tuple[HTTPStatus, str]:
            return HTTPStatus.OK, metrics.text()

        def _health(self) -> tuple[HTTPStatus, str]:
            trouble = metrics.trouble()
            if trouble:
                return HTTPStatus.SERVICE_UNAVAILABLE, f"{trouble}\n"
            return HTTPStatus.OK, "ok\n"

        def _unknown(self) -> tuple[HTTPStatus, str]:
            return HTTPStatus.NOT_FOUND, "/metrics or /healthz\n"

        def log_message(self, *_: object) -> None:
            """Write no line for a request: the log contains only the events of log.py."""

    return Handler
