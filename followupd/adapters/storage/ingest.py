"""Store batches of fetched mails in few statements: each mail once, each of its locations once."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update
from sqlmodel import col

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.database import adapter_of, encrypt_value, insert_all, place
from followupd.adapters.storage.tables import LocationRow, MailRow
from followupd.domain.mail import IncomingMail, Kind, MailLocation, MailState, Message, StoreResult

#: the tag of a mail that could not be parsed, or that claims to be what it is not
QUARANTINE_TAG = "fu-quarantine"
#: values in one IN (...): SQLite allows 32,766, but one plan for many is slower than several for fewer
_MAX_VALUES = 500

_WORD = re.compile(r"[^\W\d_]+")
#: a table for `str.translate`: letters stay, the rest becomes a blank
_ASCII_LETTERS = "".join(letter if letter.isalpha() else " " for letter in map(chr, range(128)))
#: a text with fewer words is no sign of a robot
_MIN_ECHO_WORDS = 8

# Ids only grow, so the new mails are those with an id above the last one; they need not be named again.
_SELECT_LAST_ID = select(func.max(col(MailRow.id)))
_SELECT_NEW_IDS = select(col(MailRow.fingerprint), col(MailRow.id)).where(
    col(MailRow.id) > bindparam("last_id")
)

#: mailbox, folder, UIDVALIDITY, UID
LocationKey = tuple[str, str, int, int]
_FOLDER_COLUMNS = ("mailbox", "folder", "uidvalidity")
_SELECT_UIDS = select(col(LocationRow.uid)).where(
    col(LocationRow.mailbox) == bindparam("mailbox"),
    col(LocationRow.folder) == bindparam("folder"),
    col(LocationRow.uidvalidity) == bindparam("uidvalidity"),
)
_SELECT_UID_RANGE = _SELECT_UIDS.where(col(LocationRow.uid).between(bindparam("first"), bindparam("last")))


@dataclass(slots=True)
class _KnownLocation:
    """What is stored of one location of a mail: agents' tags, and the status tags that it should have."""

    tags: str
    wants: str = ""
    gone: bool = False


#: the known locations of a mail
_Locations = dict[LocationKey, _KnownLocation]


def store_all(
    connection: Connection, vault: Vault, incoming: Sequence[IncomingMail], now: datetime
) -> list[StoreResult]:
    """Store the mails that are not stored yet, and the locations of all of them.

    Core statements instead of the ORM: 0.15 ms for a mail instead of 1.7 (benchmarks/intake.py), and one
    connection may bring ten thousand.

    Args:
        connection: the transaction's.
        vault: encrypts the mails.
        incoming: the mails, in the order in which they are to be processed.
        now: the time to store.

    Returns:
        For each mail its id, the tags that it had in no location before, and whether its folder is new for
        it.
    """
    mail_ids = _known_ids(connection, {mail.fingerprint for mail in incoming})
    known = _known_locations(connection, mail_ids.values())
    mail_ids |= _insert_mails(connection, vault, incoming, mail_ids, now)

    new_locations: dict[LocationKey, dict[str, Any]] = {}
    results = []
    for mail in incoming:
        mail_id = mail_ids[mail.fingerprint]
        locations = known[mail_id]
        results.append(_result(mail, mail_id, locations))

        key, tags = _key(mail.place), " ".join(sorted(mail.tags))
        location = locations.get(key)
        if location is None:
            new_locations[key] = _location_row(mail, mail_id, locations)
            locations[key] = _KnownLocation(tags)
        else:
            # The mail was read again, with other tags, or it came back: Graph then gives it its old number.
            if location.gone or location.tags != tags:
                _update_location(connection, key, {"tags": tags, "gone": False})
            location.tags, location.gone = tags, False

    _write_locations(connection, new_locations)
    return results


def _result(mail: IncomingMail, mail_id: int, locations: _Locations) -> StoreResult:
    """Compare a mail with its known locations.

    Args:
        mail: as it was just read from a folder, with the tags that it has there.
        mail_id: its number in the ledger.
        locations: where it was seen before, those that it has left included.
    """
    known_tags = {tag for location in locations.values() for tag in location.tags.split()}
    known = [at.gone for (_, folder, _, _), at in locations.items() if folder == mail.place.folder]
    return StoreResult(mail_id, mail.tags - known_tags, not known, returned=bool(known) and all(known))


# mails


def _known_ids(connection: Connection, fingerprints: Iterable[str]) -> dict[str, int]:
    """Return the ids of the mails that are stored already, by fingerprint."""
    query = select(col(MailRow.fingerprint), col(MailRow.id))
    found: dict[str, int] = {}
    for chunk in _chunks(sorted(fingerprints)):
        found |= _ids(connection.execute(query.where(col(MailRow.fingerprint).in_(chunk))))
    return found


def _insert_mails(
    connection: Connection,
    vault: Vault,
    incoming: Sequence[IncomingMail],
    known_ids: dict[str, int],
    now: datetime,
) -> dict[str, int]:
    """Insert the mails that are not stored yet, in their order; return their ids by fingerprint.

    Args:
        connection: to the database.
        vault: encrypts what is stored.
        incoming: the mails.
        known_ids: Message-IDs that are stored already.
        now: the present moment, in UTC.
    """
    new: dict[str, IncomingMail] = {}
    for mail in incoming:
        if mail.fingerprint not in known_ids:
            new.setdefault(mail.fingerprint, mail)
    if not new:
        return {}

    last_id = connection.execute(_SELECT_LAST_ID).scalar() or 0
    insert_all(connection, MailRow, [_mail_row(mail, vault, now) for mail in new.values()])
    return _ids(connection.execute(_SELECT_NEW_IDS, {"last_id": last_id}))


def _ids(rows: Iterable[Any]) -> dict[str, int]:
    return {fingerprint: mail_id for fingerprint, mail_id in rows if mail_id is not None}


def _mail_row(mail: IncomingMail, vault: Vault, now: datetime) -> dict[str, Any]:
    """Return the columns of a new mail; one that could not be parsed goes into quarantine."""
    message = mail.message or Message(kind=Kind.CUSTOMER, because=mail.reason)
    state = MailState.UNPROCESSED if mail.message else MailState.QUARANTINED
    raw = None
    if mail.raw is not None:
        raw = vault.encrypt(mail.raw, place("mail", mail.fingerprint, column="raw"))
    return {
        "fingerprint": mail.fingerprint,
        "mailbox": mail.place.mailbox,
        "message_id": message.message_id,
        "echo": echo_of(message.text, vault),
        "sender_address": message.sender.address.lower(),
        "kind": message.kind.value,
        "in_sent": mail.in_sent,
        "state": state.value,
        "reason": mail.reason,
        "kept_at": now,
        "received_at": mail.received_at,
        "sealed": encrypt_value(vault, adapter_of(Message), message, place("mail", mail.fingerprint)),
        "raw": raw,
    }


def echo_of(text: str, vault: Vault) -> str:
    """Return a keyed hash that is the same for texts that differ only in numbers, punctuation and blanks.

    Robots repeat themselves so (docs/mail.md, "Loops"). A text of a few words has "": people repeat those.
    """
    words = _words(text[:2_000].casefold())
    return vault.fingerprint(" ".join(words)) if len(words) >= _MIN_ECHO_WORDS else ""


def _words(text: str) -> list[str]:
    """Return the words of a text; most texts are ASCII, for which it costs a tenth."""
    if text.isascii():
        return text.translate(_ASCII_LETTERS).split()
    return _WORD.findall(text)


# locations


def _known_locations(connection: Connection, mail_ids: Iterable[int]) -> dict[int, _Locations]:
    """Return the stored locations of these mails, by id."""
    columns: list[Any] = [
        col(LocationRow.mail_id),
        col(LocationRow.mailbox),
        col(LocationRow.folder),
        col(LocationRow.uidvalidity),
        col(LocationRow.uid),
        col(LocationRow.tags),
        col(LocationRow.wants),
        col(LocationRow.gone),
    ]
    found: dict[int, _Locations] = defaultdict(dict)
    for chunk in _chunks(sorted(set(mail_ids))):
        for row in connection.execute(select(*columns).where(col(LocationRow.mail_id).in_(chunk))):
            mail_id, mailbox, folder, uidvalidity, uid, tags, wants, gone = row
            found[mail_id][mailbox, folder, uidvalidity, uid] = _KnownLocation(tags, wants, gone)
    return found


def _location_row(mail: IncomingMail, mail_id: int, locations: _Locations) -> dict[str, Any]:
    """Return a new location's columns.

    A mail that was moved, or has a new UID, should have the status tags that it should have where it was
    before.
    """
    wants = next((location.wants for location in locations.values()), "")
    if mail.message is None:
        wants = QUARANTINE_TAG
    return {
        "mailbox": mail.place.mailbox,
        "folder": mail.place.folder,
        "uidvalidity": mail.place.uidvalidity,
        "uid": mail.place.uid,
        "mail_id": mail_id,
        "tags": " ".join(sorted(mail.tags)),
        "wants": wants,
        "marks": "",
        "unmarked": bool(wants),
        "gone": False,
    }


def _write_locations(connection: Connection, rows: dict[LocationKey, dict[str, Any]]) -> None:
    """Insert locations, or update one that another mail had.

    A server that assigns UIDs again without changing UIDVALIDITY puts another mail there.
    """
    occupied = _occupied(connection, rows)
    for key in occupied:
        _update_location(connection, key, rows[key])

    free = [row for key, row in rows.items() if key not in occupied]
    if free:
        insert_all(connection, LocationRow, free)


def _update_location(connection: Connection, key: LocationKey, values: dict[str, Any]) -> None:
    """Change the columns of the place of a mail in a folder."""
    mailbox, folder, uidvalidity, uid = key
    statement = update(LocationRow).where(
        col(LocationRow.mailbox) == mailbox,
        col(LocationRow.folder) == folder,
        col(LocationRow.uidvalidity) == uidvalidity,
        col(LocationRow.uid) == uid,
    )
    connection.execute(statement.values(**values))


def _occupied(connection: Connection, keys: Iterable[LocationKey]) -> set[LocationKey]:
    """Return those of these locations that are stored already; one query for each folder, for the index."""
    wanted = set(keys)
    found: set[LocationKey] = set()
    for folder_key, in_folder in groupby(sorted(wanted), key=itemgetter(0, 1, 2)):
        folder = dict(zip(_FOLDER_COLUMNS, folder_key, strict=True))
        for uids in _chunks([uid for *_, uid in in_folder]):
            found |= {(*folder_key, uid) for uid in _stored_uids(connection, folder, uids)}
    return found & wanted


def _stored_uids(connection: Connection, folder: dict[str, str | int], uids: Sequence[int]) -> Iterable[int]:
    """Return the stored UIDs among these, and perhaps some between them.

    Args:
        connection: the transaction's.
        folder: mailbox, folder and UIDVALIDITY.
        uids: ascending.
    """
    first, last = uids[0], uids[-1]
    is_dense = last - first < 2 * len(uids)
    if is_dense:  # as new mails are: a range costs less than a list
        return connection.execute(_SELECT_UID_RANGE, {**folder, "first": first, "last": last}).scalars()
    return connection.execute(_SELECT_UIDS.where(col(LocationRow.uid).in_(uids)), folder).scalars()


def _key(place: MailLocation) -> LocationKey:
    return place.mailbox, place.folder, place.uidvalidity, place.uid


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the values in parts that one statement can take."""
    for start in range(0, len(values), _MAX_VALUES):
        yield values[start : start + _MAX_VALUES]
