"""Listen to mailboxes: one thread with its own connection for each inbox, and one for each Sent folder."""

import random
import threading
from collections.abc import Collection
from dataclasses import dataclass

from followupd import log
from followupd.adapters.accounts import Mailbox
from followupd.adapters.settings import MailboxSettings
from followupd.app.container import App
from followupd.errors import LoginRefusedError, UnavailableError
from followupd.services.inbox.sync import Folder, FolderRole

#: longest wait in seconds between two attempts to connect
_MAX_WAIT = 300.0
#: seconds before the second attempt after a refused login, each later wait being twice as long: many logins with a
#: wrong password look like an attack, and lock the account
_LOGIN_WAIT, _MAX_LOGIN_WAIT = 120.0, 3600.0
#: seconds for which an ending listener is waited for
_JOIN_SECONDS = 2
#: seconds between two looks whether the inbox's listener has logged in
_LOOK_SECONDS = 0.2


class Listener(threading.Thread):
    """Listens to folders of one mailbox over one connection; sets `wakeup` when the ledger has new mail.

    An outage is logged once, whatever the number of attempts.
    """

    def __init__(
        self,
        app: App,
        settings: MailboxSettings,
        stopping: threading.Event,
        wakeup: threading.Event,
        *,
        inbox: "Listener | None" = None,
    ) -> None:
        """Prepare the thread, which ends when `stopping` is set.

        With `inbox`, the listener of the mailbox's inbox, it listens to Sent; without, to the other folders.
        """
        sent = inbox is not None
        super().__init__(name=f"{settings.name} {'sent' if sent else 'inbox'}", daemon=True)
        self._app, self._settings, self._sent, self._inbox = app, settings, sent, inbox
        self._stopping, self._wakeup = stopping, wakeup
        #: set once all folders have been read for the first time
        self.opened = threading.Event()
        #: set once all folders were read, or the first attempt failed
        self.tried = threading.Event()
        self.connected = False
        #: set when the mailbox may have to be changed: status tags, copies, drafts
        self.update_due = threading.Event()
        #: folders that the server refuses to open; each was logged
        self._refused: set[str] = set()

    def run(self) -> None:
        """Listen, and connect again after failures, with growing waits."""
        failures, longest = 0, 0.0
        self._await_inbox()
        while not self._stopping.is_set():
            try:
                self._listen()
                failures = 0
            except UnavailableError as error:
                if not failures:
                    log.unavailable(self.name, error)
                failures += 1
                longest = _longest_wait(failures, error)
            except Exception as error:  # noqa: BLE001  a listener that ended would leave mail unread
                log.unexpected_error(self.name, error)
                failures += 1
                longest = _longest_wait(failures, error)
            self.connected = False
            if failures:
                self._report_tried()
                # The random part keeps many listeners from connecting to one server at the same moment.
                self._stopping.wait(longest * random.uniform(0.5, 1.0))

    def _await_inbox(self) -> None:
        """Let the inbox's listener log in first, so that a wrong password is tried by one of them only."""
        if self._inbox is None:
            return
        while not self._inbox.opened.wait(_LOOK_SECONDS) and not self._stopping.is_set():
            if self._inbox.tried.is_set():
                self._report_tried()

    def _listen(self) -> None:
        """Connect, and listen until the connection ends.

        Raises:
            UnavailableError: the mailbox cannot be opened, or the connection ended.
        """
        app = self._app
        mailbox = app.mailbox(self._settings.name)
        try:
            mailbox.open()
            self._read_and_wait(app, mailbox)
        finally:
            mailbox.close()

    def _read_and_wait(self, app: App, mailbox: Mailbox) -> None:
        """Read all folders and wait for the server's notifications, again and again."""
        now = app.now()
        poll_seconds = (app.settings.calendar.after(now, self._settings.poll) - now).total_seconds()
        while not self._stopping.is_set():
            self.update_due.clear()
            folders = self._folders(app, mailbox)  # read each time: an agent may create a command folder
            for folder in reversed(folders):  # the first one last, as it stays selected while waiting
                self._sync(app, mailbox, folder, required=folder is folders[0])
            self._mark_connected()
            self._wakeup.set()
            if folders:
                if mailbox.wait(folders[0].name, poll_seconds, self._must_look) and self._inbox:
                    self._inbox.update_due.set()  # a reply may have been moved from Sent into a command folder
            else:  # a mailbox without a Sent folder, so far
                app.inbox.mark_synced(self._settings.name, app.now(), sent=True)
                self._stopping.wait(poll_seconds)

    def _must_look(self) -> bool:
        """Return whether the waiting must end although the server has reported nothing."""
        return self.update_due.is_set() or self._stopping.is_set()

    def _report_tried(self) -> None:
        """Let the daemon know that the first attempt is over, whether it failed or not."""
        if not self.tried.is_set():
            self.tried.set()
            self._wakeup.set()

    def _mark_connected(self) -> None:
        """Record that all folders were read over this connection, and log the end of an outage."""
        if self.connected:
            return

        if self.opened.is_set():
            log.recovered(self.name)

        self.connected = True
        self.opened.set()
        self.tried.set()

    def _folders(self, app: App, mailbox: Mailbox) -> list[Folder]:
        """Return the folders that this listener reads, in the order of `App.folders`."""
        folders = app.folders(self._settings.name, mailbox)
        return [folder for folder in folders if (folder.role is FolderRole.SENT) == self._sent]

    def _sync(self, app: App, mailbox: Mailbox, folder: Folder, *, required: bool) -> None:
        """Read one folder.

        One that the server refuses, such as a deleted one, is logged once and stops no other.
        """
        place = f"{self.name}, {folder.name}"
        try:
            app.inbox.sync(mailbox, folder, app.now())
        except UnavailableError as error:
            if required or not mailbox.connected:
                raise
            if folder.name not in self._refused:
                log.unavailable(place, error)
            self._refused.add(folder.name)
        else:
            if folder.name in self._refused:
                log.recovered(place)
            self._refused.discard(folder.name)


def _longest_wait(failures: int, error: Exception) -> float:
    """Return the longest wait in seconds before the next attempt, after a number of failures in a row."""
    if isinstance(error, LoginRefusedError):
        return min(_LOGIN_WAIT * 2.0 ** (failures - 1), _MAX_LOGIN_WAIT)
    return min(2.0**failures, _MAX_WAIT)


@dataclass(frozen=True, slots=True)
class _MailboxListeners:
    """The two listeners of a mailbox, and the event that ends them."""

    stopping: threading.Event
    threads: tuple[Listener, Listener]


class Listeners:
    """The listeners of the mailboxes that this daemon holds."""

    def __init__(self, app: App, wakeup: threading.Event) -> None:
        self._app, self._wakeup = app, wakeup
        self._by_mailbox: dict[str, _MailboxListeners] = {}

    def follow(self, names: Collection[str]) -> None:
        """Listen to these mailboxes from now on, and to no other; does not wait for listeners that end."""
        for name in set(self._by_mailbox) - set(names):
            ending = self._by_mailbox.pop(name)
            ending.stopping.set()
            for listener in ending.threads:
                listener.update_due.set()

        for settings in self._app.settings.mailboxes:
            if settings.name in names and settings.name not in self._by_mailbox:
                self._by_mailbox[settings.name] = self._started(settings)

    def _started(self, settings: MailboxSettings) -> _MailboxListeners:
        """Start the listeners of a mailbox."""
        stopping = threading.Event()
        inbox = Listener(self._app, settings, stopping, self._wakeup)
        threads = (inbox, Listener(self._app, settings, stopping, self._wakeup, inbox=inbox))
        for listener in threads:
            listener.start()

        return _MailboxListeners(stopping, threads)

    def end(self) -> None:
        """End all listeners, and wait for each of them at most two seconds."""
        ending = self._all
        self.follow(())

        for listener in ending:
            listener.join(_JOIN_SECONDS)

    def stop(self) -> None:
        """Ask all listeners to end, without waiting; may be called by any thread."""
        for mailbox in list(self._by_mailbox.values()):
            mailbox.stopping.set()

    def update_mailboxes(self) -> None:
        """Let each listener apply the pending changes of its folders now."""
        for listener in self._all:
            listener.update_due.set()

    @property
    def _all(self) -> list[Listener]:
        """The listeners of all mailboxes."""
        return [listener for mailbox in self._by_mailbox.values() for listener in mailbox.threads]

    @property
    def tried(self) -> bool:
        """Whether every mailbox was read once, or could not be."""
        return all(listener.tried.is_set() for listener in self._all)

    @property
    def unavailable(self) -> list[str]:
        """The names of the mailboxes that are not connected now."""
        return [name for name, is_connected in self.connected.items() if not is_connected]

    @property
    def connected(self) -> dict[str, bool]:
        """Whether all connections of each mailbox are open, by its name."""
        return {
            name: all(listener.connected for listener in mailbox.threads)
            for name, mailbox in self._by_mailbox.items()
        }
