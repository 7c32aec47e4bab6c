"""What one beat does, and a whole run of nothing but beats: `run --once`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from followupd import log
from followupd.adapters.storage.lease import AlreadyRunningError, LeaseScope
from followupd.app.container import App
from followupd.domain.records import QUARANTINE
from followupd.errors import UnavailableError
from followupd.services.inbox import freshness
from followupd.services.inbox.sync import FolderRole
from followupd.services.outbox.policy import stop_if_restored_copy

if TYPE_CHECKING:
    from followupd.adapters.metrics import HealthSnapshot

#: beats in a row while there is always more to do; after that the watchdog wants to hear from us
MAX_CYCLES = 20


def beat(app: App, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
    """Do everything that is due at `now`, once; return how much that was. The way of a mail, see docs/flow.md."""
    done = app.lessons.run(now)
    done += app.review.run(now)
    done += app.desk.run(now)
    if app.ledger.scope.leads:  # of several daemons one writes it
        done += app.digest.run(now)  # before the turn: what it tells is not told again by a reminder
    done += app.turn.run(now)
    done += app.cards.run(now, go_on)
    done += app.dispatch.settle(now)
    done += app.dispatch.doubts(now)
    done += app.dispatch.run(now, go_on)
    return done + (app.retention.run(now) if app.ledger.scope.leads else 0)


def read_all(app: App, now: datetime, failed: dict[str, UnavailableError]) -> int:
    """Read every folder of every mailbox once; return how many mails were new. What cannot be read stops no other.

    What failed is put down, and what failed before is not tried again: mailboxes by name, folders as "MAILBOX, FOLDER".
    """
    names = [
        settings.name for settings in app.settings.mailboxes if settings.name not in app.ledger.scope.theirs
    ]
    count = 0
    for name in names:
        if name not in failed:
            with _noting(name, failed):
                count += _read(app, name, now, failed)
    return count


def _read(app: App, name: str, now: datetime, failed: dict[str, UnavailableError]) -> int:
    mailbox, count = app.mailbox(name), 0
    mailbox.open()
    try:
        folders = app.folders(name, mailbox)
        if not any(folder.role is FolderRole.SENT for folder in folders):
            app.intake.has_read(name, now, sent=True)
        for n, folder in enumerate(folders):
            place = f"{name}, {folder.name}"
            if place in failed:
                continue
            try:
                count += app.intake.sync(mailbox, folder, now)
            except UnavailableError as error:
                if not n or not mailbox.connected:  # without its inbox a mailbox is of no use
                    raise
                failed[place] = error
                log.unavailable(place, error)
    finally:
        mailbox.close()
    return count


@contextmanager
def _noting(name: str, failed: dict[str, UnavailableError]) -> Iterator[None]:
    try:
        yield
    except UnavailableError as error:
        failed[name] = error
        log.unavailable(name, error)


def once(app: App) -> None:
    """Read all, do all that is due, send all that may leave, and file what came back; then stop (`run --once`).

    Raises:
        AlreadyRunningError: other daemons hold everything.
        OutageError: a mailbox could not be read; all else was done.
    """
    app.ledger.upgrade()
    names = [settings.name for settings in app.settings.mailboxes]
    with app.ledger.lease() as hold:
        held = hold.look(names, at_once=True)
        if not held:
            raise AlreadyRunningError
        app.ledger.scope = LeaseScope.of(names, held)
        now, failed = app.now(), dict[str, UnavailableError]()
        stop_if_restored_copy(app.ledger, now)
        freshness.begin(app.ledger, held, now)
        app.dispatch.recover_interrupted(now)
        for _ in range(MAX_CYCLES):
            if not read_all(app, now, failed) + beat(app, now):
                break
        pulse(app, {name: name not in failed for name in held}, now, lasts=False)
    if lost := [name for name in names if name in failed]:
        raise UnavailableError(f"not read: {', '.join(lost)}; everything else was done")


def pulse(app: App, connected: dict[str, bool], now: datetime, *, lasts: bool = True) -> None:
    """Put down for `status` that we are alive; `lasts` is False of a run that ends by itself, and is no daemon."""
    with app.ledger.transaction() as tx:
        tx.state.put("beat", "daemon" if lasts else "once", now)
        for name, stands in connected.items():
            tx.state.put(f"connected {name}", stands, now)


def vitals(app: App, connected: dict[str, bool]) -> "HealthSnapshot":
    from followupd.adapters.metrics import HealthSnapshot

    with app.ledger.transaction() as tx:
        breaker = tx.state.get("breaker")
        return HealthSnapshot(
            cases=tx.cases.stages(),
            letters=tx.outbox.conditions(),
            quarantine=tx.mail.count(QUARANTINE),
            connected=connected,
            breaker_open=breaker is not None and breaker[0] != "closed",
        )
