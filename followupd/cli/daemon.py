"""run, status, resume, login, install-service: the daemon, its health and its unit."""

import argparse
import re
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from followupd import __version__
from followupd.cli.main import DONE, PROBLEMS, USAGE, CommandParsers, completion, man_page, with_app
from followupd.cli.output import print_error, print_json, print_result, print_table, progress_of_steps
from followupd.clock import local_time, utc_iso
from followupd.errors import FollowupdError, SetupError, UnavailableError
from followupd.log import printable

if TYPE_CHECKING:
    from followupd.adapters.health import DaemonHealth, MailboxHealth
    from followupd.app.container import App

#: the exit codes of monitoring plugins, and their names
_CRITICAL, _UNKNOWN = 2, 3
_STATES = ("OK", "WARNING", "CRITICAL")
#: what ProtectHome= hides
_HIDDEN_FROM_SERVICES = frozenset({"home", "root"})
_NEXT = (
    "Next: systemctl enable --now followupd (or followupd@NAME for the configuration in /etc/followupd/NAME)"
)
_NEVER_STARTED = "NOT RUNNING (the daemon was never started)"


def add(commands: CommandParsers) -> None:
    """Add the parsers of run, status, resume, login and install-service."""
    run = commands.add("run")
    run.add_argument("--once", action="store_true", help="read all mail, send all that is due, and exit")
    run.add_argument("--verbose", action="store_true", help="also log why a case waits")
    run.set_defaults(do=_run)

    status = commands.add("status")
    status.add_argument(
        "--check", action="store_true", help="one line and the exit codes of monitoring plugins: 0, 1, 2 or 3"
    )
    status.set_defaults(do=_status)
    commands.add("resume").set_defaults(do=_resume)

    login = commands.add("login")
    login.add_argument("mailbox", metavar="MAILBOX", help="the name of the mailbox, or smtp")
    login.set_defaults(do=_login)

    install = commands.add("install-service")
    install.add_argument(
        "--root", metavar="DIR", type=Path, default=Path("/"), help="write below DIR, as for a package"
    )
    install.add_argument("--force", action="store_true", help="replace files that were changed")
    install.set_defaults(do=_install_service)


# --- run ---


def _run(options: argparse.Namespace) -> int:
    """Run the daemon until it is stopped, or once."""
    from followupd import clock, log
    from followupd.adapters.process import settle
    from followupd.adapters.settings import load
    from followupd.app.check import blocking_problems
    from followupd.app.container import build_to_run
    from followupd.app.cycle import run_once
    from followupd.app.daemon import Daemon

    settle()
    log.start(verbose=options.verbose)
    if problems := blocking_problems(options.config, clock.now()):
        raise SetupError(problems)
    app = build_to_run(load(options.config))

    if options.once:
        run_once(replace(app, inbox=replace(app.inbox, progress=progress_of_steps("Reading mail"))))
    else:
        Daemon(app).run()

    return DONE


# --- login ---


def _login(options: argparse.Namespace) -> int:
    """Let a person log in by OAuth, in a browser; of an application, which needs nobody, the login is tried."""
    from followupd.adapters.accounts import login_of
    from followupd.adapters.oauth import MICROSOFT, ApplicationLogin
    from followupd.adapters.settings import load

    login = login_of(load(options.config), options.mailbox)

    if login is None:
        print_error(f"followupd login: there is no mailbox {options.mailbox!r} with OAuth in followupd.toml")
        return USAGE

    if isinstance(login, ApplicationLogin):
        login.token()
        print(
            f"{options.mailbox} needs no login by a person: the provider gave its application an access token."
        )
        return DONE

    if login.auth == MICROSOFT:
        login.by_device_code(print)
    else:
        print("Open this page, allow the access, and copy the address at which the browser shows an error:")
        login.by_pasted_code(print, lambda: input("The address: "))

    print(f"{options.mailbox} is logged in.")

    return DONE


# --- status ---


def _status(options: argparse.Namespace) -> int:
    """Print the health of the daemon; the exit code is 1 if something needs a person."""
    from followupd import clock
    from followupd.adapters.health import read_sqlite

    if options.check:
        return _check(options.config)

    health = read_sqlite(options.config, clock.now()) or read_ledger(options.config)

    if options.json:
        print_json(_health_view(health))
    else:
        _print_health(health, ZoneInfo(health.timezone))

    return DONE if health.ok else PROBLEMS


def _check(directory: Path) -> int:
    """Print the health as a monitoring plugin does: one line, with numbers behind a bar; return its exit code."""
    from followupd import clock
    from followupd.adapters.health import read_sqlite

    try:
        health = read_sqlite(directory, clock.now()) or read_ledger(directory)
    except FollowupdError as error:
        print(f"FOLLOWUPD UNKNOWN - {str(error).splitlines()[0]}")
        return _UNKNOWN

    found = [*health.failures, *health.warnings]
    code = _CRITICAL if health.failures else int(bool(found))
    numbers = {
        "open_cases": health.open_cases,
        "queued_letters": health.queued_letters,
        "in_doubt": health.letters_in_doubt,
        "quarantine": health.quarantined_mails,
        "unheard": health.unheard_mails,
        "refused": health.refused_desk_mails,
    }
    said = "; ".join(found).replace("|", "/") or "all is well"
    print(f"FOLLOWUPD {_STATES[code]} - {said} | {' '.join(f'{name}={n}' for name, n in numbers.items())}")
    return code


def read_ledger(directory: Path) -> "DaemonHealth":
    """Read the health with the application, from PostgreSQL or where OAuth logins may expire."""
    from followupd.adapters.health import LedgerFigures, daemon_health
    from followupd.adapters.settings import load
    from followupd.app.container import build
    from followupd.app.cycle import ledger_figures

    app = build(load(directory))
    names = [mailbox.name for mailbox in app.settings.mailboxes]
    with closing(app.ledger) as ledger:
        now, timezone = app.now(), app.settings.company.timezone
        logins = app.login_warnings() if app.logins else None
        loss = ledger.noted_loss()
        if loss or not ledger.exists():
            figures = LedgerFigures(state=lambda _: None, folders={})
            return daemon_health(figures, names, timezone, now, logins, loss)

        ledger.upgrade()
        with ledger.snapshot() as tx:
            free = ledger.is_free()
            return daemon_health(ledger_figures(tx, now), names, timezone, now, logins, free=free)


def _health_view(health: "DaemonHealth") -> dict[str, Any]:
    """Return the health as JSON."""
    view: dict[str, Any] = {
        "ok": health.ok,
        "mailboxes": [
            {
                "name": mailbox.name,
                "connected": mailbox.connected,
                "last_sync": utc_iso(mailbox.last_sync),
                "passed_over": mailbox.skipped,
                "put_back": utc_iso(mailbox.put_back[0]) if mailbox.put_back else None,
            }
            for mailbox in health.mailboxes
        ],
        "waiting": health.open_cases,
        "letters_waiting": health.queued_letters,
        "doubts": health.letters_in_doubt,
        "quarantine": health.quarantined_mails,
        "quarantine_untold": health.untold_mails,
        "unheard": health.unheard_mails,
        "refused_desk_mails": health.refused_desk_mails,
        "breaker": "open" if health.breaker_open else "closed",
        "breaker_because": health.breaker_reason,
        "ledger": health.loss or "in place",
        "configuration": health.refused_configuration or "in use",
        "last_beat": utc_iso(health.last_cycle),
        "next_wake": utc_iso(health.next_check),
    }
    if health.logins is not None:
        view["logins"] = health.logins or "well"
    return view


def _print_health(health: "DaemonHealth", zone: tzinfo) -> None:
    """Print the health for people."""
    print(f"Status: {_summary(health, zone)}")
    rows = [(title, value) for title, value in _health_rows(health, zone) if value]
    print_table(rows, indent="  ")


def _summary(health: "DaemonHealth", zone: tzinfo) -> str:
    """Return the most important thing in one line."""
    if health.loss:
        return "THE LEDGER IS LOST"
    if health.last_cycle is None:
        return _NEVER_STARTED
    if not health.running:
        return f"NOT RUNNING (last cycle {local_time(health.last_cycle, zone)})"
    return "OK" if health.ok else "PROBLEMS"


def _health_rows(health: "DaemonHealth", zone: tzinfo) -> list[tuple[str, str]]:
    """Return the rows of `status`; one with an empty value is left out."""
    breaker = f"OPEN: {health.breaker_reason} (`followupd resume` closes it)" if health.breaker_open else ""
    rows = [
        ("last cycle", local_time(health.last_cycle, zone, none="")),
        ("next check of a case", local_time(health.next_check, zone, none="")),
        ("open cases", str(health.open_cases)),
        ("queued letters", str(health.queued_letters)),
        ("letters in doubt", _nonzero(health.letters_in_doubt)),
        ("mails not handled yet", _nonzero(health.unheard_mails)),
        ("refused mails to agents", _nonzero(health.refused_desk_mails)),
        ("mails in quarantine", _nonzero(health.quarantined_mails)),
        ("of which nobody was told", _nonzero(health.untold_mails)),
        ("circuit breaker", breaker),
        ("ledger", health.loss),
        ("configuration", health.refused_configuration),
    ]
    rows += [("login", warning) for warning in health.logins or ()]
    rows += [(f"mailbox {mailbox.name}", _mailbox_row(mailbox, zone)) for mailbox in health.mailboxes]

    return rows


def _nonzero(count: int) -> str:
    """Return a count, "" for zero."""
    return str(count) if count else ""


def _mailbox_row(mailbox: "MailboxHealth", zone: tzinfo) -> str:
    """Return the state of a mailbox in one line."""
    state = "connected" if mailbox.connected else "NOT CONNECTED"
    row = f"{state}, last read {local_time(mailbox.last_sync, zone)}"
    if mailbox.skipped:
        row += f", {mailbox.skipped} older mail(s) skipped"
    if mailbox.put_back:
        at, folder = mailbox.put_back
        row += f", {printable(folder)} put back from a backup and read again {local_time(at, zone)}"

    return row


# --- resume ---


@with_app
def _resume(options: argparse.Namespace, app: "App") -> int:
    """Close the circuit breaker."""
    from followupd.domain.keys import StateKey

    with app.ledger.transaction() as tx:
        tx.state.put(StateKey.BREAKER, "closed", app.now())
    print_result(options, {"breaker": "closed"}, "The circuit breaker is closed; letters are sent again.")

    return DONE


# --- install-service ---


def _install_service(options: argparse.Namespace) -> int:
    """Install the systemd units, the man page and the completion for this installation of followupd."""
    program = Path(sys.executable).parent / "followupd"
    if program.parts[1] in _HIDDEN_FROM_SERVICES:
        print_error(
            f"followupd install-service: {program} is in a home directory, which the service cannot see"
        )
        return PROBLEMS

    files = _service_files(program, options.config)
    changed = [path for path, text in files.items() if _differs(options.root / path, text)]
    if changed and not options.force:
        print_error(
            f"followupd install-service: {', '.join(f'/{path}' for path in changed)}: changed; --force replaces it"
        )
        return PROBLEMS

    try:
        for path, text in files.items():
            target = options.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"{error.filename} cannot be written: {error.strerror}") from None
    if options.root == Path("/"):
        _make_known(program)

    written = [f"/{path}" for path in files]
    print_result(options, {"written": written}, *(f"Wrote {path}" for path in written), _NEXT)
    return DONE


def _make_known(program: Path) -> None:
    """Let the shell find the command, and systemd the new unit."""
    link = Path("/usr/local/bin/followupd")
    if shutil.which("followupd") is None and not link.exists():
        link.symlink_to(program)
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "daemon-reload"], check=False)  # noqa: S607  found as a person would


def _service_files(program: Path, directory: Path) -> dict[str, str]:
    """Return the files of a service by their paths below the root.

    Args:
        program: the command `followupd`.
        directory: the configuration, which says what secrets the unit must hand over.
    """
    from followupd.adapters.overlay import shipped_directory

    shipped = (shipped_directory() / "systemd/followupd.service").read_text(encoding="utf-8")
    unit = _with_credentials(shipped.replace("/opt/followupd/bin/followupd", str(program)), directory)
    several = unit.replace("/etc/followupd", "/etc/followupd/%i").replace("%S/followupd", "%S/followupd/%i")
    for key in ("StateDirectory", "ConfigurationDirectory"):
        several = several.replace(f"{key}=followupd\n", f"{key}=followupd/%i\n")
    return {
        "etc/systemd/system/followupd.service": unit.replace("/etc/followupd", str(directory.absolute())),
        "etc/systemd/system/followupd@.service": several.replace("=followupd:", "=followupd (%i):"),
        "usr/local/share/man/man1/followupd.1": man_page(__version__),
        "usr/local/share/bash-completion/completions/followupd": completion(),
    }


def _with_credentials(unit: str, directory: Path) -> str:
    """Return the unit with a LoadCredential line for each secret that the configuration names, no more and no less."""
    from followupd.adapters.settings import examine

    settings, _ = examine(directory)
    if settings is None:
        return unit
    places = [secret.place.partition(":") for secret in settings.secrets]
    names = dict.fromkeys(name for kind, _, name in places if kind == "credential")
    wanted = "".join(f"LoadCredential={name}:/etc/followupd/credentials/{name}\n" for name in names)
    return re.sub(r"(?:^LoadCredential=.*\n)+", lambda _: wanted, unit, count=1, flags=re.MULTILINE)


def _differs(path: Path, text: str) -> bool:
    """Return whether a file exists and has another text."""
    return path.exists() and path.read_text(encoding="utf-8", errors="replace") != text
