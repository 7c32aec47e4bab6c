"""What a mail server supports, for `check --online`."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from followupd.adapters.imap.client import Client
from followupd.adapters.imap.responses import as_datetime

CLOCK_DRAFT = b"Subject: followupd looks at this server's clock; please delete\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a server supports.

    `keywords` says of each folder whether it accepts our tags. `tls` is the protocol of the connection
    ("TLSv1.3"), "" without TLS. `clock_ahead` is the server's clock minus ours, None when it cannot be read.
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
    clock_ahead: timedelta | None


def survey_of(
    client: Client, folders: tuple[str, str, str], keywords: Mapping[str, bool], clock_ahead: timedelta | None
) -> Survey:
    """Return what the server's capabilities say.

    Args:
        client: a connection that is logged in.
        folders: the names of inbox, sent and drafts, "" for one that does not exist.
        keywords: for each folder, whether it accepts keywords of any name.
        clock_ahead: the server's clock minus ours, None when it could not be read.
    """
    capabilities = frozenset(word.decode("ascii", "replace") for word in client.capabilities())
    inbox, sent, drafts = folders
    return Survey(
        capabilities=capabilities,
        idle="IDLE" in capabilities,
        condstore="CONDSTORE" in capabilities,
        move="MOVE" in capabilities,
        uidplus="UIDPLUS" in capabilities,
        gmail="X-GM-EXT-1" in capabilities,
        inbox=inbox,
        sent=sent,
        drafts=drafts,
        keywords=keywords,
        tls=_tls_version(client),
        clock_ahead=clock_ahead,
    )


def _tls_version(client: Client) -> str:
    """Return the TLS version of the connection ("TLSv1.3"), "" without TLS."""
    connection = client.socket()
    if not isinstance(connection, ssl.SSLSocket):
        return ""
    return connection.version() or ""


def read_clock_ahead(client: Client, drafts: str, now: datetime) -> timedelta | None:
    """Return the server's clock minus ours.

    IMAP has no command for the time of day. A draft is appended and expunged at once, and the date that the
    server gives it is compared. Leaves `drafts` selected.

    Returns:
        None without UIDPLUS, which is needed to expunge just this draft, or when the server tells no date.
    """
    if not client.has_capability("UIDPLUS"):
        return None

    uid = client.append_uid(drafts, CLOCK_DRAFT, ("\\Deleted", "\\Seen"))
    client.select(drafts)
    row = client.fetch_rows([uid], "(INTERNALDATE)").get(uid, {})
    arrived = as_datetime(row.get(b"INTERNALDATE"))
    client.uid_expunge([uid])
    return arrived - now if arrived else None
