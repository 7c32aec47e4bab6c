"""One mailbox over IMAP: its folders, one connection, one thread; every new mail is reported, and none twice.

What the server pushes is a hint to look again, never the change itself. After an UnavailableError call `open`
again; the cursor that was stored last says where to continue.
"""

import contextlib
import re
import ssl
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from types import MappingProxyType
from typing import Self

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from followupd.adapters.imap.changes import (
    KEYWORD,
    MAILS_PER_COMMAND,
    ChangeQuery,
    FolderChanges,
    SelectedFolder,
    Since,
    SyncCursor,
    chunks,
    day_before,
    find_changes,
    initial_cursor,
)
from followupd.adapters.imap.client import Account, Client, connect, errors_explained
from followupd.adapters.imap.fetch import FetchedMail, fetch_mails
from followupd.adapters.imap.responses import as_datetime
from followupd.errors import UnavailableError
from followupd.languages import catalogue

IDLE_SECONDS = 540.0  # a router may drop a silent connection after ten minutes (RFC 2177 allows 29)
WAKE_SECONDS = 0.5  # between two calls of `wake`
#: a Message-ID that can be searched for
MESSAGE_ID = re.compile(r"<[^<>\s\"\\]{1,900}>")
SENT, DRAFTS = "\\sent", "\\drafts"  # special uses, lower-case
#: names that mail clients give, casefolded; used only where the server names no special use (RFC 6154)
SENT_NAMES = catalogue().mail_clients.folders.sent
DRAFT_NAMES = catalogue().mail_clients.folders.drafts
CLOCK_DRAFT = b"Subject: followupd looks at this server's clock; please delete\r\n\r\n"


# --- what the server supports ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a server supports.

    `keywords` says of each folder whether it accepts our tags. `tls` is the protocol of the connection
    ("TLSv1.3"), "" without TLS. `clock_ahead` is the server's clock minus ours, None when it cannot be read. `door` is
    "imap", or "graph" for Microsoft Graph.
    """

    capabilities: frozenset[str]
    idle: bool
    condstore: bool
    move: bool
    uidplus: bool
    gmail: bool
    inbox: str
    sent: str
    drafts: str
    keywords: Mapping[str, bool]
    tls: str
    clock_ahead: timedelta | None
    door: str = "imap"


def survey_of(
    client: Client, folders: tuple[str, str, str], keywords: Mapping[str, bool], clock_ahead: timedelta | None
) -> Survey:
    """Return what the server's capabilities say.

    Args:
        client: a connection that is logged in.
        folders: the names of inbox, sent and drafts, "" for one that does not exist.
        keywords: for each folder, whether it accepts keywords of any name.
        clock_ahead: the server's clock minus ours, None when it could not be read.
    """
    capabilities = frozenset(word.decode("ascii", "replace") for word in client.capabilities())
    inbox, sent, drafts = folders
    return Survey(
        capabilities=capabilities,
        idle="IDLE" in capabilities,
        condstore="CONDSTORE" in capabilities,
        move="MOVE" in capabilities,
        uidplus="UIDPLUS" in capabilities,
        gmail="X-GM-EXT-1" in capabilities,
        inbox=inbox,
        sent=sent,
        drafts=drafts,
        keywords=keywords,
        tls=_tls_version(client),
        clock_ahead=clock_ahead,
    )


def _tls_version(client: Client) -> str:
    """Return the TLS version of the connection ("TLSv1.3"), "" without TLS."""
    connection = client.socket()
    if not isinstance(connection, ssl.SSLSocket):
        return ""
    return connection.version() or ""


def read_clock_ahead(client: Client, drafts: str, now: datetime) -> timedelta | None:
    """Return the server's clock minus ours.

    IMAP has no command for the time of day. A draft is appended and expunged at once, and the date that the
    server gives it is compared. Leaves `drafts` selected.

    Returns:
        None without UIDPLUS, which is needed to expunge just this draft, or when the server tells no date.
    """
    if not client.has_capability("UIDPLUS"):
        return None

    uid = client.append_uid(drafts, CLOCK_DRAFT, ("\\Deleted", "\\Seen"))
    client.select(drafts)
    row = client.fetch_rows([uid], "(INTERNALDATE)").get(uid, {})
    arrived = as_datetime(row.get(b"INTERNALDATE"))
    client.uid_expunge([uid])
    return arrived - now if arrived else None


# --- its folders, and what each is for ---


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one mailbox as they were listed.

    `special` maps a special use, lower-case, to a folder. `prefix` is that of the user's own folders: "" or
    "INBOX.".
    """

    names: frozenset[str] = frozenset()
    special: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    delimiter: str = "/"

    @classmethod
    def listed(cls, client: Client) -> "Folders":
        """Ask the server for its folders, their special uses and its namespace (RFC 6154, RFC 2342)."""
        names: list[str] = []
        special: dict[str, str] = {}
        delimiter = "/"
        for flags, folder_delimiter, name in client.folders():
            delimiter = folder_delimiter or delimiter
            if flags & {"\\noselect", "\\nonexistent"}:
                continue
            names.append(name)
            for use in flags & {SENT, DRAFTS}:
                special.setdefault(use, name)

        prefix, delimiter = _personal_namespace(client, delimiter)
        return cls(frozenset(names), special, prefix, delimiter)

    def server_name(self, name: str) -> str:
        """Return the server's name of a folder.

        One that exists keeps its name. Any other is translated into the server's notation: its delimiter for
        "/", and the prefix of the user's own folders.
        """
        if name.upper() == "INBOX":
            return "INBOX"
        if name in self.names:
            return name
        translated = name.replace("/", self.delimiter)
        if translated in self.names or translated.startswith(self.prefix):
            return translated
        return self.prefix + translated

    def user_names(self) -> list[str]:
        """Return the user's own folders as people write them, "/" between their parts, sorted.

        One that `server_name` does not lead back to keeps the server's name.
        """
        plain = {name.removeprefix(self.prefix).replace(self.delimiter, "/"): name for name in self.names}
        return sorted(plain if self.server_name(plain) == name else name for plain, name in plain.items())

    def has(self, name: str) -> bool:
        """Whether the folder exists."""
        return name.upper() == "INBOX" or self.server_name(name) in self.names

    def sent(self) -> str:
        """Return the folder of sent mail; "" when there is none."""
        return self._find(SENT, SENT_NAMES)

    def drafts(self) -> str:
        """Return the folder of drafts; "" when there is none."""
        return self._find(DRAFTS, DRAFT_NAMES)

    def _find(self, use: str, usual_names: Iterable[str]) -> str:
        """Find a folder by its special use, else by a name that mail clients of many languages give it.

        Returns:
            The folder's name; "" when there is none.
        """
        if use in self.special:
            return self.special[use]
        by_name = {name.removeprefix(self.prefix).casefold(): name for name in sorted(self.names)}
        return next((by_name[name] for name in usual_names if name in by_name), "")


def _personal_namespace(client: Client, delimiter: str) -> tuple[str, str]:
    """Return prefix and delimiter of the user's own folders (RFC 2342).

    Without NAMESPACE there is no prefix, and the delimiter of LIST is kept.
    """
    if not client.has_capability("NAMESPACE"):
        return "", delimiter
    personal = client.namespace().personal
    if not personal:
        return "", delimiter
    prefix, own_delimiter = personal[0]
    return str(prefix), str(own_delimiter or delimiter)


__all__ = ["Account", "FetchedMail", "FolderChanges", "ImapMailbox", "Survey", "SyncCursor"]

# --- the mailbox ---


class ImapMailbox:
    """One connection to one mailbox, for one thread.

    Folders are named with "/", however the server spells them.

    Every method raises UnavailableError with a sentence for the administrator; the connection is then closed,
    unless the server only refused one request.
    """

    def __init__(self, account: Account, *, noop_seconds: float = 15.0) -> None:
        """Prepare a connection; `noop_seconds` are the seconds between two NOOPs to a server without IDLE."""
        self.account = account
        self.noop_seconds = noop_seconds
        self._client: Client | None = None
        self._selected: SelectedFolder | None = None
        self._folders = Folders()
        #: flags that were reported, by folder and UIDVALIDITY
        self._reported: dict[tuple[str, int], dict[int, frozenset[str]]] = {}
        #: folders that were compared, over this connection, with what was read before
        self._compared: set[tuple[str, int]] = set()
        #: the UIDVALIDITY, and the UIDs that were being fetched when the connection ended
        self.in_flight: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Connect, log in and list the folders; also after an UnavailableError."""
        self.close()
        self._compared.clear()
        self._client = connect(self.account)
        with self._connection("the folders cannot be listed:") as client:
            self._folders = Folders.listed(client)

    def close(self) -> None:
        """Log out and close the connection, if there is one."""
        self._end(log_out=True)

    def _end(self, *, log_out: bool) -> None:
        """Close the connection, remembering which mails were being fetched."""
        client = self._client
        self._client = None
        self._selected = None
        if client:
            self.in_flight = client.in_flight
            client.end(log_out=log_out)

    @contextlib.contextmanager
    def _connection(self, prefix: str = "") -> Iterator[Client]:
        """Give the open connection to a block, and explain its errors.

        After an error of the connection itself, rather than a refusal, the connection is closed.

        Args:
            prefix: what could not be done, for the sentence.
        """
        if self._client is None:
            raise UnavailableError(f"{self.account.name}: there is no connection to {self.account.host}")

        with errors_explained(self.account, prefix):
            try:
                yield self._client
            except (IMAPClientAbortError, OSError, ValueError):  # ValueError: a response that makes no sense
                self._end(log_out=False)
                raise

    @property
    def connected(self) -> bool:
        """Whether the connection is open.

        After an UnavailableError, whether the server only refused one request.
        """
        return self._client is not None

    # folders

    @property
    def inbox(self) -> str:
        """The folder of incoming mail."""
        return self.account.inbox

    @property
    def sent(self) -> str:
        """The folder of sent mail; "" when there is none."""
        return self.account.sent or self._folders.sent()

    @property
    def drafts(self) -> str:
        """The folder of drafts; "" when there is none."""
        return self._folders.drafts()

    @property
    def folders(self) -> frozenset[str]:
        """The names of all folders, as the server listed them last."""
        return self._folders.names

    def existing(self, folders: Iterable[str]) -> list[str]:
        """Return those of the folders that exist now, asking the server."""
        with self._connection() as client:
            listed = self._folders = Folders.listed(client)
            return list(filter(listed.has, folders))

    def listed(self) -> list[str]:
        """Return the folders that exist now, asking the server, with "/" between their parts, sorted."""
        with self._connection() as client:
            self._folders = Folders.listed(client)
            return self._folders.user_names()

    def create_folder(self, folder: str) -> None:
        """Create a folder, subscribed so that mail clients show it; one that exists is left as it is."""
        with self._connection(f"the folder {folder} cannot be created:") as client:
            if not self.existing([folder]):
                client.create_folder(self.server_name(folder))
                client.subscribe_folder(self.server_name(folder))
                self._folders = Folders.listed(client)

    def server_name(self, folder: str) -> str:
        """Return the server's name of a folder."""
        return self._folders.server_name(folder)

    def _select(self, client: Client, folder: str) -> SelectedFolder:
        """Select a folder and return its state.

        For one that is selected already a NOOP asks for its updates.
        """
        if self._selected and self._selected.folder == folder:
            client.noop()
            return self._selected

        self._selected = None
        try:
            response = client.select(self.server_name(folder))
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            problem = f"the folder {folder} cannot be opened; was it renamed or deleted? ({error})"
            raise UnavailableError(f"{self.account.name}: {problem}") from error

        # Without PERMANENTFLAGS all flags are kept (RFC 9051, section 6.3.2).
        permanent = response.get(b"PERMANENTFLAGS", (b"\\*",))
        uidvalidity = response.get(b"UIDVALIDITY", 0)
        next_uid = response.get(b"UIDNEXT", 0)
        self._selected = SelectedFolder(
            folder=folder,
            uidvalidity=uidvalidity,
            next_uid=next_uid,
            mails=response.get(b"EXISTS", 0),
            modseq=response.get(b"HIGHESTMODSEQ", 0),
            permanent=frozenset(flag.decode("utf-8", "replace").strip("()") for flag in permanent),
            read_only=b"READ-ONLY" in response,
            fresh=(folder, uidvalidity) not in self._compared,
            last_seen=self._reported.setdefault((folder, uidvalidity), {}),
        )
        return self._selected

    # reading

    def start(self, folder: str, since: Since) -> tuple[SyncCursor, int]:
        """Return the cursor for the first reading of a folder.

        Args:
            folder: the folder.
            since: "all", "now", a date or a moment; older mails are skipped and never answered.

        Returns:
            The cursor, and how many older mails are skipped.
        """
        with self._connection() as client:
            self._selected = None  # select again, for the present UIDNEXT and HIGHESTMODSEQ
            selected = self._select(client, folder)
            if not selected.next_uid:  # a server that does not tell it
                selected.next_uid = max(client.search_uids("ALL")[0], default=0) + 1
            selected.fresh = False
            return initial_cursor(client, selected, since)

    def is_empty(self, folder: str, cursor: SyncCursor) -> bool:
        """Return whether a folder has no mails, and is the one that was read: one short exchange."""
        with self._connection(f"the folder {folder} cannot be read:") as client:
            status = client.folder_status(self.server_name(folder), ["MESSAGES", "UIDVALIDITY"])
            return bool(status.get(b"MESSAGES") == 0 and status.get(b"UIDVALIDITY") == cursor.uidvalidity)

    def changes(
        self,
        folder: str,
        cursor: SyncCursor,
        *,
        watched: Collection[int] = (),
        keywords: Collection[str] = (),
        since: datetime | None = None,
        batch: int = 200,
        received_at: Mapping[int, datetime] = MappingProxyType({}),
    ) -> Iterator[FolderChanges]:
        """Yield new mails and changed flags since the cursor; nothing when there are none.

        Where the server counts changes (CONDSTORE), one small exchange finds one changed tag among any number
        of mails.

        Args:
            folder: the folder to read.
            cursor: how far it was read, as the last batch said.
            watched: UIDs whose flags are read where the server does not count changes.
            keywords: there, the flags of mails with one of these keywords are read too; "refund-*" is a
                pattern.
            since: after a UIDVALIDITY change all mails are reported again (`reset`), except those received
                before this.
            batch: the most mails in one batch.
            received_at: when the last known mails were received, by UID. A folder in which these differ was put
                back from a backup, and is reported as after a UIDVALIDITY change.
        """
        with self._connection(f"the folder {folder} cannot be read:") as client:
            selected = self._select(client, folder)
            client.take_updates()  # earlier updates are covered by the search; later ones end the next wait
            query = ChangeQuery(cursor, watched, keywords, since, batch, received_at)
            for found in find_changes(client, selected, query):
                yield found
                self._reselect(client, selected)
            self._compared.add((folder, selected.uidvalidity))

    def _reselect(self, client: Client, selected: SelectedFolder) -> None:
        """Select the folder that is being read again, if the caller selected another one between two batches.

        Raises:
            UnavailableError: the connection ended meanwhile, or the folder was replaced by another of the
                same name.
        """
        name, folder = self.account.name, selected.folder
        if self._client is not client:
            raise UnavailableError(f"{name}: the connection ended while {folder} was read")
        if self._selected is selected:
            return
        if self._select(client, folder).uidvalidity != selected.uidvalidity:
            raise UnavailableError(f"{name}: the folder {folder} was replaced while it was read")
        self._selected = selected

    def fetch(self, folder: str, uids: Collection[int]) -> list[FetchedMail]:
        """Fetch mails by UID, ascending; those that no longer exist are left out."""
        with self._connection(f"the folder {folder} cannot be read:") as client:
            self._select(client, folder)
            return [mail for portion in fetch_mails(client, uids) for mail in portion]

    def examine(self, folder: str, since: datetime | None) -> list[int]:
        """Open a folder for reading alone, and return the UIDs of its mails, ascending.

        Args:
            folder: the folder.
            since: mails that were received some days earlier are left out; None for all.
        """
        criteria = f"SINCE {day_before(since)}" if since else "ALL"
        with self._connection(f"the folder {folder} cannot be read:") as client:
            self._selected = None
            client.examine(self.server_name(folder))
            return client.search_uids(criteria)[0]

    def peek(self, folder: str, uids: Sequence[int]) -> Iterator[tuple[FetchedMail, ...]]:
        """Yield mails by ascending UID in portions of some MB; nothing in the folder changes.

        Args:
            folder: the folder.
            uids: the mails; those that no longer exist are left out.
        """
        with self._connection(f"the folder {folder} cannot be read:") as client:
            self._selected = None
            client.examine(self.server_name(folder))
            for chunk in chunks(uids, MAILS_PER_COMMAND):
                yield from fetch_mails(client, chunk)

    def find(self, folder: str, message_id: str, header: str = "Message-ID") -> list[int]:
        """Search a folder for a Message-ID.

        Args:
            folder: the folder.
            message_id: with its angle brackets. One that cannot be searched for finds nothing.
            header: the header that must name it.

        Returns:
            The UIDs of the mails.
        """
        if not MESSAGE_ID.fullmatch(message_id) or not message_id.isascii():
            return []
        with self._connection(f"the folder {folder} cannot be searched:") as client:
            self._select(client, folder)
            return client.search_uids(f'HEADER {header} "{message_id}"')[0]

    def has_letters_of_ours(self, folder: str, keywords: Iterable[str]) -> bool:
        """Return whether a folder has a mail that a followupd wrote or tagged.

        Args:
            folder: the folder.
            keywords: the status tags that only a followupd sets.
        """
        questions = ['HEADER X-Followupd-Key ""', *(f"KEYWORD {keyword}" for keyword in keywords)]
        with self._connection(f"the folder {folder} cannot be searched:") as client:
            self._select(client, folder)
            return any(client.search_uids(question)[0] for question in questions)

    # writing

    def permits_keywords(self, folder: str) -> bool:
        """Whether agents and we may set keywords of any name in this folder."""
        with self._connection() as client:
            return self._select(client, folder).accepts("\\*")

    def mark(
        self, folder: str, uids: Collection[int], add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> bool:
        """Add and remove keywords; at Gmail, whose web pages show no keywords, they become labels.

        Args:
            folder: where the mails are.
            uids: the mails; those that no longer exist are passed over.
            add: keywords; a server may have a limit, or permit none that it does not know.
            remove: keywords; one that a mail does not have is passed over.

        Returns:
            False when the folder does not accept one of the keywords; then none is set.

        Raises:
            ValueError: a keyword has characters that no server accepts (RFC 9051, section 9).
        """
        added, removed = sorted(set(add)), sorted(set(remove))
        for keyword in (*added, *removed):
            if not KEYWORD.fullmatch(keyword):
                raise ValueError(f"no server accepts {keyword!r} as a keyword")

        with self._connection(f"the folder {folder} cannot be marked:") as client:
            selected = self._select(client, folder)
            if selected.read_only or not all(map(selected.accepts, added)):
                return False
            if added and not client.store(uids, "+", added):
                return False
            return not removed or client.store(uids, "-", removed)

    def move(self, folder: str, uid: int, to: str, *, seen: bool = False) -> None:
        """Move a mail with its flags; a mail that no longer exists is no error.

        Without MOVE it is copied and marked as deleted, and expunged only where UIDPLUS lets us name it: a
        plain EXPUNGE would also remove what other people have marked (RFC 4315).

        Args:
            folder: where the mail is.
            uid: its UID there.
            to: the folder to move it to.
            seen: mark it as read first.
        """
        with self._connection(f"a mail cannot be moved from {folder} to {to}:") as client:
            self._select(client, folder)
            if seen:
                client.store([uid], "+", ["\\Seen"])
            if client.has_capability("MOVE"):
                client.move([uid], self.server_name(to))
                return

            client.copy([uid], self.server_name(to))
            self._delete(client, uid)

    def remove(self, folder: str, uid: int) -> None:
        """Remove a mail of ours.

        Where the server cannot expunge a single mail, it stays, marked as deleted.
        """
        with self._connection(f"a mail cannot be removed from {folder}:") as client:
            self._select(client, folder)
            self._delete(client, uid)

    def _delete(self, client: Client, uid: int) -> None:
        """Mark a mail as deleted, and expunge it where the server can expunge a single mail."""
        client.store([uid], "+", ["\\Deleted"])
        if client.has_capability("UIDPLUS"):
            client.uid_expunge([uid])

    def append(self, folder: str, raw: bytes, flags: Iterable[str] = ()) -> None:
        """File a mail of ours; a folder that is missing is created.

        Args:
            folder: where to file it.
            raw: the whole mail.
            flags: flags and keywords that it gets.
        """
        with self._connection(f"a mail cannot be filed in {folder}:") as client:
            if not self._folders.has(folder):
                self.create_folder(folder)
            client.append(self.server_name(folder), raw, tuple(flags))

    # waiting

    def wait(self, folder: str, seconds: float, wake: Callable[[], bool]) -> bool:
        """Wait until something may have changed in a folder.

        Args:
            folder: the folder to watch.
            seconds: how long to wait at most.
            wake: called twice a second, such as an Event's `is_set`; True ends the wait.

        Returns:
            True when something may have changed, False when `wake` ended the wait or the time is up.
        """
        with self._connection(f"the folder {folder} cannot be watched:") as client:
            self._select(client, folder)
            deadline = monotonic() + seconds
            wait_once = self._idle if client.has_capability("IDLE") else self._poll
            while not client.take_updates():
                if wake() or monotonic() >= deadline:
                    return False
                wait_once(client, deadline, wake)
            return True

    def _idle(self, client: Client, deadline: float, wake: Callable[[], bool]) -> None:
        """Idle once: until an update is buffered in the client, `wake` says so, or IDLE must be repeated."""
        client.idle()
        self._wait_until(client, min(deadline, monotonic() + IDLE_SECONDS), wake)
        client.idle_done()

    def _poll(self, client: Client, deadline: float, wake: Callable[[], bool]) -> None:
        """Wait, noticing a closed connection, and send a NOOP."""
        self._wait_until(client, min(deadline, monotonic() + self.noop_seconds), wake)
        client.noop()

    def _wait_until(self, client: Client, deadline: float, wake: Callable[[], bool]) -> None:
        """Wait until the deadline, until `wake` says so, or until an update arrives.

        A closed connection raises.

        Args:
            client: the open session of the mailbox.
            deadline: on the monotonic clock, in seconds.
            wake: asked at least every WAKE_SECONDS.
        """
        while (left := deadline - monotonic()) > 0 and not wake():
            if client.wait_for_update(min(left, WAKE_SECONDS)):
                break

    # check --online

    def survey(self, now: datetime | None = None) -> Survey:
        """Return what the server supports.

        Args:
            now: the present moment, to compare the server's clock by a draft that is deleted at once; None to
                leave it out.
        """
        with self._connection("the server cannot be examined:") as client:
            clock_ahead = None
            if now and self.drafts:
                clock_ahead = read_clock_ahead(client, self.server_name(self.drafts), now)
            self._selected = None
            keywords = {folder: self.permits_keywords(folder) for folder in (self.inbox, self.sent) if folder}
            return survey_of(client, (self.inbox, self.sent, self.drafts), keywords, clock_ahead)
