"""The heartbeat: one `now` a beat, a thread a folder that listens, signals, and the only sleep in the house."""

import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING

from schedule import Scheduler

from followupd import __version__, clock, journal
from followupd.edges.settings import WARNINGS, load
from followupd.edges.systemd import notify
from followupd.errors import FollowupdError, OutageError
from followupd.model.kept import QUARANTINE
from followupd.watcher import Watcher
from followupd.wiring import House, build_to_run, house_problems

if TYPE_CHECKING:
    from followupd.edges.metrics import Metrics, Vitals

#: seconds between two beats; a beat with nothing to do costs four small queries
_BEAT = 1
#: beats in a row while there is always more to do; after that the watchdog wants to hear from us
_BUSY = 20
#: seconds between two lines in the ledger that we are alive; each is a write to the disk
_PULSE = 10
#: seconds that a stopping daemon has for the letter in hand
_GRACE = 4.5


def beat(house: House, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
    """Do everything that is due at `now`, once; return how much that was. The way of a mail, see docs/flow.md."""
    done = house.lessons.round(now)
    done += house.review.round(now)
    done += house.desk.round(now)
    done += house.digest.round(now)  # before the turn: what it tells is not told again by a reminder
    done += house.turn.round(now)
    done += house.cards.round(now, go_on)
    done += house.dispatch.settle(now)
    done += house.dispatch.doubts(now)
    done += house.dispatch.round(now, go_on)
    return done + house.retention.round(now)


def read_all(house: House, now: datetime) -> int:
    """Read every folder of every mailbox once; return how many mails were new."""
    count = 0
    for settings in house.settings.mailboxes:
        mailbox = house.mailbox(settings.name)
        mailbox.open()
        try:
            for folder in house.folders(settings.name, mailbox):
                count += house.intake.sync(mailbox, folder, now)
        finally:
            mailbox.close()
    return count


def once(house: House, now: datetime) -> None:
    """Read all, do all that is due, send all that may leave, and file what came back; then stop (`run --once`)."""
    house.ledger.upgrade()
    with house.ledger.hold():
        house.dispatch.wake_up(now)
        for _ in range(_BUSY):
            if not read_all(house, now) + beat(house, now):
                break
        _pulse(house, {settings.name: True for settings in house.settings.mailboxes}, now)


def _pulse(house: House, connected: dict[str, bool], now: datetime) -> None:
    with house.ledger.work() as work:
        work.pulse.put("beat", "well", now)
        work.pulse.put("connected", connected, now)


def _vitals(house: House, connected: dict[str, bool]) -> "Vitals":
    from followupd.edges.metrics import Vitals

    with house.ledger.work() as work:
        breaker = work.pulse.get("breaker")
        return Vitals(
            cases=work.cases.stages(), letters=work.outbox.conditions(), quarantine=work.mail.count(QUARANTINE),
            connected=connected, breaker_open=breaker is not None and breaker[0] != "closed",
        )  # fmt: skip


class Daemon:
    """Runs the house until a signal says stop."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.bell = threading.Event()
        self.stopping = threading.Event()
        self._watchers: list[Watcher] = []
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
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        signal.signal(signal.SIGHUP, self._ask_reload)
        journal.started(__version__, len(self.house.settings.mailboxes))
        self.house.ledger.upgrade()
        with self.house.ledger.hold():
            self.house.dispatch.wake_up(clock.now())
            self._serve_metrics()
            self._watch()
            self._arm()
            while not self._ended:
                self._scheduler.run_pending()
                if (self._scheduler.idle_seconds or 0) > 2 * _BEAT:
                    self._arm()  # the wall clock was set back; the pulse must not wait until it catches up
                self.bell.wait(_BEAT)
                if self.bell.is_set():
                    self.bell.clear()
                    self._beat()
        notify("STOPPING=1")
        self.house.ledger.close()
        journal.stopped()

    def _arm(self) -> None:
        self._scheduler.clear()
        self._scheduler.every(_BEAT).seconds.do(self._beat)

    def _watch(self) -> None:
        # An event of this generation's own: a slow watcher of the one before must not be woken to listen on.
        self.stopping = threading.Event()
        self._watchers = [
            Watcher(self.house, settings, self.stopping, self.bell, sent=sent)
            for settings in self.house.settings.mailboxes
            for sent in (False, True)
        ]
        for watcher in self._watchers:
            watcher.start()

    def _beat(self) -> None:
        if self._ended:
            return
        if self._reload.is_set():
            self._reload.clear()
            self._take_new_settings()
        try:
            self._work()
        except OutageError as error:
            if not self._in_outage:
                journal.outage("the beat", error)
            self._in_outage = True
        except Exception as error:  # noqa: BLE001  one bad beat must not end the service
            if repr(error) != self._failure:  # said once, not every second
                journal.beat_failed("the beat", error)
            self._failure = repr(error)
        else:
            if self._in_outage:
                journal.outage_over("the beat")
            self._in_outage = False
            self._failure = ""
        self._say_ready()

    def _work(self) -> None:
        for _ in range(_BUSY):
            if self._ended or not beat(self.house, clock.now(), self._goes_on):
                break
            for watcher in self._watchers:
                watcher.marks.set()
        if (now := monotonic()) >= self._next_pulse:
            self._next_pulse = now + _PULSE
            _pulse(self.house, self._connected(), clock.now())
            self._warn_of_logins()
            if self._metrics:
                self._metrics.tell(_vitals(self.house, self._connected()))

    def _warn_of_logins(self) -> None:
        warnings = set(self.house.login_warnings())
        for warning in sorted(warnings - self._warned):
            journal.login_ends(warning)
        self._warned = warnings

    def _serve_metrics(self) -> None:
        """Serve metrics where the settings say; a port that is taken keeps no letter from leaving."""
        if self._metrics:
            self._metrics.close()
            self._metrics = None
        if listen := self.house.settings.metrics.listen:
            from followupd.edges.metrics import Metrics  # late: most houses serve none

            try:
                self._metrics = Metrics(*listen)
            except OSError as error:
                journal.beat_failed("metrics", error)

    def _goes_on(self) -> bool:
        notify("WATCHDOG=1")  # between two letters too: a slow server is no hang of ours
        return not self._ended

    def _connected(self) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for watcher in self._watchers:
            found[watcher.mailbox] = found.get(watcher.mailbox, True) and watcher.connected
        return found

    def _say_ready(self) -> None:
        notify("WATCHDOG=1")
        if not self._ready and all(watcher.opened.is_set() for watcher in self._watchers):
            self._ready = True
            self._next_pulse = 0.0  # `status` hears of the connections with the next beat
            journal.ready()
            notify("READY=1", f"STATUS=listening to {len(self.house.settings.mailboxes)} mailbox(es)")

    def _take_new_settings(self) -> None:
        """Take new configuration, playbooks and letters only when they pass `check`; else the old ones stay."""
        notify("RELOADING=1")
        directory = self.house.settings.directory
        found = house_problems(directory, clock.now())
        if found := [problem for problem in found if problem.rule not in WARNINGS]:
            journal.not_reloaded([str(problem) for problem in found])
            notify(f"STATUS=kept the old configuration: the new one has {len(found)} problem(s)")
        else:
            try:
                house = build_to_run(load(directory))
            except FollowupdError as error:
                journal.beat_failed("reload", error)
            else:
                self._end_watchers()
                self.house = house
                self._serve_metrics()
                self._watch()
                journal.reloaded()
        notify("READY=1")

    def _end_watchers(self) -> None:
        self.stopping.set()
        for watcher in self._watchers:
            watcher.join(2)

    def _ask_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reload.set()
        self.bell.set()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._ended:
            return
        journal.stopping(signal.Signals(number).name)
        self._ended = True
        self.stopping.set()
        self.bell.set()
        # A server that does not answer must not keep us: the letter in hand is then in doubt, and settled at the start.
        last_resort = threading.Timer(_GRACE, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()
