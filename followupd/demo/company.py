"""The demo's company: its configuration, and the application with a simulated clock."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from followupd.adapters.accounts import Mailbox
from followupd.adapters.overlay import set_values, write_starter
from followupd.adapters.settings import Settings, load
from followupd.app.container import App, build_to_run
from followupd.app.cycle import run_cycle
from followupd.demo.mail import HOST, Servers, html_of
from followupd.demo.narration import ShownMail
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.events import Event
from followupd.domain.letter import LetterStatus, OutboxEntry
from followupd.errors import FollowupdError
from followupd.services.inbox.sync import Folder, FolderRole

#: marks a directory that a demo created and a later one may overwrite
_MARK = ".followupd-demo"
_DEFAULT_DIRECTORY = Path("followupd-demo")
CONFIG, LETTERS, PAGE, LOG = "config", "letters", "index.html", "followupd.log"

#: whom the demo's company has besides the starter's one agent
_LEADS = """
[[agent]]
id = "ben"
name = "Ben Okafor"
email = "ben@example.com"
phone = "+44 20 7946 0123"
role = "lead"
limit = "200.00"

[[agent]]
id = "clara"
name = "Clara Lindt"
email = "clara@example.com"
phone = "+44 20 7946 0456"
role = "manager"
limit = "1000.00"
"""

#: days without a holiday that the story needs: a week of work, and the days until the follow-up
_ORDINARY_DAYS = 14
_TUESDAY = 1
#: cycles at one moment after which two services must be undoing each other
_MAX_CYCLES = 12


# --- the directory ---


class UnusableDirectoryError(FollowupdError):
    """The directory was not created by a demo, or cannot be written; name another one with --out."""


def prepare_directory(out: Path | None) -> Path:
    """Return an empty directory: `out`, or else ./followupd-demo, or else a temporary one.

    Raises:
        UnusableDirectoryError: `out` contains other files or cannot be written.
    """
    directory = (out or _DEFAULT_DIRECTORY).absolute()
    try:
        _empty(directory)
    except UnusableDirectoryError:
        if out is not None:
            raise
        return Path(tempfile.mkdtemp(prefix="followupd-demo-"))

    return directory


def _empty(directory: Path) -> None:
    """Remove what an earlier demo left in the directory."""
    mark = directory / _MARK
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not mark.exists() and any(directory.iterdir()):
            raise UnusableDirectoryError(
                f"{directory} contains files that no demo made; name another directory with --out"
            )
        mark.touch()
        for name in (CONFIG, LETTERS):
            shutil.rmtree(directory / name, ignore_errors=True)
        for name in (PAGE, LOG):
            (directory / name).unlink(missing_ok=True)
    except OSError as error:
        raise UnusableDirectoryError(f"{directory} cannot be used: {error.strerror or error}") from error


def write_mails(directory: Path, shown: Sequence[ShownMail]) -> None:
    """Write each mail as the server had it, and its HTML part as a separate file."""
    folder = directory / LETTERS
    folder.mkdir(mode=0o700)
    for mail in shown:
        (folder / f"{mail.name}.eml").write_bytes(mail.mail.as_bytes())
        if html := html_of(mail.mail):
            (folder / f"{mail.name}.html").write_text(html, encoding="utf-8")


# --- the configuration ---


def new_password() -> str:
    """Return a random password."""
    return secrets.token_urlsafe(12)


def write_configuration(directory: Path, password: str) -> Settings:
    """Write the starter configuration with its secrets in files, so that commands can use it afterwards."""
    write_starter(directory)
    with (directory / "followupd.toml").open("a", encoding="utf-8") as file:
        file.write(_LEADS)
    secret = directory / "credentials" / "imap"
    secret.write_text(f"{password}\n", encoding="utf-8")
    secret.chmod(0o600)
    _set_ports(directory, imap=143, smtp=25)  # replaced when the servers have started

    return load(directory)


def _set_ports(directory: Path, *, imap: int, smtp: int) -> None:
    """Write the servers' ports into the configuration, and settings that fit them."""
    values = {
        "mailbox": {
            "host": f'"{HOST}"',
            "port": str(imap),
            "security": '"none"',
            "password": '"file:credentials/imap"',
        },
        "smtp": {
            "host": f'"{HOST}"',
            "port": str(smtp),
            "security": '"none"',
            "username": '""',
            "password": '""',
        },
        "ledger": {"url": '"sqlite:///ledger.db"', "key": '"file:credentials/ledger-key"'},
    }
    set_values(directory, values)


def first_day(calendar: Calendar, now: datetime) -> datetime:
    """Return 10:00, company time, on the next Tuesday that is not followed by a holiday within two weeks."""
    day = calendar.local(now).date() + timedelta(days=1)
    while day.weekday() != _TUESDAY or not _without_holidays(calendar, day):
        day += timedelta(days=1)
    return calendar.moment(day, time(10))


def _without_holidays(calendar: Calendar, first: date) -> bool:
    """Return whether each weekday after `first` is a working day."""
    days = [first + timedelta(days=n) for n in range(_ORDINARY_DAYS)]
    return all(calendar.is_working_day(day) == (day.weekday() in calendar.days) for day in days)


# --- the application ---


class SimulatedApp:
    """The application with a simulated clock: nothing waits for real time."""

    def __init__(self, directory: Path, servers: Servers, start: datetime) -> None:
        self.directory, self.now = directory, start
        _set_ports(directory, imap=servers.imap_port, smtp=servers.smtp_port)
        self.app = self._start()

    def _start(self) -> App:
        """Build the application and connect to the mailbox."""
        app = build_to_run(load(self.directory))
        app.ledger.upgrade()
        self._connections = list(self._connect(app))
        #: whether to read all folders in the next cycle, since the last one may have changed tags
        self._read_all = True

        return app

    def _connect(self, app: App) -> Iterator[tuple[Mailbox, Folder]]:
        """Open a connection for each folder, as the daemon's listener threads do."""
        [settings] = app.settings.mailboxes
        with app.mailbox(settings.name) as mailbox:
            folders = app.folders(settings.name, mailbox)
        for folder in folders:
            connection = app.mailbox(settings.name)
            connection.open()
            yield connection, folder

    def close(self) -> None:
        """Close all connections and the ledger."""
        for mailbox, _ in self._connections:
            mailbox.close()
        self.app.ledger.close()

    def restart(self) -> None:
        """Stop the application and start it again from its ledger, as after a power failure."""
        self.close()
        self.app = self._start()
        self.app.sender.recover_interrupted(self.now)

    def advance(self, until: datetime) -> Iterator[datetime]:
        """Advance the clock to `until`, stop whenever something is due, do it, and yield the time."""
        while (due := self._next_due()) and due < until:
            self.now = due
            self.run_cycles()
            yield self.now

        self.now = until
        self.run_cycles()
        yield self.now

    def _next_due(self) -> datetime | None:
        """Return the next time at which a case or a letter is due, None if there is none."""
        with self.app.ledger.transaction() as tx:
            queued = tx.outbox.all(LetterStatus.QUEUED, LetterStatus.DEFERRED)
            times = [tx.cases.next_wake(), *(entry.not_before for entry in queued)]

        return min((at for at in times if at and at > self.now), default=None)

    def run_cycles(self) -> None:
        """Do what the daemon does now: read mail and run cycles until nothing is left to do."""
        for _ in range(_MAX_CYCLES):
            done = self._read() + run_cycle(self.app, self.now)
            self._read_all = done > 0
            if not done:
                return

    def _read(self) -> int:
        """Read the folders that the server reports changes of, or all; return how many changes there were."""
        return sum(self._read_folder(mailbox, folder) for mailbox, folder in self._connections)

    def _read_folder(self, mailbox: Mailbox, folder: Folder) -> int:
        """Read one folder if it may have changed; return the number of changes."""
        if self._read_all or mailbox.wait(folder.name, 0, lambda: False):
            return self.app.inbox.sync(mailbox, folder, self.now)
        if folder.role is not FolderRole.COMMAND:
            self.app.inbox.mark_synced(folder.mailbox, self.now, sent=folder.role is FolderRole.SENT)
        return 0

    # --- the ledger ---

    def cases(self) -> list[Case]:
        """Return all cases."""
        with self.app.ledger.transaction() as tx:
            return tx.cases.all()

    def history(self, ref: str) -> list[Event]:
        """Return the events of a case."""
        with self.app.ledger.transaction() as tx:
            return tx.cases.history(ref)

    def letters(self, *statuses: LetterStatus) -> list[OutboxEntry]:
        """Return the letters of these statuses, or all."""
        with self.app.ledger.transaction() as tx:
            return tx.outbox.all(*statuses)

    def skipped_mails(self) -> int:
        """Return how many older mails were skipped when the folders were opened for the first time."""
        with self.app.ledger.transaction() as tx:
            return sum(cursor.passed_over for cursor in tx.state.cursors().values())
