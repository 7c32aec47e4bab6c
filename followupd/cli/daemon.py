"""run, status, resume: the daemon and its health."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from followupd.adapters.terminal import moment
from followupd.cli.app import open_house
from followupd.cli.main import DONE, PROBLEMS, USAGE
from followupd.cli.output import as_json, table
from followupd.domain.letter import LetterStatus
from followupd.domain.records import QUARANTINE
from followupd.services.inbox.freshness import last_read

#: a daemon of which nothing was heard for so long is not well; it says every ten seconds that it is alive
_SILENT = timedelta(minutes=10)


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    run = commands.add_parser("run", parents=[common], help="the daemon")
    run.add_argument(
        "--once", action="store_true", help="read all, do all that is due, send all that may leave, stop"
    )
    run.add_argument("--verbose", action="store_true", help="also log why a case waits")
    run.set_defaults(do=_run)
    status = commands.add_parser("status", parents=[common], help="is it well")
    status.set_defaults(do=_status)
    login = commands.add_parser("login", parents=[common], help="log in to a mailbox by OAuth")
    login.add_argument("mailbox", metavar="MAILBOX", help="the mailbox's name, or smtp")
    login.set_defaults(do=_login)
    resume = commands.add_parser(
        "resume", parents=[common], help="let letters leave again after the breaker opened"
    )
    resume.set_defaults(do=_resume)


def _run(options: argparse.Namespace) -> int:
    from followupd import clock, log
    from followupd.adapters.settings import load
    from followupd.adapters.systemd import settle
    from followupd.app.container import blocking_problems, build_to_run
    from followupd.app.cycle import once
    from followupd.app.daemon import Daemon
    from followupd.errors import SetupError

    settle()
    log.start(verbose=options.verbose)
    if problems := blocking_problems(options.config, clock.now()):
        raise SetupError(problems)
    app = build_to_run(load(options.config))
    if options.once:
        once(app)
    else:
        Daemon(app).run()
    return DONE


def _login(options: argparse.Namespace) -> int:
    from followupd.adapters.accounts import login_of
    from followupd.adapters.oauth.tokens import MICROSOFT
    from followupd.adapters.settings import load
    from followupd.cli.output import complain

    login = login_of(load(options.config), options.mailbox)
    if login is None:
        complain(f"followupd login: there is no mailbox {options.mailbox!r} with OAuth in followupd.toml")
        return USAGE
    if login.auth == MICROSOFT:
        login.by_device_code(print)
    else:
        print(
            "Open this page, allow the access, and copy the address that the browser ends at; it shows an error there:"
        )
        login.by_pasted_code(print, lambda: input("The address: "))
    print(f"{options.mailbox} is logged in.")
    return DONE


def _status(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    view = _health(app)
    if options.json:
        as_json(view)
    else:
        _print(view)
    return DONE if view["ok"] else PROBLEMS


def _health(app: Any) -> dict[str, Any]:
    with app.ledger.transaction() as tx:
        beat, breaker = tx.state.get("beat"), tx.state.get("breaker")
        because = tx.state.get("breaker because")
        connected = {each.name: tx.state.get(f"connected {each.name}") for each in app.settings.mailboxes}
        lately = _lately(beat, app.now())
        cursors = tx.state.cursors()
        doubts = tx.outbox.count(LetterStatus.DOUBT)
        view = {
            "mailboxes": [
                _mailbox(each.name, connected[each.name], lately, cursors, last_read(tx, each.name))
                for each in app.settings.mailboxes
            ],
            "waiting": tx.cases.count_open(),
            "letters_waiting": tx.outbox.count(
                LetterStatus.READY, LetterStatus.DEFERRED, LetterStatus.REVIEW
            ),
            "doubts": doubts,
            "quarantine": tx.mail.count(QUARANTINE),
            "breaker": breaker[0] if breaker else "closed",
            "breaker_because": because[0] if because and breaker and breaker[0] == "open" else "",
            "last_beat": moment(beat[1]) if beat else None,
            "next_wake": moment(tx.cases.next_wake()),
        }
    if app.logins:
        view["logins"] = app.login_warnings() or "well"
    well = beat is not None and beat[1] >= lately and not doubts and view["breaker"] == "closed"
    return {"ok": well and all(each["connected"] for each in view["mailboxes"]), **view}


def _lately(beat: tuple[Any, datetime] | None, now: datetime) -> datetime:
    """Return since when a daemon must have been heard of; when the next `run --once` is due, only its timer knows."""
    return now - _SILENT if beat and beat[0] != "once" else datetime.min.replace(tzinfo=UTC)


def _mailbox(
    name: str,
    connected: tuple[Any, datetime] | None,
    lately: datetime,
    cursors: dict[tuple[str, str], Any],
    read: datetime | None,
) -> dict[str, Any]:
    mine = [reached for (mailbox, _), reached in cursors.items() if mailbox == name]
    times = [reached.synced_at for reached in mine] + ([read] if read else [])
    return {
        "name": name,
        "connected": connected is not None and bool(connected[0]) and connected[1] >= lately,
        "last_sync": moment(max(times, default=None)),
        "passed_over": sum(reached.passed_over for reached in mine),
    }


def _print(view: dict[str, Any]) -> None:
    print("followupd is well." if view["ok"] else "followupd needs a look:")
    rows = [
        (name.replace("_", " "), str(value))
        for name, value in view.items()
        if name not in {"ok", "mailboxes"}
    ]
    for each in view["mailboxes"]:
        state = "connected" if each["connected"] else "not connected"
        rows.append(
            (
                each["name"],
                f"{state}, last read {each['last_sync']}, {each['passed_over']} older mail(s) passed over",
            )
        )
    table([(f"  {name}", value) for name, value in rows])


def _resume(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    now = app.now()
    with app.ledger.transaction() as tx:
        tx.state.put("breaker", "closed", now)
    if options.json:
        as_json({"breaker": "closed"})
    else:
        print("The breaker is closed; letters leave again.")
    return DONE
