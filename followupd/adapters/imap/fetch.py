"""Mails out of a selected folder, for reading: small ones whole, large ones without their attachments, none lost."""

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from followupd.adapters.imap.client import Client, readable, uid_set
from followupd.adapters.imap.responses import Row, moment, number, words
from followupd.adapters.imap.structure import (
    LARGEST_TEXT,
    MOST_TEXT,
    BodyPart,
    UnsupportedStructureError,
    outline,
    put_together,
)

SMALL = (
    2**15
)  # bytes; up to here the whole mail costs less CPU than a look at its structure (measured, 4 to 64 kB)
PORTION = 4 * 2**20  # bytes of mail held at a time
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMail:
    """One mail for reading. `raw` is b"" when the server holds the mail but cannot show it: a case for quarantine.

    `flags` are keywords and system flags as the server writes them, `size` is the whole mail's in bytes, `labels` are
    Gmail's. In `raw` large mails' attachments are named by their MIME headers, their bodies are left out.
    """

    uid: int
    flags: frozenset[str]
    received_at: datetime
    size: int
    raw: bytes
    labels: frozenset[str] = frozenset()


def fetched(client: Client, uids: Collection[int]) -> Iterator[tuple[FetchedMail, ...]]:
    """Fetch mails in portions of some MB, ascending; mails that are gone are left out."""
    labels = " X-GM-LABELS" if client.has_capability("X-GM-EXT-1") else ""
    about = _rows(client, uids, f"(FLAGS INTERNALDATE RFC822.SIZE{labels})")
    about |= {uid: {} for uid in _still_there(client, set(uids) - set(about))}
    for portion in _portions({uid: number(about[uid].get(b"RFC822.SIZE")) for uid in sorted(about)}):
        raws = _raws(client, portion)
        yield tuple(_fetched(uid, about[uid], raws[uid]) for uid in portion if uid in raws)


def _fetched(uid: int, row: Row, raw: bytes) -> FetchedMail:
    received_at = moment(row.get(b"INTERNALDATE")) or _dated(raw)
    size = number(row.get(b"RFC822.SIZE")) or len(raw)
    return FetchedMail(
        uid=uid, flags=flags_of(row), received_at=received_at, size=size, raw=raw, labels=labels_of(row)
    )


def flags_of(row: Row) -> frozenset[str]:
    """Return flags and keywords as text; "recent" is left out, which speaks of our session and not of the mail."""
    return frozenset(
        word.decode("utf-8", "replace") for word in words(row.get(b"FLAGS")) if word != b"\\Recent"
    )


def labels_of(row: Row) -> frozenset[str]:
    return frozenset(readable(word) for word in words(row.get(b"X-GM-LABELS")))


def _dated(raw: bytes) -> datetime:
    """Fall back on what the sender claims; every server that keeps to the protocol sends INTERNALDATE."""
    with contextlib.suppress(ValueError, TypeError):
        said = parsedate_to_datetime(str(message_from_bytes(raw[:LARGEST_TEXT])["Date"]))
        return said.replace(tzinfo=said.tzinfo or UTC).astimezone(UTC)
    return LONG_AGO


def _portions(sizes: Mapping[int, int]) -> Iterator[dict[int, int]]:
    portion: dict[int, int] = {}
    weight = 0
    for uid, size in sizes.items():
        weight += min(size, MOST_TEXT)
        if portion and weight > PORTION:
            yield portion
            portion, weight = {}, min(size, MOST_TEXT)
        portion[uid] = size
    if portion:
        yield portion


def _raws(client: Client, sizes: Mapping[int, int]) -> dict[int, bytes]:
    small = [uid for uid, size in sizes.items() if 0 < size <= SMALL]
    raws = _bodies(_rows(client, small, "(BODY.PEEK[])"))
    raws |= _texts(client, {uid: size for uid, size in sizes.items() if size > SMALL})
    for uid in _still_there(client, sizes.keys() - raws.keys()):
        raws[uid] = _bodies(_rows(client, [uid], f"(BODY.PEEK[]<0.{LARGEST_TEXT}>)")).get(uid, b"")
    return raws


def _bodies(found: Mapping[int, Row]) -> dict[int, bytes]:
    bodies = ((uid, row.get(b"BODY[]")) for uid, row in found.items())
    return {uid: body for uid, body in bodies if isinstance(body, bytes)}


def _texts(client: Client, sizes: Mapping[int, int]) -> dict[int, bytes]:
    """Read large mails by their structure; mails of the same shape share one command."""
    shapes: dict[str, dict[int, BodyPart]] = defaultdict(dict)
    for uid, row in _rows(client, sizes, "(BODYSTRUCTURE)").items():
        with contextlib.suppress(UnsupportedStructureError):
            part = outline(row.get(b"BODYSTRUCTURE"))
            shapes[" ".join(f"BODY.PEEK[{name}]<0.{most}>" for name, most in part.sections)][uid] = part
    raws: dict[int, bytes] = {}
    for items, alike in shapes.items():
        for uid, row in _rows(client, alike, f"({items})").items():
            with contextlib.suppress(UnsupportedStructureError):
                raws[uid] = put_together(alike[uid], row, sizes[uid])
    return raws


def _still_there(client: Client, uids: Collection[int]) -> list[int]:
    """Tell mails that the server could not show from those that are gone."""
    return client.search_uids(f"UID {uid_set(uids).decode('ascii')}")[0] if uids else []


def _rows(client: Client, uids: Collection[int], items: str) -> dict[int, Row]:
    """Fetch; a refusal ("NO", "BAD") leaves all out, and each is asked for by itself later."""
    try:
        return client.fetch_rows(uids, items)
    except IMAPClientAbortError:
        raise
    except IMAPClientError:
        return {}
