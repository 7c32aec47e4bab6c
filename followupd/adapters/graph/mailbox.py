"""One mailbox over Microsoft Graph: what `ImapMailbox` does, with categories as keywords, for one thread.

Mails are read by delta query and `$value`, and named by numbers that are made of their immutable ids.
"""

import base64
import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from time import monotonic
from types import MappingProxyType
from typing import Any, Self

from followupd.adapters.graph.changes import (
    FIELDS,
    PAGE,
    DeltaPages,
    FolderState,
    Position,
    Reading,
    fetched,
    flags_of,
    in_path,
    odata_time,
    second_of,
    uidvalidity_of,
)
from followupd.adapters.graph.client import (
    ChangedError,
    GraphClient,
    GraphError,
    LostAnswerError,
    MissingError,
    OutageError,
    items_of,
    pause,
    quoted,
)
from followupd.adapters.imap.changes import KEYWORD, ChangeQuery, FolderChanges, Since, SyncCursor
from followupd.adapters.imap.client import Account
from followupd.adapters.imap.fetch import PORTION, FetchedMail
from followupd.adapters.imap.mailbox import CLOCK_DRAFT, MESSAGE_ID, Survey
from followupd.errors import LoginRefusedError, UnavailableError

#: the inbox, by IMAP's name: its own name is in the user's language
INBOX = "INBOX"
#: seconds between two looks into the folder that is waited for
POLL_SECONDS = 30.0
WAKE_SECONDS = 0.5  # between two calls of `wake`
#: the answer to a filter that is not known
_NO_FILTER = 400
#: attempts to set categories that somebody else changes at the same time
CHANGES = 4
#: headers as Outlook's properties (MS-OXCMAIL): In-Reply-To, and any X- header, which is a named property
_PROPERTIES = {"In-Reply-To": "String 0x1042"}
_NAMED = "String {00020386-0000-0000-C000-000000000046} Name"
OURS = "X-Followupd-Key"
#: colours of status tags in the list of categories: preset0 is red, 3 yellow, 4 green, 7 blue
#: (learn.microsoft.com/graph/api/resources/outlookcategory)
_COLOURS = {
    "fu-suspected": "preset1",
    "fu-heard": "preset7",
    "fu-promised": "preset22",
    "fu-confirmed": "preset5",
    "fu-fixed": "preset4",
    "fu-followed-up": "preset6",
    "fu-closed": "preset12",
    "fu-held": "preset3",
    "fu-doubt": "preset9",
    "fu-quarantine": "preset0",
}


#: flags of IMAP's that are properties here: the name, and its values when set and not
_SYSTEM_FLAGS: tuple[tuple[str, str, Any, Any], ...] = (
    ("\\Seen", "isRead", True, False),
    ("\\Flagged", "flag", {"flagStatus": "flagged"}, {"flagStatus": "notFlagged"}),
)


class GraphMailbox:
    """One mailbox, for one thread.

    Folders are named with "/". Every method raises UnavailableError with a sentence for the administrator; `connected`
    is False afterwards unless the server only refused one request.
    """

    def __init__(self, account: Account, *, poll_seconds: float = POLL_SECONDS) -> None:
        """Prepare a session.

        Args:
            account: where it is, and its login.
            poll_seconds: the seconds between two looks while a folder is waited for.
        """
        self.account = account
        self.poll_seconds = poll_seconds
        #: no mail ends a connection here: one that cannot be had is given up by the client
        self.in_flight: tuple[int, ...] = ()
        self._client: GraphClient | None = None
        #: ids by name
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._states: dict[str, FolderState] = {}
        #: status tags that are in the list of categories, or were tried
        self._coloured: set[str] = set()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Log in and list the folders; also after an UnavailableError."""
        self.close()
        with self._explained("the mailbox cannot be opened:"):
            self._client = GraphClient(self.account)
        with self._session("the folders cannot be listed:") as client:
            well_known = ("inbox", "sentitems", "drafts")
            self._names = {use: str(client.get(f"/mailFolders/{use}")["id"]) for use in well_known}
            self._list_folders(client)

    def close(self) -> None:
        """Close the session, if there is one."""
        if self._client:
            self._client.close()
        self._client = None

    @contextlib.contextmanager
    def _explained(self, prefix: str) -> Iterator[None]:
        """Name the mailbox, and what could not be done, in the errors of a block; an outage ends the session.

        Args:
            prefix: what could not be done, for the sentence.
        """
        try:
            yield
        except (OutageError, LoginRefusedError) as error:
            self.close()
            kind = LoginRefusedError if isinstance(error, LoginRefusedError) else UnavailableError
            raise kind(f"{self.account.name}: {prefix} {error}") from error
        except UnavailableError as error:
            raise UnavailableError(f"{self.account.name}: {prefix} {error}") from error

    @contextlib.contextmanager
    def _session(self, prefix: str) -> Iterator[GraphClient]:
        """Give the open session to a block, and explain its errors.

        Args:
            prefix: what could not be done, for the sentence.
        """
        with self._explained(prefix):
            if self._client is None:
                raise UnavailableError(f"there is no session with {self.account.host}")
            yield self._client

    @property
    def connected(self) -> bool:
        """Whether the session is open; after an UnavailableError, whether only one request was refused."""
        return self._client is not None

    # folders

    @property
    def inbox(self) -> str:
        """The folder of incoming mail."""
        return self.account.inbox

    @property
    def sent(self) -> str:
        """The folder of sent mail."""
        return self.account.sent or self._name_of("sentitems")

    @property
    def drafts(self) -> str:
        """The folder of drafts."""
        return self._name_of("drafts")

    @property
    def folders(self) -> frozenset[str]:
        """The names of all folders, as they were listed last."""
        return frozenset(self._ids)

    def _name_of(self, use: str) -> str:
        """Return the name of a folder that Outlook has for a use; "" without one.

        Args:
            use: its well-known name, such as "sentitems".
        """
        return next((name for name, id_ in self._ids.items() if id_ == self._names.get(use)), "")

    def existing(self, folders: Iterable[str]) -> list[str]:
        """Return those of the folders that exist now, asking the server.

        Args:
            folders: names as people write them; they do not differ by case.
        """
        with self._session("the folders cannot be listed:") as client:
            self._list_folders(client)
            return list(filter(self._found, folders))

    def listed(self) -> list[str]:
        """Return the folders that exist now, asking the server, sorted."""
        with self._session("the folders cannot be listed:") as client:
            self._list_folders(client)
            return sorted(self._ids)

    def _list_folders(self, client: GraphClient) -> None:
        """Ask the server for its folders and those within them.

        Args:
            client: the open session of the mailbox.
        """
        found: dict[str, str] = {}
        waiting = [("", "/mailFolders")]
        while waiting:
            prefix, path = waiting.pop()
            for folder in client.pages(path, top="100", select="id,displayName,childFolderCount"):
                id_ = str(folder["id"])
                name = INBOX if id_ == self._names.get("inbox") else f"{prefix}{folder.get('displayName')}"
                found.setdefault(name, id_)
                if folder.get("childFolderCount"):
                    waiting.append((f"{name}/", f"/mailFolders/{in_path(id_)}/childFolders"))
        self._ids = found

    def server_name(self, folder: str) -> str:
        """Return the name of a folder as it was listed; Outlook's names do not differ by case.

        Args:
            folder: as people write it.
        """
        folded = folder.casefold()
        return next((name for name in self._ids if name.casefold() == folded), folder)

    def _found(self, folder: str) -> str:
        """Return the id of a folder, "" when there is none."""
        return self._ids.get(self.server_name(folder), "")

    def _id(self, folder: str) -> str:
        """Return the id of a folder.

        Args:
            folder: as people write it.

        Raises:
            UnavailableError: there is none.
        """
        if id_ := self._found(folder):
            return id_
        raise UnavailableError(f"there is no folder {folder}; was it renamed or deleted?")

    def create_folder(self, folder: str) -> None:
        """Create a folder and those that hold it; one that exists is left as it is.

        Args:
            folder: with "/" between its parts.
        """
        with self._session(f"the folder {folder} cannot be created:") as client:
            self._list_folders(client)
            names = folder.split("/")
            for depth in range(1, len(names) + 1):
                if not self._found("/".join(names[:depth])):
                    self._create(client, "/".join(names[: depth - 1]), names[depth - 1])

    def _create(self, client: GraphClient, parent: str, name: str) -> None:
        """Create one folder.

        Args:
            client: the open session of the mailbox.
            parent: the folder that holds it, which must exist; "" for the mailbox itself.
            name: its own name, without "/".
        """
        path = f"/mailFolders/{in_path(self._id(parent))}/childFolders" if parent else "/mailFolders"
        with contextlib.suppress(ChangedError):  # it exists: somebody was faster, or our answer was lost
            client.ask("POST", path, {"displayName": name})
        self._list_folders(client)

    # reading

    def _state(self, folder: str) -> FolderState:
        """Return what this process knows of a folder.

        Args:
            folder: as people write it.

        Raises:
            UnavailableError: there is no such folder.
        """
        id_ = self._id(folder)
        return self._states.setdefault(id_, FolderState(id_))

    def start(self, folder: str, since: Since) -> tuple[SyncCursor, int]:
        """Return the cursor for the first reading of a folder.

        Args:
            folder: the folder.
            since: "all", "now", a date or a moment; older mails are skipped and never answered.

        Returns:
            The cursor, and how many older mails are skipped.
        """
        with self._session(f"the folder {folder} cannot be read:") as client:
            state = self._state(folder)
            state.known.clear()
            position, skipped = Position(), 0
            if since == "now":
                link = DeltaPages(client, state).list_all()
                position, skipped = Position(link, listing=False).behind(state.known), len(state.known)
            elif isinstance(since, date):
                begin = since if isinstance(since, datetime) else datetime.combine(since, time(), UTC)
                position = replace(position, floor=int(begin.timestamp()))
                skipped = _count(client, state.id, f"receivedDateTime lt {odata_time(begin)}")
            return SyncCursor(uidvalidity_of(state.id), 0, position=str(position)), skipped

    def is_empty(self, folder: str, cursor: SyncCursor) -> bool:
        """Return whether a folder has no mails, and is the one that was read: one short request.

        Args:
            folder: the folder.
            cursor: how far it was read.
        """
        with self._session(f"the folder {folder} cannot be read:") as client:
            id_ = self._id(folder)
            found = client.get(f"/mailFolders/{in_path(id_)}", select="totalItemCount")
            return found.get("totalItemCount") == 0 and uidvalidity_of(id_) == cursor.uidvalidity

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

        Args:
            folder: the folder to read.
            cursor: how far it was read, as the last batch said.
            watched: the mails whose flags are told when the server has forgotten what was read.
            keywords: not needed here: the server tells every change.
            since: of a folder that was made again, mails that were received before this are passed over.
            batch: the most mails in one batch.
            received_at: not needed here: a number says when its mail was received.
        """
        with self._session(f"the folder {folder} cannot be read:") as client:
            state = self._state(folder)
            position = Position.parsed(cursor.position)
            reset = cursor.uidvalidity != uidvalidity_of(state.id) or position is None
            if position is None or reset:
                position = Position(floor=int(since.timestamp()) if since else 0)
            query = ChangeQuery(cursor, watched, keywords, since, batch, received_at)
            last = 0 if reset else cursor.uid
            yield from Reading(DeltaPages(client, state), folder, query, position, reset, last).batches()

    def fetch(self, folder: str, uids: Collection[int]) -> list[FetchedMail]:
        """Fetch mails by number, ascending; those that no longer exist are left out.

        Args:
            folder: the folder.
            uids: the mails, in any order.
        """
        return [mail for portion in self.peek(folder, sorted(uids)) for mail in portion]

    def examine(self, folder: str, since: datetime | None) -> list[int]:
        """Return the numbers of the mails of a folder, ascending.

        Args:
            folder: the folder.
            since: mails that were received earlier are left out; None for all.
        """
        query = {"filter": f"receivedDateTime ge {odata_time(since)}"} if since else {}
        with self._session(f"the folder {folder} cannot be read:") as client:
            return sorted(self._learned(client, folder, query))

    def peek(self, folder: str, uids: Sequence[int]) -> Iterator[tuple[FetchedMail, ...]]:
        """Yield mails by number in portions of some MB; nothing in the folder changes.

        Args:
            folder: the folder.
            uids: the mails; those that no longer exist are left out.
        """
        portion: list[FetchedMail] = []
        with self._session(f"the folder {folder} cannot be read:") as client:
            for uid in uids:
                item = self._item(client, folder, uid)
                mail = fetched(client, uid, item) if item else None
                portion += [mail] if mail else []
                if sum(len(each.raw) for each in portion) > PORTION:
                    yield tuple(portion)
                    portion = []
        if portion:
            yield tuple(portion)

    def _item(self, client: GraphClient, folder: str, uid: int) -> dict[str, Any]:
        """Return a mail of a folder as it is now; empty when it is not there.

        Args:
            client: the open session of the mailbox.
            folder: the folder's name.
            uid: the mail's number. When this process has not seen the mail yet, its second is looked through.
        """
        state = self._state(folder)
        if uid not in state.ids:
            begin = second_of(uid)
            first, last = odata_time(begin), odata_time(begin + timedelta(seconds=1))
            question = f"receivedDateTime ge {first} and receivedDateTime lt {last}"
            self._learned(client, folder, {"filter": question})
        if uid not in state.ids:
            return {}
        try:
            item = client.get(f"/messages/{in_path(state.ids[uid])}", select=FIELDS)
        except MissingError:
            return {}
        return item if item.get("parentFolderId") == state.id else {}

    def _learned(self, client: GraphClient, folder: str, query: Mapping[str, str]) -> list[int]:
        """List mails of a folder, and return their numbers.

        Args:
            client: the open session of the mailbox.
            folder: the folder's name.
            query: OData's options without their "$", such as a filter.
        """
        state = self._state(folder)
        path = f"/mailFolders/{in_path(state.id)}/messages"
        items = client.pages(path, top=str(PAGE), select=FIELDS, **query)
        return list(map(state.learn, items))

    def find(self, folder: str, message_id: str, header: str = "Message-ID") -> list[int]:
        """Search a folder for a Message-ID.

        Args:
            folder: the folder.
            message_id: with its angle brackets. One that cannot be searched for finds nothing.
            header: the header that must name it.

        Returns:
            The numbers of the mails.
        """
        if not MESSAGE_ID.fullmatch(message_id) or not message_id.isascii():
            return []
        question = f"internetMessageId eq {quoted(message_id)}"
        if header != "Message-ID":
            question = _has_property(header, f"eq {quoted(message_id)}")
        with self._session(f"the folder {folder} cannot be searched:") as client:
            return sorted(self._learned(client, folder, {"filter": question}))

    def has_letters_of_ours(self, folder: str, keywords: Iterable[str]) -> bool:
        """Return whether a folder has a mail that a followupd wrote or tagged.

        Args:
            folder: the folder.
            keywords: the status tags that only a followupd sets.
        """
        tagged = " or ".join(f"name eq {quoted(keyword)}" for keyword in keywords)
        questions = [f"categories/any(name:{tagged})", _has_property(OURS, "ne ''")]
        with self._session(f"the folder {folder} cannot be searched:") as client:
            path = f"/mailFolders/{in_path(self._id(folder))}/messages"
            return any(_has_some(client, path, question) for question in questions)

    # writing

    def permits_keywords(self, folder: str) -> bool:
        """Whether agents and we may set categories in this folder."""
        return bool(self._found(folder))

    def mark(
        self, folder: str, uids: Collection[int], add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> bool:
        """Add and remove categories; new ones get their colours in the mailbox's list.

        Args:
            folder: where the mails are.
            uids: the mails; those that no longer exist are passed over.
            add: keywords.
            remove: keywords; one that a mail does not have is passed over.

        Returns:
            True: every folder keeps categories.

        Raises:
            ValueError: a keyword has characters that no IMAP server accepts.
        """
        added, removed = sorted(set(add)), sorted(set(remove))
        for keyword in (*added, *removed):
            if not KEYWORD.fullmatch(keyword):
                raise ValueError(f"no server accepts {keyword!r} as a keyword")

        with self._session(f"the folder {folder} cannot be marked:") as client:
            self._colour(client, added)
            for uid in uids:
                self._mark_one(client, folder, uid, added, removed)
            return True

    def _mark_one(
        self, client: GraphClient, folder: str, uid: int, added: Sequence[str], removed: Sequence[str]
    ) -> None:
        """Change the categories of one mail; again, from what it has then, if somebody else changed it meanwhile.

        Args:
            client: the open session of the mailbox.
            folder: where the mail is; one that is no longer there is passed over.
            uid: its number.
            added: keywords and flags to set.
            removed: keywords and flags to take off.
        """
        for attempt in range(CHANGES):
            item = self._item(client, folder, uid)
            change = _change(item, added, removed) if item else {}
            if not change:
                return
            is_last = attempt == CHANGES - 1
            headers = {} if is_last else {"If-Match": str(item.get("@odata.etag") or "*")}
            try:
                client.ask("PATCH", f"/messages/{in_path(str(item['id']))}", change, headers=headers)
            except MissingError:
                return
            except ChangedError:
                if is_last:
                    raise
            else:
                return

    def _colour(self, client: GraphClient, keywords: Iterable[str]) -> None:
        """Enter status tags in the mailbox's list of categories, each with its colour, once.

        Without the right to that list they have no colour, and are seen all the same.

        Args:
            client: the open session of the mailbox.
            keywords: what is about to be set; other words than status tags are left as agents have them.
        """
        wanted = {
            word: _COLOURS[word] for word in keywords if word in _COLOURS and word not in self._coloured
        }
        if wanted:
            self._coloured.update(wanted)  # a list that may not be changed is tried once
            with contextlib.suppress(GraphError):
                self._enter(client, wanted)

    def add_categories(self, colours: Mapping[str, str]) -> list[str]:
        """Enter categories in the mailbox's list, from which people choose in Outlook; return those that are new.

        Args:
            colours: a colour for each name, such as "preset0"; categories of the same name are left as they are.
        """
        with self._session("the list of categories cannot be changed:") as client:
            return self._enter(client, colours)

    def _enter(self, client: GraphClient, colours: Mapping[str, str]) -> list[str]:
        """Enter categories that are not in the mailbox's list, and return them.

        Args:
            client: the open session of the mailbox.
            colours: a colour for each name; names do not differ by case.
        """
        listed = client.pages("/outlook/masterCategories", top=str(PAGE))
        there = {str(category.get("displayName")).casefold() for category in listed}
        missing = [name for name in colours if name.casefold() not in there]
        for name in missing:
            with contextlib.suppress(ChangedError):
                entry = {"displayName": name, "color": colours[name]}
                client.ask("POST", "/outlook/masterCategories", entry)
        return missing

    def move(self, folder: str, uid: int, to: str, *, seen: bool = False) -> None:
        """Move a mail with its categories; a mail that is no longer there is no error.

        Args:
            folder: where the mail is.
            uid: its number.
            to: the folder to move it to.
            seen: mark it as read first.
        """
        with self._session(f"a mail cannot be moved from {folder} to {to}:") as client:
            destination = self._id(to)

            def move(path: str, item: Mapping[str, Any]) -> None:
                if seen and not item.get("isRead"):
                    client.ask("PATCH", path, {"isRead": True})
                client.ask("POST", f"{path}/move", {"destinationId": destination}, repeat=False)

            self._take_away(client, folder, uid, move)

    def remove(self, folder: str, uid: int) -> None:
        """Remove a mail of ours; Outlook puts it among the deleted ones.

        Args:
            folder: where it is.
            uid: its number; a mail that is no longer there is no error.
        """
        with self._session(f"a mail cannot be removed from {folder}:") as client:
            self._take_away(client, folder, uid, lambda path, _item: client.ask("DELETE", path, repeat=False))

    def _take_away(
        self,
        client: GraphClient,
        folder: str,
        uid: int,
        act: Callable[[str, Mapping[str, Any]], object],
    ) -> None:
        """Do once what takes a mail out of a folder; after a lost answer it is looked whether the mail is there still.

        Args:
            client: the open session of the mailbox.
            folder: where the mail is.
            uid: its number; a mail that is no longer there is no error.
            act: gets the mail's address and the mail as it is now.
        """
        for attempt in range(CHANGES):
            item = self._item(client, folder, uid)
            if not item:
                break
            try:
                act(f"/messages/{in_path(str(item['id']))}", item)
            except MissingError:
                break
            except LostAnswerError:
                if attempt == CHANGES - 1:
                    raise
            else:
                break
        state = self._state(folder)
        state.forget(state.ids.get(uid, ""))

    def append(self, folder: str, raw: bytes, flags: Iterable[str] = ()) -> None:
        """File a mail of ours, as a draft; a folder that is missing is created.

        Args:
            folder: where to file it.
            raw: the whole mail.
            flags: flags and keywords that it gets.
        """
        with self._session(f"a mail cannot be filed in {folder}:") as client:
            if not self._found(folder):
                self.create_folder(folder)
            self._file(client, folder, raw, sorted(flags))

    def _file(self, client: GraphClient, folder: str, raw: bytes, flags: Sequence[str]) -> dict[str, Any]:
        """Make a draft of a mail in a folder, once, whether the answer comes or not; return it.

        Args:
            client: the open session of the mailbox.
            folder: the folder's name.
            raw: the whole mail; after a lost answer it is looked for by its Message-ID.
            flags: flags and keywords that it gets.
        """
        path = f"/mailFolders/{in_path(self._id(folder))}/messages"
        before = {str(item["id"]) for item in self._same(client, path, raw)}
        for attempt in range(CHANGES):
            try:
                item = client.ask("POST", path, base64.b64encode(raw), repeat=False).json
            except LostAnswerError:
                fresh = [item for item in self._same(client, path, raw) if item["id"] not in before]
                if not fresh and attempt == CHANGES - 1:
                    raise
                if not fresh:
                    continue
                item = fresh[0]
            if change := _change(item, flags, ()):
                client.ask("PATCH", f"/messages/{in_path(str(item['id']))}", change)
            break
        return item

    def _same(self, client: GraphClient, path: str, raw: bytes) -> list[dict[str, Any]]:
        """Return the mails of a folder with the Message-ID of this one.

        Args:
            client: the open session of the mailbox.
            path: that of the folder's mails.
            raw: the mail; one without a Message-ID has no like.
        """
        message_id = str(message_from_bytes(raw[: 2**16])["Message-ID"] or "").strip()
        if not MESSAGE_ID.fullmatch(message_id):
            return []
        question = f"internetMessageId eq {quoted(message_id)}"
        return list(client.pages(path, select=FIELDS, filter=question))

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
        with self._session(f"the folder {folder} cannot be watched:") as client:
            pages = DeltaPages(client, self._state(folder))
            deadline = monotonic() + seconds
            while not wake() and (left := deadline - monotonic()) > 0:
                is_due = self._rest(min(left, self.poll_seconds), wake)
                if is_due and pages.state.newest and pages.has_changed():
                    return True
            return False

    def _rest(self, seconds: float, wake: Callable[[], bool]) -> bool:
        """Wait for some seconds; return False when `wake` ended it.

        Args:
            seconds: how long.
            wake: called twice a second; True ends the wait.
        """
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            if wake():
                return False
            pause(min(left, WAKE_SECONDS))
        return True

    # check --online

    def survey(self, now: datetime | None = None) -> Survey:
        """Return what the mailbox lets us do.

        Args:
            now: the present moment, to compare the server's clock, and to try by a draft, which is deleted at once,
                whether it can be written; None to leave both out.
        """
        with self._session("the mailbox cannot be examined:") as client:
            ahead, writes = None, True
            if now:
                at = client.ask("GET", "/mailFolders/inbox", query={"select": "id"}).at
                ahead = at - now if at else None
                writes = self._can_write(client)
            return Survey(
                capabilities=frozenset({"COLOURS"} if self._can_colour(client) else ()),
                idle=False,
                condstore=True,
                move=writes,
                uidplus=True,
                gmail=False,
                inbox=self.inbox,
                sent=self.sent,
                drafts=self.drafts,
                keywords=dict.fromkeys((self.inbox, self.sent), writes),
                tls="" if self.account.security == "none" else "TLS",
                clock_ahead=ahead,
                door="graph",
            )

    def _can_write(self, client: GraphClient) -> bool:
        """Whether a draft can be made, which is deleted at once.

        Args:
            client: the open session of the mailbox.
        """
        try:
            item = self._file(client, self.drafts, CLOCK_DRAFT, ())
            client.ask("DELETE", f"/messages/{in_path(str(item['id']))}")
        except GraphError as error:
            if error.status != 403:
                raise
            return False
        return True

    def _can_colour(self, client: GraphClient) -> bool:
        """Whether the list of categories can be read.

        Args:
            client: the open session of the mailbox.
        """
        try:
            client.get("/outlook/masterCategories", top="1")
        except GraphError as error:
            if isinstance(error, OutageError):
                raise
            return False
        return True


def _change(item: Mapping[str, Any], added: Sequence[str], removed: Sequence[str]) -> dict[str, Any]:
    """Return the properties to set of a mail, so that it gets and loses these flags.

    Args:
        item: the mail as it is now.
        added: keywords and flags to set; a category that differs by case alone is there already.
        removed: keywords and flags to take off.

    Returns:
        What to send; empty when the mail is so already.
    """
    change: dict[str, Any] = {}
    gone = set(map(str.casefold, removed))
    present = list(map(str, item.get("categories") or ()))
    kept = [name for name in present if name.casefold() not in gone]
    have = set(map(str.casefold, kept))
    wanted = [*kept, *(word for word in added if word[0] != "\\" and word.casefold() not in have)]
    if wanted != present:
        change["categories"] = wanted

    flags = flags_of(item)
    for flag, name, on, off in _SYSTEM_FLAGS:
        if flag in added and flag not in flags:
            change[name] = on
        elif flag in removed and flag in flags:
            change[name] = off

    return change


def _has_property(header: str, condition: str) -> str:
    """Return the filter for mails whose header, as a property of Outlook's, meets a condition.

    Args:
        header: the header's name.
        condition: what its value must be, as OData writes it: "eq 'x'".
    """
    name = _PROPERTIES.get(header, f"{_NAMED} {header}")
    return f"singleValueExtendedProperties/any(p:p/id eq {quoted(name)} and p/value {condition})"


def _has_some(client: GraphClient, path: str, question: str) -> bool:
    """Return whether a list has a mail that meets a filter; a filter that the mailbox does not know finds none.

    Args:
        client: the open session of the mailbox.
        path: that of the list.
        question: the filter.
    """
    try:
        return bool(items_of(client.get(path, top="1", select="id", filter=question)))
    except GraphError as error:
        if error.status != _NO_FILTER:
            raise
    return False


def _count(client: GraphClient, folder: str, question: str) -> int:
    """Return how many mails of a folder meet a filter.

    Args:
        client: the open session of the mailbox.
        folder: the folder's id.
        question: the filter.
    """
    path = f"/mailFolders/{in_path(folder)}/messages"
    return int(client.get(path, filter=question, count="true", top="1", select="id").get("@odata.count") or 0)
