"""Which folders a mailbox has, what each is for, and how the server writes a name that an admin wrote with "/"."""

from collections.abc import Iterable
from dataclasses import dataclass

from followupd.adapters.imap.client import Client

SENT, DRAFTS = "\\sent", "\\drafts"  # special uses, lower-case
#: names that people meet in their mail clients, casefolded; asked only when the server names no special use (RFC 6154)
SENT_NAMES = (
    "sent",
    "sent items",
    "sent messages",
    "sent mail",
    "gesendet",
    "gesendete objekte",
    "gesendete elemente",
    "envoyés",
    "éléments envoyés",
    "messages envoyés",
    "enviados",
    "elementos enviados",
    "itens enviados",
    "enviadas",
    "posta inviata",
    "inviati",
    "inviata",
    "verzonden",
    "verzonden items",
    "skickat",
    "skickade",
    "sendt",
    "sendte elementer",
    "lähetetyt",
    "wysłane",
    "elementy wysłane",
    "odeslané",
    "odeslaná pošta",
    "odoslané",
    "trimise",
    "elküldött",
    "gönderilmiş",
    "gönderilmiş öğeler",
    "απεσταλμένα",
    "отправленные",
    "надіслані",
    "送信済み",
    "送信済みアイテム",
    "已发送",
    "已傳送",
    "보낸 편지함",
)
DRAFT_NAMES = (
    "drafts",
    "draft",
    "entwürfe",
    "brouillons",
    "borradores",
    "rascunhos",
    "bozze",
    "concepten",
    "utkast",
    "kladder",
    "luonnokset",
    "wersje robocze",
    "szkice",
    "koncepty",
    "rozepsané",
    "ciorne",
    "piszkozatok",
    "taslaklar",
    "πρόχειρα",
    "черновики",
    "чернетки",
    "下書き",
    "草稿",
    "草稿箱",
    "임시 보관함",
)


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one mailbox as they were listed; `special` maps a special use, lower-case, to a name."""

    names: frozenset[str]
    special: dict[str, str]
    prefix: str  # of the user's own folders: "" or "INBOX."
    delimiter: str

    @classmethod
    def listed(cls, client: Client) -> "Folders":
        names: list[str] = []
        special: dict[str, str] = {}
        delimiter = "/"
        for flags, between, name in client.folders():
            if not flags & {"\\noselect", "\\nonexistent"}:
                names.append(name)
                special |= {use: name for use in flags & {SENT, DRAFTS} if use not in special}
            delimiter = between or delimiter
        prefix, delimiter = _own_namespace(client, delimiter)
        return cls(frozenset(names), special, prefix, delimiter)

    def written(self, name: str) -> str:
        """Return the server's name for a folder: as it is if there is one, else in the server's own notation."""
        if name.upper() == "INBOX":
            return "INBOX"
        if name in self.names:
            return name
        own = name.replace("/", self.delimiter)
        return own if own in self.names or own.startswith(self.prefix) else self.prefix + own

    def has(self, name: str) -> bool:
        return name.upper() == "INBOX" or self.written(name) in self.names

    def sent(self) -> str:
        return self._for(SENT, SENT_NAMES)

    def drafts(self) -> str:
        return self._for(DRAFTS, DRAFT_NAMES)

    def _for(self, use: str, customary: Iterable[str]) -> str:
        """Find a folder by its special use, else by the name that clients of many languages give it; "" for none."""
        if use in self.special:
            return self.special[use]
        by_name = {name.removeprefix(self.prefix).casefold(): name for name in sorted(self.names)}
        return next((by_name[name] for name in customary if name in by_name), "")


def _own_namespace(client: Client, delimiter: str) -> tuple[str, str]:
    if not client.has_capability("NAMESPACE"):
        return "", delimiter
    personal = client.namespace().personal
    prefix, between = personal[0] if personal else ("", delimiter)
    return str(prefix), str(between or delimiter)
