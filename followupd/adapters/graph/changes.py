"""What changed in a folder by delta query, and the numbers of its mails (learn.microsoft.com/graph/message-delta).

The number of a mail is made of the second in which it was received and a hash of its immutable id. So it is the same
in each process, later mails have higher ones, and a mail is found again by its second. The cursor holds the link that
the server gave, and what was read after it; when the link has expired, the folder is listed again, and the ledger
knows the mails by their places and fingerprints.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from followupd.adapters.graph.client import IMMUTABLE, ExpiredError, GraphClient, MissingError, items_of
from followupd.adapters.imap.changes import ChangeQuery, FolderChanges, SyncCursor, chunks
from followupd.adapters.imap.fetch import LONG_AGO, PORTION, FetchedMail, without_attachments

#: what is asked of each mail; its text comes from $value
FIELDS = "id,receivedDateTime,createdDateTime,categories,isRead,isDraft,flag,parentFolderId"
#: mails on one page of a list
PAGE = 200
#: bits of a mail's number that come from its id
_HASH_BITS = 30


def uid_of(item: Mapping[str, Any]) -> int:
    """Return the number of a mail: of at most 62 bits, as a ledger keeps it.

    Args:
        item: the mail as Graph describes it, with its immutable id and its times.
    """
    digest = blake2b(str(item["id"]).encode(), digest_size=4).digest()
    return uid_at(received_at(item)) + (int.from_bytes(digest) >> 2)


def uid_at(moment: datetime) -> int:
    """Return the lowest number of the mails that were received at this moment."""
    return max(0, int(moment.timestamp())) << _HASH_BITS


def second_of(uid: int) -> datetime:
    """Return the second in which the mail of this number was received."""
    return datetime.fromtimestamp(uid >> _HASH_BITS, UTC)


def uidvalidity_of(folder: str) -> int:
    """Return the number of a folder by its id: one that is made again has another id; below 2 ** 31."""
    return int.from_bytes(blake2b(folder.encode(), digest_size=4).digest()) >> 1


def received_at(item: Mapping[str, Any]) -> datetime:
    """Return when a mail was received, or a draft was made, in UTC; LONG_AGO when that is not told."""
    for name in ("receivedDateTime", "createdDateTime"):
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(str(item.get(name) or ""))
            return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return LONG_AGO


def odata_time(moment: datetime) -> str:
    """Return a moment as a filter writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def flags_of(item: Mapping[str, Any]) -> frozenset[str]:
    """Return a mail's categories, and what IMAP would call its system flags."""
    flags = {str(name) for name in item.get("categories") or () if name}
    status = item.get("flag") or {}
    is_set = {
        "\\Seen": item.get("isRead"),
        "\\Draft": item.get("isDraft"),
        "\\Flagged": status.get("flagStatus") == "flagged",
    }
    return frozenset(flags | {flag for flag, value in is_set.items() if value})


@dataclass(frozen=True, slots=True)
class Position:
    """How far a folder was read, as the cursor keeps it in a text.

    `link` is the server's, "" to list the folder. Mails that were received before the second `floor` were there when
    the folder was first opened, and are passed over, as are those in `passed`, of that second. `done` are those that
    were read of the page to which the link leads. `listing` says that the link is of the first list.
    """

    link: str = ""
    floor: int = 0
    passed: tuple[int, ...] = ()
    done: tuple[int, ...] = ()
    listing: bool = True

    @classmethod
    def parsed(cls, text: str) -> "Position | None":
        """Return the position in a cursor's text.

        Args:
            text: as `str` of a position returned it.

        Returns:
            None for a text of another door, or of none.
        """
        try:
            value: dict[str, Any] = json.loads(text)
            value |= {name: tuple(map(int, value[name])) for name in ("passed", "done")}
            return cls(**value)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def __str__(self) -> str:
        """Return the text that the cursor keeps."""
        return json.dumps(asdict(self))

    def passes_over(self, uid: int) -> bool:
        """Whether a mail was there when the folder was first opened.

        Args:
            uid: its number, which says when it was received.
        """
        second = uid >> _HASH_BITS
        return second < self.floor or uid in self.passed

    def behind(self, uids: Collection[int]) -> "Position":
        """Return the position at which the mails with these numbers are passed over, and all earlier ones.

        Args:
            uids: the numbers of all mails that are in the folder now.
        """
        floor = max((uid >> _HASH_BITS for uid in uids), default=0)
        return replace(
            self, floor=floor, passed=tuple(sorted(uid for uid in uids if uid >> _HASH_BITS == floor))
        )


@dataclass(slots=True)
class FolderState:
    """What this process knows of a folder, besides what the cursor says.

    `newest` is a later link than that of the position `told`, between which nothing has changed. `known` are the
    numbers of mails that were reported or passed over, `ids` the ids by number, `uids` the numbers by id.
    """

    id: str
    told: str = ""
    newest: str = ""
    known: set[int] = field(default_factory=set)
    ids: dict[int, str] = field(default_factory=dict)
    uids: dict[str, int] = field(default_factory=dict)

    def learn(self, item: Mapping[str, Any]) -> int:
        """Remember the id of a mail; return its number.

        Args:
            item: the mail as Graph describes it. Its number stays, also if a draft gets another time.
        """
        uid = self.uids.get(str(item["id"])) or uid_of(item)
        self.ids[uid], self.uids[str(item["id"])] = str(item["id"]), uid
        return uid

    def forget(self, id_: str) -> None:
        """Forget that a mail is here: when it comes back, it is reported again.

        Args:
            id_: its immutable id; one that is not known is no error.
        """
        uid = self.uids.pop(id_, 0)
        self.known.discard(uid)
        self.ids.pop(uid, None)


@dataclass(slots=True)
class DeltaPages:
    """The pages of one folder's delta query."""

    client: GraphClient
    state: FolderState

    def page(self, link: str) -> dict[str, Any]:
        """Return the page to which a link leads.

        Args:
            link: the server's own, with all that was asked at first; "" for the first page of a list.

        Raises:
            ExpiredError: the server does not know the link any more.
        """
        prefer = {"Prefer": f"{IMMUTABLE}, odata.maxpagesize={PAGE}"}
        if link:
            return self.client.ask("GET", link, headers=prefer).json
        path = f"/mailFolders/{in_path(self.state.id)}/messages/delta"
        return self.client.ask("GET", path, query={"select": FIELDS}, headers=prefer).json

    def mails(self, page: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the mails of a page, in the order in which they were received, each once; forget removed ones.

        Args:
            page: as the server sent it. It may name a mail several times; the last time counts.
        """
        found: dict[str, dict[str, Any]] = {}
        for item in items_of(page):
            if "@removed" in item:
                self.state.forget(str(item.get("id")))
                found.pop(str(item.get("id")), None)
            elif item.get("id"):
                found[str(item["id"])] = item

        return sorted(filter(None, map(self._whole, found.values())), key=received_at)

    def _whole(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return a mail with all that is asked of each; empty for one that is no longer there.

        A change may come with the properties alone that were changed.

        Args:
            item: what the page says of the mail.
        """
        if {"receivedDateTime", "categories", "isRead"} <= item.keys():
            return item
        try:
            whole = self.client.get(f"/messages/{in_path(str(item['id']))}", select=FIELDS)
        except MissingError:
            return {}
        return whole if whole.get("parentFolderId") == self.state.id else {}

    def list_all(self) -> str:
        """Remember all mails that are in the folder now as known; return the link after them."""
        link = ""
        while True:
            page = self.page(link)
            for item in self.mails(page):
                self.state.known.add(self.state.learn(item))
            link = next_link(page)
            if "@odata.nextLink" not in page:
                return link

    def has_changed(self) -> bool:
        """Whether anything has changed since the folder was read by this process."""
        page = self.page(self.state.newest)
        if items_of(page) or "@odata.nextLink" in page:
            return True
        self.state.newest = next_link(page) or self.state.newest
        return False


def in_path(id_: str) -> str:
    """Return an id as a part of an address; it may have slashes in it."""
    return quote(id_, safe="")


def next_link(page: Mapping[str, Any]) -> str:
    """Return where the reading continues: after this page, or with the next changes."""
    return str(page.get("@odata.nextLink") or page.get("@odata.deltaLink") or "")


def fetched(client: GraphClient, uid: int, item: Mapping[str, Any]) -> FetchedMail | None:
    """Return a mail with its text; None when it is no longer there.

    One that the server has and cannot give has no text: it goes into quarantine.

    Args:
        client: the open session of the mailbox.
        uid: its number.
        item: the mail as Graph describes it.
    """
    try:
        raw = client.raw(f"/messages/{in_path(str(item['id']))}")
    except MissingError:
        return None
    return FetchedMail(
        uid=uid,
        flags=flags_of(item),
        received_at=received_at(item),
        size=len(raw),
        raw=without_attachments(raw),
    )


@dataclass(slots=True)
class Reading:
    """One reading of a folder, from a position to its present end.

    `name` is the folder's, `reset` says that it is another folder than the cursor's, and `last` is the highest number
    that was read.
    """

    pages: DeltaPages
    name: str
    query: ChangeQuery
    position: Position
    reset: bool
    last: int = 0
    _is_told: bool = False
    _is_relisted: bool = False

    def batches(self) -> Iterator[FolderChanges]:
        """Yield new mails and changed flags; the last batch has the link of the next reading."""
        state, is_first = self.pages.state, self.position.listing
        if state.newest and state.told == self.query.cursor.position:
            self.position = replace(self.position, link=state.newest)

        while True:
            page = self._page()
            yield from self._of_page(page, is_first=is_first)
            is_end = "@odata.nextLink" not in page
            is_listing = self.position.listing and not is_end
            self.position = replace(self.position, link=next_link(page), done=(), listing=is_listing)
            if is_end:
                break

        if self._is_told or is_first or self._is_relisted or self.reset:
            yield self._told()
        else:
            state.told, state.newest = self.query.cursor.position, self.position.link

    def _page(self) -> dict[str, Any]:
        """Return the page of the position; the first one of a new list when its link has expired."""
        try:
            return self.pages.page(self.position.link)
        except ExpiredError:
            if not self.position.link or self._is_relisted:
                raise
        self.pages.state.known.clear()
        self.position, self._is_relisted = replace(self.position, link="", done=()), True
        return self.pages.page("")

    def _of_page(self, page: Mapping[str, Any], *, is_first: bool) -> Iterator[FolderChanges]:
        """Yield what a page has of changed flags, and then of new mails.

        The flags of a mail that this process does not know are told before it is read: the ledger may know it.

        Args:
            page: the page.
            is_first: whether the folder is read for the first time, so that nothing can have changed.
        """
        state = self.pages.state
        items = {state.learn(item): item for item in self.pages.mails(page)}
        new = {uid: item for uid, item in items.items() if self._is_new(uid)}
        changed = {
            uid: flags_of(item)
            for uid, item in items.items()
            if (uid not in new or uid <= self.last) and self._may_have_changed(uid, item)
        }
        if changed and (self._is_relisted or not is_first):
            yield self._told(flags=changed)
        state.known.update(items.keys() - new.keys())
        for uids in chunks(new, max(1, self.query.batch)):
            yield from self._of_new({uid: new[uid] for uid in uids})

    def _is_new(self, uid: int) -> bool:
        """Whether a mail is to be read.

        Args:
            uid: its number. The ledger may know it, if this process does not.
        """
        if uid in self.pages.state.known or uid in self.position.done:
            return False
        return not self.position.passes_over(uid)

    def _may_have_changed(self, uid: int, item: Mapping[str, Any]) -> bool:
        """Whether the flags of a mail are told; in a list of all mails only those that may mean something.

        Args:
            uid: its number.
            item: the mail as Graph describes it.
        """
        return not self._is_relisted or bool(item.get("categories")) or uid in self.query.watched

    def _of_new(self, items: Mapping[int, Mapping[str, Any]]) -> Iterator[FolderChanges]:
        """Fetch mails, and yield them in portions of some MB.

        Args:
            items: the mails by number; those that are gone meanwhile are left out.
        """
        portion: list[FetchedMail] = []
        for uid, item in items.items():
            mail = fetched(self.pages.client, uid, item)
            if mail is None:
                continue
            if portion and sum(len(each.raw) for each in portion) + len(mail.raw) > PORTION:
                yield from self._of_portion(portion)
                portion = []
            portion.append(mail)
        yield from self._of_portion(portion)

    def _of_portion(self, mails: list[FetchedMail]) -> Iterator[FolderChanges]:
        """Yield a batch of new mails, which count as known once the next batch is asked for: then they are stored.

        Args:
            mails: at most PORTION bytes; none is no batch.
        """
        if not mails:
            return
        uids = [mail.uid for mail in mails]
        self.last = max(self.last, *uids)
        self.position = replace(self.position, done=(*self.position.done, *uids))
        yield self._told(new=tuple(mails))
        self.pages.state.known.update(uids)

    def _told(self, **found: Any) -> FolderChanges:
        """Return a batch with the cursor after it.

        Args:
            found: `new` mails, or changed `flags`; neither for the cursor alone.
        """
        state, self._is_told = self.pages.state, True
        state.told, state.newest = str(self.position), self.position.link
        cursor = SyncCursor(uidvalidity_of(state.id), self.last, position=state.told)
        return FolderChanges(folder=self.name, cursor=cursor, reset=self.reset, **found)
