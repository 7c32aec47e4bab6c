"""run, status, resume, login: the daemon and its health."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from followupd.adapters.terminal import local_time, utc_iso
from followupd.cli.app import company_zone, open_app
from followupd.cli.commands import CommandParsers
from followupd.cli.main import DONE, PROBLEMS, USAGE
from followupd.cli.output import print_error, print_json, print_table

#: the daemon records every ten seconds that it is alive; after this time without a record it is not running
_SILENCE = timedelta(minutes=10)
_NEVER_STARTED = "NOT RUNNING (the daemon was never started)"


def add(commands: CommandParsers) -> None:
    """Add the parsers of run, status, resume and login."""
    run = commands.add("run")
    run.add_argument("--once", action="store_true", help="read all mail, send all that is due, and exit")
    run.add_argument("--verbose", action="store_true", help="also log why a case waits")
    run.set_defaults(do=_run)

    commands.add("status").set_defaults(do=_status)
    commands.add("resume").set_defaults(do=_resume)

    login = commands.add("login")
    login.add_argument("mailbox", metavar="MAILBOX", help="the name of the mailbox, or smtp")
    login.set_defaults(do=_login)


# --- run ---


def _run(options: argparse.Namespace) -> int:
    from followupd import clock, log
    from followupd.adapters.settings import load
    from followupd.adapters.systemd import settle
    from followupd.app.check import blocking_problems
    from followupd.app.container import build_to_run
    from followupd.app.cycle import run_once
    from followupd.app.daemon import Daemon
    from followupd.errors import SetupError

    settle()
    log.start(verbose=options.verbose)
    if problems := blocking_problems(options.config, clock.now()):
        raise SetupError(problems)
    app = build_to_run(load(options.config))
    if options.once:
        run_once(app)
    else:
        Daemon(app).run()
    return DONE


# --- login ---


def _login(options: argparse.Namespace) -> int:
    from followupd.adapters.accounts import login_of
    from followupd.adapters.oauth.tokens import MICROSOFT
    from followupd.adapters.settings import load

    login = login_of(load(options.config), options.mailbox)
    if login is None:
        print_error(f"followupd login: there is no mailbox {options.mailbox!r} with OAuth in followupd.toml")
        return USAGE

    if login.auth == MICROSOFT:
        login.by_device_code(print)
    else:
        print("Open this page, allow the access, and copy the address at which the browser shows an error:")
        login.by_pasted_code(print, lambda: input("The address: "))
    print(f"{options.mailbox} is logged in.")
    return DONE


# --- status ---


@dataclass(frozen=True, slots=True)
class MailboxHealth:
    """Whether a mailbox is connected and when it was last read."""

    name: str
    connected: bool
    last_sync: datetime | None
    #: older mail that was skipped when the mailbox was opened for the first time
    skipped: int


@dataclass(frozen=True, slots=True)
class Health:
    """What `followupd status` shows."""

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
    logins: list[str] | None

    @property
    def ok(self) -> bool:
        """Whether nothing needs a person."""
        connected = all(mailbox.connected for mailbox in self.mailboxes)
        return self.running and connected and not self.letters_in_doubt and not self.breaker_open


def _status(options: argparse.Namespace) -> int:
    app = open_app(options.config, thorough=False)
    health = _health(app)
    if options.json:
        print_json(_health_view(health))
    else:
        _print_health(health, company_zone(app.settings))
    return DONE if health.ok else PROBLEMS


def _health(app: Any) -> Health:
    from followupd.domain.letter import LetterStatus
    from followupd.domain.mail import MailState
    from followupd.domain.state import StateKey

    now = app.now()
    with app.ledger.transaction() as tx:
        cycle = tx.state.get(StateKey.CYCLE)
        breaker, reason = tx.state.get(StateKey.BREAKER), tx.state.get(StateKey.BREAKER_REASON)
        breaker_open = breaker is not None and breaker[0] == "open"
        alive_since = _alive_since(cycle, now)
        cursors = tx.state.cursors()
        return Health(
            last_cycle=cycle[1] if cycle else None,
            running=cycle is not None and cycle[1] >= alive_since,
            mailboxes=[
                _mailbox_health(tx, mailbox.name, alive_since, cursors) for mailbox in app.settings.mailboxes
            ],
            open_cases=tx.cases.count_unfinished(),
            queued_letters=tx.outbox.count(LetterStatus.QUEUED, LetterStatus.DEFERRED, LetterStatus.REVIEW),
            letters_in_doubt=tx.outbox.count(LetterStatus.DOUBT),
            quarantined_mails=tx.mail.count(MailState.QUARANTINED),
            breaker_open=breaker_open,
            breaker_reason=str(reason[0]) if reason and breaker_open else "",
            next_check=tx.cases.next_wake(),
            logins=app.login_warnings() if app.logins else None,
        )


def _alive_since(cycle: tuple[Any, datetime] | None, now: datetime) -> datetime:
    """Return the time since which a running daemon has left a record; `run --once` has no fixed interval."""
    if cycle is None or cycle[0] == "once":
        return datetime.min.replace(tzinfo=UTC)
    return now - _SILENCE


def _mailbox_health(
    tx: Any, name: str, alive_since: datetime, cursors: Mapping[tuple[str, str], Any]
) -> MailboxHealth:
    from followupd.domain.state import StateKey
    from followupd.services.inbox.freshness import last_read

    connected = tx.state.get(StateKey.CONNECTED.of(name))
    folders = [cursor for (mailbox, _), cursor in cursors.items() if mailbox == name]
    times = [cursor.synced_at for cursor in folders]
    if read := last_read(tx, name):
        times.append(read)
    return MailboxHealth(
        name,
        connected is not None and bool(connected[0]) and connected[1] >= alive_since,
        max(times, default=None),
        sum(cursor.passed_over for cursor in folders),
    )


def _health_view(health: Health) -> dict[str, Any]:
    view: dict[str, Any] = {
        "ok": health.ok,
        "mailboxes": [
            {
                "name": mailbox.name,
                "connected": mailbox.connected,
                "last_sync": utc_iso(mailbox.last_sync),
                "passed_over": mailbox.skipped,
            }
            for mailbox in health.mailboxes
        ],
        "waiting": health.open_cases,
        "letters_waiting": health.queued_letters,
        "doubts": health.letters_in_doubt,
        "quarantine": health.quarantined_mails,
        "breaker": "open" if health.breaker_open else "closed",
        "breaker_because": health.breaker_reason,
        "last_beat": utc_iso(health.last_cycle),
        "next_wake": utc_iso(health.next_check),
    }
    if health.logins is not None:
        view["logins"] = health.logins or "well"
    return view


def _print_health(health: Health, zone: tzinfo) -> None:
    print(f"Status: {_summary(health, zone)}")
    rows = [(title, value) for title, value in _health_rows(health, zone) if value]
    print_table(rows, indent="  ")


def _summary(health: Health, zone: tzinfo) -> str:
    if health.last_cycle is None:
        return _NEVER_STARTED
    if not health.running:
        return f"NOT RUNNING (last cycle {local_time(health.last_cycle, zone)})"
    return "OK" if health.ok else "PROBLEMS"


def _health_rows(health: Health, zone: tzinfo) -> list[tuple[str, str]]:
    """Return the rows of `status`; one with an empty value is left out."""
    breaker = f"OPEN: {health.breaker_reason} (`followupd resume` closes it)" if health.breaker_open else ""
    rows = [
        ("last cycle", local_time(health.last_cycle, zone) if health.last_cycle else ""),
        ("next check of a case", local_time(health.next_check, zone) if health.next_check else ""),
        ("open cases", str(health.open_cases)),
        ("queued letters", str(health.queued_letters)),
        ("letters in doubt", _nonzero(health.letters_in_doubt)),
        ("mails in quarantine", _nonzero(health.quarantined_mails)),
        ("circuit breaker", breaker),
    ]
    rows += [("login", warning) for warning in health.logins or ()]
    rows += [(f"mailbox {mailbox.name}", _mailbox_row(mailbox, zone)) for mailbox in health.mailboxes]
    return rows


def _nonzero(count: int) -> str:
    return str(count) if count else ""


def _mailbox_row(mailbox: MailboxHealth, zone: tzinfo) -> str:
    state = "connected" if mailbox.connected else "NOT CONNECTED"
    row = f"{state}, last read {local_time(mailbox.last_sync, zone)}"
    if mailbox.skipped:
        row += f", {mailbox.skipped} older mail(s) skipped"
    return row


# --- resume ---


def _resume(options: argparse.Namespace) -> int:
    from followupd.domain.state import StateKey

    app = open_app(options.config)
    with app.ledger.transaction() as tx:
        tx.state.put(StateKey.BREAKER, "closed", app.now())
    if options.json:
        print_json({"breaker": "closed"})
    else:
        print("The circuit breaker is closed; letters are sent again.")
    return DONE
