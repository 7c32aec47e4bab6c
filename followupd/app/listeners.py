"""Listens: a thread with a connection of its own for each inbox, and one for each Sent folder; an outage is said once."""

import random
import threading
from collections.abc import Collection

from followupd import log
from followupd.adapters.imap.mailbox import ImapMailbox
from followupd.adapters.settings import MailboxSettings
from followupd.app.container import App
from followupd.errors import UnavailableError
from followupd.services.inbox.sync import Folder, FolderRole

#: longest wait in seconds between two tries to reach a mailbox
_LONGEST_WAIT = 300.0


class Listener(threading.Thread):
    """Listens to some folders of one mailbox over one connection, and rings the bell when the ledger has news."""

    def __init__(
        self,
        app: App,
        settings: MailboxSettings,
        stopping: threading.Event,
        bell: threading.Event,
        *,
        sent: bool,
    ) -> None:
        """`stopping` ends it; it rings `bell`."""
        super().__init__(name=f"{settings.name} {'sent' if sent else 'inbox'}", daemon=True)
        self._app, self._settings, self._sent = app, settings, sent
        self._stopping, self._bell = stopping, bell
        self.opened = threading.Event()
        self.mailbox = settings.name
        self.connected = False
        self.marks = threading.Event()
        self._refused: set[str] = set()  # folders that the server does not let us read

    def run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                self._listen()
                failures = 0
            except UnavailableError as error:
                if not failures:
                    log.unavailable(self.name, error)
                failures += 1
            except Exception as error:  # noqa: BLE001  a watcher that dies would let mails go unheard
                log.unexpected_error(self.name, error)
                failures += 1
            self.connected = False
            # Jitter keeps many watchers from knocking at one server in step.
            self._stopping.wait(
                min(2.0**failures, _LONGEST_WAIT) * random.uniform(0.5, 1.0) if failures else 0
            )

    def _listen(self) -> None:
        app = self._app
        mailbox = app.mailbox(self._settings.name)
        try:
            mailbox.open()
            self._follow(app, mailbox)
        finally:
            mailbox.close()

    def _follow(self, app: App, mailbox: ImapMailbox) -> None:
        now = app.now()
        poll = (app.settings.calendar.after(now, self._settings.poll) - now).total_seconds()
        while not self._stopping.is_set():
            self.marks.clear()
            folders = self._folders(app, mailbox)  # an agent may make a command folder at any time
            for folder in reversed(folders):  # the first one stays open for the waiting
                self._sync(app, mailbox, folder, needed=folder is folders[0])
            if not self.connected:
                if self.opened.is_set():
                    log.recovered(self.name)
                self.connected = True
                self.opened.set()
            self._bell.set()
            if folders:
                mailbox.wait(folders[0].name, poll, lambda: self.marks.is_set() or self._stopping.is_set())
            else:  # a mailbox without a Sent folder, so far
                app.intake.has_read(self._settings.name, app.now(), sent=True)
                self._stopping.wait(poll)

    def _folders(self, app: App, mailbox: ImapMailbox) -> list[Folder]:
        found = app.folders(self._settings.name, mailbox)
        return [folder for folder in found if (folder.role is FolderRole.SENT) == self._sent]

    def _sync(self, app: App, mailbox: ImapMailbox, folder: Folder, *, needed: bool) -> None:
        """Read one folder. One that the server refuses, as when it was deleted, is said once and stops no other."""
        try:
            app.intake.sync(mailbox, folder, app.now())
        except UnavailableError as error:
            if needed or not mailbox.connected:
                raise
            if folder.name not in self._refused:
                log.unavailable(f"{self.name}, {folder.name}", error)
            self._refused.add(folder.name)
        else:
            if folder.name in self._refused:
                log.recovered(f"{self.name}, {folder.name}")
            self._refused.discard(folder.name)


class Listeners:
    """The watchers of the mailboxes that this daemon holds. Each mailbox has an event of its own that ends them."""

    def __init__(self, app: App, bell: threading.Event) -> None:
        self._app, self._bell = app, bell
        self._listening: dict[str, tuple[threading.Event, list[Listener]]] = {}

    def follow(self, names: Collection[str]) -> None:
        """Listen to these mailboxes from now on, and to no other; who is slow to end is not waited for."""
        for name in set(self._listening) - set(names):
            stopping, watchers = self._listening.pop(name)
            stopping.set()
            for watcher in watchers:
                watcher.marks.set()
        for settings in self._app.settings.mailboxes:
            if settings.name in names and settings.name not in self._listening:
                stopping = threading.Event()
                watchers = [
                    Listener(self._app, settings, stopping, self._bell, sent=sent) for sent in (False, True)
                ]
                self._listening[settings.name] = stopping, watchers
                for watcher in watchers:
                    watcher.start()

    def end(self) -> None:
        """End all of them, waiting two seconds for each at most."""
        ending = [watcher for _, watchers in self._listening.values() for watcher in watchers]
        self.follow(())
        for watcher in ending:
            watcher.join(2)

    def stop(self) -> None:
        """Ask all of them to end; from a signal's handler, which waits for nobody."""
        for stopping, _ in list(self._listening.values()):
            stopping.set()

    def mark(self) -> None:
        """Let each look at once which marks are due in its folders."""
        for _, watchers in self._listening.values():
            for watcher in watchers:
                watcher.marks.set()

    @property
    def opened(self) -> bool:
        """Say whether every mailbox has been open once."""
        return all(
            watcher.opened.is_set() for _, watchers in self._listening.values() for watcher in watchers
        )

    @property
    def connected(self) -> dict[str, bool]:
        """Say of each mailbox whether all its connections stand."""
        return {
            name: all(each.connected for each in watchers) for name, (_, watchers) in self._listening.items()
        }
