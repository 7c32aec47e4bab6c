"""The heartbeat: one `now` a beat, a thread a folder that listens, signals, and the only sleep in the house."""

import os
import signal
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from schedule import Scheduler

from followupd import __version__, clock, log
from followupd.adapters.settings import WARNINGS, load
from followupd.adapters.storage.lease import LeaseScope
from followupd.adapters.systemd import notify
from followupd.app.container import App, build_to_run, configuration_problems
from followupd.app.cycle import MAX_CYCLES, beat, pulse, vitals
from followupd.app.listeners import Listeners
from followupd.errors import FollowupdError, UnavailableError
from followupd.services.inbox import freshness
from followupd.services.outbox.policy import stop_if_restored_copy
from followupd.services.staff_mail import RefusedReload

if TYPE_CHECKING:
    from followupd.adapters.metrics import Metrics

#: seconds between two beats; a beat with nothing to do costs four small queries
_CYCLE_SECONDS = 1
#: seconds between two lines in the ledger that we are alive; each is a write to the disk
_PULSE = 10
#: seconds that a stopping daemon has for the letter in hand
_GRACE = 4.5


class Daemon:
    """Runs the house until a signal says stop."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.bell = threading.Event()
        self._watchers = Listeners(app, self.bell)
        self._hold = app.ledger.lease()
        self._held: frozenset[str] | None = None
        self._reload = threading.Event()
        self._ended = False
        self._ready = False
        self._in_outage = False
        self._scheduler = Scheduler()
        self._next_pulse = 0.0
        self._metrics: Metrics | None = None
        self._warned: set[str] = set()
        self._failure = ""

    def run(self) -> None:
        """Listen and beat until SIGTERM or SIGINT; the letter in hand is finished first."""
        self._listen_to_signals()
        log.started(__version__, len(self.app.settings.mailboxes))
        self.app.ledger.upgrade()
        with self._hold:
            stop_if_restored_copy(self.app.ledger, self.app.now())
            self._look()
            self._serve_metrics()
            self._arm()
            while not self._ended:
                self._scheduler.run_pending()
                if (self._scheduler.idle_seconds or 0) > 2 * _CYCLE_SECONDS:
                    self._arm()  # the wall clock was set back; the pulse must not wait until it catches up
                self.bell.wait(_CYCLE_SECONDS)
                if self.bell.is_set():
                    self.bell.clear()
                    self._beat()
            self._say_ended()
        notify("STOPPING=1")
        self.app.ledger.close()
        log.stopped()

    def _say_ended(self) -> None:
        """Let `status` say that nobody listens; a ledger that does not answer keeps no daemon from ending."""
        with suppress(UnavailableError):
            pulse(self.app, dict.fromkeys(self._held or (), False), self.app.now())

    def _arm(self) -> None:
        self._scheduler.clear()
        self._scheduler.every(_CYCLE_SECONDS).seconds.do(self._beat)

    def _look(self) -> None:
        """See which mailboxes are ours now; what another daemon left on its way is in doubt from the next beat on."""
        names = [settings.name for settings in self.app.settings.mailboxes]
        held = self._hold.look(names)
        if held != (frozenset(names) if self._held is None else self._held):
            log.mailboxes_acquired([name for name in names if name in held])
        if new := held - (self._held or frozenset()):
            freshness.begin(self.app.ledger, new, self.app.now())
        self._held = held
        self.app.ledger.scope = LeaseScope.of(names, held)
        self._watchers.follow(held)

    def _beat(self) -> None:
        if self._ended:
            return
        if self._reload.is_set():
            self._reload.clear()
            self._take_new_settings()
        try:
            self._look()
            if self._held:
                self._work()
            else:
                self.app.now()  # a database that does not answer is said to be out
        except UnavailableError as error:
            if not self._in_outage:
                log.unavailable("the beat", error)
            self._in_outage = True
        except Exception as error:  # noqa: BLE001  one bad beat must not end the service
            if repr(error) != self._failure:  # said once, not every second
                log.unexpected_error("the beat", error)
            self._failure = repr(error)
        else:
            if self._in_outage:
                log.recovered("the beat")
            self._in_outage = False
            self._failure = ""
        self._say_ready()

    def _work(self) -> None:
        for _ in range(MAX_CYCLES):
            if self._ended or not beat(self.app, self.app.now(), self._goes_on):
                break
            self._watchers.mark()
        if (now := monotonic()) >= self._next_pulse:
            self._next_pulse = now + _PULSE
            pulse(self.app, self._watchers.connected, self.app.now())
            self._warn_of_logins()
            if self._metrics:
                self._metrics.tell(vitals(self.app, self._watchers.connected))

    def _warn_of_logins(self) -> None:
        warnings = set(self.app.login_warnings())
        for warning in sorted(warnings - self._warned):
            log.login_expires_soon(warning)
        self._warned = warnings

    def _serve_metrics(self) -> None:
        """Serve metrics where the settings say; a port that is taken keeps no letter from leaving."""
        if self._metrics:
            self._metrics.close()
            self._metrics = None
        if listen := self.app.settings.metrics.listen:
            from followupd.adapters.metrics import Metrics  # late: most houses serve none

            try:
                self._metrics = Metrics(*listen)
            except OSError as error:
                log.unexpected_error("metrics", error)

    def _goes_on(self) -> bool:
        # Between two letters too: a slow server is no hang of ours, and many letters that wait put off no start.
        self._say_ready()
        return not self._ended and self._hold.still()

    def _say_ready(self) -> None:
        notify("WATCHDOG=1")
        if not self._ready and not self._in_outage and self._watchers.opened:
            self._ready = True
            self._next_pulse = 0.0  # `status` hears of the connections with the next beat
            log.ready()
            notify("READY=1", f"STATUS=listening to {len(self._held or ())} mailbox(es)")

    def _take_new_settings(self) -> None:
        """Take new configuration, playbooks and letters only when they pass `check`; else the old ones stay."""
        notify("RELOADING=1")
        directory = self.app.settings.directory
        found = configuration_problems(directory, clock.now())
        if found := [problem for problem in found if problem.rule not in WARNINGS]:
            self._refuse([str(problem) for problem in found])
        else:
            try:
                app = build_to_run(load(directory))
            except FollowupdError as error:
                log.unexpected_error("reload", error)
                self._tell_refused(str(error).splitlines())
            else:
                self._move_to(app)
        notify("READY=1")

    def _move_to(self, app: App) -> None:
        if app.settings.ledger.url != self.app.settings.ledger.url:  # it is neither held nor up to date
            app.ledger.close()
            self._refuse(
                ["followupd.toml, ledger.url: another ledger needs a restart (`systemctl restart followupd`)"]
            )
            return
        self._watchers.end()
        self.app.ledger.close()
        self.app, self._watchers = app, Listeners(app, self.bell)
        self._look()
        self._serve_metrics()
        log.reloaded()

    def _refuse(self, problems: list[str]) -> None:
        log.not_reloaded(problems)
        self._tell_refused(problems)
        notify(f"STATUS=kept the old configuration: the new one has {len(problems)} problem(s)")

    def _tell_refused(self, problems: list[str]) -> None:
        app = self.app
        mailbox = app.settings.mailboxes[0].name
        try:
            RefusedReload(app.ledger, app.settings.playbooks, app.letters, mailbox).tell(
                problems, clock.now()
            )
        except FollowupdError as error:  # the log has said it, and `status` does
            log.unexpected_error("the mail about the reload", error)

    def _listen_to_signals(self) -> None:
        """Hear signals in a thread of their own.

        A handler of Python's runs amid whatever the main thread does, and waits for ever for a lock that it holds just then,
        such as the bell's; and it does not run at all while the main thread is inside a library that does not come back.
        """
        hearing, telling = os.pipe()
        os.set_blocking(telling, False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: None)  # else it would end us on the spot
        signal.set_wakeup_fd(telling, warn_on_full_buffer=False)
        threading.Thread(target=self._hear, args=(hearing,), name="signals", daemon=True).start()

    def _hear(self, hearing: int) -> None:
        while heard := os.read(hearing, 1):
            number = signal.Signals(heard[0])
            if number is signal.SIGHUP:
                self._reload.set()
                self.bell.set()
            elif number in {signal.SIGTERM, signal.SIGINT}:
                self._stop(number)

    def _stop(self, number: signal.Signals) -> None:
        log.stopping(number.name)
        self._ended = True
        self._watchers.stop()
        self.bell.set()
        # A server that does not answer must not keep us: the letter in hand is then in doubt, and settled at the start;
        # what the server has not seen of its handful waits again.
        never = threading.Event()
        never.wait(_GRACE - 1)
        try:
            self.app.dispatch.release_unsent()
        finally:
            never.wait(1)
            os._exit(0)
