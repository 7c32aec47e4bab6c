"""What is new in a selected folder since a cursor: mails by their UIDs, flags by MODSEQ or by a sweep of a few mails.

The cursor is the UID with its UIDVALIDITY, never UNSEEN and never a sequence number. MODSEQ moves only with the last batch,
to the value of the one search that all batches came from: whatever changes meanwhile is found by the next.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from typing import Literal, TypeAlias

from followupd.adapters.imap.client import Client
from followupd.adapters.imap.fetch import FetchedMail, fetched, flags_of, labels_of
from followupd.adapters.imap.responses import moment

LAST_UID = 2**32 - 1  # "*" would name the last mail, even one that was read already (RFC 9051, 6.4.8)
AT_ONCE = (
    500  # mails whose flags or dates go through one command, whose line should keep below 8 kB (RFC 7162, 4)
)
KEYWORD = re.compile(
    r"\\?[A-Za-z0-9$_.+:/=&-]{1,60}"
)  # atoms that every server reads alike (RFC 9051, section 9)
MONTHS = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)  # not the locale's
Since: TypeAlias = "Literal['now', 'all'] | date | datetime"


@dataclass(frozen=True, slots=True)
class SyncCursor:
    """How far a folder was read; `modseq` is 0 where the server counts no changes (RFC 7162)."""

    uidvalidity: int
    uid: int
    modseq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderChanges:
    """Mails to keep together with `cursor`, in one transaction.

    `flags` are the present flags (on Gmail also labels) of mails up to the cursor whose flags changed; a mail among
    them need not be known. `reset` says that the folder's UIDs are new and that all is read anew.
    """

    folder: str
    cursor: SyncCursor
    new: tuple[FetchedMail, ...] = ()
    flags: Mapping[int, frozenset[str]] = field(default_factory=dict)
    reset: bool = False


@dataclass(slots=True)
class Selected:
    """The folder that the connection has open, as SELECT told; `last_seen` are flags already handed on."""

    folder: str
    uidvalidity: int
    next_uid: int
    mails: int
    modseq: int
    permanent: frozenset[str]
    read_only: bool
    last_seen: dict[int, frozenset[str]] = field(default_factory=dict)

    def takes(self, keyword: str) -> bool:
        """Say whether the folder keeps this flag; a server may drop one in silence (RFC 9051, 7.1: PERMANENTFLAGS)."""
        known = {flag.casefold() for flag in self.permanent}
        return not self.read_only and ("\\*" in known or keyword.casefold() in known)


def initial_cursor(client: Client, selected: Selected, since: Since) -> tuple[SyncCursor, int]:
    """Return where a first reading begins, and how many mails lie before it.

    A date counts from its midnight UTC. The server's day has an unknown time zone, so it is asked a day earlier and
    the mails' own times decide.
    """
    if since == "all" or not selected.mails:
        last = 0
    elif isinstance(since, date):
        last = _last_before(client, selected, since)
    else:
        last = selected.next_uid - 1
    passed_over = len([uid for uid in client.search_uids("ALL")[0] if uid <= last]) if last else 0
    return SyncCursor(selected.uidvalidity, last, selected.modseq), passed_over


def _last_before(client: Client, selected: Selected, since: date) -> int:
    begin = since if isinstance(since, datetime) else datetime.combine(since, time(), UTC)
    candidates, _ = client.search_uids("SINCE " + _imap_date(begin))
    for uids in _chunks(candidates, AT_ONCE):
        for uid, row in sorted(client.fetch_rows(uids, "(INTERNALDATE)").items()):
            arrived = moment(row.get(b"INTERNALDATE"))
            if arrived is None or arrived >= begin:
                return uid - 1
    return selected.next_uid - 1


def _imap_date(moment: datetime) -> str:
    day = moment.astimezone(UTC) - timedelta(days=1)
    return f"{day.day}-{MONTHS[day.month - 1]}-{day.year:04d}"


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """What to look for: see `Mailbox.changes`."""

    cursor: SyncCursor
    watched: Collection[int] = ()
    keywords: Collection[str] = ()
    since: datetime | None = None
    batch: int = 200


def changes(client: Client, selected: Selected, look: ChangeQuery) -> Iterator[FolderChanges]:
    """Yield what came after the cursor, in batches of at most `batch` mails and a few MB each; nothing when all is old."""
    cursor = look.cursor
    reset = selected.uidvalidity != cursor.uidvalidity
    kept = SyncCursor(selected.uidvalidity, 0) if reset else cursor
    counted = bool(selected.modseq and kept.modseq)
    later = f"UID {kept.uid + 1}:{LAST_UID}"
    found, modseq = client.search_uids(f"OR {later} MODSEQ {kept.modseq + 1}" if counted else later)
    said, read = cursor, kept
    for part in _new(
        client,
        kept.uidvalidity,
        [uid for uid in found if uid > kept.uid],
        look.since if reset else None,
        look.batch,
    ):
        said = read = replace(kept, uid=part[-1].uid)
        yield FolderChanges(folder=selected.folder, cursor=read, new=part, reset=reset)
    changed = [uid for uid in found if uid <= kept.uid] if counted else _swept(client, selected, kept, look)
    for flags in _flags(client, selected, changed, only_news=not counted):
        said = read
        yield FolderChanges(folder=selected.folder, cursor=read, flags=flags, reset=reset)
    end = SyncCursor(
        kept.uidvalidity, max([kept.uid, *found]), max(kept.modseq, modseq) if counted else selected.modseq
    )
    if end != said:
        yield FolderChanges(folder=selected.folder, cursor=end, reset=reset)


def _new(
    client: Client, uidvalidity: int, uids: list[int], since: datetime | None, batch: int
) -> Iterator[tuple[FetchedMail, ...]]:
    """Fetch the new mails. After a reset those that came before `since` are passed over, as on the first day."""
    if since:
        recent = set(client.search_uids("SINCE " + _imap_date(since))[0])
        uids = [uid for uid in uids if uid in recent]
    for chunk in _chunks(uids, batch):
        client.in_hand = (uidvalidity, *chunk)
        for portion in fetched(client, chunk):
            client.in_hand = ()
            if part := tuple(mail for mail in portion if since is None or mail.received_at >= since):
                yield part
            client.in_hand = (uidvalidity, *chunk)
        client.in_hand = ()


def _swept(client: Client, selected: Selected, cursor: SyncCursor, look: ChangeQuery) -> list[int]:
    """Choose whose flags to look at where no MODSEQ says it: open cases' mails, and mails that carry a keyword of ours."""
    chosen = {*look.watched, *selected.last_seen}
    for keyword in _present(client, look.keywords):
        chosen.update(client.search_uids(f"KEYWORD {keyword}")[0])
    return sorted(uid for uid in chosen if uid <= cursor.uid)


def _present(client: Client, keywords: Collection[str]) -> list[str]:
    """Resolve patterns ("refund-*") against the keywords that this folder has."""
    exact = {keyword for keyword in keywords if "*" not in keyword and KEYWORD.fullmatch(keyword)}
    patterns = [keyword.casefold() for keyword in keywords if "*" in keyword]
    present = (flag for flag in client.keywords() if KEYWORD.fullmatch(flag) and not flag.startswith("\\"))
    return sorted(
        exact | {flag for flag in present if any(fnmatchcase(flag.casefold(), p) for p in patterns)}
    )


def _flags(
    client: Client, selected: Selected, uids: list[int], *, only_news: bool
) -> Iterator[dict[int, frozenset[str]]]:
    items = "(FLAGS X-GM-LABELS)" if client.has_capability("X-GM-EXT-1") else "(FLAGS)"
    for chunk in _chunks(uids, AT_ONCE):
        rows = client.fetch_rows(chunk, items)
        present = {
            uid: flags_of(row) | labels_of(row) for uid, row in sorted(rows.items()) if b"FLAGS" in row
        }
        if only_news:
            present = {uid: flags for uid, flags in present.items() if selected.last_seen.get(uid) != flags}
            selected.last_seen |= present
        if present:
            yield present


def _chunks(uids: Collection[int], size: int) -> Iterator[list[int]]:
    rest = iter(uids)
    while chunk := list(islice(rest, size)):
        yield chunk
