"""A mail as the daemon understands it, and as the ledger stores it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a mail is, decided by headers and structure before its text is read (RFC 3834, 3464, 2919)."""

    CUSTOMER = "customer"
    AGENT = "agent"
    OWN = "own"
    AUTO_REPLY = "auto-reply"
    BOUNCE = "bounce"
    LIST = "list"


class MailState(StrEnum):
    """Whether a stored mail was handled. The values are stored in the ledger."""

    #: not handled yet
    UNPROCESSED = "unheard"
    #: handled: it belongs to a case, or there is a reason why it does not
    PROCESSED = "heard"
    #: a person must look at it
    QUARANTINED = "quarantine"


#: the stored reason of a mail without a case that an agent dismissed; the recogniser is trained on it
DISMISSED_BY_AGENT = "an agent said that it is no complaint"
#: the stored reason of a mail of which it is not certain that it is no complaint; the digest lists it
HARDLY_ANY = "too little speaks for a complaint, and not so little that it is certain; the digest lists it"
#: the stored reason of a mail in a language that the recogniser does not know; the digest lists it
UNKNOWN_LANGUAGE = "its language is unknown here, and nothing speaks for a complaint; the digest lists it"

#: the source of a command that was given by removing a tag
UNTAGGED = "untag"
#: the source of a command that is the move of a mail into a folder
FROM_FOLDER = "folder"
#: the stored reason of a note whose lines were all done; it is filed in Sent
NOTE_DONE = "a note, and all of it was done"


@dataclass(frozen=True, slots=True)
class Person:
    """A mail address with its domain in lower-case ASCII, and the display name ("" when there is none)."""

    address: str
    name: str = ""

    @property
    def shown(self) -> str:
        """The display name, else the address."""
        return self.name or self.address

    @property
    def mailbox(self) -> str:
        """Name and address as a person reads them in a header; a name is not quoted."""
        return f"{self.name} <{self.address}>" if self.name else self.address


def addresses_of(people: Iterable[Person]) -> set[str]:
    """Return the addresses of people in the form in which they are compared: case does not count."""
    return {person.address.casefold() for person in people}


@dataclass(frozen=True, slots=True)
class MailLocation:
    """Where a mail is stored. `uid` is only unique together with `uidvalidity` (RFC 9051, 2.3.1.1)."""

    mailbox: str
    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a delivery report says about one of our letters (RFC 3464).

    `permanent` is False for delays and successes. `bad_address` means that the mailbox does not exist: 5.1.x,
    5.2.1, 5.4.4.
    """

    recipient: str = ""
    original_message_id: str = ""
    action: str = ""
    status: str = ""
    permanent: bool = True
    bad_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One parsed mail. Texts are plain Unicode with line feeds.

    A missing value is "" or empty, never None.
    """

    kind: Kind
    #: why it is of this kind, for `followupd read` and the audit
    because: str
    #: the kind rests on signs that people's mails may have, too; one that complains is a customer's all the same
    words_decide: bool = False
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    #: the customer, where a form, a marketplace or a colleague handed the mail on
    sender: Person = Person("")
    #: who handed it on, None for most mails
    via: Person | None = None
    #: why an agent must say who the customer is, "" when that is certain
    unsure_of: str = ""
    #: a colleague of the agents wrote it: the address is in the domain of a mailbox of ours
    from_us: bool = False
    reply_to: Person | None = None
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    subject: str = ""
    sent_at: datetime | None = None
    #: the new text, without quotes and signature
    text: str = ""
    #: lines of `text` that may be quoted; no promise is read from them
    doubtful: tuple[str, ...] = ()
    #: lines of `text` that stand in the quote, each behind the quoted lines right above it
    between: tuple[tuple[str, str], ...] = ()
    quoted: str = ""
    signature: str = ""
    #: why a machine must not answer this mail, "" when it may (RFC 3834, section 2)
    no_answer: str = ""
    #: why the sender is not believed, "" when it is; commands in such a mail are ignored
    forged: str = ""
    #: why our mail servers do not confirm the sender, "" when they do or when none is trusted
    unproven: str = ""
    #: whether a trusted mail server of ours confirms the sender; False where none is trusted
    proven: bool = False
    #: the letter key, when this is a copy of our own letter with a valid signature
    own_key: str = ""
    #: whether it is from us and to others alone, as the copies of our letters are
    is_blind_copy: bool = False
    #: the letter key in X-Followupd-Key; it does not prove who wrote the mail
    key_header: str = ""
    #: keys of our letters that In-Reply-To and References name, with valid signatures
    answers: tuple[str, ...] = ()
    #: the case reference in the subject, such as "FU-7K3Q9"; it does not prove who wrote the mail
    case_token: str = ""
    bounce: Bounce | None = None
    #: the date of return in an absence note
    back_on: datetime | None = None
    #: the customer, when an agent or a colleague forwards a customer's mail
    forwarded_from: Person | None = None
    #: the new words of the mail that is forwarded
    forwarded_text: str = ""
    #: file names, for people
    attachments: tuple[str, ...] = ()
    #: why a person must open it: encrypted, attachments only, winmail.dat
    by_hand: str = ""

    @property
    def thread(self) -> tuple[str, ...]:
        """Every Message-ID that this mail names, nearest ancestor last."""
        others = [name for name in self.in_reply_to if name not in self.references]
        return (*self.references, *others)

    @property
    def desk_mails(self) -> tuple[str, ...]:
        """The keys of our mails to agents that this mail answers."""
        return tuple(key for key in self.answers if "desk/" in key)

    @property
    def certain_text(self) -> str:
        """The new text without the lines that may be quoted."""
        lines = [line for line in self.text.splitlines() if line not in self.doubtful]
        return "\n".join(lines)

    @property
    def distrusted(self) -> str:
        """Why a mail gives no orders and answers nothing, so that a person decides; "" if it may (R6)."""
        return self.forged or self.unproven


@dataclass(frozen=True, slots=True)
class Identity:
    """Our own addresses and keys, by which our mail is told from other people's.

    `addresses`, `agents` and `forms` (addresses of our web forms) are lower-case, `groups` the List-Id values of
    our support groups, `authserv` the authserv-ids whose Authentication-Results are trusted (RFC 8601).

    `letter_key(message_id)` returns the key from which a Message-ID of ours was derived, or "" when it is not
    ours or its signature is wrong. `earlier(message_id)` returns the text of an earlier mail of the thread,
    or "".
    """

    addresses: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    authserv: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    letter_key: Callable[[str], str] = field(default=lambda _: "", compare=False)
    earlier: Callable[[str], str] = field(default=lambda _: "", compare=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a mail is a complaint, and why.

    `verdict` is complaint, suspected or no; `score` is between 0 and 1. `evidence` are the words that counted
    for (+) and against (-) it, strongest first; `cues` the names of the cue groups that matched. `level` is how
    severe the words are (low, normal, high), "" where only the cues tell.
    """

    verdict: str
    score: float
    evidence: tuple[tuple[str, float], ...] = ()
    cues: frozenset[str] = frozenset()
    because: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """A mail as it was fetched. `message` is None when it could not be parsed, for `reason`."""

    place: MailLocation
    fingerprint: str
    received_at: datetime
    tags: frozenset[str]
    in_sent: bool
    message: Message | None
    reason: str = ""
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoreResult:
    """Result of storing a mail: its id, the tags not seen before, and whether the folder is new for it.

    `returned` says that it was moved out of this folder by us, and is there again.
    """

    mail_id: int
    tags: frozenset[str]
    folder: bool
    returned: bool = False


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail in the ledger."""

    id: int
    mailbox: str
    message: Message
    in_sent: bool
    received_at: datetime
    case_ref: str | None
    state: MailState
    reason: str
    #: the hash of its bytes, by which it is recognised wherever it is
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A line that a tag or a folder means, not executed yet."""

    id: int
    mail_id: int
    line: str
    source: str
    said_at: datetime


@dataclass(frozen=True, slots=True)
class TagUpdate:
    """Status tags to add to one mail and to remove from it, so that agents see where its case stands."""

    place_id: int
    uid: int
    add: tuple[str, ...]
    remove: tuple[str, ...]
