"""The folders of a mailbox, what each is for, and what its server supports."""

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from followupd.adapters.imap.client import Client
from followupd.adapters.imap.responses import as_datetime
from followupd.languages import catalogue

CLOCK_DRAFT = b"Subject: followupd looks at this server's clock; please delete\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a server supports.

    `keywords` says of each folder whether it accepts our tags. `tls` is the protocol of the connection
    ("TLSv1.3"), "" without TLS. `clock_ahead` is the server's clock minus ours, None when it cannot be read. `door` is
    "imap", or "graph" for Microsoft Graph.
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
    door: str = "imap"


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


SENT, DRAFTS = "\\sent", "\\drafts"  # special uses, lower-case
#: names that mail clients give, casefolded; used only where the server names no special use (RFC 6154)
SENT_NAMES = catalogue().mail_clients.folders.sent
DRAFT_NAMES = catalogue().mail_clients.folders.drafts


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one mailbox as they were listed.

    `special` maps a special use, lower-case, to a folder. `prefix` is that of the user's own folders: "" or
    "INBOX.".
    """

    names: frozenset[str] = frozenset()
    special: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    delimiter: str = "/"

    @classmethod
    def listed(cls, client: Client) -> "Folders":
        """Ask the server for its folders, their special uses and its namespace (RFC 6154, RFC 2342)."""
        names: list[str] = []
        special: dict[str, str] = {}
        delimiter = "/"
        for flags, folder_delimiter, name in client.folders():
            delimiter = folder_delimiter or delimiter
            if flags & {"\\noselect", "\\nonexistent"}:
                continue
            names.append(name)
            for use in flags & {SENT, DRAFTS}:
                special.setdefault(use, name)

        prefix, delimiter = _personal_namespace(client, delimiter)
        return cls(frozenset(names), special, prefix, delimiter)

    def server_name(self, name: str) -> str:
        """Return the server's name of a folder.

        One that exists keeps its name. Any other is translated into the server's notation: its delimiter for
        "/", and the prefix of the user's own folders.
        """
        if name.upper() == "INBOX":
            return "INBOX"
        if name in self.names:
            return name
        translated = name.replace("/", self.delimiter)
        if translated in self.names or translated.startswith(self.prefix):
            return translated
        return self.prefix + translated

    def user_names(self) -> list[str]:
        """Return the user's own folders as people write them, "/" between their parts, sorted.

        One that `server_name` does not lead back to keeps the server's name.
        """
        plain = {name.removeprefix(self.prefix).replace(self.delimiter, "/"): name for name in self.names}
        return sorted(plain if self.server_name(plain) == name else name for plain, name in plain.items())

    def has(self, name: str) -> bool:
        """Whether the folder exists."""
        return name.upper() == "INBOX" or self.server_name(name) in self.names

    def sent(self) -> str:
        """Return the folder of sent mail; "" when there is none."""
        return self._find(SENT, SENT_NAMES)

    def drafts(self) -> str:
        """Return the folder of drafts; "" when there is none."""
        return self._find(DRAFTS, DRAFT_NAMES)

    def _find(self, use: str, usual_names: Iterable[str]) -> str:
        """Find a folder by its special use, else by a name that mail clients of many languages give it.

        Returns:
            The folder's name; "" when there is none.
        """
        if use in self.special:
            return self.special[use]
        by_name = {name.removeprefix(self.prefix).casefold(): name for name in sorted(self.names)}
        return next((by_name[name] for name in usual_names if name in by_name), "")


def _personal_namespace(client: Client, delimiter: str) -> tuple[str, str]:
    """Return prefix and delimiter of the user's own folders (RFC 2342).

    Without NAMESPACE there is no prefix, and the delimiter of LIST is kept.
    """
    if not client.has_capability("NAMESPACE"):
        return "", delimiter
    personal = client.namespace().personal
    if not personal:
        return "", delimiter
    prefix, own_delimiter = personal[0]
    return str(prefix), str(own_delimiter or delimiter)
