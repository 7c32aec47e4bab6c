"""One cycle: which services run, and in which order.

And a run that consists of cycles only (`run --once`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from followupd import log
from followupd.adapters.accounts import Mailbox
from followupd.adapters.storage.lease import AlreadyRunningError, LeaseScope
from followupd.adapters.storage.ledger import Transaction
from followupd.app.container import App
from followupd.domain.calendar import has_come
from followupd.domain.keys import StateKey
from followupd.domain.letter import LetterStatus
from followupd.domain.mail import MailState
from followupd.errors import UnavailableError
from followupd.services.inbox.sync import FolderRole
from followupd.services.outbox.policy import mark_unread, stop_if_restored_copy

if TYPE_CHECKING:
    from followupd.adapters.health import HealthSnapshot, LedgerFigures

#: cycles without a pause while there is always more to do; then the watchdog must be notified
MAX_CYCLES = 20
#: what could not be read in one run: mailboxes by name, folders as "MAILBOX, FOLDER"
Failures = dict[str, UnavailableError]


def run_cycle(app: App, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
    """Do everything that is due at `now`, once; return how much that was.

    Commands come before mail, so that a tag decides about a mail before the classifier does. The digest comes
    before the cases, so that no reminder repeats it. `go_on` is asked between two letters; False leaves the
    others to the next cycle.
    """
    leads = app.ledger.scope.is_leader  # of several daemons, one writes digests and deletes old mail
    app.absences.refresh(now)
    done = app.training.run(now)
    done += app.commands.run(now)
    done += app.router.run(now)
    done += app.review.run(now)
    if leads:
        done += app.digest.run(now) + app.monthly.run(now)

    done += app.cases.run(now)
    done += app.gift_cards.run(now, go_on)
    if leads:
        done += app.notices.flooded(now) + app.notices.breaker_opened(now)
        done += app.notices.undelivered(app.settings.gift_cards.admin, now)
    done += app.sender.recover_interrupted(now)
    done += app.reconciler.resolve_in_doubt(now)
    done += app.sender.run(now, go_on)
    if leads:
        done += app.retention.run(now) + app.calibration.run(now)

    return done


class MailReading:
    """Reads all mail of one run; each mailbox stays connected from one cycle to the next."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._mailboxes: dict[str, Mailbox] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for mailbox in self._mailboxes.values():
            mailbox.close()

    def read_all(self, now: datetime, failures: Failures) -> int:
        """Read every folder of every mailbox once; return how many mails were new.

        What cannot be read stops no other and is added to `failures`, by the mailbox's name. A mailbox that is
        in there already is not tried again.

        Args:
            now: the time of the cycle, in UTC.
            failures: by mailbox, or by mailbox and folder.
        """
        count = 0
        for settings in self._app.settings.mailboxes:
            name = settings.name
            if name in self._app.ledger.scope.theirs or name in failures:
                continue
            try:
                count += self._read(name, now, failures)
            except UnavailableError as error:
                failures[name] = error
                log.unavailable(name, error)

        return count

    def _read(self, name: str, now: datetime, failures: Failures) -> int:
        """Read one mailbox, over a new connection where there was none or the last one has ended.

        Args:
            name: its name.
            now: the time of the cycle, in UTC.
            failures: by mailbox, or by mailbox and folder.

        Raises:
            UnavailableError: as `_read_mailbox`, or the server refuses the login.
        """
        if name not in self._mailboxes:
            self._mailboxes[name] = self._app.mailbox(name)
        mailbox = self._mailboxes[name]
        if mailbox.connected:
            try:
                return _read_mailbox(self._app, name, mailbox, now, failures)
            except UnavailableError:
                if mailbox.connected:
                    raise
        mailbox.open()
        return _read_mailbox(self._app, name, mailbox, now, failures)


def _read_mailbox(app: App, name: str, mailbox: Mailbox, now: datetime, failures: Failures) -> int:
    """Read the folders of one mailbox.

    Args:
        app: the application.
        name: the name of the mailbox.
        mailbox: the open connection to it.
        now: the time of the cycle, in UTC.
        failures: by mailbox, or by mailbox and folder; a folder that cannot be read is added. The Sent folder
            is added under the name of the mailbox too.

    Returns:
        How many mails were new.

    Raises:
        UnavailableError: the mailbox, or its inbox, cannot be read.
    """
    folders, count = app.folders(name, mailbox), 0
    if not any(folder.role is FolderRole.SENT for folder in folders):
        app.inbox.mark_synced(name, now, sent=True)

    for folder in folders:
        place = f"{name}, {folder.name}"
        if place in failures:
            continue
        try:
            count += app.inbox.sync(mailbox, folder, now)
        except UnavailableError as error:
            if folder.role is FolderRole.INBOX or not mailbox.connected:
                raise  # without its inbox a mailbox is of no use
            failures[place] = error
            log.unavailable(place, error)
            if folder.is_sent:
                failures[name] = error  # its customers get no letters: an agent may have answered them

    return count


def run_once(app: App) -> None:
    """Read all mail, do what is due, send what may be sent, file the copies, and stop (`run --once`).

    Raises:
        AlreadyRunningError: other daemons hold all mailboxes.
        UnavailableError: a mailbox could not be read; everything else was done.
    """
    if done := app.ledger.upgrade():
        log.ledger_changed(done, app.ledger.place)
    names = [settings.name for settings in app.settings.mailboxes]
    failures: Failures = {}

    with app.ledger.lease() as lease:
        held = lease.acquire(names, at_once=True)
        if not held:
            raise AlreadyRunningError
        app.ledger.scope = LeaseScope.of(names, held)
        now = app.now()
        stop_if_restored_copy(app.ledger, now)
        mark_unread(app.ledger, held, now)
        app.sender.recover_interrupted(now)
        left = _run_until_done(app, now, failures)
        record_alive(app, {name: name not in failures for name in held}, now, is_daemon=False)

    if left:
        raise UnavailableError(f"not everything was done: {left} mail(s) or letter(s) are left; run it again")
    if unread := [name for name in names if name in failures]:
        raise UnavailableError(f"not read: {', '.join(unread)}; everything else was done")


def _run_until_done(app: App, now: datetime, failures: Failures) -> int:
    """Run cycles until nothing is left to do, or until many in a row have made nothing less.

    Args:
        app: the services.
        now: the time of all cycles.
        failures: what could not be read; new failures are added.

    Returns:
        How many mails and letters are left over, 0 when all was done.
    """
    left = _unfinished(app)
    cycles = 0
    with MailReading(app) as mail:
        while mail.read_all(now, failures) + run_cycle(app, now):
            before, left = left, _unfinished(app)
            cycles = 0 if left < before else cycles + 1
            if cycles == MAX_CYCLES:
                return max(left, 1)

    return 0


def _unfinished(app: App) -> int:
    """Return how many mails were not handled yet, and how many letters wait for the server."""
    with app.ledger.transaction() as tx:
        return tx.mail.count(MailState.UNPROCESSED) + tx.outbox.count(LetterStatus.QUEUED)


def record_alive(app: App, connected: dict[str, bool], now: datetime, *, is_daemon: bool = True) -> None:
    """Record for `status` that cycles run, and which mailboxes are connected.

    With `is_daemon` further cycles follow, so that a late one means trouble.
    """
    with app.ledger.transaction() as tx:
        tx.state.put(StateKey.CYCLE, "daemon" if is_daemon else "once", now)
        for name, is_connected in connected.items():
            tx.state.put(StateKey.CONNECTED.of(name), is_connected, now)


def ledger_figures(tx: Transaction, now: datetime) -> "LedgerFigures":
    """Return the figures from which `status`, /healthz and the metrics derive the daemon's health."""
    from followupd.adapters.health import REFUSED_FOR, LedgerFigures

    folders: dict[str, list[tuple[datetime, int]]] = {}
    for (name, _), cursor in tx.state.cursors().items():
        folders.setdefault(name, []).append((cursor.synced_at, cursor.passed_over))
    queued = (LetterStatus.QUEUED, LetterStatus.DEFERRED, LetterStatus.REVIEW)
    return LedgerFigures(
        state=tx.state.get,
        folders=folders,
        open_cases=tx.cases.count_unfinished(),
        queued_letters=tx.outbox.count(*queued),
        letters_in_doubt=tx.outbox.count(LetterStatus.DOUBT),
        quarantined=tx.mail.quarantined_ids(),
        next_check=tx.cases.next_wake(),
        unheard=tx.mail.count(MailState.UNPROCESSED),
        refused_desk_mails=len(tx.outbox.refused_desk_mails(now - REFUSED_FOR)),
    )


def health_snapshot(app: App, overdue_promises: int) -> "HealthSnapshot":
    """Return the figures that the metrics show.

    Args:
        app: the services.
        overdue_promises: their number, which costs more to find out than the rest.
    """
    from followupd.adapters.health import HealthSnapshot, daemon_health

    now, names = app.now(), [mailbox.name for mailbox in app.settings.mailboxes]
    with app.ledger.transaction() as tx:
        figures = ledger_figures(tx, now)
        backed_up, configured = map(tx.state.get, (StateKey.BACKED_UP, StateKey.CONFIGURATION))
        return HealthSnapshot(
            health=daemon_health(figures, names, app.settings.company.timezone, now, app.login_warnings()),
            cases=tx.cases.count_by_stage(),
            letters=tx.outbox.count_by_status(),
            sent=tx.outbox.count_by_kind(LetterStatus.SENT),
            refused=tx.outbox.count_by_kind(LetterStatus.REFUSED),
            mails=tx.mail.count_by_kind(),
            stock=tx.cards.stock(now),
            overdue_promises=overdue_promises,
            oldest_letter=tx.outbox.oldest_waiting(),
            backed_up=backed_up[1] if backed_up else None,
            configured=configured[1] if configured else None,
        )


def count_overdue_promises(app: App) -> int:
    """Return how many promises have an internal deadline that has passed; reads every open case."""
    now = app.now()
    with app.ledger.transaction() as tx:
        deadlines = [promise.internal_deadline for case in tx.cases.unfinished() for promise in case.owed]
    return sum(has_come(at, now) for at in deadlines)
