"""The folders of a mailbox.

What each is for, and how the server spells a name that an administrator wrote with "/".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from followupd.adapters.imap.client import Client
from followupd.languages import catalogue

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
        """Ask the server for its folders, their special uses and the user's namespace (RFC 6154, RFC 2342)."""
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
