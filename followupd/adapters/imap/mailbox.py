"""The IMAP door: one mailbox, one connection, one thread; nothing new is missed and nothing is read twice.

What the server pushes is a hint to look again, never the news itself. After an OutageError call `open` again; the cursor
that was stored last says where to go on.
"""

import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from time import monotonic
from typing import Self

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from followupd.adapters.imap.changes import (
    KEYWORD,
    ChangeQuery,
    FolderChanges,
    Selected,
    Since,
    SyncCursor,
    changes,
    initial_cursor,
)
from followupd.adapters.imap.client import Client
from followupd.adapters.imap.fetch import FetchedMail, fetched
from followupd.adapters.imap.folders import Folders
from followupd.adapters.imap.login import Account, connect, plain_words
from followupd.adapters.imap.survey import Survey, clock_ahead, surveyed
from followupd.errors import UnavailableError

__all__ = ["Account", "FolderChanges", "SyncCursor", "FetchedMail", "ImapMailbox", "Survey"]

IDLE_AGAIN = 540.0  # seconds; a router may forget a silent line after ten minutes (RFC 2177 allows 29)
LOOK_AT_WAKE = 0.5  # seconds between two looks at `wake`


class ImapMailbox:
    """One connection to one mailbox, for one thread. Folders are named with "/", whatever the server writes.

    Raises OutageError from every method, with plain words; the connection is then closed unless the server only
    refused one thing.
    """

    def __init__(self, account: Account, *, ask_every: float = 15.0) -> None:
        """`ask_every` are the seconds between two looks at a server that has no IDLE."""
        self.account, self.ask_every = account, ask_every
        self._client: Client | None = None
        self._selected: Selected | None = None
        self._folders: Folders | None = None
        self._seen: dict[
            tuple[str, int], dict[int, frozenset[str]]
        ] = {}  # flags handed on, by folder and UIDVALIDITY
        #: the UIDVALIDITY, and the UIDs that were being fetched when the connection ended
        self.in_hand: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Connect, log in and list the folders; also after an outage."""
        self.close()
        self._client = connect(self.account)
        with self._speaking("the folders cannot be listed:") as client:
            self._folders = Folders.listed(client)

    def close(self) -> None:
        self._end(politely=True)

    def _end(self, *, politely: bool) -> None:
        client, self._client, self._selected = self._client, None, None
        if client:
            self.in_hand = client.in_hand
            client.end(politely=politely)

    @contextlib.contextmanager
    def _speaking(self, doing: str = "") -> Iterator[Client]:
        if self._client is None:
            raise UnavailableError(f"{self.account.name}: there is no connection to {self.account.host}")
        with plain_words(self.account, doing):
            try:
                yield self._client
            except (IMAPClientAbortError, OSError, ValueError):  # ValueError: an answer that makes no sense
                self._end(politely=False)
                raise

    @property
    def connected(self) -> bool:
        """Say whether the connection stands: after an OutageError, whether the server only refused one thing."""
        return self._client is not None

    # folders

    @property
    def inbox(self) -> str:
        return self.account.inbox

    @property
    def sent(self) -> str:
        """The folder of sent mail; "" when none can be told."""
        return self.account.sent or (self._folders.sent() if self._folders else "")

    @property
    def drafts(self) -> str:
        return self._folders.drafts() if self._folders else ""

    @property
    def folders(self) -> frozenset[str]:
        """The names of all folders, as the server listed them last."""
        return self._folders.names if self._folders else frozenset()

    def existing(self, folders: Iterable[str]) -> list[str]:
        """Return those of the folders that are there now."""
        with self._speaking() as client:
            there = self._folders = Folders.listed(client)
            return [folder for folder in folders if there.has(folder)]

    def create_folder(self, folder: str) -> None:
        """Create a folder, subscribed so that mail clients show it; one that is there already is left alone."""
        with self._speaking(f"the folder {folder} cannot be created:") as client:
            if not self.existing([folder]):
                client.create_folder(self.written(folder))
                client.subscribe_folder(self.written(folder))
                self._folders = Folders.listed(client)

    def written(self, folder: str) -> str:
        return self._folders.written(folder) if self._folders else folder

    def _select(self, client: Client, folder: str) -> Selected:
        """Open a folder; one that is open already is only asked for its news, which every answer to NOOP carries."""
        if self._selected and self._selected.folder == folder:
            client.noop()
            return self._selected
        self._selected = None
        try:
            told = client.select(self.written(folder))
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            words = "cannot be opened; was it renamed or deleted?"
            raise UnavailableError(f"{self.account.name}: the folder {folder} {words} ({error})") from error
        permanent = told.get(
            b"PERMANENTFLAGS", (b"\\*",)
        )  # when it is missing all flags are kept (RFC 9051, 6.3.2)
        uidvalidity = told.get(b"UIDVALIDITY", 0)
        self._selected = Selected(
            folder=folder,
            uidvalidity=uidvalidity,
            next_uid=told.get(b"UIDNEXT", 0) or max(client.search_uids("ALL")[0], default=0) + 1,
            mails=told.get(b"EXISTS", 0),
            modseq=told.get(b"HIGHESTMODSEQ", 0),
            permanent=frozenset(flag.decode("utf-8", "replace").strip("()") for flag in permanent),
            read_only=b"READ-ONLY" in told,
            last_seen=self._seen.setdefault((folder, uidvalidity), {}),
        )
        return self._selected

    # reading

    def start(self, folder: str, since: Since) -> tuple[SyncCursor, int]:
        """Return where a first reading begins, and how many older mails are passed over, never to be answered."""
        with self._speaking() as client:
            self._selected = None  # UIDNEXT and HIGHESTMODSEQ as they are now
            return initial_cursor(client, self._select(client, folder), since)

    def changes(
        self,
        folder: str,
        cursor: SyncCursor,
        *,
        watched: Collection[int] = (),
        keywords: Collection[str] = (),
        since: datetime | None = None,
        batch: int = 200,
    ) -> Iterator[FolderChanges]:
        """Yield new mails and changed flags since the cursor; nothing when there are none.

        Where the server counts changes (CONDSTORE), one small exchange finds one changed tag among any number of mails.
        Elsewhere the flags of `watched` UIDs are looked at, and of mails with one of `keywords` (or a pattern,
        "refund-*"). After a UIDVALIDITY change all mails come anew (`reset`), except those received before `since`.
        """
        with self._speaking(f"the folder {folder} cannot be read:") as client:
            selected = self._select(client, folder)
            client.news()  # what was told until now is found by the search; what is told from here on ends the next wait
            look = ChangeQuery(cursor, watched, keywords, since, batch)
            for found in changes(client, selected, look):
                yield found
                self._go_back(client, selected)

    def _go_back(self, client: Client, selected: Selected) -> None:
        """Open the folder again that is being read, when our caller looked into another one between two batches."""
        if self._client is not client:
            raise UnavailableError(
                f"{self.account.name}: the connection ended while {selected.folder} was read"
            )
        if self._selected is not selected:
            if self._select(client, selected.folder).uidvalidity != selected.uidvalidity:
                raise UnavailableError(
                    f"{self.account.name}: the folder {selected.folder} was replaced while it was read"
                )
            self._selected = selected

    def fetch(self, folder: str, uids: Collection[int]) -> list[FetchedMail]:
        """Fetch mails by UID, ascending; those that are gone are left out."""
        with self._speaking(f"the folder {folder} cannot be read:") as client:
            self._select(client, folder)
            return [mail for portion in fetched(client, uids) for mail in portion]

    def find(self, folder: str, message_id: str, header: str = "Message-ID") -> list[int]:
        """Return the UIDs of mails with this Message-ID ("<...>"), or that name it in another header."""
        if not re.fullmatch(r"<[^<>\s\"\\]{1,900}>", message_id) or not message_id.isascii():
            return []
        with self._speaking(f"the folder {folder} cannot be searched:") as client:
            self._select(client, folder)
            return client.search_uids(f'HEADER {header} "{message_id}"')[0]

    # writing

    def permits_keywords(self, folder: str) -> bool:
        """Say whether agents and we may set keywords of any name in this folder."""
        with self._speaking() as client:
            return self._select(client, folder).takes("\\*")

    def mark(
        self, folder: str, uids: Collection[int], add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> bool:
        """Set and take away keywords; False when the folder does not take them, and then none is set.

        On Gmail, whose pages show no keywords, they become labels.
        """
        added, removed = sorted(set(add)), sorted(set(remove))
        if bad := [keyword for keyword in (*added, *removed) if not KEYWORD.fullmatch(keyword)]:
            raise ValueError(f"no server takes {bad[0]!r} for a keyword")
        with self._speaking(f"the folder {folder} cannot be marked:") as client:
            selected = self._select(client, folder)
            if selected.read_only or not all(selected.takes(keyword) for keyword in added):
                return False
            return all(
                client.store(uids, sign, names) for sign, names in (("+", added), ("-", removed)) if names
            )

    def move(self, folder: str, uid: int, to: str, *, seen: bool = False) -> None:
        """Move a mail, with its flags; a mail that is gone is no error.

        Without MOVE it is copied and marked deleted, and expunged only where UIDPLUS lets us name it: a plain EXPUNGE
        would also take what other people have marked (RFC 4315).
        """
        with self._speaking(f"a mail cannot be moved from {folder} to {to}:") as client:
            self._select(client, folder)
            if seen:
                client.store([uid], "+", ["\\Seen"])
            if client.has_capability("MOVE"):
                client.move([uid], self.written(to))
                return
            client.copy([uid], self.written(to))
            client.store([uid], "+", ["\\Deleted"])
            if client.has_capability("UIDPLUS"):
                client.uid_expunge([uid])

    def remove(self, folder: str, uid: int) -> None:
        """Remove a mail of ours; where the server cannot expunge a single mail, it stays, marked deleted."""
        with self._speaking(f"a mail cannot be removed from {folder}:") as client:
            self._select(client, folder)
            client.store([uid], "+", ["\\Deleted"])
            if client.has_capability("UIDPLUS"):
                client.uid_expunge([uid])

    def append(self, folder: str, raw: bytes, flags: Iterable[str] = ()) -> None:
        """File a mail of ours; a folder that is missing is created."""
        with self._speaking(f"a mail cannot be filed in {folder}:") as client:
            if self._folders and not self._folders.has(folder):
                self.create_folder(folder)
            client.append(self.written(folder), raw, tuple(flags))

    # waiting

    def wait(self, folder: str, seconds: float, wake: Callable[[], bool]) -> bool:
        """Wait until something may have changed: True. `wake` said so, or the time is up: False.

        `wake` is looked at twice a second (an Event's `is_set`). Without IDLE the server is asked now and then.
        """
        with self._speaking(f"the folder {folder} cannot be watched:") as client:
            self._select(client, folder)
            deadline = monotonic() + seconds
            turn = self._idle if client.has_capability("IDLE") else self._ask
            while not client.news():
                if wake() or monotonic() >= deadline:
                    return False
                turn(client, deadline, wake)
            return True

    def _idle(self, client: Client, deadline: float, wake: Callable[[], bool]) -> None:
        """Idle once. Ends with news kept in the client, when woken, or when it is time to say DONE and IDLE again."""
        deadline = min(deadline, monotonic() + IDLE_AGAIN)
        client.idle()
        while (left := deadline - monotonic()) > 0 and not wake():
            if client.hears(min(left, LOOK_AT_WAKE)):
                break
        client.idle_done()

    def _ask(self, client: Client, deadline: float, wake: Callable[[], bool]) -> None:
        deadline = min(deadline, monotonic() + self.ask_every)
        while (left := deadline - monotonic()) > 0 and not wake():
            if client.hears(min(left, LOOK_AT_WAKE)):  # a line that is closed is noticed here, too
                break
        client.noop()

    # check --online

    def survey(self, now: datetime | None = None) -> Survey:
        """Look at what the server can do. With `now` its clock is compared, by a draft that is deleted at once."""
        with self._speaking("the server cannot be looked at:") as client:
            ahead = clock_ahead(client, self.written(self.drafts), now) if now and self.drafts else None
            self._selected = None
            keywords = {folder: self.permits_keywords(folder) for folder in (self.inbox, self.sent) if folder}
            return surveyed(client, (self.inbox, self.sent, self.drafts), keywords, ahead)
