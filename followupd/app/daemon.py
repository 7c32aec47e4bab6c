"""The main loop: one clock reading per cycle, reload, watchdog and shutdown. Only this module sleeps."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from schedule import Scheduler

from followupd import __version__, clock, log
from followupd.adapters.process import notify
from followupd.adapters.settings import load
from followupd.adapters.storage.lease import LeaseScope
from followupd.app.check import configuration_problems, without_warnings
from followupd.app.container import App, build_to_run
from followupd.app.cycle import MAX_CYCLES, count_overdue_promises, health_snapshot, record_alive, run_cycle
from followupd.app.listeners import Listeners
from followupd.domain.keys import TAKEN, StateKey
from followupd.errors import FollowupdError, UnavailableError
from followupd.services.outbox.policy import QUIET, mark_unread, stop_if_restored_copy

if TYPE_CHECKING:
    from followupd.adapters.health import Metrics

SignalHandler = Callable[[signal.Signals], None]


def handle_signals(handlers: Mapping[signal.Signals, SignalHandler]) -> None:
    """Call the handler of each signal in a separate thread; to be called by the main thread."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)

    for number in handlers:
        signal.signal(number, _ignore)  # Python's default action would end the process at once

    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    threading.Thread(target=_dispatch, args=(read_end, handlers), name="signals", daemon=True).start()


def _ignore(_number: int, _frame: object) -> None:
    """Do nothing: the wake-up pipe already has the signal's number."""


def _dispatch(read_end: int, handlers: Mapping[signal.Signals, SignalHandler]) -> None:
    """Call the handler of each signal that arrives in the pipe."""
    while received := os.read(read_end, 1):
        number = signal.Signals(received[0])
        if number in handlers:
            handlers[number](number)


#: seconds between two cycles; a cycle with nothing to do costs four small queries
_CYCLE_SECONDS = 1
#: seconds between two records in the ledger that the daemon runs; each is a write to the disk
_RECORD_SECONDS = 10
#: seconds between two counts of what only the encrypted cases say, for the metrics
_COUNT_SECONDS = 300
#: a clock that differs by more seconds from the time that has passed was set; it must then be steady for so many
_JUMP_SECONDS, _STEADY_SECONDS = 3600, 60
#: seconds that a stopping daemon waits for the current letter, in two parts
_STOP_SECONDS, _RELEASE_SECONDS = 3.5, 1.0
#: what an outage of the ledger, and a bug in a cycle, is called in the log
_CYCLE = "cycle"
#: what a database that does not answer at the start is called in the log
_LEDGER = "ledger"
#: seconds between two attempts to reach it, and microseconds that systemd waits longer after each
_LEDGER_SECONDS, _MORE_TIME = 5, 60_000_000


@dataclass
class ClockWatch:
    """Tells when the clock was set, so that one wrong moment makes nothing due.

    A letter that is sent a year early cannot be taken back, and what is due then is put off by a year.
    """

    _last: tuple[datetime, float] | None = None
    _steady_from: float = 0.0

    def is_steady(self, now: datetime, ticks: float) -> bool:
        """Return whether the clock has run as it should for a minute; log it when it has not.

        Args:
            now: the clock.
            ticks: seconds of a clock that nobody can set.
        """
        if self._last:
            before, ticks_before = self._last
            jump = (now - before).total_seconds() - (ticks - ticks_before)
            if abs(jump) > _JUMP_SECONDS:
                log.clock_jumped(jump)
                self._steady_from = ticks + _STEADY_SECONDS
        self._last = now, ticks
        return ticks >= self._steady_from


class Daemon:
    """Runs cycles until a signal stops it."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.wakeup = threading.Event()
        self._listeners = Listeners(app, self.wakeup)
        self._lease = app.ledger.lease()
        self._held: frozenset[str] | None = None
        self._reload = threading.Event()
        self._next_count, self._overdue_promises = 0.0, 0
        self._stopping = False
        self._ready = False
        self._in_outage = False
        self._scheduler = Scheduler()
        self._next_record = 0.0
        #: whether `status` shows what became of each mailbox at the first attempt
        self._is_recorded = False
        self._metrics: Metrics | None = None
        self._login_warnings: set[str] = set()
        self._last_error = ""
        self._last_state = ""
        self._problem_count = 0
        self._loss, self._is_loss_told = "", False
        self._clock = ClockWatch()

    def run(self) -> None:
        """Listen and run cycles until SIGTERM or SIGINT; the current letter is finished first."""
        handle_signals(
            {
                signal.SIGHUP: self._request_reload,
                signal.SIGTERM: self._stop,
                signal.SIGINT: self._stop,
            }
        )
        log.started(__version__, len(self.app.settings.mailboxes))
        if not self._open_ledger():
            return

        with self._lease:
            stop_if_restored_copy(self.app.ledger, self.app.now())
            self._acquire_mailboxes()
            self._serve_metrics()
            self._record_configuration([])
            self._schedule()
            while not self._stopping:
                self._wait_and_run()
            self._record_stopped()

        notify("STOPPING=1")
        self.app.ledger.close()
        log.stopped()

    def _open_ledger(self) -> bool:
        """Bring the ledger up to date; wait for a database server that does not answer, as long as it takes.

        systemd gives up on a service that ends again and again, and an outage at boot must not use that up.

        Returns:
            False if a signal stopped the daemon meanwhile.

        Raises:
            UnavailableError: a ledger in a file cannot be opened.
        """
        while not self._stopping:
            try:
                done = self.app.ledger.upgrade()
            except UnavailableError as error:
                if not self.app.ledger.is_shared:
                    raise
                self._wait_for_ledger(error)
                continue

            if self._in_outage:
                log.recovered(_LEDGER)
            self._in_outage = False
            if done:
                log.ledger_changed(done, self.app.ledger.place)
            return True
        return False

    def _wait_for_ledger(self, error: UnavailableError) -> None:
        """Tell the log once, and systemd each time, that the database does not answer; wait a little."""
        if not self._in_outage:
            log.unavailable(_LEDGER, error)
        self._in_outage = True
        notify(f"STATUS=waiting for the ledger: {error}", f"EXTEND_TIMEOUT_USEC={_MORE_TIME}")
        self.wakeup.wait(_LEDGER_SECONDS)

    def _wait_and_run(self) -> None:
        """Run the cycle that is due, and wait until the next one, or until a listener has stored new mail."""
        self._scheduler.run_pending()
        if (self._scheduler.idle_seconds or 0) > 2 * _CYCLE_SECONDS:
            self._schedule()  # the wall clock was set back, and cycles must not wait until it catches up

        if self.wakeup.wait(_CYCLE_SECONDS):
            self.wakeup.clear()
            self._cycle()

    def _schedule(self) -> None:
        """Run a cycle every second from now on."""
        self._scheduler.clear()
        self._scheduler.every(_CYCLE_SECONDS).seconds.do(self._cycle)

    # --- cycles ---

    def _cycle(self) -> None:
        """Run one cycle; an outage or a bug ends the cycle and not the daemon."""
        if self._stopping:
            return

        if self._reload.is_set():
            self._reload.clear()
            self._take_new_settings()

        try:
            self._acquire_mailboxes()
            if self._held:
                self._run_cycles()
            else:
                self.app.now()  # so that an outage of the database is logged on standby too
        except UnavailableError as error:
            self._report_outage(error)
        except Exception as error:  # noqa: BLE001  a bug in one cycle must not end the daemon
            if repr(error) != self._last_error:  # logged once, not every second
                log.unexpected_error(_CYCLE, error)
            self._last_error = repr(error)
        else:
            if self._in_outage:
                log.recovered(_CYCLE)
            self._in_outage = False
            self._last_error = ""

        self._report_ready()

    def _run_cycles(self) -> None:
        """Run cycles until there is nothing more to do, but not so many that the watchdog waits."""
        for _ in range(MAX_CYCLES):
            at = self.app.now()  # the clock may be set between two cycles, too
            if not self._clock.is_steady(at, monotonic()) or self._stopping:
                break
            if not run_cycle(self.app, at, self._may_continue):
                break
            self._listeners.update_mailboxes()
            self._record_if_due()
            self._report_ready()
        self._record_if_due()

    def _record_if_due(self) -> None:
        """Record every ten seconds that the daemon lives, and as soon as each mailbox was tried.

        A daemon that starts with thousands of letters is ready long before the last of them has left.
        """
        now, is_tried = monotonic(), self._listeners.tried
        if now >= self._next_record or is_tried != self._is_recorded:
            self._next_record = now + _RECORD_SECONDS
            self._record_state()
            self._is_recorded = is_tried

    def _may_continue(self) -> bool:
        """Return whether the next letter may be sent.

        Asked between two letters, which notifies systemd too.
        """
        self._record_if_due()
        self._report_ready()
        return not self._stopping and self._lease.is_held()

    def _acquire_mailboxes(self) -> None:
        """Acquire the mailboxes that no other daemon holds, and listen to those that this one holds."""
        names = [settings.name for settings in self.app.settings.mailboxes]
        held = self._lease.acquire(names)
        expected = frozenset(names) if self._held is None else self._held
        if held != expected:
            log.mailboxes_acquired([name for name in names if name in held])

        if new := held - (self._held or frozenset()):
            mark_unread(self.app.ledger, new, self.app.now())

        self._held = held
        self.app.ledger.scope = LeaseScope.of(names, held)
        self._listeners.follow(held)

    # --- what others see of the daemon ---

    def _record_state(self) -> None:
        """Record for `status` and the metrics that cycles run."""
        record_alive(self.app, self._listeners.connected, self.app.now())
        self._warn_of_logins()
        if self._metrics:
            now = monotonic()
            if now >= self._next_count:
                self._next_count = now + _COUNT_SECONDS
                self._overdue_promises = count_overdue_promises(self.app)
            self._metrics.report(health_snapshot(self.app, self._overdue_promises))

    def _record_stopped(self) -> None:
        """Let `status` show that no mailbox is connected; an outage of the ledger must not delay the end."""
        with suppress(UnavailableError):
            record_alive(self.app, dict.fromkeys(self._held or (), False), self.app.now())

    def _warn_of_logins(self) -> None:
        """Log each OAuth login that expires soon, once."""
        warnings = set(self.app.login_warnings())
        for warning in sorted(warnings - self._login_warnings):
            log.login_expires_soon(warning)

        self._login_warnings = warnings

    def _serve_metrics(self) -> None:
        """Serve metrics where the settings say; a port that is in use stops no letter."""
        if self._metrics:
            self._metrics.close()
            self._metrics = None

        address = self.app.settings.metrics.listen
        if not address:
            return

        from followupd.adapters.health import Metrics  # loaded late: most sites serve none

        try:
            self._metrics = Metrics(*address)
        except OSError as error:
            log.unexpected_error("metrics", error)

    def _report_ready(self) -> None:
        """Notify the watchdog; and systemd, once each mailbox was tried, and when a mailbox goes or comes back.

        A mailbox that is out delays no start: it is tried again while the others are served.
        """
        notify("WATCHDOG=1")
        if self._in_outage or not self._is_recorded:
            return
        if not self._ready:
            self._ready = True
            log.ready()
            notify("READY=1")

        state = self._state()
        if state != self._last_state:
            self._last_state = state
            notify(f"STATUS={state}")

    def _state(self) -> str:
        """Return what systemd shows of the daemon, in one line."""
        held, unavailable = len(self._held or ()), self._listeners.unavailable
        state = f"listening to {held} mailbox(es)"
        if unavailable:
            state = (
                f"listening to {held - len(unavailable)} of {held} mailbox(es); out: {', '.join(unavailable)}"
            )
        if self._problem_count:
            state += f"; kept the old configuration: the new one has {self._problem_count} problem(s)"
        return state

    # --- reload ---

    def _request_reload(self, _number: signal.Signals) -> None:
        """Let the next cycle load the new settings; runs in the signals' thread."""
        self._reload.set()
        self.wakeup.set()

    def _take_new_settings(self) -> None:
        """Use new settings, playbooks and letters only if they are valid.

        Otherwise the old ones stay in use.
        """
        notify("RELOADING=1")
        directory = self.app.settings.directory
        try:
            problems = without_warnings(configuration_problems(directory, clock.now()))
            app = None if problems else build_to_run(load(directory))
        except FollowupdError as error:
            self._reject(str(error).splitlines())
        except Exception as error:  # noqa: BLE001  a bug in a check must not end a daemon that runs well
            log.unexpected_error("reload", error)
            self._reject([f"{type(error).__name__}: {error}"])
        else:
            if app is None:
                self._reject(list(map(str, problems)))
            else:
                self._use(app)

        notify("READY=1")

    def _use(self, app: App) -> None:
        """Replace the running program by one with the new settings, which are valid."""
        if app.settings.ledger.url != self.app.settings.ledger.url:  # another ledger is not leased yet
            app.ledger.close()
            restart = "another ledger needs a restart (`systemctl restart followupd`)"
            self._reject([f"followupd.toml, ledger.url: {restart}"])
            return

        self._listeners.end()
        self.app.ledger.close()
        self.app, self._listeners = app, Listeners(app, self.wakeup)
        self._acquire_mailboxes()
        self._serve_metrics()
        self._record_configuration([])
        log.reloaded()

    def _reject(self, problems: list[str]) -> None:
        """Log why new settings are not used; tell the lead, `status` and systemd."""
        log.not_reloaded(problems)
        self._tell_lead(problems)
        with suppress(UnavailableError):  # the log has it
            self._record_configuration(problems)

    def _record_configuration(self, problems: list[str]) -> None:
        """Record for `status` whether the last configuration that was read is in use."""
        self._problem_count = len(problems)
        self._next_record = 0.0  # metrics and health page are told in the next cycle
        refused = f"refused, {len(problems)} problem(s), the first: {problems[0]}" if problems else TAKEN
        with self.app.ledger.transaction() as tx:
            tx.state.put(StateKey.CONFIGURATION, refused, self.app.now())
            if not problems:
                tx.outbox.look_again(QUIET)  # the new configuration may have other quiet hours

    def _tell_lead(self, problems: list[str]) -> None:
        """Send the lead the problems of the new settings."""
        try:
            self.app.notices.reload_refused(problems, clock.now())
        except FollowupdError as error:  # the log and `status` have the problems too
            log.unexpected_error("the mail about the reload", error)

    def _report_outage(self, error: UnavailableError) -> None:
        """Log an outage of the ledger once, and also during one that the ledger was lost; the leads hear of that."""
        loss = self._lease.loss()
        if not self._in_outage or loss != self._loss:
            log.unavailable(_CYCLE, UnavailableError(loss) if loss else error)
        self._in_outage, self._loss = True, loss
        if loss and not self._is_loss_told and monotonic() >= self._next_record:
            self._next_record = monotonic() + _RECORD_SECONDS
            self._tell_of_loss(loss)

    def _tell_of_loss(self, loss: str) -> None:
        """Tell the leads by mail that the ledger was lost."""
        now = clock.now()
        try:
            letters = self.app.notices.ledger_lost(loss, now)
            self._is_loss_told = self.app.sender.send_without_ledger(letters, now)
        except FollowupdError as error:
            log.unexpected_error("the mail about the ledger", error)

    # --- shutdown ---

    def _stop(self, number: signal.Signals) -> None:
        """Let the main loop end, and end the process if a server keeps it from ending.

        Runs in the signals' thread.

        The current letter is then in doubt, and is resolved at the next start. Claimed letters that the
        server has not seen are released.
        """
        log.stopping(number.name)
        self._stopping = True
        self._listeners.stop()
        self.wakeup.set()
        never = threading.Event()
        never.wait(_STOP_SECONDS)

        try:
            self.app.sender.release_unsent()
        finally:
            never.wait(_RELEASE_SECONDS)
            os._exit(0)
