"""Fetch mails from the selected folder.

Small ones whole, large ones without their attachments, none left out.
"""

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from followupd.adapters.imap.client import Client, decoded_name, uid_set
from followupd.adapters.imap.responses import Row, as_datetime, as_list, as_number
from followupd.adapters.imap.structure import (
    MAX_TEXT,
    MAX_TEXT_IN_ALL,
    BodyPart,
    UnsupportedStructureError,
    outline,
    reassemble,
)

#: bytes; up to this size fetching the whole mail takes less CPU than reading its structure (measured from 4
#: to 64 kB)
SMALL = 2**15
PORTION = 4 * 2**20  # bytes of mail held in memory at a time
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMail:
    """One mail as the mailbox returned it.

    `raw` is b"" when the server has the mail but cannot return it: a case for quarantine. The attachments of
    large mails are named in it by their MIME headers, without their bodies. `flags` are keywords and system
    flags as the server writes them, `size` is that of the whole mail in bytes, `labels` are Gmail's.
    """

    uid: int
    flags: frozenset[str]
    received_at: datetime
    size: int
    raw: bytes
    labels: frozenset[str] = frozenset()


def fetch_mails(client: Client, uids: Collection[int]) -> Iterator[tuple[FetchedMail, ...]]:
    """Fetch mails in portions of some MB, by ascending UID.

    Small mails are fetched whole. Of large ones the structure says which parts have text; where the structure
    is of no use, the first megabyte is fetched.

    Args:
        client: a connection with a selected folder.
        uids: the mails to fetch; those that no longer exist are left out.

    Yields:
        Some mails, at most PORTION bytes together.
    """
    labels = " X-GM-LABELS" if client.has_capability("X-GM-EXT-1") else ""
    rows = _fetch_rows(client, uids, f"(FLAGS INTERNALDATE RFC822.SIZE{labels})")
    for uid in _existing(client, set(uids) - set(rows)):
        rows[uid] = {}

    sizes = {uid: as_number(rows[uid].get(b"RFC822.SIZE")) for uid in sorted(rows)}
    for portion in _portions(sizes):
        raws = _fetch_raws(client, portion)
        yield tuple(_mail(uid, rows[uid], raws[uid]) for uid in portion if uid in raws)


def _mail(uid: int, row: Row, raw: bytes) -> FetchedMail:
    """Return the mail that the two FETCH responses describe."""
    return FetchedMail(
        uid=uid,
        flags=flags_of(row),
        received_at=as_datetime(row.get(b"INTERNALDATE")) or _claimed_date(raw),
        size=as_number(row.get(b"RFC822.SIZE")) or len(raw),
        raw=raw,
        labels=labels_of(row),
    )


def flags_of(row: Row) -> frozenset[str]:
    """Return flags and keywords as text, without Recent, which is about our session."""
    flags = (flag for flag in as_list(row.get(b"FLAGS")) if flag != b"\\Recent")
    return frozenset(flag.decode("utf-8", "replace") for flag in flags)


def labels_of(row: Row) -> frozenset[str]:
    """Return Gmail's labels; empty elsewhere."""
    return frozenset(decoded_name(label) for label in as_list(row.get(b"X-GM-LABELS")))


def _claimed_date(raw: bytes) -> datetime:
    """Return the date that the sender claims, in UTC; LONG_AGO when there is none.

    Only a server that violates the protocol sends no INTERNALDATE.
    """
    with contextlib.suppress(ValueError, TypeError):
        date = parsedate_to_datetime(str(message_from_bytes(raw[:MAX_TEXT])["Date"]))
        return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
    return LONG_AGO


def _portions(sizes: Mapping[int, int]) -> Iterator[dict[int, int]]:
    """Split mails into groups of which at most PORTION bytes are fetched.

    Args:
        sizes: bytes of each mail, by UID.
    """
    portion: dict[int, int] = {}
    total = 0
    for uid, size in sizes.items():
        fetched_size = min(size, MAX_TEXT_IN_ALL)
        if portion and total + fetched_size > PORTION:
            yield portion
            portion = {}
            total = 0
        portion[uid] = size
        total += fetched_size
    if portion:
        yield portion


def _fetch_raws(client: Client, sizes: Mapping[int, int]) -> dict[int, bytes]:
    """Return the mails' bytes by UID.

    A mail that exists but cannot be fetched, in whole or in part, is returned as b"".
    """
    small = [uid for uid, size in sizes.items() if 0 < size <= SMALL]
    large = {uid: size for uid, size in sizes.items() if size > SMALL}

    raws = _bodies(_fetch_rows(client, small, "(BODY.PEEK[])"))
    raws |= _fetch_by_structure(client, large)
    for uid in _existing(client, sizes.keys() - raws.keys()):
        beginning = _fetch_rows(client, [uid], f"(BODY.PEEK[]<0.{MAX_TEXT}>)")
        raws[uid] = _bodies(beginning).get(uid, b"")
    return raws


def _bodies(rows: Mapping[int, Row]) -> dict[int, bytes]:
    """Return the whole mails in FETCH responses, by UID."""
    bodies = {}
    for uid, row in rows.items():
        body = row.get(b"BODY[]")
        if isinstance(body, bytes):
            bodies[uid] = body
    return bodies


def _fetch_by_structure(client: Client, sizes: Mapping[int, int]) -> dict[int, bytes]:
    """Fetch the relevant parts of large mails; mails with the same sections share one command.

    Args:
        client: a connection with a selected folder.
        sizes: bytes of each mail, by UID.

    Returns:
        The reassembled mails by UID, without those whose structure cannot be used.
    """
    groups: defaultdict[str, dict[int, BodyPart]] = defaultdict(dict)
    for uid, row in _fetch_rows(client, sizes, "(BODYSTRUCTURE)").items():
        with contextlib.suppress(UnsupportedStructureError):
            part = outline(row.get(b"BODYSTRUCTURE"))
            items = " ".join(f"BODY.PEEK[{section}]<0.{most}>" for section, most in part.sections)
            groups[items][uid] = part

    raws: dict[int, bytes] = {}
    for items, parts in groups.items():
        for uid, row in _fetch_rows(client, parts, f"({items})").items():
            with contextlib.suppress(UnsupportedStructureError):
                raws[uid] = reassemble(parts[uid], row, sizes[uid])
    return raws


def _existing(client: Client, uids: Collection[int]) -> list[int]:
    """Return those mails that exist, though the server did not return them."""
    if not uids:
        return []
    return client.search_uids(f"UID {uid_set(uids).decode('ascii')}")[0]


def _fetch_rows(client: Client, uids: Collection[int], items: str) -> dict[int, Row]:
    """Fetch data items.

    When the command is refused (NO, BAD), nothing is returned, and each mail is asked for alone later.
    """
    try:
        return client.fetch_rows(uids, items)
    except IMAPClientAbortError:
        raise
    except IMAPClientError:
        return {}
