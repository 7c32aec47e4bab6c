"""Read an archive of mail for `followupd lookback`: a mailbox, a Maildir or an mbox; nothing is changed or kept.

Mails are read by worker processes, a few hundred at a time, so that neither their number nor their size matters.
What is kept of a mail is an `ArchiveMail`: who, when, a verdict, and the promises in our replies.
"""

import gc
import multiprocessing
import os
import re
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from followupd.adapters.accounts import Mailbox
from followupd.domain.calendar import Calendar
from followupd.domain.mail import Identity, Kind, Message, Person
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Relation
from followupd.errors import UnavailableError, UnreadableError
from followupd.languages import Catalogue, Language, catalogue
from followupd.recovery.past.lookback import ArchiveMail, DatedPromise
from followupd.services.classifier import ComplaintClassifier
from followupd.text import promises
from followupd.text.answers import is_thanks
from followupd.text.mail.headers import Headers, bare_subject, message_ids, parse_addresses, parse_date
from followupd.text.mail.kind import is_ours
from followupd.text.mail.parse import split_header
from followupd.text.mail.read import read
from followupd.text.promises.clauses import classified
from followupd.text.promises.dates import DateReader, date_reader

#: bytes of a mail that are read, and of its beginning that has the header
_MOST_BYTES, _MOST_HEADER = 2**21, 2**16
#: mails that a worker reads at a time, and chunks that wait for one
_CHUNK, _WAITING = 100, 4
#: an archive of fewer mails is read without workers, which take a second to start
_FEW = 300
#: mails whose headers tell who we are
_SAMPLE = 4000
_AHEAD = timedelta(days=1)
#: how likely a clause must be a promise, and a sentence that an agent would be asked about, where it names a single day
#: (chosen on the replies O and P, which taught nothing then)
_LIKELY, _ASKED = 0.6, 0.3
#: words of an answer to thanks
_BRIEF = 8
_MAILDIR_FLAGS = re.compile(r":2,([A-Za-z]*)$")
_MBOX_QUOTED = re.compile(rb"(?m)^>(>*From )")


class RawMail(NamedTuple):
    """A mail as it is stored; `steps` is how much of the archive's `total` it is."""

    raw: bytes
    in_sent: bool
    received_at: datetime | None
    steps: int


class Archive(Protocol):
    """Where mails come from; `mails` may be called several times."""

    @property
    def total(self) -> int:
        """How much there is to read, in the unit of `RawMail.steps`."""

    def mails(self) -> Iterator[RawMail]:
        """Yield every mail."""


# --- files -----------------------------------------------------------------------------------------------------


class MaildirArchive:
    """A Maildir with its folders, or a directory of files with a mail each, as many programs export them."""

    def __init__(self, directory: Path) -> None:
        """List the files.

        Raises:
            UnavailableError: there is no such directory, or no file in it.
        """
        if not directory.is_dir():
            raise UnavailableError(f"{directory} is no directory; an mbox is read by --mbox")
        self._files = [
            (path, _is_named(_folder_of(path, directory), catalogue().mail_clients.folders.sent))
            for path in sorted(directory.rglob("*"))
            if path.is_file() and _holds_mail(path, directory)
        ]
        if not self._files:
            raise UnavailableError(f"{directory} has no mail in it")

    @property
    def total(self) -> int:
        """How many files there are."""
        return len(self._files)

    def mails(self) -> Iterator[RawMail]:
        """Yield the mail of each file."""
        for path, in_sent in self._files:
            try:
                with path.open("rb") as file:
                    raw = file.read(_MOST_BYTES)
            except OSError as error:
                raise UnavailableError(f"{path} cannot be read: {error.strerror}") from None
            yield RawMail(raw, in_sent, None, 1)


def _folder_of(path: Path, top: Path) -> str:
    """Return the name of the folder that a file is in: "Sent" for .INBOX.Sent/cur/1 and for Sent/1.eml.

    Args:
        path: the path of the file.
        top: the directory of the archive.

    Returns:
        The last part of the name; "" for a file of the inbox, or beside no folder.
    """
    folders = [part for part in path.relative_to(top).parts[:-1] if part not in {"cur", "new", "tmp"}]
    return folders[-1].rpartition(".")[2] if folders else ""


def _is_named(folder: str, names: Iterable[str]) -> bool:
    """Return whether a folder has one of the names that mail programs give.

    Args:
        folder: its name, without those of the folders around it.
        names: those of a special use, in many languages.
    """
    return folder.strip().casefold() in set(map(str.casefold, names))


def _holds_mail(path: Path, top: Path) -> bool:
    """Return whether a file holds a mail that was sent or received: no draft, nothing deleted, no index of a server.

    Args:
        path: the path of the file; in a Maildir mails are in `cur` and `new` alone, and their names tell flags.
        top: the directory of the archive.
    """
    if _is_named(_folder_of(path, top), catalogue().mail_clients.folders.drafts):
        return False
    if path.parent.name in {"cur", "new"}:
        flags = _MAILDIR_FLAGS.search(path.name)
        return not flags or not set(flags[1]) & set("DT")
    beside_maildir = path.parent.name == "tmp" or (path.parent / "cur").is_dir()
    return not beside_maildir and not path.name.startswith(".")


class MboxArchive:
    """One or several mbox files; one named like a folder of sent mail holds what we sent."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Check the files.

        Raises:
            UnavailableError: there is no such file.
        """
        self._files = files
        for file in files:
            if not file.is_file():
                raise UnavailableError(f"{file} is no file; a Maildir is read by --maildir")

    @property
    def total(self) -> int:
        """How many bytes there are."""
        return sum(file.stat().st_size for file in self._files)

    def mails(self) -> Iterator[RawMail]:
        """Yield each mail of each file.

        Raises:
            UnavailableError: a file cannot be read, or is no mbox.
        """
        for path in self._files:
            in_sent = _is_named(path.stem, catalogue().mail_clients.folders.sent)
            try:
                for raw in _mbox_mails(path):
                    mail = _MBOX_QUOTED.sub(rb"\1", raw[:_MOST_BYTES])
                    yield RawMail(mail, in_sent, None, len(raw))
            except OSError as error:
                raise UnavailableError(f"{path} cannot be read: {error.strerror}") from None


def _mbox_mails(path: Path) -> Iterator[bytes]:
    """Yield the mails of an mbox, without the lines "From ..." between them (RFC 4155).

    Raises:
        UnavailableError: the file does not begin with such a line.
    """
    lines: list[bytes] = []
    after_blank = True
    with path.open("rb") as file:
        if file.peek(5)[:5] not in {b"From ", b""}:
            raise UnavailableError(f'{path} is no mbox: it does not begin with "From "')
        for line in file:
            if after_blank and line.startswith(b"From "):
                if lines:
                    yield b"".join(lines)
                lines = []
            else:
                lines.append(line)
            after_blank = line in {b"\n", b"\r\n"}
    if lines:
        yield b"".join(lines)


# --- a mailbox -------------------------------------------------------------------------------------------------


class MailboxArchive:
    """Folders of a mailbox over IMAP, which are examined, never selected, so that nothing in them changes."""

    def __init__(self, mailbox: Mailbox, folders: Sequence[str], since: datetime | None) -> None:
        """List the mails of inbox, Sent and further folders.

        Args:
            mailbox: a connection that is open.
            folders: the further ones, as the server or the user names them.
            since: older mails are left out; None for all.

        Raises:
            UnavailableError: there is no such folder.
        """
        self._mailbox = mailbox
        missing = [folder for folder in folders if folder not in mailbox.existing(folders)]
        if missing:
            known = ", ".join(sorted(mailbox.folders))
            raise UnavailableError(f"the mailbox has no folder {', '.join(missing)}; it has {known}")
        names = filter(None, (mailbox.inbox, mailbox.sent, *folders))
        self._uids = {name: mailbox.examine(name, since) for name in dict.fromkeys(names)}

    @property
    def total(self) -> int:
        """How many mails there are."""
        return sum(map(len, self._uids.values()))

    def mails(self) -> Iterator[RawMail]:
        """Yield every mail, folder by folder."""
        for folder, uids in self._uids.items():
            in_sent = folder == self._mailbox.sent
            for portion in self._mailbox.peek(folder, uids):
                for mail in portion:
                    if "\\Draft" not in mail.flags:
                        yield RawMail(mail.raw, in_sent, mail.received_at, 1)


# --- who we are ------------------------------------------------------------------------------------------------


def our_addresses(archive: Archive) -> frozenset[str]:
    """Guess the address of a mailbox: the one that most mails are from or to, and that customers write to first.

    Args:
        archive: of which some thousand headers are read.

    Returns:
        One address; none for an archive without any. Who else writes what is in a folder of sent mail is one of us too.
    """
    parties: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for mail in islice(archive.mails(), _SAMPLE):
        headers, _ = split_header(mail.raw[:_MOST_HEADER])
        author, receivers = _addresses(headers, "from"), _addresses(headers, "to", "cc", "delivered-to")
        parties.update(author | receivers)
        if mail.in_sent or _is_labelled_sent(headers):
            parties.update(author)
        if not message_ids(headers.first("in-reply-to")) and not headers.first("references"):
            asked.update(receivers)
            asked.subtract(author)

    ranked = sorted(parties, key=lambda address: (-parties[address], -asked[address], address))
    return frozenset(ranked[:1])


def _addresses(headers: Headers, *names: str) -> set[str]:
    """Return the addresses in some fields, in lower case.

    Args:
        headers: the headers of a mail.
        names: the names of the fields, in lower case.
    """
    fields = [field for name in names for field in headers.values(name)]
    people = [parsed.person() for field in fields for parsed in parse_addresses(field)]
    return {person.address.lower() for person in people if person.address}


def _is_labelled_sent(headers: Headers) -> bool:
    """Return whether a mail of Google Takeout has the label of sent mail.

    Args:
        headers: the headers of the mail; there is one mbox for all labels.
    """
    labels = headers.text("x-gmail-labels").split(",")
    return any(_is_named(label, catalogue().mail_clients.folders.sent) for label in labels)


# --- reading ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArchiveReader:
    """Reads mails as the daemon does, and keeps what a lookback needs.

    `playbooks` is empty where no rules are compared; mails before `since` are left out.
    """

    identity: Identity
    classifier: ComplaintClassifier
    calendar: Calendar
    now: datetime
    since: datetime | None = None
    playbooks: dict[str, Playbook] = field(default_factory=dict)
    languages: Catalogue = field(default_factory=catalogue)

    def read(self, mail: RawMail) -> ArchiveMail | None:
        """Return what is kept of a mail.

        Args:
            mail: as it is stored. It is ours if one of us wrote it, or if it is in a folder of sent mail.

        Returns:
            None for a mail of a machine, of colleagues among themselves, or one that is unreadable or too old.
        """
        headers, _ = split_header(mail.raw[:_MOST_HEADER])
        if self._is_too_old(headers, mail.received_at):
            return None
        author = next(iter(_addresses(headers, "from")), "")
        ours = bool(author) and (mail.in_sent or is_ours(Person(author), self.identity))
        ours = ours or _is_labelled_sent(headers)
        message = self._message(mail, author, ours=ours)
        if message is None:
            return None
        at = self._moment(message, mail.received_at)
        if at is None:
            return None
        return self._ours(message, at) if ours else self._customers(message, at)

    def _message(self, mail: RawMail, author: str, *, ours: bool) -> Message | None:
        """Return a mail as it is read, None for an unreadable one.

        Args:
            mail: as it is stored.
            author: the address in From.
            ours: whether it is ours; then its author is one of us, a colleague perhaps, or we by another name.
        """
        identity = self.identity
        if ours:
            identity = replace(identity, addresses=identity.addresses | {author})
        try:
            return read(mail.raw, identity, in_sent=ours, received_at=mail.received_at)
        except UnreadableError:
            return None

    def _is_too_old(self, headers: Headers, received_at: datetime | None) -> bool:
        """Return whether a mail is from before `since`.

        Args:
            headers: the headers of the mail, whose own date counts.
            received_at: what counts for a mail without a date.
        """
        if self.since is None:
            return False
        at = parse_date(headers.first("date")) or received_at
        return at is not None and at < self.since

    def _moment(self, message: Message, received_at: datetime | None) -> datetime | None:
        """Return when a mail was written; its own date counts, unless it is wrong or missing.

        The server's date is that of the last move between servers.

        Args:
            message: the mail.
            received_at: the server's date, None for a file.
        """
        at = message.sent_at
        if at is None or at > self.now + _AHEAD:
            at = received_at or at
        return at.astimezone(UTC) if at else None

    def _ours(self, message: Message, at: datetime) -> ArchiveMail | None:
        """Return a mail of ours to a customer; None for one to colleagues, or an automatic answer.

        Args:
            message: the mail. What a timer of ours wrote is a word, and promises nothing.
            at: when it was written.
        """
        customer = self._first_customer(message)
        is_word = message.kind in {Kind.AGENT, Kind.OWN} or message.words_decide
        if customer is None or not is_word:
            return None
        text = message.certain_text
        promised = self._promises(message, at) if message.kind is Kind.AGENT else ()
        return replace(
            _record(message, at, customer),
            ours=True,
            says_little=is_thanks(text, (customer.name, message.sender.name), self.languages),
            brief=len(text.split()) <= _BRIEF and not any(map(str.isdigit, text)),
            promises=promised,
        )

    def _first_customer(self, message: Message) -> Person | None:
        """Return the first person outside of the company whom a mail of ours is written to.

        Args:
            message: the mail, in which a customer may be in Cc.
        """
        people = (person for person in (*message.to, *message.cc) if not is_ours(person, self.identity))
        return next(people, None)

    def _promises(self, message: Message, at: datetime) -> tuple[DatedPromise, ...]:
        """Return the promises with a date in a reply of ours. A date to begin at is no date to be done by.

        Args:
            message: the reply; lines that may be quoted are left out.
            at: when it was written, from which "tomorrow" counts.
        """
        tag = self.classifier.language(message) or self.classifier.default_language
        language = self.languages.language(tag)
        found = promises.find_commitments(
            message.text,
            sent_at=at,
            calendar=self.calendar,
            language=language,
            doubtful=message.doubtful,
            dated_only=True,
        )
        taken = [
            DatedPromise(promise.text, promise.due)
            for promise in found.promises
            if promise.due and promise.relation is not Relation.FROM and promise.likely >= _LIKELY
        ]
        dates = date_reader(language, now=at, calendar=self.calendar)
        asked = (self._asked(sentence, language, dates) for sentence in found.unsure)
        return (*taken, *filter(None, asked))

    def _asked(self, sentence: str, language: Language, dates: DateReader) -> DatedPromise | None:
        """Return what a sentence promises that an agent would be asked about; None if that is not clear here either.

        Nobody is there to be asked about an archive, and what is missed would never be known. It must name one day.

        Args:
            sentence: a sentence of a reply, which may promise something.
            language: the language of the reply.
            dates: reads dates as of the moment at which the reply was written.
        """
        chances = classified(sentence, language)
        to_come = dates.to_come(sentence)
        days = {self.calendar.local(when.moment).date() for when in to_come}
        begins = any(when.relation is Relation.FROM for when in to_come)
        if len(days) != 1 or begins or chances.is_report or chances.commits < _ASKED:
            return None
        return DatedPromise(sentence, max(when.moment for when in to_come))

    def _customers(self, message: Message, at: datetime) -> ArchiveMail | None:
        """Return a mail of a customer; None for one of a machine or of a colleague.

        Args:
            message: the mail.
            at: when it was written.
        """
        heard = self.classifier.heard(message)
        if heard.kind is not Kind.CUSTOMER or heard.from_us or not heard.sender.address:
            return None
        verdict = self.classifier.verdict(heard)
        record = replace(
            _record(heard, at, heard.sender), verdict=verdict.verdict, score=round(verdict.score, 2)
        )
        if not record.complains:
            return self._with_contentment(record, heard)

        severity = self.classifier.severity(heard, verdict, open_case=False)
        playbook = ""
        if self.playbooks:
            playbook = self.classifier.playbook(heard, verdict, self.playbooks).name
        return replace(record, severe=severity == "high", playbook=playbook)

    def _with_contentment(self, record: ArchiveMail, message: Message) -> ArchiveMail:
        """Return an answer that does not complain with whether it says thanks, or that the matter is settled.

        Args:
            record: what is kept of the mail so far.
            message: the mail; the first one of a thread, or one that asks, says neither.
        """
        if not message.thread or "?" in message.text:
            return record
        language = self.classifier.language(message) or self.classifier.default_language
        groups = self.classifier.recogniser.see(message.subject, message.text, language).groups
        thanks = is_thanks(message.text, (message.sender.name,), self.languages) or "thanks" in groups
        return replace(record, settled="solved" in groups, is_content=thanks)


def _record(message: Message, at: datetime, customer: Person) -> ArchiveMail:
    """Return who wrote a mail and when, without what its words say.

    Args:
        message: the mail.
        at: when it was written.
        customer: who wrote it, or whom we wrote it to.
    """
    return ArchiveMail(
        id=message.message_id,
        at=at,
        ours=False,
        customer=customer.address.lower(),
        name=customer.name,
        subject=bare_subject(message.subject).strip(),
        parents=message.thread,
    )


@dataclass(slots=True)
class ArchiveContents:
    """The mails of an archive: all that were there, and those that count, each once."""

    mails: int = 0
    read: list[ArchiveMail] = field(default_factory=list)


def read_archive(
    archive: Archive, reader: ArchiveReader, progress: Callable[[int], None], *, processes: int = 2
) -> ArchiveContents:
    """Read an archive.

    Args:
        archive: the mails.
        reader: what is kept of each.
        progress: is told how much of `archive.total` was read.
        processes: how many workers read a large archive.
    """
    found = ArchiveContents()
    seen: set[str] = set()
    mails = _counted(archive.mails(), found, progress)
    first = list(islice(mails, _FEW))
    results = _by_workers(first, mails, reader, processes) if len(first) == _FEW else map(reader.read, first)
    for number, mail in enumerate(results):
        if mail is None or (mail.id and mail.id in seen):
            continue
        seen.add(mail.id)
        found.read.append(mail if mail.id else replace(mail, id=f"mail {number}"))
    return found


def _counted(
    mails: Iterable[RawMail], found: ArchiveContents, progress: Callable[[int], None]
) -> Iterator[RawMail]:
    """Yield mails and count them.

    Args:
        mails: those of an archive.
        found: where they are counted.
        progress: is told how much was read so far.
    """
    steps = 0
    for mail in mails:
        found.mails += 1
        steps += mail.steps
        progress(steps)
        yield mail


def _by_workers(
    first: list[RawMail], rest: Iterator[RawMail], reader: ArchiveReader, processes: int
) -> Iterator[ArchiveMail | None]:
    """Yield what is kept of each mail, in order, read by worker processes.

    Args:
        first: mails that were taken already.
        rest: those after them; no more of them are taken than workers need soon.
        reader: the workers are copies of this process, which have it without its being sent.
        processes: how many workers.
    """
    global _READER  # noqa: PLW0603  what workers inherit
    _READER = reader
    reader.classifier.recogniser.judge("", "warm")  # loaded once, before the copies are made
    gc.freeze()  # so that the copies share their memory
    pending: deque[Future[list[ArchiveMail | None]]] = deque()
    workers = ProcessPoolExecutor(
        min(processes, os.cpu_count() or 1),
        mp_context=multiprocessing.get_context("fork"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),  # Ctrl-C is for the process that was started
    )
    with workers as pool:
        for chunk in _chunks(first, rest):
            pending.append(pool.submit(_read_chunk, chunk))
            if len(pending) > _WAITING:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()


_READER: ArchiveReader | None = None


def _read_chunk(mails: list[RawMail]) -> list[ArchiveMail | None]:
    """Return what is kept of some mails, in a worker.

    Args:
        mails: some; one that is not kept is None in the result.
    """
    return list(map(_READER.read, mails)) if _READER else []


def _chunks(first: list[RawMail], rest: Iterator[RawMail]) -> Iterator[list[RawMail]]:
    """Yield mails in chunks for workers.

    Args:
        first: mails that were taken already.
        rest: those after them.
    """
    for start in range(0, len(first), _CHUNK):
        yield first[start : start + _CHUNK]
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
