"""The demo's own house: the starter configuration pointed at loopback, and days that pass by later and later moments."""

import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from pathlib import Path

from followupd.adapters.imap.mailbox import ImapMailbox
from followupd.adapters.settings import Settings, load, write_starter
from followupd.app.container import App, build_to_run
from followupd.app.cycle import beat
from followupd.demo.people import html_of
from followupd.demo.servers import HOST, Servers
from followupd.demo.terminal import ShownMail
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.events import Event
from followupd.domain.letter import LetterStatus
from followupd.domain.records import OutboxEntry
from followupd.errors import FollowupdError
from followupd.services.inbox.sync import Folder, FolderRole

#: by this file a later demo knows that a directory is a demo's, and may be written anew
_MARK = ".followupd-demo"
_DEFAULT = Path("followupd-demo")


class NoRoomError(FollowupdError):
    """The directory is not a demo's, or cannot be written in; name another one with --out."""


def make_room(out: Path | None) -> Path:
    """Return an empty directory: `out`, else ./followupd-demo, else one in the system's place for such things.

    Raises:
        NoRoomError: `out` holds something that no demo made, or cannot be written in.
    """
    wanted = (out or _DEFAULT).absolute()
    try:
        return _emptied(wanted)
    except OSError as error:
        if out is not None:
            raise NoRoomError(f"{wanted} cannot be used: {error.strerror or error}") from error
        return Path(tempfile.mkdtemp(prefix="followupd-demo-"))
    except NoRoomError:
        if out is not None:
            raise
        return Path(tempfile.mkdtemp(prefix="followupd-demo-"))


def _emptied(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = directory / _MARK
    if not mark.exists() and any(directory.iterdir()):
        raise NoRoomError(f"{directory} holds something that no demo made; name another directory with --out")
    mark.touch()
    for name in ("house", "letters"):
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in ("index.html", "journal.log"):
        (directory / name).unlink(missing_ok=True)
    return directory


def leave_mails(directory: Path, shown: Sequence[ShownMail]) -> None:
    """Write each mail as the server had it, and its HTML part beside it."""
    folder = directory / "letters"
    folder.mkdir(mode=0o700)
    for each in shown:
        _leave(folder, each.name, each.mail)


def _leave(folder: Path, name: str, mail: EmailMessage) -> None:
    (folder / f"{name}.eml").write_bytes(mail.as_bytes())
    if html := html_of(mail):
        (folder / f"{name}.html").write_text(html, encoding="utf-8")


_HEADER = re.compile(r"\[\[?([\w.]+)\]?\]")
_KEY = re.compile(r"(\w+)\s*=")
#: the story needs this many ordinary days: a week of work, and the days of the follow-up
_ORDINARY_DAYS = 14
#: rounds of reading and beating after which a house that still finds work goes in circles
_ROUNDS = 12


def furnish(directory: Path, password: str) -> Settings:
    """Write the starter configuration with its secrets in files, so that the CLI can look at the house afterwards."""
    write_starter(directory)
    (directory / "credentials" / "imap").write_text(password + "\n", encoding="utf-8")
    (directory / "credentials" / "imap").chmod(0o600)
    _adjust(directory, 143, 25)
    return load(directory)


def connect(directory: Path, servers: Servers) -> App:
    """Point the configuration at the servers, now that their ports are known, and join the rooms."""
    _adjust(directory, servers.imap_port, servers.smtp_port)
    app = build_to_run(load(directory))
    app.ledger.upgrade()
    return app


def _adjust(directory: Path, imap_port: int, smtp_port: int) -> None:
    changes = {
        "mailbox": {
            "host": f'"{HOST}"',
            "port": str(imap_port),
            "security": '"none"',
            "password": '"file:credentials/imap"',
        },
        "smtp": {
            "host": f'"{HOST}"',
            "port": str(smtp_port),
            "security": '"none"',
            "username": '""',
            "password": '""',
        },
        "ledger": {"url": '"sqlite:///ledger.db"', "key": '"file:credentials/ledger-key"'},
    }
    path = directory / "followupd.toml"
    lines = _changed(path.read_text(encoding="utf-8").splitlines(), changes)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _changed(lines: list[str], changes: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    section = ""
    for line in lines:
        header, key = _HEADER.match(line), _KEY.match(line)
        section = header[1] if header else section
        value = changes.get(section, {}).get(key[1]) if key else None
        yield f"{key[1]} = {value}" if key and value is not None else line


def first_day(calendar: Calendar, now: datetime) -> datetime:
    """Return ten o'clock, company time, on the next Tuesday that no holiday follows too soon."""
    day = calendar.local(now).date() + timedelta(days=1)
    while day.weekday() != 1 or not _ordinary(calendar, day):
        day += timedelta(days=1)
    return calendar.moment(day, time(10))


def _ordinary(calendar: Calendar, first: date) -> bool:
    days = [first + timedelta(days=n) for n in range(_ORDINARY_DAYS)]
    return all(calendar.is_working_day(day) == (day.weekday() in calendar.days) for day in days)


class Days:
    """The house and its present moment. Nothing here waits for real time."""

    def __init__(self, directory: Path, servers: Servers, start: datetime) -> None:
        self.directory, self.now = directory, start
        self.app = connect(directory, servers)
        self._listening, self._look_anyway = self._listen(), True

    def _listen(self) -> list[tuple[ImapMailbox, Folder]]:
        """Open a line to every watched folder for good, as the daemon's watchers do."""
        [settings] = self.app.settings.mailboxes
        with self.app.mailbox(settings.name) as mailbox:
            folders = self.app.folders(settings.name, mailbox)
        listening = [(self.app.mailbox(settings.name), folder) for folder in folders]
        for mailbox, _ in listening:
            mailbox.open()
        return listening

    def close(self) -> None:
        for mailbox, _ in self._listening:
            mailbox.close()
        self.app.ledger.close()

    def moments(self, until: datetime) -> Iterator[datetime]:
        """Let the time come to `until`, stopping wherever something is due on the way; all is done at each stop."""
        while (due := self._next_due()) and due < until:
            self.now = due
            self.settle()
            yield self.now
        self.now = until
        self.settle()
        yield self.now

    def _next_due(self) -> datetime | None:
        with self.app.ledger.transaction() as tx:
            waiting = tx.outbox.all(LetterStatus.READY, LetterStatus.DEFERRED)
            due = [tx.cases.next_wake(), *(state.not_before for state in waiting)]
        return min((moment for moment in due if moment and moment > self.now), default=None)

    def settle(self) -> None:
        """Do what the daemon does at this moment: listen, beat, and mark the mails, until nothing more happens."""
        for _ in range(_ROUNDS):
            done = self._read() + beat(self.app, self.now)
            self._look_anyway = done > 0
            if not done:
                return

    def _read(self) -> int:
        """Read the folders of which the server has news; after a beat that did something all, since marks may be due."""
        return sum(self._read_folder(mailbox, folder) for mailbox, folder in self._listening)

    def _read_folder(self, mailbox: ImapMailbox, folder: Folder) -> int:
        if self._look_anyway or mailbox.wait(folder.name, 0, lambda: False):
            return self.app.intake.sync(mailbox, folder, self.now)
        if folder.role is not FolderRole.COMMAND:  # the server says that nothing is new
            self.app.intake.has_read(folder.mailbox, self.now, sent=folder.role is FolderRole.SENT)
        return 0

    def start_again(self) -> None:
        """Stop the house and start it from its ledger, as after a power cut."""
        self.close()
        self.app = build_to_run(load(self.directory))
        self.app.dispatch.recover_interrupted(self.now)
        self._listening, self._look_anyway = self._listen(), True

    # --- what the ledger says ---

    def cases(self) -> list[Case]:
        with self.app.ledger.transaction() as tx:
            return tx.cases.all()

    def history(self, ref: str) -> list[Event]:
        with self.app.ledger.transaction() as tx:
            return tx.cases.history(ref)

    def letters(self, *conditions: LetterStatus) -> list[OutboxEntry]:
        with self.app.ledger.transaction() as tx:
            return tx.outbox.all(*conditions)

    def passed_over(self) -> int:
        with self.app.ledger.transaction() as tx:
            return sum(reached.passed_over for reached in tx.state.cursors().values())


def new_password() -> str:
    return secrets.token_urlsafe(12)
