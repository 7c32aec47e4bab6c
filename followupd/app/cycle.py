"""What one beat does, and a whole run of nothing but beats: `run --once`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from followupd import log
from followupd.adapters.storage.lease import AlreadyRunningError, Scope
from followupd.app.container import House
from followupd.domain.records import QUARANTINE
from followupd.errors import OutageError
from followupd.services.inbox import freshness
from followupd.services.inbox.sync import Role
from followupd.services.outbox.policy import beware_of_a_copy

if TYPE_CHECKING:
    from followupd.adapters.metrics import Vitals

#: beats in a row while there is always more to do; after that the watchdog wants to hear from us
BUSY = 20


def beat(house: House, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
    """Do everything that is due at `now`, once; return how much that was. The way of a mail, see docs/flow.md."""
    done = house.lessons.round(now)
    done += house.review.round(now)
    done += house.desk.round(now)
    if house.ledger.scope.leads:  # of several daemons one writes it
        done += house.digest.round(now)  # before the turn: what it tells is not told again by a reminder
    done += house.turn.round(now)
    done += house.cards.round(now, go_on)
    done += house.dispatch.settle(now)
    done += house.dispatch.doubts(now)
    done += house.dispatch.round(now, go_on)
    return done + (house.retention.round(now) if house.ledger.scope.leads else 0)


def read_all(house: House, now: datetime, failed: dict[str, OutageError]) -> int:
    """Read every folder of every mailbox once; return how many mails were new. What cannot be read stops no other.

    What failed is put down, and what failed before is not tried again: mailboxes by name, folders as "MAILBOX, FOLDER".
    """
    names = [settings.name for settings in house.settings.mailboxes if settings.name not in house.ledger.scope.theirs]
    count = 0
    for name in names:
        if name not in failed:
            with _noting(name, failed):
                count += _read(house, name, now, failed)
    return count


def _read(house: House, name: str, now: datetime, failed: dict[str, OutageError]) -> int:
    mailbox, count = house.mailbox(name), 0
    mailbox.open()
    try:
        folders = house.folders(name, mailbox)
        if not any(folder.role is Role.SENT for folder in folders):
            house.intake.has_read(name, now, sent=True)
        for n, folder in enumerate(folders):
            place = f"{name}, {folder.name}"
            if place in failed:
                continue
            try:
                count += house.intake.sync(mailbox, folder, now)
            except OutageError as error:
                if not n or not mailbox.connected:  # without its inbox a mailbox is of no use
                    raise
                failed[place] = error
                log.outage(place, error)
    finally:
        mailbox.close()
    return count


@contextmanager
def _noting(name: str, failed: dict[str, OutageError]) -> Iterator[None]:
    try:
        yield
    except OutageError as error:
        failed[name] = error
        log.outage(name, error)


def once(house: House) -> None:
    """Read all, do all that is due, send all that may leave, and file what came back; then stop (`run --once`).

    Raises:
        AlreadyRunningError: other daemons hold everything.
        OutageError: a mailbox could not be read; all else was done.
    """
    house.ledger.upgrade()
    names = [settings.name for settings in house.settings.mailboxes]
    with house.ledger.hold() as hold:
        held = hold.look(names, at_once=True)
        if not held:
            raise AlreadyRunningError
        house.ledger.scope = Scope.of(names, held)
        now, failed = house.now(), dict[str, OutageError]()
        beware_of_a_copy(house.ledger, now)
        freshness.begin(house.ledger, held, now)
        house.dispatch.wake_up(now)
        for _ in range(BUSY):
            if not read_all(house, now, failed) + beat(house, now):
                break
        pulse(house, {name: name not in failed for name in held}, now, lasts=False)
    if lost := [name for name in names if name in failed]:
        raise OutageError(f"not read: {', '.join(lost)}; everything else was done")


def pulse(house: House, connected: dict[str, bool], now: datetime, *, lasts: bool = True) -> None:
    """Put down for `status` that we are alive; `lasts` is False of a run that ends by itself, and is no daemon."""
    with house.ledger.work() as work:
        work.pulse.put("beat", "daemon" if lasts else "once", now)
        for name, stands in connected.items():
            work.pulse.put(f"connected {name}", stands, now)


def vitals(house: House, connected: dict[str, bool]) -> "Vitals":
    from followupd.adapters.metrics import Vitals

    with house.ledger.work() as work:
        breaker = work.pulse.get("breaker")
        return Vitals(
            cases=work.cases.stages(), letters=work.outbox.conditions(), quarantine=work.mail.count(QUARANTINE),
            connected=connected, breaker_open=breaker is not None and breaker[0] != "closed",
        )  # fmt: skip
