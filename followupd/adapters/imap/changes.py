"""Find what changed in a selected folder since a cursor.

New mails are found by their UIDs, changed flags by MODSEQ or by polling a few mails.

The cursor is the UID with its UIDVALIDITY, never UNSEEN and never a sequence number. MODSEQ advances only
with the last batch, to the value of the one search from which all batches come: what changes meanwhile is
found by the next search.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from typing import Literal, TypeAlias

from followupd.adapters.imap.client import Client
from followupd.adapters.imap.fetch import FetchedMail, fetch_mails, flags_of, labels_of
from followupd.adapters.imap.responses import as_datetime

#: "*" would match the last mail even when it was read already (RFC 9051, section 6.4.8)
LAST_UID = 2**32 - 1
#: mails whose flags or dates one command asks for; a command line should stay below 8 kB (RFC 7162)
MAILS_PER_COMMAND = 500
#: atoms that every server parses in the same way (RFC 9051, section 9)
KEYWORD = re.compile(r"\\?[A-Za-z0-9$_.+:/=&-]{1,60}")
#: the system flag that an admin may use as a tag; it is searched for by a name of its own
FLAGGED = "\\Flagged"
#: IMAP's names of the months, which do not depend on the locale
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Since: TypeAlias = "Literal['now', 'all'] | date | datetime"


@dataclass(frozen=True, slots=True)
class SyncCursor:
    """How far a folder was read; `modseq` is 0 where the server counts no changes (RFC 7162).

    `position` is a text of Microsoft Graph's door, "" over IMAP.
    """

    uidvalidity: int
    uid: int
    modseq: int = 0
    position: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderChanges:
    """New mails and changed flags, to be stored in one transaction with `cursor`.

    `flags` are the present flags (at Gmail also labels) of mails up to the cursor whose flags changed; such a
    mail need not be known. `reset` says that the folder's UIDs are new and that everything is read again. `left` is
    the number of new mails after these, as far as it is known.
    """

    folder: str
    cursor: SyncCursor
    new: tuple[FetchedMail, ...] = ()
    flags: Mapping[int, frozenset[str]] = field(default_factory=dict)
    reset: bool = False
    left: int = field(default=0, compare=False)


@dataclass(slots=True)
class SelectedFolder:
    """The selected folder as the server described it.

    `last_seen` are the flags that were reported already.
    """

    folder: str
    uidvalidity: int
    next_uid: int
    mails: int
    modseq: int
    permanent: frozenset[str]
    read_only: bool
    #: whether it is to be compared with what was read over an earlier connection
    fresh: bool = True
    last_seen: dict[int, frozenset[str]] = field(default_factory=dict)

    def accepts(self, keyword: str) -> bool:
        """Whether the folder keeps this flag.

        A server may silently drop one that is not in PERMANENTFLAGS (RFC 9051, section 7.1).
        """
        if self.read_only:
            return False
        permanent = set(map(str.casefold, self.permanent))
        return "\\*" in permanent or keyword.casefold() in permanent


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """What to look for; the fields are the arguments of `ImapMailbox.changes`."""

    cursor: SyncCursor
    watched: Collection[int] = ()
    keywords: Collection[str] = ()
    since: datetime | None = None
    batch: int = 200
    received_at: Mapping[int, datetime] = field(default_factory=dict)


def initial_cursor(client: Client, selected: SelectedFolder, since: Since) -> tuple[SyncCursor, int]:
    """Return the cursor for the first reading of a folder, and how many mails are before it.

    Args:
        client: a connection with the folder selected.
        selected: the folder.
        since: "all", "now", a date or a moment. A date means its midnight in UTC. The time zone of the
            server's days is unknown, so the server is asked for a day more, and the mails' own times decide.
    """
    if since == "all" or not selected.mails:
        last = 0
    elif isinstance(since, date):
        last = _last_uid_before(client, selected, since)
    else:
        last = selected.next_uid - 1

    skipped = 0
    if last:
        skipped = sum(uid <= last for uid in client.search_uids("ALL")[0])
    return SyncCursor(selected.uidvalidity, last, selected.modseq), skipped


def _last_uid_before(client: Client, selected: SelectedFolder, since: date) -> int:
    """Return the UID of the last mail that was received before this date or moment.

    A date means its midnight in UTC.
    """
    begin = since if isinstance(since, datetime) else datetime.combine(since, time(), UTC)
    candidates, _ = client.search_uids("SINCE " + day_before(begin))
    for uids in chunks(candidates, MAILS_PER_COMMAND):
        for uid, row in sorted(client.fetch_rows(uids, "(INTERNALDATE)").items()):
            arrived = as_datetime(row.get(b"INTERNALDATE"))
            if arrived is None or arrived >= begin:
                return uid - 1
    return selected.next_uid - 1


def day_before(moment: datetime) -> str:
    """Return the day before this moment as SEARCH writes it ("5-Dec-2026")."""
    day = moment.astimezone(UTC) - timedelta(days=1)
    return f"{day.day}-{MONTHS[day.month - 1]}-{day.year:04d}"


def find_changes(client: Client, selected: SelectedFolder, query: ChangeQuery) -> Iterator[FolderChanges]:
    """Yield what came after the cursor; nothing when all is known.

    Args:
        client: a connection with the folder selected.
        selected: the folder.
        query: the cursor, and what to look for.

    Yields:
        Batches of at most `query.batch` mails and a few MB. Only the last one advances MODSEQ.
    """
    reset = selected.uidvalidity != query.cursor.uidvalidity or _was_put_back(client, selected, query)
    start = SyncCursor(selected.uidvalidity, 0) if reset else query.cursor
    has_modseq = bool(selected.modseq and start.modseq)
    uids, modseq = _search(client, start, has_modseq=has_modseq)

    reported = query.cursor
    current = start
    new_uids = [uid for uid in uids if uid > start.uid]
    since = query.since if reset else None
    for mails in _fetch_new(client, start.uidvalidity, new_uids, since, query.batch):
        reported = current = replace(start, uid=mails[-1].uid)
        left = sum(uid > current.uid for uid in new_uids)
        yield FolderChanges(folder=selected.folder, cursor=current, new=mails, reset=reset, left=left)

    if has_modseq:
        changed = [uid for uid in uids if uid <= start.uid]
    else:
        changed = _uids_to_poll(client, selected, start, query)
    for flags in _fetch_flags(client, selected, changed, only_differences=not has_modseq):
        reported = current
        yield FolderChanges(folder=selected.folder, cursor=current, flags=flags, reset=reset)

    last_modseq = max(start.modseq, modseq) if has_modseq else selected.modseq
    end = SyncCursor(start.uidvalidity, max([start.uid, *uids]), last_modseq)
    if end != reported:
        yield FolderChanges(folder=selected.folder, cursor=end, reset=reset)


def _was_put_back(client: Client, selected: SelectedFolder, query: ChangeQuery) -> bool:
    """Whether the folder is an older copy of the one that was read, such as one from a backup.

    Its server assigns the same UIDs again, without a new UIDVALIDITY. Then UIDNEXT or HIGHESTMODSEQ is lower than
    what was read; or, once enough mails have come, some UIDs are those of other mails.

    Args:
        client: a connection with the folder selected.
        selected: the folder; compared once for each time that it is selected.
        query: the cursor, and when the last known mails were received.
    """
    if not selected.fresh:
        return False

    selected.fresh = False
    cursor = query.cursor
    if 0 < selected.next_uid <= cursor.uid or 0 < selected.modseq < cursor.modseq:
        return True

    rows = client.fetch_rows(sorted(query.received_at), "(INTERNALDATE)")
    for uid, row in rows.items():
        arrived = as_datetime(row.get(b"INTERNALDATE"))
        if uid in query.received_at and arrived and arrived != query.received_at[uid]:
            return True
    return False


def _search(client: Client, start: SyncCursor, *, has_modseq: bool) -> tuple[list[int], int]:
    """Return the UIDs of new mails, with MODSEQ also of changed ones, and the highest MODSEQ among them.

    Args:
        client: a connection with the folder selected.
        start: how far the folder was read. A server may answer a range after the last mail with that mail,
            so that the UIDs can begin with one that is known.
        has_modseq: whether the server counts changes, and the cursor has the count.

    Returns:
        Ascending UIDs; 0 as the highest MODSEQ where changes are not counted or there are none.
    """
    later = f"UID {start.uid + 1}:{LAST_UID}"
    if has_modseq:
        return client.search_uids(f"OR {later} MODSEQ {start.modseq + 1}")
    return client.search_uids(later)


def _fetch_new(
    client: Client, uidvalidity: int, uids: list[int], since: datetime | None, batch: int
) -> Iterator[tuple[FetchedMail, ...]]:
    """Fetch the new mails.

    While a chunk is being fetched, `client.in_flight` names it: if the connection ends, one of these mails
    may be the reason.

    Args:
        client: a connection with the folder selected.
        uidvalidity: that of the folder.
        uids: the new mails, ascending.
        since: after a reset, mails received before this are skipped, as in the first reading.
        batch: the most mails at a time.
    """
    if since:
        recent = set(client.search_uids("SINCE " + day_before(since))[0])
        uids = [uid for uid in uids if uid in recent]

    for chunk in chunks(uids, batch):
        client.in_flight = (uidvalidity, *chunk)
        for portion in fetch_mails(client, chunk):
            client.in_flight = ()
            mails = tuple(mail for mail in portion if since is None or mail.received_at >= since)
            if mails:
                yield mails
            client.in_flight = (uidvalidity, *chunk)
        client.in_flight = ()


def _uids_to_poll(
    client: Client, selected: SelectedFolder, cursor: SyncCursor, query: ChangeQuery
) -> list[int]:
    """Choose the mails whose flags are read where there is no MODSEQ.

    These are the mails of open cases, those with one of our keywords, and those that were reported before.
    """
    chosen = {*query.watched, *selected.last_seen}
    for keyword in _existing_keywords(client, query.keywords):
        wanted = "FLAGGED" if keyword == FLAGGED else f"KEYWORD {keyword}"
        chosen.update(client.search_uids(wanted)[0])
    return sorted(uid for uid in chosen if uid <= cursor.uid)


def _existing_keywords(client: Client, keywords: Collection[str]) -> list[str]:
    """Resolve patterns ("refund-*") to the keywords that this folder has.

    Keywords without "*" are returned as they are, if a server can have them.

    Returns:
        Keywords as the server writes them, sorted. No pattern finds a system flag such as Seen.
    """
    patterns = [keyword.casefold() for keyword in keywords if "*" in keyword]
    exact = {keyword for keyword in keywords if "*" not in keyword}
    matching = {
        flag
        for flag in client.keywords()
        if any(fnmatchcase(flag.casefold(), pattern) for pattern in patterns)
    }
    found = filter(KEYWORD.fullmatch, exact | matching)
    return sorted(flag for flag in found if flag in exact or not flag.startswith("\\"))


def _fetch_flags(
    client: Client, selected: SelectedFolder, uids: list[int], *, only_differences: bool
) -> Iterator[dict[int, frozenset[str]]]:
    """Fetch flags, a few hundred mails at a time.

    Args:
        client: a connection with the folder selected.
        selected: the folder, which remembers the flags that were reported.
        uids: whose flags to fetch.
        only_differences: yield only flags that differ from the last time.
    """
    items = "(FLAGS X-GM-LABELS)" if client.has_capability("X-GM-EXT-1") else "(FLAGS)"
    for chunk in chunks(uids, MAILS_PER_COMMAND):
        rows = client.fetch_rows(chunk, items)
        present = {}
        for uid, row in sorted(rows.items()):
            if b"FLAGS" in row:
                present[uid] = flags_of(row) | labels_of(row)

        if only_differences:
            present = {uid: flags for uid, flags in present.items() if selected.last_seen.get(uid) != flags}
            selected.last_seen |= present
        if present:
            yield present


def chunks(uids: Collection[int], size: int) -> Iterator[list[int]]:
    """Split UIDs into lists of at most `size`."""
    rest = iter(uids)
    while chunk := list(islice(rest, size)):
        yield chunk
