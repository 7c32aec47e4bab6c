"""What a mail server can do for us, for `check --online`."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from followupd.adapters.imap.client import Client
from followupd.adapters.imap.responses import moment

CLOCK_DRAFT = b"Subject: followupd looks at this server's clock; please delete\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a server can do, for `check --online`. `keywords` says of each folder whether it takes tags of ours.

    `tls` is the protocol that seals the line ("TLSv1.3"), "" for a line within this machine.
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
    clock_ahead: timedelta | None  # the server's clock against ours; None when it cannot be seen


def surveyed(
    client: Client, special: tuple[str, str, str], keywords: Mapping[str, bool], ahead: timedelta | None
) -> Survey:
    """Put together what the capabilities say; `special` are inbox, sent and drafts."""
    can = frozenset(word.decode("ascii", "replace") for word in client.capabilities())
    inbox, sent, drafts = special
    return Survey(
        capabilities=can,
        idle="IDLE" in can,
        condstore="CONDSTORE" in can,
        move="MOVE" in can,
        uidplus="UIDPLUS" in can,
        gmail="X-GM-EXT-1" in can,
        inbox=inbox,
        sent=sent,
        drafts=drafts,
        keywords=keywords,
        tls=_tls(client),
        clock_ahead=ahead,
    )


def _tls(client: Client) -> str:
    line = client.socket()
    return line.version() or "" if isinstance(line, ssl.SSLSocket) else ""


def clock_ahead(client: Client, drafts: str, now: datetime) -> timedelta | None:
    """Compare the server's clock with ours, by the time it gives a draft that is expunged at once; None if it cannot be.

    IMAP has no word for the time of day. Leaves `drafts` selected.
    """
    if not client.has_capability("UIDPLUS"):
        return None
    uid = client.append_uid(drafts, CLOCK_DRAFT, ("\\Deleted", "\\Seen"))
    client.select(drafts)
    arrived = moment(client.fetch_rows([uid], "(INTERNALDATE)").get(uid, {}).get(b"INTERNALDATE"))
    client.uid_expunge([uid])
    return arrived - now if arrived else None
