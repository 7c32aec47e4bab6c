"""Keeps a batch of mails with a handful of statements, however many there are: each mail once, each place once."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update
from sqlmodel import col

from followupd.adapters.crypto import Vault
from followupd.adapters.storage.rows import MESSAGE, insert_all, encrypt_value
from followupd.adapters.storage.tables import LocationRow, MailRow
from followupd.domain.mail import IncomingMail, Kind, MailLocation, MailState, Message, StoreResult

#: the tag on a mail that nobody could understand, or that claims to be what it is not
QUARANTINE_MARK = "fu-quarantine"
#: values in one IN (...): SQLite allows 32,766, and a plan for many is slower than two plans for fewer
_AT_ONCE = 500

_WORD = re.compile(r"[^\W\d_]+")
#: of ASCII the letters alone, the rest blank: the same words at a tenth of the price, and nearly all mail is ASCII
_LETTERS = "".join(letter if letter.isalpha() else " " for letter in map(chr, range(128)))
#: fewer words than this are no sign of a robot
_FEWEST_WORDS = 8

# Numbers only grow, so that the new mails are those behind the last one: asked so, they need not be named again.
_LAST = select(func.max(col(MailRow.id)))
_AFTER = select(col(MailRow.fingerprint), col(MailRow.id)).where(col(MailRow.id) > bindparam("last"))

_Place = tuple[str, str, int, int]
_WHERE = (
    col(LocationRow.mailbox),
    col(LocationRow.folder),
    col(LocationRow.uidvalidity),
    col(LocationRow.uid),
)
_NAMES = ("mailbox", "folder", "uidvalidity")
_IN_FOLDER = select(_WHERE[3]).where(
    *(each == bindparam(name) for each, name in zip(_WHERE, _NAMES, strict=False))
)
_BETWEEN = _IN_FOLDER.where(_WHERE[3].between(bindparam("first"), bindparam("last")))


def keep_all(
    connection: Connection, vault: Vault, arrivals: Sequence[IncomingMail], now: datetime
) -> list[StoreResult]:
    """Keep every arrival that is not kept yet; say of each which mail it is, and what about it is news.

    Core statements instead of the unit of work: 0.15 ms a mail against 1.7 (benchmarks/intake.py), and one connection
    may bring ten thousand mails.
    """
    ids = _known_mails(connection, {arrival.fingerprint for arrival in arrivals})
    before = _known_places(connection, ids.values())
    fresh: dict[str, IncomingMail] = {}
    for arrival in arrivals:  # in their order, for they are heard in it
        if arrival.fingerprint not in ids:
            fresh.setdefault(arrival.fingerprint, arrival)
    ids |= _insert_mails(connection, [_mail(arrival, vault, now) for arrival in fresh.values()])
    new_places: dict[_Place, dict[str, Any]] = {}
    news = []
    for arrival in arrivals:
        mail_id = ids[arrival.fingerprint]
        places = before[mail_id]
        known = places.get(_key(arrival.place))
        if known is None:
            new_places[_key(arrival.place)] = _place(arrival, mail_id, places.values())
        elif known["tags"].split() != sorted(arrival.tags):  # read again, with other tags than then
            _change(connection, arrival.place, {"tags": " ".join(sorted(arrival.tags))})
        said = {tag for place in places.values() for tag in place["tags"].split()}
        folders = {folder for _, folder, _, _ in places}
        news.append(StoreResult(mail_id, arrival.tags - said, arrival.place.folder not in folders))
        places[_key(arrival.place)] = {"wants": "", **(known or {}), "tags": " ".join(sorted(arrival.tags))}
    _put(connection, new_places)
    return news


def _put(connection: Connection, places: dict[_Place, dict[str, Any]]) -> None:
    """Write new places. A server that numbers anew without saying so puts another mail where one lay: it lies there now."""
    for key in (held := _held(connection, places)):
        _change(connection, MailLocation(*key), places[key])
    if fresh := [values for key, values in places.items() if key not in held]:
        insert_all(connection, LocationRow, fresh)


def _held(connection: Connection, places: dict[_Place, dict[str, Any]]) -> set[_Place]:
    """Return which of these places a mail has already; asked a folder at a time, as the index is made."""
    held: set[_Place] = set()
    for folder, alike in groupby(sorted(places), key=lambda place: place[:3]):
        for some in _chunks([uid for *_, uid in alike]):
            values = dict(zip(_NAMES, folder, strict=True))
            if some[-1] - some[0] < 2 * len(
                some
            ):  # UIDs in a row, as new mails have: their two ends say it cheaper
                rows = connection.execute(_BETWEEN, {**values, "first": some[0], "last": some[-1]})
            else:
                rows = connection.execute(_IN_FOLDER.where(_WHERE[3].in_(some)), values)
            held |= {(*folder, uid) for (uid,) in rows}
    return held & places.keys()


def _change(connection: Connection, place: MailLocation, values: dict[str, Any]) -> None:
    at = (column == value for column, value in zip(_WHERE, _key(place), strict=True))
    connection.execute(update(LocationRow).where(*at).values(**values))


def _known_mails(connection: Connection, fingerprints: Iterable[str]) -> dict[str, int]:
    columns = (col(MailRow.fingerprint), col(MailRow.id))
    return {
        fingerprint: number
        for some in _chunks(sorted(fingerprints))
        for fingerprint, number in connection.execute(
            select(*columns).where(col(MailRow.fingerprint).in_(some))
        )
        if number is not None
    }


def _known_places(connection: Connection, mail_ids: Iterable[int]) -> dict[int, dict[_Place, dict[str, str]]]:
    found: dict[int, dict[_Place, dict[str, str]]] = defaultdict(dict)
    columns: list[Any] = [
        col(LocationRow.mail_id),
        col(LocationRow.mailbox),
        col(LocationRow.folder),
        col(LocationRow.uidvalidity),
        col(LocationRow.uid),
        col(LocationRow.tags),
        col(LocationRow.wants),
    ]
    for some in _chunks(sorted(set(mail_ids))):
        rows = connection.execute(select(*columns).where(col(LocationRow.mail_id).in_(some)))
        for row in rows:
            mail_id, mailbox, folder, uidvalidity, uid, tags, wants = row
            found[mail_id][mailbox, folder, uidvalidity, uid] = {"tags": tags, "wants": wants}
    return found


def _insert_mails(connection: Connection, rows: list[dict[str, Any]]) -> dict[str, int]:
    if not rows:
        return {}
    last = connection.execute(_LAST).scalar() or 0
    insert_all(connection, MailRow, rows)
    fresh = connection.execute(_AFTER, {"last": last})
    return {fingerprint: number for fingerprint, number in fresh if number is not None}


def _mail(arrival: IncomingMail, vault: Vault, now: datetime) -> dict[str, Any]:
    message = arrival.message or Message(kind=Kind.CUSTOMER, because=arrival.reason)
    return {
        "fingerprint": arrival.fingerprint,
        "mailbox": arrival.place.mailbox,
        "message_id": message.message_id,
        "echo": echo_of(message.text, vault),
        "sender_address": message.sender.address.lower(),
        "kind": message.kind.value,
        "in_sent": arrival.in_sent,
        "state": (MailState.UNPROCESSED if arrival.message else MailState.QUARANTINED).value,
        "reason": arrival.reason,
        "kept_at": now,
        "received_at": arrival.received_at,
        "sealed": encrypt_value(vault, MESSAGE, message),
        "raw": vault.encrypt(arrival.raw) if arrival.raw is not None else None,
    }


def echo_of(text: str, vault: Vault) -> str:
    """Return what two mails share that differ only in numbers and white space; "" for a few words, which people repeat."""
    folded = text[:2_000].casefold()
    words = folded.translate(_LETTERS).split() if folded.isascii() else _WORD.findall(folded)
    return vault.fingerprint(" ".join(words)) if len(words) >= _FEWEST_WORDS else ""


def _place(arrival: IncomingMail, mail_id: int, others: Iterable[dict[str, str]]) -> dict[str, Any]:
    """A mail that is moved or numbered anew wants the marks that it wanted where it lay before."""
    wants = QUARANTINE_MARK if arrival.message is None else next((other["wants"] for other in others), "")
    return {
        "mailbox": arrival.place.mailbox,
        "folder": arrival.place.folder,
        "uidvalidity": arrival.place.uidvalidity,
        "uid": arrival.place.uid,
        "mail_id": mail_id,
        "tags": " ".join(sorted(arrival.tags)),
        "wants": wants,
        "marks": "",
        "unmarked": bool(wants),
        "gone": False,
    }


def _key(place: MailLocation) -> _Place:
    return place.mailbox, place.folder, place.uidvalidity, place.uid


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
